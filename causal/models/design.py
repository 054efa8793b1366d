"""From a regression and a table to the numbers that are multiplied.

`design` is the matrix as written in the formula: ones, numeric columns, one 0/1 column for each
level of a category (index coding). Beside an intercept its columns are dependent by construction,
which the priors of the levels resolve. `reference_design` drops the first level of each category
and is what least squares needs. `statistic` reduces the rows to `Moments`, in blocks.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from causal.data.moments import Moments
from causal.errors import ModelError, shown
from causal.models.regression import Categorical, Numeric, Regression, Term

if TYPE_CHECKING:
    from causal.data.table import Table

__all__ = [
    "column_keys",
    "dependent_columns",
    "design",
    "outcome_key",
    "reference_design",
    "response",
    "statistic",
]

Array = NDArray[np.float64]
Key = tuple[str, ...]

_BLOCK = 16_384

# A column whose part outside the span of the earlier ones is this small carries nothing but
# rounding; NIST's hardest data set (Filip, a polynomial of degree 10) is far above it.
_DEPENDENT = 1e-12


def column_keys(regression: Regression) -> tuple[Key, ...]:
    """What `statistic` calls the columns of the design, ones left out.

    ``(variable,)`` for a numeric column and ``(variable, level)`` for a level: pairs, because no
    way of writing both in one text is safe from a column named like the other's level.
    """
    return tuple(key for term in regression.terms for key in _keys(term))


def outcome_key(regression: Regression) -> Key:
    """What `statistic` calls the outcome's column."""
    return (regression.outcome,)


def design(regression: Regression, table: Table, rows: slice = slice(None)) -> Array:
    """The design matrix, index-coded: columns as in `coefficient_names` without sigma.

    Parameters
    ----------
    rows
        Which rows of the table, for reading it in blocks.

    Returns
    -------
    (rows, k) array in the data's own units, not centred.

    Raises
    ------
    ModelError
        If a column is not of the kind that the regression says, or has a level it does not know.
    """
    return _matrix(regression, table, rows, first_level=0)


def reference_design(regression: Regression, table: Table, rows: slice = slice(None)) -> Array:
    """The same with the first level of each category dropped: it is the reference."""
    return _matrix(regression, table, rows, first_level=1)


def response(regression: Regression, table: Table, rows: slice = slice(None)) -> Array:
    """The outcome, (rows,): as it is, or 0/1 (the larger of two values is 1) for Bernoulli."""
    values = table[regression.outcome].values
    if regression.family == "bernoulli":
        is_larger: Array = (values[rows] == np.max(values)).astype(np.float64)
        return is_larger
    chosen: Array = values[rows]
    return chosen


def statistic(
    regressions: Iterable[Regression], table: Table, *, rows_per_block: int = _BLOCK
) -> Moments:
    """The `Moments` that all these regressions can be fitted from, in one pass over the rows.

    The columns are the union of theirs and of their outcomes, named by `column_keys` and
    `outcome_key`; several regressions share them, each takes its own by `Moments.select`.
    """
    regressions = tuple(regressions)
    columns: dict[Key, Term | None] = {}
    for regression in regressions:
        for term in regression.terms:
            columns.update(dict.fromkeys(_keys(term), term))
        columns.setdefault(outcome_key(regression), None)
    sources = [(_checked(table, term, key), key) for key, term in columns.items()]

    def blocks() -> Iterator[Array]:
        for start in range(0, table.rows, rows_per_block):
            rows = slice(start, start + rows_per_block)
            block = np.empty((min(rows.stop, table.rows) - start, len(sources)))
            for place, ((values, index), _) in enumerate(sources):
                block[:, place] = values[rows] if index is None else values[rows] == index
            yield block

    return Moments.of_blocks(blocks(), tuple(columns))


def dependent_columns(regression: Regression, data: Table | Moments) -> dict[str, tuple[str, ...]]:
    """Predictors that others determine: the variable, and those it is a linear function of.

    Judged on the reference-coded design, so that index coding is no fault. Beside an intercept the
    columns are centred; all are scaled to norm 1, and a column is dependent where less than 1e-12
    of it lies outside the span of the columns before it. A predictor with one value is a function
    of nothing, ``()``, beside an intercept.

    Parameters
    ----------
    data
        The rows used, or their `statistic`.
    """
    moments = data if isinstance(data, Moments) else statistic([regression], data)
    reference = [
        (term.variable, key)
        for term in regression.terms
        for key in (_keys(term) if isinstance(term, Numeric) else _keys(term)[1:])
    ]
    names = [name for name, _ in reference]
    columns = _unit_columns(moments, [key for _, key in reference], regression)
    diagonal = np.abs(np.diagonal(np.linalg.qr(columns, mode="r")))
    if len(diagonal) == len(names) and np.all(diagonal >= _DEPENDENT):
        return {}  # the usual case, without the search for who depends on whom
    found: dict[str, dict[str, None]] = {}
    independent: list[int] = []
    for place in range(columns.shape[1]):
        column = columns[:, place]
        earlier = columns[:, independent]
        weights = np.linalg.lstsq(earlier, column, rcond=None)[0] if independent else np.empty(0)
        # Twice: the second projection removes what rounding left of the first.
        rest = column - earlier @ weights
        if independent:
            rest = rest - earlier @ np.linalg.lstsq(earlier, rest, rcond=None)[0]
        if np.linalg.norm(rest) >= _DEPENDENT:
            independent.append(place)
            continue
        others = found.setdefault(names[place], {})
        for other, weight in zip(independent, weights, strict=True):
            if abs(weight) > 1e-8 and names[other] != names[place]:
                others[names[other]] = None
    return {name: tuple(others) for name, others in found.items()}


def _unit_columns(moments: Moments, keys: Sequence[Hashable], regression: Regression) -> Array:
    """The columns' triangle scaled to norm 1, centred beside an intercept; 0 where constant."""
    places = [moments.names.index(key) + 1 for key in keys]
    if regression.priors.intercept is not None:
        columns = moments.triangle[1:, places]
        # A constant that is not exactly its computed mean leaves noise that must not be scaled up.
        size = np.abs(moments.means[[p - 1 for p in places]]) * np.sqrt(max(moments.rows, 1))
    else:
        columns = moments.shifted(np.zeros(len(moments.names)))[:, places]
        size = np.zeros(len(places))
    norms = np.linalg.norm(columns, axis=0)
    real = norms > 1e-14 * size
    return np.where(real, columns / np.where(real, norms, 1.0), 0.0)


def _keys(term: Term) -> tuple[Key, ...]:
    if isinstance(term, Categorical):
        return tuple((term.variable, level) for level in term.levels)
    return ((term.variable,),)


def _checked(table: Table, term: Term | None, key: Key) -> tuple[Array, int | None]:
    """A column's values, and for a level its index among them (-1: no row has it)."""
    column = table[key[0]]
    if term is None or isinstance(term, Numeric):
        if term is not None and column.kind == "category":
            raise ModelError(
                f"{shown(key[0])} is a category in the data but a number in the model: build the "
                "regression from the table it is fitted on."
            )
        return column.values, None
    if column.kind != "category":
        raise ModelError(
            f"{shown(key[0])} is a number in the data but a category in the model: read it with "
            "--categorical."
        )
    for level in column.levels:
        if level not in term.levels:
            raise ModelError(
                f"{shown(key[0])} has a level {shown(level)} that the regression does not know: "
                "build the regression from the table it is fitted on."
            )
    return column.values, column.levels.index(key[1]) if key[1] in column.levels else -1


def _matrix(regression: Regression, table: Table, rows: slice, first_level: int) -> Array:
    count = len(range(*rows.indices(table.rows)))
    parts = [np.ones((count, 1))] if regression.priors.intercept is not None else []
    for term in regression.terms:
        keys = _keys(term) if isinstance(term, Numeric) else _keys(term)[first_level:]
        for key in keys:
            values, index = _checked(table, term, key)
            column = values[rows] if index is None else (values[rows] == index)
            parts.append(column.astype(np.float64)[:, None])
    return np.concatenate(parts, axis=1) if parts else np.empty((count, 0))

"""From a regression and a table to the numbers that are multiplied.

`design` is the matrix as written in the formula, one column for each of ``regression.columns``.
Beside an intercept, categories by index make its columns dependent by construction, which priors
resolve; `told_apart` names those that least squares needs, and `reference_design` holds no others.
`statistic` reduces the rows to `Moments`, in blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from causal.data.large import Factor, LargeTable, Product
from causal.data.moments import Moments
from causal.errors import DataError, ModelError, shown
from causal.models.regression import Regression
from causal.models.terms import (
    Atom,
    Categorical,
    Column,
    Interaction,
    Level,
    Log,
    Numeric,
    Power,
    Varying,
    categories,
    columns,
    told_apart,
    written,
)

if TYPE_CHECKING:
    from causal.data.table import Table

__all__ = [
    "Key",
    "all_keys",
    "atom_values",
    "averages",
    "check_levels",
    "column_keys",
    "columns_without_rows",
    "dependent_columns",
    "design",
    "keyed_columns",
    "keyed_values",
    "mean_sd",
    "needed",
    "offset",
    "outcome_key",
    "product_of",
    "reference_design",
    "response",
    "statistic",
    "summed",
    "sums_for",
    "trials",
]

Array = NDArray[np.float64]
Key = tuple[tuple[Atom, float], ...]
"""A column of a `statistic`: atoms, and what is subtracted from each before they are multiplied."""

_BLOCK = 16_384

# A column whose part outside the span of the earlier ones is this small carries nothing but
# rounding; NIST's hardest data set (Filip, a polynomial of degree 10) is far above it.
_DEPENDENT = 1e-12


def column_keys(regression: Regression) -> tuple[Key, ...]:
    """What `statistic` calls the columns of the design, ones left out.

    A product is one of centred numbers. A column of one number is kept as it is, whatever its
    centre: shifting it later costs nothing, and several regressions can share it.
    """
    centres = regression.priors.centres
    return tuple(_key(column, centres) for column in regression.columns if column)


def outcome_key(regression: Regression) -> Key:
    """What `statistic` calls the outcome's column."""
    return ((Numeric(regression.outcome), 0.0),)


def sums_for(regression: Regression, moments: Moments) -> Moments:
    """The statistic of one regression: its columns, then its outcome less its offsets.

    Parameters
    ----------
    moments
        From `statistic`, perhaps of several regressions.
    """
    keys = (*column_keys(regression), outcome_key(regression))
    if not regression.offsets:
        return moments if moments.names == keys else moments.select(keys)
    chosen = moments.select(all_keys(regression))
    weights = np.eye(len(chosen.names), len(keys))
    weights[len(keys) :, -1] = -1.0
    return chosen.combined(keys, weights)


def all_keys(regression: Regression) -> tuple[Key, ...]:
    """All that a `statistic` needs for one regression: columns, outcome, offsets."""
    offsets = (((atom, 0.0),) for atom in regression.offsets)
    return (*column_keys(regression), outcome_key(regression), *offsets)


def needed(regression: Regression) -> NDArray[np.bool_]:
    """Which columns of the design least squares needs, (k,): see `terms.told_apart`.

    All of those that vary by a category: their priors, not the data alone, tell them apart.
    """
    intercept = regression.priors.intercept is not None
    mask = iter(told_apart(regression.terms, intercept=intercept or regression.family == "ordered"))
    found = [True] if intercept else []
    for term in regression.terms:
        varies = isinstance(term, Varying)
        found += [True if varies else next(mask) for _ in columns(term)]
    return np.array(found, dtype=np.bool_)


def design(regression: Regression, table: Table, rows: slice = slice(None)) -> Array:
    """The design matrix, index-coded: columns as in ``regression.linear_names``.

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
    check_levels(regression, table)
    count = len(range(*rows.indices(table.rows)))
    matrix = np.ones((count, len(regression.columns)))
    known: dict[Atom, Array] = {}
    for place, column in enumerate(regression.columns):
        for atom in column:
            if atom not in known:
                known[atom] = atom_values(atom, table, rows)
            matrix[:, place] *= known[atom]
    return matrix


def reference_design(regression: Regression, table: Table, rows: slice = slice(None)) -> Array:
    """The columns of `design` that are `needed`: the first level of a category is the reference."""
    matrix: Array = design(regression, table, rows)[:, needed(regression)]
    return matrix


def offset(regression: Regression, table: Table) -> Array:
    """What is added to the linear predictor as it is, (rows,)."""
    total = np.zeros(table.rows)
    for one in regression.offsets:
        total = total + atom_values(one, table)
    return total


def response(regression: Regression, table: Table, rows: slice = slice(None)) -> Array:
    """The outcome, (rows,).

    As it is, but 0/1 for two values (the larger is 1) and the number of the grade, from 0, for an
    ordered outcome.
    """
    values = table[regression.outcome].values
    if regression.family in ("bernoulli", "cells"):
        is_larger: Array = (values[rows] == np.max(values)).astype(np.float64)
        return is_larger
    if regression.family == "ordered":
        return np.searchsorted(np.array(regression.grades), values[rows]).astype(np.float64)
    chosen: Array = values[rows]
    return chosen


def trials(regression: Regression, table: Table) -> Array:
    """How many trials each row stands for, (rows,): ones, but for a binomial outcome."""
    if regression.trials is None:
        return np.ones(table.rows)
    values: Array = table[regression.trials].values
    return values


def atom_values(atom: Atom, table: Table, rows: slice = slice(None)) -> Array:
    """One number a row, (rows,)."""
    column = table[atom.variable]
    if isinstance(atom, Level):
        if column.kind != "category":
            raise ModelError(
                f"{shown(atom.variable)} is a number in the data but a category in the model: read "
                "it with --categorical."
            )
        place = column.levels.index(atom.label) if atom.label in column.levels else -1
        is_level: Array = (column.values[rows] == place).astype(np.float64)
        return is_level
    if column.kind == "category":
        raise ModelError(
            f"{shown(atom.variable)} is a category in the data but a number in the model: build "
            "the regression from the table it is fitted on."
        )
    values: Array = column.values[rows]
    match atom:
        case Log():
            values = np.log(values)
        case Power():
            values = (values - atom.centre) ** atom.exponent
    return values


def mean_sd(atom: Atom, table: Table) -> tuple[float, float]:
    """Mean and sd (divisor n) over the rows, safe for very large, very small and far-off values.

    Raises
    ------
    DataError
        No rows, or the same value in all of them.
    """
    called = shown(atom.variable)
    if isinstance(table, LargeTable) and isinstance(atom, Level):
        rows = dict(zip(table[atom.variable].levels, table[atom.variable].level_rows, strict=True))
        share = float(rows.get(atom.label, 0)) / table.rows
        if share in (0.0, 1.0):
            raise _unvaried(called)
        return share, math.sqrt(share * (1.0 - share))
    if isinstance(table, LargeTable):
        moments = summed([((atom, 0.0),)], table)
        mean, rest = float(moments.means[0]), float(np.linalg.norm(moments.triangle[1:, 1:]))
        if rest <= 1e-14 * math.sqrt(moments.rows) * abs(mean):
            raise _unvaried(called)
        return mean, rest / math.sqrt(moments.rows)
    values = atom_values(atom, table)
    if values.size == 0:
        raise DataError(f"{called} has no rows, so there is nothing to fit.")
    if np.ptp(values) == 0.0:
        raise _unvaried(called)
    first = float(values[0])
    away = values - first
    unit = float(np.max(np.abs(away)))
    away = away / unit
    weights = table.weights
    if weights is None:
        return first + unit * float(np.mean(away)), unit * float(np.std(away))
    mean = float(np.average(away, weights=weights))
    variance = float(np.average((away - mean) ** 2, weights=weights))
    return first + unit * mean, unit * math.sqrt(variance)


def _unvaried(called: str) -> DataError:
    return DataError(
        f"{called} has the same value in every row used, so it has no scale and no effect can be "
        "told. Leave it out."
    )


def averages(columns: Sequence[Column], table: Table) -> Array:
    """The average over the rows of each column of a design, not centred: (len(columns),)."""
    if not columns:
        return np.zeros(0)
    if not isinstance(table, LargeTable):
        products = (
            math.prod((atom_values(atom, table) for atom in column), start=np.ones(table.rows))
            for column in columns
        )
        return np.array([np.average(one, weights=table.weights) for one in products])
    keys = [tuple((atom, 0.0) for atom in column) for column in columns]
    moments = summed(keys, table)
    found: Array = moments.means[[moments.names.index(key) for key in keys]]
    return found


def summed(keys: Sequence[Key], table: LargeTable) -> Moments:
    """The statistic of columns of a large table, in as few passes as it takes."""
    keys = list(dict.fromkeys(keys))
    numbers = [key[0][0].variable for key in keys if len(key) == 1 and key[0][1] == 0.0]
    alone = all(isinstance(key[0][0], Numeric) for key in keys) and len(numbers) == len(keys)
    if table.plain is not None and alone and {*numbers} <= {*table.plain.names}:
        return replace(table.plain.select(numbers), names=tuple(keys))
    if table.far.pushes:
        found = table.products(keys, [product_of(key) for key in keys])
        if found is not None:
            return found
    found = None
    for part in table.mapped(lambda block: Moments.of_columns(keyed_columns(keys, block), keys)):
        found = part if found is None else found.join(part)
    assert found is not None, "a large table has rows"
    return found


def product_of(key: Key) -> Product:
    """A column of a statistic as an engine that knows no atoms understands it."""
    return tuple(_factor(atom, centre) for atom, centre in key)


def _factor(atom: Atom, centre: float) -> Factor:
    match atom:
        case Level(variable, label):
            return Factor(variable, "level", label=label, centre=centre)
        case Log(variable):
            return Factor(variable, "log", centre=centre)
        case Power(variable, exponent, base):
            return Factor(variable, "power", exponent, base, centre=centre)
        case _:
            return Factor(atom.variable, centre=centre)


def keyed_values(keys: Sequence[Key], table: Table, rows: slice = slice(None)) -> Array:
    """The columns of a statistic, (rows, len(keys))."""
    block = np.empty((len(range(*rows.indices(table.rows))), len(keys)), order="F")
    for place, column in enumerate(keyed_columns(keys, table, rows)):
        block[:, place] = column
    return block


def keyed_columns(keys: Sequence[Key], table: Table, rows: slice = slice(None)) -> list[Array]:
    """The columns of a statistic, (rows,) each; those of the table itself are not copied."""
    known: dict[Atom, Array] = {}
    found: list[Array] = []
    for key in keys:
        factors = []
        for atom, centre in key:
            if atom not in known:
                known[atom] = atom_values(atom, table, rows)
            factors.append(known[atom] - centre if centre else known[atom])
        found.append(reduce(np.multiply, factors))
        if len(key) > 1 or isinstance(key[0][0], Power):  # a column alone was read so
            _check_size(found[-1], key)
    return found


def statistic(
    regressions: Iterable[Regression], table: Table, *, rows_per_block: int = _BLOCK
) -> Moments:
    """The `Moments` that all these regressions can be fitted from, in one pass over the rows.

    The columns are the union of theirs and of their outcomes and offsets; several regressions share
    them, each takes its own by `sums_for`.
    """
    regressions = tuple(regressions)
    for regression in regressions:
        check_levels(regression, table)
    keys: dict[Key, None] = {}
    for regression in regressions:
        keys |= dict.fromkeys(all_keys(regression))

    if isinstance(table, LargeTable):
        return summed(list(keys), table)
    if table.weights is not None:
        return Moments.of_counted(keyed_values(list(keys), table), table.weights, tuple(keys))
    slices = (
        slice(start, min(start + rows_per_block, table.rows))
        for start in range(0, table.rows, rows_per_block)
    )
    return Moments.of_blocks((keyed_values(list(keys), table, s) for s in slices), tuple(keys))


def dependent_columns(regression: Regression, data: Table | Moments) -> dict[str, tuple[str, ...]]:
    """Terms that others determine: how each is written, and those it is a linear function of.

    Judged on the columns that are `needed`, so that index coding is no fault, and not on those that
    vary by a category. Beside an intercept the columns are centred; all are scaled to norm 1, and a
    column is dependent where less than 1e-12 of it lies outside the span of the columns before it.
    A predictor with one value is a function of nothing, ``()``, beside an intercept.

    Parameters
    ----------
    data
        The rows used, or their `statistic`.
    """
    moments = data if isinstance(data, Moments) else statistic([regression], data)
    reference = _reference(regression)
    names = [name for name, _ in reference]
    unit = _unit_columns(moments, [key for _, key in reference], regression)
    diagonal = np.abs(np.diagonal(np.linalg.qr(unit, mode="r")))
    if len(diagonal) == len(names) and np.all(diagonal >= _DEPENDENT):
        return {}  # the usual case, without the search for who depends on whom
    found: dict[str, dict[str, None]] = {}
    independent: list[int] = []
    for place in range(unit.shape[1]):
        column = unit[:, place]
        earlier = unit[:, independent]
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


def columns_without_rows(regression: Regression, moments: Moments) -> dict[str, tuple[str, ...]]:
    """Interactions with columns that are 0 in every row: how each is written, and their names.

    Parameters
    ----------
    moments
        The `statistic` of the rows used.
    """
    plain = moments.shifted(np.zeros(len(moments.names)))
    centres = regression.priors.centres
    found: dict[str, tuple[str, ...]] = {}
    for term, names in zip(regression.terms, regression.coefficients_by_term, strict=True):
        if isinstance(term, Interaction):
            places = [moments.names.index(_key(column, centres)) + 1 for column in columns(term)]
            empty = [n for n, p in zip(names, places, strict=True) if not plain[:, p].any()]
            if empty:
                found[written(term)] = tuple(empty)
    return found


def _reference(regression: Regression) -> list[tuple[str, Key]]:
    """Name and key of each column that is needed and does not vary by a category."""
    mask = iter(needed(regression)[int(regression.priors.intercept is not None) :])
    centres = regression.priors.centres
    found = []
    for term in regression.terms:
        called = term.variable if isinstance(term, Numeric | Categorical) else written(term)
        fixed = not isinstance(term, Varying)
        found += [(called, _key(c, centres)) for c in columns(term) if next(mask) and fixed]
    return found


def _unit_columns(moments: Moments, keys: Sequence[Key], regression: Regression) -> Array:
    """The columns' triangle scaled to norm 1, centred beside an intercept; 0 where constant."""
    places = [moments.names.index(key) + 1 for key in keys]
    if regression.priors.intercept is not None or regression.family == "ordered":
        unit = moments.triangle[1:, places]
        # A constant that is not exactly its computed mean leaves noise that must not be scaled up.
        size = np.abs(moments.means[[p - 1 for p in places]]) * np.sqrt(max(moments.rows, 1))
    else:
        unit = moments.shifted(np.zeros(len(moments.names)))[:, places]
        size = np.zeros(len(places))
    norms = np.linalg.norm(unit, axis=0)
    real = norms > 1e-14 * size
    return np.where(real, unit / np.where(real, norms, 1.0), 0.0)


def _key(column: Column, centres: dict[Atom, float]) -> Key:
    if len(column) == 1:
        return ((column[0], 0.0),)
    return tuple((atom, centres.get(atom, 0.0)) for atom in column)


def _check_size(values: Array, key: Key) -> None:
    """Refuse a product whose squares leave the range of a float, by the names of its factors."""
    if not np.all(np.abs(values) < 1e140):
        called = ":".join(dict.fromkeys(atom.variable for atom, _ in key))
        raise DataError(
            f"The numbers that {shown(called)} makes are too large to be squared. Change the units "
            "of its columns."
        )


def check_levels(regression: Regression, table: Table) -> None:
    """Refuse a table with a level that the regression has no coefficient for."""
    for name, levels in categories(regression.terms).items():
        for level in table[name].levels:
            if level not in levels:
                raise ModelError(
                    f"{shown(name)} has a level {shown(level)} that the regression does not know: "
                    "build the regression from the table it is fitted on."
                )

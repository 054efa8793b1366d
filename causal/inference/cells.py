"""Rows that agree in all that enters a regression, taken together.

For a logit only successes and trials matter in a combination of predictors, for Poisson counts only
their sum and the time watched; elsewhere the outcome must agree too. Without few combinations the
rows stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from causal.data.table import Table
from causal.models.design import offset as offset_of
from causal.models.design import response, trials

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.data.column import Column
    from causal.models.regression import Regression

    Array = NDArray[np.float64]

__all__ = ["Cells", "collapsed"]

_MOST = 4_000_000
"""Combinations, there or not, that are counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The rows of one regression, those that agree taken together.

    Attributes
    ----------
    table
        The predictors, one row a cell.
    outcome, size, offset : (cells,)
        Of a logit: successes and trials. Of Poisson counts: the sum of the counts and 1, the time
        watched being in the offset. Else the outcome in each row of the cell, and how many rows.
    """

    table: Table
    outcome: Array
    size: Array
    offset: Array

    @property
    def rows(self) -> int:
        """How many cells."""
        return len(self.outcome)


def collapsed(regression: Regression, table: Table) -> Cells:
    """The rows of *table*, those that agree in all that enters taken together where they are few.

    Parameters
    ----------
    table
        Complete in the columns of the regression; its rows may stand for several.
    """
    family = regression.family
    outcome, added = response(regression, table), offset_of(regression, table)
    size = np.ones(table.rows) if table.weights is None else table.weights
    summed = family in ("bernoulli", "binomial", "poisson")
    if summed:
        outcome = outcome * size
    if family == "binomial":
        size = size * trials(regression, table)
    names = list(regression.predictors)
    also = [] if summed else [outcome]
    if regression.offsets and family != "poisson":
        also.append(added)
    found = _placed([table[name] for name in names], also, table.rows)
    if found is None:
        if family == "poisson":
            added, size = added + np.log(size), np.ones(table.rows)
        kept = {name: table[name] for name in names}
        return Cells(Table(table.source, table.rows, MappingProxyType(kept)), outcome, size, added)
    place, parts = found
    values = dict(zip(names, parts, strict=False))
    kept = {name: table[name].holding(values[name]) for name in names}
    cells = Table(table.source, len(parts[0]) if parts else 1, MappingProxyType(kept))
    rest = list(parts[len(names) :])
    if family == "poisson":
        top = float(added.max(initial=-math.inf, where=size > 0))
        watched = np.bincount(place, size * np.exp(added - top), cells.rows)
        with np.errstate(divide="ignore"):  # watched 0 times: a cell that counts nothing
            logs = np.log(watched) + top
        return Cells(cells, np.bincount(place, outcome, cells.rows), np.ones(cells.rows), logs)
    own = np.bincount(place, outcome, cells.rows) if summed else rest.pop(0)
    shift = rest.pop(0) if rest else np.zeros(cells.rows)
    return Cells(cells, own, np.bincount(place, size, cells.rows), shift)


def _placed(
    columns: Sequence[Column], also: Sequence[Array], rows: int
) -> tuple[NDArray[np.intp], tuple[Array, ...]] | None:
    """The cell of each row, and the value of each column in each cell; ``None`` if it saves little.

    Numbers are looked at in a sample first: to sort a column without repetitions costs more than
    all that could be saved.
    """
    numbers = [column.values for column in columns if column.kind not in ("category", "binary")]
    if not all(_repetitive(values) for values in (*numbers, *also)):
        return None
    code = np.zeros(rows, dtype=np.intp)
    shape: list[int] = []
    distinct: list[Array] = []
    for place, values in (*map(_coded, columns), *map(_ranked, also)):
        if math.prod(shape) * len(values) > _MOST:
            return None
        shape.append(len(values))
        distinct.append(values)
        code = code * len(values) + place
    there = np.flatnonzero(np.bincount(code, minlength=math.prod(shape)))
    if len(there) > rows // 2:
        return None
    number = np.empty(math.prod(shape), dtype=np.intp)
    number[there] = np.arange(len(there))
    places = np.unravel_index(there, shape) if shape else ()
    return number[code], tuple(values[at] for values, at in zip(distinct, places, strict=True))


def _repetitive(values: Array) -> bool:
    sample = values[:: max(1, len(values) // 1_000)]
    return len(np.unique(sample)) <= len(sample) // 2


def _coded(column: Column) -> tuple[NDArray[np.intp], Array]:
    """The place of each row's value among the distinct ones, and these."""
    if column.kind == "category":
        return column.values.astype(np.intp), np.arange(len(column.levels), dtype=np.float64)
    if column.kind == "binary":
        ends = np.array([column.values.min(), column.values.max()])
        return (column.values == ends[1]).astype(np.intp), ends
    return _ranked(column.values)


def _ranked(values: Array) -> tuple[NDArray[np.intp], Array]:
    distinct, place = np.unique(values, return_inverse=True)
    return place.ravel(), distinct

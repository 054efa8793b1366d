"""The shift between normal models of a table that is too large to hold.

What `causal.study.shift` finds from the rows is found here from sums over them. The fits without
priors come from the statistic. The jackknife's influence of row i on the effect is, for least
squares, a product of two linear functions of the row::

    psi_i = (l'x_i) (y_i - x_i'b) + (r_i'b - effect) / n,        l = (X'X)^-1 c

with c the average rise of the columns in the contrast and r_i that of row i; so the sd of the
shift, ``sqrt(sum (psi1_i - psi2_i)^2)``, is a sum of squares of quadratic forms in the row: one
more pass. Where a leverage ``h_i = x_i'(X'X)^-1 x_i`` can be above `LEVERAGE`, psi is exact::

    psi_i = ((n l - (X'X)^-1 r_i)'x_i (y_i - x_i'b) / (1 - h_i) + r_i'b - effect) / (n - 1)

A fit that is not there without priors, or hangs on one row (``h_i = 1``), has no shift here. With
so many rows the draws of the shift are normal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from causal.errors import shown
from causal.models.design import (
    column_keys,
    keyed_columns,
    needed,
    outcome_key,
    product_of,
    summed,
)
from causal.models.terms import Level, Log, Power, Varying
from causal.study.effects import contrasts, rise_parts

if TYPE_CHECKING:
    from causal.data.large import LargeTable
    from causal.data.moments import Moments
    from causal.data.table import Table
    from causal.models.design import Key
    from causal.models.regression import Regression
    from causal.models.terms import Atom

__all__ = ["LargeFit", "large_fit", "no_fit", "norms"]

Array = NDArray[np.float64]

Rise = list[tuple[float, "Key"]]
"""Numbers, and the keys of what each is multiplied with."""

ROWS = 8_192
"""Rows whose columns are held at once."""
LEVERAGE = 0.01
"""A row with less moves its own fit by less than a hundredth."""
DEPENDENT = 1e-12
"""A column of which no more than this, at norm 1, is outside the span of the others."""
ALONE = 1e-10
"""A row with a leverage this close to 1 has its fit to itself."""


@dataclass(frozen=True, slots=True, eq=False)
class LargeFit:
    """One model's fit, as functions of the row ``k = (1, columns of keys)``.

    Attributes
    ----------
    effect
        Of the headline contrast.
    keys
        The columns, less what is in `centre`.
    lever, rest, own : (keys + 1,)
        ``psi = (lever'k) (rest'k) + own'k``.
    most
        ``lever'k`` of a row with leverage 1 that the effect alone hangs on.
    metric, slope : (keys + 1, p)
        x and r in coordinates in which X'X is 1: ``|metric'k|^2`` is the leverage of the row.
    rounding
        An effect no larger than this is arithmetic.
    """

    effect: float
    keys: tuple[Key, ...]
    centre: Array
    lever: Array
    most: float
    rest: Array
    own: Array
    metric: Array
    slope: Array
    rounding: float


def large_fit(regression: Regression, moments: Moments, table: LargeTable) -> LargeFit | str:
    """The fit without priors, or why there is none, as a sentence.

    Parameters
    ----------
    moments
        Of the rows, with the columns of the regression; more are summed up where it takes more.
    """
    every, keys, rises = _keys(regression, table)
    if any(isinstance(term, Varying) for term in regression.terms):
        why = "coefficients that vary by a category"
    elif None in rises:
        why = "the logarithm of the exposure"
    else:
        why = ""
    if why:
        return (
            f"The model {shown(regression.name)} has {why}, and its shift would take all rows into "
            "memory."
        )
    if table.rows <= len(keys) + int(regression.priors.intercept is not None):
        return no_fit(regression, "it has no more rows than coefficients")
    known = moments if {*every} <= {*moments.names} else summed(every, table)
    fit = _solved(regression, known.select(every), every, keys, rises)
    if fit is None:
        return no_fit(regression, "some of its columns are an exact linear function of others")
    return fit


def no_fit(regression: Regression, why: str) -> str:
    """That a model has no fit to compare, because of a clause, as a sentence."""
    return (
        f"The model {shown(regression.name)} has no fit without its priors to compare, because "
        f"{why}."
    )


def _keys(
    regression: Regression, table: LargeTable
) -> tuple[tuple[Key, ...], list[Key], list[Rise | None]]:
    """All columns that the fit and the contrast are made of; those of the design; their rise."""
    intercept = regression.priors.intercept is not None
    kept = needed(regression)[int(intercept) :]
    centres, contrast = regression.priors.centres, contrasts(regression, table)[0]
    columns = [column for column in regression.columns if column]
    pairs = zip(column_keys(regression), columns, kept, strict=True)
    design = [(key, column) for key, column, keep in pairs if keep]
    rises = [
        rise_parts(column, regression.exposure, contrast, table, centres) for _, column in design
    ]
    keys = [key for key, _ in design]
    offsets = [((atom, 0.0),) for atom in regression.offsets]
    others = [key for rise in rises for _, key in rise or () if key]
    every = tuple(dict.fromkeys([*keys, outcome_key(regression), *offsets, *others]))
    return every, keys, rises


def _solved(
    regression: Regression,
    known: Moments,
    every: tuple[Key, ...],
    keys: list[Key],
    rises: list[Rise | None],
) -> LargeFit | None:
    """Least squares, and the influence of a row as functions of its columns.

    None where the columns are linearly dependent.
    """
    n, size = known.rows, len(keys)
    intercept = regression.priors.intercept is not None
    centre = known.means if intercept else np.zeros(len(every))
    moved = known.shifted(centre)
    block = moved[int(intercept) :, 1:]
    # What rounding took off the means: of a column far from zero it is no small part of its sd.
    over = moved[0, 1:] / moved[0, 0] * intercept
    outcome = np.zeros(len(every))
    outcome[every.index(outcome_key(regression))] = 1.0
    for atom in regression.offsets:
        outcome[every.index(((atom, 0.0),))] -= 1.0
    x, y = block[:, :size], block @ outcome
    scale = np.linalg.norm(x, axis=0)
    if not np.all(scale > 0.0):
        return None
    q, s = np.linalg.qr(x / scale)
    if not np.all(np.abs(np.diagonal(s)) > DEPENDENT):
        return None
    theta = np.linalg.solve(s, q.T @ y) / scale
    inverse = np.linalg.inv(s) / scale[:, None]

    rows = np.zeros((len(every) + 1, size))  # the row's own rise
    for place, parts in enumerate(rises):
        for step, key in parts or ():
            if key:
                rows[every.index(key) + 1, place] += step
                rows[0, place] += step * centre[every.index(key)]
            else:
                rows[0, place] += step
    rise = rows[0] + (known.means - centre) @ rows[1:]
    effect = float(rise @ theta)
    own = rows @ theta / n
    own[0] -= effect / n
    lever = np.zeros(len(every) + 1)
    toward = inverse.T @ rise
    lever[1 : size + 1] = inverse @ toward
    rest = np.concatenate([[0.0], outcome])
    rest[1 : size + 1] -= theta
    metric = np.zeros((len(every) + 1, size + 1))
    metric[1 : size + 1, 1:] = inverse
    metric[0, 0] = n**-0.5 if intercept else 0.0
    for function in (lever, rest, metric):
        function[0] -= over @ function[1:]
    slope = np.zeros_like(metric)
    slope[:, 1:] = rows @ inverse
    return LargeFit(
        effect=effect,
        keys=every,
        centre=centre,
        lever=lever,
        most=float(np.linalg.norm(toward)),
        rest=rest,
        own=own,
        metric=metric,
        slope=slope,
        rounding=1e-14
        * float(np.linalg.cond(s) * np.linalg.norm(rise / scale) * np.linalg.norm(y)),
    )


def norms(fits: Sequence[LargeFit], table: LargeTable) -> tuple[Array, Array]:
    """The sizes of the influences, in one pass over the rows.

    Returns
    -------
    each, apart : (fits,)
        ``|psi|`` of each fit, and ``|psi - psi of the first|``; not finite where an effect hangs
        on one row.
    """
    keys = tuple(dict.fromkeys(key for fit in fits for key in fit.keys))
    centre = np.zeros(len(keys))
    for fit in fits:
        for key, value in zip(fit.keys, fit.centre, strict=True):
            centre[keys.index(key)] = value
    if any(np.any(fit.centre != centre[_places(fit, keys)]) for fit in fits):
        centre[:] = 0.0  # models with and without an intercept: as they are
    leverage, squares = _leveraged(fits, table), None
    if table.far.pushes and not leverage:
        squares = _pushed(fits, keys, centre, table)
    if squares is None:
        squares = _streamed(fits, keys, centre, table, leverage=leverage)
    each, apart = squares
    return np.sqrt(each), np.sqrt(apart)


def _places(fit: LargeFit, keys: Sequence[Key]) -> list[int]:
    return [keys.index(key) for key in fit.keys]


def _spread(fit: LargeFit, vector: Array, keys: Sequence[Key], centre: Array) -> Array:
    """A function of the fit's own row as one of ``(1, all keys less centre)``, (keys + 1, ...)."""
    found = np.zeros((len(keys) + 1, *vector.shape[1:]))
    places = _places(fit, keys)
    found[[place + 1 for place in places]] = vector[1:]
    found[0] = vector[0] + (centre[places] - fit.centre) @ vector[1:]
    return found


def _streamed(
    fits: Sequence[LargeFit],
    keys: Sequence[Key],
    centre: Array,
    table: LargeTable,
    *,
    leverage: bool,
) -> tuple[Array, Array]:
    vectors = [(fit.lever, fit.rest, fit.own) for fit in fits]
    lever, rest, own = (
        np.array([_spread(fit, one, keys, centre) for fit, one in zip(fits, each_, strict=True)])
        for each_ in zip(*vectors, strict=True)
    )
    turned = [
        [_spread(fit, vector, keys, centre).T for vector in (fit.metric, fit.slope)] for fit in fits
    ]
    n = table.rows

    def squares(block: Table) -> Array:
        found = np.zeros((2, len(fits)))
        # A row of the table is a column here: all that follows runs through memory in order.
        every = np.ones((len(keys) + 1, min(ROWS, block.rows)))
        values = keyed_columns(keys, block)
        for start in range(0, block.rows, ROWS):
            columns = every[:, : min(ROWS, block.rows - start)]
            for value, middle, place in zip(values, centre, columns[1:], strict=True):
                np.subtract(value[start : start + ROWS], middle, out=place)
            psi = lever @ columns
            for place, (metric, slope) in enumerate(turned if leverage else ()):
                x, risen = metric @ columns, slope @ columns
                left = 1.0 - np.einsum("ij,ij->j", x, x)
                alone = left < ALONE
                if np.any(np.abs(psi[place, alone]) > 1e-8 * fits[place].most):
                    found[0, place] = np.inf
                psi[place] -= np.einsum("ij,ij->j", x, risen) / n
                psi[place] *= np.where(alone, 0.0, 1.0 / np.where(alone, 1.0, left))
            psi *= rest @ columns
            if own.any():
                psi += own @ columns
            if leverage:
                psi *= n / (n - 1.0)
            found[0] += [row @ row for row in psi]
            psi -= psi[0]
            found[1] += [row @ row for row in psi]
        return found

    total = np.zeros((2, len(fits)))
    for part in table.mapped(squares):
        total += part
    return total[0], total[1]


def _pushed(
    fits: Sequence[LargeFit], keys: Sequence[Key], centre: Array, table: LargeTable
) -> tuple[Array, Array] | None:
    """Where the rows lie; None where the columns are too far from zero for their squares."""
    # A column of one number is centred there; of a product only the factors are.
    alone = np.array([len(key) == 1 for key in keys])
    products = [
        product_of(((key[0][0], float(value)),) if single else key)
        for key, value, single in zip(keys, centre, alone, strict=True)
    ]
    there = np.where(alone, centre, 0.0)
    forms = []
    for fit in fits:
        lever, rest, own = (
            _spread(fit, vector, keys, there) for vector in (fit.lever, fit.rest, fit.own)
        )
        form = np.outer(lever, rest)
        form[:, 0] += own
        forms.append(form)
    apart = [form - forms[0] for form in forms[1:]]
    found = table.far.squares(products, [*forms, *apart], table.needed)
    if not np.all(np.isfinite(found)):
        return None
    return found[: len(fits)], np.concatenate([[0.0], found[len(fits) :]])


def _leveraged(fits: Sequence[LargeFit], table: LargeTable) -> bool:
    """Whether a row may move its own fit: a value far from all others, or a level of few rows."""
    for fit in fits:
        for place, (key, middle) in enumerate(zip(fit.keys, fit.centre, strict=True), start=1):
            reach = math.prod(_reach(atom, centre, table) for atom, centre in key) + abs(middle)
            if len(key) == 1:
                [(atom, centre)] = key
                reach = _reach(atom, centre + middle, table)
            # Squared last: both may be far from 1.
            if np.linalg.norm(fit.metric[place] * reach) ** 2 > LEVERAGE:
                return True
    return False


def _reach(atom: Atom, centre: float, table: LargeTable) -> float:
    """How far the numbers of an atom get from a centre."""
    column = table[atom.variable]
    ends = [column.low, column.high]
    match atom:
        case Level():
            ends = [0.0, 1.0]
        case Log():
            ends = [math.log(end) for end in ends]
        case Power():
            ends = [(end - atom.centre) ** atom.exponent for end in ends]
            ends += [0.0] * (atom.exponent % 2 == 0)
    return max(abs(end - centre) for end in ends)

"""The effect, on the scale of the question.

The effect is not always the coefficient. With the identity link and no interaction it is the
slope. With any other link the slope lives on a scale nobody asked about, and it moves when a
harmless variable comes in (non-collapsibility); with an interaction there are several slopes. So
the effect is *standardized* (g-computation, Robins 1986; Hernán & Robins, *What If*, ch. 13): the
model predicts every row twice, once with the exposure set higher and once lower, all else as it is
in that row, and the two averages over the rows are compared::

    difference        mean_i f(high, z_i) - mean_i f(low, z_i)
    ratio             the quotient of the same two averages
    odds ratio        the quotient of their odds: marginal, not the exponential of a coefficient

What is compared depends on the exposure (`contrasts`): a number is raised by 1 in each row from
where it stands, a two-valued number goes from its lower value to its higher one, a category from
its first level to each other level. The rows are fixed; only the coefficients are uncertain. A
binomial row counts as often as it has trials. For the total and for the direct effect it is the
same average, over a different adjustment set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from causal.data.large import LargeTable, refuse
from causal.data.table import Table
from causal.errors import ModelError, QuestionError, did_you_mean, shown
from causal.inference.posterior import quantiles
from causal.models.design import atom_values, averages, design, offset, trials
from causal.models.families import RULES
from causal.models.regression import Regression
from causal.models.terms import Column as DesignColumn
from causal.models.terms import Level, Log, Numeric, Power, categories

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from causal.inference.posterior import Posterior
    from causal.models.design import Key
    from causal.models.terms import Atom

__all__ = [
    "Contrast",
    "Effect",
    "Scale",
    "check_groups",
    "contrasts",
    "dose_response",
    "effects",
    "expit",
    "program_ends",
    "rise_parts",
    "set_to",
    "subgroup_effects",
]

Scale = Literal["outcome", "ratio", "risk difference", "risk ratio", "odds ratio"]

MOST_GROUPS = 50
"""Values of a variable beyond which it makes no subgroups."""

CELLS = 1_000_000
"""Predictions held at once, rows times draws: 8 MB each for the few arrays in use."""

LARGEST = 1e150
"""A ratio beyond this has no variance in floating point: the lower risk is 0 for all purposes."""


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """One effect of the exposure on the outcome.

    Attributes
    ----------
    interval
        Equal-tailed, holds `prob` of the posterior.
    probability_positive
        P(effect > 0); ``None`` for ratios, which cannot be anything else. (P(ratio > 1) is
        P(difference > 0), draw by draw, and stands there.)
    contrast
        What is compared: ``"+1"``, ``"1 - 0"``, ``"b - a"``.
    scale
        In the outcome's own units, or which function of the two averages.
    draws : (chains * draws,)
        For plots and for differences between models.
    weights
        By coefficient, where the effect is a sum of coefficients; else ``None``.
    """

    mean: float
    sd: float
    interval: tuple[float, float]
    prob: float
    probability_positive: float | None
    contrast: str | None
    scale: Scale
    draws: NDArray[np.float64] = field(repr=False)
    weights: Mapping[str, float] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two settings of the exposure.

    `low` and `high` are values of a number or indices of a category's levels; where the exposure
    is `raised`, they are added to each row's own value.
    """

    label: str
    low: float
    high: float
    raised: bool = False

    @property
    def step(self) -> float:
        """By how much a numeric exposure is raised."""
        return self.high - self.low


def contrasts(regression: Regression, table: Table) -> tuple[Contrast, ...]:
    """What is compared with what, the headline first.

    Parameters
    ----------
    regression
        With an exposure.
    table
        The rows used; says whether a numeric exposure has two values only.
    """
    assert regression.exposure is not None
    known = categories(regression.terms)
    if regression.exposure in known:
        first, *others = known[regression.exposure]
        return tuple(
            Contrast(f"{level} - {first}", 0.0, float(index))
            for index, level in enumerate(others, start=1)
        )
    column = table[regression.exposure]
    if column.kind != "binary":
        return (Contrast("+1", 0.0, 1.0, raised=True),)
    low, high = column.low, column.high
    ends = (f"({text})" if text.startswith("-") else text for text in map(_number, (high, low)))
    return (Contrast(" - ".join(ends), low, high),)


def program_ends(regression: Regression, table: Table) -> tuple[float, float] | None:
    """The two values between which a program compares a two-valued exposure; None for others."""
    first = contrasts(regression, table)[0]
    if first.raised or regression.exposure in categories(regression.terms):
        return None
    return first.low, first.high


def set_to(table: Table, regression: Regression, contrast: Contrast, end: float) -> Table:
    """The table with the exposure at one end of a contrast, in every row.

    Parameters
    ----------
    end
        ``contrast.low`` or ``contrast.high``.
    """
    assert regression.exposure is not None
    column = table[regression.exposure]
    known = categories(regression.terms)
    if contrast.raised:
        values = column.values + end if end else column.values
    else:
        if regression.exposure in known:  # the regression may know its levels in another order
            end = float(column.levels.index(known[regression.exposure][int(end)]))
        values = np.full(table.rows, end)
    moved = column.holding(values)
    return replace(table, columns=MappingProxyType({**table.columns, column.name: moved}))


def effects(
    regression: Regression, posterior: Posterior, table: Table, *, prob: float
) -> tuple[Effect, ...]:
    """Every effect of the regression's exposure, the headline first.

    Parameters
    ----------
    regression
        What was fitted, with an exposure.
    posterior
        Of that regression.
    table
        The rows it was fitted to.
    prob
        Mass of the equal-tailed intervals.

    Returns
    -------
    tuple of Effect
        Numbers (gaussian, student): the difference of the means of each contrast, scale
        ``"outcome"``; moments are exact if the posterior has a mixture. Grades (ordered): the same,
        of the mean grade. Probabilities (bernoulli, cells, binomial): risk difference, risk ratio
        and odds ratio. Counts (poisson, negbinomial): difference, scale ``"outcome"``, and
        ``"ratio"``. A ratio whose lower average is 0 in some draw is left out.
    """
    return _of_rows(regression, posterior, table, prob, None)


def subgroup_effects(
    regression: Regression, posterior: Posterior, table: Table, by: str, *, prob: float
) -> Mapping[str, tuple[Effect, ...]]:
    """The effects averaged over the rows of each group, by the group's label.

    Parameters
    ----------
    by
        A predictor of the regression that is a category, or a number of few values.

    Raises
    ------
    QuestionError
        No such predictor, the exposure itself, or too many values to be groups.
    """
    found = check_groups(regression, table, by)
    column = table[by]
    label = {
        value: column.levels[int(value)] if column.levels else _number(float(value))
        for value in found
    }
    return {
        label[value]: _of_rows(regression, posterior, table, prob, column.values == value)
        for value in found
    }


def check_groups(regression: Regression, table: Table, by: str) -> NDArray[np.float64]:
    """The different values of a variable that effects can be told apart by.

    Raises
    ------
    QuestionError
        As `subgroup_effects`.
    """
    if by not in regression.predictors or by == regression.exposure:
        names = [name for name in regression.predictors if name != regression.exposure]
        raise QuestionError(
            f"The effect cannot be told apart by {shown(by)}: the model has no such variable "
            f"beside the exposure.{did_you_mean(by, names)}"
        )
    found: NDArray[np.float64] = np.unique(table[by].values)
    if len(found) > MOST_GROUPS:
        raise QuestionError(
            f"{shown(by)} has {len(found):,} different values, more than {MOST_GROUPS}: no groups "
            "to tell the effect apart by. Group its values in the data."
        )
    return found


def dose_response(
    regression: Regression, posterior: Posterior, table: Table, values: Sequence[float]
) -> NDArray[np.float64]:
    """The average outcome with the exposure at each value in every row, (draws, len(values)).

    Raises
    ------
    ModelError
        If the exposure is a category: it has no values in between. For a value of which the model
        would take a logarithm that does not exist.
    """
    assert regression.exposure is not None
    if regression.exposure in categories(regression.terms):
        raise ModelError(
            f"The exposure {shown(regression.exposure)} is a category and has no curve. Its levels "
            "are compared by the effects."
        )
    lowest = min(values, default=1.0)
    if lowest <= 0.0 and Log(regression.exposure) in {a for c in regression.columns for a in c}:
        raise ModelError(
            f"The model takes the logarithm of {shown(regression.exposure)}, and {lowest:g} has "
            "none. Ask for values above 0."
        )
    predict = _Predictor(regression, posterior, table, None)
    curve = [predict(Contrast("", 0.0, float(value)), float(value)) for value in values]
    return np.stack(curve, axis=1)


def expit(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability with log odds `eta`, overwriting `eta`; full precision when small, too."""
    np.maximum(eta, -700.0, out=eta)  # e^-700 is as good as 0, and e^710 would overflow
    np.negative(eta, out=eta)
    np.exp(eta, out=eta)
    eta += 1.0
    np.reciprocal(eta, out=eta)
    return eta


def _number(value: float) -> str:
    """As short as it can be without making two numbers one."""
    value += 0.0  # -0 is 0
    text = f"{value:.12g}"
    return text if float(text) == value else f"{value:.17g}"


def _of_rows(
    regression: Regression,
    posterior: Posterior,
    table: Table,
    prob: float,
    chosen: NDArray[np.bool_] | None,
) -> tuple[Effect, ...]:
    """The effects averaged over the chosen rows; None: all."""
    asked = contrasts(regression, table)
    if RULES[regression.family].link == "identity" and regression.family != "cells":
        return tuple(
            _linear(regression, posterior, table, contrast, prob, chosen) for contrast in asked
        )
    predict = _Predictor(regression, posterior, table, chosen)
    known: dict[float, NDArray[np.float64]] = {}
    found: list[Effect] = []
    for contrast in asked:
        for end in (contrast.low, contrast.high):
            if end not in known:
                known[end] = predict(contrast, end)
        found += _compared(regression, known[contrast.low], known[contrast.high], contrast, prob)
    return tuple(found)


def _linear(
    regression: Regression,
    posterior: Posterior,
    table: Table,
    contrast: Contrast,
    prob: float,
    chosen: NDArray[np.bool_] | None,
) -> Effect:
    """The effect is one linear function of the coefficients."""
    names = regression.linear_names
    if isinstance(table, LargeTable):
        rises = _large_rises(regression, table, contrast, chosen)
    else:
        rises = _rises(regression, table, contrast, chosen)
    weights = {names[place]: average for place, average in rises if average}
    found = posterior.summary(weights, prob)
    return Effect(
        found.mean,
        found.sd,
        found.interval,
        prob,
        found.probability_positive,
        contrast.label,
        "outcome",
        posterior.values(weights).ravel(),
        weights,
    )


def _rises(
    regression: Regression, table: Table, contrast: Contrast, chosen: NDArray[np.bool_] | None
) -> Iterator[tuple[int, float]]:
    """By how much the contrast moves each column of the design, on average."""
    for place, by in _risen(regression, table, contrast):
        if not isinstance(by, np.ndarray):
            yield place, by
            continue
        rows = by if chosen is None else by[chosen]
        weights = (
            table.weights if chosen is None or table.weights is None else table.weights[chosen]
        )
        # A column that moves by the same everywhere keeps that number exactly.
        same = np.all(rows == rows[0])
        yield place, float(rows[0] if same else np.average(rows, weights=weights))


def _large_rises(
    regression: Regression, table: LargeTable, contrast: Contrast, chosen: NDArray[np.bool_] | None
) -> Iterator[tuple[int, float]]:
    """The same from sums over the rows, or block by block where there are none."""
    if chosen is not None:
        refuse("the rows of some groups")
    parts = {
        place: rise_parts(column, regression.exposure, contrast, table, {})
        for place, column in enumerate(regression.columns)
    }
    if None not in parts.values():
        keys = {key for rise in parts.values() for _, key in rise or ()} - {()}
        products = [tuple(atom for atom, _ in key) for key in keys]
        mean = {(): 1.0, **dict(zip(keys, averages(products, table).tolist(), strict=True))}
        for place, rise in parts.items():
            yield place, sum(step * mean[key] for step, key in rise or ())
        return
    total: dict[int, float] = {}

    def added(block: Table) -> dict[int, float]:
        rises = _rises(regression, block, contrast, None)
        return {place: average * block.rows for place, average in rises}

    for part in table.mapped(added):
        for place, value in part.items():
            total[place] = total.get(place, 0.0) + value
    yield from ((place, value / table.rows) for place, value in total.items())


def rise_parts(
    column: DesignColumn,
    exposure: str | None,
    contrast: Contrast,
    table: LargeTable,
    centres: Mapping[Atom, float],
) -> list[tuple[float, Key]] | None:
    """By how much the contrast moves a column of the design: a sum of numbers times products.

    Parameters
    ----------
    centres
        What is subtracted from each atom of the column before they are multiplied.

    Returns
    -------
    list of (number, what it is multiplied with) or None
        The empty product is 1. None for a logarithm, whose rise is no such sum.
    """
    own = [atom for atom in column if atom.variable == exposure]
    if not own:
        return []
    others = [(atom, centres.get(atom, 0.0)) for atom in column if atom.variable != exposure]
    [atom] = own
    levels = table[atom.variable].levels
    if isinstance(atom, Level):
        ends = [levels[int(end)] == atom.label for end in (contrast.high, contrast.low)]
        rises: list[tuple[float, Key]] = [(float(ends[0]) - float(ends[1]), ())]
    elif isinstance(atom, Log):
        if contrast.raised:
            return None
        rises = [(math.log(contrast.high) - math.log(contrast.low), ())]
    elif isinstance(atom, Power) and contrast.raised:
        # (u + s)^p - u^p by powers of u = x - base
        p, step = atom.exponent, contrast.step
        rises = [(step**p, ())]
        for j in range(1, p):
            power = Power(atom.variable, j, atom.centre)
            rises.append((math.comb(p, j) * step ** (p - j), ((power, 0.0),)))
    elif isinstance(atom, Power):
        high, low = contrast.high - atom.centre, contrast.low - atom.centre
        rises = [(high**atom.exponent - low**atom.exponent, ())]
    else:
        rises = [(contrast.step, ())]
    found: list[tuple[float, Key]] = []
    for step, key in rises:
        if not key and len(others) == 1:
            # A column of one atom is kept as it is in a statistic, whatever its centre.
            [(other, centre)] = others
            found.append((step, ((other, 0.0),)))
            if centre:
                found.append((-step * centre, ()))
        else:
            found.append((step, (*key, *others)))
    return found


def _risen(
    regression: Regression, table: Table, contrast: Contrast
) -> Iterator[tuple[int, NDArray[np.float64] | float]]:
    """The columns of the design that the contrast moves: place, and how far, (rows,) or the same.

    Without the detour over two large numbers where the difference is known: far from zero it would
    lose digits.
    """
    low, high = (set_to(table, regression, contrast, end) for end in (contrast.low, contrast.high))
    for place, column in enumerate(regression.columns):
        own = [atom for atom in column if atom.variable == regression.exposure]
        by: NDArray[np.float64] | float
        match own:
            case []:
                continue
            case [Numeric()]:
                by = contrast.step
            case [Log() as log]:
                by = np.log1p(contrast.step / atom_values(Numeric(log.variable), low))
            case _:
                ends = [[atom_values(atom, end) for atom in own] for end in (low, high)]
                by = np.prod(ends[1], axis=0) - np.prod(ends[0], axis=0)
        for atom in column:
            if atom.variable != regression.exposure:
                by = by * atom_values(atom, table)
        yield place, by


class _Predictor:
    """The average outcome over some rows, draw by draw, with the exposure where it is set."""

    def __init__(
        self,
        regression: Regression,
        posterior: Posterior,
        table: Table,
        chosen: NDArray[np.bool_] | None,
    ) -> None:
        self.regression = regression
        table, weights = _distinct_rows(regression, table, chosen)
        self.table = table
        self.weights = weights / weights.sum()
        self.offset = offset(regression, table)
        names = regression.linear_names
        draws = posterior.draws.reshape(-1, posterior.draws.shape[-1])
        self.coefficients = draws[:, : len(names)]
        self.cutpoints = draws[:, len(names) : len(names) + max(len(regression.grades) - 1, 0)]

    def __call__(self, contrast: Contrast, end: float) -> NDArray[np.float64]:
        """One average for each draw, (draws,)."""
        rows = design(self.regression, set_to(self.table, self.regression, contrast, end))
        average = np.empty(len(self.coefficients))
        step = max(1, CELLS // max(1, len(rows)))
        for start in range(0, len(average), step):
            part = slice(start, start + step)
            eta = self.coefficients[part] @ rows.T
            eta += self.offset
            average[part] = self._mean(eta, self.cutpoints[part]) @ self.weights
        return average

    def _mean(
        self, eta: NDArray[np.float64], cutpoints: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The mean outcome of linear predictors, (draws, rows), overwriting them."""
        match RULES[self.regression.family].link:
            case "logit":
                return expit(eta)
            case "log":
                with np.errstate(over="ignore"):  # an average that overflows is seen to be infinite
                    return np.exp(eta, out=eta)
            case "cumulative logit":
                grades = self.regression.grades
                mean = np.full(eta.shape, grades[0])
                for place, (low, high) in enumerate(pairwise(grades)):
                    # P(y > low) = expit(eta - cut)
                    mean += (high - low) * expit(eta - cutpoints[:, place, None])
                return mean
            case _:
                return eta


def _distinct_rows(
    regression: Regression, table: Table, chosen: NDArray[np.bool_] | None
) -> tuple[Table, NDArray[np.float64]]:
    """The chosen rows, those that agree in every predictor once, and how often each counts."""
    names = list(dict.fromkeys(v for v in regression.variables if v != regression.outcome))
    counts = trials(regression, table)
    if table.weights is not None:
        counts = counts * table.weights
    rows: Any = slice(None) if chosen is None else chosen
    counts = counts[rows]
    values = np.stack([table[name].values[rows] for name in names], axis=1)
    few = np.prod([min(table[name].distinct, len(values)) for name in names], dtype=np.float64)
    if few <= len(values) / 2:
        values, place = np.unique(values, axis=0, return_inverse=True)
        counts = np.bincount(place.ravel(), weights=counts)
    kept = {name: table[name].holding(values[:, place]) for place, name in enumerate(names)}
    return Table(table.source, len(values), MappingProxyType(kept)), counts


def _compared(
    regression: Regression,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    contrast: Contrast,
    prob: float,
) -> list[Effect]:
    """The two averages on every scale that makes sense for the family, the difference first."""
    scales: list[tuple[Scale, NDArray[np.float64]]]
    with np.errstate(all="ignore"):
        match RULES[regression.family].averages:
            case "probability":
                scales = [
                    ("risk difference", high - low),
                    ("risk ratio", high / low),
                    ("odds ratio", high * (1.0 - low) / ((1.0 - high) * low)),
                ]
            case "count":
                scales = [("outcome", high - low), ("ratio", high / low)]
            case _:
                scales = [("outcome", high - low)]
    return [
        _summed_up(draws, prob, contrast.label, scale, difference=not place)
        for place, (scale, draws) in enumerate(scales)
        if np.all(np.abs(draws) < LARGEST)  # never of inf and nan
    ]


def _summed_up(
    draws: NDArray[np.float64], prob: float, contrast: str, scale: Scale, *, difference: bool
) -> Effect:
    low, high = quantiles(draws, [(1.0 - prob) / 2.0, (1.0 + prob) / 2.0])
    return Effect(
        float(draws.mean()),
        float(draws.std(ddof=1)),
        (low, high),
        prob,
        float(np.mean(draws > 0.0)) if difference else None,
        contrast,
        scale,
        draws,
    )

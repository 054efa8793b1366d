"""The effect, on the scale of the question.

The effect is not always the coefficient. With the identity link and no interaction it is the
slope. With any other link the slope lives on a scale nobody asked about, and it moves when a
harmless variable comes in (non-collapsibility). So the effect is *standardized* (g-computation,
Robins 1986; Hernán & Robins, *What If*, ch. 13): the model predicts every row twice, once with
the exposure set higher and once lower, all else as it is in that row, and the two averages over
the rows are compared::

    risk difference   mean_i f(high, z_i) - mean_i f(low, z_i)
    risk ratio        the quotient of the same two averages
    odds ratio        the quotient of their odds: marginal, not the exponential of a coefficient

What is compared depends on the exposure (`contrasts`): a number is raised by 1 in each row from
where it stands, a two-valued number goes from its lower value to its higher one, a category from
its first level to each other level. The rows are fixed; only the coefficients are uncertain. For
the total and for the direct effect it is the same average, over a different adjustment set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from causal.models.design import design
from causal.models.regression import Categorical, Regression

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.data.table import Table
    from causal.inference.posterior import Posterior

__all__ = ["Contrast", "Effect", "Scale", "contrasts", "effects", "expit"]

Scale = Literal["outcome", "risk difference", "risk ratio", "odds ratio"]

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
        P(risk difference > 0), draw by draw, and stands there.)
    contrast
        What is compared: ``"+1"``, ``"1 - 0"``, ``"b - a"``.
    scale
        In the outcome's own units, or which function of the two average risks.
    draws : (chains * draws,)
        For plots and for differences between models.
    """

    mean: float
    sd: float
    interval: tuple[float, float]
    prob: float
    probability_positive: float | None
    contrast: str | None
    scale: Scale
    draws: NDArray[np.float64] = field(repr=False)


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
        With an exposure, which is its first term.
    table
        The rows used; says whether a numeric exposure has two values only.
    """
    exposure = regression.terms[0]
    if isinstance(exposure, Categorical):
        first, *others = exposure.levels
        return tuple(
            Contrast(f"{level} - {first}", 0.0, float(index))
            for index, level in enumerate(others, start=1)
        )
    column = table[exposure.variable]
    if column.kind != "binary":
        return (Contrast("+1", 0.0, 1.0, raised=True),)
    low, high = float(np.nanmin(column.values)), float(np.nanmax(column.values))
    return (Contrast(f"{_number(high)} - {_number(low)}", low, high),)


def effects(
    regression: Regression, posterior: Posterior, table: Table, *, prob: float
) -> tuple[Effect, ...]:
    """Every effect of the regression's exposure, the headline first.

    Parameters
    ----------
    regression
        What was fitted; its first term is the exposure.
    posterior
        Of that regression.
    table
        The rows it was fitted to.
    prob
        Mass of the equal-tailed intervals.

    Returns
    -------
    tuple of Effect
        Gaussian: one a contrast, scale ``"outcome"``; moments are exact if the posterior has a
        mixture. Bernoulli: risk difference, risk ratio and odds ratio of each contrast; a ratio
        with a lower risk of 0 in some draw is left out.
    """
    asked = contrasts(regression, table)
    if regression.family == "gaussian":
        return tuple(_linear(regression, posterior, contrast, prob) for contrast in asked)
    return _standardized(regression, posterior, table, asked, prob)


def expit(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability with log odds `eta`, overwriting `eta`; full precision when small, too."""
    np.maximum(eta, -700.0, out=eta)  # e^-700 is as good as 0, and e^710 would overflow
    np.negative(eta, out=eta)
    np.exp(eta, out=eta)
    eta += 1.0
    np.reciprocal(eta, out=eta)
    return eta


def _number(value: float) -> str:
    text = f"{value:.12g}"
    return f"({text})" if value < 0 else text


def _linear(
    regression: Regression, posterior: Posterior, contrast: Contrast, prob: float
) -> Effect:
    exposure = regression.terms[0]
    names = regression.coefficients_of(exposure.variable)
    if isinstance(exposure, Categorical):
        weights = {names[int(contrast.high)]: 1.0, names[0]: -1.0}
    else:
        weights = {names[0]: contrast.step}
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
    )


def _standardized(
    regression: Regression,
    posterior: Posterior,
    table: Table,
    asked: tuple[Contrast, ...],
    prob: float,
) -> tuple[Effect, ...]:
    risks = _risks(regression, posterior, table, asked)
    found = []
    for contrast, (low, high) in zip(asked, risks, strict=True):
        scales: list[tuple[Scale, NDArray[np.float64]]] = [("risk difference", high - low)]
        with np.errstate(divide="ignore", invalid="ignore"):
            scales.append(("risk ratio", high / low))
            scales.append(("odds ratio", high * (1.0 - low) / ((1.0 - high) * low)))
        found += [
            _summed_up(draws, prob, contrast.label, scale)
            for scale, draws in scales
            if np.all(draws < LARGEST)  # never of inf and nan
        ]
    return tuple(found)


def _risks(
    regression: Regression, posterior: Posterior, table: Table, asked: tuple[Contrast, ...]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """The two average predictions of every contrast, draw by draw: (draws,) each."""
    rows = design(regression, table)
    exposure = regression.terms[0]
    place = [posterior.names.index(name) for name in regression.coefficients_of(exposure.variable)]
    if not asked[0].raised:
        rows[:, place] = 0.0  # the exposure is set, so the row's own value must not count
    coefficients = posterior.draws.reshape(-1, posterior.draws.shape[-1])[:, : rows.shape[1]]
    settings = sorted({end for contrast in asked for end in (contrast.low, contrast.high)})
    average = {setting: np.empty(len(coefficients)) for setting in settings}
    chunk = max(1, CELLS // max(1, len(rows)))
    for start in range(0, len(coefficients), chunk):
        part = coefficients[start : start + chunk]
        base = part @ rows.T
        for setting in settings:
            if isinstance(exposure, Categorical):
                lift = part[:, place[int(setting)]]
            else:
                lift = part[:, place[0]] * setting
            average[setting][start : start + chunk] = expit(base + lift[:, None]).mean(axis=1)
    return [(average[contrast.low], average[contrast.high]) for contrast in asked]


def _summed_up(draws: NDArray[np.float64], prob: float, contrast: str, scale: Scale) -> Effect:
    low, high = np.quantile(draws, [(1.0 - prob) / 2.0, (1.0 + prob) / 2.0]).tolist()
    positive = float(np.mean(draws > 0.0)) if scale == "risk difference" else None
    return Effect(
        float(draws.mean()),
        float(draws.std(ddof=1)),
        (low, high),
        prob,
        positive,
        contrast,
        scale,
        draws,
    )

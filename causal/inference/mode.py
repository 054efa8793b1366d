"""Where the posterior of a regression without varying terms has its peak, and how wide that is.

Newton's method on the log density of `causal.inference.density`, damped as by Levenberg and
Marquardt: a step that does not rise, or a Hessian that is not negative definite, is answered with
more damping. Log-concave densities take some five steps from anywhere.

The peak is that of the moved parameters (logarithms of scales, first cutpoint and logarithms of
the steps): where samplers move too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from causal.inference.density import Density
from causal.models.families import RULES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.data.table import Table
    from causal.models.regression import Regression

    Array = NDArray[np.float64]

__all__ = ["Mode", "Peak", "climb", "covariance", "find", "obstacle", "peaks", "starts"]

_STEPS = 100
_ENOUGH = 50_000
"""Cells that say nearly where the peak of more of them is."""
_CLOSE = 1e-6
_SHORT = 0.01
"""The last Newton step raises the log density by less than half of the first and moves nothing by
more than the second. (Where the density rises for ever, but hardly, steps do not get shorter.)
"""


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """The posterior mode of the moved parameters.

    Attributes
    ----------
    coefficients : (k,)
        At the centres, in the order of ``regression.columns``.
    cutpoints : (c,)
        At the centres too; empty but for an ordered outcome.
    auxiliary
        By name: ``sigma``, ``nu``, ``alpha``.
    covariance : (d, d)
        Inverse of the negative Hessian: of the coefficients, the first cutpoint and the logarithms
        of the steps to the next ones, the logarithms of the auxiliary parameters. (Where a prior
        has bounds: of the logarithm of the parameter, or of its log odds between the two ends.)
    log_density
        Up to a constant, Jacobian included.
    converged
        Whether the gradient vanishes there and the Hessian is negative definite. If not, it is the
        highest point seen and the covariance means nothing.
    """

    coefficients: Array
    cutpoints: Array
    auxiliary: Mapping[str, float]
    covariance: Array
    log_density: float
    converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class Peak:
    """The same in the coordinates of a `Density`: ``point`` (d,) and the Hessian (d, d) there."""

    point: Array
    log_density: float
    hessian: Array
    converged: bool


def covariance(peak: Peak) -> Array:
    """Inverse of the negative Hessian, (d, d)."""
    size = np.sqrt(np.maximum(np.abs(np.diagonal(peak.hessian)), 1e-300))
    outer: Array = np.outer(size, size)
    found: Array = np.linalg.pinv(-peak.hessian / outer, hermitian=True) / outer
    return found


def obstacle(regression: Regression) -> str | None:
    """Why Newton's method does not apply; ``None`` if it does."""
    if regression.family == "cells":
        return "its family is cells, which has an exact posterior"
    if regression.varying:
        return "some of its coefficients vary by a category"
    return None


def find(regression: Regression, table: Table) -> Mode | None:
    """The mode; ``None`` where the regression has an `obstacle` or no starting point has a density.

    Parameters
    ----------
    table
        The rows, which may stand for several each; those that lack a value are left out.
    """
    if obstacle(regression) is not None:
        return None
    density = Density.of(regression, table)
    found = [_climbed(density, start) for start in starts(density)]
    best = max(found, key=lambda peak: (peak.converged, peak.log_density))
    if not (math.isfinite(best.log_density) and np.isfinite(best.hessian).all()):
        return None
    [natural] = density.natural(best.point[None])
    with np.errstate(over="ignore"):  # in units of 1e200
        spread = density.in_units(covariance(best))
    k, cuts = density.coefficients, len(regression.priors.cutpoints)
    names = RULES[regression.family].auxiliary
    return Mode(
        coefficients=natural[:k],
        cutpoints=natural[k : k + cuts],
        auxiliary=MappingProxyType(dict(zip(names, natural[k + cuts :].tolist(), strict=True))),
        covariance=spread,
        log_density=best.log_density,
        converged=best.converged,
    )


def peaks(density: Density) -> tuple[Peak, ...]:
    """The peaks that were reached from the `starts`, each once; none where no climb converged."""
    found: list[Peak] = []
    for start in starts(density):
        peak = _climbed(density, start)
        if peak.converged and not any(_same(peak, other) for other in found):
            found.append(peak)
    return tuple(found)


def _same(one: Peak, other: Peak) -> bool:
    """Whether they are less than a tenth of an sd apart."""
    away = one.point - other.point
    return bool(-away @ other.hessian @ away < 0.01)


def starts(density: Density) -> tuple[Array, ...]:
    """Where to climb from: one point, or more where there may be more than one peak."""
    family, first = density.regression.family, density.coefficients
    natural = np.zeros(density.dimension)
    natural[:first] = _coefficients(density)
    match family:
        case "gaussian":
            others = [[density.left(natural[:first])]]
        case "student":  # normal errors, and outliers about a narrow core
            size = density.left(natural[:first])
            others = [[size, 30.0], [0.3 * size, 2.0]]
        case "negbinomial":
            others = [[1.0]]
        case "ordered":
            others = [_cutpoints(density)]
        case _:
            others = [[]]
    each = [np.append(natural[:first], some) for some in others]
    # A prior with heavy tails and the data may each have a peak of their own.
    heavy = [n for n, prior in density.others if n < first and prior.name in ("StudentT", "Cauchy")]
    if heavy:
        each.append(each[0].copy())
        each[-1][heavy] = [density.priors[place].typical for place in heavy]
    return tuple(density.moved(density.inside(one)) for one in each)


def _coefficients(density: Density) -> Array:
    """Least squares, or 0 with the intercept at the link of the mean."""
    found = np.zeros(density.coefficients)
    if density.regression.family in ("gaussian", "student"):
        found = density.least_squares()
    elif density.regression.priors.intercept is not None:
        found[0] = density.middle
    return found


def _cutpoints(density: Density) -> list[float]:
    """The log odds of a lower grade, or what stands for them between the bounds of a prior."""
    share = np.cumsum(density.tallies.grades + 0.5)[:-1] / (density.tallies.grades + 0.5).sum()
    odds = share / (1.0 - share)
    low, high = density.regression.priors.cutpoints[0].support
    if math.isfinite(high):
        found = low + (high - low) * share
    else:
        found = low + odds if math.isfinite(low) else np.log(odds)
    return [float(cut) for cut in found]


def _climbed(density: Density, start: Array) -> Peak:
    """The peak; where there are many rows, by way of that of some of them."""
    thin = density.cells.rows // _ENOUGH
    if thin > 1:
        near = climb(density, start, thin)
        start = near.point if near.converged else start
    return climb(density, start)


def climb(density: Density, start: Array, thin: int = 1) -> Peak:
    """Newton's method from a starting point; *thin* as in `Density.derivatives`."""
    point = start
    value, gradient, hessian = density.derivatives(point, thin)
    damping = 0.0
    for _ in range(_STEPS):
        if not (math.isfinite(value) and np.isfinite(hessian).all()):
            break
        step = _step(gradient, hessian, damping)
        if step is None:
            damping = max(10.0 * damping, _FIRST_DAMPING)
            continue
        if damping == 0.0 and gradient @ step < _CLOSE and np.abs(step).max(initial=0.0) < _SHORT:
            value, _, hessian = density.derivatives(point + step, thin)
            return Peak(point + step, value, hessian, converged=True)
        trial = density.derivatives(point + step, thin)
        if trial[0] >= value - 1e-13 * abs(value) and np.isfinite(trial[2]).all():
            point = point + step
            value, gradient, hessian = trial
            damping = damping / 10.0 if damping > _FIRST_DAMPING else 0.0
        elif damping > _LAST_DAMPING:
            break
        else:
            damping = max(10.0 * damping, _FIRST_DAMPING)
    return Peak(point, value, hessian, converged=False)


_FIRST_DAMPING, _LAST_DAMPING = 1e-3, 1e20
_DEFINITE = 3e-7
"""A pivot of the Hessian scaled to a diagonal of 1 below which it counts as singular."""


def _step(gradient: Array, hessian: Array, damping: float) -> Array | None:
    """``None`` if the damped Hessian is not negative definite."""
    diagonal = np.abs(np.diagonal(hessian))
    size = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    scaled = -hessian / np.outer(size, size)
    scaled[np.diag_indices(len(size))] += damping
    try:
        factor = np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        return None
    if np.diagonal(factor).min(initial=1.0) < _DEFINITE:
        return None
    step: Array = np.linalg.solve(scaled, gradient / size) / size
    return step

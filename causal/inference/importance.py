"""Smooth regressions without varying terms: draws by importance about the posterior's peak.

Where the log density is smooth and has one peak, a Student-t there, with the inverse Hessian for
its shape, is nearly the posterior: it is drawn from once, independently, and weights make up for
the difference. Newton's method finds the peak (`causal.inference.mode`); no chain, no warm-up, no
compiling. Each side of each axis is as wide as the density along it says. Where that is not good
enough (many parameters, few rows), the centre is moved by what the third derivatives say of the
mean, and the shape is that of the density there.

The weights are Pareto-smoothed, and they are judged: `fit` returns nothing where they cannot be
trusted, and the model then goes to NUTS.

With so many rows that the density at each draw would take seconds, it is its third-order expansion
about the peak, whose error falls like 1 / rows; it counts only if exact values at a sample of the
draws, those with the largest weights and the farthest ones among them, agree.

References
----------
Tierney & Kadane (1986). Accurate approximations for posterior moments and marginal densities.
Journal of the American Statistical Association 81, 82-86.
Vehtari, Simpson, Gelman, Yao & Gabry (2024). Pareto smoothed importance sampling. JMLR 25(72).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from causal.errors import InferenceError
from causal.inference import mode, pareto
from causal.inference.density import Density
from causal.inference.mode import Peak
from causal.inference.posterior import Diagnostics, Posterior
from causal.inference.printed import as_printed
from causal.inference.proposal import Mixture, Student

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.data.table import Table
    from causal.models.regression import Regression

    Array = NDArray[np.float64]

__all__ = ["LARGEST", "fit", "obstacle"]

LARGEST = 200
"""Parameters beyond which no Student-t looks enough like the posterior."""

_PILOT = 1_000  # draws that a proposal is judged by
_GOOD = 0.5  # share of effective draws with which no better proposal is looked for
_GOOD_K = 0.5
_LEAST = 0.05  # of the largest peak's draws, for another one
_MOST = 8  # times the draws asked for
_WORK = 8e6  # rows times draws up to which the density is computed at each
_PROBES = np.array([1.0, 2.0, 4.0, 8.0])  # where along an axis its width is read off, in sds
_PER_SQUARE = 20  # rows per squared parameter below which an expansion is not close enough
_TELLING = 50_000  # rows that third derivatives are computed from
_CHECKED = 16  # draws an expansion is checked at: the heaviest, the farthest, and twice as many
_AGREES = 0.2  # its error in terms of what chance makes of a mean


def obstacle(regression: Regression) -> str | None:
    """Why importance sampling does not apply; ``None`` if it does."""
    if (reason := mode.obstacle(regression)) is not None:
        return reason
    for name, prior in regression.priors.auxiliary:
        if name != "sigma" and prior.tail_power <= 1.0:
            return f"with the prior {prior} of {name} its posterior is improper"
    if len(regression.coefficient_names) > LARGEST:
        return f"it has more than {LARGEST} parameters"
    return None


def fit(
    regression: Regression, table: Table, *, draws: int = 4_000, seed: int | None = None
) -> Posterior | None:
    """Draw from the posterior; ``None`` where importance sampling is not good enough.

    Parameters
    ----------
    regression
        Of any family but ``cells``, without varying terms.
    table
        The rows used; those that lack a value are left out.
    draws
        How many.
    seed
        Of NumPy's default generator.

    Returns
    -------
    Posterior
        One chain of draws, resampled by their weights, with ``pareto_k`` and, as ``ess_bulk``, what
        the draws are worth in independent ones. ``None`` if there is no peak, k is too large or the
        weights are worth fewer than 400 draws: then NUTS must do it.

    Raises
    ------
    InferenceError
        If the model has an `obstacle`.
    """
    started = perf_counter()
    if (reason := obstacle(regression)) is not None:
        raise InferenceError(
            f"Importance sampling cannot do the {regression.name} model: {reason}."
        )
    density = Density.of(regression, table)
    peaks = mode.peaks(density)
    if not peaks:
        return None
    generator = np.random.default_rng(seed)
    try:
        with np.errstate(all="ignore"):
            sample = _sample(density, peaks, draws, generator)
    except np.linalg.LinAlgError:  # a shape that rounding has made none
        return None
    if sample is None:
        return None
    weights, k = pareto.smoothed(sample.log_ratio)
    count = len(weights)
    if not (k < pareto.largest_k(count) and 1.0 / float(weights @ weights) > pareto.FEWEST):
        return None
    chosen, size = pareto.resampled(weights, draws, generator)
    natural = density.natural(sample.points[chosen])
    columns = density.coefficients
    return Posterior(
        names=regression.coefficient_names,
        draws=as_printed(regression, natural[None, :, :columns], natural[None, :, columns:]),
        sampler="importance",
        diagnostics=Diagnostics(ess_bulk=size, pareto_k=k),
        seconds=perf_counter() - started,
    )


# ------------------------------------------------------------------------------------------------
# Draws and their weights
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Draws (g, d) and the logs of their weights (g,), -inf for 0."""

    points: Array
    log_ratio: Array

    def joined(self, other: _Sample) -> _Sample:
        return _Sample(
            np.concatenate([self.points, other.points]),
            np.concatenate([self.log_ratio, other.log_ratio]),
        )

    @property
    def quality(self) -> tuple[float, float]:
        """The share of effective draws, and k."""
        if not np.isfinite(self.log_ratio).any():
            return 0.0, math.inf
        weights, k = pareto.smoothed(self.log_ratio)
        return 1.0 / float(weights @ weights) / len(weights), k


def _sample(
    density: Density, peaks: tuple[Peak, ...], draws: int, generator: np.random.Generator
) -> _Sample | None:
    """As many draws as it takes, from the better of two proposals."""
    count = max(draws, 2 * _PILOT)
    enough = density.cells.rows > _PER_SQUARE * density.dimension**2
    if density.cells.rows * count > _WORK and enough and len(peaks) == 1:
        expanded = _expanded(density, peaks[0], count, generator)
        if expanded is not None:
            return expanded
    proposal: Student | Mixture = _split(density, peaks)
    pilot = _drawn(density, proposal, _PILOT, generator)
    share, k = pilot.quality
    if (share < _GOOD or k > _GOOD_K) and len(peaks) == 1:
        other = _shifted(density, peaks[0])
        second = None if other is None else _drawn(density, other, _PILOT, generator)
        if other is not None and second is not None and second.quality[0] > share:
            proposal, pilot, (share, k) = other, second, second.quality
    if share == 0.0:
        return None
    more = min(max(count, math.ceil(0.75 * draws / share)), _MOST * count) - _PILOT
    return pilot.joined(_drawn(density, proposal, more, generator))


def _drawn(
    density: Density, proposal: Student | Mixture, count: int, generator: np.random.Generator
) -> _Sample:
    points = proposal.draw(count, generator)
    return _Sample(points, density.at(points) - proposal.log_density(points))


def _expanded(
    density: Density, peak: Peak, count: int, generator: np.random.Generator
) -> _Sample | None:
    """Draws with weights from the third-order expansion; ``None`` where that is not close enough.

    It is close enough where the weights of a sample of the draws, and of those that count most, are
    off by much less than what chance makes of the mean of as many draws.
    """
    factor = np.linalg.cholesky(mode.covariance(peak))
    proposal = Student(peak.point, factor, _freedom(density.dimension))
    points = proposal.draw(count, generator)
    beside = proposal.log_density(points)
    log_ratio = peak.log_density + _polynomial(density, peak, points - peak.point) - beside
    # The draws are in random order: the first ones are a sample.
    heaviest, farthest = np.argsort(log_ratio)[-_CHECKED:], np.argsort(beside)[:_CHECKED]
    checked = np.unique(np.concatenate([np.arange(2 * _CHECKED), heaviest, farthest]))
    exact = density.at(points[checked]) - beside[checked]
    off = exact - log_ratio[checked]
    weights = np.exp(exact - exact.max())
    by_chance = checked < 2 * _CHECKED
    if not weights[by_chance].sum() > 0.0:
        return None
    middle = np.average(off[by_chance], weights=weights[by_chance])
    for some, most in ((by_chance, 1.0), (np.isin(checked, heaviest), 3.0)):
        square = np.average((off[some] - middle) ** 2, weights=weights[some])
        if not square < (most * _AGREES) ** 2 / count:
            return None
    log_ratio += middle
    log_ratio[checked] = exact
    return _Sample(points, log_ratio)


def _polynomial(density: Density, peak: Peak, away: Array) -> Array:
    """The second and third order of the log density at these distances from its peak, (g,)."""
    size = len(peak.point)
    third = _third(density, peak).reshape(size, size**2)
    found = np.empty(len(away))
    step = max(1, 1_000_000 // size**2)
    for start in range(0, len(away), step):
        part = away[start : start + step]
        curved = 0.5 * peak.hessian + (part @ third).reshape(-1, size, size) / 6.0
        found[start : start + step] = np.einsum("ga,gab,gb->g", part, curved, part)
    return found


# ------------------------------------------------------------------------------------------------
# Proposals
# ------------------------------------------------------------------------------------------------


def _freedom(dimension: int) -> float:
    """With many parameters a Student-t of few degrees of freedom has its mass elsewhere."""
    return max(5.0, float(dimension))


def _split(density: Density, peaks: tuple[Peak, ...]) -> Mixture:
    """A split Student-t at each peak; where there are several, each by its mass, roughly."""
    parts, masses = [], []
    for peak in peaks:
        factor = np.linalg.cholesky(mode.covariance(peak))
        up, down = (_widths(density, peak, side * factor) for side in (1.0, -1.0))
        parts.append(Student(peak.point, factor, _freedom(density.dimension), up, down))
        volume = np.log(np.diagonal(factor)).sum() + np.log((up + down) / 2.0).sum()
        masses.append(peak.log_density + float(volume))
    shares = np.maximum(np.exp(np.array(masses) - max(masses)), _LEAST)
    return Mixture(tuple(parts), shares / shares.sum())


def _widths(density: Density, peak: Peak, axes: Array) -> Array:
    """How much wider the density is along each axis than its curvature at the peak says, (d,)."""
    points = peak.point + (_PROBES[:, None, None] * axes.T).reshape(-1, len(axes))
    drop = (peak.log_density - density.at(points)).reshape(len(_PROBES), -1)
    wide = _PROBES[:, None] / np.sqrt(2.0 * np.maximum(drop, 1e-3))
    found: Array = wide.max(axis=0).clip(0.3, 10.0)
    return found


def _shifted(density: Density, peak: Peak) -> Student | None:
    """A Student-t at the mean as the third derivatives have it, with the shape found there.

    The mean is the peak plus half the covariance times the gradient of log det of the Hessian.
    """
    spread = mode.covariance(peak)
    centre = peak.point + spread @ (0.5 * (_third(density, peak) * spread).sum(axis=(1, 2)))
    there = Peak(centre, *density.derivatives(centre)[::2], converged=True)
    try:
        factor = np.linalg.cholesky(mode.covariance(there))
    except np.linalg.LinAlgError:
        return None
    return Student(centre, factor, _freedom(density.dimension))


def _third(density: Density, peak: Peak) -> Array:
    """Third derivatives of the log density at its peak, (d, d, d).

    Differences of Hessians; the step is small against one sd, over which they change. With many
    rows these matter so little that some of the rows say enough.
    """
    thin = max(1, density.cells.rows // _TELLING)
    before = density.derivatives(peak.point, thin)[2]
    steps = 0.05 * np.sqrt(np.diagonal(mode.covariance(peak)))
    found = np.empty((len(steps),) * 3)
    for place, step in enumerate(steps):
        moved = peak.point.copy()
        moved[place] += step
        found[place] = (density.derivatives(moved, thin)[2] - before) / step
    return found

"""Densities as curves: of the effect in one model, of a shift.

All are scaled to one height: beside the posterior of a naive model that is wrong by a hundred of
its own standard deviations, the correct one would be a flat line.

Where the exact sampler knows the posterior as a mixture of Gaussians, the curve is that mixture.
Elsewhere it is a kernel estimate from the draws, with a Gaussian kernel of the normal-reference
bandwidth, 1.06 n^(-1/5) times the smaller of the sd and the interquartile range / 1.349 [1]_.

References
----------
.. [1] D. W. Scott, *Multivariate Density Estimation*, Wiley, 1992.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from causal.study.comparison import Fit

__all__ = ["LARGEST", "Curve", "density", "estimate"]

Array = NDArray[np.float64]
Curve = tuple[Array, Array]  # values in order, and a height of 0 to 1 for each

LARGEST = 1e150
"""Beyond this, differences may overflow: nothing is drawn there."""
_POINTS = 160


def density(fit: Fit) -> Curve | None:
    """The density of the effect of *fit*: exact where the posterior is known as a mixture."""
    effect, mixture = fit.effect, fit.draws.mixture
    if mixture is None or effect.weights is None:
        return estimate(effect.draws, effect.interval)
    x = _grid(effect.draws, effect.interval)
    if x is None:
        return None
    weights = np.array([effect.weights.get(name, 0.0) for name in fit.regression.linear_names])
    mean, variance = mixture.given_sigma(weights)
    some = (variance > 0.0) & np.isfinite(mean) & np.isfinite(variance)
    if not some.any():
        return None
    sd = np.sqrt(variance[some])
    with np.errstate(over="ignore"):  # far out on a narrow peak the density is 0
        z = (x[:, None] - mean[some]) / sd
        return _scaled(x, np.exp(-0.5 * z * z) @ (mixture.weights[some] / sd))


def estimate(draws: Array, interval: tuple[float, float]) -> Curve | None:
    """A kernel estimate, from counts in bins narrow enough not to show."""
    x = _grid(draws, interval)
    if x is None:
        return None
    usable = draws[np.abs(draws) < LARGEST]
    middle = np.subtract(*np.quantile(usable, [0.75, 0.25])) / 1.349
    spread = min(float(usable.std()), float(middle)) or float(x[-1] - x[0]) / 6.0
    width = max(1.06 * spread * usable.size**-0.2, float(x[1] - x[0]) / 2)
    margin = 4.0 * width
    counts, edges = np.histogram(usable, bins=1024, range=(x[0] - margin, x[-1] + margin))
    z = (x[:, None] - (edges[1:] + edges[:-1]) / 2) / width
    return _scaled(x, np.exp(-0.5 * z * z) @ counts)


def _grid(draws: Array, interval: tuple[float, float]) -> Array | None:
    """Where to evaluate a density; None where all draws are one value, or none is finite."""
    usable = draws[np.abs(draws) < LARGEST]
    if usable.size == 0:
        return None
    low, high = np.quantile(usable, [0.001, 0.999]).tolist()
    ends = [
        end if abs(end) < LARGEST else inner
        for end, inner in zip(interval, (low, high), strict=True)
    ]
    wide = 2.0 * (ends[1] - ends[0])  # a heavy tail must not crush the rest
    low, high = max(low, ends[0] - wide), min(high, ends[1] + wide)
    margin = 0.06 * (high - low)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        return None
    return np.linspace(low - margin, high + margin, _POINTS)


def _scaled(x: Array, height: Array) -> Curve | None:
    top = float(height.max())
    return (x, height / top) if top > 0.0 and math.isfinite(top) else None

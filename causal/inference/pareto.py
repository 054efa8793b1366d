"""Importance weights whose largest ones are smoothed by a generalized Pareto distribution.

A few draws far out in the tail can have most of the weight. Their weights are replaced by the
expected order statistics of a generalized Pareto distribution fitted to them, and its shape k says
how much the weights can be trusted: the variance of the raw ones exists below k = 1/2, and above
0.7 no number of draws that anyone has is enough.

References
----------
Vehtari, Simpson, Gelman, Yao & Gabry (2024). Pareto smoothed importance sampling. JMLR 25(72).
Zhang & Stephens (2009). A new and efficient estimation method for the generalized Pareto
distribution. Technometrics 51, 316-325.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["FEWEST", "LARGEST_K", "largest_k", "resampled", "smoothed"]

LARGEST_K = 0.7
"""The Pareto k above which the weights cannot be trusted (Vehtari et al. 2024)."""
FEWEST = 400.0
"""Effective draws wanted, as of any sampler."""


def largest_k(draws: int) -> float:
    """The Pareto k up to which so many weights can be trusted."""
    return min(1.0 - 1.0 / math.log10(draws), LARGEST_K)


def smoothed(log_ratio: Array) -> tuple[Array, float]:
    """Weights that sum to 1, and k; infinite where the weights have no tail that could be fitted.

    Parameters
    ----------
    log_ratio : (draws,)
        Of target and proposal; ``-inf`` has the weight 0. At least 25 draws, one of them finite.
    """
    ratio = np.exp(log_ratio - log_ratio.max())
    size = math.floor(3.0 * math.sqrt(len(ratio)) if len(ratio) > 225 else len(ratio) / 5.0)
    order = np.argsort(ratio, kind="stable")
    below, tail = order[-size - 1], order[-size:]
    cutoff = float(ratio[below])
    if ratio[tail[0]] == ratio[tail[-1]]:  # all alike: nothing sticks out
        return ratio / ratio.sum(), 0.0
    k, scale = _fit(ratio[tail] - cutoff)
    if math.isfinite(k) and scale > 0.0:
        share = (np.arange(size) + 0.5) / size
        rise = -np.log1p(-share)
        ratio[tail] = np.minimum(cutoff + scale * (np.expm1(k * rise) / k if k else rise), 1.0)
    return ratio / ratio.sum(), k


def _fit(excess: Array) -> tuple[float, float]:
    """Shape and scale of a generalized Pareto distribution, from its ordered draws above 0.

    The likelihood is averaged over a grid of theta = -k / scale; the shape is drawn a little
    towards 1/2, as if ten draws more had said so.
    """
    count = len(excess)
    quartile = excess[max(int(count / 4.0 + 0.5) - 1, 0)]
    if quartile <= excess[0]:
        return math.inf, math.nan
    steps = 30 + math.isqrt(count)
    theta = 1.0 - np.sqrt(steps / (np.arange(steps) + 0.5))
    theta = theta / (3.0 * quartile) + 1.0 / excess[-1]
    with np.errstate(all="ignore"):
        shapes = np.log1p(-theta[:, None] * excess).mean(axis=1)
        likelihood = count * (np.log(-theta / shapes) - shapes - 1.0)
        weights = np.exp(likelihood - np.nanmax(likelihood))
        least = 10.0 * np.finfo(np.float64).eps * np.nansum(weights)
        weights = np.where(weights >= least, weights, 0.0)
        best = float(weights @ theta / weights.sum())
        shape = float(np.log1p(-best * excess).mean())
        scale = -shape / best
    shape = (count * shape + 5.0) / (count + 10.0)
    return (shape, scale) if math.isfinite(shape) else (math.inf, math.nan)


def resampled(
    weights: Array, draws: int, generator: np.random.Generator
) -> tuple[NDArray[np.intp], float]:
    """Which draws to keep, in random order, and what these are worth in independent ones.

    Systematic resampling: each is kept as often as its weight says, rounded up or down at random,
    so that little is added to the variance of the weights themselves (Kitagawa 1996).
    """
    edges = np.cumsum(weights)
    at = (np.arange(draws) + generator.uniform()) / draws
    chosen = np.searchsorted(edges / edges[-1], at, side="right").clip(max=len(weights) - 1)
    often = draws * weights
    rounded = often - np.floor(often)
    noise = float((rounded * (1.0 - rounded)).sum()) / draws**2
    size = 1.0 / (float(weights @ weights) + noise)
    return generator.permutation(chosen), size

"""How far the priors move the effect: power-scaling sensitivity.

Raise all priors to the power a and the posterior moves; at a = 1 its mean moves, for each doubling
of a, by::

    ln 2 * Cov(effect, log prior)

over the posterior draws, so no model is fitted again. In units of the effect's own standard
deviation a move of 0.3 is about where the measure of Kallioinen et al. (a distance of
distributions, for which they give 0.05) says that prior and data matter alike.

What is raised are the priors that the user can change: of coefficients, of cutpoints, of sigma and
its like, of the standard deviations of what varies. The levels that vary are no priors in this
sense: their distribution is part of the model.

References
----------
Kallioinen, N., Paananen, T., Bürkner, P.-C. & Vehtari, A. (2023). Detecting and diagnosing prior
and likelihood sensitivity with power-scaling. Statistics and Computing 34, 57.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from causal.models.priors import to_cutpoints, to_printed
from causal.models.terms import Varying, columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.inference.posterior import Posterior
    from causal.models.regression import Regression
    from causal.study.effects import Effect

__all__ = ["MOVED", "moved_by_priors"]

MOVED = 0.3
"""Standard deviations of the effect, for a doubling of the priors' power, that deserve a word."""


def moved_by_priors(regression: Regression, posterior: Posterior, effect: Effect) -> float | None:
    """How far twice as strong priors would move the effect, in its own standard deviations.

    ``None`` where that cannot be told: the effect has no variance, or the draws are no sample.
    """
    log_prior = log_priors(regression, posterior)
    draws = effect.draws
    good = np.isfinite(log_prior) & np.isfinite(draws)
    if good.sum() < 100 or not 0.0 < effect.sd < math.inf:
        return None
    together = np.cov(draws[good], log_prior[good])
    return float(math.log(2.0) * together[0, 1] / math.sqrt(together[0, 0]))


def log_priors(regression: Regression, posterior: Posterior) -> NDArray[np.float64]:
    """The log density of every prior that can be changed, summed, at each draw, (draws,)."""
    priors = regression.priors
    flat = posterior.draws.reshape(-1, posterior.draws.shape[-1])
    linear = len(regression.linear_names)
    theta = np.linalg.solve(to_printed(regression), flat[:, :linear].T)
    total = np.zeros(len(flat))
    place = 0
    if priors.intercept is not None:
        total += priors.intercept.log_density(theta[0])
        place = 1
    scales = []
    for term, group in zip(regression.terms, priors.terms, strict=True):
        if isinstance(term, Varying):
            scales += [(f"sd({i})", prior) for i, prior in enumerate(group)]
        else:
            for offset, prior in enumerate(group):
                total += prior.log_density(theta[place + offset])
        place += len(columns(term))
    others = dict(zip(regression.other_names, flat[:, linear:].T, strict=True))
    cuts = [values for name, values in others.items() if name.startswith("cut[")]
    constant = to_cutpoints(regression) @ theta
    for prior, values in zip(priors.cutpoints, cuts, strict=True):
        total += prior.log_density(values + constant)
    sds = [values for name, values in others.items() if name.startswith("sd(")]
    for (_, prior), values in zip(scales, sds, strict=True):
        total += prior.log_density(values)
    for name, prior in priors.auxiliary:
        total += prior.log_density(others[name])
    return total

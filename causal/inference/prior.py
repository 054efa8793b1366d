"""Draws from the priors alone: what is believed about every parameter before any data.

`draw` returns a `Posterior` in form, so that whatever is computed from a posterior (an effect, a
curve) is computed from the priors in the same way.

References
----------
Lewandowski, D., Kurowicka, D. & Joe, H. (2009). Generating random correlation matrices based on
vines and extended onion method. Journal of Multivariate Analysis 100, 1989-2001.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from causal.errors import InferenceError, shown
from causal.inference.posterior import Diagnostics, Posterior
from causal.models.priors import to_cutpoints, to_printed
from causal.models.terms import Varying

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from causal.models.priors import Distribution
    from causal.models.regression import Regression

__all__ = ["draw", "obstacle"]


def obstacle(regression: Regression) -> str | None:
    """Why nothing can be drawn from these priors; ``None`` if it can: a flat one says nothing."""
    priors = regression.priors
    given = [*([priors.intercept] if priors.intercept else []), *priors.cutpoints]
    given += [prior for group in priors.terms for prior in group]
    given += [prior for _, prior in priors.auxiliary]
    flat = next((prior for prior in given if prior.name in ("Flat", "HalfFlat")), None)
    return None if flat is None else f"{flat} is no distribution that can be drawn from"


def draw(regression: Regression, *, draws: int = 4_000, seed: int = 0) -> Posterior:
    """Draw every parameter from its prior, independently.

    Parameters
    ----------
    regression
        With proper priors.
    draws, seed
        How many, and of which stream.

    Returns
    -------
    Posterior
        One chain; the parameters as printed, like those of any sampler.

    Raises
    ------
    InferenceError
        For improper priors.
    """
    started = perf_counter()
    reason = obstacle(regression)
    if reason is not None:
        raise InferenceError(
            f"The {shown(regression.name)[1:-1]} model has no prior predictive: {reason}."
        )
    generator = np.random.default_rng(seed)
    priors = regression.priors
    theta, others = [], []
    if priors.intercept is not None:
        theta.append(sampled(priors.intercept, draws, generator))
    for term, group in zip(regression.terms, priors.terms, strict=True):
        if isinstance(term, Varying):
            deviations, hyper = _varying(term, group, priors.correlation, draws, generator)
            theta += deviations
            others += hyper
        else:
            theta += [sampled(prior, draws, generator) for prior in group]
    columns = np.stack(theta, axis=1) if theta else np.empty((draws, 0))
    cuts = _cutpoints(priors.cutpoints, draws, generator)
    cuts = cuts - (columns @ to_cutpoints(regression))[:, None]
    auxiliary = [sampled(prior, draws, generator) for _, prior in priors.auxiliary]
    parts = [columns @ to_printed(regression).T, cuts]
    parts += [one[:, None] for one in (*others, *auxiliary)]
    return Posterior(
        names=regression.coefficient_names,
        draws=np.concatenate(parts, axis=1)[None],
        sampler="exact",
        diagnostics=Diagnostics(),
        seconds=perf_counter() - started,
    )


def sampled(prior: Distribution, draws: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Independent draws of one distribution, (draws,)."""
    p = prior.parameters
    match prior.name:
        case "Normal":
            return generator.normal(p[0], p[1], draws)
        case "StudentT":
            return p[1] + p[2] * generator.standard_t(p[0], draws)
        case "Cauchy":
            return p[0] + p[1] * generator.standard_cauchy(draws)
        case "LogNormal":
            return generator.lognormal(p[0], p[1], draws)
        case "Uniform":
            return generator.uniform(p[0], p[1], draws)
        case "Exponential":
            return generator.exponential(1.0 / p[0], draws)
        case "HalfNormal":
            return np.abs(generator.normal(0.0, p[0], draws))
        case "HalfCauchy":
            return np.abs(p[0] * generator.standard_cauchy(draws))
        case "HalfStudentT":
            return np.abs(p[1] * generator.standard_t(p[0], draws))
        case "InverseGamma":
            return p[1] / generator.standard_gamma(p[0], draws)
        case "Gamma":
            return generator.standard_gamma(p[0], draws) / p[1]
        case "Beta":
            return generator.beta(p[0], p[1], draws)
        case _:
            raise InferenceError(f"{prior} is no distribution that can be drawn from.")


def _varying(
    term: Varying,
    scales: Sequence[Distribution],
    eta: float,
    draws: int,
    generator: np.random.Generator,
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """The deviations, in the order of the term's columns; then sds and correlations."""
    size, levels = len(term.varied), len(term.by.levels)
    sd = np.stack([sampled(prior, draws, generator) for prior in scales], axis=1)
    chol = _lkj(size, eta, draws, generator)
    z = generator.standard_normal((draws, size, levels))
    deviation = sd[:, :, None] * (chol @ z)
    correlation = chol @ np.swapaxes(chol, 1, 2)
    hyper = [sd[:, place] for place in range(size)]
    hyper += [correlation[:, row, place] for row in range(size) for place in range(row)]
    return [deviation[:, v, k] for v in range(size) for k in range(levels)], hyper


def _lkj(size: int, eta: float, draws: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Cholesky factors of correlation matrices, (draws, size, size), by the C-vine (section 2.4).

    The partial correlation of variables i < j given those before i is Beta(b, b) on (-1, 1) with
    b = eta + (size - 2 - i) / 2; a row of the factor is built from its partial correlations.
    """
    chol = np.zeros((draws, size, size))
    chol[:, 0, 0] = 1.0
    for row in range(1, size):
        left = np.ones(draws)
        for place in range(row):
            shape = eta + (size - 2 - place) / 2.0
            partial = 2.0 * generator.beta(shape, shape, draws) - 1.0
            chol[:, row, place] = partial * np.sqrt(left)
            left = left * (1.0 - partial**2)
        chol[:, row, row] = np.sqrt(left)
    return chol


def _cutpoints(
    priors: Sequence[Distribution], draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Cutpoints in ascending order, (draws, their number): their priors where they ascend.

    Rejection would wait for ever for twenty of them to come in order. But each has to do with the
    next alone, so upwards over a grid the mass of ``c_1 < ... < c_k`` is summed up for every place
    of c_k, and downwards each cutpoint is drawn from what lies below the one above it.
    """
    if not priors:
        return np.empty((draws, 0))
    # The grid is dense where the priors have their mass, however far it reaches.
    some = [sampled(prior, 1 + _NODES // len(priors), generator) for prior in priors]
    nodes = np.unique(np.concatenate(some))
    middle, width = (nodes[1:] + nodes[:-1]) / 2.0, np.diff(nodes)
    below = np.ones(len(middle))
    upwards = []
    for prior in priors:
        mass = np.exp(prior.log_density(middle)) * width * below
        total = np.concatenate([[0.0], np.cumsum(mass)])
        total /= total[-1]
        upwards.append(total)
        below = (total[1:] + total[:-1]) / 2.0
    cuts = np.empty((draws, len(priors)))
    bound = np.full(draws, nodes[-1])
    for place in reversed(range(len(priors))):
        share = generator.uniform(size=draws) * np.interp(bound, nodes, upwards[place])
        bound = np.interp(share, upwards[place], nodes)
        cuts[:, place] = bound
    return cuts


_NODES = 20_000

"""How well a model predicts rows it has not seen: leave-one-out cross-validation.

The measure is the expected log predictive density ``elpd = sum_i log p(y_i | all rows but i)``
(Vehtari, Gelman & Gabry 2017). It ranks models by how well they foretell the next row of the same
kind, and that is another question than what an exposure does: an effect of the outcome, such as a
collider, foretells the outcome well and ruins the effect. So *predicts best* never means *answers
best*, and nothing here chooses an adjustment set.

No model is fitted n times. Each row is taken out of the posterior that saw it::

    1 / p(y_i | y_-i) = E[ 1 / p(y_i | parameters) ]        over the posterior of all rows

Exact
    Normal errors, where the posterior is a `Mixture`: given sigma, with e_i = y_i - x_i'mean the
    residual and h_i = x_i'Cov x_i / sigma^2 the leverage, the expectation is 1 over a normal
    density of e_i / (1 - h_i) with the variance sigma^2 / (1 - h_i); what is left is a sum over
    the grid of sigma. No draws, no error. (A row so unlike the others that sigma without it lies
    where the grid ends gets a longer grid of its own.)
Importance sampling
    Every other model, from its draws, the weights 1 / p(y_i | draw) smoothed by a Pareto tail
    (Vehtari, Simpson, Gelman, Yao & Gabry 2024), whose shape says whether to trust the result.

References
----------
Vehtari, A., Gelman, A. & Gabry, J. (2017). Practical Bayesian model evaluation using leave-one-out
cross-validation and WAIC. *Statistics and Computing* 27, 1413-1432.
Vehtari, A., Simpson, D., Gelman, A., Yao, Y. & Gabry, J. (2024). Pareto smoothed importance
sampling. *Journal of Machine Learning Research* 25(72), 1-58.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal.errors import InferenceError, MissingPart, shown
from causal.models.design import design, offset, response, trials
from causal.models.priors import gaussian_form

if TYPE_CHECKING:
    from causal.data.table import Table
    from causal.inference.posterior import Mixture, Posterior
    from causal.models.regression import Regression

__all__ = ["Gain", "Prediction", "gain", "leave_one_out", "log_likelihood"]

Array = NDArray[np.float64]

CELLS = 1_000_000
"""Densities held at once, rows times draws or points of the grid: 8 MB for each array in use."""
_THIN = 1e-13  # of the largest weight: the grid ends at 1e-17
_LITTLE = 1e-9
_DEEP = 40.0  # log units below the peak, where a curve of log sigma may end
_FURTHEST = 690.0  # and where floats end


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """How well a model predicts each row from all others.

    Attributes
    ----------
    pointwise : (rows,)
        ``log p(y_i | all rows but i)``; minus infinity for a row without which a coefficient has
        no posterior.
    pareto_k
        The worst shape of a tail of importance weights; ``None`` where the result is exact.
    reliable
        Whether that shape allows the number of draws.
    """

    pointwise: Array = field(repr=False)
    pareto_k: float | None = None
    reliable: bool = True

    @property
    def elpd(self) -> float:
        """The sum over the rows: the higher, the better."""
        return float(self.pointwise.sum())

    @property
    def standard_error(self) -> float:
        """Of `elpd`, over samples of as many rows."""
        return _standard_error(self.pointwise)


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much the elpd of one model is above that of another, on the same rows."""

    mean: float
    standard_error: float
    reliable: bool


def gain(better: Prediction, worse: Prediction) -> Gain:
    """By how much *better* predicts better than *worse*; negative if it does not.

    The rows are paired: what is hard to foretell for both says nothing about either.
    """
    differences = better.pointwise - worse.pointwise
    return Gain(
        float(differences.sum()),
        _standard_error(differences),
        better.reliable and worse.reliable,
    )


def leave_one_out(regression: Regression, posterior: Posterior, table: Table) -> Prediction:
    """Predict each row from all others.

    Parameters
    ----------
    regression, posterior
        What was fitted, and what came of it.
    table
        The rows it was fitted to.

    Raises
    ------
    InferenceError
        The outcome is an exact function of the predictors: its density is infinite.
    MissingPart
        Draws have to be weighted, and ArviZ is not installed.
    """
    if "perfect_fit" in posterior.diagnostics.problems:
        raise InferenceError(
            f"{shown(regression.outcome)} is an exact linear function of the predictors of the "
            f"{regression.name} model, so predictions have no density to compare. Leave out what "
            "the outcome was computed from."
        )
    if posterior.mixture is not None:
        return Prediction(_exact(regression, posterior.mixture, table))
    return _by_importance(regression, posterior, table.written_out(regression.variables))


def log_likelihood(
    regression: Regression, posterior: Posterior, table: Table, rows: slice = slice(None)
) -> Array:
    """``log p(y_i | draw)`` of each draw and row, (draws, rows), all constants in it.

    Parameters
    ----------
    rows
        Which rows of the table.
    """
    from scipy.special import gammaln, log_expit

    names = regression.linear_names
    draws = posterior.draws.reshape(-1, posterior.draws.shape[-1])
    other = dict(zip(regression.other_names, draws.T[len(names) :, :, None], strict=True))
    eta = draws[:, : len(names)] @ design(regression, table, rows).T
    eta += offset(regression, table)[rows]
    y = response(regression, table, rows)
    result: Array
    match regression.family:
        case "gaussian":
            sigma = other["sigma"]
            result = -0.5 * ((y - eta) / sigma) ** 2 - np.log(sigma) - 0.5 * math.log(2 * math.pi)
        case "student":
            sigma, nu = other["sigma"], other["nu"]
            scale = (
                gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - np.log(sigma)
            )
            result = scale - (nu + 1) / 2 * np.log1p(((y - eta) / sigma) ** 2 / nu)
        case "bernoulli":
            result = log_expit((2 * y - 1) * eta)
        case "cells":
            with np.errstate(divide="ignore"):  # a cell that is all ones may be drawn at 1 exactly
                result = np.where(y == 1.0, np.log(eta), np.log1p(-eta))
        case "binomial":
            n = trials(regression, table)[rows]
            ways = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
            result = ways + y * log_expit(eta) + (n - y) * log_expit(-eta)
        case "poisson":
            result = y * eta - np.exp(eta) - gammaln(y + 1)
        case "negbinomial":
            alpha = other["alpha"]
            ways = gammaln(y + alpha) - gammaln(alpha) - gammaln(y + 1)
            # In logarithms: the mean may be beyond any float.
            share = eta - np.log(alpha)
            result = ways + alpha * log_expit(-share) + y * log_expit(share)
        case "ordered":
            count = len(regression.grades) - 1
            cuts = draws[:, len(names) : len(names) + count]
            ends = np.pad(cuts, ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))
            grade = y.astype(np.intp)
            result = _between(ends[:, grade] - eta, ends[:, grade + 1] - eta)
    return result


def _between(low: Array, high: Array) -> Array:
    """``log(expit(high) - expit(low))``, in full precision in both tails."""
    from scipy.special import log_expit

    # expit(b) - expit(a) = expit(b) expit(-a) (1 - exp(a - b))
    result: Array = log_expit(high) + log_expit(-low) + np.log(-np.expm1(low - high))
    return result


def _exact(regression: Regression, mixture: Mixture, table: Table) -> Array:
    """``log p(y_i | y_-i)`` of each row, (rows,), by the grid of sigma."""
    size = max(len(mixture.sigma), len(mixture.base))
    found = np.empty(table.rows)
    odd: list[int] = []
    for rows in _blocks(table.rows, size):
        density = _without_row(regression, mixture, table, rows, mixture.sigma)
        found[rows], outside = _harmonic(density, mixture.weights)
        odd += (np.flatnonzero(outside) + rows.start).tolist()
    if odd:
        curve = _sigma_curve(regression, table)
        for row in odd:
            found[row] = _by_quadrature(regression, mixture, table, row, curve)
    return found


def _without_row(
    regression: Regression, mixture: Mixture, table: Table, rows: slice, sigma: Array
) -> Array:
    """``log p(y_i | y_-i, sigma)`` at each sigma, (rows, g)."""
    variance = sigma**2
    middle, spread = mixture.ridge(sigma)
    x = design(regression, table, rows)
    loading, flat = x @ mixture.basis, x @ mixture.flat_basis
    known = response(regression, table, rows) - x @ mixture.base
    residual = known[:, None] - loading @ middle.T
    leverage = (flat**2).sum(axis=1, keepdims=True) + loading**2 @ (spread.T / variance)
    rest = 1.0 - leverage
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.log(rest / (2 * np.pi * variance)) - residual**2 / (variance * rest)
    # A row that alone says something about a coefficient with a flat prior has leverage 1.
    return np.where(rest > 1e-12, 0.5 * density, -np.inf)


def _harmonic(density: Array, weights: Array) -> tuple[Array, NDArray[np.bool_]]:
    """``-log(sum_g weights_g / exp(density_ig))``, and whether the grid was too short for it.

    The terms of the sum are the posterior of sigma without row i. If some of it lies where the one
    with row i has next to nothing, more of it lies beyond.
    """
    impossible = np.isneginf(density).any(axis=1)
    lowest = np.where(impossible, 0.0, density.min(axis=1))
    with np.errstate(over="ignore", invalid="ignore"):  # where impossible, not taken below
        terms = np.exp(lowest[:, None] - density) * weights
        total = terms.sum(axis=1)
        edge = terms[:, weights < _THIN * weights.max()].sum(axis=1)
        outside = ~impossible & (edge > _LITTLE * total)
        found: Array = np.where(impossible, -np.inf, lowest - np.log(total))
    return found, outside


def _by_quadrature(
    regression: Regression,
    mixture: Mixture,
    table: Table,
    row: int,
    curve: Callable[[Array], Array],
) -> float:
    """``log p(y_i | y_-i)`` of one row, over a grid of sigma as long as it takes."""
    ends = [math.log(mixture.sigma.min()), math.log(mixture.sigma.max())]
    # A tenth of the sd of log sigma, which is about 1 / sqrt(2 n).
    step = 0.1 / math.sqrt(2 * table.rows)
    one = slice(row, row + 1)
    while True:
        grid = np.arange(ends[0], ends[1] + step, step)
        whole = curve(grid)
        rest = whole - _without_row(regression, mixture, table, one, np.exp(grid))[0]
        reached = [
            all(
                part[end] < part.max() - _DEEP or abs(ends[end]) > _FURTHEST
                for part in (whole, rest)
            )
            for end in (0, -1)
        ]
        if all(reached):
            return float(np.logaddexp.reduce(whole) - np.logaddexp.reduce(rest))
        ends = [ends[0] - 2 * (not reached[0]), ends[1] + 2 * (not reached[1])]


def _sigma_curve(regression: Regression, table: Table) -> Callable[[Array], Array]:
    """The log posterior density of log sigma, up to a constant, at any log sigma."""
    form, prior = gaussian_form(regression), regression.priors.sigma
    assert form is not None
    assert prior is not None
    x = design(regression, table) @ form.to_printed
    flat, proper = x[:, form.flat], x[:, ~form.flat]
    left, size, _ = np.linalg.svd(flat, full_matrices=False)
    span = left[:, size > 1e-12 * size.max(initial=0.0)]
    y = response(regression, table) - proper @ form.mean[~form.flat]
    y = y - span @ (span.T @ y)
    scaled = proper * form.sd[~form.flat]
    left, d, _ = np.linalg.svd(scaled - span @ (span.T @ scaled), full_matrices=False)
    z = left.T @ y
    residual = float(np.sum((y - left @ z) ** 2))
    freedom = table.rows - span.shape[1] - len(d)

    def curve(log_sigma: Array) -> Array:
        variance = np.exp(2.0 * log_sigma)
        total = variance[:, None] + d**2
        value: Array = -freedom * log_sigma - 0.5 * residual / variance
        value -= 0.5 * np.sum(np.log(total) + z**2 / total, axis=1)
        return value + prior.log_density(np.exp(log_sigma)) + log_sigma

    return curve


def _by_importance(regression: Regression, posterior: Posterior, table: Table) -> Prediction:
    try:
        from arviz_stats.base.array import BaseArray
    except ImportError as error:
        raise MissingPart(
            "ArviZ is not installed, and without it draws cannot be weighted: "
            "pip install 'causal-workbench[bayes]'."
        ) from error
    weigh: Any = BaseArray().loo
    count = posterior.draws.shape[0] * posterior.draws.shape[1]
    bulk = posterior.diagnostics.ess_bulk
    efficiency = 1.0 if bulk is None else min(1.0, bulk / count)
    found = np.empty(table.rows)
    worst = -math.inf
    for rows in _blocks(table.rows, count):
        density = log_likelihood(regression, posterior, table, rows)
        found[rows], shape, _ = weigh(density[None], chain_axis=0, draw_axis=1, r_eff=efficiency)
        worst = max(worst, float(np.max(shape)))
    # Where that many draws can be relied on: Vehtari et al. 2024, section 3.2.
    allowed = min(1.0 - 1.0 / math.log10(count), 0.7) if count > 10 else 0.0
    return Prediction(found, worst, reliable=worst < allowed)


def _blocks(rows: int, size: int) -> Iterator[slice]:
    """Slices of the rows, so few that *size* numbers of each fit."""
    step = max(1, CELLS // max(1, size))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def _standard_error(pointwise: Array) -> float:
    """Of a sum over the rows; infinite with a single one."""
    if len(pointwise) < 2 or not np.all(np.isfinite(pointwise)):
        return math.inf
    return float(math.sqrt(len(pointwise)) * pointwise.std(ddof=1))

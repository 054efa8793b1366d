"""Linear models whose coefficients vary by a category: all coefficients integrated out.

Given the hyperparameters (sigma, the standard deviations of what varies, their correlations) the
model is Gaussian, so the coefficients have a closed form and only a handful of numbers is left.
Their posterior is sampled by importance: a Student-t about the mode, moved and widened a few times
to where the weight is, Pareto-smoothed weights, and then draws of the coefficients given each
hyperparameter that was kept. No chain, no funnel, no compiling; rows enter through `Moments` alone.

With A the columns in centred coordinates and r the outcome, both as the R factor of a QR (k + 1
rows stand for all n), m and V the prior mean and covariance of the coefficients and e = r - A m::

    2 log p(y | hyper) = -(n - k - 1) log sigma^2 - log|M| - e'M^-1 e,    M = sigma^2 + A V A'

and the coefficients are m + b + V A'M^-1 (e - A b - noise), with b from their prior and noise of sd
sigma: sums of squares throughout, so that no digits cancel where sigma is small.

The hyperparameters move on the whole line: log sigma, log sd, and the inverse hyperbolic tangents
of the partial correlations of a C-vine, whose prior under LKJ(eta) is a product of Beta densities.

References
----------
Lewandowski, Kurowicka & Joe (2009). Generating random correlation matrices based on vines and
extended onion method. Journal of Multivariate Analysis 100, 1989-2001.
Vehtari, Simpson, Gelman, Yao & Gabry (2024). Pareto smoothed importance sampling. JMLR 25(72).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from causal.errors import InferenceError
from causal.inference.pareto import FEWEST, largest_k, resampled, smoothed
from causal.inference.posterior import Diagnostics, Posterior
from causal.inference.proposal import Student
from causal.models.design import sums_for
from causal.models.priors import to_printed
from causal.models.terms import Varying

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.data.moments import Moments
    from causal.models.priors import Distribution
    from causal.models.regression import Regression

    Array = NDArray[np.float64]

__all__ = ["fit", "obstacle"]

LARGEST = 150
"""Coefficients beyond which the cubes of their number cost more than NUTS does."""
HYPERPARAMETERS = 12
"""Beyond these a Student-t no longer looks enough like the posterior."""

_FREEDOM = 5.0  # of the Student-t
_ROUNDS = 6  # of moving it
_PILOT = 2_000  # draws a round
_CELLS = 4_000_000  # numbers held at once: 32 MB


def obstacle(regression: Regression) -> str | None:
    """Why the coefficients cannot be integrated out; ``None`` if they can."""
    if regression.family != "gaussian":
        return f"its family is {regression.family}, not gaussian"
    if not regression.varying:
        return "none of its coefficients vary by a category"
    priors = regression.priors
    fixed = [*([priors.intercept] if priors.intercept else [])]
    for term, group in zip(regression.terms, priors.terms, strict=True):
        if not isinstance(term, Varying):
            fixed += group
    if any(prior.name != "Normal" for prior in fixed):
        return "the prior of a coefficient is not Normal"
    if len(regression.columns) > LARGEST:
        return f"it has more than {LARGEST} coefficients"
    if len(regression.other_names) > HYPERPARAMETERS:
        return f"it has more than {HYPERPARAMETERS} hyperparameters"
    return None


def fit(
    regression: Regression, moments: Moments, *, draws: int = 4_000, seed: int | None = None
) -> Posterior | None:
    """Draw from the posterior; ``None`` where importance sampling is not good enough.

    Parameters
    ----------
    regression
        Gaussian, with varying terms and Normal priors on the other coefficients.
    moments
        Of the rows, from `causal.models.design.statistic`.
    draws
        How many.
    seed
        Of NumPy's default generator.

    Returns
    -------
    Posterior
        One chain of draws, resampled by their weights, with ``pareto_k`` and, as ``ess_bulk``, what
        they are worth in independent ones. ``None`` if k is above 0.7, or the weights are worth
        fewer than 400 draws: then NUTS must do it.

    Raises
    ------
    InferenceError
        If the model has an `obstacle`.
    """
    started = perf_counter()
    reason = obstacle(regression)
    if reason is not None:
        raise InferenceError(
            f"The coefficients of the {regression.name} model cannot be integrated out: {reason}."
        )
    problem = _Problem.of(regression, moments)
    generator = np.random.default_rng(seed)
    proposal = _proposal(problem, generator)
    if proposal is None:
        return None
    count = max(4 * draws, 4 * _PILOT)
    points = proposal.draw(count, generator)
    ratio = problem.log_density(points) - proposal.log_density(points)
    if not np.isfinite(ratio).any():
        return None
    weights, k = smoothed(ratio)
    if not (k < largest_k(count) and 1.0 / float(weights @ weights) > FEWEST):
        return None
    chosen, size = resampled(weights, draws, generator)
    values = problem.parameters(points[chosen], generator)
    return Posterior(
        names=regression.coefficient_names,
        draws=values[None],
        sampler="importance",
        diagnostics=Diagnostics(ess_bulk=size, pareto_k=k),
        seconds=perf_counter() - started,
    )


# ------------------------------------------------------------------------------------------------
# The posterior of the hyperparameters
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """One varying term: which coefficients, in how many levels, with which priors."""

    start: int  # of its coefficients among all
    size: int  # how many vary in a level
    levels: int
    scales: tuple[Distribution, ...]
    eta: float

    @property
    def pairs(self) -> int:
        return self.size * (self.size - 1) // 2


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The regression by its statistic."""

    rows: int
    design: Array  # A (q, k)
    rest: Array  # e (q,)
    mean: Array  # prior mean of the coefficients (k,)
    sd: Array  # of those that do not vary (k,); 0 elsewhere
    blocks: tuple[_Block, ...]
    sigma: Distribution
    to_printed: Array
    level: float  # added to the printed intercept: the outcome stays centred beside one

    @classmethod
    def of(cls, regression: Regression, moments: Moments) -> _Problem:
        """From the statistic of its columns and outcome."""
        priors = regression.priors
        assert priors.sigma is not None
        chosen = sums_for(regression, moments)
        has_intercept = priors.intercept is not None
        centres = priors.centres
        own = [c for c in regression.columns if c]
        centre = np.array([centres.get(c[0], 0.0) if len(c) == 1 else 0.0 for c in own])
        level = float(chosen.means[-1]) if has_intercept else 0.0
        triangle = chosen.shifted(np.append(centre, level))
        if not has_intercept:
            triangle = triangle[:, 1:]
        held, outcome = triangle[:, :-1], triangle[:, -1]
        mean, sd = [], []
        if priors.intercept is not None:
            mean.append(priors.intercept.parameters[0] - level)
            sd.append(priors.intercept.parameters[1])
        blocks = []
        for term, group in zip(regression.terms, priors.terms, strict=True):
            if isinstance(term, Varying):
                size, levels = len(term.varied), len(term.by.levels)
                blocks.append(_Block(len(mean), size, levels, group, priors.correlation))
                mean += [0.0] * (size * levels)
                sd += [0.0] * (size * levels)
            else:
                mean += [prior.parameters[0] for prior in group]
                sd += [prior.parameters[1] for prior in group]
        return cls(
            rows=moments.rows,
            design=held,
            rest=outcome - held @ np.array(mean),
            mean=np.array(mean),
            sd=np.array(sd),
            blocks=tuple(blocks),
            sigma=priors.sigma,
            to_printed=to_printed(regression),
            level=level,
        )

    @property
    def dimension(self) -> int:
        return 1 + sum(block.size + block.pairs for block in self.blocks)

    def log_density(self, points: Array) -> Array:
        """Log posterior of hyperparameters (g, d) up to a constant, (g,)."""
        found = np.empty(len(points))
        step = max(1, _CELLS // len(self.mean) ** 2)
        for start in range(0, len(points), step):
            found[start : start + step] = self._log_density(points[start : start + step])
        return found

    def _log_density(self, points: Array) -> Array:
        with np.errstate(all="ignore"):
            sigma = np.exp(points[:, 0])
            spread, value = self._spread(points)
            value = value + self.sigma.log_density(sigma) + points[:, 0]
            system = spread @ np.swapaxes(spread, 1, 2)
            inner = np.arange(len(self.rest))
            system[:, inner, inner] += (sigma**2)[:, None]
            good = np.isfinite(system).all(axis=(1, 2)) & np.isfinite(value)
            system[~good] = np.eye(len(self.rest))
            try:
                factor = np.linalg.cholesky(system)
            except np.linalg.LinAlgError:  # one of them, by rounding: the others still count
                if len(points) == 1:
                    return np.array([-math.inf])
                return np.array([float(self._log_density(one[None])[0]) for one in points])
            away = np.broadcast_to(self.rest[:, None], (len(points), len(self.rest), 1))
            solved = np.linalg.solve(factor, away)[..., 0]
            value -= (self.rows - len(self.rest)) * points[:, 0]
            value -= np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
            value -= 0.5 * (solved**2).sum(axis=1)
        return np.where(good & np.isfinite(value), value, -math.inf)

    def _spread(self, points: Array) -> tuple[Array, Array]:
        """``A S`` with V = S S', (g, q, k), and the log prior of the hyperparameters, (g,)."""
        spread = np.repeat((self.design * self.sd)[None], len(points), axis=0)
        total = np.zeros(len(points))
        for block, sd, chol, log_prior in self._blocks(points):
            total += log_prior
            own = self.design[:, block.start : block.start + block.size * block.levels]
            own = own.reshape(len(own), block.size, block.levels)
            root = sd[:, :, None] * chol
            part = np.einsum("qvl,gvw->gqwl", own, root).reshape(len(points), len(own), -1)
            spread[:, :, block.start : block.start + part.shape[2]] = part
        return spread, total

    def _blocks(self, points: Array) -> list[tuple[_Block, Array, Array, Array]]:
        """Of each term the sds (g, size), the correlations' Cholesky factor, the log prior."""
        place, found = 1, []
        for block in self.blocks:
            logs = points[:, place : place + block.size]
            sd = np.exp(logs)
            log_prior = logs.sum(axis=1)
            for column, prior in enumerate(block.scales):
                log_prior = log_prior + prior.log_density(sd[:, column])
            place += block.size
            chol, of_correlations = _correlated(points[:, place : place + block.pairs], block)
            place += block.pairs
            found.append((block, sd, chol, log_prior + of_correlations))
        return found

    def _rooted(self, points: Array, units: Array) -> Array:
        """``S units``: from independent standard normals to the coefficients, (g, k)."""
        found = units * self.sd
        for block, sd, chol, _ in self._blocks(points):
            own = slice(block.start, block.start + block.size * block.levels)
            z = units[:, own].reshape(len(units), block.size, block.levels)
            root = sd[:, :, None] * chol
            found[:, own] = np.einsum("gvw,gwl->gvl", root, z).reshape(len(units), -1)
        return found

    def parameters(self, points: Array, generator: np.random.Generator) -> Array:
        """Coefficients drawn given each point, and the hyperparameters: (g, all parameters)."""
        found = []
        step = max(1, _CELLS // len(self.mean) ** 2)
        for start in range(0, len(points), step):
            part = points[start : start + step]
            sigma = np.exp(part[:, 0])
            spread, _ = self._spread(part)
            system = spread @ np.swapaxes(spread, 1, 2)
            inner = np.arange(len(self.rest))
            system[:, inner, inner] += (sigma**2)[:, None]
            z = generator.standard_normal((len(part), len(self.mean), 1))
            noise = sigma[:, None, None] * generator.standard_normal((len(part), len(self.rest), 1))
            lack = self.rest[:, None] - spread @ z - noise
            units = z + np.swapaxes(spread, 1, 2) @ np.linalg.solve(system, lack)
            theta = self.mean + self._rooted(part, units[..., 0])
            printed = theta @ self.to_printed.T
            if self.level:
                printed[:, 0] += self.level
            hyper = []
            for block, sd, chol, _ in self._blocks(part):
                correlation = chol @ np.swapaxes(chol, 1, 2)
                hyper += [sd[:, i] for i in range(block.size)]
                hyper += [correlation[:, i, j] for i in range(block.size) for j in range(i)]
            found.append(np.column_stack([printed, *hyper, sigma]))
        return np.concatenate(found)


def _correlated(angles: Array, block: _Block) -> tuple[Array, Array]:
    """Cholesky factor of the correlations (g, size, size), and their log prior (g,)."""
    count, size = len(angles), block.size
    chol = np.zeros((count, size, size))
    chol[:, 0, 0] = 1.0
    log_prior = np.zeros(count)
    place = 0
    for row in range(1, size):
        left = np.zeros(count)  # log of what is left of the row's length, squared
        for column in range(row):
            # log(1 - tanh^2) without loss where the correlation is nearly 1
            z = angles[:, place]
            rest = -2.0 * (np.logaddexp(z, -z) - math.log(2.0))
            chol[:, row, column] = np.tanh(z) * np.exp(0.5 * left)
            shape = block.eta + (size - 2 - column) / 2.0
            log_prior += shape * rest
            left = left + rest
            place += 1
        chol[:, row, row] = np.exp(0.5 * left)
    return chol, log_prior


# ------------------------------------------------------------------------------------------------
# Importance sampling
# ------------------------------------------------------------------------------------------------


def _proposal(problem: _Problem, generator: np.random.Generator) -> Student | None:
    """A Student-t with the mean and covariance of the posterior, found by importance sampling.

    It starts wide, at the priors' and the outcome's scale, and is moved to the weighted mean and
    covariance of its own draws; the first rounds temper the weights so that a few draws do not
    take them all.
    """
    start = _start(problem)
    proposal = Student(start, 1.5 * np.eye(len(start)), _FREEDOM)
    for round_ in range(_ROUNDS + _COLD):
        points = proposal.draw(_PILOT, generator)
        ratio = problem.log_density(points) - proposal.log_density(points)
        if not np.isfinite(ratio).any():
            return None
        ratio = np.where(np.isfinite(ratio), ratio - ratio.max(), -1e300)
        power = 1.0 if round_ >= _COLD else _tempered(ratio)
        weights, _ = smoothed(power * ratio)
        centre = weights @ points
        away = points - centre
        spread = (weights[:, None] * away).T @ away + 1e-8 * np.eye(len(centre))
        # The covariance of a Student-t is its scale matrix times nu / (nu - 2).
        scale = spread * (_FREEDOM - 2.0) / _FREEDOM * 1.2
        proposal = Student(centre, np.linalg.cholesky(scale), _FREEDOM)
    return proposal


_COLD = 8  # rounds with tempered weights


def _tempered(ratio: Array) -> float:
    """The power of the weights at which a tenth of the draws count."""
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2.0
        weights = np.exp(middle * ratio)
        size = weights.sum() ** 2 / (weights @ weights)
        if size < 0.1 * len(ratio):
            high = middle
        else:
            low = middle
    return min(1.0, high)


def _start(problem: _Problem) -> Array:
    """Where to look first: residual and levels share what the fixed coefficients leave."""
    square = float(problem.rest @ problem.rest)
    rest = math.sqrt(max(square, 1e-300) / max(problem.rows, 1))
    start = [math.log(rest / 2.0)]
    for block in problem.blocks:
        start += [math.log(max(prior.typical, 1e-300)) for prior in block.scales]
        start += [0.0] * block.pairs
    return np.array(start)

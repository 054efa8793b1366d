"""What a sampler returns: one type for all of them.

`Posterior` holds draws and diagnostics whichever sampler made them. The exact sampler knows more
than its draws: the posterior as a mixture of Gaussians over a grid of sigma. Where that `Mixture`
is present, means, standard deviations and P(> 0) come from it, without Monte Carlo error;
intervals and everything derived come from the draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from causal.errors import InferenceError, MissingPart, did_you_mean, shown

if TYPE_CHECKING:
    from xarray import DataTree

__all__ = ["Diagnostics", "Mixture", "Moment", "Posterior", "Sampler", "Summary", "quantiles"]

Sampler = Literal["exact", "importance", "nuts", "pymc", "numpyro", "pymc3"]


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """What speaks for or against the draws; ``None`` where a measure does not apply.

    `problems` holds the failed checks by name (``"perfect_fit"``, ``"rhat"``, ...); empty is good.
    """

    rhat: float | None = None
    ess_bulk: float | None = None
    ess_tail: float | None = None
    divergences: int | None = None
    pareto_k: float | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """One quantity: mean, sd and the equal-tailed interval that holds `prob`.

    `probability_positive` is ``None`` for sigma, which cannot be anything else.
    """

    mean: float
    sd: float
    interval: tuple[float, float]
    prob: float
    probability_positive: float | None


@dataclass(frozen=True, slots=True)
class Moment:
    """Mean, sd and P(> 0) without Monte Carlo error."""

    mean: float
    sd: float
    probability_positive: float


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """The exact posterior: Gaussian given sigma, and sigma on a grid with weights.

    Given sigma the k coefficients are ``base + basis @ t + sigma * flat_basis @ e`` with e standard
    normal and, independently, ``t_j ~ Normal(d_j z_j / (d_j^2 + sigma^2),
    sigma^2 / (d_j^2 + sigma^2))``: the ridge solution in the basis of singular vectors. A direction
    the data say nothing about has d_j = 0 and keeps its prior, ``Normal(0, 1)``.

    Attributes
    ----------
    base : (k,)
        Value of the coefficients at t = 0, e = 0.
    basis : (k, p)
        Of the coefficients with proper priors.
    flat_basis : (k, f)
        Of the coefficients with flat priors.
    singular, target : (p,)
        d and z, in the outcome's units.
    sigma, weights : (g,)
        The grid and its probabilities, which sum to 1.
    finite_variance
        False where the tail of sigma is so heavy that it, and every coefficient with a flat prior,
        has no variance.
    """

    base: NDArray[np.float64]
    basis: NDArray[np.float64]
    flat_basis: NDArray[np.float64]
    singular: NDArray[np.float64]
    target: NDArray[np.float64]
    sigma: NDArray[np.float64]
    weights: NDArray[np.float64]
    finite_variance: bool = True

    def linear(self, weights: NDArray[np.float64]) -> Moment:
        """Moments of ``weights @ coefficients``; `weights` (k,), without sigma."""
        mean, variance = self.given_sigma(weights)
        overall = float(self.weights @ mean)
        spread = float(self.weights @ (variance + (mean - overall) ** 2))
        sd = math.sqrt(max(spread, 0.0))
        if not self.finite_variance and np.any(weights @ self.flat_basis):
            sd = math.inf
        return Moment(overall, sd, self._positive(mean, variance))

    def given_sigma(
        self, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance of ``weights @ coefficients`` at each sigma of the grid, (g,) each."""
        loading = weights @ self.basis
        flat = weights @ self.flat_basis
        mean_t, variance_t = self.ridge(self.sigma)
        mean = float(weights @ self.base) + mean_t @ loading
        variance = self.sigma**2 * float(flat @ flat) + variance_t @ loading**2
        return mean, variance

    def scale(self) -> tuple[float, float]:
        """Mean and sd of sigma."""
        mean = float(self.weights @ self.sigma)
        if not self.finite_variance:
            return mean, math.inf
        return mean, math.sqrt(float(self.weights @ (self.sigma - mean) ** 2))

    def ridge(self, sigma: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance of t given each sigma (s,): (s, p) both."""
        # Computed as (p, s): numpy is fast along the last axis, and that is the long one.
        noise = sigma**2
        total = (self.singular**2)[:, None] + noise
        # A direction without information has d = 0; at sigma = 0 (a perfect fit) both vanish.
        some = total > 0.0
        product = (self.singular * self.target)[:, None]
        mean = np.divide(product, total, out=np.zeros_like(total), where=some)
        variance = np.divide(noise, total, out=np.ones_like(total), where=some)
        return mean.T, variance.T

    def _positive(self, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
        # numpy has no error function; some hundred calls of math's cost 50 microseconds.
        total = 0.0
        for m, v, w in zip(mean.tolist(), variance.tolist(), self.weights.tolist(), strict=True):
            if v > 0.0:
                total += w * 0.5 * math.erfc(-m / math.sqrt(2.0 * v))
            elif m > 0.0:
                total += w
        return min(total, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws of every coefficient, and what speaks for or against them.

    Attributes
    ----------
    names
        The regression's `coefficient_names`: ``intercept`` (at zero predictors), ``x``,
        ``g[a]``, ..., ``sigma``.
    draws : (chains, draws, len(names))
        In the data's own units.
    seconds
        From the sufficient statistic (or the compiled model) to the draws.
    mixture
        Of the exact sampler only.
    """

    names: tuple[str, ...]
    draws: NDArray[np.float64]
    sampler: Sampler
    diagnostics: Diagnostics
    seconds: float
    mixture: Mixture | None = None

    def values(self, weights: Mapping[str, float] | str) -> NDArray[np.float64]:
        """Draws of one coefficient, or of a linear functional of them: (chains, draws)."""
        if isinstance(weights, str):
            drawn: NDArray[np.float64] = self.draws[:, :, self._index(weights)]
            return drawn
        total = np.zeros(self.draws.shape[:2])
        for name, weight in weights.items():
            total += weight * self.draws[:, :, self._index(name)]
        return total

    def summary(self, weights: Mapping[str, float] | str, prob: float = 0.89) -> Summary:
        """Mean, sd, interval and P(> 0) of one coefficient or of a linear functional.

        Parameters
        ----------
        weights
            A coefficient's name, or a weight for each name, as ``{"g[b]": 1, "g[a]": -1}``.
        prob
            Mass of the equal-tailed interval, between 0 and 1.

        Raises
        ------
        InferenceError
            For a name the model does not have, or a `prob` outside (0, 1).
        """
        if not 0.0 < prob < 1.0:
            raise InferenceError(
                f"An interval cannot hold a probability of {prob!r}: give one between 0 and 1, "
                "such as 0.89."
            )
        values = self.values(weights)
        low, high = quantiles(values, [(1.0 - prob) / 2.0, (1.0 + prob) / 2.0])
        wanted = {weights: 1.0} if isinstance(weights, str) else dict(weights)
        only_sigma = "sigma" in wanted and len(wanted) == 1
        if self.mixture is not None and only_sigma:
            mean, sd = self.mixture.scale()
            weight = wanted["sigma"]
            return Summary(weight * mean, abs(weight) * sd, (low, high), prob, None)
        if self.mixture is not None and "sigma" not in wanted:
            exact = self.mixture.linear(self._vector(wanted))
            return Summary(exact.mean, exact.sd, (low, high), prob, exact.probability_positive)
        positive = None if only_sigma else float(np.mean(values > 0.0))
        return Summary(float(values.mean()), float(values.std(ddof=1)), (low, high), prob, positive)

    def to_arviz(self) -> DataTree:
        """The draws as an ArviZ ``DataTree`` with a ``posterior`` group.

        The levels of a category, ``g[a]``, ``g[b]``, become one variable ``g`` with a dimension
        ``g_level``. A ``/`` in a name, which a tree would take for a path, becomes ``|``.

        Raises
        ------
        MissingPart
            If ArviZ is not installed.
        """
        try:
            import arviz
        except ImportError as error:
            raise MissingPart(
                "ArviZ is not installed, so there is no DataTree to make: "
                "pip install 'causal-workbench[bayes]'."
            ) from error
        taken: set[str] = {"chain", "draw"}
        data: dict[str, NDArray[np.float64]] = {}
        coordinates: dict[str, list[str]] = {}
        dimensions: dict[str, list[str]] = {}
        for variable, labels, places in _vectors(self.names):
            name = _free(variable, taken)
            if labels is None:
                data[name] = self.draws[:, :, places[0]]
                continue
            dimension = _free(f"{variable}_level", taken)
            data[name] = self.draws[:, :, places]
            coordinates[dimension] = labels
            dimensions[name] = [dimension]
        tree: DataTree = arviz.from_dict(
            {"posterior": data},
            coords=coordinates,
            dims=dimensions,
            attrs={"posterior": {"sampler": self.sampler, "sampling_time": self.seconds}},
        )
        return tree

    def _index(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            raise InferenceError(
                f"The model has no coefficient {shown(name)}.{did_you_mean(name, self.names)}"
            ) from None

    def _vector(self, wanted: Mapping[str, float]) -> NDArray[np.float64]:
        """Weights of all coefficients but sigma, in order."""
        vector = np.zeros(len(self.names) - ("sigma" in self.names))
        for name, weight in wanted.items():
            vector[self._index(name)] = weight
        return vector


def quantiles(values: NDArray[np.float64], probabilities: Sequence[float]) -> list[float]:
    """The quantiles of some draws, of any shape; nan where one of the draws is.

    Between draws they lie on straight lines, as `numpy.quantile` has them by default. That one
    loads numpy's masked arrays first, which takes longer than an exact posterior.
    """
    ordered = np.sort(values, axis=None)
    if math.isnan(ordered[-1]):
        return [math.nan] * len(probabilities)
    places = np.multiply(probabilities, ordered.size - 1)
    found: list[float] = np.interp(places, np.arange(ordered.size), ordered).tolist()
    return found


def _vectors(names: tuple[str, ...]) -> list[tuple[str, list[str] | None, list[int]]]:
    """Coefficients grouped as (variable, labels of its levels or None, places)."""
    grouped: dict[tuple[str, bool], tuple[list[str], list[int]]] = {}
    for place, name in enumerate(names):
        head, bracket, tail = name.partition("[")
        # `g[a]:h[u]` is a coefficient of its own, no level of `g`.
        is_level = bool(bracket and head and tail.endswith("]") and "]:" not in tail)
        labels, places = grouped.setdefault((head if is_level else name, is_level), ([], []))
        labels.append(tail[:-1])
        places.append(place)
    return [
        (head, labels if is_level else None, places)
        for (head, is_level), (labels, places) in grouped.items()
    ]


def _free(name: str, taken: set[str]) -> str:
    """The name as a tree can hold it, made different from all taken before; claims it."""
    name = name.replace("/", "|")
    while name in taken:
        name += "_"
    taken.add(name)
    return name

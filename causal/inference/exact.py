"""The posterior of a linear regression with normal errors, without sampling error in its moments.

Model: y ~ Normal(X b, sigma), each coefficient with a Normal or a flat prior, any prior on sigma.
Given sigma everything is Gaussian, so the coefficients can be integrated out and one curve remains:
log p(sigma | y). It is tabulated, sigma is drawn by the inverse of its distribution function, and
the coefficients are drawn from their Gaussian given sigma. The draws are independent.

1. `_reduce`: columns with flat priors go first in a QR, which projects them out of what is below;
   the singular values d of that block, in units of the prior, turn the rest into independent
   problems of one coefficient each. Each sigma then costs O(p).
2. `_tabulate`: scan log sigma for every mode (there can be two), polish, integrate.
3. `fit`: draw, and keep the grid as a `Mixture` for exact means, sds and P(> 0).

Rows enter only through `Moments`: the cost does not depend on their number.

References
----------
Gelman, Carlin, Stern, Dunson, Vehtari & Rubin (2013), Bayesian Data Analysis, 3rd ed., ch. 14.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from causal.data.moments import Moments
from causal.errors import InferenceError, ModelError, shown
from causal.inference.posterior import Diagnostics, Mixture, Posterior
from causal.models.design import sums_for
from causal.models.priors import Distribution, GaussianForm, gaussian_form
from causal.models.regression import Regression
from causal.models.terms import columns, told_apart

__all__ = ["fit", "obstacle"]

Array = NDArray[np.float64]
Curve = Callable[[Array], Array]

_EPSILON = float(np.finfo(np.float64).eps)
_DEPENDENT = 1e-12  # as in models/design.py: nothing but rounding below this
_PERFECT = 1e-12
_DEPTH = -math.log(1e-17)  # how far below the peak, in log units, the table ends
_FURTHEST = 690.0  # |log sigma| beyond which sigma or its square leave the range of a float
_MOST_POINTS = 16_384
_AREA = 4_096  # numbers in a block of draws
_NEAR = 1e-3  # so little below a mode, in log units, that the curve is a parabola there
_REACH = np.geomspace(1e-8, 8.0, 52)  # from a mode, in log sigma: where its width is looked for
_PROBES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
_PARTS = np.arange(8) / 8  # of a cell of the grid, where its integral is tabulated
# The cubic that rises by 1 with no slope at the ends; those that leave and arrive with slope 1.
_HERMITE = np.array(
    [
        (3.0 - 2.0 * _PARTS) * _PARTS**2,
        _PARTS * (1.0 - _PARTS) ** 2,
        _PARTS**2 * (_PARTS - 1.0),
    ]
)


def obstacle(regression: Regression) -> str | None:
    """Why this regression has no exact posterior; ``None`` if it has one."""
    if regression.family != "gaussian":
        return f"its family is {regression.family}, not gaussian"
    if regression.priors.sigma is None:
        return "it has no prior for sigma"
    if regression.varying:
        return "some of its coefficients vary by a category"
    if gaussian_form(regression) is None:
        return "the prior of a coefficient is neither Normal nor Flat"
    return None


def fit(
    regression: Regression, moments: Moments, *, draws: int = 4_000, seed: int | None = None
) -> Posterior:
    """Draw independently from the posterior.

    Parameters
    ----------
    regression
        Gaussian, with Normal or Flat priors on the coefficients. A category with flat levels
        beside a flat intercept (or another such category) is fitted with its first level at 0.
    moments
        Of the rows, from `causal.models.design.statistic`; more columns than needed may be in it.
    draws
        How many.
    seed
        Of NumPy's default generator.

    Returns
    -------
    Posterior
        One chain of independent draws, with a `Mixture`. ``diagnostics.problems`` may hold

        ``"perfect_fit"``
            the outcome is an exact linear function of the predictors: the least-squares
            coefficients are returned, with sd 0;
        ``"infinite_variance"``
            so few rows under flat priors that sigma and the coefficients have no variance.

    Raises
    ------
    InferenceError
        If the model has no exact posterior (see `obstacle`), or `draws` is not positive.
    ModelError
        If flat priors leave the posterior improper; names the prior to give.
    """
    started = perf_counter()
    form, prior = gaussian_form(regression), regression.priors.sigma
    if regression.family != "gaussian" or form is None or prior is None:
        raise InferenceError(
            f"The {regression.name} model has no exact posterior: {obstacle(regression)}. "
            "Take --sampler auto."
        )
    if draws < 1:
        raise InferenceError(f"{draws} draws are none: ask for at least 1.")

    problem = _reduce(regression, form, moments)
    _check_proper(regression, problem, prior)
    problems = ["perfect_fit"] if problem.perfect else []
    if problem.perfect and not _vanishes_at_zero(prior):
        # The limit sigma -> 0: all mass on the least-squares coefficients.
        table = _Table(np.zeros(1), np.ones(1), np.array([0.0, 1.0]), np.zeros(2))
    else:
        table = _tabulate(problem, prior)
    finite = problem.rows - problem.flats + prior.tail_power > 3.0
    if not finite:
        problems.append("infinite_variance")
    mixture = Mixture(
        base=problem.base,
        basis=problem.basis,
        flat_basis=problem.flat_basis,
        singular=problem.all_singular,
        target=problem.all_target,
        sigma=table.sigma,
        weights=table.weights,
        finite_variance=finite,
    )
    if not problem.perfect:
        _check_digits(regression, mixture)
    values = _draw(mixture, table, draws, default_rng(seed))
    return Posterior(
        names=regression.coefficient_names,
        draws=values[None],
        sampler="exact",
        diagnostics=Diagnostics(problems=tuple(problems)),
        seconds=perf_counter() - started,
        mixture=mixture,
    )


# ------------------------------------------------------------------------------------------------
# 1. The problem in independent coordinates
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Reduced:
    """The regression with flat columns projected out, in the basis of the singular vectors.

    Attributes
    ----------
    rows, flats
        n and f.
    residual
        Sum of squares of what no coefficient can explain.
    freedom
        Rows left for it, n - f - r.
    singular, target : (r,)
        d > 0 and z of the r informed directions.
    missing
        How many directions of the proper block the data say nothing about (d = 0).
    base (k,), basis (k, r + missing), flat_basis (k, f)
        From those coordinates to the printed coefficients, as in `Mixture`.
    perfect
        Whether the residual is nothing but rounding.
    """

    rows: int
    flats: int
    residual: float
    freedom: int
    singular: Array
    target: Array
    missing: int
    base: Array
    basis: Array
    flat_basis: Array
    perfect: bool

    @property
    def all_singular(self) -> Array:
        """The d of every direction, 0 for those without information."""
        return np.concatenate([self.singular, np.zeros(self.missing)])

    @property
    def all_target(self) -> Array:
        """The z of every direction."""
        return np.concatenate([self.target, np.zeros(self.missing)])

    def log_likelihood(self, log_sigma: Array) -> Array:
        """Log of p(y | sigma) up to a constant, coefficients integrated out; any shape (g,)."""
        variance = np.exp(2.0 * log_sigma)
        total = variance + (self.singular**2)[:, None]  # (r, g): numpy is fast along the last axis
        below = (np.log(total) + (self.target**2)[:, None] / total).sum(axis=0)
        with np.errstate(over="ignore"):  # to -inf, which is right
            below += self.residual / variance
        value: Array = -self.freedom * log_sigma - 0.5 * below
        return value


def _reduce(regression: Regression, form: GaussianForm, moments: Moments) -> _Reduced:
    chosen = sums_for(regression, moments)
    triangle, mean, to_printed, offset = _centred(chosen, form, regression)
    fixed = _reference_levels(regression)
    flat = np.flatnonzero(form.flat & ~fixed)
    proper = np.flatnonzero(~form.flat)
    f, p = len(flat), len(proper)
    has_intercept = regression.priors.intercept is not None

    order = np.concatenate([flat, proper, [triangle.shape[1] - 1]])
    factor = np.linalg.qr(triangle[:, order], mode="r")
    factor = np.concatenate([factor, np.zeros((f + p + 1 - len(factor), f + p + 1))])
    flat_factor, mixed, flat_target = factor[:f, :f], factor[:f, f:-1], factor[:f, -1]
    _check_flat_rank(regression, moments.rows, factor, flat, triangle)

    sd, middle = form.sd[proper], mean[proper]
    block = factor[f:-1, f:-1]
    left, d, right = _singular(block * sd)
    if d.max(initial=0.0) > 1e140:
        raise InferenceError(
            f"The {regression.name} model has priors too wide for its columns to compute with. "
            "Change the units, or give closer priors."
        )
    # Rounding is relative to the columns that a direction is made of, not to the largest of all.
    made_of = np.linalg.norm(right * np.linalg.norm(block * sd, axis=0), axis=1)
    informed = d > 64.0 * _EPSILON * math.sqrt(max(p, 1)) * made_of
    informed[max(moments.rows - f, 0) :] = False
    first = np.argsort(~informed, kind="stable")
    left, d, right, informed = left[:, first], d[first], right[first], informed[first]
    z = left.T @ (factor[f:-1, -1] - block @ middle)
    r = int(np.count_nonzero(informed))
    freedom = moments.rows - f - r
    # Where d = 0 the data's component is residual like any other.
    residual = float(factor[-1, -1] ** 2 + np.sum(z[~informed] ** 2)) if freedom > 0 else 0.0

    basis = np.zeros((len(mean), p))
    basis[proper] = sd[:, None] * right.T
    base = np.zeros(len(mean))
    base[proper] = middle
    flat_basis = np.zeros((len(mean), f))
    if f:
        solved = np.linalg.solve(
            flat_factor,
            np.column_stack([np.eye(f), flat_target - mixed @ middle, mixed @ basis[proper]]),
        )
        flat_basis[flat] = solved[:, :f]
        base[flat] = solved[:, f]
        basis[flat] = -solved[:, f + 1 :]
    base = to_printed @ base
    if has_intercept:
        base[0] += offset
    outcome = triangle[:, -1]
    spread = float(np.linalg.norm(outcome[1:] if has_intercept else outcome))
    size = float(np.linalg.norm(chosen.shifted(np.zeros(len(chosen.names)))[:, -1]))
    # The second bound: an exact relation, but values far from 0 stored to 16 digits.
    bound = max(_PERFECT * spread, 2.0 * _EPSILON * size)
    return _Reduced(
        rows=moments.rows,
        flats=f,
        residual=residual,
        freedom=freedom,
        singular=d[:r],
        target=z[:r],
        missing=p - r,
        base=base,
        basis=to_printed @ basis,
        flat_basis=to_printed @ flat_basis,
        perfect=freedom > 0 and math.sqrt(residual) <= bound,
    )


def _singular(matrix: Array) -> tuple[Array, Array, Array]:
    """Singular values and vectors, also of columns that differ in size by many powers of ten.

    With the large columns first (like sizes as they stand) the small ones keep their digits;
    otherwise the error is of the size of the largest column in all of them.
    """
    magnitude = np.frexp(np.abs(matrix).max(axis=0, initial=0.0))[1] // 10  # in thousands
    order = np.argsort(-magnitude, kind="stable")
    left, d, permuted = np.linalg.svd(matrix[:, order])
    right = np.empty_like(permuted)
    right[:, order] = permuted
    return left, d, right


def _centred(
    chosen: Moments, form: GaussianForm, regression: Regression
) -> tuple[Array, Array, Array, float]:
    """R for the centred coefficients theta and the outcome; theta's prior mean; theta to printed.

    The outcome stays centred beside an intercept (large numbers would cost digits); the last value
    is what to add to the printed intercept for it.
    """
    centre, to_printed = form.centre, form.to_printed
    if regression.priors.intercept is None:
        triangle = chosen.shifted(np.zeros(len(chosen.names)))[:, 1:]
        return triangle, form.mean, to_printed, 0.0
    if form.flat[0]:
        # A flat intercept is flat wherever it is measured: take the place that is best computed.
        centre = np.concatenate([[0.0], chosen.centre[:-1]])
        moved = np.eye(len(centre))
        moved[0, 1:] = form.centre[1:] - centre[1:]
        to_printed = to_printed @ moved
    level = float(chosen.centre[-1])
    triangle = chosen.shifted(np.concatenate([centre[1:], [level]]))
    mean = form.mean.copy()
    mean[0] -= level
    return triangle, mean, to_printed, level


def _reference_levels(regression: Regression) -> NDArray[np.bool_]:
    """Coefficients held at 0: of those with flat priors the ones that nothing tells apart.

    Flat levels beside a flat intercept share one direction that nothing determines, flat slopes in
    each level beside a flat slope another. Contrasts do not depend on where it is pinned.
    """
    priors = regression.priors
    flat = [group[0].name == "Flat" for group in priors.terms]
    ones = priors.intercept is not None and priors.intercept.name == "Flat"
    chosen = [term for term, is_flat in zip(regression.terms, flat, strict=True) if is_flat]
    kept = iter(told_apart(chosen, intercept=ones))
    fixed = [False] if priors.intercept is not None else []
    for term, is_flat in zip(regression.terms, flat, strict=True):
        fixed += [is_flat and not next(kept) for _ in columns(term)]
    return np.array(fixed, dtype=np.bool_)


def _check_flat_rank(
    regression: Regression,
    rows: int,
    factor: Array,
    flat: NDArray[np.intp],
    triangle: Array,
) -> None:
    """Refuse flat priors that the data cannot turn into a proper posterior."""
    f = len(flat)
    if f and rows <= f:
        raise ModelError(
            f"The {regression.name} model has {f} coefficients with flat priors and {rows} rows, "
            "so their posterior is improper. Give more rows, or a prior such as "
            "--prior 'slope=Normal(0, 1)'."
        )
    first_is_ones = f > 0 and flat[0] == 0 and regression.priors.intercept is not None
    norms = np.linalg.norm(triangle[1:, flat] if first_is_ones else triangle[:, flat], axis=0)
    diagonal = np.abs(np.diagonal(factor)[:f])
    for place in range(1 if first_is_ones else 0, f):
        if diagonal[place] <= _DEPENDENT * norms[place]:
            name = regression.coefficient_names[flat[place]]
            raise ModelError(
                f"{shown(name)} is an exact linear function of the other predictors "
                "with flat priors, so its posterior is improper. Leave one of them out, or give "
                "it a prior such as Normal(0, 1)."
            )


def _check_proper(regression: Regression, problem: _Reduced, prior: Distribution) -> None:
    if prior.name == "HalfFlat" and problem.rows < problem.flats + 2:
        raise ModelError(
            f"The {regression.name} model has a flat prior on sigma and {problem.flats} flat "
            f"coefficients: with {problem.rows} rows the posterior is improper. Give sigma a prior "
            "such as --prior 'sigma=Exponential(1)'."
        )


def _check_digits(regression: Regression, mixture: Mixture) -> None:
    """Refuse priors so far apart that the rounding of the widest is seen beside sigma.

    The singular vectors are off by eps; times d t that is the error in the outcome. Priors that are
    all wide do no harm: t, in units of their sd, is then small.
    """
    sigma = float(mixture.weights @ mixture.sigma)
    mean, variance = mixture.ridge(np.array([sigma]))
    size = math.sqrt(float(np.sum(mean**2 + variance)))
    if sigma > 0.0 and _EPSILON * mixture.singular.max(initial=0.0) * size > 0.05 * sigma:
        raise InferenceError(
            f"The {regression.name} model has a prior so wide beside the others and beside what is "
            "left of the outcome, in the units of its column, that no number has the digits for "
            "all of them. Give closer priors, or Flat() for the wide ones, or bring the columns to "
            "units of like size."
        )


def _vanishes_at_zero(prior: Distribution) -> bool:
    """Whether the prior keeps sigma away from 0 even where the data would have it there."""
    return prior.name in ("InverseGamma", "LogNormal") or prior.support[0] > 0.0


# ------------------------------------------------------------------------------------------------
# 2. The posterior of sigma
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """sigma on a grid with probabilities, and the inverse of its distribution function.

    Attributes
    ----------
    sigma, weights : (g,)
    distribution, quantile : (m,)
        Probabilities, rising from 0 to 1, and sigma at each.
    """

    sigma: Array
    weights: Array
    distribution: Array
    quantile: Array


@dataclass(frozen=True, slots=True)
class _Piece:
    """An interval of log sigma with mass, and how finely it wants to be cut."""

    low: float
    high: float
    step: float
    hard: bool  # an end of the prior's support, with mass at it


def _tabulate(problem: _Reduced, prior: Distribution) -> _Table:
    support, (low, high) = prior.support, _log_support(prior)
    # Tails as heavy as this are cut where sigma^2 times the density is small, not the density.
    second_moment = problem.rows - problem.flats + prior.tail_power > 3.0

    def curve(u: Array) -> Array:
        # exp(log(10)) is a little more than 10, where the support of Uniform(0, 10) has its end.
        sigma = np.exp(u).clip(*support)
        value = problem.log_likelihood(u) + prior.log_density(sigma) + u
        return np.where((u >= low) & (u <= high), value, -math.inf)

    modes = _modes(curve, *_scan_range(problem, prior), low, high)
    best = max(value for _, value in modes)
    modes = [(u, value) for u, value in modes if value >= best - 40.0]
    pieces = _merged(
        [_piece(curve, *mode, best, low, high, second_moment=second_moment) for mode in modes]
    )
    previous: Array | None = None
    for halving in range(8):
        table, probes, spread = _integrate(curve, best, pieces, 2.0**-halving)
        if previous is not None and np.max(np.abs(probes - previous)) < 1e-4 * spread:
            break
        previous = probes
    return table


def _log_support(prior: Distribution) -> tuple[float, float]:
    low, high = prior.support
    return (
        math.log(low) if low > 0.0 else -_FURTHEST / 2,
        math.log(high) if math.isfinite(high) else _FURTHEST / 2,
    )


def _scan_range(problem: _Reduced, prior: Distribution) -> tuple[float, float]:
    """Where modes are looked for: round the residual, the outcome, and the prior's own scale.

    Beyond the furthest of them both likelihood and prior fall, so no mode is missed; the prior's
    scale lies in its support, so the range does in part.
    """
    scales = [prior.typical] if prior.name != "HalfFlat" else []
    if problem.residual > 0.0:
        scales.append(math.sqrt(problem.residual / problem.rows))
    else:  # as many coefficients as rows: sigma may be as small as the least informed of them
        scales += problem.singular.tolist()
    scales.append(math.sqrt(problem.residual + float(np.sum(problem.target**2))))
    logs = [math.log(scale) for scale in scales if scale > 0.0] or [0.0]
    return min(logs) - 5.0, max(logs) + 5.0


def _modes(
    curve: Curve, start: float, stop: float, low: float, high: float
) -> list[tuple[float, float]]:
    """Every local maximum as (log sigma, height)."""
    left, right = max(start, low), min(stop, high)
    u = np.linspace(left, right, max(int((right - left) / 0.05), 8) + 1)
    height = curve(u)
    padded = np.concatenate([[-math.inf], height, [-math.inf]])
    tops = np.flatnonzero((height >= padded[:-2]) & (height > padded[2:]))
    return [
        _polished(curve, float(u[max(i - 1, 0)]), float(u[min(i + 1, len(u) - 1)]))
        for i in tops.tolist()
        if math.isfinite(height[i])
    ]


def _polished(curve: Curve, left: float, right: float) -> tuple[float, float]:
    """The maximum between two points that enclose one: sixteenfold cuts, then a parabola."""
    for _ in range(9):
        u = np.linspace(left, right, 17)
        height = curve(u)
        top = int(np.argmax(height))
        if 0 < top < 16:
            before, highest, after = height[top - 1 : top + 2].tolist()
            rise, bend = after - before, 2.0 * highest - before - after
            if 0.0 < bend < _NEAR:
                place = float(u[top]) + (right - left) / 32.0 * rise / bend
                return place, highest + rise * rise / (8.0 * bend)
        left, right = float(u[max(top - 1, 0)]), float(u[min(top + 1, 16)])
    return float(u[top]), float(height[top])


def _piece(
    curve: Curve,
    mode: float,
    height: float,
    best: float,
    low: float,
    high: float,
    *,
    second_moment: bool,
) -> _Piece:
    """The interval round a mode out to 1e-17 of the highest peak, with a step of 0.15 sd."""
    around = curve(np.concatenate([mode - _REACH, mode + _REACH])).reshape(2, -1)
    dropped = around < height - 0.5
    # A wall counts as a drop for the search but says nothing about the width.
    inside = [mode - low, high - mode]
    widths = [
        float(min(_REACH[int(np.argmax(side))], room)) if side.any() else 8.0
        for side, room in zip(dropped, inside, strict=True)
        if room > 1e-8
    ]
    step = 0.15 * min(widths, default=1e-8)
    floor = best - _DEPTH
    # Nodes on a lattice: the last digits of the mode, which rounding decides, move no draw.
    start = step * round(mode / step)

    def end(sign: float, wall: float) -> tuple[float, bool]:
        place = start
        for _ in range(400):
            u = place + sign * step * np.arange(1, 65)
            beyond = sign * (u - wall) >= 0.0
            value = curve(np.where(beyond, wall, u))
            tilt = 2.0 * np.maximum(u - mode, 0.0) if second_moment else 0.0
            out = (value + tilt < floor) & ~beyond
            if (out | beyond).any():
                first = int(np.argmax(out | beyond))
                if out[first]:
                    return float(u[first]), False
                return wall, bool(value[first] >= floor)
            place = float(u[-1])
        return place, False

    left, left_wall = end(-1.0, low)
    right, right_wall = end(1.0, high)
    return _Piece(left, right, step, left_wall or right_wall)


def _merged(pieces: list[_Piece]) -> list[_Piece]:
    """Overlapping intervals as one, cut as finely as the finest."""
    merged: list[_Piece] = []
    for piece in sorted(pieces, key=lambda piece: piece.low):
        if merged and piece.low <= merged[-1].high:
            last = merged.pop()
            piece = _Piece(
                last.low,
                max(last.high, piece.high),
                min(last.step, piece.step),
                last.hard or piece.hard,
            )
        merged.append(piece)
    return merged


def _integrate(
    curve: Curve, best: float, pieces: list[_Piece], refinement: float
) -> tuple[_Table, Array, float]:
    """The table at `refinement` times each step; quantiles of log sigma to compare, and its sd."""
    nodes, masses, cumulative, fine = [], [], [], []
    total = 0.0
    for piece in pieces:
        t, h, u, jacobian = _grid(piece, refinement)
        density = np.exp(curve(u) - best) * jacobian
        nodes.append(u)
        masses.append(h * density)
        running, positions = _running(t, h, density)
        cumulative.append(total + running)
        fine.append(_position(piece, positions))
        total = float(cumulative[-1][-1])
    u, weights = np.concatenate(nodes), np.concatenate(masses)
    weights = weights / weights.sum()
    kept = weights > 0.0
    u, weights = u[kept], weights[kept]
    mean = float(weights @ u)
    spread = math.sqrt(float(weights @ (u - mean) ** 2))
    distribution = np.maximum.accumulate(np.concatenate(cumulative) / total)
    quantile = np.concatenate(fine)
    probes = np.interp(_PROBES, distribution, quantile)
    return _Table(np.exp(u), weights, distribution, np.exp(quantile)), probes, spread


def _grid(piece: _Piece, refinement: float) -> tuple[Array, float, Array, Array]:
    """Equidistant t, its step, log sigma there, and d log sigma / dt.

    The trapezoid rule converges exponentially where the integrand dies at both ends. Where the
    support ends with mass at its edge, the tanh-sinh substitution makes it do so.
    """
    length = piece.high - piece.low
    if not piece.hard:
        count = min(max(math.ceil(length / (piece.step * refinement)), 16), _MOST_POINTS)
        t = np.linspace(piece.low, piece.high, count + 1)
        return t, length / count, t, np.ones(count + 1)
    finest = piece.step * refinement / (length * math.pi / 4.0)
    count = min(max(math.ceil(6.4 / finest), math.ceil(64 / refinement)), _MOST_POINTS)
    t = np.linspace(-3.2, 3.2, count + 1)
    inner = math.pi / 2.0 * np.sinh(t)
    jacobian = length / 2.0 * math.pi / 2.0 * np.cosh(t) / np.cosh(inner) ** 2
    return t, 6.4 / count, _position(piece, t), jacobian


def _position(piece: _Piece, t: Array) -> Array:
    if not piece.hard:
        return t
    # Between the ends, not beyond by a rounding: there the density is 0.
    middle, half = (piece.low + piece.high) / 2.0, (piece.high - piece.low) / 2.0
    u: Array = middle + half * np.tanh(math.pi / 2.0 * np.sinh(t))
    return np.clip(u, piece.low, piece.high)


def _running(t: Array, h: float, density: Array) -> tuple[Array, Array]:
    """The running integral of a density, at each of `_PARTS` of a cell: fourth order in h."""
    slope = np.gradient(density, h)
    cells = h / 2.0 * (density[:-1] + density[1:]) - h * h / 12.0 * np.diff(slope)
    ends = np.concatenate([[0.0], np.cumsum(cells)])
    # Cubic Hermite between the ends, whose slope is the density.
    given = np.array([cells, h * density[:-1], h * density[1:]])
    running = ends[:-1, None] + given.T @ _HERMITE
    positions = t[:-1, None] + h * _PARTS
    return np.append(running.ravel(), ends[-1]), np.append(positions.ravel(), t[-1])


# ------------------------------------------------------------------------------------------------
# 3. The draws
# ------------------------------------------------------------------------------------------------


def _draw(mixture: Mixture, table: _Table, draws: int, random: Generator) -> Array:
    """(draws, k + 1): the coefficients and sigma."""
    p, f = mixture.basis.shape[1], mixture.flat_basis.shape[1]
    sigma = _inverse(table, random.random(draws))
    values = np.empty((draws, len(mixture.base) + 1))
    values[:, -1] = sigma
    # In blocks: to get fresh memory from the system takes longer than what is computed in it.
    step = max(_AREA // max(p + f, 1), 1)
    blocks = [slice(start, min(start + step, draws)) for start in range(0, draws, step)]
    for some in blocks:
        mean, variance = mixture.ridge(sigma[some])
        t = mean.T + np.sqrt(variance.T) * random.standard_normal(mean.shape).T
        values[some, :-1] = (mixture.base[:, None] + mixture.basis @ t).T
    if f:
        for some in blocks:
            e = random.standard_normal((some.stop - some.start, f)).T
            values[some, :-1] += (mixture.flat_basis @ (sigma[some] * e)).T
    return values


def _inverse(table: _Table, probability: Array) -> Array:
    """The sigma below which the posterior has each of these probabilities, (s,) in [0, 1)."""
    # Nearly in order, and so each beside the one before, they are found four times as fast.
    order = np.argsort((probability * 65_536.0).astype(np.uint16), kind="stable")
    sigma = np.empty(len(probability))
    sigma[order] = np.interp(probability[order], table.distribution, table.quantile)
    return sigma

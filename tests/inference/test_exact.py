"""The exact sampler against brute quadrature, closed forms, certified values and calibration."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from causal.data.moments import Moments
from causal.data.table import read_table
from causal.errors import InferenceError, ModelError
from causal.inference import exact
from causal.inference.posterior import Posterior
from causal.models.assembly import terms_on
from causal.models.design import design, needed, statistic
from causal.models.formula import parse
from causal.models.priors import (
    Distribution,
    PriorChoice,
    Priors,
    gaussian_form,
    resolve,
    to_printed,
)
from causal.models.regression import Regression
from causal.models.terms import (
    Atom,
    Categorical,
    Interaction,
    Level,
    Log,
    Numeric,
    Polynomial,
    Power,
    Term,
    Varying,
)
from causal.models.terms import columns as columns_of

Array = NDArray[np.float64]
D = Distribution
FLAT, UNIT = D("Flat"), D("Normal", (0.0, 1.0))

SCALES = (
    D("Exponential", (1.0,)),
    D("Exponential", (50.0,)),
    D("HalfNormal", (2.0,)),
    D("HalfCauchy", (1.0,)),
    D("HalfStudentT", (3.0, 1.0)),
    D("InverseGamma", (3.0, 2.0)),
    D("InverseGamma", (4_000.0, 4_000.0)),
    D("LogNormal", (0.0, 0.5)),
    D("LogNormal", (3.0, 0.01)),
    D("Uniform", (0.0, 50.0)),
    D("Uniform", (0.0, 0.34)),  # the exponential of its logarithm lies outside, and much mass near
    D("Uniform", (0.9, 1.0)),
    D("Uniform", (300.0, 400.0)),
    D("HalfFlat"),
)


def gaussian(
    columns: int,
    *,
    intercept: Distribution | None = UNIT,
    slopes: Sequence[Distribution] | Distribution = UNIT,
    sigma: Distribution = SCALES[0],
    centre: Sequence[float] | None = None,
) -> Regression:
    """A regression of y on x0, x1, ..."""
    chosen = (slopes,) * columns if isinstance(slopes, Distribution) else tuple(slopes)
    terms = tuple(Numeric(f"x{i}") for i in range(columns))
    middle = () if centre is None else tuple(zip(terms, centre, strict=True))
    groups = tuple((slope,) for slope in chosen)
    priors = Priors(intercept, middle, groups, (("sigma", sigma),))
    return Regression("correct", "y", "x0", terms, "gaussian", priors)


def moments(x: Array, y: Array, size: int = 10**6) -> Moments:
    data = np.column_stack([x, y])
    names = [((Numeric(name), 0.0),) for name in (*(f"x{i}" for i in range(x.shape[1])), "y")]
    return Moments.of_blocks((data[i : i + size] for i in range(0, len(data), size)), names)


def few(n: int = 7, columns: int = 1, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    x = random.normal(1.0, 1.0, (n, columns))
    y = 0.5 + x @ np.linspace(1.0, -1.0, columns) + random.normal(0.0, 1.0, n)
    return x, y


def sigma_nodes(prior: Distribution, points: int = 400) -> tuple[Array, Array]:
    """sigma and the weights of an integral over it; Gauss-Legendre where the support ends."""
    low, high = prior.support
    if math.isfinite(high):
        node, weight = np.polynomial.legendre.leggauss(points)
        half = (high - low) / 2
        return low + half * (node + 1), half * weight
    u = np.linspace(-9.0, 15.0, points * 15)
    if prior.name == "LogNormal" or (prior.name == "InverseGamma" and prior.parameters[0] > 100):
        u = np.linspace(math.log(prior.typical) - 1.0, math.log(prior.typical) + 1.0, points * 4)
        if prior.parameters[1] == 0.5:
            u = np.linspace(-5.0, 5.0, points * 4)
    return np.exp(u), np.exp(u) * (u[1] - u[0])


# ------------------------------------------------------------------------------------------------
# Against the definition
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", SCALES, ids=str)
def test_one_slope_equals_brute_quadrature_for_any_prior_of_sigma(prior: Distribution) -> None:
    x, y = few()
    model = gaussian(1, intercept=None, slopes=D("Normal", (0.3, 0.8)), sigma=prior)
    sigma, weight = sigma_nodes(prior)
    b = np.linspace(-5.5, 6.0, 1_800)
    squares = np.sum((y[:, None] - x * b) ** 2, axis=0)
    log_joint = (
        -len(y) * np.log(sigma)[:, None]
        - squares / (2 * sigma[:, None] ** 2)
        + prior.log_density(sigma)[:, None]
        - 0.5 * ((b - 0.3) / 0.8) ** 2
    )
    mass = np.exp(log_joint - log_joint.max()) * weight[:, None]
    mass /= mass.sum()
    mean = float((mass @ b).sum())
    by_sigma = mass.sum(axis=1)
    mean_sigma = float(by_sigma @ sigma)
    positive = float(mass[:, b > 0].sum())

    posterior = exact.fit(model, moments(x, y), draws=10, seed=1)
    slope, scale = posterior.summary("x0"), posterior.summary("sigma")

    assert slope.mean == pytest.approx(mean, abs=1e-7)
    assert slope.sd == pytest.approx(math.sqrt((mass @ (b - mean) ** 2).sum()), rel=1e-6)
    assert slope.probability_positive == pytest.approx(positive, abs=2e-3)  # a grid has cells
    assert scale.mean == pytest.approx(mean_sigma, rel=1e-7)
    assert scale.sd == pytest.approx(math.sqrt(by_sigma @ (sigma - mean_sigma) ** 2), rel=1e-5)


@pytest.mark.parametrize("centre", [0.0, 4.0])
@pytest.mark.parametrize("intercept", [D("Normal", (1.0, 2.0)), FLAT], ids=str)
@pytest.mark.parametrize("slope", [D("Normal", (0.3, 0.8)), FLAT], ids=str)
def test_two_coefficients_equal_brute_quadrature_with_flat_priors_and_any_centre(
    centre: float, intercept: Distribution, slope: Distribution
) -> None:
    x, y = few(n=12)
    prior = D("Exponential", (1.0,))
    model = gaussian(1, intercept=intercept, slopes=slope, sigma=prior, centre=[centre])
    a, b = np.linspace(-8, 9, 260), np.linspace(-6, 6, 250)  # a: the printed intercept
    rows = y[:, None, None] - a[:, None] - b * x[:, :1, None]
    squares = np.sum(rows**2, axis=0)
    log_prior = intercept.log_density(a[:, None] + centre * b) + slope.log_density(b)
    total = np.zeros_like(squares)
    sigma = np.exp(np.linspace(-1.6, 3.0, 120))
    by_sigma = []
    for s in sigma:
        log_joint = -11 * math.log(s) - squares / (2 * s**2) + log_prior - s + 10.0
        mass = np.exp(log_joint)  # -11: sigma to the -12, times sigma of d log sigma
        by_sigma.append(mass.sum())
        total += mass
    total /= total.sum()
    share = np.array(by_sigma) / np.sum(by_sigma)

    posterior = exact.fit(model, moments(x, y), draws=10, seed=1)

    for name, value in (("intercept", a[:, None]), ("x0", b)):
        summary = posterior.summary(name)
        mean = float((total * value).sum())
        assert summary.mean == pytest.approx(mean, abs=1e-5)
        assert summary.sd == pytest.approx(math.sqrt((total * (value - mean) ** 2).sum()), rel=1e-4)
    assert posterior.summary("sigma").mean == pytest.approx(float(share @ sigma), rel=1e-5)


@pytest.mark.parametrize(
    ("n", "columns", "scale"), [(20, 3, 1.0), (4, 6, 1.0), (30, 2, 1e-9), (30, 2, 1e9), (9, 8, 5.0)]
)
def test_marginal_likelihood_of_sigma_is_a_multivariate_normal_density(
    n: int, columns: int, scale: float
) -> None:
    x, y = few(n, columns)
    x, y = x * scale, y * 3 - 5
    slopes = [D("Normal", (0.1 / scale, (0.5 + i) / scale)) for i in range(columns)]
    centre = [0.7 * scale] * columns
    model = gaussian(columns, intercept=D("Normal", (2.0, 3.0)), slopes=slopes, centre=centre)
    sigma = np.array([0.3, 1.0, 2.0, 10.0])
    mean = 2.0 + (x - 0.7 * scale) @ [s.parameters[0] for s in slopes]
    root = np.column_stack([np.full(n, 3.0), (x - 0.7 * scale) * [s.parameters[1] for s in slopes]])
    expected = [
        stats.multivariate_normal.logpdf(y, mean, root @ root.T + s * s * np.eye(n)) for s in sigma
    ]

    form = gaussian_form(model)
    assert form is not None
    given = exact._reduce(model, form, moments(x, y)).log_likelihood(np.log(sigma))

    constant = -n / 2 * math.log(2 * math.pi)
    np.testing.assert_allclose(given + constant, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("n", [15, 8])  # with 8 rows the tail of sigma is as heavy as sigma^-4
def test_flat_priors_give_least_squares_and_its_t_distribution(n: int) -> None:
    x, y = few(n=n, columns=3)
    model = gaussian(3, intercept=FLAT, slopes=FLAT, sigma=D("HalfFlat"))
    design = np.column_stack([np.ones(n), x])
    expected, [rss], *_ = np.linalg.lstsq(design, y)
    freedom = n - 4 - 1  # a flat prior on sigma itself, not on its logarithm

    posterior = exact.fit(model, moments(x, y), draws=10, seed=1)

    spread = np.sqrt(np.diagonal(np.linalg.inv(design.T @ design)) * rss / freedom)
    marginal = stats.t(freedom, expected, spread)
    for name, mean, sd, positive in zip(
        posterior.names, expected, marginal.std(), marginal.sf(0), strict=False
    ):
        summary = posterior.summary(name)
        assert summary.mean == pytest.approx(mean, rel=1e-12)
        assert summary.sd == pytest.approx(sd, rel=1e-10)
        assert summary.probability_positive == pytest.approx(positive, abs=1e-10)
    sigma = posterior.summary("sigma")
    ratio = math.exp(math.lgamma((freedom - 1) / 2) - math.lgamma(freedom / 2))
    assert sigma.mean == pytest.approx(math.sqrt(rss / 2) * ratio, rel=1e-10)
    assert sigma.sd**2 + sigma.mean**2 == pytest.approx(rss / (freedom - 2), rel=1e-10)


@pytest.mark.parametrize(
    ("n", "width", "depth"), [(5, 1.0, 0.1), (80, 0.2, 60.0)], ids=["shallow", "apart"]
)
def test_a_posterior_of_sigma_with_two_modes_has_both(n: int, width: float, depth: float) -> None:
    """y = 5 x + .1 e: either the prior of the slope is far off, or the noise is large."""
    random = np.random.default_rng(2)
    x = random.normal(0, 1, n)
    y = 5 * x + 0.1 * random.normal(0, 1, n)
    model = gaussian(1, intercept=None, slopes=D("Normal", (0.0, width)), sigma=D("HalfFlat"))
    sigma = np.exp(np.linspace(-5, 12, 60_000))
    residual = np.sum((y - x * (x @ y) / (x @ x)) ** 2)
    d2, z2 = x @ x * width**2, (x @ y) ** 2 / (x @ x)
    log_density = (
        -(n - 1) * np.log(sigma) - residual / (2 * sigma**2)
        - 0.5 * np.log(sigma**2 + d2) - 0.5 * z2 / (sigma**2 + d2) + np.log(sigma)
    )  # fmt: skip
    log_density -= log_density.max()
    mass = np.exp(log_density)
    mass /= mass.sum()
    inner = log_density[1:-1]
    modes = np.flatnonzero((inner > log_density[:-2]) & (inner > log_density[2:]))
    bottom = modes[0] + 1 + np.argmin(log_density[modes[0] + 1 : modes[-1] + 1])

    posterior = exact.fit(model, moments(x[:, None], y), draws=20_000, seed=1)

    assert len(modes) == 2 and log_density[bottom] < -depth  # or the case is not what it claims
    assert posterior.summary("sigma").mean == pytest.approx(float(mass @ sigma), rel=1e-8)
    below = float(mass[:bottom].sum())
    drawn = float((posterior.values("sigma") < sigma[bottom]).mean())
    assert 0.01 < below < 0.99
    assert drawn == pytest.approx(below, abs=4 * math.sqrt(below * (1 - below) / 20_000))


@pytest.mark.parametrize("prior", SCALES, ids=str)
def test_quantiles_of_drawn_sigma_are_those_of_its_posterior(prior: Distribution) -> None:
    x, y = few()
    model = gaussian(1, intercept=None, sigma=prior)
    sigma, weight = sigma_nodes(prior)
    d2, b = float(x[:, 0] @ x[:, 0]), float(x[:, 0] @ y) / float(x[:, 0] @ x[:, 0])
    residual = float(np.sum((y - x[:, 0] * b) ** 2))
    log_density = (
        -6 * np.log(sigma) - residual / (2 * sigma**2) - 0.5 * np.log(sigma**2 + d2)
        - 0.5 * b * b * d2 / (sigma**2 + d2) + prior.log_density(sigma)
    )  # fmt: skip
    mass = np.exp(log_density - log_density.max()) * weight
    order = np.argsort(sigma)
    cumulative = np.cumsum(mass[order]) / mass.sum() - 0.5 * mass[order] / mass.sum()

    drawn = exact.fit(model, moments(x, y), draws=100_000, seed=3).values("sigma")[0]

    uniform = np.interp(drawn, sigma[order], cumulative)
    assert stats.kstest(uniform, "uniform", method="asymp").pvalue > 1e-4


# ------------------------------------------------------------------------------------------------
# Draws
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "columns", "slopes"), [(30, 2, UNIT), (30, 2, FLAT), (4, 6, UNIT), (6, 1, FLAT)], ids=str
)
def test_draws_have_the_moments_of_the_mixture(n: int, columns: int, slopes: Distribution) -> None:
    x, y = few(n, columns)
    posterior = exact.fit(gaussian(columns, slopes=slopes), moments(x, y), draws=200_000, seed=5)
    functional = {name: 1.0 + i for i, name in enumerate(posterior.names[:-1])}

    wanted: tuple[str | dict[str, float], ...] = (*posterior.names, functional)
    for weights in wanted:
        values = posterior.values(weights)[0]
        summary = posterior.summary(weights)
        error = summary.sd / math.sqrt(200_000)
        kurtosis = float(stats.kurtosis(values, fisher=False))
        assert values.mean() == pytest.approx(summary.mean, abs=4.5 * error)
        assert values.std() == pytest.approx(
            summary.sd, rel=4.5 * math.sqrt((kurtosis - 1) / 4 / 200_000)
        )
        if summary.probability_positive is not None:
            assert (values > 0).mean() == pytest.approx(summary.probability_positive, abs=0.005)


def test_draws_are_independent_and_follow_the_seed() -> None:
    x, y = few(30, 2)
    one, same, other = (
        exact.fit(gaussian(2), moments(x, y), draws=5_000, seed=seed) for seed in (1, 1, 2)
    )

    assert one.draws.shape == (1, 5_000, 4)
    assert np.array_equal(one.draws, same.draws)
    assert not np.array_equal(one.draws, other.draws)
    for k in range(4):
        chain = one.draws[0, :, k]
        assert abs(np.corrcoef(chain[1:], chain[:-1])[0, 1]) < 4.5 / math.sqrt(5_000)
    assert one.diagnostics.rhat is None and one.diagnostics.ess_bulk is None


@pytest.mark.parametrize("slopes", [[UNIT] * 3, [UNIT, FLAT, UNIT], [FLAT] * 3], ids=str)
def test_draws_made_in_blocks_are_those_made_at_once(
    slopes: list[Distribution], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = few(30, 3)
    model, statistics = gaussian(3, slopes=slopes), moments(x, y)

    def drawn(numbers: int) -> Array:
        monkeypatch.setattr(exact, "_AREA", numbers)
        return exact.fit(model, statistics, draws=101, seed=3).draws

    once = drawn(10**6)
    for numbers in (1, 40, 404):
        np.testing.assert_allclose(drawn(numbers), once, rtol=1e-12, atol=1e-12)


def test_sigma_is_drawn_by_the_inverse_of_its_distribution_function() -> None:
    random = np.random.default_rng(4)
    distribution = np.sort(np.concatenate([[0.0, 1.0], random.random(300).round(2)]))  # with ties
    quantile = np.sort(random.exponential(size=302))
    table = exact._Table(np.ones(1), np.ones(1), distribution, quantile)
    probability = np.concatenate([random.random(2_000), [0.0, 0.5, np.nextafter(1.0, 0.0)]])

    assert np.array_equal(
        exact._inverse(table, probability), np.interp(probability, distribution, quantile)
    )


def test_the_table_of_sigma_is_integrated_to_fourth_order() -> None:
    def error(step: float) -> float:
        t = np.arange(-9.0, 9.0, step)
        running, place = exact._running(t, step, stats.norm.pdf(t))
        return float(np.abs(running - stats.norm.cdf(place)).max())

    assert error(0.2) < 2e-5
    assert error(0.1) < error(0.2) / 12.0


@pytest.mark.parametrize("n", [1, 30, 10**4, 10**8])
def test_a_mode_is_found_to_a_small_part_of_its_width(n: int) -> None:
    mode, sd = math.log(1.7), math.sqrt(0.5 / n)

    def curve(u: Array) -> Array:
        height: Array = -n * (u - mode) - 0.5 * n * np.expm1(2.0 * (mode - u))
        return height

    found, height = exact._polished(curve, mode - 0.03, mode + 0.07)

    assert abs(found - mode) < 1e-4 * sd
    assert height == pytest.approx(0.0, abs=1e-6)


def test_a_mode_at_the_end_of_the_support_is_that_end() -> None:
    assert exact._polished(lambda u: 3.0 * u, 0.0, 0.1) == pytest.approx((0.1, 0.3))


# ------------------------------------------------------------------------------------------------
# Invariance
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slopes", [UNIT, FLAT], ids=str)
@pytest.mark.parametrize("size", [1, 3, 10])
def test_block_size_and_row_order_do_not_move_a_draw(slopes: Distribution, size: int) -> None:
    x, y = few(40, 3)
    order = np.random.default_rng(0).permutation(40)
    model = gaussian(3, slopes=slopes)
    whole = exact.fit(model, moments(x, y), seed=1)
    parts = exact.fit(model, moments(x[order], y[order], size), seed=1)

    np.testing.assert_allclose(parts.draws, whole.draws, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("preset", ["default", "wide"])
@pytest.mark.parametrize(
    ("unit", "zero"), [(1e-9, 0.0), (1e9, 0.0), (1.0, 1e6), (-3.0, 1e4), (1e-6, 1.0)]
)
@pytest.mark.parametrize("outcome_unit", [1.0, 1e-8, 1e8])
def test_units_of_the_data_do_not_change_the_answer(
    preset: str, unit: float, zero: float, outcome_unit: float
) -> None:
    x, y = few(25, 2)
    answers = []
    for a, b, c in ((1.0, 0.0, 1.0), (unit, zero, outcome_unit)):
        data = {"x0": x[:, 0] * a + b, "x1": x[:, 1], "y": y * c + 3 * c}
        table = read_table(data, list(data))
        terms = (Numeric("x0"), Numeric("x1"))
        choice = PriorChoice(preset)  # type: ignore[arg-type]
        priors = resolve(choice, terms, "y", "gaussian", table)
        model = Regression("correct", "y", "x0", terms, "gaussian", priors)
        answers.append(exact.fit(model, statistic([model], table), draws=10, seed=1))
    plain, moved = answers

    # What the units keep of x: 1e6 + x has ten digits of x left.
    digits = 1e-9 + 1e-15 * abs(zero / unit)
    for name, scale in (("x0", outcome_unit / unit), ("x1", outcome_unit), ("sigma", outcome_unit)):
        given, expected = moved.summary(name), plain.summary(name)
        assert given.mean / scale == pytest.approx(expected.mean, rel=digits)
        assert given.sd / abs(scale) == pytest.approx(expected.sd, rel=digits)


def test_a_prior_at_another_centre_is_the_same_prior_if_the_mean_moves_along() -> None:
    """intercept + 4 slope with slope fixed by a tight prior: both ways of writing agree."""
    x, y = few(20)
    at_four = gaussian(1, intercept=D("Normal", (9.0, 1.0)), slopes=FLAT, centre=[4.0])
    moved = gaussian(1, intercept=D("Normal", (9.0, 1.0)), slopes=FLAT)

    one = exact.fit(at_four, moments(x, y), draws=10, seed=1)
    other = exact.fit(moved, moments(x - 4.0, y), draws=10, seed=1)

    assert one.summary("x0").mean == pytest.approx(other.summary("x0").mean, rel=1e-11)
    at_centre = one.summary({"intercept": 1.0, "x0": 4.0})
    assert at_centre.mean == pytest.approx(other.summary("intercept").mean, rel=1e-11)
    assert at_centre.sd == pytest.approx(other.summary("intercept").sd, rel=1e-11)


# ------------------------------------------------------------------------------------------------
# Categories
# ------------------------------------------------------------------------------------------------


def with_category(level: Distribution, intercept: Distribution) -> tuple[Posterior, Array, Array]:
    random = np.random.default_rng(6)
    g = random.integers(0, 3, 60)
    x = random.normal(0, 1, 60) + g
    y = x + np.array([0.0, 2.0, -1.0])[g] + random.normal(0, 1, 60)
    data = {"x": x, "g": np.array(["a", "b", "c"])[g].tolist(), "y": y}
    table = read_table(data, ["x", "g", "y"])
    terms = (Numeric("x"), Categorical("g", ("a", "b", "c")))
    slope = UNIT if level != FLAT else FLAT
    priors = Priors(intercept, (), ((slope,), (level,) * 3), (("sigma", SCALES[0]),))
    model = Regression("correct", "y", "x", terms, "gaussian", priors)
    posterior = exact.fit(model, statistic([model], table), draws=50_000, seed=1)
    return posterior, np.column_stack([np.ones(60), x, np.eye(3)[g]]), y


def test_index_coding_beside_an_intercept_is_fixed_by_its_priors() -> None:
    """Against the normal equations given sigma: the design is singular, the posterior is not."""
    posterior, design, y = with_category(D("Normal", (0.0, 2.0)), UNIT)
    mixture = posterior.mixture
    assert mixture is not None
    precision = np.diag([1.0, 1.0, 0.25, 0.25, 0.25])
    for name, k in (("intercept", 0), ("x", 1), ("g[b]", 3)):
        unit = np.eye(5)[k]
        means, variances = mixture.given_sigma(unit)
        place = len(mixture.sigma) // 2
        noise = mixture.sigma[place] ** 2
        covariance = np.linalg.inv(design.T @ design / noise + precision)
        assert variances[place] == pytest.approx(covariance[k, k], rel=1e-10), name
        assert means[place] == pytest.approx((covariance @ design.T @ y / noise)[k], rel=1e-9)
    contrast = posterior.summary({"g[b]": 1, "g[a]": -1})
    assert contrast.sd < posterior.summary("g[b]").sd


def test_flat_levels_beside_a_flat_intercept_are_contrasts_with_the_first() -> None:
    posterior, design, y = with_category(FLAT, FLAT)
    reference = np.delete(design, 2, axis=1)
    expected = np.linalg.lstsq(reference, y)[0]

    assert posterior.summary("g[a]").mean == 0.0
    assert posterior.summary("g[a]").sd == 0.0
    for name, mean in zip(("intercept", "x", "g[b]", "g[c]"), expected, strict=True):
        assert posterior.summary(name).mean == pytest.approx(mean, rel=1e-10)


# ------------------------------------------------------------------------------------------------
# Interactions, powers, logarithms
# ------------------------------------------------------------------------------------------------

X, Z, T = Numeric("x"), Numeric("z"), Log("t")
G, H = Categorical("g", ("a", "b", "c")), Categorical("h", ("u", "v"))
XZ, XG, GH = Interaction((X, Z)), Interaction((X, G)), Interaction((G, H))
XGH = Interaction((G, X, H))
POLY = Polynomial("z", 3, 50.0)

RICH: dict[str, tuple[Term, ...]] = {
    "two numbers": (X, Z, XZ),
    "a product alone": (XZ,),
    "one part of a product": (X, XZ),
    "slopes by level": (X, G, XG),
    "slopes by level and no other": (G, XG),
    "crossed categories": (G, H, GH),
    "a power": (X, POLY),
    "powers by level": (H, POLY, Interaction((POLY, H))),
    "a power times a number": (X, POLY, Interaction((X, POLY))),
    "a logarithm": (T, Interaction((T, X)), X),
    "three of a kind": (X, G, H, XG, GH, Interaction((X, H)), XGH),
}


def rich_table(rows: int = 90, seed: int = 11) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    g, h = random.integers(0, 3, rows), random.integers(0, 2, rows)
    x, z = random.normal(3.0, 1.0, rows) + g, random.normal(52.0, 2.0, rows)
    t = random.uniform(0.5, 5.0, rows)
    y = 4 + x - 0.3 * x * (z - 50) + g * x * (h - 0.5) + np.log(t) + random.normal(0, 1.5, rows)
    labels = {"g": np.array([*"abc"])[g].tolist(), "h": np.array([*"uv"])[h].tolist()}
    return {"x": x, "z": z, "t": t, "y": y, **labels}


def atom(one: Atom, data: dict[str, Any]) -> Array:
    match one:
        case Level():
            return np.array([float(label == one.label) for label in data[one.variable]])
        case Log():
            return np.log(data[one.variable])
        case Power():
            return (data[one.variable] - one.centre) ** one.exponent
        case _:
            return np.asarray(data[one.variable])


def centred(model: Regression, data: dict[str, Any]) -> Array:
    """The columns that the priors are about: products of centred numbers."""
    centres = model.priors.centres
    made = [np.ones(len(data["y"]))] * (model.priors.intercept is not None)
    for term in model.terms:
        for column in columns_of(term):
            factors = [atom(one, data) - centres.get(one, 0.0) for one in column]
            made.append(np.prod(factors, axis=0))
    return np.column_stack(made)


def rich(terms: tuple[Term, ...], data: dict[str, Any], **more: Any) -> Regression:
    table = read_table(data, list(data))
    intercept = more.pop("has_intercept", True)
    choice = PriorChoice(more.pop("preset", "default"), more)
    priors = resolve(choice, terms, "y", "gaussian", table, intercept=intercept)
    return Regression("correct", "y", "x", terms, "gaussian", priors)


def on_a_grid(
    design_: Array, y: Array, mean: Array, sd: Array, prior: Distribution, names: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Mean and sd of every coefficient and of sigma: normal equations summed over a grid.

    Independent of what is tested: no QR, no singular values, no centring. Flat where sd is inf.
    """
    sigma = np.exp(np.linspace(-2.5, 3.5, 3_001))
    precision = np.diag(1.0 / sd**2)
    total = design_.T @ design_ / sigma[:, None, None] ** 2 + precision
    target = np.outer(1 / sigma**2, design_.T @ y) + precision @ mean
    covariance = np.linalg.inv(total)
    means = np.einsum("sij,sj->si", covariance, target)
    fit = y @ y / sigma**2 + mean @ precision @ mean - np.einsum("si,si->s", means, target)
    log_density = -len(y) * np.log(sigma) - 0.5 * np.linalg.slogdet(total)[1] - 0.5 * fit
    log_density += prior.log_density(sigma) + np.log(sigma)
    mass = np.exp(log_density - log_density.max())
    mass /= mass.sum()
    expected = mass @ means
    variance = mass @ (np.diagonal(covariance, axis1=1, axis2=2) + (means - expected) ** 2)
    found = zip(names, zip(expected.tolist(), np.sqrt(variance).tolist(), strict=True), strict=True)
    mean_sigma = float(mass @ sigma)
    sd_sigma = math.sqrt(float(mass @ (sigma - mean_sigma) ** 2))
    return {**dict(found), "sigma": (mean_sigma, sd_sigma)}


@pytest.mark.parametrize("preset", ["default", "tutorial"])
@pytest.mark.parametrize("case", RICH)
def test_rich_models_have_the_posterior_of_columns_built_by_hand(case: str, preset: str) -> None:
    """The centred coefficients, by normal equations; then what is printed, by the fitted line."""
    data = rich_table()
    model = rich(RICH[case], data, preset=preset)
    posterior = exact.fit(model, statistic([model], read_table(data, list(data))), draws=10, seed=1)
    form = gaussian_form(model)
    assert form is not None and model.priors.sigma is not None
    names = model.linear_names
    expected = on_a_grid(
        centred(model, data), data["y"], form.mean, form.sd, model.priors.sigma, names
    )

    # theta = inverse(to_printed) @ printed, so a row of the inverse is a functional of the printed.
    back = np.linalg.inv(to_printed(model))
    for place, name in enumerate(names):
        weights = {n: w for n, w in zip(names, back[place].tolist(), strict=True) if w}
        mean, sd = expected[name]
        found = posterior.summary(weights)
        assert found.mean == pytest.approx(mean, rel=1e-6, abs=1e-6 * sd), name
        assert found.sd == pytest.approx(sd, rel=1e-6), name
    assert posterior.summary("sigma").mean == pytest.approx(expected["sigma"][0], rel=1e-7)

    # Rows: the printed coefficients times the columns of the formula are the fitted line.
    centred_rows = centred(model, data) @ [expected[name][0] for name in names]
    plain = design(model, read_table(data, list(data)))
    printed = [posterior.summary(name).mean for name in names]
    np.testing.assert_allclose(plain @ printed, centred_rows, rtol=1e-5)


@pytest.mark.parametrize("case", RICH)
def test_the_posterior_is_that_of_the_same_columns_read_as_numbers(case: str) -> None:
    """Each centred column as a column of the data, with its prior: the plain model agrees."""
    data = rich_table()
    model = rich(RICH[case], data)
    form = gaussian_form(model)
    assert form is not None and model.priors.sigma is not None
    posterior = exact.fit(model, statistic([model], read_table(data, list(data))), draws=10, seed=1)
    made = centred(model, data)[:, 1:]
    slopes = [D("Normal", pair) for pair in zip(form.mean[1:], form.sd[1:], strict=True)]
    plain = gaussian(
        made.shape[1],
        intercept=model.priors.intercept, slopes=slopes, sigma=model.priors.sigma,
    )  # fmt: skip
    other = exact.fit(plain, moments(made, data["y"]), draws=10, seed=1)

    assert posterior.mixture is not None and other.mixture is not None
    moved = to_printed(model)
    for name, row in zip(model.linear_names, moved, strict=True):
        one, two = posterior.summary(name), other.mixture.linear(row)
        assert one.mean == pytest.approx(two.mean, rel=1e-8, abs=1e-8 * two.sd), name
        assert one.sd == pytest.approx(two.sd, rel=1e-8), name
        assert one.probability_positive == pytest.approx(two.probability_positive, abs=1e-8)


@pytest.mark.parametrize("case", RICH)
@pytest.mark.parametrize("has_intercept", [True, False])
def test_flat_priors_give_the_least_squares_of_what_is_needed(
    case: str, has_intercept: bool
) -> None:
    """Contrasts, slopes, and every fitted value are those of the reference-coded design."""
    data = rich_table()
    table = read_table(data, list(data))
    flat = {"slope": FLAT, "level": FLAT, "sigma": D("HalfFlat")}
    if has_intercept:
        flat["intercept"] = FLAT
    model = rich(RICH[case], data, has_intercept=has_intercept, **flat)
    plain = design(model, table)
    reference = plain[:, needed(model)]
    rows, rank = reference.shape
    expected, [rss], *_ = np.linalg.lstsq(reference, data["y"])
    freedom = rows - rank - 1  # flat on sigma itself
    unit = rss / (freedom - 2) * np.linalg.inv(reference.T @ reference)

    posterior = exact.fit(model, statistic([model], table), draws=10, seed=1)

    names = np.array(model.linear_names)
    for name, mean, variance in zip(names[needed(model)], expected, np.diagonal(unit), strict=True):
        found = posterior.summary(str(name))
        assert found.mean == pytest.approx(mean, rel=1e-6, abs=1e-6 * math.sqrt(variance)), name
        assert found.sd == pytest.approx(math.sqrt(variance), rel=1e-6), name
    for name in names[~needed(model)]:
        assert (posterior.summary(str(name)).mean, posterior.summary(str(name)).sd) == (0.0, 0.0)
    for row in (0, 7, 41):
        weights = dict(zip(names.tolist(), plain[row].tolist(), strict=True))
        fitted, spread = posterior.summary(weights), reference[row] @ unit @ reference[row]
        assert fitted.mean == pytest.approx(reference[row] @ expected, rel=1e-8)
        assert fitted.sd == pytest.approx(math.sqrt(spread), rel=1e-6)


MIXED: dict[str, tuple[tuple[Term, ...], dict[str, Distribution]]] = {
    "a flat interaction beside proper parts": ((X, Z, XZ), {"x:z": FLAT}),
    "flat parts beside a proper interaction": ((X, Z, XZ), {"x": FLAT, "z": FLAT}),
    "flat slopes by level beside a proper slope": ((X, G, XG), {"x:g": FLAT}),
    "flat cells beside proper categories": ((G, H, GH), {"g:h": FLAT}),
    "flat cells and one flat category": ((G, H, GH), {"g:h": FLAT, "g": FLAT}),
    "all of it but the cells": ((G, H, GH), {"intercept": FLAT, "g": FLAT, "h": FLAT}),
    "a flat power": ((X, POLY), {"poly(z, 3)": FLAT}),
    "flat slopes of a power by level": (
        (H, POLY, Interaction((POLY, H))),
        {"poly(z, 3):h": FLAT, "poly(z, 3)": FLAT},
    ),
    "a flat intercept where numbers are centred nowhere": ((X, Z, XZ, G), {"intercept": FLAT}),
}


@pytest.mark.parametrize("case", MIXED)
def test_flat_priors_on_some_terms_are_the_limit_of_wide_ones(case: str) -> None:
    """Against normal equations with nothing in the place of a flat prior's precision."""
    terms, own = MIXED[case]
    data = rich_table()
    table = read_table(data, list(data))
    model = rich(terms, data, **own)
    form = gaussian_form(model)
    assert form is not None and model.priors.sigma is not None
    posterior = exact.fit(model, statistic([model], table), draws=10, seed=1)
    # What nothing tells apart is left out here: of flat columns, those that other flat ones span.
    held = exact._reference_levels(model)
    rows = centred(model, data)[:, ~held]
    sd = np.where(form.flat, math.inf, form.sd)[~held]
    names = [n for n, gone in zip(model.linear_names, held, strict=True) if not gone]
    expected = on_a_grid(rows, data["y"], form.mean[~held], sd, model.priors.sigma, names)

    assert np.linalg.matrix_rank(np.vstack([rows, np.diag(1.0 / sd)])) == rows.shape[1]
    back = np.linalg.inv(to_printed(model))
    for name in names:
        weights = dict(zip(model.linear_names, back[model.linear_names.index(name)], strict=True))
        found, (mean, spread) = posterior.summary(weights), expected[name]
        assert found.mean == pytest.approx(mean, rel=1e-5, abs=1e-5 * spread), name
        assert found.sd == pytest.approx(spread, rel=1e-5), name
    assert posterior.summary("sigma").mean == pytest.approx(expected["sigma"][0], rel=1e-6)


def test_what_is_held_at_nought_is_what_nothing_tells_apart() -> None:
    def held(*terms: Term, **own: Distribution) -> list[str]:
        model = rich(terms, rich_table(), **own)
        fixed = exact._reference_levels(model)
        return [name for name, gone in zip(model.linear_names, fixed, strict=True) if gone]

    flat = {"slope": FLAT, "level": FLAT}
    assert held(G, H, intercept=FLAT, **flat) == ["g[a]", "h[u]"]
    assert held(G, H, **flat) == ["h[u]"]  # the first category has the constant
    assert held(X, XG, **flat) == ["x:g[a]"]
    assert held(X, XG, **{"x:g": FLAT}) == []
    assert held(G, H, GH, intercept=FLAT, **flat) == [
        *("g[a]", "h[u]"), *("g[a]:h[u]", "g[a]:h[v]", "g[b]:h[u]", "g[c]:h[u]"),
    ]  # fmt: skip
    assert held(GH, G, H, **flat) == ["g[a]", "g[b]", "g[c]", "h[u]", "h[v]"]
    assert held(GH, **flat) == []
    assert held(G, H, GH) == []


def test_a_prior_of_a_slope_beside_its_interaction_is_that_of_the_formula() -> None:
    """x ~ Normal(1, 0.5) beside x:z, where z is far from 0: by hand in the written columns."""
    data = rich_table()
    table = read_table(data, list(data))
    own = {
        "x": D("Normal", (1.0, 0.5)),
        "z": D("Normal", (0.0, 0.1)),
        "x:z": D("Normal", (0.0, 1.0)),
    }
    model = rich((X, Z, XZ), data, intercept=D("Normal", (0.0, 20.0)), **own)
    written = np.column_stack([np.ones(90), data["x"], data["z"], data["x"] * data["z"]])
    assert model.priors.sigma is not None
    expected = on_a_grid(
        written, data["y"], np.array([0.0, 1.0, 0.0, 0.0]), np.array([20.0, 0.5, 0.1, 1.0]),
        model.priors.sigma, model.linear_names,
    )  # fmt: skip

    posterior = exact.fit(model, statistic([model], table), draws=10, seed=1)
    for name, (mean, sd) in expected.items():
        assert posterior.summary(name).mean == pytest.approx(mean, rel=1e-6), name
        assert posterior.summary(name).sd == pytest.approx(sd, rel=1e-6), name


def test_the_marginal_likelihood_of_a_rich_model_is_a_multivariate_normal_density() -> None:
    data = rich_table(40)
    model = rich(RICH["three of a kind"], data)
    form = gaussian_form(model)
    assert form is not None
    table = read_table(data, list(data))
    rows = centred(model, data)
    sigma = np.array([0.5, 1.0, 3.0])
    root = rows * form.sd
    expected = [
        stats.multivariate_normal.logpdf(
            data["y"], rows @ form.mean, root @ root.T + s * s * np.eye(40)
        )
        for s in sigma
    ]

    given = exact._reduce(model, form, statistic([model], table)).log_likelihood(np.log(sigma))

    constant = -20 * math.log(2 * math.pi)
    np.testing.assert_allclose(given + constant, expected, rtol=1e-10)


# A product without its parts is another model when its numbers are counted from elsewhere.
WHOLE = [case for case in RICH if case not in ("a product alone", "one part of a product")]


@pytest.mark.parametrize("case", WHOLE)
def test_where_numbers_are_counted_from_does_not_change_what_is_fitted(case: str) -> None:
    """Default priors: years counted from 0 or from 1950, in days or in years."""
    data = rich_table()
    moved = {**data, "z": data["z"] * 365.25 - 3e5, "x": data["x"] + 1e4}
    move = {"poly(z, 3)": Polynomial("z", 3, 50.0 * 365.25 - 3e5)}
    answers = []
    for one, terms in ((data, RICH[case]), (moved, tuple(_moved(t, move) for t in RICH[case]))):
        model = rich(terms, one)
        table = read_table(one, list(one))
        posterior = exact.fit(model, statistic([model], table), draws=10, seed=1)
        rows = design(model, table)
        fitted = [
            posterior.summary(dict(zip(model.linear_names, row, strict=True))) for row in rows[:5]
        ]
        assert posterior.mixture is not None
        answers.append([*((f.mean, f.sd) for f in fitted), posterior.mixture.scale()])
    np.testing.assert_allclose(answers[1], answers[0], rtol=1e-6)


def _moved(term: Term, move: dict[str, Polynomial]) -> Term:
    if isinstance(term, Polynomial):
        return move["poly(z, 3)"]
    if isinstance(term, Interaction):
        parts = tuple(move["poly(z, 3)"] if isinstance(p, Polynomial) else p for p in term.parts)
        return Interaction(parts)
    return term


def test_collinear_predictors_share_what_the_data_say() -> None:
    x, y = few(50)
    model = gaussian(2)
    posterior = exact.fit(model, moments(np.column_stack([x, x]), y), draws=10, seed=1)
    total = posterior.summary({"x0": 1, "x1": 1})
    difference = posterior.summary({"x0": 1, "x1": -1})

    assert posterior.summary("x0").mean == pytest.approx(posterior.summary("x1").mean, rel=1e-9)
    assert difference.sd == pytest.approx(math.sqrt(2), rel=1e-9)  # all from the prior
    # Together they are one predictor whose slope is the sum.
    alone = gaussian(1, slopes=D("Normal", (0.0, math.sqrt(2))))
    single = exact.fit(alone, moments(x, y), draws=10, seed=1)
    assert total.mean == pytest.approx(single.summary("x0").mean, rel=1e-9)
    assert total.sd == pytest.approx(single.summary("x0").sd, rel=1e-9)
    assert posterior.summary("sigma").mean == pytest.approx(single.summary("sigma").mean, rel=1e-9)


def test_a_prior_far_below_the_outcome_leaves_sigma_at_its_end() -> None:
    x, y = few(20)
    wide = D("Normal", (0.0, 1e7))
    model = gaussian(1, intercept=wide, slopes=wide, sigma=D("Uniform", (0.0, 10.0)))
    posterior = exact.fit(model, moments(x, 1e7 * y), draws=100, seed=1)

    assert posterior.values("sigma") == pytest.approx(10.0, rel=1e-9)
    assert np.isfinite(posterior.draws).all()
    assert posterior.summary("sigma").mean == pytest.approx(10.0, rel=1e-9)


def test_columns_of_very_different_size_are_all_learnt_about() -> None:
    """One prior for both slopes, in units 14 powers of ten apart: against normal equations."""
    random = np.random.default_rng(3)
    x = random.normal(0.0, 1.0, (40, 2))
    y = 0.03 * x[:, 0] + 0.02 * x[:, 1] + 0.05 * random.normal(0.0, 1.0, 40)
    units, width = np.array([1e8, 1e-6]), 1e4
    design = np.column_stack([np.ones(40), x])  # in like units, with the priors in them
    precision = np.diag([1.0, *(1.0 / (width * units) ** 2)])
    sigma = np.exp(np.linspace(-4.5, -1.5, 2_001))
    total = design.T @ design / sigma[:, None, None] ** 2 + precision
    means = np.linalg.solve(total, np.outer(1 / sigma**2, design.T @ y)[:, :, None])[:, :, 0]
    fit = y @ y / sigma**2 - means @ (design.T @ y) / sigma**2
    log_density = -39 * np.log(sigma) - 0.5 * np.linalg.slogdet(total)[1] - 0.5 * fit - sigma
    mass = np.exp(log_density - log_density.max())
    mass /= mass.sum()
    expected = mass @ means
    variance = mass @ (
        np.diagonal(np.linalg.inv(total), axis1=1, axis2=2) + (means - expected) ** 2
    )

    model = gaussian(2, slopes=D("Normal", (0.0, width)))
    for order in ([0, 1], [1, 0]):
        posterior = exact.fit(model, moments((x * units)[:, order], y), draws=10, seed=1)
        for name, place in zip(("x0", "x1"), order, strict=True):
            found = posterior.summary(name)
            assert found.mean * units[place] == pytest.approx(expected[1 + place], rel=1e-6)
            assert found.sd * units[place] == pytest.approx(
                math.sqrt(variance[1 + place]), rel=1e-6
            )


# ------------------------------------------------------------------------------------------------
# Where there is no posterior, or a strange one
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slopes", [UNIT, FLAT], ids=str)
@pytest.mark.parametrize("zero", [0.0, 1e9])
def test_a_perfect_fit_is_least_squares_with_sd_zero_and_a_problem(
    slopes: Distribution, zero: float
) -> None:
    x, _ = few(20, 2)
    y = zero + 2.0 * x[:, 0] - x[:, 1]
    posterior = exact.fit(gaussian(2, slopes=slopes), moments(x, y), draws=100, seed=1)

    assert posterior.diagnostics.problems == ("perfect_fit",)
    assert posterior.summary("x0").mean == pytest.approx(2.0, abs=1e-6)
    for name in posterior.names:
        assert posterior.summary(name).sd == pytest.approx(0.0, abs=1e-9)
        assert np.isfinite(posterior.draws).all()


def test_a_nearly_perfect_fit_is_a_fit_like_another() -> None:
    x, _ = few(20, 2)
    y = 2.0 * x[:, 0] - x[:, 1] + 1e-8 * np.random.default_rng(0).normal(0, 1, 20)
    posterior = exact.fit(gaussian(2, slopes=FLAT), moments(x, y), draws=100, seed=1)

    assert posterior.diagnostics.problems == ()
    assert posterior.summary("sigma").mean == pytest.approx(1e-8, rel=0.5)


def test_a_prior_that_keeps_sigma_from_zero_survives_a_perfect_fit() -> None:
    x, _ = few(20)
    model = gaussian(1, sigma=D("Uniform", (1.0, 2.0)))
    posterior = exact.fit(model, moments(x, 2.0 * x[:, 0]), draws=100, seed=1)

    assert posterior.diagnostics.problems == ("perfect_fit",)
    assert 1.0 <= posterior.values("sigma").min() <= posterior.values("sigma").max() <= 2.0


def test_proper_priors_need_no_more_rows_than_there_are() -> None:
    x, y = few(2, 5)
    posterior = exact.fit(gaussian(5), moments(x, y), draws=1_000, seed=1)

    assert posterior.diagnostics.problems == ()
    assert all(0.1 < posterior.summary(f"x{i}").sd < 1.0 for i in range(5))
    nothing = exact.fit(gaussian(5), moments(x[:0], y[:0]), draws=1_000, seed=1)
    assert nothing.summary("x0").sd == pytest.approx(1.0, rel=1e-12)
    assert nothing.summary("sigma").mean == pytest.approx(1.0, rel=1e-8)


@pytest.mark.parametrize(
    ("model", "n", "word"),
    [
        (gaussian(2, intercept=FLAT, slopes=FLAT), 3, "slope=Normal"),
        (gaussian(2, intercept=FLAT, slopes=FLAT, sigma=D("HalfFlat")), 4, "sigma=Exponential"),
        (gaussian(0, intercept=FLAT), 1, "prior"),
    ],
    ids=["coefficients", "sigma", "intercept"],
)
def test_an_improper_posterior_is_refused_with_the_prior_to_give(
    model: Regression, n: int, word: str
) -> None:
    x, y = few(n, len(model.terms))

    with pytest.raises(ModelError, match=word):
        exact.fit(model, moments(x, y), seed=1)

    more = few(n + 1, len(model.terms))
    exact.fit(model, moments(*more), seed=1)


def test_priors_too_far_apart_for_the_digits_of_a_number_are_refused() -> None:
    x, y = few(20, 2)
    wide = [D("Normal", (0.0, 1e15)), UNIT]

    with pytest.raises(InferenceError, match=r"so wide beside the others.*Flat\(\)"):
        exact.fit(gaussian(2, slopes=wide), moments(x, y), seed=1)

    # All of them wide is no harm, and flat is the limit.
    vague = D("Normal", (0.0, 1e15))
    posterior = exact.fit(gaussian(2, intercept=vague, slopes=vague), moments(x, y), seed=1)
    flat = exact.fit(gaussian(2, intercept=FLAT, slopes=FLAT), moments(x, y), seed=1)
    for name in ("x0", "x1"):
        assert posterior.summary(name).mean == pytest.approx(flat.summary(name).mean, rel=1e-9)
        assert posterior.summary(name).sd == pytest.approx(flat.summary(name).sd, rel=1e-9)


def test_dependent_flat_predictors_are_refused_by_name() -> None:
    x, y = few(20)
    model = gaussian(2, slopes=FLAT)

    with pytest.raises(ModelError, match="'x1' is an exact linear function"):
        exact.fit(model, moments(np.column_stack([x, 2 * x + 1 - 1]), y), seed=1)


def test_a_variance_that_does_not_exist_is_infinite_and_a_problem() -> None:
    x, y = few(4)
    model = gaussian(1, intercept=FLAT, slopes=FLAT, sigma=D("HalfFlat"))
    posterior = exact.fit(model, moments(x, y), seed=1)

    assert posterior.diagnostics.problems == ("infinite_variance",)
    assert posterior.summary("x0").sd == math.inf
    assert math.isfinite(posterior.summary("x0").mean)


@pytest.mark.parametrize("preset", ["default", "tutorial"])
def test_an_offset_is_taken_from_the_outcome(preset: str) -> None:
    data = rich_table()
    added = np.log(data["t"]) + data["z"]
    kept = rich((Numeric("x"), Categorical("g", ("a", "b", "c"))), data, preset=preset)
    own = replace(kept, offsets=(Log("t"), Numeric("z")))
    less = read_table({**data, "y": data["y"] - added}, ["x", "g", "y"])
    whole = read_table(data, ["x", "g", "y", "t", "z"])

    posterior = exact.fit(own, statistic([own], whole), seed=1)
    expected = exact.fit(kept, statistic([kept], less), seed=1)
    np.testing.assert_allclose(posterior.draws, expected.draws, rtol=1e-9, atol=1e-12)


def test_what_is_not_exact_is_said_and_refused() -> None:
    student = gaussian(1, slopes=D("StudentT", (3.0, 0.0, 1.0)))
    x, y = few()

    assert exact.obstacle(gaussian(1)) is None
    assert exact.obstacle(gaussian(1, slopes=FLAT)) is None
    assert "Normal" in (exact.obstacle(student) or "")
    assert "bernoulli" in (exact.obstacle(replace(gaussian(1), family="bernoulli")) or "")
    assert "student" in (exact.obstacle(replace(gaussian(1), family="student")) or "")
    pooled = Varying(Categorical("g", ("a", "b")), ())
    varying = replace(gaussian(1), terms=(pooled,))
    assert "vary by a category" in (exact.obstacle(varying) or "")
    for model, why in (
        (student, "Normal"),
        (replace(gaussian(1), family="student"), "student"),
        (replace(gaussian(1), priors=replace(gaussian(1).priors, auxiliary=())), "sigma"),
        (varying, "vary by a category"),
    ):
        with pytest.raises(InferenceError, match=f"no exact posterior.*{why}"):
            exact.fit(model, moments(x, y))
    with pytest.raises(InferenceError, match="draws"):
        exact.fit(gaussian(1), moments(x, y), draws=0)


@pytest.mark.parametrize("prior", [*SCALES, D("Exponential", (1e12,)), D("HalfCauchy", (1e-9,))],
                         ids=str)  # fmt: skip
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_extreme_scales_and_priors_have_finite_answers(prior: Distribution, scale: float) -> None:
    x, y = few(50, 3)
    posterior = exact.fit(gaussian(3, sigma=prior), moments(x, y * scale), draws=500, seed=1)

    assert np.isfinite(posterior.draws).all()
    assert all(math.isfinite(posterior.summary(name).sd) for name in posterior.names)


# ------------------------------------------------------------------------------------------------
# Known answers
# ------------------------------------------------------------------------------------------------


def test_the_tutorials_fork_has_its_posterior() -> None:
    """Its data, its priors: against the normal equations summed over a grid of sigma."""
    np.random.seed(2025)  # the tutorial's own generator, so its very data
    z = np.random.normal(10, 3, 1_000)
    x = 3 * z + np.random.normal(0, 0.1, 1_000)
    y = 2 * z + np.random.normal(0, 0.1, 1_000)
    design = np.column_stack([np.ones(1_000), x, z])
    sigma = np.exp(np.linspace(-2.5, -2.0, 2_001))
    _, logdet = np.linalg.slogdet(design.T @ design / sigma[:, None, None] ** 2 + np.eye(3))
    solved = np.linalg.inv(design.T @ design / sigma[:, None, None] ** 2 + np.eye(3))
    means = solved @ (design.T @ y) / sigma[:, None] ** 2
    fit = y @ y / sigma**2 - np.einsum("sk,k->s", means, design.T @ y) / sigma**2
    log_density = -999 * np.log(sigma) - 0.5 * logdet - 0.5 * fit - sigma
    mass = np.exp(log_density - log_density.max())
    mass /= mass.sum()
    expected = mass @ means
    variance = mass @ (np.diagonal(solved, axis1=1, axis2=2) + (means - expected) ** 2)

    posterior = exact.fit(gaussian(2), moments(np.column_stack([x, z]), y), seed=1)

    for k, name in enumerate(("intercept", "x0", "x1")):
        summary = posterior.summary(name)
        assert summary.mean == pytest.approx(expected[k], abs=1e-7)
        assert summary.sd == pytest.approx(math.sqrt(variance[k]), rel=1e-6)
    effect = posterior.summary("x0")
    assert (round(effect.mean, 3), round(effect.sd, 3)) == (0.010, 0.032)
    naive = exact.fit(gaussian(1), moments(x[:, None], y), seed=1).summary("x0")
    assert naive.mean == pytest.approx(2 / 3, abs=0.001)


DIGITS = {
    "Filip": 7.0,
    "Longley": 10.0,
    "Longley_noint": 10.0,
    "NoInt1": 11.0,
    "Norris": 11.0,
    "Pontius": 11.5,
    "Wampler1": 9.0,
    "Wampler2": 12.0,
    "Wampler3": 9.0,
    "Wampler4": 7.0,
}


@pytest.mark.skipif(
    "CAUSAL_CASES" not in os.environ, reason="CAUSAL_CASES names no folder of cases"
)
@pytest.mark.parametrize("size", [10**6, 5])
@pytest.mark.parametrize("name", DIGITS)
def test_flat_priors_reach_the_certified_values_of_nist(name: str, size: int) -> None:
    folder = Path(os.environ["CAUSAL_CASES"]) / "nist" / name
    certified = json.loads((folder / "expected.json").read_text())
    with (folder / "data.csv").open() as file:
        rows = list(csv.DictReader(file))
    data = {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}
    terms = [term for term in certified["terms"] if term not in ("1", "x^0")]
    columns = [
        data["x"] ** int(term[2:]) if term.startswith("x^") else data[term] for term in terms
    ]
    intercept = FLAT if len(terms) < len(certified["terms"]) else None
    model = gaussian(len(terms), intercept=intercept, slopes=FLAT, sigma=D("HalfFlat"))

    posterior = exact.fit(
        model, moments(np.column_stack(columns), data["y"], size), draws=10, seed=1
    )

    freedom = len(rows) - len(certified["terms"])
    exact_fit = name in ("Wampler1", "Wampler2")
    assert posterior.diagnostics.problems == (("perfect_fit",) if exact_fit else ())
    for coefficient, value, error in zip(
        posterior.names, certified["certified_beta"], certified["certified_se"], strict=False
    ):
        summary = posterior.summary(coefficient)
        assert abs(summary.mean - value) <= 10.0 ** -DIGITS[name] * abs(value)
        # A flat prior on sigma: t with freedom - 1 degrees, scaled by the residual.
        sd = error * math.sqrt(freedom / (freedom - 3))
        assert summary.sd == pytest.approx(0.0 if exact_fit else sd, rel=1e-7)


POWERS = {"Filip": (10, 7.0), "Pontius": (2, 11.0), "Wampler1": (5, 9.0), "Wampler2": (5, 11.0),
          "Wampler3": (5, 9.0), "Wampler4": (5, 7.0)}  # fmt: skip


@pytest.mark.skipif(
    "CAUSAL_CASES" not in os.environ, reason="CAUSAL_CASES names no folder of cases"
)
@pytest.mark.parametrize("name", POWERS)
def test_a_polynomial_reaches_the_certified_curve_of_nist(name: str) -> None:
    """Its coefficients are those of the certified polynomial written about the mean of x."""
    degree, digits = POWERS[name]
    folder = Path(os.environ["CAUSAL_CASES"]) / "nist" / name
    beta = [
        Fraction(v) for v in json.loads((folder / "expected.json").read_text())["certified_beta"]
    ]
    with (folder / "data.csv").open() as file:
        rows = list(csv.DictReader(file))
    data = {key: [float(row[key]) for row in rows] for key in rows[0]}
    table = read_table(data, ["x", "y"])
    [term] = terms_on(parse(f"y ~ poly(x, {degree})"), "x", table)
    assert isinstance(term, Polynomial)
    choice = PriorChoice(overrides={"intercept": FLAT, "slope": FLAT, "sigma": D("HalfFlat")})
    priors = resolve(choice, (term,), "y", "gaussian", table)
    model = Regression("correct", "y", "x", (term,), "gaussian", priors)
    centre = Fraction(term.centre)
    expected = [
        sum(beta[k] * math.comb(k, j) * centre ** (k - j) for k in range(j, degree + 1))
        for j in range(degree + 1)
    ]

    posterior = exact.fit(model, statistic([model], table), draws=10, seed=1)

    for coefficient, value in zip(posterior.names, expected, strict=False):
        mean = posterior.summary(coefficient).mean
        assert abs(mean - float(value)) <= 10.0**-digits * abs(float(value)), coefficient


# ------------------------------------------------------------------------------------------------
# Calibration
# ------------------------------------------------------------------------------------------------


def ranks(replications: int, fitted: Regression, seed: int) -> Array:
    """Rank of each true value among 63 draws, in 16 bins, when truth comes from the unit priors.

    Talts, Betancourt, Simpson, Vehtari & Gelman (2018): uniform if the sampler is right.
    """
    random = np.random.default_rng(seed)
    x = random.normal(2.0, 1.0, (20, 2))
    counts = np.zeros((4, 16))
    for _ in range(replications):
        truth = np.append(random.normal(0, 1, 3), random.exponential(1.0))
        y = truth[0] + x @ truth[1:3] + truth[3] * random.normal(0, 1, 20)
        posterior = exact.fit(fitted, moments(x, y), draws=63, seed=int(random.integers(2**31)))
        rank = (posterior.draws[0] < truth).sum(axis=0)
        counts[range(4), rank // 4] += 1
    return counts


def test_true_values_rank_uniformly_among_the_draws() -> None:
    counts = ranks(2_000, gaussian(2), seed=7)
    chi_square = ((counts - 125) ** 2 / 125).sum(axis=1)

    assert (chi_square < stats.chi2.ppf(1 - 0.01 / 4, 15)).all()


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (gaussian(2, slopes=D("Normal", (0.0, 0.3))), 1),
        (gaussian(2, sigma=D("Exponential", (3.0,))), 3),
        (gaussian(2, centre=[5.0, 5.0]), 0),
    ],
    ids=["slope prior too narrow", "sigma prior too small", "intercept at another place"],
)
def test_a_wrong_prior_fails_the_calibration(wrong: Regression, place: int) -> None:
    counts = ranks(500, wrong, seed=7)
    chi_square = ((counts - 31.25) ** 2 / 31.25).sum(axis=1)

    assert chi_square[place] > stats.chi2.ppf(1 - 0.01 / 4, 15)

"""NUTS on every kind of regression: the posterior of the definitions, the truth that was put in.

The samplers of PyMC and of NumPyro on a few kinds.

What it is compared with shares no code with the models that are sampled: the exact sampler, or
importance sampling of the density that `tests.regressions` writes down from the definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import optimize, special, stats

from causal.inference import conjugate, exact, nuts, pymc_samplers
from causal.inference.posterior import Posterior
from causal.models.design import statistic
from causal.models.priors import Distribution, to_cutpoints, to_printed
from causal.models.regression import Regression
from causal.models.terms import Varying, columns
from tests.regressions import (
    KINDS,
    Kind,
    centred_design,
    correlation_matrix,
    frame,
    log_likelihood,
    log_lkj,
    log_prior,
    make,
    offsets,
    raw_design,
)

nutpie = pytest.importorskip("nutpie")
pytest.importorskip("pymc")
array_stats = pytest.importorskip("arviz_stats.base").array_stats

Floats = NDArray[np.float64]

WITHIN = 5.0
"""Monte Carlo errors, of both sides together."""

ONE_SIDED = ("sigma", "nu", "alpha", "sd(")
"""Compared by their logarithms: alpha has no mean under its prior, and all are skewed."""


@dataclass(frozen=True)
class Answer:
    """Mean and sd of a parameter (of its logarithm, if `ONE_SIDED`), each with its own error."""

    mean: float
    sd: float
    mean_error: float = 0.0
    sd_error: float = 0.0


def weighted(values: Floats, weights: Floats, spread: Floats | float = 0.0) -> Answer:
    """Moments of a mixture: *values* are means of components with variances *spread*."""
    mean = float(weights @ values)
    squares = (values - mean) ** 2 + spread
    variance = float(weights @ squares)
    sd = float(np.sqrt(variance))
    return Answer(
        mean,
        sd,
        float(np.sqrt(weights**2 @ (values - mean) ** 2)),
        float(np.sqrt(weights**2 @ (squares - variance) ** 2)) / (2 * sd),
    )


def importance(
    log_density: Callable[[Floats], Floats], start: Floats, draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Points and weights: a Student-t about the mode that is moved to where the weight is."""
    options = {"maxiter": 20_000, "maxfev": 20_000}
    found = optimize.minimize(
        lambda u: -log_density(u[None])[0], start, method="Nelder-Mead", options=options
    )
    centre, covariance = found.x, 0.05 * np.eye(len(start))
    rng = np.random.default_rng(seed)
    for count in (*[draws // 20] * 6, draws):
        t = stats.multivariate_t(centre, covariance * 1.3, df=5, seed=rng)
        points = np.reshape(t.rvs(count), (count, len(start)))
        log_weight = log_density(points) - np.reshape(t.logpdf(points), count)
        weights = np.exp(log_weight - log_weight.max())
        weights /= weights.sum()
        centre = weights @ points
        covariance = (points - centre).T @ (weights[:, None] * (points - centre))
    assert 1 / (weights**2).sum() > 0.1 * draws, "the proposal is far from the posterior"
    return points, weights


def by_exact(regression: Regression, data: pd.DataFrame) -> dict[str, Answer]:
    table = make_table(regression, data)
    answer = exact.fit(regression, statistic([regression], table), draws=100_000, seed=1)
    found = {}
    for name in answer.names:
        if name == "sigma":
            values = np.log(answer.values(name).ravel())
            found[name] = weighted(values, np.full(len(values), 1 / len(values)))
        else:
            summary = answer.summary(name)
            found[name] = Answer(summary.mean, summary.sd)
    return found


def by_counting(regression: Regression, data: pd.DataFrame) -> dict[str, Answer]:
    """Of cells: Beta(a + ones, b + zeros)."""
    [term], [priors] = regression.terms, regression.priors.terms
    found = {}
    ones = (data[regression.outcome] == data[regression.outcome].max()).to_numpy()
    for column, prior, name in zip(
        columns(term), priors, regression.coefficient_names, strict=True
    ):
        inside = np.ones(len(data), bool)
        for atom in column:
            inside &= (data[atom.variable] == atom.label).to_numpy()
        a, b = prior.parameters
        beta = stats.beta(a + (inside & ones).sum(), b + (inside & ~ones).sum())
        found[name] = Answer(float(beta.mean()), float(beta.std()))
    return found


def by_importance(regression: Regression, data: pd.DataFrame) -> dict[str, Answer]:
    """Of all parameters at once: theta, the cutpoints by their steps, the others by logarithms."""
    k, cut = len(regression.columns), len(regression.priors.cutpoints)
    design, shift = centred_design(regression, data), offsets(regression, data)
    others = [name for name, _ in regression.priors.auxiliary]

    def parts(u: Floats) -> tuple[Floats, Floats, dict[str, Floats], Floats]:
        theta, steps, logs = u[:, :k], u[:, k : k + cut], u[:, k + cut :]
        cuts = np.concatenate([steps[:, :1], np.exp(steps[:, 1:])], axis=1).cumsum(axis=1)
        jacobian = steps[:, 1:].sum(axis=1) + logs.sum(axis=1)
        return theta, cuts, dict(zip(others, np.exp(logs).T, strict=True)), jacobian

    def log_density(u: Floats) -> Floats:
        theta, cuts, auxiliary, jacobian = parts(u)
        eta = theta @ design.T + shift
        with np.errstate(all="ignore"):
            found = log_likelihood(regression, data, eta, auxiliary, cuts)
        found = found + log_prior(regression, theta, auxiliary, cuts) + jacobian
        return np.where(np.isfinite(found), found, -1e300)

    start = np.full(k + cut + len(others), 0.1)
    if regression.priors.intercept is not None:
        start[0] = regression.priors.intercept.parameters[0]
    points, weights = importance(log_density, start, 100_000, 2)
    theta, cuts, auxiliary, _ = parts(points)
    printed = theta @ to_printed(regression).T
    cuts = cuts - (theta @ to_cutpoints(regression))[:, None] if cut else cuts
    logs = [np.log(auxiliary[name]) for name in others]
    every = [*printed.T, *cuts.T, *logs]
    return {
        name: weighted(values, weights)
        for name, values in zip(regression.coefficient_names, every, strict=True)
    }


def by_integration(regression: Regression, data: pd.DataFrame) -> dict[str, Answer]:
    """Of a Gaussian outcome: given sds and correlations all coefficients are jointly normal.

    Only those, and sigma, are sampled by importance; the rest is linear algebra.
    """
    design = centred_design(regression, data)
    y = data[regression.outcome].to_numpy() - offsets(regression, data)
    [term] = regression.varying
    count, levels = len(term.varied), len(term.by.levels)
    pairs, fixed = count * (count - 1) // 2, design.shape[1] - count * levels
    priors = [regression.priors.intercept] if regression.priors.intercept else []
    for one, group in zip(regression.terms, regression.priors.terms, strict=True):
        priors += [] if isinstance(one, Varying) else group
    mean = np.array([*(p.parameters[0] for p in priors), *np.zeros(count * levels)])
    fixed_variance = np.diag([p.parameters[1] ** 2 for p in priors])
    sd_priors = regression.priors.terms[regression.terms.index(term)]
    sigma_prior = regression.priors.sigma
    gram, cross = design.T @ design, design.T @ (y - design @ mean)
    square = float((y - design @ mean) @ (y - design @ mean))

    def solved(u: Floats) -> tuple[float, Floats, Floats]:
        sigma, sd, cor = np.exp(u[0]), np.exp(u[1 : 1 + count]), np.tanh(u[1 + count :])
        matrix = correlation_matrix(cor, count)
        if np.linalg.eigvalsh(matrix)[0] < 1e-10:
            return -1e300, mean, np.eye(len(mean))
        covariance = np.zeros((len(mean), len(mean)))
        covariance[:fixed, :fixed] = fixed_variance
        covariance[fixed:, fixed:] = np.kron(np.outer(sd, sd) * matrix, np.eye(levels))
        precision = np.linalg.inv(covariance) + gram / sigma**2
        posterior = np.linalg.inv(precision)
        away = posterior @ cross / sigma**2
        # log N(y; X mean, sigma^2 + X C X') by the matrix determinant lemma.
        log_likelihood_ = -0.5 * (
            2 * len(y) * u[0]
            + np.linalg.slogdet(covariance)[1]
            + np.linalg.slogdet(precision)[1]
            + (square - cross @ away) / sigma**2
        )
        total = log_likelihood_ + float(sigma_prior.log_density(sigma)) + u[0]
        total += sum(float(p.log_density(s)) for p, s in zip(sd_priors, sd, strict=True))
        total += float(np.log(sd).sum() + np.log1p(-(cor**2)).sum())
        total += log_lkj(matrix, regression.priors.correlation) if pairs else 0.0
        return total, mean + away, posterior

    def log_density(points: Floats) -> Floats:
        return np.array([solved(u)[0] for u in points])

    typical = [np.log(p.typical) for p in (sigma_prior, *sd_priors)]
    points, weights = importance(log_density, np.array([*typical, *np.zeros(pairs)]), 20_000, 3)
    matrix = to_printed(regression)
    given = [solved(u)[1:] for u in points]
    centres = np.array([matrix @ m for m, _ in given])
    spreads = np.array([np.einsum("ij,jk,ik->i", matrix, c, matrix) for _, c in given])
    found = {
        name: weighted(centres[:, place], weights, spreads[:, place])
        for place, name in enumerate(regression.linear_names)
    }
    hyper = [*points[:, 1 : 1 + count].T, *np.tanh(points[:, 1 + count :]).T, points[:, 0]]
    for name, values in zip(regression.other_names, hyper, strict=True):
        found[name] = weighted(values, weights)
    return found


def make_table(regression: Regression, data: pd.DataFrame):
    from causal.data.table import read_table

    return read_table(data, list(regression.variables))


ANSWERS = {
    "plain": by_exact,
    "intercept alone": by_exact,
    "categories": by_exact,
    "number by number": by_exact,
    "number by category": by_exact,
    "category by category": by_exact,
    "polynomial": by_exact,
    "polynomial by category": by_exact,
    "log": by_exact,
    "without intercept": by_exact,
    "offset": by_importance,
    "student": by_importance,
    "bernoulli": by_importance,
    "cells": by_counting,
    "binomial": by_importance,
    "poisson": by_importance,
    "negbinomial": by_importance,
    "ordered": by_importance,
    "ordered by category": by_importance,
    "pooled levels": by_integration,
    "varying slopes": by_integration,
    "varying slopes alone": by_integration,
    "varying levels": by_integration,
}
QUICK = ("number by category", "poisson", "cells")


def drawn(posterior: Posterior, name: str) -> Floats:
    values = posterior.values(name)
    return np.log(values) if name.startswith(ONE_SIDED) else values


def error(draws: Floats, method: str) -> float:
    return float(array_stats.mcse(draws, method=method))


def assert_same(posterior: Posterior, answers: Mapping[str, Answer]) -> None:
    assert posterior.names == tuple(answers)
    assert posterior.diagnostics.problems == ()
    for name, answer in answers.items():
        draws = drawn(posterior, name)
        by_mean = np.hypot(error(draws, "mean"), answer.mean_error)
        by_sd = np.hypot(error(draws, "sd"), answer.sd_error)
        assert abs(draws.mean() - answer.mean) < WITHIN * by_mean, name
        assert abs(draws.std(ddof=1) - answer.sd) < WITHIN * by_sd, name


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k in QUICK else pytest.mark.heavy) for k in ANSWERS]
)
def test_nuts_gives_the_posterior_of_the_definitions(kind: str) -> None:
    data = frame()
    regression, table = make(KINDS[kind], data)
    draws = 3000 if regression.varying else 8000
    assert_same(nuts.fit(regression, table, draws=draws, seed=1), ANSWERS[kind](regression, data))


OTHER_SAMPLERS = [
    pytest.param("pymc", "poisson"),
    pytest.param("pymc", "ordered by category", marks=pytest.mark.heavy),
    pytest.param("pymc", "pooled levels", marks=pytest.mark.heavy),
    pytest.param("pymc", "cells", marks=pytest.mark.heavy),
    pytest.param("numpyro", "negbinomial", marks=pytest.mark.heavy),
    pytest.param("numpyro", "ordered", marks=pytest.mark.heavy),
    pytest.param("numpyro", "pooled levels", marks=pytest.mark.heavy),
]


@pytest.mark.parametrize(("sampler", "kind"), OTHER_SAMPLERS)
def test_other_samplers_give_it_too(sampler: Literal["pymc", "numpyro"], kind: str) -> None:
    pytest.importorskip(sampler)
    data = frame()
    regression, table = make(KINDS[kind], data)
    found = pymc_samplers.fit(regression, table, sampler=sampler, draws=4000, seed=1)
    assert found.sampler == sampler
    assert_same(found, ANSWERS[kind](regression, data))


@pytest.mark.heavy
def test_counting_cells_is_what_the_conjugate_sampler_does() -> None:
    data = frame()
    regression, table = make(KINDS["cells"], data)
    answer = by_counting(regression, data)
    found = conjugate.fit(regression, table, draws=20_000, seed=1)
    for name in regression.coefficient_names:
        values = found.values(name)
        assert abs(values.mean() - answer[name].mean) < WITHIN * answer[name].sd / np.sqrt(20_000)


OTHER_PRIORS = {
    "ordered": {
        "same for all cutpoints": {"cutpoint": Distribution("Normal", (0.0, 1.0))},
        "above 0": {"cutpoint": Distribution("LogNormal", (0.0, 1.0))},
        "between": {"cutpoint": Distribution("Uniform", (-3.0, 3.0))},
    },
    "negbinomial": {"heavy tails": {"slope": Distribution("StudentT", (3.0, 0.0, 0.2))}},
}


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("kind", "given"), [(kind, name) for kind, each in OTHER_PRIORS.items() for name in each]
)
def test_priors_of_another_kind_are_sampled_as_well(kind: str, given: str) -> None:
    data = frame()
    regression, table = make(KINDS[kind], data, overrides=OTHER_PRIORS[kind][given])
    answers = by_importance(regression, data)
    assert_same(nuts.fit(regression, table, draws=8000, seed=2), answers)


# ------------------------------------------------------------------------------------------------
# The truth that was put in
# ------------------------------------------------------------------------------------------------

LEVELS = 24

RECOVERED = {
    "gaussian": Kind("y ~ poly(x, 2) * h + log(w)"),
    "student": Kind("y ~ x * z", "student"),
    "bernoulli": Kind("y ~ x + g * h", "bernoulli"),
    "cells": Kind("y ~ g:h", "cells"),
    "binomial": Kind("y ~ x * g", "binomial", "n"),
    "poisson, pooled levels": Kind("y ~ x + (1 | k) + offset(log(w))", "poisson"),
    "negbinomial": Kind("y ~ poly(x, 2) + g", "negbinomial"),
    "ordered": Kind("y ~ x * h + z", "ordered"),
    "ordered, pooled levels": Kind("y ~ x + (1 | k)", "ordered"),
    "gaussian, varying slopes": Kind("y ~ x + z + (x + z | k)"),
    "bernoulli, varying slopes": Kind("y ~ x + (x | k)", "bernoulli"),
}
TRUTH = {"sigma": 0.8, "nu": 4.0, "alpha": 3.0}
SPREAD, TOGETHER = (0.7, 0.5, 0.3), (0.5, -0.3, 0.2)
"""The sds of what varies where x and z are 0, and their correlations, as in ``other_names``."""
CUTS = np.array([-1.0, 0.2, 1.4])


def many(rng: np.random.Generator, rows: int = 2000) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "x": rng.normal(3, 1.5, rows),
            "z": rng.normal(-1, 1, rows),
            "w": np.exp(rng.normal(0.5, 0.6, rows)),
            "g": np.array(["a", "b", "c"])[rng.integers(0, 3, rows)],
            "h": np.array(["no", "yes"])[rng.integers(0, 2, rows)],
            "k": np.array([f"k{i:02}" for i in range(LEVELS)])[rng.integers(0, LEVELS, rows)],
            "n": rng.integers(3, 12, rows),
            "y": np.arange(rows) % 2,  # fits any family; what is simulated takes its place
        }
    )


def coefficients(regression: Regression, design: Floats, rng: np.random.Generator) -> Floats:
    """The true ones, each as strong as the others on the scale of its column."""
    if regression.family == "cells":
        return rng.uniform(0.1, 0.9, design.shape[1])
    varied = {column for term in regression.varying for column in columns(term)}
    found = rng.choice([-0.3, 0.3], design.shape[1]) / np.maximum(design.std(axis=0), 0.3)
    found[[column in varied for column in regression.columns]] = 0.0
    for term in regression.varying:
        count = len(term.varied)
        factor = np.linalg.cholesky(correlation_matrix(TOGETHER[: count * (count - 1) // 2], count))
        levels = np.array(SPREAD[:count])[:, None] * (factor @ rng.normal(size=(count, LEVELS)))
        places = [regression.columns.index(column) for column in columns(term)]
        found[places] = levels.ravel()
    return found


def simulated(
    regression: Regression, data: pd.DataFrame, eta: Floats, rng: np.random.Generator
) -> Floats:
    rows = len(data)
    match regression.family:
        case "gaussian":
            return eta + TRUTH["sigma"] * rng.normal(size=rows)
        case "student":
            return eta + TRUTH["sigma"] * rng.standard_t(TRUTH["nu"], rows)
        case "bernoulli":
            return rng.binomial(1, special.expit(eta))
        case "cells":
            return rng.binomial(1, eta)
        case "binomial":
            return rng.binomial(data["n"], special.expit(eta))
        case "poisson":
            return rng.poisson(np.exp(eta))
        case "negbinomial":
            return rng.poisson(np.exp(eta) * rng.gamma(TRUTH["alpha"], 1 / TRUTH["alpha"], rows))
        case _:
            return np.searchsorted(CUTS, eta + rng.logistic(size=rows)) + 1.0


@pytest.mark.heavy
@pytest.mark.parametrize("kind", RECOVERED)
def test_the_truth_that_was_put_in_is_found(kind: str) -> None:
    rng = np.random.default_rng(20)
    form = RECOVERED[kind]
    varies = "|" in form.formula
    data = many(rng, 800 if varies else 2000)
    # The columns first, on any outcome; then the outcome that they make.
    sketch, _ = make(form, data)
    design, shift = raw_design(sketch, data), offsets(sketch, data)
    eta = design @ coefficients(sketch, design, rng) + shift
    data["y"] = simulated(sketch, data, eta, rng)
    regression, table = make(form, data)
    posterior = nuts.fit(regression, table, draws=2000 if varies else 4000, seed=3)
    assert posterior.diagnostics.problems == ()

    draws = posterior.draws.reshape(-1, len(posterior.names))
    count = len(regression.linear_names)
    rows = rng.choice(len(data), 25, replace=False)
    fitted = draws[:, :count] @ raw_design(regression, data)[rows].T + shift[rows]
    expected, others = eta[rows], true_others(regression)
    if regression.family == "ordered":
        # Levels and cutpoints can move together: only their distance is in the data.
        fitted = np.concatenate([draws[:, [count + i]] - fitted for i in range(3)], axis=1)
        expected = np.concatenate([cut - expected for cut in CUTS])
    assert (np.abs(fitted.mean(axis=0) - expected) < 4 * fitted.std(axis=0)).all()
    for name, value in others.items():
        found = drawn(posterior, name)
        value = np.log(value) if name.startswith(ONE_SIDED) else value
        assert abs(found.mean() - value) < 4 * found.std(), name
        assert found.std() < 0.6, f"{name} is learnt"


def true_others(regression: Regression) -> dict[str, float]:
    """All parameters beside the coefficients but the cutpoints, by name.

    The sd of the intercept is that at the centres, where its prior is given.
    """
    names = [name for name in regression.other_names if not name.startswith("cut[")]
    centres, values = dict(regression.priors.centre), []
    for term in regression.varying:
        count = len(term.varied)
        cor = correlation_matrix(TOGETHER[: count * (count - 1) // 2], count)
        moved = np.eye(count)
        moved[0, 1:] = [centres[atom] for [atom] in term.varied[1:]]
        at_centres = moved @ (np.outer(SPREAD[:count], SPREAD[:count]) * cor) @ moved.T
        sd = np.sqrt(np.diag(at_centres))
        values += [*sd]
        values += [at_centres[i, j] / sd[i] / sd[j] for j in range(count) for i in range(j)]
    values += [TRUTH[name] for name, _ in regression.priors.auxiliary]
    return dict(zip(names, values, strict=True))


@pytest.mark.heavy
def test_levels_known_well_and_levels_hardly_known_are_both_sampled_well() -> None:
    """More than a hundred rows a level, and beside them levels with three rows each."""
    rng = np.random.default_rng(5)
    code = np.concatenate([np.repeat(np.arange(6), 150), np.repeat(np.arange(6, 16), 3)])
    level = rng.normal(0, 0.8, 16)
    data = pd.DataFrame({"k": [f"k{i:02}" for i in code], "x": rng.normal(size=len(code))})
    data["b"] = rng.binomial(1, special.expit(0.4 * data["x"] + level[code]))
    regression, table = make(Kind("b ~ x + (1 | k)", "bernoulli"), data)
    posterior = nuts.fit(regression, table, draws=2000, seed=1)
    assert posterior.diagnostics.problems == ()
    assert (posterior.diagnostics.ess_bulk or 0) > 600

    # The form each level is moved in is found from a short run.
    compiled = nuts._compiled(nutpie, regression, table)
    plan = nuts._Plan(nutpie, 500, 4, None, 1, None)
    [switch] = nuts._switches(plan, compiled, regression).values()
    assert switch.tolist() == [1.0] * 6 + [0.0] * 10


@pytest.mark.heavy
def test_priors_that_draw_counts_beyond_all_numbers_do_not_start_the_chains_there() -> None:
    """Normal(0, 1) on slopes in the data's own units draws counts of 1e40."""
    data = frame()
    data = data.assign(x=data["x"] * 20, z=data["z"] * 20 + 50)
    regression, table = make(Kind("c ~ z + x + offset(log(w))", "poisson"), data, "tutorial")
    assert nuts.fit(regression, table, draws=4000, seed=1).diagnostics.problems == ()


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["varying slopes", "ordered"])
def test_units_do_not_matter(kind: str) -> None:
    data = frame()
    of_x, of_y = 1e-9, 1.0 if kind == "ordered" else 1e9
    other = data.assign(x=data["x"] * of_x, y=data["y"] * of_y)
    draws = 8000 if kind == "ordered" else 3000
    one, two = (nuts.fit(*make(KINDS[kind], each), draws=draws, seed=1) for each in (data, other))
    regression, _ = make(KINDS[kind], data)
    assert two.diagnostics.problems == ()
    for name in regression.linear_names:
        unit = of_y / (of_x if name.startswith("x") else 1.0)
        first, second = one.values(name), two.values(name) / unit
        errors = np.hypot(error(first, "mean"), error(second, "mean"))
        assert abs(first.mean() - second.mean()) < WITHIN * errors, name
        errors = np.hypot(error(first, "sd"), error(second, "sd"))
        assert abs(first.std() - second.std()) < WITHIN * errors, name

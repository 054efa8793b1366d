"""Draws from the priors: against scipy's distributions, rejection sampling and quadrature.

A Kolmogorov-Smirnov test at a fixed seed passes where its p is above 1e-4: a right sampler fails it
for one seed in 10,000, a wrong one always.
"""

from __future__ import annotations

import math
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from causal.data.table import read_table
from causal.errors import InferenceError
from causal.inference import prior
from causal.models.priors import _KINDS, Distribution, PriorChoice, Priors, resolve
from causal.models.regression import Regression
from causal.models.terms import (
    Categorical,
    Interaction,
    Log,
    Numeric,
    Polynomial,
    Varying,
)

D = Distribution
DRAWS = 4000
RARE = 1e-4


def generator(seed=1):
    return np.random.default_rng(seed)


def agrees(draws, distribution):
    """Whether draws are those of a distribution: one of scipy's, a cdf, or other draws."""
    if isinstance(distribution, np.ndarray):
        return stats.ks_2samp(draws, distribution).pvalue > RARE
    cdf = distribution if callable(distribution) else distribution.cdf
    return stats.kstest(draws, cdf).pvalue > RARE


def uncorrelated(*draws):
    """Whether no two of them go together, to 4.5 standard errors."""
    found = np.corrcoef(np.stack(draws)) - np.eye(len(draws))
    return np.abs(found).max() < 4.5 / math.sqrt(len(draws[0]))


# ------------------------------------------------------------------------------------------------
# Single distributions
# ------------------------------------------------------------------------------------------------


def folded(nu, scale):
    return lambda x: 2 * stats.t(nu, 0, scale).cdf(x) - 1


SCIPY = {
    D("Normal", (-2.0, 3.0)): stats.norm(-2, 3),
    D("StudentT", (2.5, 1.0, 4.0)): stats.t(2.5, 1, 4),
    D("Cauchy", (1.0, 2.0)): stats.cauchy(1, 2),
    D("LogNormal", (0.5, 0.7)): stats.lognorm(0.7, scale=math.exp(0.5)),
    D("Uniform", (-3.0, 8.0)): stats.uniform(-3, 11),
    D("Exponential", (0.2,)): stats.expon(scale=5),
    D("HalfNormal", (3.0,)): stats.halfnorm(scale=3),
    D("HalfCauchy", (2.0,)): stats.halfcauchy(scale=2),
    D("HalfStudentT", (3.0, 2.0)): folded(3, 2),
    D("InverseGamma", (0.4, 0.3)): stats.invgamma(0.4, scale=0.3),
    D("Gamma", (2.0, 0.1)): stats.gamma(2, scale=10),
    D("Beta", (2.0, 5.0)): stats.beta(2, 5),
}


@pytest.mark.parametrize("distribution", SCIPY, ids=str)
def test_draws_are_those_of_the_distribution_in_scipy(distribution):
    drawn = prior.sampled(distribution, DRAWS, generator())
    assert drawn.shape == (DRAWS,)
    assert agrees(drawn, SCIPY[distribution])


def test_every_proper_distribution_is_among_them_and_no_other_can_be_drawn():
    assert {d.name for d in SCIPY} == set(_KINDS) - {"Flat", "HalfFlat"}
    with pytest.raises(InferenceError, match="no distribution that can be drawn from"):
        prior.sampled(D("Flat"), 10, generator())


# ------------------------------------------------------------------------------------------------
# Correlations
# ------------------------------------------------------------------------------------------------


def correlations(size, eta, draws=DRAWS, seed=1):
    factor = prior._lkj(size, eta, draws, generator(seed))
    return factor, factor @ np.swapaxes(factor, 1, 2)


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("eta", [0.7, 1.0, 2.0, 6.0])
def test_each_correlation_has_the_beta_distribution_of_lkj(size, eta):
    _, found = correlations(size, eta)
    shape = eta - 1 + size / 2
    for row, column in combinations(range(size), 2):
        assert agrees((found[:, row, column] + 1) / 2, stats.beta(shape, shape))


@pytest.mark.parametrize(("size", "eta"), [(2, 1.0), (2, 4.0), (3, 1.0), (3, 2.0), (3, 5.0)])
def test_correlation_matrices_are_distributed_as_a_power_of_their_determinant(size, eta):
    # Rejection: any numbers in (-1, 1), kept if a correlation matrix, by det(R)^(eta - 1).
    random, pairs = generator(9), list(combinations(range(size), 2))
    proposed = np.tile(np.eye(size), (400_000, 1, 1))
    for row, column in pairs:
        r = random.uniform(-1, 1, len(proposed))
        proposed[:, row, column] = proposed[:, column, row] = r
    determinant = np.linalg.det(proposed)
    possible = determinant > 0  # for 2 and 3 that is all, given the minors
    kept = possible & (random.uniform(size=len(proposed)) < determinant.clip(0) ** (eta - 1))
    wanted = proposed[kept]
    assert len(wanted) > 2 * DRAWS
    _, found = correlations(size, eta)
    for what in (
        np.linalg.det,
        lambda m: np.prod([m[:, a, b] for a, b in pairs], axis=0),
        lambda m: np.max([m[:, a, b] for a, b in pairs], axis=0),
        lambda m: m[:, 0, 1],
        lambda m: m[:, size - 1, 0] - m[:, size - 1, size - 2] * m[:, size - 2, 0],
    ):
        assert agrees(what(found), what(wanted))


def test_a_factor_is_lower_triangular_with_rows_of_length_one():
    factor, found = correlations(4, 2.0)
    assert np.array_equal(factor, np.tril(factor))
    assert np.all(np.diagonal(factor, axis1=1, axis2=2) > 0)
    assert np.diagonal(found, axis1=1, axis2=2) == pytest.approx(1.0, abs=1e-12)


# ------------------------------------------------------------------------------------------------
# Cutpoints
# ------------------------------------------------------------------------------------------------


def cutpoints(priors, draws=DRAWS, seed=1):
    found = prior._cutpoints(priors, draws, generator(seed))
    assert found.shape == (draws, len(priors))
    assert np.all(np.diff(found, axis=1) > 0)
    return found


@pytest.mark.parametrize(
    "priors",
    [
        [D("Normal", (0.5, 2.0))],
        [D("Normal", (m, 1.0)) for m in (-1.0, 0.0, 2.0)],
        [D("Normal", (m, 1.0)) for m in (1.0, 0.0)],  # most proposals in the wrong order
        [D("Normal", (m, 5.0)) for m in (-0.5, 0.5, 0.6, 0.7)],
        [D("StudentT", (3.0, 0.0, 1.0)), D("Uniform", (-1.0, 2.0)), D("LogNormal", (0.0, 1.0))],
        [D("Cauchy", (0.0, 2.0)), D("Normal", (1.0, 0.1))],
    ],
    ids=lambda priors: ", ".join(map(str, priors)),
)
def test_cutpoints_are_their_priors_where_these_ascend(priors):
    random = generator(5)
    proposed = np.stack([prior.sampled(p, 600_000, random) for p in priors], axis=1)
    wanted = proposed[np.all(np.diff(proposed, axis=1) > 0, axis=1)]
    assert len(wanted) > 2 * DRAWS
    found = cutpoints(priors)
    for place in range(len(priors)):
        assert agrees(found[:, place], wanted[:, place])
    for low, high in combinations(range(len(priors)), 2):
        assert agrees(found[:, high] - found[:, low], wanted[:, high] - wanted[:, low])


@pytest.mark.parametrize("one", [D("Normal", (1.0, 3.0)), D("Cauchy", (0.0, 1.0))], ids=str)
def test_cutpoints_with_one_prior_are_sorted_draws_of_it(one):
    found = cutpoints([one] * 12)
    wanted = np.sort(prior.sampled(one, 12 * 40_000, generator(7)).reshape(-1, 12), axis=1)
    for place in range(12):
        assert agrees(found[:, place], wanted[:, place])


@pytest.mark.parametrize("sd", [1.0, 10.0])
def test_nineteen_cutpoints_have_the_marginals_that_quadrature_gives(sd):
    shares = np.arange(1, 20) / 20
    means = np.log(shares / (1 - shares))
    found = cutpoints([D("Normal", (float(m), sd)) for m in means], draws=40_000)

    grid = np.linspace(means[0] - 8 * sd, means[-1] + 8 * sd, 20_001)
    density = stats.norm.pdf(grid[:, None], means, sd).T
    below, above = np.ones((20, len(grid))), np.ones((20, len(grid)))
    for k in range(19):  # P(c_1 < ... < c_k < grid) and the like from above, up to a factor
        part = density[k] * below[k]
        below[k + 1] = np.cumsum(part) - part / 2
        below[k + 1] /= below[k + 1].max()
    for k in reversed(range(19)):
        part = density[k] * above[k + 1]
        above[k] = np.cumsum(part[::-1])[::-1] - part / 2
        above[k] /= above[k].max()
    for k in range(19):
        marginal = np.cumsum(density[k] * below[k] * above[k + 1])
        marginal /= marginal[-1]
        assert agrees(found[:, k], lambda c, m=marginal: np.interp(c, grid, m))


# ------------------------------------------------------------------------------------------------
# Whole regressions
# ------------------------------------------------------------------------------------------------

N = 60


def table():
    random = generator(3)
    x = random.normal(10, 2, N)
    return read_table(
        {
            "x": x,
            "z": random.normal(-4, 3, N),
            "g": random.choice(["a", "b", "c"], N),
            "h": random.choice(["u", "v"], N),
            "t": random.integers(1, 9, N),
            "y": random.normal(100, 20, N),
            "count": random.poisson(3, N),
            "grade": random.choice([1, 2, 4, 5], N),
        },
        ["x", "z", "g", "h", "t", "y", "count", "grade"],
    )


DATA = table()
LABELS = {name: [DATA[name].levels[int(code)] for code in DATA[name].values] for name in ("g", "h")}
X, Z = Numeric("x"), Numeric("z")
G, H = Categorical("g", ("a", "b", "c")), Categorical("h", ("u", "v"))
MEAN = {name: float(DATA[name].values.mean()) for name in ("x", "z")}
SD = {name: float(DATA[name].values.std()) for name in ("x", "z", "y")}


def regression(*terms, outcome="y", family="gaussian", overrides=None, preset="default", **more):
    choice = PriorChoice(preset, overrides or {})
    priors = resolve(choice, terms, outcome, family, DATA, **more)
    more.pop("intercept", None)
    return Regression("correct", outcome, "x", terms, family, priors, **more)


def drawn(model, seed=1):
    found = prior.draw(model, draws=DRAWS, seed=seed)
    assert found.names == model.coefficient_names
    assert found.draws.shape == (1, DRAWS, len(found.names))
    return {name: found.values(name).ravel() for name in found.names}


def test_what_is_printed_is_multiplied_out_of_what_is_drawn_at_the_centres():
    b = drawn(regression(X, Z, Interaction((X, Z)), G))
    at_means = {
        "intercept": b["intercept"]
        + MEAN["x"] * b["x"]
        + MEAN["z"] * b["z"]
        + MEAN["x"] * MEAN["z"] * b["x:z"],
        "x": b["x"] + MEAN["z"] * b["x:z"],
        "z": b["z"] + MEAN["x"] * b["x:z"],
        "x:z": b["x:z"],
        "g[a]": b["g[a]"],
        "g[c]": b["g[c]"],
        "sigma": b["sigma"],
    }
    y = float(DATA["y"].values.mean())
    wanted = {
        "intercept": stats.norm(y, SD["y"]),
        "x": stats.norm(0, SD["y"] / SD["x"]),
        "z": stats.norm(0, SD["y"] / SD["z"]),
        "x:z": stats.norm(0, SD["y"] / (SD["x"] * SD["z"])),
        "g[a]": stats.norm(0, SD["y"]),
        "g[c]": stats.norm(0, SD["y"]),
        "sigma": stats.expon(scale=SD["y"]),
    }
    for name, distribution in wanted.items():
        assert agrees(at_means[name], distribution)
    assert uncorrelated(*at_means.values())
    assert not uncorrelated(b["intercept"], b["x"])  # at zero the two go together


def test_a_users_priors_are_on_the_coefficients_as_printed():
    given = {
        "intercept": D("Cauchy", (3.0, 1.0)),
        "x": D("StudentT", (4.0, 1.0, 0.1)),
        "z": D("Uniform", (2.0, 3.0)),
        "x:z": D("LogNormal", (0.0, 0.2)),
        "sigma": D("HalfCauchy", (2.0,)),
    }
    b = drawn(regression(X, Z, Interaction((X, Z)), overrides=given))
    assert agrees(b["intercept"], stats.cauchy(3, 1))
    assert agrees(b["x"], stats.t(4, 1, 0.1))
    assert agrees(b["z"], stats.uniform(2, 1))
    assert agrees(b["x:z"], stats.lognorm(0.2))
    assert agrees(b["sigma"], stats.halfcauchy(scale=2))


def test_varying_coefficients_have_the_spread_and_the_correlation_that_are_drawn_with_them():
    model = regression(X, Z, Log("t"), Varying(G, (X, Z, Log("t"))), Varying(H, ()))
    b = drawn(model)
    what = ["1", "x", "z", "log(t)"]
    log_t = np.log(DATA["t"].values)
    means = {"x": MEAN["x"], "z": MEAN["z"], "log(t)": log_t.mean()}
    scales = {"1": 1.0, "x": SD["x"], "z": SD["z"], "log(t)": log_t.std()}
    for name, scale in scales.items():
        assert agrees(b[f"sd({name}|g)"], stats.expon(scale=SD["y"] / scale))
    correlation = np.tile(np.eye(4), (DRAWS, 1, 1))
    for i, j in combinations(range(4), 2):
        r = b[f"cor({what[i]},{what[j]}|g)"]
        assert agrees((r + 1) / 2, stats.beta(3, 3))  # eta 2, four things vary
        correlation[:, i, j] = correlation[:, j, i] = r
    factor = np.linalg.cholesky(correlation)
    units = []
    for level in "abc":
        deviation = np.stack([b[f"{name}|g[{level}]"] for name in what], axis=1)
        deviation[:, 0] += sum(means[name] * b[f"{name}|g[{level}]"] for name in what[1:])
        deviation /= np.stack([b[f"sd({name}|g)"] for name in what], axis=1)
        units += list(np.linalg.solve(factor, deviation[:, :, None])[:, :, 0].T)
    units += [b[f"1|h[{level}]"] / b["sd(1|h)"] for level in "uv"]
    for unit in units:
        assert agrees(unit, stats.norm())
    assert uncorrelated(*units, b["intercept"] + sum(means[n] * b[n] for n in means))


def test_cutpoints_take_the_place_of_the_intercept():
    grades = (1.0, 2.0, 4.0, 5.0)
    model = regression(X, G, outcome="grade", family="ordered", grades=grades)
    b = drawn(model)
    share = [np.mean(DATA["grade"].values <= grade) for grade in grades[:-1]]
    random = generator(8)
    wanted = random.normal([math.log(p / (1 - p)) for p in share], 1.0, (200_000, 3))
    wanted = wanted[np.all(np.diff(wanted, axis=1) > 0, axis=1)]
    for place, name in enumerate(("cut[1|2]", "cut[2|4]", "cut[4|5]")):
        # P(y <= k) = expit(cut - x b) = expit(cut - mean b - (x - mean) b)
        assert agrees(b[name] - MEAN["x"] * b["x"], wanted[:, place])
    assert agrees(b["x"], stats.norm(0, 1 / SD["x"]))


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        (
            regression(X, Log("t"), family="student"),
            {"nu": stats.gamma(2, scale=10), "sigma": stats.expon(scale=SD["y"])},
        ),
        (
            regression(X, outcome="count", family="negbinomial", offsets=(Log("t"),)),
            {"alpha": stats.invgamma(0.4, scale=0.3), "x": stats.norm(0, 1 / SD["x"])},
        ),
        (
            regression(X, outcome="count", family="poisson", preset="wide"),
            {"x": stats.norm(0, 10 / SD["x"])},
        ),
        (
            regression(Interaction((G, H)), outcome="count", family="cells"),
            {f"g[{g}]:h[{h}]": stats.uniform(0, 1) for g in "abc" for h in "uv"},
        ),
        (
            regression(X, Polynomial("z", 2, 1.5), preset="tutorial"),
            {
                "intercept": stats.norm(0, 1),
                "poly(z)[2]": stats.norm(0, 1),
                "sigma": stats.expon(scale=1),
            },
        ),
        (
            regression(X, Z, intercept=False),
            {"x": stats.norm(0, SD["y"] / SD["x"]), "z": stats.norm(0, SD["y"] / SD["z"])},
        ),
    ],
    ids=["student", "negbinomial", "poisson", "cells", "tutorial", "no intercept"],
)
def test_every_family_has_its_own_parameters(model, wanted):
    b = drawn(model)
    for name, distribution in wanted.items():
        assert agrees(b[name], distribution)
    assert uncorrelated(*(b[name] for name in wanted))


def test_the_seed_decides():
    model = regression(X, Varying(G, (X,)))
    first, second, third = (prior.draw(model, draws=50, seed=s).draws for s in (4, 4, 5))
    assert np.array_equal(first, second)
    assert not np.any(first == third)


FLAT, NO_END = D("Flat"), D("HalfFlat")


@pytest.mark.parametrize(
    "model",
    [
        regression(X, Z, overrides={"z": FLAT}),
        regression(X, overrides={"intercept": FLAT}),
        regression(X, overrides={"sigma": NO_END}),
        regression(X, Varying(G, ()), overrides={"sd": NO_END}),
        regression(
            X,
            outcome="grade",
            family="ordered",
            grades=(1.0, 2.0, 4.0, 5.0),
            overrides={"cutpoint": FLAT},
        ),
    ],
    ids=["slope", "intercept", "sigma", "sd", "cutpoint"],
)
def test_a_flat_prior_of_anything_says_nothing(model):
    reason = prior.obstacle(model)
    assert reason is not None
    assert "Flat() is no distribution that can be drawn from" in reason
    with pytest.raises(InferenceError, match="The correct model has no prior predictive: "):
        prior.draw(model)


def test_a_model_of_nothing_but_its_errors_can_be_drawn():
    model = Regression(
        "correct", "y", None, (), "gaussian", Priors(None, (), (), (("sigma", D("Gamma", (2, 3))),))
    )
    assert prior.obstacle(model) is None
    assert agrees(drawn(model)["sigma"], stats.gamma(2, scale=1 / 3))


# PyMC's own draws. (An ordered outcome is not among them: going forwards, PyMC draws cutpoints in
# any order.)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "model",
    [
        regression(X, Z, Interaction((X, Z)), Varying(G, (X, Z, Log("t")))),
        regression(
            X,
            G,
            Interaction((X, G)),
            Polynomial("z", 2, 1.5),
            outcome="count",
            family="negbinomial",
            offsets=(Log("t"),),
            overrides={"intercept": D("StudentT", (3.0, 1.0, 2.0)), "slope": D("Cauchy", (0, 1))},
        ),
        regression(X, Varying(H, ()), family="student", preset="tutorial"),
        regression(Interaction((G, H)), outcome="count", family="cells"),
    ],
    ids=["varying", "negbinomial", "student", "cells"],
)
def test_pymc_draws_the_same_from_the_priors(model):
    import pymc as pm

    from causal.inference.nuts import coefficients
    from causal.models.pymc_model import build, names, sampled

    data = DATA
    if model.family == "cells":  # of two values, the larger is 1
        hit = (data["count"].values > 2).astype(float)
        data = read_table({"g": LABELS["g"], "h": LABELS["h"], "count": hit}, ["g", "h", "count"])
    called = names(model)
    wanted = [*sum(sampled(model), ())]
    recorded = model.priors.intercept is not None
    with build(model, data):
        forwards = pm.sample_prior_predictive(
            2000, var_names=[*wanted, *([called.intercept] if recorded else [])], random_seed=3
        )
    theirs = coefficients(model, SimpleNamespace(posterior=forwards.prior))[0]
    ours = prior.draw(model, draws=DRAWS, seed=1).draws[0]
    for place, name in enumerate(model.coefficient_names):
        assert agrees(ours[:, place], theirs[:, place]), name
    if recorded:
        assert forwards.prior[called.intercept].values[0] == pytest.approx(theirs[:, 0], rel=1e-9)
    # Also together: ranks, because some have no variance.
    both = [stats.spearmanr(part).statistic for part in (ours, theirs)]
    assert np.abs(both[0] - both[1]).max() < 5.5 * math.sqrt(1 / 2000 + 1 / DRAWS)

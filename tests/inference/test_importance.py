"""Importance sampling of smooth regressions: against quadrature, definitions and truths put in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from causal.data.table import CountedTable, Table, read_table
from causal.errors import InferenceError
from causal.inference import importance, mode, nuts, pareto, prior, select
from causal.inference.density import Density
from causal.inference.posterior import Posterior
from causal.inference.proposal import Mixture, Student
from causal.models.design import statistic
from causal.models.priors import Distribution, to_cutpoints, to_printed
from causal.models.regression import Regression
from tests.inference.test_mode import CASES, LABELS, by_definition
from tests.regressions import KINDS, Floats, Kind, frame, make

WITHIN = 5.0
"""Monte Carlo errors of the draws, each worth what the posterior says."""


def fitted(regression: Regression, table, draws: int = 20_000, seed: int = 1) -> Posterior:
    found = importance.fit(regression, table, draws=draws, seed=seed)
    assert found is not None
    assert found.sampler == "importance"
    assert found.names == regression.coefficient_names
    assert found.draws.shape == (1, draws, len(found.names))
    assert found.diagnostics.pareto_k is not None
    assert found.diagnostics.pareto_k < 0.7
    assert (found.diagnostics.ess_bulk or 0) > 400
    return found


def assert_agrees(posterior: Posterior, name: str, values: Floats, weights: Floats) -> None:
    """Mean, sd and quantiles of the draws of one parameter against points with exact weights."""
    draws, size = posterior.values(name)[0], posterior.diagnostics.ess_bulk
    assert size is not None
    if name in ("sigma", "nu", "alpha"):
        draws, values = np.log(draws), np.log(values)
    mean = float(weights @ values)
    away = values - mean
    sd = float(np.sqrt(weights @ away**2))
    error = sd / np.sqrt(size)
    assert abs(draws.mean() - mean) < WITHIN * error, name
    kurtosis = float(weights @ away**4) / sd**4
    assert abs(draws.std() - sd) < WITHIN * error * np.sqrt(kurtosis - 1.0) / 2.0, name
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    for level in (0.01, 0.055, 0.5, 0.945, 0.99):
        quantile = values[order][np.searchsorted(below, level)]
        share = float(np.mean(draws <= quantile))
        assert abs(share - level) < WITHIN * np.sqrt(level * (1 - level) / size) + 2e-4, name


# ------------------------------------------------------------------------------------------------
# Quadrature
# ------------------------------------------------------------------------------------------------


def on_a_grid(regression: Regression, data: pd.DataFrame, steps: int) -> tuple[Floats, Floats]:
    """All parameters as printed, and weights, on a grid far about the mode."""
    density = Density.of(regression, make_again(regression, data))
    [peak, *_] = mode.peaks(density)
    factor = np.linalg.cholesky(mode.covariance(peak))
    # Even steps of t lie dense at the peak and reach far: to 90 sds. (Not so for alpha: scipy's
    # density has no digits left where alpha is 1e12, and its mass there is 1e-4 at most.)
    reach = 3.4 if regression.family == "negbinomial" else 5.2
    t = np.linspace(-reach, reach, steps)
    axes = np.meshgrid(*[np.sinh(t)] * len(factor), indexing="ij")
    grid = peak.point + np.stack(axes, axis=-1).reshape(-1, len(factor)) @ factor.T
    natural, volume = density._natural(grid)
    with np.errstate(all="ignore"):
        value = by_definition(regression, data, natural) + volume
    for axis in axes:
        value = value + np.log1p(axis.ravel() ** 2) / 2
    value = np.where(np.isfinite(value), value, -np.inf)
    weights = np.exp(value - value.max())
    k = density.coefficients
    theta, others = natural[:, :k], natural[:, k:].copy()
    cuts = len(regression.priors.cutpoints)
    others[:, :cuts] -= (theta @ to_cutpoints(regression))[:, None]
    printed = np.concatenate([theta @ to_printed(regression).T, others], axis=1)
    return printed, weights / weights.sum()


def make_again(regression: Regression, data: pd.DataFrame) -> Table:
    return read_table(data, list(regression.variables))


BINARY = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], "b": [0, 0, 1, 0, 1, 1]})
COUNTS = pd.DataFrame(
    {"x": [0.0, 1.0, 2.0, 3.0], "c": [0, 2, 1, 7], "n": [3, 5, 2, 9], "w": [1.0, 2.0, 0.5, 1.0]}
)
GRADES = pd.DataFrame({"o": [1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 1.0, 2.0], "x": np.arange(8.0)})
THREE = pd.DataFrame({"x": [0.0, 1.0, 3.0], "b": [0, 1, 1], "c": [0, 0, 4]})
SEPARATED = pd.DataFrame({"x": np.arange(12.0), "b": np.arange(12) > 5})

SMALL: Mapping[str, tuple[Kind, pd.DataFrame]] = {
    "logit of one number": (Kind("b ~ x", "bernoulli"), BINARY),
    "an intercept alone": (Kind("b ~ 1", "bernoulli"), BINARY),
    "binomial": (Kind("c ~ x", "binomial", "n"), COUNTS),
    "Poisson": (Kind("c ~ x + offset(log(w))", "poisson"), COUNTS),
    "negative binomial, an intercept": (Kind("c ~ 1", "negbinomial"), COUNTS),
    "cutpoints alone": (Kind("o ~ 1", "ordered"), GRADES),
    "three rows, logit": (Kind("b ~ x", "bernoulli"), THREE),
    "three rows, Poisson": (Kind("c ~ x", "poisson"), THREE),
    "normal": (Kind("y ~ 1"), pd.DataFrame({"y": [1.0, 2.0, 2.5, 0.3, 4.0, 2.2]})),
    "separated": (Kind("b ~ x", "bernoulli"), SEPARATED),
    "one outcome but one": (
        Kind("b ~ x", "bernoulli"),
        pd.DataFrame({"x": np.arange(30.0), "b": np.arange(30) == 29}),
    ),
    "no event": (Kind("c ~ 1", "poisson"), pd.DataFrame({"c": [0, 0, 0, 0]})),
}


@pytest.mark.parametrize("preset", ["default", "wide", "tutorial"])
@pytest.mark.parametrize("case", SMALL)
def test_small_models_agree_with_quadrature(case, preset):
    kind, data = SMALL[case]
    regression, table = make(kind, data, preset)
    printed, weights = on_a_grid(regression, data, 401)
    found = fitted(regression, table)
    for place, name in enumerate(regression.coefficient_names):
        assert_agrees(found, name, printed[:, place], weights)


@pytest.mark.parametrize(
    ("prior", "kind", "data"),
    [
        (Distribution(*one), Kind("b ~ 0 + x", "bernoulli"), data)
        for one in (
            ("StudentT", (3.0, 0.0, 1.0)),
            ("Cauchy", (0.0, 0.5)),
            ("LogNormal", (-1.0, 1.0)),
            ("Uniform", (-1.0, 2.0)),
        )
        for data in (BINARY, SEPARATED.astype(float))
    ],
)
def test_priors_of_every_kind_agree_with_quadrature(prior, kind, data):
    regression, table = make(kind, data, overrides={"x": prior})
    printed, weights = on_a_grid(regression, data, 20_001)
    assert_agrees(fitted(regression, table), "x", printed[:, 0], weights)


@pytest.mark.parametrize(
    ("where", "scale", "sure"), [(4.0, 0.02, True), (5.2, 5e-4, False), (3.0, 1e-3, False)]
)
def test_two_peaks_are_both_drawn_from_or_nothing_is(where, scale, sure):
    """A prior far from the data, with heavy tails: the posterior is near the one or the other."""
    data = pd.DataFrame({"x": np.repeat([0.001, 0.5], [1, 19]), "b": np.arange(20) % 2})
    given = {"x": Distribution("Cauchy", (where, scale))}
    regression, table = make(Kind("b ~ 0 + x", "bernoulli"), data, overrides=given)
    found = importance.fit(regression, table, draws=20_000, seed=1)
    printed, weights = on_a_grid(regression, data, 200_001)
    if sure:
        assert 0.2 < weights[np.abs(printed[:, 0] - where) < 0.3].sum() < 0.8
        assert found is not None
    if found is not None:
        assert_agrees(found, "x", printed[:, 0], weights)


# ------------------------------------------------------------------------------------------------
# Other samplers
# ------------------------------------------------------------------------------------------------

NOT_AGAIN = {"Exponential", "HalfNormal", "HalfStudentT", "Gamma"}
"""Priors of sigma, nu and alpha that are much like the others."""
EVERY = {
    label: (kind, preset, given_)
    for label, (kind, preset, given_) in zip(LABELS, CASES, strict=True)
    if KINDS[kind].family != "gaussian"
    and NOT_AGAIN.isdisjoint(one.name for one in given_.values())
}
QUICK = ("poisson, default",)


@pytest.mark.parametrize(
    "label", [pytest.param(one, marks=() if one in QUICK else pytest.mark.heavy) for one in EVERY]
)
def test_every_family_with_every_prior_has_the_posterior_of_the_definitions(label):
    from tests.inference.test_samplers import ONE_SIDED, by_importance

    kind, preset, given = EVERY[label]
    data = frame()
    regression, table = make(KINDS[kind], data, preset, given)
    if importance.obstacle(regression) is not None:
        assert str(next(iter(given.values()))) == "HalfFlat()"
        return
    found = fitted(regression, table, draws=8_000)
    for name, answer in by_importance(regression, data).items():
        draws = found.values(name)[0]
        draws = np.log(draws) if name.startswith(ONE_SIDED) else draws
        size = found.diagnostics.ess_bulk
        by_mean = np.hypot(answer.sd / np.sqrt(size), answer.mean_error)
        kurtosis = float(stats.kurtosis(draws, fisher=False))
        by_sd = np.hypot(answer.sd * np.sqrt((kurtosis - 1) / size) / 2, answer.sd_error)
        assert abs(draws.mean() - answer.mean) < WITHIN * by_mean, name
        assert abs(draws.std() - answer.sd) < WITHIN * by_sd, name


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["bernoulli", "negbinomial", "ordered", "student"])
def test_nuts_and_importance_agree(kind):
    regression, table = make(KINDS[kind], frame(rows=150))
    one, other = fitted(regression, table), nuts.fit(regression, table, draws=8_000, seed=2)
    assert other.diagnostics.problems == ()
    least = min(one.diagnostics.ess_bulk, other.diagnostics.ess_bulk, other.diagnostics.ess_tail)
    for name in regression.coefficient_names:
        draws = np.sort(one.values(name).ravel())
        ranks = np.searchsorted(draws, other.values(name).ravel()) / len(draws)
        for level in (0.05, 0.25, 0.5, 0.75, 0.95):
            error = np.sqrt(2.0 * level * (1 - level) / least)
            assert abs(np.mean(ranks < level) - level) < WITHIN * error, name


# ------------------------------------------------------------------------------------------------
# Random models
# ------------------------------------------------------------------------------------------------


@st.composite
def small_models(draw) -> tuple[Kind, pd.DataFrame, str, dict[str, Distribution]]:
    """Three to nine rows, two parameters, priors from narrow to wide."""
    rows = draw(st.integers(3, 9))
    whole = st.integers(-4, 4)
    x = draw(st.lists(whole, min_size=rows, max_size=rows).filter(lambda v: len(set(v)) > 1))
    scale = draw(st.sampled_from([1e-9, 0.1, 1.0, 1e9]))
    family = draw(st.sampled_from(["bernoulli", "binomial", "poisson"]))
    trials = draw(st.lists(st.integers(1, 6), min_size=rows, max_size=rows))
    top = {"bernoulli": [1] * rows, "binomial": trials, "poisson": [9] * rows}[family]
    y = [draw(st.integers(0, most)) for most in top]
    if family == "bernoulli" and len(set(y)) < 2:
        y = [1 - y[0], *y[1:]]
    data = pd.DataFrame({"x": np.array(x) * scale, "y": y, "n": trials})
    formula = draw(st.sampled_from(["y ~ x", "y ~ 0 + x"]))
    kind = Kind(formula, family, "n" if family == "binomial" else None)
    preset = draw(st.sampled_from(["default", "wide"]))
    own = draw(st.sampled_from([None, ("Normal", 0.3), ("StudentT", 1.0), ("Cauchy", 2.0)]))
    size = 0.0 if own is None else own[1] / scale
    where = draw(st.sampled_from([-1.0, 0.0, 2.0])) / scale
    given = {
        None: {},
        "Normal": {"x": Distribution("Normal", (where, size or 1.0))},
        "StudentT": {"x": Distribution("StudentT", (3.0, where, size or 1.0))},
        "Cauchy": {"x": Distribution("Cauchy", (where, size or 1.0))},
    }[own and own[0]]
    return kind, data, preset, given


def check_small_model(model: tuple[Kind, pd.DataFrame, str, dict[str, Distribution]]) -> None:
    kind, data, preset, given_ = model
    regression, table = make(kind, data, preset, given_)
    found = importance.fit(regression, table, draws=20_000, seed=1)
    if found is None:
        return
    printed, weights = on_a_grid(regression, data, 401)
    for place, name in enumerate(regression.coefficient_names):
        assert_agrees(found, name, printed[:, place], weights)


@given(small_models())
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_small_models_agree_with_quadrature(model):
    check_small_model(model)


@pytest.mark.heavy
@given(small_models())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_random_small_models_agree_with_quadrature(model):
    check_small_model(model)


@pytest.mark.parametrize("kind", ["bernoulli", pytest.param("poisson", marks=pytest.mark.heavy)])
def test_it_is_calibrated(kind):
    """Simulation-based calibration: ranks of the true values among the draws are uniform."""
    data = frame(rows=30)
    data = data.assign(x=(data["x"] - 5) / 2, y=np.arange(30) % 2)
    regression, _ = make(Kind("y ~ x + z", kind), data, "tutorial")
    design = np.column_stack([np.ones(30), data["x"], data["z"]])
    truths = prior.draw(regression, draws=500, seed=7).draws[0]
    random = np.random.default_rng(8)
    ranks, failed = [], 0
    for number, truth in enumerate(truths):
        eta = design @ truth
        y = (
            random.poisson(np.exp(eta))
            if kind == "poisson"
            else random.random(30) < special.expit(eta)
        )
        if kind == "bernoulli" and len(set(y.tolist())) < 2:
            continue  # no such model can be made; chosen by the data, not by the posterior
        table = read_table(data.assign(y=y.astype(float)), list(regression.variables))
        found = importance.fit(regression, table, draws=1_000, seed=number)
        if found is None:
            failed += 1
            continue
        drawn = found.draws[0][::10]
        equal = (drawn == truth).sum(axis=0)
        ranks.append(((drawn < truth).sum(axis=0) + random.uniform(size=3) * (1 + equal)) / 101)
    assert failed == 0
    assert len(ranks) > 450
    limit = stats.chi2(19).ppf(1 - 0.01 / 3)
    for place, name in enumerate(regression.coefficient_names):
        counts = np.histogram(np.array(ranks)[:, place], bins=20, range=(0, 1))[0]
        assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < limit, (name, counts)


# ------------------------------------------------------------------------------------------------
# What the data may be like
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [2.0**-30, 2.0**30, 1e-9, 1e9])
@pytest.mark.parametrize(
    ("kind", "y"), [("bernoulli", "b"), ("negbinomial", "c"), ("student", "y")]
)
def test_units_do_not_matter(kind, y, unit):
    data = frame()
    formula = f"{y} ~ x + z"
    one, other = (
        fitted(*make(Kind(formula, kind), each), draws=2_000)
        for each in (data, data.assign(x=data["x"] * unit))
    )
    for name in one.names:
        factor = unit if name == "x" else 1.0
        assert other.values(name) * factor == pytest.approx(one.values(name), rel=1e-5, abs=1e-7)


def test_predictors_that_are_nearly_the_same_share_one_effect():
    """Their sum is known as the slope of one of them; their difference has its prior."""
    data = frame(rows=80)
    data = data.assign(x2=data["x"] + 1e-9 * data["z"])
    regression, table = make(Kind("b ~ x + x2", "bernoulli"), data)
    found = fitted(regression, table)
    [[of_x], [of_x2]] = regression.priors.terms
    wide = float(np.hypot(of_x.parameters[1], of_x2.parameters[1]))
    together = Distribution("Normal", (0.0, wide))
    alone, _ = make(Kind("b ~ x", "bernoulli"), data, overrides={"x": together})
    printed, weights = on_a_grid(alone, data, 301)
    total = Posterior(
        ("x",),
        (found.values("x") + found.values("x2"))[..., None],
        "importance",
        found.diagnostics,
        0.0,
    )
    assert_agrees(total, "x", printed[:, 1], weights)
    apart = found.values("x") - found.values("x2")
    assert apart.std() == pytest.approx(wide, rel=0.03)


def of_parameters(parameters: int, rows: int) -> tuple[Regression, Table, pd.DataFrame]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, parameters))
    data = pd.DataFrame(x, columns=[f"x{i}" for i in range(parameters)])
    eta = x @ rng.normal(size=parameters) / np.sqrt(parameters)
    data["b"] = (rng.random(rows) < special.expit(eta)).astype(int)
    formula = "b ~ 0 + " + " + ".join(data.columns[:-1])
    return *make(Kind(formula, "bernoulli"), data), data


def test_with_many_parameters_the_proposal_is_about_the_mean():
    regression, table, _ = of_parameters(60, 300)
    density, rng = Density.of(regression, table), np.random.default_rng(1)
    [peak] = mode.peaks(density)
    at_the_peak = importance._split(density, (peak,))
    about_the_mean = importance._shifted(density, peak)
    assert about_the_mean is not None
    assert importance._drawn(density, at_the_peak, 2_000, rng).quality[0] < 0.1
    assert importance._drawn(density, about_the_mean, 2_000, rng).quality[0] > 0.3
    found = fitted(regression, table, draws=2_000)
    centre = density.natural(about_the_mean.centre[None])[0]
    away = found.draws[0].mean(axis=0) - centre
    assert (np.abs(away) < 0.25 * found.draws[0].std(axis=0)).all()


@pytest.mark.parametrize(("parameters", "rows"), [(3, 25), (20, 120), (60, 300)])
def test_sixty_parameters_and_few_rows_are_drawn_too(parameters, rows):
    """By two identities of every posterior: E[score] = 0 and E[theta score] = -1, each by each."""
    regression, table, data = of_parameters(parameters, rows)
    x = data.drop(columns="b").to_numpy()
    found = fitted(regression, table, draws=8_000)
    theta = found.draws[0]
    sd = np.array([group[0].parameters[1] for group in regression.priors.terms])
    score = (data["b"].to_numpy() - special.expit(theta @ x.T)) @ x - theta / sd**2
    for values, wanted in ((score, 0.0), ((theta - theta.mean(axis=0)) * score, -1.0)):
        errors = values.std(axis=0) / np.sqrt(found.diagnostics.ess_bulk)
        assert (np.abs(values.mean(axis=0) - wanted) < WITHIN * errors).all()


def test_many_rows_that_agree_cost_nothing_and_change_nothing():
    """Half a million rows in six cells: the same draws as of the six, counted."""
    data = frame(rows=6_000)
    regression, table = make(Kind("b ~ g * h", "bernoulli"), data)
    counted = CountedTable(table.source, table.rows, table.columns, np.full(6_000, 100.0))
    found = fitted(regression, counted)
    assert found.seconds < 1.0
    odds = data.groupby(["g", "h"])["b"].mean()
    for (g, h), share in odds.items():
        names = {"intercept": 1.0, f"g[{g}]": 1.0, f"h[{h}]": 1.0, f"g[{g}]:h[{h}]": 1.0}
        told = special.expit(found.values(names))
        rows = 100 * ((data["g"] == g) & (data["h"] == h)).sum()
        sd = np.sqrt(share * (1 - share) / rows)
        assert told.mean() == pytest.approx(share, abs=0.2 * sd)
        assert told.std() == pytest.approx(sd, rel=0.05)


# ------------------------------------------------------------------------------------------------
# Many rows: the expansion
# ------------------------------------------------------------------------------------------------


def of_many(rows: int, kind: str = "bernoulli"):
    rng = np.random.default_rng(11)
    data = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["x", "z", "v"])
    eta = 0.8 * data["x"] - 0.5 * data["z"] - 0.5
    data["y"] = {
        "bernoulli": lambda: rng.random(rows) < special.expit(eta),
        "negbinomial": lambda: rng.poisson(np.exp(eta) * rng.gamma(2, 0.5, rows)),
        "student": lambda: eta + rng.standard_t(4, rows),
        "ordered": lambda: np.searchsorted([-1, 0.5], eta + rng.logistic(size=rows)) + 1,
    }[kind]()
    return make(Kind("y ~ x + z + v", kind), data.astype(float))


@pytest.mark.parametrize("kind", ["bernoulli", "negbinomial", "student", "ordered"])
def test_the_expansion_of_many_rows_is_the_density(kind):
    density = Density.of(*of_many(20_000, kind))
    [peak, *_] = mode.peaks(density)
    sample = importance._expanded(density, peak, 4_000, np.random.default_rng(1))
    assert sample is not None
    some = slice(200, 700)
    factor = np.linalg.cholesky(mode.covariance(peak))
    beside = Student(peak.point, factor, max(5.0, density.dimension)).log_density(sample.points)
    exact = density.at(sample.points[some]) - beside[some]
    weights = np.exp(exact - exact.max())
    weights /= weights.sum()
    off = exact - sample.log_ratio[some]
    assert np.sqrt(weights @ (off - weights @ off) ** 2) < 0.2 / np.sqrt(4_000)


def test_an_expansion_that_is_not_close_enough_is_not_used(monkeypatch):
    density = Density.of(*of_many(2_000))
    [peak] = mode.peaks(density)
    assert importance._expanded(density, peak, 1_000, np.random.default_rng(1)) is not None
    # Of second order alone it is off by some hundredths.
    size = density.dimension
    monkeypatch.setattr(importance, "_third", lambda *_: np.zeros((size, size, size)))
    assert importance._expanded(density, peak, 1_000, np.random.default_rng(1)) is None
    monkeypatch.undo()
    density = Density.of(*make(KINDS["bernoulli"], frame()))
    [peak] = mode.peaks(density)
    assert importance._expanded(density, peak, 4_000, np.random.default_rng(1)) is None


def test_some_of_the_rows_say_enough_of_its_third_order(monkeypatch):
    density = Density.of(*of_many(20_000))
    [peak] = mode.peaks(density)
    monkeypatch.setattr(importance, "_TELLING", 2_000)
    assert importance._expanded(density, peak, 4_000, np.random.default_rng(1)) is not None


def test_with_and_without_the_expansion_the_posterior_is_the_same(monkeypatch):
    regression, table = of_many(10_000)
    one = fitted(regression, table, draws=8_000)
    monkeypatch.setattr(importance, "_WORK", 1e99)
    other = fitted(regression, table, draws=8_000, seed=2)
    size = 1.0 / (1.0 / one.diagnostics.ess_bulk + 1.0 / other.diagnostics.ess_bulk)
    for name in one.names:
        left, right = one.values(name), other.values(name)
        assert abs(left.mean() - right.mean()) < WITHIN * right.std() / np.sqrt(size)
        assert left.std() / right.std() == pytest.approx(1.0, abs=WITHIN / np.sqrt(2 * size))


# ------------------------------------------------------------------------------------------------
# Where it is not good enough
# ------------------------------------------------------------------------------------------------

FLAT = {"slope": Distribution("Flat", ())}


def test_a_posterior_that_is_none_is_not_drawn_from():
    """Separated outcomes and a flat prior: the likelihood rises for ever."""
    assert importance.fit(*make(Kind("b ~ x", "bernoulli"), SEPARATED, overrides=FLAT)) is None


def test_auto_then_turns_to_nuts_and_says_so(monkeypatch):
    regression, table = make(Kind("b ~ x", "bernoulli"), SEPARATED, overrides=FLAT)
    drawn = Posterior(regression.coefficient_names, np.zeros((1, 5, 2)), "nuts", None, 0.0)
    monkeypatch.setattr(nuts, "fit_all", lambda these, *_, **__: {r.name: drawn for r in these})
    moments = statistic([regression], table)
    assert select.choose(regression, "auto") == "importance"
    assert select.sample([regression], table, moments)["correct"] is drawn
    with pytest.raises(
        InferenceError, match=r"not good enough for the model 'b ~ x'.*nuts, or auto"
    ):
        select.sample([regression], table, moments, asked="importance")


@pytest.mark.parametrize("k", [0.71, float("inf")])
def test_weights_that_cannot_be_trusted_are_refused(k, monkeypatch):
    regression, table = make(KINDS["bernoulli"], frame())
    uniform = np.full(4_000, 1 / 4_000)
    monkeypatch.setattr(pareto, "smoothed", lambda ratio: (uniform[: len(ratio)], k))
    assert importance.fit(regression, table) is None


def test_fewer_than_400_effective_draws_are_refused(monkeypatch):
    regression, table = make(KINDS["bernoulli"], frame())
    one = np.zeros(4_000)
    one[:399] = 1 / 399
    monkeypatch.setattr(pareto, "smoothed", lambda ratio: (one[: len(ratio)], 0.1))
    assert importance.fit(regression, table) is None


@pytest.mark.parametrize(
    ("kind", "overrides", "why"),
    [
        ("cells", {}, "its family is cells"),
        ("three vary", {}, "vary by a category"),
        ("negbinomial", {"alpha": Distribution("HalfFlat", ())}, "improper"),
        ("student", {"nu": Distribution("HalfFlat", ())}, "improper"),
    ],
)
def test_what_it_cannot_do_it_refuses_with_the_reason(kind, overrides, why):
    regression, table = make(KINDS[kind], frame(), overrides=overrides)
    assert why in (importance.obstacle(regression) or "")
    with pytest.raises(InferenceError, match=why):
        importance.fit(regression, table)


def test_too_many_parameters_are_refused():
    data = pd.DataFrame({"g": np.repeat(np.arange(250), 2).astype(str), "b": np.arange(500) % 2})
    regression, _ = make(Kind("b ~ g", "bernoulli"), data)
    assert "more than 200 parameters" in (importance.obstacle(regression) or "")


# ------------------------------------------------------------------------------------------------
# Weights and proposals
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("freedom", [1.0, 2.0, 5.0, 50.0])
@pytest.mark.parametrize("count", [30, 100, 300, 5_000])
def test_smoothed_weights_are_those_of_arviz(count, freedom):
    array_stats = pytest.importorskip("arviz_stats.base").array_stats
    ratio = np.log(np.abs(np.random.default_rng(count).standard_t(freedom, count)))
    theirs, k = array_stats.psislw(-ratio)
    weights, own = pareto.smoothed(ratio)
    assert own == pytest.approx(float(k), rel=1e-10)
    assert weights == pytest.approx(np.exp(theirs), rel=1e-10)


def test_a_few_draws_with_all_the_weight_are_no_tail():
    ratio = np.full(1_000, -np.inf)
    ratio[:3] = 0.0, 1.0, 2.0
    assert pareto.smoothed(ratio)[1] == np.inf


def test_equal_weights_are_the_best_there_are():
    weights, k = pareto.smoothed(np.zeros(1_000))
    assert weights == pytest.approx(1 / 1_000)
    assert k < 0.7


def test_each_draw_is_kept_as_often_as_its_weight_says():
    random = np.random.default_rng(1)
    weights = random.gamma(0.5, size=50)
    weights /= weights.sum()
    values = random.normal(size=50)
    total, means = np.zeros(50), []
    for _ in range(4_000):
        order = random.permutation(50)  # draws come in random order
        weights, values, total = weights[order], values[order], total[order]
        chosen, size = pareto.resampled(weights, 80, random)
        counts = np.bincount(chosen, minlength=50)
        assert (counts >= np.floor(80 * weights) - 1e-9).all()
        assert (counts <= np.ceil(80 * weights) + 1e-9).all()
        total += counts
        means.append(values[chosen].mean())
    assert total / 4_000 == pytest.approx(80 * weights, abs=0.05)
    # What the rounding adds to the variance is no more than it is said to be.
    spread = weights @ (values - weights @ values) ** 2
    added = 1.0 / size - weights @ weights
    assert np.var(means) < 1.2 * added * spread


@pytest.mark.parametrize("freedom", [5.0, 12.0])
def test_a_proposal_is_a_distribution_and_is_drawn_from(freedom):
    factor = np.array([[1.0, 0.0], [0.6, 0.5]])
    up, down = np.array([2.0, 0.5]), np.array([0.7, 1.5])
    split = Student(np.array([1.0, -1.0]), factor, freedom, up, down)
    plain = Student(np.array([6.0, 2.0]), np.eye(2), freedom)
    both = Mixture((split, plain), np.array([0.3, 0.7]))
    t = np.linspace(-6.5, 6.5, 1_201)
    x, y = np.meshgrid(np.sinh(t), np.sinh(t), indexing="ij")
    grid = np.stack([x.ravel(), y.ravel()], axis=1) + np.array([3.0, 0.0])
    volume = (np.cosh(t)[:, None] * np.cosh(t)).ravel() * (t[1] - t[0]) ** 2
    for proposal in (split, plain, both):
        density = np.exp(proposal.log_density(grid)) * volume
        assert density.sum() == pytest.approx(1.0, abs=2e-3)
        drawn = proposal.draw(100_000, np.random.default_rng(2))
        for low, high in ((-np.inf, 0.5), (0.5, 1.5), (1.5, 6.0), (6.0, 8.0)):
            wanted = density[(grid[:, 0] > low) & (grid[:, 0] < high) & (grid[:, 1] > 0.0)].sum()
            own = (drawn[:, 0] > low) & (drawn[:, 0] < high) & (drawn[:, 1] > 0.0)
            assert np.mean(own) == pytest.approx(wanted, abs=0.008)


# ------------------------------------------------------------------------------------------------
# Start-up
# ------------------------------------------------------------------------------------------------


def test_a_logit_is_run_without_any_heavy_library(tmp_path):
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=(2, 200))
    y = (x + z + rng.logistic(size=200) > 0).astype(int)
    rows = "\n".join(f"{a},{b},{c}" for a, b, c in zip(x, y, z, strict=True))
    (tmp_path / "d.csv").write_text(f"x,y,z\n{rows}\n")
    (tmp_path / "d.dag").write_text("x <- z -> y; x -> y")
    program = (
        f"import sys; sys.argv = ['causal', 'run', {str(tmp_path / 'd.dag')!r}, "
        f"{str(tmp_path / 'd.csv')!r}, '--exposure', 'x', '--outcome', 'y']\n"
        "from causal.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert end.code == 0, end.code\n"
        "print('LOADED', *{name.split('.')[0] for name in sys.modules})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    told, _, loaded = ran.stdout.partition("LOADED")
    assert "importance sampling" in told
    heavy = {"pymc", "pytensor", "arviz", "arviz_stats", "matplotlib", "numba", "pandas", "scipy"}
    assert not set(loaded.split()) & (heavy | {"xarray", "nutpie"})

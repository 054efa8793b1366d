"""The effect before any data: closed forms and the definition, drawn by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import causal.study.before as module
from causal.data.table import read_table
from causal.models.priors import Distribution, PriorChoice, Priors, resolve
from causal.models.regression import Regression
from causal.models.terms import Categorical, Interaction, Log, Numeric
from causal.study.before import prior_effect

D = Distribution
RARE = 1e-4
X, Z = Numeric("x"), Numeric("z")
G = Categorical("g", ("a", "b", "c"))


def columns(rows=300, seed=1):
    random = np.random.default_rng(seed)
    return {
        "x": random.normal(20, 3, rows),
        "two": random.choice([2, 5], rows, p=[0.8, 0.2]),
        "z": random.normal(5, 2, rows),
        "g": random.choice(["a", "b", "c"], rows),
        "t": random.integers(1, 9, rows),
        "y": random.normal(100, 20, rows),
        "hit": random.integers(0, 2, rows),
        "count": random.poisson(3, rows),
        "w": random.normal(size=rows),
    }


def table(**instead):
    data = columns() | instead
    return read_table(data, list(data))


def regression(data, *terms, outcome="y", family="gaussian", preset="default", given=None, **more):
    priors = resolve(PriorChoice(preset, given or {}), terms, outcome, family, data, **more)
    exposure = terms[0].variable
    return Regression("correct", outcome, exposure, terms, family, priors, **more)


def sd(data, name):
    return float(data[name].values.std())


def check_normal(effect, scale):
    """Whether the effect is Normal(0, scale), by draws, moments and interval."""
    assert stats.kstest(effect.draws, stats.norm(0, scale).cdf).pvalue > RARE
    error = 4.5 / math.sqrt(len(effect.draws))
    assert effect.mean == pytest.approx(0, abs=error * scale)
    assert effect.sd == pytest.approx(scale, rel=error)
    assert effect.interval == pytest.approx(np.quantile(effect.draws, [0.055, 0.945]))


LINEAR = {
    "a number": ((X, Z), "+1", lambda d: sd(d, "y") / sd(d, "x")),
    "two values": ((Numeric("two"), Z), "5 - 2", lambda d: 3 * sd(d, "y") / sd(d, "two")),
    "a category": ((G, Z), "b - a", lambda d: math.sqrt(2) * sd(d, "y")),
    "an interaction": ((X, Z, Interaction((X, Z))), "+1", lambda d: sd(d, "y") / sd(d, "x")),
    "in each group": (
        (X, G, Interaction((X, G))),
        "+1",
        lambda d: (
            sd(d, "y")
            / sd(d, "x")
            * math.sqrt(1 + sum(np.mean(d["g"].values == k) ** 2 for k in range(3)))
        ),
    ),
}


@pytest.mark.parametrize("family", ["gaussian", "student"])
@pytest.mark.parametrize("case", LINEAR)
def test_a_linear_effect_is_as_wide_as_the_prior_of_its_coefficients(case, family):
    terms, contrast, scale = LINEAR[case]
    data = table()
    effect = prior_effect(regression(data, *terms, family=family), data)
    check_normal(effect, scale(data))
    assert (effect.contrast, effect.scale, effect.prob) == (contrast, "outcome", 0.89)
    ten = prior_effect(regression(data, *terms, family=family, preset="wide"), data)
    assert ten.sd == pytest.approx(10 * effect.sd, rel=0.1)


def test_a_users_prior_of_the_slope_is_the_effect():
    data = table()
    given = {"x": D("StudentT", (3.0, 1.0, 2.0))}
    effect = prior_effect(regression(data, X, Z, given=given), data, prob=0.5)
    assert stats.kstest(effect.draws, stats.t(3, 1, 2).cdf).pvalue > RARE
    assert effect.prob == 0.5
    assert effect.interval == pytest.approx(np.quantile(effect.draws, [0.25, 0.75]))


def test_a_risk_difference_is_that_of_coefficients_drawn_by_hand():
    data = table()
    effect = prior_effect(regression(data, X, Z, outcome="hit", family="bernoulli"), data)
    assert effect.scale == "risk difference"
    assert np.all(np.abs(effect.draws) <= 1)
    random = np.random.default_rng(77)
    share = float(np.mean(data["hit"].values))
    x, z = ((data[n].values - data[n].values.mean()) / sd(data, n) for n in ("x", "z"))
    wanted = []
    for _ in range(3000):
        level = random.normal(math.log(share / (1 - share)), 1)
        b, c = random.normal(0, 1, 2)
        low = level + b * x + c * z
        high = low + b / sd(data, "x")
        wanted.append(np.mean(1 / (1 + np.exp(-high)) - 1 / (1 + np.exp(-low))))
    assert stats.ks_2samp(effect.draws, wanted).pvalue > RARE


def test_a_difference_of_counts_is_that_of_coefficients_drawn_by_hand():
    data = table()
    two = Numeric("two")
    model = regression(data, two, outcome="count", family="negbinomial", offsets=(Log("t"),))
    effect = prior_effect(model, data)
    assert (effect.scale, effect.contrast) == ("outcome", "5 - 2")
    random = np.random.default_rng(78)
    time, values = data["t"].values, data["two"].values
    rate = math.log((data["count"].values.sum() + 0.5) / time.sum())
    level = random.normal(rate, 1, 5000)
    slope = random.normal(0, 1 / values.std(), 5000)
    at = [np.exp(level + slope * (value - values.mean())) * time.mean() for value in (2, 5)]
    assert stats.ks_2samp(effect.draws, at[1] - at[0]).pvalue > RARE


@pytest.mark.parametrize("name", ["intercept", "slope", "x", "sigma"])
def test_a_flat_prior_says_nothing(name):
    data = table()
    flat = D("HalfFlat") if name == "sigma" else D("Flat")
    assert prior_effect(regression(data, X, Z, given={name: flat}), data) is None


def test_priors_that_believe_in_the_infinite_have_no_effect_to_show():
    data = table(x=np.linspace(1e4, 2e4, 300))
    wild = regression(data, X, outcome="count", family="poisson", preset="tutorial")
    assert prior_effect(wild, data) is None
    # Large enough for the difference to be lost and small enough for the ratio to be left.
    steady = Priors(D("Normal", (400.0, 1.0)), (), ((D("Normal", (0.0, 1e-5)),),))
    large = Regression("correct", "count", "x", (X,), "poisson", steady)
    assert prior_effect(large, data) is None
    wilder = regression(data, X, given={"x": D("LogNormal", (0.0, 1e4))})
    assert prior_effect(wilder, data) is None
    spread = regression(data, X, given={"sigma": D("InverseGamma", (1e-3, 1e-3))})
    check_normal(prior_effect(spread, data), sd(data, "y") / sd(data, "x"))


def test_the_seed_decides():
    data = table()
    model = regression(data, X)
    first, second, third = (prior_effect(model, data, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.draws, second.draws)
    assert not np.any(first.draws == third.draws)


# Many rows


def many(rows=20_000):
    random = np.random.default_rng(2)
    rare = np.zeros(rows)
    rare[[70, 15_000]] = 1
    g = random.choice(["a", "b"], rows).tolist()
    g[12_345] = "c"
    data = columns(rows) | {"two": rare, "g": g}
    return read_table(data, list(data))


def test_of_many_rows_five_hundred_are_enough_and_kinds_and_levels_stay(monkeypatch):
    data = many()
    model = regression(data, Numeric("two"), Z, G, outcome="hit", family="bernoulli")
    seen = []

    def spy(regression, drawn, table, *, prob):
        seen.append(table)
        return effects(regression, drawn, table, prob=prob)

    effects = module.effects
    monkeypatch.setattr(module, "effects", spy)
    effect = prior_effect(model, data)
    [used] = seen
    assert used.rows == 500
    assert set(used.columns) == {"hit", "two", "z", "g"}
    for name, column in used.columns.items():
        assert len(column.values) == 500
        assert (column.kind, column.levels) == (data[name].kind, data[name].levels)
    assert effect.contrast == "1 - 0"
    assert np.mean(used["z"].values) == pytest.approx(5, abs=4.5 * 2 / math.sqrt(500))


def test_an_exposure_that_is_rare_keeps_both_of_its_values():
    data = many()
    effect = prior_effect(regression(data, Numeric("two"), Z), data)
    assert effect.contrast == "1 - 0"
    check_normal(effect, sd(data, "y") / sd(data, "two"))


def test_over_a_sample_of_the_rows_the_effect_is_nearly_the_same(monkeypatch):
    data = many()
    model = regression(data, X, Z, Interaction((X, Z)), outcome="hit", family="bernoulli")
    part = prior_effect(model, data)
    monkeypatch.setattr(module, "ROWS", data.rows)
    whole = prior_effect(model, data)
    assert part.sd == pytest.approx(whole.sd, rel=0.05)
    assert part.mean == pytest.approx(whole.mean, abs=0.05 * whole.sd)

"""Effects on the scale of the question."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import causal.study.effects as module
from causal.data.column import Column
from causal.data.table import Source, Table
from causal.inference.posterior import Diagnostics, Mixture, Posterior
from causal.models.priors import Distribution, Priors
from causal.models.regression import Categorical, Numeric, Regression
from causal.study.effects import contrasts, effects, expit

NORMAL = Distribution("Normal", (0.0, 1.0))


def column(name, values):
    """Numbers, or texts as a category."""
    if isinstance(values[0], str):
        levels = tuple(sorted(set(values)))
        codes = np.array([levels.index(value) for value in values], dtype=float)
        return Column(name, "category", codes, levels, 0)
    numbers = np.array(values, dtype=float)
    distinct = np.unique(numbers)
    whole = np.all(numbers == np.round(numbers)) and np.all(numbers >= 0)
    kind = "binary" if len(distinct) == 2 else "count" if whole else "continuous"
    return Column(name, kind, numbers, (), 0)


def table(**columns):
    rows = len(next(iter(columns.values())))
    source = Source("memory", "memory", None, ())
    return Table(source, rows, {name: column(name, list(v)) for name, v in columns.items()})


def regression(data, *predictors, family="gaussian", name="correct", prior=NORMAL, intercept=True):
    """Of y on the predictors, the exposure first."""
    terms = tuple(
        Categorical(p, data[p].levels) if data[p].kind == "category" else Numeric(p)
        for p in predictors
    )
    numbers = sum(isinstance(term, Numeric) for term in terms)
    priors = Priors(
        prior if intercept else None,
        (0.0,) * numbers,
        (prior,) * numbers,
        (prior,) * (len(terms) - numbers),
        Distribution("Exponential", (1.0,)) if family == "gaussian" else None,
    )
    return Regression(name, "y", predictors[0], terms, family, priors)


def posterior(model, draws, mixture=None):
    return Posterior(model.coefficient_names, draws, "nuts", Diagnostics(), 0.0, mixture)


def random_posterior(model, seed=0, size=(2, 30)):
    draws = np.random.default_rng(seed).normal(size=(*size, len(model.coefficient_names)))
    return posterior(model, draws)


GROUPS = ["b", "a", "c", "a", "b", "c", "a", "b", "b", "c", "a", "c"]
N = len(GROUPS)
Z = np.random.default_rng(3).normal(size=N)
Y01 = [0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("values", "labels", "steps"),
    [
        ([0, 1] * 6, ["1 - 0"], [1.0]),
        ([1, 2] * 6, ["2 - 1"], [1.0]),
        ([-1, 1] * 6, ["1 - (-1)"], [2.0]),
        ([0.5, 2.0] * 6, ["2 - 0.5"], [1.5]),
        (list(range(12)), ["+1"], [1.0]),
        (list(Z), ["+1"], [1.0]),
        (GROUPS, ["b - a", "c - a"], [1.0, 2.0]),
    ],
)
def test_the_contrast_says_what_is_compared(values, labels, steps):
    data = table(x=values, y=Z)
    found = contrasts(regression(data, "x"), data)
    assert [c.label for c in found] == labels
    assert [c.step for c in found] == steps


def test_a_gaussian_effect_of_a_number_is_the_slope():
    data = table(x=Z, z=Z**2, y=Z)
    model = regression(data, "x", "z")
    drawn = random_posterior(model)
    [effect] = effects(model, drawn, data, prob=0.89)
    slope = drawn.draws[:, :, 1].ravel()
    assert np.array_equal(effect.draws, slope)
    assert effect.mean == pytest.approx(slope.mean(), rel=1e-14)
    assert effect.sd == pytest.approx(slope.std(ddof=1), rel=1e-14)
    assert effect.interval == pytest.approx(np.quantile(slope, [0.055, 0.945]))
    assert effect.probability_positive == np.mean(slope > 0)
    assert (effect.prob, effect.contrast, effect.scale) == (0.89, "+1", "outcome")


def test_a_gaussian_effect_of_two_values_is_the_whole_step_between_them():
    data = table(x=[1, 4] * 6, y=Z)
    model = regression(data, "x")
    drawn = random_posterior(model)
    [effect] = effects(model, drawn, data, prob=0.5)
    assert effect.draws == pytest.approx(3 * drawn.draws[:, :, 1].ravel())
    assert effect.mean == pytest.approx(3 * drawn.draws[:, :, 1].mean())
    assert effect.contrast == "4 - 1"


def test_a_gaussian_effect_of_a_category_is_each_level_against_the_first():
    data = table(x=GROUPS, y=Z)
    model = regression(data, "x")
    drawn = random_posterior(model)
    found = effects(model, drawn, data, prob=0.89)
    assert [e.contrast for e in found] == ["b - a", "c - a"]
    for effect, place in zip(found, (2, 3), strict=True):
        wanted = (drawn.draws[:, :, place] - drawn.draws[:, :, 1]).ravel()
        assert effect.draws == pytest.approx(wanted)
        assert effect.mean == pytest.approx(wanted.mean())


def test_moments_of_an_exact_posterior_have_no_monte_carlo_error():
    data = table(x=[0, 1] * 6, y=Z)
    model = regression(data, "x")
    mixture = Mixture(
        base=np.zeros(2),
        basis=np.eye(2),
        flat_basis=np.zeros((2, 0)),
        singular=np.array([2.0, 3.0]),
        target=np.array([1.0, 6.0]),
        sigma=np.array([1.0]),
        weights=np.array([1.0]),
    )
    drawn = posterior(model, random_posterior(model).draws, mixture)
    [effect] = effects(model, drawn, data, prob=0.89)
    assert effect.mean == pytest.approx(3 * 6 / 10, rel=1e-14)  # d z / (d^2 + sigma^2)
    assert effect.sd == pytest.approx(math.sqrt(1 / 10), rel=1e-14)
    assert effect.mean != pytest.approx(effect.draws.mean(), abs=1e-3)


def by_hand(model, drawn, data, low, high):
    """Average risks of one contrast, row by row and draw by draw, from the formula alone."""
    names = model.coefficient_names
    averages = []
    for draw in drawn.draws.reshape(-1, len(names)):
        value = dict(zip(names, draw.tolist(), strict=True))
        risks = [[], []]
        for i in range(data.rows):
            for end, setting in enumerate((low, high)):
                eta = value["intercept"]
                for position, term in enumerate(model.terms):
                    cell = data[term.variable].values[i]
                    if isinstance(term, Categorical):
                        level = term.levels[int(cell)] if position else setting
                        eta += value[f"{term.variable}[{level}]"]
                    elif position:
                        eta += value[term.variable] * cell
                    else:
                        eta += value[term.variable] * setting(cell)
                risks[end].append(1 / (1 + math.exp(-eta)))
        averages.append([sum(r) / len(r) for r in risks])
    return np.array(averages).T


NUMERIC_CASES = [
    ("+1", list(Z), lambda x: x, lambda x: x + 1),
    ("+1", [0, 1, 2] * 4, lambda x: x, lambda x: x + 1),
    ("1 - 0", [0, 1] * 6, lambda x: 0, lambda x: 1),
    ("3 - 1", [1, 3] * 6, lambda x: 1, lambda x: 3),
]


@pytest.mark.parametrize(("label", "values", "low", "high"), NUMERIC_CASES)
def test_standardization_of_a_number_is_the_slow_loop_over_rows_and_draws(label, values, low, high):
    data = table(x=values, g=GROUPS, z=Z, y=Y01)
    model = regression(data, "x", "g", "z", family="bernoulli")
    drawn = random_posterior(model)
    found = effects(model, drawn, data, prob=0.89)
    p0, p1 = by_hand(model, drawn, data, low, high)
    wanted = [p1 - p0, p1 / p0, (p1 / (1 - p1)) / (p0 / (1 - p0))]
    assert [e.scale for e in found] == ["risk difference", "risk ratio", "odds ratio"]
    assert {e.contrast for e in found} == {label}
    for effect, draws in zip(found, wanted, strict=True):
        assert effect.draws == pytest.approx(draws, rel=1e-11)
        assert effect.mean == pytest.approx(draws.mean())
        assert effect.interval == pytest.approx(np.quantile(draws, [0.055, 0.945]))
    assert found[0].probability_positive == np.mean(p1 > p0)
    assert found[1].probability_positive is None
    assert found[2].probability_positive is None


def test_standardization_of_a_category_is_the_slow_loop_over_rows_and_draws():
    data = table(x=GROUPS, b=[0, 1, 1] * 4, y=Y01)
    model = regression(data, "x", "b", family="bernoulli")
    drawn = random_posterior(model)
    found = effects(model, drawn, data, prob=0.89)
    assert [(e.contrast, e.scale) for e in found] == list(
        itertools.product(["b - a", "c - a"], ["risk difference", "risk ratio", "odds ratio"])
    )
    for level, effect in (("b", found[0]), ("c", found[3])):
        p0, p1 = by_hand(model, drawn, data, "a", level)
        assert effect.draws == pytest.approx(p1 - p0, rel=1e-11, abs=1e-14)


def test_in_a_saturated_model_the_risk_difference_is_that_of_the_cell_means():
    data = table(x=GROUPS, y=Y01)
    model = regression(data, "x", family="bernoulli")
    y, g = np.array(Y01), np.array(GROUPS)
    risk = {level: y[g == level].mean() for level in "abc"}
    logit = [0.0, *(math.log(p / (1 - p)) for p in risk.values())]
    found = effects(model, posterior(model, np.array([[logit] * 2])), data, prob=0.89)
    means = {(e.contrast, e.scale): e.mean for e in found}
    for level in "bc":
        odds = risk[level] / (1 - risk[level]) / (risk["a"] / (1 - risk["a"]))
        assert means[f"{level} - a", "risk difference"] == pytest.approx(risk[level] - risk["a"])
        assert means[f"{level} - a", "risk ratio"] == pytest.approx(risk[level] / risk["a"])
        assert means[f"{level} - a", "odds ratio"] == pytest.approx(odds)


def test_the_marginal_odds_ratio_is_not_the_exponential_of_the_coefficient():
    data = table(x=[0, 1] * 6, z=3 * Z, y=Y01)
    model = regression(data, "x", "z", family="bernoulli")
    found = effects(model, posterior(model, np.array([[[0.0, 1.0, 2.0]] * 2])), data, prob=0.89)
    assert 1.0 < found[2].mean < 0.9 * math.e


def test_the_marginal_odds_ratio_does_not_lose_its_digits_when_both_risks_are_tiny():
    data = table(x=[0, 1] * 6, y=Y01)
    model = regression(data, "x", family="bernoulli")
    rare = posterior(model, np.array([[[-40.0, 1.0]] * 2]))
    found = effects(model, rare, data, prob=0.89)
    assert [e.mean for e in found[1:]] == pytest.approx([math.e, math.e], rel=1e-12)


@pytest.mark.parametrize("cells", [1, 12, 13, 100])
def test_results_do_not_depend_on_how_many_draws_are_held_at_once(monkeypatch, cells):
    data = table(x=Z, g=GROUPS, y=Y01)
    model = regression(data, "x", "g", family="bernoulli")
    whole = effects(model, random_posterior(model), data, prob=0.89)
    monkeypatch.setattr(module, "CELLS", cells)
    parts = effects(model, random_posterior(model), data, prob=0.89)
    for a, b in zip(whole, parts, strict=True):
        assert a.draws == pytest.approx(b.draws, rel=1e-13, abs=1e-15)


def test_certain_outcomes_overflow_nowhere_and_ratios_that_do_are_left_out():
    data = table(x=[0, 1] * 6, y=Y01)
    model = regression(data, "x", family="bernoulli")
    certain = np.array([[[-800.0, 1600.0], [-1.0, 0.5]]])
    [difference] = effects(model, posterior(model, certain), data, prob=0.89)
    assert difference.scale == "risk difference"
    assert difference.draws[0] == 1.0


def test_expit_is_right_at_both_ends():
    eta = np.array([-800.0, -30.0, 0.0, 2.0, 800.0])
    wanted = [0.0, 1 / (1 + math.exp(30)), 0.5, 1 / (1 + math.exp(-2)), 1.0]
    assert expit(eta) == pytest.approx(wanted, rel=1e-14, abs=1e-300)


def test_the_rows_own_data_are_left_as_they_were():
    data = table(x=[0, 1] * 6, g=GROUPS, y=Y01)
    before = {name: c.values.copy() for name, c in data.columns.items()}
    effects(
        regression(data, "x", "g", family="bernoulli"),
        random_posterior(regression(data, "x", "g", family="bernoulli")),
        data,
        prob=0.89,
    )
    for name, values in before.items():
        assert np.array_equal(data[name].values, values)

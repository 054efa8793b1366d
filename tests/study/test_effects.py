"""Effects on the scale of the question."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import causal.study.effects as module
from causal.data.column import Column
from causal.data.table import Source, Table
from causal.errors import ModelError, QuestionError
from causal.inference.posterior import Diagnostics, Mixture, Posterior
from causal.models.families import RULES
from causal.models.priors import Distribution, Priors
from causal.models.regression import Regression
from causal.models.terms import (
    Categorical,
    Interaction,
    Log,
    Numeric,
    Polynomial,
    Varying,
    columns,
)
from causal.study.effects import (
    check_groups,
    contrasts,
    dose_response,
    effects,
    expit,
    subgroup_effects,
)

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


AUXILIARY = {
    "sigma": Distribution("Exponential", (1.0,)),
    "nu": Distribution("Gamma", (2.0, 0.1)),
    "alpha": Distribution("InverseGamma", (0.4, 0.3)),
}


def regression_of(
    terms, *, family="gaussian", name="correct", prior=NORMAL, intercept=True, exposure="x", **more
):
    """Of y on any terms."""
    scale = AUXILIARY["sigma"]
    own = Distribution("Beta", (1.0, 1.0)) if family == "cells" else prior
    priors = Priors(
        prior if intercept and family not in ("cells", "ordered") else None,
        (),
        tuple(
            (scale,) * len(term.varied)
            if isinstance(term, Varying)
            else (own,) * len(columns(term))
            for term in terms
        ),
        tuple((name, AUXILIARY[name]) for name in RULES[family].auxiliary),
        (prior,) * max(len(more.get("grades", ())) - 1, 0),
    )
    return Regression(name, "y", exposure, tuple(terms), family, priors, **more)


def regression(data, *predictors, **more):
    """Of y on the predictors as they are, the exposure first."""
    terms = [
        Categorical(p, data[p].levels) if data[p].kind == "category" else Numeric(p)
        for p in predictors
    ]
    return regression_of(terms, exposure=predictors[0], **more)


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


# ------------------------------------------------------------------------------------------------
# Every family and every term, from the definitions
# ------------------------------------------------------------------------------------------------
#
# Each case says in one line of plain Python what the linear predictor of a row is, with the
# coefficients b by name and the row r by variable; the loop below knows nothing of designs. Its
# averages are compared with those of the package on every scale.

POSITIVE = np.exp(np.random.default_rng(5).normal(size=N))
SIDES = ["v", "u", "u", "v", "u", "v", "v", "u", "v", "u", "u", "v"]
TRIALS = [3, 1, 7, 2, 2, 10, 1, 5, 4, 4, 6, 3]
GRADES = [1, 2, 4, 4, 2, 1, 1, 2, 4, 1, 2, 2]
COUNTS = [0, 3, 1, 5, 0, 2, 2, 8, 1, 0, 4, 3]

COLUMNS = {
    "x": POSITIVE,
    "two": [1, 3] * 6,
    "z": Z,
    "w": 1 + POSITIVE[::-1],
    "g": GROUPS,
    "h": SIDES,
    "t": TRIALS,
}
X, TWO, ZZ = Numeric("x"), Numeric("two"), Numeric("z")
G, H = Categorical("g", ("a", "b", "c")), Categorical("h", ("u", "v"))
CURVE = Polynomial("x", 2, 1.25)


def expit_of(eta):
    return 1 / (1 + math.exp(-eta))


def mean_grade(eta, b):
    """The sum over the grades of grade times probability, P(y <= k) = expit(cut_k - eta)."""
    below = [0.0, expit_of(b["cut[1|2]"] - eta), expit_of(b["cut[2|4]"] - eta), 1.0]
    return sum(grade * (below[k + 1] - below[k]) for k, grade in enumerate((1, 2, 4)))


def raised(exposure):
    """Each row as it is, and with the exposure 1 higher."""
    return [("+1", lambda r: r, lambda r: r | {exposure: r[exposure] + 1})]


def between(exposure, *pairs):
    """Both ends set in every row."""

    def at(value):
        return lambda r: r | {exposure: value}

    return [(f"{high} - {low}", at(low), at(high)) for low, high in pairs]


LEVELS = between("g", ("a", "b"), ("a", "c"))

# name: (outcome, terms, what else the regression has, contrasts, linear predictor)
CASES = {
    "gaussian x:z": (
        Z,
        [X, ZZ, Interaction((X, ZZ))],
        {},
        raised("x"),
        lambda b, r: (
            b["intercept"] + b["x"] * r["x"] + b["z"] * r["z"] + b["x:z"] * r["x"] * r["z"]
        ),
    ),
    "student x:g": (
        Z,
        [X, G, Interaction((X, G))],
        {"family": "student"},
        raised("x"),
        lambda b, r: b["intercept"] + b[f"g[{r['g']}]"] + (b["x"] + b[f"x:g[{r['g']}]"]) * r["x"],
    ),
    "gaussian poly": (
        Z,
        [CURVE, ZZ],
        {},
        raised("x"),
        lambda b, r: (
            b["intercept"]
            + b["poly(x)[1]"] * (r["x"] - 1.25)
            + b["poly(x)[2]"] * (r["x"] - 1.25) ** 2
            + b["z"] * r["z"]
        ),
    ),
    "gaussian log": (
        Z,
        [Log("x"), ZZ],
        {},
        raised("x"),
        lambda b, r: b["intercept"] + b["log(x)"] * math.log(r["x"]) + b["z"] * r["z"],
    ),
    "gaussian without an intercept, log of a two-valued exposure in an interaction": (
        Z,
        [Log("two"), Interaction((TWO, ZZ))],
        {"intercept": False, "exposure": "two"},
        between("two", (1, 3)),
        lambda b, r: b["log(two)"] * math.log(r["two"]) + b["two:z"] * r["two"] * r["z"],
    ),
    "gaussian category in an interaction": (
        Z,
        [G, ZZ, Interaction((G, ZZ))],
        {"exposure": "g"},
        LEVELS,
        lambda b, r: b["intercept"] + b[f"g[{r['g']}]"] + (b["z"] + b[f"g[{r['g']}]:z"]) * r["z"],
    ),
    "gaussian three at once": (
        Z,
        [Interaction((X, Log("w"), G)), Interaction((X, CURVE))],
        {},
        raised("x"),
        lambda b, r: (
            b["intercept"]
            + b[f"x:log(w):g[{r['g']}]"] * r["x"] * math.log(r["w"])
            + b["x:poly(x)[1]"] * r["x"] * (r["x"] - 1.25)
            + b["x:poly(x)[2]"] * r["x"] * (r["x"] - 1.25) ** 2
        ),
    ),
    "gaussian (x | g)": (
        Z,
        [X, Varying(G, (X,))],
        {},
        raised("x"),
        lambda b, r: b["intercept"] + b[f"1|g[{r['g']}]"] + (b["x"] + b[f"x|g[{r['g']}]"]) * r["x"],
    ),
    "student (0 + x + log(x) | g) + (1 | h)": (
        Z,
        [X, Varying(G, (X, Log("x")), intercept=False), Varying(H, ())],
        {"family": "student"},
        raised("x"),
        lambda b, r: (
            b["intercept"]
            + b[f"1|h[{r['h']}]"]
            + (b["x"] + b[f"x|g[{r['g']}]"]) * r["x"]
            + b[f"log(x)|g[{r['g']}]"] * math.log(r["x"])
        ),
    ),
    "bernoulli (g | h)": (
        Y01,
        [G, Varying(H, (G,))],
        {"family": "bernoulli", "exposure": "g"},
        LEVELS,
        lambda b, r: (
            b["intercept"] + b[f"g[{r['g']}]"] + b[f"1|h[{r['h']}]"] + b[f"g[{r['g']}]|h[{r['h']}]"]
        ),
    ),
    "bernoulli (x | g)": (
        Y01,
        [X, ZZ, Varying(G, (X,))],
        {"family": "bernoulli"},
        raised("x"),
        lambda b, r: (
            b["intercept"]
            + b["z"] * r["z"]
            + b[f"1|g[{r['g']}]"]
            + (b["x"] + b[f"x|g[{r['g']}]"]) * r["x"]
        ),
    ),
    "binomial": (
        [1, 0, 5, 1, 2, 7, 0, 3, 4, 1, 2, 3],
        [TWO, ZZ, Interaction((TWO, ZZ))],
        {"family": "binomial", "trials": "t", "exposure": "two"},
        between("two", (1, 3)),
        lambda b, r: (
            b["intercept"] + b["two"] * r["two"] + b["z"] * r["z"] + b["two:z"] * r["two"] * r["z"]
        ),
    ),
    "cells": (
        Y01,
        [Interaction((G, H))],
        {"family": "cells", "exposure": "g"},
        LEVELS,
        lambda b, r: b[f"g[{r['g']}]:h[{r['h']}]"],
    ),
    "cells of the exposure alone": (
        Y01,
        [G],
        {"family": "cells", "exposure": "g"},
        LEVELS,
        lambda b, r: b[f"g[{r['g']}]"],
    ),
    "poisson with an exposure time": (
        COUNTS,
        [X, G],
        {"family": "poisson", "offsets": (Log("t"),)},
        raised("x"),
        lambda b, r: b["intercept"] + b["x"] * r["x"] + b[f"g[{r['g']}]"] + math.log(r["t"]),
    ),
    "negbinomial poly:g with two offsets": (
        COUNTS,
        [CURVE, Interaction((CURVE, G))],
        {"family": "negbinomial", "offsets": (Log("t"), ZZ)},
        raised("x"),
        lambda b, r: (
            b["intercept"]
            + (b["poly(x)[1]"] + b[f"poly(x)[1]:g[{r['g']}]"]) * (r["x"] - 1.25)
            + (b["poly(x)[2]"] + b[f"poly(x)[2]:g[{r['g']}]"]) * (r["x"] - 1.25) ** 2
            + math.log(r["t"])
            + r["z"]
        ),
    ),
    "ordered with unequal steps": (
        GRADES,
        [TWO, ZZ, Interaction((TWO, ZZ))],
        {"family": "ordered", "grades": (1.0, 2.0, 4.0), "exposure": "two"},
        between("two", (1, 3)),
        lambda b, r: b["two"] * r["two"] + b["z"] * r["z"] + b["two:z"] * r["two"] * r["z"],
    ),
    "ordered by a number": (
        GRADES,
        [X, G],
        {"family": "ordered", "grades": (1.0, 2.0, 4.0)},
        raised("x"),
        lambda b, r: b["x"] * r["x"] + b[f"g[{r['g']}]"],
    ),
}

MEANS = {
    "gaussian": lambda eta, b: eta,
    "student": lambda eta, b: eta,
    "bernoulli": lambda eta, b: expit_of(eta),
    "binomial": lambda eta, b: expit_of(eta),
    "cells": lambda eta, b: eta,
    "poisson": lambda eta, b: math.exp(eta),
    "negbinomial": lambda eta, b: math.exp(eta),
    "ordered": mean_grade,
}

DIFFERENCE = {"outcome": lambda low, high: high - low}
RISKS = {
    "risk difference": lambda low, high: high - low,
    "risk ratio": lambda low, high: high / low,
    "odds ratio": lambda low, high: high / (1 - high) / (low / (1 - low)),
}
SCALES = {
    "bernoulli": RISKS,
    "binomial": RISKS,
    "cells": RISKS,
    "poisson": DIFFERENCE | {"ratio": lambda low, high: high / low},
    "negbinomial": DIFFERENCE | {"ratio": lambda low, high: high / low},
}


def prepared(case, **columns_instead):
    """Table, regression and a posterior of some draws that the family allows."""
    outcome, terms, more, *_ = CASES[case]
    data = table(**(COLUMNS | {"y": outcome} | columns_instead))
    model = regression_of(terms, **more)
    names = model.coefficient_names
    draws = np.random.default_rng(11).normal(scale=0.7, size=(2, 4, len(names)))
    if model.family == "cells":
        draws = expit(draws)
    cuts = [place for place, name in enumerate(names) if name.startswith("cut[")]
    draws[:, :, cuts] = np.sort(draws[:, :, cuts], axis=2)
    return data, model, posterior(model, draws)


def row_of(data, i):
    return {
        name: c.levels[int(c.values[i])] if c.levels else float(c.values[i])
        for name, c in data.columns.items()
    }


def averages_by_hand(case, data, model, drawn, chosen=None):
    """For each contrast its label and the two averages, draw by draw."""
    *_, asked, predictor = CASES[case]
    rows = [row_of(data, i) for i in range(data.rows)]
    if chosen is not None:
        rows = [r for r in rows if chosen(r)]
    counts = [r["t"] if model.family == "binomial" else 1.0 for r in rows]
    found = []
    for label, *ends in asked:
        both = []
        for end in ends:
            draws = []
            for draw in drawn.draws.reshape(-1, drawn.draws.shape[-1]):
                b = dict(zip(drawn.names, draw.tolist(), strict=True))
                means = [MEANS[model.family](predictor(b, end(r)), b) for r in rows]
                total = sum(n * m for n, m in zip(counts, means, strict=True))
                draws.append(total / sum(counts))
            both.append(np.array(draws))
        found.append((label, *both))
    return found


def effects_by_hand(*arguments, **more):
    model = arguments[2]
    scales = SCALES.get(model.family, DIFFERENCE)
    return [
        (label, scale, compared(low, high))
        for label, low, high in averages_by_hand(*arguments, **more)
        for scale, compared in scales.items()
    ]


def check_against(found, wanted, prob=0.8):
    assert [(e.contrast, e.scale) for e in found] == [w[:2] for w in wanted]
    for effect, (_, scale, draws) in zip(found, wanted, strict=True):
        assert effect.draws == pytest.approx(draws, rel=1e-10, abs=1e-12)
        assert effect.mean == pytest.approx(draws.mean())
        assert effect.sd == pytest.approx(draws.std(ddof=1))
        half = (1 - prob) / 2
        assert effect.interval == pytest.approx(np.quantile(draws, [half, 1 - half]))
        positive = None if "ratio" in scale else np.mean(draws > 0)
        assert effect.probability_positive == positive
        assert effect.prob == prob


@pytest.mark.parametrize("case", CASES)
def test_every_effect_is_the_slow_loop_over_rows_and_draws(case):
    data, model, drawn = prepared(case)
    found = effects(model, drawn, data, prob=0.8)
    check_against(found, effects_by_hand(case, data, model, drawn))


@pytest.mark.parametrize("case", CASES)
def test_an_effect_that_is_a_sum_of_coefficients_says_which(case):
    data, model, drawn = prepared(case)
    for effect in effects(model, drawn, data, prob=0.8):
        if model.family in ("gaussian", "student"):
            assert drawn.values(effect.weights).ravel() == pytest.approx(effect.draws, rel=1e-12)
            assert 0.0 not in effect.weights.values()
        else:
            assert effect.weights is None


def test_the_weights_are_those_of_the_formula():
    data, model, drawn = prepared("student x:g")
    [effect] = effects(model, drawn, data, prob=0.8)
    assert effect.weights == pytest.approx(
        {"x": 1.0, "x:g[a]": 4 / 12, "x:g[b]": 4 / 12, "x:g[c]": 4 / 12}, rel=1e-14
    )
    data, model, drawn = prepared("gaussian category in an interaction")
    second = effects(model, drawn, data, prob=0.8)[1]
    mean = float(np.mean(Z))
    wanted = {"g[a]": -1.0, "g[c]": 1.0, "g[a]:z": -mean, "g[c]:z": mean}
    assert second.weights == pytest.approx(wanted)


# Rows that agree


@pytest.mark.parametrize("case", [c for c in CASES if "gaussian" not in c and "student" not in c])
def test_rows_that_agree_are_predicted_once_and_count_as_often_as_they_occur(case):
    random = np.random.default_rng(6)
    some = {name: random.choice(np.unique(v)[-3:], 200) for name, v in COLUMNS.items()}
    some |= {"x": random.choice([0.5, 1.5, 2.0], 200), "t": random.integers(1, 3, 200)}
    data, model, drawn = prepared(case, **some, y=random.choice(CASES[case][0], 200))
    kept, _ = module._distinct_rows(model, data, np.ones(200, bool))
    assert kept.rows < 60
    found = effects(model, drawn, data, prob=0.8)
    check_against(found, effects_by_hand(case, data, model, drawn))


def test_few_different_rows_are_found_whatever_else_the_table_holds():
    values = {"x": [0, 1, 1, 1] * 30, "h": ["u", "v", "v"] * 40, "y": list(range(120))}
    data = table(**values, unused=np.random.default_rng(0).normal(size=120))
    model = regression(data, "x", "h", family="poisson")
    kept, counts = module._distinct_rows(model, data, np.arange(120) < 96)
    assert (kept.rows, sorted(counts)) == (4, [8.0, 16.0, 24.0, 48.0])
    many = table(x=np.random.default_rng(1).normal(size=120), y=values["y"])
    kept, counts = module._distinct_rows(
        regression(many, "x", family="poisson"), many, np.ones(120, bool)
    )
    assert (kept.rows, set(counts)) == (120, {1.0})


def test_a_binomial_row_is_as_many_bernoulli_rows_as_it_has_trials():
    data, model, drawn = prepared("binomial")
    rows = np.repeat(np.arange(N), TRIALS)
    hits = [k < y for y, n in zip(CASES["binomial"][0], TRIALS, strict=True) for k in range(n)]
    apart = table(two=data["two"].values[rows], z=Z[rows], y=np.array(hits, float))
    single = regression_of(model.terms, family="bernoulli", exposure="two")
    assert single.coefficient_names == model.coefficient_names
    pairs = zip(
        effects(model, drawn, data, prob=0.8), effects(single, drawn, apart, prob=0.8), strict=True
    )
    for together, separate in pairs:
        assert together.draws == pytest.approx(separate.draws, rel=1e-12)


def test_an_effect_whose_columns_move_alike_everywhere_is_found_without_the_design(monkeypatch):
    data = table(x=POSITIVE, g=GROUPS, z=Z, y=Z)
    plain = regression(data, "x", "g", "z")
    drawn = random_posterior(plain)
    monkeypatch.setattr(module, "design", None)
    monkeypatch.setattr(module, "atom_values", None)
    [effect] = effects(plain, drawn, data, prob=0.8)
    assert np.array_equal(effect.draws, drawn.values("x").ravel())


# Groups


@pytest.mark.parametrize("case", [case for case in CASES if case != "cells of the exposure alone"])
def test_effects_in_groups_are_the_slow_loop_over_their_rows_and_average_to_the_whole(case):
    data, model, drawn = prepared(case, z=np.round(Z))
    by = next(name for name in ("g", "h", "z") if name in model.adjust_for)
    rows = [row_of(data, i) for i in range(N)]
    labels = sorted({r[by] for r in rows})
    assert len(labels) > 1
    found = subgroup_effects(model, drawn, data, by, prob=0.8)
    whole = effects(model, drawn, data, prob=0.8)
    total = [np.zeros(len(effect.draws)) for effect in whole]
    for label in labels:
        group = found.pop(f"{label + 0.0:g}" if by == "z" else label)
        of_group = lambda r, label=label: r[by] == label  # noqa: E731
        check_against(group, effects_by_hand(case, data, model, drawn, chosen=of_group))
        size = sum(r["t"] if model.family == "binomial" else 1 for r in rows if of_group(r))
        for place, effect in enumerate(group):
            total[place] += size * effect.draws
    assert not found
    size = sum(TRIALS) if model.family == "binomial" else N
    for effect, added in zip(whole, total, strict=True):
        if "ratio" not in effect.scale:
            assert added / size == pytest.approx(effect.draws, rel=1e-10, abs=1e-13)


def test_groups_by_a_number_bear_its_value_and_none_is_lost():
    data = table(x=[0, 1] * 6, k=[-1, -0.0, 1e15, 1e15 + 1] * 3, y=Z)
    model = regression(data, "x", "k")
    groups = subgroup_effects(model, random_posterior(model), data, "k", prob=0.8)
    assert list(groups) == ["-1", "0", "1e+15", "1000000000000001"]


def test_what_makes_no_groups_is_refused():
    data = table(x=range(60), k=range(60), g=(GROUPS * 5), y=range(60))
    model = regression(data, "x", "k", "g")
    with pytest.raises(QuestionError, match=r"'k' has 60 different values.*no groups"):
        check_groups(model, data, "k")
    for name in ("x", "nothing"):
        with pytest.raises(QuestionError, match=f"told apart by '{name}'.*no such variable"):
            subgroup_effects(model, random_posterior(model), data, name, prob=0.8)
    assert check_groups(model, data, "g").tolist() == [0.0, 1.0, 2.0]


# Curves


@pytest.mark.parametrize("case", ["binomial", "ordered with unequal steps", *list(CASES)[4:5]])
def test_a_curve_runs_through_both_averages_of_a_contrast(case):
    data, model, drawn = prepared(case)
    [(_, low, high)] = averages_by_hand(case, data, model, drawn)
    curve = dose_response(model, drawn, data, [1, 2, 3])
    assert curve.shape == (8, 3)
    assert curve[:, [0, 2]] == pytest.approx(np.stack([low, high], axis=1), rel=1e-11)
    headline = effects(model, drawn, data, prob=0.8)[0]
    assert curve[:, 2] - curve[:, 0] == pytest.approx(headline.draws, rel=1e-10)


@pytest.mark.parametrize("case", [c for c in CASES if raised("x")[0][0] == CASES[c][3][0][0]])
def test_a_curve_is_the_average_outcome_with_the_exposure_set_in_every_row(case):
    data, model, drawn = prepared(case)
    outcome, terms, more, _, predictor = CASES[case]
    where = [0.25, 3.0]
    settings = [("", *(lambda r, v=v: r | {"x": v} for v in where))]
    CASES["set"] = (outcome, terms, more, settings, predictor)
    try:
        [(_, *wanted)] = averages_by_hand("set", data, model, drawn)
    finally:
        del CASES["set"]
    found = dose_response(model, drawn, data, where)
    assert found == pytest.approx(np.stack(wanted, axis=1), rel=1e-11, abs=1e-12)


def test_a_curve_that_does_not_exist_is_refused():
    data, model, drawn = prepared("cells")
    with pytest.raises(ModelError, match="'g' is a category and has no curve"):
        dose_response(model, drawn, data, [0, 1])
    data, model, drawn = prepared("gaussian log")
    with pytest.raises(ModelError, match="logarithm of 'x', and 0 has none"):
        dose_response(model, drawn, data, [1, 0])


# Levels and digits


@pytest.mark.parametrize("family", ["gaussian", "bernoulli", "ordered", "cells"])
def test_the_regression_may_know_the_levels_in_another_order_than_the_table(family):
    data = table(g=GROUPS, h=SIDES, y=GRADES if family == "ordered" else Y01)
    grades = {"grades": (1.0, 2.0, 4.0)} if family == "ordered" else {}
    found = {}
    for order in (("a", "b", "c"), ("c", "a", "b")):
        part = Categorical("g", order)
        terms = [Interaction((part, H))] if family == "cells" else [part, Interaction((part, H))]
        model = regression_of(terms, family=family, exposure="g", **grades)
        value = {
            name: math.sin(sum(map(ord, name))) / 3 + 0.5 for name in model.coefficient_names
        } | {"cut[1|2]": -0.3, "cut[2|4]": 0.4}
        draws = np.array([[[value[name] for name in model.coefficient_names]] * 2])
        for effect in effects(model, posterior(model, draws), data, prob=0.8):
            if "ratio" not in effect.scale:
                found[effect.contrast] = effect.mean
    assert set(found) == {"b - a", "c - a", "a - c", "b - c"}
    assert found["a - c"] == pytest.approx(-found["c - a"])
    assert found["b - c"] == pytest.approx(found["b - a"] - found["c - a"])
    assert abs(found["b - a"] - found["c - a"]) > 1e-3


def test_far_from_zero_a_slope_keeps_every_digit():
    far = 1e15 + np.arange(12.0)
    data = table(x=far, z=Z, y=Z)
    terms = [X, ZZ, Interaction((X, ZZ))]
    model = regression_of(terms)
    drawn = random_posterior(model)
    [effect] = effects(model, drawn, data, prob=0.8)
    assert effect.weights == pytest.approx({"x": 1.0, "x:z": np.mean(Z)}, rel=1e-14)
    [effect] = effects(regression(data, "x", "z"), drawn, data, prob=0.8)
    assert effect.weights == {"x": 1.0}
    assert np.array_equal(effect.draws, drawn.draws[:, :, 1].ravel())
    two = table(x=[1e15, 1e15 + 2] * 6, z=Z, y=Z)
    [effect] = effects(model, drawn, two, prob=0.8)
    assert effect.weights == pytest.approx({"x": 2.0, "x:z": 2 * np.mean(Z)}, rel=1e-14)


def test_far_from_zero_a_logarithm_keeps_its_digits_too():
    data = table(x=1e12 + np.arange(12.0), y=Z)
    model = regression_of([Log("x")])
    [effect] = effects(model, random_posterior(model), data, prob=0.8)
    wanted = np.mean([math.log1p(1 / x) for x in data["x"].values])
    assert effect.weights == pytest.approx({"log(x)": wanted}, rel=1e-12, abs=0)


def test_an_effect_beyond_all_bounds_is_left_out():
    data = table(x=[0, 1] * 6, y=COUNTS)
    model = regression(data, "x", family="poisson")
    huge = posterior(model, np.array([[[0.0, 1e4], [0.0, 0.5]]]))
    assert effects(model, huge, data, prob=0.8) == ()
    tiny = posterior(model, np.array([[[-800.0, 800.0], [0.0, 0.5]]]))
    assert [e.scale for e in effects(model, tiny, data, prob=0.8)] == ["outcome"]

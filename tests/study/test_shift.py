"""The shift: paired, prior-free, and as uncertain as it says.

Reference for the refits is numpy's `lstsq` on rows multiplied by the root of their weights, one
draw at a time; for the jackknife, fits without each row in turn. For the other families it is
`maximised`: the weighted log likelihood as the textbook writes it, climbed anew each time.
"""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import causal.study.shift as module
from causal.errors import ModelError
from causal.models.assembly import offsets_on, terms_on
from causal.models.families import FAMILIES
from causal.models.formula import parse
from causal.models.priors import Distribution, PriorChoice, Priors, resolve
from causal.models.regression import Regression
from causal.models.terms import Categorical, Interaction, Numeric
from causal.study.shift import Shift, from_priors, shifts, verdict
from tests.study.test_effects import table

NORMAL = Distribution("Normal", (0.0, 1.0))
FLAT = Distribution("Flat", ())
SIGMA = {name: {"sigma": 1.0} for name in ("correct", "naive", "other", "plain", "separated")}


def named(data, *predictors, name="naive", family="gaussian", prior=NORMAL, intercept=True):
    """Of y on plain predictors, the exposure first, with one prior for each coefficient."""
    terms = tuple(
        Categorical(p, data[p].levels) if data[p].kind == "category" else Numeric(p)
        for p in predictors
    )
    groups = tuple((prior,) * len(getattr(term, "levels", "x")) for term in terms)
    scale = (("sigma", Distribution("Exponential", (1.0,))),) if family == "gaussian" else ()
    priors = Priors(prior if intercept else None, (), groups, scale)
    return Regression(name, "y", predictors[0], terms, family, priors)


def shift(data, correct, naive, *, prob=0.89, seed=1, draws=2000, family="gaussian", **more):
    """Of y on `naive` from y on `correct`, both tuples of predictors."""
    found = shifts(
        named(data, *correct, name="correct", family=family, **more),
        [named(data, *naive, family=family, **more)],
        data,
        prob=prob,
        seed=seed,
        draws=draws,
        held=SIGMA,
    )
    return found["naive"]


def fork(n, seed=0, tight=1.0, effect=0.5):
    """x <- z -> y, x -> y; the naive shift is 1 / (1 + tight^2) for noise `tight` in x."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x = z + tight * rng.normal(size=n)
    return {"x": x, "z": z, "y": effect * x + z + rng.normal(size=n)}


def fit_of(data, *predictors, family="gaussian", **more):
    return module._fit(named(data, *predictors, family=family, **more), data, {"sigma": 1.0})


def dirichlet(draws, n, seed=5):
    weights = np.random.default_rng(seed).standard_exponential((draws, n))
    return weights * (n / weights.sum(axis=1, keepdims=True))


def reweighted(fit, weights):
    return fit.effects(fit.weighted(weights, slice(None)))


# ------------------------------------------------------------------------------------------------
# One draw
# ------------------------------------------------------------------------------------------------

GROUPS = np.random.default_rng(8).choice(["a", "b", "c"], 60)
RNG = np.random.default_rng(9)
HERD = RNG.normal(size=60)

LINEAR_CASES = {
    "numbers": ({"x": HERD, "z": RNG.normal(size=60) + HERD}, lambda c: [c["x"], c["z"]], 1.0),
    "two values": (
        {"x": 1 + 2 * (HERD > 0), "z": RNG.normal(size=60)},
        lambda c: [c["x"], c["z"]],
        2.0,
    ),
    "category exposure": (
        {"x": GROUPS, "z": RNG.normal(size=60)},
        lambda c: [c["x"] == "b", c["x"] == "c", c["z"]],
        1.0,
    ),
    "category covariate": (
        {"x": HERD, "g": GROUPS},
        lambda c: [c["x"], c["g"] == "b", c["g"] == "c"],
        1.0,
    ),
    "nearly collinear": (
        {"x": 3 * HERD + 0.1 * RNG.normal(size=60), "z": HERD},
        lambda c: [c["x"], c["z"]],
        1.0,
    ),
    "far from zero": (
        {"x": 1e6 + HERD, "z": 1e-3 * RNG.normal(size=60)},
        lambda c: [c["x"] - 1e6, c["z"]],
        1.0,
    ),
}


@pytest.mark.parametrize("case", LINEAR_CASES)
def test_every_draw_is_the_weighted_least_squares_fit(case):
    columns, by_hand, step = LINEAR_CASES[case]
    y = np.random.default_rng(2).normal(size=60) + HERD
    data = table(**columns, y=y)
    fit = fit_of(data, *columns)
    weights = dirichlet(20, 60)
    x = np.column_stack([np.ones(60), *by_hand(columns)]).astype(float)
    wanted = [
        step * np.linalg.lstsq(np.sqrt(w)[:, None] * x, np.sqrt(w) * y, rcond=None)[0][1]
        for w in weights
    ]
    assert reweighted(fit, weights) == pytest.approx(wanted, rel=1e-8)
    assert fit.effect == pytest.approx(step * np.linalg.lstsq(x, y, rcond=None)[0][1], rel=1e-8)


@pytest.mark.parametrize("predictors", [("x", "z"), ("x",), ("x", "g"), ("g", "x")])
def test_without_an_intercept_every_draw_is_still_the_weighted_fit(predictors):
    data = table(x=1 + HERD, z=RNG.normal(size=60), g=GROUPS, y=HERD**2)
    fit = fit_of(data, *predictors, intercept=False)
    levels = [(level == GROUPS).astype(float) for level in "abc"]
    parts = {"x": [1 + HERD], "z": [data["z"].values], "g": levels}
    x = np.column_stack([column for name in predictors for column in parts[name]])
    root = np.sqrt(dirichlet(20, 60))
    wanted = [np.linalg.lstsq(r[:, None] * x, r * HERD**2, rcond=None)[0] for r in root]
    effect = [b[1] - b[0] if predictors[0] == "g" else b[0] for b in wanted]
    assert reweighted(fit, root**2) == pytest.approx(effect, rel=1e-9)


def test_a_model_that_keeps_its_priors_is_fitted_with_them_as_pseudo_rows():
    rng = np.random.default_rng(4)
    n = 6
    columns = {"x": 5 + rng.normal(size=n), **{f"z{j}": rng.normal(size=n) for j in range(7)}}
    g = np.array(["a", "b", "a", "b", "a", "b"])
    data = table(**columns, g=g, y=rng.normal(size=n))
    prior = Distribution("Normal", (0.3, 2.0))
    model = named(data, *columns, "g", prior=prior)
    fit = module._fit(model, data, {"sigma": 0.7})
    assert fit.note is not None
    assert "'naive'" in fit.note
    assert "no more rows than coefficients" in fit.note

    x = np.column_stack([np.ones(n), *columns.values(), g == "a", g == "b"]).astype(float)
    k = x.shape[1]
    stacked_y = np.concatenate([data["y"].values, np.full(k, 0.3) * 0.7 / 2.0])
    for w in [np.ones(n), *dirichlet(10, n)]:
        root = np.sqrt(w)[:, None]
        stacked = np.concatenate([root * x, np.eye(k) * 0.7 / 2.0])
        rows = np.concatenate([root[:, 0] * stacked_y[:n], stacked_y[n:]])
        wanted = np.linalg.lstsq(stacked, rows, rcond=None)[0][1]
        assert reweighted(fit, w[None])[0] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("n", [6, 40])
def test_the_weights_of_all_draws_have_mean_one_beside_the_priors(n):
    columns = {f"x{j}": np.random.default_rng(j).normal(size=n) for j in range(8)}
    data = table(**columns, y=np.random.default_rng(4).normal(size=n))
    fit = fit_of(data, *columns)
    [drawn] = module._effect_draws([fit], n, 50, seed=5)
    assert drawn == pytest.approx(reweighted(fit, dirichlet(50, n, seed=5)), rel=1e-9)


def logistic_case(n, seed, kind):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    if kind == "binary":
        x = (x > 0).astype(float)
    eta = 0.5 * x + z - 0.5
    if kind == "category":
        x = np.where(x > 0.7, "c", np.where(x > -0.7, "b", "a"))
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    return {"x": x, "z": z, "y": y}


def arrays(data):
    """Design, and the same at the high and the low setting of x, by hand."""
    x, z = data["x"], data["z"].values
    ones = np.ones(data.rows)
    if x.kind == "category":
        ends = [[x.values == 1, x.values == 2], [ones, 0 * ones], [0 * ones, 0 * ones]]
    elif x.kind == "binary":
        ends = [[x.values], [ones], [0 * ones]]
    else:
        ends = [[x.values], [x.values + 1], [x.values]]
    return [np.column_stack([ones, *end, z]).astype(float) for end in ends]


def expit(eta):
    return 1 / (1 + np.exp(-eta))


def maximum_likelihood(x, y, w):
    b = np.zeros(x.shape[1])
    for _ in range(40):
        p = expit(x @ b)
        b = b + np.linalg.solve((x * (w * p * (1 - p))[:, None]).T @ x, x.T @ (w * (y - p)))
    return b


KINDS = ["number", "binary", "category"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_logistic_draw_is_one_newton_step_and_standardized_up_to_the_third_order(kind):
    data = table(**logistic_case(300, 6, kind))
    x, high, low = arrays(data)
    y = data["y"].values
    b = maximum_likelihood(x, y, np.ones(300))
    fit = fit_of(data, "x", "z", family="bernoulli")
    assert fit.effect == pytest.approx((expit(high @ b) - expit(low @ b)).mean(), abs=1e-11)

    p = expit(x @ b)
    away = dirichlet(20, 300) - 1.0
    errors = []
    for size in (0.5, 0.25):
        weights = 1.0 + size * away
        wanted = []
        for w in weights:
            hessian = (x * (w * p * (1 - p))[:, None]).T @ x
            c = b + np.linalg.solve(hessian, x.T @ (w * (y - p)))
            wanted.append(w @ (expit(high @ c) - expit(low @ c)) / w.sum())
        errors.append(np.abs(reweighted(fit, weights) - wanted))
    spread = np.std(wanted)
    assert np.median(errors[1]) < 0.005 * spread
    assert np.median(errors[0] / errors[1]) == pytest.approx(8.0, rel=0.25)


# ------------------------------------------------------------------------------------------------
# The jackknife
# ------------------------------------------------------------------------------------------------


def without_each_row(columns, correct, naive, **more):
    """The shift without row i, refitted from scratch, for every i."""
    n = len(columns["y"])
    found = []
    for i in range(n):
        data = table(**{name: np.delete(np.asarray(v), i) for name, v in columns.items()})
        ends = [fit_of(data, *names, **more).effect for names in (naive, correct)]
        found.append(ends[0] - ends[1])
    return np.array(found)


def test_the_sd_of_a_linear_shift_is_that_of_leaving_each_row_out():
    columns = {**fork(40, 3), "g": np.random.default_rng(1).choice(["a", "b"], 40)}
    data = table(**columns)
    for correct, naive in [(("x", "z"), ("x",)), (("x", "z"), ("x", "g")), (("g", "z"), ("g",))]:
        found = shift(data, correct, naive)
        left = without_each_row(columns, correct, naive)
        assert found.sd == pytest.approx(np.linalg.norm(found.mean - left), rel=1e-9)
        assert found.draws.std() == pytest.approx(found.sd, rel=1e-12)
        assert found.draws.mean() == pytest.approx(found.mean, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "tolerance"), [(60, 0.05), (300, 0.01)])
def test_the_sd_of_a_logistic_shift_is_that_of_leaving_each_row_out(kind, n, tolerance):
    columns = logistic_case(n, 12, kind)
    data = table(**columns)
    found = shift(data, ("x", "z"), ("x",), family="bernoulli")
    left = without_each_row(columns, ("x", "z"), ("x",), family="bernoulli")
    assert found.sd == pytest.approx(np.linalg.norm(found.mean - left), rel=tolerance)
    # Row by row too, of one model: coefficients and average both lose the row.
    fit = fit_of(data, "x", "z", family="bernoulli")
    alone = [
        fit_of(
            table(**{k: np.delete(v, i) for k, v in columns.items()}), "x", "z", family="bernoulli"
        ).effect
        for i in range(0, n, 7)
    ]
    exact = fit.effect - np.array(alone)
    off = np.linalg.norm(fit.influence[::7] - exact) / np.linalg.norm(exact)
    assert off < 2 * tolerance


def test_a_row_that_only_fits_its_own_level_changes_nothing_when_it_goes():
    columns = {**fork(40, 3), "g": np.array(["lone"] + ["a", "b", "c"] * 13)}
    found = shift(table(**columns), ("x", "z", "g"), ("x", "g"))
    assert not found.kept_priors
    rest = {name: v[1:] for name, v in columns.items()}
    alone = shift(table(**rest), ("x", "z", "g"), ("x", "g"))
    assert found.mean == pytest.approx(alone.mean, rel=1e-9)
    assert found.sd == pytest.approx(alone.sd, rel=1e-9)


# ------------------------------------------------------------------------------------------------
# Every family and every term, against refits from the definitions
# ------------------------------------------------------------------------------------------------


def negative_log_likelihood(family, eta, y, cuts, known):
    """Of each row, up to a constant; takes complex numbers."""
    match family:
        case "gaussian":
            return 0.5 * (y - eta) ** 2 / known["sigma"] ** 2
        case "student":
            nu = known["nu"]
            return (nu + 1) / 2 * np.log(1 + ((y - eta) / known["sigma"]) ** 2 / nu)
        case "bernoulli" | "binomial":
            return known.get("trials", 1.0) * np.log(1 + np.exp(eta)) - y * eta
        case "poisson":
            return np.exp(eta) - y * eta
        case "negbinomial":
            return (y + known["alpha"]) * np.log(known["alpha"] + np.exp(eta)) - y * eta
        case "ordered":
            below = [0.0 * eta, *(expit(cut - eta) for cut in cuts), 0.0 * eta + 1.0]
            rows = np.arange(len(y)), y.astype(int)
            upper, lower = (np.stack(side, axis=1)[rows] for side in (below[1:], below[:-1]))
            return -np.log(upper - lower)
    raise AssertionError


def average(family, eta, cuts, grades, w):
    """The mean outcome over rows of weight w."""
    match family:
        case "gaussian" | "student":
            mean = eta
        case "bernoulli" | "binomial":
            mean = expit(eta)
        case "poisson" | "negbinomial":
            mean = np.exp(eta)
        case "ordered":
            below = [0.0, *(expit(cut - eta) for cut in cuts), 1.0]
            mean = sum(g * (b - a) for g, a, b in zip(grades, below[:-1], below[1:], strict=True))
    return w @ mean / w.sum()


def maximised(family, x, y, w, start, *, cuts=0, offset=0.0, prior=None, known):
    """The coefficients of greatest weighted likelihood: cutpoints, then those of the columns.

    `prior`: rows P and targets t of a penalty ``|P theta - t|^2 / 2``.
    """

    k = cuts + x.shape[1]
    # A row's likelihood has the cutpoints and eta for arguments, which are linear in theta.
    constant = [np.tile(np.eye(k)[cut], (len(y), 1)) for cut in range(cuts)]
    linear = [*constant, np.pad(x, [(0, 0), (cuts, 0)])]
    penalty, target = (np.zeros((0, k)), np.zeros(0)) if prior is None else prior
    places = range(cuts + 1)

    def rows(arguments):
        return negative_log_likelihood(family, arguments[-1], y, arguments[:-1], known)

    def moved(arguments, place, by):
        return [one + by * (place == number) for number, one in enumerate(arguments)]

    def slopes(arguments):  # by a complex step: exact
        return [rows(moved(arguments, place, 1e-30j)).imag / 1e-30 for place in places]

    def at(theta):
        found = [matrix @ theta for matrix in linear]
        return [*found[:-1], found[-1] + offset]

    def loss(theta):
        return w @ rows(at(theta)) + ((penalty @ theta - target) ** 2).sum() / 2

    theta, h = start, 1e-5
    for _ in range(60):
        here = at(theta)
        gradient = penalty.T @ (penalty @ theta - target)
        gradient += sum(m.T @ (w * one) for m, one in zip(linear, slopes(here), strict=True))
        hessian = penalty.T @ penalty
        for place in places:
            ends = (slopes(moved(here, place, by)) for by in (h, -h))
            for other, (up, down) in enumerate(zip(*ends, strict=True)):
                bend = w * (up - down) / (2 * h)
                hessian = hessian + linear[other].T @ (bend[:, None] * linear[place])
        step = -np.linalg.solve(hessian, gradient)
        before = loss(theta)
        with np.errstate(invalid="ignore", over="ignore"):  # too long a step
            while not loss(theta + step) <= before + 1e-10 * abs(before):
                step = step / 2
                assert np.max(np.abs(step)) > 1e-12
        theta = theta + step
        if np.max(np.abs(step)) < 1e-9:
            return theta
    raise AssertionError


KNOWN = {"sigma": 1.2, "nu": 4.0, "alpha": 2.0}


def held_of(model, **more):
    """Values for all that the shift takes as known."""
    known = KNOWN | more
    return {name: known[name] for name in model.other_names if not name.startswith("cut[")} | {
        name: 0.0 for name in model.other_names if name.startswith("cut[")
    }


def modelled(data, formula, family, *, name="naive", preset="default"):
    """As `causal run` builds it."""
    right = parse(formula)
    terms, offsets = terms_on(right, "x", data), offsets_on(right, data)
    trials = "t" if family == "binomial" else None
    grades = tuple(np.unique(data["y"].values)) if family == "ordered" else ()
    priors = resolve(
        PriorChoice(preset),
        terms,
        "y",
        family,
        data,
        intercept=right.intercept,
        offsets=offsets,
        trials=trials,
        grades=grades,
    )
    return Regression(name, "y", "x", terms, family, priors, offsets, trials, grades)


def population(family, n, seed, exposure="number"):
    """Rows with a confounder z far from zero, groups g and h, trials t, a time of watching e."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=n)
    x = u + rng.normal(size=n)
    g, h = (np.array(list(labels))[rng.integers(0, len(labels), n)] for labels in ("abc", "pqrs"))
    eta = 0.4 * x + 0.3 * u + 0.4 * (g == "b")
    if exposure == "two values":
        x = 1.0 + 2.0 * (x > 0)
    if exposure == "category":
        x = np.where(x > 0.7, "v", np.where(x > -0.7, "u", "w"))
    t = rng.integers(1, 8, n)
    y = {
        "gaussian": lambda: eta + rng.normal(size=n),
        "student": lambda: eta + rng.standard_t(4, size=n),
        "bernoulli": lambda: rng.random(n) < expit(eta),
        "binomial": lambda: rng.binomial(t, expit(eta)),
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "negbinomial": lambda: rng.negative_binomial(2, 2 / (2 + np.exp(eta))),
        # grades whose distances differ
        "ordered": lambda: np.array([1, 2, 4])[
            np.digitize(eta + rng.logistic(size=n), [-0.5, 1.0])
        ],
    }[family]()
    e = np.exp(0.3 * rng.normal(size=n))
    return {"x": x, "z": u + 5.0, "g": g, "h": h, "t": t, "e": e, "y": np.asarray(y, float)}


def levels(values, labels):
    return [(values == label).astype(float) for label in labels]


def slopes_by_h(c):
    """Intercepts and slopes in each level of h, at the mean of x as the priors are."""
    inside = levels(c["h"], "pqrs")
    return [*inside, *((c["x"] - c["mean of x"]) * level for level in inside)]


def correlated(_):
    """sd .5 and .8, correlation .3: the root of the precision, for four levels each."""
    covariance = np.array([[0.25, 0.12], [0.12, 0.64]])
    return np.kron(np.linalg.cholesky(np.linalg.inv(covariance)).T, np.eye(4))


SPREAD = {"sd(1|h)": 0.5, "sd(x|h)": 0.8, "cor(1,x|h)": 0.3, "sd(1|g)": 0.4}

# Formula: the columns beside the constant, by hand; those at the end are penalised.
FORMS = {
    "y ~ x + z": (
        lambda c: [*(levels(c["x"], "vw") if c["x"].dtype.kind == "U" else [c["x"]]), c["z"]],
        None,
    ),
    "y ~ x * z": (lambda c: [c["x"], c["z"], c["x"] * c["z"]], None),
    "y ~ poly(x, 2) + z": (lambda c: [c["x"], c["x"] ** 2, c["z"]], None),
    "y ~ log(e) * x + offset(log(t))": (
        lambda c: [c["x"], np.log(c["e"]), np.log(c["e"]) * c["x"]],
        None,
    ),
    "y ~ x * g": (
        lambda c: [
            c["x"],
            *levels(c["g"], "bc"),
            *(c["x"] * level for level in levels(c["g"], "bc")),
        ],
        None,
    ),
    "y ~ x + z + (1 | g)": (
        lambda c: [c["x"], c["z"], *levels(c["g"], "abc")],
        lambda _: np.eye(3) / 0.4,
    ),
    "y ~ z + x + (x | h)": (lambda c: [c["z"], c["x"], *slopes_by_h(c)], correlated),
}
SCALED = [family for family in FAMILIES if family != "cells"]


class ByHand:
    """One regression of `population`, refitted from its definition."""

    def __init__(self, family, formula, columns, exposure="number"):
        self.family, self.n = family, len(columns["y"])
        build, penalty = FORMS[formula]
        columns = dict(columns)
        if formula.endswith("(x | h)"):
            columns["mean of x"] = columns["x"].mean()
        ends = {
            "number": lambda: (columns["x"] + 1.0, columns["x"]),
            "two values": lambda: (np.full(self.n, 3.0), np.full(self.n, 1.0)),
            "category": lambda: (np.full(self.n, "v"), np.full(self.n, "u")),
        }[exposure]()
        constant = [] if family == "ordered" else [np.ones(self.n)]
        self.x, self.high, self.low = (
            np.column_stack([*constant, *build(columns | {"x": x})]) for x in (columns["x"], *ends)
        )
        self.y, self.grades, self.cuts = columns["y"], None, 0
        if family == "ordered":
            self.grades, self.y = np.unique(columns["y"], return_inverse=True)
            self.cuts = len(self.grades) - 1
        self.offset = np.log(columns["t"]) if "offset" in formula else np.zeros(self.n)
        self.trials = columns["t"] if family == "binomial" else np.ones(self.n)
        self.coefficients = self.cuts + self.x.shape[1]
        self.prior = None
        if penalty is not None:
            rows = penalty(columns)
            rows = np.pad(rows, [(0, 0), (self.coefficients - rows.shape[1], 0)])
            self.prior = rows, np.zeros(len(rows))
        self.start = np.zeros(self.coefficients)
        self.start[: self.cuts] = np.linspace(-1.0, 1.0, self.cuts)
        self.start = self.fit(np.ones(self.n))

    def fit(self, w):
        return maximised(
            self.family,
            self.x,
            self.y,
            w,
            self.start,
            cuts=self.cuts,
            offset=self.offset,
            prior=self.prior,
            known=KNOWN | {"trials": self.trials},
        )

    def effect(self, w):
        """Of a literal refit by weights; a row of weight 0 is gone."""
        theta = self.fit(w)
        high, low = (
            average(
                self.family,
                end @ theta[self.cuts :] + self.offset,
                theta[: self.cuts],
                self.grades,
                w * self.trials,
            )
            for end in (self.high, self.low)
        )
        return high - low

    def jackknife(self):
        whole = np.ones((self.n, self.n)) - np.eye(self.n)
        return self.effect(np.ones(self.n)) - np.array([self.effect(w) for w in whole])


CASES = [
    *((family, formula, "number") for family in SCALED for formula in FORMS),
    *((f, "y ~ x + z", kind) for f in SCALED for kind in ("two values", "category")),
]


def compared_by_hand(family, formula, exposure, n=60):
    columns = population(family, n, 7, exposure)
    data = table(**columns)
    model = modelled(data, formula, family)
    fit = module._fit(model, data, held_of(model, **SPREAD))
    assert fit.note is None
    return fit, ByHand(family, formula, columns, exposure)


@pytest.mark.parametrize(("family", "formula", "exposure"), CASES)
def test_a_draw_is_the_weighted_refit_up_to_the_square_of_how_far_the_weights_go(
    family, formula, exposure
):
    fit, hand = compared_by_hand(family, formula, exposure)
    assert fit.effect == pytest.approx(hand.effect(np.ones(hand.n)), rel=1e-8)
    away = dirichlet(5, hand.n) - 1.0
    if family == "gaussian":
        wanted = [hand.effect(1.0 + one) for one in away]
        assert reweighted(fit, 1.0 + away) == pytest.approx(wanted, rel=1e-8)
        return
    errors = []
    for size in (0.01, 0.005):
        wanted = [hand.effect(1.0 + size * one) for one in away]
        errors.append(np.linalg.norm(reweighted(fit, 1.0 + size * away) - wanted))
    # A wrong score or a wrong information would leave errors in proportion: 2, not 4.
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize(("family", "formula", "exposure"), CASES)
def test_the_influence_of_a_row_is_what_the_effect_loses_without_it(family, formula, exposure):
    fit, hand = compared_by_hand(family, formula, exposure)
    exact = hand.jackknife()
    size = np.linalg.norm(exact)
    # One Newton step is off by about the leverage, k / n of which a row has on average.
    off = 1e-7 if family == "gaussian" else hand.coefficients / hand.n
    assert np.linalg.norm(fit.influence - exact) < off * size
    assert np.linalg.norm(fit.influence) == pytest.approx(size, rel=off / 2)


def test_rows_that_move_the_fit_far_are_left_out_in_earnest(monkeypatch):
    rng = np.random.default_rng(1)
    z = rng.normal(size=40)
    x = z + rng.normal(size=40)
    columns = {"x": x, "z": z, "y": (rng.random(40) < expit(0.5 * x - 3)).astype(float)}
    assert columns["y"].sum() == 3.0
    data = table(**columns)
    exact = ByHand("bernoulli", "y ~ x + z", columns).jackknife()
    fit = fit_of(data, "x", "z", family="bernoulli")
    assert np.linalg.norm(fit.influence) == pytest.approx(np.linalg.norm(exact), rel=0.01)
    monkeypatch.setattr(module, "FAR", math.inf)
    step = fit_of(data, "x", "z", family="bernoulli")
    assert np.linalg.norm(step.influence) < 0.7 * np.linalg.norm(exact)


# ------------------------------------------------------------------------------------------------
# Cells
# ------------------------------------------------------------------------------------------------

BETA = Distribution("Beta", (1.5, 3.0))


def in_cells(data, *names, name="naive"):
    """A probability for each combination of categories, the exposure first."""
    parts = tuple(Categorical(n, data[n].levels) for n in names)
    term = parts[0] if len(parts) == 1 else Interaction(parts)
    count = math.prod(len(part.levels) for part in parts)
    return Regression(name, "y", "x", (term,), "cells", Priors(None, (), ((BETA,) * count,)))


def celled(n, seed=3):
    rng = np.random.default_rng(seed)
    z = rng.choice(["p", "q", "r"], n)
    x = np.where(rng.random(n) < 0.3 + 0.4 * (z == "q"), "treated", "control")
    y = (rng.random(n) < 0.2 + 0.2 * (x == "treated") + 0.3 * (z == "q")).astype(float)
    return {"x": x, "z": z, "y": y}


def standardised(columns, w, others=("z",), prior=(0.0, 0.0)):
    """The effect from the shares of the cells, stratum by stratum."""
    x, y = columns["x"], columns["y"]
    strata = [tuple(columns[name][i] for name in others) for i in range(len(y))]
    total = 0.0
    for stratum in set(strata):
        inside = np.array([one == stratum for one in strata])
        ends = []
        for level in ("treated", "control"):
            cell = w * (inside & (x == level))
            ends.append((cell @ y + prior[0]) / (cell.sum() + sum(prior)))
        total += w[inside].sum() * (ends[0] - ends[1])
    return total / w.sum()


def test_draws_and_influence_of_cells_are_exact():
    columns = celled(70)
    data = table(**columns)
    for others in (("z",), ()):
        fit = module._fit(in_cells(data, "x", *others), data, {})
        assert fit.note is None
        ones = np.ones(70)
        assert fit.effect == pytest.approx(standardised(columns, ones, others), rel=1e-12)
        weights = dirichlet(20, 70)
        wanted = [standardised(columns, w, others) for w in weights]
        assert reweighted(fit, weights) == pytest.approx(wanted, rel=1e-10)
        left = [standardised(columns, ones - row, others) for row in np.eye(70)]
        assert fit.influence == pytest.approx(fit.effect - np.array(left), rel=1e-9)


def test_cells_agree_with_least_squares_on_their_indicators():
    columns = celled(200)
    data = table(**columns)
    found = shifts(
        in_cells(data, "x", "z", name="correct"),
        [in_cells(data, "x")],
        data,
        prob=0.89,
        seed=1,
        held={"correct": {}, "naive": {}},
    )["naive"]
    linear = shifts(
        modelled(data, "y ~ x * z", "gaussian", name="correct"),
        [modelled(data, "y ~ x", "gaussian")],
        data,
        prob=0.89,
        seed=1,
        held=SIGMA,
    )["naive"]
    assert found.mean == pytest.approx(linear.mean, rel=1e-9)
    assert found.sd == pytest.approx(linear.sd, rel=1e-9)
    assert found.draws == pytest.approx(linear.draws, abs=1e-9)


def test_a_cell_without_rows_keeps_its_prior_mean_and_both_models_their_priors():
    columns = celled(60)
    gone = (columns["x"] == "treated") & (columns["z"] == "r")
    columns = {name: values[~gone] for name, values in columns.items()}
    data = table(**columns)
    n = data.rows
    models = [in_cells(data, "x", "z", name="correct"), in_cells(data, "x")]
    held = {"correct": {}, "naive": {}}
    [found] = shifts(models[0], models[1:], data, prob=0.89, seed=1, held=held).values()
    assert found.kept_priors
    assert "some combination of its categories has no rows" in found.note
    effects = [
        standardised(columns, np.ones(n), others, BETA.parameters) for others in (("z",), ())
    ]
    assert found.mean == pytest.approx(effects[1] - effects[0], rel=1e-12)
    fit = module._fit(models[0], data, {})
    left = [standardised(columns, 1 - row, ("z",), BETA.parameters) for row in np.eye(n)]
    assert fit.influence == pytest.approx(fit.effect - np.array(left), rel=1e-9)
    weights = dirichlet(5, n)
    wanted = [standardised(columns, w, ("z",), BETA.parameters) for w in weights]
    assert reweighted(fit, weights) == pytest.approx(wanted, rel=1e-10)


def test_a_cell_that_the_contrast_does_not_need_may_be_empty_or_hold_one_row():
    columns = celled(60)
    spare = {"x": ["unknown"], "z": ["p"], "y": [1.0]}
    columns = {name: np.concatenate([spare[name], values]) for name, values in columns.items()}
    data = table(**columns)
    fit = module._fit(in_cells(data, "x", "z"), data, {})
    assert fit.note is None
    ones = np.ones(61)
    assert fit.effect == pytest.approx(standardised(columns, ones), rel=1e-12)
    left = [standardised(columns, ones - row) for row in np.eye(61)]
    assert fit.influence == pytest.approx(fit.effect - np.array(left), rel=1e-9)


def test_the_effect_of_a_cell_of_one_row_hangs_on_that_row():
    columns = celled(60)
    kept = ~((columns["x"] == "treated") & (columns["z"] == "r"))
    kept[np.flatnonzero(~kept)[0]] = True
    data = table(**{name: values[kept] for name, values in columns.items()})
    fit = module._fit(in_cells(data, "x", "z"), data, {})
    assert "one row alone" in fit.note


def test_very_many_cells_are_no_burden():
    rng = np.random.default_rng(1)
    n = 9_000
    g, h = (rng.choice([f"{i:02}" for i in range(60)], n) for _ in range(2))
    x = rng.choice(["control", "treated"], n)
    y = (rng.random(n) < 0.4).astype(float)
    columns = {"x": x, "g": g, "h": h, "y": y}
    data = table(**columns)
    fit = module._fit(in_cells(data, "x", "g", "h"), data, {})
    assert fit.sums() > 10_000
    [drawn] = module._effect_draws([fit], n, 20, 1)
    w = np.random.default_rng(1).standard_exponential((20, n))
    prior = BETA.parameters
    stratum = np.unique(np.char.add(g, h), return_inverse=True)[1]
    ends = []
    for level in ("treated", "control"):
        inside = w[0] * (x == level)
        weight = n / w[0].sum()
        hits, total = (weight * np.bincount(stratum, inside * one) for one in (y, 1.0))
        ends.append((hits + prior[0]) / (total + sum(prior)))
    wanted = np.bincount(stratum, w[0]) @ (ends[0] - ends[1]) / w[0].sum()
    assert drawn[0] == pytest.approx(wanted, rel=1e-9)


# ------------------------------------------------------------------------------------------------
# The whole
# ------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    data = table(**fork(200))
    first, again, other = (shift(data, ("x", "z"), ("x",), seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.draws, again.draws)
    assert not np.array_equal(first.draws, other.draws)
    assert (first.mean, first.sd) == (other.mean, other.sd)
    assert first.interval == pytest.approx(other.interval, abs=0.2 * first.sd)


def test_the_interval_holds_the_asked_share_of_the_draws():
    data = table(**fork(200))
    for prob in (0.5, 0.89, 0.99):
        found = shift(data, ("x", "z"), ("x",), prob=prob)
        low, high = found.interval
        assert found.prob == prob
        assert np.mean((found.draws >= low) & (found.draws <= high)) == pytest.approx(
            prob, abs=1e-3
        )


def test_a_wild_draw_does_not_shorten_the_interval_of_the_others():
    fit = fit_of(table(**fork(100)), "x", "z")
    naive = fit_of(table(**fork(100)), "x")
    drawn = np.random.default_rng(1).normal(size=2000)
    plain = module._shift(fit, naive, drawn, 0.89)
    wild = module._shift(fit, naive, np.append(drawn, [40.0, -60.0]), 0.89)
    assert np.diff(wild.interval) == pytest.approx(np.diff(plain.interval), rel=0.01)
    assert wild.draws.std() == pytest.approx(wild.sd, rel=1e-12)


def test_each_model_gets_the_shift_it_would_get_alone():
    data = table(**fork(200), w=np.random.default_rng(4).normal(size=200))
    models = [named(data, "x", name="naive"), named(data, "x", "w", name="other")]
    correct = named(data, "x", "z", name="correct")
    both = shifts(correct, models, data, prob=0.89, seed=1, held=SIGMA)
    assert list(both) == ["naive", "other"]
    for model in models:
        [alone] = shifts(correct, [model], data, prob=0.89, seed=1, held=SIGMA).values()
        assert both[model.name].draws == pytest.approx(alone.draws, rel=1e-10)


def test_nothing_to_compare_is_no_shift():
    data = table(**fork(20))
    assert shifts(named(data, "x"), [], data, prob=0.89, seed=1, held=SIGMA) == {}


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_how_many_draws_are_held_at_once_changes_their_order_only(monkeypatch, family):
    columns = logistic_case(150, 6, "number")
    data = table(**columns)
    whole = shift(data, ("x", "z"), ("x",), family=family, draws=1000)
    monkeypatch.setattr(module, "SUMS", 3_000)
    monkeypatch.setattr(module, "WEIGHTS", 1_000)
    parts = shift(data, ("x", "z"), ("x",), family=family, draws=1000)
    assert len(parts.draws) == 1000
    assert (parts.mean, parts.sd) == (whole.mean, whole.sd)
    assert parts.interval == pytest.approx(whole.interval, abs=0.2 * whole.sd)


def test_units_of_measurement_only_rescale_the_shift():
    columns = fork(100)
    plain = shift(table(**columns), ("x", "z"), ("x",))
    scaled = {"x": 1e5 * columns["x"], "z": columns["z"] + 1e4, "y": 1e-3 * columns["y"] + 7}
    other = shift(table(**scaled), ("x", "z"), ("x",))
    assert other.draws * 1e8 == pytest.approx(plain.draws, rel=1e-7)


def test_a_model_of_the_posterior_priors_has_no_say_in_the_shift():
    data = table(**fork(50))
    strong, weak = (
        shift(data, ("x", "z"), ("x",), prior=Distribution("Normal", (3.0, s))) for s in (1e-3, 10)
    )
    assert np.array_equal(strong.draws, weak.draws)
    assert not strong.kept_priors
    assert strong.note is None


@pytest.mark.parametrize("tight", [1.0, 0.1])
def test_a_fork_left_open_misleads_by_the_known_amount(tight):
    found = shift(table(**fork(1000, tight=tight)), ("x", "z"), ("x",))
    truth = 1 / (1 + tight**2)
    assert abs(found.mean - truth) < 3 * found.sd
    assert verdict(found, valid=False, checks_passed=True) == "misleads"


def test_a_collider_misleads_by_the_known_amount():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 1000))
    data = table(x=x, y=y, c=x + y + rng.normal(size=1000))
    found = shift(data, ("x",), ("x", "c"))
    assert abs(found.mean + 0.5) < 3 * found.sd  # y | x, c: slope of x is -1/2
    assert verdict(found, valid=False, checks_passed=True) == "misleads"


def test_two_valid_sets_agree():
    rng = np.random.default_rng(1)
    columns = fork(1000)
    data = table(**columns, w=rng.normal(size=1000))
    found = shift(data, ("x", "z"), ("x", "z", "w"))
    assert verdict(found, valid=True, checks_passed=True) == "agrees"


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("n", [50, 20_000])
def test_two_ways_to_write_one_fit_are_no_shift(family, n):
    columns = logistic_case(n, 3, "number")
    data = table(**columns, z2=1000 * columns["z"] + 5e3, z3=columns["z"] + 1e-10 * columns["x"])
    for other in ("z2", "z3"):
        found = shift(data, ("x", "z"), ("x", other), family=family)
        assert abs(found.mean) <= found.rounding
        assert verdict(found, valid=True, checks_passed=True) == "agrees"
        assert verdict(found, valid=False, checks_passed=True) == "cannot tell"


def test_a_perfect_fit_is_neither_accused_nor_accuses():
    columns = fork(50)
    data = table(x=columns["x"], z=columns["z"], y=columns["x"] + columns["z"], w=columns["y"])
    found = shift(data, ("x", "z"), ("x", "z", "w"))
    assert verdict(found, valid=True, checks_passed=True) == "agrees"
    assert verdict(found, valid=False, checks_passed=True) == "cannot tell"


# ------------------------------------------------------------------------------------------------
# Where there is no prior-free fit
# ------------------------------------------------------------------------------------------------


def hopeless(kind):
    rng = np.random.default_rng(2)
    x, z, y = rng.normal(size=(3, 30))
    both = (rng.random(30) < 0.5).astype(float)
    match kind:
        case "complete separation":
            return {"x": x, "z": z, "y": (z > 0).astype(float)}, "bernoulli"
        case "quasi-separation":
            g = np.array(["a", "b", "c"] * 10)
            return {"x": x, "z": g, "y": np.where(g == "c", 1.0, both)}, "bernoulli"
        case "dependence":
            return {"x": x, "z": 2 * x + 1, "y": y}, "gaussian"
        case "one treated row":
            return {"x": np.arange(30) == 7, "z": z, "y": y}, "gaussian"
        case "few rows":
            return {"x": x[:3], "z": z[:3], "y": y[:3]}, "gaussian"
    raise AssertionError


HOPELESS = {
    "complete separation": "separate the two outcomes",
    "quasi-separation": "separate the two outcomes",
    "dependence": "exact linear function",
    "one treated row": "one row alone",
    "few rows": "no more rows than coefficients",
}


@pytest.mark.parametrize("kind", HOPELESS)
def test_without_a_prior_free_fit_the_priors_stay_and_it_is_said(kind):
    columns, family = hopeless(kind)
    found = shift(table(**columns), ("x", "z"), ("x",), family=family)
    assert found.kept_priors
    assert HOPELESS[kind] in found.note
    assert "'correct'" in found.note
    assert all(map(math.isfinite, (found.mean, found.sd, *found.interval)))
    assert found.sd > found.rounding


def penalised_effect(x, y, width):
    """Average +1 effect at the mode of a logistic posterior with Normal(0, width) throughout."""
    b = np.zeros(x.shape[1])
    for _ in range(60):
        p = expit(x @ b)
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.eye(len(b)) / width**2
        b = b + np.linalg.solve(hessian, x.T @ (y - p) - b / width**2)
    high = x.copy()
    high[:, 1] += 1
    return (expit(high @ b) - expit(x @ b)).mean()


@pytest.mark.parametrize("without", ["correct", "naive"])
def test_where_one_model_keeps_its_priors_so_does_the_other(without):
    columns, family = hopeless("complete separation")
    data = table(**columns)
    prior = Distribution("Normal", (0.0, 0.5))
    ends = {"correct": (("x", "z"), ("x",)), "naive": (("x",), ("x", "z"))}[without]
    found = shift(data, *ends, family=family, prior=prior)
    effects = []
    for names in ends:
        design = np.column_stack([np.ones(30), *(columns[name] for name in names)])
        effects.append(penalised_effect(design, columns["y"], 0.5))
    assert found.mean == pytest.approx(effects[1] - effects[0], abs=1e-9)
    assert "the priors of both models" in found.note
    assert found.note.count("does not exist") == 1
    assert f"'{without}'" in found.note


def test_a_third_model_that_keeps_its_priors_leaves_the_other_shifts_alone():
    columns, family = hopeless("complete separation")
    data = table(**columns, w=np.random.default_rng(3).normal(size=30))
    correct, plain = (
        named(data, "x", *more, name=name, family=family)
        for name, more in (("correct", ()), ("plain", ("w",)))
    )
    separated = named(data, "x", "z", name="separated", family=family)
    both = shifts(correct, [plain, separated], data, prob=0.89, seed=1, held=SIGMA)
    [alone] = shifts(correct, [plain], data, prob=0.89, seed=1, held=SIGMA).values()
    assert both["separated"].kept_priors and not both["plain"].kept_priors
    assert both["plain"].draws == pytest.approx(alone.draws, rel=1e-9)


def test_separated_outcomes_without_confounding_are_no_proof_that_a_model_misleads():
    rng = np.random.default_rng(0)
    said = []
    for seed in range(150):
        x, *rest = rng.normal(size=(6, 20))
        columns = {"x": x, **{f"z{j}": z for j, z in enumerate(rest)}}
        y = rng.random(20) < expit(2 * x)
        if y.all() or not y.any():
            continue
        data = table(**columns, y=y)
        prior = Distribution("Normal", (0.0, 1.0))
        found = shift(data, tuple(columns), ("x",), family="bernoulli", prior=prior, seed=seed)
        if found.kept_priors:
            said.append(verdict(found, valid=False, checks_passed=True))
    # The interval holds 89 %; with priors in the correct model alone it was 34 % that misled.
    assert len(said) > 50
    assert said.count("misleads") < 0.2 * len(said)


STUCK = {
    "student": "no more rows than coefficients",
    "binomial": "separate the successes from the failures",
    "poisson": "every count is 0",
    "negbinomial": "every count is 0",
    "ordered": "separate the grades",
}


@pytest.mark.parametrize("family", STUCK)
def test_in_every_family_both_models_are_fitted_with_the_priors_that_stay(family):
    columns = population(family, 30, 5)
    columns["g"] = np.array(["a", "b", "c"] * 10)
    if family == "student":
        columns = {name: values[:4] for name, values in columns.items()}
    else:  # one group that a coefficient without a prior would run away with
        columns["y"] = np.where(columns["g"] == "b", columns["y"].min(), columns["y"])
        if family in ("poisson", "negbinomial", "binomial"):
            columns["y"] = np.where(columns["g"] == "b", 0.0, columns["y"])
    data = table(**columns)
    grades = len(np.unique(columns["y"])) if family == "ordered" else 0
    cuts = tuple(Distribution("Normal", (m, 1.0)) for m in (-0.7, 0.9)[: max(grades - 1, 0)])
    found, effects, models = {}, [], []
    for name, names in (("correct", ("x", "g")), ("naive", ("x",))):
        plain = named(data, *names, name=name, family=family)
        priors = Priors(None if family == "ordered" else NORMAL, (), plain.priors.terms, (), cuts)
        trials = "t" if family == "binomial" else None
        order = tuple(np.unique(columns["y"])) if family == "ordered" else ()
        models.append(Regression(name, "y", "x", plain.terms, family, priors, (), trials, order))
        # Index coding: priors tell all levels apart.
        inside = levels(columns["g"], "abc") if "g" in names else []
        one = [] if family == "ordered" else [np.ones(data.rows)]
        x, high = (
            np.column_stack([*one, columns["x"] + up, *inside]).astype(float) for up in (0, 1)
        )
        y = np.searchsorted(order, columns["y"]) if family == "ordered" else columns["y"]
        k = len(cuts) + x.shape[1]
        means = np.array([c.parameters[0] for c in cuts] + [0.0] * x.shape[1])
        n_trials = columns["t"] if trials else np.ones(data.rows)
        theta = maximised(
            family,
            x,
            y,
            np.ones(data.rows),
            means,
            cuts=len(cuts),
            prior=(np.eye(k), means),
            known=KNOWN | {"trials": n_trials},
        )
        ends = [
            average(family, end @ theta[len(cuts) :], theta[: len(cuts)], order, n_trials)
            for end in (high, x)
        ]
        effects.append(ends[0] - ends[1])
    held = {model.name: held_of(model) for model in models}
    [found] = shifts(models[0], models[1:], data, prob=0.89, seed=1, held=held).values()
    assert found.kept_priors
    assert STUCK[family] in found.note
    assert "'correct'" in found.note
    assert found.mean == pytest.approx(effects[1] - effects[0], rel=1e-6)
    assert math.isfinite(found.sd) and found.sd > found.rounding


def test_priors_that_stay_are_about_the_coefficients_at_their_centres():
    rng = np.random.default_rng(4)
    columns = {"x": 5 + rng.normal(size=4), "z": 9 + rng.normal(size=4), "y": rng.normal(size=4)}
    data = table(**columns)
    model = modelled(data, "y ~ x * z", "gaussian")
    fit = module._fit(model, data, {"sigma": 0.7})
    assert "no more rows" in fit.note
    x, z = (columns[name] - columns[name].mean() for name in "xz")
    priors = [model.priors.intercept, *(group[0] for group in model.priors.terms)]
    means, sds = np.array([prior.parameters for prior in priors]).T
    assert means[0] == pytest.approx(columns["y"].mean())
    stacked = np.concatenate([np.column_stack([np.ones(4), x, z, x * z]), np.diag(0.7 / sds)])
    theta = np.linalg.lstsq(stacked, np.append(columns["y"], 0.7 * means / sds), rcond=None)[0]
    assert fit.effect == pytest.approx(theta[1] + (theta[3] * z).mean(), rel=1e-9)


def test_levels_that_vary_next_to_nothing_are_none_and_those_that_vary_freely_are_fixed():
    columns = population("poisson", 80, 3)
    data = table(**columns)
    pooled = modelled(data, "y ~ x + (1 | g)", "poisson")
    ends = {1e-6: "y ~ x", 1e6: "y ~ x + g"}
    for sd, formula in ends.items():
        fit = module._fit(pooled, data, {"sd(1|g)": sd})
        other = module._fit(modelled(data, formula, "poisson"), data, {})
        assert fit.effect == pytest.approx(other.effect, rel=1e-6)
        assert fit.influence == pytest.approx(other.influence, rel=1e-3, abs=1e-6)


def test_every_varying_term_has_the_spread_of_its_own_name():
    columns = population("gaussian", 60, 3)
    data = table(**columns)
    model = modelled(data, "y ~ x + z + (x + z | h) + (1 | g) + (0 + x | g)", "gaussian")
    known = {
        "sd(1|h)": 0.5,
        "sd(x|h)": 0.6,
        "sd(z|h)": 0.7,
        "cor(1,x|h)": 0.2,
        "cor(1,z|h)": -0.3,
        "cor(x,z|h)": 0.4,
        "sd(1|g)": 0.8,
        "sd(x|g)": 0.9,
        "sigma": 1.2,
    }
    assert set(model.other_names) == set(known)
    fit = module._fit(model, data, known)
    # Where slopes vary without intercepts, x cannot be centred.
    x, z, ones = columns["x"], columns["z"] - columns["z"].mean(), np.ones(60)
    inside = {
        name: np.column_stack(levels(columns[name], "pqrs" if name == "h" else "abc"))
        for name in "hg"
    }
    design = np.column_stack(
        [ones, x, z]
        + [v[:, None] * inside["h"] for v in (ones, x, z)]
        + [v[:, None] * inside["g"] for v in (ones, x)]
    )
    sds = np.array([0.5, 0.6, 0.7])
    covariance = np.outer(sds, sds) * np.array([[1, 0.2, -0.3], [0.2, 1, 0.4], [-0.3, 0.4, 1]])
    penalty = np.zeros((design.shape[1],) * 2)
    penalty[3:15, 3:15] = np.kron(np.linalg.inv(covariance), np.eye(4))
    penalty[15:18, 15:18] = np.eye(3) / 0.8**2
    penalty[18:, 18:] = np.eye(3) / 0.9**2
    theta = np.linalg.solve(design.T @ design + 1.2**2 * penalty, design.T @ columns["y"])
    wanted = theta[1] + (inside["h"] @ theta[7:11] + inside["g"] @ theta[18:]).mean()
    assert fit.effect == pytest.approx(wanted, rel=1e-9)


def test_priors_stay_beside_a_perfect_fit_too():
    g = np.array(["a", "b", "b", "c", "c", "c"])
    columns = {"x": g, "z": np.arange(6.0) ** 2, "y": np.where(g == "a", 2.0, 0.0)}
    data = table(**columns)
    models = [named(data, *names, name=n) for n, names in (("correct", ("x", "z")), ("naive", "x"))]
    perfect = {name: {"sigma": 0.0} for name in ("correct", "naive")}
    [found] = shifts(models[0], models[1:], data, prob=0.89, seed=1, held=perfect).values()
    assert found.kept_priors
    assert all(map(math.isfinite, (found.mean, found.sd, *found.interval)))


def refuse_to_say(found):
    """No shift, no verdict, and nothing to blame the priors for."""
    assert not found.measured
    assert found.note
    for valid in (True, False):
        assert verdict(found, valid=valid, checks_passed=True) == "cannot tell"
        assert verdict(found, valid=valid, checks_passed=True, matters=0.1) == "cannot tell"
    assert from_priors(0.7, found) is None


def test_a_row_beyond_all_priors_is_asked_after():
    x, z, y = np.random.default_rng(2).normal(size=(3, 30))
    x[4] = 99_999_999.0  # somebody's code for a missing value
    found = shift(table(x=x, z=z, y=y), ("x", "z"), ("x",))
    refuse_to_say(found)
    assert re.search(r"one row alone.*far from all others", found.note)


@pytest.mark.parametrize("kind", HOPELESS)
def test_with_neither_a_fit_nor_a_prior_nothing_is_said_but_to_give_a_prior(kind):
    columns, family = hopeless(kind)
    found = shift(table(**columns), ("x", "z"), ("x",), family=family, prior=FLAT)
    refuse_to_say(found)
    assert "'correct'" in found.note
    assert HOPELESS[kind] in found.note
    assert "Give a proper prior" in found.note


def test_a_model_without_a_fit_leaves_the_shifts_of_the_others_alone():
    columns, family = hopeless("complete separation")
    data = table(**columns, w=np.random.default_rng(3).normal(size=30))
    correct, plain, separated = (
        named(data, "x", *more, name=name, family=family, prior=FLAT)
        for name, more in (("correct", ()), ("plain", ("w",)), ("separated", ("z",)))
    )
    both = shifts(correct, [plain, separated], data, prob=0.89, seed=1, held=SIGMA)
    [alone] = shifts(correct, [plain], data, prob=0.89, seed=1, held=SIGMA).values()
    refuse_to_say(both["separated"])
    assert both["plain"].measured and not both["plain"].kept_priors
    assert both["plain"].draws == pytest.approx(alone.draws, rel=1e-9)


@pytest.mark.parametrize(
    "prior",
    [
        Distribution("StudentT", (4.0, 0.0, 1.0)),
        Distribution("Cauchy", (0.0, 1.0)),
        Distribution("Uniform", (-3.0, 3.0)),
        Distribution("LogNormal", (0.0, 0.5)),
    ],
)
def test_priors_of_any_name_can_stay(prior):
    columns, family = hopeless("complete separation")
    found = shift(table(**columns), ("x", "z"), ("x",), family=family, prior=prior)
    assert found.kept_priors
    assert math.isfinite(found.sd)


def test_a_strong_predictor_is_no_separation():
    rng = np.random.default_rng(3)
    x = 6 * rng.normal(size=400)
    y = (rng.random(400) < expit(2 * x)).astype(float)
    z = rng.normal(size=400)
    found = shift(table(x=x, z=z, y=y), ("x", "z"), ("x",), family="bernoulli")
    assert not found.kept_priors


def test_the_larger_of_two_outcome_values_is_the_event():
    columns = logistic_case(200, 6, "binary")
    plain = shift(table(**columns), ("x", "z"), ("x",), family="bernoulli")
    columns["y"] = 3.0 + 4.0 * columns["y"]
    moved = shift(table(**columns), ("x", "z"), ("x",), family="bernoulli")
    assert np.array_equal(plain.draws, moved.draws)


def test_no_rows_and_no_terms_make_it_fail():
    formulas = [*FORMS, "y ~ 0 + x + g", "y ~ g * h + x", "y ~ poly(x, 3)", "y ~ x + (x | g)"]
    said = {"free": 0, "kept": 0, "nothing": 0}
    for seed in range(180):
        family = FAMILIES[seed % len(FAMILIES)]
        rng = np.random.default_rng(seed)
        n = int(rng.choice([3, 5, 8, 20]))
        if family == "cells":
            columns = celled(n, seed)
        else:
            columns = population(family, n, seed, rng.choice(["number", "two values", "category"]))
            columns["x"] = columns["x"] if seed % 3 else np.repeat(columns["x"][:2], n)[:n]
        if seed % 5 == 0 and family in ("gaussian", "student"):
            columns["y"] = columns["z"] * 1e6
        data = table(**columns)
        if any(column.constant for column in data.columns.values()):
            continue
        if family == "cells":
            models = in_cells(data, "x", "z", name="correct"), in_cells(data, "x")
        else:
            if family == "ordered" and data["y"].distinct < 3:
                continue
            try:
                models = [
                    modelled(data, str(rng.choice(formulas)), family, name=name, preset=preset)
                    for name, preset in (("correct", "default"), ("naive", "tutorial"))
                ]
            except ModelError:  # no regression for these rows
                continue
        known = {name: 10.0 ** rng.uniform(-4, 4) for name in KNOWN}
        spread = {
            name: rng.uniform(-1, 1) if name.startswith("cor") else 10.0 ** rng.uniform(-4, 4)
            for model in models
            for name in model.other_names
            if name[:2] in ("sd", "co")
        }
        held = {model.name: held_of(model, **known, **spread) for model in models}
        [found] = shifts(
            models[0], models[1:], data, prob=0.89, seed=1, draws=50, held=held
        ).values()
        if found.measured:
            said["kept" if found.kept_priors else "free"] += 1
            assert all(map(math.isfinite, (found.mean, found.sd, *found.interval)))
            assert bool(found.note) == found.kept_priors
        else:
            said["nothing"] += 1
            refuse_to_say(found)
    assert min(said["free"], said["kept"]) > 20


# ------------------------------------------------------------------------------------------------
# Many rows
# ------------------------------------------------------------------------------------------------


def spread(data, correct, naive, seed, family):
    """Sd of the draws before they are rescaled."""
    fits = [fit_of(data, *names, family=family) for names in (correct, naive)]
    ends = module._effect_draws(fits, data.rows, 2000, seed)
    return (ends[1] - ends[0]).std()


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_both_fits_see_the_same_weights(family):
    columns = logistic_case(1000, 1, "number")
    data = table(**columns, w=np.random.default_rng(4).normal(size=1000))
    sets = ("x", "z"), ("x", "z", "w")
    found = shift(data, *sets, family=family)
    # Rescaling must have next to nothing to do: unpaired draws would be some 20 times too wide.
    assert spread(data, *sets, 1, family) == pytest.approx(found.sd, rel=0.1)


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_blocks_of_a_sorted_file_give_the_spread_of_single_rows(monkeypatch, family):
    n = 12_000
    columns = fork(n) if family == "gaussian" else logistic_case(n, 1, "number")
    # A file sorted by what goes wrong in it: the trap for contiguous chunks.
    wrong = columns["z"] * columns["y"]
    columns = {name: v[np.argsort(wrong)] for name, v in columns.items()}
    data = table(**columns)
    blocks = spread(data, ("x", "z"), ("x",), 1, family)
    chosen = shift(data, ("x", "z"), ("x",), family=family)
    with monkeypatch.context() as chunked:
        chunked.setattr(module, "_blocks", lambda rows, seed: np.arange(rows) // 12)
        trapped = spread(data, ("x", "z"), ("x",), 1, family)
    monkeypatch.setattr(module, "ROWS", n)
    rows = spread(data, ("x", "z"), ("x",), 1, family)
    single = shift(data, ("x", "z"), ("x",), family=family)
    # 1,000 blocks know an sd to 2 %, 2,000 draws to 1.6 %.
    assert blocks == pytest.approx(rows, rel=0.1)
    assert trapped > 1.5 * rows
    assert (chosen.mean, chosen.sd) == (single.mean, single.sd)
    assert chosen.interval == pytest.approx(single.interval, abs=0.15 * single.sd)


def test_blocks_hold_each_row_once_and_about_equally_many():
    blocks = module._blocks(200_000, 3)
    counts = np.bincount(blocks, minlength=1000)
    assert counts.sum() == 200_000
    assert len(counts) == 1000
    assert np.sum((counts - 200) ** 2 / 200) == pytest.approx(999, abs=4 * math.sqrt(2 * 999))
    assert not np.array_equal(blocks, module._blocks(200_000, 4))
    # Neighbours do not go together.
    assert np.mean(np.diff(blocks) == 0) < 0.002


@pytest.mark.parametrize("kind", ["bernoulli", "student", "ordered", "cells", "first order"])
def test_weighted_sums_of_blocks_are_those_of_the_rows_with_the_same_weights(kind, monkeypatch):
    if kind == "first order":
        monkeypatch.setattr(module, "MOST", 0)
    if kind == "cells":
        data = table(**celled(3000))
        model = in_cells(data, "x", "z")
    else:
        family = "poisson" if kind == "first order" else kind
        data = table(**population(family, 3000, 1))
        model = modelled(data, "y ~ x * z", family)
    fit = module._fit(model, data, held_of(model))
    weights = np.random.default_rng(1).standard_exponential((3, 1000))
    by_block = weights @ fit.blocked(module._blocks(3000, 7))
    by_row = weights[:, module._blocks(3000, 7)] @ fit.columns(slice(None))
    assert by_block == pytest.approx(by_row, rel=1e-9, abs=1e-9)


# ------------------------------------------------------------------------------------------------
# Many coefficients
# ------------------------------------------------------------------------------------------------


def test_with_very_many_coefficients_a_draw_is_the_sum_of_what_its_rows_do(monkeypatch):
    data = table(**population("poisson", 60, 7))
    model = modelled(data, "y ~ x * z", "poisson")
    whole = module._fit(model, data, {})
    monkeypatch.setattr(module, "MOST", 3)
    fit = module._fit(model, data, {})
    assert (fit.sums(), fit.effect) == (1, whole.effect)
    assert np.array_equal(fit.influence, whole.influence)
    weights = dirichlet(20, 60)
    wanted = fit.effect + (weights - 1.0) @ fit.influence
    assert reweighted(fit, weights) == pytest.approx(wanted, rel=1e-12)


def test_two_models_are_drawn_to_the_same_order(monkeypatch):
    data = table(**population("gaussian", 300, 2))
    models = [
        modelled(data, formula, "gaussian", name=name)
        for name, formula in (("correct", "y ~ x + z"), ("naive", "y ~ x + z + t"))
    ]
    held = {"correct": {"sigma": 1.0}, "naive": {"sigma": 1.0}}
    whole = shifts(models[0], models[1:], data, prob=0.89, seed=1, held=held)["naive"]
    monkeypatch.setattr(module, "MOST", 3)  # one of the two has more
    found = shifts(models[0], models[1:], data, prob=0.89, seed=1, held=held)["naive"]
    assert (found.mean, found.sd) == (whole.mean, whole.sd)
    pair = [module._fit(model, data, {"sigma": 1.0}) for model in models]
    assert [type(fit) for fit in pair] == [module._Refitted, module._Fit]
    ends = module._effect_draws(list(module._pair(tuple(pair), tuple(pair))), 300, 2000, 1)
    # Unpaired in the second order, the draws would be spread much too wide.
    assert (ends[1] - ends[0]).std() == pytest.approx(found.sd, rel=0.1)


def test_a_model_too_large_to_be_refitted_is_not_judged(monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    monkeypatch.setattr(module, "LARGEST", 500)
    data = table(**fork(200))
    found = shift(data, ("x", "z"), ("x",))
    refuse_to_say(found)
    assert "200 rows of 3 coefficients are too many at once" in found.note


# ------------------------------------------------------------------------------------------------
# Verdicts
# ------------------------------------------------------------------------------------------------


def made(mean, sd, low, high, rounding=0.0):
    return Shift(mean, sd, (low, high), 0.89, np.zeros(1), rounding=rounding)


@pytest.mark.parametrize(
    ("found", "valid", "checks", "matters", "wanted"),
    [
        (made(1.0, 0.2, 0.7, 1.3), False, True, None, "misleads"),
        (made(-1.0, 0.2, -1.3, -0.7), False, True, None, "misleads"),
        (made(0.3, 0.2, -0.02, 0.6), False, True, None, "cannot tell"),
        (made(0.3, 0.2, 0.0, 0.6), False, True, None, "cannot tell"),
        (made(1.0, 0.2, 0.7, 1.3), False, True, 0.5, "misleads"),
        (made(-1.0, 0.2, -1.3, -0.7), False, True, 0.5, "misleads"),
        (made(1.0, 0.2, 0.7, 1.3), False, True, 0.8, "cannot tell"),
        (made(1.0, 0.2, 0.7, 1.3), False, False, None, "cannot tell"),
        (made(1.0, 0.2, 0.7, 1.3), True, True, None, "disputes"),
        (made(0.67, 0.2, 0.4, 0.9), True, True, None, "disputes"),
        (made(-0.67, 0.2, -0.9, -0.4), True, True, None, "disputes"),
        (made(0.65, 0.2, 0.4, 0.9), True, True, None, "agrees"),
        (made(0.0, 0.2, -0.3, 0.3), True, True, None, "agrees"),
        (made(1.0, 0.2, 0.7, 1.3), True, False, None, "cannot tell"),
        (made(0.0, 0.0, 0.0, 0.0), True, True, None, "agrees"),
        (made(1e-15, 0.0, 1e-15, 1e-15, 1e-12), True, True, None, "agrees"),
        (made(1e-15, 1e-16, 9e-16, 1e-15, 1e-12), True, True, None, "agrees"),
        (made(1e-15, 1e-16, 9e-16, 1e-15, 1e-12), False, True, None, "cannot tell"),
        (made(1.0, 0.0, 1.0, 1.0), False, True, None, "cannot tell"),
    ],
)
def test_the_verdict_is_the_one_defined(found, valid, checks, matters, wanted):
    assert verdict(found, valid=valid, checks_passed=checks, matters=matters) == wanted


@pytest.mark.parametrize(
    ("difference", "mean", "sd", "wanted"),
    [(1.5, 1.0, 0.2, 0.5), (0.5, 1.0, 0.2, -0.5), (1.1, 1.0, 0.2, None), (1.2, 1.0, 0.25, None)],
)
def test_what_the_priors_made_is_told_beyond_one_sd(difference, mean, sd, wanted):
    told = from_priors(difference, made(mean, sd, 0, 0))
    assert told == (wanted if wanted is None else pytest.approx(wanted))


# ------------------------------------------------------------------------------------------------
# Coverage
# ------------------------------------------------------------------------------------------------


def coverage(make, truth, n, sets, *, family="gaussian", seed=0, correct=("x", "z"), naive=("x",)):
    """Share of data sets whose 89 % interval of the shift holds the truth."""
    hits = 0
    for one in range(sets):
        data = table(**make(n, seed + one))
        low, high = shift(
            data, correct, naive, family=family, seed=one, draws=1000 if sets < 1000 else 2000
        ).interval
        hits += low <= truth <= high
    return hits / sets


def within(share, low, high, sets):
    """The share is in [low, high], or out by no more than 3 standard errors."""
    error = 3 * math.sqrt(0.89 * 0.11 / sets)
    return low - error <= share <= high + error


@pytest.mark.parametrize(("n", "low", "high"), [(50, 0.87, 0.89), (100, 0.86, 0.91)])
def test_the_interval_of_a_linear_shift_covers_as_promised(n, low, high):
    assert within(coverage(fork, 0.5, n, 300), low, high, 300)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("n", "low", "high", "sets"), [(50, 0.87, 0.89, 10_000), (100, 0.86, 0.91, 4_000)]
)
def test_the_interval_of_a_linear_shift_covers_as_promised_in_many_data_sets(n, low, high, sets):
    # Without the rescaling .860 of 4,000 at n = 50; 20,000 tell that from .87.
    assert within(coverage(fork, 0.5, n, sets, seed=10_000), low, high, sets)


def bernoulli_truth(kind):
    """The shift in the population of `logistic_case`, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    z, noise = (grid.ravel() for grid in np.meshgrid(nodes, nodes))
    w = np.outer(weights, weights).ravel()
    x = z + noise
    if kind == "binary":  # P(x = 1 | z) is smooth in z, the step in z + noise is not
        upper = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in nodes])
        z, x = np.concatenate([nodes, nodes]), np.repeat([1.0, 0.0], 60)
        w = np.concatenate([weights * upper, weights * (1 - upper)])
    y = expit(0.5 * x + z - 0.5)
    ones, high, low = np.ones(len(x)), x + 1, x
    if kind == "binary":
        high, low = ones, 0 * ones
    ends = []
    for others in ([], [z]):
        design = [np.column_stack([ones, x, *others]) for x in (x, high, low)]
        b = maximum_likelihood(design[0], y, w)
        ends.append(w @ (expit(design[1] @ b) - expit(design[2] @ b)))
    return ends[0] - ends[1]


BERNOULLI_CASES = [
    # Measured in 8,000 data sets each; 50 rows hold about 20 events.
    ("number", 50, 0.86, 0.90),
    ("number", 100, 0.87, 0.91),
    ("binary", 50, 0.86, 0.90),
    ("binary", 100, 0.87, 0.91),
]


@pytest.mark.parametrize(("kind", "n", "low", "high"), BERNOULLI_CASES)
def test_the_interval_of_a_logistic_shift_covers_too(kind, n, low, high):
    share = coverage(
        lambda rows, seed: logistic_case(rows, seed, kind),
        bernoulli_truth(kind),
        n,
        200,
        family="bernoulli",
    )
    assert within(share, low, high, 200)


@pytest.mark.heavy
@pytest.mark.parametrize(("kind", "n", "low", "high"), BERNOULLI_CASES)
def test_the_interval_of_a_logistic_shift_covers_too_in_many_data_sets(kind, n, low, high):
    share = coverage(
        lambda rows, seed: logistic_case(rows, seed, kind),
        bernoulli_truth(kind),
        n,
        3_000,
        family="bernoulli",
        seed=10_000,
    )
    assert within(share, low, high, 3_000)


def forked(family, n, seed):
    """x <- z -> y, x -> y with a link; trials from 1 to 5."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    eta, trials = SLOPES[family][0] * x + SLOPES[family][1] * z, 1 + np.arange(n) % 5
    y = {
        "student": lambda: eta + rng.standard_t(4, size=n),
        "binomial": lambda: rng.binomial(trials, expit(eta)),
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "negbinomial": lambda: rng.negative_binomial(2, 2 / (2 + np.exp(eta))),
        "ordered": lambda: 1 + np.digitize(eta + rng.logistic(size=n), CUTS),
    }[family]()
    return {"x": x, "z": z, "t": trials, "y": np.asarray(y, float)}


SLOPES = {
    "student": (0.5, 1.0),
    "binomial": (0.3, 0.5),
    "poisson": (0.2, 0.3),
    "negbinomial": (0.2, 0.3),
    "ordered": (0.6, 1.0),
}
CUTS = [-1.0, 0.5, 2.0]


def forked_truth(family):
    """The shift in the population of `forked`: the two fits to quadrature nodes."""
    if family == "student":
        return 0.5  # y - x is symmetric about 0 given x: its slope is 1
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    z, noise = (grid.ravel() for grid in np.meshgrid(nodes, nodes))
    w = np.outer(weights, weights).ravel() / weights.sum() ** 2
    x = z + noise
    eta = SLOPES[family][0] * x + SLOPES[family][1] * z
    cuts, grades = 0, None
    if family == "ordered":  # each grade a row, as likely as it is
        below = np.array([0 * eta, *(expit(cut - eta) for cut in CUTS), 0 * eta + 1])
        w = (w * np.diff(below, axis=0)).ravel()
        x, z, y = np.tile(x, 4), np.tile(z, 4), np.repeat(np.arange(4.0), len(x))
        cuts, grades = 3, [1.0, 2.0, 3.0, 4.0]
    else:  # the score is linear in y
        y = expit(eta) if family == "binomial" else np.exp(eta)
    found = []
    for others in ([], [z]):
        constant = [] if cuts else [np.ones(len(x))]
        low, high = (np.column_stack([*constant, x + up, *others]) for up in (0, 1))
        start = np.concatenate([CUTS[:cuts], np.zeros(low.shape[1])])
        theta = maximised(family, low, y, w, start, cuts=cuts, known=KNOWN | {"trials": 1.0})
        ends = [average(family, end @ theta[cuts:], theta[:cuts], grades, w) for end in (high, low)]
        found.append(ends[0] - ends[1])
    return found[0] - found[1]


def forked_coverage(family, n, sets, seed=0):
    truth, hits = forked_truth(family), 0
    for one in range(sets):
        data = table(**forked(family, n, seed + one))
        models = [
            modelled(data, formula, family, name=name)
            for name, formula in (("correct", "y ~ x + z"), ("naive", "y ~ x"))
        ]
        held = {model.name: held_of(model, sigma=1.0) for model in models}
        found = shifts(models[0], models[1:], data, prob=0.89, seed=one, draws=1000, held=held)
        low, high = found["naive"].interval
        hits += low <= truth <= high
    return hits / sets


# Measured in 2,000 or more data sets each: .894, .900, .899; .861, .876 and .864. Counts are
# skewed, and so is what few rows say about them.
FORKED_CASES = [
    ("student", 50, 0.87, 0.91),
    ("ordered", 50, 0.87, 0.91),
    ("binomial", 50, 0.87, 0.91),
    ("poisson", 50, 0.85, 0.88),
    ("poisson", 100, 0.86, 0.90),
    ("negbinomial", 100, 0.85, 0.88),
]


@pytest.mark.parametrize(("family", "n", "low", "high"), FORKED_CASES[:2])
def test_the_interval_covers_in_other_families(family, n, low, high):
    assert within(forked_coverage(family, n, 150), low, high, 150)


@pytest.mark.heavy
@pytest.mark.parametrize(("family", "n", "low", "high"), FORKED_CASES)
def test_the_interval_covers_in_other_families_in_many_data_sets(family, n, low, high):
    assert within(forked_coverage(family, n, 1_000, seed=10_000), low, high, 1_000)


@pytest.mark.heavy
def test_draws_of_the_first_order_cover_too(monkeypatch):
    monkeypatch.setattr(module, "MOST", 0)
    assert within(coverage(fork, 0.5, 100, 1_500, seed=10_000), 0.86, 0.91, 1_500)


@pytest.mark.heavy
@pytest.mark.parametrize(("n", "low", "high"), [(100, 0.86, 0.91), (400, 0.87, 0.91)])
def test_the_interval_covers_among_cells(n, low, high):
    # z -> x, z -> y, x -> y, all of two values: P(x | z) = .3, .7; P(y) = .2 + .2 x + .4 z.
    sets, hits = 2_000, 0
    # E(z | x = 1) - E(z | x = 0) = .7 - .3
    truth = 0.4 * 0.4
    for one in range(sets):
        rng = np.random.default_rng(one)
        z = rng.random(n) < 0.5
        x = rng.random(n) < 0.3 + 0.4 * z
        y = rng.random(n) < 0.2 + 0.2 * x + 0.4 * z
        data = table(x=[*map(str, x)], z=[*map(str, z)], y=y)
        models = in_cells(data, "x", "z", name="correct"), in_cells(data, "x")
        found = shifts(
            models[0],
            models[1:],
            data,
            prob=0.89,
            seed=one,
            draws=1000,
            held={"correct": {}, "naive": {}},
        )["naive"]
        assert not found.kept_priors
        low_end, high_end = found.interval
        hits += low_end <= truth <= high_end
    assert within(hits / sets, low, high, sets)


# Noise sd 1, arrows 1, x -> y 0.5; rows of A in v = A v + noise; correct set, naive set.
STRUCTURES = {
    "fork": ("z x y", {"x": {"z": 1}, "y": {"x": 0.5, "z": 1}}, ("x", "z"), ("x",)),
    "pipe": ("x m y", {"m": {"x": 1}, "y": {"x": 0.5, "m": 1}}, ("x", "m"), ("x",)),
    "collider": ("x y c", {"y": {"x": 0.5}, "c": {"x": 1, "y": 1}}, ("x",), ("x", "c")),
    "descendant": (
        "x y c d",
        {"y": {"x": 0.5}, "c": {"x": 1, "y": 1}, "d": {"c": 1}},
        ("x",),
        ("x", "d"),
    ),
    "M": (
        "u v x y m",
        {"x": {"u": 1}, "y": {"x": 0.5, "v": 1}, "m": {"u": 1, "v": 1}},
        ("x",),
        ("x", "m"),
    ),
}


def structure(kind):
    names, arrows, correct, naive = STRUCTURES[kind]
    order = names.split()
    matrix = np.array([[arrows.get(to, {}).get(of, 0.0) for of in order] for to in order])
    mixing = np.linalg.inv(np.eye(len(order)) - matrix)
    cov = mixing @ mixing.T

    def slope(predictors):
        at = [order.index(name) for name in predictors]
        return np.linalg.solve(cov[np.ix_(at, at)], cov[at, order.index("y")])[0]

    def make(n, seed):
        values = np.random.default_rng(seed).normal(size=(n, len(order))) @ mixing.T
        return dict(zip(order, values.T, strict=True))

    return make, slope(naive) - slope(correct), correct, naive


@pytest.mark.heavy
@pytest.mark.parametrize("kind", STRUCTURES)
def test_the_interval_covers_on_every_elemental_structure(kind):
    make, truth, correct, naive = structure(kind)
    share = coverage(make, truth, 100, 2_000, seed=50_000, correct=correct, naive=naive)
    assert within(share, 0.86, 0.91, 2_000)


def accused(n, sets, cause_of="x"):
    """How often one of two valid sets is disputed: {z} and {z, w}, w a cause of x or y alone."""
    count = 0
    for one in range(sets):
        rng = np.random.default_rng(one)
        w, z, x, y = rng.normal(size=(4, n))
        x = x + z + (w if cause_of == "x" else 0.0)
        y = y + 0.5 * x + z + (w if cause_of == "y" else 0.0)
        data = table(x=x, z=z, w=w, y=y)
        found = shift(data, ("x", "z"), ("x", "z", "w"), draws=2)  # the verdict reads mean and sd
        count += verdict(found, valid=True, checks_passed=True) == "disputes"
    return count


@pytest.mark.heavy
@pytest.mark.parametrize("cause_of", ["x", "y"])
def test_valid_sets_are_disputed_about_once_in_a_thousand(cause_of):
    # Measured at n = 1,000: 22 (cause of x) and 19 (of y) of 20,000; a normal tail gives 19.
    assert 0.0003 < accused(1_000, 10_000, cause_of) / 10_000 < 0.002


def test_valid_sets_are_hardly_ever_disputed():
    assert accused(100, 1_000) <= 7  # a Poisson(2) is above 7 once in a thousand

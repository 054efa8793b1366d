"""Priors: densities, defaults in the data's units, overrides, and the parser of NAME=Dist(...)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import example, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from causal.data.table import Table, read_table
from causal.errors import DataError, ModelError
from causal.models.design import design, offset
from causal.models.families import FAMILIES, RULES
from causal.models.priors import (
    RESERVED,
    Distribution,
    PriorChoice,
    Priors,
    _centred_atoms,
    check_places,
    describe,
    gaussian_form,
    override_names,
    parse_prior,
    resolve,
    to_cutpoints,
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
    Simple,
    Term,
    Varying,
    columns,
    variables,
    written,
)

Array = NDArray[np.float64]
D = Distribution
UNIT = D("Normal", (0.0, 1.0))

DENSITIES = {
    D("Normal", (1.5, 0.7)): stats.norm(1.5, 0.7),
    D("StudentT", (3.0, 1.0, 2.0)): stats.t(3, 1, 2),
    D("StudentT", (1e12, 1.0, 2.0)): stats.norm(1, 2),
    D("Cauchy", (-1.0, 0.5)): stats.cauchy(-1, 0.5),
    D("LogNormal", (0.3, 0.8)): stats.lognorm(0.8, scale=math.exp(0.3)),
    D("Uniform", (-1.0, 3.0)): stats.uniform(-1, 4),
    D("Exponential", (2.5,)): stats.expon(scale=1 / 2.5),
    D("HalfNormal", (2.0,)): stats.halfnorm(scale=2),
    D("HalfCauchy", (2.0,)): stats.halfcauchy(scale=2),
    D("HalfStudentT", (4.0, 1.5)): stats.t(4, 0, 1.5),  # doubled below
    D("InverseGamma", (3.0, 2.0)): stats.invgamma(3, scale=2),
    D("Gamma", (2.0, 0.1)): stats.gamma(2, scale=10),
    D("Beta", (2.0, 0.5)): stats.beta(2, 0.5),
}


@pytest.mark.parametrize("distribution", DENSITIES, ids=str)
def test_density_is_that_of_scipy(distribution: Distribution) -> None:
    x = np.array([-40.0, -1.0, -1e-9, 1e-9, 0.3, 1.0, 2.9, 17.0])
    expected = DENSITIES[distribution].logpdf(x)
    if distribution.name == "HalfStudentT":
        expected = np.where(x > 0, expected + math.log(2), -np.inf)

    given = distribution.log_density(x)

    if distribution.name == "Beta":  # its ends are no probabilities a cell can have
        expected[x == 1.0] = -np.inf
    np.testing.assert_allclose(given, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["Flat", "HalfFlat"])
def test_flat_densities_are_zero_on_their_support(name: str) -> None:
    x = np.array([[-2.0, 3.0]])
    below = 0.0 if name == "Flat" else -math.inf

    assert D(name).log_density(x).tolist() == [[below, 0.0]]


@pytest.mark.parametrize(
    "wrong",
    [
        ("Normal", (0.0, 0.0)),
        ("Normal", (0.0, -1.0)),
        ("Normal", (math.nan, 1.0)),
        ("Normal", (math.inf, 1.0)),
        ("Normal", (0.0,)),
        ("Uniform", (1.0, 1.0)),
        ("Uniform", (2.0, 1.0)),
        ("StudentT", (0.0, 0.0, 1.0)),
        ("Exponential", (1e-200,)),
        ("Gaussian", (0.0, 1.0)),
    ],
    ids=str,
)
def test_impossible_parameters_are_refused(wrong: tuple[str, tuple[float, ...]]) -> None:
    with pytest.raises(ModelError):
        D(*wrong)


READ = {
    "z=Normal(0, 0.5)": ("z", D("Normal", (0.0, 0.5))),
    " z = Normal( mu=1e1 , sigma=.5 ) ": ("z", D("Normal", (10.0, 0.5))),
    "z=Normal(sigma=2)": ("z", D("Normal", (0.0, 2.0))),
    "z=Normal(-1, sigma=2)": ("z", D("Normal", (-1.0, 2.0))),
    "z=StudentT(nu=3, sigma=2)": ("z", D("StudentT", (3.0, 0.0, 2.0))),
    "z=Cauchy(beta=2, alpha=1)": ("z", D("Cauchy", (1.0, 2.0))),
    "z=Flat()": ("z", D("Flat")),
    "intercept=Uniform(-5,+5)": ("intercept", D("Uniform", (-5.0, 5.0))),
    "sigma=Exponential(lam=2)": ("sigma", D("Exponential", (2.0,))),
    "sigma=Uniform(0, 50)": ("sigma", D("Uniform", (0.0, 50.0))),
    "sigma=LogNormal(0, 1)": ("sigma", D("LogNormal", (0.0, 1.0))),
    "sigma=HalfFlat()": ("sigma", D("HalfFlat")),
    "sigma=InverseGamma(2, 1)": ("sigma", D("InverseGamma", (2.0, 1.0))),
    "a=b(c)=Normal(0, 1)": ("a=b(c)", D("Normal", (0.0, 1.0))),
    "`sigma`=Normal(0, 1)": ("`sigma`", D("Normal", (0.0, 1.0))),
    "poly(x, 2)=Normal(0, 1)": ("poly(x, 2)", UNIT),
    "log(x):g=Normal(0, 1)": ("log(x):g", UNIT),
    "cell=Beta(1, beta=2)": ("cell", D("Beta", (1.0, 2.0))),
    "alpha=Gamma(2, 0.1)": ("alpha", D("Gamma", (2.0, 0.1))),
    "sd=HalfNormal(1)": ("sd", D("HalfNormal", (1.0,))),
    "cutpoint=Normal(0, 5)": ("cutpoint", D("Normal", (0.0, 5.0))),
}


@pytest.mark.parametrize("text", READ)
def test_prior_is_read_as_pymc_would(text: str) -> None:
    assert parse_prior(text) == READ[text]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("z", "z=Normal"),
        ("z=Normal", "z=Normal"),
        ("=Normal(0, 1)", "z=Normal"),
        ("z=Normal(0, 1", "z=Normal"),
        ("z=Nromal(0, 1)", "'Normal'?"),
        ("z=normal(0, 1)", "'Normal'?"),
        ("z=Normal(0)", "sigma is missing"),
        ("z=Normal(0, 1, 2)", "too many"),
        ("z=Normal(0,)", "not a number"),
        ("z=Normal(0, -1)", "above 0"),
        ("z=Normal(nan, 1)", "not a number"),
        ("z=Normal(0, 1e999)", "finite"),
        ("z=Normal(0, 1_0)", "not a number"),
        ("z=Normal(mu=0, mu=1)", "twice"),
        ("z=Normal(0, mu=1)", "twice"),
        ("z=Normal(sigma=1, 2)", "after a named"),
        ("z=Normal(0, sd=1)", "no parameter"),
        ("z=Uniform(2, 1)", "below"),
        ("z=HalfNormal(1)", "coefficient"),
        ("sigma=Normal(0, 1)", "standard deviation"),
        ("sigma=Uniform(-1, 1)", "standard deviation"),
        ("sigma=Flat()", "standard deviation"),
        ("sigma=Beta(1, 1)", "standard deviation"),
        ("z=Beta(1, 1)", "probabilities"),
        ("intercept=Gamma(1, 1)", "standard deviations"),
        ("z=Normal(__import__('os').getpid(), 1)", "no distribution"),
    ],
)
def test_a_prior_that_is_not_one_is_refused(text: str, word: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_prior(text)

    assert word in str(caught.value)


# ------------------------------------------------------------------------------------------------
# The presets
# ------------------------------------------------------------------------------------------------


def table(**scaled: float) -> Table:
    random = np.random.default_rng(1)
    x = random.normal(5.0, 2.0, 60)
    b = (random.random(60) < 0.3).astype(float)
    y = 3.0 + x + random.normal(0.0, 1.0, 60)
    n = random.integers(3, 9, 60).astype(float)
    data = {
        "x": x * scaled.get("x", 1.0) + scaled.get("x0", 0.0),
        "z": random.normal(-20.0, 3.0, 60) * scaled.get("z", 1.0) + scaled.get("z0", 0.0),
        "b": b,
        "g": ["u", "v", "w"] * 20,
        "h": ["0", "1", "1", "0"] * 15,
        "y": y * scaled.get("y", 1.0) + scaled.get("y0", 0.0),
        "d": (y > np.median(y) + 0.1).astype(float),
        "n": n,
        "k": np.floor(n * random.random(60)),
        "grade": np.repeat([1.0, 2.0, 4.0], [10, 20, 30]),
        "t": random.uniform(0.5, 4.0, 60),
    }
    return read_table(data, list(data), categorical=["g", "h"])


X, Z, B = Numeric("x"), Numeric("z"), Numeric("b")
G, H = Categorical("g", ("u", "v", "w")), Categorical("h", ("0", "1"))
XZ, XG = Interaction((X, Z)), Interaction((X, G))
TERMS = (X, B, G)


def resolved(
    *terms: Term, outcome: str = "y", family: str = "gaussian", preset: str = "default",
    own: dict[str, Distribution] | None = None, data: Table | None = None, **more: Any,
) -> Priors:  # fmt: skip
    if family == "ordered":
        outcome, more["grades"] = "grade", (1.0, 2.0, 4.0)
    if family == "binomial":
        outcome, more["trials"] = "k", "n"
    choice = PriorChoice(preset, own or {})  # type: ignore[arg-type]
    return resolve(choice, terms, outcome, family, data or table(), **more)  # type: ignore[arg-type]


def modelled(*terms: Term, family: str = "gaussian", **more: Any) -> Regression:
    priors = resolved(*terms, family=family, **more)
    grades = (1.0, 2.0, 4.0) if family == "ordered" else ()
    return Regression("m", "y", "x", terms, family, priors, grades=grades)  # type: ignore[arg-type]


def sds(priors: Priors) -> list[tuple[float, ...]]:
    """Of the coefficients of each term."""
    return [tuple(prior.parameters[-1] for prior in group) for group in priors.terms]


def given(prior: Distribution | None) -> tuple[object, ...]:
    """Name and parameters, to compare with numbers that are approximate."""
    assert prior is not None
    return (prior.name, pytest.approx(prior.parameters))


def normal(mu: float, sigma: float) -> tuple[object, ...]:
    return ("Normal", (mu, sigma))


def mean_sd(name: str, data: Table | None = None) -> tuple[float, float]:
    values = (data or table())[name].values
    return float(np.mean(values)), float(np.std(values))


def test_default_priors_are_on_the_scale_of_the_data() -> None:
    (mx, sx), (mb, sb), (my, sy) = map(mean_sd, "xby")
    priors = resolved(*TERMS)

    assert priors.intercept is not None and priors.sigma is not None
    assert priors.intercept.parameters == pytest.approx((my, sy))
    assert priors.centres == {X: pytest.approx(mx), B: pytest.approx(mb)}
    assert {p.name for group in priors.terms for p in group} == {"Normal"}
    assert {p.parameters[0] for group in priors.terms for p in group} == {0.0}
    assert sds(priors) == [
        pytest.approx((sy / sx,)), pytest.approx((sy / sb,)), pytest.approx((sy,) * 3),
    ]  # fmt: skip
    assert priors.sigma == D("Exponential", priors.sigma.parameters)
    assert priors.sigma.parameters == pytest.approx((1 / sy,))


def test_products_and_powers_are_scaled_by_what_they_are_made_of() -> None:
    (_, sx), (_, sz), (_, sy) = map(mean_sd, "xzy")
    p, lz = Polynomial("x", 3, 5.5), Log("t")
    powers = [np.std((table()["x"].values - 5.5) ** power) for power in (1, 2, 3)]
    slog = np.std(np.log(table()["t"].values))
    three = Interaction((lz, G, p))
    pairs = [Interaction(two) for two in combinations(three.parts, 2)]
    priors = resolved(X, Z, XZ, G, XG, p, lz, Interaction((G, H)), three, *pairs)

    assert len(priors.centre) == 6  # x, z, log t, three powers
    assert sds(priors) == [
        pytest.approx((sy / sx,)),
        pytest.approx((sy / sz,)),
        pytest.approx((sy / (sx * sz),)),
        pytest.approx((sy,) * 3),
        pytest.approx((sy / sx,) * 3),
        pytest.approx([sy / power for power in powers]),
        pytest.approx((sy / slog,)),
        pytest.approx((sy,) * 6),
        pytest.approx([sy / slog / power for power in powers] * 3),
        pytest.approx((sy / slog,) * 3),
        pytest.approx([sy / slog / power for power in powers]),
        pytest.approx([sy / power for power in powers] * 3),
    ]


def test_wide_priors_are_ten_times_as_wide() -> None:
    terms = (*TERMS, XG, Varying(H, (X,)))
    default, wide = resolved(*terms), resolved(*terms, preset="wide")

    assert wide.intercept and default.intercept and wide.sigma and default.sigma
    assert wide.centre == default.centre
    assert wide.intercept.parameters[0] == default.intercept.parameters[0]
    assert wide.intercept.parameters[1] == pytest.approx(10 * default.intercept.parameters[1])
    for broad, narrow in zip(sds(wide)[:4], sds(default)[:4], strict=True):
        assert broad == pytest.approx([10 * sd for sd in narrow])
    # Of what varies and of sigma the rate.
    assert sds(wide)[4] == pytest.approx([rate / 10 for rate in sds(default)[4]])
    assert wide.sigma.parameters[0] == pytest.approx(default.sigma.parameters[0] / 10)


def test_default_priors_of_a_two_valued_outcome_are_on_the_logit_scale() -> None:
    share = table()["d"].values.mean()
    priors = resolved(*TERMS, outcome="d", family="bernoulli")

    assert priors.intercept is not None
    assert priors.intercept.parameters == pytest.approx((math.log(share / (1 - share)), 1.0))
    assert sds(priors)[0] == pytest.approx((1 / mean_sd("x")[1],))
    assert sds(priors)[2] == (1.0, 1.0, 1.0)
    assert priors.sigma is None and priors.auxiliary == ()


def test_default_priors_of_counts_are_centred_on_the_rate() -> None:
    data = table()
    k, n, t = (data[name].values for name in "knt")

    def at(family: str, *offsets: Numeric | Log) -> float:
        priors = resolved(X, outcome="k", family=family, offsets=offsets)
        assert priors.intercept is not None
        assert priors.intercept.parameters[1] == 1.0
        return priors.intercept.parameters[0]

    # Half an event more: no event at all is not a rate of nothing.
    events = k.sum() + 0.5
    assert at("poisson") == pytest.approx(math.log(events / 60))
    assert at("negbinomial", Log("t")) == pytest.approx(math.log(events / t.sum()))
    assert at("poisson", Numeric("t")) == pytest.approx(math.log(events / np.exp(t).sum()))
    assert at("poisson", Log("t"), Log("n")) == pytest.approx(math.log(events / (t * n).sum()))
    failures = (n - k).sum() + 0.5
    assert at("binomial") == pytest.approx(math.log(events / failures))
    assert at("binomial", Log("t")) == pytest.approx(math.log(events / failures) - np.log(t).mean())


def test_an_offset_moves_the_centre_and_may_be_constant() -> None:
    data = table()
    priors = resolved(X, offsets=(Numeric("z"), Log("t")))
    assert priors.intercept is not None
    moved = data["y"].values - data["z"].values - np.log(data["t"].values)
    assert priors.intercept.parameters[0] == pytest.approx(moved.mean())

    ones = read_table({"x": [1.0, 2.0, 4.0], "y": [1.0, 0.0, 2.0], "t": [7.0] * 3}, ["x", "y", "t"])
    priors = resolved(X, family="poisson", offsets=(Log("t"),), data=ones)
    assert priors.intercept is not None
    assert priors.intercept.parameters[0] == pytest.approx(math.log(3.5 / 21))


def test_cutpoints_are_centred_on_the_log_odds_of_the_shares_below() -> None:
    cuts = (math.log(10 / 50), math.log(30 / 30))
    priors = resolved(X, G, family="ordered")

    assert priors.intercept is None
    assert priors.cutpoints == (D("Normal", (cuts[0], 1.0)), D("Normal", (cuts[1], 1.0)))
    assert priors.centres == {X: pytest.approx(mean_sd("x")[0])}
    assert sds(priors) == [pytest.approx((1 / mean_sd("x")[1],)), (1.0,) * 3]
    wide = resolved(X, G, family="ordered", preset="wide")
    assert wide.cutpoints[0] == D("Normal", (cuts[0], 10.0))
    # P(y <= k) = expit(cut - offset - ...): the cuts move along with an offset.
    moved = resolved(X, family="ordered", offsets=(Numeric("z"),))
    assert [c.parameters[0] for c in moved.cutpoints] == pytest.approx(
        [cut + mean_sd("z")[0] for cut in cuts]
    )


def test_what_a_family_estimates_has_a_prior_in_every_preset() -> None:
    sy = mean_sd("y")[1]
    nu, alpha = D("Gamma", (2.0, 0.1)), D("InverseGamma", (0.4, 0.3))

    assert dict(resolved(X, family="student").auxiliary) == {
        "sigma": D("Exponential", (1 / sy,)), "nu": nu,
    }  # fmt: skip
    assert resolved(X, outcome="k", family="negbinomial", preset="wide").auxiliary == (
        ("alpha", alpha),
    )
    assert dict(resolved(X, family="student", preset="tutorial").auxiliary) == {
        "sigma": D("Exponential", (1.0,)), "nu": nu,
    }  # fmt: skip


def test_what_varies_has_an_sd_as_wide_as_what_it_is_about() -> None:
    (mx, sx), (_, sy) = mean_sd("x"), mean_sd("y")
    slog = np.std(np.log(table()["t"].values))
    priors = resolved(X, Varying(G, (X, Log("t"), H)))

    means = (sy, sy / sx, sy / slog, sy, sy)
    assert [given(p) for p in priors.terms[1]] == [("Exponential", (1 / mean,)) for mean in means]
    assert priors.correlation == 2.0
    assert priors.centres[X] == pytest.approx(mx)
    tutorial = resolved(X, Varying(G, (X,)), preset="tutorial")
    assert tutorial.terms[1] == (D("Exponential", (1.0,)),) * 2


def test_a_cell_is_any_probability() -> None:
    priors = resolved(Interaction((G, H)), outcome="d", family="cells")

    assert priors == Priors(None, (), ((D("Beta", (1.0, 1.0)),) * 6,))
    assert resolved(G, outcome="d", family="cells", preset="tutorial") == Priors(
        None, (), ((D("Beta", (1.0, 1.0)),) * 3,)
    )


def test_tutorial_priors_are_the_same_in_any_units() -> None:
    for data in (table(), table(x=1e6, y=1e-6)):
        priors = resolved(*TERMS, XG, preset="tutorial", data=data)
        exponential = D("Exponential", (1.0,))
        assert priors == Priors(
            UNIT, (), ((UNIT,), (UNIT,), (UNIT,) * 3, (UNIT,) * 3), (("sigma", exponential),)
        )
    assert resolved(X, family="ordered", preset="tutorial").cutpoints == (UNIT, UNIT)
    assert resolved(X, preset="tutorial", intercept=False).intercept is None


@pytest.mark.parametrize("units", [{"x": 1e-9}, {"x": 1e9, "x0": 1e9}, {"y": 1e-9}, {"y": -1e3}])
def test_default_priors_follow_a_change_of_units(units: dict[str, float]) -> None:
    plain, moved = resolved(*TERMS), resolved(*TERMS, data=table(**units))
    x, y = units.get("x", 1.0), abs(units.get("y", 1.0))

    assert sds(moved)[0][0] * x / y == pytest.approx(sds(plain)[0][0])
    assert moved.sigma is not None and plain.sigma is not None
    assert moved.sigma.parameters[0] * y == pytest.approx(plain.sigma.parameters[0])


def implied(data: Table, *terms: Term, **more: Any) -> tuple[Array, Array]:
    """Mean and covariance of the linear predictor of every row before the data."""
    model = Regression("m", "y", "x", terms, "gaussian", resolved(*terms, data=data, **more))
    form = gaussian_form(model)
    assert form is not None
    root = design(model, data) @ form.to_printed
    return root @ form.mean, (root * form.sd) @ (root * form.sd).T


RICH = (X, Z, XZ, G, XG, Interaction((X, Z, H)), Interaction((X, H)), Interaction((Z, H)), H)


@pytest.mark.parametrize("preset", ["default", "wide"])
@pytest.mark.parametrize("units", [{"x": 1e3, "x0": -7.0}, {"z": -1e-3, "z0": 5.0, "x0": 90.0}])
def test_the_default_prior_of_the_outcome_does_not_depend_on_units_and_origins(
    preset: str, units: dict[str, float]
) -> None:
    """Interactions are those of centred numbers: this is what the centres are for."""
    mean, covariance = implied(table(), *RICH, preset=preset)
    other_mean, other = implied(table(**units), *RICH, preset=preset)

    np.testing.assert_allclose(other_mean, mean, rtol=1e-9)
    np.testing.assert_allclose(other, covariance, rtol=1e-7, atol=1e-7 * covariance.max())


def test_without_an_intercept_the_first_category_stands_in_its_place() -> None:
    (mx, sx), (my, sy) = mean_sd("x"), mean_sd("y")
    at_zero = sy * math.sqrt(1 + (mx / sx) ** 2)

    def group(priors: Priors, place: int) -> list[tuple[object, ...]]:
        return [given(prior) for prior in priors.terms[place]]

    assert group(resolved(G, intercept=False), 0) == [normal(my, sy)] * 3
    priors = resolved(X, G, H, intercept=False)
    assert priors.intercept is None
    assert priors.centre == ()  # so that x = 0 is where the levels are
    assert group(priors, 0) == [normal(0.0, sy / sx)]
    assert group(priors, 1) == [normal(my, at_zero)] * 3
    assert group(priors, 2) == [normal(0.0, sy)] * 2
    assert group(resolved(Interaction((G, H)), intercept=False), 0) == [normal(my, sy)] * 6
    # A line through the origin has nothing in its place.
    assert group(resolved(X, Varying(G, ()), intercept=False), 0) == [normal(0.0, sy / sx)]
    share = table()["d"].values.mean()
    logit = resolved(X, G, intercept=False, outcome="d", family="bernoulli")
    assert logit.terms[1][0].parameters[0] == pytest.approx(math.log(share / (1 - share)))
    assert resolved(X, G, intercept=False, preset="tutorial").terms[1] == (UNIT,) * 3
    own = D("Normal", (1.0, 2.0))
    assert resolved(X, G, intercept=False, own={"level": own}).terms[1] == (own,) * 3


def test_a_column_of_one_value_has_no_default_prior() -> None:
    data = read_table({"x": [1.0, 1.0], "y": [1.0, 2.0]}, ["x", "y"])

    with pytest.raises(DataError, match="same value"):
        resolved(X, data=data)


# ------------------------------------------------------------------------------------------------
# The user's own
# ------------------------------------------------------------------------------------------------


def test_a_variables_own_prior_wins_over_the_prior_of_all_slopes() -> None:
    slope, own, level = D("Normal", (0.0, 3.0)), D("Cauchy", (0.0, 1.0)), D("Flat")
    priors = resolved(*TERMS, own={"slope": slope, "b": own, "g": level})

    assert priors.terms == ((slope,), (own,), (level,) * 3)


MANY = (X, Log("t"), Polynomial("z", 2, -20.0), G, XG, Interaction((G, H)), Varying(H, (X,)))
OWN = D("Normal", (0.5, 0.25))
OVERRIDES: dict[str, list[int]] = {  # name: the terms it is about
    "x": [0],
    "`x`": [0],
    "log(t)": [1],
    "poly(z, 2)": [2],
    "g": [3],
    "`g`": [3],
    "x:g": [4],
    "g:h": [5],
    "slope": [0, 1, 2, 4],
    "level": [3, 5],
    "t": [],  # its logarithm is another term
    "z": [],
    "g:x": [],
}


@pytest.mark.parametrize("name", OVERRIDES)
def test_a_prior_is_given_by_the_name_a_formula_has_for_the_term(name: str) -> None:
    plain, given = resolved(*MANY), resolved(*MANY, own={name: OWN})

    for place, (group, other) in enumerate(zip(given.terms, plain.terms, strict=True)):
        if place in OVERRIDES[name]:
            assert group == (OWN,) * len(other)
        elif OVERRIDES[name]:  # a centre may be gone, and what is then at zero reaches further
            assert OWN not in group
        else:
            assert group == other


PARTS: dict[str, tuple[str, Distribution]] = {
    "intercept": ("gaussian", OWN),
    "sigma": ("student", D("HalfFlat")),
    "nu": ("student", D("Exponential", (0.1,))),
    "alpha": ("negbinomial", D("Uniform", (0.0, 9.0))),
    "sd": ("gaussian", D("HalfCauchy", (2.0,))),
    "cutpoint": ("ordered", D("Normal", (0.0, 3.0))),
}


@pytest.mark.parametrize("name", PARTS)
def test_every_part_of_a_model_can_be_given_a_prior(name: str) -> None:
    family, own = PARTS[name]
    terms = (X, G, Varying(H, (X,)))
    outcome = "k" if family == "negbinomial" else "y"
    given = resolved(*terms, family=family, outcome=outcome, own={name: own})
    plain = resolved(*terms, family=family, outcome=outcome)

    assert given != plain
    if name == "sd":
        assert given.terms == (*plain.terms[:2], (own, own))
    elif name == "cutpoint":
        assert given.cutpoints == (own, own)
    elif name == "intercept":
        assert given.intercept == own
    else:
        assert dict(given.auxiliary) == {**dict(plain.auxiliary), name: own}


def test_a_cell_can_be_given_a_prior() -> None:
    own = D("Beta", (2.0, 5.0))
    assert resolved(G, outcome="d", family="cells", own={"cell": own}).terms == ((own,) * 3,)
    with pytest.raises(ModelError, match=r"probability.*Beta\(1, 1\) is flat"):
        resolved(G, outcome="d", family="cells", own={"cell": OWN})


def test_a_prior_of_the_intercept_is_on_its_value_at_zero() -> None:
    own = D("Normal", (1.0, 2.0))

    priors = resolved(*TERMS, own={"intercept": own})
    assert priors.intercept == own
    assert priors.centre == ()
    kept = resolved(*TERMS, own={"x": own})
    assert kept.centres[X] == pytest.approx(mean_sd("x")[0])
    cuts = resolved(*TERMS, family="ordered", own={"cutpoint": own})
    assert cuts.centre == ()


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ({"x": OWN}, "xb"),  # z multiplies x, and x itself is free to be centred
        ({"z": OWN}, "zb"),
        ({"b": OWN}, "xzb"),
        ({"x:z": OWN}, "xzb"),
        ({"x": OWN, "z": OWN}, "b"),
        ({"slope": OWN}, "b"),
        ({"g": OWN}, "zb"),  # levels of g are those at x = 0
        ({"level": OWN}, "zb"),
        ({"x:g": OWN}, "xzb"),
        ({"intercept": OWN}, ""),
        ({"sigma": D("HalfFlat")}, "xzb"),
    ],
    ids=str,
)
def test_only_the_centres_go_that_would_change_what_a_users_prior_is_about(
    own: dict[str, Distribution], kept: str
) -> None:
    priors = resolved(X, Z, XZ, B, G, XG, own=own)

    assert set(priors.centres) == {Numeric(name) for name in kept}


def test_a_users_sd_is_that_of_the_levels_at_zero() -> None:
    terms = (X, Varying(G, (X,)))
    own = D("HalfNormal", (1.0,))

    assert resolved(*terms).centres == {X: pytest.approx(mean_sd("x")[0])}
    assert resolved(*terms, own={"sd": own}).centres == {}
    assert resolved(X, Varying(G, ()), own={"sd": own}).centres.keys() == {X}
    # The slopes do not vary about the levels: nothing moves with the centre of z.
    assert resolved(X, Z, Varying(G, (X,)), own={"sd": own}).centres.keys() == {Z}


def test_what_is_measured_at_zero_has_a_prior_that_reaches_there() -> None:
    """As wide as independent coefficients at the means make it."""
    (mx, sx), (mz, sz), (_, sy) = map(mean_sd, "xzy")
    rx, rz = (mx / sx) ** 2, (mz / sz) ** 2

    priors = resolved(X, Z, XZ, G, XG, own={"intercept": OWN})
    assert sds(priors) == [
        pytest.approx((sy / sx * math.sqrt(1 + rz),)),
        pytest.approx((sy / sz * math.sqrt(1 + rx),)),
        pytest.approx((sy / sx / sz,)),
        pytest.approx((sy * math.sqrt(1 + rx),) * 3),
        pytest.approx((sy / sx,) * 3),
    ]
    # x stays centred, so z and the intercept are where they were.
    priors = resolved(X, Z, XZ, B, Interaction((B, Z)), own={"x": OWN})
    assert priors.intercept is not None
    assert priors.intercept.parameters[1] == pytest.approx(sy * math.sqrt(1 + rz))
    assert sds(priors)[1] == pytest.approx((sy / sz,))
    assert sds(priors)[3] == pytest.approx((sy / mean_sd("b")[1] * math.sqrt(1 + rz),))
    # A product without what it is made of cannot be centred.
    assert resolved(XZ).centre == ()
    lone = resolved(XZ).intercept
    assert lone is not None
    assert lone.parameters[1] == pytest.approx(sy * math.sqrt(1 + rx * rz))
    varying = resolved(X, Varying(G, (Z, X), intercept=True), XZ)
    assert X not in varying.centres and Z in varying.centres  # x:z without z
    assert given(varying.terms[1][0]) == ("Exponential", (1 / (sy * math.sqrt(1 + rx)),))


def test_the_prior_at_zero_is_that_of_the_centred_model_in_every_sd() -> None:
    """Against the covariance of the printed coefficients of the default prior."""
    terms = (X, Z, XZ, G, XG, Interaction((X, Z, H)), Interaction((X, H)), Interaction((Z, H)), H)
    form = gaussian_form(modelled(*terms))
    assert form is not None
    factor = form.to_printed * form.sd
    expected = np.sqrt(np.sum(factor**2, axis=1))

    at_zero = resolved(*terms, own={"intercept": OWN})
    assert [sd for group in sds(at_zero) for sd in group] == pytest.approx(expected[1:].tolist())


def test_a_users_prior_of_a_slope_beside_its_interaction_is_that_at_zero() -> None:
    """x ~ Normal(1, 0.5) beside x:z: by hand, in the coefficients of the formula."""
    (mx, sx), (mz, sz), (my, sy) = map(mean_sd, "xzy")
    rz = (mz / sz) ** 2
    model = modelled(X, Z, XZ, own={"x": D("Normal", (1.0, 0.5))})
    form = gaussian_form(model)
    assert form is not None
    mean = form.to_printed @ form.mean
    factor = form.to_printed * form.sd
    covariance = factor @ factor.T

    # Only x is centred: intercept + x (X - mx) + z Z + xz (X - mx) Z.
    assert model.linear_names == ("intercept", "x", "z", "x:z")
    assert mean == pytest.approx([my - mx, 1.0, 0.0, 0.0])
    free = np.diag([sy**2 * (1 + rz), 0.25, (sy / sz) ** 2, (sy / sx / sz) ** 2])
    moved = np.array([[1, -mx, 0, 0], [0, 1, 0, 0], [0, 0, 1, -mx], [0, 0, 0, 1]])
    np.testing.assert_allclose(covariance, moved @ free @ moved.T, rtol=1e-12)
    assert covariance[1, 1] == pytest.approx(0.25)  # and with nothing else in it
    assert covariance[1, 3] == 0.0


def test_a_prior_for_a_variable_this_model_lacks_changes_nothing() -> None:
    own = {"q": UNIT, "alpha": UNIT, "sd": D("HalfNormal", (1.0,)), "nu": D("HalfFlat")}

    assert resolved(*TERMS, own=own) == resolved(*TERMS)


# ------------------------------------------------------------------------------------------------
# Names
# ------------------------------------------------------------------------------------------------

HAVE = {  # the parts that a family has beside those of every model
    "sigma": "gaussian",
    "intercept": "gaussian",
    "slope": "poisson",
    "level": "poisson",
    "nu": "student",
    "alpha": "negbinomial",
    "cutpoint": "ordered",
}


def named(name: str) -> Table:
    random = np.random.default_rng(4)
    data = {name: random.normal(0, 1, 30), "g": ["a", "b", "c"] * 10, "y": [0.0, 1.0, 2.0] * 10}
    return read_table(data, list(data))


def for_names(name: str, family: str, own: dict[str, Distribution], *more: Term) -> Priors:
    grades = {"grades": (0.0, 1.0, 2.0)} if family == "ordered" else {}
    terms = (Numeric(name), *more)
    return resolve(
        PriorChoice(overrides=own),
        terms,
        "y",
        family,
        named(name),
        **grades,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", HAVE)
def test_a_variable_named_like_a_part_of_its_model_must_be_quoted(name: str) -> None:
    family = HAVE[name]
    own = D("Normal", (0.0, 7.0))
    part = D("HalfFlat") if name in ("sigma", "nu", "alpha") else D("Flat")

    with pytest.raises(ModelError, match="back-quotes"):
        for_names(name, family, {name: part})
    quoted = for_names(name, family, {f"`{name}`": own})
    assert quoted.terms == ((own,),)
    # With both there is nothing to guess.
    both = for_names(name, family, {f"`{name}`": own, name: part})
    assert both.terms == ((own,),)
    kept = (both.intercept, *both.cutpoints, *(prior for _, prior in both.auxiliary))
    assert (part in kept) == (name not in ("slope", "level"))


@pytest.mark.parametrize("name", ["alpha", "nu", "sd", "cell", "cutpoint"])
def test_a_variable_named_like_a_part_of_other_models_is_a_plain_one(name: str) -> None:
    own = D("Normal", (0.0, 7.0))
    plain = for_names(name, "gaussian", {})

    for given in ({name: own}, {f"`{name}`": own}):
        priors = for_names(name, "gaussian", given)
        assert priors.terms == ((own,),)
        assert priors.centre == plain.centre  # `cutpoint` is no intercept here
        assert priors.intercept == plain.intercept
    with pytest.raises(ModelError, match="coefficient"):
        for_names(name, "gaussian", {name: D("HalfNormal", (1.0,))})


def test_sd_is_a_part_where_something_varies() -> None:
    varying = Varying(Categorical("g", ("a", "b", "c")), ())
    own, scale = D("Normal", (0.0, 7.0)), D("HalfNormal", (1.0,))

    with pytest.raises(ModelError, match="back-quotes"):
        for_names("sd", "gaussian", {"sd": scale}, varying)
    priors = for_names("sd", "gaussian", {"sd": scale, "`sd`": own}, varying)
    assert priors.terms == ((own,), (scale,))
    with pytest.raises(ModelError, match="reaches below 0"):
        resolved(X, Varying(G, ()), own={"sd": own})


def test_a_name_inside_a_call_is_no_part_of_the_model() -> None:
    data = read_table({"sigma": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 2.0]}, ["sigma", "y"])
    own, scale = D("Normal", (0.0, 7.0)), D("HalfFlat")
    priors = resolved(Log("sigma"), own={"sigma": scale, "log(sigma)": own}, data=data)

    assert priors.sigma == scale
    assert priors.terms == ((own,),)


@pytest.mark.parametrize("name", ["body mass", "a`b", "``", "1", "x:z", "log(x)", "'"])
def test_any_name_can_be_given_a_prior_with_or_without_back_quotes(name: str) -> None:
    term = Numeric(name)
    for given in (name, f"`{name}`", written(term)):
        assert given in override_names(term)
        assert PriorChoice(overrides={given: OWN}).of(term) == OWN
    assert override_names(Interaction((term, X))) == (f"{written(term)}:x",)
    assert override_names(Varying(G, ())) == ()


def test_a_choice_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ModelError, match="preset"):
        PriorChoice("narrow")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="standard deviation"):
        PriorChoice(overrides={"sigma": D("Normal", (0.0, 1.0))})
    with pytest.raises(ModelError, match="coefficient"):
        PriorChoice(overrides={"x": D("HalfNormal", (1.0,))})
    with pytest.raises(ModelError, match="a number above 0"):
        resolved(X, family="student", own={"nu": OWN})
    with pytest.raises(ModelError, match="coefficient"):
        resolved(X, family="ordered", own={"cutpoint": D("HalfFlat")})


ABSENT = {  # name: families of TERMS that have no such part
    "sigma": set(FAMILIES) - {"gaussian", "student"},
    "nu": set(FAMILIES) - {"student"},
    "alpha": set(FAMILIES) - {"negbinomial"},
    "cutpoint": set(FAMILIES) - {"ordered"},
    "cell": set(FAMILIES) - {"cells"},
    "intercept": {"ordered", "cells"},
    "sd": set(FAMILIES),
    "slope": set(),
    "level": set(),
}


@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_prior_that_no_model_has_a_place_for_is_refused(name: str, family: str) -> None:
    kind = {"cell": D("Beta", (1.0, 1.0))}
    scale = name in ("sigma", "nu", "alpha", "sd")
    choice = PriorChoice(overrides={name: kind.get(name, D("HalfFlat") if scale else UNIT)})
    model = Regression("m", "y", "x", TERMS, family, Priors(None, (), ()))  # type: ignore[arg-type]
    varying = replace(model, terms=(X, Varying(G, ())))

    if family in ABSENT[name]:
        with pytest.raises(ModelError, match=f"no {name}.") as caught:
            check_places(choice, [model])
        assert ("give one to cutpoint" in str(caught.value)) == (
            name + family == "interceptordered"
        )
    else:
        check_places(choice, [model])
    if name == "sd":  # it is enough that one of the models has it
        check_places(choice, [model, varying])


def test_a_prior_for_a_name_that_no_model_has_is_refused_with_the_nearest() -> None:
    model = modelled(X, Log("t"), XG)
    for name, near in (("xx", "x"), ("log(x)", "log(t)"), ("x:gg", "x:g"), ("slopes", "slope")):
        with pytest.raises(ModelError, match=f"coefficient '{_escaped(name)}'.*") as caught:
            check_places(PriorChoice(overrides={name: UNIT}), [model])
        assert f"Did you mean '{near}'?" in str(caught.value)
    check_places(PriorChoice(overrides={"log(t)": UNIT, "`x`": UNIT, "x:g": UNIT}), [model])


def _escaped(name: str) -> str:
    return name.replace("(", r"\(").replace(")", r"\)")


def test_covered_means_that_no_prior_comes_from_the_data() -> None:
    unit, scale = UNIT, D("Exponential", (1.0,))
    every = {"intercept": unit, "slope": unit, "level": unit, "sigma": scale}
    model = modelled(*TERMS)

    assert PriorChoice(overrides=every).covers(model)
    assert PriorChoice("tutorial").covers(model)
    assert not PriorChoice().covers(model)
    for name in every:
        rest = {key: value for key, value in every.items() if key != name}
        assert not PriorChoice(overrides=rest).covers(model)
    by_name = {"intercept": unit, "x": unit, "b": unit, "g": unit, "sigma": scale}
    assert PriorChoice(overrides=by_name).covers(model)
    # nu, alpha, correlations and cells do not come from the data in any preset.
    student = modelled(*TERMS, XG, Varying(H, (X,)), family="student")
    assert not PriorChoice(overrides=every).covers(student)
    assert PriorChoice(overrides={**every, "sd": scale}).covers(student)
    assert not PriorChoice(overrides=every).covers(modelled(X, family="ordered"))
    cut = {"slope": unit, "cutpoint": unit}
    assert PriorChoice(overrides=cut).covers(modelled(X, family="ordered"))
    assert PriorChoice().covers(modelled(G, family="cells", outcome="d"))


# ------------------------------------------------------------------------------------------------
# What is printed
# ------------------------------------------------------------------------------------------------


def test_priors_are_listed_in_plain_lines() -> None:
    priors = Priors(
        D("Normal", (2.0, 1.5)),
        ((X, 1.0),),
        ((D("Flat"),), (D("Normal", (0.0, 1 / 3)),), (UNIT,) * 3, (OWN,) * 2),
        (("sigma", D("Exponential", (0.5,))),),
    )
    terms = (X, B, G, Polynomial("z", 2, 0.0))

    assert describe(Regression("m", "y", "x", terms, "gaussian", priors)) == (
        "intercept ~ Normal(2, 1.5) (at the predictors' means)",
        "x ~ Flat()",
        "b ~ Normal(0, 0.333)",
        "g[each level] ~ Normal(0, 1)",
        "poly(z, 2)[each] ~ Normal(0.5, 0.25)",
        "sigma ~ Exponential(0.5)",
    )


def test_a_listed_prior_says_where_it_is_given() -> None:
    """What the centres of its interactions move is given at the means; what they do not, is not."""
    model = modelled(X, Z, B, XZ, G, XG, Varying(H, (X,)), preset="default")
    here = [line.split(" ~ ")[0] for line in describe(model) if "(at the predictors'" in line]
    assert here == ["intercept", "x", "z", "g[each level]", "sd(1|h)"]
    pinned = modelled(X, Z, B, XZ, G, XG, Varying(H, (X,)), own={"intercept": OWN})
    assert not any("(at the" in line for line in describe(pinned))
    ordered = describe(modelled(X, family="ordered"))
    assert [line.split(" ~ ")[0] for line in ordered if "(at the predictors'" in line] == [
        "cut[1|2]",
        "cut[2|4]",
    ]


def test_every_parameter_has_its_line() -> None:
    lines = describe(modelled(XG, Interaction((G, H)), Varying(H, (X, Z)), family="student"))
    assert [line.split(" ~ ")[0] for line in lines] == [
        "intercept",
        "x:g[each]",
        "g:h[each level]",
        *("sd(1|h)", "sd(x|h)", "sd(z|h)"),
        "correlations of 1, x, z by h",
        *("sigma", "nu"),
    ]
    assert lines[6].endswith("~ LKJ(2)")
    assert describe(modelled(Interaction((G, H)), family="cells", outcome="d")) == (
        "g:h[each cell] ~ Beta(1, 1)",
    )


@pytest.mark.parametrize(
    ("prior", "line"),
    [
        (D("Normal", (2021.4374, 0.57735)), "Normal(2021.437, 0.577)"),
        (D("Normal", (-1e9 - 0.25, 0.5)), "Normal(-1000000000.25, 0.5)"),
        (D("Normal", (0.0204123, 1.4321)), "Normal(0.0204, 1.43)"),
        (D("StudentT", (4.0, 1234.5, 2.5)), "StudentT(4, 1234.5, 2.5)"),
        (D("Uniform", (2000.0, 2000.5)), "Uniform(2000, 2000.5)"),
    ],
    ids=str,
)
def test_a_listed_prior_is_the_prior_to_a_hundredth_of_its_scale(
    prior: Distribution, line: str
) -> None:
    model = Regression("m", "y", None, (), "gaussian", Priors(prior, (), ()))

    assert describe(model) == (f"intercept ~ {line}",)


# ------------------------------------------------------------------------------------------------
# From the coefficients at the centres to those of the formula
# ------------------------------------------------------------------------------------------------


def test_gaussian_form_has_the_moments_of_the_printed_coefficients() -> None:
    priors = Priors(
        D("Normal", (4.0, 2.0)),
        ((X, 10.0), (B, -3.0)),
        ((D("Normal", (1.0, 0.5)),), (D("Normal", (0.0, 2.0)),), (UNIT,) * 3),
    )
    form = gaussian_form(Regression("m", "y", "x", TERMS, "gaussian", priors))
    assert form is not None
    # The printed intercept is (value at the centre) - 10 slope_x + 3 slope_b.
    mean = form.to_printed @ form.mean
    factor = form.to_printed * form.sd
    covariance = factor @ factor.T

    assert mean.tolist() == [4.0 - 10.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert covariance[0, 0] == pytest.approx(4.0 + 100 * 0.25 + 9 * 4.0)
    assert covariance[0, 1] == pytest.approx(-10 * 0.25)
    assert covariance[0, 2] == pytest.approx(3 * 4.0)
    assert covariance[3, 0] == 0.0
    assert not form.flat.any()


def test_gaussian_form_knows_flat_columns_and_gives_up_on_others() -> None:
    def form(intercept: Distribution, slope: Distribution, *more: Term) -> Any:
        terms = (X, *more)
        groups = ((slope,), *((UNIT,) * len(columns(term)) for term in more))
        priors = Priors(intercept, ((X, 10.0),), groups)
        return gaussian_form(Regression("m", "y", "x", terms, "gaussian", priors))

    flat = form(D("Flat"), UNIT)
    assert flat.flat.tolist() == [True, False]
    assert flat.mean.tolist() == [0.0, 0.0]
    assert flat.sd[1] == 1.0
    assert form(UNIT, D("Cauchy", (0.0, 1.0))) is None
    assert form(D("Cauchy", (0.0, 1.0)), UNIT) is None
    assert form(UNIT, UNIT, XG) is not None
    assert form(UNIT, UNIT, Varying(G, ())) is None


CENTRED: dict[str, tuple[tuple[Term, ...], str]] = {
    "a number": ((X,), "x"),
    "a product with its parts": ((X, Z, XZ), "xz"),
    "a product without one": ((X, XZ), "z"),
    "a product alone": ((XZ,), ""),
    "slopes by level, with the levels": ((G, XG), "x"),
    "slopes by level, without": ((X, XG), ""),
    "three, with all pairs": (
        (X, Z, B, XZ, Interaction((X, B)), Interaction((Z, B)), Interaction((X, Z, B))), "xzb",
    ),
    "three, with two pairs": (
        (X, Z, B, XZ, Interaction((X, B)), Interaction((X, Z, B))), "zb",
    ),  # x times z times b without z times b
    "slopes that vary about levels that vary": ((X, Varying(G, (X,))), "x"),
    "slopes that vary alone": ((X, Varying(G, (X,), intercept=False)), ""),
    "what varies in two terms": ((X, Varying(G, ()), Varying(G, (X,), intercept=False)), ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CENTRED)
def test_what_can_be_centred_can_be_told_by_hand(case: str) -> None:
    terms, names = CENTRED[case]

    assert _centred_atoms(terms) == {Numeric(name) for name in names}


SIMPLE: tuple[Simple, ...] = (X, Z, Log("t"), Polynomial("b", 2, 0.25), G, H)


def grid(seed: int) -> Table:
    """Twelve rows of random numbers in every combination of the levels."""
    random = np.random.default_rng(seed)
    cells = list(product(G.levels, H.levels)) * 12
    data = {
        "x": random.normal(3.0, 1.0, len(cells)),
        "z": random.normal(-2.0, 1.0, len(cells)),
        "t": random.uniform(0.5, 4.0, len(cells)),
        "b": random.normal(0.0, 1.0, len(cells)),
        "g": [g for g, _ in cells],
        "h": [h for _, h in cells],
        "y": random.normal(size=len(cells)),
    }
    return read_table(data, list(data), categorical=["g", "h"])


def atom_of(atom: Atom, data: Table) -> Array:
    column = data[atom.variable]
    match atom:
        case Level():
            return (column.values == column.levels.index(atom.label)).astype(float)
        case Log():
            return np.log(column.values)
        case Power():
            return (column.values - atom.centre) ** atom.exponent
        case _:
            return column.values


@st.composite
def some_terms(draw: st.DrawFn) -> tuple[Term, ...]:
    one = st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=3, unique=True).map(
        lambda parts: parts[0] if len(parts) == 1 else Interaction(tuple(parts))
    )
    distinct = st.lists(one, max_size=6, unique_by=lambda term: frozenset(variables(term)))
    terms: list[Term] = draw(distinct)
    if draw(st.booleans()):  # hierarchical: the parts of every product are there as well
        held = {frozenset(variables(term)) for term in terms}
        for term in list(terms):
            parts = term.parts if isinstance(term, Interaction) else ()
            for size in range(1, len(parts)):
                for some in combinations(parts, size):
                    if frozenset(v for part in some for v in variables(part)) not in held:
                        held.add(frozenset(v for part in some for v in variables(part)))
                        terms.append(some[0] if size == 1 else Interaction(some))
    inside = st.lists(st.sampled_from((X, Z, Log("t"))), unique=True, max_size=3)
    for by in draw(st.lists(st.sampled_from((G, H)), max_size=2)):
        parts = tuple(draw(inside))
        terms.append(Varying(by, parts, intercept=not parts or draw(st.booleans())))
    return tuple(terms)


def scopes(model: Regression) -> list[list[int]]:
    """The places of the columns that share one meaning: the fixed ones, each varying term's."""
    start = len(model.columns) - sum(len(columns(term)) for term in model.terms)
    found: list[list[int]] = [list(range(start))]
    for term in model.terms:
        places = list(range(start, start + len(columns(term))))
        start += len(places)
        if isinstance(term, Varying):
            found.append(places)
        else:
            found[0] += places
    return found


def check_printed(terms: tuple[Term, ...], family: str, seed: int) -> None:
    data, random = grid(seed), np.random.default_rng(seed)
    allowed = sorted(_centred_atoms(terms), key=repr)
    centre = tuple((atom, random.normal(0.0, 3.0)) for atom in allowed if random.random() < 0.8)
    intercept = None if family == "ordered" else UNIT
    model = Regression(
        "m",
        "y",
        "x",
        terms,
        family,
        Priors(intercept, centre, ()),  # type: ignore[arg-type]
    )
    theta = random.normal(size=len(model.columns))
    centres = dict(centre)
    centred = np.column_stack(
        [np.ones((data.rows, 0))]
        + [
            np.prod([atom_of(a, data) - centres.get(a, 0.0) for a in column], axis=0)
            * np.ones(data.rows)
            for column in model.columns
        ]
    )
    plain = design(model, data)

    given = plain @ (to_printed(model) @ theta) + to_cutpoints(model) @ theta
    np.testing.assert_allclose(centred @ theta, given, rtol=1e-9, atol=1e-9)
    if family == "gaussian":
        assert not to_cutpoints(model).any()

    # The model is the same: each centred column is one of the formula's, and in its own place.
    ones = np.ones((data.rows, 1))
    for number, places in enumerate(scopes(model)):
        inside = np.hstack([ones, plain[:, places]]) if number == 0 else plain[:, places]
        both = np.hstack([inside, centred[:, places]])
        assert np.linalg.matrix_rank(both) == np.linalg.matrix_rank(inside)
        moved = to_printed(model)[:, places]
        outside = np.setdiff1d(np.arange(len(moved)), places)
        assert not moved[outside].any()


@example((X, Z, XZ, Varying(G, (X, Z))), "gaussian", 1)
@example((XZ, Interaction((X, Z, G)), Interaction((Z, G)), G), "gaussian", 2)
@settings(deadline=None, max_examples=80)
@for_all(some_terms(), st.sampled_from(["gaussian", "ordered"]), st.integers(0, 10**6))
def test_centred_coefficients_are_printed_as_those_of_the_same_model(
    terms: tuple[Term, ...], family: str, seed: int
) -> None:
    check_printed(terms, family, seed)


@pytest.mark.heavy
@settings(deadline=None, max_examples=800)
@for_all(some_terms(), st.sampled_from(["gaussian", "ordered"]), st.integers(0, 10**6))
def test_centred_coefficients_are_printed_as_those_of_the_same_model_in_many(
    terms: tuple[Term, ...], family: str, seed: int
) -> None:
    check_printed(terms, family, seed)


@example((X, Z, XZ, G, XG), ("x",), "gaussian")
@example((X, Z, XZ, Interaction((X, Z, G))), ("level",), "ordered")
@settings(deadline=None, max_examples=60)
@for_all(
    some_terms(),
    st.lists(st.sampled_from(("x", "z", "g", "slope", "level", "x:z", "log(t)")), max_size=2),
    st.sampled_from(["gaussian", "ordered"]),
)
def test_a_prior_of_the_users_own_is_the_one_of_the_printed_coefficient(
    terms: tuple[Term, ...], names: Sequence[str], family: str
) -> None:
    own = {name: D("Normal", (0.7, 0.3)) for name in names}
    data = replace_outcome(grid(7)) if family == "ordered" else grid(7)
    grades = (0.0, 1.0, 2.0) if family == "ordered" else ()
    choice = PriorChoice(overrides=own)
    priors = resolve(choice, terms, "y", family, data, grades=grades)  # type: ignore[arg-type]
    model = Regression("m", "y", "x", terms, family, priors)  # type: ignore[arg-type]
    moved = to_printed(model)

    start = len(model.columns) - sum(len(columns(term)) for term in terms)
    for term, group in zip(terms, priors.terms, strict=True):
        for place, prior in enumerate(group, start):
            if not isinstance(term, Varying) and prior.parameters == (0.7, 0.3):
                # Nothing else enters what is printed under this name.
                assert np.flatnonzero(moved[place]).tolist() == [place]
        start += len(columns(term))


def replace_outcome(data: Table) -> Table:
    columns_ = {name: column.values for name, column in data.columns.items()}
    columns_ |= {"y": np.arange(data.rows) % 3.0}
    for name in "gh":
        labels = data[name].levels
        columns_[name] = [labels[int(code)] for code in data[name].values]  # type: ignore[assignment]
    return read_table(columns_, list(columns_), categorical=["g", "h"])


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "cells"])
@pytest.mark.parametrize("preset", ["default", "wide"])
def test_default_priors_reach_the_middle_of_the_outcome_in_every_family(
    family: str, preset: str
) -> None:
    """At the means of all predictors the linear predictor is link(mean y), with one sd of y."""
    outcome = {"bernoulli": "d", "poisson": "k", "negbinomial": "k"}.get(family, "y")
    terms = (X, Z, XZ, Polynomial("z", 2, -20.0))
    priors = resolved(*terms, family=family, outcome=outcome, preset=preset)
    link = RULES[family].link  # type: ignore[index]
    spread = (mean_sd("y")[1] if link == "identity" else 1.0) * (10 if preset == "wide" else 1)

    firsts = priors.cutpoints if family == "ordered" else (priors.intercept,)
    assert set(priors.centres) == {X, Z, *(Power("z", p, -20.0) for p in (1, 2))}
    for first in firsts:
        assert first is not None and first.parameters[1] == pytest.approx(spread)
    assert offset(modelled(X), table()).tolist() == [0.0] * 60

"""Priors: densities, defaults in the data's units, overrides, and the parser of NAME=Dist(...)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from causal.data.table import Table, read_table
from causal.errors import DataError, ModelError
from causal.models.priors import (
    Distribution,
    PriorChoice,
    Priors,
    describe,
    gaussian_form,
    parse_prior,
    resolve,
)
from causal.models.regression import Categorical, Numeric, Regression

D = Distribution

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
}


@pytest.mark.parametrize("distribution", DENSITIES, ids=str)
def test_density_is_that_of_scipy(distribution: Distribution) -> None:
    x = np.array([-40.0, -1.0, -1e-9, 1e-9, 0.3, 1.0, 2.9, 17.0])
    expected = DENSITIES[distribution].logpdf(x)
    if distribution.name == "HalfStudentT":
        expected = np.where(x > 0, expected + math.log(2), -np.inf)

    given = distribution.log_density(x)

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
        ("z=Normal(__import__('os').getpid(), 1)", "no distribution"),
    ],
)
def test_a_prior_that_is_not_one_is_refused(text: str, word: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_prior(text)

    assert word in str(caught.value)


def table(**scaled: float) -> Table:
    random = np.random.default_rng(1)
    x = random.normal(5.0, 2.0, 60)
    b = (random.random(60) < 0.3).astype(float)
    y = 3.0 + x + random.normal(0.0, 1.0, 60)
    data = {
        "x": x * scaled.get("x", 1.0) + scaled.get("x0", 0.0),
        "b": b,
        "g": ["u", "v", "w"] * 20,
        "y": y * scaled.get("y", 1.0) + scaled.get("y0", 0.0),
        "d": (y > np.median(y) + 0.1).astype(float),
    }
    return read_table(data, list(data))


TERMS = (Numeric("x"), Numeric("b"), Categorical("g", ("u", "v", "w")))


def test_default_priors_are_on_the_scale_of_the_data() -> None:
    data = table()
    x, b, y = (data[name].values for name in "xby")
    s = float(np.std(y))

    priors = resolve(PriorChoice(), TERMS, "y", "gaussian", data)

    assert priors.intercept is not None and priors.sigma is not None
    assert priors.intercept.parameters == pytest.approx((y.mean(), s))
    assert priors.centre == pytest.approx((x.mean(), b.mean()))
    assert [p.parameters for p in priors.slopes] == [
        pytest.approx((0.0, s / np.std(x))),
        pytest.approx((0.0, s / np.std(b))),
    ]
    assert priors.levels[0].parameters == pytest.approx((0.0, s))
    assert priors.sigma == D("Exponential", priors.sigma.parameters)
    assert priors.sigma.parameters == pytest.approx((1 / s,))


def test_wide_priors_are_ten_times_as_wide() -> None:
    default = resolve(PriorChoice(), TERMS, "y", "gaussian", table())
    wide = resolve(PriorChoice("wide"), TERMS, "y", "gaussian", table())

    assert wide.intercept and default.intercept and wide.sigma and default.sigma
    assert wide.centre == default.centre
    assert wide.intercept.parameters[0] == default.intercept.parameters[0]
    for broad, narrow in zip(
        (wide.intercept, *wide.slopes, *wide.levels),
        (default.intercept, *default.slopes, *default.levels),
        strict=True,
    ):
        assert broad.parameters[1] == pytest.approx(10 * narrow.parameters[1])
    assert wide.sigma.parameters[0] == pytest.approx(default.sigma.parameters[0] / 10)


def test_default_priors_of_a_two_valued_outcome_are_on_the_logit_scale() -> None:
    data = table()
    share = data["d"].values.mean()

    priors = resolve(PriorChoice(), TERMS, "d", "bernoulli", data)

    assert priors.intercept is not None
    assert priors.intercept.parameters == pytest.approx((math.log(share / (1 - share)), 1.0))
    assert priors.slopes[0].parameters == pytest.approx((0.0, 1 / np.std(data["x"].values)))
    assert priors.levels[0].parameters == (0.0, 1.0)
    assert priors.sigma is None


def test_tutorial_priors_are_the_same_in_any_units() -> None:
    for data in (table(), table(x=1e6, y=1e-6)):
        priors = resolve(PriorChoice("tutorial"), TERMS, "y", "gaussian", data)
        unit = D("Normal", (0.0, 1.0))
        assert priors == Priors(unit, (0.0, 0.0), (unit, unit), (unit,), D("Exponential", (1.0,)))


@pytest.mark.parametrize("units", [{"x": 1e-9}, {"x": 1e9, "x0": 1e9}, {"y": 1e-9}, {"y": -1e3}])
def test_default_priors_follow_a_change_of_units(units: dict[str, float]) -> None:
    plain = resolve(PriorChoice(), TERMS, "y", "gaussian", table())
    moved = resolve(PriorChoice(), TERMS, "y", "gaussian", table(**units))
    x, y = units.get("x", 1.0), abs(units.get("y", 1.0))

    assert moved.slopes[0].parameters[1] * x / y == pytest.approx(plain.slopes[0].parameters[1])
    assert moved.sigma is not None and plain.sigma is not None
    assert moved.sigma.parameters[0] * y == pytest.approx(plain.sigma.parameters[0])


def test_a_variables_own_prior_wins_over_the_prior_of_all_slopes() -> None:
    slope, own, level = D("Normal", (0.0, 3.0)), D("Cauchy", (0.0, 1.0)), D("Flat")
    choice = PriorChoice(overrides={"slope": slope, "b": own, "g": level})

    priors = resolve(choice, TERMS, "y", "gaussian", table())

    assert priors.slopes == (slope, own)
    assert priors.levels == (level,)


def test_a_prior_of_the_intercept_is_on_its_value_at_zero() -> None:
    own = D("Normal", (1.0, 2.0))

    priors = resolve(PriorChoice(overrides={"intercept": own}), TERMS, "y", "gaussian", table())
    assert priors.intercept == own
    assert priors.centre == (0.0, 0.0)

    kept = resolve(PriorChoice(overrides={"x": own}), TERMS, "y", "gaussian", table())
    assert kept.centre[0] == pytest.approx(table()["x"].values.mean())


def test_a_prior_for_a_variable_this_model_lacks_changes_nothing() -> None:
    choice = PriorChoice(overrides={"z": D("Normal", (0.0, 1.0))})

    assert resolve(choice, TERMS, "y", "gaussian", table()) == resolve(
        PriorChoice(), TERMS, "y", "gaussian", table()
    )


def test_a_variable_named_like_a_part_of_the_model_must_be_quoted() -> None:
    data = read_table({"slope": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 2.0]}, ["slope", "y"])
    own = D("Normal", (0.0, 7.0))
    terms = (Numeric("slope"),)

    with pytest.raises(ModelError, match="back-quotes"):
        resolve(PriorChoice(overrides={"slope": own}), terms, "y", "gaussian", data)
    quoted = resolve(PriorChoice(overrides={"`slope`": own}), terms, "y", "gaussian", data)
    assert quoted.slopes == (own,)


def test_a_choice_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ModelError, match="preset"):
        PriorChoice("narrow")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="standard deviation"):
        PriorChoice(overrides={"sigma": D("Normal", (0.0, 1.0))})
    with pytest.raises(ModelError, match="coefficient"):
        PriorChoice(overrides={"x": D("HalfNormal", (1.0,))})


def test_a_prior_of_sigma_is_refused_where_there_is_no_sigma() -> None:
    choice = PriorChoice(overrides={"sigma": D("HalfFlat")})

    with pytest.raises(ModelError, match="no sigma"):
        resolve(choice, TERMS, "d", "bernoulli", table())


def test_a_column_of_one_value_has_no_default_prior() -> None:
    data = read_table({"x": [1.0, 1.0], "y": [1.0, 2.0]}, ["x", "y"])

    with pytest.raises(DataError, match="same value"):
        resolve(PriorChoice(), (Numeric("x"),), "y", "gaussian", data)


def test_covered_means_that_no_prior_comes_from_the_data() -> None:
    terms = TERMS
    priors = resolve(PriorChoice(), terms, "y", "gaussian", table())
    model = Regression("m", "y", "x", terms, "gaussian", priors)
    unit, scale = D("Normal", (0.0, 1.0)), D("Exponential", (1.0,))
    every = {"intercept": unit, "slope": unit, "level": unit, "sigma": scale}

    assert PriorChoice(overrides=every).covers(model)
    assert PriorChoice("tutorial").covers(model)
    assert not PriorChoice().covers(model)
    for name in every:
        rest = {key: value for key, value in every.items() if key != name}
        assert not PriorChoice(overrides=rest).covers(model)
    by_name = {"intercept": unit, "x": unit, "b": unit, "g": unit, "sigma": scale}
    assert PriorChoice(overrides=by_name).covers(model)


def test_priors_are_listed_in_plain_lines() -> None:
    priors = Priors(
        D("Normal", (2.0, 1.5)),
        (1.0, 0.0),
        (D("Flat"), D("Normal", (0.0, 1 / 3))),
        (D("Normal", (0.0, 1.0)),),
        D("Exponential", (0.5,)),
    )

    assert describe(priors, TERMS) == (
        "intercept ~ Normal(2, 1.5) (at the predictors' means)",
        "x ~ Flat()",
        "b ~ Normal(0, 0.333)",
        "g[each level] ~ Normal(0, 1)",
        "sigma ~ Exponential(0.5)",
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
    listed = describe(Priors(prior, (), (), (), None), ())

    assert listed == (f"intercept ~ {line}",)


def test_gaussian_form_has_the_moments_of_the_printed_coefficients() -> None:
    priors = Priors(
        D("Normal", (4.0, 2.0)),
        (10.0, -3.0),
        (D("Normal", (1.0, 0.5)), D("Normal", (0.0, 2.0))),
        (D("Normal", (0.0, 1.0)),),
        None,
    )
    form = gaussian_form(priors, TERMS)
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
    unit = D("Normal", (0.0, 1.0))
    flat = Priors(D("Flat"), (10.0,), (unit,), (), None)
    form = gaussian_form(flat, (Numeric("x"),))
    assert form is not None
    assert form.flat.tolist() == [True, False]
    assert form.mean.tolist() == [0.0, 0.0]
    assert form.sd[1] == 1.0

    cauchy = Priors(unit, (0.0,), (D("Cauchy", (0.0, 1.0)),), (), None)
    assert gaussian_form(cauchy, (Numeric("x"),)) is None

"""Regressions as PyMC models: what a PyMC user may rely on."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from causal.data.table import Table, read_table
from causal.errors import MissingPart, ModelError
from causal.models.priors import Distribution, Priors
from causal.models.pymc_model import Place, build, carried, coefficient_variables, names
from causal.models.regression import Categorical, Family, Numeric, Regression, Term

pm = pytest.importorskip("pymc")
xr = pytest.importorskip("xarray")

ROWS = 30
NORMAL = Distribution("Normal", (0.0, 1.0))
HALF = Distribution("Exponential", (1.0,))

# What a person or a file of unknown origin may call a column.
HOSTILE = [
    '"; import os; os.system("x")',
    '"""',
    "a'b",
    "a::b",
    "::",
    "colon:",
    "a:b",
    "line\nimport os",
    "back\\slash\\",
    "km/h",
    "<b>bold</b>",
    "<b>>",
    "<script>alert(1)</script>",
    "größe 身長 😀",
    "right-to-left \u202e mark",
    "nul \x00",
    "x" * 10_000,
    "",
    " ",
    "{x}",
    "chain",
    "draw",
    "row",
    "sigma",
    "intercept",
    "intercept_centred",
    "x_log__",
    "sigma_log__",
    "slope_z",
    "level_g",
    "g_level",
    "named_vars",
    "effect",
]


def frame(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """x, z numbers, g a category of three, y a number, b 0/1."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(5, 2, rows), rng.normal(size=rows)
    g = np.array(["a", "b", "c"])[np.arange(rows) % 3]
    y = x - z + rng.normal(size=rows)
    return pd.DataFrame({"x": x, "z": z, "g": g, "y": y, "b": (y > 5).astype(int)})


def regression(
    outcome: str = "y",
    terms: Sequence[Term] = (Numeric("x"), Numeric("z")),
    *,
    family: Family = "gaussian",
    centre: Sequence[float] | None = None,
    intercept: Distribution | None = NORMAL,
    slope: Distribution = NORMAL,
    sigma: Distribution = HALF,
) -> Regression:
    numeric = sum(isinstance(term, Numeric) for term in terms)
    priors = Priors(
        intercept,
        (0.0,) * numeric if centre is None else tuple(centre),
        (slope,) * numeric,
        (NORMAL,) * (len(terms) - numeric),
        sigma if family == "gaussian" else None,
    )
    exposure = terms[0].variable if terms else None
    return Regression("correct", outcome, exposure, tuple(terms), family, priors)


G = Categorical("g", ("a", "b", "c"))
MODELS = {
    "simple": regression(terms=[Numeric("x")]),
    "two numbers": regression(),
    "centred": regression(centre=(5.0, 0.1)),
    "category": regression(terms=[Numeric("x"), G], centre=(5.0,)),
    "category alone": regression(terms=[G]),
    "intercept alone": regression(terms=[]),
    "without intercept": regression(intercept=None),
    "logistic": regression("b", [Numeric("x"), G], family="bernoulli", centre=(5.0,)),
}


def table(data: pd.DataFrame | None = None) -> Table:
    data = frame() if data is None else data
    return read_table(data, list(data.columns))


def linear_predictor(reg: Regression, data: pd.DataFrame, point: dict[str, float]) -> np.ndarray:
    """From the formula as written, by hand; *point* by coefficient name."""
    total = np.full(len(data), point.get("intercept", 0.0))
    for term, coefficients in zip(reg.terms, reg.coefficients_by_term, strict=True):
        if isinstance(term, Numeric):
            total += point[coefficients[0]] * data[term.variable].to_numpy()
        else:
            levels = [point[name] for name in coefficients]
            codes = [term.levels.index(label) for label in data[term.variable]]
            total += np.array(levels)[codes]
    return total


@pytest.mark.parametrize("reg", MODELS.values(), ids=MODELS)
def test_density_is_that_of_the_regression_as_written(reg: Regression) -> None:
    data, rng = frame(), np.random.default_rng(1)
    model = build(reg, table())
    places = coefficient_variables(reg)
    assert tuple(places) == reg.coefficient_names
    numeric = [t.variable for t in reg.terms if isinstance(t, Numeric)]
    for _ in range(3):
        point = {name: float(rng.uniform(0.2, 1.5)) for name in reg.coefficient_names}
        mu = linear_predictor(reg, data, point)
        if reg.family == "gaussian":
            y, s = data[reg.outcome].to_numpy(), point["sigma"]
            expected = np.sum(-0.5 * ((y - mu) / s) ** 2 - np.log(s) - 0.5 * np.log(2 * np.pi))
            expected += -point["sigma"]
        else:
            expected = np.sum(data[reg.outcome] * mu - np.log1p(np.exp(mu)))
        centred = point.get("intercept", 0.0) + sum(
            point[v] * c for v, c in zip(numeric, reg.priors.centre, strict=True)
        )
        gaussian = [value for name, value in point.items() if name not in ("intercept", "sigma")]
        gaussian += [centred] if "intercept" in point else []
        expected += sum(-0.5 * v**2 - 0.5 * np.log(2 * np.pi) for v in gaussian)

        values: dict[str, object] = {}
        for name, place in places.items():
            if place.index is None:
                values[place.variable] = point[name]
            else:
                vector = values.setdefault(place.variable, np.zeros(len(G.levels)))
                vector[place.index] = point[name]  # type: ignore[index]
        if any(reg.priors.centre) and "intercept" in point:
            del values["intercept"]
            values["intercept_centred"] = centred
        if "sigma" in point:
            values["sigma_log__"] = np.log(values.pop("sigma"))
        logp = model.compile_logp(jacobian=False)(values)
        assert float(logp) == pytest.approx(expected, rel=1e-7)


def test_everything_bears_the_name_a_reader_expects() -> None:
    model = build(MODELS["category"], table())
    assert set(model.named_vars) == {
        "x", "g", "y", "intercept", "intercept_centred", "slope_x", "level_g", "sigma",
    }  # fmt: skip
    assert [v.name for v in model.data_vars] == ["x", "g"]
    assert [v.name for v in model.observed_RVs] == ["y"]
    assert [v.name for v in model.deterministics] == ["intercept"]
    assert tuple(model.coords["g_level"]) == ("a", "b", "c")
    assert model.named_vars_to_dims["level_g"] == ("g_level",)
    assert model.named_vars_to_dims["y"] == ("row",)


def test_nothing_is_recorded_that_is_not_needed() -> None:
    assert not build(MODELS["two numbers"], table()).deterministics
    assert not build(MODELS["logistic"], table()).potentials


def test_intercept_is_the_value_at_zero_predictors_whatever_the_centre() -> None:
    model = build(MODELS["centred"], table())
    centred, slopes, at_zero = (
        model["intercept_centred"], (model["slope_x"], model["slope_z"]), model["intercept"],
    )  # fmt: skip
    values = at_zero.eval({centred: 2.0, slopes[0]: 3.0, slopes[1]: -1.0})
    assert float(values) == pytest.approx(2.0 - 3.0 * 5.0 + 1.0 * 0.1)


POINT_PRIORS = [
    Distribution("Normal", (0.5, 2.0)),
    Distribution("StudentT", (4.0, 0.5, 2.0)),
    Distribution("Cauchy", (0.5, 2.0)),
    Distribution("LogNormal", (0.5, 2.0)),
    Distribution("Uniform", (-1.0, 4.0)),
    Distribution("Flat"),
]
SCALE_PRIORS = [
    Distribution("Exponential", (0.5,)),
    Distribution("HalfNormal", (2.0,)),
    Distribution("HalfCauchy", (2.0,)),
    Distribution("HalfStudentT", (4.0, 2.0)),
    Distribution("InverseGamma", (3.0, 2.0)),
    Distribution("HalfFlat"),
    Distribution("LogNormal", (0.5, 2.0)),
    Distribution("Uniform", (0.0, 4.0)),
]


@pytest.mark.parametrize("prior", POINT_PRIORS, ids=str)
def test_a_prior_means_the_same_in_pymc_as_here_for_slopes(prior: Distribution) -> None:
    model = build(regression(terms=[Numeric("x")], slope=prior), table())
    at = np.array([0.3, 0.7, 2.0])
    logp = pm.logp(model["slope_x"], at).eval()
    assert logp == pytest.approx(prior.log_density(at), rel=1e-7)


@pytest.mark.parametrize("prior", SCALE_PRIORS, ids=str)
def test_a_prior_means_the_same_in_pymc_as_here_for_sigma(prior: Distribution) -> None:
    model = build(regression(terms=[Numeric("x")], sigma=prior), table())
    at = np.array([0.3, 0.7, 2.0])
    logp = pm.logp(model["sigma"], at).eval()
    assert logp == pytest.approx(prior.log_density(at), rel=1e-7)


def predictive(model: object, seed: int = 1) -> tuple[object, object]:
    """Prior predictive draws, and a tree whose posterior group is that prior."""
    with model:  # type: ignore[attr-defined]
        prior = pm.sample_prior_predictive(draws=4, random_seed=seed)
    return prior, xr.DataTree.from_dict({"posterior": prior["prior"].to_dataset()})


@pytest.mark.parametrize("name", ["category", "logistic", "without intercept"])
def test_the_tools_of_pymc_work_on_it(name: str) -> None:
    reg = MODELS[name]
    model, outcome, exposure = build(reg, table()), reg.outcome, reg.terms[0].variable
    prior, tree = predictive(model)
    assert prior["prior_predictive"][outcome].shape == (1, 4, ROWS)
    with model:
        pm.sample_posterior_predictive(
            tree, progressbar=False, random_seed=1, extend_inferencedata=True
        )
        pm.compute_log_likelihood(tree, progressbar=False)
    assert tree["posterior_predictive"][outcome].shape == (1, 4, ROWS)
    assert tree["log_likelihood"][outcome].shape == (1, 4, ROWS)

    changed = pm.do(model, {exposure: np.zeros(ROWS)})
    assert (changed[exposure].eval() == 0).all()
    held = pm.observe(model, {f"slope_{exposure}": 0.5})
    assert f"slope_{exposure}" in {v.name for v in held.observed_RVs}
    source = pm.model_to_graphviz(model).source
    assert f"slope_{exposure}" in source
    assert outcome in source


def test_do_moves_the_prediction_by_the_slope() -> None:
    model = build(MODELS["centred"], table())
    _, tree = predictive(model)
    tree["posterior"]["sigma"][:] = 1e-9

    def predicted(value: float) -> np.ndarray:
        with pm.do(model, {"x": np.full(ROWS, value)}):
            drawn = pm.sample_posterior_predictive(tree, progressbar=False, random_seed=1)
        return drawn["posterior_predictive"]["y"].to_numpy()

    difference = predicted(3.0) - predicted(2.0)
    slope = tree["posterior"]["slope_x"].to_numpy()[..., None]
    assert difference == pytest.approx(np.broadcast_to(slope, difference.shape), abs=1e-6)


def test_new_rows_can_be_predicted() -> None:
    model = build(MODELS["category"], table())
    _, tree = predictive(model)
    with model:
        pm.set_data({"x": [1.0, 2.0], "g": [0, 2]}, coords={"row": [0, 1]})
        drawn = pm.sample_posterior_predictive(
            tree, progressbar=False, random_seed=1, predictions=True
        )
    assert drawn["predictions"]["y"].shape == (1, 4, 2)


def renamed(name: str, role: str) -> tuple[Regression, Table]:
    """A model with a category in which the column of *role* is called *name*."""
    data = frame().rename(columns={role: name})
    called = {role: name}
    terms = [Numeric(called.get("x", "x")), Categorical(called.get("g", "g"), ("a", "b", "c"))]
    reg = regression(called.get("y", "y"), [*terms, Numeric("z")], centre=(5.0, 0.0))
    return reg, read_table(data, list(reg.variables))


@pytest.mark.parametrize("role", ["x", "g", "y"])
@pytest.mark.parametrize("name", HOSTILE, ids=lambda n: ascii(n)[:20])
def test_any_column_name_is_carried_or_replaced_but_never_breaks_the_model(
    name: str, role: str
) -> None:
    reg, data = renamed(name, role)
    called = names(reg)
    model = build(reg, data)
    own = called.columns[name]
    assert own in model.named_vars
    if carried(name):
        assert own == name, "the column keeps its own name; the coefficients make way"
    everything = [v.name.replace(":", "&") for v in model.named_vars.values()]
    everything += [dim.replace(":", "&") for dim in model.coords]
    assert len(set(everything)) == len(everything)
    for place in coefficient_variables(reg).values():
        assert place.variable in model.named_vars
    graph = pm.model_to_graphviz(model)
    graph.source.encode()
    if role != "g":
        assert (pm.do(model, {own: np.ones(ROWS)})[own].eval() == 1).all() or role == "y"


@pytest.mark.parametrize("role", ["x", "y"])
@pytest.mark.parametrize(
    "name",
    ['"; import os; os.system("x")', "line\nimport os", "draw", "x_log__", "a::b"],
    ids=ascii,
)
def test_prediction_and_likelihood_survive_hostile_names(name: str, role: str) -> None:
    reg, data = renamed(name, role)
    model, outcome = build(reg, data), names(reg).columns[reg.outcome]
    prior, tree = predictive(model)
    with model:
        pm.compute_log_likelihood(tree, progressbar=False)
    assert prior["prior_predictive"][outcome].shape == (1, 4, ROWS)
    assert tree["log_likelihood"][outcome].shape == (1, 4, ROWS)


def test_a_name_that_is_no_text_is_replaced() -> None:
    assert not carried("lone \ud800 surrogate")
    assert names(regression(terms=[Numeric("lone \ud800")])).columns["lone \ud800"] == "lone"


def test_names_do_not_depend_on_anything_but_the_regression() -> None:
    reg = regression(terms=[Numeric("a/b"), Numeric("a_b"), Numeric("slope_a_b")])
    assert dict(names(reg).columns) == {
        "y": "y", "a_b": "a_b", "slope_a_b": "slope_a_b", "a/b": "a_b_2",
    }  # fmt: skip
    assert coefficient_variables(reg) == {
        "intercept": Place("intercept"),
        "a/b": Place("slope_a_b_2"),
        "a_b": Place("slope_a_b_3"),
        "slope_a_b": Place("slope_slope_a_b"),
        "sigma": Place("sigma"),
    }


def test_labels_of_a_category_are_coordinates_whatever_they_hold() -> None:
    labels = ['"quoted"', "line\nbreak", "x" * 5_000]
    data = frame().assign(g=[labels[i % 3] for i in range(ROWS)])
    read = read_table(data, ["x", "g", "y"])
    model = build(regression(terms=[Numeric("x"), Categorical("g", read["g"].levels)]), read)
    assert sorted(model.coords["g_level"]) == sorted(labels)
    by_code = np.array(model.coords["g_level"])[model["g"].eval()]
    assert list(by_code) == list(data["g"])


def test_levels_keep_the_order_of_the_regression_not_of_the_table() -> None:
    reg = regression(terms=[Categorical("g", ("c", "unseen", "a", "b"))])
    codes = build(reg, table())["g"].eval()
    assert [("c", "unseen", "a", "b")[i] for i in codes] == list(frame()["g"])


def test_rows_that_lack_a_value_are_left_out() -> None:
    data = frame()
    data.loc[3, "x"] = np.nan
    data.loc[7, "y"] = np.nan
    model = build(MODELS["simple"], table(data))
    kept = data.dropna(subset=["x", "y"])
    assert model["x"].eval() == pytest.approx(kept["x"].to_numpy())
    assert model.rvs_to_values[model["y"]].eval() == pytest.approx(kept["y"].to_numpy())


@pytest.mark.parametrize(
    ("values", "ones"),
    [([0, 1], 1), ([1, 2], 2), ([-3.5, 0], 0), (["no", "yes"], "yes")],
)
def test_a_two_valued_outcome_is_one_at_its_larger_value(
    values: list[object], ones: object
) -> None:
    data = frame().assign(b=[values[i % 2] for i in range(ROWS)])
    model = build(regression("b", [Numeric("x")], family="bernoulli"), table(data))
    observed = model.rvs_to_values[model["b"]].eval()
    assert list(observed == 1) == list(data["b"] == ones)


@pytest.mark.parametrize(
    ("reg", "said"),
    [
        (regression(terms=[Numeric("g")]), "holds text"),
        (regression(terms=[Categorical("x", ("a",))]), "was read as"),
        (regression(terms=[Categorical("g", ("a", "b"))]), "label 'c'"),
        (regression("g", [Numeric("x")]), "needs numbers"),
        (regression("y", [Numeric("x")], family="bernoulli"), "two values"),
        (Regression("m", "y", "x", (), "gaussian", Priors(NORMAL, (), (), (), None)), "sigma"),
    ],
)
def test_a_column_of_the_wrong_kind_is_refused_with_the_reason(reg: Regression, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        build(reg, table())


def test_without_pymc_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymc", None)
    with pytest.raises(MissingPart, match=r'pip install "causal-workbench\[bayes\]"'):
        build(MODELS["simple"], table())

"""Regressions as PyMC models: what a PyMC user may rely on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from causal.data.table import Table, read_table
from causal.errors import MissingPart, ModelError
from causal.models.priors import Distribution, Priors
from causal.models.pymc_model import Names, build, carried, names, sampled, starts
from causal.models.regression import Categorical, Family, Numeric, Regression, Term
from causal.models.terms import Interaction, Log, Polynomial, Varying, columns, variables
from tests.regressions import (
    KINDS,
    centred_design,
    correlation_matrix,
    log_likelihood,
    log_lkj,
    log_prior,
    make,
)
from tests.regressions import frame as all_columns
from tests.regressions import offsets as offsets_of

pm = pytest.importorskip("pymc")
xr = pytest.importorskip("xarray")
pytensor = pytest.importorskip("pytensor")

Floats = NDArray[np.float64]

ROWS = 30
NORMAL = Distribution("Normal", (0.0, 1.0))
HALF = Distribution("Exponential", (1.0,))

# Compiles nothing: these models are evaluated at a few points only.
INTERPRETED = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")

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
    centre: Sequence[float] = (),
    intercept: Distribution | None = NORMAL,
    slope: Distribution = NORMAL,
    sigma: Distribution = HALF,
) -> Regression:
    """Of numbers, with *centre* in their order, and categories."""
    numbers = [term for term in terms if isinstance(term, Numeric)]
    priors = Priors(
        intercept,
        tuple(zip(numbers, centre, strict=False)),
        tuple((slope if t in numbers else NORMAL,) * len(columns(t)) for t in terms),
        (("sigma", sigma),) if family == "gaussian" else (),
    )
    exposure = variables(terms[0])[0] if terms else None
    return Regression("correct", outcome, exposure, tuple(terms), family, priors)


G = Categorical("g", ("a", "b", "c"))
MODELS = {
    "simple": regression(terms=[Numeric("x")]),
    "two numbers": regression(),
    "centred": regression(centre=(5.0, 0.1)),
    "category": regression(terms=[Numeric("x"), G], centre=(5.0,)),
    "logistic": regression("b", [Numeric("x"), G], family="bernoulli", centre=(5.0,)),
}


def table(data: pd.DataFrame | None = None) -> Table:
    data = frame() if data is None else data
    return read_table(data, list(data.columns))


@dataclass
class Point:
    """Values of all parameters of a model, by the names in it and as the definitions have them."""

    model: dict[str, Floats] = field(default_factory=dict)
    theta: Floats = field(default_factory=lambda: np.empty(0))
    auxiliary: dict[str, Floats] = field(default_factory=dict)
    cuts: Floats = field(default_factory=lambda: np.empty(0))
    log_prior: float = 0.0


def point(reg: Regression, rng: np.random.Generator) -> Point:
    """Somewhere at random; the prior of `Varying` terms is that of their standard normals."""
    called, found, theta = names(reg), Point(), []
    linear, others = sampled(reg)
    if reg.priors.intercept is not None:
        found.model[linear[0]] = rng.normal(0, 0.5)
        theta.append(found.model[linear[0]])
    for term, name, own in zip(reg.terms, called.terms, called.varying, strict=True):
        count = len(columns(term))
        if own is None:
            value = rng.uniform(0.2, 0.8, count)
            dims = called.term_dims[reg.terms.index(term)]
            shape = [len(called.coords[dim]) for dim in dims]
            found.model[name] = value.reshape(shape)
        else:
            value = varying_point(reg, term, found, rng)
        theta += list(value)
    found.theta = np.array(theta)
    if reg.family == "ordered":
        found.model[others[0]] = found.cuts = np.sort(rng.normal(size=len(reg.grades) - 1))
    for name, _ in reg.priors.auxiliary:
        found.model[getattr(called, name)] = found.auxiliary[name] = rng.uniform(0.5, 3)
    found.log_prior += float(log_prior(reg, found.theta, found.auxiliary, found.cuts))
    return found


def varying_point(reg: Regression, term: Varying, found: Point, rng: np.random.Generator) -> Floats:
    """The deviations, (varied x levels), at standard deviations and correlations at random."""
    place = reg.terms.index(term)
    called, own = names(reg), names(reg).varying[place]
    count, levels = len(term.varied), len(term.by.levels)
    sd, z = rng.uniform(0.2, 1.5, count), rng.normal(size=(count, levels))
    pairs = rng.uniform(-0.3, 0.3, count * (count - 1) // 2)
    factor = np.linalg.cholesky(correlation_matrix(pairs, count))
    found.log_prior += float(stats.norm.logpdf(z).sum())
    found.log_prior += sum(
        float(prior.log_density(one))
        for prior, one in zip(reg.priors.terms[place], sd, strict=True)
    )
    alone = count == 1
    found.model[own.sd] = sd[0] if alone else sd
    found.model[own.standard] = z[0] if alone else z
    if not alone:
        found.model[own.cholesky] = factor
        # From the matrix to its factor: d R / d L = prod L_ii^(n - i).
        found.log_prior += log_lkj(factor @ factor.T, reg.priors.correlation)
        found.log_prior += float(np.log(np.diag(factor)) @ (count - 1 - np.arange(count)))
    assert called.terms[place] not in found.model
    return (sd[:, None] * (factor @ z)).ravel()


def sampler_values(model: object, values: Mapping[str, Floats]) -> dict[str, Floats]:
    """The same point in the variables that a sampler moves."""
    found = {}
    for rv in model.free_RVs:  # type: ignore[attr-defined]
        moved, transform = values[rv.name], model.rvs_to_transforms[rv]  # type: ignore[attr-defined]
        if transform is not None:
            symbol = transform.forward(pytensor.tensor.as_tensor(moved), *rv.owner.inputs)
            moved = symbol.eval(mode=INTERPRETED)
        found[model.rvs_to_values[rv].name] = moved  # type: ignore[attr-defined]
    return found


def slow(*fast: str) -> list[object]:
    return [pytest.param(k, marks=() if k in fast else pytest.mark.heavy) for k in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_density_is_that_of_the_definitions(kind: str) -> None:
    data, rng = all_columns(), np.random.default_rng(1)
    reg, read = make(KINDS[kind], data)
    model = build(reg, read)
    logp = model.compile_logp(jacobian=False, mode=INTERPRETED)
    for _ in range(2):
        at = point(reg, rng)
        eta = centred_design(reg, data) @ at.theta + offsets_of(reg, data)
        expected = log_likelihood(reg, data, eta, at.auxiliary, at.cuts) + at.log_prior
        assert float(logp(sampler_values(model, at.model))) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if "|" in kind.formula])
def test_a_model_with_switches_is_the_same_in_other_coordinates(kind: str) -> None:
    reg, read = make(KINDS[kind], all_columns())
    [(own, dims)] = [
        (own, dims)
        for own, dims in zip(names(reg).varying, names(reg).term_dims, strict=True)
        if own is not None
    ]
    plain, model = build(reg, read), build(reg, read, switched=True)
    logp = model.compile_logp(jacobian=False, mode=INTERPRETED)
    of_plain = plain.compile_logp(jacobian=False, mode=INTERPRETED)
    unit = np.array([prior.typical for prior in reg.priors.terms[reg.terms.index(reg.varying[0])]])
    rng = np.random.default_rng(4)
    shape = [len(names(reg).coords[dim]) for dim in dims]
    for switch in (np.zeros(shape), np.ones(shape), rng.uniform(size=shape)):
        with model:
            pm.set_data({own.switch: switch})
        at = point(reg, rng).model
        expected = float(of_plain(sampler_values(plain, at)))
        ratio = np.reshape(np.reshape(at[own.sd], -1) / unit, (-1, 1) if len(dims) > 1 else ())
        factor = at.get(own.cholesky, np.eye(1))
        standard = np.reshape(factor @ np.atleast_2d(at[own.standard]), shape)
        at[own.standard] = standard * ratio**switch
        # The volume that the change of coordinates takes up.
        expected -= float((switch * np.log(ratio)).sum())
        expected -= shape[-1] * float(np.log(np.diag(factor)).sum())
        assert float(logp(sampler_values(model, at))) == pytest.approx(expected, rel=1e-9)


NAMED = {
    "number by category": (
        {"intercept_centred", "slope_x", "level_g", "slope_x_by_g", "sigma"},
        {"intercept"},
        {"slope_x_by_g": ("g_level",)},
    ),
    "category by category": (
        {"intercept", "level_g", "level_h", "level_g_by_h", "sigma"},
        set(),
        {"level_g_by_h": ("g_level", "h_level")},
    ),
    "polynomial by category": (
        {"intercept_centred", "poly_x", "level_h", "slope_poly_x_by_h", "sigma"},
        {"intercept"},
        {"poly_x": ("x_power",), "slope_poly_x_by_h": ("x_power", "h_level")},
    ),
    "log": ({"intercept_centred", "slope_log_w", "slope_x", "sigma"}, {"intercept"}, {}),
    "cells": ({"cell"}, set(), {"cell": ("g_level", "h_level")}),
    "student": ({"intercept_centred", "slope_x", "slope_z", "sigma", "nu"}, {"intercept"}, {}),
    "ordered": (
        {"slope_x", "cutpoints_centred"},
        {"cutpoints"},
        {"cutpoints_centred": ("cutpoint",), "cutpoints": ("cutpoint",)},
    ),
    "pooled levels": (
        {"intercept_centred", "slope_x", "sd_k", "standard_k", "sigma"},
        {"intercept", "deviation_k"},
        {"deviation_k": ("k_level",), "standard_k": ("k_level",)},
    ),
    "varying slopes": (
        {"intercept_centred", "slope_x", "sd_k", "cholesky_k", "standard_k", "sigma"},
        {"intercept", "deviation_k", "correlation_k"},
        {
            "sd_k": ("k_varied",),
            "deviation_k": ("k_varied", "k_level"),
            "correlation_k": ("k_pair",),
        },
    ),
    "varying slopes alone": (
        {"intercept", "slope_x", "sd_x_by_k", "standard_x_by_k", "sigma"},
        {"deviation_x_by_k"},
        {"deviation_x_by_k": ("k_level",)},
    ),
}


@pytest.mark.parametrize("kind", NAMED)
def test_every_part_bears_the_name_a_reader_expects(kind: str) -> None:
    free, computed, dims = NAMED[kind]
    reg, read = make(KINDS[kind], all_columns())
    model = build(reg, read)
    assert {v.name for v in model.free_RVs} == free
    assert {v.name for v in model.deterministics} == computed
    assert {v.name for v in model.data_vars} == set(reg.variables) - {reg.outcome}
    assert [v.name for v in model.observed_RVs] == [reg.outcome]
    for name, expected in dims.items():
        assert model.named_vars_to_dims[name] == expected
    for variable in (*model.free_RVs, *model.deterministics):
        known = model.named_vars_to_dims.get(variable.name, ())
        assert variable.ndim == len(known), "every axis has a name"


def test_coordinates_say_what_stands_where() -> None:
    reg, read = make(KINDS["three vary"], all_columns())
    coords = build(reg, read).coords
    assert tuple(coords["k_level"]) == tuple("pqrstu")
    assert tuple(coords["k_varied"]) == ("1", "x", "z")
    assert tuple(coords["k_pair"]) == ("1,x", "1,z", "x,z")
    reg, read = make(KINDS["ordered"], all_columns())
    assert tuple(build(reg, read).coords["cutpoint"]) == ("1|2", "2|3", "3|4")
    reg, read = make(KINDS["polynomial"], all_columns())
    assert tuple(build(reg, read).coords["x_power"]) == (1, 2)


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


@pytest.mark.parametrize("kind", ["number by number", "polynomial", "log", "poisson", "ordered"])
def test_what_is_computed_at_zero_is_the_predictor_where_every_number_is_zero(kind: str) -> None:
    data = all_columns()
    reg, read = make(KINDS[kind], data)
    model, at = build(reg, read), point(reg, np.random.default_rng(2))
    # The powers of x are about a centre, which is where they vanish; log w does at w = 1.
    nowhere = data.head(1).assign(x=0.0, z=0.0, w=1.0)
    for term in reg.terms:
        if isinstance(term, Polynomial):
            nowhere = nowhere.assign(x=term.centre)
    expected = centred_design(reg, nowhere) @ at.theta
    name = "intercept"
    if reg.family == "ordered":
        expected, name = at.cuts - expected, "cutpoints"
    given = {model[n]: value for n, value in at.model.items() if model[n] in model.free_RVs}
    computed = model[name].eval(given, on_unused_input="ignore", mode=INTERPRETED)
    assert np.ravel(computed) == pytest.approx(np.ravel(expected), rel=1e-9)


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


CUTPOINT_PRIORS = [
    Distribution("Normal", (0.0, 5.0)),
    Distribution("StudentT", (4.0, 0.0, 3.0)),
    Distribution("LogNormal", (0.0, 1.0)),
    Distribution("Uniform", (-4.0, 6.0)),
]


@pytest.mark.parametrize("prior", CUTPOINT_PRIORS, ids=str)
def test_cutpoints_start_in_order_and_inside_of_any_prior(prior: Distribution) -> None:
    reg, read = make(KINDS["ordered"], all_columns(), overrides={"cutpoint": prior})
    [(name, cuts)] = starts(reg, read).items()
    assert (np.diff(cuts) > 0).all()
    low, high = prior.support
    assert low < cuts[0]
    assert cuts[-1] < high
    model = build(reg, read)
    model.set_initval(model[name], cuts)
    assert np.isfinite(model.compile_logp(mode=INTERPRETED)(model.initial_point()))


def test_grades_drawn_from_the_prior_follow_cutpoints_in_order() -> None:
    """With the same prior for each, drawing in order is the same as sorting."""
    wide = {"cutpoint": Distribution("Normal", (0.0, 2.0)), "x": Distribution("Normal", (0, 1e-9))}
    reg, read = make(KINDS["ordered"], all_columns(), overrides=wide)
    with build(reg, read):
        drawn = pm.sample_prior_predictive(draws=4000, random_seed=1)
    cuts = np.sort(np.random.default_rng(2).normal(0, 2, (200_000, 3)), axis=1)
    below = np.diff(1 / (1 + np.exp(-cuts)), axis=1, prepend=0.0, append=1.0).mean(axis=0)
    first = drawn["prior_predictive"]["o"].to_numpy()[0, :, 0].astype(int)
    share = np.bincount(first, minlength=4) / len(first)
    assert np.abs(share - below).max() < 4 * np.sqrt(0.25 / len(first))


def predictive(model: object, seed: int = 1, draws: int = 4) -> tuple[object, object]:
    """Prior predictive draws, and a tree whose posterior group is that prior."""
    with model:  # type: ignore[attr-defined]
        prior = pm.sample_prior_predictive(draws=draws, random_seed=seed)
    return prior, xr.DataTree.from_dict({"posterior": prior["prior"].to_dataset()})


def drawn_likelihood(reg: Regression, data: pd.DataFrame, tree: object) -> Floats:
    """Log likelihood of each draw in the posterior group, from the definitions."""
    linear, others = sampled(reg)
    draws = tree["posterior"]  # type: ignore[index]
    flat = [draws[name].to_numpy()[0].reshape(4, -1) for name in linear]
    theta = np.concatenate(flat, axis=1)
    cuts = np.empty((4, 0))
    if reg.family == "ordered":
        cuts = np.sort(draws[others[0]].to_numpy()[0], axis=1)
    called = names(reg)
    auxiliary = {n: draws[getattr(called, n)].to_numpy()[0] for n, _ in reg.priors.auxiliary}
    eta = theta @ centred_design(reg, data).T + offsets_of(reg, data)
    return log_likelihood(reg, data, eta, auxiliary, cuts)


def changed(reg: Regression, data: pd.DataFrame) -> dict[str, Floats]:
    """Another value for every number that a model reads; whole numbers as PyMC has them."""
    found = {}
    for name in reg.variables[1:]:
        values = data[name].to_numpy()
        if name == reg.trials:
            found[name] = (values[::-1] + 5).astype(np.int32)
        elif values.dtype == np.float64:
            found[name] = values[::-1].copy()
    return found


@pytest.mark.parametrize(
    "kind", slow("plain", "number by category", "ordered"), ids=lambda kind: kind
)
def test_the_tools_of_pymc_work_on_it(kind: str) -> None:
    data = all_columns()
    reg, read = make(KINDS[kind], data)
    model, outcome, count = build(reg, read), reg.outcome, len(data)
    prior, tree = predictive(model)
    drawn = prior["prior_predictive"][outcome].to_numpy()
    assert drawn.shape == (1, 4, count)
    if RANGES.get(reg.family):
        low, high = RANGES[reg.family]
        top = data["n"].to_numpy() if high == "n" else high
        assert (drawn >= low).all()
        assert (drawn <= top).all()
    with model:
        pm.sample_posterior_predictive(
            tree, progressbar=False, random_seed=1, extend_inferencedata=True
        )
        pm.compute_log_likelihood(tree, progressbar=False)
    assert tree["posterior_predictive"][outcome].shape == (1, 4, count)
    found = tree["log_likelihood"][outcome].to_numpy()[0].sum(axis=1)
    assert found == pytest.approx(drawn_likelihood(reg, data, tree), rel=1e-7)

    # What the model says after an intervention is what the definitions say of the changed columns.
    others = changed(reg, data)
    with pm.do(model, others):
        again = pm.compute_log_likelihood(tree, progressbar=False, extend_inferencedata=False)
    values = again.to_dataset() if hasattr(again, "to_dataset") else again
    after = values[outcome].to_numpy()[0].sum(axis=1)
    expected = drawn_likelihood(reg, data.assign(**others), tree)
    assert after == pytest.approx(expected, rel=1e-7)

    one = model.free_RVs[0].name
    held = pm.observe(model, {one: prior["prior"][one].to_numpy()[0, 0]})
    assert one in {v.name for v in held.observed_RVs}
    source = pm.model_to_graphviz(model).source
    for name in model.named_vars:
        assert name in source


RANGES: Mapping[Family, tuple[int, int | float | str]] = {
    "bernoulli": (0, 1),
    "cells": (0, 1),
    "binomial": (0, "n"),
    "poisson": (0, np.inf),
    "negbinomial": (0, np.inf),
    "ordered": (0, 3),
}


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


def test_new_rows_can_be_predicted_by_a_model_of_everything() -> None:
    data = all_columns()
    reg, read = make(KINDS["varying slopes"], data)
    model = build(reg, read)
    _, tree = predictive(model)
    tree["posterior"]["sigma"][:] = 1e-9
    new = pd.DataFrame({"x": [1.0, 2.5], "k": ["u", "p"]})
    with model:
        pm.set_data({"x": new["x"], "k": [5, 0]}, coords={"row": [0, 1]})
        drawn = pm.sample_posterior_predictive(
            tree, progressbar=False, random_seed=1, predictions=True
        )
    draws = tree["posterior"]
    flat = [draws[name].to_numpy()[0].reshape(4, -1) for name in sampled(reg)[0]]
    expected = np.concatenate(flat, axis=1) @ centred_design(reg, new).T
    assert drawn["predictions"]["y"].to_numpy()[0] == pytest.approx(expected, abs=1e-6)


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
    for variable in (*sampled(reg)[0], *sampled(reg)[1]):
        assert variable in model.named_vars
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


def with_every_sort_of_term(name: str, role: str) -> Regression:
    x, g = Numeric(name if role == "x" else "x"), name if role == "g" else "g"
    group = Categorical(g, ("a", "b", "c"))
    terms = (
        x,
        Log(x.variable),
        Polynomial(x.variable, 2, 5.0),
        Polynomial(x.variable, 3, 5.0),
        group,
        Interaction((x, group)),
        Interaction((Log(x.variable), Polynomial(x.variable, 2, 5.0), group)),
        Varying(group, (x,)),
        Varying(group, (x,), intercept=False),
        Varying(group, ()),
    )
    given = [
        (HALF,) * len(t.varied) if isinstance(t, Varying) else (NORMAL,) * len(columns(t))
        for t in terms
    ]
    priors = Priors(NORMAL, (), tuple(given), (("sigma", HALF),))
    return Regression("correct", "y", None, terms, "gaussian", priors, offsets=(Numeric("z"),))


def everything_named(called: Names) -> list[str]:
    own = [one for varying in called.varying if varying for one in astuple(varying)]
    single = (
        called.row, called.intercept, called.intercept_centred, called.cutpoints, called.sigma,
        called.cutpoints_centred, called.nu, called.alpha, called.cutpoint, called.effect,
    )  # fmt: skip
    powers = {dim for dims in called.term_dims for dim in dims} - {
        *own,
        *called.level_dims.values(),
    }
    dims = (*called.level_dims.values(), *powers)
    return [*called.columns.values(), *single, *called.terms, *own, *dims]


@pytest.mark.parametrize("role", ["x", "g"])
@pytest.mark.parametrize("name", HOSTILE, ids=lambda n: ascii(n)[:20])
def test_no_two_things_bear_the_same_name_whatever_the_columns_are_called(
    name: str, role: str
) -> None:
    found = everything_named(names(with_every_sort_of_term(name, role)))
    assert len({one.replace(":", "&") for one in found}) == len(found)
    assert all(carried(one) or len(one) > 200 for one in found)


@pytest.mark.heavy
@pytest.mark.parametrize("role", ["x", "g"])
@pytest.mark.parametrize("name", ["line\nimport os", "km/h", "sd_g", "a::b"], ids=ascii)
def test_no_name_breaks_a_model_with_every_sort_of_term(name: str, role: str) -> None:
    reg = with_every_sort_of_term(name, role)
    x = reg.terms[0].variable
    data = frame().rename(columns={role: name}).assign(**{x: 5.0 + np.arange(ROWS)})
    model = build(reg, read_table(data, list(reg.variables)))
    assert {*sampled(reg)[0], *sampled(reg)[1]} <= set(model.named_vars)
    pm.model_to_graphviz(model).source.encode()
    drawn, _ = predictive(model)
    assert drawn["prior_predictive"]["y"].shape == (1, 4, ROWS)


def test_names_do_not_depend_on_anything_but_the_regression() -> None:
    reg = regression(terms=[Numeric("a/b"), Numeric("a_b"), Numeric("slope_a_b")])
    assert dict(names(reg).columns) == {
        "y": "y", "a_b": "a_b", "slope_a_b": "slope_a_b", "a/b": "a_b_2",
    }  # fmt: skip
    linear, others = sampled(reg)
    assert linear == ("intercept", "slope_a_b_2", "slope_a_b_3", "slope_slope_a_b")
    assert others == ("sigma",)


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


MIXED = Regression(
    "m",
    "y",
    None,
    (G,),
    "gaussian",
    Priors(NORMAL, (), ((NORMAL, NORMAL, Distribution("Flat")),), (("sigma", HALF),)),
)


@pytest.mark.parametrize(
    ("reg", "said"),
    [
        (regression(terms=[Numeric("g")]), "holds text"),
        (regression(terms=[Categorical("x", ("a",))]), "was read as"),
        (regression(terms=[Categorical("g", ("a", "b"))]), "label 'c'"),
        (regression("g", [Numeric("x")]), "needs numbers"),
        (regression("y", [Numeric("x")], family="bernoulli"), "two values"),
        (Regression("m", "y", "x", (), "gaussian", Priors(NORMAL, (), ())), "sigma"),
        (MIXED, "several kinds"),
    ],
)
def test_a_column_of_the_wrong_kind_is_refused_with_the_reason(reg: Regression, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        build(reg, table())


def test_without_pymc_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymc", None)
    with pytest.raises(MissingPart, match=r'pip install "causal-workbench\[bayes\]"'):
        build(MODELS["simple"], table())

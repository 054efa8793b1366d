"""The form that regressions share: the density of the definitions, however it is filled up."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from causal.data.table import CountedTable, read_table
from causal.errors import ModelError
from causal.inference import standard
from causal.models.priors import Distribution, Priors
from causal.models.regression import Categorical, Numeric, Regression
from tests.regressions import (
    KINDS,
    Kind,
    centred_design,
    frame,
    log_likelihood,
    log_prior,
    make,
    offsets,
)

pm = pytest.importorskip("pymc")
pytensor = pytest.importorskip("pytensor")

Floats = NDArray[np.float64]

# Without compiling: each density is needed at a few points only.
INTERPRETED = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")

SHARED = [
    name for name, kind in KINDS.items() if "|" not in kind.formula and kind.family != "cells"
]


def density(form: standard.Standard, coefficients: int):
    """Log density of the natural parameters, as a function of z and the others."""
    built = standard.model(pm, form.kind, form.filled(coefficients))
    compiled = built.compile_logp(jacobian=False, mode=INTERPRETED)
    transforms = {
        variable.name: (built.rvs_to_values[variable].name, built.rvs_to_transforms[variable])
        for variable in built.free_RVs
    }

    def at(z: Floats, others: dict[str, Floats | float]) -> float:
        point = {}
        for name, value in {standard.COEFFICIENTS: z, **others}.items():
            called, transform = transforms[name]
            moved = pytensor.tensor.as_tensor(np.asarray(value, float))
            if transform is not None:
                moved = transform.forward(moved)
            point[called] = moved.eval(mode=INTERPRETED)
        return float(compiled(point))

    return at


def points(reg: Regression, form: standard.Standard, count: int = 4):
    """Some z, auxiliary parameters and cutpoints."""
    rng = np.random.default_rng(3)
    for _ in range(count):
        cuts = np.sort(rng.normal(0, 1.5, len(reg.priors.cutpoints)))
        auxiliary = {name: float(rng.gamma(3.0)) for name, _ in reg.priors.auxiliary}
        yield rng.normal(size=len(form.mean)), auxiliary, cuts


@pytest.mark.parametrize("name", SHARED)
def test_the_density_is_that_of_the_definitions_up_to_a_constant(name: str) -> None:
    data = frame()
    reg, table = make(KINDS[name], data)
    assert standard.kind(reg, table) is not None
    form, filled = standard.of(reg, table), 2
    log_density = density(form, len(form.mean) + filled)
    design, shift = centred_design(reg, data), offsets(reg, data)
    rng, differences = np.random.default_rng(4), []
    for z, auxiliary, cuts in points(reg, form):
        theta, idle = form.theta(z), rng.normal(size=filled)
        assert form.z(theta) == pytest.approx(z, abs=1e-9)
        others = auxiliary | ({standard.CUTPOINTS: cuts} if len(cuts) else {})
        # What the model is filled up with is standard normal and enters nowhere.
        ours = log_density(np.append(z, idle), others) + 0.5 * idle @ idle
        expected = log_likelihood(reg, data, design @ theta + shift, auxiliary, cuts)
        expected = expected + log_prior(reg, theta, auxiliary, cuts)
        differences.append(ours - float(expected))
    assert np.ptp(differences) < 1e-8


@pytest.mark.parametrize(
    "name", ["pooled levels", "varying slopes", "cells", "student with a prior of its own"]
)
def test_all_else_has_a_model_of_its_own(name: str) -> None:
    own = {"x": Distribution("StudentT", (3.0, 0.0, 1.0))} if name not in KINDS else None
    reg, table = make(KINDS.get(name, KINDS["student"]), frame(), overrides=own)
    assert standard.kind(reg, table) is None


def test_a_design_that_does_not_fit_into_memory_is_not_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reg, table = make(KINDS["plain"], frame())
    monkeypatch.setattr(standard, "LARGEST", 3 * table.rows)
    assert standard.kind(reg, table) is not None
    monkeypatch.setattr(standard, "LARGEST", 3 * table.rows - 1)
    assert standard.kind(reg, table) is None


@pytest.mark.parametrize("name", ["binomial", "poisson", "negbinomial", "student", "plain"])
def test_rows_that_stand_for_several_count_as_often(name: str) -> None:
    data = frame(rows=20)
    times = np.random.default_rng(1).integers(1, 5, 20)
    every = data.loc[np.repeat(np.arange(20), times)].reset_index(drop=True)
    reg, table = make(KINDS[name], every)
    few = read_table(data, list(reg.variables))
    counted = CountedTable(few.source, few.rows, few.columns, times.astype(float))
    one, other = standard.of(reg, table), standard.of(reg, counted)
    at_one, at_other = (density(form, len(form.mean)) for form in (one, other))
    differences = [
        at_one(z, auxiliary) - at_other(other.z(one.theta(z)), auxiliary)
        for z, auxiliary, _ in points(reg, one)
    ]
    assert np.ptp(differences) < 1e-8


def test_the_columns_stand_at_right_angles() -> None:
    """However nearly they depend on each other: a mass matrix has nothing left to learn."""
    rng = np.random.default_rng(1)
    z = rng.normal(10, 3, 500)
    data = pd.DataFrame({"x": 3 * z + rng.normal(0, 1e-4, 500), "z": z, "y": rng.normal(size=500)})
    form = standard.of(*make(KINDS["plain"], data))
    gram = form.design.T @ form.design
    size = np.sqrt(np.diag(gram))
    assert np.abs(gram / np.outer(size, size) - np.eye(3)).max() < 1e-6


STARTED = ("plain", "student", "bernoulli", "poisson", "negbinomial", "ordered")


@pytest.mark.parametrize("name", STARTED)
@pytest.mark.parametrize("known", [True, False], ids=["mode", "no mode"])
def test_every_starting_point_has_a_density(
    name: str, *, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where priors in the data's own units draw counts beyond all numbers."""
    data = frame()
    data = data.assign(x=data["x"] * 1e3, z=data["z"] * 1e3)
    reg, table = make(KINDS[name], data, "tutorial")
    if not known:
        monkeypatch.setattr(standard.mode, "find", lambda *_: None)
    form = standard.of(reg, table)
    width = len(form.mean) + 1
    built = standard.model(pm, form.kind, form.filled(width))
    compiled = built.compile_logp(mode=INTERPRETED)
    point = standard.start(form, reg, table, width)
    shapes = {name: np.shape(value) for name, value in built.initial_point().items()}
    assert (point(1) == point(1)).all()
    assert (point(1) != point(2)).all()
    for seed in range(5):
        flat, own = point(seed), {}
        for called, shape in shapes.items():
            size = int(np.prod(shape))
            own[called], flat = flat[:size].reshape(shape), flat[size:]
        assert not flat.size
        assert np.isfinite(compiled(own))


@pytest.mark.parametrize("name", ["bernoulli", "negbinomial", "ordered"])
def test_chains_start_about_the_mode_twice_as_far_apart_as_the_posterior_is_wide(name: str) -> None:
    reg, table = make(KINDS[name], frame())
    found, form = standard.mode.find(reg, table), standard.of(reg, table)
    assert found is not None
    width, k = len(form.mean) + 1, len(form.mean)
    point = standard.start(form, reg, table, width)
    drawn = np.array([point(seed) for seed in range(4000)])
    theta = form.theta(drawn[:, :width])
    sd = standard.APART * np.sqrt(np.diag(found.covariance)[:k])
    assert np.abs((theta.mean(axis=0) - found.coefficients) / sd).max() < 4 / np.sqrt(4000)
    assert theta.std(axis=0) / sd == pytest.approx(np.ones(k), rel=0.05)
    together = np.corrcoef(theta.T)
    expected = found.covariance[:k, :k] / np.outer(sd, sd) * standard.APART**2
    assert np.abs(together - expected).max() < 0.08
    moved = [math.log(value) for value in found.auxiliary.values()]
    moved += [*found.cutpoints[:1], *np.log(np.diff(found.cutpoints))]
    others = drawn[:, width:]
    assert others.shape[1] == len(moved)
    sd = standard.APART * np.sqrt(np.diag(found.covariance)[k:])
    assert (np.abs(others.mean(axis=0) - moved) < 4 * sd / np.sqrt(4000)).all()


NORMAL = Distribution("Normal", (0.0, 1.0))
SIGMA = (("sigma", Distribution("Exponential", (1.0,))),)


@pytest.mark.parametrize(
    ("term", "auxiliary", "said"),
    [
        (Numeric("x"), (), "no prior for sigma"),
        (Numeric("g"), SIGMA, "is a category in the data"),
        (Categorical("g", ("a", "b")), SIGMA, "a level 'c'"),
    ],
)
def test_what_does_not_suit_the_table_is_refused(term, auxiliary, said: str) -> None:
    count = len(term.levels) if isinstance(term, Categorical) else 1
    priors = Priors(NORMAL, (), ((NORMAL,) * count,), auxiliary)
    reg = Regression("m", "y", None, (term,), "gaussian", priors)
    with pytest.raises(ModelError, match=said):
        standard.of(reg, read_table(frame(), list(reg.variables)))


def test_cutpoints_of_several_kinds_are_refused() -> None:
    reg, table = make(Kind("o ~ x", "ordered"), frame())
    first, *rest = reg.priors.cutpoints
    mixed = (Distribution("StudentT", (3.0, *first.parameters)), *rest)
    with pytest.raises(ModelError, match="2 kinds"):
        standard.of(replace(reg, priors=replace(reg.priors, cutpoints=mixed)), table)

"""The density in machine code: that of numpy, wherever a chain may go."""

from __future__ import annotations

import ctypes
import json
import math
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.data.table import CountedTable, read_table
from causal.inference.density import Density
from causal.inference.gamma import digamma, log_rising
from causal.models.families import Family
from causal.models.pymc_model import build, sampled
from tests.inference.test_mode import CASES, FEW, LABELS, of_few, points
from tests.regressions import KINDS, Floats, Kind, frame, make

kernels = pytest.importorskip("causal.inference.kernels")

DOUBLES = ctypes.POINTER(ctypes.c_double)


def at(family: Family, packed: Floats, v: Floats) -> tuple[int, float, Floats]:
    """What the C function returns, and writes: value and gradient."""
    v, value, gradient = np.array(v, dtype=np.float64), np.zeros(1), np.zeros(len(v))
    given = [array.ctypes.data_as(DOUBLES) for array in (v, gradient, value, packed)]
    failed = kernels.compiled(family).ctypes(len(v), *given)
    return failed, float(value[0]), gradient


def coordinates(dimension: int, seed: int = 1) -> tuple[Floats, Floats]:
    """A centre and a factor that is no triangle, no diagonal, nothing special."""
    rng = np.random.default_rng(seed)
    centre, factor = rng.normal(size=dimension), rng.normal(size=(dimension, dimension))
    return centre, factor + 2.0 * np.eye(dimension)


def assert_same(density: Density, some: Floats) -> None:
    """Gradients agree at points (g, d), values up to a constant."""
    centre, factor = coordinates(density.dimension)
    packed = kernels.packed(density, centre, factor)
    family, off, largest = density.regression.family, [], 1.0
    for point in some:
        value, gradient, _ = density.derivatives(point)
        failed, told, slope = at(family, packed, np.linalg.solve(factor, point - centre))
        assert failed == 0
        assert slope == pytest.approx(factor.T @ gradient, abs=1e-9 * np.abs(gradient).max())
        off.append(told - value)
        largest = max(largest, abs(value))
    assert max(off) - min(off) < 1e-11 * largest


@pytest.mark.parametrize(("kind", "preset", "priors"), CASES, ids=LABELS)
def test_value_and_gradient_are_those_of_the_density(kind, preset, priors):
    density = Density.of(*make(KINDS[kind], frame(), preset, priors))
    assert_same(density, points(density, 5))


@pytest.mark.parametrize(("kind", "preset", "priors"), CASES, ids=LABELS)
def test_the_gradient_is_the_slope_of_the_value(kind, preset, priors):
    """By differences of the density at many points, which shares no derivative with it."""
    density = Density.of(*make(KINDS[kind], frame(), preset, priors))
    [point] = points(density, 1)
    centre, factor = coordinates(density.dimension)
    packed = kernels.packed(density, centre, factor)
    v = np.linalg.solve(factor, point - centre)
    steps = 1e-5 * np.eye(len(v))
    high, low = (density.at(centre + (v + side * steps) @ factor.T) for side in (1.0, -1.0))
    _, _, gradient = at(density.regression.family, packed, v)
    assert gradient == pytest.approx((high - low) / 2e-5, abs=2e-6 * np.abs(gradient).max())


@settings(max_examples=60, deadline=None)
@given(
    case=st.sampled_from(CASES),
    rows=st.integers(12, 600),
    seed=st.integers(0, 10_000),
    away=st.floats(0.0, 2.0),
    weighted=st.booleans(),
)
def test_it_is_the_density_whatever_the_data(case, rows, seed, away, weighted):
    kind, preset, priors = case
    data = frame(seed, max(rows, 12))
    if len(np.unique(data["o"])) < 4 or len(np.unique(data["b"])) < 2:
        return
    regression, table = make(KINDS[kind], data, preset, priors)
    if weighted:
        often = np.random.default_rng(seed).integers(1, 4, table.rows).astype(float)
        table = CountedTable(table.source, table.rows, table.columns, often)
    density = Density.of(regression, table)
    some = points(density, 4, away)
    inside = np.isfinite([density.derivatives(point)[0] for point in some])
    if inside.sum() > 1:
        assert_same(density, some[inside])


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 511, 512, 513, 2000])
@pytest.mark.parametrize("kind", ["bernoulli", "poisson", "negbinomial", "ordered", "student"])
def test_no_row_is_lost_where_one_part_of_them_ends(kind, rows):
    data = frame(rows=max(rows, 60))
    regression, table = make(KINDS[kind], data)
    few = read_table(data.iloc[:rows], list(regression.variables))
    few = replace(few, columns={n: table[n].holding(few[n].values) for n in few.columns})
    assert_same(Density.of(regression, few), points(Density.of(regression, table), 2))


@pytest.mark.parametrize("kind", FEW)
def test_rows_that_were_taken_together_count_as_often(kind):
    density = Density.of(*make(FEW[kind], of_few()))
    assert density.cells.rows < 200
    assert_same(density, points(density, 4))


def test_a_cell_that_was_watched_for_no_time_says_nothing():
    data = frame()
    regression, table = make(Kind("c ~ z + offset(w)", "poisson"), data)
    density = Density.of(regression, table)
    cells = density.cells
    never = np.arange(cells.rows) % 3 == 0
    offset = np.where(never, -math.inf, cells.offset)
    outcome = np.where(never, 0.0, cells.outcome)
    without = replace(density, cells=replace(cells, offset=offset, outcome=outcome))
    centre, factor = coordinates(density.dimension)
    failed, value, gradient = at("poisson", kernels.packed(without, centre, factor), np.zeros(2))
    assert failed == 0
    left = data.loc[~never].reset_index(drop=True)
    few = Density.of(regression, read_table(left, list(regression.variables)))
    few = replace(few, scale=density.scale, unit=density.unit, held=None)
    _, other, slope = at("poisson", kernels.packed(few, centre, factor), np.zeros(2))
    assert (value, *gradient) == pytest.approx((other, *slope), rel=1e-12)


# ------------------------------------------------------------------------------------------------
# Beside PyMC
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bernoulli", "negbinomial", "ordered by category", "student"])
def test_it_is_the_density_of_the_pymc_model(kind):
    """Whose Jacobian is another: it is left out there, and taken off here."""
    pytest.importorskip("pymc")
    pytensor = pytest.importorskip("pytensor")
    interpreted = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")
    regression, table = make(KINDS[kind], frame())
    density = Density.of(regression, table)
    model = build(regression, table)
    log_density = model.compile_logp(jacobian=False, mode=interpreted)
    packed = kernels.packed(density, np.zeros(density.dimension), np.eye(density.dimension))
    off = []
    for point in points(density, 4):
        natural, volume = density._natural(point[None])
        given, [rest] = {}, natural
        for name in [name for names in sampled(regression) for name in names]:
            variable = model[name]
            if variable not in model.free_RVs:
                pytest.fail(f"{name} is not what the model moves")
            shape = tuple(variable.shape.eval(mode=interpreted).tolist())
            value = rest[: int(np.prod(shape))].reshape(shape)
            rest = rest[value.size :]
            transform = model.rvs_to_transforms[variable]
            if transform is not None:
                moved = transform.forward(pytensor.tensor.as_tensor(value), *variable.owner.inputs)
                value = moved.eval(mode=interpreted)
            given[model.rvs_to_values[variable].name] = value
        assert not rest.size
        failed, told, _ = at(regression.family, packed, point)
        assert failed == 0
        off.append(told - volume[0] - float(log_density(given)))
    assert np.ptp(off) < 1e-8


# ------------------------------------------------------------------------------------------------
# Far away
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*KINDS])
@pytest.mark.parametrize("where", [math.nan, math.inf, -math.inf, 1e200, -1e200, 1e308])
def test_what_is_no_number_is_told_to_nutpie(kind, where):
    if "|" in KINDS[kind].formula or KINDS[kind].family == "cells":
        return
    density = Density.of(*make(KINDS[kind], frame()))
    d = density.dimension
    packed = kernels.packed(density, np.zeros(d), np.eye(d))
    for place in range(d):
        v = np.zeros(d)
        v[place] = where
        failed, value, gradient = at(density.regression.family, packed, v)
        assert failed == (0 if math.isfinite(value) and np.isfinite(gradient).all() else 1)
        if not math.isfinite(where):
            assert failed


def test_a_gradient_that_is_no_number_is_told_to_nutpie_too():
    density = Density.of(*make(KINDS["bernoulli"], frame()))
    d = density.dimension
    for factor, wanted in ((np.eye(d), 0), (1e308 * np.eye(d), 1)):
        packed = kernels.packed(density, np.zeros(d), factor)
        failed, value, gradient = at("bernoulli", packed, np.zeros(d))
        assert math.isfinite(value)
        assert np.isfinite(gradient).all() != bool(wanted)
        assert failed == wanted


@pytest.mark.parametrize("kind", ["bernoulli", "binomial", "ordered", "negbinomial", "poisson"])
@pytest.mark.parametrize("far", [30.0, 100.0, 300.0, -30.0, -300.0, -1000.0])
def test_no_exponential_overflows_where_the_density_is_a_number(kind, far):
    density = Density.of(*make(KINDS[kind], frame()))
    d = density.dimension
    packed = kernels.packed(density, np.zeros(d), np.eye(d))
    base = points(density, 1)[0]
    away = base.copy()
    away[: density.coefficients] = far
    first, second = density.derivatives(base)[0], density.derivatives(away)[0]
    assert math.isfinite(second)
    family = density.regression.family
    (_, start, _), (failed, end, _) = at(family, packed, base), at(family, packed, away)
    assert failed == 0
    assert end - start == pytest.approx(second - first, rel=1e-12)


def test_exponentials_have_all_digits_but_one():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(-708.0, 709.0, 20_000), rng.normal(size=20_000), [0.0, -0.0]])
    found = np.empty(len(x))
    kernels._exp(x, found)
    assert np.abs(found / np.exp(x) - 1.0).max() < 4.5e-16
    ends = np.array([-1e308, -math.inf, 710.0, math.inf, math.nan])
    kernels._exp(ends, found[:5])
    assert (found[:2] < 1e-300).all()
    assert (found[2:4] == math.inf).all()
    assert math.isnan(found[4])


def test_logits_have_all_digits_but_one():
    rng = np.random.default_rng(2)
    eta = np.concatenate([rng.uniform(-600.0, 600.0, 20_000), rng.normal(size=20_000), [0.0]])
    spread, share = np.empty(len(eta)), np.empty(len(eta))
    kernels._logits(eta, spread, share)
    assert np.abs(spread / np.logaddexp(0.0, eta) - 1.0).max() < 9e-16
    assert np.abs(share * (1.0 + np.exp(-eta)) - 1.0).max() < 9e-16


@pytest.mark.parametrize("alpha", [1e-3, 0.4, 3.0, 9.999, 10.0, 80.0, 1e6])
@pytest.mark.parametrize("y", [0.0, 0.5, 1.0, 7.0, 300.0])
def test_what_the_gamma_function_gives_is_that_of_numpy(alpha, y):
    one, other = np.array([alpha]), np.array([y])
    told = kernels._log_rising(alpha, y)
    assert told == pytest.approx(float(log_rising(one, other)[0, 0]), rel=1e-13, abs=1e-13)
    assert kernels._digamma(alpha) == pytest.approx(float(digamma(one)[0]), rel=1e-13)


# ------------------------------------------------------------------------------------------------
# What it costs
# ------------------------------------------------------------------------------------------------

PROGRAM = """
import json, sys
from causal.inference import nuts
from tests.regressions import KINDS, frame, make
regression, table = make(KINDS["bernoulli"], frame())
found = nuts.fit(regression, table, draws=400, tune=50, seed=1)
from causal.inference import kernels
function = kernels.compiled("bernoulli")
print(json.dumps({
    "compiled": kernels.compiled.cache_info().currsize,
    "from disk": function.cache_hits,
    "pymc": "pymc" in sys.modules,
    "draws": found.draws.ravel()[:20].tolist(),
}))
"""


def run(**environment: str) -> dict[str, object]:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return dict(json.loads(ran.stdout))


def test_one_function_is_compiled_once_and_the_next_process_finds_it(tmp_path):
    first, second = run(NUMBA_CACHE_DIR=str(tmp_path)), run(NUMBA_CACHE_DIR=str(tmp_path))
    assert (first["from disk"], second["from disk"]) == (0, 1)
    assert first["draws"] == second["draws"]
    families = [path.name.split("-")[0] for path in tmp_path.rglob("*.nbi")]
    every = {f"kernels.{function.__name__}" for function in kernels._FAMILIES.values()}
    assert Counter(families)["kernels._binomial"] == 1
    assert {*families} & every == {"kernels._binomial"}, "no other family's"
    for told in (first, second):
        assert told["compiled"] == 1
        assert not told["pymc"], "no model is written either"


def test_where_nothing_can_be_written_it_compiles_all_the_same(tmp_path):
    """As in a folder of a system's, without a home: numba has nowhere to keep it."""
    (tmp_path / "file").touch()
    told = run(
        NUMBA_CACHE_DIR=str(tmp_path / "file"),
        NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator",
    )
    assert told["from disk"] == 0
    assert told["compiled"] == 1


def test_what_is_kept_and_damaged_is_made_again(tmp_path):
    """A file that was cut off, as by a full disk, whether of the function or of a part of it."""
    whole = run(NUMBA_CACHE_DIR=str(tmp_path))
    for path in tmp_path.rglob("*.nb?"):
        path.write_bytes(path.read_bytes()[:100])
    told = run(NUMBA_CACHE_DIR=str(tmp_path))
    assert told["from disk"] == 0
    assert told["draws"] == whole["draws"]

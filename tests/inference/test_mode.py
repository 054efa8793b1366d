"""The log density that samplers and Newton's method share, and the peak that is found."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special

from causal.data.table import CountedTable
from causal.inference import density as densities
from causal.inference import mode
from causal.inference.cells import collapsed
from causal.inference.density import Density
from causal.inference.gamma import digamma, log_rising, trigamma
from causal.models.priors import Distribution
from causal.models.regression import Regression
from tests.regressions import (
    KINDS,
    Floats,
    Kind,
    centred_design,
    frame,
    log_likelihood,
    log_prior,
    make,
    offsets,
)

SMOOTH = [
    name for name, kind in KINDS.items() if kind.family != "cells" and "|" not in kind.formula
]

PRIORS = {
    "default": ("default", {}),
    "tutorial": ("tutorial", {}),
    "wide": ("wide", {}),
    "Student": ("default", {"slope": Distribution("StudentT", (3.0, 0.1, 0.5))}),
    "Cauchy": ("default", {"slope": Distribution("Cauchy", (0.1, 0.5))}),
    "above 0": ("default", {"slope": Distribution("LogNormal", (-1.0, 0.8))}),
    "between": ("default", {"slope": Distribution("Uniform", (-2.0, 1.0))}),
    "flat": ("default", {"slope": Distribution("Flat", ())}),
    "level": ("default", {"level": Distribution("StudentT", (4.0, 0.0, 1.0))}),
}
SCALES = {
    "HalfNormal": (0.7,),
    "HalfCauchy": (0.7,),
    "HalfStudentT": (3.0, 0.7),
    "InverseGamma": (2.0, 1.5),
    "Gamma": (2.0, 0.5),
    "LogNormal": (0.3, 0.6),
    "Uniform": (0.2, 9.0),
    "HalfFlat": (),
    "Exponential": (0.6,),
}
CUTS = {"Normal": (0.2, 1.5), "LogNormal": (0.0, 1.0), "Uniform": (-4.0, 5.0), "Cauchy": (0.0, 2.0)}

CASES = [
    *[(kind, *PRIORS[name]) for kind in SMOOTH for name in ("default", "tutorial")],
    *[(kind, *PRIORS[name]) for kind in ("bernoulli", "negbinomial") for name in list(PRIORS)[2:]],
    *[
        (kind, "default", {name: Distribution(*one)})
        for kind, name in (("student", "sigma"), ("student", "nu"), ("negbinomial", "alpha"))
        for one in SCALES.items()
    ],
    *[("ordered", "default", {"cutpoint": Distribution(*one)}) for one in CUTS.items()],
]
LABELS = [
    f"{kind}, {preset}{''.join(f', {name} ~ {prior}' for name, prior in given.items())}"
    for kind, preset, given in CASES
]


def parts(regression: Regression, natural: Floats) -> tuple[Floats, dict[str, Floats], Floats]:
    """Coefficients, auxiliary parameters and cutpoints of points (g, d)."""
    k, cuts = len(regression.columns), len(regression.priors.cutpoints)
    others = natural[:, k + cuts :].T
    names = [name for name, _ in regression.priors.auxiliary]
    return natural[:, :k], dict(zip(names, others, strict=True)), natural[:, k : k + cuts]


def by_definition(regression: Regression, data: pd.DataFrame, natural: Floats) -> Floats:
    """Log density of the parameters themselves, without a Jacobian."""
    theta, auxiliary, cuts = parts(regression, natural)
    eta = theta @ centred_design(regression, data).T + offsets(regression, data)
    return log_likelihood(regression, data, eta, auxiliary, cuts) + log_prior(
        regression, theta, auxiliary, cuts
    )


def points(density: Density, count: int, away: float = 0.3) -> Floats:
    """About where Newton's method starts."""
    start = mode.starts(density)[-1]
    return start + away * np.random.default_rng(3).normal(size=(count, len(start)))


# ------------------------------------------------------------------------------------------------
# The density
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "preset", "given"), CASES, ids=LABELS)
def test_the_density_is_that_of_the_definition_times_the_change_of_variables(kind, preset, given):
    data = frame()
    regression, table = make(KINDS[kind], data, preset, given)
    density = Density.of(regression, table)
    moved = points(density, 6)
    natural = density.natural(moved)
    # The Jacobian by differences of `natural`, one column at a time.
    volumes = []
    for point in moved:
        change = np.empty((len(point), len(point)))
        for place in range(len(point)):
            step = np.zeros(len(point))
            step[place] = 1e-5
            high, low = density.natural(np.stack([point + step, point - step]))
            change[:, place] = (high - low) / 2e-5
        volumes.append(np.linalg.slogdet(change)[1])
    wanted = by_definition(regression, data, natural) + volumes
    told = density.at(moved)
    assert np.isfinite(wanted).all()
    # A constant is free.
    assert told - told[0] == pytest.approx(wanted - wanted[0], abs=1e-6)


@pytest.mark.parametrize(("kind", "preset", "given"), CASES, ids=LABELS)
def test_gradient_and_hessian_are_those_of_the_density(kind, preset, given):
    regression, table = make(KINDS[kind], frame(), preset, given)
    density = Density.of(regression, table)
    [point] = points(density, 1)
    value, gradient, hessian = density.derivatives(point)
    assert value == pytest.approx(density.at(point[None])[0], abs=1e-9)
    steps = 1e-5 * np.eye(len(point))
    slope = (density.at(point + steps) - density.at(point - steps)) / 2e-5
    bend = [
        (density.derivatives(point + step)[1] - density.derivatives(point - step)[1]) / 2e-5
        for step in steps
    ]
    assert gradient == pytest.approx(slope, abs=2e-7 * np.abs(gradient).max())
    assert hessian == pytest.approx(np.array(bend), abs=2e-7 * np.abs(hessian).max())


def test_parameters_and_what_is_moved_lead_to_each_other():
    for kind, preset, given in CASES:
        regression, table = make(KINDS[kind], frame(), preset, given)
        density = Density.of(regression, table)
        for point in points(density, 3):
            [natural] = density.natural(point[None])
            assert density.moved(natural) == pytest.approx(point, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("alpha", [1e-3, 0.3, 2.0, 9.99, 10.0, 300.0, 1e6])
def test_gamma_functions_are_those_of_scipy(alpha):
    y = np.array([0.0, 0.5, 1.0, 3.0, 40.0, 1e5])
    x = alpha + y
    assert digamma(x) == pytest.approx(special.digamma(x), rel=1e-13, abs=1e-14)
    assert trigamma(x) == pytest.approx(special.polygamma(1, x), rel=1e-13)
    if alpha < 1e4:  # beyond, scipy's difference has fewer digits
        wanted = special.gammaln(x) - special.gammaln(alpha) - y * np.log(alpha)
        told = log_rising(np.array([alpha]), y)[0]
        assert told == pytest.approx(wanted, rel=1e-11, abs=1e-11)


def test_a_huge_alpha_is_the_poisson_model():
    """``log gamma(alpha + y) / gamma(alpha) / alpha^y`` is about y (y - 1) / (2 alpha)."""
    y = np.array([0.0, 1.0, 5.0, 30.0])
    told = log_rising(np.array([1e9]), y)[0]
    assert told == pytest.approx(y * (y - 1) / 2e9, abs=1e-13)


def test_predictors_far_out_leave_the_density_finite_and_exact():
    """Where 1 - expit(eta) is 1e-300: its logarithm has all digits."""
    data = pd.DataFrame({"x": [-1.0, 1.0, 2.0, -2.0], "b": [1, 1, 0, 0]})
    regression, table = make(Kind("b ~ 0 + x", "bernoulli"), data, "tutorial")
    density = Density.of(regression, table)
    point = density.moved(np.array([345.0]))
    x, b = data["x"].to_numpy(), data["b"].to_numpy()
    loss = np.logaddexp(0, np.where(b == 1, -345.0 * x, 345.0 * x)).sum()
    assert density.at(point[None])[0] == pytest.approx(-loss - 0.5 * 345.0**2, rel=1e-14)
    assert density.derivatives(point)[0] == pytest.approx(-loss - 0.5 * 345.0**2, rel=1e-14)


def test_one_point_and_many_rows_are_computed_too():
    regression, table = make(Kind("b ~ x + z", "bernoulli"), frame(rows=5_000))
    density = Density.of(regression, table)
    [point] = points(density, 1)
    assert density.at(point[None])[0] == pytest.approx(density.derivatives(point)[0], rel=1e-12)


def test_no_matrix_of_rows_by_points_is_ever_whole():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=40_000), "b": rng.integers(0, 2, 40_000)})
    regression, table = make(Kind("b ~ x", "bernoulli"), data)
    density = Density.of(regression, table)
    some = points(density, 1_000, 0.01)
    tracemalloc.start()
    density.at(some)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6, "the matrix would have 320 MB"


@pytest.mark.parametrize("kind", ["negbinomial", "ordered by category", "student", "poisson"])
def test_blocks_and_pieces_do_not_matter(kind, monkeypatch):
    regression, table = make(KINDS[kind], frame(rows=300))
    whole = Density.of(regression, table)
    some = points(whole, 40)
    one = (whole.at(some), *whole.derivatives(some[0]))
    for name, value in (("_BLOCK", 37), ("_TILE", 100), ("_POINTS", 7), ("_HELD", 0)):
        monkeypatch.setattr(densities, name, value)
    pieces = Density.of(regression, table)
    assert pieces.held is None
    other = (pieces.at(some), *pieces.derivatives(some[0]))
    for left, right in zip(one, other, strict=True):
        assert left == pytest.approx(right, rel=1e-11, abs=1e-9)


# ------------------------------------------------------------------------------------------------
# Rows that agree
# ------------------------------------------------------------------------------------------------

FEW = {
    "bernoulli by cells": Kind("b ~ g * h", "bernoulli"),
    "a number of three values": Kind("b ~ g + few", "bernoulli"),
    "binomial by cells": Kind("s ~ g + h", "binomial", "n"),
    "poisson by cells": Kind("c ~ g + offset(log(w))", "poisson"),
    "negbinomial by cells": Kind("c ~ h", "negbinomial"),
    "ordered by cells": Kind("o ~ g + h", "ordered"),
    "intercept alone": Kind("b ~ 1", "bernoulli"),
    "intercept alone of counts": Kind("c ~ 1", "negbinomial"),
    "rounded": Kind("r ~ h + offset(few)", "student"),
}
CELLS = {
    "bernoulli by cells": 6,
    "a number of three values": 9,
    "binomial by cells": 6,
    "poisson by cells": 3,
    "intercept alone": 1,
}


def of_few() -> pd.DataFrame:
    data = frame(rows=400)
    return data.assign(few=np.arange(400) % 3 - 1.0, r=np.round(data["y"]))


@pytest.mark.parametrize("kind", FEW)
def test_rows_that_agree_are_taken_together_and_nothing_changes(kind):
    data = of_few()
    regression, table = make(FEW[kind], data)
    density = Density.of(regression, table)
    assert density.cells.rows == CELLS.get(kind, density.cells.rows)
    assert density.cells.rows < 200
    natural = density.natural(points(density, 6))
    wanted = by_definition(regression, data, natural)
    moved = np.array([density.moved(one) for one in natural])
    steps = density._natural(moved)[1]
    told = density.at(moved) - steps
    assert told - told[0] == pytest.approx(wanted - wanted[0], abs=1e-8)


def test_rows_that_differ_stay_as_they_are():
    regression, table = make(KINDS["bernoulli"], frame())
    assert collapsed(regression, table).rows == table.rows


@pytest.mark.parametrize("kind", [*(k for k in SMOOTH if KINDS[k].family != "gaussian"), *FEW])
def test_a_row_that_counts_thrice_is_three_rows(kind):
    data = of_few()
    regression, table = make(FEW.get(kind) or KINDS[kind], data)
    often = np.random.default_rng(5).integers(1, 4, len(data))
    counted = CountedTable(table.source, table.rows, table.columns, often.astype(float))
    columns = {
        name: replace(column, values=np.repeat(column.values, often))
        for name, column in table.columns.items()
    }
    every = replace(table, rows=int(often.sum()), columns=MappingProxyType(columns))
    one, other = Density.of(regression, counted), Density.of(regression, every)
    natural = one.natural(points(one, 4))
    left, right = (
        density.at(np.array([density.moved(point) for point in natural]))
        for density in (one, other)
    )
    assert left - left[0] == pytest.approx(right - right[0], abs=1e-7)
    first, second = mode.find(regression, counted), mode.find(regression, every)
    assert first is not None
    assert second is not None
    assert first.coefficients == pytest.approx(second.coefficients, abs=1e-5)
    assert first.covariance == pytest.approx(second.covariance, rel=1e-3, abs=1e-6)


# ------------------------------------------------------------------------------------------------
# The mode
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "preset", "given"), CASES, ids=LABELS)
def test_the_mode_is_where_another_search_ends(kind, preset, given):
    """BFGS on the definition, by differences, from where Newton's method began."""
    data = frame()
    regression, table = make(KINDS[kind], data, preset, given)
    found = mode.find(regression, table)
    assert found is not None
    if str(given.get("nu")) == "HalfFlat()":
        assert not found.converged, "the density of log nu rises for ever"
        return
    assert found.converged
    density = Density.of(regression, table)

    def loss(u: Floats) -> float:
        with np.errstate(all="ignore"):
            natural, volume = density._natural(u[None])
            value = by_definition(regression, data, natural)[0] + volume[0]
        return -float(value) if np.isfinite(value) else 1e9

    auxiliary = [found.auxiliary[name] for name, _ in regression.priors.auxiliary]
    told = np.concatenate([found.coefficients, found.cutpoints, auxiliary])
    here = density.moved(told)
    other = optimize.minimize(loss, mode.starts(density)[0], method="BFGS")
    sd = np.sqrt(np.diag(found.covariance) / np.diag(density.in_units(np.eye(len(here)))))
    assert loss(here) <= other.fun + 1e-6
    assert np.abs((here - other.x) / sd).max() < 0.02
    assert found.log_density == pytest.approx(density.at(here[None])[0], abs=1e-9)


def test_the_mode_under_flat_priors_is_maximum_likelihood():
    data = frame(rows=200)
    given = {name: Distribution("Flat", ()) for name in ("intercept", "slope")}
    regression, table = make(Kind("b ~ x + z", "bernoulli"), data, overrides=given)
    found = mode.find(regression, table)
    assert found is not None
    design = centred_design(regression, data)
    rest = data["b"].to_numpy() - special.expit(design @ found.coefficients)
    assert np.abs(design.T @ rest).max() < 1e-4
    share = special.expit(design @ found.coefficients)
    information = design.T @ (design * (share * (1 - share))[:, None])
    assert found.covariance == pytest.approx(np.linalg.inv(information), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("unit", [1e-30, 1e30])
def test_units_of_the_outcome_do_not_matter(unit):
    data = frame()
    scaled = data.assign(y=data["y"] * unit)
    one, other = (mode.find(*make(KINDS["student"], each)) for each in (data, scaled))
    assert one is not None
    assert other is not None
    assert other.converged
    assert other.coefficients / unit == pytest.approx(one.coefficients, rel=1e-6)
    assert other.auxiliary["sigma"] / unit == pytest.approx(one.auxiliary["sigma"], rel=1e-6)
    assert other.auxiliary["nu"] == pytest.approx(one.auxiliary["nu"], rel=1e-5)


@pytest.mark.parametrize("kind", ["bernoulli", "poisson", "negbinomial", "ordered", "student"])
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_units_do_not_matter(kind, unit):
    data = frame()
    formula = {
        "bernoulli": "b ~ x + z",
        "poisson": "c ~ x + z",
        "negbinomial": "c ~ x + z",
        "ordered": "o ~ x + z",
        "student": "y ~ x + z",
    }[kind]
    one, other = (
        mode.find(*make(Kind(formula, kind), each))
        for each in (data, data.assign(x=data["x"] * unit))
    )
    assert one is not None
    assert other is not None
    assert other.converged
    factor = np.ones(len(one.coefficients))
    factor[-2] = unit
    assert other.coefficients * factor == pytest.approx(one.coefficients, rel=1e-6)
    scale = np.append(factor, np.ones(len(one.covariance) - len(factor)))
    assert other.covariance * np.outer(scale, scale) == pytest.approx(one.covariance, rel=1e-5)


@pytest.mark.parametrize("kind", ["bernoulli", "poisson", "binomial", "ordered by category"])
def test_the_peak_is_reached_from_far_away(kind):
    density = Density.of(*make(KINDS[kind], frame()))
    [peak] = mode.peaks(density)
    factor = np.linalg.cholesky(mode.covariance(peak))
    for away in np.random.default_rng(2).normal(size=(20, density.dimension)):
        other = mode.climb(density, peak.point + 8.0 * factor @ away)
        assert other.converged
        assert other.log_density == pytest.approx(peak.log_density, abs=1e-7)


def test_with_many_rows_the_way_leads_over_some_of_them(monkeypatch):
    regression, table = make(KINDS["bernoulli"], frame(rows=5_000))
    whole, thins = Density.of(regression, table), []
    steps = Density.derivatives
    monkeypatch.setattr(mode, "_ENOUGH", 500)
    monkeypatch.setattr(
        Density, "derivatives", lambda self, u, thin=1: thins.append(thin) or steps(self, u, thin)
    )
    [peak] = mode.peaks(whole)
    assert thins.count(10) >= 3
    assert 2 <= thins.count(1) <= 4
    direct = mode.climb(whole, mode.starts(whole)[0])
    assert peak.point == pytest.approx(direct.point, abs=1e-5)


def test_where_there_is_no_peak_it_says_so():
    """Separated outcomes under a flat prior: the likelihood rises for ever."""
    data = pd.DataFrame({"x": np.arange(10.0), "b": np.arange(10) > 4})
    given = {"slope": Distribution("Flat", ())}
    found = mode.find(*make(Kind("b ~ x", "bernoulli"), data, overrides=given))
    assert found is not None
    assert not found.converged


def test_predictors_that_only_rounding_tells_apart_have_no_peak_without_a_prior():
    data = frame(rows=500)
    data = data.assign(x2=data["x"] * (1.0 + 1e-9 * data["z"]))
    given = {"slope": Distribution("Flat", ())}
    found = mode.find(*make(Kind("b ~ x + x2", "bernoulli"), data, overrides=given))
    assert found is not None
    assert not found.converged


def test_levels_that_only_a_prior_tells_apart_have_no_peak_without_one():
    given = {name: Distribution("Flat", ()) for name in ("intercept", "level")}
    found = mode.find(*make(Kind("b ~ g", "bernoulli"), frame(), overrides=given))
    assert found is not None
    assert not found.converged


@pytest.mark.parametrize("kind", ["cells", "pooled levels", "three vary"])
def test_what_varies_and_cells_have_no_mode_here(kind):
    regression, table = make(KINDS[kind], frame())
    assert mode.obstacle(regression)
    assert mode.find(regression, table) is None


def test_two_peaks_are_both_found():
    """A core of five and an outlier: narrow errors about the core, or wide ones about all."""
    data = pd.DataFrame({"y": [1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 30.0]})
    density = Density.of(*make(Kind("y ~ 1", "student"), data))
    one, other = (density.natural(peak.point[None])[0] for peak in mode.peaks(density))
    assert one[1] > 3.0
    assert other[1] < 0.2

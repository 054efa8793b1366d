"""Studies of tables that stay where they are: the answers that the same rows give in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from causal.data import address, large, warehouse
from causal.data.large import LargeTable
from causal.data.table import CountedTable, Table, read_table
from causal.errors import CausalError, TooManyRows
from causal.graph.dag import Dag
from causal.models.formula import parse_terms
from causal.models.generator import plan
from causal.models.priors import Distribution, PriorChoice
from causal.study import large_shift
from causal.study import shift as shift_
from causal.study.comparison import compare, run
from causal.study.large_shift import large_fit, norms
from causal.study.shift import _fit, shifts

pytest.importorskip("ibis")

pytestmark = pytest.mark.filterwarnings("ignore:.*fetch_arrow:DeprecationWarning")

DAG = Dag("x <- z -> y; x -> y; x -> c <- y; g -> x; g -> y")
DISCRETE = Dag("t <- g -> b; t -> b; t -> s; g -> s; t -> k <- s")


def frame(rows: int = 600, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    z, code = random.normal(20.0, 2.0, rows), random.integers(0, 3, rows)
    x = 0.5 * (z - 20) + random.normal(size=rows) + (code == 1)
    y = 0.5 * x + 0.7 * z + 0.2 * x * (z - 20) + random.normal(size=rows) + 0.5 * (code == 2)
    t = (random.random(rows) < 0.3 + 0.2 * (code == 1)).astype(int)
    odds = -0.5 + 0.8 * t - 0.6 * (code == 2)
    data = pd.DataFrame(
        {
            "x": x,
            "z": z,
            "y": y,
            "c": x + y + random.normal(size=rows),
            "g": np.array(["a", "b", "c"])[code],
            "t": t,
            "b": random.binomial(1, 1 / (1 + np.exp(-odds))),
            "s": random.poisson(np.exp(0.3 + 0.5 * t - 0.2 * code)),
            "k": random.integers(0, 2, rows),
        }
    )
    data["y_positive"] = data["y"] - data["y"].min() + 1
    data.loc[::50, "z"] = np.nan
    return data


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    frame().to_parquet(path)
    return path


ONE = pytest.param("one row a block", marks=pytest.mark.heavy)


@pytest.fixture(params=["streamed", ONE, "pushed"])
def far(request, parquet, monkeypatch):
    """A function of the wanted columns that leaves the rows where they are."""
    monkeypatch.setattr(address, "IN_MEMORY", 0)
    if request.param == "one row a block":
        monkeypatch.setattr(warehouse, "BLOCK", 1)
    if request.param == "pushed":
        made = warehouse.Warehouse
        monkeypatch.setattr(
            address, "Warehouse", lambda *args, **named: made(*args, **{**named, "pushes": True})
        )
    return [parquet]


def assert_same(found, expected, *, shift=1e-2) -> None:
    """The same posteriors, effects, shifts; the sds of shifts but for the leverages of rows."""
    assert list(found.fits) == list(expected.fits)
    assert found.plan.left_out == expected.plan.left_out
    assert found.plan.dropped == expected.plan.dropped
    assert (found.plan.rows_read, found.plan.table.total) == (
        expected.plan.rows_read,
        expected.plan.table.total,
    )
    for name, fit in expected.fits.items():
        own = found.fits[name]
        assert own.regression.formula == fit.regression.formula
        assert own.draws.sampler == fit.draws.sampler
        assert len(own.effects) == len(fit.effects)
        for mine, theirs in zip(own.effects, fit.effects, strict=True):
            assert (mine.contrast, mine.scale) == (theirs.contrast, theirs.scale)
            assert mine.mean == pytest.approx(theirs.mean, rel=1e-9, abs=1e-11)
            assert mine.sd == pytest.approx(theirs.sd, rel=1e-9)
    for name, difference in expected.differences.items():
        own = found.differences[name]
        assert own.verdict == difference.verdict
        assert own.shift.mean == pytest.approx(difference.shift.mean, rel=1e-8, abs=1e-10)
        assert own.shift.sd == pytest.approx(difference.shift.sd, rel=shift)
        for mine, theirs in zip(own.shift.interval, difference.shift.interval, strict=True):
            assert mine == pytest.approx(theirs, abs=0.4 * difference.shift.sd)


FORMS = (
    None,
    "x:z",
    "x:g + poly(z, 2)",
    "poly(x, 3)*g",
    "0 + g",
    "offset(z)",
    "log(y_positive) + x:log(y_positive)",
)


@pytest.mark.parametrize("form", FORMS)
def test_normal_models_are_fitted_from_sums(far, parquet, form):
    question = DAG.question("x", "y")
    if form and "y_positive" in form:
        question = Dag("x <- y_positive -> y; x -> y; x -> c <- y").question("x", "y")
    expected = run(question, str(parquet), form=form)
    found = run(question, far, form=form)
    assert isinstance(found.plan.table, LargeTable)
    assert_same(found, expected)


@pytest.mark.parametrize("exposure", ["g", "t", "poly(g_number, 2)"])
def test_exposures_of_every_kind(far, parquet, exposure):
    name = exposure if exposure != "poly(g_number, 2)" else "s"
    question = Dag(f"{name} <- z -> y; {name} -> y; {name} -> c <- y").question(name, "y")
    form = f"poly({name}, 2) + {name}:z" if name == "s" else f"{name}:z"
    expected, found = run(question, str(parquet), form=form), run(question, far, form=form)
    assert_same(found, expected)


def test_both_effects_and_own_models_and_priors(far, parquet):
    question = DAG.question("x", "y", effect="total")
    options = {
        "own": {"yours": ["c"], "form": "y ~ 0 + x + z"},
        "priors": PriorChoice("tutorial", {"x": Distribution("Normal", (0.0, 0.1))}),
        "prob": 0.5,
        "matters": 0.3,
    }
    assert_same(run(question, far, **options), run(question, str(parquet), **options))


@pytest.mark.parametrize("form", ["(1 | g)", "x:z + (x | g)"])
def test_what_varies_by_a_category_is_fitted_but_not_compared(far, parquet, form):
    question = DAG.question("x", "y")
    expected, found = run(question, str(parquet), form=form), run(question, far, form=form)
    for name, fit in expected.fits.items():
        assert found[name].effect.mean == pytest.approx(fit.effect.mean, abs=0.05 * fit.effect.sd)
    difference = found.differences["unadjusted"]
    assert not difference.shift.measured or difference.verdict == "misleads"
    assert not found.differences["everything"].shift.measured
    assert "all rows into memory" in (found.differences["everything"].shift.note or "")


FAMILIES = ("auto", "cells", "poisson", "negbinomial")


@pytest.mark.parametrize("family", FAMILIES)
def test_probabilities_and_counts_are_fitted_from_combinations(far, parquet, family, monkeypatch):
    monkeypatch.setattr(shift_, "FAR", np.inf)
    outcome = "b" if family in ("auto", "cells") else "s"
    question = DISCRETE.question("t", outcome)
    if family == "cells":
        question = Dag("t <- g -> b; t -> b; t -> k <- b").question("t", "b")
    expected = run(question, str(parquet), family=family)
    found = run(question, far, family=family)
    assert isinstance(found.plan.table, CountedTable)
    assert found.plan.table.rows < 150
    for name, fit in expected.fits.items():
        own = found.fits[name]
        assert own.draws.sampler == fit.draws.sampler
        mine, theirs = own.effect, fit.effect
        assert mine.mean == pytest.approx(theirs.mean, abs=0.1 * theirs.sd)
        assert mine.sd == pytest.approx(theirs.sd, rel=0.1)
    # alpha is held at its posterior mean, which has the error of importance sampling.
    close, sd = (0.02, 0.02) if family == "negbinomial" else (1e-5, 1e-4)
    for name, difference in expected.differences.items():
        own = found.differences[name]
        assert own.shift.mean == pytest.approx(difference.shift.mean, rel=close, abs=1e-9)
        assert own.shift.sd == pytest.approx(difference.shift.sd, rel=sd)


@pytest.mark.usefixtures("far")
def test_binomial_rows_too(tmp_path):
    data = frame()
    random = np.random.default_rng(5)
    data["n"] = random.integers(3, 6, len(data))
    data["hits"] = random.binomial(data["n"], 0.3 + 0.2 * data["t"])
    path = tmp_path / "trials.parquet"
    data.to_parquet(path)
    question = Dag("t <- g -> hits; t -> hits").question("t", "hits")
    expected, found = (run(question, src, trials="n") for src in (str(path), [path]))
    assert isinstance(found.plan.table, CountedTable)
    for name, fit in expected.fits.items():
        assert found[name].effect.mean == pytest.approx(fit.effect.mean, abs=0.1 * fit.effect.sd)
    for name, difference in expected.differences.items():
        own = found.differences[name].shift
        assert own.mean == pytest.approx(difference.shift.mean, rel=1e-5)
        assert own.sd == pytest.approx(difference.shift.sd, rel=1e-4)


def test_rows_that_no_sum_stands_for_are_read_or_refused(far, parquet, monkeypatch):
    binary = Dag("x <- z -> b; x -> b").question("x", "b")
    found, expected = run(binary, far), run(binary, str(parquet))
    assert type(found.plan.table) is Table
    for name, fit in expected.fits.items():
        assert found[name].effect.mean == pytest.approx(fit.effect.mean, abs=0.1 * fit.effect.sd)
    monkeypatch.setattr(large, "HELD", 100)
    with pytest.raises(TooManyRows, match="take a sample"):
        run(binary, far)
    with pytest.raises(TooManyRows):
        run(DAG.question("x", "y"), far, family="student")
    with pytest.raises(CausalError, match="memory"):
        run(DAG.question("x", "y"), far, by="g")


# ------------------------------------------------------------------------------------------------
# The influence of a row
# ------------------------------------------------------------------------------------------------


def planned(source, form):
    names = ["x", "y", "z", "c", "g"]
    table = read_table(source, names)
    right = None if form is None else parse_terms(form)
    return plan(DAG.question("x", "y"), table, form=right)


@pytest.mark.parametrize("form", [None, "x:z", "poly(x, 2)*g", "offset(z)"])
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_influence_is_what_leaving_a_row_out_does(tmp_path, monkeypatch, form, spread):
    """Of few rows, with leverages that count; `spread` moves one row far out."""
    monkeypatch.setattr(address, "IN_MEMORY", 0)
    data = frame(40, seed=8).dropna()
    data.loc[data.index[3], "x"] *= spread
    data.to_parquet(tmp_path / "few.parquet")
    made, near = planned([tmp_path / "few.parquet"], form), planned(data, form)
    fits = [large_fit(regression, made.moments, made.table) for regression in made.regressions]
    assert large_shift._leveraged(fits, made.table)
    each, apart = norms(fits, made.table)
    rows = [_fit(regression, near.table, {"sigma": 1.0}) for regression in near.regressions]
    for fit, own in zip(fits, rows, strict=True):
        assert fit.effect == pytest.approx(own.effect, rel=1e-9)
    for place, own in enumerate(rows):
        assert each[place] == pytest.approx(np.linalg.norm(own.influence), rel=1e-8)
        gap = np.linalg.norm(own.influence - rows[0].influence)
        assert apart[place] == pytest.approx(gap, rel=1e-8, abs=1e-12)


def test_without_leverages_little_is_missing_where_there_are_many_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "IN_MEMORY", 0)
    data = frame(60_000).dropna()
    data.to_parquet(tmp_path / "many.parquet")
    made = planned([tmp_path / "many.parquet"], None)
    fits = [large_fit(regression, made.moments, made.table) for regression in made.regressions]
    assert not large_shift._leveraged(fits, made.table)
    _, apart = norms(fits, made.table)
    monkeypatch.setattr(large_shift, "LEVERAGE", 0.0)
    _, exact = norms(fits, made.table)
    np.testing.assert_allclose(apart[1:], exact[1:], rtol=2e-4)
    assert (apart[1:] != exact[1:]).all()


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "cells", "negbinomial"])
def test_a_row_that_stands_for_many_is_many_rows(family, monkeypatch):
    """The shift of counted rows is that of the same rows written out."""
    monkeypatch.setattr(shift_, "FAR", np.inf)  # one Newton step for each row, as here
    data = frame()[["t", "g", "b", "s", "k"]]
    outcome = "b" if family in ("bernoulli", "cells") else "s"
    question = Dag(f"t <- g -> {outcome}; t -> {outcome}; t -> k <- {outcome}").question(
        "t", outcome
    )
    names = ["t", "g", outcome, "k"]
    made = plan(question, read_table(data, names), family=family)
    held = {r.name: {"alpha": 2.0} for r in made.regressions}
    correct, *others = made.regressions
    options = {"prob": 0.89, "seed": 1, "held": held}
    expected = shifts(correct, others, made.table, **options)

    used = made.table
    matrix = np.stack([used[name].values for name in names], axis=1)  # noqa: PD011
    rows, counts = np.unique(matrix, axis=0, return_counts=True)
    columns = {n: replace(used[n], values=rows[:, i].copy()) for i, n in enumerate(names)}
    counted = CountedTable(used.source, len(rows), columns, counts.astype(float))
    found = shifts(correct, others, counted, **options)
    for name, shift in expected.items():
        assert found[name].mean == pytest.approx(shift.mean, rel=1e-7, abs=1e-9)
        assert found[name].sd == pytest.approx(shift.sd, rel=1e-7)


def test_a_comparison_of_a_large_table_prints_and_reports(far, tmp_path):
    study = run(DAG.question("x", "y"), far, form="x:z")
    assert "misleads" in str(study)
    study.report(str(tmp_path / "large.html"))
    text = (tmp_path / "large.html").read_text()
    assert "600" in text
    assert compare(study.plan).fits["correct"].effect.mean == study["correct"].effect.mean
    with pytest.raises(TooManyRows):
        _ = study["correct"].model


# ------------------------------------------------------------------------------------------------
# Where there is no fit without priors
# ------------------------------------------------------------------------------------------------

LONE = Dag("x <- g -> y; x -> y; x <- z -> y")


def lone(rows: int = 300, x_at: float = 0.0) -> pd.DataFrame:
    """One row has a level of its own."""
    random = np.random.default_rng(6)
    z = random.normal(size=rows)
    x = z + random.normal(size=rows)
    g = np.array(["a", "b"], dtype=object)[random.integers(0, 2, rows)]
    g[7] = "alone"
    y = x + z + random.normal(size=rows)
    return pd.DataFrame({"x": x + x_at, "y": y, "z": z, "g": g})


@pytest.mark.usefixtures("far")
def test_an_effect_that_hangs_on_one_row_has_no_shift(tmp_path):
    """Both categories have many rows of each level, one combination has one."""
    data = lone().assign(h="u")
    data.loc[data["g"] == "b", "h"] = np.where(np.arange((data["g"] == "b").sum()) % 2, "u", "v")
    data.loc[data["g"] == "alone", "g"] = "a"
    data.loc[7, "h"] = "v"
    data.to_parquet(tmp_path / "lone.parquet")
    question = Dag("x <- g -> y; x -> y; x <- z -> y; x <- h -> y").question("x", "y")
    near = run(question, str(tmp_path / "lone.parquet"), form="x:g:h")
    study = run(question, [tmp_path / "lone.parquet"], form="x:g:h")
    assert "one row alone" in near.differences["unadjusted"].shift.note
    shift = study.differences["unadjusted"].shift
    assert not shift.measured
    assert "'correct' has no fit without its priors to compare, because one row" in shift.note
    assert study["correct"].effect.mean == pytest.approx(near["correct"].effect.mean, rel=1e-9)
    assert "one row alone" in str(study)


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize("x_at", [0.0, 1e9, 4e10])
def test_a_row_that_has_a_level_to_itself_says_nothing_and_harms_nothing(tmp_path, x_at):
    lone(x_at=x_at).to_parquet(tmp_path / "lone.parquet")
    question = LONE.question("x", "y")
    near = run(question, str(tmp_path / "lone.parquet"))
    assert_same(run(question, [tmp_path / "lone.parquet"]), near, shift=1e-6)


@pytest.mark.usefixtures("far")
def test_no_more_rows_than_coefficients_is_no_fit(tmp_path):
    lone(9).to_parquet(tmp_path / "few.parquet")
    tutorial = PriorChoice("tutorial", {})
    form = "x:z:g + poly(z, 4)"
    study = run(LONE.question("x", "y"), [tmp_path / "few.parquet"], form=form, priors=tutorial)
    assert "no more rows than coefficients" in study.differences["unadjusted"].shift.note


def test_no_model_with_a_shift_is_no_error(far):
    question = Dag("x <- y_positive -> c; x -> c; y_positive -> c; y_positive -> y; c -> y")
    study = run(question.question("y_positive", "c"), far, form="log(y_positive)")
    assert study.differences
    for difference in study.differences.values():
        assert "the logarithm of the exposure" in difference.shift.note


FAR_OUT = ("poly(x, 3)", "x:z", "poly(x, 2):z")


@pytest.mark.parametrize("form", FAR_OUT)
def test_a_row_far_out_in_a_power_or_a_product_moves_its_fit(tmp_path, monkeypatch, form):
    """In each variable it has a leverage below the bound, in what the form makes of them not."""
    monkeypatch.setattr(address, "IN_MEMORY", 0)
    data = lone(20_000)
    data.loc[5, ["x", "z"]] = 9.0
    data.to_parquet(tmp_path / "far.parquet")
    question = Dag("x <- z -> y; x -> y").question("x", "y")
    names = ["x", "y", "z"]
    plain = plan(question, read_table([tmp_path / "far.parquet"], names))
    fits = [large_fit(one, plain.moments, plain.table) for one in plain.regressions]
    assert not large_shift._leveraged(fits, plain.table)
    table = read_table([tmp_path / "far.parquet"], names)
    made, near = (
        plan(question, one, form=parse_terms(form)) for one in (table, read_table(data, names))
    )
    fits = [large_fit(one, made.moments, made.table) for one in made.regressions]
    assert large_shift._leveraged(fits, made.table)
    each, _ = norms(fits, made.table)
    for own, regression in zip(each, near.regressions, strict=True):
        rows = _fit(regression, near.table, {"sigma": 1.0})
        assert own == pytest.approx(np.linalg.norm(rows.influence), rel=1e-7)


@pytest.mark.usefixtures("far")
def test_grades_are_counted_where_rows_are_read(tmp_path):
    """An engine that answers by sums counts no more than two different values."""
    data = frame()[["t", "g"]]
    data["grade"] = np.random.default_rng(2).integers(1, 5, len(data)) + data["t"]
    data.to_parquet(tmp_path / "grades.parquet")
    study = run(
        Dag("t <- g -> grade; t -> grade").question("t", "grade"),
        [tmp_path / "grades.parquet"],
        family="ordered",
    )
    assert study["correct"].regression.grades == (1.0, 2.0, 3.0, 4.0, 5.0)

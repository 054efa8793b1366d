"""A study: the answer to one question on one table."""

from __future__ import annotations

import numpy as np
import pytest

from causal.errors import InferenceError
from causal.graph.dag import Dag
from causal.models.priors import Distribution, PriorChoice


def simulate(structure, rows, random, slope=0.5):
    """Noise sd 1, every arrow 1, x -> y `slope`: the five structures of the calibration."""
    e = {name: random.normal(size=rows) for name in ("x", "y", "z", "a", "b")}
    match structure:
        case "fork":
            z = e["z"]
            x = z + e["x"]
            y = slope * x + z + e["y"]
        case "pipe":
            x = e["x"]
            z = x + e["z"]
            y = slope * x + z + e["y"]
        case "collider":
            x = e["x"]
            y = slope * x + e["y"]
            z = x + y + e["z"]
        case "m_bias":
            x = e["a"] + e["x"]
            z = e["a"] + e["b"] + e["z"]
            y = slope * x + e["b"] + e["y"]
        case "precision":
            x, z = e["x"], e["z"]
            y = slope * x + z + e["y"]
    return {"x": x, "y": y, "z": z}


DAGS = {
    "fork": "x <- z -> y; x -> y",
    "pipe": "x -> z -> y; x -> y",
    "collider": "x -> z <- y; x -> y",
    "m_bias": "a [latent]; b [latent]; x <- a -> z <- b -> y; x -> y",
    "precision": "z -> y; x -> y",
}
NAIVE = {
    "fork": "unadjusted",
    "pipe": "unadjusted",
    "collider": "everything",
    "m_bias": "everything",
    "precision": "unadjusted",
}


def asked(structure, effect="direct"):
    return Dag(DAGS[structure]).question("x", "y", effect=effect)


def run(structure, rows=400, seed=1, **options):
    data = simulate(structure, rows, np.random.default_rng(seed))
    return asked(structure).run(data, **options)


# What the correct and the naive regressions come to in the limit: by hand, from the recipe.
LIMITS = {
    "fork": (0.5, 1.0),
    "pipe": (0.5, 1.5),
    # E[y | x, z]: with s = z - x = y + e, y given x and s is (slope x + s) / 2.
    "collider": (0.5, -0.25),
    # b given a - x and a + b + e: regress b on x and z, covariances 0 and 1, variances 2, 1, 3.
    "m_bias": (0.5, 0.3),
    "precision": (0.5, 0.5),
}


@pytest.mark.parametrize("structure", DAGS)
def test_the_correct_model_finds_the_truth_and_the_naive_one_its_known_wrong_value(structure):
    study = run(structure, rows=20_000)
    correct, naive = study["correct"].effect, study[NAIVE[structure]].effect
    assert correct.mean == pytest.approx(LIMITS[structure][0], abs=5 * correct.sd)
    assert naive.mean == pytest.approx(LIMITS[structure][1], abs=5 * naive.sd)
    shift = study.differences[NAIVE[structure]].shift
    known = LIMITS[structure][1] - LIMITS[structure][0]
    assert shift.mean == pytest.approx(known, abs=5 * shift.sd)


@pytest.mark.parametrize(
    ("structure", "verdict"),
    [
        ("fork", "misleads"),
        ("pipe", "misleads"),
        ("collider", "misleads"),
        ("m_bias", "misleads"),
        ("precision", "agrees"),
    ],
)
def test_an_invalid_set_misleads_and_a_valid_one_agrees(structure, verdict):
    study = run(structure, rows=2_000)
    assert study.differences[NAIVE[structure]].verdict == verdict


def test_too_few_data_cannot_tell():
    random = np.random.default_rng(5)
    z = random.normal(size=30)
    data = {"z": z, "x": 0.1 * z + random.normal(size=30), "y": random.normal(size=30)}
    assert asked("fork").run(data).differences["unadjusted"].verdict == "cannot tell"


def test_a_wrong_dag_is_disputed_by_the_data():
    """The DAG says that w matters to y alone; in the data it confounds, so valid sets disagree."""
    data = simulate("fork", 2_000, np.random.default_rng(2))
    study = Dag("x -> y; z -> y").question("x", "y").run(data)
    assert study.differences["unadjusted"].verdict == "disputes"


def test_a_failed_check_in_either_model_leaves_the_verdict_open():
    data = {"x": np.arange(30.0), "z": np.arange(30.0) ** 2}
    data["y"] = data["x"] + data["z"]
    study = Dag("x <- z -> y; x -> y").question("x", "y").run(data)
    assert not study.passed
    assert study["correct"].draws.diagnostics.problems == ("perfect_fit",)
    assert study.differences["unadjusted"].verdict == "cannot tell"


def test_what_the_priors_do_is_told_apart_from_what_the_data_say():
    strong = PriorChoice("default", {"z": Distribution("Normal", (0.0, 0.01))})
    free, bound = run("fork"), run("fork", priors=strong)
    shift = "unadjusted"
    assert free.differences[shift].from_priors is None
    assert bound.differences[shift].shift.mean == free.differences[shift].shift.mean
    # The prior holds z at 0: the correct model then says what the unadjusted one says.
    made = bound.differences[shift]
    assert made.of_means == pytest.approx(0.0, abs=0.02)
    assert made.from_priors == pytest.approx(made.of_means - made.shift.mean)


def test_without_an_answer_there_is_nothing_to_compare_with():
    data = simulate("fork", 100, np.random.default_rng(3))
    study = Dag("z [latent]; x <- z -> y; x -> y").question("x", "y").run(data)
    assert not study.identifiable
    assert set(study.fits) == {"unadjusted"}
    assert study.differences == {}


def test_the_interval_has_the_mass_that_was_asked_for():
    study = run("fork", prob=0.5, draws=20_000)
    effect = study["correct"].effect
    low, high = effect.interval
    assert np.mean((effect.draws > low) & (effect.draws < high)) == pytest.approx(0.5, abs=0.001)


def test_the_order_of_rows_and_columns_changes_nothing_but_the_bootstrap():
    data = simulate("fork", 300, np.random.default_rng(4))
    turned = {name: data[name][::-1] for name in ("z", "y", "x")}
    one, other = asked("fork").run(data), asked("fork").run(turned)
    for name in one.fits:
        assert one[name].effect.mean == pytest.approx(other[name].effect.mean, rel=1e-10)
        assert one[name].effect.interval == pytest.approx(other[name].effect.interval, rel=1e-8)
    shifts = [study.differences["unadjusted"].shift for study in (one, other)]
    assert shifts[0].mean == pytest.approx(shifts[1].mean, rel=1e-10)
    assert shifts[0].sd == pytest.approx(shifts[1].sd, rel=1e-8)


def test_a_sampler_that_cannot_is_refused_before_anything_is_drawn():
    with pytest.raises(InferenceError, match="exact"):
        run("fork", sampler="exact", priors=PriorChoice("default", {"z": _cauchy()}))


def _cauchy():
    return Distribution("Cauchy", (0.0, 1.0))


def test_a_fit_gives_a_pymc_model_and_an_arviz_tree():
    pm = pytest.importorskip("pymc")
    study = run("fork", rows=50)
    model = study["correct"].model
    assert isinstance(model, pm.Model)
    assert {variable.name for variable in model.observed_RVs} == {"y"}
    done = pm.do(model, {"x": np.ones(50)})
    assert "x" in {variable.name for variable in done.data_vars}
    tree = study["correct"].posterior
    assert tree.posterior["x"].values.ravel() == pytest.approx(study["correct"].effect.draws)


def test_a_study_prints_itself_as_the_command_would():
    text = str(run("fork"))
    assert "The unadjusted model misleads" in text
    assert "x <- z -> y is open" in text
    assert all(len(line) <= 100 for line in text.splitlines())


# Calibration over many data sets


@pytest.mark.heavy
@pytest.mark.parametrize("structure", DAGS)
def test_intervals_of_the_correct_model_hold_the_truth_as_often_as_they_say(structure):
    """2,000 data sets of 100 rows; 89 % intervals, so .89 +- 3.3 x .007.

    The naive model of a fork, pipe or collider never does; that of the M, about one in three; and
    the collider turns the sign.
    """
    random = np.random.default_rng(2026)
    question, sets = asked(structure), 2_000
    hits = dict.fromkeys(("correct", NAIVE[structure]), 0)
    negative = 0
    for _ in range(sets):
        study = question.run(simulate(structure, 100, random), draws=1_000)
        for name in hits:
            low, high = study[name].effect.interval
            hits[name] += low < 0.5 < high
        negative += study[NAIVE[structure]].effect.mean < 0
    assert abs(hits["correct"] / sets - 0.89) < 3.3 * 0.007
    naive = hits[NAIVE[structure]] / sets
    match structure:
        case "fork" | "pipe" | "collider":
            assert naive < 0.005
        case "m_bias":
            assert 0.25 < naive < 0.45
        case "precision":
            assert abs(naive - 0.89) < 3.3 * 0.007
    if structure == "collider":
        assert negative / sets > 0.97

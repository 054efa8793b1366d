"""The benchmarks measure the same thing for everyone. Times themselves stand in no test."""

from __future__ import annotations

import json
import os
import random
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import causal
from benchmarks import data, digits, posteriors, runs
from benchmarks.fitting import Fitted, Fitter, disagreeing, fit, stored
from benchmarks.graphs import KINDS, SHAPES, Asked, Drawing, Plan, dag_of, plan, random_drawing
from benchmarks.measuring import (
    PEERS,
    WORKBENCH,
    Contestant,
    Job,
    Process,
    Task,
    Timing,
    measure,
    processes,
)
from benchmarks.measuring import stored as drawing_stored
from benchmarks.peers import rows_workbench
from benchmarks.peers.contract import Peer
from benchmarks.peers.networkx_recipe import Contender as Recipe
from benchmarks.peers.workbench import Contender as Workbench
from benchmarks.rows import DRAWING, _called, _room, made
from benchmarks.sections import Aim, Setup
from benchmarks.tables import ratio_text, slope, table, time_text
from causal.criteria.adjustment import adjust
from causal.data import address, warehouse
from tests.cli import causal as command
from tests.oracles import Case, Definitions, subsets


def complete() -> list[type[Peer]]:
    """Every contender of the complete criterion that is installed here."""
    found: list[type[Peer]] = [Workbench, Recipe]
    if find_spec("ciflypy"):
        from benchmarks.peers.cifly import Contender as CIfly

        found.append(CIfly)
    return found


def loaded(kind: type[Peer], drawing: Drawing) -> Peer:
    peer = kind()
    peer.load(drawing.nodes, drawing.edges, drawing.latent)
    return peer


@pytest.mark.parametrize("shape", SHAPES)
def test_a_drawing_is_acyclic_with_four_neighbours_a_node_and_a_fifth_latent(shape):
    drawing = random_drawing(shape, 1_000, 3)
    graph = nx.DiGraph(drawing.edges)
    assert nx.is_directed_acyclic_graph(graph)
    assert len(set(drawing.edges)) == len(drawing.edges) == 2 * 1_000 - 3
    assert len(set(drawing.latent)) == 200
    assert max(dict(graph.in_degree).values()) == 2


def test_a_seed_names_a_drawing():
    assert random_drawing("deep", 300, 1) == random_drawing("deep", 300, 1)
    assert random_drawing("deep", 300, 1) != random_drawing("deep", 300, 2)
    assert random_drawing("deep", 300, 1) != random_drawing("broad", 300, 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_question_is_confounded_and_has_a_valid_set(shape):
    made = plan(shape, 200, 4)
    recipe = loaded(Recipe, made.drawing)
    for asked in made.questions:
        question = recipe.question(asked.exposure, asked.outcome)
        verdicts = [recipe.is_valid(question, recipe.own(names)) for names in asked.sets]
        assert not recipe.is_valid(question, set())
        assert verdicts[KINDS.index("canonical")]
        assert verdicts[KINDS.index("recommended")]
        assert not verdicts[KINDS.index("one short")]


@pytest.mark.parametrize("kind", complete(), ids=lambda kind: kind.__module__)
def test_complete_contenders_judge_every_set_as_the_definitions_do(kind):
    rng = random.Random(11)
    judged = 0
    for number in range(40):
        drawing = random_drawing("broad", 7, number)
        peer = loaded(kind, drawing)
        observed = sorted({*drawing.nodes} - {*drawing.latent})
        x, y = rng.sample(observed, 2)
        case = Case(
            drawing.edges, (x,), (y,), "total", drawing.nodes, latent=frozenset(drawing.latent)
        )
        truth = Definitions(case)
        question = peer.question(x, y)
        for names in subsets({*observed} - {x, y}):
            assert peer.is_valid(question, peer.own(names)) == truth.is_valid(names), (
                number,
                names,
            )
            judged += 1
        minimal = peer.minimal_set(question)
        if minimal is None:
            assert not truth.minimal_sets
        else:
            assert tuple(sorted(minimal)) in truth.minimal_sets
    assert judged == 40 * 2**4


def job(tmp_path: Path, size: int, *tasks: Task, cap: float = 20) -> tuple[Plan, Job]:
    made = plan("broad", size, 2)
    path = drawing_stored(made, tmp_path / "drawing.json")
    return made, Job(path, made.questions, tasks, budget=0.01, cap=cap)


def test_a_worker_answers_every_call_and_repeats_them(tmp_path):
    tasks = Task("is_valid"), Task("is_valid", fresh=True), Task("minimal_set")
    made, asked = job(tmp_path, 60, *tasks)
    versions: dict[str, str] = {}
    ours = measure(WORKBENCH, asked, versions=versions)
    theirs = measure(PEERS["networkx"], asked, versions=versions)
    assert [*versions] == ["causal-workbench", "networkx"]
    for task in tasks[:2]:
        assert len(ours[task].answers) == len(task.calls(made.questions)) == 2 * len(KINDS)
        assert ours[task].answers == theirs[task].answers
        assert len(set(ours[task].answers)) == 2
    for timing in [*ours.values(), *theirs.values()]:
        assert not timing.missing
        assert len(timing.rounds) == len(timing.answers)
        assert all(ns > 0 for call in timing.rounds for ns in call)


def test_the_drawing_that_workers_read_is_the_one_of_the_plan(tmp_path):
    made, asked = job(tmp_path, 60)
    read = json.loads(asked.drawing.read_text())
    again = Drawing(tuple(read["nodes"]), tuple(map(tuple, read["edges"])), tuple(read["latent"]))
    assert again == made.drawing
    assert dag_of(again) == dag_of(made.drawing)


def test_a_call_beyond_the_cap_is_ended_and_said(tmp_path):
    _, asked = job(tmp_path, 3_000, Task("explain"), Task("explain", fresh=True), cap=0)
    found = measure(WORKBENCH, asked)
    assert [timing.missing for timing in found.values()] == ["> 0 s", "> 0 s"]


def test_a_contender_that_cannot_run_is_a_reason_and_no_failure(tmp_path):
    _, asked = job(tmp_path, 60, Task("is_valid"))
    found = measure(Contestant("Nobody", "nobody"), asked)
    (timing,) = found.values()
    assert timing.missing.startswith("does not run here: ModuleNotFoundError")
    assert not timing.rounds


def test_a_contender_that_raises_is_a_reason_and_the_other_tasks_go_on(tmp_path):
    _, asked = job(tmp_path, 60, Task("explain"), Task("minimal_set"))
    found = measure(PEERS["networkx"], asked)
    assert found[Task("explain")].missing.startswith("AttributeError")
    assert not found[Task("minimal_set")].missing
    assert len(found[Task("minimal_set")].answers) == 2


def test_the_first_calls_are_as_mixed_as_all_of_them():
    asked = [Asked("x", "y", tuple(() for _ in KINDS))] * 4
    calls = Task("is_valid").calls(asked)
    assert sorted(calls) == [(q, k) for q in range(4) for k in range(len(KINDS))]
    assert len({question for question, _ in calls[:4]}) == 4
    assert len({kind for _, kind in calls[:4]}) == 4


def test_a_median_is_taken_call_by_call():
    assert Timing(rounds=((1, 9, 2), (5,))).medians == [2, 5]


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_slope_of_a_power_is_the_power(power):
    sizes = [10, 100, 1_000, 10_000]
    assert slope(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)


def test_one_size_has_no_slope():
    assert slope([10], [1.0]) is None


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (12, "12 ns"),
        (41_234, "41.2 µs"),
        (2_800_000, "2.80 ms"),
        (1.63e9, "1.63 s"),
        (4e11, "400 s"),
    ],
)
def test_times_have_three_digits_in_the_unit_that_suits(nanoseconds, text):
    assert time_text(nanoseconds) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.1634, "0.163 x"), (3.914, "3.91 x"), (39.4, "39 x"), (5_432, "5,432 x")]
)
def test_ratios_are_short(ratio, text):
    assert ratio_text(ratio) == text


def test_a_table_is_markdown():
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


# ------------------------------------------------------------------------------------------------
# Posteriors, whole runs, data of any size
# ------------------------------------------------------------------------------------------------


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path, quick=True, say=lambda what: None)


def fitted(setup: Setup, module: str, model: str, name: str, **options: object) -> Fitted:
    made = getattr(data, name)() if name in data.__all__ else data.lesson(name)
    found = fit(setup, Fitter(module, module, model, options=options), stored(setup, name, made))
    assert not found.missing, found.missing
    return found


def test_the_workbench_is_measured_on_the_regression_of_the_fork(setup):
    found = fitted(setup, "workbench_fits", "fork", "fork", drawn=data.FORK, draws=4_000)
    columns = data.lesson("fork")
    design = np.column_stack([np.ones(1_000), columns["x"], columns["z"]])
    noise = np.linalg.lstsq(design, columns["y"], rcond=None)[1][0] / 997
    # Normal(0, 1) on all three; what sigma is does not matter to the fourth digit.
    by_hand = np.linalg.solve(design.T @ design + noise * np.eye(3), design.T @ columns["y"])[1]
    draws = found.draws["x"]
    assert draws.shape == (1, 4_000)
    assert found.size == 4_000
    assert abs(draws.mean() - by_hand) < 4 / np.sqrt(4_000) * draws.std()
    assert found.said["sampler"] == "exact"
    assert 0 < found.sampling <= found.first
    assert setup.versions.keys() == {"causal-workbench", "numpy"}


def test_a_call_is_repeated_in_several_processes(setup):
    path = stored(setup, "fork", data.lesson("fork"))
    options = {"drawn": data.FORK, "draws": 100}
    fitter = Fitter("ours", "workbench_fits", "fork", options=options, again=3, processes=2)
    asked: list[str] = []
    setup.say = asked.append
    found = fit(setup, fitter, path)
    assert found.said["repeated"] == 3
    assert asked == ["ours: fork"]


def test_a_run_before_is_thrown_away_unless_time_is_short(setup):
    path = stored(setup, "fork", data.lesson("fork"))
    options = {"drawn": data.FORK, "draws": 100}
    fitter = Fitter("ours", "workbench_fits", "fork", options=options, warm={"draws": 50})
    asked: list[str] = []
    setup.say = asked.append
    assert fit(setup, fitter, path).size == 100
    assert len(asked) == 1
    setup.quick = False
    assert fit(setup, fitter, path).size == 100
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("fitter", "why"),
    [
        (Fitter("nobody", "nobody", "fork"), "does not run here: ModuleNotFoundError"),
        (Fitter("PyMC3", "pymc3_tutorial", "fork", interpreter="NOT_SET"), "not run: NOT_SET"),
    ],
)
def test_a_contender_that_cannot_fit_is_a_reason_and_no_failure(setup, fitter, why):
    found = fit(setup, fitter, stored(setup, "fork", {"x": np.zeros(3)}))
    assert found.missing.startswith(why)
    rows = posteriors._rows({"ours": Fitted(1, 1, {"x": np.zeros((1, 9))}, 9.0), "it": found})
    assert rows[1] == ["it", "-", "-", "-", "-", "-"]
    aim = aimed({posteriors.OURS: found, "it": found}, 2)
    assert str(aim) == "- a call: 2 times as fast as it: **not measured**"
    assert disagreeing({"ours": found, "it": found}) == []


def aimed(everyone: dict[str, Fitted], least: float) -> Aim:
    return posteriors._aim(everyone, "it", least, "a call:", posteriors._once)


def chains(mean: float, seed: int, draws: int = 2_000) -> Fitted:
    random = np.random.default_rng(seed)
    return Fitted(8.0, 4.0, {"x": random.normal(mean, 1.0, (2, draws // 2))})


def test_the_size_is_that_of_independent_draws_where_they_are():
    assert chains(0, 1).size == pytest.approx(2_000, rel=0.15)
    slow = chains(0, 1)
    sticky = Fitted(draws={"x": np.repeat(slow.draws["x"], 10, axis=1)})
    assert sticky.size == pytest.approx(2_000, rel=0.3)
    assert Fitted(draws=slow.draws, worth=77.0).size == 77


def test_another_answer_is_called_so_and_no_aim_is_met_by_it():
    same = {posteriors.OURS: Fitted(1e-3, 1e-3, chains(0, 1).draws, 2_000.0), "it": chains(0, 2)}
    assert disagreeing(same) == ["- all posterior means agree within 5 Monte Carlo errors"]
    assert aimed(same, 1_000).met
    assert not aimed(same, 10_000).met
    other = {**same, "it": chains(0.3, 2)}
    [line] = disagreeing(other)
    assert line.startswith("- **it disagrees**: its mean of x is ")
    few = chains(0.3, 2, draws=20)
    assert disagreeing({**same, "it": few}) == [
        "- it: too few effective draws to compare its means"
    ]
    repeated = {**same, posteriors.OURS: replace(same[posteriors.OURS], said={"repeated": 3})}
    repeated[posteriors.OURS] = replace(repeated[posteriors.OURS], sampling=5e-4)
    assert aimed(repeated, 1_000).found == "8,000 x (16,000 x beside later calls of ours)"
    text = "- a call: 1,000 times as fast as it: 8,000 x, **of another answer**, **missed**"
    assert str(aimed(other, 1_000)) == text


def test_ratios_are_per_effective_draw():
    ours = Fitted(1.0, 0.5, chains(0, 1).draws, worth=4_000.0)
    theirs = Fitted(20.0, 1.0, chains(0, 2).draws, worth=1_000.0)
    rows = posteriors._rows({"ours": ours, "theirs": theirs})
    assert rows[0] == ["ours", "1.00 s", "500 ms", "4,000", "1.00 x", "1.00 x"]
    assert rows[1] == ["theirs", "20.0 s", "1.00 s", "1,000", "80 x", "8.00 x"]


def test_levels_that_vary_are_those_of_the_tutorial(setup):
    found = fitted(setup, "workbench_fits", "pooled_categories", "pooled_categories", draws=2_000)
    columns = data.lesson("pooled_categories")
    # Without pooling, by least squares: these rows leave nothing to it.
    design = np.column_stack([columns["x1"] == k for k in range(5)])
    design = np.column_stack([design, *(columns["x2"] == k for k in range(1, 4))]).astype(float)
    levels = np.linalg.lstsq(design, columns["y1"], rcond=None)[0]
    for k in range(1, 5):
        draws = found.draws[f"x1 {k} - 0"]
        assert abs(draws.mean() - (levels[k] - levels[0])) < draws.std()
    assert 0.5 < found.draws["sd of x2"].mean() < 2.5

    found = fitted(setup, "workbench_fits", "heterogeneity", "heterogeneity", draws=2_000)
    columns = data.lesson("heterogeneity")
    for k in range(3):
        low, high = (
            columns["y1"][(columns["x1"] == k) & (columns["x2"] == one)].mean() for one in (0, 1)
        )
        draws = found.draws[f"x2 where x1 = {k}"]
        assert abs(draws.mean() - (high - low)) < draws.std()
    # The group means are -3 to 2 where x2 = 0, and 1 to 3 where it is 1.
    spread = [found.draws[f"sd of group means, x2 = {k}"].mean() for k in range(2)]
    assert spread[0] > spread[1]
    assert (np.abs(found.draws["correlation"]) < 1).all()


def test_the_drawing_of_the_sets_has_eight_minimal_ones():
    question = causal.Dag(data.TWICE_THREE).question("x", "y")
    assert len(adjust(question, most=20).minimal_sets) == 8
    assert {*causal.Dag(data.TWICE_THREE).names} == {*data.sets(10)}
    assert {*causal.Dag(data.LOGISTIC).names} == {*data.logistic(10)}


@pytest.mark.heavy
def test_nutpie_and_the_tutorials_model_give_the_workbenchs_answer(setup):
    pytest.importorskip("nutpie")
    everyone = {
        "ours": fitted(setup, "workbench_fits", "fork", "fork", drawn=data.FORK, draws=4_000),
        "nutpie": fitted(setup, "nutpie_fits", "fork", "fork", draws=500),
    }
    assert disagreeing(everyone) == ["- all posterior means agree within 5 Monte Carlo errors"]
    levels = ("pooled_categories", "pooled_categories")
    everyone = {
        "ours": fitted(setup, "workbench_fits", *levels, draws=4_000),
        "PyMC": fitted(setup, "pymc_tutorial", *levels, sampler="nutpie", draws=300, tune=400),
    }
    assert everyone["ours"].draws.keys() == everyone["PyMC"].draws.keys()
    assert disagreeing(everyone) == ["- all posterior means agree within 5 Monte Carlo errors"]


@pytest.mark.heavy
def test_no_model_of_the_sets_is_compiled_here_and_each_one_there(setup):
    pytest.importorskip("nutpie")
    chosen = {"adjust": [["a1", "a2", "a3"], ["b1", "b2", "b3"]]}
    drawn = {"drawn": data.TWICE_THREE, "draws": 2_000}
    everyone = {
        "ours": fitted(setup, "workbench_fits", "sets", "sets", **drawn, **chosen),
        "nutpie": fitted(setup, "nutpie_fits", "sets", "sets", draws=500, **chosen),
    }
    assert everyone["ours"].draws.keys() == everyone["nutpie"].draws.keys()
    assert len(everyone["ours"].draws) == 2
    assert [found.said["compiled"] for found in everyone.values()] == [0, 2]
    assert disagreeing(everyone) == ["- all posterior means agree within 5 Monte Carlo errors"]


def test_a_process_is_run_as_often_as_asked_and_what_it_prints_is_kept(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print('ä', len(bytearray(60_000_000)))")
    ran = processes([sys.executable], [str(script)], 2, os.environ)
    assert [one.printed for one in ran] == ["ä 60000000\n"] * 2
    assert all(one.seconds > 0 and one.megabytes > 60 for one in ran)
    script.write_text("raise SystemExit(3)")
    why = processes([sys.executable], [str(script)], 2, os.environ)
    assert why == f"does not run here: {script} ended with 3"


def test_effects_are_read_from_what_the_command_prints(tmp_path):
    file = tmp_path / "fork.csv"
    columns = data.lesson("fork")
    rows = np.column_stack(list(columns.values()))
    np.savetxt(file, rows, delimiter=",", header=",".join(columns), comments="")
    out = command("run", data.FORK, file, "-x", "x", "-y", "y").out
    study = causal.Dag(data.FORK).question("x", "y").run(file)
    found = runs.printed(out)
    assert found.keys() == {"correct", "unadjusted"}
    for model, (effect, low, high) in found.items():
        summary = study[model].effect
        assert effect == pytest.approx(summary.mean, abs=0.001)
        assert (low, high) == pytest.approx(summary.interval, abs=0.001)
    script = "unadjusted 0.66596 [0.66523, 0.66670]\ncorrect -0.01050 [-0.03953, 0.06016]\n"
    assert runs.printed(script)["correct"] == (-0.0105, -0.03953, 0.06016)
    assert runs.printed(script)["unadjusted"] == (0.66596, 0.66523, 0.6667)


def test_a_run_with_another_answer_or_none_is_called_so():
    good = "correct 0.010 [-0.040, 0.060]\nunadjusted 0.666 [0.665, 0.667]\n"
    ran = {runs.OURS: [Process(0.5, 90.0, good)], "it": [Process(6.0, 300.0, good)]}
    text = str(runs._section(ran, [], quick=True))
    assert "- all answers agree" in text
    assert "10 times as fast as the fastest, it: 12 x, met" in text
    for wrong in (good.replace("0.010", "0.050"), good.replace("correct", "wrong")):
        text = str(runs._section({**ran, "it": [Process(6.0, 300.0, wrong)]}, [], quick=True))
        assert "all answers agree" not in text
        assert "**it " in text
        assert "10 times as fast as the fastest, it: 12 x, **missed**" in text


def test_rows_are_the_same_in_every_form_and_number_of_files(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    folders = [tmp_path / str(k) for k in range(2)]
    for folder in folders:
        folder.mkdir()
    one, three = (made(folder, 3_001, parts) for folder, parts in zip(folders, (1, 3), strict=True))
    assert len([*one.iterdir()]) == 1
    assert len([*three.iterdir()]) == 3
    with duckdb.connect(str(made(tmp_path, 3_001, kind="db"))) as con:
        stored_rows = con.execute("FROM visits ORDER BY ALL").fetchall()
    for source in (f"{one}/*.parquet", f"{three}/*.parquet", made(tmp_path, 3_001, kind="csv")):
        assert duckdb.execute(f"FROM '{source}' ORDER BY ALL").fetchall() == stored_rows
    assert len(stored_rows) == 3_001
    first = made(folders[0], 1_000)
    rows = duckdb.execute(f"FROM '{first}/*.parquet'").fetchall()
    assert {*rows} < {*stored_rows}


def test_rows_follow_their_drawing(tmp_path):
    pytest.importorskip("duckdb")
    own = {"yours": ["z", "m"]}
    study = causal.Dag(DRAWING).question("x", "y").run(made(tmp_path, 20_000), own=own)
    assert len(study.fits) == 4
    for model in ("correct", "yours"):
        effect = study[model].effect
        assert abs(effect.mean - 0.5) < 4 * effect.sd
    for model in ("unadjusted", "everything"):
        effect = study[model].effect
        assert abs(effect.mean - 0.5) > 10 * effect.sd


def test_a_comparison_of_rows_is_reported_with_its_process(setup):
    pytest.importorskip("ibis")
    path = made(setup.folder, 5_000)
    said, process = _called(setup, "rows_workbench", DRAWING, str(path), "streamed")
    assert said["rows"] == 5_000
    assert said["effects"].keys() == {"correct", "unadjusted", "everything", "yours"}
    effect, sd = said["effects"]["correct"]
    assert abs(effect - 0.5) < 4 * sd
    assert said["seconds"] < process.seconds
    scan, _ = _called(setup, "rows_duckdb", str(path))
    assert scan["seconds"] > 0


# Ibis asks DuckDB by names that DuckDB has since changed.
@pytest.mark.filterwarnings("ignore:.*fetch_arrow:DeprecationWarning")
def test_sums_are_pushed_down_where_that_is_measured(tmp_path, monkeypatch, capsys):
    pytest.importorskip("ibis")
    monkeypatch.setattr(address, "IN_MEMORY", 0)
    monkeypatch.setattr(address, "Warehouse", address.Warehouse)  # put back afterwards
    path = str(made(tmp_path, 5_000))
    effects = {}
    for how, unused in (("streamed", "_summed"), ("pushed", "_streamed")):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["rows_workbench", DRAWING, path, how])
            patch.delattr(warehouse.Warehouse, unused)
            rows_workbench.main()
        effects[how] = json.loads(capsys.readouterr().out)["effects"]
    for model, pair in effects["streamed"].items():
        assert pair == pytest.approx(effects["pushed"][model], rel=1e-9)


def test_rows_that_do_not_fit_on_the_disk_are_not_written(setup):
    assert _room(setup, 1) == ""
    assert _room(setup, 10**15).startswith("not run: 1,000,000,000,000,000 rows want")


@pytest.mark.skipif(
    "CAUSAL_CASES" not in os.environ, reason="CAUSAL_CASES names no folder of cases"
)
@pytest.mark.parametrize("name", ["Filip", "NoInt1"])
def test_digits_are_counted_against_the_certified_values(name):
    for block in (5, 1_000):
        assert digits.reached(Path(os.environ["CAUSAL_CASES"]) / "nist" / name, block)[0] >= 7


def test_the_coefficient_with_the_fewest_digits_counts():
    assert digits._digits(np.array([1.0, 2.0]), [1.0, 2.0]) == 15
    assert digits._digits(np.array([1.0, 2.002]), [1.0, 2.0]) == pytest.approx(3)
    assert digits._digits(np.array([0.0, 1e-9]), [0.0, 0.0]) == pytest.approx(9)
    assert digits._digits(np.array([5.0]), [1.0]) == 0

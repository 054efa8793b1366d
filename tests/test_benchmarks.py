"""The benchmarks measure the same thing for everyone. Times themselves stand in no test."""

from __future__ import annotations

import json
import random
from importlib.util import find_spec
from pathlib import Path

import networkx as nx
import pytest

from benchmarks.graphs import KINDS, SHAPES, Asked, Drawing, Plan, dag_of, plan, random_drawing
from benchmarks.measuring import PEERS, WORKBENCH, Contestant, Job, Task, Timing, measure, stored
from benchmarks.peers.contract import Peer
from benchmarks.peers.networkx_recipe import Contender as Recipe
from benchmarks.peers.workbench import Contender as Workbench
from benchmarks.tables import ratio_text, slope, table, time_text
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
    path = stored(made, tmp_path / "drawing.json")
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

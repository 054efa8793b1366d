"""Front-door sets against the definition: every path, every set; then networkx; and in numbers.

A set M satisfies the criterion when it intercepts every directed path from X to Y, no back-door
path from X to M is open, and X blocks every back-door path from M to Y. A back-door path begins
with an arrow into its start; one from a set leaves no member by an arrow out of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest

from causal.criteria.frontdoor import FrontDoor, front_door
from causal.criteria.question import EFFECTS
from causal.graph.dag import Dag
from tests.oracles import (
    Case,
    Reference,
    drawn,
    linear_model,
    random_case,
    renamed,
    small_cases,
    subsets,
)

SEEDS = [
    pytest.param(range(1000), id="1000-graphs"),
    pytest.param(range(1000, 15_000), id="14000-graphs", marks=pytest.mark.heavy),
]
SIZES = [
    pytest.param(3, id="up-to-3-observed"),
    pytest.param(4, id="4-observed", marks=pytest.mark.heavy),
]
Walked = tuple[list[Any], list[bool]]


def told(case: Case) -> set[str] | None:
    """The package's answer, for the total effect."""
    found = front_door(case.about("total").question())
    return None if found is None else set(found.names)


# Tables

CLASSIC = "x -> m -> y; x <-> y"


@pytest.mark.parametrize(
    ("text", "marks", "expected"),
    [
        (CLASSIC, {}, "m"),
        ("x <- u -> y; x -> m -> y", {"latent": "u"}, "m"),
        ("x <- u -> y; x -> m -> y", {}, "m"),  # adjusting for u would do as well
        ("x -> m -> y", {}, "m"),
        ("x -> a -> y; x -> b -> y; x <-> y", {}, "a b"),
        ("x -> a -> b -> y; x <-> y", {}, "b"),
        ("x -> a -> b -> y; x <-> y", {"latent": "b"}, "a"),
        ("x -> a -> b -> y; a -> y; x <-> y", {}, "a"),
        ("x -> a -> b -> y; x -> b; a -> y; x <-> y", {}, "a b"),
        # Not all of the effect goes through what was measured.
        (CLASSIC + "; x -> y", {}, None),
        (CLASSIC, {"latent": "m"}, None),
        ("x -> a -> y; x -> b -> y; x <-> y", {"latent": "b"}, None),
        # The mediator shares a cause with the outcome, or with the exposure.
        (CLASSIC + "; m <-> y", {}, None),
        (CLASSIC + "; m <-> x", {}, None),
        (CLASSIC + "; m <- w -> y", {"latent": "w"}, None),
        # So does one of two in a chain.
        ("x -> a -> b -> y; x <-> y; a <-> y", {}, None),
        ("x -> a -> b -> y; x <-> y; b <-> x", {}, "a"),
        ("x -> a -> b -> y; x <-> y; b <-> y", {}, "a"),
        ("x -> a -> b -> y; x <-> y; a <-> x", {}, None),
        ("x -> a -> b -> y; x <-> y; a <-> b", {}, "b"),
        # A member that carries nothing closes the other one's back door.
        (CLASSIC + "; m <-> w -> y", {}, "m w"),
        (CLASSIC + "; m <- w -> y", {}, "m w"),
        (CLASSIC + "; m <- w -> v -> y", {}, "m v"),
        (CLASSIC + "; m <-> w -> y; w <-> y", {}, None),
        (CLASSIC + "; m <-> w -> y; w <-> x", {}, None),
        (CLASSIC + "; m <-> v -> y; v <-> w -> y", {}, "m v w"),
        # What could close it is confounded itself, and being no member lets the path pass.
        (CLASSIC + "; m <- q -> p -> c -> y; p <- w -> y", {"latent": "q c w"}, None),
        (CLASSIC + "; m <- q -> p -> w -> y; p <- c -> y", {"latent": "q c w"}, None),
        # Other variables, which change nothing.
        (CLASSIC + "; m -> d; y -> e; z -> x; x -> f; w", {}, "m"),
        (CLASSIC + "; m -> c <- y", {}, "m"),
        # No effect drawn, none that is left, another effect than the criterion speaks of.
        ("x <-> y; m", {}, None),
        ("x -> m; x <-> y", {}, None),
        ("x <- m <- y; x <-> y", {}, None),
        # What is held fixed throughout is beside the criterion.
        (CLASSIC + "; w", {"forced": "w"}, None),
        (CLASSIC + "; w", {"selected": "w"}, None),
        (CLASSIC + "; a -> m", {"exposures": "a x"}, None),
        (CLASSIC + "; m -> a", {"outcomes": "a y"}, None),
    ],
)
def test_front_doors_of_textbook_graphs(
    text: str, marks: dict[str, str], expected: str | None
) -> None:
    assert told(drawn(text, **marks)) == (None if expected is None else set(expected.split()))


def test_the_direct_effect_has_no_front_door() -> None:
    question = drawn(CLASSIC).question()
    assert front_door(question.total) is not None
    assert front_door(question.direct) is None


# From the definition


class Paths:
    """The criterion by listing paths, for one exposure and one outcome."""

    def __init__(self, case: Case) -> None:
        (self.x,), (self.y,) = case.exposures, case.outcomes
        arrows = [*case.edges, *((arc, end) for arc in case.arcs for end in arc)]
        self.graph = nx.DiGraph(arrows)
        self.graph.add_nodes_from(case.names)
        self.observed = set(case.names) - case.latent - {self.x, self.y}
        self.to_outcome = {n: self.listed(n, self.y) for n in self.observed | {self.x}}
        self.to_member = {n: self.listed(self.x, n) for n in self.observed}

    def listed(self, start: str, end: str) -> list[Walked]:
        """Every path, and whether each of its arrows points forward."""
        found = nx.all_simple_paths(self.graph.to_undirected(), start, end)
        return [(path, [self.graph.has_edge(*step) for step in pairwise(path)]) for path in found]

    def is_open(self, path: list[Any], forward: list[bool], held: set[str]) -> bool:
        for node, into, out in zip(path[1:-1], forward, forward[1:], strict=False):
            if into and not out:
                if not ({node} | nx.descendants(self.graph, node)) & held:
                    return False
            elif node in held:
                return False
        return True

    def satisfied(self, members: set[str]) -> bool:
        directed = [path for path, forward in self.to_outcome[self.x] if all(forward)]
        if not all(members & set(path) for path in directed):
            return False
        for member in members:
            for path, forward in self.to_member[member]:
                if not forward[0] and self.is_open(path, forward, set()):
                    return False
            for path, forward in self.to_outcome[member]:
                steps = zip(pairwise(path), forward, strict=True)
                if any((a if ahead else b) in members for (a, b), ahead in steps):
                    continue  # an arrow out of a member
                if self.is_open(path, forward, {self.x}):
                    return False
        return True

    def judge(self, case: Case) -> bool:
        """Assert that what is told is right; whether there is a front door."""
        directed = nx.has_path(self.graph, self.x, self.y)
        sets = [set(s) for s in subsets(self.observed) if directed and self.satisfied(set(s))]
        found = told(case)
        assert (found is not None) == bool(sets), (case, found, sets)
        if found is not None:
            assert found in sets, (case, found)
            assert not any(one < found for one in sets), (case, found)
        return bool(sets)


@pytest.mark.parametrize("size", SIZES)
def test_every_small_graph_is_answered_by_the_definition(size: int) -> None:
    answers = [Paths(case).judge(case) for case in small_cases(size)]
    assert any(answers) and not all(answers)


@cache
def mediated(seed: int, smallest: int = 5, largest: int = 7) -> Case:
    """A random drawing with latent causes, most of them of exposure and outcome too."""
    rng = random.Random(f"front door {seed}")
    case = random_case(f"front door {seed}", smallest, largest, plain=True)
    (x,), (y,) = case.exposures, case.outcomes
    others = [name for name in case.names if name not in (x, y)]
    arcs = {(min(x, y), max(x, y))} if rng.random() < 0.8 else set()
    for _ in range(rng.choice((0, 1, 1, 2))):
        a, b = sorted(rng.sample(case.names, 2))
        arcs.add((a, b))
    latent = {name for name in others if rng.random() < 0.2}
    edges = set(case.edges) - {(x, y)}
    if rng.random() < 0.7:  # most often there is a way through
        middle = rng.choice(others)
        more = edges | {(x, middle), (middle, y)}
        edges = more if nx.is_directed_acyclic_graph(nx.DiGraph(more)) else edges
    return replace(
        case, edges=tuple(sorted(edges)), arcs=tuple(sorted(arcs)), latent=frozenset(latent)
    )


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_minimal_front_door_is_told_exactly_when_there_is_one(seeds: Iterable[int]) -> None:
    answers = [Paths(mediated(seed)).judge(mediated(seed)) for seed in seeds]
    assert min(answers.count(True), answers.count(False)) > len(seeds) / 20


# By networkx, in larger graphs


def satisfied(case: Case, members: set[str]) -> bool:
    """The criterion as two separations and one cut."""
    graph = Reference(case).graph
    (x,), (y,) = case.exposures, case.outcomes
    kept = graph.copy()
    kept.remove_nodes_from(members)
    if nx.has_path(kept, x, y):
        return False
    no_effect = graph.copy()
    no_effect.remove_edges_from(list(graph.out_edges(x)))
    set_by_hand = graph.copy()
    set_by_hand.remove_edges_from(list(graph.out_edges(members)))
    return bool(
        nx.is_d_separator(no_effect, {x}, members, set())
        and nx.is_d_separator(set_by_hand, members, {y}, {x})
    )


def found_ones(seeds: Iterable[int]) -> Iterator[tuple[Case, FrontDoor]]:
    for seed in seeds:
        case = mediated(seed, 8, 25)
        found = front_door(case.about("total").question())
        if found is not None:
            yield case, found


@pytest.mark.parametrize("seeds", SEEDS)
def test_in_larger_graphs_too_the_set_satisfies_the_criterion_and_each_member_is_needed(
    seeds: Iterable[int],
) -> None:
    sizes = []
    for case, found in found_ones(seeds):
        members = set(found.names)
        assert satisfied(case, members), (case, found)
        if len(members) <= 8:
            for part in subsets(members):
                assert len(part) == len(members) or not satisfied(case, set(part)), (case, part)
        sizes.append(len(members))
    assert len(sizes) > 20
    assert max(sizes) > 2


def test_the_paths_shown_are_directed_ones_through_one_member_each() -> None:
    for case, found in found_ones(range(1000)):
        dag: Dag = case.dag()
        (x,), (y,) = case.exposures, case.outcomes
        assert found.paths, (case, found)
        through = []
        for path in found.paths:
            names = [dag.label(node) for node in path.nodes]
            assert path.causal and (names[0], names[-1]) == (x, y), (case, names)
            assert all(step in case.edges for step in pairwise(names))
            through += set(names) & set(found.names)
        assert len(through) == len(set(through)) == len(found.paths), (case, found)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (CLASSIC, ["x -> m -> y"]),
        (CLASSIC + "; m <-> w -> y", ["x -> m -> y"]),
        # Where a shorter way leads through another member the longer one is shown.
        (
            "x <-> y; x -> a -> y; a -> b -> y; x -> c -> d -> b",
            ["x -> a -> y", "x -> c -> d -> b -> y"],
        ),
        (
            "x <-> y; x -> a -> c -> d -> y; a -> b -> y; x -> b",
            ["x -> a -> c -> d -> y", "x -> b -> y"],
        ),
    ],
)
def test_each_member_has_a_path_of_its_own(text: str, paths: list[str]) -> None:
    case = drawn(text, latent="c d") if " c " in text else drawn(text)
    found = front_door(case.about("total").question())
    assert found is not None
    assert [path.text(case.dag()) for path in found.paths] == paths


def test_only_the_first_paths_of_many_are_shown() -> None:
    text = "; ".join(f"x -> m{i:02d} -> y" for i in range(50)) + "; x <-> y"
    found = front_door(drawn(text).about("total").question())
    assert found is not None
    assert len(found.names) == 50
    assert len(found.paths) == 20


# In numbers


def test_the_front_door_formula_gives_the_total_effect_in_linear_models() -> None:
    single = several = 0
    for seed in range(1000):
        case = mediated(seed)
        found = front_door(case.about("total").question())
        if found is None:
            continue
        at, arrows, covariance = linear_model(case, seed)
        (x,), (y,) = case.exposures, case.outcomes
        total = np.linalg.inv(np.eye(len(at)) - arrows)[at[y], at[x]]
        members = [at[name] for name in found.names]
        on_members = covariance[members, at[x]] / covariance[at[x], at[x]]
        held = [*members, at[x]]
        on_outcome = np.linalg.solve(covariance[np.ix_(held, held)], covariance[held, at[y]])
        assert on_members @ on_outcome[:-1] == pytest.approx(total, abs=1e-9), (case, found)
        single += len(members) == 1
        several += len(members) > 1
    assert single > 20 and several > 20


# Order and names


def test_renaming_and_another_order_only_rename_the_front_door() -> None:
    for seed in range(300):
        case = mediated(seed)
        dealt = random.Random(seed).sample(case.names, len(case.names))
        new = dict(zip(case.names, dealt, strict=True))
        mine, theirs = told(case), told(renamed(case, new, random.Random(seed)))
        assert theirs == (None if mine is None else {new[name] for name in mine}), case


def test_hostile_names_are_data() -> None:
    m = '"; x -> y\n<script>'
    case = Case((("x", m), (m, "y")), arcs=(("x", "y"),))
    assert told(case) == {m}
    assert all(front_door(case.about(e).question()) is None for e in EFFECTS if e == "direct")

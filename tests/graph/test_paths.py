"""Open paths one by one: all of them, the shortest first, never too many."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations

import pytest

from causal.graph.dag import Dag
from causal.graph.paths import Listing, open_paths
from causal.graph.walk import Path, open_path
from tests.oracles import Definitions, random_case

SEEDS = [
    pytest.param(range(300), id="300-graphs"),
    pytest.param(range(300, 3_300), id="3000-graphs", marks=pytest.mark.heavy),
]
ALL = 100_000
Asked = tuple[Dag, frozenset[int], frozenset[int], frozenset[int]]


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("x -> y", "", ["x -> y"]),
        ("x; y", "", []),
        ("x <-> y; x -> y", "", ["x -> y", "x <-> y"]),
        ("x <- z -> y; x -> m -> y; x -> y", "", ["x -> y", "x -> m -> y", "x <- z -> y"]),
        ("x <- z -> y; x -> m -> y; x -> y", "m z", ["x -> y"]),
        ("x -> c <- y", "", []),
        ("x -> c <- y; c -> d", "d", ["x -> c <- y"]),
        ("x <- a -> m <- b -> y; x <- m -> y", "m", ["x <- a -> m <- b -> y"]),
        (
            "x <- a -> m <- b -> y; x <- m -> y",
            "",
            ["x <- m -> y", "x <- a -> m -> y", "x <- m <- b -> y"],
        ),
        # an open collider below a path lets no path turn round in it twice
        ("x -> a -> y; a -> s", "s", ["x -> a -> y"]),
    ],
)
def test_paths_come_shortest_first_then_by_name(text: str, given: str, expected: list[str]) -> None:
    dag = Dag(text)
    found = open_paths(
        dag.adjacency, dag.numbers("x"), dag.numbers("y"), dag.numbers(given.split())
    )
    assert [path.text(dag) for path in found.paths] == expected
    assert found.complete


def asked(seeds: range) -> Iterator[tuple[Asked, list[Path]]]:
    """Random questions about random drawings, and every open path by the definitions."""
    for seed in seeds:
        case = random_case(seed, 3, 8).about("total")
        truth, dag, rng = Definitions(case), case.dag(), random.Random(seed)
        starts, ends = dag.numbers(case.exposures), dag.numbers(case.outcomes)
        free = sorted({*case.names} - {*case.exposures, *case.outcomes})
        for _ in range(3):
            given = rng.sample(free, rng.randint(0, len(free)))
            held = dag.numbers(given) | dag.numbers(case.selected)
            paths = [
                Path(*walked)
                for walked in truth.paths(proper=True)
                if truth.is_open(walked, given) and not ends & set(walked[0][:-1])
            ]
            yield (dag, starts, ends, held), sorted(paths, key=lambda p: (len(p.nodes), p.nodes))


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_listing_is_every_open_path_in_order(seeds: range) -> None:
    for (dag, starts, ends, held), expected in asked(seeds):
        found = open_paths(dag.adjacency, starts, ends, held, limit=ALL)
        assert found == Listing(tuple(expected), complete=True), (dag, starts, ends, held)


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_bounded_listing_is_its_beginning_and_says_so(seeds: range) -> None:
    for (dag, starts, ends, held), expected in asked(seeds):
        for limit in (1, 2, 5):
            found = open_paths(dag.adjacency, starts, ends, held, limit=limit)
            assert found.paths == tuple(expected[:limit]), (dag, starts, ends, held)
            assert found.complete == (len(expected) <= limit), (dag, starts, ends, held)


@pytest.mark.parametrize("seeds", SEEDS)
def test_only_paths_through_a_collider_that_is_asked_for(seeds: range) -> None:
    for (dag, starts, ends, held), paths in asked(seeds):
        for through in (held, frozenset(range(dag.size))):
            expected = [path for path in paths if through & set(path.colliders)]
            found = open_paths(dag.adjacency, starts, ends, held, limit=ALL, through=through)
            assert found == Listing(tuple(expected), complete=True)
            first = open_paths(dag.adjacency, starts, ends, held, limit=1, through=through)
            assert first.paths == tuple(expected[:1])


def test_a_graph_with_more_paths_than_atoms_is_listed_at_once() -> None:
    names = [f"v{i:03}" for i in range(200)]
    dag = Dag(edges=combinations(names, 2))
    found = open_paths(dag.adjacency, [0], [199], frozenset())
    assert not found.complete
    assert found.paths[:3] == (
        Path((0, 199), (True,)),
        Path((0, 1, 199), (True, True)),
        Path((0, 2, 199), (True, True)),
    )
    assert len(found.paths) == 20


def test_where_no_path_fits_the_search_ends_and_does_not_claim_to_be_complete() -> None:
    names = [f"v{i:03}" for i in range(60)]
    dag = Dag(edges=combinations(names, 2))
    found = open_paths(dag.adjacency, [0], [59], frozenset([30]), through=frozenset())
    assert found == Listing((), complete=False)


@pytest.mark.parametrize("rungs", [10, 1_000, 40_000])
def test_where_there_is_a_path_however_long_one_is_given(rungs: int) -> None:
    """A ladder: at every step there are two ways on, and the shortest path is long."""
    edges = []
    for i in range(rungs):
        here, aside, there = f"a{i:06}", f"b{i:06}", f"a{i + 1:06}"
        edges += [(here, there), (here, aside), (aside, there)]
    dag = Dag(edges=edges)
    starts, ends = dag.numbers(["a000000"]), dag.numbers([f"a{rungs:06}"])
    found = open_paths(dag.adjacency, starts, ends, frozenset())
    assert found.paths[0] == open_path(dag.adjacency, starts, ends, frozenset())
    assert len(found.paths[0].forward) == rungs
    assert not found.complete

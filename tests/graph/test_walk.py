"""What association reaches: tables, networkx as the oracle, and every witness looked at."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import networkx as nx
import pytest

from causal.graph.dag import Adjacency, Dag
from causal.graph.walk import (
    Path,
    ancestors,
    descendants,
    directed_path,
    open_path,
    reach,
)
from tests.oracles import Definitions, random_case

SEEDS = [
    pytest.param(range(300), id="300-graphs"),
    pytest.param(range(300, 3_300), id="3000-graphs", marks=pytest.mark.heavy),
]
Sets = tuple[frozenset[int], frozenset[int], frozenset[int]]


def asked(seeds: range) -> Iterator[tuple[Dag, nx.DiGraph[int], Sets]]:
    """Random drawings of 3 to 14 variables, and disjoint sets: starts, ends, given."""
    for seed in seeds:
        rng = random.Random(seed)
        dag = random_case(seed, 3, 14).dag()
        graph: nx.DiGraph[Any] = nx.DiGraph()
        graph.add_nodes_from(range(dag.size))
        graph.add_edges_from((a, b) for a in graph for b in dag.adjacency.children[a])
        for _ in range(4):
            nodes = rng.sample(range(dag.size), dag.size)
            cut, end = sorted(rng.sample(range(1, dag.size + 1), 2))
            few = min(cut, rng.choice((1, 1, 2, 3)))
            some = min(end - cut, rng.choice((1, 1, 2, 3)))
            held = nodes[end:][: rng.randint(0, 4)]
            yield (
                dag,
                graph,
                (
                    frozenset(nodes[:few]),
                    frozenset(nodes[cut : cut + some]),
                    frozenset(held),
                ),
            )


def is_open(graph: nx.DiGraph[int], path: Path, given: frozenset[int]) -> bool:
    """Pearl's definition, node by node."""
    for node, into, out in zip(path.nodes[1:-1], path.forward, path.forward[1:], strict=False):
        if into and not out:
            if not given & {node, *nx.descendants(graph, node)}:
                return False
        elif node in given:
            return False
    return True


def is_path(graph: nx.DiGraph[int], path: Path) -> bool:
    """Real arrows, no node twice."""
    return len(set(path.nodes)) == len(path.nodes) and all(
        graph.has_edge(a, b) if ahead else graph.has_edge(b, a)
        for a, b, ahead in zip(path.nodes, path.nodes[1:], path.forward, strict=False)
    )


# Tables


@pytest.mark.parametrize(
    ("text", "given", "witness"),
    [
        ("x -> y", "", "x -> y"),
        ("y -> x", "", "x <- y"),
        ("x; y", "", None),
        ("x <-> y", "", "x <-> y"),
        # the elemental confounds
        ("x <- z -> y", "", "x <- z -> y"),
        ("x <- z -> y", "z", None),
        ("x -> m -> y", "", "x -> m -> y"),
        ("x -> m -> y", "m", None),
        ("x -> c <- y", "", None),
        ("x -> c <- y", "c", "x -> c <- y"),
        ("x -> c <- y; c -> d -> e", "e", "x -> c <- y"),
        ("x -> c <- y; c -> d -> e", "d e", "x -> c <- y"),
        # M and butterfly
        ("x <- a -> m <- b -> y", "", None),
        ("x <- a -> m <- b -> y", "m", "x <- a -> m <- b -> y"),
        ("x <- a -> m <- b -> y", "a m", None),
        ("x <- a -> m <- b -> y; x <- m -> y", "", "x <- m -> y"),
        ("x <- a -> m <- b -> y; x <- m -> y", "m", "x <- a -> m <- b -> y"),
        ("x <-> m <-> y", "", None),
        ("x <-> m <-> y", "m", "x <-> m <-> y"),
        # the shortest, then the first by name
        ("x <- z -> y; x -> y", "", "x -> y"),
        ("x <- b -> y; x <- a -> y", "", "x <- a -> y"),
        # a collider is open by what it causes, and only where it is reached
        ("x -> a -> b -> c <- y; a -> s", "s", None),
        ("x -> a -> c <- y; c -> s", "s", "x -> a -> c <- y"),
        ("x -> a -> c <- y; c -> s", "a s", None),
    ],
)
def test_the_path_that_is_left_open(text: str, given: str, witness: str | None) -> None:
    dag = Dag(text)
    held = dag.numbers(given.split())
    path = open_path(dag.adjacency, [dag.number("x")], [dag.number("y")], held)
    assert (path and path.text(dag)) == witness
    back = open_path(dag.adjacency, [dag.number("y")], [dag.number("x")], held)
    assert (back is None) == (path is None)


@pytest.mark.parametrize(
    ("nodes", "forward", "text"),
    [
        ("x", (), "x"),
        ("xzy", (False, True), "x <- z -> y"),
        ("xmy", (True, True), "x -> m -> y"),
        ("x?y", (False, True), "x <-> y"),
        ("x?yz", (False, True, True), "x <-> y -> z"),
        ("zx?y", (True, False, True), "z -> x <-> y"),
        ("?y", (True,), "(unmeasured) -> y"),
        ("x?", (False,), "x <- (unmeasured)"),
    ],
)
def test_a_path_is_written_as_people_write_it(
    nodes: str, forward: tuple[bool, ...], text: str
) -> None:
    dag = Dag("x <- z -> y; x -> m -> y; x <-> y")
    number = {**{name: dag.number(name) for name in dag.names}, "?": dag.size - 1}
    assert Path(tuple(number[n] for n in nodes), forward).text(dag) == text


def test_names_in_a_path_are_quoted_where_they_are_more_than_a_word() -> None:
    dag = Dag(edges=[("blood pressure", "1"), ("1", "é"), ("é", "a\x1b"), ("a\x1b", "x->y")])
    path = directed_path(dag.adjacency, dag.numbers(["blood pressure"]), dag.numbers(["x->y"]))
    assert path is not None
    assert path.text(dag) == r'"blood pressure" -> 1 -> é -> "a\x1b" -> "x->y"'


def test_paths_turn_round_join_and_know_their_colliders() -> None:
    left, right = Path((0, 1, 2), (True, True)), Path((2, 3), (False,))
    whole = left + right
    assert whole == Path((0, 1, 2, 3), (True, True, False))
    assert whole.colliders == (2,)
    assert whole.reversed() == Path((3, 2, 1, 0), (True, False, False))
    assert whole.reversed().reversed() == whole
    assert (left.causal, whole.causal, left.reversed().causal) == (True, False, False)


def test_the_walk_ends_where_it_is_told_to() -> None:
    dag = Dag("a -> b -> c -> d")
    reached = reach(dag.adjacency, [0], (), until=[1])
    assert 1 in reached
    assert 3 not in reached
    assert reach(dag.adjacency, [0], ()).nodes == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("text", "starts", "ends", "avoiding", "expected"),
    [
        ("x -> y", "x", "y", "", "x -> y"),
        ("y -> x", "x", "y", "", None),
        ("x -> m -> y", "x", "y", "", "x -> m -> y"),
        ("x -> m -> y", "x", "y", "m", None),
        ("x -> m -> y", "x", "y", "y", None),
        ("x -> a -> y; x -> b -> y", "x", "y", "a", "x -> b -> y"),
        ("x -> a -> b -> y; x -> y", "x", "y", "", "x -> y"),
        ("x -> y -> z", "x y", "y z", "", "x -> y"),
        ("x -> y", "x", "x", "", None),
        ("x <-> y", "x", "y", "", None),
    ],
)
def test_a_directed_path_has_an_arrow_and_avoids_what_it_must(
    text: str, starts: str, ends: str, avoiding: str, expected: str | None
) -> None:
    dag = Dag(text)
    sets = [dag.numbers(names.split()) for names in (starts, ends, avoiding)]
    path = directed_path(dag.adjacency, *sets)
    assert (path and path.text(dag)) == expected


def test_a_witness_does_not_depend_on_the_order_of_the_starts() -> None:
    # Sets of 0, 8 and 16 list them in the order in which they were put in.
    names = [f"v{i:02}" for i in range(20)]
    edges = [(names[i], names[i + 1]) for i in (0, 8, 16)]
    edges += [(names[i + 1], names[19]) for i in (0, 8, 16)]
    graph = Dag(nodes=names, edges=edges).adjacency
    orders = list(permutations((0, 8, 16)))
    assert {open_path(graph, starts, [19], ()) for starts in orders} == {
        Path((0, 1, 19), (True, True))
    }
    assert len({directed_path(graph, starts, [19]) for starts in orders}) == 1
    assert len({reach(graph, starts, ()).path_to(19) for starts in orders}) == 1


# At random


@pytest.mark.parametrize("seeds", SEEDS)
def test_separation_is_that_of_networkx(seeds: range) -> None:
    for dag, graph, (starts, ends, given) in asked(seeds):
        separated = nx.is_d_separator(graph, set(starts), set(ends), set(given))
        found = open_path(dag.adjacency, starts, ends, given)
        assert (found is None) == separated, (dag, starts, ends, given)


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_walk_reaches_exactly_what_is_not_separated(seeds: range) -> None:
    for dag, graph, (starts, _, given) in asked(seeds):
        reached = reach(dag.adjacency, starts, given)
        for node in set(graph) - starts - given:
            separated = nx.is_d_separator(graph, set(starts), {node}, set(given))
            assert (node in reached) != separated, (dag, starts, node, given)
        assert reached.nodes == {node for node in graph if node in reached}


@pytest.mark.parametrize("seeds", SEEDS)
def test_every_witness_is_an_open_path(seeds: range) -> None:
    for dag, graph, (starts, ends, given) in asked(seeds):
        reached = reach(dag.adjacency, starts, given)
        paths = [reached.path_to(node) for node in reached.nodes]
        found = open_path(dag.adjacency, starts, ends, given)
        if found:
            paths.append(found)
            assert found.nodes[-1] in ends
            assert not (starts | ends) & set(found.nodes[1:-1])
        for path in paths:
            assert path.nodes[0] in starts
            assert is_path(graph, path), (dag, path)
            assert is_open(graph, path, given), (dag, path, given)


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_witness_is_as_short_as_an_open_path_can_be(seeds: range) -> None:
    for seed in seeds:
        case = random_case(seed, 4, 8).about("total")
        truth, dag = Definitions(case), case.dag()
        rng = random.Random(seed)
        free = sorted({*case.names} - {*case.exposures, *case.outcomes})
        for _ in range(3):
            given = rng.sample(free, rng.randint(0, len(free)))
            held = dag.numbers(given) | dag.numbers(case.selected)
            open_ones = [p for p in truth.paths(proper=True) if truth.is_open(p, given)]
            found = open_path(
                dag.adjacency, dag.numbers(case.exposures), dag.numbers(case.outcomes), held
            )
            lengths = [len(nodes) for nodes, _ in open_ones]
            assert (found and len(found.nodes)) == min(lengths, default=None), (case, given)


@pytest.mark.parametrize("seeds", SEEDS)
def test_ancestors_and_descendants_are_those_of_networkx(seeds: range) -> None:
    for dag, graph, (starts, ends, avoided) in asked(seeds):
        rest = graph.subgraph(set(graph) - avoided)
        for nodes in (starts, ends):
            below = set(nodes).union(*(nx.descendants(rest, n) for n in nodes))
            above = set(nodes).union(*(nx.ancestors(rest, n) for n in nodes))
            assert descendants(dag.adjacency, nodes, avoided) == below
            assert ancestors(dag.adjacency, nodes, avoided) == above


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_directed_path_is_a_shortest_one(seeds: range) -> None:
    for dag, graph, (starts, ends, avoided) in asked(seeds):
        rest = graph.subgraph(set(graph) - avoided)
        lengths = [
            nx.shortest_path_length(rest, a, b)
            for a in starts
            for b in ends
            if nx.has_path(rest, a, b)
        ]
        found = directed_path(dag.adjacency, starts, ends, avoided)
        assert (found and len(found.forward)) == min(lengths, default=None)
        if found:
            assert found.causal
            assert is_path(graph, found)
            assert found.nodes[0] in starts
            assert found.nodes[-1] in ends


def test_a_chain_of_100_000_variables_is_walked_to_its_end() -> None:
    n = 100_000
    steps = [(i,) for i in range(n - 1)]
    graph = Adjacency(((), *steps), (*((i + 1,) for i in range(n - 1)), ()))
    path = open_path(graph, [0], [n - 1], ())
    assert path is not None
    assert path.causal
    assert len(path.nodes) == n
    assert directed_path(graph, [0], [n - 1]) == path
    assert open_path(graph, [0], [n - 1], [n // 2]) is None
    assert len(ancestors(graph, [n - 1])) == n

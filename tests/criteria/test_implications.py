"""What a drawing says about data: every pair with every set, by networkx, on small graphs all.

A statement is minimal when the set d-separates the pair, beside what is selected, and no part of
it does. That all others follow from a basis is checked by drawing the conclusions: the closure
under the semi-graphoid axioms and composition must be everything that networkx calls separated.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations, islice, pairwise, product

import networkx as nx
import pytest
from hypothesis import given

from causal.criteria import implications as module
from causal.criteria.implications import (
    Implications,
    Independence,
    basis,
    implications,
    independences,
)
from causal.graph.dag import Dag
from tests.oracles import Case, all_graphs, drawn, random_case, renamed, subsets
from tests.strategies import dags

SEEDS = [
    pytest.param(range(150), id="150-graphs"),
    pytest.param(range(150, 3_150), id="3000-graphs", marks=pytest.mark.heavy),
]
Triple = tuple[str, str, frozenset[str]]


def triples(found: Iterable[Independence]) -> set[Triple]:
    return {(one.a, one.b, frozenset(one.given)) for one in found}


def texts(found: Implications) -> list[str]:
    assert found.complete
    return [one.text for one in found.statements]


def about_nothing(text: str, *, latent: str = "", selected: str = "") -> Case:
    return drawn(text, "", "", latent=latent, selected=selected)


class Separations:
    """Every pair and set of observed variables that networkx calls d-separated."""

    def __init__(self, case: Case) -> None:
        graph: nx.DiGraph = nx.DiGraph(case.edges)
        graph.add_nodes_from(case.names)
        for number, ends in enumerate(case.arcs):
            graph.add_edges_from((number, end) for end in ends)
        self.graph = graph
        self.selected = set(case.selected)
        self.observed = [n for n in case.names if n not in case.latent | case.selected]

    def separated(self, a: str, b: str, names: Iterable[str]) -> bool:
        return bool(nx.is_d_separator(self.graph, {a}, {b}, self.selected.union(names)))

    def separable(self, a: str, b: str) -> bool:
        """Whether any set separates: then all observed ancestors do (van der Zander et al.)."""
        ends = {a, b} | self.selected
        above = ends.union(*(nx.ancestors(self.graph, end) for end in ends))
        return self.separated(a, b, above & set(self.observed) - {a, b})

    def everything(self) -> set[Triple]:
        return {
            (a, b, frozenset(names))
            for a, b in combinations(self.observed, 2)
            for names in subsets(set(self.observed) - {a, b})
            if self.separated(a, b, names)
        }

    def minimal(self) -> set[Triple]:
        found: set[Triple] = set()
        for a, b in combinations(self.observed, 2):
            least: list[frozenset[str]] = []
            for names in map(frozenset, subsets(set(self.observed) - {a, b})):  # smallest first
                if not any(part <= names for part in least) and self.separated(a, b, names):
                    least.append(names)
            found |= {(a, b, names) for names in least}
        return found


def marked_graphs(size: int) -> Iterator[Case]:
    """Every graph of *size* nodes, each observed, latent or selected, names dealt at random."""
    rng = random.Random(size)
    for arrows in all_graphs(size):
        for marks in product("ols", repeat=size):
            names = rng.sample("abcdefgh", size)
            yield Case(
                tuple((names[a], names[b]) for a, b in arrows),
                nodes=tuple(names),
                exposures=(),
                outcomes=(),
                latent=frozenset(n for n, mark in zip(names, marks, strict=True) if mark == "l"),
                selected=frozenset(n for n, mark in zip(names, marks, strict=True) if mark == "s"),
            )


def joined_graphs(size: int) -> Iterator[Case]:
    """Every graph of *size* observed nodes with every choice of pairs that share a hidden cause."""
    rng = random.Random(size)
    pairs = list(combinations(range(size), 2))
    for arrows in all_graphs(size):
        for chosen in product((False, True), repeat=len(pairs)):
            names = rng.sample("abcdefgh", size)
            joined = [pair for pair, one in zip(pairs, chosen, strict=True) if one]
            yield Case(
                tuple((names[a], names[b]) for a, b in arrows),
                nodes=tuple(names),
                exposures=(),
                outcomes=(),
                arcs=tuple((names[a], names[b]) for a, b in joined),
            )


def small(size: int) -> Iterator[Case]:
    yield from marked_graphs(size)
    yield from joined_graphs(size)


# Tables


@pytest.mark.parametrize(
    ("text", "latent", "expected"),
    [
        ("a -> b -> c", "", ["a ⊥ c | b"]),
        ("a <- b -> c", "", ["a ⊥ c | b"]),
        ("a -> b <- c", "", ["a ⊥ c"]),
        ("a -> b; a -> c; b -> c", "", []),
        ("a; b", "", ["a ⊥ b"]),
        ("a <-> b", "", []),
        ("x <- a -> m <- b -> y", "a b", ["x ⊥ y"]),
        ("x <- a -> m <- b -> y; x -> y", "a b", []),
        ("x <- u -> y; u -> z", "u", []),
        # A hidden step of a chain leaves its ends joined; what stands before it separates.
        ("a -> b -> u -> c", "u", ["a ⊥ c | b"]),
        # No arrow, and yet no set: b must be held fixed and must not.
        ("a -> b -> c; b <-> c", "", []),
        ("a -> b -> c; a <-> b; b <-> c", "", []),
        # Two sets for one pair, of which no part is enough.
        ("a -> b -> c -> d", "", ["a ⊥ c | b", "a ⊥ d | b", "a ⊥ d | c", "b ⊥ d | c"]),
        (
            "a -> b -> d; a -> c -> d",
            "",
            ["a ⊥ d | b, c", "b ⊥ c | a"],
        ),
    ],
)
def test_what_textbook_drawings_say(text: str, latent: str, expected: list[str]) -> None:
    assert texts(implications(about_nothing(text, latent=latent).dag())) == expected


@pytest.mark.parametrize(
    ("text", "latent", "selected", "expected"),
    [
        ("a -> b -> c -> d", "", "", ["a ⊥ c | b", "a ⊥ d | c", "b ⊥ d | a, c"]),
        ("a -> b <- c", "", "", ["a ⊥ c"]),
        ("a -> b -> d; c -> d", "", "", ["a ⊥ c", "a ⊥ d | b, c", "b ⊥ c | a"]),
        # With something hidden: the set nearest to the effect.
        ("a -> b -> c -> d; u -> a", "u", "", ["a ⊥ c | b", "a ⊥ d | c", "b ⊥ d | c"]),
        ("d -> c -> b -> a; u -> a", "u", "", ["a ⊥ c | b", "a ⊥ d | b", "b ⊥ d | c"]),
        ("a <- u -> b; c -> b; a -> d", "u", "", ["a ⊥ c", "b ⊥ d | a", "c ⊥ d"]),
        # Selection opens what has no arrow.
        ("a -> s <- b; a -> c", "", "s", ["b ⊥ c | a, s [selected]"]),
    ],
)
def test_the_basis_of_textbook_drawings(
    text: str, latent: str, selected: str, expected: list[str]
) -> None:
    assert texts(basis(about_nothing(text, latent=latent, selected=selected).dag())) == expected


@pytest.mark.parametrize(
    ("text", "selected", "expected"),
    [
        ("a -> s -> b", "s", ["a ⊥ b | s [selected]"]),
        ("a -> s <- b", "s", []),
        ("a -> s <- c -> b", "s", ["a ⊥ b | c, s [selected]"]),
        ("a; b; s; t", "s t", ["a ⊥ b | s [selected], t [selected]"]),
    ],
)
def test_what_the_data_are_selected_on_is_said_and_is_none_of_the_pair(
    text: str, selected: str, expected: list[str]
) -> None:
    found = implications(about_nothing(text, selected=selected).dag())
    assert texts(found) == expected
    assert all(one.selected == tuple(selected.split()) for one in found.statements)


def test_names_stand_in_a_statement_as_in_a_path() -> None:
    dag = Dag(edges=[("a, b | c", "x ⊥ y"), ("x ⊥ y", "z\n")], selected=["the end"])
    assert texts(implications(dag)) == [
        '"a, b | c" ⊥ "z\\n" | "x ⊥ y", "the end" [selected]',
    ]


# Every small graph


@pytest.mark.parametrize("size", [2, 3, 4])
def test_all_minimal_independences_of_every_small_graph_are_told(size: int) -> None:
    for case in small(size):
        found = implications(case.dag())
        assert found.complete, case
        assert triples(found.statements) == Separations(case).minimal(), case
        assert len(triples(found.statements)) == len(found.statements), case


def axioms(observed: list[str], known: set[Triple], *, composition: bool = True) -> set[Triple]:
    """All that follows from *known* by the semi-graphoid axioms, and by composition.

    In terms of single variables: from i ⊥ j | K with i ⊥ l | K, j follow i ⊥ l | K and
    i ⊥ j | K, l (the laws of probability); from i ⊥ j | K with i ⊥ l | K follow i ⊥ j | K, l and
    i ⊥ l | K, j (composition).
    """

    def triple(i: str, j: str, given: frozenset[str]) -> Triple:
        return min(i, j), max(i, j), given

    known = set(known)
    while True:
        new: set[Triple] = set()
        for one, two, held in known:
            for i, j in ((one, two), (two, one)):
                for other in set(observed) - {i, j} - held:
                    if triple(i, other, held | {j}) in known:
                        new |= {triple(i, other, held), triple(i, j, held | {other})}
                    if composition and triple(i, other, held) in known:
                        new |= {triple(i, j, held | {other}), triple(i, other, held | {j})}
        if new <= known:
            return known
        known |= new


def follows_from_basis(case: Case) -> int:
    truth, found = Separations(case), basis(case.dag())
    everything = truth.everything()
    assert found.complete, case
    assert triples(found.statements) <= everything, case
    assert len({(one.a, one.b) for one in found.statements}) == len(found.statements), case
    assert axioms(truth.observed, triples(found.statements)) == everything, case
    return len(everything) - len(found.statements)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_from_the_basis_of_every_small_graph_all_else_follows(size: int) -> None:
    for case in small(size):
        follows_from_basis(case)


@pytest.mark.parametrize("seeds", SEEDS)
def test_from_the_basis_of_a_random_graph_all_else_follows(seeds: range) -> None:
    """Hidden and selected variables among them, for which there is no theorem to rely on."""
    concluded = sum(follows_from_basis(random_case(seed, 4, 6)) for seed in seeds)
    assert concluded > 10 * len(seeds)


def test_without_composition_less_would_follow() -> None:
    """Two coins, and whether they agree: independent by twos, but not all three."""
    case = about_nothing("a; b; c")
    known = triples(basis(case.dag()).statements)
    truth = Separations(case)
    assert axioms(truth.observed, known, composition=False) == known < truth.everything()


def test_with_nothing_hidden_the_basis_is_each_pair_without_an_arrow_given_both_parents() -> None:
    for seed in range(200):
        case = replace(random_case(seed, 3, 12, plain=True), arcs=())
        graph = Separations(case).graph
        expected = [
            (a, b, tuple(sorted({*graph.predecessors(a), *graph.predecessors(b)})))
            for a, b in combinations(case.names, 2)
            if not graph.has_edge(a, b) and not graph.has_edge(b, a)
        ]
        found = basis(case.dag()).statements
        assert [(one.a, one.b, one.given) for one in found] == expected, case
        assert all(nx.is_d_separator(graph, {a}, {b}, set(z)) for a, b, z in expected), case


# Random graphs


@pytest.mark.parametrize("seeds", SEEDS)
def test_all_minimal_independences_of_random_graphs_are_told(seeds: range) -> None:
    several = 0
    for seed in seeds:
        case = random_case(seed, 5, 7)
        found = implications(case.dag())
        assert triples(found.statements) == Separations(case).minimal(), case
        several += len(found.statements) > len({(one.a, one.b) for one in found.statements})
    assert several > len(seeds) / 10


@pytest.mark.parametrize("seeds", SEEDS)
def test_independences_of_larger_graphs_agree_with_networkx(seeds: range) -> None:
    for seed in seeds[::3]:
        case = random_case(seed, 10, 25, degree=4.0)
        truth, found = Separations(case), implications(case.dag(), most=500)
        separable = {(a, b) for a, b in combinations(truth.observed, 2) if truth.separable(a, b)}
        assert {(one.a, one.b) for one in found.statements} == separable, case
        assert {(one.a, one.b) for one in basis(case.dag()).statements} == separable, case
        rng = random.Random(seed)
        for one in rng.sample(found.statements, min(60, len(found.statements))):
            assert truth.separated(one.a, one.b, one.given), (case, one)
            # No single name can be left out; then no part can (Tian, Paz & Pearl 1998).
            for name in one.given:
                rest = set(one.given) - {name}
                assert not truth.separated(one.a, one.b, rest), (case, one, name)


@given(dags())
def test_statements_are_of_observed_names_and_in_order(dag: Dag) -> None:
    unfit = dag.latent | dag.selected
    for found in (implications(dag), basis(dag)):
        keys = [(one.a, one.b, len(one.given), one.given) for one in found.statements]
        assert keys == sorted(set(keys))
        for one in found.statements:
            assert one.a < one.b
            assert list(one.given) == sorted(set(one.given) - {one.a, one.b})
            assert unfit.isdisjoint((one.a, one.b, *one.given))
            assert {one.a, one.b, *one.given} <= set(dag.names)
            assert one.text.count("\n") == 0


# Bounds


def forks(count: int) -> Dag:
    """So many paths from x to y with two closing nodes each: 2 to that power of minimal sets."""
    pairs = [(f"a{i:02d}", f"b{i:02d}") for i in range(count)]
    return Dag(edges=[edge for a, b in pairs for edge in ((a, "x"), (a, b), (b, "y"))])


def test_of_exponentially_many_the_first_come_at_once() -> None:
    first = list(islice(independences(forks(40)), 4_000))
    assert len(triples(first)) == 4_000
    assert {(one.a, one.b) for one in first} == {
        (one.a, one.b) for one in basis(forks(40)).statements
    }


def test_every_pair_is_told_before_any_is_told_twice() -> None:
    dag = forks(8)
    pairs = len(basis(dag).statements)
    for most in (0, 1, pairs - 1, pairs, pairs + 3):
        found = implications(dag, most=most)
        told = {(one.a, one.b) for one in found.statements}
        assert len(found.statements) == most
        assert len(told) == min(most, pairs)
        assert not found.complete
        assert set(found.statements) <= set(implications(dag).statements)


def test_pairs_two_arrows_apart_are_told_first() -> None:
    chain = Dag(edges=[(f"v{i}", f"v{i + 1}") for i in range(9)])
    for found in (implications(chain, most=8), basis(chain, most=8)):
        assert [(one.a, one.b) for one in found.statements] == [
            (f"v{i}", f"v{i + 2}") for i in range(8)
        ]
    assert len(basis(chain).statements) == 36


def test_a_list_that_is_just_long_enough_is_complete() -> None:
    dag = about_nothing("a -> b -> c -> d").dag()
    for of, count in ((implications, 4), (basis, 3)):
        assert of(dag, most=count).complete
        assert not of(dag, most=count - 1).complete
        assert of(dag, most=count) == of(dag)


def test_a_search_that_takes_too_long_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    dag = random_case(3, 12, 12, plain=True).dag()
    whole = implications(dag)
    monkeypatch.setattr(module, "MOST_VISITS", 300)
    part = implications(dag)
    assert whole.complete
    assert not part.complete
    assert set(part.statements) < set(whole.statements)


@pytest.mark.parametrize("size", [50_000])
@pytest.mark.parametrize("shape", ["chain", "hidden hub", "hub", "apart", "sink"])
def test_the_largest_graphs_are_not_walked_for_ever(shape: str, size: int) -> None:
    names = [f"v{i:06d}" for i in range(size)]
    edges = {
        "chain": list(pairwise(names)),
        "hidden hub": [("hub", name) for name in names],
        "hub": [("hub", name) for name in names],
        "apart": [],
        "sink": [(name, "hub") for name in names],
    }[shape]
    dag = Dag(nodes=names, edges=edges, latent=["hub"] if shape == "hidden hub" else ())
    for found in (implications(dag), basis(dag)):
        assert not found.complete
        assert bool(found) == (shape != "hidden hub")


def test_a_drawing_with_all_arrows_says_nothing() -> None:
    names = [f"v{i:03d}" for i in range(600)]
    for latent in ([], names[300:301]):
        dag = Dag(edges=combinations(names, 2), latent=latent)
        for found in (implications(dag), basis(dag)):
            assert found == Implications((), complete=True)
            assert not found


# Names and order


def test_results_do_not_depend_on_the_order_of_nodes_and_edges() -> None:
    for seed in range(60):
        case = random_case(seed, 6, 12)
        same = {name: name for name in case.names}
        shuffled = renamed(case, same, random.Random(seed))
        for of in (implications, basis):
            assert of(shuffled.dag()) == of(case.dag()), case


def test_any_renaming_renames_the_statements() -> None:
    for seed in range(60):
        case = random_case(seed, 6, 10)
        dealt = random.Random(seed).sample(case.names, len(case.names))
        new = dict(zip(case.names, dealt, strict=True))
        mine = {
            (frozenset((new[a], new[b])), frozenset(map(new.__getitem__, names)))
            for a, b, names in triples(implications(case.dag()).statements)
        }
        other = triples(implications(renamed(case, new).dag()).statements)
        assert {(frozenset((a, b)), names) for a, b, names in other} == mine, case


def test_what_is_asked_and_adjusted_for_makes_no_difference() -> None:
    for seed in range(40):
        case = random_case(seed, 6, 10)
        dag = case.dag()
        bare = dag.marked(exposures=[], outcomes=[], adjusted=[])
        asked = dag.marked(exposures=case.exposures, outcomes=case.outcomes, adjusted=case.names)
        for of in (implications, basis):
            assert of(bare) == of(asked) == of(dag), case

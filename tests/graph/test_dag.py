"""The drawing as a value: what it holds, what it equals, what it refuses."""

from __future__ import annotations

import copy
import pickle
import random
from dataclasses import FrozenInstanceError, fields
from itertools import pairwise
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CycleError, GraphError, UnknownVariable
from causal.graph.dag import Adjacency, Dag
from tests.graph.notation.looks import drawings
from tests.oracles import random_case
from tests.strategies import parts

MARKS = ("exposures", "outcomes", "latent", "adjusted", "selected")


# What it holds


def test_parts_are_held_sorted_and_once() -> None:
    dag = Dag(
        nodes=["w", "y", "w"],
        edges=[("z", "y"), ("z", "x"), ("z", "y")],
        arcs=[("y", "x"), ("x", "y")],
        exposures=["x", "x"],
    )
    assert dag.names == ("w", "x", "y", "z")
    assert dag.edges == (("z", "x"), ("z", "y"))
    assert dag.arcs == (("x", "y"),)
    assert dag.exposures == {"x"}


@pytest.mark.parametrize(
    "given",
    [
        {"edges": [("a", "b")]},
        {"arcs": [("a", "b")]},
        *({mark: ["a", "b"]} for mark in MARKS),
        {"positions": {"a": (0, 0), "b": (1, 1)}},
    ],
    ids=str,
)
def test_a_name_in_any_part_is_a_variable(given: dict[str, Any]) -> None:
    assert Dag(**given).names == ("a", "b")


@pytest.mark.parametrize("part", ["nodes", *MARKS])
def test_a_string_for_a_list_of_names_is_one_name(part: str) -> None:
    dag = Dag(**{"nodes": "age", part: "age"})
    assert dag == Dag(**{"nodes": ["age"], part: ["age"]})
    if part != "nodes":
        assert Dag(nodes=["age"]).marked(**{part: "age"}) == dag


def test_edges_and_positions_may_be_lists_as_they_come_from_json() -> None:
    given: dict[str, Any] = {
        "edges": [["a", "b"]],
        "arcs": [["b", "a"]],
        "positions": {"a": [0, 1]},
        "box": [0, 1, 2, 3],
    }
    dag = Dag(**given)
    assert dag == Dag(
        edges=[("a", "b")], arcs=[("a", "b")], positions={"a": (0.0, 1.0)}, box=(0.0, 1.0, 2.0, 3.0)
    )
    assert len({dag}) == 1


def test_variables_are_numbered_in_the_order_of_their_names() -> None:
    dag = Dag("c -> a -> b; b <-> c")
    assert [dag.number(name) for name in "abc"] == [0, 1, 2]
    assert dag.numbers("ca") == {0, 2}
    assert dag.named([2, 0]) == ("a", "c")
    assert dag.adjacency.parents[:3] == ((2,), (0, 3), (3,))
    assert dag.adjacency.children[:3] == ((1,), (), (0,))


def test_a_bidirected_edge_is_one_hidden_cause_of_its_ends() -> None:
    dag = Dag("x -> y; x <-> y; u [latent]")
    assert dag.size == len(dag.names) + 1
    assert dag.adjacency.parents[3] == ()
    assert dag.adjacency.children[3] == (1, 2)
    assert dag.hidden == {dag.number("u"), 3}
    assert dag.named(range(dag.size)) == dag.names


def test_adjacency_says_the_same_as_the_edges() -> None:
    for seed in range(100):
        dag = random_case(seed, 3, 12).dag()
        hidden = [
            (number, dag.number(end))
            for number, ends in enumerate(dag.arcs, start=len(dag.names))
            for end in ends
        ]
        expected = {(dag.number(a), dag.number(b)) for a, b in dag.edges}.union(hidden)
        graph = dag.adjacency
        assert {(p, n) for n in range(dag.size) for p in graph.parents[n]} == expected
        assert {(n, c) for n in range(dag.size) for c in graph.children[n]} == expected


def test_edges_taken_out_are_gone_from_both_sides_and_from_the_copy_only() -> None:
    graph = Dag("a -> b -> c; a -> c").adjacency
    less = graph.without([(0, 2), (1, 2)])
    assert [*less.children] == [(1,), (), ()]
    assert [*less.parents] == [(), (0,), ()]
    assert graph == Adjacency(((), (0,), (0, 1)), ((1, 2), (2,), ()))
    assert [*graph.without([]).parents] == [*graph.parents]


# How it looks


def test_bends_and_texts_are_kept_by_edge_name_or_for_the_whole() -> None:
    dag = Dag(
        edges=[("x", "y")],
        arcs=[("y", "x")],
        bends={("y", "<->", "x"): (1, 2), ("x", "->", "y"): (3, 4)},
        box=(0, 0, 1, 1),
        title="a drawing",
        attributes={
            ("x", "->", "y"): {"beta": ".5", "alpha": "1"},
            "z": {"label": "Z"},
            "": {"author": "me"},
            "x": {},
        },
    )
    assert dag.names == ("x", "y", "z")
    assert dict(dag.bends) == {("x", "->", "y"): (3.0, 4.0), ("x", "<->", "y"): (1.0, 2.0)}
    assert (dag.box, dag.title) == ((0.0, 0.0, 1.0, 1.0), "a drawing")
    assert [*dag.attributes] == ["", "z", ("x", "->", "y")]
    assert dict(dag.attributes["x", "->", "y"]) == {"alpha": "1", "beta": ".5"}
    assert dag.marked(latent=["z"]).attributes == dag.attributes
    with pytest.raises(TypeError):
        dag.attributes["z"]["label"] = "z"  # type: ignore[index]  # that is the point
    with pytest.raises(TypeError):
        dag.bends["x", "->", "y"] = (0, 0)  # type: ignore[index]  # likewise


def test_how_a_dag_looks_changes_no_answer() -> None:
    plain = Dag("x <- z -> y; x -> y")
    styled = Dag(**{**plain.parts(), "title": "t", "attributes": {("z", "->", "x"): {"beta": "0"}}})
    assert styled != plain
    assert styled.adjacency == plain.adjacency
    assert styled.question("x", "y").adjustment.adjust_for == ("z",)


# A value


def shuffled(given: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The same parts in another order; bidirected edges the other way round too."""

    def mixed(values: list[Any]) -> list[Any]:
        return rng.sample(values, len(values))

    new: dict[str, Any] = {part: mixed(list(values)) for part, values in given.items()}
    new["arcs"] = [rng.choice([(a, b), (b, a)]) for a, b in new["arcs"]]
    new["positions"] = {name: given["positions"][name] for name in new["positions"]}
    return new


@given(parts(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_the_order_in_which_parts_are_given_says_nothing(
    given: dict[str, Any], rng: random.Random
) -> None:
    one, other = Dag(**given), Dag(**shuffled(given, rng))
    assert one == other
    assert hash(one) == hash(other)
    assert one.adjacency == other.adjacency
    assert one.to_dagitty() == other.to_dagitty()
    assert one.to_dot() == other.to_dot()
    assert repr(one) == repr(other)
    assert list(one.to_networkx().edges) == list(other.to_networkx().edges)


@given(drawings())
@settings(deadline=None, max_examples=50)
def test_a_dag_survives_pickling_and_copying(dag: Dag) -> None:
    for again in (
        pickle.loads(pickle.dumps(dag)),
        pickle.loads(pickle.dumps(dag, protocol=2)),
        copy.copy(dag),
        copy.deepcopy(dag),
        Dag(**dag.parts()),
        dag.marked(),
    ):
        assert again == dag
        assert hash(again) == hash(dag)
        assert again.adjacency == dag.adjacency
        assert again.parts() == dag.parts()


WHOLE: dict[str, Any] = {
    "nodes": ["a", "b", "c"],
    "edges": [("a", "b")],
    "arcs": [("a", "c")],
    "exposures": ["a"],
    "outcomes": ["b"],
    "latent": ["c"],
    "adjusted": ["b"],
    "selected": ["c"],
    "positions": {"a": (0.0, 1.0)},
    "bends": {("a", "->", "b"): (0.0, 1.0)},
    "box": (0.0, 0.0, 1.0, 1.0),
    "title": "whole",
    "attributes": {"a": {"label": "A"}},
}


@pytest.mark.parametrize(
    "change",
    [
        {"nodes": ["a", "b", "c", "d"]},
        {"edges": [("b", "a")], "bends": {}},
        {"arcs": [("b", "c")]},
        *({mark: []} for mark in MARKS),
        {"positions": {"a": (1.0, 0.0)}},
        {"positions": {}},
        {"bends": {("a", "->", "b"): (1.0, 0.0)}},
        {"bends": {}},
        {"box": None},
        {"title": ""},
        {"attributes": {"a": {"label": "B"}}},
        {"attributes": {("a", "->", "b"): {"label": "A"}}},
        {"attributes": {}},
    ],
    ids=str,
)
def test_dags_differ_when_any_part_does(change: dict[str, Any]) -> None:
    assert Dag(**WHOLE) == Dag(**WHOLE)
    assert Dag(**{**WHOLE, **change}) != Dag(**WHOLE)


def test_a_dag_equals_no_other_thing() -> None:
    assert Dag("x -> y") != "x -> y"
    assert Dag("x -> y") != Dag("x -> y").to_networkx()
    assert len({Dag("x -> y"), Dag("y <- x"), Dag("y -> x")}) == 2


def test_nothing_in_a_dag_can_be_changed() -> None:
    edges = [("a", "b")]
    places = {"a": (0.0, 1.0)}
    dag = Dag(edges=edges, positions=places)
    for field in fields(dag):
        with pytest.raises(FrozenInstanceError):
            setattr(dag, field.name, ())
    with pytest.raises(TypeError):
        dag.positions["a"] = (1.0, 1.0)  # type: ignore[index]  # that is the point
    dag.parts()["positions"]["a"] = (1.0, 1.0)
    edges.append(("b", "c"))
    places["b"] = (2.0, 2.0)
    assert dag == Dag(edges=[("a", "b")], positions={"a": (0.0, 1.0)})


@pytest.mark.parametrize("text", ["x -> y", "{}", '"a\\"b" [latent]; x <- "c d" <-> "dag"'])
def test_repr_of_a_small_dag_makes_it_again(text: str) -> None:
    dag = Dag(text)
    assert eval(repr(dag), {"Dag": Dag}) == dag


def test_repr_of_a_large_dag_is_short() -> None:
    dag = Dag(nodes=map(str, range(1000)))
    assert repr(dag) == "<Dag of 1000 variables>"


def test_an_empty_dag_is_a_dag() -> None:
    assert Dag() == Dag("{}") == Dag(Dag().to_dagitty()) == Dag(Dag().to_dot())
    assert (Dag().names, Dag().size) == ((), 0)


# Other marks


def test_new_marks_take_the_place_of_the_old_and_leave_the_rest() -> None:
    dag = Dag("x [e, pos='1,2'] y [o] u [l] x -> y <- u".replace("'", '"'))
    new = dag.marked(exposures=["u"], latent=[])
    assert (new.exposures, new.outcomes, new.latent) == ({"u"}, {"y"}, frozenset())
    assert (new.edges, new.positions) == (dag.edges, dag.positions)
    assert dag.exposures == {"x"}


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_on_an_unknown_variable_is_refused(mark: str) -> None:
    with pytest.raises(UnknownVariable, match="Did you mean 'income'"):
        Dag("income -> y").marked(**{mark: ["incom"]})


# Refusals

NEAR = {
    "agee": "The DAG has no variable 'agee'. Did you mean 'age'?",
    "AGE": "The DAG has no variable 'AGE'. Did you mean 'age'?",
    " age": "The DAG has no variable ' age'. Did you mean 'age'?",
    "blood_presure": "The DAG has no variable 'blood_presure'. Did you mean 'blood_pressure'?",
    "q": "The DAG has no variable 'q'. There is 'age', 'blood_pressure', 'y'.",
    "a\n\x1b[2J": "The DAG has no variable 'a\\n\\x1b[2J'. There is 'age', 'blood_pressure', 'y'.",
}


@pytest.mark.parametrize("name", NEAR)
def test_an_unknown_variable_is_told_with_the_one_that_is_near(name: str) -> None:
    with pytest.raises(UnknownVariable) as caught:
        Dag("age -> blood_pressure -> y").number(name)
    assert str(caught.value) == NEAR[name]


def test_an_unknown_variable_among_very_many_or_of_any_length_is_told_briefly() -> None:
    dag = Dag(nodes=[f"variable number {i}" for i in range(20_000)])
    for name in ("variable number 3 ", "x" * 10_000):
        with pytest.raises(UnknownVariable) as caught:
            dag.number(name)
        assert len(str(caught.value)) < 500


CYCLES = {
    "x -> x": "x -> x",
    "x -> y -> x": "x -> y -> x",
    "c -> a -> b -> c": "a -> b -> c -> a",
    "s -> b -> c -> a -> b; c -> t": "a -> b -> c -> a",
    '"a b" -> x -> "a b"': "a b -> x -> a b",
    "x -> y -> x; y <-> z": "x -> y -> x",
    '"\x1b" -> x -> "\x1b"': "\\x1b -> x -> \\x1b",
}


@pytest.mark.parametrize("text", CYCLES)
def test_a_cycle_is_told_by_its_arrows(text: str) -> None:
    with pytest.raises(CycleError) as caught:
        Dag(text)
    assert f": {CYCLES[text]}. A DAG has no cycles" in str(caught.value)


def test_a_long_cycle_is_told_by_its_ends() -> None:
    names = [f"v{i:05}" for i in range(10_000)]
    with pytest.raises(CycleError, match=r"v00000 -> v00001 .* … .* v09999 -> v00000") as caught:
        Dag(edges=zip(names, [*names[1:], names[0]], strict=True))
    assert len(str(caught.value)) < 500
    with pytest.raises(CycleError) as caught:
        Dag(edges=[("a" * 10_000, "b"), ("b", "a" * 10_000)])
    assert len(str(caught.value)) < 1_000


def test_a_variable_joined_to_itself_is_refused() -> None:
    with pytest.raises(CycleError, match="'x' is joined to itself by <->"):
        Dag("x <-> x")


def test_a_graph_is_refused_exactly_when_it_has_a_cycle_and_that_one_is_told() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        names = "abcdefgh"[: rng.randint(2, 8)]
        pairs = [(*rng.sample(names, 2),) for _ in range(rng.randint(1, 10))]
        graph = nx.DiGraph(pairs)
        if nx.is_directed_acyclic_graph(graph):
            assert nx.utils.graphs_equal(Dag(edges=pairs).to_networkx(), graph)
            continue
        messages = set()
        for _ in range(3):
            rng.shuffle(pairs)
            with pytest.raises(CycleError) as caught:
                Dag(edges=pairs)
            messages.add(str(caught.value))
        (message,) = messages  # whatever the order of the edges
        circle = message.split(": ")[1].split(".")[0].split(" -> ")
        assert circle[0] == circle[-1]
        assert len(set(circle)) == len(circle) - 1
        assert all(graph.has_edge(a, b) for a, b in pairwise(circle))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nodes": [""]}, "empty name"),
        ({"edges": [("x", "")]}, "empty name"),
        ({"positions": {"": (0, 0)}}, "empty name"),
        ({"nodes": [1]}, "A variable is called 1, but a name is text: '1'"),
        ({"edges": [("1", 1)]}, "a name is text"),
        ({"arcs": [("x", None)]}, "a name is text"),
        ({"latent": [2.5]}, "a name is text"),
        ({"positions": {"x": (float("nan"), 0)}}, "position of 'x' is not two numbers"),
        ({"positions": {"x": (0, float("inf"))}}, "position of 'x' is not two numbers"),
        ({"positions": {"x": (0, 1, 2)}}, "position of 'x' is not two numbers"),
        ({"positions": {"x": None}}, "position of 'x' is not two numbers"),
        ({"positions": {"x": ("left", 0)}}, "position of 'x' is not two numbers"),
        ({"positions": {"x": (10**400, 0)}}, "position of 'x' is not two numbers"),
        ({"box": (0, 0, 1)}, "box of a DAG is four numbers"),
        ({"box": (0, 0, 1, float("nan"))}, "box of a DAG is four numbers"),
        ({"title": 3}, "title of a DAG is text, not 3"),
        ({"bends": {("x", "->", "y"): (0, 0)}}, "no edge 'x -> y' to bend"),
        ({"edges": [("x", "y")], "bends": {("y", "->", "x"): (0, 0)}}, "no edge 'y -> x'"),
        ({"edges": [("x", "y")], "bends": {("x", "<->", "y"): (0, 0)}}, "no edge 'x <-> y'"),
        ({"edges": [("x", "y")], "bends": {("x", "y"): (0, 0)}}, "no edge 'x y'"),
        ({"edges": [("x", "y")], "bends": {("x", "->", "y"): None}}, "of 'x -> y' is not two"),
        ({"attributes": {("x", "->", "y"): {"a": "b"}}}, "no edge 'x -> y'"),
        ({"attributes": {3: {"a": "b"}}}, "no edge '3'"),
        ({"attributes": {"x": {"a": 1}}}, "a key and a text, not 'a': 1"),
        ({"attributes": {"x": {"": "a"}}}, "a key and a text"),
        ({"attributes": {"x": {"latent": "1"}}}, "'latent' has a meaning of its own"),
        ({"attributes": {"x": {"pos": "1,2"}}}, "'pos' has a meaning of its own"),
        ({"attributes": {"": {"bb": "0"}}}, "'bb' has a meaning of its own"),
        (
            {"edges": [("x", "y")], "attributes": {("x", "->", "y"): {"dir": "both"}}},
            "'dir' has a meaning of its own",
        ),
        ({"source": 3}, "Cannot read a DAG from a int"),
        ({"source": b"x -> y"}, "Cannot read a DAG from a bytes"),
        ({"source": [("x", "y")]}, "Cannot read a DAG from a list"),
    ],
    ids=str,
)
def test_what_is_no_drawing_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        Dag(**given)


@pytest.mark.parametrize(
    "beside",
    [
        {"nodes": ["a"]},
        {"edges": [("x", "z")]},
        {"latent": ["x"]},
        {"positions": {"x": (0, 0)}},
        {"bends": {("x", "->", "y"): (0, 0)}},
        {"box": (0, 0, 1, 1)},
        {"title": "t"},
        {"attributes": {"x": {"a": "b"}}},
    ],
    ids=str,
)
def test_parts_beside_a_text_are_refused_and_not_dropped(beside: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match="not both"):
        Dag("x -> y", **beside)

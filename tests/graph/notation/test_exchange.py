"""networkx graphs in and out."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest

from causal.errors import CycleError, GraphError
from causal.graph.dag import Dag


def graph(edges: list[tuple[Any, Any]], **nodes: dict[str, Any]) -> nx.DiGraph[Any]:
    made: nx.DiGraph[Any] = nx.DiGraph(edges)
    made.add_nodes_from(nodes.items())
    return made


READ: list[tuple[nx.DiGraph[Any], dict[str, Any]]] = [
    (nx.DiGraph(), {}),
    (graph([("x", "y")]), {"edges": [("x", "y")]}),
    (graph([(1, 2)]), {"edges": [("1", "2")]}),
    (graph([(("a", 1), True)]), {"edges": [("('a', 1)", "True")]}),
    (graph([], x={"exposure": True}, y={"outcome": 1}), {"exposures": ["x"], "outcomes": ["y"]}),
    (graph([], x={"latent": "yes"}, y={"latent": np.True_}), {"latent": ["x", "y"]}),
    (graph([], x={"adjusted": True}, y={"selected": True}), {"adjusted": "x", "selected": "y"}),
    (graph([], x={"latent": False, "exposure": None, "outcome": 0}), {"nodes": ["x"]}),
    (
        graph([], x={"pos": (1, 2)}, y={"pos": np.array([3, 4])}),
        {"positions": {"x": (1, 2), "y": (3, 4)}},
    ),
    (graph([], x={"pos": "1,2!"}, y={"pos": None}), {"nodes": ["y"], "positions": {"x": (1, 2)}}),
    (
        graph([], x={"color": "red", "e": 1, "weight": 2, "size": [1, 2], "shape": None}),
        {"nodes": ["x"], "attributes": {"x": {"color": "red", "weight": "2"}}},
    ),
    # A node with arc=True is the bidirected edge between its two children; else a node.
    (graph([("u", "x"), ("u", "y")], u={"arc": True, "latent": True}), {"arcs": [("x", "y")]}),
    (graph([("u", "x")], u={"arc": True}), {"edges": [("u", "x")]}),
    (
        graph([("u", "x"), ("u", "y"), ("w", "u")], u={"arc": True, "latent": True}),
        {"edges": [("u", "x"), ("u", "y"), ("w", "u")], "latent": ["u"]},
    ),
    (
        graph([("u", "x"), ("u", "y")], u={"arc": "1"}),
        {"edges": [("u", "x"), ("u", "y")], "attributes": {"u": {"arc": "1"}}},
    ),
    (
        nx.DiGraph([("x", "y", {"weight": 0.5, "pos": "1,2"})], name="G", bb="0,0,1,1"),
        {
            "edges": [("x", "y")],
            "title": "G",
            "box": (0, 0, 1, 1),
            "bends": {("x", "->", "y"): (1, 2)},
            "attributes": {("x", "->", "y"): {"weight": "0.5"}},
        },
    ),
]


@pytest.mark.parametrize(("source", "expected"), READ, ids=range(len(READ)))
def test_a_networkx_graph_is_read_with_its_marks(
    source: nx.DiGraph[Any], expected: dict[str, Any]
) -> None:
    assert Dag(source) == Dag(**expected)


def test_views_subclasses_and_frozen_graphs_are_read_too() -> None:
    class Mine(nx.DiGraph):
        pass

    whole = graph([("x", "y"), ("y", "z")])
    assert Dag(Mine(whole)) == Dag("x -> y -> z")
    assert Dag(nx.freeze(whole)) == Dag("x -> y -> z")
    assert Dag(whole.subgraph(["x", "y"])) == Dag("x -> y")
    assert Dag(whole.reverse(copy=False)) == Dag("x <- y <- z")


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "no directions": (lambda: nx.Graph([("x", "y")]), "no directions"),
    "parallel edges": (lambda: nx.MultiDiGraph([("x", "y")]), "parallel edges"),
    "one text twice": (lambda: graph([(1, "1")]), "1 and '1', are both written '1'"),
    "no text": (lambda: graph([("", "y")]), "empty name"),
    "half a mark": (lambda: graph([], x={"latent": "maybe"}), "latent='maybe'"),
    "no place": (lambda: graph([], x={"pos": "left"}), "position of 'x' is not two numbers"),
    "one number": (lambda: graph([], x={"pos": 3}), "position of 'x' is not two numbers"),
    "no number": (lambda: graph([], x={"pos": (0, float("nan"))}), "not two numbers"),
    "a part of a graph": (lambda: nx.DiGraph().nodes, "Cannot read a DAG from a NodeView"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_dag_is_refused_with_the_reason(what: str) -> None:
    make, message = REFUSED[what]
    with pytest.raises(GraphError, match=message):
        Dag(make())


def test_a_cycle_in_a_networkx_graph_is_told() -> None:
    with pytest.raises(CycleError, match="1 -> 2 -> 1"):
        Dag(graph([(1, 2), (2, 1)]))


def test_a_networkx_graph_carries_marks_places_and_hidden_causes() -> None:
    made = Dag('x [e, pos="1,2"] y [o] u [l]; u -> x -> y; x <-> y').to_networkx()
    assert dict(made.nodes(data=True)) == {
        "u": {"latent": True},
        "x": {"exposure": True, "pos": (1.0, 2.0)},
        "y": {"outcome": True},
        "x <-> y": {"latent": True, "arc": True},
    }
    assert set(made.edges) == {("u", "x"), ("x", "y"), ("x <-> y", "x"), ("x <-> y", "y")}
    assert nx.is_directed_acyclic_graph(made)
    assert Dag(pickle.loads(pickle.dumps(made))) == Dag(made)


def test_hidden_causes_take_no_name_that_a_variable_has() -> None:
    dag = Dag(
        nodes=["a <-> b", "a <-> b *"],
        arcs=[("a", "b"), ("a", "b <-> c"), ("a <-> b", "c")],
    )
    assert len(dag.to_networkx()) == dag.size
    assert Dag(dag.to_networkx()) == dag


def test_reading_a_dag_imports_no_networkx() -> None:
    code = (
        "import sys; from causal.graph.dag import Dag; Dag(Dag('x <- z -> y').to_dot());"
        "sys.exit(bool({'networkx', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""What one notation writes is read back as the very same drawing, whatever the names."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError
from causal.graph.dag import Dag
from causal.graph.notation import load, read_file
from tests.oracles import random_case
from tests.strategies import HOSTILE, dags, names

WRITERS: dict[str, Callable[[Dag], Any]] = {
    "dagitty": Dag.to_dagitty,
    "dot": Dag.to_dot,
    "networkx": Dag.to_networkx,
}


def unplaced(dag: Dag) -> Dag:
    return Dag(**{**dag.parts(), "positions": {}})


@pytest.mark.parametrize("notation", WRITERS)
@given(dags())
@settings(deadline=None, max_examples=60)
def test_nothing_is_lost(notation: str, dag: Dag) -> None:
    again = Dag(WRITERS[notation](dag))
    assert again == dag
    assert again.positions == dag.positions


@given(dags())
@settings(deadline=None, max_examples=60)
def test_arrows_lose_positions_only(dag: Dag) -> None:
    assert Dag(dag.to_arrows()) == unplaced(dag)


@pytest.mark.parametrize("notation", WRITERS)
@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:20])
def test_a_variable_of_any_name_may_stand_anywhere(name: str, notation: str) -> None:
    for dag in (
        Dag(nodes=[name]),
        Dag(nodes=[name], exposures=[name], positions={name: (0.1, -2)}),
        Dag(edges=[(name, "m1"), ("m1", "m2"), ("m0", name)], arcs=[("m1", name)], latent=[name]),
    ):
        assert Dag(WRITERS[notation](dag)) == dag
        assert Dag(dag.to_arrows()) == unplaced(dag)


def test_all_hostile_names_live_in_one_dag() -> None:
    dag = Dag(edges=[(a, b) for i, a in enumerate(HOSTILE) for b in HOSTILE[i + 1 :: 7]])
    assert len(dag.names) == len(set(HOSTILE))
    for write in WRITERS.values():
        assert Dag(write(dag)) == dag
    assert Dag(dag.to_arrows()) == dag


@pytest.mark.parametrize("write", [Dag.to_dagitty, Dag.to_dot, Dag.to_arrows])
def test_nothing_is_lost_on_the_way_through_a_file(
    write: Callable[[Dag], str], tmp_path: Path
) -> None:
    plain = [name for name in HOSTILE if name not in {"\0", "\ud800"}]
    dag = Dag(edges=pairwise(plain), latent=plain[::3])
    path = tmp_path / "a file"
    path.write_bytes(write(dag).encode("utf-8"))
    assert read_file(path) == dag
    assert load(str(path)) == dag


def comes_back(text: str) -> None:
    """*text* is refused with a message for the user, or is a drawing that survives writing."""
    try:
        dag = Dag(text)
    except CausalError:
        return
    assert Dag(dag.to_dagitty()) == Dag(dag.to_dot()) == dag


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_dag_that_comes_back_or_an_error_for_the_user(text: str) -> None:
    comes_back(text)


PIECES = (
    *("x", "y", '"a b"', "1", "-1", "node", "edge", "graph", "subgraph", "dag", "digraph"),
    *("->", "<-", "<->", "--", "{", "}", "[", "]", "[e]", "[pos=", '"1,2"', "dir=both", "="),
    *(",", ";", ":", "#", "//", "/*", "*/", '"', "\\", "<", ">", "+", "=<b>", "strict", " ", "\n"),
)


@given(st.sampled_from(["", "dag {", "digraph {"]), st.lists(st.sampled_from(PIECES), max_size=12))
@settings(deadline=None, max_examples=300)
def test_so_is_any_text_made_of_the_notations_own_pieces(head: str, pieces: list[str]) -> None:
    comes_back(" ".join([head, *pieces]))
    comes_back("".join([head, *pieces, "}" if head else ""]))


@given(names(), names())
@settings(deadline=None, max_examples=60)
def test_names_that_differ_in_any_way_are_two_variables(one: str, other: str) -> None:
    dag = Dag(nodes=[one, other])
    assert len(dag.names) == len({one, other})
    assert Dag(dag.to_dagitty()).names == dag.names


def test_the_order_of_statements_says_nothing() -> None:
    for seed in range(50):
        dag = random_case(seed, 4, 12).dag()
        lines = dag.to_dagitty().splitlines()[1:-1]
        random.Random(seed).shuffle(lines)
        again = Dag("\n".join(["dag {", *lines, "}"]))
        assert again == dag
        assert again.adjacency == dag.adjacency
        graph = dag.to_networkx()
        backwards: nx.DiGraph[Any] = nx.DiGraph()
        backwards.add_nodes_from(reversed(list(graph.nodes(data=True))))
        backwards.add_edges_from(reversed(list(graph.edges)))
        assert Dag(backwards) == dag


@pytest.mark.parametrize("notation", ["arrows", "dagitty", "dot"])
def test_a_file_of_100_000_arrows_is_read(notation: str) -> None:
    arrows = [(f"v{i % 317}", f"w{i // 317}") for i in range(100_000)]
    body = "\n".join(f"{a} -> {b};" for a, b in arrows)
    head = {"arrows": "{", "dagitty": "dag {", "dot": "digraph {"}[notation]
    assert len(Dag(f"{head}\n{body}\n}}").edges) == 100_000

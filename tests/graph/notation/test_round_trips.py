"""What one notation writes is read back as the very same drawing, whatever the names."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import CausalError, GraphError
from causal.graph.dag import Dag
from causal.graph.notation import load, read_file
from tests.graph.notation.looks import TEXTS, bare, drawings, less
from tests.oracles import random_case
from tests.strategies import HOSTILE, names

WRITERS: dict[str, Callable[[Dag], Any]] = {
    "dagitty": Dag.to_dagitty,
    "dot": Dag.to_dot,
    "networkx": Dag.to_networkx,
    "json": Dag.to_json,
}
# XML 1.0, production 2.
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What GML can spell.
GML_KEYS = {"label", "beta", "color", "Unit", "graph", "weight", "arc", "id", "node"}


@pytest.mark.parametrize("notation", WRITERS)
@given(drawings())
@settings(deadline=None, max_examples=100)
def test_nothing_is_lost(notation: str, dag: Dag) -> None:
    again = Dag(WRITERS[notation](dag))
    assert again.parts() == dag.parts()
    assert again == dag


@given(drawings())
@settings(deadline=None, max_examples=100)
def test_arrows_lose_only_how_it_looks(dag: Dag) -> None:
    assert Dag(dag.to_arrows()) == bare(dag)


@given(drawings())
@settings(deadline=None, max_examples=100)
def test_gml_loses_only_labels_of_variables_and_keys_it_cannot_spell(dag: Dag) -> None:
    def kept(subject: Any, key: str) -> bool:
        taken = {"label", "id"} if is_labelled(subject) else {"node"} if subject == "" else set()
        return key in GML_KEYS - taken

    assert Dag(dag.to_gml()) == less(dag, kept)


@given(drawings())
@settings(deadline=None, max_examples=100)
def test_graphml_loses_only_labels_of_variables_or_refuses_what_xml_cannot_hold(dag: Dag) -> None:
    said = [text for texts in dag.attributes.values() for pair in texts.items() for text in pair]
    if any(map(NOT_IN_XML.search, [*dag.names, *said, dag.title])):
        if not any(map(NOT_IN_XML.search, [*dag.names, dag.title])):
            return  # it may stand in a label, which is left out
        with pytest.raises(GraphError, match="XML has no character"):
            dag.to_graphml()
        return
    expected = less(dag, lambda subject, key: not (key == "label" and is_labelled(subject)))
    assert Dag(dag.to_graphml()) == expected


def is_labelled(subject: Any) -> bool:
    """Variables and hidden causes stand there as nodes, whose label is their name."""
    return subject != "" and (isinstance(subject, str) or subject[1] == "<->")


@given(drawings())
@settings(deadline=None, max_examples=100)
def test_a_table_of_edges_keeps_variables_and_edges(dag: Dag) -> None:
    assert Dag(dag.to_csv()) == Dag(nodes=dag.names, edges=dag.edges, arcs=dag.arcs)


@given(drawings(st.from_regex(r"[A-Za-zäñ.][A-Za-z._éΩ0-9]{0,4}x", fullmatch=True)))
@settings(deadline=None, max_examples=100)
def test_lavaan_keeps_variables_edges_and_what_is_latent(dag: Dag) -> None:
    if any(name[0] == "." and name[1].isdigit() for name in dag.names) or not dag.names:
        with pytest.raises(GraphError, match="lavaan"):
            dag.to_lavaan()
        return
    expected = Dag(nodes=dag.names, edges=dag.edges, arcs=dag.arcs, latent=dag.latent)
    assert Dag(dag.to_lavaan()) == expected
    assert Dag(dag.to_lavaan()).to_lavaan() == dag.to_lavaan()


@pytest.mark.parametrize("notation", WRITERS)
@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:20])
def test_a_variable_of_any_name_may_stand_anywhere(name: str, notation: str) -> None:
    for dag in (
        Dag(nodes=[name]),
        Dag(nodes=[name], exposures=[name], positions={name: (0.1, -2)}),
        Dag(edges=[(name, "m1"), ("m1", "m2"), ("m0", name)], arcs=[("m1", name)], latent=[name]),
    ):
        assert Dag(WRITERS[notation](dag)) == dag
        assert Dag(dag.to_arrows()) == bare(dag)


@pytest.mark.parametrize("name", TEXTS, ids=lambda name: ascii(name)[:20])
def test_a_name_of_any_kind_is_the_same_name_or_refused_in_every_language(name: str) -> None:
    dag = Dag(edges=[(name, "m1"), ("m1", "m2")], arcs=[(name, "m2")])
    for write in (*WRITERS.values(), Dag.to_arrows, Dag.to_csv, Dag.to_gml):
        assert Dag(write(dag)) == dag
    for write in (Dag.to_graphml, Dag.to_lavaan):
        text = ""
        with suppress(GraphError):
            text = write(dag)
        assert not text or Dag(text) == dag


def test_all_hostile_names_live_in_one_dag() -> None:
    dag = Dag(edges=[(a, b) for i, a in enumerate(HOSTILE) for b in HOSTILE[i + 1 :: 7]])
    assert len(dag.names) == len(set(HOSTILE))
    for write in WRITERS.values():
        assert Dag(write(dag)) == dag
    assert Dag(dag.to_arrows()) == dag


@pytest.mark.parametrize(
    "write",
    [Dag.to_dagitty, Dag.to_dot, Dag.to_arrows, Dag.to_json, Dag.to_gml],
    ids=lambda write: write.__name__,
)
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
    assert Dag(dag.to_dagitty()) == Dag(dag.to_json()) == dag


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
        rows = dag.to_csv().splitlines()
        random.Random(seed).shuffle(lines)
        again = Dag("\n".join(["dag {", *lines, "}"]))
        assert again == dag
        assert again.adjacency == dag.adjacency
        random.Random(seed).shuffle(body := rows[1:])
        assert Dag("\n".join([rows[0], *body])).to_csv() == dag.to_csv()
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

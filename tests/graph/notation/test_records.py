"""JSON: our own records, and those of networkx."""

from __future__ import annotations

import json
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings

from causal.errors import GraphError, NotationError
from causal.graph.dag import Dag
from causal.graph.notation import read
from tests.graph.notation.looks import drawings, less
from tests.graph.notation.test_arrows import pairs

NODE = {"name": "x"}
LINKED = {"nodes": [{"id": 1}, {"id": "y"}], "links": [{"source": 1, "target": "y"}]}
READ: list[tuple[Any, dict[str, Any]]] = [
    ({"nodes": [], "edges": []}, {}),
    ({"edges": [], "nodes": [NODE]}, {"nodes": ["x"]}),
    ({"nodes": [], "edges": [{"from": "x", "to": "y"}]}, {"edges": pairs("xy")}),
    ({"nodes": [], "edges": [{"from": "y", "to": "x", "type": "<->"}]}, {"arcs": pairs("xy")}),
    (
        {
            "title": "t",
            "box": [0, 0, 1, 1],
            "attributes": {"a": "b"},
            "nodes": [{**NODE, "marks": ["latent", "exposure"], "position": [1, 2]}],
            "edges": [{"from": "x", "to": "y", "bend": [3, 4], "attributes": {"beta": ".5"}}],
        },
        {
            "edges": pairs("xy"),
            "latent": ["x"],
            "exposures": ["x"],
            "positions": {"x": (1, 2)},
            "bends": {("x", "->", "y"): (3, 4)},
            "box": (0, 0, 1, 1),
            "title": "t",
            "attributes": {"": {"a": "b"}, ("x", "->", "y"): {"beta": ".5"}},
        },
    ),
    # networkx's
    (LINKED, {"edges": [("1", "y")]}),
    (
        {**LINKED, "directed": True, "multigraph": False, "graph": {"name": "G"}},
        {"edges": [("1", "y")], "title": "G"},
    ),
    (
        {"nodes": [{"id": "x", "latent": True, "label": "X", "pos": [1, 2], "w": []}], "edges": []},
        {"latent": ["x"], "positions": {"x": (1, 2)}, "attributes": {"x": {"label": "X"}}},
    ),
]


@pytest.mark.parametrize(("record", "expected"), READ, ids=range(len(READ)))
def test_a_record_is_read_as_it_says(record: Any, expected: dict[str, Any]) -> None:
    assert read(json.dumps(record)) == Dag(**expected)
    assert read("\n" + json.dumps(record, indent=3) + "\n") == Dag(**expected)


TOLD: list[tuple[Any, str]] = [
    ({"nodes": []}, "it has no list 'edges'"),
    ({"edges": []}, "it has no list 'nodes'"),
    ({"nodes": {}, "edges": []}, "it has no list 'nodes'"),
    ({"nodes": ["x"], "edges": []}, "nodes[0] is not an object in braces"),
    ({"nodes": [{}], "edges": []}, "nodes[0] has no text 'name'"),
    ({"nodes": [{"name": 1}], "edges": []}, "nodes[0] has no text 'name'"),
    ({"nodes": [{**NODE, "mark": []}], "edges": []}, "key 'mark', which means nothing here"),
    ({"nodes": [{**NODE, "mark": []}], "edges": []}, "Did you mean 'marks'?"),
    ({"nodes": [{**NODE, "marks": ["hidden"]}], "edges": []}, "'marks' of nodes[0] is not a list"),
    ({"nodes": [{**NODE, "marks": [[]]}], "edges": []}, "'marks' of nodes[0] is not a list"),
    ({"nodes": [{**NODE, "attributes": {"a": 1}}], "edges": []}, "has no text 'a'"),
    ({"nodes": [{**NODE, "attributes": []}], "edges": []}, "is not an object in braces"),
    ({"nodes": [{**NODE, "position": 1}], "edges": []}, "position of 'x' is not two numbers"),
    ({"nodes": [NODE], "edges": [{"from": "x"}]}, "edges[0] has no text 'to'"),
    ({"nodes": [], "edges": [{"from": "x", "to": "y", "type": "--"}]}, "'type' of edges[0]"),
    ({"nodes": [], "edges": [{"from": "x", "to": "y", "type": []}]}, "'type' of edges[0]"),
    ({"nodes": [], "edges": [], "title": 1}, "'title' is not a text"),
    ({"nodes": [], "edges": [], "box": [1]}, "box of a DAG is four numbers"),
    ({"nodes": [], "edges": [], "extra": 1}, "it has a key 'extra'"),
    ({"nodes": [{"name": ""}], "edges": []}, "empty name"),
    ({**LINKED, "directed": False}, "JSON graph has no directions, and a DAG needs them"),
    ({**LINKED, "nodes": [{"id": 1}]}, "links[0] ends at 'y', which is no node's id"),
    ({**LINKED, "nodes": [{"id": []}]}, "nodes[0] has no 'id' that is a text or a number"),
    ({**LINKED, "nodes": [{"id": 1}, {"id": "1"}]}, "two of its nodes have the id '1'"),
    ({**LINKED, "links": [{"source": 1}]}, "links[0] has no 'target'"),
    ({**LINKED, "graph": []}, "'graph' is not an object"),
]


@pytest.mark.parametrize(("record", "message"), TOLD, ids=range(len(TOLD)))
def test_a_record_that_makes_no_sense_is_told_by_its_part(record: Any, message: str) -> None:
    with pytest.raises(GraphError) as caught:
        read(json.dumps(record))
    assert message in str(caught.value)


BROKEN = {
    '{"nodes": [¶}': "expecting value",
    '{"nodes": [] ¶"edges"}': "expecting ',' delimiter",
    '{"nodes": "x¶\n"}': "invalid control character",
    '¶{"nodes": [NaN]}': "NaN is no number",
    '¶{"nodes": ' + "[" * 100_000: "nests too deep",
    '¶{"nodes": ' + "1" * 5_000 + "}": "cannot be read",
}


@pytest.mark.parametrize("marked", BROKEN, ids=lambda text: text[:20])
def test_text_that_is_no_json_is_refused_at_the_spot(marked: str) -> None:
    with pytest.raises(NotationError) as caught:
        read(marked.replace("¶", ""))
    first, _, caret, *_ = str(caught.value).split("\n")
    assert BROKEN[marked] in first
    assert caret.index("^") == 2 + marked.index("¶")


def test_json_is_written_one_variable_or_edge_a_line() -> None:
    dag = Dag('x [e, pos="1,2"]; y [label="Y"]; x -> y [beta=.5]; x <-> y')
    assert dag.to_json() == (
        "{\n"
        ' "nodes": [\n'
        '  {"name": "x", "marks": ["exposure"], "position": [1.0, 2.0]},\n'
        '  {"name": "y", "attributes": {"label": "Y"}}\n'
        " ],\n"
        ' "edges": [\n'
        '  {"from": "x", "to": "y", "type": "->", "attributes": {"beta": ".5"}},\n'
        '  {"from": "x", "to": "y", "type": "<->"}\n'
        " ]\n"
        "}\n"
    )
    assert Dag().to_json() == '{\n "nodes": [],\n "edges": []\n}\n'


@given(drawings())
@settings(deadline=None, max_examples=60)
def test_networkx_node_link_records_are_read(dag: Dag) -> None:
    dag = less(dag, lambda _, key: key != "id")  # which is the name, in these records
    record = nx.node_link_data(dag.to_networkx(), edges="links")
    assert read(json.dumps(record)) == dag
    record = nx.node_link_data(dag.to_networkx(), edges="edges")
    assert read(json.dumps(record)) == dag


@given(drawings())
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_json_that_any_file_can_hold(dag: Dag) -> None:
    text = dag.to_json()
    record = json.loads(text.encode("utf-8"))
    assert [node["name"] for node in record["nodes"]] == [*dag.names]

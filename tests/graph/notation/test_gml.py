"""GML, as editors and graph libraries write it."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings

from causal.errors import GraphError, NotationError
from causal.graph.dag import Dag
from causal.graph.notation import read
from tests.graph.notation.looks import drawings
from tests.graph.notation.test_arrows import pairs

XY: dict[str, Any] = {"edges": pairs("xy")}
NODES = 'node [ id 1 label "x" ] node [ id 2 label "y" ]'
EDGE = "edge [ source 1 target 2 ]"
READ: dict[str, dict[str, Any]] = {
    f"graph [ directed 1 {NODES} {EDGE} ]": XY,
    f"graph\n[\n directed 1\n {EDGE}\n {NODES}\n]\n": XY,
    f'Creator "Gephi"\nVersion 1\n# made by hand\ngraph [ directed 1 {NODES} {EDGE} ]': XY,
    f"graph [ # why\n directed 1 {NODES} {EDGE} {EDGE} ]": XY,
    "graph [ directed 1 ]": {},
    # names
    "graph [ directed 1 node [ id 1 ] node [ id 2 ] edge [ source 1 target 2 ] ]": {
        "edges": [("1", "2")]
    },
    'graph [ directed 1 node [ id 1 label "x" ] node [ id 2 ] ]': {
        "nodes": ["1", "2"],
        "attributes": {"1": {"label": "x"}},
    },
    'graph [ directed 1 node [ id 1 label "x" ] node [ id 2 label "x" ] ]': {
        "nodes": ["1", "2"],
        "attributes": {"1": {"label": "x"}, "2": {"label": "x"}},
    },
    'graph [ directed 1 node [ id 1 label "&#233;&quot;&amp;&unknown;&#1114112;" ] ]': {
        "nodes": ['é"&&unknown;&#1114112;']
    },
    'graph [ directed 1 node [ id 1 label "[]" ] node [ id 2 label 7 ] ]': {"nodes": ["[]", "7"]},
    # marks, places and texts; lists of an editor are passed over
    'graph [ directed 1 node [ id 1 label "x" exposure 1 latent 0 pos "1,-2" '
    'graphics [ x 1.0 w 2 fill "#FF0000" deeper [ ] ] weight -1.5e3 ] ]': {
        "exposures": ["x"],
        "positions": {"x": (1, -2)},
        "attributes": {"x": {"weight": "-1500.0"}},
    },
    f'graph [ directed 1 name "G" bb "0,0,1,1" comment "c" {NODES} '
    'edge [ source 1 target 2 pos "1,2" label "b" ] ]': {
        **XY,
        "title": "G",
        "box": (0, 0, 1, 1),
        "bends": {("x", "->", "y"): (1, 2)},
        "attributes": {"": {"comment": "c"}, ("x", "->", "y"): {"label": "b"}},
    },
    # a hidden cause with the attribute arc is an edge with two heads
    f'graph [ directed 1 {NODES} node [ id 3 label "u" latent 1 arc 1 ] '
    "edge [ source 3 target 1 ] edge [ source 3 target 2 ] ]": {"arcs": pairs("xy")},
    # a variable called graph, in arrow text
    "graph [e]; graph -> y": {"edges": [("graph", "y")], "exposures": ["graph"]},
}


@pytest.mark.parametrize("text", READ)
def test_gml_is_read_as_it_says(text: str) -> None:
    assert read(text) == Dag(**READ[text])


# The sign ¶ stands before the spot that is marked; it is not part of the text.
REFUSED = {
    "graph [ directed 1 node ¶[ ] ]": "this node has no id",
    "graph [ directed 1 node ¶1 ]": "'node' needs brackets",
    "graph [ directed 1 node [ id 1 ] node ¶[ id 1 ] ]": "a second node has the id '1'",
    "graph [ directed 1 node [ id 1 ] edge ¶[ source 1 ] ]": "ends at the node ''",
    "graph [ directed 1 edge ¶[ source 1 target 2 ] ]": "ends at the node '1'",
    "graph [ directed 1 ] graph ¶[ directed 1 ]": "a text holds one graph",
    "graph ¶[ directed 1": "this '[' is never closed",
    "graph [ directed 1 ¶2 ]": "expected a key, found '2'",
    'graph [ directed 1 label ¶"x ]': "expected a value of 'label'",
    "graph [ directed 1 label ¶]": "expected a value of 'label', found ']'",
    "graph [ directed 1 ] ¶]": "expected a key, found ']'",
    "graph [ directed ¶1x ]": "expected a value of 'directed', found '1'",
}


@pytest.mark.parametrize("marked", REFUSED)
def test_gml_that_cannot_be_read_is_refused_at_the_spot(marked: str) -> None:
    with pytest.raises(NotationError) as caught:
        read(marked.replace("¶", ""))
    first, line, caret, *_ = str(caught.value).split("\n")
    assert REFUSED[marked] in first
    assert line == "  " + marked.replace("¶", "")
    assert caret == "  " + " " * marked.index("¶") + "^"


@pytest.mark.parametrize("directed", ["", "directed 0", 'directed "yes"'])
def test_gml_without_directions_is_refused(directed: str) -> None:
    with pytest.raises(GraphError, match="GML graph has no directions, and a DAG needs them"):
        read(f"graph [ {directed} {NODES} {EDGE} ]")


def test_an_attribute_that_makes_no_sense_is_refused_with_the_name_of_its_node() -> None:
    with pytest.raises(GraphError, match="node 'x' of the GML graph has latent='perhaps'"):
        read('graph [ directed 1 node [ id 1 label "x" latent "perhaps" ] ]')


def test_brackets_nest_a_hundred_deep_and_no_deeper() -> None:
    text = "graph [ directed 1 {} {} ]"
    assert read(text.format("a [ " * 99, "] " * 99)) == Dag()
    with pytest.raises(NotationError, match="nest more than 100 deep"):
        read(text.format("a [ " * 100_000, ""))


# networkx's reader takes these two texts for an empty list and an empty tuple.
TAKEN = {"[]", "()"}


@given(drawings())
@settings(deadline=None, max_examples=60)
def test_networkx_reads_what_is_written(dag: Dag) -> None:
    said = {text for texts in dag.attributes.values() for text in texts.values()}
    if TAKEN & {*dag.names, *said, dag.title}:
        return
    graph = nx.parse_gml(dag.to_gml())
    assert isinstance(graph, nx.DiGraph)
    assert Dag(graph) == read(dag.to_gml())


@given(drawings())
@settings(deadline=None, max_examples=60)
def test_what_networkx_writes_is_read(dag: Dag) -> None:
    plain = Dag(nodes=dag.names, edges=dag.edges, arcs=dag.arcs, latent=dag.latent)
    assert read("\n".join(nx.generate_gml(plain.to_networkx()))) == plain

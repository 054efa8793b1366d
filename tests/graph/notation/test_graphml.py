"""GraphML, as editors and graph libraries write it; XML that would do harm is not parsed."""

from __future__ import annotations

import xml.etree.ElementTree as ET
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
NODES = '<node id="x"/><node id="y"/>'
EDGE = '<edge source="x" target="y"/>'


def graphml(inside: str, keys: str = "", root: str = "") -> str:
    return f'<graphml{root}>{keys}<graph edgedefault="directed">{inside}</graph></graphml>'


def key(name: str, form: str = "string", owner: str = "node", inside: str = "") -> str:
    return f'<key id="{name}" for="{owner}" attr.name="{name}" attr.type="{form}">{inside}</key>'


EDGE_N = '<edge id="e0" source="n0" target="n1"/>'
YED = (
    '<key for="node" id="d6" yfiles.type="nodegraphics"/>',
    '<node id="n0"><data key="d6"> <a/><y:NodeLabel>\n x </y:NodeLabel></data></node>',
    '<node id="n1"><data key="d6"><y:N><y:NodeLabel>y</y:NodeLabel></y:N></data></node>' + EDGE_N,
    ' xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml"',
)
READ: dict[str, dict[str, Any]] = {
    graphml(NODES + EDGE): XY,
    graphml(EDGE + NODES + EDGE, root=' xmlns="http://graphml.graphdrawing.org/xmlns"'): XY,
    '\n<?xml version="1.0" encoding="utf-16"?><!-- a -> b -->' + graphml(NODES + EDGE): XY,
    graphml(NODES.replace("/>", "></node>") + EDGE): XY,
    graphml(""): {},
    graphml('<node id="&lt;a&gt; &#38; b"/>'): {"nodes": ["<a> & b"]},
    graphml('<node id="n0"><data key="label">x</data></node>', key("label")): {"nodes": ["x"]},
    graphml('<node id="n0"><data key="label"><![CDATA[<x>]]></data></node>', key("label")): {
        "nodes": ["<x>"]
    },
    graphml('<node id="a"><data key="label">x</data></node><node id="b"/>', key("label")): {
        "nodes": ["a", "b"],
        "attributes": {"a": {"label": "x"}},
    },
    graphml(YED[1] + YED[2], YED[0], YED[3]): XY,
    graphml(
        '<node id="x"><data key="exposure">true</data><data key="pos">1,2</data></node>'
        '<node id="y"><data key="w">5</data><data key="latent">0</data></node>',
        key("exposure", "boolean") + key("pos") + key("w", "int") + key("latent"),
    ): {
        "nodes": ["y"],
        "exposures": ["x"],
        "positions": {"x": (1, 2)},
        "attributes": {"y": {"w": "5"}},
    },
    graphml(
        '<node id="x"/><node id="y"><data key="latent">false</data></node>',
        key("latent", "boolean", inside="<default>true</default>"),
    ): {"nodes": ["y"], "latent": ["x"]},
    graphml(f'{NODES}<node id="a"><graph edgedefault="directed"><node id="b"/></graph></node>'): {
        "nodes": ["x", "y", "a", "b"]
    },
    graphml('<data key="name">G</data>' + NODES, key("name", owner="graph")): {
        "nodes": ["x", "y"],
        "title": "G",
    },
    graphml(
        NODES + EDGE.replace("/>", ' directed="true"><data key="b">1</data></edge>'),
        key("b", owner="edge"),
    ): {
        **XY,
        "attributes": {("x", "->", "y"): {"b": "1"}},
    },
}


@pytest.mark.parametrize("text", READ)
def test_graphml_is_read_as_it_says(text: str) -> None:
    assert read(text) == Dag(**READ[text])


# The sign ¶ stands before the spot that is marked; it is not part of the text.
REFUSED = {
    "¶<!DOCTYPE graphml><graphml/>": "document type or entities is not read",
    '<?xml version="1.0"?> ¶<!doctype g []><graphml/>': "document type or entities",
    '¶<!ENTITY a "b"><graphml/>': "document type or entities",
    "<graphml>¶": "this is no XML: no element found",
    '<graphml><graph edgedefault="directed"></¶node>': "this is no XML: mismatched tag",
    "<graphml>¶&lol;</graphml>": "this is no XML: undefined entity",
    "<graphml>é&¶</graphml>": "this is no XML",
    "¶<svg></svg>": "this is XML, but not GraphML: it begins with 'svg'",
    "<graphml>¶\x01</graphml>": "XML cannot hold this character",
    "<graphml>¶\ud800</graphml>": "XML cannot hold this character",
    graphml("¶<node/>"): "this node has no id",
    graphml('<node id="x"/>¶<node id="x"/>'): "a second node has the id 'x'",
    graphml(NODES + '¶<edge source="x"/>'): "this edge lacks an end",
    graphml('<node id="é"/>¶' + EDGE): "ends at the node 'x', which there is not",
    graphml(NODES + '¶<edge directed="false" source="x" target="y"/>'): "has no direction",
    graphml("¶<hyperedge/>"): "an edge between many nodes",
    graphml("").replace("</graphml>", '¶<graph edgedefault="directed"/></graphml>'): "one graph",
}


@pytest.mark.parametrize("marked", REFUSED)
def test_xml_that_cannot_be_read_is_refused_at_the_spot(marked: str) -> None:
    with pytest.raises(NotationError) as caught:
        read(marked.replace("¶", ""))
    first, line, caret, *_ = str(caught.value).split("\n")
    assert first.startswith("Line 1: ")
    assert REFUSED[marked] in first
    after = marked[marked.index("¶") + 1 :][:5]
    if after.isprintable():
        assert line[caret.index("^") :].startswith(after)


@pytest.mark.parametrize("default", ['edgedefault="undirected"', ""])
def test_graphml_without_directions_is_refused(default: str) -> None:
    with pytest.raises(GraphError, match="GraphML graph has no directions, and a DAG needs them"):
        read(f"<graphml><graph {default}>{NODES}{EDGE}</graph></graphml>")


LAUGHS = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">' + "".join(
    f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(12)
)


def test_a_page_of_text_cannot_become_gigabytes() -> None:
    with pytest.raises(NotationError, match="document type or entities is not read"):
        read(LAUGHS + "]><graphml>&l12;</graphml>")
    keys = "".join(key(f"k{i}", inside="<default>a</default>") for i in range(2_000))
    nodes = "".join(f'<node id="n{i}"/>' for i in range(2_000))
    with pytest.raises(NotationError, match="too many attributes"):
        read(graphml(nodes, keys))
    assert len(read(graphml("<a>" * 100_000 + "</a>" * 100_000)).names) == 0


@given(drawings())
@settings(deadline=None, max_examples=60)
def test_networkx_reads_what_is_written(dag: Dag) -> None:
    try:
        text = dag.to_graphml()
    except GraphError:
        return
    graph = nx.parse_graphml(text)
    labels = nx.get_node_attributes(graph, "label")
    named = nx.relabel_nodes(graph, labels)
    for values in named.nodes.values():
        del values["label"]
    assert Dag(named) == read(text)


@given(drawings())
@settings(deadline=None, max_examples=60)
def test_what_networkx_writes_is_read(dag: Dag) -> None:
    plain = Dag(nodes=dag.names, edges=dag.edges, arcs=dag.arcs, latent=dag.latent)
    try:
        plain.to_graphml()
    except GraphError:
        return
    assert read("\n".join(nx.generate_graphml(plain.to_networkx()))) == plain


@given(drawings())
@settings(deadline=None, max_examples=60)
def test_names_are_only_ever_text_in_the_xml(dag: Dag) -> None:
    try:
        root = ET.fromstring(dag.to_graphml())
    except GraphError:
        return
    space = "{http://graphml.graphdrawing.org/xmlns}"
    assert {element.tag.removeprefix(space) for element in root.iter()} <= {
        *("graphml", "key", "graph", "node", "edge", "data"),
    }
    assert len(root.findall(f"{space}graph/{space}node")) == dag.size

"""DOT as people and programs write it, and as Graphviz reads it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pygraphviz
import pytest
from hypothesis import given, settings

from causal.graph.dag import Dag
from causal.graph.notation import read
from tests.strategies import HOSTILE, dags

XY: dict[str, Any] = {"edges": [("x", "y")]}
READ: dict[str, dict[str, Any]] = {
    "digraph { x -> y }": XY,
    "digraph{x->y;}": XY,
    "strict digraph G { x -> y }": {**XY, "title": "G"},
    'STRICT Digraph "my graph" { x -> y }': {**XY, "title": "my graph"},
    "digraph 3 {\n  x -> y;\n}\n": {**XY, "title": "3"},
    'digraph "" { x -> y }': XY,
    "digraph {}": {},
    # layout, style and labels are text; defaults and what describes a subgraph are passed over
    "digraph { rankdir=LR; node [shape=box]; edge [color=grey]; graph [pad=1]; x -> y }": {
        **XY,
        "attributes": {"": {"rankdir": "LR", "pad": "1"}},
    },
    "digraph { NODE [shape=box] Edge [color=red] x -> y }": XY,
    'digraph { label="a; b"; x [label=X, style=filled]; x -> y [label="+", color="red:blue"] }': {
        **XY,
        "attributes": {
            "": {"label": "a; b"},
            "x": {"label": "X", "style": "filled"},
            ("x", "->", "y"): {"label": "+", "color": "red:blue"},
        },
    },
    "digraph { x [label=<<b>X</b> of <i>y</i>>]; label=<{}>; x -> y }": XY,
    "digraph { x -> y [weight=2][penwidth=3] }": {
        **XY,
        "attributes": {("x", "->", "y"): {"weight": "2", "penwidth": "3"}},
    },
    "digraph { x [width=.5, height=-1.5; fontsize=8] x -> y }": {
        **XY,
        "attributes": {"x": {"width": ".5", "height": "-1.5", "fontsize": "8"}},
    },
    'digraph { x [target="_blank"] x -> y }': XY,
    "digraph { x:n -> y:port:sw }": XY,
    'digraph { "x":"a b" -> y }': XY,
    "digraph { subgraph cluster_0 { label=first; x } subgraph { y } x -> y }": XY,
    "digraph { { rank=same; x } -> { rank=same y } }": XY,
    "digraph { subgraph cluster_0 { x } -> subgraph { y } }": XY,
    "// made by hand\ndigraph { # here\n x /* from */ -> y }": XY,
    'digraph { "" + "x" -> "y" }': XY,
    # marks
    "digraph { x [exposure=1] y [outcome=true] x -> y }": {
        **XY,
        "exposures": ["x"],
        "outcomes": ["y"],
    },
    "digraph { x [exposure] y [outcome=no, latent=yes] x -> y }": {
        **XY,
        "exposures": ["x"],
        "latent": ["y"],
    },
    "digraph { x [latent=0 adjusted=false selected=None] x -> y }": XY,
    # positions, as Graphviz gives and takes them
    'digraph { x [pos="27,90"] y [pos="27,18!"] x -> y [pos="e,27,36 27,72 27,64"] }': {
        **XY,
        "positions": {"x": (27, 90), "y": (27, 18)},
    },
    'digraph { x [pos="1,2,3!"] }': {"positions": {"x": (1, 2)}},
    # two heads
    "digraph { x -> y [dir=both] }": {"arcs": [("x", "y")]},
    "digraph { x -> {y z} [dir=both, style=dashed] }": {
        "arcs": [("x", "y"), ("x", "z")],
        "attributes": {("x", "<->", end): {"style": "dashed"} for end in "yz"},
    },
    "digraph { x -> y [dir=forward] }": XY,
    "digraph { x -> y; x -> y [dir=both] }": {**XY, "arcs": [("x", "y")]},
    # names
    "digraph { 1 -> -2.5 -> .5 }": {"edges": [("1", "-2.5"), ("-2.5", ".5")]},
    r'digraph { "a\"b" -> "c\\d" -> "e\nf" }': {"edges": [('a"b', r"c\d"), (r"c\d", r"e\nf")]},
    'digraph { "node" -> "Edge" }': {"edges": [("node", "Edge")]},
}


@pytest.mark.parametrize("text", READ)
def test_dot_is_read_as_it_says(text: str) -> None:
    assert read(text) == Dag(**READ[text])


def test_dot_is_written_in_one_way() -> None:
    dag = Dag('x [e, l, pos="1,2"] y [o] "a\\"b"; x -> y; x <-> y')
    assert dag.to_dot() == (
        "digraph {\n"
        '  "a\\"b"\n'
        '  "x" [exposure=1, latent=1, pos="1.0,2.0"]\n'
        '  "y" [outcome=1]\n'
        '  "x" -> "y"\n'
        '  "x" -> "y" [dir=both]\n'
        "}\n"
    )


def test_what_says_nothing_to_us_is_written_where_dot_has_a_place_for_it() -> None:
    dag = Dag(
        edges=[("x", "y")],
        arcs=[("x", "y")],
        box=(0, 0, 1, 1),
        title="G",
        bends={("x", "<->", "y"): (0.5, 1)},
        attributes={
            "": {"rankdir": "LR"},
            "x": {"label": "the cause"},
            ("x", "->", "y"): {"node": "1", "color": "red"},
        },
    )
    assert dag.to_dot() == (
        'digraph "G" {\n'
        '  graph [bb="0.0,0.0,1.0,1.0", rankdir="LR"]\n'
        '  "x" [label="the cause"]\n'
        '  "y"\n'
        '  "x" -> "y" [color="red", "node"="1"]\n'
        '  "x" -> "y" [dir=both, pos="0.5,1.0"]\n'
        "}\n"
    )


@pytest.mark.parametrize("key", ["URL", "href", "edgehref", "image", "shapefile", "FontName"])
def test_text_of_a_dagitty_file_does_not_become_a_link_or_a_file_that_graphviz_opens(
    key: str,
) -> None:
    dag = Dag(f'dag {{ x [{key}="file:///etc/passwd", label=X] }}')
    assert dag.attributes["x"] == {key: "file:///etc/passwd", "label": "X"}
    assert dag.to_dot() == 'digraph {\n  "x" [label="X"]\n}\n'


# Graphviz knows no escaped backslash, stops at a zero byte, hides names that begin with a per cent
# sign, and takes UTF-8 only.
SHARED = [name for name in HOSTILE if not {"\\", "\0", "%", "\ud800"} & set(name)]


def test_graphviz_reads_the_same_names() -> None:
    dag = Dag(nodes=SHARED, edges=pairwise(SHARED))
    graph = pygraphviz.AGraph(dag.to_dot())
    assert set(graph.nodes()) == set(dag.names)
    assert {tuple(edge) for edge in graph.edges()} == set(dag.edges)


def test_what_graphviz_writes_is_read() -> None:
    graph = pygraphviz.AGraph('digraph { x -> y [label=<<b>a</b>>]; z [label="a\\nb"]; x -> z }')
    graph.layout(prog="dot")
    dag = read(graph.to_string())
    assert (dag.names, dag.edges) == (("x", "y", "z"), (("x", "y"), ("x", "z")))
    assert set(dag.positions) == {"x", "y", "z"}


@given(dags())
@settings(deadline=None, max_examples=50)
def test_graphviz_finds_nothing_wrong_with_what_is_written(dag: Dag) -> None:
    text = dag.to_dot()
    if "\0" not in text and "\ud800" not in text:
        assert pygraphviz.AGraph(text).number_of_nodes() == len(dag.names)

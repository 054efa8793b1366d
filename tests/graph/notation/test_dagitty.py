"""DAGitty's notation, as its page and its R package write it, and as people write it by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from causal.errors import CycleError, NotationError
from causal.graph.dag import Dag
from causal.graph.notation import read
from tests.cases import dagitty_cases, needs_cases
from tests.graph.notation.looks import drawings

PAGE = """\
dag {
bb="-2.2,-1.9,1.8,1.3"
"pack-years \\"total\\"" [pos="-0.5,-1.25"]
U [latent,pos="-0.1,-1.0"]
lung.cancer [outcome,pos="1.0,0.4"]
smoking_1 [exposure,pos="-1.6,0.4"]
tar [adjusted,pos="0,0.4"]
U -> lung.cancer [pos="0.5,-.3"]
U -> smoking_1
smoking_1 -> tar [beta=".3"]
tar -> lung.cancer
smoking_1 <-> "pack-years \\"total\\""
}
"""


def test_text_of_the_page_is_read_whole() -> None:
    pack = 'pack-years "total"'
    assert read(PAGE) == Dag(
        edges=[
            ("U", "lung.cancer"),
            ("U", "smoking_1"),
            ("smoking_1", "tar"),
            ("tar", "lung.cancer"),
        ],
        arcs=[("smoking_1", pack)],
        exposures=["smoking_1"],
        outcomes=["lung.cancer"],
        latent=["U"],
        adjusted=["tar"],
        positions={
            pack: (-0.5, -1.25),
            "U": (-0.1, -1.0),
            "lung.cancer": (1.0, 0.4),
            "smoking_1": (-1.6, 0.4),
            "tar": (0.0, 0.4),
        },
        box=(-2.2, -1.9, 1.8, 1.3),
        bends={("U", "->", "lung.cancer"): (0.5, -0.3)},
        attributes={("smoking_1", "->", "tar"): {"beta": ".3"}},
    )


XY: dict[str, Any] = {"edges": [("x", "y")]}
READ: dict[str, dict[str, Any]] = {
    "dag { x -> y }": XY,
    "dag{x->y}": XY,
    "DAG {x -> y}": XY,
    "Dag confounding { x -> y }": {**XY, "title": "confounding"},
    'dag "two words" { x -> y }': {**XY, "title": "two words"},
    'dag { name="two words"; x -> y }': {**XY, "title": "two words"},
    "dag one { name=two; x -> y }": {**XY, "title": "one"},
    "\n # first\n dag /* why */ {\n x -> y } // done\n": XY,
    "dag { x -> y };": XY,
    "dag { }": {},
    "dag { x [exposure] y [outcome] x -> y }": {**XY, "exposures": ["x"], "outcomes": ["y"]},
    "dag { x [e] y [o] x -> y }": {
        **XY,
        "exposures": ["x"],
        "outcomes": ["y"],
    },
    "dag { x [source] y [target] x -> y }": {**XY, "exposures": ["x"], "outcomes": ["y"]},
    # attributes of some other meaning, as in DAGitty
    "dag { x [E] y [Exposure=2] x -> y }": {
        **XY,
        "attributes": {"x": {"E": "1"}, "y": {"Exposure": "2"}},
    },
    "dag { {x z} -> y }": {"edges": [("x", "y"), ("z", "y")]},
    "dag { x -> { y z } <- w }": {
        "edges": [("x", "y"), ("x", "z"), ("w", "y"), ("w", "z")],
    },
    "dag { rankdir=LR; x -> y }": {**XY, "attributes": {"": {"rankdir": "LR"}}},
    "dag { x -> y scale = 3 }": {**XY, "attributes": {"": {"scale": "3"}}},
    'dag { graph [bb="0,1,2,3"] x -> y }': {**XY, "box": (0, 1, 2, 3)},
    'dag { bb=" -1 , .5,2.,3e0"; x -> y; bb="" }': XY,
    "dag { {x rankdir=LR} -> y }": XY,  # of the group, not of the whole
    # what is said of edges, whichever way they are written
    'dag { x -> y [pos="1,2",beta=.3] }': {
        **XY,
        "bends": {("x", "->", "y"): (1, 2)},
        "attributes": {("x", "->", "y"): {"beta": ".3"}},
    },
    "dag { y <- x [beta=.3] x -> y [label=a] }": {
        **XY,
        "attributes": {("x", "->", "y"): {"beta": ".3", "label": "a"}},
    },
    'dag { y <-> x [pos="1,2"] x -> y }': {
        **XY,
        "arcs": [("x", "y")],
        "bends": {("x", "<->", "y"): (1, 2)},
    },
    "dag { z -> {x y} [beta=1] }": {
        "edges": [("z", "x"), ("z", "y")],
        "attributes": {("z", "->", end): {"beta": "1"} for end in "xy"},
    },
    'dag { x -> y [e=0, dir=forward, pos=none, empty=""] }': {
        **XY,
        "attributes": {("x", "->", "y"): {"empty": ""}},
    },
    "dag { node [shape=box] edge [color=grey] x -> y }": XY,
    "dag { subgraph one { x } -> y }": XY,
    "dag { node -> edge; graph }": {"nodes": ["graph"], "edges": [("node", "edge")]},
    'dag { "node" [e] node -> y }': {"edges": [("node", "y")], "exposures": ["node"]},
    "dag { NODE [latent] NODE -> y }": {"edges": [("NODE", "y")], "latent": ["NODE"]},
    "dag { dag -> strict }": {"edges": [("dag", "strict")]},
    'dag { x [pos="1,2"] }': {"positions": {"x": (1, 2)}},
    'dag { x [pos=" -.5 , +1.e2 "] }': {"positions": {"x": (-0.5, 100)}},
    'dag { x [pos="1,2"] x [pos="3,4"] }': {"positions": {"x": (3, 4)}},
    # The headless first line of old DAGitty files is DOT's.
    "digraph { x [exposure] y [outcome] x -> y x <-> y }": {
        **XY,
        "arcs": [("x", "y")],
        "exposures": ["x"],
        "outcomes": ["y"],
    },
}


@pytest.mark.parametrize("text", READ)
def test_dagitty_text_is_read_as_it_says(text: str) -> None:
    assert read(text) == Dag(**READ[text])


def test_dagitty_text_is_written_in_one_way() -> None:
    dag = Dag(
        nodes=["alone", "a b"],
        edges=[("node", "x"), ("x", "é")],
        arcs=[("x", "1.5")],
        exposures=["x"],
        latent=["x"],
        positions={"x": (0, -1e-7), "alone": (1, 2)},
    )
    assert dag.to_dagitty() == (
        "dag {\n"
        '"a b"\n'
        'alone [pos="1.0,2.0"]\n'
        'x [exposure,latent,pos="0.0,-0.0000001"]\n'
        '"node" -> x\n'
        'x -> "é"\n'
        "1.5 <-> x\n"
        "}\n"
    )


def test_all_that_the_page_writes_is_written_back() -> None:
    assert read(PAGE).to_dagitty() == (
        "dag {\n"
        'bb="-2.2,-1.9,1.8,1.3"\n'
        'U [latent,pos="-0.1,-1.0"]\n'
        'lung.cancer [outcome,pos="1.0,0.4"]\n'
        '"pack-years \\"total\\"" [pos="-0.5,-1.25"]\n'
        'smoking_1 [exposure,pos="-1.6,0.4"]\n'
        'tar [adjusted,pos="0.0,0.4"]\n'
        'U -> lung.cancer [pos="0.5,-0.3"]\n'
        "U -> smoking_1\n"
        'smoking_1 -> tar [beta=".3"]\n'
        "tar -> lung.cancer\n"
        '"pack-years \\"total\\"" <-> smoking_1\n'
        "}\n"
    )


STYLES = {
    "page": PAGE,
    "R": 'dag {\n"a b" [latent,pos="1.000,2.000"]\nx [eps="0.3"]\n\n"a b" -> x [beta="-.5"]\n}\n',
    "name": 'dag G{\nbb="0,0,100,100"\nx [exposure]\ny\nx <-> y [pos="0.645,-0.279"]\n\n}\n',
    "labels": 'dag { x [label="από το",weight="2"] x -> y [label="a%20b"] y -> z [id=7] scale=2 }',
    "words": 'dag "dag" { "node" [edge="graph"] "node" -> "graph" [node=1] subgraph = "x" }',
    "alone": "dag { a; b; c [l]; d -> e }",
    "chain": 'dag { a -> b <- c <-> d [pos="1,1",beta=2] }',
    "letters": "dag { x [e] y [o] u [u] l [l] a [a] s [s] p [source] q [target] }",
    "small": 'dag { bb="1e-7,-1e300,0.1,3" x [pos="1e-20,2"] }',
    "quotes": r'dag "\"" { "\\" ["\""="\\\\"] "\\" -> "\"" ["a b"="\""] "k"="\"" }',
}


def comes_back(text: str) -> None:
    dag = read(text)
    written = dag.to_dagitty()
    assert read(written) == dag
    assert read(written).to_dagitty() == written


@pytest.mark.parametrize("style", STYLES)
def test_a_file_of_any_style_comes_back_whole(style: str) -> None:
    comes_back(STYLES[style])


@given(drawings())
@settings(deadline=None, max_examples=100)
def test_writing_again_changes_nothing(dag: Dag) -> None:
    comes_back(dag.to_dagitty())


def test_nothing_is_stored_for_edges_of_which_nothing_is_said() -> None:
    dag = read('dag { x -> y -> z; x [pos="1,2"] }')
    assert (dag.bends, dag.attributes, dag.box, dag.title) == ({}, {}, None, "")


def test_edges_of_graphs_that_are_no_dags_are_refused_by_name() -> None:
    for edge in ("--", "@->", "<-@", "@-@", "@--", "--@"):
        with pytest.raises(NotationError, match="A DAG has the edges ->, <- and <-> only"):
            read(f"dag {{ x {edge} y }}")


def test_a_group_of_described_edges_may_not_fill_the_memory() -> None:
    group = "{" + " ".join(f"v{i}" for i in range(1_000)) + "}"
    other = group.replace("v", "w")
    assert len(read(f"dag {{ {group} -> {other} }}").edges) == 1_000_000
    with pytest.raises(NotationError, match="more than 200,000 arrows"):
        read(f"dag {{ {group} -> {other} [beta=1] }}")


KINDS = (
    *("dsep", "biasing_edges", "adjustment", "direct", "mediators", "adjustment_valid", "cycle"),
    *("min_separator", "implications", "instrument", "violates_forced", "direct_valid"),
    "odds_ratio_valid",
)


@needs_cases
def test_graphs_of_dagittys_own_tests_are_read_and_kept() -> None:
    texts = {case["dag"]: case for case in dagitty_cases(*KINDS)}
    read_and_kept = 0
    for text, case in texts.items():
        ends = [line.split(" -> ") for line in text.splitlines()]
        # One graph of their gallery has arrows from a variable to itself.
        if case["kind"] == "cycle" or any(len(two) == 2 and two[0] == two[1] for two in ends):
            with pytest.raises(CycleError):
                read(text)
            continue
        comes_back(text)
        dag = read(text)
        for again in (
            dag.to_dot(),
            dag.to_networkx(),
            dag.to_json(),
            dag.to_gml(),
            dag.to_graphml(),
        ):
            assert Dag(again) == dag
        assert {*case["exposure"], *case["outcome"], *case["latent"]} <= {*dag.names}
        read_and_kept += 1
    assert read_and_kept > 100

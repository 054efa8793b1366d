"""DAGitty's notation, as its page and its R package write it, and as people write it by hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from causal.errors import CycleError
from causal.graph.dag import Dag
from causal.graph.notation import read

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
    )


XY: dict[str, Any] = {"edges": [("x", "y")]}
READ: dict[str, dict[str, Any]] = {
    "dag { x -> y }": XY,
    "dag{x->y}": XY,
    "DAG {x -> y}": XY,
    "Dag confounding { x -> y }": XY,
    'dag "two words" { x -> y }': XY,
    "\n # first\n dag /* why */ {\n x -> y } // done\n": XY,
    "dag { x -> y };": XY,
    "dag { }": {},
    "dag { x [exposure] y [outcome] x -> y }": {**XY, "exposures": ["x"], "outcomes": ["y"]},
    "dag { x [e] y [o] x -> y }": {
        **XY,
        "exposures": ["x"],
        "outcomes": ["y"],
    },
    "dag { x [E] y [Exposure] x -> y }": XY,  # an attribute of some other meaning, as in DAGitty
    "dag { {x z} -> y }": {"edges": [("x", "y"), ("z", "y")]},
    "dag { x -> { y z } <- w }": {
        "edges": [("x", "y"), ("x", "z"), ("w", "y"), ("w", "z")],
    },
    "dag { rankdir=LR; x -> y }": XY,
    "dag { x -> y scale = 3 }": XY,
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


@pytest.mark.skipif(
    "CAUSAL_CASES" not in os.environ, reason="CAUSAL_CASES names the folder of DAGitty's own cases"
)
def test_graphs_of_dagittys_own_tests_are_read_and_kept() -> None:
    text = (Path(os.environ["CAUSAL_CASES"]) / "dagitty.json").read_text(encoding="utf-8")
    cases = [case for case in json.loads(text) if case["graph_type"] == "dag"]
    assert cases
    for case in cases:
        ends = [line.split(" -> ") for line in case["dag"].splitlines()]
        # One graph of their gallery has arrows from a variable to itself.
        if case["kind"] == "cycle" or any(len(two) == 2 and two[0] == two[1] for two in ends):
            with pytest.raises(CycleError):
                read(case["dag"])
            continue
        dag = read(case["dag"])
        assert read(dag.to_dagitty()) == dag
        assert read(dag.to_dot()) == dag
        assert Dag(dag.to_networkx()) == dag
        assert {*case["exposure"], *case["outcome"], *case["latent"]} <= {*dag.names}

"""Mermaid and TikZ: pictures for pages, in which a name is only ever text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import shown
from causal.graph.dag import Dag
from tests.graph.notation.looks import TEXTS, drawings


def visible(name: str) -> str:
    """*name* as a picture shows it: what cannot be printed as an escape."""
    return shown(name, 10**6)[1:-1]


# Mermaid

NODE = re.compile(r'  n(\d+)\["((?:[\w .-]|#\d+;)*)"\]')
EDGE = re.compile(r"  n\d+ (?:-->|<-\.->) n\d+")
STYLE = re.compile(r"  classDef [a-z]+ [-a-zA-Z0-9#:, ]+|  class n\d+(?:,n\d+)* [a-z]+")


def labels(text: str) -> dict[int, str]:
    """The labels of a flowchart by the numbers of their nodes; every line must be one we know."""
    first, *lines = text.splitlines()
    assert first == "flowchart LR"
    found = {}
    for line in lines:
        if node := NODE.fullmatch(line):
            found[int(node[1])] = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), node[2])
        else:
            assert EDGE.fullmatch(line) or STYLE.fullmatch(line), line
    return found


def test_mermaid_is_written_in_one_way() -> None:
    dag = Dag('x [e]; y [o]; u [l]; u -> "a \\"b\\""; x -> y; x <-> y')
    assert dag.to_mermaid() == (
        "flowchart LR\n"
        '  n0["a #34;b#34;"]\n'
        '  n1["u"]\n'
        '  n2["x"]\n'
        '  n3["y"]\n'
        "  n1 --> n0\n"
        "  n2 --> n3\n"
        "  n2 <-.-> n3\n"
        "  classDef exposure fill:#D3E8F5,stroke:#0072B2,stroke-width:3px\n"
        "  class n2 exposure\n"
        "  classDef outcome fill:#FCE7BF,stroke:#A86F00,stroke-width:3px\n"
        "  class n3 outcome\n"
        "  classDef latent fill:#FFFFFF,stroke:#6B6B6B,stroke-dasharray:5 5\n"
        "  class n1 latent\n"
    )
    assert Dag().to_mermaid() == "flowchart LR\n"


@pytest.mark.parametrize("name", TEXTS, ids=lambda name: ascii(name)[:20])
def test_a_name_is_a_label_and_nothing_else_in_mermaid(name: str) -> None:
    assert labels(Dag(nodes=[name]).to_mermaid()) == {0: visible(name)}


@given(drawings() | st.builds(lambda name: Dag(nodes=[name]), st.text(min_size=1)))
@settings(deadline=None, max_examples=100)
def test_every_variable_and_edge_is_drawn_once_in_mermaid(dag: Dag) -> None:
    text = dag.to_mermaid()
    assert labels(text) == {dag.number(name): visible(name) for name in dag.names}
    drawn = [(a, "-->", b) for a, b in dag.edges] + [(a, "<-.->", b) for a, b in dag.arcs]
    lines = [f"  n{dag.number(a)} {edge} n{dag.number(b)}" for a, edge, b in drawn]
    assert [line for line in text.splitlines() if EDGE.fullmatch(line)] == lines


# TikZ

SIGNS = {
    **{f"\\{sign}": sign for sign in "{}$&#_%"},
    **{f"{sign}{{}}": sign for sign in "-',?!"},
    "\\textbackslash{}": "\\",
    "\\textasciitilde{}": "~",
    "\\textasciicircum{}": "^",
    "\\textless{}": "<",
    "\\textgreater{}": ">",
    "\\textbar{}": "|",
    "\\textasciigrave{}": "`",
    "{\\char34}": '"',
    "\\ ": " ",
}
# All that a label may hold: these, and signs that mean nothing to TeX.
WORDS = re.compile("|".join(map(re.escape, SIGNS)) + r"|[^\\{}$&#_%~^<>|`\"',?!\-]")
NUMBER = r"-?\d+(?:\.\d+)?"
POINT = rf"\({NUMBER},{NUMBER}\)"
TIKZ_NODE = re.compile(rf"  \\node(?:\[([a-z, ]+)\])? \(n(\d+)\) at ({POINT}) \{{(.*)\}};")
TIKZ_EDGE = re.compile(
    rf"  \\draw\[(->|<->, dashed)\] \(n(\d+)\) "
    rf"(?:--|to\[bend left=[24]0\]|\.\. controls {POINT} and {POINT} \.\.) \(n(\d+)\);"
)


def parsed(text: str) -> tuple[dict[int, str], list[tuple[int, str, int]], list[str]]:
    """Labels, edges and places of a picture; every line must be one we know."""
    comment, begin, *lines, end = text.splitlines()
    assert comment.startswith("% ")
    assert begin.startswith("\\begin{tikzpicture}[")
    assert end == "\\end{tikzpicture}"
    found, edges, places = {}, [], []
    for line in lines:
        if node := TIKZ_NODE.fullmatch(line):
            pieces = WORDS.findall(node[4])
            assert "".join(pieces) == node[4]
            found[int(node[2])] = "".join(SIGNS.get(piece, piece) for piece in pieces)
            places.append(node[3])
        else:
            edge = TIKZ_EDGE.fullmatch(line)
            assert edge, line
            edges.append((int(edge[2]), edge[1], int(edge[3])))
    return found, edges, places


@pytest.mark.parametrize("name", TEXTS, ids=lambda name: ascii(name)[:20])
def test_a_name_is_a_label_and_nothing_else_in_tikz(name: str) -> None:
    assert parsed(Dag(nodes=[name]).to_tikz())[0] == {0: visible(name)}


@given(drawings() | st.builds(lambda name: Dag(nodes=[name]), st.text(min_size=1)))
@settings(deadline=None, max_examples=100)
def test_every_variable_and_edge_is_drawn_once_in_tikz(dag: Dag) -> None:
    found, edges, places = parsed(dag.to_tikz())
    assert found == {dag.number(name): visible(name) for name in dag.names}
    assert edges == [
        (dag.number(a), arrow, dag.number(b))
        for arrow, pairs in (("->", dag.edges), ("<->, dashed", dag.arcs))
        for a, b in pairs
    ]
    if len(dag.positions) < len(dag.names):
        assert len(set(places)) == len(places)


def test_without_positions_causes_stand_left_of_their_effects() -> None:
    _, _, places = parsed(Dag("a -> b -> c; a -> c; d -> c; d <-> b").to_tikz())
    assert places == ["(0,0.75)", "(3,0)", "(6,0)", "(0,-0.75)"]


def test_positions_and_bends_are_kept_and_point_down_as_in_dagitty() -> None:
    dag = Dag('dag { x [pos="0,0"] y [pos="2,1"] z [pos="1,1"] x -> y [pos="2,0"] }')
    text = dag.to_tikz()
    assert parsed(text)[2] == ["(0,0)", "(12,-6)", "(6,-6)"]
    assert "\\draw[->] (n0) .. controls (8,0) and (12,-2) .. (n1);" in text


AT_ONE_PLACE: dict[str, dict[str, Any]] = {
    "one is missing": {"x": (0, 0)},
    "all at one place": {"x": (1, 1), "y": (1, 1)},
    "too far": {"x": (-1e308, 0), "y": (1e308, 0)},
}


@pytest.mark.parametrize("places", AT_ONE_PLACE.values(), ids=AT_ONE_PLACE)
def test_positions_that_cannot_be_drawn_are_set_aside(places: dict[str, Any]) -> None:
    assert parsed(Dag(edges=[("x", "y")], positions=places).to_tikz())[2] == ["(0,0)", "(3,0)"]


def test_marks_are_styles_and_an_arc_runs_beside_the_arrow() -> None:
    text = Dag("x [e, a]; y [o]; u [l]; s [s]; x -> y; x <-> y; u <-> y").to_tikz()
    assert "\\node[exposure, adjusted] (n2)" in text
    assert "latent/.style={dashed}" in text
    assert "\\draw[<->, dashed] (n2) to[bend left=40] (n3);" in text
    assert "\\draw[<->, dashed] (n1) to[bend left=20] (n3);" in text
    assert "latent" not in Dag("x -> y").to_tikz()

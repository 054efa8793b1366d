"""Tables of edges, as spreadsheets and other programs write them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.errors import NotationError
from causal.graph.dag import Dag
from causal.graph.notation import read
from tests.graph.notation.looks import drawings
from tests.graph.notation.test_arrows import pairs
from tests.strategies import names

XY: dict[str, Any] = {"edges": pairs("xy")}
READ: dict[str, dict[str, Any]] = {
    # headers
    "from,to\nx,y": XY,
    "FROM , To\r\nx,y\r\n": XY,
    "source;target\nx;y\n": XY,
    "cause\teffect\nx\ty\n": XY,
    "parent,child\nx,y": XY,
    "to,from\ny,x": XY,
    "id,target,weight,source\n1,y,.5,x": XY,
    '"from","to"\n"x","y"\n': XY,
    "\n\nfrom,to\n\nx,y\n\n": XY,
    "\ufefffrom,to\rx,y\r": XY,
    "from,to": {},
    # kinds of edge
    "from,to,edge\nx,y,->\nx,z,<-\ny,z,<->\nx,w,": {
        "edges": pairs("xy zx xw"),
        "arcs": pairs("yz"),
    },
    "Source,Target,Type\nx,y,Directed\n": XY,
    "from,to,type\nx,y,bidirected": {"arcs": pairs("xy")},
    '"","v","w","e","x","y"\n"1","x","y","->",NA,NA\n"2","x","z","<->",0,1\n': {
        **XY,
        "arcs": pairs("xz"),
    },
    # variables without arrows
    "from,to\nx,y\nz,\n,w\nv": {**XY, "nodes": ["z", "w", "v"]},
    # names are data
    'from,to\n"a, ""b""","c\nd"\n': {"edges": [('a, "b"', "c\nd")]},
    'from,to\n a  ," b"': {"edges": [("a", " b")]},
    "from,to\nx -> y,{z}": {"edges": [("x -> y", "{z}")]},
    "from,to\ny ~ x,# z": {"edges": [("y ~ x", "# z")]},
    "from,to\nfrom,to": {"edges": [("from", "to")]},
    "from;to\na,b;c": {"edges": [("a,b", "c")]},
    "from,to,edge,note\nx,y,->,\n": XY,
    "from,to\nx,y,,\n": XY,
    # no header
    "x,y\ny,z": {"edges": pairs("xy yz")},
    "x, y\nx, z\n\n": {"edges": pairs("xy xz")},
    '"a b",c\n"d ""e""","a b"\n': {"edges": [("a b", "c"), ('d "e"', "a b")]},
}


@pytest.mark.parametrize("text", READ)
def test_a_table_is_read_as_it_says(text: str) -> None:
    assert read(text) == Dag(**READ[text])


ARROWS = {
    "from; to": {"nodes": ["from", "to"]},
    "from; to\nfrom -> to": {"edges": [("from", "to")]},
    "from -> to; source": {"edges": [("from", "to")], "nodes": ["source"]},
    "x;y\ny;z": {"nodes": ["x", "y", "z"]},
    "x\ty\ny\tz": {"nodes": ["x", "y", "z"]},
    "{a, b} -> c\n": {"edges": pairs("ac bc")},
}


@pytest.mark.parametrize("text", ARROWS)
def test_what_is_a_dag_in_arrows_stays_one(text: str) -> None:
    assert read(text) == Dag(**ARROWS[text])


# The sign ¶ stands before the spot that is marked; it is not part of the text.
REFUSED = {
    "from,to\n¶x,y,z": "this row has 3 fields, and the first row has 2",
    "from,to,edge\n¶x,y,--": "an edge '--' cannot be read",
    "from,to,edge\n¶x,y,o->": "an edge 'o->' cannot be read",
    "Source,Target,Type\n¶x,y,Undirected": "an edge 'undirected' cannot be read",
    "from,to,edge\n¶,,->": "this row names no variable",
    'from,to\nx,¶"y': "this quote is never closed",
    'from,to\nx,y¶"z"': "a quote stands inside a field",
    'from,to\nx,"y"¶z': "the field goes on behind its closing quote",
    "¶start,end\nx,y": "'start' and 'end' do not come again below",
    "x¶, y": "a comma can only stand between the names of a group",
    "x¶,y,z\ny,z,x": "a comma can only stand between the names of a group",
}


@pytest.mark.parametrize("marked", REFUSED)
def test_a_table_that_cannot_be_read_is_refused_at_the_spot(marked: str) -> None:
    with pytest.raises(NotationError) as caught:
        read(marked.replace("¶", ""))
    first, line, caret, *_ = str(caught.value).split("\n")
    assert REFUSED[marked] in first
    row = next(row for row in marked.split("\n") if "¶" in row)
    assert line == "  " + row.replace("¶", "")
    assert caret == "  " + " " * row.index("¶") + "^"


def test_a_table_is_written_in_one_way() -> None:
    dag = Dag(edges=[("x", 'a, "b"')], arcs=[("y", "x")], nodes=[" alone"], latent=["x"])
    assert dag.to_csv() == 'from,to,edge\nx,"a, ""b""",->\nx,y,<->\n" alone",,\n'


@given(drawings())
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_what_the_standard_library_reads(dag: Dag) -> None:
    rows = list(csv.reader(io.StringIO(dag.to_csv(), newline=""), strict=True))
    assert rows[0] == ["from", "to", "edge"]
    told = {tuple(row) for row in rows[1:]}
    expected = {(a, b, "->") for a, b in dag.edges} | {(a, b, "<->") for a, b in dag.arcs}
    drawn = set().union(*dag.edges, *dag.arcs)
    assert told == expected | {(name, "", "") for name in dag.names if name not in drawn}


@given(
    st.lists(st.tuples(names(), names()), max_size=8),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(deadline=None, max_examples=100)
def test_what_the_standard_library_writes_is_read(
    rows: list[tuple[str, str]], separator: str, end: str
) -> None:
    edges = [(a, b) for a, b in rows if a < b]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("cause", "effect"), ("an x", "a y"), *edges])
    assert read(text.getvalue()) == Dag(edges=[("an x", "a y"), *edges])

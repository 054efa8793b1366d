r"""TikZ: the picture of a DAG in a LaTeX document.

::

    \begin{tikzpicture}[>=stealth, ...]
      \node[exposure] (n0) at (0,0) {x};
      \node (n1) at (4,0) {y};
      \draw[->] (n0) -- (n1);
      \draw[<->, dashed] (n0) to[bend left] (n1);
    \end{tikzpicture}

This is a picture and is not read back; it needs the package tikz and no library. Where every
variable has a position, they stand as drawn, with y downwards as on DAGitty's page, and scaled to
centimetres; else in columns, causes left of their effects. Edges take the bends of the drawing.

Nodes are numbered, and a name is text: each sign that means something to TeX is written as the
command that prints it, and what cannot be printed as an escape. Letters beyond ASCII stand as they
are, for which the document's font must have them.

References
----------
.. [1] T. Tantau, "The TikZ and PGF Packages", manual, part III.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from causal.graph.dag import Dag, Link, Position
from causal.graph.notation.statements import marks_of

__all__ = ["write"]

_WIDTH = 12.0  # centimetres of a drawing with positions
_COLUMN, _ROW = 3.0, 1.5  # centimetres between nodes without
_FARTHEST = 100.0  # centimetres to the point that an edge is bent towards
_STYLES = {
    "exposure": "very thick, draw=blue!60!black, fill=blue!10",
    "outcome": "double, draw=orange!60!black, fill=orange!15",
    "latent": "dashed",
    "adjusted": "sharp corners, draw=green!40!black, fill=green!10",
    "selected": "sharp corners, double",
}
_SIGNS = {
    **{sign: f"\\{sign}" for sign in "{}$&#_%"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"{\char34}",
    # Two of these in a row would become another sign.
    **{sign: f"{sign}{{}}" for sign in "-',?!"},
}
_SPECIAL = re.compile("[" + re.escape("".join(_SIGNS)) + r"]|^ | $|(?<= ) ")


@dataclass(frozen=True, slots=True)
class _Frame:
    """The corner of the drawing, and how many centimetres its unit is."""

    left: float
    top: float
    scale: float

    def place(self, place: Position) -> Position:
        x, y = place
        return (x - self.left) * self.scale, (self.top - y) * self.scale


def write(dag: Dag) -> str:
    r"""Write *dag* as a ``tikzpicture``, fit for ``\input`` in a document that loads tikz."""
    at = _frame(dag)
    marks = marks_of(dag)
    used = [mark for mark in _STYLES if any(mark in found for found in marks.values())]
    options = [">=stealth", "every node/.style={draw, rounded corners=8pt, inner sep=5pt}"]
    options += [f"{mark}/.style={{{_STYLES[mark]}}}" for mark in used]
    lines = [
        r"% \documentclass[tikz]{standalone} \begin{document} \input{this file} \end{document}",
        f"\\begin{{tikzpicture}}[{', '.join(options)}]",
    ]
    places = _drawn(dag, at) if at else _columns(dag)
    for number, (name, place) in enumerate(zip(dag.names, places, strict=True)):
        style = f"[{', '.join(marks[name])}]" if name in marks else ""
        lines.append(f"  \\node{style} (n{number}) at {_point(place)} {{{_text(name)}}};")
    joined = {*dag.edges, *((b, a) for a, b in dag.edges)}
    for a, b in dag.edges:
        lines.append(_edge(dag, (a, "->", b), "--", places, at))
    for a, b in dag.arcs:  # beside the arrow, if there is one
        way = f"to[bend left={40 if (a, b) in joined else 20}]"
        lines.append(_edge(dag, (a, "<->", b), way, places, at))
    return "\n".join([*lines, r"\end{tikzpicture}", ""])


def _frame(dag: Dag) -> _Frame | None:
    """How the drawing's positions become centimetres; None where it does not say enough."""
    if not dag.names or len(dag.positions) < len(dag.names):
        return None
    xs, ys = zip(*dag.positions.values(), strict=True)
    extent = max(max(xs) - min(xs), max(ys) - min(ys))
    if not 1e-9 < extent < 1e9:
        return None
    return _Frame(min(xs), min(ys), _WIDTH / extent)


def _drawn(dag: Dag, at: _Frame) -> list[Position]:
    return [at.place(dag.positions[name]) for name in dag.names]


def _columns(dag: Dag) -> list[Position]:
    """A column for each depth, the length of the longest way from a variable without causes."""
    count, children = len(dag.names), dag.adjacency.children
    waiting = [sum(parent < count for parent in parents) for parents in dag.adjacency.parents]
    depth = [0] * count
    ready = [node for node in range(count) if not waiting[node]]
    for node in ready:  # which grows
        for child in children[node]:
            depth[child] = max(depth[child], depth[node] + 1)
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    places: dict[int, Position] = {}
    for column in range(max(depth, default=0) + 1):
        nodes = [node for node in range(count) if depth[node] == column]
        for row, node in enumerate(nodes):
            places[node] = (column * _COLUMN, ((len(nodes) - 1) / 2 - row) * _ROW)
    return [places[node] for node in range(count)]


def _edge(dag: Dag, link: Link, way: str, places: list[Position], at: _Frame | None) -> str:
    a, edge, b = link
    tail, head = dag.number(a), dag.number(b)
    if at and link in dag.bends:
        x, y = at.place(dag.bends[link])
        if abs(x) < _FARTHEST and abs(y) < _FARTHEST:
            # A curve drawn towards one point, in the way of TeX, which wants two.
            near = [
                ((x * 2 + end[0]) / 3, (y * 2 + end[1]) / 3) for end in (places[tail], places[head])
            ]
            way = f".. controls {_point(near[0])} and {_point(near[1])} .."
    style = "->" if edge == "->" else "<->, dashed"
    return f"  \\draw[{style}] (n{tail}) {way} (n{head});"


def _point(place: Position) -> str:
    x, y = (round(number, 2) + 0.0 for number in place)  # no -0
    return f"({x:g},{y:g})"


def _text(name: str) -> str:
    visible = "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name
    )
    return _SPECIAL.sub(lambda found: _SIGNS.get(found[0], "\\ "), visible)

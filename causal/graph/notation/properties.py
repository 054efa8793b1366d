"""The property graph: nodes and edges with attributes, as networkx, GML, GraphML and JSON have it.

Those four say the same things in four ways, so what they mean for a DAG is written once. A node is
a variable; its name is its ``label`` where all nodes have one and no two the same, else its key.
Marks (``exposure=True`` ...) and the position (``pos``) are attributes of the node, a bend is the
``pos`` of an edge, ``name`` and ``bb`` of the graph are title and box. A bidirected edge becomes
what it stands for, a latent node with two children; its attribute ``arc=True`` says so, and the way
back makes it an edge again. Other texts and numbers are kept as text, and what is neither is passed
over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from causal.errors import GraphError, shown
from causal.graph.dag import Dag, Link, Position
from causal.graph.notation.statements import (
    MARKS,
    box_of,
    comma_separated,
    is_false,
    is_true,
    marks_of,
    position,
)

__all__ = ["PropertyGraph", "in_text", "read", "undirected", "write"]

_LONG = {mark: field for mark, field in MARKS.items() if mark + "s" == field or mark == field}

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PropertyGraph:
    """Nodes by their keys, edges as (tail, head, attributes), and what is said of the whole."""

    nodes: Mapping[Any, Values]
    edges: Sequence[tuple[Any, Any, Values]]
    attributes: Values


def undirected(what: str, advice: str) -> GraphError:
    """The error for a graph whose edges have no directions."""
    return GraphError(f"The {what} has no directions, and a DAG needs them. {advice}")


def read(graph: PropertyGraph, what: str, *, labelled: bool = True) -> Dag:
    """Make a `Dag` of *graph*, which messages call *what*.

    Parameters
    ----------
    labelled
        Whether labels, where all nodes have distinct ones, are the names.

    Raises
    ------
    GraphError
        Two keys have the same text, or an attribute makes no sense.
    CycleError
        The arrows go round.
    """
    names = _labels(graph) if labelled else {}
    own = {"label"} if names else set[str]()
    names = names or _keys(graph, what)
    children: dict[Any, dict[Any, None]] = {key: {} for key in graph.nodes}
    for tail, head, _ in graph.edges:
        children[tail][head] = None
    caused = {head for _, head, _ in graph.edges}

    marks: dict[str, set[str]] = {field: set() for field in _LONG.values()}
    positions: dict[str, Any] = {}
    bends: dict[Link, Position] = {}
    texts: dict[str | Link, dict[str, str]] = {"": _texts(graph.attributes, {"bb", "name"})}
    arcs: dict[Any, Link] = {}
    for key, values in graph.nodes.items():
        name, ends = names[key], children[key]
        point = None if values.get("pos") is None else _point(values["pos"])
        if _is_arc(values) and len(ends) == 2 and key not in caused:
            a, b = sorted(names[end] for end in ends)
            link = arcs[key] = (a, "<->", b)
            texts[link] = _texts(values, {*own, "arc", "pos", *MARKS})
            if point is not None:
                bends[link] = point
            continue
        for mark, field in _LONG.items():
            if _on(values, mark, name, what):
                marks[field].add(name)
        if values.get("pos") is not None:
            positions[name] = point
        texts[name] = _texts(values, {*own, "pos", *MARKS})
    drawn = [
        (names[tail], names[head], values) for tail, head, values in graph.edges if tail not in arcs
    ]
    for tail, head, values in drawn:
        if values:
            link = (tail, "->", head)
            texts.setdefault(link, {}).update(_texts(values, {"dir", "pos", *MARKS}))
            point = None if values.get("pos") is None else _point(values["pos"])
            if point is not None:
                bends[link] = point
    box, title = graph.attributes.get("bb"), graph.attributes.get("name")
    return Dag(
        nodes=[name for key, name in names.items() if key not in arcs],
        edges=[(tail, head) for tail, head, _ in drawn],
        arcs=[(a, b) for a, _, b in arcs.values()],
        positions=positions,
        bends=bends,
        box=box_of(box) if isinstance(box, str) else box,
        title=title if isinstance(title, str) else "",
        attributes={subject: kept for subject, kept in texts.items() if kept},
        exposures=marks["exposures"],
        outcomes=marks["outcomes"],
        latent=marks["latent"],
        adjusted=marks["adjusted"],
        selected=marks["selected"],
    )


def write(dag: Dag) -> PropertyGraph:
    """Make a property graph of *dag*, with nothing lost; the keys are the names."""
    marks = marks_of(dag)
    nodes: dict[str, dict[str, Any]] = {}
    for name in dag.names:
        nodes[name] = {**dict.fromkeys(marks.get(name, ()), True), **dag.attributes.get(name, {})}
        if name in dag.positions:
            nodes[name]["pos"] = dag.positions[name]
    edges: list[tuple[str, str, Values]] = []
    for a, b in dag.edges:
        edges.append((a, b, _edge(dag, (a, "->", b))))
    for a, b in dag.arcs:
        cause = f"{a} <-> {b}"
        while cause in nodes:  # some variable has this very name
            cause += " *"
        nodes[cause] = {**_edge(dag, (a, "<->", b)), "latent": True, "arc": True}
        edges += [(cause, a, {}), (cause, b, {})]
    whole: dict[str, Any] = {**dag.attributes.get("", {})}
    if dag.title:
        whole["name"] = dag.title
    if dag.box is not None:
        whole["bb"] = dag.box
    return PropertyGraph(nodes, edges, whole)


def in_text(values: Values) -> dict[str, str | bool]:
    """*values* of a graph that `write` made, with points and boxes as text: ``"1.0,2.0"``."""
    return {
        key: comma_separated(value) if isinstance(value, tuple) else value
        for key, value in values.items()
    }


def _edge(dag: Dag, link: Link) -> dict[str, Any]:
    bend = {"pos": dag.bends[link]} if link in dag.bends else {}
    return {**dag.attributes.get(link, {}), **bend}


def _labels(graph: PropertyGraph) -> dict[Any, str]:
    """The labels of all nodes; nothing if one has none, or two the same."""
    names = {}
    for key, values in graph.nodes.items():
        label = values.get("label")
        if not isinstance(label, str | int | float) or label == "":
            return {}
        names[key] = str(label)
    return names if len(set(names.values())) == len(names) else {}


def _keys(graph: PropertyGraph, what: str) -> dict[Any, str]:
    names: dict[Any, str] = {}
    keys: dict[str, Any] = {}
    for key in graph.nodes:
        name = names[key] = str(key)
        if name in keys:
            raise GraphError(
                f"Two nodes of the {what}, {keys[name]!r} and {key!r}, are both written "
                f"{shown(name)}, and names are text here. Rename one."
            )
        keys[name] = key
    return names


def _is_arc(values: Values) -> bool:
    value = values.get("arc")  # a text of this name is somebody else's
    return not isinstance(value, str) and is_true(value)


def _on(values: Values, mark: str, name: str, what: str) -> bool:
    value = values.get(mark)
    if value is None or is_false(value):
        return False
    if is_true(value):
        return True
    raise GraphError(
        f"The node {shown(name)} of the {what} has {mark}={shown(repr(value))[1:-1]}. "
        "Use True, or leave the attribute out."
    )


def _point(value: Any) -> Position | None:
    """*value*, two numbers or a text of two, as a place; None if it is neither."""
    if isinstance(value, str):
        return position(value)
    try:
        x, y = map(float, value)
    except (TypeError, ValueError, OverflowError):
        return None
    return (x, y) if isfinite(x) and isfinite(y) else None


def _texts(values: Values, taken: set[str]) -> dict[str, str]:
    """What in *values* is kept as text: texts and numbers whose key is not *taken*."""
    return {
        key: str(value)
        for key, value in values.items()
        if isinstance(key, str) and key and key not in taken and _is_plain(value)
        if key != "arc" or isinstance(value, str)
    }


def _is_plain(value: object) -> bool:
    # Python writes no longer numbers than this.
    return isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 10**4000)

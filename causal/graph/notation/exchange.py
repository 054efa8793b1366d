"""`Dag` to `networkx.DiGraph` and back.

Node attributes carry the marks (``exposure=True`` ...) and the position (``pos=(x, y)``). A
bidirected edge becomes what it stands for, a latent node with two children; its attribute
``arc=True`` says so, and the way back makes it an edge again.

networkx is imported only to make a graph: to take one, its own methods are enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from causal.errors import GraphError, MissingPart, shown
from causal.graph.dag import Dag
from causal.graph.notation.statements import MARKS, is_false, is_true, marks_of, position

if TYPE_CHECKING:
    import networkx

__all__ = ["from_networkx", "is_networkx", "to_networkx"]

_LONG = {mark: field for mark, field in MARKS.items() if mark + "s" == field or mark == field}


def is_networkx(source: object) -> bool:
    """Whether *source* is a networkx graph or derived from one, known by its types alone."""
    return any(
        kind.__name__ == "Graph" and kind.__module__.split(".")[0] == "networkx"
        for kind in type(source).__mro__
    )


def from_networkx(graph: networkx.DiGraph[Any]) -> Dag:
    """Read a `networkx.DiGraph`; node keys become text.

    Raises
    ------
    GraphError
        The graph has no directions or parallel edges, two of its keys have the same text, or an
        attribute makes no sense.
    CycleError
        The arrows go round.
    """
    if not graph.is_directed():
        raise GraphError(
            "The networkx graph has no directions, and a DAG needs them. "
            "Build a networkx.DiGraph whose edges point from cause to effect."
        )
    if graph.is_multigraph():
        raise GraphError(
            "The networkx graph can hold parallel edges, which mean nothing in a DAG. "
            "Give networkx.DiGraph(graph), which makes them one."
        )
    names = _names(graph)
    marks: dict[str, set[str]] = {field: set() for field in _LONG.values()}
    positions: dict[str, Any] = {}
    arcs, hidden = [], set()
    for key, attributes in graph.nodes(data=True):
        children = list(graph.successors(key))
        if _on(attributes, "arc", names[key]) and len(children) == 2 and not graph.in_degree(key):
            arcs.append((names[children[0]], names[children[1]]))
            hidden.add(key)
            continue
        for mark, field in _LONG.items():
            if _on(attributes, mark, names[key]):
                marks[field].add(names[key])
        place = attributes.get("pos")
        if place is not None:
            positions[names[key]] = position(place) if isinstance(place, str) else place
    return Dag(
        nodes=[name for key, name in names.items() if key not in hidden],
        edges=[(names[a], names[b]) for a, b in graph.edges() if a not in hidden],
        arcs=arcs,
        positions=positions,
        exposures=marks["exposures"],
        outcomes=marks["outcomes"],
        latent=marks["latent"],
        adjusted=marks["adjusted"],
        selected=marks["selected"],
    )


def to_networkx(dag: Dag) -> networkx.DiGraph[Any]:
    """Make a `networkx.DiGraph` of *dag*, with nothing lost.

    Raises
    ------
    MissingPart
        networkx is not installed.
    """
    try:
        import networkx
    except ImportError:
        raise MissingPart(
            'This needs networkx, which is not installed: pip install "causal-workbench[interop]"'
        ) from None
    graph: networkx.DiGraph[Any] = networkx.DiGraph()
    marks = marks_of(dag)
    for name in dag.names:
        graph.add_node(name, **dict.fromkeys(marks.get(name, ()), True))
        if name in dag.positions:
            graph.nodes[name]["pos"] = dag.positions[name]
    graph.add_edges_from(dag.edges)
    for a, b in dag.arcs:
        cause = f"{a} <-> {b}"
        while cause in graph:  # some variable has this very name
            cause += " *"
        graph.add_node(cause, latent=True, arc=True)
        graph.add_edges_from([(cause, a), (cause, b)])
    return graph


def _names(graph: networkx.DiGraph[Any]) -> dict[Any, str]:
    names: dict[Any, str] = {}
    keys: dict[str, Any] = {}
    for key in graph.nodes():
        name = names[key] = str(key)
        if name in keys:
            raise GraphError(
                f"Two nodes of the networkx graph, {keys[name]!r} and {key!r}, are both written "
                f"{shown(name)}, and names are text here. Rename one."
            )
        keys[name] = key
    return names


def _on(attributes: Mapping[str, Any], mark: str, name: str) -> bool:
    value = attributes.get(mark)
    if value is None or is_false(value):
        return False
    if is_true(value):
        return True
    if mark == "arc":  # not ours
        return False
    raise GraphError(
        f"The node {shown(name)} of the networkx graph has {mark}={shown(repr(value))[1:-1]}. "
        "Use True, or leave the attribute out."
    )

"""`Dag` to `networkx.DiGraph` and back; what nodes, edges and attributes mean is in `properties`.

networkx is imported only to make a graph: to take one, its own methods are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from causal.errors import GraphError, MissingPart
from causal.graph.dag import Dag
from causal.graph.notation import properties

if TYPE_CHECKING:
    import networkx

__all__ = ["from_networkx", "is_networkx", "to_networkx"]


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
        raise properties.undirected(
            "networkx graph", "Build a networkx.DiGraph whose edges point from cause to effect."
        )
    if graph.is_multigraph():
        raise GraphError(
            "The networkx graph can hold parallel edges, which mean nothing in a DAG. "
            "Give networkx.DiGraph(graph), which makes them one."
        )
    held = properties.PropertyGraph(
        dict(graph.nodes(data=True)), list(graph.edges(data=True)), graph.graph
    )
    return properties.read(held, "networkx graph", labelled=False)


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
    held = properties.write(dag)
    graph: networkx.DiGraph[Any] = networkx.DiGraph()
    graph.graph.update(held.attributes)
    graph.add_nodes_from(held.nodes.items())
    graph.add_edges_from(held.edges)
    return graph

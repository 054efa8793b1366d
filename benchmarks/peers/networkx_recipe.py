"""networkx has d-separation and no adjustment: the recipe that makes the one into the other.

A set is valid exactly when it holds no forbidden node (exposure, outcome, or a descendant of a node
on a causal path) and d-separates exposure and outcome in the proper back-door graph, which lacks
the first arrow of every causal path (Perkovic et al. 2018; van der Zander et al. 2019).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx

from benchmarks.peers.contract import Peer

__all__ = ["Contender"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its proper back-door graph."""

    backdoor: nx.DiGraph[Any]
    exposure: str
    outcome: str
    forbidden: set[str]


class Contender(Peer):
    """`is_d_separator` and `find_minimal_d_separator`."""

    packages = ("networkx",)

    def load(
        self,
        nodes: Sequence[str],
        edges: Sequence[tuple[str, str]],
        latent: Collection[str],
    ) -> None:
        """Make the `DiGraph`."""
        self.graph: nx.DiGraph[Any] = nx.DiGraph()
        self.graph.add_nodes_from(nodes)
        self.graph.add_edges_from(edges)
        self.observed = {*nodes} - {*latent}

    def question(self, exposure: str, outcome: str) -> Question:
        """The back-door graph and the forbidden nodes, each in linear time."""
        graph = self.graph
        causal = nx.descendants(graph, exposure) & (nx.ancestors(graph, outcome) | {outcome})
        forbidden = {exposure, outcome}
        if causal:
            forbidden.update(*nx.bfs_layers(graph, causal))
        backdoor = graph.copy()
        backdoor.remove_edges_from([(exposure, child) for child in graph[exposure].keys() & causal])
        return Question(backdoor, exposure, outcome, forbidden)

    def own(self, names: Sequence[str]) -> set[str]:
        """A set of names."""
        return set(names)

    def is_valid(self, question: Question, given: set[str]) -> bool:
        """No forbidden member, and d-separation."""
        return given.isdisjoint(question.forbidden) and nx.is_d_separator(
            question.backdoor, {question.exposure}, {question.outcome}, given
        )

    def minimal_set(self, question: Question) -> list[str] | None:
        """`find_minimal_d_separator` among the observed nodes that are not forbidden."""
        found = nx.algorithms.d_separation.find_minimal_d_separator(
            question.backdoor,
            {question.exposure},
            {question.outcome},
            restricted=self.observed - question.forbidden,
        )
        return None if found is None else sorted(found)

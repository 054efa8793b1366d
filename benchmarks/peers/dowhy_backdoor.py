"""DoWhy's back-door check, and its search for a minimal set.

The check tests d-separation after taking away all arrows out of the exposure, and nothing else: it
accepts mediators and other forbidden nodes, and refuses sets that only the complete criterion
knows. So its verdicts are counted, not relied on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
from dowhy.causal_identifier.auto_identifier import BackdoorAdjustment, identify_backdoor
from dowhy.graph import check_valid_backdoor_set, do_surgery

from benchmarks.peers.contract import Peer

__all__ = ["Contender"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the graph that lacks the arrows out of the exposure."""

    cut: nx.DiGraph[Any]
    exposure: str
    outcome: str


class Contender(Peer):
    """`check_valid_backdoor_set` and `identify_backdoor`."""

    packages = ("dowhy", "networkx")

    def load(
        self,
        nodes: Sequence[str],
        edges: Sequence[tuple[str, str]],
        latent: Collection[str],
    ) -> None:
        """Make the `DiGraph` that DoWhy 0.14 works on."""
        self.graph: nx.DiGraph[Any] = nx.DiGraph()
        self.graph.add_nodes_from(nodes)
        self.graph.add_edges_from(edges)
        self.observed = sorted({*nodes} - {*latent})

    def question(self, exposure: str, outcome: str) -> Question:
        """`do_surgery`."""
        cut = do_surgery(self.graph, [exposure], remove_outgoing_edges=True)
        return Question(cut, exposure, outcome)

    def own(self, names: Sequence[str]) -> list[str]:
        """A list of names."""
        return list(names)

    def is_valid(self, question: Question, given: list[str]) -> bool:
        """`check_valid_backdoor_set` on the graph after surgery."""
        found = check_valid_backdoor_set(
            self.graph,
            [question.exposure],
            [question.outcome],
            given,
            new_graph=question.cut,
        )
        return bool(found["is_dseparated"])

    def minimal_set(self, question: Question) -> list[str] | None:
        """`identify_backdoor` with its method "minimal-adjustment"."""
        found = identify_backdoor(
            self.graph,
            [question.exposure],
            [question.outcome],
            self.observed,
            BackdoorAdjustment.BACKDOOR_MIN,
        )
        return sorted(found[0].get_adjustment_variables()) if found else None

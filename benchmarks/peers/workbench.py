"""The workbench itself, by the calls its users make."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from benchmarks.peers.contract import Peer
from causal.criteria.adjustment import Adjustment, adjust, is_valid, minimal_sets
from causal.criteria.question import Question
from causal.criteria.separator import moral
from causal.graph.dag import Dag

__all__ = ["Contender"]


class Contender(Peer):
    """`causal.criteria`, over a `Dag`."""

    packages = ("causal-workbench",)

    def load(
        self,
        nodes: Sequence[str],
        edges: Sequence[tuple[str, str]],
        latent: Collection[str],
    ) -> None:
        """Make the `Dag`."""
        self.dag = Dag(nodes=nodes, edges=edges, latent=latent)

    def question(self, exposure: str, outcome: str) -> Question:
        """Ask, and settle what the question fixes."""
        question = self.dag.question(exposure, outcome, effect="total")
        assert question.setting is not None
        return question

    def own(self, names: Sequence[str]) -> tuple[str, ...]:
        """A tuple of names, as `adjust` returns them."""
        return tuple(names)

    def is_valid(self, question: Question, given: tuple[str, ...]) -> bool:
        """`causal.criteria.adjustment.is_valid`."""
        return is_valid(question, given)

    def minimal_set(self, question: Question) -> list[str] | None:
        """The first of `minimal_sets`."""
        found = next(minimal_sets(question), None)
        return None if found is None else list(found)

    # What no peer is asked

    def hundred_sets(self, question: Question) -> int:
        """The first 100 of `minimal_sets`: how many there were."""
        return len(list(islice(minimal_sets(question), 100)))

    def hundred_sorted(self, question: Question) -> int:
        """`adjust` with up to 100 minimal sets and all else it answers: how many there were."""
        return len(adjust(question, most=100).minimal_sets)

    def recommended_set(self, question: Question) -> int:
        """The recommended set alone, as `adjust` finds it: how large it is."""
        fixed = question.setting
        graph = moral(fixed.graph, fixed.exposures | fixed.outcomes)
        allowed = graph.within - fixed.unusable
        return len(graph.first_met(fixed.outcomes, allowed | fixed.exposures))

    def minimum_set(self, question: Question) -> int:
        """The minimum set alone, as `adjust` finds it: how large it is."""
        fixed = question.setting
        graph = moral(fixed.graph, fixed.exposures | fixed.outcomes)
        allowed = graph.within - fixed.unusable
        found = graph.minimum_cut(fixed.outcomes, fixed.exposures, allowed, frozenset())
        return len(found)

    def adjust(self, question: Question) -> bool:
        """`adjust`: recommended, nearest, minimum, optimal and canonical set, open paths."""
        found: Adjustment = adjust(question)
        return bool(found)

    def explain(self, question: Question) -> bool:
        """`explain`: both effects, a role and a reason for every variable."""
        return bool(question.explain().total.adjustment)

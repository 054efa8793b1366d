"""CIfly runs reachability programs, written as rule tables, in compiled Rust; ours for adjustment.

Its graphs hold numbers. A table says over which arrows a walk may go on: a row has the arrow the
walk came by, the arrow it may leave by, and a condition on the node where it is (``current``) and
the one it goes to (``next``); the first row that fits decides. The first arrow of every causal path
is out of bounds: C holds the children of X that are on one.

The criterion and the search for one minimal set are those of van der Zander, Liskiewicz & Textor
(2019): a set is valid if it has no forbidden member and no open walk leads from X to Y; a minimal
one is what both ends meet first in the moral graph of their ancestors.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import ciflypy

from benchmarks.peers.contract import Peer

__all__ = ["Contender"]

_ANCESTORS = """
EDGES --> <--
SETS X
START <-- AT X
OUTPUT ...
... | <-- | true
"""
_DESCENDANTS = """
EDGES --> <--
SETS X
START --> AT X
OUTPUT ...
... | --> | true
"""
# A walk that is open given W, never back through X: what leads on from there starts there too.
_OPEN = """
EDGES --> <--
SETS X, C, W
COLORS first, on
START ... [first] AT X
OUTPUT ... [on]
... [first] | --> [on] | next not in X and next not in C
... [first] | <-- [on] | next not in X
--> [on]    | <-- [on] | next not in X and current in W
... [on]    | ... [on] | next not in X and current not in W
"""
# A walk in the moral graph of the ancestors A: within A every collider is open. B, the two ends of
# the arrows that are out of bounds: X in B and C in B never follow one another.
_MORAL = """
EDGES --> <--
SETS S, X, C, A, Z
START <-- AT S
OUTPUT ...
--> | <-- | next in A and (current not in C or next not in X)
... | --> | next in A and current not in Z and (current not in X or next not in C)
... | <-- | next in A and current not in Z and (current not in C or next not in X)
"""
# The ancestors of X and Y without the arrows that are out of bounds.
_ANCESTORS_WITHOUT = """
EDGES --> <--
SETS S, X, C
START <-- AT S
OUTPUT ...
... | <-- | current not in C or next not in X
"""


@dataclass(frozen=True, slots=True)
class Question:
    """A question in node numbers."""

    exposure: int
    outcome: int
    first: list[int]  # C: the children of the exposure on causal paths
    forbidden: set[int]


class Contender(Peer):
    """`ciflypy.reach` with five rule tables, read beforehand like the graph."""

    packages = ("ciflypy",)

    def load(
        self,
        nodes: Sequence[str],
        edges: Sequence[tuple[str, str]],
        latent: Collection[str],
    ) -> None:
        """Number the nodes; read the graph and the tables."""
        self.nodes = nodes
        self.number = {name: i for i, name in enumerate(nodes)}
        arrows = [(self.number[a], self.number[b]) for a, b in edges]
        self.children: dict[int, list[int]] = {}
        for a, b in arrows:
            self.children.setdefault(a, []).append(b)
        self.observed = {self.number[name] for name in {*nodes} - {*latent}}
        self.ancestors, self.descendants, self.open, self.moral, self.ancestors_without = (
            ciflypy.Ruletable(text.strip(), table_as_string=True)
            for text in (_ANCESTORS, _DESCENDANTS, _OPEN, _MORAL, _ANCESTORS_WITHOUT)
        )
        self.graph = ciflypy.Graph({"-->": arrows}, self.ancestors)

    def question(self, exposure: str, outcome: str) -> Question:
        """The causal nodes, and from them the forbidden ones."""
        x, y = self.number[exposure], self.number[outcome]
        after = ciflypy.reach(self.graph, {"X": [x]}, self.descendants)
        before = ciflypy.reach(self.graph, {"X": [y]}, self.ancestors)
        causal = {*after}.intersection(before) - {x}
        forbidden = {*ciflypy.reach(self.graph, {"X": causal}, self.descendants), x, y}
        first = [child for child in self.children.get(x, ()) if child in causal]
        return Question(x, y, first, forbidden)

    def own(self, names: Sequence[str]) -> set[int]:
        """A set of numbers."""
        return {self.number[name] for name in names}

    def is_valid(self, question: Question, given: set[int]) -> bool:
        """No forbidden member, and no open walk."""
        if not given.isdisjoint(question.forbidden):
            return False
        x = [question.exposure]
        reached = ciflypy.reach(self.graph, {"X": x, "C": question.first, "W": given}, self.open)
        return question.outcome not in reached

    def minimal_set(self, question: Question) -> list[str] | None:
        """What a walk from the exposure meets first, and of that a walk from the outcome."""
        x, y = [question.exposure], [question.outcome]
        cut: dict[str, list[int] | set[int]] = {"X": x, "C": question.first}
        within = ciflypy.reach(self.graph, {"S": x + y, **cut}, self.ancestors_without)
        allowed = self.observed.intersection(within) - question.forbidden
        reached = ciflypy.reach(self.graph, {"S": x, **cut, "A": within, "Z": allowed}, self.moral)
        if question.outcome in reached:
            return None
        near = allowed.intersection(reached)
        back = ciflypy.reach(self.graph, {"S": y, **cut, "A": within, "Z": near}, self.moral)
        return sorted(self.nodes[node] for node in near.intersection(back))

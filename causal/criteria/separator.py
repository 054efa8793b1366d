"""Sets that separate exposures from outcomes, found in the moral ancestral graph.

Z d-separates X and Y exactly when it separates them in the *moral graph* of the ancestors of
X, Y and Z: arrows lose their heads, and parents of a common child are joined [1]_. Every minimal
separator that contains a set I lies within the ancestors of X, Y and I [2]_. So the search for sets
is an ordinary search in one undirected graph.

That graph is never built, for a node with many parents would cost the square of their number.
Instead each node stands for its *family*, itself and its parents, all of whom are neighbours of
each other: a step leads from a member to a family and on to its other members.

References
----------
.. [1] S. Lauritzen, A. Dawid, B. Larsen, H. Leimer, "Independence properties of directed Markov
   fields", Networks 20, 1990.
.. [2] B. van der Zander, M. Liskiewicz, J. Textor, "Separators and adjustment sets in causal
   graphs", Artificial Intelligence 270, 2019.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from causal.graph.dag import Adjacency
from causal.graph.walk import ancestors

__all__ = ["Moral", "moral"]


@dataclass(frozen=True, slots=True)
class Moral:
    """The moral graph of an ancestral set, as families."""

    graph: Adjacency
    within: frozenset[int]

    def families(self, node: int) -> Iterable[int]:
        """The families *node* belongs to: its own and those of its children."""
        return (node, *(child for child in self.graph.children[node] if child in self.within))

    def members(self, family: int) -> Iterable[int]:
        """A child and its parents: neighbours of one another."""
        return (family, *self.graph.parents[family])

    def first_met(self, starts: Iterable[int], stops: Collection[int]) -> frozenset[int]:
        """The nodes of *stops* that a walk from *starts* meets before any other of them."""
        seen = set(starts)
        met: set[int] = set()
        entered: set[int] = set()
        todo = list(seen)
        for node in todo:
            for family in self.families(node):
                if family in entered:
                    continue
                entered.add(family)
                for member in self.members(family):
                    if member not in seen:
                        seen.add(member)
                        if member in stops:
                            met.add(member)
                        else:
                            todo.append(member)
        return frozenset(met)

    def minimum_cut(
        self,
        starts: Collection[int],
        ends: Collection[int],
        allowed: Collection[int],
        removed: Collection[int],
    ) -> frozenset[int]:
        """The smallest subset of *allowed* that separates the two sides, nearest to *starts*.

        *removed* nodes are taken out beforehand. A separator must exist. By Menger's theorem the
        smallest has as many members as there are paths that share no allowed node: paths are added
        one at a time, each found by a breadth-first search that may also push earlier ones aside
        (Ford & Fulkerson 1956). What the last, failing search still reached is the side of
        *starts*; the allowed nodes it could enter but not leave are the cut nearest to them.
        """
        # A node is split into an entrance 2v and an exit 2v + 1, joined by an arc of capacity one
        # where allowed and without limit elsewhere. An exit leads to the node's families, a family
        # to its members' entrances, without limit. flow[a][b] is what runs from a to b, less what
        # runs back.
        families = 2 * len(self.graph.parents)
        flow: dict[int, dict[int, int]] = {}

        def onward(place: int) -> list[int]:
            """Where there is room to go on to: along an arc, or back against what flows."""
            running = flow.get(place, {})
            if place >= families:
                members = [m for m in self.members(place - families) if m not in removed]
                back = [2 * m + 1 for m in members if running.get(2 * m + 1, 0) < 0]
                return [2 * m for m in members] + back
            node = place >> 1
            if place & 1:
                back = [place - 1] if running.get(place - 1, 0) < 0 else []
                return [families + f for f in self.families(node)] + back
            back = [step for step, amount in running.items() if step >= families and amount < 0]
            full = node in allowed and running.get(place + 1, 0) > 0
            return back if full else [place + 1, *back]

        sinks = {2 * node for node in ends}
        while True:
            came = dict.fromkeys((2 * node + 1 for node in starts), -1)
            todo = list(came)
            arrived = -1
            for place in todo:
                if place in sinks:
                    arrived = place
                    break
                for step in onward(place):
                    if step not in came:
                        came[step] = place
                        todo.append(step)
            if arrived < 0:
                return frozenset(v for v in allowed if 2 * v in came and 2 * v + 1 not in came)
            while (before := came[arrived]) >= 0:
                there, here = flow.setdefault(before, {}), flow.setdefault(arrived, {})
                there[arrived] = there.get(arrived, 0) + 1
                here[before] = here.get(before, 0) - 1
                arrived = before


def moral(graph: Adjacency, nodes: Iterable[int]) -> Moral:
    """The moral graph of the ancestors of *nodes*."""
    return Moral(graph, frozenset(ancestors(graph, nodes)))

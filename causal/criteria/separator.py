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

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from causal.graph.dag import Adjacency
from causal.graph.walk import ancestors

__all__ = ["Moral", "moral", "separated"]


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
        costs: Mapping[int, int] | None = None,
    ) -> frozenset[int]:
        """The cheapest subset of *allowed* that separates the two sides, nearest to *starts*.

        *removed* nodes are taken out beforehand. A separator must exist. *costs* are whole numbers
        above 0; without them each node costs one, and the cheapest set is the smallest.

        By Menger's theorem the smallest has as many members as there are paths that share no
        allowed node; with costs, a node can be shared as often as it costs. Paths are added in
        rounds, each the shortest ones left, which may push earlier ones aside (Dinic 1970). What
        the last, failing search still reached is the side of *starts*; the allowed nodes it could
        enter but not leave are the cut nearest to them.
        """
        # A node is split into an entrance 2v and an exit 2v + 1, joined by an arc of its cost as
        # capacity where allowed and without limit elsewhere. An exit leads to the node's families,
        # a family to its members' entrances, without limit. flow[a, b] is what runs from a to b,
        # less what runs back.
        families = 2 * len(self.graph.parents)
        flow: dict[tuple[int, int], int] = {}

        def steps(place: int) -> list[int]:
            """Every place joined to this one."""
            if place >= families:
                inside = [m for m in self.members(place - families) if m not in removed]
                return [2 * m + side for m in inside for side in (0, 1)]
            return [place ^ 1, *(families + f for f in self.families(place >> 1))]

        def room(place: int, step: int) -> float:
            """How much more can go from *place* to *step*: back what came, or along an arc."""
            running = flow.get((place, step), 0)
            if place >= families:
                arc = not step & 1
            elif place & 1:
                arc = step >= families
            else:
                arc = step == place + 1
                if arc and (node := place >> 1) in allowed:
                    return (1 if costs is None else costs[node]) - running
            return inf if arc else -running

        sinks = {2 * node for node in ends}
        while True:
            level = {2 * node + 1: 0 for node in starts}
            ahead: dict[int, list[int]] = {}
            todo = list(level)
            for place in todo:
                if place in sinks:
                    break  # all that lies on a shortest path is known
                ahead[place] = [step for step in steps(place) if room(place, step) > 0]
                for step in ahead[place]:
                    if step not in level:
                        level[step] = level[place] + 1
                        todo.append(step)
            if sinks.isdisjoint(level):
                return frozenset(v for v in allowed if 2 * v in level and 2 * v + 1 not in level)
            for start in starts:
                trail = [2 * start + 1]
                while trail:
                    place = trail[-1]
                    if place in sinks:
                        more = int(min(room(*step) for step in pairwise(trail)))
                        for before, after in pairwise(trail):
                            flow[before, after] = flow.get((before, after), 0) + more
                            flow[after, before] = flow.get((after, before), 0) - more
                        trail = trail[:1]
                    elif not ahead.get(place):
                        trail.pop()
                        if trail:
                            ahead[trail[-1]].pop()
                    elif (
                        level[step := ahead[place][-1]] == level[place] + 1
                        and room(place, step) > 0
                    ):
                        trail.append(step)
                    else:
                        ahead[place].pop()


def separated(
    graph: Adjacency,
    starts: Collection[int],
    ends: Collection[int],
    given: Collection[int],
    around: Collection[int],
) -> bool:
    """Whether *given* d-separates the two sides, without a witness: by a search from both at once.

    In turns the smaller front goes on. Where *given* lies close to either side the search ends
    there, however large the graph.

    Parameters
    ----------
    starts, ends, given
        Disjoint.
    around
        The ancestors of *starts* and *ends*.
    """
    parents, children = graph.parents, graph.children
    beyond = ancestors(graph, (node for node in given if node not in around), avoiding=around)
    seen, fronts = (set(starts), set(ends)), [list(starts), list(ends)]
    entered: tuple[set[int], set[int]] = (set(), set())
    side = 0
    while fronts[side]:
        mine, others, families = seen[side], seen[1 - side], entered[side]
        front: list[int] = []
        for node in fronts[side]:
            for family in (node, *children[node]):
                if family in families or (family not in around and family not in beyond):
                    continue
                families.add(family)
                for member in (family, *parents[family]):
                    if member not in mine and member not in given:
                        if member in others:
                            return False
                        mine.add(member)
                        front.append(member)
        fronts[side] = front
        if len(fronts[1 - side]) < len(front):
            side = 1 - side
    return True


def moral(graph: Adjacency, nodes: Iterable[int]) -> Moral:
    """The moral graph of the ancestors of *nodes*."""
    return Moral(graph, frozenset(ancestors(graph, nodes)))

"""All minimal separators, one after the other, without trying sets.

Each minimal separator S of two sides is named by the component of the near side that it cuts off.
Take a member across to that side, and the separator nearest to the larger side is another one; by
such steps every minimal separator comes from the nearest of all. To meet each one once, a step may
be told to keep some members: of those that are free the first is taken across; or it is kept, and
the second is; and so on. Whatever comes of these choices differs in one of the kept ones, so
nothing is listed twice, and nothing need be remembered. What does not keep them ends at once. The
delay between two sets is therefore polynomial, linear walks times the number of members and of
steps [1]_ [2]_.

References
----------
.. [1] K. Takata, "Space-optimal, backtracking algorithms to list the minimal vertex separators of a
   graph", Discrete Applied Mathematics 158, 2010.
.. [2] B. van der Zander, M. Liskiewicz, J. Textor, "Separators and adjustment sets in causal
   graphs", Artificial Intelligence 270, 2019.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from causal.criteria.separator import Moral

__all__ = ["minimal_separators"]

Nodes = frozenset[int]


def minimal_separators(
    graph: Moral, near: Nodes, far: Nodes, allowed: Nodes, removed: Nodes
) -> Iterator[Nodes]:
    """Every minimal subset of *allowed* that separates the two sides, the one nearest first.

    Parameters
    ----------
    graph
        The moral graph of the ancestors of all that is named here.
    near, far
        The two sides; some subset of *allowed* must separate them.
    allowed
        What may be in a separator.
    removed
        What is held fixed already: no walk passes it, no separator holds it.
    """
    stops = allowed | removed
    border = graph.first_met(near, stops) & allowed
    yield graph.first_met(far, border | removed) & border  # who wants but one waits for no more

    joined = _contract(graph, near, far, allowed, removed)
    beside_far = joined.walk(far, allowed)[1]

    def across(side: Nodes, border: Nodes) -> tuple[Nodes, Nodes]:
        """The separator nearest to *side*, whose neighbours are *border*, and the side it cuts off.

        Of the border, only what the far side can reach matters: the rest joins the near side, and
        what lies behind it.
        """
        separator = joined.walk(far, border)[1]
        behind = joined.walk(border - separator, separator | side)[0]
        return side | behind, separator

    side, separator = across(*joined.walk(near, allowed))
    # What is open: a near side, its separator, and which of its members are kept from here on.
    waiting = [_Branch(side, separator, frozenset(), iter(sorted(separator - beside_far)))]
    while waiting:
        branch = waiting[-1]
        node = next(branch.free, None)
        if node is None:
            waiting.pop()
            continue
        beyond = joined.walk([node], allowed)[1] - branch.side
        grown = branch.side | {node}
        side, separator = across(grown, (branch.separator | beyond) - grown)
        kept = branch.kept
        branch.kept = kept | {node}
        if kept <= separator:
            yield separator
            free = iter(sorted(separator - kept - beside_far))
            waiting.append(_Branch(side, separator, kept, free))


@dataclass(slots=True)
class _Branch:
    """A separator whose members are taken across one by one."""

    side: Nodes
    separator: Nodes
    kept: Nodes  # grows: what was taken across once is kept afterwards
    free: Iterator[int]


@dataclass(frozen=True, slots=True)
class _Joined:
    """The moral graph with all but the sides and the allowed nodes drawn together into groups.

    The members of a group are neighbours of one another: they share a family, or families that hang
    together by nodes which no separator can hold.
    """

    groups: Mapping[int, Sequence[int]]  # of each node
    members: Sequence[Sequence[int]]  # of each group

    def walk(self, starts: Iterable[int], stops: Collection[int]) -> tuple[Nodes, Nodes]:
        """What a walk from *starts* comes to, and where *stops* end it."""
        groups, members = self.groups, self.members
        todo = list(starts)
        seen, met, entered = set(todo), set(), set()
        for node in todo:  # the list grows while it is read: a queue
            for group in groups[node]:
                if group not in entered:
                    entered.add(group)
                    for member in members[group]:
                        if member not in seen:
                            seen.add(member)
                            if member in stops:
                                met.add(member)
                            else:
                                todo.append(member)
        return frozenset(todo), frozenset(met)


def _contract(graph: Moral, near: Nodes, far: Nodes, allowed: Nodes, removed: Nodes) -> _Joined:
    """The part of *graph* between the two sides, contracted."""
    ends = near | far | allowed
    groups: dict[int, list[int]] = {node: [] for node in ends}
    members: list[list[int]] = []
    entered: set[int] = set()
    todo = sorted(near)
    seen = set(todo)
    for node in todo:
        if node in far:
            continue
        for family in graph.families(node):
            if family in entered:
                continue
            # One group: this family, and those that its other members lead on to.
            entered.add(family)
            group, found, inside = len(members), set[int](), [family]
            for one in inside:
                for member in graph.members(one):
                    if member in removed:
                        continue
                    if member in ends:
                        found.add(member)
                        continue
                    for other in graph.families(member):
                        if other not in entered:
                            entered.add(other)
                            inside.append(other)
            members.append(sorted(found))
            for member in members[-1]:
                groups[member].append(group)
                if member not in seen:
                    seen.add(member)
                    todo.append(member)
    return _Joined(groups, members)

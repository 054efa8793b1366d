"""All minimal separators, one after the other, without trying sets.

Each minimal separator S of the two sides is named by the component of the near side that it cuts
off: the side grows one node at a time, and each node on its border either joins it or is settled to
belong to S. Two walks after each step, one from the far side to the border and one back, put the
border where it is minimal again, so that no branch is a dead end but those that swallow a settled
node; each of these ends at once. The delay between two sets is therefore polynomial, linear walks
times the number of nodes that may be in a set [1]_ [2]_.

References
----------
.. [1] K. Takata, "Space-optimal, backtracking algorithms to list the minimal vertex separators of a
   graph", Discrete Applied Mathematics 158, 2010.
.. [2] B. van der Zander, M. Liskiewicz, J. Textor, "Separators and adjustment sets in causal
   graphs", Artificial Intelligence 270, 2019.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    beside_far = graph.first_met(far, stops | near)

    def border(side: Nodes) -> Nodes:
        """The allowed nodes that a walk from *side* meets first."""
        return graph.first_met(near | side, stops - side) - removed

    # A branch: the nodes known to be on the near side, and those settled to be in the separator.
    waiting: list[tuple[Nodes, Nodes]] = [(frozenset(), frozenset())]
    while waiting:
        side, settled = waiting.pop()
        # Of the border, only what the far side can reach matters: the rest joins the near side.
        separator = graph.first_met(far, border(side) | removed) - removed
        if not settled <= separator:
            continue
        side = graph.reached(near | side, separator | removed) & allowed
        free = sorted(separator - settled - beside_far)
        if not free:
            yield separator
            continue
        # The branch that keeps the border where it is comes first: nearest sets first.
        waiting += [(side | {free[0]}, settled), (side, settled | {free[0]})]

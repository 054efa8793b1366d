"""The front door: a total effect that is found piece by piece, by way of what lies between.

A latent common cause of exposure X and outcome Y leaves no adjustment set. Where a set M of
observed variables carries the whole effect and is itself out of that cause's reach, the effect can
still be had in two steps, X on M and M on Y given X [1]_. M satisfies the *front-door criterion*
when

1. M intercepts every directed path from X to Y;
2. no back-door path from X to M is open, with nothing held fixed;
3. X blocks every back-door path from M to Y.

Then E[Y | do(x)] is the sum over m of P(m | x) times the sum over x' of E[Y | x', m] P(x'): in a
linear model, the effects of X on the members of M, each times the coefficient of that member in the
regression of Y on M and X. A back-door path from a *set* begins with an arrow into a member and
leaves no member by an arrow out of it, as in an experiment that sets them all: 3. says that X
d-separates M and Y once the arrows out of M are removed [2]_.

**Three walks find the largest such set**, in linear time [3]_, because 2. makes 3. simple: a path
from M that meets itself head to head at X, or above X, would lead to X by the back door. So a
back-door path that X leaves open goes up from a member, then down. Whatever it reaches from Y that
way is no member; each variable that drops out lets such paths pass where it was left. What is
left at the end is the largest set with 2. and 3.; if it does not intercept all, no set does.

**A minimal one** is found in it [3]_. Needed are, of the members from which an arrow leads on to Y
past all other members (*last* ones), those that X comes to first, for each is the only last one on
some directed path; and, again and again, each last one that a back-door path from a needed one
reaches, for by it such a path goes on to Y. These are enough.

References
----------
.. [1] J. Pearl, "Causal diagrams for empirical research", Biometrika 82, 1995; *Causality*, 2nd ed.
   2009, definition 3.3.3 and theorem 3.3.4.
.. [2] H. Jeong, J. Tian, E. Bareinboim, "Finding and listing front-door adjustment sets",
   NeurIPS 2022.
.. [3] M. Wienöbst, B. van der Zander, M. Liskiewicz, "Linear-time algorithms for front-door
   adjustment in causal graphs", AAAI 2024.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from causal.criteria.question import Question
from causal.graph.dag import Adjacency
from causal.graph.paths import MOST_PATHS
from causal.graph.walk import Path, ancestors, descendants, directed_path

__all__ = ["FrontDoor", "front_door"]


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """A minimal set that satisfies the front-door criterion, sorted, and what it carries.

    ``paths``: for each member that the exposure comes to first (the first 20 of them), a shortest
    directed path from exposure to outcome through it and no other member. A member may lie on none:
    it is there to close a back-door path of another one.
    """

    names: tuple[str, ...]
    paths: tuple[Path, ...]


def front_door(question: Question) -> FrontDoor | None:
    """Find a minimal front-door set for the total effect of one exposure on one outcome.

    None where no set satisfies the criterion, where no effect is drawn (there is nothing to carry),
    for the direct effect, and for several exposures or outcomes. None as well where a variable is
    marked ``adjusted`` or ``selected``: the criterion holds nothing else fixed, and says nothing of
    a selected population.

    Linear in the graph.
    """
    dag, fixed = question.dag, question.setting
    graph = dag.adjacency
    single = len(fixed.exposures) == 1 and len(fixed.outcomes) == 1
    marked = dag.adjusted or dag.selected
    if question.effect != "total" or not single or marked or fixed.assumes_zero:
        return None
    (x,), (y,) = fixed.exposures, fixed.outcomes

    by_back_door = descendants(graph, ancestors(graph, [x]) - {x}, avoiding={x})
    candidates = set(range(len(dag.names))) - dag.hidden - {x, y} - by_back_door
    largest = candidates - _confounded(graph, x, y, candidates)
    if directed_path(graph, [x], [y], avoiding=largest):
        return None

    onward = ancestors(graph, [y], avoiding=largest)
    last = {node for node in largest if not onward.isdisjoint(graph.children[node])}
    begun = descendants(graph, [x], avoiding=last)
    first = {node for node in last if not begun.isdisjoint(graph.parents[node])}
    members = _with_those_behind(graph, first, last)

    paths = []
    for node in sorted(first)[:MOST_PATHS]:
        to = directed_path(graph, [x], [node], avoiding=members - {node})
        on = directed_path(graph, [node], [y], avoiding=members)
        assert to is not None
        assert on is not None
        paths.append(to + on)
    return FrontDoor(dag.named(members), tuple(paths))


def _confounded(graph: Adjacency, x: int, y: int, candidates: Collection[int]) -> set[int]:
    """What is joined to *y* by back-door paths that neither *x* nor a candidate left stops.

    *above* are the nodes from which a directed path leads to *y* past *x* and all that is still a
    candidate; *reached* is what lies below them. A candidate reached is one no longer.
    """
    above, reached, waiting = {y}, {y}, set[int]()
    todo = [y]
    while todo:
        node = todo.pop()
        for child in graph.children[node]:
            if child != x and child not in reached:
                reached.add(child)
                if child in waiting:
                    above.add(child)
                todo.append(child)
        if node in above:
            for parent in graph.parents[node]:
                if parent == x or parent in above:
                    continue
                if parent in candidates and parent not in reached:
                    waiting.add(parent)
                else:
                    above.add(parent)
                    reached.add(parent)
                    todo.append(parent)
    return reached


def _with_those_behind(graph: Adjacency, first: Collection[int], last: Collection[int]) -> set[int]:
    """*first*, and all of *last* that back-door paths from it, and then from those, come to.

    The paths go up (*raised*), then down (*lowered*), and leave none of *last* by an arrow down.
    Those by way of the exposure, which blocks them, need no care: they lead to *first* only, for
    what else they could come to is joined to the exposure by the back door.
    """
    raised, lowered = set(first), set[int]()
    todo = list(first)
    while todo:
        node = todo.pop()
        if node in raised:
            for parent in graph.parents[node]:
                if parent not in raised:
                    raised.add(parent)
                    todo.append(parent)
        if node not in last:
            for child in graph.children[node]:
                if child not in raised and child not in lowered:
                    (raised if child in last else lowered).add(child)
                    todo.append(child)
    return raised.intersection(last)

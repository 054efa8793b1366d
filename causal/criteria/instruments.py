"""Instruments: what can stand in for an adjustment set where a latent cause leaves no valid one.

A variable Z is a *conditional instrument* given a set S [1]_ when, in the graph H of the question
(`causal.criteria.setting`: all arrows of the asked effect removed), with S held fixed,

* Z is d-separated from the outcome Y: what it has to do with Y, it has by way of the asked effect;
* Z is d-connected with the exposure X: it has something to do with it at all;

and neither Z nor a member of S is forbidden, X or Y [2]_ [3]_.

Then cov(Z, Y | S) / cov(Z, X | S) is the effect, **where the model is linear**. Let Y' be the
outcome, the noises being what they are, if the removed arrows had no effect. Linearity says
Y = effect * X + Y'. No variable but the forbidden ones changes with these arrows, so Z, S and X
are the same in H, and there Z is independent of Y' given S: cov(Z, Y | S) is effect * cov(Z, X | S)
plus cov(Z, Y' | S), which is 0. One criterion thus does for both effects. Without linearity an
instrument yields a bound, or the effect in a part of the population: adjustment asks for less.

Whether one given Z has such a set S is an NP-hard question [1]_. But whenever any conditional
instrument exists an *ancestral* one does: its S lies among the ancestors of Y and Z, and the
separator of Z and Y that is nearest to Y will do, for it is the one that cuts off least of Z. It is
found by two walks in the moral graph: the first allowed nodes met from Y, and those of them first
met from Z. It is minimal: without any one of its members, or several, Z is connected with Y.

So not every conditional instrument is told. One is whenever there is any; and every variable is
that needs no set, or none beyond what is marked ``adjusted``. With such marks, or ``selected``
ones, which are held fixed throughout, what is told is right, but the theorem that one is told
whenever there is any does not speak of them.

References
----------
.. [1] B. van der Zander, J. Textor, M. Liskiewicz, "Efficiently finding conditional instruments for
   causal inference", IJCAI 2015.
.. [2] C. Brito, J. Pearl, "Generalized instrumental variables", UAI 2002.
.. [3] L. Henckel, M. Buttenschoen, M. Maathuis, "Graphical tools for selecting conditional
   instrumental sets", Biometrika 111, 2024.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from causal.criteria.question import Question
from causal.criteria.separator import Moral, moral
from causal.graph.dag import Adjacency
from causal.graph.walk import reach

__all__ = ["MOST_INSTRUMENTS", "Instrument", "Instruments", "instruments"]

Names = tuple[str, ...]

MOST_INSTRUMENTS = 20
"""How many instruments people are shown at most."""
MOST_VISITS = 200_000
"""Variables tried times nodes walked, at most, in the search for sets."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A variable and the set, sorted, that must be held fixed for it to be an instrument."""

    name: str
    given: Names


@dataclass(frozen=True, slots=True)
class Instruments:
    """Instruments, by the size of the set, then by name. True where there is one.

    ``complete``: every variable was tried, and all that were found are here.
    """

    found: tuple[Instrument, ...]
    complete: bool

    def __bool__(self) -> bool:
        return bool(self.found)


def instruments(question: Question, *, most: int = MOST_INSTRUMENTS) -> Instruments:
    """Find the ancestral instruments of one exposure for one outcome.

    Those that need no set take two walks. Each other variable takes linear walks of its own, those
    drawn near the exposure first; in large graphs the farthest are not tried.

    Several exposures or outcomes, and data selected on what the effect moves, have none. A variable
    marked ``adjusted`` is in every set, hence is no instrument itself; where one may be in no set,
    there is no instrument.

    Parameters
    ----------
    question
        Exposure, outcome, effect.
    most
        How many to list at most.
    """
    dag, fixed = question.dag, question.setting
    graph, xs, ys = fixed.graph, fixed.exposures, fixed.outcomes
    forced = dag.numbers(dag.adjusted)
    single = len(xs) == 1 and len(ys) == 1
    if not single or fixed.spoilt or forced & fixed.unusable:
        return Instruments((), complete=True)

    held = forced | fixed.selected
    by_exposure, by_outcome = reach(graph, xs, held), reach(graph, ys, held)
    tried = [n for n in _outwards(graph, xs) if n not in fixed.unusable and n not in held]
    sets = {n: forced for n in tried if n in by_exposure and n not in by_outcome}

    def around(node: int | None) -> tuple[Moral, frozenset[int]]:
        """The moral graph of the ancestors of *node* and outcome, and what is met from the latter.

        Met first, that is, of all that may be in a set or is held fixed, *node* among it.
        """
        near = moral(graph, ys | held if node is None else {node, *ys, *held})
        return near, near.first_met(ys, near.within - fixed.unusable | held)

    shared = around(None)  # for the ancestors of the outcome all the same
    visits = 0
    # Where those without a set are already too many, no other would be shown.
    for node in [n for n in tried if n in by_outcome] if len(sets) <= most else ():
        if visits > MOST_VISITS:
            break
        near, met = shared if node in shared[0].within else around(node)
        visits += 1 if near is shared[0] else len(near.within)
        if node in met:
            continue
        given = near.first_met([node], met | held) & met - held
        reached = reach(graph, [node], given | held, until=xs).nodes
        visits += len(reached)
        if xs <= reached:
            sets[node] = given | forced
    found = sorted(
        (Instrument(dag.names[node], dag.named(given)) for node, given in sets.items()),
        key=lambda one: (len(one.given), one.name),
    )
    return Instruments(tuple(found[:most]), complete=visits <= MOST_VISITS and len(found) <= most)


def _outwards(graph: Adjacency, starts: Collection[int]) -> list[int]:
    """All nodes joined to *starts* by arrows of whatever direction, the nearest first."""
    order = sorted(starts)
    seen = set(order)
    for node in order:  # the list grows while it is read: a queue
        for other in (*graph.parents[node], *graph.children[node]):
            if other not in seen:
                seen.add(other)
                order.append(other)
    return order

"""Which sets of variables, held fixed in a regression, give the effect that is asked.

All sets come from one rule for both effects. Among the ancestors of exposures, outcomes and forced
nodes, walk in the moral graph from the outcomes, never through a forced node, and stop at the first
*allowed* nodes (observed, not forbidden). If the walk reaches an exposure first, no set is valid
[1]_. Otherwise the nodes it stopped at, with the forced ones, are the **recommended set**: valid,
and close to the outcome, where a covariate explains most of its noise. It equals the O-set of
Henckel, Perkovic & Maathuis [2]_, of lowest asymptotic variance, whenever that is observed, and for
the direct effect the other parents of the outcome. Those of its members that a walk from the
exposures meets first are the **nearest minimal set**: without any one of them a path opens. The
rest is there for precision only. The **minimum set** is the smallest cut nearest to the outcome
[3]_.

References
----------
.. [1] B. van der Zander, M. Liskiewicz, J. Textor, "Separators and adjustment sets in causal
   graphs", Artificial Intelligence 270, 2019.
.. [2] L. Henckel, E. Perkovic, M. Maathuis, "Graphical criteria for efficient total effect
   estimation via adjustment in causal linear models", JRSS B 84, 2022.
.. [3] E. Smucler, F. Sapienza, A. Rotnitzky, "Efficient adjustment sets in causal graphical models
   with hidden variables", Biometrika 109, 2022.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from causal.criteria.enumeration import minimal_separators
from causal.criteria.question import Question
from causal.criteria.separator import Moral, moral
from causal.criteria.setting import Setting, setting
from causal.graph.paths import open_paths
from causal.graph.walk import Path, ancestors

__all__ = ["MOST_SETS", "Adjustment", "Because", "Status", "adjust", "is_valid"]

Status = Literal["none_needed", "sets", "not_identifiable"]
Because = Literal["open_path", "forced", "outcome_causes_exposure"]
Names = tuple[str, ...]

MOST_SETS = 100
"""How many minimal sets people are shown at most."""
MOST_VISITS = 200_000
"""Sets listed times nodes walked, at most: beyond, a list takes longer than it is worth."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The three-way answer: nothing needed, these sets, or not identifiable by adjustment.

    Sets are sorted tuples of names and contain the forced nodes. True unless not identifiable.
    """

    question: Question
    forced: Names
    status: Status
    adjust_for: Names | None  # the recommended set
    nearest: Names | None  # the recommended set less what is there for precision only
    minimal_sets: tuple[Names, ...]  # by size, then by name
    more_sets: bool  # there are others, which were not asked for
    minimum_set: Names | None
    optimal_set: Names | None
    canonical_set: Names | None
    assumes_zero: bool
    because: Because | None
    open_paths: tuple[Path, ...]

    def __bool__(self) -> bool:
        return self.status != "not_identifiable"

    @property
    def sets(self) -> tuple[Names, ...]:
        """The sets of which no part is enough: a choice for who lacks a variable of another."""
        return self.minimal_sets


def is_valid(question: Question, names: Iterable[str]) -> bool:
    """Whether exactly the set *names* is a valid adjustment set; ``[adjusted]`` marks are ignored.

    Raises
    ------
    UnknownVariable
        A name the DAG lacks.
    """
    return setting(question).admits(question.dag.numbers(names))


def adjust(
    question: Question,
    forbidden: Collection[str] = (),
    *,
    forced: Collection[str] | None = None,
    most: int = 1,
) -> Adjustment:
    """Find the sets that answer *question*, in linear time (the minimum set: a min-cut).

    Parameters
    ----------
    question
        Exposures, outcomes, effect.
    forbidden
        Names the user will not adjust for; they count as latent.
    forced
        Names that every set must contain; by default those the DAG marks ``[adjusted]``.
    most
        How many minimal sets to list at most; each takes linear walks, and in large graphs fewer
        are listed. One is the nearest.

    Raises
    ------
    UnknownVariable
        A name in *forbidden* or *forced* that the DAG lacks.
    """
    dag, fixed = question.dag, setting(question)
    barred = fixed.unusable | dag.numbers(forbidden)
    required = dag.numbers(dag.adjusted if forced is None else forced)

    # Ancestors without the removed arrows: an exposure stays an ancestor of itself all the same.
    causes = ancestors(fixed.graph, fixed.exposures | fixed.outcomes | required | fixed.selected)
    canonical = required | (causes - barred - fixed.selected)

    because: Because | None = None
    if question.effect == "direct" and ancestors(dag.adjacency, fixed.exposures) & fixed.outcomes:
        because = "outcome_causes_exposure"
    elif required & barred:
        because = "forced"
    elif fixed.spoilt or fixed.leak(frozenset(canonical)) is not None:
        because = "open_path"
    # Under not_identifiable: what stays open although all that may be adjusted for is.
    given = required if because is None else canonical
    held = (given | fixed.selected) - fixed.exposures - fixed.outcomes
    biasing = open_paths(fixed.graph, fixed.exposures, fixed.outcomes, held).paths

    status: Status = "not_identifiable"
    found = because is None
    chosen = None
    if found:
        status = "none_needed" if fixed.leak(required) is None else "sets"
        chosen = _sets(fixed, required, barred, most)
    return Adjustment(
        question=question,
        forced=dag.named(required),
        status=status,
        adjust_for=dag.named(chosen.recommended) if chosen else None,
        nearest=dag.named(chosen.nearest) if chosen else None,
        minimal_sets=tuple(
            sorted(map(dag.named, chosen.minimal), key=lambda names: (len(names), names))
            if chosen
            else ()
        ),
        more_sets=chosen is not None and chosen.more and status == "sets",
        minimum_set=dag.named(chosen.minimum) if chosen else None,
        optimal_set=_optimal(question, fixed, required, barred) if found else None,
        canonical_set=dag.named(canonical) if found else None,
        assumes_zero=fixed.assumes_zero,
        because=because,
        open_paths=biasing,
    )


def _optimal(
    question: Question, fixed: Setting, forced: frozenset[int], barred: frozenset[int]
) -> Names | None:
    """The O-set, parents of the causal nodes that are not forbidden, where it is one to be had.

    For the direct effect these are the other parents of the outcomes. The theorem speaks of
    outcomes that the exposures reach, and of no node forced or selected.
    """
    if forced or fixed.selected or not fixed.outcomes <= fixed.causal:
        return None
    ends = fixed.causal if question.effect == "total" else fixed.outcomes
    parents = {parent for node in ends for parent in question.dag.adjacency.parents[node]}
    best = parents - (fixed.forbidden if question.effect == "total" else fixed.exposures | ends)
    return None if best & barred else question.dag.named(best)


@dataclass(frozen=True, slots=True)
class _Sets:
    """Sets that hold the forced nodes, by number."""

    recommended: frozenset[int]
    nearest: frozenset[int]
    minimum: frozenset[int]
    minimal: tuple[frozenset[int], ...]
    more: bool


def _sets(fixed: Setting, forced: frozenset[int], barred: frozenset[int], most: int) -> _Sets:
    """The sets by their names, one of which exists."""
    held = forced | fixed.selected
    graph: Moral = moral(fixed.graph, fixed.exposures | fixed.outcomes | held)
    allowed = graph.within - barred - held
    near_outcome = graph.first_met(fixed.outcomes, allowed | held | fixed.exposures)
    recommended = near_outcome - held
    nearest = graph.first_met(fixed.exposures, recommended | held) & recommended
    minimum = graph.minimum_cut(fixed.outcomes, fixed.exposures, allowed, held)
    minimal, more = [nearest], True
    if most > 1:
        count = min(most, max(1, MOST_VISITS // len(graph.within)))
        listed = minimal_separators(graph, fixed.outcomes, fixed.exposures, allowed, held)
        minimal = list(islice(listed, count))
        more = next(listed, None) is not None
    return _Sets(
        recommended | forced,
        nearest | forced,
        minimum | forced,
        tuple(names | forced for names in minimal),
        more,
    )

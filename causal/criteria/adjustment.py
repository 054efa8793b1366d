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
[3]_, and the **cheapest set** the one of least cost, where variables have costs.

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

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import isfinite, lcm
from typing import Literal

from causal.criteria.enumeration import minimal_separators
from causal.criteria.question import Question
from causal.criteria.separator import Moral
from causal.errors import QuestionError, shown
from causal.graph.paths import open_paths
from causal.graph.walk import Path, ancestors

__all__ = [
    "MOST_SETS",
    "Adjustment",
    "Because",
    "Status",
    "adjust",
    "is_valid",
    "minimal_sets",
    "smallest_set",
]

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
    refused: Names  # what the user will not adjust for, though it was measured
    status: Status
    adjust_for: Names | None  # the recommended set
    nearest: Names | None  # the recommended set less what is there for precision only
    minimal_sets: tuple[Names, ...]  # by size, then by name
    more_sets: bool  # there are others, which were not asked for
    minimum_set: Names | None
    cheapest_set: Names | None  # of least cost, where costs are given
    optimal_set: Names | None
    canonical_set: Names | None
    assumes_zero: bool
    because: Because | None
    given: Names  # forced; where no set is valid, all that may be adjusted for
    open_paths: tuple[Path, ...]  # biasing ones, with only *given* held fixed
    repairs: Names  # measuring (or not refusing) any one of these would make a set valid

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
    return question.setting.admits(question.dag.numbers(names))


def adjust(
    question: Question,
    forbidden: Collection[str] = (),
    *,
    forced: Collection[str] | None = None,
    costs: Mapping[str, float] | None = None,
    most: int = 1,
) -> Adjustment:
    """Find the sets that answer *question*, in linear time (minimum and cheapest set: a min-cut).

    Parameters
    ----------
    question
        Exposures, outcomes, effect.
    forbidden
        Names the user will not adjust for; they count as latent.
    forced
        Names that every set must contain; by default those the DAG marks ``[adjusted]``.
    costs
        What it costs to measure a variable, in any unit; 1 where nothing is said. Among sets of
        the same cost the cheapest set is the smallest.
    most
        How many minimal sets to list at most; each takes linear walks, and in large graphs fewer
        are listed. One is the nearest. `minimal_sets` lists them all, one at a time.

    Raises
    ------
    UnknownVariable
        A name in *forbidden*, *forced* or *costs* that the DAG lacks.
    QuestionError
        An exposure or outcome among *forbidden*; a cost that is no number, or below 0.
    """
    dag, fixed = question.dag, question.setting
    for name in forbidden:
        if name in (*question.exposures, *question.outcomes):
            raise QuestionError(
                f"{shown(name)} cannot be forbidden: the question is about it, so no set holds it "
                "anyway. Leave it out."
            )
    task = _task(question, forbidden, forced)
    weights = None if costs is None else _weights(question, costs)
    because = task.because
    # Under not_identifiable: what stays open although all that may be adjusted for is.
    given = task.forced if because is None else task.canonical
    held = (given | fixed.selected) - fixed.exposures - fixed.outcomes
    biasing = open_paths(fixed.graph, fixed.exposures, fixed.outcomes, held).paths

    status: Status = "not_identifiable"
    chosen = None
    if because is None:
        status = "none_needed" if fixed.closes(task.forced) else "sets"
        chosen = _sets(task, most, weights)
    return Adjustment(
        question=question,
        forced=dag.named(task.forced),
        refused=dag.named(dag.numbers(forbidden) - dag.hidden),
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
        cheapest_set=None if chosen is None or costs is None else dag.named(chosen.cheapest),
        optimal_set=_optimal(task) if chosen else None,
        canonical_set=dag.named(task.canonical) if chosen else None,
        assumes_zero=fixed.assumes_zero,
        because=because,
        given=dag.named(given),
        open_paths=biasing,
        repairs=_repairs(task, because),
    )


def minimal_sets(
    question: Question,
    forbidden: Collection[str] = (),
    *,
    forced: Collection[str] | None = None,
) -> Iterator[Names]:
    """Every minimal valid set, one at a time and the nearest first; nothing where none is valid.

    Minimal: contains the forced nodes, and without any one of the others it is not valid. There may
    be more of them than can ever be listed, but the next one takes polynomial time only.

    Raises
    ------
    UnknownVariable
        A name in *forbidden* or *forced* that the DAG lacks.
    """
    task = _task(question, forbidden, forced)
    if task.because is None:
        graph, allowed, held = task.search()
        fixed = question.setting
        for found in minimal_separators(graph, fixed.outcomes, fixed.exposures, allowed, held):
            yield question.dag.named(found | task.forced)


def smallest_set(question: Question, forced: Collection[str]) -> Names | None:
    """The smallest valid set that contains *forced*, nearest to the outcomes; None if none does.

    Raises
    ------
    UnknownVariable
        A name in *forced* that the DAG lacks.
    """
    task = _task(question, (), forced)
    if task.because is not None:
        return None
    graph, allowed, held = task.search()
    fixed = question.setting
    cut = graph.minimum_cut(fixed.outcomes, fixed.exposures, allowed, held)
    return question.dag.named(cut | task.forced)


@dataclass(frozen=True, slots=True)
class _Task:
    """A question, and what the user demands of the sets, in node numbers."""

    question: Question
    forced: frozenset[int]
    barred: frozenset[int]  # what no set may hold: forbidden, hidden or refused
    causes: frozenset[int]  # ancestors of all that is named: where sets are searched
    canonical: frozenset[int]  # all that can be held fixed: valid whenever any set is

    @property
    def because(self) -> Because | None:
        """Why no set is valid; None where one is."""
        fixed, full = self.question.setting, self.question.dag.adjacency
        if self.question.effect == "direct" and ancestors(full, fixed.exposures) & fixed.outcomes:
            return "outcome_causes_exposure"
        if self.forced & self.barred:
            return "forced"
        if fixed.spoilt or not fixed.closes(self.canonical):
            return "open_path"
        return None

    def search(self) -> tuple[Moral, frozenset[int], frozenset[int]]:
        """The moral graph in which sets are separators, who may be in them, and who is held."""
        fixed = self.question.setting
        held = self.forced | fixed.selected
        return Moral(fixed.graph, self.causes), self.causes - self.barred - held, held


def _task(question: Question, forbidden: Collection[str], forced: Collection[str] | None) -> _Task:
    dag, fixed = question.dag, question.setting
    barred = fixed.unusable | dag.numbers(forbidden)
    required = dag.numbers(dag.adjusted if forced is None else forced)
    # Ancestors without the removed arrows: an exposure stays an ancestor of itself all the same.
    causes = fixed.above
    if not required <= causes:
        causes |= ancestors(fixed.graph, required)
    canonical = required | (causes - barred - fixed.selected)
    return _Task(question, required, barred, causes, canonical)


def _weights(question: Question, costs: Mapping[str, float]) -> dict[int, int]:
    """Whole numbers in which a cheaper set is lighter, and of two as cheap the smaller one."""
    for name, cost in costs.items():
        if not isinstance(cost, int | float) or not isfinite(cost) or cost < 0:
            raise QuestionError(
                f"The cost of {shown(name)} is {shown(str(cost))}. Give a number, 0 or more."
            )
    from fractions import Fraction  # costs are rare, and this takes a while to import

    dag = question.dag
    # As written in decimal: three variables at 0.1 cost as much as one at 0.3.
    exact = {dag.number(name): Fraction(repr(float(cost))) for name, cost in costs.items()}
    unit = lcm(*(cost.denominator for cost in exact.values()))
    return {
        node: int(exact.get(node, Fraction(1)) * unit) * (dag.size + 1) + 1
        for node in range(dag.size)
    }


def _optimal(task: _Task) -> Names | None:
    """The O-set, parents of the causal nodes that are not forbidden, where it is one to be had.

    For the direct effect these are the other parents of the outcomes. The theorem speaks of
    outcomes that the exposures reach, and of no node forced or selected.
    """
    question, fixed = task.question, task.question.setting
    if task.forced or fixed.selected or not fixed.outcomes <= fixed.causal:
        return None
    ends = fixed.causal if question.effect == "total" else fixed.outcomes
    parents = {parent for node in ends for parent in question.dag.adjacency.parents[node]}
    best = parents - (fixed.forbidden if question.effect == "total" else fixed.exposures | ends)
    return None if best & task.barred else question.dag.named(best)


def _repairs(task: _Task, because: Because | None) -> Names:
    """What is hidden or refused and would, alone, make a set valid if it could be held fixed.

    It must lie on every path that is open beside the canonical set, so those of one are tried.
    """
    dag, fixed = task.question.dag, task.question.setting
    if because == "forced":  # demanded, and hidden or refused
        wrong = task.forced & task.barred
        possible = len(wrong) == 1 and not wrong & (fixed.forbidden | fixed.outcomes | fixed.spoilt)
        return dag.named(wrong) if possible and fixed.closes(task.canonical) else ()
    path = None if fixed.spoilt or because != "open_path" else fixed.leak(task.canonical)
    if path is None:
        return ()
    inner = set(path.nodes[1:-1]) - set(path.colliders)
    tried = sorted(inner & task.barred - fixed.forbidden)
    mended = [node for node in tried if fixed.closes(task.canonical | {node})]
    return tuple(dag.label(node) for node in mended)


@dataclass(frozen=True, slots=True)
class _Sets:
    """Sets that hold the forced nodes, by number."""

    recommended: frozenset[int]
    nearest: frozenset[int]
    minimum: frozenset[int]
    cheapest: frozenset[int]
    minimal: tuple[frozenset[int], ...]
    more: bool


def _sets(task: _Task, most: int, weights: Mapping[int, int] | None) -> _Sets:
    """The sets by their names, one of which exists."""
    fixed, forced = task.question.setting, task.forced
    graph, allowed, held = task.search()
    near_outcome = graph.first_met(fixed.outcomes, allowed | held | fixed.exposures)
    recommended = near_outcome - held
    nearest = graph.first_met(fixed.exposures, recommended | held) & recommended
    minimum = graph.minimum_cut(fixed.outcomes, fixed.exposures, allowed, held)
    cheapest = minimum
    if weights is not None:
        cheapest = graph.minimum_cut(fixed.outcomes, fixed.exposures, allowed, held, weights)
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
        cheapest | forced,
        tuple(names | forced for names in minimal),
        more,
    )

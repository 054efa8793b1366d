"""The paths of a question one by one: which are causal, which biasing, what opens or closes each.

For people to look at. The list is bounded, and says so; no verdict comes from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from causal.criteria.question import Question
from causal.graph.paths import MOST_PATHS, all_paths
from causal.graph.walk import Path, descendants

__all__ = ["Kind", "ListedPath", "PathList", "State", "list_paths"]

Kind = Literal["causal", "indirect", "biasing"]
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """Whether a path lets association through, beside what is held fixed, and why."""

    open: bool
    closed_by: Names  # held fixed on it, or a collider on it that nothing holds open
    opened_by: Names  # held fixed, and a collider on it or caused by one


@dataclass(frozen=True, slots=True)
class ListedPath:
    """One path from an exposure to an outcome.

    *kind*: ``causal`` carries the effect asked; ``indirect`` is causal too, but part of the total
    effect only; ``biasing`` is every other path.
    """

    path: Path
    kind: Kind
    alone: State  # with nothing held fixed but what the data are selected on
    given: State  # with the set held fixed


@dataclass(frozen=True, slots=True)
class PathList:
    """Paths, the shortest first; *complete* if surely all. *names*: the set held fixed."""

    names: Names
    paths: tuple[ListedPath, ...]
    complete: bool


def list_paths(question: Question, names: Iterable[str], *, limit: int = MOST_PATHS) -> PathList:
    """List paths from exposures to outcomes that run through no other of them.

    Parameters
    ----------
    question
        What is asked.
    names
        The set held fixed.
    limit
        How many paths at most.

    Raises
    ------
    UnknownVariable
        A name the DAG lacks.
    """
    dag, fixed = question.dag, question.setting
    ends = fixed.exposures | fixed.outcomes
    given = dag.numbers(names)
    listing = all_paths(dag.adjacency, fixed.exposures, fixed.outcomes, limit=limit)
    below: dict[int, frozenset[int]] = {}

    def state(path: Path, held: frozenset[int]) -> State:
        held -= ends
        colliders = path.colliders
        for node in colliders:
            if node not in below:
                below[node] = frozenset(descendants(dag.adjacency, [node]))
        openers = {opener for node in colliders for opener in below[node] & held}
        shut = [node for node in colliders if below[node].isdisjoint(held)]
        stops = [node for node in path.nodes[1:-1] if node in held and node not in colliders]
        return State(not (shut or stops), dag.named([*shut, *stops]), dag.named(openers))

    def kind(path: Path) -> Kind:
        if not path.causal:
            return "biasing"
        direct = question.effect == "direct" and len(path.nodes) > 2
        return "indirect" if direct else "causal"

    return PathList(
        dag.named(given),
        tuple(
            ListedPath(
                path, kind(path), state(path, fixed.selected), state(path, given | fixed.selected)
            )
            for path in listing.paths
        ),
        listing.complete,
    )

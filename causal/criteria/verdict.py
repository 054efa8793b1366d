"""The verdict on a set (or formula) that a user brings: valid or not, why, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Literal

from causal.criteria import reasons
from causal.criteria.adjustment import smallest_set
from causal.criteria.question import Question
from causal.criteria.roles import barred, roles
from causal.criteria.setting import Setting
from causal.graph.dag import Dag
from causal.graph.paths import open_paths
from causal.graph.walk import Path, ancestors, descendants

__all__ = ["Problem", "ProblemKind", "Verdict", "judge"]

MOST_TRIES = 200
"""How many choices of members to drop are tried in search of the smallest repair."""
MOST_VISITS = 200_000
"""Choices tried times nodes of the drawing, at most."""

ProblemKind = Literal["open_path", "forbidden", "unavailable"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a set."""

    kind: ProblemKind
    variable: str | None  # the member to blame; None where something is missing instead
    path: Path | None
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is right or wrong with an adjustment set. True where it is valid.

    ``backdoor``: also valid by Pearl's back-door criterion, which admits no descendant of an
    exposure (None for the direct effect). ``suggestion``: a valid set close to this one, or None.
    """

    question: Question
    adjust_for: tuple[str, ...]
    valid: bool
    backdoor: bool | None
    problems: tuple[Problem, ...]
    suggestion: tuple[str, ...] | None

    def __bool__(self) -> bool:
        return self.valid


def judge(question: Question, names: Iterable[str]) -> Verdict:
    """Judge exactly the set *names*; ``[adjusted]`` marks in the DAG are ignored.

    Raises
    ------
    UnknownVariable
        A name the DAG lacks.
    """
    dag, fixed = question.dag, question.setting
    given = dag.numbers(names)
    valid = fixed.admits(given)
    backdoor = None
    if question.effect == "total":
        caused = descendants(dag.adjacency, fixed.exposures)
        backdoor = valid and not given & caused
    suggestion = dag.named(given) if valid else _repair(question, fixed, given)
    return Verdict(
        question=question,
        adjust_for=dag.named(given),
        valid=valid,
        backdoor=backdoor,
        problems=() if valid else tuple(_problems(question, fixed, given, suggestion)),
        suggestion=suggestion,
    )


def _problems(
    question: Question,
    fixed: Setting,
    given: frozenset[int],
    suggestion: tuple[str, ...] | None,
) -> Iterator[Problem]:
    dag = question.dag
    held = (given | fixed.selected) - fixed.exposures - fixed.outcomes
    usable = held - fixed.hidden

    other = question.total if question.effect == "direct" else question.direct
    allowed_there = given - other.setting.unusable
    parts = roles(question, given & fixed.forbidden)
    for node in sorted(given & fixed.unusable):
        name = dag.names[node]
        if node in fixed.hidden:
            yield Problem("unavailable", name, None, reasons.problem_unavailable(name))
        elif node in fixed.exposures | fixed.outcomes:
            yield Problem("forbidden", name, None, reasons.problem_itself(question, name))
        else:
            role = parts[node]
            ground, path = barred(question, role, usable - {node})
            rescued = role.name.endswith("mediator") and node in allowed_there
            message = reasons.problem_forbidden(
                question, name, role.name, ground, path, other_effect_allows=rescued
            )
            yield Problem("forbidden", name, path, message)

    kept = dag.numbers(suggestion or ())
    for path in open_paths(fixed.graph, fixed.exposures, fixed.outcomes, usable).paths:
        openers = _openers(fixed, path, usable)
        names = [dag.names[node] for node in openers]
        blockers = _blockers(fixed, path)
        if not openers and not blockers:
            cure = "Nothing on it can be adjusted for."
        elif suggestion is None:
            cure = ""  # what mends one path is no advice where not all can be mended
        elif openers and kept.issuperset(openers) and not kept.isdisjoint(blockers):
            cure = f"Adjust for {_listed(dag, [node for node in blockers if node in kept])} too."
        elif openers:
            dropped = [node for node in openers if node not in kept] or openers
            cure = f"Drop {_listed(dag, dropped)}."
        else:
            cure = f"Adjust for {_listed(dag, blockers, 'or')}."
        message = reasons.open_path_problem(question, path, names, cure)
        yield Problem("open_path", names[0] if names else None, path, message)
    for node in sorted(fixed.spoilt):
        message = reasons.problem_selected(question, dag.names[node])
        yield Problem("forbidden", dag.names[node], None, message)


def _openers(fixed: Setting, path: Path, given: frozenset[int]) -> list[int]:
    """Members of *given* that hold a collider of *path* open; none where it is open without."""
    openers: set[int] = set()
    for collider in path.colliders:
        below = descendants(fixed.graph, [collider])
        if not below & fixed.selected:
            openers |= below & given
    return sorted(openers)


def _blockers(fixed: Setting, path: Path) -> list[int]:
    """What might be held fixed to close *path*, in its order."""
    unfit = fixed.unusable | fixed.selected | set(path.colliders)
    return [node for node in path.nodes if node not in unfit]


def _listed(dag: Dag, nodes: Iterable[int], joint: str = "and") -> str:
    return reasons.listed([reasons.word(dag.names[node]) for node in nodes], joint)


def _repair(question: Question, fixed: Setting, given: frozenset[int]) -> tuple[str, ...] | None:
    """The valid set that takes fewest changes to *given*, or None where no set is valid.

    For each choice of members to drop, the smallest valid set that holds the rest; fewest dropped
    first, and no more once dropping alone takes more changes than the best found. In large sets
    not all choices are tried: then one without those that open a path, one with the causes of
    exposure and outcome only, and the empty one, which is mended whenever anything can be.
    """
    dag = question.dag
    kept = given - fixed.unusable - fixed.selected
    lost = len(given - kept)
    names = set(dag.named(given))

    def mended(rest: frozenset[int]) -> tuple[int, int, tuple[str, ...]] | None:
        found = smallest_set(question, dag.named(rest))
        return None if found is None else (len(names ^ set(found)), len(found), found)

    best = None
    drops = (
        frozenset(some) for k in range(len(kept) + 1) for some in combinations(sorted(kept), k)
    )
    most = max(1, min(MOST_TRIES, MOST_VISITS // dag.size))
    for dropped in islice(drops, most):
        if best is not None and lost + len(dropped) > best[0]:
            return best[2]
        best = min(filter(None, (best, mended(kept - dropped))), default=None)
    if 2 ** len(kept) > most:
        paths = open_paths(fixed.graph, fixed.exposures, fixed.outcomes, kept | fixed.selected)
        openers = {node for path in paths.paths for node in _openers(fixed, path, kept)}
        early = ancestors(dag.adjacency, fixed.exposures | fixed.outcomes)
        for rest in (kept - openers, kept & early, frozenset[int]()):
            best = min(filter(None, (best, mended(rest))), default=None)
    return None if best is None else best[2]

"""The verdict on a set (or formula) that a user brings: valid or not, why, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from causal.criteria import reasons
from causal.criteria.adjustment import adjust
from causal.criteria.question import Question
from causal.criteria.roles import roles
from causal.criteria.setting import Setting, setting
from causal.graph.paths import open_paths
from causal.graph.walk import Path, ancestors, descendants

__all__ = ["Problem", "ProblemKind", "Verdict", "judge"]

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
    dag, fixed = question.dag, setting(question)
    given = dag.numbers(names)
    valid = fixed.admits(given)
    backdoor = None
    if question.effect == "total":
        caused = descendants(dag.adjacency, fixed.exposures)
        backdoor = valid and not given & caused
    return Verdict(
        question=question,
        adjust_for=dag.named(given),
        valid=valid,
        backdoor=backdoor,
        problems=() if valid else tuple(_problems(question, fixed, given)),
        suggestion=dag.named(given) if valid else _repair(question, fixed, given),
    )


def _problems(question: Question, fixed: Setting, given: frozenset[int]) -> list[Problem]:
    dag = question.dag
    plain = question.dag.marked(adjusted=())
    bare = Question(plain, question.exposures, question.outcomes, question.effect)
    found_roles = roles(bare, adjust(bare))
    problems = []
    for node in sorted(given & fixed.unusable):
        name, role = dag.names[node], found_roles[node]
        if node in fixed.hidden:
            message = reasons.problem_unavailable(name)
            problems.append(Problem("unavailable", name, None, message))
            continue
        other = question.total if question.effect == "direct" else question.direct
        on_the_way = role is not None and role.name.endswith("mediator")
        rescued = on_the_way and node not in setting(other).unusable
        path = role.path if role else None
        message = reasons.problem_forbidden(
            question, name, role.name if role else None, path, other_effect_allows=rescued
        )
        problems.append(Problem("forbidden", name, path, message))

    held = (given | fixed.selected) - fixed.exposures - fixed.outcomes
    usable = held - fixed.hidden
    for path in open_paths(fixed.graph, fixed.exposures, fixed.outcomes, usable).paths:
        openers = _openers(fixed, path, given - fixed.hidden)
        cure = "" if openers else _cure(question, fixed, path)
        if openers:
            cure = f"Drop {reasons.listed([reasons.word(dag.names[i]) for i in openers])}."
        blame = dag.names[openers[0]] if openers else None
        message = reasons.open_path_problem(question, path, [dag.names[i] for i in openers], cure)
        problems.append(Problem("open_path", blame, path, message))
    for node in sorted(fixed.spoilt):
        message = reasons.problem_selected(question, dag.names[node])
        problems.append(Problem("forbidden", dag.names[node], None, message))
    return problems


def _openers(fixed: Setting, path: Path, given: frozenset[int]) -> list[int]:
    """Members of *given* that hold a collider of *path* open; none where it is open without."""
    openers: set[int] = set()
    for collider in path.colliders:
        below = descendants(fixed.graph, [collider])
        if not below & fixed.selected:
            openers |= {collider} if collider in given else below & given
    return sorted(openers)


def _cure(question: Question, fixed: Setting, path: Path) -> str:
    """Which variable on *path* would close it, in words."""
    dag = question.dag
    colliders = set(path.colliders)
    blockers = [
        dag.names[i]
        for i in path.nodes[1:-1]
        if i not in colliders and i not in fixed.unusable and i not in fixed.selected
    ]
    if blockers:
        return f"Adjust for {reasons.listed([reasons.word(b) for b in blockers], 'or')}."
    if len(path.nodes) == 2:
        return "Nothing can close an arrow from the outcome to the exposure."
    return "No measured variable on it can close it."


def _repair(question: Question, fixed: Setting, given: frozenset[int]) -> tuple[str, ...] | None:
    """The valid set that takes fewest changes to *given* among a few good ones, or None.

    Tried are the smallest valid supersets of: its usable members; those that open no path; those
    that cause an exposure or outcome; nothing. The last exists whenever any valid set does.
    """
    dag = question.dag
    kept = given - fixed.unusable - fixed.selected
    ends = fixed.exposures | fixed.outcomes
    paths = open_paths(fixed.graph, fixed.exposures, fixed.outcomes, kept | fixed.selected).paths
    openers = {node for path in paths for node in _openers(fixed, path, kept)}
    early = ancestors(dag.adjacency, ends)
    candidates = set()
    for forced in (kept, kept - openers, kept & early, frozenset[int]()):
        wanted = dag.marked(adjusted=dag.named(forced))
        asked = Question(wanted, question.exposures, question.outcomes, question.effect)
        found = adjust(asked).nearest
        if found is not None:
            candidates.add(found)
    names = set(dag.named(given))
    return min(candidates, key=lambda c: (len(names ^ set(c)), len(c), c), default=None)

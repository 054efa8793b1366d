"""What part each variable plays, and what to do with it.

The *role* is structural and, but for the instrument, the same for both effects; the first that
fits is taken. The *use* depends on the effect: ``include`` is in the recommended set; ``exclude``
would make that set invalid; ``optional`` would leave it valid; ``unavailable`` was not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from causal.criteria.adjustment import Adjustment, adjust
from causal.criteria.question import Question
from causal.criteria.reasons import Ground, reason
from causal.criteria.setting import Setting, setting
from causal.graph.dag import Adjacency
from causal.graph.paths import open_paths
from causal.graph.walk import Path, Reached, ancestors, descendants, directed_path, reach

__all__ = ["Use", "Variable", "roles", "variables"]

Use = Literal["include", "optional", "exclude", "unavailable"]


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable's part in a question."""

    name: str
    role: str
    use: Use
    reason: str
    path: Path | None  # the path that decides
    if_opposite: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A role and the path that shows it."""

    name: str
    path: Path | None = None


def variables(question: Question, adjustment: Adjustment | None = None) -> tuple[Variable, ...]:
    """Role, use and reason of every variable but exposures and outcomes, sorted by name.

    Parameters
    ----------
    question
        What is asked.
    adjustment
        The answer, if already at hand.
    """
    adjustment = adjustment or adjust(question)
    dag, fixed = question.dag, setting(question)
    chosen = dag.numbers(adjustment.adjust_for or ())
    nearest = dag.numbers(adjustment.nearest or ())
    forced = dag.numbers(dag.adjusted)
    held = (chosen or forced) | fixed.selected
    held -= fixed.exposures | fixed.outcomes

    # A valid set Z stays valid with v added unless v is forbidden or connected, given Z, with both
    # sides: only then can conditioning on it join two ends. Two walks answer that for every v.
    from_exposures = reach(fixed.graph, fixed.exposures, held)
    from_outcomes = reach(fixed.graph, fixed.outcomes, held)

    def judged(node: int, role: Role) -> tuple[Use, Ground, Path | None]:
        if node in fixed.hidden:
            return "unavailable", "latent", role.path
        if node in chosen:
            if node in forced:
                return "include", "forced", fixed.leak(chosen - {node})
            if node in nearest:
                return "include", "closes", fixed.leak(nearest - {node})
            return "include", "sharpens", role.path
        if node in fixed.forbidden:
            return "exclude", "forbidden", role.path
        if adjustment:
            if node not in held and node in from_exposures and node in from_outcomes:
                return "exclude", "opens", fixed.leak(chosen | {node})
            return "optional", "spare", role.path
        if role.name == "M-shaped collider":
            return "exclude", "opens", role.path
        return "optional", "spare" if role.name == "instrument" else "hopeless", role.path

    result = []
    for node, role in enumerate(roles(question, adjustment)):
        if role is None:
            continue
        use, ground, path = judged(node, role)
        text = reason(dag, question.effect, role.name, ground, path, question.outcomes)
        result.append(Variable(dag.names[node], role.name, use, text, path))
    return tuple(result)


def roles(question: Question, adjustment: Adjustment) -> tuple[Role | None, ...]:
    """The role of every named node, by number; None for exposures and outcomes."""
    total = setting(question.total)
    ends = total.exposures | total.outcomes
    rules = _rules(question, adjustment)
    return tuple(
        None if node in ends else next(rule.role(node) for rule in rules if node in rule.members)
        for node in range(len(question.dag.names))
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """Who has a role, and the path that shows it."""

    name: str
    members: Container[int]
    path: Callable[[int], Path | None]

    def role(self, node: int) -> Role:
        return Role(self.name, self.path(node))


def _rules(question: Question, adjustment: Adjustment) -> tuple[_Rule, ...]:
    """The roles in their order of precedence; the last fits everyone."""
    graph = question.dag.adjacency
    total = setting(question.total)
    xs, ys = total.exposures, total.outcomes
    causes_x, causes_y = ancestors(graph, xs, avoiding=ys), ancestors(graph, ys, avoiding=xs)
    caused_by_x, caused_by_y = descendants(graph, xs, avoiding=ys), descendants(graph, ys, xs)
    mediators, common = total.causal - ys, (causes_x & causes_y) - xs - ys
    colliders = _colliders(graph, total, caused_by_x & caused_by_y)
    m_colliders = dict(_m_shaped(total))

    def to_exposure(node: int) -> Path | None:
        return directed_path(graph, [node], xs, avoiding=ys)

    def to_outcome(node: int) -> Path | None:
        return directed_path(graph, [node], ys, avoiding=xs)

    def fork(node: int) -> Path | None:
        # Each way's shortest first, the other round it; where only crossing ones are found, none.
        for ends, others in ((xs, ys), (ys, xs)):
            one = directed_path(graph, [node], ends, avoiding=others)
            taken = {*one.nodes[1:], *ends} if one else set(ends)
            other = directed_path(graph, [node], others, avoiding=taken)
            if one and other:
                return one.reversed() + other if ends is xs else other.reversed() + one
        return None

    def chain(node: int) -> Path | None:
        before, after = directed_path(graph, xs, {node}), to_outcome(node)
        return before + after if before and after else None

    def below(sources: Collection[int]) -> Callable[[int], Path | None]:
        return lambda node: directed_path(graph, sources, {node})

    def opened(meetings: Mapping[int, Path]) -> Callable[[int], Path | None]:
        def path(node: int) -> Path | None:
            way = None if node in meetings else directed_path(graph, meetings, {node})
            return meetings[way.nodes[0] if way else node]

        return path

    return (
        _Rule("latent", total.hidden, fork),
        _Rule("selected", total.selected, lambda _: None),
        _Rule("mediator", mediators, chain),
        _Rule("collider", colliders, opened(colliders)),
        _Rule("descendant of a collider", descendants(graph, colliders), opened(colliders)),
        _Rule("descendant of the outcome", descendants(graph, ys), below(ys)),
        _Rule("descendant of a mediator", descendants(graph, mediators), below(mediators)),
        _Rule("common cause", common, fork),
        _Rule("instrument", _instruments(total, adjustment, causes_x), to_exposure),
        _Rule("cause of the exposure only", causes_x, to_exposure),
        _Rule("cause of the outcome only", causes_y, to_outcome),
        _Rule("M-shaped collider", descendants(graph, m_colliders), opened(m_colliders)),
        _Rule("proxy of a common cause", descendants(graph, common), below(common)),
        _Rule("effect of the exposure only", caused_by_x, below(xs)),
        _Rule("unrelated", range(len(graph.parents)), lambda _: None),
    )


def _instruments(total: Setting, adjustment: Adjustment, causes_x: set[int]) -> set[int]:
    """Causes of the exposure cut off from the outcome, where a latent cause leaves a path open."""
    confounded = adjustment.because == "open_path" and any(
        total.hidden.intersection(path.nodes) for path in adjustment.open_paths
    )
    if not confounded:
        return set()
    held = total.selected - total.exposures - total.outcomes
    connected = reach(total.graph, total.outcomes, held)
    return {node for node in causes_x if node not in connected}


def _colliders(graph: Adjacency, total: Setting, nodes: Iterable[int]) -> dict[int, Path]:
    """Nodes on ``x -> .. -> node <- .. <- y``, the ways disjoint, each with that path."""
    ends = total.exposures | total.outcomes
    found = {}
    for node in sorted(set(nodes) - ends):
        for parent in graph.parents[node]:
            last = Path((parent, node), (True,))
            way = directed_path(graph, total.exposures, {parent}, avoiding=ends)
            left = last if parent in total.exposures else way + last if way else None
            if left is None or node in left.nodes[:-1]:
                continue
            right = directed_path(graph, total.outcomes, {node}, {*left.nodes[:-1], *ends})
            if right is not None:
                found[node] = left + right.reversed()
                break
    return found


# Up to this many nodes, what the quick look at two walks misses is searched for path by path.
_SEARCHED = 500


def _m_shaped(total: Setting) -> Iterator[tuple[int, Path]]:
    """Nodes where two open ways meet head to head, one from each side, with that path.

    Conditioning on such a node, alone, opens the path: the legs of the M are x <- a -> m and
    m <- b -> y. Two walks show nearly all of them; the ways they remember may cross, though, where
    others do not.
    """
    graph, xs, ys = total.graph, total.exposures, total.outcomes
    held = total.selected - xs - ys
    already = ancestors(graph, held)
    left, right = reach(graph, xs, held), reach(graph, ys, held)
    for node in range(len(graph.parents)):
        if node in xs or node in ys or node in already:
            continue
        parents = [parent for parent in graph.parents[node] if parent not in held]
        ones = [_way(left, parent, node) for parent in parents[:20]]
        others = [_way(right, parent, node) for parent in parents[:20]]
        meeting = next(
            (
                one + other.reversed()
                for one in ones
                for other in others
                if one and other and set(one.nodes) & set(other.nodes) == {node}
            ),
            None,
        )
        both = any(p in left for p in parents) and any(p in right for p in parents)
        if meeting is None and both and len(graph.parents) <= _SEARCHED:
            new = frozenset(ancestors(graph, [node]) - already)
            meeting = next(
                iter(open_paths(graph, xs, ys, held | {node}, limit=1, through=new).paths), None
            )
        if meeting:
            yield node, meeting


def _way(reached: Reached, parent: int, node: int) -> Path | None:
    """The way to *parent* and on along its arrow into *node*, if it does not cross *node*."""
    if parent not in reached:
        return None
    way = reached.path_to(parent)
    return None if node in way.nodes else way + Path((parent, node), (True,))

"""What part each variable plays, and what to do with it.

The *role* is structural and, but for the instrument, the same for both effects; the first that
fits is taken. The *use* depends on the effect: ``include`` is in the recommended set; ``exclude``
would make that set invalid; ``optional`` would leave it valid; ``unavailable`` was not measured, or
is not to be adjusted for. What is optional changes nothing but *precision*, and the drawing often
tells in which direction [1]_: a variable that is independent of the outcome, given exposure and
set, only takes variation from the exposure; one that is independent of the exposure, given the set,
only explains the outcome.

References
----------
.. [1] L. Henckel, E. Perkovic, M. Maathuis, "Graphical criteria for efficient total effect
   estimation via adjustment in causal linear models", JRSS B 84, 2022, theorem 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Literal

from causal.criteria.adjustment import Adjustment, adjust
from causal.criteria.question import Question
from causal.criteria.reasons import Ground, Precision, Then, opposite, reason
from causal.criteria.setting import Setting
from causal.graph.dag import Adjacency
from causal.graph.paths import open_paths
from causal.graph.walk import Path, Reached, ancestors, descendants, directed_path, reach

__all__ = ["Role", "Use", "Variable", "barred", "roles", "variables"]

Use = Literal["include", "optional", "exclude", "unavailable"]


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable's part in a question."""

    name: str
    role: str
    use: Use
    reason: str
    path: Path | None  # the path that decides
    if_opposite: str  # what comes of doing otherwise, as one clause
    precision: Precision | None = None  # what adding it to the set does to the estimate's spread


@dataclass(frozen=True, slots=True)
class Role:
    """A role and the path that shows it."""

    name: str
    path: Path | None = None


def variables(
    question: Question,
    adjustment: Adjustment | None = None,
    parts: Mapping[int, Role] | None = None,
) -> tuple[Variable, ...]:
    """Role, use and reason of every variable but exposures and outcomes, sorted by name.

    Parameters
    ----------
    question
        What is asked.
    adjustment
        The answer, if already at hand.
    parts
        The `roles` of all variables, if already at hand.
    """
    adjustment = adjust(question) if adjustment is None else adjustment
    dag, fixed = question.dag, question.setting
    chosen = dag.numbers(adjustment.adjust_for or ())
    nearest = dag.numbers(adjustment.nearest or ())
    forced, refused = dag.numbers(adjustment.forced), dag.numbers(adjustment.refused)
    held = (chosen or forced) | fixed.selected
    held -= fixed.exposures | fixed.outcomes
    already_open = ancestors(fixed.graph, forced | fixed.selected)

    # A valid set Z stays valid with v added unless v is forbidden or connected, given Z, with both
    # sides: only then can conditioning on it join two ends. Two walks answer that for every v.
    from_exposures = reach(fixed.graph, fixed.exposures, held)
    from_outcomes = reach(fixed.graph, fixed.outcomes, held)

    def open_anyway(role: Role) -> bool:
        """Whether the path that a collider would open is open without it."""
        path = role.path if role.name.endswith("collider") else None
        return path is not None and already_open.issuperset(path.colliders)

    def harm(node: int, role: Role) -> tuple[Ground, Path | None]:
        """What a forbidden variable does; a collider whose path is open anyway does nothing."""
        ground, path = barred(question, role, held - {node})
        anyway = ground == "forbidden" and open_anyway(role)
        return ("hopeless" if anyway and not adjustment else ground), path

    def judged(node: int, role: Role) -> tuple[Use, Ground, Path | None]:
        if node in fixed.hidden | refused:
            biasing = (path for path in adjustment.open_paths if node in path.nodes)
            ground: Ground = "latent" if node in fixed.hidden else "refused"
            shows = role.path if role.path and node in role.path.nodes else None
            return "unavailable", ground, next(biasing, shows)
        if node in chosen:
            if node in forced:
                return "include", "forced", fixed.leak(chosen - {node})
            if node in nearest:
                path = _apart([_way(from_exposures, node)], [_way(from_outcomes, node)])
                if path is None or not already_open.issuperset(path.colliders):
                    path = fixed.leak(chosen - {node})
                by_itself = path is not None and already_open.issuperset(path.colliders)
                return "include", "closes" if by_itself else "mends", path
            return "include", "sharpens", role.path
        if node in fixed.forbidden:
            return "exclude", *harm(node, role)
        if adjustment:
            if node not in held and node in from_exposures and node in from_outcomes:
                return "exclude", "opens", _joined(from_exposures, from_outcomes, node)
            return "optional", "spare", role.path
        if role.name.endswith("collider"):
            idle = _closed(role, held - {node}) or open_anyway(role)
            return "exclude", "hopeless" if idle else "opens", role.path
        return "optional", "spare" if role.name == "instrument" else "hopeless", role.path

    # The same two walks in the whole graph tell of precision.
    beside_exposures = reach(dag.adjacency, fixed.exposures, held).nodes - held
    beside_outcomes = reach(dag.adjacency, fixed.outcomes, held | fixed.exposures).nodes - held

    single = len(question.exposures) == len(question.outcomes) == 1
    biased = adjustment.because == "open_path" and not fixed.spoilt

    def otherwise(node: int, role: Role, use: Use, path: Path | None) -> tuple[Then, Path | None]:
        """What comes of leaving a member out, and of adding what is none; *role*: if measured."""
        if use == "include":
            return ("spare", None) if fixed.closes(chosen - {node}) else ("open", path)
        if dag.names[node] in adjustment.repairs:
            return "repairs", None
        if node in fixed.forbidden:
            return harm(node, role)
        if use == "exclude":
            idle = _closed(role, held) or open_anyway(role)
            return ("hopeless", None) if idle and not adjustment else ("opens", path)
        if adjustment:
            if node not in held and node in from_exposures and node in from_outcomes:
                return "opens", _joined(from_exposures, from_outcomes, node)
            return "spare", None
        takes = node in beside_exposures and node not in from_outcomes
        amplifies = takes and single and biased and use == "optional"
        return "amplifies" if amplifies else "hopeless", None

    found = parts or roles(question, range(len(dag.names)))
    as_seen = roles(question, fixed.hidden & fixed.forbidden & found.keys(), measured=True)
    instruments = _instruments(fixed, adjustment) if single and biased else frozenset[int]()
    result = []
    for node in sorted(found):
        role = found[node]
        if node in instruments and role.name == "cause of the exposure only":
            role = replace(role, name="instrument")
        use, ground, path = judged(node, role)
        seen = as_seen.get(node, role)
        then, shows = otherwise(node, seen, use, path)
        precision: Precision | None = None
        if then == "spare" and use != "include":
            # Not both: connected with either side beside a valid set, it would open a path.
            precision = "hurts" if node in beside_exposures else "nothing"
            precision = "helps" if node in beside_outcomes else precision
        elif ground == "sharpens":
            precision = "helps"
        result.append(
            Variable(
                name=dag.names[node],
                role=role.name,
                use=use,
                reason=reason(question, role.name, ground, path),
                path=path,
                if_opposite=opposite(question, seen.name, use, ground, then, shows, precision),
                precision=precision,
            )
        )
    return tuple(result)


def barred(question: Question, role: Role, held: frozenset[int]) -> tuple[Ground, Path | None]:
    """What harm a forbidden variable does beside what is *held* fixed, and the path that shows it.

    Its role tells, unless that does no harm here: a mediator between two outcomes does not matter
    to the direct effect, nor a collider whose path is closed elsewhere. Then what matters is that
    the outcome causes it.
    """
    if role.name.endswith("collider") and _closed(role, held):
        return "caused", None
    if role.name == "mediator" and question.effect == "direct":
        return "caused", None
    return "forbidden", role.path


def _closed(role: Role, held: frozenset[int]) -> bool:
    """Whether what is held fixed closes the path that would show the role."""
    path = role.path
    return path is not None and not held.isdisjoint(set(path.nodes) - set(path.colliders))


def _joined(left: Reached, right: Reached, node: int) -> Path | None:
    """The path that opens with *node* held fixed, where none is open without.

    Both ways come to *node* by an arrowhead. Where they meet before, they meet head to head too,
    and *node* lies below.
    """
    one, other = _way(left, node), _way(right, node)
    if one is None or other is None:
        return None
    places = {met: place for place, met in enumerate(other.nodes)}
    first, met = next((i, met) for i, met in enumerate(one.nodes) if met in places)
    second = places[met]
    start = Path(one.nodes[: first + 1], one.forward[:first])
    return start + Path(other.nodes[: second + 1], other.forward[:second]).reversed()


def roles(question: Question, nodes: Iterable[int], *, measured: bool = False) -> dict[int, Role]:
    """The structural roles of *nodes*, the same for both effects; exposures and outcomes left out.

    None is called an instrument here: that depends on the effect. *measured*: the roles that latent
    variables would have if they were not.
    """
    left = set(nodes) - question.dag.numbers((*question.exposures, *question.outcomes))
    found: dict[int, Role] = {}
    rules = _rules(
        question, measured=measured
    )  # one at a time: the later ones cost more to work out
    while left:
        rule = next(rules)
        found |= {node: Role(rule.name, rule.path(node)) for node in left if node in rule.members}
        left -= found.keys()
    return found


@dataclass(frozen=True, slots=True)
class _Rule:
    """Who has a role, and the path that shows it."""

    name: str
    members: Container[int]
    path: Callable[[int], Path | None]


def _rules(question: Question, *, measured: bool) -> Iterator[_Rule]:
    """The roles in their order of precedence; the last fits everyone."""
    graph = question.dag.adjacency
    total = question.total.setting
    xs, ys = total.exposures, total.outcomes
    to_exposure, to_outcome = _up(graph, xs, ys), _up(graph, ys, xs)
    from_exposure, from_outcome = _down(graph, xs, ys), _down(graph, ys, xs)
    mediators = total.causal - ys

    def fork(node: int) -> Path | None:
        to_x, to_y = to_exposure.path(node), to_outcome.path(node)
        if to_x and to_y and set(to_x.nodes) & set(to_y.nodes) == {node}:
            return to_x.reversed() + to_y
        return _round(graph, node, xs, ys) if len(graph.parents) <= _SEARCHED else None

    def chain(node: int) -> Path | None:
        before, after = reached.path(node), to_outcome.path(node)
        return before + after if before and after else None

    def meeting(node: int) -> Path | None:
        parents = graph.parents[node][:_PARENTS]
        ones = [_onto(from_exposure.path(parent), node) for parent in parents]
        others = [_onto(from_outcome.path(parent), node) for parent in parents]
        return _apart(ones, others) or _searched(graph, xs, ys, frozenset(), node)

    def nothing(_: int) -> None:
        return None

    if not measured:
        yield _Rule("latent", total.hidden, fork)
    yield _Rule("selected", total.selected, nothing)
    reached = _down(graph, xs)
    yield _Rule("mediator", mediators, chain)
    colliders = _colliders(graph, xs, ys)
    yield _Rule("collider", colliders, meeting)
    under = _down(graph, colliders)
    yield _Rule("descendant of a collider", under, lambda node: meeting(under.root[node]))
    below = _down(graph, ys)
    yield _Rule("descendant of the outcome", below, below.path)
    behind = _down(graph, mediators)
    yield _Rule("descendant of a mediator", behind, behind.path)
    common = (to_exposure.came.keys() & to_outcome.came.keys()) - xs - ys
    yield _Rule("common cause", common, fork)
    yield _Rule("cause of the exposure only", to_exposure, to_exposure.path)
    yield _Rule("cause of the outcome only", to_outcome, to_outcome.path)
    shaped = dict(_m_shaped(total))
    at = _down(graph, shaped)
    yield _Rule("M-shaped collider", at, lambda node: shaped[at.root[node]])
    proxies = _down(graph, common, xs | ys)
    yield _Rule("proxy of a common cause", proxies, proxies.path)
    yield _Rule("effect of the exposure only", from_exposure, from_exposure.path)
    yield _Rule("unrelated", range(len(graph.parents)), nothing)


# A path of more arrows is no help to a reader, and costs its length for each variable on it.
_LONGEST = 30
# Of a child with more parents only so many are tried for a path; and in graphs of up to so many
# nodes what such quick looks miss is searched for.
_PARENTS = 20
_SEARCHED = 500


@dataclass(frozen=True, slots=True)
class _Tree:
    """Shortest directed paths between some roots and all they reach, in one direction."""

    came: dict[int, int]  # node -> the next node on its way to the root; a root -> -1
    root: dict[int, int]
    downward: bool

    def __contains__(self, node: object) -> bool:
        return node in self.came

    def path(self, node: int) -> Path | None:
        """The path of *node* in the direction of its arrows; None if too long to tell."""
        if node not in self.came:
            return None
        trail = [node]
        while (node := self.came[node]) >= 0:
            trail.append(node)
            if len(trail) > _LONGEST:
                return None
        return Path(tuple(trail[::-1] if self.downward else trail), (True,) * (len(trail) - 1))


def _down(graph: Adjacency, roots: Collection[int], avoiding: Collection[int] = ()) -> _Tree:
    """Paths from *roots* to their descendants."""
    return _tree(graph.children, roots, avoiding, downward=True)


def _up(graph: Adjacency, roots: Collection[int], avoiding: Collection[int] = ()) -> _Tree:
    """Paths to *roots* from their ancestors."""
    return _tree(graph.parents, roots, avoiding, downward=False)


def _tree(
    nexts: Sequence[tuple[int, ...]],
    roots: Collection[int],
    avoiding: Collection[int],
    *,
    downward: bool,
) -> _Tree:
    came = dict.fromkeys(sorted(roots), -1)
    root = {node: node for node in came}
    todo = list(came)
    for node in todo:  # the list grows while it is read: a queue
        for step in nexts[node]:
            if step not in came and step not in avoiding:
                came[step], root[step] = node, root[node]
                todo.append(step)
    return _Tree(came, root, downward)


def _round(graph: Adjacency, node: int, xs: frozenset[int], ys: frozenset[int]) -> Path | None:
    """A fork at *node*: each way's shortest first, the other round it."""
    for ends, others in ((xs, ys), (ys, xs)):
        one = directed_path(graph, [node], ends, avoiding=others)
        other = one and directed_path(graph, [node], others, avoiding={*one.nodes[1:], *ends})
        if one and other:
            return one.reversed() + other if ends is xs else other.reversed() + one
    return None


def _instruments(fixed: Setting, adjustment: Adjustment) -> frozenset[int]:
    """What is cut off from the outcome, where a latent cause leaves a path open."""
    if not any(fixed.hidden.intersection(path.nodes) for path in adjustment.open_paths):
        return frozenset()
    forced = adjustment.question.dag.numbers(adjustment.forced)
    held = (fixed.selected | forced) - fixed.exposures - fixed.outcomes
    connected = reach(fixed.graph, fixed.outcomes, held).nodes
    return frozenset(range(len(fixed.graph.parents))) - connected - forced


def _colliders(graph: Adjacency, xs: frozenset[int], ys: frozenset[int]) -> set[int]:
    """Nodes with two ways down to them that share nothing above, from *xs* and from *ys*.

    Told of each node is the first one that all ways down to it have in common: the side it comes
    from, or a collider. Where its parents differ in that, it has two ways that share none (a node
    of the dominator tree whose immediate dominator is the root).
    """
    ends = xs | ys
    reached = descendants(graph, ends)
    waiting = {n: sum(p in reached for p in graph.parents[n]) for n in reached - ends}
    common = {**dict.fromkeys(xs, -1), **dict.fromkeys(ys, -2)}
    todo = list(ends)
    for node in todo:
        for child in graph.children[node]:
            if child not in waiting:
                continue
            waiting[child] -= 1
            if waiting[child] == 0:
                firsts = {common[p] for p in graph.parents[child] if p in reached}
                common[child] = firsts.pop() if len(firsts) == 1 else child
                todo.append(child)
    return {node for node, first in common.items() if node == first}


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
    # A parent of several children is asked for several times.
    left_way, right_way = cache(partial(_way, left)), cache(partial(_way, right))
    for node in range(len(graph.parents)):
        if node in xs or node in ys or node in already:
            continue
        parents = [parent for parent in graph.parents[node] if parent not in held]
        if not (any(p in left for p in parents) and any(p in right for p in parents)):
            continue
        ones = [_onto(left_way(parent), node) for parent in parents[:_PARENTS]]
        others = [_onto(right_way(parent), node) for parent in parents[:_PARENTS]]
        meeting = _apart(ones, others) or _searched(graph, xs, ys, held, node)
        if meeting:
            yield node, meeting


def _way(reached: Reached, node: int) -> Path | None:
    """A shortest way to *node*; None if there is none, or none short enough to tell."""
    best: list[int] = []
    for state in (2 * node + 1, 2 * node):
        trail: list[int] = []
        while state >= 0 and len(trail) <= _LONGEST:
            trail.append(state)
            state = reached.came.get(state, -2)
        if state == -1 and (not best or len(trail) < len(best)):
            best = trail[::-1]
    return Path(tuple(s >> 1 for s in best), tuple(s & 1 == 1 for s in best[1:])) if best else None


def _onto(way: Path | None, node: int) -> Path | None:
    """*way* and on along an arrow to *node*, if it does not cross that."""
    if way is None or node in way.nodes:
        return None
    return way + Path((way.nodes[-1], node), (True,))


def _apart(ones: Iterable[Path | None], others: Sequence[Path | None]) -> Path | None:
    """The shortest path made of one of *ones* and one of *others* that share their end only."""
    pairs = [
        one + other.reversed()
        for one in ones
        for other in others
        if one and other and set(one.nodes) & set(other.nodes) == {one.nodes[-1]}
    ]
    return min(pairs, key=lambda path: len(path.nodes), default=None)


def _searched(
    graph: Adjacency, xs: frozenset[int], ys: frozenset[int], held: frozenset[int], node: int
) -> Path | None:
    """A path that opens with *node* held too, searched for path by path in a small graph."""
    if len(graph.parents) > _SEARCHED:
        return None
    new = frozenset(ancestors(graph, [node]) - ancestors(graph, held))
    listing = open_paths(graph, xs, ys, held | {node}, limit=1, through=new)
    return next(iter(listing.paths), None)

"""Paths one by one, shortest first: for people to look at, never to decide anything.

A DAG can have more paths than there are atoms, so the listing is bounded twice, in the paths it
gives and in the nodes it writes down to find them, and says whether it is complete. Verdicts come
from the walk in `causal.graph.walk`, which lists nothing.

The search is best-first: a beginning of a path is continued in the order of the shortest length it
can still come to, known from one walk backwards from the ends. The first path found is therefore a
shortest one, and finding it never takes a step aside. Where even that one is too long to be written
down again at each of its steps, the walk's own witness is the listing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from causal.graph.dag import Adjacency
from causal.graph.walk import Path, ancestors, open_path

__all__ = ["Listing", "all_paths", "open_paths"]

MOST_PATHS = 20
MOST_NODES = 1_000_000  # in all the beginnings of paths together

# A state is 2 * node + 1 where the path arrived by an arrowhead, 2 * node where by a tail.
_State = int


@dataclass(frozen=True, slots=True)
class Listing:
    """Paths, shortest first, then in the order of their nodes; *complete* if surely all."""

    paths: tuple[Path, ...]
    complete: bool


def open_paths(
    graph: Adjacency,
    starts: Collection[int],
    ends: Collection[int],
    given: Collection[int],
    *,
    limit: int = MOST_PATHS,
    through: frozenset[int] | None = None,
) -> Listing:
    """List paths from *starts* to *ends* that let association through when *given* is held fixed.

    Paths that run through another start or end are left out: a part of each is listed. Where there
    is a path, one at least is given, unless *through* picks among them.

    Parameters
    ----------
    graph
        Parents and children; remove edges with `Adjacency.without` first.
    starts, ends
        Disjoint.
    given
        The conditioning set, disjoint from both.
    limit
        How many paths at most.
    through
        Only paths on which two arrowheads meet at one of these.
    """
    opened = ancestors(graph, given) if given else set[int]()
    listing = _listed(graph, starts, ends, given, opened, limit, through)
    if not (listing.complete or listing.paths) and through is None:
        witness = open_path(graph, starts, ends, given)
        return Listing((witness,) if witness else (), complete=False)
    return listing


def all_paths(
    graph: Adjacency, starts: Collection[int], ends: Collection[int], *, limit: int = MOST_PATHS
) -> Listing:
    """List paths from *starts* to *ends*, open and closed ones, as `open_paths` does."""
    return _listed(graph, starts, ends, (), range(len(graph.parents)), limit, None)


def _listed(
    graph: Adjacency,
    starts: Collection[int],
    ends: Collection[int],
    given: Collection[int],
    opened: Collection[int],
    limit: int,
    through: frozenset[int] | None,
) -> Listing:
    """Paths whose colliders are all in *opened*, and none of whose other inner nodes in *given*."""
    ahead = _distances(graph, starts, ends, given, opened)
    found: list[Path] = []
    # (length it will have at least, nodes, states): ties go to the smaller node numbers, that is
    # to the names that come first.
    waiting: list[tuple[int, tuple[int, ...], tuple[_State, ...]]] = []
    for start in starts:
        if 2 * start in ahead:
            heappush(waiting, (ahead[2 * start], (start,), (2 * start,)))
    written = 0
    while waiting and written < MOST_NODES:
        _, nodes, states = heappop(waiting)
        if nodes[-1] in ends:
            if len(found) == limit:
                return Listing(tuple(found), complete=False)
            path = Path(nodes, tuple(state & 1 == 1 for state in states[1:]))
            if through is None or not through.isdisjoint(path.colliders):
                found.append(path)
            continue
        for step in _steps(graph, states[-1], given, opened):
            node = step >> 1
            if step in ahead and node not in nodes and node not in starts:
                length = len(nodes) + ahead[step]
                heappush(waiting, (length, (*nodes, node), (*states, step)))
                written += len(nodes)
    return Listing(tuple(found), complete=not waiting)


def _steps(
    graph: Adjacency, state: _State, given: Collection[int], opened: Collection[int]
) -> Iterator[_State]:
    """Where a path that arrived at *state* may go on to; the rule of `causal.graph.walk.reach`."""
    node, by_head = state >> 1, state & 1
    if node not in given:
        yield from (2 * child + 1 for child in graph.children[node])
    if (node in opened) if by_head else (node not in given):
        yield from (2 * parent for parent in graph.parents[node])


def _distances(
    graph: Adjacency,
    starts: Collection[int],
    ends: Iterable[int],
    given: Collection[int],
    opened: Collection[int],
) -> dict[_State, int]:
    """The fewest steps from each state to an end, by a walk backwards; absent where there is none.

    Such a walk may cross itself, so the number is a lower bound for paths.
    """
    ahead: dict[_State, int] = {}
    for end in ends:
        ahead |= {2 * end: 0, 2 * end + 1: 0}
    todo = list(ahead)
    for state in todo:
        node = state >> 1
        if node in starts:
            continue
        if state & 1:  # came down an arrow, from a parent that is not held fixed
            before = [2 * p + h for p in graph.parents[node] if p not in given for h in (0, 1)]
        else:  # came up an arrow: its head is a chain that is not held fixed, or an open collider
            before = [2 * c for c in graph.children[node] if c not in given]
            before += [2 * c + 1 for c in graph.children[node] if c in opened]
        for earlier in before:
            if earlier not in ahead:
                ahead[earlier] = ahead[state] + 1
                todo.append(earlier)
    return ahead

"""The one traversal: which nodes association can reach.

Association flows along a path unless something on it stops the flow. At an inner node of a path,
two arrowheads may meet (``-> c <-``, a *collider*) or not (a chain ``-> m ->`` or a fork
``<- z ->``). Given a set Z of nodes held fixed,

* a chain or fork lets association through unless it is in Z;
* a collider stops it unless it, or something it causes, is in Z.

Two nodes are *d-connected* given Z when some path between them lets association through, and
*d-separated* otherwise (Pearl 1988). Whether the next step from a node is allowed depends only on
the node and on how the path arrived there, by the head of an arrow or by its tail. `reach` is
therefore a breadth-first search over (node, arrived by head?) states, in time linear in the graph
(Shachter 1998; Geiger, Verma & Pearl 1990). It remembers where it came from, so that every
verdict has a witness. A shortest way through these states never visits a node twice: wherever it
could, skipping the loop would be allowed too. So witnesses are paths.

References
----------
.. [1] J. Pearl, *Probabilistic Reasoning in Intelligent Systems*, 1988.
.. [2] R. Shachter, "Bayes-Ball: The Rational Pastime", UAI 1998.
.. [3] D. Geiger, T. Verma, J. Pearl, "d-separation: from theorems to algorithms", UAI 1990.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass

from causal.errors import shown
from causal.graph.dag import Adjacency, Dag, bare_name

__all__ = [
    "Path",
    "Reached",
    "ancestors",
    "descendants",
    "directed_path",
    "open_path",
    "reach",
]


@dataclass(frozen=True, slots=True)
class Path:
    """A path in a DAG: its node numbers, and for each step whether its arrow points forward."""

    nodes: tuple[int, ...]
    forward: tuple[bool, ...]

    def __add__(self, other: Path) -> Path:
        """Continue this path by *other*, which begins where this one ends."""
        assert self.nodes[-1] == other.nodes[0]
        return Path(self.nodes + other.nodes[1:], self.forward + other.forward)

    def reversed(self) -> Path:
        """The same path from its other end."""
        return Path(self.nodes[::-1], tuple(not step for step in reversed(self.forward)))

    @property
    def colliders(self) -> tuple[int, ...]:
        """The inner nodes where two arrowheads meet, in order."""
        steps = zip(self.forward, self.forward[1:], self.nodes[1:-1], strict=False)
        return tuple(node for into, out, node in steps if into and not out)

    @property
    def causal(self) -> bool:
        """Whether all arrows point from the first node to the last."""
        return all(self.forward)

    def text(self, dag: Dag) -> str:
        """The path as people write it: ``x <- z -> y``; ``x <-> y`` where the cause is nameless.

        A path that begins or ends at such a cause calls it ``(unmeasured)``.
        """
        count = len(dag.names)

        def end(node: int) -> str:
            return word(dag.names[node]) if node < count else "(unmeasured)"

        words = [end(self.nodes[0])]
        step = 0
        while step < len(self.forward):
            node = self.nodes[step + 1]
            if node >= count and step + 1 == len(self.forward):
                words += ["->" if self.forward[step] else "<-", end(node)]
                step += 1
            elif node >= count:  # the nameless cause behind a bidirected edge: <- ? ->
                words += ["<->", word(dag.names[self.nodes[step + 2]])]
                step += 2
            else:
                words += ["->" if self.forward[step] else "<-", word(dag.names[node])]
                step += 1
        return " ".join(words)


def word(name: str) -> str:
    """A name as it stands in a path: bare where it is one word, else in double quotes."""
    if bare_name(name):
        return name
    escaped = shown(name, len(name) * 10)[1:-1].replace('"', '\\"')
    return f'"{escaped}"'


# A state is 2 * node + 1 where the path arrived by an arrowhead, 2 * node where by a tail.
_Came = dict[int, int]


@dataclass(frozen=True, slots=True)
class Reached:
    """What a walk reached: a record of every state and the state before it."""

    came: _Came

    def __contains__(self, node: int) -> bool:
        return 2 * node in self.came or 2 * node + 1 in self.came

    @property
    def nodes(self) -> frozenset[int]:
        """Every node reached, the starting ones among them."""
        return frozenset(state >> 1 for state in self.came)

    def path_to(self, node: int) -> Path:
        """A shortest path on which the walk came to *node*, which it reached."""
        trails = []
        for state in (2 * node + 1, 2 * node):
            if state in self.came:
                trail = [state]
                while (state := self.came[state]) >= 0:
                    trail.append(state)
                trails.append(trail[::-1])
        best = min(trails, key=len)
        return Path(tuple(s >> 1 for s in best), tuple(s & 1 == 1 for s in best[1:]))


def ancestors(graph: Adjacency, nodes: Iterable[int], avoiding: Collection[int] = ()) -> set[int]:
    """*nodes* and everything with a directed path to one of them, never through *avoiding*."""
    return _closure(graph.parents, nodes, avoiding)


def descendants(graph: Adjacency, nodes: Iterable[int], avoiding: Collection[int] = ()) -> set[int]:
    """*nodes* and everything they have a directed path to, never through *avoiding*."""
    return _closure(graph.children, nodes, avoiding)


def _closure(
    nexts: Sequence[tuple[int, ...]], nodes: Iterable[int], avoiding: Collection[int]
) -> set[int]:
    found = set(nodes)
    todo = list(found)
    while todo:
        for node in nexts[todo.pop()]:
            if node not in found and node not in avoiding:
                found.add(node)
                todo.append(node)
    return found


def directed_path(
    graph: Adjacency,
    starts: Iterable[int],
    ends: Collection[int],
    avoiding: Collection[int] = (),
) -> Path | None:
    """A shortest directed path of one arrow or more from *starts* to *ends*, or None."""
    came: dict[int, int] = dict.fromkeys(sorted(starts), -1)
    todo = list(came)
    for node in todo:
        for child in graph.children[node]:
            if child in ends and child not in avoiding:
                trail = [child]
                while node >= 0:
                    trail.append(node)
                    node = came[node]
                return Path(tuple(trail[::-1]), (True,) * (len(trail) - 1))
            if child not in came and child not in avoiding:
                came[child] = node
                todo.append(child)
    return None


def reach(
    graph: Adjacency,
    starts: Iterable[int],
    given: Collection[int],
    *,
    until: Collection[int] = (),
    around: Container[int] | None = None,
) -> Reached:
    """All that association reaches from *starts* when *given* is held fixed.

    Parameters
    ----------
    graph
        Parents and children; remove edges with `Adjacency.without` first, not during the walk.
    starts
        Nodes to start from; they may be left in every direction.
    given
        The conditioning set Z (disjoint from *starts*).
    until
        The walk ends when it first arrives at one of these.
    around
        Walk on these nodes and on the ancestors of *given* alone. Every open path between two nodes
        lies within the ancestors of both and of *given*.
    """
    parents, children = graph.parents, graph.children
    opened = ancestors(graph, given) if given else ()
    came: _Came = {2 * node: -1 for node in sorted(starts)}
    todo = list(came)
    for state in todo:  # the list grows while it is read: a queue
        node = state >> 1
        if node in until:
            break
        by_head = state & 1
        if node not in given:
            for child in children[node]:
                step = 2 * child + 1
                if step not in came and (around is None or child in around or child in opened):
                    came[step] = state
                    todo.append(step)
            upward = not by_head or node in opened
        else:
            upward = by_head == 1
        if upward:
            for parent in parents[node]:
                step = 2 * parent
                if step not in came:
                    came[step] = state
                    todo.append(step)
    return Reached(came)


def open_path(
    graph: Adjacency,
    starts: Collection[int],
    ends: Collection[int],
    given: Collection[int],
    around: Container[int] | None = None,
) -> Path | None:
    """A shortest path from *starts* to *ends* that lets association through, or None.

    None means that *given* d-separates the two sets. *around*: the ancestors of *starts* and
    *ends*, where they are known already.
    """
    if around is None:
        around = ancestors(graph, {*starts, *ends})
    reached = reach(graph, starts, given, until=ends, around=around)
    # At most one of *ends* was arrived at and left the queue; others may wait in it. Any will do.
    met = [node for node in ends if node in reached]
    return min((reached.path_to(node) for node in met), key=_short_first) if met else None


def _short_first(path: Path) -> tuple[int, tuple[int, ...]]:
    return len(path.nodes), path.nodes

"""The directed acyclic graph a user drew: an immutable value.

A `Dag` knows its variables by name and by number. Names are what users, data and reports speak;
numbers (the rank of the name in sorted order) are what the algorithms run on, over plain tuples of
parents and children. Because names are sorted once, here, no result can depend on the order in
which nodes or edges were written.

A bidirected edge ``a <-> b`` says that some unnamed, unmeasured variable causes both. It is kept as
drawn and appears to the algorithms as one more node, numbered after the named ones, with the two
ends as its children: every criterion for graphs with latent variables then applies as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from causal.errors import CycleError, GraphError, UnknownVariable, did_you_mean, shown

if TYPE_CHECKING:
    import networkx

    from causal.criteria.question import Effect, Question

__all__ = ["Adjacency", "Dag", "bare_name"]

Edge = tuple[str, str]
Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Adjacency:
    """Parents and children of every node number: all that a walk needs."""

    parents: Sequence[tuple[int, ...]]
    children: Sequence[tuple[int, ...]]

    def without(self, edges: Iterable[tuple[int, int]]) -> Adjacency:
        """A copy that lacks *edges* (pairs tail, head), from both sides.

        The edges are gone for good: a walk that comes back to their tail by another way cannot
        take them either.
        """
        parents, children = list(self.parents), list(self.children)
        heads_of: dict[int, set[int]] = {}
        tails_of: dict[int, set[int]] = {}
        for tail, head in edges:
            heads_of.setdefault(tail, set()).add(head)
            tails_of.setdefault(head, set()).add(tail)
        for tail, heads in heads_of.items():
            children[tail] = tuple(node for node in children[tail] if node not in heads)
        for head, tails in tails_of.items():
            parents[head] = tuple(node for node in parents[head] if node not in tails)
        return Adjacency(parents, children)


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Dag:
    """A directed acyclic graph with its marks.

    Parameters
    ----------
    source
        DAGitty, DOT or arrow text (``"x <- z -> y; x -> c <- y"``), or a `networkx.DiGraph`.
        Leave it out to give the parts by keyword, and give none beside it.
    nodes, edges, arcs
        Names; pairs (cause, effect); pairs joined by ``<->``. Nodes named in an edge or a mark need
        not be repeated in *nodes*. Duplicates are one.
    exposures, outcomes, latent, adjusted, selected
        Names that carry the mark; a string is one name.
    positions
        Name -> (x, y) in the drawing's own units.

    Raises
    ------
    NotationError
        The text cannot be read.
    CycleError
        The arrows go round; a self-loop is the shortest case.
    GraphError
        A name that is empty or no text, a position that is not two numbers, or a text and parts.
    """

    names: tuple[str, ...]
    edges: tuple[Edge, ...]
    arcs: tuple[Edge, ...]
    exposures: frozenset[str]
    outcomes: frozenset[str]
    latent: frozenset[str]
    adjusted: frozenset[str]
    selected: frozenset[str]
    positions: Mapping[str, Position]
    adjacency: Adjacency
    hidden: frozenset[int]  # numbers of what cannot be measured: latent, or behind a <->
    _number: Mapping[str, int]

    def __init__(
        self,
        source: str | networkx.DiGraph[Any] | None = None,
        *,
        nodes: Iterable[str] = (),
        edges: Iterable[Edge] = (),
        arcs: Iterable[Edge] = (),
        exposures: Iterable[str] = (),
        outcomes: Iterable[str] = (),
        latent: Iterable[str] = (),
        adjusted: Iterable[str] = (),
        selected: Iterable[str] = (),
        positions: Mapping[str, Position] | None = None,
    ) -> None:
        marks = {
            "exposures": _names(exposures),
            "outcomes": _names(outcomes),
            "latent": _names(latent),
            "adjusted": _names(adjusted),
            "selected": _names(selected),
        }
        if source is not None:
            if any((nodes, edges, arcs, positions, *marks.values())):
                raise GraphError(
                    "A DAG is given as a text or graph, or by its parts, not both. "
                    "To change the marks of a text: Dag(text).marked(latent=['u'])."
                )
            from causal.graph.notation import read

            parts = read(source)
            for field in self.__dataclass_fields__:
                object.__setattr__(self, field, getattr(parts, field))
            return

        arrows = {(a, b) for a, b in edges}
        pairs = {(a, b) for a, b in arcs}
        places = {name: _place(name, place) for name, place in (positions or {}).items()}
        everyone = {*_names(nodes), *places}.union(*arrows, *pairs, *marks.values())
        _refuse_other_names(everyone)
        names = tuple(sorted(everyone))
        drawn = sorted(arrows)
        joined = sorted({(min(a, b), max(a, b)) for a, b in pairs})
        number = {name: i for i, name in enumerate(names)}

        size = len(names) + len(joined)
        parents: list[list[int]] = [[] for _ in range(size)]
        children: list[list[int]] = [[] for _ in range(size)]
        for a, b in drawn:
            parents[number[b]].append(number[a])
            children[number[a]].append(number[b])
        for hidden, (a, b) in enumerate(joined, start=len(names)):
            if a == b:
                raise CycleError(
                    f"{shown(a)} is joined to itself by <->. A variable cannot share a cause "
                    "with itself; remove that edge."
                )
            for end in (a, b):
                parents[number[end]].append(hidden)
                children[hidden].append(number[end])
        adjacency = Adjacency(tuple(map(tuple, parents)), tuple(map(tuple, children)))
        _refuse_cycles(names, adjacency)

        values: dict[str, object] = {
            "names": names,
            "edges": tuple(drawn),
            "arcs": tuple(joined),
            **marks,
            "positions": MappingProxyType(dict(sorted(places.items()))),
            "adjacency": adjacency,
            "hidden": frozenset([*(number[name] for name in marks["latent"]), *range(len(names), size)]),
            "_number": MappingProxyType(number),
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)

    # Equality and hash are those of the drawing; the rest is derived from it.

    def _key(self) -> tuple[object, ...]:
        marks = (self.exposures, self.outcomes, self.latent, self.adjusted, self.selected)
        return (self.names, self.edges, self.arcs, marks, tuple(self.positions.items()))

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Dag) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.parts(),))

    def __repr__(self) -> str:
        from causal.graph.notation.arrows import write

        text = write(self)
        return f"Dag({text!r})" if len(text) <= 400 else f"<Dag of {len(self.names)} variables>"

    def _repr_svg_(self) -> str:
        from causal.display.drawing import svg

        return svg(self)

    # Names and numbers

    @property
    def size(self) -> int:
        """How many nodes the algorithms see: the named ones, then one for each ``<->``."""
        return len(self.adjacency.parents)

    def number(self, name: str) -> int:
        """The number of the variable called *name*.

        Raises
        ------
        UnknownVariable
            The DAG has no such variable.
        """
        try:
            return self._number[name]
        except KeyError:
            raise UnknownVariable(
                f"The DAG has no variable {shown(name)}.{did_you_mean(name, self.names)}"
            ) from None

    def numbers(self, names: Iterable[str]) -> frozenset[int]:
        """The numbers of *names*; raises `UnknownVariable` like `number`."""
        return frozenset(map(self.number, names))

    def named(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """The names of *numbers*, sorted; the nameless causes behind ``<->`` are left out."""
        count = len(self.names)
        return tuple(self.names[i] for i in sorted(numbers) if i < count)

    def label(self, number: int) -> str:
        """How a node is called: its name, or ``a <-> b`` for the nameless cause behind that."""
        if number < len(self.names):
            return self.names[number]
        return " <-> ".join(self.arcs[number - len(self.names)])

    # The same drawing with other marks

    def parts(self) -> dict[str, Any]:
        """The keyword arguments that make this DAG again."""
        return {
            "nodes": self.names,
            "edges": self.edges,
            "arcs": self.arcs,
            "exposures": self.exposures,
            "outcomes": self.outcomes,
            "latent": self.latent,
            "adjusted": self.adjusted,
            "selected": self.selected,
            "positions": dict(self.positions),
        }

    def marked(
        self,
        *,
        exposures: Iterable[str] | None = None,
        outcomes: Iterable[str] | None = None,
        latent: Iterable[str] | None = None,
        adjusted: Iterable[str] | None = None,
        selected: Iterable[str] | None = None,
    ) -> Dag:
        """The same drawing with the given marks in place of its own.

        Raises
        ------
        UnknownVariable
            A mark on a variable that the DAG lacks.
        """
        given = {
            "exposures": exposures,
            "outcomes": outcomes,
            "latent": latent,
            "adjusted": adjusted,
            "selected": selected,
        }
        new = {field: _names(names) for field, names in given.items() if names is not None}
        for names in new.values():
            self.numbers(names)
        return Dag(**{**self.parts(), **new})

    # Forward: one line each, the work stands in its own stage

    def question(
        self,
        exposure: str | Iterable[str] | None = None,
        outcome: str | Iterable[str] | None = None,
        *,
        effect: Effect = "direct",
    ) -> Question:
        """The question what *exposure* does to *outcome*; see `causal.criteria.question.ask`."""
        from causal.criteria.question import ask

        return ask(self, exposure, outcome, effect=effect)

    def to_networkx(self) -> networkx.DiGraph[Any]:
        """See `causal.graph.notation.exchange.to_networkx`."""
        from causal.graph.notation.exchange import to_networkx

        return to_networkx(self)

    def to_dagitty(self) -> str:
        """The DAG in DAGitty's notation."""
        from causal.graph.notation.dagitty import write

        return write(self)

    def to_dot(self) -> str:
        """The DAG in Graphviz's notation, with DAGitty's attributes."""
        from causal.graph.notation.dot import write

        return write(self)

    def to_arrows(self) -> str:
        """The DAG as arrow text, with its marks; positions have no place in it."""
        from causal.graph.notation.arrows import write

        return write(self)


def _names(given: Iterable[str]) -> frozenset[str]:
    """*given* as a set; a string is one name, not its letters."""
    return frozenset([given] if isinstance(given, str) else given)


def _refuse_other_names(names: Iterable[object]) -> None:
    for name in names:
        if not isinstance(name, str):
            raise GraphError(f"A variable is called {name!r}, but a name is text: {str(name)!r}.")
        if not name:
            raise GraphError("A variable has an empty name. Give every variable a name.")


def _place(name: object, given: Iterable[Any]) -> Position:
    """*given* as two finite numbers."""
    try:
        x, y = map(float, given)
    except (TypeError, ValueError, OverflowError):
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise GraphError(f"The position of {shown(str(name))} is not two numbers. Give (x, y).")
    return x, y


def _rebuild(parts: dict[str, Any]) -> Dag:
    return Dag(**parts)


def bare_name(name: str) -> bool:
    """Whether *name* reads as one word in every notation, so that it needs no quotes."""
    return name.isidentifier() or (name.isascii() and name.isdigit())


def _refuse_cycles(names: Sequence[str], graph: Adjacency) -> None:
    """Raise `CycleError` unless the nodes can be put in causal order (Kahn 1962)."""
    waiting = [len(parents) for parents in graph.parents]
    ready = [node for node, count in enumerate(waiting) if count == 0]
    ordered = 0
    while ready:
        node = ready.pop()
        ordered += 1
        for child in graph.children[node]:
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    if ordered == len(waiting):
        return

    # Every node left over has a parent left over: going up from any of them must come round.
    node = next(node for node, count in enumerate(waiting) if count > 0)
    trail: list[int] = []
    seen_at: dict[int, int] = {}
    while node not in seen_at:
        seen_at[node] = len(trail)
        trail.append(node)
        node = next(parent for parent in graph.parents[node] if waiting[parent] > 0)
    circle = trail[seen_at[node] :][::-1]
    start = circle.index(min(circle))
    circle = circle[start:] + circle[:start]
    if len(circle) > 12:
        text = " -> ".join([names[i] for i in circle[:6]] + ["…"] + [names[i] for i in circle[-5:]])
    else:
        text = " -> ".join(names[i] for i in circle)
    text = shown(f"{text} -> {names[circle[0]]}", 600)[1:-1]
    kind = "An arrow runs from a variable to itself" if len(circle) == 1 else "The arrows go round"
    raise CycleError(
        f"{kind}: {text}. A DAG has no cycles, because nothing causes itself. "
        "Remove or turn one of these arrows"
        + ("." if len(circle) == 1 else ", or give the variable one node per point in time.")
    )

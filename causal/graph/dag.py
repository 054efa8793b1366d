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
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from causal.errors import CycleError, GraphError, UnknownVariable, did_you_mean, shown

if TYPE_CHECKING:
    import networkx

    from causal.criteria.implications import Implications
    from causal.criteria.question import Effect, Question

__all__ = ["Adjacency", "Dag", "bare_name"]

Edge = tuple[str, str]
Link = tuple[str, str, str]  # (cause, "->", effect), or (a, "<->", b) with a before b
Position = tuple[float, float]
Box = tuple[float, float, float, float]
Attributes = Mapping[str | Link, Mapping[str, str]]

_NOTHING: Mapping[Any, Any] = MappingProxyType({})


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
        DAGitty, DOT or arrow text (``"x <- z -> y; x -> c <- y"``), any other notation that
        `causal.graph.notation` lists, or a `networkx.DiGraph`. Leave it out to give the parts by
        keyword, and give none beside it.
    nodes, edges, arcs
        Names; pairs (cause, effect); pairs joined by ``<->``. Nodes named in an edge or a mark need
        not be repeated in *nodes*. Duplicates are one.
    exposures, outcomes, latent, adjusted, selected
        Names that carry the mark; a string is one name.
    positions
        Name -> (x, y) in the drawing's own units.
    bends
        Edge -> the point it is bent towards, in those units. An edge is (cause, "->", effect) or
        (a, "<->", b).
    box
        The part of the plane that the picture shows: (left, top, right, bottom).
    title
        What the drawing is called.
    attributes
        Name, edge or ``""`` for the drawing as a whole -> texts that say nothing to us, key ->
        text: labels, colours, path coefficients. They are kept for whoever reads the DAG next.

    Raises
    ------
    NotationError
        The text cannot be read.
    CycleError
        The arrows go round; a self-loop is the shortest case.
    GraphError
        A name that is empty or no text, a position that is not two numbers, an edge that is bent
        or described and not drawn, or a text and parts.
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
    bends: Mapping[Link, Position]
    box: Box | None
    title: str
    attributes: Attributes
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
        bends: Mapping[Link, Position] | None = None,
        box: Box | None = None,
        title: str = "",
        attributes: Attributes | None = None,
    ) -> None:
        marks = {
            "exposures": _names(exposures),
            "outcomes": _names(outcomes),
            "latent": _names(latent),
            "adjusted": _names(adjusted),
            "selected": _names(selected),
        }
        if source is not None:
            looks = (positions, bends, box, title, attributes)
            if any((nodes, edges, arcs, *looks, *marks.values())):
                raise GraphError(
                    "A DAG is given as a text or graph, or by its parts, not both. "
                    "To change the marks of a text: Dag(text).marked(latent=['u'])."
                )
            from causal.graph.notation import read

            parts = read(source)
            for field in self.__dataclass_fields__:
                object.__setattr__(self, field, getattr(parts, field))
            return

        edges, arcs = list(edges), list(arcs)
        placed = positions or {}
        described = [one for one in attributes or () if isinstance(one, str) and one]
        everyone = {*_names(nodes), *placed, *described}.union(*marks.values())
        everyone.update(chain.from_iterable(edges), chain.from_iterable(arcs))
        _refuse_other_names(everyone)
        names = tuple(sorted(everyone))
        number = dict(zip(names, range(len(names)), strict=True))

        # Many short lists of numbers are sorted in less time than one long list of names.
        count = len(names)
        joined = sorted({(min(a, b), max(a, b)) for a, b in arcs})
        size = count + len(joined)
        parents: list[list[int]] = [[] for _ in range(size)]
        children: list[list[int]] = [[] for _ in range(size)]
        for a, b in edges:
            children[number[a]].append(number[b])
        drawn: list[Edge] = []
        for tail, heads in enumerate(children):
            if len(heads) > 1:
                heads = children[tail] = sorted(set(heads))
            for head in heads:
                parents[head].append(tail)
            if heads:
                name = names[tail]
                drawn += [(name, names[head]) for head in heads]
        for hidden, (a, b) in enumerate(joined, start=count):
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
            "positions": MappingProxyType(
                {name: _place(name, placed[name]) for name in names if name in placed}
            ),
            "bends": _NOTHING,
            "box": None if box is None else _box(box),
            "title": title,
            "attributes": _NOTHING,
            "adjacency": adjacency,
            "hidden": frozenset([*(number[name] for name in marks["latent"]), *range(count, size)]),
            "_number": MappingProxyType(number),
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)
        if bends:
            object.__setattr__(self, "bends", _bends(self, bends))
        if attributes:
            object.__setattr__(self, "attributes", _attributes(self, attributes))
        if not isinstance(title, str):
            raise GraphError(f"The title of a DAG is text, not {title!r}.")

    # Equality and hash are those of the drawing; the rest is derived from it.

    def _key(self) -> tuple[object, ...]:
        marks = (self.exposures, self.outcomes, self.latent, self.adjusted, self.selected)
        described = [(one, tuple(texts.items())) for one, texts in self.attributes.items()]
        looks = (tuple(self.positions.items()), tuple(self.bends.items()), self.box, self.title)
        return (self.names, self.edges, self.arcs, marks, looks, tuple(described))

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
        names, known = tuple(names), self._number
        try:
            return frozenset([known[name] for name in names])
        except KeyError:
            return frozenset(map(self.number, names))  # raises, and says which

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
            "bends": dict(self.bends),
            "box": self.box,
            "title": self.title,
            "attributes": {one: dict(texts) for one, texts in self.attributes.items()},
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

    def implications(self) -> Implications:
        """Which independences must hold in data; see `causal.criteria.implications`."""
        from causal.criteria.implications import implications

        return implications(self)

    def basis(self) -> Implications:
        """Independences from which the others follow; see `causal.criteria.implications.basis`."""
        from causal.criteria.implications import basis

        return basis(self)

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
        """The DAG as arrow text, with its marks; how it looks has no place in it."""
        from causal.graph.notation.arrows import write

        return write(self)

    def to_lavaan(self) -> str:
        """The DAG as a model of lavaan; see `causal.graph.notation.lavaan.write`."""
        from causal.graph.notation.lavaan import write

        return write(self)

    def to_csv(self) -> str:
        """The DAG as a table of edges; see `causal.graph.notation.edges.write`."""
        from causal.graph.notation.edges import write

        return write(self)

    def to_json(self) -> str:
        """The DAG as a JSON object, with nothing lost; see `causal.graph.notation.records`."""
        from causal.graph.notation.records import write

        return write(self)

    def to_gml(self) -> str:
        """The DAG in GML; see `causal.graph.notation.gml.write`."""
        from causal.graph.notation.gml import write

        return write(self)

    def to_graphml(self) -> str:
        """The DAG in GraphML; see `causal.graph.notation.graphml.write`."""
        from causal.graph.notation.graphml import write

        return write(self)

    def to_mermaid(self) -> str:
        """The picture of the DAG for a Markdown page; see `causal.graph.notation.mermaid`."""
        from causal.graph.notation.mermaid import write

        return write(self)

    def to_tikz(self) -> str:
        """The picture of the DAG for a LaTeX document; see `causal.graph.notation.tikz`."""
        from causal.graph.notation.tikz import write

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
        x, y = given
        x, y = float(x), float(y)
    except (TypeError, ValueError, OverflowError):
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise GraphError(f"The position of {shown(str(name))} is not two numbers. Give (x, y).")
    return x, y


def _box(given: Iterable[Any]) -> Box:
    """*given* as four finite numbers."""
    try:
        left, top, right, bottom = map(float, given)
    except (TypeError, ValueError, OverflowError):
        left = top = right = bottom = math.nan
    if not all(map(math.isfinite, (left, top, right, bottom))):
        raise GraphError("The box of a DAG is four numbers: (left, top, right, bottom).")
    return left, top, right, bottom


def _bends(dag: Dag, given: Mapping[Link, Any]) -> Mapping[Link, Position]:
    drawn = _links(dag)
    places: dict[Link, Position] = {}
    for one, place in given.items():
        link = _link(one, drawn)
        places[link] = _place(" ".join(link), place)
    return MappingProxyType(dict(sorted(places.items())))


def _attributes(dag: Dag, given: Attributes) -> Attributes:
    from causal.graph.notation.statements import MARKS

    drawn = _links(dag)
    of_whole, of_variable = frozenset({"bb", "name"}), frozenset({"pos", *MARKS})
    of_edge = of_variable | {"dir"}
    kept: dict[str | Link, dict[str, str]] = {}
    for one, texts in given.items():
        subject = one if isinstance(one, str) else _link(one, drawn)
        taken = of_whole if not subject else of_variable if isinstance(subject, str) else of_edge
        for key, text in texts.items():
            if not (isinstance(key, str) and isinstance(text, str) and key):
                raise GraphError(f"An attribute is a key and a text, not {key!r}: {text!r}.")
            if key in taken:
                raise GraphError(
                    f"The attribute {shown(key)} has a meaning of its own. Give it by a keyword: "
                    "exposures, outcomes, latent, adjusted, selected, positions, bends, box, title."
                )
        if texts:
            kept.setdefault(subject, {}).update(texts)
    order = sorted(kept, key=lambda one: (not isinstance(one, str), one))
    return MappingProxyType(
        {one: MappingProxyType(dict(sorted(kept[one].items()))) for one in order}
    )


def _links(dag: Dag) -> frozenset[Link]:
    """Every edge of *dag*, as what is said of an edge names it."""
    return frozenset([*((a, "->", b) for a, b in dag.edges), *((a, "<->", b) for a, b in dag.arcs)])


def _link(given: Any, drawn: frozenset[Link]) -> Link:
    link = given if isinstance(given, tuple) else (given,)
    if link[1:2] == ("<->",) and link not in drawn:
        link = link[::-1] if link[::-1] in drawn else link
    if link not in drawn:
        raise GraphError(
            f"The DAG has no edge {shown(' '.join(map(str, link)))} to bend or to describe. "
            'An edge is a triple: (cause, "->", effect) or (a, "<->", b).'
        )
    return link


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

"""Independent answers to compare the criteria with.

Two oracles that share no code with the package and little with each other:

`Definitions` takes the textbook at its word. It lists *every* path between exposure and outcome
and asks of each one whether it is open; sets are found by trying all of them. Exponential, and
beyond doubt.

* A path is open given Z when every collider on it has a descendant (or is itself) in Z and no
  other inner node is in Z (Pearl 1988).
* Total effect, the complete adjustment criterion as stated by Shpitser, VanderWeele & Robins
  (2010): no node of Z is an exposure or a descendant of a node on a proper causal path, and Z
  closes every proper path that is not causal. (A path is proper when only its first node is an
  exposure, causal when all its arrows point forward.) No back-door graph is made.
* Direct effect, the single-door criterion (Pearl 2009, thm 5.3.1): without the arrows from
  exposures to outcomes, Z holds no descendant of an outcome and closes every path.

`Reference` works on graphs of any size: `networkx.is_d_separator` on the proper back-door graph
and the forbidden set (Perkovic et al. 2018; van der Zander, Liskiewicz & Textor 2019); a minimum
cut of the moral graph for the size of the smallest set; walks in it for the recommended one.

In both, nodes marked selected are held fixed on every path but belong to no set, and a
bidirected edge is a hidden common cause.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations, permutations
from typing import Any

import networkx as nx
import numpy as np

from causal.criteria.question import Effect, Question
from causal.graph.dag import Dag

__all__ = [
    "Case",
    "Definitions",
    "Reference",
    "all_graphs",
    "drawn",
    "linear_model",
    "random_case",
    "renamed",
    "role_of",
    "small_cases",
    "subsets",
]

Edge = tuple[str, str]
Names = frozenset[str]
Walked = tuple[tuple[int, ...], tuple[bool, ...]]  # nodes, and whether each arrow points forward
NOBODY: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    """A drawing and what is asked of it. *refused*: the user may not adjust for these."""

    edges: tuple[Edge, ...]
    exposures: tuple[str, ...] = ("x",)
    outcomes: tuple[str, ...] = ("y",)
    effect: Effect = "direct"
    nodes: tuple[str, ...] = ()
    arcs: tuple[Edge, ...] = ()
    latent: Names = NOBODY
    forced: Names = NOBODY
    selected: Names = NOBODY
    refused: Names = NOBODY

    @property
    def names(self) -> tuple[str, ...]:
        """Every named variable, sorted."""
        marked = chain(self.latent, self.forced, self.selected, self.refused)
        asked = (*self.exposures, *self.outcomes)
        drawn_ = chain.from_iterable((*self.edges, *self.arcs))
        return tuple(sorted({*self.nodes, *asked, *drawn_, *marked}))

    def about(self, effect: Effect) -> Case:
        """The same question about the other effect."""
        return replace(self, effect=effect)

    def dag(self) -> Dag:
        """The drawing as the package holds it."""
        return Dag(
            nodes=self.names,
            edges=self.edges,
            arcs=self.arcs,
            latent=self.latent,
            adjusted=self.forced,
            selected=self.selected,
        )

    def question(self) -> Question:
        """The question as the package holds it."""
        return self.dag().question(self.exposures, self.outcomes, effect=self.effect)


def drawn(
    text: str,
    exposures: str = "x",
    outcomes: str = "y",
    *,
    effect: Effect = "direct",
    latent: str = "",
    forced: str = "",
    selected: str = "",
    refused: str = "",
) -> Case:
    """A case from ``"x <- z -> y; a <-> y; w"``; marks are lists of one-letter or longer words.

    A reader of its own, so that no test of the criteria leans on the notations.
    """
    nodes: set[str] = set()
    edges: set[Edge] = set()
    arcs: set[Edge] = set()
    for statement in text.split(";"):
        words = statement.split()
        nodes.update(words[::2])
        for left, arrow, right in zip(words[::2], words[1::2], words[2::2], strict=False):
            match arrow:
                case "->":
                    edges.add((left, right))
                case "<-":
                    edges.add((right, left))
                case "<->":
                    arcs.add((min(left, right), max(left, right)))
                case _:
                    raise ValueError(statement)
    return Case(
        tuple(sorted(edges)),
        tuple(exposures.split()),
        tuple(outcomes.split()),
        effect,
        tuple(sorted(nodes)),
        tuple(sorted(arcs)),
        frozenset(latent.split()),
        frozenset(forced.split()),
        frozenset(selected.split()),
        frozenset(refused.split()),
    )


def subsets(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """All subsets, the smallest first."""
    pool = sorted(names)
    return chain.from_iterable(combinations(pool, k) for k in range(len(pool) + 1))


def _bits(numbers: Iterable[int]) -> int:
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


class Definitions:
    """The answers by the definitions alone: every path, every set.

    Nodes are numbered as in `Dag`: names in sorted order, then the hidden causes of the arcs.
    Sets of nodes are bit masks.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.names = case.names
        self.number = {name: i for i, name in enumerate(self.names)}
        self.size = len(self.names) + len(case.arcs)
        arrows = [(self.number[a], self.number[b]) for a, b in case.edges]
        for hidden, ends in enumerate(case.arcs, start=len(self.names)):
            arrows += [(hidden, self.number[end]) for end in ends]
        self.arrows = frozenset(arrows)
        self.x = self.mask(case.exposures)
        self.y = self.mask(case.outcomes)
        self.fixed = self.mask(case.selected)
        self.hidden = self.mask(case.latent) | _bits(range(len(self.names), self.size))
        removed = (
            {(a, b) for a, b in arrows if self.x >> a & 1 and self.y >> b & 1}
            if case.effect == "direct"
            else set()
        )
        self.kept = self.arrows - removed
        # Descendants, itself among them, in the graph in which paths are judged.
        self.below = [self._below(node, self.kept) for node in range(self.size)]

    # Names and masks

    def mask(self, names: Iterable[str]) -> int:
        return _bits(self.number[name] for name in names)

    def named(self, mask: int) -> tuple[str, ...]:
        return tuple(name for i, name in enumerate(self.names) if mask >> i & 1)

    def _members(self, mask: int) -> list[int]:
        return [i for i in range(self.size) if mask >> i & 1]

    def _below(self, node: int, arrows: Iterable[tuple[int, int]]) -> int:
        found, todo = {node}, [node]
        while todo:
            tail = todo.pop()
            for a, b in arrows:
                if a == tail and b not in found:
                    found.add(b)
                    todo.append(b)
        return _bits(found)

    # Paths

    def paths(self, *, proper: bool) -> Iterator[Walked]:
        """Every path from an exposure to an outcome; *proper*: with no exposure after the first."""
        steps: list[list[tuple[int, bool]]] = [[] for _ in range(self.size)]
        for a, b in sorted(self.kept):
            steps[a].append((b, True))
            steps[b].append((a, False))
        barred = self.x if proper else 0

        def onward(nodes: tuple[int, ...], forward: tuple[bool, ...]) -> Iterator[Walked]:
            if self.y >> nodes[-1] & 1:
                yield nodes, forward
            for node, ahead in steps[nodes[-1]]:
                if node not in nodes and not barred >> node & 1:
                    yield from onward((*nodes, node), (*forward, ahead))

        for start in self._members(self.x):
            yield from onward((start,), ())

    @cached_property
    def causal_nodes(self) -> int:
        """Cn: what lies on proper causal paths, exposures left out."""
        whole = Definitions(self.case.about("total")) if self.case.effect == "direct" else self
        on_them = 0
        for nodes, forward in whole.paths(proper=True):
            if all(forward):
                on_them |= _bits(nodes)
        return on_them & ~self.x

    @cached_property
    def biasing(self) -> tuple[Walked, ...]:
        """The paths that a valid set must close."""
        if self.case.effect == "direct":
            return tuple(self.paths(proper=False))
        return tuple(p for p in self.paths(proper=True) if not all(p[1]))

    def conditions(self, path: Walked) -> tuple[int, frozenset[int]]:
        """What closes a path when fixed, and from which groups one must be fixed to open it."""
        nodes, forward = path
        closing, opening = 0, set()
        for node, into, out in zip(nodes[1:-1], forward, forward[1:], strict=False):
            if into and not out:
                opening.add(self.below[node])
            else:
                closing |= 1 << node
        return closing, frozenset(opening)

    @cached_property
    def _conditions(self) -> frozenset[tuple[int, frozenset[int]]]:
        return frozenset(map(self.conditions, self.biasing))

    def is_open(self, path: Walked, names: Iterable[str]) -> bool:
        """Whether *path* is open given *names* and what is selected."""
        z = self.mask(names) | self.fixed
        closing, opening = self.conditions(path)
        return not closing & z and all(group & z for group in opening)

    def open_paths(self, names: Iterable[str]) -> list[Walked]:
        """The biasing paths open given *names*."""
        names = tuple(names)
        return [path for path in self.biasing if self.is_open(path, names)]

    # Sets

    @cached_property
    def forbidden(self) -> int:
        """De(Cn) and the exposures (total); De(Y) (direct)."""
        roots = self.causal_nodes if self.case.effect == "total" else self.y
        union = self.x if self.case.effect == "total" else 0
        for node in self._members(roots):
            union |= self._below(node, self.arrows)
        return union

    @cached_property
    def allowed(self) -> int:
        """What may stand in a set of the package's own: observed, unselected, not refused."""
        barred = self.x | self.y | self.hidden | self.fixed | self.forbidden
        return (1 << self.size) - 1 & ~barred & ~self.mask(self.case.refused)

    def _valid(self, z: int) -> bool:
        if z & (self.x | self.y | self.hidden) or (z | self.fixed) & self.forbidden:
            return False
        z |= self.fixed
        return not any(
            not closing & z and all(group & z for group in opening)
            for closing, opening in self._conditions
        )

    def is_valid(self, names: Iterable[str]) -> bool:
        """Whether exactly this set answers the question; forced and refused names play no part."""
        return self._valid(self.mask(names))

    @cached_property
    def valid_sets(self) -> tuple[int, ...]:
        """Every valid set that holds the forced names and no refused one."""
        forced = self.mask(self.case.forced)
        if forced & ~self.allowed:
            return ()
        free = self._members(self.allowed & ~forced)
        candidates = (
            forced | _bits(some) for k in range(len(free) + 1) for some in combinations(free, k)
        )
        return tuple(z for z in candidates if self._valid(z))

    @cached_property
    def minimal_sets(self) -> frozenset[tuple[str, ...]]:
        """The valid sets of which no part is valid."""
        minimal: list[int] = []
        for z in self.valid_sets:  # the smallest first
            if not any(smaller & ~z == 0 for smaller in minimal):
                minimal.append(z)
        return frozenset(map(self.named, minimal))

    @property
    def status(self) -> str:
        if not self.valid_sets:
            return "not_identifiable"
        return "none_needed" if self.mask(self.case.forced) in self.valid_sets else "sets"

    @cached_property
    def canonical_set(self) -> tuple[str, ...]:
        """I | ((An(X) | An(Y) | An(I)) - what is barred); valid when anything is.

        What is selected is held fixed like the forced nodes, so its ancestors belong here too.
        """
        forced = self.mask(self.case.forced)
        ends = self.x | self.y | forced | self.fixed
        above = _bits(i for i in range(self.size) if self.below[i] & ends)
        return self.named(forced | above & self.allowed)

    @cached_property
    def optimal_set(self) -> int | None:
        """Pa(Cn) - Forb (total), Pa(Y) - X (direct), where the claims about it hold, else None.

        All of it must be observed and allowed, nothing forced or selected. For the total effect
        every outcome must be one that an exposure reaches: in "x -> y1; x <- z -> y2" with both
        outcomes Pa(Cn) - Forb is empty and yet z is needed (Henckel, Perkovic & Maathuis 2022
        assume as much).
        """
        if self.case.forced or self.case.selected:
            return None
        of = self.y if self.case.effect == "direct" else self.causal_nodes
        if self.y & ~of:
            return None
        parents = _bits(a for a, b in self.arrows if of >> b & 1)
        if self.case.effect == "direct":
            best = parents & ~self.x & ~self.y
        else:
            best = parents & ~self.forbidden
        return None if best & ~self.allowed else best

    # Facts about the drawing

    @cached_property
    def assumes_zero(self) -> bool:
        """No arrow (direct), no directed path (total) from an exposure to an outcome."""
        if self.case.effect == "direct":
            return self.kept == self.arrows
        return not self.causal_nodes & self.y

    def descendants(self, names: Iterable[str]) -> int:
        """What *names* cause by any way, and they themselves."""
        union = 0
        for name in names:
            union |= self._below(self.number[name], self.arrows)
        return union

    @cached_property
    def outcome_first(self) -> bool:
        """Whether an outcome is an ancestor of an exposure."""
        return bool(self.descendants(self.case.outcomes) & self.x)

    def is_path(self, nodes: Iterable[int], forward: Iterable[bool]) -> bool:
        """Whether this is a path of the whole drawing: real arrows, no node twice."""
        nodes, forward = tuple(nodes), tuple(forward)
        real = all(
            ((a, b) if ahead else (b, a)) in self.arrows
            for a, b, ahead in zip(nodes[:-1], nodes[1:], forward, strict=True)
        )
        return real and len(set(nodes)) == len(nodes)


# Roles, for one exposure and one outcome that does not come before it


def role_of(case: Case, name: str) -> str:
    """The role of *name* by the list of definitions, the first that fits.

    "instrument" is not told from "cause of the exposure only": the two differ by the effect.
    """
    total = Definitions(case.about("total"))
    (x,), (y,) = case.exposures, case.outcomes
    graph = nx.DiGraph(total.arrows)
    graph.add_nodes_from(range(total.size))
    v, i, o = total.number[name], total.number[x], total.number[y]

    def leads(a: int, b: int, avoiding: int | None = None) -> bool:
        if avoiding in (a, b):
            return False
        rest = graph.subgraph(n for n in graph if n != avoiding)
        return nx.has_path(rest, a, b)

    def mediates(n: int) -> bool:
        return n not in (i, o) and leads(i, n) and leads(n, o)

    def collides(n: int) -> bool:
        from_x = {p for p in graph.predecessors(n) if leads(i, p, avoiding=o)}
        from_y = {p for p in graph.predecessors(n) if leads(o, p, avoiding=i)}
        return n not in (i, o) and any(a != b for a in from_x for b in from_y)

    def common(n: int) -> bool:
        return n not in (i, o) and leads(n, i, avoiding=o) and leads(n, o, avoiding=i)

    def under(fits: Any) -> bool:
        return any(fits(n) and n != v and leads(n, v) for n in graph)

    def stands_in(n: int) -> bool:
        """Below a common cause, and not only by way of the exposure or outcome."""
        rest = graph.subgraph(m for m in graph if m not in (i, o))
        return common(n) and n != v and nx.has_path(rest, n, v)

    opened = [p for p in total.open_paths([name]) if not total.is_open(p, ())]
    rules: list[tuple[str, bool]] = [
        ("latent", name in case.latent),
        ("selected", name in case.selected),
        ("mediator", mediates(v)),
        ("collider", collides(v)),
        ("descendant of a collider", under(collides)),
        ("descendant of the outcome", leads(o, v)),
        ("descendant of a mediator", under(mediates)),
        ("common cause", common(v)),
        ("cause of the exposure only", leads(v, i, avoiding=o)),
        ("cause of the outcome only", leads(v, o, avoiding=i)),
        ("M-shaped collider", bool(opened)),
        ("proxy of a common cause", any(map(stands_in, graph))),
        ("effect of the exposure only", leads(i, v)),
        ("unrelated", True),
    ]
    return next(role for role, fits in rules if fits)


# The oracle for larger graphs


class Reference:
    """d-separation by networkx in the proper back-door graph, and the forbidden set."""

    def __init__(self, case: Case) -> None:
        self.case = case
        graph: nx.DiGraph[Any] = nx.DiGraph()
        graph.add_nodes_from(case.names)
        graph.add_edges_from(case.edges)
        hidden = [(number, *ends) for number, ends in enumerate(case.arcs)]
        for number, *ends in hidden:
            graph.add_edges_from((number, end) for end in ends)
        self.graph = graph
        self.x, self.y = set(case.exposures), set(case.outcomes)
        self.latent: set[Any] = {*case.latent, *(number for number, *_ in hidden)}
        self.causal = self._causal_nodes()
        judged = graph.copy()
        if case.effect == "total":
            judged.remove_edges_from([(a, b) for a in self.x for b in graph[a] if b in self.causal])
            roots = self.causal
            self.forbidden: set[Any] = set(self.x)
        else:
            judged.remove_edges_from([(a, b) for a in self.x for b in graph[a] if b in self.y])
            roots = self.y
            self.forbidden = set()
        self.judged = judged
        for node in roots:
            self.forbidden |= {node} | nx.descendants(graph, node)
        barred = self.x | self.y | self.latent | self.forbidden | case.selected | case.refused
        self.allowed = set(graph) - barred

    def _causal_nodes(self) -> set[Any]:
        """Below X with no arrow into X, and above Y with no arrow out of X."""
        down = self.graph.copy()
        down.remove_edges_from(list(down.in_edges(self.x)))
        up = self.graph.copy()
        up.remove_edges_from(list(up.out_edges(self.x)))
        below = set().union(*(nx.descendants(down, x) for x in self.x))
        above = set(self.y).union(*(nx.ancestors(up, y) for y in self.y))
        return below & above - self.x

    def is_valid(self, names: Iterable[str]) -> bool:
        z = set(names)
        if z & (self.x | self.y | self.latent):
            return False
        z |= self.case.selected
        if z & self.forbidden:
            return False
        return bool(nx.is_d_separator(self.judged, self.x, self.y, z))

    @property
    def canonical_set(self) -> set[str]:
        ends = self.x | self.y | self.case.forced | self.case.selected
        above = set().union(*({n} | nx.ancestors(self.judged, n) for n in ends))
        return set(self.case.forced) | above & self.allowed

    @property
    def identifiable(self) -> bool:
        return self.case.forced <= self.allowed and self.is_valid(self.canonical_set)

    @cached_property
    def moral(self) -> Any:
        """The moral graph of the ancestors of all that is asked or fixed, the fixed taken out."""
        fixed = self.case.forced | self.case.selected
        ends = self.x | self.y | fixed
        near = set().union(*({n} | nx.ancestors(self.judged, n) for n in ends))
        moral = nx.moral_graph(self.judged.subgraph(near))
        moral.remove_nodes_from(fixed)
        return moral

    def _first_met(self, starts: set[Any], targets: set[Any]) -> set[Any]:
        """The *targets* that walks from *starts* in the moral graph meet before any other."""
        beyond = self.moral.subgraph(set(self.moral) - targets)
        inside = set().union(*(nx.node_connected_component(beyond, n) for n in starts))
        return {n for n in targets if n in self.moral and inside & set(self.moral[n])}

    @property
    def recommended_set(self) -> set[str]:
        """What a walk from the outcome meets first of all that is allowed, and the forced."""
        free = self.allowed - self.case.forced
        return self._first_met(self.y, free) | self.case.forced

    @property
    def nearest_minimal_set(self) -> set[str]:
        """What a walk from the exposure meets first of the recommended set, and the forced."""
        free = self.recommended_set - self.case.forced
        return self._first_met(self.x, free) | self.case.forced

    def outcome_side(self, names: Iterable[str]) -> set[Any]:
        """What is left on the outcome's side when *names* are taken out of the moral graph."""
        beyond = self.moral.subgraph(set(self.moral) - set(names))
        return set().union(*(nx.node_connected_component(beyond, n) for n in self.y))

    def minimum_size(self) -> int:
        """Size of the smallest set with the forced names, by a cut in the moral graph."""
        flow: nx.DiGraph[Any] = nx.DiGraph()
        for node in self.moral:
            if node in self.allowed:
                flow.add_edge(("in", node), ("out", node), capacity=1)
            else:
                flow.add_edge(("in", node), ("out", node))
        for a, b in self.moral.edges:
            flow.add_edge(("out", a), ("in", b))
            flow.add_edge(("out", b), ("in", a))
        for node in self.x:
            flow.add_edge("source", ("in", node))
        for node in self.y:
            flow.add_edge(("out", node), "sink")
        return int(nx.maximum_flow_value(flow, "source", "sink")) + len(self.case.forced)


# Graphs to ask about


def all_graphs(size: int) -> list[tuple[tuple[int, int], ...]]:
    """Every DAG of *size* nodes up to renaming: 1, 2, 6, 31, 302 of them."""
    pairs = list(combinations(range(size), 2))
    seen: set[frozenset[tuple[int, int]]] = set()
    graphs = []
    for code in range(1 << len(pairs)):
        arrows = tuple(pair for i, pair in enumerate(pairs) if code >> i & 1)
        if frozenset(arrows) in seen:
            continue
        graphs.append(arrows)
        for new in permutations(range(size)):
            seen.add(frozenset((new[a], new[b]) for a, b in arrows))
    return graphs


def random_case(
    seed: int | str, smallest: int, largest: int, *, degree: float = 3.0, plain: bool = False
) -> Case:
    """A random drawing and question; *plain*: one exposure, one outcome, no marks.

    Names are dealt at random, so that their order says nothing of the causal order. One question
    in four has its outcome before its exposure or beside it.
    """
    rng = random.Random(f"{seed} of {smallest} to {largest}")
    n = rng.randint(smallest, largest)
    names = [f"v{i:02d}" for i in rng.sample(range(100), n)]
    chance = min(1.0, rng.uniform(0.8, degree) / (n - 1))
    edges = tuple((a, b) for a, b in combinations(names, 2) if rng.random() < chance)
    exposures = rng.sample(names, 1 if plain or rng.random() < 0.7 else 2)
    rest = [name for name in names if name not in exposures]
    if rng.random() < 0.75:
        last = max(map(names.index, exposures))
        rest = names[last + 1 :] or rest
    count = 1 if plain or rng.random() < 0.85 or len(rest) < 2 else 2
    outcomes = rng.sample(rest, count)
    case = Case(edges, tuple(sorted(exposures)), tuple(sorted(outcomes)), nodes=tuple(names))
    if plain:
        return case

    others = [name for name in names if name not in {*exposures, *outcomes}]

    def some(chance_of_any: float, share: float, of: list[str]) -> Names:
        if rng.random() >= chance_of_any:
            return NOBODY
        return frozenset(name for name in of if rng.random() < share)

    selected = some(0.2, 2 / n, others)
    free = [name for name in others if name not in selected]
    latent = some(0.6, rng.uniform(0.1, 0.4), free)
    observed = [name for name in free if name not in latent]
    strange = rng.random() < 0.04  # a forced node that can be in no set at all
    forced = some(0.3, 2 / n, [*latent, *outcomes, *exposures] if strange else observed)
    arcs = tuple(
        sorted({tuple(sorted(rng.sample(names, 2))) for _ in range(rng.choice((0, 0, 0, 1, 2)))})
    )
    return replace(
        case,
        effect=rng.choice(("direct", "total")),
        arcs=arcs,
        latent=latent,
        forced=forced,
        selected=selected,
        refused=some(0.2, 1.5 / n, observed),
    )


def renamed(case: Case, new: dict[str, str], rng: random.Random | None = None) -> Case:
    """The same case under other names; with *rng*, its parts in another order too."""

    def them[T: (tuple[str, ...], Names)](names: T) -> T:
        return type(names)(new[name] for name in names)

    def pairs(edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
        moved = [(new[a], new[b]) for a, b in edges]
        if rng is not None:
            rng.shuffle(moved)
        return tuple(moved)

    nodes = list(them(case.names))
    if rng is not None:
        rng.shuffle(nodes)
    return Case(
        pairs(case.edges),
        them(case.exposures),
        them(case.outcomes),
        case.effect,
        tuple(nodes),
        tuple((min(edge), max(edge)) for edge in pairs(case.arcs)),
        them(case.latent),
        them(case.forced),
        them(case.selected),
        them(case.refused),
    )


def small_cases(size: int) -> Iterator[Case]:
    """Every graph of *size* observed variables with up to two latent pairs, the ends any two."""
    names = "abcd"[:size]
    pairs = list(combinations(names, 2))
    for graph in all_graphs(size):
        edges = tuple((names[a], names[b]) for a, b in graph)
        for count in (0, 1, 2):
            for arcs in combinations(pairs, count):
                for x in names:
                    for y in names:
                        if x != y:
                            yield Case(edges, (x,), (y,), nodes=tuple(names), arcs=arcs)


def linear_model(case: Case, seed: int) -> tuple[dict[str, int], np.ndarray, np.ndarray]:
    """Positions of the variables, arrow coefficients, and covariance, hidden causes included."""
    rng = np.random.default_rng(seed)
    edges = [*case.edges, *((f"{a}<->{b}", end) for a, b in case.arcs for end in (a, b))]
    at = {name: i for i, name in enumerate(dict.fromkeys([*case.names, *(a for a, _ in edges)]))}
    arrows = np.zeros((len(at), len(at)))
    for tail, head in edges:
        arrows[at[head], at[tail]] = rng.uniform(0.3, 1) * rng.choice([-1, 1])
    spread = np.linalg.inv(np.eye(len(at)) - arrows)
    return at, arrows, spread @ np.diag(rng.uniform(0.5, 2, len(at))) @ spread.T

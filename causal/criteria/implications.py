"""What the drawing says about data, whatever is asked: which variables must be independent.

Two variables that some set of observed ones d-separates are independent given that set, in every
distribution that the drawing can stand for [1]_. Data in which they are not speak against the
drawing. Where no set separates a pair, because of an arrow or of hidden causes, there is nothing
that data could say about it.

* `implications` lists the *minimal* statements: every pair that can be separated, with every set
  that separates it and of which no part does. Such sets lie among the ancestors of the pair [2]_,
  so they are the minimal separators of one moral graph (`causal.criteria.enumeration`).
* `basis` gives one statement a pair, from which all others follow. With nothing hidden each pair
  without an arrow is given the parents of both [3]_ [4]_. Hidden variables may be such parents, or
  join a pair that has no arrow; then it is the minimal separator nearest to the effect.

*Follow* by the laws of probability (the semi-graphoid axioms) and one more axiom, *composition*:
what is independent of a and of b, each given some set, is independent of the two together given it.
It holds of jointly normal variables, and of partial correlations in any data, but not always. Let c
be whether two fair coins a and b show the same side: each two of the three are independent, which
is the whole basis of a drawing without arrows; and yet a and b are not independent given c, as that
drawing says. A basis that holds leaves nothing more to test by correlations, but it may otherwise.

A variable marked ``selected`` is held fixed by the way the data came about: it is conditioned on in
every statement, which says so, and is none of the pair. That the nearest separators are a basis
there too is not proved.

References
----------
.. [1] J. Pearl, *Probabilistic Reasoning in Intelligent Systems*, 1988.
.. [2] B. van der Zander, M. Liskiewicz, J. Textor, "Separators and adjustment sets in causal
   graphs", Artificial Intelligence 270, 2019.
.. [3] D. Geiger, J. Pearl, "Logical and algorithmic properties of conditional independence and
   graphical models", Annals of Statistics 21, 1993.
.. [4] B. Shipley, "A new inferential test for path models based on directed acyclic graphs",
   Structural Equation Modeling 7, 2000.
.. [5] T. Richardson, "Markov properties for acyclic directed mixed graphs", Scandinavian Journal of
   Statistics 30, 2003.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from causal.criteria.enumeration import minimal_separators
from causal.criteria.separator import Moral
from causal.graph.dag import Dag
from causal.graph.walk import ancestors, word

__all__ = [
    "MOST_IMPLICATIONS",
    "Implications",
    "Independence",
    "basis",
    "implications",
    "independences",
]

Names = tuple[str, ...]
Nodes = frozenset[int]

MOST_IMPLICATIONS = 10_000
"""How many statements are listed at most."""
MOST_VISITS = 2_000_000
"""Arrows and nodes walked, at most, in the search for them."""
MOST_NEIGHBOURS = 50
"""Two variables beside one that has more than these are not called close by it."""


@dataclass(frozen=True, slots=True)
class Independence:
    """Two variables that must be independent when *given* is held fixed; all names sorted.

    ``selected``: what the data are selected on, which is held fixed as well, but not by us.
    """

    a: str
    b: str
    given: Names
    selected: Names = ()

    @property
    def text(self) -> str:
        """The statement as people write it: ``a ⊥ b | c, d``, ``a ⊥ b | c, s [selected]``."""
        held = [*map(word, self.given), *(f"{word(name)} [selected]" for name in self.selected)]
        return f"{word(self.a)} ⊥ {word(self.b)}" + (f" | {', '.join(held)}" if held else "")


@dataclass(frozen=True, slots=True)
class Implications:
    """Statements by the names of the pair, then by the size of the set, then by its names.

    True where there is one. ``complete``: no other was left out.
    """

    statements: tuple[Independence, ...]
    complete: bool

    def __bool__(self) -> bool:
        return bool(self.statements)


def implications(dag: Dag, *, most: int = MOST_IMPLICATIONS) -> Implications:
    """List the minimal independences, in time bounded whatever the drawing.

    Where there are too many, every pair is told with its nearest set before any is told with a
    second one, and pairs that are two arrows apart come before others: theirs are the missing
    arrows that data contradict most easily.

    Parameters
    ----------
    dag
        The drawing; which variables are exposures, outcomes or adjusted does not matter.
    most
        How many statements to list at most; in large graphs fewer are listed.
    """
    return _listed(_in_rounds(dag), most)


def basis(dag: Dag, *, most: int = MOST_IMPLICATIONS) -> Implications:
    """List one independence for each pair that any set separates; the others follow from these.

    With nothing hidden or selected, a pair is given the parents of both: so chosen, tests of the
    statements are independent of one another [4]_. Otherwise it is given the minimal separator
    nearest to the effect, where one of the two causes the other, or to the second by name.

    Parameters
    ----------
    dag
        The drawing; which variables are exposures, outcomes or adjusted does not matter.
    most
        How many statements to list at most; in large graphs fewer are listed.

    Notes
    -----
    Why all follows. *Given the parents of both*: in causal order let v be the next variable, P its
    parents, u one before it, W the parents of u outside P. By then v is independent of each of W
    given P, so of all; it is independent of u given P and W; so of u, and of all, given P.

    *Given the nearest separator*, by induction over sets A of observed variables with all their
    observed ancestors. Let v be the last of A in causal order, and its blanket M what a walk from v
    meets first in the moral graph of A. It is enough that v is independent of the rest of A given
    M [5]_. Suppose that all is known of A without v, and of A without any other that causes nothing
    in A.

    1. All of A causes v. For u outside M let N be the statement's set: those of M that a walk from
       u meets first. Without v, N separates u from the rest of M; so u is independent of v and of
       that rest given N, hence of v given M; and v is independent of all such u together.
    2. Some u of A outside M, other than v, causes nothing in A. Then u and v are independent given
       all others: either a third variable w causes nothing in A, and is beside one of the two at
       most, say not u; then u is independent of v, and of w, given the others, so of v given those
       and w. Or A is u, v and their ancestors: as in 1, the two are independent given the blanket
       of one, which is independent of the others given its blanket, too. Now v is independent of
       the others outside M given M, and of u given all; so of both given M.
    3. Every such u is in M. The variables outside M are separated from v in A without u, and from u
       in A without v, by the rest of M; so from v given M.
    """
    if dag.hidden or dag.selected:
        return _listed(((visits, next(sets, None)) for visits, sets in _separable(dag)), most)
    parents = dag.adjacency.parents
    return _listed(
        ((1, _statement(dag, a, b, {*parents[a], *parents[b]})) for a, b in _pairs(dag)), most
    )


def independences(dag: Dag) -> Iterator[Independence]:
    """Every minimal independence, one at a time, in the order that `implications` describes.

    There may be more of them than can ever be listed.
    """
    return (found for _, found in _in_rounds(dag) if found is not None)


_Search = Iterator[tuple[int, Independence | None]]  # what a step cost, and what it found


def _listed(search: _Search, most: int) -> Implications:
    """What *search* finds until there are *most* or it has taken too long, in canonical order."""
    found: list[Independence] = []
    visits, complete = 0, True
    for cost, statement in search:
        visits += cost
        if visits > MOST_VISITS or (statement is not None and len(found) == most):
            complete = False
            break
        if statement is not None:
            found.append(statement)
    found.sort(key=lambda one: (one.a, one.b, len(one.given), one.given))
    return Implications(tuple(found), complete)


def _in_rounds(dag: Dag) -> _Search:
    """The first set of every pair, then the second of every pair that has two, and so on."""
    searches: Iterable[tuple[int, Iterator[Independence]]] = _separable(dag)
    while searches:
        left = []
        for visits, sets in searches:
            found = next(sets, None)
            yield visits, found
            if found is not None:
                left.append((visits, sets))
        searches = left


def _separable(dag: Dag) -> Iterator[tuple[int, Iterator[Independence]]]:
    """For each pair what a search costs, and its minimal separators: none where none exists."""
    graph, held = dag.adjacency, dag.numbers(dag.selected)
    above_held = ancestors(graph, held)
    for a, b in _pairs(dag):
        above = ancestors(graph, [a])
        near, far = (a, b) if b in above else (b, a)
        near_graph = Moral(graph, frozenset(above | ancestors(graph, [b]) | above_held))
        visits = sum(1 + len(graph.children[node]) for node in near_graph.within)
        yield visits, _sets(dag, near_graph, near, far, held)


def _sets(dag: Dag, graph: Moral, near: int, far: int, held: Nodes) -> Iterator[Independence]:
    """The minimal separators of two nodes in the moral graph of their ancestors, if there are."""
    allowed = graph.within - dag.hidden - held - {near, far}
    if far not in graph.first_met([near], allowed | held | {far}):
        ends = frozenset([near]), frozenset([far])
        for separator in minimal_separators(graph, *ends, allowed, held):
            yield _statement(dag, min(near, far), max(near, far), separator)


def _pairs(dag: Dag) -> Iterator[tuple[int, int]]:
    """Pairs of observed variables that no arrow joins: those two arrows apart, then the others."""
    graph, unfit = dag.adjacency, dag.hidden | dag.numbers(dag.selected)
    observed = [node for node in range(len(dag.names)) if node not in unfit]

    def beside(node: int) -> tuple[int, ...]:
        return (*graph.parents[node], *graph.children[node])

    def crowded(node: int) -> bool:
        return len(graph.parents[node]) + len(graph.children[node]) > MOST_NEIGHBOURS

    def two_apart(node: int) -> set[int]:
        return {far for mid in beside(node) if not crowded(mid) for far in beside(mid)}

    for a in observed:
        found = two_apart(a).difference(beside(a), unfit)
        yield from ((a, b) for b in sorted(found) if a < b < len(dag.names))
    for position, a in enumerate(observed, start=1):
        told = two_apart(a).union(beside(a))
        yield from ((a, b) for b in observed[position:] if b not in told)


def _statement(dag: Dag, a: int, b: int, given: Iterable[int]) -> Independence:
    names = dag.names
    return Independence(names[a], names[b], dag.named(given), tuple(sorted(dag.selected)))

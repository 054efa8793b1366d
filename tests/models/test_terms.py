"""Terms make the columns they say, and least squares keeps as many of them as the data can tell."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from causal.models.terms import (
    Categorical,
    Column,
    Interaction,
    Level,
    Log,
    Numeric,
    Polynomial,
    Power,
    Simple,
    Term,
    Varying,
    categories,
    columns,
    fixed_columns,
    is_slope,
    labels,
    told_apart,
    variables,
    varied_labels,
    written,
)

G = Categorical("g", ("a", "b", "c"))
H = Categorical("h", ("u", "v"))
K = Categorical("k", ("0", "1"))
X, Z, W, P = Numeric("x"), Numeric("z"), Log("w"), Polynomial("p", 2, 0.5)


def level(name: str, label: str) -> Level:
    return Level(name, label)


MADE: dict[Term, tuple[Column, ...]] = {
    X: ((X,),),
    W: ((W,),),
    G: ((level("g", "a"),), (level("g", "b"),), (level("g", "c"),)),
    P: ((Power("p", 1, 0.5),), (Power("p", 2, 0.5),)),
    Interaction((X, H)): ((X, level("h", "u")), (X, level("h", "v"))),
    Interaction((H, P)): (
        (level("h", "u"), Power("p", 1, 0.5)),
        (level("h", "u"), Power("p", 2, 0.5)),
        (level("h", "v"), Power("p", 1, 0.5)),
        (level("h", "v"), Power("p", 2, 0.5)),
    ),
    Varying(H, ()): ((level("h", "u"),), (level("h", "v"),)),
    Varying(H, (X,)): (
        (level("h", "u"),),
        (level("h", "v"),),
        (X, level("h", "u")),
        (X, level("h", "v")),
    ),
    Varying(H, (K,), intercept=False): (
        (level("k", "0"), level("h", "u")),
        (level("k", "0"), level("h", "v")),
        (level("k", "1"), level("h", "u")),
        (level("k", "1"), level("h", "v")),
    ),
}


@pytest.mark.parametrize("term", MADE, ids=written)
def test_a_term_makes_the_columns_it_says(term: Term) -> None:
    assert columns(term) == MADE[term]
    assert len(labels(term)) == len(MADE[term])


def test_what_a_term_is_called_and_what_it_reads() -> None:
    term = Interaction((X, G, W))
    pooled = Varying(H, (X, K))

    assert variables(term) == ("x", "g", "w")
    assert variables(pooled) == ("x", "k", "h")
    assert categories([term, pooled]) == {"g": G.levels, "k": K.levels, "h": H.levels}
    assert labels(term)[1] == "x:g[b]:log(w)"
    assert labels(term, "`")[1] == "`x`:`g`[b]:log(`w`)"
    assert varied_labels(pooled) == ("1", "x", "k[0]", "k[1]")
    assert labels(pooled)[:4] == ("1|h[u]", "1|h[v]", "x|h[u]", "x|h[v]")
    assert fixed_columns([pooled, X]) == ((X,),)
    assert is_slope((level("g", "a"), X)) and not is_slope((level("g", "a"), level("h", "u")))


WRITTEN = {
    Numeric("body mass"): "`body mass`",
    Numeric("a`b"): "`a``b`",
    Numeric("1"): "`1`",
    # Identifiers to Python, but a formula's names are letters and digits.
    Numeric("हिन्दी"): "`हिन्दी`",
    Numeric("größe"): "größe",
    Log("w"): "log(w)",
    P: "poly(p, 2)",
    Interaction((P, Log("a b"), G)): "poly(p, 2):log(`a b`):g",
    Varying(G, ()): "(1 | g)",
    Varying(G, (X, W)): "(x + log(w) | g)",
    Varying(G, (X,), intercept=False): "(0 + x | g)",
}


@pytest.mark.parametrize("term", WRITTEN, ids=WRITTEN.get)
def test_a_term_is_written_as_a_formula_has_it(term: Term) -> None:
    assert written(term) == WRITTEN[term]


# ------------------------------------------------------------------------------------------------
# Which columns least squares needs
# ------------------------------------------------------------------------------------------------

KEPT: dict[str, tuple[list[Term], bool, list[str]]] = {
    "a level is the reference": ([G], True, ["g[b]", "g[c]"]),
    "unless there is no intercept": ([G], False, ["g[a]", "g[b]", "g[c]"]),
    "the second category has one then": ([H, K], False, ["h[u]", "h[v]", "k[1]"]),
    "slopes by level beside a slope": ([X, Interaction((X, H))], True, ["x", "x:h[v]"]),
    "and without one": ([Interaction((X, H))], True, ["x:h[u]", "x:h[v]"]),
    "a slope after its levels": ([Interaction((X, H)), X], True, ["x:h[u]", "x:h[v]"]),
    "crossed categories": ([H, K, Interaction((H, K))], True, ["h[v]", "k[1]", "h[v]:k[1]"]),
    "a crossing alone": (
        [Interaction((H, K))],
        True,
        ["h[u]:k[1]", "h[v]:k[0]", "h[v]:k[1]"],
    ),
    "the crossing first": (
        [Interaction((H, K)), H],
        False,
        ["h[u]:k[0]", "h[u]:k[1]", "h[v]:k[0]", "h[v]:k[1]"],
    ),
    "a logarithm is another number": (
        [X, Interaction((Log("x"), H))],
        True,
        ["x", "log(x):h[u]", "log(x):h[v]"],
    ),
    "what varies is no part of it": ([Varying(H, ()), H], True, ["h[v]"]),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_is_kept_can_be_read(case: str) -> None:
    terms, intercept, expected = KEPT[case]
    names = [name for term in terms if not isinstance(term, Varying) for name in labels(term)]
    mask = told_apart(terms, intercept=intercept)

    assert [name for name, kept in zip(names, mask, strict=True) if kept] == expected


def generic(seed: int) -> dict[object, NDArray[np.float64]]:
    """Sixteen rows of random numbers in every combination of the levels, by atom."""
    random = np.random.default_rng(seed)
    cells = list(product(G.levels, H.levels, K.levels)) * 16
    rows: dict[object, NDArray[np.float64]] = {
        atom: random.normal(size=len(cells))
        for atom in (X, Z, W, Power("p", 1, 0.5), Power("p", 2, 0.5))
    }
    for place, category in enumerate((G, H, K)):
        for label in category.levels:
            rows[Level(category.variable, label)] = np.array(
                [float(cell[place] == label) for cell in cells]
            )
    return rows


def matrix(terms: list[Term], rows: dict[object, NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.column_stack(
        [np.prod([rows[atom] for atom in column], axis=0) for column in fixed_columns(terms)]
    )


SIMPLE: tuple[Simple, ...] = (X, Z, W, P, G, H, K)


def some_terms() -> st.SearchStrategy[list[Term]]:
    one = st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=3, unique=True).map(
        lambda parts: parts[0] if len(parts) == 1 else Interaction(tuple(parts))
    )
    return st.lists(one, min_size=1, max_size=6, unique_by=lambda term: frozenset(variables(term)))


def check_what_is_kept(terms: list[Term], *, intercept: bool) -> None:
    rows = generic(len(terms))
    every = matrix(terms, rows)
    kept = every[:, np.array(told_apart(terms, intercept=intercept))]
    if intercept:
        ones = np.ones((len(every), 1))
        every, kept = np.hstack([ones, every]), np.hstack([ones, kept])

    assert kept.shape[1] == np.linalg.matrix_rank(kept) == np.linalg.matrix_rank(every)
    assert np.linalg.matrix_rank(np.hstack([kept, every])) == kept.shape[1]


@example([Interaction((G, H)), Interaction((H, K)), Interaction((K, G))], False)
@example([Interaction((X, G, H)), Interaction((X, K)), X, Interaction((H, X))], True)
@settings(deadline=None, max_examples=100)
@given(some_terms(), st.booleans())
def test_the_columns_kept_are_independent_and_span_all(terms: list[Term], intercept: bool) -> None:
    check_what_is_kept(terms, intercept=intercept)


@pytest.mark.heavy
@settings(deadline=None, max_examples=1_000)
@given(some_terms(), st.booleans())
def test_the_columns_kept_are_so_in_many_models(terms: list[Term], intercept: bool) -> None:
    check_what_is_kept(terms, intercept=intercept)

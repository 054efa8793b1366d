"""All minimal sets, listed without trying sets."""

from __future__ import annotations

from itertools import islice

import pytest

from causal.criteria.adjustment import minimal_sets
from causal.criteria.question import EFFECTS
from tests.oracles import Case, Definitions, drawn, random_case

SEEDS = [
    pytest.param(range(250), id="250-graphs"),
    pytest.param(range(250, 5_000), id="4750-graphs", marks=pytest.mark.heavy),
]


def listed(case: Case):
    """Every minimal separator of the case's question, as names, in the order it is given."""
    return minimal_sets(case.question(), case.refused)


@pytest.mark.parametrize("seeds", SEEDS)
def test_each_minimal_set_is_listed_once_and_nothing_else(seeds):
    several = 0
    for seed in seeds:
        for effect in EFFECTS:
            case = random_case(seed, 6, 9).about(effect)
            truth = Definitions(case)
            found = list(listed(case))
            assert len(set(found)) == len(found), case
            assert set(found) == truth.minimal_sets, case
            several += len(found) > 1
    assert several


@pytest.mark.parametrize(
    "text",
    [
        # To take f2 across, with f1 kept, leads where taking f1 across led already.
        "x <- b -> f1 -> y; b -> f2 -> y",
        "x <- a1 -> b1 -> y; x <- a2 -> b2 -> y; a1 -> b2; a2 -> b1",
        "x <- a -> b1 -> c1 -> y; a -> b2 -> c1; b2 -> c2 -> y; x <- d -> c2",
    ],
)
def test_ways_that_join_again_are_not_listed_twice(text):
    found = list(listed(drawn(text)))
    assert len(set(found)) == len(found)
    assert set(found) == Definitions(drawn(text)).minimal_sets


def test_the_set_nearest_to_the_outcome_comes_first():
    case = drawn("x <- a -> b -> c -> y; x -> y")
    assert list(listed(case)) == [("c",), ("b",), ("a",)]


def test_where_nothing_is_needed_the_empty_set_is_the_only_one():
    assert list(listed(drawn("x -> y; w -> y"))) == [()]


def test_of_exponentially_many_sets_the_first_come_at_once():
    """Forty paths with two closing nodes each: 2 to the 40th minimal sets."""
    pairs = [(f"a{i:02d}", f"b{i:02d}") for i in range(40)]
    edges = [edge for a, b in pairs for edge in ((a, "x"), (a, b), (b, "y"))]
    case = Case(edges=tuple(sorted(edges)))
    first = list(islice(listed(case), 200))
    assert len(set(first)) == 200
    assert all(len(found) == 40 for found in first)
    assert first[0] == tuple(b for _, b in pairs)

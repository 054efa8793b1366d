"""Whether an outcome suits a family, and what the user hears about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from causal.data.table import Table, read_table
from causal.errors import DataError, ModelError
from causal.graph.dag import Dag
from causal.models.families import FAMILIES, RULES
from causal.models.generator import Plan, columns_read, plan
from causal.models.outcomes import choose_family, grades_of, prepared


def table(y: Sequence[Any], categorical: Sequence[str] = (), **more: Sequence[Any]) -> Table:
    data = {"y": list(y), **{name: list(values) for name, values in more.items()}}
    return read_table(data, list(data), categorical=categorical)


@pytest.mark.parametrize(
    ("y", "family"),
    [
        ([0, 1, 1], "bernoulli"),
        ([2.5, 2.5, 7.0], "bernoulli"),
        ([True, False, True], "bernoulli"),
        ([0, 1, 2], "gaussian"),  # a count is never taken for one unasked
        ([0.5, 1.5, -2.0], "gaussian"),
        ([None, 0, 1], "bernoulli"),
    ],
)
def test_auto_takes_two_values_for_two_and_all_else_for_numbers(y: list[Any], family: str) -> None:
    assert choose_family(table(y), "y", "auto", None) == family


def test_auto_takes_successes_among_trials_for_what_they_are() -> None:
    assert choose_family(table([0, 1, 2], n=[1, 5, 3]), "y", "auto", "n") == "binomial"
    assert choose_family(table([0, 1, 1], n=[1, 1, 1]), "y", "auto", "n") == "binomial"


SUITS: dict[str, list[Any]] = {
    "gaussian": [0, 1, 2],
    "student": [0.5, -1.0, 2.0],
    "bernoulli": [3, 7, 3],
    "cells": [0, 1, 1],
    "binomial": [0, 3, 2],
    "poisson": [0, 3, 100],
    "negbinomial": [0, 3, 100],
    "ordered": [1, 2.5, 9],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_takes_an_outcome_that_suits_it(family: Any) -> None:
    trials = "n" if family == "binomial" else None
    assert choose_family(table(SUITS[family], n=[1, 3, 3]), "y", family, trials) == family
    assert set(SUITS) == set(RULES) == set(FAMILIES)


TEN = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
COUNTS = [0, 3, 2, 1, 0, 2, 3, 1, 2, 0]

# family asked, outcome, trials, error, words in their order
REFUSED: dict[str, tuple[str, list[Any], list[Any] | None, type[Exception], str]] = {
    "fewer trials than successes": (
        "binomial", COUNTS, [5, 2, *TEN[2:]], DataError,
        "Data row 2 has 3 successes ('y') in 2 trials ('n')",
    ),
    "no trials": (
        "binomial", COUNTS, [5, 3, 0, *TEN[3:]], DataError,
        "The trials 'n' must be whole numbers of 1 or more; data row 3 has 0",
    ),
    "half a trial": ("binomial", COUNTS, [*TEN[:9], 2.5], DataError, "data row 10 has 2.5"),
    "negative trials": ("auto", COUNTS, [*TEN[:9], -1], DataError, "data row 10 has -1"),
    "trials in words": (
        "binomial", COUNTS, ["many", "some"] * 5, DataError,
        "The trials 'n' must be numbers, but data row 1 says 'many'",
    ),
    "negative successes": (
        "binomial", [0, -1, *COUNTS[2:]], TEN, DataError,
        "The family binomial needs counts, whole numbers of 0 or more; 'y' has -1 in data row 2",
    ),
    "negative counts": (
        "poisson", [*COUNTS[:4], -3, *COUNTS[5:]], None, DataError,
        "The family poisson needs counts, whole numbers of 0 or more; 'y' has -3 in data row 5",
    ),
    "half a count": (
        "negbinomial", [*COUNTS[:9], 0.5], None, DataError,
        "whole numbers of 0 or more; 'y' has 0.5 in data row 10. Use --family gaussian",
    ),
    "three values": (
        "bernoulli", COUNTS, None, DataError,
        "The family bernoulli needs an outcome of two values; 'y' has more",
    ),
    "three values in cells": ("cells", COUNTS, None, DataError, "The family cells needs"),
    "two grades": (
        "ordered", [0, 1] * 5, None, DataError,
        "The family ordered needs three grades or more; 'y' has 2. Use --family bernoulli",
    ),
    "grades in words": (
        "ordered", ["low", "high"] * 5, None, DataError,
        "row 1 says 'low'. Labels have no order of their own: code it as numbers that rank",
    ),
    "words": (
        "auto", ["low", "high"] * 5, None, DataError,
        "The outcome 'y' must be a number, but row 1 says 'low'. Code it as numbers",
    ),
    "an unknown family": (
        "poison", COUNTS, None, ModelError,
        "There is no family 'poison'. Did you mean 'poisson'?",
    ),
    "trials without binomial": (
        "poisson", COUNTS, TEN, ModelError,
        "Only the family binomial has trials, not poisson. Leave --trials out",
    ),
    "binomial without trials": (
        "binomial", COUNTS, None, ModelError,
        "The family binomial needs the number of trials: name its column with --trials",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_an_outcome_that_does_not_suit_gets_one_clear_message(case: str) -> None:
    asked, y, n, error, words = REFUSED[case]
    trials = None if n is None else "n"
    read = table(y, **({} if n is None else {"n": n}))

    with pytest.raises(error, match=re.escape(words)) as caught:
        choose_family(read, "y", asked, trials)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))


def test_two_hundred_grades_are_none() -> None:
    read = table(range(200))
    with pytest.raises(DataError, match="for grades, but 'y' has 200 different values, more"):
        choose_family(read, "y", "ordered", None)
    assert choose_family(table([i % 20 for i in range(60)]), "y", "ordered", None) == "ordered"
    with pytest.raises(DataError, match="21 different"):
        choose_family(table([i % 21 for i in range(63)]), "y", "ordered", None)
    assert grades_of(table([3, 1, 2.5, 1])["y"]) == (1.0, 2.5, 3.0)


def test_an_outcome_made_a_category_is_said_to_be_one() -> None:
    read = table(TEN[:3], ["y"])
    with pytest.raises(DataError, match=r"'y' is treated as a category.*--categorical"):
        choose_family(read, "y", "auto", None)
    read = table([1, 2, 1] * 3, ["n"], n=[1, 2, 3] * 3)
    with pytest.raises(DataError, match=r"'n' must be numbers, but are read as a category"):
        choose_family(read, "y", "binomial", "n")


def test_rows_are_numbered_as_in_the_data() -> None:
    """Also where rows with a missing value were left out before."""
    columns = {"x": [1.0, None, 3.0, 4.0, 2.0, 0.0], "y": [0, 7, 1, 2, -4, 1]}
    question = Dag("x -> y").question("x", "y")
    read = read_table(columns, ["x", "y"])

    with pytest.raises(DataError, match="'y' has -4 in data row 5"):
        plan(question, read, family="poisson")
    trials = read_table({**columns, "y": [0, 7, 1, 2, 4, 1], "n": [3] * 6}, ["x", "y", "n"])
    # Row 2 has 7 successes in 3 trials, but it is not used.
    with pytest.raises(DataError, match="Data row 5 has 4 successes"):
        plan(question, trials, trials="n")
    columns["x"][4] = None
    assert plan(question, read_table(columns, ["x", "y"]), family="poisson").table.rows == 4


def test_two_values_are_a_category_in_cells() -> None:
    read = table([0, 1, 1], x=[0, 1, 0], c=["a", "b", "a"], z=[0.5, 1.0, 7.0])
    made = prepared(read, "cells", ["x", "c", "z", "missing"])

    assert made["x"].levels == ("0", "1")
    assert made["x"].values.tolist() == [0.0, 1.0, 0.0]
    assert made["y"].kind == "binary"
    assert made["z"].kind == "continuous"
    assert prepared(read, "bernoulli", ["x"]) is read


# ------------------------------------------------------------------------------------------------
# Notes
# ------------------------------------------------------------------------------------------------


def noted(y: Sequence[Any], family: Any = "auto", dag: str = "x -> y; g -> y", **more: Any) -> Plan:
    random = np.random.default_rng(1)
    trials = "n" if "n" in more else None
    columns = {"x": random.normal(size=len(y)), "y": list(y), **more}
    question = Dag(dag).question("x", "y")
    read = read_table(columns, columns_read(question, trials=trials))
    return plan(question, read, family=family, trials=trials)


NUMBERS = np.random.default_rng(5).normal(size=30).tolist()
LEVELS = ["a", "b", "c"] * 10


def test_a_level_seen_once_is_noted() -> None:
    [note] = noted(NUMBERS, g=["rare", *["a", "b"] * 14, "a"]).notes
    assert "Level 'rare' of 'g' has one row only, so one row and the prior decide" in note
    [note] = noted(NUMBERS, g=[*"uvwxyz", *["a", "b"] * 12]).notes
    assert note.startswith("Levels 'u', 'v', 'w' and 3 more of 'g' have one row only")
    assert noted(NUMBERS, g=LEVELS).notes == ()


def test_a_level_whose_outcomes_are_all_alike_is_noted() -> None:
    y = [float(g == "a" or i % 2) for i, g in enumerate(LEVELS)]
    [note] = noted(y, g=LEVELS).notes
    assert note.startswith("In level 'a' of 'g' every outcome is 1: such a level separates")
    [note] = noted([3 + 4 * (1 - one) for one in y], g=LEVELS).notes
    assert "every outcome is 3" in note
    counts = [0 if g != "c" else i % 5 for i, g in enumerate(LEVELS)]
    [note] = noted(counts, "poisson", g=LEVELS).notes
    assert note.startswith("In levels 'a', 'b' of 'g' every outcome is 0")
    counts = [1 if g != "c" else i % 5 for i, g in enumerate(LEVELS)]
    assert noted(counts, "negbinomial", g=LEVELS).notes == ()  # there is no most of a count
    # Normal errors and grades are not separated by a level.
    assert not any("separates" in note for note in noted(counts, g=LEVELS).notes)
    assert noted(counts, "ordered", g=LEVELS).notes == ()


def test_trials_that_all_succeed_or_all_fail_are_noted() -> None:
    n = [2, 5, 3, 4, 6, 2] * 5
    y = [{"a": of, "b": 0, "c": of // 2}[g] for g, of in zip(LEVELS, n, strict=True)]
    failing, succeeding = noted(y, "binomial", g=LEVELS, n=n).notes
    assert failing.startswith("In level 'b' of 'g' every trial fails")
    assert succeeding.startswith("In level 'a' of 'g' every trial succeeds")


def test_notes_are_about_the_rows_used() -> None:
    """A level with two rows of which one lacks another value has one."""
    g = ["r", "r", *["a", "b"] * 14]
    z = [None, *NUMBERS[1:]]
    [note] = noted(NUMBERS, dag="x -> y; g -> y; z -> y", g=g, z=z).notes
    assert "Level 'r' of 'g' has one row only" in note


def test_an_exposure_with_one_value_is_refused() -> None:
    question = Dag("x -> y").question("x", "y")
    for x, shown in (([2.0] * 4, "2"), (["only"] * 4, "'only'")):
        read = read_table({"x": x, "y": [0.5, 1.0, 2.0, 1.0]}, ["x", "y"])
        with pytest.raises(DataError, match=rf"exposure 'x' has one value \({shown}\)"):
            plan(question, read)


def test_one_number_of_successes_is_an_outcome_where_the_trials_vary() -> None:
    assert noted([2] * 30, "binomial", "x -> y", n=[2, 3, 4] * 10).regressions
    with pytest.raises(DataError, match="outcome 'y' has one value"):
        noted([2] * 30, "binomial", "x -> y", n=[3] * 30)

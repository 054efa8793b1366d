"""Instruments against the definition: every variable with every set, by networkx; and in numbers.

A variable Z is an instrument given S when, without the arrows of the asked effect and with S held
fixed, Z is d-separated from the outcome and d-connected with the exposure, and neither Z nor a
member of S is latent, selected, exposure, outcome, or a descendant of a causal node (total) or of
the outcome (direct).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import networkx as nx
import numpy as np
import pytest

from causal.criteria import instruments as module
from causal.criteria.instruments import Instrument, Instruments, instruments
from causal.criteria.question import EFFECTS, Effect
from causal.graph.dag import Dag
from tests.cases import dagitty_cases, needs_cases
from tests.oracles import (
    Case,
    Reference,
    drawn,
    linear_model,
    random_case,
    renamed,
    small_cases,
    subsets,
)

SEEDS = [
    pytest.param(range(300), id="300-graphs"),
    pytest.param(range(300, 6300), id="6000-graphs", marks=pytest.mark.heavy),
]
SIZES = [
    pytest.param(3, id="up-to-3-observed"),
    pytest.param(4, id="4-observed", marks=pytest.mark.heavy),
]
Told = dict[str, tuple[str, ...]]


def told(case: Case, effect: Effect | None = None) -> Told:
    """The package's answer: variable -> its set."""
    found = instruments((case.about(effect) if effect else case).question(), most=1000)
    assert found.complete
    return {one.name: one.given for one in found.found}


# Tables


@pytest.mark.parametrize(
    ("text", "marks", "direct", "total"),
    [
        # The classic, its proxy, and what stands in the way.
        ("z -> x -> y; x <-> y", {}, {"z": ""}, {"z": ""}),
        ("z -> x -> y; x <-> y", {"latent": "z"}, {}, {}),
        ("p <- z -> x -> y; x <-> y", {"latent": "z"}, {"p": ""}, {"p": ""}),
        ("z <-> x -> y; x <-> y", {}, {"z": ""}, {"z": ""}),
        ("z -> x -> y; x <-> y; z -> y", {}, {}, {}),
        ("z -> x -> y; x <-> y; z <-> y", {}, {}, {}),
        ("x -> y; x <-> y; x -> d", {}, {}, {}),
        # Conditional instruments.
        ("z -> x -> y; x <-> y; z <- w -> y", {}, {"z": "w"}, {"z": "w"}),
        ("z -> x -> y; x <-> y; z <- w -> y", {"latent": "w"}, {}, {}),
        ("z -> x -> y; x <-> y; z -> w -> y", {}, {"z": "w"}, {"z": "w"}),
        ("z -> x -> y; x <-> y; z <- w -> v -> y", {}, {"z": "v", "w": "v"}, {"z": "v", "w": "v"}),
        ("z -> x -> y; x <-> y; z <- v <- w -> y", {}, {"z": "w", "v": "w"}, {"z": "w", "v": "w"}),
        # Two ways to z, one closed by w and one by v.
        (
            "z -> x -> y; x <-> y; z <- w -> y; z -> v -> y",
            {},
            {"z": "v w"},
            {"z": "v w"},
        ),
        # A collider is left alone, unless it is on another way that must be closed.
        ("z -> x -> y; x <-> y; z -> c <- y", {}, {"z": ""}, {"z": ""}),
        ("x -> y; a -> x; a -> z; b -> z; b -> y; z -> x; z -> y", {}, {"a": "b z"}, {"a": "b z"}),
        # The two effects differ: z moves y by way of m too, and holding m fixed joins z, at x, with
        # what x and y share.
        ("z -> x -> y; x -> m -> y; x <-> y", {}, {}, {"z": ""}),
        ("z -> x -> y; z -> m -> y; x <-> y", {}, {"z": "m"}, {"z": "m"}),
        ("z -> x -> m -> y; x <-> y; m <- w -> z", {}, {}, {"z": "w"}),
        # What is marked adjusted is in every set, and is no instrument.
        ("z -> x -> y; x <-> y; w", {"forced": "w"}, {"z": "w"}, {"z": "w"}),
        ("z -> x -> y; x <-> y", {"forced": "z"}, {}, {}),
        ("z -> x -> m -> y; x <-> y", {"forced": "m"}, {}, {}),
        ("z -> x -> m -> y", {"forced": "m"}, {"z": "m"}, {}),
        ("z -> x -> y; x <-> y; u", {"forced": "u", "latent": "u"}, {}, {}),
        # What the data are selected on is held fixed and in no set.
        ("z -> x -> y; x <-> y; z <- w -> y", {"selected": "w"}, {"z": ""}, {"z": ""}),
        (
            "z -> x -> y; x <-> y; z <- w -> y; z <- v -> y",
            {"selected": "w", "latent": "w"},
            {"z": "v"},
            {"z": "v"},
        ),
        ("z -> x -> y; x <-> y; z -> s <- v -> y", {"selected": "s"}, {"z": "v"}, {"z": "v"}),
        ("z -> x -> y; x <-> y; y -> s", {"selected": "s"}, {}, {}),
        ("z -> x -> m -> y; m -> s", {"selected": "s"}, {"z": "m"}, {}),
        # Instruments for several at once are not looked for.
        ("z -> x -> y; x <-> y; a", {"exposures": "a x"}, {}, {}),
        ("z -> x -> y; x <-> y; a", {"outcomes": "a y"}, {}, {}),
    ],
)
def test_instruments_of_textbook_graphs(
    text: str, marks: dict[str, str], direct: dict[str, str], total: dict[str, str]
) -> None:
    case = drawn(text, **marks)
    for effect, expected in (("direct", direct), ("total", total)):
        assert told(case, effect) == {name: tuple(s.split()) for name, s in expected.items()}


# From the definition


class Truth:
    """Every instrument with every set it has, the marks kept: forced in each, selected in none."""

    def __init__(self, case: Case) -> None:
        self.case, oracle = case, Reference(case)
        (x,), (y,) = case.exposures, case.outcomes
        barred = oracle.forbidden | oracle.latent | case.selected | {x, y}
        usable = set(case.names) - barred
        self.sets: dict[str, list[frozenset[str]]] = {}
        if case.selected & oracle.forbidden or not case.forced <= usable:
            return
        for z in sorted(usable - case.forced):
            for more in subsets(usable - case.forced - {z}):
                held = case.forced | case.selected | set(more)
                if nx.is_d_separator(oracle.judged, {z}, {y}, held) and not nx.is_d_separator(
                    oracle.judged, {z}, {x}, held
                ):
                    self.sets.setdefault(z, []).append(case.forced | frozenset(more))

    def holds(self, found: Told) -> None:
        """Assert all that is promised of *found*."""
        case = self.case
        for name, given in found.items():
            sets = self.sets.get(name, [])
            assert frozenset(given) in sets, (case, name, given)
            assert not any(one < frozenset(given) for one in sets), (case, name, given)
        for name, sets in self.sets.items():
            if case.forced in sets:
                assert found.get(name) == tuple(sorted(case.forced)), (case, name)
        if not (case.forced or case.selected):
            assert bool(found) == bool(self.sets), (case, self.sets)


@pytest.mark.parametrize("size", SIZES)
def test_every_small_graph_is_answered_by_the_definition(size: int) -> None:
    some = 0
    for case in small_cases(size):
        for effect in EFFECTS:
            truth = Truth(case.about(effect))
            truth.holds(told(truth.case))
            some += bool(truth.sets)
    assert some


@cache
def confounded(seed: int) -> Case:
    """A random drawing of 5 to 7 variables in which a latent cause joins exposure and outcome."""
    case = random_case(f"instruments {seed}", 5, 7, degree=3.5)
    case = replace(case, exposures=case.exposures[:1], outcomes=case.outcomes[:1])
    x, y = case.exposures + case.outcomes
    return replace(case, arcs=tuple(sorted({*case.arcs, (min(x, y), max(x, y))})))


@pytest.mark.parametrize("seeds", SEEDS)
def test_what_is_told_is_an_instrument_with_no_variable_held_fixed_in_vain(
    seeds: Iterable[int],
) -> None:
    with_set = without = marked = 0
    for seed in seeds:
        for effect in EFFECTS:
            truth = Truth(confounded(seed).about(effect))
            found = told(truth.case)
            truth.holds(found)
            with_set += any(set(s) - truth.case.forced for s in found.values())
            without += () in found.values()
            marked += bool(found and (truth.case.forced or truth.case.selected))
    assert min(with_set, without, marked) > 10


@pytest.mark.parametrize("seeds", SEEDS)
def test_an_instrument_is_told_whenever_there_is_one(seeds: Iterable[int]) -> None:
    some = 0
    for seed in seeds:
        for effect in EFFECTS:
            case = replace(confounded(seed), forced=frozenset(), selected=frozenset())
            truth = Truth(case.about(effect))
            found = told(truth.case)
            assert bool(found) == bool(truth.sets), (case, truth.sets)
            some += bool(found) and () not in found.values()
    assert some > 10


# In numbers


def test_the_ratio_of_covariances_is_the_effect_in_linear_models() -> None:
    ratios = conditional = 0
    for seed in range(300):
        case = replace(confounded(seed), selected=frozenset())
        at, arrows, covariance = linear_model(case, seed)
        (x,), (y,) = case.exposures, case.outcomes
        total = np.linalg.inv(np.eye(len(at)) - arrows)[at[y], at[x]]
        for effect, truth in (("direct", arrows[at[y], at[x]]), ("total", total)):
            for name, given in told(case, effect).items():
                held = [at[n] for n in given]
                ends = [at[n] for n in (name, x, y)]
                between = covariance[np.ix_(held, ends)]
                left = covariance[np.ix_(ends, ends)]
                left = left - between.T @ np.linalg.solve(covariance[np.ix_(held, held)], between)
                if abs(left[0, 1]) > 1e-3:  # the variable has something to do with the exposure
                    assert left[0, 2] / left[0, 1] == pytest.approx(truth, abs=1e-9), (case, name)
                    ratios += 1
                    conditional += bool(given)
    assert ratios > 300 and conditional > 50


# Others' answers


@needs_cases
def test_dagitty_names_the_same_instruments_with_the_same_sets() -> None:
    compared = 0
    for case in dagitty_cases("instrument"):
        if len(case["exposure"]) != 1 or len(case["outcome"]) != 1:
            assert not case["expected"], case["name"]
            continue
        dag = Dag(case["dag"]).marked(
            exposures=case["exposure"],
            outcomes=case["outcome"],
            latent=case["latent"],
            adjusted=case["forced"],
            selected=case["selected"],
        )
        expected = {one["I"]: tuple(sorted(one["Z"])) for one in case["expected"]}
        found = instruments(dag.question(effect="direct"))
        assert {one.name: one.given for one in found.found} == expected, case["name"]
        compared += 1
    assert compared


# Order, names, bounds


def test_instruments_without_a_set_come_first_and_then_go_by_name() -> None:
    case = drawn("b -> x; a -> x; c -> x; c <- w -> y; x -> y; x <-> y")
    found = instruments(case.question())
    assert [(one.name, one.given) for one in found.found] == [("a", ()), ("b", ()), ("c", ("w",))]


def test_renaming_and_another_order_only_rename_the_instruments() -> None:
    for seed in range(100):
        case = confounded(seed)
        new = dict(
            zip(case.names, random.Random(seed).sample(case.names, len(case.names)), strict=True)
        )
        other = renamed(case, new, random.Random(seed))
        mine = {new[name]: {new[n] for n in given} for name, given in told(case).items()}
        assert {name: set(given) for name, given in told(other).items()} == mine, case


def test_a_list_that_was_cut_says_so() -> None:
    question = drawn("a -> x; b -> x; c -> x; c <- w -> y; x -> y; x <-> y").question()
    a, b, c = Instrument("a", ()), Instrument("b", ()), Instrument("c", ("w",))
    assert instruments(question, most=3) == Instruments((a, b, c), complete=True)
    assert instruments(question, most=2) == Instruments((a, b), complete=False)
    assert instruments(question, most=1) == Instruments((a,), complete=False)


def test_a_search_that_was_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x -> y; x <-> y; z1 -> z2 -> x; z1 <- w1 -> y; z2 <- w2 -> y"
    question = drawn(text).question()
    whole = instruments(question)
    assert whole.complete
    monkeypatch.setattr(module, "MOST_VISITS", 0)
    found = instruments(question)
    assert not found.complete
    assert set(found.found) < set(whole.found)


def test_what_is_found_counts_as_true() -> None:
    assert instruments(drawn("z -> x -> y; x <-> y").question())
    assert not instruments(drawn("x -> y; x <-> y").question())


def test_hostile_names_are_data() -> None:
    z, w = 'z"\n->', "<script>"
    case = Case(((z, "x"), ("x", "y"), (w, z), (w, "y")), arcs=(("x", "y"),))
    assert told(case) == {z: (w,)}

"""Adjustment sets against the definitions (`tests/oracles.py`): small graphs all, larger at random.

Each test is one promise about `is_valid` or `adjust`. The random graphs carry latent, forced,
selected and refused variables, bidirected edges, one or two exposures and outcomes, and outcomes
that come before the exposure.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import permutations

import numpy as np
import pytest

from causal.criteria.adjustment import Adjustment, adjust, is_valid
from causal.criteria.question import EFFECTS
from causal.errors import QuestionError, UnknownVariable
from causal.graph.dag import Dag
from tests.oracles import (
    Case,
    Definitions,
    Reference,
    all_graphs,
    drawn,
    random_case,
    renamed,
    subsets,
)

SEEDS = [
    pytest.param(range(300), id="300-graphs"),
    pytest.param(range(300, 2300), id="2000-graphs", marks=pytest.mark.heavy),
]
LARGE = [
    pytest.param(range(300), id="300-graphs"),
    pytest.param(range(300, 10_300), id="10000-graphs", marks=pytest.mark.heavy),
]
Studied = tuple[Case, Definitions, Adjustment]


@cache
def study(seed: int) -> tuple[Studied, Studied]:
    """A random drawing of 6 to 9 variables and both of its questions, answered by both sides."""
    case = random_case(seed, 6, 9)
    both = [case.about(effect) for effect in EFFECTS]
    first, second = (
        (one, Definitions(one), adjust(one.question(), forbidden=one.refused)) for one in both
    )
    return first, second


def studies(seeds: Iterable[int]) -> Iterator[Studied]:
    for seed in seeds:
        yield from study(seed)


def identifiable(seeds: Iterable[int]) -> Iterator[Studied]:
    return (s for s in studies(seeds) if s[2].status != "not_identifiable")


# Tables


@pytest.mark.parametrize(
    ("text", "direct", "total"),
    [
        # The founding rule, for the direct effect: fork in, pipe in, collider out.
        ("x <- z -> y", ["z"], ["z"]),
        ("x -> m -> y", ["m"], []),
        ("x -> c <- y", [], []),
        ("x -> c <- y; c -> d", [], []),
        ("x -> m -> y; m -> d", ["m"], []),
        ("x <- z -> y; x -> c <- y; x -> y", ["z"], ["z"]),
        # The trap: from a the walk comes back to x from above.
        ("a -> x -> y", [], []),
        ("a -> x -> m -> y; a -> m", ["m"], ["a"]),
        # Shapes with names.
        ("x <- a -> m <- b -> y; x -> y", ["b"], ["b"]),
        ("x <-> m <-> y; x -> y", [], []),
        ("x <- a -> m <- b -> y; x <- m -> y; x -> y", ["b", "m"], ["b", "m"]),
        ("x -> d -> y; x -> y", ["d"], []),
        ("z -> x -> y", [], []),
        ("x -> y <- p", ["p"], ["p"]),
        ("x <-> y; x -> y", None, None),
        ("x -> m -> y; x <-> y", None, None),
        ("x -> m -> y; m <-> y", None, []),
        ("x -> m -> y; x <-> m; m <- z -> y", ["m", "z"], None),
        # Two adjacent back doors, one closed by either of two.
        ("x <- a -> b -> y", ["b"], ["b"]),
        # The outcome comes first: no direct effect to ask for, a true 0 in total.
        ("y -> s -> x", None, ["s"]),
        ("y -> x", None, None),
    ],
)
def test_recommended_set_of_textbook_graphs(
    text: str, direct: Sequence[str] | None, total: Sequence[str] | None
) -> None:
    question = drawn(text).question()
    found = {one.effect: adjust(one).adjust_for for one in (question.direct, question.total)}
    expected = {"direct": direct, "total": total}
    assert found == {k: None if v is None else tuple(v) for k, v in expected.items()}


@pytest.mark.parametrize(
    ("text", "marks", "effect", "because"),
    [
        ("x <-> y", {}, "direct", "open_path"),
        ("x <- z -> y", {"latent": "z"}, "total", "open_path"),
        ("x <- z -> y", {"refused": "z"}, "total", "open_path"),
        ("x -> m -> y; m <-> y", {}, "direct", "open_path"),
        ("x -> m -> y", {"forced": "m"}, "total", "forced"),
        ("x -> m -> y", {"forced": "m"}, "direct", None),
        ("x -> c <- y", {"forced": "c"}, "direct", "forced"),
        ("x <- z -> y", {"forced": "z", "latent": "z"}, "direct", "forced"),
        ("y -> x", {}, "direct", "outcome_causes_exposure"),
        ("y -> s -> x; x <- z -> y", {}, "direct", "outcome_causes_exposure"),
        ("y -> s -> x", {}, "total", None),
        ("x <- z -> y", {}, "direct", None),
    ],
)
def test_no_set_says_because_of_what(
    text: str, marks: dict[str, str], effect: str, because: str | None
) -> None:
    case = drawn(text, **marks).about("direct" if effect == "direct" else "total")
    found = adjust(case.question(), forbidden=case.refused)
    assert found.because == because
    assert (found.status == "not_identifiable") == (because is not None)


@pytest.mark.parametrize(
    ("text", "selected", "latent", "direct", "total"),
    [
        # A collider that was selected on stays open, so one of its causes is needed.
        ("x <- a -> s <- b -> y; x -> y", "s", "", ["b"], ["b"]),
        ("x <- a -> s <- b -> y; x -> y", "s", "b", ["a"], ["a"]),
        ("x <- a -> s <- b -> y; x -> y", "s", "a b", None, None),
        # What closes a path that selection opened may lie above the selected node only.
        ("x <- k -> a -> s <- l -> y", "s", "k l", ["a"], ["a"]),
        # Selection on the exposure's side closes the fork for good.
        ("x <- s -> y; x -> y", "s", "", [], []),
        # Selected after the outcome: nothing repairs that.
        ("x -> y -> s", "s", "", None, None),
        ("x -> s <- y; x -> y", "s", "", None, None),
        ("x -> m -> y; m -> s", "s", "", ["m"], None),
        # Nothing causal from x to y: selecting on what y causes alone does no harm in total.
        ("y -> s; x <- z -> y", "s", "", None, ["z"]),
    ],
)
def test_selected_nodes_are_held_fixed_but_never_in_a_set(
    text: str, selected: str, latent: str, direct: list[str] | None, total: list[str] | None
) -> None:
    question = drawn(text, selected=selected, latent=latent).question()
    found = {one.effect: adjust(one).adjust_for for one in (question.direct, question.total)}
    expected = {"direct": direct, "total": total}
    assert found == {k: None if v is None else tuple(v) for k, v in expected.items()}


@pytest.mark.parametrize("bad", [["x"], ["y"], ["z", "x"], ["u"], ["u", "z"]])
@pytest.mark.parametrize("effect", EFFECTS)
def test_exposure_outcome_and_latent_are_in_no_valid_set(bad: list[str], effect: str) -> None:
    case = drawn("x <- z -> y; x -> y; u -> y", latent="u")
    question = case.about("direct" if effect == "direct" else "total").question()
    assert is_valid(question, ["z"])
    assert not is_valid(question, bad)


def test_unknown_names_are_refused_with_a_suggestion() -> None:
    question = drawn("income <- age -> y", "income").question()
    with pytest.raises(UnknownVariable, match="Did you mean 'age'"):
        is_valid(question, ["agee"])
    with pytest.raises(UnknownVariable, match="Did you mean 'age'"):
        adjust(question, forbidden=["agee"])


def test_forced_marks_play_no_part_in_judging_a_given_set() -> None:
    question = drawn("x <- z -> y; w -> y", forced="w").question()
    assert is_valid(question, ["z"])
    assert not is_valid(question, ["w"])


def test_forced_names_may_be_given_in_place_of_the_marks() -> None:
    question = drawn("x <- z -> y; w -> y; v -> x", forced="w").question()
    assert adjust(question, forced=["v"]).minimal_sets == (("v", "z"),)
    assert adjust(question, forced=()).forced == ()
    with pytest.raises(UnknownVariable, match="Did you mean"):
        adjust(question, forced=["ww"])


def test_the_minimum_set_of_very_many_paths() -> None:
    """A thousand forks, and a thousand paths that two variables close."""
    many = [f"v{i:04d}" for i in range(1000)]
    forks = Dag(edges=[(name, end) for name in many for end in "xy"])
    assert adjust(forks.question("x", "y")).minimum_set == tuple(many)
    waist = [(name, mid) for name in many for mid in "ab"] + [("a", "y"), ("b", "y")]
    narrow = Dag(edges=[(name, "x") for name in many] + waist)
    assert adjust(narrow.question("x", "y")).minimum_set == ("a", "b")


def test_the_trap_of_coming_back_to_the_exposure_from_above() -> None:
    """From x up to a and down to x again: the arrow x -> y must stay removed then."""
    question = drawn("a -> x -> y").question()
    for one in (question.direct, question.total):
        for names in subsets(["a"]):
            assert is_valid(one, names)
        assert adjust(one).status == "none_needed"


# All small graphs


def small(size: int) -> Iterator[Case]:
    """Every graph of *size* nodes up to renaming, every pair, names dealt at random."""
    rng = random.Random(size)
    for arrows in all_graphs(size):
        names = rng.sample("abcdefgh", size)
        edges = tuple((names[a], names[b]) for a, b in arrows)
        for x, y in permutations(names, 2):
            yield Case(edges, (x,), (y,), nodes=tuple(names))


def agree_on_everything(cases: Iterable[Case]) -> None:
    for plain in cases:
        for effect in EFFECTS:
            case = plain.about(effect)
            truth, question = Definitions(case), case.question()
            for names in subsets(case.names):
                assert is_valid(question, names) == truth.is_valid(names), (case, names)
            found = adjust(question)
            assert found.status == truth.status, case
            assert found.assumes_zero == truth.assumes_zero, case
            if found.status == "not_identifiable":
                continue
            assert found.adjust_for is not None, case
            assert truth.is_valid(found.adjust_for), case
            assert set(found.minimal_sets) <= truth.minimal_sets, case
            if truth.optimal_set is not None:
                assert found.adjust_for == truth.named(truth.optimal_set), case


@pytest.mark.parametrize("size", [2, 3, 4])
def test_every_small_graph_pair_and_set_agrees_with_the_definitions(size: int) -> None:
    agree_on_everything(small(size))


def test_a_sample_of_all_graphs_of_five_agrees_with_the_definitions() -> None:
    cases = list(small(5))
    assert len(cases) == 302 * 20
    agree_on_everything(random.Random(5).sample(cases, 500))


@pytest.mark.heavy
def test_every_graph_of_five_agrees_with_the_definitions() -> None:
    agree_on_everything(small(5))


# Costs and repairs


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_cheapest_set_costs_least_and_is_the_smallest_of_these(seeds: range) -> None:
    cheaper = 0
    for case, truth, found in identifiable(seeds):
        rng = random.Random(repr(case))
        costs = {name: rng.choice([0, 0.1, 0.3, 1, 2.5, 40]) for name in case.names}
        costs.popitem()  # 1 where nothing is said
        cheapest = adjust(case.question(), case.refused, costs=costs).cheapest_set
        assert cheapest is not None, case
        assert truth.mask(cheapest) in truth.valid_sets, (case, cheapest)

        def price(names: Iterable[str], costs: dict[str, float] = costs) -> tuple[Fraction, int]:
            names = tuple(names)
            return sum((Fraction(str(costs.get(n, 1))) for n in names), Fraction()), len(names)

        assert price(cheapest) == min(price(truth.named(z)) for z in truth.valid_sets), case
        assert found.minimum_set is not None
        cheaper += price(cheapest)[0] < price(found.minimum_set)[0]
    assert cheaper


def test_where_all_cost_the_same_the_cheapest_set_is_the_minimum_set() -> None:
    for case, _, found in identifiable(range(100)):
        assert found.cheapest_set is None
        assert adjust(case.question(), case.refused, costs={}).cheapest_set == found.minimum_set
    even = adjust(drawn("x <- a -> b -> y").question(), costs={"a": 7, "b": 7})
    assert even.cheapest_set == even.minimum_set == ("b",)


def test_any_kind_of_number_is_a_cost() -> None:
    question = drawn("x <- a -> b -> y").question()
    assert adjust(question, costs={"b": np.float64(2.5)}).cheapest_set == ("a",)
    assert adjust(question, costs={"a": True, "b": 3}).cheapest_set == ("a",)


@pytest.mark.parametrize("cost", [-1, float("nan"), float("inf"), "2"])
def test_a_cost_is_a_number_from_0_on(cost: float) -> None:
    with pytest.raises(QuestionError, match=r"cost of 'z'.*0 or more"):
        adjust(drawn("x <- z -> y").question(), costs={"z": cost})


@pytest.mark.parametrize("seeds", SEEDS)
def test_repairs_are_the_single_variables_with_which_a_set_would_be_valid(seeds: range) -> None:
    told = 0
    for case, _, found in studies(seeds):
        if found:
            assert found.repairs == (), case
            continue
        mended = set()
        for name in case.latent | case.refused:
            latent, refused = case.latent - {name}, case.refused - {name}
            if Definitions(replace(case, latent=latent, refused=refused)).valid_sets:
                mended.add(name)
        for a, b in case.arcs:
            arcs = tuple(arc for arc in case.arcs if arc != (a, b))
            edges = (*case.edges, ("seen", a), ("seen", b))
            if Definitions(replace(case, arcs=arcs, edges=edges)).valid_sets:
                mended.add(f"{a} <-> {b}")
        assert set(found.repairs) == mended, case
        told += bool(mended)
    assert told > 5


# Random graphs of 6 to 9 variables, against every path and every set


@pytest.mark.parametrize("seeds", SEEDS)
def test_any_set_is_judged_as_by_the_definitions(seeds: range) -> None:
    for case, truth, _ in studies(seeds):
        question = case.question()
        rng = random.Random(repr(case))
        pool = list(subsets(name for name in case.names if name not in case.selected))
        for names in rng.sample(pool, min(64, len(pool))):
            assert is_valid(question, names) == truth.is_valid(names), (case, names)


@pytest.mark.heavy
def test_all_sets_are_judged_as_by_the_definitions() -> None:
    for case, truth, _ in studies(range(300)):
        question = case.question()
        for names in subsets(name for name in case.names if name not in case.selected):
            assert is_valid(question, names) == truth.is_valid(names), (case, names)


@pytest.mark.parametrize("seeds", SEEDS)
def test_status_tells_nothing_needed_from_sets_from_no_set(seeds: range) -> None:
    seen = set()
    for case, truth, found in studies(seeds):
        assert found.status == truth.status, case
        seen.add((case.effect, found.status))
    assert len(seen) == 6, "the sample does not show every status for both effects"


@pytest.mark.parametrize("seeds", SEEDS)
def test_without_a_set_every_set_is_null_and_the_reason_given(seeds: range) -> None:
    for case, truth, found in studies(seeds):
        if found.status != "not_identifiable":
            assert found.because is None, case
            continue
        sets = (found.adjust_for, found.minimum_set, found.canonical_set, found.optimal_set)
        assert sets == (None,) * 4, case
        assert found.minimal_sets == (), case
        assert not found.more_sets, case
        lost = bool(truth.mask(case.forced) & ~truth.allowed)
        if case.effect == "direct" and truth.outcome_first:
            allowed = {"outcome_causes_exposure"} | ({"forced"} if lost else set())
        elif lost:
            allowed = {"forced"}
        elif truth.outcome_first:
            allowed = {"outcome_causes_exposure", "open_path"}
        else:
            allowed = {"open_path"}
        if not case.selected:
            assert found.because in allowed, case
        assert found.because is not None, case


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_recommended_set_is_valid_and_holds_the_forced_and_no_refused_name(
    seeds: range,
) -> None:
    for case, truth, found in identifiable(seeds):
        assert found.adjust_for is not None, case
        assert list(found.adjust_for) == sorted(found.adjust_for), case
        assert truth.mask(found.adjust_for) in truth.valid_sets, (case, found.adjust_for)


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_recommended_set_is_what_a_walk_from_the_outcome_meets_first(seeds: range) -> None:
    for case, _, found in identifiable(seeds):
        assert found.adjust_for == tuple(sorted(Reference(case).recommended_set)), case


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_recommended_set_is_the_most_precise_one_where_that_is_observed(seeds: range) -> None:
    claimed = 0
    for case, truth, found in identifiable(seeds):
        if truth.optimal_set is not None:
            assert found.adjust_for == truth.named(truth.optimal_set), case
            claimed += 1
        reached = truth.y & ~truth.causal_nodes == 0
        wanted = found.adjust_for if reached and truth.optimal_set is not None else None
        assert found.optimal_set == wanted, case
    assert claimed > len(seeds) // 10


@pytest.mark.parametrize("seeds", SEEDS)
def test_minimal_sets_are_valid_and_no_part_of_them_is(seeds: range) -> None:
    for case, truth, near in identifiable(seeds):
        assert near.minimal_sets == (near.nearest,), case
        found = adjust(case.question(), forbidden=case.refused, most=100)
        assert not found.more_sets, case
        assert near.nearest in found.minimal_sets, case
        assert found.minimal_sets, case
        assert set(found.minimal_sets) <= truth.minimal_sets, (case, found.minimal_sets)
        ordered = sorted(found.minimal_sets, key=lambda names: (len(names), names))
        assert list(found.minimal_sets) == ordered, case
        if not found.more_sets:
            assert frozenset(found.minimal_sets) == truth.minimal_sets, case
        if found.status == "none_needed":
            assert found.minimal_sets == (tuple(sorted(case.forced)),), case


@pytest.mark.parametrize("seeds", SEEDS)
def test_no_valid_set_is_smaller_than_the_minimum_set(seeds: range) -> None:
    for case, truth, found in identifiable(seeds):
        assert found.minimum_set in truth.minimal_sets, case
        assert len(found.minimum_set or ()) == min(map(len, truth.minimal_sets)), case


@pytest.mark.parametrize("seeds", SEEDS)
def test_among_minimum_sets_the_one_nearest_to_the_outcome_is_named(seeds: range) -> None:
    several = 0
    for case, truth, found in identifiable(seeds):
        least = min(map(len, truth.minimal_sets))
        rivals = [names for names in truth.minimal_sets if len(names) == least]
        side = {names: Reference(case).outcome_side(names) for names in rivals}
        (nearest,) = (a for a in rivals if all(side[a] <= side[b] for b in rivals))
        assert found.minimum_set == nearest, case
        several += len(rivals) > 1
    assert several


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_canonical_set_is_valid_whenever_any_set_is(seeds: range) -> None:
    for case, truth, found in identifiable(seeds):
        assert found.canonical_set is not None, case
        assert truth.mask(found.canonical_set) in truth.valid_sets, (case, found.canonical_set)
        if case.effect == "direct" or not case.selected:
            assert found.canonical_set == truth.canonical_set, case


@pytest.mark.parametrize("seeds", SEEDS)
def test_every_path_called_open_is_a_biasing_path_and_open(seeds: range) -> None:
    for case, truth, found in studies(seeds):
        assert len(found.open_paths) <= 20, case
        biasing = set(truth.biasing)
        none = found.status == "not_identifiable"
        given = truth.canonical_set if none else tuple(case.forced)
        texts = [path.text(case.dag()) for path in found.open_paths]
        assert len(set(texts)) == len(texts), (case, texts)
        for path, text in zip(found.open_paths, texts, strict=True):
            assert (path.nodes, path.forward) in biasing, (case, text)
            assert truth.is_open((path.nodes, path.forward), given), (case, text)


@pytest.mark.parametrize("seeds", SEEDS)
def test_open_paths_are_missing_only_when_none_is_open(seeds: range) -> None:
    for case, truth, found in studies(seeds):
        if found.status == "none_needed":
            assert found.open_paths == (), case
        elif found.status == "sets" or (
            # Data selected on what the effect moves are no answer even without a path to show.
            found.because == "open_path" and not truth.fixed & truth.forbidden
        ):
            given = truth.canonical_set if found.because else tuple(case.forced)
            assert bool(found.open_paths) == bool(truth.open_paths(given)), case


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_drawing_without_the_effect_is_said_to_assume_zero(seeds: range) -> None:
    for case, truth, found in studies(seeds):
        assert found.assumes_zero == truth.assumes_zero, case


# Random graphs of 10 to 40 variables, against networkx


@pytest.mark.parametrize("seeds", LARGE)
def test_larger_graphs_agree_with_networkx(seeds: range) -> None:
    valid = invalid = 0
    for seed in seeds:
        case = random_case(seed, 10, 40, degree=4.0)
        rng = random.Random(seed)
        oracle, question = Reference(case), case.question()
        found = adjust(question, forbidden=case.refused, most=20)
        assert (found.status != "not_identifiable") == oracle.identifiable, case
        pool = [name for name in case.names if name not in case.selected]
        sets = [set[str]()]
        sets += [{name for name in pool if rng.random() < share} for share in (0.1, 0.3, 0.6)]
        free = sorted(oracle.allowed)
        sets += [{name for name in free if rng.random() < share} for share in (0.2, 0.5, 0.9)]
        if found.status != "not_identifiable":
            assert found.adjust_for is not None, case
            assert found.canonical_set is not None, case
            assert found.minimum_set is not None, case
            best = set(found.adjust_for)
            assert best == oracle.recommended_set, case
            for names in (best, set(found.canonical_set), *map(set, found.minimal_sets)):
                assert oracle.is_valid(names), (case, names)
                assert case.forced <= names <= oracle.allowed, (case, names)
            # No single name can be left out; then no part can (Tian, Paz & Pearl 1998).
            for names in map(set, found.minimal_sets):
                for name in names - case.forced:
                    assert not oracle.is_valid(names - {name}), (case, names, name)
            assert oracle.is_valid(found.minimum_set), case
            assert len(found.minimum_set) == oracle.minimum_size(), case
            sets += [best ^ {name} for name in rng.sample(pool, min(6, len(pool)))]
        for names in sets:
            truth = oracle.is_valid(names)
            assert is_valid(question, names) == truth, (case, names)
            valid, invalid = valid + truth, invalid + (not truth)
    assert min(valid, invalid) > len(seeds) / 2


# Names and order


def test_results_do_not_depend_on_the_order_of_nodes_and_edges() -> None:
    for seed in range(60):
        case = random_case(seed, 6, 12)
        same = {name: name for name in case.names}
        shuffled = renamed(case, same, random.Random(seed))
        first = adjust(case.question(), forbidden=case.refused)
        assert adjust(shuffled.question(), forbidden=shuffled.refused) == first, case


def test_renaming_that_keeps_the_order_changes_nothing_but_the_names() -> None:
    for seed in range(60):
        case = random_case(seed, 6, 12)
        new = {name: f"{i:03d} <n>" for i, name in enumerate(case.names)}
        other = renamed(case, new)
        assert moved(other) == moved(case, new), case


def test_any_renaming_renames_the_sets() -> None:
    """All sets named are unique by their definition, so not even ties may go by the name."""
    for seed in range(60):
        case = random_case(seed, 6, 12)
        dealt = random.Random(seed).sample(case.names, len(case.names))
        new = dict(zip(case.names, dealt, strict=True))
        other = renamed(case, new, random.Random(seed))
        mine, theirs = moved(case, new), moved(other)
        paths = "open_paths"
        assert {k: v for k, v in theirs.items() if k != paths} == {
            k: v for k, v in mine.items() if k != paths
        }, case


def moved(case: Case, new: dict[str, str] | None = None) -> dict[str, object]:
    """The answer to *case* as sets of new names; minimal sets only where all are there."""
    found = adjust(case.question(), forbidden=case.refused, most=100)
    dag: Dag = case.dag()

    def them(names: tuple[str, ...] | None) -> frozenset[str] | None:
        return None if names is None else frozenset(new[n] if new else n for n in names)

    def path(nodes: tuple[int, ...]) -> tuple[str | None, ...]:
        words = [dag.names[n] if n < len(dag.names) else None for n in nodes]
        return tuple(new[w] if new and w is not None else w for w in words)

    return {
        "status": found.status,
        "because": found.because,
        "assumes_zero": found.assumes_zero,
        "adjust_for": them(found.adjust_for),
        "minimum_set": them(found.minimum_set),
        "canonical_set": them(found.canonical_set),
        "optimal_set": them(found.optimal_set),
        "minimal_sets": None if found.more_sets else frozenset(map(them, found.minimal_sets)),
        "open_paths": [(path(p.nodes), p.forward) for p in found.open_paths],
    }

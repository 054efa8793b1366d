"""The verdict on a user's own set: right, with every problem shown, and with a way out."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest

from causal.criteria.question import EFFECTS
from causal.criteria.verdict import Problem, Verdict, judge
from causal.errors import UnknownVariable
from tests.oracles import Case, Definitions, drawn, random_case, subsets

SEEDS = [
    pytest.param(range(150), id="150-graphs"),
    pytest.param(range(150, 2000), id="1850-graphs", marks=pytest.mark.heavy),
]
OPEN, BARRED, UNSEEN = "open_path", "forbidden", "unavailable"

# Drawing, marks, set -> for each effect the problems in barred and unseen names, and whether a
# biasing path is open although all names are allowed.
VERDICTS: list[tuple[str, dict[str, str], str, dict[str, set[tuple[str, str | None]]]]] = [
    ("x <- z -> y", {}, "z", {"direct": set(), "total": set()}),
    ("x <- z -> y", {}, "", {"direct": {(OPEN, None)}, "total": {(OPEN, None)}}),
    ("x -> m -> y", {}, "", {"direct": {(OPEN, None)}, "total": set()}),
    ("x -> m -> y", {}, "m", {"direct": set(), "total": {(BARRED, "m")}}),
    ("x -> m -> y; m -> d", {}, "d", {"total": {(BARRED, "d")}, "direct": {(OPEN, None)}}),
    ("x -> c <- y", {}, "", {"direct": set(), "total": set()}),
    ("x -> c <- y", {}, "c", {"direct": {(BARRED, "c")}, "total": {(OPEN, None)}}),
    ("x -> c <- y; c -> d", {}, "d", {"direct": {(BARRED, "d")}, "total": {(OPEN, None)}}),
    ("x -> c <- y; x -> y", {}, "c", {"direct": {(BARRED, "c")}, "total": {(BARRED, "c")}}),
    ("x -> y -> d", {}, "d", {"direct": {(BARRED, "d")}, "total": {(BARRED, "d")}}),
    # Without an arrow x -> y its descendant does no harm to the total effect.
    ("x; y -> d", {}, "d", {"direct": {(BARRED, "d")}, "total": set()}),
    # M-bias: refused by some peers, and valid with either cause beside it.
    ("x <- a -> m <- b -> y", {}, "m", {"direct": {(OPEN, None)}, "total": {(OPEN, None)}}),
    ("x <- a -> m <- b -> y", {}, "a m", {"direct": set(), "total": set()}),
    ("x <- a -> m <- b -> y; x <- m -> y", {}, "m", {"direct": {(OPEN, None)}}),
    ("x <- z -> y", {}, "x z", {"direct": {(BARRED, "x")}, "total": {(BARRED, "x")}}),
    ("x <- z -> y", {}, "y z", {"direct": {(BARRED, "y")}, "total": {(BARRED, "y")}}),
    (
        "x <- z -> y",
        {"latent": "z"},
        "z",
        {"direct": {(UNSEEN, "z")}, "total": {(UNSEEN, "z")}},
    ),
    (
        "x <- z -> y; z -> p",
        {"latent": "z"},
        "p",
        {"direct": {(OPEN, None)}, "total": {(OPEN, None)}},
    ),
    (
        "x -> m -> y; u -> y; x -> y",
        {"latent": "u"},
        "m u",
        {"direct": {(UNSEEN, "u")}, "total": {(UNSEEN, "u"), (BARRED, "m")}},
    ),
    ("x -> m -> y; m <-> y", {}, "m", {"direct": {(OPEN, None)}, "total": {(BARRED, "m")}}),
    # Marked [adjusted], yet only the given set is judged.
    ("x <- z -> y; w -> y", {"forced": "w"}, "z", {"direct": set(), "total": set()}),
    ("x <- a -> s <- b -> y", {"selected": "s"}, "", {"direct": {(OPEN, None)}}),
    ("x <- a -> s <- b -> y", {"selected": "s"}, "a", {"direct": set(), "total": set()}),
    ("x -> e; x -> y", {}, "e", {"direct": set(), "total": set()}),
]


@pytest.mark.parametrize(
    ("case", "names", "expected"),
    [
        pytest.param(
            drawn(text, **marks).about("direct" if effect == "direct" else "total"),
            names.split(),
            expected,
            id=f"{text} {marks or ''} | {names or 'nothing'} | {effect}",
        )
        for text, marks, names, answers in VERDICTS
        for effect, expected in answers.items()
    ],
)
def test_problems_of_textbook_sets(
    case: Case, names: list[str], expected: set[tuple[str, str | None]]
) -> None:
    verdict = judge(case.question(), names)
    found = {(p.kind, p.variable if p.kind != OPEN else None) for p in verdict.problems}
    assert verdict.adjust_for == tuple(sorted(names))
    assert verdict.valid == (not expected)
    if expected == {(OPEN, None)}:
        assert found == expected
    else:  # beside a name that may not be there, open paths may be told too
        assert found - {(OPEN, None)} == expected


def test_the_message_names_the_set_the_variable_and_the_path() -> None:
    (problem,) = judge(drawn("x <- z -> y").question(), []).problems
    assert "x <- z -> y" in problem.message
    (problem,) = judge(drawn("x -> m -> y").question().total, ["m"]).problems
    assert "m" in problem.message
    assert "x -> m -> y" in problem.message


@pytest.mark.parametrize(
    ("text", "marks", "effect", "names", "messages"),
    [
        (
            "x -> m -> y",
            {},
            "total",
            "m",
            [
                (
                    "Cannot adjust for m: it is a mediator on x -> m -> y, so the total effect "
                    "would lose the part that runs through it. Remove it, or ask for the direct "
                    "effect."
                )
            ],
        ),
        (
            "x -> y -> d",
            {},
            "total",
            "d y",
            [
                (
                    "Cannot adjust for d: it is caused by the outcome (y -> d); holding it fixed "
                    "holds back part of the outcome itself. Remove it."
                ),
                "Cannot adjust for y: it is the outcome itself. Remove it.",
            ],
        ),
        (
            # To drop m alone would leave the path open.
            "x <- a -> m <- b -> y; m -> d",
            {},
            "total",
            "d m",
            [
                (
                    "Incorrectly adjusted: conditioning on d and m opens x <- a -> m <- b -> y. "
                    "Adjust for b too."
                )
            ],
        ),
        (
            "x <- a -> s <- b -> y",
            {"selected": "s"},
            "total",
            "",
            [
                (
                    "Not adjusted enough: x <- a -> s <- b -> y is open, because the data are "
                    "selected on s. Adjust for a or b."
                )
            ],
        ),
        (
            # m is measured, but may not be held fixed.
            "y -> m -> x",
            {},
            "direct",
            "",
            ["Not adjusted enough: x <- m <- y is open. Nothing on it can be adjusted for."],
        ),
        # What mends one path is no advice where no set mends all: it would lead round in a circle.
        ("x -> m -> y; m <-> y", {}, "direct", "", ["Not adjusted enough: x -> m -> y is open."]),
        (
            "x -> m -> y; m <-> y",
            {},
            "direct",
            "m",
            ["Incorrectly adjusted: conditioning on m opens x -> m <-> y."],
        ),
        (
            # Beside m the collider does no harm, what the outcome causes does.
            "x -> m -> y; m -> c <- y",
            {},
            "direct",
            "c m",
            [
                (
                    "Cannot adjust for c: it is caused by the outcome; holding it fixed holds back "
                    "part of the outcome itself. Remove it."
                )
            ],
        ),
    ],
)
def test_problems_in_words(
    text: str, marks: dict[str, str], effect: str, names: str, messages: list[str]
) -> None:
    case = drawn(text, **marks).about("direct" if effect == "direct" else "total")
    assert [p.message for p in judge(case.question(), names.split()).problems] == messages


@pytest.mark.parametrize("names", [["agee"], ["age", "agee"]])
def test_an_unknown_name_is_bad_input_with_a_suggestion(names: list[str]) -> None:
    question = drawn("x <- age -> y").question()
    with pytest.raises(UnknownVariable, match="Did you mean 'age'"):
        judge(question, names)


def test_a_name_given_twice_counts_once() -> None:
    verdict = judge(drawn("x <- z -> y").question(), ["z", "z"])
    assert verdict.valid
    assert verdict.adjust_for == ("z",)


def test_backdoor_flag_is_stricter_than_the_complete_criterion() -> None:
    """A harmless effect of the exposure is valid, yet not by Pearl's criterion."""
    total = drawn("x -> e; x -> y; x <- z -> y").question().total
    assert (judge(total, ["z"]).valid, judge(total, ["z"]).backdoor) == (True, True)
    assert (judge(total, ["e", "z"]).valid, judge(total, ["e", "z"]).backdoor) == (True, False)
    assert (judge(total, []).valid, judge(total, []).backdoor) == (False, False)
    assert judge(total.direct, ["z"]).backdoor is None


# At random


@cache
def judged(seed: int) -> list[tuple[Case, Definitions, tuple[str, ...], Verdict]]:
    """Some sets for a random drawing, both effects: at random, and near to valid ones."""
    rng = random.Random(seed)
    answers = []
    for effect in EFFECTS:
        case = random_case(seed, 6, 9).about(effect)
        truth, question = Definitions(case), case.question()
        pool = [name for name in case.names if name not in case.selected]
        every = list(subsets(pool))
        sets = rng.sample(every, min(8, len(every)))
        sets += [truth.named(z) for z in truth.valid_sets[:4]]
        answers += [(case, truth, names, judge(question, names)) for names in sets]
    return answers


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_verdict_is_true_exactly_when_the_set_is_valid(seeds: range) -> None:
    for seed in seeds:
        for case, truth, names, verdict in judged(seed):
            assert verdict.valid == truth.is_valid(names), (case, names)
            assert bool(verdict) == verdict.valid, (case, names)
            assert (verdict.problems == ()) == verdict.valid, (case, names)
            assert verdict.adjust_for == tuple(sorted(names)), (case, names)


@pytest.mark.parametrize("seeds", SEEDS)
def test_every_name_that_may_not_be_there_is_a_problem_of_its_own(seeds: range) -> None:
    for seed in seeds:
        for case, truth, names, verdict in judged(seed):
            barred = truth.named(truth.x | truth.y | truth.forbidden)
            kinds = {UNSEEN: case.latent, BARRED: set(barred) - case.latent}
            for kind, expected in kinds.items():
                found = sorted(p.variable or "" for p in verdict.problems if p.kind == kind)
                if kind == BARRED:  # a selected node may be named: it is what forbids every set
                    found = [name for name in found if name not in case.selected]
                assert found == sorted(expected & set(names)), (case, names, verdict.problems)


@pytest.mark.parametrize("seeds", SEEDS)
def test_witness_paths_are_paths_of_the_drawing_and_open(seeds: range) -> None:
    for seed in seeds:
        for case, truth, names, verdict in judged(seed):
            fit = [name for name in names if name not in {*case.exposures, *case.outcomes}]
            biasing = set(truth.biasing)
            for problem in verdict.problems:
                where = (case, names, problem)
                assert problem.message, where
                if problem.path is not None:
                    assert truth.is_path(problem.path.nodes, problem.path.forward), where
                if problem.kind == OPEN:
                    assert problem.path is not None, where
                    path = (problem.path.nodes, problem.path.forward)
                    assert path in biasing, where
                    # Without the names that are wrong there anyway the path may be another's.
                    if not any(p.kind != OPEN for p in verdict.problems):
                        assert truth.is_open(path, fit), where


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_set_of_allowed_names_fails_only_with_an_open_path_shown(seeds: range) -> None:
    for seed in seeds:
        for case, truth, names, verdict in judged(seed):
            ill = truth.mask(names) & (truth.x | truth.y | truth.hidden | truth.forbidden)
            if not verdict.valid and not ill and not truth.fixed & truth.forbidden:
                assert {p.kind for p in verdict.problems} == {OPEN}, (case, names)


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_suggestion_is_valid_and_missing_only_when_no_set_is(seeds: range) -> None:
    for seed in seeds:
        for case, truth, names, verdict in judged(seed):
            if verdict.suggestion is not None:
                assert truth.is_valid(verdict.suggestion), (case, names, verdict.suggestion)
                assert not case.selected & set(verdict.suggestion), (case, names)
            if verdict.valid or case.forced or case.refused:
                continue  # refused names are the user's to `adjust` only; forced ones may bar all
            assert (verdict.suggestion is None) == (not truth.valid_sets), (case, names)


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_suggestion_takes_as_few_changes_as_any_valid_set(seeds: range) -> None:
    several = 0
    for seed in seeds:
        for case, _, names, verdict in judged(seed):
            free = replace(case, forced=frozenset(), refused=frozenset())
            truth = Definitions(free)
            if not truth.valid_sets:
                continue
            fewest = min(len({*names} ^ {*truth.named(z)}) for z in truth.valid_sets)
            assert verdict.suggestion is not None, (case, names)
            assert len({*names} ^ {*verdict.suggestion}) == fewest, (case, names)
            several += fewest > 1
    assert several


def test_a_large_set_is_mended_all_the_same_and_quickly() -> None:
    spare = "; ".join(f"x <- a{i} -> c{i} <- b{i} -> y" for i in range(40))
    question = drawn(f"x -> y; {spare}").question()
    verdict = judge(question, [f"c{i}" for i in range(40)])
    assert verdict.suggestion == ()
    assert judge(question, [f"c{i}" for i in range(39)] + ["b3"]).suggestion is not None


@pytest.mark.parametrize("seeds", SEEDS)
def test_the_backdoor_flag_is_valid_without_descendants_of_an_exposure(seeds: range) -> None:
    for seed in seeds:
        for case, truth, names, verdict in judged(seed):
            if case.effect == "direct":
                assert verdict.backdoor is None, (case, names)
                continue
            if case.selected:
                continue
            below = truth.descendants(case.exposures) & truth.mask(names)
            assert verdict.backdoor == (verdict.valid and not below), (case, names)


def test_problem_is_a_value() -> None:
    one, two = (judge(drawn("x <- z -> y").question(), []).problems for _ in range(2))
    assert one == two
    assert isinstance(one[0], Problem)


def test_the_cure_of_an_opened_path_leads_to_the_suggestion() -> None:
    question = drawn("x <- m -> y; x <- a -> m <- b -> y; x -> y").question()
    verdict = judge(question, ["m"])
    assert verdict.suggestion == ("b", "m")
    assert [p.message for p in verdict.problems] == [
        "Incorrectly adjusted: conditioning on m opens x <- a -> m <- b -> y. Adjust for b too."
    ]

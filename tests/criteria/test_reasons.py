"""Every sentence is true of the drawing it is about: tables of them, and at random."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from causal.criteria import reasons
from causal.criteria.adjustment import adjust
from causal.criteria.question import EFFECTS
from causal.criteria.roles import Variable, variables
from causal.graph.dag import Dag
from tests.oracles import Case, Definitions, drawn, random_case, subsets

SEEDS = [
    pytest.param(range(300), id="300-graphs"),
    pytest.param(range(300, 2300), id="2000-graphs", marks=pytest.mark.heavy),
]


def case(text: str, effect: str, **marks: str) -> Case:
    return drawn(text, **marks).about("direct" if effect == "direct" else "total")


# Answers


@pytest.mark.parametrize(
    ("text", "marks", "effect", "sentence"),
    [
        ("x -> y", {}, "direct", "Adjust for nothing."),
        ("x <- z -> y", {}, "direct", "Adjust for {z}."),
        (
            "x -> y <- p",
            {},
            "direct",
            "Adjust for {p}, for precision only: nothing is needed for validity.",
        ),
        (
            "x -> y <- p; x <- z -> y",
            {},
            "direct",
            "Adjust for {p, z}: {z} for validity, the rest for precision.",
        ),
        (
            "x -> y <- w",
            {"forced": "w"},
            "direct",
            "Adjust for {w}, as you asked; nothing else is needed.",
        ),
        (
            "x -> y <- w; p -> y",
            {"forced": "w"},
            "direct",
            "Adjust for {p, w}: {w} as you asked, {p} for precision.",
        ),
        (
            "x -> y <- w; p -> y; x <- z -> y",
            {"forced": "w"},
            "direct",
            "Adjust for {p, w, z}: {z} for validity, {w} as you asked, the rest for precision.",
        ),
        (
            "x -> m -> y",
            {"forced": "m"},
            "total",
            (
                "The total effect is not identifiable by adjustment while m is marked [adjusted]: "
                "no valid set contains it. Unmark it first."
            ),
        ),
        (
            # w is not to blame.
            "x -> m -> y; x -> n -> y; w -> y",
            {"forced": "m n w"},
            "total",
            (
                "The total effect is not identifiable by adjustment while m and n are marked "
                "[adjusted]: no valid set contains them. Unmark them first."
            ),
        ),
        (
            "x -> y",
            {"forced": "x"},
            "direct",
            (
                "The direct effect is not identifiable by adjustment while x is marked [adjusted]: "
                "no valid set contains it. Unmark it first."
            ),
        ),
        (
            "x <- u -> y",
            {"latent": "u"},
            "direct",
            (
                "The direct effect is not identifiable by adjustment: x <- u -> y stays open "
                "whatever is adjusted for, because u was not measured. "
                "Measuring u would be enough."
            ),
        ),
        (
            # Left alone, m closes the path: "stays open whatever is adjusted for" would be false.
            "x -> m -> y; m <-> y",
            {},
            "direct",
            (
                "The direct effect is not identifiable by adjustment: whatever closes every other "
                "path opens x -> m <-> y, and the common cause behind <-> was not measured. "
                "Measuring the common cause behind m <-> y would be enough."
            ),
        ),
        (
            "x <-> m <-> y",
            {"forced": "m"},
            "total",
            (
                "The total effect is not identifiable by adjustment: x <-> m <-> y stays open "
                "whatever is adjusted for, because the common cause behind <-> was not measured "
                "and m is marked [adjusted]. Measuring the common cause behind m <-> x or the "
                "common cause behind m <-> y would be enough."
            ),
        ),
        (
            "x -> s <- y",
            {"selected": "s"},
            "total",
            (
                "The total effect is not identifiable by adjustment: x -> s <- y stays open "
                "whatever is adjusted for, because the data are selected on s."
            ),
        ),
        (
            "x -> m -> y; m -> s",
            {"selected": "s"},
            "total",
            (
                "The total effect is not identifiable by adjustment: the data are selected on s, "
                "which the effect itself moves."
            ),
        ),
        (
            "y -> x",
            {},
            "direct",
            (
                "The direct effect is 0 by the drawing: the DAG says y comes before x (y -> x); "
                "did you mean the effect of y on x? No regression can put that to the test."
            ),
        ),
    ],
)
def test_the_answer_in_words(text: str, marks: dict[str, str], effect: str, sentence: str) -> None:
    assert reasons.answer(adjust(case(text, effect, **marks).question())) == sentence


def test_an_effect_that_is_drawn_is_not_called_zero_because_another_exposure_comes_late() -> None:
    found = adjust(drawn("x -> y -> k", "k x").question())
    assert not found.assumes_zero
    assert reasons.answer(found) == (
        "The direct effect is not identifiable by adjustment: the DAG says y comes before k "
        "(y -> k); did you mean the effect of y on k?"
    )


@pytest.mark.parametrize(
    ("drawing", "effect", "sentence"),
    [
        (
            drawn("x <- z -> y"),
            "direct",
            (
                "The DAG has no arrow x -> y: it assumes this effect is 0. The correct model tests "
                "that."
            ),
        ),
        (
            drawn("a <- z -> y; b", "a b", "y"),
            "total",
            (
                "The DAG has no directed path from a or b to y: it assumes this effect is 0. "
                "The correct model tests that."
            ),
        ),
        (
            drawn("x <-> y"),
            "direct",
            (
                "The DAG has no arrow x -> y: it assumes this effect is 0. No regression can test "
                "that."
            ),
        ),
        (
            # Unmark c, and a regression can.
            drawn("x -> c <- y", forced="c"),
            "direct",
            "The DAG has no arrow x -> y: it assumes this effect is 0.",
        ),
        (drawn("x -> y"), "direct", None),
    ],
)
def test_the_assumption_in_words(drawing: Case, effect: str, sentence: str | None) -> None:
    question = drawing.about("direct" if effect == "direct" else "total").question()
    assert reasons.assumption(adjust(question)) == sentence


# Variables


@pytest.mark.parametrize(
    ("text", "marks", "effect", "name", "sentence"),
    [
        ("x <- z -> y", {}, "total", "z", "x <- z -> y is open; this closes it"),
        (
            # The path is closed if left alone: m opens it.
            "x <- a -> m <- b -> y; x <- m -> y",
            {},
            "total",
            "b",
            "x <- a -> m <- b -> y is opened by others in the set; this closes it",
        ),
        (
            "x <- a -> s <- b -> y",
            {"selected": "s"},
            "total",
            "b",
            "x <- a -> s <- b -> y is open; this closes it",
        ),
        (
            "x -> y <- p",
            {},
            "direct",
            "p",
            "for precision: it explains part of y, though no path needs it",
        ),
        (
            "x -> y <- w; v -> w",
            {},
            "direct",
            "v",
            "not needed: it opens no path, and none is left to close",
        ),
        (
            "x <- a -> b -> y",
            {},
            "direct",
            "a",
            "not needed: x <- a -> b -> y is closed already",
        ),
        (
            "x <- b -> y; a -> b",
            {},
            "direct",
            "a",
            "not needed: every path through it is closed already",
        ),
        (
            "x <- z -> y; x -> e",
            {},
            "direct",
            "e",
            "not needed: it opens no path, and none is left to close",
        ),
        (
            # With m held fixed x -> m -> c <- y is closed at m.
            "x -> m -> y; m -> c <- y",
            {},
            "direct",
            "c",
            "it is caused by the outcome; holding it fixed holds back part of the outcome itself",
        ),
        ("x -> m -> y; m -> c <- y", {}, "total", "c", "holding it fixed opens x -> m -> c <- y"),
        (
            "x -> y -> s",
            {"selected": "s"},
            "total",
            "s",
            "the data are selected on it and the effect asked moves it; no set undoes that",
        ),
        (
            "x -> m -> y; m <- u -> y",
            {"latent": "u"},
            "direct",
            "u",
            "not measured; x -> m <- u -> y runs through it",
        ),
        ("x -> m -> y; m <- u -> y", {"latent": "u"}, "total", "u", "not measured"),
        (
            # A collider is no way out where there is none.
            "x -> c <- y; x <-> y",
            {},
            "total",
            "c",
            "holding it fixed opens x -> c <- y",
        ),
        (
            "z -> x -> m -> y; x <-> y",
            {},
            "total",
            "z",
            (
                "not for adjusting, which would amplify the bias: it can serve as an instrument "
                "for the total effect"
            ),
        ),
    ],
)
def test_the_reason_in_words(
    text: str, marks: dict[str, str], effect: str, name: str, sentence: str
) -> None:
    found = {v.name: v.reason for v in variables(case(text, effect, **marks).question())}
    assert found[name] == sentence


def test_a_mediator_between_outcomes_is_out_for_the_direct_effect_as_caused_by_one() -> None:
    question = drawn("x -> k -> m -> y", "x", "k y").question()
    (found,) = variables(question)
    assert (found.role, found.use) == ("mediator", "exclude")
    assert found.reason.startswith("it is caused by the outcome")


def test_a_path_too_long_to_read_is_not_written_out() -> None:
    mediators = [f"m{i:04d}" for i in range(1200)]
    dag = Dag(edges=list(zip(["x", *mediators], [*mediators, "y"], strict=True)))
    found = variables(dag.question("x", "y", effect="total"))
    assert {v.role for v in found} == {"mediator"}
    assert {v.reason for v in found} == {
        (
            "it lies on a path from exposure to outcome; holding it fixed removes the part of the "
            "effect that runs through it"
        )
    }


# At random


def told(seeds: range) -> Iterator[tuple[Case, Definitions, tuple[str, ...], Variable]]:
    """Variables of answered questions, each with the set that is recommended."""
    for seed in seeds:
        for effect in EFFECTS:
            drawing = random_case(seed, 6, 9).about(effect)
            question = drawing.question()
            found = adjust(question)
            for variable in variables(question, found) if found.adjust_for is not None else ():
                yield drawing, Definitions(drawing), found.adjust_for or (), variable


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_path_called_open_closed_or_opened_is_just_that(seeds: range) -> None:
    seen = set()
    for drawing, truth, chosen, variable in told(seeds):
        if variable.path is None:
            continue
        # Paths through an arrow that the direct effect leaves out are judged by the drawing.
        whole = Definitions(drawing.about("total"))
        path, name, words = (variable.path.nodes, variable.path.forward), variable.name, ""
        others = [other for other in chosen if other != name]
        where = (drawing, chosen, variable)
        if variable.reason.endswith("is open; this closes it"):
            words = "closes"
            assert truth.is_open(path, drawing.forced), where
            assert not truth.is_open(path, [*drawing.forced, name]), where
        elif variable.reason.endswith("is opened by others in the set; this closes it"):
            words = "mends"
            assert not truth.is_open(path, drawing.forced), where
            assert truth.is_open(path, others), where
            assert not truth.is_open(path, chosen), where
        elif variable.reason.endswith("is closed already") and "proxy" not in variable.role:
            words = "spare"
            assert not truth.is_open(path, chosen), where
        elif "holding it fixed opens" in variable.reason:
            words = "opens"
            assert not whole.is_open(path, chosen), where
            assert whole.is_open(path, [*chosen, name]), where
        seen.add(words)
    assert seen >= {"closes", "spare", "opens"}


@pytest.mark.parametrize("seeds", SEEDS)
def test_a_path_said_to_stay_open_does_with_every_set(seeds: range) -> None:
    kinds = set()
    for seed in seeds:
        for effect in EFFECTS:
            drawing = random_case(seed, 5, 7).about(effect)
            found = adjust(drawing.question())
            words = reasons.answer(found)
            if found.because != "open_path" or not found.open_paths:
                continue
            truth = Definitions(replace(drawing, refused=frozenset()))
            free = set(truth.named(truth.allowed))
            sets = [{*drawing.forced, *some} for some in subsets(free - drawing.forced)]
            always = [
                path.text(drawing.dag())
                for path in found.open_paths
                if all(truth.is_open((path.nodes, path.forward), names) for names in sets)
            ]
            if "stays open whatever is adjusted for" in words:
                assert any(f": {text} stays open" in words for text in always), (drawing, words)
            else:
                assert "whatever closes every other path opens" in words, (drawing, words)
                assert not always, (drawing, words)
            kinds.add(bool(always))
    assert kinds == {True, False}


@pytest.mark.parametrize(
    ("text", "marks", "effect", "name", "sentence"),
    [
        ("x <- z -> y", {}, "direct", "z", "left out: x <- z -> y is open and biases the answer"),
        (
            "x -> m -> y",
            {},
            "direct",
            "m",
            "left out: the part of the effect along x -> m -> y is counted too",
        ),
        (
            "x -> m -> y",
            {},
            "total",
            "m",
            "added: the part of the effect along x -> m -> y is lost",
        ),
        (
            "x -> m -> y; m -> d",
            {},
            "total",
            "d",
            "added: part of the effect is lost, with the mediator it tells of (m -> d)",
        ),
        ("x -> c <- y", {}, "direct", "c", "added: x -> c <- y opens and biases the answer"),
        (
            "x -> y -> d",
            {},
            "total",
            "d",
            "added: part of the outcome itself is held fixed (y -> d)",
        ),
        ("x -> y <- p", {}, "total", "p", "left out: still valid, but less precise"),
        (
            "x <- z -> y",
            {"forced": "z"},
            "total",
            "z",
            "left out: x <- z -> y is open and biases the answer",
        ),
        ("x -> y; w", {"forced": "w"}, "total", "w", "left out: still valid"),
        (
            "i -> x -> y",
            {},
            "total",
            "i",
            "added: still valid, but less precise: it leaves less of the exposure to learn from",
        ),
        ("x -> y; w", {}, "total", "w", "added: still valid, and nothing changes"),
        (
            # What it would do if it were no longer latent.
            "x -> m -> y; x -> y",
            {"latent": "m"},
            "total",
            "m",
            "if it were measured and added: the part of the effect along x -> m -> y is lost",
        ),
        (
            # Caused by the outcome, and a collider by its latent cause.
            "c <- y; x <-> c",
            {},
            "total",
            "c",
            "added: x <-> c <- y opens and biases the answer",
        ),
        (
            # c is open already by d, which is held fixed as the user wants.
            "x -> c <- y; c -> d; c -> e",
            {"forced": "d"},
            "total",
            "e",
            "added: still no set is enough",
        ),
        (
            # Selection on an effect is no bias that a cause of the exposure amplifies.
            "v -> x -> y -> s",
            {"selected": "s"},
            "total",
            "v",
            "added: still no set is enough",
        ),
        (
            "i -> x -> y; x <-> y",
            {},
            "total",
            "i",
            "added: the bias that is left is amplified",
        ),
        (
            "x <- u -> y; x -> y",
            {"latent": "u"},
            "total",
            "u",
            "if it were measured and added: the effect could be had by adjustment",
        ),
        (
            "x <- u -> y; x <- v -> y",
            {"latent": "u v"},
            "total",
            "u",
            "if it were measured and added: still no set is enough",
        ),
        (
            "x <- a -> m <- b -> y",
            {"latent": "a b"},
            "total",
            "b",
            "if it were measured and added: still valid, and more precise",
        ),
        (
            "x -> s <- y",
            {"selected": "s"},
            "direct",
            "s",
            "added: no set undoes the selection",
        ),
    ],
)
def test_what_comes_of_doing_otherwise_in_words(
    text: str, marks: dict[str, str], effect: str, name: str, sentence: str
) -> None:
    case = drawn(text, **marks).about("total" if effect == "total" else "direct")
    (variable,) = (v for v in variables(case.question()) if v.name == name)
    assert variable.if_opposite == sentence


def test_a_demand_that_contradicts_another_is_named_as_such() -> None:
    question = drawn("x <- z -> y; w -> y", forced="w z").question()
    answer = reasons.answer(adjust(question, ["z"]))
    assert "while z is marked [adjusted] and you will not adjust for it." in answer
    assert adjust(question, ["z"]).repairs == ("z",)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        # z reaches y past the arrow asked about; z is demanded.
        ("x -> m -> y; m <- u -> y; z -> x; x -> y", {"latent": "u"}),
        ("z -> x -> y; x <-> y", {"forced": "z"}),
    ],
)
def test_nothing_is_called_an_instrument_that_cannot_serve_as_one(
    text: str, marks: dict[str, str]
) -> None:
    (z,) = (v for v in variables(drawn(text, **marks).question()) if v.name == "z")
    assert z.role == "cause of the exposure only"


def test_who_refuses_a_variable_is_told_what_it_would_do() -> None:
    question = drawn("x <- z -> y").question()
    (z,) = variables(question, adjust(question, ["z"]))
    assert z.use == "unavailable"
    assert z.reason == "you will not adjust for it; x <- z -> y runs through it"
    assert z.if_opposite == "if you added it: the effect could be had by adjustment"

"""What every variable is to a question, and what to do with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from causal.criteria.adjustment import Adjustment, adjust
from causal.criteria.question import EFFECTS
from causal.criteria.roles import Variable, variables
from tests.oracles import Case, Definitions, drawn, random_case, role_of

SEEDS = [
    pytest.param(range(300), id="300-graphs"),
    pytest.param(range(300, 2300), id="2000-graphs", marks=pytest.mark.heavy),
]
# Use of a variable for the direct and for the total effect; None: not told here, because no set
# answers that question or the variable is selected.
Uses = tuple[str | None, str | None]
IN, MAY, OUT, NO = "include", "optional", "exclude", "unavailable"

TEXTBOOK: dict[str, tuple[str, dict[str, str], dict[str, tuple[str, Uses]]]] = {
    "fork": ("x <- z -> y", {}, {"z": ("common cause", (IN, IN))}),
    "pipe": ("x -> m -> y", {}, {"m": ("mediator", (IN, OUT))}),
    "collider": ("x -> c <- y", {}, {"c": ("collider", (OUT, OUT))}),
    "collider with an effect": ("x -> c <- y; x -> y", {}, {"c": ("collider", (OUT, OUT))}),
    "descendant of the collider": (
        "x -> c <- y; c -> d",
        {},
        {"c": ("collider", (OUT, OUT)), "d": ("descendant of a collider", (OUT, OUT))},
    ),
    "collider further down": (
        "x -> a -> c <- b <- y",
        {},
        {
            "a": ("effect of the exposure only", (MAY, MAY)),
            "b": ("descendant of the outcome", (OUT, MAY)),
            "c": ("collider", (OUT, OUT)),
        },
    ),
    "one last arrow makes no second collider": (
        "x -> c <- y; c -> d -> e",
        {},
        dict.fromkeys("de", ("descendant of a collider", (OUT, OUT))),
    ),
    "descendant of the mediator": (
        "x -> m -> y; m -> d",
        {},
        {"m": ("mediator", (IN, OUT)), "d": ("descendant of a mediator", (MAY, OUT))},
    ),
    "descendant of the outcome": (
        "x -> y -> d",
        {},
        {"d": ("descendant of the outcome", (OUT, OUT))},
    ),
    "descendant of the outcome where x has no effect": (
        "x; y -> d",
        {},
        {"d": ("descendant of the outcome", (OUT, MAY))},
    ),
    "pipe and arrow": ("x -> m -> y; x -> y", {}, {"m": ("mediator", (IN, OUT))}),
    "mediator with a measured cause shared with the outcome": (
        "x -> m -> y; m <- u -> y",
        {},
        {"m": ("mediator", (IN, OUT)), "u": ("cause of the outcome only", (IN, IN))},
    ),
    "mediator with an unmeasured cause shared with the outcome": (
        "x -> m -> y; m <- u -> y",
        {"latent": "u"},
        {"m": ("mediator", (None, OUT)), "u": ("latent", (NO, NO))},
    ),
    "M-bias, its causes measured": (
        "x <- a -> m <- b -> y; x -> y",
        {},
        {
            "a": ("cause of the exposure only", (MAY, MAY)),
            "b": ("cause of the outcome only", (IN, IN)),
            "m": ("M-shaped collider", (MAY, MAY)),
        },
    ),
    "M-bias, its causes latent": (
        "x <- a -> m <- b -> y; x -> y",
        {"latent": "a b"},
        {
            "a": ("latent", (NO, NO)),
            "b": ("latent", (NO, NO)),
            "m": ("M-shaped collider", (OUT, OUT)),
        },
    ),
    "M-bias in bidirected edges": (
        "x <-> m <-> y; x -> y",
        {},
        {"m": ("M-shaped collider", (OUT, OUT))},
    ),
    "butterfly": (
        "x <- a -> m <- b -> y; x <- m -> y; x -> y",
        {},
        {
            "a": ("common cause", (MAY, MAY)),
            "b": ("common cause", (IN, IN)),
            "m": ("common cause", (IN, IN)),
        },
    ),
    "instrument": (
        "z -> x -> y; x <- u -> y",
        {"latent": "u"},
        {"z": ("instrument", (None, None)), "u": ("latent", (NO, NO))},
    ),
    "instrument, bidirected": ("z -> x -> y; x <-> y", {}, {"z": ("instrument", (None, None))}),
    "bias amplifier where nothing is latent": (
        "z -> x -> y; x <- w -> y",
        {},
        {
            "z": ("cause of the exposure only", (MAY, MAY)),
            "w": ("common cause", (IN, IN)),
        },
    ),
    "precision variable": (
        "x -> y <- p",
        {},
        {"p": ("cause of the outcome only", (IN, IN))},
    ),
    "cause of a mediator": (
        "x -> m -> y; p -> m",
        {},
        {"p": ("cause of the outcome only", (MAY, IN)), "m": ("mediator", (IN, OUT))},
    ),
    "proxy beside its cause": (
        "x <- z -> y; z -> p",
        {},
        {"z": ("common cause", (IN, IN)), "p": ("proxy of a common cause", (MAY, MAY))},
    ),
    "proxy of what is latent": (
        "x <- z -> y; z -> p; x -> y",
        {"latent": "z"},
        {"z": ("latent", (NO, NO)), "p": ("proxy of a common cause", (None, None))},
    ),
    "post-treatment variable": (
        "x -> e; x -> y",
        {},
        {"e": ("effect of the exposure only", (MAY, MAY))},
    ),
    "post-treatment variable beside a common cause": (
        "x <- z -> y; x -> e; z -> p",
        {},
        {
            "e": ("effect of the exposure only", (MAY, MAY)),
            "p": ("proxy of a common cause", (MAY, MAY)),
        },
    ),
    "collider where no set answers": (
        "x -> c <- y; c -> d; x <-> y; x <-> m <-> y",
        {},
        {
            "c": ("collider", (OUT, OUT)),
            "d": ("descendant of a collider", (OUT, OUT)),
            "m": ("M-shaped collider", (OUT, OUT)),
        },
    ),
    "below a collider by two ways": (
        "x -> k <- y; k -> p -> c; k -> q -> c",
        {},
        {"k": ("collider", (OUT, OUT)), "c": ("descendant of a collider", (OUT, OUT))},
    ),
    "post-treatment variable that shares a latent cause with the outcome": (
        "x -> e <- u -> y; x -> y",
        {"latent": "u"},
        {"e": ("M-shaped collider", (OUT, OUT)), "u": ("latent", (NO, NO))},
    ),
    "bystander": ("x -> y; w; v -> x; v -> k", {}, {
        "w": ("unrelated", (MAY, MAY)),
        "v": ("cause of the exposure only", (MAY, MAY)),
        "k": ("unrelated", (MAY, MAY)),
    }),
    "selection on a collider": (
        "x -> s <- y; x -> y",
        {"selected": "s"},
        {"s": ("selected", (None, None))},
    ),
    "selection that opens a path": (
        "x <- a -> s <- b -> y; x -> y",
        {"selected": "s"},
        {
            "s": ("selected", (None, None)),
            "a": ("cause of the exposure only", (MAY, MAY)),
            "b": ("cause of the outcome only", (IN, IN)),
        },
    ),
    "Berkeley admissions": (
        "x -> department -> y; x -> y",
        {},
        {"department": ("mediator", (IN, OUT))},
    ),
    "Berkeley admissions with latent ability": (
        "x -> department -> y; x -> y; department <- ability -> y",
        {"latent": "ability"},
        {"department": ("mediator", (None, OUT)), "ability": ("latent", (NO, NO))},
    ),
    "the tutorial's combined graph": (
        "x <- x2 -> y; x -> y; x -> z <- y",
        {},
        {"x2": ("common cause", (IN, IN)), "z": ("collider", (OUT, OUT))},
    ),
    "front door": (
        "x -> m -> y; x <- u -> y",
        {"latent": "u"},
        {"m": ("mediator", (None, None)), "u": ("latent", (NO, NO))},
    ),
    "a latent variable keeps that name whatever it does": (
        "x -> m -> y; x -> y; c <- x; c <- y",
        {"latent": "m c"},
        {"m": ("latent", (NO, NO)), "c": ("latent", (NO, NO))},
    ),
}  # fmt: skip


@pytest.mark.parametrize("lesson", TEXTBOOK)
def test_role_and_use_in_textbook_graphs(lesson: str) -> None:
    text, marks, expected = TEXTBOOK[lesson]
    question = drawn(text, **marks).question()
    found = [{v.name: v for v in variables(one)} for one in (question.direct, question.total)]
    for answer in found:
        assert {name: answer[name].role for name in answer} == {
            name: expected[name][0] if name in expected else answer[name].role for name in answer
        }
    for name, (_, uses) in expected.items():
        told = tuple(
            answer[name].use if use else None for answer, use in zip(found, uses, strict=True)
        )
        assert told == uses, name


def test_roles_are_the_same_for_both_effects_in_textbook_graphs() -> None:
    for text, marks, _ in TEXTBOOK.values():
        question = drawn(text, **marks).question()
        direct, total = (
            {v.name: v.role for v in variables(one)} for one in (question.direct, question.total)
        )
        assert direct == total, text


def test_every_variable_but_exposure_and_outcome_is_told_once_with_a_reason() -> None:
    question = drawn("x <- z -> y; x -> m -> y; w; a <-> b").question()
    for one in (question.direct, question.total):
        told = variables(one)
        assert [v.name for v in told] == sorted(["z", "m", "w", "a", "b"])
        assert all(v.reason.strip() for v in told)


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("x <- z -> y", "z", "x <- z -> y"),
        ("x -> m -> y", "m", "x -> m -> y"),
        ("x -> c <- y", "c", "x -> c <- y"),
        ("x <- a -> z -> y", "z", "x <- a -> z -> y"),
    ],
)
def test_the_deciding_path_runs_through_the_variable(text: str, name: str, path: str) -> None:
    case = drawn(text)
    (variable,) = (v for v in variables(case.question()) if v.name == name)
    assert variable.path is not None
    assert variable.path.text(case.dag()) == path


def test_roles_of_a_large_graph_are_those_of_its_small_part() -> None:
    """What the search for paths finds in small graphs the quick looks find in large ones."""
    for seed in range(40):
        case = random_case(seed, 6, 9)
        far = tuple((f"far{i:03d}", f"far{i + 1:03d}") for i in range(600))
        large = replace(case, edges=case.edges + far)
        for effect in EFFECTS:
            small = {v.name: v for v in variables(case.about(effect).question())}
            found = {v.name: v for v in variables(large.about(effect).question())}
            for name, variable in small.items():
                assert found[name].use == variable.use, (case, name)
                if variable.role != "M-shaped collider":
                    assert found[name].role == variable.role, (case, name)


# At random

Told = tuple[Case, Definitions, Adjustment, tuple[Variable, ...]]


@cache
def told(seed: int) -> tuple[Told, ...]:
    case = random_case(seed, 6, 9)
    both = [case.about(effect) for effect in EFFECTS]
    return tuple(
        (one, Definitions(one), answer, variables(answer.question, answer))
        for one, answer in ((one, adjust(one.question(), one.refused)) for one in both)
    )


def all_told(seeds: range) -> Iterator[Told]:
    for seed in seeds:
        yield from told(seed)


@pytest.mark.parametrize("seeds", SEEDS)
def test_every_variable_is_told_of(seeds: range) -> None:
    for case, _, _, found in all_told(seeds):
        others = set(case.names) - {*case.exposures, *case.outcomes}
        assert [v.name for v in found] == sorted(others), case
        assert all(v.reason.strip() for v in found), case
        assert {v.use for v in found} <= {IN, MAY, OUT, NO}, case


@pytest.mark.parametrize("seeds", SEEDS)
def test_unavailable_means_latent_or_refused(seeds: range) -> None:
    for case, _, _, found in all_told(seeds):
        told = {v.name for v in found if v.use == NO}
        assert told == (case.latent | case.refused) - {*case.exposures, *case.outcomes}, case


@pytest.mark.parametrize("seeds", SEEDS)
def test_doing_otherwise_has_the_consequence_that_is_told(seeds: range) -> None:
    met = set()
    for case, truth, answer, found in all_told(seeds):
        for v in found:
            assert v.if_opposite, case
            if answer.adjust_for is None:
                assert "still valid" not in v.if_opposite, (case, v)
                measured = had(case, v.name)
                repaired = v.use == NO and measured.status != "not_identifiable"
                told = v.if_opposite.endswith("the effect could be had by adjustment")
                assert told == repaired, (case, v)
                continue
            if v.name in case.selected:
                continue
            chosen = {*answer.adjust_for} ^ {v.name}
            judge = had(case, v.name)
            assert ("still valid" in v.if_opposite) == judge.is_valid(chosen), (case, v)
            if v.use != IN:
                assert (v.precision is not None) == judge.is_valid(chosen), (case, v)
            if v.use == IN and not judge.is_valid(chosen):
                assert v.path is not None, (case, v)
                assert truth.is_open((v.path.nodes, v.path.forward), chosen), (case, v)
            met.add((v.use, v.if_opposite.split(":")[0], v.precision))
    assert {use for use, _, _ in met} == {IN, MAY, OUT, NO}
    assert {precision for _, _, precision in met} >= {"helps", "hurts", "nothing", None}


def had(case: Case, name: str) -> Definitions:
    """The same question if *name* could be adjusted for."""
    latent, refused = case.latent - {name}, case.refused - {name}
    return Definitions(replace(case, latent=latent, refused=refused))


@pytest.mark.parametrize("seeds", SEEDS)
def test_what_is_told_of_precision_holds_in_linear_models(seeds: range) -> None:
    """By the variance of a coefficient: that of the outcome's rest over that of the exposure's."""
    met = set()
    for case, truth, answer, found in all_told(seeds):
        single = len(case.exposures) == len(case.outcomes) == 1
        if answer.adjust_for is None or not single or case.selected:
            continue
        sigma = covariance(truth)
        x, y = truth.number[case.exposures[0]], truth.number[case.outcomes[0]]

        def spread(names: set[str], x=x, y=y, sigma=sigma, truth=truth) -> float:
            z = [truth.number[name] for name in names]
            return rest(sigma, y, [x, *z]) / rest(sigma, x, z)

        chosen = {*answer.adjust_for}
        for v in found:
            if v.use not in (MAY, NO) or v.precision is None:
                continue
            with_it, without = spread(chosen | {v.name}), spread(chosen)
            match v.precision:
                case "helps":
                    assert with_it < without * (1 - 1e-9), (case, v)
                case "hurts":
                    assert with_it > without * (1 + 1e-9), (case, v)
                case "nothing":
                    assert with_it == pytest.approx(without, rel=1e-9), (case, v)
            met.add(v.precision)
    assert met == {"helps", "hurts", "nothing"}


def covariance(truth: Definitions) -> np.ndarray:
    """That of a linear model of the drawing with random coefficients and unit noise."""
    rng = np.random.default_rng(len(truth.arrows))
    weights = np.zeros((truth.size, truth.size))
    for a, b in sorted(truth.arrows):
        weights[b, a] = rng.uniform(0.5, 1.5) * rng.choice([-1, 1])
    total = np.linalg.inv(np.eye(truth.size) - weights)
    return total @ total.T


def rest(sigma: np.ndarray, node: int, given: list[int]) -> float:
    """The variance of *node* that is left when *given* are known."""
    known = sigma[np.ix_(given, given)]
    part = sigma[node, given]
    return float(sigma[node, node] - part @ np.linalg.solve(known, part))


@pytest.mark.parametrize("seeds", SEEDS)
def test_include_is_the_recommended_set_and_optional_what_may_join_it(seeds: range) -> None:
    uses = set()
    for case, truth, answer, found in all_told(seeds):
        if answer.adjust_for is None:
            assert IN not in {v.use for v in found}, case
            continue
        assert {v.name for v in found if v.use == IN} == set(answer.adjust_for), case
        for variable in found:
            if variable.use in (IN, NO) or variable.name in case.selected:
                continue
            harmless = truth.is_valid([*answer.adjust_for, variable.name])
            assert variable.use == (MAY if harmless else OUT), (case, variable)
            uses.add((case.effect, variable.use))
    assert len(uses) == 4


@pytest.mark.parametrize("seeds", SEEDS)
def test_every_path_told_is_a_path_of_the_drawing(seeds: range) -> None:
    seen = 0
    for case, truth, _, found in all_told(seeds):
        for variable in found:
            if variable.path is not None:
                seen += 1
                where = (case, variable, variable.path.text(case.dag()))
                assert truth.is_path(variable.path.nodes, variable.path.forward), where
    assert seen > len(seeds)


@pytest.mark.parametrize("seeds", SEEDS)
def test_roles_are_those_of_their_definitions(seeds: range) -> None:
    """For one exposure and one outcome that does not come before it, the first that fits."""
    seen = set()
    for case, truth, _, found in all_told(seeds):
        if len(case.exposures) + len(case.outcomes) > 2 or truth.outcome_first:
            continue
        for variable in found:
            role = "cause of the exposure only" if variable.role == "instrument" else variable.role
            assert role == role_of(case, variable.name), (case, variable.name, variable.role)
            seen.add(role)
    assert len(seen) == 14


@pytest.mark.parametrize("seeds", SEEDS)
def test_an_instrument_is_named_only_where_no_set_answers(seeds: range) -> None:
    """Plain drawings: an instrument needs a latent path that nothing measured closes."""
    for case, _, answer, found in all_told(seeds):
        if not (case.forced or case.selected):
            for variable in found:
                if variable.role == "instrument":
                    assert answer.status == "not_identifiable", (case, variable)

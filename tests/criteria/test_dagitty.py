"""The answers of DAGitty's own test suite and gallery: every case, but for the differences named.

`DIFFERS` names each case that is answered otherwise here, and the definition that it is about. A
case that is named and agrees is an error like one that differs and is not named.

Not compared are instruments (`tests/criteria/test_instruments.py` does that) and whether a set
gives the odds ratio: of that one case DAGitty says that the conditional odds ratio survives
selection on the outcome (Didelez, Kreiner & Keiding 2010). Here effects are differences of
averages, which do not, and there is no such question to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from causal.criteria.adjustment import adjust, is_valid, minimal_sets
from causal.criteria.enumeration import minimal_separators
from causal.criteria.implications import implications
from causal.criteria.question import Effect, Question
from causal.criteria.roles import variables
from causal.criteria.separator import moral
from causal.errors import CycleError, QuestionError
from causal.graph.dag import Dag
from causal.graph.paths import open_paths
from causal.graph.walk import Path, ancestors, descendants, open_path, reach
from tests.cases import dagitty_cases, dagitty_kinds, needs_cases
from tests.oracles import Case, Definitions

pytestmark = needs_cases

COUNTS = {
    "adjustment": 42,
    "adjustment_valid": 20,
    "biasing_edges": 70,
    "cycle": 4,
    "direct": 25,
    "direct_valid": 2,
    "dsep": 370,
    "implications": 18,
    "mediators": 22,
    "min_separator": 19,
    "violates_forced": 4,
}
LEFT_OUT = {"instrument": 12, "odds_ratio_valid": 1}

LOOP = "An arrow from a variable to itself: DAGitty passes over it, here it is the shortest cycle."
SELECTED = (
    "Theirs is the effect in the whole population, for which selection must have nothing to do "
    "with set and outcome (Correa, Tian & Bareinboim 2018); ours that in the selected one."
)
BELOW_OUTCOME = (
    "What the outcome causes is in no set for the direct effect (Pearl 2009, theorem 5.3.1); "
    "DAGitty admits it."
)
MANY = "example:Many variables but few paths"
DIDELEZ = "example:Didelez et al, 2010"

DIFFERS: dict[str, dict[str, str]] = {
    "adjustment": {
        "adjustment-dags.js:98#29": "An exposure marked adjusted: here no set holds an exposure.",
        "selection-nodes.js:53#497": SELECTED,
        MANY: LOOP,
    },
    "adjustment_valid": {
        "selection-nodes.js:23#479": SELECTED,
        "selection-nodes.js:25#481": SELECTED,
        "selection-nodes.js:37#487": SELECTED,
        "selection-nodes.js:47#493": SELECTED,
    },
    "biasing_edges": {
        DIDELEZ: (
            "Occ -> Thist -> TCI is on no open path: Age and Smo, which are held fixed, are on all "
            "that lead on from Occ. DAGitty draws what the moral graph joins to the outcome."
        ),
        MANY: LOOP,
    },
    "direct": {
        "adjustment-dags.js:57#14": BELOW_OUTCOME,
        "misc.js:482#370": BELOW_OUTCOME,
        DIDELEZ: "No set answers from data selected on what the outcome causes; DAGitty names one.",
        MANY: LOOP,
    },
    "implications": {
        DIDELEZ: "What is selected is held fixed in every statement; DAGitty varies it.",
        MANY: LOOP,
    },
    "mediators": {MANY: LOOP},
}


def drawing(case: dict[str, Any]) -> Dag:
    """The drawing with its marks, and with those that the case adds."""
    dag = Dag(case["dag"])
    forced, selected = {*case.get("must", ())}, {*case.get("S", ())}
    return dag.marked(adjusted=dag.adjusted | forced, selected=dag.selected | selected)


def asked(dag: Dag, effect: Effect) -> Question | None:
    """The question that the drawing marks; None where it marks none, which is refused."""
    if dag.exposures and dag.outcomes:
        return dag.question(effect=effect)
    with pytest.raises(QuestionError, match=r"No (exposure|outcome) given"):
        dag.question(effect=effect)
    return None


def families(sets: Iterable[Iterable[str]]) -> set[frozenset[str]]:
    return set(map(frozenset, sets))


# Each answers one case and says whether DAGitty's answer is the same


def same_sets(case: dict[str, Any], effect: Effect) -> bool:
    """All minimal sets, neither more nor fewer; and the minimum set is one of the smallest."""
    question, theirs = asked(drawing(case), effect), families(case["expected"])
    if question is None:
        return not theirs
    refused = case.get("must_not", ())
    found = adjust(question, refused)
    least = min(map(len, theirs), default=None)
    return (
        families(minimal_sets(question, refused)) == theirs
        and bool(found) == bool(theirs)
        and (found.minimum_set is None or len(found.minimum_set) == least)
    )


def same_verdict(case: dict[str, Any], effect: Effect) -> bool:
    names = case.get("Z", case["forced"])
    return is_valid(drawing(case).question(effect=effect), names) is case["expected"]


def same_separation(case: dict[str, Any]) -> bool:
    dag = drawing(case)
    x, y, z = (dag.numbers(case[part]) for part in "XYZ")
    walked = reach(dag.adjacency, x, z)
    separated = open_path(dag.adjacency, x, y, z) is None
    assert separated == all(node not in walked for node in y), case["name"]
    return separated is case["expected"]


def same_separator(case: dict[str, Any]) -> bool:
    """Of the minimal separators that hold certain nodes, the one nearest to the first side."""
    dag = drawing(case)
    near = dag.numbers(case.get("X", case["exposure"]))
    far = dag.numbers(case.get("Y", case["outcome"]))
    held = dag.numbers(case.get("must", ()))
    graph = moral(dag.adjacency, near | far | held)
    barred = dag.hidden | near | far | held | dag.numbers(case.get("must_not", ()))
    allowed = graph.within - barred
    if far & graph.first_met(near, allowed | held | far):
        return case["expected"] is False
    found = next(minimal_separators(graph, near, far, allowed, held))
    return case["expected"] is not False and {*dag.named(found | held)} == {*case["expected"]}


def same_implications(case: dict[str, Any]) -> bool:
    """All minimal independences; of the largest drawing theirs are the first seven only.

    Which seven depends on the order of the nodes, so two such lists are given.
    """

    def triples(statements: list[dict[str, Any]]) -> set[tuple[str, str, frozenset[str]]]:
        pairs = ((one["X"], one["Y"], frozenset(one["Z"])) for one in statements)
        return {(min(x, y), max(x, y), z) for x, y, z in pairs}

    found = implications(drawing(case))
    assert found.complete, case["name"]
    ours = {(one.a, one.b, frozenset(one.given)) for one in found.statements}
    theirs = triples(case["expected"])
    if "got" in case:
        assert len(case["expected"]) == len(case["got"]) == 7
        return theirs | triples(case["got"]) < ours
    return ours == theirs


def same_mediators(case: dict[str, Any]) -> bool:
    question = asked(drawing(case), "direct")
    found = [one.name for one in variables(question) if one.role == "mediator"] if question else []
    return found == sorted(case["expected"])


def arrows_of(path: Path) -> Iterator[tuple[int, int]]:
    for a, b, ahead in zip(path.nodes, path.nodes[1:], path.forward, strict=False):
        yield (a, b) if ahead else (b, a)


def same_biasing_edges(case: dict[str, Any]) -> bool:
    """The arrows on open paths that are not causal, given what is marked.

    For the total effect a causal path is biasing too where something it leads to is held fixed;
    then so are the arrows that lead there.
    """
    dag, asked_ = drawing(case), case.get("opts", {})
    graph = dag.adjacency
    x = dag.numbers(asked_.get("X", case["exposure"]))
    y = dag.numbers(asked_.get("Y", case["outcome"]))
    direct = asked_.get("direct", False)
    if direct:
        graph = graph.without((a, b) for a in x for b in graph.children[a] if b in y)
    held = dag.numbers(dag.adjusted | dag.selected)
    listing = open_paths(graph, x, y, held, limit=10_000)
    assert listing.complete, case["name"]
    found: set[tuple[int, int]] = set()
    for path in listing.paths:
        if direct or not path.causal:
            found.update(arrows_of(path))
            continue
        for node in path.nodes[1:]:
            for end in held:
                others = held - {end}
                down = descendants(graph, [node], others) & ancestors(graph, [end], others)
                if node in down:
                    found.update(arrows_of(path))
                    found |= {(a, b) for a in down for b in graph.children[a] if b in down}
    named = len(dag.names)
    ours = {dag.label(a) if a >= named else f"{dag.label(a)} -> {dag.label(b)}" for a, b in found}
    return ours == set(case["expected"])


def same_refusal(case: dict[str, Any]) -> bool:
    """Whether what is marked adjusted rules out every set for the total effect."""
    question = drawing(case).question(effect="total")
    return (adjust(question).because == "forced") is case["expected"]


def same_cycle(case: dict[str, Any]) -> bool:
    """The cycle, from whichever of its nodes."""
    with pytest.raises(CycleError, match="The arrows go round: ") as refused:
        drawing(case)
    ours = str(refused.value).split(": ")[1].split(". ")[0].split(" -> ")
    *theirs, last = case["expected"].split("&rarr;")
    assert ours[0] == ours[-1]
    assert theirs[0] == last
    return ours[:-1] in [theirs[i:] + theirs[:i] for i in range(len(theirs))]


ANSWERS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "adjustment": lambda case: same_sets(case, "total"),
    "adjustment_valid": lambda case: same_verdict(case, "total"),
    "biasing_edges": same_biasing_edges,
    "cycle": same_cycle,
    "direct": lambda case: same_sets(case, "direct"),
    "direct_valid": lambda case: same_verdict(case, "direct"),
    "dsep": same_separation,
    "implications": same_implications,
    "mediators": same_mediators,
    "min_separator": same_separator,
    "violates_forced": same_refusal,
}


def agrees(kind: str, case: dict[str, Any]) -> bool:
    if DIFFERS.get(kind, {}).get(case["name"]) == LOOP:
        with pytest.raises(CycleError, match="An arrow runs from a variable to itself: 1 -> 1"):
            Dag(case["dag"])
        return False
    return ANSWERS[kind](case)


@pytest.mark.parametrize("kind", COUNTS)
def test_every_case_is_answered_as_by_dagitty_but_for_those_named(kind: str) -> None:
    cases = dagitty_cases(kind)
    assert len({case["name"] for case in cases}) == len(cases) == COUNTS[kind]
    differ = {case["name"] for case in cases if not agrees(kind, case)}
    assert differ == set(DIFFERS.get(kind, {}))


def test_no_kind_of_case_and_no_case_is_lost() -> None:
    assert dagitty_kinds() == COUNTS | LEFT_OUT
    assert ANSWERS.keys() == COUNTS.keys() >= DIFFERS.keys()


def test_where_sets_differ_ours_are_those_of_the_definitions() -> None:
    effects: dict[str, Effect] = {"adjustment": "total", "direct": "direct"}
    compared = 0
    for kind, effect in (*effects.items(), ("adjustment_valid", "total")):
        for case in dagitty_cases(kind):
            if DIFFERS[kind].get(case["name"], LOOP) == LOOP:
                continue
            dag = drawing(case)
            truth = Definitions(
                Case(
                    dag.edges,
                    tuple(sorted(dag.exposures)),
                    tuple(sorted(dag.outcomes)),
                    effect,
                    dag.names,
                    dag.arcs,
                    dag.latent,
                    dag.adjusted,
                    dag.selected,
                )
            )
            question = dag.question(effect=effect)
            if kind == "adjustment_valid":
                names = case.get("Z", case["forced"])
                assert is_valid(question, names) == truth.is_valid(names), case["name"]
            else:
                assert set(minimal_sets(question)) == truth.minimal_sets, case["name"]
            compared += 1
    assert compared == 9


def test_marks_are_read_as_by_dagitty() -> None:
    for kind in COUNTS.keys() - {"cycle"}:
        for case in dagitty_cases(kind):
            if DIFFERS.get(kind, {}).get(case["name"]) == LOOP:
                continue
            dag = Dag(case["dag"])
            assert dag.exposures == {*case["exposure"]}, case["name"]
            assert dag.outcomes == {*case["outcome"]}, case["name"]
            assert dag.latent == {*case["latent"]}, case["name"]
            assert dag.adjusted == {*case["forced"]}, case["name"]
            assert dag.selected == {*case["selected"]}, case["name"]

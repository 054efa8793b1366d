"""The answers of DAGitty's own test suite and gallery.

Left out are questions that DAGitty answers differently by its own definitions: selection (its
effect is that of the whole population, ours that of the selected one) and an exposure marked
adjusted. Of its sets for the direct effect those that hold a descendant of the outcome are dropped.
"""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest

from causal.criteria.adjustment import adjust, is_valid
from causal.graph.dag import Dag
from tests.cases import dagitty_cases, needs_cases

pytestmark = needs_cases


def asked(*kinds: str) -> list[tuple[dict[str, Any], Dag]]:
    found = []
    for case in dagitty_cases(*kinds):
        forced = {*case["forced"], *case.get("must", ())}
        selection = case["selected"] or case.get("S")
        if selection:
            continue
        loop = any(f"{line} -> {line}" in case["dag"] for line in case["dag"].split())
        if loop or not case["exposure"] or not case["outcome"] or forced & {*case["exposure"]}:
            continue
        marks = {"exposures": case["exposure"], "outcomes": case["outcome"]}
        dag = Dag(case["dag"]).marked(**marks, latent=case["latent"], adjusted=forced)
        found.append((case, dag))
    assert found
    return found


@pytest.mark.parametrize(("kind", "effect"), [("adjustment", "total"), ("direct", "direct")])
def test_sets_are_among_those_that_dagitty_lists(kind: str, effect: str) -> None:
    for case, dag in asked(kind):
        question = dag.question(effect="direct" if effect == "direct" else "total")
        theirs = {dag.adjusted | frozenset(names) for names in case["expected"]}
        if effect == "direct":
            graph = dag.to_networkx()
            caused = set(case["outcome"]).union(*(nx.descendants(graph, y) for y in dag.outcomes))
            theirs = {names for names in theirs if not names & caused}
        found = adjust(question, forbidden=case.get("must_not", ()))
        assert bool(found) == bool(theirs), case["name"]
        for names in theirs:
            assert is_valid(question, names), (case["name"], names)
        if found:
            assert found.minimum_set is not None
            assert {frozenset(names) for names in found.minimal_sets} <= theirs, case["name"]
            assert frozenset(found.minimum_set) in theirs, case["name"]
            assert len(found.minimum_set) == min(map(len, theirs)), case["name"]


def test_sets_are_judged_as_by_dagitty() -> None:
    for kind, effect in (("adjustment_valid", "total"), ("direct_valid", "direct")):
        for case, dag in asked(kind):
            question = dag.question(effect="direct" if effect == "direct" else "total")
            names = case.get("Z", case["forced"])
            assert is_valid(question, names) == case["expected"], case["name"]

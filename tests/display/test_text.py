"""What the terminal shows."""

from __future__ import annotations

import pytest

from causal.criteria.explanation import explain
from causal.criteria.verdict import judge
from causal.display.text import (
    _forest,
    drawing_line,
    explanation_text,
    explanation_view,
    render,
    verdict_view,
)
from causal.graph.dag import Dag


def told(dag, effect="direct", **marks):
    return explanation_text(explain(Dag(dag).marked(**marks).question("x", "y", effect=effect)))


def test_the_answer_names_its_question_and_the_other_one():
    text = told("x -> m -> y; x <- z -> y")
    assert "direct effect of x on y" in text
    assert "Answer     Adjust for {m, z}." in text
    assert "Total too  Adjust for {z}." in text


def test_each_variable_has_a_line_with_role_use_and_reason():
    text = " ".join(told("x <- z -> y; x -> c <- y; u [latent]; u -> y").split())
    assert "c collider EXCLUDE holding it fixed opens x -> c <- y" in text
    assert "z common cause INCLUDE x <- z -> y is open; this closes it" in text
    assert "u latent unavailable not measured" in text


def test_a_missing_arrow_is_called_an_assumption():
    text = " ".join(told("x <- z -> y").split())
    assert (
        "The DAG has no arrow x -> y: it assumes this effect is 0. The correct model tests" in text
    )


def test_what_cannot_be_answered_says_which_path_stays_open_and_what_was_not_measured():
    text = " ".join(told("x <- u -> y; x -> y", latent=["u"]).split())
    assert "not identifiable by adjustment: x <- u -> y stays open whatever is adjusted for" in text
    assert "because u was not measured" in text


def test_a_reversed_question_is_asked_back():
    text = " ".join(told("y -> x").split())
    assert "did you mean the effect of y on x?" in text


def test_a_verdict_lists_every_problem_and_the_repair():
    question = Dag("x <- z -> y; x -> c <- y").question("x", "y")
    text = " ".join(render(verdict_view(judge(question, ["c"]))).split())
    assert text.startswith("INVALID: {c} for the direct effect of x on y.")
    assert "conditioning on c opens x -> c <- y. Drop c." in text
    assert "Not adjusted enough: x <- z -> y is open. Adjust for z." in text
    assert text.endswith("Adjust for {z} instead.")


def test_nothing_is_wider_than_a_hundred_columns_and_names_are_clipped():
    long = "a" * 10_000
    dag = Dag(nodes=["x", "y"], edges=[(long, "x"), (long, "y")])
    text = render(explanation_view(explain(dag.question("x", "y")), title="t" * 300))
    assert all(len(line) <= 100 for line in text.splitlines())
    assert len(text) < 6_000


def test_other_sets_that_are_enough_are_offered():
    text = told("x <- a -> b -> c -> y; x -> y")
    assert "Also enough: {a} or {b}." in text
    assert "Also enough" not in told("x <- z -> y")
    chain = " -> ".join(f"v{i:02d}" for i in range(12))
    assert "{v05} and 5 other sets." in told(f"x <- {chain} -> y; x -> y")


def test_a_large_dag_is_named_by_its_size_and_a_long_list_is_cut_with_a_word():
    edges = [(f"v{i:03d}", end) for i in range(200) for end in "xy"]
    dag = Dag(edges=edges)
    assert drawing_line(dag, "big") == "big: 202 variables, 400 arrows"
    text = explanation_text(explain(dag.question("x", "y")))
    assert "… and 140 more variables; --json lists all." in text


@pytest.mark.parametrize(
    ("intervals", "means", "lines"),
    [
        ([(0.0, 1.0)], [0.5], ["-----o-----"]),
        ([(-1.0, 1.0), (0.0, 1.0)], [0.0, 0.5], ["-----o-----", "     ---o--"]),
        ([(0.5, 1.0)], [0.8], ["|    ---o--"]),
        ([(100.0, 101.0)], [100.5], ["-----o-----"]),
        ([(2.0, 2.0)], [2.0], ["|         o"]),
        ([(0.0, float("inf"))], [1.0], [""]),
    ],
)
def test_a_forest_has_one_scale_with_zero_on_it_unless_zero_is_far_off(intervals, means, lines):
    assert [line.rstrip() for line in _forest(intervals, means, width=11)] == lines

"""Experiments as a learner sees them, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from rich.console import Console

from causal.catalog import experiments
from causal.display.lessons import (
    experiment_text,
    experiment_view,
    experiments_record,
    lessons_record,
    lessons_view,
    summary_view,
)
from causal.display.records import as_json, studies_record
from causal.display.text import render
from causal.models.priors import PriorChoice
from causal.study.experiment import (
    Adjusts,
    Asked,
    Covers,
    Lesson,
    Near,
    Result,
    Says,
    load,
    perform,
)

LESSONS = {name: load(path) for name, path in experiments().items()}
RESULTS: dict[str, Result] = {}


def result(name: str) -> Result:
    if name not in RESULTS:
        RESULTS[name] = perform(LESSONS[name])
    return RESULTS[name]


def asking(name: str, *expectations, truth: float = 0, **more) -> Result:
    """The shipped lesson with its first question changed."""
    asked = dataclasses.replace(
        LESSONS[name].questions[0], truth=truth, expectations=expectations, **more
    )
    return perform(dataclasses.replace(LESSONS[name], questions=(asked,)))


def row(text: str, *starts: str) -> list[str]:
    """The first line of the table that holds all of *starts*, in words."""
    [line, *_] = [one for one in text.splitlines() if all(start in one for start in starts)]
    return line.split()


@pytest.mark.parametrize("brief", [False, True])
@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_fits_into_a_hundred_columns(name: str, brief: bool) -> None:
    lines = render(experiment_view(result(name), brief=brief)).splitlines()
    assert max(map(len, lines)) <= 100
    if brief:
        assert all(line.startswith("PASSED ") for line in lines)
        assert len(lines) == len(LESSONS[name].questions)


def test_the_truth_stands_beside_naive_and_correct() -> None:
    text = experiment_text(result("fork"))
    assert text.startswith("fork: The common cause, or fork   PASSED")
    assert "x <- z -> y" in text
    assert "1,000 simulated rows" in text
    assert "direct effect of x on y; the truth is 0" in text
    assert "{z}, as expected" in text
    naive = row(text, "unadjusted", "y ~ x")
    assert naive[:6] == ["0", "unadjusted", "y", "~", "x", "0.66597"]
    assert naive[-4:] == ["0.6667", "±", "0.0017", "met"]
    correct = row(text, "correct", "y ~ x + z")
    assert correct[:2] == ["0", "correct"]
    assert text.index("unadjusted") < text.index("correct     y ~")
    assert "The unadjusted model misleads" in text
    assert "because x <- z -> y is open" in " ".join(text.split())


def test_what_is_taught_and_every_note_are_printed() -> None:
    for name, lesson in LESSONS.items():
        text = " ".join(experiment_text(result(name)).split())
        assert lesson.teaches in text
        for asked in lesson.questions:
            assert asked.note in text


def test_a_coefficient_has_a_row_where_something_is_expected_of_it() -> None:
    slope = row(experiment_text(result("collider")), "coefficient z")
    assert slope[2] == "0.4997"
    assert slope[-4:] == ["0.5000", "±", "0.0033", "met"]
    assert "coefficient" not in experiment_text(result("fork"))


def test_a_failed_expectation_says_what_was_expected_and_what_was_found() -> None:
    failed = asking(
        "fork",
        Adjusts(("z", "w")),
        Near("correct", 3, error=0.1),
        Covers("unadjusted"),
        Says("unadjusted", "agrees"),
        Near("correct", 5, coefficient="w", error=0.1),
        Near("typo", error=1),
        Says("everything", "misleads"),
    )
    text = experiment_text(failed)
    assert text.splitlines()[0].startswith("fork: The common cause, or fork   FAILED")
    assert "{z}; expected {w, z}: FAILED" in text
    assert row(text, "correct", "y ~ x + z")[-4:] == ["3.00", "±", "0.40", "FAILED"]
    assert row(text, "covers 0")[-1] == "FAILED"
    assert row(text, "agrees", "FAILED") == ["agrees", "FAILED:", "misleads"]
    assert row(text, "coefficient w")[2:4] == ["none", "5.00"]
    assert row(text, "typo")[:5] == ["typo", "there", "is", "no", "0.0"]
    assert row(text, "everything")[:3] == ["everything", "the", "same"]  # as the correct one
    assert " met" not in text
    assert max(map(len, text.splitlines())) <= 100

    head, *rest = render(experiment_view(failed, brief=True)).splitlines()
    assert head.startswith("FAILED fork: direct x on y: truth 0; unadjusted 0.66597, correct 0.01")
    low, high = failed.answers[0].study["unadjusted"].effect.interval
    assert [line.strip() for line in rest] == [
        "the adjustment set: expected {w, z}, found {z}",
        f"the correct model: expected 3.00 ± 0.40, found {found(failed, 1):.4g}",
        f"the unadjusted model: expected covers 0, found [{low:.4g}, {high:.4g}]",
        "the unadjusted model: expected agrees, found misleads",
        "the correct model, coefficient w: expected 5.00 ± 0.40, found none",
        "the typo model: expected 0.0 ± 4.0, found none",
        "the everything model: expected misleads, found none",
    ]


def found(failed: Result, number: int):
    return failed.findings[number].found


def test_a_failed_check_of_a_fit_is_named_before_the_table() -> None:
    def exact():
        data = dict(LESSONS["fork"].simulate())
        return {**data, "y": 2 * data["z"]}

    asked = dataclasses.replace(LESSONS["fork"].questions[0], expectations=(Adjusts(("z",)),))
    failed = perform(dataclasses.replace(LESSONS["fork"], simulate=exact, questions=(asked,)))
    text = experiment_text(failed)
    assert "FAILED" in text.splitlines()[0]
    assert (
        0
        < text.index("failed a check: y is an exact linear function")
        < text.index(" truth  model ")
    )
    assert "exact linear function" in render(experiment_view(failed, brief=True))


def test_priors_other_than_the_tutorials_are_told_apart_in_the_brief_view() -> None:
    lines = render(experiment_view(result("combined"), brief=True)).splitlines()
    assert ["(wide)" in line for line in lines] == [False, True, False]


def test_the_last_line_counts_and_names_the_lessons_that_failed() -> None:
    good = result("fork")
    bad = asking("pipe", Adjusts(()), Adjusts(("x2",)))
    total = len(good.findings)
    assert render(summary_view([good, good])) == (
        f"2 experiments, {2 * total} of {2 * total} expectations met."
    )
    assert render(summary_view([good, bad])) == (
        f"2 experiments, {total + 1} of {total + 2} expectations met. FAILED: pipe."
    )


def test_names_and_notes_of_a_strangers_lesson_cannot_drive_the_terminal() -> None:
    evil = "a\x1b[31m[bold]\nb"
    data = LESSONS["fork"].simulate()
    lesson = Lesson(
        evil,
        place=1,
        title=evil,
        teaches=evil,
        dag='"a\x1b[31m[bold]" -> y',
        simulate=lambda: {"a\x1b[31m[bold]": data["x"], "y": data["y"]},
        questions=(
            Asked(
                "a\x1b[31m[bold]",
                "y",
                truth=0,
                priors=PriorChoice(),
                own={evil: ()},
                expectations=(
                    Near("correct", 1, coefficient=evil, error=1),
                    Near(evil, error=1),
                    Near(f"{evil}!", error=1),
                ),
                note=evil,
            ),
        ),
    )
    performed = perform(lesson)
    views = [
        experiment_view(performed),
        experiment_view(performed, brief=True),
        lessons_view([lesson]),
        summary_view([performed]),
    ]
    for view in views:
        text = render(view)
        assert "\x1b" not in text
        assert "[bold]" in text  # a name with brackets stays a name
    assert "[bold]" in as_json(experiments_record([performed]))


def test_colour_only_repeats_what_a_word_says() -> None:
    console = Console(width=100, color_system="standard", force_terminal=True)
    with console.capture() as captured:
        console.print(experiment_view(asking("fork", Covers("unadjusted"))))
    coloured = captured.get()
    assert "\x1b[1;31mFAILED\x1b[0m" in coloured


def test_the_list_names_each_lesson_and_what_it_teaches() -> None:
    text = " ".join(render(lessons_view(list(LESSONS.values()))).split())
    for name, lesson in LESSONS.items():
        assert f"{name} {lesson.title}" in text
    record = lessons_record(list(LESSONS.values()))
    assert {name: entry["teaches"] for name, entry in record["experiments"].items()} == {
        name: lesson.teaches for name, lesson in LESSONS.items()
    }


# JSON


def test_json_holds_each_study_and_each_expectation_unrounded() -> None:
    names = ("fork", "collider")
    record = json.loads(as_json(experiments_record([result(name) for name in names])))
    assert record["passed"] is True
    assert list(record["experiments"]) == list(names)
    [question] = record["experiments"]["fork"]["questions"]
    study = result("fork").answers[0].study
    assert question["study"] == json.loads(as_json(studies_record([study])))
    assert question["truth"] == 0
    mean = study["unadjusted"].effect.mean
    assert {
        "kind": "near",
        "model": "unadjusted",
        "coefficient": None,
        "expected": 2 / 3,
        "within": pytest.approx(4 * 0.12 / (9 * math.sqrt(1000))),
        "standard_errors": 4,
        "found": mean,
        "met": True,
    } in question["expectations"]
    kinds = [expectation["kind"] for expectation in question["expectations"]]
    assert kinds == ["adjusts", "near", "misses", "says", "near", "covers"]
    assert record["experiments"]["collider"]["dag"] == LESSONS["collider"].dag


def test_json_of_a_failure_has_null_where_there_is_nothing() -> None:
    failed = asking("fork", Near("typo", error=1), Adjusts(()), Says("unadjusted", "misleads"))
    record = json.loads(as_json(experiments_record([failed, result("pipe")])))
    assert record["passed"] is False
    assert record["experiments"]["fork"]["passed"] is False
    assert record["experiments"]["pipe"]["passed"] is True
    [question] = record["experiments"]["fork"]["questions"]
    assert [(e["expected"], e["found"], e["met"]) for e in question["expectations"]] == [
        (0, None, False),
        ([], ["z"], False),
        ("misleads", "misleads", True),
    ]

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
    Demonstration,
    Lesson,
    Near,
    Nearer,
    Performed,
    Result,
    Says,
    load,
    perform,
)

LESSONS = {name: load(path) for name, path in experiments().items()}
DRAWN = [name for name, lesson in LESSONS.items() if isinstance(lesson, Demonstration)]
QUICK = [name for name, lesson in LESSONS.items() if lesson.place < 20]
EVERY = [name if name in QUICK else pytest.param(name, marks=pytest.mark.heavy) for name in LESSONS]
RESULTS: dict[str, Performed] = {}


def result(name: str) -> Performed:
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
@pytest.mark.parametrize("name", EVERY)
def test_a_lesson_fits_into_a_hundred_columns(name: str, brief: bool) -> None:
    lines = render(experiment_view(result(name), brief=brief)).splitlines()
    assert max(map(len, lines)) <= 100
    if brief:
        passed = [line for line in lines if line.startswith(f"PASSED {name}: ")]
        assert lines[0] in passed
        assert len(passed) == (1 if name in DRAWN else len(LESSONS[name].questions))


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


@pytest.mark.parametrize("name", EVERY)
def test_what_is_taught_and_every_note_are_printed(name: str) -> None:
    lesson = LESSONS[name]
    text = " ".join(experiment_text(result(name)).split())
    assert lesson.teaches in text
    if name not in DRAWN:
        for asked in lesson.questions:
            assert asked.note in text


@pytest.mark.parametrize(("name", "mean"), [("addition", "5"), ("coin", "0.75")])
def test_a_demonstration_shows_truth_found_and_met(name: str, mean: str) -> None:
    text, found = experiment_text(result(name)), result(name)
    assert LESSONS[name].recipe in text
    assert f"{LESSONS[name].quantity} ~ {LESSONS[name].exact}" in text
    truth, mine, *_, met = row(text, " mean ")[1:]
    assert (truth, met) == (mean, "met")
    assert float(mine) == pytest.approx(found.draws.mean(), abs=0.005)
    assert row(text, "largest distance")[-3:] == ["below", "0.036", "met"]
    [line] = render(experiment_view(found, brief=True)).splitlines()
    assert f"truth {mean}; mean of 4,000 draws " in line


def test_a_demonstration_that_fails_says_so() -> None:
    lesson = dataclasses.replace(LESSONS["coin"], draw=lambda: 1 - LESSONS["coin"].draw())
    failed = perform(lesson)
    text = experiment_text(failed)
    assert "FAILED" in text.splitlines()[0]
    assert row(text, " mean ")[-1] == "FAILED"
    assert row(text, "largest distance")[-1] == "FAILED"
    head, *rest = render(experiment_view(failed, brief=True)).splitlines()
    assert head.startswith("FAILED coin: chance of heads ~ Beta(9, 3): truth 0.75; ")
    assert [line.strip().split(": ")[0] for line in rest] == [
        "the mean of the draws",
        "the largest distance from the distribution",
    ]


def test_the_effect_in_a_group_and_other_contrasts_have_rows_of_their_own() -> None:
    text = experiment_text(result("bernoulli_cells"))
    for group, effect in (("0", 0.088), ("1", -0.075), ("2", -0.012)):
        found = float(row(text, f"where x1 = {group}")[4])
        assert found == pytest.approx(effect, abs=2e-3)  # Monte Carlo, and rounded
    assert row(text, "where x1 = 1")[-4:] == ["-0.100", "±", "0.049", "met"]
    contrast = row(experiment_text(result("categories")), "2 - 0 ")
    assert contrast[:4] == ["2", "-", "0", "-2.423"]
    assert contrast[-1] == "met"


def test_a_path_analysis_shows_the_parts_of_the_effect_and_the_chain() -> None:
    text = experiment_text(result("combined"))
    assert "one model of x2 ~ x1, y ~ x1 + x2" in text
    assert row(text, "path analysis", "along the arrow itself")[6] == "-1.57"
    assert row(text, "through what lies between")[4] == "5.56"
    assert row(text, "both together")[2:] == [
        "3.9954",
        "[3.9859,",
        "4.0045]",
        "4.000",
        "±",
        "0.023",
        "met",
    ]
    assert "path analysis" not in experiment_text(result("fork"))


def test_the_distances_of_two_models_from_the_truth_are_shown() -> None:
    truths = {"0": 0.0, "1": 1.65, "2": -2.69, "3": -1.14, "4": -0.02}
    nearer = Nearer("correct", "x1", than="plain", truths=truths)
    asked = dataclasses.replace(
        LESSONS["categories"].questions[0],
        expectations=(nearer, dataclasses.replace(nearer, model="plain", than="correct")),
        own={"plain": "y1 ~ x1 + x2"},
        priors=PriorChoice(),
    )
    performed = perform(dataclasses.replace(LESSONS["categories"], questions=(asked,)))
    ours, theirs = performed.findings[0].found
    text, brief = (
        render(experiment_view(performed, brief=brief), width=200) for brief in (False, True)
    )
    both = [f"{ours:.2g} against {theirs:.2g}", f"{theirs:.2g} against {ours:.2g}"]
    words = ["met", "FAILED"] if ours < theirs else ["FAILED", "met"]
    assert f"nearer than plain    {words[0]}: {both[0]}" in text
    assert f"nearer than correct  {words[1]}: {both[1]}" in text
    assert f"found {both[words.index('FAILED')]}" in brief


def test_a_published_number_is_expected_without_standard_errors() -> None:
    told = asking("fork", Near("correct", 0.01, within=0.05))
    text = experiment_text(told)
    assert row(text, "correct ")[-4:] == ["0.010", "±", "0.050", "met"]
    assert "s.e." not in text
    record = experiments_record([told])["experiments"]["fork"]["questions"][0]
    [finding] = record["expectations"]
    assert (finding["within"], finding["standard_errors"]) == (0.05, None)


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
    text = " ".join(render(lessons_view(list(LESSONS.values())), width=700).split())
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
        "contrast": None,
        "scale": None,
        "group": None,
        "along": None,
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


def test_json_names_the_group_the_contrast_and_the_part_of_a_path() -> None:
    names = ("bernoulli_cells", "categories", "path_analysis")
    record = json.loads(as_json(experiments_record([result(name) for name in names])))
    told = {name: record["experiments"][name]["questions"][0]["expectations"] for name in names}
    groups = [e["group"] for e in told["bernoulli_cells"] if e["group"]]
    assert groups[:3] == [["x1", "0"], ["x1", "1"], ["x1", "2"]]
    assert [e["contrast"] for e in told["categories"] if e["contrast"]] == ["2 - 0", "3 - 0"]
    parts = [(e["model"], e["along"]) for e in told["path_analysis"] if e["along"]]
    assert parts == [("path analysis", "indirect"), ("path analysis", "direct")]


def test_json_of_a_demonstration_has_its_closed_form_and_what_was_found() -> None:
    record = json.loads(as_json(experiments_record([result("coin"), result("fork")])))
    coin = record["experiments"]["coin"]
    assert coin["truth"] == {
        "distribution": "Beta(9, 3)",
        "mean": 0.75,
        "sd": pytest.approx(math.sqrt(27 / 13) / 12),
    }
    assert (coin["draws"], coin["passed"]) == (4000, True)
    assert [(e["kind"], e["met"]) for e in coin["expectations"]] == [
        ("near", True),
        ("follows", True),
    ]
    assert coin["expectations"][0]["found"] == coin["mean"]
    assert "questions" not in coin
    assert "questions" in record["experiments"]["fork"]

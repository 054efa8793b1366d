"""Experiments for the terminal and as JSON: truth beside naive and correct.

The table of a question has a row for each model and one for each further coefficient of which
something is expected; what was expected stands at its end, line by line, with how it turned out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from causal.criteria.reasons import set_text, word
from causal.display import words
from causal.display.records import finite, studies_record
from causal.display.text import clip, drawing_line, facts, render, table
from causal.models.priors import describe
from causal.study.experiment import (
    ERRORS,
    Adjusts,
    Answer,
    Covers,
    Finding,
    Lesson,
    Misses,
    Near,
    Result,
    Says,
)

if TYPE_CHECKING:
    from causal.display.records import Record
    from causal.study.comparison import Fit

__all__ = [
    "experiment_text",
    "experiment_view",
    "experiments_record",
    "lessons_record",
    "lessons_view",
    "summary_view",
]


LABEL = len("Adjust for")
"""Width of the labels, so that those of a lesson and of its questions stand in one column."""


# The terminal


def lessons_view(lessons: Sequence[Lesson]) -> Table:
    """What ``causal experiment --list`` prints."""
    made = table(["experiment", "title", "what it teaches"])
    made.columns[0].no_wrap = True
    for lesson in lessons:
        made.add_row(
            Text(clip(lesson.name, 40)),
            Text(clip(lesson.title, 80)),
            Text(clip(lesson.teaches, 600)),
        )
    return made


def experiment_view(result: Result, *, brief: bool = False) -> Group:
    """What ``causal experiment`` prints of each lesson.

    Parameters
    ----------
    result
        Of `causal.study.experiment.perform`.
    brief
        One line a question, and the failed expectations.
    """
    if brief:
        return Group(*_brief(result))
    lesson = result.lesson
    head = Text.assemble((clip(f"{lesson.name}: {lesson.title}", 80), "bold"), "   ")
    head.append_text(_passed(result.passed))
    parts: list[RenderableType] = [
        Rule(head, align="left", style="dim"),
        Text(clip(lesson.teaches, 1200)),
    ]
    plan = result.answers[0].study.plan
    drawing = drawing_line(plan.question.dag)
    rows = [("DAG", drawing), ("Data", f"{plan.rows_read:,} simulated rows")]
    parts += [Text(), facts([(f"{label:<{LABEL}}", text) for label, text in rows])]
    for answer in result.answers:
        parts += [Text(), _answer_view(answer)]
    return Group(*parts)


def experiment_text(result: Result) -> str:
    """`experiment_view` as plain text."""
    return render(experiment_view(result))


def summary_view(results: Sequence[Result]) -> Text:
    """The last line after several experiments."""
    findings = [finding for result in results for finding in result.findings]
    failed = [clip(result.lesson.name, 40) for result in results if not result.passed]
    met = f"{sum(map(bool, findings))} of {len(findings)} expectations met"
    if failed:
        return Text(f"{len(results)} experiments, {met}. FAILED: {', '.join(failed)}.", "bold red")
    return Text(f"{len(results)} experiments, {met}.")


def _passed(passed: bool) -> Text:  # noqa: FBT001 - the verdict is all there is to say
    return Text("PASSED", "bold green") if passed else Text("FAILED", "bold red")


def _brief(result: Result) -> Iterator[Text]:
    for answer in result.answers:
        asked = answer.asked
        question = f"{asked.effect} {word(asked.exposure)} on {word(asked.outcome)}"
        if asked.priors.preset != "tutorial":
            question += f" ({asked.priors.preset})"
        means = [
            f"{words.model_word(name)} {words.number(fit.effect.mean, words.places(fit))}"
            for name, fit in _shown(answer)
        ]
        found = f"truth {asked.truth:g}; {', '.join(means)}"
        line = clip(f" {result.lesson.name}: {question}: {found}", 400)
        yield Text.assemble(_passed(answer.passed), line)
        yield from (Text(f"       {problem}") for problem in _problems(answer))
        for finding in answer.findings:
            if not finding:
                line = f"{_about(finding)}: expected {_wanted(finding)}, {_found(finding)}"
                yield Text(clip(f"       {line}", 400))


def _answer_view(answer: Answer) -> Group:
    study, asked = answer.study, answer.asked
    rows = [
        ("Question", f"{study.question.text}; the truth is {asked.truth:g}"),
        ("Adjust for", _set_line(answer)),
        ("Priors", _priors(answer)),
    ]
    notes = [*words.conclusions(study), *([asked.note] if asked.note else [])]
    parts: list[RenderableType] = [facts(rows)]
    parts += [Text(problem, "bold red") for problem in _problems(answer)]
    parts += [Text(), _answer_table(answer), Text()]
    parts += [Text(clip(note, 1200)) for note in notes]
    return Group(*parts)


def _set_line(answer: Answer) -> str:
    found = answer.study.plan.adjustment.adjust_for
    line = "no set answers this question" if found is None else set_text(found)
    for finding in answer.findings:
        if isinstance(finding.expectation, Adjusts):
            line += ", as expected" if finding else f"; expected {_wanted(finding)}: FAILED"
    return line


def _priors(answer: Answer) -> str:
    """The preset's name, and what it comes to in the last model shown: the correct one."""
    _, fit = _shown(answer)[-1]
    lines = describe(fit.regression.priors, fit.regression.terms)
    return clip(f"{answer.asked.priors.preset}: {'; '.join(lines)}", 300)


def _problems(answer: Answer) -> list[str]:
    return [clip(line, 400) for _, fit in _shown(answer) for line in words.problems(fit)]


def _shown(answer: Answer) -> list[tuple[str, Fit]]:
    """The models, the correct one last."""
    return sorted(answer.study.fits.items(), key=lambda item: item[0] == "correct")


def _answer_table(answer: Answer) -> Table:
    study = answer.study
    effect = "effect"
    span = f"{words.percent(study.prob)} interval"
    made = table(
        ["truth", "model", "regression", effect, span, f"expected ± {ERRORS} s.e.", ""],
        right=["truth", effect],
    )
    made.title = Text(clip(f"Effect of {words.contrast_words(study)}", 200), "bold")
    made.title_justify = "left"
    made.columns[1].min_width, made.columns[1].max_width = 10, 14
    made.columns[2].min_width = 10
    for column in (made.columns[0], *made.columns[3:]):
        column.no_wrap = True
    for name, fit in _shown(answer):
        digits = words.places(fit)
        made.add_row(
            Text(f"{answer.asked.truth:g}"),
            Text(words.model_word(name), "bold green" if name == "correct" else ""),
            Text(clip(fit.regression.formula, 160)),
            Text(words.number(fit.effect.mean, digits)),
            Text(words.interval(*fit.effect.interval, digits)),
            *_outcome(answer, name, None),
        )
        for coefficient in _coefficients(answer, name):
            made.add_row(
                "",
                "",
                *_coefficient_cells(fit, coefficient, study.prob),
                *_outcome(answer, name, coefficient),
            )
    for name in _absent(answer):
        why = study.plan.left_out.get(name, "there is no such model")
        made.add_row(
            "", Text(words.model_word(name)), Text(clip(why, 160)), "", "", *_outcome(answer, name)
        )
    return made


def _coefficient_cells(fit: Fit, coefficient: str, prob: float) -> tuple[Text, Text, Text]:
    label = Text(clip(f"coefficient {coefficient}", 80))
    if coefficient not in fit.draws.names:
        return label, Text("none"), Text()
    found = fit.draws.summary(coefficient, prob)
    digits = words.decimals(found.sd, words.effective_draws(fit.draws))
    return (
        label,
        Text(words.number(found.mean, digits)),
        Text(words.interval(*found.interval, digits)),
    )


def _outcome(answer: Answer, model: str, *coefficients: str | None) -> tuple[Text, Text]:
    """What is expected of a model's effect (None) or coefficients, and what became of it."""
    expected, became = Text(), Text()
    for finding in answer.findings:
        if _model(finding) != model or (coefficients and _coefficient(finding) not in coefficients):
            continue
        if expected:
            expected.append("\n")
            became.append("\n")
        expected.append(_wanted(finding))
        if finding:
            became.append("met", "green")
        else:
            became.append(_short(finding), "bold red")
    return expected, became


def _model(finding: Finding) -> str | None:
    return getattr(finding.expectation, "model", None)


def _coefficient(finding: Finding) -> str | None:
    return getattr(finding.expectation, "coefficient", None)


def _coefficients(answer: Answer, model: str) -> list[str]:
    named = (_coefficient(finding) for finding in answer.findings if _model(finding) == model)
    return [name for name in dict.fromkeys(named) if name is not None]


def _absent(answer: Answer) -> list[str]:
    named = dict.fromkeys(_model(finding) for finding in answer.findings)
    return [name for name in named if name is not None and name not in answer.study.fits]


def _wanted(finding: Finding) -> str:
    """What was expected: ``0.6667 ± 0.0017``, ``covers -2``, ``misleads``, ``{z}``."""
    wanted = finding.wanted
    match finding.expectation:
        case Near(within=within):
            assert isinstance(wanted, float | int)
            digits = 1 - math.floor(math.log10(within))
            return f"{words.number(wanted, digits)} ± {words.magnitude(within)}"
        case Covers():
            return f"covers {wanted:g}"
        case Misses():
            return f"misses {wanted:g}"
        case Adjusts(names=names):
            return set_text(sorted(names))
        case Says(verdict=verdict):
            return verdict


def _short(finding: Finding) -> str:
    """What became of a failed expectation, where the numbers stand in the same row."""
    return f"FAILED: {finding.found}" if isinstance(finding.found, str) else "FAILED"


def _found(finding: Finding) -> str:
    """What became of a failed expectation, in full."""
    match finding.found:
        case None:
            return "found none"
        case str() as text:
            return f"found {text}"
        case tuple() as names if isinstance(finding.expectation, Adjusts):
            return f"found {set_text(map(str, names))}"
        case tuple() as ends:
            return f"found [{', '.join(f'{end:.4g}' for end in ends)}]"
        case number:
            return f"found {number:.4g}"


def _about(finding: Finding) -> str:
    """Of what something was expected."""
    if isinstance(finding.expectation, Adjusts):
        return "the adjustment set"
    coefficient = _coefficient(finding)
    part = "" if coefficient is None else f", coefficient {word(coefficient)}"
    return f"the {words.model_word(_model(finding) or '')} model{part}"


# JSON


def lessons_record(lessons: Sequence[Lesson]) -> Record:
    """What ``causal experiment --list --json`` prints."""
    return {
        "experiments": {
            lesson.name: {"title": lesson.title, "teaches": lesson.teaches} for lesson in lessons
        }
    }


def experiments_record(results: Sequence[Result]) -> Record:
    """What ``causal experiment --json`` prints; a study in it is what ``causal run`` prints."""
    return {
        "passed": all(result.passed for result in results),
        "experiments": {result.lesson.name: _result_record(result) for result in results},
    }


def _result_record(result: Result) -> Record:
    lesson = result.lesson
    return {
        "title": lesson.title,
        "teaches": lesson.teaches,
        "dag": lesson.dag,
        "passed": result.passed,
        "questions": [
            {
                "truth": float(answer.asked.truth),
                "note": answer.asked.note,
                "passed": answer.passed,
                "study": studies_record([answer.study]),
                "expectations": [_finding_record(finding) for finding in answer.findings],
            }
            for answer in result.answers
        ],
    }


def _finding_record(finding: Finding) -> Record:
    within = getattr(finding.expectation, "within", None)
    return {
        "kind": type(finding.expectation).__name__.lower(),
        "model": _model(finding),
        "coefficient": _coefficient(finding),
        "expected": _plain(finding.wanted),
        "within": within,
        "standard_errors": None if within is None else ERRORS,
        "found": _plain(finding.found),
        "met": finding.met,
    }


def _plain(value: float | str | tuple[str, ...] | tuple[float, float] | None) -> object:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, str) else finite(value)

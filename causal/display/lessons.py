"""Experiments for the terminal and as JSON: truth beside naive and correct.

The table of a question has a row for each model and one for each further number of which something
is expected: a coefficient, another contrast or scale, the effect in a group of rows. What was
expected stands at its end, line by line, with how it turned out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    DRAWS,
    ERRORS,
    HEADLINE,
    PATHS,
    Adjusts,
    Along,
    Answer,
    Covers,
    Demonstrated,
    Experiment,
    Finding,
    Follows,
    Misses,
    Near,
    Nearer,
    Numbers,
    Part,
    Performed,
    Predicts,
    Result,
    Says,
    moments,
)

if TYPE_CHECKING:
    from causal.display.records import Record
    from causal.inference.posterior import Summary
    from causal.study.comparison import Fit, Study
    from causal.study.effects import Effect

__all__ = [
    "experiment_text",
    "experiment_view",
    "experiments_record",
    "lessons_record",
    "lessons_view",
    "part_words",
    "summary_view",
]


LABEL = len("Adjust for")
"""Width of the labels, so that those of a lesson and of its questions stand in one column."""


# The terminal


def lessons_view(lessons: Sequence[Experiment]) -> Table:
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


def experiment_view(result: Performed, *, brief: bool = False) -> Group:
    """What ``causal experiment`` prints of each lesson.

    Parameters
    ----------
    result
        Of `causal.study.experiment.perform`.
    brief
        One line a question, and the failed expectations.
    """
    if brief:
        if isinstance(result, Demonstrated):
            return Group(*_brief_draws(result))
        return Group(*_brief(result))
    lesson = result.lesson
    head = Text.assemble((clip(f"{lesson.name}: {lesson.title}", 80), "bold"), "   ")
    head.append_text(_passed(result.passed))
    parts: list[RenderableType] = [
        Rule(head, align="left", style="dim"),
        Text(clip(lesson.teaches, 1200)),
    ]
    if isinstance(result, Demonstrated):
        return Group(*parts, Text(), *_draws_view(result))
    plan = result.answers[0].study.plan
    drawing = drawing_line(plan.question.dag)
    source = result.lesson.source
    kind = f"rows: {clip(source, 300)}" if source else "simulated rows"
    rows = [("DAG", drawing), ("Data", f"{plan.rows_read:,} {kind}")]
    parts += [Text(), facts([(f"{label:<{LABEL}}", text) for label, text in rows])]
    for answer in result.answers:
        parts += [Text(), _answer_view(answer)]
    return Group(*parts)


def experiment_text(result: Performed) -> str:
    """`experiment_view` as plain text."""
    return render(experiment_view(result))


def summary_view(results: Sequence[Performed]) -> Text:
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
        found = f"truth {_value(asked.truth)}; {', '.join(means)}"
        line = clip(f" {result.lesson.name}: {question}: {found}", 400)
        yield Text.assemble(_passed(answer.passed), line)
        yield from (Text(f"       {problem}") for problem in _problems(answer))
        yield from _brief_failures(answer.findings)


def _brief_failures(findings: Iterable[Finding]) -> Iterator[Text]:
    for finding in findings:
        if not finding:
            line = f"{_about(finding)}: expected {_wanted(finding)}, {_found(finding)}"
            yield Text(clip(f"       {line}", 400))


def _brief_draws(result: Demonstrated) -> Iterator[Text]:
    lesson, digits = result.lesson, _digits(result)
    line = (
        f" {lesson.name}: {lesson.quantity} ~ {lesson.exact}: truth {moments(lesson.exact)[0]:g}; "
        f"mean of {result.draws.size:,} draws {words.number(float(result.draws.mean()), digits)}"
    )
    yield Text.assemble(_passed(result.passed), clip(line, 400))
    yield from _brief_failures(result.findings)


def _digits(result: Demonstrated) -> int:
    return words.decimals(moments(result.lesson.exact)[1], result.draws.size)


def _draws_view(result: Demonstrated) -> list[RenderableType]:
    """The draws of a demonstration beside its closed form."""
    lesson, draws, digits = result.lesson, result.draws, _digits(result)
    mean, sd = moments(lesson.exact)
    near, follows = result.findings
    made = table(["", "truth", "found", "expected", ""], right=["truth", "found"])
    rows = [
        ("mean", mean, float(draws.mean()), near),
        ("sd", sd, float(draws.std(ddof=1)), None),
    ]
    for name, truth, found, finding in rows:
        made.add_row(
            Text(name),
            Text(f"{truth:.4g}"),
            Text(words.number(found, digits)),
            *_outcome_cells([] if finding is None else [finding]),
        )
    assert isinstance(follows.found, float)
    made.add_row(
        Text("largest distance from its distribution"),
        Text("0"),
        Text(words.number(follows.found, 4)),
        *_outcome_cells([follows]),
    )
    head = [
        ("Recipe", lesson.recipe),
        ("Exactly", f"{lesson.quantity} ~ {lesson.exact}"),
        ("Draws", f"{draws.size:,}, independent of each other"),
    ]
    return [facts([(f"{label:<{LABEL}}", text) for label, text in head]), Text(), made]


def _answer_view(answer: Answer) -> Group:
    study, asked = answer.study, answer.asked
    rows = [
        ("Question", f"{study.question.text}; the truth is {_value(asked.truth)}"),
        ("Adjust for", _set_line(answer)),
        ("Priors", _priors(answer)),
    ]
    if study.pathways is not None:
        formulas = ", ".join(regression.formula for regression in study.pathways.regressions)
        rows.append(("Chain", f"one model of {formulas}"))
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
    lines = describe(fit.regression)
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
    nears = [e for e in answer.asked.expectations if isinstance(e, Near)]
    margins = "" if any(near.within is not None for near in nears) else f" ± {ERRORS} s.e."
    made = table(
        ["truth", "model", "regression", effect, span, f"expected{margins}", ""],
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
            Text(_value(answer.asked.truth)),
            Text(words.model_word(name), "bold green" if name == "correct" else ""),
            Text(clip(fit.regression.formula, 160)),
            Text(words.number(fit.effect.mean, digits)),
            Text(words.interval(*fit.effect.interval, digits)),
            *_outcome(answer, name, HEADLINE),
        )
        for part, number in _parts(answer, name).items():
            made.add_row(
                "",
                "",
                Text(clip(part_words(part), 160)),
                *_number_cells(fit, number.found(study)),
                *_outcome(answer, name, part),
            )
    if study.pathways is not None:
        for along, label in _ALONG.items():
            made.add_row(
                "",
                Text(PATHS if along == "direct" else ""),
                Text(label),
                *_pathway_cells(study, along),
                *_outcome(answer, PATHS, *_parts_along(study, along)),
            )
    for name in _absent(answer):
        why = study.plan.left_out.get(name, "there is no such model")
        made.add_row(
            "", Text(words.model_word(name)), Text(clip(why, 160)), "", "", *_outcome(answer, name)
        )
    return made


_ALONG: Mapping[Along, str] = {
    "direct": "along the arrow itself",
    "indirect": "through what lies between",
    "total": "both together",
}


def _pathway_cells(study: Study, along: Along) -> tuple[Text, Text]:
    [(effect, digits)] = [
        (effect, digits) for name, effect, digits in words.pathway_rows(study) if name == along
    ]
    return Text(words.number(effect.mean, digits)), Text(words.interval(*effect.interval, digits))


def _parts_along(study: Study, along: Along) -> list[Part]:
    """The parts that mean this part of the effect: the one asked about goes without saying."""
    asked = along == study.question.effect
    return [Part(along=along), *([HEADLINE] if asked else [])]


def _number_cells(fit: Fit, found: Effect | Summary | None) -> tuple[Text, Text]:
    if found is None:
        return Text("none"), Text()
    digits = words.decimals(found.sd, words.effective_draws(fit.draws))
    return Text(words.number(found.mean, digits)), Text(words.interval(*found.interval, digits))


def _outcome(answer: Answer, model: str, *parts: Part) -> tuple[Text, Text]:
    """What is expected of numbers of a model (of all, if none are named), and what became of it."""
    return _outcome_cells(
        [
            finding
            for finding in answer.findings
            if _model(finding) == model and (not parts or _part(finding) in parts)
        ]
    )


def _outcome_cells(findings: Sequence[Finding]) -> tuple[Text, Text]:
    expected, became = Text(), Text()
    for finding in findings:
        if expected:
            expected.append("\n")
            became.append("\n")
        expected.append(_wanted(finding))
        became.append(_became(finding), "green" if finding else "bold red")
    return expected, became


def _model(finding: Finding) -> str | None:
    return getattr(finding.expectation, "model", None)


def _part(finding: Finding) -> Part:
    """Which number of its model an expectation is about; a verdict is about the effect."""
    expectation = finding.expectation
    return expectation.part if isinstance(expectation, Numbers) else HEADLINE


def part_words(part: Part) -> str:
    """Which number it is: ``coefficient z``, ``where x1 = 2: 1 - 0, risk ratio``."""
    if part.along is not None:
        return f"{part.along} effect"
    if part.coefficient is not None:
        return f"coefficient {part.coefficient}"
    what = ", ".join(filter(None, (part.contrast, part.scale)))
    if part.group is None:
        return what
    where = f"where {word(part.group[0])} = {part.group[1]}"
    return f"{where}: {what}" if what else where


def _parts(answer: Answer, model: str) -> dict[Part, Numbers]:
    """The numbers of a model beside its effect of which something is expected."""
    return {
        e.part: e
        for e in answer.asked.expectations
        if isinstance(e, Numbers) and e.model == model and e.part != HEADLINE
    }


def _absent(answer: Answer) -> list[str]:
    named = dict.fromkeys(_model(finding) for finding in answer.findings)
    study = answer.study
    known = {*study.fits, *([] if study.pathways is None else [PATHS])}
    return [name for name in named if name is not None and name not in known]


def _value(number: object) -> str:
    """A truth: whole numbers as they are, others to four digits."""
    assert isinstance(number, float | int)
    return f"{number:,.4g}" if abs(number) < 1000 else f"{number:,.6g}"


def _wanted(finding: Finding) -> str:
    """What was expected: ``0.6667 ± 0.0017``, ``covers -2``, ``misleads``, ``{z}``."""
    wanted = finding.wanted
    match finding.expectation:
        case Follows(margin=margin):
            return f"below {margin:.3f}"
        case Near(margin=margin):
            assert isinstance(wanted, float | int)
            digits = 1 - math.floor(math.log10(margin))
            return f"{words.number(wanted, digits)} ± {words.magnitude(margin)}"
        case Covers():
            return f"covers {_value(wanted)}"
        case Misses():
            return f"misses {_value(wanted)}"
        case Adjusts(names=names):
            return set_text(sorted(names))
        case Nearer(than=other):
            return f"nearer than {words.model_word(other)}"
        case Predicts(than=other):
            return f"out-predicts {words.model_word(other)}"
        case Says(verdict=verdict):
            return verdict


def _became(finding: Finding) -> str:
    """What became of an expectation, where the numbers stand in the same row."""
    met = "met" if finding else "FAILED"
    if isinstance(finding.expectation, Nearer) and isinstance(finding.found, tuple):
        return f"{met}: {_distances(finding.found)}"
    if isinstance(finding.expectation, Predicts) and isinstance(finding.found, tuple):
        return f"{met}: {_gain(finding.found)}"
    return f"FAILED: {finding.found}" if isinstance(finding.found, str) and not finding else met


def _distances(both: tuple[object, ...]) -> str:
    """The two distances of `Nearer`."""
    return " against ".join(f"{distance:.2g}" for distance in both)


def _gain(both: tuple[object, ...]) -> str:
    """The gain of `Predicts` and its standard error."""
    mean, error = both
    return f"by {mean:.3g} ± {error:.2g}"


def _found(finding: Finding) -> str:
    """What became of a failed expectation, in full."""
    match finding.found:
        case None:
            return "found none"
        case str() as text:
            return f"found {text}"
        case tuple() as names if isinstance(finding.expectation, Adjusts):
            return f"found {set_text(map(str, names))}"
        case tuple() as both if isinstance(finding.expectation, Nearer):
            return f"found {_distances(both)}"
        case tuple() as both if isinstance(finding.expectation, Predicts):
            return f"found {_gain(both)}"
        case tuple() as ends:
            return f"found [{', '.join(f'{end:.4g}' for end in ends)}]"
        case number:
            return f"found {number:.4g}"


def _about(finding: Finding) -> str:
    """Of what something was expected."""
    if isinstance(finding.expectation, Adjusts):
        return "the adjustment set"
    if isinstance(finding.expectation, Follows):
        return "the largest distance from the distribution"
    if _model(finding) == DRAWS:
        return "the mean of the draws"
    part = _part(finding)
    which = "" if part == HEADLINE else f", {part_words(part)}"
    return f"the {words.model_word(_model(finding) or '')} model{which}"


# JSON


def lessons_record(lessons: Sequence[Experiment]) -> Record:
    """What ``causal experiment --list --json`` prints."""
    return {
        "experiments": {
            lesson.name: {"title": lesson.title, "teaches": lesson.teaches} for lesson in lessons
        }
    }


def experiments_record(results: Sequence[Performed]) -> Record:
    """What ``causal experiment --json`` prints; a study in it is what ``causal run`` prints."""
    return {
        "passed": all(result.passed for result in results),
        "experiments": {result.lesson.name: _result_record(result) for result in results},
    }


def _result_record(result: Performed) -> Record:
    lesson = result.lesson
    record: Record = {"title": lesson.title, "teaches": lesson.teaches}
    if isinstance(result, Demonstrated):
        return record | _draws_record(result)
    return record | {
        "dag": result.lesson.dag,
        "source": result.lesson.source or None,
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


def _draws_record(result: Demonstrated) -> Record:
    lesson, (mean, sd) = result.lesson, moments(result.lesson.exact)
    return {
        "recipe": lesson.recipe,
        "quantity": lesson.quantity,
        "passed": result.passed,
        "truth": {"distribution": str(lesson.exact), "mean": mean, "sd": sd},
        "draws": result.draws.size,
        "mean": finite(float(result.draws.mean())),
        "sd": finite(float(result.draws.std(ddof=1))),
        "expectations": [_finding_record(finding) for finding in result.findings],
    }


def _finding_record(finding: Finding) -> Record:
    expectation, part = finding.expectation, _part(finding)
    near = expectation if isinstance(expectation, Near | Follows) else None
    return {
        "kind": type(expectation).__name__.lower(),
        "model": _model(finding),
        "coefficient": part.coefficient,
        "contrast": part.contrast,
        "scale": part.scale,
        "group": None if part.group is None else list(part.group),
        "along": part.along,
        "expected": _plain(finding.wanted),
        "within": None if near is None else near.margin,
        "standard_errors": ERRORS if getattr(expectation, "error", None) else None,
        "found": _plain(finding.found),
        "met": finding.met,
    }


def _plain(value: float | str | tuple[str, ...] | tuple[float, float] | None) -> object:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, str) else finite(value)

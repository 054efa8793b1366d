"""Experiments: data whose truth is known, and what the regressions must make of them.

A `Lesson` is a DAG, a recipe for data that follow it, and questions whose answers the recipe fixes.
`perform` makes the data and puts each question to them by the same road that a user's data take
(`causal.study.comparison.run`), then holds what came out against the `Expectation` of the lesson.
An expectation that fails is a finding like any other: it says what was expected and what was found.

A lesson lives in a file of its own that sets ``LESSON``; see ``experiments/fork.py``.

How near is near? A recipe fixes a slope only up to sampling error, and that too follows from the
recipe: `standard_error`. A slope within four of them is as expected; chance alone leaves that
range once in 16,000 data sets, and a wrong set or a wrong recipe leaves it by hundreds.
"""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY, dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from causal.errors import CausalError, LessonError, shown
from causal.graph.notation import read
from causal.models.priors import PriorChoice
from causal.study.comparison import Fit, Study, run

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray

    from causal.criteria.question import Effect
    from causal.study.shift import Verdict

__all__ = [
    "Adjusts",
    "Answer",
    "Asked",
    "Covers",
    "Expectation",
    "Finding",
    "Lesson",
    "Misses",
    "Near",
    "Result",
    "Says",
    "load",
    "perform",
    "standard_error",
]

ERRORS = 4
"""Standard errors within which a slope must lie."""


def standard_error(*, noise: float, spread: float, rows: int) -> float:
    """Sampling sd of a least-squares slope.

    Parameters
    ----------
    noise
        Sd of the outcome that the regression leaves unexplained.
    spread
        Sd of the predictor among rows that agree in all other predictors of the regression.
    rows
        Their number.
    """
    return noise / (spread * math.sqrt(rows))


# What a lesson expects


@dataclass(frozen=True, slots=True)
class Adjusts:
    """The correct model adjusts for exactly these variables."""

    names: tuple[str, ...]

    def check(self, study: Study, _truth: float) -> Finding:
        """Hold it against what *study* found."""
        found = study.plan.adjustment.adjust_for
        wanted = tuple(sorted(self.names))
        return Finding(self, wanted, found, found == wanted)


@dataclass(frozen=True, slots=True)
class Near:
    """The posterior mean of a model's effect, or of another coefficient, is near a value.

    Attributes
    ----------
    value
        None: the truth.
    error
        Sampling sd of the coefficient, see `standard_error`.
    coefficient
        Its name; None: the effect asked about.
    """

    model: str
    value: float | None = None
    _: KW_ONLY
    error: float
    coefficient: str | None = None

    def __post_init__(self) -> None:
        if self.coefficient is not None and self.value is None:
            raise ValueError(
                f"Near({self.model!r}, coefficient={self.coefficient!r}) needs a value: the truth "
                "of the question is that of its effect."
            )
        if not (self.error > 0 and math.isfinite(self.error)):
            raise ValueError(f"Near({self.model!r}) needs an error above 0, not {self.error!r}.")

    @property
    def within(self) -> float:
        """How far off the value it may be."""
        return ERRORS * self.error

    def check(self, study: Study, truth: float) -> Finding:
        """Hold it against what *study* found."""
        wanted = truth if self.value is None else self.value
        found = _mean(study.fits.get(self.model), self.coefficient)
        met = found is not None and abs(found - wanted) <= self.within
        return Finding(self, wanted, found, met)


@dataclass(frozen=True, slots=True)
class Covers:
    """The interval of a model's effect holds the truth."""

    model: str

    def check(self, study: Study, truth: float) -> Finding:
        """Hold it against what *study* found."""
        found = _interval(study.fits.get(self.model))
        return Finding(self, truth, found, found is not None and found[0] <= truth <= found[1])


@dataclass(frozen=True, slots=True)
class Misses:
    """The interval of a model's effect does not hold the truth."""

    model: str

    def check(self, study: Study, truth: float) -> Finding:
        """Hold it against what *study* found."""
        found = _interval(study.fits.get(self.model))
        return Finding(self, truth, found, found is not None and not found[0] <= truth <= found[1])


@dataclass(frozen=True, slots=True)
class Says:
    """The verdict on a model, measured against the correct one."""

    model: str
    verdict: Verdict

    def check(self, study: Study, _truth: float) -> Finding:
        """Hold it against what *study* found."""
        measured = study.differences.get(self.model)
        found = None if measured is None else measured.verdict
        return Finding(self, self.verdict, found, found == self.verdict)


Expectation = Adjusts | Near | Covers | Misses | Says


def _mean(fit: Fit | None, coefficient: str | None) -> float | None:
    if fit is None:
        return None
    if coefficient is None:
        return fit.effect.mean
    if coefficient not in fit.draws.names:
        return None
    return fit.draws.summary(coefficient).mean


def _interval(fit: Fit | None) -> tuple[float, float] | None:
    return None if fit is None else fit.effect.interval


# A lesson and what came of it


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a lesson, with the answer its recipe fixes.

    Attributes
    ----------
    truth
        The effect of +1 in the exposure.
    own
        Adjustment sets to be fitted beside the correct and the naive ones, by name.
    note
        What to look at, for the learner.
    """

    exposure: str
    outcome: str
    _: KW_ONLY
    truth: float
    priors: PriorChoice
    expectations: tuple[Expectation, ...]
    effect: Effect = "direct"
    own: Mapping[str, Collection[str]] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        if not self.expectations:  # it would pass whatever came out
            raise ValueError(f"The question {self.exposure!r} on {self.outcome!r} expects nothing.")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A DAG, data that follow it, and questions with known answers.

    Attributes
    ----------
    name
        That of its file.
    place
        Its number in the order of learning.
    teaches
        One or two sentences.
    dag
        Text in any notation that `causal.graph.notation.read` knows.
    simulate
        Column -> values; the same at every call.
    """

    name: str
    _: KW_ONLY
    place: int
    title: str
    teaches: str
    dag: str
    simulate: Callable[[], Mapping[str, NDArray[np.float64]]]
    questions: tuple[Asked, ...]

    def __post_init__(self) -> None:
        if not self.questions:
            raise ValueError(f"The lesson {self.name!r} asks nothing.")


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one expectation. True where it is met.

    ``wanted`` is what was expected with the truth filled in, ``found`` what stands in the study;
    None where it has no such model, coefficient or set.
    """

    expectation: Expectation
    wanted: float | str | tuple[str, ...]
    found: float | str | tuple[str, ...] | tuple[float, float] | None
    met: bool

    def __bool__(self) -> bool:
        return self.met


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A question, its study, and a finding for each of its expectations, in order."""

    asked: Asked
    study: Study
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every expectation is met and every fit passed its checks."""
        return all(self.findings) and self.study.passed


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A lesson performed: its answers, in the order of its questions."""

    lesson: Lesson
    answers: tuple[Answer, ...]

    @property
    def passed(self) -> bool:
        """Whether every answer is as the lesson expects."""
        return all(answer.passed for answer in self.answers)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of all answers."""
        return tuple(finding for answer in self.answers for finding in answer.findings)


def perform(lesson: Lesson) -> Result:
    """Make the data, answer the questions, check the expectations.

    Raises
    ------
    LessonError
        The recipe fails, or its data cannot answer a question; the message names the lesson.
    """
    data = _simulated(lesson)
    answers = []
    try:
        dag = read(lesson.dag)
        for asked in lesson.questions:
            question = dag.question(asked.exposure, asked.outcome, effect=asked.effect)
            study = run(question, data, own=asked.own, priors=asked.priors)
            findings = tuple(e.check(study, asked.truth) for e in asked.expectations)
            answers.append(Answer(asked, study, findings))
    except CausalError as error:
        raise LessonError(
            f"The experiment {shown(lesson.name)} cannot be performed: {error}"
        ) from error
    return Result(lesson, tuple(answers))


def _simulated(lesson: Lesson) -> Mapping[str, NDArray[np.float64]]:
    try:
        return lesson.simulate()
    except Exception as error:
        file = getattr(getattr(lesson.simulate, "__code__", None), "co_filename", "")
        raise LessonError(
            f"The experiment {shown(lesson.name)} cannot be performed: its simulate() fails"
            f"{_told(error, file)} Run it by itself to see more, and mend it."
        ) from error


# Reading a lesson from its file


def load(path: str | os.PathLike[str]) -> Lesson:
    """Execute the Python file *path* and take the `Lesson` that it calls ``LESSON``.

    Raises
    ------
    LessonError
        There is no such file, it fails, or it holds no lesson of its own name.
    """
    file = Path(path).resolve()
    where = shown(str(path))
    if not file.is_file():
        raise LessonError(f"There is no experiment in {where}: no such file. Check the path.")
    name = f"causal_lesson_{file.stem}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise LessonError(f"{where} is no Python file (F.py), so it cannot hold an experiment.")
    module = module_from_spec(spec)
    # Dataclasses and pickle look a class's module up here, so it must be there beforehand.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever somebody's file may raise
        del sys.modules[name]
        raise LessonError(
            f"The experiment {where} cannot be loaded{_told(error, str(file))} Mend the file."
        ) from error
    lesson = getattr(module, "LESSON", None)
    if not isinstance(lesson, Lesson):
        raise LessonError(
            f"The experiment {where} sets no LESSON, so there is nothing to perform. End it with "
            f"LESSON = Lesson({file.stem!r}, ...); experiments/fork.py shows how."
        )
    if lesson.name != file.stem:
        raise LessonError(
            f"The experiment {where} calls its lesson {shown(lesson.name)}, but a lesson goes by "
            f"the name of its file. Call it {shown(file.stem)}, or rename the file."
        )
    return lesson


def _told(error: BaseException, file: str) -> str:
    """What went wrong and in which line of *file*: `` in line 3: NameError: ...``."""
    if isinstance(error, SyntaxError) and error.filename == file:
        line, what = error.lineno, error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in reversed(frames) if f.filename == file), None)
        what = str(error)
    place = f" in line {line}" if line else ""
    kind = "" if isinstance(error, CausalError) else f"{type(error).__name__}: "
    text = shown(f"{kind}{what}".rstrip(" :"), 400)[1:-1]
    return f"{place}: {text}{'' if text.endswith(('.', '?', '!')) else '.'}"

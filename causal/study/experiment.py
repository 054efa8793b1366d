"""Experiments: data whose truth is known, and what the regressions must make of them.

A `Lesson` is a DAG, a recipe for data that follow it, and questions whose answers the recipe fixes.
`perform` makes the data and puts each question to them by the same road that a user's data take
(`causal.study.comparison.run`), then holds what came out against the `Expectation` of the lesson.
An expectation that fails is a finding like any other: it says what was expected and what was found.

A `Demonstration` is what comes before any DAG: random numbers whose distribution is known in closed
form, and draws of them.

Each lives in a file of its own that sets ``LESSON``; see ``experiments/fork.py``.

How near is near? A recipe fixes a slope only up to sampling error, and that too follows from the
recipe: `standard_error`. A slope within four of them is as expected; chance alone leaves that
range once in 16,000 data sets, and a wrong set or a wrong recipe leaves it by hundreds.
"""

from __future__ import annotations

import math
import statistics
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY, dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from causal.errors import CausalError, LessonError, shown
from causal.graph.notation import read
from causal.models.priors import Distribution, PriorChoice
from causal.models.terms import Categorical, Varying
from causal.study.comparison import Fit, Study, run
from causal.study.prediction import gain, leave_one_out

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray

    from causal.criteria.question import Effect
    from causal.inference.posterior import Summary
    from causal.models.families import Family
    from causal.models.regression import Regression
    from causal.study.effects import Effect as ModelEffect
    from causal.study.effects import Scale
    from causal.study.shift import Verdict

__all__ = [
    "DRAWS",
    "ERRORS",
    "HEADLINE",
    "PATHS",
    "Adjusts",
    "Along",
    "Answer",
    "Asked",
    "Covers",
    "Demonstrated",
    "Demonstration",
    "Expectation",
    "Experiment",
    "Finding",
    "Follows",
    "Lesson",
    "Misses",
    "Near",
    "Nearer",
    "Numbers",
    "Part",
    "Performed",
    "Predicts",
    "Result",
    "Says",
    "cumulative",
    "difference_error",
    "load",
    "moments",
    "perform",
    "standard_error",
]

Along = Literal["direct", "indirect", "total"]

ERRORS = 4
"""Standard errors within which a slope must lie."""


def standard_error(*, noise: float, spread: float, rows: float) -> float:
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


def difference_error(low: tuple[float, float], high: tuple[float, float]) -> float:
    """Sampling sd of the difference of two groups' means.

    Parameters
    ----------
    low, high
        Of each group, the sd of the outcome that the regression leaves unexplained, and its rows.
    """
    return math.hypot(low[0] / math.sqrt(low[1]), high[0] / math.sqrt(high[1]))


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
class Part:
    """Which number of a model is meant; none of these: the effect asked about."""

    coefficient: str | None = None
    contrast: str | None = None
    scale: Scale | None = None
    group: tuple[str, str] | None = None
    along: Along | None = None


HEADLINE = Part()
PATHS, DRAWS = "path analysis", "draws"
"""What stands in the place of a model's name where the effect taken apart is meant, or draws."""


@dataclass(frozen=True, slots=True)
class _Number:
    """Something is expected of one number in a model, or of its interval.

    Which number: the effect asked about, unless more is said.

    Attributes
    ----------
    value
        None: the truth. What is not the effect asked about needs a value of its own.
    coefficient
        A coefficient of the regression, by name.
    contrast
        Another contrast than the first, such as ``"2 - 0"``.
    scale
        Another scale than the first, such as ``"risk ratio"``.
    group
        The effect in one group of rows: the variable, and the label of the group.
    along
        Of the path analysis (`PATHS`), which part of the effect; None: the one asked about.
    """

    model: str
    value: float | None = None
    _: KW_ONLY
    coefficient: str | None = None
    contrast: str | None = None
    scale: Scale | None = None
    group: tuple[str, str] | None = None
    along: Along | None = None

    def __post_init__(self) -> None:
        effect = {"contrast": self.contrast, "scale": self.scale, "group": self.group}
        told = [name for name, given in effect.items() if given is not None]
        if self.coefficient is not None and told:
            raise ValueError(f"{self._written} is of a coefficient, which has no {told[0]}.")
        if self.along is not None and self.model != PATHS:
            raise ValueError(f"{self._written}: only {PATHS!r} goes along={self.along!r}.")
        if self.part != HEADLINE and self.value is None:
            raise ValueError(
                f"{self._written} needs a value: the truth of the question is that of its effect."
            )

    @property
    def _written(self) -> str:
        """How it begins in the lesson."""
        part = "" if self.coefficient is None else f", coefficient={self.coefficient!r}"
        return f"{type(self).__name__}({self.model!r}{part})"

    @property
    def part(self) -> Part:
        """Which number it is."""
        return Part(self.coefficient, self.contrast, self.scale, self.group, self.along)

    def wanted(self, truth: float) -> float:
        """The value in question."""
        return truth if self.value is None else self.value

    def found(self, study: Study) -> ModelEffect | Summary | None:
        """The number in *study*; None where it has no such model, or the model no such number."""
        if self.model == PATHS:
            apart = study.pathways
            taken: ModelEffect | None = getattr(apart, self.along or study.question.effect, None)
            return taken
        fit = study.fits.get(self.model)
        if fit is None:
            return None
        if self.coefficient is not None:
            known = self.coefficient in fit.draws.names
            return fit.draws.summary(self.coefficient, study.prob) if known else None
        effects = fit.effects
        if self.group is not None:
            variable, label = self.group
            held = variable in fit.regression.adjust_for
            effects = fit.by(variable).get(label, ()) if held else ()
        wanted = (self.contrast or fit.effect.contrast, self.scale or fit.effect.scale)
        return next((one for one in effects if (one.contrast, one.scale) == wanted), None)


@dataclass(frozen=True, slots=True)
class Near(_Number):
    """The posterior mean of a number is near a value.

    Attributes
    ----------
    error
        Sampling sd of the number, see `standard_error`: it may be four of them off.
    within
        In its place, for a number that others have published: how far off it may be.
    """

    _: KW_ONLY
    error: float | None = None
    within: float | None = None

    def __post_init__(self) -> None:
        _Number.__post_init__(self)
        if (self.error is None) == (self.within is None):
            raise ValueError(f"{self._written} needs an error, or how far off it may be: within.")
        for name, given in (("an error", self.error), ("within", self.within)):
            if given is not None and not (given > 0 and math.isfinite(given)):
                raise ValueError(f"{self._written} needs {name} above 0, not {given!r}.")

    @property
    def margin(self) -> float:
        """How far off the value it may be."""
        if self.error is not None:
            return ERRORS * self.error
        assert self.within is not None
        return self.within

    def check(self, study: Study, truth: float) -> Finding:
        """Hold it against what *study* found."""
        wanted, found = self.wanted(truth), self.found(study)
        mean = None if found is None else found.mean
        return Finding(self, wanted, mean, mean is not None and abs(mean - wanted) <= self.margin)


@dataclass(frozen=True, slots=True)
class Covers(_Number):
    """The interval of a number holds a value."""

    def check(self, study: Study, truth: float) -> Finding:
        """Hold it against what *study* found."""
        wanted, found = self.wanted(truth), self.found(study)
        ends = None if found is None else found.interval
        return Finding(self, wanted, ends, ends is not None and ends[0] <= wanted <= ends[1])


@dataclass(frozen=True, slots=True)
class Misses(_Number):
    """The interval of a number does not hold a value."""

    def check(self, study: Study, truth: float) -> Finding:
        """Hold it against what *study* found."""
        wanted, found = self.wanted(truth), self.found(study)
        ends = None if found is None else found.interval
        return Finding(self, wanted, ends, ends is not None and not ends[0] <= wanted <= ends[1])


@dataclass(frozen=True, slots=True)
class Nearer:
    """The levels of a category lie nearer to the truth in one model than in another.

    Levels are fixed up to a number that all share, so each is taken as its distance from their
    mean, in the models (plain levels or pooled ones) as in the truth.

    Attributes
    ----------
    variable
        The category.
    than
        The other model.
    truths
        By level.
    """

    model: str
    variable: str
    _: KW_ONLY
    than: str
    truths: Mapping[str, float]

    def check(self, study: Study, _truth: float) -> Finding:
        """Hold it against what *study* found: the root mean square distance of either model."""
        ours, theirs = (self._distance(study.fits.get(name)) for name in (self.model, self.than))
        wanted = f"nearer to the truth than {self.than}"
        if ours is None or theirs is None:
            return Finding(self, wanted, None, met=False)
        return Finding(self, wanted, (ours, theirs), ours < theirs)

    def _distance(self, fit: Fit | None) -> float | None:
        names = {} if fit is None else _levels(fit.regression, self.variable)
        if fit is None or not self.truths.keys() <= names.keys():
            return None
        off = [fit.draws.summary(names[label]).mean - truth for label, truth in self.truths.items()]
        return statistics.pstdev(off)


def _levels(regression: Regression, variable: str) -> dict[str, str]:
    """The coefficient of each level of a category: a plain one, or one that is pooled."""
    for term, names in zip(regression.terms, regression.coefficients_by_term, strict=True):
        match term:
            case Categorical(variable=name, levels=levels) if name == variable:
                return dict(zip(levels, names, strict=True))
            case Varying(by=by, intercept=True) if by.variable == variable:
                return dict(zip(by.levels, names, strict=False))  # the intercepts come first
            case _:
                pass
    return {}


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


@dataclass(frozen=True, slots=True)
class Predicts:
    """A model predicts rows it has not seen better than another: leave-one-out cross-validation.

    Better by more than `ERRORS` standard errors of the difference; which says nothing about effects
    (`causal.study.prediction`).

    Attributes
    ----------
    than
        The other model.
    """

    model: str
    _: KW_ONLY
    than: str

    def check(self, study: Study, _truth: float) -> Finding:
        """Hold it against what *study* found: the gain and its standard error."""
        wanted = f"predicts better than {self.than}"
        ours, theirs = (study.fits.get(name) for name in (self.model, self.than))
        if ours is None or theirs is None:
            return Finding(self, wanted, None, met=False)
        found = gain(*(leave_one_out(f.regression, f.draws, f.table) for f in (ours, theirs)))
        met = found.reliable and found.mean > ERRORS * found.standard_error
        return Finding(self, wanted, (found.mean, found.standard_error), met)


@dataclass(frozen=True, slots=True)
class Follows:
    """Draws follow a distribution: nowhere do the two distribution functions lie far apart.

    Attributes
    ----------
    draws
        Their number, independent of each other. The largest distance is then above `margin` once
        in 16,000 times (Massart 1990: P(distance > d) <= 2 exp(-2 n d^2)).
    """

    distribution: Distribution
    _: KW_ONLY
    draws: int

    @property
    def margin(self) -> float:
        """How far apart the two distribution functions may lie."""
        return math.sqrt(math.log(2 * 16_000) / (2 * self.draws))

    def holds(self, values: NDArray[np.float64]) -> Finding:
        """Hold it against the draws themselves."""
        import numpy as np

        steps = np.arange(values.size + 1) / values.size
        exact = cumulative(self.distribution, np.sort(values))
        distance = float(max(np.max(steps[1:] - exact), np.max(exact - steps[:-1])))
        return Finding(self, str(self.distribution), distance, distance <= self.margin)


Numbers = Near | Covers | Misses
Asking = Adjusts | Numbers | Nearer | Says | Predicts
Expectation = Asking | Follows


# A lesson and what came of it


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a lesson, with the answer its recipe fixes.

    Its fields are settled: lessons may rely on them.

    Attributes
    ----------
    truth
        The headline effect: that of +1, of the larger value against the smaller one, or of the
        second level against the first one; on the scale that `causal.study.effects.effects` puts
        first. Other contrasts and scales, and groups of rows, are for the expectations to name.
    own
        Models to be fitted beside the correct and the naive ones, by name: adjustment sets, or
        formulas such as ``"y ~ x*z"``.
    family, form, trials, categorical, paths
        As in `causal.study.comparison.run`.
    note
        What to look at, for the learner.
    """

    exposure: str
    outcome: str
    _: KW_ONLY
    truth: float
    priors: PriorChoice
    expectations: tuple[Asking, ...]
    effect: Effect = "direct"
    own: Mapping[str, Collection[str] | str] = field(default_factory=dict)
    family: Family | Literal["auto"] = "auto"
    form: str | None = None
    trials: str | None = None
    categorical: Collection[str] = ()
    paths: bool = False
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
        Column -> values, the same at every call; or the path of a file.
    source
        Where the data were taken from; "" for those that a recipe draws.
    """

    name: str
    _: KW_ONLY
    place: int
    title: str
    teaches: str
    dag: str
    simulate: Callable[[], Mapping[str, NDArray[Any]] | str]
    questions: tuple[Asked, ...]
    source: str = ""

    def __post_init__(self) -> None:
        if not self.questions:
            raise ValueError(f"The lesson {self.name!r} asks nothing.")


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A random number whose distribution is known in closed form, and draws of it.

    Attributes
    ----------
    name, place, title, teaches
        As in `Lesson`.
    recipe
        How the number comes about, in one line.
    quantity
        What it is called.
    exact
        Its distribution: Normal or Beta.
    draw
        Independent draws of it; the same at every call.
    """

    name: str
    _: KW_ONLY
    place: int
    title: str
    teaches: str
    recipe: str
    quantity: str
    exact: Distribution
    draw: Callable[[], NDArray[np.float64]]

    def __post_init__(self) -> None:
        moments(self.exact)  # a distribution without them is refused here


Experiment = Lesson | Demonstration


def moments(distribution: Distribution) -> tuple[float, float]:
    """Mean and sd of a Normal or a Beta distribution."""
    match distribution:
        case Distribution("Normal", (mean, sd)):
            return mean, sd
        case Distribution("Beta", (a, b)):
            return a / (a + b), math.sqrt(a * b / (a + b + 1)) / (a + b)
        case _:
            raise ValueError(f"A Demonstration is of a Normal or a Beta, not of {distribution}.")


def cumulative(distribution: Distribution, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(number <= x) at each x, by the trapezoidal rule: to about 1e-7."""
    import numpy as np

    mean, sd = moments(distribution)
    low, high = distribution.support
    grid = np.linspace(max(low, mean - 12 * sd), min(high, mean + 12 * sd), 20_001)
    height = np.exp(distribution.log_density(grid))
    total = np.concatenate([[0.0], np.cumsum(height[1:] + height[:-1])])
    share: NDArray[np.float64] = np.interp(at, grid, total / total[-1])
    return share


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


@dataclass(frozen=True, slots=True, eq=False)
class Demonstrated:
    """A demonstration performed: its draws, and what became of the two expectations of them."""

    lesson: Demonstration
    draws: NDArray[np.float64]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether the draws are as the closed form says."""
        return all(self.findings)


Performed = Result | Demonstrated


@overload
def perform(lesson: Lesson) -> Result: ...


@overload
def perform(lesson: Demonstration) -> Demonstrated: ...


def perform(lesson: Experiment) -> Performed:
    """Make the data, answer the questions, check the expectations.

    Raises
    ------
    LessonError
        The recipe fails, or its data cannot answer a question; the message names the lesson.
    """
    if isinstance(lesson, Demonstration):
        return _demonstrated(lesson)
    data = _made(lesson.name, lesson.simulate)
    answers = []
    try:
        dag = read(lesson.dag)
        for asked in lesson.questions:
            question = dag.question(asked.exposure, asked.outcome, effect=asked.effect)
            study = run(
                question,
                data,
                own=asked.own,
                family=asked.family,
                form=asked.form,
                trials=asked.trials,
                categorical=asked.categorical,
                priors=asked.priors,
                paths=asked.paths,
            )
            findings = tuple(e.check(study, asked.truth) for e in asked.expectations)
            answers.append(Answer(asked, study, findings))
    except CausalError as error:
        raise LessonError(
            f"The experiment {shown(lesson.name)} cannot be performed: {error}"
        ) from error
    return Result(lesson, tuple(answers))


def _demonstrated(lesson: Demonstration) -> Demonstrated:
    """The mean of the draws is held against the exact one, and the draws against the distribution.

    The sampling sd of the mean is that of one draw / sqrt(draws).
    """
    draws = _made(lesson.name, lesson.draw)
    mean, sd = moments(lesson.exact)
    near = Near(DRAWS, mean, error=sd / math.sqrt(draws.size))
    found = float(draws.mean())
    findings = (
        Finding(near, mean, found, abs(found - mean) <= near.margin),
        Follows(lesson.exact, draws=draws.size).holds(draws),
    )
    return Demonstrated(lesson, draws, findings)


def _made[Data](name: str, make: Callable[[], Data]) -> Data:
    """What the recipe of an experiment gives."""
    try:
        return make()
    except Exception as error:
        code = getattr(make, "__code__", None)
        raise LessonError(
            f"The experiment {shown(name)} cannot be performed: its "
            f"{getattr(code, 'co_name', 'recipe')}() fails"
            f"{_told(error, getattr(code, 'co_filename', ''))} Run it by itself to see more, and "
            "mend it."
        ) from error


# Reading a lesson from its file


def load(path: str | os.PathLike[str]) -> Experiment:
    """Execute the Python file *path* and take the `Experiment` that it calls ``LESSON``.

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
    if not isinstance(lesson, Experiment):
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

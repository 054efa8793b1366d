"""The correct posterior against the naive ones: what each says, and which mislead.

A `Study` is the answer to one question on one table. It keeps the evidence (verdicts, posteriors,
shifts) and says nothing in prose; the display stage does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from causal.criteria.explanation import Explanation, explain
from causal.criteria.question import Question
from causal.criteria.verdict import Verdict
from causal.data.table import Source, Table, read_table
from causal.inference.posterior import Posterior
from causal.inference.select import Progress, check_there, choose, sample
from causal.models.families import Family
from causal.models.formula import Formula, parse, parse_terms
from causal.models.generator import Plan, columns_read, grouping, plan
from causal.models.priors import PriorChoice
from causal.models.regression import Regression
from causal.study.before import prior_effect
from causal.study.effects import Effect, check_groups, dose_response, effects, subgroup_effects
from causal.study.pathways import PathAnalysis, chain, check_linear, path_analysis
from causal.study.priorsense import moved_by_priors
from causal.study.sets import MinimalSets, SetComparison, compare_sets, minimal_models
from causal.study.shift import Shift, from_priors, shifts, verdict
from causal.study.shift import Verdict as ShiftVerdict

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas
    import pymc
    from numpy.typing import NDArray
    from xarray import DataTree

__all__ = ["Difference", "Fit", "Study", "compare", "run"]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One regression with its posterior and what that says about the question."""

    regression: Regression
    verdict: Verdict  # on its adjustment set
    draws: Posterior
    effects: tuple[Effect, ...]  # the headline first
    table: Table  # the rows used

    @property
    def effect(self) -> Effect:
        """The headline: the effect on the scale of the question."""
        return self.effects[0]

    @property
    def passed(self) -> bool:
        """Whether the sampler's checks found nothing wrong."""
        return not self.draws.diagnostics.problems

    def by(self, variable: str) -> Mapping[str, tuple[Effect, ...]]:
        """The effects in each group of a variable; see `causal.study.effects.subgroup_effects`."""
        return subgroup_effects(
            self.regression, self.draws, self.table, variable, prob=self.effect.prob
        )

    def curve(self, values: Sequence[float]) -> NDArray[np.float64]:
        """The average outcome at each value of the exposure; see `dose_response`."""
        return dose_response(self.regression, self.draws, self.table, values)

    @property
    def model(self) -> pymc.Model:
        """The regression as a PyMC model, with these data."""
        from causal.models.pymc_model import build

        return build(self.regression, self.table)

    @property
    def before(self) -> Effect | None:
        """The headline effect as the priors alone have it; None where one of them is flat."""
        return prior_effect(self.regression, self.table, prob=self.effect.prob)

    @property
    def moved_by_priors(self) -> float | None:
        """How far twice as strong priors would move the effect, in its sds; see `priorsense`."""
        return moved_by_priors(self.regression, self.draws, self.effect)

    @property
    def posterior(self) -> DataTree:
        """The draws as an ArviZ DataTree."""
        return self.draws.to_arviz()


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """How far a model lies from the correct one, and what that means."""

    shift: Shift
    verdict: ShiftVerdict
    of_means: float  # difference of the two posterior means
    from_priors: float | None  # how much of it the priors made, where that is worth saying


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """The answer to one question on one table.

    ``study["correct"]`` is a `Fit`. Without an identifiable effect there is no correct model, and
    nothing to measure the others against.
    """

    plan: Plan
    explanation: Explanation
    fits: Mapping[str, Fit]
    differences: Mapping[str, Difference]
    prob: float
    seed: int
    matters: float | None
    by: str | None = None  # the variable whose groups were asked for
    pathways: PathAnalysis | None = None
    sets: SetComparison | None = None  # of all minimal sets, where that was asked for

    def __getitem__(self, name: str) -> Fit:
        return self.fits[name]

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.plan.question

    @property
    def source(self) -> Source:
        """Where the data came from."""
        return self.plan.table.source

    @property
    def passed(self) -> bool:
        """Whether every fit passed its checks."""
        taken_apart = self.pathways is None or self.pathways.passed
        return taken_apart and all(fit.passed for fit in self.fits.values())

    @property
    def subgroups(self) -> Mapping[str, Mapping[str, tuple[Effect, ...]]]:
        """The effects in each group of ``by``, for every model that holds it."""
        if self.by is None:
            return {}
        return {
            name: fit.by(self.by)
            for name, fit in self.fits.items()
            if self.by in fit.regression.adjust_for
        }

    @property
    def identifiable(self) -> bool:
        """Whether there is a correct model."""
        return bool(self.plan.adjustment)

    # Forward: one line each, the work stands in the display stage

    def __str__(self) -> str:
        from causal.display.text import study_text

        return study_text(self)

    def _repr_html_(self) -> str:
        from causal.display.report import fragment

        return fragment(self)

    def summary(self) -> pandas.DataFrame:
        """One row per model: effect, interval, verdict."""
        from causal.display.tables import summary

        return summary(self)

    def plot(self) -> Any:
        """Both posteriors and the shift, as a matplotlib figure."""
        from causal.display.plots import comparison_figure

        return comparison_figure(self)

    def script(self, dialect: str = "pymc", *, data: str | None = None) -> str:
        """Both regressions as a stand-alone program; `data` is the file, if not the one read."""
        from causal.models.script import of_plan

        return of_plan(self.plan, dialect=dialect, data_path=data, seed=self.seed, prob=self.prob)

    def report(self, path: str) -> None:
        """Write the HTML report to *path*."""
        from causal.display.report import write

        write([self], path)


class Options(TypedDict, total=False):
    """What `run` may be told beside question and data."""

    own: Mapping[str, Collection[str] | Formula | str] | None
    family: Family | Literal["auto"]
    form: Formula | str | None
    trials: str | None
    categorical: Collection[str]
    priors: PriorChoice | None
    sampler: str
    draws: int
    prob: float
    seed: int
    matters: float | None
    by: str | None
    paths: bool
    all_sets: bool
    jobs: int
    cluster: str | None
    keep: Path | str | None
    pymc3_python: str | None
    progress: Progress | None


def run(
    question: Question,
    data: object,
    *,
    own: Mapping[str, Collection[str] | Formula | str] | None = None,
    family: Family | Literal["auto"] = "auto",
    form: Formula | str | None = None,
    trials: str | None = None,
    categorical: Collection[str] = (),
    priors: PriorChoice | None = None,
    sampler: str = "auto",
    draws: int = 4000,
    prob: float = 0.89,
    seed: int = 0,
    matters: float | None = None,
    by: str | None = None,
    paths: bool = False,
    all_sets: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    keep: Path | str | None = None,
    pymc3_python: str | None = None,
    progress: Progress | None = None,
) -> Study:
    """Answer *question* from *data*: `read_table`, `plan` and `compare` in one call.

    Parameters
    ----------
    question
        One exposure, one outcome, direct or total.
    data
        A path (CSV, Parquet, Arrow), a data frame, an Arrow table, or a mapping of arrays.
    own
        The user's own models by name: an adjustment set, or a formula such as ``"y ~ x*z"``.
    family, trials, categorical, priors
        See `causal.models.generator.plan` and `causal.data.table.read_table`.
    form
        How variables enter the models, such as ``"poly(age, 2) + x:g + (1 | school)"``: each model
        takes the terms whose variables it holds, and all else as it is.
    sampler, draws, seed, progress
        See `causal.inference.select.sample`.
    prob
        Mass of the equal-tailed intervals.
    matters
        Half the width of the region of practical equivalence, in units of the effect.
    by
        Tell the effect apart by the groups of this variable, too.
    paths
        Take it apart along the arrows, too: `causal.study.pathways`.
    all_sets
        Compare all minimal adjustment sets, too: `causal.study.sets`.
    jobs, cluster, keep
        Where the models are fitted, and finished fits kept: `causal.inference.many.fit_many`.
    pymc3_python
        The interpreter of the sampler ``pymc3``.

    Raises
    ------
    CausalError
        The data cannot answer the question; the message says why and what to do.
    """
    form = parse_terms(form) if isinstance(form, str) else form
    models = {name: _model(given) for name, given in (own or {}).items()}
    formulas = [m for m in (*models.values(), form) if isinstance(m, Formula)]
    groups = [name for name in grouping(formulas) if name in question.dag.names]
    table = read_table(
        data,
        columns_read(question, formulas, trials),
        categorical={*categorical, *groups},
    )
    minimal = minimal_models(question, models) if all_sets else None
    made = plan(
        question,
        table,
        own=models if minimal is None else {**models, **minimal.own},
        family=family,
        form=form,
        trials=trials,
        prior_choice=priors,
    )
    if paths:
        check_linear(
            form, family if trials is None else "binomial"
        )  # refuse before anything is sampled
        chain(question)
    study = compare(
        made,
        sampler=sampler,
        draws=draws,
        prob=prob,
        seed=seed,
        matters=matters,
        by=by,
        minimal=minimal,
        jobs=jobs,
        cluster=cluster,
        keep=keep,
        pymc3_python=pymc3_python,
        progress=progress,
    )
    if not paths:
        return study
    apart = path_analysis(
        question,
        table,
        priors=priors,
        sampler=sampler,
        draws=draws,
        prob=prob,
        seed=seed,
        pymc3_python=pymc3_python,
        progress=progress,
    )
    return replace(study, pathways=apart)


def _model(given: Collection[str] | Formula | str) -> Collection[str] | Formula:
    """A text with a ``~`` is a formula, one without is a name."""
    if isinstance(given, str):
        return parse(given) if "~" in given else [given] * bool(given)
    return given


def compare(
    made: Plan,
    *,
    sampler: str = "auto",
    draws: int = 4000,
    prob: float = 0.89,
    seed: int = 0,
    matters: float | None = None,
    by: str | None = None,
    minimal: MinimalSets | None = None,
    jobs: int = 1,
    cluster: str | None = None,
    keep: Path | str | None = None,
    pymc3_python: str | None = None,
    progress: Progress | None = None,
) -> Study:
    """Fit every regression of a plan and measure each against the correct one.

    By `causal.inference.many.fit_plan` where `jobs`, `cluster` or `keep` say so: then a model that
    cannot be fitted is left out, with the reason. `minimal` are sets whose models are in the plan.
    """
    for regression in made.regressions:
        choose(regression, sampler)  # refuse before anything is sampled
    check_there(sampler, pymc3_python)
    if by is not None:
        check_groups(made.regressions[0], made.table, by)
    if jobs == 1 and cluster is None and keep is None:
        posteriors = sample(
            made.regressions,
            made.table,
            made.moments,
            asked=sampler,
            draws=draws,
            seed=seed,
            progress=progress,
            pymc3_python=pymc3_python,
        )
        made = _reached(made, posteriors)
    else:
        from causal.inference.many import fit_plan

        made, posteriors = fit_plan(
            made,
            asked=sampler,
            draws=draws,
            seed=seed,
            jobs=jobs,
            cluster=cluster,
            keep=keep,
            progress=progress,
            pymc3_python=pymc3_python,
        )
    fits = {
        r.name: Fit(
            regression=r,
            verdict=made.verdicts[r.name],
            draws=posteriors[r.name],
            effects=effects(r, posteriors[r.name], made.table, prob=prob),
            table=made.table,
        )
        for r in made.regressions
    }
    study = Study(
        plan=made,
        explanation=explain(made.question),
        fits=MappingProxyType(fits),
        differences=MappingProxyType(_differences(made, fits, prob, seed, matters)),
        prob=prob,
        seed=seed,
        matters=matters,
        by=by,
    )
    return study if minimal is None else replace(study, sets=compare_sets(study, minimal))


def _reached(made: Plan, posteriors: Mapping[str, Posterior]) -> Plan:
    """The plan without the regressions that an interruption came before."""
    lost = [r.name for r in made.regressions if r.name not in posteriors]
    if not lost:
        return made
    why = "the sampling was interrupted before this model"
    return replace(
        made,
        regressions=tuple(r for r in made.regressions if r.name in posteriors),
        left_out=MappingProxyType({**made.left_out, **dict.fromkeys(lost, why)}),
    )


def _differences(
    made: Plan, fits: Mapping[str, Fit], prob: float, seed: int, matters: float | None
) -> dict[str, Difference]:
    correct = fits.get("correct")
    others = [r for r in made.regressions if r.name != "correct"]
    if correct is None or not others:
        return {}
    held = {
        name: {p: fit.draws.summary(p).mean for p in fit.regression.other_names}
        for name, fit in fits.items()
    }
    measured = shifts(
        correct.regression,
        others,
        made.table,
        prob=prob,
        seed=seed,
        held=held,
        moments=made.moments,
    )
    found = {}
    for name, shift in measured.items():
        of_means = fits[name].effect.mean - correct.effect.mean
        found[name] = Difference(
            shift=shift,
            verdict=verdict(
                shift,
                valid=bool(fits[name].verdict),
                checks_passed=correct.passed and fits[name].passed,
                matters=matters,
            ),
            of_means=of_means,
            from_priors=from_priors(of_means, shift),
        )
    return found

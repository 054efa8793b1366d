"""The correct posterior against the naive ones: what each says, and which mislead.

A `Study` is the answer to one question on one table. It keeps the evidence (verdicts, posteriors,
shifts) and says nothing in prose; the display stage does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from causal.criteria.explanation import Explanation, explain
from causal.criteria.question import Question
from causal.criteria.verdict import Verdict
from causal.data.table import Source, Table, read_table
from causal.inference.posterior import Posterior
from causal.inference.select import Progress, choose, sample
from causal.models.generator import Plan, observed, plan
from causal.models.priors import PriorChoice
from causal.models.regression import Family, Regression
from causal.study.effects import Effect, effects
from causal.study.shift import Shift, from_priors, shifts, verdict
from causal.study.shift import Verdict as ShiftVerdict

if TYPE_CHECKING:
    import pandas
    import pymc
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

    @property
    def model(self) -> pymc.Model:
        """The regression as a PyMC model, with these data."""
        from causal.models.pymc_model import build

        return build(self.regression, self.table)

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
        return all(fit.passed for fit in self.fits.values())

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

    def report(self, path: str) -> None:
        """Write the HTML report to *path*."""
        from causal.display.report import write

        write([self], path)


def run(
    question: Question,
    data: object,
    *,
    own: Mapping[str, Collection[str]] | None = None,
    family: Family | Literal["auto"] = "auto",
    categorical: Collection[str] = (),
    priors: PriorChoice | None = None,
    sampler: str = "auto",
    draws: int = 4000,
    prob: float = 0.89,
    seed: int = 0,
    matters: float | None = None,
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
        Adjustment sets of the user's own models, by name.
    family, categorical, priors
        See `causal.models.generator.plan` and `causal.data.table.read_table`.
    sampler, draws, seed, progress
        See `causal.inference.select.sample`.
    prob
        Mass of the equal-tailed intervals.
    matters
        Half the width of the region of practical equivalence, in units of the effect.

    Raises
    ------
    CausalError
        The data cannot answer the question; the message says why and what to do.
    """
    table = read_table(data, observed(question), categorical=categorical)
    made = plan(question, table, own=own, family=family, prior_choice=priors)
    return compare(
        made,
        sampler=sampler,
        draws=draws,
        prob=prob,
        seed=seed,
        matters=matters,
        progress=progress,
    )


def compare(
    made: Plan,
    *,
    sampler: str = "auto",
    draws: int = 4000,
    prob: float = 0.89,
    seed: int = 0,
    matters: float | None = None,
    progress: Progress | None = None,
) -> Study:
    """Fit every regression of a plan and measure each against the correct one."""
    for regression in made.regressions:
        choose(regression, sampler)  # refuse before anything is sampled
    posteriors = sample(
        made.regressions,
        made.table,
        made.moments,
        asked=sampler,
        draws=draws,
        seed=seed,
        progress=progress,
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
    return Study(
        plan=made,
        explanation=explain(made.question),
        fits=MappingProxyType(fits),
        differences=MappingProxyType(_differences(made, fits, prob, seed, matters)),
        prob=prob,
        seed=seed,
        matters=matters,
    )


def _differences(
    made: Plan, fits: Mapping[str, Fit], prob: float, seed: int, matters: float | None
) -> dict[str, Difference]:
    correct = fits.get("correct")
    others = [r for r in made.regressions if r.name != "correct"]
    if correct is None or not others:
        return {}
    noise = {
        name: fit.draws.summary("sigma").mean
        for name, fit in fits.items()
        if fit.regression.family == "gaussian"
    }
    measured = shifts(correct.regression, others, made.table, prob=prob, seed=seed, sigmas=noise)
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

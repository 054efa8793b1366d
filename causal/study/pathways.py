"""Path analysis: the effect taken apart along the arrows, by a chain of regressions.

Each variable on a causal path from exposure to outcome is regressed on its parents in the DAG, all
in one model; the exposure generates the mediator, the mediator the outcome. The likelihood is the
product of theirs, and the priors are independent, so the posterior is the product of the posteriors
of the single regressions (Pearl 2009, section 5.3.1: a recursive linear model)::

    direct      the coefficient of the arrow from exposure to outcome
    total       the sum over the causal paths of the products of their arrows' coefficients (Wright)
    indirect    total - direct

This is right where every arrow's coefficient is a direct effect that its regression identifies,
where the errors of different regressions have no common source, and where effects are sums: normal
outcomes, no interactions. Anything else is refused, with the reason. (Two mediators that share an
unmeasured cause: each slope is right, but they are not independent, so that the interval is not.)

References
----------
Wright, S. (1934). The method of path coefficients. Annals of Mathematical Statistics 5, 161-215.
Pearl, J. (2009). Causality, 2nd ed., chapter 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from causal.criteria.question import Question
from causal.criteria.reasons import blame, listed
from causal.criteria.verdict import judge
from causal.data.moments import Moments
from causal.data.table import Table, read_table
from causal.errors import ModelError, QuestionError, shown
from causal.graph.walk import ancestors, descendants, open_path
from causal.inference.posterior import Posterior, quantiles
from causal.inference.select import Progress, sample
from causal.models.design import dependent_columns, needed, statistic
from causal.models.priors import PriorChoice, resolve
from causal.models.regression import Regression
from causal.models.terms import Categorical, Numeric
from causal.study.effects import Effect, contrasts

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

__all__ = ["PathAnalysis", "causes", "chain", "check_linear", "path_analysis"]


@dataclass(frozen=True, slots=True, eq=False)
class PathAnalysis:
    """What a chain of regressions says about one exposure and one outcome.

    Attributes
    ----------
    regressions
        Outcome last, each after those of its parents.
    posteriors
        By the variable explained.
    direct, indirect, total
        On the scale of the outcome, for the same contrast as in a comparison; for a category of
        several levels its first contrast.
    table
        The rows used: complete in all columns of the chain.
    """

    question: Question
    regressions: tuple[Regression, ...]
    posteriors: Mapping[str, Posterior]
    direct: Effect
    indirect: Effect
    total: Effect
    table: Table

    @property
    def passed(self) -> bool:
        """Whether every sampler's checks found nothing wrong."""
        return not any(p.diagnostics.problems for p in self.posteriors.values())


def chain(question: Question) -> tuple[str, ...]:
    """The variables that a path analysis explains, in causal order, the outcome last.

    Raises
    ------
    QuestionError
        Several exposures or outcomes.
    ModelError
        No causal path, an arrow on one whose coefficient its regression does not identify, or two
        regressions whose errors go together.
    """
    if len(question.exposures) != 1 or len(question.outcomes) != 1:
        raise QuestionError(
            "A path analysis takes one exposure and one outcome. Choose them with -x and -y."
        )
    [exposure], [outcome] = question.exposures, question.outcomes
    dag = question.dag
    start, end = dag.number(exposure), dag.number(outcome)
    between = descendants(dag.adjacency, [start]) & ancestors(dag.adjacency, [end])
    if end not in between:
        raise ModelError(
            f"There is no directed path from {shown(exposure)} to {shown(outcome)}, so there are "
            "no pathways to take apart."
        )
    unmeasured = between & dag.hidden
    if unmeasured:
        raise ModelError(
            f"{shown(dag.label(min(unmeasured)))} lies between {shown(exposure)} and "
            f"{shown(outcome)} and was not measured, so the effect cannot be taken apart there. "
            "Ask for the total effect: --effect total."
        )
    fixed = between & dag.numbers(dag.selected)
    if fixed:
        raise ModelError(
            f"{shown(dag.label(min(fixed)))} lies between {shown(exposure)} and {shown(outcome)} "
            "and the data are selected on it, so it does not vary as the effect would have it. No "
            "regression on these data can take the effect apart there."
        )
    sorter = TopologicalSorter(
        {node: [p for p in dag.adjacency.parents[node] if p in between] for node in between}
    )
    order = [dag.names[node] for node in sorter.static_order() if node != start]
    for name in order:
        parents = causes(question, name)
        for parent in sorted(set(parents) & {*order, exposure}):
            asked = dag.question(parent, name, effect="direct")
            verdict = judge(asked, [p for p in parents if p != parent])
            if not verdict:
                raise ModelError(
                    f"The arrow {shown(parent)} -> {shown(name)} cannot be told from the data by "
                    f"regressing {shown(name)} on its causes: {blame(verdict)}. Ask for the total "
                    "effect alone (--effect total), or measure what is missing."
                )
    _refuse_common_errors(question, order)
    return tuple(order)


def _refuse_common_errors(question: Question, order: Sequence[str]) -> None:
    """Refuse two explained variables that are still associated when all their causes are held.

    Where one causes the other, the arrow between them has been judged; and where everything is
    measured, there is nothing left to be associated by.
    """
    dag = question.dag
    if not dag.hidden and not dag.selected:
        return
    for one, other in combinations(order, 2):
        parents = causes(question, one), causes(question, other)
        if one in parents[1]:
            continue
        held = dag.numbers({*parents[0], *parents[1], *dag.selected} - {one, other})
        path = open_path(dag.adjacency, dag.numbers([one]), dag.numbers([other]), held)
        if path is not None:
            raise ModelError(
                f"The errors of {shown(one)} and {shown(other)} go together, for {path.text(dag)} "
                "is open when their measured causes are held fixed. The regressions of a path "
                "analysis must not share what they leave unexplained. Ask for the total effect "
                "alone (--effect total), or measure what is missing."
            )


def check_linear(form: object, family: str) -> None:
    """Refuse what a path analysis, a sum of products of slopes, would not take into account.

    Raises
    ------
    ModelError
        A form (``--terms``), or a family that is not normal.
    """
    what = "terms of one's own" if form is not None else f"family {family}"
    if form is not None or family not in ("auto", "gaussian"):
        raise ModelError(
            f"Path analysis adds up products of slopes, and takes no {what}. "
            "Leave --paths out, or ask for it in a run of its own."
        )


def causes(question: Question, name: str) -> tuple[str, ...]:
    """The measured parents of a variable in the DAG, sorted."""
    dag = question.dag
    parents = set(dag.adjacency.parents[dag.number(name)]) - dag.hidden
    return tuple(n for n in dag.named(parents) if n not in dag.selected)


def path_analysis(
    question: Question,
    data: object,
    *,
    categorical: Collection[str] = (),
    priors: PriorChoice | None = None,
    sampler: str = "auto",
    draws: int = 4000,
    prob: float = 0.89,
    seed: int = 0,
    pymc3_python: str | None = None,
    progress: Progress | None = None,
) -> PathAnalysis:
    """Take the effect apart along the arrows.

    Parameters
    ----------
    question
        One exposure, one outcome; its effect (direct or total) does not matter.
    data
        As for `causal.study.comparison.run`, or a `Table` that was read.
    categorical, priors, sampler, draws, prob, seed, pymc3_python, progress
        As there; an override of a variable's prior holds in every regression it is in.

    Raises
    ------
    CausalError
        The chain is not identified, or its regressions are not linear; says which and why.
    """
    explained = chain(question)
    choice = priors or PriorChoice()
    parents = {name: causes(question, name) for name in explained}
    columns = sorted({*explained, *(p for ps in parents.values() for p in ps)})
    table = data if isinstance(data, Table) else read_table(data, columns, categorical=categorical)
    used = table.complete(columns)
    regressions = tuple(_regression(name, parents[name], used, choice) for name in explained)
    moments = statistic(regressions, used)
    for regression in regressions:
        _check_rank(regression, moments, choice)
    # One stream of random numbers each: draws of different regressions must be independent.
    posteriors = {
        regression.outcome: sample(
            [regression],
            used,
            moments,
            asked=sampler,
            draws=draws,
            seed=seed + place,
            pymc3_python=pymc3_python,
            progress=progress,
        )[regression.name]
        for place, regression in enumerate(regressions)
    }
    problems = (p for one in posteriors.values() for p in one.diagnostics.problems)
    if any(problem.startswith("interrupted") for problem in problems):
        raise KeyboardInterrupt  # of one of them: the draws no longer go together
    direct, total, label = _along(question, regressions, posteriors, used)

    def effect(values: NDArray[np.float64]) -> Effect:
        low, high = quantiles(values, [(1.0 - prob) / 2.0, (1.0 + prob) / 2.0])
        return Effect(
            float(values.mean()),
            float(values.std(ddof=1)),
            (low, high),
            prob,
            float(np.mean(values > 0.0)),
            label,
            "outcome",
            values,
        )

    return PathAnalysis(
        question=question,
        regressions=regressions,
        posteriors=MappingProxyType(posteriors),
        direct=effect(direct),
        indirect=effect(total - direct),
        total=effect(total),
        table=used,
    )


def _check_rank(regression: Regression, moments: Moments, choice: PriorChoice) -> None:
    """Refuse what `causal.models.generator.plan` would refuse of a single model."""
    where = f"In the regression of {shown(regression.outcome)}"
    count = int(needed(regression).sum())
    if moments.rows <= count:
        if choice.covers(regression):
            return
        raise ModelError(
            f"{where}, {moments.rows:,} rows are too few for {count} coefficients: the priors "
            "alone would decide. Give more rows, or a --prior for every coefficient (intercept, "
            "slope, sigma)."
        )
    dependent = dependent_columns(regression, moments)
    if dependent:
        name, others = next(iter(dependent.items()))
        raise ModelError(
            f"{where}, {shown(name)} is an exact linear function of "
            f"{listed([shown(o) for o in others]) or 'a constant'}, so their coefficients cannot "
            "be told apart. Leave one of them out."
        )


def _regression(
    name: str, parents: tuple[str, ...], used: Table, choice: PriorChoice
) -> Regression:
    column = used[name]
    if column.kind in ("category", "binary"):
        kind = "a category" if column.kind == "category" else "a variable of two values"
        raise ModelError(
            f"Path analysis adds up products of slopes, and {shown(name)}, which it would have to "
            f"explain, is {kind}. Ask for the direct and the total effect instead: --effect both."
        )
    if column.constant:
        raise ModelError(
            f"{shown(name)} has one value in the rows used: there is nothing to explain."
        )
    terms = tuple(
        Categorical(p, used[p].levels) if used[p].kind == "category" else Numeric(p)
        for p in parents
    )
    priors = resolve(choice, terms, name, "gaussian", used)
    return Regression(f"of {name}", name, None, terms, "gaussian", priors)


def _along(
    question: Question,
    regressions: tuple[Regression, ...],
    posteriors: Mapping[str, Posterior],
    used: Table,
) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """The direct and the total effect, draw by draw, and what is compared.

    ``moved[v]`` is how far v moves when the exposure does, (draws,); one pass in causal order adds
    the paths up without listing them.
    """
    [exposure], [outcome] = question.exposures, question.outcomes
    last = regressions[-1]
    contrast = contrasts(
        Regression(last.name, outcome, exposure, _with(exposure, used), "gaussian", last.priors),
        used,
    )[0]
    # NUTS rounds the number of draws up to a multiple of its chains, the exact sampler does not.
    size = min(p.draws.shape[0] * p.draws.shape[1] for p in posteriors.values())
    moved: dict[str, NDArray[np.float64]] = {}
    direct = np.zeros(size)
    for regression in regressions:
        posterior = posteriors[regression.outcome]
        total = np.zeros(size)
        for parent in regression.predictors:
            names = regression.coefficients_of(parent)
            if parent == exposure:
                if used[parent].kind == "category":
                    weights = {names[int(contrast.high)]: 1.0, names[0]: -1.0}
                else:
                    weights = {names[0]: contrast.step}
                own = posterior.values(weights).ravel()[:size]
                direct = own if regression.outcome == outcome else direct
                total = total + own
            elif parent in moved:
                total = total + posterior.values(names[0]).ravel()[:size] * moved[parent]
        moved[regression.outcome] = total
    return direct, moved[outcome], contrast.label


def _with(exposure: str, used: Table) -> tuple[Numeric | Categorical, ...]:
    column = used[exposure]
    return (
        (Categorical(exposure, column.levels),)
        if column.kind == "category"
        else (Numeric(exposure),)
    )

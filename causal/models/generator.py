"""From a question and its answer to the regressions that are compared.

``correct`` holds the exposure and the recommended set. The naive ones hold what people put in
without a DAG: ``unadjusted`` the exposure alone, ``everything`` each other observed variable. The
user's own come beside them. All are fitted on the same rows, those complete in every column that
any of them uses, or the comparison would mean nothing; and in the same form, if the user gave one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from causal.criteria.adjustment import Adjustment, adjust
from causal.criteria.question import Question
from causal.criteria.reasons import listed, set_text
from causal.criteria.verdict import Verdict, judge
from causal.data.large import LargeTable
from causal.data.moments import Moments
from causal.data.table import Column, Table
from causal.errors import DataError, ModelError, QuestionError, did_you_mean, shown
from causal.models.assembly import entering, offsets_on, terms_on
from causal.models.design import columns_without_rows, dependent_columns, needed, statistic
from causal.models.families import Family
from causal.models.formula import Formula, factor_variable, formula_set
from causal.models.outcomes import (
    choose_family,
    grades_of,
    in_blocks,
    outcome_notes,
    prepared,
)
from causal.models.priors import PriorChoice, check_places, resolve
from causal.models.regression import Regression
from causal.models.terms import Categorical, Interaction, Term, Varying, columns, written

__all__ = ["NAIVE", "Plan", "columns_read", "grouping", "observed", "plan"]

NAIVE = ("unadjusted", "everything")
_MOST_CELLS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Everything decided before the first draw.

    ``table`` holds the rows used and the columns of the models, ``moments`` their sufficient
    statistic; ``verdicts`` judges the set of every model, those left out among them.
    """

    question: Question
    adjustment: Adjustment
    table: Table
    moments: Moments
    rows_read: int
    dropped: Mapping[str, int]
    regressions: tuple[Regression, ...]
    verdicts: Mapping[str, Verdict]
    left_out: Mapping[str, str]
    prior_choice: PriorChoice
    notes: tuple[str, ...]


def observed(question: Question) -> tuple[str, ...]:
    """The variables whose columns the data must have: all but the latent and selected ones."""
    dag = question.dag
    return tuple(name for name in dag.names if name not in dag.latent | dag.selected)


def columns_read(
    question: Question, formulas: Iterable[Formula] = (), trials: str | None = None
) -> tuple[str, ...]:
    """The columns that a plan needs of the data: `observed`, those of offsets, the trials.

    Offsets and trials need not be variables of the DAG: they say how long or how often a row was
    watched.
    """
    more = [factor_variable(factor) for formula in formulas for factor in formula.offsets]
    if trials is not None:
        more.append(trials)
    return tuple(dict.fromkeys((*observed(question), *more)))


def grouping(formulas: Iterable[Formula]) -> tuple[str, ...]:
    """The variables that formulas group by: categories, whatever they look like."""
    return tuple(dict.fromkeys(group.by for formula in formulas for group in formula.groups))


def plan(
    question: Question,
    table: Table,
    *,
    own: Mapping[str, Collection[str] | Formula] | None = None,
    family: Family | Literal["auto"] = "auto",
    form: Formula | None = None,
    trials: str | None = None,
    prior_choice: PriorChoice | None = None,
) -> Plan:
    """Decide what is fitted, on which rows, with which priors.

    Parameters
    ----------
    question
        One exposure, one outcome.
    table
        The columns of `observed`, of the trials and of offsets.
    own
        The user's own models by name: an adjustment set, or a formula to be fitted as it stands.
    family
        ``"auto"``: Bernoulli for an outcome of two values, else normal.
    form
        How variables enter the models, from `causal.models.formula.parse_terms`; see
        `causal.models.assembly.entering`.
    trials
        The column with the number of trials, for ``binomial``.
    prior_choice
        Preset and overrides.

    Raises
    ------
    QuestionError
        Several exposures or outcomes.
    DataError
        Exposure or outcome with one value, or a text outcome.
    ModelError
        A correct model that cannot be fitted; a prior for a variable that no model has.
    """
    prior_choice = prior_choice or PriorChoice()
    exposure, outcome = _single(question)
    adjustment = adjust(question)
    formulas = {n: given for n, given in (own or {}).items() if isinstance(given, Formula)}
    sets = _sets(question, adjustment, own or {})
    if form is not None:
        _check_form(form, question, table)
    verdicts = {name: judge(question, names) for name, names in sets.items()}
    left_out = {}
    for name, names in sets.items():
        absent = [n for n in names if n not in table.columns]
        if absent:
            mark = "latent" if absent[0] in question.dag.latent else "selected"
            left_out[name] = f"{listed([shown(n) for n in absent])} is marked {mark}: no data on it"
    rights = {
        name: formulas.get(name) or entering(exposure, names, form, table)
        for name, names in sets.items()
        if name not in left_out
    }
    left_out |= _duplicates(sets, rights)

    while True:
        # A model that cannot be fitted must not cost the others rows, nor rescue itself by theirs.
        fitted = {name: right for name, right in rights.items() if name not in left_out}
        wanted = {outcome} if trials is None else {outcome, trials}
        for right in fitted.values():
            wanted |= {*right.predictors}
        used = table.complete(sorted(wanted))
        _check_ends(used, table.rows, exposure, outcome, trials)
        faults = {name: why for name in fitted if (why := _unvaried(sets[name], used))}
        if not faults:
            if isinstance(used, LargeTable) and not in_blocks(used[outcome], family, trials):
                used = used.gathered(wanted, counted=family not in ("student", "ordered"))
            kind = choose_family(
                used, outcome, family, trials, numbers=partial(_data_rows, table, used.columns)
            )
            used = prepared(used, kind, sorted({exposure}.union(*sets.values())))
            make = _Maker(exposure, outcome, used, kind, trials, prior_choice)
            regressions = tuple(make(name, right) for name, right in fitted.items())
            check_places(prior_choice, regressions)
            moments = statistic(regressions, used)
            faults = {r.name: why for r in regressions if (why := _fault(r, moments, prior_choice))}
            if not faults:
                break
        if "correct" in faults or len(faults) == len(fitted):
            name, fault = next(iter(faults.items()))
            raise ModelError(f"The {name} model cannot be fitted: {fault}")
        left_out |= faults

    return Plan(
        question=question,
        adjustment=adjustment,
        table=used,
        moments=moments,
        rows_read=table.total,
        dropped=MappingProxyType(table.lacking(used.columns)),
        regressions=regressions,
        verdicts=MappingProxyType(verdicts),
        left_out=MappingProxyType(left_out),
        prior_choice=prior_choice,
        notes=(*table.source.notes, *outcome_notes(regressions[0], used, asked=family)),
    )


def _single(question: Question) -> tuple[str, str]:
    for part, option, names in (
        ("exposure", "-x", question.exposures),
        ("outcome", "-y", question.outcomes),
    ):
        if len(names) != 1:
            raise QuestionError(
                f"A run takes one {part}, here are {len(names)}: "
                f"{listed([shown(n) for n in names])}. Choose one with {option}."
            )
    return question.exposures[0], question.outcomes[0]


def _check_form(form: Formula, question: Question, table: Table) -> None:
    """Refuse a form with names that no model can have."""
    [outcome] = question.outcomes
    if outcome in form.predictors:
        raise ModelError(
            f"The outcome {shown(outcome)} cannot be a term of its own regression. Leave it out of "
            "--terms."
        )
    known = [n for n in observed(question) if n != outcome]
    offsets = {factor_variable(factor) for factor in form.offsets}
    held = {factor_variable(factor) for factor in form.offsets} & set(question.exposures)
    if held:
        raise ModelError(
            f"The exposure {shown(min(held))} cannot be an offset: its slope would be fixed at 1, "
            "and nothing asked. Leave the offset out of --terms."
        )
    for name in form.predictors:
        if name not in known and not (name in offsets and name in table.columns):
            raise ModelError(
                f"The terms hold {shown(name)}, which is no observed variable of the DAG."
                f"{did_you_mean(name, known)}"
            )
    by = [group.by for group in form.groups if group.by in question.exposures]
    if by:
        raise ModelError(
            f"The terms hold (... | {shown(by[0])}), but {shown(by[0])} is the exposure: pooled "
            "levels would shrink the effect asked for. Leave the group out."
        )


def _sets(
    question: Question, adjustment: Adjustment, own: Mapping[str, Collection[str] | Formula]
) -> dict[str, tuple[str, ...]]:
    ends = {*question.exposures, *question.outcomes}
    sets: dict[str, tuple[str, ...]] = {}
    if adjustment.adjust_for is not None:
        sets["correct"] = adjustment.adjust_for
    sets["unadjusted"] = ()
    sets["everything"] = tuple(name for name in observed(question) if name not in ends)
    for name, names in own.items():
        if name in sets:
            raise ModelError(f"A model is called {shown(name)} already. Choose another name.")
        if isinstance(names, Formula):
            sets[name] = formula_set(question, names, fitted=True)
            continue
        held = ends & set(names)
        if held:
            raise ModelError(
                f"The set of {shown(name)} holds {listed(sorted(shown(n) for n in held))}, which "
                "the question is about. Leave exposure and outcome out of --adjust."
            )
        question.dag.numbers(names)
        sets[name] = tuple(sorted(set(names)))
    return sets


def _duplicates(
    sets: Mapping[str, tuple[str, ...]], rights: Mapping[str, Formula]
) -> dict[str, str]:
    """Models that would be fitted twice, with the one they equal; the user's own yield to none.

    But to the correct one: who writes that down is told so.
    """
    first: dict[object, str] = {}
    same = {}
    for name, right in rights.items():
        terms = frozenset(frozenset(term) for term in right.terms)
        key = (terms, right.intercept, frozenset(right.groups), frozenset(right.offsets))
        twin = first.setdefault(key, name)
        if twin != name and (name in NAIVE or twin == "correct"):
            same[name] = f"the same regression as {twin}: {set_text(sets[name])} adjusted for"
    return same


def _data_rows(table: Table, names: Iterable[str]) -> NDArray[np.intp] | None:
    """The numbers, from 1, of the rows that lack none of these columns."""
    if isinstance(table, LargeTable):
        return None
    kept = np.ones(table.rows, np.bool_)
    for name in names:
        kept &= ~np.isnan(table[name].values)
    return np.flatnonzero(kept) + 1


def _check_ends(
    used: Table, rows_read: int, exposure: str, outcome: str, trials: str | None
) -> None:
    """Refuse rows on which the question cannot be asked."""
    for part, name in (("exposure", exposure), ("outcome", outcome)):
        if name == outcome and trials is not None and not used[trials].constant:
            continue  # as many successes in every row, but not the same share
        if used[name].constant:
            where = "" if used.rows == rows_read else f" in the {used.rows:,} complete rows"
            raise DataError(
                f"The {part} {shown(name)} has one value ({_value(used[name])}){where}: nothing "
                "can be learnt from something that does not vary."
            )


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the regression of a right side, on the rows used."""

    exposure: str
    outcome: str
    used: Table
    family: Family
    trials: str | None
    choice: PriorChoice

    def __call__(self, name: str, right: Formula) -> Regression:
        terms = terms_on(right, self.exposure, self.used)
        if self.family == "cells":
            terms = _one_cell_a_combination(terms, right)
        offsets = offsets_on(right, self.used)
        grades = grades_of(self.used[self.outcome]) if self.family == "ordered" else ()
        priors = resolve(
            self.choice,
            terms,
            self.outcome,
            self.family,
            self.used,
            intercept=right.intercept,
            offsets=offsets,
            trials=self.trials,
            grades=grades,
        )
        return Regression(
            name,
            self.outcome,
            self.exposure,
            terms,
            self.family,
            priors,
            offsets=offsets,
            trials=self.trials,
            grades=grades,
        )


def _one_cell_a_combination(terms: tuple[Term, ...], right: Formula) -> tuple[Term, ...]:
    """The terms of a model of cells: one probability for each combination of the categories."""
    parts: dict[Categorical, None] = {}
    for term in terms:
        for part in term.parts if isinstance(term, Interaction) else (term,):
            if not isinstance(part, Categorical):
                raise ModelError(
                    "The family cells has a probability for each combination of categories, and "
                    f"{shown(written(part))} is none. Read it with --categorical, or take --family "
                    "bernoulli."
                )
            parts[part] = None
    if right.offsets:
        raise ModelError("The family cells takes no offset. Leave it out.")
    size = math.prod(len(part.levels) for part in parts)
    if size > _MOST_CELLS:
        raise ModelError(
            f"The categories make {size:,} cells, more than {_MOST_CELLS:,}. Take --family "
            "bernoulli, which adds their effects up."
        )
    return tuple(parts) if len(parts) == 1 else (Interaction(tuple(parts)),)


def _value(column: Column) -> str:
    """The one value of a constant column."""
    if column.kind == "category":
        return shown(column.levels[0], 40)
    return f"{column.low:g}"


def _unvaried(names: Collection[str], used: Table) -> str | None:
    """Which of *names* have one value only, as sentences; None if all vary."""
    still = [n for n in names if used[n].constant]
    if not still:
        return None
    what = listed([f"{shown(n)} (always {_value(used[n])})" for n in still])
    return (
        f"{what} does not vary in the {used.rows:,} rows used. Leave it out of the DAG, or mark "
        "it latent."
    )


def _fault(regression: Regression, moments: Moments, choice: PriorChoice) -> str | None:
    """Why *regression* cannot be fitted to the rows used, as sentences; None if it can."""
    if regression.family == "cells":
        return None  # a cell without rows keeps its prior
    fixed = sum(len(columns(t)) for t in regression.terms if isinstance(t, Varying))
    count = int(needed(regression).sum()) - fixed
    if moments.rows <= count:
        if choice.covers(regression):
            return None  # priors that do not come from these rows decide what the rows cannot
        return (
            f"{moments.rows:,} rows are too few for {count} coefficients: the priors alone would "
            "decide. Give more rows, or a --prior for every coefficient (intercept, slope, sigma)."
        )
    dependent = dependent_columns(regression, moments)
    if dependent:
        return _rowless(regression, moments, dependent) or _indistinct(regression, dependent)
    return None


def _indistinct(regression: Regression, dependent: Mapping[str, tuple[str, ...]]) -> str:
    what = listed(
        [
            f"{shown(n)} is an exact linear function of {listed([shown(o) for o in others])}"
            if others
            else f"{shown(n)} has one value, but for rounding"
            if n in regression.predictors
            else f"{shown(n)} has more coefficients than the rows used can tell apart"
            for n, others in dependent.items()
        ]
    )
    if not any(dependent.values()):
        return f"{what}, so no coefficient can be told. Leave it out."
    return f"{what}, so their coefficients cannot be told apart. Leave one of them out."


def _rowless(regression: Regression, moments: Moments, dependent: Collection[str]) -> str | None:
    """The usual reason why an interaction is dependent: combinations of levels without a row."""
    for term, none in columns_without_rows(regression, moments).items():
        if term in dependent:
            more = f" and {len(none) - 1} more have" if len(none) > 1 else " has"
            return (
                f"in {shown(term)} every combination of levels needs rows, but "
                f"{shown(none[0])}{more} none. Leave the interaction out, or merge levels."
            )
    return None

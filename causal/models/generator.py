"""From a question and its answer to the regressions that are compared.

``correct`` holds the exposure and the recommended set. The naive ones hold what people put in
without a DAG: ``unadjusted`` the exposure alone, ``everything`` each other observed variable. The
user's own come beside them. All are fitted on the same rows, those complete in every column that
any of them uses, or the comparison would mean nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from causal.criteria.adjustment import Adjustment, adjust
from causal.criteria.question import Question
from causal.criteria.reasons import listed, set_text
from causal.criteria.verdict import Verdict, judge
from causal.data.moments import Moments
from causal.data.table import Column, Table
from causal.errors import DataError, ModelError, QuestionError, did_you_mean, shown
from causal.models.design import dependent_columns, statistic
from causal.models.priors import RESERVED, PriorChoice, resolve
from causal.models.regression import Categorical, Family, Numeric, Regression, Term

__all__ = ["NAIVE", "Plan", "observed", "plan"]

NAIVE = ("unadjusted", "everything")


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


def plan(
    question: Question,
    table: Table,
    *,
    own: Mapping[str, Collection[str]] | None = None,
    family: Family | Literal["auto"] = "auto",
    prior_choice: PriorChoice | None = None,
) -> Plan:
    """Decide what is fitted, on which rows, with which priors.

    Parameters
    ----------
    question
        One exposure, one outcome.
    table
        The columns of `observed`.
    own
        Adjustment sets of the user's own models, by name.
    family
        ``"auto"``: Bernoulli for an outcome of two values, else normal.
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
    sets = _sets(question, adjustment, own or {})
    verdicts = {name: judge(question, names) for name, names in sets.items()}
    left_out = _duplicates(sets)
    for name in [name for name in sets if name not in left_out]:
        absent = [n for n in sets[name] if n not in table.columns]
        if absent:
            mark = "latent" if absent[0] in question.dag.latent else "selected"
            left_out[name] = f"{listed([shown(n) for n in absent])} is marked {mark}: no data on it"

    _check_priors(prior_choice, sets, exposure)
    while True:
        # A model that cannot be fitted must not cost the others rows, nor rescue itself by theirs.
        fitted = {name: names for name, names in sets.items() if name not in left_out}
        used = table.complete(sorted({exposure, outcome}.union(*fitted.values())))
        kind = _family(used[outcome], family)
        _check_ends(used, table.rows, exposure, outcome)
        faults = {name: why for name, held in fitted.items() if (why := _unvaried(held, used))}
        if not faults:
            regressions = tuple(
                _regression(name, exposure, outcome, names, used, kind, prior_choice)
                for name, names in fitted.items()
            )
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
        rows_read=table.rows,
        dropped=MappingProxyType(table.lacking(used.columns)),
        regressions=regressions,
        verdicts=MappingProxyType(verdicts),
        left_out=MappingProxyType(left_out),
        prior_choice=prior_choice,
        notes=(*table.source.notes, *_hints(used, outcome, kind, family)),
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


def _sets(
    question: Question, adjustment: Adjustment, own: Mapping[str, Collection[str]]
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
        held = ends & set(names)
        if held:
            raise ModelError(
                f"The set of {shown(name)} holds {listed(sorted(shown(n) for n in held))}, which "
                "the question is about. Leave exposure and outcome out of --adjust."
            )
        question.dag.numbers(names)
        sets[name] = tuple(sorted(set(names)))
    return sets


def _duplicates(sets: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Models that would be fitted twice, with the one they equal; the user's own yield to none."""
    first: dict[tuple[str, ...], str] = {}
    same = {}
    for name, names in sets.items():
        twin = first.setdefault(names, name)
        if twin != name and (name in NAIVE or twin == "correct"):
            same[name] = f"the same regression as {twin}: {set_text(names)} adjusted for"
    return same


def _check_priors(choice: PriorChoice, sets: Mapping[str, tuple[str, ...]], exposure: str) -> None:
    variables = {exposure}.union(*sets.values())
    known = variables | {*RESERVED}
    for name in choice.overrides:
        # A variable named like a part of the model is written in back-quotes.
        if name not in known and name not in {f"`{variable}`" for variable in variables}:
            raise ModelError(
                f"No model has a coefficient {shown(name)} to give a prior to."
                f"{did_you_mean(name, sorted(known))}"
            )


def _family(column: Column, asked: Family | Literal["auto"]) -> Family:
    """The family of the outcome; refuses an outcome that is no number."""
    if column.kind == "category":
        if column.first_text is None:
            raise DataError(
                f"The outcome {shown(column.name)} is treated as a category, but a number is "
                "needed. Leave it out of --categorical."
            )
        row, value = column.first_text
        raise DataError(
            f"The outcome {shown(column.name)} must be a number, but row {row} says "
            f"{shown(value)}. Code it as numbers (two groups as 0 and 1)."
        )
    if asked == "auto":
        return "bernoulli" if column.kind == "binary" else "gaussian"
    if asked == "bernoulli" and column.kind != "binary":
        raise DataError(
            f"The family bernoulli needs an outcome of two values; {shown(column.name)} has more. "
            "Use --family gaussian, or make it 0 and 1."
        )
    return asked


def _check_ends(used: Table, rows_read: int, exposure: str, outcome: str) -> None:
    """Refuse rows on which the question cannot be asked."""
    for part, name in (("exposure", exposure), ("outcome", outcome)):
        if used[name].constant:
            where = "" if used.rows == rows_read else f" in the {used.rows:,} complete rows"
            raise DataError(
                f"The {part} {shown(name)} has one value ({_value(used[name])}){where}: nothing "
                "can be learnt from something that does not vary."
            )


def _regression(
    name: str,
    exposure: str,
    outcome: str,
    names: Collection[str],
    used: Table,
    family: Family,
    choice: PriorChoice,
) -> Regression:
    terms = tuple(_term(used[n]) for n in (exposure, *sorted(names)))
    priors = resolve(choice, terms, outcome, family, used)
    return Regression(name, outcome, exposure, terms, family, priors)


def _term(column: Column) -> Term:
    if column.kind == "category":
        return Categorical(column.name, column.levels)
    return Numeric(column.name)


def _value(column: Column) -> str:
    """The one value of a constant column."""
    if column.kind == "category":
        return shown(column.levels[0], 40)
    return f"{column.values[0]:g}"


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
    count = len(regression.coefficient_names) - (regression.family == "gaussian")
    count -= sum(isinstance(term, Categorical) for term in regression.terms)
    if moments.rows <= count:
        if choice.covers(regression):
            return None  # priors that do not come from these rows decide what the rows cannot
        return (
            f"{moments.rows:,} rows are too few for {count} coefficients: the priors alone would "
            "decide. Give more rows, or a --prior for every coefficient (intercept, slope, sigma)."
        )
    dependent = dependent_columns(regression, moments)
    if dependent:
        what = listed(
            [
                f"{shown(n)} is an exact linear function of {listed([shown(o) for o in others])}"
                if others
                else f"{shown(n)} has one value, but for rounding"
                for n, others in dependent.items()
            ]
        )
        if not any(dependent.values()):
            return f"{what}, so no coefficient can be told. Leave it out."
        return f"{what}, so their coefficients cannot be told apart. Leave one of them out."
    return None


def _hints(
    used: Table, outcome: str, family: Family, asked: Family | Literal["auto"]
) -> tuple[str, ...]:
    if asked == "auto" and family == "gaussian" and used[outcome].kind == "count":
        hint = (
            f"{shown(outcome)} is a whole number of 0 or more and is fitted as normal; for counts "
            "of events a Poisson or negative binomial model may fit better."
        )
        return (hint,)
    return ()

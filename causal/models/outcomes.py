"""Whether an outcome suits a family, and what the user should hear about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from causal.data.column import as_category
from causal.data.large import counted
from causal.errors import DataError, ModelError, did_you_mean, shown
from causal.models.design import response
from causal.models.design import trials as trials_of
from causal.models.families import FAMILIES, RULES, Family
from causal.models.terms import categories

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.data.table import Column, Table
    from causal.models.regression import Regression

__all__ = ["choose_family", "grades_of", "in_blocks", "outcome_notes", "prepared"]

_Numbers = Callable[[], "NDArray[np.intp] | None"] | None

_MOST_GRADES = 20


def choose_family(
    table: Table,
    outcome: str,
    asked: Family | Literal["auto"],
    trials: str | None,
    *,
    numbers: _Numbers = None,
) -> Family:
    """The family of the outcome.

    ``"auto"``: binomial where trials are given, Bernoulli for two values, else normal. A count is
    never taken for one unasked.

    Parameters
    ----------
    table
        The rows used, or all.
    numbers
        How messages number these rows, (rows,); called where there is something to say. From 1 if
        it is not given; None where nobody knows.

    Raises
    ------
    DataError
        The outcome does not suit the family asked for; names row and value.
    ModelError
        An unknown family; trials with a family that has none, or the other way round.
    """
    if asked != "auto" and asked not in FAMILIES:
        raise ModelError(f"There is no family {shown(asked)}.{did_you_mean(asked, FAMILIES)}")
    column = table[outcome]
    if column.kind == "category":
        _refuse_text(column, asked)
    family: Family
    if asked == "auto":
        family = "bernoulli" if column.kind == "binary" else "gaussian"
        family = family if trials is None else "binomial"
    else:
        family = asked
    if (family == "binomial") != (trials is not None):
        raise ModelError(
            "The family binomial needs the number of trials: name its column with --trials."
            if trials is None
            else f"Only the family binomial has trials, not {family}. Leave --trials out."
        )
    match family:
        case "bernoulli" | "cells":
            if column.distinct > 2:
                raise DataError(
                    f"The family {family} needs an outcome of two values; {shown(outcome)} has "
                    "more. Use --family gaussian, or make it 0 and 1."
                )
        case "poisson" | "negbinomial":
            _check_counts(column, family, numbers)
        case "ordered":
            _check_grades(column)
        case "binomial":
            assert trials is not None
            _check_counts(column, family, numbers)
            _check_trials(column, table[trials], numbers)
    return family


def in_blocks(outcome: Column, asked: str, trials: str | None) -> bool:
    """Whether the family of an outcome can be fitted from sums over the rows, whatever it is."""
    if asked == "auto":
        return outcome.kind != "binary" and trials is None
    return asked == "gaussian" or asked not in FAMILIES  # which is refused elsewhere


def prepared(table: Table, family: Family, names: Collection[str]) -> Table:
    """The table as the family reads it: for ``cells``, two-valued numbers become categories."""
    if family != "cells":
        return table
    columns = dict(table.columns)
    for name in names:
        if name in columns and columns[name].kind == "binary":
            own = as_category(columns[name])
            columns[name] = own if table.weights is None else counted(own, table.weights)
    return replace(table, columns=MappingProxyType(columns))


def grades_of(column: Column) -> tuple[float, ...]:
    """The values of an ordered outcome, ascending."""
    return tuple(np.unique(column.values).tolist())


def outcome_notes(
    regression: Regression, used: Table, *, asked: Family | Literal["auto"]
) -> tuple[str, ...]:
    """What the user should know about the outcome and the levels, as sentences."""
    return tuple(_notes(regression, used, asked))


def _notes(regression: Regression, used: Table, asked: Family | Literal["auto"]) -> Iterator[str]:
    outcome = used[regression.outcome]
    if asked == "auto" and regression.family == "gaussian" and outcome.kind == "count":
        yield (
            f"{shown(outcome.name)} is a whole number of 0 or more and is fitted as normal; for "
            "counts of events a Poisson or negative binomial model may fit better."
        )
    for name in categories(regression.terms):
        column = used[name]
        once = [level for level, n in zip(column.levels, column.level_rows, strict=True) if n == 1]
        if once:
            have = "has" if len(once) == 1 else "have"
            yield (
                f"{_some(once, 'Level')} of {shown(name)} {have} one row only, so one row and the "
                "prior decide about that level."
            )
        yield from _separated(regression, used, column)


def _separated(regression: Regression, used: Table, column: Column) -> Iterator[str]:
    """Levels in which a probability or a rate would be fitted as 0 or 1."""
    averages = RULES[regression.family].averages
    if averages == "number" or regression.family == "cells":
        return
    y, n = response(regression, used), trials_of(regression, used)
    if used.weights is not None:
        y, n = y * used.weights, n * used.weights
    codes = column.values.astype(np.intp)
    total = np.bincount(codes, weights=y, minlength=len(column.levels))
    most = np.bincount(codes, weights=n, minlength=len(column.levels))
    none = [level for level, hits in zip(column.levels, total, strict=True) if hits == 0]
    every = [lev for lev, hits, of in zip(column.levels, total, most, strict=True) if hits == of]
    values = used[regression.outcome].values
    low, high = f"outcome is {values.min():g}", f"outcome is {values.max():g}"
    if regression.family == "binomial":
        low, high = "trial fails", "trial succeeds"
    for levels, what in ((none, low), (every if averages == "probability" else [], high)):
        if levels:
            yield (
                f"In {_some(levels)} of {shown(column.name)} every {what}: such a level separates "
                "the outcomes, and its coefficient is held by the prior alone."
            )


def _some(levels: list[str], word: str = "level") -> str:
    named = ", ".join(shown(level, 30) for level in levels[:3])
    more = f" and {len(levels) - 3} more" if len(levels) > 3 else ""
    return f"{word}{'s' if len(levels) > 1 else ''} {named}{more}"


def _refuse_text(column: Column, asked: str) -> None:
    if column.first_text is None:
        raise DataError(
            f"The outcome {shown(column.name)} is treated as a category, but a number is "
            "needed. Leave it out of --categorical."
        )
    row, value = column.first_text
    where = f"row {row} says" if row else "one of its values is"
    coded = (
        "Labels have no order of their own: code it as numbers that rank, as 1, 2, 3."
        if asked == "ordered"
        else "Code it as numbers (two groups as 0 and 1)."
    )
    raise DataError(
        f"The outcome {shown(column.name)} must be a number, but {where} {shown(value)}. {coded}"
    )


def _place(numbers: _Numbers, row: int) -> str:
    if numbers is None:
        return f"data row {row + 1}"
    known = numbers()
    return "some row" if known is None else f"data row {known[row]}"


def _first(bad: NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(bad)[0])


def _check_counts(column: Column, family: Family, numbers: _Numbers) -> None:
    values = column.values
    with np.errstate(invalid="ignore"):
        bad = (values < 0) | (values != np.floor(values)) & ~np.isnan(values)
    if bad.any():
        row = _first(bad)
        raise DataError(
            f"The family {family} needs counts, whole numbers of 0 or more; {shown(column.name)} "
            f"has {values[row]:g} in {_place(numbers, row)}. Use --family gaussian, or mend the "
            "data."
        )


def _check_trials(successes: Column, trials: Column, numbers: _Numbers) -> None:
    if trials.kind == "category":
        row, value = trials.first_text or (0, "")
        why = f"data row {row} says {shown(value)}" if row else "are read as a category"
        raise DataError(
            f"The trials {shown(trials.name)} must be numbers, but {why}. Mend the data, or leave "
            "them out of --categorical."
        )
    y, n = successes.values, trials.values
    with np.errstate(invalid="ignore"):
        bad = ((n < 1) | (n != np.floor(n))) & ~np.isnan(n)
        fewer = y > n
    if bad.any():
        row = _first(bad)
        raise DataError(
            f"The trials {shown(trials.name)} must be whole numbers of 1 or more; "
            f"{_place(numbers, row)} has {n[row]:g}. Mend the data, or leave such rows out."
        )
    if fewer.any():
        row = _first(fewer)
        raise DataError(
            f"{_place(numbers, row).capitalize()} has {y[row]:g} successes "
            f"({shown(successes.name)}) in {n[row]:g} trials ({shown(trials.name)}): there cannot "
            "be more successes than trials. Mend the data, or name the right column with --trials."
        )


def _check_grades(column: Column) -> None:
    distinct = column.distinct
    if distinct > _MOST_GRADES:
        raise DataError(
            f"The family ordered is for grades, but {shown(column.name)} has {distinct:,} "
            f"different values, more than {_MOST_GRADES}. Use --family gaussian, or group the "
            "values."
        )
    if distinct < 3:
        raise DataError(
            f"The family ordered needs three grades or more; {shown(column.name)} has {distinct}. "
            "Use --family bernoulli."
        )

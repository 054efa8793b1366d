"""From names and formulas to the terms of a regression on a table.

A formula knows names only. Whether a name is a number or a category, and which levels it has, the
table says. `entering` decides how the variables of an adjustment set enter a model where the user
gave a form (``--terms "poly(age, 2) + x:g"``): the same form in every model, as far as the model
holds its variables, so that the models differ in what they adjust for and in nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from causal.errors import DataError, ModelError, shown
from causal.models.design import mean_sd
from causal.models.formula import Call, Factor, Formula, Group, factor_variable
from causal.models.terms import (
    Categorical,
    Interaction,
    Log,
    Numeric,
    Polynomial,
    Simple,
    Term,
    Varying,
    columns,
    variables,
)

if TYPE_CHECKING:
    from causal.data.table import Table

__all__ = ["entering", "offsets_on", "terms_on"]

_MOST_COLUMNS = 5_000


def entering(exposure: str, names: Collection[str], form: Formula | None, table: Table) -> Formula:
    """The right side of a model of *exposure* and *names*; a plain sum where *form* is silent.

    A term of the form is taken where all of its variables are in the model; of what varies by a
    category, the parts that are. A variable that no term taken holds alone enters by itself too, in
    the shape it has there: ``x:g`` without ``g`` would not adjust for g. Where the levels of a
    category stand in the place of an intercept that the form leaves out, a model without that
    category has an intercept.
    """
    held = {exposure, *names}
    if form is None:
        form = Formula("", (), intercept=True)
    terms = [t for t in form.terms if all(factor_variable(f) in held for f in t)]
    groups = [
        Group(
            tuple(t for t in group.terms if all(factor_variable(f) in held for f in t)),
            group.by,
            group.intercept,
        )
        for group in form.groups
        if group.by in held
    ]
    groups = [group for group in groups if group.terms or group.intercept]
    alone = {factor_variable(term[0]) for term in terms if len(term) == 1}
    # Levels within each group, as in (0 + x | g), have the group's own intercept in them.
    alone |= {
        group.by
        for group in groups
        if group.intercept or any(_is_of_levels(term, table) for term in group.terms)
    }
    shapes: dict[str, Factor] = {}
    for factor in (factor for term in terms for factor in term):
        shapes.setdefault(factor_variable(factor), factor)
    missing = [n for n in (exposure, *sorted(set(names) - {exposure})) if n not in alone]
    replaced = any(_is_of_levels(term, table) for term in form.terms)
    lost = replaced and not any(_is_of_levels(term, table) for term in terms)
    return Formula(
        "",
        (*((shapes.get(name, name),) for name in missing), *terms),
        form.intercept or lost,
        tuple(groups),
        form.offsets,
    )


def _is_of_levels(term: tuple[Factor, ...], table: Table) -> bool:
    return all(isinstance(factor, str) and table[factor].kind == "category" for factor in term)


def terms_on(right: Formula, exposure: str, table: Table) -> tuple[Term, ...]:
    """The terms of a right side on a table: those of the exposure alone first, varying ones last.

    Raises
    ------
    ModelError
        A category in ``log`` or ``poly``, a spline, or more columns than anybody means.
    DataError
        The logarithm of a number that is not above 0.
    """
    fixed: list[Term] = []
    for factors in right.terms:
        parts = tuple(_simple(factor, table) for factor in factors)
        fixed.append(parts[0] if len(parts) == 1 else Interaction(parts))
    fixed.sort(key=lambda term: variables(term) != (exposure,))  # stable: else as they stand
    terms = (*fixed, *(_varying(group, table) for group in right.groups))
    count = sum(_size(term) for term in terms)
    if count > _MOST_COLUMNS:
        raise ModelError(
            f"The model would have {count:,} coefficients, more than {_MOST_COLUMNS:,}. Leave out "
            "the interaction of categories with many levels, or pool them: (1 | g)."
        )
    return terms


def offsets_on(right: Formula, table: Table) -> tuple[Numeric | Log, ...]:
    """What is added to the linear predictor as it is.

    Raises
    ------
    ModelError
        For a category.
    DataError
        As `terms_on`.
    """
    found = []
    for factor in right.offsets:
        term = _simple(factor, table)
        if not isinstance(term, Numeric | Log):
            raise ModelError(
                f"offset({shown(factor_variable(factor))}) is added as a number, but the column is "
                "a category. Leave it out."
            )
        found.append(term)
    return tuple(found)


def _size(term: Term) -> int:
    """How many columns a term makes, without making them."""
    match term:
        case Categorical():
            return len(term.levels)
        case Interaction():
            return int(np.prod([_size(part) for part in term.parts], dtype=object))
        case Varying():
            each = int(term.intercept) + sum(_size(part) for part in term.parts)
            return each * len(term.by.levels)
        case _:
            return len(columns(term))


def _simple(factor: Factor, table: Table) -> Simple:
    name = factor_variable(factor)
    column = table[name]
    if isinstance(factor, str):
        if column.kind == "category":
            return Categorical(name, column.levels)
        return Numeric(name)
    if column.kind == "category":
        raise ModelError(
            f"{factor.function}({shown(name)}) needs a number, but the column is a category. Write "
            "the name alone."
        )
    match factor:
        case Call("log"):
            _check_positive(name, table)
            return Log(name)
        case Call("poly", number=int(degree)):
            if column.distinct <= degree:
                raise ModelError(
                    f"poly({shown(name)}, {degree}) needs {degree + 1} different values or more, "
                    f"but the rows used have {column.distinct}. Write "
                    + ("the name alone." if column.distinct < 3 else "a lower degree.")
                )
            return Polynomial(name, degree, mean_sd(Numeric(name), table)[0])
        case _:
            raise ModelError(
                f"Splines such as bs({shown(name)}, {factor.number}) are judged by `causal check` "
                "but cannot be fitted yet. Take a polynomial, such as poly(..., 3)."
            )


def _check_positive(name: str, table: Table) -> None:
    low = table[name].low
    if low <= 0.0:
        raise DataError(
            f"log({shown(name)}) needs numbers above 0, but among the rows used one is "
            f"{low:g}. Leave such rows out, or the logarithm."
        )


def _varying(group: Group, table: Table) -> Varying:
    by = _simple(group.by, table)
    if not isinstance(by, Categorical):
        raise ModelError(
            f"(... | {shown(group.by)}) groups by a number. Read it as a category: --categorical."
        )
    parts: list[Numeric | Log | Categorical] = []
    for factors in group.terms:
        [part, *more] = [_simple(factor, table) for factor in factors]
        if more or not isinstance(part, Numeric | Log | Categorical) or part == by:
            raise ModelError(
                f"Within (... | {shown(group.by)}) stand plain names and their logarithms, no "
                "interactions, polynomials, nor the category itself. Write one term for each."
            )
        parts.append(part)
    if len(set(parts)) < len(parts):
        raise ModelError(f"Within (... | {shown(group.by)}) a name stands twice. Leave one out.")
    return Varying(by, tuple(parts), group.intercept)

"""From names to terms: the same form in every model, as far as the model holds its variables."""

from __future__ import annotations

import numpy as np
import pytest

from causal.data.table import Table, read_table
from causal.errors import DataError, ModelError
from causal.models.assembly import entering, offsets_on, terms_on
from causal.models.formula import Formula, parse, parse_terms
from causal.models.terms import (
    Categorical,
    Interaction,
    Log,
    Numeric,
    Polynomial,
    Varying,
    written,
)


def table() -> Table:
    random = np.random.default_rng(3)
    data = {
        **{name: random.uniform(1.0, 9.0, 40).tolist() for name in ("x", "a", "b", "t", "y")},
        "g": ["u", "v", "w", "u"] * 10,
        "h": ["p", "q"] * 20,
        "two": [0.0, 1.0] * 20,
        "three": [1.0, 2.0, 5.0, 2.0] * 10,
        "nought": [0.0, *range(1, 40)],
        "big": [f"{i % 8}" for i in range(40)],
    }
    return read_table(data, list(data), categorical=["big"])


TABLE = table()
G, H = Categorical("g", ("u", "v", "w")), Categorical("h", ("p", "q"))


def entered(form: str | None, *names: str) -> str:
    """The right side of the model of x and these names, as a formula."""
    right = entering("x", names, None if form is None else parse_terms(form), TABLE)
    return _text(right)


def _text(right: Formula) -> str:
    terms = [written(term) for term in terms_on(right, "x", TABLE)]
    offsets = [f"offset({written(offset)})" for offset in offsets_on(right, TABLE)]
    return " + ".join([*([] if right.intercept else ["0"]), *terms, *offsets])


ENTERED: dict[str, tuple[str | None, tuple[str, ...], str]] = {
    "a plain sum": (None, ("b", "a"), "x + a + b"),
    "a form is for what it mentions": ("poly(a, 2)", ("a", "b"), "x + b + poly(a, 2)"),
    "and is left out with its variable": ("poly(a, 2) + log(b)", ("b",), "x + log(b)"),
    "nothing of it": ("poly(a, 2):g", (), "x"),
    "the exposure too": ("log(x)", ("a",), "log(x) + a"),
    "an interaction is no main effect": ("x:g", ("g", "a"), "x + a + g + x:g"),
    "nor is one of three": ("x:a:g", ("g", "a"), "x + a + g + x:a:g"),
    "a crossing needs all": ("a*b*x", ("b",), "x + b + b:x"),
    "a curve in each group is one of the curve": (
        "poly(a, 2):g:log(x)",
        ("a", "g"),
        "log(x) + poly(a, 2) + g + poly(a, 2):g:log(x)",
    ),
    "a main effect in another shape": ("log(a) + x:a", ("a",), "x + log(a) + x:a"),
    "pooled levels stand for a category": ("(1 | g)", ("g", "a"), "x + a + (1 | g)"),
    "slopes alone do not": ("(0 + x | g)", ("g",), "x + g + (0 + x | g)"),
    "slopes go with the variable": ("(x + a | g)", ("g",), "x + (x | g)"),
    "so does the group": ("(1 | g) + (x | h)", ("h",), "x + (x | h)"),
    "nothing left to vary": ("(0 + a | g)", ("g",), "x + g"),
    "what varies has a common slope as well": ("(a | g)", ("a", "g"), "x + a + (a | g)"),
    "an offset is always there": ("offset(log(t))", (), "x + offset(log(t))"),
    "beside its own slope as well": ("offset(t)", ("t",), "x + t + offset(t)"),
    "without an intercept": ("0 + x", ("a",), "0 + x + a"),
    "levels in its place": ("0 + g", ("g", "a"), "0 + x + a + g"),
    "unless they are not there": ("0 + g", ("a",), "x + a"),
    "cells in its place": ("0 + g:h", ("g", "h"), "0 + x + g + h + g:h"),
    "but not one of them": ("0 + g:h", ("g",), "x + g"),
}


@pytest.mark.parametrize("case", ENTERED)
def test_a_model_takes_of_the_form_what_it_holds(case: str) -> None:
    form, names, expected = ENTERED[case]

    assert entered(form, *names) == expected


def test_an_interaction_alone_would_leave_the_confounder_in() -> None:
    """Why `x:g` brings x and g along: least squares without g is wrong, with it it is right."""
    random = np.random.default_rng(0)
    g = random.integers(0, 2, 4_000)
    x = 2.0 * g + random.normal(size=4_000)
    y = 3.0 * g + random.normal(size=4_000)  # no effect of x in either group
    alone = np.column_stack([np.ones(4_000), x * (g == 0), x * (g == 1)])
    slopes = np.linalg.lstsq(alone, y)[0][1:]
    whole = np.linalg.lstsq(np.column_stack([alone, g]), y)[0][1:3]

    assert abs(slopes).max() > 0.5
    assert abs(whole).max() < 0.1


def test_terms_know_from_the_table_what_a_name_is() -> None:
    right = parse("y ~ a + g + log(b):poly(a, 2) + x + big + g:x + (log(a) + h | g)")
    mean = float(np.mean(TABLE["a"].values))

    assert terms_on(right, "x", TABLE) == (
        Numeric("x"),  # what is asked comes first, then the rest as it stands
        Numeric("a"),
        G,
        Interaction((Log("b"), Polynomial("a", 2, mean))),
        Categorical("big", tuple("01234567")),
        Interaction((G, Numeric("x"))),
        Varying(G, (Log("a"), H)),
    )
    assert offsets_on(parse("y ~ x + offset(log(t)) + offset(a)"), TABLE) == (
        Log("t"),
        Numeric("a"),
    )


REFUSED: dict[str, tuple[type[Exception], str]] = {
    "log(g)": (ModelError, r"log\('g'\) needs a number, but the column is a category"),
    "poly(g, 2)": (ModelError, r"poly\('g'\) needs a number"),
    "x:log(g)": (ModelError, r"log\('g'\) needs a number"),
    "bs(a, 5)": (ModelError, r"bs\('a', 5\).*cannot be fitted yet.*poly"),
    "log(nought)": (DataError, r"log\('nought'\) needs numbers above 0, but.*one is 0"),
    "poly(two, 2)": (ModelError, r"poly\('two', 2\) needs 3 different values.*have 2.*name alone"),
    "poly(three, 3)": (ModelError, r"needs 4 different values.*have 3.*lower degree"),
    "offset(g)": (ModelError, r"offset\('g'\) is added as a number, but the column is a category"),
    "offset(log(nought))": (DataError, "above 0"),
    "(1 | a)": (ModelError, r"\(... \| 'a'\) groups by a number.*--categorical"),
    "(a:b | g)": (ModelError, "no interactions"),
    "(poly(a, 2) | g)": (ModelError, "no interactions, polynomials"),
    "(g | g)": (ModelError, "nor the category itself"),
    "(bs(a, 3) | g)": (ModelError, "cannot be fitted yet"),
    "g:h:big:poly(a, 3):poly(b, 10):poly(t, 10)": (ModelError, "14,400 coefficients.*pool them"),
    "q": (DataError, "no column 'q'"),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_cannot_be_built_is_refused_with_what_to_do(form: str) -> None:
    error, words = REFUSED[form]
    right = parse_terms(form)

    with pytest.raises(error, match=words) as caught:
        _ = terms_on(right, "x", TABLE), offsets_on(right, TABLE)
    assert "\n" not in str(caught.value)


def test_a_polynomial_of_as_many_values_as_it_needs_is_one() -> None:
    [term] = terms_on(parse_terms("poly(three, 2)"), "x", TABLE)

    assert term == Polynomial("three", 2, 2.5)

"""A regression names its coefficients and columns without ambiguity."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from causal.data.table import read_table
from causal.models.assembly import offsets_on, terms_on
from causal.models.families import RULES
from causal.models.formula import parse
from causal.models.priors import Distribution, Priors
from causal.models.regression import Regression
from causal.models.terms import (
    Categorical,
    Interaction,
    Log,
    Numeric,
    Polynomial,
    Term,
    Varying,
    columns,
)
from tests.strategies import names as any_name

UNIT = Distribution("Normal", (0.0, 1.0))
SCALE = Distribution("Exponential", (1.0,))
G, H = Categorical("g", ("a", "b")), Categorical("h", ("u", "v"))


def regression(*terms: Term, family: str = "gaussian", **more: object) -> Regression:
    grades = more.get("grades", ())
    auxiliary = RULES[family].auxiliary  # type: ignore[index]
    priors = Priors(
        None if family in ("ordered", "cells") else UNIT,
        (),
        tuple(
            (SCALE,) * len(term.varied)
            if isinstance(term, Varying)
            else (UNIT,) * len(columns(term))
            for term in terms
        ),
        tuple((name, SCALE) for name in auxiliary),
        (UNIT,) * max(len(grades) - 1, 0),  # type: ignore[arg-type]
    )
    return Regression("correct", "y", "x", terms, family, priors, **more)  # type: ignore[arg-type]


def test_it_says_what_it_regresses_on_what() -> None:
    model = regression(Numeric("x"), G, Numeric("body mass"))

    assert model.formula == "y ~ x + g + `body mass`"
    assert model.adjust_for == ("body mass", "g")
    assert model.variables == ("y", "x", "g", "body mass")
    assert model.coefficient_names == ("intercept", "x", "g[a]", "g[b]", "body mass", "sigma")
    assert model.coefficients_of("g") == ("g[a]", "g[b]")


def test_without_sigma_and_without_intercept() -> None:
    model = regression(Numeric("x"), family="bernoulli")
    assert model.coefficient_names == ("intercept", "x")

    bare = replace(model, priors=replace(model.priors, intercept=None))
    assert bare.coefficient_names == ("x",)
    assert bare.columns == ((Numeric("x"),),)
    assert bare.formula == "y ~ 0 + x"


def test_offsets_and_trials_are_read_but_have_no_coefficient() -> None:
    model = regression(
        Numeric("x"), family="binomial", offsets=(Log("t"), Numeric("u v")), trials="n"
    )

    assert model.formula == "y ~ x + offset(log(t)) + offset(`u v`)"
    assert model.variables == ("y", "x", "t", "u v", "n")
    assert model.predictors == ("x",)
    assert model.coefficient_names == ("intercept", "x")
    assert len(model.columns) == 2


EVERYTHING = (
    Numeric("x"),
    Log("w"),
    Polynomial("age", 2, 40.0),
    G,
    Interaction((Numeric("x"), G)),
    Interaction((G, H, Log("w"))),
    Varying(Categorical("s", ("1", "2")), (Numeric("x"), H)),
)


def test_every_kind_of_term_names_its_coefficients() -> None:
    model = regression(*EVERYTHING, family="student")

    assert model.coefficients_by_term == (
        ("x",),
        ("log(w)",),
        ("poly(age)[1]", "poly(age)[2]"),
        ("g[a]", "g[b]"),
        ("x:g[a]", "x:g[b]"),
        ("g[a]:h[u]:log(w)", "g[a]:h[v]:log(w)", "g[b]:h[u]:log(w)", "g[b]:h[v]:log(w)"),
        (
            *("1|s[1]", "1|s[2]", "x|s[1]", "x|s[2]"),
            *("h[u]|s[1]", "h[u]|s[2]", "h[v]|s[1]", "h[v]|s[2]"),
        ),
    )
    assert model.other_names == (
        *("sd(1|s)", "sd(x|s)", "sd(h[u]|s)", "sd(h[v]|s)"),
        *("cor(1,x|s)", "cor(1,h[u]|s)", "cor(x,h[u]|s)"),
        *("cor(1,h[v]|s)", "cor(x,h[v]|s)", "cor(h[u],h[v]|s)"),
        *("sigma", "nu"),
    )
    assert model.linear_names[0] == "intercept"
    assert len(model.linear_names) == len(model.columns)
    assert model.formula == ("y ~ x + log(w) + poly(age, 2) + g + x:g + g:h:log(w) + (x + h | s)")


def test_cutpoints_take_the_place_of_the_intercept() -> None:
    model = regression(Numeric("x"), family="ordered", grades=(1.0, 2.0, 4.5))

    assert model.coefficient_names == ("x", "cut[1|2]", "cut[2|4.5]")
    assert model.formula == "y ~ x"
    assert regression(family="ordered", grades=(1.0, 2.0, 3.0)).formula == "y ~ 1"
    close = regression(family="ordered", grades=(1.0, 1 + 1e-9, 1 + 2e-9))
    assert len({*close.coefficient_names}) == 2


def test_a_variable_is_spoken_for_by_the_terms_that_hold_no_other() -> None:
    model = regression(*EVERYTHING)

    assert model.coefficients_of("age") == ("poly(age)[1]", "poly(age)[2]")
    assert model.coefficients_of("w") == ("log(w)",)
    assert model.coefficients_of("x") == ("x",)
    assert model.coefficients_of("h") == ()  # in products and in what varies only
    assert model.term_of("h") == EVERYTHING[5]
    assert model.term_of("q") is None


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        ((Numeric("sigma"),), ("`sigma`",)),
        ((Numeric("intercept"), Numeric("sigma")), ("`intercept`", "`sigma`")),
        ((Numeric("g[a]"), G), ("`g[a]`", "`g`[a]", "`g`[b]")),
        ((Numeric("sigma"), Numeric("`sigma`")), ("``sigma``", "`sigma`")),
        ((Categorical("a", ("b][c",)), Categorical("a[b]", ("c",))), ("`a`[b][c]", "`a[b]`[c]")),
        (
            (Numeric("x:z"), Interaction((Numeric("x"), Numeric("z"))), Numeric("x")),
            ("`x:z`", "`x`:`z`", "x"),
        ),
        ((Numeric("log(x)"), Log("x")), ("`log(x)`", "log(`x`)")),
        # What other families have is a plain name in this one.
        ((Numeric("alpha"), Numeric("nu"), Numeric("cut[1|2]")), ("alpha", "nu", "cut[1|2]")),
    ],
)
def test_coefficient_names_never_collide(terms: tuple[Term, ...], names: tuple[str, ...]) -> None:
    given = regression(*terms).coefficient_names

    assert len(set(given)) == len(given)
    assert given[1:-1] == names


@pytest.mark.parametrize(
    ("family", "name"),
    [("student", "nu"), ("negbinomial", "alpha"), ("ordered", "cut[1|2]"), ("poisson", "sigma")],
)
def test_what_a_family_estimates_keeps_its_name(family: str, name: str) -> None:
    grades = (1.0, 2.0, 3.0) if family == "ordered" else ()
    names = regression(Numeric(name), family=family, grades=grades).coefficient_names

    assert len(set(names)) == len(names)
    assert f"`{name}`" in names


def test_two_terms_that_vary_by_one_category_have_names_of_their_own() -> None:
    s = Categorical("s", ("1", "2"))
    model = regression(Varying(s, ()), Varying(s, (Numeric("x"),)), Numeric("1|s[2]"))

    names = model.coefficient_names
    assert len(set(names)) == len(names)
    assert model.other_names[:4] == ("sd(1|s)", "sd(1|s) 2", "sd(x|s)", "cor(1,x|s)")


@example(("x:z", "x", "z"), ("a", "b"))
@example(("g[a]", "g", "sigma"), ("a", "b"))
@example(("1|g[a]", "g", "1"), ("a", "a]:g[a"))
@settings(deadline=None)
@given(
    st.lists(any_name(), min_size=3, max_size=3, unique=True).map(tuple),
    st.lists(any_name(), min_size=2, max_size=2, unique=True).map(tuple),
)
def test_no_two_parameters_share_a_name_whatever_the_columns_are_called(
    variables: tuple[str, str, str], levels: tuple[str, str]
) -> None:
    a, b, c = variables
    g = Categorical(b, levels)
    model = regression(
        *(Numeric(a), g, Log(c), Polynomial(c, 2, 0.0), Interaction((Numeric(a), g))),
        *(Interaction((Numeric(a), Numeric(c))), Varying(g, (Numeric(a),)), Varying(g, ())),
        family="student",
    )
    names = model.coefficient_names

    assert len(names) == 1 + 1 + 2 + 1 + 2 + 2 + 1 + 4 + 2 + (2 + 1) + 1 + 2
    assert len(set(names)) == len(names)


def of_a_table() -> st.SearchStrategy[str]:
    """Arrow, which reads every table, holds no lone surrogates, and blank text is missing."""
    return any_name().filter(lambda name: name.strip() and "\ud800" not in name)


@example(("हिन्दी", "e\u0301", "x.y"), ("a", "b"))
@example(("log", "poly", "offset"), ("a", "b"))
@example(("0", "1", "`"), ("a", "b"))
@settings(deadline=None, max_examples=60)
@given(
    st.lists(of_a_table(), min_size=3, max_size=3, unique=True).map(tuple),
    st.lists(of_a_table(), min_size=2, max_size=2, unique=True).map(tuple),
)
def test_a_written_formula_is_read_back_as_the_same_model(
    variables: tuple[str, str, str], levels: tuple[str, str]
) -> None:
    a, b, c = variables
    numbers = [1.0, 2.0, 3.0, 6.0]
    data = {a: numbers, b: [*levels, *levels], c: numbers}
    table = read_table(data, list(data), categorical=[b])
    g = Categorical(b, table[b].levels)
    terms = (
        *(Numeric(a), g, Log(c), Polynomial(c, 2, 3.0), Interaction((Numeric(a), g))),
        *(Interaction((Polynomial(c, 3, 3.0), Log(a))), Varying(g, (Numeric(a), Log(c)))),
        Varying(g, (Numeric(a),), intercept=False),
    )
    model = regression(*terms, offsets=(Log(c), Numeric(a)))
    model = replace(model, outcome="the outcome")
    bare = replace(model, priors=replace(model.priors, intercept=None))

    for one in (model, bare):
        formula = parse(one.formula)
        assert formula.outcome == "the outcome"
        assert terms_on(formula, a, table) == terms
        assert offsets_on(formula, table) == model.offsets
        assert formula.intercept == (one is model)


def test_an_unknown_predictor_has_no_coefficients() -> None:
    with pytest.raises(KeyError):
        regression(Numeric("x")).coefficients_of("z")


def test_a_regression_is_a_value() -> None:
    assert regression(Numeric("x")) == regression(Numeric("x"))
    assert len({regression(Numeric("x")), regression(Numeric("x"))}) == 1

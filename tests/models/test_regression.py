"""A regression names its coefficients and columns without ambiguity."""

from __future__ import annotations

from dataclasses import replace

import pytest

from causal.models.priors import Distribution, Priors
from causal.models.regression import Categorical, Family, Numeric, Regression, Term

UNIT = Distribution("Normal", (0.0, 1.0))


def regression(*terms: Term, family: Family = "gaussian") -> Regression:
    numeric = sum(isinstance(term, Numeric) for term in terms)
    priors = Priors(
        UNIT,
        (0.0,) * numeric,
        (UNIT,) * numeric,
        (UNIT,) * (len(terms) - numeric),
        Distribution("Exponential", (1.0,)) if family == "gaussian" else None,
    )
    return Regression("correct", "y", terms[0].variable, terms, family, priors)


def test_it_says_what_it_regresses_on_what() -> None:
    model = regression(Numeric("x"), Categorical("g", ("a", "b")), Numeric("body mass"))

    assert model.formula == "y ~ x + g + `body mass`"
    assert model.adjust_for == ("g", "body mass")
    assert model.variables == ("y", "x", "g", "body mass")
    assert model.coefficient_names == ("intercept", "x", "g[a]", "g[b]", "body mass", "sigma")
    assert model.coefficients_of("g") == ("g[a]", "g[b]")


def test_without_sigma_and_without_intercept() -> None:
    model = regression(Numeric("x"), family="bernoulli")
    assert model.coefficient_names == ("intercept", "x")

    bare = replace(model, priors=replace(model.priors, intercept=None))
    assert bare.coefficient_names == ("x",)
    assert bare.formula == "y ~ 0 + x"


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        ((Numeric("sigma"),), ("`sigma`",)),
        ((Numeric("intercept"), Numeric("sigma")), ("`intercept`", "`sigma`")),
        ((Numeric("g[a]"), Categorical("g", ("a", "b"))), ("`g[a]`", "`g`[a]", "`g`[b]")),
        ((Numeric("sigma"), Numeric("`sigma`")), ("``sigma``", "`sigma`")),
        ((Categorical("a", ("b][c",)), Categorical("a[b]", ("c",))), ("`a`[b][c]", "`a[b]`[c]")),
    ],
)
def test_coefficient_names_never_collide(terms: tuple[Term, ...], names: tuple[str, ...]) -> None:
    given = regression(*terms).coefficient_names

    assert len(set(given)) == len(given)
    assert given[1:-1] == names


def test_an_unknown_predictor_has_no_coefficients() -> None:
    with pytest.raises(KeyError):
        regression(Numeric("x")).coefficients_of("z")


def test_a_regression_is_a_value() -> None:
    assert regression(Numeric("x")) == regression(Numeric("x"))
    assert len({regression(Numeric("x")), regression(Numeric("x"))}) == 1

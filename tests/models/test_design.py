"""The design matrix is what the formula says; dependent predictors are found and explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from causal.data.table import Table, read_table
from causal.errors import ModelError
from causal.models.design import (
    column_keys,
    dependent_columns,
    design,
    outcome_key,
    reference_design,
    response,
    statistic,
)
from causal.models.priors import PriorChoice, Priors, resolve
from causal.models.regression import Categorical, Family, Numeric, Regression, Term

LEVELS = ("a", "b", "c")


def table(**more: Sequence[float] | Sequence[str]) -> Table:
    random = np.random.default_rng(2)
    data: Mapping[str, object] = {
        "x": random.normal(0, 1, 30),
        "z": random.normal(1e9, 1.0, 30),
        "g": ["c", "a", "b"] * 10,
        "y": random.normal(0, 1, 30),
        **more,
    }
    return read_table(data, list(data))


def regression(*terms: Term, data: Table, outcome: str = "y", family: Family = "gaussian",
               intercept: bool = True) -> Regression:  # fmt: skip
    priors = resolve(PriorChoice("tutorial"), terms, outcome, family, data)
    if not intercept:
        priors = Priors(None, priors.centre, priors.slopes, priors.levels, priors.sigma)
    return Regression("m", outcome, terms[0].variable, terms, family, priors)


def test_columns_follow_the_coefficient_names() -> None:
    data = table()
    model = regression(Numeric("x"), Categorical("g", LEVELS), data=data)
    matrix = design(model, data)

    assert matrix.shape == (30, len(model.coefficient_names) - 1)
    np.testing.assert_array_equal(matrix[:, 0], 1.0)
    np.testing.assert_array_equal(matrix[:, 1], data["x"].values)
    assert matrix[:3, 2:].tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    np.testing.assert_array_equal(reference_design(model, data), np.delete(matrix, 2, axis=1))


def test_design_can_be_read_in_blocks() -> None:
    data = table()
    model = regression(Numeric("x"), Categorical("g", LEVELS), data=data)
    blocks = [design(model, data, slice(i, i + 7)) for i in range(0, 30, 7)]

    np.testing.assert_array_equal(np.concatenate(blocks), design(model, data))


def test_response_of_a_two_valued_outcome_is_zero_and_one() -> None:
    data = table(d=[2.0, 1.0, 2.0] * 10)
    model = regression(Numeric("x"), data=data, outcome="d", family="bernoulli")

    assert response(model, data)[:3].tolist() == [1.0, 0.0, 1.0]
    # A block that holds one of the two values only must not change its code.
    assert response(model, data, slice(1, 2)).tolist() == [0.0]


@pytest.mark.parametrize("size", [4, 30, 1_000])
def test_statistic_is_that_of_the_design(size: int) -> None:
    data = table()
    small = regression(Numeric("x"), data=data)
    large = regression(Numeric("x"), Categorical("g", LEVELS), Numeric("z"), data=data)
    moments = statistic([small, large], data, rows_per_block=size)

    assert set(moments.names) == {("x",), ("z",), ("y",), ("g", "a"), ("g", "b"), ("g", "c")}
    chosen = moments.select([*column_keys(large), outcome_key(large)])
    full = np.column_stack([design(large, data)[:, 1:], data["y"].values])
    np.testing.assert_allclose(chosen.means, full.mean(axis=0), rtol=1e-12, atol=1e-12)
    below = chosen.triangle[1:, 1:]
    np.testing.assert_allclose(below.T @ below, 30 * np.cov(full.T, ddof=0), atol=1e-5)


def test_terms_that_do_not_fit_the_table_are_refused() -> None:
    data = table()
    for term in (Numeric("g"), Categorical("x", ("1",)), Categorical("g", ("a", "b"))):
        model = Regression(
            "m", "y", None, (term,), "gaussian",
            resolve(PriorChoice("tutorial"), (term,), "y", "gaussian", data),
        )  # fmt: skip
        with pytest.raises(ModelError):
            design(model, data)


X = np.random.default_rng(3).normal(0, 1, 30)
Z = np.random.default_rng(5).normal(1e9, 1.0, 30)
G = np.array(["c", "a", "b"] * 10)

DEPENDENT: dict[str, tuple[dict[str, list[float]], dict[str, tuple[str, ...]]]] = {
    "nothing": ({"x": X.tolist(), "z": Z.tolist()}, {}),
    "a copy": ({"x": X.tolist(), "w": X.tolist()}, {"w": ("x",)}),
    "other units": ({"x": X.tolist(), "w": (X * 1e-9 + 3e-9).tolist()}, {"w": ("x",)}),
    "a sum": (
        {"x": X.tolist(), "v": (X**2).tolist(), "u": (X**3).tolist(), "w": (X - X**2).tolist()},
        {"w": ("x", "v")},
    ),
    "one value": ({"x": X.tolist(), "w": [0.1] * 30}, {"w": ()}),
    "one value but for rounding": (
        {"x": X.tolist(), "w": (0.1 + 1e-17 * np.arange(30)).tolist()},
        {"w": ()},
    ),
    "two of them": (
        {"x": X.tolist(), "w": (2 * X).tolist(), "v": (3 * X).tolist()},
        {"w": ("x",), "v": ("x",)},
    ),
    "nearly collinear": ({"x": X.tolist(), "w": (X + 1e-9 * X**2).tolist()}, {}),
    "polynomial": ({f"x{i}": (X**i).tolist() for i in range(1, 10)}, {}),
}


@pytest.mark.parametrize("case", DEPENDENT)
def test_dependent_predictors_are_named_with_what_they_depend_on(case: str) -> None:
    columns, expected = DEPENDENT[case]
    data = table(**columns)
    model = regression(*map(Numeric, columns), data=data)

    assert dependent_columns(model, data) == expected
    assert dependent_columns(model, statistic([model], data)) == expected


def test_index_coding_is_no_dependence_but_a_nested_category_is() -> None:
    region = np.where(G == "c", "north", "south").tolist()
    data = table(h=region)
    g, h = Categorical("g", LEVELS), Categorical("h", ("north", "south"))

    assert dependent_columns(regression(g, Numeric("x"), data=data), data) == {}
    assert dependent_columns(regression(g, h, data=data), data) == {"h": ("g",)}


def test_without_an_intercept_a_constant_is_a_column_like_another() -> None:
    data = table(w=[2.0] * 30)
    terms = (Numeric("x"), Numeric("w"))

    assert dependent_columns(regression(*terms, data=data), data) == {"w": ()}
    assert dependent_columns(regression(*terms, data=data, intercept=False), data) == {}

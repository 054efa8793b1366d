"""The design matrix is what the formula says; dependent predictors are found and explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from causal.data.table import Table, read_table
from causal.errors import DataError, ModelError
from causal.models.design import (
    column_keys,
    columns_without_rows,
    dependent_columns,
    design,
    needed,
    offset,
    outcome_key,
    reference_design,
    response,
    statistic,
    sums_for,
    trials,
)
from causal.models.families import Family
from causal.models.priors import PriorChoice, resolve
from causal.models.regression import Regression
from causal.models.terms import (
    Categorical,
    Interaction,
    Level,
    Log,
    Numeric,
    Polynomial,
    Term,
    Varying,
)

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
               intercept: bool = True, preset: str = "tutorial") -> Regression:  # fmt: skip
    choice = PriorChoice(preset)  # type: ignore[arg-type]
    priors = resolve(choice, terms, outcome, family, data, intercept=intercept)
    return Regression("m", outcome, None, terms, family, priors)


def test_columns_follow_the_coefficient_names() -> None:
    data = table()
    model = regression(Numeric("x"), Categorical("g", LEVELS), data=data)
    matrix = design(model, data)

    assert matrix.shape == (30, len(model.coefficient_names) - 1)
    np.testing.assert_array_equal(matrix[:, 0], 1.0)
    np.testing.assert_array_equal(matrix[:, 1], data["x"].values)
    assert matrix[:3, 2:].tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    np.testing.assert_array_equal(reference_design(model, data), np.delete(matrix, 2, axis=1))


def test_the_sums_of_a_regression_stand_in_the_order_of_its_columns() -> None:
    data = table()
    one = regression(Numeric("x"), Numeric("z"), data=data)
    other = regression(Numeric("z"), Numeric("x"), data=data)
    shared = statistic([one, other], data)

    for model in (one, other):
        own, found = statistic([model], data), sums_for(model, shared)
        assert found.names == (*column_keys(model), outcome_key(model))
        np.testing.assert_array_equal(sums_for(model, own).triangle, own.triangle)
        np.testing.assert_allclose(found.triangle, own.triangle, rtol=1e-9, atol=1e-9)


def test_every_kind_of_term_becomes_its_numbers() -> None:
    data = table(w=np.linspace(0.5, 9.0, 30).tolist(), h=["u", "v"] * 15)
    x, z, w = (data[name].values for name in "xzw")
    g = np.array(["c", "a", "b"] * 10)
    h = np.array(["u", "v"] * 15)
    G, H = Categorical("g", LEVELS), Categorical("h", ("u", "v"))
    model = regression(
        *(Log("w"), Polynomial("z", 3, 1e9), Interaction((Numeric("x"), Log("w")))),
        *(Interaction((H, Polynomial("x", 2, 0.5), G)), Varying(H, (Numeric("x"),))),
        data=data,
    )
    expected = [np.ones(30), np.log(w), z - 1e9, (z - 1e9) ** 2, (z - 1e9) ** 3, x * np.log(w)]
    for label in "uv":
        for power in (1, 2):
            expected += [(h == label) * (x - 0.5) ** power * (g == one) for one in LEVELS]
    expected += [h == "u", h == "v", x * (h == "u"), x * (h == "v")]

    np.testing.assert_allclose(design(model, data), np.column_stack(expected), rtol=1e-14)
    assert len(expected) == len(model.linear_names)


def test_what_least_squares_needs_is_marked() -> None:
    data = table()
    G = Categorical("g", LEVELS)
    terms = (Varying(G, ()), Numeric("x"), G, Interaction((Numeric("x"), G)))
    varying = ["1|g[a]", "1|g[b]", "1|g[c]"]

    def kept(model: Regression) -> list[str]:
        return [n for n, k in zip(model.linear_names, needed(model), strict=True) if k]

    model = regression(*terms, data=data)
    assert kept(model) == ["intercept", *varying, "x", "g[b]", "g[c]", "x:g[b]", "x:g[c]"]
    bare = regression(*terms, data=data, intercept=False)
    assert kept(bare) == [*varying, "x", "g[a]", "g[b]", "g[c]", "x:g[b]", "x:g[c]"]
    # Cutpoints stand in the place of an intercept.
    ordered = replace(bare, family="ordered", grades=(1.0, 2.0, 3.0))
    assert kept(ordered) == [*varying, "x", "g[b]", "g[c]", "x:g[b]", "x:g[c]"]


def test_offsets_add_up_and_trials_are_ones_unless_given() -> None:
    data = table(t=[1.0, 2.0, 4.0] * 10, n=[3.0, 5.0] * 15)
    model = regression(Numeric("x"), data=data)

    assert offset(model, data).tolist() == [0.0] * 30
    assert trials(model, data).tolist() == [1.0] * 30
    more = replace(model, offsets=(Log("t"), Numeric("x")), trials="n")
    np.testing.assert_allclose(
        offset(more, data), np.log([1.0, 2.0, 4.0] * 10) + data["x"].values, rtol=1e-15
    )
    assert trials(more, data).tolist() == [3.0, 5.0] * 15


def test_grades_are_numbered_from_nought() -> None:
    data = table(s=[5.0, 1.0, 2.5] * 10)
    model = regression(Numeric("x"), data=data, outcome="s")
    ordered = replace(model, family="ordered", grades=(1.0, 2.5, 5.0))

    assert response(ordered, data)[:3].tolist() == [2.0, 0.0, 1.0]
    # A block that lacks a grade must not change the numbers of the others.
    assert response(ordered, data, slice(0, 2)).tolist() == [2.0, 0.0]


def test_design_can_be_read_in_blocks() -> None:
    data = table()
    G = Categorical("g", LEVELS)
    model = regression(Numeric("x"), G, Interaction((G, Numeric("z"))), data=data)
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

    atoms = [*map(Numeric, "xzy"), *(Level("g", label) for label in LEVELS)]
    assert set(moments.names) == {((atom, 0.0),) for atom in atoms}
    chosen = moments.select([*column_keys(large), outcome_key(large)])
    full = np.column_stack([design(large, data)[:, 1:], data["y"].values])
    np.testing.assert_allclose(chosen.means, full.mean(axis=0), rtol=1e-12, atol=1e-12)
    below = chosen.triangle[1:, 1:]
    np.testing.assert_allclose(below.T @ below, 30 * np.cov(full.T, ddof=0), atol=1e-5)


@pytest.mark.parametrize("preset", ["tutorial", "default"])
@pytest.mark.parametrize("size", [7, 1_000])
def test_products_in_the_statistic_are_those_of_centred_numbers(preset: str, size: int) -> None:
    data = table(w=np.linspace(0.5, 9.0, 30).tolist())
    x, w = data["x"].values, data["w"].values
    G = Categorical("g", LEVELS)
    terms = (
        *(Numeric("x"), Numeric("w"), G, Polynomial("w", 2, 4.0), Interaction((G, Numeric("w")))),
        Interaction((Numeric("x"), Numeric("w"))),
    )
    model = regression(*terms, data=data, preset=preset)
    moments = statistic([model], data, rows_per_block=size)
    # Alone a number is kept as it is, whatever its centre; in products it is centred.
    cx, cw = (x.mean(), w.mean()) if preset == "default" else (0.0, 0.0)
    g = np.array(["c", "a", "b"] * 10)
    levels = [(g == label).astype(float) for label in LEVELS]
    expected = [x, w, *levels, w - 4, (w - 4) ** 2, *(one * (w - cw) for one in levels)]
    expected += [(x - cx) * (w - cw), data["y"].values]
    full = np.column_stack(expected)

    assert dict(model.priors.centre).get(Numeric("x"), 0.0) == pytest.approx(cx)
    chosen = moments.select([*column_keys(model), outcome_key(model)])
    np.testing.assert_allclose(chosen.means, full.mean(axis=0), rtol=1e-12, atol=1e-12)
    below = chosen.triangle[1:, 1:]
    np.testing.assert_allclose(below.T @ below, 30 * np.cov(full.T, ddof=0), rtol=1e-9, atol=1e-9)


def test_a_product_too_large_to_be_squared_is_refused_by_name() -> None:
    data = table(v=(1e90 * np.arange(30)).tolist(), w=(1e60 * np.arange(30)).tolist())
    product = Interaction((Numeric("v"), Numeric("w")))
    with pytest.raises(DataError, match=r"'v:w' makes are too large.*Change the units"):
        statistic([regression(product, data=data)], data)
    with pytest.raises(DataError, match="'v' makes are too large"):
        statistic([regression(Polynomial("v", 2, 0.0), data=data)], data)


def test_terms_that_do_not_fit_the_table_are_refused() -> None:
    data = table()
    for term in (Numeric("g"), Categorical("x", ("1",)), Categorical("g", ("a", "b"))):
        model = Regression(
            "m", "y", None, (term,), "gaussian",
            resolve(PriorChoice("tutorial"), (term,), "y", "gaussian", data),
        )  # fmt: skip
        with pytest.raises(ModelError):
            design(model, data)
        with pytest.raises(ModelError):
            statistic([model], data)


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


def test_products_and_powers_are_named_as_they_are_written() -> None:
    v = np.where(X > 0, 2.0, 3.0)  # two values: its square is a line
    h = np.where(X > 0, "u", "v").tolist()
    data = table(x=X.tolist(), v=v.tolist(), h=h)
    H = Categorical("h", ("u", "v"))
    x, p = Numeric("x"), Polynomial("v", 2, 2.5)
    product = Interaction((x, Numeric("v")))

    model = regression(x, Numeric("v"), p, data=data)
    assert dependent_columns(model, data) == {"poly(v, 2)": ("v",)}
    model = regression(x, H, Interaction((x, H)), product, data=data)
    assert dependent_columns(model, data) == {"x:v": ("x", "x:h")}
    model = regression(x, Numeric("v"), product, Varying(H, (x,)), data=data)
    assert dependent_columns(model, data) == {}  # its prior tells what varies from the rest


@pytest.mark.parametrize("preset", ["tutorial", "default"])
def test_products_of_numbers_far_from_zero_are_independent(preset: str) -> None:
    data = table(x=(2_000 + X).tolist(), z=(50_000 + Z - 1e9).tolist())
    x, z = Numeric("x"), Numeric("z")
    model = regression(x, z, Interaction((x, z)), Polynomial("x", 2, 2_000.0), data=data,
                       preset=preset)  # fmt: skip

    assert dependent_columns(model, data) == {"poly(x, 2)": ("x",)}
    assert dependent_columns(replace(model, terms=model.terms[:3]), data) == {}


def test_combinations_of_levels_without_a_row_are_found() -> None:
    h = ["v", "v", "u", "u", "u", "u"] * 5  # c, a, b: no row has b and v
    data = table(h=h)
    g, H = Categorical("g", LEVELS), Categorical("h", ("u", "v"))
    model = regression(g, H, Interaction((g, H)), Interaction((Numeric("x"), H)), data=data)
    moments = statistic([model], data)

    assert columns_without_rows(model, moments) == {"g:h": ("g[b]:h[v]",)}
    assert list(dependent_columns(model, moments)) == ["g:h"]
    assert columns_without_rows(regression(g, H, data=data), moments) == {}

"""The sufficient statistic knows all that least squares can know, however the rows arrive."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from causal.data.moments import Moments
from causal.errors import DataError

Array = NDArray[np.float64]


def rows(n: int = 500) -> Array:
    random = np.random.default_rng(4)
    x = random.normal(1e6, 1.0, n)
    z = 1e-9 * (x - 1e6) + random.normal(0.0, 1e-10, n)
    return np.column_stack([x, z, random.normal(-3.0, 5.0, n)])


def assert_same(one: Moments, other: Moments) -> None:
    """Equal to some units in the last digit of each column, about its mean."""
    assert one.rows == other.rows
    spread = np.linalg.norm(other.triangle[1:], axis=0)
    spread[0] = 1.0
    difference = np.abs(one.shifted(other.centre) - other.triangle)
    # The first row holds means: to the last digits of the mean, not of the spread.
    scale = np.sqrt(one.rows) * np.abs(other.means)
    assert (difference[1:] <= 1e-13 * spread).all()
    assert (difference[0, 1:] <= 1e-13 * spread[1:] + 1e-15 * scale).all()


def cross_products(moments: Moments) -> Array:
    """Means, and centred sums of products, scaled to correlations."""
    below = moments.triangle[1:, 1:]
    products: Array = below.T @ below
    scale = np.sqrt(np.diagonal(products))
    correlations: Array = products / np.outer(scale, scale)
    return correlations


def test_statistic_holds_means_and_covariances() -> None:
    data = rows()
    moments = Moments.of_blocks([data], "xzy")

    assert moments.rows == 500
    assert moments.names == ("x", "z", "y")
    np.testing.assert_allclose(moments.means, data.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(cross_products(moments), np.corrcoef(data.T), rtol=0, atol=1e-9)


def test_statistic_is_a_triangle_with_a_positive_diagonal() -> None:
    moments = Moments.of_blocks([rows()], "xzy")

    assert np.array_equal(moments.triangle, np.triu(moments.triangle))
    assert (np.diagonal(moments.triangle) > 0).all()


@pytest.mark.parametrize("size", [1, 2, 7, 100, 499, 500, 9_999])
def test_block_size_does_not_matter(size: int) -> None:
    data = rows()
    whole = Moments.of_blocks([data], "xzy")
    parts = Moments.of_blocks((data[i : i + size] for i in range(0, 500, size)), "xzy")

    assert_same(parts, whole)


def test_row_order_does_not_matter() -> None:
    data = rows()
    whole = Moments.of_blocks([data], "xzy")
    mixed = Moments.of_blocks([data[np.random.default_rng(0).permutation(500)]], "xzy")

    assert_same(mixed, whole)


def test_parts_computed_apart_join_to_the_whole() -> None:
    data = rows()
    data[250:] += [5.0, 1e-9, -7.0]  # so that the two parts have different centres
    whole = Moments.of_blocks([data], "xzy")
    nothing = Moments.of_blocks([], "xzy")
    first, second = (Moments.of_blocks([part], "xzy") for part in (data[:250], data[250:]))

    joined = nothing.join(first).join(second).join(nothing)

    assert_same(joined, whole)


def test_moments_of_other_columns_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="same columns"):
        Moments.of_blocks([rows()], "xzy").join(Moments.of_blocks([rows()], "abc"))


def test_selected_columns_are_as_if_read_alone() -> None:
    data = rows()
    chosen = Moments.of_blocks([data], "xzy").select("yx")
    alone = Moments.of_blocks([data[:, [2, 0]]], "yx")

    assert_same(chosen, alone)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_fewer_rows_than_columns_leave_zero_rows(n: int) -> None:
    moments = Moments.of_blocks([rows(500)[:n]], "xzy")

    assert moments.rows == n
    assert moments.triangle.shape == (4, 4)
    assert np.abs(moments.triangle[n:]).max(initial=0.0) < 1e-12


def test_a_column_of_one_value_leaves_no_noise() -> None:
    moments = Moments.of_blocks([np.full((9_000, 1), 0.1)], ["x"])

    assert moments.triangle[1, 1] == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("row", [0, 499])
def test_a_value_that_cannot_be_squared_is_refused_with_its_column(bad: float, row: int) -> None:
    data = rows()
    data[row, 1] = bad

    with pytest.raises(DataError, match="'z'"):
        Moments.of_blocks([data], "xzy")

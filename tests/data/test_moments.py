"""The sufficient statistic knows all that least squares can know, however the rows arrive."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from causal.data import moments as module
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


# ------------------------------------------------------------------------------------------------
# Squared blocks, products, counted rows
# ------------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")


@st.composite
def tables(draw: st.DrawFn) -> Array:
    """Columns far from dependent, of any scale and place that leave digits to their spread."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(40, 400))
    scale = 10.0 ** np.array(draw(st.lists(st.integers(-9, 9), min_size=3, max_size=3)))
    place = np.array(draw(st.lists(st.integers(-1000, 1000), min_size=3, max_size=3)))
    mixed = random.normal(size=(n, 3)) @ np.array([[1.0, 0.5, -0.3], [0, 1, 0.8], [0, 0, 1]])
    return np.asarray((mixed + place) * scale)


def coefficients(moments: Moments) -> Array:
    """Of the last column on the others, in units of their norms."""
    x, y = moments.triangle[1:, 1:-1], moments.triangle[1:, -1]
    norms = np.linalg.norm(x, axis=0)
    found: Array = np.linalg.lstsq(x / norms, y / np.linalg.norm(y), rcond=None)[0]
    return found


@settings(max_examples=50, deadline=None)
@given(tables())
def test_a_squared_block_keeps_twelve_digits(data: Array) -> None:
    squared = module._squared(data.T, data[:7].mean(axis=0))
    assert squared is not None
    assert np.array_equal(squared, np.triu(squared))
    square = Moments(NAMES, len(data), data[:7].mean(axis=0), squared)
    qr = Moments.of_blocks([data], NAMES)
    np.testing.assert_allclose(square.means, qr.means, rtol=1e-12, atol=1e-14 * abs(data).max())
    np.testing.assert_allclose(coefficients(square), coefficients(qr), rtol=0, atol=1e-12)


def test_long_blocks_are_squared(monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.random.default_rng(3).normal(size=(20_000, 3)) @ np.diag([1e-9, 1.0, 1e9])
    taken = Moments.of_blocks([data], NAMES)
    monkeypatch.setattr(module, "_MANY", 10**9)
    by_qr = Moments.of_blocks([data], NAMES)
    assert (taken.triangle != by_qr.triangle).any()
    np.testing.assert_allclose(coefficients(taken), coefficients(by_qr), rtol=0, atol=1e-12)
    np.testing.assert_allclose(taken.shifted(by_qr.centre)[1:], by_qr.triangle[1:], rtol=1e-11)


@pytest.mark.parametrize("apart", [1e-4, 1e-7, 0.0])
def test_nearly_dependent_columns_are_not_squared(apart: float) -> None:
    random = np.random.default_rng(3)
    x, noise, y = random.normal(size=(3, 20_000))
    data = np.column_stack([x, x + apart * noise, x + y])
    assert module._squared(data.T, data.mean(axis=0)) is None
    centred = np.column_stack([np.ones(len(data)), data - data.mean(axis=0)])
    assert Moments.of_products(NAMES, len(data), data.mean(axis=0), centred.T @ centred) is None
    moments = Moments.of_blocks([data], NAMES)
    rest = np.linalg.norm(
        noise - noise.mean() - (x - x.mean()) * (np.cov(x, noise)[0, 1] / x.var())
    )
    assert moments.triangle[2, 2] == pytest.approx(apart * rest, rel=1e-3, abs=1e-10)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_a_value_that_cannot_be_squared_is_found_in_a_long_block(bad: float) -> None:
    data = np.random.default_rng(3).normal(size=(20_000, 3))
    data[15_000, 1] = bad
    with pytest.raises(DataError, match="'b'"):
        Moments.of_blocks([data], NAMES)


@settings(max_examples=40, deadline=None)
@given(tables(), st.data())
def test_any_blocks_in_any_order_are_the_same_rows(data: Array, choose: st.DataObject) -> None:
    cuts = sorted(choose.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    order = np.random.default_rng(len(cuts)).permutation(len(data))
    blocks = [data[order][low:high] for low, high in pairwise([0, *cuts, len(data)])]
    other, one = Moments.of_blocks(blocks, NAMES), Moments.of_blocks([data], NAMES)
    assert other.rows == one.rows
    size = np.abs(data).max(axis=0)
    np.testing.assert_allclose(other.means / size, one.means / size, rtol=0, atol=1e-14)
    np.testing.assert_allclose(coefficients(other), coefficients(one), rtol=0, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(tables())
def test_sums_of_products_are_the_same_rows(data: Array) -> None:
    centre = data.mean(axis=0)
    centred = np.column_stack([np.ones(len(data)), data - centre])
    summed = Moments.of_products(NAMES, len(data), centre, centred.T @ centred)
    assert summed is not None
    qr = Moments.of_blocks([data], NAMES)
    np.testing.assert_allclose(coefficients(summed), coefficients(qr), rtol=0, atol=1e-12)
    spread = np.linalg.norm(qr.triangle[1:, 1:], axis=0)
    mine = summed.triangle[1:, 1:] / spread
    np.testing.assert_allclose(mine, qr.triangle[1:, 1:] / spread, rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(0, 2**32 - 1))
def test_counted_rows_are_the_rows_written_out(data: Array, seed: int) -> None:
    counts = np.random.default_rng(seed).integers(1, 9, len(data))
    counted = Moments.of_counted(data, counts.astype(float), NAMES)
    written = Moments.of_blocks([np.repeat(data, counts, axis=0)], NAMES)
    assert counted.rows == written.rows == counts.sum()
    size = np.abs(data).max(axis=0)
    np.testing.assert_allclose(counted.means / size, written.means / size, rtol=0, atol=1e-13)
    np.testing.assert_allclose(coefficients(counted), coefficients(written), rtol=0, atol=1e-11)


def test_counted_rows_that_cannot_be_squared_are_refused() -> None:
    data = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 4.0]])
    with pytest.raises(DataError, match="'b'"):
        Moments.of_counted(data, np.array([3.0, 4.0]), NAMES)


@settings(max_examples=40, deadline=None)
@given(tables(), st.integers(0, 2**32 - 1))
def test_functions_of_the_columns_need_no_second_pass(data: Array, seed: int) -> None:
    data = data / np.abs(data).max(axis=0)  # sums of numbers of one size
    weights = np.random.default_rng(seed).normal(size=(3, 2))
    combined = Moments.of_blocks([data], NAMES).combined(("u", "v"), weights)
    direct = Moments.of_blocks([data @ weights], ("u", "v"))
    assert (combined.names, combined.rows) == (("u", "v"), len(data))
    np.testing.assert_allclose(combined.means, direct.means, rtol=0, atol=1e-13)
    moved = combined.shifted(direct.centre)
    np.testing.assert_allclose(moved, direct.triangle, rtol=0, atol=1e-11 * np.sqrt(len(data)))

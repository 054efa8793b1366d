"""The sufficient statistic of every linear regression on a table: one small triangle.

For columns X the statistic is the factor R of a QR decomposition of ``[1, X - c]``: all that least
squares, and a Gaussian likelihood, can know about the rows. R and not the cross-products X'X,
because squaring the columns squares the condition number: on NIST's Filip data every route by way
of X'X has no correct digit left, and R has seven. Where there are so many rows that time matters,
a block whose scaled columns are far from dependent (`_APART`) is squared all the same, and R is its
Cholesky factor: three times as fast, and twelve digits of the coefficients stay.

Rows come in blocks of any size, and blocks are joined by a QR of their stacked R's (the "tall and
skinny QR" of Demmel et al. 2012), so neither memory nor the result depends on the blocks. The shift
c is fixed by the first rows; with the column of ones first, any shift is a change of the first row
of R alone, so it costs no second pass.

References
----------
Demmel, Grigori, Hoemmen & Langou (2012), Communication-optimal parallel and sequential QR and LU
factorizations. SIAM J. Sci. Comput. 34(1), A206-A239.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from causal.errors import DataError, shown

__all__ = ["Moments"]

Array = NDArray[np.float64]

# Numbers factored at once. Measured: the fastest size, and just below the one at which OpenBLAS
# calls in its threads, which on a busy machine take up to a thousand times as long.
_AREA = 8_000

# Blocks of so many rows are squared, where that loses nothing worth having: with each column at
# norm 1, the part of it outside the span of those before it is no smaller than this.
_MANY = 8_192
_APART = 0.01

# Rows times columns squared of a product: OpenBLAS takes one thread up to here.
_PRODUCT = 262_144

# Rows whose products are one call of numpy: other threads wait for each.
_LONG = 16_384

# Sums of squares of anything smaller stay inside the range of a float.
_LARGEST = 1e140


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The statistic of some rows.

    Attributes
    ----------
    names : k keys
        Of the columns, in order; any hashable values, all different.
    rows
        How many rows went in.
    centre : (k,)
        c, what was subtracted from each column: the means of the first rows.
    triangle : (k + 1, k + 1)
        R, upper triangular with a non-negative diagonal, of ``[1, X - c]``; zero rows below where
        there were fewer rows than columns.
    """

    names: tuple[Hashable, ...]
    rows: int
    centre: Array
    triangle: Array

    @classmethod
    def of_blocks(cls, blocks: Iterable[Array], names: Sequence[Hashable]) -> Self:
        """The statistic of blocks of rows, each (rows, k), read one after the other.

        Raises
        ------
        DataError
            Where a value is missing, infinite, or too large to be squared.
        """
        width = len(names) + 1
        centre = np.zeros(width - 1)
        triangle = np.zeros((width, width))
        rows = 0
        step = max(_AREA // width - width, width)
        for block in blocks:
            if rows == 0 and len(block):
                _check_size(block[:step], names)
                centre = _centre(block[:step])
            squared = _squared(block.T, centre) if len(block) >= max(_MANY, 8 * width) else None
            if squared is not None:
                triangle = _factor(np.concatenate([triangle, squared]))
                rows += len(block)
                continue
            for start in range(0, len(block), step):
                chunk = block[start : start + step]
                _check_size(chunk, names)
                stacked = np.empty((width + len(chunk), width))
                stacked[:width] = triangle
                stacked[width:, 0] = 1.0
                np.subtract(chunk, centre, out=stacked[width:, 1:])
                triangle = _factor(stacked)
                rows += len(chunk)
        return cls(tuple(names), rows, centre, triangle)

    @classmethod
    def of_columns(cls, columns: Sequence[Array], names: Sequence[Hashable]) -> Self:
        """The statistic of one block, (rows,) for each column.

        Raises
        ------
        DataError
            As `of_blocks`.
        """
        rows, width = len(columns[0]) if columns else 0, len(names) + 1
        if rows >= max(_MANY, 8 * width):
            step = max(_AREA // width - width, width)
            centre = _centre(np.stack([column[:step] for column in columns], axis=1))
            squared = _squared(columns, centre)
            if squared is not None:
                return cls(tuple(names), rows, centre, squared)
        return cls.of_blocks([np.stack(columns, axis=1)] if columns else [], names)

    @classmethod
    def of_counted(cls, matrix: Array, counts: Array, names: Sequence[Hashable]) -> Self:
        """The statistic of rows that stand for several each, (rows, k) and (rows,).

        Raises
        ------
        DataError
            As `of_blocks`.
        """
        width = len(names) + 1
        step = max(_AREA // width - width, width)
        centre = _centre(matrix[:step])
        triangle = np.zeros((width, width))
        for start in range(0, len(matrix), step):
            chunk = matrix[start : start + step]
            _check_size(chunk, names)
            root = np.sqrt(counts[start : start + step, None])
            scaled = np.concatenate([root, (chunk - centre) * root], axis=1)
            triangle = _factor(np.concatenate([triangle, scaled]))
        return cls(tuple(names), int(counts.sum()), centre, triangle)

    @classmethod
    def of_products(
        cls, names: Sequence[Hashable], rows: int, centre: Array, products: Array
    ) -> Self | None:
        """The statistic of sums of products; ``None`` where they leave too few digits.

        Parameters
        ----------
        products : (k + 1, k + 1)
            ``[1, X - centre]'[1, X - centre]``, with a centre near the means.
        """
        triangle = _cholesky(products)
        return None if triangle is None else cls(tuple(names), rows, centre, triangle)

    def select(self, names: Sequence[Hashable]) -> Moments:
        """The statistic of some of the columns, in the order given; touches no rows."""
        places = [self.names.index(name) for name in names]
        columns = [0, *(place + 1 for place in places)]
        return Moments(
            tuple(names), self.rows, self.centre[places], _factor(self.triangle[:, columns])
        )

    def combined(self, names: Sequence[Hashable], weights: Array) -> Moments:
        """The statistic of linear functions of the columns, (k, len(names)); touches no rows."""
        centred: Array = self.triangle[:, 1:] @ weights
        return Moments(
            tuple(names),
            self.rows,
            self.centre @ weights,
            _factor(np.column_stack([self.triangle[:, 0], centred])),
        )

    def join(self, other: Moments) -> Moments:
        """The statistic of the rows of both; `other` must have the same columns.

        Raises
        ------
        ValueError
            If the columns differ.
        """
        if self.names != other.names:
            raise ValueError("only moments of the same columns can be joined")
        if self.rows == 0 or other.rows == 0:
            return self if other.rows == 0 else other
        moved = other.shifted(self.centre)
        stacked = np.concatenate([self.triangle, moved])
        return Moments(self.names, self.rows + other.rows, self.centre, _factor(stacked))

    def shifted(self, centre: Array) -> Array:
        """R of ``[1, X - centre]``, (k + 1, k + 1): only its first row differs from `triangle`."""
        moved = self.triangle.copy()
        moved[0, 1:] += moved[0, 0] * (self.centre - centre)
        return moved

    @property
    def means(self) -> Array:
        """The mean of each column, (k,)."""
        if self.rows == 0:
            return np.full(len(self.names), np.nan)
        means: Array = self.centre + self.triangle[0, 1:] / self.triangle[0, 0]
        return means


def _centre(block: Array) -> Array:
    """The block's means, computed so that a column of one value gets exactly that value."""
    first = block[0]
    centre: Array = first + np.mean(block - first, axis=0)
    return centre


def _squared(columns: Sequence[Array] | Array, centre: Array) -> Array | None:
    """R of ``[1, columns - centre]`` from products; ``None`` where that would lose digits."""
    width, rows = len(columns) + 1, len(columns[0])
    step = min(max(_PRODUCT // width**2, 4 * width), rows)
    steps = max(_LONG // step, 1)
    # A second row of ones, so that numpy takes the general product: it is the faster one here.
    part = np.ones((width + 1, min(steps * step, rows)))
    products = np.zeros((width, width + 1))
    # A missing or infinite value makes a sum that is not finite, and is found by name elsewhere.
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, rows, steps * step):
            size = min(steps * step, rows - start)
            for column, middle, place in zip(columns, centre, part[1:-1], strict=True):
                np.subtract(column[start : start + size], middle, out=place[:size])
            even = size // step * step
            some = part[:, :even].reshape(width + 1, -1, step).transpose(1, 0, 2)
            products += (some[:, :-1] @ some.transpose(0, 2, 1)).sum(axis=0)
            products += part[:-1, even:size] @ part[:, even:size].T
    return _cholesky(products[:, :-1])


def _cholesky(products: Array) -> Array | None:
    """R with ``R'R = products``, unless the columns are nearly dependent."""
    norms = np.sqrt(np.diagonal(products))
    if not np.all((norms > 0.0) & (norms < _LARGEST)):
        return None
    try:
        factor = np.linalg.cholesky(products / norms / norms[:, None])
    except np.linalg.LinAlgError:
        return None
    if np.diagonal(factor).min() < _APART:
        return None
    triangle: Array = factor.T * norms
    return triangle


def _factor(matrix: Array) -> Array:
    """The square R of a QR, with a non-negative diagonal: unique, whatever the row order."""
    factor: Array = np.linalg.qr(matrix, mode="r")
    width = matrix.shape[1]
    if len(factor) < width:
        factor = np.concatenate([factor, np.zeros((width - len(factor), width))])
    return factor * np.where(np.diagonal(factor) < 0.0, -1.0, 1.0)[:, None]


def _check_size(chunk: Array, names: Sequence[Hashable]) -> None:
    good = np.abs(chunk) < _LARGEST  # false for a missing value too
    if good.all():
        return
    name = names[int(good.all(axis=0).argmin())]
    raise DataError(
        f"{shown(str(name))} holds a value that is missing, infinite or too large to be squared: "
        "correct it, or change the units of the column."
    )

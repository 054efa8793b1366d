"""The sufficient statistic of every linear regression on a table: one small triangle.

For columns X the statistic is the factor R of a QR decomposition of ``[1, X - c]``: all that least
squares, and a Gaussian likelihood, can know about the rows. R and not the cross-products X'X,
because squaring the columns squares the condition number: on NIST's Filip data every route by way
of X'X has no correct digit left, and R has seven.

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
            for start in range(0, len(block), step):
                chunk = block[start : start + step]
                _check_size(chunk, names)
                if rows == 0:
                    centre = _centre(chunk)
                stacked = np.empty((width + len(chunk), width))
                stacked[:width] = triangle
                stacked[width:, 0] = 1.0
                np.subtract(chunk, centre, out=stacked[width:, 1:])
                triangle = _factor(stacked)
                rows += len(chunk)
        return cls(tuple(names), rows, centre, triangle)

    def select(self, names: Sequence[Hashable]) -> Moments:
        """The statistic of some of the columns, in the order given; touches no rows."""
        places = [self.names.index(name) for name in names]
        columns = [0, *(place + 1 for place in places)]
        return Moments(
            tuple(names), self.rows, self.centre[places], _factor(self.triangle[:, columns])
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

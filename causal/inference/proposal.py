"""What importance sampling draws from: multivariate Student-t, wider on one side where need be.

A *split* Student-t has in each direction of its axes one scale upwards and one downwards, joined
without a step (Geweke 1989): ``centre + factor @ (s * e)`` with e spherical Student-t in size, each
sign up with the share of the upper scale in both, and s the scale of that side. Its log density is
that of e, less the logs of the mean of the two scales.

References
----------
Geweke (1989). Bayesian inference in econometric models using Monte Carlo integration. Econometrica
57, 1317-1339.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["Mixture", "Student"]


@dataclass(frozen=True, slots=True, eq=False)
class Student:
    """A multivariate Student-t, split where `up` and `down` differ from 1.

    Attributes
    ----------
    centre : (d,)
    factor : (d, d)
        Its columns are the axes; ``factor @ factor.T`` is the scale matrix.
    freedom
        Degrees of freedom.
    up, down : (d,)
        The scales along each axis; ``None``: 1.
    """

    centre: Array
    factor: Array
    freedom: float = 5.0
    up: Array | None = None
    down: Array | None = None

    def draw(self, count: int, generator: np.random.Generator) -> Array:
        """(count, d)."""
        z = generator.standard_normal((count, len(self.centre)))
        z /= np.sqrt(generator.chisquare(self.freedom, count) / self.freedom)[:, None]
        if self.up is not None and self.down is not None:
            rises = generator.random(z.shape) < self.up / (self.up + self.down)
            z = np.where(rises, self.up, -self.down) * np.abs(z)
        points: Array = self.centre + z @ self.factor.T
        return points

    def log_density(self, points: Array) -> Array:
        """Of points (g, d), (g,)."""
        size = len(self.centre)
        z = np.linalg.solve(self.factor, (points - self.centre).T)
        scale = -float(np.linalg.slogdet(self.factor)[1])
        if self.up is not None and self.down is not None:
            z = z / np.where(z > 0.0, self.up[:, None], self.down[:, None])
            scale -= float(np.log((self.up + self.down) / 2.0).sum())
        half = 0.5 * (self.freedom + size)
        scale += math.lgamma(half) - math.lgamma(0.5 * self.freedom)
        scale -= 0.5 * size * math.log(self.freedom * math.pi)
        found: Array = scale - half * np.log1p((z**2).sum(axis=0) / self.freedom)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Several of them, each with its share of the draws."""

    parts: tuple[Student, ...]
    shares: Array

    def draw(self, count: int, generator: np.random.Generator) -> Array:
        """(count, d), in random order."""
        often = generator.multinomial(count, self.shares)
        drawn = [part.draw(n, generator) for part, n in zip(self.parts, often, strict=True)]
        return generator.permutation(np.concatenate(drawn))

    def log_density(self, points: Array) -> Array:
        """Of points (g, d), (g,)."""
        each = [part.log_density(points) for part in self.parts]
        found: Array = np.logaddexp.reduce(np.array(each) + np.log(self.shares)[:, None], axis=0)
        return found

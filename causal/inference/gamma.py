"""What the gamma function gives to likelihoods, in numpy alone.

Stirling's series behind a recurrence (Abramowitz & Stegun 1964, 6.1.41, 6.3.18, 6.4.12): scipy
takes longer to import than most posteriors to draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["FAR", "FIRST", "LOG", "digamma", "log_rising", "trigamma"]

FAR = 10
"""From here on the series have all the digits of a float."""
LOG = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
FIRST = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760)
_SECOND = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730)


def log_rising(alpha: Array, y: Array) -> Array:
    """``log gamma(alpha + y) - log gamma(alpha) - y log alpha``, (g, y), without cancellation."""
    alpha, y = alpha[:, None], y[None, :]
    far, small = _shifted(alpha)
    # The terms that grow like alpha are taken together.
    found = (far + y - 0.5) * np.log1p(y / far) - y
    found += _series(far + y, LOG) / (far + y) - _series(far, LOG) / far
    if small.any():
        steps = sum(np.log1p(y / (alpha + step)) for step in range(FAR))
        found += np.where(small, y * (np.log(far) - np.log(alpha)) - steps, 0.0)
    return found


def digamma(x: Array) -> Array:
    """First derivative of the logarithm of the gamma function, at numbers above 0."""
    far, small = _shifted(x)
    steps = sum(1.0 / (x + step) for step in range(FAR))
    found = np.log(far) - 0.5 / far - _series(far, FIRST) / far**2
    return found - np.where(small, steps, 0.0)


def trigamma(x: Array) -> Array:
    """Its second derivative, likewise."""
    far, small = _shifted(x)
    steps = sum(1.0 / (x + step) ** 2 for step in range(FAR))
    found = (1.0 + (0.5 + _series(far, _SECOND) / far) / far) / far
    return found + np.where(small, steps, 0.0)


def _shifted(x: Array) -> tuple[Array, NDArray[np.bool_]]:
    """So many steps further where x is small; and where that is."""
    small = x < FAR
    return np.where(small, x + FAR, x), small


def _series(x: Array, terms: tuple[float, ...]) -> Array:
    """The sum of terms[i] / x^(2 i)."""
    total, square = np.zeros_like(x), 1.0 / (x * x)
    for term in reversed(terms):
        total = total * square + term
    return total

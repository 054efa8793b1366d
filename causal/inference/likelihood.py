"""Log likelihoods and their derivatives, family by family.

Each is a sum over cells of rows (`causal.inference.cells`) of a function of the linear predictor
``eta`` and of the other parameters ``others``: cutpoints; ``sigma``; ``sigma, nu``; ``alpha``. What
depends on no row's eta stands apart (`apart`), to be computed once. The families in `LINEAR` lack
the product of outcome and eta, which is linear in the coefficients. Constants are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from causal.inference.gamma import digamma, log_rising, trigamma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.inference.cells import Cells
    from causal.models.families import Family
    from causal.models.regression import Regression

    Array = NDArray[np.float64]

__all__ = ["LINEAR", "Slopes", "Tallies", "apart", "apart_slopes", "logit", "slopes", "together"]

LINEAR = ("bernoulli", "binomial", "poisson", "negbinomial")
"""The families whose log likelihood has the product of outcome and linear predictor."""


@dataclass(frozen=True, slots=True, eq=False)
class Tallies:
    """What there is to count in the outcome, whatever the predictors are.

    Attributes
    ----------
    rows
        How many there are.
    grades
        Rows of each grade, of an ordered outcome.
    values, often
        The distinct outcomes of a negative binomial, and their rows.
    """

    rows: float
    grades: Array
    values: Array
    often: Array

    @classmethod
    def of(cls, regression: Regression, cells: Cells) -> Tallies:
        """Of the outcomes of one regression."""
        values, grades, often = np.zeros((3, 0))
        if regression.family == "ordered":
            codes = cells.outcome.astype(np.intp)
            grades = np.bincount(codes, cells.size, len(regression.grades))
        if regression.family == "negbinomial":
            values, place = np.unique(cells.outcome, return_inverse=True)
            often = np.bincount(place.ravel(), cells.size)
        return cls(float(cells.size.sum()), grades, values, often)


# ------------------------------------------------------------------------------------------------
# At many points
# ------------------------------------------------------------------------------------------------


def apart(family: Family, others: Array, tallies: Tallies) -> Array:
    """What does not depend on eta, at each point: others (g, q), (g,)."""
    found: Array
    match family:
        case "gaussian":
            found = -tallies.rows * np.log(others[:, 0])
        case "student":
            sigma, nu = others.T
            # log of gamma((nu + 1) / 2) / gamma(nu / 2) / sqrt(nu / 2)
            constant = log_rising(nu / 2.0, np.array([0.5]))[:, 0]
            found = tallies.rows * (constant - np.log(sigma))
        case "negbinomial":
            found = log_rising(others[:, 0], tallies.values) @ tallies.often
        case "ordered":
            # P(grade) is expit(above) expit(-below) (1 - exp(below - above)).
            found = np.log(-np.expm1(-np.diff(others, axis=1))) @ tallies.grades[1:-1]
        case _:
            found = np.zeros(len(others))
    return found


def together(
    family: Family, eta: Array, outcome: Array, size: Array, others: Array, *, alike: bool
) -> Array:
    """What some cells add at each point, (g,).

    Parameters
    ----------
    eta : (cells, g)
        Is overwritten.
    outcome, size : (cells,)
    others : (g, q)
    alike
        Whether all sizes are 1.
    """
    found: Array
    match family:
        case "bernoulli" | "binomial":
            found = -_softplus(eta, size, alike=alike)
        case "poisson":
            found = -np.exp(eta, out=eta).sum(axis=0)
        case "negbinomial":
            alpha = others[:, 0]
            spread = np.log1p(np.exp(eta - np.log(alpha)))
            found = -((size * outcome) @ spread + alpha * (size @ spread))
        case "ordered":
            grade = outcome.astype(np.intp)
            low, high = grade > 0, grade < others.shape[1]
            above = _softplus(eta[high] - others.T[grade[high]], size[high], alike=alike)
            below = _softplus(others.T[grade[low] - 1] - eta[low], size[low], alike=alike)
            found = -(above + below)
        case _:
            square = ((outcome[:, None] - eta) / others[:, 0]) ** 2
            if family == "gaussian":
                found = -0.5 * (size @ square)
            else:
                nu = others[:, 1]
                found = -0.5 * (nu + 1.0) * (size @ np.log1p(square / nu))
    return found


def _softplus(eta: Array, size: Array, *, alike: bool) -> Array:
    """Sum over the cells of ``size * log(1 + exp(eta))``, (g,); overwrites eta.

    With sizes of 1 the logarithm is taken once of a product of many factors between 1 and 2.
    """
    if not alike:
        positive = size @ np.maximum(eta, 0.0)
        np.abs(eta, out=eta)
        np.negative(eta, out=eta)
        rest: Array = size @ np.log1p(np.exp(eta, out=eta), out=eta)
        return positive + rest
    total = 0.5 * eta.sum(axis=0)
    np.abs(eta, out=eta)
    total += 0.5 * eta.sum(axis=0)
    np.negative(eta, out=eta)
    np.exp(eta, out=eta)
    eta += 1.0
    for start in range(0, len(eta), 1_000):  # 2^1000 is a number
        total += np.log(np.multiply.reduce(eta[start : start + 1_000], axis=0))
    return total


# ------------------------------------------------------------------------------------------------
# At one point, with derivatives
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Of some cells: the log likelihood and its derivatives.

    Attributes
    ----------
    value
        Their sum.
    first, second : (cells,)
        By eta, of each.
    mixed : (cells, q)
        By eta and another parameter, of each.
    own, curved : (q,), (q, q)
        By the other parameters, summed.
    """

    value: float
    first: Array
    second: Array
    mixed: Array
    own: Array
    curved: Array


def apart_slopes(family: Family, others: Array, tallies: Tallies) -> Slopes:
    """`apart` at one point, others (q,), and its derivatives; there are no cells."""
    q = len(others)
    own, curved = np.zeros(q), np.zeros((q, q))
    match family:
        case "gaussian" | "student":
            own[0] = -tallies.rows / others[0]
            curved[0, 0] = tallies.rows / others[0] ** 2
            if family == "student":
                nu = others[1]
                low, high = digamma(np.array([nu / 2.0, nu / 2.0 + 0.5]))
                own[1] = 0.5 * tallies.rows * (high - low - 1.0 / nu)
                low, high = trigamma(np.array([nu / 2.0, nu / 2.0 + 0.5]))
                curved[1, 1] = tallies.rows * (0.25 * (high - low) + 0.5 / nu**2)
        case "negbinomial":
            y, often, alpha = tallies.values, tallies.often, others[0]
            own[0] = often @ (digamma(alpha + y) - digamma(others) - y / alpha)
            curved[0, 0] = often @ (trigamma(alpha + y) - trigamma(others) + y / alpha**2)
        case "ordered":
            inner = np.arange(q - 1)
            rate = 1.0 / np.expm1(np.diff(others))
            first = tallies.grades[1:-1] * rate
            second = first * (1.0 + rate)
            own[1:] += first
            own[:-1] -= first
            curved[inner, inner] -= second
            curved[inner + 1, inner + 1] -= second
            curved[inner, inner + 1] = curved[inner + 1, inner] = second
    value = float(apart(family, others[None], tallies)[0])
    return Slopes(value, np.zeros(0), np.zeros(0), np.zeros((0, q)), own, curved)


def slopes(family: Family, eta: Array, outcome: Array, size: Array, others: Array) -> Slopes:
    """What some cells add at one point, with derivatives: eta (cells,), others (q,)."""
    match family:
        case "bernoulli" | "binomial":
            spread, above, below = logit(eta)
            value, first = -float(size @ spread), -size * above
            return Slopes(value, first, first * below, *_nothing(eta, others))
        case "poisson":
            mean = np.exp(eta)
            return Slopes(-float(mean.sum()), -mean, -mean, *_nothing(eta, others))
        case "negbinomial":
            return _negbinomial(eta, outcome, size, others)
        case "ordered":
            return _ordered(eta, outcome, size, others)
        case "student":
            return _student(eta, outcome, size, others)
        case _:
            return _gaussian(eta, outcome, size, others)


def _nothing(eta: Array, others: Array) -> tuple[Array, Array, Array]:
    q = len(others)
    return np.zeros((len(eta), q)), np.zeros(q), np.zeros((q, q))


def _negbinomial(eta: Array, outcome: Array, size: Array, others: Array) -> Slopes:
    [alpha] = others
    spread, share, rest = logit(eta - np.log(alpha))  # share: mean / (alpha + mean)
    first = -size * (outcome + alpha) * share
    # (mean - y) / (alpha + mean), which neither a huge mean nor a huge alpha spoils
    away = share - outcome * rest / alpha
    by_alpha = size * ((outcome + alpha) * share / alpha - spread)
    twice = size @ (share * away / alpha - outcome * share / alpha**2)
    return Slopes(
        -float(size @ ((outcome + alpha) * spread)),
        first,
        first * rest,
        (-size * share * away)[:, None],
        np.array([by_alpha.sum()]),
        np.array([[twice]]),
    )


def _ordered(eta: Array, outcome: Array, size: Array, others: Array) -> Slopes:
    value, first, second = 0.0, np.zeros(len(eta)), np.zeros(len(eta))
    mixed, own, curved = _nothing(eta, others)
    grade = outcome.astype(np.intp)
    for cut, point in enumerate(others):
        # A grade below the cutpoint has log expit(cutpoint - eta), the next one up the opposite.
        for at, sign in ((grade == cut, 1.0), (grade == cut + 1, -1.0)):
            spread, lack, share = logit(sign * (eta[at] - point))
            value -= float(size[at] @ spread)
            slope, bend = sign * size[at] * lack, -size[at] * share * lack
            first[at] -= slope
            second[at] += bend
            mixed[at, cut] = -bend
            own[cut] += slope.sum()
            curved[cut, cut] += bend.sum()
    return Slopes(value, first, second, mixed, own, curved)


def _gaussian(eta: Array, outcome: Array, size: Array, others: Array) -> Slopes:
    [sigma] = others
    z = (outcome - eta) / sigma
    first, square = size * z / sigma, float(size @ z**2)
    return Slopes(
        -0.5 * square,
        first,
        -size / sigma**2,
        (-2.0 * first / sigma)[:, None],
        np.array([square / sigma]),
        np.array([[-3.0 * square / sigma**2]]),
    )


def _student(eta: Array, outcome: Array, size: Array, others: Array) -> Slopes:
    sigma, nu = others
    z = (outcome - eta) / sigma
    square = z**2
    total = nu + square
    part, rest, log = square / total, nu / total, np.log1p(square / nu)
    first = size * (nu + 1.0) * z / total / sigma
    by_both = float(size @ (part * (square - 1.0) / total)) / sigma
    by_nu = float(size @ (part * (1.0 - 1.0 / nu - (nu + 1.0) / total))) / (2.0 * nu)
    by_sigma = -(nu + 1.0) * float(size @ (part * (1.0 + 2.0 * rest))) / sigma**2
    return Slopes(
        -0.5 * (nu + 1.0) * float(size @ log),
        first,
        -size * (nu + 1.0) * (rest - part) / total / sigma**2,
        np.stack(
            [-2.0 * first * rest / sigma, size * z * (square - 1.0) / total**2 / sigma], axis=1
        ),
        np.array(
            [
                (nu + 1.0) * float(size @ part) / sigma,
                0.5 * float(size @ ((nu + 1.0) / nu * part - log)),
            ]
        ),
        np.array([[by_sigma, by_both], [by_both, by_nu]]),
    )


def logit(eta: Array) -> tuple[Array, Array, Array]:
    """``log(1 + exp(eta))``, ``1 / (1 + exp(-eta))`` and what this lacks to 1, to all digits."""
    small = np.exp(-np.abs(eta))
    large = 1.0 / (1.0 + small)
    rest = small * large
    positive = eta > 0.0
    softplus = np.maximum(eta, 0.0) + np.log1p(small)
    return softplus, np.where(positive, large, rest), np.where(positive, rest, large)

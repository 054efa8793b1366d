"""The density of `causal.inference.density` and its gradient in machine code, for NUTS.

A chain asks for both tens of thousands of times, at one point each. These are C functions that
nutpie's threads call without Python, so that chains run beside each other and no time goes into
calls: numba compiles the one of the family in use, in two or three seconds, and keeps it on disk
for the next process.

Everything that a density is made of stands in one array (`packed`), the only argument besides the
point. The point is ``v`` (d,), with ``u = centre + factor @ v`` the moved parameters of `Density`:
about a mode, with a square root of the covariance there, v is nearly standard normal, whatever the
units and however nearly collinear the predictors are.

numba is imported here and nowhere else: import this module where it is used.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numba as untyped
import numpy as np
from numba.core.caching import NullCache

from causal.inference.gamma import FAR, FIRST, LOG

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.inference.density import Density
    from causal.models.families import Family
    from causal.models.priors import Distribution

    Array = NDArray[np.float64]

numba: Any = untyped

__all__ = ["compiled", "packed", "unchanged"]

# ------------------------------------------------------------------------------------------------
# What a density is made of
# ------------------------------------------------------------------------------------------------

# The sections of the array. It begins with where each of them starts, where the last one ends, and
# the number of cutpoints. (For whole numbers of Python numba would compile `_section` 13 times.)
_CENTRE, _FACTOR, _SCALE, _LOW, _HIGH, _PRIOR, _UNIT, *_ROWS = np.arange(13)
_VALUES, _OFTEN, _OUTCOME, _SIZE, _OFFSET, _DESIGN = _ROWS
_END, _CUTS = 13, 14

# What the log density of a prior is in, up to a constant; three numbers follow each.
_FLAT, _NORMAL, _STUDENT, _LOG_NORMAL, _GAMMA, _INVERSE_GAMMA = range(6)


def packed(density: Density, centre: Array, factor: Array) -> Array:
    """All that the C function of a family reads, in one array.

    Parameters
    ----------
    density
        Of the family.
    centre, factor : (d,), (d, d)
        The moved parameters are ``centre + factor @ v``.
    """
    cells, d, k = density.cells, density.dimension, density.coefficients
    # A cell that was watched for no time and counted nothing says nothing.
    kept = np.isfinite(cells.offset) | (cells.outcome != 0.0)
    low, high = np.full(d, -math.inf), np.full(d, math.inf)
    for place, least, most in density.bounded:
        low[place], high[place] = least, most
    tallies, ordered = density.tallies, density.regression.family == "ordered"
    sections: list[Array] = [
        centre,
        factor.ravel(),
        density.scale,
        low,
        high,
        np.array([_told(prior) for prior in density.priors]).ravel(),
        density.unit,
        tallies.values,
        tallies.grades[1:-1] if ordered else tallies.often,
        cells.outcome[kept],
        cells.size[kept],
        cells.offset[kept],
    ]
    lengths = [*map(len, sections), int(kept.sum()) * k]
    ends: list[int] = (_CUTS + 1 + np.cumsum([0, *lengths])).tolist()
    found = np.empty(ends[-1])
    found[: _CUTS + 1] = *ends, len(density.regression.priors.cutpoints)
    for start, section in zip(ends, sections, strict=False):
        found[start : start + len(section)] = section
    design, row = found[ends[-2] :].reshape(k, int(kept.sum())), 0
    for rows, block in density.blocks():
        part = block[kept[rows]]
        design[:, row : row + len(part)] = part.T
        row += len(part)
    return found


def _told(prior: Distribution) -> tuple[float, float, float, float]:
    """What its log density is in, and three numbers."""
    p = prior.parameters
    match prior.name:
        case "Normal" | "HalfNormal":
            return _NORMAL, 0.0 if len(p) == 1 else p[0], p[-1], 0.0
        case "StudentT":
            return _STUDENT, p[1], p[2], p[0]
        case "HalfStudentT":
            return _STUDENT, 0.0, p[1], p[0]
        case "Cauchy":
            return _STUDENT, p[0], p[1], 1.0
        case "HalfCauchy":
            return _STUDENT, 0.0, p[0], 1.0
        case "LogNormal":
            return _LOG_NORMAL, p[0], p[1], 0.0
        case "Exponential":
            return _GAMMA, 1.0, p[0], 0.0
        case "Gamma":
            return _GAMMA, p[0], p[1], 0.0
        case "InverseGamma":
            return _INVERSE_GAMMA, p[0], p[1], 0.0
        case _:
            return _FLAT, 0.0, 0.0, 0.0


# ------------------------------------------------------------------------------------------------
# The door to numba
# ------------------------------------------------------------------------------------------------

_INT, _COUNT = numba.types.int64, numba.types.uint64
_DOUBLES = numba.types.CPointer(numba.types.double)
_DENSITY = _INT(_COUNT, _DOUBLES, _DOUBLES, _DOUBLES, _DOUBLES)
_EXPANSION = _INT(_COUNT, _COUNT, _DOUBLES, _DOUBLES, _DOUBLES)

_FREE = {"reassoc", "contract"}
"""What the compiler may do with sums: take them in another order. Infinity and NaN stay."""


_HELPERS: list[Any] = []
"""All that numba may have begun to keep before it turns out that nothing can be kept."""


def _kept(make: Callable[..., Any]) -> Any:
    """Let numba keep what it compiles, unless that fails."""
    options = {"error_model": "numpy"}  # a division by 0 is infinite, and no exception
    try:
        return make(cache=True, **options)
    except (RuntimeError, OSError, EOFError, pickle.UnpicklingError):
        # No folder, no room in it, or what is kept there was cut off.
        for helper in _HELPERS:
            helper._cache = NullCache()  # noqa: SLF001 - numba has no public way
        return make(**options)


def _helper[F: Callable[..., Any]](function: F) -> F:
    """A part of a C function, compiled with it."""
    found: F = _kept(lambda **options: numba.njit(**options)(function))
    _HELPERS.append(found)
    return found


def _summing[F: Callable[..., Any]](function: F) -> F:
    """One that may take its sums in another order, several rows at once."""
    found: F = _kept(lambda **options: numba.njit(fastmath=_FREE, **options)(function))
    _HELPERS.append(found)
    return found


@cache
def compiled(family: Family) -> Any:
    """The C function of a family, with its ``address``: nutpie's signature, and what it returns.

    ``(d, v, gradient, value, packed)``: 0, or 1 where value or gradient are not finite numbers, by
    which nutpie knows a step that must be rejected.
    """
    return _kept(
        lambda **options: numba.cfunc(_DENSITY, fastmath=_FREE, **options)(_FAMILIES[family])
    )


@cache
def unchanged() -> Any:
    """The C function that copies a point: what nutpie is to keep of each draw."""
    return _kept(lambda **options: numba.cfunc(_EXPANSION, **options)(_copied))


# ------------------------------------------------------------------------------------------------
# The parts
# ------------------------------------------------------------------------------------------------

# Rows of the array in which a C function works, each (d,).
_MOVED, _NATURAL, _SLOPE, _LEAN, _BY, _THETA, _CROSS, _WORK = range(8)


def _copied(dimension: Any, _many: Any, v: Any, found: Any, _data: Any) -> Any:
    for place in range(dimension):
        found[place] = v[place]
    return 0


@_helper
def _given(pointer: Any) -> Any:
    """The packed array behind a pointer."""
    return numba.carray(pointer, (int(pointer[_END]),))


@_helper
def _section(data: Any, which: Any) -> Any:
    return data[int(data[which]) : int(data[which + 1])]


@_summing
def _opened(dimension: Any, v: Any, data: Any, work: Any) -> float:
    """From v to the natural parameters, with what they and the change of variables add.

    Fills the rows of `work`: moved (of cutpoints the steps), natural, its derivative, that of the
    log Jacobian, that of the log prior; the coefficients in units of the design, and zeros.
    """
    centre, factor, scale = _section(data, _CENTRE), _section(data, _FACTOR), _section(data, _SCALE)
    low, high, prior = _section(data, _LOW), _section(data, _HIGH), _section(data, _PRIOR)
    unit, cuts = _section(data, _UNIT), int(data[_CUTS])
    total, ascending = 0.0, 0.0
    for i in range(dimension):
        row, moved = factor[i * dimension : (i + 1) * dimension], 0.0
        for j in range(dimension):
            moved += row[j] * v[j]
        moved += centre[i]
        if len(unit) < i < len(unit) + cuts:
            total += moved
            work[_MOVED, i] = math.exp(moved)
            moved = ascending + work[_MOVED, i]
        ascending = moved
        if low[i] == -math.inf:
            natural, slope, lean = moved * scale[i], scale[i], 0.0
        elif high[i] == math.inf:
            slope, lean = math.exp(moved), 1.0
            natural = low[i] + slope
            total += moved
        else:
            less, above, below = _logit(moved)
            width = high[i] - low[i]
            natural = low[i] + width * above if moved < 0.0 else high[i] - width * below
            slope, lean = width * above * below, below - above
            total += moved - 2.0 * less
        work[_NATURAL, i], work[_SLOPE, i], work[_LEAN, i] = natural, slope, lean
        log, work[_BY, i] = _log_prior(natural, prior[4 * i : 4 * i + 4])
        total += log
    for i in range(len(unit)):
        work[_THETA, i], work[_CROSS, i] = work[_NATURAL, i] * unit[i], 0.0
    return total


@_helper
def _log_prior(x: float, told: Any) -> tuple[float, float]:
    """Up to a constant, and its derivative."""
    kind, first, second, third = told[0], told[1], told[2], told[3]
    if kind == _NORMAL:
        z = (x - first) / second
        return -0.5 * z * z, -z / second
    if kind == _STUDENT:
        z = (x - first) / second
        log = -0.5 * (third + 1.0) * math.log1p(z * z / third)
        return log, -(third + 1.0) * z / (third + z * z) / second
    if kind == _LOG_NORMAL:
        z = (math.log(x) - first) / second
        return -0.5 * z * z - math.log(x), -(1.0 + z / second) / x
    if kind == _GAMMA:
        return (first - 1.0) * math.log(x) - second * x, (first - 1.0) / x - second
    if kind == _INVERSE_GAMMA:
        log = -(first + 1.0) * math.log(x) - second / x
        return log, (second / x - first - 1.0) / x
    return 0.0, 0.0


@_helper
def _closed(total: float, data: Any, work: Any, gradient: Any, value: Any) -> int:
    """Hand over the value, and the gradient by v from that by the natural parameters."""
    unit, factor = _section(data, _UNIT), _section(data, _FACTOR)
    k, cuts, dimension = len(unit), int(data[_CUTS]), len(_section(data, _CENTRE))
    by = work[_BY]
    for i in range(k):
        by[i] += work[_CROSS, i] * unit[i]
    for i in range(dimension):
        by[i] = work[_SLOPE, i] * by[i] + work[_LEAN, i]
    after = 0.0
    for i in range(k + cuts - 1, k, -1):  # a step moves all cutpoints after it
        after += by[i]
        by[i] = work[_MOVED, i] * after + 1.0
    if cuts:
        by[k] += after
    slopes = np.zeros(dimension)
    for i in range(dimension):
        row = factor[i * dimension : (i + 1) * dimension]
        for j in range(dimension):
            slopes[j] += row[j] * by[i]
    value[0], fine = total, math.isfinite(total)
    for j in range(dimension):
        gradient[j] = slopes[j]
        fine = fine and math.isfinite(slopes[j])
    return 0 if fine else 1


# Rows are done some at a time, each loop over them plain enough for the compiler to do several at
# once; sums may then be taken in another order, and nothing else is given up for speed.
_SOME = 256


@_summing
def _predict(data: Any, start: int, eta: Any, theta: Any) -> None:
    """The linear predictors of some rows, from the one at *start* on."""
    offset, design = _section(data, _OFFSET), _section(data, _DESIGN)
    part = offset[start : start + len(eta)]
    for i in range(len(eta)):
        eta[i] = part[i]
    for j in range(int(data[_UNIT + 1] - data[_UNIT])):
        column, slope = design[j * len(offset) + start :][: len(eta)], theta[j]
        for i in range(len(eta)):
            eta[i] += column[i] * slope


@_summing
def _add(data: Any, start: int, slopes: Any, cross: Any) -> None:
    """Add the derivatives by the coefficients, from those by the linear predictors."""
    rows, design = int(data[_OFFSET + 1] - data[_OFFSET]), _section(data, _DESIGN)
    for j in range(int(data[_UNIT + 1] - data[_UNIT])):
        column, total = design[j * rows + start :][: len(slopes)], 0.0
        for i in range(len(slopes)):
            total += column[i] * slopes[i]
        cross[j] += total


@_helper
def _exp(x: Any, found: Any) -> None:
    """The exponentials of *x*, to the last digit but one; at least the least normal number.

    2^n exp(r) with n a whole number, |r| <= log(2) / 2 and the series of exp.
    """
    bits = np.empty(len(x), np.int64)
    power = bits.view(np.float64)
    for i in range(len(x)):
        inside = min(max(x[i], -708.0), 709.0)
        n = np.floor(inside * 1.4426950408889634 + 0.5)
        r = (inside - n * 0.6931471803691238) - n * 1.9082149292705877e-10
        far = 1 / 40320 + r * (1 / 362880 + r * (1 / 3628800 + r * (1 / 39916800 + r / 479001600)))
        middle = 1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * far)))
        found[i] = 1.0 + r * (1.0 + r * (0.5 + r * (1 / 6 + r * middle)))
        bits[i] = (np.int64(n) + 1023) << 52
    for i in range(len(x)):
        found[i] = found[i] * power[i] if x[i] <= 709.0 else x[i] * math.inf


@_helper
def _logits(eta: Any, spread: Any, share: Any) -> None:
    """``log(1 + exp(eta))`` and ``1 / (1 + exp(-eta))``, to all digits.

    log(1 + s) is 2 artanh(s / (2 + s)), whose series is short, since s is at most 1.
    """
    for i in range(len(eta)):
        share[i] = -abs(eta[i])
    _exp(share, spread)
    for i in range(len(eta)):
        small = spread[i]
        large = 1.0 / (1.0 + small)
        share[i] = large if eta[i] > 0.0 else small * large
        z = small / (2.0 + small)
        q = z * z
        far = 1 / 25 + q * (1 / 27 + q * (1 / 29 + q / 31))
        middle = 1 / 17 + q * (1 / 19 + q * (1 / 21 + q * (1 / 23 + q * far)))
        near = 1 / 9 + q * (1 / 11 + q * (1 / 13 + q * (1 / 15 + q * middle)))
        series = 1.0 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * near)))
        spread[i] = max(eta[i], 0.0) + 2.0 * z * series


@_helper
def _logit(eta: float) -> tuple[float, float, float]:
    """As `causal.inference.likelihood.logit`."""
    small = math.exp(-abs(eta))
    large = 1.0 / (1.0 + small)
    rest = small * large
    if eta > 0.0:
        return eta + math.log1p(small), large, rest
    return math.log1p(small), rest, large


@_helper
def _series(x: float, terms: tuple[float, ...]) -> float:
    """The sum of terms[i] / x^(2 i)."""
    total = 0.0
    for i in range(len(terms) - 1, -1, -1):
        total = total / (x * x) + terms[i]
    return total


@_helper
def _log_rising(alpha: float, y: float) -> float:
    """As `causal.inference.gamma.log_rising`, of two numbers."""
    far, less = alpha, 0.0
    if alpha < FAR:
        far = alpha + FAR
        less = -y * (math.log(far) - math.log(alpha))
        for step in range(FAR):
            less += math.log1p(y / (alpha + step))
    found = (far + y - 0.5) * math.log1p(y / far) - y - less
    return found + _series(far + y, LOG) / (far + y) - _series(far, LOG) / far


@_helper
def _digamma(x: float) -> float:
    """As `causal.inference.gamma.digamma`, of one number."""
    far, less = x, 0.0
    if x < FAR:
        far = x + FAR
        for step in range(FAR):
            less += 1.0 / (x + step)
    return math.log(far) - 0.5 / far - _series(far, FIRST) / (far * far) - less


# ------------------------------------------------------------------------------------------------
# The families
# ------------------------------------------------------------------------------------------------


def _binomial(dimension: Any, v: Any, gradient: Any, value: Any, pointer: Any) -> Any:
    data, work = _given(pointer), np.empty((_WORK, dimension))
    total = _opened(dimension, v, data, work)
    outcome, size = _section(data, _OUTCOME), _section(data, _SIZE)
    eta, spread, share = np.empty(_SOME), np.empty(_SOME), np.empty(_SOME)
    for start in range(0, len(outcome), _SOME):
        y, times = outcome[start : start + _SOME], size[start : start + _SOME]
        eta, spread, share = eta[: len(y)], spread[: len(y)], share[: len(y)]
        _predict(data, start, eta, work[_THETA])
        _logits(eta, spread, share)
        for i in range(len(y)):
            total += y[i] * eta[i] - times[i] * spread[i]
            eta[i] = y[i] - times[i] * share[i]
        _add(data, start, eta, work[_CROSS])
    return _closed(total, data, work, gradient, value)


def _poisson(dimension: Any, v: Any, gradient: Any, value: Any, pointer: Any) -> Any:
    data, work = _given(pointer), np.empty((_WORK, dimension))
    total = _opened(dimension, v, data, work)
    outcome = _section(data, _OUTCOME)
    eta, mean = np.empty(_SOME), np.empty(_SOME)
    for start in range(0, len(outcome), _SOME):
        y = outcome[start : start + _SOME]
        eta, mean = eta[: len(y)], mean[: len(y)]
        _predict(data, start, eta, work[_THETA])
        _exp(eta, mean)
        for i in range(len(y)):
            total += y[i] * eta[i] - mean[i]
            eta[i] = y[i] - mean[i]
        _add(data, start, eta, work[_CROSS])
    return _closed(total, data, work, gradient, value)


def _negbinomial(dimension: Any, v: Any, gradient: Any, value: Any, pointer: Any) -> Any:
    data, work = _given(pointer), np.empty((_WORK, dimension))
    total, k = _opened(dimension, v, data, work), len(_section(data, _UNIT))
    outcome, size = _section(data, _OUTCOME), _section(data, _SIZE)
    values, often = _section(data, _VALUES), _section(data, _OFTEN)
    alpha, by_alpha = work[_NATURAL, k], 0.0
    log_alpha, below = math.log(alpha), _digamma(alpha)
    for place in range(len(values)):
        y = values[place]
        total += often[place] * _log_rising(alpha, y)
        by_alpha += often[place] * (_digamma(alpha + y) - below - y / alpha)
    eta, spread, share = np.empty(_SOME), np.empty(_SOME), np.empty(_SOME)
    for start in range(0, len(outcome), _SOME):
        ys, times = outcome[start : start + _SOME], size[start : start + _SOME]
        eta, spread, share = eta[: len(ys)], spread[: len(ys)], share[: len(ys)]
        _predict(data, start, eta, work[_THETA])
        for i in range(len(ys)):
            eta[i] -= log_alpha
        _logits(eta, spread, share)
        for i in range(len(ys)):
            both = ys[i] + alpha
            total += times[i] * (ys[i] * (eta[i] + log_alpha) - both * spread[i])
            by_alpha += times[i] * (both * share[i] / alpha - spread[i])
            eta[i] = times[i] * (ys[i] - both * share[i])
        _add(data, start, eta, work[_CROSS])
    work[_BY, k] += by_alpha
    return _closed(total, data, work, gradient, value)


def _ordered(dimension: Any, v: Any, gradient: Any, value: Any, pointer: Any) -> Any:
    data, work = _given(pointer), np.empty((_WORK, dimension))
    total, k = _opened(dimension, v, data, work), len(_section(data, _UNIT))
    outcome, size = _section(data, _OUTCOME), _section(data, _SIZE)
    often, cuts = _section(data, _OFTEN), int(data[_CUTS])
    cut, by = work[_NATURAL, k : k + cuts], work[_BY, k : k + cuts]
    # P(grade) is expit(above) expit(-below) (1 - exp(below - above)).
    for place in range(len(often)):
        step = cut[place + 1] - cut[place]
        total += often[place] * math.log(-math.expm1(-step))
        rate = often[place] / math.expm1(step)
        by[place + 1] += rate
        by[place] -= rate
    eta, away = np.empty(_SOME), np.empty(_SOME)
    spread, share = np.empty(_SOME), np.empty(_SOME)
    for start in range(0, len(outcome), _SOME):
        grades, times = outcome[start : start + _SOME], size[start : start + _SOME]
        some = len(grades)
        eta, away, spread, share = eta[:some], away[:some], spread[:some], share[:some]
        _predict(data, start, eta, work[_THETA])
        slopes = np.zeros(some)
        for side in range(2):  # below the cutpoint above, above the cutpoint below; none far away
            sign = 1.0 - 2.0 * side
            for i in range(some):
                place = int(grades[i]) - side
                inside = 0 <= place < cuts
                away[i] = sign * (eta[i] - cut[place]) if inside else -math.inf
            _logits(away, spread, share)
            for i in range(some):
                place = int(grades[i]) - side
                if 0 <= place < cuts:
                    total -= times[i] * spread[i]
                    by[place] += sign * times[i] * share[i]
                    slopes[i] -= sign * times[i] * share[i]
        _add(data, start, slopes, work[_CROSS])
    return _closed(total, data, work, gradient, value)


def _student(dimension: Any, v: Any, gradient: Any, value: Any, pointer: Any) -> Any:
    data, work = _given(pointer), np.empty((_WORK, dimension))
    total, k = _opened(dimension, v, data, work), len(_section(data, _UNIT))
    outcome, size = _section(data, _OUTCOME), _section(data, _SIZE)
    sigma, nu = work[_NATURAL, k], work[_NATURAL, k + 1]
    rows, parts, logs = 0.0, 0.0, 0.0
    eta = np.empty(_SOME)
    for start in range(0, len(outcome), _SOME):
        y, times = outcome[start : start + _SOME], size[start : start + _SOME]
        eta = eta[: len(y)]
        _predict(data, start, eta, work[_THETA])
        for i in range(len(y)):
            z = (y[i] - eta[i]) / sigma
            rows += times[i]
            parts += times[i] * z * z / (nu + z * z)
            logs += times[i] * math.log1p(z * z / nu)
            eta[i] = times[i] * (nu + 1.0) * z / (nu + z * z) / sigma
        _add(data, start, eta, work[_CROSS])
    total += rows * (_log_rising(nu / 2.0, 0.5) - math.log(sigma)) - 0.5 * (nu + 1.0) * logs
    work[_BY, k] += ((nu + 1.0) * parts - rows) / sigma
    turn = _digamma(nu / 2.0 + 0.5) - _digamma(nu / 2.0) - 1.0 / nu
    work[_BY, k + 1] += 0.5 * (rows * turn + (nu + 1.0) / nu * parts - logs)
    return _closed(total, data, work, gradient, value)


def _gaussian(dimension: Any, v: Any, gradient: Any, value: Any, pointer: Any) -> Any:
    data, work = _given(pointer), np.empty((_WORK, dimension))
    total, k = _opened(dimension, v, data, work), len(_section(data, _UNIT))
    outcome, size = _section(data, _OUTCOME), _section(data, _SIZE)
    sigma, rows, squares = work[_NATURAL, k], 0.0, 0.0
    eta = np.empty(_SOME)
    for start in range(0, len(outcome), _SOME):
        y, times = outcome[start : start + _SOME], size[start : start + _SOME]
        eta = eta[: len(y)]
        _predict(data, start, eta, work[_THETA])
        for i in range(len(y)):
            z = (y[i] - eta[i]) / sigma
            rows += times[i]
            squares += times[i] * z * z
            eta[i] = times[i] * z / sigma
        _add(data, start, eta, work[_CROSS])
    total -= rows * math.log(sigma) + 0.5 * squares
    work[_BY, k] += (squares - rows) / sigma
    return _closed(total, data, work, gradient, value)


_FAMILIES: dict[Family, Callable[..., Any]] = {
    "bernoulli": _binomial,
    "binomial": _binomial,
    "poisson": _poisson,
    "negbinomial": _negbinomial,
    "ordered": _ordered,
    "student": _student,
    "gaussian": _gaussian,
}

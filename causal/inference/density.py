"""The log posterior density of a regression whose coefficients do not vary, and its derivatives.

Everything that is sampled moves on the whole line. A parameter with bounds is moved by its
logarithm (above 0) or by its log odds (between two ends); cutpoints by the first and the logarithms
of the steps to the next ones; sigma, nu and alpha by their logarithms. The density is that of the
moved numbers, ``u``: the Jacobian is part of it.

Whatever runs over rows runs in blocks, so that no matrix of rows by points is ever whole, and in
pieces that OpenBLAS does in one thread: on a busy machine its threads wait for each other up to a
hundred times as long as they work.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from causal.inference.cells import Cells, collapsed
from causal.inference.likelihood import (
    LINEAR,
    Tallies,
    apart,
    apart_slopes,
    logit,
    slopes,
    together,
)
from causal.models.design import atom_values, check_levels
from causal.models.families import RULES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causal.data.table import Table
    from causal.models.priors import Distribution
    from causal.models.regression import Regression
    from causal.models.terms import Atom

    Array = NDArray[np.float64]

__all__ = ["Density"]

_BLOCK = 8_192
"""Rows at once, where each is a few numbers."""
_HELD = 16_000_000
"""Numbers of the design that are kept between passes (128 MB); a larger one is made anew."""
_TILE = 32_768
"""Rows times points at once: what the caches of a core hold."""
_POINTS = 128
_MULTIPLICATIONS = 250_000
"""In one product of matrices: OpenBLAS does a larger one in threads."""


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """Log posterior density of the moved parameters ``u`` (d,), up to a constant.

    ``u`` holds the k coefficients at the centres (each in units of ``scale``, so that 1 moves the
    linear predictor by 1 at most, or by an sd of an outcome that is a number), then the
    cutpoints, then the auxiliary parameters, all moved as the module says.
    """

    regression: Regression
    cells: Cells
    tallies: Tallies
    unit: Array  # (k,): the largest number in each column of the design, without its sign
    cross: Array  # (k,): design' weighted
    weighted: Array  # (cells,): what each predictor is multiplied by there; 0 elsewhere
    level: float  # weighted' offset
    shifted: bool  # whether any offset is other than 0
    held: tuple[Array, ...] | None  # blocks of the design in these units
    priors: tuple[Distribution, ...]  # of coefficients, cutpoints, auxiliary parameters
    normal: tuple[NDArray[np.intp], Array, Array]  # places, means and sds of the normal ones
    others: tuple[tuple[int, Distribution], ...]  # the other ones
    bounded: tuple[tuple[int, float, float], ...]  # places and bounds, where there are any
    scale: Array  # (d,): what an unbounded parameter is multiplied by

    @classmethod
    def of(cls, regression: Regression, table: Table) -> Density:
        """Of a regression without `Varying` terms; rows that lack a value are left out."""
        if table.lacking(regression.variables):
            table = table.complete(regression.variables)
        check_levels(regression, table)
        cells, priors = collapsed(regression, table), regression.priors
        own = [priors.intercept] if priors.intercept is not None else []
        own += [prior for group in priors.terms for prior in group]
        every = (*own, *priors.cutpoints, *(prior for _, prior in priors.auxiliary))
        weighted = _weighted_outcome(regression, cells)
        unit, cross, held = _scaled(regression, cells, weighted)
        places = [place for place, prior in enumerate(every) if prior.name == "Normal"]
        numbers = np.array([every[place].parameters for place in places]).reshape(-1, 2)
        ends = [prior.support for prior in every]
        for place in range(len(own) + len(priors.cutpoints), len(every)):
            ends[place] = max(ends[place][0], 0.0), ends[place][1]  # whatever its prior says
        return cls(
            regression=regression,
            cells=cells,
            tallies=Tallies.of(regression, cells),
            unit=unit,
            cross=cross,
            weighted=weighted,
            level=float(weighted @ np.maximum(cells.offset, -1e300)),
            shifted=bool(cells.offset.any()),
            held=held,
            priors=every,
            normal=(np.array(places, dtype=np.intp), numbers[:, 0], numbers[:, 1]),
            others=tuple((n, prior) for n, prior in enumerate(every) if prior.name != "Normal"),
            bounded=tuple((n, *two) for n, two in enumerate(ends) if math.isfinite(two[0])),
            scale=np.append(_spread(regression, cells) / unit, np.ones(len(every) - len(own))),
        )

    @property
    def dimension(self) -> int:
        """How many parameters."""
        return len(self.priors)

    @property
    def coefficients(self) -> int:
        """How many of them are coefficients."""
        return len(self.unit)

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """The design in units of `unit`, some rows at a time."""
        if self.held is None:
            for rows, block in _blocks(self.regression, self.cells.table):
                block /= self.unit
                yield rows, block
            return
        start = 0
        for block in self.held:
            yield slice(start, start + len(block)), block
            start += len(block)

    # -- the scale of the data ---------------------------------------------------------------------

    @property
    def middle(self) -> float:
        """The linear predictor at the mean outcome."""
        cells = self.cells
        ones, rows = float(cells.outcome.sum()), float(cells.size.sum())
        match self.regression.family:
            case "bernoulli" | "binomial":
                shift = float(cells.size @ cells.offset) / rows
                return math.log((ones + 0.5) / (rows - ones + 0.5)) - shift
            case "poisson":
                top = float(cells.offset.max())
                watched = float(np.exp(cells.offset - top).sum())
            case _:
                ones = float(cells.size @ cells.outcome)
                top = float(cells.offset.max())
                watched = float(cells.size @ np.exp(cells.offset - top))
        return math.log(ones + 0.5) - math.log(watched) - top

    def least_squares(self) -> Array:
        """Coefficients (k,) that fit the outcome nearly best."""
        k = self.coefficients
        gram, cross = np.zeros((k, k)), np.zeros(k)
        for rows, block in self.blocks():
            size, outcome = self.cells.size[rows], self.cells.outcome[rows]
            gram += _weighted_square(block, size)
            cross += block.T @ (size * (outcome - self.cells.offset[rows]))
        gram[np.diag_indices(k)] += 1e-10 * np.trace(gram)
        found: Array = np.linalg.solve(gram, cross) / self.unit if k else cross
        return found

    def left(self, theta: Array) -> float:
        """Root mean square of what these coefficients leave of the outcome; never 0."""
        total = 0.0
        for rows, block in self.blocks():
            rest = self.cells.outcome[rows] - self.cells.offset[rows] - block @ (theta * self.unit)
            total += float(self.cells.size[rows] @ rest**2)
        return math.sqrt(total / float(self.cells.size.sum())) or 1e-150

    def in_units(self, covariance: Array) -> Array:
        """A covariance of ``u``, coefficients without bounds in the data's own units."""
        size = self.scale.copy()
        size[[place for place, _, _ in self.bounded]] = 1.0
        found: Array = covariance * np.outer(size, size)
        return found

    # -- what is moved -----------------------------------------------------------------------------

    def natural(self, points: Array) -> Array:
        """Coefficients at the centres, cutpoints, auxiliary parameters of points, (g, d) both."""
        return self._natural(points)[0]

    def moved(self, natural: Array) -> Array:
        """The ``u`` (d,) of parameters (d,) inside their bounds, cutpoints ascending."""
        found: Array = natural / self.scale
        for place, low, high in self.bounded:
            above = natural[place] - low
            found[place] = math.log(above if math.isinf(high) else above / (high - natural[place]))
        first, last = self._cuts
        found[first + 1 : last] = np.log(np.diff(found[first:last]))
        return found

    def inside(self, natural: Array) -> Array:
        """The nearest parameters (d,) that are well inside their bounds; cutpoints stay."""
        found = natural.copy()
        first, last = self._cuts
        for place, low, high in self.bounded:
            if math.isfinite(high):
                edge = 0.01 * (high - low)
                found[place] = min(max(found[place], low + edge), high - edge)
            elif not first <= place < last:
                found[place] = max(found[place], low + 1e-3 * self.scale[place])
        return found

    @property
    def _cuts(self) -> tuple[int, int]:
        start = self.coefficients
        return start, start + len(self.regression.priors.cutpoints)

    def _natural(self, points: Array) -> tuple[Array, Array]:
        """The parameters, and the log of the Jacobian (g,)."""
        moved, volume = self._ascending(points)
        natural = moved * self.scale
        for place, low, high in self.bounded:
            natural[:, place], _, _, log_slope, _, _ = _bounded(moved[:, place], low, high)
            volume = volume + log_slope
        return natural, volume

    def _ascending(self, points: Array) -> tuple[Array, Array]:
        """Cutpoints from the first and the logs of the steps, and the log Jacobian."""
        first, last = self._cuts
        if last - first < 2:
            return points, np.zeros(len(points))
        moved = points.copy()
        moved[:, first + 1 : last] = np.exp(points[:, first + 1 : last])
        moved[:, first:last] = np.cumsum(moved[:, first:last], axis=1)
        return moved, points[:, first + 1 : last].sum(axis=1)

    # -- at many points ----------------------------------------------------------------------------

    def at(self, points: Array) -> Array:
        """Log density at points (g, d), (g,); -inf where it cannot be computed."""
        with np.errstate(all="ignore"):
            natural, total = self._natural(points)
            places, mean, sd = self.normal
            total = total - 0.5 * (((natural[:, places] - mean) / sd) ** 2).sum(axis=1)
            for place, prior in self.others:
                total = total + prior.log_density(natural[:, place])
            total = total + self._log_likelihood(natural)
        return np.where(np.isfinite(total), total, -math.inf)

    def _log_likelihood(self, natural: Array) -> Array:
        k, family, cells = self.coefficients, self.regression.family, self.cells
        theta, others = natural[:, :k] * self.unit, natural[:, k:]
        total = apart(family, others, self.tallies)
        if family in LINEAR:
            total = total + theta @ self.cross + self.level
        wide = max(1, min(_POINTS, len(natural)))
        tall = max(16, min(_TILE // wide, _MULTIPLICATIONS // (wide * max(k, 1))))
        alike = bool((cells.size == 1.0).all())
        for rows, block in self.blocks():
            for low in range(0, len(block), tall):
                part = block[low : low + tall]
                here = slice(rows.start + low, rows.start + low + len(part))
                outcome, size, offset = cells.outcome[here], cells.size[here], cells.offset[here]
                for start in range(0, len(natural), wide):
                    some = slice(start, start + wide)
                    eta = part @ theta[some].T
                    if self.shifted:
                        eta += offset[:, None]
                    total[some] += together(family, eta, outcome, size, others[some], alike=alike)
        return total

    # -- at one point ------------------------------------------------------------------------------

    def derivatives(self, point: Array, thin: int = 1) -> tuple[float, Array, Array]:
        """Log density at one point (d,), its gradient (d,) and its Hessian (d, d).

        With *thin*, one cell by chance stands for so many: quicker, and only nearly right.
        """
        with np.errstate(all="ignore"):
            moved, log_volume = self._ascending(point[None])
            value, slope = moved[0] * self.scale, self.scale.copy()
            curve, log_first, log_second = np.zeros((3, len(point)))
            volume = float(log_volume[0])
            for place, low, high in self.bounded:
                bent = _bounded(moved[0, place : place + 1], low, high)
                value[place], slope[place], curve[place], *logs = np.ravel(bent).tolist()
                log_slope, log_first[place], log_second[place] = logs
                volume += log_slope
            total, gradient, hessian = self._likelihood_derivatives(value, thin)
            total += volume + self._add_priors(value, gradient, hessian)
            hessian = slope[:, None] * hessian * slope
            hessian[np.diag_indices(len(value))] += curve * gradient + log_second
            gradient = slope * gradient + log_first
            first, last = self._cuts
            if last - first > 1:
                gradient, hessian = self._by_steps(point, gradient, hessian)
        return total, gradient, hessian

    def _add_priors(self, value: Array, gradient: Array, hessian: Array) -> float:
        """The log prior of the parameters (d,); adds its derivatives."""
        places, mean, sd = self.normal
        z = (value[places] - mean) / sd
        gradient[places] -= z / sd
        hessian[places, places] -= 1.0 / sd**2
        total = -0.5 * float(z @ z)
        for place, prior in self.others:
            total += float(prior.log_density(value[place : place + 1])[0])
            first, second = _prior_derivatives(prior, value[place])
            gradient[place] += first
            hessian[place, place] += second
        return total

    def _by_steps(self, point: Array, gradient: Array, hessian: Array) -> tuple[Array, Array]:
        """Derivatives by the first cutpoint and the log steps, from those by the cutpoints."""
        first, last = self._cuts
        steps = np.exp(point[first + 1 : last])
        change = np.eye(len(point))
        change[first:last, first] = 1.0
        for place, step in enumerate(steps):
            at = first + 1 + place
            change[first:last, at] = 0.0
            change[at:last, at] = step
        own = change.T @ gradient
        hessian = change.T @ hessian @ change
        inside = np.arange(first + 1, last)
        hessian[inside, inside] += own[inside]
        own[inside] += 1.0
        return own, hessian

    def _likelihood_derivatives(self, natural: Array, thin: int) -> tuple[float, Array, Array]:
        """Log likelihood by the natural parameters, (d,) and (d, d)."""
        k, family, cells = self.coefficients, self.regression.family, self.cells
        theta, others = natural[:k] * self.unit, natural[k:]
        gradient, hessian = np.zeros(len(natural)), np.zeros((len(natural), len(natural)))
        found = apart_slopes(family, others, self.tallies)
        total, gradient[k:], hessian[k:, k:] = found.value, found.own, found.curved
        if family in LINEAR and thin == 1:
            total += float(theta @ self.cross) + self.level
            gradient[:k] = self.cross
        some: slice | NDArray[np.intp]
        for rows, block in self.blocks():
            part, some = block, rows
            if thin > 1:
                chosen = _by_chance(len(block), thin)
                part, some = block[chosen], rows.start + chosen
            eta = part @ theta
            if self.shifted:
                eta += cells.offset[some]
            found = slopes(family, eta, cells.outcome[some], cells.size[some], others)
            if family in LINEAR and thin > 1:
                outcome = self.weighted[some]
                total += thin * float(outcome @ eta)
                gradient[:k] += thin * (part.T @ outcome)
            total += thin * found.value
            gradient[:k] += thin * (part.T @ found.first)
            gradient[k:] += thin * found.own
            hessian[:k, :k] += thin * _weighted_square(part, found.second)
            hessian[:k, k:] += thin * (part.T @ found.mixed)
            hessian[k:, k:] += thin * found.curved
        hessian[:k] *= self.unit[:, None]
        hessian[:k, :k] *= self.unit
        hessian[k:, :k] = hessian[:k, k:].T
        gradient[:k] *= self.unit
        return total, gradient, hessian


def _weighted_outcome(regression: Regression, cells: Cells) -> Array:
    """What eta is multiplied by, in the families that have the product of the two; else 0."""
    if regression.family not in LINEAR:
        return np.zeros(cells.rows)
    return cells.outcome * cells.size if regression.family == "negbinomial" else cells.outcome


def _spread(regression: Regression, cells: Cells) -> float:
    """What counts as a step of the linear predictor: an sd of the outcome, or 1 behind a link."""
    if RULES[regression.family].link != "identity":
        return 1.0
    rest = cells.outcome - cells.offset
    middle = np.average(rest, weights=cells.size)
    unit = float(np.abs(rest - middle).max()) or 1.0  # no square leaves the range of a float
    return unit * math.sqrt(np.average(((rest - middle) / unit) ** 2, weights=cells.size)) or 1.0


def _scaled(
    regression: Regression, cells: Cells, weighted: Array
) -> tuple[Array, Array, tuple[Array, ...] | None]:
    """The unit of each column, the design times *weighted*, and, if small enough, the design."""
    k = len(regression.columns)
    unit, cross = np.zeros(k), np.zeros(k)
    held: list[Array] | None = [] if cells.rows * max(k, 1) <= _HELD else None
    for rows, block in _blocks(regression, cells.table):
        unit = np.maximum(unit, np.abs(block).max(axis=0))
        cross += block.T @ weighted[rows]
        if held is not None:
            held.append(block)
    unit[unit == 0.0] = 1.0
    for block in held or ():
        block /= unit
    return unit, cross / unit, None if held is None else tuple(held)


@lru_cache(maxsize=8)
def _by_chance(rows: int, thin: int) -> NDArray[np.intp]:
    """One row in so many, always the same ones: no period in the data can hide some kind of row."""
    return np.random.default_rng(0).permutation(rows)[: max(1, rows // thin)]


def _weighted_square(block: Array, weights: Array) -> Array:
    """``block' diag(weights) block``, in pieces that OpenBLAS does in one thread."""
    found = np.zeros((block.shape[1], block.shape[1]))
    step = max(_MULTIPLICATIONS // max(found.size, 1), 16)
    for start in range(0, len(block), step):
        part = block[start : start + step].T
        found += (part * weights[start : start + step]) @ part.T
    return found


def _bounded(
    moved: Array, low: float, high: float
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """A parameter above `low` or between two bounds, from its logarithm or its log odds.

    With its first two derivatives; then the logarithm of the first one, and the two of that.
    """
    if math.isinf(high):
        value = np.exp(moved)
        return low + value, value, value, moved, np.ones_like(moved), np.zeros_like(moved)
    less, above, below = logit(moved)
    width = high - low
    slope = width * above * below
    return (
        np.where(moved < 0.0, low + width * above, high - width * below),
        slope,
        slope * (below - above),
        moved - 2.0 * less,
        below - above,
        -2.0 * above * below,
    )


def _blocks(regression: Regression, table: Table) -> Iterator[tuple[slice, Array]]:
    """The columns that multiply the coefficients at the centres, some rows at a time."""
    centres, columns = regression.priors.centres, regression.columns
    for start in range(0, table.rows, _BLOCK):
        rows = slice(start, min(start + _BLOCK, table.rows))
        block = np.ones((rows.stop - start, len(columns)))
        known: dict[Atom, Array] = {}
        for place, column in enumerate(columns):
            for atom in column:
                if atom not in known:
                    known[atom] = atom_values(atom, table, rows) - centres.get(atom, 0.0)
                block[:, place] *= known[atom]
        yield rows, block


def _prior_derivatives(prior: Distribution, x: float) -> tuple[float, float]:
    """First and second derivative of the log density inside the support."""
    p = prior.parameters
    match prior.name:
        case "Normal" | "HalfNormal":
            scale = p[-1]
            z = (x - (p[0] if prior.name == "Normal" else 0.0)) / scale
            return -z / scale, -1.0 / scale**2
        case "StudentT" | "HalfStudentT" | "Cauchy" | "HalfCauchy":
            nu = p[0] if "StudentT" in prior.name else 1.0
            where = p[-2] if prior.name in ("StudentT", "Cauchy") else 0.0
            z = (x - where) / p[-1]
            total = nu + z * z
            slope = -(nu + 1.0) * z / total / p[-1]
            return slope, -(nu + 1.0) * (nu - z * z) / total / total / p[-1] ** 2
        case "LogNormal":
            away = (np.log(x) - p[0]) / p[1] / p[1]
            return -(1.0 + away) / x, (1.0 + away - 1.0 / p[1] ** 2) / x / x
        case "Exponential":
            return -p[0], 0.0
        case "Gamma":
            return (p[0] - 1.0) / x - p[1], -(p[0] - 1.0) / x / x
        case "InverseGamma":
            return (p[1] / x - p[0] - 1.0) / x, (p[0] + 1.0 - 2.0 * p[1] / x) / x / x
        case _:  # flat inside its support
            return 0.0, 0.0

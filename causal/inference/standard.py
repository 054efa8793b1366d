"""Regressions with normal priors in one form, so that one compiled model samples them all.

A normal prior says ``theta = mean + sd z`` with z standard normal, and a standard normal vector
stays one when it is turned. So every such regression is

    eta = base + design @ z,    z ~ Normal(0, 1),

with its centres, its priors and its offsets inside `design` and `base`. Two regressions of the same
family then differ in data only. The design is turned onto its principal axes: nearly collinear
columns, the normal case in adjustment, become columns at right angles, and nothing is lost.

A regression with fewer columns than the model has coefficients is filled up with columns of zeros.
Their z enter nowhere: they stay standard normal, independent of all else, and are left out.

Rows that agree are taken together first (`causal.inference.cells`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.data.table import Table
from causal.errors import ModelError, shown
from causal.inference import mode
from causal.inference.cells import collapsed
from causal.models.design import atom_values, check_levels
from causal.models.families import RULES, Family
from causal.models.priors import Distribution
from causal.models.pymc_model import check_outcome, starts
from causal.models.regression import Regression
from causal.models.terms import Atom

__all__ = ["Kind", "Standard", "kind", "model", "of", "start"]

Array = NDArray[np.float64]

LARGEST = 50_000_000
"""Numbers in a design; more than these 400 MB are not written down for categories."""

COEFFICIENTS, CUTPOINTS = "standard", "cutpoints"
"""The variables of the model; the others are called as in `causal.models.families.RULES`."""

_ROWS, _COUNTS = "rows", "counts"


@dataclass(frozen=True, slots=True)
class Kind:
    """What regressions must have in common to share a model."""

    family: Family
    auxiliary: tuple[tuple[str, Distribution], ...]
    cutpoints: tuple[Distribution, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """One regression in this form, on its rows.

    Attributes
    ----------
    design : (rows, k)
    base, outcome, size : (rows,)
        What is added to the linear predictor; the outcome and the size of each cell of rows.
    counts : (2, distinct outcomes)
        Of a negative binomial: the distinct outcomes and how many rows have each.
    mean : (k,)
    turned : (k, k)
        The coefficients at the centres are ``theta = mean + turned @ z``.
    """

    kind: Kind
    design: Array
    base: Array
    outcome: Array
    size: Array
    counts: Array
    mean: Array
    turned: Array

    def filled(self, coefficients: int) -> dict[str, Array]:
        """What a model with so many coefficients, k or more, reads: its data by name.

        All in one array, with a row for each of base, outcome, size and coefficients: what it costs
        to compile a model grows with the number of its arrays.
        """
        rows = np.zeros((3 + coefficients, len(self.base)))
        rows[:3] = self.base, self.outcome, self.size
        rows[3 : 3 + len(self.mean)] = self.design.T
        if self.kind.family == "negbinomial":
            return {_ROWS: rows, _COUNTS: self.counts}
        return {_ROWS: rows}

    def theta(self, z: Array) -> Array:
        """The coefficients at the centres, (..., k), of what the model has, (..., k or more)."""
        found: Array = self.mean + z[..., : len(self.mean)] @ self.turned.T
        return found

    def z(self, theta: Array) -> Array:
        """The inverse of `theta`, (k,)."""
        found: Array = np.linalg.solve(self.turned, theta - self.mean)
        return found


def kind(regression: Regression, table: Table) -> Kind | None:
    """The kind of a regression that has this form; ``None`` for all others.

    For those with coefficients that vary or have another kind of prior, for cells, and where the
    design would not fit into memory.
    """
    every = _priors(regression)
    plain = not regression.varying and all(prior.name == "Normal" for prior in every)
    if not plain or regression.family == "cells" or table.rows * len(every) > LARGEST:
        return None
    return Kind(regression.family, regression.priors.auxiliary, regression.priors.cutpoints)


def _priors(regression: Regression) -> list[Distribution]:
    """Of the coefficients, in the order of the columns."""
    priors = regression.priors
    first = [priors.intercept] if priors.intercept is not None else []
    return [*first, *(prior for group in priors.terms for prior in group)]


def of(regression: Regression, table: Table) -> Standard:
    """A regression that has a `kind` in this form.

    Parameters
    ----------
    table
        Its rows may stand for several each; those that lack a value are left out.

    Raises
    ------
    ModelError
        A column is not of the kind that the regression takes it for, or has a level that it does
        not know; a parameter has no prior.
    """
    _check_parameters(regression)
    # Rows that stand for several were taken together because they lack nothing.
    used = table.complete(regression.variables) if table.weights is None else table
    check_levels(regression, used)
    check_outcome(regression, used)
    cells = collapsed(regression, used)
    # A cell that was watched for no time and counted nothing says nothing.
    kept = np.isfinite(cells.offset) | (cells.outcome != 0.0)
    columns = _centred(regression, cells.table)[kept]
    base, outcome, size = cells.offset[kept], cells.outcome[kept], cells.size[kept]
    mean, sd = np.array([p.parameters for p in _priors(regression)]).reshape(-1, 2).T
    scaled = columns * sd
    _, axes = np.linalg.eigh(scaled.T @ (size[:, None] * scaled))
    counts = np.zeros((2, 0))
    if regression.family == "negbinomial":
        distinct, place = np.unique(outcome, return_inverse=True)
        counts = np.stack([distinct, np.bincount(place, size)])
    priors = regression.priors
    return Standard(
        kind=Kind(regression.family, priors.auxiliary, priors.cutpoints),
        design=scaled @ axes,
        base=base + columns @ mean,
        outcome=outcome,
        size=size,
        counts=counts,
        mean=mean,
        turned=sd[:, None] * axes,
    )


def _check_parameters(regression: Regression) -> None:
    lacking = [
        name
        for name in RULES[regression.family].auxiliary
        if name not in dict(regression.priors.auxiliary)
    ]
    if lacking:
        raise ModelError(
            f"The model {shown(regression.name)} is {regression.family} and has no prior for"
            f" {lacking[0]}. Give one, such as Exponential(1)."
        )
    if regression.family == "ordered":
        cuts, kinds = regression.priors.cutpoints, {p.name for p in regression.priors.cutpoints}
        if len(cuts) != len(regression.grades) - 1 or len(kinds) > 1:
            raise ModelError(
                f"The model {shown(regression.name)} has {len(regression.grades)} grades and"
                f" {len(cuts)} priors of {len(kinds)} kinds for its cutpoints. It takes one less"
                " than grades, of one kind."
            )


def _centred(regression: Regression, table: Table) -> Array:
    """The columns that multiply the coefficients at the centres, (rows, k)."""
    centres = regression.priors.centres
    found = np.ones((table.rows, len(regression.columns)))
    known: dict[Atom, Array] = {}
    for place, column in enumerate(regression.columns):
        for atom in column:
            if atom not in known:
                known[atom] = atom_values(atom, table) - centres.get(atom, 0.0)
            found[:, place] *= known[atom]
    return found


# ------------------------------------------------------------------------------------------------
# The model
# ------------------------------------------------------------------------------------------------


def model(pm: Any, kind: Kind, data: Mapping[str, Array]) -> Any:
    """The PyMC model of all regressions of a kind: their log density up to a constant.

    Parameters
    ----------
    pm
        PyMC.
    data
        `Standard.filled` of one of them; others take its place by ``set_data``.
    """
    with pm.Model() as found:
        given = {name: pm.Data(name, values) for name, values in data.items()}
        z = pm.Normal(COEFFICIENTS, 0.0, 1.0, shape=len(data[_ROWS]) - 3)
        others = {
            name: getattr(pm, prior.name)(name, **_parameters([prior]))
            for name, prior in kind.auxiliary
        }
        if kind.cutpoints:
            others[CUTPOINTS] = getattr(pm, kind.cutpoints[0].name)(
                CUTPOINTS,
                **_parameters(kind.cutpoints),
                shape=len(kind.cutpoints),
                transform=pm.distributions.transforms.ordered,
            )
        eta = given[_ROWS][0] + z @ given[_ROWS][3:]
        pm.Potential("likelihood", _log_likelihood(kind.family, eta, given, others))
    return found


def _parameters(priors: Sequence[Distribution]) -> dict[str, Any]:
    """By PyMC's names: numbers, or an array for several priors of one kind."""
    found = {}
    for place, name in enumerate(priors[0].parameter_names):
        values = [prior.parameters[place] for prior in priors]
        found[name] = values[0] if len(values) == 1 else np.array(values)
    return found


def _log_likelihood(
    family: Family, eta: Any, given: Mapping[str, Any], others: Mapping[str, Any]
) -> Any:
    """Of all rows together, constants left out; written so that no exponential overflows."""
    import pytensor.tensor as untyped

    pt: Any = untyped

    outcome, size = given[_ROWS][1], given[_ROWS][2]
    match family:
        case "bernoulli" | "binomial":
            return (outcome * eta - size * pt.softplus(eta)).sum()
        case "poisson":
            return (outcome * eta - size * pt.exp(eta)).sum()
        case "negbinomial":
            alpha, counts = others["alpha"], given[_COUNTS]
            rising = pt.gammaln(counts[0] + alpha) - pt.gammaln(alpha)
            above = eta - pt.log(alpha)
            rows = size * (outcome * above - (outcome + alpha) * pt.softplus(above))
            return (counts[1] * rising).sum() + rows.sum()
        case "ordered":
            return _log_grades(eta, outcome, size, others[CUTPOINTS])
        case "student":
            sigma, nu = others["sigma"], others["nu"]
            half = nu / 2.0
            scale = pt.gammaln(half + 0.5) - pt.gammaln(half) - 0.5 * pt.log(nu) - pt.log(sigma)
            squares = ((outcome - eta) / sigma) ** 2
            return size.sum() * scale - (half + 0.5) * (size * pt.log1p(squares / nu)).sum()
        case _:
            sigma = others["sigma"]
            squares = ((outcome - eta) / sigma) ** 2
            return -size.sum() * pt.log(sigma) - 0.5 * (size * squares).sum()


def _log_grades(eta: Any, outcome: Any, size: Any, cutpoints: Any) -> Any:
    """``log(expit(high - eta) - expit(low - eta))`` between the two cutpoints of each grade.

    In two factors: above the lower one and below the higher one, each a logit, over what both of
    them count too much, which no row's eta changes.
    """
    import pytensor.tensor as untyped

    pt: Any = untyped

    grade, last = outcome.astype("int64"), cutpoints.shape[0]
    inner = pt.log(-pt.expm1(-(cutpoints[1:] - cutpoints[:-1])))
    both = pt.concatenate([pt.zeros(1), inner, pt.zeros(1)])
    low, high = cutpoints[pt.maximum(grade - 1, 0)], cutpoints[pt.minimum(grade, last - 1)]
    above = pt.switch(grade > 0, pt.softplus(low - eta), 0.0)
    below = pt.switch(grade < last, pt.softplus(eta - high), 0.0)
    return (size * (both[grade] - above - below)).sum()


# ------------------------------------------------------------------------------------------------
# Where to start
# ------------------------------------------------------------------------------------------------

APART = 2.0
"""How many posterior sds about the mode chains start: beyond where they will be, for R-hat."""


def start(
    form: Standard, regression: Regression, table: Table, coefficients: int
) -> Callable[[int], Array]:
    """A function from a seed to a point to start from, as the model moves.

    About the mode, where there is one; else as the priors are spread: within 1 on the scale on
    which positive parameters are moved, where a draw from the prior may be so small that nothing
    moves.

    Parameters
    ----------
    coefficients
        Of the model.

    Returns
    -------
    The coefficients, then the auxiliary parameters, then the cutpoints.
    """
    found = mode.find(regression, table)
    about = None if found is None else _about(form, found)
    k = len(form.mean)
    middle, narrower = _usual(form, regression, table), _narrower(form)

    def point(seed: int | None = None) -> Array:
        rng = np.random.default_rng(seed)
        if about is not None:
            centre, factor = about
            own = centre + APART * (factor @ rng.normal(size=len(centre)))
        else:
            away = rng.uniform(-1.0, 1.0, len(middle))
            own = np.append(narrower * rng.normal(size=k), middle + away)
        return np.insert(own, k, rng.normal(size=coefficients - k))

    return point


def _about(form: Standard, found: mode.Mode) -> tuple[Array, Array] | None:
    """The mode as the model moves, and a square root of the covariance there."""
    if not (found.converged and np.isfinite(found.covariance).all()):
        return None
    k, cuts = len(form.mean), len(found.cutpoints)
    auxiliary = [_moved(prior, found.auxiliary[name]) for name, prior in form.kind.auxiliary]
    others = np.append(auxiliary, _steps(found.cutpoints))
    centre = np.append(form.z(found.coefficients), others)
    # There the cutpoints come before the auxiliary parameters.
    order = [*range(k), *range(k + cuts, len(centre)), *range(k, k + cuts)]
    change = np.eye(len(centre))
    change[:k, :k] = np.linalg.inv(form.turned) if k else change[:k, :k]
    covariance = change @ found.covariance[np.ix_(order, order)] @ change.T
    sizes, axes = np.linalg.eigh(covariance)
    if not np.isfinite(centre).all():
        return None
    return centre, axes * np.sqrt(np.maximum(sizes, 0.0))


def _moved(prior: Distribution, value: float) -> float:
    """A parameter above 0 as PyMC moves it: by its logarithm, or its log odds between two ends."""
    low, high = prior.support
    return float(np.log(value) if np.isinf(high) else np.log((value - low) / (high - value)))


def _steps(cutpoints: Array) -> Array:
    """Cutpoints as PyMC moves them: the first, and the logarithms of the steps to the others."""
    return np.append(cutpoints[:1], np.log(np.diff(cutpoints)))


def _usual(form: Standard, regression: Regression, table: Table) -> Array:
    """Auxiliary parameters and cutpoints where nothing better is known, as the model moves."""
    auxiliary = [_moved(prior, prior.typical) for _, prior in form.kind.auxiliary]
    if not form.kind.cutpoints:
        return np.array(auxiliary)
    [cutpoints] = starts(regression, table).values()
    return np.append(auxiliary, _steps(cutpoints))


def _narrower(form: Standard) -> float:
    """By which factor starting points must be closer together than draws from the priors are.

    Under a log link a predictor of 100, which priors in the data's own units may well draw, means
    1e43 events: chains that start there stay there. So its sd is to be 3 at most, in every row.
    """
    if RULES[form.kind.family].link != "log":
        return 1.0
    spread = float(np.sqrt(np.square(form.design).sum(axis=1)).max(initial=0.0))
    return 3.0 / max(spread, 3.0)

"""A regression as a PyMC model, such as a PyMC user would be glad to have written.

The columns are `pm.Data` under their own names and the outcome is observed under its own, so
``pm.do(model, {"x": ...})``, ``pm.observe``, ``pm.set_data``, predictive sampling and
``pm.model_to_graphviz`` read as one would hope. There is one variable a term, and it is named after
what it belongs to:

=====================  ==========================================================
``intercept``          the linear predictor where every number is 0
``intercept_centred``  the same at the predictors' centres, where the prior is
                       given; ``intercept`` is then computed from it
``slope_x``            of the number ``x``; ``slope_log_x`` of its logarithm
``poly_x``             of the powers of ``x``: a vector over ``x_power``
``level_g``            of the category ``g``: a vector over the labels of ``g``,
                       the coordinate ``g_level``
``slope_x_by_z``       of ``x:z``. ``slope_x_by_g`` has one for each level of g,
                       ``level_g_by_h`` one for each pair of levels: an array over
                       the coordinates of its parts, in their order
``sd_g``               how far the levels of ``(1 | g)`` are spread
``standard_g``         its levels in that unit: standard normal (*non-centred*)
``deviation_g``        its levels, computed: ``sd_g * standard_g``
``cutpoints``          of an ordered outcome, over ``cutpoint``; computed from
                       ``cutpoints_centred`` where that is needed
``cell``               a probability for each combination of categories
``sigma``              the residual standard deviation
``nu``, ``alpha``      of a Student-t, a negative binomial outcome
=====================  ==========================================================

Where several things vary, as in ``(x | g)``, ``sd_g`` is a vector over them (``g_varied``, with
the coordinates ``1`` and ``x``), ``standard_g`` and ``deviation_g`` have a row for each,
``cholesky_g`` is the factor of their correlation matrix and ``correlation_g`` holds the correlation
of each pair (``g_pair``).

All coefficients are those *at the centres*: ``slope_x`` beside ``slope_x_by_z`` is the slope of x
where z has its mean. What `causal.inference.nuts` prints is computed from them.

Column names come from files of unknown origin, and they win: where a column is called ``sigma``,
the residual's becomes ``sigma_2``. A name that PyMC cannot carry (`carried`) is replaced by a
likeness of it. `names` says what each thing is called and is the only place that decides it.

The columns enter as separate vectors: this compiles faster than a matrix product and keeps each
one open to `pm.do`. Nothing is recorded but what is sampled and what the table calls computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal.data.table import Column, Table
from causal.errors import MissingPart, ModelError, shown
from causal.models.design import response
from causal.models.families import RULES, Family
from causal.models.priors import Distribution, to_cutpoints, to_printed
from causal.models.regression import Regression
from causal.models.terms import (
    Atom,
    Categorical,
    Interaction,
    Log,
    Polynomial,
    Power,
    Simple,
    Term,
    Varying,
    categories,
    columns,
    is_slope,
    varied_labels,
)

if TYPE_CHECKING:
    import pymc as pm

__all__ = [
    "Names",
    "VaryingNames",
    "build",
    "carried",
    "check_outcome",
    "names",
    "sampled",
    "starts",
]

LONGEST = 200
"""Longer names are cut: they would fill a picture of the model and every progress line."""

Label = str | int


@dataclass(frozen=True, slots=True)
class VaryingNames:
    """What belongs to one `Varying` term, beside its deviations (in `Names.terms`).

    Where one thing varies, `sd` is one number and `standard` a vector over the levels; `cholesky`,
    `correlation` and the dimensions `varied`, `other`, `pair` are then not in the model.

    Attributes
    ----------
    sd : (varied)
        The standard deviations.
    standard : (varied, level)
        Standard normal; the deviations are ``(sd[:, None] * cholesky) @ standard``.
    cholesky : (varied, other)
        Lower triangular factor of the correlation matrix, ``pm.LKJCorr``.
    correlation : (pair)
        Of the pairs (0, 1), (0, 2), (1, 2), ...: ``(cholesky @ cholesky.T)[tril_indices(n, -1)]``.
    varied, other
        The dimension over what varies, for the rows and for the columns of `cholesky`.
    pair
        The dimension over the pairs.
    switch, density
        Of a model with switches only; see `build`.
    """

    sd: str
    standard: str
    cholesky: str
    correlation: str
    varied: str
    other: str
    pair: str
    switch: str
    density: str


@dataclass(frozen=True, slots=True)
class Names:
    """What the variables of a model are called. Settled: programs are written from it.

    Attributes
    ----------
    columns
        Every column the regression reads (outcome, predictors, offsets, trials), by its true name,
        to the name it has in the model, nearly always its own.
    row
        The dimension over the rows.
    intercept, intercept_centred, cutpoints, cutpoints_centred, sigma, nu, alpha
        The names of these parameters (also of those that a given model has no use for). The centred
        ones are sampled, and the others computed from them, where the two differ:
        ``any(to_printed(r)[0, 1:])``, ``any(to_cutpoints(r))``.
    terms
        For each of ``regression.terms`` the variable with its coefficients: flattened, they stand
        in the order of ``columns(term)``. For a `Varying` term these are the deviations.
    term_dims
        For each term the dimensions of that variable: none where it is one number.
    varying
        For each term, if it is `Varying`, its other variables; else None.
    level_dims
        Categories, by true name, to the dimension over their labels.
    cutpoint
        The dimension over the cutpoints.
    coords
        Each of the dimensions in the model, but `row`, to its labels.
    effect
        Kept free for a program that records the effect as a variable of its own.
    """

    columns: Mapping[str, str]
    row: str
    intercept: str
    intercept_centred: str
    cutpoints: str
    cutpoints_centred: str
    sigma: str
    nu: str
    alpha: str
    terms: tuple[str, ...]
    term_dims: tuple[tuple[str, ...], ...]
    varying: tuple[VaryingNames | None, ...]
    level_dims: Mapping[str, str]
    cutpoint: str
    coords: Mapping[str, tuple[Label, ...]]
    effect: str


def carried(name: str) -> bool:
    r"""Whether PyMC can carry *name* through everything one does with a model.

    PyMC refuses ``/`` and a last ``:``, hides names that end in ``__`` (they mark transformed
    variables), and loses an outcome called ``chain`` or ``draw`` without a word. Control characters
    and lone surrogates break the source text that PyTensor generates; a backslash and ``<...>``
    break the picture.

    >>> carried("body mass (kg)"), carried("km/h"), carried("a\nb")
    (True, False, False)
    """
    return (
        0 < len(name) <= LONGEST
        and name.isprintable()
        and not name.isspace()
        and not any(c in name for c in "/\\")
        and not name.endswith((":", "__"))
        and not (name.startswith("<") and name.endswith(">"))
        and name not in {"chain", "draw"}
    )


def _likeness(name: str) -> str:
    """Make a name that PyMC can carry and that still reads like *name*."""
    kept = "".join(c if c.isprintable() and c not in "/\\<>" else "_" for c in name)
    return kept[:40].strip("_: ") or "column"


class _Claims:
    """Hands out each name once; the later of two equal claims gets a number."""

    def __init__(self) -> None:
        # The dimensions of every posterior.
        self._taken = {"chain", "draw"}

    def claim(self, name: str) -> str:
        free, number = name, 1
        # model_to_graphviz writes ":" as "&": two names must also differ after that.
        while free.replace(":", "&") in self._taken:
            number += 1
            free = f"{name}_{number}"
        self._taken.add(free.replace(":", "&"))
        return free


def names(regression: Regression) -> Names:
    """Name everything in the model of *regression*; the regression alone decides."""
    claims = _Claims()
    true_names = regression.variables
    # Names that can be carried go first, so that a likeness never takes the name of another column.
    own = {name: claims.claim(name) for name in true_names if carried(name)}
    own |= {n: claims.claim(_likeness(n)) for n in true_names if not carried(n)}
    row, intercept, intercept_centred, sigma = (
        claims.claim(n) for n in ("row", "intercept", "intercept_centred", "sigma")
    )
    nu, alpha, cutpoints, cutpoints_centred, cutpoint = (
        claims.claim(n) for n in ("nu", "alpha", "cutpoints", "cutpoints_centred", "cutpoint")
    )
    terms = tuple(claims.claim(_called(term, own, regression)) for term in regression.terms)
    varying = tuple(
        _varying_names(term, own, claims) if isinstance(term, Varying) else None
        for term in regression.terms
    )
    dims: dict[Simple, str] = {}
    coords: dict[str, tuple[Label, ...]] = {}
    level_dims = {}
    for variable, levels in categories(regression.terms).items():
        dim = claims.claim(f"{own[variable]}_level")
        level_dims[variable] = dims[Categorical(variable, levels)] = dim
        coords[dim] = levels
    for part in (part for term in regression.terms for part in _parts(term)):
        if isinstance(part, Polynomial) and part not in dims:
            dims[part] = claims.claim(f"{own[part.variable]}_power")
            coords[dims[part]] = tuple(range(1, part.degree + 1))
    if regression.family == "ordered":
        pairs = zip(regression.grades, regression.grades[1:], strict=False)
        coords[cutpoint] = tuple(f"{low:g}|{high:g}" for low, high in pairs)
    term_dims = []
    for term, others in zip(regression.terms, varying, strict=True):
        if others is None:
            term_dims.append(tuple(dims[part] for part in _parts(term) if part in dims))
            continue
        assert isinstance(term, Varying)
        what = varied_labels(term)
        several = (others.varied,) if len(what) > 1 else ()
        term_dims.append((*several, dims[term.by]))
        if several:
            coords[others.varied] = coords[others.other] = what
            coords[others.pair] = tuple(f"{what[a]},{what[b]}" for a, b in _pairs(len(what)))
    return Names(
        columns=own,
        row=row,
        intercept=intercept,
        intercept_centred=intercept_centred,
        cutpoints=cutpoints,
        cutpoints_centred=cutpoints_centred,
        sigma=sigma,
        nu=nu,
        alpha=alpha,
        terms=terms,
        term_dims=tuple(term_dims),
        varying=varying,
        level_dims=level_dims,
        cutpoint=cutpoint,
        coords=coords,
        effect=claims.claim("effect"),
    )


def _parts(term: Term) -> tuple[Simple, ...]:
    """What a term multiplies; nothing of one that varies, whose dimensions are its own."""
    match term:
        case Interaction():
            return term.parts
        case Varying():
            return ()
        case _:
            return (term,)


def _called(term: Term, own: Mapping[str, str], regression: Regression) -> str:
    """What the coefficients of a term would like to be called."""
    if regression.family == "cells":
        return "cell"
    match term:
        case Polynomial():
            return _word(term, own)
        case Varying():
            return f"deviation_{_group(term, own)}"
        case _:
            head = "slope" if is_slope(columns(term)[0]) else "level"
            return f"{head}_{'_by_'.join(_word(part, own) for part in _parts(term))}"


def _word(part: Simple, own: Mapping[str, str]) -> str:
    name = own[part.variable]
    match part:
        case Log():
            return f"log_{name}"
        case Polynomial():
            return f"poly_{name}"
        case _:
            return name


def _group(term: Varying, own: Mapping[str, str]) -> str:
    """``g``; ``x_by_g`` where x varies and the intercept does not."""
    by = own[term.by.variable]
    if term.intercept:
        return by
    return f"{'_'.join(_word(part, own) for part in term.parts)}_by_{by}"


def _varying_names(term: Varying, own: Mapping[str, str], claims: _Claims) -> VaryingNames:
    group = _group(term, own)
    return VaryingNames(
        sd=claims.claim(f"sd_{group}"),
        standard=claims.claim(f"standard_{group}"),
        cholesky=claims.claim(f"cholesky_{group}"),
        correlation=claims.claim(f"correlation_{group}"),
        varied=claims.claim(f"{group}_varied"),
        other=claims.claim(f"{group}_varied"),
        pair=claims.claim(f"{group}_pair"),
        switch=claims.claim(f"switch_{group}"),
        density=claims.claim(f"density_{group}"),
    )


def _pairs(count: int) -> tuple[tuple[int, int], ...]:
    """(0, 1), (0, 2), (1, 2), ...: the order of ``regression.other_names``."""
    return tuple((one, other) for other in range(count) for one in range(other))


def sampled(regression: Regression) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which variables, flattened, hold all parameters of a model: at the centres, as it has them.

    Returns
    -------
    linear
        Theta: the coefficients in the order of ``regression.columns``.
    others
        In the order of ``regression.other_names``, the cutpoints at the centres too.
    """
    called = names(regression)
    linear = [*called.terms]
    if regression.priors.intercept is not None:
        centred = to_printed(regression)[0, 1:].any()
        linear.insert(0, called.intercept_centred if centred else called.intercept)
    others = []
    if regression.family == "ordered":
        centred = to_cutpoints(regression).any()
        others.append(called.cutpoints_centred if centred else called.cutpoints)
    for own, dims in zip(called.varying, called.term_dims, strict=True):
        if own is not None:
            others += [own.sd, own.correlation] if len(dims) > 1 else [own.sd]
    others += [getattr(called, name) for name in RULES[regression.family].auxiliary]
    return tuple(linear), tuple(others)


def build(regression: Regression, table: Table, *, switched: bool = False) -> pm.Model:
    """Build the PyMC model of *regression* on the complete rows of *table*.

    Parameters
    ----------
    regression
        What to fit; its priors are in the data's own units.
    table
        Holds the columns that the regression reads; rows that lack one of them are left out.
    switched
        For a sampler that finds out which form suits: the same posterior, with a switch
        (`VaryingNames.switch`, a `pm.Data`) for each deviation of a `Varying` term. At 1 the
        deviation itself is moved, at 0 its ratio to the sd. (Nothing can be drawn from the priors
        of such a model: they are written as densities.)

    Raises
    ------
    MissingPart
        PyMC is not installed.
    ModelError
        A column is not of the kind that the regression takes it for, or has a value it does not
        know; a parameter has no prior, or the columns of one term have priors of several kinds.

    Notes
    -----
    The linear predictor is that of `causal.models.regression`, term by term: the columns of ``x:g``
    are one array, indexed by the codes of g, times x.
    """
    pm = _pymc()
    called = names(regression)
    used = table.written_out(regression.variables).complete(regression.variables)
    observed = _outcome(regression, used)
    coords: dict[str, Any] = {called.row: np.arange(used.rows), **called.coords}
    with pm.Model(coords=coords) as model:
        data = _data(pm, regression, used, called)
        if regression.family == "cells":
            parameters = _cells(pm, regression, called, data)
        else:
            parameters = _parameters(pm, regression, called, data, len(observed), switched=switched)
        distribution = getattr(pm, _OUTCOMES[regression.family])
        outcome = called.columns[regression.outcome]
        distribution(outcome, **parameters, observed=observed, dims=called.row)
    return model


_OUTCOMES: Mapping[Family, str] = {
    "gaussian": "Normal",
    "student": "StudentT",
    "bernoulli": "Bernoulli",
    "cells": "Bernoulli",
    "binomial": "Binomial",
    "poisson": "Poisson",
    "negbinomial": "NegativeBinomial",
    "ordered": "OrderedLogistic",
}


def starts(regression: Regression, table: Table) -> dict[str, NDArray[np.float64]]:
    """Where a sampler may start what PyMC's own rule would start badly, by variable.

    As in ``pm.sample(initvals=...)``. They are no part of the model, because `pm.do`, `pm.observe`
    and `pm.compute_log_likelihood` refuse a model with starting values.

    Cutpoints start at the log odds of the grades: PyMC takes the means of their priors, which need
    not ascend. Correlations start at 0, as with PyMC, which compiles a random draw to find that.
    """
    called, (_, others) = names(regression), sampled(regression)
    found: dict[str, NDArray[np.float64]] = {}
    if regression.family == "ordered":
        priors = regression.priors.cutpoints
        grades = _outcome(regression, table.complete(regression.variables))
        # Half a row more in each grade, so that the cutpoints differ even if one has no rows.
        counts = np.bincount(grades, minlength=len(priors) + 1) + 0.5
        below = np.cumsum(counts)[:-1] / counts.sum()
        start, (low, high) = np.log(below / (1.0 - below)), priors[0].support
        if np.isfinite(high):
            start = low + (high - low) * below
        elif np.isfinite(low):
            start = np.exp(start)
        found[others[0]] = start
    for own, dims in zip(called.varying, called.term_dims, strict=True):
        if own is not None and len(dims) > 1:
            found[own.cholesky] = np.eye(len(called.coords[own.varied]))
    return found


def _pymc() -> Any:
    """PyMC, imported now: half a second that only those pay who use it."""
    try:
        import pymc
    except ModuleNotFoundError as error:
        raise MissingPart(
            f"A PyMC model needs the library {error.name}, which is not installed. Install it with"
            ' `pip install "causal-workbench[bayes]"`.'
        ) from error
    return pymc


def _data(pm: Any, regression: Regression, table: Table, called: Names) -> dict[str, Any]:
    """Register each column but the outcome: numbers, or the index of each row's label."""
    levels = categories(regression.terms)
    found = {}
    for name in regression.variables[1:]:
        column = table[name]
        values = _codes(column, levels[name]) if name in levels else _numbers(column)
        if name == regression.trials:
            values = values.astype(np.int64)
        found[name] = pm.Data(called.columns[name], values, dims=called.row)
    return found


def _cells(pm: Any, regression: Regression, called: Names, data: dict[str, Any]) -> dict[str, Any]:
    """What the outcome depends on where each combination of categories has a probability."""
    [term], [dims], [priors] = regression.terms, called.term_dims, regression.priors.terms
    cell = _sampled(pm, called.terms[0], priors, called, dims)
    codes = tuple(data[part.variable] for part in _parts(term))
    return {"p": cell[codes]}


def _parameters(
    pm: Any,
    regression: Regression,
    called: Names,
    data: dict[str, Any],
    rows: int,
    *,
    switched: bool,
) -> dict[str, Any]:
    """What the outcome depends on, by PyMC's names; registers every parameter."""
    priors = regression.priors
    linear, others = sampled(regression)
    parts = []
    if priors.intercept is not None:
        parts.append(_sampled(pm, linear[0], [priors.intercept], called))
    coefficients = _coefficients(pm, regression, called, switched=switched)
    if linear[:1] == (called.intercept_centred,):
        moved = _weighted(to_printed(regression)[0, 1:], coefficients, called)
        pm.Deterministic(called.intercept, _sum([parts[0], *moved]))
    for term, coefficient in zip(regression.terms, coefficients, strict=True):
        parts += _summands(pm, term, coefficient, data, priors.centres)
    parts += [_value(pm, offset, data, {}) for offset in regression.offsets]
    if not data:
        # An intercept alone still needs one value a row.
        parts.append(np.zeros(rows))
    predictor = _sum(parts)
    found = {}
    for name in RULES[regression.family].auxiliary:
        prior = dict(priors.auxiliary).get(name)
        if prior is None:
            raise ModelError(
                f"The model {shown(regression.name)} is {regression.family} and has no prior for"
                f" {name}. Give one, such as Exponential(1)."
            )
        found[name] = _sampled(pm, getattr(called, name), [prior], called)
    match RULES[regression.family].link:
        case "identity":
            return {"mu": predictor, **found}
        case "logit":
            if regression.trials is not None:
                found["n"] = data[regression.trials]
            return {"logit_p": predictor, **found}
        case "log":
            return {"mu": pm.math.exp(predictor), **found}
        case _:
            cutpoints = _cutpoints(pm, regression, called, others[0], coefficients)
            return {"eta": predictor, "cutpoints": cutpoints, "compute_p": False}


def _coefficients(pm: Any, regression: Regression, called: Names, *, switched: bool) -> list[Any]:
    """Register the coefficients of each term: one number, or an array over its dimensions."""
    found = []
    every = zip(
        regression.terms,
        regression.priors.terms,
        called.terms,
        called.term_dims,
        called.varying,
        strict=True,
    )
    for term, priors, name, dims, others in every:
        if isinstance(term, Varying):
            assert others is not None
            deviation = _deviation(pm, regression, priors, called, others, dims, switched=switched)
            found.append(pm.Deterministic(name, deviation, dims=dims))
        else:
            found.append(_sampled(pm, name, priors, called, dims))
    return found


def _deviation(
    pm: Any,
    regression: Regression,
    priors: Sequence[Distribution],
    called: Names,
    own: VaryingNames,
    dims: tuple[str, ...],
    *,
    switched: bool,
) -> Any:
    """Deviations from a common distribution, out of standard normals: (level) or (varied, level).

    NUTS moves well in standard normals however small the sd may be, where the rows say little about
    each level; and sds beside a correlation matrix, unlike the factor of a covariance matrix, have
    a scale of their own, from which starting points can be drawn.
    """
    several = dims[:-1]
    sd, cholesky, count = _sampled(pm, own.sd, priors, called, several), None, len(priors)
    if several:
        transform = pm.distributions.transforms.CholeskyCorrTransform(count)
        # PyMC finds its way back from a transformed name by its last underscore; "cholesky_corr"
        # has one too many, and `pm.compute_log_likelihood` would fail.
        transform.name = "corr"
        cholesky = pm.LKJCorr(
            own.cholesky,
            n=count,
            eta=regression.priors.correlation,
            dims=(own.varied, own.other),
            default_transform=transform,
        )
        below = np.tril_indices(count, -1)
        pm.Deterministic(own.correlation, (cholesky @ cholesky.T)[below], dims=own.pair)
    if switched:
        return _moved(pm, priors, called, own, dims, sd, cholesky)
    standard = pm.Normal(own.standard, 0.0, 1.0, dims=dims)
    return sd * standard if cholesky is None else (sd[:, None] * cholesky) @ standard


def _moved(
    pm: Any,
    priors: Sequence[Distribution],
    called: Names,
    own: VaryingNames,
    dims: tuple[str, ...],
    sd: Any,
    cholesky: Any | None,
) -> Any:
    """The same deviations, out of their ratios to the sd or, where switched, out of themselves.

    A power of the sd leads from one to the other (Papaspiliopoulos, Roberts & Skoeld 2007). It is
    in units of its prior, so that what is moved has none.
    """
    from pytensor.tensor.linalg import solve_triangular

    shape = tuple(len(called.coords[dim]) for dim in dims)
    unit = np.array([prior.typical for prior in priors])
    sd = sd if cholesky is None else sd[:, None]
    ratio = sd / (unit[0] if cholesky is None else unit[:, None])
    switch = pm.Data(own.switch, np.zeros(shape), dims=dims)
    own_scale = pm.Flat(own.standard, dims=dims) / ratio**switch
    standard, volume = own_scale, (switch * pm.math.log(ratio)).sum()
    if cholesky is not None:
        standard = solve_triangular(cholesky, own_scale, lower=True)
        volume = volume + shape[-1] * pm.math.log(cholesky.diagonal()).sum()
    density = pm.logp(pm.Normal.dist(0.0, 1.0), standard).sum()
    pm.Potential(own.density, density - volume)
    return sd * own_scale


def _summands(
    pm: Any, term: Term, coefficient: Any, data: dict[str, Any], centres: Mapping[Atom, float]
) -> list[Any]:
    """What a term adds to the linear predictor: vectors over the rows."""
    if isinstance(term, Varying):
        return _varying_summands(pm, term, coefficient, data, centres)
    # For each part its places along the axis it has in the array (none for a single number), each
    # with what the coefficient there is multiplied by.
    axes: list[list[tuple[Any, Any]]] = []
    for part in _parts(term):
        match part:
            case Categorical():
                axes.append([(data[part.variable], None)])
            case Polynomial():
                powers = [column[0] for column in columns(part)]
                axes.append([(k, _value(pm, a, data, centres)) for k, a in enumerate(powers)])
            case _:
                axes.append([(None, _value(pm, part, data, centres))])
    found = []
    for one in product(*axes):
        place = tuple(index for index, _ in one if index is not None)
        summand = coefficient[place] if place else coefficient
        for _, factor in one:
            summand = summand if factor is None else summand * factor
        found.append(summand)
    return found


def _varying_summands(
    pm: Any, term: Varying, deviation: Any, data: dict[str, Any], centres: Mapping[Atom, float]
) -> list[Any]:
    group = data[term.by.variable]
    several = len(term.varied) > 1
    found, row = [], 0
    if term.intercept:
        found.append(deviation[0, group] if several else deviation[group])
        row = 1
    for part in term.parts:
        if isinstance(part, Categorical):
            own = row + data[part.variable]
            found.append(deviation[own, group] if several else deviation[group])
            row += len(part.levels)
        else:
            slopes = deviation[row, group] if several else deviation[group]
            found.append(slopes * _value(pm, part, data, centres))
            row += 1
    return found


def _value(
    pm: Any,
    atom: Atom,
    data: dict[str, Any],
    centres: Mapping[Atom, float],
) -> Any:
    """An atom less its centre, a vector over the rows."""
    values = data[atom.variable]
    match atom:
        case Log():
            values = pm.math.log(values)
        case Power():
            values = values - atom.centre if atom.centre else values
            values = values**atom.exponent if atom.exponent > 1 else values
    centre = centres.get(atom, 0.0)
    return values - centre if centre else values


def _weighted(
    weights: NDArray[np.float64], coefficients: Iterable[Any], called: Names
) -> list[Any]:
    """Each coefficient times its weight, in the order of the design, without those of weight 0."""
    found, start = [], 0
    for coefficient, dims in zip(coefficients, called.term_dims, strict=True):
        shape = tuple(len(called.coords[dim]) for dim in dims)
        for place in np.ndindex(shape):
            weight = float(weights[start])
            start += 1
            if weight:
                found.append(weight * (coefficient[place] if place else coefficient))
    return found


def _cutpoints(
    pm: Any, regression: Regression, called: Names, name: str, coefficients: Sequence[Any]
) -> Any:
    """Register the cutpoints, whose independent priors are restricted to ascending order."""
    priors, dims = regression.priors.cutpoints, (called.cutpoint,)
    if len(priors) != len(called.coords[called.cutpoint]):
        raise ModelError(
            f"The model {shown(regression.name)} has {len(regression.grades)} grades and"
            f" {len(priors)} priors for its cutpoints. It takes one less than grades."
        )
    ordered = pm.distributions.transforms.ordered
    cutpoints = _sampled(pm, name, priors, called, dims, transform=ordered)
    # The transform orders what a sampler moves; draws from the prior come in any order.
    cutpoints = cutpoints.sort()
    if name == called.cutpoints_centred:
        shift = _sum(_weighted(-to_cutpoints(regression), coefficients, called))
        pm.Deterministic(called.cutpoints, cutpoints + shift, dims=dims)
    return cutpoints


def _sum(parts: Iterable[Any]) -> Any:
    first, *rest = parts
    for part in rest:
        first = first + part
    return first


def _sampled(
    pm: Any,
    name: str,
    priors: Sequence[Distribution],
    called: Names,
    dims: tuple[str, ...] = (),
    **options: Any,
) -> Any:
    """Register a random variable, one number or an array with a prior for each entry."""
    kinds = dict.fromkeys(prior.name for prior in priors)
    if len(kinds) > 1:
        raise ModelError(
            f"{shown(name)} has priors of several kinds, {' and '.join(kinds)}: the columns of one"
            " term need priors of one kind. They may differ in their numbers."
        )
    shape = tuple(len(called.coords[dim]) for dim in dims)
    keywords: dict[str, Any] = {}
    # By keyword: PyMC takes the sigma of StudentT in no other way.
    for place, parameter in enumerate(priors[0].parameter_names):
        values = [prior.parameters[place] for prior in priors]
        alike = len(set(values)) == 1
        keywords[parameter] = values[0] if alike else np.reshape(values, shape)
    return getattr(pm, priors[0].name)(name, **keywords, dims=dims or None, **options)


def _numbers(column: Column) -> NDArray[Any]:
    if column.kind == "category":
        raise ModelError(
            f"The model takes {shown(column.name)} for a number, but the column holds text"
            " labels. Make it a categorical term."
        )
    return column.values


def _codes(column: Column, levels: tuple[str, ...]) -> NDArray[Any]:
    """The index of each row's label among the *levels* of the regression."""
    if column.kind != "category":
        raise ModelError(
            f"The model takes {shown(column.name)} for a category, but the column was read as"
            f" {column.kind}. Name it in `categorical` when reading the table."
        )
    missing = [label for label in column.levels if label not in levels]
    if missing:
        raise ModelError(
            f"The column {shown(column.name)} has the label {shown(missing[0])}, which the model"
            " does not know. Make the regression from the same rows it is fitted to."
        )
    to_model = np.array([levels.index(label) for label in column.levels], dtype=np.int64)
    return to_model[column.values.astype(np.int64)]


def check_outcome(regression: Regression, table: Table) -> None:
    """Refuse a table whose outcome is none of the family's, or has a grade nobody knows.

    Raises
    ------
    ModelError
        The message says which.
    """
    column, family = table[regression.outcome], regression.family
    two = family in ("bernoulli", "cells")
    if column.kind == "category" and not two:
        raise ModelError(
            f"A {family} model of {shown(column.name)} needs numbers, but the column holds"
            " text labels. Ask for family='bernoulli' if there are two."
        )
    if two and column.distinct > 2:
        raise ModelError(
            f"A {family} model of {shown(column.name)} needs an outcome of two values; the column"
            f" has {column.distinct}. Ask for family='gaussian'."
        )
    if family == "ordered" and not np.isin(column.values, regression.grades).all():
        raise ModelError(
            f"The column {shown(column.name)} has a grade that the model does not know. Make the"
            " regression from the same rows it is fitted to."
        )


def _outcome(regression: Regression, table: Table) -> NDArray[Any]:
    """The observed values: as they are, 1 for the larger of two, or the number of the grade."""
    check_outcome(regression, table)
    family, observed = regression.family, response(regression, table)
    whole = family == "cells" or RULES[family].link != "identity"
    return observed.astype(np.int64) if whole else observed

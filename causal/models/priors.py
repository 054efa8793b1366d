"""What is believed about each coefficient before the data: distributions, presets, overrides.

Three presets, each printed before the fit:

``default``
    weakly informative on the scale of the data. With s the sd of the outcome (1 where the link is
    not the identity): intercept Normal(link(mean y), s) at the predictors' means, slope
    Normal(0, s / sd(x)), in an interaction Normal(0, s / (sd(x) sd(z))), level Normal(0, s), sigma
    Exponential(1 / s). What varies by a category has a standard deviation as wide as the
    coefficient it is about: Exponential with the mean s, or s / sd(x). Cutpoint
    Normal(logit of the share below it, s). Without an intercept the levels of the first category
    stand in its place and have its prior.
``wide``
    the same with 10 s in the place of s.
``tutorial``
    Normal(0, 1) on everything, the intercept at zero predictors, sigma and what varies
    Exponential(1), all in the data's own units whatever they are.

In all three nu ~ Gamma(2, 0.1) (Juarez & Steel 2010), alpha ~ InverseGamma(0.4, 0.3), whose mass
reaches to the Poisson model without piling up there, correlations LKJ(2), cells Beta(1, 1).

A user's own prior is on the coefficient as written in the formula, in the data's own units: the
intercept is the value at zero predictors, and x beside x:z the slope of x where z is zero. An
override therefore takes the centres away that would change its meaning; the presets of what is then
measured at zero are wide enough to reach there from the mean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from causal.errors import ModelError, did_you_mean, shown
from causal.models.design import atom_values, averages, mean_sd
from causal.models.families import RULES, Family
from causal.models.regression import Regression
from causal.models.terms import (
    Atom,
    Categorical,
    Column,
    Level,
    Log,
    Numeric,
    Term,
    Varying,
    columns,
    fixed_columns,
    is_slope,
    varied_labels,
    written,
)

if TYPE_CHECKING:
    from causal.data.table import Table

__all__ = [
    "PRESETS",
    "RESERVED",
    "Distribution",
    "GaussianForm",
    "Preset",
    "PriorChoice",
    "Priors",
    "check_places",
    "describe",
    "gaussian_form",
    "parse_prior",
    "resolve",
    "to_printed",
]

Preset = Literal["default", "wide", "tutorial"]
PRESETS: tuple[Preset, ...] = ("default", "wide", "tutorial")

RESERVED = ("intercept", "slope", "level", "sigma", "nu", "alpha", "sd", "cutpoint", "cell")
"""The parts of a model that a prior can be given to, beside the variables themselves.

``sd`` is every standard deviation of what varies by a category.
"""
_ALWAYS = RESERVED[:4]
_SCALES = ("sigma", "nu", "alpha", "sd")

Array = NDArray[np.float64]


# ------------------------------------------------------------------------------------------------
# Distributions
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a distribution's name means: its parameters in PyMC's order, where it may be used."""

    parameters: tuple[str, ...]
    positive: tuple[str, ...]
    coefficient: bool
    scale: bool
    probability: bool = False


_KINDS: Mapping[str, _Kind] = {
    "Normal": _Kind(("mu", "sigma"), ("sigma",), True, False),
    "StudentT": _Kind(("nu", "mu", "sigma"), ("nu", "sigma"), True, False),
    "Cauchy": _Kind(("alpha", "beta"), ("beta",), True, False),
    "LogNormal": _Kind(("mu", "sigma"), ("sigma",), True, True),
    "Uniform": _Kind(("lower", "upper"), (), True, True),
    "Flat": _Kind((), (), True, False),
    "Exponential": _Kind(("lam",), ("lam",), False, True),
    "HalfNormal": _Kind(("sigma",), ("sigma",), False, True),
    "HalfCauchy": _Kind(("beta",), ("beta",), False, True),
    "HalfStudentT": _Kind(("nu", "sigma"), ("nu", "sigma"), False, True),
    "InverseGamma": _Kind(("alpha", "beta"), ("alpha", "beta"), False, True),
    "HalfFlat": _Kind((), (), False, True),
    "Gamma": _Kind(("alpha", "beta"), ("alpha", "beta"), False, True),
    "Beta": _Kind(("alpha", "beta"), ("alpha", "beta"), False, False, True),
}

# Squares of anything inside these bounds neither overflow nor vanish.
_LARGEST = 1e150
_SMALLEST = 1e-150


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of one number, named and parametrised as in PyMC.

    Attributes
    ----------
    name
        Of a coefficient: Normal, StudentT, Cauchy, LogNormal, Uniform, Flat. Of a scale:
        Exponential, HalfNormal, HalfCauchy, HalfStudentT, InverseGamma, Gamma, HalfFlat; LogNormal
        and Uniform (above 0) too. Of a cell's probability: Beta.
    parameters
        Normal(mu, sigma), StudentT(nu, mu, sigma), Cauchy(alpha, beta), LogNormal(mu, sigma),
        Uniform(lower, upper), Exponential(lam), HalfNormal(sigma), HalfCauchy(beta),
        HalfStudentT(nu, sigma), InverseGamma(alpha, beta), Gamma(alpha, beta), Beta(alpha, beta),
        Flat(), HalfFlat().

    Raises
    ------
    ModelError
        For an unknown name or impossible parameters.

    Examples
    --------
    >>> str(Distribution("Normal", (0.0, 2.5)))
    'Normal(0, 2.5)'
    """

    name: str
    parameters: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        kind = _KINDS.get(self.name)
        if kind is None:
            raise ModelError(
                f"There is no distribution {shown(self.name)} to take as a prior."
                f"{did_you_mean(self.name, _KINDS)}"
            )
        if len(self.parameters) != len(kind.parameters):
            raise ModelError(
                f"{_signature(self.name)} is how {self.name} is written; here it has "
                f"{len(self.parameters)} numbers."
            )
        for name, value in zip(kind.parameters, self.parameters, strict=True):
            _check_number(self.name, name, value, positive=name in kind.positive)
        if self.name == "Uniform" and not self.parameters[0] < self.parameters[1]:
            raise ModelError(
                f"In {self} the lower end must be below the upper one: swap them, or widen it."
            )

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{value:.6g}' for value in self.parameters)})"

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """As PyMC calls them, in its positional order."""
        return _KINDS[self.name].parameters

    @property
    def of_coefficients(self) -> bool:
        """Whether a coefficient may have this prior."""
        return _KINDS[self.name].coefficient

    @property
    def of_scales(self) -> bool:
        """Whether sigma may have this prior: it has no mass below zero."""
        return _KINDS[self.name].scale and self.support[0] >= 0.0

    @property
    def of_probabilities(self) -> bool:
        """Whether a cell's probability may have this prior."""
        return _KINDS[self.name].probability

    @property
    def support(self) -> tuple[float, float]:
        """The open interval outside which the density is zero."""
        if self.name == "Uniform":
            return self.parameters[0], self.parameters[1]
        if self.name == "Beta":
            return 0.0, 1.0
        bounded = self.name not in ("Normal", "StudentT", "Cauchy", "Flat")
        return (0.0 if bounded else -math.inf), math.inf

    @property
    def typical(self) -> float:
        """A value in the midst of the mass, for a search to look near; 1 for the improper ones."""
        p = self.parameters
        match self.name:
            case "Normal" | "Cauchy":
                return p[0]
            case "StudentT":
                return p[1]
            case "LogNormal":
                return math.exp(min(max(p[0], -345.0), 345.0))
            case "Uniform":
                return (p[0] + p[1]) / 2
            case "Exponential":
                return 1.0 / p[0]
            case "InverseGamma":
                return p[1] / (p[0] + 1.0)
            case "Gamma":
                return p[0] / p[1]
            case "Beta":
                return p[0] / (p[0] + p[1])
            case "Flat" | "HalfFlat":
                return 1.0
            case _:
                return p[-1]

    @property
    def tail_power(self) -> float:
        """The a with which the density falls as x^-a for large x; infinity where faster."""
        p = self.parameters
        match self.name:
            case "Flat" | "HalfFlat":
                return 0.0
            case "Cauchy" | "HalfCauchy":
                return 2.0
            case "StudentT" | "HalfStudentT" | "InverseGamma":
                return p[0] + 1.0
            case _:
                return math.inf

    def log_density(self, x: Array) -> Array:
        """Natural logarithm of the density at each x; any shape.

        ``-inf`` outside the support; 0 inside it for the improper Flat and HalfFlat.
        """
        x = np.asarray(x, dtype=np.float64)
        low, high = self.support
        inside = (x > low) & (x < high)
        if self.name == "Uniform":  # its ends have mass near them: they belong to it
            inside = (x >= low) & (x <= high)
        safe = np.where(inside, x, self.typical)
        with np.errstate(over="ignore"):  # a square too large for a float: the density is 0
            return np.where(inside, self._log_inside(safe), -math.inf)

    def _log_inside(self, x: Array) -> Array:
        p = self.parameters
        match self.name:
            case "Normal":
                return _log_normal((x - p[0]) / p[1]) - math.log(p[1])
            case "LogNormal":
                u = np.log(x)
                return _log_normal((u - p[0]) / p[1]) - math.log(p[1]) - u
            case "HalfNormal":
                return _log_normal(x / p[0]) - math.log(p[0]) + math.log(2.0)
            case "StudentT":
                return _log_student((x - p[1]) / p[2], p[0]) - math.log(p[2])
            case "HalfStudentT":
                return _log_student(x / p[1], p[0]) - math.log(p[1]) + math.log(2.0)
            case "Cauchy":
                return -np.log1p(((x - p[0]) / p[1]) ** 2) - math.log(math.pi * p[1])
            case "HalfCauchy":
                return -np.log1p((x / p[0]) ** 2) - math.log(math.pi * p[0] / 2.0)
            case "Exponential":
                return math.log(p[0]) - p[0] * x
            case "InverseGamma":
                head = p[0] * math.log(p[1]) - math.lgamma(p[0])
                return head - (p[0] + 1.0) * np.log(x) - p[1] / x
            case "Gamma":
                head = p[0] * math.log(p[1]) - math.lgamma(p[0])
                return head + (p[0] - 1.0) * np.log(x) - p[1] * x
            case "Beta":
                head = math.lgamma(p[0] + p[1]) - math.lgamma(p[0]) - math.lgamma(p[1])
                return head + (p[0] - 1.0) * np.log(x) + (p[1] - 1.0) * np.log1p(-x)
            case "Uniform":
                return np.full_like(x, -math.log(p[1] - p[0]))
            case _:
                return np.zeros_like(x)


def _check_number(name: str, parameter: str, value: float, *, positive: bool) -> None:
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise ModelError(
            f"In {name}(...) the parameter {parameter} is {value:g}: give a finite number."
        )
    if positive and value <= 0.0:
        raise ModelError(
            f"In {name}(...) the parameter {parameter} is {value:g}: give a number above 0."
        )
    if positive and value < _SMALLEST:
        raise ModelError(
            f"In {name}(...) the parameter {parameter} is {value:g}: too small to compute with. "
            "Change the units of the column."
        )


def _signature(name: str) -> str:
    return f"{name}({', '.join(_KINDS[name].parameters)})"


def _log_normal(z: Array) -> Array:
    return -0.5 * z * z - 0.5 * math.log(2.0 * math.pi)


def _log_student(z: Array, nu: float) -> Array:
    half = nu / 2.0
    if nu > 1e8:  # the difference of two lgammas of this size has no digits left; Stirling has
        ratio = 0.5 * math.log(half) - 1.0 / (8.0 * half)
    else:
        ratio = math.lgamma(half + 0.5) - math.lgamma(half)
    return ratio - 0.5 * math.log(nu * math.pi) - (half + 0.5) * np.log1p(z * z / nu)


# ------------------------------------------------------------------------------------------------
# The priors of one regression
# ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Priors:
    """The prior of every parameter of one regression, in the data's own units.

    Attributes
    ----------
    intercept
        At the centres. ``None``: the model has no intercept.
    centre
        Of every atom that has one: what is subtracted from it wherever it stands in a column. With
        none, all priors are on the coefficients of the formula.
    terms
        For each term one for each of its columns, at the centres: of slopes, of levels (as
        deviations from the intercept), of the probability of each cell. For a `Varying` term, of
        the standard deviation of each of its ``varied``.
    auxiliary
        By name: ``sigma``, ``nu``, ``alpha``.
    cutpoints
        Of an ordered outcome, in ascending order, at the centres.
    correlation
        The eta of LKJ(eta), for the correlations in a `Varying` term.
    """

    intercept: Distribution | None
    centre: tuple[tuple[Atom, float], ...]
    terms: tuple[tuple[Distribution, ...], ...]
    auxiliary: tuple[tuple[str, Distribution], ...] = ()
    cutpoints: tuple[Distribution, ...] = ()
    correlation: float = 2.0

    @property
    def centres(self) -> dict[Atom, float]:
        """The same by atom."""
        return dict(self.centre)

    @property
    def sigma(self) -> Distribution | None:
        """Of the residual standard deviation; ``None`` for families without one."""
        return dict(self.auxiliary).get("sigma")


@dataclass(frozen=True, slots=True)
class PriorChoice:
    """What the user chose: a preset, and a distribution by name for what it is to be instead.

    Attributes
    ----------
    overrides
        By a part of the model (`RESERVED`: ``slope`` is all slopes, ``level`` all category
        levels), or by a term as the formula writes it (``x``, ``log(x)``, ``x:g``, ``poly(x, 2)``),
        which wins over ``slope`` and ``level``. A variable that itself bears the name of a part is
        written in back-quotes; without them `resolve` refuses, because nobody could tell which is
        meant.
    """

    preset: Preset = "default"
    overrides: Mapping[str, Distribution] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ModelError(
                f"There is no prior preset {shown(self.preset)}."
                f"{did_you_mean(self.preset, PRESETS)}"
            )
        object.__setattr__(self, "overrides", dict(self.overrides))
        for name, distribution in self.overrides.items():
            _check_use(name, distribution)

    def of(self, term: Term) -> Distribution | None:
        """The override on a term's own coefficients, if there is one."""
        for name in override_names(term):
            if name in self.overrides:
                return self.overrides[name]
        return None

    def covers(self, regression: Regression) -> bool:
        """Whether every prior of the regression is the user's own, none taken from the data.

        Only then may a regression have as many coefficients as rows. The ``tutorial`` preset is a
        choice of fixed priors, so it counts.
        """
        if self.preset == "tutorial":
            return True
        given = self.overrides
        needed = [given.get("intercept")] if regression.priors.intercept is not None else []
        needed += [
            given.get(name) for name in RULES[regression.family].auxiliary if name == "sigma"
        ]
        needed += [given.get("cutpoint")] if regression.family == "ordered" else []
        for term in regression.terms:
            if isinstance(term, Varying):
                needed.append(given.get("sd"))
            elif regression.family != "cells":
                for column in columns(term):
                    needed.append(self.of(term) or given.get(_part(column)))
        return None not in needed


def override_names(term: Term) -> tuple[str, ...]:
    """Under which names a prior can be given to a term's coefficients.

    A variable is found with or without back-quotes; if it bears the name of a part of every model,
    only with them.
    """
    if isinstance(term, Varying):
        return ()
    name = _bare(term)
    if name is None:
        return (written(term),)
    if name in _ALWAYS:
        return (f"`{name}`",)
    return tuple(dict.fromkeys((f"`{name}`", name, written(term))))


def _bare(term: Term) -> str | None:
    """The variable, of a term that is one and nothing more."""
    return term.variable if isinstance(term, Numeric | Categorical) else None


def _part(column: Column) -> str:
    return "slope" if is_slope(column) else "level"


def _check_use(name: str, distribution: Distribution) -> None:
    """Refuse a scale's distribution for a coefficient and the other way round.

    What only some models have may also be a variable's name: there `_check_part` decides, later.
    """
    if name in RESERVED and name not in _ALWAYS:
        return
    if name == "sigma":
        _check_part(name, distribution)
    elif not distribution.of_coefficients:
        listed = ", ".join(n for n, kind in _KINDS.items() if kind.coefficient)
        what = "probabilities" if distribution.of_probabilities else "standard deviations"
        raise ModelError(
            f"{shown(name)} is a coefficient and cannot have the prior {distribution}, which is "
            f"one for {what}. Take one of {listed}."
        )


def _check_part(name: str, distribution: Distribution) -> None:
    """`_check_use` of a name that is known to mean a part of the model."""
    if name in _SCALES:
        if not distribution.of_scales:
            listed = ", ".join(n for n, kind in _KINDS.items() if kind.scale)
            what = "a standard deviation" if name in ("sigma", "sd") else "a number above 0"
            raise ModelError(
                f"{name} is {what} and cannot have the prior {distribution}, which "
                f"reaches below 0. Take one of {listed} (Uniform from 0 upwards)."
            )
    elif name == "cell":
        if not distribution.of_probabilities:
            raise ModelError(
                f"A cell is a probability and cannot have the prior {distribution}. Take "
                "Beta(alpha, beta); Beta(1, 1) is flat."
            )
    elif not distribution.of_coefficients:
        listed = ", ".join(n for n, kind in _KINDS.items() if kind.coefficient)
        raise ModelError(
            f"{shown(name)} is a coefficient and cannot have the prior {distribution}. Take one of "
            f"{listed}."
        )


def resolve(
    choice: PriorChoice,
    terms: Sequence[Term],
    outcome: str,
    family: Family,
    table: Table,
    *,
    intercept: bool = True,
    offsets: Sequence[Numeric | Log] = (),
    trials: str | None = None,
    grades: Sequence[float] = (),
) -> Priors:
    """The priors of one regression, in the units of the rows it is fitted on.

    Parameters
    ----------
    terms
        The predictors.
    table
        The rows used: complete in the outcome and in every predictor.
    intercept
        Whether the formula has one. A family without an intercept (``ordered``, ``cells``) has none
        whatever is said here.
    offsets, trials, grades
        As in `Regression`.

    Raises
    ------
    ModelError
        For an override that could mean two things, or of the wrong kind. One that this model has no
        place for changes nothing: another of the models may have (`check_places`).
    DataError
        For a column with one value: the presets ``default`` and ``wide`` divide by its sd.
    """
    parts = _parts(terms, family)
    _refuse_ambiguity(choice, terms, parts)
    for name in choice.overrides.keys() & {*_SCALES, "cutpoint", "cell"}:
        if name in parts:
            _check_part(name, choice.overrides[name])
        elif any(name == _bare(term) for term in terms):
            _check_part("slope", choice.overrides[name])
    if family == "cells":
        cell = choice.overrides.get("cell", Distribution("Beta", (1.0, 1.0)))
        return Priors(None, (), tuple((cell,) * len(columns(term)) for term in terms))
    has_intercept = intercept and family != "ordered"
    anchored = has_intercept or family == "ordered"
    own = choice.overrides.keys() & {"cutpoint" if family == "ordered" else "intercept"}
    moments = _Moments(table)
    centre: dict[Atom, float] = {}
    if choice.preset != "tutorial" and anchored and not own:
        kept = _centred_atoms(terms) - _pinned(choice, terms)
        centre = {atom: moments.of(atom)[0] for atom in kept}
    instead = None if anchored else _of_ones(terms)
    preset = _preset(
        choice.preset, terms, outcome, family, moments, centre, offsets, trials, grades, instead
    )
    return _overridden(preset, choice, terms, has_intercept=has_intercept)


def check_places(choice: PriorChoice, regressions: Iterable[Regression]) -> None:
    """Refuse a prior that none of the models has a place for.

    Raises
    ------
    ModelError
        With the nearest name that there is.
    """
    known: set[str] = set()
    for regression in regressions:
        known |= _parts(regression.terms, regression.family)
        known |= {name for term in regression.terms for name in override_names(term)}
        family = regression.family
    for name in choice.overrides:
        if name in known:
            continue
        if name in RESERVED:
            instead = " Its cutpoints stand there: give one to cutpoint." * (family == "ordered")
            raise ModelError(
                f"The prior of {name} has no place here: the family {family} with these terms has "
                f"no {name}.{instead if name == 'intercept' else ''} Leave it out, or choose "
                "another --family."
            )
        # In back-quotes only where a name needs them.
        near = sorted(n for n in known if not (n.startswith("`") and n[1:-1] in known))
        raise ModelError(
            f"No model has a coefficient {shown(name)} to give a prior to."
            f"{did_you_mean(name, near)}"
        )


def _parts(terms: Sequence[Term], family: Family) -> frozenset[str]:
    """The names of RESERVED that a model may have."""
    parts = {"intercept", "slope", "level", *RULES[family].auxiliary}
    if any(isinstance(term, Varying) for term in terms):
        parts.add("sd")
    if family in ("ordered", "cells"):
        parts.add("cutpoint" if family == "ordered" else "cell")
        parts.discard("intercept")
    return frozenset(parts)


def _of_ones(terms: Sequence[Term]) -> Term | None:
    """The first term of categories alone: without an intercept its levels stand in its place."""
    for term in terms:
        if not isinstance(term, Varying) and not any(is_slope(column) for column in columns(term)):
            return term
    return None


def _refuse_ambiguity(choice: PriorChoice, terms: Sequence[Term], parts: frozenset[str]) -> None:
    for term in terms:
        name = _bare(term)
        # Where both are given, with and without, the one without is the model's own.
        if f"`{name}`" in choice.overrides:
            continue
        if name in choice.overrides and (name in parts or name in _ALWAYS):
            raise ModelError(
                f"A prior of {shown(name)} could mean the variable of that name or the model's own "
                f"{name}: write `{name}` in back-quotes for the variable, or rename the column."
            )


class _Moments:
    """Mean and sd of atoms over the rows used, each computed once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._known: dict[Atom, tuple[float, float]] = {}

    def of(self, atom: Atom) -> tuple[float, float]:
        if atom not in self._known:
            self._known[atom] = mean_sd(atom, self.table)
        return self._known[atom]


def _centred_atoms(terms: Sequence[Term]) -> set[Atom]:
    """The numbers that can be centred without changing the model.

    ``(x - a)(z - b) = xz - bx - az + ab``: every column must have, beside it, the same without that
    atom. For what varies by a category that is: within the same term.
    """
    scopes: list[set[Column]] = [{(), *fixed_columns(terms)}]
    scopes += [set(term.varied) for term in terms if isinstance(term, Varying)]
    found: set[Atom] = set()
    refused: set[Atom] = set()
    for scope in scopes:
        known = {frozenset(column) for column in scope}
        for column in scope:
            for atom in column:
                if isinstance(atom, Level):
                    continue
                found.add(atom)
                if frozenset(column) - {atom} not in known or column.count(atom) > 1:
                    refused.add(atom)
    return found - refused


def _pinned(choice: PriorChoice, terms: Sequence[Term]) -> set[Atom]:
    """The atoms whose centre would change what a prior of the user's is about.

    A prior on x, in a model with x:z, is on the slope where z is 0.
    """
    given = choice.overrides
    pinned: set[Atom] = set()

    def pin(about: Iterable[Column], scope: Iterable[Column]) -> None:
        known = {frozenset(column) for column in about}
        for column in scope if known else ():
            for size in range(len(column)):
                for part in combinations(column, size):
                    if frozenset(part) in known:
                        pinned.update(atom for atom in column if atom not in part)

    mine: list[Column] = []
    for term in terms:
        if isinstance(term, Varying):
            pin(term.varied if "sd" in given else (), term.varied)
        else:
            own = choice.of(term) is not None
            mine += [column for column in columns(term) if own or _part(column) in given]
    pin(mine, fixed_columns(terms))
    return pinned


def _preset(
    name: Preset,
    terms: Sequence[Term],
    outcome: str,
    family: Family,
    moments: _Moments,
    centre: Mapping[Atom, float],
    offsets: Sequence[Numeric | Log],
    trials: str | None,
    grades: Sequence[float],
    instead: Term | None,
) -> Priors:
    """The preset's priors, with an intercept whether the formula has one or not.

    *instead* is the term whose levels have the intercept's prior.
    """
    others = [(n, d) for n, d in _AUXILIARY.items() if n in RULES[family].auxiliary]
    if name == "tutorial":
        unit, scale = Distribution("Normal", (0.0, 1.0)), Distribution("Exponential", (1.0,))
        return Priors(
            unit,
            (),
            tuple(
                (scale,) * len(term.varied)
                if isinstance(term, Varying)
                else (unit,) * len(columns(term))
                for term in terms
            ),
            tuple((n, scale if d is None else d) for n, d in others),
            (unit,) * max(len(grades) - 1, 0),
        )
    level, spread = _outcome_scale(outcome, family, moments, offsets, trials)
    spread *= 10.0 if name == "wide" else 1.0
    beyond = _beyond(fixed_columns(terms), centre, moments)

    def sd(column: Column, beyond: Mapping[frozenset[Atom], float] = beyond) -> float:
        """How far a coefficient goes: less where its column goes further."""
        numbers = [moments.of(atom)[1] for atom in column if not isinstance(atom, Level)]
        return spread * math.sqrt(1.0 + beyond.get(frozenset(column), 0.0)) / math.prod(numbers)

    def of_ones(column: Column) -> Distribution:
        more = beyond.get(frozenset(column), 0.0) + beyond.get(frozenset(), 0.0)
        return Distribution("Normal", (level, spread * math.sqrt(1.0 + more)))

    found = []
    for term in terms:
        if isinstance(term, Varying):
            own = _beyond(term.varied, centre, moments)
            means = [sd(column, own) for column in term.varied]
            found.append(tuple(Distribution("Exponential", (1.0 / mean,)) for mean in means))
        elif term is instead:
            found.append(tuple(of_ones(column) for column in columns(term)))
        else:
            found.append(tuple(Distribution("Normal", (0.0, sd(c))) for c in columns(term)))
    wide = sd(())
    return Priors(
        Distribution("Normal", (level, wide)),
        tuple(centre.items()),
        tuple(found),
        tuple(
            (other, Distribution("Exponential", (1.0 / spread,)) if prior is None else prior)
            for other, prior in others
        ),
        tuple(
            Distribution("Normal", (cut + level, wide))
            for cut in _cuts(moments.table, outcome, grades)
        ),
    )


def _beyond(
    scope: Iterable[Column], centre: Mapping[Atom, float], moments: _Moments
) -> dict[frozenset[Atom], float]:
    """By how much, squared, a coefficient's prior is wider for being measured at zero.

    In ``b x + c x z`` the slope of x at the mean of z is ``b + c mean(z)``. Where z is centred that
    is b; where it is not, the prior of b has to reach from the one to the other.
    """
    found: dict[frozenset[Atom], float] = {}
    for column in scope:
        loose = [atom for atom in column if not isinstance(atom, Level) and atom not in centre]
        for size in range(1, len(loose) + 1):
            for gone in combinations(loose, size):
                rest = frozenset(column) - set(gone)
                ratios = [moments.of(atom)[0] / moments.of(atom)[1] for atom in gone]
                found[rest] = found.get(rest, 0.0) + math.prod(ratio**2 for ratio in ratios)
    return found


# What does not depend on the data; None: like sigma.
_AUXILIARY: Mapping[str, Distribution | None] = {
    "sigma": None,
    "nu": Distribution("Gamma", (2.0, 0.1)),
    "alpha": Distribution("InverseGamma", (0.4, 0.3)),
}


def _outcome_scale(
    outcome: str,
    family: Family,
    moments: _Moments,
    offsets: Sequence[Numeric | Log],
    trials: str | None,
) -> tuple[float, float]:
    """link(mean y) and the scale of y on the scale of the linear predictor."""
    table = moments.table
    if RULES[family].link == "identity":
        mean, sd = moments.of(Numeric(outcome))
        return mean - float(averages([(one,) for one in offsets], table).sum()), sd
    values = table[outcome].values
    weights = np.ones(table.rows) if table.weights is None else table.weights
    added = [atom_values(offset, table) for offset in offsets]
    shift = sum(float(np.average(one, weights=weights)) for one in added)
    match RULES[family].link:
        case "logit" if trials is not None:
            total = float(weights @ table[trials].values)
            hits = float(weights @ values)
            # Half a success and half a failure more: all of one kind is not certainty.
            return math.log((hits + 0.5) / (total - hits + 0.5)) - shift, 1.0
        case "logit":
            # Any two values: the larger one counts as 1.
            share = float(np.average(values == values.max(), weights=weights))
            return math.log(share) - math.log1p(-share) - shift, 1.0
        case "log":
            unit = sum(added, np.zeros(len(values)))
            top = float(unit.max())
            # As many events as there are, for as long as all rows were watched.
            watched = math.log(float(weights @ np.exp(unit - top))) + top
            return math.log(float(weights @ values) + 0.5) - watched, 1.0
        case _:  # the cutpoints have the centre, and move with the offsets
            return shift, 1.0


def _cuts(table: Table, outcome: str, grades: Sequence[float]) -> list[float]:
    """The log odds of each grade or a lower one, for all grades but the highest."""
    if not grades:
        return []
    values = table[outcome].values
    weights = np.ones(len(values)) if table.weights is None else table.weights
    below = [float(weights @ (values <= grade)) for grade in grades[:-1]]
    return [math.log(n / (float(weights.sum()) - n)) for n in below]


def _overridden(
    base: Priors, choice: PriorChoice, terms: Sequence[Term], *, has_intercept: bool
) -> Priors:
    given = choice.overrides
    kept = []
    for term, preset in zip(terms, base.terms, strict=True):
        if isinstance(term, Varying):
            kept.append(tuple(given.get("sd") or one for one in preset))
        else:
            own = choice.of(term)
            pairs = zip(columns(term), preset, strict=True)
            kept.append(tuple(own or given.get(_part(column)) or one for column, one in pairs))
    return Priors(
        intercept=given.get("intercept") or base.intercept if has_intercept else None,
        centre=base.centre,
        terms=tuple(kept),
        auxiliary=tuple((name, given.get(name) or prior) for name, prior in base.auxiliary),
        cutpoints=tuple(given.get("cutpoint") or prior for prior in base.cutpoints),
    )


def describe(regression: Regression) -> tuple[str, ...]:
    """One line for each prior, as printed before the fit.

    Names are returned as they are: show them with `causal.errors.shown` or escape them.
    """
    priors, lines = regression.priors, []
    centred = {atom for atom, value in priors.centre if value != 0.0}
    fixed = fixed_columns(regression.terms)
    [where] = _at_means([()], fixed, centred)
    if priors.intercept is not None:
        lines.append(f"intercept ~ {_rounded(priors.intercept)}{where}")
    names = regression.coefficients_by_term
    for term, group, labels in zip(regression.terms, priors.terms, names, strict=True):
        if isinstance(term, Varying):
            lines += _described(term, group, priors.correlation, centred)
            continue
        at = _at_means(columns(term), fixed, centred)
        if len(group) > 1 and len(set(group)) == 1 and len(set(at)) == 1:
            called = "cell" if regression.family == "cells" else "level"
            each = "each" if is_slope(columns(term)[0]) else f"each {called}"
            lines.append(f"{_bare(term) or written(term)}[{each}] ~ {_rounded(group[0])}{at[0]}")
        else:
            rows = zip(labels, group, at, strict=True)
            lines += [f"{label} ~ {_rounded(prior)}{place}" for label, prior, place in rows]
    cuts = [name for name in regression.other_names if name.startswith("cut[")]
    lines += [f"{n} ~ {_rounded(p)}{where}" for n, p in zip(cuts, priors.cutpoints, strict=True)]
    lines += [f"{name} ~ {_rounded(prior)}" for name, prior in priors.auxiliary]
    return tuple(lines)


def _described(
    term: Varying, group: Sequence[Distribution], correlation: float, centred: set[Atom]
) -> list[str]:
    what, by = varied_labels(term), term.by.variable
    rows = zip(what, group, _at_means(term.varied, term.varied, centred), strict=True)
    lines = [f"sd({one}|{by}) ~ {_rounded(prior)}{place}" for one, prior, place in rows]
    if len(what) > 1:
        lines.append(f"correlations of {', '.join(what)} by {by} ~ LKJ({correlation:g})")
    return lines


def _at_means(
    about: Iterable[Column], scope: Iterable[Column], centred: set[Atom]
) -> tuple[str, ...]:
    """Where the prior of each of these is given: with what its column is multiplied by centred."""
    larger: set[frozenset[Atom]] = set()
    for column in scope:
        for size in range(len(column)):
            for part in combinations(column, size):
                if not centred.isdisjoint(set(column) - set(part)):
                    larger.add(frozenset(part))
    where = " (at the predictors' means)"
    return tuple(where if frozenset(column) in larger else "" for column in about)


def _rounded(distribution: Distribution) -> str:
    """To three digits; a location to three digits of the scale beside it.

    >>> _rounded(Distribution("Normal", (2021.4374, 0.57735)))
    'Normal(2021.437, 0.577)'
    """
    kind, parameters = _KINDS[distribution.name], distribution.parameters
    numbers = []
    for name, value in zip(kind.parameters, parameters, strict=True):
        digits = 3
        if value and name not in kind.positive:
            scale = parameters[-1] if kind.positive else parameters[1] - parameters[0]
            digits += min(max(math.ceil(math.log10(abs(value) / scale)), 0), 14)
        numbers.append(f"{value:.{digits}g}")
    return f"{distribution.name}({', '.join(numbers)})"


# ------------------------------------------------------------------------------------------------
# The prior as one Gaussian
# ------------------------------------------------------------------------------------------------


def to_printed(regression: Regression) -> Array:
    """From the coefficients at the centres to those of the formula, (k, k).

    In the order of ``regression.linear_names``: ``printed = to_printed @ theta``. Each column
    ``prod (atom - centre)`` is multiplied out; what comes of it are other columns of the model
    (`_centred_atoms` saw to that) and, where no atom is left, the intercept. Cutpoints, which stand
    in the intercept's place, move by the negative of `to_cutpoints`.
    """
    return _expanded(regression)[0]


def to_cutpoints(regression: Regression) -> Array:
    """What each coefficient at the centres adds to the linear predictor at zero, (k,).

    For families whose cutpoints take the place of the intercept:
    ``printed cut = cut - to_cutpoints @ theta``.
    """
    return _expanded(regression)[1]


def _expanded(regression: Regression) -> tuple[Array, Array]:
    centres = regression.priors.centres
    every = regression.columns
    matrix, constant = np.eye(len(every)), np.zeros(len(every))
    if not any(centres.values()):
        return matrix, constant
    place: dict[tuple[int, frozenset[Atom]], int] = {}
    scope = _scopes(regression)
    for index, column in enumerate(every):
        place.setdefault((scope[index], frozenset(column)), index)
    for index, column in enumerate(every):
        moved = [atom for atom in column if centres.get(atom)]
        for size in range(1, len(moved) + 1):
            for gone in combinations(moved, size):
                rest = frozenset(column) - set(gone)
                weight = math.prod(-centres[atom] for atom in gone)
                if (scope[index], rest) in place:
                    matrix[place[scope[index], rest], index] += weight
                else:
                    constant[index] += weight
    return matrix, constant


def _scopes(regression: Regression) -> list[int]:
    """For each column: 0 if it is fixed, else the number of its varying term."""
    found = [0] if regression.priors.intercept is not None else []
    for number, term in enumerate(regression.terms, start=1):
        found += [number if isinstance(term, Varying) else 0] * len(columns(term))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class GaussianForm:
    """The joint prior of all coefficients as a Gaussian, flat in some of them.

    It is written for the *centred* coefficients theta, in the order of `Regression.linear_names`.
    There they are independent, and a flat prior is always a plain coordinate: were the printed
    intercept used, a flat slope beside a proper intercept at a centre other than zero would be flat
    along a slanted line.

    Attributes
    ----------
    mean, sd : (k,)
        Of theta; 0 and 1 where flat.
    flat : (k,) of bool
    centre : (k,)
        What is subtracted from each column of the design before theta multiplies it: of the columns
        of a single number. (Products are made of centred numbers.)
    to_printed : (k, k)
        ``printed = to_printed @ theta``.
    """

    mean: Array
    sd: Array
    flat: NDArray[np.bool_]
    centre: Array
    to_printed: Array


def gaussian_form(regression: Regression) -> GaussianForm | None:
    """The priors of the coefficients as one Gaussian; ``None`` if one is not Normal or Flat.

    Coefficients that vary by a category are not part of it: theirs is no Gaussian.
    """
    priors = regression.priors
    chosen = [] if priors.intercept is None else [priors.intercept]
    chosen += [prior for group in priors.terms for prior in group]
    varies = any(isinstance(term, Varying) for term in regression.terms)
    if varies or any(d.name not in ("Normal", "Flat") for d in chosen):
        return None
    flat = np.array([d.name == "Flat" for d in chosen], dtype=np.bool_)
    moments = [(0.0, 1.0) if d.name == "Flat" else d.parameters for d in chosen]
    mean = np.array([moment[0] for moment in moments], dtype=np.float64)
    sd = np.array([moment[1] for moment in moments], dtype=np.float64)
    centres = priors.centres
    alone = [centres.get(c[0], 0.0) if len(c) == 1 else 0.0 for c in regression.columns]
    return GaussianForm(mean, sd, flat, np.array(alone), to_printed(regression))


# ------------------------------------------------------------------------------------------------
# NAME=Distribution(...)
# ------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_EXAMPLE = "Write it as z=Normal(0, 0.5) or sigma=Exponential(lam=1)."


def parse_prior(text: str) -> tuple[str, Distribution]:
    """Read ``NAME=Distribution(numbers)``, positional or by PyMC's parameter names.

    NAME is one of `RESERVED` or a variable's own name and may hold anything, ``=`` and brackets
    too: the distribution is what follows the last ``=`` before the last ``(``.

    Raises
    ------
    ModelError
        With what is wrong and how it is written.

    Examples
    --------
    >>> name, prior = parse_prior("z=Normal(0, sigma=0.5)")
    >>> name, str(prior)
    ('z', 'Normal(0, 0.5)')
    """
    body = text.strip()
    head, bracket, inside = body.rpartition("(")
    name, equals, kind = head.rpartition("=")
    name, kind = name.strip(), kind.strip()
    if not (bracket and equals and name and body.endswith(")")):
        raise ModelError(f"Cannot read the prior {shown(text)}. {_EXAMPLE}")
    if kind not in _KINDS:
        hint = did_you_mean(kind, _KINDS)
        raise ModelError(f"In the prior of {shown(name)}: no distribution {shown(kind)}.{hint}")
    parts = inside[:-1].split(",") if inside[:-1].strip() else []
    distribution = Distribution(kind, _arguments(name, kind, parts))
    _check_use(name, distribution)
    return name, distribution


def _arguments(name: str, kind: str, parts: Iterable[str]) -> tuple[float, ...]:
    """Numbers in PyMC's order. Only a location `mu` may be left out, which is then 0, as there."""
    wanted = _KINDS[kind].parameters
    where = f"In the prior of {shown(name)}, {_signature(kind)}"
    found: dict[str, float] = {}
    named = False
    for position, part in enumerate(parts):
        key, equals, number = (p.strip() for p in part.rpartition("="))
        if equals:
            named = True
        elif named:
            raise ModelError(f"{where}: {shown(number)} stands after a named parameter.")
        elif position >= len(wanted):
            raise ModelError(f"{where}: {shown(number)} is one number too many.")
        else:
            key = wanted[position]
        if key not in wanted:
            raise ModelError(f"{where}: no parameter {shown(key)}.{did_you_mean(key, wanted)}")
        if key in found:
            raise ModelError(f"{where}: {key} is given twice.")
        if not _NUMBER.fullmatch(number):
            raise ModelError(f"{where}: {shown(number)} is not a number.")
        found[key] = float(number)
    if "mu" in wanted:
        found.setdefault("mu", 0.0)
    missing = [key for key in wanted if key not in found]
    if missing:
        raise ModelError(f"{where}: {', '.join(missing)} is missing.")
    return tuple(found[key] for key in wanted)

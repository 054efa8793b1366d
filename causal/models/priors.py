"""What is believed about each coefficient before the data: distributions, presets, overrides.

Three presets, each printed before the fit:

``default``
    weakly informative on the scale of the data. With s the sd of the outcome (1 on the logit
    scale): intercept Normal(link(mean y), s) at the predictors' means, slope Normal(0, s / sd(x)),
    level Normal(0, s), sigma Exponential(1 / s).
``wide``
    the same with 10 s in the place of s.
``tutorial``
    Normal(0, 1) on everything, the intercept at zero predictors, sigma Exponential(1), all in the
    data's own units whatever they are.

A user's own prior is on the coefficient as written in the formula, in the data's own units: an
override of ``intercept`` is on the value at zero predictors, so it sets every centre to zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from causal.errors import DataError, ModelError, did_you_mean, shown
from causal.models.regression import Categorical, Family, Numeric, Regression, Term

if TYPE_CHECKING:
    from causal.data.table import Column, Table

__all__ = [
    "PRESETS",
    "RESERVED",
    "Distribution",
    "GaussianForm",
    "Preset",
    "PriorChoice",
    "Priors",
    "describe",
    "gaussian_form",
    "parse_prior",
    "resolve",
]

Preset = Literal["default", "wide", "tutorial"]
PRESETS: tuple[Preset, ...] = ("default", "wide", "tutorial")

RESERVED = ("intercept", "slope", "level", "sigma")
"""The parts of a model that a prior can be given to, beside the variables themselves."""

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
        Exponential, HalfNormal, HalfCauchy, HalfStudentT, InverseGamma, HalfFlat; LogNormal and
        Uniform (above 0) too.
    parameters
        Normal(mu, sigma), StudentT(nu, mu, sigma), Cauchy(alpha, beta), LogNormal(mu, sigma),
        Uniform(lower, upper), Exponential(lam), HalfNormal(sigma), HalfCauchy(beta),
        HalfStudentT(nu, sigma), InverseGamma(alpha, beta), Flat(), HalfFlat().

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
    def support(self) -> tuple[float, float]:
        """The open interval outside which the density is zero."""
        if self.name == "Uniform":
            return self.parameters[0], self.parameters[1]
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
    """The prior of every coefficient of one regression, in the data's own units.

    Attributes
    ----------
    intercept
        ``None``: the model has no intercept.
    centre
        Per `Numeric` term, in order: the intercept's prior is on the value of the linear predictor
        where each numeric predictor equals its centre (all 0.0: the intercept of the formula).
    slopes
        Per `Numeric` term, in order.
    levels
        Per `Categorical` term, in order: of each of its levels, as deviation from the intercept.
    sigma
        ``None`` for families without one.
    """

    intercept: Distribution | None
    centre: tuple[float, ...]
    slopes: tuple[Distribution, ...]
    levels: tuple[Distribution, ...]
    sigma: Distribution | None


@dataclass(frozen=True, slots=True)
class PriorChoice:
    """What the user chose: a preset, and a distribution by name for what it is to be instead.

    Attributes
    ----------
    overrides
        By ``intercept``, ``slope`` (all slopes), ``level`` (all category levels), ``sigma``, or a
        variable's own name, which wins over ``slope`` and ``level``. A variable that itself bears
        one of those four names is written in back-quotes; without them `resolve` refuses, because
        nobody could tell which is meant.
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

    def of(self, variable: str) -> Distribution | None:
        """The override on a variable's own coefficient, if there is one."""
        quoted = self.overrides.get(f"`{variable}`")
        if quoted is not None or variable in RESERVED:
            return quoted
        return self.overrides.get(variable)

    def covers(self, regression: Regression) -> bool:
        """Whether every prior of the regression is the user's own, none taken from the data.

        Only then may a regression have as many coefficients as rows. The ``tutorial`` preset is a
        choice of fixed priors, so it counts.
        """
        if self.preset == "tutorial":
            return True
        needed = [self.overrides.get("intercept")]
        if regression.family == "gaussian":
            needed.append(self.overrides.get("sigma"))
        for term in regression.terms:
            part = "slope" if isinstance(term, Numeric) else "level"
            needed.append(self.of(term.variable) or self.overrides.get(part))
        return None not in needed


def _check_use(name: str, distribution: Distribution) -> None:
    """Refuse a scale's distribution for a coefficient and the other way round."""
    if name == "sigma":
        if not distribution.of_scales:
            listed = ", ".join(n for n, kind in _KINDS.items() if kind.scale)
            raise ModelError(
                f"sigma is a standard deviation and cannot have the prior {distribution}, which "
                f"reaches below 0. Take one of {listed} (Uniform from 0 upwards)."
            )
    elif not distribution.of_coefficients:
        listed = ", ".join(n for n, kind in _KINDS.items() if kind.coefficient)
        raise ModelError(
            f"{shown(name)} is a coefficient and cannot have the prior {distribution}, which is "
            f"one for standard deviations. Take one of {listed}."
        )


def resolve(
    choice: PriorChoice, terms: Sequence[Term], outcome: str, family: Family, table: Table
) -> Priors:
    """The priors of one regression, in the units of the rows it is fitted on.

    Parameters
    ----------
    terms
        The predictors.
    table
        The rows used: complete in the outcome and in every predictor.

    Raises
    ------
    ModelError
        For an override that could mean two things, or one of sigma where there is none.
    DataError
        For a column with one value: the presets ``default`` and ``wide`` divide by its sd.
    """
    _refuse_ambiguity(choice, terms)
    if family != "gaussian" and "sigma" in choice.overrides:
        raise ModelError(
            f"The prior of sigma has no place here: a {family} model has no sigma. Leave it out, "
            "or choose --family gaussian."
        )
    numeric = [term.variable for term in terms if isinstance(term, Numeric)]
    if choice.preset == "tutorial":
        unit = Distribution("Normal", (0.0, 1.0))
        base = Priors(
            unit,
            (0.0,) * len(numeric),
            (unit,) * len(numeric),
            (unit,) * (len(terms) - len(numeric)),
            Distribution("Exponential", (1.0,)),
        )
    else:
        columns = [table[name] for name in numeric]
        width = 10.0 if choice.preset == "wide" else 1.0
        base = _scaled(columns, len(terms) - len(numeric), table[outcome], family, width)
    priors = _overridden(base, choice, terms)
    return priors if family == "gaussian" else replace(priors, sigma=None)


def _refuse_ambiguity(choice: PriorChoice, terms: Sequence[Term]) -> None:
    for term in terms:
        name = term.variable
        if name in RESERVED and name in choice.overrides:
            raise ModelError(
                f"A prior of {shown(name)} could mean the variable of that name or the model's own "
                f"{name}: write `{name}` in back-quotes for the variable, or rename the column."
            )


def _scaled(
    numeric: Sequence[Column], categories: int, outcome: Column, family: Family, width: float
) -> Priors:
    """The default preset, `width` times as wide."""
    level, scale = _outcome_scale(outcome, family)
    spread = width * scale
    return Priors(
        intercept=Distribution("Normal", (level, spread)),
        centre=tuple(_mean_sd(column)[0] for column in numeric),
        slopes=tuple(Distribution("Normal", (0.0, spread / _mean_sd(c)[1])) for c in numeric),
        levels=(Distribution("Normal", (0.0, spread)),) * categories,
        sigma=Distribution("Exponential", (1.0 / spread,)),
    )


def _outcome_scale(outcome: Column, family: Family) -> tuple[float, float]:
    """link(mean y) and the scale of y on the scale of the linear predictor."""
    mean, sd = _mean_sd(outcome)
    if family == "gaussian":
        return mean, sd
    # Any two values: the larger one counts as 1.
    share = float(np.mean(outcome.values == outcome.values.max()))
    return math.log(share) - math.log1p(-share), 1.0


def _mean_sd(column: Column) -> tuple[float, float]:
    """Mean and sd (divisor n), safe for very large, very small and far-off values."""
    values = column.values
    if values.size == 0:
        raise DataError(f"{shown(column.name)} has no rows, so there is nothing to fit.")
    if np.ptp(values) == 0.0:
        raise DataError(
            f"{shown(column.name)} has the same value in every row used, so it has no scale and "
            "no effect can be told. Leave it out."
        )
    first = float(values[0])
    away = values - first
    unit = float(np.max(np.abs(away)))
    away = away / unit
    return first + unit * float(np.mean(away)), unit * float(np.std(away))


def _overridden(base: Priors, choice: PriorChoice, terms: Sequence[Term]) -> Priors:
    given = choice.overrides
    slopes, levels = iter(base.slopes), iter(base.levels)
    kept_slopes = []
    kept_levels = []
    for term in terms:
        if isinstance(term, Numeric):
            preset = next(slopes)
            kept_slopes.append(choice.of(term.variable) or given.get("slope") or preset)
        else:
            preset = next(levels)
            kept_levels.append(choice.of(term.variable) or given.get("level") or preset)
    return Priors(
        intercept=given.get("intercept", base.intercept),
        # A prior the user gave is on the value at zero predictors, where the formula has it.
        centre=(0.0,) * len(base.centre) if "intercept" in given else base.centre,
        slopes=tuple(kept_slopes),
        levels=tuple(kept_levels),
        sigma=given.get("sigma", base.sigma),
    )


def describe(priors: Priors, terms: Sequence[Term]) -> tuple[str, ...]:
    """One line for each prior, as printed before the fit.

    Names are returned as they are: show them with `causal.errors.shown` or escape them.
    """
    centred = any(value != 0.0 for value in priors.centre)
    lines = []
    if priors.intercept is not None:
        where = " (at the predictors' means)" if centred else ""
        lines.append(f"intercept ~ {_rounded(priors.intercept)}{where}")
    slopes, levels = iter(priors.slopes), iter(priors.levels)
    for term in terms:
        if isinstance(term, Numeric):
            lines.append(f"{term.variable} ~ {_rounded(next(slopes))}")
        else:
            lines.append(f"{term.variable}[each level] ~ {_rounded(next(levels))}")
    if priors.sigma is not None:
        lines.append(f"sigma ~ {_rounded(priors.sigma)}")
    return tuple(lines)


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


@dataclass(frozen=True, slots=True, eq=False)
class GaussianForm:
    """The joint prior of all coefficients as a Gaussian, flat in some of them.

    It is written for the *centred* coefficients theta: the intercept at `centre`, the slopes, the
    levels, in the order of `Regression.coefficient_names`. There they are independent, and a flat
    prior is always a plain coordinate: were the printed intercept used, a flat slope beside a
    proper intercept at a centre other than zero would be flat along a slanted line.

    Attributes
    ----------
    mean, sd : (k,)
        Of theta; 0 and 1 where flat.
    flat : (k,) of bool
    centre : (k,)
        What is subtracted from each column of the design before theta multiplies it; 0 for the
        ones and for levels.
    to_printed : (k, k)
        ``printed = to_printed @ theta``.
    """

    mean: Array
    sd: Array
    flat: NDArray[np.bool_]
    centre: Array
    to_printed: Array


def gaussian_form(priors: Priors, terms: Sequence[Term]) -> GaussianForm | None:
    """The priors of the coefficients as one Gaussian; ``None`` if one is not Normal or Flat."""
    chosen: list[Distribution] = []
    centre: list[float] = []
    if priors.intercept is not None:
        chosen.append(priors.intercept)
        centre.append(0.0)
    slopes = iter(zip(priors.slopes, priors.centre, strict=True))
    levels = iter(priors.levels)
    for term in terms:
        if isinstance(term, Categorical):
            chosen += [next(levels)] * len(term.levels)
            centre += [0.0] * len(term.levels)
        else:
            slope, middle = next(slopes)
            chosen.append(slope)
            centre.append(middle if priors.intercept is not None else 0.0)
    if any(d.name not in ("Normal", "Flat") for d in chosen):
        return None
    flat = np.array([d.name == "Flat" for d in chosen], dtype=np.bool_)
    moments = [(0.0, 1.0) if d.name == "Flat" else d.parameters for d in chosen]
    mean = np.array([moment[0] for moment in moments], dtype=np.float64)
    sd = np.array([moment[1] for moment in moments], dtype=np.float64)
    to_printed = np.eye(len(chosen))
    if priors.intercept is not None:
        to_printed[0, 1:] = -np.array(centre[1:])
    return GaussianForm(mean, sd, flat, np.array(centre), to_printed)


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

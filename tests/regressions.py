"""One small regression of every kind the core can describe, and its density from the definitions.

Nothing here is shared with the code that is tested but the values that describe a regression: the
columns, the priors, the order of the coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from causal.data.table import Table, read_table
from causal.models.assembly import offsets_on, terms_on
from causal.models.formula import parse
from causal.models.outcomes import grades_of
from causal.models.priors import Distribution, Preset, PriorChoice, resolve
from causal.models.regression import Family, Regression
from causal.models.terms import Atom, Level, Log, Power, Varying, columns

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    formula: str
    family: Family = "gaussian"
    trials: str | None = None


KINDS: Mapping[str, Kind] = {
    "plain": Kind("y ~ x + z"),
    "intercept alone": Kind("y ~ 1"),
    "categories": Kind("y ~ x + g"),
    "number by number": Kind("y ~ x * z"),
    "number by category": Kind("y ~ x * g"),
    "category by category": Kind("y ~ g + h + g:h"),
    "polynomial": Kind("y ~ poly(x, 2) + z"),
    "polynomial by category": Kind("y ~ poly(x, 2) * h"),
    "log": Kind("y ~ log(w) + x"),
    "without intercept": Kind("y ~ 0 + g + x"),
    "offset": Kind("y ~ z + offset(x)"),
    "student": Kind("y ~ x + z", "student"),
    "bernoulli": Kind("b ~ x + g", "bernoulli"),
    "cells": Kind("b ~ g:h", "cells"),
    "binomial": Kind("s ~ x", "binomial", "n"),
    "poisson": Kind("c ~ z + offset(log(w))", "poisson"),
    "negbinomial": Kind("c ~ x + h", "negbinomial"),
    "ordered": Kind("o ~ x", "ordered"),
    "ordered by category": Kind("o ~ x * h", "ordered"),
    "pooled levels": Kind("y ~ x + (1 | k)"),
    "varying slopes": Kind("y ~ x + (x | k)"),
    "varying slopes alone": Kind("y ~ x + (0 + x | k)"),
    "varying levels": Kind("y ~ h + (h | k)"),
    "three vary": Kind("b ~ x + z + (x + z | k)", "bernoulli"),
}


def frame(seed: int = 0, rows: int = 60) -> pd.DataFrame:
    """A column for each use: x, z numbers; w above 0; g, h, k groups; y, b, c, s of n, o."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(5, 2, rows), rng.normal(size=rows)
    g = np.array(["a", "a", "b", "c"])[np.arange(rows) % 4]
    h = np.array(["no", "yes"])[rng.integers(0, 2, rows)]
    k = np.array(list("pqrstu"))[rng.integers(0, 6, rows)]
    w = np.exp(rng.normal(1, 0.5, rows))
    at = 0.4 * (x - 5) - 0.5 * z + 0.8 * (g == "b") - 0.4 * (h == "yes")
    at = at + 0.6 * (np.array([ord(one) for one in k]) % 3 - 1)
    n = rng.integers(3, 12, rows)
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "w": w,
            "g": g,
            "h": h,
            "k": k,
            "n": n,
            "y": 2 + at + rng.normal(size=rows),
            "b": (rng.random(rows) < special.expit(at)).astype(int),
            "c": rng.poisson(w * np.exp(0.4 * at - 0.5)),
            "s": rng.binomial(n, special.expit(0.7 * at)),
            "o": np.searchsorted([-1.0, 0.2, 1.0], at + rng.logistic(size=rows)) + 1,
        }
    )


def make(
    kind: Kind,
    data: pd.DataFrame,
    preset: Preset = "default",
    overrides: Mapping[str, Distribution] | None = None,
) -> tuple[Regression, Table]:
    """The regression of a formula on a table; there is no question and no DAG."""
    right = parse(kind.formula)
    more = [kind.trials] if kind.trials else []
    table = read_table(data, list(dict.fromkeys([right.outcome, *right.predictors, *more])))
    terms = terms_on(right, "", table)
    outcome = table[right.outcome]
    grades = grades_of(outcome) if kind.family == "ordered" else ()
    offsets = offsets_on(right, table)
    priors = resolve(
        PriorChoice(preset, overrides or {}),
        terms,
        right.outcome,
        kind.family,
        table,
        intercept=right.intercept,
        offsets=offsets,
        trials=kind.trials,
        grades=grades,
    )
    regression = Regression(
        "correct",
        right.outcome,
        None,
        terms,
        kind.family,
        priors,
        offsets=offsets,
        trials=kind.trials,
        grades=grades,
    )
    return regression, table


def centred_design(regression: Regression, data: pd.DataFrame) -> Floats:
    """The columns that multiply theta: products of atoms less their centres, from the frame."""
    return _design(regression, data, dict(regression.priors.centre))


def raw_design(regression: Regression, data: pd.DataFrame) -> Floats:
    """The columns that multiply what is printed: without centres."""
    return _design(regression, data, {})


def _design(regression: Regression, data: pd.DataFrame, centres: Mapping[Atom, float]) -> Floats:
    found = []
    for column in regression.columns:
        values = np.ones(len(data))
        for atom in column:
            own = data[atom.variable].to_numpy()
            match atom:
                case Level():
                    own = (own == atom.label).astype(float)
                case Log():
                    own = np.log(own)
                case Power():
                    own = (own - atom.centre) ** atom.exponent
            values = values * (own - centres.get(atom, 0.0))
        found.append(values)
    return np.stack(found, axis=1) if found else np.empty((len(data), 0))


def offsets(regression: Regression, data: pd.DataFrame) -> Floats:
    total = np.zeros(len(data))
    for one in regression.offsets:
        own = data[one.variable].to_numpy()
        total = total + (np.log(own) if isinstance(one, Log) else own)
    return total


def log_likelihood(
    regression: Regression,
    data: pd.DataFrame,
    eta: Floats,
    auxiliary: Mapping[str, Floats],
    cuts: Floats,
) -> Floats:
    """Of all rows together; eta is (..., rows), auxiliary (...), cuts (..., cutpoints)."""
    y = data[regression.outcome].to_numpy()
    given = {name: np.asarray(value)[..., None] for name, value in auxiliary.items()}
    match regression.family:
        case "gaussian":
            rows = stats.norm.logpdf(y, eta, given["sigma"])
        case "student":
            rows = stats.t.logpdf(y, given["nu"], eta, given["sigma"])
        case "bernoulli":
            rows = np.where(y == y.max(), -np.logaddexp(0, -eta), -np.logaddexp(0, eta))
        case "cells":
            rows = np.where(y == y.max(), np.log(eta), np.log1p(-eta))
        case "binomial":
            rows = stats.binom.logpmf(y, data[regression.trials].to_numpy(), special.expit(eta))
        case "poisson":
            rows = stats.poisson.logpmf(y, np.exp(eta))
        case "negbinomial":
            a = given["alpha"]
            rows = stats.nbinom.logpmf(y, a, a / (a + np.exp(eta)))
        case "ordered":
            grade = np.searchsorted(regression.grades, y)
            below = special.expit(cuts[..., None, :] - eta[..., None])
            edges = np.concatenate(
                [np.zeros_like(below[..., :1]), below, np.ones_like(below[..., :1])], axis=-1
            )
            high = np.take_along_axis(edges, np.broadcast_to(grade + 1, eta.shape)[..., None], -1)
            low = np.take_along_axis(edges, np.broadcast_to(grade, eta.shape)[..., None], -1)
            rows = np.log(high - low)[..., 0]
    return rows.sum(axis=-1)


def log_prior(
    regression: Regression, theta: Floats, auxiliary: Mapping[str, Floats], cuts: Floats
) -> Floats:
    """Of theta (..., k) but for what varies, of the auxiliary parameters and the cutpoints."""
    priors = regression.priors
    chosen: list[Distribution | None] = []
    if priors.intercept is not None:
        chosen.append(priors.intercept)
    for term, group in zip(regression.terms, priors.terms, strict=True):
        chosen += [None] * len(columns(term)) if isinstance(term, Varying) else group
    total = np.zeros(theta.shape[:-1])
    for place, prior in enumerate(chosen):
        if prior is not None:
            total = total + prior.log_density(theta[..., place])
    for name, prior in priors.auxiliary:
        total = total + prior.log_density(auxiliary[name])
    for place, prior in enumerate(priors.cutpoints):
        total = total + prior.log_density(cuts[..., place])
    return total


def correlation_matrix(values: Floats, count: int) -> Floats:
    """From the correlations in the order of ``regression.other_names``."""
    matrix = np.eye(count)
    pairs = [(one, other) for other in range(count) for one in range(other)]
    for (one, other), value in zip(pairs, values, strict=True):
        matrix[one, other] = matrix[other, one] = value
    return matrix


def log_lkj(matrix: Floats, eta: float) -> float:
    """Density of a correlation matrix (Lewandowski, Kurowicka & Joe 2009, section 3)."""
    count = len(matrix)
    log_constant = 0.0
    for k in range(1, count):
        b = eta + (count - 1 - k) / 2
        log_constant += (2 * eta - 2 + count - k) * (count - k) * math.log(2)
        log_constant += (count - k) * special.betaln(b, b)
    return float((eta - 1) * np.linalg.slogdet(matrix)[1] - log_constant)

"""One small regression of every kind, with data: what samplers and programs must agree on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from causal.data.table import Table, read_table
from causal.models.assembly import offsets_on, terms_on
from causal.models.families import Family
from causal.models.formula import parse
from causal.models.outcomes import grades_of
from causal.models.priors import Distribution, PriorChoice, resolve
from causal.models.regression import Regression


def data(rows: int = 60) -> pd.DataFrame:
    """Numbers on scales of their own, categories whose labels look like numbers, every outcome."""
    rng = np.random.default_rng(7)
    z = rng.normal(10.0, 3.0, rows)
    x = 2.0 + 0.2 * z + rng.normal(size=rows)
    w = np.exp(rng.normal(1.0, 0.5, rows))
    t = np.tile([0, 0, 1], rows)[:rows]
    g = np.array(["1", "2", "10"])[rng.integers(0, 3, rows)]
    h = np.array(["no", "yes"])[rng.integers(0, 2, rows)]
    s = np.array(["north", "east", "south", "west", "off"])[np.arange(rows) % 5]
    lift = np.array([0.8, -0.5, 0.3, 0.0, -0.9])[np.arange(rows) % 5]
    eta = 0.7 * (x - 4.0) + 0.1 * (z - 10.0) + 0.6 * (g == "2") + lift + 0.5 * t
    n = rng.integers(3, 12, rows)
    latent = eta + rng.logistic(size=rows)
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "w": w,
            "m": x - 9.0,
            "t": t,
            "g": g,
            "h": h,
            "s": s,
            "n": n,
            "y": 3.0 + 2.0 * eta + rng.normal(size=rows),
            "b": (latent > 0).astype(int) * 3 + 1,
            "k": rng.binomial(n, 1.0 / (1.0 + np.exp(-eta))),
            "c": rng.poisson(w * np.exp(0.4 * eta)),
            "o": np.array([1.0, 2.5, 4.0, 7.0])[np.digitize(latent, [-1.0, 0.5, 1.5])],
        }
    )


@dataclass(frozen=True)
class Kind:
    """A regression to be made from a formula."""

    formula: str
    exposure: str = "x"
    family: Family = "gaussian"
    trials: str | None = None
    choice: PriorChoice = field(default_factory=PriorChoice)

    def regression(self, table: Table, name: str = "correct") -> Regression:
        right = parse(self.formula)
        outcome = right.outcome
        terms = terms_on(right, self.exposure, table)
        offsets = offsets_on(right, table)
        grades = grades_of(table[outcome]) if self.family == "ordered" else ()
        priors = resolve(
            self.choice,
            terms,
            outcome,
            self.family,
            table,
            intercept=right.intercept,
            offsets=offsets,
            trials=self.trials,
            grades=grades,
        )
        return Regression(
            name,
            outcome,
            self.exposure,
            terms,
            self.family,
            priors,
            offsets=offsets,
            trials=self.trials,
            grades=grades,
        )


def table(frame: pd.DataFrame | None = None) -> Table:
    """The data as they are read here."""
    frame = data() if frame is None else frame
    return read_table(frame, list(frame.columns), categorical=["g"])


KINDS = {
    "plain": Kind("y ~ x + z"),
    "two values": Kind("y ~ t + z", "t"),
    "below zero": Kind("y ~ m + z", "m"),
    "categories": Kind("y ~ x + g"),
    "category exposed": Kind("y ~ g + z", "g"),
    "interaction": Kind("y ~ x * z"),
    "slopes by category": Kind("y ~ x * g"),
    "levels by category": Kind("y ~ g * h", "g"),
    "polynomial": Kind("y ~ poly(x, 2) + log(w)"),
    "polynomial by category": Kind("y ~ h + poly(x, 2) + poly(x, 2):h"),
    "student": Kind("y ~ x + z", family="student"),
    "bernoulli": Kind("b ~ x + g", family="bernoulli"),
    "bernoulli, category exposed": Kind("b ~ g + x", "g", family="bernoulli"),
    "cells": Kind("b ~ 0 + g:h", "g", family="cells"),
    "binomial": Kind("k ~ t + z", "t", family="binomial", trials="n"),
    "poisson with offset": Kind("c ~ x + g + offset(log(w))", family="poisson"),
    "negbinomial": Kind("c ~ log(w) + x * t", "t", family="negbinomial"),
    "ordered": Kind("o ~ x + g", family="ordered"),
    "pooled levels": Kind("y ~ x + (1 | s)"),
    "pooled slopes": Kind("y ~ x + (0 + x | s)"),
    "varying slopes": Kind("y ~ x + (x | s)"),
    "varying levels": Kind("b ~ x + (0 + h | s)", family="bernoulli"),
    "priors of the user's": Kind(
        "o ~ 0 + x + g",
        family="ordered",
        choice=PriorChoice(
            "tutorial",
            {
                "cutpoint": Distribution("LogNormal", (0.0, 1.0)),
                "slope": Distribution("StudentT", (4.0, 0.0, 1.0)),
            },
        ),
    ),
    "priors of every coefficient": Kind(
        "y ~ x + z + w + t",
        choice=PriorChoice(
            overrides={
                "x": Distribution("Cauchy", (0.0, 2.0)),
                "z": Distribution("LogNormal", (-1.0, 1.0)),
                "w": Distribution("Uniform", (-5.0, 5.0)),
                "t": Distribution("Flat"),
                "sigma": Distribution("HalfCauchy", (2.0,)),
            }
        ),
    ),
    "priors of every scale": Kind(
        "y ~ x + (1 | s)",
        family="student",
        choice=PriorChoice(
            overrides={
                "sd": Distribution("HalfStudentT", (3.0, 1.0)),
                "sigma": Distribution("InverseGamma", (2.0, 1.0)),
                "nu": Distribution("Uniform", (1.0, 50.0)),
            }
        ),
    ),
    "tutorial": Kind("y ~ 0 + x + g", choice=PriorChoice("tutorial")),
    "no predictor": Kind("y ~ 1"),
}

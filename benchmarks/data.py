"""The data of the benchmarks of posteriors, each made from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.catalog import experiments
from causal.study.experiment import Lesson, load

__all__ = ["FORK", "LOGISTIC", "TWICE_THREE", "lesson", "logistic", "sets"]

Columns = dict[str, NDArray[Any]]

FORK = "x <- z -> y"
LOGISTIC = "x -> y; " + "; ".join(f"x <- z{i} -> y" for i in range(1, 10))
TWICE_THREE = "x -> y; " + "; ".join(f"x <- a{i} -> b{i} -> y" for i in range(1, 4))
"""Three back-door paths, each closed by either of two variables: eight minimal sets."""


def lesson(name: str) -> Columns:
    """The data of a lesson of the tutorial, number by number."""
    told = load(experiments()[name])
    assert isinstance(told, Lesson)
    made = told.simulate()
    assert not isinstance(made, str)
    return dict(made)


def logistic(rows: int = 10_000) -> Columns:
    """A binary outcome, an exposure and nine common causes: ten predictors."""
    random = np.random.default_rng(5)
    z = random.normal(size=(9, rows))
    x = 0.3 * z.sum(axis=0) + random.normal(size=rows)
    eta = 0.5 * x + np.linspace(-0.6, 0.6, 9) @ z - 0.5
    y = (random.random(rows) < 1 / (1 + np.exp(-eta))).astype(np.int64)
    return {"x": x, **{f"z{i}": column for i, column in enumerate(z, 1)}, "y": y}


def sets(rows: int = 2_000) -> Columns:
    """Data of `TWICE_THREE`, with a binary outcome."""
    random = np.random.default_rng(6)
    a = random.normal(size=(3, rows))
    b = 0.8 * a + 0.6 * random.normal(size=(3, rows))
    x = 0.4 * a.sum(axis=0) + random.normal(size=rows)
    eta = 0.5 * x + 0.4 * b.sum(axis=0)
    y = (random.random(rows) < 1 / (1 + np.exp(-eta))).astype(np.int64)
    named = {f"{letter}{i}": v[i - 1] for letter, v in (("a", a), ("b", b)) for i in (1, 2, 3)}
    return {"x": x, **named, "y": y}

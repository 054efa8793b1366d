"""Bambi, by a formula; priors as the others have them, the intercept and the sampler its own.

Bambi centres the predictors. With as many rows as here, the prior of an intercept at their means
instead of at zero is not to be seen in the slopes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import bambi
import pandas as pd

__all__ = ["fork", "logistic", "versions"]

Call = Callable[[], dict[str, Any]]


def versions() -> dict[str, str]:
    """What the results name."""
    return {"bambi": version("bambi"), "pymc (of Bambi)": version("pymc")}


def _slopes(names: list[str]) -> dict[str, Any]:
    return {name: bambi.Prior("Normal", mu=0, sigma=1) for name in names}


def _found(trace: Any, names: list[str]) -> dict[str, Any]:
    return {
        "sampling": float(trace.posterior.attrs["sampling_time"]),
        "draws": {name: trace.posterior[name].to_numpy() for name in names},
    }


def fork(data: Mapping[str, Any], *, draws: int = 1_000, tune: int = 1_000) -> Call:
    """The common cause, controlled for; two chains of 1,000."""
    frame = pd.DataFrame(dict(data))

    def call() -> dict[str, Any]:
        priors = {**_slopes(["x", "z"]), "sigma": bambi.Prior("Exponential", lam=1)}
        model = bambi.Model("y ~ x + z", frame, priors=priors)
        trace = model.fit(
            draws=draws, tune=tune, chains=2, cores=2, random_seed=1, progressbar=False
        )
        return _found(trace, ["x"])

    return call


def logistic(data: Mapping[str, Any], *, draws: int, tune: int = 1_000) -> Call:
    """A binary outcome and all else in the data as predictors; two chains."""
    frame = pd.DataFrame(dict(data))
    names = [name for name in data if name != "y"]

    def call() -> dict[str, Any]:
        model = bambi.Model(
            "y ~ " + " + ".join(names), frame, family="bernoulli", priors=_slopes(names)
        )
        trace = model.fit(
            draws=draws, tune=tune, chains=2, cores=2, random_seed=1, progressbar=False
        )
        return _found(trace, names)

    return call

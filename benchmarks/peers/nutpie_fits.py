"""PyMC 6 with nutpie at its best: centred columns, low-rank adaptation of the mass matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from importlib.metadata import version
from operator import add
from time import perf_counter
from typing import Any

import nutpie
import pymc as pm

__all__ = ["fork", "logistic", "sets", "versions"]

Call = Callable[[], dict[str, Any]]


def versions() -> dict[str, str]:
    """What the results name."""
    return {name: version(name) for name in ("pymc", "nutpie", "numba")}


def _sampled(model: pm.Model, names: list[str], draws: int, chains: int = 4) -> dict[str, Any]:
    """Compile and sample; the time of the sampling."""
    compiled = nutpie.compile_pymc_model(model)
    began = perf_counter()
    trace = nutpie.sample(
        compiled,
        draws=draws,
        chains=chains,
        adaptation="low_rank",
        seed=1,
        progress_bar=False,
    )
    return {
        "sampling": perf_counter() - began,
        "draws": {name: trace.posterior[name].values for name in names},
    }


def _predicted(data: Mapping[str, Any], names: list[str]) -> Any:
    """An intercept at the means and a slope a column, each a vector of its own.

    So they compile faster than as a matrix.
    """
    intercept = pm.Normal("intercept", 0, 10)
    slopes = [pm.Normal(name, 0, 1) * (data[name] - data[name].mean()) for name in names]
    return reduce(add, slopes, intercept)


def fork(data: Mapping[str, Any], *, draws: int) -> Call:
    """The common cause, controlled for; four chains."""

    def call() -> dict[str, Any]:
        with pm.Model() as model:
            mu = _predicted(data, ["x", "z"]) + data["y"].mean()
            pm.Normal("y", mu, pm.Exponential("sigma", 1), observed=data["y"])
        return _sampled(model, ["x"], draws)

    return call


def logistic(data: Mapping[str, Any], *, draws: int) -> Call:
    """A binary outcome and all else in the data as predictors; four chains."""
    names = [name for name in data if name != "y"]

    def call() -> dict[str, Any]:
        with pm.Model() as model:
            pm.Bernoulli("y", logit_p=_predicted(data, names), observed=data["y"])
        return _sampled(model, names, draws)

    return call


def sets(data: Mapping[str, Any], *, draws: int, adjust: list[list[str]]) -> Call:
    """A model for each set of *adjust*, one after the other."""

    def call() -> dict[str, Any]:
        found: dict[str, Any] = {}
        sampling = 0.0
        for names in adjust:
            with pm.Model() as model:
                mu = _predicted(data, ["x", *names])
                pm.Bernoulli("y", logit_p=mu, observed=data["y"])
            one = _sampled(model, ["x"], draws)
            sampling += one["sampling"]
            found["x given " + ", ".join(names)] = one["draws"]["x"]
        return {"sampling": sampling, "draws": found, "compiled": len(adjust)}

    return call

"""PyMC 6, the models written as the tutorial writes them, with its settings of the sampler.

Where nutpie is installed, `pm.sample` takes it; *sampler* says which of the two is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import pymc as pm

__all__ = ["fork", "heterogeneity", "pooled_categories", "versions"]

Call = Callable[[], dict[str, Any]]


def versions() -> dict[str, str]:
    """What the results name."""
    return {name: version(name) for name in ("pymc", "pytensor", "nutpie")}


def _sampled(sampler: str, draws: int, tune: int) -> Any:
    """With the tutorial's settings, but for fewer draws where the time is short."""
    return pm.sample(
        draws,
        tune=tune,
        chains=2,
        cores=2,
        target_accept=0.95,
        nuts_sampler=sampler,
        random_seed=1,
        progressbar=False,
    )


def _found(trace: Any, draws: Mapping[str, Any]) -> dict[str, Any]:
    return {"sampling": float(trace.posterior.attrs["sampling_time"]), "draws": draws}


def fork(data: Mapping[str, Any], *, sampler: str, draws: int = 500, tune: int = 1_500) -> Call:
    """The common cause, controlled for."""

    def call() -> dict[str, Any]:
        with pm.Model():
            x, z, y = (pm.Data(name, data[name]) for name in ("x", "z", "y"))
            alpha = pm.Normal("intercept", 0, 1)
            beta_x = pm.Normal("slope_x", 0, 1)
            beta_z = pm.Normal("slope_z", 0, 1)
            sigma = pm.Exponential("error", lam=1)
            pm.Normal("y_hat", alpha + beta_x * x + beta_z * z, sigma, observed=y)
            trace = _sampled(sampler, draws, tune)
        return _found(trace, {"x": trace.posterior["slope_x"].values})

    return call


def pooled_categories(
    data: Mapping[str, Any], *, sampler: str, draws: int = 500, tune: int = 1_500
) -> Call:
    """Levels of x2 that share a distribution."""

    def call() -> dict[str, Any]:
        with pm.Model():
            x1, x2 = data["x1"], data["x2"]
            y = pm.Data("y1", data["y1"])
            mean = pm.Normal("pooled_x2_mu", 0, 1)
            sd = pm.Exponential("pooled_x2_sigma", lam=1)
            cat_x1 = pm.Normal("cat_x1", 0, 1, shape=len(np.unique(x1)))
            cat_x2 = pm.Normal("cat_x2", mean, sd, shape=len(np.unique(x2)))
            sigma = pm.Exponential("error", lam=1)
            pm.Normal("y_hat", cat_x1[x1] + cat_x2[x2], sigma, observed=y)
            trace = _sampled(sampler, draws, tune)
        levels = trace.posterior["cat_x1"].values
        contrasts = {f"x1 {k} - 0": levels[..., k] - levels[..., 0] for k in range(1, 5)}
        return _found(trace, {**contrasts, "sd of x2": trace.posterior["pooled_x2_sigma"].values})

    return call


def heterogeneity(
    data: Mapping[str, Any], *, sampler: str, draws: int = 500, tune: int = 1_500
) -> Call:
    """An effect of x2 for each group of x1, their correlation with an LKJ prior."""

    def call() -> dict[str, Any]:
        with pm.Model():
            x1, x2 = data["x1"], data["x2"]
            y = pm.Data("y1", data["y1"])
            error = pm.Exponential("error", lam=1)
            a_bar = pm.Normal("a_bar", mu=0, sigma=2)
            b_bar = pm.Normal("b_bar", mu=0, sigma=2)
            chol, rho, sds = pm.LKJCholeskyCov(
                "chol_cov", eta=2, n=2, sd_dist=pm.Exponential.dist(lam=1, shape=2)
            )
            pm.Deterministic("sigma_ab", sds)
            pm.Deterministic("Rho", rho[0, 1])
            ab = pm.MvNormal("ab_did", mu=pm.math.stack([a_bar, b_bar]), chol=chol, shape=(3, 2))
            pm.Normal("y_hat", ab[x1, x2], error, observed=y)
            trace = _sampled(sampler, draws, tune)
        means = trace.posterior["ab_did"].values
        effects = {f"x2 where x1 = {k}": means[..., k, 1] - means[..., k, 0] for k in range(3)}
        sds = trace.posterior["sigma_ab"].values
        spread = {f"sd of group means, x2 = {k}": sds[..., k] for k in range(2)}
        return _found(trace, {**effects, **spread, "correlation": trace.posterior["Rho"].values})

    return call

"""PyMC3 3.11.6, as the tutorial writes it. For the interpreter that `CAUSAL_PYMC3_PYTHON` names."""

from __future__ import annotations

from typing import Any

import pymc3 as pm

__all__ = ["fork", "versions"]


def versions() -> dict[str, str]:
    """What the results name."""
    return {"pymc3": str(pm.__version__)}


def fork(data: dict[str, Any], draws: int = 500, tune: int = 1500) -> Any:
    """The common cause, controlled for."""

    def call() -> dict[str, Any]:
        with pm.Model():
            x, z, y = (pm.Data(name, data[name]) for name in ("x", "z", "y"))
            alpha = pm.Normal("intercept", 0, 1)
            beta_x = pm.Normal("slope_x", 0, 1)
            beta_z = pm.Normal("slope_z", 0, 1)
            sigma = pm.Exponential("error", lam=1)
            pm.Normal("y_hat", alpha + beta_x * x + beta_z * z, sigma, observed=y)
            trace = pm.sample(
                draws,
                tune=tune,
                chains=2,
                cores=2,
                target_accept=0.95,
                random_seed=1,
                progressbar=False,
                return_inferencedata=True,
            )
        return {
            "sampling": float(trace.posterior.attrs["sampling_time"]),
            "draws": {"x": trace.posterior["slope_x"].values},
        }

    return call

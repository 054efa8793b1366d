"""Which sampler a model gets: the first that is valid, and its name in every output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from causal.data.moments import Moments
from causal.data.table import Table
from causal.errors import InferenceError, shown
from causal.inference import conjugate, exact
from causal.inference.posterior import Posterior
from causal.models.regression import Regression

__all__ = ["ASKED", "Asked", "choose", "sample"]

Asked = Literal["auto", "exact", "nuts", "pymc3"]
ASKED: tuple[Asked, ...] = ("auto", "exact", "nuts", "pymc3")
PLANNED = ("importance",)

Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is done."""


def choose(regression: Regression, asked: str) -> Literal["exact", "nuts", "pymc3"]:
    """The sampler *regression* gets.

    Raises
    ------
    InferenceError
        An unknown sampler, one that is not built yet, or one that cannot sample this model.
    """
    if asked in PLANNED:
        raise InferenceError(
            f"The sampler {shown(asked)} is not built yet. Use --sampler auto, exact, nuts or "
            "pymc3."
        )
    if asked not in ASKED:
        raise InferenceError(
            f"Unknown sampler {shown(asked)}. There is auto, exact, nuts and pymc3."
        )
    if asked == "pymc3":
        return "pymc3"
    cells = regression.family == "cells"
    obstacle = conjugate.obstacle(regression) if cells else exact.obstacle(regression)
    if asked == "exact" and obstacle:
        raise InferenceError(
            f"The exact sampler cannot sample the model {shown(regression.formula, 120)}, because "
            f"{obstacle}. Use --sampler nuts, or auto."
        )
    return "nuts" if asked == "nuts" or obstacle else "exact"


def sample(
    regressions: Sequence[Regression],
    table: Table,
    moments: Moments,
    *,
    asked: str = "auto",
    draws: int = 4000,
    seed: int = 0,
    pymc3_python: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Posterior]:
    """A posterior for each regression, by name.

    Parameters
    ----------
    regressions
        What to fit.
    table, moments
        The rows used, and their `causal.models.design.statistic`.
    asked
        One of `ASKED`.
    draws, seed
        Of each posterior.
    pymc3_python
        The interpreter of the sampler ``pymc3``; see `causal.inference.pymc3`.
    progress
        Told how far a slow sampler is.

    Raises
    ------
    InferenceError
        As `choose`, or a sampler that fails.
    """
    chosen = {r.name: choose(r, asked) for r in regressions}
    posteriors = {}
    for regression in regressions:
        if chosen[regression.name] == "exact":
            posteriors[regression.name] = (
                conjugate.fit(regression, table, draws=draws, seed=seed)
                if regression.family == "cells"
                else exact.fit(regression, moments, draws=draws, seed=seed)
            )
        elif chosen[regression.name] == "pymc3":
            from causal.inference import pymc3

            posteriors[regression.name] = pymc3.fit(
                regression,
                table,
                draws=draws,
                seed=seed,
                python=pymc3_python,
                progress=progress,
            )
        else:
            from causal.inference import nuts

            posteriors[regression.name] = nuts.fit(
                regression, table, draws=draws, seed=seed, progress=progress
            )
    return posteriors

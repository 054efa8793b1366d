"""Which sampler a model gets: the first that is valid, and its name in every output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from causal.data.moments import Moments
from causal.data.table import Table
from causal.errors import InferenceError, shown
from causal.inference import exact
from causal.inference.posterior import Posterior
from causal.models.regression import Regression

__all__ = ["ASKED", "Asked", "choose", "sample"]

Asked = Literal["auto", "exact", "nuts"]
ASKED: tuple[Asked, ...] = ("auto", "exact", "nuts")
PLANNED = ("importance", "pymc3")

Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is done."""


def choose(regression: Regression, asked: str) -> Literal["exact", "nuts"]:
    """The sampler *regression* gets.

    Raises
    ------
    InferenceError
        An unknown sampler, one that is not built yet, or one that cannot sample this model.
    """
    if asked in PLANNED:
        raise InferenceError(
            f"The sampler {shown(asked)} is not built yet. Use --sampler auto, exact or nuts."
        )
    if asked not in ASKED:
        raise InferenceError(f"Unknown sampler {shown(asked)}. There is auto, exact and nuts.")
    obstacle = exact.obstacle(regression)
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
            posteriors[regression.name] = exact.fit(regression, moments, draws=draws, seed=seed)
        else:
            from causal.inference import nuts

            posteriors[regression.name] = nuts.fit(
                regression, table, draws=draws, seed=seed, progress=progress
            )
    return posteriors

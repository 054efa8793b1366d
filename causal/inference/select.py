"""Which sampler a model gets: the first that is valid, and its name in every output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from causal.data.moments import Moments
from causal.data.table import Table
from causal.errors import InferenceError, did_you_mean, shown
from causal.inference import collapsed, conjugate, exact
from causal.inference.posterior import Posterior, Sampler
from causal.models.regression import Regression

__all__ = ["ASKED", "Asked", "check_there", "choose", "sample"]

Asked = Literal["auto", "exact", "importance", "nuts", "pymc3"]
ASKED: tuple[Asked, ...] = get_args(Asked)

Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is done."""


def choose(regression: Regression, asked: str) -> Sampler:
    """The sampler *regression* gets.

    Raises
    ------
    InferenceError
        An unknown sampler, or one that cannot sample this model.
    """
    if asked not in ASKED:
        raise InferenceError(f"Unknown sampler {shown(asked)}.{did_you_mean(asked, ASKED)}")
    if asked in ("nuts", "pymc3"):
        return "nuts" if asked == "nuts" else "pymc3"
    closed = conjugate if regression.family == "cells" else exact
    obstacles = {
        "exact": closed.obstacle(regression),
        "importance": collapsed.obstacle(regression),
    }
    if asked != "auto" and (why := obstacles[asked]):
        raise InferenceError(
            f"The sampler {asked} cannot sample the model {shown(regression.formula, 120)}, "
            f"because {why}. Use --sampler nuts, or auto."
        )
    if asked != "auto":
        return "exact" if asked == "exact" else "importance"
    if obstacles["exact"] is None:
        return "exact"
    return "importance" if obstacles["importance"] is None else "nuts"


def check_there(asked: str, pymc3_python: str | None = None) -> None:
    """Refuse a sampler whose program is not there, before anything is done.

    Raises
    ------
    MissingPart
        The interpreter of ``pymc3``.
    """
    if asked == "pymc3":
        from causal.inference.pymc3 import find

        find(pymc3_python)


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
        sampler = chosen[regression.name]
        found: Posterior | None = None
        if sampler == "exact" and regression.family == "cells":
            found = conjugate.fit(regression, table, draws=draws, seed=seed)
        elif sampler == "exact":
            found = exact.fit(regression, moments, draws=draws, seed=seed)
        elif sampler == "importance":
            found = collapsed.fit(regression, moments, draws=draws, seed=seed)
            if found is None and asked == "importance":
                raise InferenceError(
                    f"Importance sampling is not good enough for the model "
                    f"{shown(regression.formula, 120)}: its weights are too uneven. Use --sampler "
                    "nuts, or auto."
                )
        elif sampler == "pymc3":
            from causal.inference import pymc3

            found = pymc3.fit(
                regression,
                table,
                draws=draws,
                seed=seed,
                python=pymc3_python,
                progress=progress,
            )
        if found is None:
            from causal.inference import nuts

            found = nuts.fit(regression, table, draws=draws, seed=seed, progress=progress)
        posteriors[regression.name] = found
    return posteriors

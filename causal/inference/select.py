"""Which sampler a model gets: the first that is valid, and its name in every output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from causal.data.moments import Moments
from causal.data.table import Table
from causal.errors import InferenceError, did_you_mean, shown
from causal.inference import collapsed, conjugate, exact, importance
from causal.inference.posterior import Posterior, Sampler
from causal.models.regression import Regression

__all__ = ["ASKED", "Asked", "check_there", "choose", "sample"]

Asked = Literal["auto", "exact", "importance", "nuts", "pymc", "numpyro", "pymc3"]
ASKED: tuple[Asked, ...] = get_args(Asked)

_ANY_MODEL: tuple[Sampler, ...] = ("nuts", "pymc", "numpyro", "pymc3")

Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is done."""


def choose(regression: Regression, asked: str) -> Sampler:
    """The sampler that *regression* gets, or gets first.

    ``auto`` is exact, else importance, else NUTS. Whether importance sampling is good enough only
    its weights can say: `sample` turns to NUTS where they do not.

    Raises
    ------
    InferenceError
        An unknown sampler, or one that cannot sample this model.
    """
    if asked not in ASKED:
        raise InferenceError(f"Unknown sampler {shown(asked)}.{did_you_mean(asked, ASKED)}")
    for sampler in _ANY_MODEL:
        if asked == sampler:
            return sampler
    closed = conjugate if regression.family == "cells" else exact
    weighted = collapsed if regression.varying else importance
    if asked == "auto":
        if closed.obstacle(regression) is None:
            return "exact"
        return "importance" if weighted.obstacle(regression) is None else "nuts"
    why = (closed if asked == "exact" else weighted).obstacle(regression)
    if why is not None:
        raise InferenceError(
            f"The sampler {asked} cannot sample the model {shown(regression.formula, 120)}, "
            f"because {why}. Use --sampler nuts, or auto."
        )
    return "exact" if asked == "exact" else "importance"


def check_there(asked: str, pymc3_python: str | None = None) -> None:
    """Refuse a sampler whose program is not there, before anything is done.

    Raises
    ------
    MissingPart
        The libraries of ``pymc`` or ``numpyro``, the interpreter of ``pymc3``.
    """
    match asked:
        case "pymc" | "numpyro":
            from causal.inference import pymc_samplers

            pymc_samplers.check_there(asked)
        case "pymc3":
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

    After Ctrl-C while NUTS drew, those that it came before are not there.

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
    posteriors: dict[str, Posterior] = {}
    for_nuts = []
    for regression, sampler in [(r, choose(r, asked)) for r in regressions]:
        found: Posterior | None = None
        match sampler:
            case "exact" if regression.family == "cells":
                found = conjugate.fit(regression, table, draws=draws, seed=seed)
            case "exact":
                found = exact.fit(regression, moments, draws=draws, seed=seed)
            case "importance":
                found = _by_importance(regression, table, moments, asked, draws, seed)
            case "pymc" | "numpyro":
                from causal.inference import pymc_samplers

                found = pymc_samplers.fit(
                    regression, table, sampler=sampler, draws=draws, seed=seed, progress=progress
                )
            case "pymc3":
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
            for_nuts.append(regression)
        else:
            posteriors[regression.name] = found
    if for_nuts:  # together: after Ctrl-C what was drawn before is kept
        from causal.inference import nuts

        posteriors |= nuts.fit_all(for_nuts, table, draws=draws, seed=seed, progress=progress)
    return {r.name: posteriors[r.name] for r in regressions if r.name in posteriors}


def _by_importance(
    regression: Regression, table: Table, moments: Moments, asked: str, draws: int, seed: int
) -> Posterior | None:
    """``None`` where it is not good enough and was not asked for."""
    if regression.varying:
        found = collapsed.fit(regression, moments, draws=draws, seed=seed)
    else:
        found = importance.fit(regression, table, draws=draws, seed=seed)
    if found is None and asked == "importance":
        raise InferenceError(
            f"Importance sampling is not good enough for the model "
            f"{shown(regression.formula, 120)}: its weights are too uneven, or its posterior has "
            "no peak. Use --sampler nuts, or auto."
        )
    return found

"""The workbench, with the tutorial's priors: the sampler that `auto` takes, or NUTS.

Data are read and the regression is decided on before the clock starts, as others have their data
frames; the sufficient statistic, where there is one, is part of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

import causal
from causal.data.table import read_table
from causal.inference.posterior import Posterior
from causal.inference.select import sample
from causal.models.design import statistic
from causal.models.formula import parse_terms
from causal.models.generator import plan
from causal.models.priors import Distribution, PriorChoice

__all__ = ["fork", "heterogeneity", "logistic", "pooled_categories", "sets", "versions"]

Call = Callable[[], dict[str, Any]]
Taken = Callable[[Posterior], dict[str, Any]]


def versions() -> dict[str, str]:
    """What the results name."""
    return {name: version(name) for name in ("causal-workbench", "numpy")}


def _worth(posterior: Posterior) -> float:
    """How many independent draws its draws are worth."""
    told = posterior.diagnostics.ess_bulk
    return float(np.prod(posterior.draws.shape[:2])) if told is None else told


def _fitted(
    drawn: str,
    data: Mapping[str, Any],
    draws: int,
    taken: Taken,
    *,
    ends: tuple[str, str] = ("x", "y"),
    form: str | None = None,
    categorical: Sequence[str] = (),
    priors: Mapping[str, Distribution] | None = None,
) -> Call:
    """The correct regression of a drawing."""
    question = causal.Dag(drawn).question(*ends)
    made = plan(
        question,
        read_table(dict(data), list(data), categorical=categorical),
        form=None if form is None else parse_terms(form),
        prior_choice=PriorChoice("tutorial", dict(priors or {})),
    )
    regression = next(r for r in made.regressions if r.name == "correct")

    def call() -> dict[str, Any]:
        moments = statistic([regression], made.table)
        found = sample([regression], made.table, moments, draws=draws, seed=1)["correct"]
        return {
            "sampling": found.seconds,
            "draws": taken(found),
            "worth": _worth(found),
            "sampler": found.sampler,
        }

    return call


def fork(data: Mapping[str, Any], *, drawn: str, draws: int) -> Call:
    """The common cause, controlled for."""
    return _fitted(drawn, data, draws, lambda found: {"x": found.values("x")})


def logistic(data: Mapping[str, Any], *, drawn: str, draws: int) -> Call:
    """A binary outcome and all else in the data as predictors."""
    names = [name for name in data if name != "y"]
    return _fitted(drawn, data, draws, lambda found: {name: found.values(name) for name in names})


def pooled_categories(data: Mapping[str, Any], *, draws: int) -> Call:
    """Levels of x2 that share a distribution."""

    def taken(found: Posterior) -> dict[str, Any]:
        levels = [found.values(f"x1[{k}]") for k in range(5)]
        contrasts = {f"x1 {k} - 0": levels[k] - levels[0] for k in range(1, 5)}
        return {**contrasts, "sd of x2": found.values("sd(1|x2)")}

    return _fitted(
        "x1 -> y1 <- x2",
        data,
        draws,
        taken,
        ends=("x1", "y1"),
        form="x1 + (1 | x2)",
        categorical=("x1", "x2"),
    )


def heterogeneity(data: Mapping[str, Any], *, draws: int) -> Call:
    """An effect of x2 for each group of x1, their correlation with an LKJ prior."""

    def taken(found: Posterior) -> dict[str, Any]:
        cells = [[f"x2[{k}]|x1[{g}]" for k in range(2)] for g in range(3)]
        means = [
            [found.values(f"x2[{k}]") + found.values(cells[g][k]) for k in range(2)]
            for g in range(3)
        ]
        effects = {f"x2 where x1 = {g}": means[g][1] - means[g][0] for g in range(3)}
        sds = {f"sd of group means, x2 = {k}": found.values(f"sd(x2[{k}]|x1)") for k in range(2)}
        return {**effects, **sds, "correlation": found.values("cor(x2[0],x2[1]|x1)")}

    return _fitted(
        "x1 -> y1 <- x2",
        data,
        draws,
        taken,
        ends=("x2", "y1"),
        form="0 + x2 + (0 + x2 | x1)",
        categorical=("x1", "x2"),
        priors={"level": Distribution("Normal", (0, 2))},
    )


def sets(data: Mapping[str, Any], *, drawn: str, draws: int, adjust: list[list[str]]) -> Call:
    """A model for each set of *adjust*, by NUTS; how many were compiled."""
    import nutpie  # before the clock starts, as others import it

    from causal.inference import nuts

    made = plan(
        causal.Dag(drawn).question("x", "y"),
        read_table(dict(data), list(data)),
        own={", ".join(names): names for names in adjust},
        prior_choice=PriorChoice("tutorial"),
    )
    # One of them is the recommended set, which is called so.
    wanted = [", ".join(names) for names in adjust]
    regressions = [
        replace(r, name=", ".join(made.adjustment.adjust_for or ())) if r.name == "correct" else r
        for r in made.regressions
        if r.name in (*wanted, "correct")
    ]

    def call() -> dict[str, Any]:
        compiled = 0
        made_by = nutpie.compile_pymc_model

        def counted(*given: Any, **named: Any) -> Any:
            nonlocal compiled
            compiled += 1
            return made_by(*given, **named)

        nutpie.compile_pymc_model = counted
        try:
            found = nuts.fit_all(regressions, made.table, draws=draws, seed=1)
        finally:
            nutpie.compile_pymc_model = made_by
        return {
            "sampling": sum(posterior.seconds for posterior in found.values()),
            "draws": {f"x given {name}": p.values("x") for name, p in found.items()},
            "compiled": compiled,
        }

    return call

"""Letting contenders fit the same model to the same data, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import ROOT, python_with
from benchmarks.sections import Setup

__all__ = [
    "BAMBI",
    "PYMC3",
    "WITHIN",
    "Fitted",
    "Fitter",
    "disagreeing",
    "environment",
    "fit",
    "stored",
]

Draws = NDArray[np.float64]

PYMC3 = "CAUSAL_PYMC3_PYTHON"
"""The environment variable that names the interpreter of PyMC3."""

WITHIN = 5.0
"""Monte Carlo errors by which two posterior means may differ."""

FEWEST = 30.0
"""Effective draws below which their own number is not known, nor then the error of a mean."""

LONGEST = 1_200.0
"""Seconds that a fit may take."""

BAMBI = ("bambi>=0.21,<0.22",)
"""Bambi wants an older formulae than the tests here."""


@dataclass(frozen=True, slots=True)
class Fitter:
    """A contender as the tables know it.

    *model* is a function of *module* in `benchmarks.peers`; *options* go to it. *again*: how often
    the call is repeated after the first, and *processes*: in how many, where it is short. *warm*:
    options of a run before, which is thrown away and leaves its compiled code on disk. *cache*: the
    folder for that, empty at first; those of one name share it.
    """

    name: str
    module: str
    model: str
    requires: tuple[str, ...] = ()
    interpreter: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    again: int = 0
    processes: int = 1
    warm: Mapping[str, Any] | None = None
    cache: str = "compiled"

    def python(self) -> list[str] | str:
        """The beginning of the command, or why there is none."""
        if not self.interpreter:
            return python_with(self.requires)
        path = os.environ.get(self.interpreter)
        return [path] if path else f"not run: {self.interpreter} names no interpreter"


@dataclass(frozen=True)
class Fitted:
    """What a contender found.

    Attributes
    ----------
    first, sampling
        Seconds: from data to draws in a fresh process, making and compiling the model included;
        the sampling alone. Of calls that were repeated: the first one, the median of the others,
        and of several processes the median.
    draws
        By name, (chains, draws).
    worth
        How many independent draws these are, where the sampler itself knows.
    said
        Whatever else the contender reports.
    missing
        Why there is nothing; empty if there is.
    """

    first: float = 0.0
    sampling: float = 0.0
    draws: Mapping[str, Draws] = field(default_factory=dict)
    worth: float | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    missing: str = ""

    @cached_property
    def sizes(self) -> dict[str, float]:
        """Bulk effective size of each quantity."""
        if self.worth is not None:
            return dict.fromkeys(self.draws, self.worth)
        from arviz_stats.base import array_stats

        return {name: float(array_stats.ess(values)) for name, values in self.draws.items()}

    @property
    def size(self) -> float:
        """The smallest of them."""
        return min(self.sizes.values())

    def off(self, other: Fitted) -> dict[str, float]:
        """By how many Monte Carlo errors the means differ, for each quantity both have."""
        found = {}
        for name in self.draws.keys() & other.draws.keys():
            mine, theirs = self.draws[name], other.draws[name]
            error = mine.var() / self.sizes[name] + theirs.var() / other.sizes[name]
            found[name] = abs(float(mine.mean() - theirs.mean())) / float(np.sqrt(error))
        return found


def stored(setup: Setup, name: str, data: Mapping[str, NDArray[Any]]) -> Path:
    """Write *data* where workers find them."""
    path = setup.folder / f"{name}.npz"
    np.savez(path, **data)  # type: ignore[arg-type]
    return path


def fit(setup: Setup, fitter: Fitter, data: Path) -> Fitted:
    """Let *fitter* fit its model."""
    if fitter.warm is not None and not setup.quick:
        warm = replace(fitter, options={**fitter.options, **fitter.warm}, warm=None)
        if (found := fit(setup, warm, data)).missing:
            return found
    setup.say(f"{fitter.name}: {fitter.model}")
    runs = [_run(setup, fitter, data) for _ in range(fitter.processes)]
    if any(run.missing for run in runs):
        return next(run for run in runs if run.missing)
    return replace(
        runs[-1],
        first=median(run.first for run in runs),
        sampling=median(run.sampling for run in runs),
    )


def _run(setup: Setup, fitter: Fitter, data: Path) -> Fitted:
    """One process."""
    python = fitter.python()
    if isinstance(python, str):
        return Fitted(missing=python)
    draws = setup.folder / "draws.npz"
    job = {
        "peer": fitter.module,
        "model": fitter.model,
        "options": dict(fitter.options),
        "again": fitter.again,
        "data": str(data),
        "draws": str(draws),
    }
    try:
        ran = subprocess.run(  # noqa: S603 - a command of our own
            [*python, "-W", "ignore", "-m", "benchmarks.fit_worker"],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment(setup, fitter.cache),
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Fitted(missing=f"> {LONGEST:.0f} s")
    if ran.returncode:
        last = ran.stderr.strip().splitlines() or ["it ended without a word"]
        return Fitted(missing=f"does not run here: {last[-1][:160]}")
    said = json.loads(ran.stdout)
    setup.versions.update(said["versions"])
    with np.load(draws) as file:
        values = dict(file)
    return Fitted(said["first"], said["sampling"], values, said.get("worth"), said)


def environment(setup: Setup, cache: str = "compiled") -> dict[str, str]:
    """The variables of a contender's process: bytecode is kept, compiled code in a folder of ours.

    That folder is as empty as nobody's who works with PyMC: so there is a `Fitter.warm`.
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    folder = setup.folder / cache
    flags = {"PYTENSOR_FLAGS": "pytensor", "THEANO_FLAGS": "theano"}
    compiled = {flag: f"base_compiledir={folder / name}" for flag, name in flags.items()}
    return kept | compiled | {"NUMBA_CACHE_DIR": str(folder / "numba")}


def disagreeing(everyone: Mapping[str, Fitted]) -> list[str]:
    """One line for each contender whose posterior means are not those of the first."""
    there = {name: found for name, found in everyone.items() if not found.missing}
    if len(there) < 2:
        return []
    first, *others = there
    found = []
    for name in others:
        if there[name].size < FEWEST:
            found.append(f"- {name}: too few effective draws to compare its means")
            continue
        off = there[first].off(there[name])
        worst = max(off, key=lambda quantity: off[quantity])
        if off[worst] > WITHIN:
            found.append(
                f"- **{name} disagrees**: its mean of {worst} is {off[worst]:.1f} Monte Carlo "
                f"errors from that of {first}"
            )
    return found or [f"- all posterior means agree within {WITHIN:g} Monte Carlo errors"]

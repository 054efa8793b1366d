"""Correct digits on the certified data sets of NIST."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.sections import Aim, Section, Setup
from benchmarks.tables import table
from causal.data.moments import Moments
from causal.inference import exact
from causal.models.priors import Distribution, Priors
from causal.models.regression import Regression
from causal.models.terms import Numeric

__all__ = ["SECTIONS", "reached"]

CASES = "CAUSAL_CASES"
AIMS = {
    "Filip": 7.0,
    "Longley": 10.0,
    "Wampler1": 9.0,
    "Wampler2": 12.0,
    "Wampler3": 9.0,
    "Wampler4": 7.0,
    "Pontius": 11.5,
    "Norris": 11.0,
    "NoInt1": 11.0,
}
MOST = 15.0
"""Digits that certified values have."""


def _digits(found: np.ndarray, certified: list[float]) -> float:
    """The fewest digits that a coefficient has right; where 0 is certified, digits behind 0."""
    errors = [
        abs(ours - value) / (abs(value) or 1.0)
        for ours, value in zip(found.tolist(), certified, strict=True)
    ]
    worst = max(errors)
    return MOST if worst == 0 else max(0.0, min(MOST, -math.log10(worst)))


def reached(folder: Path, block: int) -> tuple[float, float]:
    """Digits of posterior means under flat priors, and of NumPy's least squares.

    Parameters
    ----------
    folder
        Holds ``data.csv`` and ``expected.json``.
    block
        Rows summed up at a time.
    """
    certified = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    with (folder / "data.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    data = {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}
    terms = [term for term in certified["terms"] if term not in ("1", "x^0")]
    columns = np.column_stack(
        [data["x"] ** int(t[2:]) if t.startswith("x^") else data[t] for t in terms]
    )
    flat = Distribution("Flat")
    intercept = len(terms) < len(certified["terms"])
    named = tuple(Numeric(term) for term in terms)
    priors = Priors(
        flat if intercept else None,
        (),
        ((flat,),) * len(terms),
        (("sigma", Distribution("HalfFlat")),),
    )
    model = Regression("correct", "y", terms[0], named, "gaussian", priors)
    both = np.column_stack([columns, data["y"]])
    blocks = (both[i : i + block] for i in range(0, len(both), block))
    moments = Moments.of_blocks(blocks, [((name, 0.0),) for name in (*named, Numeric("y"))])
    posterior = exact.fit(model, moments, draws=10, seed=1)
    values = certified["certified_beta"]
    means = [posterior.summary(name).mean for name in posterior.names[: len(values)]]
    design = np.column_stack([np.ones(len(both)), columns]) if intercept else columns
    plain = np.linalg.lstsq(design, data["y"], rcond=None)[0]
    return _digits(np.array(means), values), _digits(plain, values)


def digits(setup: Setup) -> Section:
    """What is left of the digits, data set by data set."""
    heading = "Correct digits: NIST's certified regressions"
    folder = os.environ.get(CASES)
    if not folder:
        return Section(heading, (f"Not run: {CASES} names no folder of cases.",))
    body, aims = [], []
    for name, least in AIMS.items():
        setup.say(f"digits: {name}")
        one, plain = reached(Path(folder) / "nist" / name, 1_000_000)
        five, _ = reached(Path(folder) / "nist" / name, 5)
        body.append([name, f"{one:.1f}", f"{five:.1f}", f"{plain:.1f}", f"{least:g}"])
        worst = min(one, five)
        aims.append(Aim(f"{name}: {least:g} digits", f"{worst:.1f}", worst >= least))
    return Section(
        heading,
        (
            "Posterior means under flat priors; the coefficient with the fewest digits "
            f"(certified values have {MOST:g}). Rows summed up in one block, and five at a time, "
            "beside NumPy's `lstsq` on the whole matrix. The Wamplers 1 and 2 are perfect fits.",
            table(["data set", "one block", "blocks of 5", "`lstsq`", "aim"], body),
        ),
        tuple(aims),
    )


SECTIONS: dict[str, Callable[[Setup], Section]] = {"digits": digits}

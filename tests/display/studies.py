"""Studies to look at: one of every kind that a report or a plot has to cope with."""

from __future__ import annotations

from functools import cache
from unittest import mock

import numpy as np

from causal.graph.dag import Dag
from causal.inference.posterior import Diagnostics, Posterior

SCRIPT = "<script>alert(1)</script>"
HOSTILE = {
    "x": '$x^2$ & "q"',
    "y": SCRIPT,
    "z": "_a_\nnew",
    "c": "l" * 10_240,
    "g": "g\x00`\u202e</title>",
}
LEVELS = ["<b>", "$\\frac$", "日本😀"]
MODELS = {SCRIPT: "c", '"><img src=x onerror=1>': "", "日本\ud800$a$": "g"}


def columns(rows=300, seed=1):
    """A fork z, a collider c, an x that moves y by 0.5."""
    random = np.random.default_rng(seed)
    z = random.normal(size=rows)
    x = z + random.normal(size=rows)
    y = 0.5 * x + z + random.normal(size=rows)
    return {"x": x, "y": y, "z": z, "c": x + y + random.normal(size=rows)}


@cache
def fork():
    """Correct, unadjusted, everything, and one of the user's own; a region that matters."""
    dag = Dag("x <- z -> y; x -> y; x -> c <- y")
    return dag.question("x", "y").run(columns(), own={"yours": ["c"]}, matters=0.1)


@cache
def plain():
    """The smallest comparison there is: rows missing, a hint about the outcome, one left out."""
    data = {name: values.tolist() for name, values in columns().items()}
    data["z"][:7] = [None] * 7
    data["y"] = [max(0, round(3 + value)) for value in data["y"]]
    return Dag("x <- z -> y; x -> y").question("x", "y").run(data)


@cache
def alone():
    """Nothing to compare with."""
    return Dag("x -> y").question("x", "y").run(columns())


@cache
def unanswerable():
    """A latent common cause: no correct model."""
    dag = Dag("u [latent]; x <- u -> y; x -> y; z -> y")
    return dag.question("x", "y").run(columns())


@cache
def perfect():
    """A correct model without noise: its posterior is a point."""
    x = np.arange(30.0)
    data = {"x": x, "z": x**2, "y": x + x**2}
    return Dag("x <- z -> y; x -> y").question("x", "y").run(data)


@cache
def category():
    """An exposure of three levels."""
    data = columns()
    data["x"] = np.array(["low", "mid", "top"])[np.digitize(data["x"], [-1, 1])].tolist()
    return Dag("x <- z -> y; x -> y; x -> c <- y").question("x", "y").run(data)


@cache
def binary():
    """A Bernoulli outcome; the sampler is a stand-in, and its correct fit failed a check."""
    data = columns()
    data["x"], data["y"] = data["x"] > 0, data["y"] > 0
    random = np.random.default_rng(2)

    def stand_in(regressions, *_, **__):
        made = {}
        for regression in regressions:
            names = regression.coefficient_names
            draws = random.normal(0.7, 0.2, (4, 500, len(names)))
            good = Diagnostics(1.002, 2100.0, 1800.0, 0)
            bad = Diagnostics(1.2, 90.0, 80.0, 3, None, ("rhat", "divergences"))
            correct = regression.name == "correct"
            made[regression.name] = Posterior(names, draws, "nuts", bad if correct else good, 1.5)
        return made

    with (
        mock.patch("causal.study.comparison.sample", stand_in),
        mock.patch("causal.study.comparison.choose"),
    ):
        return Dag("x <- z -> y; x -> y").question("x", "y").run(data)


@cache
def hostile():
    """Variables, levels and models with names that would be markup, mathematics or too long."""
    data = {HOSTILE[name]: values for name, values in columns(rows=200).items()}
    codes = np.random.default_rng(3).integers(0, 3, 200)
    data[HOSTILE["g"]] = [LEVELS[code] for code in codes]
    arrows = ["zx", "zy", "xy", "xc", "yc", "gy"]
    dag = Dag(edges=[(HOSTILE[a], HOSTILE[b]) for a, b in arrows])
    own = {name: [HOSTILE[held]] if held else [] for name, held in MODELS.items()}
    return dag.question(HOSTILE["x"], HOSTILE["y"]).run(data, own=own)


@cache
def wide():
    """Long names and long numbers: what would run into its neighbour or off the page."""
    names = {"x": "MMMM_exposure_of_the_workers_in_mg", "y": "WWWW_@%@%@%", "z": "日本" * 30}
    data = {names[name]: columns()[name] for name in "xyz"}
    data[names["y"]] = 1_234_567.8 * data[names["x"]] + data[names["y"]]
    dag = Dag(edges=[(names[a], names[b]) for a, b in ("zx", "zy", "xy")])
    own = {"W" * 60: [], "a model with a long name of its own, in words": []}
    return dag.question(names["x"], names["y"]).run(data, own=own)


@cache
def both():
    """The direct and the total effect, which differ by a mediator."""
    random = np.random.default_rng(4)
    data = columns()
    data["m"] = data["x"] + random.normal(size=300)
    data["y"] = data["y"] + data["m"]
    question = Dag("x -> m -> y; x -> y; x <- z -> y").question("x", "y")
    return question.direct.run(data), question.total.run(data)


KINDS = {
    made.__name__: made
    for made in (fork, plain, alone, unanswerable, perfect, category, binary, hostile, wide)
}

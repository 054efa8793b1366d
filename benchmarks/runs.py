"""Whole processes: from a drawing and a CSV file to the printed comparison."""

from __future__ import annotations

import re
from collections.abc import Callable
from statistics import median

import numpy as np

from benchmarks import data
from benchmarks.fitting import BAMBI, environment
from benchmarks.measuring import ROOT, Process, processes, python_with
from benchmarks.sections import Aim, Section, Setup, lines
from benchmarks.tables import ratio_text, table, time_text

__all__ = ["SECTIONS", "printed"]

PATHMC = ("pathmc>=0.4,<0.5", "nutpie>=0.16.11,<1")
OURS = "`causal run`"
_LINE = re.compile(
    r"^ *(correct|unadjusted)\b.*?(-?[\d.]+) +\[ *(-?[\d.]+), *(-?[\d.]+)\]", re.MULTILINE
)


def printed(text: str) -> dict[str, tuple[float, float, float]]:
    """The effect of each model with its interval, as read from the output of a run."""
    found: dict[str, tuple[float, float, float]] = {}
    for name, *numbers in _LINE.findall(text):
        effect, low, high = map(float, numbers)
        found.setdefault(name, (effect, low, high))
    return found


def run(setup: Setup) -> Section:
    """The fork, from the file to the comparison."""
    columns = data.lesson("fork")
    drawing, file = setup.folder / "fork.dag", setup.folder / "fork.csv"
    drawing.write_text("dag { x [exposure]; y [outcome]; x <- z -> y }", encoding="utf-8")
    rows = np.column_stack(list(columns.values()))
    np.savetxt(file, rows, delimiter=",", header=",".join(columns), comments="")
    scripts: dict[str, tuple[tuple[str, ...], list[str]]] = {
        OURS: ((), ["-m", "causal", "run", str(drawing), str(file)]),
        "pathmc": (PATHMC, ["run_pathmc.py"]),
        "Bambi": (BAMBI, ["run_bambi.py"]),
        "PyMC + nutpie": ((), ["run_nutpie.py"]),
    }
    found: dict[str, list[Process]] = {}
    faults = []
    for name, (requires, given) in scripts.items():
        setup.say(f"whole process: {name}")
        python = python_with(requires)
        if isinstance(python, str):
            faults.append(f"- {name}: {python}")
            continue
        if name != OURS:
            given = [str(ROOT / "benchmarks" / "peers" / given[0]), str(file)]
        thrown = 0 if setup.quick and name != OURS else 1
        count = 11 if name == OURS else 1 if setup.quick else 3
        ran = processes(python, given, thrown + count, environment(setup))
        if isinstance(ran, str):
            faults.append(f"- {name}: {ran}")
        else:
            found[name] = ran[thrown:]
    return _section(found, faults, quick=setup.quick)


def _section(found: dict[str, list[Process]], faults: list[str], *, quick: bool) -> Section:
    times = {name: median(one.seconds for one in ran) for name, ran in found.items()}
    answers = {name: printed(ran[-1].printed) for name, ran in found.items()}
    body = []
    for name, ran in found.items():
        cells = [time_text(times[name] * 1e9), f"{median(one.megabytes for one in ran):.0f} MB"]
        cells += [_shown(answers[name].get(model)) for model in ("correct", "unadjusted")]
        body.append([name, *cells, ratio_text(times[name] / times[OURS])])
    peers = {name: time for name, time in times.items() if name != OURS}
    aims = [Aim("the whole process below 1 s", time_text(times[OURS] * 1e9), times[OURS] < 1)]
    if peers:
        fastest = min(peers, key=lambda name: peers[name])
        ratio = peers[fastest] / times[OURS]
        text = f"10 times as fast as the fastest, {fastest}"
        same = not _apart(answers)
        aims.append(Aim(text, ratio_text(ratio), ratio >= 10 and same))
    return Section(
        "A whole run: drawing and CSV to the printed comparison",
        (
            "The fork, 1,000 rows; the process from start to end. `causal run` reads the drawing, "
            "chooses the set and tells reasons and shift as well; the scripts print correct and "
            "unadjusted effect with 89% intervals, each by its own default priors and sampler "
            "(nutpie for pathmc). Median of 11 for `causal run`, of "
            + (
                "1 for the others. **Quick: nothing is kept of an earlier run of theirs.**"
                if quick
                else "3 for the others, after one that is thrown away, so that bytecode "
                "and what is kept of compiled code are there."
            ),
            table(["contender", "time", "peak memory", "correct", "unadjusted", "ratio"], body),
            *lines([*(_apart(answers) or ["- all answers agree"]), *faults]),
        ),
        tuple(aims),
    )


def _shown(answer: tuple[float, float, float] | None) -> str:
    if answer is None:
        return "**none**"
    effect, low, high = answer
    return f"{effect:.3f} [{low:.3f}, {high:.3f}]"


def _apart(answers: dict[str, dict[str, tuple[float, float, float]]]) -> list[str]:
    """One line for each answer that is further from ours than a quarter of its interval.

    Default priors differ, and the chains of the scripts mix badly: a few Monte Carlo errors are as
    much.
    """
    found = []
    for name, models in answers.items():
        for model in ("correct", "unadjusted"):
            if model not in models:
                found.append(f"- **{name} printed no {model} effect**")
                continue
            effect, low, high = models[model]
            off = abs(effect - answers[OURS][model][0]) / (high - low)
            if off > 0.25:
                found.append(f"- **{name} disagrees** about the {model} effect")
    return found


SECTIONS: dict[str, Callable[[Setup], Section]] = {"run": run}

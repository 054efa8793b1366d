"""Data of any size: sections of the results, one function each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import causal
from benchmarks.fitting import environment
from benchmarks.measuring import Process, processes, python_with
from benchmarks.sections import Aim, Section, Setup, lines
from benchmarks.tables import ratio_text, slope, table, time_text

__all__ = ["DRAWING", "SECTIONS", "made"]

DRAWING = "x -> y; x <- z -> y; w -> y; x -> m; x -> c <- y"
EFFECT = 0.5
PARTS = 10
BYTES = 48
"""Of a row: six numbers."""

_RECIPE = """
SELECT x, y, z, w, m, 0.3 * x + 0.4 * y + {c} AS c FROM (
SELECT x, 0.5 * x + 0.7 * z + 0.5 * w + {y} AS y, z, w, 0.6 * x + {m} AS m, i FROM (
SELECT 0.8 * z + {x} AS x, z, w, i FROM (
SELECT sqrt(-2 * ln({first} + 1e-12)) * cos(2 * pi() * {second}) AS z, {w} AS w, i
FROM range({begin}, {end}) t(i))))
"""


def _recipe(begin: int, end: int) -> str:
    """SQL for the rows from *begin* to *end*; the numbers of a row come from hashes of its own.

    So they are the same however many threads make them: the seed is that of the hash.
    """
    uniform = [f"(hash(7 * i + {k}) / 18446744073709551616.0)" for k in range(7)]
    noise = [f"(3 * {u} - 1.5)" for u in uniform]
    named = dict(zip("xywmc", noise[2:], strict=True))
    return _RECIPE.format(begin=begin, end=end, first=uniform[0], second=uniform[1], **named)


def made(folder: Path, rows: int, parts: int = 1, kind: str = "parquet") -> Path:
    """Rows of `DRAWING`, as files of one kind in a folder, a CSV file or a database.

    The first rows are always the same ones.
    """
    import duckdb

    path = folder / f"{kind}-{rows}"
    if (
        path.exists()
        or (path := path.with_suffix({"csv": ".csv", "db": ".db"}.get(kind, ""))).exists()
    ):
        return path
    if kind == "db":
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE visits AS {_recipe(0, rows)}")
        return path
    if kind == "csv":
        duckdb.connect().execute(f"COPY ({_recipe(0, rows)}) TO '{path}' (HEADER)")
        return path
    path.mkdir()
    for part in range(parts):
        begin, end = (rows * k // parts for k in (part, part + 1))
        duckdb.connect().execute(f"COPY ({_recipe(begin, end)}) TO '{path / f'{part}.parquet'}'")
    return path


def _room(setup: Setup, rows: int) -> str:
    """Why *rows* cannot be written here, or nothing."""
    free, needed = shutil.disk_usage(setup.folder).free, 3 * rows * BYTES
    if free >= needed:
        return ""
    return f"not run: {rows:,} rows want {needed / 1e9:.0f} GB free, {free / 1e9:.0f} GB are"


def _called(setup: Setup, module: str, *arguments: str) -> tuple[dict[str, Any], Process] | str:
    """What a module of `benchmarks.peers` prints, and its process."""
    python = python_with(())
    assert not isinstance(python, str)
    ran = processes(python, ["-m", f"benchmarks.peers.{module}", *arguments], 1, environment(setup))
    return ran if isinstance(ran, str) else (json.loads(ran[0].printed), ran[0])


def rows(setup: Setup) -> Section:
    """A whole comparison of four adjustment sets against a scan of the same columns."""
    many, some = (2_000_000, 2_000_000) if setup.quick else (100_000_000, 10_000_000)
    body: list[list[str]] = []
    aims: list[Aim] = []
    faults: list[str] = []
    answers: dict[str, Mapping[str, Sequence[float]]] = {}
    ways = [
        (f"Parquet, {many:,} rows", "parquet", many, "streamed"),
        (f"CSV, {some:,} rows", "csv", some, "streamed"),
        (f"`duckdb:///`, {some:,} rows", "db", some, "streamed"),
        (f"`duckdb:///`, {some:,} rows, sums pushed down", "db", some, "pushed"),
    ]
    for name, kind, count, how in ways:
        if why := _room(setup, count):
            faults.append(f"- {name}: {why}")
            continue
        setup.say(f"{name}: writing")
        path = made(setup.folder, count, PARTS if kind == "parquet" else 1, kind)
        setup.say(f"{name}: scan, comparison")
        scan = _called(setup, "rows_duckdb", str(path))
        source = f"duckdb:///{path}?table=visits" if kind == "db" else str(path)
        found = _called(setup, "rows_workbench", DRAWING, source, how)
        if isinstance(scan, str) or isinstance(found, str):
            faults += [f"- {name}: {one}" for one in (scan, found) if isinstance(one, str)]
            continue
        (theirs, _), (ours, process) = scan, found
        ratio = ours["seconds"] / theirs["seconds"]
        answers[name] = ours["effects"]
        effect, sd = ours["effects"]["correct"]
        cells = [f"{len(ours['effects'])}", f"{effect:.5f} ± {sd:.5f}"]
        times = [time_text(one["seconds"] * 1e9) for one in (ours, theirs)]
        body.append([name, *cells, *times, ratio_text(ratio), f"{process.megabytes:,.0f} MB"])
        if kind == "parquet" and not setup.quick:  # the aims are about 100 million rows
            aims = [
                Aim(f"{name}: at most 3 times the scan", ratio_text(ratio), ratio <= 3),
                Aim(
                    f"{name}: memory below 2 GiB",
                    f"{process.megabytes:,.0f} MB",
                    process.megabytes < 2048,
                ),
            ]
        if abs(effect - EFFECT) > 5 * sd:
            faults.append(f"- **{name}: the effect is {EFFECT}, not {effect}**")
    return Section(
        "More rows than memory: a comparison against a scan",
        (
            "Four adjustment sets, six columns: `Dag(...).question('x', 'y').run(source)` in a "
            "process of its own, the loading of libraries that it needs included, against DuckDB's "
            "`sum` of each column (median of 3), both after the files were read once. Peak memory "
            f"of the whole process. The effect that was put in is {EFFECT}.",
            table(
                ["source", "sets", "correct effect", "comparison", "scan", "ratio", "peak memory"],
                body,
            ),
            *lines([*_same(answers), *faults]),
        ),
        tuple(aims),
    )


def _same(answers: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """To how many digits pushed down and streamed sums of the same table agree."""
    pairs = [
        (name, answers[name], answers[f"{name}, sums pushed down"])
        for name in answers
        if f"{name}, sums pushed down" in answers
    ]
    return [
        f"- {name}: streamed and pushed down, posterior means agree to "
        f"{max(abs(a[model][0] / b[model][0] - 1) for model in a):.1g} of their size"
        for name, a, b in pairs
    ]


def sizes(setup: Setup) -> Section:
    """How the exact posterior's times grow with rows and with predictors."""
    return Section(
        "Growth with rows and with predictors",
        (
            "The workbench alone, the exact posterior of the correct model, 4,000 draws, the "
            "fastest of thirty after the first. *Pass*: the data read, columns checked, "
            "regressions decided on, all rows summed up; the files were read before. *Draws*: "
            "from the sums.",
            *(parts := _by_rows(setup))[0],
            *(more := _by_predictors(setup))[0],
        ),
        (*parts[1], *more[1]),
    )


def _by_rows(setup: Setup) -> tuple[list[str], list[Aim]]:
    counts = [10**k for k in range(3, 7 if setup.quick else 9)]
    body, faults, times = [], [], {}
    for count in counts:
        if why := _room(setup, count):
            faults.append(f"- {count:,} rows: {why}")
            continue
        setup.say(f"growth: {count:,} rows")
        path = made(setup.folder, count, PARTS if count > 10_000_000 else 1)
        _called(setup, "rows_duckdb", str(path))
        found = _called(setup, "sizes_workbench", DRAWING, str(path))
        if isinstance(found, str):
            faults.append(f"- {count:,} rows: {found}")
            continue
        said, process = found
        times[count] = said["draws"]
        effect, sd = said["effect"]
        if abs(effect - EFFECT) > 5 * sd:
            faults.append(f"- **{count:,} rows: the effect is {EFFECT}, not {effect}**")
        cells = [time_text(said[key] * 1e9) for key in ("pass", "draws")]
        body.append([f"{count:,}", *cells, f"{process.megabytes:,.0f} MB"])
    grown = slope(list(times), list(times.values()))
    aims = []
    if grown is not None:
        text = "draws, slope of log time on log rows within 0.05 of 0"
        aims.append(Aim(text, f"{grown:.3f}", abs(grown) <= 0.05))
    return [table(["rows", "pass", "draws", "peak memory"], body), *lines(faults)], aims


def _by_predictors(setup: Setup) -> tuple[list[str], list[Aim]]:
    from causal.data.table import read_table
    from causal.inference import exact
    from causal.models.design import statistic
    from causal.models.generator import plan

    count = 10_000
    body, times = [], {}
    for predictors in (2, 5, 10, 20, 50, 100, 200):
        setup.say(f"growth: {predictors} predictors")
        random = np.random.default_rng(predictors)
        z = random.normal(size=(predictors - 1, count))
        x = z.sum(axis=0) / np.sqrt(predictors) + random.normal(size=count)
        y = EFFECT * x + z.sum(axis=0) + random.normal(size=count)
        names = [f"z{k}" for k in range(predictors - 1)]
        question = causal.Dag(
            "x -> y; " + "; ".join(f"x <- {name} -> y" for name in names)
        ).question("x", "y")
        data = {"x": x, "y": y, **dict(zip(names, z, strict=True))}
        made_plan = plan(question, read_table(data, list(data)))
        regression = next(r for r in made_plan.regressions if r.name == "correct")
        summing, drawing = [], []
        for _ in range(6 if setup.quick else 31):
            began = perf_counter()
            moments = statistic([regression], made_plan.table)
            summing.append(perf_counter() - began)
            began = perf_counter()
            exact.fit(regression, moments, seed=1)
            drawing.append(perf_counter() - began)
        times[predictors] = min(drawing[1:])
        cells = [time_text(min(one[1:]) * 1e9) for one in (summing, drawing)]
        body.append([f"{predictors}", *cells])
    body.append(["*slope*", "", f"{slope(list(times), list(times.values())):.2f}"])
    return [f"In memory, {count:,} rows:", table(["predictors", "statistic", "draws"], body)], []


SECTIONS: dict[str, Callable[[Setup], Section]] = {"rows": rows, "sizes": sizes}

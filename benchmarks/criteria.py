"""What the criteria cost: sections of the results, one function each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.graphs import KINDS, SHAPES, Plan, dag_of, plan
from benchmarks.measuring import (
    PEERS,
    WORKBENCH,
    Contestant,
    Job,
    Task,
    Timing,
    measure,
    processes,
    stored,
)
from benchmarks.sections import Aim, Section, Setup, lines
from benchmarks.tables import ratio_text, slope, table, time_text
from causal.criteria.adjustment import is_valid

__all__ = ["SECTIONS", "Drawings"]

MILLISECOND = 1e6


@dataclass(slots=True)
class Drawings(Setup):
    """A setup that keeps the drawings it has made, and knows what was hopeless."""

    plans: dict[tuple[str, int, int], tuple[Plan, Path]] = field(default_factory=dict)
    beyond: set[tuple[str, str, Task]] = field(default_factory=set)

    def upto(self, *sizes: int) -> list[int]:
        """Of *sizes*, those that are measured."""
        return [size for size in sizes if not self.quick or size <= 10_000]

    def planned(self, shape: str, size: int, questions: int = 4) -> tuple[Plan, Path]:
        """A drawing with questions, made once."""
        key = shape, size, questions
        if key not in self.plans:
            self.say(f"drawing {size:,} nodes, {shape}, with {questions} questions")
            made = plan(*key)
            path = self.folder / f"{shape}-{size}-{questions}.json"
            self.plans[key] = made, stored(made, path)
        return self.plans[key]

    def measured(
        self,
        contestant: Contestant,
        shape: str,
        size: int,
        tasks: Sequence[Task],
        *,
        questions: int = 4,
    ) -> dict[Task, Timing]:
        """*tasks* on a drawing of *size*, but those that were hopeless on a smaller one."""
        made, path = self.planned(shape, size, questions)
        hopeless = {task for task in tasks if (contestant.name, shape, task) in self.beyond}
        tried = [task for task in tasks if task not in hopeless]
        found = {task: Timing(missing="not tried") for task in hopeless}
        if tried:
            methods = ", ".join(dict.fromkeys(task.method for task in tried))
            self.say(f"{contestant.name}: {methods}; {size:,} nodes, {shape}")
            budget, cap = (0.3, 5.0) if self.quick else (1.0, 20.0)
            job = Job(path, made.questions, tried, budget=budget, cap=cap)
            found |= measure(contestant, job, versions=self.versions)
        self.beyond |= {(contestant.name, shape, task) for task in tried if found[task].missing}
        return found


def _median(timing: Timing) -> float | None:
    return None if timing.missing or not timing.rounds else median(timing.medians)


def _ratio(peer: Timing, ours: Timing) -> float | None:
    """How many times as long the peer takes, over the calls that both made."""
    if peer.missing or ours.missing:
        return None
    shared = min(len(peer.medians), len(ours.medians))
    return median(peer.medians[:shared]) / median(ours.medians[:shared])


def _cell(peer: Timing, ours: Timing | None = None) -> str:
    if peer.missing:
        return peer.missing if len(peer.missing) < 40 else "-"
    text = time_text(median(peer.medians))
    ratio = None if ours is None else _ratio(peer, ours)
    return text if ratio is None else f"{text} ({ratio_text(ratio)})"


def _faults(timings: dict[Contestant, list[Timing]]) -> list[str]:
    """One line a contestant that did not run, with the reason."""
    return [
        f"- {contestant.name}: {reason}"
        for contestant, found in timings.items()
        for reason in sorted({t.missing for t in found if len(t.missing) >= 40})
    ]


Found = dict[Contestant, dict[int, dict[Task, Timing]]]


def _compared(setup: Drawings, shape: str, sizes: Sequence[int], tasks: Sequence[Task]) -> Found:
    """Every contender on every size, the smallest first."""
    everyone = [WORKBENCH, *PEERS.values()]
    found: Found = {contestant: {} for contestant in everyone}
    for size in sizes:
        for contestant in everyone:
            found[contestant][size] = setup.measured(contestant, shape, size, tasks)
    return found


def _side_by_side(found: Found, sizes: Sequence[int], task: Task) -> str:
    ours = found[WORKBENCH]
    rows = [
        [
            f"{size:,}",
            _cell(ours[size][task]),
            *(_cell(found[peer][size][task], ours[size][task]) for peer in PEERS.values()),
        ]
        for size in sizes
    ]
    return table(["nodes", *(contestant.name for contestant in found)], rows)


def _all(found: Found, contestant: Contestant) -> list[Timing]:
    return [timing for tasks in found[contestant].values() for timing in tasks.values()]


def validate(setup: Drawings) -> Section:
    """Whether a given set is valid."""
    sizes = setup.upto(100, 1_000, 10_000, 100_000)
    same, new = Task("is_valid"), Task("is_valid", fresh=True)
    calls = same.calls(setup.planned("broad", sizes[0])[0].questions)
    parts = [
        f"Median over {len(calls)} sets, of five kinds for each of four questions, each the median "
        "of its repetitions (31 where they are short; one where a call takes a second, and then "
        "not all sets may be tried: ratios are over the calls that both made). In brackets: "
        "peer : workbench. *Same question*: what depends on the question alone was worked out "
        "before the clock started. *New question*: that is part of the call.",
    ]
    aims: list[Aim] = []
    for shape in SHAPES:
        found = _compared(setup, shape, sizes, [same, new])
        everything = {contestant: _all(found, contestant) for contestant in found}
        parts += [
            f"### {shape.capitalize()} graphs",
            "Same question, next set:",
            _side_by_side(found, sizes, same),
            "New question:",
            _side_by_side(found, sizes, new),
            f"By kind of set, {sizes[-1]:,} nodes, same question:",
            _by_kind(setup, shape, found, sizes[-1], same),
            "Verdicts that agree with the workbench's:",
            _agreement(found, sizes, same),
            *lines(_faults(everything)),
        ]
        aims += _aims(shape, found, sizes, same)
    return Section("Is this set valid?", tuple(parts), tuple(aims))


def _by_kind(setup: Drawings, shape: str, found: Found, size: int, task: Task) -> str:
    questions = setup.planned(shape, size)[0].questions
    calls = task.calls(questions)
    rows = []
    for kind, name in enumerate(KINDS):
        members = median(len(asked.sets[kind]) for asked in questions)
        row = [name, f"{members:,.0f}"]
        for contestant in found:
            timing = found[contestant][size][task]
            times = [
                time
                for time, (_, which) in zip(timing.medians, calls, strict=False)
                if which == kind
            ]
            row.append("-" if timing.missing or not times else time_text(median(times)))
        rows.append(row)
    return table(["kind", "members", *(contestant.name for contestant in found)], rows)


def _agreement(found: Found, sizes: Sequence[int], task: Task) -> str:
    ours = found[WORKBENCH]
    rows = [
        [
            "*sets that are valid*",
            *(f"{sum(ours[n][task].answers)} of {len(ours[n][task].answers)}" for n in sizes),
        ]
    ]
    for peer in PEERS.values():
        row = [peer.name + ("" if peer.complete else " (tests d-separation only)")]
        for size in sizes:
            pairs = list(
                zip(found[peer][size][task].answers, ours[size][task].answers, strict=False)
            )
            row.append(f"{sum(a == b for a, b in pairs)} of {len(pairs)}" if pairs else "-")
        rows.append(row)
    return table(["contender", *(f"{size:,} nodes" for size in sizes)], rows)


def _aims(shape: str, found: Found, sizes: Sequence[int], task: Task) -> list[Aim]:
    ours = found[WORKBENCH]
    aims = []
    for size, limit in ((1_000, 0.05), (100_000, 5.0)):
        if size in sizes and (time := _median(ours[size][task])) is not None:
            text = f"{shape}, {size:,} nodes, same question: below {limit:g} ms"
            aims.append(Aim(text, time_text(time), time < limit * MILLISECOND))
    for peer in (PEERS["networkx"], PEERS["dowhy"]):
        for size in sizes[1:]:
            ratio = _ratio(found[peer][size][task], ours[size][task])
            text = f"{shape}, {size:,} nodes, same question: 100 times as fast as {peer.name}"
            missing = found[peer][size][task].missing
            if ratio is not None:
                aims.append(Aim(text, ratio_text(ratio), ratio >= 100))
            elif missing.startswith("> ") and ours[size][task].rounds:
                # Which call was cut short is not known here: compared with our slowest.
                slowest = max(ours[size][task].medians)
                least = float(missing.split()[1]) * 1e9 / slowest
                aims.append(Aim(text, f"{missing}, {ratio_text(least)} or more", least >= 100))
    return aims


def minimal(setup: Drawings) -> Section:
    """One set from which nothing can be left out."""
    sizes = setup.upto(100, 1_000, 10_000, 100_000)
    new = Task("minimal_set", fresh=True)
    parts = [
        "Median over four new questions, each the median of its repetitions. In brackets: peer : "
        "workbench. DoWhy tries sets by size; where that was hopeless it was not tried on more "
        "nodes.",
    ]
    aims: list[Aim] = []
    for shape in SHAPES:
        found = _compared(setup, shape, sizes, [new])
        everything = {contestant: _all(found, contestant) for contestant in found}
        rows = []
        for contestant in found:
            row = [contestant.name]
            for size in sizes:
                answers = found[contestant][size][new].answers
                good = _minimal_ones(setup.planned(shape, size)[0], answers)
                row.append(f"{good} of {len(answers)}" if answers else "-")
            rows.append(row)
        parts += [
            f"### {shape.capitalize()} graphs",
            _side_by_side(found, sizes, new),
            "Sets that are valid and minimal, by the workbench's check of the set and of all that "
            "lack one member:",
            table(["contender", *(f"{size:,} nodes" for size in sizes)], rows),
            *lines(_faults(everything)),
        ]
        if 100_000 in sizes:
            time = _median(found[WORKBENCH][100_000][new])
            text = f"{shape}, 100,000 nodes: below 200 ms"
            shown = "no time" if time is None else time_text(time)
            aims.append(Aim(text, shown, time is not None and time < 200 * MILLISECOND))
    return Section("One minimal set", tuple(parts), tuple(aims))


def _minimal_ones(drawn: Plan, answers: Sequence[Sequence[str] | None]) -> int:
    """How many of *answers*, one a question, are valid and minimal."""
    dag = dag_of(drawn.drawing)
    good = 0
    for asked, names in zip(drawn.questions, answers, strict=False):
        question = dag.question(asked.exposure, asked.outcome, effect="total")
        good += (
            names is not None
            and is_valid(question, names)
            and not any(is_valid(question, {*names} - {name}) for name in names)
        )
    return good


def listing(setup: Drawings) -> Section:
    """The first 100 minimal sets."""
    sizes = setup.upto(100, 1_000, 10_000)
    lazy, all_ = Task("hundred_sets", fresh=True), Task("hundred_sorted", fresh=True)
    rows, aims = [], []
    for shape in SHAPES:
        for size in sizes:
            found = setup.measured(WORKBENCH, shape, size, [lazy, all_])
            cells = [
                cell
                for task in (lazy, all_)
                for cell in (_cell(found[task]), ", ".join(map(str, found[task].answers)))
            ]
            rows.append([f"{shape}, {size:,}", *cells])
            if size == 1_000 and (time := _median(found[lazy])) is not None:
                text = f"{shape}, 1,000 nodes, `minimal_sets`: below 20 ms"
                aims.append(Aim(text, time_text(time), time < 20 * MILLISECOND))
    return Section(
        "The first 100 minimal sets",
        (
            "The workbench alone: no peer here lists minimal sets. New question; median over four "
            "questions, and how many sets each found. `adjust` answers all else too, and lists "
            "fewer in large graphs, to keep a bound on the time.",
            table(["nodes", "`minimal_sets`", "found", "`adjust(most=100)`", "found"], rows),
        ),
        tuple(aims),
    )


def files(setup: Drawings) -> Section:
    """Reading and writing a large file."""
    import networkx as nx

    from causal.graph.notation import read_file

    setup.versions["networkx"] = nx.__version__
    size = 10_000 if setup.quick else 100_000
    drawn, _ = setup.planned("broad", size)
    dag = dag_of(drawn.drawing)
    graph = nx.DiGraph(drawn.drawing.edges)
    dagitty, edges = setup.folder / "large.dag", setup.folder / "large.edges"
    dagitty.write_text(dag.to_dagitty(), encoding="utf-8")
    nx.write_edgelist(graph, edges, data=False)
    setup.say(f"files of {size:,} nodes")
    assert read_file(dagitty) == dag
    times = {
        "read": _repeated(lambda: read_file(dagitty)),
        "write": _repeated(lambda: dagitty.write_text(dag.to_dagitty(), encoding="utf-8")),
        "nx read": _repeated(lambda: nx.read_edgelist(edges, create_using=nx.DiGraph, data=False)),
        "nx write": _repeated(lambda: nx.write_edgelist(graph, edges, data=False)),
    }
    rows = [
        [verb, time_text(times[verb]), time_text(theirs), ratio_text(theirs / times[verb])]
        for verb in ("read", "write")
        for theirs in [times[f"nx {verb}"]]
    ]
    aims = []
    if size == 100_000:
        aims.append(
            Aim(
                "reading 100,000 nodes and 200,000 arrows below 2 s",
                time_text(times["read"]),
                times["read"] < 2_000 * MILLISECOND,
            )
        )
    return Section(
        "Files",
        (
            f"DAGitty's notation, {size:,} nodes and {len(drawn.drawing.edges):,} arrows, beside "
            "networkx with a bare list of the same edges (no quotes, marks, comments or check for "
            f"cycles). Median of {REPEATED}.",
            table(["", "Causal Workbench", "networkx edge list", "peer : workbench"], rows),
        ),
        tuple(aims),
    )


REPEATED = 5


def _repeated(call: Callable[[], object]) -> float:
    """The median time of *call*, without garbage collection in it."""
    import gc
    from time import perf_counter_ns

    times = []
    for _ in range(REPEATED):
        gc.collect()
        gc.disable()
        start = perf_counter_ns()
        kept = call()
        times.append(perf_counter_ns() - start)
        gc.enable()
        del kept
    return median(times)


def command(setup: Drawings) -> Section:
    """`causal explain`, the whole process."""
    drawn, _ = setup.planned("broad", 30, 1)
    asked = drawn.questions[0]
    path = setup.folder / "thirty.dag"
    marked = dag_of(drawn.drawing).marked(exposures=[asked.exposure], outcomes=[asked.outcome])
    path.write_text(marked.to_dagitty(), encoding="utf-8")
    count = 5 if setup.quick else 21
    # Compiled files go to a folder of our own, whatever the caller's settings are.
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(setup.folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    commands = {
        "`causal explain`, 30 nodes": ["-m", "causal", "explain", str(path)],
        "Python alone": ["-c", "pass"],
    }
    rows, aims = [], []
    for name, arguments in commands.items():
        setup.say(f"whole process: {name}")
        runs = processes([sys.executable], arguments, count + 2, environment)
        assert not isinstance(runs, str), runs
        time = median(run.seconds for run in runs[2:]) * 1e9
        memory = median(run.megabytes for run in runs[2:])
        rows.append([name, time_text(time), f"{memory:.0f} MB"])
        if "explain" in name:
            text = "`causal explain` of 30 nodes below 0.3 s"
            aims.append(Aim(text, time_text(time), time < 300 * MILLISECOND))
    return Section(
        "The command, from start to end",
        (
            f"Wall time and peak memory of the process, median of {count} after two that compile.",
            table(["command", "time", "peak memory"], rows),
        ),
        tuple(aims),
    )


def growth(setup: Drawings) -> Section:
    """How the workbench's times grow."""
    tasks = {
        "is_valid, same question": Task("is_valid"),
        "is_valid": Task("is_valid", fresh=True),
        "one minimal set": Task("minimal_set", fresh=True),
        "recommended set": Task("recommended_set", fresh=True),
        "minimum set": Task("minimum_set", fresh=True),
        "adjust": Task("adjust", fresh=True),
        "explain": Task("explain", fresh=True),
    }
    parts = [
        "The workbench alone; new questions but in the first column. `adjust` gives all sets of "
        "one question, `explain` both effects with a role and a reason for every variable. The "
        "slope is that of log time on log nodes from 1,000 nodes up: 1 is linear.",
    ]
    for shape in SHAPES:
        largest = [1_000_000] if shape == "broad" else []
        sizes = setup.upto(10, 100, 1_000, 10_000, 100_000, *largest)
        times: dict[str, dict[int, float]] = {name: {} for name in tasks}
        rows, faults = [], []
        for size in sizes:
            questions = 1 if size == 10 or size > 100_000 else 4
            found = setup.measured(
                WORKBENCH, shape, size, list(tasks.values()), questions=questions
            )
            for name, task in tasks.items():
                time = _median(found[task])
                if time is not None:
                    times[name][size] = time
                elif len(found[task].missing) >= 40:
                    faults.append(f"- {name}, {size:,} nodes: {found[task].missing}")
            rows.append([f"{size:,}", *(_cell(found[task]) for task in tasks.values())])
        slopes = []
        for name in tasks:
            known = [size for size in times[name] if size >= 1_000]
            grown = slope(known, [times[name][size] for size in known])
            slopes.append("-" if grown is None else f"{grown:.2f}")
        parts += [
            f"### {shape.capitalize()} graphs",
            table(["nodes", *tasks], [*rows, ["*slope*", *slopes]]),
            *lines(faults),
        ]
    return Section("Growth", tuple(parts))


SECTIONS: dict[str, Callable[[Drawings], Section]] = {
    "validate": validate,
    "minimal": minimal,
    "listing": listing,
    "files": files,
    "command": command,
    "growth": growth,
}

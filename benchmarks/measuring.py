"""Giving a job to a worker, and what comes back: times, answers, or why there are none.

Every contender is measured in a process of its own, on the same drawing and the same calls. A call
that takes longer than the cap is ended with its process; the tasks behind it go to another one.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import which
from statistics import median
from typing import Any

from benchmarks.graphs import KINDS, Asked, Plan

__all__ = [
    "PEERS",
    "Contestant",
    "Job",
    "Process",
    "Task",
    "Timing",
    "measure",
    "processes",
    "python_with",
    "stored",
]

ROOT = Path(__file__).parents[1]
LOADING = 600.0
"""Seconds within which a graph must be loaded, the peer's installation included."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A peer as the tables know it.

    *complete*: its verdicts are those of the complete criterion. *requires*: it runs in an
    environment of its own that holds this, because it cannot share ours.
    """

    name: str
    module: str
    complete: bool = True
    requires: tuple[str, ...] = ()

    def command(self) -> list[str] | str:
        """The command that starts its worker, or why there is none."""
        python = python_with(self.requires)
        if isinstance(python, str):
            return python
        return [*python, "-W", "ignore", "-m", "benchmarks.worker"]


def python_with(requires: Sequence[str]) -> list[str] | str:
    """The beginning of a command: a Python that has *requires*; or why there is none.

    Without any it is this one; otherwise one in an environment of its own.
    """
    if not requires:
        return [sys.executable]
    uv = os.environ.get("UV") or which("uv")
    if uv is None:
        return "needs uv, which is not on the PATH"
    extra = [part for needed in requires for part in ("--with", needed)]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    own = ["--quiet", "--isolated", "--no-project", "--python", python]
    return [uv, "run", *own, *extra, "python"]


@dataclass(frozen=True, slots=True)
class Process:
    """One process from start to end: how long, its peak memory, what it printed."""

    seconds: float
    megabytes: float
    printed: str


def processes(
    python: Sequence[str], arguments: Sequence[str], count: int, environment: Mapping[str, str]
) -> list[Process] | str:
    """Start *python* with *arguments* again and again; or why that cannot be done."""
    ran = subprocess.run(  # noqa: S603 - a command of our own
        [*python, "-m", "benchmarks.whole", str(count), *arguments],
        env=dict(environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        said = ran.stderr.strip().splitlines() or ["it ended without a word"]
        return f"does not run here: {said[-1][:160]}"
    return [Process(*run) for run in json.loads(ran.stdout)]


WORKBENCH = Contestant("Causal Workbench", "workbench")
PEERS = {
    "networkx": Contestant("networkx recipe", "networkx_recipe"),
    # DoWhy 0.14 wants scipy <= 1.15.3 and no Python 3.14: in one environment with the workbench it
    # would set back numpy, scipy and PyMC for everyone.
    "dowhy": Contestant("DoWhy", "dowhy_backdoor", complete=False, requires=("dowhy>=0.14,<0.15",)),
    "cifly": Contestant("ciflypy", "cifly"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """A method of a peer. *fresh*: the question is part of the call."""

    method: str
    fresh: bool = False

    def calls(self, questions: Sequence[Asked]) -> list[tuple[int, int | None]]:
        """The calls in order: a question, and one of its sets where the method takes one.

        Neighbours differ in both, so that the first few calls are as mixed as all of them.
        """
        if self.method != "is_valid":
            return [(number, None) for number in range(len(questions))]
        kinds = len(KINDS)
        return [(n, (n + k) % kinds) for k in range(kinds) for n in range(len(questions))]


@dataclass(frozen=True, slots=True)
class Timing:
    """The calls of one task: for each, nanoseconds (round by round) and the first answer.

    *missing*: why calls are lacking, as words for a table cell; empty where none is.
    """

    rounds: tuple[tuple[int, ...], ...] = ()
    answers: tuple[Any, ...] = ()
    missing: str = ""

    @property
    def medians(self) -> list[float]:
        """The median of each call over its repetitions."""
        return [median(call) for call in self.rounds]

    @property
    def repetitions(self) -> int:
        """How often each call was repeated, at least."""
        return min(map(len, self.rounds), default=0)


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is given.

    *budget*: seconds after which the calls of a task are not repeated; after six times as many,
    even those left are not made. *cap*: seconds a call may take.
    """

    drawing: Path
    questions: Sequence[Asked]
    tasks: Sequence[Task]
    budget: float = 1.0
    cap: float = 20.0

    def text(self, contestant: Contestant) -> str:
        """The job as the worker reads it."""
        questions = [
            {"exposure": q.exposure, "outcome": q.outcome, "sets": q.sets} for q in self.questions
        ]
        tasks = [
            {
                "method": task.method,
                "fresh": task.fresh,
                "calls": task.calls(self.questions),
            }
            for task in self.tasks
        ]
        return json.dumps(
            {
                "peer": contestant.module,
                "drawing": str(self.drawing),
                "questions": questions,
                "tasks": tasks,
                "budget": self.budget,
            }
        )


def stored(plan: Plan, path: Path) -> Path:
    """Write the drawing of *plan* where workers find it."""
    drawing = plan.drawing
    path.write_text(
        json.dumps({"nodes": drawing.nodes, "edges": drawing.edges, "latent": drawing.latent}),
        encoding="utf-8",
    )
    return path


@dataclass(slots=True)
class _Record:
    """What a worker has said."""

    versions: dict[str, str] = field(default_factory=dict)
    timings: list[Timing] = field(default_factory=list)
    ended: bool = False  # in the middle of the last task
    fault: str = ""


def measure(
    contestant: Contestant, job: Job, *, versions: dict[str, str] | None = None
) -> dict[Task, Timing]:
    """Let *contestant* do *job*.

    Parameters
    ----------
    contestant, job
        Who, and what.
    versions
        Distributions and their versions are added to it.

    Returns
    -------
    dict
        One `Timing` a task. Where the contestant cannot run or fails, its `missing` says why.
    """
    done: dict[Task, Timing] = {}
    left = list(job.tasks)
    while left:
        record = _run(contestant, replace(job, tasks=left))
        if versions is not None:
            versions.update(record.versions)
        done.update(zip(left, record.timings, strict=False))
        left = left[len(record.timings) :]
        if record.fault:
            done.update({task: Timing(missing=record.fault) for task in left})
            return done
        if record.ended:  # the same with the question included takes no less
            slow = {task.method: timing.missing for task, timing in done.items() if timing.missing}
            done.update({t: Timing(missing=slow[t.method]) for t in left if t.method in slow})
            left = [task for task in left if task.method not in slow]
    return done


def _run(contestant: Contestant, job: Job) -> _Record:
    """One process: as many tasks as it gets done, the last of them perhaps cut short."""
    record = _Record()
    command = contestant.command()
    if isinstance(command, str):
        record.fault = command
        return record
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(  # noqa: S603 - a command of our own
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        assert process.stdin is not None
        assert process.stdout is not None
        reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            process.stdin.write(job.text(contestant))
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has said why
        try:
            _listen(lines, job, record)
        finally:
            if process.poll() is None:
                # All of the session: uv has started Python as a process of its own.
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            reader.join()
            process.stdout.close()
        errors.seek(0)
        if len(record.timings) < len(job.tasks) and not record.ended and not record.fault:
            said = errors.read().strip().splitlines() or ["it ended without a word"]
            record.fault = f"does not run here: {said[-1][:160]}"
    return record


def _read(stream: Any, lines: queue.SimpleQueue[str]) -> None:
    """Pass lines on as they come, and an empty one at the end."""
    for line in stream:
        lines.put(line)
    lines.put("")


def _listen(lines: queue.SimpleQueue[str], job: Job, record: _Record) -> None:
    """Take down what a worker says, until it has finished or is overdue."""
    answers: list[Any] = []
    first: list[int] = []
    patience = LOADING
    while len(record.timings) < len(job.tasks):
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            if patience == LOADING:
                record.fault = f"was not ready after {LOADING:.0f} s"
            else:
                missing = f"> {job.cap:.0f} s"
                rounds = tuple((ns,) for ns in first)
                record.timings.append(Timing(rounds, tuple(answers), missing))
            record.ended = True
            return
        if not line:
            return
        message: Mapping[str, Any] = json.loads(line)
        if "loaded" in message:
            record.versions.update(message["versions"])
        elif "failed" in message:
            record.timings.append(Timing((), tuple(answers), message["failed"]))
            record.ended = True
            return
        elif "call" in message:
            answers.append(message["call"])
            first.append(message["ns"])
        else:
            calls = zip(*_padded(message["rounds"]), strict=True)
            kept = tuple(tuple(ns for ns in call if ns is not None) for call in calls)
            record.timings.append(Timing(kept, tuple(answers)))
            answers, first = [], []
        # Behind a call come its repetitions, which take as long as the budget, or one call more.
        patience = job.cap + job.budget if "call" in message else job.cap


def _padded(rounds: list[list[int]]) -> list[list[int | None]]:
    """Rounds of one length: the last may have been cut short."""
    longest = max(map(len, rounds))
    return [[*calls, *[None] * (longest - len(calls))] for calls in rounds]

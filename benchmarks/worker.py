"""The process in which one contender is measured.

A job comes in on standard input, as JSON; messages go out, one a line: ``loaded``; for each task
one ``call`` a call, as soon as it has returned; then ``rounds``, when all have been repeated. Who
reads them can end the process when a message is overdue.

Garbage is collected between calls and never during one, and what was made before is kept out of it.
Rounds go over all calls before any is repeated, so that none finds its own data still warm.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from time import perf_counter, perf_counter_ns
from typing import Any

from benchmarks.peers.contract import Peer

MOST_ROUNDS = 31


def main() -> None:
    """Do the job."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a contender prints is none of ours

    def say(**message: Any) -> None:
        out.write(json.dumps(message) + "\n")

    job = json.load(sys.stdin)
    module = importlib.import_module(f"benchmarks.peers.{job['peer']}")
    peer: Peer = module.Contender()
    with open(job["drawing"], encoding="utf-8") as file:  # noqa: PTH123 - as in the package
        drawing = json.load(file)
    began = perf_counter()
    peer.load(drawing["nodes"], [tuple(edge) for edge in drawing["edges"]], drawing["latent"])
    say(
        loaded=perf_counter() - began,
        versions={package: version(package) for package in peer.packages},
    )
    gc.disable()
    for task in job["tasks"]:
        try:
            _measure(peer, task, job, say)
        except Exception as error:  # noqa: BLE001 - a peer may raise anything
            say(failed=f"{type(error).__name__}: {str(error)[:200]}")
            return


def _measure(
    peer: Peer, task: dict[str, Any], job: dict[str, Any], say: Callable[..., None]
) -> None:
    """Make the calls of one task, round after round."""
    calls = list(_calls(peer, task, job["questions"]))
    _tidy()
    rounds: list[list[int]] = []
    began = perf_counter()
    while len(rounds) < MOST_ROUNDS and (not rounds or perf_counter() - began < job["budget"]):
        rounds.append([])
        for call in calls:
            start = perf_counter_ns()
            answer = call()
            took = perf_counter_ns() - start
            rounds[-1].append(took)
            if len(rounds) == 1:
                say(call=answer, ns=took)
            if took > 10_000_000:  # shorter ones leave little behind
                gc.collect()
            if perf_counter() - began > 6 * job["budget"]:
                break  # a slow one has made enough calls
    say(rounds=rounds)


def _tidy() -> None:
    """Collect garbage, and look at what is left no more."""
    gc.collect()
    gc.freeze()


def _calls(
    peer: Peer, task: dict[str, Any], questions: list[dict[str, Any]]
) -> Iterator[Callable[[], Any]]:
    """What to measure: a method, about a question, with a set where it takes one."""
    method: Callable[..., Any] = getattr(peer, task["method"])
    ends = [(question["exposure"], question["outcome"]) for question in questions]
    settled = [] if task["fresh"] else [peer.question(*pair) for pair in ends]
    for number, which in task["calls"]:
        given = () if which is None else (peer.own(questions[number]["sets"][which]),)
        if task["fresh"]:
            yield partial(_asked_anew, peer, method, ends[number], given)
        else:
            yield partial(method, settled[number], *given)


def _asked_anew(
    peer: Peer, method: Callable[..., Any], ends: tuple[str, str], given: tuple[Any, ...]
) -> Any:
    return method(peer.question(*ends), *given)


if __name__ == "__main__":
    main()

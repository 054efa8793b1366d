"""The process in which one contender fits one model.

A job comes in on standard input, as JSON: the contender's module, the name of its model, where the
data are and where the draws go. The contender gets ready (data frames, files read) before the clock
starts; then it makes the model, compiles it and samples. Python 3.9 reads this file, for PyMC3.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np


def main() -> None:
    """Do the job."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a contender prints is none of ours
    job = json.load(sys.stdin)
    peer: Any = importlib.import_module("benchmarks.peers." + job["peer"])
    with np.load(job["data"]) as file:
        data = dict(file)
    call = getattr(peer, job["model"])(data, **job["options"])
    began = perf_counter()
    found = call()
    first = perf_counter() - began
    again = [_timed(call) for _ in range(job["again"])]
    np.savez(job["draws"], **found["draws"])
    said = {key: value for key, value in found.items() if key != "draws"}
    said.update(first=first, repeated=len(again), versions=peer.versions())
    if again:
        said["sampling"] = median(again)
    json.dump(said, out)


def _timed(call: Any) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began


if __name__ == "__main__":
    main()

"""Blocks of rows, worked on by several threads: numpy and Arrow let go of the interpreter."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["mapped", "ready"]

FEWEST, MOST = 2, 8
"""Threads; each holds a block, and memory shall not grow with the machine. One computes while the
other waits for the disk.
"""


def ready[Part](part: Part) -> Callable[[], Part]:
    """A function that gives what is there already, beside others that must read it first."""
    return lambda: part


def mapped[Part, Made](work: Callable[[Part], Made], parts: Iterable[Part]) -> Iterator[Made]:
    """What *work* makes of each part, in the order of the parts, whichever was ready first.

    The parts themselves are taken in the calling thread, a few ahead. What *work* raises is raised
    here, in its place.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = min(max(cores or FEWEST, FEWEST), MOST)
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for part in parts:
                waiting.append(pool.submit(work, part))
                if len(waiting) > count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()

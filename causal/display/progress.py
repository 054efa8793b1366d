"""Progress of slow work on standard error: a bar in a terminal, one line per 10 % elsewhere.

Work of a second leaves no trace in a log; what is of unknown length (compiling a model) is named
once and, in a terminal, shows that the machine is alive.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from causal.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["progress"]


@contextmanager
def progress(*, silent: bool) -> Iterator[Callable[[str, float], None] | None]:
    """Give a function that is told what is being done and which share of it is done, or None."""
    if silent:
        yield None
    elif sys.stderr.isatty():
        with _bar() as told:
            yield told
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Callable[[str, float], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {}

        def told(what: str, share: float) -> None:
            if what not in tasks:
                for task in bar.tasks:  # one thing at a time: the last one is done
                    bar.remove_task(task.id)
                # Of unknown length until a share is known.
                tasks[what] = bar.add_task(shown(what, 60)[1:-1], total=None)
            if share > 0.0:
                bar.update(tasks[what], total=1.0, completed=share)

        yield told


def _lines() -> Callable[[str, float], None]:
    last: dict[str, int] = {}
    began: dict[str, float] = {}

    def told(what: str, share: float) -> None:
        step = int(share * 10)
        if step == last.get(what):
            return
        now = monotonic()
        began.setdefault(what, now)
        first = what not in last
        last[what] = step
        if first:
            print(f"causal: {shown(what, 80)[1:-1]} ...", file=sys.stderr, flush=True)
        else:
            spent = now - began[what]
            print(
                f"causal: {shown(what, 80)[1:-1]}: {step * 10} %, {spent:.1f} s",
                file=sys.stderr,
                flush=True,
            )

    return told

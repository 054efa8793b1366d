"""Figures as text: times, ratios, growth, tables, the machine."""

from __future__ import annotations

import math
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["load", "machine", "ratio_text", "slope", "table", "time_text"]


def time_text(nanoseconds: float) -> str:
    """Three digits in the unit that suits: ``41.2 µs``."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{_three(nanoseconds / size)} {unit}"
    return f"{nanoseconds:.0f} ns"


def ratio_text(ratio: float) -> str:
    """How many times as long: ``39 x``, ``0.16 x``."""
    return f"{_three(ratio) if ratio < 10 else format(ratio, ',.0f')} x"


def _three(value: float) -> str:
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:,.{min(digits, 3)}f}"


def slope(sizes: Sequence[int], times: Sequence[float]) -> float | None:
    """The least-squares slope of log time on log size: 1 is linear growth. None for one point."""
    if len(sizes) < 2:
        return None
    xs, ys = [math.log(size) for size in sizes], [math.log(time) for time in times]
    middle, height = sum(xs) / len(xs), sum(ys) / len(ys)
    rise = sum((x - middle) * (y - height) for x, y in zip(xs, ys, strict=True))
    return rise / sum((x - middle) ** 2 for x in xs)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def load() -> str:
    """How busy the machine is: the load average of the last minute beside the cores."""
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def machine(versions: Mapping[str, str]) -> str:
    """What the figures were measured on, as a list."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = [line.partition(":")[2] for line in text.splitlines() if "model name" in line]
    except OSError:
        names = [platform.processor()]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    return "\n".join(
        [
            f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            f"- {os.cpu_count()} cores ({' '.join(names[0].split()) or 'unnamed'}), "
            f"{memory:.0f} GB memory, {platform.system()} {platform.machine()}",
            f"- Python {platform.python_version()} ({sys.implementation.name}); {parts}",
        ]
    )

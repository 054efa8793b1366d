"""What a section of the results is made of, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Aim", "Section", "Setup", "lines"]


@dataclass(frozen=True, slots=True)
class Aim:
    """What was promised, in words, and whether it was kept; ``None`` where nobody knows."""

    text: str
    found: str
    met: bool | None

    def __str__(self) -> str:
        words = {True: "met", False: "**missed**", None: "**not measured**"}
        return f"- {self.text}: {', '.join(filter(None, [self.found, words[self.met]]))}"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    heading: str
    parts: tuple[str, ...]
    aims: tuple[Aim, ...] = ()

    def __str__(self) -> str:
        aims = "\n".join(map(str, self.aims))
        return "\n\n".join([f"## {self.heading}", *self.parts, *([aims] if aims else [])])


@dataclass(slots=True)
class Setup:
    """Where files may lie, how much is measured, whom to tell; versions as they come."""

    folder: Path
    quick: bool
    say: Callable[[str], None]
    versions: dict[str, str] = field(default_factory=dict)


def lines(found: list[str]) -> list[str]:
    """Remarks as one part, or none."""
    return ["\n".join(found)] if found else []

"""What is installed, and what that makes possible."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Finding", "examine", "findings_record", "view"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: whether it is there, what it is, and how to get it if not."""

    name: str
    there: bool
    what: str
    advice: str = ""


def examine() -> tuple[Finding, ...]:
    """Look at this machine; nothing heavy is imported for it."""
    import os
    import platform

    from causal import __version__
    from causal.display.drawing import renderer

    drawn = renderer()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        Finding("causal", True, __version__),
        Finding("python", True, f"{platform.python_version()} on {platform.system()}"),
        Finding("cores", True, str(cores)),
        Finding("samplers exact, importance", True, f"built in, numpy {version('numpy')}"),
        _libraries("sampler nuts", ("pymc", "nutpie", "arviz"), "bayes"),
        _libraries("sampler numpyro", ("numpyro", "jax"), "numpyro"),
        Finding(
            "renderer",
            drawn is not None,
            drawn or "none",
            "" if drawn else 'pip install "causal-workbench[draw]"',
        ),
        _libraries("warehouses", ("ibis", "duckdb"), "warehouse"),
        _libraries("many fits", ("joblib", "distributed"), "cluster"),
        _libraries("report plots", ("matplotlib",), "plot"),
        _libraries("exchange", ("networkx", "pandas"), "interop"),
        _pymc3(),
    )


def view(findings: tuple[Finding, ...]) -> Table:
    """The findings as a table for the terminal."""
    from rich.text import Text

    from causal.display.text import clip, table

    made = table(["part", "there", "what"])
    for found in findings:
        style = "green" if found.there else "yellow"
        what = f"{found.what}    {found.advice}" if found.advice else found.what
        made.add_row(found.name, Text("yes" if found.there else "NO", style=style), clip(what, 500))
    return made


def _libraries(name: str, needed: tuple[str, ...], extra: str) -> Finding:
    missing = [library for library in needed if find_spec(library) is None]
    if missing:
        return Finding(
            name,
            there=False,
            what=f"lacks {', '.join(missing)}",
            advice=f'pip install "causal-workbench[{extra}]"',
        )
    return Finding(name, True, ", ".join(f"{library} {_version(library)}" for library in needed))


def _version(library: str) -> str:
    try:
        return version({"ibis": "ibis-framework"}.get(library, library))
    except PackageNotFoundError:  # imported from a bare checkout
        return "of unknown version"


def _pymc3() -> Finding:
    """Ask the interpreter that carries PyMC3, which needs one of its own."""
    from causal.errors import MissingPart
    from causal.inference.pymc3 import ADVICE, find

    try:
        found = find()
    except MissingPart as error:
        what = str(error).removesuffix(ADVICE).strip()
        return Finding("pymc3 interpreter", there=False, what=what, advice=ADVICE)
    return Finding(
        "pymc3 interpreter", True, f"PyMC3 {found.pymc3} on Python {found.python}: {found.path}"
    )


def findings_record(findings: tuple[Finding, ...]) -> dict[str, dict[str, object]]:
    """What ``causal doctor --json`` prints."""
    return {
        found.name: {"there": found.there, "what": found.what, "advice": found.advice or None}
        for found in findings
    }

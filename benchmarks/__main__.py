"""``python -m benchmarks [SECTION ...] [--quick] [--output FILE]``.

Progress goes to standard error, results to standard output as they come. A full run also writes
``benchmarks/RESULTS.md``; a part of it only what ``--output`` names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from benchmarks import criteria, digits, posteriors, rows, runs
from benchmarks.criteria import Drawings
from benchmarks.sections import Section
from benchmarks.tables import load, machine

SECTIONS: Mapping[str, Callable[[Drawings], Section]] = {
    **criteria.SECTIONS,
    **posteriors.SECTIONS,
    **runs.SECTIONS,
    **rows.SECTIONS,
    **digits.SECTIONS,
}
RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = """# Benchmarks

Written by `uv run --extra bench python -m benchmarks`: one run, the same questions and data for
everyone, one after the other, each in a process of its own.

In the sections about criteria drawings are random: each node has two causes among all nodes
before it in some order (*broad*) or among the hundred before it (*deep*), so that it has four
neighbours on average; a fifth of the nodes are latent. Questions are about the total effect,
confounded and identifiable. Graphs are loaded, and sets brought into each contender's own form,
before the clock starts; garbage is not collected while it runs. A call of more than 20 s is ended
with its process.

In the sections about posteriors everyone has the same model, and the means are compared: an answer
that is not that of the workbench is called so in words. Packages are imported and data are in
everyone's own form before the clock starts. *Compiled* is the time from there to the draws, the
model made and compiled; *sampling* what the sampler itself reports. What is kept on disk of
compiled code is there from a run before, which is thrown away (not for PyMC3, which compiles for
long). Of the workbench's own samplers, which compile nothing, the first call in a fresh process
stands under *compiled*, the median of later ones under *sampling*."""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, few repetitions")
    parser.add_argument("--output", type=Path, help="where to write the results")
    given = parser.parse_args()
    unknown = sorted({*given.sections} - {*SECTIONS})
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    chosen = [name for name in SECTIONS if name in given.sections or not given.sections]
    whole = not given.sections and not given.quick
    output = given.output or (RESULTS if whole else None)

    began = perf_counter()

    def say(what: str) -> None:
        print(f"{perf_counter() - began:6.0f} s  {what}", file=sys.stderr, flush=True)

    before = load()
    written = []
    with tempfile.TemporaryDirectory() as folder:
        setup = Drawings(Path(folder), given.quick, say)
        setup.versions["causal-workbench"] = version("causal-workbench")
        for name in chosen:
            section = str(SECTIONS[name](setup))
            print(f"\n{section}", flush=True)
            written.append(section)
    busy = f"- load average {before} before, {load()} after; {perf_counter() - began:.0f} s in all"
    head = f"{HEAD}\n\n{machine(setup.versions)}\n{busy}"
    print(f"\n{machine(setup.versions)}\n{busy}")
    if output is not None:
        output.write_text("\n\n".join([head, *written]) + "\n", encoding="utf-8")
        say(f"written to {output}")


if __name__ == "__main__":
    main()

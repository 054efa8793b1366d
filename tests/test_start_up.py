"""What a command imports: start-up is felt at every call, so it is tested by what is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NHEFS = ["dags/nhefs.dag", "experiments/data/nhefs.csv"]
HEAVY = {
    "arviz",
    "dask",
    "distributed",
    "duckdb",
    "ibis",
    "joblib",
    "matplotlib",
    "networkx",
    "numba",
    "nutpie",
    "pandas",
    "pymc",
    "pytensor",
    "scipy",
    "xarray",
}


def imported(code: str) -> set[str]:
    """Top-level names in `sys.modules` after *code* ran in a process of its own."""
    program = (
        f"{code}\nimport json, sys\nsys.stderr.write('MODULES' + json.dumps(list(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.split(".")[0] for name in json.loads(ran.stderr.split("MODULES")[1])}


def command(*arguments: str) -> str:
    return (
        f"import sys; sys.argv = {['causal', *arguments]!r}\n"
        "from causal.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert end.code == 0, end.code"
    )


def test_importing_the_package_loads_nothing():
    assert not imported("import causal") & (HEAVY | {"numpy", "pyarrow", "rich", "click"})


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "fork"],
        ["explain", "fork", "--json"],
        ["check", "fork", "--adjust", "z"],
        ["check", "fork", "--model", "y ~ x + z"],
    ],
    ids=" ".join,
)
def test_explain_and_check_load_no_array_library(arguments):
    assert not imported(command(*arguments)) & (HEAVY | {"numpy", "pyarrow"})


@pytest.mark.parametrize("option", [[], ["--json"], ["--quiet"]], ids=["table", "json", "quiet"])
def test_the_exact_run_loads_numpy_and_pyarrow_and_nothing_else_heavy(option):
    loaded = imported(command("run", *NHEFS, *option))
    assert {"numpy", "pyarrow"} <= loaded
    assert not loaded & HEAVY


def test_the_report_adds_matplotlib_alone(tmp_path):
    loaded = imported(command("run", *NHEFS, "--quiet", "--report", str(tmp_path / "r.html")))
    assert loaded & HEAVY <= {"matplotlib"}


def test_experiments_load_nothing_heavy():
    assert not imported(command("experiment", "fork")) & HEAVY

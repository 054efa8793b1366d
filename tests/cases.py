"""Queries with the answers of DAGitty's own test suite and gallery, read from where they are kept.

The folder that the variable ``CAUSAL_CASES`` names holds ``dagitty.json``: its source has another
licence, so it is no part of this project.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

__all__ = ["dagitty_cases", "dagitty_kinds", "needs_cases"]

needs_cases = pytest.mark.skipif(
    "CAUSAL_CASES" not in os.environ, reason="CAUSAL_CASES names the folder of DAGitty's own cases"
)


@cache
def _all() -> list[dict[str, Any]]:
    text = (Path(os.environ["CAUSAL_CASES"]) / "dagitty.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)
    return [case for case in found if case["graph_type"] in ("dag", "digraph")]


def dagitty_cases(*kinds: str) -> list[dict[str, Any]]:
    """Every case of these kinds whose graph is a directed one; never an empty list."""
    found = [case for case in _all() if case["kind"] in kinds]
    assert found
    return found


def dagitty_kinds() -> Counter[str]:
    """How many cases of each kind have a directed graph."""
    return Counter(case["kind"] for case in _all())

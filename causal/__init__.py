"""Causal Workbench: which regression answers your question, which one misleads, and why.

>>> import causal
>>> q = causal.Dag("x <- z -> y").question("x", "y")
>>> q.adjustment.adjust_for
('z',)
>>> bool(q.check([]))
False

Names load when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from causal.criteria.question import Question, ask
    from causal.data.table import Table, read_table
    from causal.errors import CausalError
    from causal.graph.dag import Dag
    from causal.models.priors import PriorChoice
    from causal.models.regression import Regression
    from causal.study.comparison import Study, run

__all__ = [
    "CausalError",
    "Dag",
    "PriorChoice",
    "Question",
    "Regression",
    "Study",
    "Table",
    "__version__",
    "ask",
    "read_table",
    "run",
]

__version__ = "0.1.0"

_HOME = {
    "CausalError": "causal.errors",
    "Dag": "causal.graph.dag",
    "PriorChoice": "causal.models.priors",
    "Question": "causal.criteria.question",
    "Regression": "causal.models.regression",
    "Study": "causal.study.comparison",
    "Table": "causal.data.table",
    "ask": "causal.criteria.question",
    "read_table": "causal.data.table",
    "run": "causal.study.comparison",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        msg = f"module 'causal' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

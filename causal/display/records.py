"""Evidence as JSON records: the shapes that `product.md` promises and `schema/` describes.

Numbers are never rounded and never NaN: what does not apply is null.
"""

from __future__ import annotations

import json
import math
from typing import Any

from causal.criteria.explanation import EffectExplanation, Explanation
from causal.criteria.verdict import Verdict
from causal.graph.dag import Dag
from causal.graph.walk import Path

__all__ = ["as_json", "explanation_record", "verdict_record"]

Record = dict[str, Any]


def as_json(record: Record) -> str:
    """One JSON object as text; a NaN or infinity in it is a defect and raises `ValueError`."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1)


def finite(number: float | None) -> float | None:
    """The number, or None where there is none to speak of."""
    return None if number is None or not math.isfinite(number) else float(number)


def explanation_record(explanation: Explanation) -> Record:
    """What ``causal explain --json`` prints."""
    question = explanation.question
    return {
        "exposure": list(question.exposures),
        "outcome": list(question.outcomes),
        "asked": question.effect,
        "effects": {
            "direct": _effect_record(question.dag, explanation.direct),
            "total": _effect_record(question.dag, explanation.total),
        },
    }


def verdict_record(verdict: Verdict) -> Record:
    """What ``causal check --json`` prints."""
    dag = verdict.question.dag
    return {
        "effect": verdict.question.effect,
        "adjust_for": list(verdict.adjust_for),
        "valid": verdict.valid,
        "backdoor": verdict.backdoor,
        "problems": [
            {
                "kind": problem.kind,
                "variable": problem.variable,
                "path": _text(dag, problem.path),
                "message": problem.message,
            }
            for problem in verdict.problems
        ],
        "suggestion": _names(verdict.suggestion),
    }


def _effect_record(dag: Dag, explained: EffectExplanation) -> Record:
    found = explained.adjustment
    return {
        "status": found.status,
        "adjust_for": _names(found.adjust_for),
        "minimal_sets": [list(names) for names in found.minimal_sets],
        "more_sets": found.more_sets,
        "minimum_set": _names(found.minimum_set),
        "optimal_set": _names(found.optimal_set),
        "canonical_set": _names(found.canonical_set),
        "assumes_zero": found.assumes_zero,
        "because": found.because,
        "open_paths": [path.text(dag) for path in found.open_paths],
        "answer": explained.answer,
        "variables": [
            {
                "name": variable.name,
                "role": variable.role,
                "use": variable.use,
                "reason": variable.reason,
                "path": _text(dag, variable.path),
                "if_opposite": variable.if_opposite,
            }
            for variable in explained.variables
        ],
    }


def _names(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def _text(dag: Dag, path: Path | None) -> str | None:
    return None if path is None else path.text(dag)

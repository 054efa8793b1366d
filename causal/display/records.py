"""Evidence as JSON records: the shapes that `product.md` promises and `schema/` describes.

Numbers are never rounded and never NaN: what does not apply is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from causal.criteria.explanation import EffectExplanation, Explanation
from causal.criteria.implications import Implications
from causal.criteria.verdict import Verdict
from causal.graph.dag import Dag
from causal.graph.walk import Path

if TYPE_CHECKING:
    from causal.inference.posterior import Summary
    from causal.study.comparison import Difference, Fit, Study
    from causal.study.effects import Effect

__all__ = [
    "as_json",
    "explanation_record",
    "finite",
    "implications_record",
    "studies_record",
    "verdict_record",
    "versions",
]

Record = dict[str, Any]


def as_json(record: Record) -> str:
    """One JSON object as text; a NaN or infinity in it is a defect and raises `ValueError`."""
    return json.dumps(record, allow_nan=False, indent=1)


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


def implications_record(implied: Implications) -> Record:
    """What ``--implications`` adds to ``causal explain --json``."""
    return {
        "implications": [
            {"a": one.a, "b": one.b, "given": list(one.given), "selected": list(one.selected)}
            for one in implied.statements
        ],
        "more_implications": not implied.complete,
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


def studies_record(studies: Sequence[Study]) -> Record:
    """What ``causal run --json`` prints: one study, or ``direct`` and ``total``."""
    if len(studies) == 1:
        return _study_record(studies[0])
    return {study.question.effect: _study_record(study) for study in studies}


def _study_record(study: Study) -> Record:
    from causal.display.sets import sets_record

    made = study.plan
    return {
        "question": {
            "exposure": study.question.exposures[0],
            "outcome": study.question.outcomes[0],
            "effect": study.question.effect,
        },
        "data": {
            "source": study.source.name,
            "sha256": study.source.sha256,
            "rows_read": made.rows_read,
            "rows_used": made.table.total,
            "dropped": dict(made.dropped),
            "notes": list(made.notes),
        },
        "models": {name: _fit_record(fit, study.prob) for name, fit in study.fits.items()},
        "shift": {name: _difference_record(found) for name, found in study.differences.items()},
        "left_out": dict(made.left_out),
        "prior_effect": _before_record(study),
        "subgroups": {
            name: {
                group: [_quantity_record(effect) for effect in found]
                for group, found in groups.items()
            }
            for name, groups in study.subgroups.items()
        },
        "path_analysis": _pathways_record(study),
        "minimal_sets": sets_record(study.sets),
        "seed": study.seed,
        "versions": versions(fit.draws.sampler for fit in study.fits.values()),
    }


def versions(samplers: Iterable[str]) -> dict[str, str]:
    """The versions of what the numbers depend on: those of PyMC and nutpie only if they drew."""
    import platform
    from importlib.metadata import version

    from causal import __version__

    parts, drew = ["numpy", "pyarrow"], {*samplers}
    if drew & {"nuts", "pymc", "numpyro"}:
        parts += ["pymc", "pytensor"]
    parts += ["nutpie"] if "nuts" in drew else []
    parts += ["numpyro", "jax"] if "numpyro" in drew else []
    found = {"causal-workbench": __version__, "python": platform.python_version()}
    return found | {name: version(name) for name in parts}


def _fit_record(fit: Fit, prob: float) -> Record:
    from causal.models.priors import describe  # brings numpy, which `explain` does without

    regression, checks = fit.regression, fit.draws.diagnostics
    return {
        "adjust_for": list(regression.adjust_for),
        "formula": regression.formula,
        "valid": fit.verdict.valid,
        "family": regression.family,
        "sampler": fit.draws.sampler,
        "effect": _quantity_record(fit.effect),
        "effects": [_quantity_record(effect) for effect in fit.effects],
        "coefficients": {
            name: _quantity_record(fit.draws.summary(name, prob))
            for name in regression.coefficient_names
        },
        "priors": list(describe(regression)),
        "diagnostics": {
            "rhat": finite(checks.rhat),
            "ess_bulk": finite(checks.ess_bulk),
            "ess_tail": finite(checks.ess_tail),
            "divergences": checks.divergences,
            "pareto_k": finite(checks.pareto_k),
            "problems": list(checks.problems),
        },
        "moved_by_priors": finite(fit.moved_by_priors),
        "seconds": fit.draws.seconds,
    }


def _quantity_record(found: Effect | Summary) -> Record:
    return {
        "mean": finite(found.mean),
        "sd": finite(found.sd),
        "interval": [finite(end) for end in found.interval],
        "prob": found.prob,
        "kind": "eti",
        "probability_positive": finite(found.probability_positive),
        "contrast": getattr(found, "contrast", None),
        "scale": getattr(found, "scale", None),
    }


def _before_record(study: Study) -> Record | None:
    """What the priors of the first model (the correct one, if there is one) say alone."""
    before = next(iter(study.fits.values())).before
    return None if before is None else _quantity_record(before)


def _pathways_record(study: Study) -> Record | None:
    apart = study.pathways
    if apart is None:
        return None
    return {
        "formulas": [regression.formula for regression in apart.regressions],
        "rows_used": apart.table.total,
        "direct": _quantity_record(apart.direct),
        "indirect": _quantity_record(apart.indirect),
        "total": _quantity_record(apart.total),
    }


def _difference_record(found: Difference) -> Record:
    shift = found.shift
    return {
        "mean": finite(shift.mean),
        "sd": finite(shift.sd),
        "interval": [finite(end) for end in shift.interval],
        "prob": shift.prob,
        "verdict": found.verdict,
        "difference_of_means": finite(found.of_means),
        "from_priors": finite(found.from_priors),
        "kept_priors": shift.kept_priors,
        "note": shift.note,
    }


def _effect_record(dag: Dag, explained: EffectExplanation) -> Record:
    found = explained.adjustment
    return {
        "status": found.status,
        "adjust_for": _names(found.adjust_for),
        "minimal_sets": [list(names) for names in found.minimal_sets],
        "more_sets": found.more_sets,
        "minimum_set": _names(found.minimum_set),
        "cheapest_set": _names(found.cheapest_set),
        "optimal_set": _names(found.optimal_set),
        "canonical_set": _names(found.canonical_set),
        "assumes_zero": found.assumes_zero,
        "because": found.because,
        "repairs": list(found.repairs),
        "open_paths": [path.text(dag) for path in found.open_paths],
        "answer": explained.answer,
        "instruments": [
            {"name": found.name, "given": list(found.given)}
            for found in explained.instruments.found
        ],
        "more_instruments": not explained.instruments.complete,
        "front_door": _names(explained.front_door.names if explained.front_door else None),
        "paths": [
            {
                "path": _text(dag, entry.path),
                "kind": entry.kind,
                "open_alone": entry.alone.open,
                "open": entry.given.open,
                "closed_by": list(entry.given.closed_by),
                "opened_by": list(entry.given.opened_by),
            }
            for entry in explained.paths.paths
        ],
        "more_paths": not explained.paths.complete,
        "precision": {
            variable.name: variable.precision
            for variable in explained.variables
            if variable.precision is not None
        },
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

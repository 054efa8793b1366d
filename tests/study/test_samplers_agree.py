"""Every sampler against every other, on every question of every shipped experiment.

One posterior, several ways to it: means, sds and tail quantiles agree within Monte Carlo error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from causal.catalog import experiments
from causal.data.table import read_table
from causal.errors import InferenceError
from causal.graph.notation import read
from causal.inference.posterior import Posterior
from causal.inference.select import choose, sample
from causal.models.formula import Formula, parse, parse_terms
from causal.models.generator import Plan, columns_read, grouping, plan
from causal.study.experiment import Asked, Lesson, load

pytest.importorskip("nutpie")
pytest.importorskip("pymc")
array_stats = pytest.importorskip("arviz_stats.base").array_stats

pytestmark = pytest.mark.heavy

WITHIN = 5.0
"""Monte Carlo errors, of both sides together; there are some hundred comparisons a lesson."""
TAILS = (0.055, 0.945)


def planned(lesson: Lesson, asked: Asked) -> Plan:
    question = read(lesson.dag).question(asked.exposure, asked.outcome, effect=asked.effect)
    own = {n: parse(m) if isinstance(m, str) else m for n, m in asked.own.items()}
    form = None if asked.form is None else parse_terms(asked.form)
    formulas = [model for model in (*own.values(), form) if isinstance(model, Formula)]
    groups = [name for name in grouping(formulas) if name in question.dag.names]
    table = read_table(
        lesson.simulate(),
        columns_read(question, formulas, asked.trials),
        categorical={*asked.categorical, *groups},
    )
    return plan(
        question,
        table,
        own=own,
        family=asked.family,
        form=form,
        trials=asked.trials,
        prior_choice=asked.priors,
    )


LESSONS = {name: load(path) for name, path in experiments().items()}
QUESTIONS = [
    pytest.param(lesson, asked, id=f"{name}-{number}")
    for name, lesson in LESSONS.items()
    if isinstance(lesson, Lesson)
    for number, asked in enumerate(lesson.questions)
]


def ways(made: Plan) -> Iterator[tuple[str, Mapping[str, Posterior]]]:
    """By each sampler that can sample one of the regressions, those that it can."""
    for asked in ("exact", "importance", "nuts"):
        able = []
        for regression in made.regressions:
            try:
                choose(regression, asked)
            except InferenceError:
                continue
            able.append(regression)
        found = {}
        for regression in able:
            try:
                found |= sample(
                    [regression], made.table, made.moments, asked=asked, draws=8_000, seed=7
                )
            except InferenceError:
                if asked != "importance":  # whose weights may be too uneven
                    raise
        yield asked, found


def summary(posterior: Posterior, name: str) -> dict[str, tuple[float, float]]:
    """Each number with its Monte Carlo error."""
    draws = posterior.values(name)
    found = {
        "mean": (float(draws.mean()), float(array_stats.mcse(draws, method="mean"))),
        "sd": (float(draws.std(ddof=1)), float(array_stats.mcse(draws, method="sd"))),
    }
    for prob in TAILS:
        error = float(array_stats.mcse(draws, method="quantile", prob=prob))
        found[str(prob)] = (float(np.quantile(draws, prob)), error)
    return found


@pytest.mark.parametrize(("lesson", "asked"), QUESTIONS)
def test_all_samplers_find_one_posterior(lesson: Lesson, asked: Asked) -> None:
    made = planned(lesson, asked)
    seen: dict[str, list[tuple[str, Posterior]]] = {}
    for way, posteriors in ways(made):
        for name, posterior in posteriors.items():
            seen.setdefault(name, []).append((way, posterior))
    assert all(len(found) > 1 for found in seen.values())
    for model, ((_, first), *others) in seen.items():
        for way, other in others:
            for name in first.names:
                one, two = summary(first, name), summary(other, name)
                for what, (value, error) in one.items():
                    apart = abs(value - two[what][0])
                    together = float(np.hypot(error, two[what][1]))
                    assert apart <= WITHIN * together + 1e-12, (model, way, name, what)

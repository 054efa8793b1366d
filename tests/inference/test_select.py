"""Which sampler a model gets."""

from __future__ import annotations

import numpy as np
import pytest

from causal.data.table import read_table
from causal.errors import InferenceError
from causal.graph.dag import Dag
from causal.inference.select import choose, sample
from causal.models.generator import observed, plan
from causal.models.priors import Distribution, PriorChoice


def planned(*, binary=False, **priors):
    random = np.random.default_rng(2)
    x, z = random.normal(size=(2, 80))
    y = x + z + random.normal(size=80)
    question = Dag("x <- z -> y; x -> y").question("x", "y")
    table = read_table({"x": x, "z": z, "y": (y > 0) if binary else y}, observed(question))
    choice = PriorChoice("default", {k: Distribution(*v) for k, v in priors.items()})
    return plan(question, table, prior_choice=choice)


@pytest.mark.parametrize(
    ("made", "asked", "sampler"),
    [
        (planned(), "auto", "exact"),
        (planned(), "exact", "exact"),
        (planned(), "nuts", "nuts"),
        (planned(sigma=("HalfCauchy", (1.0,))), "auto", "exact"),
        (planned(slope=("Flat", ())), "auto", "exact"),
        (planned(z=("StudentT", (3.0, 0.0, 1.0))), "auto", "nuts"),
        (planned(binary=True), "auto", "nuts"),
    ],
    ids=["normal", "asked", "forced", "any sigma", "flat", "Student prior", "binary outcome"],
)
def test_auto_takes_the_exact_sampler_wherever_it_is_valid(made, asked, sampler):
    assert choose(made.regressions[0], asked) == sampler


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (planned(z=("StudentT", (3.0, 0.0, 1.0))), "neither Normal nor Flat"),
        (planned(binary=True), "its family is bernoulli"),
    ],
    ids=["Student prior", "binary outcome"],
)
def test_exact_is_refused_with_the_reason_where_it_is_not(made, reason):
    with pytest.raises(InferenceError, match=reason):
        choose(made.regressions[0], "exact")


@pytest.mark.parametrize("asked", ["importance", "pymc3"])
def test_a_sampler_that_is_planned_is_said_to_be_missing(asked):
    with pytest.raises(InferenceError, match="not built yet"):
        choose(planned().regressions[0], asked)


def test_every_model_gets_a_posterior_of_its_own_by_name():
    made = planned()
    posteriors = sample(made.regressions, made.table, made.moments, draws=500, seed=3)
    assert list(posteriors) == ["correct", "unadjusted"]
    for regression in made.regressions:
        found = posteriors[regression.name]
        assert found.names == regression.coefficient_names
        assert found.draws.shape == (1, 500, len(found.names))
        assert found.sampler == "exact"


def test_both_samplers_answer_a_question_alike():
    """Within four Monte Carlo errors of NUTS; the exact mean has none."""
    pytest.importorskip("nutpie")
    made = planned()
    exact = sample(made.regressions, made.table, made.moments, draws=4000, seed=4)
    nuts = sample(made.regressions, made.table, made.moments, asked="nuts", draws=4000, seed=4)
    for name, found in nuts.items():
        size = found.diagnostics.ess_bulk
        for coefficient in found.names:
            one, other = found.summary(coefficient), exact[name].summary(coefficient)
            assert abs(one.mean - other.mean) < 4 * one.sd / np.sqrt(size), (name, coefficient)
            assert one.sd == pytest.approx(other.sd, rel=4 / np.sqrt(size)), (name, coefficient)

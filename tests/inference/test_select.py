"""Which sampler a model gets."""

from __future__ import annotations

import numpy as np
import pytest

from causal.data.table import read_table
from causal.errors import InferenceError
from causal.graph.dag import Dag
from causal.inference import importance, nuts, pymc_samplers
from causal.inference.posterior import Diagnostics, Posterior
from causal.inference.select import ASKED, check_there, choose, sample
from causal.models.formula import parse_terms
from causal.models.generator import observed, plan
from causal.models.priors import Distribution, PriorChoice


def planned(*, binary=False, form=None, family="auto", **priors):
    random = np.random.default_rng(2)
    x, z = random.normal(size=(2, 80))
    y = x + z + random.normal(size=80)
    question = Dag("x <- z -> y; x -> y; g -> y").question("x", "y")
    data = {"x": x, "z": z, "y": (y > 0) if binary else y, "g": ["a", "b", "c", "d"] * 20}
    if family == "cells":
        data |= {"x": x > 0, "z": z > 0}
    table = read_table(data, observed(question))
    choice = PriorChoice("default", {k: Distribution(*v) for k, v in priors.items()})
    right = None if form is None else parse_terms(form)
    return plan(question, table, prior_choice=choice, form=right, family=family)


@pytest.mark.parametrize(
    ("made", "asked", "sampler"),
    [
        (planned(), "auto", "exact"),
        (planned(), "exact", "exact"),
        (planned(), "nuts", "nuts"),
        (planned(sigma=("HalfCauchy", (1.0,))), "auto", "exact"),
        (planned(slope=("Flat", ())), "auto", "exact"),
        (planned(z=("StudentT", (3.0, 0.0, 1.0))), "auto", "importance"),
        (planned(binary=True), "auto", "importance"),
        (planned(binary=True), "importance", "importance"),
        (planned(binary=True), "nuts", "nuts"),
        (planned(), "importance", "importance"),
        (planned(form="poly(x, 2) + poly(z, 3):g"), "auto", "exact"),
        (planned(form="0 + g"), "auto", "exact"),
        (planned(form="offset(z)"), "auto", "exact"),
        (planned(family="student"), "auto", "importance"),
        (planned(family="cells", binary=True), "auto", "exact"),
        (planned(family="cells", binary=True), "exact", "exact"),
        (planned(family="cells", binary=True), "nuts", "nuts"),
        (planned(form="(1 | g)"), "auto", "importance"),
        (planned(form="(1 | g)", family="student"), "auto", "nuts"),
        (planned(), "pymc3", "pymc3"),
        (planned(), "pymc", "pymc"),
        (planned(), "numpyro", "numpyro"),
    ],
    ids=[
        *("normal", "asked", "forced", "any sigma", "flat", "Student prior", "binary outcome"),
        *("importance asked", "binary outcome forced", "importance forced"),
        *("products and powers", "no intercept", "offset", "Student errors", "cells"),
        *("cells asked", "cells by force", "varying", "varying Student errors", "program"),
        *("pymc", "numpyro"),
    ],
)
def test_auto_is_exact_where_that_is_valid_then_importance_then_nuts(made, asked, sampler):
    assert choose(made.regressions[0], asked) == sampler


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (planned(z=("StudentT", (3.0, 0.0, 1.0))), "neither Normal nor Flat"),
        (planned(binary=True), "its family is bernoulli"),
        (planned(form="(1 | g)"), "some of its coefficients vary by a category"),
    ],
    ids=["Student prior", "binary outcome", "varying"],
)
def test_exact_is_refused_with_the_reason_where_it_is_not(made, reason):
    with pytest.raises(InferenceError, match=reason):
        choose(made.regressions[0], "exact")


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (planned(form="(1 | g)", family="student"), "its family is student, not gaussian"),
        (planned(family="cells", binary=True), "its family is cells"),
    ],
    ids=["varying Student errors", "cells"],
)
def test_importance_is_refused_with_the_reason_where_it_is_not(made, reason):
    with pytest.raises(InferenceError, match=f"importance cannot sample the model .*{reason}"):
        choose(made.regressions[0], "importance")


def test_a_sampler_that_there_is_not_is_refused_with_the_nearest():
    with pytest.raises(InferenceError, match=r"Unknown sampler 'nut'. Did you mean 'nuts'\?"):
        choose(planned().regressions[0], "nut")
    assert ASKED == ("auto", "exact", "importance", "nuts", "pymc", "numpyro", "pymc3")


def test_every_model_gets_a_posterior_of_its_own_by_name():
    made = planned()
    posteriors = sample(made.regressions, made.table, made.moments, draws=500, seed=3)
    assert list(posteriors) == ["correct", "unadjusted"]
    for regression in made.regressions:
        found = posteriors[regression.name]
        assert found.names == regression.coefficient_names
        assert found.draws.shape == (1, 500, len(found.names))
        assert found.sampler == "exact"


def test_cells_are_counted_on_the_rows_used():
    made = planned(family="cells", binary=True)
    found = sample(made.regressions, made.table, made.moments, draws=2_000, seed=3)["unadjusted"]
    x, y = made.table["x"].values, made.table["y"].values
    for place, name in enumerate(("x[false]", "x[true]")):
        ones, rows = y[x == place].sum(), (x == place).sum()
        assert name in found.names or f"x[{place}]" in found.names
        mean = found.values(found.names[place]).mean()
        assert mean == pytest.approx((1 + ones) / (2 + rows), abs=0.01)


@pytest.mark.heavy
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


def drawn(regression, sampler):
    names = regression.coefficient_names
    return Posterior(names, np.zeros((1, 5, len(names))), sampler, Diagnostics(), 0.0)


@pytest.mark.parametrize("sampler", ["pymc", "numpyro"])
def test_another_program_is_asked_by_its_name(sampler, monkeypatch):
    made, told = planned(), []

    def fit(regression, _, **options):
        told.append((options["sampler"], options["draws"], options["seed"]))
        return drawn(regression, options["sampler"])

    monkeypatch.setattr(pymc_samplers, "fit", fit)
    monkeypatch.setattr(pymc_samplers, "check_there", told.append)
    check_there(sampler)
    found = sample(made.regressions, made.table, made.moments, asked=sampler, draws=500, seed=4)
    assert told == [sampler, (sampler, 500, 4), (sampler, 500, 4)]
    assert {posterior.sampler for posterior in found.values()} == {sampler}


def test_models_for_nuts_go_there_together_and_the_others_do_not(monkeypatch):
    made = planned(z=("StudentT", (3.0, 0.0, 1.0)))
    asked = []

    def fit_all(regressions, *_, **__):
        asked.append([regression.name for regression in regressions])
        return {regression.name: drawn(regression, "nuts") for regression in regressions}

    monkeypatch.setattr(nuts, "fit_all", fit_all)
    found = sample(made.regressions, made.table, made.moments, asked="nuts", draws=500)
    assert asked == [["correct", "unadjusted"]]
    assert list(found) == ["correct", "unadjusted"]
    # Importance sampling is not good enough for the first, and the other one is exact.
    monkeypatch.setattr(importance, "fit", lambda *_, **__: None)
    found = sample(made.regressions, made.table, made.moments, draws=500)
    assert asked[1:] == [["correct"]]
    assert [posterior.sampler for posterior in found.values()] == ["nuts", "exact"]

"""How far the priors move the effect, against posteriors with stronger priors."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from causal.graph.dag import Dag
from causal.inference import exact
from causal.models.priors import Distribution, PriorChoice
from causal.study.effects import effects
from causal.study.priorsense import MOVED, log_priors, moved_by_priors

DAG = Dag("z -> x; z -> y; x -> y; g -> y")


def study(rows=40, seed=0, **options):
    random = np.random.default_rng(seed)
    z, g = random.normal(3, 1, rows), random.choice(list("abc"), rows)
    x = z + random.normal(size=rows)
    y = 2.0 + x + z + (g == "b") + random.normal(size=rows)
    data = {"x": x, "y": y, "z": z, "g": g}
    return DAG.question("x", "y").run(data, draws=50_000, **options)


def powered(priors, power):
    """Normal priors to a power: the sd divided by its root (the scale of sigma is left alone)."""

    def one(prior):
        mu, sd = prior.parameters
        return Distribution("Normal", (mu, sd / math.sqrt(power)))

    groups = tuple(tuple(map(one, group)) for group in priors.terms)
    return replace(priors, intercept=one(priors.intercept), terms=groups)


@pytest.mark.parametrize("form", [None, "x*z", "poly(z, 2) + x:g + g"])
@pytest.mark.parametrize("prior", ["Normal(0, 0.1)", "Normal(5, 0.3)", "Normal(0, 10)"])
def test_it_is_how_far_the_effect_moves_when_the_priors_are_made_stronger(form, prior):
    mu, sd = map(float, prior[7:-1].split(","))
    choice = PriorChoice("default", {"x": Distribution("Normal", (mu, sd))})
    found = study(form=form, priors=choice)
    fit, moments = found["correct"], found.plan.moments
    # sigma is raised too: held out by taking its part of the covariance away.
    told = moved_by_priors(fit.regression, fit.draws, fit.effect)
    sigma = fit.regression.priors.sigma.log_density(fit.draws.values("sigma").ravel())
    own = math.log(2) * np.cov(fit.effect.draws, sigma)[0, 1] / fit.effect.draws.std()
    step = 0.01
    means = []
    for power in (2**step, 2**-step):
        model = replace(fit.regression, priors=powered(fit.regression.priors, power))
        posterior = exact.fit(model, moments, draws=10, seed=0)
        means.append(effects(model, posterior, fit.table, prob=0.89)[0].mean)
    wanted = (means[0] - means[1]) / (2 * step) / fit.effect.sd
    spread = np.std(log_priors(fit.regression, fit.draws)) * math.log(2) / math.sqrt(50_000)
    assert told - own == pytest.approx(wanted, abs=6 * spread)


def test_a_prior_that_pulls_is_above_the_limit_and_a_wide_one_far_below():
    pulling = PriorChoice("default", {"x": Distribution("Normal", (0.0, 0.1))})
    fit = study(priors=pulling)["correct"]
    assert abs(moved_by_priors(fit.regression, fit.draws, fit.effect)) > 2 * MOVED
    fit = study(rows=2000)["correct"]
    assert abs(moved_by_priors(fit.regression, fit.draws, fit.effect)) < MOVED / 10


def test_the_priors_of_all_parts_are_counted():
    fit = study()["correct"]
    draws = fit.draws.draws[0]
    names = fit.regression.coefficient_names
    value = {name: draws[:, i] for i, name in enumerate(names)}
    priors = fit.regression.priors
    centres = {atom.variable: c for atom, c in priors.centre}
    at_centre = value["intercept"] + sum(value[v] * centres[v] for v in ("x", "z"))
    wanted = priors.intercept.log_density(at_centre)
    for term, group in zip(fit.regression.terms, priors.terms, strict=True):
        for name, prior in zip(fit.regression.coefficients_of(term.variable), group, strict=True):
            wanted = wanted + prior.log_density(value[name])
    wanted = wanted + priors.sigma.log_density(value["sigma"])
    assert log_priors(fit.regression, fit.draws) == pytest.approx(wanted, rel=1e-9)


def test_an_effect_without_variance_has_no_answer():
    fit = study()["correct"]
    still = replace(fit.effect, sd=0.0)
    assert moved_by_priors(fit.regression, fit.draws, still) is None

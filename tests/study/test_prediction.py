"""Leave-one-out: against models really fitted without the row, scipy's densities, and ArviZ."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import arviz
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

from causal.data.table import read_table
from causal.errors import InferenceError, MissingPart
from causal.graph.dag import Dag
from causal.inference import exact
from causal.inference.posterior import Diagnostics, Posterior
from causal.models.design import design, needed, statistic
from causal.models.formula import parse_terms
from causal.models.generator import plan
from causal.models.priors import Distribution, PriorChoice, gaussian_form
from causal.study import prediction
from causal.study.prediction import gain, leave_one_out, log_likelihood

FLAT = PriorChoice(
    overrides={name: Distribution("Flat") for name in ("intercept", "slope", "level")}
)


def small(rows=12, seed=5):
    random = np.random.default_rng(seed)
    x = random.normal(3, 2, rows)
    z = random.normal(-1, 1, rows)
    g = np.resize(["a", "b", "c"], rows)
    return {"x": x, "z": z, "g": g, "y": 1 + 0.5 * x - z + (g == "b") + random.normal(0, 1, rows)}


def regressions(data, dag="z -> x -> y; z -> y; g -> y; g -> x", terms=None, **options):
    """The correct regression of x on y, and the rows it is fitted to."""
    question = Dag(dag).question("x", "y", effect="total")
    columns = [*question.dag.names, *([options["trials"]] if "trials" in options else [])]
    form = None if terms is None else parse_terms(terms)
    made = plan(question, read_table(data, columns), form=form, **options)
    [correct] = [r for r in made.regressions if r.name == "correct"]
    return correct, made.table


# Exact


def by_quadrature(regression, table, row) -> float:
    """``log p(y_i | y_-i)``: the coefficients integrated out by hand, sigma over a fine grid."""
    logs = np.linspace(-8, 12, 8_001)
    variance = np.exp(2 * logs)[:, None]
    prior = regression.priors.sigma.log_density(np.exp(logs)) + logs
    x, y = design(regression, table), table["y"].values
    kept = np.arange(table.rows) != row
    form = gaussian_form(regression)
    if np.all(form.flat):
        x = x[:, needed(regression)]
        fitted, [left], *_ = np.linalg.lstsq(x[kept], y[kept])
        freedom = table.rows - 1 - x.shape[1]
        weights = prior - freedom * logs - 0.5 * left / variance[:, 0]
        lever = x[row] @ np.linalg.solve(x[kept].T @ x[kept], x[row])
        new = stats.norm.logpdf(y[row], x[row] @ fitted, np.sqrt(variance[:, 0] * (1 + lever)))
        return logsumexp(weights + new) - logsumexp(weights)
    x = x @ form.to_printed
    covariance = x @ np.diag(form.sd**2) @ x.T

    def evidence(rows):
        size, basis = np.linalg.eigh(covariance[np.ix_(rows, rows)])
        z = basis.T @ (y - x @ form.mean)[rows]
        total = size + variance
        return logsumexp(prior - 0.5 * np.sum(np.log(2 * np.pi * total) + z**2 / total, axis=1))

    return evidence(np.arange(table.rows)) - evidence(np.flatnonzero(kept))


@pytest.mark.parametrize(
    ("priors", "terms"),
    [
        (PriorChoice(), None),
        (PriorChoice("tutorial"), None),
        (FLAT, None),
        (PriorChoice("tutorial"), "0 + x + z + g"),
        (PriorChoice(), "x*z + g"),
    ],
    ids=["default", "tutorial", "flat", "no intercept", "product"],
)
def test_a_row_is_taken_out_as_if_it_had_never_been_seen(priors, terms) -> None:
    regression, table = regressions(small(), prior_choice=priors, terms=terms)
    posterior = exact.fit(regression, statistic([regression], table), draws=10, seed=1)
    found = leave_one_out(regression, posterior, table)
    wanted = [by_quadrature(regression, table, row) for row in range(table.rows)]
    np.testing.assert_allclose(found.pointwise, wanted, atol=1e-8)
    assert found.pareto_k is None
    assert found.reliable


@pytest.mark.parametrize("off", [30.0, 1e3, 1e4])
def test_a_row_far_from_all_others_is_really_left_out(off: float) -> None:
    data = small()
    data["y"][3] += off  # sigma without it lies where the posterior with it has nothing
    regression, table = regressions(data, prior_choice=PriorChoice("tutorial"))
    posterior = exact.fit(regression, statistic([regression], table), draws=10, seed=1)
    found = leave_one_out(regression, posterior, table)
    wanted = [by_quadrature(regression, table, row) for row in range(table.rows)]
    np.testing.assert_allclose(found.pointwise, wanted, rtol=1e-8)


def test_elpd_is_the_sum_and_its_error_that_of_a_sum() -> None:
    found = prediction.Prediction(np.array([-1.0, -2.0, -4.0]))
    assert found.elpd == -7.0
    assert found.standard_error == pytest.approx(np.sqrt(3) * np.std([1, 2, 4], ddof=1))


def test_a_row_that_alone_tells_a_coefficient_cannot_be_foretold_without_it() -> None:
    data = small() | {"z": np.array([1.0] + [0.0] * 11)}
    regression, table = regressions(data, prior_choice=FLAT)
    posterior = exact.fit(regression, statistic([regression], table), draws=10, seed=1)
    found = leave_one_out(regression, posterior, table)
    assert found.pointwise[0] == -np.inf
    assert np.all(np.isfinite(found.pointwise[1:]))
    assert found.standard_error == np.inf


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    regression, table = regressions(small(40))
    posterior = exact.fit(regression, statistic([regression], table), draws=500, seed=1)
    drawn = replace(posterior, mixture=None)
    whole = [leave_one_out(regression, p, table).pointwise for p in (posterior, drawn)]
    monkeypatch.setattr(prediction, "CELLS", 3_000)
    for p, before in zip((posterior, drawn), whole, strict=True):
        np.testing.assert_allclose(
            leave_one_out(regression, p, table).pointwise, before, rtol=1e-12
        )


def test_an_outcome_computed_from_the_predictors_has_no_density() -> None:
    data = small()
    data["y"] = 2 * data["x"] + data["z"]
    regression, table = regressions(data)
    posterior = exact.fit(regression, statistic([regression], table), draws=10, seed=1)
    with pytest.raises(InferenceError, match="exact linear function"):
        leave_one_out(regression, posterior, table)


# The densities

RANDOM = np.random.default_rng(8)
ROWS, DRAWS = 30, 7
X = RANDOM.normal(size=ROWS)
G = np.resize(["a", "b", "c"], ROWS)
N = RANDOM.integers(1, 9, ROWS).astype(float)


def _ordered(y, eta, p):
    cuts = np.concatenate([[-np.inf], p["cuts"], [np.inf]])
    grade = (y - 1).astype(int)
    return np.log(expit(cuts[grade + 1] - eta) - expit(cuts[grade] - eta))


FAMILIES = {
    "gaussian": (RANDOM.normal(size=ROWS), lambda y, e, p: stats.norm.logpdf(y, e, p["sigma"])),
    "student": (
        RANDOM.normal(size=ROWS),
        lambda y, e, p: stats.t.logpdf(y, p["nu"], e, p["sigma"]),
    ),
    "bernoulli": (
        RANDOM.integers(0, 2, ROWS) * 2.0 + 3,  # 3 and 5: the larger counts as 1
        lambda y, e, p: stats.bernoulli.logpmf(y == 5, expit(e)),
    ),
    "cells": (RANDOM.integers(0, 2, ROWS) * 1.0, lambda y, e, p: stats.bernoulli.logpmf(y, e)),
    "binomial": (
        np.minimum(RANDOM.integers(0, 9, ROWS), N),
        lambda y, e, p: stats.binom.logpmf(y, N, expit(e)),
    ),
    "poisson": (
        RANDOM.integers(0, 9, ROWS) * 1.0,
        lambda y, e, p: stats.poisson.logpmf(y, np.exp(e)),
    ),
    "negbinomial": (
        RANDOM.integers(0, 9, ROWS) * 1.0,
        lambda y, e, p: stats.nbinom.logpmf(y, p["alpha"], p["alpha"] / (p["alpha"] + np.exp(e))),
    ),
    "ordered": (RANDOM.integers(1, 5, ROWS) * 1.0, _ordered),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_likelihood_of_a_draw_is_the_density_of_the_family(family: str) -> None:
    y, density = FAMILIES[family]
    data = {"x": G if family == "cells" else X, "y": y, "n": N}
    options = {"trials": "n"} if family == "binomial" else {}
    terms = {"poisson": "x + offset(log(n))"}.get(family)
    question = Dag("x -> y").question("x", "y")
    columns = ["x", "y", *(["n"] if family in ("binomial", "poisson") else [])]
    made = plan(
        question,
        read_table(data, columns),
        family=family,
        form=None if terms is None else parse_terms(terms),
        **options,
    )
    regression = made.regressions[0]
    random = np.random.default_rng(1)
    values = {name: random.normal(0.2, 0.3, DRAWS) for name in regression.coefficient_names}
    for name in ("sigma", "nu", "alpha"):
        if name in values:
            values[name] = random.uniform(1, 3, DRAWS)
    if family == "cells":
        values = {name: random.uniform(0.1, 0.9, DRAWS) for name in values}
    cuts = np.sort(random.normal(size=(3, DRAWS)), axis=0)
    values |= dict(zip([n for n in values if n.startswith("cut")], cuts, strict=False))
    draws = np.stack([values[name] for name in regression.coefficient_names], axis=-1)[None]
    posterior = Posterior(regression.coefficient_names, draws, "nuts", Diagnostics(), 0.0)
    found = log_likelihood(regression, posterior, made.table)
    assert found.shape == (DRAWS, ROWS)
    for draw in range(DRAWS):
        p = {name: v[draw] for name, v in values.items()} | {"cuts": cuts[:, draw]}
        if family == "cells":
            eta = np.array([p[f"x[{level}]"] for level in G])
        else:
            eta = p.get("intercept", 0.0) + p["x"] * X
        if family == "poisson":
            eta = eta + np.log(N)
        np.testing.assert_allclose(found[draw], density(y, eta, p), rtol=1e-10, atol=1e-12)


def test_grades_far_in_the_tails_keep_their_digits() -> None:
    low, high = np.array([[40.0, -41.0]]), np.array([[41.0, -40.0]])
    # expit(41) - expit(40) = expit(-40) - expit(-41) = e^-40 (1 - 1/e) to sixteen digits
    wanted = -40 + np.log1p(-np.exp(-1.0))
    np.testing.assert_allclose(prediction._between(low, high), wanted, rtol=1e-13)


# Importance sampling


def drawn_posterior(rows=60, draws=4_000):
    regression, table = regressions(small(rows))
    posterior = exact.fit(regression, statistic([regression], table), draws=draws, seed=3)
    return regression, table, posterior


def test_weighted_draws_agree_with_arviz() -> None:
    regression, table, posterior = drawn_posterior()
    drawn = replace(posterior, mixture=None)
    likelihood = log_likelihood(regression, drawn, table)
    tree = arviz.from_dict(
        {
            "posterior": {"x": drawn.values("x")},
            "log_likelihood": {"y": likelihood[None]},
        }
    )
    theirs = arviz.loo(tree, pointwise=True, reff=1.0)
    ours = leave_one_out(regression, drawn, table)
    np.testing.assert_allclose(ours.pointwise, theirs.elpd_i.to_numpy(), rtol=1e-10)
    assert ours.elpd == pytest.approx(float(theirs.elpd), rel=1e-10)
    assert ours.standard_error == pytest.approx(float(theirs.se), rel=1e-10)
    assert ours.pareto_k == pytest.approx(float(theirs.pareto_k.max()), rel=1e-10)
    assert ours.reliable


def test_weighted_draws_agree_with_the_exact_sum() -> None:
    regression, table, posterior = drawn_posterior()
    by_formula = leave_one_out(regression, posterior, table)
    # Independent draws of 1 / p have a relative error of their sd over the root of their number.
    sd = np.exp(-log_likelihood(regression, posterior, table)).std(axis=0) * np.exp(
        by_formula.pointwise
    )
    by_draws = leave_one_out(regression, replace(posterior, mixture=None), table)
    error = np.abs(by_draws.pointwise - by_formula.pointwise)
    assert np.all(error < 5 * sd / np.sqrt(4_000))


def test_a_row_unlike_all_others_makes_weighted_draws_unreliable() -> None:
    data = small(20)
    data["x"][0], data["y"][0] = 60.0, -200.0
    regression, table = regressions(data)
    posterior = exact.fit(regression, statistic([regression], table), draws=4_000, seed=3)
    found = leave_one_out(regression, replace(posterior, mixture=None), table)
    assert found.pareto_k > 0.7
    assert not found.reliable
    sound = leave_one_out(regression, posterior, table)
    assert sound.reliable
    assert not gain(sound, found).reliable


def test_draws_that_go_together_count_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    regression, table, posterior = drawn_posterior(20, 400)
    seen = []

    class Array:
        def loo(self, ary, r_eff, **_axes):
            seen.append(r_eff)
            return ary[0, 0], np.zeros(ary.shape[-1]), None

    monkeypatch.setitem(sys.modules, "arviz_stats.base.array", SimpleNamespace(BaseArray=Array))
    for bulk in (None, 100.0, 900.0):
        drawn = replace(posterior, mixture=None, diagnostics=Diagnostics(ess_bulk=bulk))
        leave_one_out(regression, drawn, table)
    assert seen == [1.0, 0.25, 1.0]


def test_without_arviz_the_exact_way_is_open_and_the_other_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    regression, table, posterior = drawn_posterior(20, 100)
    monkeypatch.setitem(sys.modules, "arviz_stats.base.array", None)
    assert np.isfinite(leave_one_out(regression, posterior, table).elpd)
    with pytest.raises(MissingPart, match="pip install"):
        leave_one_out(regression, replace(posterior, mixture=None), table)


# What it is for


def test_a_gain_is_paired_row_by_row() -> None:
    ours = prediction.Prediction(np.array([-1.0, -2.0, -3.0]))
    theirs = prediction.Prediction(np.array([-2.0, -3.0, -5.0]))
    found = gain(ours, theirs)
    assert found.mean == 4.0
    assert found.standard_error == pytest.approx(np.sqrt(3) * np.std([1, 1, 2], ddof=1))
    assert gain(theirs, ours).mean == -4.0


def test_the_collider_predicts_best_in_every_data_set_and_answers_wrong() -> None:
    random = np.random.default_rng(11)
    for _ in range(20):
        x = random.normal(size=100)
        y = 0.5 * x + random.normal(size=100)
        data = {"x": x, "y": y, "z": x + y + random.normal(size=100)}
        study = Dag("x -> z <- y; x -> y").question("x", "y").run(data, draws=10)
        fits = [study[name] for name in ("everything", "correct")]
        best = gain(*(leave_one_out(f.regression, f.draws, f.table) for f in fits))
        assert best.mean > 0
        # -0.25 and 0.5 in the limit; four standard errors of 0.1
        assert fits[0].effect.mean < 0.15
        assert abs(fits[1].effect.mean - 0.5) < 0.4

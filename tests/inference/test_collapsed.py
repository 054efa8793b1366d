"""Coefficients that vary by a category, integrated out: against definitions and quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from causal.data.table import read_table
from causal.errors import InferenceError
from causal.graph.dag import Dag
from causal.inference import collapsed, prior
from causal.inference.select import choose, sample
from causal.models.design import design
from causal.models.formula import parse_terms
from causal.models.generator import plan
from causal.models.priors import Distribution, PriorChoice, to_printed
from causal.models.terms import Varying, columns

QUESTION = Dag("z -> x; z -> y; x -> y; g -> y; h -> y").question("x", "y")


def planned(form, rows=40, seed=0, choice=None):
    random = np.random.default_rng(seed)
    z, x = random.normal(5, 2, rows), random.normal(-1, 3, rows)
    g, h = random.choice(list("abc"), rows), random.choice(list("uv"), rows)
    level = np.array([1.0, -0.5, 0.3])["abc".index(g[0])]
    y = 3 + 0.5 * x + z + level + (g == "b") * (1 + x) + random.normal(size=rows)
    data = {"x": x, "y": y, "z": z, "g": g, "h": h}
    table = read_table(data, list(data))
    return plan(QUESTION, table, form=parse_terms(form), prior_choice=choice)


FORMS = [
    "(1 | g)",
    "(x | g)",
    "(0 + x | g) + h",
    "(1 + x + z | g)",
    "(1 | g) + (x | h)",
    "0 + x + z + (1 | g)",
    "x*z + (1 | g)",
    "0 + h + (0 + h | g)",
]


def covariance(sd, correlation):
    return np.outer(sd, sd) * correlation


@pytest.mark.parametrize("form", FORMS)
def test_the_density_of_the_hyperparameters_is_that_of_the_definition(form):
    made = planned(form)
    model = made.regressions[0]
    problem = collapsed._Problem.of(model, made.moments)
    random = np.random.default_rng(1)
    points = 0.5 * random.normal(size=(6, problem.dimension))
    told = problem.log_density(points)
    # The covariance of the outcome, from the columns of all rows and the priors, term by term.
    raw = design(model, made.table)
    working = raw @ to_printed(model)  # columns of the centred coefficients
    y = made.table["y"].values
    wanted = []
    for point in points:
        sigma = math.exp(point[0])
        spread = sigma**2 * np.eye(len(y))
        mean = np.zeros(len(y))
        log_prior = float(model.priors.sigma.log_density(np.array([sigma]))[0]) + point[0]
        place, at = 0, 1
        if model.priors.intercept is not None:
            mu, sd = model.priors.intercept.parameters
            mean += mu
            spread += sd**2
            place = 1
        for term, group in zip(model.terms, model.priors.terms, strict=True):
            width = len(columns(term))
            own = working[:, place : place + width]
            place += width
            if not isinstance(term, Varying):
                mean += own @ np.array([p.parameters[0] for p in group])
                spread += own @ np.diag([p.parameters[1] ** 2 for p in group]) @ own.T
                continue
            size, levels = len(term.varied), len(term.by.levels)
            sd = np.exp(point[at : at + size])
            log_prior += sum(point[at : at + size])
            log_prior += sum(
                float(p.log_density(np.array([s]))[0]) for p, s in zip(group, sd, strict=True)
            )
            at += size
            correlation = np.eye(size)
            partial = np.tanh(point[at : at + size * (size - 1) // 2])
            at += len(partial)
            if size == 2:
                correlation[0, 1] = correlation[1, 0] = partial[0]
            if size == 3:
                a, b, c = partial
                last = a * b + c * math.sqrt((1 - a**2) * (1 - b**2))
                correlation = np.array([[1, a, b], [a, 1, last], [b, last, 1]])
            # LKJ: |R|^(eta - 1); from partial correlations of a vine the volume is
            # prod (1 - p^2)^((size - 2 - i) / 2), and tanh adds 1 - p^2 each.
            log_prior += (model.priors.correlation - 1) * math.log(np.linalg.det(correlation))
            rows_of = [i for j in range(1, size) for i in range(j)]
            for p, i in zip(partial, rows_of, strict=True):
                log_prior += (1 + (size - 2 - i) / 2) * math.log(1 - p**2)
            block = np.kron(covariance(sd, correlation), np.eye(levels))
            spread += own @ block @ own.T
        wanted.append(stats.multivariate_normal(mean, spread).logpdf(y) + log_prior)
    # A constant is free.
    assert told - told[0] == pytest.approx(np.array(wanted) - wanted[0], abs=1e-7)


def test_pooled_levels_agree_with_quadrature():
    choice = PriorChoice("default", {"sd": Distribution("HalfNormal", (2.0,))})
    made = planned("(1 | g)", choice=choice)
    model = made.regressions[0]
    draws = 40_000
    found = collapsed.fit(model, made.moments, draws=draws, seed=3)
    assert found is not None
    problem = collapsed._Problem.of(model, made.moments)
    u, v = np.linspace(-1.5, 2.0, 400), np.linspace(-12.0, 4.0, 600)
    grid = np.stack(np.meshgrid(u, v, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp((value := problem.log_density(grid)) - value.max())
    density /= density.sum()
    for name, values in (("sigma", np.exp(grid[:, 0])), ("sd(1|g)", np.exp(grid[:, 1]))):
        mean = float(density @ values)
        sd = math.sqrt(density @ (values - mean) ** 2)
        error = sd / math.sqrt(found.diagnostics.ess_bulk)
        own = found.values(name)
        assert own.mean() == pytest.approx(mean, abs=5 * error)
        kurtosis = float(density @ ((values - mean) / sd) ** 4)
        assert own.std() == pytest.approx(sd, abs=5 * error * math.sqrt(kurtosis - 1) / 2)


def test_draws_of_the_coefficients_given_the_hyperparameters_are_those_of_least_squares():
    made = planned("(x | g)")
    model = made.regressions[0]
    problem = collapsed._Problem.of(model, made.moments)
    random = np.random.default_rng(5)
    point = np.array([0.1, -0.3, -0.8, 0.4])
    drawn = problem.parameters(np.repeat(point[None], 200_000, axis=0), random)
    # By hand: a ridge on all rows, in the centred coordinates.
    matrix = design(model, made.table) @ to_printed(model)
    sigma = math.exp(point[0])
    sd, rho = np.exp(point[1:3]), math.tanh(point[3])
    block = np.kron(covariance(sd, np.array([[1, rho], [rho, 1]])), np.eye(3))
    intercept = model.priors.intercept.parameters
    fixed = [intercept[1], *(p.parameters[1] for g in model.priors.terms[:-1] for p in g)]
    precision = np.zeros((len(matrix.T),) * 2)
    count = len(fixed)
    precision[:count, :count] = np.diag(1 / np.array(fixed) ** 2)
    precision[count:, count:] = np.linalg.inv(block)
    start = np.zeros(len(matrix.T))
    start[0] = intercept[0]
    system = matrix.T @ matrix / sigma**2 + precision
    mean = np.linalg.solve(system, matrix.T @ made.table["y"].values / sigma**2 + precision @ start)
    change = to_printed(model)
    spread = change @ np.linalg.inv(system) @ change.T
    linear = drawn[:, : len(mean)]
    error = np.sqrt(np.diag(spread) / len(drawn))
    assert np.all(np.abs(linear.mean(axis=0) - change @ mean) < 5 * error)
    assert np.cov(linear.T) == pytest.approx(spread, abs=6 * np.diag(spread).max() / 300)
    assert drawn[0, len(mean) :] == pytest.approx([*sd, rho, sigma])


def test_auto_takes_it_and_says_so():
    made = planned("(x | g)")
    model = made.regressions[0]
    assert choose(model, "auto") == "importance"
    found = sample([model], made.table, made.moments, draws=1000)[model.name]
    assert found.sampler == "importance"
    assert found.names == model.coefficient_names
    assert found.diagnostics.pareto_k < 0.7
    assert found.diagnostics.ess_bulk > 400


@pytest.mark.parametrize(
    ("form", "choice", "why"),
    [
        ("x", None, "none of its coefficients vary"),
        (
            "(1 | g)",
            PriorChoice("default", {"x": Distribution("Cauchy", (0.0, 1.0))}),
            "not Normal",
        ),
    ],
)
def test_what_it_cannot_do_it_refuses_with_the_reason(form, choice, why):
    made = planned(form, choice=choice)
    model = made.regressions[0]
    assert why in collapsed.obstacle(model)
    with pytest.raises(InferenceError, match=why):
        collapsed.fit(model, made.moments)
    if model.varying:
        with pytest.raises(InferenceError, match=why):
            choose(model, "importance")


@pytest.mark.heavy
@pytest.mark.parametrize("form", ["(1 | g)", "(x | g)"])
def test_it_is_calibrated(form):
    """Simulation-based calibration: ranks of the true values among the draws are uniform."""
    choice = PriorChoice(
        "default",
        {
            "intercept": Distribution("Normal", (0.0, 1.0)),
            "slope": Distribution("Normal", (0.0, 1.0)),
            "level": Distribution("Normal", (0.0, 1.0)),
            "sd": Distribution("Exponential", (1.0,)),
            "sigma": Distribution("Exponential", (1.0,)),
        },
    )
    made = planned(form, rows=60, choice=choice)
    model = made.regressions[0]
    matrix = design(model, made.table)
    truths = prior.draw(model, draws=300, seed=7).draws[0]
    random = np.random.default_rng(8)
    ranks, failed = [], 0
    for number, truth in enumerate(truths):
        y = matrix @ truth[: matrix.shape[1]] + truth[-1] * random.normal(size=len(matrix))
        data = {name: c.values for name, c in made.table.columns.items() if name not in "gh"}
        for name in "gh":
            column = made.table[name]
            data[name] = np.array(column.levels)[column.values.astype(int)]
        table = read_table(data | {"y": y}, list(made.table.columns))
        again = plan(QUESTION, table, form=parse_terms(form), prior_choice=choice)
        found = collapsed.fit(model, again.moments, draws=400, seed=number)
        if found is None:
            failed += 1
            continue
        # Thinned: draws resampled by weight come more than once.
        drawn = found.draws[0][::4]
        below = (drawn < truth).sum(axis=0) + random.uniform(size=len(truth)) * (
            1 + (drawn == truth).sum(axis=0)
        )
        ranks.append(below / (len(drawn) + 1))
    assert failed < 0.05 * len(truths)
    ranks = np.array(ranks)
    limit = stats.chi2(9).ppf(1 - 0.01 / ranks.shape[1])
    for place, name in enumerate(model.coefficient_names):
        counts = np.histogram(ranks[:, place], bins=10, range=(0, 1))[0]
        statistic = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
        assert statistic < limit, (name, counts)

"""NUTS: the same posterior as every other way to it, honest diagnostics, a clean end."""

from __future__ import annotations

import _thread
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from causal.data.table import Table, read_table
from causal.errors import InferenceError, MissingPart, ModelError
from causal.inference import exact, mode, nuts
from causal.inference.density import Density
from causal.inference.posterior import Posterior
from causal.models.design import statistic
from causal.models.priors import Distribution, Priors
from causal.models.regression import Categorical, Numeric, Regression, Term
from causal.models.terms import columns
from tests.regressions import KINDS, Kind, frame, make

pytest.importorskip("nutpie")
pytest.importorskip("pymc")
array_stats = pytest.importorskip("arviz_stats.base").array_stats
kernels = pytest.importorskip("causal.inference.kernels")

Floats = NDArray[np.float64]

NORMAL = Distribution("Normal", (0.0, 1.0))
FLAT = Distribution("Flat")
EXPONENTIAL = Distribution("Exponential", (1.0,))

WITHIN = 4.0
"""Standard errors: about 1 in 16,000 by chance, with some 20 numbers a model and fixed seeds."""


def fork() -> pd.DataFrame:
    """The tutorial's fork: x and z are correlated at 0.9999."""
    np.random.seed(2025)
    z = np.random.normal(10, 3, 1000)
    x = 3 * z + np.random.normal(0, 0.1, 1000)
    y = 2 * z + np.random.normal(0, 0.1, 1000)
    return pd.DataFrame({"x": x, "z": z, "y": y})


def small() -> pd.DataFrame:
    """Few rows, so that the priors matter; a category of three with unequal counts."""
    rng = np.random.default_rng(7)
    x, z = rng.normal(50, 10, 60), rng.normal(-2, 0.1, 60)
    g = np.array(["a", "a", "a", "b", "b", "c"])[np.arange(60) % 6]
    y = 0.3 * x - 4 * z + 2 * (g == "b") + rng.normal(0, 2, 60)
    t = (rng.random(60) < 0.4).astype(int)
    return pd.DataFrame({"x": x, "z": z, "g": g, "t": t, "y": y})


G = Categorical("g", ("a", "b", "c"))


def tutorial(*terms: Term, outcome: str = "y", slope: Distribution = NORMAL) -> Regression:
    """Normal(0, 1) on everything, in the data's own units, the intercept at zero."""
    priors = Priors(
        NORMAL,
        (),
        tuple((slope if isinstance(t, Numeric) else NORMAL,) * len(columns(t)) for t in terms),
        (("sigma", EXPONENTIAL),),
    )
    return Regression("correct", outcome, terms[0].variable, terms, "gaussian", priors)


def default(data: pd.DataFrame, *terms: Term) -> Regression:
    """Weakly informative on the scale of the data, the intercept at the predictors' means."""
    s, numbers = data["y"].std(ddof=0), [t for t in terms if isinstance(t, Numeric)]
    slopes = {t: Distribution("Normal", (0.0, s / data[t.variable].std(ddof=0))) for t in numbers}
    level = Distribution("Normal", (0.0, s))
    priors = Priors(
        Distribution("Normal", (data["y"].mean(), s)),
        tuple((t, float(data[t.variable].mean())) for t in numbers),
        tuple((slopes.get(t, level),) * len(columns(t)) for t in terms),
        (("sigma", Distribution("Exponential", (1.0 / s,))),),
    )
    return Regression("correct", "y", terms[0].variable, terms, "gaussian", priors)


X, Z, T = Numeric("x"), Numeric("z"), Numeric("t")

heavy = pytest.mark.heavy
SAME = [
    pytest.param(fork, lambda d: tutorial(X, Z), id="fork, tutorial priors"),
    pytest.param(small, lambda d: default(d, X, G), id="category, default priors"),
    pytest.param(small, lambda d: tutorial(X), id="simple, tutorial priors", marks=heavy),
    pytest.param(small, lambda d: default(d, X), id="simple, default priors", marks=heavy),
    pytest.param(small, lambda d: default(d, X, Z), id="two, default priors", marks=heavy),
    pytest.param(small, lambda d: tutorial(X, Z), id="two, tutorial priors", marks=heavy),
    pytest.param(small, lambda d: default(d, T, X, Z), id="binary exposure", marks=heavy),
    pytest.param(small, lambda d: tutorial(G), id="category alone", marks=heavy),
    pytest.param(small, lambda d: tutorial(G, T, slope=FLAT), id="flat slope", marks=heavy),
    pytest.param(fork, lambda d: default(d, X, Z), id="fork, default priors", marks=heavy),
]


def read(data: pd.DataFrame, regression: Regression) -> Table:
    return read_table(data, list(regression.variables))


def error(draws: Floats, method: str, prob: float | None = None) -> float:
    return float(array_stats.mcse(draws, method=method, prob=prob))


def assert_same(ours: Posterior, other: Mapping[str, tuple[Floats, float, float]]) -> None:
    """Mean, sd and tail quantiles agree; *other* holds draws, mean and sd by coefficient name."""
    assert ours.diagnostics.problems == ()
    for name in ours.names:
        draws, (reference, mean, sd) = ours.values(name), other[name]
        independent = reference.reshape(1, -1)
        floor = 1e-9 * sd
        assert abs(draws.mean() - mean) < WITHIN * error(draws, "mean") + floor, name
        assert abs(draws.std(ddof=1) - sd) < WITHIN * error(draws, "sd") + floor, name
        for prob in (0.055, 0.5, 0.945):
            difference = np.quantile(draws, prob) - np.quantile(reference, prob)
            errors = error(draws, "quantile", prob), error(independent, "quantile", prob)
            assert abs(difference) < WITHIN * np.hypot(*errors), (name, prob)


@pytest.mark.parametrize(("data_of", "regression_of"), SAME)
def test_nuts_and_the_exact_sampler_give_the_same_posterior(
    data_of: Callable[[], pd.DataFrame], regression_of: Callable[[pd.DataFrame], Regression]
) -> None:
    data = data_of()
    regression = regression_of(data)
    table = read(data, regression)
    ours = nuts.fit(regression, table, draws=8000, seed=1)
    moments = statistic([regression], table)
    other = exact.fit(regression, moments, draws=100_000, seed=2)
    assert ours.names == other.names == regression.coefficient_names
    summaries = {name: other.summary(name) for name in other.names}
    assert_same(ours, {n: (other.values(n).ravel(), s.mean, s.sd) for n, s in summaries.items()})


OTHER_PRIORS = [
    pytest.param(Distribution("StudentT", (3.0, 0.1, 0.1)), id="StudentT"),
    pytest.param(Distribution("Cauchy", (0.1, 0.1)), id="Cauchy", marks=heavy),
    pytest.param(Distribution("LogNormal", (-1.0, 0.3)), id="LogNormal", marks=heavy),
    pytest.param(Distribution("Uniform", (0.4, 0.43)), id="Uniform", marks=heavy),
]


@pytest.mark.parametrize("prior", OTHER_PRIORS)
def test_a_prior_that_only_nuts_can_do_weighs_the_flat_posterior_by_its_density(
    prior: Distribution,
) -> None:
    data = small()
    regression = tutorial(X, slope=prior)
    table = read(data, regression)
    ours = nuts.fit(regression, table, draws=8000, seed=3)

    flat = tutorial(X, slope=FLAT)
    drawn = exact.fit(flat, statistic([flat], table), draws=400_000, seed=4)
    weights = np.exp(prior.log_density(drawn.values("x").ravel()))
    rng = np.random.default_rng(5)
    picked = rng.choice(weights.size, 100_000, p=weights / weights.sum())
    other = {}
    for name in ours.names:
        values = drawn.values(name).ravel()
        mean = float(np.average(values, weights=weights))
        sd = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
        other[name] = (values[picked], mean, sd)
    assert_same(ours, other)


def test_a_logistic_regression_agrees_with_quadrature() -> None:
    rng = np.random.default_rng(11)
    x = rng.normal(3.0, 2.0, 200)
    y = (rng.random(200) < 1 / (1 + np.exp(1.0 - 0.6 * x))).astype(int)
    data, centre = pd.DataFrame({"x": x, "y": y}), float(x.mean())
    priors = Priors(
        Distribution("Normal", (0.3, 1.0)),
        ((X, centre),),
        ((Distribution("Normal", (0.0, 0.5)),),),
    )
    regression = Regression("correct", "y", "x", (X,), "bernoulli", priors)
    ours = nuts.fit(regression, read(data, regression), draws=8000, seed=6)
    assert ours.names == ("intercept", "x")

    # Trapezoid over a grid that reaches some eight standard deviations to each side.
    a, b = np.linspace(-1.5, 3.0, 301), np.linspace(-0.4, 1.8, 301)
    intercept, slope = (grid.ravel() for grid in np.meshgrid(a, b, indexing="ij"))
    logp = -0.5 * (intercept - 0.3) ** 2 - 0.5 * (slope / 0.5) ** 2
    for value, one in zip(x - centre, y, strict=True):
        eta = intercept + slope * value
        logp += one * eta - np.logaddexp(0.0, eta)
    weights = np.exp(logp - logp.max())
    assert weights.reshape(301, 301)[[0, -1]].max() < 1e-9, "the grid holds the whole posterior"
    picked = np.random.default_rng(7).choice(weights.size, 100_000, p=weights / weights.sum())
    # Spread evenly over each cell, so that quantiles are not those of the grid's points.
    steps = np.random.default_rng(8).uniform(-0.5, 0.5, (2, picked.size))
    other = {}
    for name, values in (("intercept", intercept - slope * centre), ("x", slope)):
        mean = float(np.average(values, weights=weights))
        sd = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
        width_a, width_b = a[1] - a[0], b[1] - b[0]
        shift = steps[1] * width_b
        if name == "intercept":
            shift = steps[0] * width_a - centre * shift
        other[name] = (values[picked] + shift, mean, sd)
    assert_same(ours, other)


def test_no_model_is_compiled_and_each_regression_has_the_posterior_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import nutpie

    data, compiled = small(), []
    actual = nutpie.compile_pymc_model

    def compiling(model: object, **options: object) -> object:
        compiled.append(model)
        return actual(model, **options)

    monkeypatch.setattr(nutpie, "compile_pymc_model", compiling)
    sets = {"none": [X], "z": [X, Z], "g": [X, G], "all": [X, G, Z], "in units": [X, Z]}
    regressions = [replace(default(data, *terms), name=name) for name, terms in sets.items()]
    units = tutorial(X, Z)  # other priors, and no centres
    regressions[-1] = replace(
        units,
        name="in units",
        priors=replace(units.priors, auxiliary=regressions[0].priors.auxiliary),
    )
    table = read_table(data, ["x", "z", "g", "y"])
    found = nuts.fit_all(regressions, table, draws=8000, seed=2)
    assert [*found] == [*sets]
    assert not compiled
    for regression in regressions:
        ours = found[regression.name]
        other = exact.fit(regression, statistic([regression], table), draws=100_000, seed=2)
        summaries = {name: other.summary(name) for name in other.names}
        assert_same(
            ours, {n: (other.values(n).ravel(), s.mean, s.sd) for n, s in summaries.items()}
        )


def test_a_seed_gives_the_same_draws_and_another_seed_others() -> None:
    data = small()
    regression = tutorial(X)
    table = read(data, regression)
    one, same, other = (nuts.fit(regression, table, draws=402, seed=s) for s in (5, 5, 6))
    assert np.array_equal(one.draws, same.draws)
    assert not np.array_equal(one.draws, other.draws)
    assert one.draws.shape == (4, 101, 3), "rounded up to a multiple of the chains"
    assert one.sampler == "nuts"
    assert one.seconds > 0


class Told(list[tuple[str, float]]):
    def __call__(self, what: str, share: float) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.append((what, share))


def test_progress_is_told_in_the_calling_thread_and_ends_at_the_whole() -> None:
    regression, told = tutorial(X), Told()
    nuts.fit(regression, read(small(), regression), draws=400, tune=100, seed=1, progress=told)
    (first, none), *sampling = told
    assert (first, none) == ("preparing the model 'correct'", 0.0)
    assert {what for what, _ in sampling} == {"sampling the model 'correct'"}
    shares = [share for _, share in sampling]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_progress_is_told_while_the_chains_run() -> None:
    regression, told = tutorial(X), Told()
    nuts.fit(regression, read(small(), regression), draws=200_000, seed=1, progress=told)
    assert len({share for _, share in told if 0.0 < share < 1.0}) > 1


ENDLESS = 20_000_000  # hours of draws: a chain that does not stop is seen


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell starts background jobs with the signal ignored; then a test would run for hours."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_warming_up_stops_the_chains_and_reaches_the_caller() -> None:
    regression = tutorial(X)

    def interrupt(what: str, _share: float) -> None:
        if what.startswith("sampling"):
            _thread.interrupt_main()

    with pytest.raises(KeyboardInterrupt):
        nuts.fit(regression, read(small(), regression), tune=ENDLESS, seed=1, progress=interrupt)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_keeps_the_draws_that_all_chains_have_and_says_so() -> None:
    data = small()
    first, second, third = (
        replace(tutorial(*terms), name=name)
        for name, terms in (("first", [X]), ("second", [X, Z]), ("third", [Z]))
    )

    asked, started = 400_000, []

    def interrupt(what: str, share: float) -> None:
        if what == "sampling the model 'second'" and 0.05 < share < 1.0:
            started.append(share)
            _thread.interrupt_main()

    table = read_table(data, ["x", "z", "y"])
    found = nuts.fit_all([first, second, third], table, draws=asked, seed=1, progress=interrupt)
    assert [*found] == ["first", "second"], "what came after is not there"
    whole, part = found.values()
    assert started
    assert whole.draws.shape == (4, asked // 4, 3)
    assert whole.diagnostics.problems == ()
    chains, draws, _ = part.draws.shape
    assert chains == 4
    assert nuts.FEWEST <= draws < asked // 4
    assert np.isfinite(part.draws).all()
    [said] = part.diagnostics.problems
    assert said.startswith("interrupted: ")
    assert f"after {4 * draws:,} of {asked:,} draws" in said

    # The draws are those of the same run without the interruption.
    moments = statistic([second], table)
    exactly = exact.fit(second, moments, draws=100, seed=1)
    for name in part.names:
        values, answer = part.values(name), exactly.summary(name)
        assert abs(values.mean() - answer.mean) < WITHIN * error(values, "mean"), name


def test_ctrl_c_between_two_models_leaves_what_was_drawn_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = small()
    first, second = (replace(default(data, X), name=name) for name in ("first", "second"))
    table = read(data, first)
    drawn = exact.fit(first, statistic([first], table), draws=100, seed=1)

    def interrupted(_plan: object, regression: Regression, *_: object) -> Posterior:
        if regression.name == "second":
            raise KeyboardInterrupt
        return drawn

    monkeypatch.setattr(nuts, "_direct", interrupted)
    assert nuts.fit_all([first, second], table, seed=1) == {"first": drawn}
    with pytest.raises(KeyboardInterrupt):
        nuts.fit_all([second, first], table, seed=1)


PROGRAM = """
import signal, sys
import numpy as np, pandas as pd
from causal.display.progress import progress
from causal.inference import nuts
from tests.inference.test_nuts import X, read, small, tutorial
signal.signal(signal.SIGINT, signal.default_int_handler)
regression = tutorial(X)
tune, draws = map(int, sys.argv[1:])
with progress(silent=False) as told:
    try:
        found = nuts.fit(
            regression, read(small(), regression), tune=tune, draws=draws, seed=1, progress=told
        )
    except KeyboardInterrupt:
        sys.exit(130)
print(found.draws.shape[1], found.diagnostics.problems[0], flush=True)
"""


@pytest.mark.heavy
@pytest.mark.parametrize(("tune", "draws"), [(ENDLESS, 400), (300, 4_000_000)])
def test_a_process_that_is_interrupted_ends_with_what_it_has(tune: int, draws: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tune), str(draws)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        # A line per 10 %: where the draws are endless there is only the first one to wait for.
        awaited = "sampling the model 'correct' ..." if tune == ENDLESS else ": 10 %"
        for line in iter(process.stderr.readline, ""):
            if awaited in line:
                break
        process.send_signal(signal.SIGINT)
        out, rest = process.communicate(timeout=120)
    assert "Traceback" not in rest
    if tune == ENDLESS:
        assert (process.returncode, out) == (130, "")
    else:
        assert process.returncode == 0
        assert "interrupted: the sampling was stopped after" in out
        assert 0.05 * draws / 4 < int(out.split()[0]) < draws / 4


def test_what_the_callback_raises_stops_the_sampling() -> None:
    regression = tutorial(X)

    def stop(what: str, _share: float) -> None:
        if what.startswith("sampling"):
            raise TimeoutError("enough")

    with pytest.raises(TimeoutError, match="enough"):
        nuts.fit(regression, read(small(), regression), draws=ENDLESS, seed=1, progress=stop)


@pytest.mark.heavy
@pytest.mark.parametrize(("of_x", "of_y"), [(1e9, 1e9), (1e-9, 1e-9), (1e-9, 1e9)])
def test_units_do_not_matter(of_x: float, of_y: float) -> None:
    data = small()
    scaled = data.assign(x=data["x"] * of_x, y=data["y"] * of_y)
    regression = default(scaled, X, Z)
    table = read(scaled, regression)
    ours = nuts.fit(regression, table, draws=8000, seed=2)
    moments = statistic([regression], table)
    other = exact.fit(regression, moments, draws=100_000, seed=2)
    summaries = {name: other.summary(name) for name in other.names}
    assert_same(ours, {n: (other.values(n).ravel(), s.mean, s.sd) for n, s in summaries.items()})


def chains(seed: int = 0, draws: int = 1000) -> Floats:
    """Four chains of one well mixed coefficient."""
    return np.random.default_rng(seed).normal(size=(4, draws, 1))


def wandering(seed: int = 0) -> Floats:
    """Four long walks through the same distribution, each draw close to the last."""
    noise, walk = chains(seed), np.zeros((4, 1000, 1))
    for i in range(1, 1000):
        walk[:, i] = 0.9 * walk[:, i - 1] + noise[:, i]
    return walk


@pytest.mark.parametrize(
    ("draws", "divergences", "failed"),
    [
        (chains(), 0, []),
        (chains(), None, []),
        (chains() + np.array([0, 0, 0, 0.5])[:, None, None], 0, ["rhat"]),
        (chains(draws=90), 0, ["ess_bulk", "ess_tail"]),
        (wandering(), 0, ["rhat", "ess_bulk"]),
        (chains(), 3, ["divergences"]),
        (np.zeros((4, 100, 1)), 0, ["rhat", "ess_bulk", "ess_tail"]),
    ],
    ids=["good", "no divergences known", "a chain apart", "few", "wandering", "diverged", "stuck"],
)
def test_a_failed_check_is_said_in_a_sentence(
    draws: Floats, divergences: int | None, failed: list[str]
) -> None:
    found = nuts.diagnose(["slope of 'x'"], draws, divergences)
    said = [problem.split(":")[0] for problem in found.problems]
    assert set(failed) <= set(said)
    assert failed or not said
    assert all(problem.endswith(".") for problem in found.problems)
    assert found.divergences == divergences
    if not failed:
        assert 0.99 < (found.rhat or 0.0) < 1.01
        assert (found.ess_bulk or 0.0) > 3000
        assert (found.ess_tail or 0.0) > 3000


def test_a_failed_check_names_the_worst_coefficient() -> None:
    both = np.concatenate([chains(), wandering()], axis=2)
    said = nuts.diagnose(["good", "bad"], both, 0).problems
    assert said
    assert all("'bad'" in problem for problem in said)


def test_a_run_too_short_is_not_passed_as_good() -> None:
    regression = tutorial(X, Z)
    short = nuts.fit(regression, read(fork(), regression), draws=40, tune=5, seed=1)
    assert short.diagnostics.problems


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"chains": 1}, "chains agree"),
        ({"draws": 3}, "at least 16 draws"),
        ({"tune": 0}, "tuning"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**64}, "seed"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(numbers: dict[str, int], said: str) -> None:
    regression = tutorial(X)
    with pytest.raises(InferenceError, match=said):
        nuts.fit(regression, read(small(), regression), **{"seed": 1, **numbers})  # type: ignore[arg-type]


def test_without_nutpie_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nutpie", None)
    regression = tutorial(X)
    with pytest.raises(MissingPart, match=r'pip install "causal-workbench\[bayes\]"'):
        nuts.fit(regression, read(small(), regression), seed=1)


# ------------------------------------------------------------------------------------------------
# Without a model
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bernoulli", "negbinomial", "ordered", "student"])
def test_chains_start_about_the_mode_twice_as_far_apart_as_the_posterior_is_wide(kind: str) -> None:
    regression, table = make(KINDS[kind], frame())
    found, density = mode.find(regression, table), Density.of(regression, table)
    assert found is not None
    centre, factor, peaks = nuts._about(density)
    assert len(peaks) == 1
    point = nuts._starts(len(centre), peaks)
    assert (point(1) == point(1)).all()
    assert (point(1) != point(2)).all()
    drawn = centre + np.array([point(seed) for seed in range(4000)]) @ factor.T
    natural = density.natural(centre[None])[0]
    auxiliary = [*found.auxiliary.values()]
    assert natural == pytest.approx([*found.coefficients, *found.cutpoints, *auxiliary])
    units = np.sqrt(np.diag(density.in_units(np.eye(len(centre)))))
    covariance = found.covariance / np.outer(units, units)
    sd = np.sqrt(np.diag(covariance))
    assert np.abs((drawn.mean(axis=0) - centre) / sd).max() < 4 * nuts.APART / np.sqrt(4000)
    assert drawn.std(axis=0) / sd == pytest.approx(nuts.APART * np.ones(len(sd)), rel=0.05)
    assert np.abs(np.corrcoef(drawn.T) - covariance / np.outer(sd, sd)).max() < 0.08


@pytest.mark.parametrize("kind", ["bernoulli", "poisson", "negbinomial", "ordered", "student"])
@pytest.mark.parametrize("known", [True, False], ids=["mode", "no mode"])
def test_every_starting_point_has_a_density(
    kind: str, *, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where priors in the data's own units draw counts beyond all numbers."""
    data = frame()
    data = data.assign(x=data["x"] * 1e3, z=data["z"] * 1e3)
    density = Density.of(*make(KINDS[kind], data, "tutorial"))
    if not known:
        monkeypatch.setattr(mode, "peaks", lambda _: ())
    centre, factor, peaks = nuts._about(density)
    assert bool(peaks) is known
    point = nuts._starts(len(centre), peaks)
    started = centre + np.array([point(seed) for seed in range(100)]) @ factor.T
    assert np.isfinite(density.at(started)).all()


def test_chains_start_about_every_peak_that_counts() -> None:
    """Where a prior and the data disagree, and both have tails: one peak would hide the other."""
    x = np.linspace(-1.0, 1.0, 10)
    noise = np.random.default_rng(3).normal(size=10)
    slope = Distribution("StudentT", (2.0, 0.0, 0.02))
    data = pd.DataFrame({"x": x, "y": 4.0 * x + 0.6 * noise})
    regression, table = make(Kind("y ~ x", "student"), data, "default", {"x": slope})
    density = Density.of(regression, table)
    centre, factor, peaks = nuts._about(density)
    assert len(peaks) == 2
    assert peaks[0][0] == pytest.approx(np.zeros(len(centre)))
    assert peaks[0][1] == pytest.approx(np.eye(len(centre)))
    for middle, root in peaks:
        value, gradient, hessian = density.derivatives(centre + factor @ middle)
        assert np.abs(factor.T @ gradient).max() < 1e-3, "a peak"
        inverse = np.linalg.inv(factor.T @ -hessian @ factor)
        assert root @ root.T == pytest.approx(inverse, rel=1e-3, abs=1e-3)
        assert np.isfinite(value)
    point = nuts._starts(len(centre), peaks)
    drawn = np.array([point(seed) for seed in range(2000)])
    away = [np.linalg.norm(np.linalg.solve(r, (drawn - m).T), axis=0) for m, r in peaks]
    share = (away[1] < away[0]).mean()
    assert 0.4 < share < 0.6, "each with the same chance"


@pytest.mark.parametrize("broken", ["no peak", "no covariance"])
def test_without_a_mode_the_posterior_is_the_same(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small()
    regression = default(data, X, G, Z)
    table = read(data, regression)
    if broken == "no peak":
        monkeypatch.setattr(mode, "peaks", lambda _: ())
    else:
        monkeypatch.setattr(mode, "covariance", lambda peak: np.full(peak.hessian.shape, np.nan))
    ours = nuts.fit(regression, table, draws=8000, seed=1)
    other = exact.fit(regression, statistic([regression], table), draws=100_000, seed=2)
    summaries = {name: other.summary(name) for name in other.names}
    assert_same(ours, {n: (other.values(n).ravel(), s.mean, s.sd) for n, s in summaries.items()})


def failing(share: float) -> object:
    """A standard normal in the place of the density, which cannot be computed beyond *share*."""
    numba = pytest.importorskip("numba")

    def function(dimension, v, gradient, value, _data):
        value[0], far = 0.0, False
        for i in range(dimension):
            value[0] -= 0.5 * v[i] * v[i]
            gradient[i] = -v[i]
            far = far or abs(v[i]) > share
        return 1 if far else 0

    return numba.cfunc(kernels._DENSITY)(function)


def test_a_step_to_where_nothing_can_be_computed_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It counts as a divergence, and the chain goes on from where it was."""
    regression = tutorial(X)
    function = failing(1.5)
    monkeypatch.setattr(kernels, "compiled", lambda _: function)
    monkeypatch.setattr(nuts, "as_printed", lambda _, theta, others: np.append(theta, others, -1))
    monkeypatch.setattr(
        nuts, "_about", lambda _: (np.zeros(3), np.eye(3), [(np.zeros(3), np.eye(3))])
    )
    monkeypatch.setattr(Density, "natural", lambda _, points: points)
    found = nuts.fit(regression, read(small(), regression), draws=4000, seed=1)
    assert found.draws.shape == (4, 1000, 3)
    assert np.abs(found.draws).max() <= 1.5
    assert (found.diagnostics.divergences or 0) > 20
    assert any(problem.startswith("divergences: ") for problem in found.diagnostics.problems)


def test_where_no_point_has_a_density_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    regression = tutorial(X)
    function = failing(-1.0)
    monkeypatch.setattr(kernels, "compiled", lambda _: function)
    with pytest.raises(InferenceError, match="NUTS could not sample the model: "):
        nuts.fit(regression, read(small(), regression), seed=1)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_varies_and_cells_have_a_model(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    regression, table = make(KINDS[kind], frame())
    taken = []
    for name in ("_direct", "_alone"):

        def note(*_: object, name: str = name) -> Posterior:
            taken.append(name)
            raise KeyboardInterrupt

        monkeypatch.setattr(nuts, name, note)
    with pytest.raises(KeyboardInterrupt):
        nuts.fit(regression, table, seed=1)
    modelled = "|" in KINDS[kind].formula or KINDS[kind].family == "cells"
    assert taken == ["_alone" if modelled else "_direct"]
    monkeypatch.setattr(nuts, "LARGEST", len(regression.columns) * table.rows - 1)
    with pytest.raises(KeyboardInterrupt):
        nuts.fit(regression, table, seed=1)
    assert taken[1:] == ["_alone"], "a design that does not fit into memory is not made"


SIGMA = (("sigma", EXPONENTIAL),)


@pytest.mark.parametrize(
    ("term", "auxiliary", "said"),
    [
        (Numeric("x"), (), "no prior for sigma"),
        (Numeric("g"), SIGMA, "is a category in the data"),
        (Categorical("g", ("a", "b")), SIGMA, "a level 'c'"),
    ],
)
def test_what_does_not_suit_the_table_is_refused(
    term: Term, auxiliary: tuple[tuple[str, Distribution], ...], said: str
) -> None:
    count = len(term.levels) if isinstance(term, Categorical) else 1
    priors = Priors(NORMAL, (), ((NORMAL,) * count,), auxiliary)
    regression = Regression("m", "y", None, (term,), "gaussian", priors)
    with pytest.raises(ModelError, match=said):
        nuts.fit(regression, read(frame(), regression), seed=1)


def test_cutpoints_of_several_kinds_are_refused() -> None:
    regression, table = make(Kind("o ~ x", "ordered"), frame())
    first, *rest = regression.priors.cutpoints
    mixed = (Distribution("StudentT", (3.0, *first.parameters)), *rest)
    with pytest.raises(ModelError, match="2 kinds"):
        nuts.fit(
            replace(regression, priors=replace(regression.priors, cutpoints=mixed)), table, seed=1
        )


def test_an_outcome_of_three_values_is_no_binary_one() -> None:
    regression, _ = make(KINDS["bernoulli"], frame())
    data = frame()
    data["b"] = np.arange(len(data)) % 3
    with pytest.raises(ModelError, match="needs an outcome of two values"):
        nuts.fit(regression, read(data, regression), seed=1)

"""Path analysis: against the algebra of path coefficients, least squares and coverage.

Data of the random models have exactly the covariance matrix that their arrows imply, so that with
flat priors every slope's posterior mean is the arrow's coefficient and no sampling error is left.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest

import causal.study.pathways as module
from causal.data.table import read_table
from causal.errors import CausalError, DataError, ModelError, QuestionError
from causal.graph.dag import Dag
from causal.inference.posterior import Diagnostics, Posterior
from causal.models.priors import Distribution, PriorChoice
from causal.study.pathways import causes, chain, check_linear, path_analysis
from tests.oracles import Case, linear_model

D = Distribution
FLAT = PriorChoice("default", {"intercept": D("Flat"), "slope": D("Flat")})
ERROR = 4.5 / math.sqrt(4000)
"""Monte Carlo error of a mean of 4,000 draws in units of their sd: left once in 150,000."""


def asked(text, effect="direct"):
    return Dag(text).question("x", "y", effect=effect)


# ------------------------------------------------------------------------------------------------
# The pipe, and least squares
# ------------------------------------------------------------------------------------------------


def test_in_the_pipe_nothing_is_direct_and_ten_runs_through_the_mediator():
    random = np.random.RandomState(2019)
    x1 = random.normal(10, 3, 100)
    x2 = 2 * x1 + random.normal(0, 0.1, 100)
    data = {"x1": x1, "x2": x2, "y1": 5 * x2 + random.normal(0, 0.1, 100)}
    found = path_analysis(Dag("x1 -> x2 -> y1").question("x1", "y1"), data)
    # 2 times 5, each with its standard error: noise 0.1, spread 3 and 6.
    error = math.hypot(5 * 0.1 / (3 * 10), 2 * 0.1 / (6 * 10))
    assert found.total.mean == pytest.approx(10, abs=4 * error)
    assert found.total.sd == pytest.approx(error, rel=0.2)
    assert np.array_equal(found.indirect.draws, found.total.draws)
    assert (found.direct.mean, found.direct.sd, found.direct.interval) == (0, 0, (0, 0))
    assert [r.formula for r in found.regressions] == ["x2 ~ x1", "y1 ~ x2"]
    assert {e.contrast for e in (found.direct, found.indirect, found.total)} == {"+1"}
    assert found.passed
    low, high = found.total.interval
    assert low < 10 < high
    assert np.mean(found.total.draws < low) == pytest.approx(0.055, abs=1e-3)
    assert np.mean(found.total.draws > high) == pytest.approx(0.055, abs=1e-3)
    assert found.total.probability_positive == 1.0


def butterfly(rows=500, seed=3):
    """x -> m -> y, x -> y, and z behind all three."""
    random = np.random.default_rng(seed)
    z = random.normal(5, 1, rows)
    x = z + random.normal(size=rows)
    m = 0.7 * x - z + random.normal(size=rows)
    return {"z": z, "x": x, "m": m, "y": 0.3 * x + 2 * m + z + random.normal(size=rows)}


@pytest.mark.parametrize("preset", ["default", "wide"])
def test_total_and_direct_agree_with_the_single_regressions_that_ask_for_them(preset):
    dag = Dag("x -> m -> y; x -> y; x <- z -> y; z -> m")
    data, priors = butterfly(), PriorChoice(preset)
    found = path_analysis(dag.question("x", "y"), data, priors=priors)
    for effect, part in (("total", found.total), ("direct", found.direct)):
        [*_, single] = (
            fit.effect
            for fit in dag.question("x", "y", effect=effect).run(data, priors=priors).fits.values()
            if fit.regression.name == "correct"
        )
        # The priors are those of other regressions: at 500 rows they move less than 2 % of an sd.
        assert part.mean == pytest.approx(single.mean, abs=(ERROR + 0.02) * single.sd)
        assert part.sd == pytest.approx(single.sd, rel=0.06)
    assert found.total.draws == pytest.approx(found.direct.draws + found.indirect.draws)


def least_squares(y, *columns):
    design = np.column_stack([np.ones(len(y)), *columns])
    return np.linalg.lstsq(design, y, rcond=None)[0][1:]


def test_a_category_is_compared_level_by_level_and_two_values_end_to_end():
    random = np.random.default_rng(4)
    x = random.choice(["low", "mid", "top"], 2000)
    shift = np.select([x == "mid", x == "top"], [1.0, -2.0], 0.0)
    g = random.choice(["p", "q", "r"], 2000)
    m = shift + (g == "q") + random.normal(size=2000)
    y = 0.5 * m + (x == "mid") - (g == "r") + random.normal(size=2000)
    question = asked("x -> m -> y; x -> y; m <- g -> y")
    found = path_analysis(question, {"x": x, "g": g, "m": m, "y": y}, priors=PriorChoice("wide"))
    dummies = [x == "mid", x == "top", g == "q", g == "r"]
    direct, by_m = least_squares(y, *dummies, m)[[0, 4]]
    to_m = least_squares(m, *dummies)[0]
    assert found.total.contrast == "mid - low"
    assert found.direct.mean == pytest.approx(direct, abs=(ERROR + 0.01) * found.direct.sd)
    through = direct + to_m * by_m
    assert found.total.mean == pytest.approx(through, abs=(ERROR + 0.01) * found.total.sd)

    two = np.where(x == "mid", 4.0, 1.0)
    found = path_analysis(question, {"x": two, "g": g, "m": m, "y": y}, priors=FLAT)
    dummies = [two, g == "q", g == "r"]
    direct, by_m = least_squares(y, *dummies, m)[[0, 3]]
    to_m = least_squares(m, *dummies)[0]
    assert found.total.contrast == "4 - 1"
    assert found.direct.mean == pytest.approx(3 * direct, abs=(ERROR + 0.01) * found.direct.sd)
    through = 3 * (direct + to_m * by_m)
    assert found.total.mean == pytest.approx(through, abs=(ERROR + 0.01) * found.total.sd)


# ------------------------------------------------------------------------------------------------
# Random linear models
# ------------------------------------------------------------------------------------------------


def random_case(seed):
    """Up to five variables beside x and y; some have hidden causes in common, some are hidden."""
    random = np.random.default_rng(seed)
    others = [*"abcde"[: random.integers(2, 6)]]
    random.shuffle(others)
    before, after = random.choice([0, 0, 1], 2)
    order = [*others[:before], "x", *others[before : len(others) - after], "y"]
    order += others[len(others) - after :]
    pairs = list(combinations(order, 2))
    arrows = sorted(pair for pair in pairs if random.random() < 0.45)
    joined = sorted(tuple(sorted(pair)) for pair in pairs if random.random() < 0.04)
    hidden = frozenset(name for name in others if random.random() < 0.08)
    return Case(tuple(arrows), nodes=tuple(sorted(order)), arcs=tuple(joined), latent=hidden)


def two_ways(seed):
    """Two mediators side by side, and two others that may be behind anything and may be hidden."""
    random = np.random.default_rng(seed)
    sure = {("x", "a"), ("x", "b"), ("a", "y"), ("b", "y")}
    pairs = [(p, q) for p, q in combinations("cdxaby", 2) if (p, q) != ("a", "b")]
    arrows = sorted(sure | {pair for pair in pairs if random.random() < 0.2})
    joined = [pair for pair in combinations("abcd", 2) if random.random() < 0.2]
    hidden = frozenset(name for name in "cd" if random.random() < 0.4)
    return Case(tuple(arrows), nodes=tuple("abcdxy"), arcs=tuple(joined), latent=hidden)


def explained_by(case):
    """The nodes on directed paths from x to y, in causal order, by networkx."""
    graph = nx.DiGraph(case.edges)
    graph.add_nodes_from(case.names)
    between = nx.descendants(graph, "x") & (nx.ancestors(graph, "y") | {"y"})
    return [name for name in nx.topological_sort(graph) if name in between] if between else []


def rows_with(covariance, rows, seed):
    """Rows whose mean is 0 and whose covariance matrix (divisor n) is exactly this."""
    noise = np.random.default_rng(seed).normal(size=(rows, len(covariance)))
    white = np.linalg.qr(noise - noise.mean(axis=0))[0] * math.sqrt(rows)
    return white @ np.linalg.cholesky(covariance).T


def test_the_total_effect_is_the_sum_over_all_paths_of_the_products_of_their_arrows():
    done = Counter()
    for seed in range(150):
        case = random_case(seed)
        question = case.question()
        try:
            explained = chain(question)
        except CausalError:
            continue
        at, arrows, covariance = linear_model(case, seed)
        values = rows_with(covariance, 300, seed)
        data = {name: values[:, at[name]] for name in case.names if name not in case.latent}
        found = path_analysis(question, data, priors=FLAT, seed=seed)

        routes = list(nx.all_simple_paths(nx.DiGraph(case.edges), "x", "y"))
        total = sum(math.prod(arrows[at[b], at[a]] for a, b in pairwise(r)) for r in routes)
        direct = arrows[at["y"], at["x"]]
        for effect, truth in (
            (found.total, total),
            (found.direct, direct),
            (found.indirect, total - direct),
        ):
            assert effect.mean == pytest.approx(truth, abs=ERROR * effect.sd + 1e-9)
        by_name = {r.outcome: r for r in found.regressions}
        assert tuple(by_name) == explained
        for name, regression in by_name.items():
            for parent in set(regression.predictors) & {"x", *explained}:
                slope = found.posteriors[name].summary(parent).mean
                assert slope == pytest.approx(arrows[at[name], at[parent]], abs=1e-9)
        done[len(routes) > 1, ("x", "y") in case.edges] += 1
    assert len(done) == 4
    assert min(done.values()) > 5


def slopes(case, covariance, at, name):
    """Population least squares of a variable on its measured parents: names and coefficients."""
    parents = sorted({a for a, b in case.edges if b == name} - case.latent)
    places = [at[p] for p in parents]
    square = covariance[np.ix_(places, places)]
    return parents, np.linalg.solve(square, covariance[places, at[name]])


def dependence(case, seed, explained):
    """Bias of the arrows' slopes, and covariance of the slopes of different regressions.

    Of Gaussian rows, times their number: with errors e and f of the regressions on a and on b,
    ``E[aa']^-1 (E[ef] E[ab'] + E[af] E[eb']) E[bb']^-1``.
    """
    at, arrows, s = linear_model(case, seed)
    unit = np.eye(len(at))
    fitted = {}
    bias = 0.0
    for name in explained:
        parents, b = slopes(case, s, at, name)
        matter = [k for k, p in enumerate(parents) if p == "x" or p in explained]
        bias = max(bias, *(abs(b[k] - arrows[at[name], at[parents[k]]]) for k in matter))
        rows = unit[[at[p] for p in parents]]
        fitted[name] = (rows, unit[at[name]] - b @ rows, matter)
    worst = 0.0
    for one, other in combinations(explained, 2):
        (a, e, mine), (b, f, theirs) = fitted[one], fitted[other]
        middle = (e @ s @ f) * (a @ s @ b.T) + np.outer(a @ s @ f, b @ s @ e)
        joint = np.linalg.inv(a @ s @ a.T) @ middle @ np.linalg.inv(b @ s @ b.T)
        worst = max(worst, np.abs(joint[np.ix_(mine, theirs)]).max())
    return bias, worst


def test_a_chain_is_accepted_exactly_where_slopes_are_arrows_and_regressions_independent():
    kinds = Counter()
    for seed in range(1500):
        case = random_case(seed) if seed % 2 else two_ways(seed)
        explained = explained_by(case)
        try:
            accepted = chain(case.question())
        except ModelError as error:
            text = str(error)
        else:
            bias, joint = dependence(case, seed, explained)
            assert (bias, joint) == pytest.approx((0, 0), abs=1e-9)
            assert set(accepted) == set(explained)
            kinds["accepted"] += 1
            continue
        if not explained:
            assert "no directed path" in text
        elif set(explained) & case.latent:
            assert "was not measured" in text
        else:
            bias, joint = dependence(case, seed, explained)
            if bias > 1e-9:
                assert "cannot be told from the data" in text
                kinds["biased"] += 1
            else:
                assert joint > 1e-9
                assert "go together" in text
                kinds["joined"] += 1
    assert kinds["accepted"] > 300
    assert kinds["biased"] > 100
    assert kinds["joined"] > 100


def test_regressions_of_one_chain_are_drawn_independently_even_on_the_same_columns():
    random = np.random.default_rng(2)
    x = random.normal(size=(3, 200))
    data = {"x": x[0], "a": x[0] + x[1], "b": x[0] + x[2], "y": x.sum(axis=0)}
    data["y"] = data["y"] + random.normal(size=200)
    found = path_analysis(asked("x -> a -> y; x -> b -> y; x -> y"), data)
    drawn = {name: p.draws.reshape(4000, -1) for name, p in found.posteriors.items()}
    for one, other in combinations(drawn, 2):
        count = drawn[one].shape[1]
        both = np.corrcoef(drawn[one].T, drawn[other].T)[:count, count:]
        assert np.abs(both).max() < ERROR


@pytest.mark.heavy
@pytest.mark.parametrize(("arc", "promised"), [("", True), ("; a <-> b", False)])
def test_intervals_cover_as_promised_unless_errors_that_go_together_are_let_pass(
    monkeypatch, arc, promised
):
    monkeypatch.setattr(module, "_refuse_common_errors", lambda *_: None)
    random = np.random.default_rng(8)
    question = asked(f"x -> a -> y; x -> b -> y{arc}")
    covered = 0
    for seed in range(600):
        x, u, e, f, g = random.normal(size=(5, 60))
        common = u if arc else 0.0
        a, b = x + 2 * common + e, x + 2 * common + f
        data = {"x": x, "a": a, "b": b, "y": a + b + g}
        low, high = path_analysis(question, data, draws=1000, seed=3 * seed).total.interval
        covered += low < 2 < high
    within = abs(covered / 600 - 0.89) < 4 * math.sqrt(0.89 * 0.11 / 600)
    assert within == promised


# ------------------------------------------------------------------------------------------------
# Options
# ------------------------------------------------------------------------------------------------


def test_a_prior_holds_in_every_regression_with_that_variable():
    sure = PriorChoice("default", {"x": D("Normal", (2.0, 1e-9)), "m": D("Normal", (3.0, 1e-9))})
    found = path_analysis(
        asked("x -> m -> y; x -> y; x <- z -> y; z -> m"), butterfly(), priors=sure
    )
    assert found.direct.mean == pytest.approx(2.0, abs=1e-6)
    assert found.total.mean == pytest.approx(2.0 + 2.0 * 3.0, abs=1e-6)


def test_rows_are_those_complete_in_the_chain_alone_and_a_table_will_do():
    data = {name: values.tolist() for name, values in butterfly().items()} | {"w": [None] * 500}
    data["w"][0] = 1.0
    data["m"][:7] = [None] * 7
    question = asked("x -> m -> y; x -> y; x <- z -> y; z -> m; w -> z")
    found = path_analysis(question, data)
    assert found.table.rows == 493
    assert set(found.table.columns) == {"x", "m", "y", "z"}
    again = path_analysis(question, read_table(data, ["x", "m", "y", "z", "w"]))
    assert np.array_equal(found.total.draws, again.total.draws)


def test_the_same_seed_gives_the_same_draws_and_prob_the_interval():
    question = asked("x -> m -> y; x -> y; x <- z -> y; z -> m")
    first, second = (path_analysis(question, butterfly(), seed=5, prob=0.5) for _ in range(2))
    assert np.array_equal(first.total.draws, second.total.draws)
    third = path_analysis(question, butterfly(), seed=6, draws=1000)
    assert len(third.total.draws) == 1000
    assert first.total.prob == 0.5
    assert first.total.interval == pytest.approx(np.quantile(first.total.draws, [0.25, 0.75]))


def test_samplers_may_round_the_number_of_draws_differently(monkeypatch):
    random = np.random.default_rng(0)

    def sample(regressions, *_, draws, **__):
        [regression] = regressions
        names = regression.coefficient_names
        size = (1, draws) if regression.outcome == "m" else (4, -(-draws // 4))
        values = random.normal(size=(*size, len(names)))
        drawn[regression.outcome] = values.reshape(-1, len(names))[:, 1:-1]
        return {regression.name: Posterior(names, values, "nuts", Diagnostics(), 0.0)}

    drawn = {}
    monkeypatch.setattr(module, "sample", sample)
    found = path_analysis(asked("x -> m -> y; x -> y"), butterfly(), draws=1001)
    [to_m], [from_m, direct] = drawn["m"].T, drawn["y"][:1001].T
    assert found.direct.draws == pytest.approx(direct)
    assert found.total.draws == pytest.approx(direct + to_m * from_m)


@pytest.mark.heavy
def test_a_chain_may_be_sampled_partly_by_importance():
    question = asked("x -> m -> y; x -> y; x <- z -> y; z -> m")
    heavy = PriorChoice("default", {"m": D("StudentT", (3.0, 0.0, 10.0))})
    mixed = path_analysis(question, butterfly(), priors=heavy, draws=3999)
    exact = path_analysis(question, butterfly())
    assert [p.sampler for p in mixed.posteriors.values()] == ["exact", "importance"]
    assert len(mixed.total.draws) == 3999
    assert mixed.passed
    for one, other in ((mixed.direct, exact.direct), (mixed.total, exact.total)):
        assert one.mean == pytest.approx(other.mean, abs=3 * ERROR * other.sd)
        assert one.sd == pytest.approx(other.sd, rel=0.1)


def test_a_failed_check_is_handed_on():
    x = np.arange(30.0)
    m = x + np.random.default_rng(1).normal(size=30)
    found = path_analysis(asked("x -> m -> y"), {"x": x, "m": m, "y": 2 * m})
    assert found.posteriors["y"].diagnostics.problems == ("perfect_fit",)
    assert not found.passed


def test_a_chain_is_in_causal_order_and_needs_no_data():
    assert chain(asked("x -> b -> a -> y; x -> a; b -> y; z -> x; y -> w")) == ("b", "a", "y")
    assert chain(asked("x -> y; x -> d")) == ("y",)
    question = asked("x -> m -> y; z -> y; u -> y; u [latent]; s -> y; s [selected]")
    assert causes(question, "y") == ("m", "z")


# ------------------------------------------------------------------------------------------------
# What is refused
# ------------------------------------------------------------------------------------------------

REFUSED = {
    "no causal path": ("x <- z -> y", "no directed path from 'x' to 'y'"),
    "the other way round": ("y -> m -> x", "no directed path from 'x' to 'y'"),
    "a mediator not measured": ("m [latent]; x -> m -> y", "'m' lies between 'x' and 'y' and was"),
    "mediator and outcome share a hidden cause": (
        "x -> m -> y; m <-> y",
        "arrow 'm' -> 'y' cannot be told .* m <-> y is open",
    ),
    "and it has a name": (
        "u [latent]; x -> m -> y; m <- u -> y; x -> y",
        "arrow 'm' -> 'y' cannot be told .* m <- u -> y is open",
    ),
    "exposure and mediator share one": ("x -> m -> y; x <-> m", "arrow 'x' -> 'm' cannot be told"),
    "exposure and outcome share one": ("x -> m -> y; x <-> y", "arrow 'm' -> 'y' cannot be told"),
    "two mediators share one": (
        "x -> a -> y; x -> b -> y; a <-> b",
        "errors of 'a' and 'b' go together, for a <-> b is open",
    ),
    "two mediators share one with a name": (
        "u [latent]; a <- u -> b; x -> a -> y; x -> b -> y",
        "errors of 'a' and 'b' go together, for a <- u -> b is open",
    ),
    "selected by a mediator's effect": ("x -> m -> y; m -> s; s [selected]", "arrow 'x' -> 'm'"),
    "selected by the outcome": (
        "x -> m -> y -> s; s [selected]",
        "arrow 'x' -> 'm' cannot .* holds s",
    ),
    "selected by a mediator": (
        "x -> m -> y; x -> y; m [selected]",
        "'m' lies between 'x' and 'y' and the data are selected on it",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_chain_that_is_not_identified_is_refused_with_its_reason(case):
    text, reason = REFUSED[case]
    with pytest.raises(ModelError, match=reason):
        chain(asked(text))
    with pytest.raises(ModelError, match=reason):  # before the data are read
        path_analysis(asked(text), "no such file")


def test_several_exposures_are_refused():
    for ends in ((["x", "z"], "y"), ("x", ["y", "z"])):
        with pytest.raises(QuestionError, match="one exposure and one outcome"):
            chain(Dag("x -> m -> y; z -> m").question(*ends))


def columns(**instead):
    random = np.random.default_rng(1)
    values = {name: random.normal(size=40) for name in ("x", "m", "y", "z")}
    return values | {name: f(random) for name, f in instead.items()}


UNFIT = {
    "a mediator of two values": (
        columns(m=lambda r: r.integers(0, 2, 40)),
        "adds up products of slopes, and 'm'.* is a variable of two values",
    ),
    "a mediator in words": (
        columns(m=lambda r: r.choice(["a", "b", "c"], 40)),
        "adds up products of slopes, and 'm'.* is a category",
    ),
    "an outcome of two values": (
        columns(y=lambda r: r.integers(0, 2, 40)),
        "adds up products of slopes, and 'y'",
    ),
    "a mediator that stands still": (columns(m=lambda _: np.ones(40)), "'m' has one value"),
    "a cause that stands still": (columns(z=lambda _: np.ones(40)), "'z' has the same value"),
    "causes that are the same": (
        columns(x=lambda _: np.arange(40.0), m=lambda _: 3 - 2 * np.arange(40.0)),
        "regression of 'y', '[xm]' is an exact linear function of '[xm]'",
    ),
    "too few rows": (
        {name: values[:4] for name, values in columns().items()},
        "regression of 'y', 4 rows are too few for 4 coefficients",
    ),
    "no such column": ({"x": [1.0], "y": [1.0]}, "'m'"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_data_that_make_no_chain_of_linear_regressions_are_refused(case):
    data, reason = UNFIT[case]
    with pytest.raises((ModelError, DataError), match=reason):
        path_analysis(asked("x -> m -> y; x -> y; z -> y"), data)


def test_a_form_or_a_family_that_a_path_analysis_has_no_use_for_is_refused():
    data, question = butterfly(), asked("x -> m -> y; x -> y; x <- z -> y; z -> m")
    with pytest.raises(ModelError, match="takes no terms of one's own"):
        question.run(data, paths=True, form="x:z")
    with pytest.raises(ModelError, match="takes no family student"):
        question.run(data, paths=True, family="student")
    for family in ("auto", "gaussian"):
        check_linear(None, family)
    assert question.run(data, paths=True, draws=100).pathways.total.mean == pytest.approx(
        path_analysis(question, data, draws=100).total.mean
    )


def test_priors_that_come_from_no_data_do_with_few_rows():
    few = {name: values[:4] for name, values in columns().items()}
    found = path_analysis(asked("x -> m -> y; x -> y; z -> y"), few, priors=PriorChoice("tutorial"))
    assert np.isfinite(found.total.mean)

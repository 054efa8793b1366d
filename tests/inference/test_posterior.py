"""One posterior type for all samplers: summaries, intervals, ArviZ."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from causal.errors import InferenceError
from causal.inference.posterior import Diagnostics, Mixture, Posterior, quantiles

NAMES = ("intercept", "x", "g[a]", "g[b]", "sigma")


def sampled(names: tuple[str, ...] = NAMES, mixture: Mixture | None = None) -> Posterior:
    draws = np.random.default_rng(0).normal(0.0, 1.0, (4, 500, len(names)))
    if names[-1] == "sigma":
        draws[:, :, -1] = np.exp(draws[:, :, -1])
    return Posterior(names, draws, "nuts", Diagnostics(), 1.0, mixture)


def two_points() -> Mixture:
    """sigma 1 or 3 with 1/4 and 3/4: one direction with data (d 2, z 5), one of the prior only."""
    basis: NDArray[np.float64] = np.array([[1.0, 0], [0, 2.0], [0, 0], [0, 0]])
    return Mixture(
        base=np.array([10.0, 0.0, -1.0, 0.0]),
        basis=basis,
        flat_basis=np.array([[0.0], [0.0], [0.5], [0.0]]),
        singular=np.array([2.0, 0.0]),
        target=np.array([5.0, 0.0]),
        sigma=np.array([1.0, 3.0]),
        weights=np.array([0.25, 0.75]),
    )


def test_summary_of_draws_is_theirs() -> None:
    posterior = sampled()
    x = posterior.draws[:, :, 1]
    summary = posterior.summary("x", prob=0.5)

    assert summary.mean == pytest.approx(x.mean())
    assert summary.sd == pytest.approx(x.std(ddof=1))
    assert summary.interval == pytest.approx(tuple(np.quantile(x, [0.25, 0.75])))
    assert summary.probability_positive == (x > 0).mean()
    assert summary.prob == 0.5


def test_interval_is_equal_tailed_and_of_89_percent_unless_told() -> None:
    posterior = sampled()
    summary = posterior.summary("x")
    low, high = summary.interval
    values = posterior.values("x")

    assert summary.prob == 0.89
    assert (values < low).mean() == pytest.approx(0.055, abs=1e-3)
    assert (values > high).mean() == pytest.approx(0.055, abs=1e-3)


@pytest.mark.parametrize("shape", [(1,), (2,), (3, 7), (2, 500, 3)], ids=str)
def test_quantiles_are_those_of_numpy(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(3).normal(2.0, 5.0, shape)
    probabilities = [0.0, 0.055, 0.25, 0.5, 0.7, 0.945, 1.0]

    wanted = np.quantile(values, probabilities)
    np.testing.assert_allclose(quantiles(values, probabilities), wanted, rtol=1e-14)


def test_draws_with_one_that_is_no_number_have_no_quantiles() -> None:
    assert np.isnan(quantiles(np.array([1.0, np.nan, 2.0]), [0.1, 0.9])).all()


def test_a_linear_functional_is_summed_draw_by_draw() -> None:
    posterior = sampled()
    contrast = posterior.values({"g[b]": 1, "g[a]": -1, "x": 0.5})

    np.testing.assert_allclose(contrast, posterior.draws @ [0.0, 0.5, -1.0, 1.0, 0.0], atol=1e-12)
    assert posterior.summary({"g[b]": 1, "g[a]": -1, "x": 0.5}).mean == pytest.approx(
        contrast.mean()
    )


def test_sigma_has_no_probability_of_being_positive() -> None:
    assert sampled().summary("sigma").probability_positive is None


def test_moments_come_from_the_mixture_where_there_is_one() -> None:
    posterior = sampled(mixture=two_points())
    # t: mean d z / (d^2 + s^2) = 2 and 10/13, variance s^2 / (d^2 + s^2) = 1/5 and 9/13.
    means, variances = np.array([2.0, 10 / 13]), np.array([1 / 5, 9 / 13])
    mean = 10 + 0.25 * means[0] + 0.75 * means[1]
    within = 0.25 * variances[0] + 0.75 * variances[1]
    between = 0.25 * 0.75 * (means[0] - means[1]) ** 2

    intercept = posterior.summary("intercept")
    assert intercept.mean == pytest.approx(mean)
    assert intercept.sd == pytest.approx(math.sqrt(within + between))
    assert posterior.summary("x").sd == pytest.approx(2.0)  # of the prior alone
    assert posterior.summary("g[a]").sd == pytest.approx(0.5 * math.sqrt(0.25 + 0.75 * 9))
    assert posterior.summary("g[a]").probability_positive == pytest.approx(
        0.25 * 0.5 * math.erfc(2 / math.sqrt(2)) + 0.75 * 0.5 * math.erfc(2 / 3 / math.sqrt(2))
    )
    fixed = posterior.summary("g[b]")
    assert (fixed.mean, fixed.sd, fixed.probability_positive) == (0.0, 0.0, 0.0)
    assert posterior.summary("sigma").mean == pytest.approx(2.5)
    assert posterior.summary("sigma").sd == pytest.approx(math.sqrt(0.75))
    doubled = posterior.summary({"sigma": -2.0})
    assert (doubled.mean, doubled.sd) == pytest.approx((-5.0, 2 * math.sqrt(0.75)))


@pytest.mark.parametrize("prob", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_an_impossible_probability_is_refused(prob: float) -> None:
    with pytest.raises(InferenceError, match="between 0 and 1"):
        sampled().summary("x", prob)


def test_an_unknown_coefficient_is_refused_with_the_nearest() -> None:
    with pytest.raises(InferenceError, match=r"Did you mean 'g\[a\]'"):
        sampled().summary("g[aa]")
    with pytest.raises(InferenceError, match="no coefficient"):
        sampled().summary({"x": 1.0, "nothing": 1.0})


def test_arviz_gets_every_draw_with_levels_as_a_dimension() -> None:
    posterior = sampled()
    group = posterior.to_arviz()["posterior"].to_dataset()

    assert set(group.data_vars) == {"intercept", "x", "g", "sigma"}
    assert group["g"].dims == ("chain", "draw", "g_level")
    assert group["g_level"].values.tolist() == ["a", "b"]
    np.testing.assert_array_equal(group["x"].values, posterior.draws[:, :, 1])
    np.testing.assert_array_equal(group["g"].values, posterior.draws[:, :, 2:4])
    assert group.attrs["sampler"] == "nuts"


@pytest.mark.parametrize(
    "names",
    [
        ("intercept", "a/b", "a|b", "<script>", "line\nbreak", "sigma"),
        ("intercept", "chain", "draw", "g", "g[a]", "g_level", "sigma"),
        ("intercept", "[a]", "a[", "]", "g[]", ".", "sigma"),
        ("intercept", "g[a]", "g_level[x]", "g_level", "x" * 10_000, "sigma"),
    ],
    ids=["markup", "reserved", "brackets", "collisions"],
)
def test_hostile_names_lose_no_draws_on_the_way_to_arviz(names: tuple[str, ...]) -> None:
    posterior = sampled(names)
    group = posterior.to_arviz()["posterior"].to_dataset()  # a tree takes "." for itself
    columns = [
        values.reshape(4 * 500, -1).sum(axis=0)
        for values in (group[name].values for name in group.data_vars)
    ]

    given = np.sort(np.concatenate(columns))
    np.testing.assert_allclose(given, np.sort(posterior.draws.sum(axis=(0, 1))))

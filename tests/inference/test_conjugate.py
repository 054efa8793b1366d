"""Cells: the posterior of every probability is a Beta whose counts can be counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from causal.data.table import Table, read_table
from causal.errors import InferenceError, ModelError
from causal.inference import conjugate
from causal.models.priors import Distribution, PriorChoice, resolve
from causal.models.regression import Regression
from causal.models.terms import Categorical, Interaction, Term

D = Distribution
G, H = Categorical("g", ("a", "b", "c")), Categorical("h", ("u", "v"))

# g, h, outcomes of 0 and of 1; no row has c and v.
COUNTS = {("a", "u"): (3, 9), ("a", "v"): (0, 4), ("b", "u"): (250, 750), ("b", "v"): (1, 0),
          ("c", "u"): (2, 2)}  # fmt: skip


def table(
    counts: dict[tuple[str, str], tuple[int, int]] | None = None, values: Any = (0, 1)
) -> Table:
    rows = [
        (g, h, values[y])
        for (g, h), both in (counts or COUNTS).items()
        for y in (0, 1)
        for _ in range(both[y])
    ]
    order = np.random.default_rng(3).permutation(len(rows))
    data = {name: [rows[i][k] for i in order] for k, name in enumerate(("g", "h", "y"))}
    return read_table(data, list(data))


def cells(term: Term, prior: Distribution | None = None) -> Regression:
    own = {} if prior is None else {"cell": prior}
    priors = resolve(PriorChoice(overrides=own), (term,), "y", "cells", table())
    return Regression("correct", "y", "g", (term,), "cells", priors)


@pytest.mark.parametrize("prior", [None, D("Beta", (2.0, 5.0)), D("Beta", (0.5, 0.5))], ids=str)
def test_every_cell_has_the_beta_of_its_counts(prior: Distribution | None) -> None:
    posterior = conjugate.fit(cells(Interaction((G, H)), prior), table(), draws=40_000, seed=1)
    alpha, beta = (1.0, 1.0) if prior is None else prior.parameters

    assert posterior.names == tuple(f"g[{g}]:h[{h}]" for g in "abc" for h in "uv")
    assert posterior.draws.shape == (1, 40_000, 6)
    for name in posterior.names:
        zeros, ones = COUNTS.get((name[2], name[7]), (0, 0))  # without rows: the prior
        exact = stats.beta(alpha + ones, beta + zeros)
        found, error = posterior.summary(name), exact.std() / np.sqrt(40_000)
        kurtosis = float(exact.stats(moments="k")) + 3.0
        wide = 4.5 * np.sqrt((kurtosis - 1) / 4 / 40_000)
        assert found.mean == pytest.approx(exact.mean(), abs=4.5 * error)
        assert found.sd == pytest.approx(exact.std(), rel=wide)
        assert stats.kstest(posterior.values(name)[0], exact.cdf, method="asymp").pvalue > 1e-4
    assert posterior.sampler == "exact"
    assert posterior.diagnostics.problems == ()


def test_cells_are_independent_and_follow_the_seed() -> None:
    model = cells(Interaction((G, H)))
    one, same, other = (conjugate.fit(model, table(), seed=seed) for seed in (1, 1, 2))

    assert np.array_equal(one.draws, same.draws)
    assert not np.array_equal(one.draws, other.draws)
    correlation = np.corrcoef(one.draws[0].T)
    assert abs(correlation - np.eye(6)).max() < 4.5 / np.sqrt(4_000)


def test_the_order_of_categories_is_that_of_the_names() -> None:
    """h first: the second name is h[u]:g[b], with a thousand rows."""
    posterior = conjugate.fit(cells(Interaction((H, G))), table(), draws=100, seed=1)

    assert posterior.names[1] == "h[u]:g[b]"
    assert posterior.summary("h[u]:g[b]").mean == pytest.approx(0.75, abs=0.01)
    single = conjugate.fit(cells(H), table(), draws=40_000, seed=1)
    exact = stats.beta(1 + 9 + 750 + 2, 1 + 3 + 250 + 2)
    assert single.names == ("h[u]", "h[v]")
    assert single.summary("h[u]").mean == pytest.approx(exact.mean(), abs=1e-4)
    assert single.summary("h[u]").sd == pytest.approx(exact.std(), rel=0.02)


def test_the_larger_of_two_values_is_a_success() -> None:
    model = cells(Interaction((G, H)))
    plain = conjugate.fit(model, table(), seed=1)
    coded = conjugate.fit(model, table(values=(-3.0, 0.5)), seed=1)

    assert np.array_equal(plain.draws, coded.draws)


def test_levels_keep_their_place_in_a_table_without_one_of_them() -> None:
    """A table of fewer levels numbers them anew; the names decide."""
    fewer = table({("a", "u"): (2, 8), ("c", "v"): (900, 100)})
    posterior = conjugate.fit(cells(Interaction((G, H))), fewer, draws=2_000, seed=1)

    assert posterior.summary("g[c]:h[v]").mean == pytest.approx(0.1, abs=0.01)
    assert posterior.summary("g[b]:h[u]").mean == pytest.approx(0.5, abs=0.03)  # the prior
    unknown = table({("a", "u"): (2, 8), ("d", "v"): (9, 1)})
    with pytest.raises(ModelError, match="'g' has a level 'd' that the regression does not know"):
        conjugate.fit(cells(Interaction((G, H))), unknown)


def test_many_cells_and_rows_are_counted_once() -> None:
    random = np.random.default_rng(6)
    labels = [f"{i:02}" for i in range(100)]
    codes = random.integers(0, 100, (2, 50_000))
    y = (random.random(50_000) < 0.3).astype(float)
    data = {name: np.array(labels)[code].tolist() for name, code in zip("gh", codes, strict=True)}
    data["y"] = y.tolist()
    read = read_table(data, list(data))
    term = Interaction((Categorical("g", tuple(labels)), Categorical("h", tuple(labels))))
    priors = resolve(PriorChoice(), (term,), "y", "cells", read)
    model = Regression("m", "y", "g", (term,), "cells", priors)

    posterior = conjugate.fit(model, read, draws=50, seed=1)
    for g, h in ((0, 0), (37, 5), (99, 98)):
        inside = (codes[0] == g) & (codes[1] == h)
        exact = stats.beta(1 + y[inside].sum(), 1 + inside.sum() - y[inside].sum())
        found = posterior.summary(f"g[{g:02}]:h[{h:02}]")
        assert found.mean == pytest.approx(exact.mean(), abs=4.5 * exact.std() / np.sqrt(50))
    assert posterior.seconds < 5.0


def test_what_is_no_cell_model_is_refused() -> None:
    model = cells(G)

    assert conjugate.obstacle(model) is None
    other = replace(model, family="bernoulli")
    assert conjugate.obstacle(other) == "its family is bernoulli, not cells"
    with pytest.raises(InferenceError, match="no conjugate posterior: its family is bernoulli"):
        conjugate.fit(other, table())
    with pytest.raises(InferenceError, match="0 draws"):
        conjugate.fit(model, table(), draws=0)

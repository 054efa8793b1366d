"""What the priors alone say about the effect: the prior predictive, on the scale of the question.

A prior on a coefficient says little until it is pushed through the model: Normal(0, 1) on a log
odds ratio, or a wide prior on a slope of a column measured in grams, may believe in effects that
nobody does. So the effect is computed from draws of the priors as it is from draws of the
posterior (Gelman, Simpson & Betancourt 2017, "The prior can often only be understood in the context
of the likelihood").
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from causal.data.large import LargeTable
from causal.data.table import Table
from causal.inference import prior
from causal.study.effects import Effect, effects

if TYPE_CHECKING:
    from causal.models.regression import Regression

__all__ = ["prior_effect"]

DRAWS = 2_000
ROWS = 500
"""Rows over which a standardized effect is averaged: the priors are no finer than that."""


def prior_effect(
    regression: Regression, table: Table, *, prob: float = 0.89, seed: int = 0
) -> Effect | None:
    """The headline effect before any data; ``None`` where the priors have none that is finite.

    A flat prior says nothing, and a wide one may believe in counts that no computer can hold.

    Parameters
    ----------
    regression
        With an exposure.
    table
        The rows used: their covariates, not their outcomes, are what is averaged over.
    prob, seed
        Mass of the interval, and of which stream.
    """
    if prior.obstacle(regression) is not None:
        return None
    if table.rows > ROWS and not isinstance(table, LargeTable):
        table = _some_rows(table, regression, seed)
    with np.errstate(all="ignore"):  # a prior may believe in the infinite
        drawn = prior.draw(regression, draws=DRAWS, seed=seed)
        found = effects(regression, drawn, table, prob=prob)
    # Where the difference of two counts is beyond all bounds, their ratio may still be there.
    headline = found[0] if found and found[0].scale in ("outcome", "risk difference") else None
    return headline if headline and np.isfinite(headline.sd) else None


def _some_rows(table: Table, regression: Regression, seed: int) -> Table:
    generator = np.random.default_rng(seed)
    if table.weights is None:
        chosen = generator.choice(table.rows, ROWS, replace=False)
    else:
        chosen = generator.choice(table.rows, ROWS, p=table.weights / table.weights.sum())
    # Kinds, levels and the contrast stay those of the whole: only the average is over fewer rows.
    # So both values of an exposure that has two must be among them, however rare one is.
    assert regression.exposure is not None
    exposure = table[regression.exposure]
    if exposure.kind == "binary":
        chosen[:2] = np.argmin(exposure.values), np.argmax(exposure.values)
    columns = {
        name: table[name].holding(table[name].values[chosen]) for name in regression.variables
    }
    return Table(table.source, ROWS, MappingProxyType(columns))

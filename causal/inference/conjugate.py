"""The posterior of probabilities, cell by cell: Beta prior, Bernoulli rows, Beta posterior.

A model of cells has one probability for each combination of its categories and nothing else, so the
rows enter through two counts a cell, and the posterior is known in closed form
(Gelman et al. 2013, Bayesian Data Analysis, 3rd ed., section 2.4). The draws are independent.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from causal.errors import InferenceError
from causal.inference.posterior import Diagnostics, Posterior
from causal.models.design import atom_values, check_levels, response
from causal.models.terms import Interaction, columns

if TYPE_CHECKING:
    from causal.data.table import Table
    from causal.models.regression import Regression

__all__ = ["fit", "obstacle"]


def obstacle(regression: Regression) -> str | None:
    """Why this regression has no conjugate posterior; ``None`` if it has one."""
    if regression.family != "cells":
        return f"its family is {regression.family}, not cells"
    return None


def fit(
    regression: Regression, table: Table, *, draws: int = 4_000, seed: int | None = None
) -> Posterior:
    """Draw independently from the posterior of every cell.

    Parameters
    ----------
    regression
        Of the family ``cells``.
    table
        The rows used.
    draws
        How many.
    seed
        Of NumPy's default generator.

    Raises
    ------
    InferenceError
        Another family, or `draws` not positive.
    ModelError
        A table with a level that the regression does not know.
    """
    started = perf_counter()
    reason = obstacle(regression)
    if reason is not None:
        raise InferenceError(f"The {regression.name} model has no conjugate posterior: {reason}.")
    if draws < 1:
        raise InferenceError(f"{draws} draws are none: ask for at least 1.")
    [priors] = regression.priors.terms
    cells = _cells(regression, table)
    each = np.ones(table.rows) if table.weights is None else table.weights
    hits = each * response(regression, table)
    ones = np.bincount(cells, weights=hits, minlength=len(priors))
    zeros = np.bincount(cells, weights=each, minlength=len(priors)) - ones
    alpha, beta = np.array([prior.parameters for prior in priors]).T
    generator = np.random.default_rng(seed)
    return Posterior(
        names=regression.coefficient_names,
        draws=generator.beta(alpha + ones, beta + zeros, (1, draws, len(priors))),
        sampler="exact",
        diagnostics=Diagnostics(),
        seconds=perf_counter() - started,
    )


def _cells(regression: Regression, table: Table) -> NDArray[np.intp]:
    """The number of the cell of each row, in the order of the coefficients: (rows,)."""
    check_levels(regression, table)
    [term] = regression.terms
    place = np.zeros(table.rows)
    for part in term.parts if isinstance(term, Interaction) else (term,):
        levels = columns(part)
        codes = sum(code * atom_values(level, table) for code, [level] in enumerate(levels))
        place = place * len(levels) + codes
    return place.astype(np.intp)

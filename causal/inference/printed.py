"""From what a sampler moves, coefficients at the centres, to what is printed: the formula's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causal.models.priors import to_cutpoints, to_printed
from causal.models.regression import Regression

__all__ = ["as_printed"]


def as_printed(
    regression: Regression, theta: NDArray[np.float64], others: NDArray[np.float64]
) -> NDArray[np.float64]:
    """All parameters in the order of ``regression.coefficient_names``, (chains, draws, parameters).

    Parameters
    ----------
    theta : (chains, draws, len(regression.linear_names))
        The coefficients at the centres.
    others : (chains, draws, len(regression.other_names))
        The other parameters, cutpoints at the centres.
    """
    printed = theta.copy()
    matrix = to_printed(regression)
    # Few rows differ from the identity, and there may be thousands of columns.
    for row in np.flatnonzero((matrix != np.eye(len(matrix))).any(axis=1)):
        printed[..., row] = theta @ matrix[row]
    if regression.family == "ordered":
        others = others.copy()
        cuts = len(regression.priors.cutpoints)
        others[..., :cuts] -= (theta @ to_cutpoints(regression))[..., None]
    return np.concatenate([printed, others], axis=-1)

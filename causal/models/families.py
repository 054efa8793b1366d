"""The distributions an outcome may have, given its linear predictor.

=============  =================================================  ============  ================
family         outcome                                            link          also estimated
=============  =================================================  ============  ================
gaussian       any number                                         identity      sigma
student        any number, with outliers                          identity      sigma, nu
bernoulli      two values, the larger counts as 1                 logit
cells          the same, a probability for each combination       (none)
               of categories
binomial       successes among trials                             logit
poisson        a count of events                                  log
negbinomial    a count of events, more spread out                 log           alpha
ordered        grades: numbers that only rank                     logit         cutpoints
=============  =================================================  ============  ================

``Var(y) = mu + mu^2 / alpha`` in a negative binomial. An ordered outcome has no intercept: its
cutpoints take that place, ``P(y <= k) = expit(cut_k - eta)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["FAMILIES", "RULES", "Family", "Link", "Rules"]

Family = Literal[
    "gaussian",
    "student",
    "bernoulli",
    "cells",
    "binomial",
    "poisson",
    "negbinomial",
    "ordered",
]
FAMILIES: tuple[Family, ...] = get_args(Family)

Link = Literal["identity", "logit", "log", "cumulative logit"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What follows from the family alone.

    Attributes
    ----------
    link
        From the mean (for ``ordered`` the cumulative probabilities) to the linear predictor.
    auxiliary
        Parameters beside the linear predictor, each one number above 0.
    averages
        What a mean of the outcome is: a ``"number"`` in its own units, a ``"probability"``, or a
        ``"count"`` (above 0, so that ratios make sense).
    errors
        The distribution in a few words.
    """

    link: Link
    auxiliary: tuple[str, ...]
    averages: Literal["number", "probability", "count"]
    errors: str


RULES: Mapping[Family, Rules] = {
    "gaussian": Rules("identity", ("sigma",), "number", "normal errors"),
    "student": Rules("identity", ("sigma", "nu"), "number", "Student-t errors"),
    "bernoulli": Rules("logit", (), "probability", "a logit"),
    "cells": Rules("identity", (), "probability", "a probability for each cell"),
    "binomial": Rules("logit", (), "probability", "a logit of the share of successes"),
    "poisson": Rules("log", (), "count", "a log link and Poisson counts"),
    "negbinomial": Rules("log", ("alpha",), "count", "a log link and negative binomial counts"),
    "ordered": Rules("cumulative logit", (), "number", "cumulative logits of the grades"),
}

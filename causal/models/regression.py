"""Which regression is fitted: a frozen description that every sampler and every script reads.

A `Regression` says what is regressed on what, with which distribution and which priors, in the
data's own units. It holds no data and no computation, so the same value can be fitted exactly, by
NUTS, or written out as a program, and the three must agree.

The linear predictor is::

    intercept_c + sum_j slope_j * (x_j - centre_j) + sum_k level_k[g_k]

with `centre` from the priors. What is *printed* as ``intercept`` is always the value at zero
predictors, ``intercept_c - sum_j slope_j * centre_j``: the intercept of the formula as written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from causal.models.formula import write_formula

if TYPE_CHECKING:  # priors.py needs the terms at run time, this module the priors only as a type
    from causal.models.priors import Priors

__all__ = ["Categorical", "Family", "Numeric", "Regression", "Term"]


@dataclass(frozen=True, slots=True)
class Numeric:
    """A predictor with one slope: continuous, a count, or 0/1."""

    variable: str


@dataclass(frozen=True, slots=True)
class Categorical:
    """A predictor by index: one coefficient for each of its levels, beside the intercept."""

    variable: str
    levels: tuple[str, ...]


Term = Numeric | Categorical
Family = Literal["gaussian", "bernoulli"]


@dataclass(frozen=True, slots=True)
class Regression:
    """One regression, complete: nothing outside it is needed to know the model.

    Attributes
    ----------
    name
        ``"correct"``, ``"unadjusted"``, ``"everything"``, ``"yours"``, ...
    outcome
        The variable on the left.
    exposure
        The variable whose effect is asked; ``None`` for a plain regression.
    terms
        The exposure first, then the others sorted by name.
    family
        ``"gaussian"`` (identity link) or ``"bernoulli"`` (logit).
    priors
        Of every coefficient, in the data's own units.
    """

    name: str
    outcome: str
    exposure: str | None
    terms: tuple[Term, ...]
    family: Family
    priors: Priors

    @property
    def predictors(self) -> tuple[str, ...]:
        """The variables on the right, in the order of the terms."""
        return tuple(term.variable for term in self.terms)

    @property
    def variables(self) -> tuple[str, ...]:
        """The outcome and then the predictors: the columns this regression reads."""
        return (self.outcome, *self.predictors)

    @property
    def adjust_for(self) -> tuple[str, ...]:
        """The predictors without the exposure."""
        return tuple(name for name in self.predictors if name != self.exposure)

    @property
    def formula(self) -> str:
        """``y ~ x + z``, with back-quotes round names that are no identifiers."""
        return write_formula(
            self.outcome, self.predictors, intercept=self.priors.intercept is not None
        )

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """One name for each coefficient, all different; `sigma` last if the family has it.

        ``intercept``, then per term the variable's own name or ``name[level]``. A variable whose
        coefficient would bear a name already taken (a column called ``sigma``, or one called
        ``g[a]`` beside the category ``g``) is written in back-quotes instead.
        """
        grouped = self.coefficients_by_term
        head = ("intercept",) if self.priors.intercept is not None else ()
        tail = ("sigma",) if self.family == "gaussian" else ()
        return head + tuple(name for group in grouped for name in group) + tail

    @property
    def coefficients_by_term(self) -> tuple[tuple[str, ...], ...]:
        """The coefficient names of each term: one for a `Numeric`, one a level otherwise."""
        plain = [_plain_names(term) for term in self.terms]
        claims = Counter(name for group in plain for name in group)
        # Reserved words keep their meaning whichever family this is: `sigma` is never a slope.
        claims.update(["intercept", "sigma"])
        taken = set(claims)
        groups = []
        for term, names in zip(self.terms, plain, strict=True):
            if any(claims[name] > 1 for name in names):
                names = _fresh_names(term, taken)
            groups.append(names)
        return tuple(groups)

    def coefficients_of(self, variable: str) -> tuple[str, ...]:
        """The coefficient names of one predictor.

        Raises
        ------
        KeyError
            If the variable is no predictor of this regression.
        """
        for term, names in zip(self.terms, self.coefficients_by_term, strict=True):
            if term.variable == variable:
                return names
        raise KeyError(variable)


def _plain_names(term: Term, quote: str = "") -> tuple[str, ...]:
    variable = f"{quote}{term.variable}{quote}"
    if isinstance(term, Numeric):
        return (variable,)
    return tuple(f"{variable}[{level}]" for level in term.levels)


def _fresh_names(term: Term, taken: set[str]) -> tuple[str, ...]:
    """The term's names in as many back-quotes as it takes to be nobody else's; claims them."""
    quote = "`"
    while not taken.isdisjoint(names := _plain_names(term, quote)):
        quote += "`"
    taken.update(names)
    return names

"""Which regression is fitted: a frozen description that every sampler and every script reads.

A `Regression` says what is regressed on what, with which distribution and which priors, in the
data's own units. It holds no data and no computation, so the same value can be fitted exactly, by
NUTS, or written out as a program, and the three must agree.

The linear predictor is a sum over the columns of the terms (`causal.models.terms`)::

    intercept_c + sum_j coefficient_j * prod (atom - centre) + offsets

with `centre` from the priors. What is *printed* is always as written in the formula, with no
centre: ``intercept`` the value at zero predictors, ``x`` beside ``x:z`` the slope of x where z
is 0.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from causal.models.families import RULES, Family
from causal.models.terms import (
    Categorical,
    Column,
    Log,
    Numeric,
    Term,
    Varying,
    columns,
    labels,
    quoted,
    variables,
    varied_labels,
    written,
)

if TYPE_CHECKING:  # priors.py needs the terms at run time, this module the priors only as a type
    from causal.models.priors import Priors

__all__ = ["Categorical", "Family", "Numeric", "Regression", "Term"]


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
        Those of the exposure first, then the others; `Varying` ones last.
    family
        One of `causal.models.families.FAMILIES`.
    priors
        Of every coefficient, in the data's own units.
    offsets
        Added to the linear predictor with the coefficient 1.
    trials
        The variable with the number of trials, for ``binomial``.
    grades
        The values of the outcome in ascending order, for ``ordered``.
    """

    name: str
    outcome: str
    exposure: str | None
    terms: tuple[Term, ...]
    family: Family
    priors: Priors
    offsets: tuple[Numeric | Log, ...] = ()
    trials: str | None = None
    grades: tuple[float, ...] = ()

    @property
    def predictors(self) -> tuple[str, ...]:
        """The variables in the terms, each once, in their order."""
        return tuple(dict.fromkeys(name for term in self.terms for name in variables(term)))

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns this regression reads: outcome, predictors, offsets, trials."""
        more = [offset.variable for offset in self.offsets]
        if self.trials is not None:
            more.append(self.trials)
        return tuple(dict.fromkeys((self.outcome, *self.predictors, *more)))

    @property
    def adjust_for(self) -> tuple[str, ...]:
        """The predictors without the exposure, sorted."""
        return tuple(sorted(name for name in self.predictors if name != self.exposure))

    @property
    def varying(self) -> tuple[Varying, ...]:
        """The terms whose coefficients vary by a category."""
        return tuple(term for term in self.terms if isinstance(term, Varying))

    @property
    def columns(self) -> tuple[Column, ...]:
        """Of the design: the intercept's ``()`` if there is one, then those of the terms."""
        ones: tuple[Column, ...] = ((),) if self.priors.intercept is not None else ()
        return ones + tuple(column for term in self.terms for column in columns(term))

    @property
    def formula(self) -> str:
        """``y ~ x + z``, with back-quotes round names that are no identifiers."""
        right = [written(term) for term in self.terms]
        right += [f"offset({written(offset)})" for offset in self.offsets]
        if self.priors.intercept is None and self.family != "ordered":
            right.insert(0, "0")
        return f"{quoted(self.outcome)} ~ {' + '.join(right) or '1'}"

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """One name for each parameter, all different: `linear_names`, then `other_names`."""
        return self.linear_names + self.other_names

    @property
    def linear_names(self) -> tuple[str, ...]:
        """One for each of `columns`.

        ``intercept``, then per term the variable's own name, ``name[level]``, ``a:b``,
        ``1|g[level]``. A term with a coefficient that would bear a name already taken (a column
        called ``sigma``, or one called ``g[a]`` beside the category ``g``) has its variables in
        back-quotes instead.
        """
        head = ("intercept",) if self.priors.intercept is not None else ()
        return head + tuple(name for group in self.coefficients_by_term for name in group)

    @property
    def other_names(self) -> tuple[str, ...]:
        """The parameters beside the linear predictor.

        Cutpoints ``cut[1|2]``, for each varying term ``sd(1|g)``, ``sd(x|g)``, ``cor(1,x|g)``, and
        what the family has: ``sigma``, ``nu``, ``alpha``.
        """
        names = [
            f"cut[{low:g}|{high:g}]"
            for low, high in zip(self.grades, self.grades[1:], strict=False)
        ]
        for term in self.varying:
            what, by = varied_labels(term), term.by.variable
            names += [f"sd({one}|{by})" for one in what]
            names += [
                f"cor({one},{other}|{by})"
                for place, other in enumerate(what)
                for one in what[:place]
            ]
        return (*_distinct(names), *RULES[self.family].auxiliary)

    @property
    def coefficients_by_term(self) -> tuple[tuple[str, ...], ...]:
        """The coefficient names of each term, one for each of its columns."""
        plain = [labels(term) for term in self.terms]
        claims = Counter(name for group in plain for name in group)
        # Reserved words keep their meaning whichever family this is: `sigma` is never a slope.
        claims.update({"intercept", "sigma", *self.other_names})
        taken = set(claims)
        groups = []
        for term, names in zip(self.terms, plain, strict=True):
            if any(claims[name] > 1 for name in names):
                names = _fresh_names(term, taken)
            groups.append(names)
        return tuple(groups)

    def coefficients_of(self, variable: str) -> tuple[str, ...]:
        """The coefficient names of the terms that hold one variable and no other.

        Raises
        ------
        KeyError
            If the variable is no predictor of this regression.
        """
        if variable not in self.predictors:
            raise KeyError(variable)
        pairs = zip(self.terms, self.coefficients_by_term, strict=True)
        return tuple(
            name
            for term, names in pairs
            if variables(term) == (variable,) and not isinstance(term, Varying)
            for name in names
        )

    def term_of(self, variable: str) -> Term | None:
        """The first term that reads the variable; None if none does."""
        return next((term for term in self.terms if variable in variables(term)), None)


def _fresh_names(term: Term, taken: set[str]) -> tuple[str, ...]:
    """The term's names in as many back-quotes as it takes to be nobody else's; claims them."""
    quote = "`"
    while not taken.isdisjoint(names := labels(term, quote)):
        quote += "`"
    taken.update(names)
    return names


def _distinct(names: list[str]) -> tuple[str, ...]:
    """The same names, a number behind those that came before."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(found)

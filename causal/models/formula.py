"""Formulas such as ``y ~ x + a``: text in and out, and the set that one amounts to.

The grammar is closed and small, and nothing in a formula is ever evaluated::

    formula = name "~" sum
    sum     = [ "0" "+" ] item { "+" item } { "-" "1" }
    item    = "1" | name { (":" | "*") name }
    name    = identifier (letters, digits, _ and ., not first a digit) | "`" anything "`"

A back-quote inside a back-quoted name is written twice. ``a * b`` stands for ``a + b + a:b``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from causal.criteria.reasons import listed
from causal.errors import ModelError, shown

if TYPE_CHECKING:
    from causal.criteria.question import Question

__all__ = ["Formula", "fitted_set", "formula_set", "parse", "write_formula"]

_ALLOWED = (
    "A formula holds names, names in `back-quotes`, +, : and *, and 1 or -1 for the intercept, "
    "as in: y ~ x + a"
)
# a * b * ... of many names has 2^n - 1 terms; nobody means more than this.
_MOST_CROSSED = 8


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read.

    Attributes
    ----------
    outcome
        The name on the left.
    terms
        Each term is the tuple of the names it multiplies, one name for a plain predictor; in
        order of first appearance, none twice.
    intercept
        False after ``0 +`` or ``- 1``.
    """

    outcome: str
    terms: tuple[tuple[str, ...], ...]
    intercept: bool

    @property
    def predictors(self) -> tuple[str, ...]:
        """Every name on the right once, in order of first appearance."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "name", one of the signs, "0", "1", or "end"
    text: str
    start: int


_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>`(?:[^`]|``)*`)|(?P<name>[^\W\d][\w.]*)|(?P<number>\d[\w.]*)"
    r"|(?P<sign>[~+:*-]))"
)


def parse(text: str) -> Formula:
    """Read a formula.

    Raises
    ------
    ModelError
        With the line, the spot marked by a caret, and what is allowed.

    Examples
    --------
    >>> parse("y ~ x + a:b")
    Formula(outcome='y', terms=(('x',), ('a', 'b')), intercept=True)
    """
    return _Reader(text).formula()


def write_formula(outcome: str, names: Iterable[str], *, intercept: bool = True) -> str:
    """The formula of these predictors, in their order; `parse` reads it back.

    Examples
    --------
    >>> write_formula("y", ["x", "body mass"])
    'y ~ x + `body mass`'
    >>> write_formula("y", [])
    'y ~ 1'
    """
    right = [_written(name) for name in names]
    if not intercept:
        right.insert(0, "0")
    return f"{_written(outcome)} ~ {' + '.join(right) or '1'}"


def formula_set(question: Question, formula: Formula) -> tuple[str, ...]:
    """The adjustment set that a user's formula amounts to.

    Raises
    ------
    ModelError
        Another outcome than the question's, or no exposure on the right.
    UnknownVariable
        A name the DAG lacks.
    """
    [outcome] = question.outcomes
    names = {name for term in formula.terms for name in term}
    question.dag.numbers({formula.outcome, *names})
    if formula.outcome != outcome:
        raise ModelError(
            f"The formula explains {shown(formula.outcome)}, but the question is about "
            f"{shown(outcome)}. Write {shown(outcome)} on the left of ~, or change -y."
        )
    missing = [x for x in question.exposures if x not in names]
    if missing:
        raise ModelError(
            f"The formula lacks the exposure {listed([shown(x) for x in missing])}, so it says "
            "nothing about its effect. Add it on the right of ~, or change -x."
        )
    return tuple(sorted(names - set(question.exposures)))


def fitted_set(question: Question, formula: Formula) -> tuple[str, ...]:
    """`formula_set` of a formula that is to be fitted: sums of variables beside an intercept.

    Raises
    ------
    ModelError
        The formula has what no regression here can hold yet; otherwise as `formula_set`.
    """
    crossed = [":".join(term) for term in formula.terms if len(term) > 1]
    if crossed:
        raise ModelError(
            f"The formula holds the interaction {shown(crossed[0])}, and interactions cannot be "
            "fitted yet. Leave it out (`causal check --model` judges it all the same)."
        )
    if not formula.intercept:
        raise ModelError(
            "The formula leaves the intercept out, and regressions without one cannot be fitted "
            "yet. Write it without the 0 or -1."
        )
    return formula_set(question, formula)


def _written(name: str) -> str:
    if name.isidentifier():
        return name
    doubled = name.replace("`", "``")
    return f"`{doubled}`"


class _Reader:
    """One pass over the tokens; linear in the length of the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenise())
        self._at = 0

    def formula(self) -> Formula:
        outcome = self._name("A formula begins with the outcome")
        self._expect("~", "After the outcome comes ~")
        terms: dict[frozenset[str], tuple[str, ...]] = {}
        intercept = True
        adding = True
        if self._peek().kind in "+-":  # a leading sign, as in "y ~ -1 + x"
            adding = self._next().kind == "+"
        while True:
            start = self._peek()
            if start.kind in ("0", "1"):
                self._next()
                intercept = adding == (start.kind == "1")
            elif not adding:
                raise self._error(start, "Only 1, the intercept, can be taken away")
            else:
                for term in self._product():
                    terms.setdefault(frozenset(term), term)
            sign = self._next()
            if sign.kind == "end":
                break
            if sign.kind not in "+-":
                raise self._error(sign, "Here a + is wanted, or the end")
            adding = sign.kind == "+"
        for own in terms.values():
            if outcome in own:
                raise ModelError(
                    f"The outcome {shown(outcome)} stands on both sides of ~ in "
                    f"{shown(self._text)}: leave it out on the right."
                )
        return Formula(outcome, tuple(terms.values()), intercept)

    def _product(self) -> list[tuple[str, ...]]:
        """The terms of ``a``, ``a:b``, ``a * b`` or a mixture; ``:`` binds closer than ``*``."""
        first = self._peek()
        factors = [self._crossing()]
        while self._peek().kind == "*":
            self._next()
            factors.append(self._crossing())
        if len(factors) > _MOST_CROSSED:
            raise self._error(
                first, f"{len(factors)} names crossed with * are more than {_MOST_CROSSED}"
            )
        return [
            tuple(dict.fromkeys(name for factor in chosen for name in factor))
            for size in range(1, len(factors) + 1)
            for chosen in combinations(factors, size)
        ]

    def _crossing(self) -> tuple[str, ...]:
        names = [self._name("Here a name is wanted")]
        while self._peek().kind == ":":
            self._next()
            names.append(self._name("After : comes a name"))
        return tuple(dict.fromkeys(names))

    def _name(self, wanted: str) -> str:
        token = self._next()
        if token.kind != "name":
            raise self._error(token, wanted)
        return token.text

    def _expect(self, kind: str, wanted: str) -> None:
        token = self._next()
        if token.kind != kind:
            raise self._error(token, wanted)

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _tokenise(self) -> Sequence[_Token]:
        tokens: list[_Token] = []
        position = 0
        end = len(self._text.rstrip())
        while position < end:
            found = _TOKEN.match(self._text, position)
            if found is None or found.lastgroup is None:
                start = position + len(self._text[position:]) - len(self._text[position:].lstrip())
                raise self._error(
                    _Token("?", "", start), f"{shown(self._text[start])} has no meaning here"
                )
            kind, content = found.lastgroup, found[found.lastgroup]
            tokens.append(self._token(kind, content, found.start(kind)))
            position = found.end()
        tokens.append(_Token("end", "", end))
        return tokens

    def _token(self, kind: str, content: str, start: int) -> _Token:
        if kind == "sign" or content in ("0", "1"):
            return _Token(content, content, start)
        if kind == "number":
            raise self._error(
                _Token("?", "", start),
                f"{shown(content)} is no name; a column of that name is written `{content[:20]}`",
            )
        if kind == "quoted":
            content = content[1:-1].replace("``", "`")
            if not content:
                raise self._error(_Token("?", "", start), "A name cannot be empty")
        return _Token("name", content, start)

    def _error(self, token: _Token, problem: str) -> ModelError:
        line, column = _excerpt(self._text, token.start)
        return ModelError(
            f"Cannot read the formula: {problem}.\n    {line}\n    {' ' * column}^\n{_ALLOWED}"
        )


def _excerpt(text: str, spot: int, reach: int = 36) -> tuple[str, int]:
    """The line around the spot, safe to print and not too long, and the caret's column in it."""
    left = max(0, text.rfind("\n", 0, spot) + 1, spot - reach)
    right = text.find("\n", spot)
    right = min(len(text) if right < 0 else right, spot + reach)
    # One character for one, so that the caret stays under its spot.
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[left:right])
    return line, spot - left

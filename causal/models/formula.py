"""Formulas such as ``y ~ x + a``: text in and out, and the set that one amounts to.

The grammar is closed and small, and nothing in a formula is ever evaluated::

    formula = name "~" sum
    sum     = item { ("+" | "-") item }                  only the intercept, 1, can be taken away
    item    = "0" | "1" | product | group | "offset" "(" ( name | "log" "(" name ")" ) ")"
    product = crossing { "*" crossing }                  a * b stands for a + b + a:b
    crossing= power { ":" power }
    power   = factor [ "^" number ]                      (a + b)^2 stands for (a + b) * (a + b)
    factor  = name | call | "(" sum ")"
    call    = "log" "(" name ")" | ("poly" | "bs") "(" name "," number ")"
    group   = "(" sum "|" name ")"                       levels, and slopes, that vary by a category
    name    = identifier (letters, digits, _ and ., not first a digit) | "`" anything "`"

A back-quote inside a back-quoted name is written twice. ``poly(x, 2)`` is x and its square,
``bs(x, 5)`` a cubic spline of five columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from causal.criteria.reasons import listed
from causal.errors import ModelError, shown

if TYPE_CHECKING:
    from causal.criteria.question import Question

__all__ = [
    "Call",
    "Factor",
    "Formula",
    "Group",
    "factor_variable",
    "formula_set",
    "parse",
    "parse_terms",
]

_ALLOWED = (
    "A formula holds names, names in `back-quotes`, +, : and *, ^ behind parentheses, 1 or -1 for "
    "the intercept, (1 | g), and log, poly, bs and offset, as in: y ~ x + a"
)
# a * b * ... of many names has 2^n - 1 terms, and nobody means more than these.
_MOST_TERMS = 2**8
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Call:
    """A variable transformed: its logarithm, or the columns of a polynomial or spline.

    *number*: the degree of ``poly``, the columns of ``bs``; None for ``log``.
    """

    function: Literal["log", "poly", "bs"]
    variable: str
    number: int | None = None


Factor = str | Call
Term = tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What varies by the levels of a category: the intercept, and slopes of some terms."""

    terms: tuple[Term, ...]
    by: str
    intercept: bool


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read.

    Attributes
    ----------
    outcome
        The name on the left; ``""`` where only a right side was read.
    terms
        Each term is the tuple of what it multiplies, one name for a plain predictor; in order of
        first appearance, none twice.
    intercept
        False after ``0 +`` or ``- 1``.
    groups
        ``(1 | g)``, ``(x | g)``, in order of appearance.
    offsets
        What is added with the coefficient 1.
    """

    outcome: str
    terms: tuple[Term, ...]
    intercept: bool
    groups: tuple[Group, ...] = ()
    offsets: tuple[Factor, ...] = ()

    @property
    def predictors(self) -> tuple[str, ...]:
        """Every name on the right once, in order of first appearance."""
        every = [factor for term in self.terms for factor in term]
        every += [
            factor
            for group in self.groups
            for factor in (*(f for term in group.terms for f in term), group.by)
        ]
        return tuple(dict.fromkeys(factor_variable(factor) for factor in (*every, *self.offsets)))


def factor_variable(factor: Factor) -> str:
    """The variable that a factor reads."""
    return factor if isinstance(factor, str) else factor.variable


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "name", "quoted", "number", one of the signs, or "end"
    text: str
    start: int


_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>`(?:[^`]|``)*`)|(?P<name>[^\W\d][\w.]*)|(?P<number>\d[\w.]*)"
    r"|(?P<sign>[~+:*^()|,-]))"
)


def parse(text: str) -> Formula:
    """Read a formula.

    Raises
    ------
    ModelError
        With the line, the spot marked by a caret, and what is allowed.

    Examples
    --------
    >>> parse("y ~ x + a:b + poly(z, 2) + (1 | g)").terms
    (('x',), ('a', 'b'), (Call(function='poly', variable='z', number=2),))
    """
    return _Reader(text).formula()


def parse_terms(text: str) -> Formula:
    """Read a right side alone, as ``poly(age, 2) + x:g``; the outcome is then ``""``.

    Raises
    ------
    ModelError
        As `parse`.
    """
    return _Reader(text).right()


def formula_set(question: Question, formula: Formula, *, fitted: bool = False) -> tuple[str, ...]:
    """The adjustment set that a user's formula amounts to.

    Parameters
    ----------
    fitted
        The formula is to be fitted, not only judged. Then an offset may be in it: its variable is
        held like any other if the DAG has it, and otherwise is a column of the data only.

    Raises
    ------
    ModelError
        Another outcome than the question's or several; no exposure on the right; an offset, unless
        `fitted`.
    UnknownVariable
        A name the DAG lacks.
    """
    if len(question.outcomes) != 1:
        raise ModelError(
            "A formula explains one outcome, but the question has several. Choose one."
        )
    [outcome] = question.outcomes
    names = set(formula.predictors)
    if fitted:
        names -= {factor_variable(factor) for factor in formula.offsets} - set(question.dag.names)
    question.dag.numbers({formula.outcome, *names})
    if formula.offsets and not fitted:
        raise ModelError(
            f"The formula holds {_shown_offset(formula.offsets[0])}: its slope is fixed at 1, so "
            "it adjusts for nothing, and a set cannot say what it does. Write it as a term to "
            "adjust for it."
        )
    if formula.outcome != outcome:
        raise ModelError(
            f"The formula explains {shown(formula.outcome)}, but the question is about "
            f"{shown(outcome)}. Write {shown(outcome)} on the left of ~, or change -y."
        )
    effects = {factor_variable(factor) for term in formula.terms for factor in term}
    missing = [x for x in question.exposures if x not in effects]
    if missing:
        raise ModelError(
            f"The formula lacks the exposure {listed([shown(x) for x in missing])}, so it says "
            "nothing about its effect. Add it on the right of ~, or change -x."
        )
    held = {factor_variable(factor) for factor in formula.offsets} & set(question.exposures)
    if held:
        raise ModelError(
            f"The exposure {shown(min(held))} cannot be an offset: its slope would be fixed at 1, "
            "and nothing asked. Leave the offset out."
        )
    return tuple(sorted(names - set(question.exposures)))


def _shown(term: Term) -> str:
    """A term as it is written, for a message."""
    words = []
    for factor in term:
        if isinstance(factor, str):
            words.append(shown(factor, 40)[1:-1])
        else:
            number = "" if factor.number is None else f", {factor.number}"
            words.append(f"{factor.function}({shown(factor.variable, 40)[1:-1]}{number})")
    return f"'{':'.join(words)}'"


def _shown_offset(factor: Factor) -> str:
    return f"offset({_shown((factor,))})"


@dataclass(slots=True)
class _Sum:
    """What a sum adds up to while it is read."""

    terms: dict[frozenset[Factor], Term] = field(default_factory=dict)
    intercept: bool = True
    said: bool = False  # whether a 0 or 1 decided about the intercept
    groups: list[Group] = field(default_factory=list)
    offsets: list[Factor] = field(default_factory=list)


class _Reader:
    """One pass over the tokens; linear in the length of the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenise())
        self._at = 0
        self._depth = 0

    def formula(self) -> Formula:
        outcome = self._name("A formula begins with the outcome")
        self._expect("~", "After the outcome comes ~")
        found = self.right(outcome)
        if outcome in found.predictors:
            raise ModelError(
                f"The outcome {shown(outcome)} stands on both sides of ~ in "
                f"{shown(self._text)}: leave it out on the right."
            )
        return found

    def right(self, outcome: str = "") -> Formula:
        right = self._sum(top=True)
        if self._peek().kind != "end":
            raise self._error(self._peek(), "Here a + is wanted, or the end")
        return Formula(
            outcome,
            tuple(right.terms.values()),
            right.intercept,
            tuple(right.groups),
            tuple(right.offsets),
        )

    def _sum(self, *, top: bool = False) -> _Sum:
        """Items joined by signs; groups and offsets only at the *top*."""
        total = _Sum()
        adding = True
        if self._peek().kind in "+-":  # a leading sign, as in "y ~ -1 + x"
            adding = self._next().kind == "+"
        while True:
            start = self._peek()
            if start.text in ("0", "1") and start.kind == "number":
                self._next()
                total.intercept, total.said = adding == (start.text == "1"), True
            elif not adding:
                raise self._error(start, "Only 1, the intercept, can be taken away")
            elif top and self._calls("offset"):
                total.offsets.append(self._offset())
            else:
                found = self._product(top=top)
                if isinstance(found, Group):
                    total.groups.append(found)
                else:
                    for term in found:
                        total.terms.setdefault(frozenset(term), term)
            if self._peek().kind not in "+-":
                return total
            adding = self._next().kind == "+"

    def _product(self, *, top: bool) -> list[Term] | Group:
        """``a``, ``a:b``, ``a * b`` or a mixture; or, at the *top*, a group."""
        first = self._crossing(top=top)
        if isinstance(first, Group):
            return first
        while self._peek().kind == "*":
            self._next()
            start = self._peek()
            first = self._crossed(first, self._terms(self._crossing()), start, alone=True)
        return first

    def _crossing(self, *, top: bool = False) -> list[Term] | Group:
        first = self._power(top=top)
        if isinstance(first, Group):
            return first
        while self._peek().kind == ":":
            self._next()
            start = self._peek()
            first = self._crossed(first, self._terms(self._power()), start, alone=False)
        return first

    def _power(self, *, top: bool = False) -> list[Term] | Group:
        start = self._peek()
        base = self._factor(top=top)
        if isinstance(base, Group) or self._peek().kind != "^":
            return base
        sign = self._next()
        if start.kind != "(":
            name = shown(start.text, 20)[1:-1]
            raise self._error(
                sign, f"{name}^2 is {name} itself in a formula; its square is in poly({name}, 2)"
            )
        exponent = self._number("After ^ comes a number", 1, 8)
        raised = base
        for _ in range(exponent - 1):
            raised = self._crossed(raised, base, sign, alone=True)
        return raised

    def _crossed(
        self, left: list[Term], right: list[Term], start: _Token, *, alone: bool
    ) -> list[Term]:
        """Every term of one times every term of the other; *alone*: and each by itself."""
        products = [(*a, *b) for a in left for b in right] if len(left) * len(right) < 2**16 else []
        every = [*left, *right, *products] if alone else products
        found: dict[frozenset[Factor], Term] = {}
        for term in every:
            found.setdefault(frozenset(term), tuple(dict.fromkeys(term)))
        if not products or len(found) > _MOST_TERMS:
            raise self._error(start, f"This makes more than {_MOST_TERMS} terms")
        return list(found.values())

    def _factor(self, *, top: bool) -> list[Term] | Group:
        token = self._peek()
        if token.kind == "(":
            return self._bracket(top=top)
        for function in ("log", "poly", "bs"):
            if self._calls(function):
                return [(self._call(function),)]
        name = self._name("Here a name is wanted")
        if self._peek().kind == "(" and token.kind == "name":
            raise self._error(self._peek(), f"{shown(name)} is no function of a formula")
        return [(name,)]

    def _bracket(self, *, top: bool) -> list[Term] | Group:
        start = self._next()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(start, f"Parentheses nest more than {_DEEPEST} deep")
        inside = self._sum()
        self._depth -= 1
        bar = self._next()
        if bar.kind == "|":
            if not top:
                raise self._error(bar, "A group such as (1 | g) stands between + signs")
            by = self._name("After | comes the category")
            self._expect(")", "A group ends with a parenthesis")
            return Group(tuple(inside.terms.values()), by, inside.intercept)
        if bar.kind != ")":
            raise self._error(bar, "Here a + is wanted, or a closing parenthesis")
        if not inside.terms or inside.said:
            raise self._error(start, "The intercept belongs outside of parentheses")
        return list(inside.terms.values())

    def _terms(self, found: list[Term] | Group) -> list[Term]:
        assert not isinstance(found, Group)
        return found

    def _calls(self, function: str) -> bool:
        token, after = self._peek(), self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        return token.kind == "name" and token.text == function and after.kind == "("

    def _call(self, function: str) -> Call:
        self._next()
        self._next()
        variable = self._name(f"{function} wants a name")
        number = None
        if function != "log":
            self._expect(
                ",", f"{function} wants a number too, as in {function}({variable[:20]}, 3)"
            )
            low, high = (2, 10) if function == "poly" else (3, 50)
            number = self._number(f"{function} wants a whole number", low, high)
        self._expect(")", "Here a closing parenthesis is wanted")
        return Call(cast("Literal['log', 'poly', 'bs']", function), variable, number)

    def _offset(self) -> Factor:
        self._next()
        self._next()
        inner = self._call("log") if self._calls("log") else self._name("offset wants a name")
        self._expect(")", "Here a closing parenthesis is wanted")
        return inner

    def _number(self, wanted: str, low: int, high: int) -> int:
        token = self._next()
        short = token.kind == "number" and token.text.isdecimal() and len(token.text) < 4
        number = int(token.text) if short else -1
        if not low <= number <= high:
            raise self._error(token, f"{wanted} from {low} to {high}")
        return number

    def _name(self, wanted: str) -> str:
        token = self._next()
        if token.kind == "number":
            raise self._error(
                token,
                f"{shown(token.text)} is no name; a column of that name is written "
                f"`{token.text[:20]}`",
            )
        if token.kind not in ("name", "quoted"):
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
        if kind == "quoted":
            content = content[1:-1].replace("``", "`")
            if not content:
                raise self._error(_Token("?", "", start), "A name cannot be empty")
        return _Token(content if kind == "sign" else kind, content, start)

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

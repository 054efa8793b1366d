"""What stands in a linear predictor: terms, and the columns that each of them makes.

A *term* is what a formula writes down: a number, a category, a polynomial, an interaction, or
coefficients that vary by a category. It makes one or more *columns*, each with one coefficient. A
column is a product of *atoms*, and an atom is one number a row::

    term                          columns
    Numeric("x")                  x
    Log("x")                      log x
    Polynomial("x", 2, 40.0)      x - 40, (x - 40)^2
    Categorical("g", ("a", "b"))  [g = a], [g = b]
    Interaction of x and g        x [g = a], x [g = b]
    Varying by g of 1 and x       [g = a], [g = b], x [g = a], x [g = b]

Categories have one column for each level (index coding, as in the founding tutorial). Beside an
intercept, or beside the parts of an interaction, that is more than the data can tell apart; the
priors resolve it, and `told_apart` says which columns least squares needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

__all__ = [
    "Atom",
    "Categorical",
    "Column",
    "Interaction",
    "Level",
    "Log",
    "Numeric",
    "Polynomial",
    "Power",
    "Simple",
    "Term",
    "Varying",
    "categories",
    "columns",
    "fixed_columns",
    "is_slope",
    "labels",
    "told_apart",
    "variables",
    "written",
]


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number as it is: continuous, a count, or 0/1. Both a term and an atom."""

    variable: str


@dataclass(frozen=True, slots=True)
class Log:
    """The natural logarithm of a number above 0. Both a term and an atom."""

    variable: str


@dataclass(frozen=True, slots=True)
class Power:
    """The atom ``(x - centre) ** exponent``."""

    variable: str
    exponent: int
    centre: float


@dataclass(frozen=True, slots=True)
class Level:
    """The atom that is 1 in the rows whose category has this label, else 0."""

    variable: str
    label: str


# Narrower than an identifier, which may hold the vowel signs of many scripts: see formula.py.
_PLAIN = re.compile(r"[^\W\d]\w*")

Atom = Numeric | Log | Power | Level
Column = tuple[Atom, ...]
"""What is multiplied; the empty product is the intercept's column of ones."""


@dataclass(frozen=True, slots=True)
class Categorical:
    """A category by index: one coefficient for each of its levels."""

    variable: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Polynomial:
    """The powers 1 to `degree` of ``x - centre``.

    The centre, the variable's mean over the rows used, is part of the term: it keeps the powers
    apart, and the first coefficient is the slope there.
    """

    variable: str
    degree: int
    centre: float


Simple = Numeric | Log | Categorical | Polynomial


@dataclass(frozen=True, slots=True)
class Interaction:
    """The product of its parts, each column of one with each of the others."""

    parts: tuple[Simple, ...]


@dataclass(frozen=True, slots=True)
class Varying:
    """Coefficients that vary by the levels of a category, drawn from a common distribution.

    ``(1 | g)`` are levels ~ Normal(0, sd) about the intercept: pooled levels. ``(x | g)`` are
    intercepts and slopes, jointly normal about the intercept and the slope of the formula, with a
    standard deviation each and a correlation matrix that has an LKJ prior.

    Attributes
    ----------
    by
        The category.
    parts
        What has a slope in each level.
    intercept
        Whether there is also an intercept in each level.
    """

    by: Categorical
    parts: tuple[Numeric | Log | Categorical, ...]
    intercept: bool = True

    @property
    def varied(self) -> tuple[Column, ...]:
        """What a level has a coefficient for, ``()`` for the intercept."""
        ones: tuple[Column, ...] = ((),) if self.intercept else ()
        return ones + tuple(column for part in self.parts for column in columns(part))


Term = Simple | Interaction | Varying


def columns(term: Term) -> tuple[Column, ...]:
    """The columns of a term, in the order of its coefficients.

    Those of `Varying` run over the levels first: all intercepts, then all slopes of one column.
    """
    match term:
        case Numeric() | Log():
            return ((term,),)
        case Categorical():
            return tuple((Level(term.variable, label),) for label in term.levels)
        case Polynomial():
            powers = range(1, term.degree + 1)
            return tuple((Power(term.variable, power, term.centre),) for power in powers)
        case Interaction():
            parts = product(*(columns(part) for part in term.parts))
            return tuple(tuple(atom for column in part for atom in column) for part in parts)
        case Varying():
            levels = columns(term.by)
            return tuple((*column, *level) for column in term.varied for level in levels)


def variables(term: Term) -> tuple[str, ...]:
    """The variables that a term reads, each once."""
    match term:
        case Interaction():
            found = [name for part in term.parts for name in variables(part)]
        case Varying():
            found = [*(name for part in term.parts for name in variables(part)), term.by.variable]
        case _:
            found = [term.variable]
    return tuple(dict.fromkeys(found))


def categories(terms: Iterable[Term]) -> dict[str, tuple[str, ...]]:
    """Every category in these terms with its levels."""
    found: dict[str, tuple[str, ...]] = {}
    for term in terms:
        match term:
            case Categorical():
                found[term.variable] = term.levels
            case Interaction():
                found |= categories(term.parts)
            case Varying():
                found |= categories((*term.parts, term.by))
    return found


def fixed_columns(terms: Iterable[Term]) -> tuple[Column, ...]:
    """The columns of all terms but the varying ones."""
    return tuple(c for term in terms if not isinstance(term, Varying) for c in columns(term))


def is_slope(column: Column) -> bool:
    """Whether its coefficient is one of a number (else of a combination of levels)."""
    return any(not isinstance(atom, Level) for atom in column)


def told_apart(terms: Sequence[Term], *, intercept: bool) -> tuple[bool, ...]:
    """Which of `fixed_columns` least squares needs: together they span all, none is redundant.

    A column is left out where its levels other than the first ones already stand in an earlier
    term (or, all being first ones, in the intercept): ``g[first]`` beside an intercept,
    ``x:g[first]`` beside ``x``, ``g[a]:h[first]`` beside ``g``. (Data may make more columns
    dependent than this; that is a finding, not a matter of coding.)
    """
    first = {name: levels[0] for name, levels in categories(terms).items() if levels}
    covered: set[tuple[frozenset[Atom], frozenset[str]]] = set()
    if intercept:
        covered.add((frozenset(), frozenset()))
    kept = []
    for term in terms:
        if isinstance(term, Varying):
            continue
        new = set()
        for column in columns(term):
            numbers = frozenset(atom for atom in column if not isinstance(atom, Level))
            levels = [atom for atom in column if isinstance(atom, Level)]
            others = frozenset(a.variable for a in levels if a.label != first[a.variable])
            kept.append((numbers, others) not in covered)
            names = sorted(atom.variable for atom in levels)
            new |= {
                (numbers, frozenset(some))
                for size in range(len(names) + 1)
                for some in combinations(names, size)
            }
        covered |= new
    return tuple(kept)


def written(term: Term) -> str:
    """A term as a formula writes it; `causal.models.formula.parse` reads it back.

    Examples
    --------
    >>> written(Interaction((Numeric("x"), Log("body mass"))))
    'x:log(`body mass`)'
    >>> written(Varying(Categorical("school", ("a", "b")), (Numeric("x"),)))
    '(x | school)'
    """
    match term:
        case Log():
            return f"log({quoted(term.variable)})"
        case Polynomial():
            return f"poly({quoted(term.variable)}, {term.degree})"
        case Interaction():
            return ":".join(written(part) for part in term.parts)
        case Varying():
            parts = [written(part) for part in term.parts]
            if not term.intercept:
                parts.insert(0, "0")
            return f"({' + '.join(parts) or '1'} | {quoted(term.by.variable)})"
        case _:
            return quoted(term.variable)


def quoted(name: str) -> str:
    """A name as a formula writes it: in back-quotes unless it is made of letters, digits and _."""
    if _PLAIN.fullmatch(name):
        return name
    doubled = name.replace("`", "``")
    return f"`{doubled}`"


def labels(term: Term, quote: str = "") -> tuple[str, ...]:
    """What the coefficients of a term are called, with `quote` round each variable's name.

    Examples
    --------
    >>> labels(Polynomial("age", 2, 43.9))
    ('poly(age)[1]', 'poly(age)[2]')
    >>> labels(Varying(Categorical("g", ("a", "b")), (Numeric("x"),)))
    ('1|g[a]', '1|g[b]', 'x|g[a]', 'x|g[b]')
    """
    if isinstance(term, Varying):
        levels = labels(term.by, quote)
        return tuple(f"{what}|{level}" for what in varied_labels(term, quote) for level in levels)
    return tuple(_label(column, quote) for column in columns(term))


def varied_labels(term: Varying, quote: str = "") -> tuple[str, ...]:
    """What varies, as `labels` calls it: ``1`` for the intercept."""
    return tuple(_label(column, quote) or "1" for column in term.varied)


def _label(column: Column, quote: str) -> str:
    words = []
    for atom in column:
        name = f"{quote}{atom.variable}{quote}"
        match atom:
            case Log():
                words.append(f"log({name})")
            case Power():
                words.append(f"poly({name})[{atom.exponent}]")
            case Level():
                words.append(f"{name}[{atom.label}]")
            case _:
                words.append(name)
    return ":".join(words)

"""The grammar that the notations share: names, chains, groups and marks.

::

    statement := chain attributes?  |  option
    chain     := operand (edge operand)*
    operand   := name  |  "{" statement* "}"
    edge      := "->"  |  "<-"  |  "<->"
    attributes:= "[" (key ("=" value)?)* "]"
    option    := key "=" value                      DAGitty and DOT: bb="0,0,1,1", rankdir=LR

A statement ends at ``;`` or where the next one begins, so line breaks are blanks and nothing more.
A group stands for every variable named in it, and an edge between groups for all pairs. Attributes
after a lone name are its marks and its position; after a chain they describe its edges, where
``dir`` and ``pos`` have a meaning. Options are attributes of the drawing as a whole, of which
``bb`` and ``name`` have one. What else stands there is kept as text. What differs between the
notations is in `Dialect`.

Groups are kept on a stack of our own, not on Python's, and no deeper than `DEEPEST`: garbage that
nests cannot hang the reader or blow the stack.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from causal.errors import NotationError
from causal.graph.dag import Box, Dag, Link, Position
from causal.graph.notation.scanner import ARROWS, Source, is_word, unquoted

__all__ = [
    "MARKS",
    "Dialect",
    "box_of",
    "comma_separated",
    "is_false",
    "is_true",
    "looks_of",
    "marks_of",
    "parse",
    "position",
]

DEEPEST = 100
MOST_EDGES = 2_000_000
MOST_DESCRIBED = 200_000  # edges of one statement with attributes: each keeps its own

# The keyword of `Dag` that each mark of DAGitty's belongs to.
MARKS = {
    "exposure": "exposures",
    "source": "exposures",
    "e": "exposures",
    "outcome": "outcomes",
    "target": "outcomes",
    "o": "outcomes",
    "latent": "latent",
    "l": "latent",
    "unobserved": "latent",
    "u": "latent",
    "adjusted": "adjusted",
    "a": "adjusted",
    "selected": "selected",
    "s": "selected",
}
_GOES_ON = frozenset({*ARROWS, "[", ":"})  # what may come behind x -> y in the same statement
_NEEDS_BOTH = "An arrow needs a variable on both sides."
# Possessive, like the tokens: nothing is looked at twice.
_NUMBER = r"[-+]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?"
_POSITION = re.compile(rf"\s*+({_NUMBER})\s*+,\s*+({_NUMBER})\s*+(?:,[^!]*+)?!?\s*+")
_FOREIGN = re.compile(r"[<@]?-+[>@]?")
# Signs that stand for an arrow, or for the dash of one that a word processor made longer.
_DRAWN = re.compile(r"[<>\u2013\u2014\u2190-\u21ff\u2212\u27f0-\u297f]")

# A name, or the variables of a group.
_Operand = str | tuple[str, ...]
# Key, value ("1" where it has none, None where it is HTML-like), number of the key's token.
_Attribute = tuple[str, str | None, int]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one notation has that another lacks."""

    body: bool  # the statements stand in braces behind a header
    options: bool = False  # key = value is a statement
    keywords: frozenset[str] = frozenset()  # which of: node edge graph subgraph
    any_case: bool = False  # keywords are keywords in any case
    ports: bool = False  # a:n is a place on a


@dataclass(slots=True)
class _Group:
    """What is open: the text itself, or braces in it."""

    opened: int  # the number of the token that opens it
    operands: list[_Operand] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    members: dict[str, None] = field(default_factory=dict)  # in the order they were named
    listed: bool = False  # the statement comes after a comma


def parse(source: Source, start: int, dialect: Dialect, title: str = "") -> Dag:
    """Read the statements from token number *start* on, of a drawing called *title*.

    Raises
    ------
    NotationError
        The text is not of this grammar; the message marks the spot.
    CycleError
        The arrows go round.
    """
    return _Parser(source, start, dialect, title).run()


def position(text: str) -> tuple[float, float] | None:
    """The numbers of ``"x,y"`` (in DOT also ``"x,y!"`` and ``"x,y,z"``), or None."""
    found = _POSITION.fullmatch(text)
    if found is None:
        return None
    x, y = float(found[1]), float(found[2])
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None


def box_of(text: str) -> Box | None:
    """The numbers of ``"left,top,right,bottom"``, or None."""
    sides = text.split(",") if "!" not in text else []
    corners = [position(",".join(two)) for two in (sides[:2], sides[2:]) if len(sides) == 4]
    if len(corners) != 2 or corners[0] is None or corners[1] is None:
        return None
    return (*corners[0], *corners[1])


def is_true(value: object) -> bool:
    """Whether an attribute's value switches it on."""
    return str(value).casefold() in {"1", "true", "yes", "on"}


def is_false(value: object) -> bool:
    """Whether an attribute's value switches it off."""
    return str(value).casefold() in {"0", "false", "no", "off", "none", ""}


def marks_of(dag: Dag) -> dict[str, list[str]]:
    """The marks of every variable that has one, by their long names."""
    found: dict[str, list[str]] = {}
    for mark, names in (
        ("exposure", dag.exposures),
        ("outcome", dag.outcomes),
        ("latent", dag.latent),
        ("adjusted", dag.adjusted),
        ("selected", dag.selected),
    ):
        for name in names:
            found.setdefault(name, []).append(mark)
    return found


def looks_of(dag: Dag, subject: str | Link) -> list[tuple[str, str]]:
    """Where *subject*, a variable or an edge, is drawn, and what else is said of it."""
    place = dag.positions.get(subject) if isinstance(subject, str) else dag.bends.get(subject)
    placed = [] if place is None else [("pos", comma_separated(place))]
    return [*placed, *dag.attributes.get(subject, {}).items()]


def comma_separated(numbers: Iterable[float]) -> str:
    """*numbers* as ``1.5,-2.0``; the very same numbers are read back."""
    return ",".join(map(_decimal, numbers))


def _decimal(number: float) -> str:
    """*number* in full and without an exponent, which DAGitty does not read."""
    text = repr(float(number))
    if "e" not in text:
        return text
    from decimal import Decimal

    return f"{Decimal(text):f}"


class _Parser:
    """One pass over the tokens; every method that is given a token's number returns the next."""

    def __init__(self, source: Source, start: int, dialect: Dialect, title: str) -> None:
        self.source = source
        self.tokens = source.tokens
        self.start = start
        self.dialect = dialect
        self.open = [_Group(start - 1)]
        self.known: dict[str, str] = {}  # token -> name, so that each is looked at once
        self.keys: dict[str, str] = {}  # of attributes, likewise
        self.nodes: set[str] = set()
        self.edges: list[tuple[str, str]] = []
        self.arcs: list[tuple[str, str]] = []
        self.marks: dict[str, set[str]] = {mark: set() for mark in MARKS.values()}
        self.positions: dict[str, Position] = {}
        self.bends: dict[Link, Position] = {}
        self.box: Box | None = None
        self.title = title
        self.texts: dict[str | Link, dict[str, str]] = {}

    def run(self) -> Dag:
        tokens, known = self.tokens, self.known
        group = self.open[-1]
        operands, edges = group.operands, group.edges
        i, drawn, quick = self.start, self.edges, True
        # Names and arrows are nearly all there is: they are dealt with here, the rest elsewhere.
        while token := tokens[i]:
            name = known.get(token)
            if name is not None:
                if len(operands) > len(edges):
                    self.finish(group)
                # By far the commonest statements of a large file: an arrow between two names, and
                # what is said of one.
                follows = tokens[i + 1] if quick and not operands else ""
                if (
                    follows == "->"
                    and (other := known.get(tokens[i + 2])) is not None
                    and tokens[i + 3] not in _GOES_ON
                ):
                    drawn.append((name, other))
                    i += 3
                elif follows == "[":
                    attributes, i = self.attributes(i + 1)
                    self.mark(name, attributes)
                else:
                    operands.append(name)
                    i += 1
            elif token in ARROWS:
                if len(operands) == len(edges) or not operands[-1]:
                    raise self.misplaced_arrow(i, group)
                if group.listed:
                    raise self.stray_comma(i)
                edges.append(token)
                i += 1
            else:
                i = self.other(i, token)
                if not self.open:
                    break
                group = self.open[-1]
                operands, edges = group.operands, group.edges
                quick = len(self.open) == 1
        if self.open:
            if self.dialect.body or len(self.open) > 1:
                raise self.source.error(self.open[-1].opened, "this '{' is never closed.")
            self.end(i)
        elif tokens[i] and tokens[i:] != [";", ""]:
            raise self.source.error(
                i,
                f"expected nothing more after the closing '}}', found {self.source.found(i)}.",
                "A text holds one graph.",
            )
        return Dag(
            nodes=self.nodes,
            edges=self.edges,
            arcs=self.arcs,
            positions=self.positions,
            bends=self.bends,
            box=self.box,
            title=self.title,
            attributes=self.texts,
            exposures=self.marks["exposures"],
            outcomes=self.marks["outcomes"],
            latent=self.marks["latent"],
            adjusted=self.marks["adjusted"],
            selected=self.marks["selected"],
        )

    # Tokens

    def other(self, i: int, token: str) -> int:
        """Deal with a token that is neither an arrow nor a name seen before."""
        group = self.open[-1]
        match token[0]:
            case "[":
                return self.statement_attributes(i, group)
            case ";":
                self.end(i)
                group.listed = False
                return i + 1
            case ",":
                return self.comma(i, group)
            case "{":
                return self.begin_group(i, group)
            case "}":
                return self.end_group(i)
            case "=":
                return self.option(i, token, group)
            case ":" if self.dialect.ports and self.is_name(i - 1) and self.is_name(i + 1):
                return i + 2
        keyword = token.casefold() if self.dialect.any_case else token
        if keyword in self.dialect.keywords:
            return self.keyword(i, keyword, group)
        name = self.text(i)
        if not name:
            raise self.source.error(i, "a variable has an empty name.", "Give it a name.")
        self.known[token] = name  # `run` meets the token again, and now knows it
        return i

    def is_name(self, i: int) -> bool:
        token = self.tokens[i]
        return token.startswith('"') or is_word(token)

    def text(self, i: int) -> str:
        """The text of the word or string that token number *i* is."""
        token = self.tokens[i]
        if token.isidentifier():  # the quickest way to know most words
            return token
        if token[:1] == '"':
            return unquoted(token)
        if is_word(token):
            return token
        raise self.not_a_name(i, token)

    def keyword(self, i: int, keyword: str, group: _Group) -> int:
        waiting = len(group.operands) == len(group.edges) > 0
        if keyword == "subgraph":
            if self.tokens[i + 1] == "{":
                return i + 1
            if self.tokens[i + 1 : i + 3][1:] == ["{"] and self.is_name(i + 1):
                return i + 2
        elif self.tokens[i + 1] == "[" and not waiting:
            self.end(i)
            attributes, after = self.attributes(i + 1)
            for key, value, at in attributes:
                means = (key in MARKS and is_true(value)) or (key == "dir" and value != "forward")
                if means and keyword != "graph":
                    raise self.source.error(
                        at,
                        f"'{key}' cannot be set for all at once.",
                        f"Set it on every {'edge' if keyword == 'edge' else 'variable'} that has "
                        f'it. (A variable called {keyword} goes in quotes: "{keyword}".)',
                    )
                if keyword == "graph":
                    self.describe_all(key, value, at)
            return after
        if len(group.operands) > len(group.edges):
            self.finish(group)
        group.operands.append(self.tokens[i])
        return i + 1

    def option(self, i: int, token: str, group: _Group) -> int:
        lone = len(group.operands) == 1 and not group.edges and self.is_name(i - 1)
        if not (self.dialect.options and lone):
            raise self.source.error(
                i, "this '=' is out of place.", "Values stand in brackets: x [beta=0.3]."
            )
        (key,) = group.operands
        group.operands.clear()  # it was no variable
        if len(token) > 1:  # an HTML-like value is part of the token
            return i + 1
        self.describe_all(str(key), self.text(i + 1), i - 1)
        return i + 2

    def describe_all(self, key: str, value: str | None, at: int) -> None:
        """Take down an option; in a group it describes that group, of which nothing is kept."""
        if len(self.open) > 1 or value is None or not key:
            return
        if key == "bb":
            self.box = box_of(value)
            if self.box is None and value:
                raise self.source.error(at, "'bb' needs four numbers.", 'Write: bb="0,0,1,1"')
        elif key == "name":
            self.title = self.title or value
        else:
            self.texts.setdefault("", {})[key] = value

    # Groups

    def begin_group(self, i: int, group: _Group) -> int:
        if len(group.operands) > len(group.edges):
            self.finish(group)
        if len(self.open) > DEEPEST:
            raise self.source.error(i, f"braces nest more than {DEEPEST} deep.")
        self.open.append(_Group(i))
        return i + 1

    def end_group(self, i: int) -> int:
        if len(self.open) == 1 and not self.dialect.body:
            raise self.source.error(i, "this '}' closes nothing.", "Remove it, or add its '{'.")
        self.end(i)
        closed = self.open.pop()
        if self.open:
            group = self.open[-1]
            if group.edges and not closed.members:
                raise self.empty_group(closed.opened)
            group.operands.append(tuple(closed.members))
        return i + 1

    def comma(self, i: int, group: _Group) -> int:
        if len(self.open) == 1 or group.edges or self.tokens[i - 1] in {"{", ","}:
            raise self.stray_comma(i)
        self.end(i)
        group.listed = True
        return i + 1

    # Attributes

    def attributes(self, i: int) -> tuple[list[_Attribute], int]:
        """What the brackets that open at token number *i*, and any right behind them, hold."""
        tokens, opened = self.tokens, i
        found: list[_Attribute] = []
        i += 1
        while True:
            token = tokens[i]
            if token == "]":
                if tokens[i + 1] != "[":
                    return found, i + 1
                opened = i + 1
                i += 2
            elif token in {",", ";"}:
                i += 1
            elif not token:
                raise self.source.error(opened, "this '[' is never closed.")
            else:
                key = self.keys.get(token)
                if key is None:
                    key = self.keys[token] = self.text(i)
                follows = tokens[i + 1]
                if follows == "=":
                    found.append((key, self.text(i + 2), i))
                    i += 3
                elif follows[:1] == "=":
                    found.append((key, None, i))
                    i += 2
                else:
                    found.append((key, "1", i))
                    i += 1

    def statement_attributes(self, i: int, group: _Group) -> int:
        if len(group.operands) == len(group.edges):
            if group.edges:
                raise self.no_variable_after_arrow(i, group)
            raise self.source.error(i, "these brackets describe nothing.", "Write: x [exposure]")
        attributes, after = self.attributes(i)
        if group.edges:
            self.finish(group, attributes)
            return after
        name = group.operands[0]
        if not isinstance(name, str):
            raise self.source.error(
                i, "brackets cannot follow braces.", "Mark the variables one by one: x [latent]"
            )
        self.mark(name, attributes)
        self.finish(group)
        return after

    def mark(self, name: str, attributes: Iterable[_Attribute]) -> None:
        """Take down what *attributes* say of the variable *name*."""
        self.nodes.add(name)
        texts: dict[str, str] = {}
        for key, value, at in attributes:
            if key == "pos":
                place = position(value or "")
                if place is None:
                    raise self.source.error(
                        at, "'pos' needs two numbers.", 'Write: x [pos="0.5,-1.2"]'
                    )
                self.positions[name] = place
            elif key in MARKS:
                if is_true(value):
                    self.marks[MARKS[key]].add(name)
                elif value is None or not (is_false(value) or key == "target"):  # or Graphviz's
                    raise self.source.error(at, f"'{key}' is either there or not.", "Write: x [e]")
            elif value is not None and key:
                texts[key] = value
        if texts:
            self.texts.setdefault(name, {}).update(texts)

    def two_headed(self, attributes: Iterable[_Attribute]) -> bool:
        """Whether the attributes of a chain say ``dir=both``."""
        two_headed = False
        for key, value, at in attributes:
            if key in MARKS and is_true(value):
                raise self.source.error(
                    at,
                    f"'{key}' marks a variable, but here it follows an arrow.",
                    "Give the variable a statement of its own: y [outcome]",
                )
            if key == "dir":
                two_headed = value == "both"
                if value not in {"both", "forward"}:
                    raise self.source.error(
                        at,
                        "an edge of this direction cannot be read.",
                        "Turn the arrow round itself, and leave 'dir' to 'forward' and 'both'.",
                    )
        return two_headed

    # Statements

    def end(self, i: int) -> None:
        """End the statement before token number *i*."""
        group = self.open[-1]
        if group.operands:
            if len(group.operands) == len(group.edges):
                raise self.no_variable_after_arrow(i, group)
            self.finish(group)

    def finish(self, group: _Group, attributes: Iterable[_Attribute] = ()) -> None:
        """Take down what a complete statement says."""
        operands, edges = group.operands, group.edges
        if not edges:
            if isinstance(operands[0], str):
                self.nodes.add(operands[0])
        else:
            two_headed = bool(attributes) and self.two_headed(attributes)
            before = len(self.edges), len(self.arcs)
            for left, edge, right in zip(operands, edges, operands[1:], strict=False):
                self.join(left, "<->" if two_headed else edge, right)
            if attributes:
                self.describe(before, attributes)
        if len(self.open) > 1:
            for operand in operands:
                group.members.update(
                    {operand: None} if isinstance(operand, str) else dict.fromkeys(operand)
                )
        operands.clear()
        edges.clear()
        group.listed = False

    def join(self, left: _Operand, edge: str, right: _Operand) -> None:
        if edge == "<-":
            left, right = right, left
        pairs = self.arcs if edge == "<->" else self.edges
        if isinstance(left, str) and isinstance(right, str):
            pairs.append((left, right))
            return
        tails = (left,) if isinstance(left, str) else left
        heads = (right,) if isinstance(right, str) else right
        self.refuse_more(len(self.edges) + len(self.arcs) + len(tails) * len(heads), MOST_EDGES)
        pairs.extend((tail, head) for tail in tails for head in heads)

    def describe(self, before: tuple[int, int], attributes: Iterable[_Attribute]) -> None:
        """Keep what is said of the edges drawn since there were *before* edges and arcs."""
        place = None
        texts: dict[str, str] = {}
        for key, value, _ in attributes:
            if value is None or not key or key == "dir" or key in MARKS:
                continue
            if key == "pos":  # DOT's splines, which are no two numbers, are layout
                place = position(value)
            else:
                texts[key] = value
        if place is None and not texts:
            return
        edges, arcs = self.edges[before[0] :], self.arcs[before[1] :]
        self.refuse_more(len(edges) + len(arcs), MOST_DESCRIBED)
        links = [(a, "->", b) for a, b in edges]
        for link in links + [(min(a, b), "<->", max(a, b)) for a, b in arcs]:
            if place is not None:
                self.bends[link] = place
            if texts:
                self.texts.setdefault(link, {}).update(texts)

    def refuse_more(self, count: int, most: int) -> None:
        if count > most:
            raise NotationError(
                f"The groups of this DAG stand for more than {most:,} arrows. "
                "Draw fewer of them: no regression can use so many variables."
            )

    # Errors

    def no_variable_after_arrow(
        self, i: int, group: _Group, advice: str = _NEEDS_BOTH
    ) -> NotationError:
        return self.source.error(
            i,
            f"expected a variable after '{group.edges[-1]}', found {self.source.found(i)}.",
            advice,
        )

    def misplaced_arrow(self, i: int, group: _Group) -> NotationError:
        if group.edges and len(group.operands) == len(group.edges):
            return self.no_variable_after_arrow(i, group)
        if group.operands:  # a group without members
            return self.empty_group(i)
        advice = _NEEDS_BOTH
        if self.tokens[i - 1] == "]" and i > self.start:
            advice += " Marks stand in a statement of their own: x [exposure]; x -> y"
        return self.source.error(i, f"expected a variable before {self.source.found(i)}.", advice)

    def empty_group(self, i: int) -> NotationError:
        return self.source.error(i, "the braces on one side of this arrow are empty.", _NEEDS_BOTH)

    def stray_comma(self, i: int) -> NotationError:
        return self.source.error(
            i,
            "a comma can only stand between the names of a group.",
            "Separate statements by ';' or a new line, and write groups in braces: {a, b} -> c",
        )

    def not_a_name(self, i: int, token: str) -> NotationError:
        advice = ""
        if not token:
            pass
        elif _FOREIGN.fullmatch(token):
            advice = (
                'A name that holds "-" goes in double quotes; arrows are ->, <- and <->.'
                if token == "-"
                else "A DAG has the edges ->, <- and <-> only."
            )
        elif token in "'`\u2018\u2019\u201c\u201d\u201e\xab\xbb":
            advice = 'Names with blanks or signs go in straight double quotes: "blood pressure"'
        elif _DRAWN.fullmatch(token):
            advice = "Write arrows as ->, <- and <->."
        elif token == "~":
            advice = "This looks like a formula; a DAG is drawn with arrows: x -> y"
        elif token not in "[]{};,:=":
            advice = 'Names with blanks or signs go in double quotes: "a b"'
        group = self.open[-1]
        if len(group.operands) == len(group.edges) > 0:
            return self.no_variable_after_arrow(i, group, advice or _NEEDS_BOTH)
        return self.source.error(
            i, f"expected a variable or an arrow, found {self.source.found(i)}.", advice
        )

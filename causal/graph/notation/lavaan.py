r"""lavaan's model syntax, the notation of structural equations in R.

::

    # latent variables            y ~ x + z       arrows x -> y and z -> y
    ability =~ test1 + test2      x ~~ w          a common cause that nobody measured: x <-> w
    y ~ b*x + 0.5*z + ability     ind := a*b      passed over, as are y ~ 1, x ~~ x, a == b

A formula ends where the next line with an operator begins, or at ``;``; ``#`` and ``!`` begin a
comment. What is multiplied to a variable (a label, a value, ``start(1)``) says how strong an effect
is and not whether there is one, so it is passed over; but an effect or a covariance that is fixed
to the number 0 is one that the model denies, and becomes no edge. ``<~`` (composites), ``level:``
and ``group:`` (several models in one) and products ``x:z`` have no counterpart in a DAG and are
refused.

Of a DAG, lavaan knows the variables, the edges and which variables are latent: a latent variable is
written with its effects as indicators, ``f =~ 0`` if it has none.

References
----------
.. [1] Y. Rosseel, "lavaan: an R package for structural equation modeling", Journal of Statistical
   Software 48(2), 2012.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from causal.errors import GraphError, NotationError, shown
from causal.graph.dag import Dag
from causal.graph.notation.scanner import error_at
from causal.graph.notation.statements import MOST_EDGES

__all__ = ["is_lavaan", "read", "write"]

_NAME = r"(?:[^\W\d]|\.(?![0-9]))[\w.]*+"
_TOKENS = re.compile(
    rf"(?:[^\S\r\n]++|[#!][^\r\n]*+)*+("
    rf"{_NAME}|(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?"
    r'|"[^"\r\n]*+"|=~|~\*~|~~|<~|~|==|:=|[\s\S]|\Z)'
)
_FORMULAS = frozenset({"~", "~~", "=~"})
_SCALES = frozenset({"|", "~*~"})  # say something about the scale of what stands on the left
_PARAMETERS = frozenset({":=", "==", "<", ">"})  # say something about numbers only
_OPERATORS = _FORMULAS | _SCALES | _PARAMETERS | {"<~", ":"}
_ENDS = frozenset({"\n", "\r", ";"})
_QUOTED_OR_COMMENT = re.compile(r'"[^"\r\n]*+"|[#!][^\r\n]*+')
_ARROW_OR_BRACE = re.compile(r"->|<-|[{}]")
# Words that R keeps for itself.
_RESERVED = frozenset(
    (
        *("if", "else", "repeat", "while", "function", "for", "next", "break", "in"),
        *("TRUE", "FALSE", "NULL", "Inf", "NaN"),
        *("NA", "NA_integer_", "NA_real_", "NA_character_", "NA_complex_"),
    )
)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    spot: int


@dataclass(frozen=True, slots=True)
class _Term:
    """One summand: a variable, or None for a number, and whether a 0 stands before it."""

    name: str | None
    absent: bool


def is_lavaan(text: str) -> bool:
    """Whether *text* has a ``~``, and no arrow or brace, outside of quotes and comments."""
    if "~" not in text:
        return False
    rest = _QUOTED_OR_COMMENT.sub("", text)
    return "~" in rest and not _ARROW_OR_BRACE.search(rest)


def read(text: str, file: str | None) -> Dag:
    """Read a model of lavaan; see `causal.graph.notation.read` for what it raises."""
    return _Reader(text, file).run()


def write(dag: Dag) -> str:
    """Write *dag* as a model of lavaan: its variables, edges and which are latent.

    Raises
    ------
    GraphError
        The DAG has no variables, or lavaan cannot spell a name.
    """
    if not dag.names:
        raise GraphError("lavaan has no model without variables, and this DAG has none.")
    for name in dag.names:
        if not _is_spelt(name):
            raise GraphError(
                f"lavaan cannot spell the name {shown(name)}: it takes letters, digits, '.' and "
                "'_', beginning with a letter, and no word that R keeps for itself. Rename the "
                "variable, or write another notation."
            )
    lines, said = [], set[str]()
    for left in sorted(dag.latent):
        effects = dag.named(dag.adjacency.children[dag.number(left)])
        lines.append(f"{left} =~ {' + '.join(effects) or '0'}")
        said.update((left, *effects))
    for left in dag.names:
        causes = set(dag.named(dag.adjacency.parents[dag.number(left)])) - dag.latent
        if causes:
            lines.append(f"{left} ~ {' + '.join(sorted(causes))}")
            said.update((left, *causes))
    lines += [f"{a} ~~ {b}" for a, b in dag.arcs]
    said.update(*dag.arcs)
    lines += [f"{name} ~~ {name}" for name in dag.names if name not in said]
    return "\n".join([*lines, ""])


def _is_spelt(name: str) -> bool:
    # Python's rule for identifiers is the narrower one where letters are not ASCII.
    plain = name.replace(".", "_").isidentifier() and re.fullmatch(_NAME, name) is not None
    return plain and name[0] != "_" and name not in _RESERVED


class _Reader:
    """One pass over the formulas."""

    def __init__(self, text: str, file: str | None) -> None:
        self.text, self.file = text, file
        self.nodes: set[str] = set()
        self.edges: list[tuple[str, str]] = []
        self.arcs: list[tuple[str, str]] = []
        self.latent: set[str] = set()

    def run(self) -> Dag:
        for formula in self.formulas():
            self.take(formula)
        return Dag(nodes=self.nodes, edges=self.edges, arcs=self.arcs, latent=self.latent)

    def error(self, token: _Token, problem: str, advice: str = "") -> NotationError:
        return error_at(self.text, self.file, token.spot, problem, advice)

    def formulas(self) -> Iterator[list[_Token]]:
        """The tokens of each formula: a line with an operator, and those without that follow it."""
        formula: list[_Token] = []
        for line, whole in self.lines():
            if formula and whole:
                yield formula
                formula = []
            formula += line
        if formula:
            yield formula

    def lines(self) -> Iterator[tuple[list[_Token], bool]]:
        """Each line that holds anything, and whether an operator is in it outside of brackets."""
        line: list[_Token] = []
        whole, opened = False, list[_Token]()
        for found in _TOKENS.finditer(self.text):
            token = _Token(found[1], found.start(1))
            if token.text in _ENDS and not opened:
                if line:
                    yield line, whole
                line, whole = [], False
                continue
            if not token.text or token.text.isspace():
                continue
            if token.text == "(":
                opened.append(token)
            elif token.text == ")":
                if not opened:
                    raise self.error(token, "this ')' closes nothing.")
                opened.pop()
            elif token.text in _OPERATORS and not opened:
                # The ":" of a product is part of the formula that it stands in.
                whole = whole or token.text != ":" or len(line) == 1
            line.append(token)
        if opened:
            raise self.error(opened[-1], "this '(' is never closed.")
        if line:
            yield line, whole

    def take(self, formula: list[_Token]) -> None:
        """Take down what *formula* says."""
        places = [i for i, token in enumerate(formula) if token.text in _OPERATORS]
        if not places:
            raise self.error(formula[0], "there is no formula here.", "Write: y ~ x + z")
        middle = formula[places[0]]
        operator = middle.text
        if operator in _PARAMETERS:
            return
        if operator == ":":
            raise self.error(
                middle,
                "a model of several blocks or groups is more than one DAG.",
                "Give the formulas of one of them, without the lines that end in ':' and a name.",
            )
        if operator == "<~":
            raise self.error(
                middle,
                "'<~' makes a composite, which is neither cause nor effect.",
                "Draw what the parts do with ~, or leave the line out.",
            )
        left = self.terms(formula[: places[0]], middle)
        names = [term.name for term in left if term.name is not None]
        if len(names) < len(left):
            raise self.error(formula[0], "a number cannot stand on the left.", "Write: y ~ x + z")
        self.nodes.update(names)
        if operator in _SCALES:
            return
        right = self.terms(formula[places[0] + 1 :], middle)
        if len(names) * len(right) + len(self.edges) + len(self.arcs) > MOST_EDGES:
            raise NotationError(
                f"The formulas of this model stand for more than {MOST_EDGES:,} arrows. "
                "Draw fewer of them: no regression can use so many variables."
            )
        if operator == "=~":
            self.latent.update(names)
        for name in names:
            for term in right:
                if term.name is None:
                    continue
                self.nodes.add(term.name)
                if term.absent:
                    continue
                if operator == "~":
                    self.edges.append((term.name, name))
                elif operator == "=~":
                    self.edges.append((name, term.name))
                elif name != term.name:
                    self.arcs.append((name, term.name))

    def terms(self, tokens: list[_Token], operator: _Token) -> list[_Term]:
        """The summands in *tokens*, which stand on one side of *operator*."""
        terms, begin, depth = [], 0, 0
        last = operator
        for i, token in enumerate([*tokens, None]):
            if token is not None and token.text in "()":
                depth += 1 if token.text == "(" else -1
            if token is None or (token.text == "+" and depth == 0):
                if i == begin:
                    raise self.error(
                        token or last,
                        f"expected a variable beside '{last.text}'.",
                        "Write: y ~ x + z",
                    )
                terms.append(self.term(tokens[begin:i]))
                begin = i + 1
            if token is not None:
                last = token
        return terms

    def term(self, tokens: list[_Token]) -> _Term:
        """What one summand says; all but its last factor says how strong the effect is."""
        begin, depth = 0, 0
        for i, token in enumerate(tokens):
            if token.text in "()":
                depth += 1 if token.text == "(" else -1
            elif token.text in {"*", "?"} and depth == 0:
                begin = i + 1
        factor, before = tokens[begin:], tokens[: max(begin - 1, 0)]
        if not factor:
            raise self.error(tokens[-1], f"expected a variable after '{tokens[-1].text}'.")
        first, more = factor[0], factor[1:]
        number = first.text[0].isdigit()
        if not number and not re.fullmatch(_NAME, first.text):
            raise self.error(
                first,
                f"expected a variable, found {shown(first.text, 30)}.",
                "A variable is one name without quotes; its label or value goes before it: b*x",
            )
        if more and more[0].text == ":":
            raise self.error(
                more[0],
                "a product of variables is no variable of a DAG.",
                "Write its parts as causes, x + z; how they combine is for the regression.",
            )
        if more:
            raise self.error(
                more[0],
                f"expected '+' or the end of the formula, found {shown(more[0].text, 30)}.",
                "Separate causes by '+' and formulas by ';' or a new line.",
            )
        if number:
            return _Term(None, absent=False)
        fixed = len(before) == 1 and tokens[begin - 1].text == "*"
        return _Term(first.text, absent=fixed and _is_zero(before[0].text))


def _is_zero(text: str) -> bool:
    return re.fullmatch(r"0*+\.?0*+(?:[eE][-+]?[0-9]++)?", text) is not None and "0" in text

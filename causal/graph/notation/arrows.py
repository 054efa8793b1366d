r"""Arrow text: ``x <- z -> y; x -> c <- y``, the notation of books, mails and command lines.

Chains of ``->``, ``<-`` and ``<->`` (a cause of both ends that nobody measured); groups in braces,
``{a b} -> c`` or ``{a, b} -> c``; a name alone is a variable without arrows. Statements end at a
line break, at ``;`` or where the next one begins; ``#`` and ``//`` begin a comment. Marks are those
of DAGitty, in a statement of their own: ``x [exposure]``. Names are text, so ``1`` and ``"1"`` are
one variable; a name with blanks or signs goes in double quotes, where ``\"`` and ``\\`` stand for
a quote and a backslash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from causal.graph.dag import Dag, bare_name
from causal.graph.notation.scanner import Source, quoted
from causal.graph.notation.statements import Dialect, marks_of, parse

__all__ = ["read", "write"]

_DIALECT = Dialect(body=False)
# Words that would make a header, or one half of it, if a brace came after them.
_HEADERS = frozenset({"strict", "dag", "digraph", "graph", "mag", "pag", "pdag"})


def read(source: Source) -> Dag:
    """Read arrow text; see `causal.graph.notation.read` for what it raises."""
    return parse(source, 0, _DIALECT)


def write(dag: Dag) -> str:
    """Write *dag* as arrow text on one line: everything but how it looks.

    Arrows that follow one another in sorted order and share an end are joined into chains.
    """
    word = {name: _word(name) for name in dag.names}
    marks = marks_of(dag)
    drawn = set().union(*dag.edges, *dag.arcs)
    statements = [
        f"{word[name]} [{', '.join(marks[name])}]" if name in marks else word[name]
        for name in dag.names
        if name in marks or name not in drawn
    ]
    statements += _chains((word[a], word[b]) for a, b in dag.edges)
    statements += [f"{word[a]} <-> {word[b]}" for a, b in dag.arcs]
    return "; ".join(statements) or "{}"  # braces without content: a DAG without variables


def _word(name: str) -> str:
    return name if bare_name(name) and name.casefold() not in _HEADERS else quoted(name)


def _chains(edges: Iterable[tuple[str, str]]) -> Iterator[str]:
    chain: list[str] = []
    for tail, head in edges:
        if chain and chain[-1] == tail:
            chain += ["->", head]
        elif chain and chain[-1] == head:
            chain += ["<-", tail]
        elif len(chain) == 3 and chain[0] == tail:  # one arrow so far: turn it round
            chain = [chain[2], "<-", tail, "->", head]
        elif len(chain) == 3 and chain[0] == head:
            chain = [chain[2], "<-", head, "<-", tail]
        else:
            if chain:
                yield " ".join(chain)
            chain = [tail, "->", head]
    if chain:
        yield " ".join(chain)

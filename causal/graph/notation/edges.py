r"""A table of edges, one a row: what spreadsheets and graph programs exchange.

::

    from,to,edge
    smoking,"tar, in the lungs",
    smoking,income,<->
    alone,,

The header names the columns of cause and effect: ``from,to``, ``source,target``, ``cause,effect``,
``parent,child`` or ``v,w`` (the table that DAGitty's R package gives), in any case and order. A
column ``edge`` or ``type`` may hold ``->``, ``<-`` or ``<->``; empty is ``->``. Other columns are
passed over. A row with one name is a variable, with arrows in other rows or without. Fields are
separated by commas, semicolons or tabs; one in double quotes holds anything, a quote doubled
(RFC 4180), and blanks around one without quotes are not part of it.

Without a header, two columns separated by commas are read if one of the two names of the first row
comes again: else that row may be a header we do not know, and is asked about.

Marks and looks have no place in such a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from causal.errors import NotationError, shown
from causal.graph.dag import Dag
from causal.graph.notation.scanner import error_at

__all__ = ["begins", "has_two_columns", "read", "write"]

_PAIRS = (
    ("from", "to"),
    ("source", "target"),
    ("cause", "effect"),
    ("parent", "child"),
    ("v", "w"),
)
_EDGES = {
    **dict.fromkeys(["", "->", "directed"], "->"),
    "<-": "<-",
    **dict.fromkeys(["<->", "bidirected"], "<->"),
}
_SEPARATORS = ",;\t"
_LONGEST_HEADER = 10_000  # characters
_QUOTED = re.compile(r'"(?:[^"]++|"")*+"')
_OTHER = re.compile(r"->|<-|[\[\]{}=~]")  # signs of the notations in which a comma may stand
_TO_QUOTE = re.compile(r'[",;\t\r\n]|^[ \ufeff]| $|^\Z')


@dataclass(frozen=True, slots=True)
class _Row:
    fields: list[str]
    spot: int


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns hold cause, effect and kind of edge."""

    tail: int
    head: int
    kind: int | None
    count: int


def begins(text: str) -> bool:
    """Whether *text* begins with a row that names the columns of cause and effect."""
    return _header(text) is not None


def has_two_columns(text: str) -> bool:
    """Whether each line is two names and a comma, which is no DAG in any other notation."""
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    return len(lines) > 1 and all(map(_is_pair, lines))


def read(text: str, file: str | None) -> Dag:
    """Read a table of edges; see `causal.graph.notation.read` for what it raises."""
    separator, columns = _header(text) or (",", _Columns(0, 1, None, 2))
    rows = _filled(_rows(text, file, separator))
    headed = begins(text)
    if headed:
        next(rows)
    nodes: list[str] = []
    edges: list[tuple[str, str]] = []
    arcs: list[tuple[str, str]] = []
    first: _Row | None = None
    for row in rows:
        fields = row.fields
        if any(fields[columns.count :]):
            raise error_at(
                text,
                file,
                row.spot,
                f"this row has {len(fields)} fields, and the first row has {columns.count}.",
                'A name with a comma in it goes in double quotes: "a, b"',
            )
        first = first or row
        fields = [*fields, *[""] * columns.count]
        tail, head = fields[columns.tail], fields[columns.head]
        kind = "" if columns.kind is None else fields[columns.kind].casefold()
        if kind not in _EDGES:
            raise error_at(
                text,
                file,
                row.spot,
                f"an edge {shown(kind, 30)} cannot be read.",
                "A DAG has the edges ->, <- and <-> only; empty is ->.",
            )
        if not (tail or head):
            raise error_at(text, file, row.spot, "this row names no variable.")
        if not (tail and head):
            nodes.append(tail or head)
        elif _EDGES[kind] == "<->":
            arcs.append((tail, head))
        else:
            edges.append((tail, head) if _EDGES[kind] == "->" else (head, tail))
    if first is not None and not headed:
        told = [name for pair in edges[1:] for name in pair]
        if not {*first.fields} & {*told, *nodes}:
            raise _unclear(text, file, first)
    return Dag(nodes=nodes, edges=edges, arcs=arcs)


def write(dag: Dag) -> str:
    """Write *dag* as a table of edges: its variables and edges, without marks and looks."""
    word = {name: _word(name) for name in dag.names}
    drawn = set().union(*dag.edges, *dag.arcs)
    lines = ["from,to,edge"]
    lines += [f"{word[a]},{word[b]},->" for a, b in dag.edges]
    lines += [f"{word[a]},{word[b]},<->" for a, b in dag.arcs]
    lines += [f"{word[name]},," for name in dag.names if name not in drawn]
    return "\n".join([*lines, ""])


def _word(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if _TO_QUOTE.search(name) else name


def _header(text: str) -> tuple[str, _Columns] | None:
    """What separates the fields of a header that we know, and what it says."""
    beginning = text[:_LONGEST_HEADER]
    for separator in _SEPARATORS:
        if separator not in beginning:
            continue
        rows: list[_Row] = []
        with suppress(NotationError):  # a wrong row below is told about when all are read
            rows.extend(islice(_filled(_rows(beginning, None, separator)), 1))
            rows.extend(islice(_filled(_rows(beginning, None, separator)), 1, 2))
        columns = _columns(rows[0].fields) if rows else None
        # In arrow text "from; to" names two variables, if arrows come below it.
        if columns and (separator == "," or (len(rows) == 2 and len(rows[1].fields) > 1)):
            return separator, columns
    return None


def _filled(rows: Iterable[_Row]) -> Iterator[_Row]:
    return (row for row in rows if any(row.fields))


def _columns(header: list[str]) -> _Columns | None:
    names = [name.strip().casefold() for name in header]
    for tail, head in _PAIRS:
        if tail in names and head in names:
            kinds = ("e",) if tail == "v" else ("edge", "type")
            kind = next((names.index(name) for name in kinds if name in names), None)
            return _Columns(names.index(tail), names.index(head), kind, len(names))
    return None


def _is_pair(line: str) -> bool:
    rest = _QUOTED.sub("x", line)
    return rest.count(",") == 1 and '"' not in rest and not _OTHER.search(rest)


def _rows(text: str, file: str | None, separator: str) -> Iterator[_Row]:
    """The rows of the table, fields unquoted."""
    blank = "[ ]*+" if separator == "\t" else r"[ \t]*+"
    field = re.compile(
        rf'(?:{blank}"((?:[^"]++|"")*+)"{blank}|([^"{separator}\r\n]*+))({separator}|\r\n?|\n|\Z)'
    )
    at, begin, fields = 0, 0, list[str]()
    while True:
        found = field.match(text, at)
        if found is None:
            raise _bad_quotes(text, file, at)
        quoted, bare, end = found.groups()
        fields.append(bare.strip(" \t") if quoted is None else quoted.replace('""', '"'))
        at = found.end()
        if end != separator:
            yield _Row(fields, begin)
            if not end or at == len(text):
                return
            begin, fields = at, []


def _bad_quotes(text: str, file: str | None, at: int) -> NotationError:
    quote = text.index('"', at)
    closed = _QUOTED.match(text, quote)
    if text[at:quote].strip(" \t"):
        problem, spot = "a quote stands inside a field that does not begin with one.", quote
    elif closed is None:
        problem, spot = "this quote is never closed.", quote
    else:
        problem, spot = "the field goes on behind its closing quote.", closed.end()
    return error_at(
        text, file, spot, problem, 'Quote the whole field and double quotes in it: "a ""b"""'
    )


def _unclear(text: str, file: str | None, first: _Row) -> NotationError:
    names = " and ".join(shown(name, 30) for name in first.fields[:2])
    return error_at(
        text,
        file,
        first.spot,
        f"{names} do not come again below, so this may be an arrow or a header.",
        "Put a header on top: from,to",
    )

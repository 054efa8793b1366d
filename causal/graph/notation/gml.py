r"""GML, the graph modelling language that Gephi, yEd, igraph and networkx exchange.

::

    graph [
      directed 1
      node [ id 0 label "x" exposure 1 ]
      node [ id 1 label "y" ]
      edge [ source 0 target 1 ]
    ]

Keys, each with a number, a text in quotes or a list in brackets. Letters beyond ASCII are written
as ``&#233;``. What the attributes mean for a DAG is in `properties`; lists, such as the graphics of
an editor, are passed over. A graph without ``directed 1`` has no directions and is refused.

References
----------
.. [1] M. Himsolt, "GML: a portable graph file format", University of Passau, 1997.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from causal.errors import NotationError, shown
from causal.graph.dag import Dag
from causal.graph.notation import properties
from causal.graph.notation.scanner import error_at
from causal.graph.notation.statements import DEEPEST

__all__ = ["begins", "read", "write"]

_BLANK = r"(?:\s++|#[^\r\n]*+)*+"
_KEY = r"[A-Za-z][0-9A-Za-z_]*+"
_NUMBER = r"[-+]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?"
# Other keys may come first. "graph [e]" in arrow text is a variable of that name.
_BEGINS = re.compile(
    rf'{_BLANK}(?:(?!graph\b){_KEY}{_BLANK}(?:"[^"]*+"|{_NUMBER}){_BLANK})*+'
    rf'graph{_BLANK}\[{_BLANK}{_KEY}(?:{_BLANK}["\[]|\s++[-+.0-9])'
)
_TOKENS = re.compile(rf'{_BLANK}(?:({_KEY})|("[^"]*+")|({_NUMBER})(?![0-9A-Za-z_.])|([\s\S]|\Z))')
_ENTITY = re.compile(r"&(?:#([0-9]{1,7})|([A-Za-z][0-9A-Za-z]{1,31}));")
_TO_ESCAPE = re.compile(r'[^ -~]|[&"]')


@dataclass(frozen=True, slots=True)
class _Value:
    """A number, a text or a list, and where it begins."""

    value: int | float | str | list[tuple[str, _Value]]
    spot: int


_List = list[tuple[str, _Value]]


def begins(text: str) -> bool:
    """Whether *text* begins with ``graph [`` and a key, possibly with other keys before it."""
    return _BEGINS.match(text) is not None


def read(text: str, file: str | None) -> Dag:
    """Read a graph in GML; see `causal.graph.notation.read` for what it raises."""

    def error(spot: int, problem: str, advice: str = "") -> NotationError:
        return error_at(text, file, spot, problem, advice)

    graphs = [value for key, value in _parsed(text, file) if key == "graph"]
    if len(graphs) != 1 or not isinstance(graphs[0].value, list):
        raise error(graphs[-1].spot if graphs else 0, "a text holds one graph in brackets.")
    whole = _plain(graphs[0].value)
    if whole.pop("directed", 0) != 1:
        raise properties.undirected(
            "GML graph", "Write 'directed 1' in it, with edges that point from cause to effect."
        )
    nodes: dict[str, Mapping[str, Any]] = {}
    edges: list[tuple[str, str, Mapping[str, Any]]] = []
    for key, part in graphs[0].value:
        if key == "node" and isinstance(part.value, list):
            values = _plain(part.value)
            if "id" not in values:
                raise error(part.spot, "this node has no id.", 'Write: node [ id 1 label "x" ]')
            one = str(values.pop("id"))
            if one in nodes:
                raise error(part.spot, f"a second node has the id {shown(one, 30)}.")
            nodes[one] = values
        elif key in {"node", "edge"} and not isinstance(part.value, list):
            raise error(part.spot, f"'{key}' needs brackets.")
    for key, part in graphs[0].value:
        if key == "edge" and isinstance(part.value, list):
            values = _plain(part.value)
            ends = [str(values.pop(end, "")) for end in ("source", "target")]
            for end in ends:
                if end not in nodes:
                    raise error(
                        part.spot,
                        f"this edge ends at the node {shown(end, 30)}, which there is not.",
                        "Write: edge [ source 1 target 2 ]",
                    )
            edges.append((ends[0], ends[1], values))
    return properties.read(properties.PropertyGraph(nodes, edges, whole), "GML graph")


def write(dag: Dag) -> str:
    """Write *dag* in GML.

    All is kept but a variable's attribute ``label``, whose place the name takes, and attributes
    whose key GML cannot spell (it has letters, digits and ``_``) or uses itself.
    """
    held = properties.write(dag)
    number = {key: i for i, key in enumerate(held.nodes)}
    lines = ["graph [", "  directed 1"]
    lines += _written(held.attributes, "  ", {"directed", "multigraph", "node", "edge"})
    for name, values in held.nodes.items():
        lines += ["  node [", f"    id {number[name]}", f"    label {_quoted(name)}"]
        lines += [*_written(values, "    ", {"id", "label"}), "  ]"]
    for tail, head, values in held.edges:
        lines += ["  edge [", f"    source {number[tail]}", f"    target {number[head]}"]
        lines += [*_written(values, "    ", {"source", "target"}), "  ]"]
    return "\n".join([*lines, "]", ""])


def _written(values: Mapping[str, Any], indent: str, taken: Iterable[str]) -> list[str]:
    return [
        f"{indent}{key} {int(value) if isinstance(value, bool) else _quoted(value)}"
        for key, value in properties.in_text(values).items()
        if key not in taken and re.fullmatch(_KEY, key)
    ]


def _quoted(text: str) -> str:
    return '"' + _TO_ESCAPE.sub(lambda found: f"&#{ord(found[0])};", text) + '"'


def _unescaped(found: re.Match[str]) -> str:
    from html.entities import name2codepoint

    code = int(found[1]) if found[1] else name2codepoint.get(found[2], 0x110000)
    return chr(code) if code < 0x110000 else found[0]


def _plain(values: _List) -> dict[str, Any]:
    """The numbers and texts of a list."""
    return {key: held.value for key, held in values if not isinstance(held.value, list)}


def _parsed(text: str, file: str | None) -> _List:
    """The keys and values of the whole text."""
    top: _List = []
    open_lists = [(top, 0)]
    key: str | None = None
    for found in _TOKENS.finditer(text):
        word, quoted, number, other = found.groups()
        spot = found.start(found.lastindex or 0)
        values = open_lists[-1][0]
        if key is None:
            if word:
                key = word
            elif other == "]" and len(open_lists) > 1:
                open_lists.pop()
            elif other == "":
                break
            else:
                sign = shown(found[found.lastindex or 0], 30)
                raise error_at(text, file, spot, f"expected a key, found {sign}.")
            continue
        if quoted:
            values.append((key, _Value(_ENTITY.sub(_unescaped, quoted[1:-1]), spot)))
        elif number:
            values.append((key, _Value(_number(number), spot)))
        elif other == "[":
            if len(open_lists) > DEEPEST:
                raise error_at(text, file, spot, f"brackets nest more than {DEEPEST} deep.")
            inner: _List = []
            values.append((key, _Value(inner, spot)))
            open_lists.append((inner, spot))
        else:
            sign = "the end of the text" if other == "" else shown(found[found.lastindex or 0], 30)
            raise error_at(
                text,
                file,
                spot,
                f"expected a value of '{shown(key, 30)[1:-1]}', found {sign}.",
                "A value is a number, a text in double quotes, or a list in brackets.",
            )
        key = None
    if len(open_lists) > 1:
        raise error_at(text, file, open_lists[-1][1], "this '[' is never closed.")
    return top


def _number(text: str) -> int | float:
    short = len(text) < 19 and text.lstrip("+-").isdigit()
    return int(text) if short else float(text)

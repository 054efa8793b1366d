"""DOT, the language of Graphviz: the part of it that draws DAGs.

::

    digraph confounding {
        rankdir=LR; node [shape=box];
        z -> {x y} [color=grey];
        x -> y; a -> b [dir=both];
        x [exposure=1, label="smoking"]; y [outcome=1];
        subgraph cluster_0 { u [latent=1] }
    }

An edge with ``dir=both`` has two heads: a common cause that nobody measured. DAGitty's marks are
attributes, bare or with a value (1, true, yes; 0, false, no). ``pos`` is taken as it stands, so its
y grows upwards or downwards as in the file it came from. A label is how a variable is shown, not
what it is called: it is kept as text, as are styles. Ports, defaults, HTML-like values, splines and
what describes a subgraph are passed over. What Graphviz draws without direction
(``graph``, ``--``, ``dir=none``) or turned round (``dir=back``) is refused.

The grammar is otherwise the one that DAGitty took over from DOT, with ``<-`` and ``<->``: old
DAGitty files begin with ``digraph`` too, and are read the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from causal.graph.dag import Dag
from causal.graph.notation.scanner import Source, quoted
from causal.graph.notation.statements import Dialect, comma_separated, looks_of, marks_of, parse

__all__ = ["read", "write"]

_KEYWORDS = frozenset({"node", "edge", "graph", "subgraph"})
_DIALECT = Dialect(body=True, options=True, keywords=_KEYWORDS, any_case=True, ports=True)
_BARE = re.compile(r"[A-Za-z_][0-9A-Za-z_]*")
# What makes Graphviz open files or write links. In a DAGitty file it is text; it stays that.
_ACTIVE = re.compile(
    r"(?:.*(?:url|href|target|font(?:name|path))|image.*|shapefile|stylesheet|_background)",
    re.IGNORECASE,
)


def read(source: Source, start: int, title: str) -> Dag:
    """Read the statements behind ``digraph title {``, from token number *start* on."""
    return parse(source, start, _DIALECT, title)


def write(dag: Dag) -> str:
    """Write *dag* as DOT; every name stands in quotes.

    All is kept but attributes through which Graphviz would open a file or write a link.
    """
    word = {name: quoted(name) for name in dag.names}
    marks = marks_of(dag)
    lines = [f"digraph {quoted(dag.title)} {{" if dag.title else "digraph {"]
    whole = [] if dag.box is None else [f'bb="{comma_separated(dag.box)}"']
    whole += _valued(dag.attributes.get("", {}).items())
    if whole:
        lines.append(f"  graph [{', '.join(whole)}]")
    for name in dag.names:
        attributes = [f"{mark}=1" for mark in marks.get(name, ())]
        attributes += _valued(looks_of(dag, name))
        lines.append(
            f"  {word[name]} [{', '.join(attributes)}]" if attributes else f"  {word[name]}"
        )
    for edge, pairs in (("->", dag.edges), ("<->", dag.arcs)):
        for a, b in pairs:
            attributes = ["dir=both"] if edge == "<->" else []
            if dag.bends or dag.attributes:
                attributes += _valued(looks_of(dag, (a, edge, b)))
            line = f"  {word[a]} -> {word[b]}"
            lines.append(f"{line} [{', '.join(attributes)}]" if attributes else line)
    return "\n".join([*lines, "}", ""])


def _valued(attributes: Iterable[tuple[str, str]]) -> list[str]:
    return [
        f"{_word(key)}={quoted(text)}" for key, text in attributes if not _ACTIVE.fullmatch(key)
    ]


def _word(key: str) -> str:
    return key if _BARE.fullmatch(key) and key.casefold() not in _KEYWORDS else quoted(key)

r"""DAGitty's notation, as the web page and the R package write it.

::

    dag {
    bb="0,0,1,1"
    x [exposure,pos="-1.2,0.3"]
    y [outcome]
    u [latent]
    x -> y
    u -> {x y}
    x <-> y
    }

Marks have a long name and a letter: exposure or source (e), outcome or target (o), latent or
unobserved (l, u), adjusted (a), selected (s). ``bb`` is the part of the plane that the page shows,
``pos`` of an edge the point it is bent towards. Other attributes, of variables, edges and the
whole, say nothing about a DAG and are kept as text, a bare one as ``1``, as DAGitty does. Names
without quotes hold letters, digits, ``_`` and ``.``. Unlike DAGitty we take comments (``#``,
``//``, ``/* */``), let ``\\`` in quotes stand for a backslash, and refuse an arrow that has ``;``
where a variable belongs.

References
----------
.. [1] J. Textor et al., "Robust causal inference using directed acyclic graphs: the R package
   'dagitty'", International Journal of Epidemiology 45(6), 2016.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from causal.graph.dag import Dag
from causal.graph.notation.scanner import Source, quoted
from causal.graph.notation.statements import Dialect, comma_separated, looks_of, marks_of, parse

__all__ = ["read", "write"]

_KEYWORDS = frozenset({"node", "edge", "graph", "subgraph"})
_DIALECT = Dialect(body=True, options=True, keywords=_KEYWORDS)
_BARE = re.compile(r"[0-9A-Za-z_.]+")


def read(source: Source, start: int, title: str) -> Dag:
    """Read the statements behind ``dag title {``, from token number *start* on."""
    return parse(source, start, _DIALECT, title)


def write(dag: Dag) -> str:
    """Write *dag* in DAGitty's notation, with nothing lost."""
    word = {name: _word(name) for name in dag.names}
    marks = marks_of(dag)
    drawn = set().union(*dag.edges, *dag.arcs)
    lines = [f"dag {_word(dag.title)} {{" if dag.title else "dag {"]
    if dag.box is not None:
        lines.append(f'bb="{comma_separated(dag.box)}"')
    lines += _valued(dag.attributes.get("", {}).items())
    for name in dag.names:
        attributes = [*marks.get(name, ()), *_valued(looks_of(dag, name))]
        if attributes:
            lines.append(f"{word[name]} [{','.join(attributes)}]")
        elif name not in drawn:
            lines.append(word[name])
    for edge, pairs in (("->", dag.edges), ("<->", dag.arcs)):
        for a, b in pairs:
            line = f"{word[a]} {edge} {word[b]}"
            looks = looks_of(dag, (a, edge, b)) if dag.bends or dag.attributes else ()
            lines.append(f"{line} [{','.join(_valued(looks))}]" if looks else line)
    return "\n".join([*lines, "}", ""])


def _valued(attributes: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{_word(key)}={quoted(text)}" for key, text in attributes]


def _word(name: str) -> str:
    bare = _BARE.fullmatch(name) and name.casefold() not in _KEYWORDS
    return name if bare else quoted(name)

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

Marks have a long name and a letter: exposure (e), outcome (o), latent or unobserved (l, u),
adjusted (a), selected (s). Attributes that say nothing about a DAG, on variables and on edges, are
passed over, as DAGitty does. Names without quotes hold letters, digits, ``_`` and ``.``. Unlike
DAGitty we take comments (``#``, ``//``, ``/* */``), let ``\\`` in quotes stand for a backslash,
and refuse an arrow that has ``;`` where a variable belongs.

References
----------
.. [1] J. Textor et al., "Robust causal inference using directed acyclic graphs: the R package
   'dagitty'", International Journal of Epidemiology 45(6), 2016.
"""

from __future__ import annotations

import re

from causal.graph.dag import Dag
from causal.graph.notation.scanner import Source, quoted
from causal.graph.notation.statements import Dialect, marks_of, parse, place_of

__all__ = ["read", "write"]

_KEYWORDS = frozenset({"node", "edge", "graph", "subgraph"})
_DIALECT = Dialect(body=True, options=True, keywords=_KEYWORDS)
_BARE = re.compile(r"[0-9A-Za-z_.]+")


def read(source: Source, start: int) -> Dag:
    """Read the statements behind ``dag {``, from token number *start* on."""
    return parse(source, start, _DIALECT)


def write(dag: Dag) -> str:
    """Write *dag* in DAGitty's notation, with nothing lost."""
    word = {name: _word(name) for name in dag.names}
    marks = marks_of(dag)
    drawn = set().union(*dag.edges, *dag.arcs)
    lines = ["dag {"]
    for name in dag.names:
        attributes = list(marks.get(name, ()))
        place = place_of(dag, name)
        if place is not None:
            attributes.append(f'pos="{place}"')
        if attributes:
            lines.append(f"{word[name]} [{','.join(attributes)}]")
        elif name not in drawn:
            lines.append(word[name])
    lines += [f"{word[a]} -> {word[b]}" for a, b in dag.edges]
    lines += [f"{word[a]} <-> {word[b]}" for a, b in dag.arcs]
    return "\n".join([*lines, "}", ""])


def _word(name: str) -> str:
    bare = _BARE.fullmatch(name) and name.casefold() not in _KEYWORDS
    return name if bare else quoted(name)

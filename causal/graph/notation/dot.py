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
what it is called; ports, styles and layout are passed over. What Graphviz draws without direction
(``graph``, ``--``, ``dir=none``) or turned round (``dir=back``) is refused.

The grammar is otherwise the one that DAGitty took over from DOT, with ``<-`` and ``<->``: old
DAGitty files begin with ``digraph`` too, and are read the same.
"""

from __future__ import annotations

from causal.graph.dag import Dag
from causal.graph.notation.scanner import Source, quoted
from causal.graph.notation.statements import Dialect, marks_of, parse, place_of

__all__ = ["read", "write"]

_DIALECT = Dialect(
    body=True,
    options=True,
    keywords=frozenset({"node", "edge", "graph", "subgraph"}),
    any_case=True,
    ports=True,
)


def read(source: Source, start: int) -> Dag:
    """Read the statements behind ``digraph {``, from token number *start* on."""
    return parse(source, start, _DIALECT)


def write(dag: Dag) -> str:
    """Write *dag* as DOT, with nothing lost; every name stands in quotes."""
    word = {name: quoted(name) for name in dag.names}
    marks = marks_of(dag)
    lines = ["digraph {"]
    for name in dag.names:
        attributes = [f"{mark}=1" for mark in marks.get(name, ())]
        place = place_of(dag, name)
        if place is not None:
            attributes.append(f'pos="{place}"')
        lines.append(
            f"  {word[name]} [{', '.join(attributes)}]" if attributes else f"  {word[name]}"
        )
    lines += [f"  {word[a]} -> {word[b]}" for a, b in dag.edges]
    lines += [f"  {word[a]} -> {word[b]} [dir=both]" for a, b in dag.arcs]
    return "\n".join([*lines, "}", ""])

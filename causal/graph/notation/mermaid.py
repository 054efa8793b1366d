"""Mermaid: the picture of a DAG in a Markdown page (GitHub, GitLab, Quarto, Obsidian ...).

::

    flowchart LR
      n0["x"]
      n1["y"]
      n0 --> n1
      n0 <-.-> n1
      classDef exposure fill:#D3E8F5,stroke:#0072B2,stroke-width:3px
      class n0 exposure

This is a picture and is not read back. Nodes are numbered; a name stands in quotes, and of its
signs only letters, digits, blanks and ``_`` stand as they are: any other is written by its number,
``#34;``, so that it cannot end the quotes, begin a tag, a directive (``%%{init}%%``) or Markdown.
What no page could show is written as an escape. The direct causes of a variable are left of it.

References
----------
.. [1] Mermaid, "Flowcharts - basic syntax", section "Entity codes to escape characters".
"""

from __future__ import annotations

import re

from causal.graph.dag import Dag
from causal.graph.notation.statements import marks_of

__all__ = ["write"]

_TO_ESCAPE = re.compile(r"[^\w ]|_(?!\w)|(?<!\w)_|^ | $|(?<= ) ")
# The colours of the pictures that `causal.display.drawing` makes.
_STYLES = {
    "exposure": "fill:#D3E8F5,stroke:#0072B2,stroke-width:3px",
    "outcome": "fill:#FCE7BF,stroke:#A86F00,stroke-width:3px",
    "latent": "fill:#FFFFFF,stroke:#6B6B6B,stroke-dasharray:5 5",
    "adjusted": "fill:#D2EEE3,stroke:#00805D",
    "selected": "fill:#F1F1F1,stroke:#000000,stroke-width:3px",
}


def write(dag: Dag) -> str:
    """Write *dag* as a flowchart: variables with their marks, arrows, ``<->`` as dotted lines."""
    lines = ["flowchart LR"]
    lines += [f'  n{number}["{_label(name)}"]' for number, name in enumerate(dag.names)]
    for edge, pairs in (("-->", dag.edges), ("<-.->", dag.arcs)):
        lines += [f"  n{dag.number(a)} {edge} n{dag.number(b)}" for a, b in pairs]
    marked = marks_of(dag)
    for mark, style in _STYLES.items():
        nodes = [f"n{dag.number(name)}" for name in dag.names if mark in marked.get(name, ())]
        if nodes:
            lines += [f"  classDef {mark} {style}", f"  class {','.join(nodes)} {mark}"]
    return "\n".join([*lines, ""])


def _label(name: str) -> str:
    visible = "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name
    )
    return _TO_ESCAPE.sub(lambda found: f"#{ord(found[0])};", visible)

"""Random drawings for `hypothesis`, with names that no reader or writer expects."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from causal.graph.dag import Dag

__all__ = ["HOSTILE", "dags", "names", "parts"]

HOSTILE = (
    # what quotes and backslashes can do
    *('"', '""', "\\", "\\\\", '\\"', '"\\', 'a"b', "a\\", "a\\\\b", "\\n", "\\N", '" + "', "'"),
    # lines and blanks
    *(" ", "  ", "a b", " a", "a ", "\n", "a\nb", "\\\n", "\\\r\n", "\r", "a\rb", "\t", "\u00a0"),
    *("\u2028", "\x00", "\x1b[31m", "\x85", "\ufeff", "\u200b", "\u202e", "\ud800"),
    # what the notations say with signs
    *("->", "<-", "<->", "--", "-", "a->b", "a -> b", "a <-> b", "a <-> b *", "{", "}", "{}"),
    "[e]",
    *(";", ",", ":", "a:b", "a:n", "=", "a=b", "=<b>", "#", "//", "/*", "*/", "/* a */", "@", "+"),
    # words with a meaning
    *("node", "edge", "graph", "subgraph", "strict", "dag", "digraph", "pdag", "mag", "pag"),
    *("NODE", "Graph", "Strict", "DAG", "dag {", "latent", "e", "pos", "true", "none", "nan"),
    # numbers, dots and signs
    *("0", "1", "01", "1.0", "-1", "-.5", "1e5", ".", "..", "_", "a.b", "model.dag", "x.dot"),
    # letters that are twins of others: NFKC, NFC, look-alikes, case
    *("fi", "\ufb01", "\xe9", "e\u0301", "A", "\u0391", "\u0410", "\u017f", "s", "K", "\u212a"),
    *("ß", "ss", "²", "2", "ª"),
    *("日本語", "😀", "👩\u200d👧", "\u203f", "\U0001d535", "x", "\uff58"),
    # what a page, a spreadsheet or a shell would do with it
    *("<script>", "<b>x</b>", "&lt;", "&", "%22", "=1+1", "$HOME", "`id`", "x\n\ny z", "{{x}}"),
    # DAGitty's first notation
    *("a 1 @0.3,-0.2\nb", "a 1\n\nb c", "x E @1,1"),
    "long " * 2_000,
)


def names() -> st.SearchStrategy[str]:
    """A name: one of the `HOSTILE`, or any text."""
    return st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=6)


@st.composite
def parts(draw: st.DrawFn, largest: int = 7) -> dict[str, Any]:
    """The keyword arguments of a `Dag`, each a list in some order."""
    order = draw(st.lists(names(), unique=True, max_size=largest))
    pairs = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]

    def some(of: list[Any]) -> list[Any]:
        return draw(st.lists(st.sampled_from(of), max_size=2 * largest)) if of else []

    number = st.floats(allow_nan=False, allow_infinity=False)
    return {
        "nodes": order,
        "edges": some(pairs),
        "arcs": some([*pairs, *((b, a) for a, b in pairs)]),
        "exposures": some(order),
        "outcomes": some(order),
        "latent": some(order),
        "adjusted": some(order),
        "selected": some(order),
        "positions": {name: draw(st.tuples(number, number)) for name in some(order)},
    }


def dags() -> st.SearchStrategy[Dag]:
    """A drawing with all marks, positions and bidirected edges."""
    return parts().map(lambda given: Dag(**given))

"""Random drawings with all that a drawing can carry, and the same with less."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from causal.graph.dag import Dag
from tests.strategies import HOSTILE, parts

__all__ = ["TEXTS", "bare", "drawings", "less"]

# Names and texts that would be something else in one of the languages, if it were not for quotes.
ATTACKS = (
    *("</svg><script>alert(1)</script>", "]]>", "<!--", "-->", "&#0;", "&quot;", "&#38;#60;"),
    *("%%{init: {'theme':'x'}}%%", "%%", "#quot;", "#35;", "`x`", '"]\n n9["', "style:#quot;"),
    *("click n0 href", "end", "%", "\\input{/etc/passwd}", "\\", "a\\", "\\\\", "}", "{", "$x$"),
    *("^^5cinput", "~", "#1", "x_1", "x^2", "a--b", "''", "?`", "\\end{tikzpicture}", "__", "*x*"),
    *('a","b', ' "', "=1+1", ";", "a;b", "x\ty", "from", "from,to", "[]", "()", "]", "[", "y ~ x"),
    *(
        "\r",
        "\r\n",
        "a\nb",
        " a",
        "a ",
        "\u2028",
        "1. x",
        "- x",
        "#",
        "!",
        "1",
        "1.5",
        "x" * 10_240,
    ),
)
TEXTS = tuple(dict.fromkeys((*HOSTILE, *ATTACKS)))
_KEYS = ("label", "beta", "color", "Unit", "é", "a b", "node", "graph", "id", "weight", "arc", '"')


@st.composite
def drawings(draw: st.DrawFn, texts: st.SearchStrategy[str] | None = None) -> Dag:
    """A `Dag` with every part that there is; names and texts of *texts*, or hostile ones."""
    some = st.sampled_from(TEXTS) | st.text(min_size=1, max_size=6) if texts is None else texts
    given: dict[str, Any] = draw(parts(5))
    names: dict[str, str] = {}
    for name in given["nodes"]:
        new = draw(some)
        names[name] = name if new in names.values() or new in given["nodes"] else new
    if texts is not None:
        names = {name: f"{draw(some)}{i}" for i, name in enumerate(given["nodes"])}
    marks = ("nodes", "exposures", "outcomes", "latent", "adjusted", "selected")
    given |= {part: [names[name] for name in given[part]] for part in marks}
    given |= {part: [(names[a], names[b]) for a, b in given[part]] for part in ("edges", "arcs")}
    given["positions"] = {names[name]: place for name, place in given["positions"].items()}
    dag = Dag(**given)

    number = st.floats(allow_nan=False, allow_infinity=False)
    links = [*((a, "->", b) for a, b in dag.edges), *((a, "<->", b) for a, b in dag.arcs)]
    # "arc" on an edge is how a property graph says <->.
    keys = [key for key in _KEYS if key != "arc"]
    said = st.dictionaries(st.sampled_from(keys), some, max_size=3)
    return Dag(
        **{
            **dag.parts(),
            "bends": {
                link: draw(st.tuples(number, number)) for link in links if draw(st.booleans())
            },
            "box": draw(st.none() | st.tuples(number, number, number, number)),
            "title": draw(st.just("") | some),
            "attributes": {
                one: draw(said) for one in ["", *dag.names, *links] if draw(st.booleans())
            },
        }
    )


def less(dag: Dag, keep: Callable[[Any, str], bool]) -> Dag:
    """*dag* with those attributes only that *keep* (of subject and key) wants."""
    texts: Mapping[Any, Mapping[str, str]] = dag.attributes
    kept = {one: {k: v for k, v in said.items() if keep(one, k)} for one, said in texts.items()}
    return Dag(**{**dag.parts(), "attributes": kept})


def bare(dag: Dag) -> Dag:
    """*dag* with its marks, and nothing of how it looks."""
    looks = {"positions": {}, "bends": {}, "box": None, "title": "", "attributes": {}}
    return Dag(**{**dag.parts(), **looks})

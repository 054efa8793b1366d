"""Files that were damaged, by accident or on purpose: a DAG or one error, soon and in few words."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from resource import RUSAGE_SELF, getrusage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from causal.errors import CausalError, CycleError
from causal.graph.dag import Dag
from causal.graph.notation import read
from tests.graph.notation.looks import TEXTS
from tests.graph.notation.test_dagitty import PAGE
from tests.graph.notation.test_graphml import YED, graphml, key

# A file that holds a bit of all that its language has.
WHOLE = Dag(
    edges=[("x", "y"), ("z", "x"), ("z", "y"), ("u", "a b")],
    arcs=[("x", "y"), ("z", "a b")],
    exposures=["x"],
    outcomes=["y"],
    latent=["u"],
    adjusted=["z"],
    positions={"x": (0, 1), "y": (2, -0.5)},
    bends={("x", "->", "y"): (1, 2)},
    box=(0, 0, 1, 1),
    title="whole",
    attributes={"": {"rankdir": "LR"}, "x": {"label": "X"}, ("x", "->", "y"): {"beta": ".5"}},
)
SEEDS: dict[str, list[str]] = {
    "dagitty": [PAGE, WHOLE.to_dagitty()],
    "dot": [
        WHOLE.to_dot(),
        'strict digraph { graph [pad=1]; subgraph c { x:n -> {y z} } "a" + "b" -> x /* c */ }',
        "digraph { node [shape=box] x [label=<<b>X</b>>] x -> y [dir=both] // d\n}",
    ],
    "arrows": [WHOLE.to_arrows(), '# c\nx <- z -> y; {a b} -> x <-> y // d\nx [e, pos="1,2"] w'],
    "lavaan": [
        "# c\nf =~ a + 1*b\ny ~ b*x + 0*z + c(a, b)*w\nx ~~ y; y ~ 1\nind := a*b\ny | t1\n",
        'y1 + y2 ~ label("a")*x +\n  start(0.5)*z ! d\n',
    ],
    "table": [WHOLE.to_csv(), 'source;target;type\n"a ""b""";c;<->\n\nd;e;\n', "x,y\ny,z\n"],
    "gml": [WHOLE.to_gml(), 'Creator "a"\ngraph [ directed 1 node [ id 1 graphics [ x 1.0 ] ] ]'],
    "graphml": [
        WHOLE.to_graphml(),
        graphml(YED[1] + YED[2], YED[0], YED[3]),
        graphml('<node id="x"/>', key("latent", "boolean", inside="<default>true</default>")),
    ],
    "json": [
        WHOLE.to_json(),
        '{"directed": true, "nodes": [{"id": 1, "pos": [1, 2]}, {"id": "y"}], "links": []}',
        '{"graph": {"name": "G"}, "nodes": [{"id": 1}], "links": [{"source": 1, "target": 1}]}',
    ],
}
TOKENS = (
    *("->", "<-", "<->", "--", "@->", "{", "}", "[", "]", "(", ")", ";", ",", ":", "=", "+", "*"),
    *("~", "~~", "=~", ":=", "<~", "|", '"', '""', "\\", '\\"', "'", "#", "//", "/*", "*/", "!"),
    *("\n", "\r", "\t", " ", "\0", "\x1b", "\ufeff", "\ud800", "\u202e", "\x85", "é", "😀"),
    *("dag {", "digraph {", "graph [", "node [", "edge [", "subgraph", "strict", "dir=both"),
    *("from,to\n", "y ~ x", "0*x", "1e999", "-1", "nan", "9" * 400, '{"nodes": [', '"id":', "null"),
    *("<", ">", "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE a [", '<!ENTITY a "b">', "&a;"),
    *("&#0;", "&#x110000;", "<?xml version='1.0' encoding='utf-16'?>", "<graph>", "<node id='x'>"),
    *("[pos=", "pos", "bb", "name", "label", "directed 0", "id", "source", "target", "latent"),
)
LONGEST = 200_000


@st.composite
def damaged(draw: st.DrawFn, language: str) -> str:
    """A file of *language* after a few accidents."""
    text = draw(st.sampled_from(SEEDS[language]))

    def spot() -> int:
        return draw(st.integers(0, len(text)))

    def piece() -> tuple[int, int]:
        begin = spot()
        return begin, min(begin + draw(st.integers(0, 40)), len(text))

    for _ in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(["cut", "end", "twice", "swap", "insert", "flip", "nest", "many"])
        )
        i, j = piece()
        if kind == "cut":
            text = text[:i] + text[j:]
        elif kind == "end":
            text = text[:i]
        elif kind == "twice":
            text = text[:j] + text[i:]
        elif kind == "swap":
            k, m = piece()
            one, other = sorted([(i, j), (k, m)])
            if one[1] <= other[0]:
                text = (
                    text[: one[0]]
                    + text[slice(*other)]
                    + text[one[1] : other[0]]
                    + text[slice(*one)]
                    + text[other[1] :]
                )
        elif kind == "insert":
            text = text[:i] + draw(st.sampled_from(TOKENS + TEXTS)) + text[i:]
        elif kind == "flip" and i < len(text):
            text = (
                text[:i]
                + chr((ord(text[i]) ^ (1 << draw(st.integers(0, 7)))) & 0xFFFF)
                + text[i + 1 :]
            )
        elif kind == "nest":
            begin, end = draw(
                st.sampled_from(["{}", "[]", "()", '""', "<>"]).map(tuple)
                | st.just(("a [", "]"))
                | st.just(("<a>", "</a>"))
                | st.just(('{"a":', "}"))
            )
            depth = draw(st.sampled_from([2, 101, 5_000, 20_000]))
            text = text[:i] + begin * depth + text[i:j] + end * depth + text[j:]
        elif kind == "many":
            again = text[i:j] or draw(st.sampled_from(TOKENS))
            times = draw(st.sampled_from([3, 1_000, LONGEST])) // len(again) + 1
            text = text[:i] + again * times + text[j:]
        text = text[:LONGEST]
    return text


def is_a_dag_or_an_error(text: str) -> None:
    """Reading *text* gives a drawing that survives writing, or one error in few words."""
    message = ""
    try:
        dag = read(text)
    except CausalError as error:
        message = str(error)
    else:
        assert read(dag.to_json()) == dag
    assert len(message) < 2_000


def fuzz(language: str, examples: int) -> Callable[[], None]:
    @given(damaged(language))
    @settings(
        max_examples=examples,
        # Only against hanging: most take a millisecond.
        deadline=timedelta(seconds=20),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def run(text: str) -> None:
        is_a_dag_or_an_error(text)

    return run


@pytest.mark.parametrize("language", SEEDS)
def test_before_the_damage_the_files_are_whole(language: str) -> None:
    for text in SEEDS[language]:
        with suppress(CycleError):  # one has an arrow from a variable to itself
            assert read(text).names


@pytest.mark.parametrize("language", SEEDS)
def test_a_damaged_file_is_a_dag_or_an_error(language: str) -> None:
    fuzz(language, 300)()


@pytest.mark.heavy
@pytest.mark.parametrize("language", SEEDS)
def test_so_are_ten_thousand_damaged_files_and_none_takes_much_memory(language: str) -> None:
    """Ten thousand of the three commonest notations together, 1,250 of each other one."""
    before = getrusage(RUSAGE_SELF).ru_maxrss
    fuzz(language, 3_334 if language in ("dagitty", "dot", "arrows") else 1_250)()
    grown = (getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024  # MB
    assert grown < 500

"""Arrow text is read as it says, and written so that it is read back."""

from __future__ import annotations

from typing import Any

import pytest

from causal.graph.dag import Dag
from causal.graph.notation import load, read


def pairs(text: str) -> list[tuple[str, str]]:
    """``"xy zy"``: the pairs x, y and z, y."""
    return [(two[0], two[1]) for two in text.split()]


READ: dict[str, dict[str, Any]] = {
    # chains
    "x -> y": {"edges": pairs("xy")},
    "x->y": {"edges": pairs("xy")},
    "y <- x": {"edges": pairs("xy")},
    "x <- z -> y": {"edges": pairs("zx zy")},
    "x -> m -> y <- z": {"edges": pairs("xm my zy")},
    "x <-> y": {"arcs": pairs("xy")},
    "y <-> x <- z": {"arcs": pairs("xy"), "edges": pairs("zx")},
    # statements end at ; or a line break or where the next one begins
    "x <- z -> y; x -> c <- y": {"edges": pairs("zx zy xc yc")},
    "x -> y\ny -> z": {"edges": pairs("xy yz")},
    "x -> y\r\ny -> z\r\n": {"edges": pairs("xy yz")},
    "x -> y\ry -> z": {"edges": pairs("xy yz")},
    "x -> y y -> z": {"edges": pairs("xy yz")},
    "x -> y; ; ;": {"edges": pairs("xy")},
    "x ->\n\n y": {"edges": pairs("xy")},
    "x -> y -> z x -> z w": {"edges": pairs("xy yz xz"), "nodes": ["w"]},
    "x -> y; x -> y": {"edges": pairs("xy")},
    # names alone
    "x": {"nodes": ["x"]},
    "x y; z": {"nodes": ["x", "y", "z"]},
    "{}": {},
    "{x y}": {"nodes": ["x", "y"]},
    # groups
    "{a b} -> c": {"edges": pairs("ac bc")},
    "{a, b} -> c": {"edges": pairs("ac bc")},
    "{a; b} <- c": {"edges": pairs("ca cb")},
    "{a, b,} -> c": {"edges": pairs("ac bc")},
    "{a b} -> {c d} -> e": {"edges": pairs("ac ad bc bd ce de")},
    "{a b} <-> c": {"arcs": pairs("ac bc")},
    "{a -> b} -> c": {"edges": pairs("ab ac bc")},
    "{a {b c}} -> d": {"edges": pairs("ad bd cd")},
    "{a [latent] b} -> c": {"edges": pairs("ac bc"), "latent": ["a"]},
    # marks
    "x [exposure]; y [outcome]; x -> y": {
        "edges": pairs("xy"),
        "exposures": ["x"],
        "outcomes": ["y"],
    },
    "x [e] y [o] x -> y": {"edges": pairs("xy"), "exposures": ["x"], "outcomes": ["y"]},
    "a [l]; b [u]; c [latent]; d [unobserved]": {"latent": ["a", "b", "c", "d"]},
    "a [a]; b [adjusted]; c [s]; d [selected]": {
        "adjusted": ["a", "b"],
        "selected": ["c", "d"],
    },
    "x [e, latent, pos='1,2.5']".replace("'", '"'): {
        "exposures": ["x"],
        "latent": ["x"],
        "positions": {"x": (1, 2.5)},
    },
    "x [e][o] [l]": {"exposures": ["x"], "outcomes": ["x"], "latent": ["x"]},
    "x [e=0]; y [o=1]": {"nodes": ["x"], "outcomes": ["y"]},
    "x []; y [beta=0.3, colour=red]; x -> y [beta=-.5]": {
        "edges": pairs("xy"),
        "attributes": {"y": {"beta": "0.3", "colour": "red"}, ("x", "->", "y"): {"beta": "-.5"}},
    },
    "x -> y [dir=both]": {"arcs": pairs("xy")},
    # comments
    "# x -> z\nx -> y # y -> x": {"edges": pairs("xy")},
    "x // -> z\n-> y": {"edges": pairs("xy")},
    "x /* -> z\n */ -> y": {"edges": pairs("xy")},
    "/**/x->y/***/": {"edges": pairs("xy")},
    # quotes
    '"x" -> y': {"edges": pairs("xy")},
    '"blood pressure" -> "1"; 1 -> y': {"edges": [("blood pressure", "1"), ("1", "y")]},
    r'"say \"x\"" -> "a\\b"': {"edges": [('say "x"', r"a\b")]},
    r'"C:\new" -> "\\"': {"edges": [(r"C:\new", "\\")]},
    '"two\nlines" -> "joi\\\nned"': {"edges": [("two\nlines", "joined")]},
    '"a" + "b" -> y': {"edges": [("ab", "y")]},
    '"a" "b"': {"nodes": ["a", "b"]},
    '"# x" -> "// y"': {"edges": [("# x", "// y")]},
    # words
    "dag -> graph -> strict": {"edges": [("dag", "graph"), ("graph", "strict")]},
    "node -> edge <- subgraph": {"edges": [("node", "edge"), ("subgraph", "edge")]},
    "e -> o": {"edges": pairs("eo")},
    "größe -> 年齢 -> é": {"edges": [("größe", "年齢"), ("年齢", "é")]},
    "wt82.71 -> 2nd -> -1": {"edges": [("wt82.71", "2nd"), ("2nd", "-1")]},
    "x <- 1": {"edges": [("1", "x")]},
    "ﬁ -> fi": {"edges": [("ﬁ", "fi")]},
    "\ufeffx -> y": {"edges": pairs("xy")},
    "x\u00a0->\u2003y": {"edges": pairs("xy")},
}


@pytest.mark.parametrize("text", READ)
def test_arrow_text_is_read_as_it_says(text: str) -> None:
    assert read(text) == Dag(text) == Dag(**READ[text])


WRITTEN = {
    "x -> y": "x -> y",
    "y -> x": "y -> x",
    "z -> x; z -> y": "x <- z -> y",
    "c <- x; c <- y": "x -> c <- y",
    "a -> b; b -> c; c -> d": "a -> b -> c -> d",
    "u [latent]; x [o] [e]; x -> y <- u": "u [latent]; x [exposure, outcome]; u -> y <- x",
    "b; a; x -> y": "a; b; x -> y",
    "y <-> x; x -> y": "x -> y; x <-> y",
    "{}": "{}",
    'x [pos="1,2"]': "x",
    '"a b" -> "c\\"" -> "1"': '"a b" -> "c\\"" -> 1',
    '"dag" -> "Strict"': '"dag" -> "Strict"',
    '"a.b" -> "-1"': '"a.b" -> "-1"',
}


@pytest.mark.parametrize("text", WRITTEN)
def test_arrows_are_written_in_one_way(text: str) -> None:
    written = Dag(text).to_arrows()
    assert written == WRITTEN[text]
    assert Dag(written).to_arrows() == written


def test_text_with_an_arrow_or_a_brace_is_a_dag_on_the_command_line() -> None:
    assert load("x <- z -> y") == Dag("x <- z -> y")
    assert load("{x y}") == Dag(nodes=["x", "y"])
    assert load("dag{x}") == Dag(nodes=["x"])

"""Text that is no DAG is refused at the spot, in words that help, and never hangs."""

from __future__ import annotations

import pytest

from causal.errors import CausalError, NotationError
from causal.graph.dag import Dag
from causal.graph.notation import read

# The sign ¶ stands before the spot that is marked; it is not part of the text.
ARROWS = {
    # an arrow needs two ends
    "x -> ¶-> y": "expected a variable after '->', found '->'",
    "¶-> y": "expected a variable before '->'",
    "¶<-> y": "expected a variable before '<->'",
    "x -> y ->¶": "expected a variable after '->', found the end of the text",
    "x -> y <-¶ ": "expected a variable after '<-', found the end of the text",
    "x <-> ¶; y": "expected a variable after '<->', found ';'",
    "x -> ¶[e]": "expected a variable after '->', found '['",
    "x -> ¶{": "this '{' is never closed",
    "x -> ¶}": "this '}' closes nothing",
    "x -> y z -> ¶, w": "a comma can only stand between the names of a group",
    "x [e] ¶-> y": "x [exposure]; x -> y",
    # other arrows than ours
    "x ¶- y": 'A name that holds "-" goes in double quotes',
    "covid¶-19 -> y": 'A name that holds "-" goes in double quotes',
    "x ¶-- y": "A DAG has the edges ->, <- and <-> only",
    "x ¶--> y": "A DAG has the edges ->, <- and <-> only",
    "x ¶@-> y": "A DAG has the edges ->, <- and <-> only",
    "x ¶→ y": "Write arrows as ->, <- and <->",
    "x ¶⟶ y": "Write arrows as ->, <- and <->",
    "x ¶–> y": "Write arrows as ->, <- and <->",
    "x ¶—> y": "Write arrows as ->, <- and <->",
    "x ¶−> y": "Write arrows as ->, <- and <->",
    "x ¶> y": "Write arrows as ->, <- and <->",
    "x ¶< y": "Write arrows as ->, <- and <->",
    "z -> y ¶~ x": "This looks like a formula",
    # names
    "x ¶& y -> z": "Names with blanks or signs go in double quotes",
    "f¶(x) -> y": "Names with blanks or signs go in double quotes",
    "x -> ¶'y'": "straight double quotes",
    "¶“x” -> y": "straight double quotes",
    "x -> ¶`y`": "straight double quotes",
    '¶"" -> y': "a variable has an empty name",
    'x -> {a ¶""}': "a variable has an empty name",
    "a¶:b -> c": "expected a variable or an arrow, found ':'",
    "x ¶= 3": "this '=' is out of place",
    "x ¶== y": "this '=' is out of place",
    # groups
    "¶{x": "this '{' is never closed",
    "¶{x {y}": "this '{' is never closed",
    "x ¶}": "this '}' closes nothing",
    "{x} -> y ¶} z": "this '}' closes nothing",
    "{} ¶-> x": "the braces on one side of this arrow are empty",
    "x -> ¶{}": "the braces on one side of this arrow are empty",
    "x -> {a -> ¶}": "expected a variable after '->', found '}'",
    "x¶, y -> z": "a comma can only stand between the names of a group",
    "{a,¶, b} -> c": "a comma can only stand between the names of a group",
    "{¶, a} -> c": "a comma can only stand between the names of a group",
    "{a -> b¶, c}": "a comma can only stand between the names of a group",
    "{a, b ¶-> c}": "a comma can only stand between the names of a group",
    # brackets
    "¶[e]": "these brackets describe nothing",
    "x ¶[e": "this '[' is never closed",
    "x [e]¶] -> y": "expected a variable or an arrow, found ']'",
    "{a b} ¶[e]": "brackets cannot follow braces",
    "x -> y [¶o]": "'o' marks a variable, but here it follows an arrow",
    "x -> y [¶dir=back]": "an edge of this direction cannot be read",
    "x -> y [¶dir=none]": "an edge of this direction cannot be read",
    'x [¶pos="left"]': "'pos' needs two numbers",
    'x [¶pos="1"]': "'pos' needs two numbers",
    'x [¶pos="1e999,1"]': "'pos' needs two numbers",
    'x [¶pos="nan,1"]': "'pos' needs two numbers",
    "x [l, ¶e=perhaps]": "'e' is either there or not",
    "x [e=¶]": "expected a variable or an arrow, found ']'",
    "x [¶=1]": "found '='",
    "x [a=b¶=c]": "found '='",
    # never closed
    'x -> ¶"y': "this quote is never closed",
    'x -> ¶"y\\"': "this quote is never closed",
    "x ¶/* -> y": "this comment is never closed",
    "x [label¶=<b": "the '<' after this '=' is never closed",
}
HEADED = {
    "dag ¶{ x -> y": "this '{' is never closed",
    "dag { x -> y } ¶z": "expected nothing more after the closing '}', found 'z'",
    "dag { x -> y }¶}": "A text holds one graph",
    "dag { x } ¶dag { y }": "A text holds one graph",
    "dag { x -> ¶; y }": "expected a variable after '->', found ';'",
    "dag { node [¶latent] x }": "'latent' cannot be set for all at once",
    "dag { edge [¶dir=both] x -> y }": "'dir' cannot be set for all at once",
    "dag { x¶:n -> y }": "found ':'",
    "dag { x = ¶}": "found '}'",
    'dag { ¶bb="0,0,1" }': "'bb' needs four numbers",
    "dag { graph [¶bb=left] x }": "'bb' needs four numbers",
    "dag { ¶= 3 }": "this '=' is out of place",
    "digraph { x ¶-- y }": "A DAG has the edges ->, <- and <-> only",
    "digraph { Node [¶exposure=1] x }": 'A variable called node goes in quotes: "node"',
    "digraph { x [label¶=<<b>x</b>] }": "the '<' after this '=' is never closed",
    "¶graph { x -- y }": "A 'graph' has edges without direction",
    "strict ¶graph { x -- y }": "A 'graph' has edges without direction",
    "¶pdag { x -- y }": "leaves the direction of some edges open",
    "¶MAG { x <-> y }": "A 'mag' stands for many DAGs",
    "¶pag mine { x @-> y }": "A 'pag' stands for many DAGs",
}


@pytest.mark.parametrize("marked", [*ARROWS, *HEADED])
def test_the_spot_is_marked_and_the_reason_told(marked: str) -> None:
    text = marked.replace("¶", "")
    with pytest.raises(NotationError) as caught:
        read(text)
    first, line, caret, *advice = str(caught.value).split("\n")
    assert first.startswith("Line 1: ")
    assert {**ARROWS, **HEADED}[marked] in "\n".join([first, *advice])
    assert line == "  " + text
    assert caret == "  " + " " * marked.index("¶") + "^"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_line_is_counted_and_shown_without_its_indent(end: str) -> None:
    text = end.join(["dag {", "  x -> y", '  "two', 'lines" -> x', "    y -> ]", "}", ""])
    with pytest.raises(NotationError) as caught:
        read(text)
    assert str(caught.value).split("\n")[:3] == [
        "Line 5: expected a variable after '->', found ']'.",
        "  y -> ]",
        "       ^",
    ]


@pytest.mark.parametrize(
    ("text", "line", "columns"),
    [
        ("年齢 -> ]", "年齢 -> ]", 8),  # two columns each
        ("ｘ -> ]", "ｘ -> ]", 6),
        ("e\u0301 -> ]", "e\u0301 -> ]", 5),  # a mark on the letter before takes none
        ("नी\u0941 -> ]", "नी\u0941 -> ]", 6),  # neither does a vowel sign below
        ("❤\ufe0f -> ]", "❤\ufe0f -> ]", 5),
        ("😀 -> ]", "😀 -> ]", 6),
        ("x\t->\t]", "x -> ]", 5),  # a tab is shown as one blank
        ("\t\tx -> ]", "x -> ]", 5),
        ('"\x1b[2J" -> ]', '"\\x1b[2J" -> ]', 13),  # what could drive the terminal is spelt out
        ('"\u202e" -> ]', '"\\u202e" -> ]', 12),
        ("x -> \x00", "x -> \\x00", 5),
        ("x -> \ud800", "x -> \\ud800", 5),
    ],
    ids=ascii,
)
def test_the_caret_stands_under_the_spot_in_a_terminal(text: str, line: str, columns: int) -> None:
    with pytest.raises(NotationError) as caught:
        read(text)
    assert str(caught.value).split("\n")[1:3] == ["  " + line, "  " + " " * columns + "^"]


def test_of_a_long_line_the_part_around_the_spot_is_shown() -> None:
    with pytest.raises(NotationError) as caught:
        read("x -> " * 1_000 + "] " + "y " * 1_000)
    _, line, caret, *_ = str(caught.value).split("\n")
    assert line.startswith("  …")
    assert line.endswith("…")
    assert len(line) < 100
    assert line[caret.index("^")] == "]"


TOLD = {
    "": "The text is empty.",
    " \n\t": "The text is empty.",
    "\ufeff": "The text is empty.",
    "# only a thought\n/* or two */": "The text holds comments only.",
    "model.dag": "'model.dag' looks like the name of a file",
    "x E @1,1\ny O @2,2\n\nx y": "the notation of DAGitty's first versions",
    "age 1 @0.3,-0.2\r\nbmi 1 @0,0\r\n\r\nage bmi\r\n": "the notation of DAGitty's first versions",
    "x 1\ny 1\n\nx y\n": "the notation of DAGitty's first versions",
}


@pytest.mark.parametrize("text", TOLD)
def test_a_text_of_another_kind_is_told_as_what_it_is(text: str) -> None:
    with pytest.raises(NotationError) as caught:
        read(text)
    assert TOLD[text] in str(caught.value)


def test_a_group_that_stands_for_too_many_arrows_is_refused() -> None:
    group = "{" + " ".join("v%d" for _ in range(1_500)) + "}"
    one = group % tuple(range(1_500))
    other = group % tuple(range(1_500, 3_000))
    with pytest.raises(NotationError, match="more than 2,000,000 arrows"):
        read(f"{one} -> {other}")


def test_braces_nest_a_hundred_deep_and_no_deeper() -> None:
    assert read("{" * 100 + "x" + "}" * 100 + " -> y") == Dag("x -> y")
    with pytest.raises(NotationError, match="braces nest more than 100 deep"):
        read("{" * 101 + "x" + "}" * 101 + " -> y")


# Endless text: what begins it, and what is repeated.
ENDLESS = {
    "": [
        *("{", "}", "[", "]", "->", "-", "<", ">", ";", ",", ":", "=", "#", "/", "//\n", '"', '""'),
        *("\\", "+", "@", ".", "x", "x ", " ", "\n", "\ufeff", "[]", "x []", "- ", " -1", "a:"),
        *("a.", "x 1\n", "x 1 \n\n", "{a,"),
        *("{a b} -> ", "x [", "node [", "subgraph ", "subgraph a {", "dag {", "digraph a "),
    ],
    'x -> "': ["a", "\\", '\\"', " ", "\n"],
    "x /*": ["a", "*", "/*", "**/ /*", "\n"],
    "x [a=<": ["a", "<", ">", "<a>", "<<a>>", "=<"],
    "x [": ["a,", "a=b ", "a=", ";", "[", "] [", '"a"+'],
    '"a"': [" ", '+"a"', ' + "a"', "+", '"a"'],
    "x": [" 0", " 0 @1,1", " ="],
}
# The same in the middle: what begins it, what is repeated, what ends it.
ENCLOSED = [
    *(('x [pos="', piece, '"]') for piece in ["1", "1,", "1.", " "]),
    ('x [pos="1', " ", '"]'),
    ('x [pos="1,', "1", 'e"]'),
    ('x [pos="1,1,', " ", '!b"]'),
    ("x 0", " ", "x"),
    ("x", " 0 @1,1", "x"),
    ("x =", " ", "="),
    ("", "a.", "dag!"),
]


def answer(text: str) -> str:
    try:
        return repr(read(text))
    except CausalError as error:
        return str(error)


@pytest.mark.parametrize("length", [20_000, pytest.param(500_000, marks=pytest.mark.heavy)])
@pytest.mark.parametrize("head", ["", "dag {", "digraph {"])
def test_endless_garbage_is_read_or_refused_at_once_and_briefly(head: str, length: int) -> None:
    """Whatever looks at the same characters again and again does not come to an end here."""
    kinds = [(begin, piece, "") for begin, pieces in ENDLESS.items() for piece in pieces]
    for begin, piece, end in [*kinds, *ENCLOSED]:
        text = head + begin + piece * (length // len(piece)) + end
        assert len(answer(text)) < 1_000


@pytest.mark.parametrize(
    "text",
    [
        "dag{" + "{a b}->" * 20 + "c}",
        "digraph{" + "subgraph{" * 14 + "}" * 15,
        "dag{" + "{" * 60 + "a" + "}" * 61,
        "{{{{{{{{{{{{{{{{{{{{" + "a b}" * 20 + "->{" * 20,
        'digraph{x[label=<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<>>>>>>>>>>>>>>>>>>"' + '\\"' * 30,
    ],
)
def test_a_short_text_cannot_take_long(text: str) -> None:
    assert len(answer(text)) < 1_000

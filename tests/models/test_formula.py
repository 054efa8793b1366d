"""Formulas are read into what they say, written back, and refused with the spot marked."""

from __future__ import annotations

import pytest

from causal.errors import ModelError
from causal.models.formula import Call, Formula, Group, parse, write_formula

READ: dict[str, tuple[str, list[tuple[str, ...]], bool]] = {
    "y ~ x": ("y", [("x",)], True),
    "y~x+a": ("y", [("x",), ("a",)], True),
    "y ~ 1": ("y", [], True),
    "y ~ 1 + x": ("y", [("x",)], True),
    "y ~ 0 + x": ("y", [("x",)], False),
    "y ~ x + 0": ("y", [("x",)], False),
    "y ~ x - 1": ("y", [("x",)], False),
    "y ~ -1 + x": ("y", [("x",)], False),
    "y ~ x + x": ("y", [("x",)], True),
    "y ~ x\n + a": ("y", [("x",), ("a",)], True),
    "y ~ a:b": ("y", [("a", "b")], True),
    "y ~ a:b + b:a": ("y", [("a", "b")], True),
    "y ~ a*b": ("y", [("a",), ("b",), ("a", "b")], True),
    "y ~ a*b:c": ("y", [("a",), ("b", "c"), ("a", "b", "c")], True),
    "wt82_71 ~ wt.71": ("wt82_71", [("wt.71",)], True),
    "größe ~ 年齢": ("größe", [("年齢",)], True),
    "`my y` ~ `a``b` + `1`": ("my y", [("a`b",), ("1",)], True),
    "y ~ `<script>` + `a + b` + `line\nbreak`": (
        "y",
        [("<script>",), ("a + b",), ("line\nbreak",)],
        True,
    ),
}

RICH: dict[str, Formula] = {
    "y ~ log(x)": Formula("y", ((Call("log", "x"),),), intercept=True),
    "y ~ poly(x, 2):z": Formula("y", ((Call("poly", "x", 2), "z"),), intercept=True),
    "y ~ x + bs(`body mass`, 5)": Formula(
        "y", (("x",), (Call("bs", "body mass", 5),)), intercept=True
    ),
    "y ~ log + poly": Formula("y", (("log",), ("poly",)), intercept=True),
    "y ~ x*g + (1 | school)": Formula(
        "y",
        (("x",), ("g",), ("x", "g")),
        intercept=True,
        groups=(Group((), "school", intercept=True),),
    ),
    "y ~ x + (x + log(z) | g) + (0 + x | `h 2`)": Formula(
        "y",
        (("x",),),
        intercept=True,
        groups=(
            Group((("x",), (Call("log", "z"),)), "g", intercept=True),
            Group((("x",),), "h 2", intercept=False),
        ),
    ),
    "y ~ x + offset(log(t)) + offset(u)": Formula(
        "y", (("x",),), intercept=True, offsets=(Call("log", "t"), "u")
    ),
    "y ~ (a + b)^2": Formula("y", (("a",), ("b",), ("a", "b")), intercept=True),
    "y ~ (a + b + c)^2": Formula(
        "y",
        (("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")),
        intercept=True,
    ),
    "y ~ (a + b):c": Formula("y", (("a", "c"), ("b", "c")), intercept=True),
    "y ~ (a + b)*c - 1": Formula(
        "y", (("a",), ("b",), ("c",), ("a", "c"), ("b", "c")), intercept=False
    ),
}

REFUSED = {  # text: (where the caret stands, a word of the message)
    "": (0, "outcome"),
    "y": (1, "~"),
    "~ x": (0, "outcome"),
    "y ~": (3, "name"),
    "y ~ x +": (7, "name"),
    "y ~ x a": (6, "+"),
    "y ~ I(x)": (5, "'I' is no function"),
    "y ~ exp(x)": (7, "'exp' is no function"),
    "y ~ log(x + 1)": (10, "closing"),
    "y ~ log(log(x))": (11, "closing"),
    "y ~ poly(x)": (10, "number"),
    "y ~ poly(x, 1)": (12, "2 to 10"),
    "y ~ bs(x, 2.5)": (10, "3 to 50"),
    "y ~ poly(x, -2)": (12, "2 to 10"),
    "y ~ x:offset(t)": (12, "no function"),
    "y ~ (offset(t))": (11, "no function"),
    "y ~ x | g": (6, "+"),
    "y ~ (1 | g": (10, "parenthesis"),
    "y ~ (1 | )": (9, "category"),
    "y ~ (1 | g):x": (11, "+"),
    "y ~ x:(1 | g)": (9, "between + signs"),
    "y ~ ((1 | g))": (8, "between + signs"),
    "y ~ (a + 1 - 1)": (4, "intercept"),
    "y ~ ()": (5, "name"),
    "y ~ (a": (6, "closing"),
    "y ~ a)": (5, "+"),
    "y ~ x^2": (5, "poly(x, 2)"),
    "y ~ (a + b)^9": (12, "1 to 8"),
    "y ~ (a + b)^z": (12, "1 to 8"),
    "y ~ x - z": (8, "intercept"),
    "y ~ 2*x": (4, "`2`"),
    "y ~ 1.5": (4, "`1.5`"),
    "y = x": (2, "'='"),
    "y ~ x ~ z": (6, "+"),
    "y ~ `x": (4, "'`'"),
    "y ~ ``": (4, "empty"),
    "y ~ x:": (6, "name"),
    "y ~ __import__('os')": (15, "no meaning"),
    "y ~ a*b*c*d*e*f*g*h*i": (20, "256 terms"),
    "y ~ " + "(" * 30 + "a": (24, "20 deep"),
}


@pytest.mark.parametrize("text", READ)
def test_formula_is_read_as_it_says(text: str) -> None:
    outcome, terms, intercept = READ[text]

    assert parse(text) == Formula(outcome, tuple(terms), intercept)


@pytest.mark.parametrize("text", RICH)
def test_calls_groups_offsets_and_parentheses_are_read(text: str) -> None:
    assert parse(text) == RICH[text]


def test_every_name_on_the_right_is_a_predictor() -> None:
    formula = parse("y ~ x*a + log(b) + poly(c, 2) + (x + d | g) + offset(log(t))")
    assert formula.predictors == ("x", "a", "b", "c", "d", "g", "t")


@pytest.mark.parametrize("text", REFUSED)
def test_anything_else_is_refused_with_the_spot_marked(text: str) -> None:
    place, word = REFUSED[text]

    with pytest.raises(ModelError) as caught:
        parse(text)

    message, line, caret, allowed = str(caught.value).split("\n")
    assert word in message
    assert line == "    " + text
    assert caret == " " * (4 + place) + "^"
    assert "y ~ x + a" in allowed


def test_a_number_too_long_to_read_is_refused_like_any_other() -> None:
    for text in ("y ~ poly(x, {})", "y ~ (a + b)^{}"):
        with pytest.raises(ModelError, match="from"):
            parse(text.format("9" * 5_000))


def test_outcome_on_both_sides_is_refused() -> None:
    with pytest.raises(ModelError, match="both sides"):
        parse("y ~ x + x:y")


@pytest.mark.parametrize(
    "name", ["x", "body mass", "a`b", "``", "1", "a+b", "a:b", "x.y", "<b>", "a\nb", "~", "é", "_"]
)
@pytest.mark.parametrize("intercept", [True, False])
def test_written_formula_is_read_back_whatever_the_names(name: str, intercept: bool) -> None:
    text = write_formula(name, ["x0", name + "2", name + " "], intercept=intercept)

    assert parse(text) == Formula(name, (("x0",), (name + "2",), (name + " ",)), intercept)


def test_plain_names_are_written_without_quotes() -> None:
    assert write_formula("y", ["x", "z"]) == "y ~ x + z"
    assert write_formula("y", [], intercept=False) == "y ~ 0"


def test_predictors_are_listed_once() -> None:
    assert parse("y ~ b + a*b + a:c").predictors == ("b", "a", "c")


@pytest.mark.parametrize("pattern", ["y ~ x{+x}", "y ~ x{`}", "{(}", "y ~ {x:}x", "y ~ {``}`"])
def test_long_text_is_read_or_refused_in_linear_time(pattern: str) -> None:
    head, _, rest = pattern.partition("{")
    repeated, _, tail = rest.partition("}")
    text = head + repeated * 100_000 + tail
    try:
        parse(text)
    except ModelError as error:
        assert len(str(error)) < 1_000  # noqa: PT017 - some of the texts are formulas

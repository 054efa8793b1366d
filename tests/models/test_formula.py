"""Formulas are read into what they say, written back, and refused with the spot marked."""

from __future__ import annotations

import pytest

from causal.errors import ModelError
from causal.models.formula import Formula, parse, write_formula

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

REFUSED = {  # text: (where the caret stands, a word of the message)
    "": (0, "outcome"),
    "y": (1, "~"),
    "~ x": (0, "outcome"),
    "y ~": (3, "name"),
    "y ~ x +": (7, "name"),
    "y ~ x a": (6, "+"),
    "y ~ log(x)": (7, "'('"),
    "y ~ (1 | g)": (4, "'('"),
    "y ~ x | g": (6, "'|'"),
    "y ~ x^2": (5, "'^'"),
    "y ~ x - z": (8, "intercept"),
    "y ~ 2*x": (4, "`2`"),
    "y ~ 1.5": (4, "`1.5`"),
    "y = x": (2, "'='"),
    "y ~ x ~ z": (6, "+"),
    "y ~ `x": (4, "'`'"),
    "y ~ ``": (4, "empty"),
    "y ~ x:": (6, "name"),
    "y ~ __import__('os')": (14, "'('"),
    "y ~ a*b*c*d*e*f*g*h*i": (4, "9"),
}


@pytest.mark.parametrize("text", READ)
def test_formula_is_read_as_it_says(text: str) -> None:
    outcome, terms, intercept = READ[text]

    assert parse(text) == Formula(outcome, tuple(terms), intercept)


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

"""Formulas are read into what they say, and refused with the spot marked.

The oracle is the package ``formulae``, which reads the same language for Bambi: the terms that a
formula stands for, and the space that the columns of its design span.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formulae import design_matrices, model_description
from formulae.terms.terms import Model
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import causal.models
from causal.data.table import read_table
from causal.errors import ModelError
from causal.models.assembly import offsets_on, terms_on
from causal.models.design import design
from causal.models.formula import Call, Formula, Group, parse, parse_terms
from causal.models.priors import Distribution, PriorChoice, Priors, parse_prior, resolve
from causal.models.regression import Regression
from causal.models.terms import Varying, columns

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
    # In other readers these have b alone among their terms, or a model without an intercept.
    "y ~ (1 + a):b": (4, "intercept"),
    "y ~ (a + 1)*b": (4, "intercept"),
    "y ~ (a + 0)": (4, "intercept"),
    "y ~ ((1 + a) + b | g)": (5, "intercept"),
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


def test_a_right_side_is_read_alone() -> None:
    form = parse_terms("poly(age, 2) + x:g + offset(log(t)) - 1")

    assert form == Formula(
        "",
        ((Call("poly", "age", 2),), ("x", "g")),
        intercept=False,
        offsets=(Call("log", "t"),),
    )
    for text in ("", "y ~ x", "x +", "(1 | g):x"):
        with pytest.raises(ModelError, match="Cannot read the formula"):
            parse_terms(text)


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


# ------------------------------------------------------------------------------------------------
# Names are data
# ------------------------------------------------------------------------------------------------

CODE = (
    *("__import__('os')", "x.__class__", "I(x)", "{x**2}", "np.exp(x)", "log(x)", "exec", "lambda"),
    *("x if x else x", "f'{x}'", "%s", "${x}", "1 + 1", "eval('1')", "C(g, Treatment)", "x; y"),
)


@pytest.mark.parametrize("name", CODE)
def test_a_name_that_looks_like_code_is_a_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {name: [0.5, 2.0, 3.0, 4.5], "g": ["a", "b"] * 2, "y": [1.0, 0.0, 2.0, 1.0]}
    table = read_table(data, list(data))
    quoted = name.replace("`", "``")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was evaluated")

    for builtin in ("eval", "exec", "compile", "__import__"):
        monkeypatch.setattr(builtins, builtin, refuse)
    formula = parse(f"y ~ `{quoted}` * g + log(`{quoted}`) + offset(`{quoted}`) + (1 | g)")
    terms = terms_on(formula, name, table)
    own, prior = parse_prior(f"`{quoted}`=Normal(0, 2)")
    choice = PriorChoice(overrides={own: prior})
    priors = resolve(choice, terms, "y", "gaussian", table, offsets=offsets_on(formula, table))
    matrix = design(Regression("m", "y", name, terms, "gaussian", priors), table)
    monkeypatch.undo()

    assert formula.predictors == (name, "g")
    assert priors.terms[0] == (prior,)
    assert matrix[:, 1].tolist() == data[name]


NAMES = ("x.__class__", "log(x)", "exec", "lambda", "1 + 1")  # formulas in themselves


@pytest.mark.parametrize("text", [text for text in CODE if text not in NAMES])
def test_code_outside_of_back_quotes_is_no_formula(text: str) -> None:
    with pytest.raises(ModelError, match="Cannot read the formula"):
        parse(f"y ~ {text}")
    assert parse("y ~ x.__class__ + exec").predictors == ("x.__class__", "exec")


def test_no_module_of_the_models_evaluates_text() -> None:
    for path in Path(causal.models.__file__).parent.glob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text()))
        named = {node.id for node in nodes if isinstance(node, ast.Name)}
        assert named.isdisjoint({"eval", "exec", "compile", "__import__"}), path


# ------------------------------------------------------------------------------------------------
# Against formulae
# ------------------------------------------------------------------------------------------------

Expanded = tuple[bool, frozenset[frozenset[str]], frozenset[tuple[frozenset[str], str]]]


def ours(text: str) -> Expanded:
    """Intercept, terms, and what varies by what."""
    formula = parse(text)
    groups = []
    for group in formula.groups:
        groups += [(frozenset[str](), group.by)] * group.intercept
        groups += [(frozenset(map(str, term)), group.by) for term in group.terms]
    return (
        formula.intercept,
        frozenset(frozenset(map(str, term)) for term in formula.terms),
        frozenset(groups),
    )


def theirs(text: str) -> Expanded:
    """The same by formulae, which writes powers with two asterisks."""
    intercept, terms, groups = False, [], []
    for term in model_description(text.replace("^", "**")).terms:
        match type(term).__name__:
            case "Intercept":
                intercept = True
            case "Term":
                terms.append(frozenset(part.name for part in term.components))
            case "GroupSpecificTerm":
                inside = getattr(term.expr, "components", [])  # none: the intercept
                [by] = term.factor.components
                groups.append((frozenset(part.name for part in inside), by.name))
            case other:
                raise AssertionError(other)
    return intercept, frozenset(terms), frozenset(groups)


def expressions() -> st.SearchStrategy[str]:
    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pair = st.tuples(inner, st.sampled_from([" + ", ":", "*", " * "]), inner).map("".join)
        raised = st.tuples(inner, st.integers(2, 4)).map(lambda both: f"({both[0]})^{both[1]}")
        return st.one_of(pair, inner.map(lambda text: f"({text})"), raised)

    return st.recursive(st.sampled_from("abcd"), larger, max_leaves=6)


GROUPS = ("(1|g)", "(a | g)", "(0 + a|h)", "(a + b|h)", "(a*b|g)", "(a:b|g)", "(1 + a|g)")


@st.composite
def formulas(draw: st.DrawFn) -> str:
    parts = draw(st.lists(expressions(), min_size=1, max_size=3))
    parts += draw(st.lists(st.sampled_from(GROUPS), max_size=2))
    place = draw(st.integers(0, len(parts)))
    match draw(st.sampled_from(["", "", "0", "1", "-1"])):
        case "-1" if place:
            parts[place - 1] += " - 1"
        case "0" | "1" | "-1" as said:
            parts.insert(place, said)
    return "y ~ " + " + ".join(parts)


def check_expansion(text: str) -> None:
    try:
        found = ours(text)
    except ModelError as error:  # (a + b + c + d)^4 * ... has too many, and they count no limit
        assert "more than 256 terms" in str(error)  # noqa: PT017
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Model, "__mul__", told_apart)
            expected = theirs(text)
        assert found == expected


def told_apart(left: Model, right: Model, product: Callable[..., Any] = Model.__mul__) -> Any:
    """A product as formulae takes it, but for equal factors: see `UNLIKE`."""
    assume(left != right)
    return product(left, right)


@example("y ~ a*b:c + (a + b)^2*d - 1 + (0 + a|h) + (1|g)")
@example("y ~ a:(b + c)*d + (a*b)^3")
@settings(deadline=None, max_examples=150)
@given(formulas())
def test_a_formula_stands_for_the_terms_that_formulae_finds(text: str) -> None:
    check_expansion(text)


@pytest.mark.heavy
@settings(deadline=None, max_examples=1_500)
@given(formulas())
def test_many_formulas_stand_for_the_terms_that_formulae_finds(text: str) -> None:
    check_expansion(text)


# What formulae reads otherwise, and why it is not followed.
ELSEWHERE = {
    # it takes terms away; here only the intercept can be, or a slip would go unnoticed
    "y ~ a*b - a": frozenset({frozenset("b"), frozenset("ab")}),
    # nesting: b within a is written a:b
    "y ~ a/b": frozenset({frozenset("a"), frozenset("ab")}),
}


@pytest.mark.parametrize("text", ELSEWHERE)
def test_what_formulae_reads_and_we_do_not_is_refused(text: str) -> None:
    assert theirs(text)[1] == ELSEWHERE[text]
    with pytest.raises(ModelError, match="Cannot read the formula"):
        parse(text)


# What formulae cannot read: it takes a number 1 for the intercept wherever it stands.
FAILING = {
    "y ~ (a)^1": (True, {frozenset("a")}, set()),
    "y ~ (a + b)^1": (True, {frozenset("a"), frozenset("b")}, set()),
    "y ~ (a - 1 | g)": (True, set(), {(frozenset("a"), "g")}),
}


@pytest.mark.parametrize("text", FAILING)
def test_what_formulae_fails_on_has_its_plain_meaning(text: str) -> None:
    with pytest.raises((AttributeError, TypeError, ValueError)):
        theirs(text)
    assert ours(text) == FAILING[text]


# Of a sum times itself formulae makes the sum; R, and we, add the interactions of its terms.
UNLIKE = {"y ~ (a + b)*(a + b)": (True, {frozenset("a"), frozenset("b"), frozenset("ab")}, set())}


@pytest.mark.parametrize("text", UNLIKE)
def test_what_formulae_leaves_out_of_a_product_is_in_it(text: str) -> None:
    assert theirs(text)[1] == {frozenset("a"), frozenset("b")}
    assert ours(text) == UNLIKE[text]


def test_formulae_evaluates_what_we_refuse() -> None:
    """The reason why formulae is an oracle of the tests and not the reader: calls are Python."""
    import pandas as pd

    data = {"y": [0.0, 1.0, 2.0], "a": [1.0, 2.0, 4.0]}
    text = "y ~ 0 + np.sqrt(a + 5)"
    evaluated = np.asarray(design_matrices(text, pd.DataFrame(data)).common.design_matrix)

    np.testing.assert_allclose(evaluated.ravel(), np.sqrt([6.0, 7.0, 9.0]))
    with pytest.raises(ModelError, match="Cannot read the formula"):
        parse(text)


CELLS = list(product("uvw", "pq", "rs", "123")) * 12
RANDOM = np.random.default_rng(8)
DATA = {
    **{name: RANDOM.normal(size=len(CELLS)) for name in "yab"},
    **{name: [cell[place] for cell in CELLS] for place, name in enumerate("cdgh")},
}
TABLE = read_table(DATA, list(DATA), categorical=["h"])
PRODUCTS = [":".join(some) for size in (1, 2, 3) for some in combinations("abcd", size)]
# Bodies of groups: formulae wants a category to stand with the intercept it is a contrast to.
BODIES = ["1|g", "a|g", "0 + a|h", "a + b|h", "c|g", "0 + c|h", "a + d|h"]


@st.composite
def sums(draw: st.DrawFn) -> str:
    """Products in a fixed order: formulae fails on b:a beside a:b."""
    terms = sorted(draw(st.sets(st.sampled_from(PRODUCTS), max_size=6)), key=PRODUCTS.index)
    groups = draw(st.lists(st.sampled_from(BODIES), max_size=2, unique_by=lambda body: body[-1]))
    first = draw(st.sampled_from(["0", "1"] if terms else ["1"]))
    return "y ~ " + " + ".join([first, *terms, *(f"({body})" for body in groups)])


def check_space(text: str) -> None:
    import pandas as pd

    formula = parse(text)
    terms = terms_on(formula, "a", TABLE)
    unit = Distribution("Normal", (0.0, 1.0)) if formula.intercept else None
    mine = design(Regression("m", "y", "a", terms, "gaussian", Priors(unit, (), ())), TABLE)
    varies = [False] * formula.intercept
    varies += [isinstance(term, Varying) for term in terms for _ in columns(term)]
    read = design_matrices(text, pd.DataFrame(DATA))
    for part, chosen in ((read.common, ~np.array(varies)), (read.group, np.array(varies))):
        given_ = np.empty((len(CELLS), 0))
        if part is not None:
            matrix = part.design_matrix
            matrix = matrix.toarray() if hasattr(matrix, "toarray") else matrix
            given_ = np.asarray(matrix).reshape(len(CELLS), -1)
        own = mine[:, chosen]
        if own.shape[1] or given_.shape[1]:
            ranks = {int(np.linalg.matrix_rank(m)) for m in (own, given_, np.hstack([own, given_]))}
            assert len(ranks) == 1, text


@example("y ~ 0 + a:c + c:d + (c|g)")
@example("y ~ 1 + a:b:c + a:d + b:c:d + (0 + c|h)")
@settings(deadline=None, max_examples=25)
@given(sums())
def test_the_design_spans_what_that_of_formulae_does(text: str) -> None:
    check_space(text)


@pytest.mark.heavy
@settings(deadline=None, max_examples=150)
@given(sums())
def test_the_design_of_many_formulas_spans_what_that_of_formulae_does(text: str) -> None:
    check_space(text)


def test_a_polynomial_spans_what_that_of_formulae_does() -> None:
    """Theirs is orthogonal, ours in powers of the centred variable: the same curves."""
    import pandas as pd

    terms = terms_on(parse("y ~ poly(a, 3):c + poly(a, 3) + c"), "a", TABLE)
    unit = Distribution("Normal", (0.0, 1.0))
    mine = design(Regression("m", "y", "a", terms, "gaussian", Priors(unit, (), ())), TABLE)
    read = design_matrices("y ~ poly(a, 3)*c", pd.DataFrame(DATA))
    given_ = np.asarray(read.common.design_matrix)

    both = np.hstack([mine, given_])
    assert {int(np.linalg.matrix_rank(m)) for m in (mine, given_, both)} == {12}

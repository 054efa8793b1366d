"""lavaan's model syntax: what it says of a DAG is read, the rest passed over or refused."""

from __future__ import annotations

from typing import Any

import pytest

from causal.errors import CycleError, GraphError, NotationError
from causal.graph.dag import Dag
from causal.graph.notation import load, read
from tests.graph.notation.test_arrows import pairs

READ: dict[str, dict[str, Any]] = {
    "y ~ x + z": {"edges": pairs("xy zy")},
    "y~x+z": {"edges": pairs("xy zy")},
    "y ~ x; z ~ y": {"edges": pairs("xy yz")},
    "y ~ x\nz ~ y\r\nw ~ z\rv ~ w": {"edges": pairs("xy yz zw wv")},
    "y + z ~ x + w": {"edges": pairs("xy wy xz wz")},
    "x ~~ y": {"arcs": pairs("xy")},
    "x ~~ y + z": {"arcs": pairs("xy xz")},
    "f =~ a + b": {"edges": pairs("fa fb"), "latent": ["f"]},
    "f =~ a\ng =~ b\nf ~~ g; f ~ x": {
        "edges": pairs("fa gb xf"),
        "arcs": pairs("fg"),
        "latent": ["f", "g"],
    },
    "f =~ 0; f ~ x": {"edges": pairs("xf"), "latent": ["f"]},
    # what is multiplied says how strong, not whether
    "y ~ b*x + 0.5*z + -1*w": {"edges": pairs("xy zy wy")},
    'y ~ c(a, b)*x + start(0.5)*z + label("a ~ b")*w': {"edges": pairs("xy zy wy")},
    "y ~ c(a,\n  b)*x": {"edges": pairs("xy")},
    "y ~ NA*x + start(1)*x + 0.8?z": {"edges": pairs("xy zy")},
    'f =~ 1*a + equal("f=~a")*b': {"edges": pairs("fa fb"), "latent": ["f"]},
    'efa("one")*f + efa("one")*g =~ a + b': {"edges": pairs("fa fb ga gb"), "latent": ["f", "g"]},
    # but what is fixed to 0 is not there
    "y ~ 0*x + z": {"edges": pairs("zy"), "nodes": ["x"]},
    "y ~ 0.00*x + 0e3*z + 0?w": {"edges": pairs("wy"), "nodes": ["x", "z"]},
    "x ~~ 0*y": {"nodes": ["x", "y"]},
    "s =~ 0*a + 1*b": {"edges": pairs("sb"), "latent": ["s"], "nodes": ["a"]},
    # intercepts, variances, scales, parameters and constraints
    "y ~ 1": {"nodes": ["y"]},
    "y ~ 1 + x": {"edges": pairs("xy")},
    "y ~ mean*1 + x": {"edges": pairs("xy")},
    "x ~~ x; y ~~ s*y": {"nodes": ["x", "y"]},
    "y | t1 + t2; y ~*~ 1*y; y ~ x": {"edges": pairs("xy")},
    "m ~ a*x\ny ~ b*m\nindirect := a*b\na == 2 * (b + 1)\nb > 0; a < 3^2": {
        "edges": pairs("xm my")
    },
    # lines
    "y ~ x +\n  z\n  + w": {"edges": pairs("xy zy wy")},
    "y ~\n  x\n\nz ~ y": {"edges": pairs("xy yz")},
    "\n\n  y ~ x\n": {"edges": pairs("xy")},
    # comments
    '# model -> "a"\ny ~ x # + z\n! w ~ y {\nv ~ y ! "': {"edges": pairs("xy yv")},
    # names
    "y.1 ~ x_2 + .z": {"edges": [("x_2", "y.1"), (".z", "y.1")]},
    "größe ~ 年齢": {"edges": [("年齢", "größe")]},
    "c ~ start + label": {"edges": [("start", "c"), ("label", "c")]},
    "dag ~ graph": {"edges": [("graph", "dag")]},
    "from ~ to": {"edges": [("to", "from")]},
    "\ufeffy ~ x": {"edges": pairs("xy")},
}


@pytest.mark.parametrize("text", READ)
def test_a_model_is_read_as_it_says(text: str) -> None:
    assert read(text) == Dag(**READ[text])


# The sign ¶ stands before the spot that is marked; it is not part of the text.
REFUSED = {
    "y ~ x¶:z": "a product of variables is no variable of a DAG",
    "y ~ x ¶z": "expected '+' or the end of the formula, found 'z'",
    "y ~ x ¶~ z": "expected '+' or the end of the formula, found '~'",
    "y ~ x ¶+": "expected a variable beside '+'",
    "y ~ ¶+ x": "expected a variable beside '~'",
    "y ¶~": "expected a variable beside '~'",
    "¶~ x": "expected a variable beside '~'",
    "y ~ b¶*": "expected a variable after '*'",
    "y ~ log¶(x)": "expected '+' or the end of the formula, found '('",
    'y ~ ¶"x"': "expected a variable, found '\"x\"'",
    "y ~ x¶'": "expected '+' or the end of the formula",
    "y ~ ¶-x": "expected a variable, found '-'",
    "¶1 ~ x": "a number cannot stand on the left",
    "y ~ c¶(a*x": "this '(' is never closed",
    "y ~ a¶)*x": "this ')' closes nothing",
    "f ¶<~ x + z": "'<~' makes a composite",
    "level¶: 1; y ~ x": "several blocks or groups",
    "¶y; z ~ x": "there is no formula here",
}


@pytest.mark.parametrize("marked", REFUSED)
def test_what_a_dag_cannot_say_is_refused_at_the_spot(marked: str) -> None:
    with pytest.raises(NotationError) as caught:
        read(marked.replace("¶", ""))
    first, line, caret, *_ = str(caught.value).split("\n")
    assert REFUSED[marked] in first
    assert line == "  " + marked.replace("¶", "")
    assert caret == "  " + " " * marked.index("¶") + "^"


def test_a_model_that_goes_round_is_told() -> None:
    with pytest.raises(CycleError, match="x -> y -> x"):
        read("y ~ x; x ~ y")


def test_a_model_is_known_on_the_command_line_by_a_tilde_between_blanks() -> None:
    assert load("y ~ x + z") == Dag("x -> y <- z")
    assert load("f =~ a; a ~~ b") == Dag("f [l]; f -> a; a <-> b")
    with pytest.raises(GraphError, match=r"There is no file '~/model.dag'"):
        load("~/model.dag")


WRITTEN = {
    "x -> y <- z": "y ~ x + z\n",
    "x -> y -> z; x -> z": "y ~ x\nz ~ x + y\n",
    "u [latent]; u -> x; u -> y; x -> y": "u =~ x + y\ny ~ x\n",
    "u [latent]; x -> u": "u =~ 0\nu ~ x\n",
    "u [latent]; v [latent]; u -> v -> x": "u =~ v\nv =~ x\n",
    "x <-> y; alone": "x ~~ y\nalone ~~ alone\n",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_model_is_written_in_one_way(text: str) -> None:
    written = Dag(text).to_lavaan()
    assert written == WRITTEN[text]
    assert Dag(written) == Dag(text)


@pytest.mark.parametrize(
    "name",
    ["blood pressure", "2nd", "_x", ".2way", "a-b", "x:y", "if", "TRUE", "NA", "e\u0301", "a\nb"],
)
def test_a_name_that_lavaan_cannot_spell_is_an_error_and_never_changed(name: str) -> None:
    with pytest.raises(GraphError, match="lavaan cannot spell the name"):
        Dag(edges=[(name, "y")]).to_lavaan()


def test_a_model_of_nothing_cannot_be_written() -> None:
    with pytest.raises(GraphError, match="no model without variables"):
        Dag().to_lavaan()


def test_a_short_model_cannot_stand_for_more_arrows_than_memory_holds() -> None:
    left, right = (" + ".join(f"{side}{i}" for i in range(3_000)) for side in "ab")
    for operator in ("~", "~~", "=~"):
        with pytest.raises(NotationError, match="more than 2,000,000 arrows"):
            read(f"{left} {operator} {right}")

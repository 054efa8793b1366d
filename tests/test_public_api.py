"""The names that others build on."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import causal

PUBLIC = [
    "CausalError",
    "Dag",
    "PriorChoice",
    "Question",
    "Regression",
    "Study",
    "Table",
    "__version__",
    "ask",
    "read_table",
    "run",
]


def test_the_public_names_are_these_and_all_of_them_load():
    assert causal.__all__ == PUBLIC
    for name in PUBLIC:
        assert getattr(causal, name) is not None
    assert dir(causal) == sorted(PUBLIC)


def test_all_is_written_out_so_that_tools_can_read_it():
    tree = ast.parse(Path(causal.__file__).read_text())
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    assert [ast.literal_eval(value) for value in values] == [PUBLIC]


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Dagg'"):
        causal.Dagg  # noqa: B018 - the access is what is tested


def test_no_module_bears_the_name_of_a_public_function():
    modules = {path.stem for path in Path(causal.__file__).parent.glob("*")}
    assert not modules & set(PUBLIC)

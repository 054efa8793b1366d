"""Files are known by what they hold, and what is wrong with one is told with its name."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from causal.errors import GraphError, NotationError
from causal.graph.dag import Dag
from causal.graph.notation import load, read_file

XY = Dag("x -> y")
TEXTS = {
    "arrows": "x -> y",
    "dagitty": "dag {\nx -> y\n}\n",
    "dot": "digraph {\nx -> y\n}\n",
    "lavaan": "# why\ny ~ x\n",
    "table": "from,to\nx,y\n",
    "JSON": XY.to_json(),
    "GML": XY.to_gml(),
    "GraphML": XY.to_graphml(),
}


@pytest.mark.parametrize("suffix", ["", ".dag", ".dot", ".gv", ".txt", ".csv", ".json"])
@pytest.mark.parametrize("notation", TEXTS)
def test_a_file_is_known_by_its_text_and_not_by_its_suffix(
    notation: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_text(TEXTS[notation], encoding="utf-8")
    assert read_file(path) == XY
    assert read_file(str(path)) == XY
    assert load(str(path)) == XY


@pytest.mark.parametrize("notation", TEXTS)
@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
        lambda text: b"\n\n" + text.encode() + b"\n\n",
    ],
    ids=["BOM", "CRLF", "CR", "BOM and CRLF", "blank lines"],
)
def test_byte_order_marks_and_line_ends_of_any_system_are_read(
    notation: str, encode, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    path.write_bytes(encode(TEXTS[notation]))
    assert read_file(path) == XY


def test_a_file_whose_name_looks_like_a_dag_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a -> b").write_text("x -> y", encoding="utf-8")
    assert load("a -> b") == XY
    assert load("a -> c") == Dag("a -> c")


BYTES = {
    "UTF-16": ("x -> y".encode("utf-16"), "is 16-bit text, not a DAG"),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0", "is a binary file, not a DAG"),
    "Latin-1": ("x -> größe".encode("latin-1"), "byte 8 (line 1) is 0xf6"),
    "on line 3": (b"x -> y\r\n# a\r\n\xff", "byte 14 (line 3) is 0xff"),
    "behind a byte-order mark": (b"\xef\xbb\xbfx -> y\n\xe9 -> y", "byte 11 (line 2) is 0xe9"),
    "cut off": ("x -> é".encode()[:-1], "byte 6 (line 1) is 0xc3"),
    "empty": (b"", "is empty"),
    "a byte-order mark": (b"\xef\xbb\xbf\r\n", "is empty"),
    "comments": (b"# nothing\n", "holds comments only"),
}


@pytest.mark.parametrize("what", BYTES)
def test_a_file_that_is_no_text_is_told_as_what_it_is(what: str, tmp_path: Path) -> None:
    data, message = BYTES[what]
    path = tmp_path / "model.dag"
    path.write_bytes(data)
    with pytest.raises(GraphError) as caught:
        read_file(path)
    assert message in str(caught.value)
    assert "model.dag'" in str(caught.value)
    with pytest.raises(GraphError) as caught:
        load("-", io.BytesIO(data))
    assert message in str(caught.value)
    assert "'standard input'" in str(caught.value)


@pytest.mark.parametrize("notation", TEXTS)
def test_a_dash_is_the_standard_input(notation: str) -> None:
    assert load("-", io.BytesIO(TEXTS[notation].encode("utf-8-sig"))) == XY


def test_an_error_in_a_file_names_the_file_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "model.dag"
    path.write_text("dag {\n  x -> ;\n}\n", encoding="utf-8")
    with pytest.raises(NotationError) as caught:
        read_file(path)
    first, line, caret, _ = str(caught.value).split("\n")
    assert first.endswith("model.dag', line 2: expected a variable after '->', found ';'.")
    assert (line, caret) == ("  x -> ;", "       ^")
    with pytest.raises(NotationError, match=r"^'standard input', line 1: "):
        load("-", io.BytesIO(b"x -> -> y"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.dga", "There is no file '{}/model.dga'. Did you mean '{}/model.dag'?"),
        ("Model.dag", "There is no file '{}/Model.dag'. Did you mean '{}/model.dag'?"),
        ("smoking", "There is no file '{}/smoking'. A DAG given as text needs an arrow"),
        ("none/model.dag", "There is no file '{}/none/model.dag'. There is no folder '{}/none'"),
        ("folder", "'{}/folder' is a folder. Name a file in it"),
        ("", "'{}/' is a folder. Name a file in it"),
        ("model.dag/x", "Cannot read '{}/model.dag/x': Not a directory."),
        ("a\0b", "Cannot read '{}/a\\x00b': embedded null byte."),
        ("x\x1b[2J", "There is no file '{}/x\\x1b[2J'."),
    ],
)
def test_a_missing_file_is_told_with_the_one_that_is_near(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here/folder").mkdir(parents=True)
    Path("here/model.dag").write_text("x -> y", encoding="utf-8")
    for ask in (read_file, load):
        with pytest.raises(GraphError) as caught:
            ask(f"here/{name}")
        assert str(caught.value).startswith(message.replace("{}", "here"))


@pytest.mark.parametrize("name", ["", "smoking", "x" * 100_000, "\ud800", "a\0b"], ids=ascii)
def test_a_text_without_an_arrow_is_a_file_that_is_missing(name: str) -> None:
    with pytest.raises(GraphError) as caught:
        load(name)
    assert len(str(caught.value)) < 500


def test_a_dag_as_long_as_no_file_name_can_be_is_still_a_dag() -> None:
    text = "; ".join(f"v{i} -> y" for i in range(10_000))
    assert len(load(text).edges) == 10_000
    assert load('"\ud800" -> "\0"') == Dag(edges=[("\ud800", "\0")])

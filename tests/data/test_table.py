# ruff: noqa: PD011 - `values` is the attribute of a Column, no pandas object
"""What a user may rely on when a table is read: the same columns from every source, or a reason."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import hashlib
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causal.data.table import Column, Table, read_table
from causal.errors import DataError

ROOT = Path(__file__).parents[2]
NAN = float("nan")


def of_bytes(tmp_path: Path, content: bytes | str, names: str = "a b", **options) -> Table:
    path = tmp_path / "data.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, names.split(), **options)


def facts(column: Column) -> tuple:
    values = [None if np.isnan(v) else v for v in column.values]
    return column.kind, values, column.levels, column.missing


# --- kinds ------------------------------------------------------------------------------------

KINDS = {
    # cells of a CSV column -> kind, values (None: missing), levels
    "1 0 1": ("binary", [1, 0, 1], ()),
    "2 7 2": ("binary", [2, 7, 2], ()),
    "-1.5 2 -1.5": ("binary", [-1.5, 2, -1.5], ()),
    "true False TRUE": ("binary", [1, 0, 1], ()),
    "0 1 2": ("count", [0, 1, 2], ()),
    "0 1.0 2e1": ("count", [0, 1, 20], ()),
    "-1 0 1": ("continuous", [-1, 0, 1], ()),
    "0.5 1 2": ("continuous", [0.5, 1, 2], ()),
    "7 7 7": ("continuous", [7, 7, 7], ()),
    "1 NA 3 2": ("count", [1, None, 3, 2], ()),
    ".5 +5 1.": ("continuous", [0.5, 5, 1], ()),
    "99999999999999999999 1 2": ("count", [1e20, 1, 2], ()),
    "u v u": ("category", [0, 1, 0], ("u", "v")),
    "v NA u": ("category", [1, None, 0], ("u", "v")),
    "yes 1 no": ("category", [2, 0, 1], ("1", "no", "yes")),
    "18-25 <18 >25": ("category", [0, 1, 2], ("18-25", "<18", ">25")),
}


@pytest.mark.parametrize(("cells", "expected"), KINDS.items())
def test_the_kind_of_a_column_follows_from_its_values(tmp_path, cells, expected):
    content = "a,b\n" + "".join(f"{cell},0\n" for cell in cells.split())
    kind, values, levels = expected
    assert facts(of_bytes(tmp_path, content)["a"]) == (kind, values, levels, values.count(None))


CATEGORIES = {
    "10 2 1.0": ([2, 1, 0], ("1", "2", "10")),
    "0.5 -3 NA": ([1, 0, None], ("-3", "0.5")),
    "true false true": ([1, 0, 1], ("false", "true")),
    "1 2 low": ([0, 1, 2], ("1", "2", "low")),
    "2020-02-01 2020-01-01 2020-02-01": ([1, 0, 1], ("2020-01-01", "2020-02-01")),
    "1,234 5% x": ([0, 1, 2], ("1,234", "5%", "x")),
}


@pytest.mark.parametrize(("cells", "expected"), CATEGORIES.items())
def test_any_column_becomes_a_category_on_request(tmp_path, cells, expected):
    content = "a,b\n" + "".join(f'"{cell}",0\n' for cell in cells.split())
    column = of_bytes(tmp_path, content, categorical=["a"])["a"]
    assert facts(column)[:3] == ("category", *expected)


@pytest.mark.parametrize(
    "missing",
    ["", " ", "NA", "NaN", "nan", "null", "NULL", "N/A", "n/a", "#N/A", "<NA>", " NA", "NA\t"],
)
@pytest.mark.parametrize("present", ["1.5", "u"])
def test_every_usual_mark_of_a_missing_value_is_missing(tmp_path, missing, present):
    column = of_bytes(tmp_path, f"a,b\n{present},1\n{missing},2\n")["a"]
    assert column.missing == 1
    assert np.isnan(column.values).tolist() == [False, True]


def test_blanks_around_a_value_are_no_part_of_it(tmp_path):
    table = of_bytes(tmp_path, "a,b\n 1 , u\n\t2, u \n NA,v\n")
    assert facts(table["a"]) == ("binary", [1, 2, None], (), 1)
    assert facts(table["b"]) == ("category", [0, 0, 1], ("u", "v"), 0)


def test_the_first_word_of_a_text_column_is_kept_for_messages(tmp_path):
    table = of_bytes(tmp_path, "a,b\nNA,5\n1,6\nlow,7\nhigh,8\n")
    assert table["a"].first_text == (3, "low")
    assert table["b"].first_text is None


def test_constant_and_distinct(tmp_path):
    content = "a,b,c,d\n1,u,NA,1\n1,u,3,2\n1,NA,3,2\n"
    table = of_bytes(tmp_path, content, "a b c d")
    assert [c.constant for c in table.columns.values()] == [True, True, True, False]
    assert [c.distinct for c in table.columns.values()] == [1, 1, 1, 2]


# --- the same from every source ---------------------------------------------------------------

MIXED = {
    "n": [3, 1, None, 4, 0],
    "f": [0.1, None, 2.5, 1e-300, -7.0],
    "b": [True, False, None, True, False],
    "g": ["v", "u", None, "v", "w"],
}
DAY = dt.date(2020, 1, 1)


def as_csv(folder: Path) -> Path:
    path = folder / "t.csv"
    rows = zip(*MIXED.values(), strict=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(MIXED)
    writer.writerows(rows)
    path.write_text(text.getvalue())
    return path


def as_parquet(folder: Path) -> Path:
    path = folder / "no_suffix"
    pq.write_table(pa.table(MIXED), path)
    return path


def as_ipc(folder: Path, new) -> Path:
    path = folder / "t.txt"
    table = pa.table(MIXED)
    with path.open("wb") as stream, new(stream, table.schema) as writer:
        # In pieces: nothing may depend on how rows are chunked.
        writer.write_table(table.slice(0, 2))
        writer.write_table(table.slice(2))
    return path


class Capsule:
    """A table of a library nobody has heard of."""

    def __arrow_c_stream__(self, requested_schema=None):
        return pa.table(MIXED).__arrow_c_stream__(requested_schema)


SOURCES = {
    "csv": as_csv,
    "parquet": as_parquet,
    "arrow file": lambda folder: as_ipc(folder, pa.ipc.new_file),
    "arrow stream": lambda folder: as_ipc(folder, pa.ipc.new_stream),
    "pyarrow": lambda _: pa.table(MIXED),
    "pyarrow slices": lambda _: pa.concat_tables(
        [pa.table(MIXED).slice(0, 3), pa.table(MIXED).slice(3)]
    ),
    "record batch": lambda _: pa.table(MIXED).to_batches()[0],
    "pyarrow dictionary": lambda _: pa.table(
        {**MIXED, "g": pa.array(MIXED["g"]).dictionary_encode()}
    ),
    "pyarrow narrow": lambda _: pa.table(
        {
            **MIXED,
            "n": pa.array(MIXED["n"], pa.uint8()),
            "g": pa.array(MIXED["g"], pa.large_string()),
        }
    ),
    "decimal": lambda _: pa.table(
        {**MIXED, "n": pa.array([None if v is None else decimal.Decimal(v) for v in MIXED["n"]])}
    ),
    "pandas": lambda _: pd.DataFrame(MIXED),
    "pandas nullable": lambda _: pd.DataFrame(MIXED).convert_dtypes(),
    "pandas arrow": lambda _: pd.DataFrame(MIXED).convert_dtypes(dtype_backend="pyarrow"),
    "pandas objects": lambda _: pd.DataFrame(MIXED, dtype=object),
    "pandas category": lambda _: pd.DataFrame(MIXED).astype({"g": "category"}),
    "pandas index": lambda _: pd.DataFrame(MIXED, index=list("edcba")),
    "polars": lambda _: pl.DataFrame(MIXED),
    "polars categorical": lambda _: pl.DataFrame(MIXED).cast({"g": pl.Categorical}),
    "polars enum": lambda _: pl.DataFrame(MIXED).cast({"g": pl.Enum(["w", "v", "u", "z"])}),
    "arrow capsule": lambda _: Capsule(),
    "lists": lambda _: MIXED,
    "arrays": lambda _: {
        "n": np.array([3, 1, NAN, 4, 0], ">f4"),
        "f": np.ma.masked_invalid([0.1, NAN, 2.5, 1e-300, -7.0]),
        "b": pd.array(MIXED["b"], "boolean"),
        "g": np.array(MIXED["g"], object),
    },
    "series": lambda _: {
        "n": pl.Series(MIXED["n"]),
        "f": pd.Series(MIXED["f"]),
        "b": pa.array(MIXED["b"]),
        "g": pd.Categorical(MIXED["g"]),
    },
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_columns_of_the_csv(tmp_path, source):
    table = read_table(SOURCES[source](tmp_path), list(MIXED))
    assert table.rows == 5
    assert {name: facts(column) for name, column in table.columns.items()} == {
        "n": ("count", [3, 1, None, 4, 0], (), 1),
        "f": ("continuous", [0.1, None, 2.5, 1e-300, -7], (), 1),
        "b": ("binary", [1, 0, None, 1, 0], (), 1),
        "g": ("category", [1, 0, None, 1, 2], ("u", "v", "w"), 1),
    }


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_categories_on_request(tmp_path, source):
    table = read_table(SOURCES[source](tmp_path), ["n", "b"], categorical=["n", "b"])
    assert facts(table["n"]) == ("category", [2, 1, None, 3, 0], ("0", "1", "3", "4"), 1)
    assert facts(table["b"]) == ("category", [1, 0, None, 1, 0], ("false", "true"), 1)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_names_the_absent_column(tmp_path, source):
    with pytest.raises(DataError, match=r"there is no column 'gg'\. Did you mean 'g'\?"):
        read_table(SOURCES[source](tmp_path), ["n", "gg"])


@pytest.mark.parametrize(
    ("source", "name", "form"),
    [
        ("csv", "t.csv", "csv"),
        ("parquet", "no_suffix", "parquet"),
        ("arrow file", "t.txt", "arrow"),
    ],
)
def test_a_file_is_known_by_its_content_and_its_digest(tmp_path, source, name, form):
    path = SOURCES[source](tmp_path)
    read = read_table(path, ["n"]).source
    assert read.name == str(tmp_path / name)
    assert read.format == form
    assert read.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_object_in_memory_is_known_by_its_type():
    source = read_table(pl.DataFrame(MIXED), ["n"]).source
    assert (source.name, source.format, source.sha256) == ("DataFrame", "memory", None)


def test_column_labels_are_compared_as_text():
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=[1, "a"])
    assert read_table(frame, ["1"])["1"].values.tolist() == [1, 3]
    assert read_table({1: [1, 3]}, ["1"])["1"].values.tolist() == [1, 3]


def test_numbers_that_somebody_stored_as_text_are_a_category_and_said_so():
    table = read_table({"g": ["10", "9", "10"]}, ["g"])
    assert facts(table["g"]) == ("category", [1, 0, 1], ("9", "10"), 0)
    assert "'g' holds numbers as text" in table.source.notes[0]
    assert read_table({"g": ["10", "9", "10"]}, ["g"], categorical=["g"]).source.notes == ()


def test_numbers_and_words_in_one_list_are_judged_like_those_of_a_file():
    table = read_table({"g": [1, pd.NA, "x", None, NAN, "y", 1]}, ["g"])
    assert facts(table["g"]) == ("category", [0, None, 1, None, None, 2, 0], ("1", "x", "y"), 3)


def test_a_dotted_name_is_not_the_path_into_a_nested_parquet_column(tmp_path):
    path = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"a": [{"b": 7}, {"b": 8}], "a.b": [1, 2]}), path)
    assert read_table(path, ["a.b"])["a.b"].values.tolist() == [1, 2]


def test_columns_that_are_not_wanted_are_not_judged():
    table = {"x": [1, 2], "when": [DAY, DAY], "all": [None, None], "list": [[1], [2]]}
    for source in (table, pa.table(table), pd.DataFrame(table)):
        assert list(read_table(source, ["x"]).columns) == ["x"]


def test_values_cannot_be_changed_by_whoever_holds_them():
    mine = np.array([1.0, 2.0, 3.0])
    column = read_table({"x": mine}, ["x"])["x"]
    mine[:] = 0
    assert column.values.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        column.values[0] = 5


# --- honest CSV -------------------------------------------------------------------------------

SEMICOLONS = "Columns are separated by ';'."
READABLE = {
    "commas": ("a,b\n1.5,2\n3,4\n", [1.5, 3], ()),
    "semicolons": ("a;b\n1.5;2\n3;4\n", [1.5, 3], (SEMICOLONS,)),
    "tabs": ("a\tb\n1.5\t2\n3\t4\n", [1.5, 3], ("Columns are separated by tabs.",)),
    "bars": ("a|b\n1.5|2\n3|4\n", [1.5, 3], ("Columns are separated by '|'.",)),
    "byte-order mark": ("\ufeffa,b\n1.5,2\n3,4\n", [1.5, 3], ()),
    "windows line ends": ("a,b\r\n1.5,2\r\n3,4\r\n", [1.5, 3], ()),
    "old mac line ends": ("a,b\r1.5,2\r3,4\r", [1.5, 3], ()),
    "no last line end": ("a,b\n1.5,2\n3,4", [1.5, 3], ()),
    "blank lines": ("\n\na,b\n\n1.5,2\n\n3,4\n\n", [1.5, 3], ()),
    "quoted numbers": ('"a","b"\n"1.5","2"\n"3","4"\n', [1.5, 3], ()),
    "separator in a cell": ('a,b,c\n1.5,2,"x,y;z"\n3,4,"""q"""\n', [1.5, 3], ()),
    "line end in a cell": ('a,b,c\n1.5,2,"x\ny"\n3,4,"\n\n"\n', [1.5, 3], ()),
    "line end in a header": ('"c\n;d",a,b\n0,1.5,2\n0,3,4\n', [1.5, 3], ()),
    "quotes inside a cell": ('a,b,c\n1.5,2,5" pipe\n3,4,6"\n', [1.5, 3], ()),
    "trailing empty headers": ("a,b,,\n1.5,2,,\n3,4,,\n", [1.5, 3], ()),
    "blank before header": (
        "a, b\n1.5, 2\n3, 4\n",
        [1.5, 3],
        ("The header ' b' was read as 'b'.",),
    ),
    "other separators in headers": ("a;b;c,d,e\n1.5;2;0\n3;4;0\n", [1.5, 3], (SEMICOLONS,)),
    "decimal comma": (
        "a;b\n1,5;2\n3;4\n",
        [1.5, 3],
        (SEMICOLONS, "Numbers have a decimal comma: 'a'."),
    ),
    "decimal comma and exponent": (
        "a;b\n+1,5E0;NA\n 3 ;-,5\n",
        [1.5, 3],
        (SEMICOLONS, "Numbers have a decimal comma: 'a', 'b'."),
    ),
    "decimal comma of thousandths": (
        "a;b\n1,500;2,25\n3;4\n",
        [1.5, 3],
        (SEMICOLONS, "Numbers have a decimal comma: 'a', 'b'."),
    ),
    "decimal comma elsewhere": ("a;b;c\n1.5;2;0,5\n3;4;0,5\n", [1.5, 3], (SEMICOLONS,)),
    "a comma in every row": (
        "a;b, in kg\n1;2,5\n3;4,5\n",
        [1, 3],
        (SEMICOLONS, "Numbers have a decimal comma: 'b, in kg'."),
    ),
}


@pytest.mark.parametrize("case", READABLE)
def test_csv_is_read_and_what_was_detected_is_said(tmp_path, case):
    content, values, notes = READABLE[case]
    path = tmp_path / "data.csv"
    path.write_bytes(content.encode())
    table = read_table(path, ["a", "b, in kg" if "b, in kg" in content else "b"])
    assert table["a"].values.tolist() == values
    assert table.source.notes == notes


REFUSED = {
    # what a user may have done -> the file, what the message must say
    "empty file": ("", ["the file is empty"]),
    "nothing but line ends": ("\n\n\n", ["the file is empty"]),
    "header only": ("a,b\n", ["a header but no row"]),
    "header only, no line end": ("a,b", ["a header but no row"]),
    "a field too few": ("a,b\n1,2\n3\n", ["data row 2 has 1 field where the header has 2: '3'"]),
    "a field too many": ("a,b\n1,2\n3,4,5\n", ["data row 2 has 3 fields", "2: '3,4,5'", "quotes"]),
    "ragged after a quoted line end": ('a,b\n"1\n",2\n\n3\n', ["data row 2 has 1 field"]),
    "row names of R": ("a,b\nr1,1,2\nr2,3,4\n", ["data row 1 has 3 fields", "row names"]),
    "separator at the end": ("a,b\n1,2,\n", ["data row 1 has 3 fields", "end of a row"]),
    "duplicate headers": ("a,b,a,c,c\n1,2,3,4,5\n", ["more than one column called 'a', 'c'"]),
    "duplicate headers not wanted": ("a,b,c,c\n1,2,3,4\n", ["more than one column called 'c'"]),
    "one absent": ("a,c\n1,2\n", ["no column 'b'.", "'a', 'c'", "--latent b"]),
    "all absent": (
        "A,bb\n1,2\n",
        ["no columns 'a', 'b'.", "For 'a': did you mean 'A'?", "For 'b': did you mean 'bb'?"],
    ),
    "no header": ("1,2\n3,4\n", ["no columns 'a', 'b'. There is '1', '2'."]),
    "blanks between columns": ("a b\n1 2\n", ["the header is one field, 'a b'", "comma"]),
    "a word among numbers": (
        "a,b\n1,2\n2,3\nten,4\n",
        ["column 'a', data row 3: 'ten' is not a number", "--categorical 'a'"],
    ),
    "a dot for missing": ("a,b\n.,2\n2,3\n1,4\n", ["column 'a', data row 1: '.' is not a number"]),
    "thousands": ('a,b\n"1,234.5",2\n7,3\n', ["column 'a', data row 1: '1,234.5'", "thousands"]),
    "thousands with points": ("a;b\n1.234,5;2\n7,3;3\n", ["data row 1: '1.234,5'", "thousands"]),
    "thousands with blanks": ("a,b\n7,1\n1 234,2\n", ["data row 2: '1 234'", "thousands"]),
    "thousands throughout": ('a,b\n"1,234",2\n"5,678",3\n', ["data row 1: '1,234'", "thousands"]),
    "decimal comma between commas": ('a,b\n"1,5",2\n"2,5",3\n', ["data row 1: '1,5'"]),
    "percent": ("a,b\n5%,2\n6%,3\n", ["data row 1: '5%'"]),
    "currency": ("a,b\n$5,2\n$6,3\n", ["data row 1: '$5'"]),
    "quotes after a blank": ('a,b\n1, "2"\n1, "3"\n', ["column 'b', data row 1: '\"2\"'"]),
    "comma and point in one column": ("a;b\n1.5;2\n1,5;3\n", ["column 'a', data row 2: '1,5'"]),
    "comma and point in two columns": (
        "a;b\n1,5;2\n2,5;3.5\n",
        ["column 'b', data row 2: '3.5' has a point", "column 'a' has decimal commas"],
    ),
    "comma or thousands": ("a;b\n1,500;2\n12,250;3\n", ["data row 1: '1,500' may have a decimal"]),
    "infinity": ("a,b\n1,2\n-inf,3\n", ["column 'a', data row 2: -inf is not a finite number"]),
    "too large": ("a,b\n1,2\n1e999,3\n", ["column 'a', data row 2: +inf", "too large"]),
    "too large to square": ("a,b\n1,2\n1e200,3\n", ["column 'a', data row 2: 1e+200", "square"]),
    "nothing but missing": ("a,b\n,1\nNA,2\n", ["column 'a' is missing in every row"]),
    "nothing but blanks": ("a,b\n ,1\n NA,2\n", ["column 'a' is missing in every row"]),
    "dates": ("a,b\n2020-01-01,1\n2020-01-02,2\n", ["column 'a' holds dates or times"]),
    "times": ("a,b\n10:30,1\n10:45,2\n", ["column 'a' holds dates or times"]),
    "a column of names": (
        "a,b\n" + "".join(f"n{i},1\n" for i in range(30)),
        ["column 'a' has 30 different labels in 30 rows, all of them different"],
    ),
    "too many levels": (
        "a,b\n" + "".join(f"n{i},1\n" for i in range(1_001)) * 2,
        ["column 'a' has 1,001 different labels in 2,002 rows, too many"],
    ),
    "a quote left open": ('a,b\n1,2\n3,"4\n5,6\n', ["line 3", "quote", "not closed"]),
    "a quote left open, no line end": ('a,b\n1,2\n3,"4\n5,6', ["line 3", "not closed"]),
    "a quote that swallows rows": ('a,b\n"x,1\ny,2\n"z,3\nw,4\n', ["line 2", "not closed"]),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), ["UTF-16"]),
    "UTF-16 without its mark": ("a,b\n1,2\n".encode("utf-16-le"), ["byte 2 is NUL"]),
    "Latin-1": ("a,b\n1,2\ncafé,3\n".encode("latin-1"), ["byte 12 (line 3) is not UTF-8 (0xe9)"]),
    "Latin-1 far below": (
        b"a,b\n" + b"1,2\n" * 600_000 + b"\xe9,3\n",
        ["byte 2,400,005 (line 600,002) is not UTF-8 (0xe9)"],
    ),
    "Latin-1 below a character on the border of two blocks": (
        b"a,b\n" + b"1,2\n" * 262_142 + b"xyz" + "é".encode() + b"\n\xe9,3\n",
        ["byte 1,048,579 (line 262,145) is not UTF-8 (0xe9)"],
    ),
    "a character cut off": (b"a,b\n1,2\n\xc3", ["byte 9 (line 3) is not UTF-8"]),
    "binary": (b"a,b\n1,\x002\n", ["byte 7 is NUL", "binary"]),
    "an Excel workbook": (b"PK\x03\x04....", ["Excel workbook"]),
    "gzip": (b"\x1f\x8b\x08....", ["gzip"]),
    "half a Parquet file": (b"PAR1 and nothing more", ["Parquet", "damaged"]),
    "half an Arrow file": (b"ARROW1 and nothing more", ["Arrow", "damaged"]),
    "an endless cell": ("a,b\n" + "1" * 3_000_000 + ",2\n", ["line 2", "131,072 characters"]),
    "a header of too many columns": (
        "a,b," + "x," * 600_000 + "z\n1,2," + "3," * 600_000 + "4\n",
        ["the header cannot be read", "longer than a million characters"],
    ),
    "an endless header": ("a" * 3_000_000 + ",b\n1,2\n", ["header"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_files_are_refused_with_place_and_reason(tmp_path, case):
    content, said = REFUSED[case]
    with pytest.raises(DataError) as caught:
        of_bytes(tmp_path, content)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'data.csv'}: ")
    assert [part for part in said if part not in message] == []
    assert len(message) < 900, "one clear message, not a dump"


def test_a_word_among_numbers_is_accepted_once_it_is_called_a_label(tmp_path):
    table = of_bytes(tmp_path, "a,b\n1,2\n2,3\nten,4\n", categorical=["a"])
    assert table["a"].levels == ("1", "2", "ten")


def test_a_blank_line_in_a_file_of_one_column_is_a_missing_value(tmp_path):
    assert facts(of_bytes(tmp_path, "a\n1\n\n2\n", "a")["a"]) == ("binary", [1, None, 2], (), 1)


def test_rows_far_apart_still_make_one_column(tmp_path):
    content = "a,b\n" + "1,x\n" * 400_000 + "2.5,y\n"
    table = of_bytes(tmp_path, content)
    assert table.rows == 400_001
    assert table["a"].kind == "binary"
    assert table["b"].levels == ("x", "y")
    assert table["b"].values[-1] == 1


# --- paths ------------------------------------------------------------------------------------


def test_a_path_that_is_no_file_is_refused(tmp_path):
    (tmp_path / "fork.csv").write_text("a,b\n1,2\n")
    (tmp_path / "empty").mkdir()
    cases = {
        str(tmp_path / "empty"): "holds no .parquet and no .csv file",
        str(tmp_path / "frok.csv"): "no such file. Did you mean 'fork.csv'?",
        str(tmp_path / "fork.csv" / "x"): "cannot be read",
        "/dev/null": "device",
        "a\0b": "cannot be read",
        "": "no such file",
    }
    for path, said in cases.items():
        with pytest.raises(DataError) as caught:
            read_table(path, ["a"])
        assert said in str(caught.value)
        assert "\0" not in str(caught.value)


def test_a_pipe_is_read_like_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a,b\n1,2\n3,4\n",))
    writer.start()
    table = read_table(pipe, ["b", "a"])
    writer.join()
    assert list(table.columns) == ["b", "a"]
    assert table["b"].values.tolist() == [2, 4]


# --- objects that are no tables ---------------------------------------------------------------

NO_COLUMN = {
    "text": ("abc", "not a sequence"),
    "one number": (3, "not a sequence"),
    "a set": ({1, 2}, "not a sequence"),
    "two dimensions": (np.zeros((2, 2)), "2 dimensions"),
    "complex numbers": ([1j, 2], "'complex'"),
    "objects": ([object(), 1], "'object'"),
    "bytes": ([b"a", b"b"], "'binary'"),
    "lists": ([[1], [2]], "'list"),
    "dates": ([DAY, DAY], "dates or times"),
    "dates of numpy": (np.array([1, 2], "datetime64[s]"), "dates or times"),
    "durations": (pd.Series([pd.Timedelta(1), pd.Timedelta(2)]), "dates or times"),
    "nothing but None": ([None, None], "missing in every row"),
    "nothing but NaN": ([NAN, NAN], "missing in every row"),
    "no rows": ([], "no row"),
    "infinity": ([1, float("inf")], "data row 2: +inf"),
    "a word among numbers": ([1, 2.5, "x"], "data row 3: 'x' is not a number"),
    "another length": ([1, 2, 3], "has 2 values and column 'x' has 3"),
}


@pytest.mark.parametrize("case", NO_COLUMN)
def test_an_array_that_is_no_column_is_refused(case):
    values, said = NO_COLUMN[case]
    other = {"y": [1, 2]} if "length" in case else {}
    with pytest.raises(DataError) as caught:
        read_table({**other, "x": values}, [*other, "x"])
    assert said in str(caught.value)
    assert str(caught.value).startswith("dict: ")


@pytest.mark.parametrize(
    "values", [(2, 1), range(2, 0, -1), iter([2**70, 1]), [2**70, 1], [True, 0.5]]
)
def test_anything_that_holds_numbers_in_order_is_a_column(values):
    column = read_table({"x": values}, ["x"])["x"]
    assert column.kind == "binary"
    assert column.values[0] > column.values[1]


@pytest.mark.parametrize("source", [None, 42, b"a,b", np.zeros((2, 2)), pl.LazyFrame(), [{"a": 1}]])
def test_an_object_that_is_no_table_is_refused(source):
    with pytest.raises(DataError, match=r"is no table. Give a path, a pandas or polars DataFrame"):
        read_table(source, ["a"])


def test_duplicate_columns_of_a_frame_are_refused():
    two = [np.array([1]), np.array([2])]
    for source in (pd.DataFrame([[1, 2]], columns=["a", "a"]), pa.table(two, names=["a", "a"])):
        with pytest.raises(DataError, match="more than one column called 'a'"):
            read_table(source, ["a"])


def test_a_request_for_a_category_that_is_not_read_is_no_silent_typing_error():
    with pytest.raises(DataError, match=r"category of 'gruop'.*Did you mean 'group'"):
        read_table({"group": [1, 2]}, ["group"], categorical=["gruop"])


# --- hostile names ----------------------------------------------------------------------------

HOSTILE = [
    'say "hi"',
    "two\nlines",
    "</script><script>alert(1)</script>",
    "a:b",
    "a,b;c|d\te",
    "x" * 10_000,
    "\x1b[31mred",
    "ﬁ",
    "fi",
    "é",
    "e\u0301",
    "'; drop table t; --",
    "__class__",
    "1",
    " ",
    "a.b",
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_hostile_names_are_only_names(tmp_path, delimiter):
    path = tmp_path / "data.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(HOSTILE)
        writer.writerow(range(len(HOSTILE)))
    table = read_table(path, HOSTILE)
    assert {name: c.values.tolist() for name, c in table.columns.items()} == {
        name: [i] for i, name in enumerate(HOSTILE)
    }
    pq.write_table(pa.table({name: [i] for i, name in enumerate(HOSTILE)}), path)
    assert read_table(path, HOSTILE)["a.b"].values.tolist() == [HOSTILE.index("a.b")]


@pytest.mark.parametrize("name", HOSTILE)
def test_messages_about_hostile_names_are_one_short_printable_line(name):
    with pytest.raises(DataError) as caught:
        read_table({name: [float("inf")]}, [name])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
    with pytest.raises(DataError) as caught:
        read_table({"z": [1]}, [name])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(("asked", "there"), [("fi", "ﬁ"), ("ﬁ", "fi"), ("é", "e\u0301")])
def test_the_twin_of_a_name_is_suggested_but_never_taken(asked, there):
    with pytest.raises(DataError) as caught:
        read_table({there: [1, 2]}, [asked])
    assert f"Did you mean '{there}', which is encoded differently (U+" in str(caught.value)


# --- complete rows ----------------------------------------------------------------------------


def test_complete_rows_derive_kinds_and_levels_anew():
    table = read_table(
        {"y": [1, 2, None, 4], "x": [0, 0, 1, None], "g": ["u", "w", "v", "v"], "n": [1, 2, 3, 4]},
        ["y", "x", "g", "n"],
    )
    assert table.lacking(["y", "g", "x"]) == {"y": 1, "x": 1}
    part = table.complete(["y", "x", "g"])
    assert (part.rows, list(part.columns)) == (2, ["y", "x", "g"])
    assert facts(part["x"]) == ("continuous", [0, 0], (), 0)
    assert part["x"].constant
    assert facts(part["g"]) == ("category", [0, 1], ("u", "w"), 0)
    assert part["g"].first_text == (1, "u")
    assert facts(part["y"]) == ("binary", [1, 2], (), 0)
    assert part.lacking(["y", "x", "g"]) == {}
    assert table.rows == 4
    assert table["g"].levels == ("u", "v", "w"), "the table itself stays as it was"


def test_no_complete_row_is_refused_with_the_columns_that_lack_it():
    table = read_table({"y": [1, None], "x": [None, 2], "z": [1, 2]}, ["y", "x", "z"])
    with pytest.raises(DataError, match=r"none of the 2 rows.*Missing: 'y' in 1, 'x' in 1"):
        table.complete(["y", "x", "z"])


def test_a_column_that_was_not_read_is_named():
    table = read_table({"weight": [1, 2]}, ["weight"])
    for ask in (lambda: table["wieght"], lambda: table.complete(["wieght"])):
        with pytest.raises(DataError, match=r"no column 'wieght' was read. Did you mean 'weight'"):
            ask()


# --- round trips ------------------------------------------------------------------------------

# Larger numbers are refused: their squares leave what a computer can hold.
LARGEST = 1e100
numbers = st.one_of(
    st.none(), st.floats(-LARGEST, LARGEST), st.integers(-int(LARGEST), int(LARGEST))
)


@settings(max_examples=150, deadline=None)
@given(
    columns=st.integers(1, 30).flatmap(
        lambda n: st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=2, max_size=3)
    ),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
)
def test_numbers_survive_every_separator_and_the_decimal_comma_to_the_last_bit(
    tmp_path_factory, columns, delimiter, comma
):
    # One surely fractional number a column, so that none is empty and no comma is ambiguous.
    columns = [[0.5, *column] for column in columns]
    comma = comma and delimiter != ","
    names = [f"x{i}" for i in range(len(columns))]
    cells = [["" if v is None else repr(v) for v in column] for column in columns]
    if comma:
        cells = [[cell.replace(".", ",") for cell in column] for column in cells]
    path = tmp_path_factory.mktemp("round") / "data.csv"
    lines = [names, *zip(*cells, strict=True)]
    path.write_text("".join(delimiter.join(line) + "\n" for line in lines))
    table = read_table(path, names)
    for name, column in zip(names, columns, strict=True):
        expected = [NAN if value is None else float(value) for value in column]
        np.testing.assert_array_equal(table[name].values, expected)


letters = st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo"])
# What stands for "missing" is tested above, and has at most four letters.
labels = st.text(letters, min_size=5) | st.text(st.sampled_from("abcé,;|\t\"'\n"), min_size=2).map(
    lambda middle: f"x{middle}x"
)


@settings(max_examples=100, deadline=None)
@given(cells=st.lists(labels, min_size=1, max_size=15), delimiter=st.sampled_from([",", ";", "\t"]))
def test_labels_survive_a_csv_file(tmp_path_factory, cells, delimiter):
    path = tmp_path_factory.mktemp("round") / "data.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([["g", "x"], *([cell, 1] for cell in [*cells, "word"])])
    column = read_table(path, ["g"])["g"]
    assert column.levels == tuple(sorted({*cells, "word"}))
    assert [column.levels[int(v)] for v in column.values] == [*cells, "word"]


# --- cost and data ----------------------------------------------------------------------------


def ran(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)


def test_reading_a_csv_imports_neither_pandas_nor_the_kernels_of_arrow(tmp_path):
    as_csv(tmp_path)
    code = (
        "import sys; from causal.data.table import read_table;"
        f"read_table({str(tmp_path / 't.csv')!r}, ['n', 'f', 'b', 'g']);"
        "read_table({'x': [1, 2]}, ['x']);"
        "print([m for m in ('pandas', 'pyarrow.compute', 'pyarrow.parquet') if m in sys.modules])"
    )
    done = ran(code)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_importing_the_table_module_does_not_import_arrow():
    code = "import sys, causal.data.table; print('pyarrow' in sys.modules)"
    done = ran(code)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_shipped_nhefs_data_are_those_of_the_book():
    path = ROOT / "experiments" / "data" / "nhefs.csv"
    header = path.read_text().partition("\n")[0].split(",")
    table = read_table(path, header)
    assert (table.rows, table.lacking(header)) == (1_629, {"wt82_71": 63})
    used = table.complete(header)
    quit_, gain = used["qsmk"].values, used["wt82_71"].values
    assert used.rows == 1_566
    assert gain[quit_ == 1].mean() - gain[quit_ == 0].mean() == pytest.approx(2.5406, abs=1e-4)
    others = [used[name].values for name in header if name != "wt82_71"]
    design = np.column_stack([np.ones(used.rows), *others])
    assert np.linalg.lstsq(design, gain)[0][1] == pytest.approx(3.3488, abs=1e-4)

"""Tables that stay where they are: the same facts, sums and rows as in memory."""

from __future__ import annotations

import datetime
import decimal
import gc
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from causal.data import address, large, warehouse
from causal.data.large import Factor, FarColumn, LargeTable
from causal.data.source import without_password
from causal.data.table import CountedTable, Table, read_table
from causal.errors import DataError, MissingPart, TooManyRows

ibis = pytest.importorskip("ibis")
duckdb = pytest.importorskip("duckdb")

# Ibis asks DuckDB by names that DuckDB has since changed.
pytestmark = pytest.mark.filterwarnings("ignore:.*fetch_arrow:DeprecationWarning")

ROWS = 700
EVERY = ("x", "n", "b", "flag", "money", "g", "s")


def columns(seed: int = 0, rows: int = ROWS) -> dict[str, pa.Array]:
    random = np.random.default_rng(seed)
    x = random.normal(3.0, 2.0, rows)
    x[random.random(rows) < 0.05] = np.nan
    group = np.array(["b ", "a", "", "ä'\"; DROP TABLE t; --", "c"])[random.integers(0, 5, rows)]
    small = random.integers(0, 4, rows)
    return {
        "x": pa.array(x),
        "n": pa.array(random.integers(0, 50, rows), mask=random.random(rows) < 0.1),
        "b": pa.array(random.integers(0, 2, rows) * 3 + 1, pa.int8()),
        "flag": pa.array(random.random(rows) < 0.3),
        "money": pa.array([decimal.Decimal(int(v)) / 4 for v in random.integers(-9, 99, rows)]),
        "g": pa.array(group.tolist()),
        "s": pa.array([None if v == 3 else f"level {v}" for v in small.tolist()]),
    }


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table(columns()), path)
    return path


@pytest.fixture
def database(parquet: Path, tmp_path: Path) -> str:
    path = tmp_path / "big.db"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE visits AS SELECT * FROM read_parquet(?)", [str(parquet)])
        con.execute("CREATE SCHEMA other")
        con.execute("CREATE TABLE other.visits AS SELECT * FROM visits LIMIT 5")
    return f"duckdb:///{path}?table=visits"


@pytest.fixture(autouse=True)
def nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "IN_MEMORY", 0)


def pushing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB as an engine that answers by sums alone."""
    made = warehouse.Warehouse

    def pushed(*given: object, **named: object) -> warehouse.Warehouse:
        return made(*given, **{**named, "pushes": True})

    monkeypatch.setattr(address, "Warehouse", pushed)


@pytest.fixture(params=["files", "database", "sums where they lie"])
def far(request, parquet: Path, database: str, monkeypatch: pytest.MonkeyPatch):
    """A function that opens the table in one of the ways there are."""
    if request.param == "sums where they lie":
        pushing(monkeypatch)
    source = [parquet] if request.param == "files" else database

    def opened(names=EVERY, **more) -> LargeTable:
        table = read_table(source, list(names), **more)
        assert isinstance(table, LargeTable)
        return table

    return opened


def facts(table: Table, name: str) -> tuple:
    column = table[name]
    ends = (column.low, column.high)
    many = min(column.distinct, large.MOST_DISTINCT + 1)
    return (column.kind, column.levels, column.missing, ends, many, column.level_rows.tolist())


def assert_same_facts(one: Table, other: Table, names=EVERY) -> None:
    assert one.rows == other.rows
    for name in names:
        mine, theirs = facts(one, name), facts(other, name)
        if theirs[0] not in ("category", "binary"):  # an engine need not count more than two
            mine, theirs = mine[:4], theirs[:4]
        if theirs[0] == "category":  # codes have other ends than the levels that are left
            mine, theirs = (*mine[:3], *mine[4:]), (*theirs[:3], *theirs[4:])
        assert mine == theirs, name


def test_a_column_knows_of_the_far_rows_what_it_would_know_of_rows_in_memory(far, parquet):
    near = read_table(parquet, EVERY)
    assert type(near) is Table
    table = far()
    assert_same_facts(table, near)
    assert table.lacking(EVERY) == near.lacking(EVERY)
    for names in (["b", "flag"], ["x", "b"], ["n", "g"], list(EVERY)):
        assert_same_facts(table.complete(names), near.complete(names), names)


def test_numbers_can_be_groups(far, parquet):
    near = read_table(parquet, ["n", "b", "x"], categorical=["n", "b"])
    table = far(["n", "b", "x"], categorical=["n", "b"])
    assert_same_facts(table, near, ["n", "b", "x"])
    assert_same_facts(table.complete(["n", "x"]), near.complete(["n", "x"]), ["n", "x"])


def rows_of(table: Table) -> list[tuple[float, ...]]:
    values = np.stack([table[name].values for name in table.columns])
    return sorted(map(tuple, values.T.tolist()))


@pytest.mark.parametrize("block", [1, 64, 1_000])
def test_blocks_are_the_rows(far, parquet, block, monkeypatch):
    monkeypatch.setattr(warehouse, "BLOCK", block)
    names = ["x", "g", "s", "flag"]
    near, table = read_table(parquet, names).complete(names), far(names).complete(names)
    found = []
    for part in table.mapped(lambda block: block):
        assert part["x"].kind == "continuous"
        assert (part["x"].low, part["x"].high) == (near["x"].low, near["x"].high)
        found += rows_of(part)
    assert sorted(found) == rows_of(near)


def products() -> list[tuple[Factor, ...]]:
    x, n = Factor("x", centre=2.0), Factor("n")
    level = Factor("s", "level", label="level 1")
    power = Factor("x", "power", 3, 1.5)
    return [(x,), (n,), (level,), (x, level), (power,), (Factor("b", "log"), n), (n, x)]


def by_hand(factors: tuple[Factor, ...], table: Table) -> np.ndarray:
    made = np.ones(table.rows)
    for factor in factors:
        column = table[factor.variable]
        values = column.values
        match factor.shape:
            case "log":
                values = np.log(values)
            case "power":
                values = (values - factor.base) ** factor.exponent
            case "level":
                values = (values == column.levels.index(factor.label)).astype(float)
        made = made * (values - factor.centre)
    return made


def test_sums_formed_where_the_rows_lie_are_the_sums(database, parquet, monkeypatch):
    pushing(monkeypatch)
    names = ["x", "n", "s", "b"]
    near = read_table(parquet, names).complete(names)
    table = read_table(database, names).complete(names)
    matrix = np.stack([by_hand(one, near) for one in products()], axis=1)
    moments = table.products(range(len(products())), products())
    assert moments is not None
    assert moments.rows == near.rows
    np.testing.assert_allclose(moments.means, matrix.mean(axis=0), rtol=1e-12)
    centred = matrix - matrix.mean(axis=0)
    np.testing.assert_allclose(
        moments.triangle[1:, 1:].T @ moments.triangle[1:, 1:], centred.T @ centred, rtol=1e-10
    )

    k = np.column_stack([np.ones(near.rows), matrix])
    forms = [np.random.default_rng(i).normal(size=(8, 8)) for i in range(3)]
    found = table.far.squares(products(), forms, table.needed)
    expected = [np.sum(np.einsum("ni,ij,nj->n", k, form, k) ** 2) for form in forms]
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_sums_that_would_lose_digits_are_not_taken(tmp_path, monkeypatch):
    pushing(monkeypatch)
    random = np.random.default_rng(2)
    x = random.normal(size=ROWS)
    path = tmp_path / "near.parquet"
    twin = x + 1e-7 * random.normal(size=ROWS)
    pq.write_table(pa.table({"x": x, "twin": twin, "far": x + 1e9}), path)
    table = read_table([path], ["x", "twin", "far"])
    assert table.products(("x",), [(Factor("x"),)]) is not None
    assert table.products(("far",), [(Factor("far"),)]) is not None  # centred first
    assert table.products(("x", "twin"), [(Factor("x"),), (Factor("twin"),)]) is None
    assert table.plain is None


def test_few_combinations_are_counted(far, parquet):
    names = ["b", "flag", "s"]
    near, table = read_table(parquet, names).complete(names), far(names).complete(names)
    cells = table.gathered(names)
    assert isinstance(cells, CountedTable)
    assert cells.total == near.rows
    assert cells.rows == len({*rows_of(near)})
    counted = {}
    for row in rows_of(near):
        counted[row] = counted.get(row, 0) + 1
    own = zip(*(cells[name].values.tolist() for name in names), strict=True)
    assert dict(zip(own, cells.counts.tolist(), strict=True)) == counted
    assert cells["s"].level_rows.tolist() == near["s"].level_rows.tolist()


def test_many_combinations_are_held_or_refused(far, parquet, monkeypatch):
    names = ["x", "b"]
    near, table = read_table(parquet, names).complete(names), far(names).complete(names)
    monkeypatch.setattr(large, "MOST_CELLS", 10)
    held = table.gathered(names)
    assert type(held) is Table
    assert rows_of(held) == rows_of(near)
    monkeypatch.setattr(large, "HELD", 100)
    with pytest.raises(TooManyRows, match=r"rows of 2 columns into memory"):
        table.gathered(names)
    with pytest.raises(TooManyRows, match="the values of 'x'"):
        _ = table["x"].values


def test_a_category_without_blank_or_rare_text_is_read_as_in_memory(tmp_path):
    """Raw values that are one level (blanks about them in a text file) are one level here."""
    path = tmp_path / "text.csv"
    path.write_text("g,v\n" + "a,1\n a ,2\nb,NA\nNA,4\n" * 30)
    near, table = read_table(path, ["g", "v"]), read_table([path], ["g", "v"])
    assert_same_facts(table, near, ["g", "v"])
    both = ["g", "v"]
    assert rows_of(table.complete(both).gathered(both))
    assert sorted(
        row for part in table.complete(both).mapped(lambda block: block) for row in rows_of(part)
    ) == rows_of(near.complete(both))


@pytest.mark.parametrize("text", ["x;y\n1,5;2\n", "x\ty\n1.5\t2\n", "x|y\n1.5|2\n", "x,y\n1.5,2\n"])
def test_a_large_text_file_is_read_as_its_beginning_was(tmp_path, text):
    header, row = text.splitlines()
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n" + f"{row}\n" * 50 + row.replace("1", "7") + "\n")
    near, table = read_table(path, ["x", "y"]), read_table([path], ["x", "y"])
    assert isinstance(table, LargeTable)
    assert_same_facts(table, near, ["x", "y"])
    assert table.source.separator == near.source.separator
    assert table.source.decimal == near.source.decimal


def test_text_below_the_beginning_of_a_column_of_numbers_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "_HEAD", 100)
    path = tmp_path / "late.csv"
    path.write_text("x,y\n" + "1.5,2\n" * 500 + "oops,3\n" + "1.5,2\n" * 5)
    with pytest.raises(DataError, match="oops"):
        read_table([path], ["x", "y"])


def test_what_is_small_is_read_into_memory(parquet, database, monkeypatch):
    monkeypatch.setattr(address, "IN_MEMORY", ROWS * len(EVERY))
    for source in ([parquet], database, str(parquet.parent / "*.parquet"), parquet.parent):
        if source == parquet.parent:
            (parquet.parent / "big.db").unlink()
        table = read_table(source, list(EVERY))
        assert type(table) is Table
        assert_same_facts(table, read_table(parquet, EVERY))


def test_many_files_are_one_table(tmp_path):
    whole = pa.table(columns())
    for place in range(3):
        pq.write_table(whole.slice(place * 250, 250), tmp_path / f"part [{place}].parquet")
    near = read_table(whole, ["x", "g"])
    files = sorted(tmp_path.glob("*.parquet"))
    for source in (files, tmp_path, str(tmp_path / "part*.parquet")):
        table = read_table(source, ["x", "g"])
        assert isinstance(table, LargeTable)
        assert_same_facts(table, near, ["x", "g"])
        assert "3 files" in table.source.name


def test_a_large_file_alone_stays_where_it_is(parquet, tmp_path, monkeypatch):
    from causal.data import table as of_table

    monkeypatch.setattr(of_table, "_PERHAPS_LARGE", 100)
    monkeypatch.setattr(address, "BIG_TEXT", 1_000)
    path = tmp_path / "t.csv"
    path.write_text("x,b\n" + "1,2\n3,4\n" * 200)
    assert isinstance(read_table(path, ["x", "b"]), LargeTable)
    assert isinstance(read_table(parquet, ["x", "b"]), LargeTable)


NUMBERS = ("x", "n", "b", "money")


def test_no_engine_is_loaded_for_numbers_in_parquet_files(tmp_path):
    pq.write_table(pa.table({**columns(), "n": columns()["n"]}), tmp_path / "table.parquet")
    code = (
        "import sys; from causal.data import address; address.IN_MEMORY = 0; "
        "from causal.data.table import read_table; "
        "table = read_table([sys.argv[1]], sys.argv[2:]); "
        "list(table.complete(sys.argv[2:]).mapped(lambda block: block.rows)); "
        "print(type(table).__name__, {'ibis', 'duckdb', 'pandas'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "table.parquet")]
    done = subprocess.run([*command, *NUMBERS], capture_output=True, text=True, check=True)
    assert done.stdout == "LargeTable set()\n"
    done = subprocess.run([*command, "x", "g"], capture_output=True, text=True, check=True)
    assert "'ibis'" in done.stdout  # of groups the different values are asked for


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("names", [NUMBERS, ("n", "b")])
def test_numbers_in_parquet_files_are_what_they_are_by_an_engine(
    tmp_path, monkeypatch, names, parts
):
    whole = pa.table(columns())
    for part in range(parts):
        rows = whole.slice(part * ROWS // parts, (part + 1) * ROWS // parts - part * ROWS // parts)
        pq.write_table(rows.select(list(names)), tmp_path / f"{part}.parquet", row_group_size=100)
    directly = read_table(tmp_path, names)
    monkeypatch.setattr(address, "_numbers", lambda *given: None)
    asked = read_table(tmp_path, names)
    assert asdict(directly.source) == asdict(asked.source)
    for name in names:
        assert directly[name].facts == asked[name].facts
    both, other = (table.complete(names) for table in (directly, asked))
    assert rows_held(both) == rows_held(other)
    # Groups and cells need the engine, which is loaded when it is asked.
    cells = [table.gathered(["b", "n"]) for table in (both, other)]
    assert [rows_held(one) for one in cells] == [rows_held(cells[0])] * 2
    assert isinstance(cells[0], CountedTable)


def test_a_part_in_which_every_row_lacks_a_value_is_no_block(tmp_path):
    x = np.arange(30.0)
    x[10:20] = np.nan
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"x": x, "y": np.arange(30.0)}), path, row_group_size=10)
    table = read_table([path], ["x", "y"])
    assert rows_of_each(table) == [10, 10, 10]
    assert rows_of_each(table.complete(["x", "y"])) == [10, 10]


@pytest.mark.parametrize("kind", ["numbers", "groups too", "text"])
def test_a_file_that_changes_between_two_passes_is_refused(tmp_path, kind):
    path = tmp_path / ("table.csv" if kind == "text" else "table.parquet")
    names = ["n", "b", "s"] if kind == "groups too" else ["n", "b"]

    def write(rows: int) -> None:
        table = pa.table(columns(rows=rows)).select(names)
        csv.write_csv(table, path) if kind == "text" else pq.write_table(table, path)

    write(ROWS)
    table = read_table([path], names).complete(names)
    assert sum(rows_of_each(table)) == table.rows
    write(ROWS - 100)
    with pytest.raises(DataError, match="has changed, or gone, since it was first read"):
        rows_of_each(table)
    path.unlink()
    with pytest.raises(DataError, match="has changed, or gone, since it was first read"):
        rows_of_each(table)


def rows_of_each(table):
    return list(table.mapped(lambda block: block.rows))


def test_a_folder_called_after_a_column_has_its_values(tmp_path, monkeypatch):
    """Although the file has such a column too: as in memory."""
    (tmp_path / "n=7").mkdir()
    pq.write_table(pa.table(columns()).select(["x", "n"]), tmp_path / "n=7" / "table.parquet")
    large_ = read_table(tmp_path, ["x", "n"])
    monkeypatch.setattr(address, "IN_MEMORY", 10**9)
    held = read_table(tmp_path, ["x", "n"])
    assert (held["n"].values == 7.0).all()
    assert (large_["n"].low, large_["n"].high) == (7.0, 7.0)
    [*parts] = large_.mapped(lambda block: block["n"].values)
    assert (np.concatenate(parts) == 7.0).all()


def test_decimals_beyond_all_digits_are_refused(tmp_path):
    values = pa.array([decimal.Decimal("1.5"), decimal.Decimal("2.25")], pa.decimal256(50, 3))
    pq.write_table(pa.table({"x": values, "y": [1.0, 2.0]}), tmp_path / "table.parquet")
    with pytest.raises(DataError, match="'x' holds decimals of more than 38 digits"):
        read_table([tmp_path / "table.parquet"], ["x", "y"])


def rows_held(table):
    parts = list(table.mapped(lambda one: one)) if isinstance(table, LargeTable) else [table]
    return [row for part in parts for row in rows_of(part)]


def test_an_ibis_table_is_taken_as_it_is(parquet):
    table = ibis.duckdb.connect().read_parquet(parquet)
    assert_same_facts(read_table(table, list(EVERY)), read_table(parquet, EVERY))
    chosen = table.filter(table.b == 1)
    assert read_table(chosen, ["x"]).rows == chosen.count().to_pyarrow().as_py()


HOSTILE = ('a"b', "a'b", "c0", "x; DROP TABLE visits", "line\nbreak", "${x}", "<script>", "ﬁ", "fi")


def test_names_are_data_and_never_part_of_a_query(tmp_path, monkeypatch):
    random = np.random.default_rng(4)
    data = {name: random.normal(size=60) for name in HOSTILE}
    path = tmp_path / "it's; --[x].parquet"
    pq.write_table(pa.table(data), path)
    near = read_table(data, HOSTILE)
    for push in (False, True):
        if push:
            pushing(monkeypatch)
        table = read_table([path], HOSTILE)
        assert_same_facts(table, near, HOSTILE)
        expected = [data[name].mean() for name in HOSTILE]
        keys = [(Factor(name),) for name in HOSTILE]
        np.testing.assert_allclose(table.products(HOSTILE, keys).means, expected, rtol=1e-12)


def test_the_columns_of_many_files_are_found_by_name_and_keep_their_digits(tmp_path, monkeypatch):
    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    pq.write_table(pa.table({"x": [1, 2, 3], "y": [1.0, 2.0, 3.5]}), first)
    pq.write_table(pa.table({"y": [7.0, 8.0], "x": [0.25, 0.5]}), second)
    table = read_table([first, second], ["x", "y"])
    assert isinstance(table, LargeTable)
    np.testing.assert_allclose(table.plain.means, [6.75 / 5, 21.5 / 5], rtol=1e-15)
    assert (table["x"].low, table["x"].high) == (0.25, 3.0)
    monkeypatch.setattr(address, "IN_MEMORY", 100)
    assert read_table([first, second], ["x"])["x"].values.tolist() == [1.0, 2.0, 3.0, 0.25, 0.5]


def test_a_column_of_numbers_in_one_file_and_text_in_another_is_refused(tmp_path):
    for place, values in enumerate(([1.5, 2.5], ["1.5", "2.5"])):
        pq.write_table(pa.table({"x": values}), tmp_path / f"{place}.parquet")
    with pytest.raises(DataError, match=r"holds numbers in .*0.parquet' and text in .*1.parquet'"):
        read_table(tmp_path, ["x"])


def test_names_that_differ_in_capitals_only(tmp_path):
    pq.write_table(pa.table({"x": [1.0, 2.0], "X": [3.0, 4.0]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="but for capital letters"):
        read_table([tmp_path / "t.parquet"], ["X"])
    text = tmp_path / "t.csv"
    text.write_text("x,X,,\n1.5,3,,\n2,4,,\n")
    table = read_table([text], ["X", "x"])
    assert (table["X"].low, table["X"].high, table["x"].low) == (3.0, 4.0, 1.5)


OTHER = ("y,x\n1,2\n", "a,b\n1,2\n", "3,4\n5,6\n", "x;y\n1;2\n", "x,y,z\n1,2,3\n", "x\n1\n", "")


@pytest.mark.parametrize("other", OTHER)
def test_a_text_file_with_another_header_is_refused(tmp_path, other):
    """DuckDB reads it by position, and skips its first row."""
    (tmp_path / "1.csv").write_text("x,y\n1,2\n3,5\n")
    (tmp_path / "2.csv").write_text(other)
    with pytest.raises(DataError, match=r"2.csv' (is empty|has another header)"):
        read_table(tmp_path, ["x", "y"])


CELLS = {
    "true and false": ("true\nfalse\n", ()),
    "numbers that are groups": ("007\n7\n1.50\n", ("a",)),
    "groups that look like numbers at first": ("1\n2\n" * 100 + "X9\n", ("a",)),
    "missing at first": ("\n" * 40 + "4\n7\n", ()),
    "a cell of several lines": ('"two\nlines"\nz\n', ()),
}


@pytest.mark.parametrize("name", CELLS)
def test_text_means_what_it_means_in_memory(tmp_path, monkeypatch, name):
    monkeypatch.setattr(address, "_HEAD", 101)
    cells, categorical = CELLS[name]
    path = tmp_path / "t.csv"
    path.write_text("a\n" + cells * 30)
    near = read_table(path, ["a"], categorical=categorical)
    assert_same_facts(read_table([path], ["a"], categorical=categorical), near, ["a"])
    monkeypatch.setattr(address, "IN_MEMORY", 10_000)
    assert_same_facts(read_table([path], ["a"], categorical=categorical), near, ["a"])


def test_dates_in_text_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n2026-01-02\n2026-01-03\n")
    with pytest.raises(DataError, match="dates or times"):
        read_table([path], ["a"])


def test_a_header_that_does_not_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "_HEAD", 100)
    path = tmp_path / "t.csv"
    path.write_text(
        "x," + ",".join(f"column {i}" for i in range(50)) + "\n" + "1" + "," * 50 + "\n"
    )
    with pytest.raises(DataError, match="header or the first row is longer"):
        read_table([path], ["x"])


def test_what_is_missing_is_no_label(tmp_path, monkeypatch):
    monkeypatch.setattr(warehouse, "MOST_LEVELS", 20)
    path = tmp_path / "g.parquet"
    pq.write_table(pa.table({"g": [*(f"g{i}" for i in range(20)), None, " ", ""] * 2}), path)
    assert len(read_table([path], ["g"])["g"].levels) == 20


def test_the_rows_of_words_among_numbers_are_not_made_up(tmp_path):
    """It is judged by the shares of the rows, as in memory, and no row is named."""
    path = tmp_path / "t.parquet"
    rare = pa.table({"a": ["1,000", "2,000", "3,000", *["x"] * 900]})
    pq.write_table(rare, path)
    assert read_table([path], ["a"])["a"].levels == read_table(path, ["a"])["a"].levels
    pq.write_table(pa.table({"a": [*["1,000", "2,000"] * 200, "x"]}), path)
    with pytest.raises(DataError, match="is not a") as refused:
        read_table([path], ["a"])
    assert "data row" not in str(refused.value)


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # Ibis by way of pandas
def test_sqlite_sums_up_where_its_rows_lie(tmp_path, parquet):
    """An engine without NaN, and another way of writing SQL."""
    import sqlite3

    names = ["x", "n", "b", "flag", "s"]
    near = read_table(parquet, names)
    rows = zip(*(pq.read_table(parquet)[name].to_pylist() for name in names), strict=True)
    with sqlite3.connect(tmp_path / "t.db") as con:
        con.execute("CREATE TABLE t (x REAL, n INTEGER, b INTEGER, flag BOOLEAN, s TEXT)")
        con.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
    table = read_table(f"sqlite:///{tmp_path}/t.db?table=t", names)
    assert isinstance(table, LargeTable)
    assert table.far.pushes
    assert_same_facts(table, near, names)
    used = near.complete(names)
    matrix = np.stack([by_hand(one, used) for one in products()], axis=1)
    moments = table.complete(names).products(range(len(products())), products())
    np.testing.assert_allclose(moments.means, matrix.mean(axis=0), rtol=1e-12)


def test_numbers_beyond_whole_ones_are_summed_up(tmp_path, monkeypatch):
    pushing(monkeypatch)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"big": [1e30, 2e30, 3e30], "half": [1e30, 0.5, 2.0]}), path)
    table = read_table([path], ["big", "half"])
    assert table["big"].kind == "count"
    assert table["half"].kind == "continuous"


def test_rows_in_memory_know_more_than_the_facts(tmp_path, monkeypatch):
    """Where sums are asked for, nobody counted beyond two different values."""
    pushing(monkeypatch)
    monkeypatch.setattr(large, "MOST_CELLS", 0)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"k": [1, 2, 3, 4] * 20}), path)
    table = read_table([path], ["k"])
    assert table["k"].distinct == large.MOST_DISTINCT + 1
    assert table.gathered(["k"], counted=False)["k"].distinct == 4


# ------------------------------------------------------------------------------------------------
# What cannot be
# ------------------------------------------------------------------------------------------------


def test_a_folder_within_that_is_called_like_a_file(tmp_path, parquet):
    folder = tmp_path / "all" / "part.parquet"
    folder.mkdir(parents=True)
    shutil.copy(parquet, folder / "0.parquet")
    (tmp_path / "all" / "gone.csv").symlink_to("nowhere")
    for source in (tmp_path / "all", str(tmp_path / "al*")):
        assert read_table(source, ["x"]).rows == ROWS


def test_files_here_and_elsewhere(tmp_path, parquet, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(parquet, "here.parquet")
    assert read_table(["here.parquet", parquet], ["x"]).rows == 2 * ROWS


def test_ctrl_c_within_an_engine_is_ctrl_c():
    with pytest.raises(KeyboardInterrupt), warehouse.engine("the rows cannot be read"):
        raise RuntimeError("Query interrupted")


def test_an_engine_speaks_without_its_settings(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "_HEAD", 100)
    path = tmp_path / "late.csv"
    path.write_text("x,y\n" + "1.5,2\n" * 500 + "oops,3\n")
    with pytest.raises(DataError, match=r"Line: 502.*late\.csv\)$") as refused:
        read_table([path], ["x", "y"])
    for noise in ("Possible", "sample_size", "auto-detected"):
        assert noise not in str(refused.value)


def test_an_address_that_leads_nowhere_is_one_message(database, tmp_path):
    path = database.partition("?")[0]
    cases = {
        path: "needs the name of one table: duckdb:///big.db?table=visits",
        f"{path}?table=": "needs the name of one table",
        f"{path}?table=visit": "no table 'visit'. Did you mean 'visits'?",
        f"{path}?table=nowhere.visits": "cannot be reached",
        f"duckdb:///{tmp_path}/no.db?table=t": "there is no such database file",
        f"duckdb:///{__file__}?table=t": "cannot be reached",
        "nonsense://host/db?table=t": "cannot be reached",
        "postgres://127.0.0.1:1/db?table=t": "(cannot be reached|needs a library)",
        "postgres://[bad?table=t": "cannot be reached",
        f"{path}?table=.visits": "needs the name of one table",
        f"sqlite:///{tmp_path}/no.db?table=t": "there is no such database file",
    }
    for source, said in cases.items():
        with pytest.raises((DataError, MissingPart), match=said.replace("?", r"\?")):
            read_table(source, ["x"])
    assert not (tmp_path / "no.db").exists()


def test_a_table_of_another_schema_is_found(database):
    table = read_table(database.replace("=visits", "=other.visits"), ["b"])
    assert table.rows == 5


def test_a_password_is_not_shown():
    secret = "postgres://me:secret@127.0.0.1:1/db?table=t"
    assert without_password(secret) == "postgres://me:***@127.0.0.1:1/db?table=t"
    assert without_password("a plain@file.csv") == "a plain@file.csv"
    asked = "postgres://host/db?password=secret&table=t&sslmode=on&access_token=secret"
    assert without_password(asked) == (
        "postgres://host/db?password=***&table=t&sslmode=on&access_token=***"
    )
    with pytest.raises((DataError, MissingPart)) as refused:
        read_table(secret, ["x"])
    assert "secret" not in str(refused.value)


def test_columns_that_cannot_be_used_are_named(tmp_path, database):
    day = datetime.date(2026, 1, 2)
    path = tmp_path / "odd.parquet"
    pq.write_table(
        pa.table(
            {
                "day": [day] * 30,
                "list": [[1]] * 30,
                "void": pa.array([None] * 30, pa.float64()),
                "huge": [1e200] * 30,
                "inf": [float("inf")] + [1.0] * 29,
                "id": [f"row {i}" for i in range(30)],
                "wait": [datetime.timedelta(1)] * 30,
            }
        ),
        path,
    )
    cases = {
        "day": "dates or times",
        "list": "cannot be summed up",
        "wait": "holds lengths of time",
        "void": "missing in every row",
        "huge": "1e.200, which is no number to compute with",
        "inf": "inf, which is no number to compute with",
    }
    for name, said in cases.items():
        with pytest.raises(DataError, match=said):
            read_table([path], [name])
    with pytest.raises(DataError, match=r"no column 'y'.*--latent y"):
        read_table(database, ["x", "y"])
    assert isinstance(read_table([path], ["day"], categorical=["day"])["day"], FarColumn)


def test_too_many_levels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(warehouse, "MOST_LEVELS", 20)
    path = tmp_path / "many.parquet"
    pq.write_table(pa.table({"g": [f"g{i}" for i in range(30)] * 2}), path)
    with pytest.raises(DataError, match="more than 20 different labels"):
        read_table([path], ["g"])


def test_files_that_are_no_table_are_one_message(tmp_path, parquet):
    other = tmp_path / "other.csv"
    other.write_text("x\n1\n")
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(parquet.read_bytes()[: parquet.stat().st_size // 2])
    unequal = tmp_path / "unequal.parquet"
    pq.write_table(pa.table({"z": [1.0, 2.0]}), unequal)
    (tmp_path / "empty").mkdir()
    cases = [
        ([parquet, other], "is a Parquet file and .*other.csv' is none"),
        ([parquet, tmp_path / "no.parquet"], "no such file"),
        ([parquet, parquet], "named twice"),
        ([damaged], "damaged.parquet' is a damaged Parquet file"),
        ([parquet, damaged], "damaged.parquet' is a damaged Parquet file"),
        ([parquet, unequal], "unequal.parquet' has no column 'x'"),
        (tmp_path / "empty", r"holds no \.parquet and no \.csv"),
        (ibis.duckdb.connect().read_parquet(parquet).x, "is no table"),
    ]
    for source, said in cases:
        with pytest.raises(DataError, match=said):
            read_table(source, ["x"])


def test_without_ibis_the_extra_is_named(monkeypatch, parquet):
    monkeypatch.setitem(sys.modules, "ibis", None)
    with pytest.raises(MissingPart, match=r"causal-workbench\[warehouse\]"):
        read_table([parquet], ["x", "g"])
    assert read_table([parquet], ["x", "n"]).rows == ROWS  # numbers in files need none


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")  # Spark calls pandas by old names and leaves sockets open
def test_spark_sums_up_where_its_rows_lie(tmp_path, monkeypatch):
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not on PATH")
    for variable in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"):
        monkeypatch.setitem(os.environ, variable, sys.executable)
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.host", "127.0.0.1")
    session = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
    try:
        path = tmp_path / "table.parquet"
        pq.write_table(pa.table(columns()), path)
        table = read_table(ibis.pyspark.connect(session).read_parquet(str(path)), list(EVERY))
        assert isinstance(table, LargeTable)
        assert table.far.pushes
        near = read_table(path, EVERY)
        assert_same_facts(table, near)
        names = ["x", "n", "s", "b"]
        used = near.complete(names)
        matrix = np.stack([by_hand(one, used) for one in products()], axis=1)
        moments = table.complete(names).products(range(len(products())), products())
        np.testing.assert_allclose(moments.means, matrix.mean(axis=0), rtol=1e-12)
        cells = table.complete(["b", "s"]).gathered(["b", "s"])
        assert cells.total == near.complete(["b", "s"]).rows
    finally:
        session.stop()
        del session
        gc.collect()  # what it left open is warned of here, and not in another test


def test_parquet_elsewhere_is_read_by_duckdb(monkeypatch, parquet):
    """Its extension for that comes over the network, so what is asked of DuckDB is looked at."""
    asked = []

    class Duck:
        def read_parquet(self, address, **options):
            asked.append((address, options))
            return ibis.duckdb.connect().read_parquet(parquet)

    monkeypatch.setattr(address, "_duckdb", Duck)
    table = read_table("s3://bucket/visits/*.parquet", list(EVERY))
    assert asked == [("s3://bucket/visits/*.parquet", {"union_by_name": True})]
    assert table.source.name == "s3://bucket/visits/*.parquet"
    assert_same_facts(table, read_table(parquet, EVERY))
    with pytest.raises(DataError, match="only Parquet is read"):
        read_table("s3://bucket/visits.csv", ["x"])

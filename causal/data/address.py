"""From what a user calls the data to rows that stay where they are.

``duckdb:///big.db?table=visits`` and every other address that Ibis connects to; Ibis tables; many
files, folders, patterns (``visits/*.parquet``); and single files too large to read into memory.
What turns out to be small is read into memory all the same, where everything can be computed.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from causal.data.column import MISSING, column_from_arrow
from causal.data.large import LargeTable
from causal.data.source import Format, Raw, Source, found, without_password
from causal.data.warehouse import (
    Warehouse,
    check_labels,
    engine,
    fetched,
    numbers_again,
    repeated,
    stamps,
)
from causal.errors import DataError, MissingPart, did_you_mean, shown

if TYPE_CHECKING:
    from causal.data.table import Table

__all__ = ["IN_MEMORY", "is_far", "opened"]

IN_MEMORY = 10_000_000
"""Numbers (rows times columns) that are read into memory: 80 MB, some ten times that at work."""
BIG_TEXT = 200_000_000
"""Bytes of a text file from which it is streamed."""
_HEAD = 1 << 20


def is_far(source: object) -> bool:
    """Whether a source is none of the files and objects that are simply read."""
    if not isinstance(source, str | os.PathLike):
        return type(source).__module__.partition(".")[0] == "ibis"
    name = os.fspath(source)
    if "://" in name:
        return True
    if not os.path.isfile(name):  # noqa: PTH113 - a NUL byte in a name is no error here
        return os.path.isdir(name) or bool(glob.has_magic(name) and glob.glob(name))  # noqa: PTH112, PTH207
    size = Path(name).stat().st_size
    if size <= BIG_TEXT // 8:
        return False
    if _begins(name, b"PAR1"):
        return size > BIG_TEXT // 2 or _parquet_rows(name) > IN_MEMORY // 10
    return size > BIG_TEXT and not _begins(name, b"ARROW1")


def opened(source: Any, wanted: Sequence[str], categorical: Collection[str]) -> Table | Raw:
    """The columns *wanted* of a far source: as they are if they are few, else where they lie.

    Raises
    ------
    MissingPart
        Ibis is not installed.
    DataError
        The address does not answer, or has no such table; files of several formats; columns that
        are absent or cannot be summed up.
    """
    plain = _numbers(source, wanted, categorical)
    if plain is not None:
        return plain
    table, header, named, text = _table(source, wanted, categorical)
    places, notes = found(header, wanted)
    named = replace(named, notes=(*named.notes, *notes))
    headers = {name: table.columns[place] for name, place in zip(wanted, places, strict=True)}
    backend = _asked(lambda: table._find_backend().name)  # noqa: SLF001 - there is no public way
    warehouse = Warehouse(
        lambda: table,
        headers,
        named.name,
        written=text,
        categorical=categorical,
        pushes=backend != "duckdb",
        files=_parquet_files(source, headers.values()),
        stamps=stamps(_here(source)),
    )
    rows = int(fetched(table.aggregate(rows=table.count()))["rows"][0].as_py())
    if rows == 0:
        raise DataError("there are columns but no row of data.")
    if rows * len(wanted) > IN_MEMORY:
        return LargeTable.of(named, warehouse, wanted)
    numbered = {f"c{i}": table[header] for i, header in enumerate(headers.values())}
    columns = fetched(table.select(**numbered)).rename_columns(list(wanted))
    for place, name in enumerate(wanted):
        if text and name in categorical:
            columns = columns.set_column(place, name, numbers_again(columns[name]))
    return Raw(named, columns, written=text)


def _numbers(source: Any, wanted: Sequence[str], categorical: Collection[str]) -> LargeTable | None:
    """Many rows of Parquet files that hold numbers alone: no engine is loaded for them."""
    import pyarrow.parquet as pq

    files = _here(source)
    if not files or {*categorical} & {*wanted}:
        return None
    if not all(_begins(file, b"PAR1") for file in files):
        return None
    kinds = _check_parquet(files, wanted)
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    if {*kinds.values()} != {"numbers"} or rows * len(wanted) <= IN_MEMORY:
        return None
    header = pq.read_schema(files[0]).names
    if not all(_there(name, header) for name in wanted) or _in_path(files, wanted):
        return None
    places, notes = found(header, wanted)
    form: Format = "parquet" if len(files) == 1 else "table"
    named = Source(_called(source, files), form, notes=tuple(notes))
    headers = {name: header[place] for name, place in zip(wanted, places, strict=True)}
    connect = cache(lambda: _table(source, wanted, categorical)[0])
    warehouse = Warehouse(
        connect,
        headers,
        named.name,
        files=tuple(files),
        stamps=stamps(files),
        numbers={*wanted},
    )
    return LargeTable.of(named, warehouse, wanted)


def _table(
    source: Any, wanted: Sequence[str], categorical: Collection[str]
) -> tuple[Any, Sequence[str], Source, bool]:
    """The Ibis table, its header, where it is from, and whether it is a text file."""
    if type(source).__module__.partition(".")[0] == "ibis":
        if not hasattr(source, "columns"):
            raise DataError("this comes from Ibis, and is no table. Give a table of it.")
        return source, source.columns, Source("Ibis table", "table"), False
    if isinstance(source, str) and "://" in source:
        table = _connected(source)
        return table, table.columns, Source(without_password(source), "table"), False
    files = _files(source)
    one, *more = [file for file in files if _begins(file, b"PAR1")] or [""]
    if one and len(more) + 1 < len(files):
        other = next(file for file in files if file not in {one, *more})
        raise DataError(
            f"{shown(one, 200)} is a Parquet file and {shown(other, 200)} is none. Name files of "
            "one kind."
        )
    name, con = _called(source, files), _asked(_duckdb)
    if not one:
        return _text(con, files, name, wanted, categorical)
    _check_parquet(files, wanted)
    form: Format = "table" if more else "parquet"
    # By name: DuckDB takes whole numbers in the first file for whole numbers in all of them.
    table = _asked(lambda: con.read_parquet(_literally(files), union_by_name=bool(more)))
    return table, table.columns, Source(name, form), False


def _called(source: Any, files: Sequence[str]) -> str:
    if len(files) == 1:
        return files[0]
    given = [os.fspath(source)] if isinstance(source, str | os.PathLike) else [files[0], files[-1]]
    return f"{' ... '.join(given)} ({len(files)} files)"


def _literally(files: Sequence[str]) -> list[str]:
    """The files as DuckDB must hear of them: a name is no pattern."""
    return [glob.escape(file) for file in files]


# ------------------------------------------------------------------------------------------------
# Files
# ------------------------------------------------------------------------------------------------


def _files(source: Any) -> list[str]:
    """The files of a folder, a pattern or a list, in order."""
    given = [source] if isinstance(source, str | os.PathLike) else list(source)
    files: list[str] = []
    for one in [os.fspath(path) for path in given]:
        matched = [one] if os.path.exists(one) else sorted(glob.glob(one))  # noqa: PTH110, PTH207
        if not matched:
            raise DataError(f"there is no such file: {shown(one, 200)}.")
        for file in matched:
            files += _inside(file) if os.path.isdir(file) else [file]  # noqa: PTH112
    twice = next((file for file, times in Counter(files).items() if times > 1), None)
    if twice is not None:
        raise DataError(f"the file {shown(twice, 200)} is named twice. Name it once.")
    return files


def _here(source: Any) -> list[str]:
    """The files of a source that is files of this machine; of another one none."""
    if not isinstance(source, str | os.PathLike | list | tuple) or "://" in str(source):
        return []
    return _files(source)


def _inside(folder: str) -> list[str]:
    found = sorted(map(str, Path(folder).rglob("*")))
    own = [
        file
        for file in found
        if file.endswith((".parquet", ".csv")) and os.path.isfile(file)  # noqa: PTH113
    ]
    if not own:
        raise DataError(
            f"the folder {shown(folder, 200)} holds no .parquet and no .csv file. Name the files."
        )
    return own


def _start(file: str, size: int) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            return stream.read(size)
    except OSError as error:
        why = error.strerror or "no reason given"
        raise DataError(f"{shown(file, 200)} cannot be read: {shown(why)[1:-1]}.") from error


def _begins(file: str, magic: bytes) -> bool:
    return _start(file, len(magic)) == magic


def _parquet_rows(file: str) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(file).num_rows)
    except (pa.ArrowException, OSError):
        return 0  # whoever reads it will say why


def _parquet_files(source: Any, headers: Collection[str]) -> tuple[str, ...]:
    """The files of a source that are Parquet and hold these columns themselves."""
    import pyarrow.parquet as pq

    files = _here(source)
    if not files or not _begins(files[0], b"PAR1") or _in_path(files, headers):
        return ()
    return tuple(files) if {*headers} <= {*pq.read_schema(files[0]).names} else ()


def _in_path(files: Sequence[str], names: Collection[str]) -> bool:
    """Whether folders are called after a column (``year=2026``), whose values are then theirs."""
    keys = {
        part.partition("=")[0].strip().lower()
        for file in files
        for part in Path(file).parts[:-1]
        if "=" in part
    }
    return not keys.isdisjoint(name.strip().lower() for name in names)


def _check_parquet(files: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """What each column holds that the files have; nothing where none has a value.

    Refuses files in which one column would be taken for another, or numbers for text.

    DuckDB tells no names apart that differ in case only; it fills a column that a file lacks with
    nothing, and makes text of numbers where another file has text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    known: dict[str, str] = {}
    for file in files:
        try:
            schema = pq.read_schema(file)
        except (pa.ArrowException, OSError) as error:
            said = shown(str(error), 200)[1:-1]
            raise DataError(f"{shown(file, 200)} is a damaged Parquet file: {said}") from error
        if file == files[0]:
            folded = Counter(name.lower() for name in schema.names)
            places, _ = found(schema.names, [n for n in wanted if _there(n, schema.names)])
            known = {schema.names[place]: "" for place in places}
            alike = [header for header in known if folded[header.lower()] > 1]
            if alike:
                raise DataError(
                    f"{shown(file, 200)} has several columns called {shown(alike[0])} but for "
                    "capital letters, which DuckDB does not tell apart. Rename them."
                )
        for header, kind in known.items():
            if header not in schema.names:
                raise DataError(f"{shown(file, 200)} has no column {shown(header)}.")
            if pa.types.is_duration(schema.field(header).type):  # which DuckDB takes for numbers
                raise DataError(
                    f"column {shown(header)} holds lengths of time. Make a column of numbers out "
                    "of it (seconds, days)."
                )
            if pa.types.is_decimal256(schema.field(header).type):  # DuckDB takes 38 digits
                raise DataError(
                    f"column {shown(header)} holds decimals of more than 38 digits. Write it as "
                    "floating-point numbers."
                )
            own = _kind(schema.field(header).type)
            known[header] = kind or own
            if own and kind and own != kind:
                raise DataError(
                    f"column {shown(header)} holds {kind} in {shown(files[0], 200)} and {own} in "
                    f"{shown(file, 200)}. Write it the same way in all files."
                )
    return known


def _there(name: str, header: Sequence[str]) -> bool:
    """Whether a file has the column; folders (``year=2026``) may have others."""
    return any(one.strip() == name.strip() for one in header)


def _kind(of: Any) -> str:
    """What a column of an Arrow type holds, in words; nothing of a column without a value."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(of):
        of = of.value_type
    if types.is_null(of):
        return ""
    if types.is_integer(of) or types.is_floating(of) or types.is_decimal(of):
        return "numbers"
    if types.is_string(of) or types.is_large_string(of) or types.is_string_view(of):
        return "text"
    return f"values of the type {of}"[:80]


def _text(
    con: Any,
    files: Sequence[str],
    name: str,
    wanted: Sequence[str],
    categorical: Collection[str],
) -> tuple[Any, Sequence[str], Source, bool]:
    """Text files, read as the first rows of the first one were."""
    from io import BytesIO

    from causal.data.delimited import first_header, read_delimited

    head = _whole_rows(_start(files[0], _HEAD))
    read = read_delimited(BytesIO(head), wanted, categorical)
    header = first_header(head, read.separator)
    for file in files[1:]:
        own = _start(file, 10 * len("".join(header)) + 10_000)
        if not own or first_header(own, read.separator) != header:
            what = "is empty" if not own else f"has another header than {shown(files[0], 200)}"
            raise DataError(
                f"{shown(file, 200)} {what}. All files need the same columns in the same order."
            )
    places, _ = found(header, wanted)
    types = {
        place: _read_as(name, read.columns[name], categorical=name in categorical)
        for name, place in zip(wanted, places, strict=True)
    }
    # DuckDB needs a name for every column, and tells none apart that differ in case only.
    plain = len({one.lower() for one in header}) == len(header) and "" not in header
    columns = {
        one if plain else f"column {place}": types.get(place, "VARCHAR")
        for place, one in enumerate(header)
    }
    table = _asked(
        lambda: con.read_csv(
            _literally(files),
            columns=columns,
            delim=read.separator,
            quote='"',
            escape='"',
            header=True,
            decimal_separator=read.decimal,
            nullstr=sorted(MISSING),
        )
    )
    form: Format = "csv" if len(files) == 1 else "table"
    source = Source(name, form, None, read.notes, read.separator, read.decimal)
    return table, header, source, True


def _whole_rows(head: bytes) -> bytes:
    """The beginning of a text up to the end of a row, so that no cell is cut in two."""
    if len(head) < _HEAD:
        return head
    end = _HEAD
    while end:
        end = max(head.rfind(b"\n", 0, end), head.rfind(b"\r", 0, end), 0)
        if head.count(b'"', 0, end) % 2 == 0:  # or it is within a cell of several lines
            break
    rows = head[: end + 1]
    if len(rows.splitlines()) < 2:
        raise DataError(
            "the header or the first row is longer than a million characters, or a double quote "
            "in it is not closed."
        )
    return rows


def _read_as(name: str, column: Any, *, categorical: bool) -> str:
    """The type, for DuckDB, of a column of text whose first rows Arrow read as *column*.

    Raises
    ------
    DataError
        As `column_from_arrow`.
    """
    if categorical:
        return "VARCHAR"
    if str(column.type) == "bool":
        return "BOOLEAN"
    if column.null_count == len(column):  # nobody knows
        return "DOUBLE"
    if str(column.type).startswith("dictionary"):
        check_labels(name, column.unique().to_pylist())
    # Twice: a column in which no value comes twice would be taken for an identifier.
    kind = column_from_arrow(name, repeated(column, 2), written=True).kind
    return "VARCHAR" if kind == "category" else "DOUBLE"


# ------------------------------------------------------------------------------------------------
# Ibis
# ------------------------------------------------------------------------------------------------


def _ibis() -> Any:
    try:
        import ibis
    except ModuleNotFoundError as error:
        raise MissingPart(
            "Tables behind an address, many files at once and files too large for memory need the "
            f"library {error.name}, which is not installed: "
            "pip install 'causal-workbench[warehouse]'."
        ) from error
    return ibis


_SETTINGS = {"memory_limit": "1GB"}


def _buffered(con: Any) -> Any:
    """Let DuckDB read on while we compute: a pass takes two thirds of the time."""
    con.con.execute("SET streaming_buffer_size = '64MB'")
    return con


def _duckdb() -> Any:
    """An empty database in memory, that holds little of it."""
    import tempfile

    return _buffered(_ibis().duckdb.connect(temp_directory=tempfile.gettempdir(), **_SETTINGS))


_ELSEWHERE = ("s3", "gs", "gcs", "r2", "az", "abfss", "http", "https")


def _connected(address: str) -> Any:
    """The table of ``engine://...?table=name``."""
    ibis = _ibis()
    parts = _asked(lambda: urlsplit(address))
    query = parse_qsl(parts.query, keep_blank_values=True)
    tables = [value for key, value in query if key == "table"]
    if parts.scheme in _ELSEWHERE and parts.path.endswith(".parquet"):
        # What stars in it match, DuckDB finds; the extension that it takes comes by itself.
        return _asked(lambda: _duckdb().read_parquet(address, union_by_name=True))
    if len(tables) != 1 or not all(tables[0].split(".")):
        raise DataError(
            "an address needs the name of one table: duckdb:///big.db?table=visits. (Of files "
            "elsewhere only Parquet is read: s3://bucket/folder/*.parquet.)"
        )
    if parts.scheme in ("duckdb", "sqlite"):
        con = _database(ibis, parts.scheme, parts.netloc + parts.path)
    else:
        rest = urlencode([(key, value) for key, value in query if key != "table"])
        con = _asked(lambda: ibis.connect(urlunsplit(parts._replace(query=rest))))
    known = _tables(con)
    *schema, name = tables[0].split(".") if tables[0] not in known else [tables[0]]
    if not schema and name not in known:
        raise DataError(f"there is no table {shown(name)}.{did_you_mean(name, known)}")
    return _asked(lambda: con.table(name, database=".".join(schema) or None))


def _database(ibis: Any, kind: str, path: str) -> Any:
    """A file of DuckDB, opened for reading, or of SQLite."""
    # duckdb:///big.db is the file beside us, as SQLAlchemy has it; duckdb:////tmp/big.db is not.
    path = path.removeprefix("/") if not os.path.isfile(path) else path  # noqa: PTH113
    if not os.path.isfile(path):  # noqa: PTH113
        raise DataError("there is no such database file.")
    if kind == "sqlite":
        return _asked(lambda: ibis.sqlite.connect(path))
    return _asked(lambda: _buffered(ibis.duckdb.connect(path, read_only=True, **_SETTINGS)))


def _tables(con: Any) -> list[str]:
    return list(_asked(con.list_tables))


def _asked(question: Callable[[], Any]) -> Any:
    """What an engine answers, or one message in its own words."""
    with engine("the table cannot be reached"):
        return question()

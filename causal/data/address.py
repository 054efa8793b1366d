"""From what a user calls the data to rows that stay where they are.

``duckdb:///big.db?table=visits`` and every other address that Ibis connects to; Ibis tables; many
files, folders, patterns (``visits/*.parquet``); and single files too large to read into memory.
What turns out to be small is read into memory all the same, where everything can be computed.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from causal.data.column import MISSING
from causal.data.large import LargeTable
from causal.data.source import Format, Raw, Source, found, without_password
from causal.data.warehouse import Warehouse, engine, fetched
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
    if _is_parquet(name):
        import pyarrow.parquet as pq

        return size > BIG_TEXT // 2 or pq.ParquetFile(name).metadata.num_rows > IN_MEMORY // 10
    return size > BIG_TEXT and not _is_arrow(name)


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
    table, named, text = _table(source, wanted, categorical)
    header = list(table.columns)
    places, notes = found(header, wanted)
    named = replace(named, notes=(*named.notes, *notes))
    headers = {name: header[place] for name, place in zip(wanted, places, strict=True)}
    backend = _asked(lambda: table._find_backend().name)  # noqa: SLF001 - there is no public way
    warehouse = Warehouse(
        table,
        headers,
        named.name,
        written=text,
        categorical=categorical,
        pushes=backend != "duckdb",
    )
    rows = int(fetched(table.aggregate(rows=table.count()))["rows"][0].as_py())
    if rows == 0:
        raise DataError("there are columns but no row of data.")
    if rows * len(wanted) > IN_MEMORY:
        return LargeTable.of(named, warehouse, wanted)
    columns = fetched(table.select(**_numbered(table, headers)))
    return Raw(named, columns.rename_columns(list(wanted)), written=text)


def _numbered(table: Any, headers: dict[str, str]) -> dict[str, Any]:
    return {f"c{i}": table[header] for i, header in enumerate(headers.values())}


def _table(
    source: Any, wanted: Sequence[str], categorical: Collection[str]
) -> tuple[Any, Source, bool]:
    """The Ibis table, where it is from, and whether it is a text file."""
    if type(source).__module__.partition(".")[0] == "ibis":
        return source, Source("Ibis table", "table"), False
    if isinstance(source, str) and "://" in source:
        return _connected(source), Source(without_password(source), "table"), False
    files = _files(source)
    kinds = {"parquet" if _is_parquet(file) else "csv" for file in files}
    if len(kinds) > 1:
        raise DataError("some of these files are Parquet and some are not. Name files of one kind.")
    name = files[0] if len(files) == 1 else f"{os.path.commonpath(files)} ({len(files)} files)"
    con = _asked(_duckdb)
    escaped = [glob.escape(file) for file in files]
    if kinds == {"parquet"}:
        form: Format = "parquet" if len(files) == 1 else "table"
        return _asked(lambda: con.read_parquet(escaped)), Source(name, form), False
    return _text(con, files, escaped, name, wanted, categorical)


def _text(
    con: Any,
    files: Sequence[str],
    escaped: Sequence[str],
    name: str,
    wanted: Sequence[str],
    categorical: Collection[str],
) -> tuple[Any, Source, bool]:
    """A text file, read as the first rows of it were."""
    from io import BytesIO

    from causal.data.delimited import first_header, read_delimited

    with Path(files[0]).open("rb") as stream:
        head = stream.read(_HEAD)
    whole_lines = head[: head.rfind(b"\n") + 1] or head
    read = read_delimited(BytesIO(whole_lines), wanted, categorical)
    header = first_header(whole_lines, read.separator)
    if len(set(header)) < len(header) or "" in header:
        raise DataError(
            "a file as large as this needs a header in which every name is there and different."
        )
    places, _ = found(header, wanted)
    numbers = {
        header[place]
        for name, place in zip(wanted, places, strict=True)
        if str(read.columns[name].type) in ("double", "int64", "null") and name not in categorical
    }
    table = _asked(
        lambda: con.read_csv(
            list(escaped),
            columns={each: "DOUBLE" if each in numbers else "VARCHAR" for each in header},
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
    return table, source, True


def _files(source: Any) -> list[str]:
    """The files of a folder, a pattern or a list, in order."""
    given = [source] if isinstance(source, str | os.PathLike) else list(source)
    files: list[str] = []
    for one in [os.fspath(path) for path in given]:
        if os.path.isdir(one):  # noqa: PTH112
            inside = sorted(map(str, Path(one).rglob("*")))
            own = [file for file in inside if file.endswith((".parquet", ".csv"))]
            if not own:
                raise DataError(
                    f"the folder {shown(one)} holds no .parquet and no .csv file. Name the files."
                )
            files += own
        elif os.path.isfile(one):  # noqa: PTH113
            files.append(one)
        else:
            matched = sorted(glob.glob(one))  # noqa: PTH207
            if not matched:
                raise DataError(f"there is no such file: {shown(one, 200)}.")
            files += matched
    return files


def _is_parquet(file: str) -> bool:
    with Path(file).open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _is_arrow(file: str) -> bool:
    with Path(file).open("rb") as stream:
        return stream.read(6) == b"ARROW1"


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


def _connected(address: str) -> Any:
    """The table of ``engine://...?table=name``."""
    ibis = _ibis()
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    tables = [value for key, value in query if key == "table"]
    if len(tables) != 1 or not tables[0]:
        raise DataError("an address needs the name of one table: duckdb:///big.db?table=visits.")
    if parts.scheme == "duckdb":
        con = _database(ibis, parts.netloc + parts.path)
    else:
        rest = urlencode([(key, value) for key, value in query if key != "table"])
        con = _asked(lambda: ibis.connect(urlunsplit(parts._replace(query=rest))))
    *schema, name = tables[0].split(".") if tables[0] not in _tables(con) else [tables[0]]
    if not schema and name not in _tables(con):
        raise DataError(f"there is no table {shown(name)}.{did_you_mean(name, _tables(con))}")
    return _asked(lambda: con.table(name, database=".".join(schema) or None))


def _database(ibis: Any, path: str) -> Any:
    """A DuckDB file, opened for reading."""
    # duckdb:///big.db is the file beside us, as SQLAlchemy has it; duckdb:////tmp/big.db is not.
    path = path.removeprefix("/") if not os.path.isfile(path) else path  # noqa: PTH113
    if not os.path.isfile(path):  # noqa: PTH113
        raise DataError("there is no such database file.")
    return _asked(lambda: _buffered(ibis.duckdb.connect(path, read_only=True, **_SETTINGS)))


def _tables(con: Any) -> list[str]:
    return list(_asked(con.list_tables))


def _asked(question: Callable[[], Any]) -> Any:
    """What an engine answers, or one message in its own words."""
    with engine("the table cannot be reached"):
        return question()

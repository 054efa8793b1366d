"""A path in, the wanted columns out; the format is recognised by content, never by suffix."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from causal.data.delimited import read_delimited
from causal.data.source import Raw, Source, found
from causal.errors import DataError, did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from io import BufferedReader

    import pyarrow as pa

__all__ = ["read_file"]

#: First bytes of what people pass by mistake.
_FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or another zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook of the old kind",
    b"\x1f\x8b": "compressed with gzip (an .rds file of R is, too)",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"<stata_dta>": "a Stata file",
    b"$FL2": "an SPSS file",
    b"%PDF": "a PDF document",
    b"FEA1": "a Feather file of the outdated version 1",
}


def read_file(
    path: str | os.PathLike[str], wanted: Sequence[str], categorical: Collection[str]
) -> Raw:
    """Read the *wanted* columns of a CSV, Parquet or Arrow (Feather) file.

    Raises
    ------
    DataError
        There is no such file; it is a folder, a device, empty, or in another format; and all that
        the format's own reader refuses.
    """
    name = os.fspath(path)
    with _opened(name) as stream:
        magic = stream.read(16)
        stream.seek(0)
        # Everybody can compute the same number of a file, so a report can say which data it saw.
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        if not magic:
            raise DataError("the file is empty.")
        for first, what in _FOREIGN.items():
            if magic.startswith(first):
                raise DataError(f"this file is {what}. Save the table as CSV, Parquet or Arrow.")
        if magic.startswith(b"PAR1"):
            table, notes = _parquet(stream, wanted)
            return Raw(Source(name, "parquet", digest, notes), table)
        if magic.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
            table, notes = _arrow(stream, wanted, is_file=magic.startswith(b"ARROW1"))
            return Raw(Source(name, "arrow", digest, notes), table)
        read = read_delimited(stream, wanted, categorical)
        source = Source(name, "csv", digest, read.notes, read.separator, read.decimal)
        return Raw(source, read.columns, written=True)


@contextmanager
def _opened(name: str) -> Iterator[BufferedReader | BytesIO]:
    """Open for reading bytes, seekable; a pipe is read to its end first."""
    try:
        mode = os.stat(name).st_mode  # noqa: PTH116 - a name with a NUL byte is no Path, but an error
        if stat.S_ISDIR(mode):
            raise DataError("this is a folder. Name one file in it.")
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise DataError("this is a device or a socket. Name a file.")
        stream: BufferedReader | BytesIO = Path(name).open("rb")  # noqa: SIM115 - errors of whoever reads are not those below
        if stat.S_ISFIFO(mode):
            with stream:
                stream = BytesIO(stream.read())
    except FileNotFoundError:
        raise DataError(f"there is no such file.{_neighbours(name)}") from None
    except PermissionError:
        raise DataError("this file may not be read by you. Change its permissions.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"this file cannot be read: {shown(str(error), 200)}.") from error
    with stream:
        yield stream


def _neighbours(name: str) -> str:
    folder, base = os.path.split(name)
    try:
        hint = did_you_mean(base, sorted(os.listdir(folder or ".")))  # noqa: PTH208 - names are enough
    except OSError:
        return ""
    return hint if hint.startswith(" Did you mean") else ""


def _parquet(stream: BinaryIO, wanted: Sequence[str]) -> tuple[pa.Table, tuple[str, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(stream)
        header = file.schema_arrow.names
        places, notes = found(header, wanted)
        headers = [header[i] for i in places]
        # `columns` also matches the fields of nested columns by their dotted path: select again.
        table = file.read(columns=headers, use_threads=False).select(headers)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"this Parquet file is damaged: {shown(str(error), 300)}.") from error
    return table.rename_columns(list(wanted)), notes


def _arrow(
    stream: BinaryIO, wanted: Sequence[str], *, is_file: bool
) -> tuple[pa.Table, tuple[str, ...]]:
    import pyarrow as pa

    reader = pa.ipc.open_file if is_file else pa.ipc.open_stream
    try:
        header = reader(stream).schema.names
        places, notes = found(header, wanted)
        stream.seek(0)
        options = pa.ipc.IpcReadOptions(included_fields=sorted(set(places)))
        table = reader(stream, options=options).read_all().select([header[i] for i in places])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"this Arrow file is damaged: {shown(str(error), 300)}.") from error
    return table.rename_columns(list(wanted)), notes

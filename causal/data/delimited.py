"""Delimited text (CSV and its relatives), read honestly.

Arrow parses, which is fast and exact; this module settles what Arrow would guess or let pass:
which separator, which encoding, whether a quote was left open, whether a comma is a decimal comma.
What cannot be settled is refused with the row.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from causal.data.column import MISSING, NUMBER, Text, encoded, floats
from causal.data.source import found
from causal.errors import DataError, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import pyarrow as pa

__all__ = ["Delimited", "first_header", "read_delimited"]

_BLOCK = 1 << 20
#: Separators in order of preference, as a person would name them.
_SEPARATORS = {",": "','", ";": "';'", "\t": "tabs", "|": "'|'"}
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
# 12,345 may be a fraction or twelve thousand; 0,345 and 12,34 can only be fractions.
_PERHAPS_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one pass over the bytes shows."""

    head: bytes  # the first block
    size: int
    lines: int
    quotes: bool  # any double quote at all


@dataclass(frozen=True, slots=True)
class _Dialect:
    separator: str
    header: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Delimited:
    """What was read of a text file.

    Attributes
    ----------
    columns
        An Arrow table of exactly the wanted columns, under these names and in this order; columns
        with a decimal comma are numbers already.
    notes
        Sentences on what was detected.
    separator, decimal
        What stands between fields, and in numbers.
    """

    columns: pa.Table
    notes: tuple[str, ...]
    separator: str
    decimal: str


def read_delimited(
    stream: BinaryIO, wanted: Sequence[str], categorical: Collection[str]
) -> Delimited:
    """Read the *wanted* columns of a seekable *stream* of bytes.

    Raises
    ------
    DataError
        Bytes that are not UTF-8 text; no header or no rows; duplicate or absent headers; a row
        with too many or too few fields; a quote left open; decimal commas beside decimal points.
    """
    facts = _scan(stream)
    dialect = _dialect(facts, wanted)
    if len(dialect.header) == 1 < len(wanted):
        raise DataError(
            f"the header is one field, {shown(dialect.header[0])}. Separate the columns by a "
            "comma, a semicolon, a tab or '|'."
        )
    places, notes = found(dialect.header, wanted)
    if dialect.separator != ",":
        notes = (f"Columns are separated by {_SEPARATORS[dialect.separator]}.", *notes)
    headers = [dialect.header[i] for i in places]
    table = _parse(stream, dialect, facts, headers)
    if table.num_rows == 0:
        raise DataError("there is a header but no row of data.")
    if facts.quotes and table.num_rows + 1 < facts.lines:
        # Fewer rows than lines: some cell has line breaks in it, on purpose or because a quote was
        # left open and swallowed the rows below. Arrow does not tell; a strict second reading does.
        _check_quotes(stream, dialect.separator)

    decimal: dict[str, Text] = {}
    if dialect.separator != ",":
        numeric = [h for h, name in zip(headers, wanted, strict=True) if name not in categorical]
        decimal = _decimal_commas(table, numeric)
        if decimal:
            fractional = [h for h in numeric if str(table[h].type) == "double"]
            _check_no_points(stream, dialect, facts, fractional, min(decimal))
            named = ", ".join(shown(h.strip()) for h in headers if h in decimal)
            notes = (*notes, f"Numbers have a decimal comma: {named}.")
    columns = _renamed(table, headers, wanted, decimal)
    return Delimited(columns, notes, dialect.separator, "," if decimal else ".")


def first_header(head: bytes, separator: str) -> list[str]:
    """The names in the first row of a text."""
    text = head.decode("utf-8-sig", errors="ignore")
    return _first_records(text, separator, whole=True)[0]


def _renamed(
    table: pa.Table, headers: Sequence[str], wanted: Sequence[str], decimal: dict[str, Text]
) -> pa.Table:
    import pyarrow as pa

    columns = [
        floats(decimal[h].numbers(_from_decimal_comma)) if h in decimal else table[h]
        for h in headers
    ]
    return pa.table(columns, names=list(wanted))


def _scan(stream: BinaryIO) -> _Facts:
    """Check that the bytes are UTF-8 text, in one pass and little memory."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    head, last, size, feeds, returns, quotes = b"", b"", 0, 0, 0, False
    for chunk in iter(lambda: stream.read(_BLOCK), b""):
        if not head:
            head = chunk
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise DataError("this is text in UTF-16. Save it as CSV in UTF-8.")
        nul = chunk.find(b"\0")
        if nul >= 0:
            raise DataError(
                f"byte {size + nul + 1:,} is NUL: this is a binary file, or text in UTF-16. "
                "Give a CSV file in UTF-8, or a Parquet or Arrow file."
            )
        pending = decoder.getstate()[0]
        if pending or not chunk.isascii():
            _decode(decoder, chunk, size - len(pending), feeds)
        last = chunk[-1:]
        size += len(chunk)
        feeds += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        quotes = quotes or b'"' in chunk
    _decode(decoder, b"", size - len(decoder.getstate()[0]), feeds, final=True)
    return _Facts(head, size, max(feeds, returns) + (last not in b"\r\n"), quotes)


def _decode(
    decoder: codecs.IncrementalDecoder,
    chunk: bytes,
    offset: int,
    lines: int,
    *,
    final: bool = False,
) -> None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"byte {offset + error.start + 1:,} (line {line:,}) is not UTF-8 "
            f"(0x{error.object[error.start]:02x}): the file is in another encoding, such as "
            "Windows-1252. Save it as UTF-8."
        ) from None


def _dialect(facts: _Facts, wanted: Collection[str]) -> _Dialect:
    """Find the separator that splits the first rows evenly and yields the wanted names."""
    text = facts.head.decode("utf-8-sig", errors="ignore")
    if not text.strip():
        raise DataError("the file is empty.")
    best, score = _Dialect(",", ()), (-1, -1.0, -1)
    for separator in _SEPARATORS:
        records = _first_records(text, separator, whole=facts.size <= len(facts.head))
        if not records:
            continue
        header = records[0]
        bare = {name.strip() for name in header}
        even = sum(len(record) == len(header) for record in records) / len(records)
        mine = (sum(name in bare for name in wanted), even if len(header) > 1 else 0.0, len(header))
        if mine > score:
            best, score = _Dialect(separator, tuple(header)), mine
    if not best.header:
        raise DataError(
            "the header cannot be read: it is longer than a million characters, or a quote in it "
            "is not closed."
        )
    return best


def _first_records(text: str, separator: str, *, whole: bool) -> list[list[str]]:
    """Up to a hundred records; without the last one if the text breaks off in it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    records: list[list[str]] = []
    try:
        records.extend(islice(filter(None, reader), 101))
    except csv.Error:
        # A cell of more than 131,072 characters, which `_parse` judges; the rows above it count.
        return records
    return records[:100] if whole or len(records) == 101 else records[:-1]


def _parse(
    stream: BinaryIO,
    dialect: _Dialect,
    facts: _Facts,
    columns: Sequence[str],
    *,
    as_text: bool = False,
) -> pa.Table:
    """Let Arrow parse *columns*; text arrives as dictionaries, numbers as numbers."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    ragged: list[Any] = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "error"

    def parse(block: int) -> pa.Table:
        stream.seek(0)
        return arrow_csv.read_csv(
            stream,
            # Rows are numbered in error messages only when one thread reads them in order.
            arrow_csv.ReadOptions(use_threads=False, block_size=block),
            arrow_csv.ParseOptions(
                delimiter=dialect.separator,
                newlines_in_values=True,
                # A blank line is a missing value where there is one column, else nothing.
                ignore_empty_lines=len(dialect.header) > 1,
                invalid_row_handler=note,
            ),
            arrow_csv.ConvertOptions(
                null_values=sorted(MISSING),
                strings_can_be_null=True,
                auto_dict_encode=True,
                auto_dict_max_cardinality=2**31 - 1,
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, pa.string()) if as_text else None,
            ),
            # Arrow's own allocator reserves 6 MB before the first row.
            memory_pool=pa.system_memory_pool(),
        )

    try:
        try:
            return parse(_BLOCK)
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error):
                raise
            # One row is longer than a block: an open quote, or really a very long row.
            _check_quotes(stream, dialect.separator)
            return parse(min(facts.size + 1, 2**31 - 1))
    except (pa.ArrowException, KeyError) as error:
        if ragged:
            raise _ragged(ragged[0], dialect) from None
        if "Empty CSV" in str(error):
            raise DataError("there is a header but no row of data.") from None
        raise DataError(f"this cannot be read as CSV: {shown(str(error), 300)}.") from error


def _ragged(row: Any, dialect: _Dialect) -> DataError:
    """Say which row, how it differs, and the usual reason for a difference of this kind."""
    number, expected, actual = row.number - 1, row.expected_columns, row.actual_columns
    if number == 1 and actual == expected + 1 and not row.text.endswith(dialect.separator):
        hint = (
            "If the first column holds row names, as R writes them, give it a header of its own "
            "or leave it out (row.names = FALSE)."
        )
    elif actual > expected:
        hint = (
            f"A cell that contains {_SEPARATORS[dialect.separator]} must stand in double quotes; "
            "a separator at the end of a row begins one more field."
        )
    else:
        hint = "A missing value is an empty field, and needs its separator."
    fields = "field" if actual == 1 else "fields"
    return DataError(
        f"data row {number} has {actual} {fields} where the header has {expected}: "
        f"{shown(row.text)}. {hint}"
    )


def _check_quotes(stream: BinaryIO, separator: str) -> None:
    """Read every record by the letter of RFC 4180, and refuse a quote that is not closed."""
    stream.seek(0)
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=separator, strict=True)
    line = 0
    try:
        for _ in reader:
            line = reader.line_num
    except csv.Error as error:
        if "field limit" in str(error):
            raise DataError(
                f"in the row that begins on line {line + 1:,}, a cell has more than 131,072 "
                "characters. Is a double quote left open? If not, take that column out."
            ) from None
        raise DataError(
            f"in the row that begins on line {line + 1:,}, a cell begins with a double quote that "
            f"is not closed before the next separator ({error}). Close it, or write a quote "
            'inside a quoted cell as "".'
        ) from None
    finally:
        text.detach()


def _decimal_commas(table: pa.Table, headers: Iterable[str]) -> dict[str, Text]:
    """Find the columns all of whose values are whole numbers or have a decimal comma."""
    decimal: dict[str, Text] = {}
    for header in headers:
        if not str(table[header].type).startswith("dictionary"):
            continue
        text = encoded(table[header], _bare)
        if text.first(_DECIMAL_COMMA.fullmatch) and not text.first(_not_decimal_comma):
            decimal[header] = text
    for header, text in decimal.items():
        if any(t.first(_surely_decimal) for t in decimal.values()):
            break
        row, value = text.first(_DECIMAL_COMMA.fullmatch) or (1, "")
        raise DataError(
            f"column {shown(header)}, data row {row}: {shown(value)} may have a decimal comma or "
            "a comma between thousands, and no other value tells which. Write the numbers with a "
            "decimal point and without thousands separators."
        )
    return decimal


def _check_no_points(
    stream: BinaryIO, dialect: _Dialect, facts: _Facts, headers: Sequence[str], comma: str
) -> None:
    """Refuse a decimal point in one column of a file that has decimal commas in another."""
    if not headers:
        return
    table = _parse(stream, dialect, facts, headers, as_text=True)
    for header in headers:
        text = encoded(table[header], _bare)
        point = text.first(lambda label: "." in label)
        if point is not None:
            row, value = point
            raise DataError(
                f"column {shown(header)}, data row {row}: {shown(value)} has a point, and column "
                f"{shown(comma)} has decimal commas, so the point may be one between thousands. "
                "Write all numbers the same way."
            )


def _bare(value: str) -> str | None:
    bare = value.strip()
    return None if bare in MISSING else bare


def _not_decimal_comma(label: str) -> bool:
    whole = NUMBER.fullmatch(label) is not None and "." not in label
    return not whole and _DECIMAL_COMMA.fullmatch(label) is None


def _surely_decimal(label: str) -> bool:
    return "," in label and _PERHAPS_THOUSANDS.fullmatch(label) is None


def _from_decimal_comma(label: str) -> float:
    return float(label.replace(",", "."))

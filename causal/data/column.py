"""One checked column: its numbers, its kind, and the labels behind them.

Every source (CSV, Parquet, a DataFrame, a dict) ends up as Arrow arrays, and this module is the
only place that decides what such an array *means*:

- numbers and booleans are numbers; two distinct values make them ``binary``, non-negative integers
  a ``count``, all else is ``continuous``;
- text is a ``category``, and so is whatever the user asks to be one;
- what looks like a number but cannot be read as one without guessing (``1,234.5``, ``12 %``), and
  the odd word in a column of numbers, is refused with its row and its value, because the
  alternative is a regression with one coefficient per number.

Rows are counted from 1 and the header is not counted: "data row 1" is the first row of data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from causal.errors import DataError, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "MISSING",
    "NUMBER",
    "Column",
    "Kind",
    "Text",
    "as_category",
    "as_float64",
    "column_from_arrow",
    "encoded",
    "floats",
]

Kind = Literal["continuous", "count", "binary", "category"]

#: Cells of a text file that stand for "missing": Arrow's own list and the mark of pandas.
MISSING = frozenset(
    {"", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NULL", "null"}
    | {"NaN", "nan", "-NaN", "-nan", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"}
)

#: A number as every program writes it: ASCII digits, a decimal point, an exponent.
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)

# Digits with separators, a currency or percent sign, or stray quotes about them: a number to a
# human reader, and several different ones to different programs.
_PUNCTUATED = re.compile(
    r"""(?=.*\d)["'+\-$€£¥\s]*"""
    r"""[\d.,](?:[\d.,'’_ \u00a0\u202f]*[\d.,])?(?:[eE][+-]?\d+)?"""
    r"""["'%$€£¥\s]*""",
    re.ASCII,
)

#: Arrow's names of types that numpy calls otherwise.
_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}

#: Squares of anything larger, summed over the rows, leave the range of a float. (nutpie dies of a
#: segmentation fault where no point has a finite density, so this is no matter of taste.)
_LARGEST = 1e100
#: Beyond this many levels a column is not a category but an identifier or a free text.
_MOST_LEVELS = 1_000
#: A text column in which no value occurs twice is an identifier, unless the table is tiny.
_FEW_ROWS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of a table, ready to enter a regression.

    Attributes
    ----------
    name
        As the data have it.
    kind
        Of the values that are present: ``binary`` is any two numbers (or booleans), ``count``
        three or more non-negative integers, ``category`` text or what was asked to be one. A
        number that never varies is ``continuous``; ask `constant`.
    values
        (rows,), NaN where missing; for a category the index into `levels`. Read-only.
    levels
        Labels of a category, in numeric order if all of them are numbers, else in text order;
        ``()`` for numbers.
    missing
        Rows that lack the value.
    first_text
        Data row (counted from 1, in the table as it was read) and value of the first text that is
        not a number, for the message "a number is needed here"; None for a column of numbers, also
        one that was turned into a category on request.
    """

    name: str
    kind: Kind
    values: NDArray[np.float64]
    levels: tuple[str, ...]
    missing: int
    first_text: tuple[int, str] | None = None

    @property
    def distinct(self) -> int:
        """How many different values are present."""
        if self.kind == "category":
            return len(self.levels)
        return int(np.unique(self.values[~np.isnan(self.values)]).size)

    @property
    def constant(self) -> bool:
        """Whether every row that has a value has the same one."""
        if self.kind == "category":
            return len(self.levels) < 2
        present = self.values[~np.isnan(self.values)]
        return present.size == 0 or bool(present.min() == present.max())

    @property
    def low(self) -> float:
        """The smallest value that is present."""
        return float(np.nanmin(self.values))

    @property
    def high(self) -> float:
        """The largest value that is present."""
        return float(np.nanmax(self.values))

    @property
    def level_rows(self) -> NDArray[np.int64]:
        """How many rows each level of a category has, (levels,)."""
        if self.kind != "category":
            return np.empty(0, np.int64)
        codes = self.values[~np.isnan(self.values)].astype(np.intp)
        return np.bincount(codes, minlength=len(self.levels)).astype(np.int64)

    def holding(self, values: NDArray[np.float64]) -> Column:
        """The same column, kind and levels, with other values."""
        return replace(self, values=values)

    def only(self, rows: NDArray[np.bool_]) -> Column:
        """Keep *rows*, (rows,) of truth values; kind and levels are derived anew."""
        kept = self.values[rows]
        if self.kind == "category":
            codes = np.where(np.isnan(kept), -1, kept).astype(np.int64)
            return _category(self.name, Text(codes, self.levels), self.first_text)
        return _numeric(self.name, kept)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A text column by its distinct labels: ``labels[codes[i]]`` is row i, code -1 is missing."""

    codes: NDArray[np.int64]
    labels: tuple[str, ...]

    def share(self, which: Callable[[str], Any]) -> float:
        """Compute the share of rows, missing ones aside, whose label is *which*."""
        rows = np.bincount(self.codes[self.codes >= 0], minlength=len(self.labels))
        chosen = np.fromiter((bool(which(label)) for label in self.labels), bool, len(self.labels))
        return float(rows[chosen].sum() / rows.sum())

    def first(self, which: Callable[[str], Any]) -> tuple[int, str] | None:
        """Find the first row whose label is *which*: data row, counted from 1, and label."""
        chosen = [bool(which(label)) for label in self.labels]
        rows = np.flatnonzero(np.array([*chosen, False])[self.codes])
        return (int(rows[0]) + 1, self.labels[self.codes[rows[0]]]) if rows.size else None

    def numbers(self, number: Callable[[str], float]) -> NDArray[np.float64]:
        """Give every row the *number* of its label, (rows,), NaN where missing."""
        return np.array([*map(number, self.labels), np.nan])[self.codes]


def encoded(column: pa.ChunkedArray, label: Callable[[Any], str | None]) -> Text:
    """Collect the distinct values of *column*; *label* names each one, or says None for missing.

    Distinct values may share a label; work per value is done once, not once per row.
    """
    import pyarrow as pa

    number: dict[str, int] = {}
    parts = [np.empty(0, np.int64)]
    for chunk in column.chunks:
        if not pa.types.is_dictionary(chunk.type):
            # Arrow's kernels do not know the string views that polars hands over.
            viewed = pa.types.is_string_view(chunk.type)
            chunk = (chunk.cast(pa.large_string()) if viewed else chunk).dictionary_encode()
        values = chunk.dictionary.to_pylist()
        named = [None if value is None else label(value) for value in values]
        codes = [-1 if name is None else number.setdefault(name, len(number)) for name in named]
        index, present = _buffers(chunk.indices)
        places = index if present is None else np.where(present, index, len(codes))
        parts.append(np.array([*codes, -1], np.int64)[places])
    return Text(np.concatenate(parts), tuple(number))


def column_from_arrow(
    name: str, column: pa.ChunkedArray, *, categorical: bool = False, written: bool = False
) -> Column:
    """Check one Arrow column and give it its kind.

    Parameters
    ----------
    name, column
        The column of at least one row.
    categorical
        Make it a category whatever it holds.
    written
        The column comes from a text file, where types are a guess of the reader: a number in
        quotes is then a number, blanks around a value are no part of it and ``NA`` is missing.
        Elsewhere text was *made* text by somebody, and only blank text is missing.

    Raises
    ------
    DataError
        Nothing but missing values; an infinity; dates, times, lists, bytes; numbers that are
        written with separators; a few words among numbers; a category with too many levels.
    """
    import pyarrow as pa

    types = pa.types
    inner = column.type.value_type if types.is_dictionary(column.type) else column.type
    numeric = types.is_integer(inner) or types.is_floating(inner) or types.is_decimal(inner)
    text = types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner)

    if column.null_count == len(column):
        raise _all_missing(name)
    if text:
        return _from_text(
            name,
            encoded(column, _written_label if written else _typed_label),
            categorical=categorical or (types.is_dictionary(column.type) and not written),
            written=written,
        )
    if types.is_dictionary(column.type) and (numeric or types.is_boolean(inner)):
        return _category(name, encoded(column, _number_label), None)
    if numeric or types.is_boolean(inner):
        values = _floats(column)
        if np.isnan(values).all():
            raise _all_missing(name)
        _check_finite(name, values)
        if not categorical:
            return _numeric(name, values)
        return _labelled(name, values, _number_label if numeric else _boolean_label)
    if types.is_temporal(inner):
        if categorical:
            return _category(name, encoded(column, str), None)
        raise DataError(
            f"column {shown(name)} holds dates or times ({inner}), and a regression needs numbers. "
            "Give a number instead (the year, the days since a first day), or, if the different "
            f"dates are groups, use --categorical {shown(name)}."
        )
    raise DataError(
        f"column {shown(name)} holds values of the type {shown(str(inner), 60)}, which is neither "
        "a number nor text. Make one column of numbers or of text out of it."
    )


def _from_text(name: str, text: Text, *, categorical: bool, written: bool) -> Column:
    """Text: numbers in disguise, a category, or neither."""
    if not text.labels:
        raise _all_missing(name)
    first_text = text.first(_is_word) or text.first(lambda _: True)
    if categorical:
        return _category(name, text, first_text)
    if text.first(_is_word) is None:
        if not written:
            return _category(name, text, first_text)
        values = text.numbers(float)
        _check_finite(name, values)
        return _numeric(name, values)
    if text.share(_PUNCTUATED.fullmatch) > 0.5:
        raise _not_all_numbers(name, text)
    return _category(name, text, first_text)


def _is_word(label: str) -> bool:
    return NUMBER.fullmatch(label) is None


def _not_all_numbers(name: str, text: Text) -> DataError:
    """Name the first value that keeps the column from being one of numbers."""
    row, value = text.first(_is_word) or (1, text.labels[0])
    place = f"column {shown(name)}, data row {row}: {shown(value, 40)}"
    if _PUNCTUATED.fullmatch(value):
        return DataError(
            f"{place} is not a plain number, and there is more than one way to read it. Write "
            "numbers without thousands separators, blanks, currency or percent signs, with a "
            "decimal point (or, in a file whose columns are not separated by commas, with a "
            f"decimal comma throughout). If the values are labels, use --categorical {shown(name)}."
        )
    return DataError(
        f"{place} is not a number, but most of the column is. If the value is missing, leave the "
        f"cell empty; if the column holds labels, use --categorical {shown(name)}."
    )


def _numeric(name: str, values: NDArray[np.float64]) -> Column:
    absent = np.isnan(values)
    present = values[~absent]
    kind: Kind = "continuous"
    if present.size and present.min() != present.max():
        low, high = present.min(), present.max()
        if np.all((present == low) | (present == high)):
            kind = "binary"
        elif low >= 0 and np.all(present == np.floor(present)):
            kind = "count"
    return Column(name, kind, _frozen(values), (), int(absent.sum()))


def _category(name: str, text: Text, first_text: tuple[int, str] | None) -> Column:
    present = text.codes[text.codes >= 0]
    rows = np.bincount(present, minlength=len(text.labels))
    used = [label for label, n in zip(text.labels, rows, strict=True) if n]
    if not used:
        raise _all_missing(name)
    if len(used) > _MOST_LEVELS or len(used) == present.size > _FEW_ROWS:
        every = "all of them different" if len(used) == present.size else "too many for groups"
        raise DataError(
            f"column {shown(name)} has {len(used):,} different labels in {present.size:,} rows, "
            f"{every}: it names the rows rather than groups of them, and cannot be a category. "
            "Make it coarser or convert it to numbers."
        )
    if all(NUMBER.fullmatch(label) for label in used):
        levels = sorted(used, key=lambda label: (float(label), label))
    else:
        levels = sorted(used)
    rank = {label: float(i) for i, label in enumerate(levels)}
    values = text.numbers(lambda label: rank.get(label, np.nan))
    missing = len(text.codes) - present.size
    return Column(name, "category", _frozen(values), tuple(levels), missing, first_text)


def _labelled(
    name: str, values: NDArray[np.float64], label: Callable[[float], str | None]
) -> Column:
    """Numbers as a category: one level for each different number."""
    absent = np.isnan(values)
    distinct, codes = np.unique(values[~absent], return_inverse=True)
    everywhere = np.full(values.size, -1, np.int64)
    everywhere[~absent] = codes
    return _category(name, Text(everywhere, tuple(label(v) or "" for v in distinct)), None)


def as_category(column: Column) -> Column:
    """A column of numbers as a category: one level for each different number."""
    return _labelled(column.name, column.values, _number_label)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Numbers, decimals and booleans as float64, NaN where missing."""
    import pyarrow as pa

    parts = []
    for chunk in column.chunks:
        if pa.types.is_decimal(chunk.type):
            # numpy turns None into NaN.
            parts.append(np.array(chunk.to_pylist(), np.float64))
        else:
            values, present = _buffers(chunk)
            parts.append(values if present is None else np.where(present, values, np.nan))
    return np.concatenate(parts, dtype=np.float64)


def as_float64(array: pa.Array) -> NDArray[np.float64]:
    """The numbers or booleans of an Arrow array, NaN where missing, (rows,)."""
    values, present = _buffers(array)
    if present is None:
        return np.asarray(values, np.float64)
    return np.where(present, values, np.nan).astype(np.float64)


def floats(values: NDArray[np.float64]) -> pa.ChunkedArray:
    """Wrap *values* as Arrow, NaN for missing; `pyarrow.array` would import pandas."""
    import pyarrow as pa

    data = pa.py_buffer(np.ascontiguousarray(values, np.float64))
    return pa.chunked_array([pa.Array.from_buffers(pa.float64(), len(values), [None, data])])


def _buffers(array: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Values of a numeric or boolean Arrow array, and which of them are present: both (rows,).

    None where all are.

    `pyarrow.Array.to_numpy` does the same and imports pandas where there is one: 40 MB and 150 ms
    that the main job has no use for. The layout is part of Arrow's specification.
    """
    import pyarrow as pa

    rows = slice(array.offset, array.offset + len(array))

    def bits(buffer: pa.Buffer) -> NDArray[np.bool_]:
        bytes_ = np.frombuffer(buffer, np.uint8, count=(rows.stop + 7) // 8)
        return np.unpackbits(bytes_, bitorder="little")[rows].astype(bool)

    validity, data = array.buffers()
    present = None if validity is None or array.null_count == 0 else bits(validity)
    if len(array) == 0 or data is None:
        return np.zeros(len(array)), present
    if pa.types.is_boolean(array.type):
        return bits(data), present
    name = str(array.type)
    kind = np.dtype(_FLOATS.get(name, name))
    return np.frombuffer(data, kind, count=rows.stop)[rows], present


def _check_finite(name: str, values: NDArray[np.float64]) -> None:
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise DataError(
            f"column {shown(name)}, data row {infinite[0] + 1}: {values[infinite[0]]:+} is not a "
            "finite number (or it is too large for one). If the value is missing, leave the cell "
            "empty; if it comes from a division by zero or a logarithm of zero, mend that."
        )
    large = np.flatnonzero(np.abs(values) > _LARGEST)
    if large.size:
        raise DataError(
            f"column {shown(name)}, data row {large[0] + 1}: {values[large[0]]:g} is too large to "
            "compute with: its square leaves what a computer can hold. Give the column in a larger "
            "unit, or leave the cell empty if the value is a code for missing."
        )


def _all_missing(name: str) -> DataError:
    return DataError(
        f"column {shown(name)} is missing in every row. If it was not measured, mark it latent in "
        "the DAG, or take it out."
    )


def _written_label(value: str) -> str | None:
    bare = value.strip()
    return None if bare in MISSING else bare


def _typed_label(value: str) -> str | None:
    return value if value.strip() else None


def _number_label(value: Any) -> str | None:
    number = float(value)
    if np.isnan(number):
        return None
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _boolean_label(value: float) -> str:
    return "true" if value else "false"


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lock an array that nobody else holds: every way to one above makes a copy."""
    values.flags.writeable = False
    return values

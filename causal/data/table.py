"""Tables of checked columns: the only form in which data enter a regression.

>>> table = read_table({"x": [1, 2, None], "y": [0.5, 1.5, 2.5], "id": "abc"}, ["x", "y"])
>>> table.rows, table["x"].missing, table.complete(["x", "y"]).rows
(3, 1, 2)

`read_table` takes whatever holds a table (a CSV, Parquet or Arrow file, a DataFrame of any library,
a dict of arrays) and answers with the wanted columns and nothing else: numbers as float64, missing
as NaN, groups as levels. What it cannot read without guessing it refuses, naming row and value.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from causal.data.column import NUMBER, Column, Kind, column_from_arrow
from causal.data.source import Format, Source, without_password
from causal.errors import DataError, TooManyRows, did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Column", "CountedTable", "Format", "Kind", "Source", "Table", "read_table"]


MOST_WRITTEN = 5_000_000
"""Rows of a `CountedTable` that are written out, which are then in memory several times."""
_PERHAPS_LARGE = 25_000_000
"""Bytes of a file below which it is read without another thought."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Checked columns of one length.

    Attributes
    ----------
    source
        Where they come from, with notes for the user.
    rows
        How many rows there are.
    columns
        Name -> column; only those that were asked for.
    """

    source: Source
    rows: int
    columns: Mapping[str, Column]

    def __getitem__(self, name: str) -> Column:
        try:
            return self.columns[name]
        except KeyError:
            raise DataError(
                f"{self.source.name}: no column {shown(name)} was read."
                f"{did_you_mean(name, self.columns)}"
            ) from None

    @property
    def total(self) -> int:
        """How many rows of data these are."""
        return self.rows

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """How many rows of data each row stands for, (rows,); None: one."""
        return None

    def written_out(self, names: Iterable[str]) -> Table:
        """The columns *names*, one row for each row of data."""
        return replace(self, columns=MappingProxyType({name: self[name] for name in names}))

    def complete(self, names: Iterable[str]) -> Table:
        """Keep the columns *names* and the rows that lack none of them.

        Kinds and levels are derived anew from these rows: a level without rows disappears, and a
        binary column may have become constant.

        Raises
        ------
        DataError
            No row is left.
        """
        columns = {name: self[name] for name in names}
        kept = np.ones(self.rows, bool)
        for column in columns.values():
            kept &= ~np.isnan(column.values)
        rows = int(kept.sum())
        if rows == 0:
            counts = ", ".join(f"{shown(n)} in {k:,}" for n, k in self.lacking(columns).items())
            raise DataError(
                f"{self.source.name}: none of the {self.rows:,} rows has a value in every column "
                f"that is needed. Missing: {counts}."
            )
        if rows < self.rows:
            columns = {name: column.only(kept) for name, column in columns.items()}
        return Table(self.source, rows, MappingProxyType(columns))

    def lacking(self, names: Iterable[str]) -> dict[str, int]:
        """Map each of *names* to the number of rows that lack it, if there are any."""
        return {name: self[name].missing for name in names if self[name].missing}


@dataclass(frozen=True, slots=True, eq=False)
class CountedTable(Table):
    """Each different row once, and how many rows it stands for.

    Attributes
    ----------
    counts
        (rows,), whole numbers of 1 or more. ``rows`` is their number, `total` their sum.
    """

    counts: NDArray[np.float64]

    @property
    def total(self) -> int:
        """How many rows this stands for."""
        return int(self.counts.sum())

    @property
    def weights(self) -> NDArray[np.float64]:
        """How many rows each row stands for, (rows,)."""
        return self.counts

    def written_out(self, names: Iterable[str]) -> Table:
        """The columns *names*, with as many rows as each row stands for.

        Raises
        ------
        TooManyRows
            Above `MOST_WRITTEN` rows.
        """
        if self.total > MOST_WRITTEN:
            raise TooManyRows(
                f"This goes row by row, and {self.total:,} rows are too many for that (above "
                f"{MOST_WRITTEN:,}). Take a sample of them."
            )
        times = self.counts.astype(np.intp)
        columns = {name: self[name].holding(np.repeat(self[name].values, times)) for name in names}
        return Table(self.source, self.total, MappingProxyType(columns))

    def complete(self, names: Iterable[str]) -> CountedTable:
        """Keep the columns *names*; no row lacks any."""
        columns = {name: self[name] for name in names}
        return replace(self, columns=MappingProxyType(columns))


def read_table(
    source: str | os.PathLike[str] | object,
    names: Sequence[str],
    *,
    categorical: Collection[str] = (),
) -> Table:
    """Read the columns *names* of a table and check them.

    Parameters
    ----------
    source
        The path of a CSV, Parquet or Arrow (Feather) file, recognised by content; or a pandas or
        polars DataFrame, an Arrow table, any object that exports an Arrow stream, or a mapping of
        names to arrays or lists.
    names
        The columns that are wanted, as the header has them. Others are not converted.
    categorical
        Those of *names* that are groups although they look like numbers.

    Raises
    ------
    DataError
        The table cannot be read, lacks a column, or has a column that cannot enter a regression.
        The message begins with the source and names row and value where there are any.
    """
    wanted = tuple(dict.fromkeys(names))
    unknown = [name for name in categorical if name not in wanted]
    if unknown:
        raise DataError(
            f"cannot make a category of {shown(unknown[0])}: no such column is used."
            f"{did_you_mean(unknown[0], wanted)}"
        )
    if not wanted:
        raise DataError("no column of the data is wanted: every variable is latent.")
    is_path = isinstance(source, str | os.PathLike)
    called = _shown_path(source) if is_path else type(source).__name__
    if isinstance(source, list | tuple) and source:
        more = f" and {len(source) - 1} more" if len(source) > 1 else ""
        called = f"{_shown_path(source[0])}{more}"
    try:
        return _read(source, wanted, categorical)
    except DataError as error:
        raise DataError(f"{called}: {error}") from error.__cause__


def _read(
    source: str | os.PathLike[str] | object, wanted: Sequence[str], categorical: Collection[str]
) -> Table:
    if _is_far(source):
        from causal.data.address import opened

        found = opened(source, wanted, categorical)
        if isinstance(found, Table):
            return found
        raw = found
    elif isinstance(source, str | os.PathLike):
        from causal.data.files import read_file

        raw = read_file(source, wanted, categorical)
    else:
        from causal.data.memory import read_object

        raw = read_object(source, wanted)
    if raw.columns.num_rows == 0:
        raise DataError("there are columns but no row of data.")
    columns = {
        name: column_from_arrow(
            name, raw.columns[name], categorical=name in categorical, written=raw.written
        )
        for name in wanted
    }
    notes = tuple(
        f"{shown(column.name)} holds numbers as text, and was read as a category of "
        f"{len(column.levels)} levels. If it is a quantity, convert it to numbers."
        for column in columns.values()
        if column.first_text and column.name not in categorical
        if all(NUMBER.fullmatch(level) for level in column.levels)
    )
    source_read = replace(raw.source, notes=(*raw.source.notes, *notes))
    return Table(source_read, raw.columns.num_rows, MappingProxyType(columns))


def _is_far(source: object) -> bool:
    """Whether the rows stay where they are; most sources are told without a further import."""
    if isinstance(source, str | os.PathLike):
        try:
            status = os.stat(source)  # noqa: PTH116 - a name with a NUL byte is no Path, but an error
        except (OSError, ValueError):
            pass
        else:
            if not stat.S_ISDIR(status.st_mode) and status.st_size < _PERHAPS_LARGE:
                return False
    elif isinstance(source, list | tuple):
        return bool(source) and all(isinstance(one, str | os.PathLike) for one in source)
    elif type(source).__module__.partition(".")[0] != "ibis":
        return False
    from causal.data.address import is_far

    return is_far(source)


def _shown_path(path: str | os.PathLike[str] | object) -> str:
    # Unquoted, as a user typed it; control characters must not reach a terminal all the same.
    return shown(without_password(str(path)), 200)[1:-1]

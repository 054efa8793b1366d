"""Tables that are in memory already: pandas, polars, Arrow, anything that exports Arrow, a dict.

No library is imported to recognise its objects: if pandas was never imported, nothing is a
pandas DataFrame.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from causal.data.column import floats
from causal.data.source import Raw, Source, found
from causal.errors import DataError, shown

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_object"]


@runtime_checkable
class _ArrowStream(Protocol):
    """What polars, DuckDB, Ibis, nanoarrow ... implement: the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


def read_object(source: object, wanted: Sequence[str]) -> Raw:
    """Take the *wanted* columns of a table in memory; column labels are compared as text.

    Raises
    ------
    DataError
        An object that is no table; duplicate or absent columns; columns of unequal length, of two
        dimensions, or of values that are neither numbers nor text.
    """
    import pyarrow as pa

    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        header = [str(label) for label in source.columns]
        places, notes = found(header, wanted)
        columns = [_array(header[i], source.iloc[:, i]) for i in places]
        table = _joined(wanted, columns)
    elif isinstance(source, Mapping):
        header = [str(label) for label in source]
        places, notes = found(header, wanted)
        given = list(source.values())
        table = _joined(wanted, [_array(header[i], given[i]) for i in places])
    elif isinstance(source, pa.Table | pa.RecordBatch | _ArrowStream):
        try:
            whole = pa.table(source)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(
                f"this {type(source).__name__} cannot be taken as a table: "
                f"{shown(str(error), 300)}."
            ) from error
        places, notes = found(whole.schema.names, wanted)
        table = whole.select(list(places)).rename_columns(list(wanted))
    else:
        raise DataError(
            f"an object of the type {shown(type(source).__name__)} is no table. Give a path, a "
            "pandas or polars DataFrame, an Arrow table, or a dict of arrays."
        )
    return Raw(Source(type(source).__name__, "memory", None, notes), table)


def _joined(names: Sequence[str], columns: Sequence[pa.ChunkedArray]) -> pa.Table:
    import pyarrow as pa

    lengths = {name: len(column) for name, column in zip(names, columns, strict=True)}
    for name, length in lengths.items():
        if length != lengths[names[0]]:
            raise DataError(
                f"column {shown(names[0])} has {lengths[names[0]]:,} values and column "
                f"{shown(name)} has {length:,}. Give columns of one length."
            )
    return pa.table(list(columns), names=list(names))


def _array(name: str, values: Any) -> pa.ChunkedArray:
    """One column as Arrow has it, whatever sequence it came as."""
    import pyarrow as pa

    if isinstance(values, str | bytes | Mapping | AbstractSet) or not isinstance(values, Iterable):
        raise DataError(
            f"column {shown(name)} is {shown(str(values), 40)}, and not a sequence of values. "
            "Give an array or a list with one value per row."
        )
    if isinstance(values, Iterator):
        values = list(values)
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise DataError(
            f"column {shown(name)} has {values.ndim} dimensions. Give one value per row."
        )
    if isinstance(values, np.ma.MaskedArray):
        values = [
            None if absent else v
            for v, absent in zip(values.data, np.ma.getmaskarray(values), strict=True)
        ]
    try:
        column = values if isinstance(values, pa.Array | pa.ChunkedArray) else _converted(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        column = _mixed(name, list(values))
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _converted(values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, np.ndarray | list | tuple):
        numbers = np.asarray(values)
        if numbers.dtype.kind in "iuf" and numbers.ndim == 1:
            return floats(numbers.astype(np.float64))
    pandas = sys.modules.get("pandas")
    known = () if pandas is None else (pandas.Series, pandas.api.extensions.ExtensionArray)
    if isinstance(values, (np.ndarray, *known)):
        return pa.array(values, from_pandas=True)
    if isinstance(values, _ArrowStream):
        return pa.chunked_array(values)
    return pa.array(list(values), from_pandas=True)


def _mixed(name: str, values: Sequence[Any]) -> pa.Array:
    """Python objects of several types: numbers if all are, else text, so that it can be judged."""
    import pyarrow as pa

    pandas = sys.modules.get("pandas")
    nothing = (None,) if pandas is None else (None, pandas.NA, pandas.NaT)
    present = [None if any(v is n for n in nothing) else v for v in values]
    for row, value in enumerate(present, start=1):
        if not (value is None or isinstance(value, str | Real | Decimal | np.bool_)):
            raise DataError(
                f"column {shown(name)}, data row {row} holds an object of the type "
                f"{shown(type(value).__name__)}, which is neither a number nor text. Make one "
                "column of numbers or of text out of it."
            )
    if not any(isinstance(value, str) for value in present):
        return pa.array(
            [None if value is None else float(value) for value in present], pa.float64()
        )
    # NaN is the one value that differs from itself, and stands for missing.
    return pa.array([None if v is None or v != v else str(v) for v in present], pa.string())  # noqa: PLR0124

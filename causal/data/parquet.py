"""Parquet files, read by row group, each by whichever thread comes to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from causal.data.threads import ready

__all__ = ["row_groups"]

LARGE = 1_000_000
"""Rows of a group beyond which it is read in pieces."""


def row_groups(files: Sequence[str], columns: Sequence[str]) -> Iterator[Callable[[], Any]]:
    """Functions that read some rows each, in order: an Arrow table of these columns in this order.

    Raises
    ------
    pyarrow.ArrowException, OSError
        A damaged file; the functions do too.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    own = threading.local()  # a file is not for two threads, and not to be opened for each group

    def read(path: str, metadata: Any, group: int) -> Any:
        if getattr(own, "path", None) != path:
            own.path, own.file = path, pq.ParquetFile(path, metadata=metadata)
        # `columns` also matches the fields of nested columns: select again.
        found = own.file.read_row_group(group, columns=list(columns), use_threads=False)
        return found.select(list(columns))

    for path in files:
        with pq.ParquetFile(path) as file:
            metadata = file.metadata
            for group in range(metadata.num_row_groups):
                if metadata.row_group(group).num_rows <= LARGE:
                    yield partial(read, path, metadata, group)
                    continue
                for batch in file.iter_batches(LARGE, row_groups=[group], columns=list(columns)):
                    part = pa.Table.from_batches([batch]).select(list(columns))
                    yield ready(part)

"""Files that are whole or not there: written beside their place, then renamed into it."""

from __future__ import annotations

import os
from pathlib import Path

from causal.errors import OutputError, shown

__all__ = ["utf8", "write_whole"]


def write_whole(target: Path, data: bytes) -> None:
    """Write *data* to *target*; what stood there stays until all of it is written.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    try:
        if target.is_dir():
            raise IsADirectoryError("it is a directory")
        part = target.with_name(f".causal-{os.getpid()}-{os.urandom(4).hex()}.part")
        try:
            part.write_bytes(data)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"Cannot write {shown(str(target))}: {shown(why, 200)[1:-1]}. "
            "Name a file in a directory that exists and may be written to."
        ) from error


def utf8(name: str) -> str:
    """A name as UTF-8 can hold it: lone surrogates, which it cannot, are written as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()

"""Where a table comes from, and how the wanted columns are found by name among its headers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit, urlunsplit

from causal.errors import DataError, did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

__all__ = ["Format", "Raw", "Source", "found", "without_password"]

_SECRET = re.compile(r"((?:^|&)[^=&]*(?:pass|pwd|token|secret|key)[^=&]*=)[^&]*", re.IGNORECASE)

Format = Literal["csv", "parquet", "arrow", "memory", "table"]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where a table was read from.

    Attributes
    ----------
    name
        As a person would name it: the path, or the type of an object in memory.
    format
        What it was recognised as, by content.
    sha256
        Of the file's bytes, in hexadecimal; None for an object in memory.
    notes
        Sentences a user should see about how it was read.
    separator, decimal
        Of a text file: what stands between fields, and in numbers.
    """

    name: str
    format: Format
    sha256: str | None = None
    notes: tuple[str, ...] = ()
    separator: str = ","
    decimal: str = "."


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """The wanted columns as Arrow has them, not yet checked; `written` if types are guesses."""

    source: Source
    columns: pa.Table
    written: bool = False


def found(header: Sequence[str], wanted: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Find the *wanted* columns in the *header*.

    A name is found as it is written, or else without the blanks around a header (``x, y``).

    Returns
    -------
    places
        The position of each wanted column, in their order.
    notes
        A sentence where a header was not taken literally.

    Raises
    ------
    DataError
        A header that occurs twice; wanted columns that are absent, all of them named.
    """
    # Empty headers are common (a trailing separator) and harmless: nobody can ask for one.
    twice = [name for name, times in Counter(header).items() if times > 1 and name]
    if twice:
        raise DataError(
            f"the header has more than one column called {', '.join(map(shown, twice))}. "
            "Rename the columns so that every name is different."
        )
    bare = Counter(name.strip() for name in header)
    place = {name.strip(): i for i, name in enumerate(header) if bare[name.strip()] == 1}
    place |= {name: i for i, name in enumerate(header)}
    absent = [name for name in wanted if name not in place]
    if absent:
        raise DataError(_absent(absent, header))
    places = tuple(place[name] for name in wanted)
    notes = tuple(
        f"The header {shown(header[i])} was read as {shown(name)}."
        for i, name in zip(places, wanted, strict=True)
        if header[i] != name
    )
    return places, notes


def without_password(address: str) -> str:
    """An address as it may be shown: without what its query calls a password, token or key, too."""
    try:
        parts = urlsplit(address)
        secret = parts.password
    except ValueError:  # no address
        return address
    if not parts.scheme or "://" not in address:
        return address
    query = _SECRET.sub(r"\1***", parts.query)
    netloc = parts.netloc
    if secret is not None:
        netloc = f"{parts.username}:***@{netloc.rpartition('@')[2]}"
    if (netloc, query) == (parts.netloc, parts.query):
        return address
    return urlunsplit(parts._replace(netloc=netloc, query=query))


def _absent(absent: Sequence[str], header: Sequence[str]) -> str:
    """Every absent name, what may have been meant, and the way out for what was not measured."""
    plain = all(name.replace("_", "").isalnum() and name.isascii() for name in absent)
    option = f"--latent {','.join(absent)}"
    way_out = option if plain and len(option) <= 200 else "--latent NAME"
    if len(absent) == 1:
        hint = _meant(absent[0], header)
        return (
            f"there is no column {shown(absent[0])}.{hint} "
            f"If it was not measured, mark it latent: {way_out}"
        )
    hints = [(name, _meant(name, header)) for name in absent[:10]]
    meant = "".join(
        f" For {shown(name)}: did you mean{hint.removeprefix(' Did you mean')}"
        for name, hint in hints
        if hint.startswith(" Did you mean")
    )
    listed = meant or (hints[0][1] if hints else "")
    return (
        f"there are no columns {', '.join(map(shown, absent))}.{listed} "
        f"If they were not measured, mark them latent: {way_out}"
    )


def _meant(name: str, header: Sequence[str]) -> str:
    from unicodedata import normalize

    # Two spellings of one glyph (a ligature, a composed accent) are different names here, as they
    # are to Python; to the eye they are the same, so the message has to say what differs.
    for other in header:
        if normalize("NFKC", other) == normalize("NFKC", name):
            points = " ".join(f"U+{ord(c):04X}" for c in other[:8])
            return f" Did you mean {shown(other)}, which is encoded differently ({points})?"
    return did_you_mean(name, (other for other in header if other))

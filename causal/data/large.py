"""Tables that are too large to hold: known by facts, and read in blocks.

A linear regression needs sums over the rows and not the rows, so a table of any size can answer if
its columns know what a regression asks of them (`FarColumn`: kind, levels, smallest and largest
value) and its rows can be passed over (`LargeTable.blocks`) or summed up where they lie
(`LargeTable.products`). Whoever asks for the values themselves is refused with `TooManyRows`: never
is a part of the rows taken for the whole.

What a table of a few combinations of values comes down to is a `CountedTable`: each combination
once, and how many rows it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from causal.data.column import Column, Kind
from causal.data.moments import Moments
from causal.data.table import CountedTable, Table
from causal.errors import DataError, TooManyRows, shown

if TYPE_CHECKING:
    from causal.data.source import Source

__all__ = [
    "MOST_DISTINCT",
    "Factor",
    "Facts",
    "FarColumn",
    "LargeTable",
    "Product",
    "Profile",
    "Rows",
    "counted",
    "refuse",
]

Array = NDArray[np.float64]

MOST_DISTINCT = 64
"""Beyond so many different values nobody counts them."""
MOST_CELLS = 100_000
"""Combinations of values that are still few."""
HELD = 50_000_000
"""Numbers (rows times columns) that are read into memory where nothing else helps: 0.4 GB."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a column's values.

    Attributes
    ----------
    present, missing
        Rows with and without a value.
    low, high
        Smallest and largest value; of a category the first and the last code.
    distinct
        How many different values, up to `MOST_DISTINCT` + 1.
    whole
        Whether all are whole numbers.
    level_rows
        Of a category: how many rows each level has.
    """

    present: int
    missing: int
    low: float
    high: float
    distinct: int
    whole: bool
    level_rows: tuple[int, ...] = ()


class FarColumn(Column):
    """A column known by its facts, and some of its values or none."""

    __slots__ = ("facts", "held")

    facts: Facts
    held: Array | None

    def __init__(
        self, name: str, levels: tuple[str, ...], facts: Facts, held: Array | None = None
    ) -> None:
        own = {
            "name": name,
            "kind": _kind(levels, facts),
            "levels": levels,
            "missing": facts.missing,
            "first_text": (0, levels[0]) if levels else None,  # nobody looked for its row
            "facts": facts,
            "held": held,
        }
        for attribute, value in own.items():
            object.__setattr__(self, attribute, value)

    def __repr__(self) -> str:
        return f"<{self.kind} {shown(self.name)}>"

    @property
    def values(self) -> Array:
        """The values of a block.

        Raises
        ------
        TooManyRows
            Of the whole.
        """
        if self.held is None:
            refuse(f"the values of {shown(self.name)}")
        return self.held

    @property
    def distinct(self) -> int:
        """How many different values are present; `MOST_DISTINCT` + 1 stands for more."""
        return self.facts.distinct

    @property
    def constant(self) -> bool:
        """Whether every row that has a value has the same one."""
        return self.facts.distinct < 2

    @property
    def low(self) -> float:
        """The smallest value that is present."""
        return self.facts.low

    @property
    def high(self) -> float:
        """The largest value that is present."""
        return self.facts.high

    @property
    def level_rows(self) -> NDArray[np.int64]:
        """How many rows each level of a category has, (levels,)."""
        return np.array(self.facts.level_rows, np.int64)

    def holding(self, values: Array) -> FarColumn:
        """The same column with the values of some rows."""
        return FarColumn(self.name, self.levels, self.facts, values)

    def only(self, rows: NDArray[np.bool_]) -> NoReturn:
        """Refuse: rows are left out by `LargeTable.complete`."""
        del rows
        refuse(f"the values of {shown(self.name)}")


def _in_memory(column: Column, values: Array) -> Column:
    """A column with all its values, which knows more than its facts."""
    values.flags.writeable = False
    return Column(column.name, column.kind, values, column.levels, 0, column.first_text)


def counted(column: Column, weights: Array) -> FarColumn:
    """A category whose rows stand for several each."""
    rows = np.bincount(column.values.astype(np.intp), weights, len(column.levels))
    levels = len(column.levels)
    each = tuple(rows.astype(np.int64).tolist())
    facts = Facts(sum(each), 0, 0.0, levels - 1.0, levels, whole=True, level_rows=each)
    return FarColumn(column.name, column.levels, facts, column.values)


def _kind(levels: tuple[str, ...], facts: Facts) -> Kind:
    if levels:
        return "category"
    if facts.distinct == 2:
        return "binary"
    return "count" if facts.distinct > 2 and facts.whole and facts.low >= 0.0 else "continuous"


def refuse(what: str) -> NoReturn:
    """Say that something needs all rows at once."""
    raise TooManyRows(
        f"This would take {what} into memory, and there are too many rows for that. Normal models "
        "need sums over the rows only, and so do probabilities and counts of a few combinations of "
        "categories; for all else take a sample of the rows, or fewer different values."
    )


@dataclass(frozen=True, slots=True)
class Factor:
    """One number a row, by the name of its column: what sums of products are made of.

    Attributes
    ----------
    shape
        ``"value"``, its ``"log"``, a ``"power"`` of (value - `base`), or whether it is the
        ``"level"`` `label`.
    centre
        Subtracted at the end.
    """

    variable: str
    shape: str = "value"
    exponent: int = 1
    base: float = 0.0
    label: str = ""
    centre: float = 0.0


Product = tuple[Factor, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What one pass over the rows shows.

    Attributes
    ----------
    plain
        The statistic of all columns of numbers, if it came for free.
    far
        The rows, with the levels that were found.
    """

    rows: int
    columns: dict[str, FarColumn]
    plain: Moments | None
    far: Rows


class Rows(Protocol):
    """Where the rows of a large table lie.

    `pushes` says whether sums are better formed there (a database) than here (a file).
    """

    @property
    def pushes(self) -> bool:
        """Whether sums are formed there."""

    def profile(self, names: Sequence[str], complete: Sequence[str]) -> Profile:
        """What one pass shows; only rows that lack none of *complete* count."""

    def mapped[Made](
        self,
        work: Callable[[dict[str, Array]], Made],
        names: Sequence[str],
        complete: Sequence[str],
    ) -> Iterator[Made]:
        """What *work* makes of the values by column, block by block, in the order of the rows.

        Several threads call it. Categories are codes of the levels last profiled.
        """

    def products(
        self, products: Sequence[Product], complete: Sequence[str]
    ) -> tuple[int, Array, Array]:
        """Rows, the means of the products, and sums of (1, products less their means) by twos."""

    def squares(
        self, products: Sequence[Product], forms: Sequence[Array], complete: Sequence[str]
    ) -> Array:
        """Sums over the rows of ``(k'Fk)^2`` for each form F, with ``k = (1, products)``."""

    def cells(
        self, names: Sequence[str], complete: Sequence[str], most: int
    ) -> tuple[dict[str, Array], Array] | None:
        """The different rows and how often each occurs; None if there are more than *most*."""


@dataclass(frozen=True, slots=True, eq=False)
class LargeTable(Table):
    """A table that stays where it is.

    Attributes
    ----------
    far
        Where the rows are.
    needed
        Columns that some rows lack, and no row used may.
    plain
        The statistic of all columns of numbers (named by the column), if it is known.
    """

    far: Rows
    needed: tuple[str, ...] = ()
    plain: Moments | None = None

    @classmethod
    def of(cls, source: Source, far: Rows, names: Sequence[str]) -> LargeTable:
        """The columns *names* of all rows, after one pass over them."""
        found = far.profile(names, ())
        return cls(source, found.rows, MappingProxyType(found.columns), found.far, (), found.plain)

    def complete(self, names: Iterable[str]) -> LargeTable:
        """Keep the columns *names* and the rows that lack none of them.

        Raises
        ------
        DataError
            No row is left.
        """
        wanted = {name: self[name] for name in names}
        lacking = self.lacking(wanted)
        if not lacking:
            return replace(self, columns=MappingProxyType(wanted))
        found = self.far.profile(tuple(wanted), tuple(lacking))
        if found.rows == 0:
            raise DataError(
                f"{self.source.name}: none of the {self.rows:,} rows has a value in every column "
                "that is needed. Missing: "
                f"{', '.join(f'{shown(n)} in {k:,}' for n, k in lacking.items())}."
            )
        columns = MappingProxyType(found.columns)
        needed = tuple(name for name in wanted if name in lacking)
        return LargeTable(self.source, found.rows, columns, found.far, needed, found.plain)

    def mapped[Made](self, work: Callable[[Table], Made]) -> Iterator[Made]:
        """What *work* makes of the rows, some at a time, in order; columns know the whole's facts.

        Several threads call it at once: what it changes must be its own.
        """
        names = tuple(self.columns)

        def made(values: dict[str, Array]) -> tuple[Made, ...]:
            columns = {n: self._held(self[n], values[n]) for n in names}
            rows = len(values[names[0]])
            return (work(Table(self.source, rows, MappingProxyType(columns))),) if rows else ()

        for found in self.far.mapped(made, names, self.needed):
            yield from found

    def products(self, names: Sequence[Any], products: Sequence[Product]) -> Moments | None:
        """The statistic of products, named as given, from sums formed where the rows lie.

        ``None`` where sums of squares would lose too many digits: then `blocks` are the way.
        """
        rows, centre, sums = self.far.products(products, self.needed)
        return Moments.of_products(tuple(names), rows, centre, sums)

    def gathered(self, names: Iterable[str], *, counted: bool = True) -> Table:
        """The columns *names* in memory: each combination of values once, or else all rows.

        Parameters
        ----------
        counted
            Whether each row may stand for several.

        Raises
        ------
        TooManyRows
            Too many of both.
        """
        wanted = tuple(names)
        most = min(MOST_CELLS, max(self.rows // 2, 1))
        found = None
        if counted and all(self._few(name) for name in wanted):
            found = self.far.cells(wanted, self.needed, most)
        if found is not None:
            values, counts = found
            columns = {n: self._held(self[n], values[n]) for n in wanted}
            return CountedTable(self.source, len(counts), MappingProxyType(columns), counts)
        if self.rows * len(wanted) > HELD:
            refuse(f"{self.rows:,} rows of {len(wanted)} columns")
        parts = list(self.far.mapped(lambda values: values, wanted, self.needed))
        held = {n: _in_memory(self[n], np.concatenate([part[n] for part in parts])) for n in wanted}
        return Table(self.source, self.rows, MappingProxyType(held))

    def _few(self, name: str) -> bool:
        """Whether a column may have few different values."""
        column = self[name]
        assert isinstance(column, FarColumn)
        return column.facts.whole or column.distinct <= MOST_DISTINCT

    @staticmethod
    def _held(column: Column, values: Array) -> FarColumn:
        assert isinstance(column, FarColumn)
        return FarColumn(column.name, column.levels, column.facts, values)

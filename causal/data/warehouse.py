"""The rows of a table that stays where it is, by way of Ibis.

Files (CSV, Parquet) are streamed by the DuckDB that comes with Ibis; a table of a database is
summed up where it lies, so that only numbers of the size of the model come back. Either way the
columns are called c0, c1, ... in every query: names from files are data and never part of one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal.data.column import (
    MISSING,
    NUMBER,
    as_float64,
    column_from_arrow,
    encoded,
    floats,
)
from causal.data.large import MOST_DISTINCT, Factor, Facts, FarColumn, Product, Profile
from causal.data.moments import Moments
from causal.data.parquet import row_groups
from causal.data.threads import mapped, ready
from causal.errors import CausalError, DataError, MissingPart, shown

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "MOST_LEVELS",
    "Warehouse",
    "check_labels",
    "engine",
    "fetched",
    "numbers_again",
    "repeated",
    "stamps",
]

Array = NDArray[np.float64]

MOST_LEVELS = 1_000
BLOCK = 131_072
"""Rows of a block: some megabytes."""
LARGEST = 1e100
"""As of any column: see `causal.data.column`."""
_SAMPLE = 10_000
"""Rows that stand for all when it is judged what the text of a column is."""
_ADVICE = re.compile(r"\n\s*(?:Possible |Column \S+ is being |The search space |LINE \d)")


@dataclass(slots=True, eq=False)
class _Levels:
    """Of a category: its levels, and the code of each value as the table has it."""

    labels: tuple[str, ...]
    codes: dict[Any, int]


@dataclass(slots=True, eq=False)
class Warehouse:
    """Passes over the rows of an Ibis table.

    Attributes
    ----------
    connect
        Gives the Ibis table, always the same one: the engine is loaded when it is first asked.
    headers
        Name -> the name of its column there.
    called
        What messages call the table.
    written
        Its text comes from a text file, where blanks around a value are no part of it.
    categorical
        Columns that are groups although they look like numbers.
    pushes
        Whether sums are formed by the engine that holds the table.
    files
        Parquet files that are the table, which are read without the engine.
    stamps
        Of files of this machine: size and time of the last change, when they were first looked at.
    numbers
        Columns that are known to hold numbers.
    """

    connect: Callable[[], Any]
    headers: Mapping[str, str]
    called: str
    written: bool = False
    categorical: Collection[str] = ()
    pushes: bool = False
    files: tuple[str, ...] = ()
    stamps: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    numbers: Collection[str] = ()
    _levels: dict[str, _Levels] = field(default_factory=dict)

    @property
    def table(self) -> Any:
        """The Ibis table."""
        return self.connect()

    # What kind of column each is

    def is_category(self, name: str) -> bool:
        """Whether a column holds groups; refuses what is neither a number nor a group."""
        if name in self.numbers:
            return False
        kind = self.table.schema()[self.headers[name]]
        if name in self.categorical or kind.is_string():
            return True
        if kind.is_numeric() or kind.is_boolean():
            return False
        what = "dates or times" if kind.is_temporal() else f"values of the type {kind}"
        raise DataError(
            f"column {shown(name)} holds {what[:80]}, and a regression needs numbers: its values "
            "cannot be summed up. Make a column of numbers out of it, or, if its values are "
            f"groups, use --categorical {shown(name)}."
        )

    def _name(self, name: str) -> str:
        return f"c{list(self.headers).index(name)}"

    def _selected(self, names: Sequence[str]) -> Any:
        """The columns as c0, c1, ...: numbers as float64, groups as they are."""
        chosen = {}
        for name in names:
            column = self.table[self.headers[name]]
            if not self.is_category(name):
                # Not every engine has a way from true to 1.0, but by 1.
                column = column.cast("int32") if column.type().is_boolean() else column
                column = column.cast("float64")
            chosen[self._name(name)] = column
        return self.table.select(**chosen)

    def _complete(self, table: Any, complete: Sequence[str]) -> Any:
        """Only the rows that lack none of these columns."""
        for name in complete:
            column = table[self._name(name)]
            if self.is_category(name):
                table = table.filter(column.isin(list(self._levels[name].codes)))
            else:
                table = table.filter(self._present(column))
        return table

    def _present(self, column: Any) -> Any:
        """Whether a number is there: NaN is a missing value too, where an engine has it."""
        from ibis.expr.operations import IsNan

        there = column.notnull()
        backend = self.table._find_backend()  # noqa: SLF001 - Ibis has no public way to it
        return there & ~column.isnan() if backend.has_operation(IsNan) else there

    def _find_levels(self, names: Sequence[str]) -> None:
        """The labels of each category, from its different values."""
        for name in names:
            if name in self._levels or not self.is_category(name):
                continue
            self._levels[name] = self._told_apart(name)

    def _told_apart(self, name: str) -> _Levels:
        called, table = self._name(name), self._selected([name])
        grouped = table.group_by(called).aggregate(rows=table.count())
        found = fetched(grouped.limit(MOST_LEVELS + 100))
        raw = found[called].to_pylist()
        check_labels(name, raw)
        categorical = name in self.categorical
        values = found[called]
        if categorical and self.written:
            values = numbers_again(values)
        # In the shares that they have of the rows; twice at least, or a column in which no value
        # comes twice would be taken for an identifier.
        rows = as_float64(found["rows"].combine_chunks())
        times = np.maximum(np.rint(rows * (_SAMPLE / rows.sum())), 2).astype(np.intp)
        try:
            column = column_from_arrow(
                name, repeated(values, times), categorical=categorical, written=self.written
            )
        except DataError as error:  # of these the rows have no number
            raise DataError(re.sub(r", data row [\d,]+", "", str(error))) from None
        first = column.values[np.cumsum(times) - 1]
        codes = {
            value: int(code) for value, code in zip(raw, first, strict=True) if not np.isnan(code)
        }
        return _Levels(column.levels, codes)

    # Passes

    def profile(self, names: Sequence[str], complete: Sequence[str]) -> Profile:
        """See `causal.data.large.Rows`."""
        for name in names:
            self.is_category(name)
        self._find_levels(names)
        rows, facts, plain = (self._summed if self.pushes else self._streamed)(names, complete)
        columns, known = {}, dict(self._levels)
        for name in names:
            found = facts[name]
            if found.present == 0 and rows:
                raise DataError(
                    f"column {shown(name)} is missing in every row. If it was not measured, mark "
                    "it latent in the DAG, or take it out."
                )
            levels = self._levels[name].labels if name in self._levels else ()
            if levels and not all(found.level_rows):
                # Levels without a row disappear, as they do in memory.
                known[name] = _without_empty(known[name], found.level_rows)
                levels, kept = known[name].labels, tuple(n for n in found.level_rows if n)
                found = Facts(
                    found.present,
                    found.missing,
                    0.0,
                    len(kept) - 1.0,
                    len(kept),
                    whole=True,
                    level_rows=kept,
                )
            columns[name] = FarColumn(name, levels, found)
        return Profile(rows, columns, plain, replace(self, _levels=known))

    def mapped[Made](
        self,
        work: Callable[[dict[str, Array]], Made],
        names: Sequence[str],
        complete: Sequence[str],
    ) -> Iterator[Made]:
        """See `causal.data.large.Rows`."""
        both = list(dict.fromkeys([*names, *complete]))
        self._find_levels(both)

        def made(read: Callable[[], Any]) -> Made:
            with engine("the rows cannot be read"):
                values = self._values(read(), both)
            kept: Any = slice(None)
            absent = [np.isnan(values[name]) for name in complete]
            if absent and (lacking := reduce(np.logical_or, absent)).any():
                kept = ~lacking
            return work({name: values[name][kept] for name in names})

        return mapped(made, self._parts(both))

    def _parts(self, names: Sequence[str]) -> Iterator[Callable[[], Any]]:
        """Functions that read some rows of these columns, as they are."""
        with engine("the rows cannot be read"):
            self._check_unchanged()
            if self.files:
                yield from row_groups(self.files, [self.headers[name] for name in names])
            else:
                yield from map(ready, self._batches(self._selected(names)))
            self._check_unchanged()

    def _check_unchanged(self) -> None:
        """Refuse files that are other ones than in the pass before: sums would not fit together."""
        for path, stamp in self.stamps.items():
            if stamps([path])[path] != stamp:
                raise DataError(
                    f"{shown(path, 200)} has changed, or gone, since it was first read. Run this "
                    "again when nobody writes it."
                )

    def _values(self, part: Any, names: Sequence[str]) -> dict[str, Array]:
        """Codes and numbers of an Arrow table or batch, NaN where missing."""
        import pyarrow as pa

        found = {}
        for name, column in zip(names, part.columns, strict=True):
            whole = column
            if isinstance(column, pa.ChunkedArray):  # of one chunk, to combine is to copy
                whole = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            if name in self._levels:
                found[name] = _codes(whole, self._levels[name].codes)
            else:
                found[name] = as_float64(whole.cast(pa.float64(), safe=False))
        return found

    def _streamed(
        self, names: Sequence[str], complete: Sequence[str]
    ) -> tuple[int, dict[str, Facts], Moments | None]:
        """One pass over the rows, here."""
        levels = {
            name: len(self._levels[name].labels) if name in self._levels else 0 for name in names
        }
        numbers = [name for name in names if not levels[name]]

        def gathered(values: dict[str, Array]) -> tuple[int, dict[str, _Gathered], Moments | None]:
            found = {name: _Gathered.of(values[name], levels[name], every[name]) for name in names}
            for name in names:
                self._check_size(name, found[name].low, found[name].high)
            plain = None
            if numbers and not any(one.missing for one in found.values()):
                plain = Moments.of_columns([values[name] for name in numbers], tuple(numbers))
            return len(values[names[0]]), found, plain

        rows, every = 0, {name: _Gathered(levels[name]) for name in names}
        plain: Moments | None = Moments.of_columns([np.zeros(0)] * len(numbers), tuple(numbers))
        for some, found, own in self.mapped(gathered, names, complete):
            rows += some
            for name in names:
                every[name].join(found[name])
            plain = None if plain is None or own is None else plain.join(own)
        return rows, {name: one.facts() for name, one in every.items()}, plain

    def _check_size(self, name: str, low: float, high: float) -> None:
        if max(-low, high) > LARGEST:
            worst = high if high > LARGEST else low
            raise DataError(
                f"column {shown(name)} holds {worst:g}, which is no number to compute with. If it "
                "stands for a missing value, make it NULL; else give the column in a larger unit."
            )

    def _summed(
        self, names: Sequence[str], complete: Sequence[str]
    ) -> tuple[int, dict[str, Facts], Moments | None]:
        """Two queries, answered where the rows lie, and one more for each category."""
        table = self._complete(self._selected(names), complete)
        numbers = [name for name in names if name not in self._levels]
        columns = {name: table[self._name(name)] for name in numbers}
        present = {n: self._present(column).ifelse(column, None) for n, column in columns.items()}
        facts, ends = {}, self._ends(table, present)
        rows = int(ends["rows"])
        for name in names:
            if name in self._levels:
                facts[name] = self._counted(table, name, rows)
        asked = {"rows": table.count()}
        for name, column in present.items():
            low, high = ends[name, "low"], ends[name, "high"]
            between = (column != _number(low)) & (column != _number(high))
            # Beyond 2^53 all numbers are whole, and some are too large for an engine's floor.
            small = (column.abs() < _number(2.0**53)).ifelse(column, _number(0.0))
            asked[f"{self._name(name)}_more"] = between.ifelse(1, 0).sum()
            asked[f"{self._name(name)}_parts"] = (small != small.floor()).ifelse(1, 0).sum()
        known = all(ends[n, "n"] == rows for n in numbers) and not any(
            fact.missing for fact in facts.values()
        )
        centre = np.array([ends[name, "mean"] for name in numbers])
        if known and numbers:
            asked |= _sums(list(present.values()), centre)
        found = self._one(table.aggregate(**asked))
        for name in numbers:
            some, low, high = int(ends[name, "n"]), ends[name, "low"], ends[name, "high"]
            more = bool(found[f"{self._name(name)}_more"])
            facts[name] = Facts(
                some,
                rows - some,
                low,
                high,
                MOST_DISTINCT + 1 if more else int(some > 0) + int(low != high),
                whole=not found[f"{self._name(name)}_parts"],
            )
        plain = None
        if known and numbers:
            sums = _matrix(found, len(numbers), rows)
            plain = Moments.of_products(tuple(numbers), rows, centre, sums)
        return rows, facts, plain

    def _ends(self, table: Any, present: Mapping[str, Any]) -> dict[Any, float]:
        """Rows, and of each column of numbers how many there are, their ends and mean."""
        asked = {"rows": table.count()}
        for name, column in present.items():
            own = {"n": column.count(), "low": column.min(), "high": column.max()}
            own["mean"] = column.mean()
            asked |= {f"{self._name(name)}_{what}": value for what, value in own.items()}
        found = self._one(table.aggregate(**asked))
        ends: dict[Any, float] = {"rows": found["rows"]}
        for name in present:
            for what in ("n", "low", "high", "mean"):
                ends[name, what] = float(found[f"{self._name(name)}_{what}"] or 0.0)
            self._check_size(name, ends[name, "low"], ends[name, "high"])
        return ends

    def _counted(self, table: Any, name: str, rows: int) -> Facts:
        called, levels = self._name(name), self._levels[name]
        grouped = fetched(table.group_by(called).aggregate(rows=table.count()))
        counts = [0] * len(levels.labels)
        for value, n in zip(grouped[called].to_pylist(), grouped["rows"].to_pylist(), strict=True):
            if value in levels.codes:
                counts[levels.codes[value]] += n
        some = sum(counts)
        return Facts(
            some,
            rows - some,
            0.0,
            len(counts) - 1.0,
            len(counts),
            whole=True,
            level_rows=tuple(counts),
        )

    # Sums

    def products(
        self, products: Sequence[Product], complete: Sequence[str]
    ) -> tuple[int, Array, Array]:
        """See `causal.data.large.Rows`: two queries, the second about the means."""
        table, columns = self._columns(products, complete)
        means = self._one(
            table.aggregate(
                rows=table.count(), **{f"m{i}": column.mean() for i, column in enumerate(columns)}
            )
        )
        centre = np.array([float(means[f"m{i}"] or 0.0) for i in range(len(columns))])
        found = self._one(table.aggregate(**_sums(columns, centre)))
        rows = int(means["rows"])
        return rows, centre, _matrix(found, len(columns), rows)

    def squares(
        self, products: Sequence[Product], forms: Sequence[Array], complete: Sequence[str]
    ) -> Array:
        """See `causal.data.large.Rows`."""
        table, columns = self._columns(products, complete)
        asked = {}
        for number, form in enumerate(forms):
            value: Any = _number(form[0, 0])
            for i, one in enumerate(columns, start=1):
                value = value + one * _number(form[0, i] + form[i, 0])
                for j in range(1, i + 1):
                    weight = form[i, j] + form[j, i] if i != j else form[i, i]
                    if weight:
                        value = value + one * columns[j - 1] * _number(weight)
            asked[f"q{number}"] = (value * value).sum()
        found = self._one(table.aggregate(**asked))
        return np.array([float(found[f"q{number}"]) for number in range(len(forms))])

    def _columns(self, products: Sequence[Product], complete: Sequence[str]) -> tuple[Any, Any]:
        """The complete rows, and an expression for each product."""
        names = dict.fromkeys([*complete, *(f.variable for factors in products for f in factors)])
        self._find_levels(list(names))
        table = self._complete(self._selected(list(names)), complete)
        return table, [
            reduce(lambda one, other: one * other, (self._factor(table, f) for f in factors))
            for factors in products
        ]

    def _factor(self, table: Any, factor: Factor) -> Any:
        column = table[self._name(factor.variable)]
        match factor.shape:
            case "log":
                column = column.log()
            case "power":
                moved = column - _number(factor.base)
                column = reduce(lambda one, other: one * other, [moved] * factor.exponent)
            case "level":
                levels = self._levels[factor.variable]
                code = levels.labels.index(factor.label) if factor.label in levels.labels else -1
                own = [value for value, place in levels.codes.items() if place == code]
                column = column.isin(own).ifelse(_number(1.0), _number(0.0))
        return column - _number(factor.centre) if factor.centre else column

    def cells(
        self, names: Sequence[str], complete: Sequence[str], most: int
    ) -> tuple[dict[str, Array], Array] | None:
        """See `causal.data.large.Rows`."""
        both = list(dict.fromkeys([*names, *complete]))
        self._find_levels(both)
        table = self._complete(self._selected(both), complete)
        called = [self._name(name) for name in names]
        grouped = table.group_by(called).aggregate(rows=table.count()).limit(most + 1)
        found = fetched(grouped)
        if found.num_rows > most:
            return None
        values = {
            name: _codes(found[own].combine_chunks(), self._levels[name].codes)
            if name in self._levels
            else as_float64(found[own].combine_chunks())
            for name, own in zip(names, called, strict=True)
        }
        counts = as_float64(found["rows"].combine_chunks())
        # In an order of their own, whatever the engine's; values that are one level, together.
        matrix = np.stack([values[name] for name in names], axis=1)
        different, place = np.unique(matrix, axis=0, return_inverse=True)
        sums = np.bincount(place.ravel(), weights=counts, minlength=len(different))
        return {name: different[:, i].copy() for i, name in enumerate(names)}, sums

    # What leaves this module for an engine, and what comes back

    def _batches(self, table: Any) -> Iterator[Any]:
        with engine("the rows cannot be read"):
            backend = table._find_backend()  # noqa: SLF001 - Ibis has no public way to it
            if backend.name == "duckdb":
                # Ibis asks by the cursor, which copies every row once more.
                yield from backend.con.sql(backend.compile(table)).to_arrow_reader(BLOCK)
            else:
                yield from table.to_pyarrow_batches(chunk_size=BLOCK)

    def _one(self, table: Any) -> dict[str, Any]:
        """The one row of an aggregate."""
        row: dict[str, Any] = fetched(table).to_pylist()[0]
        return row


def _without_empty(levels: _Levels, level_rows: Sequence[int]) -> _Levels:
    kept = [code for code, rows in enumerate(level_rows) if rows]
    place = {code: new for new, code in enumerate(kept)}
    codes = {value: place[code] for value, code in levels.codes.items() if code in place}
    return _Levels(tuple(levels.labels[code] for code in kept), codes)


@contextmanager
def engine(what: str) -> Iterator[None]:
    """Whatever goes wrong in an engine is one message, in the engine's own words."""
    try:
        yield
    except CausalError:
        raise
    except ImportError as error:
        said = " ".join(str(error).split())
        raise MissingPart(f"This address needs a library: {shown(said, 300)[1:-1]}") from error
    except Exception as error:  # every engine has errors of its own
        if str(error) == "Query interrupted":  # DuckDB heard of Ctrl-C before Python did
            raise KeyboardInterrupt from error
        raise DataError(f"{what}: {shown(_said(error), 400)[1:-1]}") from error


def _said(error: Exception) -> str:
    """The words of an engine, without what DuckDB adds: advice to programmers, its settings."""
    words, *settings = _ADVICE.split(str(error), maxsplit=1)
    file = re.search(r"^\s*file = (.+)$", settings[0], re.MULTILINE) if settings else None
    said = " ".join(words.split()) + (f" (in {file[1]})" if file else "")
    return said if " " in said else f"{type(error).__name__} {said}".rstrip()


def fetched(table: Any) -> Any:
    """The rows of a small Ibis table as an Arrow table."""
    with engine("the table cannot be read"):
        backend = table._find_backend()  # noqa: SLF001
        if backend.name == "duckdb":
            return backend.con.sql(backend.compile(table)).to_arrow_reader(BLOCK).read_all()
        return table.to_pyarrow()


def _sums(columns: Sequence[Any], centre: Array) -> dict[str, Any]:
    """What to ask for the products of columns, each less its centre."""
    centred = [column - _number(c) for column, c in zip(columns, centre, strict=True)]
    asked = {f"s{i}": column.sum() for i, column in enumerate(centred)}
    for i, one in enumerate(centred):
        asked |= {f"p{i}_{j}": (one * centred[j]).sum() for j in range(i + 1)}
    return asked


def _matrix(found: Mapping[str, Any], count: int, rows: int) -> Array:
    """The answers as sums of (1, columns) by twos."""
    sums = np.zeros((count + 1, count + 1))
    sums[0, 0] = rows
    for i in range(count):
        sums[0, i + 1] = sums[i + 1, 0] = float(found[f"s{i}"])
        for j in range(i + 1):
            sums[i + 1, j + 1] = sums[j + 1, i + 1] = float(found[f"p{i}_{j}"])
    return sums


class _Gathered:
    """Facts of one column, of some rows."""

    def __init__(self, levels: int) -> None:
        self.present = self.missing = 0
        self.low, self.high = np.inf, -np.inf
        self.different: set[float] | None = set()
        self.whole = True
        self.level_rows = np.zeros(levels, np.int64)

    @classmethod
    def of(cls, values: Array, levels: int, so_far: _Gathered) -> _Gathered:
        """Of these rows; what is settled by the rows so far is not looked for again."""
        found = cls(levels)
        low = float(values.min()) if len(values) else np.nan
        if np.isnan(low):
            present = values[~np.isnan(values)]
            found.missing = len(values) - len(present)
            values = present
            low = float(values.min()) if len(values) else np.nan
        found.present = len(values)
        if not found.present:
            return found
        if levels:
            found.level_rows += np.bincount(values.astype(np.intp), minlength=levels)
            found.low, found.high = 0.0, levels - 1.0
            return found
        found.low, found.high = low, float(values.max())
        found.different = None if so_far.different is None else _told_apart(values)
        found.whole = so_far.whole and _is_whole(values[:100]) and _is_whole(values)
        return found

    def join(self, other: _Gathered) -> None:
        """Make these the facts of the rows of both."""
        self.present += other.present
        self.missing += other.missing
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.whole = self.whole and other.whole
        self.level_rows += other.level_rows
        if self.different is None or other.different is None:
            self.different = None
            return
        self.different |= other.different
        if len(self.different) > MOST_DISTINCT:
            self.different = None

    def facts(self) -> Facts:
        levels = len(self.level_rows)
        known = MOST_DISTINCT + 1 if self.different is None else len(self.different)
        return Facts(
            self.present,
            self.missing,
            self.low,
            self.high,
            levels or known,
            whole=self.whole,
            level_rows=tuple(self.level_rows.tolist()),
        )


def _is_whole(values: Array) -> bool:
    return bool((values == np.floor(values)).all())


def _told_apart(values: Array) -> set[float] | None:
    """The different values, unless there are more than `MOST_DISTINCT`."""
    found: set[float] = set()
    for size in (2 * MOST_DISTINCT, 2_000, len(values)):  # the first settles most columns
        few = [values == one for one in found] if 0 < len(found) <= 2 else []
        if few and reduce(np.logical_or, few).all():  # without sorting
            return found
        found = {*np.unique(values[:size]).tolist()[: MOST_DISTINCT + 1]}
        if len(found) > MOST_DISTINCT:
            return None
    return found


def _number(value: float) -> Any:
    """A number of 8 bytes: as digits alone an engine would take it for an exact decimal."""
    import ibis

    return ibis.literal(repr(float(value))).cast("float64")


def stamps(files: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Size and time of the last change of each file; zeros of one that is not there."""
    found = {}
    for path in files:
        try:
            told = os.stat(path)  # noqa: PTH116 - a name is no pattern, and may hold anything
            found[path] = told.st_size, told.st_mtime_ns
        except OSError:
            found[path] = 0, 0
    return found


def repeated(column: Any, times: int | NDArray[np.intp]) -> Any:
    """An Arrow column with each value several times."""
    import pyarrow as pa

    if column.type == pa.null():
        return column
    places = pa.array(np.repeat(np.arange(len(column)), times))
    return pa.chunked_array([column.combine_chunks()]).take(places)


def check_labels(name: str, values: Iterable[Any]) -> None:
    """Refuse more different values than a category can have; those that are missing do not count.

    Raises
    ------
    DataError
        There are more than `MOST_LEVELS`.
    """
    labels = {str(value).strip() for value in values if value is not None}
    if len(labels - MISSING) > MOST_LEVELS:
        raise DataError(
            f"column {shown(name)} has more than {MOST_LEVELS:,} different labels: it names the "
            "rows rather than groups of them, and cannot be a category. Make it coarser or convert "
            "it to numbers."
        )


def numbers_again(column: Any) -> Any:
    """Text that is numbers throughout as numbers: so a text file's groups are labelled in memory.

    ``007`` and ``7`` are one group, unless another one is called ``x``.
    """
    text = encoded(column, lambda value: None if value.strip() in MISSING else value.strip())
    if text.first(lambda label: NUMBER.fullmatch(label) is None):
        return column
    return floats(text.numbers(float))


def _codes(array: Any, codes: Mapping[Any, int]) -> Array:
    """The code of each value, NaN where it has none."""
    import pyarrow as pa

    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    known = [float(codes.get(value, np.nan)) for value in array.dictionary.to_pylist()]
    index = as_float64(array.indices)
    missing = np.isnan(index)
    found: Array = np.array([*known, np.nan])[np.where(missing, len(known), index).astype(np.intp)]
    return found

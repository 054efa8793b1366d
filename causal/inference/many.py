"""Many fits: on one core, on all, or on a cluster, with the same answers from each.

What a fit gives depends on its regression, data and seed, and on nothing else: not on the worker
that makes it, nor on what is made beside it. A fit that fails is a result like another, and costs
the others nothing. Where there is a folder (`causal.inference.kept`), each fit is in it as soon as
it is made, and a second run takes it from there.

The draws are equal bit for bit wherever the libraries and the kind of processor are. That needs one
thread for linear algebra in each fit, or sums would be taken in another order.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.data.large import LargeTable
from causal.data.moments import Moments
from causal.data.table import Table
from causal.errors import CausalError, InferenceError, OutputError, shown
from causal.inference.kept import Folder, digest
from causal.inference.posterior import Posterior
from causal.inference.select import Progress, choose, sample
from causal.models.design import all_keys, statistic
from causal.models.generator import Plan
from causal.models.regression import Regression

__all__ = ["MANY", "Fitted", "Task", "check_where", "fit_many", "fit_plan"]

MANY = 500
"""Exact fits that pay for starting processes: each takes about a millisecond."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One regression and its data.

    Attributes
    ----------
    table
        The rows used; more columns than needed may be in it.
    moments
        Their `causal.models.design.statistic`, where it is there already.
    seed
        Of this fit. ``None``: made from the common one and the number of the task.
    """

    regression: Regression
    table: Table
    moments: Moments | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What came of a task: a posterior, or the error that there was instead.

    Attributes
    ----------
    taken_up
        It was made by an earlier run, and read from the folder.
    note
        What a user should know about that.
    """

    task: Task
    posterior: Posterior | None
    error: CausalError | None = None
    taken_up: bool = False
    note: str | None = None


def fit_many(
    tasks: Iterable[Task],
    *,
    asked: str = "auto",
    draws: int = 4000,
    seed: int = 0,
    jobs: int = 1,
    cluster: str | None = None,
    keep: Path | str | None = None,
    pymc3_python: str | None = None,
    progress: Progress | None = None,
) -> Iterator[Fitted]:
    """Fit each task; the results in the order of the tasks, each as soon as it may be given.

    Parameters
    ----------
    tasks
        What to fit.
    asked, draws, pymc3_python
        As in `causal.inference.select.sample`.
    seed
        Each task without a seed of its own gets one made from this and its number.
    jobs
        Processes on this machine; -1 is one for each core. Fewer than `MANY` exact fits are made in
        this process all the same, because that is quicker.
    cluster
        The address of a Dask scheduler, ``tcp://HOST:PORT``, whose workers make all the fits, in
        the place of processes here.
    keep
        A folder in which finished fits are kept, and looked for first.
    progress
        Told how many are done, and by the samplers of this process how far they are.

    Raises
    ------
    InferenceError
        `jobs` or `cluster` make no sense; the cluster does not answer; a worker was killed. What
        was finished before is in the folder.
    OutputError
        The folder cannot be written to, or its disk is full.
    MissingPart
        joblib or Dask is not installed.
    """
    folder = check_where(jobs, cluster, keep)
    if seed < 0:
        raise InferenceError(f"The seed {seed} is negative: give 0 or more.")
    tasks = tuple(tasks)
    orders = [
        _Order.of(task, number, asked, draws, seed, pymc3_python)
        for number, task in enumerate(tasks)
    ]
    return _Run(tasks, orders, folder, progress).results(jobs, cluster)


def check_where(jobs: int, cluster: str | None, keep: Path | str | None) -> Folder | None:
    """Refuse what `fit_many` cannot do before anything is read or fitted; give the folder.

    Raises
    ------
    InferenceError
        `jobs` or `cluster` make no sense.
    OutputError
        The folder cannot be written to.
    """
    if not (jobs == -1 or jobs >= 1):
        raise InferenceError(f"--jobs {jobs} makes no sense: give 1 or more, or -1 for all cores.")
    if cluster is not None:
        from causal.inference.workers import check_address

        check_address(cluster)
    return None if keep is None else Folder(Path(keep))


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """What is sent to a worker: a task without anything that the fit does not need."""

    regression: Regression
    table: Table
    moments: Moments | None
    asked: str
    draws: int
    seed: int
    pymc3_python: str | None
    version: str
    small: bool  # exact, or refused: a matter of milliseconds
    far: bool  # the rows cannot be sent anywhere

    @classmethod
    def of(
        cls, task: Task, number: int, asked: str, draws: int, seed: int, pymc3_python: str | None
    ) -> _Order:
        from causal import __version__

        own, table, moments = task.regression, task.table, task.moments
        try:
            small = choose(own, asked) == "exact"
        except CausalError:  # which the fit itself will meet
            small = True
        far = False
        if small and moments is not None and own.family != "cells":
            moments = moments.select(list(dict.fromkeys(all_keys(own))))
            table = Table(table.source, table.rows, MappingProxyType({}))
        elif isinstance(table, LargeTable):
            far = True
        else:
            columns = {name: table.columns[name] for name in own.variables if name in table.columns}
            table = replace(table, columns=MappingProxyType(columns))
        if task.seed is not None:
            seed = task.seed
        else:
            seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        return cls(
            own, table, moments, asked, draws, seed, pymc3_python, __version__, small=small, far=far
        )

    def sent(self, number: int) -> tuple[Any, ...]:
        """The arguments of `_fit_sent`.

        Columns go beside the order, so that those of many orders are sent to a cluster once.
        """
        values = {name: column.values for name, column in self.table.columns.items()}
        bare = _with_values(self.table, dict.fromkeys(values, np.empty(0)))
        return (number, replace(self, table=bare), *values.values())

    @property
    def key(self) -> str | None:
        """What the fit is kept under; None where nobody can tell what decides it."""
        try:
            return digest(
                self.regression,
                self.table,
                self.moments,
                sampler="exact" if self.small else self.asked,
                draws=self.draws,
                seed=self.seed,
            )
        except CausalError:  # rows too many to look at
            return None


def _fit(order: _Order, progress: Progress | None = None) -> Posterior | CausalError:
    """Make one fit. An error is a result: it must not cost the others theirs."""
    from causal import __version__

    own = order.regression
    if order.version != __version__:
        return InferenceError(
            f"A worker has causal-workbench {__version__}, and was sent work by "
            f"{order.version}. Install the same version on both."
        )
    try:
        with _one_thread(small=order.small):
            moments = order.moments
            if moments is None:
                moments = statistic([own], order.table)
            found = sample(
                [own],
                order.table,
                moments,
                asked=order.asked,
                draws=order.draws,
                seed=order.seed,
                pymc3_python=order.pymc3_python,
                progress=progress,
            )
        return found[own.name]
    except CausalError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a defect in one of a thousand fits
        return InferenceError(
            f"The fit of {shown(own.formula, 120)} failed in a way that is not foreseen "
            f"({shown(f'{type(error).__name__}: {error}', 300)[1:-1]}). Please report it."
        )


def _fit_sent(
    number: int, order: _Order, *values: NDArray[np.float64]
) -> tuple[int, Posterior | CausalError]:
    """What a worker does: `_fit` with the columns that came beside the order."""
    columns = dict(zip(order.table.columns, values, strict=True))
    return number, _fit(replace(order, table=_with_values(order.table, columns)))


def _with_values(table: Table, values: Mapping[str, NDArray[np.float64]]) -> Table:
    columns = {name: replace(table[name], values=those) for name, those in values.items()}
    return replace(table, columns=MappingProxyType(columns))


def _is_interrupted(posterior: Posterior) -> bool:
    """Whether Ctrl-C ended it: NUTS gives what it has drawn by then."""
    return any(problem.startswith("interrupted") for problem in posterior.diagnostics.problems)


def _one_thread(*, small: bool) -> AbstractContextManager[object]:
    """Linear algebra in one thread: the same sums whatever the cores, and quicker at this size."""
    if not small:  # which may have loaded more libraries since the last one
        _threads.cache_clear()
    threads = _threads()
    if threads is None:
        return nullcontext()
    limits: AbstractContextManager[object] = threads.limit(limits=1, user_api="blas")
    return limits


@cache
def _threads() -> Any:
    """The libraries of linear algebra in this process; finding them takes as long as a fit."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


class _Run:
    """One call: what is made, what is safe."""

    def __init__(
        self,
        tasks: Sequence[Task],
        orders: Sequence[_Order],
        folder: Folder | None,
        progress: Progress | None,
    ) -> None:
        self.tasks, self.orders, self.folder, self.progress = tasks, orders, folder, progress
        self.keys = [order.key if folder is not None else None for order in orders]
        self.notes: dict[int, str] = {}
        self.done: list[int] = []  # what has a posterior; it is in the folder, if there is one
        self.made = self.total = 0
        self.began = monotonic()

    def results(self, jobs: int, cluster: str | None) -> Iterator[Fitted]:
        """Each task's, in order; what is made early waits."""
        kept = {number for number in range(len(self.orders)) if self._is_kept(number)}
        self.done += sorted(kept)
        todo = [number for number in range(len(self.orders)) if number not in kept]
        self.total = len(todo)
        early: dict[int, Posterior | CausalError] = {}
        with closing(self._made(todo, jobs, cluster)) as arriving:
            for number, order in enumerate(self.orders):
                found: Posterior | CausalError | None = None
                if number in kept:
                    found = self._read(number) or _fit(order)
                while found is None:
                    if number in early:
                        found = early.pop(number)
                    else:
                        other, result = next(arriving)
                        self._keep(other, result)
                        early[other] = result
                task, note = self.tasks[number], self.notes.get(number)
                if isinstance(found, Posterior):
                    yield Fitted(task, found, taken_up=number in kept, note=note)
                else:
                    yield Fitted(task, None, found, note=note)

    def _made(
        self, todo: Sequence[int], jobs: int, cluster: str | None
    ) -> Generator[tuple[int, Posterior | CausalError]]:
        """The results of `todo`, from wherever they are made, as they come."""
        small = [number for number in todo if self.orders[number].small]
        large = [number for number in todo if not self.orders[number].small]
        away: Sequence[int] = todo if cluster is not None or len(small) >= MANY else large
        if cluster is None and jobs == 1:
            away = ()
        away = [number for number in away if not self.orders[number].far]
        for number in sorted({*todo} - {*away}):
            result = _fit(self.orders[number], self.progress)
            if isinstance(result, Posterior) and _is_interrupted(result):
                raise KeyboardInterrupt  # a part of a fit is no fit: it must not be kept
            yield number, result
        if not away:
            return

        from causal.inference.workers import WorkersLost, on_cluster, on_processes

        tasks = [self.orders[number].sent(number) for number in away]
        try:
            if cluster is not None:
                yield from on_cluster(_fit_sent, tasks, cluster, small=not large)
            else:
                yield from on_processes(_fit_sent, tasks, jobs, small=not large)
        except WorkersLost as error:
            raise InferenceError(f"{error}. {self._account()}") from error

    def _is_kept(self, number: int) -> bool:
        """Whether the folder has this fit, whole."""
        key = self.keys[number]
        if self.folder is None or key is None or not self.folder.holds(key):
            return False
        if self._read(number) is not None:
            return True
        name = self.orders[number].regression.name
        self.notes[number] = (
            f"The fit of {shown(name)} kept in {self.folder} is damaged, and was made anew."
        )
        return False

    def _read(self, number: int) -> Posterior | None:
        key = self.keys[number]
        return None if self.folder is None or key is None else self.folder.read(key)

    def _keep(self, number: int, result: Posterior | CausalError) -> None:
        """Put a posterior where it is safe; errors are not kept, they may be gone next time."""
        if isinstance(result, Posterior):
            own, key = self.orders[number].regression, self.keys[number]
            if self.folder is not None and key is not None:
                try:
                    self.folder.write(key, own, result)
                except OSError as error:
                    why = shown(error.strerror or str(error), 200)[1:-1]
                    raise OutputError(
                        f"Cannot keep the fit of {shown(own.name)} in {self.folder}: {why}. "
                        f"{self._account()}"
                    ) from error
            self.done.append(number)
        self.made += 1
        # A word only about what takes its time.
        if self.progress is not None and monotonic() - self.began > 1.0:
            self.progress(f"fitting {self.total} models", self.made / self.total)

    def _account(self) -> str:
        """What is done, where it is, and how to go on."""
        total = len(self.orders)
        told = f"{len(self.done)} of {total} fits {'is' if len(self.done) == 1 else 'are'} done"
        if self.folder is None:
            return f"{told}, and none is kept: with --keep FOLDER the next try could go on there."
        names = dict.fromkeys(shown(self.orders[n].regression.name, 30) for n in self.done)
        some = f" ({', '.join([*names][:8])}{', …' if len(names) > 8 else ''})" if names else ""
        return f"{told} and kept in {self.folder}{some}: run the same again to go on with the rest."


def fit_plan(
    made: Plan,
    *,
    asked: str = "auto",
    draws: int = 4000,
    seed: int = 0,
    jobs: int = 1,
    cluster: str | None = None,
    keep: Path | str | None = None,
    pymc3_python: str | None = None,
    progress: Progress | None = None,
) -> tuple[Plan, dict[str, Posterior]]:
    """Fit all regressions of a plan by `fit_many`, all with the seed that was asked for.

    Returns
    -------
    Plan
        With the notes of the fits, and without the regressions that could not be fitted: they are
        left out with the reason.
    dict
        The posteriors, by name.

    Raises
    ------
    CausalError
        What `fit_many` raises; the correct model could not be fitted, or none could.
    """
    tasks = [Task(one, made.table, made.moments, seed) for one in made.regressions]
    found: dict[str, Posterior] = {}
    failed: dict[str, CausalError] = {}
    notes = []
    for one in fit_many(
        tasks,
        asked=asked,
        draws=draws,
        jobs=jobs,
        cluster=cluster,
        keep=keep,
        pymc3_python=pymc3_python,
        progress=progress,
    ):
        name = one.task.regression.name
        if one.note is not None:
            notes.append(one.note)
        if one.posterior is not None:
            found[name] = one.posterior
        elif one.error is not None:
            failed[name] = one.error
    if failed and ("correct" in failed or not found):
        raise failed.get("correct") or next(iter(failed.values()))
    fitted = replace(
        made,
        regressions=tuple(one for one in made.regressions if one.name in found),
        left_out=MappingProxyType(
            {**made.left_out, **{name: str(error) for name, error in failed.items()}}
        ),
        notes=(*made.notes, *notes),
    )
    return fitted, found

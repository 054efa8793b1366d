"""Where many fits are made: worker processes of this machine, or those of a Dask cluster.

joblib hands out the work in both places; the rest is what keeps a run from hanging where workers,
or the whole cluster, go away. A cluster runs what it is sent: connect to your own only.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import re
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from causal.errors import InferenceError, MissingPart, shown

__all__ = ["WorkersLost", "check_address", "on_cluster", "on_processes"]

ANSWER = 5.0
"""Seconds in which a scheduler must answer."""
START = 30.0
"""Seconds in which a cluster must have a worker, first of all or after it lost the last one."""
ROUNDS = 5
"""How often in a row all that was sent may be lost with the workers, which data are too."""
TOGETHER: int | str = "auto"
"""How many small tasks are sent at once: joblib finds out."""

_ADDRESS = re.compile(r"(?:tcp|tls)://(?:\[[0-9A-Fa-f:.]+\]|[^\s\[\]:/@]+):(?P<port>[0-9]{1,5})/?")
_TALKERS = ("distributed", "distributed.client", "tornado.application", "asyncio")

Numbered = tuple[int, Any]
Work = Callable[..., Numbered]
"""Takes the number of a task, and more; gives the number and the result. Raises nothing."""
Tasks = Sequence[tuple[Any, ...]]
"""The arguments of the work, a task each. A cluster is sent large arrays among them once."""


class WorkersLost(Exception):
    """The work cannot go on; what it says is a sentence, or several."""


def check_address(address: str) -> None:
    """Refuse what cannot be the address of a scheduler.

    Raises
    ------
    InferenceError
        It is not ``tcp://HOST:PORT`` (or ``tls://``).
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise InferenceError(
            f"{shown(address)} is no address of a Dask scheduler. Write tcp://HOST:PORT, as the "
            "scheduler prints it when it starts, for example tcp://10.0.0.5:8786."
        )


def on_processes(work: Work, tasks: Tasks, jobs: int, *, small: bool) -> Iterator[Numbered]:
    """Results as they come, from worker processes on this machine.

    Parameters
    ----------
    work
        What is done with each.
    jobs
        How many processes; -1 is one for each core that this process may use.
    small
        Each takes milliseconds: they are sent in batches.

    Raises
    ------
    MissingPart
        joblib is not installed.
    WorkersLost
        A worker was killed.
    """
    joblib = _joblib()
    jobs = min(joblib.effective_n_jobs(jobs), len(tasks))
    parallel = joblib.Parallel(
        jobs,
        backend="loky",
        return_as="generator_unordered",
        batch_size=TOGETHER if small else 1,
        # Ctrl-C reaches them too; it is this process that ends them.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        with _results(parallel, joblib, work, tasks) as results:
            for one in results:  # noqa: UP028 - it would be closed too early, with a warning
                yield one
    except BrokenExecutor as error:
        names = re.findall(r"SIG[A-Z]+", str(error))
        by = f" by {names[0]}" if names else ""
        raise WorkersLost(
            f"A worker process was killed{by}, which mostly means that the memory did not suffice "
            "for so many jobs at once"
        ) from error


def on_cluster(work: Work, tasks: Tasks, address: str, *, small: bool) -> Iterator[Numbered]:
    """Results as they come, from the workers of a Dask cluster.

    Dask itself repeats what a worker did not finish. A task that kills one worker after the other
    has an `InferenceError` for a result; Dask blames all that had been sent to those workers, so
    each of them is tried once more with nothing beside it.

    Parameters
    ----------
    work, small
        As in `on_processes`.
    address
        Of the scheduler; see `check_address`.

    Raises
    ------
    MissingPart
        Dask is not installed.
    InferenceError
        Nothing answers there.
    WorkersLost
        The scheduler went away, or all workers did and none came.
    """
    joblib = _joblib()
    with _client(address) as client:
        by_number = {task[0]: task for task in tasks}
        rounds: deque[tuple[Tasks, int | str]] = deque([(tasks, TOGETHER if small else 1)])
        fruitless = 0
        while rounds and fruitless < ROUNDS:
            fruitless += 1
            left, size = rounds.popleft()
            again: list[int] = []
            blamed: list[int] = []
            with closing(_round(joblib, client, work, left, size)) as results:
                for number, result in results:
                    if not isinstance(result, _Lost):
                        fruitless = 0
                        yield number, result
                    elif client.status != "running":
                        raise WorkersLost(f"The scheduler at {shown(address)} has gone away")
                    elif not result.alone or result.error is None:
                        again.append(number)
                    elif len(left) > 1 and _is_killed(result.error):
                        blamed.append(number)
                    else:
                        fruitless = 0
                        yield number, _given_up(result.error)
            rounds.extendleft([([by_number[number]], 1) for number in blamed])
            if again:
                rounds.appendleft(([by_number[number] for number in again], 1))
    if rounds:
        raise WorkersLost(f"The cluster at {shown(address)} loses its workers again and again")


def _joblib() -> Any:
    try:
        import joblib
    except ImportError as error:
        raise MissingPart(
            "Several jobs at once, and clusters, need the library joblib, which is not installed. "
            "Install it with `pip install 'causal-workbench[cluster]'`."
        ) from error
    return joblib


@contextmanager
def _results(parallel: Any, joblib: Any, work: Work, tasks: Tasks) -> Iterator[Iterator[Numbered]]:
    """The results of a joblib call, which ends with the block, whatever is still to be done."""
    results = parallel(joblib.delayed(work)(*task) for task in tasks)
    try:
        yield results
    finally:
        with warnings.catch_warnings():  # that it ends early is what is wanted
            warnings.simplefilter("ignore")
            results.close()


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """A connection to a scheduler, whose library does not write about it to the terminal."""
    try:
        import distributed as untyped
    except ImportError as error:
        raise MissingPart(
            "A cluster needs the library dask.distributed, which is not installed. Install it with "
            "`pip install 'causal-workbench[cluster]'`."
        ) from error
    distributed: Any = untyped
    secrets = distributed.Security().get_connection_args("client")
    if address.startswith("tls:") and not secrets["ssl_context"]:
        raise InferenceError(
            f"{shown(address)} needs certificates, and Dask knows of none. Name them in its "
            "configuration, under distributed.comm.tls."
        )
    loggers = [logging.getLogger(name) for name in _TALKERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        client = _connected(distributed, address, secrets)
        try:
            yield client
        finally:
            client.close(timeout=2.0)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _connected(distributed: Any, address: str, secrets: dict[str, Any]) -> Any:
    """The client, or an error within the time.

    In a thread, because something that takes connections and stays silent keeps Dask waiting
    whatever time it is given. A greeting comes first: a client that met something else than a
    scheduler complains once more when it is collected.
    """
    made: list[Any] = []

    async def greet() -> None:
        comm = await distributed.comm.connect(address, timeout=ANSWER, **secrets)
        await comm.close()

    def connect() -> None:
        try:
            asyncio.run(greet())
            made.append(distributed.Client(address, timeout=ANSWER, set_as_default=False))
        except Exception as error:  # noqa: BLE001 - what a stranger answers may raise anything
            made.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(ANSWER + 2.0)
    if not made or isinstance(made[0], Exception):
        raise InferenceError(
            f"No Dask scheduler answers at {shown(address)} within {ANSWER:g} s. Is it running, "
            "and may this machine reach it? Start one with `dask scheduler` and `dask worker`."
        ) from (made[0] if made else None)
    return made[0]


def _round(
    joblib: Any, client: Any, work: Work, tasks: Tasks, size: int | str
) -> Generator[Numbered]:
    """All tasks once, by batches of this size; a `_Lost` for each that came to nothing."""
    backend = _backend()(client=client, wait_for_workers_timeout=START)
    with joblib.parallel_config(backend=backend):
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=size)
        try:
            with _watched(client, parallel), _results(parallel, joblib, work, tasks) as results:
                for one in results:  # noqa: UP028 - it would be closed too early, with a warning
                    yield one
        except (TimeoutError, multiprocessing.TimeoutError) as error:  # at the start; later
            address = shown(client.scheduler.address)
            raise WorkersLost(f"The cluster at {address} has no worker") from error


@dataclass(frozen=True, slots=True)
class _Lost:
    """In the place of a result."""

    error: BaseException | None  # None: it was made, and lost with its worker
    alone: bool  # in its batch


def _backend() -> Any:
    """The door of joblib to Dask, mended: it waits for ever for a task that Dask gives up."""
    from joblib._dask import DaskDistributedBackend  # what `backend="dask"` stands for

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        def submit(self, func: Any, callback: Callable[[Any], None]) -> Any:
            numbers = [args[0] for _, args, _ in func.items]

            def lost(error: BaseException | None) -> list[Numbered]:
                return [(number, _Lost(error, len(numbers) == 1)) for number in numbers]

            def told(out: Any) -> None:
                callback(lost(None) if isinstance(out, BaseException) else out)

            def ended(future: Any) -> None:
                if (error := future.exception()) is not None:  # joblib does not call back then
                    callback(lost(error))

            future = super().submit(func, told)
            future.add_done_callback(ended)
            return future

        def effective_n_jobs(self, n_jobs: int) -> int:
            # Work for one, joblib does in this process.
            jobs: int = super().effective_n_jobs(n_jobs)
            return max(2, jobs)

    return Backend


def _is_killed(error: BaseException) -> bool:
    return type(error).__name__ == "KilledWorker"


def _given_up(error: BaseException) -> InferenceError:
    from causal import __version__

    if _is_killed(error):
        return InferenceError(
            "Every worker of the cluster that tried this fit was killed, which mostly means that "
            "its memory did not suffice. Give the workers more memory."
        )
    told = shown(f"{type(error).__name__}: {error}", 200)[1:-1]
    return InferenceError(
        f"The cluster could not make this fit ({told}). Do its workers have causal-workbench "
        f"{__version__}, with the same extras, and the same Python as this machine?"
    )


@contextmanager
def _watched(client: Any, parallel: Any) -> Iterator[None]:
    """End a wait for workers that do not come back."""
    over = threading.Event()

    def watch() -> None:
        idle = 0.0
        while idle < START and client.status == "running" and not over.wait(1.0):
            idle = 0.0 if client.ncores() else idle + 1.0
        # The next look at an unfinished task raises TimeoutError.
        parallel.timeout = 0.0

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(2.0)

"""PyMC3, as the founding tutorial has it, in a Python of its own.

PyMC3 3.11 runs on Python 3.9 and older, so it cannot be imported here. It is another process: the
used rows and the program of the model (`causal.models.script`, the dialect ``pymc3``) are written
to a temporary folder, an interpreter that has PyMC3 runs there, and its draws come back as arrays.
The folder is removed afterwards. Theano compiles C code for each new model: half a minute and more.

The interpreter is named by the caller or by the environment variable `VARIABLE`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.data.table import Column, Table
from causal.errors import InferenceError, MissingPart, ModelError, shown
from causal.inference.nuts import Progress, diagnose
from causal.inference.posterior import Posterior
from causal.inference.printed import as_printed
from causal.models.model_code import ONES, RANKS, model_code
from causal.models.pymc_model import sampled
from causal.models.regression import Regression
from causal.models.script import careful, start
from causal.models.terms import categories

__all__ = ["ADVICE", "VARIABLE", "Interpreter", "find", "fit"]

VARIABLE = "CAUSAL_PYMC3_PYTHON"
"""The environment variable with the interpreter's path."""

ADVICE = (
    "Make an environment with Python 3.9, `python3.9 -m venv pymc3` and `pymc3/bin/pip install "
    f"pymc3==3.11.6`, and name its interpreter: --pymc3-python pymc3/bin/python, or {VARIABLE}."
)

TUNE = 1000
LIMIT = 3600.0
"""Seconds after which the other process is ended."""

_PATIENCE = 60.0
"""Seconds for an interpreter to say what it has."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that has PyMC3."""

    path: str
    python: str
    pymc3: str


def find(python: str | None = None) -> Interpreter:
    """The interpreter that runs PyMC3, once it has said what it is.

    Parameters
    ----------
    python
        Its path, or a name on PATH. By default what the environment variable `VARIABLE` says.

    Raises
    ------
    MissingPart
        None is named, it does not run, or it lacks PyMC3 3.11.
    """
    named = python or os.environ.get(VARIABLE, "")
    if not named:
        raise MissingPart(f"PyMC3 needs a Python of its own, and none is named. {ADVICE}")
    path = shutil.which(named)
    if path is None:
        raise MissingPart(f"There is no program {shown(named, 200)} to run PyMC3 with. {ADVICE}")
    said = _asked(path)
    version = str(said["python"])
    if not (3, 7) <= tuple(int(part) for part in version.split(".")[:2]) <= (3, 10):
        raise MissingPart(
            f"{shown(path, 200)} is Python {version}, and PyMC3 3.11 does not run on it. {ADVICE}"
        )
    if said["pymc3"] is None:
        raise MissingPart(f"{shown(path, 200)} is Python {version} without PyMC3. {ADVICE}")
    if not str(said["pymc3"]).startswith("3.11."):
        raise MissingPart(
            f"{shown(path, 200)} has PyMC3 {said['pymc3']}, and programs are written for 3.11. "
            f"{ADVICE}"
        )
    return Interpreter(path, version, str(said["pymc3"]))


# In words that any Python understands: which one it is may be the answer. PyMC3 itself is not
# imported, which would take seconds.
_QUESTION = """
import json, platform
try:
    from importlib.metadata import version
    pymc3 = version("pymc3")
except Exception:
    pymc3 = None
print(json.dumps({"python": platform.python_version(), "pymc3": pymc3}))
"""


def _asked(path: str) -> dict[str, Any]:
    """What the interpreter says about itself."""
    try:
        done = subprocess.run(  # noqa: S603 -- the user names the program
            [path, "-E", "-c", _QUESTION],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise MissingPart(
            f"{shown(path, 200)} does not answer as a Python 3 would. {ADVICE}"
        ) from error
    if not isinstance(said, dict) or not {"python", "pymc3"} <= said.keys():
        raise MissingPart(f"{shown(path, 200)} does not answer as a Python 3 would. {ADVICE}")
    return said


def fit(
    regression: Regression,
    table: Table,
    *,
    draws: int = 4000,
    chains: int = 2,
    tune: int = TUNE,
    seed: int,
    python: str | None = None,
    progress: Progress | None = None,
) -> Posterior:
    """Draw from the posterior of *regression* given *table*, by the NUTS of PyMC3.

    Parameters
    ----------
    regression
        What to fit; any prior, any family.
    table
        Holds its columns; rows that lack one are left out.
    draws
        Over all chains together; rounded up to a multiple of *chains*.
    chains
        At least 2, or R-hat could not see chains that disagree.
    tune
        Of each chain, thrown away.
    seed
        The same seed gives the same draws on the same machine.
    python
        The interpreter; see `find`.
    progress
        Called in the calling thread; what it raises ends the other process.

    Returns
    -------
    Posterior
        ``draws`` is (chains, draws / chains, coefficients), in the data's own units; ``seconds``
        is the sampling alone, without the compiling of the model.

    Raises
    ------
    MissingPart
        No interpreter with PyMC3; see `find`. ArviZ is not installed here.
    InferenceError
        PyMC3 failed or took longer than `LIMIT`, or the numbers asked for make no sense.
    """
    if chains < 2 or draws < 4 * chains or tune < 1 or seed < 0:
        raise InferenceError(
            f"PyMC3 was asked for {draws} draws of {chains} chains after {tune} tuning draws, with "
            f"the seed {seed}. It needs two chains, four draws of each, one tuning draw and a seed "
            f"of 0 or more; the defaults are 4000 from 2 after {TUNE}."
        )
    interpreter = find(python)
    linear, others = sampled(regression)
    variables, per_chain = [*linear, *others], -(-draws // chains)
    settings = {
        "columns": list(regression.variables),
        "variables": variables,
        "draws": per_chain,
        "chains": chains,
        "tune": tune,
        "seed": seed % 2**32,
        "accept": careful([regression]),
        "start": start([regression]),
    }
    what = f"sampling the model {shown(regression.name)} by PyMC3"
    with tempfile.TemporaryDirectory(prefix="causal-pymc3-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        columns: dict[str, Any] = {
            f"c{n}": values for n, values in enumerate(_columns(regression, table))
        }
        np.savez(folder / "data.npz", **columns)
        (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        (folder / "model.py").write_text(_program(regression), encoding="utf-8")
        (folder / "run.py").write_text(_RUN, encoding="utf-8")

        def tell() -> None:
            if progress is not None:
                progress(what, _done(folder) / (chains * (tune + per_chain)))

        _run(interpreter, regression, folder, tell)
        with np.load(folder / "draws.npz", allow_pickle=False) as stored:
            found = [stored[f"v{n}"] for n in range(len(variables))]
            seconds, divergences = float(stored["seconds"]), int(stored["divergences"])
    if progress is not None:
        progress(what, 1.0)
    flat = [values.reshape(*values.shape[:2], -1) for values in found]
    empty = np.empty((*flat[0].shape[:2], 0))
    theta = np.concatenate([empty, *flat[: len(linear)]], axis=-1)
    values = as_printed(regression, theta, np.concatenate([empty, *flat[len(linear) :]], axis=-1))
    if not np.isfinite(values).all():
        raise InferenceError(
            f"PyMC3 left the numbers a computer can hold in the model {shown(regression.name)}: its"
            " posterior is improper or nearly so. Give every coefficient a proper prior."
        )
    return Posterior(
        names=regression.coefficient_names,
        draws=values,
        sampler="pymc3",
        diagnostics=diagnose(regression.coefficient_names, values, divergences),
        seconds=seconds,
    )


def _columns(regression: Regression, table: Table) -> list[NDArray[Any]]:
    """The used rows of each column that is read: numbers, or the index of each row's label."""
    used = table.written_out(regression.variables).complete(regression.variables)
    levels = categories(regression.terms)
    return [
        _codes(used[name], levels[name]) if name in levels else used[name].values
        for name in regression.variables
    ]


def _codes(column: Column, levels: tuple[str, ...]) -> NDArray[np.int64]:
    unknown = [label for label in column.levels if label not in levels]
    if unknown or not column.levels:
        raise ModelError(
            f"The model does not know {shown(column.name)} as the data have it. Make the regression"
            " from the same rows it is fitted to."
        )
    to_model = np.array([levels.index(label) for label in column.levels], dtype=np.int64)
    codes: NDArray[np.int64] = to_model[column.values.astype(np.int64)]
    return codes


def _program(regression: Regression) -> str:
    """The module ``model``; its function is called ``model_1``, whatever the model is called."""
    return "\n\n".join(
        [
            "import numpy as np\nimport pymc3 as pm\n",
            "def codes(column, labels):\n    return column.to_numpy(int)\n",
            ONES,
            RANKS,
            model_code(replace(regression, name=""), "pymc3", effect=False),
        ]
    )


_RUN = '''\
"""Draws from the model in model.py, and leaves them in draws.npz."""

import json
import os
import time

import numpy as np
import pandas as pd
import pymc3 as pm

from model import model_1


def main():
    with open("settings.json", encoding="utf-8") as file:
        settings = json.load(file)
    with np.load("data.npz") as stored:
        data = pd.DataFrame({name: stored["c%d" % n] for n, name in enumerate(settings["columns"])})
    done = [0]

    def note(trace, draw):
        done[0] += 1
        if done[0] % 50 == 0:
            with open("done.part", "w", encoding="ascii") as file:
                file.write(str(done[0]))
            os.replace("done.part", "done")

    with model_1(data):
        trace = pm.sample(
            settings["draws"],
            tune=settings["tune"],
            chains=settings["chains"],
            random_seed=settings["seed"],
            init=settings["start"],
            target_accept=settings["accept"],
            callback=note,
            progressbar=False,
            compute_convergence_checks=False,
            return_inferencedata=True,
            idata_kwargs={"log_likelihood": False},
        )
    variables = enumerate(settings["variables"])
    found = {"v%d" % n: trace.posterior[name].values for n, name in variables}
    np.savez(
        "draws.npz",
        seconds=trace.posterior.attrs["sampling_time"],
        divergences=trace.sample_stats["diverging"].values.sum(),
        **found,
    )


# Chains run in processes of their own, which may read this file again.
if __name__ == "__main__":
    main()
'''


def _done(folder: Path) -> int:
    """How many draws there are, tuning included, as the other process last noted it."""
    try:
        return int((folder / "done").read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0


def _run(
    interpreter: Interpreter, regression: Regression, folder: Path, tell: Callable[[], None]
) -> None:
    """Run the program to its end; whatever happens, nothing of it goes on afterwards."""
    who = f"PyMC3 ({shown(interpreter.path, 200)})"
    until = time.monotonic() + LIMIT
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 -- the user names the program
            [interpreter.path, "-E", "-W", "ignore", "run.py"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                tell()
                if time.monotonic() > until:
                    raise InferenceError(
                        f"{who} did not finish the model {shown(regression.name)} in "
                        f"{LIMIT / 60:.0f} minutes and was stopped. Take fewer --draws, or "
                        "--sampler nuts."
                    )
                try:
                    process.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            _end(process)
    if process.returncode:
        said = (folder / "errors").read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "nothing")
        raise InferenceError(
            f"{who} failed on the model {shown(regression.name)} and said {shown(last, 300)}. Give "
            "closer priors, or take --sampler nuts."
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, and the processes of its chains."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()

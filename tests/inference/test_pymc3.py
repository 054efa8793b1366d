"""PyMC3 in a Python of its own: found or refused in one message, and the same posterior as here."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from causal.data.table import read_table
from causal.errors import CausalError, InferenceError, MissingPart, ModelError
from causal.inference import pymc3
from causal.inference.select import sample
from causal.models.design import statistic
from causal.models.priors import to_cutpoints, to_printed
from tests.kinds import KINDS, data, table

ANSWER = json.dumps({"python": "3.9.18", "pymc3": "3.11.6"})


def program(path: Path, *lines: str) -> str:
    """Write a shell script that stands for an interpreter."""
    path.write_text("\n".join(["#!/bin/sh", *lines]), encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def interpreter(folder: Path, *lines: str) -> str:
    """Write a script that says it has PyMC3, and does *lines* where it should sample."""
    return program(folder / "python", f"if [ \"$2\" = -c ]; then echo '{ANSWER}'; exit; fi", *lines)


def refused(python: str | None) -> str:
    with pytest.raises(MissingPart) as caught:
        pymc3.find(python)
    message = str(caught.value)
    assert "Python 3.9" in message
    assert "pip install pymc3==3.11.6" in message
    assert "\n" not in message
    return message


def test_an_interpreter_is_named_by_the_caller_or_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAUSAL_PYMC3_PYTHON", raising=False)
    assert "none is named" in refused(None)
    monkeypatch.setenv("CAUSAL_PYMC3_PYTHON", "/nowhere/python")
    assert "'/nowhere/python'" in refused(None)
    path = interpreter(tmp_path)
    assert pymc3.find(path) == pymc3.Interpreter(path, "3.9.18", "3.11.6")
    monkeypatch.setenv("CAUSAL_PYMC3_PYTHON", path)
    assert pymc3.find().path == path


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('{"python": "3.12.1", "pymc3": null}', "is Python 3.12.1, and PyMC3 3.11 does not run"),
        ('{"python": "2.7.18", "pymc3": null}', "is Python 2.7.18"),
        ('{"python": "3.9.18", "pymc3": null}', "is Python 3.9.18 without PyMC3"),
        ('{"python": "3.9.18", "pymc3": "3.8"}', "has PyMC3 3.8"),
        ("hello", "does not answer"),
        ("[1]", "does not answer"),
        ("", "does not answer"),
    ],
)
def test_an_interpreter_that_cannot_do_it_is_refused(
    answer: str, words: str, tmp_path: Path
) -> None:
    assert words in refused(program(tmp_path / "python", f"echo '{answer}'"))


def test_what_is_no_interpreter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_text("no program")
    assert "There is no program" in refused(str(tmp_path / "text"))
    assert "There is no program" in refused(str(tmp_path))
    (tmp_path / "broken").write_bytes(b"\x7fELF")
    (tmp_path / "broken").chmod(0o755)
    assert "does not answer" in refused(str(tmp_path / "broken"))
    monkeypatch.setattr(pymc3, "_PATIENCE", 0.1)
    assert "does not answer" in refused(program(tmp_path / "slow", "exec sleep 5"))


def test_the_python_that_runs_this_is_refused() -> None:
    assert f"is Python {sys.version_info.major}.{sys.version_info.minor}" in refused(sys.executable)


def fit(kind: str, python: str, **options: Any) -> Any:
    read = table()
    return pymc3.fit(
        KINDS[kind].regression(read), read, **{"draws": 8, "seed": 1, "python": python, **options}
    )


@pytest.mark.parametrize("wrong", [{"draws": 7}, {"chains": 1}, {"tune": 0}, {"seed": -1}], ids=str)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(InferenceError, match="the defaults are"):
        fit("plain", interpreter(tmp_path, "exit 1"), **wrong)


def test_a_crash_is_one_message_with_the_last_line_that_was_said(tmp_path: Path) -> None:
    path = interpreter(
        tmp_path, f"pwd > {tmp_path}/where", "echo 'a trace\nBad: \033[2J' >&2; exit 3"
    )
    with pytest.raises(InferenceError) as caught:
        fit("plain", path)
    assert "failed on the model 'correct' and said 'Bad: \\x1b[2J'" in str(caught.value)
    assert not Path((tmp_path / "where").read_text().strip()).exists(), "the folder is gone"


def ended(folder: Path) -> bool:
    """Whether the process that left its number is gone."""
    number = int((folder / "number").read_text())
    for _ in range(50):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("how", ["time", "interrupt"])
def test_nothing_goes_on_after_the_end(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The child of the child stands for a chain in a process of its own.
    path = interpreter(
        tmp_path, f"pwd > {tmp_path}/where", f"sleep 60 & echo $! > {tmp_path}/number", "wait"
    )

    def interrupt(_what: str, _share: float) -> None:
        if (tmp_path / "number").exists() and (tmp_path / "number").read_text():
            raise KeyboardInterrupt

    if how == "time":
        monkeypatch.setattr(pymc3, "LIMIT", 1.0)
        with pytest.raises(InferenceError, match="was stopped"):
            fit("plain", path)
    else:
        with pytest.raises(KeyboardInterrupt):
            fit("plain", path, progress=interrupt)
    assert ended(tmp_path)
    assert not Path((tmp_path / "where").read_text().strip()).exists()


STAND_IN = """
import json
import sys
import numpy as np

settings = json.load(open("settings.json"))
compile(open("model.py").read(), "model.py", "exec")
stored = np.load("data.npz")
columns = {name: stored["c%d" % n].tolist() for n, name in enumerate(settings["columns"])}
rng = np.random.default_rng(0)
shape = (settings["chains"], settings["draws"])
sizes = {"slope_x": (), "level_g": (3,), "cutpoints_centred": (3,)}
drawn = [rng.normal(size=shape + sizes[name]) for name in settings["variables"]]
open("done", "w").write("%d" % (settings["chains"] * settings["tune"]))
np.savez("draws.npz", seconds=1.5, divergences=2, **{"v%d" % n: v for n, v in enumerate(drawn)})
json.dump([columns, settings, [v.tolist() for v in drawn]], open(sys.argv[1], "w"))
"""


def test_used_rows_go_there_and_printed_coefficients_come_back(tmp_path: Path) -> None:
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    saw = tmp_path / "saw.json"
    path = interpreter(tmp_path, f"exec {sys.executable} {tmp_path}/stand_in.py {saw}")
    frame = data()
    frame.loc[7, "x"] = np.nan
    frame["z"] = np.nan  # is in no model
    frame.loc[0, "z"] = 1.0
    read = read_table(frame, list(frame.columns), categorical=["g"])
    used = read.complete(["o", "x", "g"])
    reg = KINDS["ordered"].regression(used)
    told: list[float] = []
    found = pymc3.fit(
        reg,
        read,
        draws=9,
        tune=5,
        seed=2**32 + 3,
        python=path,
        progress=lambda _, share: told.append(share),
    )
    columns, settings, drawn = json.loads(saw.read_text())
    assert columns["x"] == frame["x"].dropna().tolist()
    labels = np.array(["1", "2", "10"])[columns["g"]]
    assert labels.tolist() == frame["g"][frame["x"].notna()].tolist()
    assert (settings["draws"], settings["chains"], settings["seed"]) == (5, 2, 3)
    slope, levels, cuts = map(np.array, drawn)
    theta = np.concatenate([slope[..., None], levels], axis=-1)
    cuts = cuts - (theta @ to_cutpoints(reg))[..., None]
    expected = np.concatenate([theta @ to_printed(reg).T, cuts], axis=-1)
    assert found.draws == pytest.approx(expected, rel=1e-12)
    assert found.names == reg.coefficient_names
    assert (found.sampler, found.seconds, found.diagnostics.divergences) == ("pymc3", 1.5, 2)
    assert told[-1] == 1.0


def test_draws_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    stand_in = STAND_IN.replace("rng.normal(size=", "np.full(fill_value=np.nan, shape=")
    (tmp_path / "stand_in.py").write_text(stand_in)
    path = interpreter(
        tmp_path, f"exec {sys.executable} {tmp_path}/stand_in.py {tmp_path}/saw.json"
    )
    with pytest.raises(InferenceError, match="improper"):
        fit("ordered", path)


def test_a_label_that_the_model_does_not_know_is_refused(tmp_path: Path) -> None:
    frame = data()
    reg = KINDS["categories"].regression(table(frame))
    frame["g"] = "9"
    other = table(pd.concat([frame, data()]))
    with pytest.raises(ModelError, match="'g'"):
        pymc3.fit(reg, other, draws=8, seed=1, python=interpreter(tmp_path, "exit 1"))


def test_every_refusal_ends_with_the_exit_code_of_bad_input() -> None:
    assert issubclass(MissingPart, CausalError)
    assert issubclass(InferenceError, CausalError)


SAMPLED = [
    "plain",
    "categories",
    "interaction",
    "polynomial",
    "student",
    "bernoulli",
    "cells",
    "binomial",
    "poisson with offset",
    "negbinomial",
    "ordered",
    "pooled levels",
    "varying slopes",
]


@pytest.mark.heavy
@pytest.mark.parametrize("name", SAMPLED)
def test_the_posterior_of_pymc3_is_the_posterior_found_here(name: str) -> None:
    """The quartiles found here cut off the same shares there, within 5 Monte Carlo sds.

    (The densities agree to nine digits: `tests.models.test_script`. What is left to show is that
    they are sampled, and that the draws arrive under the right names.)
    """
    from arviz_stats.base.array import array_stats

    if not os.environ.get("CAUSAL_PYMC3_PYTHON"):
        pytest.skip("PyMC3: CAUSAL_PYMC3_PYTHON names no interpreter")
    read = table()
    reg = KINDS[name].regression(read)
    used = read.complete(reg.variables)
    theirs = pymc3.fit(reg, used, draws=600, tune=500, seed=4)
    ours = sample([reg], used, statistic([reg], used), draws=8000, seed=5)[reg.name]
    assert theirs.names == ours.names
    assert theirs.draws.shape == (2, 300, len(ours.names))
    assert theirs.diagnostics.divergences is not None
    for place, called in enumerate(ours.names):
        sides = [posterior.draws[..., place] for posterior in (theirs, ours)]
        for quartile in np.quantile(sides[1], [0.25, 0.5, 0.75]):
            below = [(side < quartile).astype(float) for side in sides]
            error = sum(one.var() / float(array_stats.ess(one, method="mean")) for one in below)
            assert abs(below[0].mean() - below[1].mean()) < 5.0 * np.sqrt(error), called

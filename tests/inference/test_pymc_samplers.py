"""The samplers of PyMC and NumPyro: named, honest, and stopped by Ctrl-C.

That they find the posterior is in `test_samplers.py`.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from causal.errors import InferenceError, MissingPart
from causal.inference import pymc_samplers
from tests.regressions import KINDS, frame, make

pytest.importorskip("pymc")


@pytest.mark.parametrize(
    ("sampler", "lacking", "extra"),
    [("pymc", "pymc", "bayes"), ("numpyro", "numpyro", "numpyro"), ("numpyro", "jax", "numpyro")],
)
def test_without_its_library_the_message_says_what_to_install(
    sampler: str, lacking: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == lacking else found("numpy"),
    )
    said = rf"{sampler} needs the library {lacking}.*pip install \"causal-workbench\[{extra}\]\""
    with pytest.raises(MissingPart, match=said):
        pymc_samplers.fit(*make(KINDS["plain"], frame()), sampler=sampler, seed=1)


@pytest.mark.parametrize("numbers", [{"chains": 1}, {"draws": 3}, {"tune": 0}, {"seed": -1}])
def test_numbers_that_make_no_sense_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(InferenceError):
        pymc_samplers.fit(*make(KINDS["plain"], frame()), sampler="pymc", **{"seed": 1, **numbers})


def test_a_run_of_pymc_is_told_of_and_judged() -> None:
    told: list[tuple[str, float]] = []
    reg, table = make(KINDS["intercept alone"], frame())
    one = pymc_samplers.fit(
        reg,
        table,
        sampler="pymc",
        draws=402,
        tune=100,
        seed=5,
        progress=lambda what, share: told.append((what, share)),
    )
    assert one.sampler == "pymc"
    assert one.names == reg.coefficient_names
    assert one.draws.shape == (4, 101, 2), "rounded up to a multiple of the chains"
    assert any(problem.startswith("ess") for problem in one.diagnostics.problems)
    assert one.diagnostics.divergences is not None
    assert told[0] == ("compiling the model 'correct'", 0.0)
    shares = [share for what, share in told if what == "sampling the model 'correct'"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("share", [0.1, 0.9], ids=["the first chain", "the last chain"])
def test_ctrl_c_ends_the_sampling_of_pymc(share: float) -> None:
    """PyMC takes it for the end of one chain, and would go on with the others."""
    after: list[float] = []

    def interrupt(what: str, done: float) -> None:
        if what.startswith("sampling") and done > share:
            after.append(done)
            raise KeyboardInterrupt

    reg, table = make(KINDS["intercept alone"], frame())
    with pytest.raises(KeyboardInterrupt):
        pymc_samplers.fit(
            reg, table, sampler="pymc", draws=3000, tune=200, seed=1, progress=interrupt
        )
    assert len(after) == 1


def test_no_chain_is_drawn_after_one_that_was_broken_off() -> None:
    watch = pymc_samplers._Watch(total=10, chains=2, told=None)
    for draw in range(10):
        watch(None, SimpleNamespace(chain=0, draw_idx=draw))
    watch(None, SimpleNamespace(chain=1, draw_idx=0))
    assert not watch.whole
    watch.done[0] = 9
    with pytest.raises(pymc_samplers._BrokenOffError):
        watch(None, SimpleNamespace(chain=1, draw_idx=1))


@pytest.mark.parametrize("kind", ["number by category", "ordered", "negbinomial", "log"])
def test_chains_start_about_the_mode_apart_from_each_other(kind: str) -> None:
    reg, table = make(KINDS[kind], frame())
    points = pymc_samplers._about_mode(reg, table, 400, 1)
    found = pymc_samplers.mode.find(reg, table)
    assert points is not None
    assert found is not None
    linear, _ = pymc_samplers.sampled(reg)
    theta = np.array([np.concatenate([np.ravel(p[name]) for name in linear]) for p in points])
    sd = np.sqrt(np.diag(found.covariance)[: theta.shape[1]])
    assert np.abs((theta.mean(axis=0) - found.coefficients) / sd).max() < 8 / np.sqrt(400)
    assert theta.std(axis=0) / sd == pytest.approx(np.full(len(sd), 2.0), rel=0.15)


@pytest.mark.heavy
def test_nothing_else_imports_numpyro() -> None:
    """(ArviZ imports JAX where it is installed, and a stand-in for NumPyro that loads nothing.)"""
    pytest.importorskip("numpyro")
    program = (
        "import sys; from causal.inference import nuts, pymc_samplers, select;"
        "from tests.regressions import KINDS, frame, make;"
        "nuts.fit(*make(KINDS['plain'], frame()), draws=40, tune=10, seed=1);"
        "print(*({'numpyro.infer', 'pymc.sampling.jax'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""

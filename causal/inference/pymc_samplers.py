"""The No-U-Turn samplers of PyMC and of NumPyro, on the model that a PyMC user sees.

Slower than `causal.inference.nuts`, and there to be compared with: another program that moves
another form of the model (`causal.models.pymc_model`, term by term, in the data's own units) must
find the same posterior. NumPyro compiles it for JAX, which is imported here and nowhere else.

References
----------
Abril-Pla et al. (2023). PyMC: a modern and comprehensive probabilistic programming framework in
Python. PeerJ Computer Science 9, e1516.
Phan, Pradhan & Jankowiak (2019). Composable effects for flexible and accelerated probabilistic
programming in NumPyro. arXiv:1912.11554.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from causal.data.table import Table
from causal.errors import InferenceError, MissingPart, shown
from causal.inference import mode
from causal.inference.nuts import Progress, check, coefficients, diagnose
from causal.inference.posterior import Posterior
from causal.models.pymc_model import build, names, sampled, starts
from causal.models.regression import Regression

__all__ = ["check_there", "fit"]

Which = Literal["pymc", "numpyro"]

TUNE = 1000
"""Tuning draws of a chain: as many as PyMC takes."""

ACCEPT = 0.9
"""The acceptance aimed at; 0.99 where coefficients vary by a category, or cutpoints have bounds."""

APART = 2.0
"""How many posterior sds about the mode chains start, for R-hat."""


def fit(
    regression: Regression,
    table: Table,
    *,
    sampler: Which,
    draws: int = 4000,
    chains: int = 4,
    tune: int = TUNE,
    seed: int,
    progress: Progress | None = None,
) -> Posterior:
    """Draw from the posterior of *regression* given *table*.

    Parameters
    ----------
    sampler
        Whose: ``"pymc"`` or ``"numpyro"``.
    draws, chains, tune, seed
        As of `causal.inference.nuts.fit`.
    progress
        Told the share of the draws done; NumPyro only names what it does.

    Returns
    -------
    Posterior
        As of `causal.inference.nuts.fit`. Chains run one after the other in PyMC and all at once in
        NumPyro: Ctrl-C leaves nothing that could be kept. ``seconds`` has the compiling in it.

    Raises
    ------
    MissingPart
        PyMC or NumPyro is not installed.
    InferenceError
        There is no point to start from, or the numbers asked for make no sense.
    """
    check(draws, chains, tune, seed)
    check_there(sampler)
    table = table.written_out(regression.variables)
    model, per_chain = build(regression, table), -(-draws // chains)
    linear, others = sampled(regression)
    about = _about_mode(regression, table, chains, seed)
    options = {
        "draws": per_chain,
        "tune": tune,
        "chains": chains,
        "random_seed": seed % 2**32,
        "initvals": starts(regression, table) if about is None else about,
        "target_accept": _accept(regression),
        "var_names": [*linear, *others],
        "progressbar": False,
        "compute_convergence_checks": False,
        "model": model,
    }
    called = shown(regression.name)
    if progress is not None:
        progress(f"compiling the model {called}", 0.0)
    started = time.perf_counter()
    run = _by_pymc if sampler == "pymc" else _by_numpyro
    try:
        tree = run(options, f"sampling the model {called}", progress, jitter=about is None)
    except (RuntimeError, ValueError) as error:  # PyMC's SamplingError is a RuntimeError
        raise InferenceError(
            f"The sampler {sampler} could not sample the model {called}: {_first_line(error)}"
            " Use --sampler nuts."
        ) from error
    values = coefficients(regression, tree)
    seconds = time.perf_counter() - started
    if not np.isfinite(values).all():
        raise InferenceError(
            f"The sampler {sampler} left the numbers a computer can hold in the model {called}: its"
            " posterior is improper or nearly so. Give every coefficient a proper prior."
        )
    divergences = int(tree.sample_stats["diverging"].values.sum())
    return Posterior(
        names=regression.coefficient_names,
        draws=values,
        sampler=sampler,
        diagnostics=diagnose(regression.coefficient_names, values, divergences),
        seconds=seconds,
    )


def check_there(sampler: Which) -> None:
    """Refuse a sampler whose library is not installed.

    Raises
    ------
    MissingPart
        The message says how to install it.
    """
    from importlib.util import find_spec

    needed = {"pymc": ("pymc", "arviz"), "numpyro": ("pymc", "arviz", "jax", "numpyro")}[sampler]
    lacking = [name for name in needed if find_spec(name) is None]
    if lacking:
        extra = "numpyro" if sampler == "numpyro" else "bayes"
        raise MissingPart(
            f"The sampler {sampler} needs the library {lacking[0]}, which is not installed. Install"
            f' it with `pip install "causal-workbench[{extra}]"`.'
        )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".") + "."


def _accept(regression: Regression) -> float:
    bounded = any(np.isfinite(prior.support[0]) for prior in regression.priors.cutpoints)
    return 0.99 if regression.varying or bounded else ACCEPT


def _about_mode(
    regression: Regression, table: Table, chains: int, seed: int
) -> list[dict[str, NDArray[np.float64]]] | None:
    """A point for each chain, by the names of the model; ``None`` where there is no mode."""
    found = mode.find(regression, table)
    if found is None or not (found.converged and np.isfinite(found.covariance).all()):
        return None
    k = len(found.coefficients)
    own = [regression.priors.intercept] if regression.priors.intercept is not None else []
    own += [prior for group in regression.priors.terms for prior in group]
    if any(np.isfinite(prior.support).any() for prior in own):
        return None  # there the covariance is that of other numbers
    sizes, axes = np.linalg.eigh(found.covariance[:k, :k])
    factor = APART * axes * np.sqrt(np.maximum(sizes, 0.0))
    called = names(regression)
    linear, others = sampled(regression)
    rest: dict[str, Any] = {getattr(called, name): v for name, v in found.auxiliary.items()}
    if regression.family == "ordered":
        rest[others[0]] = found.cutpoints
    rng = np.random.default_rng(seed)
    return [
        _by_name(regression, linear, found.coefficients + factor @ rng.normal(size=k)) | rest
        for _ in range(chains)
    ]


def _by_name(
    regression: Regression, linear: tuple[str, ...], theta: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """The coefficients as the variables of the model hold them."""
    called = names(regression)
    dims = dict(zip(called.terms, called.term_dims, strict=True))
    found, start = {}, 0
    for name in linear:
        shape = tuple(len(called.coords[dim]) for dim in dims.get(name, ()))
        size = int(np.prod(shape))
        found[name] = theta[start : start + size].reshape(shape)
        start += size
    return found


@dataclass(slots=True)
class _Watch:
    """Told of each draw by PyMC; ends a run whose chain was broken off.

    In one process PyMC takes an interruption for the end of a chain, and goes on with the next one.
    """

    total: int  # of a chain, tuning included
    chains: int
    told: Callable[[float], None] | None
    done: dict[int, int] = field(default_factory=dict)
    last: float = 0.0

    def __call__(self, trace: object, draw: Any) -> None:
        del trace
        self.done[draw.chain] = draw.draw_idx + 1
        if any(self.done.get(chain, 0) < self.total for chain in range(draw.chain)):
            raise _BrokenOffError
        now = time.monotonic()
        if self.told is not None and now - self.last > 0.05:
            self.last = now
            self.told(sum(self.done.values()) / (self.total * self.chains))

    @property
    def whole(self) -> bool:
        return sum(self.done.values()) == self.total * self.chains


class _BrokenOffError(BaseException):
    """Passes through PyMC, which keeps a KeyboardInterrupt to itself."""


def _by_pymc(
    options: Mapping[str, Any], what: str, progress: Progress | None, *, jitter: bool
) -> Any:
    import pymc

    def told(share: float) -> None:
        assert progress is not None
        progress(what, share)

    total = options["draws"] + options["tune"]
    watch = _Watch(total, options["chains"], None if progress is None else told)
    try:
        tree = pymc.sample(
            **options,
            nuts_sampler="pymc",
            init="jitter+adapt_diag" if jitter else "adapt_diag",
            cores=1,  # others would run the user's program again, if it has no guard
            callback=watch,
            quiet=True,
        )
    except _BrokenOffError:
        raise KeyboardInterrupt from None
    if not watch.whole:
        raise KeyboardInterrupt
    if progress is not None:
        progress(what, 1.0)
    return tree


def _by_numpyro(
    options: Mapping[str, Any], what: str, progress: Progress | None, *, jitter: bool
) -> Any:
    from pymc.sampling.jax import sample_numpyro_nuts

    if progress is not None:
        progress(what, 0.0)
    tree = sample_numpyro_nuts(**options, jitter=jitter, chain_method="vectorized", quiet=True)
    if progress is not None:
        progress(what, 1.0)
    return tree

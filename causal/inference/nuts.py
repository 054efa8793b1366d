"""The No-U-Turn sampler, for every model that no closed form reaches.

PyMC writes the model (`causal.models.pymc_model`), nutpie samples it. Its low-rank mass matrix
learns the strong correlations that nearly collinear predictors give a posterior, which is the
normal case in adjustment: there it draws more than ten times faster than a diagonal one.

References
----------
Hoffman & Gelman (2014). The No-U-Turn sampler. JMLR 15, 1593-1623.
Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021). Rank-normalization, folding, and
localization: an improved R-hat. Bayesian Analysis 16, 667-718. The limits of `PROBLEMS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.data.table import Table
from causal.errors import InferenceError, MissingPart, shown
from causal.inference.posterior import Diagnostics, Posterior
from causal.inference.printed import as_printed
from causal.models.pymc_model import build, names, sampled, starts
from causal.models.regression import Regression

__all__ = ["Progress", "diagnose", "fit"]

Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is done."""

TUNE = 800
"""Tuning draws of a chain; half of it was enough on every experiment tried."""

RHAT = 1.01
ESS = 400.0


def fit(
    regression: Regression,
    table: Table,
    *,
    draws: int = 4000,
    chains: int = 4,
    tune: int = TUNE,
    seed: int,
    progress: Progress | None = None,
) -> Posterior:
    """Draw from the posterior of *regression* given *table*, by NUTS.

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
        The same seed gives the same draws.
    progress
        Called in the calling thread, first for the compiling (of unknown length, seconds), then
        with the share of the draws done, tuning included; what it raises stops the sampling.

    Returns
    -------
    Posterior
        ``draws`` is (chains, draws / chains, coefficients), in the data's own units; ``seconds``
        is the sampling alone, without the compiling of the model.

    Raises
    ------
    MissingPart
        PyMC or nutpie is not installed.
    InferenceError
        The sampler found no point to start from, or the numbers asked for make no sense.
    """
    _check(draws, chains, tune, seed)
    nutpie = _nutpie()
    called = shown(regression.name)
    if progress is not None:
        progress(f"compiling the model {called}", 0.0)
    model = build(regression, table)
    for name, start in starts(regression, table).items():
        model.set_initval(model[name], start)
    compiled = _compile(nutpie, model, regression)
    per_chain = -(-draws // chains)
    told = None if progress is None else partial(progress, f"sampling the model {called}")
    started = time.perf_counter()
    tree = _sample(nutpie, compiled, per_chain, chains, tune, seed, told)
    seconds = time.perf_counter() - started
    values = _coefficients(regression, tree)
    if not np.isfinite(values).all():
        raise InferenceError(
            f"NUTS left the numbers a computer can hold in the model {shown(regression.name)}: its"
            " posterior is improper or nearly so. Give every coefficient a proper prior."
        )
    divergences = int(tree.sample_stats["diverging"].values.sum())
    return Posterior(
        names=regression.coefficient_names,
        draws=values,
        sampler="nuts",
        diagnostics=diagnose(regression.coefficient_names, values, divergences),
        seconds=seconds,
    )


def diagnose(
    coefficients: Sequence[str], draws: NDArray[np.float64], divergences: int | None
) -> Diagnostics:
    """Say what R-hat, effective sizes and divergences think of *draws*.

    Parameters
    ----------
    coefficients
        Names along the last axis.
    draws : (chains, draws, len(coefficients))
    divergences
        Their number; ``None`` where the sampler has none.

    Returns
    -------
    Diagnostics
        The worst of each over the coefficients, with one sentence for each failed check in
        ``problems``: R-hat below 1.01, bulk and tail effective size above 400, no divergence.
    """
    # This door of arviz_stats takes plain arrays; it has no types.
    from arviz_stats.base.array import array_stats as untyped

    array_stats: Any = untyped
    by_name = np.moveaxis(draws, 2, 0)
    with np.errstate(all="ignore"):  # chains that never moved divide by zero: a failed check below
        rhat = np.array([float(array_stats.rhat(one)) for one in by_name])
        bulk = np.array([float(array_stats.ess(one, method="bulk")) for one in by_name])
        tail = np.array([float(array_stats.ess(one, method="tail", prob=0.05)) for one in by_name])
    problems = []
    # Written as "not good" so that a NaN, from chains that never moved, counts as failed.
    if not (rhat < RHAT).all():
        worst = _worst(rhat, largest=True)
        problems.append(
            f"rhat: R-hat is {rhat[worst]:.3f} for {shown(coefficients[worst])} (below {RHAT} is"
            " good): the chains do not agree. Take more draws, or closer priors."
        )
    for label, sizes in (("bulk", bulk), ("tail", tail)):
        if not (sizes > ESS).all():
            worst = _worst(sizes, largest=False)
            problems.append(
                f"ess_{label}: the {label} effective sample size is {sizes[worst]:.0f} for"
                f" {shown(coefficients[worst])} (above {ESS:.0f} is good). Take more draws."
            )
    if divergences:
        problems.append(
            f"divergences: {divergences} of {draws.shape[0] * draws.shape[1]} draws diverged: parts"
            " of the posterior may be missing. Give closer priors, or look for separation."
        )
    return Diagnostics(
        rhat=_finite(rhat.max()),
        ess_bulk=_finite(bulk.min()),
        ess_tail=_finite(tail.min()),
        divergences=divergences,
        problems=tuple(problems),
    )


def _worst(values: NDArray[np.float64], *, largest: bool) -> int:
    """Find the worst value; NaN is worse than any number."""
    known = np.where(np.isnan(values), np.inf if largest else -np.inf, values)
    return int(known.argmax() if largest else known.argmin())


def _finite(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None


def _check(draws: int, chains: int, tune: int, seed: int) -> None:
    """Refuse numbers that nutpie would answer with a crash or with draws nobody can judge."""
    if chains < 2:
        raise InferenceError(
            f"NUTS was asked for {chains} chain(s): whether chains agree can only be seen from"
            " two on. The default is 4."
        )
    if draws < 4 * chains or tune < 1:
        raise InferenceError(
            f"NUTS was asked for {draws} draws from {chains} chains after {tune} tuning draws."
            f" It needs at least {4 * chains} draws and 1 tuning draw; the defaults are 4000 and"
            f" {TUNE}."
        )
    if not 0 <= seed < 2**64:
        raise InferenceError(f"The seed {seed} is not a whole number from 0 to 2**64 - 1.")


def _nutpie() -> Any:
    try:
        import nutpie
    except ModuleNotFoundError as error:
        raise MissingPart(
            f"NUTS needs the library {error.name}, which is not installed. Install it with"
            ' `pip install "causal-workbench[bayes]"`.'
        ) from error
    return nutpie


def _compile(nutpie: Any, model: Any, regression: Regression) -> Any:
    """Compile the model, with starting points on the scale of its priors.

    nutpie starts within 1 of the prior's centre, whatever its scale: for a slope of 1e-18 that is
    so far out that chains never move. A draw from a Normal or Student prior is on the right scale,
    and spread widely enough for R-hat to mean something. All others keep nutpie's rule. (Most are
    moved on a scale without units: positive ones in logarithms, where a draw of sigma from its
    prior can be so small that nothing moves either.)
    """
    called, priors = names(regression), regression.priors
    linear, others = sampled(regression)
    scaled = {"Normal", "StudentT"}
    drawn = []
    if priors.intercept is not None and priors.intercept.name in scaled:
        drawn.append(linear[0])
    for name, own, chosen in zip(called.terms, called.varying, priors.terms, strict=True):
        if own is not None:
            drawn.append(own.standard)
        elif {prior.name for prior in chosen} <= scaled:
            drawn.append(name)
    return nutpie.compile_pymc_model(
        model,
        initial_points=dict.fromkeys(drawn, "prior"),
        jitter_rvs={rv for rv in model.free_RVs if rv.name not in drawn},
        var_names=[*linear, *others],
    )


def _sample(
    nutpie: Any,
    compiled: Any,
    draws: int,
    chains: int,
    tune: int,
    seed: int,
    progress: Callable[[float], None] | None,
) -> Any:
    """Draw, into a DataTree; a KeyboardInterrupt stops the chains and goes on to the caller."""
    share = [0.0]

    def note(states: Sequence[Any]) -> None:
        # Comes from a thread of nutpie's that swallows exceptions: only leave word here.
        done = sum(state.finished_draws for state in states)
        share[0] = max(share[0], min(1.0, done / (chains * (tune + draws))))

    # Not `blocking`: that would catch Ctrl-C and return what there is as if all were well.
    sampler = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        adaptation="low_rank",
        save_warmup=False,
        progress_bar=False,
        progress_callback=note,
        blocking=False,
    )
    try:
        tree = None
        told = None
        while tree is None:
            try:
                tree = sampler.wait(timeout=0.05)
            except TimeoutError:  # nutpie's word for: not finished yet
                if progress is not None and share[0] != told:
                    told = share[0]
                    progress(told)
    except RuntimeError as error:
        sampler.cancel()
        raise InferenceError(f"NUTS could not sample the model: {error}") from error
    except BaseException:
        sampler.cancel()
        raise
    if progress is not None:
        progress(1.0)
    return tree


def _coefficients(regression: Regression, tree: Any) -> NDArray[np.float64]:
    """(chains, draws, parameters) in the order of ``regression.coefficient_names``, as printed."""
    linear, others = sampled(regression)
    return as_printed(regression, _flat(tree, linear), _flat(tree, others))


def _flat(tree: Any, variables: Sequence[str]) -> NDArray[np.float64]:
    """Some variables of the posterior side by side, (chains, draws, all their entries)."""
    found = [tree.posterior[name].values for name in variables]
    flat = [values.reshape(*values.shape[:2], -1).astype(np.float64) for values in found]
    if not flat:
        sizes = tree.posterior.sizes
        return np.empty((sizes["chain"], sizes["draw"], 0))
    return np.concatenate(flat, axis=-1)

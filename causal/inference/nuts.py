"""The No-U-Turn sampler, for every model that no closed form reaches.

PyMC writes the model (`causal.models.pymc_model`), nutpie samples it. Its low-rank mass matrix
learns the strong correlations that nearly collinear predictors give a posterior, which is the
normal case in adjustment: there it draws more than ten times faster than a diagonal one.

References
----------
Betancourt & Girolami (2015). Hamiltonian Monte Carlo for hierarchical models. In: Current Trends in
Bayesian Methodology with Applications, ch. 4.
Hoffman & Gelman (2014). The No-U-Turn sampler. JMLR 15, 1593-1623.
Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021). Rank-normalization, folding, and
localization: an improved R-hat. Bayesian Analysis 16, 667-718. The limits of `PROBLEMS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.data.table import Table
from causal.errors import InferenceError, MissingPart, shown
from causal.inference.posterior import Diagnostics, Posterior
from causal.inference.printed import as_printed
from causal.models.design import design
from causal.models.families import RULES
from causal.models.priors import Distribution, to_printed
from causal.models.pymc_model import build, names, sampled, starts
from causal.models.regression import Regression

__all__ = ["Progress", "diagnose", "fit"]

Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is done."""

TUNE = 800
"""Tuning draws of a chain; half of it was enough on every experiment tried."""

KNOWN = 0.9
"""How much of a deviation the rows must tell (the rest is prior) for it to be moved itself."""

ACCEPT = 0.8
CAREFUL = 0.95
UTMOST = 0.99
"""The acceptance aimed at: the usual one; where coefficients vary by a category; where ratios to
their sd are moved. With less, one draw in some thousands diverges there.
"""

THIN = 4
"""How many draws stand behind each one kept there, because they are much alike."""

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
    model = build(regression, table, switched=bool(regression.varying))
    for name, start in starts(regression, table).items():
        model.set_initval(model[name], start)
    compiled = _compile(nutpie, _fixed(model, regression), regression, table)
    per_chain = -(-draws // chains)
    told = None if progress is None else partial(progress, f"sampling the model {called}")
    started = time.perf_counter()
    thin, accept = 1, ACCEPT
    if regression.varying:
        warming = None if progress is None else partial(progress, f"warming up the model {called}")
        compiled, ratios = _switched(nutpie, compiled, regression, chains, seed, warming)
        thin, accept = (THIN, UTMOST) if ratios else (1, CAREFUL)
    tree = _sample(nutpie, compiled, per_chain * thin, chains, tune, seed, told, accept=accept)
    seconds = time.perf_counter() - started
    values = _coefficients(regression, tree)[:, thin - 1 :: thin]
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
            f"divergences: {divergences} draw{'s' if divergences > 1 else ''} diverged: parts of"
            " the posterior may be missing. Give closer priors, or look for separation."
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


def _fixed(model: Any, regression: Regression) -> Any:
    """The model with constants in the place of its data, but for switches: up to twice as fast."""
    from pymc.model.transform.optimization import freeze_dims_and_data

    switches = {own.switch for own in names(regression).varying if own is not None}
    data = [one.name for one in model.data_vars if one.name not in switches]
    return freeze_dims_and_data(model, data=data)


def _compile(nutpie: Any, model: Any, regression: Regression, table: Table) -> Any:
    """Compile the model, with starting points on the scale of its priors.

    nutpie starts within 1 of the prior's centre, whatever its scale: for a slope of 1e-18 that is
    so far out that chains never move. A draw from a Normal or Student prior is on the right scale,
    and spread widely enough for R-hat to mean something. All others keep nutpie's rule. (Most are
    moved on a scale without units: positive ones in logarithms, where a draw of sigma from its
    prior can be so small that nothing moves either.)
    """
    called = names(regression)
    linear, others = sampled(regression)
    narrower = _narrower(regression, table)
    starts: dict[str, Any] = {}
    for name, dims, priors in _given(regression):
        if {prior.name for prior in priors} <= _LOCATED:
            shape = [len(called.coords[dim]) for dim in dims]
            starts[name] = "prior" if narrower == 1.0 else _near(priors, shape, narrower)
    return nutpie.compile_pymc_model(
        model,
        initial_points=starts,
        jitter_rvs={rv for rv in model.free_RVs if rv.name not in starts},
        var_names=[*linear, *others],
    )


_LOCATED = frozenset({"Normal", "StudentT"})


def _given(
    regression: Regression,
) -> Iterator[tuple[str, tuple[str, ...], tuple[Distribution, ...]]]:
    """Variable, dimensions and priors of the intercept and of each term that does not vary."""
    called, priors = names(regression), regression.priors
    if priors.intercept is not None:
        yield sampled(regression)[0][0], (), (priors.intercept,)
    every = zip(called.terms, called.term_dims, called.varying, priors.terms, strict=True)
    for name, dims, own, chosen in every:
        if own is None:
            yield name, dims, chosen


def _narrower(regression: Regression, table: Table) -> float:
    """By which factor starting points must be closer together than draws from the priors are.

    Under a log link a predictor of 100, which priors in the data's own units may well draw, means
    1e43 events: chains that start there stay there. So its sd is to be 3 at most, in every row.
    """
    if RULES[regression.family].link != "log":
        return 1.0
    scales = [
        prior.parameters[-1] if prior.name in _LOCATED else 0.0
        for _, _, priors in _given(regression)
        for prior in priors
    ]
    used = table.complete(regression.variables)
    some = slice(None, None, max(1, used.rows // 1_000))
    # Terms that vary come last.
    centred = (design(regression, used, some) @ to_printed(regression))[:, : len(scales)]
    spread = float(np.sqrt(np.square(centred * scales).sum(axis=1)).max())
    return min(1.0, 3.0 / spread)


def _near(priors: Sequence[Distribution], shape: Sequence[int], narrower: float) -> Any:
    """Normal draws about the same means."""
    import pymc

    mean, sd = (np.reshape([p.parameters[i] for p in priors], shape) for i in (-2, -1))
    return pymc.Normal.dist(mean, narrower * sd)


def _switched(
    nutpie: Any,
    compiled: Any,
    regression: Regression,
    chains: int,
    seed: int,
    progress: Callable[[float], None] | None,
) -> tuple[Any, bool]:
    """Find the form that suits each deviation, from a short run of the form between the two.

    A level with many rows is known whatever the sd: its ratio to the sd then moves against the sd
    and against the intercept on a curve that no mass matrix straightens (measured: 2,000 rows in 6
    levels, effective size 200 in 4,000 draws, against 2,500 when the deviation itself is moved). A
    level with few rows is known by its ratio to the sd only, and the deviation itself would narrow
    to a funnel where the sd is near 0 (Betancourt & Girolami 2015).

    Returns
    -------
    compiled
        With the switches set.
    ratios
        Whether any ratio to an sd is moved.
    """
    called = names(regression)
    every = zip(called.terms, called.term_dims, called.varying, strict=True)
    varying = [(name, dims, own) for name, dims, own in every if own is not None]
    between = {
        own.switch: np.full([len(called.coords[dim]) for dim in dims], 0.5)
        for _, dims, own in varying
    }
    tree = _sample(
        nutpie, compiled.with_data(**between), 100, chains, 300, seed, progress, accept=CAREFUL
    )
    switches = {}
    for name, _, own in varying:
        deviation, sd = tree.posterior[name].values, tree.posterior[own.sd].values
        # What all levels have in common is the intercept's as well, and no level's own.
        contrast = deviation - deviation.mean(axis=-1, keepdims=True)
        levels = deviation.shape[-1]
        spread = contrast.var(axis=(0, 1)) * levels / max(levels - 1, 1)
        of_prior = np.exp(2.0 * np.log(sd).mean(axis=(0, 1)))[..., None]
        switches[own.switch] = (spread < (1.0 - KNOWN) * of_prior).astype(np.float64)
    ratios = not all(switch.all() for switch in switches.values())
    return compiled.with_data(**switches), ratios


def _sample(
    nutpie: Any,
    compiled: Any,
    draws: int,
    chains: int,
    tune: int,
    seed: int,
    progress: Callable[[float], None] | None,
    *,
    accept: float = ACCEPT,
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
        target_accept=accept,
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

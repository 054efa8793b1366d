"""The No-U-Turn sampler, for every model that no closed form reaches.

nutpie samples. What it samples is the density of `causal.inference.density` in machine code
(`causal.inference.kernels`), which no model need be compiled for: one C function a family, kept on
disk. It is moved in coordinates that make it nearly round, about the mode. Where coefficients vary
by a category, and for cells, PyMC writes a model (`causal.models.pymc_model`), which takes some ten
seconds to compile.

The low-rank mass matrix learns the strong correlations that nearly collinear predictors give a
posterior, which is the normal case in adjustment: there it draws more than ten times faster than a
diagonal one.

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
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.data.table import Table
from causal.errors import InferenceError, MissingPart, ModelError, shown
from causal.inference import mode
from causal.inference.density import Density
from causal.inference.posterior import Diagnostics, Posterior
from causal.inference.printed import as_printed
from causal.models.design import design
from causal.models.families import RULES
from causal.models.priors import Distribution, to_printed
from causal.models.pymc_model import build, check_outcome, names, sampled, starts
from causal.models.regression import Regression

__all__ = [
    "Progress",
    "check",
    "coefficients",
    "diagnose",
    "fit",
    "fit_all",
    "interrupted",
]

Array = NDArray[np.float64]

Progress = Callable[[str, float], None]
"""Told what is being done and which share of it is done."""

TUNE, FEWER = 800, 300
"""Tuning draws of a chain: usually, and about a mode, where little is left to learn. Half, and a
third, were enough on every kind of model tried.
"""

LARGEST = 50_000_000
"""Numbers in a design; more than these 400 MB are not written down for categories."""

APART = 2.0
"""How many posterior sds about the mode chains start: beyond where they will be, for R-hat."""

SLIGHT = 4.0
"""A peak with less of the posterior than exp(-4) of what the largest has, 2 %, starts no chain."""

KNOWN = 0.9
"""How much of a deviation the rows must tell (the rest is prior) for it to be moved itself."""

ACCEPT = 0.8
CAREFUL = 0.95
UTMOST = 0.99
"""The acceptance aimed at: the usual one; where coefficients vary by a category; where ratios to
their sd are moved, or cutpoints between bounds. With less, some draws diverge there.
"""

FEWEST = 50
"""Draws of each chain that are kept after an interruption; fewer are no posterior."""

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
    tune: int | None = None,
    seed: int,
    progress: Progress | None = None,
) -> Posterior:
    """Draw from the posterior of *regression* given *table*, by NUTS: `fit_all` of one."""
    [found] = fit_all(
        [regression], table, draws=draws, chains=chains, tune=tune, seed=seed, progress=progress
    ).values()
    return found


def fit_all(
    regressions: Sequence[Regression],
    table: Table,
    *,
    draws: int = 4000,
    chains: int = 4,
    tune: int | None = None,
    seed: int,
    progress: Progress | None = None,
) -> dict[str, Posterior]:
    """Draw from the posterior of each regression, one after the other.

    Only where coefficients vary by a category is a model compiled, which takes seconds.

    Parameters
    ----------
    regressions
        What to fit, each with a name of its own; any prior, any family.
    table
        Holds their columns; rows that lack one of a regression's are left out of it. Rows may stand
        for several each.
    draws
        Of each posterior, over all chains together; rounded up to a multiple of *chains*.
    chains
        At least 2, or R-hat could not see chains that disagree.
    tune
        Of each chain, thrown away; by default `TUNE`, or `FEWER` about a mode.
    seed
        The same seed and the same regressions give the same draws.
    progress
        Called in the calling thread, first before the sampling (with 0: of unknown length, seconds
        where a model is compiled), then with the share of the draws done, tuning included; what it
        raises stops the sampling.

    Returns
    -------
    dict
        By name, in the order of *regressions*. ``draws`` is (chains, draws / chains, parameters),
        in the data's own units; ``seconds`` is the sampling alone, without the compiling. Where
        coefficients vary by a category, a short run comes first (`_switches`), and of levels that
        are not well known only one draw in `THIN` is kept.

    Raises
    ------
    MissingPart
        nutpie or numba is not installed, or PyMC where a model is compiled.
    InferenceError
        The sampler found no point to start from, or the numbers asked for make no sense.
    KeyboardInterrupt
        Nothing was drawn yet that could be kept.

    Notes
    -----
    Ctrl-C ends the sampling. Where all chains have `FEWEST` draws by then, these are the posterior,
    with the problem ``interrupted`` among its diagnostics. What was to be fitted after it is then
    not in the result.
    """
    check(draws, chains, tune, seed)
    plan = _Plan(_nutpie(), -(-draws // chains), chains, tune, seed, progress)
    found: dict[str, Posterior] = {}
    for regression in regressions:
        size = table.rows * len(regression.columns)
        direct = mode.obstacle(regression) is None and size <= LARGEST
        try:
            posterior = (_direct if direct else _alone)(plan, regression, table)
        except KeyboardInterrupt:
            if not found:
                raise
            break
        found[regression.name] = posterior
        if any(problem.startswith("interrupted") for problem in posterior.diagnostics.problems):
            break
    return found


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was asked for; `draws` and `tune` are those of a chain."""

    nutpie: Any
    draws: int
    chains: int
    tune: int | None
    seed: int
    progress: Progress | None

    def telling(self, what: str) -> Callable[[float], None] | None:
        """Tell how far this is."""
        return None if self.progress is None else partial(self.progress, what)

    def beginning(self, what: str, regression: Regression) -> None:
        """Tell that something of unknown length begins."""
        if self.progress is not None:
            self.progress(f"{what} the model {shown(regression.name)}", 0.0)


def _direct(plan: _Plan, regression: Regression, table: Table) -> Posterior:
    """By the density that is written down here, in coordinates in which it is nearly round."""
    from causal.inference import kernels

    _check_parameters(regression)
    plan.beginning("preparing", regression)
    # Rows that stand for several were taken together because they lack nothing.
    used = table.complete(regression.variables) if table.weights is None else table
    check_outcome(regression, used)
    functions = kernels.compiled(regression.family), kernels.unchanged()
    started = time.perf_counter()
    density = Density.of(regression, used)
    centre, factor, peaks = _about(density)
    known = len(peaks) > 0
    data = kernels.packed(density, centre, factor)
    usual = all(prior.name in _LOCATED for prior in regression.priors.cutpoints)
    run = _sample(
        plan,
        _c_model(functions, data, _starts(len(centre), peaks)),
        plan.draws,
        plan.telling(f"sampling the model {shown(regression.name)}"),
        tune=plan.tune or (FEWER if known else TUNE),
        accept=ACCEPT if usual else UTMOST,
    )
    v, k = _flat(run.tree, [_POINT]), density.coefficients
    with np.errstate(over="ignore"):  # where the posterior has no end: told below
        natural = density.natural((centre + v @ factor.T).reshape(-1, len(centre)))
    natural = natural.reshape(v.shape)
    values = as_printed(regression, natural[..., :k], natural[..., k:])
    return _posterior(regression, values, run, started)


def _check_parameters(regression: Regression) -> None:
    """Refuse what lacks a prior, as PyMC would."""
    lacking = [
        name
        for name in RULES[regression.family].auxiliary
        if name not in dict(regression.priors.auxiliary)
    ]
    if lacking:
        raise ModelError(
            f"The model {shown(regression.name)} is {regression.family} and has no prior for"
            f" {lacking[0]}. Give one, such as Exponential(1)."
        )
    if regression.family == "ordered":
        cuts, kinds = regression.priors.cutpoints, {p.name for p in regression.priors.cutpoints}
        if len(cuts) != len(regression.grades) - 1 or len(kinds) > 1:
            raise ModelError(
                f"The model {shown(regression.name)} has {len(regression.grades)} grades and"
                f" {len(cuts)} priors of {len(kinds)} kinds for its cutpoints. It takes one less"
                " than grades, of one kind."
            )


def _about(density: Density) -> tuple[Array, Array, list[tuple[Array, Array]]]:
    """Centre (d,) and factor (d, d) of the coordinates, those of the largest peak, and all peaks.

    Each peak in these coordinates: where it is (d,), and a square root of its covariance (d, d).
    Without a peak the coordinates are those of `Density`: in its units no predictor is out of
    scale. Peaks that have hardly any of the posterior beside another are left out.
    """
    found: list[tuple[float, Array, Array]] = []
    for peak in mode.peaks(density):
        try:
            spread = mode.covariance(peak)
            if np.isfinite(spread).all():
                root = np.linalg.cholesky(spread)
                mass = float(peak.log_density + np.log(np.diagonal(root)).sum())
                found.append((mass, peak.point, root))
        except np.linalg.LinAlgError:  # rounding has made it no covariance
            pass
    if not found:
        return mode.starts(density)[0], np.eye(density.dimension), []
    found.sort(key=lambda one: -one[0])
    most, centre, factor = found[0]
    peaks = [
        (np.linalg.solve(factor, point - centre), np.linalg.solve(factor, root))
        for mass, point, root in found
        if mass > most - SLIGHT
    ]
    return centre, factor, peaks


def _starts(dimension: int, peaks: Sequence[tuple[Array, Array]]) -> Callable[[int], Array]:
    """A function from a seed to a point to start from, (d,): about a peak, wider than it is.

    About one by chance, or chains could not tell by R-hat that there are others. Where no peak is
    known, within `APART` on each axis, as Stan has it.
    """

    def point(seed: int) -> Array:
        rng = np.random.default_rng(seed)
        if not peaks:
            return rng.uniform(-APART, APART, dimension)
        middle, root = peaks[int(rng.integers(len(peaks)))]
        start: Array = middle + APART * root @ rng.normal(size=dimension)
        return start

    return point


_POINT = "point"
"""What nutpie calls all parameters together."""


def _c_model(functions: tuple[Any, Any], data: Array, start: Callable[[int], Array]) -> Any:
    """What nutpie makes of a PyMC model, made of C functions instead.

    (Its other door, `nutpie.compiled_pyfunc`, asks Python for each value: at 2,000 rows two to
    three times as slow a chain, and five to ten with four at once, which wait for each other.)
    """
    from nutpie.compile_pymc import CompiledPyMCModel

    density, expand = functions
    d = len(start(0))
    return CompiledPyMCModel(
        compiled_logp_func=density,
        compiled_expand_func=expand,
        user_data=data,
        initial_point_func=start,
        n_expanded=d,
        shape_info=([_POINT], [slice(0, d)], [(d,)]),
        dims={},
        shared_data={},
        shared_var_keys={},
        logp_func=None,
        expand_func=None,
        _n_dim=d,
        _shapes={_POINT: (d,)},
        _coords={},
    )


def _alone(plan: _Plan, regression: Regression, table: Table) -> Posterior:
    """By a PyMC model of its own, compiled."""
    table = table.written_out(regression.variables)
    plan.beginning("compiling", regression)
    compiled = _compiled(plan.nutpie, regression, table)
    called = shown(regression.name)
    started = time.perf_counter()
    usual = all(prior.name in _LOCATED for prior in regression.priors.cutpoints)
    thin, accept = 1, ACCEPT if usual else UTMOST
    if regression.varying:
        switches = _switches(plan, compiled, regression)
        compiled = compiled.with_data(**switches)
        known = all(switch.all() for switch in switches.values())
        thin, accept = (1, CAREFUL) if known else (THIN, UTMOST)
    told = plan.telling(f"sampling the model {called}")
    tune = plan.tune or TUNE
    run = _sample(plan, compiled, plan.draws * thin, told, tune=tune, accept=accept)
    values = coefficients(regression, run.tree)[:, thin - 1 :: thin]
    return _posterior(regression, values, run, started)


def _posterior(
    regression: Regression, values: NDArray[np.float64], run: _Run, started: float
) -> Posterior:
    """What was drawn, judged."""
    seconds = time.perf_counter() - started
    if not np.isfinite(values).all():
        raise InferenceError(
            f"NUTS left the numbers a computer can hold in the model {shown(regression.name)}: its"
            " posterior is improper or nearly so. Give every coefficient a proper prior."
        )
    divergences = int(run.tree.sample_stats["diverging"].values.sum())
    found = diagnose(regression.coefficient_names, values, divergences)
    if run.share < 1.0:
        found = replace(found, problems=(_interrupted(values, run.share), *found.problems))
    return Posterior(
        names=regression.coefficient_names,
        draws=values,
        sampler="nuts",
        diagnostics=found,
        seconds=seconds,
    )


def _interrupted(values: NDArray[np.float64], share: float) -> str:
    chains, draws, _ = values.shape
    return interrupted(chains * draws, round(chains * draws / share))


def interrupted(drawn: int, asked: int) -> str:
    """The problem of a posterior whose sampling was interrupted."""
    return (
        f"interrupted: the sampling was stopped after {drawn:,} of {asked:,} draws, and these are"
        " all there are. Run it again for the others."
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


def check(draws: int, chains: int, tune: int | None, seed: int) -> None:
    """Refuse numbers that nutpie would answer with a crash or with draws nobody can judge."""
    if chains < 2:
        raise InferenceError(
            f"NUTS was asked for {chains} chain(s): whether chains agree can only be seen from"
            " two on. The default is 4."
        )
    if draws < 4 * chains or (tune is not None and tune < 1):
        raise InferenceError(
            f"NUTS was asked for {draws} draws from {chains} chains"
            f"{'' if tune is None else f' after {tune} tuning draws'}. It needs at least"
            f" {4 * chains} draws and 1 tuning draw; the defaults are 4000 and {TUNE}."
        )
    if not 0 <= seed < 2**64:
        raise InferenceError(f"The seed {seed} is not a whole number from 0 to 2**64 - 1.")


def _nutpie() -> Any:
    try:
        import nutpie

        from causal.inference import kernels  # noqa: F401 - numba is there too
    except ModuleNotFoundError as error:
        raise MissingPart(
            f"NUTS needs the library {error.name}, which is not installed. Install it with"
            ' `pip install "causal-workbench[bayes]"`.'
        ) from error
    return nutpie


def _compiled(nutpie: Any, regression: Regression, table: Table) -> Any:
    """The compiled model, with starting points on the scale of its priors.

    nutpie starts within 1 of the prior's centre, whatever its scale: for a slope of 1e-18 that is
    so far out that chains never move. A draw from a Normal or Student prior is on the right scale,
    and spread widely enough for R-hat to mean something. All others keep nutpie's rule. (Most are
    moved on a scale without units: positive ones in logarithms, where a draw of sigma from its
    prior can be so small that nothing moves either.)
    """
    from pymc.model.transform.optimization import freeze_dims_and_data

    model = build(regression, table, switched=bool(regression.varying))
    for name, start in starts(regression, table).items():
        model.set_initval(model[name], start)
    # Constants in the place of all data but switches: up to twice as fast.
    switches = {own.switch for own in names(regression).varying if own is not None}
    data = [one.name for one in model.data_vars if one.name not in switches]
    model = freeze_dims_and_data(model, data=data)
    called = names(regression)
    linear, others = sampled(regression)
    narrower = _narrower(regression, table)
    points: dict[str, Any] = {}
    for name, dims, priors in _given(regression):
        if {prior.name for prior in priors} <= _LOCATED:
            shape = [len(called.coords[dim]) for dim in dims]
            points[name] = "prior" if narrower == 1.0 else _near(priors, shape, narrower)
    return nutpie.compile_pymc_model(
        model,
        initial_points=points,
        jitter_rvs={rv for rv in model.free_RVs if rv.name not in points},
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


def _switches(plan: _Plan, compiled: Any, regression: Regression) -> dict[str, NDArray[np.float64]]:
    """Find the form that suits each deviation, from a short run of the form between the two.

    A level with many rows is known whatever the sd: its ratio to the sd then moves against the sd
    and against the intercept on a curve that no mass matrix straightens (measured: 2,000 rows in 6
    levels, effective size 200 in 4,000 draws, against 2,500 when the deviation itself is moved). A
    level with few rows is known by its ratio to the sd only, and the deviation itself would narrow
    to a funnel where the sd is near 0 (Betancourt & Girolami 2015).

    Returns
    -------
    By the name of its data in the model, for each `Varying` term an array like its deviations: 1
    where the deviation is moved, 0 where its ratio to the sd.
    """
    called = names(regression)
    every = zip(called.terms, called.term_dims, called.varying, strict=True)
    varying = [(name, dims, own) for name, dims, own in every if own is not None]
    between = {
        own.switch: np.full([len(called.coords[dim]) for dim in dims], 0.5)
        for _, dims, own in varying
    }
    told = plan.telling(f"warming up the model {shown(regression.name)}")
    run = _sample(plan, compiled.with_data(**between), 100, told, tune=300, accept=CAREFUL)
    if run.share < 1.0:
        raise KeyboardInterrupt
    tree = run.tree
    switches = {}
    for name, _, own in varying:
        deviation, sd = tree.posterior[name].values, tree.posterior[own.sd].values
        # What all levels have in common is the intercept's as well, and no level's own.
        contrast = deviation - deviation.mean(axis=-1, keepdims=True)
        levels = deviation.shape[-1]
        spread = contrast.var(axis=(0, 1)) * levels / max(levels - 1, 1)
        of_prior = np.exp(2.0 * np.log(sd).mean(axis=(0, 1)))[..., None]
        switches[own.switch] = (spread < (1.0 - KNOWN) * of_prior).astype(np.float64)
    return switches


@dataclass(frozen=True, slots=True)
class _Run:
    """Draws, and which share of those asked for they are: less than 1 after an interruption."""

    tree: Any
    share: float


def _sample(
    plan: _Plan,
    compiled: Any,
    draws: int,
    progress: Callable[[float], None] | None,
    *,
    tune: int,
    accept: float,
) -> _Run:
    """Draw; what was drawn before a KeyboardInterrupt is kept, if it is enough."""
    share = [0.0]

    def note(states: Sequence[Any]) -> None:
        # Comes from a thread of nutpie's that swallows exceptions: only leave word here.
        done = sum(state.finished_draws for state in states)
        share[0] = max(share[0], min(1.0, done / (plan.chains * (tune + draws))))

    # Not `blocking`: that would catch Ctrl-C and return what there is as if all were well.
    sampler = plan.nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=plan.chains,
        cores=plan.chains,  # all at once, so that an interruption finds draws of each
        seed=plan.seed,
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
    except KeyboardInterrupt:
        with warnings.catch_warnings():  # ArviZ wonders at runs with fewer draws than chains
            warnings.simplefilter("ignore")
            return _kept(sampler.abort(), draws, plan.chains)
    except RuntimeError as error:
        sampler.cancel()
        raise InferenceError(f"NUTS could not sample the model: {error}") from error
    except BaseException:
        sampler.cancel()
        raise
    if progress is not None:
        progress(1.0)
    return _Run(tree, 1.0)


def _kept(tree: Any, draws: int, chains: int) -> _Run:
    """The draws that all chains have, of a run that was interrupted.

    Raises
    ------
    KeyboardInterrupt
        There are fewer than `FEWEST`.
    """
    stats = tree.sample_stats
    there = np.isfinite(stats["logp"].values) if "logp" in stats else np.zeros((chains, 1))
    all_have = int(there.sum(axis=1).min()) if len(there) == chains else 0
    if all_have < FEWEST:
        raise KeyboardInterrupt
    return _Run(tree.isel(draw=slice(0, all_have)), all_have / draws)


def coefficients(regression: Regression, tree: Any) -> NDArray[np.float64]:
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

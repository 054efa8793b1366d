"""What a posterior costs: sections of the results, one function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import causal
from benchmarks import data
from benchmarks.fitting import (
    BAMBI,
    PYMC3,
    WITHIN,
    Fitted,
    Fitter,
    disagreeing,
    fit,
    stored,
)
from benchmarks.sections import Aim, Section, Setup
from benchmarks.tables import ratio_text, table, time_text
from causal.criteria.adjustment import adjust

__all__ = ["SECTIONS"]

OURS = "Causal Workbench"
SHORT = {"draws": 10, "tune": 10}
"""Of a run that is thrown away."""


def _everyone(setup: Setup, fitters: list[Fitter], name: str, made: data.Columns) -> _Found:
    path = stored(setup, name, made)
    return {fitter.name: fit(setup, fitter, path) for fitter in fitters}


_Found = Mapping[str, Fitted]


def _seconds(value: float) -> str:
    return time_text(value * 1e9)


def _per_draw(found: Fitted, *, compiled: bool) -> float:
    return (found.first if compiled else found.sampling) / found.size


def _rows(everyone: _Found) -> list[list[str]]:
    """A row a contender: times, effective draws, time of one, ratio to the first contender."""
    ours = next(iter(everyone.values()))
    rows = []
    for name, found in everyone.items():
        if found.missing or ours.missing:
            rows.append([name, *"-----"])
            continue
        ratios = [
            ratio_text(_per_draw(found, compiled=c) / _per_draw(ours, compiled=c))
            for c in (True, False)
        ]
        times = [_seconds(found.first), _seconds(found.sampling)]
        rows.append([name, *times, f"{found.size:,.0f}", *ratios])
    return rows


def _per_draw_table(everyone: _Found) -> str:
    head = ["contender", "compiled", "sampling", "effective draws"]
    head += ["per effective draw, compiled", "sampling alone"]
    return table(head, _rows(everyone))


def _remarks(everyone: _Found) -> str:
    """Whether all answers are the same, and who did not run."""
    absent = [f"- {name}: {found.missing}" for name, found in everyone.items() if found.missing]
    return "\n".join([*disagreeing(everyone), *absent])


def _aim(
    everyone: _Found, name: str, least: float, what: str, cost: Callable[[Fitted], float]
) -> Aim:
    """That *name* takes *least* times as long, compiling included, to the same answer."""
    text = f"{what} {least:,.0f} times as fast as {name}"
    ours, theirs = everyone[OURS], everyone[name]
    if ours.missing or theirs.missing:
        return Aim(text, "", None)
    ratio = cost(theirs) / cost(ours)
    agree = max(ours.off(theirs).values()) <= WITHIN
    later = ratio * cost(ours) / cost(replace(ours, first=ours.sampling))
    found = ratio_text(ratio) + ("" if agree else ", **of another answer**")
    found += (
        f" ({ratio_text(later)} beside later calls of ours)" if ours.said.get("repeated") else ""
    )
    return Aim(text, found, ratio >= least and agree)


def _once(found: Fitted) -> float:
    """Seconds of the whole call, compiling included."""
    return found.first


def _each(found: Fitted) -> float:
    """The same for each effective draw."""
    return found.first / found.size


def fork(setup: Setup) -> Section:
    """The tutorial's fork, the slope of x given z."""
    few: dict[str, Any] = {"draws": 100, "tune": 200} if setup.quick else {}
    drawn = {"drawn": data.FORK, "draws": 4_000}
    fitters = [
        Fitter(OURS, "workbench_fits", "fork", options=drawn, again=20, processes=5),
        Fitter(
            "PyMC 6, as the tutorial",
            "pymc_tutorial",
            "fork",
            options={"sampler": "pymc", **few},
            warm=SHORT,
        ),
        Fitter(
            "PyMC 6, the same, nutpie there",
            "pymc_tutorial",
            "fork",
            options={"sampler": "nutpie", **few},
            warm=SHORT,
        ),
        Fitter(
            "PyMC3, as the tutorial",
            "pymc3_tutorial",
            "fork",
            interpreter=PYMC3,
            options=few,
        ),
        Fitter("Bambi", "bambi_fits", "fork", requires=BAMBI, options=few, warm=SHORT),
        Fitter(
            "nutpie at its best",
            "nutpie_fits",
            "fork",
            options={"draws": 1_000},
            warm={"draws": 10},
        ),
    ]
    everyone = _everyone(setup, fitters, "fork", data.lesson("fork"))
    aims = [
        _aim(everyone, name, least, "fork, an effective draw compiled:", _each)
        for name, least in (
            ("PyMC 6, as the tutorial", 100_000),
            ("PyMC3, as the tutorial", 100_000),
            ("Bambi", 10_000),
            ("nutpie at its best", 1_000),
        )
    ]
    return Section(
        "The fork: the slope of x given z",
        (
            "The tutorial's data, 1,000 rows, x and z nearly collinear. "
            "Effective draws: bulk effective size (ArviZ) of the slope of x; of independent "
            "draws their number. *As the tutorial*: columns as they are, 2 chains of 500 draws "
            "after 1,500, `target_accept` 0.95; PyMC 6 takes nutpie for it where that is "
            "installed. Bambi: 2 chains of 1,000, its defaults. *nutpie at its best*: centred "
            "columns, low-rank adaptation, 4 chains of 1,000. The last columns are ratios to the "
            "workbench." + (" **Quick: fewer draws than that.**" if setup.quick else ""),
            _per_draw_table(everyone),
            _remarks(everyone),
        ),
        tuple(aims),
    )


def logistic(setup: Setup) -> Section:
    """A logistic regression, to 1,000 effective draws."""
    wanted = 1_000
    rows = 2_000 if setup.quick else 10_000
    fitters = [
        Fitter(
            OURS,
            "workbench_fits",
            "logistic",
            options={"drawn": data.LOGISTIC, "draws": 1_500},
            again=5,
            processes=3,
        ),
        Fitter(
            "PyMC + nutpie",
            "nutpie_fits",
            "logistic",
            options={"draws": 300},
            warm={"draws": 10},
        ),
        Fitter(
            "Bambi", "bambi_fits", "logistic", requires=BAMBI, options={"draws": 600}, warm=SHORT
        ),
    ]
    everyone = _everyone(setup, fitters, "logistic", data.logistic(rows))
    ours = everyone[OURS]
    body = []
    for name, found in everyone.items():
        if found.missing or ours.missing:
            body.append([name, *"----"])
            continue
        enough = "" if found.size >= wanted else " (**too few**)"
        cells = [_seconds(found.first), _seconds(found.sampling), f"{found.size:,.0f}{enough}"]
        body.append([name, *cells, ratio_text(found.first / ours.first)])
    what = f"{wanted:,} effective draws, compiled:"
    aims = [_aim(everyone, fitter.name, 10, what, _once) for fitter in fitters[1:]]
    if not ours.missing:
        aims.append(Aim(f"{wanted:,} effective draws", f"{ours.size:,.0f}", ours.size >= wanted))
    sampler = ours.said.get("sampler", "none")
    return Section(
        "A logistic regression",
        (
            f"{rows:,} rows, 10 predictors, Normal(0, 1) on the slopes; as many draws as it takes "
            f"for {wanted:,} effective ones of every slope (4 chains of 300 by nutpie, 2 of 600 by "
            f"Bambi, 1,500 draws by the workbench, whose `auto` takes: {sampler}).",
            table(
                ["contender", "compiled", "sampling", "effective draws", "compiled, ratio"], body
            ),
            _remarks(everyone),
        ),
        tuple(aims),
    )


def levels(setup: Setup) -> Section:
    """Levels that share a distribution, and effects that do, with an LKJ correlation."""
    few: dict[str, Any] = {"draws": 200, "tune": 300} if setup.quick else {}
    experiments = {
        "pooled_categories": "Pooled categories",
        "heterogeneity": "Heterogeneity, LKJ",
    }
    parts = [
        "The tutorial's experiments, 100 rows each. Effective draws are those of the quantity that "
        "has the fewest: the contrasts of x1 and the sd of the levels; the effects of x2 by group, "
        "the sds and the correlation."
    ]
    aims: list[Aim] = []
    if setup.quick:  # compiling the other takes a minute
        experiments = {"pooled_categories": experiments["pooled_categories"]}
    for model, heading in experiments.items():
        fitters = [
            Fitter(OURS, "workbench_fits", model, options={"draws": 4_000}, again=3, processes=3),
            *(
                Fitter(
                    f"PyMC 6, as the tutorial{words}",
                    "pymc_tutorial",
                    model,
                    options={"sampler": sampler, **few},
                    warm=SHORT,
                )
                for sampler, words in (("pymc", ""), ("nutpie", ", nutpie there"))
                if sampler == "pymc" or not setup.quick
            ),
        ]
        everyone = _everyone(setup, fitters, model, data.lesson(model))
        sampler = everyone[OURS].said.get("sampler", "none")
        parts += [
            f"### {heading}",
            f"The workbench's sampler: {sampler}.",
            _per_draw_table(everyone),
            _remarks(everyone),
        ]
        what = f"{heading}, an effective draw compiled:"
        aims += [_aim(everyone, fitter.name, 100, what, _each) for fitter in fitters[1:]]
    return Section("Pooled and varying levels", tuple(parts), tuple(aims))


def sets(setup: Setup) -> Section:
    """Eight adjustment sets of one comparison, by NUTS; nothing compiled before, and once more."""
    question = causal.Dag(data.TWICE_THREE).question("x", "y")
    minimal = [list(names) for names in adjust(question, most=20).minimal_sets]
    chosen = minimal[:2] if setup.quick else minimal
    options = {"draws": 4_000, "drawn": data.TWICE_THREE, "adjust": chosen}
    others = {"draws": 1_000, "adjust": chosen}
    apart = "PyMC + nutpie, one by one"
    pair = [
        Fitter(OURS, "workbench_fits", "sets", options=options, cache="sets of ours"),
        Fitter(apart, "nutpie_fits", "sets", options=others, cache="sets one by one"),
    ]
    body: list[list[str]] = []
    aims, remarks = [], []
    for when in ("first time",) if setup.quick else ("first time", "again"):
        everyone = _everyone(setup, pair, "sets", data.sets())
        for name, found in everyone.items():
            body.append([f"{name}, {when}", *_compiled(found, everyone[OURS])])
        what = f"{len(chosen)} sets, compiled, {when}:"
        aims.append(_aim(everyone, apart, 4, what, _once))
        remarks.append(_remarks(everyone))
    compiled = everyone[OURS].said.get("compiled")
    one = None if compiled is None else compiled <= 1
    return Section(
        "Adjustment sets of one comparison, by NUTS",
        (
            f"{len(chosen)} minimal sets of one question, binary outcome, 2,000 rows, 4 chains of "
            "1,000 draws each, low-rank adaptation for both, libraries imported before the clock "
            "starts. *First time*: no compiled code is on disk; *again*: all that the same program "
            "left there. The workbench compiles no model: one function for the family, which takes "
            "the data of each set. (It would take importance sampling here: NUTS is asked for.)",
            table(
                [
                    "contender",
                    "models compiled",
                    "compiled",
                    "sampling",
                    "effective draws",
                    "ratio",
                ],
                body,
            ),
            *dict.fromkeys(remarks),
        ),
        (Aim("at most one model compiled for all sets", f"{compiled}", one), *aims),
    )


def _compiled(found: Fitted, ours: Fitted) -> list[str]:
    """Cells of one contender in the table of `sets`."""
    if found.missing or ours.missing:
        return [*"-----"]
    times = [_seconds(found.first), _seconds(found.sampling)]
    models = str(found.said["compiled"])
    return [models, *times, f"{found.size:,.0f}", ratio_text(found.first / ours.first)]


SECTIONS: dict[str, Callable[[Setup], Section]] = {
    "fork": fork,
    "logistic": logistic,
    "levels": levels,
    "sets": sets,
}

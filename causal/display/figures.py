"""The pictures of an experiment: what the founding tutorial's figures show, one file each.

For each question of a lesson, by its number:

``1-dag.svg``
    The drawing with the answer in it.
``1-comparison.svg``
    Naive beside correct: `causal.display.plots.comparison_figure`.
``1-MODEL-posterior.svg``
    Of every model: for the effect and for each coefficient the posterior density, with the truth
    where the lesson knows it, and the chains that it was made from.
``1-MODEL-graph.svg``
    The model as a graph: what is believed before the data, what is observed, what depends on what.

MODEL is ``correct``, ``unadjusted``, ``everything``, ``own-1`` for the first of the lesson's own
models, or ``chain`` for a path analysis. A demonstration has one picture, ``draws.svg``. The names
of variables are in the pictures, never in the names of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causal.display import words
from causal.display.curves import LARGEST, Curve, density, estimate
from causal.display.drawing import cleaned, label, rendered, svg
from causal.display.files import write_whole
from causal.display.lessons import part_words
from causal.display.plots import (
    INK,
    SOFT,
    clipped,
    comparison_figure,
    ems,
    figure_class,
    settings,
    svg_text,
)
from causal.errors import MissingPart, OutputError, shown
from causal.models.families import Family
from causal.models.generator import NAIVE
from causal.models.regression import Regression
from causal.models.terms import (
    Term,
    Varying,
    categories,
    columns,
    is_slope,
    variables,
    varied_labels,
    written,
)
from causal.study.effects import Effect
from causal.study.experiment import (
    HEADLINE,
    Answer,
    Covers,
    Demonstrated,
    Misses,
    Near,
    Part,
    Performed,
    moments,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from causal.models.priors import Distribution

__all__ = [
    "chain_figure",
    "draws_figure",
    "experiment_figures",
    "graph_source",
    "graph_svg",
    "posterior_figure",
]

Array = NDArray[np.float64]

_MOST = 16  # numbers in one picture: a model of categories may have thousands
_POINTS = 400  # of a chain: more would be a band without shape
_LOOKS = ("#00805D", "#005A8F", "#B34F00", "#8A3A78")  # of chains; the colours of plots.py
_WIDE, _LEFT, _RIGHT = 7.4, (0.14, 3.30), (3.84, 7.26)  # inches: of all, of densities, of chains
_ROW, _HEAD, _FOOT = 0.76, 0.36, 0.42


def experiment_figures(result: Performed, folder: Path) -> list[Path]:
    """Draw a performed experiment into ``folder/NAME``, which is made if it is not there.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    OutputError
        The folder cannot be made, or a file in it cannot be written.
    MissingPart
        matplotlib or Graphviz is not installed.
    """
    place = folder / result.lesson.name
    pictures = {name: text.encode() for name, text in _pictures(result)}
    try:
        place.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"Cannot make the folder {shown(str(place))}: {shown(why, 200)[1:-1]}. "
            "Name one in a place that exists and may be written to."
        ) from error
    for name, data in pictures.items():
        write_whole(place / name, data)
    return [place / name for name in pictures]


def _pictures(result: Performed) -> Iterator[tuple[str, str]]:
    """File names and pictures, in the order of the questions."""
    if isinstance(result, Demonstrated):
        yield "draws.svg", svg_text(draws_figure(result))
        return
    for number, answer in enumerate(result.answers, start=1):
        study = answer.study
        yield f"{number}-dag.svg", svg(study.question)
        yield f"{number}-comparison.svg", svg_text(comparison_figure(study))
        own = count(1)
        for name, fit in study.fits.items():
            called = name if name in ("correct", *NAIVE) else f"own-{next(own)}"
            yield f"{number}-{called}-posterior.svg", svg_text(posterior_figure(answer, name))
            yield f"{number}-{called}-graph.svg", graph_svg([fit.regression], fit.table.total)
        if study.pathways is not None:
            chain = study.pathways
            yield f"{number}-chain-posterior.svg", svg_text(chain_figure(answer))
            yield f"{number}-chain-graph.svg", graph_svg(chain.regressions, chain.table.total)


# Posteriors, and the chains they were made from


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One number: its draws, and what the recipe says it is, where it says so."""

    name: str
    draws: Array  # (chains, draws)
    known: float | None = None
    curve: Curve | None = None  # None: to be estimated from the draws


def posterior_figure(answer: Answer, model: str) -> Figure:
    """Draw the effect and every coefficient in one model: density on the left, chains on the right.

    Raises
    ------
    MissingPart
        matplotlib is not installed.
    """
    study, fit = answer.study, answer.study[model]
    known, shape = _known(answer, model), fit.draws.draws.shape[:2]
    effect = fit.effect.draws.reshape(shape)
    drawn = {name: fit.draws.values(name) for name in fit.draws.names}
    # Where the effect is a coefficient, it is drawn once, under both names.
    same = [name for name, draws in drawn.items() if np.array_equal(draws, effect)]
    name = ", ".join([*same[:1], f"effect of {words.contrast_words(study)}"])
    rows = [
        _Row(name, effect, answer.asked.truth, density(fit)),
        *_other_effects(answer, model),
        *(_Row(n, draws, known.get(n)) for n, draws in drawn.items() if n not in same[:1]),
    ]
    return _figure(f"{words.model_word(model)}: {fit.regression.formula}", rows, study.prob)


def _known(answer: Answer, model: str) -> dict[str, float]:
    """What the recipe says of the coefficients of a model."""
    return {
        e.coefficient: e.value
        for e in answer.asked.expectations
        if isinstance(e, Near | Covers | Misses) and e.model == model
        if e.coefficient is not None and e.value is not None
    }


def _other_effects(answer: Answer, model: str) -> list[_Row]:
    """Effects in groups, other contrasts and scales, of which the lesson expects something."""
    rows: dict[Part, _Row] = {}
    for one in answer.asked.expectations:
        if isinstance(one, Near | Covers | Misses) and one.model == model:
            found = one.found(answer.study)
            if one.part != HEADLINE and isinstance(found, Effect):
                known = one.value if isinstance(one, Near) else None
                row = _Row(part_words(one.part), found.draws[None, :], known)
                rows[one.part] = row if known is not None else rows.get(one.part, row)
    return list(rows.values())


def chain_figure(answer: Answer) -> Figure:
    """Draw a path analysis: the parts of the effect, and every coefficient of the chain.

    Raises
    ------
    MissingPart
        matplotlib is not installed.
    """
    study, chain = answer.study, answer.study.pathways
    assert chain is not None
    known: dict[str, float | None] = {study.question.effect: answer.asked.truth}
    known |= {
        e.along: e.value
        for e in answer.asked.expectations
        if isinstance(e, Near) and e.along is not None
    }
    rows = [
        _Row(f"{name}: {words.contrast_words(study)}", draws[None, :], known.get(name))
        for name, draws in (
            ("direct", chain.direct.draws),
            ("indirect", chain.indirect.draws),
            ("total", chain.total.draws),
        )
    ]
    for regression in chain.regressions:
        posterior = chain.posteriors[regression.outcome]
        rows += [
            _Row(f"{regression.outcome}: {name}", posterior.values(name))
            for name in posterior.names
        ]
    formulas = ", ".join(regression.formula for regression in chain.regressions)
    return _figure(f"path analysis: {formulas}", rows, study.prob)


def draws_figure(result: Demonstrated) -> Figure:
    """Draw a demonstration: the density of the draws beside the exact one, and the draws.

    Raises
    ------
    MissingPart
        matplotlib is not installed.
    """
    lesson = result.lesson
    row = _Row(lesson.quantity, result.draws[None, :], moments(lesson.exact)[0])
    return _figure(f"{lesson.quantity} ~ {lesson.exact}", [row], 0.89, exact=lesson.exact)


def _figure(
    title: str, rows: Sequence[_Row], prob: float, *, exact: Distribution | None = None
) -> Figure:
    hidden = len(rows) - _MOST
    rows = rows[:_MOST]
    height = _HEAD + _ROW * len(rows) + _FOOT
    parts = [f"{shown(row.name)[1:-1]} {_numbers(row, prob)}" for row in rows]
    about = f"Posterior densities and chains of {shown(title, 200)[1:-1]}"
    with settings():
        figure = figure_class()(figsize=(_WIDE, height), facecolor="white")
        figure.set_label(f"{about}: {'; '.join(parts)}.")
        for number, row in enumerate(rows):
            bottom = _FOOT + _ROW * (len(rows) - 1 - number)
            left, right = (
                figure.add_axes(
                    (ends[0] / _WIDE, bottom / height, (ends[1] - ends[0]) / _WIDE, 0.42 / height)
                )
                for ends in (_LEFT, _RIGHT)
            )
            _paint_density(left, row, prob, exact)
            _paint_chains(right, row, last=number == len(rows) - 1)
        say = partial(figure.text, parse_math=False)
        over = 1.0 - 0.20 / height
        say(_LEFT[0] / _WIDE, over, clipped(title, 74.0), fontsize=9.5, fontweight="bold")
        key = f"bar: {words.percent(prob)} interval; dotted: what the recipe says"
        key += "; dashed: the exact density" if exact is not None else ""
        say(_LEFT[0] / _WIDE, over - 0.16 / height, key, fontsize=8.0, color=SOFT)
        if hidden > 0:
            more = f"and {hidden:,} more"
            say(_LEFT[0] / _WIDE, 0.05 / height, more, fontsize=8.0, color=SOFT)
    return figure


def _numbers(row: _Row, prob: float) -> str:
    """Mean and interval in words."""
    low, high = np.quantile(row.draws, [(1 - prob) / 2, (1 + prob) / 2]).tolist()
    digits = words.decimals(float(row.draws.std()), row.draws.size)
    return f"{words.number(float(row.draws.mean()), digits)} {words.interval(low, high, digits)}"


def _paint_density(axes: Axes, row: _Row, prob: float, exact: Distribution | None) -> None:
    axes.yaxis.set_visible(False)
    _paint_frame(axes)
    say = partial(axes.text, transform=axes.transAxes, parse_math=False, fontsize=8.0)
    numbers = _numbers(row, prob)
    name = clipped(row.name, 34.0 - ems(numbers))
    say(0.0, 1.10, name, fontweight="bold", color=INK)
    say(1.0, 1.10, numbers, color=INK, ha="right")
    usable = row.draws[np.abs(row.draws) < LARGEST]
    if usable.size == 0:
        say(0.0, 0.4, "not finite: nothing to draw", color=SOFT)
        return
    low, high = np.quantile(row.draws, [(1 - prob) / 2, (1 + prob) / 2]).tolist()
    curve = row.curve or estimate(row.draws.ravel(), (low, high))
    x, height = curve or (np.array([low, low]), np.array([0.0, 1.0]))
    axes.set_ylim(-0.10, 1.12)
    span = float(x[-1] - x[0]) or 1.0
    ends = [float(x[0]), float(x[-1])]
    known = row.known
    if known is not None and ends[0] - 2.0 * span < known < ends[1] + 2.0 * span:
        ends = [min(ends[0], known - 0.03 * span), max(ends[1], known + 0.03 * span)]
        axes.plot([known, known], [-0.10, 1.1], color=INK, linestyle=(0, (1, 2)), linewidth=1.1)
    elif known is not None:
        if known < ends[0]:
            say(0.0, 0.5, f"← {known:.4g}", color=SOFT)
        else:
            say(1.0, 0.5, f"{known:.4g} →", color=SOFT, ha="right")
    axes.set_xlim(*(ends if ends[0] < ends[1] else (ends[0] - 0.5, ends[1] + 0.5)))
    axes.fill_between(x, 0.0, height, color=_LOOKS[0], alpha=0.16, linewidth=0)
    axes.plot(x, height, color=_LOOKS[0], linewidth=1.4)
    if exact is not None and curve is not None:
        logs = exact.log_density(x)
        axes.plot(x, np.exp(logs - logs.max()), color=INK, linestyle="--", linewidth=1.1)
    axes.plot([low, high], [0.0, 0.0], color=_LOOKS[0], linewidth=3.0, solid_capstyle="butt")
    axes.xaxis.set_major_locator(_locator(5))


def _paint_chains(axes: Axes, row: _Row, *, last: bool) -> None:
    _paint_frame(axes)
    draws = row.draws.shape[1]
    step = max(1, draws // _POINTS)
    seen = row.draws[:, ::step]
    usable = seen[np.abs(seen) < LARGEST]
    if usable.size == 0:
        axes.set_axis_off()
        return
    for chain, values in enumerate(seen):
        axes.plot(
            np.arange(1, draws + 1)[::step],
            values,
            color=_LOOKS[chain % len(_LOOKS)],
            linewidth=0.5,
        )
    low, high = float(usable.min()), float(usable.max())
    margin = 0.05 * (high - low) or 0.5
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(1, draws)
    axes.yaxis.set_major_locator(_locator(2))
    axes.xaxis.set_major_locator(_locator(4))
    if last:
        every = f", 1 in {step} shown" if step > 1 else ""
        axes.set_xlabel(f"draw{every}", fontsize=8.0, color=INK)
    else:
        axes.tick_params(axis="x", labelbottom=False)


def _paint_frame(axes: Axes) -> None:
    from matplotlib.ticker import ScalarFormatter

    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(SOFT)
    for axis in (axes.xaxis, axes.yaxis):
        formatter = ScalarFormatter(useOffset=False, useMathText=False)
        formatter.set_powerlimits((-4, 6))
        axis.set_major_formatter(formatter)
        axis.get_offset_text().set_fontsize(7)
    axes.tick_params(labelsize=7, colors=SOFT, labelcolor=INK, length=2.5)


def _locator(ticks: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(ticks, min_n_ticks=2, prune="both" if ticks > 2 else None)


# The model as a graph


_FONT = "Helvetica,Arial,sans-serif"
_NODES = {
    "prior": {"shape": "ellipse", "style": "filled", "fillcolor": "#FFFFFF", "color": "#000000"},
    "asked": {"shape": "ellipse", "style": "filled", "fillcolor": "#D3E8F5", "color": "#0072B2"},
    "data": {"shape": "box", "style": "filled", "fillcolor": "#E4E4E4", "color": "#6B6B6B"},
    "outcome": {"shape": "ellipse", "style": "filled", "fillcolor": "#FCE7BF", "color": "#A86F00"},
}
_WIDTHS = {"asked": "2.6", "outcome": "1.4"}

_OUTCOMES: dict[Family, str] = {
    "gaussian": "Normal(sum, sigma)",
    "student": "StudentT(nu, sum, sigma)",
    "bernoulli": "Bernoulli, log odds: sum",
    "cells": "Bernoulli, chance of its cell",
    "binomial": "Binomial, log odds: sum",
    "poisson": "Poisson, log mean: sum",
    "negbinomial": "NegBinomial, log mean: sum",
    "ordered": "ordered, log odds: cut - sum",
}
"""How the outcome comes about; the sum is that of coefficients times data."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Node:
    """What is written on a node, which kind of thing it is, and of which there are many of it."""

    name: str
    below: tuple[str, ...]
    kind: str
    plate: str = ""


@dataclass(slots=True)
class _Graph:
    """Nodes by key, and who generates whom."""

    nodes: dict[Key, _Node] = field(default_factory=dict)
    arrows: dict[tuple[Key, Key], None] = field(default_factory=dict)

    def add(self, key: Key, node: _Node, *into: Key) -> None:
        self.nodes[key] = node
        self.arrows |= dict.fromkeys((key, other) for other in into)


def graph_svg(regressions: Sequence[Regression], rows: int) -> str:
    """Draw one regression, or a chain of them, as a graph of what generates what.

    Parameters
    ----------
    regressions
        In a chain, those of causes before those of their effects.
    rows
        The number of rows they are fitted to.

    Raises
    ------
    OutputError
        Graphviz could not draw it.
    MissingPart
        Graphviz is not installed.
    """
    made = _graph(regressions, rows)
    titles = {
        f"n{number}": shown(f"{node.name} {', '.join(node.below)}", 300)[1:-1]
        for number, node in enumerate(made.nodes.values())
    }
    formulas = ", ".join(regression.formula for regression in regressions)
    title = f"Model graph of {shown(formulas, 300)[1:-1]}"
    return cleaned(rendered(graph_source(regressions, rows), "dot", "svg"), title, titles)


def graph_source(regressions: Sequence[Regression], rows: int) -> str:
    """Write the same in Graphviz's language: nodes ``n0``, ``n1`` ..., all names escaped.

    Raises
    ------
    MissingPart
        The package ``graphviz`` is not installed.
    """
    try:
        import graphviz
    except ImportError as error:
        raise MissingPart(
            "Drawing needs Graphviz, which is not installed. "
            "Install it with: pip install 'causal-workbench[draw]'"
        ) from error
    made = _graph(regressions, rows)
    dot = graphviz.Digraph(
        graph_attr={"bgcolor": "white", "fontname": _FONT, "pad": "0.15", "ranksep": "0.45"}
    )
    dot.attr("node", fontname=_FONT, fontsize="14", margin="0.12,0.06")
    dot.attr("edge", arrowsize="0.8", color="#333333")
    numbers = {key: f"n{number}" for number, key in enumerate(made.nodes)}
    plates: dict[str, list[Key]] = {}
    for key, node in made.nodes.items():
        plates.setdefault(node.plate, []).append(key)
    for place, (plate, keys) in enumerate(plates.items()):
        name = f"cluster{place}" if plate else None
        with dot.subgraph(name=name) as inner:
            if plate:
                inner.attr(label=label("", (plate,)), labeljust="r", labelloc="b")
                inner.attr(color="#6B6B6B", style="rounded", fontname=_FONT, margin="10")
            for key in keys:
                node = made.nodes[key]
                look = _NODES[node.kind] | {"penwidth": _WIDTHS.get(node.kind, "1.2")}
                look |= {"peripheries": "2" if node.kind == "outcome" else "1", "tooltip": " "}
                inner.node(
                    numbers[key],
                    label=label(node.name, node.below),
                    id=numbers[key],
                    _attributes=look,
                )
    for tail, head in made.arrows:
        dot.edge(numbers[tail], numbers[head])
    return str(dot.source)


def _graph(regressions: Sequence[Regression], rows: int) -> _Graph:
    made, plate = _Graph(), f"{rows:,} rows"
    for number, regression in enumerate(regressions):
        at: Key = ("variable", regression.outcome)
        below = (_OUTCOMES[regression.family],)
        made.add(at, _Node(regression.outcome, below, "outcome", plate))
        for name in regression.variables[1:]:
            known = made.nodes.get(("variable", name))
            what = "trials" if name == regression.trials else "data"
            made.add(("variable", name), known or _Node(name, (what,), "data", plate), at)
        _add_priors(made, regression, str(number), at)
    return made


def _add_priors(made: _Graph, regression: Regression, own: str, at: Key) -> None:
    """Add all that has a prior, with arrows to the outcome."""
    priors = regression.priors
    centred = ("at the means",) if any(value for _, value in priors.centre) else ()
    if priors.intercept is not None:
        node = _Node("intercept", (_prior(priors.intercept), *centred), "prior")
        made.add((own, "intercept"), node, at)
    if priors.cutpoints:
        each = _each(priors.cutpoints)
        made.add((own, "cut"), _Node("cutpoints", (*each, *centred), "prior"), at)
    for place, (term, group) in enumerate(zip(regression.terms, priors.terms, strict=True)):
        key: Key = (own, "term", str(place))
        kind = "asked" if regression.exposure in variables(term) else "prior"
        many = _many(term)
        if not isinstance(term, Varying):
            made.add(key, _Node(_called(term, regression), _each(group), kind, many), at)
            continue
        what, by = varied_labels(term), term.by.variable
        several = len(what) > 1
        drawn = "MvNormal(0, sds, correlation)" if several else "Normal(0, sd)"
        made.add(key, _Node(written(term), (drawn,), kind, many), at)
        for index, (one, prior) in enumerate(zip(what, group, strict=True)):
            node = _Node(f"sd({one} | {by})", (_prior(prior),), "prior")
            made.add((*key, "sd", str(index)), node, key)
        if several:
            node = _Node("correlation", (f"LKJ({priors.correlation:g})",), "prior")
            made.add((*key, "correlation"), node, key)
    for name, prior in priors.auxiliary:
        made.add((own, name), _Node(name, (_prior(prior),), "prior"), at)


def _called(term: Term, regression: Regression) -> str:
    """A term's coefficients, told apart from the data that they multiply."""
    if regression.family == "cells":
        return "chance"
    slope = any(map(is_slope, columns(term)))
    return f"{'slope' if slope else 'levels'} of {written(term)}"


def _prior(distribution: Distribution) -> str:
    numbers = ", ".join(f"{value:.3g}" for value in distribution.parameters)
    return f"{distribution.name}({numbers})"


def _each(priors: Sequence[Distribution]) -> tuple[str, ...]:
    """The priors of a term's coefficients: one line for all that are alike, three at most."""
    lines = list(dict.fromkeys(map(_prior, priors)))
    each = " each" if len(lines) == 1 < len(priors) else ""
    return (*(f"{line}{each}" for line in lines[:3]), *(["..."] if len(lines) > 3 else []))


def _many(term: Term) -> str:
    """Of which there is a coefficient each: ``4 levels of x2``."""
    levels = categories([term.by if isinstance(term, Varying) else term])
    return ", ".join(
        f"{len(labels):,} levels of {shown(name, 30)[1:-1]}" for name, labels in levels.items()
    )

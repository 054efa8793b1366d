"""The comparison in pictures: the posteriors of the effect, their intervals, the shifts.

The only door to matplotlib, which is imported when the first figure is made and never through
pyplot: a figure belongs to whoever asked for it, and the settings of the session are left alone.

Every panel has the same build: a model a row, its name on the left, a word on the right, so that
nothing has to be looked up in a legend and nothing rests on colour. The correct model comes last,
green, solid and heaviest; the others have a colour and a line of their own (the colours of Okabe &
Ito, as in `causal.display.drawing`, but dark enough for letters).

Names are data of unknown origin: control characters are written as escapes, and nothing in a name
is taken for mathematics.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.display import words
from causal.display.curves import LARGEST, Curve, density, estimate
from causal.errors import MissingPart, shown

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from causal.study.comparison import Fit, Study

__all__ = [
    "INK",
    "SOFT",
    "before_figure",
    "clipped",
    "comparison_figure",
    "density_figure",
    "ems",
    "figure_class",
    "forest_figure",
    "settings",
    "shift_figure",
    "svg_text",
]

Say = Callable[..., None]  # x as a share of the axis, y in inches, text, size, style

INK, SOFT, _FAINT = "#1A1A1A", "#555555", "#E4E4E4"
_COLOURS = ("#B34F00", "#005A8F", "#8A3A78", "#7A5200", "#1F6F8B")
_LINES: tuple[Any, ...] = ((0, (5, 2)), (0, (1.5, 1.5)), (0, (7, 2, 1.5, 2)), (0, (3, 1.5)))
_WIDTH, _EDGE = 3.5, 0.14  # inches: of a panel, and of the blank on either side
_TOP, _BOTTOM = 0.66, 0.52  # inches above and below the rows
_LINE = 0.135  # inches that a line of small print takes
_HEAD, _CURVE, _BAR = 0.22, 0.56, 0.14  # inches: of a name, of a curve, of a bar without one
_TICK = 0.045  # inches: half the height of an interval's end
_WIDE = frozenset("MWmw@%…")  # letters about as wide as high
_ROOM = 72 * (_WIDTH - 2 * _EDGE)  # points that a line of text has
_NARROW = 0.02  # a curve that takes less than this share of the axis is drawn as a stroke


@dataclass(frozen=True, slots=True)
class _Look:
    colour: str
    line: Any
    weight: float


_CORRECT = _Look("#00805D", "-", 2.4)
_BEFORE = _Look("#6E6E6E", "--", 1.5)
_GUIDE: dict[str, Any] = {"color": _CORRECT.colour, "linestyle": (0, (1, 2))}


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One model in a panel: words above, then a curve if there is one, then the interval."""

    name: str
    note: str
    alarm: bool  # whether the note says that something is wrong
    print: tuple[str, ...]  # small print below the name
    look: _Look
    centre: float
    low: float
    high: float
    curve: Curve | None = None

    @property
    def finite(self) -> bool:
        return all(abs(value) < LARGEST for value in (self.centre, self.low, self.high))


@dataclass(frozen=True, slots=True, eq=False)
class _Panel:
    """One set of axes."""

    title: str
    key: str  # what marks what
    label: str  # of the axis
    zero: str  # what zero means
    rows: tuple[_Row, ...]
    curves: bool
    matters: float | None = None
    guide: float | None = None  # a value to compare the rows with: the correct model's

    @property
    def row_inches(self) -> float:
        """Height of a row: the name, the small print, the curve or interval."""
        lines = max((len(row.print) for row in self.rows), default=0)
        return _HEAD + _LINE * lines + (_CURVE if self.curves else _BAR) + 0.12

    @property
    def inches(self) -> float:
        return self.row_inches * max(1, len(self.rows))


# The figures


def density_figure(study: Study) -> Figure:
    """Draw the posterior of the effect in every model, with median, interval and zero.

    Raises
    ------
    MissingPart
        matplotlib is not installed.
    """
    return _figure([_density_panel(study)], _described(study, "Posterior density of the effect"))


def forest_figure(study: Study) -> Figure:
    """Draw mean and interval of the effect in every model, with its formula.

    Raises
    ------
    MissingPart
        matplotlib is not installed.
    """
    return _figure([_forest_panel(study)], _described(study, "Mean and interval of the effect"))


def shift_figure(study: Study) -> Figure:
    """Draw how far every other model lies from the correct one; empty where there is none.

    Raises
    ------
    MissingPart
        matplotlib is not installed.
    """
    return _figure([_shift_panel(study)], _shift_described(study))


def before_figure(study: Study) -> Figure:
    """Draw the effect as the priors alone have it and as the data made it, in the correct model.

    In the first model where there is no correct one. A flat prior is left out.

    Raises
    ------
    MissingPart
        matplotlib is not installed.
    """
    fit = next((f for f in study.fits.values() if f.regression.name == "correct"), None)
    fit = fit or next(iter(study.fits.values()))
    rows = []
    for name, effect, curve in (
        ("before the data", fit.before, None),
        ("after the data", fit.effect, density(fit)),
    ):
        if effect is None:
            continue
        rows.append(
            _Row(
                name=name,
                note="",
                alarm=False,
                print=(),
                look=_CORRECT if curve is not None else _BEFORE,
                centre=float(np.median(effect.draws)),
                low=effect.interval[0],
                high=effect.interval[1],
                curve=curve or estimate(effect.draws, effect.interval),
            )
        )
    panel = _Panel(
        title="What the data add to the priors",
        key=f"mark: median; bar: {words.percent(study.prob)} interval",
        label=_axis(study),
        zero="no effect",
        rows=tuple(rows),
        curves=True,
        matters=study.matters,
    )
    spans = "; ".join(
        f"{row.name} {words.magnitude_signed(row.low)} to {words.magnitude_signed(row.high)}"
        for row in rows
    )
    return _figure([panel], f"The effect in the {_model(fit)} model: {spans}.")


def comparison_figure(study: Study) -> Figure:
    """Draw posteriors, intervals and shifts side by side.

    Raises
    ------
    MissingPart
        matplotlib is not installed.
    """
    panels = [_density_panel(study), _forest_panel(study)]
    text = _described(study, "Posterior density and interval of the effect")
    if study.differences:
        panels.append(_shift_panel(study))
        text += f" {_shift_described(study)}"
    return _figure(panels, text)


def svg_text(figure: Figure) -> str:
    """Write a figure of this module as a bare ``<svg>`` element, fit to stand in an HTML page.

    It holds no script, style sheet, link, identifier or outside reference; text stays text, in the
    font of the page. The same figure gives the same text.
    """
    import xml.etree.ElementTree as ET

    with settings():
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None}, facecolor="white")
    return _cleaned(ET.fromstring(file.getvalue()), str(figure.get_label()))  # noqa: S314  # ours


# What is in a panel


def _density_panel(study: Study) -> _Panel:
    looks, rows = _looks(study), []
    for fit in _ordered(study):
        with np.errstate(invalid="ignore"):  # of two infinities
            median = float(np.median(fit.effect.draws))
        rows.append(
            _Row(
                name=_model(fit),
                note="valid set" if fit.verdict else "INVALID set",
                alarm=not fit.verdict,
                print=(),
                look=looks[fit.regression.name],
                centre=median,
                low=fit.effect.interval[0],
                high=fit.effect.interval[1],
                curve=density(fit),
            )
        )
    return _Panel(
        title="Posterior of the effect",
        key=f"mark: median; bar: {words.percent(study.prob)} interval",
        label=_axis(study),
        zero="no effect",
        rows=tuple(rows),
        curves=True,
        matters=study.matters,
        guide=_guide(rows),
    )


def _forest_panel(study: Study) -> _Panel:
    looks, rows = _looks(study), []
    for fit in _ordered(study):
        effect, digits, name = fit.effect, words.places(fit), _model(fit)
        found = f"{words.number(effect.mean, digits)}  {words.interval(*effect.interval, digits)}"
        formula = _broken(shown(fit.regression.formula, 120)[1:-1], _ROOM / 7.5)
        beside = 9.0 * ems(name) + 8.5 * ems(found) < _ROOM - 8.0
        rows.append(
            _Row(
                name=name,
                note=found if beside else "",
                alarm=False,
                print=formula if beside else (found, *formula),
                look=looks[fit.regression.name],
                centre=effect.mean,
                low=effect.interval[0],
                high=effect.interval[1],
            )
        )
    return _Panel(
        title="Effect in each model",
        key=f"mark: mean; bar: {words.percent(study.prob)} interval",
        label=_axis(study),
        zero="no effect",
        rows=tuple(rows),
        curves=False,
        matters=study.matters,
        guide=_guide(rows),
    )


def _shift_panel(study: Study) -> _Panel:
    looks, rows = _looks(study), []
    for name, found in study.differences.items():
        shift = found.shift
        digits = words.decimals(shift.sd, len(shift.draws))
        span = words.interval(*shift.interval, digits)
        rows.append(
            _Row(
                name=_model(study[name]),
                note=found.verdict,
                alarm=found.verdict in ("misleads", "disputes"),
                print=(f"{words.number(shift.mean, digits)}  {span}",),
                look=looks[name],
                centre=shift.mean,
                low=shift.interval[0],
                high=shift.interval[1],
                curve=estimate(shift.draws, shift.interval),
            )
        )
    return _Panel(
        title="Distance from the correct model",
        key=f"mark: shift; bar: {words.percent(study.prob)} interval",
        label="effect in the model less effect in the correct one",
        zero="same answer",
        rows=tuple(rows),
        curves=True,
        matters=study.matters,
    )


def _ordered(study: Study) -> list[Fit]:
    """The fits, the correct one last."""
    return sorted(study.fits.values(), key=lambda fit: fit.regression.name == "correct")


def _looks(study: Study) -> dict[str, _Look]:
    """A colour and a line for every model; the correct one's are its own."""
    others = [name for name in study.fits if name != "correct"]
    looks = {
        name: _Look(_COLOURS[i % len(_COLOURS)], _LINES[i % len(_LINES)], 1.5)
        for i, name in enumerate(others)
    }
    return looks | {"correct": _CORRECT}


def _guide(rows: Sequence[_Row]) -> float | None:
    """Where the correct model lies, if it is among several."""
    last = rows[-1]
    return last.centre if last.look is _CORRECT and len(rows) > 1 and last.finite else None


def _model(fit: Fit) -> str:
    return clipped(fit.regression.name, 0.64 * _ROOM / 9.0)


def _axis(study: Study) -> str:
    scale = _ordered(study)[-1].effect.scale
    kind = "effect" if scale == "outcome" else scale
    return clipped(f"{kind}: {words.contrast_words(study)}", _ROOM / 8.5)


def _described(study: Study, kind: str) -> str:
    """A figure in words, for those who cannot see it."""
    parts = [f"{_model(fit)} {words.effect_words(fit)}" for fit in _ordered(study)]
    return f"{kind} of {shown(words.contrast_words(study), 80)[1:-1]}: {'; '.join(parts)}."


def _shift_described(study: Study) -> str:
    parts = [
        f"{_model(study[name])} {found.verdict} by "
        f"{words.number(found.shift.mean, words.decimals(found.shift.sd, len(found.shift.draws)))}"
        for name, found in study.differences.items()
    ]
    return f"Distance from the correct model: {'; '.join(parts) or 'nothing to compare'}."


# Painting


def _figure(panels: Sequence[_Panel], description: str) -> Figure:
    rows = max(panel.inches for panel in panels)
    height = _TOP + rows + _BOTTOM
    width = _WIDTH * len(panels)
    with settings():
        figure: Figure = figure_class()(figsize=(width, height), facecolor="white")
        figure.set_label(description)
        for number, panel in enumerate(panels):
            place = (
                (number * _WIDTH + _EDGE) / width,
                _BOTTOM / height,
                (_WIDTH - 2 * _EDGE) / width,
                rows / height,
            )
            _paint(figure.add_axes(place), panel, rows)
    return figure


def _paint(axes: Axes, panel: _Panel, inches: float) -> None:
    """Paint a panel; the vertical axis counts inches from the bottom."""
    axes.set_ylim(0.0, inches)
    axes.yaxis.set_visible(False)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(SOFT)
    across = axes.get_yaxis_transform()  # x from 0 to 1 along the axes, y in inches

    def say(x: float, y: float, text: str, size: float, **style: Any) -> None:
        style = {"color": INK, "parse_math": False, "clip_on": False, **style}
        axes.text(x, y, text, transform=across, fontsize=size, **style)

    say(0.0, inches + 0.46, panel.title, 9.5, fontweight="bold")
    say(0.0, inches + 0.29, panel.key, 8.0, color=SOFT)
    if not panel.rows:
        axes.set_axis_off()
        say(0.0, inches / 2, "There is no other model to compare.", 9.0, color=SOFT)
        return
    _paint_axis(axes, panel)
    _paint_zero(axes, panel, say, inches)
    for number, row in enumerate(panel.rows):
        top = inches * (1.0 - number / len(panel.rows))
        _paint_row(axes, panel, row, say, (top, top - inches / len(panel.rows)))


def _paint_axis(axes: Axes, panel: _Panel) -> None:
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    low, high = _window(panel)
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
    formatter = ScalarFormatter(useOffset=False, useMathText=False)
    formatter.set_powerlimits((-4, 6))
    axes.xaxis.set_major_formatter(formatter)
    axes.tick_params(axis="x", labelsize=8, colors=SOFT, labelcolor=INK, length=3)
    axes.xaxis.get_offset_text().set_fontsize(8)
    axes.set_xlabel(panel.label, fontsize=8.5, color=INK, parse_math=False, labelpad=3)
    if panel.matters is not None:
        ends = max(low, -panel.matters), min(high, panel.matters)
        if ends[0] < ends[1]:
            axes.axvspan(*ends, color=_FAINT, zorder=0, linewidth=0)


def _paint_zero(axes: Axes, panel: _Panel, say: Say, inches: float) -> None:
    """Say above the rows where zero is, and what it means."""
    low, high = axes.get_xlim()
    if low > 0.0:
        place, side, text = 0.0, "left", f"← 0, {panel.zero}"
    elif high < 0.0:
        place, side, text = 1.0, "right", f"0, {panel.zero} →"
    else:
        place, text = -low / (high - low), panel.zero
        side = "left" if place < 0.12 else "right" if place > 0.88 else "center"
    say(place, inches + 0.06, text, 7.5, color=SOFT, ha=side)


def _paint_row(axes: Axes, panel: _Panel, row: _Row, say: Say, ends: tuple[float, float]) -> None:
    """Paint a row between the two heights: its words above, its numbers below."""
    look, heavy = row.look, row.look is _CORRECT
    line = ends[0] - 0.16  # what the name stands on
    say(0.0, line, row.name, 9.0, fontweight="bold", color=look.colour)
    say(1.0, line, row.note, 8.5, fontweight="bold" if row.alarm else "normal", ha="right")
    for number, small in enumerate(row.print, start=1):
        say(0.0, line - number * _LINE, small, 7.5, color=SOFT)
    under = line - 0.06 - _LINE * len(row.print)
    base = ends[1] + 0.08 if panel.curves else under - _BAR
    if not row.finite:
        say(0.0, base, "not finite: nothing to draw", 8.0, color=SOFT)
        return
    low, high = axes.get_xlim()
    for value, style in ((0.0, {"color": INK}), (panel.guide, _GUIDE)):
        if value is not None and low <= value <= high:
            axes.plot([value, value], [ends[1], under], linewidth=1.0, zorder=1, **style)
    if panel.curves:
        x, height = row.curve or (np.array([row.centre]), np.array([1.0]))
        if x[-1] - x[0] < _NARROW * (high - low):
            x, height = np.array([row.centre, row.centre]), np.array([0.0, 1.0])
        y = base + (under - base) * height
        axes.fill_between(x, base, y, color=look.colour, alpha=0.16, linewidth=0, zorder=2)
        axes.plot(x, y, color=look.colour, linestyle=look.line, linewidth=look.weight, zorder=3)
    bar: dict[str, Any] = {"color": look.colour, "solid_capstyle": "butt", "zorder": 4}
    axes.plot([row.low, row.high], [base, base], linewidth=4.0 if heavy else 2.6, **bar)
    for end in (row.low, row.high):
        axes.plot([end, end], [base - _TICK, base + _TICK], linewidth=1.4, **bar)
    axes.plot(
        [row.centre],
        [base],
        marker="o" if heavy else "D",
        markersize=6.5 if heavy else 5.0,
        markerfacecolor="white",
        markeredgecolor=look.colour,
        markeredgewidth=1.8,
        zorder=5,
    )


def _window(panel: _Panel) -> tuple[float, float]:
    """The stretch of the axis to show: all rows, and zero unless it is far off."""
    ends = [value for row in panel.rows if row.finite for value in (row.low, row.high, row.centre)]
    for row in panel.rows:
        if row.finite and row.curve is not None:
            ends += [float(row.curve[0][0]), float(row.curve[0][-1])]
    low, high = min(ends, default=0.0), max(ends, default=0.0)
    if max(high, 0.0) - min(low, 0.0) <= 4.0 * (high - low) or high - low <= 1e-9 * max(-low, high):
        low, high = min(low, 0.0), max(high, 0.0)
    margin = 0.04 * (high - low) or 1.0
    return low - margin, high + margin


def clipped(text: str, width: float) -> str:
    """*text* without its middle if it is wider than *width*, in ems."""
    limit = 100
    while ems(short := shown(text, limit)[1:-1]) > width:
        limit -= 1
    return short


def _broken(text: str, width: float) -> tuple[str, ...]:
    """*text* in lines not wider than *width*, in ems."""
    lines, line = [], ""
    for piece in re.findall(r"\S+\s*|\s+", text):
        if line and ems(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        for letter in piece:
            if ems(line + letter) > width and letter != " ":
                lines.append(line)
                line = ""
            line += letter
    return (*lines, line.rstrip())


def ems(text: str) -> float:
    """How wide *text* is in bold, roughly and rather more than less, in units of its size."""
    return sum(1.13 if c in _WIDE or c > "\u2e7f" else 0.8 if c.isupper() else 0.64 for c in text)


# matplotlib


_one_at_a_time = RLock()  # matplotlib's settings and Python's warnings are the process's


@contextmanager
def settings() -> Iterator[None]:
    """Settings as matplotlib ships them, whatever the session has; afterwards as they were."""
    matplotlib = _matplotlib()
    with _one_at_a_time, warnings.catch_warnings(), matplotlib.rc_context():
        warnings.simplefilter("ignore")  # letters that a font lacks: the page's fonts have them
        matplotlib.rcdefaults()
        matplotlib.rcParams |= {"svg.fonttype": "none", "axes.unicode_minus": False}
        yield


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise MissingPart(
            "The plots need matplotlib, which is not installed. "
            "Install it with: pip install 'causal-workbench[plot]'"
        ) from error
    return matplotlib


@cache
def figure_class() -> type[Figure]:
    """A figure that a notebook shows without pyplot."""
    from matplotlib.figure import Figure

    class StudyFigure(Figure):
        def _repr_svg_(self) -> str:
            return svg_text(self)

    return StudyFigure


# SVG fit for a page


_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_KEPT = frozenset({"g", "path", "text", "tspan", "rect"})
_ATTRIBUTES = frozenset({"d", "x", "y", "width", "height", "transform", "style"})
_FONTS = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


def _cleaned(root: ET.Element, description: str) -> str:
    """The picture alone: no metadata, styles of the whole page, identifiers, references."""
    import xml.etree.ElementTree as ET

    shapes = {
        element.attrib["id"]: element
        for element in root.iter(f"{_SVG}path")
        if "id" in element.attrib
    }
    size = {key: root.attrib[key] for key in ("width", "height", "viewBox")}
    kept = ET.Element("svg", {"xmlns": _SVG[1:-1], **size, "role": "img"})
    kept.set("style", f"font-family:{_FONTS};stroke-linejoin:round;stroke-linecap:butt")
    kept.set("aria-label", description)
    title = ET.SubElement(kept, "title")
    title.text = description
    _keep(root, kept, shapes)
    return str(ET.tostring(kept, encoding="unicode"))


def _keep(source: ET.Element, target: ET.Element, shapes: dict[str, ET.Element]) -> None:
    """Copy below *target* what is a part of the picture in *source*."""
    import xml.etree.ElementTree as ET

    for child in source:
        tag = child.tag.removeprefix(_SVG)
        attributes = {k: _short(k, v) for k, v in child.attrib.items() if k in _ATTRIBUTES}
        if tag == "use":  # the shape itself in place of a reference to it
            shape = shapes[child.attrib[_LINK][1:]]
            style = ";".join(filter(None, [shape.get("style"), child.get("style")]))
            place = f"translate({child.get('x', '0')} {child.get('y', '0')})"
            made = {"d": shape.attrib["d"], "transform": place, "style": style}
            ET.SubElement(target, "path", {key: _short(key, text) for key, text in made.items()})
        elif tag == "g":
            group = ET.Element("g", attributes)
            _keep(child, group, shapes)
            if attributes:
                target.append(group)
            else:
                target.extend(group)
        elif tag in _KEPT:
            copy = ET.SubElement(target, tag, attributes)
            copy.text = child.text
            _keep(child, copy, shapes)


def _short(attribute: str, value: str) -> str:
    """An attribute with numbers to two decimals, and without the fonts of this machine."""
    if attribute == "style":
        parts = dict(part.split(":", 1) for part in value.split(";") if ":" in part)
        stripped = {key.strip(): text.strip() for key, text in parts.items()}
        stripped.pop("font-family", None)
        if "font" in stripped:  # one short-hand for all, in older versions
            stripped["font"] = f"{stripped['font'].split(chr(39))[0]}{_FONTS}"
        return ";".join(f"{key}:{text}" for key, text in stripped.items())
    return " ".join(re.sub(r"-?\d+\.\d+", _two_decimals, value).split())


def _two_decimals(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")

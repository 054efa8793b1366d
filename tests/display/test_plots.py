"""The plots: what they show, that nothing in them lies or breaks, and that names stay names."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from causal.display import plots
from causal.display.curves import density, estimate
from causal.errors import MissingPart
from tests.display import studies

matplotlib = pytest.importorskip("matplotlib")

MAKERS = {
    "density": plots.density_figure,
    "forest": plots.forest_figure,
    "shift": plots.shift_figure,
    "comparison": plots.comparison_figure,
}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=studies.KINDS)
def study(request):
    return studies.KINDS[request.param]()


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


def with_draws(study, name, draws):
    """The same study, with other draws of one effect; its interval follows."""
    fit = study[name]
    with np.errstate(all="ignore"):
        interval = tuple(np.quantile(draws, [0.055, 0.945]).tolist())
        effect = replace(
            fit.effect,
            mean=float(draws.mean()),
            sd=float(draws.std()),
            interval=interval,
            draws=draws,
        )
    other = replace(fit, effects=(effect,), draws=replace(fit.draws, mixture=None))
    return replace(study, fits=MappingProxyType({**study.fits, name: other}))


def bars(axes):
    """The stretches of the thick horizontal lines, from top to bottom."""
    found = []
    for line in axes.lines:
        (y0, *_), xs = line.get_ydata(), line.get_xdata()
        if len(xs) == 2 and len(set(line.get_ydata())) == 1 and line.get_linewidth() > 2:
            found.append((float(y0), (float(xs[0]), float(xs[1]))))
    return [ends for _, ends in sorted(found, reverse=True)]


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


# What is shown


def test_each_model_has_its_interval_in_the_density_and_in_the_forest_the_correct_one_last():
    study = studies.fork()
    names = ["unadjusted", "everything", "yours", "correct"]
    for figure in (plots.density_figure(study), plots.forest_figure(study)):
        assert bars(figure.axes[0]) == [study[name].effect.interval for name in names]
        assert [text for text in texts(figure) if text in names] == names


def test_the_shifts_have_their_intervals_and_their_verdicts():
    study = studies.fork()
    figure = plots.shift_figure(study)
    shifts = [found.shift.interval for found in study.differences.values()]
    assert bars(figure.axes[0]) == shifts
    assert texts(figure).count("misleads") == len(shifts)


def test_the_correct_model_is_drawn_heaviest_and_every_line_style_differs():
    curves = plots.density_figure(studies.fork()).axes[0].lines
    curves = [line for line in curves if len(line.get_xdata()) > 50]
    assert len(curves) == 4
    assert max(curves, key=lambda line: line.get_linewidth()) is curves[-1]
    assert len({str(line._unscaled_dash_pattern) for line in curves}) == 4
    assert len({line.get_color() for line in curves}) == 4


def test_the_numbers_of_the_forest_are_those_of_the_table():
    study = studies.fork()
    shown = texts(plots.forest_figure(study))
    low, high = study["correct"].effect.interval
    assert f"{study['correct'].effect.mean:.2f}  [{low:.2f}, {high:.2f}]" in shown
    assert "y ~ x + z" in shown


def test_zero_is_marked_where_it_is_and_pointed_at_where_it_is_far_off():
    (axes,) = plots.density_figure(studies.fork()).axes
    zeros = [line for line in axes.lines if list(line.get_xdata()) == [0.0, 0.0]]
    assert len(zeros) == 4
    assert "no effect" in [text.get_text() for text in axes.texts]
    far = with_draws(studies.alone(), "correct", np.random.default_rng(1).normal(1e6, 1.0, 4000))
    figure = plots.density_figure(far)
    assert "← 0, no effect" in texts(figure)
    assert figure.axes[0].get_xlim()[0] > 0


def test_all_that_is_drawn_lies_within_the_axes(study, make):
    for axes in make(study).axes:
        low, high = axes.get_xlim()
        for line in axes.lines:
            assert low <= min(line.get_xdata()) <= max(line.get_xdata()) <= high


def test_no_text_leaves_the_figure_and_no_two_in_a_row_touch(study, make):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = make(study)
    width, height = figure.bbox.width, figure.bbox.height
    with plots.settings():
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        for axes in figure.axes:
            boxes = [text.get_window_extent(renderer) for text in axes.texts]
            boxes += [axes.xaxis.label.get_window_extent(renderer)] if axes.axison else []
            boxes = [box for box in boxes if box.width]
            for box in boxes:
                assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
            for i, one in enumerate(boxes):
                assert not any(one.overlaps(other) for other in boxes[i + 1 :])


# Densities


def test_the_exact_density_is_that_of_the_draws():
    study = studies.fork()
    exact = study.question.run(studies.columns(), draws=200_000)["correct"]
    x, height = density(exact)
    counts, edges = np.histogram(exact.effect.draws, bins=40, range=(x[0], x[-1]), density=True)
    drawn = np.interp((edges[1:] + edges[:-1]) / 2, x, height)
    assert np.max(np.abs(drawn - counts * (drawn.max() / counts.max()))) < 0.03


def test_the_density_of_a_difference_of_levels_is_that_of_the_draws():
    fit = studies.category()["correct"]
    x, height = density(fit)
    smooth = estimate(fit.effect.draws, fit.effect.interval)
    assert np.max(np.abs(np.interp(x, *smooth) - height)) < 0.08


@pytest.mark.parametrize("scale", [1e-90, 1.0, 1e90])
def test_the_estimate_finds_a_normal_density_on_any_scale(scale):
    draws = scale * np.random.default_rng(5).normal(3.0, 2.0, 100_000)
    x, height = estimate(draws, (0.0, 6.0 * scale))
    truth = np.exp(-0.5 * ((x / scale - 3.0) / 2.0) ** 2)
    assert np.max(np.abs(height - truth)) < 0.03
    assert x[0] < scale * -2.9 and x[-1] > scale * 8.9


def test_a_heavy_tail_does_not_crush_the_rest():
    draws = np.random.default_rng(6).standard_cauchy(4000)
    low, high = np.quantile(draws, [0.055, 0.945])
    x, _ = estimate(draws, (low, high))
    assert x[-1] - x[0] < 6 * (high - low)


POINTS = {
    "one value": np.full(4000, 2.5),
    "zero": np.zeros(4000),
    "infinite": np.full(4000, np.inf),
    "some infinite": np.where(np.arange(4000) % 2, np.inf, 1.0),
    "nan": np.full(4000, np.nan),
    "huge": np.random.default_rng(7).normal(0, 1e300, 4000),
    "tiny": np.random.default_rng(8).normal(0, 1e-300, 4000),
    "beside a large number": 1e15 + np.arange(4000) % 2,
    "two values": np.arange(4000) % 2 * 1.0,
}


@pytest.mark.parametrize("draws", POINTS.values(), ids=POINTS)
def test_a_posterior_without_a_density_is_drawn_all_the_same(draws, make):
    text = plots.svg_text(make(with_draws(studies.fork(), "correct", draws)))
    assert "everything" in text


def test_what_is_not_finite_is_said_in_words_and_a_point_is_a_stroke():
    infinite = with_draws(studies.fork(), "correct", POINTS["infinite"])
    assert "not finite: nothing to draw" in texts(plots.density_figure(infinite))
    (axes,) = plots.density_figure(studies.perfect()).axes
    spot = studies.perfect()["correct"].effect.mean
    strokes = [line for line in axes.lines if line.get_color() == plots._CORRECT.colour]
    assert any(
        line.get_xdata() == pytest.approx([spot, spot]) and np.ptp(line.get_ydata()) > 0.3
        for line in strokes
        if len(line.get_xdata()) == 2 and line.get_linewidth() > 2
    )


def test_without_another_model_the_shifts_say_so():
    assert "There is no other model to compare." in texts(plots.shift_figure(studies.alone()))
    assert len(plots.comparison_figure(studies.alone()).axes) == 2
    assert len(plots.comparison_figure(studies.fork()).axes) == 3


# SVG


def test_the_svg_is_a_picture_and_nothing_else(study, make):
    root = ET.fromstring(plots.svg_text(make(study)))
    allowed = {"svg", "title", "g", "path", "text", "tspan", "rect"}
    attributes = {"d", "x", "y", "width", "height", "transform", "style"}
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in allowed
        if element is not root:
            assert set(element.attrib) <= attributes
        assert "url(" not in element.get("style", "")
    assert root.get("role") == "img"
    assert root.get("aria-label") == root[0].text


def test_the_same_study_gives_the_same_svg(make):
    study = studies.fork()
    assert plots.svg_text(make(study)) == plots.svg_text(make(study))


def test_names_are_shown_letter_for_letter():
    root = ET.fromstring(plots.svg_text(plots.comparison_figure(studies.hostile())))
    said = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    assert studies.SCRIPT in said
    assert "日本\\ud800$a$" in said
    assert any(text.startswith("`<script>alert(1)</script>` ~ `$x^2$ & ") for text in said)
    assert any("`_a_\\nnew`" in text for text in said)


def test_the_description_holds_the_numbers_for_those_who_cannot_see():
    root = ET.fromstring(plots.svg_text(plots.forest_figure(studies.fork())))
    assert f"correct {studies.fork()['correct'].effect.mean:.2f} (89%: " in root.get("aria-label")


# matplotlib


def test_the_session_s_settings_neither_matter_nor_change():
    study = studies.fork()
    plain = plots.svg_text(plots.comparison_figure(study))
    mine = {"text.usetex": True, "font.size": 30, "axes.grid": True, "path.sketch": (1, 100, 2)}
    with matplotlib.rc_context(mine):
        before = dict(matplotlib.rcParams)
        assert plots.svg_text(plots.comparison_figure(study)) == plain
        assert dict(matplotlib.rcParams) == before


def test_pyplot_is_not_loaded():
    code = (
        "import sys, numpy as np; from causal import Dag; "
        "x = np.random.default_rng(1).normal(size=(2, 50)); "
        "study = Dag('x -> y').question('x', 'y').run({'x': x[0], 'y': x[1]}); "
        "print(study.plot()._repr_svg_()[:4], 'matplotlib.pyplot' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["<svg", "False"]


def test_a_figure_can_be_saved_as_any_figure_can(tmp_path):
    studies.fork().plot().savefig(tmp_path / "f.png", dpi=40)
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch, make):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPart, match=r"pip install 'causal-workbench\[plot\]'"):
        make(studies.fork())

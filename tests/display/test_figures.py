"""The pictures of experiments: which there are, what they show, and that names stay names."""

from __future__ import annotations

import dataclasses
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from causal.catalog import experiments
from causal.display.figures import (
    chain_figure,
    draws_figure,
    experiment_figures,
    graph_source,
    graph_svg,
    posterior_figure,
)
from causal.errors import MissingPart, OutputError
from causal.graph.dag import Dag
from causal.graph.notation import read
from causal.models.priors import PriorChoice
from causal.study.experiment import Asked, Covers, Lesson, Near, Performed, load, perform

pytest.importorskip("matplotlib")
pytest.importorskip("pygraphviz")

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ['"a\x1b[31m', "</svg><script>alert(1)</script>", "$\\frac$ \\N &lt;", "x" * 5_000]
RESULTS: dict[str, Performed] = {}


def result(name: str) -> Performed:
    if name not in RESULTS:
        RESULTS[name] = perform(load(experiments()[name]))
    return RESULTS[name]


def regression(name: str, model: str = "correct"):
    return result(name).answers[0].study[model].regression


def words(text: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(text).iter(f"{SVG}text")]


def statements(source: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The nodes of a graph by number with what is written on them, and the arrows."""
    nodes = dict(re.findall(r"^\t+(n\d+) \[label=<(.*)> id=", source, re.MULTILINE))
    arrows = re.findall(r"^\t+(n\d+) -> (n\d+)", source, re.MULTILINE)
    return {key: re.sub("<[^>]*>", " ", label).split() for key, label in nodes.items()}, arrows


def drawn(source: str) -> tuple[set[str], set[tuple[str, str]]]:
    nodes, arrows = statements(source)
    named = {key: " ".join(words) for key, words in nodes.items()}
    return set(named.values()), {(named[tail], named[head]) for tail, head in arrows}


# Which there are


def test_every_question_and_model_of_a_lesson_is_drawn_under_our_own_words(
    tmp_path: Path,
) -> None:
    written = experiment_figures(result("descendant"), tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "descendant/1-dag.svg",
        "descendant/1-comparison.svg",
        "descendant/1-correct-posterior.svg",
        "descendant/1-correct-graph.svg",
        "descendant/1-everything-posterior.svg",
        "descendant/1-everything-graph.svg",
        "descendant/1-own-1-posterior.svg",  # "with d"
        "descendant/1-own-1-graph.svg",
    ]
    assert sorted(tmp_path.rglob("*.svg")) == sorted(written)
    for path in written:
        assert ET.fromstring(path.read_text(encoding="utf-8")).tag == f"{SVG}svg"


def test_a_chain_and_a_demonstration_have_pictures_of_their_own(tmp_path: Path) -> None:
    names = [path.name for path in experiment_figures(result("path_analysis"), tmp_path)]
    assert names[-2:] == ["1-chain-posterior.svg", "1-chain-graph.svg"]
    assert [path.name for path in experiment_figures(result("coin"), tmp_path)] == ["draws.svg"]


def test_the_pictures_hold_the_models_they_are_called_after(tmp_path: Path) -> None:
    experiment_figures(result("fork"), tmp_path)
    place = tmp_path / "fork"
    for name, formula in (("correct", "y ~ x + z"), ("unadjusted", "y ~ x")):
        posterior = words((place / f"1-{name}-posterior.svg").read_text(encoding="utf-8"))
        assert f"{name}: {formula}" in posterior
        graph = words((place / f"1-{name}-graph.svg").read_text(encoding="utf-8"))
        assert ("slope of z" in graph) == (name == "correct")
    assert "INCLUDE" in words((place / "1-dag.svg").read_text(encoding="utf-8"))


TUTORIAL = {  # its figures; 5 is a slide
    1: ("addition", "draws"),
    2: ("coin", "draws"),
    3: ("simple", "1-correct-posterior"),
    4: ("multivariate", "1-correct-posterior"),
    6: ("pipe", "1-correct-posterior"),
    7: ("path_analysis", "1-chain-graph"),
    8: ("path_analysis", "1-chain-posterior"),
    9: ("fork", "1-unadjusted-posterior"),
    10: ("fork", "1-correct-posterior"),
    11: ("collider", "1-everything-posterior"),
    12: ("collider", "1-correct-posterior"),
    13: ("combined", "1-chain-graph"),
    14: ("combined", "1-chain-posterior"),
    15: ("pooled_categories", "1-correct-graph"),
    16: ("no_heterogeneity", "1-correct-posterior"),
    17: ("heterogeneity", "1-correct-posterior"),
    18: ("heterogeneity", "1-correct-graph"),
    19: ("bernoulli_cells", "1-correct-posterior"),
}


@pytest.mark.heavy
@pytest.mark.parametrize("name", experiments())
def test_every_shipped_experiment_is_drawn_with_the_tutorials_figures(
    name: str, tmp_path: Path
) -> None:
    written = {path.stem: path for path in experiment_figures(result(name), tmp_path)}
    assert {stem for lesson, stem in TUTORIAL.values() if lesson == name} <= set(written)
    for path in written.values():
        assert words(path.read_text(encoding="utf-8"))


def test_drawing_again_gives_the_same_files(tmp_path: Path) -> None:
    first, second = (experiment_figures(result("fork"), tmp_path / part) for part in "ab")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(OutputError, match="Cannot make the folder"):
        experiment_figures(result("coin"), taken)


def test_without_graphviz_or_matplotlib_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = result("fork")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "graphviz", None)
        with pytest.raises(MissingPart, match=r"causal-workbench\[draw\]"):
            graph_source([regression("fork")], 1000)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPart, match=r"causal-workbench\[plot\]"):
        posterior_figure(fork.answers[0], "correct")
    assert not list(tmp_path.iterdir())


# What the posteriors show


def curves(figure):
    """The density of each row, from top to bottom."""
    lefts = figure.axes[::2]
    return [
        next(line for line in axes.lines if len(line.get_xdata()) > 100).get_xydata()
        for axes in lefts
    ]


def test_each_number_has_its_density_where_its_posterior_is() -> None:
    answer = result("multivariate").answers[0]
    fit = answer.study["correct"]
    found = curves(posterior_figure(answer, "correct"))
    names = ["x1", "intercept", "x2", "sigma"]  # the effect is the slope of x1: drawn once
    assert len(found) == len(names)
    for curve, name in zip(found, names, strict=True):
        summary = fit.draws.summary(name)
        weights = curve[:, 1] / curve[:, 1].sum()
        mean = float(weights @ curve[:, 0])
        sd = float(np.sqrt(weights @ (curve[:, 0] - mean) ** 2))
        assert mean == pytest.approx(summary.mean, abs=0.1 * summary.sd)
        assert sd == pytest.approx(summary.sd, rel=0.12)


def test_the_bar_is_the_interval_and_the_dotted_line_the_truth() -> None:
    answer = result("multivariate").answers[0]
    figure = posterior_figure(answer, "correct")
    left = figure.axes[0]
    [bar] = [line for line in left.lines if line.get_linewidth() == 3.0]
    assert tuple(bar.get_xdata()) == pytest.approx(answer.study["correct"].effect.interval)
    dotted = [line for axes in figure.axes[::2] for line in axes.lines if line.is_dashed()]
    assert [tuple(line.get_xdata()) for line in dotted] == [(2, 2), (5, 5)]  # x1, and x2's slope


def test_the_effect_in_each_group_is_drawn_with_what_the_recipe_says() -> None:
    answer = result("bernoulli_cells").answers[0]
    figure = posterior_figure(answer, "correct")
    for number, truth in enumerate((0.1, -0.1, 0.0), start=1):
        axes = figure.axes[2 * number]
        assert axes.texts[0].get_text() == f"where x1 = {number - 1}"
        [dotted] = [line for line in axes.lines if line.is_dashed()]
        assert tuple(dotted.get_xdata()) == pytest.approx((truth, truth))
    groups = answer.study["correct"].by("x1")
    means = [float(curve[:, 0] @ curve[:, 1] / curve[:, 1].sum()) for curve in curves(figure)[1:4]]
    assert means == pytest.approx([groups[g][0].mean for g in "012"], abs=2e-3)


def test_a_truth_far_off_is_pointed_at() -> None:
    figure = posterior_figure(result("fork").answers[0], "unadjusted")
    assert "← 0" in [text.get_text() for text in figure.axes[0].texts]
    low, _ = figure.axes[0].get_xlim()
    assert low > 0.6


def test_the_chains_are_the_draws_in_their_order() -> None:
    answer = result("fork").answers[0]
    fit = answer.study["correct"]
    chains = fit.draws.draws.reshape(4, 1000, -1)
    split = dataclasses.replace(fit, draws=dataclasses.replace(fit.draws, draws=chains))
    study = dataclasses.replace(answer.study, fits={**answer.study.fits, "correct": split})
    figure = posterior_figure(dataclasses.replace(answer, study=study), "correct")
    right = figure.axes[1]
    assert len(right.lines) == 4
    assert len({line.get_color() for line in right.lines}) == 4
    place = fit.draws.names.index("x")
    for chain, line in enumerate(right.lines):
        np.testing.assert_array_equal(line.get_ydata(), chains[chain, ::2, place])
    assert figure.axes[-1].get_xlabel() == "draw, 1 in 2 shown"


def test_a_path_analysis_shows_its_parts_and_all_coefficients_of_the_chain() -> None:
    answer = result("path_analysis").answers[0]
    figure = chain_figure(answer)
    heads = [axes.texts[0].get_text() for axes in figure.axes[::2]]
    assert heads == [
        "direct: +1 x1 on y1",
        "indirect: +1 x1 on y1",
        "total: +1 x1 on y1",
        *("x2: intercept", "x2: x1", "x2: sigma", "y1: intercept", "y1: x2", "y1: sigma"),
    ]
    assert [len(axes.lines) for axes in figure.axes[:2]] == [3, 1]  # a constant is a stroke


@pytest.mark.parametrize(
    ("name", "exact"),
    [("addition", stats.norm(5, np.sqrt(0.29))), ("coin", stats.beta(9, 3))],
)
def test_a_demonstration_is_drawn_beside_the_exact_density(name: str, exact) -> None:
    [left, right] = draws_figure(result(name)).axes
    [dashed] = [line for line in left.lines if line.is_dashed() and len(line.get_xdata()) > 2]
    x, height = dashed.get_data()
    expected = exact.pdf(x)
    np.testing.assert_allclose(height, expected / expected.max(), atol=1e-9)
    [smooth] = [line for line in left.lines if line.get_linewidth() == 1.4]
    assert np.max(np.abs(smooth.get_ydata() - height)) < 0.1
    assert len(right.lines) == 1


def test_many_coefficients_are_counted_and_not_all_drawn() -> None:
    random = np.random.default_rng(3)
    data = {"x": random.normal(size=400), "g": random.choice(30, 400).astype(str)}
    data["y"] = data["x"] + random.normal(size=400)
    asked = Asked("x", "y", truth=1, priors=PriorChoice(), expectations=(Covers("correct"),))
    lesson = Lesson(
        "many", place=1, title="", teaches="", dag="x -> y <- g", simulate=lambda: data,
        questions=(asked,),
    )  # fmt: skip
    figure = posterior_figure(perform(lesson).answers[0], "correct")
    assert len(figure.axes) == 2 * 16
    assert "and 17 more" in [text.get_text() for text in figure.texts]  # of 1 + 1 + 30 + 1


def test_a_picture_is_told_in_words_for_those_who_cannot_see_it() -> None:
    figure = posterior_figure(result("fork").answers[0], "unadjusted")
    text = figure.get_label()
    assert text.startswith("Posterior densities and chains of unadjusted: y ~ x: x, effect of ")
    assert "0.66597 [0.66525, 0.66668]" in text


# The model as a graph


def test_a_plain_regression_is_a_graph_of_priors_data_and_outcome() -> None:
    nodes, arrows = drawn(graph_source([regression("fork")], 1000))
    outcome = "y Normal(sum, sigma)"
    causes = {
        "intercept Normal(0, 1)",
        "slope of x Normal(0, 1)",
        "slope of z Normal(0, 1)",
        "sigma Exponential(1)",
        "x data",
        "z data",
    }
    assert nodes == {outcome, *causes}
    assert arrows == {(cause, outcome) for cause in causes}
    assert "1,000 rows" in words(graph_svg([regression("fork")], 1000))


def test_the_exposures_coefficient_stands_out() -> None:
    source = graph_source([regression("fork")], 1000)
    blue = [line for line in source.splitlines() if 'color="#0072B2"' in line]
    assert len(blue) == 1
    assert "slope of x" in blue[0]


def test_in_a_chain_a_mediator_is_both_outcome_and_cause() -> None:
    chain = result("path_analysis").answers[0].study.pathways.regressions
    nodes, arrows = drawn(graph_source(chain, 100))
    assert ("x1 data", "x2 Normal(sum, sigma)") in arrows
    assert ("x2 Normal(sum, sigma)", "y1 Normal(sum, sigma)") in arrows
    assert ("slope of x2 Normal(0, 2)", "y1 Normal(sum, sigma)") in arrows
    assert not [node for node in nodes if node == "x2 data"]
    source = graph_source(chain, 100)
    assert len(statements(source)[0]) == 3 + 2 * 3  # each has an intercept, a slope and a sigma


def planned(formula: str, **more):
    """The correct regression of y on x, z, g, without a fit."""
    from causal.data.table import read_table
    from causal.models.formula import parse_terms
    from causal.models.generator import plan

    random = np.random.default_rng(4)
    data = {name: random.normal(size=60) for name in ("x", "z")}
    data["g"] = random.choice(["a", "b", "c"], 60)
    data["h"] = random.choice(["p", "q"], 60)
    data["y"] = random.choice([1.0, 2.0, 3.0], 60)
    table = read_table(data, ["x", "z", "g", "h", "y"])
    question = read("{x z g h} -> y").question("x", "y")
    made = plan(question, table, form=parse_terms(formula), **more)
    return next(one for one in made.regressions if one.name == "correct")


def test_what_varies_is_drawn_with_its_spread_and_its_correlation() -> None:
    made = planned("x + (x | g) + (1 | h)", prior_choice=PriorChoice("tutorial"))
    nodes, arrows = drawn(graph_source([made], 60))
    both, one = "(x | g) MvNormal(0, sds, correlation)", "(1 | h) Normal(0, sd)"
    assert {tail for tail, head in arrows if head == both} == {
        "sd(1 | g) Exponential(1)",
        "sd(x | g) Exponential(1)",
        "correlation LKJ(2)",
    }
    assert {tail for tail, head in arrows if head == one} == {"sd(1 | h) Exponential(1)"}
    assert {(both, "y Normal(sum, sigma)"), (one, "y Normal(sum, sigma)")} <= arrows
    assert "h data" in nodes
    plates = words(graph_svg([made], 60))
    assert {"60 rows", "3 levels of g", "2 levels of h"} <= set(plates)


@pytest.mark.parametrize(
    ("formula", "more", "expected"),
    [
        ("poly(x, 2) + z", {}, "slope of poly(x, 2)"),
        ("x*z", {}, "slope of x:z"),
        ("x + g", {}, "levels of g"),
        ("x + g", {"family": "ordered"}, "cutpoints"),
        ("x", {"family": "student"}, "StudentT(nu, sum, sigma)"),
        ("x", {"family": "poisson"}, "Poisson, log mean: sum"),
        ("x", {"family": "negbinomial"}, "NegBinomial, log mean: sum"),
        ("x", {"family": "ordered"}, "ordered, log odds: cut - sum"),
    ],
)
def test_every_kind_of_term_and_family_has_a_graph(formula: str, more, expected: str) -> None:
    nodes, _ = drawn(graph_source([planned(formula, **more)], 60))
    assert [node for node in nodes if expected in node]


def test_centred_priors_say_where_they_hold() -> None:
    assert any("at the means" in node for node in drawn(graph_source([planned("x")], 60))[0])
    tutorial = planned("x", prior_choice=PriorChoice("tutorial"))
    assert not any("at the means" in node for node in drawn(graph_source([tutorial], 60))[0])


def test_cells_are_chances() -> None:
    nodes, arrows = drawn(graph_source([regression("bernoulli_cells")], 10_000))
    assert ("chance Beta(1, 1) each", "y1 Bernoulli, chance of its cell") in arrows
    assert len(nodes) == 4


def test_names_of_strangers_stay_names(tmp_path: Path) -> None:
    x, y, z, g = HOSTILE
    random = np.random.default_rng(1)
    data = {name: random.normal(size=80) for name in (x, y, z)}
    data[g] = random.choice(['"]; n0 -> n0', "<b>", "\\G"], 80)
    lesson = Lesson(
        "hostile",
        place=1,
        title="t",
        teaches="u",
        dag=Dag(edges=[(x, y), (z, x), (z, y), (g, y)]).to_json(),
        simulate=lambda: data,
        questions=(
            Asked(
                x,
                y,
                truth=0,
                priors=PriorChoice(),
                own={"../../etc/passwd": (z,)},
                expectations=(Near("correct", error=1),),
            ),
        ),
    )
    written = experiment_figures(perform(lesson), tmp_path)
    assert {path.parent for path in written} == {tmp_path / "hostile"}
    assert all(re.fullmatch(r"1-[a-z0-9-]+\.svg", path.name) for path in written)
    for path in written:
        root = ET.fromstring(path.read_text(encoding="utf-8"))
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert not tags & {"script", "a", "style", "image", "use"}
        assert not [name for element in root.iter() for name in element.attrib if name == "id"]
        assert "\x1b" not in path.read_text(encoding="utf-8")
    source = graph_source([perform(lesson).answers[0].study["correct"].regression], 80)
    nodes, arrows = statements(source)
    assert all(head == "n0" for _, head in arrows)  # the outcome is the first node
    assert len(nodes) == 1 + 3 + 4 + 1

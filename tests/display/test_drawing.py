"""The picture: what it says, that it says it in every format, and that no name can harm it."""

from __future__ import annotations

import os
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from causal.criteria.roles import Variable
from causal.display import drawing
from causal.display.drawing import Picture, dot_source, draw, picture, renderer, steps, svg
from causal.errors import GraphError, MissingPart, OutputError, shown
from causal.graph.dag import Dag
from causal.graph.notation import WRITERS, read_file, write

HOSTILE = [
    "a:b",
    "a:b:c",
    "<b>x</b>",
    "<x>",
    "</svg><script>alert(1)</script>",
    "]]><!--",
    "trailing\\",
    "\\",
    "\\N",
    "\\\\N",
    "\\G\\L\\E",
    'quo"te',
    '\\"',
    '"];n0->n0;"',
    "new\nline",
    "tab\tand\x00nul\x1b[31m",
    "&lt;amp;&#60;&",
    'charset="utf-16"',
    "%s%n%d",
    "{a|b}",
    " lead",
    "two  blanks",
    " ",
    "node",
    "n0",
    "x" * 10_240,
    "a long name with many words that has to be broken somewhere",
    "été 日本 Ω 😀",
    "\u202ertl",
    "\ud800",
    "$(touch /tmp/x)",
]
ALLOWED = {"svg", "g", "title", "text", "path", "polygon", "polyline", "ellipse"}
SIGNATURES = {"svg": b"<svg ", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}
NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=["program", "library"])
def graphviz_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two places Graphviz is found in, in turn."""
    if request.param == "program":
        if not shutil.which("dot"):
            pytest.skip("the program dot is not on PATH here")
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
    else:
        pytest.importorskip("pygraphviz", reason="the pygraphviz wheel is not installed here")
        monkeypatch.setattr(shutil, "which", lambda _: None)
    return str(request.param)


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with neither the program nor the library."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def hostile_dag() -> Dag:
    names = list(dict.fromkeys(HOSTILE))
    return Dag(
        edges=[(names[0], name) for name in names[1:]],
        arcs=[(names[1], names[2])],
        exposures=[names[2]],
        outcomes=[names[4]],
        latent=[names[6]],
    )


def groups(text: str, kind: str) -> list[ET.Element]:
    """The <g> elements of one class in an SVG."""
    return [g for g in ET.fromstring(text).iter(f"{NAMESPACE}g") if g.get("class") == kind]


def title(group: ET.Element) -> str:
    return group.findtext(f"{NAMESPACE}title") or ""


def words(group: ET.Element) -> list[str]:
    return [text.text or "" for text in group.iter(f"{NAMESPACE}text")]


def centre(group: ET.Element) -> tuple[float, float]:
    ellipse = group.find(f"{NAMESPACE}ellipse")
    assert ellipse is not None
    return float(ellipse.attrib["cx"]), float(ellipse.attrib["cy"])


# What the picture says


def test_dot_source_knows_variables_by_number_only() -> None:
    dag = hostile_dag()
    lines = dot_source(dag).splitlines()
    statement = re.compile(r"\t(n\d+)(?: -> (n\d+))? \[")
    found = [match.groups() for line in lines if (match := statement.match(line))]
    numbered = [f"n{number}" for number in range(len(dag.names))]
    assert [one for one, other in found if other is None] == numbered
    assert [pair for pair in found if pair[1]] == [
        (f"n{dag.number(a)}", f"n{dag.number(b)}") for a, b in (*dag.edges, *dag.arcs)
    ]
    # One line each, and the header and footer: no name has begun a statement of its own.
    assert len(lines) == 4 + len(found) + 1


def test_dot_source_is_a_drawing_of_the_same_graph() -> None:
    dag = Dag(edges=[("a", "b"), ("b", "c"), ("a", "c")])
    again = Dag(dot_source(dag))
    assert again.names == ("n0", "n1", "n2")
    assert again.edges == (("n0", "n1"), ("n0", "n2"), ("n1", "n2"))


@pytest.mark.usefixtures("graphviz_of")
def test_exposure_outcome_and_latent_differ_in_word_shape_and_colour() -> None:
    nodes = {title(g): g for g in groups(svg(Dag("dag { x [e] y [o] u [l] u -> {x y} }")), "node")}
    assert {name: words(g) for name, g in nodes.items()} == {
        "u": ["u", "latent"],
        "x": ["x", "exposure"],
        "y": ["y", "outcome"],
    }
    rings = {name: g.findall(f"{NAMESPACE}ellipse") for name, g in nodes.items()}
    assert {name: len(found) for name, found in rings.items()} == {"u": 1, "x": 1, "y": 2}
    assert len({found[0].get("fill") for found in rings.values()}) == 3
    dashed = {name for name, found in rings.items() if found[0].get("stroke-dasharray")}
    assert dashed == {"u"}


@pytest.mark.usefixtures("graphviz_of")
def test_every_use_has_a_shape_and_a_word_of_its_own() -> None:
    dag = Dag("dag { x [e] y [o] u [l] x -> y i -> y o -> y e -> y u -> y }")
    known = (
        Variable("e", "collider", "exclude", "because", None, ""),
        Variable("i", "common cause", "include", "i closes it", None, ""),
        Variable("o", "descendant of a collider", "optional", "", None, ""),
        Variable("u", "latent", "unavailable", "", None, ""),
    )
    nodes = groups(svg(Picture(dag, ("x",), ("y",), known)), "node")
    said = {title(g): words(g) for g in nodes}
    assert said == {
        "e: because": ["e", "collider", "EXCLUDE"],
        "i: i closes it": ["i", "common cause", "INCLUDE"],
        "o": ["o", "descendant of", "a collider", "OPTIONAL"],
        "u": ["u", "latent"],
        "x": ["x", "exposure"],
        "y": ["y", "outcome"],
    }
    corners = {
        title(g)[0]: len((polygon.get("points") or "").split())
        for g in nodes
        if (polygon := g.find(f"{NAMESPACE}polygon")) is not None
    }
    assert corners == {"e": 9, "i": 5}
    assert {title(g)[0] for g in nodes if g.find(f"{NAMESPACE}path") is not None} == {"o"}


@pytest.mark.usefixtures("graphviz_of")
def test_arcs_are_dashed_with_two_heads_and_arrows_solid_with_one() -> None:
    text = svg(Dag("x -> y; x <-> y"))
    arrow, arc = sorted(groups(text, "edge"), key=lambda g: len(title(g)))
    assert (title(arrow), title(arc)) == ("x -> y", "x <-> y")
    heads = [len(g.findall(f"{NAMESPACE}polygon")) for g in (arrow, arc)]
    lines = [g.find(f"{NAMESPACE}path") for g in (arrow, arc)]
    assert heads == [1, 2]
    assert [line is not None and line.get("stroke-dasharray") is not None for line in lines] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("text", "effect", "causal", "biasing"),
    [
        ("x -> y", "direct", {"x->y"}, set()),
        ("x <- z -> y", "direct", set(), {"z->x", "z->y"}),
        ("x -> m -> y; x -> y", "direct", {"x->y"}, {"x->m", "m->y"}),
        ("x -> m -> y; x -> y", "total", {"x->y", "x->m", "m->y"}, set()),
        ("x -> y; x -> c <- y", "direct", {"x->y"}, set()),
        ("x -> y; x -> z; a -> x", "total", {"x->y"}, set()),
        ("x -> y; x <-> y", "total", {"x->y"}, {"?->x", "?->y"}),
    ],
)
def test_of_a_question_the_causal_and_the_open_biasing_paths_are_brought_out(
    text: str, effect: str, causal: set[str], biasing: set[str]
) -> None:
    dag = Dag(text)
    question = dag.question("x", "y")
    plan = picture(question.total if effect == "total" else question)
    name = dict(enumerate(dag.names))

    def named(pairs: frozenset[tuple[int, int]]) -> set[str]:
        return {f"{name.get(a, '?')}->{name.get(b, '?')}" for a, b in pairs}

    assert (named(plan.causal), named(plan.biasing)) == (causal, biasing)
    assert {variable.name for variable in plan.variables} == set(dag.names) - {"x", "y"}
    bare = picture(question, paths=False)
    assert (bare.causal, bare.biasing) == (frozenset(), frozenset())
    assert bare.variables == picture(question).variables


@pytest.mark.usefixtures("graphviz_of")
def test_paths_are_told_apart_by_line_and_not_by_colour_alone() -> None:
    dag = Dag("x <- z -> y; x -> y; x <-> w; w -> y")
    text = svg(dag.question("x", "y"))
    lines = {title(g): g.findall(f"{NAMESPACE}path") for g in groups(text, "edge")}
    assert {name: len(found) for name, found in lines.items()} == {
        "x -> y": 1,  # thick
        "z -> x": 3,  # double: red, white, red
        "z -> y": 3,
        "w -> y": 3,
        "w <-> x": 1,  # thick and dashed
    }
    dashed = {name for name, found in lines.items() if "stroke-dasharray" in found[0].attrib}
    thick = {name for name, found in lines.items() if float(found[0].get("stroke-width", "1")) >= 2}
    assert dashed == {"w <-> x"}
    assert thick == {"x -> y", "w <-> x"}
    (whole,) = groups(text, "graph")
    legend = [t.text for t in whole.findall(f"{NAMESPACE}text")]
    assert legend == [
        "direct effect of x on y",
        "thick blue: causal path",
        "red, double or dashed: open biasing path",
    ]


def test_a_step_is_named_cause_first_whichever_way_a_path_takes_it() -> None:
    dag = Dag("x <- z -> y")
    (path,) = dag.question("x", "y").adjustment.open_paths
    x, y, z = map(dag.number, "xyz")
    assert steps([path, path.reversed()]) == {(z, x), (z, y)}


def test_the_svg_says_in_words_what_it_shows() -> None:
    root = ET.fromstring(svg(Dag("dag { x [e] y [o] z -> {x y} }")))
    said = "Causal graph of 3 variables, 2 arrows; exposure x; outcome y"
    assert root.get("role") == "img"
    assert root.get("aria-label") == said
    assert root[0].text == said


def test_an_arc_does_not_put_its_ends_in_an_order() -> None:
    at = {title(g): centre(g) for g in groups(svg(Dag("x -> y; y <-> z")), "node")}
    assert at["z"][0] == pytest.approx(at["x"][0], abs=1)


# Positions


@pytest.mark.usefixtures("graphviz_of")
def test_positions_are_kept_and_point_down_as_in_dagitty() -> None:
    dag = Dag('dag { a [pos="0,0"] b [pos="0.01,0"] c [pos="0,0.02"] a -> {b c} }')
    at = {title(g): centre(g) for g in groups(svg(dag), "node")}
    assert at["b"][1] == at["a"][1]
    assert at["c"][0] == at["a"][0]
    right, down = at["b"][0] - at["a"][0], at["c"][1] - at["a"][1]
    assert right > 60  # room for an arrow
    assert down == pytest.approx(2 * right, rel=0.01)


@pytest.mark.parametrize(
    "positions",
    [
        {"a": (0.0, 0.0), "b": (0.0, 0.0)},
        {"a": (0.0, 0.0)},
        {"a": (0.0, 0.0), "b": (1e300, 0.0)},
        {"a": (0.0, 0.0), "b": (1e-9, 0.0), "c": (1.0, 0.0)},
    ],
    ids=["one on the other", "one missing", "far too far", "far too near"],
)
def test_positions_that_cannot_be_drawn_are_set_aside(
    positions: dict[str, tuple[float, float]],
) -> None:
    dag = Dag(nodes=positions, edges=[("a", "b")], positions=positions)
    assert "layout=dot" in dot_source(dag)
    first, second = (centre(g) for g in groups(svg(dag), "node")[:2])
    assert abs(first[0] - second[0]) > 60


@pytest.mark.usefixtures("graphviz_of")
def test_long_names_at_given_positions_do_not_overlap() -> None:
    long = ["a_rather_long_variable_name", "W" * 30, "another long one, with words"]
    dag = Dag(nodes=long, positions={name: (i * 1.0, 0.0) for i, name in enumerate(long)})
    ellipses = [g.find(f"{NAMESPACE}ellipse") for g in groups(svg(dag), "node")]
    spans = sorted(
        (
            float(e.attrib["cx"]) - float(e.attrib["rx"]),
            float(e.attrib["cx"]) + float(e.attrib["rx"]),
        )
        for e in ellipses
        if e is not None
    )
    assert len(spans) == 3
    assert all(left[1] < right[0] for left, right in pairwise(spans))


# Hostile names


@pytest.mark.usefixtures("graphviz_of")
def test_hostile_names_are_only_ever_text_in_the_svg() -> None:
    dag = hostile_dag()
    text = svg(dag)
    elements = list(ET.fromstring(text).iter())
    assert {e.tag.removeprefix(NAMESPACE) for e in elements} <= ALLOWED
    attributes = {key for e in elements for key in e.attrib}
    assert not {key for key in attributes if key.startswith("on") or "href" in key or key == "id"}

    marks = {"exposure", "outcome", "latent"}
    nodes = groups(text, "node")
    assert sorted(map(title, nodes)) == sorted(shown(name, 1_000)[1:-1] for name in dag.names)
    shortened = sorted(
        re.sub(" ", "", shown(name, 40)[1:-1] if name == name.strip(" ") else shown(name, 40))
        for name in dag.names
    )
    drawn = sorted(re.sub(r"\s", "", "".join(w for w in words(g) if w not in marks)) for g in nodes)
    assert drawn == shortened


@pytest.mark.usefixtures("graphviz_of")
def test_hostile_names_go_through_a_question_too() -> None:
    text = svg(hostile_dag().question())
    assert {e.tag.removeprefix(NAMESPACE) for e in ET.fromstring(text).iter()} <= ALLOWED


@pytest.mark.parametrize("name", HOSTILE, ids=[repr(name[:20]) for name in HOSTILE])
def test_each_hostile_name_alone_can_be_drawn(name: str) -> None:
    (node,) = groups(svg(Dag(nodes=[name])), "node")
    assert title(node) == shown(name, 1_000)[1:-1]


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot", "SVG"])
@pytest.mark.usefixtures("graphviz_of")
def test_every_format_is_written_whole(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"picture.{suffix}"
    assert draw(hostile_dag(), target) == target
    assert target.read_bytes().startswith(SIGNATURES[suffix.lower()])
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("suffix", [*WRITERS, "CSV", "Dag"])
@pytest.mark.usefixtures("no_graphviz")
def test_the_dag_is_written_as_text_by_its_suffix_and_without_graphviz(
    tmp_path: Path, suffix: str
) -> None:
    dag = Dag("u [latent]; u -> x; u -> y; x -> y; x <-> y")
    target = tmp_path / f"dag.{suffix}"
    assert draw(dag, target) == target
    assert [p.name for p in tmp_path.iterdir()] == [target.name]
    assert target.read_text(encoding="utf-8") == write(dag, suffix.lower())
    if suffix not in {"mmd", "tex"}:  # those are pictures
        again = read_file(target)
        assert (again.edges, again.arcs) == (dag.edges, dag.arcs)


@pytest.mark.usefixtures("no_graphviz")
def test_text_of_a_question_has_its_exposures_and_outcomes_as_marks(tmp_path: Path) -> None:
    question = Dag("a [e]; z -> x -> y; z -> y").question("x", "y")
    for subject in (question, picture(question, paths=False)):
        drawn = read_file(draw(subject, tmp_path / "dag.json"))
        assert (drawn.exposures, drawn.outcomes) == ({"x"}, {"y"})


@pytest.mark.usefixtures("no_graphviz")
def test_a_dag_too_large_to_lay_out_is_still_written_as_text(tmp_path: Path) -> None:
    dag = Dag(edges=pairwise(map(str, range(3_000))))
    assert read_file(draw(dag, tmp_path / "large.gml")) == dag
    assert len(draw(dag, tmp_path / "large.tex").read_text().splitlines()) == 3 + 3_000 + 2_999


@pytest.mark.parametrize(
    ("name", "suffix", "error", "says"),
    [
        ("blood pressure", "lav", GraphError, "lavaan cannot spell the name 'blood pressure'"),
        ("\x00", "graphml", GraphError, "XML has no character U\\+0000"),
        ("\ud800", "dag", OutputError, "no file can hold half of a character"),
    ],
)
def test_a_name_that_the_notation_cannot_hold_is_refused_and_nothing_is_left(
    tmp_path: Path, name: str, suffix: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        draw(Dag(nodes=[name]), tmp_path / f"dag.{suffix}")
    assert [*tmp_path.iterdir()] == []


def test_in_a_dot_file_too_the_full_name_is_a_tooltip_and_only_text() -> None:
    pygraphviz = pytest.importorskip("pygraphviz", reason="the wheel is not installed here")
    dag = hostile_dag()
    with pygraphviz.AGraph(string=dot_source(dag)) as graph:
        root = ET.fromstring(graph.draw(format="svg", prog="dot"))
    link = "{http://www.w3.org/1999/xlink}title"
    tips = {re.sub(r"\s+", " ", e.attrib[link]) for e in root.iter() if link in e.attrib}
    assert tips == {re.sub(" +", " ", shown(name, 1_000)[1:-1]) for name in dag.names}


def test_the_svg_can_stand_inside_a_page() -> None:
    text = svg(Dag("x -> y"))
    assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg" ')
    assert text.endswith("</svg>")
    for unwanted in ("<?xml", "<!", "xlink", " id=", "style=", "href"):
        assert unwanted not in text


# Files


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("picture.jpg", "'.jpg'"),
        ("picture", "no suffix"),
        (".svg", "no suffix"),
        ("missing/picture.svg", "No such file"),
        ("folder.svg", "directory"),
        ("nul\0.svg", "null byte"),
        ("x" * 300 + ".svg", "too long"),
    ],
)
def test_a_path_that_cannot_be_drawn_to_is_refused_and_nothing_is_left(
    tmp_path: Path, name: str, says: str
) -> None:
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OutputError, match=re.escape(says)) as refusal:
        draw(Dag("x -> y"), f"{tmp_path}/{name}")
    if "suffix" in str(refusal.value):
        known = ("svg", "png", "pdf", "dot", *WRITERS)
        assert all(f".{suffix}" in str(refusal.value) for suffix in known)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.svg"]


def test_a_picture_that_was_there_is_replaced_or_kept_but_never_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "picture.dot"
    draw(Dag("x -> y"), target)
    before = target.read_bytes()

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError, match="No space left"):
            draw(Dag("a -> b -> c"), target)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]
    draw(Dag("a -> b -> c"), target)
    assert b">c<" in target.read_bytes()


def test_a_drawing_too_large_to_lay_out_is_refused_at_once(tmp_path: Path) -> None:
    chain = [(f"v{i}", f"v{i + 1}") for i in range(20_000)]
    with pytest.raises(OutputError, match="too large to draw: 20001 variables and 20000 arrows"):
        draw(Dag(edges=chain), tmp_path / "large.svg")
    assert not list(tmp_path.iterdir())
    draw(Dag(edges=chain), tmp_path / "large.dot")


@pytest.mark.usefixtures("graphviz_of")
def test_a_dense_drawing_of_many_arrows_is_still_drawn() -> None:
    nodes = [f"v{i:02}" for i in range(30)]
    edges = [(a, b) for i, a in enumerate(nodes) for b in nodes[i + 1 :]]
    assert len(groups(svg(Dag(edges=edges)), "edge")) == len(edges) > 400


# Who draws


@pytest.mark.usefixtures("no_graphviz")
def test_without_graphviz_the_message_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match=re.escape("pip install 'causal-workbench[draw]'")):
        draw(Dag("x -> y"), tmp_path / "picture.png")
    assert not list(tmp_path.iterdir())
    assert renderer() is None


def test_without_the_graphviz_package_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawing, "_missing", lambda _: True)
    with pytest.raises(MissingPart, match=re.escape("pip install 'causal-workbench[draw]'")):
        dot_source(Dag("x -> y"))
    assert renderer() is None


def test_renderer_names_what_draws(graphviz_of: str) -> None:
    patterns = {
        "program": r"dot \d+\.\d+\S* on PATH",
        "library": r"pygraphviz \d+\S+ \(Graphviz \d+\S+\)",
    }
    assert re.fullmatch(patterns[graphviz_of], renderer() or "")


@pytest.fixture
def broken_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `dot` that is there and does not work."""
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho 'cannot load libgvc' >&2\nexit 127\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(program))
    return program


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in program is a shell script")
@pytest.mark.usefixtures("broken_program")
def test_a_broken_program_gives_way_to_the_library() -> None:
    pytest.importorskip("pygraphviz", reason="the pygraphviz wheel is not installed here")
    assert len(groups(svg(Dag("x -> y")), "node")) == 2
    assert (renderer() or "").startswith("pygraphviz")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in program is a shell script")
@pytest.mark.usefixtures("broken_program")
def test_a_broken_program_alone_is_reported_with_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(OutputError, match="cannot load libgvc"):
        svg(Dag("x -> y"))


@pytest.mark.usefixtures("graphviz_of")
def test_drawing_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    svg(Dag("x -> y"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("graphviz_of")
def test_threads_may_draw_at_the_same_time(capfd: pytest.CaptureFixture[str]) -> None:
    dags = [Dag(edges=[(f"a{i}", f"b{j}") for j in range(4)]) for i in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(svg, dags)) == [svg(dag) for dag in dags]
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"

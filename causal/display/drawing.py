"""The drawing as a picture: SVG, PNG, PDF or Graphviz source.

What is drawn is a frozen `Picture`: the DAG, what each variable is and is to be used for, and which
arrows deserve attention. Everything is said twice, by colour and by shape, line or word, so that
the picture serves on a black-and-white print and to a colour-blind reader (the palette is that of
Okabe & Ito [1]_):

=====================  ================================================================
exposure               blue ellipse with a thick line
outcome                orange ellipse with a double line
include                green box with a thick line
optional               grey box with rounded corners
exclude                red octagon
selected               grey box with a double line
latent                 dashed ellipse; ``a <-> b`` is a dashed line with two heads
causal path            thick blue arrow
open biasing path      double red arrow, or thick red dashes with two heads
=====================  ================================================================

Names are data of unknown origin. Graphviz only ever sees numbered nodes (``n0``, ``n1``) and
labels in which every special character is escaped; the full names enter the SVG afterwards, through
an XML tree, of which only the few kinds of element that make up a picture are kept.

Graphviz itself is found in one of two places: the program ``dot``, or the library that the wheel of
pygraphviz 2 carries with it.

References
----------
.. [1] M. Okabe, K. Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from itertools import combinations
from math import isfinite
from pathlib import Path as FilePath
from textwrap import wrap
from threading import Lock
from typing import IO, TYPE_CHECKING, Final, Literal, get_args

from causal.display.files import write_whole
from causal.errors import MissingPart, OutputError, shown
from causal.graph.dag import Dag

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Iterable, Iterator, Mapping

    from causal.criteria.question import Question
    from causal.criteria.roles import Variable
    from causal.graph.walk import Path

__all__ = [
    "Picture",
    "cleaned",
    "dot_source",
    "draw",
    "label",
    "picture",
    "rendered",
    "renderer",
    "steps",
    "svg",
]

Format = Literal["svg", "png", "pdf", "dot"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
Engine = Literal["dot", "nop"]  # nop takes all positions as they are
Step = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """What to draw; `picture` makes one from a DAG or a question.

    Parameters
    ----------
    dag
        The drawing. Positions are honoured when every variable has one.
    exposures, outcomes
        Names, in place of the marks in the DAG.
    variables
        Role and use of the others; a variable that is missing here is drawn by its marks.
    causal, biasing
        Arrows to bring out, as (cause, effect) in node numbers; see `steps`.
    caption
        A line below the picture.
    """

    dag: Dag
    exposures: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    causal: frozenset[Step] = frozenset()
    biasing: frozenset[Step] = frozenset()
    caption: str = ""

    @property
    def title(self) -> str:
        """The picture in one sentence, for those who cannot see it."""
        dag = self.dag
        variables, arrows = len(dag.names), len(dag.edges) + len(dag.arcs)
        text = f"Causal graph of {_counted(variables, 'variable')}, {_counted(arrows, 'arrow')}"
        for part, names in (("exposure", self.exposures), ("outcome", self.outcomes)):
            if names:
                text += f"; {part} {', '.join(_plain(name) for name in names)}"
        return text


def picture(subject: Dag | Question | Picture, *, paths: bool = True) -> Picture:
    """Make the picture of a DAG, or of a question with the answer in it.

    Parameters
    ----------
    subject
        A DAG is drawn as it is marked. A question adds every variable's role and use. A picture
        is returned as it is.
    paths
        Of a question, bring out the causal paths and the open biasing ones as well.
    """
    if isinstance(subject, Picture):
        return subject
    if isinstance(subject, Dag):
        exposures, outcomes = sorted(subject.exposures), sorted(subject.outcomes)
        return Picture(subject, tuple(exposures), tuple(outcomes))

    from causal.criteria.roles import variables

    adjustment = subject.adjustment
    causal: frozenset[Step] = frozenset()
    if paths:
        fixed, children = subject.setting, subject.dag.adjacency.children
        # The arrows of all proper causal paths; of the direct effect, the arrow itself.
        ends = fixed.causal if subject.effect == "total" else fixed.outcomes
        starts = fixed.exposures | fixed.causal if subject.effect == "total" else fixed.exposures
        causal = frozenset((a, b) for a in starts for b in children[a] if b in ends)
    return Picture(
        subject.dag,
        subject.exposures,
        subject.outcomes,
        variables(subject, adjustment),
        causal,
        steps(adjustment.open_paths) if paths else frozenset(),
        subject.text,
    )


def steps(paths: Iterable[Path]) -> frozenset[Step]:
    """List the arrows that *paths* run along, each as (cause, effect)."""
    return frozenset(
        (a, b) if forward else (b, a)
        for path in paths
        for a, b, forward in zip(path.nodes, path.nodes[1:], path.forward, strict=False)
    )


def draw(
    subject: Dag | Question | Picture, path: str | os.PathLike[str], *, paths: bool = True
) -> FilePath:
    """Draw *subject* into a file; its suffix says how: ``.svg``, ``.png``, ``.pdf`` or ``.dot``.

    Under a suffix of `causal.graph.notation.WRITERS` (``.dag``, ``.tex`` ...) the DAG is written as
    text in that notation, with exposures and outcomes of the question as its marks. Nothing
    half-written is ever left at *path*.

    Parameters
    ----------
    subject, paths
        As in `picture`.
    path
        Where to; returned as a `pathlib.Path`.

    Raises
    ------
    OutputError
        Another suffix, a file that cannot be written, a drawing that is too large.
    GraphError
        A notation that cannot spell a name.
    MissingPart
        Neither ``dot`` nor the pygraphviz wheel is there.
    """
    from causal.graph.notation import WRITERS

    target = FilePath(path)
    suffix = target.suffix.lower().removeprefix(".")
    if suffix in WRITERS:
        write_whole(target, _as_text(subject, suffix))
        return target
    form = next((known for known in FORMATS if known == suffix), None)
    if form is None:
        what = f"ends in {shown('.' + suffix, 20)}" if suffix else "has no suffix"
        raise OutputError(
            f"Cannot draw into {shown(str(path))}: it {what}, and the suffix says which kind of "
            "picture to make. Let the name end in .svg, .png, .pdf or .dot; or, for the DAG as "
            f"text, in .{', .'.join(WRITERS)}."
        )
    plan = picture(subject, paths=paths)
    if form == "svg":
        data = svg(plan).encode()
    elif form == "dot":
        data = dot_source(plan).encode()
    else:
        data = _rendered(plan, form)
    write_whole(target, data)
    return target


def _as_text(subject: Dag | Question | Picture, suffix: str) -> bytes:
    """Write the DAG of *subject* in the notation of *suffix*."""
    from causal.graph.notation import write

    if not isinstance(subject, Dag):
        subject = subject.dag.marked(exposures=subject.exposures, outcomes=subject.outcomes)
    try:
        return write(subject, suffix).encode()
    except UnicodeEncodeError as error:
        half = shown(error.object[max(error.start - 20, 0) : error.end + 20])
        raise OutputError(
            f"Cannot write {half}: no file can hold half of a character. Rename that variable."
        ) from None


def svg(subject: Dag | Question | Picture) -> str:
    """Draw *subject* as a bare ``<svg>`` element, fit to stand inside an HTML page.

    It holds no script, style sheet, link, identifier or outside reference.

    Raises
    ------
    OutputError
        The drawing is too large to lay out.
    MissingPart
        Neither ``dot`` nor the pygraphviz wheel is there.
    """
    plan = picture(subject)
    return cleaned(_rendered(plan, "svg"), plan.title, _titles(plan))


def dot_source(subject: Dag | Question | Picture) -> str:
    """Write the picture in Graphviz's language: nodes ``n0``, ``n1`` ... labelled with the names.

    This is a picture, not the DAG: `Dag.to_dot` writes the text that can be read back.

    Raises
    ------
    MissingPart
        The package ``graphviz`` is not installed.
    """
    return _source(picture(subject))[0]


def renderer() -> str | None:
    """Say what draws the pictures, in words, or None if nothing can."""
    if _missing("graphviz"):
        return None
    if program := shutil.which("dot"):
        try:
            run = subprocess.run(  # noqa: S603  # found on PATH; no argument is a user's
                [program, "-V"], capture_output=True, timeout=20, check=True
            )
        except (OSError, subprocess.SubprocessError):
            pass
        else:
            words = (run.stderr or run.stdout).decode(errors="replace").split()
            number = words[words.index("version") + 1] if "version" in words[:-1] else "?"
            return f"dot {shown(number, 20)[1:-1]} on PATH"
    try:
        import pygraphviz
    except (ImportError, OSError):
        return None
    if not hasattr(pygraphviz, "__graphviz_version__"):  # 1.x calls the program `dot`
        return None
    return f"pygraphviz {pygraphviz.__version__} (Graphviz {pygraphviz.__graphviz_version__})"


# -- From picture to Graphviz source


@dataclass(frozen=True, slots=True)
class _Look:
    """How a node is drawn: Graphviz attributes."""

    shape: str
    fill: str
    line: str
    width: str = "1.2"
    lines: str = "1"
    style: str = "filled"

    def attributes(self) -> dict[str, str]:
        return {
            "shape": self.shape,
            "style": self.style,
            "fillcolor": self.fill,
            "color": self.line,
            "penwidth": self.width,
            "peripheries": self.lines,
        }


_BLUE, _RED, _GREY = "#0072B2", "#D55E00", "#6B6B6B"
_LOOKS: Mapping[str, _Look] = {
    "exposure": _Look("ellipse", "#D3E8F5", _BLUE, "2.6"),
    "outcome": _Look("ellipse", "#FCE7BF", "#A86F00", "1.4", "2"),
    "include": _Look("box", "#D2EEE3", "#00805D", "2.6"),
    "optional": _Look("box", "#FFFFFF", _GREY, style="filled,rounded"),
    "exclude": _Look("octagon", "#FADDCD", _RED, "1.6"),
    "latent": _Look("ellipse", "#FFFFFF", _GREY, style="filled,dashed"),
    "selected": _Look("box", "#F1F1F1", "#000000", lines="2"),
    "plain": _Look("ellipse", "#FFFFFF", "#000000"),
}
_FONT = "Helvetica,Arial,sans-serif"
_WRAP, _WORDS_WRAP = 20, 14  # characters in a line of a name, and of what is below it
_LONGEST = 40  # characters of a name
_NAME_SIZE, _WORD_SIZE = 14.0, 9.0
_MOST_VARIABLES, _MOST_ARROWS, _MANY_ARROWS = 1_000, 1_500, 300


@dataclass(frozen=True, slots=True)
class _Node:
    """What one variable's node says and how it looks."""

    name: str
    words: tuple[str, ...]
    look: _Look

    @property
    def lines(self) -> tuple[str, ...]:
        return _wrapped(_plain(self.name))

    @property
    def label(self) -> str:
        return label(self.name, self.words)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, roughly, in points; an ellipse or octagon takes the most room."""
        widths = [_width(line) * _NAME_SIZE for line in self.lines]
        widths += [_width(word) * _WORD_SIZE for word in self.words]
        height = 1.2 * (_NAME_SIZE * len(self.lines) + _WORD_SIZE * len(self.words))
        return max(54.0, 1.42 * (max(widths) + 16)), max(36.0, 1.42 * (height + 8))


def _nodes(plan: Picture) -> list[_Node]:
    """Every variable's node, by number."""
    dag = plan.dag
    known = {variable.name: variable for variable in plan.variables}

    def node(name: str) -> _Node:
        if name in plan.exposures:
            return _Node(name, ("exposure",), _LOOKS["exposure"])
        if name in plan.outcomes:
            return _Node(name, ("outcome",), _LOOKS["outcome"])
        if name in known and known[name].use != "unavailable":
            role, use = known[name].role, known[name].use
            return _Node(name, (*wrap(role, _WORDS_WRAP), use.upper()), _LOOKS[use])
        if name in dag.latent or name in known:  # what is left of these is unavailable
            return _Node(name, ("latent",), _LOOKS["latent"])
        if name in dag.adjusted:
            return _Node(name, ("adjusted",), _LOOKS["include"])
        if name in dag.selected:
            return _Node(name, ("selected",), _LOOKS["selected"])
        return _Node(name, (), _LOOKS["plain"])

    return [node(name) for name in dag.names]


def _source(plan: Picture, dpi: int | None = None) -> tuple[str, Engine]:
    """Graphviz source and the layout engine it is meant for."""
    if _missing("graphviz"):
        raise _no_graphviz()
    import graphviz

    dag, nodes = plan.dag, _nodes(plan)
    places = _places(dag, nodes)
    engine: Engine = "nop" if places else "dot"
    quick = len(dag.edges) + len(dag.arcs) > _MANY_ARROWS
    whole = {
        "bgcolor": "white",
        "fontname": _FONT,
        "fontsize": "10",
        "labelloc": "b",
        "layout": engine,
        "margin": "0",
        "nodesep": "0.4",
        "pad": "0.15",
        "rankdir": "LR",
        "ranksep": "0.7",
        "splines": "line" if quick else "true",
        **({"nslimit": "1", "nslimit1": "1", "mclimit": "0.3"} if quick else {}),
        **({"label": caption} if (caption := _caption(plan)) else {}),
        **({"dpi": str(dpi)} if dpi else {}),
    }
    dot = graphviz.Digraph(graph_attr=whole)
    dot.attr("node", fontname=_FONT, fontsize=str(_NAME_SIZE), margin="0.12,0.06")
    dot.attr("edge", arrowsize="0.8", color="#333333")
    for number, node in enumerate(nodes):
        look = node.look.attributes() | {"tooltip": _tooltip(shown(node.name, 1_000)[1:-1])}
        if places:
            look["pos"] = "{:.2f},{:.2f}".format(*places[number])
        dot.node(f"n{number}", label=node.label, id=f"n{number}", _attributes=look)
    for number, (tail, head, look) in enumerate(_arrows(plan, places)):
        look |= {"tooltip": " ", "id": f"e{number}"}
        dot.edge(f"n{tail}", f"n{head}", _attributes=look)
    return str(dot.source), engine


def _arrows(
    plan: Picture, places: Mapping[int, tuple[float, float]]
) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Tail, head and attributes of every edge, then of every arc."""
    dag = plan.dag
    drawn = set()
    for cause, effect in dag.edges:
        step = (dag.number(cause), dag.number(effect))
        drawn.add(frozenset(step))
        yield *step, _emphasis(causal=step in plan.causal, biasing=step in plan.biasing)
    for hidden, (one, other) in enumerate(dag.arcs, start=len(dag.names)):
        tail, head = dag.number(one), dag.number(other)
        look = {"dir": "both", "style": "dashed", "constraint": "false"}
        if {(hidden, tail), (hidden, head)} <= plan.biasing:
            look |= {"color": _RED, "penwidth": "2"}  # a double line cannot have two heads
        if places and {tail, head} in drawn:
            # The arrow takes the straight way; the arc runs beside it.
            (x1, y1), (x2, y2) = places[tail], places[head]
            if abs(x1 - x2) > abs(y1 - y2):
                ports = ("ne", "nw") if x1 < x2 else ("nw", "ne")
            else:
                ports = ("ne", "se") if y1 < y2 else ("se", "ne")
            look |= {"tailport": ports[0], "headport": ports[1]}
        yield tail, head, look


def _emphasis(*, causal: bool, biasing: bool) -> dict[str, str]:
    if causal and biasing:
        return {"color": f"{_BLUE}:white:{_RED}", "penwidth": "2", "arrowsize": "1"}
    if causal:
        return {"color": _BLUE, "penwidth": "2.8"}
    if biasing:
        return {"color": f"{_RED}:white:{_RED}", "penwidth": "1.6", "arrowsize": "1"}
    return {}


def _caption(plan: Picture) -> str:
    lines = [f"<B>{_html(shown(plan.caption, 160)[1:-1])}</B>"] if plan.caption else []
    if plan.causal:
        lines.append(f'<FONT COLOR="{_BLUE}">thick blue: causal path</FONT>')
    if plan.biasing:
        lines.append(f'<FONT COLOR="{_RED}">red, double or dashed: open biasing path</FONT>')
    return f"<{'<BR/>'.join(['', *lines])}>" if lines else ""


def _places(dag: Dag, nodes: list[_Node]) -> dict[int, tuple[float, float]]:
    """Where the DAG says each node is, in points, y upwards; empty if it does not say.

    Positions come in units of the drawer's choice. They are scaled so that no two labels touch and
    an arrow has room between them. Where that cannot be (two at one place) Graphviz places them.
    """
    count, most_room, gap = len(nodes), 6_000.0, 44.0
    if not 0 < len(dag.positions) == count <= _MANY_ARROWS:
        return {}
    at = [dag.positions[node.name] for node in nodes]
    if not all(isfinite(x) and isfinite(y) and max(abs(x), abs(y)) < 1e9 for x, y in at):
        return {}
    sizes = [node.size for node in nodes]
    scale = 1e-9
    for i, j in combinations(range(count), 2):
        apart = [abs(at[i][k] - at[j][k]) for k in (0, 1)]
        needed = [(sizes[i][k] + sizes[j][k]) / 2 + gap for k in (0, 1)]
        ways = [need / distance for need, distance in zip(needed, apart, strict=True) if distance]
        scale = max(scale, min(ways, default=float("inf")))
    extent = max(max(place[k] for place in at) - min(place[k] for place in at) for k in (0, 1))
    if not isfinite(scale) or scale * extent > most_room:
        return {}
    return {i: (x * scale, -y * scale) for i, (x, y) in enumerate(at)}


# -- Text in labels


def label(name: str, below: Iterable[str] = ()) -> str:
    """Give a node's HTML-like label: the name in bold, what is to stand below it; all escaped."""
    parts = [f"<B>{_html(line)}</B>" for line in _wrapped(_plain(name))] if name else []
    parts += [f'<FONT POINT-SIZE="{_WORD_SIZE}">{_html(word)}</FONT>' for word in below]
    return f"<{'<BR/>'.join(parts)}>"


def _plain(name: str) -> str:
    """Give a name in at most 40 printable characters; quoted if it begins or ends with a space."""
    text = shown(name, _LONGEST)
    return text if name != name.strip(" ") else text[1:-1]


def _wrapped(text: str) -> tuple[str, ...]:
    """Break *text* into lines of at most 20 characters, after a space or the like if it has one."""
    lines = []
    while len(text) > _WRAP:
        stops = [i + 1 for i in range(_WRAP // 2, _WRAP) if text[i] in " _-.,:;/"]
        cut = stops[-1] if stops else _WRAP
        lines.append(text[:cut])
        text = text[cut:]
    return (*lines, text)


def _width(text: str) -> float:
    """How wide *text* is in bold, roughly, in units of the font size."""
    return sum(
        1.15 if c in "MWmw@%…" or c > "\u2e7f" else 0.8 if c.isupper() else 0.64 for c in text
    )


# Even in an HTML-like label Graphviz takes \N for the node's id, however it is escaped. An
# invisible character keeps the two apart; no name has one left, for `shown` writes it as an escape.
_APART = "\u2060"


def _html(text: str) -> str:
    """*text* for an HTML-like label."""
    return escape(text).replace("\\", f"\\{_APART}")


def _tooltip(text: str) -> str:
    """*text* for a tooltip, in which Graphviz expands backslashes twice, and entities."""
    import graphviz

    doubled = text.replace("&", "&amp;").replace("\\", "\\\\")
    marked: str = graphviz.escape(doubled)  # a subclass of str that tells it from HTML
    return marked


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# -- From Graphviz source to a file's bytes


def _rendered(plan: Picture, form: Format) -> bytes:
    dag = plan.dag
    arrows = len(dag.edges) + len(dag.arcs)
    if len(dag.names) > _MOST_VARIABLES or arrows > _MOST_ARROWS:
        raise OutputError(
            f"The DAG is too large to draw: {_counted(len(dag.names), 'variable')} and "
            f"{_counted(arrows, 'arrow')}, where {_MOST_VARIABLES} and {_MOST_ARROWS} are the most "
            "that can be laid out in good time, or read. Draw a part of it, or write a .dot file "
            "and lay it out with another program."
        )
    # Pixels are doubled for sharp letters on paper and on fine screens.
    return rendered(*_source(plan, 192 if form == "png" else None), form)


def rendered(source: str, engine: Engine, form: Format) -> bytes:
    """Have Graphviz make a picture of *source*, in which every name of a user's is escaped.

    Raises
    ------
    OutputError
        Graphviz could not.
    MissingPart
        Neither ``dot`` nor the pygraphviz wheel is there.
    """
    program = shutil.which("dot")
    trouble = "it gave no reason"
    if program:
        try:
            run = subprocess.run(  # noqa: S603  # found on PATH; no argument is a user's
                [program, f"-T{form}"],
                input=source.encode(),
                capture_output=True,
                timeout=120,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            trouble = str(error)
        else:
            if run.returncode == 0 and run.stdout:
                return run.stdout
            trouble = run.stderr.decode(errors="replace").strip() or trouble
    try:
        import pygraphviz
    except (ImportError, OSError):
        pygraphviz = None
    if pygraphviz is not None and hasattr(pygraphviz, "__graphviz_version__"):
        return _by_library(source, engine, form)
    if program is None:
        raise _no_graphviz()
    raise OutputError(
        f"The program {shown(program)} could not draw the DAG: {shown(trouble, 300)[1:-1]}. "
        "Mend that installation of Graphviz, or put another in its place: "
        "pip install 'causal-workbench[draw]'."
    )


# Graphviz keeps its state in global variables of C, and file descriptor 2 belongs to the process.
_one_at_a_time = Lock()


def _by_library(source: str, engine: Engine, form: Format) -> bytes:
    import pygraphviz

    with _one_at_a_time, _stderr_into_file() as said:
        try:
            with pygraphviz.AGraph(string=source) as graph:
                data = bytes(graph.draw(format=form, prog=engine))
                graph.close()
        except (OSError, ValueError, RuntimeError, pygraphviz.DotError) as error:
            sys.stderr.flush()
            said.seek(0)
            detail = said.read().decode(errors="replace").strip() or str(error)
            raise OutputError(
                f"Graphviz could not draw the DAG: {shown(detail, 300)[1:-1]}. "
                "Try another kind of picture, for instance .svg."
            ) from error
    return data


@contextmanager
def _stderr_into_file() -> Iterator[IO[bytes]]:
    """Catch what C code says: fontconfig warns about the machine's fonts at every first drawing."""
    with tempfile.TemporaryFile() as said:
        try:
            kept = os.dup(2)
        except OSError:  # there is no standard error
            yield said
            return
        try:
            os.dup2(said.fileno(), 2)
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _missing(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is None


def _no_graphviz() -> MissingPart:
    return MissingPart(
        "Drawing needs Graphviz, which is not installed. "
        "Install it with: pip install 'causal-workbench[draw]'"
    )


# -- SVG fit for a page

_SVG = "http://www.w3.org/2000/svg"
_KEPT = frozenset({"g", "title", "text", "path", "polygon", "polyline", "ellipse"})


def cleaned(data: bytes, title: str, titles: Mapping[str, str]) -> str:
    """Graphviz's SVG without prolog, comments, links and ids, and with the names as titles.

    Parameters
    ----------
    title
        The picture in one sentence.
    titles
        What a pointer resting on a node or an arrow shows, by its id.
    """
    import xml.etree.ElementTree as ET

    root = ET.fromstring(data)  # noqa: S314  # Graphviz wrote it; names in it are escaped
    _prune(root, titles)
    for own in root.findall("g/title"):  # of the graph as a whole: the root's speaks for it
        root[0].remove(own)
    root.tag = "svg"
    size = {key: root.attrib[key] for key in ("width", "height", "viewBox")}
    root.attrib.clear()
    root.attrib.update({"xmlns": _SVG, **size, "role": "img", "aria-label": title})
    said = ET.Element("title")
    said.text = title
    root.insert(0, said)
    return str(ET.tostring(root, encoding="unicode"))


def _prune(parent: ET.Element, titles: Mapping[str, str]) -> None:
    """Keep, below *parent*, what is part of a picture; put in the titles of nodes and arrows."""
    title = titles.get(parent.attrib.pop("id", ""), "")
    children = []
    for child in _unlinked(parent):
        child.tag = child.tag.removeprefix(f"{{{_SVG}}}")
        if child.tag not in _KEPT:
            continue
        if child.tag == "title":
            child.text = title
        if child.tag == "text":
            child.text = (child.text or "").replace(_APART, "")
        _prune(child, titles)
        children.append(child)
    parent[:] = children
    shape = next((c for c in children if c.tag in ("ellipse", "polygon", "path")), None)
    if shape is not None and parent.get("class") in ("node", "graph"):
        _centre(children, shape)


def _unlinked(parent: ET.Element) -> Iterator[ET.Element]:
    """Go through the children of *parent*, and of links in it (Graphviz's way to show tooltips)."""
    for child in parent:
        inner = list(child)
        if child.tag == f"{{{_SVG}}}a" or (inner and inner[0].tag == f"{{{_SVG}}}a"):
            yield from _unlinked(child)
        else:
            yield child


def _centre(children: list[ET.Element], shape: ET.Element) -> None:
    """Anchor all text in the middle, whatever font the reader's machine takes for ours."""
    if shape.tag == "ellipse":
        middle = float(shape.attrib["cx"])
    else:
        numbers = shape.get("points") or shape.attrib["d"].translate(str.maketrans("MC", "  "))
        xs = [float(pair.split(",")[0]) for pair in numbers.split()]
        middle = (min(xs) + max(xs)) / 2
    for child in children:
        if child.tag == "text":
            child.set("text-anchor", "middle")
            child.set("x", f"{middle:.2f}")


def _titles(plan: Picture) -> dict[str, str]:
    """Say what a pointer resting on a node or an arrow shows, by the ids given in `_source`."""
    dag = plan.dag
    known = {variable.name: variable for variable in plan.variables}
    full = [shown(name, 1_000)[1:-1] for name in dag.names]
    titles = {}
    for number, name in enumerate(dag.names):
        reason = known[name].reason if name in known else ""
        titles[f"n{number}"] = f"{full[number]}: {reason}" if reason else full[number]
    pairs = [(pair, "->") for pair in dag.edges] + [(pair, "<->") for pair in dag.arcs]
    for number, ((one, other), arrow) in enumerate(pairs):
        ends = full[dag.number(one)], full[dag.number(other)]
        titles[f"e{number}"] = f"{ends[0]} {arrow} {ends[1]}"
    return titles

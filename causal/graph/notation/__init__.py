"""Text to `Dag`: one language per file, told apart by what the text says, not by a file's suffix.

========= ============================================== ==========================================
language  is text that                                   module
========= ============================================== ==========================================
JSON      begins with a brace and a key, ``{"nodes":``   `causal.graph.notation.records`
GraphML   begins as XML does, ``<graphml``               `causal.graph.notation.graphml`
GML       begins with ``graph [`` and a key              `causal.graph.notation.gml`
table     begins with a row like ``from,to``, or has     `causal.graph.notation.edges`
          two names and a comma in each of its lines
DAGitty   begins with ``dag {`` or ``dag name {``        `causal.graph.notation.dagitty`
DOT       begins with ``digraph {``                      `causal.graph.notation.dot`
lavaan    has a ``~`` and no arrow, ``y ~ x + z``        `causal.graph.notation.lavaan`
arrows    is anything else, ``x <- z -> y``              `causal.graph.notation.arrows`
networkx  (is no text but a ``networkx.DiGraph``)        `causal.graph.notation.exchange`
========= ============================================== ==========================================

Case does not matter in a header. ``graph``, ``pdag``, ``mag`` and ``pag`` head graphs that are not
DAGs and are refused by name, and so is the headless two-part text of DAGitty's first versions.
`mermaid` and `tikz` write pictures for pages, which are not read back.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

from causal.errors import GraphError, NotationError, shown
from causal.graph.notation import arrows, dagitty, dot
from causal.graph.notation.scanner import BLANK, Source, is_word, scan, unquoted

if TYPE_CHECKING:
    import networkx

    from causal.graph.dag import Dag

__all__ = ["WRITERS", "load", "read", "read_file", "write"]

# The suffix of a file says in which notation to write it; the module, by its name.
WRITERS = {
    "dag": "dagitty",
    "dagitty": "dagitty",
    "txt": "arrows",
    "lav": "lavaan",
    "lavaan": "lavaan",
    "csv": "edges",
    "json": "records",
    "gml": "gml",
    "graphml": "graphml",
    "mmd": "mermaid",
    "tex": "tikz",
}

_NOT_DAGS = {
    "graph": "A 'graph' has edges without direction",
    "pdag": "A 'pdag' leaves the direction of some edges open",
    "mag": "A 'mag' stands for many DAGs",
    "pag": "A 'pag' stands for many DAGs",
}
_HEADERS = {"dag", "digraph", *_NOT_DAGS}
# Whether there is such a header; what exactly it says is for `_header` to find out.
_HEADED = re.compile(
    rf"{BLANK}(?:strict{BLANK})?(?:dag|digraph|graph|pdag|mag|pag)\b{BLANK}"
    rf'(?:[^\s{{"]++|"(?:[^"\\]++|\\[\s\S])*+")?+{BLANK}\{{',
    re.IGNORECASE,
)
_HOLDS_A_DAG = re.compile(r"->|<-|\{|\s=?~~?\s")
_FILE_NAME = re.compile(
    r"\s*[\w.-]+\.(?:dag|dagitty|dot|gv|txt|lav|lavaan|csv|json|gml|graphml)\s*"
)
# A variable of DAGitty's first notation, "age 1 @0.3,-0.2" or "x E @1,1", on a line of its own.
_LEGACY_PLACED = re.compile(
    r"^\S.*[ \t][0-9EOAU]+[ \t]+@-?[0-9.]+,-?[0-9.]+[ \t]*\r?$", re.MULTILINE
)
_LEGACY_PLAIN = re.compile(r"\s*(?:\S+[ \t]+[01EOAU][ \t]*\r?\n)+[ \t]*\r?\n\s*\S+[ \t]+\S")
_GLANCE = 10_000  # characters
_LARGEST = 256 * 2**20  # bytes; beyond this, something else was meant


def read(source: str | networkx.DiGraph[Any]) -> Dag:
    """Read a DAG from text in any notation, or from a networkx graph.

    Raises
    ------
    NotationError
        The text cannot be read; the message shows the line and marks the spot.
    CycleError
        The arrows go round.
    GraphError
        The networkx graph is no DAG, or *source* is neither.
    """
    if isinstance(source, str):
        return _read_text(source)
    from causal.graph.notation.exchange import from_networkx, is_networkx

    if is_networkx(source):
        return from_networkx(source)
    raise GraphError(
        f"Cannot read a DAG from a {type(source).__name__}. Give DAGitty, DOT or arrow text "
        '("x <- z -> y"), or a networkx.DiGraph.'
    )


def write(dag: Dag, suffix: str) -> str:
    """Write *dag* in the notation of files that end in *suffix*, one of `WRITERS`.

    Raises
    ------
    GraphError
        That notation cannot spell a name.
    """
    text: str = import_module(f"causal.graph.notation.{WRITERS[suffix]}").write(dag)
    return text


def read_file(path: str | os.PathLike[str]) -> Dag:
    """Read a DAG from a text file (UTF-8, with or without a byte-order mark).

    Raises
    ------
    GraphError
        There is no such file, or it is not text; otherwise as `read`.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as stream:  # noqa: PTH123 - Path("") would be the current folder
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        raise GraphError(f"There is no file {shown(name)}.{_near(name)}") from None
    except IsADirectoryError:
        raise GraphError(
            f"{shown(name)} is a folder. Name a file in it that holds a DAG."
        ) from None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise GraphError(f"Cannot read {shown(name)}: {reason}.") from None
    return _read_text(_decoded(data, name), name)


def load(source: str, stdin: BinaryIO | None = None) -> Dag:
    """Read a DAG from what a user gave on the command line.

    ``-`` is the standard input (*stdin*, for tests); a name of an existing file is that file; a
    text that holds an arrow, a brace or a lone ``~`` is the DAG itself; anything else is a file
    that is missing.

    Raises
    ------
    GraphError
        As `read` and `read_file`.
    """
    if source == "-":
        stream = sys.stdin.buffer if stdin is None else stdin
        return _read_text(_decoded(stream.read(_LARGEST + 1), "standard input"), "standard input")
    # Path.exists would raise where a text is too long for a name.
    is_file = os.path.exists(source)  # noqa: PTH110
    if is_file or not _HOLDS_A_DAG.search(source):
        return read_file(source)
    return _read_text(source)


def _read_text(text: str, file: str | None = None) -> Dag:
    """Read *text*, which came from *file*."""
    where = "The text" if file is None else shown(file)
    if not text.strip().strip("\ufeff"):
        raise NotationError(f'{where} is empty. Draw the DAG, for example: "x <- z -> y; x -> y"')
    with _no_collection():
        return _told_apart(text, file, where)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for garbage: a reader makes a million small things and none.

    On a large file that search is an eighth of the time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _told_apart(text: str, file: str | None, where: str) -> Dag:
    text = text.removeprefix("\ufeff")  # the byte-order mark that Windows editors write
    language = _language(text)
    if language is not None:
        dag: Dag = language.read(text, file)
        return dag
    source = scan(text, file)
    header = _header(source)
    if header is None:
        return _read_arrows(source, where)
    kind, title, start = header
    if kind in _NOT_DAGS:
        raise source.error(
            1 if source.tokens[0].casefold() == "strict" else 0,
            f"{_NOT_DAGS[kind]}; this program reads DAGs only.",
            "Give every edge a direction and begin with 'dag {'.",
        )
    if kind == "dag":
        return dagitty.read(source, start, title)
    return dot.read(source, start, title)


def _language(text: str) -> ModuleType | None:
    """The module of the language of *text*; None if it is one of those that share our tokens.

    Each module knows its own language. It is imported, which takes longer than looking, only where
    a glance says that the text may be in it.
    """
    beginning = text.lstrip()[:_GLANCE]
    line = beginning.partition("\n")[0].partition("\r")[0].casefold()
    parted = any(sign in line for sign in ",;\t")
    glances = {
        "records": beginning[:1] == "{" and beginning[1:].lstrip()[:1] == '"',
        "graphml": beginning[:1] == "<" and beginning[1:2] not in {"-", ""},
        "gml": "graph" in beginning and "[" in beginning and not beginning.startswith("digraph"),
        "edges": parted
        and any(word in line for word in ("from", "source", "cause", "parent", "v")),
    }
    for name, likely in glances.items():
        if likely and (module := import_module(f"{__name__}.{name}")).begins(text):
            return module
    if _HEADED.match(text):
        return None
    if "~" in text and (module := import_module(f"{__name__}.lavaan")).is_lavaan(text):
        return module
    if "," in line and (module := import_module(f"{__name__}.edges")).has_two_columns(text):
        return module
    return None


def _header(source: Source) -> tuple[str, str, int] | None:
    """The kind of graph, its title, and the number of the token behind the header's brace."""
    head = source.tokens[:4]
    skip = 1 if head[0].casefold() == "strict" else 0
    word, name, brace = [*head[skip:], "", "", ""][:3]
    kind = word.casefold()
    if kind not in _HEADERS:
        return None
    if name == "{":
        return kind, "", skip + 2
    if brace == "{" and (is_word(name) or name.startswith('"')):
        return kind, name if is_word(name) else unquoted(name), skip + 3
    return None


def _read_arrows(source: Source, where: str) -> Dag:
    text = source.text
    if not source.tokens[0]:
        raise NotationError(f"{where} holds comments only. Draw the DAG below them: x <- z -> y")
    if not _HOLDS_A_DAG.search(text):
        # That notation writes a quote as %22; where there are quotes, names may look like it.
        if '"' not in text and (_LEGACY_PLACED.search(text) or _LEGACY_PLAIN.match(text)):
            raise NotationError(
                f"{where} is written in the notation of DAGitty's first versions, which cannot "
                "be read. Open it in DAGitty and copy the model code: it begins with 'dag {'."
            )
        if source.file is None and _FILE_NAME.fullmatch(text):
            raise NotationError(
                f"{shown(text.strip())} looks like the name of a file, but a DAG is expected. "
                "Read the file first; a variable of this name goes in double quotes."
            )
    return arrows.read(source)


def _decoded(data: bytes, name: str) -> str:
    where = shown(name)
    if len(data) > _LARGEST:
        raise GraphError(f"{where} is larger than {_LARGEST // 2**20} MB: no DAG is.")
    if b"\0" in data:
        hint = "16-bit text" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "a binary file"
        raise GraphError(f"{where} is {hint}, not a DAG. Give a text file in UTF-8.")
    try:
        return data.decode("utf-8")  # a byte-order mark is cut off later: it counts as bytes here
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise GraphError(
            f"{where} is not UTF-8 text: byte {error.start + 1} (line {line}) is "
            f"0x{data[error.start]:02x}. Save it as UTF-8."
        ) from None


def _near(name: str) -> str:
    """A sentence naming the file of the same folder that was probably meant, or how to go on."""
    from difflib import get_close_matches

    path = Path(name)
    try:
        files = [entry.name for entry in os.scandir(path.parent) if not entry.is_dir()][:5_000]
    except OSError:
        return f" There is no folder {shown(str(path.parent))} either."
    near = get_close_matches(path.name[:200], files, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {shown(str(path.with_name(near[0])))}?"
    return ' A DAG given as text needs an arrow: "x <- z -> y".'

r"""GraphML, the XML that yEd, Gephi, igraph and networkx exchange.

::

    <graphml xmlns="http://graphml.graphdrawing.org/xmlns">
      <key id="d0" for="node" attr.name="label" attr.type="string"/>
      <graph edgedefault="directed">
        <node id="n0"><data key="d0">x</data></node>
        <node id="n1"><data key="d0">y</data></node>
        <edge source="n0" target="n1"/>
      </graph>
    </graphml>

What the attributes mean for a DAG is in `properties`; where a node has no attribute ``label``, the
text that yEd draws in it is one. Graphs and edges without direction are refused, and so are
document types and with them entities, before anything is parsed: XML expands those, and a page of
text may stand for gigabytes.

References
----------
.. [1] U. Brandes et al., "GraphML progress report", Graph Drawing 2001.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from causal.errors import GraphError, NotationError, shown
from causal.graph.dag import Dag
from causal.graph.notation import properties
from causal.graph.notation.scanner import error_at
from causal.graph.notation.statements import MOST_EDGES

__all__ = ["begins", "read", "write"]

_BEGINS = re.compile(r"\s*+<[?!A-Za-z]")
_DOCTYPE = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {ord(sign): f"&#{ord(sign)};" for sign in "&<>\"'\t\n\r"}
_WRITE_DIRECTED = 'Write edgedefault="directed", with edges that point from cause to effect.'


def begins(text: str) -> bool:
    """Whether *text* begins as XML does, which is no beginning in any other notation."""
    return _BEGINS.match(text) is not None


def read(text: str, file: str | None) -> Dag:
    """Read a graph in GraphML; see `causal.graph.notation.read` for what it raises."""
    found = _DOCTYPE.search(text)
    if found:
        raise error_at(
            text,
            file,
            found.start(),
            "XML with a document type or entities is not read.",
            "Remove the part that begins with '<!DOCTYPE'; GraphML needs none.",
        )
    found = _NOT_IN_XML.search(text)
    if found:
        raise error_at(text, file, found.start(), "XML cannot hold this character.")
    return properties.read(_Reader(text, file).run(), "GraphML graph")


def write(dag: Dag) -> str:
    """Write *dag* in GraphML.

    All is kept but a variable's attribute ``label``, whose place the name takes.

    Raises
    ------
    GraphError
        A name or another text holds a character that XML cannot.
    """
    held = properties.write(dag)
    number = {key: f"n{i}" for i, key in enumerate(held.nodes)}
    keys: dict[tuple[str, str, str], str] = {}

    def element(kind: str, begin: str, values: Mapping[str, Any]) -> list[str]:
        lines = []
        for name, value in values.items():
            form = "boolean" if isinstance(value, bool) else "string"
            key = keys.setdefault((kind, name, form), f"d{len(keys)}")
            text = str(value).lower() if isinstance(value, bool) else _escaped(value)
            lines.append(f'      <data key="{key}">{text}</data>')
        return [f"    <{begin}>", *lines, f"    </{kind}>"] if lines else [f"    <{begin}/>"]

    whole = element("graph", "", properties.in_text(held.attributes))
    body = ['  <graph edgedefault="directed">', *whole[1:-1]]
    for name, values in held.nodes.items():
        labelled = {"label": name, **_unlabelled(values)}
        body += element("node", f'node id="{number[name]}"', labelled)
    for tail, head, values in held.edges:
        begin = f'edge source="{number[tail]}" target="{number[head]}"'
        body += element("edge", begin, properties.in_text(values))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
    ]
    for (kind, name, form), key in keys.items():
        lines.append(
            f'  <key id="{key}" for="{kind}" attr.name="{_escaped(name)}" attr.type="{form}"/>'
        )
    return "\n".join([*lines, *body, "  </graph>", "</graphml>", ""])


def _unlabelled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.in_text(values).items() if key != "label"}


def _escaped(text: str) -> str:
    if found := _NOT_IN_XML.search(text):
        raise GraphError(
            f"GraphML cannot hold {shown(text, 60)}: XML has no character "
            f"U+{ord(found[0]):04X}. Rename it, or write another notation."
        )
    return text.translate(_ESCAPES)


class _Reader:
    """What the XML parser tells, element by element; nothing of the tree is kept."""

    def __init__(self, text: str, file: str | None) -> None:
        from xml.parsers.expat import ParserCreate

        self.text, self.file = text, file
        self.skipped = len(text) - len(text.lstrip())  # XML itself takes no blanks in front
        self.data = text[self.skipped :].encode()
        # The text is Unicode already: what its first line says of an encoding is history.
        self.parser = ParserCreate("utf-8", namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = lambda tag: self.end()
        self.parser.CharacterDataHandler = self.characters
        self.names: dict[str, tuple[str, str]] = {}  # key -> name and type of attribute
        self.defaults: dict[str, tuple[str, str]] = {}  # key -> what it is for, and its text
        self.open: list[tuple[str, dict[str, Any] | None]] = []  # elements, and what they describe
        self.key = self.kind = ""
        self.words: list[str] | None = None  # of the text that is being read
        self.nodes: dict[str, dict[str, Any]] = {}
        self.edges: list[tuple[str, str, dict[str, Any], int]] = []
        self.attributes: dict[str, Any] = {}
        self.graphs = 0

    def run(self) -> properties.PropertyGraph:
        from xml.parsers.expat import ExpatError, errors

        try:
            self.parser.Parse(self.data, True)
        except ExpatError as failure:
            reason = errors.messages.get(failure.code, "it is not well-formed")
            spot = self.spot(self.parser.ErrorByteIndex)
            raise self.error(f"this is no XML: {reason}.", spot=spot) from None
        for tail, head, _, at in self.edges:
            for end in (tail, head):
                if end not in self.nodes:
                    raise self.error(
                        f"this edge ends at the node {shown(end, 30)}, which there is not.",
                        spot=self.spot(at),
                    )
        self.set_defaults()
        edges = [(tail, head, values) for tail, head, values, _ in self.edges]
        return properties.PropertyGraph(self.nodes, edges, self.attributes)

    def set_defaults(self) -> None:
        if len(self.defaults) * (len(self.nodes) + len(self.edges)) > MOST_EDGES:
            raise self.error("the defaults of this graph stand for too many attributes.", spot=0)
        for key, (kind, text) in self.defaults.items():
            name, form = self.names[key]
            value = _typed(text, form)
            if kind in {"node", "all"}:
                for values in self.nodes.values():
                    values.setdefault(name, value)
            if kind in {"edge", "all"}:
                for _, _, values, _ in self.edges:
                    values.setdefault(name, value)

    def spot(self, byte: int) -> int:
        return self.skipped + len(self.data[:byte].decode(errors="ignore"))

    def error(self, problem: str, advice: str = "", *, spot: int | None = None) -> NotationError:
        if spot is None:
            spot = self.spot(self.parser.CurrentByteIndex)
        return error_at(self.text, self.file, spot, problem, advice)

    def start(self, tag: str, given: dict[str, str]) -> None:
        element = tag.rpartition(" ")[2]
        if not self.open and element != "graphml":
            raise self.error(f"this is XML, but not GraphML: it begins with {shown(tag, 60)}.")
        described = self.open[-1][1] if self.open else None
        match element:
            case "key":
                self.key = given.get("id", "")
                self.kind = given.get("for", "all")
                if name := given.get("attr.name"):  # an editor's own data have none
                    self.names[self.key] = (name, given.get("attr.type", "string"))
            case "default":
                self.words = []
            case "graph":
                self.graphs += 1
                if self.graphs > 1 and described is None:
                    raise self.error("a text holds one graph.")
                if given.get("edgedefault") != "directed":
                    raise properties.undirected("GraphML graph", _WRITE_DIRECTED)
                described = self.attributes if self.graphs == 1 else {}
            case "node":
                described = self.node(given)
            case "edge":
                described = self.edge(given)
            case "hyperedge":
                raise self.error("an edge between many nodes has no meaning in a DAG.")
            case "data":
                self.key = given.get("key", "")
                self.words = []
            case "NodeLabel" if described is not None and "label" not in described:
                self.words = []
        self.open.append((element, described))

    def node(self, given: dict[str, str]) -> dict[str, Any]:
        one = given.get("id")
        if one is None:
            raise self.error("this node has no id.", 'Write: <node id="x"/>')
        if one in self.nodes:
            raise self.error(f"a second node has the id {shown(one, 30)}.")
        described = self.nodes[one] = {}
        return described

    def edge(self, given: dict[str, str]) -> dict[str, Any]:
        if given.get("directed", "true") not in {"true", "1"}:
            raise self.error("this edge has no direction, and a DAG needs one.")
        tail, head = given.get("source"), given.get("target")
        if tail is None or head is None:
            raise self.error("this edge lacks an end.", 'Write: <edge source="x" target="y"/>')
        described: dict[str, Any] = {}
        self.edges.append((tail, head, described, self.parser.CurrentByteIndex))
        return described

    def end(self) -> None:
        element, described = self.open.pop()
        if self.words is None or element not in {"data", "default", "NodeLabel"}:
            return
        text, self.words = "".join(self.words), None
        if element == "default":
            if self.key in self.names:
                self.defaults[self.key] = (self.kind, text)
        elif described is not None and element == "NodeLabel":
            described["label"] = text.strip()
        elif described is not None and self.key in self.names:
            name, form = self.names[self.key]
            described[name] = _typed(text, form)

    def characters(self, text: str) -> None:
        if self.words is not None:
            self.words.append(text)


def _typed(text: str, form: str) -> str | bool:
    """*text* of an attribute of type *form*; only for what is either there or not it matters."""
    if form == "boolean":
        return text.strip().casefold() in {"true", "1"}
    return text

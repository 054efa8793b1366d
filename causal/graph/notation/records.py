"""JSON: a record of the drawing with nothing lost, and networkx's node-link records.

::

    {
     "title": "smoking",                          left out where there is none, like all below
     "box": [0.0, 0.0, 1.0, 1.0],                 left, top, right, bottom
     "attributes": {"author": "me"},              of the drawing: texts
     "nodes": [
      {"name": "x", "marks": ["exposure"], "position": [0.5, 1.0], "attributes": {"unit": "kg"}},
      {"name": "y"}
     ],
     "edges": [
      {"from": "x", "to": "y", "type": "->", "bend": [0.2, 0.3], "attributes": {"beta": ".5"}},
      {"from": "x", "to": "y", "type": "<->"}
     ]
    }

``nodes`` and ``edges`` are always there; a node needs a ``name``, an edge ``from`` and ``to``, and
its ``type`` is ``->`` where it is left out. The marks are exposure, outcome, latent, adjusted and
selected. Variables and edges come in sorted order, one a line. Another key is an error, so that no
slip is passed over.

Node-link records have ``id`` in their nodes and ``source`` and ``target`` in their ``edges`` (or
``links``); what the attributes mean is in `properties`. One that says ``"directed": false`` is
refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from causal.errors import NotationError, did_you_mean, shown
from causal.graph.dag import Dag, Link
from causal.graph.notation import properties
from causal.graph.notation.scanner import error_at
from causal.graph.notation.statements import MARKS, marks_of

__all__ = ["begins", "read", "write"]

# Nothing but JSON begins with a brace and a key in quotes.
_BEGINS = re.compile(r'\s*+\{\s*+"(?:[^"\\]++|\\[\s\S])*+"\s*+:')
_HALF = re.compile("[\ud800-\udfff]")  # halves of a character, which no file can hold
_LONG = {mark: field for mark, field in MARKS.items() if len(mark) > 1}


def begins(text: str) -> bool:
    """Whether *text* begins with a brace and a key."""
    return _BEGINS.match(text) is not None


def read(text: str, file: str | None) -> Dag:
    """Read a record; see `causal.graph.notation.read` for what it raises."""
    try:
        record = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as failure:
        reason = failure.msg[0].lower() + failure.msg[1:]
        raise error_at(text, file, failure.pos, f"this is no JSON: {reason}.") from None
    except RecursionError:
        raise error_at(text, file, 0, "this JSON nests too deep.") from None
    except ValueError as failure:
        raise error_at(text, file, 0, f"this JSON cannot be read: {failure}.") from None
    where = "The record" if file is None else shown(file)
    reader = _Reader(where)
    whole = reader.record(record, "it")
    nodes = reader.records(whole, "nodes")
    if "links" in whole or "directed" in whole or any("id" in node for node in nodes):
        return reader.linked(whole, nodes)
    return reader.drawing(whole, nodes)


def write(dag: Dag) -> str:
    """Write *dag* as a JSON object, with nothing lost."""
    marks = marks_of(dag)
    nodes = [
        {
            "name": name,
            "marks": marks.get(name),
            "position": dag.positions.get(name),
            "attributes": _texts(dag, name),
        }
        for name in dag.names
    ]
    links = [*((a, "->", b) for a, b in dag.edges), *((a, "<->", b) for a, b in dag.arcs)]
    edges = [
        {
            "from": link[0],
            "to": link[2],
            "type": link[1],
            "bend": dag.bends.get(link),
            "attributes": _texts(dag, link),
        }
        for link in links
    ]
    whole = {"title": dag.title, "box": dag.box, "attributes": _texts(dag, "")}
    parts = [f' "{key}": {_dumped(value)}' for key, value in whole.items() if value]
    for key, records in (("nodes", nodes), ("edges", edges)):
        lines = [f"  {_dumped(_without_blanks(record))}" for record in records]
        parts.append(f' "{key}": [' + ("\n" + ",\n".join(lines) + "\n " if lines else "") + "]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _texts(dag: Dag, subject: str | Link) -> dict[str, str]:
    return dict(dag.attributes.get(subject, {}))


def _without_blanks(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value}


def _dumped(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _HALF.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


class _Reader:
    """What the parts of a record mean; messages say which part is wrong."""

    def __init__(self, where: str) -> None:
        self.where = where

    def error(self, problem: str, advice: str = "") -> NotationError:
        return NotationError(
            f"{self.where} is JSON, but {problem}." + (f" {advice}" if advice else "")
        )

    def record(self, value: object, what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.error(f"{what} is not an object in braces")
        return value

    def records(self, whole: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        """The objects in the list *key* of the whole."""
        values = whole.get(key)
        if not isinstance(values, list):
            raise self.error(
                f"it has no list {shown(key)}",
                'A DAG is {"nodes": [{"name": "x"}, {"name": "y"}], '
                '"edges": [{"from": "x", "to": "y"}]}',
            )
        return [self.record(value, f"{key}[{i}]") for i, value in enumerate(values)]

    def text(self, record: Mapping[str, Any], key: str, what: str) -> str:
        value = record.get(key)
        if not isinstance(value, str):
            raise self.error(f"{what} has no text {shown(key)}")
        return value

    def only(self, record: Mapping[str, Any], known: Iterable[str], what: str) -> None:
        for key in record:
            if key not in known:
                raise self.error(
                    f"{what} has a key {shown(key, 40)}, which means nothing here",
                    f"Texts of your own go into its 'attributes'.{did_you_mean(key, known)}",
                )

    def texts(self, record: Mapping[str, Any], what: str) -> dict[str, str]:
        texts = self.record(record.get("attributes", {}), f"'attributes' of {what}")
        for key in texts:
            self.text(texts, key, f"'attributes' of {what}")
        return texts

    def drawing(self, whole: Mapping[str, Any], nodes: list[dict[str, Any]]) -> Dag:
        """The DAG that a record of ours is."""
        self.only(whole, ["title", "box", "attributes", "nodes", "edges"], "it")
        marks: dict[str, set[str]] = {field: set() for field in _LONG.values()}
        attributes: dict[str | Link, dict[str, str]] = {"": self.texts(whole, "the whole")}
        positions: dict[str, Any] = {}
        bends: dict[Link, Any] = {}
        names = []
        for i, node in enumerate(nodes):
            what = f"nodes[{i}]"
            self.only(node, ["name", "marks", "position", "attributes"], what)
            name = self.text(node, "name", what)
            names.append(name)
            given = node.get("marks", [])
            for mark in given if isinstance(given, list) else [given]:
                if not (isinstance(mark, str) and mark in _LONG):
                    known = "exposure, outcome, latent, adjusted or selected"
                    raise self.error(f"'marks' of {what} is not a list of {known}")
                marks[_LONG[mark]].add(name)
            if "position" in node:
                positions[name] = node["position"]
            if name:
                attributes.setdefault(name, {}).update(self.texts(node, what))
        edges: dict[str, list[tuple[str, str]]] = {"->": [], "<->": []}
        for i, edge in enumerate(self.records(whole, "edges")):
            what = f"edges[{i}]"
            self.only(edge, ["from", "to", "type", "bend", "attributes"], what)
            a, b = self.text(edge, "from", what), self.text(edge, "to", what)
            kind = edge.get("type", "->")
            if not (isinstance(kind, str) and kind in edges):
                raise self.error(f"'type' of {what} is neither '->' nor '<->'")
            edges[kind].append((a, b))
            link = (a, kind, b)
            if "bend" in edge:
                bends[link] = edge["bend"]
            if texts := self.texts(edge, what):
                attributes.setdefault(link, {}).update(texts)
        title = whole.get("title", "")
        if not isinstance(title, str):
            raise self.error("'title' is not a text")
        return Dag(
            nodes=names,
            edges=edges["->"],
            arcs=edges["<->"],
            positions=positions,
            bends=bends,
            box=whole.get("box"),
            title=title,
            attributes={one: texts for one, texts in attributes.items() if texts},
            exposures=marks["exposures"],
            outcomes=marks["outcomes"],
            latent=marks["latent"],
            adjusted=marks["adjusted"],
            selected=marks["selected"],
        )

    def linked(self, whole: Mapping[str, Any], nodes: list[dict[str, Any]]) -> Dag:
        """The DAG that node-link records are."""
        if whole.get("directed", True) is not True:
            raise properties.undirected(
                "JSON graph",
                'Give one with "directed": true, whose edges point from cause to effect.',
            )
        held: dict[str, Mapping[str, Any]] = {}
        for i, node in enumerate(nodes):
            one = self.key(node.get("id"), f"nodes[{i}]", "id")
            if one in held:
                raise self.error(f"two of its nodes have the id {shown(one, 30)}")
            held[one] = {key: value for key, value in node.items() if key != "id"}
        edges = []
        place = "links" if "links" in whole else "edges"
        for i, edge in enumerate(self.records(whole, place)):
            ends = [self.key(edge.get(end), f"{place}[{i}]", end) for end in ("source", "target")]
            for end in ends:
                if end not in held:
                    raise self.error(
                        f"{place}[{i}] ends at {shown(end, 30)}, which is no node's id"
                    )
            rest = {
                key: value for key, value in edge.items() if key not in ("source", "target", "key")
            }
            edges.append((ends[0], ends[1], rest))
        attributes = self.record(whole.get("graph", {}), "'graph'")
        graph = properties.PropertyGraph(held, edges, attributes)
        return properties.read(graph, "JSON graph", labelled=False)

    def key(self, value: object, what: str, key: str) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.error(f"{what} has no {shown(key)} that is a text or a number")
        return str(value)

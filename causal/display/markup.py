"""HTML put together from values, so that nothing put into it can break out of it.

A template engine would earn its keep on a site; here is one page of a dozen sections, made of
tables whose rows are computed. Written as a template it would be a second program in a second
language, with jinja2 and markupsafe to install for it. In Python the two things that matter hold
by construction, in fewer lines than the templates would take: *every text is escaped* unless it is
`Html` already, and *every element that is opened is closed*.

>>> print(tag("p", "a < b", tag("b", "!"), class_="x"))
<p class="x">a &lt; b<b>!</b></p>
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Content", "Html", "Line", "escape", "facts", "joined", "table", "tag"]


@dataclass(frozen=True, slots=True)
class Html:
    """Text that is HTML already; only this module and makers of SVG say so."""

    text: str

    def __str__(self) -> str:
        return self.text


Content = str | Html | None

_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;"}
)
_VOID = frozenset({"br", "col", "meta"})


def escape(text: str) -> str:
    r"""*text* for a page: as content of an element or, in double quotes, of an attribute.

    What no page may hold, or what would rearrange it (control characters, lone surrogates, marks
    of writing direction), is written as an escape; line ends stay.

    >>> print(escape("<b>" + chr(0) + chr(10) + "</b>"))
    &lt;b&gt;\x00
    &lt;/b&gt;
    """
    if not text.isprintable():
        text = "".join(
            c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
        )
    return text.translate(_ENTITIES)


def tag(name: str, /, *content: Content, **attributes: str | None) -> Html:
    """Make one element; ``class_`` is ``class``, ``data_label`` is ``data-label``.

    An attribute that is None is left out; one that is empty stands without a value.
    """
    words = [name]
    for key, value in attributes.items():
        if value is not None:
            word = key.rstrip("_").replace("_", "-")
            words.append(f'{word}="{escape(value)}"' if value else word)
    head = f"<{' '.join(words)}>"
    return Html(head if name in _VOID else f"{head}{joined(content)}</{name}>")


def joined(parts: Iterable[Content], between: str = "") -> Html:
    """Put parts one after the other, with a text *between*."""
    texts = [part.text if isinstance(part, Html) else escape(part) for part in parts if part]
    return Html(escape(between).join(texts))


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: its cells, the first of which heads it, and the class of the row."""

    cells: tuple[Content, ...]
    class_: str | None = None


def table(columns: Sequence[str], lines: Sequence[Line], caption: Content = None) -> Html:
    """Make a table; the name of a column of numbers begins with ``>``.

    Every cell also bears its column's name, which a narrow screen shows in place of the head.
    """
    names = [name.removeprefix(">") for name in columns]
    kinds = ["number" if name.startswith(">") else None for name in columns]
    head = [
        tag("th", name, scope="col", class_=kind) for name, kind in zip(names, kinds, strict=True)
    ]
    body = []
    for line in lines:
        first, *others = line.cells
        cells = [tag("th", first, scope="row")]
        for cell, name, kind in zip(others, names[1:], kinds[1:], strict=True):
            cells.append(tag("td", cell, class_=kind, data_label=name))
        body.append(tag("tr", *cells, class_=line.class_))
    made = tag(
        "table",
        tag("caption", caption) if caption else None,
        tag("thead", tag("tr", *head)),
        tag("tbody", *body),
    )
    return tag("div", made, class_="table", tabindex="0")


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Make a list of labelled facts."""
    parts = [part for label, fact in pairs for part in (tag("dt", label), tag("dd", fact))]
    return tag("dl", *parts, class_="facts")

"""HTML that cannot be broken by what is put into it."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from causal.display.markup import Html, Line, escape, facts, joined, table, tag
from tests.strategies import names


class Events(HTMLParser):
    """What a browser makes of a text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.found = []
        self.feed(text)
        self.close()

    def handle_starttag(self, name, attributes):
        self.found.append((name, *attributes))

    def handle_endtag(self, name):
        self.found.append(f"/{name}")


@given(names(), names())
def test_a_name_as_content_or_attribute_never_becomes_markup(content, attribute):
    text = str(tag("p", content, title=attribute or "-"))
    shown = unescape(escape(attribute or "-"))
    assert Events(text).found == [("p", ("title", shown)), "/p"]


@given(names() | st.text())
def test_what_can_be_printed_comes_back_as_it_was_and_all_else_as_an_escape(name):
    back = unescape(escape(name))
    if name.isprintable():
        assert back == name
    assert all(c.isprintable() or c == "\n" for c in back)
    escape(name).encode()


def test_parts_are_escaped_unless_they_are_html():
    assert str(joined(["<", Html("<br>"), None, ""], "&")) == "&lt;&amp;<br>"
    assert str(tag("br")) == "<br>"
    assert str(tag("details", "x", open="", id=None)) == "<details open>x</details>"


def test_the_cells_of_a_table_name_their_columns():
    made = str(table(["a", ">b"], [Line(("<", "1"), "grey")], "c"))
    assert '<caption>c</caption><thead><tr><th scope="col">a</th>' in made
    assert '<th scope="col" class="number">b</th>' in made
    assert (
        '<tr class="grey"><th scope="row">&lt;</th>'
        '<td class="number" data-label="b">1</td></tr>' in made
    )


def test_facts_are_pairs():
    assert str(facts([("a", "b")])) == '<dl class="facts"><dt>a</dt><dd>b</dd></dl>'

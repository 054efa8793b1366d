"""Text to tokens, and the mark under the spot where it cannot be read.

The three notations are one family and share one set of tokens: names, quoted names, edges and
punctuation. One compiled expression cuts the whole text, so that reading is linear and mostly
happens inside the regular-expression engine; its parts are possessive (they never give back what
they matched), and whatever is opened and never closed swallows the rest of the text, so no input
can make it look at the same character again and again.

Tokens are kept as plain strings. Where a token stands in the text is only asked when something is
wrong with it; then the text is cut once more, up to that token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from unicodedata import category, east_asian_width

from causal.errors import NotationError, shown

__all__ = ["ARROWS", "BLANK", "Source", "error_at", "is_word", "quoted", "scan", "unquoted"]

ARROWS = frozenset({"->", "<-", "<->"})

# What a name without quotes may hold: letters, digits, "_", "." and whatever is not ASCII, but for
# blanks, controls, dashes, typographic quotes and arrows: those are slips that must not pass as
# part of a name (``x → y`` is not a variable called "x→y").
_NOT_IN_WORDS = (
    r"\s\x00-\x2d\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa0\xab\xbb"
    r"\u200b-\u203e\u2041-\u2053\u2055-\u206f\u2190-\u21ff\u2212\u27f0-\u27ff\u2900-\u297f"
    r"\ud800-\udfff\ufeff"
)
_WORD = rf"[^{_NOT_IN_WORDS}]++"
# A minus sign may begin a number, but only where a name can begin: in "covid-19" it is a slip.
_NUMBER = rf"(?<![^\s>{{,;=\[:])-(?=\.?[0-9]){_WORD}"
_STRING = r'"(?:[^"\\]++|\\[\s\S])*+"'
BLANK = r"(?:\s++|#[^\r\n]*+|//[^\r\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+"
_TOKENS = re.compile(
    rf"{BLANK}("
    rf"{_WORD}|{_NUMBER}"
    rf"|{_STRING}(?:\s*+\+\s*+{_STRING})*+"  # "a" + "b" is one string
    r"|[<@]?-+[>@]?"  # edges, the foreign ones among them
    r"|=\s*+<(?:[^<>]++|<[^<>]*+>)*+>"  # the HTML-like value of a DOT attribute
    r'|"[\s\S]*+|/\*[\s\S]*+|=\s*+<[\s\S]*+'  # never closed: the last token there is
    r"|[\s\S]|\Z)"
)
_IS_WORD = re.compile(rf"{_WORD}|-(?=\.?[0-9]){_WORD}")
_IS_STRING = re.compile(_STRING)
_ESCAPED = re.compile(r'\\(["\\]|\r\n|\r|\n)')
_TO_ESCAPE = re.compile(r'"|\\(?=["\\\r\n]|\Z)')
_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Source:
    """A text cut into tokens; the last one is empty and stands for the end of the text."""

    text: str
    tokens: list[str]
    file: str | None = None

    def error(self, index: int, problem: str, advice: str = "") -> NotationError:
        """The error that shows the line of token number *index* and marks the spot."""
        spot = next(islice(_TOKENS.finditer(self.text), index, None)).start(1)
        return error_at(self.text, self.file, spot, problem, advice)

    def found(self, index: int) -> str:
        """Token number *index* as a message names it."""
        token = self.tokens[index]
        return shown(token, 30) if token else "the end of the text"


def scan(text: str, file: str | None = None) -> Source:
    """Cut *text* into tokens.

    Raises
    ------
    NotationError
        A quote, a comment or an HTML-like value is opened and never closed.
    """
    tokens: list[str] = _TOKENS.findall(text)
    while len(tokens) > 1 and not tokens[-2]:  # blanks before the end make a second empty match
        tokens.pop()
    source = Source(text, tokens, file)
    index = max(len(tokens) - 2, 0)
    last = tokens[index]
    # Only the last token can be one that was never closed.
    if last.startswith('"') and not _IS_STRING.match(last):
        raise source.error(index, "this quote is never closed.", 'Close it with another ".')
    if last.startswith("/*"):
        raise source.error(index, "this comment is never closed.", "Close it with */.")
    if last.startswith("=") and last[1:].lstrip().startswith("<") and not last.endswith(">"):
        raise source.error(index, "the '<' after this '=' is never closed.")
    return source


def error_at(
    text: str, file: str | None, spot: int, problem: str, advice: str = ""
) -> NotationError:
    """The error that shows the line of character number *spot* and marks it."""
    if spot >= len(text):  # the end: mark the place behind the last thing written
        spot = len(text.rstrip())
    line = len(_LINE_END.findall(text, 0, spot)) + 1
    place = f"Line {line}" if file is None else f"{shown(file)}, line {line}"
    return NotationError(
        f"{place}: {problem}\n{_marked(text, spot)}" + (f"\n{advice}" if advice else "")
    )


def is_word(token: str) -> bool:
    """Whether *token* is a name that needs no quotes."""
    return _IS_WORD.fullmatch(token) is not None


def unquoted(token: str) -> str:
    r"""The text of a quoted token.

    ``\"`` and ``\\`` stand for ``"`` and ``\``, a backslash at the end of a line joins the lines,
    and before anything else a backslash is just a backslash, as in DAGitty and Graphviz.
    """
    if "\\" not in token and token.find('"', 1) == len(token) - 1:
        return token[1:-1]
    return "".join(_ESCAPED.sub(_unescaped, part[1:-1]) for part in _IS_STRING.findall(token))


def quoted(name: str) -> str:
    r"""*name* in double quotes, so that `unquoted` gives it back.

    A backslash is doubled only where it would otherwise escape what follows it: DAGitty and
    Graphviz, which know ``\"`` but not ``\\``, then read nearly every name as we do.
    """
    return '"' + _TO_ESCAPE.sub(lambda found: "\\" + found[0], name) + '"'


def _unescaped(found: re.Match[str]) -> str:
    return found[1] if found[1] in '"\\' else ""


def _marked(text: str, spot: int, before: int = 50, after: int = 30) -> str:
    """The line around *spot* as a terminal may show it, and a caret under the spot."""
    start = max(text.rfind("\n", 0, spot), text.rfind("\r", 0, spot)) + 1
    found = _LINE_END.search(text, spot)
    end = found.start() if found else len(text)
    left = text[max(start, spot - before) : spot]
    left = f"…{_safe(left)}" if spot - before > start else _safe(left.lstrip())
    right = _safe(text[spot : min(end, spot + after)]) + ("…" if spot + after < end else "")
    return f"  {left}{right}\n  {' ' * _width(left)}^"


def _safe(text: str) -> str:
    text = text.replace("\t", " ")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _width(text: str) -> int:
    """How many columns *text* takes in a terminal."""
    wide = sum(east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(category(c) in {"Mn", "Me"} for c in text)  # no column of theirs

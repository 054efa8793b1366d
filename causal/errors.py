"""Every error a user can meet.

One tree, one branch per stage of the pipeline::

    CausalError
    |-- GraphError              the drawing
    |   |-- NotationError       text that is not a DAG in any notation; marks the spot
    |   |-- CycleError          names the edges that go round
    |   `-- UnknownVariable     a name the DAG does not have; says which one is near
    |-- QuestionError           exposure, outcome and effect do not make a question
    |-- DataError               the table cannot answer
    |   `-- TooManyRows         what was asked needs all rows in memory at once
    |-- ModelError              the regression cannot be built as asked
    |-- InferenceError          the posterior cannot be had
    |-- LessonError             an experiment's file cannot be used
    |-- OutputError             a file cannot be written
    `-- MissingPart             a library or program of an extra is not installed

Every message says what, where, why and what to do; the command line prints it as it is and exits
with 2. Nothing else may reach a user: any other exception is a defect of this package.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "CausalError",
    "CycleError",
    "DataError",
    "GraphError",
    "InferenceError",
    "LessonError",
    "MissingPart",
    "ModelError",
    "NotationError",
    "OutputError",
    "QuestionError",
    "TooManyRows",
    "UnknownVariable",
    "did_you_mean",
    "shown",
]


class CausalError(Exception):
    """What a user can meet and mend; ``str()`` of it is the whole message."""


class GraphError(CausalError):
    """The drawing is not a DAG that can be used."""


class NotationError(GraphError):
    """The text cannot be read as a DAG; the message shows the line and marks the spot."""


class CycleError(GraphError):
    """The arrows go round in a circle; the message names them."""


class UnknownVariable(GraphError):
    """A name that the DAG does not have."""


class QuestionError(CausalError):
    """Exposure, outcome and effect do not make a question."""


class DataError(CausalError):
    """The table cannot be read, or cannot answer the question."""


class TooManyRows(DataError):
    """What was asked needs all rows in memory at once, and they are too many."""


class ModelError(CausalError):
    """The regression cannot be built as asked."""


class InferenceError(CausalError):
    """The posterior cannot be computed as asked."""


class LessonError(CausalError):
    """The file of an experiment cannot be loaded or performed."""


class OutputError(CausalError):
    """A file cannot be written."""


class MissingPart(CausalError):
    """A library or a program that this needs is not installed."""


def shown(text: str, limit: int = 80) -> str:
    """A name as an error message or a terminal may show it: quoted, one line, not too long.

    Names come from files of unknown origin: control characters (which could drive a terminal) are
    written as escapes, and the middle of a very long name is left out.
    """
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if len(safe) > limit:
        half = (limit - 1) // 2
        safe = f"{safe[:half]}…{safe[-half:]}"
    return f"'{safe}'"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known name or lists what there is; with a leading space."""
    from difflib import get_close_matches

    # difflib is quadratic in the length of a name and linear in their number: bound both.
    candidates = [k for k in known if len(k) <= 200][:5_000]
    near = get_close_matches(name[:200], candidates, n=1, cutoff=0.6)
    if not near:
        folded = {k.casefold().strip(): k for k in candidates}
        near = [folded[key] for key in [name.casefold().strip()] if key in folded]
    if near:
        return f" Did you mean {shown(near[0])}?"
    if not candidates:
        return ""
    listed = ", ".join(shown(k, 30) for k in candidates[:8])
    return f" There is {listed}{', …' if len(candidates) > 8 else ''}."

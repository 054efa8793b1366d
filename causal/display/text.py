"""Evidence for the terminal: what the commands print when no JSON is asked for.

Views are built from `rich` parts and never from markup strings, so that a name with brackets or
control characters in it stays a name. Colour only repeats what a word says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from causal.criteria import reasons
from causal.criteria.explanation import Explanation
from causal.criteria.question import Question
from causal.criteria.roles import Variable
from causal.criteria.verdict import Verdict
from causal.errors import shown
from causal.graph.dag import Dag

if TYPE_CHECKING:
    pass

__all__ = ["clip", "explanation_text", "explanation_view", "render", "verdict_view"]

WIDTH = 100
USE_STYLE = {"include": "bold green", "exclude": "bold red", "unavailable": "dim", "optional": ""}


def render(view: RenderableType, width: int = WIDTH) -> str:
    """A view as plain text, for `str()` and for files."""
    from io import StringIO

    console = Console(file=StringIO(), width=width, color_system=None, legacy_windows=False)
    console.print(view)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def clip(text: str, limit: int = 400) -> str:
    """*text* on one line, without control characters, not longer than *limit*."""
    return shown(text, limit)[1:-1]


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """Labelled sentences, one below the other."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, sentence in rows:
        grid.add_row(Text(label), Text(clip(sentence, 1200)))
    return grid


def table(columns: Sequence[str], *, right: Sequence[str] = ()) -> Table:
    """An empty table in the house's manner; *right* names the columns set flush right."""
    made = Table(box=None, pad_edge=True, header_style="bold", padding=(0, 1))
    for name in columns:
        made.add_column(
            name, justify="right" if name in right else "left", overflow="fold", vertical="top"
        )
    return made


def variables_table(variables: Sequence[Variable], limit: int = 60) -> RenderableType:
    """Role, use and reason of each variable."""
    made = table(["variable", "role", "use", "why"])
    made.columns[0].max_width = 24
    made.columns[1].max_width = 22
    for variable in variables[:limit]:
        made.add_row(
            Text(clip(variable.name, 60)),
            Text(variable.role),
            Text(variable.use.upper() if variable.use in ("include", "exclude") else variable.use,
                 style=USE_STYLE[variable.use]),
            Text(clip(variable.reason, 300)),
        )
    if len(variables) <= limit:
        return made
    rest = f"  … and {len(variables) - limit:,} more variables; --json lists all."
    return Group(made, Text(rest))


def drawing_line(dag: Dag, title: str | None = None) -> str:
    """The DAG on one line: in full when short, else its size."""
    arrows = dag.to_arrows().replace("\n", "; ") if len(dag.edges) + len(dag.arcs) <= 8 else ""
    if not arrows or len(arrows) > 90:
        count, lines = len(dag.names), len(dag.edges) + len(dag.arcs)
        arrows = f"{count:,} variables, {lines:,} arrow{'' if lines == 1 else 's'}"
    return f"{title}: {arrows}" if title else arrows


def question_facts(explanation: Explanation) -> list[tuple[str, str]]:
    """The answer to the question asked and, on one line, to the other one."""
    asked = explanation.asked
    other = explanation[_other(explanation.question)]
    rows = [("Question", explanation.question.text), ("Answer", asked.answer)]
    if asked.assumption:
        rows.append(("Note", asked.assumption))
    name = _other(explanation.question).capitalize()
    rows.append((f"{name} too", other.answer))
    return rows


def explanation_view(explanation: Explanation, title: str | None = None) -> Group:
    """What ``causal explain`` prints."""
    question, asked = explanation.question, explanation.asked
    parts: list[RenderableType] = [
        facts([("DAG", drawing_line(question.dag, title)), *question_facts(explanation)])
    ]
    if asked.variables:
        parts += [Text(), variables_table(asked.variables)]
    found = asked.adjustment
    if found.open_paths:
        if found:
            given = reasons.set_text(found.forced)
            head = f"Open with {given} adjusted for" if found.forced else "Open if left alone"
        else:
            head = "Open whatever is adjusted for"
        paths = [clip(path.text(question.dag), 200) for path in found.open_paths]
        lines = "\n".join(paths[:8] + ([f"… {len(paths) - 8} more"] if len(paths) > 8 else []))
        parts += [Text(), Text(f"{head}:", style="bold"), Padding(Text(lines), (0, 0, 0, 2))]
    if found and found.minimum_set != found.adjust_for and found.minimum_set is not None:
        others = dict.fromkeys([*found.minimal_sets, found.minimum_set])
        also = " and ".join(reasons.set_text(names) for names in others if names != found.adjust_for)
        parts += [Text(), Text(clip(f"Also valid, and smaller: {also}.", 600))]
    return Group(*parts)


def explanation_text(explanation: Explanation) -> str:
    """`explanation_view` as plain text."""
    return render(explanation_view(explanation))


def verdict_view(verdict: Verdict) -> Group:
    """What ``causal check`` prints."""
    held = reasons.set_text(verdict.adjust_for)
    good = Text.assemble((("VALID" if verdict else "INVALID"), "bold green" if verdict else "bold red"))
    good.append(clip(f": {held} for the {verdict.question.text}.", 400))
    parts: list[RenderableType] = [good]
    for problem in verdict.problems:
        parts.append(Text(f"- {clip(problem.message, 600)}"))
    if verdict and verdict.backdoor is False:
        parts.append(Text(
            "Valid by the complete adjustment criterion; Pearl's back-door criterion would refuse "
            "it, because it holds an effect of the exposure."
        ))
    if not verdict:
        if verdict.suggestion is None:
            parts.append(Text("No set answers this question: see `causal explain`."))
        else:
            parts.append(Text(clip(f"Adjust for {reasons.set_text(verdict.suggestion)} instead.")))
    return Group(*parts)


def _other(question: Question) -> str:
    return "total" if question.effect == "direct" else "direct"

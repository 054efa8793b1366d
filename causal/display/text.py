"""Evidence for the terminal: what the commands print when no JSON is asked for.

Views are built from `rich` parts and never from markup strings, so that a name with brackets or
control characters in it stays a name. Colour only repeats what a word says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from causal.criteria import reasons
from causal.criteria.explanation import EffectExplanation, Explanation
from causal.criteria.implications import Implications
from causal.criteria.listing import PathList, State
from causal.criteria.question import Question
from causal.criteria.roles import Variable
from causal.criteria.verdict import Verdict
from causal.errors import shown
from causal.graph.dag import Dag

if TYPE_CHECKING:
    from causal.criteria.question import Effect
    from causal.models.generator import Plan
    from causal.study.comparison import Fit, Study

__all__ = [
    "clip",
    "conclusion_view",
    "explanation_text",
    "explanation_view",
    "facts",
    "head_view",
    "implications_view",
    "plan_view",
    "render",
    "study_text",
    "study_view",
    "table",
    "verdict_view",
]

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
    """Role, use and reason of each variable, first what is included."""
    made = table(["variable", "role", "use", "why"])
    made.columns[0].max_width = 24
    made.columns[1].max_width = 22
    order = ("include", "exclude", "unavailable", "optional")
    for variable in sorted(variables, key=lambda one: order.index(one.use))[:limit]:
        made.add_row(
            Text(clip(variable.name, 60)),
            Text(variable.role),
            Text(
                variable.use.upper() if variable.use in ("include", "exclude") else variable.use,
                style=USE_STYLE[variable.use],
            ),
            Text(clip(_why(variable), 600)),
        )
    if len(variables) <= limit:
        return made
    rest = f"  … and {len(variables) - limit:,} more variables; --json lists all."
    return Group(made, Text(rest))


def _why(variable: Variable) -> str:
    """The reason, and where that does not say it what comes of doing otherwise."""
    tells = variable.precision in ("helps", "hurts") or variable.use == "unavailable"
    if variable.use == "include" or not tells:
        return variable.reason
    return f"{variable.reason}. {variable.if_opposite[0].upper()}{variable.if_opposite[1:]}."


def paths_table(question: Question, listed: PathList, *, valid: bool, limit: int = 8) -> Group:
    """Which paths there are, and what opens or closes each: left alone, and with the set."""
    given = reasons.set_text(listed.names)
    if not valid:
        given = "all allowed"
    elif len(given) > 20:
        given = "the set"
    columns = ["path", "kind", "left alone", *([f"with {given}"] if listed.names else [])]
    made = table(columns)
    made.columns[0].ratio = 1
    for entry in listed.paths[:limit]:
        words = [_state_words(entry.alone, ())]
        if listed.names:
            words.append(_state_words(entry.given, listed.names))
        path = clip(entry.path.text(question.dag), 160)
        made.add_row(Text(path), Text(entry.kind), *map(Text, words))
    rest = len(listed.paths) - limit
    if rest <= 0 and listed.complete:
        return Group(made)
    more = f"{max(rest, 0)} more" if listed.complete else "more, longer ones"
    return Group(made, Text(f"  … and {more}."))


def _state_words(state: State, names: Collection[str]) -> str:
    """Open or closed, and by whom."""
    by = state.opened_by if state.open else state.closed_by
    held = [name for name in by if name in names]  # else it is a collider, or selected
    who = reasons.listed([reasons.word(name) for name in (held or by)[:2]])
    if state.open:
        return clip(f"opened by {who}" if who else "open", 60)
    return clip(f"closed {'by' if held else 'at'} {who}", 60)


def drawing_line(dag: Dag, title: str | None = None) -> str:
    """The DAG on one line: in full when short, else its size."""
    bare = Dag(nodes=dag.names, edges=dag.edges, arcs=dag.arcs)
    arrows = bare.to_arrows() if len(dag.edges) + len(dag.arcs) <= 8 else ""
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
    rows += _instead_rows(asked)
    cheapest = asked.adjustment.cheapest_set
    if cheapest is not None:
        rows.append(("Cheapest", f"Adjust for {reasons.set_text(cheapest)}."))
    name = _other(explanation.question).capitalize()
    rows.append((f"{name} too", " ".join([other.answer, *other.instead[:1]])))
    return rows


def _instead_rows(asked: EffectExplanation, limit: int = 3) -> list[tuple[str, str]]:
    """What can be done where no set is valid."""
    ways = asked.instead
    rows = [("Instead" if i == 0 else "", way) for i, way in enumerate(ways[:limit])]
    if len(ways) > limit:
        rows.append(("", f"… and {len(ways) - limit} more ways; --json lists them."))
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
    if asked.paths.paths:
        parts += [Text(), paths_table(question, asked.paths, valid=bool(found))]
    others = [reasons.set_text(names) for names in found.minimal_sets if names != found.adjust_for]
    if others:
        rest = len(others) - 6
        also = reasons.listed(others[:6], "or") if rest <= 0 else ", ".join(others[:6])
        many = "" if rest <= 0 else f" and {rest}{' or more' if found.more_sets else ''} other sets"
        parts += [Text(), Text(clip(f"Also enough: {also}{many}.", 600))]
    return Group(*parts)


def implications_view(implied: Implications, limit: int = 30) -> Group:
    """What must hold in any data if the drawing is right, a line each."""
    if not implied.statements:
        none = "The DAG implies no independence of measured variables that data could contradict."
        return Group(Text(none))
    lines = [clip(one.text, 200) for one in implied.statements[:limit]]
    rest = len(implied.statements) - limit
    if rest > 0 or not implied.complete:
        more = f"{rest:,} more" if rest > 0 else "more"
        lines.append(f"… and {more}{'' if implied.complete else ' or beyond'}; --json lists more.")
    head = "If the DAG is right, these are independent in the data:"
    return Group(Text(head, style="bold"), *(Text(f"  {line}") for line in lines))


def explanation_text(explanation: Explanation) -> str:
    """`explanation_view` as plain text."""
    return render(explanation_view(explanation))


def verdict_view(verdict: Verdict) -> Group:
    """What ``causal check`` prints."""
    held = reasons.set_text(verdict.adjust_for)
    good = Text.assemble(
        (("VALID" if verdict else "INVALID"), "bold green" if verdict else "bold red")
    )
    good.append(clip(f": {held} for the {verdict.question.text}.", 400))
    parts: list[RenderableType] = [good]
    opened = {(p.variable, p.path) for p in verdict.problems if p.kind == "open_path"}
    told = [
        Text(f"- {clip(problem.message, 600)}")
        for problem in verdict.problems
        # A collider is forbidden because of the path that it opens, which is told anyway.
        if problem.kind == "open_path" or (problem.variable, problem.path) not in opened
    ]
    parts += told[:10]
    if len(told) > 10:
        parts.append(Text(f"- … and {len(told) - 10:,} more; --json lists them."))
    if verdict and verdict.backdoor is False:
        parts.append(
            Text(
                "Valid by the complete adjustment criterion; Pearl's back-door criterion would "
                "refuse it, because it holds an effect of the exposure."
            )
        )
    if not verdict:
        if verdict.suggestion is None:
            parts.append(Text("No set answers this question: see `causal explain`."))
        else:
            wanted = reasons.set_text(verdict.suggestion) if verdict.suggestion else "nothing"
            parts.append(Text(clip(f"Adjust for {wanted} instead.")))
    return Group(*parts)


# What ``causal run`` prints: head_view before the data are read, plan_view before anything is
# fitted, study_view when all is done.


def head_view(explanation: Explanation, title: str | None = None) -> Group:
    """The DAG, the question and what each variable is for: known before any data are read."""
    asked, other = explanation.asked, _other(explanation.question)
    set_too = explanation[other].adjustment.adjust_for
    there = "not identifiable" if set_too is None else f"adjust for {reasons.set_text(set_too)}"
    question = f"{explanation.question.text}    ({other}: {there})"
    rows = [("DAG", drawing_line(explanation.question.dag, title)), ("Question", question)]
    rows.append(("Answer", asked.answer))
    if asked.assumption:
        rows.append(("Note", asked.assumption))
    rows += _instead_rows(asked)
    parts: list[RenderableType] = [facts(rows)]
    if asked.variables:
        parts += [Text(), variables_table(asked.variables)]
    return Group(*parts)


def plan_view(made: Plan) -> Table:
    """What will be fitted, on which rows, with which priors."""
    from causal.display.words import model_word, prior_words, rows_words
    from causal.models.priors import describe
    from causal.study.before import prior_effect

    rows = [("Data", f"{made.table.source.name}: {rows_words(made)}")]
    rows.extend(("", note) for note in made.notes)
    shared: dict[str, list[str]] = {}
    for regression in made.regressions:
        for line in describe(regression):
            shared.setdefault(line, []).append(model_word(regression.name))
    everywhere = [line for line, names in shared.items() if len(names) == len(made.regressions)]
    label = "Priors"
    if everywhere:
        rows.append((label, _joined(everywhere)))
        label = ""
    for regression in made.regressions:
        own = describe(regression)
        lines = [line for line in own if line not in everywhere]
        if lines:
            rows.append((label, f"{model_word(regression.name)}: {_joined(lines)}"))
            label = ""
    before = prior_effect(made.regressions[0], made.table)
    if before is not None:
        rows.append(("", prior_words(before)))
    return facts(rows)


def _joined(lines: Sequence[str], limit: int = 12) -> str:
    """Priors in a row, the first dozen of them."""
    rest = len(lines) - limit
    return "; ".join([*lines[:limit], *([f"and {rest} more"] if rest > 0 else [])])


def study_view(study: Study) -> Group:
    """The comparison: failed checks first, then the table, then what it says."""
    from causal.display import words

    failed = [
        Text(clip(line, 400), style="bold red")
        for fit in study.fits.values()
        for line in words.problems(fit)
    ]
    parts: list[RenderableType] = [*failed, *([Text()] if failed else []), _effects_table(study)]
    more = _more_effects_table(study)
    if more is not None:
        parts += [Text(), more]
    parts += _subgroups_table(study) + _pathways_table(study)
    if study.sets is not None:
        from causal.display.sets import sets_view

        parts += [Text(), sets_view(study, study.sets)]
    parts.append(Text())
    parts += [Text(clip(sentence, 1200)) for sentence in words.conclusions(study)]
    for name, why in study.plan.left_out.items():
        parts.append(
            Text(clip(f"Left out: {words.model_word(name)}: {why}.".replace("..", "."), 600))
        )
    parts.append(Text(words.sampling_words(study), style="dim"))
    return Group(*parts)


def _effects_table(study: Study) -> Table:
    from causal.display import words

    interval = f"{words.percent(study.prob)} interval"
    columns = ["model", "set", "regression", "effect", interval, "P(>0)", ""]
    made = table(columns, right=["effect", "P(>0)"])
    scale = next(iter(study.fits.values())).effect.scale
    kind = "Effect of" if scale == "outcome" else f"{scale.capitalize()},"
    made.title = Text(clip(f"{kind} {words.contrast_words(study)}", 200), style="bold")
    made.title_justify = "left"
    made.columns[0].max_width = 14
    for column in made.columns[3:]:
        column.no_wrap = True
    fits = _shown_order(study)
    marks = _forest([fit.effect.interval for fit in fits], [fit.effect.mean for fit in fits])
    for fit, mark in zip(fits, marks, strict=True):
        effect, digits = fit.effect, words.places(fit)
        name = words.model_word(fit.regression.name)
        made.add_row(
            Text(name, style="bold green" if name == "correct" else ""),
            Text("valid" if fit.verdict else "INVALID", style="" if fit.verdict else "bold red"),
            Text(clip(fit.regression.formula, 160)),
            Text(words.number(effect.mean, digits)),
            Text(words.interval(*effect.interval, digits)),
            Text(words.share(effect.probability_positive)),
            Text(mark),
        )
    return made


def _more_effects_table(study: Study, limit: int = 24) -> RenderableType | None:
    """Contrasts and scales beside the headline, if there are any."""
    from causal.display import words

    rows = [(fit, effect) for fit in _shown_order(study) for effect in fit.effects[1:]]
    if not rows:
        return None
    made = table(["model", "also", "scale", "effect", "interval"], right=["effect"])
    for fit, effect in rows[:limit]:
        digits = words.places(fit, effect)
        made.add_row(
            Text(words.model_word(fit.regression.name)),
            Text(clip(effect.contrast or "", 40)),
            Text(effect.scale),
            Text(words.number(effect.mean, digits)),
            Text(words.interval(*effect.interval, digits)),
        )
    if len(rows) <= limit:
        return made
    return Group(made, Text(f"  … and {len(rows) - limit:,} more; --json lists all."))


def _subgroups_table(study: Study, limit: int = 24) -> list[RenderableType]:
    """The effect in each group of the variable asked for, if one was."""
    from causal.display import words

    rows = words.subgroup_rows(study)
    if not rows:
        return []
    interval = f"{words.percent(study.prob)} interval"
    columns = ["model", clip(study.by or "", 30), "effect", interval, "P(>0)"]
    made = table(columns, right=["effect"])
    for name, group, fit, effect in rows[:limit]:
        digits = words.places(fit, effect)
        made.add_row(
            Text(name),
            Text(group),
            Text(words.number(effect.mean, digits)),
            Text(words.interval(*effect.interval, digits)),
            Text(words.share(effect.probability_positive)),
        )
    if len(rows) <= limit:
        return [Text(), made]
    return [Text(), made, Text(f"  … and {len(rows) - limit:,} more; --json lists all.")]


def _pathways_table(study: Study) -> list[RenderableType]:
    """The effect taken apart along the arrows, if that was asked for."""
    from causal.display import words

    rows = words.pathway_rows(study)
    if not rows or study.pathways is None:
        return []
    interval = f"{words.percent(study.prob)} interval"
    made = table(["path analysis", "effect", interval, "P(>0)"], right=["effect"])
    for name, effect, digits in rows:
        if effect.sd == 0.0:  # the drawing leaves no such path
            made.add_row(Text(name), Text("0"), Text("by the drawing"), Text())
            continue
        made.add_row(
            Text(name),
            Text(words.number(effect.mean, digits)),
            Text(words.interval(*effect.interval, digits)),
            Text(words.share(effect.probability_positive)),
        )
    formulas = ", ".join(regression.formula for regression in study.pathways.regressions)
    return [Text(), made, Text(clip(f"  one model of {formulas}", 300), style="dim")]


def _shown_order(study: Study) -> list[Fit]:
    """The correct model last, nearest to the words below the table."""
    fits = list(study.fits.values())
    return sorted(fits, key=lambda fit: fit.regression.name == "correct")


def _forest(
    intervals: Sequence[tuple[float, float]], means: Sequence[float], width: int = 17
) -> list[str]:
    """One line of dashes and an ``o`` for each interval, on a common scale; ``|`` is zero."""
    ends = [value for pair in intervals for value in pair] + list(means)
    if not all(map(isfinite, ends)):
        return [""] * len(means)
    low, high = min(*ends, 0.0), max(*ends, 0.0)
    if high - low > 4 * (max(ends) - min(ends)) > 0:  # zero is far off: it would crush the rest
        low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def place(value: float) -> int:
        return round((value - low) / span * (width - 1))

    lines = []
    for (left, right), mean in zip(intervals, means, strict=True):
        line = [" "] * width
        if low <= 0.0 <= high:
            line[place(0.0)] = "|"
        for spot in range(place(left), place(right) + 1):
            line[spot] = "-"
        line[place(mean)] = "o"
        lines.append("".join(line))
    return lines


def conclusion_view(study: Study) -> Group:
    """What ``causal run --quiet`` prints: failed checks and the verdicts in words."""
    from causal.display import words

    failed = [line for fit in study.fits.values() for line in words.problems(fit)]
    return Group(*(Text(clip(line, 1200)) for line in (*failed, *words.conclusions(study))))


def study_text(study: Study) -> str:
    """Everything ``causal run`` prints, as plain text."""
    parts: list[RenderableType] = [
        head_view(study.explanation),
        plan_view(study.plan),
        study_view(study),
    ]
    return "\n\n".join(render(part) for part in parts)


def _other(question: Question) -> Effect:
    return "total" if question.effect == "direct" else "direct"

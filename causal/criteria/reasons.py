"""Evidence into plain sentences: the only place that writes prose about variables and paths.

Every function takes what was found (roles, sets, paths) and returns one sentence or clause, in the
words of the drawing. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from causal.criteria.adjustment import Adjustment
from causal.criteria.question import Question
from causal.graph.walk import Path, ancestors, directed_path, word

if TYPE_CHECKING:
    from causal.criteria.verdict import Verdict

__all__ = [
    "answer",
    "assumption",
    "blame",
    "front_door",
    "instrument",
    "listed",
    "open_path_problem",
    "opposite",
    "problem_forbidden",
    "problem_itself",
    "problem_selected",
    "problem_unavailable",
    "reason",
    "set_text",
    "word",
]

Ground = Literal[
    "forced",
    "closes",
    "mends",
    "sharpens",
    "forbidden",
    "caused",
    "opens",
    "spare",
    "hopeless",
    "latent",
    "refused",
]
"""Why a variable is used as it is; see `roles.variables`."""

Then = Ground | Literal["open", "repairs", "amplifies"]
"""What comes of using a variable otherwise; see `roles.variables`."""

Precision = Literal["helps", "hurts", "nothing"]
"""What a variable that may be adjusted for does to the spread of the estimate."""


def set_text(names: Iterable[str]) -> str:
    """A set as people write it: ``{a, b}``, ``{}``."""
    return "{" + ", ".join(map(word, names)) + "}"


def listed(words: Sequence[str], joint: str = "and") -> str:
    """Words in a row: ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


# What each role does to an estimate when the variable is held fixed although it must not be.
_HARM: dict[str, str] = {
    "selected": "the data are selected on it and the effect asked moves it; no set undoes that",
    "mediator": "it lies on {path}; holding it fixed removes the part of the effect that runs "
    "through it",
    "descendant of a mediator": "it is caused by a mediator{shown}; holding it fixed removes "
    "part of the effect",
    "collider": "holding it fixed opens {path}",
    "descendant of a collider": "it is caused by the collider on {path}; holding it fixed opens "
    "that path",
    "descendant of the outcome": "it is caused by the outcome{shown}; holding it fixed holds "
    "back part of the outcome itself",
}

# What a variable is worth that may be adjusted for but need not be.
_SPARE: dict[str, str] = {
    "cause of the exposure only": "not needed, and it would amplify whatever bias the drawing "
    "overlooks",
    "instrument": "not for adjusting, which would amplify the bias: it can serve as an instrument "
    "for the {effect} effect",
    "proxy of a common cause": "not needed: it stands in for a common cause{shown} whose path "
    "is closed already",
    "selected": "the data are selected on it: it is held fixed already",
}


def reason(question: Question, role: str, ground: Ground, path: Path | None) -> str:
    """Why a variable is included, left out, optional or unavailable, as one clause."""
    text = path.text(question.dag) if path else ""
    match ground:
        case "latent":
            return "not measured" + (f"; {text} runs through it" if text else "")
        case "refused":
            return "you will not adjust for it" + (f"; {text} runs through it" if text else "")
        case "forced":
            return "you asked for it to be adjusted for" + (f"; it closes {text}" if text else "")
        case "closes":
            return f"{text} is open; this closes it"
        case "mends":
            return f"{text} is opened by others in the set; this closes it"
        case "sharpens":
            results = listed([word(name) for name in question.outcomes], "or")
            return f"for precision: it explains part of {results}, though no path needs it"
        case "hopeless" if role == "proxy of a common cause":
            return (
                f"no set is enough: it stands in for a common cause ({text}), so holding it fixed "
                "may lessen the bias, but cannot remove it"
            )
        case "hopeless":
            return "no set with or without it is enough"
        case "opens":
            sentence = _HARM["collider"]
        case "caused":
            sentence = _HARM["descendant of the outcome"]
        case "forbidden":
            sentence = _HARM[role]
        case "spare" if role in ("common cause", "mediator", "M-shaped collider"):
            return f"not needed: {text or 'every path through it'} is closed already"
        case "spare":
            sentence = _SPARE.get(role, "not needed: it opens no path, and none is left to close")
    return sentence.format(
        path=text or "a path from exposure to outcome",
        shown=f" ({text})" if text else "",
        effect=question.effect,
    )


_SPREAD: dict[Precision, str] = {
    "helps": "still valid, and more precise",
    "hurts": "still valid, but less precise: it leaves less of the exposure to learn from",
    "nothing": "still valid, and nothing changes",
}


def opposite(
    question: Question,
    role: str,
    use: str,
    ground: Ground,
    then: Then,
    path: Path | None,
    precision: Precision | None,
) -> str:
    """What happens if a variable is used otherwise than advised, as one clause."""
    match use:
        case "include":
            start = "left out"
        case "unavailable":
            start = "if you added it" if ground == "refused" else "if it were measured and added"
        case _:
            start = "added"
    text = path.text(question.dag) if path else "a path from exposure to outcome"
    shown = f" ({text})" if path else ""
    match then:
        case "spare" if use == "include":
            what = "still valid, but less precise" if precision == "helps" else "still valid"
        case "spare":
            what = _SPREAD[precision or "nothing"]
        case "open" if path is not None and path.causal:
            what = f"the part of the effect along {text} is counted too"
        case "open":
            what = f"{text} is open and biases the answer"
        case "repairs":
            what = "the effect could be had by adjustment"
        case "amplifies":
            what = "the bias that is left is amplified"
        case "forbidden" if role == "mediator":
            what = f"the part of the effect along {text} is lost"
        case "forbidden" if role == "descendant of a mediator":
            what = f"part of the effect is lost, with the mediator it tells of{shown}"
        case "forbidden" if role == "selected":
            what = "no set undoes the selection"
        case "opens":
            what = f"{text} opens and biases the answer"
        case "forbidden" if role != "descendant of the outcome":
            what = f"{text} opens and biases the answer"
        case "forbidden" | "caused":
            what = f"part of the outcome itself is held fixed{shown}"
        case _:
            what = "still no set is enough"
    return f"{start}: {what}"


def open_path_problem(question: Question, path: Path, openers: Sequence[str], cure: str) -> str:
    """A biasing path that a user's set leaves or makes open."""
    text = path.text(question.dag)
    if openers:
        held = listed([word(name) for name in openers])
        return f"Incorrectly adjusted: conditioning on {held} opens {text}. {cure}".rstrip()
    why = "".join(f", because {clause}" for clause in _selected_on(question, path))
    return f"Not adjusted enough: {text} is open{why}. {cure}".rstrip()


def blame(verdict: Verdict) -> str:
    """What is wrong with a set, as one clause: its first open path, or its first wrong member."""
    dag = verdict.question.dag
    first = next((p for p in verdict.problems if p.kind == "open_path"), verdict.problems[0])
    where = first.path.text(dag) if first.path else ""
    match first.kind:
        case "open_path" if first.variable is None:
            return f"{where} is open"
        case "open_path":
            return f"holding {word(first.variable or '')} fixed opens {where}"
        case "unavailable":
            return f"{word(first.variable or '')} was not measured"
    held = f"it holds {word(first.variable or '')} fixed"
    return f"{held} ({where})" if where else held


def problem_itself(question: Question, name: str) -> str:
    """An exposure or outcome in a user's set."""
    part = "exposure" if name in question.exposures else "outcome"
    return f"Cannot adjust for {word(name)}: it is the {part} itself. Remove it."


def problem_forbidden(
    question: Question,
    name: str,
    role: str,
    ground: Ground,
    path: Path | None,
    *,
    other_effect_allows: bool,
) -> str:
    """Another member of a user's set that no valid set can contain."""
    why = reason(question, role, ground, path)
    if ground == "forbidden" and role == "mediator":
        where = f" on {path.text(question.dag)}" if path else ""
        why = f"it is a mediator{where}, so the {question.effect} effect would lose the part that "
        why += "runs through it"
    elif ground == "forbidden" and role == "collider":
        why = f"it is a collider; {why}"
    other = "direct" if question.effect == "total" else "total"
    rescue = f", or ask for the {other} effect" if other_effect_allows else ""
    return f"Cannot adjust for {word(name)}: {why}. Remove it{rescue}."


def problem_unavailable(name: str) -> str:
    """A latent member of a user's set."""
    return (
        f"Cannot adjust for {word(name)}: it is marked latent, so no data on it exist. "
        "Remove it, or unmark it if it was measured after all."
    )


def problem_selected(question: Question, name: str) -> str:
    """The data are selected on something that the asked effect itself moves."""
    return (
        f"The data are selected on {word(name)}, which the {question.effect} effect itself moves: "
        "no adjustment undoes that. Use data that were not selected on it."
    )


def answer(adjustment: Adjustment) -> str:
    """The three-way answer as one or two sentences."""
    question = adjustment.question
    dag = question.dag
    lost = f"The {question.effect} effect is not identifiable by adjustment"
    match adjustment.because:
        case "outcome_causes_exposure" if adjustment.assumes_zero:
            return (
                f"The {question.effect} effect is 0 by the drawing: {_reversal(question)} No "
                "regression can put that to the test."
            )
        case "outcome_causes_exposure":
            return f"{lost}: {_reversal(question)}"
        case "forced":
            wrong = dag.named(question.setting.unusable & dag.numbers(adjustment.forced))
            if not wrong:
                both = [word(name) for name in adjustment.forced if name in adjustment.refused]
                verb, them = ("is", "it") if len(both) == 1 else ("are", "them")
                return (
                    f"{lost} while {listed(both)} {verb} marked [adjusted] and you will not adjust "
                    f"for {them}. Unmark {them}, or allow {them}."
                )
            verb, them = ("is", "it") if len(wrong) == 1 else ("are", "them")
            return (
                f"{lost} while {listed([word(name) for name in wrong])} {verb} marked [adjusted]: "
                f"no valid set contains {them}. Unmark {them} first."
            )
        case "open_path" if not adjustment.open_paths:
            moved = listed([word(name) for name in dag.named(question.setting.spoilt)])
            return f"{lost}: the data are selected on {moved}, which the effect itself moves."
        case "open_path":
            always = [p for p in adjustment.open_paths if _stays_open(adjustment, p)]
            path = (always or adjustment.open_paths)[0]
            unseen = _culprits(adjustment, path)
            if always:
                why = f"{path.text(dag)} stays open whatever is adjusted for"
                why += f", because {unseen}" if unseen else ""
            else:
                why = f"whatever closes every other path opens {path.text(dag)}"
                why += f", and {unseen}" if unseen else ""
            return f"{lost}: {why}.{_repaired(adjustment)}"
    assert adjustment.adjust_for is not None
    assert adjustment.nearest is not None
    asked = set(adjustment.forced)
    needed = [name for name in adjustment.nearest if name not in asked]
    extra = [name for name in adjustment.adjust_for if name not in adjustment.nearest]
    if not adjustment.adjust_for:
        return "Adjust for nothing."
    sentence = f"Adjust for {set_text(adjustment.adjust_for)}"
    if not asked and not needed:
        return f"{sentence}, for precision only: nothing is needed for validity."
    if not needed and not extra:
        return f"{sentence}, as you asked; nothing else is needed."
    parts = []
    if needed:
        parts.append(f"{set_text(needed)} for validity")
    if asked:
        parts.append(f"{set_text(adjustment.forced)} as you asked")
    if extra:
        parts.append(f"{set_text(extra) if asked and not needed else 'the rest'} for precision")
    return f"{sentence}: {', '.join(parts)}." if len(parts) > 1 else f"{sentence}."


def assumption(adjustment: Adjustment) -> str | None:
    """What the drawing takes for granted about the effect itself, or None."""
    if not adjustment.assumes_zero:
        return None
    question = adjustment.question
    causes = listed([word(name) for name in question.exposures], "or")
    results = listed([word(name) for name in question.outcomes], "or")
    single = len(question.exposures) == len(question.outcomes) == 1
    ends = f"{causes} -> {results}" if single else f"from {causes} to {results}"
    kind = "arrow" if question.effect == "direct" else "directed path"
    sentence = f"The DAG has no {kind} {ends}: it assumes this effect is 0."
    if adjustment.because in ("outcome_causes_exposure", "forced"):
        return sentence
    if adjustment:
        sentence += " The correct model tests that."
    else:
        sentence += " No regression can test that."
    backwards = _reversal(question)
    return f"{sentence} {backwards[0].upper()}{backwards[1:]}" if backwards else sentence


def instrument(question: Question, name: str, given: Sequence[str]) -> str:
    """How an instrument would answer the question; of one exposure and one outcome."""
    (cause,), (result,) = question.exposures, question.outcomes
    held = f", with {listed([word(n) for n in given])} held fixed" if given else ""
    return (
        f"{word(name)} can serve as an instrument{held}: in a linear model its covariance with "
        f"{word(result)} divided by that with {word(cause)} is the {question.effect} effect."
    )


def front_door(question: Question, names: Sequence[str]) -> str:
    """How a front door would answer the question; of one exposure and one outcome."""
    (cause,), (result,) = question.exposures, question.outcomes
    between = listed([word(name) for name in names])
    summed = ", summed over them" if len(names) > 1 else ""
    return (
        f"The front door is open by way of {between}: in a linear model the effect is that of "
        f"{word(cause)} on {between}, times that of {between} on {word(result)} with "
        f"{word(cause)} held fixed{summed}."
    )


def _reversal(question: Question) -> str:
    """The question to ask back when the outcome is drawn as a cause of the exposure, or ''."""
    dag = question.dag
    exposures, outcomes = dag.numbers(question.exposures), dag.numbers(question.outcomes)
    path = directed_path(dag.adjacency, outcomes, exposures)
    if path is None:
        return ""
    early, late = dag.names[path.nodes[0]], dag.names[path.nodes[-1]]
    return (
        f"the DAG says {word(early)} comes before {word(late)} ({path.text(dag)}); did you mean "
        f"the effect of {word(early)} on {word(late)}?"
    )


def _stays_open(adjustment: Adjustment, path: Path) -> bool:
    """Whether an open path is so without what might be adjusted for."""
    question = adjustment.question
    fixed = question.dag.numbers((*adjustment.forced, *question.dag.selected))
    return ancestors(question.setting.graph, fixed).issuperset(path.colliders)


def _culprits(adjustment: Adjustment, path: Path) -> str:
    """What keeps a path open, as one clause: who was not measured, what is held fixed anyway."""
    dag = adjustment.question.dag
    inner = set(path.nodes) - set(path.colliders)
    unseen = [word(name) for name in dag.named(inner & dag.numbers(dag.latent))]
    if any(node >= len(dag.names) for node in inner):
        unseen.append("the common cause behind <->")
    verb = "was" if len(unseen) == 1 else "were"
    clauses = [f"{listed(unseen)} {verb} not measured"] if unseen else []
    refused = [word(name) for name in dag.named(inner & dag.numbers(adjustment.refused))]
    clauses += [f"you will not adjust for {listed(refused, 'or')}"] if refused else []
    clauses += _selected_on(adjustment.question, path)
    marked = _openers(adjustment.question, adjustment.forced, path)
    if marked:
        clauses.append(f"{listed(marked)} {'is' if len(marked) == 1 else 'are'} marked [adjusted]")
    return listed(clauses)


def _repaired(adjustment: Adjustment) -> str:
    """Which single variable would mend that, as a sentence if there is one."""
    refused = set(adjustment.refused)
    seen = [name for name in adjustment.repairs if name not in refused]
    kept = [word(name) for name in adjustment.repairs if name in refused]
    known = {*adjustment.question.dag.names}
    measured = [word(n) if n in known else f"the common cause behind {n}" for n in seen]
    ways = [f"measuring {listed(measured, 'or')}"] if measured else []
    ways += [f"adjusting for {listed(kept, 'or')}"] if kept else []
    found = listed(ways, "or")
    return f" {found[0].upper()}{found[1:]} would be enough." if ways else ""


def _selected_on(question: Question, path: Path) -> list[str]:
    """Which selection holds a collider of *path* open, as a clause if there is one."""
    names = _openers(question, question.dag.selected, path)
    return [f"the data are selected on {listed(names)}"] if names else []


def _openers(question: Question, names: Iterable[str], path: Path) -> list[str]:
    """Those of *names* that, held fixed, open a collider of *path*."""
    graph, colliders = question.setting.graph, path.colliders
    return [
        word(name)
        for name in sorted(names)
        if not ancestors(graph, [question.dag.number(name)]).isdisjoint(colliders)
    ]

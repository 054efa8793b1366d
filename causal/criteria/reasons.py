"""Evidence into plain sentences: the only place that writes prose about variables and paths.

Every function takes what was found (roles, sets, paths) and returns one sentence or clause, in the
words of the drawing. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from causal.criteria.adjustment import Adjustment
from causal.criteria.question import Effect, Question
from causal.graph.dag import Dag
from causal.graph.walk import Path, word

if TYPE_CHECKING:
    from causal.criteria.verdict import Verdict

__all__ = [
    "answer",
    "assumption",
    "blame",
    "listed",
    "open_path_problem",
    "problem_forbidden",
    "problem_selected",
    "problem_unavailable",
    "reason",
    "set_text",
    "word",
]

Ground = Literal[
    "forced", "closes", "sharpens", "forbidden", "opens", "spare", "hopeless", "latent"
]
"""Why a variable is used as it is; see `roles.variables`."""


def set_text(names: Iterable[str]) -> str:
    """A set as people write it: ``{a, b}``, ``{}``."""
    return "{" + ", ".join(map(word, names)) + "}"


def listed(words: Sequence[str], joint: str = "and") -> str:
    """Words in a row: ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


# What each role does to an estimate when the variable is held fixed although it must not be. The
# effect asked matters for those on or behind causal paths.
_HARM: dict[str, str] = {
    "mediator": "it lies on {path}: holding it fixed removes the part of the effect that runs "
    "through it",
    "descendant of a mediator": "it is caused by a mediator ({path}): holding it fixed removes "
    "part of the effect",
    "collider": "holding it fixed opens {path}",
    "descendant of a collider": "it is caused by the collider on {path}: holding it fixed opens "
    "that path",
    "descendant of the outcome": "it is caused by the outcome ({path}): holding it fixed holds "
    "back part of the outcome itself",
}

# What a variable is worth that may be adjusted for but need not be.
_SPARE: dict[str, str] = {
    "common cause": "not needed: the set named closes {path} already",
    "mediator": "not needed: the set named closes {path} already",
    "cause of the outcome only": "not needed: it opens and closes nothing, but explains part of "
    "the outcome, which helps precision",
    "cause of the exposure only": "not needed: it leaves less of the exposure to learn from "
    "(hurts precision) and amplifies whatever bias is left",
    "instrument": "not an adjustment variable: adjusting for it amplifies the bias, but it can "
    "serve as an instrument for the effect",
    "proxy of a common cause": "not needed: it stands in for a common cause ({path}) whose path "
    "is closed already",
    "selected": "the data are selected on it: it is held fixed already",
    "effect of the exposure only": "not needed: it opens and closes nothing, but is close to the "
    "exposure, which hurts precision",
    "M-shaped collider": "harmless beside the set named, which keeps {path} closed",
}


def reason(
    dag: Dag,
    effect: Effect,
    role: str,
    ground: Ground,
    path: Path | None,
    outcomes: Sequence[str],
) -> str:
    """Why a variable is included, left out, optional or unavailable, as one clause."""
    text = path.text(dag) if path else ""
    match ground:
        case "latent":
            return "not measured" + (f"; {text} runs through it" if text else "")
        case "forced":
            return "you asked for it to be adjusted for" + (f"; it closes {text}" if text else "")
        case "closes":
            return f"{text} is open; this closes it"
        case "sharpens":
            results = listed([word(name) for name in outcomes])
            return f"closes no path by itself, but explains part of {results}: for precision"
        case "forbidden":
            return _HARM.get(role, "holding it fixed biases the {effect} effect").format(
                path=text, effect=effect
            )
        case "opens":
            return f"holding it fixed opens {text}"
        case "spare":
            sentence = _SPARE.get(role, "not needed: it opens and closes nothing")
            return (
                sentence.format(path=text)
                if text or "{path}" not in sentence
                else ("not needed: its paths are closed already")
            )
        case "hopeless":
            return "no set with or without it is enough"


def open_path_problem(question: Question, path: Path, openers: Sequence[str], cure: str) -> str:
    """A biasing path that a user's set leaves or makes open."""
    text = path.text(question.dag)
    if openers:
        held = listed([word(name) for name in openers])
        return f"Incorrectly adjusted: conditioning on {held} opens {text}. {cure}".rstrip()
    return f"Not adjusted enough: {text} is open. {cure}".rstrip()


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


def problem_forbidden(
    question: Question,
    name: str,
    role: str | None,
    path: Path | None,
    *,
    other_effect_allows: bool,
) -> str:
    """A member of a user's set that no valid set can contain."""
    who = word(name)
    if role is None:
        part = "exposure" if name in question.exposures else "outcome"
        return f"Cannot adjust for {who}: it is the {part} itself. Remove it."
    why = reason(question.dag, question.effect, role, "forbidden", path, question.outcomes)
    other = "direct" if question.effect == "total" else "total"
    rescue = f", or ask for the {other} effect" if other_effect_allows else ""
    article = "an" if role[0] in "aeiou" else "a"
    kind = role if role.startswith(("cause ", "effect ")) else f"{article} {role}"
    return f"Cannot adjust for {who}: it is {kind}; {why}. Remove it{rescue}."


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
    match adjustment.because:
        case "outcome_causes_exposure":
            return (
                f"The {question.effect} effect is 0 by the drawing: {_reversal(question)} No "
                "regression can put that to the test."
            )
        case "forced":
            return (
                f"The {question.effect} effect is not identifiable by adjustment while "
                f"{set_text(adjustment.forced)} is forced in ([adjusted]): see below which of "
                "these must not be held fixed. Unmark it."
            )
        case "open_path":
            first = adjustment.open_paths[0] if adjustment.open_paths else None
            if first is None:
                return (
                    f"The {question.effect} effect is not identifiable by adjustment: the data "
                    "are selected on a variable that the effect itself changes."
                )
            return (
                f"The {question.effect} effect is not identifiable by adjustment: "
                f"{first.text(dag)} stays open whatever is adjusted for"
                f"{_culprits(dag, first)}."
            )
    assert adjustment.adjust_for is not None
    if adjustment.status == "none_needed":
        if adjustment.adjust_for == adjustment.forced:
            sentence = "Adjust for nothing"
            if adjustment.forced:
                asked = set_text(adjustment.forced)
                sentence = f"Adjust for {asked}, as you asked; nothing else is needed"
        else:
            needed = set_text(adjustment.forced) if adjustment.forced else "nothing"
            sentence = (
                f"Adjust for {set_text(adjustment.adjust_for)}: for validity {needed} is enough, "
                "the rest is for precision"
            )
    else:
        sentence = f"Adjust for {set_text(adjustment.adjust_for)}"
        if adjustment.nearest != adjustment.adjust_for:
            assert adjustment.nearest is not None
            sentence += f": {set_text(adjustment.nearest)} for validity, the rest for precision"
    return sentence + "."


def assumption(adjustment: Adjustment) -> str | None:
    """What the drawing takes for granted about the effect itself, or None."""
    if not adjustment.assumes_zero:
        return None
    question = adjustment.question
    causes = listed([word(name) for name in question.exposures])
    results = listed([word(name) for name in question.outcomes])
    kind = "arrow" if question.effect == "direct" else "directed path"
    sentence = f"The DAG has no {kind} {causes} -> {results}: it assumes this effect is 0."
    if adjustment.because == "outcome_causes_exposure":
        return sentence
    if adjustment:
        sentence += " The correct model tests that."
    else:
        sentence += " No regression can test that."
    backwards = _reversal(question)
    return f"{sentence} {backwards[0].upper()}{backwards[1:]}" if backwards else sentence


def _reversal(question: Question) -> str:
    """The question to ask back when the outcome is drawn as a cause of the exposure, or ''."""
    from causal.graph.walk import directed_path

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


def _culprits(dag: Dag, path: Path) -> str:
    """Who on an open path was not measured, as the end of a sentence."""
    names = [dag.names[i] for i in path.nodes if i < len(dag.names) and dag.names[i] in dag.latent]
    if names:
        verb = "was" if len(names) == 1 else "were"
        return f", because {listed([word(n) for n in names])} {verb} not measured"
    if any(i >= len(dag.names) for i in path.nodes):
        return ", because the common cause behind <-> was not measured"
    return ""

"""The whole answer to a question in one value: both effects, every variable, every reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from causal.criteria import reasons
from causal.criteria.adjustment import MOST_SETS, Adjustment, adjust
from causal.criteria.frontdoor import FrontDoor, front_door
from causal.criteria.instruments import Instruments, instruments
from causal.criteria.listing import PathList, list_paths
from causal.criteria.question import EFFECTS, Effect, Question
from causal.criteria.roles import Variable, roles, variables

__all__ = ["EffectExplanation", "Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class EffectExplanation:
    """What the drawing implies for one effect."""

    adjustment: Adjustment
    variables: tuple[Variable, ...]
    paths: PathList  # beside the recommended set; where no set is valid, all that may be in one
    instruments: Instruments  # what else may answer, where an open path leaves no valid set
    front_door: FrontDoor | None

    @property
    def answer(self) -> str:
        """Which set, in one or two sentences."""
        return reasons.answer(self.adjustment)

    @property
    def assumption(self) -> str | None:
        """What the drawing takes for granted about this effect, or None."""
        return reasons.assumption(self.adjustment)

    @property
    def instead(self) -> tuple[str, ...]:
        """What can be done where no set is valid, a sentence each."""
        question = self.adjustment.question
        told = [
            reasons.instrument(question, found.name, found.given)
            for found in self.instruments.found
        ]
        if self.front_door is not None:
            told.append(reasons.front_door(question, self.front_door.names))
        return tuple(told)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Both effects of one question explained; `question.effect` is the one that was asked."""

    question: Question
    direct: EffectExplanation
    total: EffectExplanation

    def __getitem__(self, effect: Effect) -> EffectExplanation:
        return self.direct if effect == "direct" else self.total

    @property
    def asked(self) -> EffectExplanation:
        """The explanation of the effect that was asked."""
        return self[self.question.effect]

    def __str__(self) -> str:
        from causal.display.text import explanation_text

        return explanation_text(self)


def explain(
    question: Question,
    forbidden: Collection[str] = (),
    *,
    costs: Mapping[str, float] | None = None,
) -> Explanation:
    """Explain *question* for both effects.

    Parameters
    ----------
    question
        What is asked.
    forbidden, costs
        What the user will not adjust for, and what measuring a variable costs; as in
        `causal.criteria.adjustment.adjust`, which also says what is raised.
    """
    found = {}
    parts = roles(question, range(len(question.dag.names)))
    for effect in EFFECTS:
        asked = question.direct if effect == "direct" else question.total
        adjustment = adjust(asked, forbidden, costs=costs, most=MOST_SETS)
        given = adjustment.given if adjustment.adjust_for is None else adjustment.adjust_for
        lost = adjustment.because == "open_path"
        # What is refused counts as latent here too: no instrument may lean on it.
        hidden = asked.dag.latent.union(forbidden)
        seen = replace(asked, dag=asked.dag.marked(latent=hidden)) if lost and forbidden else asked
        found[effect] = EffectExplanation(
            adjustment=adjustment,
            variables=variables(asked, adjustment, parts),
            paths=list_paths(asked, given),
            instruments=instruments(seen) if lost else Instruments((), complete=True),
            front_door=front_door(seen) if lost else None,
        )
    return Explanation(question, found["direct"], found["total"])

"""The whole answer to a question in one value: both effects, every variable, every reason."""

from __future__ import annotations

from dataclasses import dataclass

from causal.criteria import reasons
from causal.criteria.adjustment import MOST_SETS, Adjustment, adjust
from causal.criteria.question import EFFECTS, Effect, Question
from causal.criteria.roles import Variable, variables

__all__ = ["EffectExplanation", "Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class EffectExplanation:
    """What the drawing implies for one effect."""

    adjustment: Adjustment
    variables: tuple[Variable, ...]

    @property
    def answer(self) -> str:
        """Which set, in one or two sentences."""
        return reasons.answer(self.adjustment)

    @property
    def assumption(self) -> str | None:
        """What the drawing takes for granted about this effect, or None."""
        return reasons.assumption(self.adjustment)


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


def explain(question: Question) -> Explanation:
    """Explain *question* for both effects."""
    found = {}
    for effect in EFFECTS:
        asked = question.direct if effect == "direct" else question.total
        adjustment = adjust(asked, most=MOST_SETS)
        found[effect] = EffectExplanation(adjustment, variables(asked, adjustment))
    return Explanation(question, found["direct"], found["total"])

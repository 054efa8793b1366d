"""What is asked: the effect of an exposure on an outcome, direct or total.

The *total* effect is what happens to the outcome when the exposure is set, by every causal path:
E[Y | do(X)]. The *direct* effect is the part that runs along the arrow from exposure to outcome
alone, the other causes of the outcome held as they are. The founding rule of this project (include
the fork, include the mediator, exclude the collider) answers the direct question; for the total
effect the mediator stays out. Most quarrels about adjustment are two people asking different ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Unpack

from causal.errors import QuestionError, shown
from causal.graph.dag import Dag

if TYPE_CHECKING:
    from causal.criteria.adjustment import Adjustment
    from causal.criteria.explanation import Explanation
    from causal.criteria.listing import PathList
    from causal.criteria.setting import Setting
    from causal.criteria.verdict import Verdict
    from causal.study.comparison import Options, Study

__all__ = ["EFFECTS", "Effect", "Question", "ask"]

Effect = Literal["direct", "total"]
EFFECTS: tuple[Effect, ...] = ("direct", "total")


@dataclass(frozen=True, slots=True)
class Question:
    """The effect of *exposures* on *outcomes* in *dag*; names sorted. Made by `ask`."""

    dag: Dag
    exposures: tuple[str, ...]
    outcomes: tuple[str, ...]
    effect: Effect = "direct"
    _setting: Setting | None = field(default=None, init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<{self.text}>"

    @property
    def text(self) -> str:
        """The question in words, on one line."""
        causes, results = (
            " and ".join(shown(n, 60)[1:-1] for n in names)
            for names in (self.exposures, self.outcomes)
        )
        return f"{self.effect} effect of {causes} on {results}"

    @property
    def direct(self) -> Question:
        """The same question about the direct effect."""
        return self if self.effect == "direct" else replace(self, effect="direct")

    @property
    def total(self) -> Question:
        """The same question about the total effect."""
        return self if self.effect == "total" else replace(self, effect="total")

    @property
    def setting(self) -> Setting:
        """What the question fixes in the drawing, worked out when it is first needed."""
        if self._setting is None:
            from causal.criteria.setting import settle

            object.__setattr__(self, "_setting", settle(self))
        assert self._setting is not None
        return self._setting

    # Forward: one line each, the work stands in its own module

    @property
    def adjustment(self) -> Adjustment:
        """Which sets answer the question; see `causal.criteria.adjustment.adjust`."""
        from causal.criteria.adjustment import MOST_SETS, adjust

        return adjust(self, most=MOST_SETS)

    def check(self, names: Iterable[str]) -> Verdict:
        """The verdict on the set *names*; see `causal.criteria.verdict.judge`."""
        from causal.criteria.verdict import judge

        return judge(self, names)

    def run(self, data: object, **options: Unpack[Options]) -> Study:
        """Answer the question from *data*; the options are those of `causal.study.comparison.run`.

        The commonest: ``own={"mine": "y ~ x*z"}``, ``family="poisson"``, ``form="poly(age, 2)"``,
        ``categorical=["school"]``, ``priors=PriorChoice("wide")``, ``by="sex"``, ``seed=1``.
        """
        from causal.study.comparison import run

        return run(self, data, **options)

    def explain(
        self, forbidden: Collection[str] = (), *, costs: Mapping[str, float] | None = None
    ) -> Explanation:
        """Sets, roles and reasons in plain sentences; see `causal.criteria.explanation.explain`."""
        from causal.criteria.explanation import explain

        return explain(self, forbidden, costs=costs)

    def paths(self, names: Iterable[str] = ()) -> PathList:
        """The paths one by one, with *names* held fixed; see `causal.criteria.listing`."""
        from causal.criteria.listing import list_paths

        return list_paths(self, names)


def ask(
    dag: Dag,
    exposure: str | Iterable[str] | None = None,
    outcome: str | Iterable[str] | None = None,
    *,
    effect: Effect = "direct",
) -> Question:
    """Make a question; exposure and outcome default to the marks in the DAG.

    Several exposures mean the joint intervention on all of them.

    Raises
    ------
    UnknownVariable
        A name the DAG lacks.
    QuestionError
        No exposure or outcome, one variable as both, a latent or selected one, an unknown effect.
    """
    if effect not in EFFECTS:
        raise QuestionError(f"Unknown effect {shown(str(effect))}. Ask for 'direct' or 'total'.")
    exposures = _chosen(dag, exposure, dag.exposures, "exposure", "-x")
    outcomes = _chosen(dag, outcome, dag.outcomes, "outcome", "-y")
    for name in exposures:
        if name in outcomes:
            raise QuestionError(
                f"{shown(name)} is both exposure and outcome. "
                "Ask what one variable does to another: change -x or -y."
            )
    for name in (*exposures, *outcomes):
        part = "exposure" if name in exposures else "outcome"
        if name in dag.latent:
            raise QuestionError(
                f"The {part} {shown(name)} is marked latent: nothing can be learnt about a "
                f"variable that was not measured. Unmark it, or choose another {part}."
            )
        if name in dag.selected:
            raise QuestionError(
                f"The {part} {shown(name)} is marked selected: in the data it does not vary, "
                f"so it has no effect to measure. Unmark it, or choose another {part}."
            )
    return Question(dag, exposures, outcomes, effect)


def _chosen(
    dag: Dag, given: str | Iterable[str] | None, marked: Iterable[str], part: str, option: str
) -> tuple[str, ...]:
    if given is None:
        names = set(marked)
        if not names:
            raise QuestionError(
                f"No {part} given. Name one with {option} NAME, or mark it [{part}] in the DAG."
            )
    else:
        names = {given} if isinstance(given, str) else set(given)
        if not names:
            raise QuestionError(f"The list of {part}s is empty. Name one with {option} NAME.")
    for name in names:
        dag.number(name)
    return tuple(sorted(names))

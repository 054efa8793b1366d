"""All minimal adjustment sets side by side: what each makes of the same data.

Every valid set answers the same question, so in a sound DAG their effects differ by chance alone,
and by how well each set sharpens the estimate. So there is a model for each minimal set, on the
rows that all models share; each is compared with the recommended one by its shift
(`causal.study.shift`), and the sharpest comes first. One that differs by more than chance allows is
evidence against the DAG (or the form of the models), whichever set one would have taken.

A minimal set is a further model of the user's own, called ``minimal 1``, ``minimal 2``, ...: so
everything that can be said about a model is said about it, everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING

from causal.criteria.adjustment import adjust
from causal.criteria.question import Question
from causal.models.formula import Formula

if TYPE_CHECKING:
    from causal.study.comparison import Difference, Fit, Study

__all__ = ["MOST", "MinimalSets", "SetComparison", "SetRow", "compare_sets", "minimal_models"]

Names = tuple[str, ...]

MOST = 20
"""Sets compared at most: nobody reads a longer table, and each may dispute by chance."""


@dataclass(frozen=True, slots=True)
class MinimalSets:
    """Which model stands for each minimal set.

    Attributes
    ----------
    models
        The set of each model, by the model's name: one of its own, or the model that has this set
        anyway: ``correct``, ``unadjusted``, one of the user's. (Where ``everything`` is minimal, it
        is the correct one.)
    own
        Those of their own, as `causal.models.generator.plan` takes them.
    more
        There are more sets than are compared.
    """

    models: Mapping[str, Names]
    own: Mapping[str, Names]
    more: bool


@dataclass(frozen=True, slots=True, eq=False)
class SetRow:
    """One set: its model, and how far that is from the recommended one."""

    name: str
    adjust_for: Names
    fit: Fit
    difference: Difference | None  # of the recommended set there is none
    minimal: bool

    @property
    def recommended(self) -> bool:
        """Whether this is the set that `explain` and `run` recommend."""
        return self.name == "correct"


@dataclass(frozen=True, slots=True, eq=False)
class SetComparison:
    """All of them, the sharpest first.

    Attributes
    ----------
    rows
        By the posterior sd of the effect.
    left_out
        Sets whose model could not be fitted, by the name of the model.
    more
        There are more sets than were compared.
    """

    rows: tuple[SetRow, ...]
    left_out: Mapping[str, Names]
    more: bool

    @property
    def disputing(self) -> tuple[SetRow, ...]:
        """Those that differ from the recommended one by more than chance allows."""
        return tuple(
            row for row in self.rows if row.difference and row.difference.verdict == "disputes"
        )

    @property
    def agreeing(self) -> tuple[SetRow, ...]:
        """Those that do not."""
        return tuple(
            row for row in self.rows if row.difference and row.difference.verdict == "agrees"
        )

    @property
    def unclear(self) -> tuple[SetRow, ...]:
        """Those of which nothing can be said: a failed check, or no shift to be had."""
        return tuple(
            row for row in self.rows if row.difference and row.difference.verdict == "cannot tell"
        )


def minimal_models(
    question: Question,
    own: Mapping[str, Collection[str] | Formula] | None = None,
    *,
    most: int = MOST,
) -> MinimalSets:
    """Give each minimal set a model; one that there is anyway is not made twice.

    Parameters
    ----------
    question
        Whose effect need not be identifiable: then there is no set.
    own
        The user's models.
    most
        How many sets at most.
    """
    found = adjust(question, most=most)
    known: dict[Names, str] = {}
    if found.adjust_for is not None:
        known[found.adjust_for] = "correct"
    known.setdefault((), "unadjusted")
    for name, given in (own or {}).items():
        if not isinstance(given, Formula):
            known.setdefault(tuple(sorted(set(given))), name)
    models: dict[str, Names] = {}
    made: dict[str, Names] = {}
    free = (name for number in count(1) if (name := f"minimal {number}") not in (own or {}))
    for names in found.minimal_sets:
        if names not in known:
            known[names] = next(free)
            made[known[names]] = names
        models[known[names]] = names
    return MinimalSets(MappingProxyType(models), MappingProxyType(made), found.more_sets)


def compare_sets(study: Study, minimal: MinimalSets) -> SetComparison | None:
    """The models of the minimal sets, and the recommended one, in one comparison.

    Returns
    -------
    SetComparison or None
        ``None`` where no set is valid.
    """
    correct = study.plan.adjustment.adjust_for
    if correct is None or "correct" not in study.fits:
        return None
    sets = {"correct": correct, **minimal.models}
    rows = [
        SetRow(
            name=name,
            adjust_for=names,
            fit=study.fits[name],
            difference=study.differences.get(name),
            minimal=name in minimal.models,
        )
        for name, names in sets.items()
        if name in study.fits
    ]
    left_out = {name: names for name, names in sets.items() if name not in study.fits}
    rows.sort(key=lambda row: row.fit.effect.sd)
    return SetComparison(tuple(rows), MappingProxyType(left_out), minimal.more)

"""What a question fixes in the drawing before any adjustment set is considered.

Each effect comes down to the same two demands on a set Z: it has no *forbidden* member, and it
d-separates exposures X and outcomes Y in a graph H from which some arrows out of X are removed.

* **Total effect**: the complete adjustment criterion [1]_ [2]_. *Causal nodes* Cn are the nodes
  other than X on proper causal paths from X to Y (directed, and only their first node is in X);
  forbidden are De(Cn) and X. H, the *proper back-door graph* [3]_, lacks the first arrow of every
  proper causal path. With no causal path nothing but X is forbidden: descendants of Y may help.
* **Direct effect**: the single-door criterion [4]_. Forbidden are the descendants of Y; H lacks the
  arrows from X to Y. It is sufficient always, and exact where the arrow is drawn.

A variable marked ``selected`` is held fixed by the way the data came about. It is conditioned on in
every d-separation, and where it is itself forbidden no set can answer.

References
----------
.. [1] I. Shpitser, T. VanderWeele, J. Robins, "On the validity of covariate adjustment for
   estimating causal effects", UAI 2010.
.. [2] E. Perkovic, J. Textor, M. Kalisch, M. Maathuis, "Complete graphical characterization and
   construction of adjustment sets", JMLR 18, 2018.
.. [3] B. van der Zander, M. Liskiewicz, J. Textor, "Separators and adjustment sets in causal
   graphs: complete criteria and an algorithmic framework", Artificial Intelligence 270, 2019.
.. [4] J. Pearl, *Causality*, 2nd ed. 2009, theorem 5.3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from causal.criteria.question import Question
from causal.criteria.separator import separated
from causal.graph.dag import Adjacency
from causal.graph.walk import Path, ancestors, descendants, open_path

__all__ = ["Setting", "settle"]


@dataclass(frozen=True, slots=True)
class Setting:
    """The fixed part of a question, in node numbers."""

    graph: Adjacency  # H: what must be blocked, all arrows of the asked effect removed
    exposures: frozenset[int]
    outcomes: frozenset[int]
    causal: frozenset[int]  # Cn: the outcomes and mediators on proper causal paths
    forbidden: frozenset[int]  # Forb (total) or De(Y) (direct), the exposures always among them
    hidden: frozenset[int]  # latent, and the nameless causes behind <->
    selected: frozenset[int]
    above: frozenset[int]  # ancestors, in H, of exposures, outcomes and selected
    assumes_zero: bool  # no arrow (direct) or no directed path (total) is drawn

    @property
    def spoilt(self) -> frozenset[int]:
        """Selected variables that are forbidden: with one of them no set is valid."""
        return self.selected & self.forbidden

    @property
    def unusable(self) -> frozenset[int]:
        """What no valid set can contain."""
        return self.exposures | self.outcomes | self.forbidden | self.hidden

    def leak(self, given: frozenset[int]) -> Path | None:
        """A shortest path of H that stays open when *given* and the selected are held fixed."""
        held = (given | self.selected) - self.exposures - self.outcomes
        return open_path(self.graph, self.exposures, self.outcomes, held, self.above)

    def closes(self, given: frozenset[int]) -> bool:
        """Whether no path of H stays open when *given* and the selected are held fixed."""
        held = given
        if self.selected or not given.isdisjoint(self.exposures | self.outcomes):
            held = (given | self.selected) - self.exposures - self.outcomes
        return separated(self.graph, self.exposures, self.outcomes, held, self.above)

    def admits(self, given: frozenset[int]) -> bool:
        """Whether *given* is a valid adjustment set."""
        usable = all(
            given.isdisjoint(part)
            for part in (self.exposures, self.outcomes, self.forbidden, self.hidden)
        )
        return usable and not self.spoilt and self.closes(given)


def settle(question: Question) -> Setting:
    """Work out what *question* fixes, in time linear in the graph; `Question.setting` keeps it."""
    dag = question.dag
    full = dag.adjacency
    exposures = dag.numbers(question.exposures)
    outcomes = dag.numbers(question.outcomes)

    entered = {child for x in exposures for child in full.children[x]} - exposures
    after = descendants(full, entered, avoiding=exposures)
    before = ancestors(full, outcomes, avoiding=exposures)
    causal = frozenset(after & before)

    if question.effect == "total":
        removed = [(x, c) for x in exposures for c in full.children[x] if c in causal]
        forbidden = descendants(full, causal) | exposures
    else:
        removed = [(x, y) for x in exposures for y in full.children[x] if y in outcomes]
        forbidden = descendants(full, outcomes) | exposures
    graph, selected = full.without(removed), dag.numbers(dag.selected)
    return Setting(
        graph=graph,
        exposures=exposures,
        outcomes=outcomes,
        causal=causal,
        forbidden=frozenset(forbidden),
        hidden=dag.hidden,
        selected=selected,
        above=frozenset(ancestors(graph, exposures | outcomes | selected)),
        assumes_zero=not removed,
    )

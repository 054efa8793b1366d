"""The drawings and questions that every contender is given.

A drawing is random: nodes in some order, each with two causes among those before it (so that a node
has four neighbours on average), a fifth of the nodes latent. There are two shapes. In a *broad* one
the causes are any nodes before: ancestors are few, about the square root of all nodes. In a *deep*
one they are among the hundred before, as in a process observed over time: most earlier nodes are
ancestors, and causal paths run through most nodes between exposure and outcome.

A question is one worth asking: the exposure causes the outcome, the empty set is not valid (there
is confounding), and some set is. All of it follows from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

from causal.criteria.adjustment import is_valid
from causal.criteria.separator import moral
from causal.graph.dag import Dag
from causal.graph.walk import descendants

__all__ = ["KINDS", "SHAPES", "Asked", "Drawing", "Plan", "dag_of", "plan", "random_drawing"]

SHAPES = {"broad": None, "deep": 100}
"""How far back the causes of a node may lie in the order."""
KINDS = ("canonical", "recommended", "one short", "one more", "random")
"""What the sets of a question are: two valid ones; the second without a member that matters, or
with an effect of the exposure too; five nodes at random."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Nodes, arrows (cause, effect), and which nodes are latent, by name."""

    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    latent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question (total effect), and sets to judge for it, one of each of `KINDS`."""

    exposure: str
    outcome: str
    sets: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A drawing and the questions about it."""

    drawing: Drawing
    questions: tuple[Asked, ...]


def random_drawing(shape: str, size: int, seed: int) -> Drawing:
    """A random drawing of *size* nodes; the same for the same seed.

    Parameters
    ----------
    shape
        One of `SHAPES`.
    size
        How many nodes.
    seed
        Any number.
    """
    rng = random.Random(f"{shape}, {size} nodes, drawing {seed}")  # noqa: S311
    nodes = [f"v{i}" for i in range(size)]
    order = rng.sample(nodes, size)  # the order of the names says nothing about causes
    window = SHAPES[shape] or size
    edges = [
        (order[cause], order[i])
        for i in range(1, size)
        for cause in rng.sample(range(max(0, i - window), i), min(2, i))
    ]
    return Drawing(tuple(nodes), tuple(sorted(edges)), tuple(sorted(rng.sample(nodes, size // 5))))


def dag_of(drawing: Drawing) -> Dag:
    """The drawing as the workbench holds it."""
    return Dag(nodes=drawing.nodes, edges=drawing.edges, latent=drawing.latent)


def plan(shape: str, size: int, questions: int, *, seed: int = 0) -> Plan:
    """A drawing with as many *questions*.

    Parameters
    ----------
    shape, size
        As in `random_drawing`.
    questions
        How many. A small drawing may hold fewer: others are drawn until one has enough.
    seed
        Of the first drawing tried.
    """
    for number in count(seed):
        drawing = random_drawing(shape, size, number)
        found = tuple(islice(_questions(drawing, number), questions))
        if len(found) == questions:
            return Plan(drawing, found)
    raise AssertionError


def _questions(drawing: Drawing, seed: int) -> Iterator[Asked]:
    """Questions worth asking, from random pairs of observed nodes."""
    dag = dag_of(drawing)
    rng = random.Random(f"{len(drawing.nodes)} nodes, questions {seed}")  # noqa: S311
    observed = sorted({*drawing.nodes} - {*drawing.latent})
    for exposure in rng.sample(observed, min(len(observed), 200)):
        below = descendants(dag.adjacency, [dag.number(exposure)]) - dag.hidden
        effects = [name for name in dag.named(below) if name != exposure]
        if not effects:
            continue
        outcome = rng.choice(effects)
        question = dag.question(exposure, outcome, effect="total")
        if is_valid(question, ()):
            continue
        fixed = question.setting
        graph = moral(fixed.graph, fixed.exposures | fixed.outcomes)
        allowed = graph.within - fixed.unusable
        canonical = dag.named(allowed)
        if not is_valid(question, canonical):
            continue
        first = graph.first_met(fixed.outcomes, allowed | fixed.exposures)
        needed = dag.named(graph.first_met(fixed.exposures, first) & first)
        best = dag.named(first)
        missing = rng.choice(needed)
        others = [name for name in observed if name not in {*best, exposure, outcome}]
        effect = rng.choice([name for name in effects if name != outcome] or others)
        yield Asked(
            exposure,
            outcome,
            (
                canonical,
                best,
                tuple(name for name in best if name != missing),
                tuple(sorted({*best, effect})),
                tuple(rng.sample(others, min(5, len(others)))),
            ),
        )

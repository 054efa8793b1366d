"""Yes or no: a chance for each combination of group and treatment.

Recipe (seed 2020, 10,000 rows): x1 one of three, x2 one of two, y1 = 1 with the chance

======  ======  ======  ======
x1      x2 = 0  x2 = 1  effect
======  ======  ======  ======
0         .1      .2      .1
1         .2      .1     -.1
2         .3      .3      0
======  ======  ======  ======

The truth is the average of these effects over the rows, which is nearly 0. Each chance has the
prior Beta(1, 1), and what is left of it after some 1,700 rows a cell is nothing to speak of.

The error of a difference of shares: a share p of n rows has the sd sqrt(p (1 - p) / n). The average
over the three groups has that of a third of each.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import PriorChoice
from causal.study.experiment import (
    Adjusts,
    Asked,
    Covers,
    Lesson,
    Misses,
    Near,
    Says,
    difference_error,
)

ROWS = 10_000
CHANCES = np.array([[0.1, 0.2], [0.2, 0.1], [0.3, 0.3]])  # by x1, by x2
EFFECTS = CHANCES[:, 1] - CHANCES[:, 0]


def simulate() -> dict[str, NDArray[Any]]:
    """Draw the data, in the tutorial's order."""
    random = np.random.RandomState(2020)
    x1 = random.choice(3, size=ROWS)
    x2 = random.choice(2, size=ROWS)
    return {"x1": x1, "x2": x2, "y1": random.binomial(1, CHANCES[x1, x2], size=ROWS)}


def spread(chance: float) -> float:
    """Sd of what is 1 with this chance and otherwise 0."""
    return float(np.sqrt(chance * (1 - chance)))


AVERAGE = float(EFFECTS[simulate()["x1"]].mean())
GROUPS = [
    difference_error((spread(low), ROWS / 6), (spread(high), ROWS / 6)) for low, high in CHANCES
]
OVERALL = float(np.sqrt(np.sum(np.square(GROUPS)))) / 3
SHARES = CHANCES.mean(axis=0)  # with x1 left out
WITHOUT = difference_error((spread(SHARES[0]), ROWS / 2), (spread(SHARES[1]), ROWS / 2))

LESSON = Lesson(
    "bernoulli_cells",
    place=16,
    title="Yes or no, by group",
    teaches="On average the treatment x2 does nothing, and that is no comfort to anybody: it "
    "raises the chance by a tenth in one group and lowers it by a tenth in another. With few "
    "categories, give each combination a chance of its own and look at the groups.",
    dag=dag_path("heterogeneity").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x2",
            "y1",
            truth=AVERAGE,
            priors=PriorChoice(),  # Beta(1, 1) for each cell
            family="cells",
            categorical=("x1",),
            expectations=(
                Adjusts(("x1",)),
                Near("unadjusted", error=WITHOUT),
                Says("unadjusted", "agrees"),
                Near("correct", error=OVERALL),
                Covers("correct"),
                *(
                    Near("correct", float(effect), group=("x1", str(group)), error=GROUPS[group])
                    for group, effect in enumerate(EFFECTS)
                ),
                Misses("correct", 0, group=("x1", "0")),
                Misses("correct", 0, group=("x1", "1")),
                Covers("correct", 0, group=("x1", "2")),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

"""One effect for all, where there is none: the average of effects that differ.

Recipe (seed 2025, 100 rows): x1 one of three, x2 one of two, y1 ~ Normal(mean, 0.1) with the means

======  ======  ======  ======
x1      x2 = 0  x2 = 1  effect
======  ======  ======  ======
0         2       1       -1
1        -2.5     2        4.5
2        -3       3        6
======  ======  ======  ======

The truth is the average of these effects over the 100 rows: 2.72. A regression with one effect of
x2 for all finds it, more or less. What it cannot say it takes for noise: beside the 0.1, half the
distance of each group's effect from the average, an sd of 1.47 in these rows. That is why its
interval is 14 times too wide, and how far off another assignment of x1 and x2 might have brought
it.

The tutorial reads off the levels of x2, whose intervals hold 0, that x2 does nothing in the
population. But a level by itself is no effect (see the lesson `categories`): the difference of the
two is, and it is far from 0. The effects do not cancel out.
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
    standard_error,
)

ROWS = 100
MEANS = np.array([[2, 1], [-2.5, 2], [-3, 3]])  # by x1, by x2
EFFECTS = MEANS[:, 1] - MEANS[:, 0]
PRIORS = PriorChoice("tutorial")  # Normal(0, 1), sigma Exponential(1)


def simulate() -> dict[str, NDArray[Any]]:
    """Draw the data, in the tutorial's order."""
    random = np.random.RandomState(2025)
    x1 = random.choice(3, size=ROWS)
    x2 = random.choice(2, size=ROWS)
    return {"x1": x1, "x2": x2, "y1": MEANS[x1, x2] + random.normal(0, 0.1, ROWS)}


OWN = EFFECTS[simulate()["x1"]]  # the effect in each row
AVERAGE = float(OWN.mean())
# x2 is one of two in halves: within a group, its sd is 1/2.
ADDITIVE = standard_error(noise=float(np.hypot(0.1, OWN.std() / 2)), spread=0.5, rows=ROWS)
LEFT, RIGHT = np.hypot(0.1, MEANS.std(axis=0))  # the noise without x1, at either value of x2
WITHOUT = difference_error((LEFT, ROWS / 2), (RIGHT, ROWS / 2))

LESSON = Lesson(
    "no_heterogeneity",
    place=14,
    title="One effect for all",
    teaches="x2 does something else in each group of x1. A regression that gives it one effect for "
    "all finds about the average, takes the differences for noise, and tells each group something "
    "that is not true there.",
    dag=dag_path("heterogeneity").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x2",
            "y1",
            truth=AVERAGE,
            priors=PRIORS,
            form="0 + x1 + x2",
            categorical=("x1", "x2"),
            expectations=(
                Adjusts(("x1",)),
                Near("unadjusted", error=WITHOUT),
                Says("unadjusted", "agrees"),
                Near("correct", error=ADDITIVE),
                Covers("correct"),
                Misses("correct", 0),
                Misses("correct", float(EFFECTS[0]), group=("x1", "0")),
                Misses("correct", float(EFFECTS[1]), group=("x1", "1")),
                Misses("correct", float(EFFECTS[2]), group=("x1", "2")),
            ),
            note="The set is right and the answer is right on average; the form of the regression "
            "is wrong. No DAG says so. (The levels of x2 by themselves are near 0 on either side, "
            "which the tutorial takes for no effect: look at their difference.)",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

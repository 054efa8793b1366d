"""Categories: a number for each level, of which only the differences are effects.

Recipe (seed 2025, 100 rows): five levels beta1 ~ Normal(0, 2) and four levels beta2 ~ Normal(1, 1),
then x1 one of five, x2 one of four with the chances .1, .2, .3, .4, and
y1 = beta1[x1] + beta2[x2] + Normal(0, 0.1).

The tutorial's regression has no intercept and Normal(0, 1) for each of the nine levels, which is
one number more than data can tell: with c added to every level of x1 and taken from every level of
x2, y1 stays as it is. There the priors alone decide, and they ask for the smallest levels: for a c
of 1.25, give or take 1/3 (unit priors on nine numbers that move together). So x2[0], which is 3.15,
is put near 3.15 - 1.25. This is what these priors do to levels drawn from Normal(1, 1) and
Normal(0, 2), and there is no harm in it: the differences, which are the effects, are told by the
data, and the priors move them by less than a tenth of their error.

The error of a difference of two levels is that of two means. Without x1 the noise of y1 is that of
its levels as well.
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

ROWS = 100
PRIORS = PriorChoice("tutorial")  # Normal(0, 1), sigma Exponential(1)


def recipe() -> tuple[NDArray[np.float64], NDArray[np.float64], dict[str, NDArray[Any]]]:
    """Draw the levels of x1 and of x2 and then the data, in the tutorial's order."""
    random = np.random.RandomState(2025)
    beta1 = random.normal(0, 2, 5)
    beta2 = random.normal(1, 1, 4)
    x1 = random.choice(5, size=ROWS)
    x2 = random.choice(4, p=[0.1, 0.2, 0.3, 0.4], size=ROWS)
    y1 = beta1[x1] + beta2[x2] + random.normal(0, 0.1, ROWS)
    return beta1, beta2, {"x1": x1, "x2": x2, "y1": y1}


def simulate() -> dict[str, NDArray[Any]]:
    """Make the data."""
    return recipe()[-1]


BETA1, BETA2, DATA = recipe()
TRUTH = [float(level - BETA2[0]) for level in BETA2]  # of each level against the first
COUNTS = np.bincount(DATA["x2"]).tolist()


def error(level: int, noise: float) -> float:
    """Standard error of a level of x2 against the first one."""
    return difference_error((noise, COUNTS[0]), (noise, COUNTS[level]))


WITHOUT = float(np.hypot(BETA1.std(), 0.1))

LESSON = Lesson(
    "categories",
    place=11,
    title="Categories",
    teaches="x1 and x2 are labels, not amounts, so each level gets a number of its own. Only "
    "differences between levels are effects: the levels themselves can be moved up in x1 and down "
    "in x2 without any change in y1, and where they stand is what the priors say.",
    dag=dag_path("categories").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x2",
            "y1",
            truth=TRUTH[1],
            priors=PRIORS,
            form="0 + x1 + x2",
            categorical=("x1", "x2"),
            expectations=(
                Adjusts(("x1",)),
                Near("unadjusted", error=error(1, WITHOUT)),
                Says("unadjusted", "agrees"),
                Near("correct", error=error(1, 0.1)),
                Covers("correct"),
                Near("correct", TRUTH[2], contrast="2 - 0", error=error(2, 0.1)),
                Near("correct", TRUTH[3], contrast="3 - 0", error=error(3, 0.1)),
                Misses("correct", float(BETA2[0]), coefficient="x2[0]"),
            ),
            note="x2[0] is 3.15 in the recipe and 1.95 here, and its interval does not reach the "
            "truth: the priors Normal(0, 1) took 1.2 from every level of x2 and gave it to every "
            "level of x1. No effect is touched by that.",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

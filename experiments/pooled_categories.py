"""Pooled categories: levels that are drawn from a common distribution, and it is learnt as well.

Recipe: that of the lesson `categories` (seed 2025, 100 rows; noise 0.1).

The tutorial gives the four levels of x2 a Normal distribution whose mean is Normal(0, 1) and whose
sd is Exponential(1), and the five levels of x1 Normal(0, 1) each. Here the mean of the levels is
the intercept, ``x1 + (1 | x2)``: the same model, number by number. Asked is the effect of x1: what
is pooled is what is adjusted for, for an effect that is itself asked for should not be shrunk.

What pooling does to a level follows from its rows: it keeps the share n / (n + noise^2 / sd^2) of
its distance from the mean. With a noise of 0.1, levels about 1 apart and 7 rows or more, that is
more than 0.998: these data leave nothing to pooling, and the effects are those of the unpooled
regression. What it is good for, the lesson `shrinkage` shows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import PriorChoice
from causal.study.experiment import Adjusts, Asked, Covers, Lesson, Near, Says, difference_error

ROWS = 100
PRIORS = PriorChoice("tutorial")  # Normal(0, 1), sigma and the sd of the levels Exponential(1)


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
TRUTH = [float(level - BETA1[0]) for level in BETA1]  # of each level against the first
COUNTS = np.bincount(DATA["x1"]).tolist()


def error(level: int, noise: float) -> float:
    """Standard error of a level of x1 against the first one."""
    return difference_error((noise, COUNTS[0]), (noise, COUNTS[level]))


LESSON = Lesson(
    "pooled_categories",
    place=12,
    title="Pooled categories",
    teaches="Levels that share something can share information: their mean and their spread are "
    "learnt along with them, and a level with few rows leans on the others. Where the rows say "
    "enough, as here, nothing changes.",
    dag=dag_path("categories").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x1",
            "y1",
            truth=TRUTH[1],
            priors=PRIORS,
            form="x1 + (1 | x2)",
            categorical=("x1", "x2"),
            own={"unpooled": "y1 ~ 0 + x1 + x2"},
            expectations=(
                Adjusts(("x2",)),
                Near("unadjusted", error=error(1, float(np.hypot(BETA2.std(), 0.1)))),
                Says("unadjusted", "agrees"),
                Near("unpooled", error=error(1, 0.1)),
                Says("unpooled", "agrees"),
                Near("correct", error=error(1, 0.1)),
                Covers("correct"),
                *(
                    Near("correct", TRUTH[k], contrast=f"{k} - 0", error=error(k, 0.1))
                    for k in (2, 3, 4)
                ),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

"""The collider: x and y both cause z, and have nothing to do with each other.

Recipe (seed 2025, 100 rows): x ~ Normal(10, 3), y ~ Normal(2, 3), z = 3 x + 2 y + Normal(0, 0.1).
Solved for y, that is y = -1.5 x + 0.5 z: what a regression with z in it must find.

With z in, the noise of y is that of z divided by 2. Among rows of one z, x still varies by 1.66
(x and 2/3 y add up to a constant there); among rows of one x, z varies by 2 x 3.

The tutorial takes what is left of y, y - mu, for the data, with the mean 0. As a function of the
slopes that is the same likelihood as y with the mean mu, so the posterior is the same. But data
that depend on parameters are none: newer versions of PyMC refuse them, and nothing could be
predicted.
"""

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
    standard_error,
)

ROWS = 100
PRIORS = PriorChoice("tutorial")  # Normal(0, 1), sigma Exponential(1)


def simulate() -> dict[str, NDArray[np.float64]]:
    """Draw the data, in the tutorial's order."""
    random = np.random.RandomState(2025)
    x = random.normal(10, 3, ROWS)
    y = random.normal(2, 3, ROWS)
    return {"x": x, "z": 3 * x + 2 * y + random.normal(0, 0.1, ROWS), "y": y}


LESSON = Lesson(
    "collider",
    place=8,
    title="The collider",
    teaches="x and y have nothing to do with each other, and both move z. Who knows z and x can "
    "work out y: with z in the regression, x seems to push y down. Leave the collider out.",
    dag=dag_path("collider").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x",
            "y",
            truth=0,
            priors=PRIORS,
            expectations=(
                Adjusts(()),
                Near("everything", -1.5, error=standard_error(noise=0.05, spread=1.66, rows=ROWS)),
                Near(
                    "everything",
                    0.5,
                    coefficient="z",
                    error=standard_error(noise=0.05, spread=6, rows=ROWS),
                ),
                Misses("everything"),
                Says("everything", "misleads"),
                Near("correct", error=standard_error(noise=3, spread=3, rows=ROWS)),
                Covers("correct"),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

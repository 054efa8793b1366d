"""The descendant: d tells a little about z, the collider that x and y cause.

The tutorial names this fourth confound and stops there. Recipe, a continuation of the collider's
(seed 2025, 100 rows): x ~ Normal(10, 3), y ~ Normal(2, 3), z = 3 x + 2 y + Normal(0, 0.1),
d = z + Normal(0, 6).

Among rows of one x, z varies by 6, and so does d around z: half of what d says is about z. So d in
the regression does half of the harm that z does: the slope of x is -0.75 where z gives -1.5. The
noise of y is then 3 / sqrt(2); among rows of one d, x varies by 2.06.
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
    z = 3 * x + 2 * y + random.normal(0, 0.1, ROWS)
    return {"x": x, "y": y, "z": z, "d": z + random.normal(0, 6, ROWS)}


LESSON = Lesson(
    "descendant",
    place=9,
    title="The descendant",
    teaches="d is a noisy copy of the collider z. Whoever includes d includes z by half, and "
    "gets half of its harm. Leave the descendants of a collider out too.",
    dag=dag_path("descendant").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x",
            "y",
            truth=0,
            priors=PRIORS,
            own={"with d": ("d",)},
            expectations=(
                Adjusts(()),
                Near("with d", -0.75, error=standard_error(noise=2.12, spread=2.06, rows=ROWS)),
                Misses("with d"),
                Says("with d", "misleads"),
                Near("everything", -1.5, error=standard_error(noise=0.05, spread=1.66, rows=ROWS)),
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

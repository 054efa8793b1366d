"""The pipe: x1 acts on y1 only through the mediator x2.

Recipe (seed 2019, 100 rows): x1 ~ Normal(10, 3), x2 = 2 x1 + Normal(0, 0.1),
y1 = 5 x2 + Normal(0, 0.1). Direct effect of x1: 0. Total effect: 2 x 5 = 10.

Without x2 the noise of y1 is that of 5 x2 as well: sqrt(0.5^2 + 0.1^2). Among rows of one x2, x1
varies by the noise of x2 alone: 0.1 / 2.

The tutorial's prior for slopes is Normal(0, 2), which puts the total effect of 10 five sds away,
and the slope 5 of x2 two and a half. A hundred rows with so little noise overrule it.
"""

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import Distribution, PriorChoice
from causal.study.experiment import (
    Adjusts,
    Asked,
    Covers,
    Lesson,
    Near,
    Says,
    standard_error,
)

ROWS = 100
PRIORS = PriorChoice(
    "tutorial",
    {
        "intercept": Distribution("Normal", (0, 10)),
        "slope": Distribution("Normal", (0, 2)),
    },
)


def simulate() -> dict[str, NDArray[np.float64]]:
    """Draw the data, in the tutorial's order."""
    random = np.random.RandomState(2019)
    x1 = random.normal(10, 3, ROWS)
    x2 = 2 * x1 + random.normal(0, 0.1, ROWS)
    return {"x1": x1, "x2": x2, "y1": 5 * x2 + random.normal(0, 0.1, ROWS)}


WITHOUT = standard_error(noise=0.51, spread=3, rows=ROWS)
WITH = standard_error(noise=0.1, spread=0.05, rows=ROWS)

LESSON = Lesson(
    "pipe",
    place=5,
    title="The mediator, or pipe",
    teaches="x1 moves x2, x2 moves y1, and that is all x1 does. With x2 in, nothing is left; "
    "without it the regression finds what runs through x2. Both are right, as answers to "
    "different questions: include the mediator for the direct effect, leave it out for the total "
    "one.",
    dag=dag_path("pipe").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x1",
            "y1",
            truth=0,
            priors=PRIORS,
            expectations=(
                Adjusts(("x2",)),
                Near("unadjusted", 10, error=WITHOUT),
                Says("unadjusted", "misleads"),
                Near("correct", error=WITH),
                Covers("correct"),
            ),
        ),
        Asked(
            "x1",
            "y1",
            effect="total",
            truth=10,
            priors=PRIORS,
            expectations=(
                Adjusts(()),
                Near("everything", 0, error=WITH),
                Says("everything", "misleads"),
                Near("correct", error=WITHOUT),
                Covers("correct"),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

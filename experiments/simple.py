"""One cause, one effect: there is nothing to adjust for.

Recipe (seed 2019, 100 rows): x1 ~ Normal(10, 3), then y1 = 5 x1 + Normal(0, 0.1). The regression
sees x1 with its mean taken off.
"""

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import Distribution, PriorChoice
from causal.study.experiment import Adjusts, Asked, Covers, Lesson, Near, standard_error

ROWS = 100
PRIORS = PriorChoice(
    "tutorial",
    {
        "intercept": Distribution("Normal", (0, 10)),
        "slope": Distribution("Normal", (0, 10)),
    },
)


def simulate() -> dict[str, NDArray[np.float64]]:
    """Draw the data, in the tutorial's order."""
    random = np.random.RandomState(2019)
    x1 = random.normal(10, 3, ROWS)
    y1 = 5 * x1 + random.normal(0, 0.1, ROWS)
    return {"x1": x1 - x1.mean(), "y1": y1}


LESSON = Lesson(
    "simple",
    place=3,
    title="One cause, one effect",
    teaches="x1 moves y1, and nothing else is in play: the plain regression is the right one.",
    dag=dag_path("simple").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x1",
            "y1",
            truth=5,
            priors=PRIORS,
            expectations=(
                Adjusts(()),
                Near("correct", error=standard_error(noise=0.1, spread=3, rows=ROWS)),
                Covers("correct"),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

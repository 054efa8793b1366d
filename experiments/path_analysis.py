"""Path analysis: a chain of regressions for the pipe.

Recipe: that of the lesson `pipe` (seed 2019, 100 rows): x1 ~ Normal(10, 3),
x2 = 2 x1 + Normal(0, 0.1), y1 = 5 x2 + Normal(0, 0.1).

The tutorial's model has two regressions, x2 on x1 and y1 on x2, that are fitted together. All that
x1 does runs along the two arrows, so its effect is the product of their slopes, 2 x 5 = 10, and
nothing is left for an arrow of its own: the drawing has none. Its priors Normal(0, 2) on the slopes
are drawn to a 5 by 100 rows with little noise; they change no digit that is shown.

The error of a product a b is that of a times b and that of b times a. It is 0.017; the total effect
by one regression of y1 on x1 has the same. But the direct effect by a regression on both x1 and x2,
which does not take the drawing's word for it that there is none, has an error of 0.2: x1 and x2 are
nearly proportional.
"""

import math

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import Distribution, PriorChoice
from causal.study.experiment import (
    PATHS,
    Adjusts,
    Asked,
    Covers,
    Lesson,
    Near,
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


FIRST = standard_error(noise=0.1, spread=3, rows=ROWS)
SECOND = standard_error(noise=0.1, spread=6, rows=ROWS)
PRODUCT = math.hypot(5 * FIRST, 2 * SECOND)

LESSON = Lesson(
    "path_analysis",
    place=6,
    title="Path analysis",
    teaches="Each arrow of the pipe is a regression, and both are fitted in one model: x1 makes "
    "x2, x2 makes y1. The effect along a path is the product of its slopes. That no arrow leads "
    "from x1 straight to y1 is something the chain takes from the drawing; a regression on both "
    "can put it to the test.",
    dag=dag_path("pipe").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x1",
            "y1",
            effect="total",
            truth=10,
            priors=PRIORS,
            paths=True,
            expectations=(
                Adjusts(()),
                Near("everything", 0, error=standard_error(noise=0.1, spread=0.05, rows=ROWS)),
                Near("correct", error=standard_error(noise=0.51, spread=3, rows=ROWS)),
                Near(PATHS, error=PRODUCT),
                Covers(PATHS),
                Near(PATHS, 10, along="indirect", error=PRODUCT),
                Near(PATHS, 0, along="direct", error=PRODUCT),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

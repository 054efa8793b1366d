"""Two independent causes: leaving one out does not mislead, but it blurs.

Recipe (seed 2019, 100 rows): x1 and x2 ~ Normal(10, 3), y1 = 2 x1 + 5 x2 + Normal(0, 0.1).

Left out, x2 joins the noise: its share in y1 has an sd of 5 x 3 = 15.
"""

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import Distribution, PriorChoice
from causal.study.experiment import Adjusts, Asked, Covers, Lesson, Near, Says, standard_error

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
    x2 = random.normal(10, 3, ROWS)
    return {"x1": x1, "x2": x2, "y1": 2 * x1 + 5 * x2 + random.normal(0, 0.1, ROWS)}


SHARP = standard_error(noise=0.1, spread=3, rows=ROWS)
BLURRED = standard_error(noise=15, spread=3, rows=ROWS)

LESSON = Lesson(
    "multivariate",
    place=4,
    title="Two independent causes",
    teaches="x1 and x2 both move y1 and have nothing to do with each other. Without x2 the "
    "answer is still right, only much less precise: x2 is in for precision, not against bias.",
    dag=dag_path("multivariate").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x1",
            "y1",
            truth=2,
            priors=PRIORS,
            expectations=(
                Adjusts(("x2",)),
                Near("correct", error=SHARP),
                Near("correct", 5, coefficient="x2", error=SHARP),
                Says("unadjusted", "agrees"),
            ),
            note="The interval of the correct effect just misses 2, as one 89% interval in nine "
            "does. The unadjusted one is off for another reason: without x2 the intercept is "
            "near 5 x 10 = 50, the tutorial's prior Normal(0, 10) holds it down, and the slope "
            "makes up for that.",
        ),
        Asked(
            "x1",
            "y1",
            truth=2,
            priors=PriorChoice(),
            expectations=(
                Near("correct", error=SHARP),
                Near("unadjusted", error=BLURRED),
                Covers("unadjusted"),
                Says("unadjusted", "agrees"),
            ),
            note="The same question and data under the default priors, which put the intercept "
            "where the data are: the unadjusted model is blurred, and not off.",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

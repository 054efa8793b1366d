"""The fork: z causes both x and y, and x does nothing to y.

Recipe (seed 2025, 1,000 rows): z ~ Normal(10, 3), x = 3 z + Normal(0, 0.1),
y = 2 z + Normal(0, 0.1). Left alone, y goes with x as 2 z goes with 3 z: by 2/3.

Without z the noise of y is that of 2/3 x as well: 0.1 x sqrt(1 + 4/9). Among rows of one z, x
varies by its own noise alone.

The tutorial's model is the same, number by number. But x and z are nearly proportional there and
not centred, so its posterior is a long thin ridge, along which its sampler creeps at the limit of
its tree depth: some 150 effective draws in half a minute or more. Here the posterior is computed.
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

ROWS = 1000
PRIORS = PriorChoice("tutorial")  # Normal(0, 1), sigma Exponential(1)


def simulate() -> dict[str, NDArray[np.float64]]:
    """Draw the data, in the tutorial's order."""
    random = np.random.RandomState(2025)
    z = random.normal(10, 3, ROWS)
    x = 3 * z + random.normal(0, 0.1, ROWS)
    return {"x": x, "z": z, "y": 2 * z + random.normal(0, 0.1, ROWS)}


LESSON = Lesson(
    "fork",
    place=7,
    title="The common cause, or fork",
    teaches="z moves both x and y, so they go together although x does nothing to y. Include the "
    "common cause, and the spurious slope is gone.",
    dag=dag_path("fork").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x",
            "y",
            truth=0,
            priors=PRIORS,
            expectations=(
                Adjusts(("z",)),
                Near("unadjusted", 2 / 3, error=standard_error(noise=0.12, spread=9, rows=ROWS)),
                Misses("unadjusted"),
                Says("unadjusted", "misleads"),
                Near("correct", error=standard_error(noise=0.1, spread=0.1, rows=ROWS)),
                Covers("correct"),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

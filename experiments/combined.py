"""A pipe and a collider at once: include x2, leave z out.

Recipe (seed 2025, 1,000 rows): x1 ~ Normal(10, 3), x2 = 3 x1 + Normal(0, 0.1),
y = -2 x1 + 2 x2 + Normal(0, 0.5), z = -x1 + 5 y + Normal(0, 0.1).

Without x2 the noise of y is that of 2 x2 as well: sqrt(0.2^2 + 0.5^2). Among rows of one x2, x1
varies by 0.1 / 3. With z in, y is nearly (z + x1) / 5: x1 seems to raise it by 0.2, with a noise
of 0.1 / 5.

The tutorial's model is a chain, x2 on x1 and y on both: a path analysis. Its regression of y has no
intercept; these have, with the prior of the others. Without z, the error of what runs through x2 is
three times that of the slope of x2: as well known as the direct effect. The two are so uncertain
because x1 and x2 are nearly proportional, and their sum, 4, is not.
"""

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import PriorChoice
from causal.study.experiment import (
    PATHS,
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
    x1 = random.normal(10, 3, ROWS)
    x2 = 3 * x1 + random.normal(0, 0.1, ROWS)
    y = -2 * x1 + 2 * x2 + random.normal(0, 0.5, ROWS)
    return {"x1": x1, "x2": x2, "z": -x1 + 5 * y + random.normal(0, 0.1, ROWS), "y": y}


WITHOUT = standard_error(noise=0.54, spread=3, rows=ROWS)
WITH_X2 = standard_error(noise=0.5, spread=0.1 / 3, rows=ROWS)
OF_X2 = standard_error(noise=0.5, spread=0.1, rows=ROWS)
WITH_Z = standard_error(noise=0.02, spread=0.1 / 3, rows=ROWS)

LESSON = Lesson(
    "combined",
    place=10,
    title="A pipe and a collider at once",
    teaches="x1 moves y directly, by -2, and through x2; and both x1 and y move z. Include the "
    "mediator x2, leave the collider z out. With everything in, the answer is precise and wrong.",
    dag=dag_path("combined").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x1",
            "y",
            truth=-2,
            priors=PRIORS,
            paths=True,
            expectations=(
                Adjusts(("x2",)),
                Near("unadjusted", 4, error=WITHOUT),
                Says("unadjusted", "misleads"),
                Near("everything", 0.2, error=WITH_Z),
                Misses("everything"),
                Says("everything", "misleads"),
                Near("correct", error=WITH_X2),
                Covers("correct"),
                Near(PATHS, error=WITH_X2),
                Near(PATHS, 6, along="indirect", error=3 * OF_X2),
                Near(PATHS, 4, along="total", error=WITHOUT),
            ),
            note="x1 and x2 are nearly proportional, so the data say little about either alone, "
            "and the tutorial's priors Normal(0, 1) pull the correct effect inwards: from -2.07, "
            "which least squares gives, to -1.57. Its interval still covers -2. (The tutorial's "
            "regression of y has no intercept; here it has one.)",
        ),
        Asked(
            "x1",
            "y",
            truth=-2,
            priors=PriorChoice("wide"),
            expectations=(
                Near("correct", error=WITH_X2),
                Near("correct", 2, coefficient="x2", error=OF_X2),
                Covers("correct"),
            ),
            note="The same question and data under wide priors: the pull is gone.",
        ),
        Asked(
            "x1",
            "x2",
            truth=3,
            priors=PRIORS,
            expectations=(
                Adjusts(()),
                Says("everything", "misleads"),
                Near("correct", error=standard_error(noise=0.1, spread=3, rows=ROWS)),
                Covers("correct"),
            ),
            note="The other regression of the tutorial's model. Both y and z come after x2: keep "
            "them out.",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

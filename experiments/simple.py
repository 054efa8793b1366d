"""One cause, one effect: the plain regression answers, because the DAG has nothing to adjust for.

Recipe: x1 ~ Normal(10, 3), y1 = 5 x1 + Normal(0, 0.1), 100 rows, seed 2019; then x1 minus its mean.
"""

import numpy as np

from causal.catalog import dag_path
from causal.models.priors import Distribution, PriorChoice
from causal.study.experiment import Adjusts, Asked, Covers, Lesson, Near, standard_error

ROWS = 100


def simulate():
    random = np.random.RandomState(2019)
    x1 = random.normal(10, 3, ROWS)
    y1 = 5 * x1 + random.normal(0, 0.1, ROWS)
    return {"x1": x1 - x1.mean(), "y1": y1}


LESSON = Lesson(
    "simple",
    title="One cause, one effect",
    teaches="x1 alone moves y1. There is nothing to adjust for, and the plain regression is right.",
    dag=dag_path("simple").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x1",
            "y1",
            truth=5,
            priors=PriorChoice(
                "tutorial",
                {
                    "intercept": Distribution("Normal", (0, 10)),
                    "slope": Distribution("Normal", (0, 10)),
                },
            ),
            expectations=(
                Adjusts(()),
                Near("correct", error=standard_error(noise=0.1, spread=3, rows=ROWS)),
                Covers("correct"),
            ),
        ),
    ),
)

"""The trap of prediction: the model that predicts best answers wrong.

Recipe (seed 2025, 200 rows): x ~ Normal(0, 1), y = 0.5 x + Normal(0, 1), z = x + y + Normal(0, 1).

z is an effect of x and y, and what y does shows in it. Among rows of one x, z - 1.5 x is the noise
of y and its own in equal parts: so z has the slope 1/2, and half of the variance of y's noise is
gone. Leaving each row out in turn, y is foretold better by log sqrt(2) a row, 69 in all, with a
standard error of sqrt(1/2) x sqrt(200) = 10: nobody who compares models by cross-validation would
leave z out. And x, which raises y by 0.5, has the slope 0.5 - 1.5 / 2 = -0.25 beside it.

Foretelling y and changing y are two things. Whoever sets x higher sets z higher too, and nothing
is gained by knowing it. (With z in, the noise of y is sqrt(1/2), and among rows of one z, of
variance 4.25, x has the variance 1 - 1.5^2 / 4.25.)

R. McElreath, *Statistical Rethinking* (2nd ed. 2020, section 7.5), warns of the same.
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
    Predicts,
    Says,
    standard_error,
)

ROWS = 200


def simulate(push: float = 0) -> dict[str, NDArray[np.float64]]:
    """Draw the data.

    Parameters
    ----------
    push
        Added to every x from outside: what y gains by it is the truth.
    """
    random = np.random.default_rng(2025)
    x = random.normal(0, 1, ROWS) + push
    y = 0.5 * x + random.normal(0, 1, ROWS)
    return {"x": x, "z": x + y + random.normal(0, 1, ROWS), "y": y}


LESSON = Lesson(
    "loo_trap",
    place=25,
    title="Predicts best, answers wrong",
    teaches="z is an effect of x and y, so it foretells y well: cross-validation wants it in the "
    "regression. There it turns the effect of x round. What predicts best is no reason to adjust.",
    dag=dag_path("loo_trap").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x",
            "y",
            truth=0.5,
            effect="total",
            priors=PriorChoice(),
            expectations=(
                Adjusts(()),
                Predicts("everything", than="correct"),
                Near(
                    "everything", -0.25, error=standard_error(noise=0.707, spread=0.686, rows=ROWS)
                ),
                Misses("everything"),
                Says("everything", "misleads"),
                Near("correct", error=standard_error(noise=1, spread=1, rows=ROWS)),
                Covers("correct"),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

"""M-bias: a variable that came first, goes with both ends, and must still be left out.

Recipe (seed 2025, 1,000 rows): a, b ~ Normal(0, 1), never measured; m = a + b + Normal(0, 0.5);
x = a + Normal(0, 1); y = 0.5 x + b + Normal(0, 1).

m comes before x, goes with x by way of a and with y by way of b: all that a rule such as "adjust
for everything measured beforehand" asks for. But a and b meet in m. Among rows of one m, of
variance 2.25, a high a means a low b: x and b, strangers to each other, have the covariance
-1 / 2.25 there, x the variance 2 - 1 / 2.25 = 1.556. So m in the regression moves the slope by
-0.444 / 1.556 = -2/7, from 1/2 to 3/14.

Left out, the noise of y is b's and its own, sqrt(2), and x varies by sqrt(2). With m in, 1.195 of
noise are left and x varies by 1.247.
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


def simulate(push: float = 0) -> dict[str, NDArray[np.float64]]:
    """Draw the data; a and b stay unmeasured.

    Parameters
    ----------
    push
        Added to every x from outside: what y gains by it is the truth.
    """
    random = np.random.default_rng(2025)
    a, b = random.normal(0, 1, (2, ROWS))
    m = a + b + random.normal(0, 0.5, ROWS)
    x = a + random.normal(0, 1, ROWS) + push
    return {"m": m, "x": x, "y": 0.5 * x + b + random.normal(0, 1, ROWS)}


LESSON = Lesson(
    "m_bias",
    place=20,
    title="M-bias: not everything measured before",
    teaches="m came before x and goes with both x and y, and yet it causes neither: two unmeasured "
    "causes meet in it. Left alone it does nothing. Include it and their paths join: the slope "
    "loses more than half of itself.",
    dag=dag_path("m_bias").read_text(encoding="utf-8"),
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
                Near(
                    "everything", 3 / 14, error=standard_error(noise=1.195, spread=1.247, rows=ROWS)
                ),
                Misses("everything"),
                Says("everything", "misleads"),
                Near("correct", error=standard_error(noise=2**0.5, spread=2**0.5, rows=ROWS)),
                Covers("correct"),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

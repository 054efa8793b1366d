"""An effect for each group, and a common distribution of the effects.

Recipe: that of the lesson `no_heterogeneity` (seed 2025, 100 rows; effects of x2 by x1: -1, 4.5, 6;
noise 0.1). The truth is their average over the rows.

The tutorial's model: each group of x1 has a mean for x2 = 0 and one for x2 = 1, and the pairs are
drawn from a normal distribution in two dimensions, with Normal(0, 2) for its means, Exponential(1)
for its sds and LKJ(2) for its correlation. Here that is ``0 + x2 + (0 + x2 | x1)``: the pairs are
sums of the two means and the groups' deviations from them, the same model number by number.

Within a group, x2 is one of two in halves, so its sd is 1/2, and there are 100 / 3 rows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import Distribution, PriorChoice
from causal.study.experiment import (
    Adjusts,
    Asked,
    Lesson,
    Misses,
    Near,
    standard_error,
)

ROWS = 100
MEANS = np.array([[2, 1], [-2.5, 2], [-3, 3]])  # by x1, by x2
EFFECTS = MEANS[:, 1] - MEANS[:, 0]
# Normal(0, 2) for the two means of all groups; sigma and the sds of the groups Exponential(1).
PRIORS = PriorChoice("tutorial", {"level": Distribution("Normal", (0, 2))})


def simulate() -> dict[str, NDArray[Any]]:
    """Draw the data, in the tutorial's order."""
    random = np.random.RandomState(2025)
    x1 = random.choice(3, size=ROWS)
    x2 = random.choice(2, size=ROWS)
    return {"x1": x1, "x2": x2, "y1": MEANS[x1, x2] + random.normal(0, 0.1, ROWS)}


OWN = EFFECTS[simulate()["x1"]]  # the effect in each row
AVERAGE = float(OWN.mean())
GROUP = standard_error(noise=0.1, spread=0.5, rows=ROWS / 3)
ADDITIVE = standard_error(noise=float(np.hypot(0.1, OWN.std() / 2)), spread=0.5, rows=ROWS)

LESSON = Lesson(
    "heterogeneity",
    place=15,
    title="An effect for each group",
    teaches="With effects that may differ by group, the regression finds all three, and their "
    "average over the rows is told fifteen times more precisely than by one effect for all.",
    dag=dag_path("heterogeneity").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x2",
            "y1",
            truth=AVERAGE,
            priors=PRIORS,
            form="0 + x2 + (0 + x2 | x1)",
            categorical=("x1", "x2"),
            own={"one for all": "y1 ~ 0 + x1 + x2"},
            expectations=(
                Adjusts(("x1",)),
                Near("one for all", error=ADDITIVE),
                *(
                    Misses("one for all", float(effect), group=("x1", str(group)))
                    for group, effect in enumerate(EFFECTS)
                ),
                Near("correct", error=standard_error(noise=0.1, spread=0.5, rows=ROWS)),
                *(
                    Near("correct", float(effect), group=("x1", str(group)), error=GROUP)
                    for group, effect in enumerate(EFFECTS)
                ),
            ),
            note="The effects do not cancel out: their average over the rows is 2.72. (The "
            "interval just misses it, as one 89% interval in nine does: the means of the rows say "
            "2.68.)",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

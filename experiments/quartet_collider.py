"""The causal quartet, 1 of 4: the covariate is a collider, and the answer is 1.

Recipe: exposure sd 1; outcome = exposure + noise of sd 1; covariate = 47/140 exposure + 51/140
outcome + noise, so that the covariate has sd 1.

The causal quartet is four data sets that look alike and have different right answers (L. D'Agostino
McGowan, T. Gerke & M. Barrett, "Causal inference is not just a statistics problem", Journal of
Statistics and Data Science Education, 2023). Theirs follow these four drawings and agree, up to
sampling error, in the slope without the covariate and in its correlation with the exposure.

These four are our own, and are alike to the last digit. All the noise of a recipe is made exactly
uncorrelated, with mean 0 and sd 1 in these very 100 rows; so every mean, sd and correlation of
exposure, covariate and outcome follows from the arrows alone, without sampling error, and the
arrows are chosen to make them equal in all four: exposure and covariate have sd 1 and correlate by
0.7, the slope of the exposure is 1 without the covariate and 0.5 beside it. A regression with
normal errors knows nothing of the data but these numbers. Under flat priors its slopes are the
least-squares ones, so the four studies have the same two posteriors, and only the drawing says
which of them is the answer.
"""

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import Distribution, PriorChoice
from causal.study.experiment import Adjusts, Asked, Covers, Lesson, Misses, Near, Says

ROWS = 100
PRIORS = PriorChoice(overrides={name: Distribution("Flat") for name in ("intercept", "slope")})


def noise(count: int) -> NDArray[np.float64]:
    """Columns with mean 0, sd 1 and no correlation at all, (count, rows)."""
    drawn = np.random.default_rng(2023).normal(size=(ROWS, count))
    basis, _ = np.linalg.qr(drawn - drawn.mean(axis=0))
    return np.sqrt(ROWS) * basis.T


def simulate(push: float = 0) -> dict[str, NDArray[np.float64]]:
    """Make the data.

    Parameters
    ----------
    push
        Added to every exposure from outside: what the outcome gains by it is the truth.
    """
    exposure, own, last = noise(3)
    exposure = exposure + push
    outcome = exposure + own
    known = 47 / 140 * exposure + 51 / 140 * outcome
    covariate = known + np.sqrt(1 - known.var()) * last
    return {"exposure": exposure, "covariate": covariate, "outcome": outcome}


LESSON = Lesson(
    "quartet_collider",
    place=21,
    title="The causal quartet: a collider",
    teaches="One of four data sets with the same means, spreads and correlations. Here exposure "
    "and outcome both move the covariate: leave it out, the effect is 1.",
    dag=dag_path("quartet_collider").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "exposure",
            "outcome",
            truth=1,
            effect="total",
            priors=PRIORS,
            expectations=(
                Adjusts(()),
                Near("correct", within=0.001),
                Covers("correct"),
                Near("everything", 0.5, within=0.001),
                Misses("everything"),
                Says("everything", "misleads"),
            ),
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

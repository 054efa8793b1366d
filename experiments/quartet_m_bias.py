"""The causal quartet, 4 of 4: two unmeasured causes meet in the covariate, and the answer is 1.

Recipe: u1, u2 sd 1, never measured; exposure = 7/8 u1 + noise and covariate = 4/5 u1 + 1/2 u2 +
noise, so that both have sd 1; outcome = exposure + 51/70 u2 + noise, so that the outcome has the
variance 2.

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
    u1, u2, first, second, third = noise(5)
    exposure = 7 / 8 * u1 + np.sqrt(1 - (7 / 8) ** 2) * first + push
    covariate = 4 / 5 * u1 + 1 / 2 * u2 + np.sqrt(1 - (4 / 5) ** 2 - (1 / 2) ** 2) * second
    outcome = exposure + 51 / 70 * u2 + np.sqrt(1 - (51 / 70) ** 2) * third
    return {"exposure": exposure, "covariate": covariate, "outcome": outcome}


LESSON = Lesson(
    "quartet_m_bias",
    place=24,
    title="The causal quartet: M-bias",
    teaches="One of four data sets with the same means, spreads and correlations. Here the "
    "covariate came first, and two unmeasured causes meet in it, one of the exposure and one of "
    "the outcome: leave it out, the effect is 1.",
    dag=dag_path("quartet_m_bias").read_text(encoding="utf-8"),
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

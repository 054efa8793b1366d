"""Shrinkage: few rows lean on the others, and are nearer to the truth for it.

The tutorial says what pooling is good for, and its data, with so little noise, cannot show it.
Recipe (ours, seed 2025, 150 rows): x1 is one of twelve groups with levels ~ Normal(1, 1) and
40, 30, 20, 15, 12, 9, 7, 5, 4, 3, 3 and 2 rows; x2 one of two; y1 = level + x2 + Normal(0, 2).

A level with n rows keeps the share n / (n + 2^2 / 1^2) of its distance from the mean: 10 in 11 with
40 rows, 1 in 3 with two. The mean of its rows has the variance 2^2 / n, and what is left after
pooling is about that share of it: averaged over these twelve levels 0.36 in the place of 0.71.

The unpooled regression has wide priors on its levels; it gives each the mean of its rows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal.catalog import dag_path
from causal.models.priors import Distribution, PriorChoice
from causal.study.experiment import (
    Adjusts,
    Asked,
    Covers,
    Lesson,
    Near,
    Nearer,
    Says,
    standard_error,
)

SIZES = (40, 30, 20, 15, 12, 9, 7, 5, 4, 3, 3, 2)
ROWS = sum(SIZES)
# Normal(0, 10) for the levels of the unpooled regression; else as in the tutorial.
PRIORS = PriorChoice("tutorial", {"level": Distribution("Normal", (0, 10))})


def recipe() -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
    """Draw the levels and then the data."""
    random = np.random.RandomState(2025)
    levels = random.normal(1, 1, len(SIZES))
    x1 = np.repeat(np.arange(len(SIZES)), SIZES)
    x2 = random.choice(2, size=ROWS)
    return levels, {"x1": x1, "x2": x2, "y1": levels[x1] + x2 + random.normal(0, 2, ROWS)}


def simulate() -> dict[str, NDArray[Any]]:
    """Make the data."""
    return recipe()[1]


LEVELS, _ = recipe()

LESSON = Lesson(
    "shrinkage",
    place=13,
    title="Shrinkage",
    teaches="The mean of two noisy rows is a poor guess of their level. Pooled, the guess moves "
    "towards the mean of all levels, the more so the fewer its rows, and over all levels it comes "
    "nearer to the truth.",
    dag=dag_path("heterogeneity").read_text(encoding="utf-8"),
    simulate=simulate,
    questions=(
        Asked(
            "x2",
            "y1",
            truth=1,
            priors=PRIORS,
            form="x2 + (1 | x1)",
            own={"unpooled": "y1 ~ 0 + x1 + x2"},
            categorical=("x1",),
            expectations=(
                Adjusts(("x1",)),
                Near("unadjusted", error=standard_error(noise=5**0.5, spread=0.5, rows=ROWS)),
                Says("unadjusted", "agrees"),
                Near("unpooled", error=standard_error(noise=2, spread=0.5, rows=ROWS)),
                Says("unpooled", "agrees"),
                Near("correct", error=standard_error(noise=2, spread=0.5, rows=ROWS)),
                Covers("correct"),
                Nearer(
                    "correct",
                    "x1",
                    than="unpooled",
                    truths={str(place): float(level) for place, level in enumerate(LEVELS)},
                ),
            ),
            note="The effect of x2 is much the same either way. Pooling pays for the levels of x1: "
            "compare how far they lie from the truth, in root mean square, with it and without.",
        ),
    ),
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

"""The sum of two random numbers is a random number: a model run forwards.

Recipe: a ~ Normal(2, 0.5), b ~ Normal(3, 0.2), c = a + b. Means add up, and so do variances, and a
sum of normal numbers is normal: c ~ Normal(5, sqrt(0.5^2 + 0.2^2)).

The tutorial runs a Markov chain over a and b. Nothing is observed, so there is nothing to search
for: drawing a and b and adding them up gives independent draws of c.
"""

import math

import numpy as np
from numpy.typing import NDArray

from causal.models.priors import Distribution
from causal.study.experiment import Demonstration

DRAWS = 4000


def draw() -> NDArray[np.float64]:
    """Draw a and b, and add them up."""
    random = np.random.default_rng(2019)
    return random.normal(2, 0.5, DRAWS) + random.normal(3, 0.2, DRAWS)


LESSON = Demonstration(
    "addition",
    place=1,
    title="Adding two random numbers",
    teaches="Numbers that are not known exactly can be added like others; the sum is as uncertain "
    "as its parts make it. A model run forwards turns what is believed about causes into what is "
    "to be expected of their effect.",
    recipe="a ~ Normal(2, 0.5), b ~ Normal(3, 0.2), c = a + b",
    quantity="c",
    exact=Distribution("Normal", (5, math.hypot(0.5, 0.2))),
    draw=draw,
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

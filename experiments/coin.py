"""The coin: eight heads in ten tosses, and what they say about the next one.

Before the tosses every chance of heads is as good as any other: Beta(1, 1). Each head adds 1 to the
first number, each tail 1 to the second, so afterwards the chance is Beta(1 + 8, 1 + 2). (Below 1/2
it is as often as a fair coin shows nine heads or more in eleven tosses: 67 times in 2,048.)

The ten tosses are a table like any other, and the chance is the probability of its one cell: the
draws come from the sampler that regressions of the family `cells` get.
"""

import numpy as np
from numpy.typing import NDArray

from causal.data.table import read_table
from causal.inference import conjugate
from causal.models.priors import Distribution, Priors
from causal.models.regression import Categorical, Regression
from causal.study.experiment import Demonstration

HEADS, TAILS = 8, 2
PRIOR = Distribution("Beta", (1, 1))


def draw() -> NDArray[np.float64]:
    """Draw the chance of heads from its posterior, given the tosses."""
    tosses = read_table(
        {"coin": np.ones(HEADS + TAILS), "head": np.repeat([1, 0], [HEADS, TAILS])},
        ["coin", "head"],
        categorical=["coin"],
    )
    cell = Categorical("coin", ("1",))
    chance = Regression("coin", "head", None, (cell,), "cells", Priors(None, (), ((PRIOR,),)))
    return conjugate.fit(chance, tosses, draws=4000, seed=2019).values("coin[1]").ravel()


LESSON = Demonstration(
    "coin",
    place=2,
    title="Eight heads in ten tosses",
    teaches="A model run backwards: from what was seen to what to believe about its cause. Eight "
    "heads of ten move a chance of which nothing was known to about 3 in 4, and leave it in doubt: "
    "that tails are the likelier side remains possible, by 3 in 100.",
    recipe="chance ~ Beta(1, 1); 8 heads in 10 tosses, each with that chance",
    quantity="chance of heads",
    exact=Distribution("Beta", (1 + HEADS, 1 + TAILS)),
    draw=draw,
)


if __name__ == "__main__":
    from causal.display.lessons import experiment_text
    from causal.study.experiment import perform

    print(experiment_text(perform(LESSON)))

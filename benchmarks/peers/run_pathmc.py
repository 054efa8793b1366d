"""The fork by pathmc: ``run_pathmc.py DATA`` prints the effect of x, correct and naive."""

import sys

import numpy as np
import pandas as pd
import pathmc

data = pd.read_csv(sys.argv[1])
unadjusted = pathmc.model("y ~ x", data)
drawn = pathmc.model("x ~ z\ny ~ x + z")
for name, model in {
    "unadjusted": unadjusted,
    "correct": drawn.adjustment_model("x -> y", data=data),
}.items():
    model.fit(compute_log_likelihood=False, random_seed=1, progressbar=False)
    effect = (model.ate("y", "x") if name == "unadjusted" else model.ate()).draws()
    low, high = np.quantile(effect, [0.055, 0.945])
    print(f"{name} {effect.mean():.5f} [{low:.5f}, {high:.5f}]")

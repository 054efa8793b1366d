"""The fork by Bambi: ``run_bambi.py DATA`` prints the effect of x, correct and naive."""

import sys

import bambi
import pandas as pd

data = pd.read_csv(sys.argv[1])
for name, formula in {"unadjusted": "y ~ x", "correct": "y ~ x + z"}.items():
    trace = bambi.Model(formula, data).fit(random_seed=1, progressbar=False)
    effect = trace.posterior["x"]
    low, high = effect.quantile([0.055, 0.945]).to_numpy()
    print(f"{name} {float(effect.mean()):.5f} [{low:.5f}, {high:.5f}]")

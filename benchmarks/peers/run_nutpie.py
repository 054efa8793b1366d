"""The fork by PyMC and nutpie: ``run_nutpie.py DATA`` prints the effect of x, correct and naive."""

import sys

import nutpie
import pandas as pd
import pymc as pm

data = pd.read_csv(sys.argv[1])
for name, predictors in {"unadjusted": ["x"], "correct": ["x", "z"]}.items():
    with pm.Model() as model:
        mu = pm.Normal("intercept", data["y"].mean(), 10)
        for column in predictors:
            mu += pm.Normal(column, 0, 1) * (data[column] - data[column].mean()).to_numpy()
        pm.Normal("y", mu, pm.Exponential("sigma", 1), observed=data["y"].to_numpy())
    trace = nutpie.sample(
        nutpie.compile_pymc_model(model), adaptation="low_rank", seed=1, progress_bar=False
    )
    effect = trace.posterior["x"]
    low, high = effect.quantile([0.055, 0.945]).to_numpy()
    print(f"{name} {float(effect.mean()):.5f} [{low:.5f}, {high:.5f}]")

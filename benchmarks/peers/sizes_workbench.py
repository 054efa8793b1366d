"""``sizes_workbench DRAWING SOURCE``: the pass over the rows, and the draws after it."""

import json
import sys
from time import perf_counter

import causal
from causal.criteria.question import Question
from causal.data.table import read_table
from causal.inference import exact
from causal.models.generator import columns_read, plan


def main() -> None:
    """Read and sum up once, draw thirty times."""
    drawing, source = sys.argv[1:]
    question: Question = causal.Dag(drawing).question("x", "y")
    began = perf_counter()
    made = plan(question, read_table(source, columns_read(question)))
    summed = perf_counter() - began
    regression = next(r for r in made.regressions if r.name == "correct")
    times = []
    for _ in range(31):
        began = perf_counter()
        posterior = exact.fit(regression, made.moments, seed=1)
        times.append(perf_counter() - began)
    effect = posterior.summary("x")
    print(json.dumps({"pass": summed, "draws": min(times[1:]), "effect": [effect.mean, effect.sd]}))


if __name__ == "__main__":
    main()

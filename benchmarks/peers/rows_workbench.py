"""``rows_workbench DRAWING SOURCE streamed|pushed``: a whole comparison, and what it took.

*pushed*: sums are formed by the engine, as in any warehouse but DuckDB's own files.
"""

import json
import sys
from functools import partial
from time import perf_counter

import causal
from causal.data import address, warehouse


def main() -> None:
    """Compare four adjustment sets."""
    drawing, source, how = sys.argv[1:]
    if how == "pushed":

        def pushing(*given: object, **named: object) -> warehouse.Warehouse:
            return warehouse.Warehouse(*given, **{**named, "pushes": True})  # type: ignore[arg-type]

        setattr(address, "Warehouse", pushing)  # noqa: B010 - not a name that it exports
    asked = partial(causal.Dag(drawing).question("x", "y").run, own={"yours": ["z", "m"]})
    began = perf_counter()
    study = asked(source)
    seconds = perf_counter() - began
    effects = {name: [fit.effect.mean, fit.effect.sd] for name, fit in study.fits.items()}
    print(json.dumps({"seconds": seconds, "effects": effects, "rows": study.plan.rows_read}))


if __name__ == "__main__":
    main()

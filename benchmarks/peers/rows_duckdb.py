"""``rows_duckdb SOURCE``: one scan by DuckDB, the sum of each column, read once before."""

import json
import sys
from statistics import median
from time import perf_counter

import duckdb

SUMS = ", ".join(f"sum({name})" for name in ("x", "y", "z", "w", "m", "c"))


def main() -> None:
    """Sum up, four times; the first does not count."""
    path = sys.argv[1]
    if path.endswith(".db"):
        connection, relation = duckdb.connect(path, read_only=True), "visits"
    else:
        connection = duckdb.connect()
        relation = "rows"
        reader = "read_csv" if path.endswith(".csv") else "read_parquet"
        where = path if path.endswith(".csv") else f"{path}/*.parquet"
        connection.execute(f"CREATE VIEW rows AS SELECT * FROM {reader}('{where}')")  # noqa: S608
    times = []
    for _ in range(4):
        began = perf_counter()
        connection.execute(f"SELECT {SUMS} FROM {relation}").fetchall()  # noqa: S608
        times.append(perf_counter() - began)
    print(json.dumps({"seconds": median(times[1:])}))


if __name__ == "__main__":
    main()

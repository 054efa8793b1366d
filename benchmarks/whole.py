"""``python -m benchmarks.whole COUNT SCRIPT ...``: the same process again and again, as JSON.

For each: seconds, peak megabytes, and what it printed. It runs in the contender's own environment,
so that starting that is not measured. A process starts with the peak memory of the one that it was
forked from: this is a small one.
"""

import json
import os
import sys
import tempfile
import time


def main() -> None:
    """Run and report."""
    count, *arguments = sys.argv[1:]
    runs = []
    for _ in range(int(count)):
        with tempfile.TemporaryFile() as out:
            began = time.perf_counter()
            child = os.posix_spawn(
                sys.executable,
                [sys.executable, *arguments],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)],
            )
            _, status, usage = os.wait4(child, 0)
            took = time.perf_counter() - began
            if code := os.waitstatus_to_exitcode(status):
                sys.exit(f"{arguments[0]} ended with {code}")
            out.seek(0)
            peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
            runs.append([took, peak, out.read().decode()])
    print(json.dumps(runs))


if __name__ == "__main__":
    main()

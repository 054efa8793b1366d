"""How long the workbench takes, beside others, on the same graphs and the same machine.

``uv run --extra bench python -m benchmarks`` measures everything and writes ``RESULTS.md``.
"""

"""``python -m causal`` is the command ``causal``."""

from causal.cli import main

if __name__ == "__main__":
    main()

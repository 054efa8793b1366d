"""Stage 4: which regressions to fit."""

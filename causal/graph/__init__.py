"""Stage 1: what the user drew. The `Dag` value, the notations it is read from, and the one walk."""

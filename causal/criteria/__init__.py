"""Stage 2: what the drawing implies for a question. Needs no data and imports nothing heavy."""

"""Stage 6: what the posteriors say about the question."""

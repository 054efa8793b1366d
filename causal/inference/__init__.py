"""Stage 5: a regression and its statistics in, a posterior out; one sampler per file."""

"""Tests of `causal.display`."""

"""Stage 3: tables in, statistics out."""

"""Stage 7: evidence into tables, text, pictures and pages."""

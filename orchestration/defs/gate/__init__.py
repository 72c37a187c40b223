"""Gate: what may be counted."""

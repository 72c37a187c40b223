"""Ingest: every source read once, its records split by day."""

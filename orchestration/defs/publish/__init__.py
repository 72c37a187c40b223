"""Publish: one file per role."""

"""Dagster objects only, autoloaded; one folder per stage, named by its verb."""

"""Transform: the dbt project."""

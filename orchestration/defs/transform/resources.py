"""The dbt client."""

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.settings import PROJECT


@dg.definitions
def defs() -> dg.Definitions:
    folder = str(PROJECT / "dbt_project")
    return dg.Definitions(resources={"dbt": DbtCliResource(project_dir=folder, profiles_dir=folder)})

"""The dbt client."""

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version, parse

from orchestration.settings import PROJECT


class InstalledDbt(DbtCliResource):
    """The dbt of this environment; its version is looked up, not asked for: `dbt --version` takes 4 s."""

    @cached_property
    def _cli_version(self) -> Version:
        return parse(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]
        """None: rows and columns are not fetched through it, and importing it takes 2 s before dbt has begun."""


@dg.definitions
def defs() -> dg.Definitions:
    folder = str(PROJECT / "dbt_project")
    return dg.Definitions(resources={"dbt": InstalledDbt(project_dir=folder, profiles_dir=folder)})

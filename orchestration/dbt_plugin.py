"""A plugin of dbt-duckdb, named in profiles.yml: dbt opens the warehouse when it is its turn."""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin

from orchestration.garbage import collect_seldom
from orchestration.turns import wait


class Plugin(BasePlugin):
    """What dbt-duckdb asks before it opens the warehouse."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Wait for this process's turn; the settings stay as they are.

        Raises:
            FeedbackError: the run that began this build has ended.
        """
        collect_seldom()  # dbt has loaded its manifest
        wait()

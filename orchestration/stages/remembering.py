"""remember: what was published of the states of now is kept in the lake, for later runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb

from governance.ranking import load_ranking
from orchestration.lake import Lake
from orchestration.stages.state_history import remember


def remember_states(lake: Lake, warehouse: Path, as_of: datetime) -> bool:
    """Record where everything stands in a warehouse that was published, see `state_history.remember`."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:  # it stays the file that was published
        connection.execute("set timezone = 'UTC'")
        states = connection.execute("select * from intermediate.int_states_now").pl()
    return remember(lake, states, as_of, load_ranking().detection.window_days)

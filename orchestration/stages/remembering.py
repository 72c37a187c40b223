"""remember: what the warehouse says of the states of now is kept in the lake, for later runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from orchestration.lake import Lake
from orchestration.stages.state_history import remember
from orchestration.stages.warehousing import opened


def remember_states(lake: Lake, warehouse: Path, as_of: datetime) -> bool:
    """Record where everything stands, see `state_history.remember`."""
    with opened(warehouse) as connection:
        states = connection.execute("select * from intermediate.int_states_now").pl()
    return remember(lake, states, as_of)

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from governance.sources import Source
from orchestration.lake import Lake
from orchestration.landing import VERSION, days_received, land
from orchestration.stages.tally import Tally


def land_days(lake: Lake, source: Source, signal: str, days: list[str], as_of: datetime) -> Tally:
    """Land the days of one signal of a source, see `land`."""
    received = days_received(lake, source.name, signal)
    tally = Tally()
    for day in days:
        done = land(lake, source.name, signal, day, as_of, received.get(day, {}))
        if done.state == "landed":
            tally.days[day] = done.counts
        elif done.state == "current":
            tally.current.append(day)
        elif done.state == "frozen":
            tally.frozen.append(day)
    return tally


def stale_landing_days(lake: Lake, source: Source, signal: str) -> Iterator[str]:
    """Days for which something was received that has not landed; closed days are not among them."""
    for day, inputs in days_received(lake, source.name, signal).items():
        place = f"{source.name}/{signal}/{day}"
        is_closed = lake.exists(f"anonymized/{place}") and not lake.exists(f"landing/{place}")
        if not is_closed and not lake.is_current(f"landing/{place}", inputs, VERSION):
            yield day

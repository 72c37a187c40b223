"""What a team is written: plain text, what changed first, at most five rows, every time with its zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from governance.freshness import Change, Event, FreshnessPolicy
from governance.policy import config_file

_ROWS = 5
_LABELS: dict[Event, str] = {"stale": "LATE", "never_arrived": "NEVER ARRIVED", "recovered": "RECOVERED"}
_COUNTED: dict[Event, str] = {"never_arrived": "never arrived", "stale": "late", "recovered": "recovered"}


@dataclass(frozen=True)
class Message:
    """One message to one team."""

    title: str
    body: str


@dataclass(frozen=True)
class _Row:
    label: str
    asset: str
    sentence: str
    is_alarm: bool


def compose(changes: Sequence[Change], policy: FreshnessPolicy, owner: str, now: datetime, zone: str) -> Message:
    """The message about `changes` (at least one), which come with the worst first; times in `zone`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    template = config_file("templates/alert.txt.j2")
    environment = Environment(  # plain text, nothing to escape
        loader=FileSystemLoader(Path(template).parent), undefined=StrictUndefined, autoescape=False
    )
    body = environment.get_template(template.name).render(
        rows=[_row(change, policy, now, zone) for change in changes[:_ROWS]],
        more=max(0, len(changes) - _ROWS),
        judged_at=_time(now, zone),
        owner=owner,
    )
    return Message(f"Feedback Warehouse: {_counted(changes)}", body)


def _counted(changes: Sequence[Change]) -> str:
    """`1 data set late, 2 recovered`."""
    told = [(sum(change.event == event for change in changes), word) for event, word in _COUNTED.items()]
    parts = [f"{count} {word}" for count, word in told if count]
    count, first = parts[0].split(" ", 1)
    return ", ".join([f"{count} data set{'' if count == '1' else 's'} {first}", *parts[1:]])


def _row(change: Change, policy: FreshnessPolicy, now: datetime, zone: str) -> _Row:
    window = policy.window_of(change.asset)
    last_at = change.now.last_at
    if last_at is None:
        waited = _hours(now - change.now.first_seen)
        sentence = f"has had no data in the {waited} since it was first expected, {_time(change.now.first_seen, zone)}."
    else:
        newest = f"newest data {_hours(now - last_at)} old ({_time(last_at, zone)})"
        allowed = f"late after {_hours(window.fail_after)}"
        sentence = f"data arrives again: {newest}." if change.event == "recovered" else f"{newest}; {allowed}."
    return _Row(_LABELS[change.event], change.asset, sentence, is_alarm=change.event != "recovered")


def _hours(age: timedelta) -> str:
    hours = age / timedelta(hours=1)
    if hours < 1:
        return f"{max(0, round(hours * 60))} min"
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"


def _time(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"

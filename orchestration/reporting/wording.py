"""How figures are written for people: units always, times with their zone, and words where there is no figure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

# What a reader sees where a figure is unknown; templates add the reason.
NO_DATA = "no data"
_MINUTES_PER_HOUR, _MINUTES_PER_DAY = 60, 1440
_TREND_MARKS = {"rising": "▲", "steady": "▬", "falling": "▼"}


def number(value: float | None) -> str:
    """`1,234`; up to 9.9 with one decimal where it is no whole number."""
    if value is None:
        return NO_DATA
    return f"{value:,.1f}" if abs(value) < 10 and value != round(value) else f"{value:,.0f}"


def counted(value: float | None, one: str, many: str | None = None) -> str:
    """`1 account`, `2 accounts`."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def percent(ratio: float | None) -> str:
    """A ratio as `0.42 %`; more digits the smaller it is, and never a small one as 0."""
    if ratio is None:
        return NO_DATA
    share = ratio * 100
    if 0 < share < 0.01:
        return "under 0.01 %"
    return f"{share:.0f} %" if abs(share) >= 10 or share == 0 else f"{share:.2g} %"


def size(count: float | None) -> str:
    """Bytes in decimal units: `812 B`, `1.4 kB`, `23 MB`."""
    if count is None:
        return NO_DATA
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{number(value)} {unit}"
        value /= 1000
    return f"{number(value)} TB"


def money(value: float | None, currency: str | None) -> str:
    """`EUR 1,234.50`; no data without a price."""
    return NO_DATA if value is None or currency is None else f"{currency} {value:,.2f}"


def milliseconds(value: float | None) -> str:
    """`380 ms`, `1.4 s`."""
    if value is None:
        return NO_DATA
    return f"{value / 1000:,.1f} s" if abs(value) >= 1000 else f"{number(value)} ms"


def duration(minutes: float | None) -> str:
    """Minutes as `25 min`, `3 h 10 min` or `2 days 4 h`."""
    if minutes is None:
        return NO_DATA
    if minutes < _MINUTES_PER_HOUR:
        return f"{number(minutes)} min"
    whole = round(minutes)
    if whole < 2 * _MINUTES_PER_DAY:
        hours, rest = divmod(whole, _MINUTES_PER_HOUR)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(whole, _MINUTES_PER_DAY)
    hours = rest // _MINUTES_PER_HOUR
    return f"{days} days {hours} h" if hours and days < 10 else f"{days:,} days"


def age(days: float | None) -> str:
    """`under a day`, `1 day`, `12 days`."""
    if days is None:
        return NO_DATA
    return "under a day" if days < 1 else counted(float(int(days)), "day")


def moment(value: datetime | None) -> str:
    """`2026-11-22 14:05 UTC`."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if value else NO_DATA


def day(value: date | None) -> str:
    return f"{value.isoformat()}" if value else NO_DATA


def measured(value: float | None, unit: str | None) -> str:
    """A daily value of a pain point with its unit: `380 ms`, `1.2 %`, `14 tickets`."""
    if unit == "ms":
        return milliseconds(value)
    if unit == "ratio":
        return percent(value)
    return number(value) if value is None or not unit else f"{number(value)} {unit}"


def trend(word: str | None) -> str:
    """A sign and the word: neither colour nor shape stands alone."""
    return f"{_TREND_MARKS[word]} {word}" if word in _TREND_MARKS else NO_DATA


def changed(point: Mapping[str, object]) -> str:
    """What the list before said of a pain point, where that was something else."""
    if point["state_before"] is None:
        return "new on the list"
    was = []
    if point["state_before"] != point["state"]:
        was.append(str(point["state_before"]))
    if point["rank_before"] != point["rank"]:
        was.append(f"rank {point['rank_before']}")
    return f"was {', '.join(was)}" if was else "as before"


def ranks(point: Mapping[str, object]) -> str:
    """How far the rank goes with one weight by 25 %: `stays`, or `2 to 4, most by minutes_per_ticket`."""
    if point["rank_moved_by"] is None:
        return "stays whichever weight is 25 % lower or higher"
    weight = str(point["rank_moved_by"]).replace("_", " ")
    return f"{point['rank_best']} to {point['rank_worst']} with one weight 25 % lower or higher, most with {weight}"


def days(value: float | None) -> str:
    """`under a day`, `1.5 days`, `12 days`."""
    return "under a day" if value is not None and value < 1 else counted(value, "day") if value is not None else NO_DATA


_VERDICTS = {
    "improved": "✓ helped",
    "unchanged": "✗ did not help",
    "worse": "✗ made it worse",
    "too early": "too early to tell",
}
_NO_VERDICTS = {
    "not_shipped": "not shipped yet",
    "deployment_not_found": "its deployment is not found",
    "no_pain_point": "fits no pain point that is found",
}


def late(row: Mapping[str, object]) -> str:
    """A row of sections.too_late: `1,200 records of 3 days, 2026-03-01 to 2026-03-04`."""
    figures = {name: value for name, value in row.items() if isinstance(value, int)}
    first, last = row["first_date"], row["last_date"]
    when = f"{first}" if first == last else f"{counted(figures['days'], 'day')}, {first} to {last}"
    return f"{counted(figures['records'], 'record')} of {when}"


def verdict(row: Mapping[str, object]) -> str:
    """Whether an initiative helped, or why that is not known."""
    return _VERDICTS.get(str(row["verdict"])) or _NO_VERDICTS.get(str(row["no_verdict_reason"]), NO_DATA)


_ROLES = {"cause": "began it", "fix": "ended it or was meant to", "scope": "confined to it", "symptom": "shows it"}


def evidence(row: Mapping[str, object]) -> str:
    """A piece of evidence as `deployment 4711 (2.8.0)`, `operation PlaceOrder` or `log template lost <*>`."""
    kind, named = str(row["evidence_kind"]).replace("_", " "), str(row["evidence_name"])
    if kind == "deployment" and named != row["evidence_id"]:
        named = f"{row['evidence_id']} ({named})"
    return f"{kind} {named}"


def role(word: str) -> str:
    """What a piece of evidence has to do with its pain point."""
    return _ROLES[word]

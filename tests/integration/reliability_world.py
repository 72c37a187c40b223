"""Rollups, objectives and incidents of made-up services, and what every figure over them is, counted row by row."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from governance.owners import load_owners
from governance.signals import SIGNALS
from governance.slos import Objective, SlosPolicy, frames_of, load_slos
from orchestration.rollups.schemas import LATENCY_SCHEMA, REQUESTS_SCHEMA
from tests.integration.pain_point_world import build, fill_warehouse

LAST = date(2026, 3, 31)
AS_OF = datetime(2026, 3, 31, 10, 40, tzinfo=UTC)
HEALTH = "GET /health"
LENGTH = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
MINUTE = timedelta(minutes=1)
Row = dict[str, object]


@dataclass(frozen=True)
class World:
    """What is given to the models, and what a row-by-row count makes of it."""

    requests: Sequence[Row]
    latency: Sequence[Row]
    policy: SlosPolicy
    incidents: Sequence[Row] = ()
    as_of: datetime = AS_OF
    _told: dict[object, list[object]] = field(default_factory=dict)

    def built(self, folder: Path) -> Path:
        """The marts over it, data tests included."""
        warehouse = folder / "feedback.duckdb"
        given = {
            "span_requests": (REQUESTS_SCHEMA, self.requests),
            "span_latency": (LATENCY_SCHEMA, self.latency),
            "incidents": (SIGNALS["incidents"].schema, self.incidents),
        }
        tables = {
            name: [pl.DataFrame([_filled(row, schema) for row in rows], schema={"source": pl.String, **schema})]
            for name, (schema, rows) in given.items()
        }
        fill_warehouse(warehouse, tables)
        with duckdb.connect(str(warehouse)) as connection:
            for name, frame in frames_of(self.policy, load_owners()).items():
                connection.register("incoming", frame.to_arrow())
                connection.execute(f"create or replace table lake.{name} as select * from incoming")
                connection.unregister("incoming")
        chosen = ("--select", "+path:models/marts/reliability", "--exclude-resource-type", "unit_test")
        chosen += ("--indirect-selection", "cautious")
        assert build(warehouse, *chosen, as_of=self.as_of) == []
        return warehouse

    @cached_property
    def days(self) -> set[date]:
        return {_start(row).date() for row in self.requests}

    @property
    def evaluated_at(self) -> datetime:
        hour = self.as_of.replace(minute=0, second=0, microsecond=0)
        return min(hour, _midnight(max(self.days)) + timedelta(days=1)) if self.days else hour

    def services_of(self, objective: Objective) -> set[str]:
        if "*" not in objective.service:
            return {objective.service}
        seen = {str(row["service"]) for row in self.requests}
        return {
            name for name in seen if _fits(name, [objective.service]) and not _fits(name, objective.except_services)
        }

    def once(self, key: object, tell: Callable[[], Iterable[Any]]) -> list[Any]:
        if key not in self._told:
            self._told[key] = list(tell())
        return self._told[key]

    def in_force(self, day: date) -> list[tuple[Objective, str]]:
        """The definitions valid on a day, one per objective and service."""
        return self.once(day, lambda: self._in_force(day))

    def _in_force(self, day: date) -> list[tuple[Objective, str]]:
        latest: dict[str, Objective] = {}
        for objective in sorted(self.policy.objectives, key=lambda one: one.valid_from):
            if objective.valid_from <= day:
                latest[objective.name] = objective
        return [(one, service) for one in latest.values() for service in sorted(self.services_of(one))]

    def maintenance(self, service: str) -> list[tuple[datetime, datetime]]:
        return [(one.starts_at, one.ends_at) for one in self.policy.maintenance if _fits(service, [one.service])]

    def minutes_of_maintenance(self, service: str, start: datetime, end: datetime) -> int:
        windows = self.maintenance(service)
        minutes: set[datetime] = set()
        for begins, ends in windows:
            at = max(begins, start)
            while at < min(ends, end):
                minutes.add(at)
                at += MINUTE
        return len(minutes)

    def judged(self, objective: Objective, service: str) -> Iterable[tuple[datetime, datetime, int, int]]:
        """Start, end, requests and bad ones of every row a definition is about, whatever day it is of."""
        answering = {"server", "consumer"}
        kinds = {row["kind"] for row in self.requests if row["service"] == service}
        wanted = {objective.span_kind} if objective.span_kind else (kinds & answering or kinds)
        for row in self.latency if objective.kind == "latency" else self.requests:
            flags = (objective.feature_flag, objective.feature_variant)
            if (
                row["service"] == service
                and row["kind"] in wanted
                and row.get("measure", "duration") == "duration"
                and _fits(str(row["operation"]), [objective.operation or "*"])
                and not _fits(str(row["operation"]), objective.exclude_operations)
                and (flags[0] is None or flags == (row.get("feature_flag"), row.get("feature_variant")))
            ):
                count = int(str(row["span_count"]))
                bad = int(str(row.get("error_count", 0)))
                if objective.threshold_ms is not None:
                    fastest = 2 ** (int(str(row["bucket"])) / 64) / 1e6  # every request of the bucket took longer
                    bad = count if fastest >= objective.threshold_ms * (1 - 1e-12) else 0
                yield _start(row), _start(row) + LENGTH[str(row["grain"])], count, bad

    def window(self, name: str, service: str, start: datetime, end: datetime) -> Row:
        """What an objective counted between two times, each day by its definition."""
        counted = bad = excluded = 0
        allowed = Fraction(0)
        is_across = False
        windows = self.maintenance(service)
        for objective in [one for one in self.policy.objectives if one.name == name]:
            for begins, ends, count, failed in self.once(
                (objective.digest, service), partial(self.judged, objective, service)
            ):
                if (objective, service) not in self.in_force(begins.date()) or begins >= end or ends <= start:
                    continue
                is_across |= begins < start or ends > end
                if any(begins < until and ends > since for since, until in windows):
                    excluded += count
                    continue
                counted, bad = counted + count, bad + failed
                allowed += count * (1 - Fraction(str(objective.objective)))
        known = [day for day in self.days if _midnight(day) < end and _midnight(day) + timedelta(days=1) > start]
        length = (end - start) // MINUTE
        maintained = self.minutes_of_maintenance(service, start, end)
        reason = None
        if not known:
            reason = "no_data"
        elif is_across:
            reason = "rollups_too_coarse"
        elif not counted:
            reason = "only_maintenance" if excluded or maintained >= length else "no_requests"
        is_told = reason not in ("no_data", "rollups_too_coarse")
        return {
            "counted_count": counted if is_told else None,
            "bad_count": bad if is_told else None,
            "excluded_count": excluded if is_told else None,
            "maintenance_minutes": maintained,
            "days_with_data": len(known),
            "sli_error_ratio": None if reason else bad / counted,
            "burn_rate": None if reason else round(float(bad / allowed), 9),
            "no_figure_reason": reason,
        }

    def slo_days(self) -> dict[tuple[object, ...], Row]:
        found: dict[tuple[object, ...], Row] = {}
        day = min(self.days, default=LAST)
        while day < self.as_of.date():
            for objective, service in self.in_force(day):
                start = _midnight(day)
                row = self.window(objective.name, service, start, start + timedelta(days=1))
                found[objective.name, service, day] = {**row, "valid_from": objective.valid_from}
            day += timedelta(days=1)
        return found

    def budgets(self) -> dict[tuple[object, ...], Row]:
        end = self.evaluated_at
        return {
            (one.name, service): self.window(one.name, service, end - timedelta(days=one.period_days), end)
            for one, service in self.in_force((end - MINUTE).date())
        }

    def alerts(self) -> dict[tuple[object, ...], Row]:
        end, found = self.evaluated_at, {}
        for one, service in self.in_force((end - MINUTE).date()):
            for alert in self.policy.alerts:
                factor = round(alert.factor(one.period_days), 9)
                longer, shorter = (
                    self.window(one.name, service, end - minutes * MINUTE, end)
                    for minutes in (alert.long_minutes, alert.short_minutes)
                )
                is_firing, reason = _firing(longer, shorter, factor)
                if is_firing and int(str(longer["counted_count"])) < alert.at_least_requests:
                    is_firing, reason = None, "too_few_requests"
                if factor * (1 - one.objective) >= 1:
                    is_firing, reason = None, "factor_out_of_reach"
                found[one.name, service, alert.severity, alert.long_minutes] = {
                    "factor": factor,
                    "long_burn_rate": longer["burn_rate"],
                    "short_burn_rate": shorter["burn_rate"],
                    "is_firing": is_firing,
                    "no_figure_reason": reason,
                }
        return found


def _firing(longer: Row, shorter: Row, factor: float) -> tuple[bool | None, object]:
    told = [None if row["burn_rate"] is None else float(str(row["burn_rate"])) > factor for row in (longer, shorter)]
    if False in told:
        return False, None
    if None in told:
        return None, longer["no_figure_reason"] or shorter["no_figure_reason"]
    return True, None


def _filled(row: Mapping[str, object], schema: pl.Schema) -> Row:
    zeros = {name: 0 for name, kind in schema.items() if kind in (pl.Int64, pl.Float64)}
    return {**dict.fromkeys(schema), **zeros, "source": "otel", **row}


def _start(row: Mapping[str, object]) -> datetime:
    found = row["period_start_at"]
    assert isinstance(found, datetime)
    return found


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def generated(seed: int, *, minutes_kept_for_days: int = 14, hours_kept_for_days: int = 33) -> World:
    """Forty days of four services of two sources, with days missing, finer rollups where they are younger."""
    chance = random.Random(seed)
    requests: list[Row] = []
    latency: list[Row] = []
    shapes = [
        *(("cart", "pay", "server"), ("cart", "pay", "client"), ("cart", HEALTH, "server")),
        *(("checkout", "PlaceOrder", "consumer"), ("checkout", "list", "server")),
        *(("auth-1", "login", "internal"), ("auth-1", "login", "client"), ("search", "find", "server")),
    ]
    for back in range(40):
        day = LAST - timedelta(days=back)
        if back and chance.random() < 0.1:
            continue
        grain = "minute" if back <= minutes_kept_for_days else "hour" if back <= hours_kept_for_days else "day"
        for service, operation, kind in shapes:
            if service == "search" and back < 20:
                continue  # has gone quiet
            for start in _starts(chance, day, grain):
                row: Row = {
                    "source": chance.choice(("edge", "otel")), "period_start_at": start, "grain": grain,
                    "service": service, "operation": operation, "kind": kind, "status": "unset",
                }  # fmt: skip
                if chance.random() < 0.3:
                    row |= {"feature_flag": "fast", "feature_variant": chance.choice(("on", "off"))}
                count = chance.randint(1, 30)
                share = 0.9 if service == "checkout" and back < 2 else 0.05
                requests.append({**row, "span_count": count, "error_count": _binomial(chance, count, share)})
                for measure in ("duration", "self"):
                    bucket = chance.choice((1700, 1801, 1802, 1803, 1913, 1914, 1950))
                    latency.append({**row, "measure": measure, "bucket": bucket, "span_count": count})
    return World(_distinct(requests), _distinct(latency), _policy(chance), _incidents(chance))


def _starts(chance: random.Random, day: date, grain: str) -> list[datetime]:
    if grain == "day":
        return [_midnight(day)]
    if grain == "hour":
        return [_midnight(day) + timedelta(hours=hour) for hour in chance.sample(range(24), 3)]
    spread = [chance.randrange(1440) for _ in range(4)]
    near = [chance.randrange(480, 660) for _ in range(4)]  # the hours before the evaluated one and after
    return [_midnight(day) + minute * MINUTE for minute in {*spread, *near, 597, 599}]


def _binomial(chance: random.Random, count: int, share: float) -> int:
    return sum(chance.random() < share for _ in range(count))


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """One row per key, as rollups are."""
    summed: dict[tuple[tuple[str, object], ...], Row] = defaultdict(lambda: {"span_count": 0, "error_count": 0})
    for row in rows:
        key = tuple(sorted((name, value) for name, value in row.items() if not name.endswith("_count")))
        for count in ("span_count", "error_count"):
            summed[key][count] = int(str(summed[key][count])) + int(str(row.get(count, 0)))
    return [{**dict(key), **(counts if ("measure" not in dict(key)) else {"span_count": counts["span_count"]})}
            for key, counts in summed.items()]  # fmt: skip


def _policy(chance: random.Random) -> SlosPolicy:
    up = {"kind": "availability", "exclude_operations": ["*/health"], "period_days": 30, "valid_from": "2026-01-01"}
    later = (LAST - timedelta(days=chance.randint(1, 12))).isoformat()
    objectives: list[Row] = [
        {"name": "up", **up, "service": "*", "except_services": ["auth-*"], "objective": 0.98},
        {"name": "up", **up, "service": "*", "objective": 0.95, "valid_from": later},
        {"name": "weeks", **up, "service": "checkout", "objective": 0.99, "period_days": chance.choice((7, 14, 28))},
        {"name": "silent", **up, "service": "shipping", "objective": 0.9},
        {"name": "wide", **up, "service": "cart", "objective": 0.6},
        {"name": "calls", **up, "service": "cart", "span_kind": "client", "objective": 0.97},
        {"name": "soon", **up, "service": "cart", "objective": 0.9, "valid_from": "2027-01-01"},
        {"name": "trial", **up, "service": "cart", "operation": "p*", "objective": 0.95}
        | {"feature_flag": "fast", "feature_variant": "on"},
        {"name": "fast", **up, "kind": "latency", "service": "*", "threshold_ms": 300, "objective": 0.5},
        {
            "name": "fast", **up, "kind": "latency", "service": "*", "threshold_ms": 1000, "objective": 0.8,
            "valid_from": later,
        },
    ]  # fmt: skip
    windows = []
    for _ in range(8):
        start = datetime(2026, 2, 20, tzinfo=UTC) + chance.randrange(40 * 1440) * MINUTE
        windows.append((chance.choice(("*", "cart", "auth-*", "checkout")), start, chance.choice((7, 50, 600, 3000))))
    windows.append(("cart", AS_OF - timedelta(hours=3), 45))
    # Ends with the minute before one with requests, begins with the minute after one: neither of them is left out.
    windows += [("checkout", AS_OF - timedelta(minutes=50), 7), ("checkout", AS_OF - timedelta(minutes=40), 5)]
    maintenance = [
        {
            "service": service,
            "from": start,
            "to": start + minutes * MINUTE,
            "reason": "r",
            "approved_by": "a@example.com",
        }
        for service, start, minutes in windows
    ]
    shipped = load_slos().model_dump()
    return SlosPolicy.model_validate({**shipped, "objectives": objectives, "maintenance": maintenance})


def _incidents(chance: random.Random) -> list[Row]:
    """Log entries of incidents: some never acknowledged or resolved, some in the wrong order."""
    rows: list[Row] = []
    for number in range(60):
        detected = datetime(2026, 2, 1, tzinfo=UTC) + chance.randrange(50 * 1440) * MINUTE
        shared: Row = {
            "incident_id": str(number), "created_at": detected, "service": chance.choice(("cart", "checkout")),
            "urgency": chance.choice(("high", "low")),
            "started_at": chance.choice((None, detected - chance.randint(-2, 20) * MINUTE)),
        }  # fmt: skip
        rows.append({**shared, "record_id": f"{number}:t", "entry_type": "trigger", "event_at": detected})
        for kind, share in (("acknowledge", 0.8), ("mitigate", 0.4), ("resolve", 0.7)):
            if chance.random() < share:
                at = detected + chance.choice((-1, 1, 1, 1, 1, 1, 1)) * chance.randint(0, 30) * MINUTE
                if kind == "resolve" and at < detected:
                    continue  # the trigger after it opens it again
                rows.append({**shared, "record_id": f"{number}:{kind}", "entry_type": kind, "event_at": at})
    return rows

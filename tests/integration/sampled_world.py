"""Days of checked telemetry of two sources, small enough to be sampled in every order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl

from governance.sampling import SamplingPolicy, load_sampling_policy
from governance.signals import SIGNALS
from orchestration.lake import Lake
from orchestration.stages.rolling_up import roll_up_log_days, roll_up_span_days
from orchestration.stages.sampling import sample_days

AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
FIRST = date(2026, 3, 1)
MADE = ("traits", "rollups", "rates", "sampled")
Row = Mapping[str, object]
Days = dict[str, list[Row]]  # ISO day -> rows, of one dataset


def policy_with(**changes: Mapping[str, object]) -> SamplingPolicy:
    """The shipped policy with some values changed, section by section; windows of two days unless they say others."""
    short = {"traces": {"slow_days": 2}, "budget": {"follows_days": 2}}
    stated = load_sampling_policy().model_dump()
    for section, values in [*short.items(), *changes.items()]:
        stated[section] |= values
    return SamplingPolicy.model_validate(stated)


def day(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


def checked(lake: Lake, dataset: str, of: str, rows: Sequence[Row]) -> None:
    """Replace what passed the gate on a day. `at`: seconds after midnight."""
    signal = dataset.split("/")[1]
    schema = SIGNALS[signal].schema
    midnight = datetime.fromisoformat(of).replace(tzinfo=UTC)
    made = []
    for row in rows:
        at = midnight + timedelta(seconds=float(str(row.get("at", 0))))
        nanoseconds = int(at.timestamp() * 1e9)
        times = {"start_unix_nano": nanoseconds} if signal == "spans" else {"time_unix_nano": nanoseconds}
        given = {name: value for name, value in row.items() if name != "at"}
        made.append({**dict.fromkeys(schema), "event_at": at, **times, **given})
    with lake.replace(f"checked/{dataset}/{of}", as_of=AS_OF) as out:
        out.write("records", pl.DataFrame(made, schema=schema))
        out.counts = {"checked": len(made)}


def withhold(lake: Lake, dataset: str, of: str) -> None:
    """The gate lets nothing of the day pass any more."""
    lake.remove(f"checked/{dataset}/{of}")
    with lake.replace(f"quarantine/{dataset}/{of}", as_of=AS_OF) as out:
        out.facts = {"blocked": "true"}


def sample(lake: Lake, days: Iterable[str], policy: SamplingPolicy, datasets: Iterable[str]) -> dict[str, list[str]]:
    """The whole stage over these days; which days of each sample were made (again)."""
    asked, names = sorted(days), sorted(datasets)
    for dataset in names:
        if dataset.endswith("/spans"):
            roll_up_span_days(lake, dataset.split("/")[0], asked, policy, AS_OF)
    for dataset in names:
        if dataset.endswith("/logs"):
            roll_up_log_days(lake, dataset.split("/")[0], asked, policy, AS_OF)
    return {dataset: list(sample_days(lake, dataset, asked, policy, AS_OF).days) for dataset in names}


def made(lake: Lake) -> dict[str, str]:
    """Digest of what each partition of the stage holds."""
    return lake.digests([key for state in MADE for key in lake.keys(state)])


def company(seed: int, number: int) -> dict[str, Days]:
    """So many days (at most 10) of two sources: errors, slow and rare traces, new templates, traces across midnight."""
    chance = random.Random(seed)
    world: dict[str, Days] = {name: {day(n): [] for n in range(number)} for name in ("edge/spans", "otel/spans")}
    world["otel/logs"] = {day(n): [] for n in range(number)}
    for n in range(number):
        for trace in range(chance.randint(30, 90)):
            name = f"{n:02}-{trace:04}"
            on = [day(n), *([day(n + 1)] if trace % 17 == 0 and n + 1 < number else [])]
            sources = ("edge/spans", "otel/spans") if trace % 5 == 0 else ("otel/spans",)
            for source in sources:
                for when in on:
                    world[source][when].append(_span(chance, name, source, when))
            if trace % 3 == 0:
                when = chance.choice(on)
                template = f"import {'abcdefghijklmnopqrs'[chance.randint(0, n * 2)]} done"
                record = {"record_id": f"l{name}", "service": "cart", "severity": "INFO", "body": template}
                world["otel/logs"][when].append({**record, "trace_id": name})
        for record_number in range(150):
            name = f"n{n}-{record_number}"
            world["otel/logs"][day(n)].append(
                {"record_id": name, "service": "cart", "severity": "INFO", "body": "heartbeat"}
            )
    return world


def _span(chance: random.Random, trace: str, source: str, when: str) -> Row:
    service = chance.choices(("cart", "pay", "seldom"), (80, 15, 2))[0]
    return {
        "record_id": f"{trace}-{source}-{when}",
        "span_id": f"{source}-{when}",
        "trace_id": trace,
        "at": chance.randint(0, 86_399),
        "service": service,
        "operation": f"{service} op",
        "kind": "server",
        "duration_ns": int(chance.lognormvariate(15, 1)),
        "status": "error" if chance.random() < 0.15 else "ok",
    }

"""Pull requests, deployments, builds and incidents of made-up services, with everything that can be odd about them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from governance.changes import ChangesPolicy, load_changes
from governance.signals import SIGNALS
from orchestration.rollups.schemas import LATENCY_SCHEMA, REQUESTS_SCHEMA, SPAN_ACCOUNT_DAYS_SCHEMA
from tests.integration.pain_point_world import build, fill_warehouse

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
AS_OF = datetime(2026, 3, 19, 10, 40, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Row = dict[str, object]

_SCHEMAS = {
    **{name: SIGNALS[name].schema for name in ("pull_requests", "commits", "reviews", "ci_runs", "deployments")},
    **{name: SIGNALS[name].schema for name in ("incidents", "tickets")},
    "span_requests": REQUESTS_SCHEMA,
    "span_latency": LATENCY_SCHEMA,
    "span_account_days": SPAN_ACCOUNT_DAYS_SCHEMA,
}


@dataclass
class Delivery:
    """Records by signal, as the sources would have told them."""

    policy: ChangesPolicy = field(default_factory=load_changes)
    as_of: datetime = AS_OF
    records: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in _SCHEMAS})

    def add(self, signal: str, **values: object) -> None:
        rows = self.records[signal]
        rows.append({"source": "s", "record_id": f"{signal}-{len(rows)}", **values})

    def built(self, folder: Path) -> Path:
        """The delivery marts over it, data tests included."""
        return built(folder, self.tables(), self.policy, self.as_of)

    def tables(self) -> dict[str, list[pl.DataFrame]]:
        """Frames of schema `lake`."""
        return {name: [_frame(rows, _SCHEMAS[name])] for name, rows in self.records.items()}


def built(
    folder: Path, tables: dict[str, list[pl.DataFrame]], policy: ChangesPolicy | None = None, as_of: datetime = AS_OF
) -> Path:
    """The delivery marts over relations of schema `lake`, data tests included."""
    warehouse = folder / "feedback.duckdb"
    fill_warehouse(warehouse, tables)
    if policy:
        with duckdb.connect(str(warehouse)) as connection:
            connection.register("incoming", policy.as_frame().to_arrow())
            connection.execute("create or replace table lake.change_rules as select * from incoming")
    chosen = ("--select", "+path:models/marts/changes", "--exclude-resource-type", "unit_test")
    failed = build(warehouse, *chosen, "--indirect-selection", "cautious", as_of=as_of)
    # Made-up records are in any order, as those of careless systems are: what only warns of that may do so.
    allowed = ("deployments_finish_after_they_began", "stages_in_order", "take_no_negative_time")
    if others := [one for one in failed if not any(name in one for name in allowed)]:
        raise AssertionError(others)
    return warehouse


def _frame(rows: Sequence[Row], schema: Mapping[str, object]) -> pl.DataFrame:
    zeros = {name: 0 for name in ("span_count", "error_count", "raw_bytes", "origin_error_count") if name in schema}
    filled = [{**zeros, **{key: value for key, value in row.items() if key in {*schema, "source"}}} for row in rows]
    return pl.DataFrame(filled, schema={"source": pl.String(), **schema}).select("source", *schema)


def generated(seeds: Iterable[int]) -> Delivery:
    """One company per seed, beside each other in one warehouse: building it once costs the same for five as for one."""
    shipped = load_changes()
    strict = shipped.services[0].model_copy(update={"service": "*-cart", "incident_hours": 5.0})
    made = Delivery(shipped.model_copy(update={"performance_weeks": 8, "services": (*shipped.services, strict)}))
    for seed in seeds:
        _Company(made, random.Random(seed), f"s{seed}").tell()
    return made


class _Company:
    def __init__(self, made: Delivery, chance: random.Random, name: str) -> None:
        self.made, self.chance, self.name = made, chance, name
        self.services = [f"{name}-cart", f"{name}-mail", f"{name}-docs", None]
        self.people = [f"{name}-ann", f"{name}-ben", None]
        self.merges: list[tuple[str | None, str, datetime]] = []  # service, commit, when

    def tell(self) -> None:
        for service in self.services:
            for number in range(self.chance.randint(8, 25)):
                self.pull_request(service, number)
            if service is None or not service.endswith("docs"):
                for number in range(self.chance.randint(6, 30)):
                    self.deployment(service, f"{self.name}-{service}-{number}")
            for number in range(self.chance.randint(0, 25)):
                self.run(service, f"{self.name}-{service}-{number}")
        for number in range(20):
            self.incident(f"{self.name}-{number}")
        self.use()

    def moment(self, earliest: datetime = FIRST) -> datetime:
        return earliest + self.chance.randrange(int((AS_OF - earliest) / MINUTE)) * MINUTE

    def after(self, moment: datetime, hours: float) -> datetime:
        """Some time later; now and then earlier."""
        way = -0.2 if self.chance.random() < 0.06 else 1
        return moment + timedelta(seconds=round(way * self.chance.expovariate(1 / hours) * 3600))

    def pull_request(self, service: str | None, number: int) -> None:
        chance = self.chance
        repository = f"o/{service or 'any'}{chance.choice(('', '', '-extra'))}"
        whole = f"{repository}-{self.name}#{number}"
        created = self.moment()
        status = chance.choices(("merged", "open", "closed"), (8, 1, 1))[0]
        author = chance.choice(self.people)
        merged = self.after(created, 30)
        if merged >= AS_OF or status != "merged":
            merged, status = None, ("open" if status == "merged" else status)
        shared: Row = {
            "pull_request_id": whole, "repository": repository, "service": service, "author": author,
            "created_at": created, "base_branch": chance.choices(("main", "next", None), (8, 1, 1))[0],
            "is_draft": chance.choice((False, False, True, None)) if status == "open" else False,
            "head_sha": f"{whole}-head", "additions": chance.choice((None, 5, 50)), "deletions": chance.choice((0, 5)),
        }  # fmt: skip
        told = {"first_commit_at": None, "first_review_at": None}
        if chance.random() < 0.7:
            told["first_commit_at"] = self.after(created, -20)
        if chance.random() < 0.5:
            told["first_review_at"] = self.after(created, 8)
        self.made.add("pull_requests", **shared, **told, status="open", event_at=created)
        for place in range(chance.randint(0, 3)):
            self.made.add("commits", sha=f"{whole}-{place}", pull_request_id=whole, event_at=created,
                          authored_at=self.after(created, -20))  # fmt: skip
            self.made.add("reviews", review_id=f"{whole}-{place}", pull_request_id=whole,
                          reviewer=chance.choice(self.people), event_at=self.after(created, 10))  # fmt: skip
        if status == "open":
            return
        sha = chance.choices((f"{whole}-merge", None), (9, 1))[0] if merged else None
        closed = merged or self.after(created, 40)
        self.made.add("pull_requests", **shared, **chance.choice((told, dict.fromkeys(told))), status=status,
                      merge_commit_sha=sha, merged_at=merged, closed_at=chance.choice((closed, None)),
                      event_at=max(closed, created + MINUTE))  # fmt: skip
        if merged:
            self.merges.append((service, sha or f"{whole}-head", merged))
            if chance.random() < 0.1:
                self.merges.append((service, f"{whole}-head", merged))

    def deployment(self, service: str | None, number: str) -> None:
        chance, created = self.chance, self.moment()
        own = [one for one in self.merges if one[0] == service]
        merge = chance.choice(own) if own else None
        sha = chance.choice((None, f"{number}-unknown", merge[1] if merge else None, merge[1] if merge else None))
        if merge and sha == merge[1] and chance.random() < 0.8:
            created = min(self.after(merge[2], 5), AS_OF - MINUTE)
        shared: Row = {
            "deployment_id": number, "service": service, "created_at": created, "sha": sha,
            "service_version": chance.choice((None, "1", "2")),
            "environment": chance.choices(("production", None, "Prod-EU", "live", "staging"), (5, 1, 1, 1, 1))[0],
        }  # fmt: skip
        self.made.add("deployments", **shared, status="created", event_at=created)
        for status in chance.choice((["success"], ["success", "inactive"], ["success", "success"], ["failure"],
                                     ["error", "success"], ["in_progress"], ["success"])):  # fmt: skip
            created = self.after(created, 0.2)
            self.made.add("deployments", **shared, status=status, event_at=created)

    def run(self, service: str | None, number: str) -> None:
        chance, created = self.chance, self.moment()
        began = created
        for attempt in range(1, chance.choice((2, 2, 2, 3, 4))):
            began = self.after(began, 0.1)
            shared: Row = {
                "run_id": number, "attempt": attempt, "service": service, "repository": f"o/{service}",
                "created_at": created, "started_at": chance.choice((began, began, began, None)),
                "workflow": chance.choice(("test", "lint")),
            }  # fmt: skip
            self.made.add("ci_runs", **shared, status="in_progress", event_at=began)
            if chance.random() < 0.9:
                ended = self.after(began, 0.3)
                told = chance.choice(("success", "success", "failure", "cancelled", "timed_out", "neutral"))
                self.made.add("ci_runs", **shared, status="completed", conclusion=told, completed_at=ended,
                              event_at=max(ended, began + MINUTE))  # fmt: skip

    def incident(self, number: str) -> None:
        chance, service = self.chance, self.chance.choice(self.services)
        deployments = [
            row for row in self.made.records["deployments"] if str(row["deployment_id"]).startswith(f"{self.name}-")
        ]
        near = chance.choice(deployments)
        if chance.random() < 0.6:
            service = near["service"]
        begins = near["event_at"] + chance.choice((0, 60, 299, 300, 301, 1560, 1561, 4000)) * MINUTE
        detected = begins + chance.randint(0, 20) * MINUTE
        if detected >= AS_OF:
            return
        named = chance.choices((None, near["deployment_id"], "gone"), (6, 3, 1))[0]
        shared: Row = {
            "incident_id": number, "service": service, "created_at": detected, "deployment_id": named,
            "status": "triggered",
            "urgency": chance.choice(("high", "low")), "started_at": chance.choice((begins, begins, None)),
        }  # fmt: skip
        if chance.random() < 0.1:  # what came before was lost
            shared["created_at"] = None
        else:
            self.made.add("incidents", **shared, entry_type="trigger", event_at=detected)
        for kind, odds, way in (("acknowledge", 0.7, -5), ("mitigate", 0.4, -5), ("resolve", 0.7, 0)):
            if chance.random() < odds:  # noted before it was detected: times in the wrong order
                noted = detected + chance.randint(way, 300) * MINUTE
                self.made.add("incidents", **shared, entry_type=kind, event_at=noted)
        if chance.random() < 0.1:  # over, and nobody says since when
            shared["status"] = "resolved"
            self.made.add("incidents", **shared, entry_type="note", event_at=detected + 400 * MINUTE)

    def use(self) -> None:
        """Requests, accounts and tickets of some days; days of spans are those of the whole warehouse."""
        chance = self.chance
        for service in self.services[:2]:
            for back in range(1, 60):
                day = AS_OF.date() - timedelta(days=back)
                if day.day % 11 == 0 or chance.random() < 0.2:
                    continue
                start = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
                shared: Row = {"service": service, "operation": "pay", "kind": "server", "status": "unset"}
                period: Row = {"period_start_at": start, "grain": "minute"}
                count = chance.randint(1, 50)
                self.made.add(
                    "span_requests", **shared, **period, span_count=count, error_count=chance.randint(0, count)
                )
                for bucket in (1700, 1912, 1913, 1950):
                    self.made.add("span_latency", **shared, **period, measure="duration", bucket=bucket,
                                  span_count=chance.randint(1, 9))  # fmt: skip
                for account in chance.choices(("a", "b", "c", None), k=chance.randint(0, 6)):
                    self.made.add("span_account_days", **shared, event_date=day, account_id=account, span_count=1)
        for number in range(chance.randint(1, 30)):
            created = self.moment()
            self.made.add("tickets", ticket_id=f"{self.name}-{number}", service=self.services[0], created_at=created,
                          event_at=created, status="open", ticket_type=chance.choice((None, "question", "problem")),
                          tags=chance.choice(([], ["cart"], ["cart", "bug"])))  # fmt: skip

"""Small companies told record by record: what was asked of them, what people wrote, what it came to, what was kept.

Of each seed one, beside each other in one warehouse, so that building it costs the same for fifty as for one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from governance.costs import CostsPolicy, load_costs
from governance.owners import OwnersPolicy, load_owners
from governance.sampling import SAMPLED_SPANS_SCHEMA
from governance.signals import SIGNALS
from governance.slos import SlosPolicy, frames_of, load_slos
from orchestration.ledger import COUNTS, LEDGER_SCHEMA
from orchestration.rollups.schemas import KEPT_SCHEMA
from orchestration.rollups.themes import TEXT_THEMES_SCHEMA
from orchestration.stages.state_history import HISTORY_SCHEMA
from tests.integration.pain_point_world import build, fill_warehouse, roll_up

FIRST = date(2026, 3, 2)
DAYS = [FIRST + timedelta(days=number) for number in range(24)]
SILENT = {DAYS[6], DAYS[13]}  # no telemetry was collected from anybody
UNSAMPLED = set(DAYS[21:])  # the samples of the last week are not there yet
NOTHING_KEPT = DAYS[4]
WITHHELD = DAYS[9]  # tickets of the day did not pass the gate: later ones say what became of them
AS_OF = datetime(2026, 3, 26, 10, 40, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
JOURNEYS = ("place order", "fill cart", "sign up", "win a prize")  # the last is in no policy
MODELS = (
    *("fct_service_health", "fct_service_health_daily", "fct_operation_health_daily", "fct_latency_days"),
    *("fct_slo_days", "fct_ledger", "fct_collection_costs", "fct_journey_outcomes"),
    *("fct_signal_freshness", "rpt_service_coverage"),
    *("fct_tickets", "fct_ticket_volume_daily", "fct_theme_days", "fct_survey_waves"),
)
OWNERS = OwnersPolicy.model_validate(
    load_owners().model_dump() | {"teams": {
        "platform": {"email": "platform@example.com"}, "shop": {"email": "shop@example.com", "services": ["*-cart"]},
    }}
)  # fmt: skip
Row = dict[str, Any]


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@dataclass
class Companies:
    """Records by signal as the sources would have told them, and what is true of tickets and problems."""

    slos: SlosPolicy
    costs: CostsPolicy
    records: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, table: str, /, **values: object) -> Row:
        rows = self.records.setdefault(table, [])
        rows.append({"record_id": f"{table}-{len(rows)}", **values})
        return rows[-1]

    def built(self, folder: Path) -> Path:
        """The marts with metrics over it, data tests included."""
        warehouse = folder / "feedback.duckdb"
        fill_warehouse(warehouse, self._tables(), AS_OF)
        given = {
            **frames_of(self.slos, load_owners()),
            "owners": OWNERS.as_frame(),
            "costs": self.costs.as_frame(),
            "int_problems_united": _frame(self.records["problems"], _PROBLEMS),
            "int_problem_states": _frame(self.records["problems"], _STATES),
        }
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("set timezone = 'UTC'; create schema intermediate")
            for name, frame in given.items():
                schema = "intermediate" if name.startswith("int_") else "lake"
                connection.register("incoming", frame.to_arrow())
                connection.execute(f"create or replace table {schema}.{name} as select * from incoming")
                connection.unregister("incoming")
        chosen = [*(f"+{name}" for name in MODELS), "stg_lake__triage", "stg_lake__state_history", "fct_loop_times"]
        words = ("--select", *chosen, "--exclude-resource-type", "unit_test", "--indirect-selection", "cautious")
        failed = build(warehouse, *words, as_of=AS_OF)
        assert failed == []
        return warehouse

    def _tables(self) -> dict[str, list[pl.DataFrame]]:
        telemetry = {
            name: _frame(self.records[name], {"source": pl.String(), **SIGNALS[name].schema}, source="otel")
            for name in ("spans", "logs")
        }
        kept = [row for row in self.records["spans"] if row["is_kept"]]
        dated = {"signal": pl.String(), "event_date": pl.Date()}
        schemas: dict[str, Mapping[str, Any]] = {
            **{name: SIGNALS[name].schema for name in ("tickets", "ticket_events", "surveys", "outcomes")},
            "text_themes": TEXT_THEMES_SCHEMA,
            "state_history": HISTORY_SCHEMA,
            "ledger": {name: kind for name, kind in LEDGER_SCHEMA.items() if name != "source"},
        }
        tables = {
            name: [_frame(self.records[name], {"source": pl.String(), **schema})] for name, schema in schemas.items()
        }
        tables["spans"] = [
            _frame(kept, {"source": pl.String(), **SAMPLED_SPANS_SCHEMA}, source="otel", weight=1.0, attributes=[])
        ]
        tables["kept_records"] = [_frame(self._kept(), {"source": pl.String(), **dated, **KEPT_SCHEMA}, source="otel")]
        roll_up(telemetry, tables)
        return tables

    def _kept(self) -> list[Row]:
        """One row per signal, day and service of which the sample kept something."""
        found: dict[tuple[object, ...], Row] = {}
        for signal in ("spans", "logs"):
            for row in self.records[signal]:
                if row["is_kept"]:
                    key = (signal, row["event_at"].date(), row["service"])
                    counts = found.setdefault(key, {"record_count": 0, "raw_bytes": 0})
                    counts["record_count"] += 1
                    counts["raw_bytes"] += row["raw_bytes"] or 0
        return [{"signal": key[0], "event_date": key[1], "service": key[2], **counts} for key, counts in found.items()]


_PROBLEMS = {"problem_id": pl.String(), "service": pl.String(), "started_at": pl.Datetime("us", "UTC")}
_STATES = {
    **{name: pl.String() for name in ("problem_id", "owner_team", "state")},
    **{name: pl.Datetime("us", "UTC") for name in ("decided_at", "shipped_at")},
}


def _frame(rows: Sequence[Row], schema: Mapping[str, Any], **shared: object) -> pl.DataFrame:
    filled = [{**dict.fromkeys(schema), **{n: v for n, v in {**row, **shared}.items() if n in schema}} for row in rows]
    return pl.DataFrame(filled, schema=dict(schema))


def generated(seeds: Iterable[int]) -> Companies:
    made = Companies(_slos(), load_costs().model_copy(update={"price_per_gigabyte": 0.3, "currency": "EUR"}))
    for seed in seeds:
        _Company(made, random.Random(seed), f"s{seed}").tell()
    for signal in ("spans", "logs"):  # all sampled, and nothing kept of it
        row = {"source": "otel", "signal": signal, "event_date": NOTHING_KEPT, **dict.fromkeys(COUNTS, 0)}
        made.add("ledger", **row, is_balanced=True, is_withheld=False)
    return made


def _slos() -> SlosPolicy:
    up = {"kind": "availability", "period_days": 30, "valid_from": "2026-01-01"}
    objectives = [
        {"name": "up", **up, "service": "*", "except_services": ["*-batch"], "exclude_operations": ["*/health"]}
        | {"objective": 0.95},
        {"name": "up", **up, "service": "*", "objective": 0.9, "valid_from": DAYS[10].isoformat()},
        {"name": "calls", **up, "service": "*-cart", "span_kind": "client", "objective": 0.8},
        {"name": "fast", **up, "service": "*-cart", "kind": "latency", "threshold_ms": 300, "objective": 0.5},
        {"name": "soon", **up, "service": "*", "objective": 0.9, "valid_from": "2027-01-01"},
    ]
    by = {"reason": "move", "approved_by": "a@example.com"}
    windows = [("*-cart", 3, 7, 11), ("*-cart", 3, 10, 12), ("*", 15, 0, 24), ("*-mail", 8, 22, 26)]
    maintenance = [
        {"service": service, "from": midnight(DAYS[day]) + begins * HOUR, "to": midnight(DAYS[day]) + ends * HOUR, **by}
        for service, day, begins, ends in windows
    ]
    shipped = load_slos().model_dump()
    return SlosPolicy.model_validate({**shipped, "objectives": objectives, "maintenance": maintenance})


class _Company:
    def __init__(self, made: Companies, chance: random.Random, name: str) -> None:
        self.made, self.chance, self.name = made, chance, name
        self.cart, self.mail, self.batch = (f"{name}-{one}" for one in ("cart", "mail", "batch"))
        self.accounts = [f"{name}-account-{number}" for number in range(6)]

    def tell(self) -> None:
        for day in DAYS:
            if day not in SILENT:
                self.spans(day)
                self.logs(day)
        for number in range(40):
            self.ticket(f"{self.name}-{number}")
        for survey in ("nps", "tools"):
            self.answers(survey)
        self.outcomes()
        self.ledger()
        for number in range(30):
            self.problem(f"{self.name}-{number}")

    def telemetry(self, signal: str, day: date, at: datetime, **values: object) -> None:
        is_kept = day not in UNSAMPLED and day != NOTHING_KEPT and self.chance.random() < 0.4
        # The batch service's source does not say how many bytes a record takes.
        size = None if values["service"] == self.batch else self.chance.randint(100, 900)
        self.made.add(signal, source="otel", event_at=at, is_kept=is_kept, raw_bytes=size, **values)

    def spans(self, day: date) -> None:
        chance = self.chance
        shapes = [(self.cart, "pay", "server"), (self.cart, "pay", "client"), (self.cart, "GET /health", "server"),
                  (self.mail, "send", "consumer"), (self.mail, None, None), (self.batch, "sum up", "internal"),
                  (None, "stray", "server")]  # fmt: skip
        for service, operation, kind in shapes:
            if service == self.mail and day < DAYS[5]:
                continue  # is not there yet
            for number in range(chance.choice((0, 1, 3, 7))):
                at = midnight(day) + chance.randrange(86_400) * timedelta(seconds=1)
                milliseconds = chance.lognormvariate(5, 1.2)
                if abs(milliseconds / 300 - 1) < 0.02:
                    milliseconds = 200.0  # a bucket is not cut by the threshold of an objective
                account = chance.choice((*self.accounts, None))
                own = f"{self.name}-{service}-{operation}-{kind}-{day}-{number}"
                self.telemetry(
                    "spans", day, at, service=service, operation=operation, kind=kind, record_id=own, trace_id=own,
                    span_id=own, start_unix_nano=int(at.timestamp()) * 10**9, duration_ns=int(milliseconds * 1e6),
                    status=chance.choices(("error", "ok", None), (1, 4, 4))[0], account_id=account,
                    account_plan=account and chance.choice(("pro", "free", None)),
                )  # fmt: skip

    def logs(self, day: date) -> None:
        chance = self.chance
        for number in range(chance.randrange(8)):
            at = midnight(day) + chance.randrange(86_400) * timedelta(seconds=1)
            self.telemetry(
                "logs", day, at, service=chance.choice((self.cart, self.batch, f"{self.name}-printer")),
                time_unix_nano=int(at.timestamp()) * 10**9, severity=chance.choice(("ERROR", "FATAL", "INFO", None)),
                body=chance.choice(("paper jam", "out of ink", "warming up")), record_id=f"{self.name}-{day}-{number}",
            )  # fmt: skip

    def ticket(self, number: str) -> None:
        """Created, answered, solved, opened again, solved again; or seen once only, solved before it was created."""
        chance = self.chance
        created = midnight(FIRST) + chance.randrange(22 * 24 * 60) * MINUTE
        moments = [("new", created)]
        for status, odds in (("solved", 0.8), ("open", 0.3), ("solved", 0.5)):
            if chance.random() > odds:
                break
            moments.append((status, moments[-1][1] + chance.randint(1, 6000) * MINUTE))
        if moments[-1][0] == "solved" and chance.random() < 0.5:
            moments.append(("closed", moments[-1][1] + 48 * HOUR))
        told_created = created if chance.random() < 0.95 else None
        moments = [one for one in moments if one[1] < AS_OF]
        too_early = None
        if chance.random() < 0.1:  # a note of its solution lies before its creation
            moments, too_early = [("solved", moments[-1][1])], created - chance.randint(1, 3000) * MINUTE
            self.made.add("ticket_events", source=f"{self.name}-desk", ticket_id=number, event_at=too_early,
                          event_type="status", status="solved")  # fmt: skip
        service = chance.choice((self.cart, self.mail))
        named, tags = chance.choice(
            ((service, []), (service, []), (f" {service.upper()}", []), (None, [service]), (None, []))
        )
        account, rating = chance.choice((*self.accounts, None)), chance.choice(("good", "bad", "offered", None))
        shared: Row = {
            "source": f"{self.name}-desk", "ticket_id": number, "created_at": told_created, "service": named,
            "tags": tags, "account_id": account,
            "attributes": [{"key": "satisfaction_rating.score", "value": rating}],
        }  # fmt: skip
        for place, (status, at) in enumerate(moments):
            self.made.add("tickets", **{**shared, "record_id": f"{number}:{place}"}, status=status, event_at=at)
        answers = []
        for role, is_public in (("agent", True), ("agent", False), ("end_user", True), ("agent", True)):
            at = created + chance.randint(-200, 4000) * MINUTE
            if chance.random() < 0.5 and at < AS_OF:
                answers += [at] if role == "agent" and is_public and told_created and at > told_created else []
                self.made.add("ticket_events", source=f"{self.name}-desk", ticket_id=number, event_at=at,
                              event_type="comment", author_role=role, is_public=is_public)  # fmt: skip
        themes = chance.choice((["other"], ["other", "late mail"], ["wrong price"], []))
        self.theme("tickets", f"{self.name}-desk", number, themes)
        self.made.add(
            "told_tickets", created=told_created, moments=moments, too_early=too_early,
            answered=min(answers, default=None), account_id=account, rating=rating, ticket_id=number,
            service=service if named or tags else "unknown", theme=themes[-1] if themes else "unknown",
        )  # fmt: skip

    def theme(self, signal: str, source: str, document: object, themes: Iterable[str]) -> None:
        for place, theme in enumerate(themes):
            self.made.add("text_themes", source="all", signal=signal, text_source=source, document_id=document,
                          event_date=DAYS[place], theme_id=f"id of {theme}" if theme != "other" else "other",
                          theme=theme, confidence=0.5)  # fmt: skip

    def answers(self, survey: str) -> None:
        chance = self.chance
        low, high = chance.choice(((0.0, 10.0), (1.0, 5.0)))
        for wave in (1, 9, 19):
            teams = chance.sample(["red", "green", "blue", None], chance.randint(1, 3))
            for number in range(chance.randint(1, 30)):
                said = chance.choice(("it is slow", None))
                theme = chance.choice((["late mail"], [])) if said else []
                row = self.made.add(
                    "surveys", source=f"{self.name}-forms", survey=survey, question=chance.choice(("why", "how", None)),
                    audience=chance.choice(("developers", "users")), team=chance.choice(teams), body=said,
                    event_at=midnight(DAYS[wave + chance.randrange(4)]) + chance.randrange(1440) * MINUTE,
                    respondent=chance.choice((f"r{number}", f"r{number % 4}", None)), score_min=low, score_max=high,
                    score=chance.choice((None, low, high, low + 1, high - 1)),
                    service=chance.choice((self.cart, None)),
                )  # fmt: skip
                self.theme("surveys", f"{self.name}-forms", row["record_id"], theme)

    def outcomes(self) -> None:
        chance = self.chance
        for day in DAYS:
            for journey in JOURNEYS:
                for measure, unit in (("conversion", "count"), ("renewal", "ratio"), ("support_cost", "USD")):
                    if chance.random() < 0.4:
                        continue  # nothing was reported
                    population = chance.choice((None, 0, 40, 200))
                    most = 40 if population is None else min(population, 40)
                    for corrected in range(chance.choice((1, 1, 2))):
                        value = {"count": float(chance.randint(0, most)), "ratio": chance.choice((0.0, 0.25, 0.5))}
                        self.made.add(
                            "outcomes", source=f"{self.name}-books", event_at=midnight(day), journey=journey, unit=unit,
                            service=self.cart, segment=chance.choice((None, "pro")) if measure == "renewal" else None,
                            measure=measure, value=value.get(unit, chance.randint(1, 90) / 4), population=population,
                            reported_at=midnight(day) + (30 + corrected) * HOUR,
                        )  # fmt: skip

    def ledger(self) -> None:
        chance = self.chance
        heard = {row["event_at"].date() for row in self.made.records["tickets"] if row["source"] == f"{self.name}-desk"}
        for day in sorted({*DAYS, *heard}):
            for signal in ("tickets", "deployments"):
                is_told = signal == "tickets" and day in heard
                judged, failed = chance.choice((5, 60) if is_told else (0, 5, 60)), chance.choice((0, 0, 1, 4))
                counts = {**dict.fromkeys(COUNTS, 0), "pulled": judged, "landed": judged, "anonymized": judged,
                          "quarantined": min(judged, failed), "checked": judged - min(judged, failed)}  # fmt: skip
                self.made.add(
                    "ledger", source=f"{self.name}-desk", signal=signal, event_date=day, **counts, is_balanced=True,
                    is_withheld=signal == "tickets" and day == WITHHELD,
                )  # fmt: skip

    def problem(self, problem: str) -> None:
        """Recorded from the day it was found on; the recordings begin on the eighth day."""
        chance = self.chance
        started = midnight(FIRST) + chance.randrange(20 * 24) * HOUR
        found = max(started.date() + timedelta(days=chance.randint(0, 4)), DAYS[8])
        decided = started + chance.randint(-20, 200) * HOUR if chance.random() < 0.6 else None
        shipped = (decided or started) + chance.randint(-10, 200) * HOUR if chance.random() < 0.6 else None
        decided, shipped = (None if one is None or one >= AS_OF else one for one in (decided, shipped))
        helped = shipped and shipped.date() + timedelta(days=chance.randint(1, 5))
        ages_out = chance.random() < 0.5

        def state(day: date) -> str:
            if shipped and shipped.date() < day:
                return "verified" if helped and helped <= day else "shipped"
            if decided and decided.date() < day:
                return "in progress"
            return "aged out" if ages_out and day > found + timedelta(days=6) else "open"

        shared: Row = {
            "service": chance.choice((self.cart, self.mail)),
            "owner_team": chance.choice(("payments", "web")),
        }
        for day in DAYS:
            if day >= found and chance.random() < 0.9:
                self.made.add("state_history", source="triage", recorded_at=midnight(day), subject_kind="pain_point",
                              subject_id=problem, state=state(day), **shared)  # fmt: skip
        self.made.add("problems", problem_id=problem, started_at=started, decided_at=decided, shipped_at=shipped,
                      state=state(AS_OF.date()), **shared)  # fmt: skip

"""What every figure of small companies is, told record by record in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from governance.services import load_services
from governance.surveys import load_surveys
from governance.triage import load_triage
from tests.integration.recounting import Recount, grouped, hits, number_of, percentile, share, survived, told, total
from tests.integration.small_company import AS_OF, DAYS, SILENT, UNSAMPLED, WITHHELD, Companies, midnight

Row = dict[str, Any]
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
UNKNOWN = "unknown"
ANSWERING = ("server", "consumer")


class CompanyFigures:
    def __init__(self, made: Companies) -> None:
        self.made = made

    @cached_property
    def spans(self) -> list[Row]:
        found = [
            {**row, "service": row["service"] or UNKNOWN, "operation": row["operation"] or "(no name)",
             "event_date": row["event_at"].date(), "is_failed": row["status"] == "error",
             "ms": row["duration_ns"] / 1e6}
            for row in self.made.records["spans"]
        ]  # fmt: skip
        says_kinds = {row["service"] for row in found if row["kind"] in ANSWERING}
        return [{**row, "is_request": row["kind"] in ANSWERING or row["service"] not in says_kinds} for row in found]

    @cached_property
    def requests(self) -> list[Row]:
        return [row for row in self.spans if row["is_request"]]

    @cached_property
    def logs(self) -> list[Row]:
        return [{**row, "event_date": row["event_at"].date()} for row in self.made.records["logs"]]

    def service_days(self) -> dict[tuple[Any, ...], Row]:
        """Spans and requests by service and day."""
        return {key: _counted(rows) for key, rows in grouped(self.spans, "service", "event_date").items()}

    def services(self) -> dict[tuple[Any, ...], Row]:
        """The same by service, with its log lines."""
        spans, logs = grouped(self.spans, "service"), grouped(self.logs, "service")
        return {
            key: {
                **_counted(spans.get(key, [])),
                "log_count": len(lines := logs.get(key, [])),
                "error_log_count": sum(row["severity"] in ("ERROR", "FATAL") for row in lines),
            }
            for key in {*spans, *logs}
        }

    @cached_property
    def slo_days(self) -> list[Row]:
        found = []
        objectives = sorted(self.made.slos.objectives, key=lambda one: one.valid_from)
        seen = {row["service"] for row in self.spans} - {UNKNOWN}
        days = grouped(self.spans, "service", "event_date")
        for day in DAYS:
            in_force = {one.name: one for one in objectives if one.valid_from <= day}
            for one in in_force.values():
                for service in seen:
                    if not fnmatchcase(service, one.service) or _fits(service, one.except_services):
                        continue
                    judged = [row for row in days[service, day] if self._is_judged(row, one)]
                    bad = sum(
                        row["is_failed"] if one.threshold_ms is None else row["ms"] > one.threshold_ms for row in judged
                    )
                    is_known = day not in SILENT
                    found.append({
                        "slo": one.name, "service": service, "event_date": day,
                        "counted": len(judged) if is_known else None, "bad": bad if is_known else None,
                        "allowed": len(judged) * (1 - one.objective) if is_known else None,
                    })  # fmt: skip
        return found

    def _is_judged(self, row: Row, objective: Any) -> bool:
        is_wanted = row["kind"] == objective.span_kind if objective.span_kind else row["is_request"]
        return (
            is_wanted
            and fnmatchcase(row["operation"], objective.operation or "*")
            and not _fits(row["operation"], objective.exclude_operations)
            and not any(
                fnmatchcase(row["service"], window.service) and window.starts_at <= row["event_at"] < window.ends_at
                for window in self.made.slos.maintenance
            )
        )

    @cached_property
    def ledger(self) -> list[Row]:
        return self.made.records["ledger"]

    @cached_property
    def collected(self) -> list[Row]:
        """What came in and what was kept, by signal, service and day."""
        found = []
        price = self.made.costs.price_per_gigabyte or 0
        for signal, records in (("spans", self.spans), ("logs", self.logs)):
            for (service, day), rows in grouped(records, "service", "event_date").items():
                received = sum(row["raw_bytes"] or 0 for row in rows) or None
                kept = sum(row["raw_bytes"] or 0 for row in rows if row["is_kept"])
                is_known = received is not None and day not in UNSAMPLED
                found.append({
                    "source": "otel", "signal": signal, "service": service, "event_date": day, "received": received,
                    "kept": kept if is_known else None,
                    "saved": ((received or 0) - kept) * price / 1e9 if is_known else None,
                })  # fmt: skip
        return found

    @cached_property
    def ages(self) -> list[Row]:
        """How old the newest record is that the warehouse has, by source and signal."""
        found = []
        for signal in ("spans", "tickets", "ticket_events", "surveys", "outcomes"):
            had = [row for row in self.made.records[signal] if row.get("is_kept", True)]
            for (source,), rows in grouped(had, "source").items():
                age = (AS_OF - max(row["event_at"] for row in rows)) / HOUR
                found.append({"source": source, "signal": signal, "as_of_date": AS_OF.date(), "age": age})
        return found

    @cached_property
    def covered(self) -> list[Row]:
        """Every service that telemetry or a ticket names: heard, owned, with an objective today."""
        spoken = {row["service"] for row in self.spans} - {UNKNOWN}
        heard = spoken | {row["service"] for row in self.logs}
        today = AS_OF.date()
        in_force = {one.name: one for one in sorted(self.made.slos.objectives, key=lambda one: one.valid_from)
                    if one.valid_from <= today}.values()  # fmt: skip
        found = []
        for service in sorted(heard | ({row["service"] for row in self.tickets} - {UNKNOWN})):
            is_owned, is_active = service.endswith("-cart"), service in heard
            is_promised = service in spoken and any(
                fnmatchcase(service, one.service) and not _fits(service, one.except_services) for one in in_force
            )
            found.append({
                "service": service, "owner_team": "shop" if is_owned else "platform", "as_of_date": today,
                "is_active": is_active, "is_owned": is_active and is_owned, "is_promised": is_active and is_promised,
            })  # fmt: skip
        return found

    @cached_property
    def outcomes(self) -> list[Row]:
        """Figures as they were reported last; of days without a report nothing is known."""
        journeys = load_services().journeys
        found = []
        series = grouped(self.made.records["outcomes"], "source", "journey", "service", "segment", "measure", "unit")
        for (_, journey, service, segment, measure, unit), rows in series.items():
            worth = journeys[journey].worth if journey in journeys else None
            shared = {"journey": journey, "service": service, "segment": segment or "all", "measure": measure,
                      "currency": unit if measure == "support_cost" else worth and worth.currency}  # fmt: skip
            reported = grouped([{**row, "day": row["event_at"].date()} for row in rows], "day")
            day, last = min(reported)[0], max(reported)[0]
            while day <= last:
                told = reported.get((day,))
                row = max(told, key=lambda one: (one["reported_at"], one["record_id"])) if told else None
                succeeded = tried = None
                if row and measure != "support_cost":
                    of = row["population"]
                    succeeded = row["value"] if unit == "count" else None if of is None else row["value"] * of
                    tried = None if succeeded is None else of
                found.append({
                    **shared, "event_date": day, "succeeded": succeeded, "tried": tried,
                    "succeeded_of_tried": None if tried is None else succeeded,
                    "worth": succeeded * worth.value if worth and succeeded is not None else None,
                    "cost": row["value"] if row and measure == "support_cost" else None,
                })  # fmt: skip
                day += DAY
        return found

    @cached_property
    def plans(self) -> dict[str, str]:
        """The plan each account had on the last day it was seen with one; the more frequent one of that day."""
        days: dict[str, dict[date, dict[str, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
        for row in self.spans:
            if row["account_id"] and row["account_plan"]:
                days[row["account_id"]][row["event_date"]][row["account_plan"]] += 1
        found = {}
        for account, by_day in days.items():
            counts = by_day[max(by_day)]
            found[account] = min(counts, key=lambda plan: (-counts[plan], plan))
        return found

    @cached_property
    def tickets(self) -> list[Row]:
        found = []
        for row in self.made.records["told_tickets"]:
            moments = row["moments"]
            created, last = row["created"], moments[-1][0]
            is_open = last not in ("solved", "closed")
            solved = None
            for (status, at), before in zip(moments, [("", None), *moments], strict=False):
                if status == "solved" and before[0] != "solved":
                    solved = at  # the last time it became so
            solved = None if is_open else row["too_early"] or solved
            backwards = bool(created and solved and solved < created)
            took = (solved - created) / MINUTE if created and solved and not backwards else None
            answered = row["answered"]
            found.append({
                **row, "account_plan": self.plans.get(row["account_id"], UNKNOWN), "is_open": is_open,
                "is_backwards": backwards, "resolution": took, "created_at": created,
                "first_response": (answered - created) / MINUTE if created and answered else None,
                "open_minutes": (AS_OF - created) / MINUTE if created and is_open else None,
                "left_at": None if is_open else moments[-1][1] if backwards else solved,
                "reopened": [at for status, at in moments if status == "open"],
                "is_good": {"good": True, "bad": False}.get(row["rating"]),
            })  # fmt: skip
        return found

    def told_tickets(self) -> dict[tuple[Any, ...], Row]:
        """Each ticket as its mart tells it."""
        return {
            (row["ticket_id"],): {
                "is_open": row["is_open"], "account_plan": row["account_plan"], "theme": row["theme"],
                "service": row["service"], "is_satisfied": row["is_good"], "open_minutes": row["open_minutes"],
                "first_response_minutes": row["first_response"], "resolution_minutes": row["resolution"],
                # Of a ticket that was first seen solved nobody knows what went before.
                "reopened_count": len(row["reopened"]) if row["is_open"] or len(row["moments"]) > 1 else None,
            }
            for row in self.tickets
        }  # fmt: skip

    @cached_property
    def ticket_days(self) -> list[Row]:
        """Every day for every service and plan that ever had a ticket, also without tickets."""
        dated = [row for row in self.tickets if row["created_at"]]
        day, found = min(row["created_at"].date() for row in dated), []
        while day < AS_OF.date() or (day == AS_OF.date() and self.is_heard(day)):
            for (service, plan), rows in grouped(dated, "service", "account_plan").items():
                evening = midnight(day) + DAY
                keys: Row = {"event_date": day, "service": service, "account_plan": plan}
                if day == WITHHELD or not self.is_heard(day):
                    found.append({**keys, **dict.fromkeys(("created", "solved", "reopened", "open"))})
                    continue
                found.append({
                    **keys,
                    "created": sum(row["created_at"].date() == day for row in rows),
                    "solved": sum(row["left_at"] is not None and row["left_at"].date() == day for row in rows),
                    "reopened": sum(at.date() == day for row in rows for at in row["reopened"]),
                    "open": sum(
                        row["created_at"] < evening and (row["left_at"] is None or row["left_at"] >= evening)
                        for row in rows
                    ),
                })  # fmt: skip
            day += DAY
        return found

    def is_heard(self, day: date) -> bool:
        """Whether those that brought half of the tickets of four weeks go on to tell of anything."""
        passed = [row for row in self.ledger if row["checked"]]
        lately = [row for row in passed if row["signal"] == "tickets" and day - 27 * DAY <= row["event_date"] <= day]
        last = {source: max(row["event_date"] for row in rows) for (source,), rows in grouped(passed, "source").items()}
        going = sum(row["checked"] for row in lately if last[row["source"]] >= day)
        return day <= max(last.values()) and 2 * going >= sum(row["checked"] for row in lately)

    @cached_property
    def texts(self) -> list[Row]:
        """Tickets and answers with a theme, one row each."""
        themes = {
            row["document_id"]: row["theme"] for row in self.made.records["text_themes"] if row["signal"] == "surveys"
        }
        found = [{**row, "signal": "tickets", "event_date": row["created_at"]} for row in self.tickets]
        return found + [
            {"signal": "surveys", "event_date": row["event_at"], "theme": themes[row["record_id"]],
             "service": row["service"] or UNKNOWN, "account_plan": UNKNOWN}
            for row in self.made.records["surveys"] if row["record_id"] in themes
        ]  # fmt: skip

    @cached_property
    def told_scores(self) -> list[Row]:
        """Scores, laid on 0 to 1, of waves of which so many answered that nobody is found out."""
        rules = load_surveys()
        found = []
        for _, answers in grouped(self.made.records["surveys"], "source", "survey").items():
            ordered = sorted(answers, key=lambda row: row["event_at"])
            wave: list[Row] = []
            for row, after in zip(ordered, [*ordered[1:], None], strict=True):
                wave.append(row)
                gap = after and (after["event_at"].date() - row["event_at"].date()).days - 1
                if gap is None or gap > rules.wave_gap_days:
                    found += _told(wave, rules.min_respondents)
                    wave = []
        return found

    @cached_property
    def loop_steps(self) -> list[Row]:
        """The steps of every problem with how long they took, or go on."""
        targets = load_triage().loop
        recorded = grouped(
            [row for row in self.made.records["state_history"] if row["recorded_at"] < midnight(AS_OF.date())],
            "subject_id",
        )
        first = min(row["recorded_at"] for rows in recorded.values() for row in rows)
        found = []
        for one in self.made.records["problems"]:
            history = recorded.get((one["problem_id"],), [])
            listed = min((row["recorded_at"] for row in history), default=AS_OF)
            on_list = listed if listed > first else None
            verified = min((row["recorded_at"] for row in history if row["state"] == "verified"), default=AS_OF)
            is_verified = one["state"] == "verified" and bool(history) and verified > listed
            decided, shipped, aged = one["decided_at"], one["shipped_at"], one["state"] == "aged out"
            steps = [
                ("signal_to_problem", one["started_at"], on_list, False),
                ("problem_to_decision", on_list, decided, not shipped and not aged),
                ("signal_to_shipped", one["started_at"], shipped, not aged),
            ]
            if decided or shipped:
                steps.append(("decision_to_shipped", decided, shipped, True))
            if shipped:
                steps.append(
                    ("shipped_to_verified", shipped, verified if is_verified else None, one["state"] == "shipped")
                )
            for step, begun, ended, goes_on in steps:
                took = _step(begun, ended, _target(targets, step), goes_on=goes_on)
                found.append({**one, "step": step, "begun_at": begun, **took})
        return found


def _counted(spans: Sequence[Row]) -> Row:
    requests = [row for row in spans if row["is_request"]]
    failed = sum(row["is_failed"] for row in requests)
    return {
        "span_count": len(spans),
        "error_count": sum(row["is_failed"] for row in spans),
        "request_count": len(requests),
        "failed_request_count": failed,
        "error_ratio": failed / len(requests) if requests else None,
    }


def _target(targets: Any, step: str) -> float:
    if step == "signal_to_shipped":
        parts = ("signal_to_problem", "problem_to_decision", "decision_to_shipped")
        return sum(_target(targets, part) for part in parts)
    return float(getattr(targets, f"{step}_days"))


def _step(begun: datetime | None, ended: datetime | None, target: float, *, goes_on: bool) -> Row:
    if begun is None:
        return {"days": None, "open_days": None, "is_in_time": None}
    took = (ended - begun) / DAY if ended else None
    lasts = (AS_OF - begun) / DAY if ended is None and goes_on else None
    if took is not None and took >= 0:
        return {"days": took, "open_days": None, "is_in_time": took <= target}
    is_late = lasts is not None and lasts > target
    return {"days": None, "open_days": lasts, "is_in_time": False if is_late else None}


def _told(wave: Sequence[Row], least: int) -> list[Row]:
    """The scores of one wave by question and audience; one without a score where they are not told."""
    start, found = wave[0]["event_at"].date(), []
    for (question, audience), rows in grouped(wave, "question", "audience").items():
        scored = [row for row in rows if row["score"] is not None]
        people = {row["respondent"] or row["record_id"] for row in scored}
        teams = [{row["respondent"] or row["record_id"] for row in team} for team in grouped(scored, "team").values()]
        hidden = sum(len(team) for team in teams if len(team) < least)
        is_told = len(people) >= least and not 0 < hidden < least
        low, high = rows[0]["score_min"], rows[0]["score_max"]
        scores = [(row["score"] - low) / (high - low) for row in scored] if is_told else [None]
        shared = {"survey": rows[0]["survey"], "question": question or UNKNOWN, "audience": audience}
        found += [{**shared, "wave_start_date": start, "score": score} for score in scores]
    return found


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _last_day(column: str) -> Callable[[Sequence[Any]], object]:
    def of(rows: Sequence[Any]) -> object:
        last = max(row["event_date"] for row in rows)
        known = told([row for row in rows if row["event_date"] == last], column)
        return sum(known) if known else None

    return of


def _still_allowed(rows: Sequence[Any]) -> object:
    known = [row["allowed"] - row["bad"] for row in rows if row["allowed"] is not None and row["bad"] is not None]
    return sum(known) if known else None


def _of(facts: str, time: str, **values: Callable[[Sequence[Any]], object]) -> dict[str, Recount]:
    return {name: Recount(facts, time, value) for name, value in values.items()}


RECOUNTS = {
    **_of(
        "requests", "event_date",
        requests=number_of("is_failed"), failed_requests=hits("is_failed"),
        request_error_ratio=share(hits("is_failed"), number_of("is_failed")),
    ),
    # Durations are counted in buckets of 2^(1/64): the nearest rank is at most 0.55 % off.
    **{
        f"request_latency_p{percent}": Recount("requests", "event_date", percentile("ms", percent), within=0.0055)
        for percent in (50, 90, 95, 99)
    },
    **_of(
        "slo_days", "event_date",
        slo_requests=total("counted"), slo_bad_requests=total("bad"), slo_allowed_bad_requests=total("allowed"),
        slo_error_ratio=share(total("bad"), total("counted")), slo_burn_rate=share(total("bad"), total("allowed")),
        slo_requests_still_allowed_bad=_still_allowed, slo_budget_remaining=share(_still_allowed, total("allowed")),
    ),
    **_of(
        "ledger", "event_date",
        judged_records=total("anonymized"), quarantined_records=total("quarantined"),
        quarantine_ratio=share(total("quarantined"), total("anonymized")),
    ),
    **_of(
        "collected", "event_date",
        received_bytes=total("received"), kept_bytes=total("kept"), saved_cost=total("saved"),
    ),
    **_of("ages", "as_of_date", data_age_hours=lambda rows: max(row["age"] for row in rows)),
    **_of(
        "covered", "as_of_date",
        active_services=hits("is_active"), owned_services=hits("is_owned"),
        services_with_objective=hits("is_promised"), service_owner_ratio=share(hits("is_owned"), hits("is_active")),
        service_objective_ratio=share(hits("is_promised"), hits("is_active")),
    ),
    **_of(
        "outcomes", "event_date",
        journey_successes=total("succeeded"), journey_successes_of_tries=total("succeeded_of_tried"),
        journey_attempts=total("tried"), journey_success_ratio=share(total("succeeded_of_tried"), total("tried")),
        journey_value=total("worth"), support_cost=total("cost"),
    ),
    **_of(
        "ticket_days", "event_date",
        tickets_created=total("created"), tickets_solved=total("solved"), tickets_reopened=total("reopened"),
        ticket_backlog=_last_day("open"),
    ),
    **_of(
        "tickets", "created_at",
        tickets_with_rating=number_of("is_good"), tickets_with_good_rating=hits("is_good"),
        ticket_satisfaction=share(hits("is_good"), number_of("is_good")),
        tickets_solved_before_created=hits("is_backwards"),
        first_response_median=survived("first_response", "open_minutes", lambda row: row["is_open"]),
        first_response_p90=survived("first_response", "open_minutes", lambda row: row["is_open"], 90),
        resolution_median=survived("resolution", "open_minutes", lambda row: row["is_open"]),
        resolution_p90=survived("resolution", "open_minutes", lambda row: row["is_open"], 90),
    ),
    **_of("texts", "event_date", theme_texts=number_of("signal")),
    **_of(
        "told_scores", "wave_start_date",
        survey_scores=lambda rows: len(told(rows, "score")) or None, survey_score_sum=total("score"),
        survey_score=share(total("score"), number_of("score")),
    ),
    **_of(
        "loop_steps", "begun_at",
        loop_steps_judged=number_of("is_in_time"), loop_steps_in_time=hits("is_in_time"),
        loop_in_time_ratio=share(hits("is_in_time"), number_of("is_in_time")),
        loop_step_days_median=survived("days", "open_days", lambda row: True),
    ),
}  # fmt: skip

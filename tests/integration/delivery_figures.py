"""What every figure of delivery and friction is, told record by record in plain Python."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from governance.changes import ChangesPolicy
from governance.slos import load_slos
from governance.triage import load_triage
from tests.integration.delivery_world import Delivery
from tests.integration.reading import product_limit
from tests.integration.recounting import (
    NO_ROW,
    Recount,
    grouped,
    hits,
    number_of,
    percentile,
    share,
    survived,
    told,
    total,
)

UNKNOWN = "unknown"
Row = dict[str, Any]
Key = tuple[Any, ...]


def minutes(earlier: datetime | None, later: datetime | None) -> float | None:
    if earlier is None or later is None or later < earlier:
        return None
    return round((later - earlier).total_seconds() / 60, 6)


def first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def service_of(row: Row) -> str:
    return row.get("service") or UNKNOWN


@dataclass
class Figures:
    made: Delivery

    @property
    def as_of(self) -> datetime:
        return self.made.as_of

    def rule(self, service: str) -> Any:
        policy: ChangesPolicy = self.made.policy
        fitting = [one for one in policy.services if fnmatchcase(service, one.service)]
        return max(fitting, key=lambda one: (one.service == service, len(one.service)))

    @cached_property
    def deployments(self) -> dict[Key, Row]:
        """Deployments to production by source and id."""
        found: dict[Key, Row] = {}
        for key, statuses in grouped(self.made.records["deployments"], "source", "deployment_id").items():
            ordered = sorted(statuses, key=lambda s: (s["event_at"], s["status"] != "created", s["record_id"]))
            last = ordered[-1]
            environment = last["environment"]
            if environment and not environment.lower().startswith("prod") and environment.lower() != "live":
                continue
            finished = first(s["event_at"] for s in statuses if s["status"] == "success")
            failed = first(s["event_at"] for s in statuses if s["status"] in ("failure", "error"))
            found[key] = {
                **last, "service": service_of(last), "created_at": first(s["created_at"] for s in statuses),
                "finished_at": finished, "failed_at": None if finished else failed,
            }  # fmt: skip
        return found

    @cached_property
    def pull_requests(self) -> list[Row]:
        commits = grouped(self.made.records["commits"], "source", "pull_request_id")
        reviews = grouped(self.made.records["reviews"], "source", "pull_request_id")
        found = []
        for key, versions in grouped(self.made.records["pull_requests"], "source", "pull_request_id").items():
            last = max(versions, key=lambda v: (v["event_at"], v["record_id"]))
            by_others = [r["event_at"] for r in reviews[key] if (r["reviewer"] or "") != (last["author"] or "")]
            found.append({
                "merge_commit_sha": None, "merged_at": None, "closed_at": None, **last, "service": service_of(last),
                "base_branch": last["base_branch"] or "",
                "first_commit_at": first([*(v["first_commit_at"] for v in versions),
                                          *(c["authored_at"] for c in commits[key])]),
                "first_review_at": first(v["first_review_at"] for v in versions) or first(by_others),
            })  # fmt: skip
        return found

    @cached_property
    def merges(self) -> dict[str, list[Row]]:
        """Pull requests by the commit their merge made."""
        return {key[0]: rows for key, rows in grouped(self.pull_requests, "merge_commit_sha").items() if key[0]}

    @cached_property
    def known_commits(self) -> set[str]:
        return {one["head_sha"] for one in self.pull_requests} | set(self.merges)

    def deployment_of(self, change: Row) -> tuple[Row, str] | None:
        if change["merged_at"] is None:
            return None
        certain, likely = [], []
        for key, one in self.deployments.items():
            if one["finished_at"] is None:
                continue
            order = (one["finished_at"], "|".join(key))
            if one["sha"] and one["sha"] in (change["merge_commit_sha"], change["head_sha"]):
                certain.append((order[0], 1, order[1], one, "named_commit"))
            if any(
                (other["repository"], other["base_branch"]) == (change["repository"], change["base_branch"])
                and one["created_at"] >= other["merged_at"] >= change["merged_at"]
                for other in self.merges.get(one["sha"], ())
            ):
                certain.append((order[0], 2, order[1], one, "later_commit"))
            if (
                one["service"] == change["service"] != UNKNOWN
                and one["sha"] not in self.known_commits
                and one["created_at"] >= change["merged_at"]
            ):
                likely.append((order[0], 3, order[1], one, "next_deployment"))
        chosen = min(certain or likely, default=None, key=lambda found: found[:3])
        return chosen and (chosen[3], chosen[4])

    @cached_property
    def changes(self) -> dict[Key, Row]:
        found = {}
        for one in self.pull_requests:
            deployed = self.deployment_of(one)
            at, ground = (deployed[0]["finished_at"], deployed[1]) if deployed else (None, None)
            commit, created = one["first_commit_at"], one["created_at"]
            reviewed, merged = one["first_review_at"], one["merged_at"]
            begun = None if commit is None else min(commit, created)
            stages = [
                minutes(begun, created),
                minutes(created, reviewed),
                minutes(reviewed, merged),
                minutes(merged, at),
            ]
            rule = self.rule(one["service"])
            waits, since = None, None
            if one["status"] == "open" and not one["is_draft"]:
                waits, since = ("merge", reviewed) if reviewed else ("review", created)
            elif merged and not at:
                waits, since = "deployment", merged
            confidence = {"later_commit": rule.later_commit_confidence, "named_commit": 1.0, None: None}
            names = ("coding_minutes", "pickup_minutes", "review_minutes", "deploy_minutes")
            found[one["source"], one["pull_request_id"]] = {
                **dict(zip(names, stages, strict=True)),
                "lead_time_minutes": None if None in stages else minutes(begun, at),
                "service": one["service"], "repository": one["repository"], "created_at": created,
                "deployment_id": deployed and deployed[0]["deployment_id"], "deployed_at": at,
                "deployment_ground": ground, "status": one["status"],
                "deployment_confidence": confidence.get(ground, rule.next_deployment_confidence),
                "waiting_for": waits, "waiting_minutes": minutes(since, self.as_of) if waits else None,
            }  # fmt: skip
        return found

    @cached_property
    def incidents(self) -> dict[Key, Row]:
        found = {}
        for key, entries in grouped(self.made.records["incidents"], "source", "incident_id").items():
            one = entries[0]
            service, detected = service_of(one), one["created_at"]
            resolved = first(e["event_at"] for e in entries if e["entry_type"] == "resolve")
            is_open = resolved is None and max(entries, key=lambda e: e["event_at"])["status"] != "resolved"
            dated = detected or first(e["event_at"] for e in entries)
            began, begins, rule = one["started_at"], one["started_at"] or detected, self.rule(service)
            noted = {
                k: first(e["event_at"] for e in entries if e["entry_type"] == k) for k in ("acknowledge", "mitigate")
            }
            cause, ground, confidence = None, None, None
            if one["deployment_id"]:
                named = [d for d in self.deployments.values() if d["deployment_id"] == one["deployment_id"]]
                if named:
                    cause, ground, confidence = named[0], "named", 1.0
            elif service != UNKNOWN and begins:
                near = [
                    d for d in self.deployments.values()
                    if d["service"] == service and d["finished_at"] and d["finished_at"] < begins
                    and begins - d["finished_at"] <= timedelta(hours=rule.incident_hours)
                ]  # fmt: skip
                if near:
                    latest = max(d["finished_at"] for d in near)
                    cause = min((d for d in near if d["finished_at"] == latest), key=lambda d: d["deployment_id"])
                    ground, confidence = "same_service", rule.same_service_confidence / len(near)
            finished = cause and cause["finished_at"]
            found[key] = {
                "service": service, "dated_at": dated, "attribution": ground, "urgency": one["urgency"],
                "time_to_detect_minutes": minutes(began, detected), "is_open": is_open,
                "time_to_acknowledge_minutes": minutes(detected, noted["acknowledge"]),
                "time_to_mitigate_minutes": minutes(detected, noted["mitigate"]),
                "time_to_resolve_minutes": minutes(detected, resolved),
                "no_acknowledge": noted["acknowledge"] is None, "no_mitigate": noted["mitigate"] is None,
                "open_minutes": minutes(dated, self.as_of) if is_open else None,
                "attribution_confidence": confidence,
                "attributed_deployment_id": cause and cause["deployment_id"],
                "time_to_recover_minutes": minutes(finished, resolved),
                "unrecovered_minutes": minutes(finished, self.as_of) if is_open else None,
            }  # fmt: skip
        return found

    @cached_property
    def fct_deployments(self) -> dict[Key, Row]:
        counts: dict[str, int] = defaultdict(int)
        for incident in self.incidents.values():
            counts[incident["attributed_deployment_id"]] += 1
        return {
            key: {
                "service": one["service"], "finished_at": one["finished_at"], "failed_at": one["failed_at"],
                "environment": one["environment"],
                "duration_minutes": minutes(one["created_at"], one["finished_at"]),
                "incident_count": counts[one["deployment_id"]],
                "is_retry": any(
                    other["failed_at"] and other["failed_at"] < one["created_at"]
                    for other in self.deployments.values()
                    if other["service"] == one["service"] and _ships(other) == _ships(one)
                ),
            }
            for key, one in self.deployments.items()
        }  # fmt: skip

    @cached_property
    def ci_runs(self) -> dict[Key, Row]:
        found = {}
        for key, versions in grouped(self.made.records["ci_runs"], "source", "run_id", "attempt").items():
            last = max(versions, key=lambda v: (v["event_at"], v["status"] == "completed", v["record_id"]))
            ended = last.get("completed_at")
            since = last["created_at"] if last["attempt"] == 1 else last["started_at"]
            told = last.get("conclusion")
            found[key] = {
                "service": service_of(last), "repository": last["repository"], "workflow": last["workflow"],
                "is_open": ended is None, "attempt": last["attempt"],
                "is_failed": {"failure": True, "timed_out": True, "success": False, "neutral": False}.get(told),
                "is_retry": last["attempt"] > 1, "waiting_since": since, "ended_at": ended,
                "started_at": last["started_at"], "run_minutes": minutes(last["started_at"], ended),
                "wait_minutes": minutes(since, ended),
                "open_minutes": minutes(since, self.as_of) if ended is None else None,
            }  # fmt: skip
        return found

    def heard_of(self) -> dict[str, date]:
        """The first day of each service."""
        told: list[tuple[str, datetime | None]] = []
        for signal, column in (("deployments", "created_at"), ("incidents", "created_at"), ("tickets", "created_at"),
                               ("span_requests", "period_start_at")):  # fmt: skip
            told += [(service_of(row), row[column]) for row in self.made.records[signal]]
        for one in self.deployments.values():
            told += [(one["service"], one[column]) for column in ("finished_at", "failed_at")]
        told += [(one["service"], one["created_at"]) for one in self.pull_requests]
        told += [(run["service"], run["waiting_since"] or run["ended_at"]) for run in self.ci_runs.values()]
        days: dict[str, date] = {}
        for service, moment in told:
            if moment is not None:
                days[service] = min(days.get(service, moment.date()), moment.date())
        return days

    @property
    def all_changes(self) -> list[Row]:
        return [{**row, "id": key[1]} for key, row in self.changes.items()]

    @property
    def all_deployments(self) -> list[Row]:
        return list(self.fct_deployments.values())

    @property
    def all_builds(self) -> list[Row]:
        return list(self.ci_runs.values())

    @property
    def all_incidents(self) -> list[Row]:
        return list(self.incidents.values())

    @property
    def all_days(self) -> list[Row]:
        return [{"service": service, "event_date": day, **row} for (service, day), row in self.friction.items()]

    @cached_property
    def friction(self) -> dict[Key, Row]:
        records = self.made.records
        span_days = {row["period_start_at"].date() for row in records["span_requests"]}
        objective = next(one for one in load_slos().objectives if one.kind == "latency")
        ticket_days = [row["created_at"].date() for row in records["tickets"]]
        with_tickets = {service_of(row) for row in records["tickets"]}
        has = {
            "deployments": {one["service"] for one in self.deployments.values()},
            "builds": {one["service"] for one in self.ci_runs.values()},
            "reviews": {one["service"] for one in self.changes.values()},
        }
        sums: dict[Key, Row] = defaultdict(lambda: defaultdict(int))
        for key, one in self.deployments.items():
            sums[one["service"], _day(one["finished_at"])]["deployment_count"] += 1
            sums[one["service"], _day(one["failed_at"])]["failed_deployment_count"] += 1
            retries = self.fct_deployments[key]["is_retry"]
            sums[one["service"], _day(one["created_at"])]["retried_deployment_count"] += retries
        for run in self.ci_runs.values():
            row = sums[run["service"], _day(run["waiting_since"] or run["ended_at"] or run["started_at"])]
            _count(row, build_count=1, failed_build_count=bool(run["is_failed"]), retried_build_count=run["is_retry"])
            _count(row, ci_waiting_count=run["is_open"])
            _wait(
                row, "ci_wait_minutes", run["wait_minutes"] if run["wait_minutes"] is not None else run["open_minutes"]
            )
        for change in self.changes.values():
            row, waits = sums[change["service"], _day(change["created_at"])], change["waiting_for"] == "review"
            _count(row, pull_request_count=1, review_waiting_count=waits)
            _wait(row, "review_wait_minutes", change["waiting_minutes"] if waits else change["pickup_minutes"])
        for (service, start), rows in grouped(records["span_requests"], "service", "period_start_at").items():
            _count(sums[service, start.date()], error_count=sum(row["error_count"] for row in rows),
                   request_count=sum(row["span_count"] for row in rows))  # fmt: skip
        for row in records["span_latency"]:
            slow = 2 ** (row["bucket"] / 64) / 1e6 >= objective.threshold_ms * (1 - 1e-12)
            _count(sums[row["service"], row["period_start_at"].date()], slow_count=row["span_count"] * slow)
        accounts: dict[Key, set[str]] = defaultdict(set)
        for row in records["span_account_days"]:
            accounts[row["service"], row["event_date"]] |= {row["account_id"]} - {None}
        known = load_triage().defects
        for row in records["tickets"]:
            is_defect = row["ticket_type"] in known.ticket_types or not {*known.tags}.isdisjoint(row["tags"])
            _count(sums[service_of(row), row["created_at"].date()], ticket_count=1, defect_count=is_defect)

        found = {}
        for service, day in self.heard_of().items():
            measured = any(row["service"] == service for row in records["span_requests"])
            while day <= (self.as_of - timedelta(seconds=1)).date():
                row = sums[service, day]
                active = len(accounts[service, day]) or (None if row["request_count"] or day not in span_days else 0)
                told = {
                    **{n: row[n] if service in has["deployments"] else None
                       for n in ("deployment_count", "failed_deployment_count", "retried_deployment_count")},
                    **{n: row[n] if service in has["builds"] else None
                       for n in ("build_count", "failed_build_count", "retried_build_count", "ci_waiting_count")},
                    **{n: row[n] if service in has["reviews"] else None
                       for n in ("pull_request_count", "review_waiting_count")},
                    **{n: row.get(n) for n in ("ci_wait_minutes", "review_wait_minutes")},
                    "error_count": row["error_count"] if day in span_days else None,
                    "slow_count": row["slow_count"] if day in span_days and measured else None,
                    **{n: row[n] if service in with_tickets and min(ticket_days) <= day else None
                       for n in ("ticket_count", "defect_count")},
                    "active_account_count": active,
                }  # fmt: skip
                for name, above, factor in (("errors_per_active_account", "error_count", 1),
                                            ("slow_requests_per_active_account", "slow_count", 1),
                                            ("tickets_per_1000_active_accounts", "ticket_count", 1000),
                                            ("defects_per_1000_active_accounts", "defect_count", 1000)):  # fmt: skip
                    told[name] = told[above] * factor / active if active and told[above] is not None else None
                found[service, day] = told
                day += timedelta(days=1)
        return found

    def performance(self) -> dict[Key, Row]:
        """The four measures by service and of all, without bands."""
        until = self.as_of.date() - timedelta(days=self.as_of.weekday())
        since = until - timedelta(weeks=self.made.policy.performance_weeks)
        services = {service for service, _ in self.friction} | {"*"}

        def within(moment: datetime | None) -> bool:
            return moment is not None and since <= moment.date() < until

        found: dict[Key, Row] = {}
        for service in services:

            def own(row: Row, service: str = service) -> bool:
                return service in ("*", row["service"])

            hits: dict[date, bool] = {}
            for (name, day), row in self.friction.items():
                if service in ("*", name) and since <= day < until and row["deployment_count"] is not None:
                    hits[day] = hits.get(day, False) or row["deployment_count"] > 0
            per_week, per_four = blocks(hits, until, 7), blocks(hits, until, 28)
            value = statistics.median(per_week) if per_week else None
            word = None
            if value is not None:
                monthly = statistics.median(per_four) if per_four else None
                word = "daily" if value >= 3 else "weekly" if value >= 1 else None
                if word is None and monthly is not None:
                    word = "monthly" if monthly >= 1 else "yearly"
            leads = [c["lead_time_minutes"] for c in self.changes.values() if own(c) and within(c["deployed_at"])]
            known = [lead for lead in leads if lead is not None]
            failures = [
                d["incident_count"] for d in self.fct_deployments.values() if own(d) and within(d["finished_at"])
            ]
            times = [
                (i["time_to_recover_minutes"], True) if i["time_to_recover_minutes"] is not None
                else (i["unrecovered_minutes"], False)
                for i in self.incidents.values()
                if own(i) and within(i["dated_at"]) and i["attributed_deployment_id"]
            ]  # fmt: skip
            seen = [one for one in times if one[0] is not None]
            found[service, "deployment_frequency"] = {"value": value, "frequency": word, "counted_count": len(per_week)}
            found[service, "lead_time"] = {
                "value": statistics.median(known) if known else None,
                "counted_count": len(known),
                "unknown_count": len(leads) - len(known),
            }
            found[service, "change_failure_rate"] = {
                "value": sum(n > 0 for n in failures) / len(failures) if failures else None,
                "counted_count": len(failures),
            }
            found[service, "recovery_time"] = {
                "value": product_limit(seen, 0.5), "counted_count": len(seen), "unknown_count": len(times) - len(seen),
                "open_count": sum(not ended for _, ended in seen),
            }  # fmt: skip
        return found


def blocks(hits: dict[date, bool], until: date, length: int) -> list[int]:
    """Days with something in each complete run of so many days before `until`."""
    found: dict[int, list[bool]] = defaultdict(list)
    for day, hit in hits.items():
        found[((until - day).days - 1) // length].append(hit)
    return [sum(days) for days in found.values() if len(days) == length]


def weekly(rows: Sequence[Row]) -> Any:
    """Median of the days with a deployment over the complete weeks among the rows."""
    days: dict[date, bool] = {}
    for row in rows:
        if row["deployment_count"] is not None:
            days[row["event_date"]] = days.get(row["event_date"], False) or row["deployment_count"] > 0
    weeks = defaultdict(list)
    for day, hit in days.items():
        weeks[day.isocalendar()[:2]].append(hit)
    whole = [sum(of_week) for of_week in weeks.values() if len(of_week) == 7]
    return statistics.median(whole) if whole else NO_ROW


def per_account(column: str, factor: int) -> Callable[[Sequence[Row]], Any]:
    def of(rows: Sequence[Row]) -> Any:
        known = [row for row in rows if row["active_account_count"] and row[column] is not None]
        accounts = sum(row["active_account_count"] for row in known)
        return sum(row[column] for row in known) * factor / accounts if accounts else None

    return of


def _ships(deployment: Row) -> Any:
    return deployment["sha"] or deployment["service_version"] or deployment["deployment_id"]


def _day(moment: datetime | None) -> date | None:
    return moment and moment.date()


def _count(row: Row, **counts: int) -> None:
    for name, count in counts.items():
        row[name] += count


def _wait(row: Row, name: str, waited: float | None) -> None:
    if waited is not None:
        row[name] += waited


def _changes(value: Callable[[Sequence[Row]], Any]) -> Recount:
    return Recount("all_changes", "deployed_at", value)


def _builds(value: Callable[[Sequence[Row]], Any]) -> Recount:
    return Recount("all_builds", "waiting_since", value)


def _deployed(value: Callable[[Sequence[Row]], Any]) -> Recount:
    return Recount("all_deployments", "finished_at", value)


def _incidents(value: Callable[[Sequence[Row]], Any]) -> Recount:
    return Recount("all_incidents", "dated_at", value)


def _days(value: Callable[[Sequence[Row]], Any]) -> Recount:
    return Recount("all_days", "event_date", value)


def _ended(rows: Sequence[Row]) -> Any:
    return sum(ended) if (ended := [*told(rows, "deployment_count"), *told(rows, "failed_deployment_count")]) else None


RECOUNTS = {
    "changes_deployed": _changes(number_of("id")),
    "changes_with_lead_time": _changes(number_of("lead_time_minutes")),
    "lead_time_coverage": _changes(share(number_of("lead_time_minutes"), number_of("id"))),
    "lead_time_median": _changes(lambda rows: median_of(told(rows, "lead_time_minutes"))),
    "lead_time_p90": _changes(percentile("lead_time_minutes", 90)),
    **{
        f"{stage}_time_median": _changes(lambda rows, stage=stage: median_of(told(rows, f"{stage}_minutes")))
        for stage in ("coding", "pickup", "review", "deploy")
    },
    "review_wait_median": Recount(
        "all_changes", "created_at",
        survived("pickup_minutes", "waiting_minutes", lambda row: row["waiting_for"] == "review"),
    ),
    "deployments_judged": _deployed(number_of("incident_count")),
    "deployments_with_incidents": _deployed(hits("incident_count")),
    "change_failure_rate": _deployed(share(hits("incident_count"), number_of("incident_count"))),
    "builds": _builds(number_of("attempt")),
    "builds_judged": _builds(number_of("is_failed")),
    "failed_builds": _builds(hits("is_failed")),
    "failed_build_ratio": _builds(share(hits("is_failed"), number_of("is_failed"))),
    "retried_builds": _builds(hits("is_retry")),
    "retried_build_ratio": _builds(share(hits("is_retry"), number_of("attempt"))),
    "ci_wait_median": _builds(survived("wait_minutes", "open_minutes", lambda row: row["is_open"])),
    "incidents": _incidents(number_of("service")),
    "open_incidents": _incidents(hits("is_open")),
    **{
        f"time_to_{name}_{form}": _incidents(survived(f"time_to_{name}_minutes", going_on, is_open, percent))
        for form, percent in (("median", 50), ("p90", 90))
        for name, going_on, is_open in (
            ("detect", "open_minutes", lambda row: False),
            ("acknowledge", "open_minutes", lambda row: row["is_open"] and row["no_acknowledge"]),
            ("mitigate", "open_minutes", lambda row: row["is_open"] and row["no_mitigate"]),
            ("resolve", "open_minutes", lambda row: row["is_open"]),
            ("recover", "unrecovered_minutes", lambda row: True),
        )
    },
    "deployments": _days(total("deployment_count")),
    "failed_deployments": _days(total("failed_deployment_count")),
    "retried_deployments": _days(total("retried_deployment_count")),
    "finished_or_failed_deployments": _days(_ended),
    "failed_deployment_ratio": _days(share(total("failed_deployment_count"), _ended)),
    "deployment_frequency": _days(weekly),
    "errors_per_active_account": _days(per_account("error_count", 1)),
    "slow_requests_per_active_account": _days(per_account("slow_count", 1)),
    "tickets_per_1000_active_accounts": _days(per_account("ticket_count", 1000)),
    "defects": _days(total("defect_count")),
    "defects_per_deployment": _days(share(total("defect_count"), total("deployment_count"))),
    "defects_per_1000_active_accounts": _days(per_account("defect_count", 1000)),
}  # fmt: skip


def median_of(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None

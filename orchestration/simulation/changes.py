"""What the code host and the pager write: GitHub deployments and issues, PagerDuty incidents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.simulation.calendar import DAY, HOUR, MINUTE, SECOND, Window, day_of, iso
from orchestration.simulation.canaries import Due, Planter
from orchestration.simulation.company import SERVICES
from orchestration.simulation.faults import Fault
from orchestration.simulation.files import Pages, write_json
from orchestration.simulation.rollouts import Rollout
from orchestration.simulation.streams import Stream, stream
from orchestration.simulation.telemetry import Json, Record
from orchestration.simulation.traffic import Active
from orchestration.simulation.truth import Truth

API = "https://api.github.example"
_PAGER = "https://api.pagerduty.example"
_RESPONDERS = ("Ada Berg", "Tomas Klein", "Yuki Mori")
_ALARMS = ("Disk usage above 80 %", "Certificate expires in 20 days", "One replica restarted", "Backup took long")
_NOISE_INCIDENT_DAYS = 12
_ISSUES = (
    ("Flaky test in {service} pipeline", "bug"), ("Document the retry policy of {service}", "documentation"),
    ("Replace deprecated client in {service}", "tech-debt"), ("Alert on queue length of {service}", "enhancement"),
)  # fmt: skip


def write_deployments(out: Path, rollouts: Sequence[Rollout], window: Window, planter: Planter, truth: Truth) -> None:
    """One file per service: its deployments with their statuses, newest first, as the REST API returns them."""
    canaries = planter.among([r.id for r in rollouts], "deployments", window.days)
    for service in SERVICES:
        own = [rollout for rollout in rollouts if rollout.service == service]
        file = f"github/deployments-{service}.json"
        rows: list[Json] = []
        total = 0
        for place, rollout in enumerate(own):
            replaced = [later.finished_ns for later in own[place + 1 :] if later.is_success and later.share == 1]
            until = replaced[0] if replaced and rollout.is_success else None
            states = _states(rollout, until, window)
            for at in (rollout.created_ns, *(at for _, at in states)):  # that it was asked for is a status of its own
                truth.count("deployments", day_of(at))
            total += 1 + len(states)
            due = canaries.get(rollout.id, [])
            rows.append(_deployment(rollout, states, " ".join(one.text for one in due)))
            for one in due:
                planter.planted(one, file, str(rollout.id), rollout.created_ns)
        write_json(out / file, rows[::-1])
        truth.file(file, "deployments", rows=total, lines=1)


def write_issues(out: Path, faults: Sequence[Active], window: Window, seed: int, truth: Truth) -> None:
    """A few issues and pull requests of engineers and the plans about faults, as one answer of the issues endpoint."""
    rng = stream(seed, Stream.ISSUES)
    rows: list[Json] = []
    for number in range(1, 15):
        service = SERVICES[int(rng.integers(len(SERVICES)))]
        at = window.start_ns + int(rng.random() * (window.days * DAY - HOUR))
        title, label = _ISSUES[int(rng.integers(len(_ISSUES)))]
        closed = at + 2 * DAY if at + 2 * DAY < window.end_ns and rng.random() < 0.5 else None
        row = _issue(number, service, title.format(service=service), label, at, closed)
        rows.append(row)
        if number % 3 == 0:
            pulls = str(row["url"]).replace("issues", "pulls")
            row["pull_request"] = {"url": pulls, "merged_at": iso(closed) if closed else None}
        else:
            truth.count("issues", day_of(closed or at))
    for row, fault in _planned(faults, window, len(rows)):
        rows.append(row)
        truth.count("issues", str(row["created_at"])[:10])
        for told in truth.faults:
            if told.name == fault:
                told.issue_id = str(row["id"])
    write_json(out / "github" / "issues.json", rows)
    truth.file("github/issues.json", "issues", rows=len(rows), lines=1)


@dataclass(frozen=True)
class _Trouble:
    """An incident with its times resolved; None: has not happened."""

    service: str
    title: str
    urgency: str
    started: int
    detected: int
    acknowledged: int | None
    mitigated: int | None
    resolved: int | None
    notes: tuple[str, ...] = ()
    deployment: int | None = None
    fault: str | None = None


def write_incidents(
    out: Path, faults: Sequence[Active], window: Window, seed: int, planter: Planter, truth: Truth
) -> None:
    """Every incident with its log entries, in pages."""
    troubles = sorted([*_of_faults(faults, window), *_of_nobody(window, seed)], key=lambda t: t.detected)
    canaries = planter.among([t.detected for t in troubles], "incidents", window.days)
    pages = Pages(out / "pagerduty", "incidents", _incident_page, truth, "incidents")
    for number, trouble in enumerate(troubles, start=1):
        due = canaries.get(trouble.detected, [])
        row, times = _incident(number, trouble, due, window)
        file = pages.add(row)
        for at in times:
            truth.count("incidents", day_of(at))
        for one in due:
            planter.planted(one, file, str(row["id"]), trouble.detected)
        for fault in truth.faults:
            if fault.name == trouble.fault:
                fault.incident_id = str(row["id"])
    pages.close()


def _states(rollout: Rollout, replaced_ns: int | None, window: Window) -> list[tuple[str, int]]:
    states = [
        ("in_progress", rollout.created_ns + 20 * SECOND),
        ("success" if rollout.is_success else "failure", rollout.finished_ns),
    ]
    if replaced_ns is not None:
        states.append(("inactive", replaced_ns + 5 * SECOND))
    return [(state, at) for state, at in states if at < window.end_ns]


def _deployment(rollout: Rollout, states: list[tuple[str, int]], canaries: str) -> Record:
    repository = f"{API}/repos/shop/{rollout.service}"
    url = f"{repository}/deployments/{rollout.id}"
    creator: Record = {"login": "release-bot", "id": 4200, "type": "Bot", "site_admin": False}
    statuses: list[Json] = [
        {"url": f"{url}/statuses/{rollout.id * 10 + place}", "id": rollout.id * 10 + place, "state": state,
         "creator": creator, "description": "", "environment": "production", "target_url": "",
         "created_at": iso(at), "updated_at": iso(at), "deployment_url": url, "repository_url": repository}
        for place, (state, at) in enumerate(states)
    ]  # fmt: skip
    payload: Record = {"service": rollout.service, "version": rollout.version}
    if rollout.share < 1:
        payload["percent"] = round(rollout.share * 100)
    return {
        "url": url, "id": rollout.id, "sha": rollout.sha,
        "ref": f"v{rollout.version}", "task": "deploy", "payload": payload,
        "original_environment": "production", "environment": "production",
        "description": f"{rollout.description} {canaries}".strip(), "creator": creator,
        "created_at": iso(rollout.created_ns), "updated_at": iso(states[-1][1]),
        "statuses_url": f"{url}/statuses", "repository_url": repository, "statuses": statuses[::-1],
    }  # fmt: skip


def _planned(faults: Sequence[Active], window: Window, known: int) -> Iterator[tuple[Record, str]]:
    """The issues with which something was decided about faults, and about which; numbered on from those `known`."""
    for active in faults:
        fault, plan = active.fault, active.fault.planned
        if plan is None or not window.start_ns <= window.ns(plan.at) < window.end_ns:
            continue
        known += 1
        row = _issue(known, fault.service, plan.title, "initiative", window.ns(plan.at), None)
        row["labels"] = [{"name": label} for label in ("initiative", fault.service, f"owner:{plan.owner}")]
        row["milestone"] = {"number": 1, "title": plan.milestone, "due_on": iso(window.ns(plan.due))}
        yield row, fault.name


def _issue(number: int, service: str, title: str, label: str, at: int, closed: int | None) -> Record:
    url = f"{API}/repos/shop/{service}/issues/{number}"
    return {
        "url": url, "id": 5_000_000 + number, "number": number, "title": title,
        "body": f"Seen while working on {service}.",
        "state": "closed" if closed else "open", "labels": [{"name": label}, {"name": service}], "comments": 0,
        "user": {"login": f"engineer{number % 5}", "id": 4300 + number % 5, "type": "User"},
        "created_at": iso(at), "updated_at": iso(closed or at), "closed_at": iso(closed) if closed else None,
    }  # fmt: skip


def _of_faults(faults: Sequence[Active], window: Window) -> Iterator[_Trouble]:
    for active in faults:
        fault, incident = active.fault, active.fault.incident
        if incident is None or not window.start_ns <= window.ns(incident.detected) < window.end_ns:
            continue
        acknowledged, mitigated, resolved = (
            window.ns(when) if when else None for when in (incident.acknowledged, incident.mitigated, incident.resolved)
        )
        yield _Trouble(
            fault.service, incident.title, incident.urgency, window.ns(incident.started), window.ns(incident.detected),
            acknowledged, mitigated, resolved, incident.notes, _named(fault), fault.name,
        )  # fmt: skip


def _named(fault: Fault) -> int | None:
    names = fault.incident is not None and fault.incident.names_deployment
    return fault.caused_by.deployment.id if names and fault.caused_by and fault.caused_by.deployment else None


def _of_nobody(window: Window, seed: int) -> Iterator[_Trouble]:
    """Alarms that meant nothing."""
    rng = stream(seed, Stream.INCIDENTS)
    for day in range(3, window.days - 1, _NOISE_INCIDENT_DAYS):
        at = window.start_ns + day * DAY + int(rng.uniform(6, 20) * 60) * MINUTE
        service = SERVICES[int(rng.integers(len(SERVICES)))]
        title = f"{_ALARMS[int(rng.integers(len(_ALARMS)))]} on {service}"
        ends = (at + int(rng.integers(20, 90)) * MINUTE, None)
        yield _Trouble(service, title, "low", at - 2 * MINUTE, at, at + 8 * MINUTE, ends[1], ends[0])


def _incident(number: int, trouble: _Trouble, due: list[Due], window: Window) -> tuple[Record, list[int]]:
    id_ = f"Q{number * 1_000_003:013X}"
    url = f"{_PAGER}/incidents/{id_}"
    who: Record = {
        "id": f"PUSER{number % len(_RESPONDERS)}",
        "type": "user_reference",
        "summary": _RESPONDERS[number % 3],
    }
    entries = [e for e in _entries(trouble, due) if e[1] < window.end_ns]
    status = {"resolve": "resolved", "acknowledge": "acknowledged"}
    kinds = [kind for kind, _, _ in entries]
    state = next((status[kind] for kind in status if kind in kinds), "triggered")
    title = " ".join([trouble.title, *(one.text for one in due if one.canary.field == "title")])
    logs: list[Json] = [
        {"id": f"R{number:06d}{place:04d}", "type": f"{kind}_log_entry", "summary": text, "created_at": iso(at),
         "agent": who, "channel": {"type": "note", "summary": text} if kind == "annotate" else {"type": "auto"},
         "incident": {"id": id_, "type": "incident_reference", "self": url}}
        for place, (kind, at, text) in enumerate(entries)
    ]  # fmt: skip
    fields: list[Json] = [_custom("started_at", "datetime", iso(trouble.started))]
    if trouble.deployment is not None:
        fields.append(_custom("deployment_id", "string", str(trouble.deployment)))
    row: Record = {
        "id": id_, "type": "incident", "incident_number": number, "title": title, "summary": f"[#{number}] {title}",
        "created_at": iso(trouble.detected), "status": state, "urgency": trouble.urgency, "self": url,
        "incident_key": f"{number:032x}", "last_status_change_at": iso(entries[-1][1]),
        "service": {"id": f"PSVC{SERVICES.index(trouble.service):03d}", "type": "service_reference",
                    "summary": trouble.service},
        "body": {"type": "incident_body", "details": f"started_at: {iso(trouble.started)}"},
        "custom_fields": fields, "assignments": [], "log_entries": logs[::-1],
    }  # fmt: skip
    return row, [at for _, at, _ in entries]


def _custom(name: str, kind: str, value: str) -> Record:
    return {"id": f"PF_{name.upper()}", "name": name, "type": "field_value", "data_type": kind, "value": value}


def _entries(trouble: _Trouble, due: list[Due]) -> list[tuple[str, int, str]]:
    notes = [*trouble.notes, *(one.text for one in due if one.canary.field == "note")]
    said = [("trigger", trouble.detected, "Triggered through the API.")]
    said += [("annotate", trouble.detected + (5 + 3 * i) * MINUTE, f"Note: {note}") for i, note in enumerate(notes)]
    if trouble.acknowledged is not None:
        said.append(("acknowledge", trouble.acknowledged, "Acknowledged."))
    if trouble.mitigated is not None:
        said.append(("annotate", trouble.mitigated, "mitigated: users are no longer affected"))
    if trouble.resolved is not None:
        said.append(("resolve", trouble.resolved, "Resolved."))
    return sorted(said, key=lambda entry: entry[1])


def _incident_page(rows: list[Json], number: int, is_last: bool) -> Json:  # noqa: FBT001
    return {"incidents": rows, "limit": 100, "offset": number * 100, "total": None, "more": not is_last}

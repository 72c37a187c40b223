"""GitHub: issues as ticket versions, deployments with their statuses, pull requests and CI runs, as its REST API says.

Files hold an array (or one object a line, as `gh api --jq '.[]'` prints): `/repos/{o}/{r}/issues?state=all`, and
`/repos/{o}/{r}/deployments` with each deployment's `/statuses` put into it as `statuses`. A webhook's
`{"deployment": ..., "deployment_status": ...}` is read too. For pull requests, commits, reviews and pages of
`{"workflow_runs": [...]}` see github_changes. Pull requests among the issues, and entries of signals that the source
does not collect, are skipped and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import orjson

from orchestration.sources.connector import Batch, Document, Pull, Rows
from orchestration.sources.documents import is_error, numbered, read_entries
from orchestration.sources.fields import add, attributes_of, mapped
from orchestration.sources.github_changes import add_commit, add_pull_request, add_review, add_run, repository
from orchestration.sources.reading import files
from orchestration.sources.values import (
    Json,
    MalformedRecord,
    as_text,
    at,
    identifier,
    list_of,
    required_timestamp,
    timestamp,
)

_ISSUE_STATES = ("open", "closed")

Take = Callable[[Pull, Mapping[str, Json], Rows, int], None]


class GitHub:
    """Ticket versions, deployment statuses, changes and CI runs from GitHub's REST answers."""

    version = 4

    def documents(self, pull: Pull) -> Iterator[Document]:
        return files(pull)

    def read(self, document: Document, pull: Pull) -> Iterator[Batch]:
        return read_entries(document, pull, _entries, partial(_read, pull))


def _entries(content: Json, line: int) -> Iterator[tuple[int, Json]]:
    if isinstance(content, Mapping) and "workflow_runs" in content:
        return numbered(list(list_of(content["workflow_runs"], "workflow_runs")), line)
    if is_error(content):
        raise MalformedRecord("an error answer instead of an array of issues, deployments, pull requests or runs")
    return numbered(content, line)


def _read(pull: Pull, entry: Mapping[str, Json], rows: Rows, number: int) -> None:
    status = entry.get("deployment_status")
    if isinstance(deployment := entry.get("deployment"), Mapping):
        entry = {**deployment, "statuses": [status] if isinstance(status, Mapping) else []}
    signals, take = _kind(entry)
    if set(signals) & set(pull.source.signals):
        take(pull, entry, rows, number)
    else:
        rows.skip()  # a pull request among issues, or what this source does not collect


def _kind(entry: Mapping[str, Json]) -> tuple[tuple[str, ...], Take]:
    """The signals that an entry gives records of, and what makes them.

    Raises:
        MalformedRecord: it is nothing that is known here.
    """
    if "pull_request" in entry:
        return (), _add_issue
    if "environment" in entry and ("sha" in entry or "ref" in entry):
        return ("deployments",), _add_deployment
    if "base" in entry and "head" in entry:
        return ("pull_requests", "commits", "reviews"), add_pull_request
    if "workflow_id" in entry or "run_attempt" in entry:
        return ("ci_runs",), add_run
    if "pull_request_url" in entry and "submitted_at" in entry:
        return ("reviews",), add_review
    if "sha" in entry and "commit" in entry:
        return ("commits",), add_commit
    if "title" in entry and "state" in entry:
        return ("tickets",), _add_issue
    raise MalformedRecord("neither an issue, a deployment, a pull request, a commit, a review nor a run")


def _add_issue(pull: Pull, entry: Mapping[str, Json], rows: Rows, number: int) -> None:
    add(rows, pull, "tickets", _issue(pull, entry), number)


def _issue(pull: Pull, issue: Mapping[str, Json]) -> dict[str, Json]:
    ticket_id = identifier(issue.get("id"), "id")
    created = required_timestamp(issue.get("created_at"), pull.latest_us, "created_at")
    closed = timestamp(issue.get("closed_at"), pull.latest_us, "closed_at")
    updated = timestamp(issue.get("updated_at"), pull.latest_us, "updated_at") or created
    state = issue.get("state")
    if state not in _ISSUE_STATES:
        raise MalformedRecord("state is neither open nor closed")
    if closed is not None and closed < created:
        raise MalformedRecord("closed_at is before created_at")
    labels = [
        at(label, "name") if isinstance(label, Mapping) else label for label in list_of(issue.get("labels"), "labels")
    ]
    return {
        "record_id": f"{ticket_id}:{updated // 1_000_000}",
        "event_at": updated,
        "ticket_id": ticket_id,
        "created_at": created,
        "status": state,
        # Where state and closed_at disagree the state is believed: a reopened issue can keep its old time.
        "closed_at": closed if state == "closed" else None,
        "channel": "github",
        "subject": issue.get("title"),
        "description": issue.get("body"),
        "requester": at(issue, "user.login"),
        "tags": labels,
        "attributes": attributes_of(
            {
                "number": issue.get("number"),
                "repository": repository(issue),
                "comments": issue.get("comments"),
                "milestone": at(issue, "milestone.title"),
                "due_at": at(issue, "milestone.due_on"),
                "author_association": issue.get("author_association"),
            }
        ),
        **mapped(issue, pull, "tickets"),
    }


def _add_deployment(pull: Pull, deployment: Mapping[str, Json], rows: Rows, number: int) -> None:
    shared = _deployment(pull, deployment)
    own = mapped(deployment, pull, "deployments")
    deployment_id = shared["deployment_id"]
    created = {"record_id": f"{deployment_id}:created", "event_at": shared["created_at"], "status": "created"}
    add(rows, pull, "deployments", {**shared, **created, **own}, number)
    for status in list_of(deployment.get("statuses"), "statuses"):
        try:
            if not isinstance(status, Mapping):
                raise MalformedRecord("a status is no object")
            add(rows, pull, "deployments", {**shared, **_status(status, deployment_id, pull), **own}, number)
        except MalformedRecord as reason:
            rows.reject(number, reason, "deployments")


def _deployment(pull: Pull, deployment: Mapping[str, Json]) -> dict[str, Json]:
    payload = _payload(deployment.get("payload"))
    extra = {f"payload.{key}": value for key, value in payload.items() if key not in ("service", "version")}
    return {
        "deployment_id": identifier(deployment.get("id"), "id"),
        "created_at": required_timestamp(deployment.get("created_at"), pull.latest_us, "created_at"),
        "service": payload.get("service") or repository(deployment).rpartition("/")[2] or deployment.get("task"),
        "service_version": payload.get("version") or deployment.get("ref"),
        "environment": deployment.get("environment"),
        "ref": deployment.get("ref"),
        "sha": deployment.get("sha"),
        "description": deployment.get("description"),
        "creator": at(deployment, "creator.login"),
        "attributes": attributes_of({"task": deployment.get("task"), "repository": repository(deployment), **extra}),
    }


def _status(status: Mapping[str, Json], deployment_id: Json, pull: Pull) -> dict[str, Json]:
    state = as_text(status.get("state"))
    if state is None:
        raise MalformedRecord("state is missing")
    said = {"description": status.get("description"), "creator": at(status, "creator.login")}
    return {
        "record_id": f"{deployment_id}:{identifier(status.get('id'), 'id')}",
        "event_at": required_timestamp(status.get("created_at"), pull.latest_us, "created_at"),
        "status": state.lower(),
        **attributes_of(said),
    }


def _payload(payload: Json) -> Mapping[str, Json]:
    """What the deployer attached: an object, or the text of one."""
    if isinstance(payload, str):
        try:
            payload = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return {}
    return payload if isinstance(payload, Mapping) else {}

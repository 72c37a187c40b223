"""Pull requests and CI runs as the code host's REST API answers, one file of each per service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestration.simulation.calendar import Window, day_of, iso
from orchestration.simulation.canaries import Due, Planter
from orchestration.simulation.changes import API
from orchestration.simulation.company import SERVICES
from orchestration.simulation.files import write_json
from orchestration.simulation.pull_requests import ENGINEERS, Change, Run
from orchestration.simulation.telemetry import Json, Record
from orchestration.simulation.truth import Truth

_PLANTED = ("pull_requests", "commits", "reviews")


def write_changes(out: Path, changes: Sequence[Change], window: Window, planter: Planter, truth: Truth) -> None:
    """Each service's pull requests, with their commits and reviews put into them, and its CI runs."""
    reviewed = [place for place, change in enumerate(changes) if change.reviews]
    every = range(len(changes))
    due = {s: planter.among(reviewed if s == "reviews" else every, s, window.days) for s in _PLANTED}
    for service in SERVICES:
        own = [(place, change) for place, change in enumerate(changes) if change.service == service]
        file = f"github/pulls-{service}.json"
        rows: list[Json] = []
        for place, change in own:
            planted = {signal: assigned.get(place, []) for signal, assigned in due.items()}
            rows.append(_pull_request(change, planted))
            _count(change, truth)
            for one in (one for found in planted.values() for one in found):
                planter.planted(one, file, _id(change), change.opened_ns)
        write_json(out / file, rows[::-1])
        total = sum(1 + len(change.commits) + len(change.reviews) for _, change in own)
        truth.file(file, "pull_requests", rows=total, lines=1)
        _write_runs(out, service, [change for _, change in own], truth)
    _note_causes(changes, truth)


def _write_runs(out: Path, service: str, changes: Sequence[Change], truth: Truth) -> None:
    """The page of the runs, which has the last attempt of each; those before it are answers of their own."""
    runs = [(change, run) for change in changes for run in change.runs]
    for _, run in runs:
        truth.count("ci_runs", day_of(run.ended_ns))
    last: list[Json] = [_run(change, run) for change, run in runs if run.is_last]
    earlier: list[Json] = [_run(change, run) for change, run in runs if not run.is_last]
    page: Json = {"total_count": len(last), "workflow_runs": last[::-1]}
    for name, document, count in ((f"runs-{service}", page, len(last)), (f"attempts-{service}", earlier, len(earlier))):
        write_json(out / "github" / f"{name}.json", document)
        truth.file(f"github/{name}.json", "ci_runs", rows=count, lines=1)


def _note_causes(changes: Sequence[Change], truth: Truth) -> None:
    merged = sorted((c for c in changes if c.merge_sha), key=lambda change: change.closed_ns or 0)
    by_deployment = {str(change.deployment): _id(change) for change in merged}  # the last one gave it its sha
    for fault in truth.faults:
        fault.pull_request_id = by_deployment.get(fault.deployment_id or "")


def _count(change: Change, truth: Truth) -> None:
    truth.count("pull_requests", day_of(change.updated_ns))
    for commit in change.commits:
        truth.count("commits", day_of(commit.at_ns))
    for review in change.reviews:
        truth.count("reviews", day_of(review.at_ns))


def _id(change: Change) -> str:
    return f"shop/{change.service}#{change.number}"


def _pull_request(change: Change, due: dict[str, list[Due]]) -> Record:
    repository = f"{API}/repos/shop/{change.service}"
    url = f"{repository}/pulls/{change.number}"
    closed = iso(change.closed_ns) if change.closed_ns is not None else None
    described = [f"{change.title}.", *(one.text for one in due["pull_requests"])]
    return {
        "url": url, "id": 7_000_000 + SERVICES.index(change.service) * 10_000 + change.number, "number": change.number,
        "state": "closed" if closed else "open", "locked": False, "title": change.title, "body": " ".join(described),
        "user": _user(change.author), "labels": [{"name": change.service}], "draft": False,
        "created_at": iso(change.opened_ns), "updated_at": iso(change.updated_ns), "closed_at": closed,
        "merged_at": closed if change.merge_sha else None, "merge_commit_sha": change.merge_sha,
        "head": {"ref": _branch(change), "sha": change.commits[-1].sha}, "base": {"ref": "main"},
        "additions": change.additions, "deletions": change.deletions, "changed_files": 1 + change.additions // 60,
        "commits": _commits(change, repository, due["commits"]),
        "reviews": _reviews(change, url, due["reviews"]),
    }  # fmt: skip


def _commits(change: Change, repository: str, due: list[Due]) -> list[Json]:
    name = ENGINEERS[change.author]
    who: Record = {"name": name, "email": f"{name.replace(' ', '.').lower()}@shop.example"}
    trailers = "".join(f"\n\n{one.text}" for one in due)  # in the first commit
    return [
        {"url": f"{repository}/commits/{commit.sha}", "sha": commit.sha, "author": _user(change.author),
         "commit": {"message": commit.message + (trailers if commit is change.commits[0] else ""),
                    "author": {**who, "date": iso(commit.at_ns)}, "committer": {**who, "date": iso(commit.at_ns)},
                    "comment_count": 0},
         "parents": [{"sha": commit.sha[::-1]}]}
        for commit in change.commits
    ]  # fmt: skip


def _reviews(change: Change, url: str, due: list[Due]) -> list[Json]:
    said = " ".join(one.text for one in due)  # in the last review
    return [
        {"id": change.number * 100 + place + SERVICES.index(change.service) * 1_000_000, "user": _user(review.reviewer),
         "body": f"{review.body} {said}".strip() if review is change.reviews[-1] else review.body,
         "state": review.state, "submitted_at": iso(review.at_ns), "pull_request_url": url,
         "commit_id": [c.sha for c in change.commits if c.at_ns <= review.at_ns][-1],
         "author_association": "MEMBER"}
        for place, review in enumerate(change.reviews)
    ]  # fmt: skip


def _run(change: Change, run: Run) -> Record:
    id_ = 30_000_000 + SERVICES.index(change.service) * 1_000_000 + change.number * 100 + run.number
    return {
        "id": id_, "url": f"{API}/repos/shop/{change.service}/actions/runs/{id_}", "name": "build", "workflow_id": 77,
        "path": ".github/workflows/build.yml", "display_title": change.title, "run_number": id_ % 1_000_000,
        "head_branch": _branch(change) if run.event == "pull_request" else "main", "head_sha": run.sha,
        "event": run.event, "status": "completed" if run.conclusion else "in_progress", "conclusion": run.conclusion,
        "run_attempt": run.attempt, "actor": _user(change.author), "triggering_actor": _user(change.author),
        "created_at": iso(run.queued_ns), "run_started_at": iso(run.started_ns), "updated_at": iso(run.ended_ns),
    }  # fmt: skip


def _branch(change: Change) -> str:
    return "-".join(change.title.lower().replace(":", "").split())


def _user(engineer: int) -> Record:
    return {"login": ENGINEERS[engineer].replace(" ", "-").lower(), "id": 4300 + engineer, "type": "User"}

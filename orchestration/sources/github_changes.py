"""GitHub's pull requests with their commits and reviews, and the runs of its Actions, as records.

A pull request is one record per version; its times of first commit, first review and approval are those of the answers
of its `/commits` and `/reviews`, where these were put into it. Both come alone too. A run is one record per version of
an attempt: `/actions/runs` knows the last attempt alone, `/actions/runs/{id}/attempts/{n}` those before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestration.sources.connector import Pull, Rows
from orchestration.sources.fields import add, attributes_of, mapped
from orchestration.sources.values import (
    Json,
    MalformedRecord,
    as_text,
    at,
    first_at,
    identifier,
    list_of,
    required_timestamp,
    timestamp,
)

_PENDING = "pending"  # a review that its author has not sent


def repository(entry: Mapping[str, Json]) -> str:
    """`owner/name`, from whichever address the entry has; empty where it has none."""
    for key in ("repository_url", "url", "pull_request_url"):
        url = entry.get(key)
        if isinstance(url, str) and "/repos/" in url:
            return "/".join(url.split("/repos/", 1)[1].split("/")[:2])
    return ""


def add_pull_request(pull: Pull, entry: Mapping[str, Json], rows: Rows, number: int) -> None:
    """The pull request, and the commits and reviews that were put into it, where the source collects them."""
    record = _pull_request(pull, entry)
    of = {"pull_request_id": record["pull_request_id"], "repository": record["repository"]}
    commits = _usable(pull, entry.get("commits"), "commits", rows, number)
    reviews = _usable(pull, entry.get("reviews"), "reviews", rows, number)
    by_others = [r for r in reviews if r["reviewer"] != record["author"]]
    times = {
        "first_commit_at": _first(commits, "authored_at"),
        "first_review_at": _first(by_others, "event_at"),
        "approved_at": _first([r for r in by_others if r["status"] == "approved"], "event_at"),
    }
    if "pull_requests" in pull.source.signals:
        add(rows, pull, "pull_requests", {**record, **times, **mapped(entry, pull, "pull_requests")}, number)
    for signal, records in (("commits", commits), ("reviews", reviews)):
        for one in records if signal in pull.source.signals else ():
            add(rows, pull, signal, _of_pull_request(pull, one, of, entry, signal), number)


def add_review(pull: Pull, entry: Mapping[str, Json], rows: Rows, number: int) -> None:
    """A review that stands alone: an entry of `/pulls/{n}/reviews`."""
    if (review := _review(pull, entry)) is None:
        rows.skip()
        return
    of = {"pull_request_id": _pull_request_id(entry, str(entry["pull_request_url"]).rpartition("/")[2])}
    add(rows, pull, "reviews", _of_pull_request(pull, review, of, entry, "reviews"), number)


def add_commit(pull: Pull, entry: Mapping[str, Json], rows: Rows, number: int) -> None:
    """A commit that stands alone: an entry of `/commits`."""
    commit = _commit(pull, entry)
    add(rows, pull, "commits", _of_pull_request(pull, commit, {"pull_request_id": None}, entry, "commits"), number)


def add_run(pull: Pull, entry: Mapping[str, Json], rows: Rows, number: int) -> None:
    """One attempt of a run as it is now."""
    run_id, attempt = identifier(entry.get("id"), "id"), entry.get("run_attempt") or 1
    status = _lower(entry.get("status"), "status")
    created = required_timestamp(entry.get("created_at"), pull.latest_us, "created_at")
    updated = timestamp(entry.get("updated_at"), pull.latest_us, "updated_at") or created
    record: dict[str, Json] = {
        "record_id": _key(pull, run_id, attempt, updated, status),
        "event_at": updated,
        "run_id": run_id,
        "attempt": attempt,
        **_whose(entry),
        "workflow": first_at(entry, ["name", "path"]),
        "trigger": entry.get("event"),
        "branch": entry.get("head_branch"),
        "sha": entry.get("head_sha"),
        "status": status,
        "conclusion": _lower(entry["conclusion"], "conclusion") if entry.get("conclusion") else None,
        "title": entry.get("display_title"),
        "actor": first_at(entry, ["triggering_actor.login", "actor.login"]),
        "created_at": created,
        "started_at": entry.get("run_started_at"),
        # A run has no field for its end: that of a completed one is when it last changed.
        "completed_at": updated if status == "completed" else None,
        "attributes": attributes_of({"run_number": entry.get("run_number"), "path": entry.get("path")}),
    }
    add(rows, pull, "ci_runs", {**record, **mapped(entry, pull, "ci_runs")}, number)


def _pull_request(pull: Pull, entry: Mapping[str, Json]) -> dict[str, Json]:
    number = identifier(entry.get("number"), "number")
    created = required_timestamp(entry.get("created_at"), pull.latest_us, "created_at")
    updated = timestamp(entry.get("updated_at"), pull.latest_us, "updated_at") or created
    merged = timestamp(entry.get("merged_at"), pull.latest_us, "merged_at")
    labels = [at(label, "name") for label in list_of(entry.get("labels"), "labels")]
    return {
        "record_id": _key(pull, repository(entry), number, updated),
        "event_at": updated,
        "pull_request_id": _pull_request_id(entry, number),
        **_whose(entry),
        "status": "merged" if merged is not None else _lower(entry.get("state"), "state"),
        "is_draft": entry.get("draft"),
        "title": entry.get("title"),
        "description": entry.get("body"),
        "author": at(entry, "user.login"),
        "base_branch": at(entry, "base.ref"),
        "head_branch": at(entry, "head.ref"),
        "head_sha": at(entry, "head.sha"),
        # Of one that is not merged it is a trial merge, which nobody ever deploys.
        "merge_commit_sha": entry.get("merge_commit_sha") if merged is not None else None,
        "created_at": created,
        "merged_at": merged,
        "closed_at": entry.get("closed_at"),
        "additions": entry.get("additions"),
        "deletions": entry.get("deletions"),
        "changed_files": entry.get("changed_files"),
        "tags": [label for label in labels if label is not None],
        "attributes": attributes_of(
            {
                "number": number,
                "milestone": at(entry, "milestone.title"),
                "author_association": entry.get("author_association"),
            }
        ),
    }


def _usable(pull: Pull, answers: Json, signal: str, rows: Rows, number: int) -> list[dict[str, Json]]:
    """Commits or reviews that were put into a pull request, without those that cannot be taken; a count is none."""
    found: list[dict[str, Json]] = []
    for answer in answers if isinstance(answers, list) else ():
        try:
            if not isinstance(answer, Mapping):
                raise MalformedRecord(f"an entry of {signal} is no object")
            made = _commit(pull, answer) if signal == "commits" else _review(pull, answer)
        except MalformedRecord as reason:
            rows.reject(number, reason, signal)
            continue
        if made is None:
            rows.skip()
        else:
            found.append(made)
    return found


def _commit(pull: Pull, entry: Mapping[str, Json]) -> dict[str, Json]:
    sha = identifier(entry.get("sha"), "sha")
    authored = timestamp(at(entry, "commit.author.date"), pull.latest_us, "author.date")
    committed = timestamp(at(entry, "commit.committer.date"), pull.latest_us, "committer.date")
    if (moment := authored if committed is None else committed) is None:
        raise MalformedRecord("committer.date is missing")
    return {
        "event_at": moment,
        "sha": sha,
        # The login, as it is the same person's everywhere else here.
        "author": first_at(entry, ["author.login", "commit.author.email", "commit.author.name"]),
        "authored_at": moment if authored is None else authored,
        "message": at(entry, "commit.message"),
        "attributes": attributes_of(
            {
                "parent_count": len(list_of(entry.get("parents"), "parents")),
                "comment_count": at(entry, "commit.comment_count"),
            }
        ),
    }


def _review(pull: Pull, entry: Mapping[str, Json]) -> dict[str, Json] | None:
    """The review; None where it was not sent yet."""
    status = _lower(entry.get("state"), "state")
    if status == _PENDING:
        return None
    return {
        "event_at": required_timestamp(entry.get("submitted_at"), pull.latest_us, "submitted_at"),
        "review_id": identifier(entry.get("id"), "id of a review"),
        "status": status,
        "reviewer": at(entry, "user.login"),
        "sha": entry.get("commit_id"),
        "body": entry.get("body"),
        "attributes": attributes_of({"author_association": entry.get("author_association")}),
    }


def _of_pull_request(
    pull: Pull, record: Mapping[str, Json], of: Mapping[str, Json], entry: Mapping[str, Json], signal: str
) -> dict[str, Json]:
    """A commit or review with whose it is; the steward's mapping looks at the entry it was read from."""
    whose = {**_whose(entry), **of}
    parts = (whose["repository"], whose["pull_request_id"], record.get("sha") if signal == "commits" else None)
    key = _key(pull, *parts, record.get("review_id"), record.get("status"))
    return {**record, **whose, "record_id": key, **mapped(entry, pull, signal)}


def _pull_request_id(entry: Mapping[str, Json], number: str) -> str:
    return f"{repository(entry)}#{number}"


def _whose(entry: Mapping[str, Json]) -> dict[str, Json]:
    name = repository(entry)
    return {"repository": name, "service": name.rpartition("/")[2]}


def _key(pull: Pull, *parts: Json) -> str:
    """A record's id: stable, and nothing in it that anonymising could take for an identifier."""
    return pull.keys.record_id("\x00".join(map(str, parts)).encode())


def _lower(value: Json, field: str) -> str:
    text = as_text(value)
    if text is None:
        raise MalformedRecord(f"{field} is missing")
    return text.lower()


def _first(records: list[dict[str, Json]], column: str) -> Json:
    return min(_times(records, column), default=None)


def _times(records: list[dict[str, Json]], column: str) -> Iterator[int]:
    return (value for record in records if isinstance(value := record[column], int))

"""GitHub's pull requests, commits, reviews and CI runs: what is read of them, in a pull request or alone."""

from datetime import UTC, datetime

import pytest

API = "https://api.github.com/repos/acme/ledger"

NOTHING_KNOWN = "neither an issue, a deployment, a pull request, a commit, a review nor a run"


def at(day, hour=0, minute=0):
    return datetime(2026, 5, day, hour, minute, tzinfo=UTC)


def commit(sha, when, **fields):
    who = {"name": "Ann Lee", "email": "ann@example.com", "date": when}
    told = {"message": "Round once", "author": who, "committer": who}
    return {
        "sha": sha,
        "url": f"{API}/commits/{sha}",
        "commit": told,
        "parents": [{}],
        "author": {"login": "ann"},
    } | fields


def review(number, state, when, login="bo", **fields):
    said = {
        "id": number,
        "state": state,
        "submitted_at": when,
        "user": {"login": login},
        "body": "Fine",
        "commit_id": "c2",
    }
    return {**said, "pull_request_url": f"{API}/pulls/12", **fields}


PULL = {
    "id": 900,
    "number": 12,
    "url": f"{API}/pulls/12",
    "state": "closed",
    "title": "Round taxes once",
    "body": "As asked by ann@example.com",
    "user": {"login": "ann"},
    "head": {"ref": "taxes", "sha": "c2"},
    "base": {"ref": "main"},
    "labels": [{"name": "bug"}],
    "draft": False,
    "created_at": "2026-05-02T10:00:00Z",
    "updated_at": "2026-05-04T10:00:00Z",
    "merged_at": "2026-05-04T09:00:00Z",
    "closed_at": "2026-05-04T09:00:00Z",
    "merge_commit_sha": "c9",
    "additions": 10,
    "deletions": 3,
    "commits": [commit("c1", "2026-05-01T08:00:00Z"), commit("c2", "2026-05-02T09:00:00Z")],
    "reviews": [
        review(1, "COMMENTED", "2026-05-02T11:00:00Z", login="ann"),  # one's own remarks are no review
        review(2, "CHANGES_REQUESTED", "2026-05-03T10:00:00Z"),
        review(3, "APPROVED", "2026-05-04T08:30:00Z"),
    ],
}
RUN = {
    "id": 77,
    "url": f"{API}/actions/runs/77",
    "name": "build",
    "workflow_id": 5,
    "run_attempt": 1,
    "run_number": 40,
    "event": "pull_request",
    "head_branch": "taxes",
    "head_sha": "c2",
    "status": "completed",
    "conclusion": "failure",
    "display_title": "Round taxes once",
    "actor": {"login": "ann"},
    "created_at": "2026-05-02T10:00:01Z",
    "run_started_at": "2026-05-02T10:01:00Z",
    "updated_at": "2026-05-02T10:09:00Z",
}


def test_a_pull_request_has_the_times_of_its_stages(read):
    (row,) = read("github", [PULL]).rows("pull_requests")
    stages = ("first_commit_at", "created_at", "first_review_at", "approved_at", "merged_at", "event_at")
    assert [row[name] for name in stages] == [at(1, 8), at(2, 10), at(3, 10), at(4, 8, 30), at(4, 9), at(4, 10)]
    said = (
        "pull_request_id",
        "service",
        "status",
        "base_branch",
        "merge_commit_sha",
        "additions",
        "deletions",
        "author",
    )
    assert [row[name] for name in said] == ["acme/ledger#12", "ledger", "merged", "main", "c9", 10, 3, "ann"]


def test_its_commits_and_reviews_are_records_that_name_it(read):
    said = read("github", [PULL])
    assert [(c["sha"], c["author"], c["event_at"]) for c in said.rows("commits")] == [
        ("c1", "ann", at(1, 8)),
        ("c2", "ann", at(2, 9)),
    ]
    assert [(r["review_id"], r["status"], r["reviewer"]) for r in said.rows("reviews")] == [
        ("1", "commented", "ann"),
        ("2", "changes_requested", "bo"),
        ("3", "approved", "bo"),
    ]
    whose = {(row["pull_request_id"], row["service"]) for s in ("commits", "reviews") for row in said.rows(s)}
    assert whose == {("acme/ledger#12", "ledger")}


def test_commits_and_reviews_that_come_alone_are_read_too(read):
    alone = read("github", [commit("c1", "2026-05-01T08:00:00Z"), review(3, "APPROVED", "2026-05-04T08:30:00Z")])
    (one,), (other,) = alone.rows("commits"), alone.rows("reviews")
    assert (one["pull_request_id"], one["repository"]) == (None, "acme/ledger")
    assert other["pull_request_id"] == "acme/ledger#12"
    within = {row["record_id"] for row in read("github", [PULL]).rows("reviews")}
    assert other["record_id"] in within


def test_a_version_of_a_pull_request_is_a_record_and_the_same_version_the_same_one(read):
    later = {**PULL, "updated_at": "2026-05-05T10:00:00Z"}
    assert len({row["record_id"] for row in read("github", [PULL, PULL, later]).rows("pull_requests")}) == 2


def test_a_dismissed_approval_stays_beside_what_it_was(read):
    dismissed = {**PULL, "reviews": [review(3, "DISMISSED", "2026-05-04T08:30:00Z")]}
    rows = [row for entry in (PULL, dismissed) for row in read("github", [entry]).rows("reviews")]
    assert {row["status"] for row in rows if row["review_id"] == "3"} == {"approved", "dismissed"}
    assert len({row["record_id"] for row in rows}) == 4


def test_each_attempt_of_a_run_is_a_record(read):
    again = {**RUN, "run_attempt": 2, "conclusion": "success", "run_started_at": "2026-05-02T10:20:00Z"}
    again["updated_at"] = "2026-05-02T10:28:00Z"
    rows = read("github", {"total_count": 1, "workflow_runs": [again, RUN]}).rows("ci_runs")
    assert [(r["run_id"], r["attempt"], r["conclusion"]) for r in rows] == [("77", 2, "success"), ("77", 1, "failure")]
    assert len({row["record_id"] for row in rows}) == 2
    assert (rows[1]["created_at"], rows[1]["started_at"], rows[1]["completed_at"]) == (
        datetime(2026, 5, 2, 10, 0, 1, tzinfo=UTC),
        at(2, 10, 1),
        at(2, 10, 9),
    )


def test_a_run_that_goes_on_has_no_end(read):
    (row,) = read("github", [{**RUN, "status": "in_progress", "conclusion": None}]).rows("ci_runs")
    assert (row["status"], row["conclusion"], row["completed_at"]) == ("in_progress", None, None)


@pytest.mark.parametrize(
    ("entry", "signals", "reasons"),
    [
        # accepted: what the list does not say is null, a count of commits is no list of them
        ({**PULL, "commits": 2, "reviews": None, "additions": None}, {"pull_requests": 1}, []),
        ({**PULL, "user": None, "body": None}, {"pull_requests": 1, "commits": 2, "reviews": 3}, []),
        # accepted and skipped: a review that was not sent yet
        ({**PULL, "commits": 0, "reviews": [review(4, "PENDING", None)]}, {"pull_requests": 1}, []),
        # malformed, the entry alone
        ({**PULL, "number": None}, {}, ["number is missing"]),
        ({**PULL, "created_at": None}, {}, ["created_at is missing"]),
        ({**PULL, "merged_at": "soon"}, {}, ["merged_at is not readable as a time"]),
        ({**PULL, "additions": "many", "commits": 0, "reviews": 0}, {}, ["additions is no whole number"]),
        ({**RUN, "created_at": "2020-02-31T00:00:00Z"}, {}, ["created_at is not readable as a time"]),
        ({**RUN, "status": None}, {}, ["status is missing"]),
        ({**RUN, "run_attempt": "second"}, {}, ["attempt is no whole number"]),
        (review(5, None, "2026-05-02T11:00:00Z"), {}, ["state is missing"]),
        ({"sha": "c1", "commit": {"message": "x"}}, {}, ["committer.date is missing"]),
        ({"id": 1, "state": "open"}, {}, [NOTHING_KNOWN]),
        # malformed, a commit or review in it alone
        (
            {**PULL, "commits": [commit("c1", "2026-05-01T08:00:00Z"), {"sha": None}], "reviews": ["x"]},
            {"pull_requests": 1, "commits": 1},
            ["sha is missing", "an entry of reviews is no object"],
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_set_aside_with_its_reason(read, entry, signals, reasons):
    said = read("github", [entry])
    assert {signal: len(said.rows(signal)) for signal in said.batches[0].records} == signals
    assert said.reasons == reasons


def test_a_page_that_is_cut_off_is_one_malformed_document(read):
    said = read("github", b'{"total_count": 1, "workflow_runs": [{"id": 77, "run_att')
    assert (said.reasons, said.batches[0].records) == (["invalid JSON"], {})


@pytest.mark.parametrize(
    ("signals", "taken", "skipped"),
    [
        (("ci_runs",), {"ci_runs": 1}, 3),
        (("tickets",), {}, 4),
        (("reviews",), {"reviews": 4}, 2),  # three of the pull request, and the one that stands alone
        (("pull_requests", "commits"), {"pull_requests": 1, "commits": 3}, 2),
    ],
)
def test_what_a_source_does_not_collect_is_skipped_and_counted(read, signals, taken, skipped):
    alone = (review(5, "APPROVED", "2026-05-02T11:00:00Z"), commit("c9", "2026-05-01T08:00:00Z"))
    said = read("github", [PULL, RUN, *alone], signals=signals)
    assert {signal: len(said.rows(signal)) for signal in said.batches[0].records} == taken
    assert (said.skipped, said.reasons) == (skipped, [])

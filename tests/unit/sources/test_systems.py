"""GitHub, PagerDuty and Zendesk: one record for each version, status and entry that counts."""

from datetime import UTC, datetime

import orjson

ISSUE = {
    "id": 11,
    "title": "Checkout fails",
    "state": "closed",
    "created_at": "2026-05-01T10:00:00Z",
    "updated_at": "2026-05-02T10:00:00Z",
    "closed_at": "2026-05-02T10:00:00Z",
    "user": {"login": "ann"},
    "labels": [{"name": "bug"}],
}
DEPLOYMENT = {
    "id": 4711,
    "url": "https://api.github.com/repos/acme/ledger/deployments/4711",
    "environment": "production",
    "ref": "v1.2.0",
    "sha": "abc",
    "created_at": "2026-05-01T10:00:00Z",
    "statuses": [{"id": 1, "state": "success", "created_at": "2026-05-01T10:05:00Z"}],
}


def test_an_issue_is_a_ticket_version_and_a_pull_request_is_skipped(read):
    said = read("github", [ISSUE, {**ISSUE, "id": 12, "pull_request": {}}])
    (row,) = said.rows("tickets")
    assert row["record_id"] == "11:1777716000"
    assert (row["requester"], row["tags"], row["closed_at"].day) == ("ann", ["bug"], 2)
    assert said.skipped == 1


def test_an_issue_tells_its_milestone_and_when_that_is_due(read):
    milestone = {"title": "Books 2", "due_on": "2026-12-12T08:00:00Z"}
    (row,) = read("github", [{**ISSUE, "milestone": milestone}]).rows("tickets")
    assert (row["attributes"]["milestone"], row["attributes"]["due_at"]) == ("Books 2", "2026-12-12T08:00:00Z")


def test_a_deployment_is_one_row_for_its_creation_and_one_for_each_status(read):
    rows = read("github", [DEPLOYMENT]).rows("deployments")
    assert [(row["record_id"], row["status"], row["event_at"].minute) for row in rows] == [
        ("4711:created", "created", 0),
        ("4711:1", "success", 5),
    ]
    assert {(row["service"], row["service_version"]) for row in rows} == {("ledger", "v1.2.0")}


def test_a_payload_says_service_and_version_before_repository_and_ref(read):
    payload = orjson.dumps({"service": "checkout", "version": "2.0.1", "risk": "low"}).decode()
    row = read("github", [{**DEPLOYMENT, "payload": payload}]).rows("deployments")[0]
    assert (row["service"], row["service_version"], row["attributes"]["payload.risk"]) == ("checkout", "2.0.1", "low")


def test_a_bad_status_leaves_its_deployment(read):
    said = read("github", [{**DEPLOYMENT, "statuses": [{"id": 2, "state": "failure", "created_at": "soon"}]}])
    assert len(said.rows("deployments")) == 1
    assert said.reasons == ["created_at is not readable as a time"]


def test_an_error_answer_is_not_an_empty_list(read):
    for kind in ("github", "pagerduty", "zendesk"):
        said = read(kind, {"message": "API rate limit exceeded", "error": "RateLimit"})
        assert len(said.reasons) == 1
        assert said.reasons[0].startswith("an error answer")


def incident(**fields):
    base = {"id": "Q1", "created_at": "2026-05-01T10:00:00Z", "status": "resolved", "title": "Down", "urgency": "high"}
    return {"incidents": [{**base, "service": {"summary": "checkout"}, **fields}]}


def entry(number, kind, minute, **fields):
    when = f"2026-05-01T10:{minute:02}:00Z"
    return {"id": f"R{number}", "type": f"{kind}_log_entry", "created_at": when, "agent": {"summary": "Bo"}, **fields}


def test_each_entry_that_changes_or_explains_an_incident_is_a_row(read):
    log = [
        entry(5, "resolve", 50),
        entry(1, "trigger", 0),
        entry(2, "notify", 1),
        entry(3, "acknowledge", 4),
        entry(4, "annotate", 30, channel={"summary": "Mitigated by a rollback"}),
        entry(6, "annotate", 20, channel={"summary": "Looking"}),
    ]
    said = read("pagerduty", incident(log_entries=log))
    rows = [(row["entry_type"], row["status"], row["event_at"].minute) for row in said.rows("incidents")]
    assert rows == [
        ("trigger", "triggered", 0),
        ("acknowledge", "acknowledged", 4),
        ("note", "acknowledged", 20),
        ("mitigate", "acknowledged", 30),
        ("resolve", "resolved", 50),
    ]
    assert said.skipped == 1


def test_an_incident_without_entries_yields_its_own_times(read):
    own = {"acknowledgements": [{"at": "2026-05-01T10:03:00Z"}], "last_status_change_at": "2026-05-01T10:40:00Z"}
    rows = read("pagerduty", incident(**own)).rows("incidents")
    assert [(row["entry_type"], row["event_at"].minute) for row in rows] == [
        ("trigger", 0),
        ("acknowledge", 3),
        ("resolve", 40),
    ]


def test_the_begin_of_the_harm_is_a_custom_field_or_a_line_of_the_details(read):
    field = {"custom_fields": [{"name": "started_at", "value": "2026-05-01T09:30:00Z"}]}
    line = {"body": {"details": "It broke.\nstarted_at: 2026-05-01T09:30:00Z\n"}}
    for said in (field, line):
        (row,) = read("pagerduty", incident(status="triggered", **said)).rows("incidents")
        assert row["started_at"] == datetime(2026, 5, 1, 9, 30, tzinfo=UTC)


TICKET = {
    "id": 7,
    "created_at": "2026-05-01T10:00:00Z",
    "updated_at": "2026-05-03T10:00:00Z",
    "status": "Open",
    "via": {"channel": "email"},
    "requester_id": 501,
    "organization_id": 900,
    "custom_fields": [{"id": 360001, "value": "checkout"}, {"id": 360002, "value": "eu"}],
    "tags": ["vip"],
}


def test_a_ticket_says_who_about_what_in_which_version(read):
    (row,) = read("zendesk", {"tickets": [TICKET], "after_cursor": "x"}).rows("tickets")
    assert row["record_id"] == "7:1777802400"
    said = ("status", "channel", "requester", "account_id", "service", "tags")
    assert [row[name] for name in said] == ["open", "email", "501", "900", "checkout", ["vip"]]
    assert row["attributes"] == {"custom_fields.360002": "eu"}


def test_a_task_tells_when_it_is_due(read):
    (row,) = read("zendesk", {"tickets": [{**TICKET, "due_at": "2026-12-12T08:00:00Z"}]}).rows("tickets")
    assert row["attributes"]["due_at"] == "2026-12-12T08:00:00Z"


def test_a_steward_says_which_field_holds_the_service(read):
    mapping = {"service": "custom_fields.360002"}
    (row,) = read("zendesk", {"tickets": [TICKET]}, signals=("tickets",), columns=mapping).rows("tickets")
    assert row["service"] == "eu"


def test_pages_of_users_name_requesters_and_authors(read):
    read("zendesk", {"users": [{"id": 501, "email": "ann@example.com", "role": "end-user"}]}, name="users-1.json")
    events = [
        {"id": 1, "event_type": "Comment", "public": True, "body": "Help", "author_id": 501},
        {"id": 2, "event_type": "Change", "status": "solved", "previous_value": "open"},
        {"id": 3, "event_type": "Change", "priority": "high"},
    ]
    page = {"ticket_events": [{"id": 9, "ticket_id": 7, "timestamp": 1777802400, "child_events": events}]}
    said = read("zendesk", page, name="ticket_events-1.json")
    comment, status = said.rows("ticket_events")
    assert (comment["author"], comment["author_role"], comment["body"]) == ("ann@example.com", "end_user", "Help")
    assert (status["record_id"], status["event_type"], status["status"]) == ("9:2", "status", "solved")
    assert said.skipped == 1


def test_a_deleted_ticket_is_no_record_and_an_imported_one_may_be_backdated(read):
    imported = {**TICKET, "updated_at": "2026-04-01T00:00:00Z"}
    said = read("zendesk", {"tickets": [{**TICKET, "status": "deleted"}, imported]})
    assert [row["event_at"].month for row in said.rows("tickets")] == [4]
    assert (said.skipped, said.reasons) == (1, [])

"""What lies in the inbox is what the real systems write, and the planted problems show in it."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from statistics import median
from typing import Any

import pytest

from orchestration.simulation import people
from orchestration.simulation.calendar import DAY, iso, midnight
from orchestration.simulation.company import SERVICES
from orchestration.simulation.truth import FaultTruth

from .conftest import END, Written

Rows = list[dict[str, Any]]


def fault(default: Written, name: str) -> FaultTruth:
    return next(found for found in default.truth.faults if found.name == name)


def started(span: dict[str, Any]) -> int:
    return int(span["startTimeUnixNano"])


def duration_ms(span: dict[str, Any]) -> float:
    return (int(span["endTimeUnixNano"]) - started(span)) / 1e6


def test_totals_are_those_of_a_thin_company(default: Written, spans: Rows, logs: Rows) -> None:
    assert 85_000 < len(spans) < 120_000
    assert 85_000 < len(logs) < 120_000
    tickets = {row["id"] for row in default.rows("zendesk/tickets-*", "tickets")}
    assert 800 < len(tickets) < 1300
    assert default.truth.totals["spans"] == len(spans)
    assert default.truth.totals["logs"] == len(logs)
    assert Counter(iso(started(s))[:10] for s in spans) == default.truth.days_of["spans"]


def test_spans_are_valid_otlp(default: Written, spans: Rows) -> None:
    by_id = {span["spanId"]: span for span in spans}
    assert len(by_id) == len(spans)
    end = midnight(END) + DAY
    for span in spans:
        assert len(bytes.fromhex(span["traceId"])) == 16
        assert len(bytes.fromhex(span["spanId"])) == 8
        assert end - 42 * DAY <= started(span) <= int(span["endTimeUnixNano"]) < end
        assert span["service"] in SERVICES
        if parent := by_id.get(span.get("parentSpanId", "")):
            assert parent["traceId"] == span["traceId"]
            assert started(parent) <= started(span)
            assert int(span["endTimeUnixNano"]) <= int(parent["endTimeUnixNano"])
        else:
            assert "parentSpanId" not in span
            assert span["at"]["enduser.id"].startswith("acct_")


def test_some_traces_cross_midnight(spans: Rows) -> None:
    days = defaultdict(set)
    for span in spans:
        days[span["traceId"]].add(started(span) // DAY)
    assert sum(len(found) == 2 for found in days.values()) > 30


def test_logs_belong_to_spans_of_their_service(spans: Rows, logs: Rows) -> None:
    owner = {(span["traceId"], span["spanId"]): (span["service"], span["version"]) for span in spans}
    tied = [log for log in logs if "traceId" in log]
    assert 0.9 < len(tied) / len(logs) < 1
    assert all(owner[log["traceId"], log["spanId"]] == (log["service"], log["version"]) for log in tied)


def test_errors_are_rare_where_nothing_is_wrong(spans: Rows) -> None:
    roots = [s for s in spans if "parentSpanId" not in s and s["name"] == "GET /products"]
    assert sum(bool(root["status"]) for root in roots) / len(roots) < 0.01


def test_checkout_is_slower_since_its_deployment(default: Written, spans: Rows) -> None:
    slow = fault(default, "slow-checkout")
    inside: dict[str, float] = defaultdict(float)
    for span in spans:
        inside[span.get("parentSpanId", "")] += duration_ms(span)
    orders = [s for s in spans if s["name"] == "PlaceOrder"]
    own = {iso(started(s)) >= slow.started_at: [] for s in orders}
    callers = [s for s in spans if s["name"] == "POST /checkout"]
    for span in orders:
        own[iso(started(span)) >= slow.started_at].append(duration_ms(span) - inside[span["spanId"]])
    assert 300 < median(own[True]) - median(own[False]) < 460
    after = [duration_ms(s) for s in callers if iso(started(s)) >= slow.started_at]
    assert median(after) > 300 + median([duration_ms(s) for s in callers if iso(started(s)) < slow.started_at])
    assert slow.deployment_id == "4711"
    assert slow.accounts_affected > 200


def test_payment_fails_while_its_incident_lasts(default: Written, spans: Rows) -> None:
    outage = fault(default, "payment-outage")
    during = [
        s for s in spans if s["name"] == "Charge" and outage.started_at <= iso(started(s)) < (outage.ended_at or "")
    ]
    failed = [s for s in during if s["status"].get("code") == 2]
    assert len(failed) > 15
    assert len(failed) / len(during) > 0.7
    incidents = {row["id"]: row for row in default.rows("pagerduty/incidents-*", "incidents")}
    incident = incidents[outage.incident_id]
    assert incident["service"]["summary"] == "payment"
    assert {"name": "started_at", "value": outage.started_at}.items() <= incident["custom_fields"][0].items()
    kinds = [entry["type"] for entry in incident["log_entries"]]
    assert {"trigger_log_entry", "acknowledge_log_entry", "annotate_log_entry", "resolve_log_entry"} <= set(kinds)
    assert any(entry["summary"].startswith("mitigated") for entry in incident["log_entries"])


def test_only_the_variant_of_the_flag_fails(default: Written, spans: Rows) -> None:
    flagged = fault(default, "cart-flag-errors")
    adds = [s for s in spans if s["name"] == "AddItem" and iso(started(s)) >= flagged.started_at]
    ratio = {}
    for variant in ("on", "off"):
        own = [bool(s["status"]) for s in adds if s["at"]["feature_flag.result.variant"] == variant]
        ratio[variant] = sum(own) / len(own)
    assert ratio["on"] > 0.3
    assert ratio["off"] < 0.02
    assert (flagged.fix_deployment_id, flagged.is_fix_effective) == ("4759", False)


def test_the_index_is_fast_again_after_its_fix(default: Written, spans: Rows) -> None:
    slow = fault(default, "slow-search-index")
    queries = [s for s in spans if s["at"].get("peer.service") == "search-index"]
    within = [duration_ms(s) for s in queries if slow.started_at <= iso(started(s)) < (slow.ended_at or "")]
    after = [duration_ms(s) for s in queries if iso(started(s)) >= (slow.ended_at or "")]
    assert median(within) > 10 * median(after)


def test_tickets_of_a_fault_come_after_it_began(default: Written) -> None:
    tickets = {str(row["id"]): row for row in default.rows("zendesk/tickets-*", "tickets")}
    for planted in default.truth.faults:
        assert planted.tickets == len(planted.ticket_ids) > 10
        for id_ in planted.ticket_ids:
            ticket = tickets[id_]
            assert ticket["created_at"] >= planted.started_at
            named = ticket["custom_fields"][0]["value"]
            assert named in (planted.service, None)
            assert named or planted.service in [*ticket["tags"], *ticket["description"].replace(".", " ").split()]


def test_the_noisy_log_is_frequent_and_harmless(spans: Rows, logs: Rows) -> None:
    failing = {span["traceId"] for span in spans if span["status"]}
    noisy = [log for log in logs if log["body"]["stringValue"].startswith("ranking model")]
    assert len(noisy) > 500
    assert all(log["severityText"] == "ERROR" for log in noisy)
    assert sum(log["traceId"] in failing for log in noisy) < 0.02 * len(noisy)


def test_tickets_come_once_per_version_in_time_order(default: Written) -> None:
    pages = default.pages("zendesk/tickets-*")
    assert [page["end_of_stream"] for page in pages] == [False] * (len(pages) - 1) + [True]
    rows = [row for page in pages for row in page["tickets"]]
    stamps = [row["generated_timestamp"] for row in rows]
    assert stamps == sorted(stamps)
    assert len({(row["id"], row["updated_at"]) for row in rows}) == len(rows)
    assert {row["status"] for row in rows} == {"new", "open", "pending", "solved", "closed"}


def test_whoever_comments_is_a_known_user(default: Written) -> None:
    users = {row["id"]: row["role"] for row in default.rows("zendesk/users-*", "users")}
    events = default.rows("zendesk/ticket_events-*", "ticket_events")
    comments = [child for event in events for child in event["child_events"] if child["event_type"] == "Comment"]
    assert {users[comment["author_id"]] for comment in comments} == {"agent", "end-user"}


def test_each_service_has_deployments_besides_the_planted_ones(default: Written) -> None:
    planted = {"4711", "4733", "4759"}
    for service in SERVICES:
        rows = json.loads((default.out / f"github/deployments-{service}.json").read_bytes())
        assert any(str(row["id"]) not in planted for row in rows)
        for row in rows:
            assert row["payload"]["service"] == service
            assert [s["created_at"] for s in row["statuses"]] == sorted(
                (s["created_at"] for s in row["statuses"]), reverse=True
            )


def test_what_was_planned_about_a_fault_is_an_issue_with_owner_milestone_and_due_date(default: Written) -> None:
    told = fault(default, "wrong-export-totals")
    (issue,) = [row for row in json.loads((default.out / "github/issues.json").read_bytes()) if "milestone" in row]
    assert str(issue["id"]) == told.issue_id
    assert {label["name"] for label in issue["labels"]} == {"initiative", "export", "owner:insights"}
    assert issue["milestone"]["due_on"] > issue["created_at"] > told.started_at
    assert "pull_request" not in issue


def test_requests_are_served_by_the_version_deployed_before_them(spans: Rows) -> None:
    orders = [s for s in spans if s["name"] == "PlaceOrder"]
    served = {s["version"] for s in orders}
    assert "2.8.0" in served
    assert len(served) > 2


def pulls(default: Written) -> Rows:
    return [row for page in default.pages("github/pulls-*") for row in page]


def test_a_deployment_ships_the_merge_of_a_pull_request_that_went_before_it(default: Written) -> None:
    merged = {row["merge_commit_sha"]: row for row in pulls(default) if row["merged_at"]}
    shipped = [row for page in default.pages("github/deployments-*") for row in page]
    assert sum(row["sha"] in merged for row in shipped) > 0.9 * len(shipped)
    for deployment in shipped:
        if pull := merged.get(deployment["sha"]):
            commits = [commit["commit"]["author"]["date"] for commit in pull["commits"]]
            approved = [review["submitted_at"] for review in pull["reviews"] if review["state"] == "APPROVED"]
            stages = [min(commits), pull["created_at"], min(approved), pull["merged_at"], deployment["created_at"]]
            assert stages == sorted(stages)
            assert commits == sorted(commits)
            assert commits[-1] <= pull["merged_at"]


def test_some_pull_requests_are_open_and_some_were_given_up(default: Written) -> None:
    states = Counter((row["state"], row["merged_at"] is not None) for row in pulls(default))
    assert states["open", False] == states["closed", False] == len(SERVICES)
    assert states["closed", True] > 40


def test_some_builds_fail_and_are_run_again(default: Written) -> None:
    last = default.rows("github/runs-*", "workflow_runs")
    earlier = [row for page in default.pages("github/attempts-*") for row in page]
    assert {row["conclusion"] for row in earlier} == {"failure"}
    assert {row["id"] for row in earlier} < {row["id"] for row in last}
    assert 0.02 < sum(row["conclusion"] == "failure" for row in last) / len(last) < 0.3
    for row in last + earlier:
        assert row["created_at"] < row["run_started_at"] <= row["updated_at"]


def test_the_bad_release_was_large_and_built_until_it_was_green(default: Written) -> None:
    slow = fault(default, "slow-checkout")
    url = f"/repos/{(slow.pull_request_id or '').replace('#', '/pulls/')}"
    (pull,) = (row for row in pulls(default) if row["url"].endswith(url))
    assert pull["additions"] > 4 * median(row["additions"] for row in pulls(default))
    attempts = json.loads((default.out / "github/attempts-checkout.json").read_bytes())
    assert sum(row["head_sha"] == pull["head"]["sha"] for row in attempts) == 2


def outcomes(default: Written, measure: str) -> dict[tuple[str, str], float]:
    """Value out of the population (or the value itself) by journey and day."""
    with (default.out / "business/outcomes.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Measure"] == measure]
    return {(row["Journey"], row["Day"]): float(row["Value"]) / float(row["Of"] or 1) for row in rows}


@pytest.mark.parametrize(
    ("name", "journey", "measure", "least"),
    [
        ("slow-checkout", "place order", "conversion", 0.1),
        ("payment-outage", "renew subscription", "renewal", 0.2),
        ("slow-search-index", "find product", "conversion", 0.1),
        ("cart-flag-errors", "fill cart", "conversion", 0.08),
    ],
)
def test_fewer_come_through_while_a_service_on_the_way_is_bad(
    default: Written, name: str, journey: str, measure: str, least: float
) -> None:
    planted, rates = fault(default, name), outcomes(default, measure)
    bad = {d for j, d in rates if j == journey and planted.started_at[:10] < d < (planted.ended_at or "9")[:10]}
    bad = bad or {planted.started_at[:10]}
    during = median(rate for (j, d), rate in rates.items() if j == journey and d in bad)
    calm = median(rate for (j, d), rate in rates.items() if j == journey and d not in bad)
    assert during < (1 - least) * calm
    assert planted.journeys[journey] > 0


def test_users_and_developers_speak_of_what_was_planted(default: Written) -> None:
    with (default.out / "surveys/answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for planted in default.truth.faults:
        said = [row for row in rows if any(theme.lower() in row["Comment"].lower() for theme in planted.theme)]
        assert {row["Audience"] for row in said} == {"user", "developer"}
        assert min(row["Day"] for row in said) >= planted.started_at[:10]
    assert all(int(row["Lowest"]) <= int(row["Score"]) <= int(row["Highest"]) for row in rows)
    assert 0.1 < sum(not row["Person"] for row in rows) / len(rows) < 0.5


WITH_CANARIES = (
    *("spans", "logs", "tickets", "ticket_events", "deployments", "incidents"),
    *("pull_requests", "commits", "reviews", "surveys"),
)


@pytest.mark.parametrize("signal", WITH_CANARIES)
def test_every_canary_is_where_the_truth_says(default: Written, spans: Rows, logs: Rows, signal: str) -> None:
    planted = [canary for canary in default.truth.canaries if canary.signal == signal]
    assert planted
    records: dict[str, list[str]] = defaultdict(list)
    for name, rows in (("spans", spans), ("logs", logs)):
        for row in rows if name == signal else ():
            if "traceId" in row:
                records[f"{row['traceId']}/{row['spanId']}"].append(json.dumps(row, ensure_ascii=False))
    for canary in planted:
        text = "".join(records[canary.record]) or (default.out / canary.file).read_text()
        assert json.dumps(canary.value, ensure_ascii=False)[1:-1] in text
        assert (default.out / canary.file).exists()


def test_every_canary_of_the_scenario_is_planted(default: Written) -> None:
    from orchestration.simulation import load_scenario

    of_the_desk = ("tickets", "ticket_events")  # names come there with what people write, not by the scenario
    planted = [one for one in default.truth.canaries if one.is_structured or one.signal not in of_the_desk]
    assert len(planted) == sum(canary.count for canary in load_scenario("default").canaries)


def test_people_are_named_where_people_write(default: Written) -> None:
    names = [canary for canary in default.truth.canaries if not canary.is_structured]
    assert {canary.type for canary in names} == {"person"}
    assert {canary.signal for canary in names} >= {"tickets", "ticket_events", "logs", "incidents"}
    assert len({canary.value for canary in names if " " in canary.value}) > 300


def test_some_sign_with_the_name_their_address_spells(default: Written) -> None:
    address = {row["id"]: row["email"] for row in default.rows("zendesk/users-*", "users")}
    tickets = default.rows("zendesk/tickets-*", "tickets")
    spelt = [
        row
        for row in tickets
        if (words := row["description"].split("\n")[-1].lower().split()[-2:])
        and re.match(rf"{re.escape('.'.join(words))}\d", address[row["requester_id"]])
    ]
    assert 0.1 < len(spelt) / len(tickets) < 0.6


def test_words_around_names_are_about_no_service() -> None:
    told = " ".join(
        text for value in vars(people).values() if isinstance(value, tuple) for text in value if isinstance(text, str)
    )
    assert not set(re.findall(r"[a-z]+", told.lower())) & set(SERVICES)

"""Who may decide is told by the policy alone, and a review that nobody does becomes overdue."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from governance.audit import Decision, Recorded
from governance.errors import PolicyError, UsageError
from governance.stewards import StewardsPolicy, load_stewards

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)

FILE = {
    "owner": "o",
    "reason": "r",
    "two_person": True,
    "longest_waiver_days": 30,
    "domains": {
        "telemetry": {"datasets": ["otel/*", "marts/health"]},
        "support": {"datasets": ["zendesk/*", "otel/spans-of-support"], "reviews": {"compliance": 30}},
        "rest": {"datasets": ["marts/rest"]},
    },
    "default": "rest",
    "reviews": {"quality": 7, "compliance": 90},
    "remind_days": 2,
    "people": {
        "ana@example.com": {"quality": ["*"]},
        "Ben Ng": {"quality": ["support"], "compliance": ["*"]},
    },
    "decisions": {"release": "quality", "classify": "compliance"},
    "sign_off": ["marts/rpt_*"],
}


def policy(**changed: object) -> StewardsPolicy:
    return StewardsPolicy.model_validate({**FILE, **changed})


@pytest.mark.parametrize(
    ("dataset", "domain"),
    [
        ("otel/spans", "telemetry"),
        ("otel/spans-of-support", "support"),  # an exact name wins over a pattern
        ("marts/health", "telemetry"),
        ("zendesk/tickets", "support"),
        ("own/logs", "rest"),  # nobody names it
    ],
)
def test_every_data_set_has_one_domain(dataset: str, domain: str) -> None:
    assert policy().domain_of(dataset) == domain


@pytest.mark.parametrize(
    ("person", "kind", "dataset", "may"),
    [
        ("ana@example.com", "release", "otel/spans", True),
        ("ANA@Example.com", "release", "zendesk/tickets", True),
        ("ana@example.com", "classify", "otel/spans", False),  # another role
        ("ben ng", "release", "zendesk/tickets", True),
        ("Ben Ng", "release", "otel/spans", False),  # another domain
        ("Ben Ng", "classify", "own/logs", True),
        ("eve@example.com", "release", "otel/spans", False),  # nobody knows her
        ("eve@example.com", "rotate_key", "", True),  # needs no role
    ],
)
def test_who_may_decide_what(person: str, kind: str, dataset: str, may: bool) -> None:  # noqa: FBT001
    assert policy().may(person, kind, dataset) == may


def test_who_may_not_is_told_who_may() -> None:
    with pytest.raises(UsageError) as refused:
        policy().check_may("eve@example.com", "release", "zendesk/tickets")
    assert str(refused.value) == (
        "eve@example.com: release of zendesk/tickets needs the role quality in support; ana@example.com, ben ng may "
        "(see policies/stewards.yml)"
    )


@pytest.mark.parametrize(
    ("person", "domain", "role", "told"),
    [
        ("ana@example.com", "suport", "quality", "did you mean support"),
        ("ana@example.com", "support", "lineage", "support has no review of lineage"),
        ("ana@example.com", "support", "compliance", "ben ng may"),
        ("Ben Ng", "support", "compliance", None),
    ],
)
def test_who_may_review(person: str, domain: str, role: str, told: str | None) -> None:
    if told is None:
        policy().check_may_review(person, domain, role)
    else:
        with pytest.raises(UsageError, match=told):
            policy().check_may_review(person, domain, role)


def test_nobody_approves_his_own_unless_the_policy_says_so() -> None:
    policy().check_approval("ana@example.com", "Ben Ng")
    with pytest.raises(UsageError, match="may not approve it"):
        policy().check_approval("Ana@example.com", "ana@example.com")
    policy(two_person=False).check_approval("ana@example.com", "ana@example.com")


@pytest.mark.parametrize(("days", "is_allowed"), [(-1, False), (0, False), (1, True), (30, True), (31, False)])
def test_a_waiver_ends_in_time(days: int, is_allowed: bool) -> None:  # noqa: FBT001
    today = NOW.date()
    if is_allowed:
        policy().check_expiry(today, today + timedelta(days=days))
    else:
        with pytest.raises(UsageError, match="expected a day after 2026-03-31 and no later than 2026-04-30"):
            policy().check_expiry(today, today + timedelta(days=days))


def test_what_needs_a_sign_off() -> None:
    assert [policy().needs_sign_off(name) for name in ("marts/rpt_pain_points", "marts/fct_tickets")] == [True, False]


def entry(days_ago: int, kind: str = "policy", **what: str) -> Recorded:
    return Recorded(1, Decision(kind, "ana@example.com", "-", NOW - timedelta(days=days_ago), what), "")


def review(days_ago: int, role: str = "quality") -> Recorded:
    return entry(days_ago, "review", domain="support", role=role)


@pytest.mark.parametrize(
    ("entries", "last_on", "due_on", "state"),
    [
        ([], None, date(2026, 4, 7), "done"),  # nothing was decided yet: the first is due in a week
        ([entry(6)], None, date(2026, 4, 1), "due"),  # a week after the first entry
        ([entry(8)], None, date(2026, 3, 30), "overdue"),
        ([entry(50), review(7)], date(2026, 3, 24), date(2026, 3, 31), "due"),  # on its day it is not overdue
        ([entry(50), review(8)], date(2026, 3, 23), date(2026, 3, 30), "overdue"),
        ([entry(50), review(4)], date(2026, 3, 27), date(2026, 4, 3), "done"),
        ([entry(50), review(1), review(9)], date(2026, 3, 30), date(2026, 4, 6), "done"),  # the latest counts
        ([entry(50), review(20), review(1, "compliance")], date(2026, 3, 11), date(2026, 3, 18), "overdue"),
        ([entry(50), review(20), review(-1)], date(2026, 3, 11), date(2026, 3, 18), "overdue"),  # seen from that day
    ],
)
def test_when_a_review_is_due(entries: list[Recorded], last_on: date | None, due_on: date, state: str) -> None:
    calendar = policy().review_calendar(NOW, entries)
    found = next(one for one in calendar if (one.domain, one.role) == ("support", "quality"))
    assert (found.last_on, found.due_on, found.state) == (last_on, due_on, state)
    assert found.stewards == ("ana@example.com", "ben ng")
    assert (found in policy().reviews_due(NOW, entries)) == (state != "done")


def test_a_domain_can_have_a_cadence_of_its_own() -> None:
    due = {(one.domain, one.role): one.due_on for one in policy().review_calendar(NOW, [])}
    assert due["support", "compliance"] == date(2026, 4, 30)
    assert due["telemetry", "compliance"] == date(2026, 6, 29)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"default": "telemetri"}, "did you mean telemetry"),
        ({"people": {"ana": {"quality": ["nowhere"]}}}, "people.ana.quality is nowhere, which is no domain"),
        ({"people": {"ana": {"quality": ["*"]}}}, "nobody has the role compliance in telemetry"),
        ({"domains": {**FILE["domains"], "more": {"datasets": ["otel/*"]}}}, "in two domains, telemetry and more"),  # type: ignore[dict-item]
        ({"longest_waiver_days": 0}, "greater than or equal to 1"),
        ({"decisions": {"release": "boss"}}, "quality"),
        ({"reviews": {"quality": 0}}, "greater than 0"),
    ],
)
def test_a_policy_nobody_could_follow_is_refused(changed: dict[str, object], told: str) -> None:
    with pytest.raises((ValidationError, PolicyError), match=told):
        policy(**changed)


@given(st.text(max_size=20))
def test_of_the_policy_in_force_somebody_may_decide_about_every_data_set(dataset: str) -> None:
    stewards = load_stewards()
    domain = stewards.domain_of(dataset)
    assert all(stewards.holders(role, domain) for role in stewards.decisions.values())

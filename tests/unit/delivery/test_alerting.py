"""What is remembered between ticks, and what a message says."""

from datetime import UTC, datetime, timedelta

import pytest

from governance.freshness import Change, Freshness, load_freshness
from governance.subscriptions import SubscriptionsPolicy
from orchestration.delivery import Pending, alert_teams
from orchestration.delivery.messages import compose

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = ["stale", "never_arrived", "recovered"]


def policy(**fields):
    team = {"assets": ["published/*"], "events": ALL, "reason": "r", "url_env": "TEAM_URL", **fields}
    return SubscriptionsPolicy.model_validate({"owner": "o@example.com", "reason": "r", "teams": {"team": team}})


def tick(last, pending=None, now=NOW, **fields):
    return alert_teams(last, now, load_freshness(), policy(**fields), pending or Pending(), environment={})


def hours_ago(hours):
    return NOW - timedelta(hours=hours)


def test_team_without_an_address_is_told_of_as_not_told():
    outcome = tick({"published/lead": hours_ago(40)})
    assert outcome.told == (
        "team not told, tried again next time: no address: TEAM_URL is not set; set it to the team's apprise URL"
    )
    assert outcome.pending.told["team"] == {"published/lead": "unknown"}


def test_what_was_not_told_is_tried_again():
    first = tick({"published/lead": hours_ago(40)})
    assert tick({"published/lead": hours_ago(41)}, first.pending).deliveries[0].changes[0].event == "stale"


def test_what_could_not_be_told_for_a_day_is_given_up_with_a_note():
    late = {"published/lead": hours_ago(40)}
    first = tick(late)
    day_old = tick(late, Pending.from_json(first.pending.to_json()), now=NOW + timedelta(days=1))
    assert day_old.told.startswith("team not told, given up after a day on published/lead: no address")
    assert tick(late, day_old.pending, now=NOW + timedelta(days=1, minutes=1)).deliveries == ()


def test_what_happened_later_is_tried_for_a_day_of_its_own():
    first = tick({"published/lead": hours_ago(40), "published/analyst": hours_ago(20)})
    later = tick(
        {"published/lead": hours_ago(40), "published/analyst": hours_ago(20)},
        first.pending,
        now=NOW + timedelta(days=1),
    )
    assert later.deliveries[0].given_up == {"published/lead"}
    assert later.pending.waiting["team"].keys() == {"published/analyst"}


def test_what_recovered_before_it_was_told_is_not_mentioned():
    first = tick({"published/lead": hours_ago(40)})
    assert tick({"published/lead": hours_ago(1)}, first.pending).deliveries == ()


def test_nothing_changed_nobody_told():
    outcome = tick({"published/lead": hours_ago(1)})
    assert (outcome.deliveries, outcome.told) == ((), "nothing changed, nobody told")


def test_events_nobody_asked_for_are_not_told_later():
    first = tick({"published/lead": hours_ago(40)}, events=["recovered"])
    assert first.deliveries == ()
    assert first.pending.told["team"] == {"published/lead": "late"}


def test_data_set_that_never_arrives_is_missed_after_its_window():
    first = tick({"published/lead": None})
    assert first.deliveries == ()
    later = tick({"published/lead": None}, first.pending, now=NOW + timedelta(hours=25))
    assert later.deliveries[0].changes[0].event == "never_arrived"


def test_memory_survives_its_stored_form():
    pending = tick({"published/lead": None, "published/analyst": hours_ago(40)}).pending
    assert Pending.from_json(pending.to_json()) == pending


@pytest.mark.parametrize(
    "stored", [None, "", "no json", "[]", '{"first_seen": {"a": 1}}', '{"told": 3, "first_seen": 1}']
)
def test_memory_that_cannot_be_read_starts_anew(stored):
    assert Pending.from_json(stored) == Pending()


def change(asset, event, last_at):
    return Change(asset, event, Freshness("late", last_at, hours_ago(100)))


def test_message_says_what_changed_first():
    message = compose(
        [
            change("published/lead", "never_arrived", None),
            change("published/analyst", "stale", hours_ago(40)),
            change("published/steward", "recovered", hours_ago(0.5)),
        ],
        load_freshness(),
        "o@example.com",
        NOW,
        "Europe/Berlin",
    )
    assert message.title == "Feedback Warehouse: 1 data set never arrived, 1 late, 1 recovered"
    assert message.body.splitlines()[:6] == [
        "NEVER ARRIVED  published/lead",
        "  has had no data in the 4 days since it was first expected, 2026-02-25 09:00 Europe/Berlin.",
        "LATE  published/analyst",
        "  newest data 40 h old (2026-02-27 21:00 Europe/Berlin); late after 36 h.",
        "RECOVERED  published/steward",
        "  data arrives again: newest data 30 min old (2026-03-01 12:30 Europe/Berlin).",
    ]
    assert "Next step: `feedback ui`" in message.body


def test_message_has_at_most_five_rows():
    many = [change(f"published/{n}", "stale", hours_ago(40)) for n in range(8)]
    message = compose(many, load_freshness(), "o", NOW, "UTC")
    assert message.title == "Feedback Warehouse: 8 data sets late"
    assert message.body.count("LATE") == 5
    assert "... and 3 more." in message.body


def test_good_news_asks_for_nothing():
    message = compose([change("published/a", "recovered", hours_ago(1))], load_freshness(), "o", NOW, "UTC")
    assert "Next step" not in message.body

"""When data is late, and which changes are worth telling."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import PolicyError
from governance.freshness import (
    Freshness,
    FreshnessPolicy,
    Window,
    changes,
    freshness_frame,
    load_freshness,
    state_of,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = Window(warn_after_hours=26, late_after_hours=36, never_arrived_after_hours=24, reason="nightly")
STATES = ("fresh", "warn", "late", "unknown", "never_arrived")


def hours_ago(hours):
    return NOW - timedelta(hours=hours)


def known(**states):
    return {asset: Freshness(state, None if state in STATES[3:] else NOW, NOW) for asset, state in states.items()}


@pytest.mark.parametrize(
    ("last_at", "first_seen", "state"),
    [
        (hours_ago(1), hours_ago(100), "fresh"),
        (hours_ago(-1), hours_ago(100), "fresh"),  # a clock that runs ahead
        (hours_ago(26), hours_ago(100), "fresh"),  # the window itself is still allowed
        (hours_ago(27), hours_ago(100), "warn"),
        (hours_ago(37), hours_ago(100), "late"),
        (None, hours_ago(24), "unknown"),
        (None, hours_ago(25), "never_arrived"),
    ],
)
def test_state_follows_from_age(last_at, first_seen, state):
    assert state_of(last_at, NOW, WINDOW, first_seen) == state


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        ("fresh", "late", "stale"),
        ("warn", "late", "stale"),
        ("unknown", "never_arrived", "never_arrived"),
        ("late", "fresh", "recovered"),
        ("never_arrived", "fresh", "recovered"),
        ("never_arrived", "late", "stale"),
        ("fresh", "warn", None),  # seen in the UI; nobody is called
        ("warn", "fresh", None),
        ("unknown", "fresh", None),
    ],
)
def test_only_what_matters_is_a_change(before, after, event):
    found = changes({"a": before}, known(a=after))
    assert [change.event for change in found] == ([event] if event else [])


@given(st.dictionaries(st.sampled_from("abcde"), st.sampled_from(STATES)))
def test_nothing_is_told_twice(states):
    assert changes(states, known(**states)) == []


def test_what_hurts_comes_before_what_is_cured():
    found = changes({"a": "late"}, known(a="fresh", b="late", c="never_arrived"))
    assert [(change.asset, change.event) for change in found] == [
        ("c", "never_arrived"),
        ("b", "stale"),
        ("a", "recovered"),
    ]


def test_exact_window_wins_over_a_pattern():
    other = WINDOW.model_copy(update={"reason": "exact"})
    policy = FreshnessPolicy(owner="o", reason="r", windows={"published/*": WINDOW, "published/lead": other})
    assert policy.window_of("published/lead").reason == "exact"
    assert policy.window_of("published/analyst").reason == "nightly"


def test_data_set_without_a_window_is_an_error():
    with pytest.raises(PolicyError, match=r"marts/x has no window; allowed: checked/\*, .*, published/\*"):
        load_freshness().window_of("marts/x")


def test_warning_must_come_before_late():
    with pytest.raises(ValueError, match="must be less than late_after_hours"):
        Window(warn_after_hours=36, late_after_hours=36, never_arrived_after_hours=1, reason="r")


def test_every_signal_has_its_age_and_the_state_that_its_own_window_gives():
    windows = {"checked/*": WINDOW, "checked/pager/*": WINDOW.model_copy(update={"late_after_hours": 99})}
    policy = FreshnessPolicy(owner="o", reason="r", windows=windows)
    newest = {("otel", "spans"): hours_ago(40), ("pager", "incidents"): hours_ago(40), ("desk", "tickets"): None}
    frame = freshness_frame({**newest, ("new", "spans"): None}, NOW, {"desk": hours_ago(25)}, policy)
    assert frame.select("source", "age_hours", "late_after_hours", "state").rows() == [
        ("desk", None, 36, "never_arrived"),
        ("new", None, 36, "unknown"),
        ("otel", 40, 36, "late"),
        ("pager", 40, 99, "warn"),
    ]


def test_signal_without_a_window_has_an_age_and_no_state():
    policy = FreshnessPolicy(owner="o", reason="r", windows={"published/*": WINDOW})
    frame = freshness_frame({("otel", "spans"): hours_ago(40)}, NOW, {}, policy)
    assert frame.select("age_hours", "warn_after_hours", "late_after_hours", "state").rows() == [(40, None, None, None)]


@pytest.mark.parametrize(
    ("signal", "state"), [("spans", "late"), ("tickets", "fresh"), ("deployments", "fresh"), ("incidents", "fresh")]
)
def test_three_silent_days_are_a_gap_only_where_there_is_something_every_night(signal, state):
    frame = freshness_frame({("any", signal): hours_ago(72)}, NOW, {}, load_freshness())
    assert frame["state"].to_list() == [state]

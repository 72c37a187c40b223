"""Who wants to hear what, and where addresses may stand."""

from datetime import UTC, datetime

import pytest

from governance.access import load_access
from governance.errors import PolicyError
from governance.freshness import Change, Freshness
from governance.subscriptions import Subscription, load_subscriptions

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BASE = {"assets": ["published/*"], "events": ["stale"], "reason": "r"}
LOCAL = {"url": "json://localhost:9/x"}


def change(asset, event):
    return Change(asset, event, Freshness("late", NOW, NOW))


def test_team_hears_of_its_data_sets_and_events_only():
    team = Subscription.model_validate({**BASE, **LOCAL})
    found = [change("published/lead", "stale"), change("published/lead", "recovered"), change("marts/x", "stale")]
    assert team.wanted(found) == found[:1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "one of url and url_env"),
        ({**LOCAL, "url_env": "X"}, "one of url and url_env"),
        ({"url": "json://example.com"}, "use url_env"),  # leaves this machine
        ({"url": "json://user:word@localhost"}, "use url_env"),  # a password in a file
        ({"url_env": "not a name"}, "pattern"),
        ({**LOCAL, "zone": "Mars/Olympus"}, "no such time zone"),
        ({**LOCAL, "assets": []}, "at least 1"),
        ({**LOCAL, "events": ["slow"]}, "'stale', 'never_arrived' or 'recovered'"),
    ],
)
def test_mistake_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        Subscription.model_validate({**BASE, **fields})


def test_password_in_the_file_is_not_repeated_in_the_error(tmp_path, monkeypatch):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "subscriptions.yml").write_text(
        "owner: o\nreason: r\nteams:\n  a:\n    assets: [x]\n    events: [stale]\n    reason: r\n"
        "    url: json://user:hunter2@localhost\n"
    )
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError) as raised:
        load_subscriptions()
    assert "teams.a" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(("environment", "address"), [({}, None), ({"X": ""}, None), ({"X": "json://a"}, "json://a")])
def test_address_comes_from_the_environment(environment, address):
    assert Subscription.model_validate({**BASE, "url_env": "X"}).address(environment) == address


def test_shipped_subscriptions_name_what_is_published():
    published = {f"published/{role}" for role in load_access().roles}
    for team in load_subscriptions().teams.values():
        assert all(any(Subscription.covers(team, asset) for asset in published) for _ in team.assets)
        assert {pattern for pattern in team.assets if "*" not in pattern} <= published

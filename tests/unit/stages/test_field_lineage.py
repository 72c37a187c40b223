"""A column is followed through models and stages to the fields of the records, and to whose records it depends on."""

from __future__ import annotations

import pytest

from governance.access import AccessPolicy
from governance.signals import SIGNALS
from orchestration.stages.field_lineage import COUNTED, Lineage, lake_fields, unmarked
from orchestration.stages.warehousing import LAKE_TABLES

LINEAGE = Lineage(
    {
        "marts.days": {
            "day": [("staging.requests", "period_start_at")],
            "requests": [("staging.requests", "*")],  # count(*)
            "accounts": [("staging.accounts", "account_id")],
            "run_id": [("staging.owners", "run_id")],
            "template": [("staging.templates", "template")],
            "lost": [("staging.unread", "x"), ("staging.accounts", "account_id")],
            "kind": [("seeds.kinds", "kind")],
        },
        "staging.requests": {
            "period_start_at": [("lake.span_requests", "period_start_at")],
            "*": [("lake.span_requests", "*")],
        },
        "staging.unread": {},  # its SQL was not understood
        "staging.accounts": {"account_id": [("lake.span_account_days", "account_id")]},
        "staging.templates": {"template": [("lake.log_templates", "template")]},
        "staging.owners": {"team": [("lake.owners", "team")], "rows": [("lake.ledger", "checked")]},
    }
)


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        (("marts.days", "day"), {("spans", "event_at")}),  # of a column that a stage makes
        (("marts.days", "accounts"), {("spans", "account_id")}),
        (("marts.days", "template"), {("logs", "body")}),
        (("marts.days", "requests"), set()),
        (("staging.owners", "team"), set()),  # a policy
        (
            ("lake.text_themes", "theme"),
            {("tickets", "subject"), ("tickets", "description"), ("ticket_events", "body"), ("surveys", "body")},
        ),
    ],
)
def test_a_column_is_made_of_fields(place: tuple[str, str], fields: set[tuple[str, str]]) -> None:
    assert LINEAGE.fields(*place) == fields


@pytest.mark.parametrize(
    ("place", "signals"),
    [
        (("marts.days", "day"), ["spans"]),
        (("marts.days", "requests"), ["spans"]),
        (("marts.days", "lost"), []),
        (("marts.days", "kind"), []),
        (("staging.owners", "team"), []),
        (("staging.owners", "rows"), sorted(SIGNALS)),  # the ledger counts all of them
        (("marts.unknown", "x"), []),
    ],
)
def test_a_figure_depends_on_signals(place: tuple[str, str], signals: list[str]) -> None:
    assert LINEAGE.signals(place[0], [place[1]]) == signals


def test_the_steps_end_at_the_landed_field_and_what_is_done_to_it() -> None:
    steps = LINEAGE.edges([("marts.days", "accounts")])
    assert steps.filter(from_relation="landing.spans").rows() == [
        ("anonymized.spans", "account_id", "landing.spans", "account_id", "pseudonymise ACCOUNT")
    ]


def test_every_column_that_models_read_of_records_is_a_field_or_said_to_be_made() -> None:
    unsaid = [
        f"{name}.{column}"
        for name, table in LAKE_TABLES.items()
        if table.signal in SIGNALS
        for column in table.columns
        if column not in COUNTED and not lake_fields(name, column)
    ]
    assert unsaid == []


POLICY = {
    "owner": "o",
    "reason": "r",
    "tables": {"days": {"from": "marts.days", "columns": ["day", "accounts", "template"]}},
    "personal": {"ids": {"reason": "joins", "columns": ["days.accounts"], "roles": ["analyst"]}},
    "roles": {"analyst": {"description": "d", "tables": {"days": {}}}},
}


def test_a_published_column_made_of_what_is_personal_is_found_where_no_one_marked_it() -> None:
    assert unmarked(AccessPolicy.model_validate(POLICY), LINEAGE) == {"days.template": "logs.body"}


@pytest.mark.parametrize("grant", [{"without": ["template"]}, {"masks": {"template": "blank"}}])
def test_what_no_role_sees_needs_no_mark(grant: dict[str, object]) -> None:
    roles = {"analyst": {"description": "d", "tables": {"days": grant}}}
    assert unmarked(AccessPolicy.model_validate({**POLICY, "roles": roles}), LINEAGE) == {}

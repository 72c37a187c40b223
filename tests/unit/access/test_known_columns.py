"""A column of access.yml that no model has is found before anything is run."""

import json
from pathlib import Path

import pytest

from governance.access import AccessPolicy
from governance.errors import PolicyError
from orchestration.serving.known_columns import known_columns, require_known_columns

KNOWN = {"marts.orders": ["order_id", "note"]}


def policy(columns: list[str], where: str = "") -> AccessPolicy:
    return AccessPolicy.model_validate(
        {
            "owner": "o",
            "reason": "r",
            "tables": {
                "orders": {"from": "marts.orders", "columns": columns},
                "spans": {"from": "lake.spans", "columns": ["span_id"]},
            },
            "roles": {
                "clerk": {"description": "d", "tables": {"orders": {"where": where}, "spans": {"where": "x = 1"}}}
            },
        }
    )


@pytest.mark.parametrize(
    ("columns", "where", "message"),
    [
        (["order_id", "nota"], "", "tables.orders: no column nota; did you mean note"),
        (["order_id"], "note = 'a' and order_ids > 2", "roles.clerk.tables.orders.where: no column order_ids; did you"),
        (
            ["order_id"],
            "notes = 'a' and order_id in (select id from marts.accounts)",
            "where: no column notes; did you",
        ),
        (["order_id"], "lower(subject) = 'note'", "where: no column subject; allowed: note, order_id"),
    ],
)
def test_an_unknown_column_is_refused(columns: list[str], where: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        require_known_columns(policy(columns, where), KNOWN)


@pytest.mark.parametrize(
    "where",
    [
        "",
        "NOTE is null",
        "order_id in (1, 2) or note = 'subject'",
        "= no =",
        "order_id in (select account from marts.accounts where is_open)",
        "exists (select 1 from (values (1)) as allowed(id) where id = order_id)",
        "len([word for word in string_split(note, ' ') if word <> 'a']) > 2",
        "list_filter([1], x -> x = order_id) <> []",
        "rowid < 5",
    ],
)
def test_what_is_known_or_not_understood_is_not_refused(where: str) -> None:
    require_known_columns(policy(["order_id", "note"], where), KNOWN)
    require_known_columns(policy(["whatever"], where), {})


def test_only_a_contract_tells_all_columns(tmp_path: Path) -> None:
    node = {"resource_type": "model", "schema": "marts", "columns": {"order_id": {}}, "contract": {"enforced": True}}
    nodes = {"a": {**node, "alias": "orders"}, "b": {**node, "alias": "views", "contract": {"enforced": False}}}
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    assert known_columns(tmp_path / "manifest.json") == {"marts.orders": ["order_id"]}

"""The access policy says who sees what; what it does not name is seen by nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.access import RESERVED, Column, load_access
from governance.errors import PolicyError, UsageError

HEAD = "owner: o\nreason: r\ntables:\n  orders: {from: marts.fct_orders, columns: [order_id, account_id, note]}\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policies").mkdir()
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    return tmp_path / "policies/access.yml"


def test_the_four_roles_exist() -> None:
    assert set(load_access().roles) == {"analyst", "team_member", "lead", "steward"}


@pytest.mark.parametrize("role", ["analyst", "team_member", "lead"])
def test_only_stewards_read_free_text(role: str) -> None:
    free_text = {"body", "subject", "description", "attributes", "status_message"}
    columns = {column.name for table in load_access().role(role).tables for column in table.columns}
    assert not columns & free_text


@pytest.mark.parametrize("role", ["team_member", "lead"])
def test_account_pseudonyms_stay_with_analysts_and_stewards(role: str) -> None:
    seen = {column for table in load_access().role(role).tables for column in table.columns}
    assert Column("account_id") not in seen


def test_everybody_sees_the_ranked_list() -> None:
    for role in load_access().roles.values():
        assert "rpt_pain_points" in {table.name for table in role.tables}


def test_a_grant_leaves_out_masks_and_filters(config: Path) -> None:
    config.write_text(
        HEAD + "roles:\n  clerk:\n    description: d\n    tables:\n"
        "      orders: {without: [note], masks: {account_id: blank}, where: 'order_id > 1'}\n"
    )
    (table,) = load_access().role("clerk").tables
    assert table.columns == (Column("order_id"), Column("account_id", "blank"))
    assert table.where == "order_id > 1"


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ("clerk: {description: d, tables: {order: {}}}", "table order is not published; did you mean orders"),
        ("clerk: {description: d, tables: {orders: {without: [nota]}}}", "no column nota; did you mean note"),
        ("clerk: {description: d, tables: {orders: {masks: {acount_id: blank}}}}", "did you mean account_id"),
        ("clerk: {description: d, tables: {orders: {masks: {note: hide}}}}", "allowed: blank, day"),
        ("'../clerk': {description: d, tables: {}}", "it becomes a file's name"),
    ],
)
def test_wrong_roles_are_refused(config: Path, roles: str, said: str) -> None:
    config.write_text(HEAD + "roles:\n  " + roles + "\n")
    with pytest.raises(PolicyError) as caught:
        load_access()
    assert said in str(caught.value)


CLERK = "clerk: {description: d, tables: {orders: GRANT}}"
NOTES = "personal: {notes: {reason: r, columns: [orders.note], roles: []}}\n"


@pytest.mark.parametrize("grant", ["{without: [note]}", "{masks: {note: blank}}"])
def test_a_personal_column_is_masked_for_roles_that_are_not_named(config: Path, grant: str) -> None:
    config.write_text(HEAD + NOTES + "roles:\n  " + CLERK.replace("GRANT", grant) + "\n")
    assert load_access().personal_columns == {"orders.note"}


@pytest.mark.parametrize(
    ("personal", "grant", "said"),
    [
        (NOTES, "{}", "roles.clerk.orders: note is personal (notes) and unmasked; expected `without: [note]`"),
        (NOTES, "{masks: {note: day}}", "note is personal (notes) and unmasked"),
        (
            NOTES.replace("order", "odder"),
            "{}",
            "personal.notes: odders.note is not published; did you mean orders.note",
        ),
        (NOTES.replace("[]", "[clark]"), "{}", "personal.notes: role clark does not exist; did you mean clerk"),
        (NOTES.replace("e]", "e, orders.note]"), "{without: [note]}", "personal.notes: orders.note is named twice"),
    ],
)
def test_a_personal_column_that_somebody_else_would_see_is_refused(
    config: Path, personal: str, grant: str, said: str
) -> None:
    config.write_text(HEAD + personal + "roles:\n  " + CLERK.replace("GRANT", grant) + "\n")
    with pytest.raises(PolicyError) as caught:
        load_access()
    assert said in str(caught.value)


@pytest.mark.parametrize("table", RESERVED)
def test_no_table_is_called_like_one_that_every_file_has(config: Path, table: str) -> None:
    config.write_text(
        HEAD.replace("orders:", f"{table}:") + f"roles:\n  {CLERK.replace('GRANT', '{}')}\n".replace("orders", table)
    )
    with pytest.raises(PolicyError, match=f"table {table} is not published"):
        load_access()


def test_there_is_no_wildcard(config: Path) -> None:
    config.write_text(HEAD.replace("note]", '"*"]') + "roles: {}\n")
    with pytest.raises(PolicyError, match="there is no wildcard"):
        load_access()


def test_an_unknown_role_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="role analist does not exist; did you mean analyst"):
        load_access().role("analist")

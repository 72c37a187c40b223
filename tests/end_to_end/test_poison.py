"""5 % bad rows in one day move no published figure of any other day."""

import duckdb
import pytest

POISONED, POISON = "2026-11-17", "4:0.05"


@pytest.fixture(scope="module")
def pair(undisturbed, new_deployment):
    """The same company twice, once with bad rows, under the same keys."""
    poisoned = new_deployment("poisoned")
    poisoned.take_keys(undisturbed)
    poisoned.simulate(**undisturbed.story, poison=POISON)
    poisoned.run()
    return undisturbed, poisoned


def test_the_poison_was_set_aside_and_the_ledger_balances(pair):
    clean, poisoned = pair
    sql = "select sum(malformed + quarantined) from fct_ledger where event_date = ?".replace("?", f"'{POISONED}'")
    extra = poisoned.rows(sql)[0][0] - clean.rows(sql)[0][0]
    assert extra == len(poisoned.truth["poison"]) > 20
    assert all(balanced for (balanced,) in poisoned.rows("select is_balanced from fct_ledger"))


def test_what_could_not_be_read_is_told_and_its_file_only_where_the_raw_records_are(pair):
    _, poisoned = pair
    published = poisoned.rows("select source, signal, line, reason from malformed order by all")
    assert published
    raw = f"{poisoned.root}/lake/received/*/*/malformed-*.parquet"
    told = duckdb.sql(f"select file, signal, line, reason from read_parquet('{raw}') order by all").fetchall()
    assert sorted(row[1:] for row in told) == sorted(row[1:] for row in published)
    assert all((poisoned.root / "inbox" / file).is_file() for file, *_ in told)


@pytest.mark.parametrize(
    "table",
    [
        *("fct_service_health_daily", "fct_operation_health_daily", "fct_ticket_volume_daily"),
        "fct_request_attributes",
    ],
)
def test_no_figure_of_another_day_moved(pair, table):
    def other_days(deployment):
        columns = [row[0] for row in deployment.rows(f"describe {table}") if row[0] not in ("run_id", "as_of")]
        quoted = ", ".join(f'"{name}"' for name in columns)
        return sorted(map(repr, deployment.rows(f"select {quoted} from {table} where event_date <> '{POISONED}'")))

    clean, poisoned = pair
    assert other_days(clean) == other_days(poisoned)

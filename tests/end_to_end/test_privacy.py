"""No planted personal datum or secret is found in any byte written behind landing and held."""

import gzip
import json
import re
import sqlite3
from collections import defaultdict

import duckdb
import polars as pl
import pytest

RAW_STATES = ("received", "landing", "mentions", "held")  # owner-only, short-lived, never queried


@pytest.fixture(scope="module")
def forced(new_deployment, tmp_path_factory):
    """The company with every row in the sample, so that no canary is merely sampled out."""
    config = tmp_path_factory.mktemp("config")
    (config / "policies").mkdir()
    deployment = new_deployment("forced", FEEDBACK_CONFIG=str(config))
    text = deployment.policy("sampling")
    (config / "policies" / "sampling.yml").write_text(re.sub(r"ordinary_share: [\d.]+", "ordinary_share: 1.0", text))
    deployment.simulate(days=14, scale=0.4, seed=5)
    deployment.printed = deployment.run()
    return deployment


@pytest.fixture(scope="module")
def canaries(forced):
    values = {canary["value"] for canary in forced.truth["canaries"] if canary.get("is_structured", True)}
    assert len(values) > 20
    return values


def found_in(text, canaries):
    return sorted({canary for canary in canaries if canary in text})


def test_no_canary_is_in_the_lake_behind_landing_and_held(forced, canaries):
    lake = forced.root / "lake"
    files = [path for path in lake.rglob("*.parquet") if path.relative_to(lake).parts[0] not in RAW_STATES]
    assert len(files) > 50
    for path in files:
        assert found_in(pl.read_parquet(path).write_ndjson(), canaries) == [], path.relative_to(lake)
    for path in lake.rglob("manifest.json"):
        assert found_in(path.read_text(), canaries) == []


def test_the_canaries_were_really_there(forced, canaries):
    lake = forced.root / "lake"
    landed = "".join(pl.read_parquet(path).write_ndjson() for path in (lake / "landing").rglob("*.parquet"))
    assert len(found_in(landed, canaries)) > 0.9 * len(canaries)


def test_no_canary_is_in_the_warehouse_or_in_what_was_published(forced, canaries):
    files = [*(forced.root / "published").glob("*.duckdb"), forced.root / "warehouse" / "feedback.duckdb"]
    assert len(files) >= 5
    for path in files:
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            for schema, table in tables:
                rows = connection.execute(f'select * from "{schema}"."{table}"').pl()
                assert found_in(rows.write_ndjson(), canaries) == [], f"{path.name}: {schema}.{table}"


def test_no_canary_is_in_dagsters_storage(forced, canaries):
    databases = list((forced.root / "dagster").rglob("*.db"))
    assert databases
    for path in databases:
        with sqlite3.connect(path) as connection:
            assert found_in("\n".join(connection.iterdump()), canaries) == [], path.name


def test_no_canary_is_in_any_other_byte_written_or_printed(forced, canaries):
    for path in forced.root.rglob("*"):
        parts = path.relative_to(forced.root).parts
        if not path.is_file() or parts[0] == "inbox" or path.name == "truth.json":
            continue
        if parts[0] == "lake" and parts[1] in RAW_STATES:
            continue
        raw = path.read_bytes()
        content = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        assert found_in(content.decode("utf-8", "replace"), canaries) == [], path.name
    assert found_in(forced.printed.stdout + forced.printed.stderr, canaries) == []


# Names have no form of their own: a model finds them, and no model finds all. The share of mentions that must be gone,
# where they stand; of names that a field of the thread spells or that stand behind a label, all. Measured (seed 5):
# 0.98, 0.89 and 0.77.
LEAST_SHARES = {"full names in prose": 0.95, "given names in prose": 0.9, "names in logs and spans": 0.6}
THREADED = ("tickets", "ticket_events")


@pytest.fixture(scope="module")
def mentions(forced):
    """People named in free text: (name, signal, the ticket it stands in, else the day)."""
    ticket_of = {
        str(event["id"]): str(event["ticket_id"])
        for path in forced.root.glob("inbox/zendesk/ticket_events-*")
        for event in json.loads(path.read_bytes())["ticket_events"]
    }
    told = [canary for canary in forced.truth["canaries"] if not canary["is_structured"]]
    assert len(told) > 400
    return {
        (one["value"], one["signal"], ticket_of.get(one["record"], one["record"]))
        if one["signal"] in THREADED
        else (one["value"], one["signal"], one["event_date"])
        for one in told
    }


def texts_of(forced, state):
    """All text of a state, by signal and ticket, else day."""
    texts = defaultdict(str)
    folder = forced.root / "lake" / state
    for path in folder.rglob("records*.parquet"):
        _, signal, day = path.relative_to(folder).parts[:3]
        for row in pl.read_parquet(path).iter_rows(named=True):
            said = "\n".join(map(str, row.values()))  # not repr: `\\nTove` in it would be one word
            texts[signal, str(row["ticket_id"]) if signal in THREADED else day] += said + "\n"
    return texts


def missed_in(texts, mentions):
    return {one for one in mentions if re.search(rf"\b{re.escape(one[0])}\b", texts[one[1:]])}


@pytest.fixture(scope="module")
def missed(forced, mentions):
    """The mentions that are still there behind the stage."""
    assert len(missed_in(texts_of(forced, "landing"), mentions)) > 0.97 * len(mentions)  # they were really there
    return missed_in(texts_of(forced, "anonymized"), mentions)


def test_names_in_free_text_are_gone_behind_landing_but_for_the_few_the_model_misses(mentions, missed):
    forms = defaultdict(set)
    for one in mentions:
        prose = "full names in prose" if " " in one[0] else "given names in prose"
        forms["names in logs and spans" if one[1] in ("logs", "spans") else prose].add(one)
    shares = {form: 1 - len(some & missed) / len(some) for form, some in forms.items()}
    said = "; ".join(f"{form}: {shares[form]:.3f} of {len(some)}" for form, some in sorted(forms.items()))
    print(f"recall: {said}; left: {sorted({one[0] for one in missed})}")
    assert shares.keys() == LEAST_SHARES.keys()
    assert {form for form, least in LEAST_SHARES.items() if shares[form] < least} == set()


def test_the_name_that_a_requesters_address_spells_is_nowhere_in_the_thread(forced, mentions, missed):
    users, requesters = {}, {}
    for path in forced.root.glob("inbox/zendesk/users-*"):
        users |= {user["id"]: user["name"] for user in json.loads(path.read_bytes())["users"]}
    for path in forced.root.glob("inbox/zendesk/tickets-*"):
        requesters |= {str(one["id"]): users[one["requester_id"]] for one in json.loads(path.read_bytes())["tickets"]}
    own = {one for one in mentions if one[1] in THREADED and one[0] in (name := requesters[one[2]], name.split()[0])}
    assert len(own) > 100
    assert own & missed == set()


def test_a_name_behind_a_label_or_in_a_field_of_its_own_is_always_gone(forced, mentions, missed):
    labels = ('customer_name="', "'key': 'user.full_name', 'value': '")
    texts = texts_of(forced, "landing")
    labelled = {one for one in mentions if any(label + one[0] in texts[one[1:]] for label in labels)}
    assert len(labelled) > 4
    assert labelled & missed == set()


def test_a_name_that_is_gone_behind_landing_is_nowhere_else(forced, mentions, missed):
    gone = {one[0] for one in mentions if " " in one[0]} - {one[0] for one in missed}
    assert len(gone) > 200
    lake = forced.root / "lake"
    for path in lake.rglob("*.parquet"):
        if path.relative_to(lake).parts[0] not in RAW_STATES:
            assert found_in(pl.read_parquet(path).write_ndjson(), gone) == [], path.relative_to(lake)
    for path in [*(forced.root / "published").glob("*.duckdb"), forced.root / "warehouse" / "feedback.duckdb"]:
        with duckdb.connect(str(path), read_only=True) as connection:
            for (table,) in connection.execute(
                "select schema_name || '.' || table_name from duckdb_tables()"
            ).fetchall():
                rows = connection.execute(f"select * from {table}").pl().write_ndjson()
                assert found_in(rows, gone) == [], f"{path.name}: {table}"


def test_raw_states_are_readable_by_their_owner_only(forced):
    lake = forced.root / "lake"
    for state in RAW_STATES:
        for path in (lake / state).rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path.name


def test_canaries_of_every_day_are_in_the_ledger_and_none_leaked(forced):
    rows = forced.dicts("select * from fct_ledger where anonymized is not null")
    assert len(rows) > 40
    for row in rows:
        assert row["canaries"] > 30
        assert (row["canaries_masked"], row["canaries_leaked"]) == (row["canaries"], 0)
        assert row["is_balanced"]


def test_the_search_for_canaries_finds_none_anywhere(forced):
    searched = forced.feedback("leaks")
    assert re.search(r"^[\d,]{3,} files looked through, 0 canaries found", searched.stdout)

"""No planted personal datum or secret is found in any byte written behind landing and held."""

import gzip
import re
import sqlite3

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

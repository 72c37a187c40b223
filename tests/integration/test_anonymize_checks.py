"""The checks of an anonymized asset, as Dagster keeps them: severity, figures and places, never a value."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from governance.keys import Keyring
from governance.policy import config_file
from governance.signals import SIGNALS
from governance.sources import load_sources
from orchestration.defs.anonymize.assets import HIT_RATES_ARE_STEADY, LEAK_RATE_IS_LOW, anonymized
from orchestration.defs.partitions import AS_OF_TAG
from orchestration.lake import Lake

AS_OF = datetime(2026, 3, 20, tzinfo=UTC)
DAYS = [(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=n)).date().isoformat() for n in range(9)]
MAIL = "sent to jane.roe@gmail.com"


def run(tmp_path, *days):
    """Materialise otel/logs over days of these bodies; what the checks said by name, and all metadata as text."""
    lake = Lake(tmp_path / "lake")
    for day, bodies in zip(DAYS, days, strict=False):
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        rows = [
            {"record_id": f"{n:032x}", "event_at": at, "body": body, "received_file": "f", "received_line": 1}
            for n, body in enumerate(bodies)
        ]
        with lake.replace(f"landing/otel/logs/{day}", as_of=AS_OF) as out:
            out.write("records", pl.DataFrame(rows, schema=SIGNALS["logs"].landing_schema))
            out.counts = {"landed": len(rows)}
    days_of_run = {"dagster/asset_partition_range_start": DAYS[0]}
    days_of_run["dagster/asset_partition_range_end"] = DAYS[len(days) - 1]
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [anonymized(load_sources()["otel"], "logs")],
            instance=instance,
            resources={"lake": lake, "keys": lambda: Keyring(b"p" * 32, b"i" * 32)},
            tags={AS_OF_TAG: AS_OF.isoformat(), **days_of_run},
        )
    (made,) = result.asset_materializations_for_node("anonymized__otel__logs")[-1:]
    checks = {one.check_name: one for one in result.get_asset_check_evaluations()}
    told = [made.metadata, *(check.metadata for check in checks.values())]
    return checks, made.metadata, " ".join(str(value.value) for metadata in told for value in metadata.values())


@pytest.fixture
def without_emails(tmp_path, monkeypatch):
    """A deployment whose own patterns find no e-mail address."""
    folder = tmp_path / "config" / "policies"
    folder.mkdir(parents=True)
    text = config_file("policies/patterns.yml").read_text()
    start = text.index("  - name: email\n")
    end = text.index("  - name: ", start + 1)
    (folder / "patterns.yml").write_text(text[:start] + text[end:])
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path / "config"))


def test_clean_days_pass_both_checks_and_tell_what_was_found(tmp_path):
    checks, metadata, text = run(tmp_path, [MAIL, "ready"], ["ready"])
    assert all(check.passed for check in checks.values())
    assert checks[LEAK_RATE_IS_LOW].metadata["records_sampled"].value == 3
    assert metadata["found_EMAIL"].value == 1
    assert "| body | EMAIL | 1 | 0 |" in metadata["findings"].value
    assert "jane" not in text


def test_a_leak_fails_the_check_and_names_places_only(tmp_path, without_emails):
    checks, _, text = run(tmp_path, ["ready"] * 5, [MAIL] * 5 + ["ready"] * 15)
    leak = checks[LEAK_RATE_IS_LOW]
    assert (leak.passed, leak.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert leak.metadata["withheld_days"].value == DAYS[1]
    assert leak.metadata["records_leaking"].value == 5
    assert leak.metadata["leak_rate_low"].value < 0.2 < leak.metadata["leak_rate_high"].value
    assert f"| {DAYS[1]} | {0:032x} | body | EMAIL_ADDRESS |" in text
    assert "jane" not in text


def test_a_single_leak_among_many_only_warns(tmp_path, without_emails):
    checks, _, _ = run(tmp_path, [MAIL] + ["ready"] * 199)
    assert (checks[LEAK_RATE_IS_LOW].passed, checks[LEAK_RATE_IS_LOW].severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_drift_warns_with_entity_day_and_both_rates(tmp_path):
    checks, _, _ = run(tmp_path, *[["ready"] * 100] * 8, ["ready"] * 80 + [MAIL] * 20)
    drift = checks[HIT_RATES_ARE_STEADY]
    assert (drift.passed, drift.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert f"| {DAYS[8]} | EMAIL | 0.2 | 0 |" in drift.metadata["where"].value

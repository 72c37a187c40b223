"""A day too large for one piece goes through every stage in parts, and everything comes out as if it had not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.quality import load_quality, load_suite
from governance.sampling import load_sampling_policy
from governance.sources import load_sources
from orchestration.lake import Lake
from orchestration.stages import landing
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.gating import judge_dataset
from orchestration.stages.landing import land_days
from orchestration.stages.receiving import receive
from orchestration.stages.rolling_up import roll_up_log_days, roll_up_span_days
from orchestration.stages.sampling import sample_days
from tests.bench.events import write_events

KEYS = Keyring(b"some key for tests of parts here", b"another key for tests of parts..")
AS_OF = datetime(2026, 11, 4, tzinfo=UTC)
DAYS = ["2026-11-01", "2026-11-02"]
SIGNALS = ("spans", "logs")
EVENTS = 3_000
# The same rows whichever part they were in; what else a partition holds is of all parts.
STATES = ("landing", "held", "mentions", "anonymized", "checked", "quarantine", "traits", "rollups", "rates", "sampled")


def flow(inbox: Path, lake: Lake) -> Lake:
    source, sampling = load_sources()["otel"], load_sampling_policy()
    receive(source, inbox, lake, KEYS, AS_OF)
    for signal in SIGNALS:
        land_days(lake, source, signal, DAYS, AS_OF)
    for signal in SIGNALS:
        anonymize_days(lake, f"otel/{signal}", DAYS, load_privacy(), KEYS, AS_OF)
        judge_dataset(lake, f"otel/{signal}", DAYS, load_suite(signal), load_quality(), AS_OF)
    roll_up_span_days(lake, "otel", DAYS, sampling, AS_OF)
    roll_up_log_days(lake, "otel", DAYS, sampling, AS_OF)
    for signal in SIGNALS:
        sample_days(lake, f"otel/{signal}", DAYS, sampling, AS_OF)
    return lake


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inbox")
    write_events(folder / "otel", events=EVENTS, first=date.fromisoformat(DAYS[0]), days=len(DAYS))
    return folder


@pytest.fixture(scope="module")
def whole(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return flow(inbox, Lake(tmp_path_factory.mktemp("whole")))


@pytest.fixture(scope="module")
def parted(inbox: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landing, "PART_ROWS", 150)
        yield flow(inbox, Lake(tmp_path_factory.mktemp("parted")))


def tables(lake: Lake, state: str) -> Mapping[str, pl.DataFrame]:
    """The rows of each table of a state, in an order of their own; canaries are planted in each part."""
    found = {}
    for key in lake.keys(state):
        manifest = lake.manifest(key)
        names = {name.partition("-")[0] for name in manifest.tables} if manifest else set()
        for name in names - {"canaries"}:
            rows = lake.read(key, name)
            found[f"{key}/{name}"] = rows.sort(pl.all().exclude(pl.List)).select(sorted(rows.columns))
    return found


def test_the_days_are_in_parts(parted: Lake) -> None:
    for signal in SIGNALS:
        for state in ("landing", "anonymized", "checked", "sampled"):
            assert len(parted.parts(f"{state}/otel/{signal}/{DAYS[0]}")) > 1


def test_a_trace_is_in_one_part(parted: Lake) -> None:
    parts = [parted.scan_part(part).collect() for part in parted.parts(f"checked/otel/spans/{DAYS[0]}")]
    traces = pl.concat([part.select(pl.col("trace_id").unique()) for part in parts])
    assert not traces["trace_id"].is_duplicated().any()


@pytest.mark.parametrize("state", STATES)
def test_every_state_holds_the_same_rows(whole: Lake, parted: Lake, state: str) -> None:
    expected, found = tables(whole, state), tables(parted, state)
    assert expected
    assert expected.keys() == found.keys()
    assert [name for name in expected if not expected[name].equals(found[name])] == []


@pytest.mark.parametrize("state", STATES)
def test_every_state_counts_the_same(whole: Lake, parted: Lake, state: str) -> None:
    def counts(lake: Lake) -> dict[str, dict[str, int]]:
        manifests = {key: lake.manifest(key) for key in lake.keys(state)}
        return {
            key: {name: count for name, count in manifest.counts.items() if not name.startswith("canaries")}
            for key, manifest in manifests.items()
            if manifest
        }

    assert counts(whole) == counts(parted)


def test_a_rerun_finds_everything_current(inbox: Path, parted: Lake) -> None:
    before = parted.digests(parted.keys(""))
    assert flow(inbox, parted).digests(parted.keys("")) == before

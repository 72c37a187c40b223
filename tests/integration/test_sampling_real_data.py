"""How much of a real system's telemetry is left at a base rate of 1 %."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from governance.keys import Keyring
from governance.signals import SIGNALS
from governance.sources import load_sources
from orchestration.lake import Lake
from orchestration.sources.connector import Pull
from orchestration.sources.registry import connector_for
from tests.integration.sampled_world import AS_OF, policy_with, sample

DAY = "2022-08-22"
SIGNAL_NAMES = ("logs", "spans")


@pytest.fixture(scope="module")
def lake(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake, source = Lake(tmp_path_factory.mktemp("lake")), load_sources()["otel"]
    pull = Pull(source, real_data / "otlp", Keyring(b"p" * 32, b"i" * 32), AS_OF, AS_OF)
    connector = connector_for(source)
    read: dict[str, list[pl.DataFrame]] = {}
    for document in connector.documents(pull):
        for batch in connector.read(document, pull):
            for signal, frame in batch.records.items():
                read.setdefault(signal, []).append(frame)
    for signal in SIGNAL_NAMES:
        records = pl.concat(read[signal]).select(list(SIGNALS[signal].columns))
        with lake.replace(f"checked/otel/{signal}/{DAY}", as_of=AS_OF) as out:
            out.write("records", records.unique("record_id", keep="first", maintain_order=True))
    policy = policy_with(traces={"ordinary_share": 0.01}, logs={"ordinary_share": 0.01})
    sample(lake, [DAY], policy, [f"otel/{signal}" for signal in SIGNAL_NAMES])
    return lake


def outcomes(lake: Lake) -> pl.DataFrame:
    return pl.concat(lake.read(f"sampled/otel/{signal}/{DAY}", "outcomes") for signal in SIGNAL_NAMES)


def test_a_twentieth_of_the_rows_is_kept(lake: Lake) -> None:
    kept, removed = outcomes(lake).select(pl.col("kept_rows", "removed_rows").sum()).row(0)
    assert kept + removed == 56_665 + 12_058
    assert kept / (kept + removed) <= 0.05  # measured: 0.044


def test_all_slow_traces_are_kept(lake: Lake) -> None:
    traits = lake.read(f"traits/otel/spans/{DAY}", "traces")
    slow = set(traits.filter(pl.col("is_slow") | pl.col("has_error"))["trace_id"])
    assert len(slow) >= 10
    assert slow <= set(lake.read(f"sampled/otel/spans/{DAY}")["trace_id"])
    assert outcomes(lake).filter(pl.col("reason") == "slow")["removed_rows"].sum() == 0


def test_every_service_keeps_its_floor(lake: Lake) -> None:
    spans = lake.read(f"sampled/otel/spans/{DAY}").filter(~pl.col("kept_because").is_in(["slow", "rare", "error"]))
    floors = spans.group_by("service").agg(pl.col("trace_id").n_unique())
    assert floors.height == 10
    assert floors["trace_id"].min() >= policy_with().traces.floor_per_service


def test_weights_estimate_the_number_of_traces(lake: Lake) -> None:
    kept = lake.read(f"sampled/otel/spans/{DAY}").unique("trace_id")["weight"]
    # 1,235 ordinary traces at about 1 in 70: standard deviation about sqrt(1,235 * 70) = 294; three of them
    assert abs(kept.sum() - 1_247) < 880

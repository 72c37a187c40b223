"""In a real system's telemetry the service a fault was injected into is the first suspect of its incident."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from governance.keys import Keyring
from governance.sampling import load_sampling_policy
from governance.signals import SIGNALS
from governance.sources import load_sources
from orchestration.sources.connector import Pull
from orchestration.sources.registry import connector_for
from tests.days import span_rollup, traits_of
from tests.integration.pain_point_world import build, fill_warehouse

pytestmark = pytest.mark.deep  # 56,665 spans and a dbt project read anew: 54 s on a busy machine

AS_OF = datetime(2022, 8, 23, tzinfo=UTC)
# Those of the day with telemetry before and after their beginning; the second began 7 s before its minutes do.
INJECTED = {"nezha-20220822T035354Z-frontend-cpu_contention", "nezha-20220822T051809Z-currencyservice-cpu_contention"}


def spans_of(otlp: Path) -> pl.DataFrame:
    source = load_sources()["otel"]
    pull = Pull(source, otlp, Keyring(b"p" * 32, b"i" * 32), AS_OF, AS_OF)
    connector = connector_for(source)
    read = [
        batch.records["spans"].select(list(SIGNALS["spans"].columns))
        for document in connector.documents(pull)
        for batch in connector.read(document, pull)
        if "spans" in batch.records
    ]
    return pl.concat(read).unique("record_id", keep="first", maintain_order=True)


def incidents_of(otlp: Path) -> pl.DataFrame:
    """One trigger of each, under the service `unknown`: who it was is what is to be found."""
    told = json.loads((otlp / "incidents.json").read_text())["incidents"]
    assert {one["id"] for one in told if one["data_coverage"] != "none"} == INJECTED
    began = {one["id"]: datetime.fromisoformat(one["started_at"]) for one in told if one["id"] in INJECTED}
    rows = [
        {
            **dict.fromkeys(SIGNALS["incidents"].columns),
            "record_id": name,
            "incident_id": name,
            "entry_type": "trigger",
            **dict.fromkeys(("event_at", "started_at", "created_at"), at),
        }
        for name, at in began.items()
    ]
    return pl.DataFrame(rows, schema=SIGNALS["incidents"].schema)


@pytest.fixture(scope="module")
def suspects(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    otlp, policy = real_data / "otlp", load_sampling_policy()
    spans = spans_of(otlp)
    rollup = span_rollup(spans, traits_of(spans, policy), policy.rollups)
    tables = {"span_requests": [rollup.requests], "incidents": [incidents_of(otlp)]}
    warehouse = tmp_path_factory.mktemp("real") / "feedback.duckdb"
    tagged = {
        name: [frame.select(pl.lit("real").alias("source"), pl.all()) for frame in frames]
        for name, frames in tables.items()
    }
    fill_warehouse(warehouse, tagged)
    only = (
        "--select",
        "+rpt_incident_suspects",
        "--exclude-resource-type",
        "unit_test",
        "--exclude-resource-type",
        "test",
    )
    assert build(warehouse, *only, as_of=AS_OF) == []
    with duckdb.connect(str(warehouse)) as connection:
        return connection.execute("select * from marts.rpt_incident_suspects order by incident_id, rank").pl()


@pytest.mark.parametrize("incident", sorted(INJECTED))
def test_the_injected_service_grew_most_by_self_time(suspects: pl.DataFrame, incident: str) -> None:
    first, second = suspects.filter(pl.col("incident_id") == incident).head(2).to_dicts()
    assert first["rank"] == 1
    assert first["service"] == incident.split("-")[2]
    # Measured: 33 times as slow against 9 times, 20 against 1.5; and the most milliseconds too.
    assert first["growth_factor"] > 3 * second["growth_factor"]
    more = (pl.col("self_ms_during") - pl.col("self_ms_before")).alias("more_ms")
    of_incident = suspects.filter(pl.col("incident_id") == incident, pl.col("rank").is_not_null())
    assert of_incident.sort(more, descending=True)["service"][0] == first["service"]

"""The pooled event log stores what Dagster's own would, and forgets what nobody asks for."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.instance import InstanceRef
from dagster._core.storage.event_log.schema import SecondaryIndexMigrationTable, SqlEventLogStorageTable

DAYS = dg.DailyPartitionsDefinition("2026-11-01")


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def rows(context):
    return dg.MaterializeResult(metadata={"days": len(context.partition_keys)})


@dg.asset_check(asset=rows)
def rows_are_there():
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    storage = "{module: orchestration.event_log, class: PooledEventLog, config: {base_dir: {env: DAGSTER_HOME}}}"
    (tmp_path / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\nevent_log_storage: {storage}\n")
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as opened:
        yield opened


def run(instance, first, last):
    definitions = dg.Definitions([rows], asset_checks=[rows_are_there], executor=dg.in_process_executor)
    days = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, tags=days)
    assert result.success
    return result.run_id


@pytest.mark.parametrize("tables", [[], [SqlEventLogStorageTable, SecondaryIndexMigrationTable]])
def test_a_log_of_which_a_kill_left_the_first_tables_gets_the_others(tmp_path, request, tables):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/event_log.db")
    with engine.begin() as connection:
        connection.execute(sa.text("pragma user_version = 1"))
        for table in tables:
            table.create(connection)
    instance = request.getfixturevalue("instance")
    run(instance, "2026-11-01", "2026-11-02")
    assert instance.event_log_storage.has_secondary_index("asset_key_index_columns")


ROWS = dg.AssetKey("rows")
CHECK = dg.AssetCheckKey(ROWS, "rows_are_there")


@pytest.mark.parametrize("batch", ["0", "50"])
def test_events_of_a_range_are_stored_once_per_day(instance, monkeypatch, batch):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
    run_id = run(instance, "2026-11-01", "2026-11-05")
    assert sorted(instance.get_materialized_partitions(ROWS)) == [f"2026-11-0{day}" for day in range(1, 6)]
    logged = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert len(logged) == 5
    latest = instance.get_latest_materialization_event(ROWS)
    assert latest.dagster_event.partition == "2026-11-05"
    (checked,) = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=10)
    assert checked.status.value == "SUCCEEDED"
    assert checked.event.dagster_event.event_type_value == "ASSET_CHECK_EVALUATION"


@pytest.mark.parametrize("batch", ["0", "50"])
def test_tags_of_a_partition_are_those_of_its_event(instance, monkeypatch, batch):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
    runs = run(instance, "2026-11-01", "2026-11-03"), run(instance, "2026-11-02", "2026-11-04")
    of_type, name = dg.DagsterEventType.ASSET_MATERIALIZATION, "dagster/data_version"
    logged = [one for run_id in runs for one in instance.all_logs(run_id, of_type=of_type)]
    told = {one.dagster_event.partition: one.asset_materialization.tags[name] for one in logged}
    found = instance.event_log_storage.get_latest_tags_by_partition(ROWS, of_type, [name])
    assert found == {partition: {name: version} for partition, version in told.items()}
    assert (len(found), len(set(told.values()))) == (4, 2)


def test_of_runs_long_ago_the_last_word_on_each_partition_and_check_stays(instance):
    first, second = run(instance, "2026-11-01", "2026-11-03"), run(instance, "2026-11-03", "2026-11-04")
    between = datetime.now(UTC)
    third = run(instance, "2026-11-04", "2026-11-04")
    log = instance.event_log_storage

    def told(run_id):
        return [
            event.dagster_event.partition
            for event in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        ]

    of_third = len(instance.all_logs(third))
    before = [len(instance.all_logs(run_id)) for run_id in (first, second)]
    assert log.forget(between - timedelta(days=1)) == 0
    assert log.forget(between) == sum(before) - sum(len(instance.all_logs(run_id)) for run_id in (first, second)) > 20
    assert (told(first), told(second), told(third)) == (["2026-11-01", "2026-11-02"], ["2026-11-03"], ["2026-11-04"])
    assert len(instance.all_logs(third)) == of_third
    assert sorted(instance.get_materialized_partitions(ROWS)) == [f"2026-11-0{day}" for day in range(1, 5)]
    assert instance.get_latest_materialization_event(ROWS).run_id == third
    assert [one.run_id for one in log.get_asset_check_execution_history(CHECK, limit=10)] == [third]
    assert log.forget(between) == 0
    assert log.forget(datetime.now(UTC)) > 0
    (last,) = log.get_asset_check_execution_history(CHECK, limit=10)
    assert (last.run_id, last.status.value, last.event.dagster_event.event_type_value) == (
        *(third, "SUCCEEDED"),
        "ASSET_CHECK_EVALUATION",
    )
    assert sorted(instance.get_materialized_partitions(ROWS)) == [f"2026-11-0{day}" for day in range(1, 5)]

"""The pooled event log stores what Dagster's own would."""

import dagster as dg
import pytest
from dagster._core.instance import InstanceRef

DAYS = dg.DailyPartitionsDefinition("2026-11-01")


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def rows(context):
    return dg.MaterializeResult(metadata={"days": len(context.partition_keys)})


@dg.asset_check(asset=rows)
def rows_are_there():
    return dg.AssetCheckResult(passed=True)


@pytest.mark.parametrize("batch", ["0", "50"])
def test_events_of_a_range_are_stored_once_per_day(tmp_path, monkeypatch, batch):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    storage = "{module: orchestration.event_log, class: PooledEventLog, config: {base_dir: {env: DAGSTER_HOME}}}"
    (tmp_path / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\nevent_log_storage: {storage}\n")
    definitions = dg.Definitions([rows], asset_checks=[rows_are_there], executor=dg.in_process_executor)
    first_and_last = {
        "dagster/asset_partition_range_start": "2026-11-01",
        "dagster/asset_partition_range_end": "2026-11-05",
    }
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        job = definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, tags=first_and_last)
        assert result.success
        assert sorted(instance.get_materialized_partitions(dg.AssetKey("rows"))) == [
            f"2026-11-0{day}" for day in range(1, 6)
        ]
        logged = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        assert len(logged) == 5
        latest = instance.get_latest_materialization_event(dg.AssetKey("rows"))
        assert latest.dagster_event.partition == "2026-11-05"
        key = dg.AssetCheckKey(dg.AssetKey("rows"), "rows_are_there")
        (checked,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
        assert checked.status.value == "SUCCEEDED"

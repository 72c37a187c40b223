"""Schema `lake` (what dbt reads) and the dbt project itself."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError

from governance.errors import FeedbackError
from governance.signals import SIGNALS
from governance.sources import load_sources
from orchestration.deciding import rulings_at
from orchestration.defs.partitions import as_of, guarded_steps
from orchestration.defs.presentation import column_schema
from orchestration.defs.transform.building import DBT, begun, build
from orchestration.defs.transform.model_lineage import ModelLineage
from orchestration.lake import Lake
from orchestration.parsing import is_parsed, manifest_of, note_parsed
from orchestration.serving.catalogue import require_declared_once
from orchestration.settings import exclusive, home
from orchestration.stages.theming import DATASET as THEMES
from orchestration.stages.warehousing import (
    COPIED_TABLES,
    LAKE_TABLES,
    drop_unmade,
    lake_columns,
    prepare_warehouse,
    run_id,
)
from orchestration.turns import is_held

RUN_ID_TAG = "feedback/run_id"
_ASSETS = {"quarantine": "checked"}  # state -> the asset that leaves it behind, where that has another name
_COARSER = dg.AssetKey(["retention", "grains"])  # it replaces files that are loaded


def _lake_specs() -> Iterator[dg.AssetSpec]:
    sources = load_sources().values()
    for name, table in LAKE_TABLES.items():
        upstream = [
            dg.AssetKey([_ASSETS.get(table.state, table.state), s.name, signal])
            for s in sources
            for signal in s.signals
            if table.signal in (None, signal) and (table.state != "sampled" or SIGNALS[signal].is_sampled)
        ]
        if table.state == "themes":  # those of all sources are one partition a day
            upstream = [dg.AssetKey(THEMES.split("/"))]
        of_what = table.signal or "any signal"
        yield dg.AssetSpec(
            ["lake", name],
            deps=[*upstream, *([_COARSER] if table.state == "rollups" else [])],
            description=f"Table `{table.table}` of every existing {table.state} partition of {of_what}.",
            metadata={"dagster/column_schema": column_schema(table.columns)},
        )
    gated = [dg.AssetKey(["checked", s.name, signal]) for s in sources for signal in s.signals]
    for name in COPIED_TABLES:
        yield dg.AssetSpec(["lake", name], deps=gated, description=f"`{name}`, copied from the lake and the policies.")


@dg.multi_asset(
    name="lake",
    specs=[
        spec.replace_attributes(group_name="transform", kinds={"duckdb"}, owners=["data-stewards@example.com"])
        for spec in _lake_specs()
    ],
    required_resource_keys={"home", "lake", "dbt"},
)
@guarded_steps
def lake_views(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """What dbt reads: one relation per table over exactly the partitions that exist."""
    deployment, lake = context.resources.home, context.resources.lake
    moment = as_of(context)
    with begun(context, context.resources.dbt, run_id(lake, moment), moment):
        covered = prepare_warehouse(lake, deployment.warehouse, moment, rulings_at(deployment, moment))
    yield from (
        dg.MaterializeResult(asset_key=["lake", name], metadata={"partitions_or_rows": count})
        for name, count in covered.items()
    )


def _manifest() -> Path:
    """The project's manifest, parsed again where a file is another one or the deployment was moved, or each run would
    parse anew. `prepare_if_dev` does nothing outside `dagster dev`.

    Raises:
        FeedbackError: the project does not parse.
        PolicyError: a metric is declared twice.
    """
    if not is_parsed(home()):
        from dbt.cli.main import dbtRunner  # 0.2 s, of no use where nothing has changed

        require_declared_once(DBT.project_dir / "models")
        folder = str(DBT.project_dir)
        words = ["--quiet", "--no-partial-parse", "parse", "--project-dir", folder, "--profiles-dir", folder]
        parsed = dbtRunner().invoke(words)
        if not parsed.success:
            raise FeedbackError(f"dbt_project does not parse: {parsed.exception}; see {home().root}/dbt/logs/dbt.log")
        note_parsed(home())
    return manifest_of(home())


def build_failure(target: Path) -> FeedbackError:
    """What failed in the build that left its files in `target`, and where dbt says why: its own words quote values."""
    results = target / "run_results.json"
    told = json.loads(results.read_text())["results"] if results.is_file() else []
    failed = [result["unique_id"] for result in told if result["status"] in ("error", "fail")]
    return FeedbackError(f"dbt failed on {', '.join(failed) or 'its start'}; {target / 'dbt.log'} says why")


@dbt_assets(manifest=_manifest(), project=DBT)
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[object]:
    """Staging, intermediate and marts in one build; their data tests are checks."""
    with exclusive(home()):
        yield from _built(context, dbt, as_of(context))


def _built(context: dg.AssetExecutionContext, dbt: DbtCliResource, moment: datetime) -> Iterator[object]:
    """What dbt tells of a build of the models; nothing else of the deployment writes meanwhile."""
    made = run_id(Lake(home().lake), moment)
    context.instance.add_run_tags(context.run_id, {RUN_ID_TAG: made})
    lake = lake_columns(home().warehouse)
    lineage = ModelLineage.load(home().root / "dbt" / "column_lineage.json", lake, volatile=(made, moment.isoformat()))
    invocation = build(context, dbt, made, moment)
    try:
        for event in invocation.stream():
            yield lineage.told(event, invocation) if isinstance(event, dg.Output) else event
    except DagsterDbtCliRuntimeError:
        raise build_failure(invocation.target_path) from None
    finally:
        lineage.save()
    for earlier in invocation.target_path.parent.glob("models-*"):
        # 13 MB; of a build that failed, kept until one did not
        if earlier != invocation.target_path and not is_held(earlier):
            shutil.rmtree(earlier, ignore_errors=True)
    nodes = invocation.manifest["nodes"].values()
    relations = {(node["schema"], node["name"]) for node in nodes if node["resource_type"] in ("model", "seed")}
    for relation in drop_unmade(home().warehouse, relations):
        context.log.info(f"{relation} dropped: no model makes it any more")

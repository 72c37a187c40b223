"""Expiry by policies/retention.yml, with a proof row per partition removed."""

import dagster as dg

from governance.retention import load_retention
from orchestration.defs.partitions import as_of, guarded
from orchestration.stages.expiring import expire


@dg.asset(
    key=["retention", "proofs"],
    deps=[dg.AssetKey(["report", "status"])],
    group_name="retain",
    kinds={"parquet"},
    owners=[load_retention().owner],
    description="One row per expired partition: what was removed, when, under which policy. Age counts from the pull.",
    required_resource_keys={"lake"},
)
@guarded
def retention_proofs(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Remove what is older than its policy allows."""
    proofs = expire(context.resources.lake, load_retention(), as_of(context))
    return dg.MaterializeResult(metadata={"partitions_removed": proofs.height})

"""The status report: one page for everybody, readers outside engineering included."""

import dagster as dg

from orchestration.defs.partitions import as_of, guarded
from orchestration.reporting.data import MARTS
from orchestration.signing import held_assets, told
from orchestration.stages.reporting import DESK, write_report


@dg.asset(
    key=["report", "status"],
    deps=[*(["marts", mart] for mart, _ in MARTS.values()), ["leaks", "before_publishing"]],
    group_name="report",
    kinds={"html"},
    owners=["data-stewards@example.com"],
    description="Health, trends, pain points, gate and accounting on one page without outside requests.",
    required_resource_keys={"home", "lake"},
)
@guarded
def status_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The page, written whole and swapped in."""
    path = write_report(context.resources.home, as_of(context))
    waits = told(held_assets(context.resources.lake))
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(path)),
            "bytes": path.stat().st_size,
            "stewards_desk": dg.MetadataValue.path(str(path.with_name(DESK))),
            **({"waits_for_sign_off": waits} if waits else {}),
        }
    )

"""Where pain points, initiatives and services stood on the day of a run, kept in the lake."""

import dagster as dg

from governance.retention import load_retention
from orchestration.defs.partitions import as_of, guarded
from orchestration.stages.remembering import remember_states


@dg.asset(
    key=["history", "states"],
    deps=[dg.AssetKey(["intermediate", "int_states_now"])],
    group_name="remember",
    kinds={"parquet"},
    owners=[load_retention().owner],
    description="State, owner and initiative of every pain point on the day of the run, and who owned each service.",
    required_resource_keys={"home", "lake"},
)
@guarded
def state_history(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Replace the recording of the day; one that knows more stays."""
    home = context.resources.home
    is_recorded = remember_states(context.resources.lake, home.warehouse, as_of(context))
    return dg.MaterializeResult(metadata={"recorded": is_recorded})

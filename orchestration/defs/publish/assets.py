"""One asset per role: the masked copy it reads, which materialises only when something new passed the gate; and the
recording of the states that were published, in the same step: nothing is recorded that was not.
"""

from collections.abc import Iterator

import dagster as dg

from governance.access import load_access
from governance.freshness import load_freshness
from governance.retention import load_retention
from orchestration.defs.partitions import as_of, guarded_steps
from orchestration.lake import Lake
from orchestration.signing import told
from orchestration.stages.publishing import Publication, publish_roles
from orchestration.stages.remembering import remember_states

# Nothing is published before it was looked through for canaries.
_LOOKED_THROUGH = dg.AssetKey(["leaks", "before_publishing"])
_STATES = dg.AssetKey(["history", "states"])


def _specs() -> Iterator[dg.AssetSpec]:
    windows = load_freshness()
    for name, role in load_access().roles.items():
        key = f"published/{name}"
        window = windows.window_of(key)
        yield dg.AssetSpec(
            key.split("/"),
            deps=[*(dg.AssetKey(table.relation.split(".")) for table in role.tables), _LOOKED_THROUGH],
            skippable=True,
            description=f"{role.description} One DuckDB file, masked by policies/access.yml, swapped in whole.",
            group_name="publish",
            kinds={"duckdb"},
            owners=[load_access().owner],
            freshness_policy=dg.FreshnessPolicy.time_window(
                fail_window=window.fail_after, warn_window=window.warn_after
            ),
        )
    yield dg.AssetSpec(
        _STATES,
        deps=[dg.AssetKey(["intermediate", "int_states_now"]), _LOOKED_THROUGH],
        description="State, owner and initiative of every pain point as published, and who owned each service.",
        group_name="publish",
        kinds={"parquet"},
        owners=[load_retention().owner],
    )


def _waiting(role: Publication) -> dict[str, str]:
    waits = told(role.held)
    return {"waits_for_sign_off": waits} if waits else {}


@dg.multi_asset(name="published", specs=list(_specs()), required_resource_keys={"home", "lake"})
@guarded_steps
def published(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """The files of every role, written whole; reported as materialised where what passed the gate has changed."""
    lake: Lake = context.resources.lake
    home = context.resources.home
    done = publish_roles(lake, home, as_of(context))
    is_recorded = remember_states(lake, home.warehouse, as_of(context))
    yield from (
        dg.MaterializeResult(asset_key=["published", role.name], metadata={**role.counts, **_waiting(role)})
        for role in done
        if role.has_new_data
    )
    yield dg.MaterializeResult(asset_key=_STATES, metadata={"recorded": is_recorded})

"""The three jobs of the flow: read what came, refresh the days it touches, publish the result."""

import dagster as dg

from orchestration.progress import report_step

_STATES_OF_A_DAY = ("landing", "anonymized", "checked", "traits", "rollups", "sampled", "themes")

_DAYS = dg.AssetSelection.key_prefixes(*([state] for state in _STATES_OF_A_DAY))
_RECEIVED = dg.AssetSelection.key_prefixes(["received"])


@dg.success_hook
def tell_progress(context: dg.HookContext) -> None:
    """Tell whoever watches the run that a step is done."""
    report_step(context.step_key)


receive = dg.define_asset_job(
    "receive",
    _RECEIVED,
    hooks={tell_progress},
    description="Read every new file and page of every source once.",
)
refresh_days = dg.define_asset_job(
    "refresh_days",
    _DAYS,
    hooks={tell_progress},
    description="Land, anonymise, judge and sample a range of days.",
)
publish = dg.define_asset_job(
    "publish",
    dg.AssetSelection.all() - _DAYS - _RECEIVED,
    hooks={tell_progress},
    description="Build the marts from what passed the gate, publish one file per role, write the report, expire.",
)

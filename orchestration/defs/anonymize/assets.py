"""One asset per signal of a source: the records without personal data."""

import dagster as dg

from governance.privacy import load_privacy
from governance.sources import Source, load_sources
from orchestration.defs.partitions import DAYS, ONE_RUN, as_of, guarded
from orchestration.defs.presentation import day_metadata, described, same_columns
from orchestration.leaks.marks import leaked_days
from orchestration.stages.anonymizing import anonymize_days

CANARIES_ARE_MASKED = "canaries_are_masked"


def anonymized(source: Source, signal: str) -> dg.AssetsDefinition:
    """Records of one signal without personal data and secrets."""
    upstream = ["landing", source.name, signal]

    key = dg.AssetKey(["anonymized", source.name, signal])

    @dg.asset(
        key=key,
        deps=[upstream],
        partitions_def=DAYS,
        backfill_policy=ONE_RUN,
        description=f"{signal} without personal data and secrets, by policies/privacy.yml. One row per record. "
        "What could not be judged is held, still raw, under landing's protection.",
        check_specs=[
            dg.AssetCheckSpec(CANARIES_ARE_MASKED, asset=key, description="No planted value came out as it went in.")
        ],
        required_resource_keys={"lake", "keys"},
        **described("anonymize", source, kinds={"parquet", "presidio"}, signal=signal),
    )
    @guarded
    def anonymize_signal(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        tally = anonymize_days(
            context.resources.lake,
            f"{source.name}/{signal}",
            list(context.partition_keys),
            load_privacy(),
            context.resources.keys,
            as_of(context),
        )
        lineage = {"dagster/column_lineage": same_columns(upstream, signal)}
        leaked = leaked_days(context.resources.lake, f"{source.name}/{signal}", list(context.partition_keys))
        return dg.MaterializeResult(
            metadata={**day_metadata(context, tally), **lineage},
            check_results=[
                dg.AssetCheckResult(
                    check_name=CANARIES_ARE_MASKED,
                    passed=not leaked,
                    severity=dg.AssetCheckSeverity.ERROR,
                    metadata={"leaked": "; ".join(f"{day}: {what}" for day, what in leaked.items()) or "none"},
                )
            ],
        )

    return anonymize_signal


@dg.definitions
def defs() -> dg.Definitions:
    sources = load_sources().values()
    return dg.Definitions(assets=[anonymized(source, signal) for source in sources for signal in source.signals])

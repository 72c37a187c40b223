"""One asset per signal of a source: the records without personal data; its checks say what else was seen of it."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from governance.privacy import PrivacyPolicy, load_privacy
from governance.sources import Source, load_sources
from orchestration.defs.partitions import DAYS, ONE_RUN, as_of, guarded
from orchestration.defs.presentation import described, findings_metadata, markdown_table, same_columns, tell_days
from orchestration.lake import Lake
from orchestration.leaks.marks import leaked_days
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.watching import drifts_over, findings_over, leaks_over, withheld_fields

CANARIES_ARE_MASKED, LEAK_RATE_IS_LOW, HIT_RATES_ARE_STEADY, FIELDS_ARE_CLASSIFIED = (
    "canaries_are_masked",
    "leak_rate_is_low",
    "hit_rates_are_steady",
    "fields_are_classified",
)
_CHECKS = {
    CANARIES_ARE_MASKED: "No planted value came out as it went in. An error: the day is withheld by the gate.",
    LEAK_RATE_IS_LOW: "A second detector finds nothing in a sample of what passed. An error: a day is surely above the "
    "rate that policies/privacy.yml allows, and withheld by the gate; a warning: something was found.",
    HIT_RATES_ARE_STEADY: "Each entity is found as often per record as on the days before (a warning).",
    FIELDS_ARE_CLASSIFIED: "A rule names every field. A warning: what none names was withheld; `feedback fields list` "
    "says what its values look like, `feedback fields classify` what happens to it.",
}


def anonymized(source: Source, signal: str) -> dg.AssetsDefinition:
    """Records of one signal without personal data and secrets."""
    upstream = ["landing", source.name, signal]
    key = dg.AssetKey(["anonymized", source.name, signal])

    @dg.asset(
        key=key,
        deps=[upstream],
        partitions_def=DAYS,
        backfill_policy=ONE_RUN,
        check_specs=[dg.AssetCheckSpec(name, asset=key, description=text) for name, text in _CHECKS.items()],
        description=f"{signal} without personal data and secrets, by policies/privacy.yml. One row per record. "
        "What could not be judged is held, still raw, under landing's protection.",
        required_resource_keys={"lake", "keys"},
        **described("anonymize", source, kinds={"parquet", "presidio"}, signal=signal),
    )
    @guarded
    def anonymize_signal(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        lake, dataset, days = context.resources.lake, f"{source.name}/{signal}", list(context.partition_keys)
        policy = load_privacy()
        tally = anonymize_days(lake, dataset, days, policy, context.resources.keys(), as_of(context))
        found = findings_metadata(findings_over(lake, dataset, days))
        tell_days(context, tally, {**found, **same_columns(upstream, signal)})
        return dg.MaterializeResult(check_results=list(_results(lake, dataset, days, policy)))

    return anonymize_signal


def _results(lake: Lake, dataset: str, days: list[str], policy: PrivacyPolicy) -> Iterator[dg.AssetCheckResult]:
    leaked = leaked_days(lake, dataset, days)
    yield dg.AssetCheckResult(
        check_name=CANARIES_ARE_MASKED,
        passed=not leaked,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"leaked": "; ".join(f"{day}: {what}" for day, what in leaked.items()) or "none"},
    )
    leaks = leaks_over(lake, dataset, days, policy)
    is_high = bool(leaks.withheld) or leaks.rate.low > policy.leak_check.max_leak_rate
    yield dg.AssetCheckResult(
        check_name=LEAK_RATE_IS_LOW,
        passed=not leaks.rate.leaking,
        severity=dg.AssetCheckSeverity.ERROR if is_high else dg.AssetCheckSeverity.WARN,
        metadata={
            "records_sampled": leaks.rate.sampled,
            "records_leaking": leaks.rate.leaking,
            "leak_rate": leaks.rate.rate,
            "leak_rate_low": leaks.rate.low,
            "leak_rate_high": leaks.rate.high,
            "withheld_days": ", ".join(leaks.withheld) or "none",
            "where": markdown_table(leaks.leaks),
        },
    )
    found = drifts_over(lake, dataset, days, policy)
    yield dg.AssetCheckResult(
        check_name=HIT_RATES_ARE_STEADY,
        passed=found.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"drifts": found.height, "where": markdown_table(found)},
    )
    withheld = withheld_fields(lake, dataset, days)
    rows = [(field, min(of_days), sum(of_days.values())) for field, of_days in sorted(withheld.items())]
    yield dg.AssetCheckResult(
        check_name=FIELDS_ARE_CLASSIFIED,
        passed=not withheld,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "withheld_fields": len(withheld),
            "where": markdown_table(pl.DataFrame(rows, ["field", "since", "values"], orient="row")),
        },
    )


@dg.definitions
def defs() -> dg.Definitions:
    sources = load_sources().values()
    return dg.Definitions(assets=[anonymized(source, signal) for source in sources for signal in source.signals])

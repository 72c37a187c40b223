"""One asset per signal of a source: what passed the suite; the checks are the suite's expectations."""

from collections.abc import Iterator

import dagster as dg

from governance.quality import OWN_FACTS, REFERS, Suite, load_quality, load_source_suites
from governance.sources import Source, load_sources
from orchestration.deciding import rulings_at
from orchestration.defs.partitions import DAYS, ONE_RUN, as_of, guarded
from orchestration.defs.presentation import described, same_columns, tell_days
from orchestration.lake import Lake
from orchestration.settings import home
from orchestration.stages.gating import judge_dataset, results_over
from orchestration.stages.reporting import DESK
from orchestration.stages.tally import Tally

DAY_IS_LET_IN = "every_day_is_let_in"
_LAUNCHPAD = "/locations/feedback-warehouse/jobs/{}/playground"  # the name of the code location: workspace.yaml


def checked(source: Source, signal: str, suite: Suite) -> dg.AssetsDefinition:
    """Records of one signal that passed the gate.

    The gate blocks by withholding: a day that fails has no `checked` state, so nothing downstream can read it,
    while the other days of the run go on. Its check fails with severity ERROR and names the days.
    """
    upstream = ["anonymized", source.name, signal]
    referred = {one.reference.signal for one in suite.expectations if one.type == REFERS}.intersection(source.signals)
    key = dg.AssetKey(["checked", source.name, signal])

    @dg.asset(
        key=key,
        deps=[upstream, *(["anonymized", source.name, one] for one in sorted(referred - {signal}))],
        partitions_def=DAYS,
        backfill_policy=ONE_RUN,
        check_specs=[dg.AssetCheckSpec(name, asset=key, description=text) for name, text in _checks(suite)],
        description=f"{signal} that passed the {signal} suite. One row per record. Failing rows are in quarantine, "
        "anonymised, with the expectation that failed and the owner; a day with too many is withheld whole.",
        required_resource_keys={"home", "lake"},
        **described("gate", source, kinds={"parquet", "greatexpectations"}, signal=signal),
    )
    @guarded
    def judge_signal(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        lake, dataset, days = context.resources.lake, f"{source.name}/{signal}", list(context.partition_keys)
        now = as_of(context)
        rulings = rulings_at(context.resources.home, now)
        tally = judge_dataset(lake, dataset, days, suite, load_quality(), now, rulings=rulings)
        tell_days(context, tally, same_columns(upstream, signal))
        return dg.MaterializeResult(check_results=list(_results(lake, dataset, days, suite, tally)))

    return judge_signal


def _checks(suite: Suite) -> Iterator[tuple[str, str]]:
    yield DAY_IS_LET_IN, "No day of the run was withheld by the gate."
    policy = load_quality()
    facts = {one.name: (policy.advice(one), suite.owner_of(one)) for one in suite.expectations}
    facts |= {name: (policy.gate[name], policy.owner_of_own(name)) for name in OWN_FACTS}
    for name, (advice, owner) in facts.items():
        told = f"{name.replace('_', ' ').capitalize()}. {advice.reason} If not: {advice.do} {owner} answers for it."
        yield name, told


def _results(lake: Lake, dataset: str, days: list[str], suite: Suite, tally: Tally) -> Iterator[dg.AssetCheckResult]:
    withheld = [
        day for day in days if (m := lake.manifest(f"quarantine/{dataset}/{day}")) and m.facts["blocked"] == "true"
    ]
    yield dg.AssetCheckResult(
        check_name=DAY_IS_LET_IN,
        passed=not withheld,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "withheld_days": ", ".join(withheld) or "none",
            "days_judged": len(tally.days),
            **_forms(len(withheld)),
        },
    )
    over = {row["expectation"]: row for row in results_over(lake, dataset, days).to_dicts()}
    for name in (*(one.name for one in suite.expectations), *OWN_FACTS):
        row = over.get(name, {"evaluated": 0, "failed": 0, "days_failed": 0})
        yield dg.AssetCheckResult(
            check_name=name,
            passed=row["days_failed" if name in OWN_FACTS else "failed"] == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={**{name: row[name] for name in ("evaluated", "failed", "days_failed")}, **_forms(row["failed"])},
        )


def _forms(failed: int) -> dict[str, dg.UrlMetadataValue | dg.PathMetadataValue]:
    """Where a steward decides about what failed: the launchpads of the jobs, on whatever host shows the check."""
    jobs = {
        "release": "release_rows",
        "discard": "discard_rows",
        "replay": "replay_rows",
        "waive": "request_waiver",
    }
    if not failed:
        return {}
    forms = {name: dg.MetadataValue.url(_LAUNCHPAD.format(job)) for name, job in jobs.items()}
    return {**forms, "stewards_desk": dg.MetadataValue.path(str(home().reports / DESK))}


@dg.definitions
def defs() -> dg.Definitions:
    sources, suites = load_sources(), load_source_suites()
    return dg.Definitions(
        assets=[checked(sources[name.split("/")[0]], name.split("/")[1], suite) for name, suite in suites.items()]
    )

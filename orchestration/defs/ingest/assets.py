"""One asset per source (`received`) and one per signal of it (`landing`): they follow from governance/sources."""

from collections.abc import Iterator

import dagster as dg

from governance.sources import Source, load_sources
from orchestration.defs.partitions import DAYS, ONE_RUN, as_of, guarded
from orchestration.defs.presentation import described, tell_days
from orchestration.lake import Lake
from orchestration.settings import Home
from orchestration.stages.landing import land_days
from orchestration.stages.receiving import receive

READABLE = "some_record_could_be_read"


def received(source: Source) -> dg.AssetsDefinition:
    """The files and pages of a source, each read once."""

    @dg.asset(
        key=["received", source.name],
        description=f"{source.description}\n\nEach file or page is read once; what could not be read is set aside.",
        check_specs=[
            dg.AssetCheckSpec(READABLE, asset=["received", source.name], description="Some record could be read.")
        ],
        required_resource_keys={"home", "lake", "keys"},
        **described("ingest", source, kinds={source.type, "parquet"}),
    )
    @guarded
    def receive_source(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        home: Home = context.resources.home
        tally = receive(source, home.inbox, context.resources.lake, context.resources.keys(), as_of(context))
        if tally.is_nothing_readable:
            context.log.error(f"{source.name}: nothing could be read of {tally.documents} files or pages")
        is_readable = dg.AssetCheckResult(
            check_name=READABLE, passed=not tally.is_nothing_readable, metadata={"malformed": tally.malformed}
        )
        return dg.MaterializeResult(metadata=tally.metadata(), check_results=[is_readable])

    return receive_source


def landed(source: Source, signal: str) -> dg.AssetsDefinition:
    """The raw records of one day of one signal."""

    @dg.asset(
        key=["landing", source.name, signal],
        deps=[["received", source.name]],
        partitions_def=DAYS,
        backfill_policy=ONE_RUN,
        description=f"Raw {signal} of one UTC day: owner-only, short-lived, never queried. One row per record.",
        required_resource_keys={"lake", "keys"},
        **described("ingest", source, kinds={"parquet"}, signal=signal),
    )
    @guarded
    def land(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        lake: Lake = context.resources.lake
        destroyed = context.resources.keys().destroyed
        tally = land_days(lake, source, signal, list(context.partition_keys), as_of(context), destroyed)
        tell_days(context, tally, {})
        return dg.MaterializeResult()

    return land


def _assets() -> Iterator[dg.AssetsDefinition]:
    for source in load_sources().values():
        yield received(source)
        for signal in source.signals:
            yield landed(source, signal)


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=list(_assets()))

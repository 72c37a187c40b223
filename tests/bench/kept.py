"""Which traces the sample keeps: all that failed and all with a slow root, within a budget; and how many rows in all.

What failed and what is slow DuckDB tells from the raw files. A root is slow that lasted longer than the 99th percentile
of its operation over the seven days before (of an operation they do not know, over its own day), and that by more than
a bucket of the product's histograms is wide: what lies nearer, a histogram cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl

from tests.bench.corpora import Corpus, policy_with
from tests.bench.measure import Measure

BASE_RATE, BUDGET = 0.01, 0.1
_MOST_KEPT = 0.05
_BUCKET = 2 ** (1 / 64)
_FAILING = "select distinct trace_id from spans where is_error"
_SLOW = f"""
    with roots as (
        select trace_id, day, service, operation, duration_ns
        from spans
        where parent_id is null or parent_id = span_id
        qualify row_number() over (partition by trace_id, day order by started_ns, span_id) = 1
    ),
    durations as (
        select days.day, spans.service, spans.operation, spans.duration_ns, spans.day < days.day as is_earlier
        from (select distinct day from spans) as days
        inner join spans on spans.day between days.day - 7 and days.day
    ),
    ranked as (
        select
            day, service, operation, is_earlier,
            list_sort(list(duration_ns))[(count(*) * 99 + 99) // 100] as p99_ns
        from durations
        group by day, service, operation, is_earlier
    ),
    limits as (
        select * from ranked
        qualify row_number() over (partition by day, service, operation order by is_earlier desc) = 1
    )
    select distinct roots.trace_id
    from roots
    inner join limits
        on roots.day = limits.day
        and roots.operation is not distinct from limits.operation
        and roots.service is not distinct from limits.service
    where roots.duration_ns > {_BUCKET} * limits.p99_ns
"""


def prioritised(corpus: Corpus, exact: duckdb.DuckDBPyConnection) -> Iterator[Measure]:
    """What a budget leaves of failing and slow traces at a base rate of 1 %, and how much of it is used."""
    a_day = round(BUDGET * corpus.rows / len(corpus.telemetry.days))
    corpus.sample(policy_with({**_base_rate(), "budget": {"per_day": a_day}}))
    name = f"{corpus.name}, budget of {BUDGET:.0%}"
    share = corpus.kept_share
    yield Measure(f"{name}: rows kept", share, None, "share", f"<= {BUDGET}", share <= BUDGET)
    yield from _kept(name, corpus, exact)


def kept_at_base_rate(corpus: Corpus, exact: duckdb.DuckDBPyConnection) -> Iterator[Measure]:
    """How many rows are kept at a base rate of 1 %, and what of failing and slow traces."""
    corpus.sample(policy_with(_base_rate()))
    name, share = f"{corpus.name}, base rate of {BASE_RATE:.0%}", corpus.kept_share
    yield Measure(f"{name}: rows kept", share, None, "share", f"<= {_MOST_KEPT}", share <= _MOST_KEPT)
    yield from _kept(name, corpus, exact)


def _base_rate() -> dict[str, dict[str, object]]:
    return {"traces": {"ordinary_share": BASE_RATE}, "logs": {"ordinary_share": BASE_RATE}}


def _kept(name: str, corpus: Corpus, exact: duckdb.DuckDBPyConnection) -> Iterator[Measure]:
    keys = corpus.lake.keys("sampled/otel/spans")
    kept = pl.concat([corpus.lake.read(key).select("trace_id").unique() for key in keys])["trace_id"]
    for what, sql in (("with errors", _FAILING), ("with a slow root", _SLOW)):
        wanted = exact.execute(sql).pl()["trace_id"]
        if wanted.len():
            share = float(wanted.is_in(kept.implode()).mean())
            yield Measure(f"{name}: kept of {wanted.len():,} traces {what}", share, None, "share", ">= 1", share == 1)

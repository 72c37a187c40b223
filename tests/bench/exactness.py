"""Counts and percentiles from rollups at 2 % kept, against exact ones that DuckDB computes from the raw files.

`python -m tests.bench.exactness` prints them, and what of failing and slow traces is kept (see kept.py) beside them.
Percentiles are of span durations by nearest rank (the value at rank ceil(p * n)); the product's are read from its
histograms. Both are compared over everything, by service, by operation, and by operation and hour.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import polars as pl

from orchestration.rollups.histogram import percentile_buckets, value_of
from tests.bench.corpora import EVENTS, Corpus, generated_corpus, policy_with, real_corpus
from tests.bench.kept import kept_at_base_rate, prioritised
from tests.bench.measure import Measure, print_lines
from tests.bench.raw import raw

SHARE = 0.02
_PERCENTILES, _MOST_OFF = (50, 90, 95, 99), 0.006
_GROUPS: tuple[tuple[str, ...], ...] = ((), ("service",), ("service", "operation"), ("service", "operation", "hour"))
_SPAN_KEYS, _LOG_KEYS = ("service", "operation", "minute"), ("service", "severity", "minute")
_MINUTE, _HOUR = 60, 3600


def exactness(events: int = EVENTS) -> Iterator[Measure]:
    """Both corpora, each read and checked once: what rollups say against the truth, and which traces are kept."""
    with generated_corpus(events) as corpus:
        exact = raw(corpus.files, corpus.telemetry.days)
        yield from _compared(corpus, exact)
        yield from prioritised(corpus, exact)
    with real_corpus() as real:
        if real is not None:
            exact = raw(real.files, real.telemetry.days)
            yield from _compared(real, exact)
            yield from kept_at_base_rate(real, exact)


def _compared(corpus: Corpus, exact: duckdb.DuckDBPyConnection) -> Iterator[Measure]:
    """The rollups of a corpus whose days keep about 2 % of their rows, against the truth."""
    a_day = max(1, round(SHARE * corpus.rows / len(corpus.telemetry.days)))
    shares = {"traces": {"ordinary_share": SHARE}, "logs": {"ordinary_share": SHARE}}
    corpus.sample(policy_with({**shares, "budget": {"per_day": a_day}}))
    yield Measure(f"{corpus.name} at 2 %: rows kept", corpus.kept_share, None, "share")
    for what, ours, theirs in (
        ("spans and errors by operation and minute", _our_spans(corpus), _exact_spans(exact)),
        ("log records by severity and minute", _our_logs(corpus), _exact_logs(exact)),
    ):
        off = _off(ours, theirs)
        name = f"{corpus.name} at 2 %: {what}, {theirs.height:,} groups"
        yield Measure(name, off, None, "off", "= 0", off == 0)
    latency = _latency(corpus)
    for percentile in _PERCENTILES:
        worst, groups = _worst(latency, exact, percentile)
        name = f"{corpus.name} at 2 %: p{percentile}, worst of {groups:,} groups"
        yield Measure(name, 100 * worst, None, "% off", f"<= {_MOST_OFF:.1%}", worst <= _MOST_OFF)


def _our_spans(corpus: Corpus) -> pl.DataFrame:
    counted = _table(corpus, "spans", "requests").with_columns(minute=_since_1970("period_start_at", _MINUTE))
    return counted.group_by(_SPAN_KEYS).agg(pl.col("span_count", "error_count").sum()).collect()


def _exact_spans(exact: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return exact.execute(
        f"select {', '.join(_SPAN_KEYS)}, count(*) as span_count, count(*) filter (is_error) as error_count "
        "from spans group by all"
    ).pl()


def _our_logs(corpus: Corpus) -> pl.DataFrame:
    counted = _table(corpus, "logs", "templates").with_columns(minute=_since_1970("minute_start_at", _MINUTE))
    return counted.group_by(_LOG_KEYS).agg(pl.col("record_count").sum()).collect()


def _exact_logs(exact: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return exact.execute(f"select {', '.join(_LOG_KEYS)}, count(*) as record_count from logs group by all").pl()


def _off(ours: pl.DataFrame, exact: pl.DataFrame) -> int:
    """The sum of the differences over all counts of all groups that either side knows."""
    keys = [name for name in exact.columns if not name.endswith("_count")]
    counts = [name for name in exact.columns if name.endswith("_count")]
    both = exact.join(ours, on=keys, how="full", nulls_equal=True, suffix="_ours")
    differences = [(pl.col(name).fill_null(0) - pl.col(f"{name}_ours").fill_null(0)).abs() for name in counts]
    return int(both.select(pl.sum_horizontal(differences).sum()).item())


def _latency(corpus: Corpus) -> pl.DataFrame:
    """Durations as the rollups have them: service, operation, hour, bucket, span_count."""
    durations = _table(corpus, "spans", "latency").filter(pl.col("measure") == "duration")
    keys = ("service", "operation", "hour", "bucket")
    hours = durations.with_columns(hour=_since_1970("period_start_at", _HOUR))
    return hours.group_by(keys).agg(pl.col("span_count").sum()).collect()


def _worst(latency: pl.DataFrame, exact: duckdb.DuckDBPyConnection, percentile: int) -> tuple[float, int]:
    """The greatest relative error over all groups, and how many there are; a group one side lacks is all wrong."""
    worst, groups = 0.0, 0
    for by in _GROUPS:
        keys = ["everything", *by]
        ours = percentile_buckets(latency.with_columns(everything=1), keys, percentile / 100)
        ranked = exact.execute(
            f"""
            select {"".join(f"{name}, " for name in by)}
                list_sort(list(duration_ns))[(count(*) * {percentile} + 99) // 100] as truth
            from (select *, minute // 60 as hour from spans)
            group by all
            """
        ).pl()
        told = ours.select(*keys, told=value_of(pl.col("bucket")))
        both = ranked.with_columns(everything=1).join(told, on=keys, how="full", nulls_equal=True)
        error = ((pl.col("told") - pl.col("truth")).abs() / pl.col("truth")).fill_null(1.0)
        worst, groups = max(worst, float(both.select(error.max()).item())), groups + both.height
    return worst, groups


def _table(corpus: Corpus, signal: str, table: str) -> pl.LazyFrame:
    keys = corpus.lake.keys(f"rollups/otel/{signal}")
    return pl.scan_parquet([file for key in keys for file in corpus.lake.files(key, table)])


def _since_1970(column: str, seconds: int) -> pl.Expr:
    return pl.col(column).dt.epoch("s") // seconds


def main() -> None:
    """Print the measures."""
    print_lines(exactness())


if __name__ == "__main__":
    main()

"""How often intervals contain the truth: the same telemetry sampled 2,000 times, each time with new hash keys.

`python -m tests.bench.estimates` prints a line per estimand. Telemetry is that of `tests.bench.events`, read by the
OTLP connector; errors, slow roots and rare operations are kept for certain as the policy says, the rest by a draw per
trace.
Coverage of an estimand that is rarely given an interval is that among the samples in which it is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from governance.estimates import means, quantiles, rates, totals
from governance.estimates.limits import Z
from governance.keys import Keyring
from governance.sampling import load_sampling_policy
from governance.sources import load_sources
from orchestration.sources.connector import Pull
from orchestration.sources.registry import connector_for
from tests.bench.events import write_events
from tests.bench.measure import Measure, print_lines
from tests.days import traits_of

RESAMPLES, SHARE = 2_000, 0.1
_EVENTS, _DAY, _AT_ONCE = 40_000, date(2026, 11, 1), 200
_MOST_DOMAINS = 1_000
# An estimand counts where so many samples give it an interval: the coverage of fewer is not known well enough.
_LEAST_GIVEN = 200

Estimator = Callable[[pl.DataFrame, Sequence[str]], pl.DataFrame]
ESTIMATORS: dict[str, Estimator] = {
    "spans": totals,
    "milliseconds": lambda rows, by: totals(rows, by, pl.col("duration_ms")),
    "error ratio": lambda rows, by: rates(rows, by, pl.col("is_error"), pl.lit(value=True)),
    "share above 100 ms": lambda rows, by: rates(rows, by, pl.col("duration_ms") > 100),
    "share of new version": lambda rows, by: rates(rows, by, pl.col("is_new")),
    "mean": lambda rows, by: means(rows, by, pl.col("duration_ms")),
    "median": lambda rows, by: quantiles(rows, by, pl.col("duration_ms"), 0.5),
    "p95": lambda rows, by: quantiles(rows, by, pl.col("duration_ms"), 0.95),
}


@dataclass(frozen=True)
class Coverage:
    """One estimand: samples that give an interval, those whose interval contains the truth, those that err at all."""

    name: str
    given: int
    covered: int
    missed: int

    @property
    def share(self) -> float:
        """Of the intervals, those that contain the truth."""
        return self.covered / self.given

    @property
    def is_often_given(self) -> bool:
        """Whether nearly every sample has an interval."""
        return self.given > 0.99 * RESAMPLES


def estimates() -> Iterator[Measure]:
    """Lines of `make bench`: the least and the greatest coverage, over all and over those nearly always given."""
    yield from summary(coverages())


def summary(found: list[Coverage]) -> Iterator[Measure]:
    """What the coverages say together."""
    often = [one for one in found if one.is_often_given]
    inside = [one for one in often if 0.94 <= one.share <= 0.96]
    noise = Z * (0.95 * 0.05 / RESAMPLES) ** 0.5
    yield Measure("estimands with sampling error", len(found), None, "number")
    yield Measure("of those, an interval in over 99 % of samples", len(often), None, "number")
    yield Measure("95 % of exact intervals would be measured this near to 0.95", noise, None, "coverage")
    for name, some in (("over 99 % given", often), ("all", found)):
        least, most = (pick(one.share for one in some) for pick in (min, max))
        yield Measure(f"least coverage, {name}", least, None, "coverage", ">= 0.94", least >= 0.94)
        yield Measure(f"greatest coverage, {name}", most, None, "coverage", "<= 0.96", most <= 0.96)
    yield Measure("over 99 % given, within 0.94 to 0.96", len(inside) / len(often), None, "share")


def coverages() -> list[Coverage]:
    """Every estimand that sampling makes uncertain and that some samples give an interval."""
    rows, probabilities = population()
    named = rows.select("domain").unique().sort("domain")
    rows = rows.join(named.with_row_index("number"), on="domain").with_columns(domain=pl.col("number").cast(pl.Int64))
    generator = np.random.default_rng(14)
    counted: list[pl.DataFrame] = []
    truths = {name: _estimated(name, rows.with_columns(group="domain", weight=pl.lit(1.0))) for name in ESTIMATORS}
    for first in range(0, RESAMPLES, _AT_ONCE):
        drawn = np.argwhere(generator.random((_AT_ONCE, len(probabilities))) < probabilities)
        kept = pl.DataFrame({"sample": drawn[:, 0] + first, "trace_id": drawn[:, 1]})
        kept = kept.with_columns(weight=1 / pl.Series(probabilities)[kept["trace_id"]])
        sampled = kept.join(rows, on="trace_id").with_columns(group=pl.col("sample") * _MOST_DOMAINS + pl.col("domain"))
        counted += [_counted(name, _estimated(name, sampled), truths[name]) for name in ESTIMATORS]
    united = (
        pl.concat(counted)
        .group_by("name", "domain")
        .sum()
        .select("name", "domain", "given", "covered", "missed")
        .sort("name", "domain")
    )
    domains = named["domain"].to_list()
    of_domains = ((f"{row[0]}, {domains[row[1]]}", *row[2:]) for row in united.iter_rows())
    return [Coverage(*row) for row in of_domains if row[1] >= _LEAST_GIVEN and row[3]]


def population() -> tuple[pl.DataFrame, np.ndarray]:
    """Spans of one day, one row per span and domain it is in; and the probability that each trace is kept."""
    spans = _spans()
    policy = load_sampling_policy()
    traits = traits_of(spans, policy)
    is_certain = traits.select(pl.any_horizontal("has_error", "is_slow", "is_rare", "is_forced")).to_series()
    numbered = traits.select("trace_id", number=pl.int_range(pl.len()))
    account = pl.col("account_id").fill_null("").str.slice(-2).str.to_integer(strict=False).fill_null(0) % 12
    facts = spans.join(numbered, on="trace_id").select(
        "service",
        "operation",
        trace_id="number",
        duration_ms=pl.col("duration_ns") / 1e6,
        is_error=pl.col("status") == "error",
        is_new=pl.col("service_version") == "1.5.0",
        accounts=pl.col("service") + ", accounts " + account.cast(pl.String),
        is_request=pl.col("kind") == "server",
        is_chosen=account < 3,
        is_complete=pl.lit(value=False),
    )
    requests = facts.filter("is_request")
    domains = (
        facts.with_columns(domain="service"),
        requests.filter(service="frontend").with_columns(domain=pl.lit("frontend, ") + pl.col("operation")),
        requests.filter("is_chosen").with_columns(domain="accounts"),
    )
    rows = pl.concat(domains).drop("service", "operation", "accounts", "is_request", "is_chosen")
    return rows, np.where(is_certain.to_numpy(), 1.0, SHARE)


def _spans() -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        write_events(Path(folder) / "otel", events=_EVENTS, first=_DAY, days=1)
        source, at = load_sources()["otel"], datetime.combine(_DAY + timedelta(days=1), datetime.min.time(), UTC)
        pull = Pull(source, Path(folder), Keyring(b"p" * 32, b"i" * 32), at, at)
        connector = connector_for(source)
        read = (batch for document in connector.documents(pull) for batch in connector.read(document, pull))
        frames = [batch.records["spans"] for batch in read if "spans" in batch.records]
    return pl.concat(frames).filter(pl.col("event_at").dt.date() == _DAY)


def _estimated(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    return ESTIMATORS[name](rows, ["group"]).with_columns(domain=pl.col("group") % _MOST_DOMAINS)


def _counted(name: str, found: pl.DataFrame, truths: pl.DataFrame) -> pl.DataFrame:
    """One row per estimand: samples with an interval, and those that contain the truth."""
    known = found.drop_nulls("low").join(truths.select("domain", truth="estimate"), on="domain")
    # Sums of weights such as 1 / 0.1 are rounded.
    slack = 1e-9 * pl.col("truth").abs()
    covered = (pl.col("low") <= pl.col("truth") + slack) & (pl.col("truth") <= pl.col("high") + slack)
    return known.group_by("domain", name=pl.lit(name)).agg(
        given=pl.len().cast(pl.Int64),
        covered=covered.sum().cast(pl.Int64),
        missed=((pl.col("estimate") - pl.col("truth")).abs() > slack).sum().cast(pl.Int64),
    )


def main() -> None:
    """Print every estimand, the least covered first, then the lines of the table."""
    found = coverages()
    for one in sorted(found, key=lambda one: one.share):
        print(f"{one.name:60} {one.given / RESAMPLES:6.1%} given, {one.share:.4f} covered")
    print_lines(summary(found))


if __name__ == "__main__":
    main()

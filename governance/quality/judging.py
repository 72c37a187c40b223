"""The gate's verdict on a day of one signal of one source: its rows, split into checked and quarantined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from governance.errors import FeedbackError, PolicyError
from governance.quality.balance import applicable, unbalanced
from governance.quality.expecting import CHUNK_ROWS, ROW, failing_rows
from governance.quality.suites import DERIVED, Expectation, GatePolicy, Suite
from governance.signals import Signal

RESULTS_SCHEMA = pl.Schema(
    {
        "expectation": pl.String,
        "column": pl.String,
        "severity": pl.String,
        "evaluated": pl.Int64,
        "failed": pl.Int64,
        "is_passed": pl.Boolean,
        "is_blocking": pl.Boolean,
    }
)


@dataclass(frozen=True)
class Judged:
    """What the row expectations made of some rows of a day: `passed.height + quarantined.height` is theirs.

    Attributes:
        passed: the rows that may be counted, where their day is believed.
        quarantined: failing rows, with what they failed (`expectations`) and who answers (`owner`).
        failed: how many rows failed each row expectation of the suite, in its order.
    """

    passed: pl.DataFrame
    quarantined: pl.DataFrame
    failed: tuple[int, ...]

    @property
    def counts(self) -> RowCounts:
        """The numbers alone."""
        return RowCounts(self.passed.height, self.quarantined.height, self.failed)


@dataclass(frozen=True)
class RowCounts:
    """How many rows passed, were set aside, and failed each row expectation; those of parts of a day add up."""

    passed: int
    quarantined: int
    failed: tuple[int, ...]

    def __add__(self, other: RowCounts) -> RowCounts:
        failed = (one + more for one, more in zip(self.failed, other.failed, strict=True))
        return RowCounts(self.passed + other.passed, self.quarantined + other.quarantined, tuple(failed))

    @property
    def rows(self) -> int:
        return self.passed + self.quarantined


@dataclass(frozen=True)
class Verdict:
    """What became of one anonymised day.

    Attributes:
        rows: what its rows are, one by one.
        results: one row per expectation, RESULTS_SCHEMA: counts only.
        reason: why the day is withheld; empty where it is not.
    """

    rows: RowCounts
    results: pl.DataFrame
    reason: str

    @property
    def is_blocked(self) -> bool:
        return bool(self.reason)

    @property
    def counts(self) -> dict[str, int]:
        """What the ledger keeps; checked + quarantined + withheld = anonymized."""
        withheld = self.rows.passed if self.is_blocked else 0
        return {"checked": self.rows.passed - withheld, "quarantined": self.rows.quarantined, "withheld": withheld}


def quarantine_schema(signal: Signal) -> pl.Schema:
    """Columns of a quarantine partition's records."""
    return pl.Schema([*signal.columns.items(), ("expectations", pl.List(pl.String)), ("owner", pl.String())])


def judge_rows(
    frames: Sequence[tuple[str, pl.DataFrame]], signal: Signal, suite: Suite, chunk_rows: int = CHUNK_ROWS
) -> list[Judged]:
    """What the row expectations make of each frame; the same as one by one, in one pass of Great Expectations.

    Args:
        frames: a day (ISO date) and anonymised records of it, all or part; one row per record.

    Raises:
        PolicyError: the suite is of another signal.
        FeedbackError: the records have another shape, or an expectation could not be computed.
    """
    if suite.signal != signal.name:
        raise PolicyError(f"gate: the suite is for {suite.signal}; expected one for {signal.name}")
    for day, frame in frames:
        if frame.schema != signal.schema:
            raise FeedbackError(f"anonymized {signal.name} {day}: other columns than the signal's; run anonymize again")
    row_wise = suite.row_expectations
    failures = failing_rows(_stacked(frames, signal, row_wise), row_wise, chunk_rows)
    judged, start = [], 0
    for _, frame in frames:
        within = pl.col(ROW).is_between(start, start + frame.height, closed="left")
        own = failures.filter(within).with_columns(pl.col(ROW) - start)
        judged.append(_judged(frame, own, signal, suite))
        start += frame.height
    return judged


def conclude(
    rows: RowCounts,
    offending: Sequence[int],
    suite: Suite,
    policy: GatePolicy,
    known: Mapping[str, int] | None = None,
    leaked: str = "",
) -> Verdict:
    """The verdict on a day.

    Args:
        rows: of all its rows.
        offending: what `aggregates.offending` says of each aggregate expectation, in the suite's order.
        known: what the stages before counted (pulled, malformed, duplicates, landed, held ...).
        leaked: which canaries were found unmasked and where; empty: none.
    """
    by_row, by_day = iter(rows.failed), iter(offending)
    failed = [(one, next(by_row if one.severity == "row" else by_day)) for one in suite.expectations]
    results: list[_Row] = [
        (e.name, ", ".join(e.columns), e.severity, rows.rows, count, count == 0, e.blocking) for e, count in failed
    ]
    reasons = [f"{e.name} failed ({count} of {rows.rows} rows)" for e, count in failed if e.blocking and count]
    counted = known or {}
    for row, reason in (_few(rows, suite.signal, policy), _balance(rows.rows, counted), _canaries(counted, leaked)):
        results.append(row)
        reasons += [reason] if reason else []
    return Verdict(rows, pl.DataFrame(results, RESULTS_SCHEMA, orient="row"), "; ".join(reasons))


def withhold(verdict: Verdict, reason: str) -> Verdict:
    """The verdict with the day withheld for something its rows do not show."""
    row = ("nothing_has_leaked", "", "aggregate", 1, 1, False, True)
    return Verdict(
        verdict.rows,
        pl.concat([verdict.results, pl.DataFrame([row], RESULTS_SCHEMA, orient="row")]),
        "; ".join(filter(None, (verdict.reason, reason))),
    )


def _stacked(
    frames: Sequence[tuple[str, pl.DataFrame]], signal: Signal, expectations: Sequence[Expectation]
) -> pl.DataFrame:
    """The columns the expectations name, of all frames, in order."""
    named = {column for expectation in expectations for column in expectation.columns}
    named |= {expectation.only.column for expectation in expectations if expectation.only}
    kept = [column for column in (*signal.columns, *DERIVED) if column in named]
    days = [
        frame.with_columns(
            event_date=pl.col("event_at").dt.date().cast(pl.String),
            partition_date=pl.lit(str(date.fromisoformat(day))),
        ).select(kept)
        for day, frame in frames
    ]
    return pl.concat(days) if days else pl.DataFrame()


def _judged(frame: pl.DataFrame, failures: pl.DataFrame, signal: Signal, suite: Suite) -> Judged:
    row_wise = suite.row_expectations
    failed_rows = dict(failures.group_by("expectation").len().iter_rows())
    is_failing = pl.int_range(pl.len(), dtype=pl.Int64).is_in(failures.get_column(ROW).implode())
    return Judged(
        passed=frame.filter(~is_failing),
        quarantined=_quarantined(frame, failures, row_wise, signal, suite),
        failed=tuple(failed_rows.get(place, 0) for place in range(len(row_wise))),
    )


def _quarantined(
    frame: pl.DataFrame, failures: pl.DataFrame, row_wise: Sequence[Expectation], signal: Signal, suite: Suite
) -> pl.DataFrame:
    """Failing rows in their order, each with what it failed in the suite's order and the distinct owners."""
    names = pl.DataFrame(
        {
            "expectation": range(len(row_wise)),
            "expectations": [e.name for e in row_wise],
            "owner": [suite.owner_of(e) for e in row_wise],
        },
        schema={"expectation": pl.Int64, "expectations": pl.String, "owner": pl.String},
    )
    per_row = (
        failures.join(names, on="expectation", how="left")
        .sort(ROW, "expectation")
        .group_by(ROW, maintain_order=True)
        .agg("expectations", pl.col("owner").unique(maintain_order=True).str.join(", "))
    )
    numbered = frame.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
    return numbered.join(per_row, on=ROW, how="inner", maintain_order="left").select(quarantine_schema(signal).names())


_Row = tuple[str, str, str, int, int, bool, bool]


def _few(rows: RowCounts, signal: str, policy: GatePolicy) -> tuple[_Row, str]:
    """Too many failing rows say that the day is wrong, not the rows."""
    limit = policy.threshold(signal)
    is_passed = rows.rows < limit.min_rows or rows.quarantined <= limit.max_quarantined_ratio * rows.rows
    reason = f"{rows.quarantined} of {rows.rows} rows quarantined, more than {limit.max_quarantined_ratio:.0%}"
    row = ("quarantined_rows_are_few", "", "aggregate", rows.rows, rows.quarantined, is_passed, True)
    return row, "" if is_passed else reason


def _canaries(known: Mapping[str, int], leaked: str) -> tuple[_Row, str]:
    """One canary found means that what nobody planted can stand there too."""
    failed = known.get("canaries_leaked", 0) or bool(leaked)
    row = ("canaries_are_masked", "", "aggregate", known.get("canaries", 0), int(failed), not failed, True)
    return row, f"canaries were found unmasked ({leaked or failed})" if failed else ""


def _balance(rows: int, known: Mapping[str, int]) -> tuple[_Row, str]:
    """The stages before must account for exactly the rows that are here; evaluated counts equations."""
    counts = {"anonymized": rows, **known}
    wrong = unbalanced(counts)
    if counts["anonymized"] != rows:
        wrong.append(f"anonymized {counts['anonymized']} = rows found {rows}")
    row = ("ledger_balances", "", "aggregate", len(applicable(counts)) + 1, len(wrong), not wrong, True)
    return row, f"the ledger does not balance ({'; '.join(wrong)})" if wrong else ""

"""The gate's verdict on a day of one signal of one source: its rows, split into checked and quarantined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import add
from types import MappingProxyType

import polars as pl

from governance.errors import FeedbackError, PolicyError
from governance.quality.balance import applicable, unbalanced
from governance.quality.expecting import CHUNK_ROWS, ROW, failing_rows
from governance.quality.policy import BALANCED, FEW_QUARANTINED, MASKED, NOT_LEAKED, QualityPolicy
from governance.quality.rulings import DayRulings
from governance.quality.suites import DERIVED, Expectation, Suite
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
        "ruled": pl.Int64,  # of those that failed, how many a steward has released or discarded
        "waiver": pl.Int64,  # number of the decision by which the failure withholds nothing; null: none
    }
)
# No waiver lets a day in of which records are missing, or in which personal data was found.
NEVER_WAIVED = (BALANCED, MASKED, NOT_LEAKED)


_NO_RULINGS = DayRulings()


@dataclass(frozen=True)
class Judged:
    """What the row expectations made of some rows of a day: `counts.rows` of them.

    Attributes:
        passed: the rows that may be counted, where their day is believed; those that a steward released among them.
        quarantined: failing rows, with what they failed (`expectations`) and who answers (`owner`).
        counts: the numbers alone.
    """

    passed: pl.DataFrame
    quarantined: pl.DataFrame
    counts: RowCounts


@dataclass(frozen=True)
class RowCounts:
    """How many rows became what; those of parts of a day add up.

    Attributes:
        passed: may be counted, `released` of them because a steward said so.
        quarantined: set aside.
        discarded: failed, and a steward said that they never will be counted.
        failed: how many failed each row expectation of the suite, in its order.
        ruled: how many of those a steward has released or discarded.
    """

    passed: int
    quarantined: int
    failed: tuple[int, ...]
    ruled: tuple[int, ...]
    released: int = 0
    discarded: int = 0

    def __add__(self, other: RowCounts) -> RowCounts:
        return RowCounts(
            self.passed + other.passed,
            self.quarantined + other.quarantined,
            tuple(map(add, self.failed, other.failed)),
            tuple(map(add, self.ruled, other.ruled)),
            self.released + other.released,
            self.discarded + other.discarded,
        )

    @property
    def rows(self) -> int:
        return self.passed + self.quarantined + self.discarded


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
        """What the ledger keeps; checked + quarantined + discarded + withheld = anonymized, released is in checked."""
        withheld = self.rows.passed if self.is_blocked else 0
        return {
            "checked": self.rows.passed - withheld,
            "quarantined": self.rows.quarantined,
            "discarded": self.rows.discarded,
            "withheld": withheld,
            "released": 0 if self.is_blocked else self.rows.released,
        }


def quarantine_schema(signal: Signal) -> pl.Schema:
    """Columns of a quarantine partition's records."""
    return pl.Schema([*signal.columns.items(), ("expectations", pl.List(pl.String)), ("owner", pl.String())])


def judge_rows(
    frames: Sequence[tuple[str, pl.DataFrame]],
    signal: Signal,
    suite: Suite,
    chunk_rows: int = CHUNK_ROWS,
    rulings: Mapping[str, DayRulings] = MappingProxyType({}),
) -> list[Judged]:
    """What the row expectations make of each frame; the same as one by one, in one pass of Great Expectations.

    Args:
        frames: a day (ISO date) and anonymised records of it, all or part; one row per record.
        rulings: what stewards decided about rows of these days.

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
    for day, frame in frames:
        within = pl.col(ROW).is_between(start, start + frame.height, closed="left")
        own = failures.filter(within).with_columns(pl.col(ROW) - start)
        judged.append(_judged(frame, own, signal, suite, rulings.get(day, _NO_RULINGS)))
        start += frame.height
    return judged


def conclude(
    rows: RowCounts,
    offending: Sequence[int | None],
    suite: Suite,
    policy: QualityPolicy,
    known: Mapping[str, int] | None = None,
    leaked: str = "",
    waived: Mapping[str, int] = MappingProxyType({}),
) -> Verdict:
    """The verdict on a day.

    A row expectation is met by a day whose failing rows a steward has all looked at: released, or discarded.

    Args:
        rows: of all its rows.
        offending: how many rows (or figures) break each aggregate expectation, in the suite's order; None: nothing
            there to tell by, which withholds nothing.
        known: what the stages before counted (pulled, malformed, duplicates, landed, held ...).
        leaked: which canaries were found unmasked and where; empty: none.
        waived: expectations whose failure withholds nothing, with the number of the waiver.
    """
    by_row, by_day = iter(zip(rows.failed, rows.ruled, strict=True)), ((count, 0) for count in offending)
    told = [_told(one, rows.rows, *next(by_row if one.severity == "row" else by_day)) for one in suite.expectations]
    counted = known or {}
    told += [_few(rows, suite.signal, policy), _balance(rows.rows, counted), _canaries(counted, leaked)]
    granted = {name: number for name, number in waived.items() if name not in NEVER_WAIVED}
    results = [(*row, granted.get(row[0]) if reason else None) for row, reason in told]
    reasons = [reason for row, reason in told if reason and row[0] not in granted]
    return Verdict(rows, pl.DataFrame(results, RESULTS_SCHEMA, orient="row"), "; ".join(reasons))


def withhold(verdict: Verdict, reason: str) -> Verdict:
    """The verdict with the day withheld for something its rows do not show."""
    row = (NOT_LEAKED, "", "aggregate", 1, 1, False, True, 0, None)
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


def _judged(frame: pl.DataFrame, failures: pl.DataFrame, signal: Signal, suite: Suite, rulings: DayRulings) -> Judged:
    row_wise = suite.row_expectations
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    released, discarded = _ruled(frame, failures, suite, rulings)
    is_ruled = pl.col(ROW).is_in([*released, *discarded])
    is_set_aside = row.is_in(failures.filter(~pl.col(ROW).is_in(released))[ROW].implode())
    passed = frame.filter(~is_set_aside)
    quarantined = _quarantined(frame, failures.filter(~is_ruled), row_wise, signal, suite)
    failed, ruled = _by_expectation(failures, row_wise), _by_expectation(failures.filter(is_ruled), row_wise)
    counts = RowCounts(passed.height, quarantined.height, failed, ruled, len(released), len(discarded))
    return Judged(passed, quarantined, counts)


def _ruled(
    frame: pl.DataFrame, failures: pl.DataFrame, suite: Suite, rulings: DayRulings
) -> tuple[list[int], list[int]]:
    """The numbers of the failing rows that a steward released and of those discarded; who discards has the last word.

    What a row may never be released from (see `Suite.releasable`) it stays in quarantine for.
    """
    if not (rulings.released or rulings.discarded) or failures.is_empty():
        return [], []
    final = [place for place, one in enumerate(suite.row_expectations) if not suite.is_releasable(one)]
    rows = failures.group_by(ROW).agg(is_final=pl.col("expectation").is_in(final).any()).sort(ROW)
    ids = rows.with_columns(record_id=frame["record_id"].gather(rows[ROW]))
    is_discarded = pl.col("record_id").is_in(rulings.discarded).fill_null(value=False)
    is_released = pl.col("record_id").is_in(rulings.released).fill_null(value=False) & ~pl.col("is_final")
    released = ids.filter(is_released & ~is_discarded)
    return released[ROW].to_list(), ids.filter(is_discarded)[ROW].to_list()


def _by_expectation(failures: pl.DataFrame, expectations: Sequence[Expectation]) -> tuple[int, ...]:
    rows = dict(failures.group_by("expectation").len().iter_rows())
    return tuple(rows.get(place, 0) for place in range(len(expectations)))


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


# A row of results, without its waiver, and why the day is withheld for it.
_Told = tuple[tuple[str, str, str, int, int, bool, bool, int], str]


def _told(expectation: Expectation, rows: int, found: int | None, ruled: int) -> _Told:
    rows, failed = (0, 0) if found is None else (rows, found)
    name, columns, is_blocking = expectation.name, ", ".join(expectation.columns), expectation.blocking
    row = (name, columns, expectation.severity, rows, failed, failed == ruled, is_blocking, ruled)
    return row, f"{name} failed ({failed - ruled} of {rows} rows)" if is_blocking and failed > ruled else ""


def _few(rows: RowCounts, signal: str, policy: QualityPolicy) -> _Told:
    """Too many failing rows say that the day is wrong, not the rows; those discarded failed too."""
    limit, failing = policy.threshold(signal), rows.quarantined + rows.discarded
    is_passed = rows.rows < limit.min_rows or failing <= limit.max_quarantined_ratio * rows.rows
    reason = f"{failing} of {rows.rows} rows quarantined, more than {limit.max_quarantined_ratio:.0%}"
    row = (FEW_QUARANTINED, "", "aggregate", rows.rows, failing, is_passed, True, 0)
    return row, "" if is_passed else reason


def _canaries(known: Mapping[str, int], leaked: str) -> _Told:
    """One canary found means that what nobody planted can stand there too."""
    failed = known.get("canaries_leaked", 0) or bool(leaked)
    row = (MASKED, "", "aggregate", known.get("canaries", 0), int(failed), not failed, True, 0)
    return row, f"canaries were found unmasked ({leaked or failed})" if failed else ""


def _balance(rows: int, known: Mapping[str, int]) -> _Told:
    """The stages before must account for exactly the rows that are here; evaluated counts equations."""
    counts = {"anonymized": rows, **known}
    wrong = unbalanced(counts)
    if counts["anonymized"] != rows:
        wrong.append(f"anonymized {counts['anonymized']} = rows found {rows}")
    row = (BALANCED, "", "aggregate", len(applicable(counts)) + 1, len(wrong), not wrong, True, 0)
    return row, f"the ledger does not balance ({'; '.join(wrong)})" if wrong else ""

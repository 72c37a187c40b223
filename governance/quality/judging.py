"""The gate's verdict on a day of one signal of one source: its rows, split into checked and quarantined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from governance.errors import FeedbackError, PolicyError
from governance.quality.aggregates import offending
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
class Verdict:
    """What became of one anonymised day.

    Attributes:
        checked: the rows that may be counted; empty where the day is withheld.
        quarantined: failing rows, with what they failed (`expectations`) and who answers (`owner`).
        results: one row per expectation, RESULTS_SCHEMA: counts only.
        withheld: rows that passed but whose day is not believed.
        reason: why the day is withheld; empty where it is not.
    """

    checked: pl.DataFrame
    quarantined: pl.DataFrame
    results: pl.DataFrame
    withheld: int
    is_blocked: bool
    reason: str

    @property
    def counts(self) -> dict[str, int]:
        """What the ledger keeps; checked + quarantined + withheld = anonymized."""
        return {
            "checked": self.checked.height,
            "quarantined": self.quarantined.height,
            "withheld": self.withheld,
        }


def quarantine_schema(signal: Signal) -> pl.Schema:
    """Columns of a quarantine partition's records."""
    return pl.Schema([*signal.columns.items(), ("expectations", pl.List(pl.String)), ("owner", pl.String())])


def judge(
    records: pl.DataFrame,
    signal: Signal,
    suite: Suite,
    policy: GatePolicy,
    *,
    day: str,
    known: Mapping[str, int] | None = None,
    leaked: str = "",
) -> Verdict:
    """The verdict on one day, see `judge_days`."""
    return judge_days({day: records}, signal, suite, policy, known={day: known or {}}, leaked={day: leaked})[day]


def judge_days(
    frames: Mapping[str, pl.DataFrame],
    signal: Signal,
    suite: Suite,
    policy: GatePolicy,
    *,
    known: Mapping[str, Mapping[str, int]] | None = None,
    leaked: Mapping[str, str] | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> dict[str, Verdict]:
    """The verdict on each day; the same as judging them one by one, in one pass of Great Expectations.

    Args:
        frames: the anonymised records of each day (ISO date); one row per record.
        known: per day, what the stages before counted (pulled, malformed, duplicates, landed, held ...).
        leaked: per day, which canaries were found unmasked and where; empty or absent: none.

    Raises:
        PolicyError: the suite is of another signal.
        FeedbackError: the records have another shape, or an expectation could not be computed.
    """
    if suite.signal != signal.name:
        raise PolicyError(f"gate: the suite is for {suite.signal}; expected one for {signal.name}")
    for day, frame in frames.items():
        if frame.schema != signal.schema:
            raise FeedbackError(f"anonymized {signal.name} {day}: other columns than the signal's; run anonymize again")
    row_wise = [expectation for expectation in suite.expectations if expectation.severity == "row"]
    failures = failing_rows(_stacked(frames, signal, row_wise), row_wise, chunk_rows)
    verdicts, start = {}, 0
    for day, frame in frames.items():
        within = pl.col(ROW).is_between(start, start + frame.height, closed="left")
        own = failures.filter(within).with_columns(pl.col(ROW) - start)
        verdicts[day] = _verdict(
            frame, own, signal, suite, policy, (known or {}).get(day, {}), (leaked or {}).get(day, "")
        )
        start += frame.height
    return verdicts


def _stacked(frames: Mapping[str, pl.DataFrame], signal: Signal, expectations: list[Expectation]) -> pl.DataFrame:
    """The columns the expectations name, of all days, in order."""
    named = {column for expectation in expectations for column in expectation.columns}
    named |= {expectation.only.column for expectation in expectations if expectation.only}
    kept = [column for column in (*signal.columns, *DERIVED) if column in named]
    days = [
        frame.with_columns(
            event_date=pl.col("event_at").dt.date().cast(pl.String),
            partition_date=pl.lit(str(date.fromisoformat(day))),
        ).select(kept)
        for day, frame in frames.items()
    ]
    return pl.concat(days) if days else pl.DataFrame()


def withhold(verdict: Verdict, reason: str) -> Verdict:
    """The verdict with the day withheld for something its rows do not show."""
    row = ("nothing_has_leaked", "", "aggregate", 1, 1, False, True)
    return Verdict(
        checked=verdict.checked.clear(),
        quarantined=verdict.quarantined,
        results=pl.concat([verdict.results, pl.DataFrame([row], RESULTS_SCHEMA, orient="row")]),
        withheld=verdict.withheld + verdict.checked.height,
        is_blocked=True,
        reason="; ".join(filter(None, (verdict.reason, reason))),
    )


def _verdict(
    frame: pl.DataFrame,
    failures: pl.DataFrame,
    signal: Signal,
    suite: Suite,
    policy: GatePolicy,
    known: Mapping[str, int],
    leaked: str,
) -> Verdict:
    row_wise = [expectation for expectation in suite.expectations if expectation.severity == "row"]
    failed_rows = dict(failures.group_by("expectation").len().iter_rows())
    quarantined = _quarantined(frame, failures, row_wise, signal, suite)
    results: list[tuple[Expectation, int]] = [
        (expectation, failed_rows.get(row_wise.index(expectation), 0))
        if expectation.severity == "row"
        else (expectation, offending(frame, expectation))
        for expectation in suite.expectations
    ]
    rows: list[_Row] = [
        (e.name, ", ".join(e.columns), e.severity, frame.height, failed, failed == 0, e.blocking)
        for e, failed in results
    ]
    reasons = [f"{e.name} failed ({failed} of {frame.height} rows)" for e, failed in results if e.blocking and failed]
    few = _few(frame.height, quarantined.height, signal, policy)
    for row, reason in (few, _balance(frame.height, known), _canaries(known, leaked)):
        rows.append(row)
        reasons += [reason] if reason else []
    is_failing = pl.int_range(pl.len(), dtype=pl.Int64).is_in(failures.get_column(ROW).implode())
    passed = frame.filter(~is_failing)
    checked = passed.clear() if reasons else passed
    return Verdict(
        checked=checked,
        quarantined=quarantined,
        results=pl.DataFrame(rows, RESULTS_SCHEMA, orient="row"),
        withheld=passed.height - checked.height,
        is_blocked=bool(reasons),
        reason="; ".join(reasons),
    )


def _quarantined(
    frame: pl.DataFrame, failures: pl.DataFrame, row_wise: list[Expectation], signal: Signal, suite: Suite
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


def _few(rows: int, quarantined: int, signal: Signal, policy: GatePolicy) -> tuple[_Row, str]:
    """Too many failing rows say that the day is wrong, not the rows."""
    limit = policy.threshold(signal.name)
    is_passed = rows < limit.min_rows or quarantined <= limit.max_quarantined_ratio * rows
    reason = f"{quarantined} of {rows} rows quarantined, more than {limit.max_quarantined_ratio:.0%}"
    row = ("quarantined_rows_are_few", "", "aggregate", rows, quarantined, is_passed, True)
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

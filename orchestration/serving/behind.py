"""What a role's file says of where its figures come from, so that explaining one needs that file and nothing else.

Three tables beside the role's own: `lineage` (from which columns and fields each column is made), `gate_days` (what the
gate made of each day, by whose waiver) and `restatements` (figures of the past that changed, and why).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from governance.errors import UsageError
from governance.signals import TIMESTAMP
from orchestration.serving.querying import answer

LINEAGE, GATE_DAYS, RESTATEMENTS = "lineage", "gate_days", "restatements"
# One row per day of a dataset that the gate has judged.
JUDGED_SCHEMA = pl.Schema(
    {"source": pl.String(), "signal": pl.String(), "event_date": pl.Date(), "judged_at": TIMESTAMP}
)
# One row per figure of a day and publication in which it was another than before.
RESTATEMENTS_SCHEMA = pl.Schema(
    {
        "metric": pl.String(),
        "dimension": pl.String(),  # null: the figure over all of them
        "dimension_value": pl.String(),  # null with a dimension: where it is not known; what is always told follows it
        "event_date": pl.Date(),
        "value_before": pl.Float64(),  # null: there was none
        "value_after": pl.Float64(),  # null: there is none
        "reason": pl.String(),
        "datasets": pl.String(),  # whose days changed; empty where none did
        "published_before_at": TIMESTAMP,
        "published_at": TIMESTAMP,
    }
)
_LEDGER, _RESULTS = "marts.fct_ledger", "marts.fct_gate_results"
_GATE_DAYS = """
    with results as (
        select source, signal, event_date,
            string_agg(expectation || ' (' || failed || ' of ' || evaluated || ')', ', ' order by expectation)
                filter (where not is_passed) as failed_expectations,
            string_agg(distinct expectation || ' by waiver ' || waiver || ', approved by ' || waiver_approved_by
                || ' until ' || strftime(waiver_expires_at, '%Y-%m-%d %H:%M UTC') || ': ' || waiver_reason, '; ')
                filter (where is_waived) as waived
        from warehouse.marts.fct_gate_results
        group by source, signal, event_date
    )
    select ledger.source, ledger.signal, ledger.event_date,
        case when ledger.is_withheld is null then 'not judged' when ledger.is_withheld then 'withheld'
            when results.waived is not null then 'waived' else 'passed' end as verdict,
        ledger.checked, ledger.quarantined, ledger.released, ledger.discarded, ledger.held, ledger.sampled,
        results.failed_expectations, results.waived, judged.judged_at
    from warehouse.marts.fct_ledger as ledger
    left join results using (source, signal, event_date)
    left join judged using (source, signal, event_date)
    order by ledger.event_date, ledger.source, ledger.signal
"""


@dataclass(frozen=True)
class Behind:
    """What is known of the figures of one role's file.

    Attributes:
        lineage: from which columns each published column is made, step by step.
        judged: when the gate judged each day (JUDGED_SCHEMA).
        restatements: RESTATEMENTS_SCHEMA.
        signals: by metric, those whose records it is made of.
        unmarked: columns (`table.column`) made of what is personal that access.yml does not mark, and of which fields.
    """

    lineage: pl.DataFrame = field(default_factory=pl.DataFrame)
    judged: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=JUDGED_SCHEMA))
    restatements: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RESTATEMENTS_SCHEMA))
    signals: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unmarked: Mapping[str, str] = field(default_factory=dict)


def write_behind(
    connection: duckdb.DuckDBPyConnection, behind: Behind, relations: Mapping[str, object], metrics: Sequence[str]
) -> None:
    """Write the tables into `published`; that of the days where the warehouse has what it is made of.

    Args:
        relations: those the warehouse has.
        metrics: names of those whose restatements the role may see.
    """
    restated = behind.restatements.filter(pl.col("metric").is_in(list(metrics)))
    frames = {RESTATEMENTS: restated, **({LINEAGE: behind.lineage} if behind.lineage.width else {})}
    for name, frame in frames.items():
        connection.register("incoming", frame.to_arrow())
        connection.execute(f"create table published.{name} as select * from incoming")
        connection.unregister("incoming")
    if relations.get(_LEDGER) and relations.get(_RESULTS):
        connection.register("judged", behind.judged.to_arrow())
        connection.execute(f"create table published.{GATE_DAYS} as {_GATE_DAYS}")
        connection.unregister("judged")


def days_behind(
    file: Path, signals: Sequence[str] | None, since: date | None, until: date | None
) -> list[dict[str, object]]:
    """What the gate made of the days of these signals in a time; None: of all. A file without such days: none.

    A publication that is older than the table says nothing of its days.
    """
    conditions = ["true"]
    if signals is not None:
        conditions.append(f"signal in ({', '.join(map(text, signals)) or 'null'})")
    conditions += [f"event_date >= date '{since}'"] if since else []
    conditions += [f"event_date <= date '{until}'"] if until else []
    return rows_where(file, f"select * from {GATE_DAYS} where {' and '.join(conditions)}")


def notes(days: Iterable[Mapping[str, object]]) -> list[str]:
    """One line per data set and waiver that let days in, and per data set with days that are withheld."""
    found: dict[tuple[str, str], list[str]] = {}
    for day in days:
        if day["verdict"] in ("waived", "withheld"):
            told = day["waived"] if day["verdict"] == "waived" else "not in these figures"
            place = f"{day['verdict']}: {day['source']}/{day['signal']}"
            found.setdefault((place, str(told)), []).append(str(day["event_date"]))
    return [f"{place} {_days(dates)}: {told}" for (place, told), dates in found.items()]


def _days(dates: Sequence[str]) -> str:
    first, last = min(dates), max(dates)
    return first if first == last else f"{len(dates)} days from {first} to {last}"


def rows_where(file: Path, sql: str) -> list[dict[str, object]]:
    """The rows of a select; none where the file lacks a table of it: the role does not see it, or it is older."""
    try:
        return answer(file, sql).to_dicts()
    except UsageError as error:
        if "Table with name" in str(error):
            return []
        raise


def text(value: object) -> str:
    """A value as a text of SQL."""
    return "'" + str(value).replace("'", "''") + "'"

"""What explanations of figures and of pain points have in common: lineage, days of the gate, example rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from governance.signals import SIGNALS
from orchestration.serving.behind import LINEAGE, days_behind, rows_where, text
from orchestration.serving.metrics import equals

Row = Mapping[str, object]
EXAMPLES = 3
# Rows of a signal that roles may see, and the column that dates them; all of them passed the gate.
_ROWS: Mapping[str, tuple[str, str]] = {
    "spans": ("sampled_spans", "event_at"),
    "logs": ("sampled_logs", "event_at"),
    "tickets": ("fct_tickets", "created_at"),
    "deployments": ("fct_deployments", "created_at"),
    "incidents": ("fct_incidents", "started_at"),
    "pull_requests": ("fct_changes", "created_at"),
    "ci_runs": ("fct_ci_runs", "waiting_since"),
    "outcomes": ("fct_journey_outcomes", "event_date"),
}
_AUDIT = ("run_id", "as_of", "definition_hash")


@dataclass(frozen=True)
class Section:
    """A part of an explanation.

    Attributes:
        name: its key where the explanation is JSON.
        rows: each by column; one row alone is told as a list of its values.
        note: what is to be known of them, or why there are none.
    """

    name: str
    title: str
    rows: Sequence[Row] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class Scope:
    """Which part of a signal's rows is meant: days (None: all), and values by column."""

    since: date | None = None
    until: date | None = None
    only: Mapping[str, str] = field(default_factory=dict)


def lineage(file: Path, table: str, columns: Iterable[str]) -> Section:
    """From which fields of the records each column is made, and through which models."""
    asked = list(dict.fromkeys(columns))
    places = ", ".join(f"({text(table)}, {text(column)})" for column in asked)
    edges = rows_where(
        file,
        "with recursive walk(asked, relation, column_name) as ("
        f" select c, r, c from (values {places}) as asked(r, c)"
        " union select walk.asked, made.from_relation, made.from_column from walk"
        f" inner join {LINEAGE} as made on walk.relation = made.relation and walk.column_name = made.column_name)"
        " select walk.asked, made.relation, made.column_name, made.from_relation, made.from_column, made.treatment"
        f" from walk inner join {LINEAGE} as made on walk.relation = made.relation"
        " and walk.column_name = made.column_name order by all",
    )
    of_column = defaultdict[str, list[Row]](list)
    for edge in edges:
        of_column[str(edge["asked"])].append(edge)
    rows = [_traced(column, of_column[column]) for column in asked if of_column[column]]
    note = "" if rows else "Not known: this file was published before lineage was; publish again with `feedback run`."
    return Section("lineage", "Made of", rows, note)


def _traced(column: str, edges: Sequence[Row]) -> Row:
    landed = [edge for edge in edges if str(edge["from_relation"]).startswith("landing.")]
    through = dict.fromkeys(
        str(edge["from_relation"]) for edge in edges if not str(edge["from_relation"]).startswith(("landing.", "anon"))
    )
    fields = sorted(
        f"{str(edge['from_relation']).partition('.')[2]}.{edge['from_column']}"
        + (f" ({edge['treatment']})" if edge["treatment"] else "")
        for edge in landed
    )
    told = ", ".join(fields) or "counts and labels of the stages, or policy: no field of a record"
    return {"column": column, "landed fields (treatment)": told, "through": " < ".join(_in_order(through))}


def _in_order(relations: Iterable[str]) -> list[str]:
    """Nearest first: marts, intermediate and staging models, then what they read of the lake."""
    layers = ("marts", "intermediate", "staging", "lake")
    return sorted(
        relations, key=lambda name: (layers.index(layer) if (layer := name.partition(".")[0]) in layers else 4, name)
    )


def gate_sections(file: Path, signals: Sequence[str] | None, scope: Scope) -> list[Section]:
    """What the gate made of the days behind a figure: by dataset, and the days to know of."""
    days = days_behind(file, signals, scope.since, scope.until)
    by_dataset = defaultdict[str, list[Row]](list)
    for day in days:
        by_dataset[f"{day['source']}/{day['signal']}"].append(day)
    totals = [_total(dataset, of) for dataset, of in sorted(by_dataset.items())]
    special = [_told(day) for day in days if day["verdict"] != "passed" or day["quarantined"] or day["discarded"]]
    nothing = "No day of its data is known in this time." if not days else ""
    clean = "" if special or not days else "Every day passed whole: no row in quarantine, nothing waived or withheld."
    return [
        Section("days", "Days behind it, by data set", totals, nothing),
        Section("days_to_know_of", "Days with rows in quarantine, waived or withheld", special, clean),
    ]


def _total(dataset: str, days: Sequence[Row]) -> Row:
    verdicts = [str(day["verdict"]) for day in days]
    sums = {name: _sum(day[name] for day in days) for name in ("checked", "quarantined", "released", "discarded")}
    is_sampled = SIGNALS[str(days[0]["signal"])].is_sampled
    judged = [day["judged_at"] for day in days if day["judged_at"] is not None]
    return {
        "data set": dataset,
        "first": min(str(day["event_date"]) for day in days),
        "last": max(str(day["event_date"]) for day in days),
        "days": len(days),
        **{verdict: verdicts.count(verdict) for verdict in ("passed", "waived", "withheld")},
        **sums,
        "kept by sampling": _share(_sum(day["sampled"] for day in days), sums["checked"]) if is_sampled else "all",
        "last judged": max(judged, key=str) if judged else None,
    }


def _sum(values: Iterable[object]) -> int | None:
    known = [value for value in values if isinstance(value, int)]
    return sum(known) if known else None


def _share(part: int | None, whole: int | None) -> str | None:
    return f"{part / whole:.1%}" if whole and part is not None else None


def _told(day: Row) -> Row:
    return {
        "data set": f"{day['source']}/{day['signal']}",
        "day": day["event_date"],
        "gate": day["verdict"],
        "quarantined": day["quarantined"],
        "released": day["released"],
        "discarded": day["discarded"],
        "failed expectations (rows)": day["failed_expectations"] or "none",
        "waived": day["waived"] or "nothing",
    }


def examples(file: Path, signals: Sequence[str], scope: Scope) -> list[Section]:
    """A few rows of each signal that the role may see, as masked for it."""
    seen = defaultdict[str, list[str]](list)
    for row in rows_where(file, "select table_name, column_name from duckdb_columns() where not internal"):
        seen[str(row["table_name"])].append(str(row["column_name"]))
    sections = []
    for signal in signals:
        name, title = f"examples_{signal}", f"Examples: {signal.replace('_', ' ')}"
        table, time = _ROWS.get(signal, ("", ""))
        if table not in seen:
            note = f"No row of {signal} is published for this role (policies/access.yml)."
            sections.append(Section(name, title, note=note))
            continue
        where = ["true", *(equals(column, value) for column, value in scope.only.items() if column in seen[table])]
        where += [f"cast(\"{time}\" as date) >= date '{scope.since}'"] if scope.since else []
        where += [f"cast(\"{time}\" as date) <= date '{scope.until}'"] if scope.until else []
        shown = ", ".join(f'"{column}"' for column in seen[table] if column not in _AUDIT)
        sql = f'select {shown} from {table} where {" and ".join(where)} order by "{time}" desc limit {EXAMPLES}'
        rows = [{key: value for key, value in row.items() if value is not None} for row in rows_where(file, sql)]
        sections.append(Section(name, title, rows, f"From {table}, as this role sees it." if rows else "None there."))
    return sections

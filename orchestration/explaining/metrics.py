"""Where a metric's figure comes from."""

from __future__ import annotations

from pathlib import Path

from governance.errors import UsageError
from orchestration.explaining.parts import Row, Scope, Section, examples, gate_sections, lineage
from orchestration.serving.behind import RESTATEMENTS, rows_where, text
from orchestration.serving.metrics import Question, equals, find_metric, not_told, sql_of, texts_of
from orchestration.serving.querying import answer


def explain_metric(file: Path, name: str, scope: Scope) -> list[Section]:
    """Definition, figure with its SQL, lineage, days behind it, restatements and a few rows.

    Raises:
        UsageError: the metric or a dimension does not exist for the role of the file, or one is missing over which it
            says nothing.
    """
    metric = find_metric(file, name)
    if missing := not_told(metric, scope.only):
        raise UsageError(f"metric {name}: says nothing over {missing[0]}; add --by {missing[0]}=VALUE")
    signals = texts_of(metric, "signals")
    return [
        Section("definition", f"{metric['label']} ({name})", [_definition(metric)]),
        _figure(file, metric, scope),
        lineage(file, str(metric["table_name"]), texts_of(metric, "columns") or []),
        *gate_sections(file, signals, scope),
        _restatements(file, metric, scope),
        *examples(file, signals or (), scope),
    ]


def _definition(metric: Row) -> Row:
    return {
        "is": metric["description"],
        "unit": metric["unit"],
        "owner": metric["owner"],
        "no data": metric["no_data"],
        "do not use for": metric["do_not_use_for"],
        "version": metric["version"],
        "hash of the formula": metric["formula_hash"],
        "computed from": f"{metric['table_name']}, dated by {metric['time_column']}",
    }


def _figure(file: Path, metric: Row, scope: Scope) -> Section:
    question = Question(str(metric["metric"]), since=scope.since, until=scope.until, only=scope.only)
    sql = sql_of(metric, question)
    values = answer(file, sql)["value"].to_list()
    made = rows_where(file, f"select * from about where table_name = {text(metric['table_name'])}")
    definition = rows_where(file, f'select max(definition_hash) as made_by from "{metric["table_name"]}"')
    row = {
        "value": values[0] if values else None,
        "unit": metric["unit"],
        "of": ", ".join(f"{key}={value}" for key, value in scope.only.items()) or "everything",
        "days": f"{scope.since} to {scope.until} (UTC)" if scope.since else "all there are",
        "figure": _exactness(metric),
        "run": made[0]["run_id"] if made else None,
        "as of": made[0]["as_of"] if made else None,
        "hash of the models": definition[0]["made_by"] if definition else None,
        "SQL": sql,
    }
    return Section("figure", "The figure", [row], "" if values else f"No data: {metric['no_data']}.")


def _exactness(metric: Row) -> str:
    if metric["figure"] == "exact":
        return "exact: counted over every row that passed the gate, before sampling"
    return "estimated from the rows that sampling kept (share below), each with the weight it stands for"


def _restatements(file: Path, metric: Row, scope: Scope) -> Section:
    """Of the figure that is asked about: over all dimensions, or by the one that is given.

    Figures by several dimensions at once are not compared when published: each of them is told alone.
    """
    always = not_told(metric, ())
    behind = [scope.only[name] or "unknown" for name in always]
    by = [
        f"dimension = {text(key)} and "
        + equals("dimension_value", ", ".join([value or "unknown", *behind]) if always else value)
        for key, value in scope.only.items()
        if key not in always
    ]
    over_all = "dimension is null and " + equals("dimension_value", ", ".join(behind))
    where = [f"metric = {text(str(metric['metric']))}", f"({' or '.join(by) or over_all})"]
    where += [f"event_date between date '{scope.since}' and date '{scope.until}'"] if scope.since else []
    shown = "metric, dimension, dimension_value" if not by else "metric"
    rows = rows_where(
        file,
        f"select * exclude ({shown}) from {RESTATEMENTS} where {' and '.join(where)} order by published_at, event_date",
    )
    note = "Figures of days." if rows else "No figure of a past day in this time was published otherwise."
    return Section("restatements", "Restatements", rows, note)

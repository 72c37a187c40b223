"""Where a pain point comes from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from governance.errors import UsageError, one_of
from orchestration.explaining.parts import Row, Scope, Section, examples, gate_sections
from orchestration.serving.behind import LINEAGE, rows_where, text

_PARTS = (
    "rank", "score", "score_low", "score_high", "reach", "impact", "confidence", "effort", "coverage_ratio",
    "strategic_value", "assessment_author", "assessment_date", "assessment_reason", "rank_best", "rank_worst",
    "rank_moved_by", "rank_before",
)  # fmt: skip
_EVIDENCE = (
    "evidence_count", "accounts", "requests_affected", "tickets", "minutes_lost", "p95_before_ms", "p95_after_ms",
    "error_ratio_before", "error_ratio_after", "budget_burnt_ratio", "no_budget_reason", "money_lost", "currency",
    "no_money_reason",
)  # fmt: skip
_WHAT = (
    "title", "reason", "problem_kind", "service", "operation", "template", "feature_flag", "feature_variant",
    "dependency", "service_version", "owner_team", "owner_email", "started_at", "ended_at", "last_seen_at", "status",
    "state", "state_reason", "trend", "run_id", "as_of", "definition_hash",
)  # fmt: skip
# What all rows of its evidence have in common; where a signal's rows have such a column.
_COMMON = ("service", "operation", "dependency")


def explain_problem(file: Path, identifier: str) -> list[Section]:
    """What a pain point is, what its score is made of, its evidence, changes, history, days and a few rows.

    Args:
        identifier: its rank as lists show it, its id, or the beginning of one that no other has.

    Raises:
        UsageError: there is no such pain point, or several.
    """
    problem = _find(file, identifier)
    own = f"pain_point_id = {text(problem['pain_point_id'])}"
    since, until = _day(problem["started_at"]), _day(problem["ended_at"]) or _day(problem["last_seen_at"])
    common = {name: str(problem[name]) for name in _COMMON if problem[name] is not None}
    signals = _signals(problem)
    scope = Scope(since, until, common)
    return [
        Section("problem", str(problem["pain_point_id"]), [_known(problem, _WHAT)]),
        Section("score", "Score: reach x impact x confidence / effort", [_known(problem, _PARTS)]),
        _table(file, "weights", "How the rank depends on the weights", "rpt_pain_point_ranks", own, "weight"),
        Section("evidence", "Evidence", [_known(problem, _EVIDENCE)], _made_of(file)),
        _table(file, "supported_by", "What supports it", "fct_pain_point_evidence", own, "all"),
        *_changes(file, problem, own),
        _table(file, "states", "States", "fct_state_history", _subject(problem), "valid_from"),
        _table(file, "values", "Day by day", "rpt_pain_point_days", f"{own} and {_within(scope)}", "event_date"),
        *gate_sections(file, signals, scope),
        *examples(file, signals, scope),
    ]


def _find(file: Path, identifier: str) -> Row:
    rows = rows_where(file, "select pain_point_id, rank from rpt_pain_points order by rank")
    ids = {str(row["pain_point_id"]): str(row["rank"]) for row in rows}
    if not identifier:
        raise UsageError(f"explain problem: name one by its rank or id; {one_of(identifier, ids)}")
    ranked = [one for one, rank in ids.items() if rank == identifier]
    found = ranked or [one for one in ids if one.startswith(identifier)]
    if len(found) != 1:
        problem = f"{len(found)} begin so" if found else f"neither a rank nor an id; {one_of(identifier, ids)}"
        raise UsageError(f"pain point {identifier}: {problem}; `rpt_pain_points` has their ranks and ids")
    return rows_where(file, f"select * from rpt_pain_points where pain_point_id = {text(found[0])}")[0]


def _day(value: object) -> date | None:
    return value.astimezone(UTC).date() if isinstance(value, datetime) else None


def _known(row: Row, names: tuple[str, ...]) -> Row:
    return {name: row[name] for name in names if row.get(name) is not None}


def _signals(problem: Row) -> list[str]:
    """Tickets speak of every kind of problem; requests and logs only of those that were seen in them."""
    if problem["problem_kind"] == "ticket":
        return ["tickets"]
    return ["spans", *(["logs"] if problem["template"] is not None else []), "tickets"]


def _made_of(file: Path) -> str:
    rows = rows_where(
        file,
        "with recursive walk(relation, column_name) as (select 'rpt_pain_points', 'evidence_count'"
        f" union select made.from_relation, made.from_column from walk inner join {LINEAGE} as made"
        " on walk.relation = made.relation and walk.column_name = made.column_name)"
        " select distinct relation from walk where relation like 'lake.%' order by 1",
    )
    return f"Counted in {', '.join(str(row['relation']) for row in rows)}." if rows else ""


def _changes(file: Path, problem: Row, own: str) -> Iterator[Section]:
    """Deployments and incidents that it is put down to, that were meant to end it, and what they did."""
    for name, title, key in (
        ("caused_by", "Put down to deployment", "deployment_id"),
        ("fixed_by", "Ended or meant to be ended by deployment", "fix_deployment_id"),
    ):
        if problem[key] is not None:
            yield _table(file, name, title, "fct_deployments", f"deployment_id = {text(problem[key])}", "created_at")
    if problem["incident_id"] is not None:
        where = f"incident_id = {text(problem['incident_id'])}"
        yield _table(file, "incident", "Incident", "fct_incidents", where, "started_at")
    yield _table(file, "effects", "What was done, and whether it helped", "fct_initiative_effects", own, "shipped_at")


def _subject(problem: Row) -> str:
    return f"subject_kind = 'pain_point' and subject_id = {text(problem['pain_point_id'])}"


def _within(scope: Scope) -> str:
    return (
        f"event_date between date '{scope.since}' and date '{scope.until}'" if scope.since and scope.until else "true"
    )


def _table(file: Path, name: str, title: str, table: str, where: str, order: str) -> Section:
    """Rows of a table of the role's file, without what every row of it has and what none has."""
    hidden = ("run_id", "as_of", "definition_hash", "pain_point_id", "subject_kind", "subject_id")
    rows = rows_where(file, f"select * from {table} where {where} order by {order}")
    known = {key for row in rows for key, value in row.items() if value is not None and key not in hidden}
    return Section(
        name,
        title,
        [{key: value for key, value in row.items() if key in known} for row in rows],
        "" if rows else f"None known (or {table} is not published for this role).",
    )

"""A figure and a pain point are explained from the role's file: what they mean, and where they come from."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from rich.console import Console

from governance.access import Column, Publication, Role
from governance.errors import PolicyError, UsageError
from governance.metrics import Metric, about
from orchestration.explaining.commands import explain_to
from orchestration.moments import moment, period_of
from orchestration.serving.behind import JUDGED_SCHEMA, RESTATEMENTS_SCHEMA, Behind
from orchestration.serving.metrics import Question
from orchestration.serving.publishing import publish
from orchestration.serving.telling import measure, show
from orchestration.stages.field_lineage import Lineage

AS_OF = datetime(2026, 3, 20, tzinfo=UTC)
ORIGIN = "'run-7' as run_id, timestamptz '2026-03-20 00:00:00+00' as as_of, 'd3f' as definition_hash"
WAREHOUSE = f"""
    set timezone = 'UTC';
    create schema marts;
    create table marts.fct_ticket_days as select *, {ORIGIN} from (values
        (date '2026-03-14', 'cart', 4), (date '2026-03-15', 'cart', 2), (date '2026-03-15', 'pay', 9),
        (date '2026-03-17', 'cart', 1)
    ) as d (event_date, service, created_count);
    create table marts.fct_tickets as select *, {ORIGIN} from (values
        (timestamptz '2026-03-15 10:00:00+00', '1', 'cart', 'account_x', 'It is slow'),
        (timestamptz '2026-03-15 11:00:00+00', '2', 'pay', 'account_y', 'It fails'),
        (timestamptz '2026-03-17 11:00:00+00', '3', 'cart', 'account_x', 'Again')
    ) as t (created_at, ticket_id, service, account_id, subject);
    create table marts.fct_ledger as select * from (values
        ('zendesk', 'tickets', date '2026-03-14', 4, 0, false), ('zendesk', 'tickets', date '2026-03-15', 11, 3, false),
        ('zendesk', 'tickets', date '2026-03-16', 0, 8, true), ('otel', 'logs', date '2026-03-15', 0, 9, true)
    ) as l (source, signal, event_date, checked, quarantined, is_withheld)
    cross join (select 0 as released, 0 as discarded, 0 as held, null::bigint as sampled);
    create table marts.fct_gate_results as select * from (values
        ('zendesk', 'tickets', date '2026-03-15', 'few_rows_fail', 14, 3, false, true, 2),
        ('zendesk', 'tickets', date '2026-03-16', 'few_rows_fail', 8, 8, false, false, null),
        ('zendesk', 'tickets', date '2026-03-14', 'few_rows_fail', 4, 0, true, false, null)
    ) as g (source, signal, event_date, expectation, evaluated, failed, is_passed, is_waived, waiver)
    cross join (select 'ben@example.com' as waiver_approved_by, 'export was broken' as waiver_reason,
        timestamptz '2026-04-01 00:00:00+00' as waiver_expires_at);
    create table marts.rpt_pain_points as select *, {ORIGIN} from (values
        ('4857aa', 1, 'checkout is slow', 'ticket', 'cart', 33.0, 3.0, 11.0, 2),
        ('4857bb', 2, 'payment fails', 'ticket', 'pay', 9.0, 1.0, 9.0, 1)
    ) as p (pain_point_id, rank, title, problem_kind, service, score, reach, impact, evidence_count)
    cross join (select null as operation, null as dependency, null as template, null as incident_id,
        'd1' as deployment_id, null as fix_deployment_id, timestamptz '2026-03-14 09:00:00+00' as started_at,
        null::timestamptz as ended_at, timestamptz '2026-03-16 09:00:00+00' as last_seen_at);
    create table marts.fct_pain_point_evidence as select *, {ORIGIN} from (values
        ('4857aa', 'symptom', 'ticket_theme', 't1', 'slow cart', 2), ('4857bb', 'cause', 'deployment', 'd1', 'd1', null)
    ) as e (pain_point_id, evidence_role, evidence_kind, evidence_id, evidence_name, observed_count);
    create table marts.fct_deployments as select 'd1' as deployment_id, 'cart' as service,
        timestamptz '2026-03-14 08:00:00+00' as created_at, {ORIGIN};
"""
SAID = {
    "unit": "tickets",
    "owner": "support@example.com",
    "direction": "down",
    "review": "weekly",
    "version": 3,
    "figure": "exact",
    "no_data": "no ticket was created",
    "do_not_use_for": "satisfaction",
}
CREATED = Metric(
    name="tickets_created",
    label="Tickets created",
    description="Tickets, by the day they were created",
    about=about("tickets_created", SAID),
    table="fct_ticket_days",
    time="event_date",
    dimensions=("service",),
    columns=("event_date", "service", "created_count"),
    declared_in="dbt_project/models/metrics/_support__metrics.yml",
    query='select {keys}, sum(created_count) as value from (select {select_keys}, * from "fct_ticket_days"'
    " where {where}) group by {keys}",
)
OF_EACH = CREATED.model_copy(update={"name": "of_each", "about": about("of_each", {**SAID, "always_by": ["service"]})})
LINEAGE = Lineage(
    {
        "marts.fct_ticket_days": {"service": [("staging.stg", "service")], "created_count": []},
        "marts.fct_tickets": {"subject": [("staging.stg", "subject")]},
        "staging.stg": {"service": [("lake.tickets", "service")], "subject": [("lake.tickets", "subject")]},
    }
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What was published for a clerk, who sees no subject of a ticket and no account."""
    with duckdb.connect(str(tmp_path / "feedback.duckdb")) as connection:
        connection.execute(WAREHOUSE)
        found = connection.execute("select table_name, column_name from duckdb_columns() where schema_name = 'marts'")
        columns: dict[str, list[Column]] = {}
        for table, column in found.fetchall():
            if column != "subject" and table not in ("fct_ledger", "fct_gate_results"):
                columns.setdefault(table, []).append(Column(column, "blank" if column == "account_id" else None))
    role = Role("clerk", "", tuple(Publication(name, f"marts.{name}", tuple(of)) for name, of in columns.items()))
    judged = [("zendesk", "tickets", date(2026, 3, 15), AS_OF)]
    why = ("release", "zendesk/tickets", AS_OF, AS_OF)
    restated = [
        ("tickets_created", None, None, date(2026, 3, 15), 8.0, 11.0, *why),
        ("tickets_created", "service", "pay", date(2026, 3, 15), 6.0, 9.0, *why),
        ("of_each", None, "pay", date(2026, 3, 15), 6.0, 9.0, *why),
        ("of_each", None, "cart", date(2026, 3, 15), 2.0, 3.0, *why),
    ]
    behind = Behind(
        LINEAGE.of_role(role),
        pl.DataFrame(judged, JUDGED_SCHEMA, orient="row"),
        pl.DataFrame(restated, RESTATEMENTS_SCHEMA, orient="row"),
        {"tickets_created": ["tickets"]},
    )
    publish(tmp_path / "feedback.duckdb", tmp_path / "clerk.duckdb", role, AS_OF, [CREATED, OF_EACH], behind)
    return tmp_path / "clerk.duckdb"


def explained(
    file: Path, capsys: pytest.CaptureFixture[str], *what: str, by: tuple[str, ...] = (), at: str = ""
) -> dict[str, list[dict[str, object]]]:
    """The rows of each section."""
    explain_to(Console(), file, what[0], what[1] if len(what) > 1 else "", by, at, "json")
    return {name: section["rows"] for name, section in json.loads(capsys.readouterr().out).items()}


def test_a_figure_is_told_with_its_definition_and_the_sql_that_gives_it(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = explained(file, capsys, "tickets_created", by=("service=cart",), at="2026-W11")
    (figure,) = told["figure"]
    assert (figure["value"], figure["run"], figure["hash of the models"]) == (6, "run-7", "d3f")
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute(str(figure["SQL"])).fetchall() == [(6,)]
    (definition,) = told["definition"]
    assert (definition["version"], definition["hash of the formula"]) == (3, CREATED.formula_hash)


def test_lineage_goes_back_to_the_landed_field_and_names_its_treatment(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_column = {row["column"]: row for row in explained(file, capsys, "tickets_created")["lineage"]}
    assert by_column["service"]["landed fields (treatment)"] == "tickets.service (keep)"
    assert by_column["service"]["through"] == "marts.fct_ticket_days < staging.stg < lake.tickets"


def test_the_days_behind_a_figure_are_those_of_its_signals_and_its_time(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = explained(file, capsys, "tickets_created", at="2026-03")
    (tickets,) = told["days"]
    assert {name: tickets[name] for name in ("data set", "passed", "waived", "withheld", "quarantined")} == {
        "data set": "zendesk/tickets", "passed": 1, "waived": 1, "withheld": 1, "quarantined": 11
    }  # fmt: skip
    waived, withheld = told["days_to_know_of"]
    assert (waived["gate"], withheld["gate"]) == ("waived", "withheld")
    assert waived["waived"] == (
        "few_rows_fail by waiver 2, approved by ben@example.com until 2026-04-01 00:00 UTC: export was broken"
    )
    assert explained(file, capsys, "tickets_created", at="2026-02")["days"] == []


@pytest.mark.parametrize(("by", "values"), [((), [(8, 11)]), (("service=pay",), [(6, 9)]), (("service=cart",), [])])
def test_restatements_are_those_of_the_figure(
    file: Path, capsys: pytest.CaptureFixture[str], by: tuple[str, ...], values: list[tuple[int, int]]
) -> None:
    told = explained(file, capsys, "tickets_created", by=by)["restatements"]
    assert [(row["value_before"], row["value_after"]) for row in told] == values
    assert {row["reason"] for row in told} <= {"release"}
    assert explained(file, capsys, "tickets_created", by=by, at="2026-03-14")["restatements"] == []


def test_restatements_of_what_is_always_told_by_a_dimension_are_those_of_its_value(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = explained(file, capsys, "of_each", by=("service=pay",))["restatements"]
    assert [(row["value_before"], row["value_after"]) for row in told] == [(6, 9)]


def test_a_role_that_sees_some_rows_is_told_no_restatement_over_all_of_them(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "feedback.duckdb")) as connection:
        connection.execute(WAREHOUSE)
    columns = (Column("event_date"), Column("service"), Column("created_count"))
    restated = [("tickets_created", "service", "pay", date(2026, 3, 15), 6.0, 9.0, "release", "", AS_OF, AS_OF)]
    behind = Behind(restatements=pl.DataFrame(restated, RESTATEMENTS_SCHEMA, orient="row"))
    told = {}
    for where in ("", "service = 'cart'"):
        role = Role("clerk", "", (Publication("fct_ticket_days", "marts.fct_ticket_days", columns, where),))
        publish(tmp_path / "feedback.duckdb", tmp_path / "clerk.duckdb", role, AS_OF, [CREATED], behind)
        with duckdb.connect(str(tmp_path / "clerk.duckdb"), read_only=True) as connection:
            told[where] = connection.execute("select dimension_value from restatements").fetchall()
    assert told == {"": [("pay",)], "service = 'cart'": []}


def test_example_rows_are_of_the_figure_and_hold_what_the_role_may_see(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = explained(file, capsys, "tickets_created", by=("service=cart",), at="2026-W11")["examples_tickets"]
    assert [(row["ticket_id"], set(row)) for row in rows] == [("1", {"created_at", "ticket_id", "service"})]


def test_a_pain_point_is_told_with_its_score_changes_days_and_rows(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = explained(file, capsys, "problem", "4857a")
    assert told["problem"][0]["title"] == "checkout is slow"
    assert told["score"] == [{"rank": 1, "score": 33.0, "reach": 3.0, "impact": 11.0}]
    assert told["caused_by"][0]["deployment_id"] == "d1"
    assert [(row["evidence_name"], row["observed_count"]) for row in told["supported_by"]] == [("slow cart", 2)]
    assert [day["gate"] for day in told["days_to_know_of"]] == ["waived", "withheld"]
    assert [row["ticket_id"] for row in told["examples_tickets"]] == ["1"]
    assert explained(file, capsys, "problem", "1") == told  # by its rank, which lists show


@pytest.mark.parametrize(
    ("what", "by", "at", "said"),
    [
        (("ticket_created",), (), "", "did you mean tickets_created"),
        (("tickets_created",), ("services=cart",), "", "no dimension services; did you mean service"),
        (("tickets_created",), ("service",), "", "expected DIMENSION=VALUE"),
        (("tickets_created",), ("service=a", "service=b"), "", "--by service=b: given twice"),
        (("of_each",), (), "", "metric of_each: says nothing over service; add --by service=VALUE"),
        (("tickets_created", "x"), (), "", "expected one metric, or `problem` and an id"),
        (("problem",), (), "", "name one by its rank or id; allowed: 4857aa, 4857bb"),
        (("problem", "4857"), (), "", "pain point 4857: 2 begin so"),
        (("problem", "9"), (), "", "pain point 9: neither a rank nor an id; allowed: 4857aa, 4857bb"),
        (("problem", "4857a"), (), "2026-03", "--by and --at are of metrics"),
    ],
)
def test_what_does_not_exist_is_told_with_what_does(
    file: Path, what: tuple[str, ...], by: tuple[str, ...], at: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        explain_to(Console(), file, what[0], what[1] if len(what) > 1 else "", by, at)
    assert said in str(caught.value)


def test_a_value_is_no_sql(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(file, capsys, "tickets_created", by=("service=x' or 'a'='a",))["figure"][0]["value"] is None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-03-14", "2026-03-14", "2026-03-14"),
        ("2026-W12", "2026-03-16", "2026-03-22"),
        ("2026-W01", "2025-12-29", "2026-01-04"),  # ISO: the week of the year's first Thursday
        ("2026-02", "2026-02-01", "2026-02-28"),
    ],
)
def test_a_period_is_its_first_and_last_day(text: str, first: str, last: str) -> None:
    assert period_of(text, "--at") == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize("text", ["2026", "2026-W60", "2026-13", "yesterday", "9999-W52", "0000-W01", "0000-01"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match="expected a day, week or month"):
        period_of(text, "--at")


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01T00:00+14:00", "9999-12-31T23:00-14:00"])
def test_what_is_no_time_in_utc_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match="expected an ISO date or time"):
        moment(text)


@pytest.mark.parametrize(
    ("since", "notes"),
    [
        (
            None,
            ["waived: zendesk/tickets 2026-03-15: few_rows_fail by waiver 2", "withheld: zendesk/tickets 2026-03-16"],
        ),
        (date(2026, 3, 16), ["withheld: zendesk/tickets 2026-03-16"]),
        (date(2026, 3, 17), []),
    ],
)
def test_a_metric_is_told_with_the_days_in_it_that_were_waived_or_withheld(
    file: Path, since: date | None, notes: list[str]
) -> None:
    out = io.StringIO()
    measure(Console(file=out, width=200), file, Question("tickets_created", since=since))
    told = [line for line in out.getvalue().splitlines() if line.startswith(("waived", "withheld"))]
    assert [line[: len(note)] for line, note in zip(told, notes, strict=True)] == notes


@pytest.mark.parametrize(
    ("since", "until", "grain", "marked", "note"),
    [
        # the gate let 14 and 15 March in
        (
            *(None, None, "week", ["2026-03-09*", "2026-03-16*"]),
            "* only part of the week: days from 2026-03-14 to 2026-03-15 are counted",
        ),
        (date(2026, 3, 14), date(2026, 3, 14), "month", ["2026-03-01*"], "month: days from 2026-03-14 to 2026-03-14"),
        (None, None, "day", [], None),
    ],
)
def test_a_part_of_a_period_is_marked(
    file: Path, since: date | None, until: date | None, grain: str, marked: list[str], note: str | None
) -> None:
    out = io.StringIO()
    question = Question("tickets_created", grain=grain, since=since, until=until)
    measure(Console(file=out, width=200), file, question)
    assert re.findall(r"2026-\d\d-\d\d\*", out.getvalue()) == marked
    assert ("only part of" in out.getvalue()) is (note is not None)
    assert (note or "") in out.getvalue()


@pytest.mark.parametrize(
    ("signal", "gap", "marked"),
    [
        ("tickets", "verdict = 'withheld'", ["2026-03-16*"]),
        ("spans", "verdict = 'withheld'", ["2026-03-16*"]),
        ("spans", None, ["2026-03-16*"]),  # telemetry speaks every day
        ("tickets", None, []),  # nobody wrote
        ("spans", "verdict = 'waived'", []),
    ],
)
def test_a_period_is_marked_that_lacks_a_day_in_its_middle(
    file: Path, signal: str, gap: str | None, marked: list[str]
) -> None:
    """All days of two weeks passed, save Wednesday, 18 March."""
    wednesday = "where event_date = date '2026-03-18'"
    with duckdb.connect(str(file)) as connection:
        connection.execute("delete from gate_days")
        connection.execute(
            "insert into gate_days (source, signal, event_date, verdict) select 'any', ?, cast(day as date), 'passed'"
            " from range(timestamp '2026-03-09', timestamp '2026-03-23', interval 1 day) as days (day)",
            [signal],
        )
        connection.execute(f"update gate_days set {gap} {wednesday}" if gap else f"delete from gate_days {wednesday}")
        connection.execute("update metrics set signals = [?]", [signal])
    out = io.StringIO()
    measure(Console(file=out, width=200), file, Question("tickets_created", grain="week"))
    assert re.findall(r"2026-\d\d-\d\d\*", out.getvalue()) == marked
    assert ("of 1 of them not everything is known" in out.getvalue()) is bool(marked)


def test_what_is_negative_has_no_bar(file: Path) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute("update fct_ticket_days set created_count = -created_count")
    out = io.StringIO()
    measure(Console(file=out, width=200, force_terminal=True), file, Question("tickets_created", grain="day"))
    assert "0 to 1, in all rows" in out.getvalue()
    assert "█" not in out.getvalue()


def test_bars_say_their_scale(file: Path) -> None:
    out = io.StringIO()
    measure(Console(file=out, width=200, force_terminal=True), file, Question("tickets_created", grain="day"))
    assert re.search(r"0 to \d+, in all rows", out.getvalue())


def test_a_metric_without_a_target_says_that_none_was_agreed(file: Path) -> None:
    out = io.StringIO()
    show(Console(file=out, width=200), file, "tickets_created")
    assert re.search(r"target +none agreed", out.getvalue())

"""The default company: what was planted is found and named, and every record is accounted for."""

import re

import dagster as dg
import pytest


def test_the_run_ends_with_a_screen_a_person_can_read(company):
    screen = company.printed.stdout
    worst = company.rows("select title from rpt_pain_points order by rank limit 1")[0][0]
    assert " ".join(worst.split()[:4]) in " ".join(screen.split())
    assert "feedback query" in screen or "make ui" in screen or "feedback ui" in screen
    assert "Traceback" not in screen + company.printed.stderr


def test_every_ledger_balances_to_the_row(company):
    rows = company.dicts("select * from fct_ledger")
    assert len(rows) > 42
    for row in rows:
        assert row["pulled"] == row["malformed"] + row["duplicates"] + row["held"] + row["anonymized"], row
        assert row["anonymized"] == row["checked"] + row["quarantined"] + row["discarded"] + row["withheld"], row
        if row["sampled"] is not None:
            assert row["checked"] == row["sampled"] + row["sampled_out"], row
        assert row["is_balanced"], row


def test_every_record_that_was_written_was_pulled(company):
    written = company.truth["totals"]
    pulled = dict(company.rows("select signal, sum(pulled - malformed) from fct_ledger group by signal"))
    for signal in ("spans", "logs"):
        assert pulled[signal] == written[signal]


def test_rollups_count_every_span_and_the_sample_stands_for_them(company):
    total = company.rows("select sum(checked) from fct_ledger where signal = 'spans'")[0][0]
    assert company.rows("select sum(span_count) from fct_service_health")[0][0] == total


def test_every_planted_problem_is_among_the_first_five_and_named(company, planted):
    planted.assert_found(company)


def test_the_evidence_of_every_planted_problem_names_what_was_planted(company, planted):
    planted.assert_supported(company)


def test_the_traces_that_are_evidence_are_kept_and_leads_do_not_see_them(company):
    traces = "select count(*) from fct_pain_point_evidence where evidence_kind = 'trace'"
    kept = f"{traces} and evidence_id in (select trace_id from sampled_spans)"
    assert company.rows(kept, "analyst") == company.rows(traces, "analyst") != [(0,)]
    assert company.rows(traces, "lead") == [(0,)]


def test_the_harmless_noise_is_not_among_the_first_ten(company, planted):
    planted.assert_noise_is_low(company)


def test_a_problem_is_charged_with_what_it_cost_its_journeys_and_not_with_what_others_cost(company):
    """Carts fail all the while, which no paying journey minds; amid that, checkout is slow and payments fail."""
    sql = "select distinct journey, unit_value from fct_journey_outcomes where unit_value is not null"
    worths = dict(company.rows(sql))
    planted = {
        fault["service"]: sum(count * worths.get(journey, 0) for journey, count in fault["journeys"].items())
        for fault in company.truth["faults"]
    }
    valued = company.dicts("select * from rpt_pain_points where value_lost is not null")
    assert {row["service"] for row in valued} >= {"cart", "checkout", "payment"}
    for row in valued:
        assert row["value_lost_low"] <= row["value_lost"] <= row["value_lost_high"]
        assert row["value_lost"] == pytest.approx(planted[row["service"]], rel=0.15), row["service"]


def test_a_role_reads_only_what_its_policy_gives_it(company):
    steward = {name for (name,) in company.rows("select table_name from duckdb_tables()", "steward")}
    analyst = {name for (name,) in company.rows("select table_name from duckdb_tables()", "analyst")}
    assert "rpt_pain_points" in steward & analyst
    assert analyst < steward


@pytest.mark.parametrize("output", ["table", "csv", "json"])
def test_an_analyst_asks_on_the_command_line(company, output):
    sql = "select rank, service from rpt_pain_points order by rank limit 3"
    done = company.feedback("query", sql, "--role", "analyst", "--format", output)
    assert re.search(r"\b1\b", done.stdout)


def test_the_doctor_finds_nothing_wrong(company):
    done = company.feedback("doctor", check=False)
    assert done.returncode == 0, done.stdout


def test_the_report_says_what_the_marts_say(company):
    page = (company.root / "reports" / "status.html").read_text()
    for (name,) in company.rows("select service from rpt_pain_points order by rank limit 5"):
        assert name in page
    assert len(page) < 2_000_000
    assert not re.findall(r"""(?:src|href)=["']https?://""", page)


def test_a_steward_sees_which_columns_each_figure_is_made_of(company, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(company.root / "dagster"))
    monkeypatch.setenv("FEEDBACK_HOME", str(company.root))
    with dg.DagsterInstance.from_config(str(company.root / "dagster")) as instance:
        keys = {key.path[-1]: key for key in instance.all_asset_keys()}
        told = {}
        for name in ("rpt_pain_points", "fct_tickets", "stg_lake__tickets"):
            made = instance.get_latest_materialization_event(keys[name]).asset_materialization
            told[name] = made.metadata["dagster/column_lineage"].value.deps_by_column
    owner = [(dep.asset_key.path[-1], dep.column_name) for dep in told["rpt_pain_points"]["owner_team"]]
    assert owner == [("int_problem_states", "owner_team")]
    assert {dep.asset_key for deps in told["rpt_pain_points"].values() for dep in deps} <= set(keys.values())
    assert told["fct_tickets"]["ticket_id"][0].column_name == "ticket_id"
    assert told["stg_lake__tickets"]["ticket_id"][0].asset_key == dg.AssetKey(["lake", "tickets"])

"""Budgets, burn alerts and incident times say what a row-by-row count in plain Python says, for made-up worlds."""

from __future__ import annotations

import csv
import json
import math
import random
import statistics
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from jinja2 import Environment
from scipy.stats import CensoredData, ecdf

from governance.slos import SlosPolicy, load_slos
from orchestration.settings import PROJECT
from tests.integration.pain_point_world import lake_of
from tests.integration.reading import asked, differing, product_limit, rows_of
from tests.integration.reliability_world import AS_OF, LAST, MINUTE, World, generated

WORLDS = {
    "minutes and hours": (1, {}),
    "days too": (2, {"hours_kept_for_days": 25}),
    "hours from yesterday on": (3, {"minutes_kept_for_days": 0}),
}


@pytest.fixture(scope="module", params=WORLDS)
def world(request, tmp_path_factory):
    seed, grains = WORLDS[request.param]
    made = generated(seed, **grains)
    return made, made.built(tmp_path_factory.mktemp("reliability"))


def test_days_are_counted(world):
    made, warehouse = world
    found = rows_of(warehouse, "fct_slo_days", "slo", "service", "event_date")
    assert differing(found, made.slo_days()) == []


def test_budgets_are_counted(world):
    made, warehouse = world
    found = rows_of(warehouse, "fct_slo_budgets", "slo", "service")
    assert differing(found, made.budgets()) == []
    assert {row["evaluated_at"] for row in found.values()} == {AS_OF.replace(minute=0)}
    assert all(row["burn_rate"] is None or row["remaining_ratio"] == 1 - row["burn_rate"] for row in found.values())


def test_alerts_are_counted(world):
    made, warehouse = world
    found = rows_of(warehouse, "fct_slo_burn_alerts", "slo", "service", "severity", "long_minutes")
    assert differing(found, made.alerts()) == []


def test_the_worlds_show_every_branch():
    reasons, firing = set(), set()
    for seed, grains in WORLDS.values():
        made = generated(seed, **grains)
        alerts = made.alerts().values()
        for row in (*made.slo_days().values(), *made.budgets().values(), *alerts):
            reasons.add(row["no_figure_reason"])
        firing |= {row["is_firing"] for row in alerts}
    assert firing == {True, False, None}
    assert reasons >= {None, "no_data", "no_requests", "only_maintenance", "rollups_too_coarse", "factor_out_of_reach"}
    assert "too_few_requests" in reasons


def told_times(made):
    """Durations by measure, service, urgency and month, with whether they are over; and how many are unknown."""
    incidents = defaultdict(list)
    for row in made.incidents:
        incidents[row["incident_id"]].append(row)
    times, unknown = defaultdict(list), defaultdict(int)
    for entries in incidents.values():
        first = {kind: min((e["event_at"] for e in entries if e["entry_type"] == kind), default=None)
                 for kind in ("trigger", "acknowledge", "mitigate", "resolve")}  # fmt: skip
        started, detected = entries[0]["started_at"], first["trigger"]
        spans = {"detect": (started, detected)} | {
            kind: (detected, first[kind]) for kind in ("acknowledge", "mitigate", "resolve")
        }
        for measure, (begin, end) in spans.items():
            key = (measure, entries[0]["service"], entries[0]["urgency"], detected.date().replace(day=1))
            if begin is not None and end is not None and end >= begin:
                times[key].append(((end - begin) / MINUTE, True))
            elif measure != "detect" and end is None and first["resolve"] is None:
                times[key].append(((made.as_of - detected) / MINUTE, False))
            else:
                unknown[key] += 1
    return times, unknown


def test_incident_times_are_counted(world):
    made, warehouse = world
    found = rows_of(warehouse, "fct_incident_times", "measure", "service", "urgency", "month_start_date")
    times, unknown = told_times(made)
    expected = {
        key: {
            "incident_count": len(times[key]) + unknown[key],
            "ended_count": sum(is_event for _, is_event in times[key]),
            "open_count": sum(not is_event for _, is_event in times[key]),
            "unknown_count": unknown[key],
            "median_minutes": product_limit(times[key], 0.5),
            "p90_minutes": product_limit(times[key], 0.1),
        }
        for key in {*times, *unknown}
    }
    assert differing(found, expected) == []
    assert any(row["no_median_reason"] == "not_reached" for row in found.values())


@pytest.mark.parametrize("measure", ["detect", "acknowledge", "mitigate", "resolve"])
def test_the_metric_of_incident_times_says_what_the_mart_says(world, measure):
    _, warehouse = world
    rows = rows_of(warehouse, "fct_incident_times", "measure", "service", "urgency", "month_start_date")
    expected = {
        (key[3], key[1], key[2]): row["median_minutes"]
        for key, row in rows.items()
        if key[0] == measure and row["ended_count"] > 0
    }
    assert asked(warehouse, f"time_to_{measure}_median", "service", "urgency", grain="month") == expected


def test_burn_rates_of_days_add_up_to_those_of_longer_periods(world):
    made, warehouse = world
    expected = defaultdict(lambda: [0, Fraction(0)])
    for (slo, service, day), row in made.slo_days().items():
        if row["counted_count"]:
            version = next(one for one, _ in made.in_force(day) if one.name == slo)
            expected[day.replace(day=1), slo, service][0] += row["bad_count"]
            expected[day.replace(day=1), slo, service][1] += row["counted_count"] * (
                1 - Fraction(str(version.objective))
            )
    found = asked(warehouse, "slo_burn_rate", "slo", "service", grain="month")
    assert {key: value for key, value in found.items() if value is not None} == {
        key: pytest.approx(float(bad / allowed), rel=1e-9) for key, (bad, allowed) in expected.items()
    }


def kaplan_meier(rows, percents=(50, 90)):
    """What the macro makes of rows of a key, a duration and whether it is an event."""
    source = (PROJECT / "dbt_project" / "macros" / "reliability.sql").read_text()
    macro = Environment(extensions=["jinja2.ext.do"]).from_string(source).module.kaplan_meier
    with duckdb.connect() as connection:
        connection.execute("create table given (key integer, duration double, is_event boolean)")
        connection.executemany("insert into given values (?, ?, ?)", rows)
        found = connection.execute(macro("given", ["key"], list(percents))).fetchall()
    return {key: values for key, *values in found}


def quantile_of(curve, left):
    """The same reading of scipy's curve of survival."""
    shares = [1.0, *curve.probabilities]
    steps = [
        (time, share)
        for time, before, share in zip(curve.quantiles, shares, curve.probabilities, strict=False)
        if share < before - 1e-12  # nothing ended where it stays
    ]
    at = [place for place, (_, share) in enumerate(steps) if share <= left + 1e-9]
    if not at:
        return None
    first = at[0]
    if abs(steps[first][1] - left) <= 1e-9 and first + 1 < len(steps):
        return (steps[first][0] + steps[first + 1][0]) / 2
    return steps[first][0]


def test_medians_of_censored_times_are_those_of_scipys_curve():
    chance = random.Random(7)
    samples = {}
    for key in range(300):
        size = chance.randint(1, 40)
        samples[key] = [
            (float(chance.randint(0, 25)), chance.random() < chance.choice((0.3, 0.7, 1))) for _ in range(size)
        ]
    found = kaplan_meier([(key, *row) for key, rows in samples.items() for row in rows])
    reached = 0
    for key, rows in samples.items():
        data = CensoredData(
            uncensored=[time for time, is_event in rows if is_event],
            right=[time for time, is_event in rows if not is_event],
        )
        curve = ecdf(data).sf
        expected = [quantile_of(curve, left) for left in (0.5, 0.1)]
        assert found.get(key, [None, None]) == [None if e is None else pytest.approx(e) for e in expected], rows
        reached += expected[0] is not None
    assert 100 < reached < 300


def test_without_open_ones_it_is_the_median_of_everyday_use():
    chance = random.Random(8)
    samples = {key: [chance.randint(0, 50) for _ in range(chance.randint(1, 30))] for key in range(100)}
    found = kaplan_meier([(key, time, True) for key, times in samples.items() for time in times])
    assert {key: values[0] for key, values in found.items()} == {k: statistics.median(v) for k, v in samples.items()}


def test_leaving_out_open_incidents_would_make_them_look_shorter():
    rows = [(1, 10.0, True), (1, 20.0, True), (1, 30.0, True), (1, 500.0, False), (1, 500.0, False)]
    assert kaplan_meier(rows)[1] == [30.0, None]
    assert statistics.median([10, 20, 30]) == 20


def policy_of(*objectives, maintenance=()):
    shipped = load_slos().model_dump()
    return SlosPolicy.model_validate({**shipped, "objectives": list(objectives), "maintenance": list(maintenance)})


UP = {"name": "up", "kind": "availability", "service": "cart", "objective": 0.99, "valid_from": "2026-01-01"}


def entry(number, kind, minutes, **own):
    at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    shared = {"incident_id": str(number), "record_id": f"{number}:{kind}", "entry_type": kind, "event_at": at}
    return {**shared, "created_at": datetime(2026, 3, 1, tzinfo=UTC), "service": "cart", **own}


def test_without_telemetry_budgets_say_so_and_odd_incidents_are_null_with_a_reason(tmp_path):
    incidents = [
        entry("never resolved", "trigger", 0),
        entry("started late", "trigger", 0, started_at=datetime(2026, 3, 1, 5, tzinfo=UTC)),
        entry("started late", "resolve", 60, started_at=datetime(2026, 3, 1, 5, tzinfo=UTC)),
    ]
    world = World([], [], policy_of(UP), incidents)
    warehouse = world.built(tmp_path)
    assert rows_of(warehouse, "fct_slo_days", "slo", "service", "event_date") == {}
    budget = rows_of(warehouse, "fct_slo_budgets", "slo", "service")["up", "cart"]
    assert (budget["remaining_ratio"], budget["counted_count"], budget["no_figure_reason"]) == (None, None, "no_data")
    alerts = rows_of(warehouse, "fct_slo_burn_alerts", "slo", "service", "severity", "long_minutes").values()
    assert {(row["is_firing"], row["no_figure_reason"]) for row in alerts} == {(None, "no_data")}
    found = rows_of(warehouse, "fct_incidents", "incident_id")
    never, late = found["never resolved",], found["started late",]
    assert (never["is_open"], never["open_minutes"]) == (True, (AS_OF - datetime(2026, 3, 1, tzinfo=UTC)) / MINUTE)
    assert (never["time_to_resolve_minutes"], never["no_time_to_resolve_reason"]) == (None, "open")
    assert (late["time_to_detect_minutes"], late["no_time_to_detect_reason"]) == (None, "wrong_order")
    assert late["time_to_resolve_minutes"] == 60


def test_maintenance_of_a_whole_day_leaves_no_figure_and_is_shown(tmp_path):
    day = LAST - timedelta(days=1)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    row = {
        "service": "cart",
        "operation": "pay",
        "kind": "server",
        "grain": "minute",
        "span_count": 10,
        "error_count": 10,
    }
    window = {"service": "*", "from": noon - timedelta(hours=12), "to": noon + timedelta(hours=12), "reason": "move"}
    world = World(
        [{**row, "period_start_at": noon}, {**row, "period_start_at": noon - timedelta(days=1), "error_count": 0}],
        [],
        policy_of(UP, maintenance=[{**window, "approved_by": "a@example.com"}]),
        as_of=datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC),
    )
    warehouse = world.built(tmp_path)
    found = rows_of(warehouse, "fct_slo_days", "event_date")[day,]
    assert (found["sli_error_ratio"], found["no_figure_reason"]) == (None, "only_maintenance")
    assert (found["excluded_count"], found["excluded_bad_count"], found["maintenance_minutes"]) == (10, 10, 1440)
    assert (found["maintenance_reasons"], found["maintenance_grain"]) == ("move", "minute")
    budget = rows_of(warehouse, "fct_slo_budgets", "slo")["up",]
    assert (budget["remaining_ratio"], budget["excluded_count"]) == (1, 10)


def test_incident_times_are_those_devlake_makes_of_the_same_answers(real_data, tmp_path):
    """Lead time is created to resolved in whole minutes there; here it keeps its fraction."""
    folder = Path(real_data) / "telemetry" / "incidents" / "devlake_pagerduty"
    csv.field_size_limit(10**7)
    with (folder / "raw_tables" / "_raw_pagerduty_incidents.csv").open() as file:
        answers = [json.loads(row["data"]) for row in csv.DictReader(file)]
    with (folder / "snapshot_tables" / "issues.csv").open() as file:
        issues = {row["issue_key"]: row for row in csv.DictReader(file)}
    (tmp_path / "inbox" / "pagerduty").mkdir(parents=True)
    (tmp_path / "inbox" / "pagerduty" / "incidents-1.json").write_text(json.dumps({"incidents": answers}))
    incidents = lake_of(tmp_path / "inbox")["incidents"][0].to_dicts()
    as_of = datetime(2022, 11, 4, tzinfo=UTC)
    found = rows_of(World([], [], policy_of(), incidents, as_of).built(tmp_path), "fct_incidents", "incident_id")
    assert len(found) == len(issues) == 3
    for answer in answers:
        ours, theirs = found[answer["id"],], issues[str(answer["incident_number"])]
        assert ours["is_open"] == (theirs["status"] != "DONE")
        assert (ours["resolved_at"] is None) == (theirs["resolution_date"] == "")
        lead = ours["time_to_resolve_minutes"]
        assert ("" if lead is None else str(math.floor(lead))) == theirs["lead_time_minutes"]
        assert ours["detected_at"] == datetime.fromisoformat(theirs["created_date"])
        assert (ours["acknowledged_at"] is not None) >= (theirs["status"] == "IN_PROGRESS")

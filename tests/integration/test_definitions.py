"""Every asset can be understood in the UI, and both ways of loading the code work."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs.partitions import DAYS
from orchestration.sources.values import EARLIEST

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def definitions():
    from orchestration.definitions import defs
    from orchestration.settings import enter, home

    enter(home())
    return defs()


@pytest.fixture(scope="module")
def specs(definitions):
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_every_asset_has_description_owner_group_and_kinds(specs):
    lacking = {
        key: [name for name in ("description", "owners", "group_name", "kinds") if not getattr(spec, name)]
        for key, spec in specs.items()
    }
    assert {key: names for key, names in lacking.items() if names} == {}


@pytest.mark.parametrize(
    "key",
    [
        *("received/otel", "landing/otel/spans", "landing/otel/logs", "landing/zendesk/tickets"),
        *("anonymized/zendesk/ticket_events", "checked/github/deployments", "checked/pagerduty/incidents"),
        *("traits/otel/spans", "rollups/otel/logs", "sampled/otel/spans", "lake/spans", "published/analyst"),
        *("rpt_pain_points", "fct_service_health", "report/status", "retention/proofs"),
    ],
)
def test_the_flow_has_the_asset(specs, key):
    assert any(found == key or found.endswith(f"/{key}") for found in specs)


def test_every_stage_has_a_group_of_its_own(specs):
    groups = {spec.group_name for spec in specs.values()}
    assert {"ingest", "anonymize", "gate", "sample", "transform", "publish", "report", "retain"} <= groups
    assert "default" not in groups


def test_partitions_include_today(specs):
    today = datetime.now(UTC).date().isoformat()
    assert specs["landing/otel/spans"].partitions_def.get_last_partition_key() == today


def test_what_is_received_has_a_partition_however_old_it_is(specs):
    assert specs["landing/otel/spans"].partitions_def.get_first_partition_key() == EARLIEST.date().isoformat()


@pytest.mark.parametrize(
    "now",
    [
        None,
        datetime(1999, 12, 31, tzinfo=UTC),
        datetime(2000, 1, 1, 5, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, tzinfo=UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
    ],
)
def test_the_keys_of_partitions_are_those_that_dagster_counts(now):
    daily = dg.DailyPartitionsDefinition(start_date="2000-01-01", end_offset=1)
    assert list(DAYS.get_partition_keys(now)) == list(daily.get_partition_keys(now))


def test_every_expectation_is_a_check_of_its_asset(definitions):
    from governance.quality import OWN_FACTS, load_source_suites

    checks = {(key.asset_key.to_user_string(), key.name) for key in definitions.resolve_asset_graph().asset_check_keys}
    for dataset, suite in load_source_suites().items():
        names = [*(expectation.name for expectation in suite.expectations), *OWN_FACTS]
        assert {(f"checked/{dataset}", name) for name in names} <= checks


def test_every_anonymized_asset_has_the_checks_of_leaks_and_drift(definitions, specs):
    checks = {(key.asset_key.to_user_string(), key.name) for key in definitions.resolve_asset_graph().asset_check_keys}
    anonymized = [key for key in specs if key.startswith("anonymized/")]
    assert anonymized
    assert {
        (key, name)
        for key in anonymized
        for name in ("leak_rate_is_low", "hit_rates_are_steady", "fields_are_classified")
    } <= checks


def test_what_was_published_has_a_freshness_policy(specs):
    assert all(spec.freshness_policy for key, spec in specs.items() if key.startswith("published/"))


def test_secrets_are_no_resource_fields(definitions):
    for resource in (definitions.resources or {}).values():
        assert not isinstance(resource, dg.ConfigurableResource) or "key" not in type(resource).model_fields


@pytest.mark.parametrize(
    "words", [["dagster", "definitions", "validate", "-w", "workspace.yaml"], ["dg", "check", "defs"]]
)
def test_the_code_location_loads(words):
    done = subprocess.run(
        [SCRIPTS / words[0], *words[1:]], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_code_location_loads_without_scikit_learn():
    code = "import sys; from orchestration.definitions import defs; defs(); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (None, "dbt failed on its start; "),
        (
            [("model.x.fct_a", "success"), ("model.x.fct_b", "error"), ("test.x.c", "fail")],
            "on model.x.fct_b, test.x.c; ",
        ),
    ],
)
def test_a_failed_build_names_what_failed_and_the_log_of_that_build(definitions, tmp_path, results, said):
    from orchestration.defs.transform.assets import build_failure

    if results:
        told = {"results": [{"unique_id": name, "status": status} for name, status in results]}
        (tmp_path / "run_results.json").write_text(json.dumps(told))
    assert f"{said}{tmp_path}/dbt.log says why" in str(build_failure(tmp_path))

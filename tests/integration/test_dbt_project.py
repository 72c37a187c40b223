"""What every model of the dbt project has: an owner, a grain, a contract, columns that say what they are, and a use."""

import json
import re
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from governance.access import load_access
from governance.policy import config_file
from governance.signals import SIGNALS
from orchestration.defs.transform.model_lineage import ModelLineage
from orchestration.serving.catalogue import load_catalogue
from orchestration.settings import PROJECT
from orchestration.stages.field_lineage import Lineage, personal_fields, signals_of, unmarked
from orchestration.stages.warehousing import COPIED_TABLES, LAKE_TABLES, lake_columns
from tests.integration.pain_point_world import build, fill_warehouse

AUDIT = ["run_id", "as_of", "definition_hash"]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The folder of the project compiled on an empty warehouse."""
    folder = tmp_path_factory.mktemp("dbt")
    warehouse = folder / "feedback.duckdb"
    fill_warehouse(warehouse, {})
    assert build(warehouse, command="compile") == []
    return folder


@pytest.fixture(scope="module")
def manifest(compiled):
    return json.loads((compiled / "dbt" / "manifest.json").read_text())


@pytest.fixture(scope="module")
def models(manifest):
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


@pytest.fixture(scope="module")
def marts(models):
    return {name: node for name, node in models.items() if node["schema"] == "marts"}


def lacking(nodes, condition):
    return [name for name, node in nodes.items() if not condition(node)]


def test_every_model_has_a_group_whose_owner_has_an_address(manifest, models):
    addresses = {group["name"]: group["owner"]["email"] for group in manifest["groups"].values()}
    assert lacking(models, lambda node: "@" in addresses.get(node["group"], "")) == []


def test_every_model_says_its_grain(models):
    assert lacking(models, lambda node: "one row" in node["description"]) == []


def test_the_project_keeps_its_own_rules(manifest, tmp_path):
    """A contract, columns with types and descriptions, a grain test, unit tests and a use for every mart, and more."""
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    rules = YAML().load(PROJECT / "dbt_project" / "dbt-bouncer.yml")
    YAML().dump({"dbt_artifacts_dir": str(tmp_path), **rules}, tmp_path / "dbt-bouncer.yml")
    words = ["--config-file", tmp_path / "dbt-bouncer.yml", "--output-file", tmp_path / "found.json"]
    subprocess.run([Path(sys.executable).with_name("dbt-bouncer"), *words, "--output-format", "json"], cwd=tmp_path)
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found) > 500
    assert [one["check_run_id"] for one in found if one["outcome"] != "success"] == []


def test_every_column_of_a_mart_is_described(marts):
    dark = {
        f"{name}.{column}"
        for name, node in marts.items()
        for column, known in node["columns"].items()
        if len(known["description"]) < 5
    }
    assert dark == set()


def test_every_number_of_a_mart_says_whether_it_is_exact_or_estimated(marts):
    numbers = re.compile(r"(tiny|small|big|huge)?int(eger)?|double|float|real|(decimal|numeric).*")
    unsaid = {
        f"{name}.{column}"
        for name, node in marts.items()
        for column, known in node["columns"].items()
        if numbers.fullmatch(known["data_type"] or "") and known["meta"].get("figure") not in ("exact", "estimated")
    }
    assert unsaid == set()


def test_what_is_estimated_has_limits_beside_it(marts):
    alone = {
        f"{name}.{column}"
        for name, node in marts.items()
        for column, known in node["columns"].items()
        if known["meta"].get("figure") == "estimated"
        and not column.endswith(("_low", "_high"))
        and not {f"{column}_low", f"{column}_high"} <= set(node["columns"])
    }
    assert alone == set()


def test_every_mart_names_its_run_its_time_and_its_definition(marts):
    assert lacking(marts, lambda node: list(node["columns"])[-3:] == AUDIT) == []


def test_only_staging_reads_the_lake(models):
    readers = {
        name for name, node in models.items() if any(p.startswith("source.") for p in node["depends_on"]["nodes"])
    }
    assert {name for name in readers if not name.startswith("stg_lake__")} == set()


def test_the_day_of_a_record_is_read_as_it_is_stored(models):
    """Of a day made of a time, all rows of a year are read to find those of one day."""
    made = {name for name, node in models.items() if name.startswith("stg_") and "as event_date" in node["raw_code"]}
    assert made == set()


def test_what_may_be_published_is_in_the_marts(marts):
    tables = YAML(typ="safe").load(config_file("policies/access.yml"))["tables"].values()
    unknown = {
        f"{table['from']}.{column}"
        for table in tables
        if table["from"].startswith("marts.")
        for column in table["columns"]
        if column not in marts[table["from"].removeprefix("marts.")]["columns"]
    }
    assert unknown == set()


def test_the_sources_are_the_relations_the_transform_stage_makes(manifest):
    described = {source["name"]: source for source in manifest["sources"].values()}
    assert set(described) == {*LAKE_TABLES, *COPIED_TABLES}
    columns = {name: list(table.columns) for name, table in LAKE_TABLES.items()}
    assert {name: list(described[name]["columns"]) for name in columns} == columns


def test_dagster_finds_each_source_under_the_key_of_its_asset(manifest):
    keys = {source["name"]: source["config"]["meta"]["dagster"]["asset_key"] for source in manifest["sources"].values()}
    assert keys == {name: ["lake", name] for name in keys}


def lineage_of(compiled, manifest, models, texts):
    """What is known of every model, in the order in which they are built; `texts`: the folder of their SQL."""
    made = ModelLineage(compiled / "lineage.json", lake_columns(compiled / "feedback.duckdb"), volatile=())
    nodes = {**manifest["nodes"], **manifest["sources"]}
    for node in TopologicalSorter(
        {one["unique_id"]: one["depends_on"]["nodes"] for one in models.values()}
    ).static_order():
        if node.startswith("model."):
            parents = {
                f"{nodes[of]['schema']}.{nodes[of]['name']}": nodes[of] for of in nodes[node]["depends_on"]["nodes"]
            }
            made.of_model(nodes[node], parents, texts)
    return made.known


@pytest.fixture(scope="module")
def lineage(compiled, manifest, models):
    return lineage_of(compiled, manifest, models, compiled / "dbt" / "compiled")


def is_text(models, place):
    table = load_access().tables[place.partition(".")[0]].relation
    model, column = models.get(table.partition(".")[2]), place.partition(".")[2]
    return model is None or "varchar" in model["columns"][column]["data_type"]


def test_the_lineage_of_every_published_model_is_known(lineage):
    published = {table.relation for table in load_access().tables.values()}
    assert [name for name in published if name.startswith("marts.") and not lineage[name]["origins"]] == []


def test_no_personal_column_reaches_a_published_model_unmasked(lineage, models):
    """What is made of a pseudonym or of free text is named in access.yml, with the roles that see it."""
    found = unmarked(load_access(), Lineage({name: one["origins"] for name, one in lineage.items()}))
    assert {place: fields for place, fields in found.items() if is_text(models, place)} == {}


def test_a_personal_column_that_reaches_a_published_model_is_found(lineage, models):
    """A planted error: a model passes the subject of tickets on under a name of no suspicion."""
    leaking = {name: one["origins"] for name, one in lineage.items()}
    leaking["marts.fct_tickets"] = {**leaking["marts.fct_tickets"]} | {
        "channel": [["intermediate.int_tickets_latest", "subject"]]
    }
    assert unmarked(load_access(), Lineage(leaking))["fct_tickets.channel"] == "tickets.subject"
    assert is_text(models, "fct_tickets.channel")


def test_what_is_marked_as_personal_is_made_of_it(lineage):
    made = Lineage({name: one["origins"] for name, one in lineage.items()})
    tables = load_access().tables
    clean = [
        place
        for place in load_access().personal_columns
        for table, _, column in [place.partition(".")]
        if not made.fields(tables[table].relation, column) & personal_fields()
    ]
    assert clean == []


@pytest.mark.parametrize(
    ("metric", "signals"),
    [
        ("tickets_created", {"tickets"}),  # a count of rows
        ("errors_per_active_account", {"spans"}),  # of a model whose rows stand for days and services
        ("change_failure_rate", {"deployments", "incidents"}),
        ("failed_deployments", {"deployments", "incidents", "ci_runs"}),  # one branch of a union counts with a number
        ("tickets_per_1000_active_accounts", {"tickets", "spans"}),
        ("judged_records", set(SIGNALS)),
    ],
)
def test_a_metric_names_the_signals_whose_records_it_counts(lineage, compiled, metric, signals):
    made = Lineage({name: one["origins"] for name, one in lineage.items()})
    catalogue = load_catalogue(compiled / "dbt" / "manifest.json")
    found = signals_of(catalogue, made)
    assert set(found[metric]) == signals
    assert set(found) == {one.name for one in catalogue}


@pytest.mark.parametrize(
    ("model", "old", "new", "metrics"),
    [
        # how a line is written, and a column that no metric reads
        ("int_tickets_solved", "select", "-- select\nselect", set()),
        ("dim_services", "first_seen_at", "last_seen_at", set()),
        # in the mart that a metric reads, and models behind it
        ("fct_theme_days", "count(", "2 * count(", {"theme_texts"}),
        (
            "int_latency_histograms_read",
            "sum(",
            "2 * sum(",
            {*(f"request_latency_p{percent}" for percent in (50, 90, 95, 99)), "slow_requests_per_active_account"},
        ),
    ],
)
def test_a_formula_is_another_one_where_the_models_behind_it_compute_otherwise(
    lineage, compiled, manifest, models, tmp_path, model, old, new, metrics
):
    texts = tmp_path / "compiled"
    shutil.copytree(compiled / "dbt" / "compiled", texts)
    file = texts / "feedback_warehouse" / models[model]["original_file_path"]
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    others = lineage_of(compiled, manifest, models, texts)
    then, now = (Lineage({}, {name: one["logic"] for name, one in known.items()}) for known in (lineage, others))
    catalogue = load_catalogue(compiled / "dbt" / "manifest.json")
    asked = [(metric.name, f"marts.{metric.table}", metric.columns) for metric in catalogue]
    assert {name for name, *place in asked if then.logic(*place) != now.logic(*place)} == metrics
    assert all(set(then.logic(table, columns)) == set(columns) for _, table, columns in asked)

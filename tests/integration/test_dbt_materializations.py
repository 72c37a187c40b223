"""Tables and views are made in place: they take the place of those before, or leave them."""

from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from orchestration.settings import PROJECT

MATERIALIZATIONS = PROJECT / "dbt_project" / "materializations"
PROJECT_FILE = f"""
name: small
version: 1.0.0
profile: small
macro-paths: ["{MATERIALIZATIONS}"]
flags: {{send_anonymous_usage_stats: false}}
"""
PROFILE = "small: {target: local, outputs: {local: {type: duckdb, path: small.duckdb}}}"
PROPERTIES = """
models:
  - name: counted
    description: One row.
    config: {contract: {enforced: true}, persist_docs: {relation: true, columns: true}}
    columns: [{name: total, data_type: integer, description: "How many, as $1 says."}]
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    for name, text in {"dbt_project": PROJECT_FILE, "profiles": PROFILE, "models/models": PROPERTIES}.items():
        (tmp_path / f"{name}.yml").write_text(text)
    return tmp_path


def made(project: Path, materialized: str, value: str) -> bool:
    """Whether the model of this value could be made."""
    model = f"{{{{ config(materialized='{materialized}') }}}}\nselect cast({value} as integer) as total"
    (project / "models" / "counted.sql").write_text(model)
    try:
        return dbtRunner().invoke(["--quiet", "run", "--project-dir", ".", "--profiles-dir", "."]).success
    finally:
        DuckDBConnectionManager.close_all_connections()


def found(project: Path) -> tuple[object, ...]:
    """The model's value, and what the database says of it: its kind, its comment and that of its column."""
    with duckdb.connect(str(project / "small.duckdb")) as connection:
        (value,) = connection.execute("select total from counted").fetchone()
        (comment,) = connection.execute("select comment from duckdb_columns() where column_name = 'total'").fetchone()
        relations = connection.execute(
            "select 'table', table_name, comment from duckdb_tables() where not internal"
            " union all select 'view', view_name, comment from duckdb_views() where not internal"
        ).fetchall()
    return value, comment, relations


def test_what_is_made_takes_the_place_of_what_was_there(project):
    for value, materialized in enumerate(("table", "table", "view", "view", "table")):
        assert made(project, materialized, str(value))
        assert found(project) == (value, "How many, as $1 says.", [(materialized, "counted", "One row.")])


def test_what_cannot_be_made_leaves_what_was_there(project):
    assert made(project, "table", "1")
    before = found(project)
    for value in ("(select error('no'))", "'a'", "1 as other, 2"):
        assert not made(project, "table", value), value
        assert found(project) == before

"""The warehouse opens though something is in its way, and a run is named by all that its figures are made of."""

import subprocess
import sys
from datetime import UTC, datetime

import duckdb
import pytest
from tenacity import stop_after_delay

from governance.errors import FeedbackError
from orchestration.lake import Lake
from orchestration.stages import warehousing
from orchestration.stages.warehousing import opened, run_id

HOLDS = """
import duckdb, sys, time
held = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def held(tmp_path):
    """Starts a process that holds the warehouse for so many seconds; gives the warehouse and the process."""
    started = []

    def hold(seconds):
        warehouse = tmp_path / "feedback.duckdb"
        command = [sys.executable, "-c", HOLDS, str(warehouse), str(seconds)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert started[-1].stdout.readline() == b"held\n"
        return warehouse, started[-1]

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def test_a_warehouse_that_another_process_holds_is_waited_for(held):
    warehouse, _ = held(1)
    with opened(warehouse) as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]


def test_who_goes_on_to_hold_it_is_named(held, monkeypatch):
    monkeypatch.setattr(warehousing, "_WHILE_LOCKED", warehousing._WHILE_LOCKED.copy(stop=stop_after_delay(1)))
    warehouse, process = held(60)
    with (
        pytest.raises(FeedbackError, match=f"process {process.pid} holds it, .* end it .* and run again"),
        opened(warehouse),
    ):
        pass


def test_a_warehouse_with_a_damaged_block_is_set_aside(tmp_path):
    """DuckDB says in which block the checksum is wrong: that is no lock."""
    warehouse = tmp_path / "a lock" / "feedback.duckdb"
    with opened(warehouse) as connection:
        connection.execute("create table many as select range as n, repeat('x', 100) as text from range(100000)")
    size = warehouse.stat().st_size
    with warehouse.open("r+b") as file:
        file.seek(12_288 + 100)
        file.write(b"damage" * 1_000)
    with opened(warehouse) as connection:
        assert connection.execute("show tables").fetchall() == []
    assert warehouse.with_name("feedback.duckdb.unreadable").stat().st_size == size


def test_a_run_is_named_by_what_came_too_late_as_well(tmp_path):
    lake, as_of = Lake(tmp_path), datetime(2026, 3, 1, tzinfo=UTC)
    before = run_id(lake, as_of)
    with lake.replace("late/otel/spans/2026-01-01", as_of=as_of) as out:
        out.counts = {"too_late": 5}
    assert run_id(lake, as_of) != before


def test_a_file_that_is_no_warehouse_is_set_aside(tmp_path):
    warehouse = tmp_path / "feedback.duckdb"
    warehouse.write_bytes(b"no database" * 100)
    with opened(warehouse) as connection:
        assert connection.execute("show tables").fetchall() == []
    assert (tmp_path / "feedback.duckdb.unreadable").read_bytes() == b"no database" * 100
    with pytest.raises(duckdb.IOException):
        duckdb.connect(str(tmp_path / "feedback.duckdb.unreadable"))

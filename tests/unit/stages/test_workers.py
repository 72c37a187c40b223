"""How many processes compute is told by one setting; they start for enough records alone."""

import os

import pytest

from governance.errors import UsageError
from orchestration.stages import workers
from orchestration.stages.workers import each_group, worker_count


@pytest.mark.parametrize(("told", "count"), [("1", 1), ("2", 2), ("16", 16)])
def test_the_setting_says_how_many(monkeypatch, told, count):
    monkeypatch.setenv("FEEDBACK_PROCESSES", told)
    assert worker_count() == count


@pytest.mark.parametrize("told", ["two", "0", "-1", "1.5", "1000"])
def test_another_value_is_wrong_use(monkeypatch, told):
    monkeypatch.setenv("FEEDBACK_PROCESSES", told)
    with pytest.raises(UsageError, match=r"FEEDBACK_PROCESSES is .*; allowed: 1 to 99"):
        worker_count()


@pytest.mark.parametrize("told", [None, ""])
def test_without_it_there_are_two_at_most(monkeypatch, told):
    monkeypatch.delenv("FEEDBACK_PROCESSES", raising=False)
    if told is not None:
        monkeypatch.setenv("FEEDBACK_PROCESSES", told)
    assert worker_count() in (1, 2)


@pytest.mark.parametrize(("records", "starts"), [(99, False), (100, True)])
def test_processes_start_for_enough_records_alone(records, starts, monkeypatch):
    class Started(Exception):
        pass

    def start(count):
        raise Started

    monkeypatch.setenv("FEEDBACK_PROCESSES", "2")
    monkeypatch.setattr(workers, "_started", {})
    monkeypatch.setattr(workers, "_pools", start)
    done = each_group(lambda name, item: os.getpid(), {"one": 1, "two": 2}, records=records, enough=100)
    if starts:
        with pytest.raises(Started):
            list(done)
    else:
        assert list(done) == [("one", os.getpid()), ("two", os.getpid())]

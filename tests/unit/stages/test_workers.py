"""How many processes anonymise is told by one setting."""

import pytest

from governance.errors import UsageError
from orchestration.stages.workers import worker_count


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

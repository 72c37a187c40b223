"""What a run promises whatever the scenario: same bytes, bounded memory, poison beside the good rows."""

from __future__ import annotations

import hashlib
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from governance.errors import UsageError
from orchestration.simulation import Poison, load_scenario, simulate
from orchestration.simulation.support import Desk

from .conftest import END, Written, run


def digests(written: Written) -> dict[str, str]:
    files = [path for path in written.out.rglob("*") if path.is_file()]
    return {str(p.relative_to(written.out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_same_arguments_write_the_same_bytes(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a", "migration"), run(tmp_path / "b", "migration")
    other = run(tmp_path / "c", "migration", seed=4)
    assert digests(first) == digests(second)
    assert (tmp_path / "a/truth.json").read_bytes() == (tmp_path / "b/truth.json").read_bytes()
    assert digests(first) != digests(other)


def test_every_file_is_in_the_truth(tmp_path: Path) -> None:
    written = run(tmp_path)
    assert set(digests(written)) == set(written.truth.files)


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    run(tmp_path, days=6)
    assert digests(run(tmp_path, days=3)) == digests(run(tmp_path / "fresh", days=3))


def test_a_run_that_was_killed_is_replaced_too(tmp_path: Path) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Desk, "advance", killed)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    assert digests(run(tmp_path)) == digests(run(tmp_path / "fresh"))


def test_files_of_others_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox/mine.csv").write_text("a")
    with pytest.raises(UsageError, match="choose an empty folder"):
        run(tmp_path)
    assert (tmp_path / "inbox/mine.csv").exists()


@pytest.mark.parametrize(("days", "scale", "said"), [(0, 1.0, "days is 0"), (1, 0.0, "scale is 0")])
def test_absurd_sizes_are_refused(tmp_path: Path, days: int, scale: float, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        simulate(load_scenario("quiet"), seed=1, end=date(2026, 1, 1), days=days, scale=scale, out=tmp_path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        # days that cannot be told in Unix nanoseconds, or that are none
        ({"end": date(1, 1, 3), "days": 10}, "end is 0001-01-03, days is 10; expected days from 1971-01-01"),
        ({"end": date(9999, 12, 31), "days": 2}, "end is 9999-12-31, days is 2; expected days from 1971-01-01"),
        ({"end": date(1971, 1, 9), "days": 10}, "expected days from 1971-01-01 to 2261-12-31"),
        ({"end": END, "days": 10**12}, "expected days from 1971-01-01 to 2261-12-31"),
        # poison on a day that is not simulated
        ({"days": 5, "poison": Poison(day=9, share=0.1)}, "poison is on day 9 of 5; expected 0 to 4, or -5 to -1"),
        ({"days": 5, "poison": Poison(day=5, share=0.1)}, "poison is on day 5 of 5"),
        ({"days": 5, "poison": Poison(day=-6, share=0.1)}, "poison is on day -6 of 5"),
    ],
)
def test_days_that_cannot_be_are_refused_before_anything_is_written(
    tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        run(tmp_path, **given)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [{"end": date(1971, 1, 2), "days": 2}, {"end": date(2261, 12, 31), "days": 2}])
def test_the_first_and_the_last_days_there_are_can_be_simulated(tmp_path: Path, given: dict[str, Any]) -> None:
    poison = Poison(day=-2, share=0.1)
    assert run(tmp_path, "default", poison=poison, **given).truth.poison


@pytest.mark.parametrize("name", ["file", "file/inbox"])
def test_a_file_in_the_place_of_the_folder_is_refused_and_left(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=f"{tmp_path / name}: no folder that can be written to .*; choose another"):
        simulate(load_scenario("quiet"), seed=1, end=END, days=1, out=tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ({"days": 3, "scale": 0.4}, {"days": 15, "scale": 0.4}),  # five times the days
        ({"days": 1, "scale": 2.6}, {"days": 1, "scale": 5.2}),  # twice the traffic of a day
    ],
)
def test_memory_depends_on_neither_days_nor_scale(
    tmp_path: Path, small: dict[str, float], large: dict[str, float]
) -> None:
    peaks = []
    run(tmp_path / "warm", days=1)
    for name, arguments in (("small", small), ("large", large)):
        tracemalloc.start()
        run(tmp_path / name, **arguments)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.4 * peaks[0]


def test_poison_changes_no_other_day_and_no_good_row(tmp_path: Path) -> None:
    good = run(tmp_path / "good", days=6)
    bad = run(tmp_path / "bad", days=6, poison=Poison(day=2, share=0.05))
    day = good.truth.first_day[:-2] + str(int(good.truth.first_day[-2:]) + 2)
    changed = {name for name, digest in digests(good).items() if digests(bad)[name] != digest}
    assert {name for name in changed if name.startswith("otel/")} == {
        name for name in good.truth.files if name.startswith("otel/") and day in name
    }
    malformed = [poison for poison in bad.truth.poison if poison.is_malformed]
    assert {poison.signal for poison in malformed} == {"spans", "logs"}
    for signal in ("spans", "logs", "tickets"):
        rows = [p for p in bad.truth.poison if p.signal == signal and not p.is_malformed]
        before, after = good.truth.days_of[signal], bad.truth.days_of[signal]
        assert after == before | {day: before[day] + len(rows)}
        assert rows
    assert bad.truth.days_of["ticket_events"] == good.truth.days_of["ticket_events"]

"""What a run promises whatever the scenario: same bytes, bounded memory, poison beside the good rows."""

from __future__ import annotations

import hashlib
import tracemalloc
from datetime import date
from pathlib import Path

import pytest

from governance.errors import UsageError
from orchestration.simulation import Poison, load_scenario, simulate
from orchestration.simulation.support import Desk

from .conftest import Written, run


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

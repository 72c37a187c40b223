"""A disk that is read-only, full, or wrong in a byte: one clear error, and never a decision that is half there."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from governance.audit import Recorded
from governance.errors import FeedbackError
from tests.unit.audit.chains import decision, filled, record_in
from tests.unit.audit.disks import as_nobody, contents, files_up_to


@pytest.mark.parametrize("read_only", [("decisions.sqlite", "head.json", "."), (".",), ("decisions.sqlite",)])
def test_a_read_only_record_can_be_read_and_refuses_decisions(folder: Path, read_only: tuple[str, ...]) -> None:
    record = filled(folder, 3)
    for name in ("decisions.sqlite", "head.json"):
        (folder / name).chmod(0o666)
    folder.chmod(0o777)
    for name in read_only:
        (folder / name).chmod(0o555)
    before = contents(folder)
    with as_nobody():
        with pytest.raises(FeedbackError, match=r"nothing was decided; .* writable") as refused:
            record.append(decision(4))
        assert len(list(record.entries())) == 3
        assert record.verify().is_good
    assert "\n" not in str(refused.value)
    assert contents(folder) == before


def test_a_full_disk_refuses_decisions(folder: Path) -> None:
    record = filled(folder, 3)
    states = [contents(folder)]

    def go_on() -> None:  # until the last page is full
        for number in range(4, 500):
            record.append(decision(number))
            states.append(contents(folder))

    with files_up_to((folder / "decisions.sqlite").stat().st_size), pytest.raises(FeedbackError, match="was decided"):
        go_on()
    assert contents(folder) == states[-1]
    assert record.verify().is_good


def test_a_disk_too_full_for_the_head_refuses_decisions(folder: Path) -> None:
    record = filled(folder, 3)
    with files_up_to(20), pytest.raises(FeedbackError, match="nothing was decided"):
        record.append(decision(4))
    assert record.verify().is_good
    assert record.verify().entries == 3


def test_no_flipped_byte_of_the_file_changes_a_decision_unseen(folder: Path) -> None:
    """A byte that nothing is kept in may change; whatever else does is found, or makes the file unreadable."""
    record, rng = filled(folder, 12), random.Random(6)
    file, recorded = folder / "decisions.sqlite", list(record.entries())
    whole, found = file.read_bytes(), 0
    for at in rng.sample(range(len(whole)), 400):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :])
        read: list[Recorded] = []
        with suppress(FeedbackError):
            read = list(record_in(folder).entries())
        if record_in(folder).verify().problems:
            found += 1
        else:
            assert read == recorded, at
    assert found > 50

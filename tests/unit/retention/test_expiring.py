"""What is over is removed and proved, through every kill; nothing is proved that is still there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.retention import load_retention
from orchestration.lake import Lake, Replacement
from orchestration.stages.expiring import PROOFS_SCHEMA, expire, proofs

PULLED = datetime(2026, 1, 1, 6, tzinfo=UTC)
LATER = PULLED + timedelta(days=7)
DAY = "2025-12-31"
RAW = ["held/otel/spans/" + DAY, "landing/otel/spans/" + DAY, "received/otel/doc1"]


class Killed(Exception):
    """The process died here."""


class DyingLake(Lake):
    """A real lake whose n-th change (from 0) is the last: it dies before or after it."""

    def __init__(self, root: Path, changes: int, *, is_change_made: bool) -> None:
        super().__init__(root)
        self.left = changes
        self.is_change_made = is_change_made

    @contextmanager
    def _counted(self) -> Iterator[bool]:
        is_last = self.left == 0
        if is_last and not self.is_change_made:
            raise Killed
        yield is_last
        if is_last:
            raise Killed
        self.left -= 1

    @contextmanager
    def replace(
        self, key: str, *, as_of: datetime, inputs: Mapping[str, str] | None = None, policy: str = "", key_id: str = ""
    ) -> Iterator[Replacement]:
        with self._counted(), super().replace(key, as_of=as_of, inputs=inputs, policy=policy, key_id=key_id) as out:
            yield out

    def remove(self, key: str) -> None:
        with self._counted() as is_last:
            if is_last:  # in the middle: the manifest is gone, the data is not
                (self.root / key / "manifest.json").unlink()
            else:
                super().remove(key)


def fill(lake: Lake, keys: list[str], pulled_at: datetime = PULLED) -> None:
    for key in keys:
        with lake.replace(key, as_of=pulled_at) as out:
            out.write("records", pl.DataFrame({"record_id": [key, "x"]}))


def test_what_is_over_is_removed_and_proved(tmp_path: Path) -> None:
    lake, young = Lake(tmp_path), "anonymized/otel/spans/" + DAY
    fill(lake, [*RAW, young])
    digests = lake.digests(RAW)
    removed = expire(lake, load_retention(), LATER)
    assert removed.schema == PROOFS_SCHEMA
    assert dict(removed.select("key", "manifest").iter_rows()) == digests
    assert set(removed["rows"]) == {2}
    assert set(removed["expired_at"]) == {LATER}
    assert [key for key in RAW if (tmp_path / key).exists()] == []
    assert lake.exists(young)
    assert proofs(lake).sort("key").equals(removed.sort("key"))


def test_nothing_is_removed_early(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    fill(lake, RAW)
    assert expire(lake, load_retention(), LATER - timedelta(seconds=1)).is_empty()
    assert len(lake.keys("landing")) == 1


def test_expiring_twice_changes_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    fill(lake, RAW)
    expire(lake, load_retention(), LATER)
    before = proofs(lake)
    assert expire(lake, load_retention(), LATER).is_empty()
    assert proofs(lake).equals(before)


def test_proofs_of_one_day_add_up(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    fill(lake, RAW)
    expire(lake, load_retention(), LATER)
    fill(lake, ["landing/otel/logs/" + DAY])
    expire(lake, load_retention(), LATER)
    assert proofs(lake)["key"].sort().to_list() == sorted([*RAW, "landing/otel/logs/" + DAY])


@pytest.mark.parametrize("is_change_made", [False, True])
@pytest.mark.parametrize("changes", range(9))  # three states, three changes each
def test_a_kill_anywhere_is_repaired_by_running_again(
    tmp_path: Path, changes: int, is_change_made: bool  # noqa: FBT001
) -> None:  # fmt: skip
    lake = Lake(tmp_path)
    fill(lake, RAW)
    with pytest.raises(Killed):
        expire(DyingLake(tmp_path, changes, is_change_made=is_change_made), load_retention(), LATER)
    assert not [key for key in proofs(lake)["key"] if lake.exists(key)]
    expire(lake, load_retention(), LATER + timedelta(days=1))
    assert proofs(lake)["key"].sort().to_list() == RAW
    assert not list((tmp_path / "landing").rglob("*.parquet"))
    assert not list((tmp_path / "received").rglob("*.parquet"))


def test_a_partition_pulled_again_after_the_intent_stays(tmp_path: Path) -> None:
    lake, key = Lake(tmp_path), RAW[1]
    fill(lake, [key])
    with pytest.raises(Killed):
        expire(DyingLake(tmp_path, 1, is_change_made=False), load_retention(), LATER)
    with lake.replace(key, as_of=LATER) as out:
        out.write("records", pl.DataFrame({"record_id": ["new"]}))
    assert expire(lake, load_retention(), LATER).is_empty()
    assert lake.read(key)["record_id"].to_list() == ["new"]
    assert proofs(lake).is_empty()

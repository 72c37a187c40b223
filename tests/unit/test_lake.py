"""A partition is replaced whole or not at all, and says what it was made from."""

import os
import pickle
import signal
import subprocess
import sys
from datetime import UTC, datetime

import polars as pl
import pytest

from orchestration.lake import Lake

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
KEY = "checked/otel/spans/2026-10-31"


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def write(lake, values, key=KEY, **made):
    with lake.replace(key, as_of=AS_OF, **made) as out:
        out.write("records", pl.DataFrame({"n": values}))
        out.counts["checked"] = len(values)


def test_what_was_written_is_read_back(lake):
    write(lake, [1, 2, 3])
    assert lake.read(KEY)["n"].to_list() == [1, 2, 3]
    assert lake.manifest(KEY).counts == {"checked": 3}
    assert lake.days("checked/otel/spans") == ["2026-10-31"]


def test_a_failed_replacement_leaves_the_state_before(lake):
    write(lake, [1])
    before = sorted(path.name for path in (lake.root / KEY).iterdir())

    def fail_half_way():
        with lake.replace(KEY, as_of=AS_OF) as out:
            out.write("records", pl.DataFrame({"n": [2]}))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert lake.read(KEY)["n"].to_list() == [1]
    assert sorted(path.name for path in (lake.root / KEY).iterdir()) == before


def test_a_folder_without_a_manifest_does_not_exist(lake):
    write(lake, [1])
    (lake.root / KEY / "manifest.json").unlink()
    assert not lake.exists(KEY)
    assert lake.keys("checked") == []
    with pytest.raises(FileNotFoundError):
        lake.read(KEY)


def test_replacing_removes_the_files_of_the_state_before(lake):
    write(lake, [1])
    write(lake, [2])
    assert len(list((lake.root / KEY).glob("*.parquet"))) == 1


def test_the_same_rows_make_the_same_state_whenever_they_are_written(lake):
    write(lake, [1, 2])
    first = (lake.manifest(KEY).digest, sorted(path.name for path in (lake.root / KEY).iterdir()))
    with lake.replace(KEY, as_of=datetime(2027, 1, 1, tzinfo=UTC)) as out:
        out.write("records", pl.DataFrame({"n": [1, 2]}))
        out.counts["checked"] = 2
    assert (lake.manifest(KEY).digest, sorted(path.name for path in (lake.root / KEY).iterdir())) == first


@pytest.mark.parametrize(
    ("inputs", "policy", "is_current"),
    [
        ({"a": "1"}, "p", True),
        ({"a": "2"}, "p", False),  # another input
        ({"a": "1", "b": "1"}, "p", False),  # one more input
        ({"a": "1"}, "q", False),  # another policy
    ],
)
def test_a_state_is_current_while_inputs_and_policy_are_the_same(lake, inputs, policy, is_current):
    write(lake, [1], inputs={"a": "1"}, policy="p")
    assert lake.is_current(KEY, inputs, policy) is is_current


def test_only_the_owner_can_read_a_state(lake):
    write(lake, [1])
    for path in (lake.root / KEY).iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_removing_leaves_nothing(lake):
    write(lake, [1])
    lake.remove(KEY)
    assert not (lake.root / KEY).exists()
    lake.remove(KEY)  # and removing what is not there is no error


def kills(program):
    """Runs the program, which says when it is ready, and kills it, some time later each time."""
    for wait in (0.02, 0.05, 0.11):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
            child.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=wait)
            os.kill(child.pid, signal.SIGKILL)
        yield


def test_a_kill_while_replacing_leaves_one_of_the_two_states(lake):
    write(lake, [0] * 1000)
    program = (
        "import itertools, sys; from pathlib import Path; sys.path.insert(0, 'tests/unit')\n"
        "import polars as pl; from datetime import datetime, UTC; from orchestration.lake import Lake\n"
        f"lake = Lake(Path({str(lake.root)!r})); print('ready', flush=True)\n"
        "for n in itertools.count(1):\n"
        f"    with lake.replace({KEY!r}, as_of=datetime(2026, 11, 1, tzinfo=UTC)) as out:\n"
        "        out.write('records', pl.DataFrame({'n': [n] * 1000})); out.counts['checked'] = 1000\n"
    )
    for _ in kills(program):
        values = lake.read(KEY)["n"]
        assert (values.len(), values.n_unique()) == (1000, 1)
    write(lake, [7])  # and the left-overs of the kills are swept
    assert len(list((lake.root / KEY).iterdir())) == 2


OTHER = "checked/otel/spans/2026-11-01"


def elsewhere(lake):
    """What another process sees."""
    return Lake(lake.root)


def test_a_group_commit_is_there_for_others_when_it_ends(lake):
    with lake.group_commit():
        write(lake, [1], inputs={"a": "1"}, policy="p")
        write(lake, [2], key=OTHER)
        assert lake.keys("checked") == [KEY, OTHER]
        assert lake.exists(KEY)
        assert lake.read(KEY)["n"].to_list() == [1]
        assert lake.is_current(KEY, {"a": "1"}, "p")
        lake.amend(KEY, {"a": "2"})
        assert elsewhere(lake).keys("checked") == []
        assert not pickle.loads(pickle.dumps(lake)).exists(KEY)
    assert elsewhere(lake).keys("checked") == [KEY, OTHER]
    assert elsewhere(lake).manifest(KEY).inputs == {"a": "2"}
    assert elsewhere(lake).read(OTHER)["n"].to_list() == [2]


def test_a_group_within_a_group_is_part_of_it(lake):
    with lake.group_commit():
        with lake.group_commit():
            write(lake, [1])
        assert elsewhere(lake).keys("checked") == []
    assert elsewhere(lake).keys("checked") == [KEY]


def test_what_was_replaced_is_committed_where_a_later_partition_fails(lake):
    def fail_on_the_second():
        with lake.group_commit():
            write(lake, [1])
            write(lake, [2])
            with lake.replace(KEY, as_of=AS_OF) as out:
                out.write("records", pl.DataFrame({"n": [3]}))
                raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_on_the_second()
    assert elsewhere(lake).read(KEY)["n"].to_list() == [2]
    assert len(list((lake.root / KEY).iterdir())) == 2


def test_what_is_removed_within_a_group_is_gone(lake):
    with lake.group_commit():
        write(lake, [1])
        lake.remove(KEY)
        assert not lake.exists(KEY)
    assert elsewhere(lake).keys("checked") == []
    assert not (lake.root / KEY).exists()


@pytest.mark.parametrize("rows", [1, 150_000], ids=["many partitions", "many rows"])
def test_a_group_does_not_wait_for_its_end_where_there_is_much(lake, rows):
    days = [f"checked/otel/spans/2026-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    with lake.group_commit():
        for day in days[: 70 if rows == 1 else 2]:
            write(lake, [7] * rows, key=day)
        assert len(elsewhere(lake).keys("checked")) == (64 if rows == 1 else 2)


def test_a_kill_within_a_group_leaves_of_each_partition_one_of_the_two_states(lake):
    for key in (KEY, OTHER):
        write(lake, [0] * 1000, key=key)
    program = (
        "import itertools; from pathlib import Path; import polars as pl; from datetime import datetime, UTC\n"
        f"from orchestration.lake import Lake; lake = Lake(Path({str(lake.root)!r})); print('ready', flush=True)\n"
        "for n in itertools.count(1):\n"
        "  with lake.group_commit():\n"
        f"    for key in ({KEY!r}, {OTHER!r}):\n"
        "      with lake.replace(key, as_of=datetime(2026, 11, 1, tzinfo=UTC)) as out:\n"
        "        out.write('records', pl.DataFrame({'n': [n] * 1000}))\n"
    )
    for _ in kills(program):
        first, second = (lake.read(key)["n"].unique().to_list() for key in (KEY, OTHER))
        assert len(first) == len(second) == 1
        assert 0 <= first[0] - second[0] <= 1  # in their order

"""A kill at any step leaves the old keys or the new, and whoever comes next finishes what was begun."""

import os
from contextlib import contextmanager

import pytest

from governance.keys import KeyStore, load_keyring

from .conftest import NOW, states


class Killed(BaseException):
    """The process died here."""


@contextmanager
def killed_at(monkeypatch, step, *, is_done):
    """The n-th call in here that changes the disk is the last: the process dies before it or behind it."""
    left = [step]

    def dying(call):
        def wrapped(*args, **kwargs):
            is_last = left[0] == 0
            left[0] -= 1
            if is_last and not is_done:
                raise Killed
            result = call(*args, **kwargs)
            if is_last:
                if call is os_open:
                    os.close(result)
                raise Killed
            return result

        return wrapped

    os_open = os.open
    with monkeypatch.context() as patched:
        for name in ("open", "fsync", "rename", "unlink"):
            patched.setattr(os, name, dying(getattr(os, name)))
        yield left


# Calls that change the disk: first use makes two files (open, fsync, rename and the folder's open and fsync each) in a
# new folder; rotating makes one file; destroying makes a tombstone, then overwrites and removes the key.
STEPS = {"make": 13, "rotate": 5, "destroy": 9}


def change(folder, what, old):
    if what == "make":
        load_keyring(folder)
    elif what == "rotate":
        KeyStore(folder).rotate(NOW)
    else:
        KeyStore(folder).destroy(old, NOW)


@pytest.mark.parametrize("is_done", [False, True], ids=["before it", "behind it"])
@pytest.mark.parametrize(("what", "step"), [(what, step) for what, steps in STEPS.items() for step in range(steps)])
def test_a_kill_at_any_step_leaves_the_old_keys_or_the_new(tmp_path, monkeypatch, what, step, is_done):
    folder, old = tmp_path / "keys", ""
    if what != "make":
        old = load_keyring(folder).key_id
    if what == "destroy":
        KeyStore(folder).rotate(NOW)
    before = states(folder)
    with killed_at(monkeypatch, step, is_done=is_done), pytest.raises(Killed):
        change(folder, what, old)
    after = states(folder)
    if what == "rotate":
        assert after == before or (len(after) == 2 and after[1] == (old, "older"))
    elif what == "destroy":
        assert after == before or after == [before[0], (old, "destroyed")]
    first = load_keyring(folder)  # makes what a kill in the middle of the first use has left out
    assert load_keyring(folder) == first
    if after:
        assert first.key_id == after[0][0]


@pytest.mark.parametrize("step", range(STEPS["destroy"]))
def test_a_destruction_that_was_cut_off_is_finished_by_whoever_reads_the_keys(tmp_path, monkeypatch, step):
    folder = tmp_path / "keys"
    old = load_keyring(folder)
    KeyStore(folder).rotate(NOW)
    with killed_at(monkeypatch, step, is_done=True), pytest.raises(Killed):
        KeyStore(folder).destroy(old.key_id, NOW)
    is_destroyed = old.key_id in load_keyring(folder).destroyed
    remains = any(old.pseudonym_key in path.read_bytes() for path in folder.iterdir())
    assert remains is not is_destroyed


@pytest.mark.parametrize("what", STEPS)
def test_the_steps_of_the_kill_tests_are_all_there_are(tmp_path, monkeypatch, what):
    folder, old = tmp_path / "keys", ""
    if what != "make":
        old = load_keyring(folder).key_id
    if what == "destroy":
        KeyStore(folder).rotate(NOW)
    with killed_at(monkeypatch, 1000, is_done=False) as left:
        change(folder, what, old)
    assert 1000 - left[0] == STEPS[what]


def test_what_a_killed_rotation_left_is_removed_by_the_next(folder, monkeypatch):
    with killed_at(monkeypatch, 1, is_done=True), pytest.raises(Killed):
        KeyStore(folder).rotate(NOW)
    assert list(folder.glob("*.tmp"))
    KeyStore(folder).rotate(NOW)
    assert not list(folder.glob("*.tmp"))

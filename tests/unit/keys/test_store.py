"""Keys are made once, kept from others, rotated and destroyed at one instant, and never shown."""

import base64
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from governance.errors import FeedbackError, UsageError
from governance.keys import KeyStore, key_id_of, load_keyring

from .conftest import NOW, states

A, B, C = "aa" * 32, "bb" * 32, "cc" * 32
ID_OF_A, ID_OF_B = (key_id_of(bytes.fromhex(key)) for key in (A, B))


def test_keys_are_made_on_first_use_and_kept(folder):
    first, second = load_keyring(folder), load_keyring(folder)
    assert first == second
    assert first.pseudonym_key != first.id_key


def test_only_the_owner_can_read_the_keys(folder):
    KeyStore(folder).rotate(NOW)
    KeyStore(folder).destroy(states(folder)[1][0], NOW)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))


@pytest.mark.parametrize(
    ("name", "mode", "fix"), [("id.key", 0o640, "600"), ("pseudonym-*", 0o604, "600"), ("", 0o755, "700")]
)
def test_keys_that_others_can_reach_are_refused_with_the_command_that_mends_it(folder, name, mode, fix):
    path = next(folder.glob(name)) if name else folder
    path.chmod(mode)
    with pytest.raises(FeedbackError, match=rf"mode {mode:o} lets others at the keys; chmod {fix} {path}$"):
        load_keyring(folder)


@pytest.mark.parametrize(
    ("lost", "has_data"), [("id.key", True), ("pseudonym-*.key", True), ("pseudonym-*.key", False)]
)
def test_a_lost_key_stops_the_run_instead_of_being_replaced(folder, lost, has_data):
    next(folder.glob(lost)).unlink()
    with pytest.raises(FeedbackError, match=rf"{re.escape(lost)} is missing; restore it"):
        load_keyring(folder, has_data=lambda: has_data)


def test_a_lost_folder_is_not_made_again_where_something_was_made_with_its_keys(tmp_path):
    with pytest.raises(FeedbackError, match="is missing; restore it"):
        load_keyring(tmp_path / "keys", has_data=lambda: True)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 32])
def test_a_damaged_key_is_named_and_not_used(folder, content):
    next(folder.glob("pseudonym-*")).write_bytes(content)
    with pytest.raises(FeedbackError, match="restore it from your backup"):
        load_keyring(folder)


def test_the_key_of_a_deployment_from_before_rotation_stays_the_current_one(tmp_path):
    for name, content in (("pseudonym.key", bytes.fromhex(A)), ("id.key", bytes.fromhex(B))):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    tmp_path.chmod(0o700)
    keys = load_keyring(tmp_path, has_data=lambda: True)
    assert (keys.pseudonym_key.hex(), keys.id_key.hex()) == (A, B)
    assert states(tmp_path) == [(ID_OF_A, "current")]


def test_rotating_makes_a_new_current_key_and_keeps_the_older_and_the_id_key(folder):
    before = load_keyring(folder)
    key_id = KeyStore(folder).rotate(NOW)
    after = load_keyring(folder)
    assert after.key_id == key_id != before.key_id
    assert after.older == (before.pseudonym_key,)
    assert after.id_key == before.id_key
    assert states(folder) == [(key_id, "current"), (before.key_id, "older")]


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=-400)], ids=["same second", "clock set back"])
def test_the_last_rotation_decides_whatever_the_clock_says(folder, later):
    ids = [KeyStore(folder).rotate(NOW + number * later) for number in range(4)]
    assert [key_id for key_id, _ in states(folder)][:4] == ids[::-1]


def test_no_new_key_gets_an_id_that_is_taken(folder):
    every = {f"{number:04x}" for number in range(0x10000)}
    free = {"0123", "4567", "89ab", "cdef"} | {f"{number:04x}" for number in range(0, 0x10000, 97)}
    assert KeyStore(folder).rotate(NOW, taken=every - free) in free


def test_a_destroyed_key_is_gone_for_ever_and_its_name_is_kept(folder):
    old = load_keyring(folder)
    new = KeyStore(folder).rotate(NOW)
    KeyStore(folder).destroy(old.key_id, NOW)
    assert states(folder) == [(new, "current"), (old.key_id, "destroyed")]
    assert load_keyring(folder).older == ()
    assert not any(old.pseudonym_key in path.read_bytes() for path in folder.iterdir())


def test_a_destroyed_key_that_comes_back_from_a_backup_is_destroyed_again(folder):
    old = next(folder.glob("pseudonym-*.key"))
    kept = old.read_bytes()
    KeyStore(folder).rotate(NOW)
    KeyStore(folder).destroy(key_id_of(kept), NOW)
    for name in (old.name, "pseudonym.key"):
        (folder / name).write_bytes(kept)
        (folder / name).chmod(0o600)
        assert kept not in load_keyring(folder).older
        assert not any(kept in path.read_bytes() for path in folder.iterdir())


def test_where_the_key_was_lost_for_ever_rotating_goes_on(folder):
    next(folder.glob("pseudonym-*")).unlink()
    key_id = KeyStore(folder).rotate(NOW)
    assert load_keyring(folder, has_data=lambda: True).key_id == key_id


def test_a_key_that_was_lost_can_be_given_up(folder):
    KeyStore(folder).destroy("beef", NOW, given_up={"beef"})
    assert load_keyring(folder).destroyed == {"beef"}


def test_destroying_twice_changes_nothing(folder):
    old = states(folder)[0][0]
    KeyStore(folder).rotate(NOW)
    for _ in range(2):
        KeyStore(folder).destroy(old, NOW)
    assert len(list(folder.glob("*.destroyed"))) == 1


def test_neither_the_current_nor_an_unknown_key_can_be_destroyed(folder):
    current = states(folder)[0][0]
    with pytest.raises(UsageError, match="is the current one; run `feedback keys rotate` first"):
        KeyStore(folder).destroy(current, NOW)
    with pytest.raises(UsageError, match=rf"no pseudonym key nope; .*allowed: {current}"):
        KeyStore(folder).destroy("nope", NOW)


class TestFromTheEnvironment:
    def test_the_first_key_is_current_and_those_behind_it_are_older(self, tmp_path, monkeypatch):
        monkeypatch.setenv("FEEDBACK_PSEUDONYM_KEY", f"{A}, {B}")
        monkeypatch.setenv("FEEDBACK_ID_KEY", C)
        keys = load_keyring(tmp_path / "keys", has_data=lambda: True)
        assert (keys.pseudonym_key.hex(), keys.id_key.hex()) == (A, C)
        assert [key.hex() for key in keys.older] == [B]
        assert states(tmp_path / "keys") == [(ID_OF_A, "current"), (ID_OF_B, "older")]
        assert not (tmp_path / "keys").exists()

    def test_it_comes_before_files_which_stay_usable(self, folder, monkeypatch):
        kept = load_keyring(folder)
        monkeypatch.setenv("FEEDBACK_PSEUDONYM_KEY", A)
        keys = load_keyring(folder)
        assert (keys.pseudonym_key.hex(), keys.older, keys.id_key) == (A, (kept.pseudonym_key,), kept.id_key)

    def test_a_key_that_no_longer_comes_is_missed_and_not_made_anew(self, tmp_path, monkeypatch):
        monkeypatch.setenv("FEEDBACK_PSEUDONYM_KEY", A)
        load_keyring(tmp_path / "keys")
        monkeypatch.delenv("FEEDBACK_PSEUDONYM_KEY")
        with pytest.raises(FeedbackError, match="missing; restore it from your backup, or set FEEDBACK_PSEUDONYM_KEY"):
            load_keyring(tmp_path / "keys")

    @pytest.mark.parametrize("variable", ["FEEDBACK_PSEUDONYM_KEY", "FEEDBACK_ID_KEY"])
    @pytest.mark.parametrize("value", ["hunter2", A[:-1], A + "a", "z" * 64, base64.b64encode(b"k" * 32).decode()])
    def test_what_is_no_key_is_refused_by_the_name_of_the_variable_and_not_shown(
        self, tmp_path, monkeypatch, variable, value
    ):
        monkeypatch.setenv(variable, value)
        with pytest.raises(FeedbackError, match=f"^{variable}: .*expected 64 hex digits") as refused:
            load_keyring(tmp_path / "keys")
        assert value not in str(refused.value)

    def test_rotating_and_destroying_is_done_there(self, folder, monkeypatch):
        monkeypatch.setenv("FEEDBACK_PSEUDONYM_KEY", f"{A},{B}")
        with pytest.raises(UsageError, match="put a new one in front of it there"):
            KeyStore(folder).rotate(NOW)
        with pytest.raises(UsageError, match="take it out there"):
            KeyStore(folder).destroy(ID_OF_B, NOW)

    def test_a_destroyed_key_is_refused(self, folder, monkeypatch):
        KeyStore(folder).destroy(ID_OF_A, NOW, given_up={ID_OF_A})
        monkeypatch.setenv("FEEDBACK_PSEUDONYM_KEY", A)
        with pytest.raises(FeedbackError, match=f"FEEDBACK_PSEUDONYM_KEY: key {ID_OF_A} was destroyed"):
            load_keyring(folder)

    def test_two_different_id_keys_are_refused(self, folder, monkeypatch):
        monkeypatch.setenv("FEEDBACK_ID_KEY", A)
        with pytest.raises(FeedbackError, match="ids never rotate: remove one of them"):
            load_keyring(folder)


def test_the_first_key_from_a_backup_does_not_become_the_current_one_again(folder):
    """Backups from before there could be several keys call it `pseudonym.key`."""
    first = next(folder.glob("pseudonym-*.key"))
    current = KeyStore(folder).rotate(NOW)
    first.rename(folder / "pseudonym.key")
    later = (NOW + timedelta(days=400)).timestamp()
    os.utime(folder / "pseudonym.key", (later, later))
    assert states(folder)[0] == (current, "current")
    assert load_keyring(folder).key_id == current
    assert [state for _, state in states(folder)] == ["current", "older"]


@pytest.mark.parametrize("name", ["pseudonym-20261399T000000Z-beef.key", "pseudonym-٢٠٢٦٠١٠١T000000Z-beef.key"])
def test_a_name_without_a_time_is_no_key(folder, name):
    before = load_keyring(folder)
    (folder / name).write_bytes(b"k" * 32)
    assert load_keyring(folder) == before


def test_many_can_meet_the_keys_of_a_deployment_from_before_rotation_at_once(tmp_path):
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        for name, content in (("pseudonym.key", A), ("id.key", B)):
            (folder / name).write_bytes(bytes.fromhex(content))
            (folder / name).chmod(0o600)
        with ThreadPoolExecutor(8) as pool:
            found = [one.result() for one in [pool.submit(load_keyring, folder) for _ in range(8)]]
        assert {keys.key_id for keys in found} == {ID_OF_A}

"""Keys are made once, kept from others, and give the same token for the same value."""

import pytest

from governance.errors import FeedbackError
from governance.keys import Keyring, load_keyring

KEYS = Keyring(b"p" * 32, b"i" * 32)


def test_keys_are_made_on_first_use_and_kept(tmp_path):
    first, second = load_keyring(tmp_path / "keys"), load_keyring(tmp_path / "keys")
    assert first == second
    assert first.pseudonym_key != first.id_key


def test_only_the_owner_can_read_the_keys(tmp_path):
    load_keyring(tmp_path / "keys")
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "keys", *(tmp_path / "keys").iterdir()))


def test_a_lost_key_stops_the_run_instead_of_being_replaced(tmp_path):
    load_keyring(tmp_path / "keys")
    (tmp_path / "keys" / "id.key").unlink()
    with pytest.raises(FeedbackError, match=r"id\.key is missing; restore it"):
        load_keyring(tmp_path / "keys")


def test_a_pseudonym_names_its_type_and_key_and_depends_on_both():
    token = KEYS.pseudonym("EMAIL", "a@example.com")
    assert token == KEYS.pseudonym("EMAIL", "a@example.com")
    assert token.startswith(f"email_{KEYS.key_id}_")
    assert token != KEYS.pseudonym("USER", "a@example.com").replace("user", "email")
    assert token != Keyring(b"q" * 32, b"i" * 32).pseudonym("EMAIL", "a@example.com")


def test_record_ids_outlive_the_rotation_of_the_pseudonym_key():
    assert KEYS.record_id(b"x") == Keyring(b"q" * 32, b"i" * 32).record_id(b"x")


def test_keys_are_not_shown_when_printed():
    assert "ppp" not in repr(KEYS)

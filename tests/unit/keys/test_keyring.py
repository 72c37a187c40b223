"""A key gives the same token for the same value; older keys stay usable, destroyed ones do not."""

import pytest

from governance.errors import FeedbackError, KeyDestroyedError
from governance.keys import Keyring, key_id_of
from governance.privacy import Anonymizer, load_privacy
from governance.privacy.pseudonyms import stand_in
from governance.signals import SIGNALS

KEYS = Keyring(b"p" * 32, b"i" * 32)
ROTATED = Keyring(b"q" * 32, b"i" * 32, older=(b"p" * 32,))
DESTROYED = Keyring(b"q" * 32, b"i" * 32, destroyed=frozenset({KEYS.key_id}))


def test_a_pseudonym_names_its_type_and_key_and_depends_on_both():
    token = KEYS.pseudonym("EMAIL", "a@example.com")
    assert token == KEYS.pseudonym("EMAIL", "a@example.com")
    assert token.startswith(f"email_{KEYS.key_id}_")
    assert token != KEYS.pseudonym("USER", "a@example.com").replace("user", "email")
    assert token != Keyring(b"q" * 32, b"i" * 32).pseudonym("EMAIL", "a@example.com")


def test_record_ids_outlive_the_rotation_of_the_pseudonym_key():
    assert KEYS.record_id(b"x") == ROTATED.record_id(b"x")


def test_an_older_key_makes_the_tokens_it_always_made():
    assert ROTATED.pseudonym("USER", "bob") != KEYS.pseudonym("USER", "bob")
    assert ROTATED.under(KEYS.key_id).pseudonym("USER", "bob") == KEYS.pseudonym("USER", "bob")
    assert ROTATED.under(KEYS.key_id).own_ids == ROTATED.own_ids == {KEYS.key_id, ROTATED.key_id}


def test_a_destroyed_key_makes_no_token_but_is_known_as_ours():
    with pytest.raises(KeyDestroyedError, match=f"pseudonym key {KEYS.key_id} was destroyed"):
        DESTROYED.under(KEYS.key_id)
    assert KEYS.key_id in DESTROYED.own_ids


def test_a_key_that_is_not_there_says_what_is_there_and_what_to_do():
    with pytest.raises(FeedbackError, match=rf"key 0000: .*there are {KEYS.key_id}\); restore it .* destroy 0000"):
        KEYS.under("0000")


@pytest.mark.parametrize("keys", [KEYS, ROTATED, DESTROYED], ids=["its own key", "a newer key", "after destruction"])
@pytest.mark.parametrize("entity", ["USER", "EMAIL", "IP", "PHONE", "ACCOUNT"])
def test_a_token_of_any_of_our_keys_stays_itself(keys, entity):
    token = KEYS.pseudonym(entity, "some value")
    assert stand_in(entity, token, keys, region="US", is_removed=False) == token


def test_what_only_looks_like_a_token_is_replaced():
    stranger = Keyring(b"z" * 32, b"i" * 32).pseudonym("USER", "bob")
    assert stand_in("USER", stranger, ROTATED, region="US", is_removed=False) != stranger


@pytest.mark.parametrize("keys", [ROTATED, DESTROYED], ids=["rotated", "destroyed"])
def test_anonymising_again_under_a_newer_key_changes_nothing(keys):
    raw = {
        "record_id": "1",
        "trace_id": "t",
        "body": "login user=jdoe42 a@b.co from 203.0.113.9, jdoe42 again",
        "attributes": [{"key": "enduser.id", "value": "jdoe42"}, {"key": "client.address", "value": "203.0.113.9"}],
    }
    once = Anonymizer(load_privacy(), KEYS).anonymize(_frame(raw), SIGNALS["logs"]).records
    again = Anonymizer(load_privacy(), keys).anonymize(_frame(once.to_dicts()[0]), SIGNALS["logs"])
    assert KEYS.key_id in once["body"][0]
    assert again.records.to_dicts() == once.to_dicts()


def _frame(row):
    import polars as pl

    schema = SIGNALS["logs"].landing_schema
    return pl.DataFrame([{**dict.fromkeys(schema), **row}], schema=schema)


def test_keys_are_not_shown_when_printed():
    shown = repr(ROTATED)
    assert not any(secret * 3 in shown for secret in "pqi")


def test_the_id_of_a_key_is_the_one_its_tokens_carry():
    assert key_id_of(b"p" * 32) == KEYS.key_id

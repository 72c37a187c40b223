"""A folder of keys, and what may be told of them."""

from datetime import UTC, datetime

import pytest

from governance.keys import KeyStore, load_keyring

NOW = datetime(2100, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    """A folder of keys made on first use."""
    load_keyring(tmp_path / "keys")
    return tmp_path / "keys"


def states(folder):
    return [(key.key_id, key.state) for key in KeyStore(folder).listed()]

"""One policy, one key and one scanner for the tests of this folder."""

import pytest

from governance.keys import Keyring
from governance.privacy import PrivacyPolicy, load_privacy
from governance.privacy.scanner import Scanner


@pytest.fixture(scope="session")
def policy() -> PrivacyPolicy:
    return load_privacy()


@pytest.fixture(scope="session")
def keys() -> Keyring:
    return Keyring(b"p" * 32, b"i" * 32)


@pytest.fixture(scope="session")
def scanner(policy: PrivacyPolicy, keys: Keyring) -> Scanner:
    return Scanner(policy, keys)

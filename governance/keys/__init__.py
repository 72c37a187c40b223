"""The keys of one deployment: what they make (`Keyring`), and where they are kept (`KeyStore`)."""

from governance.keys.keyring import Keyring, key_id_of
from governance.keys.store import KeptKey, KeyStore, load_keyring, make_missing

__all__ = ["KeptKey", "KeyStore", "Keyring", "key_id_of", "load_keyring", "make_missing"]

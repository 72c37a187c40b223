"""The keys of one deployment: which made a pseudonym, which makes the next, and which is gone for ever."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from functools import cached_property

from governance.errors import FeedbackError, KeyDestroyedError


def key_id_of(pseudonym_key: bytes) -> str:
    """Four hex digits naming a pseudonym key; part of every token made with it, and no help in finding the key."""
    return hashlib.sha256(b"key-id" + pseudonym_key).hexdigest()[:4]


@dataclass(frozen=True)
class Keyring:
    """Two kinds of keys with two lives: pseudonym keys rotate, the id key never does.

    Attributes:
        pseudonym_key: the one that makes pseudonyms here.
        older: the other pseudonym keys; partitions made with them are made again with them, see `under`.
        destroyed: ids of pseudonym keys that are gone for ever.
    """

    pseudonym_key: bytes = field(repr=False)
    id_key: bytes = field(repr=False)
    older: tuple[bytes, ...] = field(default=(), repr=False)
    destroyed: frozenset[str] = frozenset()

    @cached_property
    def key_id(self) -> str:
        """The id of the pseudonym key."""
        return key_id_of(self.pseudonym_key)

    @cached_property
    def own_ids(self) -> frozenset[str]:
        """Ids of all pseudonym keys there are and were: a token that carries one is ours, whenever it was made."""
        return frozenset(map(key_id_of, (self.pseudonym_key, *self.older))) | self.destroyed

    def under(self, key_id: str) -> Keyring:
        """The same keys with another one making the pseudonyms.

        Raises:
            KeyDestroyedError: it is gone for ever.
            FeedbackError: there is no such key.
        """
        if key_id == self.key_id:
            return self
        if key_id in self.destroyed:
            raise KeyDestroyedError(f"pseudonym key {key_id} was destroyed")
        every = {key_id_of(key): key for key in (self.pseudonym_key, *self.older)}
        if key_id not in every:
            raise FeedbackError(
                f"pseudonym key {key_id}: partitions were made with it and it is not there (there are "
                f"{', '.join(sorted(every))}); restore it from your backup or put it behind the current one in "
                f"FEEDBACK_PSEUDONYM_KEY, or give it up for ever with `feedback keys destroy {key_id}`"
            )
        chosen = every.pop(key_id)
        return replace(self, pseudonym_key=chosen, older=tuple(every.values()))

    def pseudonym(self, entity: str, canonical: str) -> str:
        """`<ENTITY>_<key id>_<16 hex digits>`: HMAC-SHA256 of the canonical value; same value, same token."""
        digest = hmac.digest(self.pseudonym_key, f"{entity}\x00{canonical}".encode(), "sha256").hex()[:16]
        return f"{entity.lower()}_{self.key_id}_{digest}"

    def record_id(self, canonical_record: bytes) -> str:
        """32 hex digits for a record without an id of its own; a plain hash of it could be reversed."""
        return hmac.digest(self.id_key, canonical_record, "sha256").hex()[:32]

"""The keys of one deployment: made on first use, readable by their owner only, never in the repository."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from governance.errors import FeedbackError


@dataclass(frozen=True)
class Keyring:
    """Two keys with two lives: pseudonyms rotate, ids never do.

    Attributes:
        key_id: four hex digits naming the pseudonym key; part of every token made with it.
    """

    pseudonym_key: bytes = field(repr=False)
    id_key: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        return hashlib.sha256(b"key-id" + self.pseudonym_key).hexdigest()[:4]

    def pseudonym(self, entity: str, canonical: str) -> str:
        """`<ENTITY>_<key id>_<16 hex digits>`: HMAC-SHA256 of the canonical value; same value, same token."""
        digest = hmac.digest(self.pseudonym_key, f"{entity}\x00{canonical}".encode(), "sha256").hex()[:16]
        return f"{entity.lower()}_{self.key_id}_{digest}"

    def record_id(self, canonical_record: bytes) -> str:
        """32 hex digits for a record without an id of its own; a plain hash of it could be reversed."""
        return hmac.digest(self.id_key, canonical_record, "sha256").hex()[:32]


def load_keyring(folder: Path) -> Keyring:
    """The keyring in `folder`, made with fresh keys where there is none.

    Raises:
        FeedbackError: one of the two keys is missing while the other is there: data made with it would be orphaned.
    """
    names = ("pseudonym.key", "id.key")
    present = [name for name in names if (folder / name).is_file()]
    if not present:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in names:
            _create(folder / name, secrets.token_bytes(32))
    elif len(present) < len(names):
        missing = (set(names) - set(present)).pop()
        raise FeedbackError(f"{folder}: {missing} is missing; restore it from your backup before running again")
    return Keyring(*((folder / name).read_bytes() for name in names))


def _create(path: Path, value: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(value)
        os.fsync(file.fileno())
    temporary.rename(path)

"""Files that hold a key: for their owner only, written whole or not at all, overwritten before they are removed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from governance.durability import sync
from governance.errors import FeedbackError

KEY_BYTES = 32


def check_owner_only(path: Path, fix: str) -> None:
    """Nothing where there is no such file.

    Raises:
        FeedbackError: others than the owner can read, write or enter it.
    """
    mode = path.stat().st_mode & 0o777 if path.exists() else 0
    if mode & 0o077:
        raise FeedbackError(f"{path}: its mode {mode:03o} lets others at the keys; {fix} {path}")


def read_key(path: Path) -> bytes:
    """The key in a file.

    Raises:
        FeedbackError: others can read it, or it has not the length of a key.
    """
    check_owner_only(path, "chmod 600")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise FeedbackError(f"{path}: {len(key)} bytes; a key has {KEY_BYTES}: restore it from your backup")
    return key


def write(path: Path, content: bytes) -> None:
    """Write a file that others cannot read; after a kill or a power loss it is there whole or not at all."""
    for left_over in path.parent.glob("*.tmp"):
        left_over.unlink()
    temporary = path.with_suffix(".tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync(path.parent)


def wipe(path: Path) -> None:
    """Overwrite a key and remove it; on a disk that writes elsewhere, and in backups, old bytes can remain."""
    try:
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)
    sync(path.parent)

"""The head of the chain, kept in a file outside the database: without it nobody could tell that the end was cut off."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from governance.durability import sync
from governance.errors import FeedbackError


@dataclass(frozen=True)
class Head:
    """The last entry of the chain as it was exported.

    Attributes:
        digest: hex.
        at: when the entry was decided (ISO, UTC).
    """

    number: int
    digest: str
    at: str


def read_head(path: Path) -> Head | None:
    """The head in a file; null where there is no file.

    Raises:
        FeedbackError: the file cannot be read, or holds no head.
    """
    try:
        parts = json.loads(path.read_bytes())
        bytes.fromhex(parts["digest"]), datetime.fromisoformat(parts["at"])
        return Head(int(parts["number"]), str(parts["digest"]), str(parts["at"]))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise FeedbackError(
            f"{path}: not readable as the head of the decision record ({type(error).__name__}); restore it from your "
            "backup or a copy, `feedback audit verify --head COPY` takes one"
        ) from None


def pending_head(path: Path) -> Head | None:
    """The head that was written beside the one at `path` and not put in place: what a kill left; null: none."""
    try:
        return read_head(_beside(path))
    except FeedbackError:
        return None


@contextmanager
def replacing(path: Path) -> Iterator[Callable[[Head], None]]:
    """Gives a function that writes the new head beside the old one, and puts it in place once the block is through.

    So what can fail is done before a decision is recorded for good, and a kill leaves a head that is behind, with the
    one that goes with the record beside it.
    """
    temporary, written = _beside(path), False

    def write(head: Head) -> None:
        nonlocal written
        written = True
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(head), file)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        sync(path.parent)

    try:
        yield write
        put_in_place(path)
    finally:
        if written:  # else it is what a kill left, which still tells that the record is whole
            temporary.unlink(missing_ok=True)


def put_in_place(path: Path) -> None:
    """Let the head that was written beside the one at `path` be the head."""
    _beside(path).rename(path)
    sync(path.parent)


def _beside(path: Path) -> Path:
    return path.with_suffix(".tmp")


def utc(at: datetime) -> str:
    """A time as it stands in a head."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")

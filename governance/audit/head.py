"""The head of the chain, kept in a file outside the database: without it nobody could tell that the end was cut off."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from governance.durability import sync_folder
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


def prepare(path: Path, head: Head) -> None:
    """Write a head beside the file it is to replace: what can fail is done here, before the decision is recorded."""
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(head), file)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def publish(path: Path) -> None:
    """Put the prepared head in place, once the decision is recorded; a kill before leaves one that is one behind."""
    path.with_suffix(".tmp").rename(path)
    sync_folder(path.parent)


def utc(at: datetime) -> str:
    """A time as it stands in a head."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")

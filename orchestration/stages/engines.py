"""What the processes beside this one load while there is nothing for them to do yet."""

from __future__ import annotations

from governance.keys import Keyring
from governance.privacy import Anonymizer, load_privacy
from governance.quality import load_engine


def load_engines() -> None:
    """Load what anonymising and judging need (3 s each)."""
    Anonymizer(load_privacy(), Keyring(b"", b""))
    load_engine()

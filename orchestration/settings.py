"""Where a deployment keeps its state: one protected directory, FEEDBACK_HOME (default: .feedback beside the code)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Home:
    """The directory of one deployment and the names inside it."""

    root: Path

    @property
    def inbox(self) -> Path:
        """Where files to be received lie by default."""
        return Path(os.environ.get("FEEDBACK_INBOX", self.root / "inbox"))

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def warehouse(self) -> Path:
        """The pipeline's own DuckDB file; readers get `published` copies."""
        return self.root / "warehouse" / "feedback.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME."""
        return self.root / "dagster"

    @property
    def temporary(self) -> Path:
        """Spill files: raw values can be in them, so they stay inside the protected directory."""
        return self.root / "tmp"


def home() -> Home:
    """The deployment FEEDBACK_HOME names."""
    return Home(Path(os.environ.get("FEEDBACK_HOME", PROJECT / ".feedback")).resolve())

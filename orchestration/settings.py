"""Where a deployment keeps its state: one protected directory, FEEDBACK_HOME (default: .feedback beside the code)."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
    def decisions(self) -> Path:
        """The decision record and the head of its chain."""
        return self.root / "decisions"

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
    def clean_files(self) -> Path:
        """Which files were looked through for canaries and held none."""
        return self.root / "clean_files.json"

    @property
    def scripts(self) -> Path:
        """What draws the report's charts."""
        return self.root / "scripts"

    @property
    def cache(self) -> Path:
        """What is made again where it is missing."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        """Spill files: raw values can be in them, so they stay inside the protected directory."""
        return self.root / "tmp"


def home() -> Home:
    """The deployment FEEDBACK_HOME names."""
    return Home(Path(os.environ.get("FEEDBACK_HOME", PROJECT / ".feedback")).resolve())


def enter(deployment: Home) -> None:
    """Point every library of this process at the deployment, and switch off what would talk to strangers."""
    os.umask(0o077)  # whatever a library writes for us, nobody else can read
    dagster_yaml = deployment.dagster / "dagster.yaml"
    if not dagster_yaml.exists() or dagster_yaml.read_text() != _DAGSTER_YAML:
        deployment.dagster.mkdir(parents=True, exist_ok=True, mode=0o700)
        dagster_yaml.write_text(_DAGSTER_YAML)
    deployment.temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("FEEDBACK_CONFIG", "FEEDBACK_CACHE"):
        if own := os.environ.get(name):
            os.environ[name] = str(Path(own).resolve())  # `feedback ui` goes to another folder
    os.environ |= {
        "FEEDBACK_HOME": str(deployment.root),
        "FEEDBACK_CACHE": os.environ.get("FEEDBACK_CACHE", str(deployment.cache)),
        "FEEDBACK_WAREHOUSE": str(deployment.warehouse),
        "DAGSTER_HOME": os.environ.get("DAGSTER_HOME", str(deployment.dagster)),
        "DAGSTER_EVENT_BATCH_SIZE": "200",
        "DBT_TARGET_PATH": str(deployment.root / "dbt"),
        "DBT_LOG_PATH": str(deployment.root / "dbt" / "logs"),
        "TMPDIR": str(deployment.temporary),
        # dagster-dbt looks for `dbt` there, whether the environment is activated or not
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        **QUIET,
    }


_held = threading.RLock()


@contextmanager
def exclusive(deployment: Home) -> Iterator[None]:
    """One stage at a time writes to a deployment, whichever process runs it; waits for the other to finish."""
    deployment.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _held, (deployment.root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# No library may report home: telemetry is off in every process the product starts.
QUIET = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
}

_DAGSTER_YAML = """\
telemetry: {enabled: false}
nux: {enabled: false}
event_log_storage:
  module: orchestration.event_log
  class: PooledEventLog
  config: {base_dir: {env: DAGSTER_HOME}}
concurrency:
  runs: {max_concurrent_runs: 1}  # DuckDB takes one writing process
run_monitoring: {enabled: true}
"""

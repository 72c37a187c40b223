"""A deployment with a few anonymised days, each with its canaries."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
import pytest

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.privacy.canaries import Canaries
from governance.quality import load_quality, load_suite
from governance.signals import SIGNALS
from orchestration.lake import Lake
from orchestration.settings import Home
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.gating import judge_dataset
from orchestration.stages.leak_checking import check_leaks

DAYS = ["2026-03-01", "2026-03-02"]
AS_OF = datetime(2026, 3, 4, tzinfo=UTC)
KEYS = Keyring(b"p" * 32, b"i" * 32)
LOGS = "otel/logs"


@dataclass
class World:
    """One deployment; its methods are the stages as the flow runs them."""

    home: Home

    @property
    def lake(self):
        return Lake(self.home.lake)

    def copy(self, root):
        shutil.copytree(self.home.root, root)
        return World(Home(root))

    def land(self, day, *bodies):
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        common = {"event_at": at, "service": "cart", "severity": "INFO", "time_unix_nano": int(at.timestamp()) * 10**9}
        rows = [{"record_id": f"{number:04x}", "body": body, **common} for number, body in enumerate(bodies)]
        with self.lake.replace(f"landing/{LOGS}/{day}", as_of=AS_OF) as out:
            out.write("records", pl.DataFrame(rows, schema=SIGNALS["logs"].landing_schema))
            out.counts = {"landed": len(rows)}

    def anonymize(self, policy=None, days=DAYS):
        return anonymize_days(self.lake, LOGS, days, policy or load_privacy(), KEYS, AS_OF)

    def judge(self, days=DAYS):
        return judge_dataset(self.lake, LOGS, days, load_suite("logs"), load_quality(), AS_OF)

    def look(self, **options):
        return check_leaks(self.lake, self.home, load_privacy(), KEYS, AS_OF, **options)

    def canaries(self, day):
        return Canaries(load_privacy(), KEYS).of(LOGS, day)

    def canary(self, day=DAYS[0], entity="EMAIL"):
        return next(one for one in self.canaries(day) if one.entity == entity and one.place == "body")


@pytest.fixture(scope="session")
def landed(tmp_path_factory):
    made = World(Home(tmp_path_factory.mktemp("landed")))
    for day in DAYS:
        made.land(day, "ready", "request served")
    return made


@pytest.fixture(scope="session")
def judged(landed, tmp_path_factory):
    made = landed.copy(tmp_path_factory.mktemp("judged") / "home")
    made.anonymize()
    made.judge()
    return made


@pytest.fixture
def world(landed, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    monkeypatch.delenv("FEEDBACK_INBOX", raising=False)
    return landed.copy(tmp_path / "home")


@pytest.fixture
def anonymised(judged, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    monkeypatch.delenv("FEEDBACK_INBOX", raising=False)
    return judged.copy(tmp_path / "home")

"""A help desk's CSV files, an inbox of them and a lake."""

from datetime import UTC, datetime

import polars as pl

from governance.keys import Keyring
from governance.sources import Files, Source
from orchestration.lake import Lake
from orchestration.ledger import ledger
from orchestration.stages.counting import days_received
from orchestration.stages.landing import land
from orchestration.stages.receiving import receive

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = Keyring(b"p" * 32, b"i" * 32)
DAY = "2026-05-01"
HEADER = "record_id,event_at,subject\n"
SOURCE = Source(
    name="desk",
    description="d",
    type="csv",
    signals=("tickets",),
    owner="o",
    purpose="p",
    files=Files(patterns=("*.csv",)),
)


class Desk:
    """An inbox and a lake."""

    def __init__(self, folder):
        self.inbox, self.lake = folder / "inbox", Lake(folder / "lake")
        self.inbox.mkdir()

    def write(self, name, *rows):
        (self.inbox / name).write_text(HEADER + "".join(f"{row}\n" for row in rows))

    def run(self, as_of=AS_OF):
        """Receive and land all days; what landing said by day."""
        receive(SOURCE, self.inbox, self.lake, KEYS, as_of)
        days = days_received(self.lake, "desk", "tickets")
        return {day: land(self.lake, "desk", "tickets", day, as_of, inputs) for day, inputs in days.items()}

    def landed(self, day=DAY):
        return self.lake.read(f"landing/desk/tickets/{day}")

    def versions(self):
        return self.landed().select("record_id", "subject").rows()

    def too_late(self):
        """How many records came too late, by day."""
        return dict(ledger(self.lake).filter(pl.col("too_late") > 0).select("event_date", "too_late").rows())

    def expire(self, name):
        for key in self.lake.keys("received/desk"):
            if self.lake.manifest(key).facts["name"] == name:
                self.lake.remove(key)


def row(record_id, subject="s", day=1, hour=10):
    return f"{record_id},2026-05-{day:02}T{hour:02}:00:00Z,{subject}"

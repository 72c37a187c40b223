"""A pull over a temporary inbox, and what a connector makes of a file in it."""

from datetime import UTC, datetime

import orjson
import polars as pl
import pytest

from governance.keys import Keyring
from governance.sources import TYPES, Files, Source
from orchestration.sources.connector import Pull
from orchestration.sources.registry import connector_for

AS_OF = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Read:
    """Everything a connector said about the inbox."""

    def __init__(self, batches):
        self.batches = batches
        self.skipped = sum(batch.skipped for batch in batches)
        self.malformed = pl.concat([batch.malformed for batch in batches]) if batches else pl.DataFrame()

    def rows(self, signal):
        """Records of a signal as dicts, without the provenance, attributes as a dict."""
        rows = [row for batch in self.batches if signal in batch.records for row in batch.records[signal].to_dicts()]
        for row in rows:
            if "attributes" in row:
                row["attributes"] = {entry["key"]: entry["value"] for entry in row["attributes"]}
        return rows

    @property
    def reasons(self):
        return self.malformed["reason"].to_list()


@pytest.fixture
def read(tmp_path):
    """Read `content` (bytes, or a value to be written as JSON) as the only file of a source."""

    def read_file(kind, content, name="file", signals=None, **mapping):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
        source = Source(
            name="it",
            description="d",
            type=kind,
            signals=signals or TYPES[kind],
            owner="o",
            purpose="p",
            files=Files(),
            **mapping,
        )
        pull = Pull(source, tmp_path, Keyring(b"p" * 32, b"i" * 32), AS_OF, AS_OF)
        connector = connector_for(source)
        return Read([batch for document in connector.documents(pull) for batch in connector.read(document, pull)])

    return read_file

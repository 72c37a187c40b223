"""Files of every kind that is read, and what `discover` says and writes about them."""

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from orchestration.discovery import discover

AS_OF = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class Told:
    """One run: what was printed, what was written, and what was found."""

    printed: str
    out: Path
    found: object = field(repr=False)

    @property
    def files(self):
        return {path.relative_to(self.out).as_posix(): path.read_text() for path in sorted(self.out.rglob("*.yml"))}

    @property
    def everything(self):
        return self.printed + "".join(f"{name}\n{text}" for name, text in self.files.items())


@pytest.fixture
def tell(tmp_path):
    """Discover a target; the proposals go to a folder of their own."""

    def run(target, out="proposals", inbox=None, rows=1_000):
        printed = StringIO()
        console = Console(file=printed, width=200, highlight=False)
        where = tmp_path / out
        found = discover(console, str(target), inbox or tmp_path, where, rows, AS_OF)
        return Told(printed.getvalue(), where, found)

    return run


def attributes(pairs):
    return [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()]


def span(number, service, pairs, name="GET /cart"):
    """One export request with one span."""
    start = 1_780_000_000_000_000_000 + number * 10**9
    about = {"traceId": f"{number + 1:032x}", "spanId": f"{number + 1:016x}", "name": name, "kind": 2}
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**6)}
    spans = [{**about, **times, "attributes": attributes(pairs)}]
    resource = {"attributes": attributes({"service.name": service})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}


def lines(*entries):
    return b"".join(orjson.dumps(entry) + b"\n" for entry in entries)


def table(header, *rows):
    text = StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


@pytest.fixture
def put(tmp_path):
    """Write a file below the folder `data`, of bytes or of JSON lines."""

    def write(name, *content):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content[0] if isinstance(content[0], bytes) else lines(*content))
        return tmp_path / "data"

    return write

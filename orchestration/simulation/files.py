"""Writers: files grow line by line or page by page, so that memory does not depend on how much is written."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import orjson

from orchestration.simulation.telemetry import Entry, Json, attribute
from orchestration.simulation.truth import Truth

_PER_LINE = 200
_PER_PAGE = 100
_SCOPE = {"name": "shop.instrumentation", "version": "1.4.0"}


@dataclass
class Lines:
    """A file of OTLP/JSON, one export request per line; a name that ends in .gz is compressed."""

    path: Path
    signal: str  # spans | logs
    count: int = 0
    lines: int = 0
    _opened: list[BinaryIO] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._opened.append(self.path.open("wb"))
        if self.path.suffix == ".gz":  # no name and no time in the header: same bytes each time
            zipped = gzip.GzipFile("", "wb", 6, self._opened[0], mtime=0)
            self._opened.append(zipped)  # type: ignore[arg-type]  # GzipFile is a BinaryIO in all but name
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in reversed(self._opened):
            file.close()

    def write(self, entries: Sequence[Entry]) -> None:
        """Append entries, about two hundred to a line."""
        for first in range(0, len(entries), _PER_LINE):
            chunk = entries[first : first + _PER_LINE]
            self._opened[-1].write(orjson.dumps(export_request(chunk, self.signal)) + b"\n")
            self.count += len(chunk)
            self.lines += 1

    def write_raw(self, line: bytes) -> int:
        """Append a line as it is; its number from 1."""
        self._opened[-1].write(line + b"\n")
        self.lines += 1
        return self.lines


def export_request(entries: Iterable[Entry], signal: str) -> Json:
    """An export request of records of many services, grouped by resource as the Collector's batches are."""
    resources: dict[tuple[str, str], list[Json]] = {}
    for entry in entries:
        resources.setdefault((entry.service, entry.version), []).append(entry.record)
    outer, inner, leaf = (
        ("resourceSpans", "scopeSpans", "spans") if signal == "spans" else ("resourceLogs", "scopeLogs", "logRecords")
    )
    return {
        outer: [
            {"resource": {"attributes": _resource(*resource)}, inner: [{"scope": dict(_SCOPE), leaf: records}]}
            for resource, records in resources.items()
        ]
    }


def _resource(service: str, version: str) -> list[Json]:
    named = [("service.name", service)] if service else []
    rest = [("service.version", version), ("deployment.environment.name", "production")]
    return [attribute(key, value) for key, value in (*named, *rest)]


@dataclass
class Pages:
    """Numbered JSON pages; one page is held back, so that the last can say it is the last."""

    folder: Path
    name: str
    envelope: Callable[[list[Json], int, bool], Json]  # rows, page number, is it the last -> page
    truth: Truth
    signal: str
    rows: list[Json] = field(default_factory=list)
    number: int = 0

    def add(self, row: Json) -> str:
        """Append a row; the file it will be in."""
        if len(self.rows) == _PER_PAGE:
            self._write(is_last=False)
        self.rows.append(row)
        return self.file

    @property
    def file(self) -> str:
        return f"{self.folder.name}/{self.name}-{self.number:04d}.json"

    def close(self) -> None:
        """Write what is left, as the last page."""
        self._write(is_last=True)

    def _write(self, *, is_last: bool) -> None:
        write_json(self.folder / Path(self.file).name, self.envelope(self.rows, self.number, is_last))
        self.truth.file(self.file, self.signal, rows=len(self.rows), lines=1)
        self.rows = []
        self.number += 1


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str | int | float | None]]) -> None:
    """A table with a line of headers, as exports are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_json(path: Path, document: Json) -> None:
    """A JSON document, indented as the APIs' saved answers are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))

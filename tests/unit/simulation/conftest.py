"""One run of the default scenario for all tests here, and plain readers of what it wrote."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration.simulation import Truth, load_scenario, simulate

END = date(2026, 3, 31)


@dataclass(frozen=True)
class Written:
    """What one run wrote."""

    out: Path
    truth: Truth

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        for path in sorted(self.out.glob(f"otel/{name}-*")):
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            yield from map(json.loads, data.splitlines())

    def records(self, name: str) -> Iterator[dict[str, Any]]:
        """Spans (`traces`) or log records (`logs`), with `service`, `version` and flat attributes under `at`."""
        outer, inner, leaf = {
            "traces": ("resourceSpans", "scopeSpans", "spans"),
            "logs": ("resourceLogs", "scopeLogs", "logRecords"),
        }[name]
        for line in self.lines(name):
            for resource in line[outer]:
                about = flat(resource["resource"]["attributes"])
                for scope in resource[inner]:
                    for record in scope[leaf]:
                        record |= {"service": about.get("service.name"), "version": about["service.version"]}
                        yield record | {"at": flat(record.get("attributes", []))}

    def pages(self, pattern: str) -> list[Any]:
        return [json.loads(path.read_bytes()) for path in sorted(self.out.glob(pattern))]

    def rows(self, pattern: str, key: str) -> list[dict[str, Any]]:
        return [row for page in self.pages(pattern) for row in page[key]]


def flat(attributes: list[dict[str, Any]]) -> dict[str, str]:
    return {attribute["key"]: next(iter(attribute["value"].values())) for attribute in attributes}


def run(out: Path, scenario: str = "quiet", **arguments: Any) -> Written:
    given = {"seed": 3, "end": END, "days": 4, "scale": 0.2} | arguments
    return Written(out / "inbox", simulate(load_scenario(scenario), out=out / "inbox", **given))


@pytest.fixture(scope="session")
def default(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return run(tmp_path_factory.mktemp("default"), "default", days=42, scale=1.0)


@pytest.fixture(scope="session")
def spans(default: Written) -> list[dict[str, Any]]:
    return list(default.records("traces"))


@pytest.fixture(scope="session")
def logs(default: Written) -> list[dict[str, Any]]:
    return list(default.records("logs"))

"""Telemetry that figures are checked on, gone through the stages up to the gate: generated events, and real ones.

Real ones are those of FEEDBACK_REAL_DATA/otlp, where that is set.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from governance.keys import Keyring
from governance.sampling import SamplingPolicy, load_sampling_policy
from orchestration.lake import Lake
from tests.bench.flow import generated
from tests.bench.sides import days as generated_days
from tests.bench.stages import NAMES, SIGNALS, Telemetry, stages
from tests.bench.texts import real_data

EVENTS = 200_000
_KEYS = Keyring(b"p" * 32, b"i" * 32)


@dataclass(frozen=True)
class Corpus:
    """Checked telemetry of some days, and the folder with the files it was read from."""

    name: str
    files: Path
    telemetry: Telemetry
    rows: int

    @property
    def lake(self) -> Lake:
        return self.telemetry.lake

    def sample(self, policy: SamplingPolicy) -> None:
        """Make traits, rollups and samples under this policy."""
        work = stages(self.telemetry, policy)
        for name in NAMES[4:]:
            work[name]()

    def outcomes(self) -> pl.DataFrame:
        """Rows kept and removed by the sample; one row per day, signal and what a sample tells apart."""
        keys = [key for signal in SIGNALS for key in self.lake.keys(f"sampled/otel/{signal}")]
        dated = [self.lake.read(key, "outcomes").with_columns(day=pl.lit(key.rpartition("/")[2])) for key in keys]
        return pl.concat(dated, how="diagonal")

    @property
    def kept_share(self) -> float:
        """Of all checked rows."""
        kept, removed = self.outcomes().select(pl.col("kept_rows", "removed_rows").sum()).row(0)
        return float(kept / (kept + removed))


@contextmanager
def generated_corpus(events: int = EVENTS) -> Iterator[Corpus]:
    """So many generated events over ten days."""
    inbox = generated(events)
    with _checked(f"{events:,} events", inbox, inbox / "otel", generated_days()) as corpus:
        yield corpus


@contextmanager
def real_corpus() -> Iterator[Corpus | None]:
    """The day of a real system, where it is at hand."""
    folder = real_data()
    if folder is None or not (folder / "otlp").is_dir():
        yield None
        return
    with tempfile.TemporaryDirectory() as inbox:
        for name in ("traces.jsonl", "logs.jsonl"):  # beside them lie files that are broken on purpose
            shutil.copy(folder / "otlp" / name, inbox)
        with _checked("real system", Path(inbox), Path(inbox), ["2022-08-22"]) as corpus:
            yield corpus


def policy_with(changes: Mapping[str, Mapping[str, object]]) -> SamplingPolicy:
    """The shipped policy with some values changed, section by section."""
    stated = load_sampling_policy().model_dump()
    for section, values in changes.items():
        stated[section] |= values
    return SamplingPolicy.model_validate(stated)


@contextmanager
def _checked(name: str, inbox: Path, files: Path, days: list[str]) -> Iterator[Corpus]:
    as_of = datetime.combine(date.fromisoformat(days[-1]) + timedelta(days=1), datetime.min.time(), UTC)
    with tempfile.TemporaryDirectory() as folder:
        telemetry = Telemetry(inbox, Lake(Path(folder)), _KEYS, days, as_of)
        work = stages(telemetry, load_sampling_policy())
        for stage in NAMES[:4]:
            work[stage]()
        manifests = [telemetry.lake.manifest(key) for key in telemetry.lake.keys("checked")]
        yield Corpus(name, files, telemetry, sum(made.rows("records") for made in manifests if made))

"""The stages of telemetry, each over all days: what the jobs call, in their order, without Dagster between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.quality import load_quality, load_suite
from governance.sampling import SamplingPolicy
from governance.sources import load_sources
from orchestration.lake import Lake
from orchestration.stages import workers
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.engines import load_engines
from orchestration.stages.gating import judge_dataset
from orchestration.stages.landing import land_days
from orchestration.stages.receiving import receive
from orchestration.stages.rolling_up import roll_up_log_days, roll_up_span_days
from orchestration.stages.sampling import sample_days

SIGNALS = ("spans", "logs")
NAMES = ("receive", "land", "anonymize", "gate", "roll up", "sample")
# With more days `feedback run` loads the engines in the processes beside it while the days are landed.
_MANY_DAYS = 7


@dataclass(frozen=True)
class Telemetry:
    """What goes through the stages: files of the source otel, the lake they end in, their days (ISO)."""

    inbox: Path
    lake: Lake
    keys: Keyring
    days: list[str]
    as_of: datetime


def stages(of: Telemetry, sampling: SamplingPolicy) -> Mapping[str, Callable[[], object]]:
    """What each of NAMES does."""
    source, privacy, gate = load_sources()["otel"], load_privacy(), load_quality()
    lake, keys, days, as_of = of.lake, of.keys, of.days, of.as_of

    def land() -> None:
        if len(days) > _MANY_DAYS:
            workers.start(load_engines)
        for signal in SIGNALS:
            land_days(lake, source, signal, days, as_of)

    def roll_up() -> None:
        roll_up_span_days(lake, "otel", days, sampling, as_of)
        roll_up_log_days(lake, "otel", days, sampling, as_of)

    work: tuple[Callable[[], object], ...] = (
        lambda: receive(source, of.inbox, lake, keys, as_of),
        land,
        lambda: [anonymize_days(lake, f"otel/{one}", days, privacy, keys, as_of) for one in SIGNALS],
        lambda: [judge_dataset(lake, f"otel/{one}", days, load_suite(one), gate, as_of) for one in SIGNALS],
        roll_up,
        lambda: [sample_days(lake, f"otel/{one}", days, sampling, as_of) for one in SIGNALS],
    )
    return dict(zip(NAMES, work, strict=True))

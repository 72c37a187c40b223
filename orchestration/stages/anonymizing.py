"""anonymize: landing -> mentions -> anonymized, and held for what could not be judged."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime

import polars as pl

from governance.keys import Keyring
from governance.privacy import Anonymizer, PrivacyPolicy
from governance.privacy.canaries import Canaries, Harvest
from governance.privacy.threads import MENTIONS_SCHEMA, THREADS
from governance.signals import SIGNALS
from orchestration.lake import Lake, Manifest, Replacement
from orchestration.leaks.marks import LEAKED
from orchestration.stages.tally import Tally

_KNOWN_SCHEMA = pl.Schema([*MENTIONS_SCHEMA.items(), ("origin", pl.String())])


def anonymize_days(
    lake: Lake, dataset: str, days: list[str], policy: PrivacyPolicy, keys: Keyring, as_of: datetime
) -> Tally:
    """Anonymise the days of a dataset (`<source>/<signal>`); the landing counts travel on, as landing expires first."""
    return _Stage(lake, dataset, policy, keys, as_of).anonymized(days)


class _Stage:
    def __init__(self, lake: Lake, dataset: str, policy: PrivacyPolicy, keys: Keyring, as_of: datetime) -> None:
        self._lake, self._dataset, self._policy, self._keys, self._as_of = lake, dataset, policy, keys, as_of
        self._source, signal = dataset.split("/")
        self._signal = SIGNALS[signal]
        self._anonymizer = Anonymizer(policy, keys)
        self._canaries = Canaries(policy, keys)
        self._found: dict[str, pl.DataFrame] = {}

    def anonymized(self, days: list[str]) -> Tally:
        tally = Tally()
        for day in days:
            landing = self._lake.manifest(f"landing/{self._dataset}/{day}")
            if landing is None:
                if self._lake.exists(f"anonymized/{self._dataset}/{day}"):
                    tally.frozen.append(day)
                continue
            self._anonymize(day, landing, tally)
        return tally

    def _anonymize(self, day: str, landing: Manifest, tally: Tally) -> None:
        source_key, target, held = (f"{state}/{self._dataset}/{day}" for state in ("landing", "anonymized", "held"))
        known = self._known(day)
        inputs = {source_key: landing.digest, "mentions": self._digest(known)}
        if self._lake.is_current(target, inputs, self._policy.digest):
            tally.current.append(day)
            return
        harvest = self._harvest(day, self._lake.read(source_key), known)
        result = harvest.real
        with self._replace(held, inputs) as out:
            out.write("records", result.held)
            out.write("known", known)
        with self._replace(target, inputs) as out:
            out.write("records", result.records)
            out.write("canaries", harvest.canaries)
            out.counts = {**landing.counts, "anonymized": result.records.height, "held": result.held.height}
            out.counts |= harvest.counts
            out.facts = {f"withheld field {name}": str(count) for name, count in sorted(result.withheld_fields.items())}
            out.facts |= {LEAKED: harvest.leaked} if harvest.leaks else {}
        tally.days[day] = out.counts
        if result.held.height:
            tally.notes[day] = f"{result.held.height} records held"
        if harvest.leaks:
            tally.notes[day] = f"canaries came out unmasked ({harvest.leaked}); the gate withholds the day"

    def _harvest(self, day: str, frame: pl.DataFrame, known: pl.DataFrame) -> Harvest:
        """The day's records and, going the very same way among them, its canaries."""
        planted = self._canaries.planted(self._dataset, day)
        together = pl.concat([frame.select(planted.frame.columns), planted.frame])
        return planted.harvest(self._anonymizer.anonymize(together, self._signal, known.select(*MENTIONS_SCHEMA)))

    def _replace(self, key: str, inputs: Mapping[str, str]) -> AbstractContextManager[Replacement]:
        return self._lake.replace(
            key, as_of=self._as_of, inputs=inputs, policy=self._policy.digest, key_id=self._keys.key_id
        )

    def _known(self, day: str) -> pl.DataFrame:
        """What the threads of a day are known to hold, and from which partition; what was known once stays known.

        Landing expires day by day: what an expired neighbour told is kept from the last time, so that a rerun of a
        day does not unmask what was masked.
        """
        threading = THREADS.get(self._signal.name)
        if threading is None:
            return pl.DataFrame(schema=_KNOWN_SCHEMA)
        origins = [
            key
            for signal in threading.signals
            for key in self._lake.keys(f"landing/{self._source}/{signal}")
            if threading.days_around is None or _days_between(key, day) <= threading.days_around
        ]
        own = self._lake.scan([f"landing/{self._dataset}/{day}"], "records", self._signal.landing_schema)
        threads = own.select(pl.col(threading.column).drop_nulls().unique()).collect()[threading.column]
        frames = [self._mentions(key) for key in origins]
        held = f"held/{self._dataset}/{day}"
        if self._lake.files(held, "known"):
            frames.append(self._lake.read(held, "known").filter(~pl.col("origin").is_in(origins)))
        found = pl.concat([pl.DataFrame(schema=_KNOWN_SCHEMA), *frames])
        return found.filter(pl.col("thread").is_in(threads.implode())).unique().sort(pl.all())

    def _mentions(self, landing_key: str) -> pl.DataFrame:
        """The mentions of one landing partition, found again when it or the policy has changed."""
        if landing_key in self._found:
            return self._found[landing_key]
        key = landing_key.replace("landing/", "mentions/", 1)
        inputs = self._lake.digests([landing_key])
        if not self._lake.is_current(key, inputs, self._policy.digest):
            signal = SIGNALS[landing_key.split("/")[2]]
            mentions = self._anonymizer.mentions(self._lake.read(landing_key), signal)
            with self._lake.replace(key, as_of=self._as_of, inputs=inputs, policy=self._policy.digest) as out:
                out.write("records", mentions)
        found = self._lake.read(key).with_columns(origin=pl.lit(landing_key))
        self._found[landing_key] = found
        return found

    def _digest(self, known: pl.DataFrame) -> str:
        """Keyed: a plain hash of a few values could be guessed."""
        return self._keys.record_id(known.drop("origin").unique().sort(pl.all()).write_ndjson().encode())[:16]


def _days_between(key: str, day: str) -> int:
    return abs((date.fromisoformat(key.rsplit("/", 1)[1]) - date.fromisoformat(day)).days)

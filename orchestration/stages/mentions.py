"""What the threads of a day are known to hold: the mentions of its own and of its neighbours' landing partitions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cached_property, lru_cache

import polars as pl

from governance.keys import Keyring
from governance.privacy.threads import MENTIONS_SCHEMA, THREADS
from orchestration.lake import Lake, Part, Table

# Landing partitions and the files of what was found in them.
Told = tuple[tuple[str, str], ...]
KNOWN_SCHEMA = pl.Schema([*MENTIONS_SCHEMA.items(), ("origin", pl.String())])


class Neighbourhood:
    """The landing partitions whose mentions count for a dataset (`<source>/<signal>`), as they are at first sight."""

    def __init__(self, lake: Lake, dataset: str) -> None:
        self._lake, self._dataset = lake, dataset
        self._source, signal = dataset.split("/")
        self._threading = THREADS.get(signal)
        self._files: dict[str, list[str]] = {}

    @cached_property
    def _landed(self) -> dict[str, str]:
        """The digest of each landing partition of the signals whose threads are the dataset's own."""
        signals = self._threading.signals if self._threading else ()
        return self._lake.digests(
            [key for name in signals for key in self._lake.keys(f"landing/{self._source}/{name}")]
        )

    def origins(self, day: str) -> list[str]:
        """The landing partitions that a day's mentions come from."""
        around = self._threading.days_around if self._threading else 0
        return [key for key in self._landed if around is None or _days_between(key, day) <= around]

    def digest(self, day: str) -> str:
        """Hash of the contents of the day's origins."""
        contents = {key: self._landed[key] for key in self.origins(day)}
        return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()[:16]

    def stale(self, days: Iterable[str], policy: str) -> list[str]:
        """The origins of the days whose mentions must be found (again): they or the policy have changed."""
        wanted = dict.fromkeys(origin for day in days for origin in self.origins(day))
        return [key for key in wanted if not self._lake.is_current(mentions_key(key), {key: self._landed[key]}, policy)]

    def keep(self, origin: str, mentions: Mapping[str, Table], policy: str, as_of: datetime) -> None:
        """Keep the mentions of a landing partition beside it: tables (MENTIONS_SCHEMA) that have been written there."""
        inputs = {origin: self._landed[origin]}
        with self._lake.replace(mentions_key(origin), as_of=as_of, inputs=inputs, policy=policy) as out:
            out.tables |= mentions
        self._files.pop(origin, None)

    def told(self, day: str) -> Told:
        """The files of the mentions of the day's origins."""
        return tuple((origin, file) for origin in self.origins(day) for file in self._told(origin))

    def _told(self, origin: str) -> list[str]:
        if origin not in self._files:
            self._files[origin] = [str(file) for file in self._lake.files(mentions_key(origin), "records")]
        return self._files[origin]


def known_to(lake: Lake, part: Part, told: Told) -> pl.DataFrame:
    """What the threads of a part of a landing partition are known to hold (KNOWN_SCHEMA).

    What was known once stays known. Landing expires day by day: what an expired neighbour told is kept from the last
    time, so that a rerun of a day does not unmask what was masked.

    Args:
        told: see `Neighbourhood.told`.
    """
    _, source, signal, day = part.key.split("/")
    threading = THREADS.get(signal)
    if threading is None:
        return pl.DataFrame(schema=KNOWN_SCHEMA)
    threads = lake.scan_part(part).select(thread=pl.col(threading.column)).drop_nulls().unique()
    # Where every day looks at the same ones they are few, and read once; those around a day pass by.
    mentions = _read(told).lazy() if threading.days_around is None else _scanned(told)
    before = lake.scan([f"held/{source}/{signal}/{day}"], "known", KNOWN_SCHEMA)
    gone = before.filter(~pl.col("origin").is_in({origin for origin, _ in told}))
    return pl.concat([mentions, gone]).join(threads, on="thread", how="semi").unique().sort(pl.all()).collect()


@lru_cache(1)
def _read(told: Told) -> pl.DataFrame:
    return _scanned(told).collect()


def _scanned(told: Told) -> pl.LazyFrame:
    scans = [pl.scan_parquet(file).with_columns(origin=pl.lit(origin)) for origin, file in told]
    return pl.concat([pl.LazyFrame(schema=KNOWN_SCHEMA), *scans])


def known_digest(known: pl.DataFrame, keys: Keyring) -> str:
    """Hash of what is known; keyed, as a plain one of a few values could be guessed."""
    return keys.record_id(known.drop("origin").unique().sort(pl.all()).write_ndjson().encode())[:16]


def mentions_key(origin: str) -> str:
    """The partition with what was found in a landing partition."""
    return origin.replace("landing/", "mentions/", 1)


def _days_between(key: str, day: str) -> int:
    return abs((date.fromisoformat(key.rsplit("/", 1)[1]) - date.fromisoformat(day)).days)

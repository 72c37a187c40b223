"""What the threads of a day are known to hold: the mentions of its own and of its neighbours' landing partitions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property

import polars as pl

from governance.keys import Keyring
from governance.privacy.threads import MENTIONS_SCHEMA, THREADS
from governance.signals import SIGNALS
from orchestration.lake import Lake

KNOWN_SCHEMA = pl.Schema([*MENTIONS_SCHEMA.items(), ("origin", pl.String())])


class Neighbourhood:
    """The landing partitions whose mentions count for a dataset (`<source>/<signal>`), as they are at first sight."""

    def __init__(self, lake: Lake, dataset: str) -> None:
        self._lake, self._dataset = lake, dataset
        self._source, self._signal = dataset.split("/")
        self._threading = THREADS.get(self._signal)
        self._found: dict[str, pl.DataFrame] = {}

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
        return [
            key for key in wanted if not self._lake.is_current(_mentions_key(key), {key: self._landed[key]}, policy)
        ]

    def keep(self, origin: str, mentions: pl.DataFrame, policy: str, as_of: datetime) -> None:
        """Keep the mentions of a landing partition (MENTIONS_SCHEMA) beside it."""
        inputs = {origin: self._landed[origin]}
        with self._lake.replace(_mentions_key(origin), as_of=as_of, inputs=inputs, policy=policy) as out:
            out.write("records", mentions)

    def known(self, day: str) -> pl.DataFrame:
        """What the threads of a day are known to hold (KNOWN_SCHEMA); what was known once stays known.

        Landing expires day by day: what an expired neighbour told is kept from the last time, so that a rerun of a
        day does not unmask what was masked.
        """
        if self._threading is None:
            return pl.DataFrame(schema=KNOWN_SCHEMA)
        own = self._lake.scan([f"landing/{self._dataset}/{day}"], "records", SIGNALS[self._signal].landing_schema)
        column = self._threading.column
        threads = own.select(pl.col(column).drop_nulls().unique()).collect()[column]
        origins = self.origins(day)
        frames = [self._mentions(key) for key in origins]
        held = f"held/{self._dataset}/{day}"
        if self._lake.files(held, "known"):
            frames.append(self._lake.read(held, "known").filter(~pl.col("origin").is_in(origins)))
        found = pl.concat([pl.DataFrame(schema=KNOWN_SCHEMA), *frames])
        return found.filter(pl.col("thread").is_in(threads.implode())).unique().sort(pl.all())

    def _mentions(self, origin: str) -> pl.DataFrame:
        if origin not in self._found:
            self._found[origin] = self._lake.read(_mentions_key(origin)).with_columns(origin=pl.lit(origin))
        return self._found[origin]


def known_digest(known: pl.DataFrame, keys: Keyring) -> str:
    """Hash of what is known; keyed, as a plain one of a few values could be guessed."""
    return keys.record_id(known.drop("origin").unique().sort(pl.all()).write_ndjson().encode())[:16]


def _mentions_key(origin: str) -> str:
    return origin.replace("landing/", "mentions/", 1)


def _days_between(key: str, day: str) -> int:
    return abs((date.fromisoformat(key.rsplit("/", 1)[1]) - date.fromisoformat(day)).days)

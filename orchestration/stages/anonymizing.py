"""anonymize: landing -> mentions -> anonymized, and held for what could not be judged."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial

import polars as pl

from governance.errors import KeyDestroyedError
from governance.keys import Keyring
from governance.privacy import Anonymizer, PrivacyPolicy
from governance.privacy.canaries import Canaries, Harvest
from governance.privacy.second_opinion import Opinion, second_opinion
from governance.privacy.threads import MENTIONS_SCHEMA
from governance.signals import SIGNALS
from orchestration.key_management import key_of_day
from orchestration.lake import Lake, Replacement, Table
from orchestration.leaks.marks import LEAKED
from orchestration.stages.mentions import Neighbourhood, known_digest
from orchestration.stages.tally import Tally
from orchestration.stages.watching import leak_facts
from orchestration.stages.workers import each_day


def anonymize_days(
    lake: Lake,
    dataset: str,
    days: list[str],
    policy: PrivacyPolicy,
    keys: Keyring,
    as_of: datetime,
    processes: int | None = None,
) -> Tally:
    """Anonymise the days of a dataset (`<source>/<signal>`); the landing counts travel on, as landing expires first.

    Args:
        processes: how many work at it; None: as many as `workers.worker_count` says.
    """
    return _Stage(lake, dataset, policy, keys, as_of, processes).anonymized(days)


def stale_anonymized_days(lake: Lake, dataset: str, policy: str, destroyed: Collection[str]) -> Iterator[str]:
    """The days whose landing, thread neighbours or policy (its digest) are not those they were anonymised with.

    Args:
        destroyed: ids of destroyed pseudonym keys; what was anonymised with them is frozen and never stale.
    """
    around = Neighbourhood(lake, dataset)
    for day in lake.days(f"landing/{dataset}"):
        key = f"landing/{dataset}/{day}"
        made = lake.manifest(f"anonymized/{dataset}/{day}")
        inputs = {**lake.digests([key]), "neighbours": around.digest(day)}
        if made is None or (
            made.key_id not in destroyed and (made.policy != policy or not inputs.items() <= made.inputs.items())
        ):
            yield day


@dataclass(frozen=True)
class _Packed:
    """A policy on its way to another process."""

    digest: str
    policy: bytes = field(compare=False, repr=False)


@dataclass(frozen=True)
class _Work:
    """One day to be anonymised, and with what."""

    keys: Keyring
    known: pl.DataFrame
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class _Made:
    """What became of one day: the files that were written, and what their manifests are to say."""

    held: Mapping[str, Table]
    anonymized: Mapping[str, Table]
    counts: Mapping[str, int]
    facts: Mapping[str, str]


class _Stage:
    def __init__(
        self, lake: Lake, dataset: str, policy: PrivacyPolicy, keys: Keyring, as_of: datetime, processes: int | None
    ) -> None:
        self._lake, self._dataset, self._policy, self._keys, self._as_of = lake, dataset, policy, keys, as_of
        self._processes, self._packed = processes, _Packed(policy.digest, pickle.dumps(policy))
        self._around = Neighbourhood(lake, dataset)
        self._tally = Tally()

    def anonymized(self, days: list[str]) -> Tally:
        made_with = dict(self._keys_of(days))
        self._find_mentions(made_with)
        due = {day: work for day, keys in made_with.items() if (work := self._due(day, keys))}
        judge = partial(_judged, self._lake, self._dataset, self._packed)
        records = self._records(f"landing/{self._dataset}/{day}" for day in due)
        for day, made in each_day(judge, due, records=records, processes=self._processes):
            self._keep(day, due[day], made)
        return self._tally

    def _keys_of(self, days: list[str]) -> Iterator[tuple[str, Keyring]]:
        """The keys of each day that can be anonymised; the others are frozen, with the reason."""
        for day in days:
            if not self._lake.exists(f"landing/{self._dataset}/{day}"):
                if self._lake.exists(f"anonymized/{self._dataset}/{day}"):
                    self._tally.frozen.append(day)
                continue
            try:
                yield day, key_of_day(self._lake, self._dataset, day, self._keys)
            except KeyDestroyedError as gone:
                self._tally.frozen.append(day)
                self._tally.notes[day] = f"frozen, left as it is: {gone}"

    def _find_mentions(self, days: Iterable[str]) -> None:
        stale = self._around.stale(days, self._packed.digest)
        find = partial(_mentions, self._lake, self._packed)
        due, records = dict.fromkeys(stale, self._keys), self._records(stale)
        for origin, mentions in each_day(find, due, records=records, processes=self._processes):
            self._around.keep(origin, mentions, self._packed.digest, self._as_of)

    def _due(self, day: str, keys: Keyring) -> _Work | None:
        """What the day must be anonymised with; None: it was, with all of that."""
        target = f"anonymized/{self._dataset}/{day}"
        known = self._around.known(day)
        made_from = {
            **self._lake.digests([f"landing/{self._dataset}/{day}"]),
            "mentions": known_digest(known, keys),
        }
        inputs = {**made_from, "neighbours": self._around.digest(day)}
        made = self._lake.manifest(target)
        if made is None or made.policy != self._packed.digest or not made_from.items() <= made.inputs.items():
            return _Work(keys, known, inputs)
        if dict(made.inputs) != inputs:  # a neighbour changed, but told nothing new
            self._lake.amend(target, inputs)
        self._tally.current.append(day)
        return None

    def _records(self, keys: Iterable[str]) -> int:
        manifests = (self._lake.manifest(key) for key in keys)
        return sum(manifest.counts.get("landed", 0) for manifest in manifests if manifest)

    def _keep(self, day: str, work: _Work, made: _Made) -> None:
        landing = self._lake.manifest(f"landing/{self._dataset}/{day}")
        with self._replace("held", day, work) as out:
            out.tables |= made.held
        with self._replace("anonymized", day, work) as out:
            out.tables |= made.anonymized
            out.counts = {**(landing.counts if landing else {}), **made.counts}
            out.facts = dict(made.facts)
        self._tally.days[day] = out.counts
        if held := made.counts["held"]:
            self._tally.notes[day] = f"{held} records held"
        if LEAKED in made.facts:
            self._tally.notes[day] = f"canaries came out unmasked ({made.facts[LEAKED]}); the gate withholds the day"

    def _replace(self, state: str, day: str, work: _Work) -> AbstractContextManager[Replacement]:
        return self._lake.replace(
            f"{state}/{self._dataset}/{day}",
            as_of=self._as_of,
            inputs=work.inputs,
            policy=self._packed.digest,
            key_id=work.keys.key_id,
        )


# What follows runs in this process or beside it, see workers.py: it writes no manifest.


def _mentions(lake: Lake, packed: _Packed, origin: str, keys: Keyring) -> pl.DataFrame:
    """The mentions of a landing partition."""
    _, anonymizer = _tools(packed, keys)
    return anonymizer.mentions(lake.read(origin), SIGNALS[origin.split("/")[2]])


def _judged(lake: Lake, dataset: str, packed: _Packed, day: str, work: _Work) -> _Made:
    """A day's records and, going the very same way among them, its canaries; and what a second detector says."""
    policy, anonymizer = _tools(packed, work.keys)
    planted = Canaries(policy, work.keys).planted(dataset, day)
    frame = lake.read(f"landing/{dataset}/{day}")
    together = pl.concat([frame.select(planted.frame.columns), planted.frame])
    known = work.known.select(*MENTIONS_SCHEMA)
    anonymized = anonymizer.anonymize(together, planted.signal, known, planted=planted.frame.height)
    harvest = planted.harvest(anonymized)
    opinion = second_opinion(harvest.real.records, planted.signal, policy.leak_check)
    return _made(lake, f"{dataset}/{day}", work, harvest, opinion, policy)


def _made(lake: Lake, place: str, work: _Work, harvest: Harvest, opinion: Opinion, policy: PrivacyPolicy) -> _Made:
    result = harvest.real
    held = {"records": result.held, "known": work.known}
    anonymized = {"records": result.records, "canaries": harvest.canaries, "findings": result.findings}
    if not opinion.leaks.is_empty():
        anonymized["leaks"] = opinion.leaks
    facts = {f"withheld field {name}": str(count) for name, count in sorted(result.withheld_fields.items())}
    facts |= leak_facts(opinion, policy)
    facts |= {LEAKED: harvest.leaked} if harvest.leaks else {}
    return _Made(
        held={name: lake.write(f"held/{place}", name, frame) for name, frame in held.items()},
        anonymized={name: lake.write(f"anonymized/{place}", name, frame) for name, frame in anonymized.items()},
        counts={"anonymized": result.records.height, "held": result.held.height, **harvest.counts},
        facts=facts,
    )


@lru_cache(1)  # one at a time, as each remembers up to 64 MB of texts
def _tools(packed: _Packed, keys: Keyring) -> tuple[PrivacyPolicy, Anonymizer]:
    policy = _policy(packed)
    return policy, Anonymizer(policy, keys)


@lru_cache(1)
def _policy(packed: _Packed) -> PrivacyPolicy:
    policy = pickle.loads(packed.policy)
    assert isinstance(policy, PrivacyPolicy)
    return policy

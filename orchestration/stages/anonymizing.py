"""anonymize: landing -> mentions -> anonymized, and held for what could not be judged."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache, partial, reduce
from itertools import groupby
from operator import add
from typing import TypeVar

import polars as pl

from governance.errors import KeyDestroyedError
from governance.keys import Keyring
from governance.privacy import Anonymizer, PrivacyPolicy
from governance.privacy.batch import Group
from governance.privacy.canaries import Canaries, Harvest, Leak, tell
from governance.privacy.findings import FindingCounts
from governance.privacy.second_opinion import Opinion, second_opinion
from governance.privacy.threads import MENTIONS_SCHEMA
from governance.signals import SIGNALS
from orchestration.key_management import key_of_day
from orchestration.lake import Lake, Part, Replacement, Table
from orchestration.leaks.marks import LEAKED
from orchestration.stages.mentions import Neighbourhood, Told, known_digest, known_to, mentions_key
from orchestration.stages.tally import Tally
from orchestration.stages.watching import WITHHELD_FIELD, leak_facts
from orchestration.stages.workers import each_group, written_beside

T = TypeVar("T")

# Days of so few records are anonymised together, those of a week: each would take 45 ms alone whatever is in it.
_FEW_RECORDS = 2_000


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
    with lake.group_commit():
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
    """What a day is to be anonymised with."""

    keys: Keyring
    told: Told = ()
    inputs: Mapping[str, str] = field(default_factory=dict)

    def inputs_with(self, known: str) -> dict[str, str]:
        """All that it is made from, what its threads are known to hold (a digest) included."""
        return {**self.inputs, "mentions": known}


_Due = tuple[Part, _Work]


@dataclass(frozen=True)
class _Made:
    """What became of a part of a day: the files that were written, and what their manifests are to say.

    Attributes:
        known: digest of what its threads were known to hold; of parts together those of each.
    """

    known: str
    held: Mapping[str, Table]
    anonymized: Mapping[str, Table]
    counts: Mapping[str, int]
    withheld_fields: Mapping[str, int]
    findings: FindingCounts
    opinion: Opinion
    leaks: frozenset[Leak]

    def __add__(self, other: _Made) -> _Made:
        """What became of two parts together."""
        return _Made(
            known=f"{self.known}-{other.known}",
            held={**self.held, **other.held},
            anonymized={**self.anonymized, **other.anonymized},
            counts=_sums(self.counts, other.counts),
            withheld_fields=_sums(self.withheld_fields, other.withheld_fields),
            findings=self.findings + other.findings,
            opinion=self.opinion + other.opinion,
            leaks=self.leaks | other.leaks,
        )


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
        due = {self._landing(day): work for day, keys in made_with.items() if (work := self._due(day, keys))}
        written = [key.replace("landing/", f"{state}/", 1) for state in ("held", "anonymized") for key in due]
        with written_beside(self._lake, written):
            for key, made in self._each(due, partial(_judged, self._lake, self._dataset, self._packed)):
                self._keep(key.rpartition("/")[2], due[key], made)
        return self._tally

    def _keys_of(self, days: list[str]) -> Iterator[tuple[str, Keyring]]:
        """The keys of each day that can be anonymised; the others are frozen, with the reason."""
        for day in days:
            if not self._lake.exists(self._landing(day)):
                if self._lake.exists(f"anonymized/{self._dataset}/{day}"):
                    self._tally.frozen.append(day)
                continue
            try:
                yield day, key_of_day(self._lake, self._dataset, day, self._keys)
            except KeyDestroyedError as gone:
                self._tally.frozen.append(day)
                self._tally.notes[day] = f"frozen, left as it is: {gone}"

    def _find_mentions(self, days: Iterable[str]) -> None:
        stale = dict.fromkeys(self._around.stale(days, self._packed.digest), _Work(self._keys))
        with written_beside(self._lake, map(mentions_key, stale)):
            for origin, mentions in self._each(stale, partial(_mentions, self._lake, self._packed)):
                self._around.keep(origin, dict(mentions), self._packed.digest, self._as_of)

    def _each(
        self, items: Mapping[str, _Work], work: Callable[[str, list[_Due]], list[T]]
    ) -> Iterator[tuple[str, list[T]]]:
        """What `work` makes of the parts of each of these landing partitions, those of small days together."""
        groups: dict[str, list[_Due]] = {}
        turns, records = {}, 0
        for key, item in items.items():
            manifest = self._lake.manifest(key)
            rows = manifest.rows("records") if manifest else 0
            records += rows
            for part in self._lake.parts(key):
                name, turn = _group(part, rows, item.keys.key_id)
                groups.setdefault(name, []).append((part, item))
                turns[name] = turn
        done = each_group(work, groups, records=records, turns=turns, processes=self._processes)
        in_order = (
            (part.key, made) for name, of_group in done for (part, _), made in zip(groups[name], of_group, strict=True)
        )
        for key, of_parts in groupby(in_order, key=lambda one: one[0]):
            yield key, [made for _, made in of_parts]

    def _due(self, day: str, keys: Keyring) -> _Work | None:
        """What the day must be anonymised with; None: it was, with all of that."""
        target, told = f"anonymized/{self._dataset}/{day}", self._around.told(day)
        landed = self._lake.digests([self._landing(day)])
        work = _Work(keys, told, {**landed, "neighbours": self._around.digest(day)})
        made = self._lake.manifest(target)
        # What is known takes reading: a day that is due anyway learns it from those who anonymise it.
        if made is None or made.policy != self._packed.digest or not landed.items() <= made.inputs.items():
            return work
        known = (known_to(self._lake, part, told) for part in self._lake.parts(self._landing(day)))
        inputs = work.inputs_with("-".join(known_digest(of_part, keys) for of_part in known))
        if made.inputs.get("mentions") != inputs["mentions"]:
            return work
        if dict(made.inputs) != inputs:  # a neighbour changed, but told nothing new
            self._lake.amend(target, inputs)
        self._tally.current.append(day)
        return None

    def _keep(self, day: str, work: _Work, parts: list[_Made]) -> None:
        landing = self._lake.manifest(self._landing(day))
        made = reduce(add, parts)
        facts = {f"{WITHHELD_FIELD}{name}": str(count) for name, count in sorted(made.withheld_fields.items())}
        facts |= leak_facts(made.opinion, self._policy)
        facts |= {LEAKED: tell(made.leaks)} if made.leaks else {}
        if made.held:
            with self._replace("held", day, work, made.known) as out:
                out.tables |= made.held
        else:
            self._lake.remove(f"held/{self._dataset}/{day}")
        with self._replace("anonymized", day, work, made.known) as out:
            out.tables |= made.anonymized
            out.write("findings", made.findings.table())
            if not made.opinion.leaks.is_empty():
                out.write("leaks", made.opinion.leaks)
            out.counts = {**(landing.counts if landing else {}), **made.counts}
            out.facts = facts
        self._tally.days[day] = out.counts
        if held := made.counts["held"]:
            self._tally.notes[day] = f"{held} records held"
        if made.leaks:
            self._tally.notes[day] = f"canaries came out unmasked ({facts[LEAKED]}); the gate withholds the day"

    def _replace(self, state: str, day: str, work: _Work, known: str) -> AbstractContextManager[Replacement]:
        return self._lake.replace(
            f"{state}/{self._dataset}/{day}",
            as_of=self._as_of,
            inputs=work.inputs_with(known),
            policy=self._packed.digest,
            key_id=work.keys.key_id,
        )

    def _landing(self, day: str) -> str:
        return f"landing/{self._dataset}/{day}"


def _group(part: Part, rows: int, key_id: str) -> tuple[str, int]:
    """With which parts a part of a day of so many records is worked on, and whose turn that is.

    The same day goes to the same process each time, which knows its texts from then on.
    """
    dataset, _, day = part.key.rpartition("/")
    number = date.fromisoformat(day).toordinal()
    if rows > _FEW_RECORDS:
        return f"{part.key}/{part.number}", number + part.number
    return f"{dataset}/{number // 7}/{key_id}", number // 7


# What follows runs in this process or beside it, see workers.py: it writes no manifest.


def _mentions(lake: Lake, packed: _Packed, _: str, group: list[_Due]) -> list[tuple[str, Table]]:
    """The mentions of parts of landing partitions: of each the table that was written, and its name."""
    tools, signal = _tools(packed, group[0][1].keys), SIGNALS[group[0][0].key.split("/")[2]]
    parts = [part for part, _work in group]
    found = tools.anonymizer.mentions_together([lake.scan_part(part).collect() for part in parts], signal)
    named = ((part, part.named("records"), frame) for part, frame in zip(parts, found, strict=True))
    return [(name, lake.write(mentions_key(part.key), name, frame)) for part, name, frame in named]


def _judged(lake: Lake, dataset: str, packed: _Packed, _: str, group: list[_Due]) -> list[_Made]:
    """Records and, going the very same way among them, canaries; and what a second detector says."""
    tools, signal = _tools(packed, group[0][1].keys), SIGNALS[dataset.split("/")[1]]
    planted = [tools.canaries.planted(dataset, part.day) for part, _work in group]
    known = [known_to(lake, part, work.told) for part, work in group]
    together = [
        Group(_with(lake.scan_part(part).collect(), own.frame), told.select(*MENTIONS_SCHEMA), own.frame.height)
        for (part, _work), own, told in zip(group, planted, known, strict=True)
    ]
    made = []
    anonymized = tools.anonymizer.anonymize_together(together, signal)
    for (part, work), own, told, result in zip(group, planted, known, anonymized, strict=True):
        harvest = own.harvest(result)
        opinion = second_opinion(harvest.real.records, signal, tools.policy.leak_check, part.of)
        made.append(_made(lake, dataset, part, told, work.keys, harvest, opinion))
    return made


def _with(frame: pl.DataFrame, planted: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame.select(planted.columns), planted])


def _made(
    lake: Lake, dataset: str, part: Part, known: pl.DataFrame, keys: Keyring, harvest: Harvest, opinion: Opinion
) -> _Made:
    result, place = harvest.real, f"{dataset}/{part.day}"
    # Most days hold nothing back, and are then without this state.
    held = {} if result.held.is_empty() and known.is_empty() else {"records": result.held, "known": known}
    anonymized = {"records": result.records, "canaries": harvest.canaries}
    return _Made(
        known=known_digest(known, keys),
        held={part.named(name): lake.write(f"held/{place}", part.named(name), frame) for name, frame in held.items()},
        anonymized={
            part.named(name): lake.write(f"anonymized/{place}", part.named(name), frame)
            for name, frame in anonymized.items()
        },
        counts={"anonymized": result.records.height, "held": result.held.height, **harvest.counts},
        withheld_fields=result.withheld_fields,
        findings=result.counted,
        opinion=opinion,
        leaks=frozenset(harvest.leaks),
    )


def _sums(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) + more.get(name, 0) for name in (*counts, *more)}


@dataclass(frozen=True)
class _Tools:
    policy: PrivacyPolicy
    anonymizer: Anonymizer
    canaries: Canaries


@lru_cache(1)  # one at a time, as each remembers up to 128 MB of texts
def _tools(packed: _Packed, keys: Keyring) -> _Tools:
    policy = _policy(packed)
    return _Tools(policy, Anonymizer(policy, keys), Canaries(policy, keys))


@lru_cache(1)
def _policy(packed: _Packed) -> PrivacyPolicy:
    policy = pickle.loads(packed.policy)
    assert isinstance(policy, PrivacyPolicy)
    return policy

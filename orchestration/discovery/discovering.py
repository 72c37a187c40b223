"""From a folder or a configured source to what a steward must decide: sources, fields, services, and a dry run."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path, PurePosixPath

import polars as pl

from governance.errors import UsageError
from governance.keys import Keyring
from governance.privacy import Anonymizer, PrivacyPolicy
from governance.privacy.fields import Treatments
from governance.privacy.policy import MALFORMED_KEY, Treatment
from governance.quality import judge_rows, load_suite
from governance.signals import SIGNALS, TIMESTAMP
from governance.sources import Files, Source
from orchestration.discovery.naming import Names, common_folder
from orchestration.discovery.proposing import propose, stricter
from orchestration.discovery.sampling import Group, Sample, Seen, evenly, look, sample, source_of, values_by_field
from orchestration.discovery.shapes import Shapes, shapes_of
from orchestration.sources.fields import RECEIVED
from orchestration.sources.otlp_values import UNKNOWN_SERVICE
from orchestration.sources.reading import matching

_LOOKED_AT = 5_000  # distinct values of a field whose shapes are told
_SCANNED = 300  # distinct values of a field that are scanned for what is in them
_NEWEST = 0.99  # a clock that runs ahead does not date the others
_SCAN = Treatment(action="scan", detail="prose")


@dataclass(frozen=True)
class Field:
    """One column or attribute of a source.

    Attributes:
        name: as it may be shown; several keys that may not be shown are one.
        treatment: what the policy says now; None where no rule names it.
        proposal: for those, what it should become, and why.
        entities: what was found in the distinct values looked at, by entity.
    """

    name: str
    signal: str
    is_attribute: bool
    records: int
    shapes: Shapes
    entities: Mapping[str, int]
    treatment: Treatment | None
    proposal: Treatment | None = None
    reason: str = ""


@dataclass(frozen=True)
class DryRun:
    """What would become of a sample of one signal under the policy and the proposals.

    Attributes:
        held: records that could not be anonymised, by reason.
        withheld: values, by their field.
        passed: records that the gate would let in.
        failed: the others, by the expectation that they fail.
    """

    signal: str
    read: int
    held: Mapping[str, int]
    withheld: Mapping[str, int]
    entities: Mapping[str, int]
    passed: int
    failed: Mapping[str, int]


@dataclass(frozen=True)
class Found:
    """One source, proposed or configured, with what its sample showed."""

    source: Source
    is_new: bool
    files: int
    unnamed: int
    sample: Sample
    notes: Mapping[str, str]
    fields: Sequence[Field]
    runs: Sequence[DryRun] = ()


@dataclass(frozen=True)
class Discovery:
    """What was found below one folder.

    Attributes:
        services: records by service and signal, of the services whose names may be shown.
        hidden_services: how many have names that may not be shown.
        shadowed: names of shipped sources that would read files of the proposed ones.
        newest: the day behind which next to no record lies.
    """

    inbox: Path
    seen: Seen | None
    sources: Sequence[Found]
    services: Mapping[str, Mapping[str, int]]
    hidden_services: int
    shadowed: tuple[str, ...] = ()
    newest: date | None = None
    proposals: Mapping[str, Treatment] = field(default_factory=dict)

    def why(self, one: Field) -> str:
        """Why a field gets its proposal: for its own values, or for those that another source has under the key."""
        is_own = self.proposals.get(one.name.lower()) == one.proposal
        return one.reason if is_own else "another source's values under this key ask for it"


class Discoverer:
    """Looks at samples under one policy, with keys of its own that are forgotten: no pseudonym is shown."""

    def __init__(self, policy: PrivacyPolicy, as_of: datetime, rows: int) -> None:
        self._policy, self._as_of, self._rows = policy, as_of, rows
        self._keys = Keyring(secrets.token_bytes(32), secrets.token_bytes(32))
        self._names = Names(policy, self._keys)
        self._treatments = Treatments(policy, self._keys)

    def folder(self, root: Path, shipped: Mapping[str, Source], own: Mapping[str, Source]) -> Discovery:
        """Propose sources for the files below `root`, a folder or a file, but for those that an own source reads."""
        inbox = root if root.is_dir() else root.parent
        claimed = {path: name for name, source in own.items() if source.files for path in _paths(source.files, inbox)}
        seen = look(root, self._as_of, claimed)
        names = _source_names(seen.groups, own)
        found = [self._proposed(group, name, inbox, seen) for group, name in zip(seen.groups, names, strict=True)]
        taken = {path for group in seen.groups for path in group.paths}
        proposed = {one.source.name for one in found}
        shadowed = tuple(
            name
            for name, source in shipped.items()
            if name not in proposed and source.files and _touches(source.files, inbox, taken)
        )
        return self._judged(Discovery(inbox, seen, found, {}, 0, shadowed))

    def source(self, source: Source, inbox: Path) -> Discovery:
        """Look at the files of a configured source.

        Raises:
            UsageError: the source is pulled over HTTP, or has no files in the inbox.
        """
        if source.files is None:
            raise UsageError(
                f"source {source.name} is pulled over HTTP; save some pages as files and give their folder"
            )
        paths = _paths(source.files, inbox)
        if not paths:
            raise UsageError(
                f"source {source.name}: no file in {inbox} matches its folder and patterns; give --inbox DIR"
            )
        drawn = sample(source, inbox, paths, self._keys, self._as_of)
        found = Found(source, False, len(paths), 0, drawn, {}, self._fields(drawn))
        return self._judged(Discovery(inbox, None, [found], {}, 0))

    def _proposed(self, group: Group, name: str, inbox: Path, seen: Seen) -> Found:
        where, unnamed = self._where(group, inbox, seen)
        source = source_of(group, name, where)
        drawn = sample(source, inbox, group.paths, self._keys, self._as_of)
        notes = group.mapped.notes if group.mapped else {}
        return Found(source, True, len(group.paths), unnamed, drawn, notes, self._fields(drawn))

    def _where(self, group: Group, inbox: Path, seen: Seen) -> tuple[Files, int]:
        """Patterns that name the group's files and no other's; how many files could not be named without a secret."""
        folder = common_folder(group.paths, self._names)
        others = {path for one in seen.groups if one is not group for path in one.paths} | {*seen.others}
        is_own: dict[str, bool] = {}
        chosen: set[str] = set()
        unnamed = 0
        for path in group.paths:
            for pattern in self._names.patterns(path.relative_to(folder)):
                if pattern not in is_own:
                    is_own[pattern] = not _touches(Files(folder=str(folder), patterns=(pattern,)), inbox, others)
                if is_own[pattern]:
                    chosen.add(pattern)
                    break
            else:
                unnamed += 1
        return Files(folder=str(folder), patterns=tuple(sorted(chosen))), unnamed

    def _fields(self, drawn: Sample) -> list[Field]:
        found: dict[tuple[str, bool, str], Field] = {}
        for signal, frame in drawn.frames.items():
            for name, is_attribute, values in values_by_field(frame):
                if values.is_empty():
                    continue
                one = self._field(name, signal, values, is_attribute=is_attribute)
                found.setdefault((signal, is_attribute, one.name), one)
        return list(found.values())

    def _field(self, name: str, signal: str, values: pl.DataFrame, *, is_attribute: bool) -> Field:
        counts = dict(values.head(_LOOKED_AT).iter_rows())
        treatment = self._policy.attribute(name) if is_attribute else self._policy.columns[signal][name]
        shown = name
        if is_attribute:
            shown = self._names.shown_key(name)
        shapes = shapes_of(counts)
        looked_at = evenly(values, _SCANNED)["value"].to_list()
        how = treatment or _SCAN
        entities: Counter[str] = Counter()
        for result in self._treatments.apply(looked_at, how).values():
            entities.update({entity: 1 for entity, count in result.entities.items() if count})
        made = Field(shown, signal, is_attribute, int(values["count"].sum()), shapes, dict(entities), treatment)
        if treatment is not None or shown == MALFORMED_KEY:
            return made
        proposal, reason = propose(name, shapes, entities, signal=signal)
        return replace(made, proposal=proposal, reason=reason)

    def _judged(self, discovery: Discovery) -> Discovery:
        """With the dry run under the proposals, and with the services."""
        if not any(one.sample.records or one.sample.malformed for one in discovery.sources):
            return discovery
        proposals = _proposals(one for found in discovery.sources for one in found.fields)
        policy = self._policy.model_copy(update={"attributes": {**self._policy.attributes, **proposals}})
        anonymizer = Anonymizer(policy, self._keys)
        sources = [
            replace(found, runs=[self._dry_run(anonymizer, *item) for item in found.sample.frames.items()])
            for found in discovery.sources
        ]
        frames = [(signal, frame) for found in sources for signal, frame in found.sample.frames.items()]
        services, hidden = self._services(frames)
        dated = [found for found in sources if RECEIVED not in found.source.constants.values()]
        times = pl.concat(
            [
                pl.Series(dtype=TIMESTAMP),
                *(frame["event_at"] for found in dated for frame in found.sample.frames.values()),
            ]
        )
        newest = times.quantile(_NEWEST, "lower")
        return replace(
            discovery,
            sources=sources,
            services=services,
            hidden_services=hidden,
            newest=newest.date() if isinstance(newest, datetime) else None,
            proposals=proposals,
        )

    def _dry_run(self, anonymizer: Anonymizer, signal: str, frame: pl.DataFrame) -> DryRun:
        rows = evenly(frame, self._rows)
        result = anonymizer.anonymize(rows, SIGNALS[signal])
        withheld: Counter[str] = Counter()
        for key, count in result.withheld_fields.items():
            withheld[self._names.shown_key(key)] += count
        held = Counter(result.held["held_reason"].to_list())
        by_day = result.records.group_by(pl.col("event_at").dt.date().cast(pl.String))
        days, suite = [(str(day), frame) for (day,), frame in by_day], load_suite(signal)
        # Only the rows: what must hold of a day says nothing of a sample of it.
        judged = judge_rows(days, SIGNALS[signal], suite)
        failed: Counter[str] = Counter()
        for of_day in judged:
            named = zip(suite.row_expectations, of_day.counts.failed, strict=True)
            failed.update({expectation.name: count for expectation, count in named if count})
        passed = sum(of_day.passed.height for of_day in judged)
        return DryRun(signal, rows.height, held, withheld, result.entities, passed, failed)

    def _services(self, frames: Iterable[tuple[str, pl.DataFrame]]) -> tuple[dict[str, dict[str, int]], int]:
        shown: dict[str, dict[str, int]] = {}
        hidden: set[str] = set()
        for signal, frame in frames:
            if "service" not in frame.columns:
                continue
            named = frame["service"].drop_nulls().value_counts().sort("service")
            for service, count in named.filter(pl.col("service") != UNKNOWN_SERVICE).iter_rows():
                if self._names.is_service(service):
                    of_signal = shown.setdefault(service, {})
                    of_signal[signal] = of_signal.get(signal, 0) + count
                else:
                    hidden.add(service)
        return dict(sorted(shown.items())), len(hidden)


def _proposals(fields: Iterable[Field]) -> dict[str, Treatment]:
    """By key; where two sources, or two signals of one, ask for different treatments the stricter counts."""
    proposals: dict[str, Treatment] = {}
    for one in fields:
        if one.proposal:
            key = one.name.lower()
            proposals[key] = stricter(proposals.get(key, one.proposal), one.proposal)
    return proposals


def _touches(where: Files, inbox: Path, paths: Iterable[PurePosixPath]) -> bool:
    return not set(_paths(where, inbox)).isdisjoint(paths)


def _paths(where: Files, inbox: Path) -> list[PurePosixPath]:
    return [PurePosixPath(path.relative_to(inbox).as_posix()) for path in matching(inbox, where)]


_SYSTEMS = {"otlp": "otel", "zendesk": "zendesk", "github": "github", "pagerduty": "pagerduty"}


def _source_names(groups: Sequence[Group], own: Iterable[str]) -> list[str]:
    """A name per group: a system's replaces the shipped source, a table's is its signal and type; no own one's."""
    names: list[str] = []
    for group in groups:
        plain = _SYSTEMS.get(group.type) or f"{group.mapped.signal if group.mapped else 'records'}_{group.type}"
        name, number = plain, 2
        while name in names or name in own:
            name, number = f"{plain}_{number}", number + 1
        names.append(name)
    return names

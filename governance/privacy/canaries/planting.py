"""Which canaries a partition gets, at which places, and what became of them behind the stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property

import polars as pl

from governance.keys import Keyring
from governance.privacy.batch import Anonymized
from governance.privacy.canaries.species import NAME, SPECIES, UNCLASSIFIED, Species
from governance.privacy.canaries.values import Needle, mints
from governance.privacy.patterns import Pattern
from governance.privacy.policy import PrivacyPolicy
from governance.signals import SIGNALS, Signal

# Where people and systems write: every species stands in one of these.
_TEXTS = {
    "spans": ("status_message",),
    "logs": ("body",),
    "tickets": ("description", "subject"),
    "ticket_events": ("body",),
    "deployments": ("description",),
    "incidents": ("entry_text", "title"),
    "pull_requests": ("description", "title"),
    "commits": ("message",),
    "reviews": ("body",),
    "ci_runs": ("title",),
    "outcomes": ("journey",),
    "surveys": ("body",),
}
_PROSE = frozenset(_TEXTS) - {"spans", "logs", "outcomes"}
# Fields that say who it was, without a label: only the treatment of the field can hide it.
_IDENTITIES = {
    "spans": {"account_id": "account"},
    "logs": {"account_id": "account"},
    "tickets": {"requester": "user", "account_id": "account"},
    "ticket_events": {"author": "user"},
    "deployments": {"creator": "user"},
    "incidents": {"agent": "user"},
    "pull_requests": {"author": "user"},
    "commits": {"author": "user"},
    "reviews": {"reviewer": "user"},
    "ci_runs": {"actor": "user"},
    "outcomes": {},
    "surveys": {"respondent": "user", "response_id": "user"},
}
# Words of systems, in which an address can stand all the same.
_WORDS = {
    "spans": "operation",
    "logs": "service",
    "tickets": "tags",
    "ticket_events": "status",
    "deployments": "ref",
    "incidents": "service",
    "pull_requests": "head_branch",
    "commits": "repository",
    "reviews": "status",
    "ci_runs": "workflow",
    "outcomes": "segment",
    "surveys": "question",
}
# A card number alone: so it arrives when it was sent as a number.
_NUMBER = "attributes.app.order.reference"
# Attributes of each treatment: key, species, text.
_ATTRIBUTES = (
    ("exception.message", "password", 'retry with password="~" now'),
    ("app.order.reference", "card", "~"),
    ("user.email", "email", "~"),
    ("client.address", "ipv6", "~"),
    ("http.url", "email", "https://shop.example.org/users/~?tab=3"),
    ("db.statement", "email", "select * from users where email = '~'"),
    ("http.request.header.authorization", "bearer", "Bearer ~"),
    ("enduser.id", "user", "~"),
)
UNNAMED_KEY = "feedback.canary.unclassified"
_HIDING = ("pseudonymise", "generalise", "drop")


@dataclass(frozen=True)
class Canary:
    """One made-up value at one place of one partition; the value is never shown."""

    dataset: str
    day: str
    entity: str
    place: str  # a column, or attributes.<key>
    record_id: str
    text: str = field(repr=False)  # what the place says
    needles: tuple[Needle, ...] = field(repr=False)


@dataclass(frozen=True)
class Leak:
    """A canary that came out of the stage as it went in; fields without content."""

    entity: str
    place: str


@dataclass(frozen=True)
class Harvest:
    """What the stage made of one day with its canaries.

    Attributes:
        real: the day's own records; canaries are neither in its frames nor among its withheld fields.
        canaries: those that were judged, as they would be written.
    """

    real: Anonymized
    canaries: pl.DataFrame
    leaks: tuple[Leak, ...]
    held: int

    @property
    def counts(self) -> dict[str, int]:
        """Entries of the ledger: canaries = canaries_masked + canaries_held + canaries_leaked."""
        masked, leaked = self.canaries.height - len(self.leaks), len(self.leaks)
        planted = self.canaries.height + self.held
        return {
            "canaries": planted,
            "canaries_masked": masked,
            "canaries_held": self.held,
            "canaries_leaked": leaked,
        }


def tell(leaks: Iterable[Leak]) -> str:
    """Leaks in words, each once: `CARD in body, EMAIL in resource`."""
    return ", ".join(sorted({f"{leak.entity} in {leak.place}" for leak in leaks}))


class Canaries:
    """The canaries of one deployment under one policy: the same id key, dataset and day give the same ones."""

    def __init__(self, policy: PrivacyPolicy, keys: Keyring) -> None:
        self._policy, self._keys = policy, keys
        known = {one.entity for one in SPECIES}
        own = (_of_pattern(pattern) for pattern in policy.patterns if pattern.entity not in known)
        self._species = (*SPECIES, *(species for species in own if species))
        self._mints = mints((*self._species, NAME, UNCLASSIFIED), keys)
        self._entities = {one.name: one.entity for one in (*self._species, NAME, UNCLASSIFIED)}

    def of(self, dataset: str, day: str) -> tuple[Canary, ...]:
        """Every canary of a partition (`<source>/<signal>`, ISO day), one a record."""
        return tuple(
            self._canary(dataset, day, place, name, sentence, number)
            for number, (place, name, sentence) in enumerate(self._places(dataset.split("/")[1]))
        )

    @property
    def stems(self) -> frozenset[str]:
        """What canaries have in common in this deployment, see Finder."""
        return frozenset().union(*(mint.stems for mint in self._mints.values()))

    @property
    def shapes(self) -> frozenset[str]:
        """What any canary of this deployment looks like, see Finder."""
        return frozenset().union(*(mint.shapes for mint in self._mints.values()))

    @property
    def digest(self) -> str:
        """Hash of what is looked for, keyed: a text looked through under it need not be looked through again."""
        return self._keys.record_id("\x00".join(sorted(self.stems)).encode())[:16]

    def planted(self, dataset: str, day: str) -> Planted:
        """The canaries of a partition as landing records, to go the way of the day's real ones."""
        return Planted(SIGNALS[dataset.split("/")[1]], day, self.of(dataset, day))

    def _canary(self, dataset: str, day: str, place: str, name: str, sentence: str, number: int) -> Canary:
        value = self._mints[name].value(dataset, day, place, str(number))
        shown = value.text.replace(" ", "") if place == _NUMBER else value.text
        record_id = self._keys.record_id(f"canary\x00{dataset}\x00{day}\x00{number}".encode())
        text = sentence.replace("~", shown)
        return Canary(dataset, day, self._entities[name], place, record_id, text, value.needles)

    def _places(self, signal: str) -> Iterator[tuple[str, str, str]]:
        """Place, species and sentence of each canary of a signal: what the policy promises to hide there.

        An entity that `entities` of privacy.yml does not name may stay; so may a bare identity in a field that is kept.
        """
        texts, is_prose = _TEXTS[signal], signal in _PROSE
        for number, species in enumerate(self._promised(self._species)):
            yield texts[number % len(texts)], species.name, species.prose if is_prose else species.technical
        if is_prose and self._policy.names.model != "none" and "PERSON" in self._policy.names.prose:
            yield texts[0], NAME.name, NAME.prose
        columns = self._policy.columns[signal]
        for column, name in _IDENTITIES[signal].items():
            if columns[column].action in _HIDING:
                yield column, name, "~"
        if "EMAIL" in self._policy.entities:
            yield _WORDS[signal], "email", "~"
        if "attributes" in SIGNALS[signal].columns:
            yield from self._attribute_places()

    def _attribute_places(self) -> Iterator[tuple[str, str, str]]:
        promised = {species.name for species in self._promised(self._species)}
        for key, name, sentence in _ATTRIBUTES:
            treatment = self._policy.attribute(key)
            is_hidden = treatment is None or treatment.action in _HIDING
            if is_hidden or (name in promised and key != "enduser.id"):
                yield f"attributes.{key}", name, sentence
        if self._policy.attribute(UNNAMED_KEY) is None:
            yield f"attributes.{UNNAMED_KEY}", UNCLASSIFIED.name, "~"

    def _promised(self, species: Iterable[Species]) -> Iterator[Species]:
        return (one for one in species if one.entity in self._policy.entities)


@dataclass(frozen=True)
class Planted:
    """The canaries of one partition."""

    signal: Signal
    day: str
    canaries: tuple[Canary, ...]

    @cached_property
    def frame(self) -> pl.DataFrame:
        """One landing record per canary."""
        at = datetime.combine(date.fromisoformat(self.day), datetime.min.time(), UTC)
        rows = [{"record_id": one.record_id, "event_at": at, **self._cell(one)} for one in self.canaries]
        return pl.DataFrame(rows, schema=self.signal.landing_schema)

    def harvest(self, result: Anonymized) -> Harvest:
        """What the stage made of the day's records and of the canaries among them."""
        is_canary = pl.col("record_id").is_in([one.record_id for one in self.canaries]).fill_null(value=False)
        real = replace(
            result,
            records=result.records.filter(~is_canary),
            held=result.held.filter(~is_canary),
        )
        written = result.records.filter(is_canary)
        return Harvest(real, written, tuple(self._leaks(written)), result.held.filter(is_canary).height)

    def _leaks(self, written: pl.DataFrame) -> list[Leak]:
        said = dict(zip(written["record_id"], written.drop("record_id").rows(), strict=True))
        return [
            Leak(one.entity, one.place)
            for one in self.canaries
            if one.record_id in said and any(needle.text in _text(said[one.record_id]) for needle in one.needles)
        ]

    def _cell(self, canary: Canary) -> dict[str, object]:
        column, _, key = canary.place.partition(".")
        if key:
            return {column: [{"key": key, "value": canary.text}]}
        is_list = self.signal.columns[column] == pl.List(pl.String)
        return {column: [canary.text] if is_list else canary.text}


def _text(row: tuple[object, ...]) -> str:
    return "\n".join(str(value) for value in row if value is not None).lower()


def _of_pattern(pattern: Pattern) -> Species | None:
    """A species for an entity that only a deployment's own patterns know: their example, with a reference behind."""
    found = pattern.compiled.search(pattern.example)
    if found is None:
        return None
    start, end = found.span(found.lastgroup or 0) if pattern.has_values else found.span()
    value, before = pattern.example[start:end], pattern.example[:start]
    if not value.isascii() or any(character in "<>[]{}%~\"'\\&\n" for character in value) or "~" in before:
        return None
    return Species(pattern.name, pattern.entity, f"{{{value} ref <x6>[x10]}}", *(f"{before}~",) * 2)

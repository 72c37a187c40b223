"""What happens to every field of every signal: policies/privacy.yml, typed; whatever it does not name is withheld."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import Field, field_validator, model_validator

from governance.errors import PolicyError, one_of
from governance.faults import Misplaced
from governance.policy import Policy, Strict, config_file, config_files, load, load_policy
from governance.privacy.patterns import Pattern, load_patterns
from governance.signals import RESOURCE, SIGNALS

# Raise it when the same policy would give other output: it is part of the digest that manifests keep.
CODE_VERSION = 10

# The file of the shipped name model: another model gives other output.
SHIPPED_NAMES = Path(__file__).parent / "names" / "names.npz"

ACTIONS: Mapping[str, str] = {
    "keep": "stays; identifiers found inside are replaced all the same",
    "id": "stays where it is hexadecimal digits or a number; anything else as keep",
    "version": "stays where it has the form of a version; anything else as keep",
    "scan": "free text: identifiers and names inside are replaced; `scan prose` where people write to people",
    "url": "path template stays; ids in it become {id}, values of the query are removed",
    "sql": "literals become ?",
    "pseudonymise": "becomes the keyed pseudonym of the entity that follows",
    "generalise": "becomes coarser, as what follows says: network, hour or magnitude",
    "drop": "removed",
}
_DETAILS: Mapping[str, tuple[str, ...]] = {
    "pseudonymise": ("ACCOUNT", "EMAIL", "IMEI", "IP", "MAC", "PHONE", "USER"),
    "generalise": ("network", "hour", "magnitude"),
    "scan": ("", "prose"),
}

# A plain dotted identifier. Anything else can carry an address or a name in the key itself; a long number too, except
# that ticket systems number their own fields; and so can a key of AWS.
_PLAIN_KEY = re.compile(
    r"(?!(?!custom_fields\.\d{1,20}$).*\d{6})(?!.*A(?:KIA|SIA|ROA|IDA|GPA|NPA)[A-Z0-9]{16})"
    r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*"
)
MALFORMED_KEY = "(malformed key)"

# An attribute of a span's event is called like this before its own name (`event.exception.message`).
EVENT_PREFIX = "event."

# Where a deployment adds treatments of attributes: exact keys come before those of privacy.yml, patterns after them.
FIELDS_FOLDER = "policies/fields"


class Treatment(Strict):
    """What happens to one field: an action and, for two of them, what it needs to know."""

    action: str
    detail: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        action, _, detail = value.partition(" ")
        return {"action": action, "detail": detail.strip()}

    def __str__(self) -> str:
        """As the policy writes it."""
        return f"{self.action} {self.detail}".strip()

    @model_validator(mode="after")
    def _exists(self) -> Treatment:
        if self.action not in ACTIONS:
            raise ValueError(f"{self.action} is no treatment; {one_of(self.action, ACTIONS)}")
        allowed = _DETAILS.get(self.action, ("",))
        if self.detail not in allowed:
            raise ValueError(f"{self} is not allowed; {one_of(self.detail, allowed)}")
        return self


class Names(Strict):
    """How names of people, places and organisations are found in free text.

    Attributes:
        model: shipped, none, or the file of a Presidio configuration in the folder policies.
        prose, technical: per entity, how sure the model must be in text that people wrote, and in logs and
            attributes (a probability); an entity that is not there stays in the text.
    """

    model: str
    prose: dict[str, Annotated[float, Field(gt=0, le=1)]]
    technical: dict[str, Annotated[float, Field(gt=0, le=1)]]


class LeakCheck(Strict):
    """How much of what passed a second detector looks at, and what it may find.

    Attributes:
        sample_size: records of each signal and day.
        max_leak_rate: share of records with a leak; a day surely above it is withheld.
        confidence: how sure is sure, of the two-sided interval.
    """

    sample_size: int = Field(ge=1, le=100_000)
    max_leak_rate: float = Field(ge=0, lt=1)
    confidence: float = Field(ge=0.5, lt=1)


class DriftCheck(Strict):
    """When the findings per record of an entity are other than before.

    Attributes:
        window_days: how many days before a day it is compared with.
        min_days: with fewer days that have records it is not.
        factor: how many times more or less than before is worth a warning.
        significance: how improbable by chance.
    """

    window_days: int = Field(ge=2, le=90)
    min_days: int = Field(ge=2)
    factor: float = Field(gt=1)
    significance: float = Field(gt=0, lt=0.5)


class PrivacyPolicy(Policy):
    """policies/privacy.yml together with the patterns of policies/patterns.yml.

    Attributes:
        entities: per entity, whether text gets a pseudonym in its place or a marker.
        columns: per signal, the treatment of each column but `attributes` and `resource`.
        attributes: treatments by attribute key or glob; an exact key decides, else the first glob that matches.
    """

    phone_region: str = Field(pattern="^[A-Z]{2}$")
    longest_text: int = Field(ge=1_000, le=16_777_216)
    names: Names
    leak_check: LeakCheck
    drift: DriftCheck
    entities: dict[str, Literal["pseudonymise", "remove"]]
    columns: dict[str, dict[str, Treatment]]
    attributes: dict[str, Treatment]
    patterns: tuple[Pattern, ...] = ()

    @field_validator("columns")
    @classmethod
    def _names_every_column(cls, columns: dict[str, dict[str, Treatment]]) -> dict[str, dict[str, Treatment]]:
        for name, signal in SIGNALS.items():
            expected = set(signal.columns) - {"attributes", RESOURCE}
            treatments = columns.get(name, {})
            if wrong := sorted(expected ^ set(treatments)):
                said = f"{name}.{wrong[0]} must stand there if, and only if, it is a column of {name}"
                raise Misplaced(said, name, wrong[0])
            for column, treatment in treatments.items():
                is_text = signal.columns[column] in (pl.String, pl.List(pl.String))
                if not is_text and treatment.action not in ("keep", "drop"):
                    said = f"{name}.{column} is {treatment.action}; it holds no text: allowed: drop, keep"
                    raise Misplaced(said, name, column)
        return columns

    @field_validator("entities")
    @classmethod
    def _keeps_no_secret(cls, entities: dict[str, str]) -> dict[str, str]:
        kept = sorted(entity for entity, what in entities.items() if entity.startswith("SECRET") and what != "remove")
        if kept:
            raise Misplaced(f"{kept[0]} is {entities[kept[0]]}; secrets are removed: write remove", kept[0])
        return entities

    @property
    def removed_entities(self) -> frozenset[str]:
        """Entities that leave a marker, not a pseudonym."""
        return frozenset(entity for entity, what in self.entities.items() if what == "remove")

    @property
    def digest(self) -> str:
        """Hash of policy, patterns, name model and CODE_VERSION: the same digest and key give the same output."""
        own = SHIPPED_NAMES if self.names.model == "shipped" else config_file(f"policies/{self.names.model}")
        model = file_digest(own) if own.is_file() else ""
        policy = self.model_dump_json(exclude={"drift"})  # it warns of what is there, and changes nothing
        return hashlib.sha256(f"{CODE_VERSION}\n{model}\n{policy}".encode()).hexdigest()[:16]

    @property
    def pattern_digest(self) -> str:
        """Hash of the patterns alone."""
        text = "\n".join(pattern.model_dump_json() for pattern in self.patterns)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def attribute(self, key: str) -> Treatment | None:
        """The treatment of an attribute key; None: withheld, because no rule names it or it is no plain identifier."""
        if shown_key(key) != key:
            return None
        name = key.lower()
        if name not in self.attributes:
            name = name.removeprefix(EVENT_PREFIX)
        if name in self.attributes:
            return self.attributes[name]
        globs = tuple(glob for glob in self.attributes if "*" in glob)
        glob = _first_of(globs, name)
        return self.attributes[glob] if glob else None


@lru_cache(maxsize=4096)
def _first_of(globs: tuple[str, ...], name: str) -> str | None:
    """The first glob that matches. Remembered: every batch asks for the same few names, 120 us each."""
    return next((glob for glob in globs if fnmatchcase(name, glob)), None)


class FieldRules(Policy):
    """A file of policies/fields: treatments that a deployment adds, of the attributes of one source as a rule."""

    attributes: dict[str, Treatment]

    @field_validator("attributes")
    @classmethod
    def _names_something(cls, attributes: dict[str, Treatment]) -> dict[str, Treatment]:
        for key in attributes:
            if key != key.lower():
                raise Misplaced(f"{key}: keys are compared in lower case; write {key.lower()}", key)
            if not key.strip("*."):
                raise Misplaced(f"{key} would name every field; an unknown field is withheld: name the fields", key)
        return attributes


@lru_cache(maxsize=4)
def file_digest(path: Path) -> str:
    """Hash of a file that does not change while the process runs."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def shown_key(key: str) -> str:
    """The key as it may be reported: a key that is no plain dotted identifier can itself name a person."""
    return key if len(key) <= 80 and _PLAIN_KEY.fullmatch(key) else MALFORMED_KEY


def load_privacy(path: Path | None = None) -> PrivacyPolicy:
    """The privacy policy, the deployment's or the one at `path`, with its patterns and the files of policies/fields.

    Raises:
        PolicyError: a file is wrong, a pattern finds an entity for which the policy says nothing, or two files of
            policies/fields treat one attribute differently.
    """
    policy = load(path, PrivacyPolicy) if path else load_policy("privacy", PrivacyPolicy)
    patterns = load_patterns()
    found = {pattern.entity for pattern in patterns} | set(policy.names.prose) | set(policy.names.technical)
    unnamed = sorted(found - set(policy.entities))
    if unnamed:
        raise PolicyError(f"policies/privacy.yml: entities has no {unnamed[0]}; write {unnamed[0]}: remove")
    return policy.model_copy(update={"patterns": patterns, "attributes": _with_fields(policy.attributes)})


def _with_fields(shipped: Mapping[str, Treatment]) -> dict[str, Treatment]:
    """privacy.yml's treatments with those of policies/fields: exact keys win, patterns decide what is left open."""
    added: dict[str, Treatment] = {}
    origin: dict[str, str] = {}
    for path in config_files(FIELDS_FOLDER):
        for key, treatment in load(path, FieldRules).attributes.items():
            if added.setdefault(key, treatment) != treatment:
                raise PolicyError(
                    f"{FIELDS_FOLDER}/{path.name}: {key} has another treatment in {origin[key]}; leave one of them"
                )
            origin.setdefault(key, path.name)
    exact = {key: treatment for key, treatment in added.items() if "*" not in key}
    return {**shipped, **exact, **{key: what for key, what in added.items() if key not in shipped and "*" in key}}

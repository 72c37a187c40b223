"""Sources are YAML: what is collected, from where, for which purpose, by whom owned. No Python needed for a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from governance.errors import PolicyError, one_of
from governance.faults import Misplaced
from governance.policy import Strict, config_files, load
from governance.signals import SIGNALS

# Which signals each type of source can yield; a tabular file yields whichever its mapping says.
TYPES: dict[str, tuple[str, ...]] = {
    "otlp": ("spans", "logs"),
    "zendesk": ("tickets", "ticket_events"),
    "github": ("tickets", "deployments", "pull_requests", "commits", "reviews", "ci_runs"),
    "pagerduty": ("incidents",),
    "csv": tuple(SIGNALS),
    "jsonl": tuple(SIGNALS),
    "sql": tuple(SIGNALS),
}
_TABLES = ("csv", "jsonl", "sql")


class Http(Strict):
    """Where and how a source is pulled over HTTP; the token is read from the environment, never from a file."""

    url: str
    token_env: str | None = None
    user_env: str | None = None
    start_time: int = 0
    max_attempts: int = Field(default=6, ge=1, le=20)


class Files(Strict):
    """Which files of the inbox are the source's own: a folder in it and patterns in that folder."""

    folder: str = "."
    patterns: tuple[str, ...] = ("**/*",)

    @field_validator("folder")
    @classmethod
    def stays_inside_the_inbox(cls, value: str) -> str:
        if Path(value).is_absolute() or ".." in Path(value).parts:
            raise ValueError("expected a folder inside the inbox")
        return value


class Database(Strict):
    """A database that is asked one question; its address is read from the environment, as it can hold a password."""

    url_env: str
    query: str

    @field_validator("query")
    @classmethod
    def is_one_select(cls, value: str) -> str:
        query = value.strip().removesuffix(";").rstrip()
        if query.split(None, 1)[:1] not in (["select"], ["SELECT"], ["with"], ["WITH"]) or ";" in query:
            raise ValueError("expected one SELECT (or WITH ... SELECT) without a semicolon")
        return query


class Source(Strict):
    """One configured system; one source may yield several signals."""

    name: str = ""
    description: str
    type: Literal["otlp", "zendesk", "github", "pagerduty", "csv", "jsonl", "sql"]
    signals: tuple[str, ...]
    owner: str
    purpose: str
    schedule: str = "@hourly"
    files: Files | None = None
    http: Http | None = None
    database: Database | None = None
    # column of the signal -> field of the system (see the connector of the type for what it accepts)
    columns: dict[str, str | list[str]] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def says_where_and_what(self) -> Source:
        if sum(where is not None for where in (self.files, self.http, self.database)) != 1:
            raise ValueError("expected exactly one of files, http and database")
        if (self.type == "sql") != (self.database is not None):
            raise ValueError("expected database with type sql, and with no other type")
        if self.type in _TABLES and len(self.signals) != 1:
            raise Misplaced("signals: expected exactly one, since a row of a table is one kind of record", "signals")
        for signal in self.signals:
            if signal not in TYPES[self.type]:
                said = f"signal {signal} does not come from type {self.type}; {one_of(signal, TYPES[self.type])}"
                raise Misplaced(said, "signals", self.signals.index(signal))
            unknown = [
                c for c in (*self.columns, *self.constants) if not any(c in SIGNALS[s].fields for s in self.signals)
            ]
            if unknown:
                said = f"column {unknown[0]} does not exist; {one_of(unknown[0], SIGNALS[signal].fields)}"
                raise Misplaced(said, "columns" if unknown[0] in self.columns else "constants", unknown[0])
        return self


def load_sources() -> dict[str, Source]:
    """Every source by name (the file's name without .yml).

    Raises:
        PolicyError: a file is wrong, see `governance.policy.load`.
    """
    return {path.stem: load(path, Source).model_copy(update={"name": path.stem}) for path in config_files("sources")}


def source_named(name: str) -> Source:
    """The source called `name`.

    Raises:
        PolicyError: there is none.
    """
    sources = load_sources()
    if name not in sources:
        raise PolicyError(f"source {name} does not exist; {one_of(name, sources)}; add governance/sources/{name}.yml")
    return sources[name]

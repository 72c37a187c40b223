"""Who may see what: policies/access.yml. What a role's file does not contain, nobody can read from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator, model_validator

from governance.errors import UsageError, one_of
from governance.faults import Misplaced
from governance.policy import Policy, Strict, load_policy

# blank: the column is there and empty. day: a time is cut to its UTC day.
Mask = Literal["blank", "day"]

# Tables that every role's file has besides its own.
RESERVED = ("about", "metrics", "lineage", "gate_days", "restatements")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class Column:
    """A published column and how it is masked; None: as it is."""

    name: str
    mask: Mask | None = None


@dataclass(frozen=True)
class Publication:
    """One table of a role's file.

    Attributes:
        relation: schema and table in the warehouse.
        where: SQL condition a row must meet to be in the file; empty: every row.
    """

    name: str
    relation: str
    columns: tuple[Column, ...]
    where: str = ""


@dataclass(frozen=True)
class Role:
    """What one role's file contains."""

    name: str
    description: str
    tables: tuple[Publication, ...]
    policy: str = ""  # digest of the policy it follows from


class Table(Strict):
    """A relation of the warehouse that may be published, column by column."""

    relation: str = Field(alias="from", pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")
    columns: tuple[str, ...] = Field(min_length=1)

    @field_validator("columns")
    @classmethod
    def are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name} is no column name; name each column, there is no wildcard")
        return value


class Grant(Strict):
    """What a role sees less of a table than there is."""

    without: tuple[str, ...] = ()
    masks: dict[str, Mask] = Field(default_factory=dict)
    where: str = ""


class Rule(Strict):
    """A role: for whom it is, and its tables."""

    description: str
    tables: dict[str, Grant]


class Personal(Strict):
    """Columns made of what privacy.yml marks as personal, and who sees them unmasked.

    Attributes:
        columns: each as `table.column`.
        roles: those that see them; a name of `roles`.
    """

    reason: str = Field(min_length=1)
    columns: tuple[str, ...] = Field(min_length=1)
    roles: tuple[str, ...]


class AccessPolicy(Policy):
    """Tables that may be published, what of them is personal, and the roles that see them.

    Attributes:
        personal: None: nobody has said what is, as in a policy of before there was such a section.
    """

    tables: dict[str, Table]
    personal: dict[str, Personal] | None = None
    rules: dict[str, Rule] = Field(alias="roles")

    @model_validator(mode="after")
    def roles_name_what_exists(self) -> AccessPolicy:
        for role, rule in self.rules.items():
            if not _NAME.fullmatch(role):
                said = f"role {role}: expected small letters, digits and _; it becomes a file's name"
                raise Misplaced(said, "roles", role)
            for table, grant in rule.tables.items():
                place = ("roles", role, "tables", table)
                if table not in self.tables or table in RESERVED:
                    said = f"roles.{role}: table {table} is not published; {one_of(table, self.tables)}"
                    raise Misplaced(said, *place)
                columns = self.tables[table].columns
                for column in (*grant.without, *grant.masks):
                    if column not in columns:
                        said = f"roles.{role}.{table}: no column {column}; {one_of(column, columns)}"
                        raise Misplaced(said, *place, "without" if column in grant.without else "masks", column)
        return self

    @model_validator(mode="after")
    def personal_columns_are_seen_by_whom_they_name(self) -> AccessPolicy:
        known = [f"{name}.{column}" for name, table in self.tables.items() for column in table.columns]
        seen = set[str]()
        for name, marked in (self.personal or {}).items():
            for number, role in enumerate(marked.roles):
                if role not in self.rules:
                    said = f"personal.{name}: role {role} does not exist; {one_of(role, self.rules)}"
                    raise Misplaced(said, "personal", name, "roles", number)
            for number, place in enumerate(marked.columns):
                at = ("personal", name, "columns", number)
                if place not in known:
                    raise Misplaced(f"personal.{name}: {place} is not published; {one_of(place, known)}", *at)
                if place in seen:
                    raise Misplaced(f"personal.{name}: {place} is named twice; one group says who sees it", *at)
                seen.add(place)
                self._require_masked(name, place, marked.roles)
        return self

    def _require_masked(self, name: str, place: str, allowed: tuple[str, ...]) -> None:
        table, _, column = place.partition(".")
        for role, rule in self.rules.items():
            grant = rule.tables.get(table)
            if grant is None or role in allowed or column in grant.without or grant.masks.get(column) == "blank":
                continue
            raise Misplaced(
                f"roles.{role}.{table}: {column} is personal ({name}) and unmasked; expected `without: [{column}]` or"
                f" `masks: {{{column}: blank}}`, or the role among personal.{name}.roles",
                *("roles", role, "tables", table),
            )

    @property
    def personal_columns(self) -> frozenset[str]:
        """Every column, as `table.column`, that is marked as made of what is personal."""
        return frozenset(place for marked in (self.personal or {}).values() for place in marked.columns)

    @property
    def roles(self) -> Mapping[str, Role]:
        """Every role by name, with what its file contains."""
        return {name: self._role(name, rule) for name, rule in self.rules.items()}

    def role(self, name: str) -> Role:
        """The role called `name`.

        Raises:
            UsageError: there is none.
        """
        if name not in self.rules:
            raise UsageError(f"role {name} does not exist; {one_of(name, self.rules)}; see policies/access.yml")
        return self._role(name, self.rules[name])

    def _role(self, name: str, rule: Rule) -> Role:
        return Role(
            name,
            rule.description,
            tuple(
                Publication(
                    table,
                    self.tables[table].relation,
                    tuple(
                        Column(column, grant.masks.get(column))
                        for column in self.tables[table].columns
                        if column not in grant.without
                    ),
                    grant.where,
                )
                for table, grant in rule.tables.items()
            ),
            self.digest,
        )


def load_access() -> AccessPolicy:
    """policies/access.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("access", AccessPolicy)

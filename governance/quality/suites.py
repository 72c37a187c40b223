"""What the gate expects of each signal: expectations/<signal>.yml. How much may fail, and what to do: quality.yml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import Field, field_validator, model_validator

from governance.errors import PolicyError, one_of
from governance.policy import Policy, Strict, config_file, load, load_policy
from governance.signals import SIGNALS

# Great Expectations types run over every row, and which of their arguments name columns.
ROW_TYPES: Mapping[str, tuple[str, ...]] = {
    "expect_column_values_to_not_be_null": ("column",),
    "expect_column_values_to_be_null": ("column",),
    "expect_column_values_to_be_between": ("column",),
    "expect_column_values_to_be_in_set": ("column",),
    "expect_column_values_to_not_be_in_set": ("column",),
    "expect_column_values_to_match_regex": ("column",),
    "expect_column_values_to_not_match_regex": ("column",),
    "expect_column_value_lengths_to_be_between": ("column",),
    "expect_column_pair_values_to_be_equal": ("column_A", "column_B"),
    "expect_column_pair_values_a_to_be_greater_than_b": ("column_A", "column_B"),
}
# The same vocabulary for what needs the whole day at once and cannot be chunked: polars computes these.
AGGREGATE_TYPES: Mapping[str, tuple[str, ...]] = {
    "expect_column_values_to_be_unique": ("column",),
    "expect_column_proportion_of_non_null_values_to_be_between": ("column",),
    "expect_column_unique_value_count_to_be_between": ("column",),
    "expect_table_row_count_to_be_between": (),
}
Kind = Literal["identity", "completeness", "validity", "consistency", "privacy"]
# What an expectation of each type is about, where it does not say so itself.
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys((*ROW_TYPES, *AGGREGATE_TYPES), "validity"),
    "expect_column_values_to_not_be_null": "completeness",
    "expect_column_proportion_of_non_null_values_to_be_between": "completeness",
    "expect_table_row_count_to_be_between": "completeness",
    "expect_column_values_to_be_null": "consistency",
    "expect_column_pair_values_to_be_equal": "consistency",
    "expect_column_pair_values_a_to_be_greater_than_b": "consistency",
    "expect_column_values_to_be_unique": "identity",
    "expect_column_values_to_not_match_regex": "privacy",
}
# Columns a suite may name besides the signal's own.
DERIVED = ("event_date", "partition_date")

Argument = str | int | float | bool | list[str] | list[int] | None


class Only(Strict):
    """The rows an expectation is about: those with one of these values in this column."""

    column: str
    values: tuple[str, ...]


class Expectation(Strict):
    """One fact about a signal.

    Attributes:
        name: the fact, such as `spans_have_a_service`: what checks, quarantine and reports show.
        type: the Great Expectations type (snake case) that holds it.
        kwargs: the arguments of that type.
        severity: row: failing rows are quarantined; aggregate: a statement about the whole day.
        blocking: a failure withholds the whole day (for a row expectation: even one failing row).
        kind: what it is about; where not said, what its type usually is about.
        reason: why it matters; do: what to do about a failure. Empty: what policies/quality.yml says of its kind.
        owner: who answers for a failure; the suite's owner where not said.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: str
    kwargs: dict[str, Argument] = Field(default_factory=dict)
    only: Only | None = None
    severity: Literal["row", "aggregate"] = "row"
    blocking: bool = False
    kind: Kind | None = None
    reason: str = ""
    do: str = ""
    owner: str = ""

    @property
    def about(self) -> Kind:
        """What it is about."""
        return self.kind or _KINDS[self.type]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the expectation is about, its condition's not among them."""
        names = {**ROW_TYPES, **AGGREGATE_TYPES}[self.type]
        return tuple(str(self.kwargs[name]) for name in names)

    @model_validator(mode="after")
    def is_one_the_gate_can_run(self) -> Expectation:
        types = ROW_TYPES if self.severity == "row" else AGGREGATE_TYPES
        if self.type not in types:
            raise ValueError(f"type {self.type} is no {self.severity} expectation; {one_of(self.type, types)}")
        if missing := [name for name in types[self.type] if name not in self.kwargs]:
            raise ValueError(f"{self.name} lacks kwargs.{missing[0]}, the name of a column")
        if self.only is not None and self.severity == "aggregate":
            raise ValueError(f"{self.name}: only is allowed with severity row")
        pattern = self.kwargs.get("regex")
        if pattern is not None:
            try:
                re.compile(str(pattern))
            except re.error as error:
                raise ValueError(f"{self.name}: kwargs.regex is no regular expression ({error.msg})") from None
        return self


class Suite(Policy):
    """The expectations of one signal, in the order they are shown."""

    signal: str
    expectations: tuple[Expectation, ...] = Field(min_length=1)

    @field_validator("signal")
    @classmethod
    def exists(cls, value: str) -> str:
        if value not in SIGNALS:
            raise ValueError(f"no such signal; {one_of(value, SIGNALS)}")
        return value

    @field_validator("expectations")
    @classmethod
    def names_are_distinct(cls, value: tuple[Expectation, ...]) -> tuple[Expectation, ...]:
        names = [expectation.name for expectation in value]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two expectations are called {twice[0]}; a name is one fact")
        return value

    @model_validator(mode="after")
    def columns_exist(self) -> Suite:
        allowed = (*SIGNALS[self.signal].columns, *DERIVED)
        for expectation in self.expectations:
            only = (expectation.only.column,) if expectation.only else ()
            for column in (*expectation.columns, *only):
                if column not in allowed:
                    raise ValueError(f"{expectation.name}: column {column} does not exist; {one_of(column, allowed)}")
        return self

    @property
    def row_expectations(self) -> tuple[Expectation, ...]:
        """Those that each row meets or fails."""
        return tuple(expectation for expectation in self.expectations if expectation.severity == "row")

    @property
    def day_expectations(self) -> tuple[Expectation, ...]:
        """Those about a whole day."""
        return tuple(expectation for expectation in self.expectations if expectation.severity == "aggregate")

    def is_releasable(self, expectation: Expectation) -> bool:
        """Whether a steward may let rows in that fail it; those that fail others can be discarded only.

        Not without an id, a time or their day, which everything behind the gate relies on; nor what may be personal.
        """
        return expectation.about != "privacy" and not expectation.blocking

    def owner_of(self, expectation: Expectation) -> str:
        return expectation.owner or self.owner


class Threshold(Strict):
    """How much of one day may fail before the day itself is not believed."""

    max_quarantined_ratio: float = Field(ge=0, le=1)
    min_rows: int = Field(ge=0)


class Advice(Strict):
    """Why facts of one kind matter, and what a steward does when one fails."""

    reason: str
    do: str


class QualityPolicy(Policy):
    """When a day is withheld whole instead of losing single rows; what failures of each kind mean."""

    default: Threshold
    signals: dict[str, Threshold] = Field(default_factory=dict)
    kinds: dict[Kind, Advice]

    @field_validator("signals")
    @classmethod
    def exist(cls, value: dict[str, Threshold]) -> dict[str, Threshold]:
        for name in value:
            if name not in SIGNALS:
                raise ValueError(f"signal {name} does not exist; {one_of(name, SIGNALS)}")
        return value

    @field_validator("kinds")
    @classmethod
    def are_all_there(cls, value: dict[Kind, Advice]) -> dict[Kind, Advice]:
        if missing := [kind for kind in get_args(Kind) if kind not in value]:
            raise ValueError(f"lacks {', '.join(missing)}; each kind needs a reason and what to do")
        return value

    def advice(self, expectation: Expectation) -> Advice:
        """Why the fact matters and what to do about a failure."""
        of_kind = self.kinds[expectation.about]
        return Advice(reason=expectation.reason or of_kind.reason, do=expectation.do or of_kind.do)

    def threshold(self, signal: str) -> Threshold:
        return self.signals.get(signal, self.default)


def load_quality() -> QualityPolicy:
    """policies/quality.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("quality", QualityPolicy)


def load_suite(signal: str) -> Suite:
    """expectations/<signal>.yml; a signal without suite stops the gate.

    Raises:
        PolicyError: the suite is missing, wrong, or is the suite of another signal.
    """
    suite = load(config_file(f"expectations/{signal}.yml"), Suite)
    if suite.signal != signal:
        raise PolicyError(f"expectations/{signal}.yml: signal is {suite.signal}; expected {signal}")
    return suite


def load_suites() -> dict[str, Suite]:
    """The suite of every signal."""
    return {signal: load_suite(signal) for signal in SIGNALS}

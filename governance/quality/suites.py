"""What the gate expects of a signal: expectations/, typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from governance.errors import one_of
from governance.faults import Misplaced, first_fault
from governance.policy import Policy, Strict
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
    # What Great Expectations has no word for: a day compared with others, see governance/quality/comparing.py.
    "expect_table_row_count_to_be_usual": (),
    "expect_column_values_to_refer_to": ("column",),
}
USUAL, REFERS = "expect_table_row_count_to_be_usual", "expect_column_values_to_refer_to"
COMPARING = (USUAL, REFERS)
_MOST_DAYS_BEFORE = 28
Kind = Literal["identity", "completeness", "validity", "consistency", "privacy"]
# What an expectation of each type is about, where it does not say so itself.
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys((*ROW_TYPES, *AGGREGATE_TYPES), "validity"),
    "expect_column_values_to_not_be_null": "completeness",
    "expect_column_proportion_of_non_null_values_to_be_between": "completeness",
    "expect_table_row_count_to_be_between": "completeness",
    USUAL: "completeness",
    REFERS: "consistency",
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


class Reference(Strict):
    """What the values of a column refer to.

    Attributes:
        signal, refers_to: the signal of the same source, and its column, among whose values each must be.
        mostly: share of the rows with a value that must, at least.
        days_before: in how many days before the row's own the record it refers to may have been seen for the last time.
    """

    signal: str
    refers_to: str
    mostly: float = Field(default=1.0, ge=0, le=1)
    days_before: int = Field(default=0, ge=0, le=_MOST_DAYS_BEFORE)


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
        if self.type == REFERS:
            self._check_reference()
        pattern = self.kwargs.get("regex")
        if pattern is not None:
            try:
                re.compile(str(pattern))
            except re.error as error:
                raise ValueError(f"{self.name}: kwargs.regex is no regular expression ({error.msg})") from None
        return self

    @property
    def reference(self) -> Reference:
        """What the values of its column refer to; only of the type REFERS."""
        return Reference.model_validate(self._refers)

    @property
    def _refers(self) -> dict[str, Argument]:
        return {name: value for name, value in self.kwargs.items() if name != "column"}

    def _check_reference(self) -> None:
        try:
            refers = self.reference
        except ValidationError as error:
            place, fault = first_fault(error, Reference, self._refers)
            raise Misplaced(f"{self.name}: kwargs.{fault}", "kwargs", *place) from None
        if refers.signal not in SIGNALS:
            raise ValueError(f"{self.name}: signal {refers.signal} does not exist; {one_of(refers.signal, SIGNALS)}")
        columns = SIGNALS[refers.signal].columns
        if refers.refers_to not in columns:
            raise ValueError(
                f"{self.name}: {refers.signal} has no {refers.refers_to}; {one_of(refers.refers_to, columns)}"
            )


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
        if twice := [number for number, name in enumerate(names) if name in names[:number]]:
            raise Misplaced(f"two expectations are called {names[twice[0]]}; a name is one fact", twice[0], "name")
        return value

    @model_validator(mode="after")
    def columns_exist(self) -> Suite:
        allowed = (*SIGNALS[self.signal].columns, *DERIVED)
        for number, expectation in enumerate(self.expectations):
            only = (expectation.only.column,) if expectation.only else ()
            for column in (*expectation.columns, *only):
                if column not in allowed:
                    said = f"{expectation.name}: column {column} does not exist; {one_of(column, allowed)}"
                    raise Misplaced(said, "expectations", number)
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

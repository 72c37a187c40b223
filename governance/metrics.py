"""What every metric must say of itself, wherever it is declared: one definition, one owner, one unit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from governance.errors import PolicyError, one_of
from governance.faults import first_fault
from governance.policy import Strict

Direction = Literal["up", "down", "neutral"]
Grain = Literal["day", "week", "month", "quarter", "year"]


class About(Strict):
    """What a metric says of itself beside its formula.

    Attributes:
        direction: which way is better.
        target: the value it should reach; in the metric's unit.
        review: how often its owner looks whether it still says what it should.
        version: raised with every change of the formula, here or in the SQL of the models behind it.
        figure: counted over all rows, or estimated from the sample.
        no_data: what it means where there is no row or no value.
        always_by: dimensions over which values say nothing: an answer has a row for each of theirs, asked or not.
    """

    unit: str
    owner: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    direction: Direction
    target: float | None = None
    review: Literal["weekly", "monthly", "quarterly", "yearly"]
    version: int = Field(ge=1)
    figure: Literal["exact", "estimated"]
    no_data: str = Field(min_length=1)
    do_not_use_for: str = Field(min_length=1)
    always_by: tuple[str, ...] = ()


class Metric(Strict):
    """A metric and how it is computed from one published table.

    Attributes:
        table: the model it is computed from.
        time: the column that a row is dated by.
        dimensions: what it can be asked by.
        columns: what it reads of the table, time and dimensions included.
        declared_in: the file that says so.
        query: one select with `{keys}` (names), `{period_keys}` (the one of time), `{select_keys}` (what they are) and
            `{where}`; it gives `value` for each distinct keys.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]+$")
    label: str = Field(min_length=1)
    description: str = Field(min_length=1)
    about: About
    table: str
    time: str
    dimensions: tuple[str, ...]
    columns: tuple[str, ...]
    declared_in: str
    query: str

    @model_validator(mode="after")
    def always_by_what_it_can_be_asked_by(self) -> Metric:
        for name in self.about.always_by:
            if name not in self.dimensions:
                fault = f"metric {self.name}: always_by names {name}, which is no dimension of it"
                raise PolicyError(f"{fault}; {one_of(name, self.dimensions)} ({self.declared_in})")
        return self

    @property
    def formula_hash(self) -> str:
        """Hash of how it is computed from its table; under one name and version there is only one."""
        said = json.dumps([self.table, self.time, self.query])
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def about(name: str, said: Mapping[str, object]) -> About:
    """What the metric `name` says of itself.

    Raises:
        PolicyError: something is missing, unknown or not allowed.
    """
    try:
        return About.model_validate(said)
    except ValidationError as error:
        _, fault = first_fault(error, About, said)
        raise PolicyError(f"metric {name}: {fault} (dbt_project/models)") from None

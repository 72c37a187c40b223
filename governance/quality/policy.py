"""How much of a day may fail, how many records are usual, and what failures mean: policies/quality.yml, typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from pydantic import Field, field_validator, model_validator

from governance.errors import one_of
from governance.faults import Misplaced
from governance.policy import Policy, Strict
from governance.quality.suites import Expectation, Kind
from governance.signals import SIGNALS

# What the gate itself expects of every day, beside its suite.
FEW_QUARANTINED = "quarantined_rows_are_few"
BALANCED = "ledger_balances"
MASKED = "canaries_are_masked"
NOT_LEAKED = "nothing_has_leaked"
OWN_FACTS = (FEW_QUARANTINED, BALANCED, MASKED, NOT_LEAKED)


class Threshold(Strict):
    """How much of one day may fail before the day itself is not believed."""

    max_quarantined_ratio: float = Field(ge=0, le=1)
    min_rows: int = Field(ge=0)


class Spread(Strict):
    """How far the records of a day may be from the usual number, as a ratio."""

    min_ratio: float = Field(ge=0, lt=1)
    max_ratio: float = Field(gt=1)


class Volume(Strict):
    """What of a day's number of records is usual: near the median of the same weekday in the weeks before.

    Attributes:
        weeks: so many are looked at, where they are there.
        min_weeks: with fewer nothing is said.
    """

    weeks: int = Field(ge=1, le=8)
    min_weeks: int = Field(ge=1, le=8)
    default: Spread
    signals: dict[str, Spread] = Field(default_factory=dict)

    @field_validator("signals")
    @classmethod
    def exist(cls, value: dict[str, Spread]) -> dict[str, Spread]:
        _check_signals(value)
        return value

    def spread(self, signal: str) -> Spread:
        return self.signals.get(signal, self.default)

    @model_validator(mode="after")
    def can_be_met(self) -> Volume:
        if self.min_weeks > self.weeks:
            said = f"min_weeks is {self.min_weeks}, more than weeks ({self.weeks}): nothing would be compared"
            raise Misplaced(said, "min_weeks")
        return self


class Advice(Strict):
    """Why facts of one kind matter, and what a steward does when one fails."""

    reason: str
    do: str
    owner: str = ""


class QualityPolicy(Policy):
    """When a day is withheld whole instead of losing single rows; what failures of each kind mean.

    Attributes:
        volume: which number of records is usual for a day.
        kinds: what expectations of suites mean, by what they are about.
        gate: the same of what the gate itself expects of every day (OWN_FACTS), with who answers.
    """

    default: Threshold
    signals: dict[str, Threshold] = Field(default_factory=dict)
    volume: Volume
    kinds: dict[Kind, Advice]
    gate: dict[str, Advice]

    @field_validator("signals")
    @classmethod
    def exist(cls, value: dict[str, Threshold]) -> dict[str, Threshold]:
        _check_signals(value)
        return value

    @field_validator("gate")
    @classmethod
    def are_those_of_the_gate(cls, value: dict[str, Advice]) -> dict[str, Advice]:
        if wrong := sorted(value.keys() ^ set(OWN_FACTS)):
            said = f"{wrong[0]} must stand there if, and only if, it is one of {', '.join(OWN_FACTS)}"
            raise Misplaced(said, wrong[0])
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

    def owner_of_own(self, fact: str) -> str:
        """Who answers for what the gate itself expects (one of OWN_FACTS)."""
        return self.gate[fact].owner or self.owner

    def threshold(self, signal: str) -> Threshold:
        return self.signals.get(signal, self.default)


def _check_signals(named: Mapping[str, object]) -> None:
    for name in named:
        if name not in SIGNALS:
            raise Misplaced(f"signal {name} does not exist; {one_of(name, SIGNALS)}", name)

"""The decisions of a steward as jobs: a form in the launchpad, recorded when it runs.

What follows from a decision is not done here: the days it touches are stale from then on, and `days_to_refresh` judges
them again within a minute.
"""

from datetime import UTC, date, datetime

import dagster as dg
from pydantic import Field

from governance.quality.rulings import DISCARD, RELEASE
from governance.stewards import load_stewards
from orchestration.deciding import decision_record
from orchestration.defs.partitions import guarded
from orchestration.desk.deciding import Desk, Ruling
from orchestration.lake import Lake
from orchestration.moments import day_of
from orchestration.settings import home


class _Decided(dg.Config):
    who: str = Field(description="Who decides: an identity of policies/stewards.yml, such as ana@example.com.")
    why: str = Field(description="The reason, for whoever asks later. No content of records.")

    def ruling(self) -> Ruling:
        return Ruling(self.who, self.why, datetime.now(UTC))


class Rows(_Decided):
    """Rows of a day that failed."""

    dataset: str = Field(description="<source>/<signal>, such as otel/spans.")
    day: str = Field(description="A day (ISO) that the gate has judged.")
    expectation: str = Field(default="", description="Only rows that failed it; empty: whatever they failed.")
    records: list[str] = Field(default=[], description="Only these record ids; empty: all.")


class Request(_Decided):
    """A failure that shall withhold nothing for a while."""

    dataset: str = Field(description="<source>/<signal>, or a pattern with *.")
    expectation: str = Field(description="What may fail: the name of the check.")
    first: str = Field(description="First day (ISO) of feedback it is about.")
    last: str = Field(description="Last day (ISO) of feedback it is about.")
    expires: str = Field(description="The day (ISO) from which the failure withholds again.")


class Numbered(_Decided):
    """A decision by its number."""

    number: int = Field(description="Its number in the decision record: `feedback audit list`.")


@dg.op(description="Record that rows are let in though they failed.")
@guarded
def record_release(context: dg.OpExecutionContext, config: Rows) -> None:
    _rule(context, RELEASE, config)


@dg.op(description="Record that rows that failed will never be counted.")
@guarded
def record_discard(context: dg.OpExecutionContext, config: Rows) -> None:
    _rule(context, DISCARD, config)


@dg.op(description="Record that a waiver is asked for.")
@guarded
def record_request(context: dg.OpExecutionContext, config: Request) -> None:
    days = (day_of(config.first, "first"), day_of(config.last, "last"))
    expires: date = day_of(config.expires, "expires")
    recorded = _desk().ask_for_waiver(config.dataset, config.expectation, days, expires, config.ruling())
    context.log.info(f"request {recorded.number} waits for another steward's approval (job approve_waiver)")


@dg.op(description="Record that a waiver comes into force.")
@guarded
def record_approval(context: dg.OpExecutionContext, config: Numbered) -> None:
    recorded = _desk().approve_waiver(config.number, config.ruling())
    context.log.info(f"waiver {recorded.number} is in force; its days are judged again within a minute")


@dg.op(description="Record that a release, discard, waiver or request is taken back.")
@guarded
def record_revocation(context: dg.OpExecutionContext, config: Numbered) -> None:
    recorded = _desk().revoke(config.number, config.ruling())
    context.log.info(f"decision {config.number} is taken back (decision {recorded.number})")


def _rule(context: dg.OpExecutionContext, kind: str, config: Rows) -> None:
    count = _desk().rule_on_rows(
        kind,
        config.dataset,
        config.day,
        config.ruling(),
        expectation=config.expectation,
        records=config.records,
    )
    context.log.info(f"{kind} of {count:,} rows recorded; their day is judged again within a minute")


def _desk() -> Desk:
    return Desk(Lake(home().lake), decision_record(home()), load_stewards())


@dg.job(description="Let quarantined rows of a day in though they failed.")
def release_rows() -> None:
    record_release()


@dg.job(description="Never count quarantined rows of a day.")
def discard_rows() -> None:
    record_discard()


@dg.job(description="Ask that a failure withhold nothing for a while.")
def request_waiver() -> None:
    record_request()


@dg.job(description="Let a waiver that another steward asked for come into force.")
def approve_waiver() -> None:
    record_approval()


@dg.job(description="Take a decision back.")
def revoke_decision() -> None:
    record_revocation()


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(jobs=[release_rows, discard_rows, request_waiver, approve_waiver, revoke_decision])

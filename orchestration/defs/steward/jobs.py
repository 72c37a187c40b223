"""The decisions of a steward as jobs: a form in the launchpad, recorded when it runs.

What follows from a decision is not done here: the days it touches are stale from then on, and `days_to_refresh` judges
them again within a minute. Only what is signed off is published at once, as it is.
"""

from datetime import UTC, date, datetime

import dagster as dg
from pydantic import Field

from governance.quality.rulings import DISCARD, RELEASE
from governance.sign_offs import SIGN_OFF
from governance.stewards import load_stewards
from orchestration.deciding import decision_record
from orchestration.defs.partitions import guarded
from orchestration.desk.deciding import Desk, Ruling
from orchestration.desk.signing import publish_again, sign_and_publish
from orchestration.desk.telling import tell_classified
from orchestration.lake import Lake
from orchestration.moments import day_of
from orchestration.settings import home


class Form(dg.Config):
    """What every decision needs."""

    who: str = Field(description="Who decides: an identity of policies/stewards.yml, such as ana@example.com.")
    why: str = Field(description="The reason, for whoever asks later. No content of records.")

    def ruling(self) -> Ruling:
        return Ruling(self.who, self.why, datetime.now(UTC))

    def decide(self, desk: Desk) -> str:
        """Record the decision; returns what to tell of it."""
        raise NotImplementedError


class Release(Form):
    """Rows of a day that failed."""

    dataset: str = Field(description="<source>/<signal>, such as otel/spans.")
    day: str = Field(description="A day (ISO) that the gate has judged.")
    expectation: str = Field(default="", description="Only rows that failed it; empty: whatever they failed.")
    records: list[str] = Field(default=[], description="Only these record ids; empty: all.")

    def decide(self, desk: Desk) -> str:
        return self.rule(desk, RELEASE)

    def rule(self, desk: Desk, kind: str) -> str:
        chosen = {"expectation": self.expectation, "records": self.records}
        count = desk.rule_on_rows(kind, self.dataset, self.day, self.ruling(), **chosen)  # type: ignore[arg-type]
        return f"{kind} of {count:,} rows recorded; their day is judged again within a minute"


class Discard(Release):
    """Rows of a day that failed."""

    def decide(self, desk: Desk) -> str:
        return self.rule(desk, DISCARD)


class Request(Form):
    """A failure that shall withhold nothing for a while."""

    dataset: str = Field(description="<source>/<signal>, or a pattern with *.")
    expectation: str = Field(description="What may fail: the name of the check.")
    first: str = Field(description="First day (ISO) of feedback it is about.")
    last: str = Field(description="Last day (ISO) of feedback it is about.")
    expires: str = Field(description="The day (ISO) from which the failure withholds again.")

    def decide(self, desk: Desk) -> str:
        days = (day_of(self.first, "first"), day_of(self.last, "last"))
        expires: date = day_of(self.expires, "expires")
        recorded = desk.ask_for_waiver(self.dataset, self.expectation, days, expires, self.ruling())
        return f"request {recorded.number} waits for another steward's approval (job approve_waiver)"


class Approval(Form):
    """A request, by its number."""

    number: int = Field(description="Its number in the decision record: `feedback audit list`.")

    def decide(self, desk: Desk) -> str:
        recorded = desk.approve_waiver(self.number, self.ruling())
        return f"waiver {recorded.number} is in force; its days are judged again within a minute"


class Revocation(Form):
    """A decision, by its number."""

    number: int = Field(description="Its number in the decision record: `feedback audit list`.")

    def decide(self, desk: Desk) -> str:
        recorded = desk.revoke(self.number, self.ruling())
        if recorded.decision.what["kind"] == SIGN_OFF:
            publish_again(home())
        return f"decision {self.number} is taken back (decision {recorded.number})"


class Classification(Form):
    """A field that no rule names, or that another treatment suits better."""

    dataset: str = Field(description="<source>/<signal> in which it was seen.")
    field: str = Field(description="Its name: `feedback fields list`.")
    treatment: str = Field(description="What happens to it, as policies/privacy.yml says it: pseudonymise ACCOUNT.")

    def decide(self, desk: Desk) -> str:
        told = tell_classified(desk, self.dataset, self.field, self.treatment, self.ruling())
        return f"{told}; within a minute"


class Replay(Form):
    """Whatever is held or in quarantine."""

    def decide(self, desk: Desk) -> str:
        counts = ", ".join(f"{name} {count:,}" for name, count in desk.replay(self.ruling()).items())
        return (
            f"recorded; days judged under other policies than today's are replaced within a minute ({counts} records)"
        )


class SignOff(Form):
    """What waits of an asset."""

    asset: str = Field(description="marts/<model>, as policies/stewards.yml names it under sign_off.")
    state: str = Field(default="", description="Only if this state waits still; empty: whatever waits.")

    def decide(self, desk: Desk) -> str:
        recorded, is_published = sign_and_publish(home(), desk, self.asset, self.ruling(), self.state)
        told = "published" if is_published else "published by the run that is going on, or the next"
        return f"{self.asset} is signed off (decision {recorded.number}) and {told}"


# Name of the job -> its form, and what it does.
FORMS: dict[str, tuple[type[Form], str]] = {
    "release_rows": (Release, "Let quarantined rows of a day in though they failed."),
    "discard_rows": (Discard, "Never count quarantined rows of a day."),
    "replay_rows": (Replay, "Put what is held or in quarantine through today's policies and gate again."),
    "classify_field": (Classification, "Say what happens to a field; days that are still in landing get it back."),
    "request_waiver": (Request, "Ask that a failure withhold nothing for a while."),
    "approve_waiver": (Approval, "Let a waiver that another steward asked for come into force."),
    "sign_off_asset": (SignOff, "Sign off what waits of an asset, and publish it."),
    "revoke_decision": (Revocation, "Take a decision back."),
}


def desk_job(name: str, form: type[Form], does: str) -> dg.JobDefinition:
    """A job of one step, whose launchpad is the form."""

    @dg.op(name=f"record_{name}", description=does)
    @guarded
    def record(context: dg.OpExecutionContext, config: form) -> None:  # type: ignore[valid-type]
        desk = Desk(Lake(home().lake), decision_record(home()), load_stewards())
        context.log.info(config.decide(desk))  # type: ignore[attr-defined]

    @dg.job(name=name, description=does)
    def job() -> None:
        record()

    return job


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(jobs=[desk_job(name, *form) for name, form in FORMS.items()])

"""Who may decide what about which data, and which reviews are due: policies/stewards.yml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from governance.audit import Recorded
from governance.errors import UsageError, one_of
from governance.faults import Misplaced
from governance.policy import Policy, Strict, load_policy

Role = Literal["quality", "lineage", "compliance"]
State = Literal["done", "due", "overdue"]
ANY = "*"

# Upper case is no second person.
Identity = Annotated[str, Field(pattern=r"^[^\s,](?:[^,\n]{0,252}[^\s,])?$"), AfterValidator(str.casefold)]


class Domain(Strict):
    """Data sets that the same people answer for."""

    datasets: tuple[str, ...] = Field(min_length=1)
    reviews: dict[Role, PositiveInt] = Field(default_factory=dict)


@dataclass(frozen=True)
class Review:
    """A review of one domain in one role.

    Attributes:
        stewards: who may do it.
        last_on: when it was done last (UTC day); null: never.
        due_on: the last day on which it is not overdue.
    """

    domain: str
    role: Role
    stewards: tuple[str, ...]
    last_on: date | None
    due_on: date
    state: State


class StewardsPolicy(Policy):
    """`policies/stewards.yml`; the file explains each parameter."""

    two_person: bool
    longest_waiver_days: int = Field(ge=1)
    domains: dict[str, Domain] = Field(min_length=1)
    default: str
    reviews: dict[Role, PositiveInt]
    remind_days: int = Field(ge=0)
    people: dict[Identity, dict[Role, tuple[str, ...]]] = Field(min_length=1)
    decisions: dict[str, Role]
    sign_off: tuple[str, ...]

    @model_validator(mode="after")
    def names_what_there_is(self) -> StewardsPolicy:
        named: list[tuple[tuple[str, ...], str]] = [(("default",), self.default)]
        for person, roles in self.people.items():
            named += [(("people", person, role), one) for role, found in roles.items() for one in found if one != ANY]
        for where, domain in named:
            if domain not in self.domains:
                said = f"{'.'.join(where)} is {domain}, which is no domain; {one_of(domain, self.domains)}"
                raise Misplaced(said, *where)
        owners: dict[str, str] = {}
        for name, of_domain in self.domains.items():
            for dataset in of_domain.datasets:
                if owners.setdefault(dataset, name) != name:
                    said = f"{dataset} is in two domains, {owners[dataset]} and {name}; leave one"
                    raise Misplaced(said, "domains", name, "datasets")
        return self

    @model_validator(mode="after")
    def somebody_can_do_it(self) -> StewardsPolicy:
        for domain in self.domains:
            needed = {**self.cadence(domain), **dict.fromkeys(self.decisions.values(), 0)}
            for role in needed:
                if not self.holders(role, domain):
                    said = f"nobody has the role {role} in {domain}; give it to somebody of people"
                    raise Misplaced(said, "people")
        return self

    def domain_of(self, dataset: str) -> str:
        """The domain of a data set: by exact name, else by the longest pattern that fits, else the default."""
        of_name = {name: domain for domain, found in self.domains.items() for name in found.datasets}
        if dataset in of_name:
            return of_name[dataset]
        fitting = sorted((name for name in of_name if fnmatchcase(dataset, name)), key=lambda name: (-len(name), name))
        return of_name[fitting[0]] if fitting else self.default

    def holders(self, role: Role, domain: str) -> tuple[str, ...]:
        """Who has a role in a domain, by name."""
        having = (person for person, roles in self.people.items() if {ANY, domain} & set(roles.get(role, ())))
        return tuple(sorted(having))

    def may(self, person: str, kind: str, dataset: str) -> bool:
        """Whether somebody may decide this about a data set; what needs no role, anybody may."""
        role = self.decisions.get(kind)
        return role is None or person.casefold() in self.holders(role, self.domain_of(dataset))

    def check_may(self, person: str, kind: str, dataset: str) -> None:
        """Refuse who may not.

        Raises:
            UsageError: the role is missing; says who has it.
        """
        if not self.may(person, kind, dataset):
            self._refuse(person, f"{kind} of {dataset}", self.decisions[kind], self.domain_of(dataset))

    def check_may_review(self, person: str, domain: str, role: str) -> None:
        """Refuse who may not.

        Raises:
            UsageError: there is no such domain, it is not reviewed in this role, or the person does not have it.
        """
        if domain not in self.domains:
            raise UsageError(f"{domain} is no domain of policies/stewards.yml; {one_of(domain, self.domains)}")
        reviewed = next((one for one in self.cadence(domain) if one == role), None)
        if reviewed is None:
            raise UsageError(f"{domain} has no review of {role}; {one_of(role, self.cadence(domain))}")
        if person.casefold() not in self.holders(reviewed, domain):
            self._refuse(person, f"review of {domain}", reviewed, domain)

    def check_approval(self, approver: str, asked_by: str) -> None:
        """Refuse who approves his own, where the policy asks for two.

        Raises:
            UsageError: both are the same person.
        """
        if self.two_person and approver.casefold() == asked_by.casefold():
            raise UsageError(
                f"{approver} asked for it and may not approve it; ask another steward, or set two_person in "
                "policies/stewards.yml to false"
            )

    def check_expiry(self, from_day: date, expires: date) -> None:
        """Refuse a waiver that is over already, or goes on for too long.

        Raises:
            UsageError: it does.
        """
        last = from_day + timedelta(days=self.longest_waiver_days)
        if not from_day < expires <= last:
            raise UsageError(
                f"expires is {expires}; expected a day after {from_day} and no later than {last} (longest_waiver_days "
                "in policies/stewards.yml)"
            )

    def needs_sign_off(self, asset: str) -> bool:
        """Whether an asset is published only once its day is signed off."""
        return any(fnmatchcase(asset, pattern) for pattern in self.sign_off)

    def cadence(self, domain: str) -> Mapping[Role, int]:
        """Days between two reviews of a domain, by role."""
        return {**self.reviews, **self.domains[domain].reviews}

    def review_calendar(self, as_of: datetime, entries: Iterable[Recorded]) -> list[Review]:
        """Every review there is to be, the most urgent first; one per domain and role.

        The first one is due a cadence after the first entry of the record: before it there was nothing to review.

        Args:
            entries: of the decision record; a review is done by one of kind `review` that names domain and role.
        """
        done: dict[tuple[object, object], date] = {}
        first = as_of.date()
        for entry in entries:
            said, day = entry.decision, entry.decision.at.date()
            first = min(first, day)
            if said.kind == "review" and day <= as_of.date():
                subject = (said.what.get("domain"), said.what.get("role"))
                done[subject] = max(day, done.get(subject, day))
        calendar = []
        for domain in self.domains:
            for role, days in self.cadence(domain).items():
                last = done.get((domain, role))
                due = (last or first) + timedelta(days=days)
                calendar.append(Review(domain, role, self.holders(role, domain), last, due, self._state(as_of, due)))
        return sorted(calendar, key=lambda one: (one.due_on, one.domain, one.role))

    def reviews_due(self, as_of: datetime, entries: Iterable[Recorded]) -> list[Review]:
        """The reviews that are due or overdue, see `review_calendar`."""
        return [review for review in self.review_calendar(as_of, entries) if review.state != "done"]

    def _state(self, as_of: datetime, due_on: date) -> State:
        left = (due_on - as_of.date()).days
        return "overdue" if left < 0 else "due" if left <= self.remind_days else "done"

    def _refuse(self, person: str, what: str, role: Role, domain: str) -> None:
        raise UsageError(
            f"{person}: {what} needs the role {role} in {domain}; {', '.join(self.holders(role, domain))} may (see "
            "policies/stewards.yml)"
        )


def load_stewards() -> StewardsPolicy:
    """policies/stewards.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("stewards", StewardsPolicy)

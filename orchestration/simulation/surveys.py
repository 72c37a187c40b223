"""Surveys of the engineers and of the users: scores on a scale, and words about what went wrong around that day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from orchestration.simulation.accounts import Accounts
from orchestration.simulation.calendar import DAY, Window, day_of
from orchestration.simulation.canaries import Planter
from orchestration.simulation.files import write_csv
from orchestration.simulation.pull_requests import ENGINEERS
from orchestration.simulation.streams import Stream, stream
from orchestration.simulation.traffic import Active
from orchestration.simulation.truth import Truth

_FILE = "surveys/answers.csv"
_HEADER = (
    *("Response", "Day", "Survey", "Audience", "Team", "Person", "Question", "Lowest", "Highest", "Score", "Comment"),
)
_TEAMS = ("storefront", "payments", "fulfilment", "insights")
_FORTNIGHT, _WEEK = 14, 7
_DEVELOPER_DAY, _USER_DAY = 10, 3  # of each fortnight, of each week
_USERS = 30
_ANONYMOUS = 0.3
_NOTICED = 0.35  # of the respondents speak of a fault that lasts
_CALM = ("", "", "All fine.", "Nothing to complain about.", "Please keep it like this.")
_BUILDS = ("The build fails now and then for no reason, I run it again.", "I wait a day for a review.", "", "")


@dataclass(frozen=True)
class Answer:
    """One answer to one question."""

    response: str
    at_ns: int
    survey: str
    audience: str
    team: str
    person: str
    question: str
    highest: int
    score: int
    comment: str


def write_surveys(
    out: Path, faults: Sequence[Active], accounts: Accounts, window: Window, seed: int, planter: Planter, truth: Truth
) -> None:
    """One table with every answer."""
    rng = stream(seed, Stream.SURVEYS)
    answers = [*_developers(faults, window, rng), *_users(faults, accounts, window, rng)]
    for place, due in planter.among(range(len(answers)), "surveys", window.days).items():
        said = " ".join([answers[place].comment, *(one.text for one in due)]).strip()
        answers[place] = replace(answers[place], comment=said)
        for one in due:
            planter.planted(one, _FILE, answers[place].response, answers[place].at_ns)
    for answer in answers:
        truth.count("surveys", day_of(answer.at_ns))
    write_csv(out / _FILE, _HEADER, (_row(answer) for answer in answers))
    truth.file(_FILE, "surveys", rows=len(answers), lines=len(answers) + 1)


def _row(answer: Answer) -> tuple[str | int, ...]:
    lowest = 0 if answer.highest == 10 else 1
    return (
        answer.response, day_of(answer.at_ns), answer.survey, answer.audience, answer.team, answer.person,
        answer.question, lowest, answer.highest, answer.score, answer.comment,
    )  # fmt: skip


def _developers(faults: Sequence[Active], window: Window, rng: np.random.Generator) -> Iterator[Answer]:
    for day in range(_DEVELOPER_DAY, window.days, _FORTNIGHT):
        at = window.start_ns + day * DAY
        for number, name in enumerate(ENGINEERS):
            about = _noticed(faults, at, rng)
            response, team = f"D{day:04d}-{number}", _TEAMS[number % len(_TEAMS)]
            address = f"{name.replace(' ', '.').lower()}@shop.example"
            shared = ("developer experience", "developer", team, address)
            words = f"Most of our time goes into {about.fault.service}: {_subject(about, rng)}." if about else ""
            flow = int(rng.integers(1, 4)) if about else int(rng.integers(3, 6))
            yield Answer(response, at, *shared, "How well could you deliver?", 5, flow, words)
            waits = _BUILDS[int(rng.integers(len(_BUILDS)))]
            patience = int(rng.integers(1, 4)) if waits else int(rng.integers(3, 6))
            yield Answer(response, at, *shared, "How well do reviews and builds work?", 5, patience, waits)


def _users(faults: Sequence[Active], accounts: Accounts, window: Window, rng: np.random.Generator) -> Iterator[Answer]:
    for day in range(_USER_DAY, window.days, _WEEK):
        at = window.start_ns + day * DAY
        for number, account in enumerate(accounts.draw(rng, _USERS).tolist()):
            about = _noticed(faults, at, rng)
            person = "" if rng.random() < _ANONYMOUS else accounts.person(account, int(rng.integers(2))).email
            words = f"{_subject(about, rng)}." if about else _CALM[int(rng.integers(len(_CALM)))]
            score = int(rng.integers(1, 6)) if about else int(rng.integers(6, 11))
            shared = ("weekly pulse", "user", "", person, "How likely are you to recommend us?", 10)
            yield Answer(f"U{day:04d}-{number}", at, *shared, score, words)


def _noticed(faults: Sequence[Active], at_ns: int, rng: np.random.Generator) -> Active | None:
    """A fault that lasted within the last week and customers could notice, for some of the respondents."""
    lasting = [a for a in faults if a.fault.tickets and a.start_ns < at_ns and a.end_ns > at_ns - _WEEK * DAY]
    is_said, which = rng.random() < _NOTICED, rng.random()
    return lasting[int(which * len(lasting))] if is_said and lasting else None


def _subject(active: Active, rng: np.random.Generator) -> str:
    """The words of a ticket about it, where they stand without an order or account."""
    subjects = active.fault.tickets.subjects if active.fault.tickets else ()
    plain = [subject for subject in subjects if "{" not in subject] or [f"Trouble with {active.fault.service}"]
    return plain[int(rng.integers(len(plain)))]

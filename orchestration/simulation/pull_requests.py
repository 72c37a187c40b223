"""What went before each deployment: pull requests with commits and reviews, and the CI runs over them.

A deployment's sha is the merge commit of its last pull request. The one that brought a fault was large, approved within
minutes and built again until it was green. A few pull requests are still open, a few were closed without being merged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from orchestration.simulation.calendar import DAY, HOUR, MINUTE, SECOND, Window
from orchestration.simulation.company import SERVICES
from orchestration.simulation.rollouts import Rollout
from orchestration.simulation.streams import Stream, stream

ENGINEERS: tuple[str, ...] = (
    "Ada Berg", "Tomas Klein", "Yuki Mori", "Nadia Rahman", "Piotr Nowak", "Carla Mendes", "Sean Walsh", "Mei Lin",
)  # fmt: skip
FIRST_NUMBER = 101
_ANOTHER = 0.35  # of the deployments have a second pull request in them
_FAILS, _IS_FLAKY = 0.16, 0.6
_SUBJECTS = ("Start on it", "Add tests", "Handle the empty case", "Follow the review", "Tidy up names", "Fix the build")
_OTHER_CHANGES = ("Try another cache", "Rewrite the settings page", "Replace the job runner", "Split the module")
_REMARKS = ("Can this be tested?", "Please split this function.", "What happens when the list is empty?")


@dataclass(frozen=True)
class Commit:
    """One commit of a pull request."""

    at_ns: int
    message: str
    sha: str


@dataclass(frozen=True)
class Review:
    """One review by an engineer (a place in ENGINEERS)."""

    at_ns: int
    state: str
    reviewer: int
    body: str


@dataclass(frozen=True)
class Run:
    """One attempt of a CI run; `conclusion` None: not finished yet."""

    number: int  # of the run, in its pull request
    attempt: int
    event: str
    sha: str
    queued_ns: int
    started_ns: int
    ended_ns: int
    conclusion: str | None
    is_last: bool = False


@dataclass(frozen=True)
class Change:
    """One pull request as it went."""

    service: str
    title: str
    author: int
    opened_ns: int
    closed_ns: int | None
    merge_sha: str | None
    additions: int
    deletions: int
    commits: tuple[Commit, ...]
    reviews: tuple[Review, ...]
    runs: tuple[Run, ...] = ()
    deployment: int | None = None
    number: int = 0

    @property
    def updated_ns(self) -> int:
        moments = (self.opened_ns, self.closed_ns or 0, self.commits[-1].at_ns, *(r.at_ns for r in self.reviews))
        return max(moments)


def plan_changes(rollouts: Sequence[Rollout], bad: Collection[int], window: Window, seed: int) -> list[Change]:
    """Every pull request of the window, by service and number; `bad`: ids of the deployments that brought a fault."""
    planned = []
    for place, service in enumerate(SERVICES):
        own = [rollout for rollout in rollouts if rollout.service == service]
        of_rollouts = (_behind(r, window, stream(seed, Stream.CHANGES, r.id), is_bad=r.id in bad) for r in own)
        others = _undeployed(service, window, stream(seed, Stream.CHANGES, 0, place))
        ordered = sorted([*chain.from_iterable(of_rollouts), *others], key=lambda change: change.opened_ns)
        planned += [replace(change, number=FIRST_NUMBER + number) for number, change in enumerate(ordered)]
    return planned


def _behind(rollout: Rollout, window: Window, rng: np.random.Generator, *, is_bad: bool) -> Iterator[Change]:
    """The pull requests of a deployment, the one that gave it its sha last; none where the window leaves no time."""
    count = 1 + int(not is_bad and rng.random() < _ANOTHER)
    latest = rollout.created_ns
    for left in range(count - 1, -1, -1):
        merged = latest - int(rng.uniform(10, 170) * MINUTE)
        hours = (rng.lognormal(1.0, 0.5), 0.3, 0.2) if is_bad else rng.lognormal((2.4, 1.6, 1.4), 0.7)
        lead = int(sum(hours) * HOUR)
        lead = min(lead, int(0.9 * (merged - window.start_ns)))
        if lead < HOUR:
            return
        shares = np.cumsum(hours) / sum(hours)
        opened, reviewed = (merged - lead + int(lead * share) for share in shares[:2])
        title = rollout.description if left == count - 1 else "Prepare: " + rollout.description
        sha = rollout.sha if left == count - 1 else _sha(rollout.sha, "prepare")
        times = (merged - lead, opened, reviewed, merged)
        yield _change(rollout.service, title, times, sha, window, rng, is_bad=is_bad, deployment=rollout.id)
        latest = merged - lead


def _undeployed(service: str, window: Window, rng: np.random.Generator) -> Iterator[Change]:
    """One that is still open at the end and, in a week or more, one that was closed without being merged."""
    for is_closed in (True, False):
        span = window.days * DAY
        ends = window.end_ns - int(rng.uniform(0.1, 0.6) * span) if is_closed else window.end_ns
        lead = int(min(span * 0.3, rng.uniform(20, 90) * HOUR))
        title = f"{_OTHER_CHANGES[int(rng.integers(len(_OTHER_CHANGES)))]} of {service}"
        opened, reviewed = ends - lead * 2 // 3, ends - lead // 3
        times = (ends - lead, opened, reviewed, ends if is_closed else None)
        change = _change(service, title, times, None, window, rng, is_bad=False, deployment=None)
        if not is_closed or window.days >= 7:
            yield change


def _change(
    service: str,
    title: str,
    times: tuple[int, int, int, int | None],
    sha: str | None,
    window: Window,
    rng: np.random.Generator,
    *,
    is_bad: bool,
    deployment: int | None,
) -> Change:
    begun, opened, reviewed, closed = times
    author = int(rng.integers(len(ENGINEERS)))
    reviewer = (author + 1 + int(rng.integers(len(ENGINEERS) - 1))) % len(ENGINEERS)
    until = (closed or window.end_ns) - MINUTE
    commits = _commits(service, title, (begun, opened, reviewed, until), rng, is_bad=is_bad)
    reviews = []
    asked = not is_bad and rng.random() < 0.5
    if asked:
        remark = _REMARKS[int(rng.integers(len(_REMARKS)))]
        reviews.append(Review(reviewed, "CHANGES_REQUESTED", reviewer, remark))
    if sha is not None:
        approved = reviewed + int((until - reviewed) * rng.uniform(0.5, 0.9)) if asked else reviewed
        reviews.append(Review(approved, "APPROVED", reviewer, "" if asked else "Looks good."))
    size = 40 if is_bad else 1
    runs = tuple(_runs(commits, opened, closed if sha else None, sha, window, rng, is_bad=is_bad))
    return Change(
        service, title, author, opened, closed, sha, size * int(rng.integers(20, 200)), size * int(rng.integers(0, 60)),
        commits, tuple(reviews), runs, deployment,
    )  # fmt: skip


def _commits(
    service: str, title: str, times: tuple[int, int, int, int], rng: np.random.Generator, *, is_bad: bool
) -> tuple[Commit, ...]:
    begun, opened, reviewed, until = times
    moments = [begun, *(int(rng.uniform(begun, opened)) for _ in range(int(rng.integers(0, 3))))]
    if not is_bad and rng.random() < 0.4 and until - reviewed > 2 * MINUTE:
        moments.append(int(rng.uniform(reviewed + MINUTE, until)))
    subjects = [title, *(_SUBJECTS[int(rng.integers(len(_SUBJECTS)))] for _ in moments[1:])]
    return tuple(
        Commit(at, subject, _sha(service, title, at, place))
        for place, (at, subject) in enumerate(zip(sorted(moments), subjects, strict=True))
    )


def _runs(
    commits: Sequence[Commit], opened: int, merged: int | None, sha: str | None, window: Window,
    rng: np.random.Generator, *, is_bad: bool,
) -> Iterator[Run]:  # fmt: skip
    """A build when it is opened, one for each later commit, and one of the branch it was merged into."""
    before = [commit for commit in commits if commit.at_ns <= opened]
    pushes = [(opened, "pull_request", before[-1].sha)]
    pushes += [(commit.at_ns, "pull_request", commit.sha) for commit in commits if commit.at_ns > opened]
    if merged is not None and sha is not None:
        pushes.append((merged, "push", sha))
    for number, (at, event, built) in enumerate(pushes):
        failures = 2 if is_bad and number == 0 else int(rng.random() < _FAILS)
        is_repeated = is_bad or event == "push" or bool(rng.random() < _IS_FLAKY)
        yield from _attempts(number, at, event, built, failures, window, rng, is_repeated=is_repeated)


def _attempts(
    number: int, at: int, event: str, sha: str, failures: int, window: Window, rng: np.random.Generator,
    *, is_repeated: bool,
) -> Iterator[Run]:  # fmt: skip
    """The attempts of a run: those that failed, and then one that passed, unless nobody ran it again."""
    found: list[Run] = []
    queued = begins = at + 3 * SECOND
    for attempt in range(1, failures + 2 if is_repeated or not failures else 2):
        started = begins + int(rng.uniform(4, 240)) * SECOND
        ended = started + int(rng.uniform(3, 12) * 60) * SECOND
        begins = ended + int(rng.uniform(1, 25) * 60) * SECOND
        conclusion: str | None = "failure" if attempt <= failures else "success"
        if started >= window.end_ns or (found and found[-1].conclusion is None):
            break
        if ended >= window.end_ns:
            ended, conclusion = started, None
        found.append(Run(number, attempt, event, sha, queued, started, ended, conclusion))
    for run in found:
        yield replace(run, is_last=run is found[-1])


def _sha(*parts: object) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:40]

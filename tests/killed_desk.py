"""A steward's day in a process that is killed in one of its steps, and again to the end.

`python -m tests.killed_desk FOLDER` loads everything once, then makes a child, which is killed, for each home that it
reads from its input: a kill costs seconds. It never computes itself, so that no child lacks a thread.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import duckdb
import polars as pl

from governance.policy import config_file
from governance.quality import Rulings, load_engine, load_quality, load_suite
from governance.quality.rulings import DISCARD, RELEASE, WAIVE
from governance.sign_offs import SIGN_OFF
from governance.signals import SIGNALS
from governance.stewards import load_stewards
from orchestration.deciding import decision_record
from orchestration.desk import deciding
from orchestration.desk.deciding import REPLAY, Desk, Ruling
from orchestration.desk.waivers import REQUEST
from orchestration.lake import Lake
from orchestration.ledger import ledger
from orchestration.settings import PROJECT, Home
from orchestration.stages.gating import judge_dataset
from orchestration.stages.publishing import publish_roles

DATASET, ASSET = "otel/logs", "marts/ledger"
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")  # rows to release; rows to discard; withheld and waived
AS_OF = datetime(2026, 1, 10, 12, tzinfo=UTC)
STEPS = ("gate", "release", "discard", "waive", "replay", "publish", "sign off")
_DONE = "done"
# A thread of a library can hold a lock while a child is made, which then waits for ever: one kill more, and it is told.
_STUCK_SECONDS, _ATTEMPTS = 30, 3
_COLUMNS = ("source", "signal", "event_date", "checked", "released", "quarantined", "discarded", "is_balanced")
_ACCESS = f"""owner: data-stewards@example.com
reason: A world to kill.
tables:
  ledger: {{from: marts.ledger, columns: [{", ".join(_COLUMNS)}]}}
roles:
  lead: {{description: leads, tables: {{ledger: {{}}}}}}
"""
_MANIFEST = {
    "nodes": {"m": {"schema": "marts", "alias": "ledger", "group": "stewardship", "config": {}}},
    "metrics": {},
    "semantic_models": {},
}


@dataclass(frozen=True)
class Outcome:
    """All that must be as if nothing had happened.

    Attributes:
        partitions: digest of each of the lake.
        head: of the chain of decisions: the same only if each was recorded once, in the same words.
        published: the rows that leads have.
    """

    partitions: Mapping[str, str]
    head: str
    problems: tuple[str, ...]
    published: list[tuple[object, ...]]
    left_over: list[str]


def outcome(home: Home) -> Outcome:
    lake, verified = Lake(home.lake), decision_record(home).verify()
    with duckdb.connect(str(home.published / "lead.duckdb"), read_only=True) as connection:
        published = connection.execute("from ledger order by all").fetchall()
    return Outcome(
        {
            key: "" if key.startswith("publications") else manifest
            for key, manifest in lake.digests(lake.keys("")).items()
        },
        verified.head.digest if verified.head else "",
        tuple(map(str, verified.problems)),
        published,
        [path.name for path in home.root.rglob("*.tmp") if "spill" not in path.parts],
    )


class Desks:
    """Makes homes and runs a steward's day in each, to its end or to a kill."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self._folder, self._process = folder, process
        self.seconds: Mapping[str, float] = {}
        self.undisturbed = self.run("undisturbed")

    def run(self, name: str, kill_in: str = "", part: float = 0.0) -> Outcome:
        """The day in a home of that name; killed in a step, after a part (0 to 1) of its time, and run again.

        Raises:
            AssertionError: it ended on its own before it was done.
        """
        home = Home(self._folder / name)
        if kill_in:
            self._go(home, kill_in, self.seconds[kill_in] * part)
        seconds = next((found for _ in range(_ATTEMPTS) if (found := self._go(home))), None)
        assert seconds, f"{name}: stuck {_ATTEMPTS} times"
        self.seconds = self.seconds or seconds
        return outcome(home)

    def _go(self, home: Home, kill_in: str = "", wait: float = 0.0) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{home.root}\n".encode())
        pid, step, seconds, begun = int(self._process.stdout.readline()), "", dict[str, float](), time.monotonic()
        is_stuck = False
        while True:
            if not select.select([self._process.stdout], [], [], _STUCK_SECONDS)[0]:
                is_stuck = True
                print(f"{home.root.name}: stuck in {step or 'its beginning'}, killed", file=sys.stderr)
                os.kill(pid, signal.SIGKILL)
            line = self._process.stdout.readline().decode().strip()
            if step:
                seconds[step] = time.monotonic() - begun
            assert line, "the process that makes children is gone"
            if line.lstrip("-").isdigit():  # how the child ended
                is_killed = is_stuck or (kill_in and step != _DONE)
                assert int(line) == (-signal.SIGKILL if is_killed else 0), f"{step}: {line}"
                return {} if is_stuck else seconds
            begun, step = time.monotonic(), line
            if step == kill_in:
                select.select([self._process.stdout], [], [], wait)
                os.kill(pid, signal.SIGKILL)


@contextmanager
def desks(folder: Path) -> Iterator[Desks]:
    """The process that is ready to be killed, over a folder of homes."""
    command = [sys.executable, "-m", "tests.killed_desk", str(folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield Desks(folder, process)
        finally:
            process.kill()


def moments(seed: int) -> Iterator[tuple[str, float]]:
    """Where to kill: each step once, after a random part of its time."""
    chance = Random(seed)
    yield from ((step, chance.random()) for step in STEPS)


# What follows is what is killed.


def _day(home: Home) -> dict[str, Callable[[], object]]:
    """What each of STEPS does; a steward who comes back does what is not on record yet."""
    lake, record, suite = Lake(home.lake), decision_record(home), load_suite("logs")
    desk = Desk(lake, record, load_stewards())
    earlier = load_quality().model_copy(update={"reason": "An earlier one."})

    def judge(policy: object = load_quality()) -> None:
        rulings = Rulings(record.entries(), AS_OF)
        judge_dataset(lake, DATASET, list(DAYS), suite, policy, AS_OF, 1, rulings)  # type: ignore[arg-type]

    def once(kind: str, decide: Callable[[Ruling], object], who: str = "ana@example.com") -> None:
        if record.last(kind) is None:
            decide(Ruling(who, "looked at", AS_OF))

    def waive() -> None:
        days = (date.fromisoformat(DAYS[2]), date.fromisoformat(DAYS[2]))
        once(REQUEST, lambda r: desk.ask_for_waiver(DATASET, "quarantined_rows_are_few", days, date(2026, 1, 20), r))
        number = next(record.entries((REQUEST,))).number
        once(WAIVE, lambda r: desk.approve_waiver(number, r), "ben@example.com")

    def rule(kind: str, day: str) -> None:
        once(kind, lambda r: desk.rule_on_rows(kind, DATASET, day, r))

    def publish() -> None:
        home.warehouse.parent.mkdir(parents=True, exist_ok=True)
        rows = ledger(lake).select(_COLUMNS).to_arrow()
        with duckdb.connect(str(home.warehouse)) as connection:
            connection.execute("create schema if not exists marts")
            connection.register("rows", rows)
            connection.execute("create or replace table marts.ledger as from rows")
        publish_roles(lake, home, AS_OF)

    def sign() -> None:
        once(SIGN_OFF, lambda r: desk.sign_off(ASSET, r), "ben@example.com")
        publish()

    work: tuple[Callable[[], object], ...] = (
        lambda: record.last(RELEASE) or judge(earlier),
        lambda: rule(RELEASE, DAYS[0]),
        lambda: rule(DISCARD, DAYS[1]),
        waive,
        lambda: (once(REPLAY, desk.replay), judge()),
        publish,
        sign,
    )
    return dict(zip(STEPS, work, strict=True))


def _anonymize(home: Home) -> None:
    """Three days of 300 log lines; in two a few are bad, in the third half."""
    lake = Lake(home.lake)
    for day, bad in zip(DAYS, (7, 7, 150), strict=True):
        noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        rows = [
            {"record_id": f"{day}-{at}", "event_at": noon, "service": "cart", "body": "saved"}
            | {"severity": "LOUD" if at < bad else "INFO"}
            for at in range(300)
        ]
        with lake.replace(f"anonymized/{DATASET}/{day}", as_of=AS_OF) as out:
            out.write("records", pl.DataFrame(rows, schema=SIGNALS["logs"].schema))
            out.counts = {"landed": 300, "anonymized": 300, "held": 0}


def _go(home: Home) -> None:
    deciding._IDS_IN_ONE = 2  # a release of seven rows is four entries
    if not home.root.exists():
        (home.root / "dbt").mkdir(parents=True)
        (home.root / "dbt" / "manifest.json").write_text(json.dumps(_MANIFEST))
        _anonymize(home)
    for name, work in _day(home).items():
        _tell(name)
        work()
    _tell(_DONE)


def _tell(word: object) -> None:
    """A line at once: `print` may be killed before its end, and the next one would go on with it."""
    os.write(1, f"{word}\n".encode())


def main() -> None:
    """Make a child for each home on the input; tell its id, what it tells, and how it ended."""
    folder = Path(sys.argv[1])
    policies = folder / "config" / "policies"
    policies.mkdir(parents=True, exist_ok=True)
    stewards = config_file("policies/stewards.yml").read_text()
    (policies / "stewards.yml").write_text(stewards.replace("sign_off: []", f"sign_off: [{ASSET}]"))
    (policies / "access.yml").write_text(_ACCESS)
    os.environ["FEEDBACK_CONFIG"] = str(folder / "config")
    load_engine()
    while line := sys.stdin.readline().strip():
        if child := os.fork():
            _tell(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            continue
        _tell(os.getpid())
        _go(Home(Path(line)))
        os._exit(0)


if __name__ == "__main__":
    main()

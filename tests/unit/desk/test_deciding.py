"""A steward's decisions move exactly the rows and days they name, once, and are refused whole where they may not be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from governance.audit import DecisionRecord
from governance.errors import FeedbackError, UsageError
from governance.quality import Rulings, load_quality, load_suite
from governance.quality.rulings import DISCARD, RELEASE
from governance.stewards import load_stewards
from orchestration.desk.deciding import Desk, Ruling
from orchestration.desk.quarantine import waiting
from orchestration.lake import Lake
from orchestration.ledger import ledger
from orchestration.stages.gating import judge_dataset
from tests.unit.audit.disks import as_nobody, contents, files_up_to

Records = Callable[..., pl.DataFrame]
DATASET, DAY, BAD_DAY = "otel/spans", "2026-01-01", "2026-01-02"
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
ANA, BEN, CHRIS = "ana@example.com", "ben@example.com", "chris@example.com"


@dataclass
class World:
    """A lake with a day of three rows, two of which fail, and one whose failing row withholds it."""

    desk: Desk

    def judge(self, now: datetime = NOW) -> None:
        lake, rulings = self.desk.lake, Rulings(self.desk.record.entries(), now)
        judge_dataset(lake, DATASET, [DAY, BAD_DAY], load_suite("spans"), load_quality(), now, 1, rulings)

    def ids(self, state: str, day: str = DAY) -> list[str]:
        key = f"{state}/{DATASET}/{day}"
        return self.desk.lake.read(key)["record_id"].to_list() if self.desk.lake.exists(key) else []

    def rule(self, kind: str, who: str = ANA, day: str = DAY, **choice: object) -> int:
        return self.desk.rule_on_rows(kind, DATASET, day, Ruling(who, "looked at", NOW), **choice)  # type: ignore[arg-type]

    def ask(self, who: str = ANA, **other: object) -> int:
        wanted = {"dataset": "otel/*", "expectation": "spans_have_an_id", "expires": date(2026, 1, 20), **other}
        days = (date(2026, 1, 1), date(2026, 1, 31))
        return self.desk.ask_for_waiver(days=days, ruling=Ruling(who, "agent mended soon", NOW), **wanted).number  # type: ignore[arg-type]

    def approve(self, number: int, who: str = BEN) -> int:
        return self.desk.approve_waiver(number, Ruling(who, "agreed", NOW)).number


@pytest.fixture
def world(tmp_path: Path, records: Records) -> World:
    lake = Lake(tmp_path / "lake")
    days = {DAY: [{}, {"service": None}, {"trace_id": "no hex"}], BAD_DAY: [{}, {"record_id": None}]}
    for day, rows in days.items():
        with lake.replace(f"anonymized/{DATASET}/{day}", as_of=NOW) as out:
            out.write("records", records("spans", day, *rows))
            out.counts = {"landed": len(rows), "anonymized": len(rows), "held": 0}
    record = DecisionRecord.open(tmp_path / "decisions" / "decisions.sqlite", tmp_path / "decisions" / "head.json")
    made = World(Desk(lake, record, load_stewards()))
    made.judge()
    return made


def test_released_rows_are_let_in_once_however_often_the_gate_judges(world: World) -> None:
    assert world.rule(RELEASE, expectation="spans_have_a_service") == 1
    for _ in range(2):
        world.judge()
        assert (world.ids("checked"), world.ids("quarantine")) == ([f"{DAY}-0", f"{DAY}-1"], [f"{DAY}-2"])
    counted = ledger(world.desk.lake).row(0, named=True)
    assert (counted["checked"], counted["released"], counted["quarantined"], counted["is_balanced"]) == (2, 1, 1, True)


def test_discarded_rows_leave_quarantine_and_are_counted_as_that(world: World) -> None:
    assert world.rule(DISCARD) == 2
    world.judge()
    assert (world.ids("checked"), world.ids("quarantine")) == ([f"{DAY}-0"], [])
    counted = ledger(world.desk.lake).row(0, named=True)
    assert (counted["discarded"], counted["is_balanced"]) == (2, True)


def test_a_decision_that_is_taken_back_leaves_the_day_as_it_was(world: World) -> None:
    before = world.ids("quarantine")
    world.rule(RELEASE)
    world.judge()
    assert world.ids("quarantine") == []
    world.desk.revoke(1, Ruling(ANA, "wrong day", NOW))
    world.judge()
    assert world.ids("quarantine") == before
    with pytest.raises(UsageError, match=r"decision 1: ana@example\.com took it back \(decision 2\)"):
        world.desk.revoke(1, Ruling(ANA, "again", NOW))


def test_what_waits_is_told_by_day_and_expectation_with_owner_age_and_end(world: World) -> None:
    rows = waiting(world.desk.lake, NOW).to_dicts()
    assert [(str(row["day"]), row["expectation"], row["rows"], row["is_releasable"]) for row in rows] == [
        (DAY, "spans_have_a_service", 1, True),
        (DAY, "spans_have_a_valid_trace_id", 1, True),
        (BAD_DAY, "spans_have_an_id", 1, False),
    ]
    assert (rows[0]["age_days"], rows[0]["expires_on"], rows[0]["owner"]) == (
        8,
        date(2026, 4, 10),
        "observability@example.com",
    )
    assert [row["is_day_withheld"] for row in rows] == [False, False, True]


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (lambda w: w.rule(RELEASE, who=CHRIS), "needs the role quality in telemetry; ana@example.com"),
        (lambda w: w.rule(RELEASE, day="2026-03-01"), "the gate has judged no such day"),
        (lambda w: waiting(w.desk.lake, NOW, "otel/span"), "did you mean otel/spans"),
        (lambda w: w.rule(RELEASE, records=["none"]), "1 of these records are not in quarantine, none for one"),
        (lambda w: w.rule(RELEASE, expectation="spans_have_a_servce"), "did you mean spans_have_a_service"),
        (lambda w: w.rule(RELEASE, day=BAD_DAY), "failed spans_have_an_id, which nobody can release a row from"),
        (lambda w: w.ask(dataset="otle/*"), "no source has the dataset"),
        (lambda w: w.ask(expectation="spans_have_a_service"), "withholds no day of otel"),
        (lambda w: w.ask(expectation="canaries_are_masked"), "never waived"),
        (lambda w: w.ask(expires=date(2026, 1, 10)), "expected a day after 2026-01-10"),
        (lambda w: w.ask(expires=date(2026, 3, 10)), "no later than 2026-02-09"),
        (lambda w: w.approve(7), "no such waiver request"),
        (lambda w: w.desk.revoke(7, Ruling(ANA, "why", NOW)), "no such decision to take back"),
        (lambda w: w.desk.rule_on_rows(RELEASE, DATASET, DAY, Ruling(ANA, " ", NOW)), "needs a reason"),
        (lambda w: w.desk.rule_on_rows(RELEASE, "otel/span", DAY, Ruling(ANA, "x", NOW)), "did you mean otel/spans"),
    ],
)
def test_what_may_not_be_is_refused_with_what_may_and_recorded_nowhere(
    world: World, attempt: Callable[[World], object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        attempt(world)
    assert list(world.desk.record.entries()) == []


def test_of_two_stewards_who_decide_at_once_one_is_refused(world: World) -> None:
    def decide(who: str) -> str:
        try:
            world.rule(RELEASE if who == ANA else DISCARD, who=who)
        except UsageError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(decide, (ANA, BEN)))
    assert told[0] == "done"
    assert "take it back first with `feedback quarantine revoke 1`" in told[1]
    assert len(list(world.desk.record.entries())) == 1


def test_a_waived_day_is_let_in_until_the_waiver_expires(world: World) -> None:
    assert world.ids("checked", BAD_DAY) == []
    world.approve(world.ask())
    world.judge()
    assert world.ids("checked", BAD_DAY) == [f"{BAD_DAY}-0"]
    results = world.desk.lake.read(f"quarantine/{DATASET}/{BAD_DAY}", "results")
    assert results.filter(pl.col("waiver") == 2)["expectation"].to_list() == ["spans_have_an_id"]
    world.judge(datetime(2026, 1, 20, tzinfo=UTC))
    assert world.ids("checked", BAD_DAY) == []


def test_nobody_approves_what_he_asked_for_and_nobody_approves_twice(world: World) -> None:
    number = world.ask(who=ANA)
    with pytest.raises(UsageError, match=r"ana@example\.com asked for it"):
        world.approve(number, who=ANA)
    world.approve(number)
    with pytest.raises(UsageError, match=r"ben@example\.com approved it \(decision 2\)"):
        world.approve(number)


def test_a_request_that_was_taken_back_can_not_be_approved(world: World) -> None:
    number = world.ask()
    world.desk.revoke(number, Ruling(ANA, "not needed", NOW))
    with pytest.raises(UsageError, match=f"decision {number}: ana@example.com took it back"):
        world.approve(number)


def test_a_release_of_many_rows_is_recorded_whole_or_not_at_all(
    world: World, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.desk.deciding._IDS_IN_ONE", 1)
    world.rule(DISCARD, records=[f"{DAY}-2"])
    with pytest.raises(UsageError, match=r"decision 1 of ana.* is a discard of 1 of these rows"):
        world.rule(RELEASE)  # both rows; of the first nothing was decided yet
    assert len(list(world.desk.record.entries())) == 1
    world.desk.revoke(1, Ruling(ANA, "wrong", NOW))
    assert world.rule(RELEASE) == 2
    entries = list(world.desk.record.entries((RELEASE,)))
    assert [one.decision.what["records"] for one in entries] == [[f"{DAY}-1"], [f"{DAY}-2"]]


@pytest.mark.parametrize("is_full", [True, False])
@pytest.mark.parametrize(
    "decide",
    [
        lambda w: w.rule(RELEASE, expectation="spans_have_a_service"),
        lambda w: w.rule(DISCARD),
        lambda w: w.ask(),
        lambda w: w.approve(1),
        lambda w: w.desk.revoke(1, Ruling(ANA, "not needed", NOW)),
        lambda w: w.desk.replay(Ruling(ANA, "mended", NOW)),
    ],
)
def test_a_store_that_is_full_or_read_only_is_one_error_and_changes_nothing(
    folder: Path,
    world: World,
    decide: Callable[[World], object],
    is_full: bool,  # noqa: FBT001
) -> None:
    record = DecisionRecord.open(folder / "decisions.sqlite", folder / "head.json")
    everybodys = Lake(Path(tempfile.mkdtemp(prefix="feedback-lake-")))
    shutil.copytree(world.desk.lake.root, everybodys.root, dirs_exist_ok=True)
    for path in (everybodys.root, *everybodys.root.rglob("*")):
        path.chmod(0o755)
    held = World(Desk(everybodys, record, world.desk.stewards))
    assert held.ask() == 1
    before, lake = contents(folder), held.desk.lake.state_digest("")
    folder.chmod(0o555)
    for path in folder.iterdir():
        path.chmod(0o444)
    disk = files_up_to(20) if is_full else as_nobody()
    with disk, pytest.raises(FeedbackError, match=r"nothing was decided; see that it is there") as refused:
        decide(held)
    assert "\n" not in str(refused.value)
    assert (contents(folder), held.desk.lake.state_digest("")) == (before, lake)
    assert record.verify().is_good
    shutil.rmtree(everybodys.root)

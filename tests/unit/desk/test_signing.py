"""An asset that needs a sign-off is published as it was signed last, whatever the warehouse has by now."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from governance.access import load_access
from governance.audit import Decision
from governance.errors import PolicyError, UsageError
from governance.policy import config_file
from governance.sign_offs import assets_to_sign
from governance.stewards import load_stewards
from orchestration.deciding import decision_record
from orchestration.desk.deciding import Desk, Ruling
from orchestration.desk.signing import publish_again, sign_and_publish
from orchestration.lake import Lake
from orchestration.serving.querying import answer
from orchestration.settings import Home
from orchestration.signing import held_assets
from orchestration.stages.publishing import publish_roles
from orchestration.stages.reporting import write_report
from tests.unit.reporting.conftest import write_marts

ASSET = "marts/rpt_pain_points"
AS_OF = datetime(2026, 1, 10, 12, tzinfo=UTC)
ANA, BEN, CHRIS = "ana@example.com", "ben@example.com", "chris@example.com"
ACCESS = """owner: data-stewards@example.com
reason: a test
tables:
  rpt_pain_points: {from: marts.rpt_pain_points, columns: [rank, title, as_of]}
roles:
  lead: {description: leads, tables: {rpt_pain_points: {}}}
"""
MANIFEST = {
    "nodes": {"m": {"schema": "marts", "alias": "rpt_pain_points", "group": "pain_points", "config": {}}},
    "metrics": {},
    "semantic_models": {},
}


@dataclass
class World:
    """A deployment whose warehouse has one pain point; leads see its title."""

    home: Home

    @property
    def desk(self) -> Desk:
        return Desk(Lake(self.home.lake), decision_record(self.home), load_stewards())

    def build(self, title: str) -> None:
        """What dbt does."""
        with duckdb.connect(str(self.home.warehouse)) as connection:
            connection.execute("drop schema if exists marts cascade")
            write_marts(connection, {"pain_points": [{"rank": 1, "title": title}]})

    def publish(self, hours: int = 0) -> None:
        publish_roles(self.desk.lake, self.home, AS_OF + timedelta(hours=hours))

    def sign(self, who: str = BEN, asset: str = ASSET, state: str = "") -> bool:
        return sign_and_publish(self.home, self.desk, asset, Ruling(who, "read", AS_OF), state)[1]

    def seen(self) -> list[str]:
        return answer(self.home.published / "lead.duckdb", "select title from rpt_pain_points")["title"].to_list()

    def since(self) -> datetime | None:
        return held_assets(self.desk.lake)[0].since


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    policies = tmp_path / "config" / "policies"
    policies.mkdir(parents=True)
    stewards = config_file("policies/stewards.yml").read_text().replace("sign_off: []", f"sign_off: [{ASSET}]")
    (policies / "stewards.yml").write_text(stewards)
    (policies / "access.yml").write_text(ACCESS)
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path / "config"))
    made = World(Home(tmp_path / "home"))
    (made.home.root / "dbt").mkdir(parents=True)
    (made.home.root / "dbt" / "manifest.json").write_text(json.dumps(MANIFEST))
    made.home.warehouse.parent.mkdir()
    made.build("sluggish")
    made.publish()
    return made


def test_what_was_never_signed_is_in_no_file_and_the_query_says_why(world: World) -> None:
    with pytest.raises(UsageError, match=r"waits for a steward's sign-off since 2026-01-10 12:00 UTC; none of it"):
        world.seen()
    page = write_report(world.home, AS_OF).read_text()
    assert "sluggish" not in page
    assert "waits for sign-off" in page


def test_what_is_signed_is_published_at_once_and_in_the_report(world: World) -> None:
    assert world.sign()
    assert (world.seen(), world.since()) == (["sluggish"], None)
    page = (world.home.reports / "status.html").read_text()
    assert "sluggish" in page
    assert "waits for sign-off" not in page


def test_what_changes_afterwards_waits_and_readers_keep_what_was_signed(world: World) -> None:
    world.sign()
    for hours, title in ((1, "slower"), (2, "slowest")):
        world.build(title)
        world.publish(hours)
        assert world.seen() == ["sluggish"]
    assert world.since() == AS_OF + timedelta(hours=1)
    page = write_report(world.home, AS_OF).read_text()
    assert "shown here as it was signed last" in page
    assert "slowest" not in page
    world.sign()
    assert world.seen() == ["slowest"]


def test_the_same_rows_of_a_later_run_are_signed(world: World) -> None:
    world.sign()
    with duckdb.connect(str(world.home.warehouse)) as connection:
        connection.execute("update marts.rpt_pain_points set run_id = 'run-later', as_of = as_of + interval 1 hour")
    world.publish(1)
    assert world.since() is None


def test_a_signed_state_is_published_though_a_kill_and_a_later_run_came_first(world: World) -> None:
    world.desk.sign_off(ASSET, Ruling(BEN, "read", AS_OF))  # killed before it was published
    world.build("slower")
    world.publish(1)
    assert (world.seen(), world.since()) == (["sluggish"], AS_OF + timedelta(hours=1))


def test_nothing_is_published_from_a_warehouse_that_is_being_built(world: World) -> None:
    world.build("slower, and looked through by nobody yet")
    assert not world.sign()
    world.publish(1)
    assert world.seen() == ["sluggish"]


def test_nothing_is_published_from_a_warehouse_whose_days_were_judged_again(world: World) -> None:
    with world.desk.lake.replace("checked/otel/logs/2026-01-09", as_of=AS_OF) as out:
        out.write("records", pl.DataFrame({"record_id": ["a"]}))
    assert not world.sign()
    world.publish(1)
    assert world.seen() == ["sluggish"]


def test_nothing_is_published_from_a_warehouse_that_reads_files_that_are_gone(world: World) -> None:
    file = world.home.root / "sample.parquet"
    with duckdb.connect(str(world.home.warehouse)) as connection:
        connection.execute(f"copy (from marts.rpt_pain_points) to '{file}' (format parquet)")
        connection.execute("drop table marts.rpt_pain_points")
        connection.execute(f"create view marts.rpt_pain_points as from '{file}'")
    world.publish(1)
    file.unlink()
    assert not world.sign()


def test_a_sign_off_that_is_taken_back_takes_its_rows_away(world: World) -> None:
    world.sign()
    (entry,) = world.desk.record.entries(("sign_off",))
    assert entry.decision.what["dataset"] == "marts/pain_points"
    world.desk.revoke(entry.number, Ruling(ANA, "wrong", AS_OF))
    publish_again(world.home)
    with pytest.raises(UsageError, match="waits for a steward's sign-off"):
        world.seen()


def test_a_column_that_the_signed_rows_lack_is_null_in_them(world: World) -> None:
    world.sign()
    with duckdb.connect(str(world.home.warehouse)) as connection:
        connection.execute("alter table marts.rpt_pain_points add column is_new boolean")
    own = Path(config_file("policies/access.yml"))
    own.write_text(ACCESS.replace("title,", "title, is_new,"))
    world.publish(1)
    assert answer(world.home.published / "lead.duckdb", "from rpt_pain_points")["is_new"].to_list() == [None]


def test_an_asset_that_needs_none_any_more_is_published_as_it_is(world: World) -> None:
    own = config_file("policies/stewards.yml")
    own.write_text(own.read_text().replace(f"sign_off: [{ASSET}]", "sign_off: []"))
    world.publish()
    assert world.seen() == ["sluggish"]
    assert world.desk.lake.keys("sign_off") == []


def released(world: World, who: str) -> None:
    what = {"dataset": "otel/spans", "day": "2026-01-01", "records": ["r1"], "expectation": "any"}
    world.desk.record.append(Decision("release", who, "looked at", AS_OF, what))


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (lambda w: w.sign(CHRIS), r"needs the role quality in warehouse; ana@example\.com, ben@example\.com may"),
        (lambda w: w.sign(asset="marts/fct_tickets"), "needs no sign-off"),
        (lambda w: w.sign(state="0000"), "state 0000 does not wait any more"),
        (lambda w: (w.sign(), w.sign()), "nothing waits for sign-off"),
        # signed by both at once: of the second no rows are published twice, and it is told who was first
        (lambda w: [w.desk.sign_off(ASSET, Ruling(who, "read", AS_OF)) for who in (ANA, BEN)], "ana.* signed it"),
        (
            lambda w: (released(w, "Ben@example.com"), w.sign()),
            r"decided on rows that it counts \(decision 1, release\)",
        ),
    ],
)
def test_a_sign_off_that_may_not_be_is_refused(world: World, attempt: Callable[[World], object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        attempt(world)


def test_who_released_rows_before_the_last_sign_off_may_sign_the_next(world: World) -> None:
    released(world, BEN)
    world.sign(ANA)
    world.build("slower")
    world.publish(1)
    assert world.sign(BEN)


def test_a_name_that_is_published_to_nobody_is_an_error_of_the_policy(world: World) -> None:
    own = config_file("policies/stewards.yml")
    own.write_text(own.read_text().replace(ASSET, "marts/rpt_pain_point"))
    with pytest.raises(PolicyError, match=r"sign_off names marts/rpt_pain_point, which .*; did you mean"):
        assets_to_sign(load_stewards(), load_access())


def test_a_role_that_is_refused_half_way_leaves_every_roles_file_and_record_as_it_was(world: World) -> None:
    world.sign()
    config = config_file("policies/access.yml")
    refused = "  refused: {description: r, tables: {rpt_pain_points: {where: cast(title as int) = 1}}}\n"
    before = (world.home.published / "lead.duckdb").read_bytes(), world.desk.lake.state_digest("publications")
    config.write_text(ACCESS + refused)
    with pytest.raises(
        PolicyError, match=r"roles.refused.tables.rpt_pain_points has .* fails on some rows \(Conv"
    ) as told:
        world.publish(1)
    assert "sluggish" not in str(told.value)
    after = (world.home.published / "lead.duckdb").read_bytes(), world.desk.lake.state_digest("publications")
    assert after == before
    config.write_text(ACCESS)
    (world.home.published / ".next").mkdir()  # as a kill leaves it
    (world.home.published / ".next" / "gone.duckdb").touch()
    world.publish(1)
    assert [path.name for path in world.home.published.iterdir()] == ["lead.duckdb"]

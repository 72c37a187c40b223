"""Keys over a real lake: a day keeps its tokens through rotations, and is frozen once its key is destroyed."""

import base64
import io
import re
import threading
from datetime import UTC, datetime

import dagster as dg
import polars as pl
import pytest
from rich.console import Console

from governance.errors import FeedbackError, UsageError
from governance.privacy import load_privacy
from governance.quality import load_quality, load_suite
from governance.signals import SIGNALS
from governance.sources import load_sources
from orchestration.defs.anonymize.assets import anonymized
from orchestration.defs.partitions import AS_OF_TAG
from orchestration.defs.resources import keyring_resource, lake_resource
from orchestration.inspection import examine
from orchestration.key_management import deployment_keys, destroy_key, partitions_by_key, rotate_keys, show_keys
from orchestration.lake import Lake
from orchestration.settings import Home, exclusive
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.gating import judge_dataset
from orchestration.stages.planning import stale_days

OLD, NEW = "2026-03-01", "2026-03-02"
AS_OF = datetime(2026, 3, 4, tzinfo=UTC)
BOB = {"trace_id": "t", "body": "login user=jdoe42", "attributes": [{"key": "enduser.id", "value": "jdoe42"}]}
ANN = {"trace_id": "u", "body": "login user=annie7", "attributes": []}


class Deployment:
    """One deployment: what a steward does to its keys, and what the stage does under them."""

    def __init__(self, root):
        self.home, self.printed = Home(root), io.StringIO()
        self.lake, self.console = Lake(self.home.lake), Console(file=self.printed, width=400)
        self.policy = load_privacy()

    @property
    def keys(self):
        return deployment_keys(self.home)

    def land(self, signal, day, *rows):
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        common = {"event_at": at, "received_file": "f", "received_line": 1}
        made = [{"record_id": f"{number:04x}", **common, **row} for number, row in enumerate(rows)]
        with self.lake.replace(f"landing/otel/{signal}/{day}", as_of=AS_OF) as out:
            out.write("records", pl.DataFrame(made, schema=SIGNALS[signal].landing_schema))
            out.counts = {"landed": len(rows)}

    def anonymize(self, signal="logs", days=(OLD, NEW)):
        return anonymize_days(self.lake, f"otel/{signal}", list(days), self.policy, self.keys, AS_OF)

    def change_policy(self):
        self.policy = self.policy.model_copy(update={"phone_region": "DE", "owner": self.policy.owner + "x"})

    def rotate(self):
        rotate_keys(self.console, self.home)

    def destroy(self, key_id):
        destroy_key(self.console, self.home, key_id, is_confirmed=True)

    def records(self, day, signal="logs"):
        return self.lake.read(f"anonymized/otel/{signal}/{day}").to_dicts()

    def key_of(self, day, signal="logs"):
        return self.lake.manifest(f"anonymized/otel/{signal}/{day}").key_id

    def file_of(self, day):
        """The key that a day was made with."""
        return next(self.home.keys.glob(f"pseudonym-*-{self.key_of(day)}.key"))

    def stale(self):
        return stale_days(self.lake, [load_sources()["otel"]], self.keys.destroyed)

    @property
    def bytes(self):
        return {path: path.read_bytes() for path in self.home.lake.rglob("*") if path.is_file()}


@pytest.fixture
def deployment(tmp_path):
    one = Deployment(tmp_path / "home")
    assert one.keys.older == ()  # made on first use
    one.land("logs", OLD, BOB)
    one.anonymize()
    return one


@pytest.fixture
def rotated(deployment):
    """A deployment with a day before a rotation and a day behind it."""
    deployment.rotate()
    deployment.land("logs", NEW, BOB)
    deployment.anonymize()
    return deployment


def test_a_day_behind_a_rotation_has_other_tokens_and_names_the_new_key(rotated):
    (old,), (new,) = rotated.records(OLD), rotated.records(NEW)
    assert old["body"] != new["body"]
    assert old["attributes"] != new["attributes"]
    assert rotated.key_of(OLD) != rotated.key_of(NEW) == rotated.keys.key_id
    assert rotated.key_of(OLD) in old["body"]
    assert rotated.key_of(NEW) in new["body"]


def test_an_old_day_made_again_under_another_policy_keeps_its_tokens(rotated):
    before = rotated.records(OLD)
    rotated.change_policy()
    assert set(rotated.anonymize().days) == {OLD, NEW}
    assert rotated.records(OLD) == before


def test_a_late_record_gets_the_tokens_of_its_old_day(rotated):
    before = rotated.records(OLD)
    rotated.land("logs", OLD, BOB, ANN)
    assert list(rotated.anonymize().days) == [OLD]
    assert rotated.records(OLD)[:1] == before
    assert rotated.key_of(OLD) in rotated.records(OLD)[1]["body"]


def test_a_signal_that_comes_late_joins_its_day(rotated):
    rotated.land("spans", OLD, BOB | {"body": None})
    rotated.land("spans", NEW, BOB | {"body": None})
    rotated.anonymize("spans")
    for day in (OLD, NEW):
        assert rotated.records(day, "spans")[0]["attributes"] == rotated.records(day)[0]["attributes"]


def test_rotating_alone_makes_no_day_again(rotated):
    before = rotated.bytes
    rotated.rotate()
    assert rotated.anonymize().current == [OLD, NEW]
    assert rotated.bytes == before


def test_what_a_thread_knows_is_masked_across_a_rotation(deployment):
    deployment.rotate()
    deployment.land("logs", NEW, {"trace_id": "t", "body": "jdoe42 again"})
    deployment.anonymize()
    assert deployment.records(NEW)[0]["body"] == f"{deployment.keys.pseudonym('USER', 'jdoe42')} again"


@pytest.mark.parametrize("change", ["another policy", "a late record", "nothing"])
def test_a_day_whose_key_was_destroyed_is_left_as_it_is_and_says_why(rotated, change):
    key_id, before = rotated.key_of(OLD), rotated.records(OLD)
    rotated.destroy(key_id)
    manifest = rotated.lake.manifest(f"anonymized/otel/logs/{OLD}")
    if change == "another policy":
        rotated.change_policy()
    elif change == "a late record":
        rotated.land("logs", OLD, BOB, ANN)
    tally = rotated.anonymize()
    assert tally.frozen == [OLD]
    assert tally.notes[OLD] == f"frozen, left as it is: pseudonym key {key_id} was destroyed"
    assert tally.metadata()["days_frozen"] == 1
    assert rotated.records(OLD) == before
    assert rotated.lake.manifest(f"anonymized/otel/logs/{OLD}") == manifest


def test_a_new_signal_of_a_frozen_day_is_made_with_the_current_key(rotated):
    rotated.destroy(rotated.key_of(OLD))
    rotated.land("spans", OLD, BOB | {"body": None})
    assert list(rotated.anonymize("spans").days) == [OLD]
    assert rotated.key_of(OLD, "spans") == rotated.keys.key_id


def test_a_lost_key_stops_the_stage_until_it_is_back_or_given_up(rotated):
    key_id = rotated.key_of(OLD)
    file = rotated.file_of(OLD)
    away = file.rename(rotated.home.root / "away")
    rotated.change_policy()
    with pytest.raises(FeedbackError, match=f"pseudonym key {key_id}: .* restore it from your backup"):
        rotated.anonymize()
    away.rename(file)
    assert OLD in rotated.anonymize().days
    file.unlink()
    rotated.destroy(key_id)
    assert rotated.anonymize().frozen == [OLD]


def test_a_frozen_day_is_not_planned_again(rotated):
    rotated.change_policy()
    assert rotated.stale() == [OLD, NEW]
    rotated.destroy(rotated.key_of(OLD))
    # the gate has not judged the anonymised day yet, which is another reason to plan it
    judge_dataset(rotated.lake, "otel/logs", [OLD], load_suite("otel/logs"), load_quality(), AS_OF, 1)
    rotated.lake.remove(f"checked/otel/logs/{OLD}")  # nor was it sampled
    assert rotated.stale() == [NEW]


def test_the_list_shows_each_key_with_its_partitions_and_what_became_of_it(rotated):
    old, new = rotated.key_of(OLD), rotated.key_of(NEW)
    assert partitions_by_key(rotated.lake) == {old: 1, new: 1}
    rotated.destroy(old)
    lost = rotated.file_of(NEW)
    rotated.rotate()
    lost.unlink()
    show_keys(rotated.console, rotated.home)
    shown = [line.split("│") for line in rotated.printed.getvalue().splitlines() if "│" in line]
    cells = {row[1].strip(): (row[3].strip(), row[4].strip()) for row in shown}
    assert cells == {rotated.keys.key_id: ("current", "0"), new: ("missing", "1"), old: ("destroyed", "1")}


def test_without_a_yes_nothing_is_destroyed(rotated, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    with pytest.raises(FeedbackError, match="is as it was; say yes or give --yes"):
        destroy_key(rotated.console, rotated.home, rotated.key_of(OLD), is_confirmed=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(FeedbackError, match="is as it was; say yes or give --yes"):
        destroy_key(rotated.console, rotated.home, rotated.key_of(OLD), is_confirmed=False)
    assert rotated.keys.destroyed == frozenset()
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    destroy_key(rotated.console, rotated.home, rotated.key_of(OLD), is_confirmed=False)
    assert rotated.keys.destroyed == {rotated.key_of(OLD)}


def test_what_cannot_be_destroyed_is_said_before_asking(rotated):
    with pytest.raises(UsageError, match="is the current one; run `feedback keys rotate` first"):
        destroy_key(rotated.console, rotated.home, rotated.keys.key_id, is_confirmed=False)


def test_where_the_lake_holds_something_lost_keys_are_not_made_anew(deployment):
    for path in deployment.home.keys.iterdir():
        path.unlink()
    with pytest.raises(FeedbackError, match="is missing; restore it from your backup"):
        deployment.anonymize()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda rotated: None, "pseudonym key .*, 1 older, 0 destroyed"),
        (lambda rotated: rotated.destroy(rotated.key_of(OLD)), "pseudonym key .*, 0 older, 1 destroyed"),
        (lambda rotated: (rotated.home.keys / "id.key").chmod(0o644), r"id\.key: its mode 644 .* chmod 600 "),
        (lambda rotated: (rotated.home.keys / "id.key").unlink(), r"id\.key is missing .* restore it"),
        (lambda rotated: rotated.file_of(OLD).unlink(), "1 partitions were made with pseudonym key .* keys destroy"),
    ],
    ids=["well", "destroyed", "open to others", "no id key", "lost key"],
)
def test_the_doctor_reports_the_keys(rotated, spoil, said):
    spoil(rotated)
    examine(rotated.console, rotated.home)
    (line,) = [line for line in rotated.printed.getvalue().splitlines() if " keys " in line and "│" in line]
    assert re.search(said, line.replace("│", " "))


def test_a_steward_reads_in_the_ui_why_a_day_is_frozen(rotated, monkeypatch):
    monkeypatch.setenv("FEEDBACK_HOME", str(rotated.home.root))
    rotated.destroy(rotated.key_of(OLD))
    done = dg.materialize(
        [anonymized(load_sources()["otel"], "logs")],
        partition_key=OLD,
        resources={"lake": lake_resource, "keys": keyring_resource},
        tags={AS_OF_TAG: AS_OF.isoformat()},
    )
    (event,) = done.get_asset_materialization_events()
    shown = {name: value.value for name, value in event.materialization.metadata.items()}
    assert shown["days_frozen"] == 1
    assert shown["day_note"] == f"frozen, left as it is: pseudonym key {rotated.key_of(OLD)} was destroyed"


def test_a_run_that_is_under_way_does_not_go_on_with_a_key_that_was_destroyed(rotated, monkeypatch):
    monkeypatch.setenv("FEEDBACK_HOME", str(rotated.home.root))
    with dg.build_resources({"keys": keyring_resource}) as started:
        assert started.keys().destroyed == frozenset()
        rotated.destroy(rotated.key_of(OLD))
        assert started.keys().destroyed == {rotated.key_of(OLD)}


def test_keys_do_not_change_while_a_stage_writes(rotated):
    rotating = threading.Thread(target=rotated.rotate)
    before = rotated.keys.key_id
    with exclusive(rotated.home):
        rotating.start()
        rotating.join(timeout=0.5)
        assert rotating.is_alive()
        assert rotated.keys.key_id == before
    rotating.join(timeout=30)
    assert rotated.keys.key_id != before


def test_no_output_and_no_file_outside_the_keys_holds_a_key(rotated):
    keys = rotated.keys
    rotated.destroy(rotated.key_of(OLD))
    show_keys(rotated.console, rotated.home)
    written = b"".join([rotated.printed.getvalue().encode(), *rotated.bytes.values()])
    for key in (keys.pseudonym_key, keys.id_key, *keys.older):
        for shown in (key, key.hex().encode(), key.hex().upper().encode(), base64.b64encode(key)[:-2]):
            assert shown not in written

"""A day whose canaries came out unmasked is withheld whole; the others pass, and every canary is accounted for."""

import os
from io import StringIO

import polars as pl
import pytest
from rich.console import Console

from governance.privacy import load_privacy
from governance.quality import load_quality, load_suite
from orchestration.leaks.marks import leaked
from orchestration.leaks.telling import tell_leaks
from orchestration.ledger import ledger
from orchestration.stages.gating import rules_of
from orchestration.stages.planning import _behind

from .conftest import AS_OF, DAYS, KEYS, LOGS


def broken(entity):
    policy = load_privacy()
    return policy.model_copy(update={"patterns": tuple(p for p in policy.patterns if p.entity != entity)})


@pytest.mark.parametrize("entity", ["MAC", "BIRTH_DATE", "SECRET:VENDOR_KEY"])
def test_a_day_anonymised_without_the_patterns_of_an_entity_is_withheld_and_the_other_is_not(world, entity):
    assert "withholds" in world.anonymize(broken(entity), [DAYS[0]]).notes[DAYS[0]]
    world.anonymize(days=[DAYS[1]])
    tally = world.judge()
    assert f"{entity} in body" in tally.notes[DAYS[0]]
    assert world.lake.keys("checked") == [f"checked/{LOGS}/{DAYS[1]}"]
    (row,) = ledger(world.lake).filter(pl.col("is_withheld")).to_dicts()
    assert row["is_balanced"]
    assert row["withheld"] == 2
    assert row["canaries_leaked"] >= 1


def test_a_corrected_policy_lets_the_day_in_again(world):
    world.anonymize(broken("MAC"))
    world.judge()
    assert world.lake.keys("checked") == []
    world.anonymize()
    world.judge()
    assert len(world.lake.keys("checked")) == 2


def test_every_canary_is_accounted_for_and_none_is_among_the_records(anonymised):
    for row in ledger(anonymised.lake).to_dicts():
        assert row["canaries"] == len(anonymised.canaries(DAYS[0])) == row["canaries_masked"]
        assert (row["landed"], row["anonymized"], row["checked"], row["is_balanced"]) == (2, 2, 2, True)
    ids = {one.record_id for day in DAYS for one in anonymised.canaries(day)}
    for state in ("anonymized", "held", "checked", "quarantine"):
        for key in anonymised.lake.keys(state):
            assert not ids & set(anonymised.lake.read(key)["record_id"])


def test_the_withheld_fields_are_those_of_real_records(anonymised):
    for key in anonymised.lake.keys("anonymized"):
        assert not [fact for fact in anonymised.lake.manifest(key).facts if "canary" in fact]


def test_a_rerun_writes_the_same_bytes(anonymised):
    def files():
        return {path.name: path.read_bytes() for path in anonymised.lake.root.rglob("canaries-*.parquet")}

    before = files()
    assert len(before) == 2
    anonymised.anonymize(load_privacy().model_copy(update={"reason": "another digest"}))
    assert files() == before


def test_canaries_that_are_held_are_counted_so_and_do_not_leak(world):
    short = load_privacy().model_copy(update={"longest_text": 20})
    world.anonymize(short)
    row = ledger(world.lake).to_dicts()[0]
    assert row["canaries_held"] > 10
    assert row["canaries_leaked"] == 0
    assert row["is_balanced"]
    assert not world.lake.keys("held")  # they are counted, not kept


def test_a_find_marks_its_day_and_the_gate_withholds_that_one_alone(anonymised):
    report = anonymised.home.reports / "status.html"
    report.parent.mkdir(parents=True)
    report.write_text(f"<p>{anonymised.canary().text}</p>")
    found = anonymised.look()
    assert [(find.file, find.dataset, find.day, find.entity) for find in found.urgent] == [
        ("reports/status.html", LOGS, DAYS[0], "EMAIL")
    ]
    assert DAYS[0] in set(_behind(anonymised.lake, LOGS, frozenset()))
    tally = anonymised.judge()
    assert tally.notes == {DAYS[0]: "canaries were found unmasked (EMAIL in reports/status.html)"}
    assert tally.current == [DAYS[1]]
    assert anonymised.lake.keys("checked") == [f"checked/{LOGS}/{DAYS[1]}"]


def test_a_withheld_day_is_urgent_only_where_readers_are(anonymised):
    log = anonymised.home.root / "dbt" / "dbt.log"
    log.parent.mkdir()
    log.write_text(anonymised.canary().text)
    assert anonymised.look().urgent
    anonymised.judge()
    again = anonymised.look()
    assert (len(again.scan.finds), again.urgent) == (1, ())


def test_a_mark_stays_until_it_is_lifted_or_the_day_is_anonymised_otherwise(anonymised):
    log = anonymised.home.root / "x.log"
    log.write_text(anonymised.canary().text)
    anonymised.look()
    log.unlink()
    anonymised.look()
    assert leaked(anonymised.lake, LOGS, DAYS[0]) == "EMAIL in x.log"
    assert anonymised.look(is_lifting=True).lifted == (f"{LOGS}/{DAYS[0]}",)
    assert leaked(anonymised.lake, LOGS, DAYS[0]) == ""
    log.write_text(anonymised.canary().text)
    anonymised.look(everything=True)
    anonymised.anonymize(load_privacy().model_copy(update={"reason": "corrected"}))
    assert leaked(anonymised.lake, LOGS, DAYS[0]) == ""


def test_a_mark_holds_no_value(anonymised):
    (anonymised.home.root / "x.log").write_text(anonymised.canary().text)
    found = anonymised.look()
    told = found.told + repr(found) + "".join(path.read_text() for path in anonymised.lake.root.rglob("manifest.json"))
    assert anonymised.canary().needles[0].text not in told.lower()


def test_a_clean_day_is_current_after_the_search(anonymised):
    assert anonymised.look().scan.finds == ()
    assert anonymised.judge().current == DAYS
    manifest = anonymised.lake.manifest(f"quarantine/{LOGS}/{DAYS[0]}")
    assert manifest.policy == rules_of(load_quality(), load_suite("logs"))
    assert manifest.as_of == AS_OF.isoformat()


def test_a_find_in_a_file_with_a_comma_in_its_name_is_said_once(anonymised):
    (anonymised.home.root / "cart, checkout.log").write_text(anonymised.canary().text)
    anonymised.look()
    key = f"leaks/{LOGS}/{DAYS[0]}"
    before = anonymised.lake.manifest(key)
    assert leaked(anonymised.lake, LOGS, DAYS[0]) == "EMAIL in cart, checkout.log"
    anonymised.look()
    assert anonymised.lake.manifest(key) == before


def test_the_names_of_files_and_folders_are_told_as_they_are(anonymised, monkeypatch):
    """Square brackets are markup to what prints tables."""
    root = anonymised.home.root / "notes [old] ["
    root.mkdir()
    (root / "x].log").write_text(anonymised.canary().text)
    for name, key in (("PSEUDONYM", KEYS.pseudonym_key), ("ID", KEYS.id_key)):
        monkeypatch.setenv(f"FEEDBACK_{name}_KEY", key.hex())
    printed = StringIO()
    assert tell_leaks(Console(file=printed, width=200), anonymised.home, AS_OF, is_lifting=False) == 1
    assert "EMAIL in notes [old] [/x].log" in printed.getvalue()


def test_a_file_name_that_is_no_text_is_told_in_signs_that_any_terminal_and_database_takes(anonymised):
    (anonymised.home.root / os.fsdecode(b"cart\xff\x1b[2J.log")).write_text(anonymised.canary().text)
    found = anonymised.look()
    known = leaked(anonymised.lake, LOGS, DAYS[0])
    assert (found.told + known).encode().decode().isprintable()
    assert known == "EMAIL in cart\ufffd\ufffd[2J.log"

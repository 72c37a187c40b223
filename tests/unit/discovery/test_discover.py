"""A stranger's folder becomes sources, fields and owners that load as they are, and no value of it is told."""

from datetime import date

import pytest

from governance.errors import FeedbackError, UsageError
from governance.owners import load_owners
from governance.privacy import load_privacy
from governance.sources import Files, load_sources
from orchestration.simulation import load_scenario, simulate
from orchestration.sources.reading import matching
from tests.unit.discovery.conftest import span, table

PERSON, MAIL, CARD, TOKEN, PHONE = (
    "Gwendolyn Abernathy",
    "gwen.abernathy@canary.example.com",
    "4111111111111111",
    "ghp_9aB3cD4eF5gH6iJ7kL8mN9oP0qR1sT2uV3wX",
    "+1 415 555 0199",
)
CANARIES = (
    "Gwendolyn",
    "Abernathy",
    "gwendolyn",
    "abernathy",
    "canary",
    CARD,
    TOKEN,
    "9aB3cD4e",
    "555 0199",
    "zanzibar",
)


@pytest.fixture
def planted(put):
    """Files of every kind with canaries in every field, in keys, headers, service names, folders and file names."""
    pairs = {
        "acme.note": f"call {PERSON} {PHONE}",
        "acme.member": "zanzibar-1",
        "enduser.id": MAIL,
        "http.request.header.authorization": TOKEN,
        f"acme.{MAIL}": "1",
        f"acme.{CARD}": "1",
        "acme.gwendolyn.abernathy": "1",
        "acme.GwendolynAbernathy": "1",
        PERSON: "1",
    }
    put(
        "otel/Gwendolyn_Abernathy-1.jsonl",
        *(span(n, MAIL if n % 2 else "cart", pairs, f"GET {MAIL}") for n in range(9)),
    )
    put(f"{MAIL}/traces.jsonl", span(20, PERSON, pairs))
    issue = {
        "id": 1,
        "number": 7,
        "title": f"{PERSON} cannot log in",
        "state": "open",
        "body": f"{MAIL} {CARD}",
        "created_at": "2026-05-01T00:00:00Z",
        "user": {"login": "gwendolyn"},
        "labels": [{"name": "zanzibar"}],
        "milestone": {"title": PERSON},
    }
    put(f"issues/{CARD}.json", issue)
    ticket = {
        "id": 5,
        "requester_id": 9,
        "submitter_id": 9,
        "status": "open",
        "created_at": "2026-05-01T00:00:00Z",
        "updated_at": "2026-05-01T00:00:00Z",
        "subject": PERSON,
        "description": MAIL,
        "tags": ["zanzibar"],
        "custom_fields": [{"id": 1, "value": TOKEN}],
    }
    put("zendesk/page.json", {"tickets": [ticket]})
    incident = {
        "id": "P1",
        "incident_number": 3,
        "created_at": "2026-05-01T00:00:00Z",
        "status": "resolved",
        "title": f"{PERSON} zanzibar",
        "service": {"summary": MAIL},
        "body": {"details": TOKEN},
    }
    put("pagerduty/incidents.json", {"incidents": [incident]})
    header = ["Subject", "Status", "Created", "Caller", "Zip", PERSON, "Gwendolyn_Abernathy", "Favourite"]
    put(
        "helpdesk/tickets.csv",
        table(header, *[[PERSON, "open", "2026-05-01", MAIL, CARD, TOKEN, PHONE, "zanzibar"]] * 3),
    )
    log = {"time": "2026-05-01T00:00:00Z", "message": f"{PERSON} {TOKEN}", "level": "info", "acme_who": PERSON, MAIL: 1}
    put("logs/2026-05-01.jsonl", *[{**log, "number": n} for n in range(5)])
    put(f"broken/{PERSON}.bin", b"\x00\x01" + MAIL.encode())
    put(f"broken/{MAIL}.log", f"{PERSON} said {MAIL}\n".encode())
    return put("broken/empty.json", b"")


def test_no_value_of_the_data_is_told_or_written(tell, planted):
    told = tell(planted)
    assert {name for name in told.files if name.startswith("sources/")} == {
        f"sources/{name}.yml" for name in ("github", "logs_jsonl", "otel", "pagerduty", "tickets_csv", "zendesk")
    }
    assert "(malformed key)" in told.everything
    assert [canary for canary in CANARIES if canary in told.everything] == []


def test_the_written_files_load_and_read_every_file_that_was_found(tell, planted, monkeypatch):
    told = tell(planted)
    monkeypatch.setenv("FEEDBACK_CONFIG", str(told.out))
    sources, policy = load_sources(), load_privacy()
    found = {name: len(matching(planted, source.files)) for name, source in sources.items()}
    read = {name: count for name, count in found.items() if count}
    assert read == {"github": 1, "logs_jsonl": 1, "otel": 2, "pagerduty": 1, "tickets_csv": 1, "zendesk": 1}
    assert {key: policy.attribute(key).action for key in ("acme.note", "acme_who")} == {
        "acme.note": "scan",
        "acme_who": "pseudonymise",
    }
    assert policy.attribute("acme.never.seen") is None
    assert load_owners().teams["platform"].services == ("cart",)


def test_the_same_files_give_the_same_proposals(tell, planted):
    one, other = tell(planted, "one"), tell(planted, "other")
    assert one.files == other.files
    assert one.printed.replace("/one", "") == other.printed.replace("/other", "")


def test_nothing_is_written_outside_the_proposals(tell, planted, tmp_path):
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    told = tell(planted)
    after = {path for path in tmp_path.rglob("*") if path.is_file() and told.out not in path.parents}
    assert after == set(before)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_the_dry_run_tells_what_the_gate_would_refuse(tell, put):
    lines = [{"ts": f"2026-11-20T10:00:{n:02}Z", "msg": "took 3 ms", "zone": "eu"} for n in range(20)]
    told = tell(put("app/app.jsonl", *lines))
    (run,) = told.found.sources[0].runs
    assert (run.read, run.passed) == (20, 0)
    assert run.failed["logs_say_which_service_they_are_of"] == 20
    assert "fails the gate: logs say which service they are of" in told.printed


def test_the_dry_run_tells_what_passes_what_is_set_aside_and_what_is_found(tell, put):
    good = [span(n, "cart", {"acme.size": "3", "client.address": "203.0.113.9"}) for n in range(20)]
    bad = span(21, "cart", {})
    bad["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = "none"
    told = tell(put("otel/traces.jsonl", *good, bad))
    (found,) = told.found.sources
    (run,) = found.runs
    assert (run.read, run.passed, dict(run.held), dict(run.failed)) == (20, 20, {}, {})
    assert found.sample.malformed == {"traceId is not 32 hex digits": 1}
    assert run.entities == {"IP": 20}
    fields = {one.name: one for one in found.fields if one.is_attribute}
    assert fields["acme.size"].proposal.action == "keep"
    assert fields["client.address"].treatment.action == "pseudonymise"
    assert fields["client.address"].entities == {"IP": 1}
    assert "traceId is not 32 hex digits" in told.printed
    assert "feedback run --inbox" in told.printed


def test_two_sources_that_share_a_key_get_its_stricter_treatment(tell, put, monkeypatch):
    put("otel/traces.jsonl", span(1, "cart", {"acme.size": "7"}))
    log = {"time": "2026-05-01T00:00:00Z", "message": "slow", "level": "info", "acme.size": "gwen@example.com"}
    told = tell(put("app/app.jsonl", log, log))
    monkeypatch.setenv("FEEDBACK_CONFIG", str(told.out))
    assert load_privacy().attribute("acme.size").action == "pseudonymise"
    assert "another source's values under this key ask for it" in told.files["policies/fields/otel.yml"]


def test_files_of_one_folder_that_are_different_things_get_patterns_of_their_own(tell, put):
    for number in range(3):
        put(f"data-{number}.jsonl", span(number, "cart", {}))
        put(f"info-{number}.jsonl", {"time": "2026-05-01", "message": "slow", "level": "info"}, {"message": "x"})
    put("data-9.jsonl", {"settings": {"a": 1}})
    told = tell(put("info-7.txt", b"plain\n"))
    by_name = {found.source.name: found.source.files for found in told.found.sources}
    assert by_name["otel"] == Files(folder=".", patterns=("data-0.jsonl", "data-1.jsonl", "data-2.jsonl"))
    assert by_name["logs_jsonl"] == Files(folder=".", patterns=("info-*.jsonl",))


def test_a_shipped_source_that_would_misread_the_files_is_put_aside(tell, put, monkeypatch):
    log = {"time": "2026-05-01T00:00:00Z", "message": "slow", "level": "info"}
    folder = put("app-logs.jsonl", log, log)
    told = tell(folder)
    monkeypatch.setenv("FEEDBACK_CONFIG", str(told.out))
    sources = load_sources()
    assert matching(folder, sources["otel"].files) == []
    assert len(matching(folder, sources["logs_jsonl"].files)) == 1


def test_the_simulated_company_is_known_out_of_the_box(tell, tmp_path):
    inbox = tmp_path / "inbox"
    simulate(load_scenario("default"), seed=1, end=date(2026, 5, 31), days=20, scale=0.05, out=inbox)
    told = tell(inbox)
    assert [found.source.name for found in told.found.sources] == ["github", "otel", "pagerduty", "zendesk"]
    assert [found.sample.malformed for found in told.found.sources] == [{}] * 4
    assert all(run.passed == run.read > 0 for found in told.found.sources for run in found.runs)
    assert {key: str(one) for key, one in told.found.proposals.items()} == {}
    assert len(told.found.services) > 5
    assert told.found.hidden_services == 0


def test_a_configured_source_is_looked_at_without_a_new_definition(tell, put):
    put("otel/a.jsonl", span(1, "cart", {"acme.size": "3"}))
    told = tell("otel", inbox=put("otel/b.jsonl", span(2, "cart", {"acme.size": "4"})))
    assert set(told.files) == {"policies/fields/otel.yml", "policies/owners.yml"}
    assert "acme.size: keep" in told.files["policies/fields/otel.yml"]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/nowhere/at/all", "no such folder or file"),
        ("otell", "did you mean otel?"),
        ("zendesk", "no file in .* matches its folder and patterns"),
    ],
)
def test_a_target_that_is_not_there_is_told(tell, target, said):
    with pytest.raises(FeedbackError, match=said.replace("?", r"\?")):
        tell(target)


def test_a_folder_without_records_says_what_lies_there(tell, put, tmp_path):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UsageError, match="no file is there; give a folder with files"):
        tell(tmp_path / "nothing", "first")
    put("a.bin", b"\x00\x00")
    with pytest.raises(UsageError, match="2 files, none of which holds records that are not read yet"):
        tell(put("b.log", b"plain text\n"), "second")
    assert not (tmp_path / "second").exists()


def test_what_a_steward_has_decided_is_not_overwritten(tell, put, tmp_path):
    folder = put("otel/a.jsonl", span(1, "cart", {}))
    (tmp_path / "proposals").mkdir()
    (tmp_path / "proposals" / "mine.yml").write_text("a: 1")
    with pytest.raises(UsageError, match="holds files already"):
        tell(folder)
    assert [path.name for path in (tmp_path / "proposals").iterdir()] == ["mine.yml"]


def test_one_file_can_be_looked_at_alone(tell, put):
    put("otel/other.jsonl", span(1, "cart", {}))
    told = tell(put("otel/one.jsonl", span(2, "cart", {})) / "otel" / "one.jsonl")
    assert told.found.sources[0].source.files == Files(folder=".", patterns=("one.jsonl",))


def test_files_that_a_source_of_ones_own_reads_are_left_to_it(tell, put, tmp_path, monkeypatch):
    put("desk/a.csv", table(["Subject", "Status"], ["it is slow", "open"], ["it is slow again", "open"]))
    folder = put("otel/a.jsonl", span(1, "cart", {}))
    (tmp_path / "own" / "sources").mkdir(parents=True)
    mine = "description: d\ntype: csv\nsignals: [tickets]\nowner: o\npurpose: p\nfiles: {folder: desk}\n"
    (tmp_path / "own" / "sources" / "desk.yml").write_text(mine)
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path / "own"))
    told = tell(folder)
    assert [found.source.name for found in told.found.sources] == ["otel"]
    assert "read by your source desk already" in told.printed

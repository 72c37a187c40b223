"""A value that one text of a ticket, pull request or trace gives away is masked in all its texts, and in no other's."""

import polars as pl
import pytest

from governance.keys import Keyring
from governance.privacy import Anonymizer, PrivacyPolicy
from governance.privacy.threads import MENTIONS_SCHEMA, Known, name_spelt, spreads
from governance.signals import SIGNALS
from tests.unit.privacy.test_enforce import landing, pairs

LOGS = SIGNALS["logs"]


def bodies(policy: PrivacyPolicy, keys: Keyring, *rows: tuple[str | None, str]) -> list[str]:
    frame = landing("logs", *[{"trace_id": trace, "body": body} for trace, body in rows])
    return Anonymizer(policy, keys).anonymize(frame, LOGS).records["body"].to_list()


@pytest.mark.parametrize(
    ("found_in", "elsewhere", "trace_of_it"),
    [
        ("login=jdoe42 accepted", "retrying for jdoe42", "jdoe42"),
        ("login=jdoe42 accepted", "JDOE42: denied", "JDOE42"),
        ("my password is Tr0ub4dor&3 ok", "tried Tr0ub4dor&3 twice", "Tr0ub4dor"),
        ("passport no. C01X00T478", "copy of C01X00T478 attached", "C01X00T478"),
        ("first name: Zdenka, last name: Horáková", "Zdenka never answered, Horáková did", "Zdenka"),
        ("customer name: Zdenka Horáková", "Zdenka wrote; so did Horáková", "Horáková"),
    ],
)
def test_what_is_found_once_is_masked_wherever_its_thread_repeats_it(
    found_in, elsewhere, trace_of_it, policy, keys
) -> None:
    for rows in ([("t1", found_in), ("t1", elsewhere)], [("t1", elsewhere), ("t1", found_in)]):
        assert not any(trace_of_it in body for body in bodies(policy, keys, *rows))
    assert trace_of_it in "".join(bodies(policy, keys, ("t1", found_in), ("t2", elsewhere)))
    assert trace_of_it in "".join(bodies(policy, keys, (None, found_in), (None, elsewhere)))


def test_a_part_of_a_name_gets_the_pseudonym_of_the_whole(policy, keys) -> None:
    masked = bodies(policy, keys, ("t", "customer name: Zdenka Horáková"), ("t", "Zdenka wrote"))
    assert masked[1] == f"{keys.pseudonym('PERSON', 'zdenka horáková')} wrote"


def test_a_part_of_two_names_stands_for_itself(policy, keys) -> None:
    names = ("t", 'customer name: "Zdenka Horáková"'), ("t", 'customer name: "Pavel Horáková"')
    masked = bodies(policy, keys, *names, ("t", "Horáková wrote"))
    assert masked[2] == f"{keys.pseudonym('PERSON', 'horáková')} wrote"


def test_identities_of_fields_are_masked_in_the_texts_beside_them(policy, keys) -> None:
    row = {
        "ticket_id": "1",
        "requester": "Zdenka Horáková <zdenka@example.com>",
        "account_id": "acme-4711",
        "subject": "acme-4711 cannot pay",
        "description": "Thanks, Zdenka",
    }
    record = Anonymizer(policy, keys).anonymize(landing("tickets", row), SIGNALS["tickets"]).records.row(0, named=True)
    assert record["subject"] == f"{keys.pseudonym('ACCOUNT', 'acme-4711')} cannot pay"
    assert "Zdenka" not in record["description"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("nils.dubois@shop.example", "Nils Dubois"),
        ("Grace_Quiroga113@customer1.example.com", "Grace Quiroga"),
        ("ana.maria.silva+shop@example.com", "Ana Maria Silva"),
        # a role, a machine, one word, letters of which a name cannot be told
        ("service.team@shop.example", None),
        ("no.reply@shop.example", None),
        ("release-bot@shop.example", None),
        ("nils@shop.example", None),
        ("n.dubois@shop.example", None),
        ("10.0@shop.example", None),
    ],
)
def test_an_address_of_given_and_family_name_spells_the_name(address: str, name: str | None) -> None:
    assert name_spelt(address) == name


def test_the_name_an_address_of_the_thread_spells_is_masked_in_its_texts(policy, keys) -> None:
    rows = [
        {"ticket_id": "1", "author": "tove.karbe@shop.example", "body": "Asked the team."},
        {"ticket_id": "1", "author": "9001", "body": "all done.\n\nTove"},
        {"ticket_id": "2", "author": "9001", "body": "all done.\n\nTove"},
    ]
    signal = SIGNALS["ticket_events"]
    first, second, other = Anonymizer(policy, keys).anonymize(landing(signal.name, *rows), signal).records["body"]
    assert first == "Asked the team."
    assert second == f"all done.\n\n{keys.pseudonym('PERSON', 'tove karbe')}"
    assert other == "all done.\n\nTove"  # the model alone does not find it


def test_what_another_signal_and_day_of_the_thread_told_is_masked(policy, keys) -> None:
    anonymizer = Anonymizer(policy, keys)
    span = landing("spans", {"trace_id": "t1", "attributes": pairs(enduser__id="jdoe42")})
    known = anonymizer.mentions(span, SIGNALS["spans"])
    assert known.rows() == [("t1", "USER", "jdoe42")]
    logs = landing("logs", {"trace_id": "t1", "body": "cache miss for jdoe42"})
    masked = anonymizer.anonymize(logs, LOGS, known).records["body"][0]
    assert masked == f"cache miss for {keys.pseudonym('USER', 'jdoe42')}"


def test_a_pull_request_its_commits_and_reviews_are_one_thread(policy, keys) -> None:
    """Whichever of them tells a value, it has one stand-in in all of them; what is of no pull request has no thread."""
    anonymizer, thread = Anonymizer(policy, keys), {"pull_request_id": "shop/cart#7"}
    told = {
        "pull_requests": {**thread, "author": "tove.karbe@shop.example"},
        "commits": {**thread, "message": "retry; login=jdoe42 was refused"},
        "reviews": {**thread, "body": "my password is Tr0ub4dor&3 there"},
    }
    known = pl.concat([anonymizer.mentions(landing(name, row), SIGNALS[name]) for name, row in told.items()])
    tove, jdoe = keys.pseudonym("PERSON", "tove karbe"), keys.pseudonym("USER", "jdoe42")
    repeated = "try Tr0ub4dor&3 as jdoe42\n\nTove"
    for name, column in (("pull_requests", "description"), ("commits", "message"), ("reviews", "body")):
        frame = landing(name, {**thread, column: repeated}, {"pull_request_id": None, column: repeated})
        masked, other = anonymizer.anonymize(frame, SIGNALS[name], known).records[column]
        assert masked == f"try <SECRET:VALUE> as {jdoe}\n\n{tove}"
        assert other == repeated


def test_a_given_name_that_is_a_word_too_is_masked_as_it_was_written_alone(policy, keys) -> None:
    first, second = bodies(policy, keys, ("t1", "Hi Mark, it fails."), ("t1", "See the mark on it, says Mark."))
    token = keys.pseudonym("PERSON", "mark")
    assert (first, second) == (f"Hi {token}, it fails.", f"See the mark on it, says {token}.")


def test_a_text_with_too_many_mentions_is_held_and_never_onward(policy, keys) -> None:
    frame = landing(
        "logs", {"trace_id": "t1", "body": "login=jdoe42"}, {"trace_id": "t1", "body": "at=jdoe42; " * 10_001}
    )
    result = Anonymizer(policy, keys).anonymize(frame, LOGS)
    assert result.records.height == 1
    assert result.held["held_reason"].to_list() == ["body: could not be anonymised (TooManyFindings)"]


def test_a_status_stays_a_status_whatever_people_are_called(policy, keys) -> None:
    rows = [
        {"incident_id": "1", "status": "resolved", "agent": "resolved", "entry_text": "login=resolved"},
    ]
    records = Anonymizer(policy, keys).anonymize(landing("incidents", *rows), SIGNALS["incidents"]).records
    assert records["status"].to_list() == ["resolved"]


def test_the_order_of_records_and_mentions_changes_nothing(policy, keys) -> None:
    rows = [("t1", "login=jdoe42"), ("t1", "customer name: Ada King"), ("t1", "King jdoe42"), ("t2", "jdoe42")]
    assert bodies(policy, keys, *rows) == bodies(policy, keys, *rows[::-1])[::-1]


@pytest.mark.parametrize(
    ("entity", "value"),
    [
        ("USER", "root"),
        ("USER", "abc"),
        ("ACCOUNT", "8080"),
        ("PERSON", "First"),
        ("EMAIL", "a@b.co"),
        ("USER", "cart"),
    ],
)
def test_common_words_small_numbers_and_what_its_form_gives_away_are_not_looked_for(entity, value) -> None:
    assert not spreads(entity, value)


def test_a_value_inside_a_longer_word_is_another_value() -> None:
    mentions = pl.DataFrame([("t", "USER", "jdoe42")], schema=MENTIONS_SCHEMA, orient="row")
    known = Known(mentions, pl.Series(["t"]))
    mention = next(iter(known.beside(pl.Series(["t"]), pl.Series(["seen jdoe42"])).values()))[0]
    assert not mention.pattern.search("seen jdoe421")
    assert mention.pattern.search("id:jdoe42_x")

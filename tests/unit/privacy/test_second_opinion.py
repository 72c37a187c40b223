"""The second detector finds what is leaked on purpose, in the share it was leaked, and nothing in what is clean."""

import base64
import random
import time

import polars as pl
import pytest

from governance.privacy.policy import LeakCheck
from governance.privacy.second_opinion import LeakRate, second_opinion
from governance.signals import SIGNALS

WHOLE = LeakCheck(sample_size=10_000, max_leak_rate=0.002, confidence=0.99)
LOGS = SIGNALS["logs"]

# Put together here, so that nobody's scanner takes this file for a leak.
LEAKED = {
    "EMAIL_ADDRESS": "mail to jane.roe@gmail.com bounced",
    "CREDIT_CARD": "charged 4111 1111 1111 1111 twice",
    "IBAN_CODE": "refund to DE89370400440532013000",
    "IP_ADDRESS": "no route to 203.0.113.7",
    "IP_ADDRESS v6": "no route to 2001:db8:85a3::8a2e:370:7334",
    "MAC_ADDRESS": "lease for 3c:22:fb:9a:01:7e",
    "US_SSN": "ssn 536-90-4399",
    "UK_NINO": "nino AB123456C",
    "AWS Access Key": "key " + "AKIA" + "Q3EGRWJ5XTNVZ4PD",
    "GitHub Token": "push with " + "ghp_" + "a1B2c3D4" * 4 + "e5F6",
    "GitLab Token": "clone with " + "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "Stripe Access Key": "paid by " + "sk_live_" + "a1B2c3D4" * 3,
    "Slack Token": "post as " + "xoxb-" + "123456789012-123456789012-a1B2c3D4e5F6g7H8i9J0k1L2",
    "SendGrid API Key": "sent by "
    + "SG."
    + "a1B2c3D4e5F6g7H8i9J0k1"
    + "."
    + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V",
    "JSON Web Token": "got " + "eyJhbGciOiJIUzI1NiJ9" + "." + "eyJzdWIiOiI0NzExIn0" + ".c2lnbmF0dXJlLW9mLWl0",
    "Private Key": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEow",
    "Basic Auth Credentials": "pull https://jane:" + "hunter2" + "@git.example.com/a",
    "Secret Keyword": "login with password=" + "hunter2 and go on",
}
CLEAN = [
    "mail to email_ab12_0123456789abcdef bounced",
    "charged <CARD> twice; password=<SECRET:VALUE> user=user_ab12_0123456789abcdef",
    "pull https://<SECRET:CREDENTIALS>@git.example.com/a",
    "listening on 0.0.0.0:8080 and ::1, version 1.2.3.4-rc1 of org.apache.kafka",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/124.0.0.0 Safari/537.36",
    "password=null secret: none, api_key: true, db_key=4711",
    "REPORT : 7024 5015 150454 240",
    "attempt 127633188 of task 0x7f3a took 0.023958297 s",
    "order 4111111111111112 span 4111111111111111x at 2026-03-01T12:00:00Z",
    "node action start 1074125371, 2026-03-01 12:30:01,916 INFO [main] filter 'safety' added",
    "password: reset mail was sent to <EMAIL>, secret santa is on",
    "trace fe3974115b911675d0640788986f80c9 deployed a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
]


def logs(bodies):
    rows = [{"record_id": f"{number:08x}", "body": body} for number, body in enumerate(bodies)]
    return pl.DataFrame(rows, schema=LOGS.schema)


@pytest.mark.parametrize("share", [0.02, 0.3])
@pytest.mark.parametrize("entity", LEAKED)
def test_the_interval_contains_the_share_that_was_leaked(entity, share):
    chance = random.Random(f"{entity}{share}")
    bodies = [LEAKED[entity] if chance.random() < share else chance.choice(CLEAN[:3]) for _ in range(3_000)]
    true_share = bodies.count(LEAKED[entity]) / len(bodies)
    opinion = second_opinion(logs(bodies), LOGS, WHOLE.model_copy(update={"sample_size": 600}))
    assert opinion.rate.sampled == 600
    assert 0 < opinion.rate.low <= true_share <= opinion.rate.high
    assert set(opinion.leaks["entity"]) >= {entity.removesuffix(" v6")}


@pytest.mark.parametrize("text", CLEAN)
def test_nothing_is_found_in_what_is_clean(text):
    assert second_opinion(logs([text]), LOGS, WHOLE).leaks.rows() == []


@pytest.mark.parametrize("entity", LEAKED)
def test_every_leak_is_found_beside_what_was_replaced_and_far_into_a_long_text(entity):
    bodies = [f"{clean} {LEAKED[entity]}" for clean in CLEAN[:3]]
    bodies += ["word " * repeated + LEAKED[entity] for repeated in (330, 339, 341, 396, 401, 5_000)]
    assert second_opinion(logs(bodies), LOGS, WHOLE).rate.leaking == len(bodies)


@pytest.mark.parametrize(
    "hostile", ["a.", "a@", "1:", "4 ", "password=", "-----BEGIN ", "eyJ.", "://a:", "x" * 50 + "_"]
)
def test_a_text_made_to_backtrack_is_judged_in_time_and_to_its_end(hostile):
    text = (hostile * 262_144)[:250_000] + " " + LEAKED["EMAIL_ADDRESS"]
    started = time.process_time()
    assert second_opinion(logs([text]), LOGS, WHOLE).rate.leaking == 1
    assert time.process_time() - started < 2


def test_a_leak_is_reported_by_record_field_and_entity_alone():
    attributes = [{"key": "app.note", "value": "jane.roe@gmail.com"}, {"key": "bob@x.org", "value": "203.0.113.7"}]
    row = {"record_id": "00ff", "body": "fine", "attributes": attributes}
    leaks = second_opinion(pl.DataFrame([row], schema=LOGS.schema), LOGS, WHOLE).leaks
    assert leaks.rows() == [
        ("00ff", "attributes.(malformed key)", "IP_ADDRESS"),
        ("00ff", "attributes.app.note", "EMAIL_ADDRESS"),
    ]


def test_ids_that_joins_need_are_no_text():
    row = {"record_id": "4111111111111111", "trace_id": "4111111111111111", "span_id": "4111111111111111"}
    assert second_opinion(pl.DataFrame([row], schema=LOGS.schema), LOGS, WHOLE).rate.leaking == 0


def test_a_field_of_versions_holds_no_addresses():
    attributes = [{"key": "browser.version", "value": "124.0.0.1"}, {"key": "app.note", "value": "124.0.0.1"}]
    row = {"record_id": "00ff", "service_version": "1.2.3.4", "attributes": attributes}
    leaks = second_opinion(pl.DataFrame([row], schema=LOGS.schema), LOGS, WHOLE).leaks
    assert leaks["field"].to_list() == ["attributes.app.note"]


def test_the_same_records_in_another_order_give_the_same_sample():
    leaky = [f"to user{number}@gmail.com" for number in range(500)]
    frame, policy = logs(leaky), WHOLE.model_copy(update={"sample_size": 50})
    ids = {tuple(second_opinion(one, LOGS, policy).leaks["record_id"]) for one in (frame, frame.reverse())}
    assert len(ids) == 1
    assert len(ids.pop()) == 50


@pytest.mark.parametrize(
    ("leaking", "sampled", "low", "high"),
    [
        # Clopper and Pearson 1934, as R's binom.test gives them
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (1, 10, 0.002528579, 0.4450161),
        (3, 200, 0.003104108, 0.04320818),
    ],
)
def test_the_interval_is_clopper_and_pearsons(leaking, sampled, low, high):
    rate = LeakRate(leaking, sampled, 0.95)
    assert (rate.low, rate.high) == pytest.approx((low, high), rel=1e-5)


@pytest.mark.parametrize("before", ["", "x"], ids=["seen by the first detector", "seen by this one alone"])
def test_what_a_detector_of_others_cannot_take_counts_as_a_leak_and_stops_no_day(before):
    """detect-secrets reads a token's header as JSON, and gives up on deep nesting with RecursionError."""
    header = base64.urlsafe_b64encode(b'{"a":' + b"[" * 1_201).decode()
    found = second_opinion(logs([f"got {before}{header}.x y", "fine"]), LOGS, WHOLE)
    assert found.leaks.rows() == [("00000000", "body", "NOT_JUDGED")]

"""Landing records become anonymised ones: every row is accounted for, every column stands under a treatment."""

from datetime import UTC, datetime

import polars as pl
import pytest

from governance.errors import PolicyError
from governance.keys import Keyring
from governance.privacy import Anonymized, PrivacyPolicy, anonymize
from governance.signals import SIGNALS, as_resource, resource_entries

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def landing(signal: str, *rows: dict[str, object]) -> pl.DataFrame:
    common = {"record_id": "00ff", "event_at": NOON, "received_file": "bob.jsonl", "received_line": 1}
    return pl.DataFrame([common | row for row in rows], schema=SIGNALS[signal].landing_schema)


def pairs(**attributes: str | None) -> list[dict[str, str | None]]:
    return [{"key": key.replace("__", "."), "value": value} for key, value in attributes.items()]


def run(signal: str, policy: PrivacyPolicy, keys: Keyring, *rows: dict[str, object]) -> Anonymized:
    return anonymize(landing(signal, *rows), SIGNALS[signal], policy, keys)


@pytest.mark.parametrize("signal", SIGNALS)
def test_records_have_the_schema_of_their_signal_even_when_there_are_none(signal, policy, keys) -> None:
    for rows in ([], [{}], [{}, {}]):
        result = run(signal, policy, keys, *rows)
        assert result.records.schema == SIGNALS[signal].schema
        assert result.held.schema == {**SIGNALS[signal].landing_schema, "held_reason": pl.String()}
        assert result.records.height == len(rows)


def test_the_same_person_and_account_are_the_same_in_logs_spans_and_tickets(policy, keys) -> None:
    log = run("logs", policy, keys, {"body": "sent to Alice@example.com", "account_id": "acct-7"}).records
    span = run("spans", policy, keys, {"account_id": "acct-7", "attributes": pairs(enduser__id="alice@example.com")})
    ticket = run(
        "tickets", policy, keys, {"requester": "Alice Doe <alice@example.com>", "account_id": "acct-7"}
    ).records
    alice = keys.pseudonym("EMAIL", "alice@example.com")
    assert log["body"][0] == f"sent to {alice}"
    assert span.records["attributes"][0][0]["value"] == alice == ticket["requester"][0]
    account = keys.pseudonym("ACCOUNT", "acct-7")
    assert {log["account_id"][0], span.records["account_id"][0], ticket["account_id"][0]} == {account}


def test_join_keys_names_and_versions_stay(policy, keys) -> None:
    span = {
        "trace_id": "fe3974115b911675d0640788986f80c9",
        "span_id": "4111111111111111",  # passes Luhn, and is a span id all the same
        "service": "checkout",
        "service_version": "1.2.3.4",
        "operation": "hipstershop.ProductCatalogService/GetProduct",
        "feature_flag": "new-cart",
        "duration_ns": 4111111111111111,
    }
    row = run("spans", policy, keys, span).records.row(0, named=True)
    assert {name: row[name] for name in span} == span


def test_an_identifier_in_a_kept_column_is_replaced_all_the_same(policy, keys) -> None:
    row = run("spans", policy, keys, {"operation": "GET /u/bob@x.org", "service_version": "1.0-AKIAIOSFODNN7EXAMPLE"})
    assert row.records["operation"][0] == f"GET /u/{keys.pseudonym('EMAIL', 'bob@x.org')}"
    assert row.records["service_version"][0] == "1.0-<SECRET:VENDOR_KEY>"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("http.request.method", "GET", "GET"),
        ("http.request.header.authorization", "Bearer abc", None),
        ("http.request.header.x-anything", "abc", None),
        ("http.response.header.set-cookie", "a=b", None),
        ("url.full", "https://u:p@x.io/users/4711/o?tab=3#frag", "https://x.io/users/{id}/o?tab="),
        ("url.query", "email=bob@x.org&tab=1", "email=&tab="),
        ("http.target", "/product/OLJCESPC7Z", "/product/{id}"),
        ("db.statement", "SELECT a FROM t WHERE n='Bob' AND i=42", "SELECT a FROM t WHERE n=? AND i=?"),
        ("client.address", "203.0.113.7", "ip"),
        ("enduser.id", "4711", "user"),
        ("k8s.pod.name", "frontend-579b9bff58-t2dbm", "frontend-579b9bff58-t2dbm"),
        ("k8s.node.name", "33.33.33.167", "ip"),
        ("app.order.id", "4111111111111111", "<CARD>"),
        ("source.duration_us", "25", "25"),
        ("log.iostream", "stdout", "stdout"),
        ("app.user.email", "bob@x.org", "email"),
        ("app.session_id", "abc", None),
        ("exception.message", "no route to 203.0.113.7", "no route to ip"),
    ],
)
def test_attributes_are_treated_by_their_key(key, value, expected, policy, keys) -> None:
    attributes = run("spans", policy, keys, {"attributes": [{"key": key, "value": value}]}).records["attributes"][0]
    shown = [pair["value"] for pair in attributes.to_list()]
    if expected in ("ip", "user", "email", "no route to ip"):
        assert shown[0].startswith(f"{expected}_{keys.key_id}_")
    else:
        assert shown == ([] if expected is None else [expected])


def test_unknown_attributes_are_withheld_and_counted_without_naming_what_could_be_a_person(policy, keys) -> None:
    attributes = pairs(acme__thing="x", http__route="/a")
    odd = [
        {"key": "bob@x.org", "value": "1"},
        {"key": "app.4915112345678", "value": "1"},
        {"key": "k" * 200, "value": "1"},
        {"key": "app.AKIAIOSFODNNQEXAMPLE", "value": "1"},
    ]
    result = run(
        "logs", policy, keys, {"attributes": attributes}, {"attributes": attributes + odd}, {"attributes": None}
    )
    assert result.withheld_fields == {"acme.thing": 2, "(malformed key)": 4}
    assert result.records["attributes"].to_list() == [pairs(http__route="/a"), pairs(http__route="/a"), None]


RESOURCE = {"k8s.pod.name": "frontend-1", "host.name": "mail from bob@x.org", "acme.thing": "x", "host.mac": None}


def test_a_resource_is_treated_by_its_keys_and_counted_once_a_record(policy, keys) -> None:
    row = {"resource": as_resource(RESOURCE), "trace_id": None}
    result = run("spans", policy, keys, row, row, {"resource": None})
    told = dict(resource_entries(result.records["resource"][0]))
    assert told["k8s.pod.name"] == "frontend-1"
    assert told["host.name"] == f"mail from {keys.pseudonym('EMAIL', 'bob@x.org')}"
    assert "acme.thing" not in told
    assert result.records["resource"].to_list() == [as_resource(told), as_resource(told), None]
    assert result.withheld_fields == {"acme.thing": 2}
    counts = {(field, entity): count for field, entity, count, *_ in result.findings.iter_rows()}
    assert counts["attributes.host.name", "EMAIL"] == 2


@pytest.mark.parametrize("resource", ["bob@x.org", "[1]", '{"a": {"b": 1}}', '{"a": 1}'])
def test_a_resource_that_is_no_object_of_texts_holds_its_record(resource, policy, keys) -> None:
    result = run("logs", policy, keys, {"resource": resource}, {"resource": None})
    assert result.held["held_reason"].to_list() == ["resource: no JSON object of texts"]
    assert result.records.height == 1


def test_what_a_thread_is_known_to_hold_is_masked_in_the_resources_of_its_own_records_only(policy, keys) -> None:
    resource = as_resource({"exception.message": "laptop of jdoe4711", "k8s.pod.name": "p"})
    rows = [
        {"trace_id": "a" * 32, "resource": resource, "attributes": pairs(enduser__id="jdoe4711")},
        {"trace_id": "b" * 32, "resource": resource},
        {"trace_id": "a" * 32, "resource": as_resource({"host.name": "db"})},
    ]
    shown = run("spans", policy, keys, *rows).records["resource"].to_list()
    assert "jdoe4711" not in shown[0]
    assert resource_entries(shown[0])[1] == ("k8s.pod.name", "p")
    assert shown[1:] == [resource, as_resource({"host.name": "db"})]


def test_attributes_keep_their_order(policy, keys) -> None:
    attributes = pairs(
        thread__name="t", http__route="/a", code__function="f", exception__type="E", net__transport="tcp"
    )
    result = run("spans", policy, keys, {"attributes": attributes}, {"attributes": attributes[::-1]})
    assert result.records["attributes"].to_list() == [attributes, attributes[::-1]]


def test_a_text_that_cannot_be_judged_holds_its_record_raw_with_a_reason_and_nothing_else(policy, keys) -> None:
    long = "x" * (policy.longest_text + 1)
    rows = [{"body": "fine"}, {"body": long}, {"attributes": pairs(exception__message=long)}, {"body": "a@b.co"}]
    result = run("logs", policy, keys, *rows)
    assert result.records.height == 2
    assert result.held["held_reason"].to_list() == [
        "body: longer than 262144 characters",
        "attributes: longer than 262144 characters",
    ]
    assert result.held["body"][0] == long
    assert result.held["received_file"].to_list() == ["bob.jsonl", "bob.jsonl"]


def test_a_long_url_or_statement_is_held_too_not_cut(policy, keys) -> None:
    for key in ("url.full", "db.statement"):
        value = "/" + "x" * policy.longest_text
        assert run("spans", policy, keys, {"attributes": [{"key": key, "value": value}]}).held.height == 1


def test_replacements_are_counted_once_per_row(policy, keys) -> None:
    result = run("logs", policy, keys, *[{"body": "a@b.co", "account_id": "x"}] * 3)
    assert result.entities == {"ACCOUNT": 3, "EMAIL": 3}


def test_tags_are_scanned_one_by_one(policy, keys) -> None:
    rows = [{"tags": ["billing", "bob@x.org"]}, {"tags": []}, {"tags": None}]
    tags = run("tickets", policy, keys, *rows).records["tags"].to_list()
    assert tags == [["billing", keys.pseudonym("EMAIL", "bob@x.org")], [], None]


def test_a_body_of_json_text_stays_json(policy, keys) -> None:
    body = '{"message":"hi","session":"fbd160cc-2914-4dfc-bdc4-4291b4992581","password":"p\\"q","to":"bob@x.org"}'
    text = run("logs", policy, keys, {"body": body}).records["body"]
    decoded = text.str.json_decode(pl.Struct(dict.fromkeys(("session", "password", "to"), pl.String)))[0]
    email = keys.pseudonym("EMAIL", "bob@x.org")
    assert decoded == {"session": "<SECRET:SESSION>", "password": "<SECRET:VALUE>", "to": email}


def test_running_again_gives_the_same_records_in_the_same_order(policy, keys) -> None:
    rows = [
        {"record_id": f"{index:04x}", "body": f"user{index % 7}@x.org on 203.0.113.{index % 5}"} for index in range(200)
    ]
    assert run("logs", policy, keys, *rows).records.equals(run("logs", policy, keys, *rows).records)


def test_a_landing_frame_of_another_shape_is_refused(policy, keys) -> None:
    with pytest.raises(PolicyError, match="column body is missing"):
        anonymize(landing("logs", {}).drop("body"), SIGNALS["logs"], policy, keys)

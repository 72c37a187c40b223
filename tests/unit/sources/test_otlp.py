"""OTLP/JSON: what becomes a column, what is refused and why."""

import gzip
import json
from datetime import UTC, date, datetime

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

START = 1_780_000_000_123_456_789
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def attribute(key, value):
    return {"key": key, "value": {"stringValue": value}}


def span(**fields):
    times = {"startTimeUnixNano": str(START), "endTimeUnixNano": str(START + 5)}
    return {"traceId": TRACE, "spanId": SPAN, "name": "GET /", **times, **fields}


def traces(*spans, resource=None):
    resource = resource or {"attributes": [attribute("service.name", "checkout")]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}


def logs(*records):
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}


def test_a_span_keeps_its_exact_times_and_its_version_time_dates_it(read):
    (row,) = read("otlp", traces(span())).rows("spans")
    assert (row["start_unix_nano"], row["duration_ns"]) == (START, 5)
    assert row["event_at"] == datetime(2026, 5, 28, 20, 26, 40, 123456, UTC)
    assert row["record_id"] == f"{TRACE}-{SPAN}"


def test_known_attributes_become_columns_and_are_not_kept_twice(read):
    own = [
        attribute("account.id", "a1"),
        attribute("app.account.plan", "pro"),
        attribute("feature_flag.key", "new-cart"),
    ]
    own += [attribute("feature_flag.variant", "on"), attribute("peer.service", "ledger"), attribute("http.route", "/")]
    (row,) = read("otlp", traces(span(kind=3, attributes=own))).rows("spans")
    lifted = ("service", "account_id", "account_plan", "feature_flag", "feature_variant", "dependency", "kind")
    assert [row[name] for name in lifted] == ["checkout", "a1", "pro", "new-cart", "on", "ledger", "client"]
    assert row["attributes"] == {"http.route": "/"}


def test_what_a_resource_says_stands_once_and_what_a_record_took_of_it_is_not_kept_twice(read):
    resource = {"attributes": [attribute("service.name", "checkout"), attribute("k8s.pod.name", "checkout-1")]}
    spans = [span(), span(attributes=[attribute("service.name", "other"), attribute("http.route", "/")])]
    first, second = read("otlp", traces(*spans, resource=resource)).rows("spans")
    assert (first["service"], first["attributes"]) == ("checkout", {})
    assert first["resource"] == '{"k8s.pod.name":"checkout-1"}'
    assert (second["service"], second["attributes"]) == ("other", {"http.route": "/"})
    assert second["resource"] == '{"k8s.pod.name":"checkout-1","service.name":"checkout"}'


def test_a_resource_without_anything_left_is_null(read):
    (row,) = read("otlp", traces(span())).rows("spans")
    assert row["resource"] is None


@pytest.mark.parametrize("records", [1, 3, 7])
def test_the_records_of_a_line_share_its_bytes(read, records):
    line = traces(*(span(spanId=f"{number:016x}") for number in range(1, records + 1)))
    lines = [orjson.dumps(line), orjson.dumps(traces(span()))]
    shares = [row["raw_bytes"] for row in read("otlp", b"\n".join(lines)).rows("spans")]
    assert (sum(shares[:-1]), shares[-1]) == (len(lines[0]), len(lines[1]))
    assert max(shares[:-1]) - min(shares[:-1]) <= 1


def test_a_server_span_calls_nobody(read):
    (row,) = read("otlp", traces(span(kind=2, attributes=[attribute("server.address", "here")]))).rows("spans")
    assert row["dependency"] is None
    assert row["attributes"] == {"server.address": "here"}


def test_a_steward_lifts_attributes_of_their_own_before_the_usual_ones(read):
    own = [attribute("account.id", "usual"), attribute("acme.customer", "ours")]
    (row,) = read("otlp", traces(span(attributes=own)), columns={"account_id": ["acme.customer"]}).rows("spans")
    assert row["account_id"] == "ours"
    assert row["attributes"] == {"account.id": "usual"}


def test_an_exception_event_becomes_attributes(read):
    event = {"name": "exception", "attributes": [attribute("exception.type", "IOError")]}
    (row,) = read("otlp", traces(span(events=[event], status={"code": 2, "message": "no"}))).rows("spans")
    assert row["attributes"] == {"event.name": "exception", "event.exception.type": "IOError"}
    assert (row["status"], row["status_message"]) == ("error", "no")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"intValue": "9007199254740993"}, "9007199254740993"),
        ({"intValue": 9007199254740993}, "9007199254740993"),
        ({"boolValue": True}, "true"),
        ({"doubleValue": "NaN"}, "NaN"),
        ({"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}}, '["1","x"]'),
        ({"kvlistValue": {"values": [{"key": "n", "value": {"stringValue": "v"}}]}}, '{"n":"v"}'),
        ({"stringValue": "a\x00b"}, "ab"),
        ({"stringValue": "x" * 70_000}, "x" * 65_536 + " [truncated]"),
        ({}, None),
    ],
)
def test_attribute_values_become_text(read, value, text):
    (row,) = read("otlp", traces(span(attributes=[{"key": "k", "value": value}]))).rows("spans")
    assert row["attributes"] == {"k": text}


@pytest.mark.parametrize("number", ["seven", "", "1.5", "\u0661\u0662"])
def test_an_integer_that_is_none_refuses_its_span(read, number):
    received = read("otlp", traces(span(attributes=[{"key": "k", "value": {"intValue": number}}])))
    assert received.rows("spans") == []
    assert received.reasons == ["intValue has the wrong type"]


def test_a_key_is_kept_as_a_database_can_store_it(read):
    (row,) = read("otlp", traces(span(attributes=[attribute("a\x00b", "v")]))).rows("spans")
    assert row["attributes"] == {"ab": "v"}


def test_a_span_without_a_service_is_of_the_unknown_service(read):
    (row,) = read("otlp", traces(span(), resource={"attributes": []})).rows("spans")
    assert row["service"] == "unknown_service"


@pytest.mark.parametrize(
    ("record", "severity"),
    [
        ({"severityNumber": 17, "severityText": "info"}, (17, "ERROR")),  # the number wins
        ({"severityText": "error"}, (None, "ERROR")),
        ({"severityText": "Warning"}, (None, "WARN")),
        ({"severityNumber": "SEVERITY_NUMBER_WARN2"}, (14, "WARN")),
        ({"severityNumber": 99}, (99, "UNSET")),  # for the gate to see
        ({}, (None, "UNSET")),
    ],
)
def test_a_severity_is_one_of_six_or_unset(read, record, severity):
    (row,) = read("otlp", logs({"timeUnixNano": str(START), **record})).rows("logs")
    assert (row["severity_number"], row["severity"]) == severity


def test_a_log_without_time_was_observed_at_one(read):
    (row,) = read("otlp", logs({"timeUnixNano": "0", "observedTimeUnixNano": START})).rows("logs")
    assert row["time_unix_nano"] == START


def test_equal_raw_logs_have_one_id_and_different_ones_have_two(read):
    one, other = ({"timeUnixNano": str(START), "body": {"stringValue": body}} for body in ("a", "b"))
    ids = [row["record_id"] for row in read("otlp", logs(one, one, other)).rows("logs")]
    assert ids[0] == ids[1] != ids[2]
    assert all(len(record_id) == 32 for record_id in ids)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"traceId": "W47/95gDgQPSabYzgT/GDA=="}, "traceId is not 32 hex digits"),
        ({"traceId": "0" * 32}, "traceId is missing or zero"),
        ({"startTimeUnixNano": 1.78e18}, "startTimeUnixNano has the wrong type"),
        ({"startTimeUnixNano": "1780000000"}, "startTimeUnixNano is out of range"),
        ({"endTimeUnixNano": str(START - 1)}, "endTimeUnixNano is before startTimeUnixNano"),
        ({"startTimeUnixNano": "1790000000000000000"}, "startTimeUnixNano is out of range"),  # after the pull
        ({"name": 7}, "name has the wrong type"),
        ({"kind": 2**31}, "kind is no enum value"),  # of 32 bits
        ({"attributes": [{"key": "k", "value": {"stringValue": 7}}]}, "stringValue has the wrong type"),
    ],
)
def test_a_bad_span_goes_alone_and_says_why(read, bad, reason):
    said = read("otlp", traces(span(**bad), span()))
    assert len(said.rows("spans")) == 1
    assert said.reasons == [reason]


def test_what_cannot_be_read_counts_on_the_day_of_the_good_record_before_it_else_behind_it(read):
    next_day = span(startTimeUnixNano=str(START + 86_400 * 10**9), endTimeUnixNano=str(START + 86_400 * 10**9))
    lines = [b"{first", orjson.dumps(traces(span())), b"{second", orjson.dumps(traces(next_day)), b"{third"]
    said = read("otlp", b"\n".join(lines))
    days = [date(2026, 5, 28), date(2026, 5, 28), date(2026, 5, 29)]
    assert said.malformed["event_date"].to_list() == days
    assert said.malformed["signal"].unique().to_list() == ["spans"]
    assert said.malformed["line"].to_list() == [1, 3, 5]


def test_a_file_without_a_good_record_counts_on_the_day_of_the_pull(read):
    said = read("otlp", b"<html>\n", signals=("logs",))
    assert said.malformed.select("signal", "event_date", "reason").rows() == [
        ("logs", date(2026, 6, 1), "invalid JSON")
    ]


@pytest.mark.parametrize(
    "content",
    [
        orjson.dumps(traces(span())),
        gzip.compress(orjson.dumps(traces(span()))),
        b"\xef\xbb\xbf" + orjson.dumps(traces(span())) + b"\r\n\r\n",
        orjson.dumps(traces(span()), option=orjson.OPT_INDENT_2),
        orjson.dumps([traces(span())]),
        orjson.dumps(traces(span())).replace(b"GET /", rb"GET \ud83d"),  # a lone surrogate
    ],
    ids=["plain", "gzip under another name", "bom and crlf", "over many lines", "array", "lone surrogate"],
)
def test_one_request_is_read_however_it_is_written(read, content):
    said = read("otlp", content)
    assert len(said.rows("spans")) == 1
    assert said.reasons == []


@pytest.mark.parametrize(
    ("encoded", "shown"),
    [
        ("am9lQGV4YW1wbGUuY29t", "joe@example.com"),
        ("aGk=", "hi"),
        ("aGk", "hi"),
        ("bGluZQpsaW5l", "line\nline"),
        ("w7_Dvw", "ÿÿ"),
        ("/////w==", "(4 bytes)"),
        ("AAEC", "(3 bytes)"),
        ("", None),
    ],
)
def test_bytes_are_read_as_the_text_that_they_are(read, encoded, shown):
    said = read("otlp", orjson.dumps(traces(span(attributes=[{"key": "k", "value": {"bytesValue": encoded}}]))))
    assert said.rows("spans")[0]["attributes"] == {"k": shown}


def test_bytes_that_are_no_base64_are_set_aside(read):
    said = read("otlp", orjson.dumps(traces(span(attributes=[{"key": "k", "value": {"bytesValue": "?"}}]))))
    assert said.reasons == ["bytesValue is not base64"]


VALUES = st.one_of(
    st.builds(lambda text: {"stringValue": text}, st.text(max_size=8)),
    st.builds(lambda number: {"intValue": number}, st.integers(-(2**63), 2**63 - 1) | st.integers(0, 99).map(str)),
    st.builds(lambda number: {"doubleValue": number}, st.floats(allow_nan=False, allow_infinity=False)),
    st.builds(lambda flag: {"boolValue": flag}, st.booleans()),
    st.just({"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "1"}]}}),
    st.sampled_from([None, {}, {"stringValue": 7}, {"intValue": "seven"}, {"bytesValue": "aGk="}]),
    st.sampled_from([{"stringValue": text} for text in ("", " ", "\x1c", "x" * 70_000)]),
)
KEYS = st.sampled_from(
    ["k", "service.name", "account.id", "peer.service", "feature_flag.key", "\x00k", "db.system", "k" * 70_000]
)
LISTS = st.lists(st.builds(lambda key, value: {"key": key, "value": value}, KEYS, VALUES), max_size=5)
SPANS = st.builds(
    lambda attributes, more: span(attributes=attributes, **more),
    LISTS,
    st.fixed_dictionaries(
        {},
        optional={
            "traceId": st.sampled_from([TRACE, TRACE.upper(), "0" * 32, "", "x", None]),
            "kind": st.sampled_from([1, 3, "SPAN_KIND_CLIENT", "2", 99, None, "no kind", 1.5]),
            "status": st.sampled_from(
                [None, {}, {"code": 2, "message": "no"}, {"code": "STATUS_CODE_OK"}, {"code": 7}]
            ),
            "events": st.lists(st.builds(lambda own: {"name": "exception", "attributes": own}, LISTS), max_size=2),
            "startTimeUnixNano": st.sampled_from([START, str(START), None, -1, "soon"]),
        },
    ),
)


NESTED: object = "x"
for _ in range(300):
    NESTED = [NESTED]
TIMES = st.sampled_from([START, str(START), "0", 0, "", None, -1, "soon", "1" * 19, str(2**64), True])
LOGS = st.builds(
    lambda attributes, more: {"timeUnixNano": str(START), "attributes": attributes, **more},
    LISTS,
    st.fixed_dictionaries(
        {},
        optional={
            "timeUnixNano": TIMES,
            "observedTimeUnixNano": TIMES,
            "severityNumber": st.sampled_from(
                [1, 9, 24, 0, 25, -1, "17", "SEVERITY_NUMBER_WARN2", None, 1.5, 10**30, 2**63]
            ),
            "severityText": st.sampled_from(["warning", " Error ", "", "?", None, 7]),
            "body": VALUES | st.sampled_from([{"stringValue": " "}, {"stringValue": "x" * 70_000}, "text"]),
            "traceId": st.sampled_from([TRACE, TRACE.upper(), "0" * 32, "", " ", "x", None, 7]),
            "spanId": st.sampled_from([SPAN, SPAN.upper(), "0" * 16, "", "?", None, ["x"]]),
            "other": st.sampled_from([1e400, 2**70, "\ud83d\ude00", NESTED]),  # of no column, and part of the id
        },
    ),
)
RESOURCES = st.builds(lambda attributes: {"attributes": attributes}, LISTS) | st.sampled_from([None, {}, [], {"a": 1}])
BLOCKS = st.lists(
    st.tuples(RESOURCES, st.sampled_from([None, {"name": "lib"}, {"name": 7}, 0])), min_size=1, max_size=2
)
REQUESTS = st.one_of(
    st.builds(
        lambda blocks, records: {
            "resourceSpans": [
                {"resource": resource, "scopeSpans": [{"scope": scope, "spans": records}, {"spans": records[:1]}]}
                for resource, scope in blocks
            ]
        },
        BLOCKS,
        st.lists(SPANS, max_size=4),
    ),
    st.builds(
        lambda blocks, records: {
            "resourceLogs": [
                {"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": records}, {}]}
                for resource, scope in blocks
            ]
        },
        BLOCKS,
        st.lists(LOGS, max_size=4),
    ),
    st.sampled_from([{}, {"resourceLogs": None}, {"resourceSpans": [], "resourceLogs": []}, {"resourceMetrics": []}]),
)


@given(st.lists(REQUESTS, min_size=1, max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_request_says_the_same_whether_it_is_read_as_a_whole_or_taken_apart(read, requests):
    content = "\n".join(json.dumps(request, ensure_ascii=False) for request in requests).encode(errors="surrogatepass")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("orchestration.sources.otlp_attributes._KEYS_A_WORD", 2)  # or one number tells of all of these
        whole = read("otlp", content)
        patched.setattr("orchestration.sources.otlp.export_request", lambda line: None)
        apart = read("otlp", content)
    for signal in ("spans", "logs"):
        assert whole.rows(signal) == apart.rows(signal)
    assert whole.malformed.equals(apart.malformed)


def test_usual_records_are_read_as_a_whole(read, monkeypatch):
    refuse = lambda self, record, origin: pytest.fail("read alone")  # noqa: E731
    for columns in ("otlp_spans.SpanColumns", "otlp_logs.LogColumns"):
        monkeypatch.setattr(f"orchestration.sources.{columns}.alone", refuse)
    record = {"timeUnixNano": str(START), "severityNumber": 9, "body": {"stringValue": "started"}, "traceId": TRACE}
    said = read("otlp", b"\n".join(map(orjson.dumps, [traces(span(kind=3)), logs(record, record), traces(span())])))
    assert (len(said.rows("spans")), len(said.rows("logs"))) == (2, 2)


def test_a_long_file_comes_in_bounded_batches(read, monkeypatch):
    monkeypatch.setattr("orchestration.sources.connector.BATCH_RECORDS", 10)
    lines = [orjson.dumps(traces(*(span(spanId=f"{line:08x}{n:08x}") for n in range(1, 5)))) for line in range(10)]
    said = read("otlp", b"\n".join(lines))
    assert max(batch.records["spans"].height for batch in said.batches if batch.records) == 12  # whole lines
    assert len(said.rows("spans")) == 40

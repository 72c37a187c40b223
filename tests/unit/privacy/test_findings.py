"""What was found is counted by field and entity; no value is kept."""

import polars as pl

from governance.privacy import Anonymizer, anonymize
from governance.privacy.findings import FINDINGS_SCHEMA
from governance.privacy.threads import MENTIONS_SCHEMA
from governance.signals import SIGNALS


def counted(signal, policy, keys, *rows, known=()):
    made = [{"record_id": f"{number:04x}", "received_file": "f", **row} for number, row in enumerate(rows)]
    frame = pl.DataFrame(made, schema=SIGNALS[signal].landing_schema)
    mentions = pl.DataFrame(known, MENTIONS_SCHEMA, orient="row")
    findings = anonymize(frame, SIGNALS[signal], policy, keys, mentions).findings
    assert findings.schema == FINDINGS_SCHEMA
    return findings.rows()


def pair(key, value):
    return {"key": key, "value": value}


def test_findings_are_counted_by_field_and_entity_once_per_row(policy, keys):
    rows = counted("logs", policy, keys, *[{"body": "a@b.co to c@d.co", "account_id": "x"}] * 3, {"body": "fine"})
    assert rows == [("account_id", "ACCOUNT", 3, 0, 3), ("body", "EMAIL", 6, 0, 4)]


def test_each_attribute_is_a_field_of_its_own_though_a_treatment_has_many(policy, keys):
    attributes = [pair("app.note", "from 203.0.113.7"), pair("app.other", "fine"), pair("error.text", "a@b.co")]
    rows = counted("logs", policy, keys, {"attributes": attributes}, {"attributes": attributes[:2]})
    assert rows == [("attributes.app.note", "IP", 2, 0, 2), ("attributes.error.text", "EMAIL", 1, 0, 1)]


def test_what_the_thread_gave_away_is_counted_apart(policy, keys):
    known = [("7", "USER", "jdoe42")]
    texts = [{"ticket_id": "7", "body": "jdoe42 and JDOE42 wait"}, {"ticket_id": "7", "body": "jdoe42 and JDOE42 wait"}]
    rows = counted("ticket_events", policy, keys, *texts, {"ticket_id": "8", "body": "jdoe42"}, known=known)
    assert rows == [("body", "USER", 0, 4, 3)]


def test_withheld_values_are_a_kind_of_their_own_and_name_nobody(policy, keys):
    attributes = [pair("acme.thing", "x"), pair("bob@x.org", "1"), pair("eve@x.org", "2")]
    rows = counted("logs", policy, keys, {"attributes": attributes}, {"attributes": attributes[:1]})
    assert rows == [
        ("attributes.(malformed key)", "WITHHELD", 2, 0, 2),
        ("attributes.acme.thing", "WITHHELD", 2, 0, 2),
    ]


def test_planted_records_at_the_end_go_the_same_way_and_are_not_counted(policy, keys):
    unknown, mail = pair("acme.thing", "x"), pair("app.note", "a@b.co")
    row = {"ticket_id": "7", "description": "jdoe42 of 203.0.113.7", "attributes": [unknown, mail], "tags": ["c@d.co"]}
    frame = pl.DataFrame([row, row, row], schema=SIGNALS["tickets"].landing_schema)
    known = pl.DataFrame([("7", "USER", "jdoe42")], MENTIONS_SCHEMA, orient="row")
    result = Anonymizer(policy, keys).anonymize(frame, SIGNALS["tickets"], known, planted=2)
    assert result.findings.rows() == [
        ("attributes.acme.thing", "WITHHELD", 1, 0, 1),
        ("attributes.app.note", "EMAIL", 1, 0, 1),
        ("description", "IP", 1, 0, 1),
        ("description", "USER", 0, 1, 1),
        ("tags", "EMAIL", 1, 0, 1),
    ]
    assert result.withheld_fields == {"acme.thing": 1}
    assert result.records["description"].n_unique() == 1


def test_tags_are_counted_one_by_one(policy, keys):
    assert counted("tickets", policy, keys, {"tags": ["billing", "bob@x.org"]}) == [("tags", "EMAIL", 1, 0, 2)]

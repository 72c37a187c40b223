"""Shapes say what values look like, proposals what to do about it."""

import time

import pytest

from orchestration.discovery.proposing import propose
from orchestration.discovery.shapes import form_of, shapes_of


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("", "empty"),
        ("true", "true or false"),
        ("4711", "number"),
        ("3.14", "decimal"),
        ("bob@example.com", "e-mail"),
        ("203.0.113.7", "IP address"),
        ("2001:db8::1", "IP address"),
        ("00:1b:63:84:45:e6", "MAC"),
        ("fbd160cc-2914-4dfc-bdc4-4291b4992581", "uuid"),
        ("deadbeef01", "hex"),
        ("2026-03-01T12:00:00Z", "time"),
        ("https://example.com/a", "URL"),
        ("/cart/checkout", "path"),
        ("+49 30 123456", "phone"),
        ('{"a": 1}', "JSON"),
        ("checkout", "word"),
        ("com.acme.Cart", "dotted name"),
        ("12-xy_9", "code"),
        ("two words", "text"),
    ],
)
def test_a_value_has_one_form(value, form):
    assert form_of(value) == form


@pytest.mark.parametrize(
    "value", [f"Title{'-' * 4000} of it", f"a{'.a' * 2000}!", "a@" * 2000, f"[{']' * 4000}x", f"{'1.' * 2000}x y"]
)
def test_the_form_of_a_long_value_takes_no_time(value):
    started = time.process_time()
    assert form_of(value) == "text"
    assert time.process_time() - started < 0.5


def test_shapes_tell_shares_and_ranges_but_no_value():
    told = shapes_of({"bob@example.com": 2, "4711": 2, "471112": 1}).described()
    assert told == "number 4-6 digits 60 %, e-mail 40 %; 60 % distinct; length 4-15"


@pytest.mark.parametrize(
    ("key", "values", "entities", "signal", "treatment"),
    [
        ("acme.mail", ["a@x.org", "b@x.org"], {"EMAIL": 2}, "logs", "pseudonymise EMAIL"),
        ("acme.peer", ["10.0.0.1"], {}, "logs", "pseudonymise IP"),
        ("acme.conf", ["password=hunter2", "x"], {"SECRET:VALUE": 1}, "logs", "drop"),
        ("acme.who", ["Jane", "Bob"], {"PERSON": 2}, "logs", "pseudonymise USER"),
        ("acme.note", ["it is slow today"], {}, "logs", "scan"),
        ("acme.note", ["it is slow today"], {}, "tickets", "scan prose"),
        ("acme.page", ["/a/1", "/a/2"], {}, "spans", "url"),
        ("acme.member_id", ["48213", "48214"], {}, "spans", "pseudonymise ACCOUNT"),
        ("acme.items", ["1", "12"], {}, "spans", "keep"),
        ("acme.digest", ["deadbeef01"], {}, "spans", "id"),
        ("acme.colour", ["red", "green"], {}, "spans", "scan"),
        ("acme.serial", ["481516", "234216"], {}, "spans", "scan"),
    ],
)
def test_an_unknown_field_is_proposed_with_the_treatment_its_values_ask_for(key, values, entities, signal, treatment):
    proposal, reason = propose(key, shapes_of(dict.fromkeys(values, 1)), entities, signal=signal)
    assert str(proposal) == treatment
    assert reason
    assert not any(value in reason for value in values)

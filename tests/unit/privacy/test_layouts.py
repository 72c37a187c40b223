"""Each type of identifier is masked in every layout in which systems and people write it; technical text is not."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

import pytest

from governance.keys import Keyring
from governance.privacy.fields import Treatments
from governance.privacy.patterns import load_patterns
from governance.privacy.policy import PrivacyPolicy, Treatment
from governance.privacy.recognizer import StructuredRecognizer
from tests.bench.kinds import KINDS
from tests.bench.layouts import LAYOUTS, Case, cases
from tests.bench.measure import is_masked
from tests.bench.stock import Stock
from tests.bench.texts import technical_lines
from tests.bench.unseen import unseen_cases

RECOGNIZER = StructuredRecognizer(load_patterns())


def _recall(corpus: Iterable[Case]) -> dict[str, float]:
    masked: dict[str, list[bool]] = defaultdict(list)
    for case in corpus:
        found = [(one.start, one.end) for one in RECOGNIZER.find(case.text)]
        masked[case.type].append(is_masked(found, case.start, case.end))
    return {kind: sum(results) / len(results) for kind, results in masked.items()}


@pytest.mark.parametrize(
    "corpus", [cases(seed=7, repeats=4), unseen_cases(seed=8, repeats=6)], ids=["layouts", "unseen"]
)
def test_recall_of_each_type_over_all_layouts_is_at_least_99_percent(corpus: Iterator[Case]) -> None:
    recall = _recall(corpus)
    assert set(recall) == set(KINDS)
    assert {kind: share for kind, share in recall.items() if share < 0.99} == {}


def test_recall_of_no_type_is_below_that_of_stock_presidio() -> None:
    stock = Stock()
    sample = [case for kind in KINDS for case in islice(cases(9, 1, {kind: KINDS[kind]}), 0, None, 8)]
    theirs: dict[str, list[bool]] = defaultdict(list)
    for case in sample:
        found = [(start, end) for start, end, _ in stock.spans(case.text)]
        theirs[case.type].append(is_masked(found, case.start, case.end))
    ours = _recall(sample)
    assert {kind for kind, masked in theirs.items() if ours[kind] < sum(masked) / len(masked)} == set()


def test_the_corpus_says_where_a_value_is() -> None:
    made = list(cases(seed=3, repeats=1))
    assert {case.layout for case in made} == set(LAYOUTS)
    assert all(0 <= case.start < case.end <= len(case.text) for case in made)
    assert all(case.text[case.start - 1] == '"' for case in made if case.layout == "json" and case.type == "email")


def test_made_up_technical_lines_without_personal_data_stay_as_they_are() -> None:
    lines = technical_lines(seed=5, count=2_000)
    assert [line for line in lines if RECOGNIZER.find(line)] == []


# what a secret or identifier is written in, and what of it must not stay
HARD = [
    (json.dumps({"body": json.dumps({"password": 'a"b\\c,d'})}), "c,d"),  # quotes and backslashes, escaped twice
    (json.dumps({"a": json.dumps({"b": json.dumps({"password": "abc,d ef"})})}), "d ef"),  # JSON in JSON in JSON
    ("<password>a&amp;bcd&lt;ef</password>", "bcd"),
    ("password: hunter2, user: bob", "hunter2"),
    ("Password for user bob: hunter2!", "hunter2"),
    ("client-key-data: " + "LS0tLS1CRUdJTiBS" * 100, "LS0t"),  # longer than any key, all of it
    ("machine db login app password x9-y", "x9-y"),
    ('{"user":{"plan":"pro","id":4711}}', "4711"),
    ('{"user":{"id":4711,"name":"bobby"}}', "bobby"),
    ('{"attributes":[{"key":"customer.id","value":{"stringValue":"c-4711"}}]}', "4711"),  # OTLP
    ('{"card":{"number":4111111111111111.0}}', "4111"),
    ("pan 4111111111111111.0", "4111"),
    ("host=Alices-MacBook-Pro.local", "Alices"),
    ("seen Alices-MacBook-Pro", "Alices"),
    ("mac=3ec8d5dfb559", "3ec8"),
    ("write to alice [at] example [dot] com", "alice"),
    ("at 52°31'12\"N 13°24'18\"E", "24'18"),
    ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGx0kqXYZabcdef alice@laptop", "AAAAC3"),
]


@pytest.mark.parametrize(("text", "trace"), HARD)
def test_no_part_of_a_value_in_a_difficult_spelling_stays(text: str, trace: str) -> None:
    found = RECOGNIZER.find(text)
    left = "".join(
        character for place, character in enumerate(text) if not any(one.start <= place < one.end for one in found)
    )
    assert trace not in left


@pytest.mark.parametrize(
    "text",
    [
        'secrets "default-token" is forbidden, secretName: db-creds, secret_name=db-creds',
        "SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
        "next_page_token: 17, max_tokens=4096, session_timeout=300000, session: 17 opened",
        "compass: north, bypass: always, passed=12, pass: 17, password_policy=strong",
        "account 12 of 13, customer is new, patient zero, employee of the month 2023",
        "mapping: 1234, version: 12345, zip: 12345 bytes, latency=12.345, sin=0.123456",
        "order_id=12345678, routing key=orders.created, position 3 of 12",
        "Chrome/30.0.0.0 Safari/537.36, app-1.2.3.4.jar, kernel-2.6.18-8.1.el5.x86_64",
        "blk_6479456864794568 and blk_-6479456864794568 are added",
        '{"service":{"name":"cart","id":7},"password":"[FILTERED]","token":"***"}',
        "com.example.internal.api.Handler, svc.cluster.local, us.gcr.io/shop/cart",
    ],
)
def test_words_and_numbers_that_only_look_like_identifiers_stay(text: str) -> None:
    assert [text[one.start : one.end] for one in RECOGNIZER.find(text)] == []


@pytest.mark.parametrize("action", ["keep", "scan"])
@pytest.mark.parametrize(
    "number", [4111111111111111, 371449635398431, 6011000990139424, 4111111111111111.0, "+14155550132"]
)
def test_a_number_in_a_field_is_masked_like_one_in_a_text(
    action: str, number: object, policy: PrivacyPolicy, keys: Keyring
) -> None:
    value = str(number)
    treated = Treatments(policy, keys).apply([value], Treatment(action=action))[value]
    assert treated.text is not None
    assert value.split(".")[0] not in treated.text


@pytest.mark.parametrize("value", ["200", "8080", "1661145496154660034", "12.5", "4111111111111112", "1700000000"])
def test_a_number_that_names_nobody_stays(value: str, policy: PrivacyPolicy, keys: Keyring) -> None:
    assert Treatments(policy, keys).apply([value], Treatment(action="keep"))[value].text == value

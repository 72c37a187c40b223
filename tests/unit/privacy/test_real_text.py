"""Measured on real and annotated text: what is found, and how little else is touched."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from governance.privacy.patterns import load_patterns
from governance.privacy.recognizer import StructuredRecognizer
from tests.bench.texts import lines_of_many_systems, log_lines
from tests.bench.truth import personal

REAL = Path(os.environ.get("FEEDBACK_REAL_DATA", "/nonexistent"))
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="FEEDBACK_REAL_DATA is not set: no real data to measure on")

# annotated type -> least share of its mentions replaced in full
LEAST_RECALL = {
    "EMAIL_ADDRESS": 0.99,
    "PHONE_NUMBER": 0.97,
    "IP_ADDRESS": 0.99,
    "MAC_ADDRESS": 0.99,
    "CREDIT_CARD": 0.99,
    "IBAN_CODE": 0.99,
    "SOCIAL_SECURITY_NUMBER": 0.97,  # the rest is spelt with letters for digits
    "US_SSN": 0.99,
    "API_KEY": 0.99,
    "PASSWORD": 0.99,
    "USERNAME": 0.99,
}


@pytest.fixture(scope="module")
def recognizer() -> StructuredRecognizer:
    return StructuredRecognizer(load_patterns())


@pytest.mark.deep
def test_annotated_identifiers_are_found_in_full(recognizer: StructuredRecognizer) -> None:
    mentions: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for path in sorted((REAL / "pii").glob("p*.jsonl")):
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            findings = recognizer.find(record["text"])
            for span in record["spans"]:
                mentions[span["type"]] += 1
                is_found = any(one.start <= span["start"] and one.end >= span["end"] for one in findings)
                found[span["type"]] += is_found
    recall = {entity: found[entity] / mentions[entity] for entity in LEAST_RECALL}
    assert {entity: share for entity, share in recall.items() if share < LEAST_RECALL[entity]} == {}


def test_hardly_a_character_that_is_not_personal_is_replaced_in_real_logs(recognizer: StructuredRecognizer) -> None:
    lines = [*lines_of_many_systems(3_000), *log_lines(1_000)]
    wrong = missed = personal_ones = 0
    for line in lines:
        replaced = {place for found in recognizer.find(line) for place in range(found.start, found.end)}
        truth = personal(line)
        wrong, missed = wrong + len(replaced - truth), missed + len(truth - replaced)
        personal_ones += len(truth)
    assert wrong <= 0.002 * sum(map(len, lines))
    assert missed <= 0.01 * personal_ones


def test_real_operation_names_are_left_alone(recognizer: StructuredRecognizer) -> None:
    with (REAL / "otlp/traces.jsonl").open(encoding="utf-8") as file:
        requests = [json.loads(line) for line, _ in zip(file, range(20), strict=False)]
    scopes = [scope for request in requests for spans in request["resourceSpans"] for scope in spans["scopeSpans"]]
    names = {span["name"] for scope in scopes for span in scope["spans"]}
    assert {name for name in names if recognizer.find(name)} == set()

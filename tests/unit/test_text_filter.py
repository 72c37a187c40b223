"""`feedback anonymize`: one answer a line, in order, with offsets into the input; what cannot be judged is held."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.keys import Keyring
from governance.privacy import load_privacy
from orchestration.text_filter import TextFilter

KEYS = Keyring(b"p" * 32, b"i" * 32)


def answers(*records, with_names=False):
    source = io.BytesIO(b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in records))
    target, lines = io.BytesIO(), TextFilter(load_privacy(), KEYS, with_names=with_names)
    lines.run(io.BufferedReader(source), target)
    return [json.loads(line) for line in target.getvalue().splitlines()]


def test_spans_are_offsets_into_the_input_text():
    text = "grüße 👋 user=bob from 203.0.113.9"
    (answer,) = answers({"id": "a", "kind": "log", "text": text})
    assert [(text[s["start"] : s["end"]], s["type"]) for s in answer["spans"]] == [
        ("bob", "USER"),
        ("203.0.113.9", "IP"),
    ]
    assert answer["id"] == "a"
    assert "bob" not in answer["text"]


def test_answers_come_in_the_order_of_the_lines_whatever_their_kind():
    kinds = ["log", "ticket", "attribute"] * 50
    given = [{"id": number, "kind": kind, "text": f"n{number}@x.org"} for number, kind in enumerate(kinds)]
    assert [answer["id"] for answer in answers(*given)] == list(range(150))


@pytest.mark.parametrize(
    ("line", "identity", "reason"),
    [
        (b"no json", None, "no JSON; expected {"),
        (b"[1]", None, "no JSON object; expected {"),
        (b"{" * 1_000_000, None, "no JSON; expected {"),
        ({"id": 3, "kind": "mail", "text": "x"}, 3, "`kind` is none of log, attribute, ticket"),
        ({"id": 4, "kind": "log"}, 4, "`text` is no text; expected {"),
        ({"id": 5, "kind": "log", "text": "x" * 10_000_000}, 5, "longer than 262144 characters"),
        (b'{"id": 6, "kind": "log", "text": "a@b.co \\ud800"}', 6, "could not be analysed (UnicodeEncodeError)"),
    ],
)
def test_what_cannot_be_judged_is_held_with_the_reason_and_the_next_line_is_answered(line, identity, reason):
    held, next_one = answers(line, {"id": "next", "kind": "log", "text": "a@b.co"})
    assert (held["id"], held["text"], held["spans"]) == (identity, None, [])
    assert held["held"].startswith(reason)
    assert next_one["id"] == "next"
    assert next_one["text"] == KEYS.pseudonym("EMAIL", "a@b.co")


def test_a_card_number_sent_as_a_number_is_masked():
    assert answers({"id": 1, "kind": "attribute", "text": 4111111111111111})[0]["text"] == "<CARD>"


def test_stock_presidio_loses_what_stands_behind_a_text_that_its_patterns_time_out_on():
    text = "a." * 10_000 + " http://example.com/?email=alice@example.com"
    (answer,) = answers({"id": 1, "kind": "log", "text": text})
    assert "alice" not in answer["text"]


pieces = st.sampled_from(
    ["a@b.co", "203.0.113.9", "user=bob", "４111 1111 1111 1111", "\u200b", "%40", "password=x1y2z3", "👋"]
)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(pieces, st.text(max_size=8)), max_size=12))
def test_the_text_is_the_input_with_the_spans_replaced(parts):
    text = " ".join(parts)
    (answer,) = answers({"id": 1, "kind": "ticket", "text": text})
    if answer["text"] is None:
        return
    position, rest = 0, answer["text"]
    for span in answer["spans"]:
        kept = text[position : span["start"]]
        assert rest.startswith(kept)
        rest = rest[len(kept) :]
        marker = f"<{span['type']}>"
        rest = rest[len(marker) :] if rest.startswith(marker) else rest[rest.index("_") + 22 :]
        position = span["end"]
    assert rest == text[position:]

"""What holds of every text, whatever is in it: the same alone and among others, once and twice, spans and all.

`make test` draws a few dozen texts for each property, `make test-deep` some hundreds.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from governance.keys import Keyring
from governance.privacy import Anonymizer, load_privacy
from governance.privacy.batch import Group
from governance.privacy.found import Found, Scanned
from governance.privacy.pseudonyms import stand_in
from governance.privacy.scanner import Scanner
from governance.signals import SIGNALS
from orchestration.text_filter import READINGS, TextFilter
from tests.bench.layouts import cases
from tests.unit.privacy.test_enforce import landing, pairs

POLICY, KEYS = load_privacy(), Keyring(b"p" * 32, b"i" * 32)
IDENTIFIERS = [case.text for case in cases(seed=11, repeats=1)]
PROSE = (
    "Hi Sarah,\n\nI spoke with Paweł Zieliński of Northwind Tools about order 4711.\n\nBest,\nOluwaseun Adebayo",
    "Our manager José Ibáñez asks me about it every day, please call +49 30 901820 or write to him in Berlin.",
    "The cart loses what I add since Monday. Thanks, Tove",
    "Dr. Jean-Pierre O'Connor-Müller (born 12 March 1979) cannot sign in, card 4111 1111 1111 1111 was charged twice.",
)
TECHNICAL = (
    "2026-03-01T12:00:00.123Z ERROR c.a.shop.Cart(Cart.java:88) user=jdoe42 from 203.0.113.7:443 took 12ms",
    '{"level":"info","msg":"login \\"bob_k\\" ok","session":"fbd160cc-2914-4dfc-bdc4-4291b4992581","cvv":672}',
    "GET /u/bob%40x.org?token=abc123def456 500 Authorization: Bearer 6c1f0e2a9b88",
    'ticket assigned to Katarzyna Wiśniewska, customer_name="Priya Raman"',
)
OWN = (KEYS.pseudonym("EMAIL", "a@b.co"), KEYS.pseudonym("PERSON", "jane doe"), "<CARD>", "<SECRET:VALUE>", "{id}")
ODD = (
    "\u200b",
    "\u202e",
    "٤٧١١",
    "４１１１",
    "é",
    "e\u0301",
    "👩‍👩‍👧",
    "\x00",
    "\x1e",
    "\\u0041",
    "%40",
    "\r\n",
    "\ufeff",
)

json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(IDENTIFIERS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["user", "password", "to", "n"]), inner)
    ),
    max_leaves=6,
).map(json.dumps)
pieces = st.one_of(
    st.sampled_from(IDENTIFIERS),
    st.sampled_from(PROSE + TECHNICAL),
    st.sampled_from(OWN + ODD),
    st.text(max_size=30),
    json_texts,
)
texts = st.lists(pieces, min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from(["", " ", "\n", ", "]).map(lambda between: between.join(parts))
)
readings = st.sampled_from(["structured", "technical", "prose"])


rows = st.lists(st.tuples(st.sampled_from(["t1", "t2", None]), texts), min_size=1, max_size=6)

EXAMPLES = pytest.mark.parametrize(
    "examples", [pytest.param(30, id="few"), pytest.param(500, id="many", marks=pytest.mark.deep)]
)


def check(holds: Callable[..., None], examples: int, *drawn: st.SearchStrategy[object]) -> None:
    """The property holds of so many draws; FEEDBACK_TEST_SEED, printed when it fails, repeats them."""
    number = int(os.environ.get("FEEDBACK_TEST_SEED", random.SystemRandom().randrange(2**32)))
    print(f"FEEDBACK_TEST_SEED={number}")
    drawing = settings(deadline=None, max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    seed(number)(drawing(given(*drawn)(holds)))()


def scanned(text: str, reading: str) -> Scanned:
    """By a scanner that has seen no other text."""
    return Scanner(POLICY, KEYS).scan([text], reading)[text]


@EXAMPLES
def test_a_text_gives_the_same_alone_among_others_and_in_any_order(examples: int) -> None:
    def holds(some: list[str], reading: str, rng: random.Random) -> None:
        shuffled = rng.sample(some, len(some))
        one, other = (Scanner(POLICY, KEYS).scan(order, reading) for order in (some, [*shuffled, *some]))
        for text in some:
            alone = scanned(text, reading)
            assert (one[text], one[text].found) == (other[text], other[text].found) == (alone, alone.found)

    check(holds, examples, st.lists(texts, max_size=8), readings, st.randoms())


@EXAMPLES
def test_anonymising_twice_changes_nothing(examples: int) -> None:
    def holds(text: str, reading: str) -> None:
        once = scanned(text, reading)
        if once.text is not None:
            assert scanned(once.text, reading).text == once.text

    check(holds, examples, texts, readings)


@EXAMPLES
def test_spans_are_in_the_text_and_what_was_replaced(examples: int) -> None:
    def holds(text: str, reading: str) -> None:
        result = scanned(text, reading)
        assert (result.text is None) == (result.refusal is not None)
        position, rebuilt = 0, ""
        for one in result.found:
            assert position <= one.start < one.end <= len(text)
            assert text[one.start : one.end] == one.value
            rebuilt += text[position : one.start] + stands_in(one)
            position = one.end
        rebuilt += text[position:]
        assert Counter(one.entity for one in result.found) == result.entities
        # In JSON a number's stand-in is put between quotes.
        assert result.text is None or result.text.replace('"', "") == rebuilt.replace('"', "")

    check(holds, examples, texts, readings)


def stands_in(one: Found) -> str:
    removed = one.entity in POLICY.removed_entities
    return stand_in(one.entity, one.value, KEYS, region=POLICY.phone_region, is_removed=removed)


def test_the_quote_that_is_left_of_a_secret_is_none() -> None:
    once = scanned('{"to": "passphrase: `Winter2020!`"}', "structured").text
    assert once == '{"to": "passphrase: `<SECRET:VALUE>"}'
    assert scanned(once, "structured").text == once


def test_json_with_a_list_of_secrets_stays_json() -> None:
    result = scanned('{"user": null, "password": [0, null]}', "structured")
    json.loads(str(result.text))


@EXAMPLES
def test_the_filter_answers_every_line_in_order_as_if_it_were_the_only_one(examples: int) -> None:
    def holds(lines: list[tuple[str, str]]) -> None:
        written = [json.dumps({"id": n, "kind": kind, "text": text}).encode() for n, (kind, text) in enumerate(lines)]
        answers = list(TextFilter(POLICY, KEYS, with_names=True).answers(written))
        assert [answer["id"] for answer in answers] == list(range(len(lines)))
        for (kind, text), answer in zip(lines, answers, strict=True):
            alone = scanned(text, READINGS[kind])
            spans = [{"start": one.start, "end": one.end, "type": one.entity} for one in alone.found]
            assert (answer["text"], answer["spans"]) == (alone.text, spans)

    check(holds, examples, st.lists(st.tuples(st.sampled_from(list(READINGS)), texts), max_size=6))


def logs(some: list[tuple[int, str | None, str]]) -> pl.DataFrame:
    return landing(
        "logs",
        *[
            {
                "record_id": f"{number:04x}",
                "trace_id": trace,
                "body": text,
                "attributes": pairs(exception__message=text),
            }
            for number, trace, text in some
        ],
    )


def became(frame: pl.DataFrame) -> dict[str, object]:
    """What became of each record, by its id."""
    result = Anonymizer(POLICY, KEYS).anonymize(frame, SIGNALS["logs"])
    assert result.records.height + result.held.height == frame.height
    kept = {row["record_id"]: row for row in result.records.to_dicts()}
    return kept | {row["record_id"]: row["held_reason"] for row in result.held.to_dicts()}


@EXAMPLES
def test_a_record_depends_on_its_thread_alone_whatever_the_batch_and_its_order(examples: int) -> None:
    def holds(drawn: list[tuple[str | None, str]], rng: random.Random) -> None:
        some = [(number, trace, text) for number, (trace, text) in enumerate(drawn)]
        together = became(logs(some))
        assert became(logs(rng.sample(some, len(some)))) == together
        threads = [[one for one in some if one[1] == trace] for trace in ("t1", "t2")]
        alone = [[one] for one in some if one[1] is None]
        apart = {key: row for part in (*threads, *alone) if part for key, row in became(logs(part)).items()}
        assert apart == together

    check(holds, examples, rows, st.randoms())


def group_of(day: list[tuple[str | None, str]], planted: int) -> Group:
    """Records with a text, an attribute that no policy names, and a resource; they know what their threads told."""
    rows = [
        {
            "record_id": f"{number:04x}",
            "trace_id": trace,
            "body": text,
            "attributes": pairs(app__note=text, enduser__id="jdoe42", **{f"acme__{len(text) % 3}": text}),
            "resource": json.dumps({"service.name": "cart", "host.note": text, f"acme.{number}": "x"}),
        }
        for number, (trace, text) in enumerate(day)
    ]
    frame = landing("logs", *rows)
    return Group(frame, Anonymizer(POLICY, KEYS).mentions(frame, SIGNALS["logs"]), min(planted, len(rows)))


@EXAMPLES
def test_what_becomes_of_a_day_is_the_same_alone_and_together_with_others(examples: int) -> None:
    def holds(days: list[list[tuple[str | None, str]]], planted: int) -> None:
        groups = [group_of(day, planted) for day in days]
        mentions = Anonymizer(POLICY, KEYS).mentions_together([group.frame for group in groups], SIGNALS["logs"])
        assert all(told.equals(group.known) for told, group in zip(mentions, groups, strict=True))
        together = Anonymizer(POLICY, KEYS).anonymize_together(groups, SIGNALS["logs"])
        for group, one in zip(groups, together, strict=True):
            (alone,) = Anonymizer(POLICY, KEYS).anonymize_together([group], SIGNALS["logs"])
            assert (one.withheld_fields, one.findings.rows()) == (alone.withheld_fields, alone.findings.rows())
            assert one.records.equals(alone.records)
            assert one.held.equals(alone.held)

    check(holds, examples, st.lists(st.just([]) | rows, min_size=1, max_size=4), st.integers(0, 2))


@EXAMPLES
def test_records_anonymised_twice_are_those_anonymised_once(examples: int) -> None:
    def holds(drawn: list[tuple[str | None, str]]) -> None:
        frame = logs([(number, trace, text) for number, (trace, text) in enumerate(drawn)])
        signal = SIGNALS["logs"]
        once = Anonymizer(POLICY, KEYS).anonymize(frame, signal).records
        places = frame.select("record_id", *(name for name in signal.landing_schema if name not in signal.schema))
        landed = once.join(places, on="record_id").select(*signal.landing_schema)
        assert Anonymizer(POLICY, KEYS).anonymize(landed, signal).records.to_dicts() == once.to_dicts()

    check(holds, examples, rows)


def test_a_name_that_its_thread_gives_away_gives_away_the_one_beside_it() -> None:
    # Glued together nothing is found in the second line but what the first one tells of Sarah; with her name gone, the
    # model sees the other.
    text = f'{PROSE[0]}٤٧١١{PROSE[0]}{{"level":"info","data":"ingrid+66@example.com","took":12}}'
    frame = logs([(0, "t1", text)])
    made = Anonymizer(POLICY, KEYS).anonymize(frame, SIGNALS["logs"])
    assert "Sarah" not in made.records["body"][0]
    assert "Oluwaseun Adebayo٤٧١١" not in made.records["body"][0]

"""Text comes out without identifiers, with one pseudonym per value, and never without having been judged."""

import json
import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import PolicyError
from governance.keys import Keyring
from governance.privacy.found import Scanned
from governance.privacy.patterns import SEPARATOR
from governance.privacy.policy import PrivacyPolicy, load_privacy
from governance.privacy.scanner import Scanner

POLICY, KEYS = load_privacy(), Keyring(b"p" * 32, b"i" * 32)

# planted text and what of it must not survive, in contexts drawn at random
PLANTED = [
    ("alice.b@example.co.uk", "alice.b"),
    ("+49 30 9018 2012", "9018"),
    ("+15551234567", "15551234567"),
    ("203.0.113.77", "203.0.113.77"),
    ("2001:db8::8a2e:370:7334", "8a2e"),
    ("3e:c8:d5:df:b5:59", "d5:df"),
    ("4111 1111 1111 1111", "1111"),
    ("4111111111111111", "4111"),
    ("DE89 3704 0044 0532 0130 00", "0532"),
    ("SSN: 123 45 6789", "6789"),
    ("591-51-9591", "9591"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "eyJ"),
    ("Bearer 6c1f0e2a9b88", "6c1f0e"),
    ("Basic YWxpY2U6aHVudGVyMg==", "YWxp"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN"),
    ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "A123456"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "klmnop"),
    ("glpat-ABCDEFGHIJKLMNOPQRST", "KLMNOP"),
    ("sk_live_abcdefghij1234", "abcdefghij"),
    ("xoxb-1234567890-abcdefghij", "abcdefghij"),
    ("X-Api-Key: 0123456789abcdef", "6789ab"),
    ("password=hunter2!", "hunter2"),
    ('"password":"p\\"q,w e"', "w e"),
    ('\\"passwd\\":\\"hunter2\\"', "hunter2"),
    ("pwd: 'hunter two'", "hunter"),
    ("Cookie: theme=dark; sid=a8c3f1", "a8c3f1"),
    ("JSESSIONID=ABCDEF0123456789", "ABCDEF"),
    ('"session":"fbd160cc-2914-4dfc-bdc4-4291b4992581"', "fbd160cc"),
    ("postgres://app:s3cr3t@db:5432/orders", "s3cr3t"),
    ("https://x.io/o?sig=aZ09bY18cX27dW", "aZ09"),
    ("AccountKey=abcd1234efgh+/==", "abcd1234"),
    ("lat=52.5200, lon=13.4050", "52.52"),
    ("/home/bobby/.ssh/id", "bobby"),
    ("C:\\Users\\nancy\\x", "nancy"),
    ("C:\\\\Users\\\\nancy\\\\x", "nancy"),
    ("user=alice_k", "alice_k"),
    ('{"username":"bob_k"}', "bob_k"),
    ("IMEI: 490154203237518", "490154"),
    ("account_id=acct-4711", "acct-4711"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQ\n-----END RSA PRIVATE KEY-----", "MIIEow"),
]

# Text around a planted value; letters, digits and signs that would continue the value are not beside it.
around = st.text(st.sampled_from(string.ascii_letters + string.digits + " .,:;!?üß漢👋\t\n/[]{}'\"-_="), max_size=60)


@pytest.mark.parametrize(("planted", "trace"), PLANTED)
@settings(deadline=None, max_examples=40)
@given(before=around, after=around)
def test_no_planted_value_survives_in_any_context(planted: str, trace: str, before: str, after: str) -> None:
    text = f"{before.replace(trace, '')} | {planted} | {after.replace(trace, '')}"
    assert trace not in _scan(text), planted


@settings(deadline=None, max_examples=20)
@given(st.lists(st.one_of(around, st.sampled_from([planted for planted, _ in PLANTED])), max_size=90, unique=True))
def test_many_texts_at_once_give_what_each_gives_alone(texts: list[str]) -> None:
    # Each by a scanner of its own: one scanner remembers what it judged.
    assert Scanner(POLICY, KEYS).scan(texts) == {text: Scanner(POLICY, KEYS).scan([text])[text] for text in texts}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from([planted for planted, _ in PLANTED]), max_size=4), around)
def test_anonymising_twice_changes_nothing(planted: list[str], context: str) -> None:
    once = _scan(f" {context} ".join(["", *planted, ""]))
    again = _SCANNER.scan([once])[once]
    assert (again.text, again.entities) == (once, {})


def test_a_label_that_looks_like_the_value_of_the_label_before_it_is_a_label_all_the_same() -> None:
    text = 'session "session":"fbd160cc-2914-4dfc-bdc4-4291b4992581"'
    assert _scan(text) == 'session "session":"<SECRET:SESSION>"'


@pytest.mark.parametrize(
    "text",
    [
        "hipstershop.ProductCatalogService/GetProduct",
        "org.apache.hadoop.mapred.TaskAttempt: attempt_1445144423722_0020_m_000000_0",
        "2024-01-01T12:00:00.123456789Z took 12.345ms, 1661145496154660034 ns, +0200",
        "uuid fbd160cc-2914-4dfc-bdc4-4291b4992581 trace fe3974115b911675d0640788986f80c9",
        "v1.2.3.4, app-1.2.3.4.jar, version 1.2.3.4, 1.24.1-SNAPSHOT",
        "blk_-1608999687919862906 terminating, 0x14f05578bd80001 at Foo::bar",
        "SELECT count(*) FROM sessions WHERE tokens > 4096",
        "SpanID: 009899274 max_tokens: 4096, password reset for everyone, User-Agent: curl/8.1",
        "\x1b[31mERROR\x1b[0m GET /api/users/{id} 500 127.0.0.1:8080",
        "at 12:00:00 +0200 2015-10-18 12:33",
        "UTC+1 2015-10-18 12:33:22",
        "call 2015-10-18 12:00",
        "at 09 12 2015 10:11",
        "0.4111111111111111, 17:1661145496154660034",
        "thread 0123 456789:3 call 1234567:10 returned",
        "1:4111111111111111:1700000000",
    ],
)
def test_technical_text_stays_as_it_is(text: str) -> None:
    assert _scan(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pay 4111 1111 1111 1111:12/27", "pay <CARD>:12/27"),
        ("pay 4111111111111111:12/27:123", "pay <CARD>:12/27:123"),
        ("order 17:4111111111111111", "order 17:<CARD>"),
        ("PD403:4111 1111 1111 1111", "PD403:<CARD>"),
        ("4111 1111 1111 1111:1795531660", "<CARD>:1795531660"),
        ("358-88-1258:33", "<SSN>:33"),
        ("17:358-88-1258", "17:<SSN>"),
        ("akiaiosfodnn7example", "<SECRET:VENDOR_KEY>"),
    ],
)
def test_a_colon_beside_an_identifier_hides_nothing(text: str, shown: str) -> None:
    assert _scan(text) == shown


@pytest.mark.parametrize(
    ("number", "before"), [("+14155552671", ""), ("tel: +49 1512 7263450", "tel: "), ("415-555-2671", "")]
)
def test_a_colon_behind_a_number_hides_no_phone(number: str, before: str) -> None:
    assert re.fullmatch(rf"{before}phone_[0-9]+_[0-9a-f]+:22", _scan(f"{number}:22"))


@pytest.mark.parametrize(
    "spellings",
    [
        ["alice@example.com", "user=Alice@Example.COM", "?to=alice%40example.com", "msg=\\nalice@example.com\\n"],
        ["+1 415 555 0132", "(415) 555-0132", "tel: 415.555.0132", "+14155550132"],
        ["2001:db8::1", "2001:0DB8:0:0:0:0:0:1"],
        ["/home/bob/x", "user=bob", '{"username":"BOB"}', "session opened for user bob by root"],
        ["3E:C8:D5:DF:B5:59", "3e-c8-d5-df-b5-59"],
    ],
)
def test_all_spellings_of_a_value_get_one_pseudonym(spellings: list[str]) -> None:
    tokens = [set(_tokens(_scan(spelling))) for spelling in spellings]
    assert len(tokens[0]) == 1
    assert all(found == tokens[0] for found in tokens)


@pytest.mark.parametrize(
    "text",
    [
        "+15551234567  2001:db8::1",
        "call +49 30 90182012 12 times",
        "card 4111 1111 1111 1111 2 of 3",
        "+15551234567, 12",
    ],
)
def test_numbers_behind_a_number_do_not_hide_it(text: str) -> None:
    assert not {"15551234567", "90182012", "1111"} & set(_scan(text).replace("+", "").replace(",", "").split())


def test_another_key_gives_another_pseudonym(policy: PrivacyPolicy) -> None:
    one, other = (Scanner(policy, Keyring(key * 32, b"i" * 32)).scan(["a@b.co"])["a@b.co"] for key in (b"p", b"q"))
    assert one.text != other.text


def test_replacements_are_counted_per_text_and_entity(scanner: Scanner) -> None:
    scanned = scanner.scan(["nothing", "a@b.co wrote to c@d.co from 203.0.113.7", "c@d.co"])
    assert [dict(result.entities) for result in scanned.values()] == [{}, {"EMAIL": 2, "IP": 1}, {"EMAIL": 1}]


def test_a_text_that_holds_the_separator_is_anonymised_like_any_other(scanner: Scanner) -> None:
    text = f"a@b.co{SEPARATOR}203.0.113.7"
    assert scanner.scan(["x", text, "y"])[text].entities == {"EMAIL": 1, "IP": 1}


def test_a_name_found_across_a_separator_is_told_as_it_stands_in_the_text(scanner: Scanner) -> None:
    text = f"She flew to Berlin.{SEPARATOR}Hi Sarah,\n\nI spoke with Pawel Zielinski of Northwind Tools in Berlin."
    found = scanner.scan([text], "technical")[text].found
    assert found
    assert [one.value for one in found] == [text[one.start : one.end] for one in found]


@pytest.mark.parametrize(
    "body",
    [
        '{"card": 4111111111111111, "cvv":672, "n":1}',
        '{"cards":[4111111111111111,4111111111111111],"geo":{"lat":52.52,"lon":13.40}}',
        '{"message":"charge {\\"cvv\\":672}, to a@b.co, 4111111111111111, ok"}',
        '{"accountId":4711,"user_id": 17 }',
    ],
)
def test_json_stays_json_where_a_number_was_replaced(body: str) -> None:
    assert json.loads(_scan(body)) != json.loads(body)


def test_a_text_that_is_too_long_is_refused(scanner: Scanner, policy: PrivacyPolicy) -> None:
    text = "x" * (policy.longest_text + 1)
    assert scanner.scan([text])[text] == Scanned(None, {}, f"longer than {policy.longest_text} characters")


def test_a_text_the_engine_fails_on_is_refused_and_the_others_of_its_batch_are_not(scanner: Scanner) -> None:
    broken = "a@b.co \ud800"  # half a surrogate pair cannot be encoded
    scanned = scanner.scan(["c@d.co", broken])
    assert scanned[broken].text is None
    assert scanned[broken].refusal == "could not be analysed (UnicodeEncodeError)"
    assert scanned["c@d.co"].entities == {"EMAIL": 1}


def test_a_policy_without_patterns_is_refused(policy: PrivacyPolicy, keys: Keyring) -> None:
    with pytest.raises(PolicyError, match="no patterns"):
        Scanner(policy.model_copy(update={"patterns": ()}), keys)


def _tokens(text: str) -> list[str]:
    return [
        word
        for word in text.replace("=", " ").replace("/", " ").replace("\\n", " ").replace('"', " ").split()
        if "_" in word
    ]


_SCANNER = Scanner(POLICY, KEYS)  # hypothesis wants no fixtures of a function


def _scan(text: str) -> str:
    result = _SCANNER.scan([text])[text]
    assert result.text is not None
    return result.text

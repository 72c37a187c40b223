"""Whatever the characters, a value that a reader sees is found, and its place in the text is told rightly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.privacy.plain_text import decoded, plain
from governance.privacy.scanner import Scanner


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("mail ali\u200bce@exam\u200bple.com now", "EMAIL"),  # zero-width spaces
        ("mail alice\u00ad@example.com now", "EMAIL"),  # a soft hyphen
        ("\u202ealice@example.com\u202c", "EMAIL"),  # right-to-left override
        ("a\x00lice@example.com", "EMAIL"),
        ("alice＠example．com", "EMAIL"),
        ("pay ４１１１ １１１１ １１１１ １１１１", "CARD"),
        ("call +٤٩ ٣٠ ٩٠١٨٢٠١٢ now", "PHONE"),  # Arabic-Indic digits
        ("from ２０３．０．１１３．９", "IP"),
        ("IBAN ＤＥ89 3704 0044 0532 0130 00", "IBAN"),
        ("pass\u200bword=hunter2!", "SECRET:VALUE"),
        ("call +49\u00a030\u00a090182012", "PHONE"),  # no-break spaces
        ("call +1 415\u2011555\u20110132", "PHONE"),  # no-break hyphens
        ("q=user%3Dalice_k%26x", "USER"),
        ("form: password%3Dhunter2%21", "SECRET:VALUE"),
        ("next=%2Flogin%3Femail%3Dalice%2540example.com%26x", "EMAIL"),
        ("<p>bob.k&#64;example.com</p>", "EMAIL"),
        ("mail bob.k&#x40;example.com", "EMAIL"),
        ("mail bob.k&commat;example&period;com", "EMAIL"),
        (r"mail bob.k\x40example.com", "EMAIL"),
        ("{&quot;password&quot;:&quot;hunter2!&quot;}", "SECRET:VALUE"),
        (r"{\u0022password\u0022:\u0022hunter2!\u0022}", "SECRET:VALUE"),
        (r"{\\\u0022password\\\u0022:\\\u0022hunter2!\\\u0022}", "SECRET:VALUE"),
        ("pay 4111&nbsp;1111&#160;1111%C2%A01111", "CARD"),
        (r"pay 4111\u00a01111\u00a01111\u00a01111", "CARD"),
    ],
)
def test_a_disguised_value_is_found_whole(text: str, entity: str, scanner: Scanner) -> None:
    result = scanner.scan([text])[text]
    assert dict(result.entities) == {entity: 1}
    found = result.found[0]
    assert text[found.start : found.end] == found.value


@pytest.mark.parametrize(
    "shown", [r"Joe \u003c{}\u003e", r"mail:\n{}", r"\x3c{}\x3e", "Joe &lt;{}&gt;", r"\\u003c{}\\u003e"]
)
def test_an_escape_beside_an_address_is_no_part_of_it(shown: str, scanner: Scanner) -> None:
    address = "joe.k@example.com"
    pseudonym = scanner.scan([address])[address].text
    text = shown.format(address)
    assert scanner.scan([text])[text].text == shown.format(pseudonym)


def test_a_disguised_value_has_the_pseudonym_of_the_plain_one(scanner: Scanner) -> None:
    texts = [
        "alice@example.com",
        "ali\u200bce@example.com",
        "alice＠example．com",
        "alice%40example.com",
        "alice&#064;example.com",
    ]
    assert len({result.text for result in scanner.scan(texts).values()}) == 1


@given(st.text())
def test_every_place_points_to_a_character_of_the_text(text: str) -> None:
    for view in (plain(text), decoded(text)):
        if view is not None and view[1] is not None:
            shown, places = view
            assert len(places) == len(shown) + 1
            assert list(places) == sorted(set(places))
            assert places[-1] == len(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == (text, None)

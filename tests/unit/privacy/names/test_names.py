"""The name model: names as people write them, not technical words; a text's names depend on the text alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.privacy.names import NameModel
from governance.privacy.policy import SHIPPED_NAMES
from governance.privacy.scanner import Scanner

MODEL = NameModel.load()
SCANNER = Scanner(load_privacy(), Keyring(b"p" * 32, b"i" * 32))


def masked(text: str, reading: str = "prose") -> str:
    result = SCANNER.scan([text], reading)[text]
    assert result.text is not None
    return result.text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hi, my name is Katarzyna Wiśniewska and I cannot log in.", "Katarzyna Wiśniewska"),
        ("Best regards,\nOluwaseun Adebayo", "Oluwaseun Adebayo"),
        ("Please call Dr. Jean-Pierre Dubois tomorrow.", "Jean-Pierre Dubois"),
        ("I spoke with Sarah O'Connor about the refund.", "Sarah O'Connor"),
        ("Assigned to Priya Raman since Monday", "Priya Raman"),
        ("Angela Merkel met Emmanuel Macron in Berlin on Friday.", "Emmanuel Macron"),
    ],
)
def test_a_name_in_what_people_write_is_replaced_whole(text: str, name: str) -> None:
    left = masked(text)
    assert not [part for part in name.split() if part in left]


@pytest.mark.parametrize(
    "text",
    [
        "Failed to fetch product from ProductCatalogService: connection refused",
        "java.lang.NullPointerException at com.acme.checkout.CartController.addItem(CartController.java:88)",
        "GET /api/v2/orders 500 Internal Server Error took 1204 ms",
        "consumer group rebalanced, partition 7 assigned to worker-3",
        "INFO Started ServerConnector@4f2410ac{HTTP/1.1}{0.0.0.0:8080}",
        "SELECT count(*) FROM orders WHERE status = ?",
    ],
)
def test_technical_text_has_no_names(text: str) -> None:
    assert "person_" not in masked(text, "technical")


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("3ea4052c-895d-4b64-9e2d-04d64c4d94ab", "facade00-beef-cafe-dead-000000000000"),
        ("f6fceefbeefc", "0123456789ab"),
        ("17042", "90210"),
    ],
)
@pytest.mark.parametrize(
    "text", ["[instance: {}] VM Paused", "{} belongs to Anna Kim\nof {}", "During sync of {} Berlin"]
)
def test_an_id_says_nothing_of_the_names_beside_it(text: str, one: str, another: str) -> None:
    assert MODEL.find([text.replace("{}", one)]) == MODEL.find([text.replace("{}", another)])


@pytest.mark.parametrize("word", ["deadbeef", "Fae", "ada2020", "Abe12345678"])
def test_a_word_is_no_id(word: str) -> None:
    """Of letters alone, short, or with a capital: names look like that."""
    assert MODEL.find([f"Dear {word} Miller,"]) != MODEL.find([f"Dear {'0a' * 4} Miller,"])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.one_of(st.text(max_size=80), st.sampled_from(["Jane Doe wrote", "to Berlin, Anna\nKim"])), max_size=20)
)
def test_many_texts_at_once_give_what_each_gives_alone(texts: list[str]) -> None:
    assert MODEL.find(texts) == [MODEL.find([text])[0] for text in texts]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_places_are_inside_the_text_and_in_order(text: str) -> None:
    end = 0
    for found in MODEL.find([text])[0]:
        assert end <= found.start < found.end <= len(text)
        assert 0 < found.score <= 1
        end = found.end


@pytest.mark.parametrize(
    "text", ["\ud800 Jane", "\x00", "", "a" * 300_000, "A b " * 50_000, "漢字 " * 1000, "\n" * 9999]
)
def test_odd_text_is_read_without_a_crash(text: str) -> None:
    assert len(MODEL.find([text])) == 1


@pytest.mark.parametrize(
    "text",
    [
        "My bank shows two bookings for this order, please check.",
        "A voucher we got last week is refused when ordering.",
        "The cart loses what I add. Error when adding an item.",
        "We would like to pay by transfer instead.",
    ],
)
def test_common_words_of_tickets_are_no_names(text: str) -> None:
    assert masked(text) == text


def test_anonymising_twice_finds_no_name_again() -> None:
    once = masked("Thanks, Katarzyna Wiśniewska from Warsaw")
    assert masked(once) == once


def test_the_model_is_small() -> None:
    assert SHIPPED_NAMES.stat().st_size < 10_000_000


def test_more_words_than_the_tables_hold_change_nothing() -> None:
    words = [
        f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676 % 26)}{chr(97 + n // 17576)}q"
        for n in range(70_000)
    ]
    model = NameModel.load()
    before = model.find(["I met Jane Doe in Paris"])
    model.find([" ".join(words)])
    assert model.find(["I met Jane Doe in Paris"]) == before

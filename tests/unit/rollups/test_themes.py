"""Texts that are alike become a theme with a name and an id that last; what is like nothing is other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from governance.errors import FeedbackError
from governance.signals import SIGNALS
from governance.themes import ThemesPolicy, load_themes
from orchestration.rollups.theme_texts import TEXTS_SCHEMA, survey_texts, ticket_texts
from orchestration.rollups.themes import NO_MEMORY, OTHER, ThemeDay, find_themes, label

DAY = date(2026, 3, 2)
# Five ways to say one thing, by five people.
SLOW = (
    "search results slow",
    "search results slow today",
    "slow search results page",
    "product search results slow",
    "search results very slow",
)
INVOICE = ("invoice lacks number", "number missing invoice", "invoice lacks number again", "invoice number lacks")
Text = tuple[str, str, str]  # id, author, words


@pytest.fixture(scope="module")
def policy() -> ThemesPolicy:
    return load_themes()


def texts(*rows: Text, signal: str = "tickets", source: str = "desk") -> pl.DataFrame:
    return pl.DataFrame([(signal, source, *row) for row in rows], TEXTS_SCHEMA, orient="row")


def numbered(words: Iterable[str], first: int = 0) -> list[Text]:
    return [(f"t{place}", f"person{place}", said) for place, said in enumerate(words, first)]


def chain(days: Sequence[pl.DataFrame], policy: ThemesPolicy, *, step: int = 1) -> list[ThemeDay]:
    memory, found = NO_MEMORY, []
    for number, day in enumerate(days):
        found.append(find_themes(day, memory, DAY + timedelta(days=number * step), policy))
        memory = found[-1].memory
    return found


def themes_of(day: ThemeDay) -> dict[str, str]:
    return dict(day.texts.select("document_id", "theme").iter_rows())


def ids_of(day: ThemeDay) -> set[str]:
    return set(day.texts["theme_id"]) - {OTHER}


def test_texts_that_are_alike_are_a_theme_and_the_rest_is_other(policy: ThemesPolicy) -> None:
    (day,) = chain([texts(*numbered([*SLOW, "dark colours", "parcel at neighbour"]))], policy)
    assert themes_of(day) == {**{f"t{place}": "search results slow" for place in range(5)}, "t5": OTHER, "t6": OTHER}
    told = day.texts.filter(pl.col("theme_id") != OTHER)["confidence"]
    assert told.min() >= policy.themes.similarity


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (numbered(SLOW[:4]), "fewer than min_tickets"),
        ([(one, "person1", said) for one, _, said in numbered(SLOW)], "all by one person"),
        ([(one, f"person{place % 2}", said) for place, (one, _, said) in enumerate(numbered(SLOW))], "by two"),
        (numbered(["", "", "", "", ""]), "nothing said"),
    ],
)
def test_few_make_no_theme(policy: ThemesPolicy, rows: list[Text], why: str) -> None:
    (day,) = chain([texts(*rows)], policy)
    assert ids_of(day) == set(), why
    assert day.texts.height == len(rows)


def test_no_term_of_fewer_people_describes_a_theme(policy: ThemesPolicy) -> None:
    # Two of the five write the name of the same person in nearly every word.
    rows = numbered([f"{said} castillo castillo" if place < 2 else said for place, said in enumerate(SLOW)])
    (day,) = chain([texts(*rows)], policy)
    assert day.memory.known.height == 1
    said = {word for terms in day.memory.known["terms"] for term in terms for word in term.split()}
    assert "search" in said
    assert "castillo" not in said


def test_texts_wait_for_others_like_them_and_find_their_theme_later(policy: ThemesPolicy) -> None:
    first, second = chain([texts(*numbered(SLOW[:3])), texts(*numbered(SLOW[3:], 3))], policy)
    assert ids_of(first) == set()
    assert themes_of(second) == {f"t{place}": "search results slow" for place in range(5)}
    assert second.texts["event_date"].unique().to_list() == [DAY + timedelta(days=1)]


def test_they_do_not_wait_for_ever(policy: ThemesPolicy) -> None:
    days = [texts(*numbered(SLOW[:3])), texts(*numbered(SLOW[3:], 3))]
    _, second = chain(days, policy, step=policy.discovery.window_days)
    assert ids_of(second) == set()


def test_an_id_lasts_while_the_theme_is_met_and_comes_back_with_its_words(policy: ThemesPolicy) -> None:
    born, met, met_again = chain(
        [texts(*numbered(SLOW)), texts(*numbered(SLOW, 9)), texts(*numbered(SLOW, 99))], policy
    )
    assert ids_of(born) == ids_of(met) == ids_of(met_again) != set()
    _, after = chain([texts(*numbered(SLOW)), texts(*numbered(SLOW, 9))], policy, step=365)
    assert ids_of(after) == ids_of(born)
    assert after.memory.known["first_seen_on"].to_list() == [DAY + timedelta(days=365)]


def test_a_ticket_keeps_its_theme_whatever_is_written_later(policy: ThemesPolicy) -> None:
    themes = [texts(*numbered(SLOW)), texts(*numbered(INVOICE, 10), ("t14", "person14", INVOICE[0]))]
    *_, last = chain([*themes, texts(("t0", "person0", INVOICE[0]))], policy)
    assert themes_of(last) == {"t0": "search results slow"}


def test_answers_to_surveys_are_given_themes_and_make_none(policy: ThemesPolicy) -> None:
    answers = texts(*numbered(SLOW), signal="surveys")
    assert ids_of(chain([answers], policy)[0]) == set()
    *_, after = chain([texts(*numbered(SLOW)), answers], policy)
    assert set(themes_of(after).values()) == {"search results slow"}
    assert after.memory.recent["signal"].unique().to_list() == ["tickets"]


def test_the_same_number_in_another_system_is_another_ticket(policy: ThemesPolicy) -> None:
    rows = numbered(SLOW[:3])
    (day,) = chain([pl.concat([texts(*rows), texts(*[(o, f"x{a}", w) for o, a, w in rows], source="other")])], policy)
    assert day.texts.height == 6
    assert len(ids_of(day)) == 1


def test_the_order_of_rows_changes_nothing(policy: ThemesPolicy) -> None:
    rows = numbered([*SLOW, *INVOICE, INVOICE[0], "dark colours"])
    (one,), (other,) = chain([texts(*rows)], policy), chain([texts(*rows[::-1])], policy)
    assert one.texts.equals(other.texts)
    assert one.memory.known.equals(other.memory.known)


def test_another_process_gives_the_same_ids(policy: ThemesPolicy) -> None:
    code = (
        "from tests.unit.rollups.test_themes import *\n"
        "print(*sorted(ids_of(chain([texts(*numbered([*SLOW, *INVOICE, INVOICE[1]]))], load_themes())[0])))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    (here,) = chain([texts(*numbered([*SLOW, *INVOICE, INVOICE[1]]))], policy)
    assert done.stdout.split() == sorted(ids_of(here))


def test_what_is_remembered_is_bounded(policy: ThemesPolicy) -> None:
    few = policy.model_copy(
        update={
            "discovery": policy.discovery.model_copy(update={"max_texts": 10}),
            "themes": policy.themes.model_copy(update={"max_known": 1}),
        }
    )
    days = [texts(*numbered(SLOW)), texts(*numbered([*INVOICE, INVOICE[2]], 10)), texts(*numbered(["dark"] * 30, 20))]
    found = chain(days, few)
    assert [day.memory.known.height for day in found] == [1, 1, 1]
    assert [day.memory.recent.height for day in found] == [5, 10, 10]


@pytest.mark.parametrize(
    ("profile", "count", "name"),
    [
        ({"slow": 0.7, "search slow": 0.5, "page": 0.2}, 2, "search slow, page"),
        ({"search slow": 0.7, "slow": 0.5, "page": 0.2}, 3, "search slow, page"),
        ({"one": 0.7, "two": 0.5, "three": 0.2}, 2, "one, two"),
        ({"one": 0.7, "two": 0.5, "one two": 0.2}, 2, "one two"),
        ({"b c": 0.7, "x": 0.6, "a b": 0.5, "c d": 0.4, "d e": 0.3}, 3, "a b c d, x, d e"),
    ],
)
def test_a_theme_is_called_by_its_heaviest_terms_with_pairs_that_follow_on_each_other_as_one_phrase(
    profile: dict[str, float], count: int, name: str
) -> None:
    assert label(profile, count) == name


def ticket(**given: object) -> dict[str, object]:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return {"source": "desk", "ticket_id": "1", "record_id": "a", "event_at": at, "requester": "person_x", **given}


def read(signal: str, rows: Iterable[dict[str, object]]) -> pl.LazyFrame:
    schema = pl.Schema({"source": pl.String(), **SIGNALS[signal].schema})
    return pl.LazyFrame([{**dict.fromkeys(schema), **row} for row in rows], schema=schema)


def words_of(policy: ThemesPolicy, *tickets: dict[str, object], events: Iterable[dict[str, object]] = ()) -> list[str]:
    return ticket_texts(read("tickets", tickets), read("ticket_events", events), policy)["words"].to_list()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Please, the Checkout hangs!", "checkout hangs"),
        ("card <CARD> of person_e572_cadabfa15a101a49 declined", "card declined"),
        ("<SECRET:aws_key> leaked by account_ab12_0123456789abcdef", "leaked"),
        ("cut off: person_e572_cada and <PERS", "cut"),
        ("see https://shop.example/a?b=c or /var/log/app x@y.example", ""),
        ("order 4711, INV-2026-3 and a1b2", "order"),
        ("Überweisung schlägt fehl, don't", "überweisung schlägt fehl"),
        (None, ""),
    ],
)
def test_only_plain_words_are_read(policy: ThemesPolicy, said: str | None, words: str) -> None:
    assert words_of(policy, ticket(description=said)) == [words]


def test_placeholders_and_pseudonyms_never_name_a_theme(policy: ThemesPolicy) -> None:
    said = "Ask <PERSON> about {} and card <CARD>, mail <EMAIL_ADDRESS>: refund refused"
    token = "person_e572_cadabfa15a101a49"
    rows = [ticket(ticket_id=str(n), requester=f"p{n}", subject=said.format(token)) for n in range(6)]
    words = ticket_texts(read("tickets", rows), read("ticket_events", []), policy)
    (day,) = chain([words], policy)
    assert day.memory.known["theme"].to_list() == ["card mail refund refused"]
    assert not [term for terms in day.memory.known["terms"] for term in terms if "person" in term or "_" in term]


def test_a_ticket_is_read_by_its_latest_version_of_the_day(policy: ThemesPolicy) -> None:
    later = datetime(2026, 3, 2, 9, tzinfo=UTC)
    versions = [ticket(record_id="b", event_at=later, subject="cart fails"), ticket(subject="search fails")]
    assert words_of(policy, *versions) == ["cart fails"]


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Problem", "problem cart loses items"),
        ("Cart loses items after signing out twice", "cart loses items signing twice"),
    ],
)
def test_a_ticket_that_says_little_is_read_with_its_customers_comments(
    policy: ThemesPolicy, subject: str, words: str
) -> None:
    short = policy.model_copy(update={"texts": policy.texts.model_copy(update={"comments_below_words": 3})})
    comment = {**ticket(), "event_type": "comment"}
    events = [
        {**comment, "author_role": "end_user", "body": "the cart loses items"},
        {**comment, "author_role": "agent", "body": "team informed"},
        {**comment, "event_type": "status", "author_role": "end_user", "body": "solved"},
    ]
    assert words_of(short, ticket(subject=subject), events=events) == [words]


def test_answers_without_words_are_none(policy: ThemesPolicy) -> None:
    answer = {"source": "s", "response_id": "r"}
    rows = [{**answer, "record_id": str(n), "body": body} for n, body in enumerate(["All fine", None, "", "the"])]
    assert survey_texts(read("surveys", rows), policy)["words"].to_list() == ["fine"]


def test_texts_of_another_shape_are_refused(policy: ThemesPolicy) -> None:
    with pytest.raises(FeedbackError, match="texts of tickets and surveys: column author is missing"):
        find_themes(texts().drop("author"), NO_MEMORY, DAY, policy)

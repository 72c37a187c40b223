"""Themes follow from the days before, and yet the order in which days are pulled changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.signals import SIGNALS
from governance.themes import ThemesPolicy, load_themes
from orchestration.lake import Lake
from orchestration.stages.theming import DATASET, stale_theme_days, theme_days

FIRST = date(2026, 3, 2)
DAYS = [(FIRST + timedelta(days=number)).isoformat() for number in range(8)]
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
SAID = ("search results slow", "invoice lacks number", "cart loses items", "parcel left outside")


@pytest.fixture(scope="module")
def policy() -> ThemesPolicy:
    return load_themes()


def check(lake: Lake, day: str, said: Iterable[str], *, signal: str = "tickets", source: str = "desk") -> None:
    """A checked day of texts, each by somebody else."""
    schema, at = SIGNALS[signal].schema, datetime.fromisoformat(day).replace(tzinfo=UTC)
    text, who = ("subject", "requester") if signal == "tickets" else ("body", "respondent")
    rows = [
        {**dict.fromkeys(schema), "record_id": f"{day}/{n}", "ticket_id": f"{day}/{n}", "event_at": at, text: one}
        | {who: f"person_{day}_{n}"}
        for n, one in enumerate(said)
    ]
    frame = pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)
    with lake.replace(f"checked/{source}/{signal}/{day}", as_of=AS_OF) as out:
        out.write("records", frame)


def said_on(day: str) -> list[str]:
    number = DAYS.index(day)
    return [SAID[number % 4], SAID[(number + 1) % 4], SAID[0], f"matter of day {'abcdefgh'[number] * 4}"]


def held(lake: Lake) -> dict[str, object]:
    return {key: manifest.tables for key in lake.keys("themes") if (manifest := lake.manifest(key))}


def themes_of(lake: Lake) -> pl.DataFrame:
    return pl.concat([lake.read(key, "text_themes") for key in lake.keys("themes")])


@pytest.fixture
def pull(tmp_path: Path, policy: ThemesPolicy) -> Callable[[str, list[list[str]]], Lake]:
    def made(name: str, portions: list[list[str]]) -> Lake:
        lake = Lake(tmp_path / name)
        for days in portions:
            for day in days:
                check(lake, day, said_on(day))
            theme_days(lake, days, policy, AS_OF)
        return lake

    return made


@pytest.mark.parametrize(
    "portions",
    [
        [[day] for day in DAYS],
        [[day] for day in reversed(DAYS)],
        [DAYS[4:], DAYS[:4]],
        [[DAYS[7]], DAYS[:3], DAYS[3:7]],
    ],
    ids=["day by day", "backwards", "halves", "mixed"],
)
def test_days_pulled_in_any_order_give_the_same_themes(
    pull: Callable[[str, list[list[str]]], Lake], policy: ThemesPolicy, portions: list[list[str]]
) -> None:
    lake, at_once = pull("one", portions), pull("other", [DAYS])
    assert held(lake) == held(at_once)
    assert themes_of(lake)["theme_id"].n_unique() > 1
    assert list(stale_theme_days(lake, policy)) == []


def test_a_day_is_made_once(pull: Callable[[str, list[list[str]]], Lake], policy: ThemesPolicy) -> None:
    lake = pull("lake", [DAYS])
    tally = theme_days(lake, DAYS, policy, AS_OF)
    assert (tally.days, tally.current) == ({}, DAYS)


def test_a_day_that_changed_makes_those_stale_that_follow_from_it(
    pull: Callable[[str, list[list[str]]], Lake], policy: ThemesPolicy
) -> None:
    lake = pull("lake", [DAYS])
    check(lake, DAYS[2], [*said_on(DAYS[2]), SAID[3]])
    assert list(stale_theme_days(lake, policy)) == [DAYS[2]]
    tally = theme_days(lake, [DAYS[2]], policy, AS_OF)
    assert list(tally.days) == DAYS[2:]
    assert list(stale_theme_days(lake, policy)) == []


def test_a_policy_that_changed_makes_every_day_stale(
    pull: Callable[[str, list[list[str]]], Lake], policy: ThemesPolicy
) -> None:
    lake = pull("lake", [DAYS])
    assert list(stale_theme_days(lake, policy.model_copy(update={"reason": "another"}))) == DAYS


def test_a_day_the_gate_withholds_loses_its_themes_and_later_ones_what_came_of_them(
    pull: Callable[[str, list[list[str]]], Lake], policy: ThemesPolicy
) -> None:
    lake, without = pull("lake", [DAYS]), pull("without", [[day for day in DAYS if day != DAYS[0]]])
    lake.remove(f"checked/desk/tickets/{DAYS[0]}")
    with lake.replace(f"quarantine/desk/tickets/{DAYS[0]}", as_of=AS_OF) as out:
        out.facts = {"blocked": "true"}
    assert DAYS[0] in list(stale_theme_days(lake, policy))
    theme_days(lake, [DAYS[0]], policy, AS_OF)
    assert held(lake) == held(without)


def test_a_day_whose_texts_expired_stays_as_it_is_and_later_ones_follow_from_it(
    pull: Callable[[str, list[list[str]]], Lake], policy: ThemesPolicy
) -> None:
    lake = pull("lake", [DAYS])
    before = held(lake)
    lake.remove(f"checked/desk/tickets/{DAYS[0]}")
    assert list(stale_theme_days(lake, policy)) == []
    assert theme_days(lake, DAYS, policy, AS_OF).frozen == [DAYS[0]]
    assert held(lake) == before


def test_what_a_day_took_from_one_that_expired_since_is_not_missed(
    pull: Callable[[str, list[list[str]]], Lake], policy: ThemesPolicy
) -> None:
    lake = pull("lake", [DAYS])
    lake.remove(f"checked/desk/tickets/{DAYS[0]}")
    lake.remove(f"{DATASET}/{DAYS[0]}")
    assert list(stale_theme_days(lake, policy)) == []


def test_themes_are_those_of_all_sources_and_answers_belong_to_them_too(tmp_path: Path, policy: ThemesPolicy) -> None:
    lake = Lake(tmp_path / "lake")
    check(lake, DAYS[0], [SAID[0]] * 3)
    check(lake, DAYS[0], [SAID[0]] * 3, source="issues")
    check(lake, DAYS[0], [SAID[0], "all fine"], signal="surveys", source="pulse")
    theme_days(lake, DAYS[:1], policy, AS_OF)
    told = themes_of(lake).group_by("text_source", "theme").len().sort("text_source", "theme")
    name = "search results slow"
    assert told.rows() == [("desk", name, 3), ("issues", name, 3), ("pulse", "other", 1), ("pulse", name, 1)]
    assert list(stale_theme_days(lake, policy)) == []


def test_days_without_texts_have_no_themes(tmp_path: Path, policy: ThemesPolicy) -> None:
    lake = Lake(tmp_path / "lake")
    assert theme_days(lake, DAYS, policy, AS_OF).metadata()["days"] == 0
    check(lake, DAYS[0], [])
    theme_days(lake, DAYS, policy, AS_OF)
    assert themes_of(lake).height == 0

"""What tickets are about, found without being told: texts that are alike become a theme and stay one.

A text is compared with the themes known from the days before (cosine of its words and pairs of words, weighted by how
rare they are, with those of the theme). What is like none waits; of what waits, groups that are alike on average become
themes. A theme's id is a hash of the terms it was born with, so it is the same in every process and on every rerun.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from governance.sampling import require
from governance.themes import ThemesPolicy
from orchestration.rollups.theme_texts import TEXTS_SCHEMA

if TYPE_CHECKING:
    from orchestration.rollups.theme_space import Numbers, TextSpace

OTHER = "other"
# One row per theme that is known after a day. `terms` and `weights` (of unit length) are what it is recognised by.
KNOWN_THEMES_SCHEMA = pl.Schema(
    {
        "theme_id": pl.String(),
        "theme": pl.String(),
        "terms": pl.List(pl.String()),
        "weights": pl.List(pl.Float64()),
        "first_seen_on": pl.Date(),
        "last_seen_on": pl.Date(),
    }
)
# One row per ticket of the last days: its text and its theme; those without one wait for others like them.
RECENT_TEXTS_SCHEMA = pl.Schema({**TEXTS_SCHEMA, "seen_on": pl.Date(), "theme_id": pl.String()})
# One row per text that was looked at on a day, and per earlier one that found its theme on it. `confidence` is the
# cosine with the theme; of other, with the one that came nearest.
TEXT_THEMES_SCHEMA = pl.Schema(
    {
        "event_date": pl.Date(),
        "signal": pl.String(),
        "text_source": pl.String(),
        "document_id": pl.String(),
        "theme_id": pl.String(),
        "theme": pl.String(),
        "confidence": pl.Float64(),
    }
)
_TERMS_TRIED = 3  # for each term of a name; lighter ones make it no clearer
_LONGEST_PHRASE = 4  # words
_DOCUMENT = ["signal", "source", "document_id"]


@dataclass(frozen=True)
class Memory:
    """What one day hands to the next.

    Attributes:
        known: the themes (KNOWN_THEMES_SCHEMA).
        recent: the tickets of the last days (RECENT_TEXTS_SCHEMA).
    """

    known: pl.DataFrame
    recent: pl.DataFrame


NO_MEMORY = Memory(pl.DataFrame(schema=KNOWN_THEMES_SCHEMA), pl.DataFrame(schema=RECENT_TEXTS_SCHEMA))


@dataclass(frozen=True)
class ThemeDay:
    """What a day came to: its texts with their themes (TEXT_THEMES_SCHEMA), and what the next day is to know."""

    texts: pl.DataFrame
    memory: Memory


def find_themes(texts: pl.DataFrame, memory: Memory, day: date, policy: ThemesPolicy) -> ThemeDay:
    """The themes of the texts of a day (TEXTS_SCHEMA), after what is known from the days before.

    A ticket keeps the theme it has as long as it is remembered; answers to surveys are given themes and make none.
    """
    require(texts, TEXTS_SCHEMA, "texts of tickets and surveys")
    known = _Known(memory.known, day, policy)
    looked_at = _looked_at(texts, memory.recent, day, policy)
    if looked_at["words"].str.len_bytes().sum():
        looked_at = _decide(looked_at, known, policy)
    told = (
        looked_at.filter(pl.col("is_today") | (pl.col("had_theme_id").is_null() & pl.col("theme_id").is_not_null()))
        .with_columns(theme=pl.col("theme_id").replace_strict(known.names, default=None, return_dtype=pl.String))
        # A theme that was forgotten while its ticket was remembered has no name any more.
        .with_columns(
            theme_id=pl.when(pl.col("theme").is_null()).then(pl.lit(OTHER)).otherwise("theme_id"),
            theme=pl.col("theme").fill_null(OTHER),
            event_date=pl.lit(day),
            text_source=pl.col("source"),
        )
        .select(TEXT_THEMES_SCHEMA.names())
    )
    recent = looked_at.filter(pl.col("signal") == "tickets").tail(policy.discovery.max_texts)
    carried = Memory(known.carried(set(told["theme_id"])), recent.select(RECENT_TEXTS_SCHEMA.names()))
    return ThemeDay(require(told, TEXT_THEMES_SCHEMA, "themes of texts"), carried)


def _looked_at(texts: pl.DataFrame, recent: pl.DataFrame, day: date, policy: ThemesPolicy) -> pl.DataFrame:
    """The texts of the day and those remembered: RECENT_TEXTS_SCHEMA with had_theme_id, is_today, confidence."""
    remembered = recent.filter(pl.col("seen_on") > day - timedelta(days=policy.discovery.window_days))
    before = remembered.select(*_DOCUMENT, "seen_on", "theme_id")
    today = texts.join(before, on=_DOCUMENT, how="left").with_columns(pl.col("seen_on").fill_null(pl.lit(day)))
    columns = RECENT_TEXTS_SCHEMA.names()
    waiting = remembered.join(today, on=_DOCUMENT, how="anti").select(columns)
    return (
        pl.concat([waiting.with_columns(is_today=False), today.select(columns).with_columns(is_today=True)])
        .sort("seen_on", *_DOCUMENT)
        .with_columns(had_theme_id=pl.col("theme_id"), confidence=pl.lit(0.0))
    )


def _decide(looked_at: pl.DataFrame, known: _Known, policy: ThemesPolicy) -> pl.DataFrame:
    """`looked_at` with theme_id and confidence; what becomes a theme is added to `known`."""
    from orchestration.rollups.theme_space import TextSpace

    space = TextSpace.of(looked_at["words"].to_list(), known.terms)
    authors = looked_at["author"].rank("dense").to_numpy().astype(np.int64) - 1
    compared = _compared(looked_at, known, space, policy)
    is_waiting = compared["theme_id"].is_null() & (compared["signal"] == "tickets")
    waiting = np.flatnonzero(is_waiting.to_numpy())[-policy.discovery.max_texts :]
    groups = space.groups(waiting, policy.discovery)
    is_new = [known.add(space, group, authors, policy) for group in groups]
    return _compared(looked_at, known, space, policy) if any(is_new) else compared


def _compared(looked_at: pl.DataFrame, known: _Known, space: TextSpace, policy: ThemesPolicy) -> pl.DataFrame:
    """Each text without a theme is given the one it is most like, where it is alike enough; of equals the oldest."""
    if not known.ids:
        return looked_at
    had = looked_at["had_theme_id"].replace_strict(known.places, default=-1, return_dtype=pl.Int64).fill_null(-1)
    place, alike = space.nearest(space.profiles(known.profiles), had.to_numpy())
    nearest = pl.lit(pl.Series(np.array(known.ids)[place], dtype=pl.String))
    is_like = pl.lit(pl.Series(alike >= policy.themes.similarity))
    return looked_at.with_columns(
        confidence=pl.lit(pl.Series(alike)),
        theme_id=pl.coalesce("had_theme_id", pl.when(is_like).then(nearest)),
    )


class _Known:
    """The themes that are known on a day, oldest first; those the day adds come last."""

    def __init__(self, known: pl.DataFrame, day: date, policy: ThemesPolicy) -> None:
        since = day - timedelta(days=policy.themes.forget_after_days)
        kept = known.filter(pl.col("last_seen_on") >= since).sort("first_seen_on", "theme_id")
        self._rows = kept.rows(named=True)
        self._day = day
        self._limit = policy.themes.max_known

    @property
    def ids(self) -> list[str]:
        return [row["theme_id"] for row in self._rows]

    @property
    def places(self) -> dict[str, int]:
        """Where each theme stands."""
        return {theme_id: place for place, theme_id in enumerate(self.ids)}

    @property
    def names(self) -> dict[str, str]:
        return {row["theme_id"]: row["theme"] for row in self._rows}

    @property
    def profiles(self) -> list[dict[str, float]]:
        """What each is recognised by: term -> weight."""
        return [dict(zip(row["terms"], row["weights"], strict=True)) for row in self._rows]

    @property
    def terms(self) -> set[str]:
        return {term for row in self._rows for term in row["terms"]}

    def add(self, space: TextSpace, group: Numbers, authors: Numbers, policy: ThemesPolicy) -> bool:
        """Whether a group of texts becomes a theme: it is none of few, and not one that is known in other words."""
        limits = policy.discovery
        profile = space.described(group, authors[group], limits.min_authors, policy.themes.described_by_terms)
        alike = space.similarities(group, space.profiles([profile]))[:, 0] >= policy.themes.similarity
        if alike.sum() < limits.min_tickets or len(set(authors[group][alike])) < limits.min_authors:
            return False
        if any(_cosine(profile, other) >= policy.themes.united_above for other in self.profiles):
            return False
        theme_id = _id_of(profile)
        if theme_id in self.ids:
            return False
        name = label(profile, policy.themes.label_terms)
        dates = {"first_seen_on": self._day, "last_seen_on": self._day}
        self._rows.append(
            {"theme_id": theme_id, "theme": name, "terms": list(profile), "weights": list(profile.values()), **dates}
        )
        return True

    def carried(self, met: set[str]) -> pl.DataFrame:
        """What the next day knows (KNOWN_THEMES_SCHEMA): those met last, where they are too many."""
        rows = [{**row, "last_seen_on": self._day} if row["theme_id"] in met else row for row in self._rows]
        known = pl.DataFrame(rows, schema=KNOWN_THEMES_SCHEMA)
        order = ["last_seen_on", "first_seen_on", "theme_id"]
        latest = known.sort(order, descending=[True, False, False]).head(self._limit)
        return latest.sort("first_seen_on", "theme_id")


def label(profile: Mapping[str, float], count: int) -> str:
    """What a theme is called: its heaviest terms, pairs of words that follow on each other as one phrase.

    >>> label({"results slow": 0.6, "slow": 0.5, "search results": 0.4, "page": 0.3}, 2)
    'search results slow, page'
    """
    chosen: list[list[str]] = []
    for term in list(profile)[: _TERMS_TRIED * count]:
        words = term.split()
        if any(set(words) <= set(phrase) for phrase in chosen):
            continue
        longer = (joined for phrase in chosen if (joined := _joined(phrase, words)))
        if phrase := next(longer, None):
            place = next(place for place, other in enumerate(chosen) if set(other) <= set(phrase))
            kept = [other for other in chosen if not set(other) <= set(phrase)]
            chosen = [*kept[:place], phrase, *kept[place:]]
        elif len(chosen) < count:
            chosen.append(words)
    return ", ".join(" ".join(phrase) for phrase in chosen)


def _joined(phrase: list[str], pair: list[str]) -> list[str] | None:
    """A phrase made longer by a pair that follows on it, or it on the pair; None where neither does."""
    if len(pair) < 2 or len(phrase) >= _LONGEST_PHRASE:
        return None
    if phrase[-1] == pair[0]:
        return [*phrase, pair[1]]
    return [pair[0], *phrase] if phrase[0] == pair[1] else None


def _id_of(profile: Mapping[str, float]) -> str:
    """16 hex digits of a hash of the terms a theme is born with."""
    return hashlib.blake2b("\x00".join(sorted(profile)).encode(), digest_size=8).hexdigest()


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum(weight * other.get(term, 0.0) for term, weight in one.items())

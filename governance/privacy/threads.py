"""What one text of a thread gives away is masked in all its texts: values found once, and parts of names.

A thread is a ticket with its events, a pull request with its commits and reviews, an incident with its entries, or a
trace with its spans and logs. Its mentions are raw values: they live as landing does, owner-only, and as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import compress

import polars as pl

from governance.privacy.plain_text import plain

MENTIONS_SCHEMA = pl.Schema({"thread": pl.String, "entity": pl.String, "value": pl.String})

_INDEX_SCHEMA = pl.Schema({"entity": pl.String, "value": pl.String, "needle": pl.String, "mention": pl.UInt32})


@dataclass(frozen=True)
class Threading:
    """How the records of a signal come together: by which column, with which signals, over how many days around."""

    column: str
    signals: tuple[str, ...]
    days_around: int | None  # None: all days that landing still holds


# A trace can cross midnight, so its neighbours are read; the others live as long as somebody writes to them.
_THREADINGS = (
    Threading("trace_id", ("spans", "logs"), 1),
    Threading("ticket_id", ("tickets", "ticket_events"), None),
    Threading("pull_request_id", ("pull_requests", "commits", "reviews"), None),
    Threading("incident_id", ("incidents",), None),
)
THREADS: Mapping[str, Threading] = {signal: threading for threading in _THREADINGS for signal in threading.signals}

# Found wherever they stand by their form alone, or too common to be anybody's.
_FOUND_BY_FORM = frozenset(("EMAIL", "IP", "MAC", "IBAN", "COORDINATES", "CARD", "POSTAL_CODE", "SECRET:JWT"))
# Accounts of machines and words that stand behind `user=` or a name's label: masking them everywhere hides the text.
_COMMON = frozenset(
    re.findall(
        r"\S+",
        """root admin administrator guest test tester user users system daemon nobody service services server client
        customer account default demo support info sales contact help anonymous unknown internal external public
        private operator manager owner member agent postgres mysql oracle redis kafka nginx apache www-data ubuntu
        debian centos ec2-user jenkins github gitlab docker kubernetes prometheus grafana backup deploy deployer
        accounts accounting alert alerts bot build data desk dev engineering finance marketing monitor news newsletter
        office ops platform product reply security shop store worker runner robot noreply no-reply mail email login
        logout session password secret token error warning
        failed failure success status active inactive enabled disabled pending closed opened checkout payment
        shipping frontend backend billing orders order cart team hello thanks dear regards street road avenue
        north south east west main first last middle name mister madam from with this that they have your""",
    )
)
# The name that an address spells: two or three words before the @, digits and a tag behind them.
_SPELT = re.compile(r"([^\W\d_]{2,}(?:[._][^\W\d_]{2,}){1,2})[._]?\d*(?:\+[^@]*)?@.*", re.DOTALL)
_WORD = re.compile(r"[^\W\d_][^\W_]*(?:['’-][^\W_]+)*")


@dataclass(frozen=True)
class Mention:
    """A value to look for in the texts of a thread; `whole` is the value whose stand-in it gets."""

    text: str
    entity: str
    whole: str
    is_part: bool

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Whole words, in any case; a single word of a name only as it was written: Mark is no mark."""
        words = self.text.split()
        as_written = self.is_part or (self.entity == "PERSON" and len(words) == 1 and self.text[0].isupper())
        body = r"\s+".join(map(re.escape, words))
        return re.compile(rf"(?<![^\W_]){body}(?![^\W_])", 0 if as_written else re.IGNORECASE)


def spreads(entity: str, value: str) -> bool:
    """Whether a value is told from ordinary words wherever it stands: long, and no common word or small number."""
    if entity in _FOUND_BY_FORM:
        return False
    value = plain(value)[0].strip()
    if len(value) < 4 or len(value) > 256 or value.lower() in _COMMON:
        return False
    if value.isdigit():
        return len(value) >= 6
    return any(map(str.isalnum, value)) and (entity == "PERSON" or len(value) > 4 or not value.isalpha())


def name_spelt(address: str) -> str | None:
    """`Jane Doe` for jane.doe7@example.com, whose owner signs with that name; None: the address spells none."""
    found = _SPELT.fullmatch(address.strip())
    words = re.split(r"[._]", found[1].lower()) if found else []
    return None if not words or _COMMON.intersection(words) else " ".join(map(str.capitalize, words))


@lru_cache(maxsize=16_384)  # an account is in many threads and on many days
def _mentions(entity: str, value: str) -> tuple[Mention, ...]:
    return tuple(_told(entity, value))


def _told(entity: str, value: str) -> Iterator[Mention]:
    value = " ".join(plain(value)[0].split())
    if spreads(entity, value):
        yield Mention(value, entity, value, is_part=False)
    if entity == "PERSON" and len(words := _WORD.findall(value)) > 1:
        for word in words:
            if len(word) > 2 and word[0].isupper() and word.lower() not in _COMMON:
                yield Mention(word, entity, value, is_part=True)


class Known:
    """The mentions of the threads of one batch of records."""

    def __init__(self, mentions: pl.DataFrame, threads: pl.Series) -> None:
        """`mentions` as MENTIONS_SCHEMA; `threads`: the thread of each record of the batch, null for none."""
        present = threads.drop_nulls().unique().implode()
        own = mentions.filter(pl.col("thread").is_in(present)).unique()
        self._mentions: list[Mention] = []
        rows: list[tuple[str, str, str, int]] = []
        for entity, value in own.select("entity", "value").unique().sort(pl.all()).iter_rows():
            for mention in _mentions(entity, value):
                rows.append((entity, value, mention.text.lower(), len(self._mentions)))
                self._mentions.append(mention)
        index = pl.DataFrame(rows, schema=_INDEX_SCHEMA, orient="row")
        told = own.join(index, on=["entity", "value"]).group_by("thread", "needle").agg(pl.col("mention").sort())
        sure = told.filter(pl.col("mention").list.len() == 1).explode("mention", empty_as_null=False)
        unsure = told.filter(pl.col("mention").list.len() > 1)
        decided = [self._decided(mentions) for mentions in unsure["mention"]]
        self._index = pl.concat([sure, unsure.with_columns(mention=pl.Series(decided, dtype=pl.UInt32))])
        self._needles = self._index["needle"].unique()

    def _decided(self, places: pl.Series) -> int:
        """Which of several mentions of one text counts: values before parts; a part of two names stands for itself."""
        mentions = [self._mentions[place] for place in places]
        best = min(range(len(mentions)), key=lambda number: mentions[number].is_part)
        if mentions[best].is_part and len({mention.whole.lower() for mention in mentions}) > 1:
            self._mentions.append(replace(mentions[best], whole=mentions[best].text))
            return len(self._mentions) - 1
        return int(places[best])

    def suspects(self, texts: Mapping[int, str]) -> list[int]:
        """The numbers of the texts that hold a mention of any thread: only these must be looked at by thread."""
        if self._index.is_empty() or not texts:
            return []
        lowered = pl.Series(list(texts.values())).str.to_lowercase()
        return list(compress(texts, lowered.str.contains_any(self._needles.implode())))

    def beside(self, threads: pl.Series, values: pl.Series) -> Mapping[tuple[str, str], tuple[Mention, ...]]:
        """Which (thread, value) hold mentions of their thread, and which; `threads`: that of each value."""
        if self._index.is_empty():
            return {}
        frame = pl.DataFrame({"thread": threads, "value": values}).drop_nulls().unique()
        texts = frame.select(pl.col("value").unique()).with_columns(
            needle=pl.col("value").str.to_lowercase().str.extract_many(self._needles.implode(), overlapping=True)
        )
        hits = texts.explode("needle").drop_nulls().unique()
        found = frame.join(hits, on="value").join(self._index, on=["thread", "needle"])
        grouped = found.group_by("thread", "value").agg(pl.col("mention").unique().sort())
        return {
            (thread, value): tuple(self._mentions[mention] for mention in mentions)
            for thread, value, mentions in grouped.iter_rows()
        }

"""checked -> themes: what tickets and the answers to surveys are about, of all sources together.

```
checked tickets, ticket_events, surveys of D; memory of the latest day of themes before D ... themes/all/tickets D
```
A day names the memory it took by its checksums: that an earlier day was made again makes a later one stale only where
what it hands on has changed. The chain is a function of the checked days alone, in whatever order they came. What a day
took from one that has expired since is not missed; what it took from one that the gate has withheld is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import partial
from pathlib import Path

import polars as pl

from governance.signals import SIGNALS
from governance.themes import ThemesPolicy
from orchestration.lake import Lake
from orchestration.rollups.theme_texts import survey_texts, ticket_texts
from orchestration.rollups.themes import NO_MEMORY, OTHER, Memory, find_themes
from orchestration.stages.dependencies import ALL_SOURCES, Standing, has_expired, is_withheld, standing
from orchestration.stages.tally import Tally

DATASET = f"themes/{ALL_SOURCES}/tickets"
_READ = ("tickets", "ticket_events", "surveys")
_MEMORY = "/memory"  # behind the key of a day: part of a partition, which an input that is a whole one is not
_TABLES = ("known_themes", "recent_texts")


def theme_days(lake: Lake, days: Iterable[str], policy: ThemesPolicy, as_of: datetime) -> Tally:
    """The themes of the texts of these days and of every later one that follows from them, oldest first."""
    tally, first, there = Tally(), min(days, default=""), set(lake.days(DATASET))
    with lake.group_commit():
        for day in [day for day in _days_with_texts(lake) if first and day >= first]:
            before = max((other for other in there if other < day), default=None)
            found, inputs = _standing(lake, day, before, policy)
            if found is None:
                lake.remove(f"{DATASET}/{day}")
                there.discard(day)
            elif found is Standing.STALE:
                tally.days[day] = _make(lake, day, before, inputs, policy, as_of)
                there.add(day)
            else:
                (tally.current if found is Standing.CURRENT else tally.frozen).append(day)
    return tally


def stale_theme_days(lake: Lake, policy: ThemesPolicy) -> Iterator[str]:
    """The days whose themes were made from something else, or under another policy, than they would be now."""
    before, there = None, set(lake.days(DATASET))
    for day in _days_with_texts(lake):
        if _standing(lake, day, before, policy)[0] in (None, Standing.STALE):
            yield day
        before = day if day in there else before


def _standing(lake: Lake, day: str, before: str | None, policy: ThemesPolicy) -> tuple[Standing | None, dict[str, str]]:
    """What is to be done with a day (None: to be removed, the gate withheld all its texts), and its inputs of now.

    Args:
        before: the latest day of themes before it.
    """
    made, texts = lake.manifest(f"{DATASET}/{day}"), lake.digests(_checked(lake, day))
    if made is not None and not texts:
        taken = [name for name in made.inputs if not name.endswith(_MEMORY)]
        return (None if all(is_withheld(lake, name) for name in taken) else Standing.FROZEN), {}
    inputs = {**texts, **_memory_input(lake, before, dict(made.inputs) if made else {})}
    return standing(made, inputs, policy.digest, partial(has_expired, lake)), inputs


def _make(
    lake: Lake, day: str, before: str | None, inputs: dict[str, str], policy: ThemesPolicy, as_of: datetime
) -> dict[str, int]:
    texts = pl.concat(
        [
            ticket_texts(_records(lake, "tickets", day), _records(lake, "ticket_events", day), policy),
            survey_texts(_records(lake, "surveys", day), policy),
        ]
    )
    memory = Memory(*(lake.read(f"{DATASET}/{before}", table) for table in _TABLES)) if before else NO_MEMORY
    found = find_themes(texts, memory, date.fromisoformat(day), policy)
    with lake.replace(f"{DATASET}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
        out.write("text_themes", found.texts)
        for table, frame in zip(_TABLES, (found.memory.known, found.memory.recent), strict=True):
            out.write(table, frame)
        themed = found.texts.filter(pl.col("theme_id") != OTHER)
        out.counts = {"texts": found.texts.height, "texts_with_theme": themed.height}
    return {**out.counts, "known_themes": found.memory.known.height}


def _records(lake: Lake, signal: str, day: str) -> pl.LazyFrame:
    """The checked records of a day, of every source, with `source`."""
    schema = pl.Schema({"source": pl.String(), **SIGNALS[signal].schema})
    own = [key for key in _checked(lake, day) if key.split("/")[2] == signal]
    read = [
        lake.scan([key], "records", SIGNALS[signal].schema).with_columns(source=pl.lit(key.split("/")[1]))
        for key in own
    ]
    return pl.concat([pl.LazyFrame(schema=schema), *(frame.select(schema.names()) for frame in read)])


def _checked(lake: Lake, day: str) -> list[str]:
    """The checked partitions of a day that have texts."""
    keys = (f"{path.relative_to(lake.root).as_posix()}/{day}" for path in _folders(lake))
    return [key for key in keys if lake.exists(key)]


def _folders(lake: Lake) -> list[Path]:
    return sorted(path for path in (lake.root / "checked").glob("*/*") if path.name in _READ)


def _days_with_texts(lake: Lake) -> list[str]:
    """Days that have texts or had them once, sorted."""
    datasets = [path.relative_to(lake.root).as_posix() for path in _folders(lake) if path.name != "ticket_events"]
    return sorted({day for dataset in (DATASET, *datasets) for day in lake.days(dataset)})


def _memory_input(lake: Lake, before: str | None, taken: dict[str, str]) -> dict[str, str]:
    """The checksums of what a day takes from the days before; what has expired since it was taken stays named."""
    if before is not None and (made := lake.manifest(f"{DATASET}/{before}")):
        return {f"{DATASET}/{before}{_MEMORY}": "+".join(made.tables[table].sha256[:16] for table in _TABLES)}
    return {
        name: checksum
        for name, checksum in taken.items()
        if name.endswith(_MEMORY) and not is_withheld(lake, name.removesuffix(_MEMORY))
    }

"""Records with one id: which of them are the same, and what becomes of those that are not.

Of most signals a record is something that happened: what comes with its id again is the same record, and what came
first is kept. Of others it is how something stood at a time (governance.signals: `is_versioned`), and systems tell that
time by the second: two versions that differ can carry one id. Both are kept, and the one received later counts as the
later: its id is the first's with `~002` behind it, which models that order by time and id put last. Two spans of one id
that are two sides of a call (governance.signals: `apart_by`) are both kept, with ids like that by which side they are:
in whatever order they came, they are the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import polars as pl

from governance.signals import PROVENANCE, Signal

_LATER = re.compile(r"~(\d{3})$")
_BASE, _SAID = "__base", "__said"


@dataclass(frozen=True)
class Once:
    """Records each once, and how many of their ids had come with more than one content."""

    rows: pl.DataFrame
    conflicts: int


def id_shared(signal: Signal) -> pl.Expr:
    """The id that records which are kept beside one another have in common."""
    record_id = pl.col("record_id")
    return record_id.str.replace(_LATER.pattern, "") if signal.is_versioned or signal.apart_by else record_id


def once(signal: Signal, together: pl.DataFrame) -> Once:
    """Each record once.

    Args:
        together: what landed before, then what was received, in the order of arrival: that decides, never chance.
    """
    based = together.with_columns(id_shared(signal).alias(_BASE))
    if not based[_BASE].is_duplicated().any():
        return Once(together, 0)
    is_shared = pl.col(_BASE).is_duplicated()
    # Where a record was read and what it took there are no part of what it says.
    said = pl.struct(pl.all().exclude(*PROVENANCE, "raw_bytes", "record_id", _BASE)).struct.json_encode()
    variants = (
        based.filter(is_shared)
        .with_columns(said.alias(_SAID))
        .unique([_BASE, _SAID], keep="first", maintain_order=True)
    )
    conflicts = variants.filter(pl.struct(_BASE, *signal.apart_by).is_duplicated())[_BASE].n_unique()
    if signal.is_versioned:
        kept = _with_own_ids(variants)
    else:
        kept = variants.unique([_BASE, *signal.apart_by], keep="first", maintain_order=True)
        if signal.apart_by:
            kept = _with_own_ids(kept.sort(_BASE, *signal.apart_by).with_columns(pl.col(_BASE).alias("record_id")))
    rows = pl.concat([based.filter(~is_shared).drop(_BASE), kept.drop(_BASE, _SAID)])
    return Once(rows, conflicts)


def _with_own_ids(variants: pl.DataFrame) -> pl.DataFrame:
    return variants.with_columns(pl.Series("record_id", _own_ids(variants), dtype=pl.String))


def _own_ids(variants: pl.DataFrame) -> Iterator[str]:
    """An id for each: that which it landed with, else the next that is free."""
    places = variants.select(_BASE, "record_id").rows()
    taken = {record_id for base, record_id in places if record_id != base}
    for base, record_id in places:
        if record_id != base:
            yield record_id
            continue
        own = next(one for place in count(1) if (one := f"{base}~{place:03}" if place > 1 else base) not in taken)
        taken.add(own)
        yield own

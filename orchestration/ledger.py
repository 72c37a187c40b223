"""The ledger: what became of every record, per source, signal and day, from the manifests of the lake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from governance.quality import applicable, unbalanced
from orchestration.lake import Lake

COUNTS = (
    "pulled",
    "malformed",
    "duplicates",
    "conflicts",
    "landed",
    "held",
    "anonymized",
    "checked",
    "released",
    "quarantined",
    "discarded",
    "withheld",
    "sampled",
    "sampled_out",
    "sampled_bytes",
    "sampled_out_bytes",
    "cut_error_traces",
    "cut_slow_traces",
    "cut_rare_traces",
    "cut_new_template_traces",
    "canaries",
    "canaries_masked",
    "canaries_held",
    "canaries_leaked",
    "too_late",
)
LEDGER_SCHEMA = pl.Schema(
    [
        ("source", pl.String()),
        ("signal", pl.String()),
        ("event_date", pl.Date()),
        *((count, pl.Int64()) for count in COUNTS),
        ("is_balanced", pl.Boolean()),
        ("is_withheld", pl.Boolean()),
    ]
)
# Later states first: they carry the counts of the states before them, which speak for themselves while they exist.
_STATES = ("sampled", "checked", "quarantine", "anonymized", "landing", "late")


def ledger(lake: Lake) -> pl.DataFrame:
    """One row per source, signal and day (LEDGER_SCHEMA); null where a stage has not run.

    is_balanced: every equation whose terms are known holds (see governance.quality.balance); null where none is known.
    too_late is no term of any: the records that came when their day took nothing in any more.
    is_withheld: the gate let nothing of the day pass; null where it has not judged.
    """
    places: dict[tuple[str, str, str], dict[str, int]] = {}
    withheld: dict[tuple[str, str, str], bool] = {}
    for state in _STATES:
        for key in lake.keys(state):
            _, source, signal, day = key.split("/")
            manifest = lake.manifest(key)
            if manifest is None:  # removed since it was listed
                continue
            place = (source, signal, day)
            counts = {name: count for name, count in manifest.counts.items() if name in COUNTS}
            places.setdefault(place, {}).update(counts)
            if state == "checked":
                withheld[place] = False
            elif state == "quarantine":
                withheld[place] = manifest.facts.get("blocked") == "true"
    rows = [_row(place, counts, is_withheld=withheld.get(place)) for place, counts in sorted(places.items())]
    return pl.DataFrame(rows, LEDGER_SCHEMA, orient="row")


def came_too_late(frame: pl.DataFrame) -> pl.DataFrame:
    """The days of a ledger with records that came when they were closed."""
    return frame.filter(pl.col("too_late") > 0)


def cut_traces(frame: pl.DataFrame) -> dict[str, int] | None:
    """How many failing and slow traces of a ledger the sampling's budget cost, on how many days; None: none.

    Of rare operations and new templates it is to leave some out; the ledger alone says how many.
    """
    cut = frame.filter(pl.col("cut_error_traces") + pl.col("cut_slow_traces") > 0)
    counts = cut.select(
        failing=pl.col("cut_error_traces").sum(),
        slow=pl.col("cut_slow_traces").sum(),
        days=pl.col("event_date").n_unique(),
    )
    return counts.row(0, named=True) if cut.height else None


def _row(place: tuple[str, str, str], counts: Mapping[str, int], *, is_withheld: bool | None) -> tuple[object, ...]:
    source, signal, day = place
    is_balanced = not unbalanced(counts) if applicable(counts) else None
    counted = (counts.get(name) for name in COUNTS)
    return (source, signal, date.fromisoformat(day), *counted, is_balanced, is_withheld)

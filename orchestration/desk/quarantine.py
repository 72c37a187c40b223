"""What is in quarantine: rows that failed, by day and expectation, with who answers and for how long they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import polars as pl

from governance.errors import UsageError, one_of
from governance.quality import Suite, load_suite
from governance.retention import load_retention
from orchestration.lake import Lake

# One row per dataset, day and expectation; a row that failed two of them is in both.
WAITING_SCHEMA = pl.Schema(
    {
        "source": pl.String(),
        "signal": pl.String(),
        "day": pl.Date(),
        "expectation": pl.String(),
        "owner": pl.String(),
        "rows": pl.Int64(),
        "age_days": pl.Int64(),  # since the end of the day
        "expires_on": pl.Date(),  # null: kept for ever
        "is_releasable": pl.Boolean(),
        "is_day_withheld": pl.Boolean(),
    }
)


def waiting(lake: Lake, now: datetime, dataset: str = "") -> pl.DataFrame:
    """What waits in quarantine (WAITING_SCHEMA), oldest first.

    Args:
        dataset: `<source>/<signal>`; empty: all.

    Raises:
        UsageError: the gate has judged no such dataset.
    """
    if dataset:
        _check_judged(lake, dataset)
    keys = lake.keys(f"quarantine/{dataset}" if dataset else "quarantine")
    found = [row for key in keys for row in _waiting(lake, key, now)]
    return pl.DataFrame(found, WAITING_SCHEMA, orient="row").sort("day", "source", "signal", "expectation")


def quarantined_rows(lake: Lake, dataset: str, day: str, expectation: str = "") -> pl.DataFrame:
    """The rows of a day in quarantine, anonymised, with `expectations` and `owner`; those that failed one, where named.

    Raises:
        UsageError: the dataset has no such day, or nothing of it failed that expectation.
    """
    key = quarantine_key(lake, dataset, day)
    rows = lake.read(key)
    if not expectation:
        return rows
    failed = rows.filter(pl.col("expectations").list.contains(expectation))
    if failed.is_empty():
        names = rows["expectations"].explode().drop_nulls().unique().to_list()
        raise UsageError(f"{dataset} {day}: no row in quarantine failed {expectation}; {one_of(expectation, names)}")
    return failed


def quarantine_key(lake: Lake, dataset: str, day: str) -> str:
    """The partition of the verdict on a day.

    Raises:
        UsageError: the gate has judged no such day.
    """
    key = f"quarantine/{dataset}/{day}"
    if not lake.exists(key):
        _check_judged(lake, dataset)
        days = lake.days(f"quarantine/{dataset}")
        raise UsageError(f"{dataset} {day}: the gate has judged no such day; it has those of {days[0]} to {days[-1]}")
    return key


def _check_judged(lake: Lake, dataset: str) -> None:
    datasets = {"/".join(name.split("/")[1:3]) for name in lake.keys("quarantine")}
    if dataset not in datasets:
        raise UsageError(f"dataset {dataset}: the gate has judged none of that name; {one_of(dataset, datasets)}")


def final_expectations(suite: Suite, failed: list[str]) -> list[str]:
    """Of the expectations that a row failed, those that it can never be released from."""
    known = {one.name: one for one in suite.expectations}
    return [name for name in failed if name in known and not suite.is_releasable(known[name])]


def _waiting(lake: Lake, key: str, now: datetime) -> Iterator[tuple[object, ...]]:
    manifest = lake.manifest(key)
    if manifest is None or not manifest.rows("records"):
        return
    _, source, signal, text = key.split("/")
    day, suite = date.fromisoformat(text), load_suite(f"{source}/{signal}")
    kept = load_retention().states["quarantine"].days
    judged_on = datetime.fromisoformat(manifest.as_of).date()
    expires = judged_on + timedelta(days=kept) if kept else None
    age = max(0, (now.date() - day).days - 1)
    failed = lake.scan([key], "records", pl.Schema()).select("expectations").collect()["expectations"].explode()
    owners = {one.name: suite.owner_of(one) for one in suite.expectations}
    for name, rows in failed.value_counts().iter_rows():
        is_releasable = not final_expectations(suite, [name])
        is_withheld = manifest.facts["blocked"] == "true"
        owner = owners.get(name, suite.owner)
        yield source, signal, day, name, owner, rows, age, expires, is_releasable, is_withheld

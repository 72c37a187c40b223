"""retain: partitions whose time is over are removed, and a proof row says so.

Per state and day of expiry there is one partition `retention/<state>/<day>` with two tables: `proofs` (what was
removed) and `intended` (what is about to be). Intents come first, then the removal, then the proofs: a kill in between
leaves intents, which the next run carries out; and nothing is proved that was not removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import polars as pl

from governance.retention import RetentionPolicy, expired
from governance.signals import TIMESTAMP
from orchestration.lake import Lake, Manifest

# The fact of a day of raw data that says when it landed first.
FIRST_LANDED = "first_landed"
PROOFS_SCHEMA = pl.Schema(
    [
        ("key", pl.String()),
        ("state", pl.String()),
        ("source", pl.String()),
        ("signal", pl.String()),  # null for received: a document can hold several
        ("day", pl.String()),  # null for received
        ("rows", pl.Int64()),  # of all tables of the partition
        ("pulled_at", TIMESTAMP),
        ("expired_at", TIMESTAMP),
        ("policy", pl.String()),  # digest of the retention policy
        ("manifest", pl.String()),  # digest of the manifest: what exactly was removed
    ]
)


def expire(lake: Lake, policy: RetentionPolicy, as_of: datetime) -> pl.DataFrame:
    """Remove what is over at `as_of`; returns a proof row per removed partition (PROOFS_SCHEMA)."""
    done = [_settle(lake, key, as_of) for key in lake.keys("retention")]
    for state in policy.states:
        found = {key: manifest for key in lake.keys(state) if (manifest := lake.manifest(key))}
        over = expired(((key, _pulled_at(lake, key, manifest)) for key, manifest in found.items()), as_of, policy)
        if over:
            proofs_key = f"retention/{state}/{as_of.astimezone(UTC).date()}"
            intended = pl.DataFrame(
                [_proof(lake, key, found[key], policy, as_of) for key in over], PROOFS_SCHEMA, orient="row"
            )
            _write(lake, proofs_key, _proofs(lake, proofs_key), intended, as_of)
            done.append(_settle(lake, proofs_key, as_of))
    return pl.concat([pl.DataFrame(schema=PROOFS_SCHEMA), *done])


def proofs(lake: Lake) -> pl.DataFrame:
    """Every proof there is, one row per removed partition."""
    return pl.concat([pl.DataFrame(schema=PROOFS_SCHEMA), *(_proofs(lake, key) for key in lake.keys("retention"))])


def removed_of(lake: Lake, key: str) -> frozenset[str]:
    """The keys of the partitions that a retention partition says are removed, or are about to be."""
    return frozenset(pl.concat([_proofs(lake, key), lake.read(key, "intended")])["key"])


def _settle(lake: Lake, key: str, as_of: datetime) -> pl.DataFrame:
    """Carry out the intents of a retention partition and turn them into proofs; returns the new ones."""
    intended = lake.read(key, "intended")
    if intended.is_empty():
        return intended
    removed = list(_removed(lake, intended.iter_rows(named=True)))
    proven = intended.filter(pl.col("key").is_in(removed))
    _write(lake, key, pl.concat([_proofs(lake, key), proven]), intended.clear(), as_of)
    return proven


def _removed(lake: Lake, intended: Iterable[dict[str, str]]) -> Iterable[str]:
    """Remove each partition unless it was replaced since; also sweeps what a kill left of it."""
    for intent in intended:
        manifest = lake.manifest(intent["key"])
        if manifest is None or manifest.digest == intent["manifest"]:
            lake.remove(intent["key"])
            yield intent["key"]


def _proofs(lake: Lake, key: str) -> pl.DataFrame:
    return lake.read(key, "proofs") if lake.exists(key) else pl.DataFrame(schema=PROOFS_SCHEMA)


def _write(lake: Lake, key: str, proven: pl.DataFrame, intended: pl.DataFrame, as_of: datetime) -> None:
    with lake.replace(key, as_of=as_of) as out:
        out.write("proofs", proven)
        out.write("intended", intended)
        out.counts = {"proofs": proven.height, "intended": intended.height}


def _pulled_at(lake: Lake, key: str, manifest: Manifest) -> datetime:
    """When the pull was that its age counts from: of a day of raw data the first, once all of it is anonymised.

    Each late record and each export of everything lands its day again: from the last, raw data would never expire.
    """
    first = manifest.facts.get(FIRST_LANDED)
    if first and lake.digests([key]).items() <= _made_of(lake, key.replace("landing", "anonymized", 1)).items():
        return datetime.fromisoformat(first).astimezone(UTC)
    return datetime.fromisoformat(manifest.as_of).astimezone(UTC)


def _made_of(lake: Lake, key: str) -> Mapping[str, str]:
    made = lake.manifest(key)
    return made.inputs if made else {}


def _proof(lake: Lake, key: str, manifest: Manifest, policy: RetentionPolicy, as_of: datetime) -> tuple[object, ...]:
    state, source, *rest = key.split("/")
    signal, day = rest if len(rest) == 2 else (None, None)
    rows = sum(table.rows for table in manifest.tables.values())
    pulled_at = _pulled_at(lake, key, manifest)
    return (key, state, source, signal, day, rows, pulled_at, as_of, policy.digest, manifest.digest)

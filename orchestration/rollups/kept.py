"""How much of each service a sample kept: beside the rollups, which count all, this says what the policy saves."""

from __future__ import annotations

import polars as pl

from governance.sampling import require
from orchestration.rollups.schemas import KEPT_SCHEMA


def count_kept(sampled: pl.DataFrame) -> pl.DataFrame:
    """Records and the bytes they took in their source (KEPT_SCHEMA); one row per service.

    Args:
        sampled: one row per kept record: service and raw_bytes are needed.
    """
    counted = sampled.group_by("service").agg(record_count=pl.len().cast(pl.Int64), raw_bytes=pl.col("raw_bytes").sum())
    return require(counted.sort("service"), KEPT_SCHEMA, "kept records")

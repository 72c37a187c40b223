from collections.abc import Callable

import polars as pl

from governance.sampling import SAMPLED_SPANS_SCHEMA
from orchestration.rollups.kept import count_kept
from orchestration.rollups.schemas import KEPT_SCHEMA

Frame = Callable[..., pl.DataFrame]


def test_kept_records_and_their_bytes_are_counted_by_service(spans: Frame) -> None:
    kept = spans({"raw_bytes": 100}, {"raw_bytes": 50}, {"service": None, "raw_bytes": 7}, {"service": "pay"})
    assert count_kept(kept).rows() == [(None, 1, 7), ("cart", 2, 150), ("pay", 1, 0)]


def test_of_nothing_nothing_is_counted() -> None:
    assert count_kept(pl.DataFrame(schema=SAMPLED_SPANS_SCHEMA)).equals(pl.DataFrame(schema=KEPT_SCHEMA))

"""The templates a source is known to log: what one day hands to the next, so that ids last and new ones are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from governance.log_templates import TemplatePolicy
from governance.sampling import require
from orchestration.rollups.schemas import KNOWN_TEMPLATES_SCHEMA, TEMPLATE_COUNTS_SCHEMA


@dataclass(frozen=True)
class Past:
    """What the days before say to a day of log records.

    Attributes:
        known: the known templates of the latest day before (KNOWN_TEMPLATES_SCHEMA).
        counts: records by template of the days it is compared with (TEMPLATE_COUNTS_SCHEMA).
    """

    known: pl.DataFrame
    counts: pl.DataFrame


NO_PAST = Past(pl.DataFrame(schema=KNOWN_TEMPLATES_SCHEMA), pl.DataFrame(schema=TEMPLATE_COUNTS_SCHEMA))


def still_known(known: pl.DataFrame, day: date, policy: TemplatePolicy) -> pl.DataFrame:
    """`known` without what was last met too long before `day`."""
    since = day - timedelta(days=policy.forget_after_days)
    return require(known, KNOWN_TEMPLATES_SCHEMA, "known templates").filter(pl.col("last_seen_on") >= since)


def carry(known: pl.DataFrame, met: pl.DataFrame, day: date, policy: TemplatePolicy) -> pl.DataFrame:
    """What the next day knows; one row per template, sorted.

    Args:
        known: what this day knew (see `still_known`).
        met: service, severity, template_id and template (as it has become) of the templates met on this day.
    """
    before = known.select("template_id", "first_seen_on")
    seen = (
        met.lazy()
        .join(before.lazy(), on="template_id", how="left")
        .with_columns(first_seen_on=pl.col("first_seen_on").fill_null(pl.lit(day)), last_seen_on=pl.lit(day, pl.Date()))
        .select(KNOWN_TEMPLATES_SCHEMA.names())
    )
    carried = pl.concat([seen, known.lazy().join(seen, on="template_id", how="anti")])
    latest = (
        carried.sort("last_seen_on", "first_seen_on", "template_id", descending=[True, False, False])
        .filter(pl.int_range(pl.len()).over("service") < policy.max_known_per_service)
        .sort("service", "severity", "template_id")
        .collect()
    )
    return require(latest, KNOWN_TEMPLATES_SCHEMA, "carried templates")

"""Which rows are kept once all of them have been counted, and how many each kept one stands for.

Whole traces are kept or dropped, with their log records. A kept row carries `weight` = 1 / the probability it had, and
`kept_because`. Probabilities never depend on the draw, so sums of weights are unbiased estimates of counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson
import polars as pl
from pydantic import Field

from governance.errors import FeedbackError
from governance.policy import Policy, Strict, load_policy
from governance.signals import RESOURCE, SIGNALS, TIMESTAMP

# One row per trace of a day: what the verdicts are made from.
TRAITS_SCHEMA = pl.Schema(
    {
        "trace_id": pl.String(),
        "account_id": pl.String(),
        "has_error": pl.Boolean(),
        "is_slow": pl.Boolean(),
        "is_rare": pl.Boolean(),
        "is_forced": pl.Boolean(),
        "first_span_at": TIMESTAMP,
        "root_service": pl.String(),
        "root_operation": pl.String(),
        "root_duration_ns": pl.Int64(),
        "span_count": pl.Int64(),
    }
)
# One row per trace seen from a day; weight and kept_because are null where the trace is dropped.
VERDICTS_SCHEMA = pl.Schema({"trace_id": pl.String, "weight": pl.Float64, "kept_because": pl.String})
# One row per log record: which template it is an instance of.
RECORD_TEMPLATES_SCHEMA = pl.Schema({"record_id": pl.String, "template_id": pl.String})

_KEPT = pl.Schema({"weight": pl.Float64, "kept_because": pl.String})
SAMPLED_SPANS_SCHEMA = pl.Schema({**SIGNALS["spans"].schema, **_KEPT})
SAMPLED_LOGS_SCHEMA = pl.Schema({**SIGNALS["logs"].schema, **_KEPT})


class TracePolicy(Strict):
    """What makes a trace worth keeping, and the share of those that nothing speaks for."""

    ordinary_share: float = Field(gt=0, le=1)
    slow_percentile: float = Field(gt=0, lt=1)
    slow_days: int = Field(ge=1, le=90)
    rare_share: float = Field(ge=0, lt=1)


class LogPolicy(Strict):
    """The share of log records without a trace, and the size up to which a template is kept whole."""

    ordinary_share: float = Field(gt=0, le=1)
    kept_whole_up_to: int = Field(ge=0)


class RollupLimits(Strict):
    """How many values a dimension may have per service and day before the rest is '(other)'."""

    max_values_per_service: int = Field(ge=1)
    max_templates_per_service: int = Field(ge=1)


class Attribute(Strict):
    """One attribute of a record, both parts as text."""

    key: str
    value: str


class AlwaysKeep(Strict):
    """Records and traces that no share may drop."""

    trace_ids: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    def matches(self) -> pl.Expr:
        """Whether a record (span or log) is one of them: by id, trace or attribute."""
        found = pl.col("record_id").is_in(self.record_ids) | pl.col("trace_id").is_in(self.trace_ids)
        for attribute in self.attributes:
            wanted = (pl.element().struct["key"] == attribute.key) & (pl.element().struct["value"] == attribute.value)
            found = found | pl.col("attributes").list.eval(wanted).list.any().fill_null(value=False)
            found = found | pl.col(RESOURCE).str.contains(_entry(attribute), literal=True).fill_null(value=False)
        return found.fill_null(value=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """What a frame needs for `matches`."""
        return ("record_id", "trace_id", RESOURCE, "attributes") if self.attributes else ("record_id", "trace_id")


def _entry(attribute: Attribute) -> str:
    """An attribute as it stands in a resource: within a text, quotes are escaped, so that it can stand nowhere else."""
    return f"{orjson.dumps(attribute.key).decode()}:{orjson.dumps(attribute.value).decode()}"


class SamplingPolicy(Policy):
    """`policies/sampling.yml`."""

    traces: TracePolicy
    logs: LogPolicy
    rollups: RollupLimits
    always_keep: AlwaysKeep = AlwaysKeep()

    @property
    def rates(self) -> dict[str, float]:
        """The shares of ordinary rows, by signal: stored with each sampled day, since the policy may change after."""
        return {"spans": self.traces.ordinary_share, "logs": self.logs.ordinary_share}


def load_sampling_policy() -> SamplingPolicy:
    """The sampling policy in force.

    Raises:
        PolicyError: the file is wrong, see `governance.policy.load`.
    """
    return load_policy("sampling", SamplingPolicy)


def require(frame: pl.DataFrame, schema: Mapping[str, pl.DataType], where: str) -> pl.DataFrame:
    """`frame` reduced to the columns of `schema`, in its order.

    Raises:
        FeedbackError: a column is missing or has another type.
    """
    for name, wanted in schema.items():
        found = frame.schema.get(name)
        if found != wanted:
            raise FeedbackError(f"{where}: column {name} is {found or 'missing'}; expected {wanted}; pass that state")
    return frame if frame.columns == list(schema) else frame.select(schema.keys())


def verdicts(
    before: pl.DataFrame | None,
    day: pl.DataFrame,
    after: pl.DataFrame | None,
    policy: SamplingPolicy,
    *,
    stored_shares: tuple[float | None, float | None, float | None] = (None, None, None),
) -> pl.DataFrame:
    """Keep or drop; one row per trace of the three days (a log record can be a day away from its spans).

    A pure function of the traits of the day and its neighbours. A trace seen on more than one day is kept with
    weight 1: each of its days sees a neighbour, so they all agree, however many days there are and whatever happened
    on those out of sight. (Only a trace that pauses for a whole day looks like two.)

    Args:
        before, after: traits of the neighbours; None where they do not exist (yet).
        stored_shares: the share of ordinary traces each of the three days was sampled with, where it is stored.
    """
    share = policy.traces.ordinary_share
    seen = pl.concat(
        require(traits, TRAITS_SCHEMA, "verdicts, traits").with_columns(
            share=pl.lit(share if stored is None else stored)
        )
        for traits, stored in zip((before, day, after), stored_shares, strict=True)
        if traits is not None
    )
    flags = pl.col("has_error", "is_slow", "is_rare", "is_forced").any()
    traces = seen.group_by("trace_id").agg(flags, pl.len().alias("days"), pl.col("share").max()).sort("trace_id")
    is_drawn = pl.col("kept_because") == "share"
    judged = traces.with_columns(kept_because=_reason(_draws(traces["trace_id"]))).with_columns(
        weight=pl.when(is_drawn).then(1 / pl.col("share")).when(~is_drawn).then(1.0)
    )
    return require(judged, VERDICTS_SCHEMA, "verdicts")


def _reason(draws: pl.Series) -> pl.Expr:
    """Why a trace is kept; null where it is not."""
    reason = pl.when(pl.col("days") > 1).then(pl.lit("crosses_midnight"))
    certain = {"has_error": "error", "is_slow": "slow", "is_rare": "rare", "is_forced": "forced"}
    for flag, word in certain.items():
        reason = reason.when(flag).then(pl.lit(word))  # type: ignore[assignment]  # polars types the chain by its length
    return reason.when(draws < pl.col("share")).then(pl.lit("share"))


def sample_spans(spans: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """The spans of the kept traces, with weight and reason; one row per span. A span without trace id is kept.

    Raises:
        FeedbackError: a trace has no verdict: the verdicts were made from the traits of another state of the day.
    """
    spans = require(spans, SIGNALS["spans"].schema, "sample spans")
    judged = spans.join(
        _judged(verdicts).with_columns(has_verdict=True), on="trace_id", how="left", maintain_order="left"
    )
    without_trace = pl.col("trace_id").is_null()
    lost = judged.select((pl.col("has_verdict").is_null() & ~without_trace).sum()).item()
    if lost:
        raise FeedbackError(
            f"sample spans: {lost} spans have no verdict; expected one per trace; make the traits again"
        )
    kept = judged.with_columns(
        weight=pl.when(without_trace).then(1.0).otherwise("weight"),
        kept_because=pl.when(without_trace).then(pl.lit("no_trace")).otherwise("kept_because"),
    ).filter(pl.col("weight").is_not_null())
    return require(kept, SAMPLED_SPANS_SCHEMA, "sampled spans")


def template_rates(
    logs: pl.DataFrame, verdicts: pl.DataFrame, record_templates: pl.DataFrame, policy: SamplingPolicy
) -> dict[str, float]:
    """Template id -> probability of its records that follow no trace; the caller stores it with the day."""
    counts = (
        logs.select("record_id", "trace_id")
        .join(_judged(verdicts), on="trace_id", how="anti")
        .join(require(record_templates, RECORD_TEMPLATES_SCHEMA, "template rates"), on="record_id")
        .group_by("template_id")
        .len()
        .sort("template_id")
    )
    share, whole = policy.logs.ordinary_share, policy.logs.kept_whole_up_to
    return {template: min(1.0, max(share, whole / count)) for template, count in counts.iter_rows()}


def sample_logs(
    logs: pl.DataFrame,
    verdicts: pl.DataFrame,
    record_templates: pl.DataFrame,
    rates: Mapping[str, float],
    policy: SamplingPolicy,
) -> pl.DataFrame:
    """The kept log records, with weight and reason; one row per record.

    A record follows its trace where that has a verdict; else it is drawn by its id at the rate of its template
    (`rates`, see `template_rates`; a template without a rate is new, and kept whole).
    """
    logs = require(logs, SIGNALS["logs"].schema, "sample logs")
    rated = require(record_templates, RECORD_TEMPLATES_SCHEMA, "sample logs, record templates").select(
        "record_id",
        rate=pl.col("template_id").replace_strict(rates, default=1.0, return_dtype=pl.Float64),
    )
    judged = logs.join(
        _judged(verdicts).with_columns(follows=True), on="trace_id", how="left", maintain_order="left"
    ).join(rated, on="record_id", how="left", maintain_order="left")
    judged = judged.with_columns(pl.col("follows").fill_null(value=False), pl.col("rate").fill_null(1.0))
    kept = judged.with_columns(
        kept_because=_log_reason(policy, _draws(judged["record_id"])),
        weight=pl.when("follows").then("weight").otherwise(1 / pl.col("rate")),
    ).filter(pl.col("kept_because").is_not_null())
    is_forced = pl.col("kept_because") == "forced"
    kept = kept.with_columns(weight=pl.when(is_forced).then(1.0).otherwise("weight"))
    return require(kept, SAMPLED_LOGS_SCHEMA, "sampled logs")


def _log_reason(policy: SamplingPolicy, draws: pl.Series) -> pl.Expr:
    """Why a log record is kept; null where it is not.

    What is kept for certain comes before any draw: a record that two rules could keep would weigh too much.
    """
    return (
        pl.when(pl.col("follows") & (pl.col("weight") == 1))
        .then("kept_because")
        .when(policy.always_keep.matches())
        .then(pl.lit("forced"))
        .when("follows")
        .then("kept_because")
        .when(pl.col("rate") >= 1)
        .then(pl.lit("whole_template"))
        .when(draws < pl.col("rate"))
        .then(pl.lit("template_share"))
    )


def _judged(verdicts: pl.DataFrame) -> pl.DataFrame:
    return require(verdicts, VERDICTS_SCHEMA, "verdicts")


def _draws(ids: pl.Series) -> pl.Series:
    """A number in [0, 1) for each id, always the same: some systems' ids are not uniform, their BLAKE2b is.

    Not polars' own hash, which changes between versions; about 1 M ids/s.
    """
    blake2b, read = hashlib.blake2b, int.from_bytes
    return pl.Series(
        [read(blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48 for text in ids.fill_null("")],
        dtype=pl.Float64,
    )

from collections.abc import Callable

import polars as pl
import pytest

from governance.errors import FeedbackError
from governance.sampling import (
    SAMPLED_LOGS_SCHEMA,
    SAMPLED_SPANS_SCHEMA,
    Attribute,
    SamplingPolicy,
    sample_logs,
    sample_spans,
    template_rates,
    verdicts,
)

Frame = Callable[..., pl.DataFrame]


def templates_of(logs: pl.DataFrame) -> pl.DataFrame:
    return logs.select("record_id", template_id="body")


def sampled(logs: pl.DataFrame, judged: pl.DataFrame, policy: SamplingPolicy) -> pl.DataFrame:
    rates = template_rates(logs, judged, templates_of(logs), policy)
    return sample_logs(logs, judged, templates_of(logs), rates, policy)


def test_traces_are_kept_or_dropped_whole_with_their_logs(
    spans: Frame, logs: Frame, traits: Frame, policy: SamplingPolicy
) -> None:
    names = [f"t{n}" for n in range(100)]
    judged = verdicts(None, traits(*[{"trace_id": t, "has_error": t == "t0"} for t in names]), None, policy)
    kept_spans = sample_spans(spans(*[{"trace_id": t} for t in names * 3]), judged)
    kept_logs = sampled(logs(*[{"trace_id": t} for t in names * 2]), judged, policy)
    columns = ["trace_id", "weight", "kept_because"]
    whole = judged.drop_nulls().rows()
    assert sorted(kept_spans.select(columns).rows()) == sorted(whole * 3)
    assert sorted(kept_logs.select(columns).rows()) == sorted(whole * 2)
    assert ("t0", 1.0, "error") in whole
    assert 10 < len(whole) < 45


def test_samples_have_the_signals_columns_and_two_more(
    spans: Frame, logs: Frame, traits: Frame, policy: SamplingPolicy
) -> None:
    judged = verdicts(None, traits(), None, policy)
    assert sample_spans(spans(), judged).schema == SAMPLED_SPANS_SCHEMA
    assert sampled(logs(), judged, policy).schema == SAMPLED_LOGS_SCHEMA


def test_a_span_without_verdict_stops_the_stage(spans: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    judged = verdicts(None, traits({"trace_id": "other"}), None, policy)
    with pytest.raises(FeedbackError, match="1 spans have no verdict"):
        sample_spans(spans({}), judged)


def test_a_span_without_trace_is_kept(spans: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    kept = sample_spans(spans({"trace_id": None}), verdicts(None, traits(), None, policy))
    assert kept.select("weight", "kept_because").rows() == [(1.0, "no_trace")]


@pytest.mark.parametrize(
    ("records", "rate"),
    [
        (1, 1.0),
        (20, 1.0),  # kept whole up to 20
        (40, 0.5),  # about 20 are kept
        (1000, 0.25),  # the ordinary share
    ],
)
def test_the_rate_of_a_template_follows_its_size(
    logs: Frame, traits: Frame, policy: SamplingPolicy, records: int, rate: float
) -> None:
    day = logs(*[{"body": "a"}] * records, {"body": "a", "trace_id": "t"}, {"body": "b", "trace_id": "t"})
    judged = verdicts(None, traits({"trace_id": "t"}), None, policy)
    assert template_rates(day, judged, templates_of(day), policy) == {"a": rate}


def test_records_whose_trace_has_no_spans_are_drawn_by_template(
    logs: Frame, traits: Frame, policy: SamplingPolicy
) -> None:
    kept = sampled(logs({"trace_id": "unseen"}, {}), verdicts(None, traits(), None, policy), policy)
    assert kept["kept_because"].to_list() == ["whole_template", "whole_template"]


def test_weights_of_logs_add_up_to_their_number(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    day = logs(*[{"body": "often"}] * 8_000, *[{"body": "rare"}] * 5)
    kept = sampled(day, verdicts(None, traits(), None, policy), policy)
    by_body = dict(kept.group_by("body").agg(pl.col("weight").sum()).iter_rows())
    assert by_body["rare"] == 5
    # standard deviation: sqrt(8,000 * 0.25 * 0.75) * 4 = 155; four of them
    assert abs(by_body["often"] - 8_000) < 620


def test_the_order_of_records_changes_nothing(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    day = logs(*[{"body": f"template {n % 3}", "trace_id": f"t{n}" if n % 2 else None} for n in range(300)])
    judged = verdicts(None, traits(*[{"trace_id": f"t{n}"} for n in range(150)]), None, policy)
    kept = sampled(day, judged, policy)
    assert kept.equals(sampled(day, judged, policy))
    assert kept.sort("record_id").equals(
        sampled(day.sort("record_id", descending=True), judged, policy).sort("record_id")
    )


@pytest.mark.parametrize(
    "always",
    [
        {"record_ids": ("r0",)},
        {"trace_ids": ("t0",)},
        {"attributes": (Attribute(key="canary", value="1"),)},
    ],
)
def test_a_forced_record_is_kept_with_weight_one(
    logs: Frame, traits: Frame, policy: SamplingPolicy, always: dict[str, tuple[object, ...]]
) -> None:
    forcing = policy.model_copy(update={"always_keep": policy.always_keep.model_copy(update=always)})
    for trace in ("t0", "t1"):  # dropped, and kept by its draw: a weight of 4 there would count the record twice
        if trace == "t1" and "trace_ids" in always:
            continue
        day = logs({"trace_id": trace, "attributes": [{"key": "canary", "value": "1"}]})
        kept = sampled(day, verdicts(None, traits({"trace_id": trace}), None, policy), forcing)
        assert kept.select("weight", "kept_because").rows() == [(1.0, "forced")]

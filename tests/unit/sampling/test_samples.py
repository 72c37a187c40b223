from collections.abc import Callable, Mapping

import polars as pl
import pytest

from governance.errors import FeedbackError
from governance.sampling import (
    OUTCOMES_SCHEMA,
    SAMPLED_LOGS_SCHEMA,
    SAMPLED_SPANS_SCHEMA,
    VERDICTS_SCHEMA,
    Attribute,
    Rates,
    Sample,
    SamplingPolicy,
    TraceDay,
    count_untraced,
    sample_logs,
    sample_spans,
    template_rates,
    verdicts,
)

Frame = Callable[..., pl.DataFrame]
Day = Callable[..., TraceDay]
NOTHING_JUDGED = pl.DataFrame(schema=VERDICTS_SCHEMA)


def templates_of(logs: pl.DataFrame) -> pl.DataFrame:
    return logs.select("record_id", template_id="body")


def rated(
    logs: pl.DataFrame,
    judged: pl.DataFrame,
    policy: SamplingPolicy,
    new: tuple[str, ...] = (),
    rates: Rates | None = None,
) -> pl.DataFrame:
    ids = pl.Series(new, dtype=pl.String)
    untraced = count_untraced(logs, judged, templates_of(logs))
    return template_rates(untraced, ids, rates or Rates.of_policy(policy), policy)


def sampled(logs: pl.DataFrame, judged: pl.DataFrame, policy: SamplingPolicy) -> Sample:
    return sample_logs(logs, judged, templates_of(logs), rated(logs, judged, policy), policy)


def test_traces_are_kept_or_dropped_whole_with_their_logs(
    spans: Frame, logs: Frame, traits: Frame, day_of: Day, policy: SamplingPolicy
) -> None:
    names = [f"t{n}" for n in range(100)]
    judged = verdicts([day_of(traits(*[{"trace_id": t, "has_error": t == "t0"} for t in names]))])
    kept_spans = sample_spans(spans(*[{"trace_id": t} for t in names * 3]), judged).rows
    kept_logs = sampled(logs(*[{"trace_id": t} for t in names * 2]), judged, policy).rows
    columns = ["trace_id", "weight", "kept_because"]
    whole = judged.filter("is_kept").select("trace_id", "weight", "reason").rows()
    assert sorted(kept_spans.select(columns).rows()) == sorted(whole * 3)
    assert sorted(kept_logs.select(columns).rows()) == sorted(whole * 2)
    assert ("t0", 1.0, "error") in whole
    assert 10 < len(whole) < 45


def test_samples_have_the_signals_columns_and_two_more(spans: Frame, logs: Frame, policy: SamplingPolicy) -> None:
    of_spans, of_logs = sample_spans(spans(), NOTHING_JUDGED), sampled(logs(), NOTHING_JUDGED, policy)
    assert (of_spans.rows.schema, of_logs.rows.schema) == (SAMPLED_SPANS_SCHEMA, SAMPLED_LOGS_SCHEMA)
    assert of_spans.outcomes.schema == of_logs.outcomes.schema == OUTCOMES_SCHEMA


def test_a_span_without_verdict_stops_the_stage(spans: Frame, traits: Frame, day_of: Day) -> None:
    judged = verdicts([day_of(traits({"trace_id": "other"}))])
    with pytest.raises(FeedbackError, match="1 spans have no verdict"):
        sample_spans(spans({}), judged)


def test_a_span_without_trace_is_kept(spans: Frame) -> None:
    kept = sample_spans(spans({"trace_id": None}), NOTHING_JUDGED).rows
    assert kept.select("weight", "kept_because").rows() == [(1.0, "no_trace")]


def test_a_span_id_that_is_there_twice_is_kept_twice(spans: Frame, traits: Frame, day_of: Day) -> None:
    judged = verdicts([day_of(traits({"trace_id": "t", "has_error": True}))])
    twice = spans({"record_id": "r"}, {"record_id": "r", "status": "error"})
    assert sample_spans(twice, judged).rows.select("record_id", "status").rows() == [("r", "ok"), ("r", "error")]


def test_outcomes_count_every_row_by_what_spoke_for_it(spans: Frame, traits: Frame, day_of: Day) -> None:
    judged = verdicts(
        [day_of(traits({"trace_id": "t0", "has_error": True}, {"trace_id": "t1"}, {"trace_id": "t2"}))]
    )  # t1 is drawn, t2 is not
    day = spans(*[{"trace_id": t} for t in ("t0", "t0", "t1", "t2", "t2")], {"trace_id": "t2", "service": "pay"})
    rows = sample_spans(day, judged).outcomes.select("service", "reason", "kept_rows", "removed_rows").rows()
    assert rows == [("cart", "error", 2, 0), ("cart", "share", 1, 2), ("pay", "share", 0, 1)]


@pytest.mark.parametrize(
    ("records", "new", "rates", "expected"),
    [
        (1, (), None, (1.0, "whole_template")),
        (20, (), None, (1.0, "whole_template")),  # kept whole up to 20
        (40, (), None, (0.5, "whole_template")),  # about 20 are kept
        (1000, (), None, (0.25, "template_share")),
        (4, ("a",), None, (1.0, "new_template")),  # 5 of a new template
        (40, ("a",), None, (0.5, "whole_template")),  # the greater of both
        (20, (), Rates(0.1, 0.1, 0.5), (0.5, "whole_template")),
        (1000, (), Rates(0.1, 0.125, 0.5), (0.125, "template_share")),
    ],
)
def test_the_rate_of_a_template_follows_its_size(
    logs: Frame,
    traits: Frame,
    day_of: Day,
    policy: SamplingPolicy,
    records: int,
    new: tuple[str, ...],
    rates: Rates | None,
    expected: tuple[float, str],
) -> None:
    day = logs(*[{"body": "a"}] * records, {"body": "a", "trace_id": "t"}, {"body": "b", "trace_id": "t"})
    judged = verdicts([day_of(traits({"trace_id": "t"}))])
    assert rated(day, judged, policy, new, rates).rows() == [("a", *expected)]


def test_records_whose_trace_has_no_spans_are_drawn_by_template(logs: Frame, policy: SamplingPolicy) -> None:
    kept = sampled(logs({"trace_id": "unseen"}, {}), NOTHING_JUDGED, policy).rows
    assert kept["kept_because"].to_list() == ["whole_template", "whole_template"]


def test_weights_of_logs_add_up_to_their_number(logs: Frame, policy: SamplingPolicy) -> None:
    day = logs(*[{"body": "often"}] * 8_000, *[{"body": "rare"}] * 5)
    kept = sampled(day, NOTHING_JUDGED, policy).rows
    by_body = dict(kept.group_by("body").agg(pl.col("weight").sum()).iter_rows())
    assert by_body["rare"] == 5
    # standard deviation: sqrt(8,000 * 0.25 * 0.75) * 4 = 155; four of them
    assert abs(by_body["often"] - 8_000) < 620


def test_the_order_of_records_changes_nothing(logs: Frame, traits: Frame, day_of: Day, policy: SamplingPolicy) -> None:
    day = logs(*[{"body": f"template {n % 3}", "trace_id": f"t{n}" if n % 2 else None} for n in range(300)])
    judged = verdicts([day_of(traits(*[{"trace_id": f"t{n}"} for n in range(150)]))])
    kept = sampled(day, judged, policy)
    again = sampled(day.sort("record_id", descending=True), judged, policy)
    assert kept.rows.equals(sampled(day.lazy().collect(), judged, policy).rows)
    assert kept.rows.sort("record_id").equals(again.rows.sort("record_id"))
    assert kept.outcomes.equals(again.outcomes)


@pytest.mark.parametrize(
    "always",
    [
        {"record_ids": ("r0",)},
        {"trace_ids": ("t0",)},
        {"attributes": (Attribute(key="canary", value="1"),)},
    ],
)
def test_a_forced_record_is_kept_with_weight_one(
    logs: Frame,
    traits: Frame,
    day_of: Day,
    policy: SamplingPolicy,
    always: Mapping[str, tuple[object, ...]],
) -> None:
    forcing = policy.model_copy(update={"always_keep": policy.always_keep.model_copy(update=dict(always))})
    for trace in ("t0", "t1"):  # dropped, and kept by its draw: a weight of 4 there would count the record twice
        if trace == "t1" and "trace_ids" in always:
            continue
        day = logs({"trace_id": trace, "attributes": [{"key": "canary", "value": "1"}]})
        kept = sampled(day, verdicts([day_of(traits({"trace_id": trace}))]), forcing).rows
        assert kept.select("weight", "kept_because").rows() == [(1.0, "forced")]

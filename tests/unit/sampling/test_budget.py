from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.sampling import (
    VOLUMES_SCHEMA,
    Rates,
    SamplingPolicy,
    log_offer,
    log_volumes,
    rates_after,
    span_volumes,
)

Frame = Callable[..., pl.DataFrame]


def budgeted(policy: SamplingPolicy, per_day: int | None, unit: str = "rows") -> SamplingPolicy:
    """Shares of 0.25, a reserve of 0.2."""
    return policy.model_copy(update={"budget": policy.budget.model_copy(update={"per_day": per_day, "unit": unit})})


def volumes(**parts: int) -> pl.DataFrame:
    rows = [(part, count, 1000 * count) for part, count in parts.items()]
    return pl.DataFrame(rows, schema=VOLUMES_SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("per_day", "offered", "rates"),
    [
        (None, {"ordinary": 10_000}, (0.25, 0.25, 1.0)),
        (5_000, {"prioritised": 1_000, "ordinary": 10_000}, (0.25, 0.25, 1.0)),  # 3,500 are within
        (2_000, {"prioritised": 1_000, "ordinary": 10_000}, (0.1, 0.1, 1.0)),
        (2_000, {"prioritised": 1_000, "ordinary": 5_000, "untraced": 5_000}, (0.1, 0.1, 1.0)),
        (2_000, {"certain": 500, "prioritised": 1_000, "ordinary": 10_000}, (0.05, 0.05, 1.0)),
        # 2,000 prioritised and a reserve of 200 do not fit into 1,000: 800 of them are kept
        (1_000, {"prioritised": 2_000, "ordinary": 10_000}, (0.02, 0.02, 0.4)),
        (1_000, {"prioritised": 2_000, "ordinary": 40}, (0.25, 0.25, 0.49)),  # the reserve is not needed: 990
        (1_000, {"prioritised": 2_000}, (0.25, 0.25, 0.5)),
        # What is always kept takes more than the budget: the rest gets a fifth of it, and a fifth of that the ordinary
        (1_000, {"certain": 5_000, "prioritised": 2_000, "ordinary": 10_000}, (0.004, 0.004, 0.08)),
        (1_000, {"ordinary": 30_000}, (0.0325, 0.0325, 1.0)),  # rounded down to 0.13 of the share
        (1, {"prioritised": 10**12, "ordinary": 10**12}, (2e-13, 2e-13, 8e-13)),
        (1_000, {}, (0.25, 0.25, 1.0)),  # days with no row
    ],
)
def test_rates_follow_from_the_days_before(
    policy: SamplingPolicy, per_day: int, offered: dict[str, int], rates: tuple[float, float, float]
) -> None:
    found = rates_after(volumes(**offered), 1, budgeted(policy, per_day))
    assert (found.ordinary, found.logs, found.prioritised) == pytest.approx(rates)


def test_the_first_day_is_kept_at_the_policys_shares(policy: SamplingPolicy) -> None:
    assert rates_after(volumes(), 0, budgeted(policy, 1)) == Rates.of_policy(policy)


def test_the_mean_of_the_days_counts(policy: SamplingPolicy) -> None:
    three = pl.concat([volumes(ordinary=n) for n in (0, 10_000, 20_000)])
    assert rates_after(three, 3, budgeted(policy, 1_000)).ordinary == pytest.approx(0.1)


def test_a_budget_in_bytes_counts_bytes(policy: SamplingPolicy) -> None:
    assert rates_after(volumes(ordinary=10), 1, budgeted(policy, 1_000, "bytes")).ordinary == pytest.approx(0.1)


def test_a_few_rows_more_change_no_rate(policy: SamplingPolicy) -> None:
    """Else a late span would have a week made again."""
    first, second = (rates_after(volumes(ordinary=n), 1, budgeted(policy, 1_000)) for n in (30_000, 30_007))
    assert first == second


AMOUNT = st.integers(0, 10**9)


@given(per_day=st.integers(1, 10**9), certain=AMOUNT, prioritised=AMOUNT, ordinary=AMOUNT, untraced=AMOUNT)
def test_a_day_like_those_before_it_stays_within_the_budget(
    policy: SamplingPolicy, per_day: int, certain: int, prioritised: int, ordinary: int, untraced: int
) -> None:
    """Except for what is always kept; and every rate is above zero, so that every kept row has a weight."""
    offered = volumes(certain=certain, prioritised=prioritised, ordinary=ordinary, untraced=untraced)
    rates = rates_after(offered, 1, budgeted(policy, per_day))
    kept = rates.prioritised * prioritised + rates.ordinary * ordinary + rates.logs * untraced
    assert kept <= max(per_day - certain, 0.2 * per_day) * (1 + 1e-9)
    assert min(rates.ordinary, rates.logs, rates.prioritised) > 0


def test_spans_are_counted_by_part(traits: Frame, policy: SamplingPolicy) -> None:
    day = traits(
        {"trace_id": "a", "is_forced": True, "has_error": True, "span_count": 1},
        {"trace_id": "b", "has_error": True, "span_count": 2},
        {"trace_id": "c", "is_slow": True, "span_count": 4},
        {"trace_id": "d", "floor_share": 0.5, "span_count": 8},
        {"trace_id": "e", "span_count": 16, "raw_bytes": 7},
    )
    assert span_volumes(day, policy).rows() == [("certain", 1, 100), ("ordinary", 16, 7), ("prioritised", 14, 300)]


@pytest.mark.parametrize(
    ("unit", "per_day", "counted"), [("rows", 1_000, (1_010, 3_000_200)), ("bytes", 50_000, (1_000_010, 50_200))]
)
def test_no_trace_counts_as_more_than_a_days_budget(
    traits: Frame, logs: Frame, policy: SamplingPolicy, unit: str, per_day: int, counted: tuple[int, int]
) -> None:
    """One of a million spans would take all failing traces of the next days to make up for."""
    budget = policy.budget.model_copy(update={"unit": unit, "per_day": per_day})
    limited = policy.model_copy(update={"budget": budget})
    endless = {"trace_id": "a", "has_error": True, "span_count": 1_000_000, "raw_bytes": 3_000_000}
    usual = {"trace_id": "b", "has_error": True, "span_count": 10, "raw_bytes": 200}
    assert span_volumes(traits(endless, usual), limited).rows() == [("prioritised", *counted)]
    day = logs(*[{"trace_id": "a"}] * 1_200).select("record_id", "trace_id", raw_bytes=pl.lit(100, pl.Int64))
    shaped = day.select("record_id", template_id=pl.lit("a"))
    offer = log_offer(day, traits(endless), shaped, limited)
    found = offer.traced.row(0, named=True)
    assert found["row_count" if unit == "rows" else "raw_bytes"] == per_day


def test_logs_are_counted_by_the_part_of_their_trace_or_template(
    logs: Frame, traits: Frame, policy: SamplingPolicy
) -> None:
    rows = [{"trace_id": "failed"}] * 2 + [{"trace_id": "fine"}] * 3 + [{"trace_id": "unseen"}] + [{}] * 39
    day = logs(*rows).select("record_id", "trace_id", raw_bytes=pl.lit(10, pl.Int64))
    shaped = day.select("record_id", template_id=pl.lit("a"))
    known = traits({"trace_id": "failed", "has_error": True}, {"trace_id": "fine"})
    # 40 records follow no trace; of a template of 40, 20 are kept
    assert log_volumes([log_offer(day, known, shaped, policy)], policy).rows() == [
        ("ordinary", 3, 30),
        ("prioritised", 22, 220),
        ("untraced", 40, 400),
    ]

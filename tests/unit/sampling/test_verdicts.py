from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.sampling import VERDICTS_SCHEMA, SamplingPolicy, verdicts

Frame = Callable[..., pl.DataFrame]
DROPPED_ID, KEPT_ID = "t0", "t1"  # drawn 0.64 and 0.11


def decided(found: pl.DataFrame) -> dict[str, tuple[float | None, str | None]]:
    return {trace: (weight, reason) for trace, weight, reason in found.iter_rows()}


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"has_error": True}, (1.0, "error")),
        ({"is_slow": True}, (1.0, "slow")),
        ({"is_rare": True}, (1.0, "rare")),
        ({"is_forced": True}, (1.0, "forced")),
        ({"has_error": True, "is_slow": True}, (1.0, "error")),
        ({}, (None, None)),  # dropped by its draw
        ({"trace_id": KEPT_ID}, (4.0, "share")),
    ],
)
def test_a_trace_is_kept_for_one_reason(
    traits: Frame, policy: SamplingPolicy, row: dict[str, object], verdict: tuple[float, str]
) -> None:
    found = verdicts(None, traits({"trace_id": DROPPED_ID, **row}), None, policy)
    assert list(decided(found).values()) == [verdict]


TRACES = ("t0", "t1", "t2", "t6")
FLAGS = st.fixed_dictionaries(dict.fromkeys(("has_error", "is_slow", "is_rare", "is_forced"), st.booleans()))
DAYS = st.lists(st.dictionaries(st.sampled_from(TRACES), FLAGS, max_size=4), min_size=5, max_size=5)


@settings(deadline=None, max_examples=150)
@given(days=DAYS, policy_changed=st.booleans())
def test_a_trace_on_several_days_has_one_verdict_and_one_weight(
    traits: Frame, policy: SamplingPolicy, days: list[dict[str, dict[str, bool]]], *, policy_changed: bool
) -> None:
    """On any number of days in a row, and for the log records it has on the day before or after."""
    frames = [traits(*[{"trace_id": trace, **flags} for trace, flags in day.items()]) for day in days]
    shares = [0.9 if policy_changed and number < 2 else 0.25 for number in range(5)]
    by_day = [
        decided(verdicts(*frames[n - 1 : n + 2], policy, stored_shares=tuple(shares[n - 1 : n + 2]))) for n in (1, 2, 3)
    ]
    for trace in TRACES:
        on = [n for n in range(5) if trace in days[n]]
        if on and set(on) <= {1, 2, 3} and on == list(range(on[0], on[-1] + 1)):
            assert len({by_day[n - 1][trace] for n in on}) == 1
        if len(on) == 1 and on[0] == 2:
            assert len({by_day[n - 1][trace] for n in (1, 2, 3)}) == 1


def test_a_trace_across_midnight_is_kept_whatever_happened(traits: Frame, policy: SamplingPolicy) -> None:
    one = traits({"trace_id": DROPPED_ID})
    assert decided(verdicts(None, one, one, policy)) == {DROPPED_ID: (1.0, "crosses_midnight")}
    assert decided(verdicts(one, one, None, policy)) == {DROPPED_ID: (1.0, "crosses_midnight")}


def test_the_share_of_a_closed_day_is_the_stored_one(traits: Frame, policy: SamplingPolicy) -> None:
    yesterday, today = traits({"trace_id": KEPT_ID}), traits()
    found = verdicts(yesterday, today, None, policy, stored_shares=(0.5, None, None))
    assert decided(found) == {KEPT_ID: (2.0, "share")}


def test_the_order_of_traces_changes_nothing(traits: Frame, policy: SamplingPolicy) -> None:
    day = traits(*[{"trace_id": f"t{n}", "has_error": n % 7 == 0} for n in range(200)])
    found = verdicts(None, day, None, policy)
    assert found.equals(verdicts(None, day.reverse(), None, policy))
    assert found.schema == VERDICTS_SCHEMA


def test_the_draw_is_the_same_for_ever(traits: Frame, policy: SamplingPolicy) -> None:
    day = traits(*[{"trace_id": f"t{n}"} for n in range(12)])
    kept = verdicts(None, day, None, policy).filter(pl.col("weight").is_not_null())["trace_id"].to_list()
    assert kept == ["t1", "t6"]


def test_a_greater_share_keeps_what_a_smaller_one_kept(traits: Frame, policy: SamplingPolicy) -> None:
    day = traits(*[{"trace_id": f"t{n}"} for n in range(500)])
    small, great = (
        set(verdicts(None, day, None, policy, stored_shares=(None, share, None)).drop_nulls()["trace_id"])
        for share in (0.1, 0.4)
    )
    assert small < great


@pytest.mark.parametrize("ids", ["{:032x}", "{:032d}", "trace-{}"])  # counters, not random numbers
def test_weights_add_up_to_the_number_of_traces(traits: Frame, policy: SamplingPolicy, ids: str) -> None:
    day = traits(*[{"trace_id": ids.format(n), "has_error": n % 10 == 0} for n in range(20_000)])
    total = verdicts(None, day, None, policy)["weight"].sum()
    # standard deviation: sqrt(18,000 * 0.25 * 0.75) * 4 = 232; four of them
    assert abs(total - 20_000) < 930

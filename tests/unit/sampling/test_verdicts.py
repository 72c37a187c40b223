from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.sampling import VERDICTS_SCHEMA, Rates, TraceDay, verdicts

Frame = Callable[..., pl.DataFrame]
Day = Callable[..., TraceDay]
DROPPED_ID, KEPT_ID = "t0", "t1"  # drawn 0.64 and 0.11
CUT = Rates(ordinary=0.05, logs=0.05, prioritised=0.5)


def decided(found: pl.DataFrame) -> dict[str, tuple[bool, float, str]]:
    return {trace: (is_kept, weight, reason) for trace, is_kept, weight, reason in found.iter_rows()}


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"has_error": True}, (True, 1.0, "error")),
        ({"is_slow": True}, (True, 1.0, "slow")),
        ({"is_rare": True}, (True, 1.0, "rare")),
        ({"is_forced": True}, (True, 1.0, "forced")),
        ({"has_error": True, "is_slow": True}, (True, 1.0, "error")),
        ({}, (False, 4.0, "share")),
        ({"trace_id": KEPT_ID}, (True, 4.0, "share")),
        ({"floor_share": 0.8}, (True, 1.25, "floor")),
        ({"trace_id": KEPT_ID, "floor_share": 0.2}, (True, 4.0, "share")),  # the share alone gives more
        ({"has_error": True, "floor_share": 0.8}, (True, 1.0, "error")),
    ],
)
def test_the_greatest_probability_decides(
    traits: Frame, day_of: Day, row: dict[str, object], verdict: tuple[bool, float, str]
) -> None:
    assert list(decided(verdicts([day_of(traits({"trace_id": DROPPED_ID, **row}))])).values()) == [verdict]


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"has_error": True}, (False, 2.0, "error")),
        ({"trace_id": KEPT_ID, "has_error": True}, (True, 2.0, "error")),
        ({"is_slow": True}, (False, 2.0, "slow")),
        ({"is_forced": True}, (True, 1.0, "forced")),  # no budget cuts it
        ({"is_forced": True, "has_error": True}, (True, 1.0, "forced")),
        ({"trace_id": KEPT_ID, "floor_share": 0.5}, (True, 4.0, "floor")),
        ({"trace_id": KEPT_ID}, (False, 20.0, "share")),
    ],
)
def test_a_budget_cuts_everything_but_what_is_always_kept(
    traits: Frame, day_of: Day, row: dict[str, object], verdict: tuple[bool, float, str]
) -> None:
    assert list(decided(verdicts([day_of(traits({"trace_id": DROPPED_ID, **row}), CUT)])).values()) == [verdict]


def test_a_trace_with_a_new_template_is_kept(traits: Frame, day_of: Day) -> None:
    found = verdicts([day_of(traits({"trace_id": DROPPED_ID}, {"trace_id": "t2"}), news={DROPPED_ID: 0.8})])
    assert decided(found)[DROPPED_ID] == (True, 1.25, "new_template")
    assert decided(found)["t2"][2] == "share"


def test_news_of_a_day_without_spans_of_the_trace_say_nothing(traits: Frame, day_of: Day) -> None:
    """Else the days of a trace would not see the same."""
    found = verdicts([day_of(traits({"trace_id": DROPPED_ID})), day_of(traits(), news={DROPPED_ID: 1.0})])
    assert decided(found) == {DROPPED_ID: (False, 4.0, "share")}


TRACES = ("t0", "t1", "t2", "t6")
FLAGS = st.fixed_dictionaries(
    {
        **dict.fromkeys(("has_error", "is_slow", "is_rare", "is_forced"), st.booleans()),
        "floor_share": st.sampled_from((None, 0.3, 0.9)),
    }
)
DAYS = st.lists(st.dictionaries(st.sampled_from(TRACES), FLAGS, max_size=4), min_size=5, max_size=5)
RATES = st.lists(st.sampled_from((CUT, Rates(0.9, 0.9), Rates(0.25, 0.25))), min_size=5, max_size=5)


@settings(deadline=None, max_examples=150)
@given(days=DAYS, rates=RATES, news=st.lists(st.sampled_from((None, {"t0": 0.7})), min_size=5, max_size=5))
def test_a_trace_on_several_days_has_one_verdict_and_one_weight(
    traits: Frame,
    day_of: Day,
    days: list[dict[str, dict[str, bool]]],
    rates: list[Rates],
    news: list[dict[str, float] | None],
) -> None:
    """On any number of days in a row, and for the log records it has on the day before or after."""
    frames = [traits(*[{"trace_id": trace, **flags} for trace, flags in day.items()]) for day in days]
    told = [day_of(*each) for each in zip(frames, rates, news, strict=True)]
    by_day = [decided(verdicts(told[n - 1 : n + 2])) for n in (1, 2, 3)]
    for trace in TRACES:
        on = [n for n in range(5) if trace in days[n]]
        if on and set(on) <= {1, 2, 3} and on == list(range(on[0], on[-1] + 1)):
            assert len({by_day[n - 1][trace] for n in on}) == 1
        if len(on) == 1 and on[0] == 2:
            assert len({by_day[n - 1][trace] for n in (1, 2, 3)}) == 1


def test_a_trace_across_midnight_is_kept_whatever_happened_and_whatever_the_budget(traits: Frame, day_of: Day) -> None:
    one = day_of(traits({"trace_id": DROPPED_ID}), CUT)
    assert decided(verdicts([one, one])) == {DROPPED_ID: (True, 1.0, "crosses_midnight")}


def test_the_rates_are_those_of_the_traces_own_day(traits: Frame, day_of: Day) -> None:
    yesterday, today = day_of(traits({"trace_id": KEPT_ID}), Rates(0.5, 0.5)), day_of(traits())
    assert decided(verdicts([yesterday, today])) == {KEPT_ID: (True, 2.0, "share")}


def test_the_order_of_traces_changes_nothing(traits: Frame, day_of: Day) -> None:
    day = traits(*[{"trace_id": f"t{n}", "has_error": n % 7 == 0} for n in range(200)])
    found = verdicts([day_of(day)])
    assert found.equals(verdicts([day_of(day.reverse())]))
    assert found.schema == VERDICTS_SCHEMA


def test_without_days_there_are_no_verdicts() -> None:
    assert verdicts([]).schema == VERDICTS_SCHEMA


def test_a_greater_share_keeps_what_a_smaller_one_kept(traits: Frame, day_of: Day) -> None:
    day = traits(*[{"trace_id": f"t{n}"} for n in range(500)])
    small, great = (
        set(verdicts([day_of(day, Rates(share, share))]).filter("is_kept")["trace_id"]) for share in (0.1, 0.4)
    )
    assert small < great


@pytest.mark.parametrize("rates", [Rates(0.25, 0.25), Rates(0.25, 0.25, 0.6)])
def test_weights_add_up_to_the_number_of_traces(traits: Frame, day_of: Day, rates: Rates) -> None:
    day = traits(*[{"trace_id": f"trace-{n}", "has_error": n % 10 == 0} for n in range(20_000)])
    total = verdicts([day_of(day, rates)]).filter("is_kept")["weight"].sum()
    # standard deviation: sqrt(18,000 * 0.25 * 0.75) * 4 = 232, with errors cut 235; four of them
    assert abs(total - 20_000) < 940

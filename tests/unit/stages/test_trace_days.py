from collections.abc import Callable

import polars as pl
import pytest

from orchestration.rollups.traits import unite_traits
from orchestration.stages.trace_days import find_news, news_candidates

Frame = Callable[..., pl.DataFrame]


def test_traits_of_several_sources_are_those_of_one_trace(traits: Frame) -> None:
    seen = traits(
        {"trace_id": "t", "has_error": True, "span_count": 2, "floor_share": 0.25, "root_service": "web"},
        {"trace_id": "t", "is_slow": True, "span_count": 3, "floor_share": 0.5, "account_id": "a"},
        {"trace_id": "u"},
    )
    united = unite_traits(seen)
    assert united.equals(unite_traits(seen.reverse()))
    assert united["trace_id"].to_list() == ["t", "u"]
    trace = united.row(0, named=True)
    assert (trace["has_error"], trace["is_slow"], trace["is_rare"]) == (True, True, False)
    assert (trace["span_count"], trace["raw_bytes"], trace["floor_share"]) == (5, 200, 0.5)
    assert (trace["root_service"], trace["account_id"]) == ("web", "a")
    assert trace["draw"] == traits({"trace_id": "t"})["draw"][0]


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (0, []),
        (1, ["t1"]),  # t1 is drawn at 0.11, t0 at 0.64
        (2, ["t0", "t1"]),
        (5, ["t0", "t1"]),
    ],
)
def test_the_first_traces_of_a_new_template_are_news(logs: Frame, number: int, found: list[str]) -> None:
    day = logs({"trace_id": "t0"}, {"trace_id": "t0"}, {"trace_id": "t1"}, {"trace_id": "t2"}, {"trace_id": None})
    shaped = pl.DataFrame({"record_id": day["record_id"], "template_id": ["new", "new", "new", "old", "new"]})
    new = pl.Series("template_id", ["new"])
    of_parts = [(day[:3], shaped[:3]), (day[3:], shaped[3:])]
    news = find_news(pl.concat([news_candidates(logs, own, new, number) for logs, own in of_parts]), number)
    assert news["trace_id"].to_list() == found
    if number == 1:
        assert news["new_template_share"].round(2).to_list() == [0.64]

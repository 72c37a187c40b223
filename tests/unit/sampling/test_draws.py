import statistics

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.sampling import draws, shares_of_the_first


def first(ids: list[str], number: int, service: str = "cart") -> pl.DataFrame:
    drawn = pl.DataFrame({"trace_id": ids, "service": service, "draw": draws(pl.Series(ids))})
    return shares_of_the_first(drawn.lazy(), "service", "trace_id", number).sort("trace_id").collect()


def test_a_draw_is_the_same_for_ever() -> None:
    assert draws(pl.Series(["t0", "t1", None])).round(6).to_list() == [0.635482, 0.108004, 0.866604]


@pytest.mark.parametrize("ids", ["{:032x}", "{:032d}", "trace-{}"])  # counters, not random numbers
def test_draws_of_counters_are_uniform(ids: str) -> None:
    drawn = draws(pl.Series([ids.format(n) for n in range(20_000)]))
    # standard deviation of a share: sqrt(.25 / 20,000) = 0.0035 at most; four of them
    assert all(abs((drawn < share).mean() - share) < 0.0142 for share in (0.01, 0.1, 0.5, 0.9))


@settings(deadline=None, max_examples=60)
@given(ids=st.sets(st.text("abc", min_size=1, max_size=5), max_size=30), number=st.integers(0, 8))
def test_the_first_are_those_below_their_share(ids: set[str], number: int) -> None:
    found = first(sorted(ids), number)
    assert found.height == min(number, len(ids))
    shares = dict(found.iter_rows())
    order = sorted(ids, key=lambda name: draws(pl.Series([name]))[0])
    assert set(shares) == set(order[:number])
    if len(ids) <= number:
        assert set(shares.values()) <= {1.0}
    assert all(draws(pl.Series([name]))[0] < share for name, share in shares.items())


def test_of_several_groups_the_greatest_share_counts() -> None:
    met = pl.DataFrame({"trace_id": ["a", "b", "a"], "service": ["cart", "cart", "pay"], "draw": [0.1, 0.2, 0.1]})
    assert shares_of_the_first(met.lazy(), "service", "trace_id", 1).collect().rows() == [("a", 1.0)]


def test_the_weights_of_the_first_are_unbiased() -> None:
    totals = [(1 / first([f"world {world} trace {n}" for n in range(50)], 5)["share"]).sum() for world in range(1500)]
    # standard deviation of a total about 50 / sqrt(5 - 1) = 25, of the mean of 1,500 of them 0.65; four of those
    assert abs(statistics.fmean(totals) - 50) < 2.6

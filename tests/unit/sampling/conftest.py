from collections.abc import Callable, Mapping

import polars as pl
import pytest

from governance.sampling import NEWS_SCHEMA, Rates, SamplingPolicy, TraceDay

Day = Callable[..., TraceDay]


@pytest.fixture(scope="session")
def day_of(policy: SamplingPolicy) -> Day:
    """A day of traits at the policy's rates, or others; `news` is trace -> its probability by a new template."""

    def made(traits: pl.DataFrame, rates: Rates | None = None, news: Mapping[str, float] | None = None) -> TraceDay:
        told = pl.DataFrame(list((news or {}).items()), schema=NEWS_SCHEMA, orient="row")
        return TraceDay(traits, told, rates or Rates.of_policy(policy))

    return made

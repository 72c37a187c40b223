"""Coverage where it can be computed exactly, over every sample there is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from governance.estimates import rates
from governance.estimates.limits import LEAST_TRACES, trace_limits


@pytest.mark.parametrize("kept", [0.5, 0.25, 0.1, 0.01])
def test_the_number_of_traces_is_covered_however_rarely_it_gets_limits(kept: float) -> None:
    """Among the samples with enough drawn traces, for populations of which 1 to 200 are drawn on average."""
    drawn = np.arange(LEAST_TRACES, 500)
    sums = pl.DataFrame({"drawn_traces": drawn}).with_columns(
        weights=pl.col("drawn_traces") / kept,
        squared_weights=pl.col("drawn_traces") / kept**2,
        variances=pl.col("drawn_traces") * (1 - kept) / kept**2,
    )
    low, high = trace_limits()
    limits = sums.select(low=low, high=high)
    coverages = {}
    for expected in (*range(1, 60), *range(60, 200, 7)):
        population = round(expected / kept)
        likely = binom.pmf(drawn, population, kept)
        is_covered = ((limits["low"] <= population) & (limits["high"] >= population)).to_numpy()
        if likely.sum() > 0:
            coverages[expected] = (likely * is_covered).sum() / likely.sum()
    assert min(coverages.values()) > 0.94
    assert max(coverage for expected, coverage in coverages.items() if expected > 2 * LEAST_TRACES) < 0.965


@pytest.mark.parametrize("traces", [30, 100, 300])
def test_a_share_of_any_size_is_covered(traces: int) -> None:
    with_flag = np.arange(traces + 1)
    rows = pl.DataFrame({
        "with_flag": np.repeat(with_flag, traces),
        "trace_id": np.tile(np.arange(traces), traces + 1),
        "weight": 1e6,
        "is_complete": False,
    })  # fmt: skip
    found = rates(rows, ["with_flag"], pl.col("trace_id") < pl.col("with_flag"))
    coverages = [
        (binom.pmf(with_flag, traces, share) * ((found["low"] <= share) & (found["high"] >= share)).to_numpy()).sum()
        for share in np.linspace(0.0005, 0.9995, 700)
    ]
    assert min(coverages) > 0.94

"""The macros say in SQL what `governance.estimates` says in Python, to nine digits."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb
import jinja2
import numpy as np
import polars as pl
import pytest

from governance.estimates import limits, means, quantiles, rates, totals
from orchestration.settings import PROJECT

MACROS = PROJECT / "dbt_project" / "macros"
KEYS = ["day", "service"]
VALUE, FLAG, CERTAIN = pl.col("value"), pl.col("flag"), pl.col("flag_is_certain")

PYTHON: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "estimated_totals('sampled', keys)": lambda rows: totals(rows, KEYS),
    "estimated_totals('sampled', keys, 'value')": lambda rows: totals(rows, KEYS, VALUE.fill_null(0)),
    "estimated_means('sampled', keys, 'value')": lambda rows: means(rows, KEYS, VALUE),
    "estimated_rates('sampled', keys, 'flag')": lambda rows: rates(rows, KEYS, FLAG),
    "estimated_rates('sampled', keys, 'flag', 'flag_is_certain')": lambda rows: rates(rows, KEYS, FLAG, CERTAIN),
    "estimated_quantiles('sampled', keys, 'value', 0.5)": lambda rows: quantiles(rows, KEYS, VALUE, 0.5),
    "estimated_quantiles('sampled', keys, 'value', 0.95)": lambda rows: quantiles(rows, KEYS, VALUE, 0.95),
}


def sampled(seed: int, traces: int) -> pl.DataFrame:
    """Rows of some days and services: a day that is complete, a service with hardly any traces, nulls among values."""
    draws = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(traces), draws.integers(1, 6, traces))
    weights = np.where(draws.random(traces) < 0.3, 1.0, draws.choice([4.0, 20.0], traces))
    days = draws.integers(0, 3, traces)
    weights[days == 0] = 1.0
    values = np.round(draws.lognormal(2, 1, len(numbers)), 1)
    services = np.where(draws.random(len(numbers)) < 0.03, "quiet", draws.choice(["cart", "mail"], len(numbers)))
    return pl.DataFrame({
        "day": days[numbers],
        "service": services,
        "trace_id": [f"t{number}" for number in numbers],
        "weight": weights[numbers],
        "is_complete": (days == 0)[numbers],
        "value": pl.Series(values).set(pl.Series(draws.random(len(numbers)) < 0.05), None),
        "flag": draws.random(len(numbers)) < 0.04 + 0.4 * (days[numbers] == 2),
        "flag_is_certain": days[numbers] != 2,
    })  # fmt: skip


def sql_of(call: str) -> str:
    """What dbt makes of the macro."""
    texts = [(MACROS / name).read_text() for name in ("estimate_parts.sql", "estimates.sql")]
    return jinja2.Environment().from_string(f"{''.join(texts)}{{{{ {call} }}}}").render(keys=KEYS)


@pytest.mark.parametrize("call", PYTHON)
@pytest.mark.parametrize(("seed", "traces"), [(1, 900), (2, 200), (3, 40), (4, 1)])
def test_sql_and_python_say_the_same(call: str, seed: int, traces: int) -> None:
    rows = sampled(seed, traces)
    with duckdb.connect() as connection:
        connection.register("rows", rows.to_arrow())
        connection.execute("create table sampled as select * from rows")
        if call == "estimated_totals('sampled', keys, 'value')":
            connection.execute("update sampled set value = 0 where value is null")
        found = connection.execute(sql_of(call)).pl().sort(KEYS)
    expected = PYTHON[call](rows)
    assert (
        found.select(*KEYS, "drawn_traces", "reason").rows() == expected.select(*KEYS, "drawn_traces", "reason").rows()
    )
    for column in ("estimate", "low", "high"):
        known = [one[column].cast(pl.Float64).fill_null(float("nan")).to_list() for one in (found, expected)]
        assert known[0] == pytest.approx(known[1], rel=1e-9, abs=1e-9, nan_ok=True), column


def test_random_rows_give_intervals_exact_figures_and_none() -> None:
    found = totals(sampled(1, 900), KEYS)
    assert found["reason"].null_count() > 0
    assert "too_few_traces" in found["reason"].to_list()
    assert found.filter(pl.col("low") == pl.col("high"))["day"].unique().to_list() == [0]


@pytest.mark.parametrize(
    ("macro", "constant"),
    [
        ("normal_quantile", limits.Z),
        ("least_traces", limits.LEAST_TRACES),
        ("least_of_a_kind", limits.LEAST_OF_A_KIND),
        ("least_beyond", limits.LEAST_BEYOND),
        ("whole_trace", limits.WHOLE_TRACE),
    ],
)
def test_both_have_the_same_constants(macro: str, constant: float) -> None:
    text = (MACROS / "estimate_parts.sql").read_text()
    assert float(re.search(rf"macro {macro}\(\) -%}}([\d.]+)", text)[1]) == constant

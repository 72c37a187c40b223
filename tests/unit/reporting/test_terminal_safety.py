"""Text of a record can hold anything; a terminal that shows it must not obey it."""

import io

import duckdb
import pytest
from rich.console import Console

from orchestration.reporting.summary import show_summary


@pytest.mark.parametrize("column", ["title", "reason"])
@pytest.mark.parametrize("sign", ["\x1b[2J", "\x1b]0;owned\x07", "\x9b2J"])
def test_control_signs_of_a_record_are_shown_not_obeyed(warehouse, column, sign):
    deployment = warehouse()
    with duckdb.connect(str(deployment.warehouse)) as connection:
        connection.execute(f"update marts.rpt_pain_points set {column} = ? where rank = 1", [f"a{sign} [red]c"])
    out = io.StringIO()
    show_summary(Console(file=out, width=100, highlight=False), deployment)
    assert not {"\x1b", "\x07", "\x9b"} & set(out.getvalue())
    assert "[red]c" in out.getvalue()

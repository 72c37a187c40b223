"""The quality gate: which rows may be counted, which are set aside, and which days are withheld whole."""

from governance.quality.aggregates import offending
from governance.quality.balance import EQUATIONS, applicable, unbalanced
from governance.quality.expecting import load_engine
from governance.quality.judging import (
    FEW_QUARANTINED,
    NEVER_WAIVED,
    RESULTS_SCHEMA,
    Judged,
    RowCounts,
    Verdict,
    conclude,
    judge_rows,
    quarantine_schema,
    withhold,
)
from governance.quality.rulings import DayRulings, Rulings, Waiver
from governance.quality.suites import Expectation, QualityPolicy, Suite, load_quality, load_suite, load_suites

__all__ = [
    "EQUATIONS",
    "FEW_QUARANTINED",
    "NEVER_WAIVED",
    "RESULTS_SCHEMA",
    "DayRulings",
    "Expectation",
    "Judged",
    "QualityPolicy",
    "RowCounts",
    "Rulings",
    "Suite",
    "Verdict",
    "Waiver",
    "applicable",
    "conclude",
    "judge_rows",
    "load_engine",
    "load_quality",
    "load_suite",
    "load_suites",
    "offending",
    "quarantine_schema",
    "unbalanced",
    "withhold",
]

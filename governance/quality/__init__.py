"""The quality gate: which rows may be counted, which are set aside, and which days are withheld whole."""

from governance.quality.aggregates import offending
from governance.quality.balance import EQUATIONS, applicable, unbalanced
from governance.quality.comparing import is_usual, lost_references
from governance.quality.expecting import load_engine
from governance.quality.judging import (
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
from governance.quality.loading import load_quality, load_source_suites, load_suite, load_suites
from governance.quality.policy import FEW_QUARANTINED, OWN_FACTS, QualityPolicy
from governance.quality.rulings import DayRulings, Rulings, Waiver
from governance.quality.suites import COMPARING, REFERS, USUAL, Expectation, Suite

__all__ = [
    "COMPARING",
    "EQUATIONS",
    "FEW_QUARANTINED",
    "NEVER_WAIVED",
    "OWN_FACTS",
    "REFERS",
    "RESULTS_SCHEMA",
    "USUAL",
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
    "is_usual",
    "judge_rows",
    "load_engine",
    "load_quality",
    "load_source_suites",
    "load_suite",
    "load_suites",
    "lost_references",
    "offending",
    "quarantine_schema",
    "unbalanced",
    "withhold",
]

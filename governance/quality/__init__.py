"""The quality gate: which rows may be counted, which are set aside, and which days are withheld whole."""

from governance.quality.balance import EQUATIONS, applicable, unbalanced
from governance.quality.expecting import load_engine
from governance.quality.judging import RESULTS_SCHEMA, Verdict, judge, judge_days, quarantine_schema, withhold
from governance.quality.suites import Expectation, GatePolicy, Suite, load_gate, load_suite, load_suites

__all__ = [
    "EQUATIONS",
    "RESULTS_SCHEMA",
    "Expectation",
    "GatePolicy",
    "Suite",
    "Verdict",
    "applicable",
    "judge",
    "judge_days",
    "load_engine",
    "load_gate",
    "load_suite",
    "load_suites",
    "quarantine_schema",
    "unbalanced",
    "withhold",
]

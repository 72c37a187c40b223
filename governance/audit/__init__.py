"""The decision record: who decided what, why and when, so that nobody can change it unseen."""

from governance.audit.chain import Problem
from governance.audit.decision import JSON, Decision, Recorded
from governance.audit.head import Head, read_head
from governance.audit.record import URL_VARIABLE, DecisionRecord, Verification

__all__ = [
    "JSON",
    "URL_VARIABLE",
    "Decision",
    "DecisionRecord",
    "Head",
    "Problem",
    "Recorded",
    "Verification",
    "read_head",
]

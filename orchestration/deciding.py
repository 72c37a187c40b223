"""The decision record of a deployment: where it is kept, and what it says to the gate."""

from __future__ import annotations

import os
from datetime import datetime

from governance.audit import URL_VARIABLE, DecisionRecord
from governance.quality import Rulings
from governance.quality.rulings import RULING_KINDS
from orchestration.settings import Home


def decision_record(deployment: Home) -> DecisionRecord:
    """The decisions of a deployment: in its home, or in the PostgreSQL database that FEEDBACK_DECISIONS_URL names.

    Raises:
        FeedbackError: the URL is of another kind of database, or its driver is not installed.
    """
    folder = deployment.decisions
    return DecisionRecord.open(os.environ.get(URL_VARIABLE) or folder / "decisions.sqlite", folder / "head.json")


def rulings_at(deployment: Home, as_of: datetime) -> Rulings:
    """What stewards have decided about rows and failures, with the waivers that are in force at a time.

    Raises:
        FeedbackError: the record cannot be read or is not whole: the gate then judges nothing.
    """
    return Rulings(decision_record(deployment).entries(RULING_KINDS), as_of)

"""The decision record of a deployment: where it is kept."""

from __future__ import annotations

import os

from governance.audit import URL_VARIABLE, DecisionRecord
from orchestration.settings import Home


def decision_record(deployment: Home) -> DecisionRecord:
    """The decisions of a deployment: in its home, or in the PostgreSQL database that FEEDBACK_DECISIONS_URL names.

    Raises:
        FeedbackError: the URL is of another kind of database, or its driver is not installed.
    """
    folder = deployment.decisions
    return DecisionRecord.open(os.environ.get(URL_VARIABLE) or folder / "decisions.sqlite", folder / "head.json")

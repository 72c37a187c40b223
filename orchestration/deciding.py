"""The decision record of a deployment: where it is, what it says to the gate, what is recorded of runs."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from governance.audit import JSON, URL_VARIABLE, Decision, DecisionRecord, Recorded
from governance.policy import file_hashes
from governance.quality import Rulings
from governance.quality.rulings import RULING_KINDS
from orchestration.settings import Home

# The policies that this process knows to be on record, by deployment: they are asked for before every step.
_on_record: dict[Path, str] = {}


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


def os_user() -> str:
    """The user this process runs as, whatever the environment says."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # as in a container
        return f"uid {os.geteuid()}"


def decide(deployment: Home, kind: str, what: Mapping[str, JSON], by: str, why: str) -> Recorded:
    """Record a decision that needs no role, made now by `by`, or by the user that this process runs as."""
    return decision_record(deployment).append(Decision(kind, by or os_user(), why, datetime.now(UTC), what))


def record_policies(deployment: Home) -> None:
    """Record under which policies it goes on from here, where a file of them is not as it was recorded last.

    Raises:
        FeedbackError: it cannot be recorded: nothing runs under policies that nobody could name afterwards.
    """
    hashes = file_hashes()
    digest = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()[:16]
    if _on_record.get(deployment.root) == digest:
        return
    last = decision_record(deployment).last("policy")
    if last is None or last.decision.what.get("digest") != digest:
        before = last.decision.what["files"] if last else None
        known = before if isinstance(before, Mapping) else {}
        named = sorted({*hashes, *known}) if last else []
        changed = [name for name in named if hashes.get(name) != known.get(name)]
        why = "Files differ from those on record." if last else "First run: these files are in force."
        decide(deployment, "policy", {"digest": digest, "changed": changed, "files": hashes}, "", why)
    _on_record[deployment.root] = digest

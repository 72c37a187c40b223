"""publish: one file per role, and a record of which data each publication was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from governance.access import load_access
from orchestration.lake import Lake
from orchestration.serving.publishing import publish
from orchestration.settings import Home


@dataclass(frozen=True)
class Publication:
    """One role's file: rows by table, and whether newer data passed the gate since the publication before."""

    name: str
    counts: Mapping[str, int]
    has_new_data: bool


def publish_roles(lake: Lake, deployment: Home, as_of: datetime) -> list[Publication]:
    """Write every role's file.

    Freshness counts from the newest data that passed the gate, not from the last run: so a publication is news only
    where the checked partitions differ from those of the one before.
    """
    policy = load_access()
    passed = lake.state_digest("checked")
    publications = []
    for name, role in policy.roles.items():
        counts = publish(deployment.warehouse, deployment.published / f"{name}.duckdb", role, as_of)
        key = f"publications/{name}"
        before = lake.manifest(key)
        with lake.replace(key, as_of=as_of, inputs={"checked": passed}, policy=policy.digest) as out:
            out.counts = dict(counts)
        is_new = before is None or before.inputs["checked"] != passed
        publications.append(Publication(name, counts, is_new))
    return publications

"""publish: one file per role, and a record of which data each publication was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.access import load_access
from governance.errors import PolicyError
from governance.metrics import Metric
from orchestration.lake import Lake
from orchestration.serving.behind import JUDGED_SCHEMA, Behind
from orchestration.serving.catalogue import load_catalogue
from orchestration.serving.publishing import publish
from orchestration.settings import Home
from orchestration.stages.field_lineage import Lineage, signals_of, unmarked
from orchestration.stages.restating import judged_days, restate


@dataclass(frozen=True)
class Publication:
    """One role's file: rows by table, and whether newer data passed the gate since the publication before."""

    name: str
    counts: Mapping[str, int]
    has_new_data: bool


def note_definitions(lake: Lake, catalogue: Sequence[Metric], as_of: datetime) -> None:
    """Remember the formula of each version of each metric.

    Raises:
        PolicyError: a metric has another formula than the one published before under the same name and version.
    """
    key = "definitions/metrics"
    before = lake.manifest(key)
    known = dict(before.facts) if before else {}
    for metric in catalogue:
        version = f"{metric.name} v{metric.about.version}"
        if known.setdefault(version, metric.formula_hash) != metric.formula_hash:
            raise PolicyError(
                f"metric {metric.name}: its formula changed and its version is still {metric.about.version}; readers"
                " would compare what is not the same: raise `version` where it is declared, or take the change back"
            )
    if before is None or known != dict(before.facts):
        with lake.replace(key, as_of=as_of) as out:
            out.facts = known


def publish_roles(lake: Lake, deployment: Home, as_of: datetime) -> list[Publication]:
    """Write every role's file.

    Freshness counts from the newest data that passed the gate, not from the last run: so a publication is news only
    where the checked partitions differ from those of the one before.
    """
    policy, catalogue = load_access(), load_catalogue(deployment.root / "dbt" / "manifest.json")
    note_definitions(lake, catalogue, as_of)
    lineage, days = Lineage.load(deployment.root / "dbt" / "column_lineage.json"), judged_days(lake)
    signals = signals_of(catalogue, lineage)
    # Kept before anything is published: a kill in between publishes it later, but never twice.
    restated = restate(lake, deployment.warehouse, catalogue, signals, days, as_of)
    passed = lake.state_digest("checked")
    publications, unmarked_columns = [], unmarked(policy, lineage)
    for name, role in policy.roles.items():
        behind = Behind(lineage.of_role(role), days.select(list(JUDGED_SCHEMA)), restated, signals, unmarked_columns)
        target = deployment.published / f"{name}.duckdb"
        counts = publish(deployment.warehouse, target, role, as_of, catalogue, behind)
        key = f"publications/{name}"
        before = lake.manifest(key)
        with lake.replace(key, as_of=as_of, inputs={"checked": passed}, policy=policy.digest) as out:
            out.counts = dict(counts)
        is_new = before is None or before.inputs["checked"] != passed
        publications.append(Publication(name, counts, is_new))
    return publications

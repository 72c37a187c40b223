"""publish: one file per role, all or none, and a record of which data each publication was made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from governance.access import Role, load_access
from governance.errors import PolicyError
from governance.metrics import Metric
from orchestration.lake import Lake
from orchestration.serving.behind import JUDGED_SCHEMA, Behind
from orchestration.serving.catalogue import load_catalogue
from orchestration.serving.publishing import publish, share, swapped_in_together
from orchestration.settings import Home
from orchestration.signing import Held, settle
from orchestration.stages.field_lineage import Lineage, signals_of, unmarked
from orchestration.stages.restating import judged_days, restate

WAREHOUSE = "warehouse"  # the fact of a publication that says from which state of it it was made


@dataclass(frozen=True)
class Publication:
    """One role's file: rows by table, whether newer data passed the gate since the publication before, what waits."""

    name: str
    counts: Mapping[str, int]
    has_new_data: bool
    held: Sequence[Held] = ()


def note_definitions(lake: Lake, catalogue: Sequence[Metric], lineage: Lineage, as_of: datetime) -> None:
    """Remember the formula of each version of each metric: its own, and what the columns it reads are computed by.

    What a policy says is no part of it, nor are rows. Digests of another version of the parser are not compared, nor
    is what the transform stage left nothing of: remembered, it would be another formula than any that follows.

    Raises:
        PolicyError: a metric has another formula than the one published before under the same name and version.
    """
    from orchestration.column_logic import MADE_WITH  # loads the parser, which the code location need not wait for

    key = "definitions/metrics"
    before = lake.manifest(key)
    known = dict(before.facts) if before else {}
    for metric in catalogue:
        version = f"{metric.name} v{metric.about.version}"
        if known.setdefault(version, metric.formula_hash) != metric.formula_hash:
            raise _changed(metric, "its formula")
        columns = lineage.logic(f"marts.{metric.table}", metric.columns)
        if columns.keys() != set(metric.columns):
            continue
        before_by = json.loads(known.setdefault(f"{version}, columns by {MADE_WITH}", json.dumps(columns)))
        if others := sorted(name for name in columns if before_by.get(name) != columns[name]):
            raise _changed(metric, f"what {metric.table}.{others[0]} is computed by, there or in a model behind it,")
    if before is None or known != dict(before.facts):
        with lake.replace(key, as_of=as_of) as out:
            out.facts = known


def _changed(metric: Metric, what: str) -> PolicyError:
    return PolicyError(
        f"metric {metric.name}: {what} changed and its version is still {metric.about.version}; readers would compare"
        f" what is not the same: raise its `version` in {metric.declared_in}, or take the change back"
    )


def publish_roles(lake: Lake, deployment: Home, as_of: datetime) -> list[Publication]:
    """Write every role's file, and swap them in together: one that is refused leaves all as they were.

    Freshness counts from the newest data that passed the gate, not from the last run: so a publication is news only
    where the checked partitions differ from those of the one before. What needs a sign-off is in the file as it was
    signed last.
    """
    policy, catalogue = load_access(), load_catalogue(deployment.root / "dbt" / "manifest.json")
    lineage, days = Lineage.load(deployment.root / "dbt" / "column_lineage.json"), judged_days(lake)
    note_definitions(lake, catalogue, lineage, as_of)
    signals = signals_of(catalogue, lineage)
    passed, held = lake.state_digest("checked"), settle(lake, deployment, as_of)
    made_of, unmarked_columns = warehouse_state(deployment), unmarked(policy, lineage)
    roles = sorted(policy.roles.values(), key=lambda role: len(role.tables))
    # Two at a time: 8 s after a year were 6.
    with swapped_in_together(deployment.published) as folder, ThreadPoolExecutor(2) as beside:
        # Kept before anything is published: a kill in between publishes it later, but never twice.
        restating = beside.submit(restate, lake, deployment.warehouse, catalogue, signals, days, as_of)

        def publish_role(role: Role, begun: Path) -> Mapping[str, int]:
            behind = Behind(
                lineage.of_role(role),
                days.select(list(JUDGED_SCHEMA)),
                restating.result(),
                signals,
                unmarked_columns,
            )
            target = folder / f"{role.name}.duckdb"
            return publish(deployment.warehouse, target, role, as_of, catalogue, behind, held, begun)

        shared, publishing = folder / ".shared.duckdb", {}
        for number, role in enumerate(roles):
            share(deployment.warehouse, shared, roles[number:], held)  # grows, as fewer roles have more in common
            begun = shutil.copyfile(shared, folder / f".{role.name}.begun")
            publishing[role.name] = beside.submit(publish_role, role, begun)
        counts_of = {name: done.result() for name, done in publishing.items()}
    publications = []
    for name, counts in counts_of.items():
        key = f"publications/{name}"
        before = lake.manifest(key)
        with lake.replace(key, as_of=as_of, inputs={"checked": passed}, policy=policy.digest) as out:
            out.counts, out.facts = dict(counts), {WAREHOUSE: made_of}
        is_new = before is None or before.inputs["checked"] != passed
        tables = {table.relation for table in policy.roles[name].tables}
        publications.append(Publication(name, counts, is_new, [one for one in held if one.relation in tables]))
    return publications


def warehouse_state(deployment: Home) -> str:
    """Tells whether the warehouse is still the file that was published: nothing but a run writes it."""
    file = deployment.warehouse.stat()
    return f"{file.st_ino}:{file.st_size}:{file.st_mtime_ns}"

"""Assets that wait for a steward's sign-off. The lake keeps two states of each: what waits, and what was signed last.

A role's file and the report hold the signed rows, whatever the warehouse has by now; the decision record says which
state is signed, the lake only keeps its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import orjson
import polars as pl

from governance.access import load_access
from governance.audit import Recorded
from governance.quality.rulings import REVOKE
from governance.sign_offs import SIGN_OFF, assets_to_sign, signed_states, state_of
from governance.stewards import load_stewards
from orchestration.deciding import decision_record
from orchestration.lake import Lake, Manifest
from orchestration.settings import Home

WAITING, SIGNED = "sign_off/waiting", "sign_off/signed"
_ROWS = "rows"


@dataclass(frozen=True)
class Held:
    """An asset that is published only once it is signed off.

    Attributes:
        asset: `marts/<model>`.
        signed: the file with its rows as they were signed last; null: they never were.
        since: the as-of time of the first run whose rows differ from those; null: nothing waits.
        state: names the rows that wait; empty: none do.
    """

    asset: str
    signed: Path | None
    since: datetime | None
    state: str = ""

    @property
    def relation(self) -> str:
        """Its name in the warehouse."""
        return self.asset.replace("/", ".")

    def source(self, types: Mapping[str, str]) -> str:
        """A subquery with these columns of the signed rows: null where there was no such column, no row if unsigned."""
        known = list(pl.read_parquet_schema(self.signed)) if self.signed else []
        columns = ", ".join(
            f"cast({_quoted(name) if name in known else 'null'} as {kind}) as {_quoted(name)}"
            for name, kind in types.items()
        )
        if self.signed is None:
            return f"(select {columns} where false)"
        file = str(self.signed).replace("'", "''")
        return f"(select {columns} from read_parquet('{file}'))"


def settle(lake: Lake, deployment: Home, as_of: datetime) -> list[Held]:
    """Keep what the warehouse has of each asset that needs a sign-off: as signed where it is, else as what waits.

    Raises:
        PolicyError: policies/stewards.yml asks it for what is not published.
        FeedbackError: the decision record is not whole.
    """
    assets = assets_to_sign(load_stewards(), load_access())
    kept = [key for state in (WAITING, SIGNED) for key in lake.keys(state)]
    for key in kept:
        if key.split("/", 2)[2] not in assets:  # it needs none any more
            lake.remove(key)
    if not assets:
        return []
    signed = signed_states(decision_record(deployment).entries((SIGN_OFF, REVOKE)))
    datasets = _datasets(deployment)
    for asset in assets:
        _promote(lake, asset, signed.get(asset, {}), as_of)
        rows = _rows(deployment.warehouse, asset)
        if rows is not None:
            _keep(lake, asset, rows, signed.get(asset, {}), datasets.get(asset, asset), as_of)
    return held_assets(lake)


def held_assets(lake: Lake) -> list[Held]:
    """The assets that need a sign-off, as the last publication left them."""
    found = []
    for asset in assets_to_sign(load_stewards(), load_access()):
        waits, files = lake.manifest(f"{WAITING}/{asset}"), lake.files(f"{SIGNED}/{asset}", _ROWS)
        since = datetime.fromisoformat(waits.facts["since"]) if waits else None
        found.append(Held(asset, files[0] if files else None, since, waits.facts["state"] if waits else ""))
    return found


def told(held: Iterable[Held]) -> str:
    """What waits, as metadata of the UI says it; empty: nothing."""
    return "; ".join(
        f"{one.asset} waits for sign-off since {one.since:%Y-%m-%d %H:%M} UTC" for one in held if one.since
    )


def kept_rows(lake: Lake, state: str, asset: str) -> tuple[Manifest, pl.DataFrame] | None:
    """What is said of the rows that wait (WAITING) or were signed last (SIGNED), and the rows; null: there are none."""
    manifest = lake.manifest(f"{state}/{asset}")
    return (manifest, lake.read(f"{state}/{asset}", _ROWS)) if manifest else None


def _promote(lake: Lake, asset: str, signed: Mapping[str, Recorded], as_of: datetime) -> None:
    """Rows that waited and were signed since are the signed ones, also where a later run would make others."""
    if (before := lake.manifest(f"{SIGNED}/{asset}")) and before.facts["state"] not in signed:
        lake.remove(f"{SIGNED}/{asset}")  # the sign-off was taken back
    found = kept_rows(lake, WAITING, asset)
    if found and found[0].facts["state"] in signed:
        _write(lake, SIGNED, asset, found[1], found[0].facts, as_of)
        lake.remove(f"{WAITING}/{asset}")


def _keep(
    lake: Lake, asset: str, rows: pl.DataFrame, signed: Mapping[str, Recorded], dataset: str, as_of: datetime
) -> None:
    state = state_of(rows)
    waits, before = lake.manifest(f"{WAITING}/{asset}"), lake.manifest(f"{SIGNED}/{asset}")
    facts = {"state": state, "dataset": dataset, "since": waits.facts["since"] if waits else as_of.isoformat()}
    if state in signed:
        if before is None or before.facts["state"] != state:
            _write(lake, SIGNED, asset, rows, facts, as_of)
        if waits:
            lake.remove(f"{WAITING}/{asset}")
    elif waits is None or waits.facts["state"] != state:
        _write(lake, WAITING, asset, rows, facts, as_of)


def _write(lake: Lake, state: str, asset: str, rows: pl.DataFrame, facts: Mapping[str, str], as_of: datetime) -> None:
    with lake.replace(f"{state}/{asset}", as_of=as_of) as out:
        out.write(_ROWS, rows)
        out.facts = dict(facts)


def _rows(warehouse: Path, asset: str) -> pl.DataFrame | None:
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.execute("set timezone = 'UTC'")
        file = str(warehouse).replace("'", "''")
        connection.execute(f"attach '{file}' as warehouse (read_only)")
        try:
            return connection.execute(f"select * from warehouse.{asset.replace('/', '.')} order by all").pl()
        except duckdb.CatalogException:
            return None  # not built; publishing it says so


def _datasets(deployment: Home) -> Mapping[str, str]:
    """By asset, what it belongs to in policies/stewards.yml: the group of its model."""
    nodes = orjson.loads((deployment.root / "dbt" / "manifest.json").read_bytes())["nodes"].values()
    return {f"{node['schema']}/{node['alias']}": f"marts/{node['group']}" for node in nodes if node.get("group")}


def _quoted(name: str) -> str:
    return f'"{name}"'

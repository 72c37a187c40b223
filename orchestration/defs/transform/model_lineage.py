"""Column lineage of the models in the UI, and what columns are computed by, once per version of a model's SQL."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation

from governance.durability import sync
from orchestration.origins import ROWS, Logic, Origins

_DEFINITION_HASH = re.compile(r"'[0-9a-f]{16}'")  # of a model's text, comments and all, which it writes into its rows


@dataclass
class ModelLineage:
    """What is known of each model: a digest of its compiled SQL, and by column its origins and a digest of its logic.

    `lake`: the columns of what the models read, by `schema.name`.
    `volatile`: texts that compiled SQL has and that change from run to run.
    """

    path: Path
    lake: Mapping[str, list[str]]
    volatile: tuple[str, ...]
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, lake: Mapping[str, list[str]], volatile: tuple[str, ...]) -> Self:
        """What earlier runs left; nothing where there is none or it does not read."""
        try:
            return cls(path, lake, volatile, json.loads(path.read_text()))
        except (OSError, ValueError):
            return cls(path, lake, volatile)

    def save(self) -> None:
        """For the next run; after a kill or a power loss it is there whole, or as it was."""
        temporary = self.path.with_suffix(".tmp")
        with temporary.open("w") as file:
            json.dump(self.known, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self.path)
        sync(self.path.parent)

    def told(self, output: dg.Output[Any], invocation: DbtCliInvocation) -> dg.Output[Any]:
        """The output of a model with the lineage of its columns; parents are told before their children."""
        manifest = invocation.manifest
        node = manifest["nodes"].get(str(output.metadata["unique_id"].value))
        if node is None or node["resource_type"] != "model":
            return output
        parents = {_relation(parent): parent for parent in _parents(node, manifest)}
        origins = self.of_model(node, parents, invocation.target_path / "compiled")
        key_of = DagsterDbtTranslator().get_asset_key
        deps = {
            column: [
                dg.TableColumnDep(key_of(parents[name]), of) for name, of in made if name in parents and of != ROWS
            ]
            for column, made in origins.items()
            if column != ROWS
        }
        metadata: dict[str, Any] = {**output.metadata, "dagster/column_lineage": dg.TableColumnLineage(deps)}
        return dg.Output(output.value, output_name=output.output_name, metadata=metadata)

    def of_model(self, node: Mapping[str, Any], parents: Mapping[str, Mapping[str, Any]], compiled: Path) -> Origins:
        """The origins of a model's columns; nothing where its SQL is not understood. Its parents must be known."""
        from orchestration.column_logic import MADE_WITH  # its parser takes a tenth of a second to load

        sql = _DEFINITION_HASH.sub("''", (compiled / node["package_name"] / node["original_file_path"]).read_text())
        for text in self.volatile:
            sql = sql.replace(text, "")
        columns = {name: self.lake.get(name) or self._columns(name) for name in parents}
        logic = {name: self.known[name].get("logic", {}) for name in parents if name in self.known}
        digest = hashlib.sha256(json.dumps([MADE_WITH, columns, logic, sql]).encode()).hexdigest()
        relation = _relation(node)
        if self.known.get(relation, {}).get("digest") != digest or not self.known[relation]["origins"]:
            given = {name: names for name, names in columns.items() if names}
            self.known[relation] = {"digest": digest, **_told_by(sql, given, logic, relation)}
        found: Origins = self.known[relation]["origins"]
        return found

    def _columns(self, relation: str) -> list[str]:
        return [name for name in self.known.get(relation, {}).get("origins", ()) if name != ROWS]


def _told_by(
    sql: str, columns: Mapping[str, list[str]], logic: Mapping[str, Logic], relation: str
) -> dict[str, Origins | Logic]:
    """What a model's SQL tells of its columns; where it is not understood, it is what all of them are computed by."""
    from orchestration.column_lineage import column_lineage, understand
    from orchestration.column_logic import column_logic, digest_of

    try:
        query = understand(sql, columns, dialect="duckdb")
        return {"logic": column_logic(query.scope, logic, relation), "origins": column_lineage(query)}
    except Exception:  # whatever the parser does with a model, it is built all the same
        return {"logic": {ROWS: digest_of([sql, logic])}, "origins": {}}


def _relation(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node.get('alias') or node['name']}"


def _parents(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [manifest["sources" if one.startswith("source.") else "nodes"][one] for one in node["depends_on"]["nodes"]]

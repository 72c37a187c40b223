"""Whether the columns that access.yml names are those of the models, before anything is run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from governance.access import AccessPolicy
from governance.errors import FeedbackError, PolicyError, one_of

_ROW_NUMBER = "rowid"  # DuckDB has it in every table


def known_columns(manifest: Path) -> dict[str, list[str]]:
    """By `schema.name`, the columns of every model under a contract.

    Raises:
        FeedbackError: the manifest is not readable.
    """
    try:
        nodes = orjson.loads(manifest.read_bytes())["nodes"].values()
    except (OSError, ValueError, KeyError):
        raise FeedbackError(f"{manifest}: not readable; remove it: the next `feedback run` makes it anew") from None
    return {
        f"{node['schema']}.{node['alias']}": list(node["columns"])
        for node in nodes
        if node["resource_type"] == "model" and node["contract"]["enforced"]
    }


def require_known_columns(policy: AccessPolicy, columns: Mapping[str, list[str]]) -> None:
    """Every published column, and every one in a role's condition, is one of its model.

    Args:
        columns: by `schema.name`; of a relation that is not there nothing is known.

    Raises:
        PolicyError: it says which there are.
    """
    for name, table in policy.tables.items():
        known = columns.get(table.relation, [])
        for column in table.columns:
            if known and column not in known:
                raise PolicyError(f"policies/access.yml: tables.{name}: no column {column}; {one_of(column, known)}")
    for role, rule in policy.rules.items():
        for name, grant in rule.tables.items():
            known = columns.get(policy.tables[name].relation, [])
            for column in _named(grant.where) if known and grant.where else ():
                if column not in known:
                    where = f"policies/access.yml: roles.{role}.tables.{name}.where"
                    raise PolicyError(f"{where}: no column {column}; {one_of(column, known)}")


def _named(condition: str) -> list[str]:
    """The columns of the table itself in an SQL condition; none where that is not understood: the database judges it.

    Within a subquery or a list comprehension a name can be one of its own.
    """
    from sqlglot import exp, parse_one  # a tenth of a second, which few roles need
    from sqlglot.errors import SqlglotError

    try:
        columns = parse_one(condition, dialect="duckdb").find_all(exp.Column)
    except SqlglotError:
        return []
    own = (one for one in columns if not one.table and not one.find_ancestor(exp.Query, exp.Comprehension))
    return [column.name.lower() for column in own if column.name.lower() != _ROW_NUMBER]

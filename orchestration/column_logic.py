"""What a model's columns are computed by: a digest of each, of its SQL and of what is behind it.

Two columns have one digest where they are computed alike: comments, white space, brackets, the names of tables, aliases
and common table expressions, and steps that only pass rows on make no difference, nor do other columns of the model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from orchestration.origins import ROWS, Logic

# What a digest is made with: of another parser, it says nothing.
MADE_WITH = f"1, sqlglot {version('sqlglot')}"
_NO_ROWS = ("expressions", "with_", "joins", "where", "from_")


def column_logic(scope: Scope, parents: Mapping[str, Logic], own: str) -> Logic:
    """Digests of the columns of a query, and of ROWS: which rows there are.

    A left join adds columns, not rows, as in column lineage; where rows are counted or summed up afterwards it could
    multiply them, and is part of every figure.

    Args:
        scope: of a query whose columns are qualified.
        parents: by `schema.name`, the digests of relations that it reads; of another one the columns' names tell.
        own: the relation that the query fills; what it asks of that (which days it has) says nothing of its columns.
    """
    reader = _Reader(scope, parents, own)
    for step in scope.traverse():  # those that are read before those that read them: no deep recursion
        if isinstance(step.expression, exp.Query):
            reader.rows(step)
    return {name: reader.column(scope, name) for name in _query(scope).named_selects} | {ROWS: reader.rows(scope)}


class _Reader:
    def __init__(self, root: Scope, parents: Mapping[str, Logic], own: str) -> None:
        self._parents, self._own = parents, own
        self._scopes = {id(scope.expression): scope for scope in root.traverse()}
        self._made: dict[tuple[int, str], str] = {}
        self._rows_made: dict[int, list[Any]] = {}

    def column(self, scope: Scope, name: str) -> str:
        key = (id(scope), name)
        if key not in self._made:
            self._made[key] = ""  # a query that reads itself
            self._made[key] = self._column(scope, name)
        return self._made[key]

    def rows(self, scope: Scope) -> str:
        return self.column(scope, ROWS)

    def _column(self, scope: Scope, name: str) -> str:
        query = _query(scope)
        if isinstance(query, exp.SetOperation):
            return self._of_sides(scope, query, name)
        told = self._rows(scope)
        passed_on = told[0] if len(told) == 1 else None
        if name == ROWS:
            return passed_on or digest_of(told)
        selected = next((one for one in query.selects if one.alias_or_name == name), None)
        if selected is None:  # of a star whose columns are not known
            return digest_of([name, *told])
        expression = selected.unalias()
        if passed_on and isinstance(expression, exp.Column):
            return self._reference(expression, scope)
        return digest_of([self._told(expression, scope), self.rows(scope)])

    def _of_sides(self, scope: Scope, query: exp.SetOperation, name: str) -> str:
        names, sides = query.named_selects, scope.set_operation_scopes
        wanted = [names.index(name)] if name != ROWS else []
        if not isinstance(query, exp.Union) or query.args.get("distinct"):
            wanted = [*wanted, *range(len(names))]  # which rows are the same ones is told by all columns
        columns = [[self.column(side, _query(side).named_selects[one]) for one in wanted] for side in sides]
        rest = {key: value for key, value in query.args.items() if key not in ("this", "expression", "with_")}
        return digest_of([type(query).__name__, self._told(rest, scope), columns, *(self.rows(side) for side in sides)])

    def _rows(self, scope: Scope) -> list[Any]:
        """Which rows a select has; one element: those of what it reads, as they are."""
        if id(scope) not in self._rows_made:
            self._rows_made[id(scope)] = self._rows_anew(scope)
        return self._rows_made[id(scope)]

    def _rows_anew(self, scope: Scope) -> list[Any]:
        query = _query(scope)
        read = query.args.get("from_")
        told: list[Any] = [self._rows_of(read.this, scope)] if read else ["one row"]
        told += [self._join(join, scope) for join in query.args.get("joins") or () if not _only_adds(join, query)]
        conditions = [one for one in _conjuncts(query.args.get("where")) if not self._asks_itself(one)]
        told += [["where", self._told(one, scope)] for one in conditions]
        told += [[key, self._told(value, scope)] for key, value in query.args.items() if value and key not in _NO_ROWS]
        if query.args.get("distinct"):
            told.append(self._told([one.unalias() for one in query.selects], scope))
        return [*told, "summed up"] if _adds_up(query) else told

    def _join(self, join: exp.Join, scope: Scope) -> str:
        key = (id(join), ROWS)
        if key not in self._made:
            self._made[key] = ""  # its condition names what it joins
            how = [[name, self._told(value, scope)] for name, value in join.args.items() if value and name != "this"]
            self._made[key] = digest_of([self._rows_of(join.this, scope), how])
        return self._made[key]

    def _rows_of(self, item: exp.Expr, scope: Scope) -> str:
        """The rows of what a select reads or joins."""
        return self._of_source(scope.sources.get(item.alias_or_name, item), ROWS, scope)

    def _of_source(self, source: object, name: str, scope: Scope) -> str:
        if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            relation = f"{source.db}.{source.name}"
            known = self._parents.get(relation, {})
            return known.get(name) or digest_of([relation, name, known.get(ROWS)])
        if isinstance(source, Scope) and isinstance(source.expression, exp.Query):
            return self.column(source, name)
        made = source.expression if isinstance(source, Scope) else source
        return digest_of([name, self._told(made, scope)])

    def _reference(self, column: exp.Column, scope: Scope) -> str:
        """What a column of what is read is, and how that was joined where only its columns were wanted."""
        at: Scope | None = scope
        while at and column.table not in at.sources:
            at = at.parent
        if at is None:
            return digest_of(["name", column.name])
        made = self._of_source(at.sources[column.table], column.name, at)
        query = _query(at)
        joins = query.args.get("joins") or ()
        added = [join for join in joins if join.alias_or_name == column.table and _only_adds(join, query)]
        return digest_of([made, self._join(added[0], at)]) if added else made

    def _told(self, node: object, scope: Scope) -> Any:
        """An expression by its structure, every column in it by what it is."""
        if isinstance(node, list):
            return [self._told(one, scope) for one in node]
        if isinstance(node, dict):
            return {name: self._told(value, scope) for name, value in node.items() if value}
        if not isinstance(node, exp.Expr):
            return str(node)
        if isinstance(node, exp.Identifier):
            return node.name
        if isinstance(node, exp.Paren | exp.Subquery):
            return self._told(node.this, scope)
        if isinstance(node, exp.Column):
            return self._reference(node, scope)
        if id(node) in self._scopes and isinstance(node, exp.Query):
            inner = self._scopes[id(node)]
            return [self.rows(inner), *(self.column(inner, name) for name in node.named_selects)]
        return [type(node).__name__, self._told(node.args, scope)]

    def _asks_itself(self, condition: exp.Expr) -> bool:
        return any(f"{table.db}.{table.name}" == self._own for table in condition.find_all(exp.Table))


def _query(scope: Scope) -> exp.Query:
    assert isinstance(scope.expression, exp.Query)
    return scope.expression


def _conjuncts(where: exp.Where | None) -> Iterator[exp.Expr]:
    if where is not None:
        yield from where.this.flatten() if isinstance(where.this, exp.And) else (where.this,)


def _only_adds(join: exp.Join, query: exp.Query) -> bool:
    return join.side == "LEFT" and join.kind in ("", "OUTER") and not _adds_up(query)


def _adds_up(query: exp.Query) -> bool:
    """Whether several rows become one: a join that multiplied them would change what they come to."""
    aggregates = (one for selected in query.selects for one in selected.find_all(exp.AggFunc))
    return bool(query.args.get("group") or query.args.get("distinct")) or any(
        not one.find_ancestor(exp.Window) for one in aggregates
    )


def digest_of(said: object) -> str:
    """The first 16 hex digits of a SHA-256."""
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

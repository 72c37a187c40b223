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

# What a digest is made with: of another parser, or of models that say the same in other words, it says nothing. Counted
# up with those once their figures were shown to be equal (3: the day of a record is a column; 4: kinds of log lines are
# told apart in a model of their own, the plan of an account is looked for on its last day; 5: an answer, commit or
# review that came with two days is read once: with such a one nothing was published).
MADE_WITH = f"5, sqlglot {version('sqlglot')}"
# The rows of a relation with its left joins: what sums them up reads this, what passes them on reads ROWS.
_JOINED_ROWS = "**"
_NO_ROWS = ("expressions", "with_", "joins", "where", "from_")


def column_logic(scope: Scope, parents: Mapping[str, Logic], own: str) -> Logic:
    """Digests of the columns of a query, and of its rows: which there are, without and with its left joins.

    A left join adds columns, not rows, as in column lineage; where rows are grouped or summed up, there or in a query
    that reads this one, it could multiply them, and is part of every figure.

    Args:
        scope: of a query whose columns are qualified.
        parents: by `schema.name`, the digests of relations that it reads; of another one the columns' names tell.
        own: the relation that the query fills; what it asks of that (which days it has) says nothing of its columns.
    """
    reader = _Reader(scope, parents, own)
    for step in scope.traverse():  # those that are read before those that read them: no deep recursion
        if isinstance(step.expression, exp.Query):
            reader.column(step, ROWS)
            reader.column(step, _JOINED_ROWS)
    return {name: reader.column(scope, name) for name in (*_query(scope).named_selects, ROWS, _JOINED_ROWS)}


class _Reader:
    def __init__(self, root: Scope, parents: Mapping[str, Logic], own: str) -> None:
        self._parents, self._own = parents, own
        self._scopes = {id(scope.expression): scope for scope in root.traverse()}
        self._made: dict[tuple[int, str], str] = {}
        self._rows_made: dict[tuple[int, str], list[Any]] = {}

    def column(self, scope: Scope, name: str) -> str:
        key = (id(scope), name)
        if key not in self._made:
            self._made[key] = ""  # a query that reads itself
            self._made[key] = self._column(scope, name)
        return self._made[key]

    def _column(self, scope: Scope, name: str) -> str:
        query = _query(scope)
        if isinstance(query, exp.SetOperation):
            return self._of_sides(scope, query, name)
        told = self._rows(scope, name if name == _JOINED_ROWS else ROWS)
        passed_on = told[0] if len(told) == 1 else None
        if name in (ROWS, _JOINED_ROWS):
            return passed_on or digest_of(told)
        selected = next((one for one in query.selects if one.alias_or_name == name), None)
        if selected is None:  # of a star whose columns are not known
            return digest_of([name, *told])
        expression = selected.unalias()
        if passed_on and isinstance(expression, exp.Column):
            return self._reference(expression, scope)
        return digest_of([self._told(expression, scope), self.column(scope, ROWS)])

    def _of_sides(self, scope: Scope, query: exp.SetOperation, name: str) -> str:
        names, sides = query.named_selects, scope.set_operation_scopes
        rows = name if name == _JOINED_ROWS else ROWS
        wanted = [names.index(name)] if name not in (ROWS, _JOINED_ROWS) else []
        if not isinstance(query, exp.Union) or query.args.get("distinct"):
            wanted = [*wanted, *range(len(names))]  # which rows are the same ones is told by all columns
        columns = [[self.column(side, _query(side).named_selects[one]) for one in wanted] for side in sides]
        rest = {key: value for key, value in query.args.items() if key not in ("this", "expression", "with_")}
        told = [type(query).__name__, self._told(rest, scope), columns]
        return digest_of([*told, *(self.column(side, rows) for side in sides)])

    def _rows(self, scope: Scope, name: str) -> list[Any]:
        """Which rows a select has, without or with left joins; one element: those of what it reads, as they are."""
        key = (id(scope), name)
        if key not in self._rows_made:
            self._rows_made[key] = self._rows_anew(scope, name)
        return self._rows_made[key]

    def _rows_anew(self, scope: Scope, name: str) -> list[Any]:
        query = _query(scope)
        read = query.args.get("from_")
        name = _JOINED_ROWS if _adds_up(query) else name
        told: list[Any] = [self._rows_of(read.this, name, scope)] if read else ["one row"]
        told += [self._join(join, name, scope) for join in _joins(query) if not _keeps_rows(join, name)]
        conditions = [one for one in _conjuncts(query.args.get("where")) if not self._asks_itself(one)]
        told += [["where", self._told(one, scope)] for one in conditions]
        told += [[key, self._told(value, scope)] for key, value in query.args.items() if value and key not in _NO_ROWS]
        if query.args.get("distinct"):
            told.append(self._told([one.unalias() for one in query.selects], scope))
        return [*told, "summed up"] if _adds_up(query) else told

    def _join(self, join: exp.Join, name: str, scope: Scope) -> str:
        key = (id(join), name)
        if key not in self._made:
            self._made[key] = ""  # its condition names what it joins
            how = [[arg, self._told(value, scope)] for arg, value in join.args.items() if value and arg != "this"]
            self._made[key] = digest_of([self._rows_of(join.this, name, scope), how])
        return self._made[key]

    def _rows_of(self, item: exp.Expr, name: str, scope: Scope) -> str:
        """The rows of what a select reads or joins."""
        return self._of_source(scope.sources.get(item.alias_or_name, item), name, scope)

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
        """What a column of what is read is, of which of those that are alike, and how that was joined to the left."""
        at: Scope | None = scope
        steps_out = 0
        while at and column.table not in at.sources:
            at, steps_out = at.parent, steps_out + 1
        if at is None:
            return digest_of(["name", column.name])
        made = self._of_source(at.sources[column.table], column.name, at)
        query = _query(at)
        joined = next((join for join in _joins(query) if join.alias_or_name == column.table), None)
        told: list[Any] = [made]
        if joined and _is_left(joined) and not _adds_up(query):
            told.append(self._join(joined, ROWS, at))
        elif number := self._number(column.table, at):
            told.append(number)
        if steps_out:
            told += ["of a query around it", steps_out]
        return digest_of(told) if len(told) > 1 else made

    def _number(self, name: str, scope: Scope) -> int:
        """Which use of one relation in a select, from 0; a left join that only adds columns is told by itself."""
        query = _query(scope)
        read = query.args.get("from_")
        joins = [join.this for join in _joins(query) if not _is_left(join) or _adds_up(query)]
        names = [item.alias_or_name for item in (*([read.this] if read else []), *joins)]
        if name not in names[1:]:
            return 0
        own = self._relation(name, scope)
        alike = [one for one in names if self._relation(one, scope) == own]
        return alike.index(name)

    def _relation(self, name: str, scope: Scope) -> str:
        """One text for two sources that are one relation; what is no query and no table is like nothing else."""
        source = scope.sources.get(name)
        is_table = isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier)
        is_query = isinstance(source, Scope) and isinstance(source.expression, exp.Query)
        return self._of_source(source, ROWS, scope) if is_table or is_query else f"as {name}"

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
            return [self.column(inner, name) for name in (ROWS, *node.named_selects)]
        return [type(node).__name__, self._told(node.args, scope)]

    def _asks_itself(self, condition: exp.Expr) -> bool:
        return any(f"{table.db}.{table.name}" == self._own for table in condition.find_all(exp.Table))


def _query(scope: Scope) -> exp.Query:
    assert isinstance(scope.expression, exp.Query)
    return scope.expression


def _conjuncts(where: exp.Where | None) -> Iterator[exp.Expr]:
    if where is not None:
        yield from where.this.flatten() if isinstance(where.this, exp.And) else (where.this,)


def _joins(query: exp.Query) -> list[exp.Join]:
    return query.args.get("joins") or []


def _is_left(join: exp.Join) -> bool:
    return join.side == "LEFT" and join.kind in ("", "OUTER")


def _keeps_rows(join: exp.Join, name: str) -> bool:
    """Whether a join only adds columns; a relation that is joined on `true` has one row."""
    on, is_named = join.args.get("on"), isinstance(join.this, exp.Table)
    return _is_left(join) and (name == ROWS or (is_named and isinstance(on, exp.Boolean) and on.this is True))


def _adds_up(query: exp.Query) -> bool:
    """Whether several rows become one: a join that multiplied them would change what they come to."""
    aggregates = (one for selected in query.selects for one in selected.find_all(exp.AggFunc))
    return bool(query.args.get("group") or query.args.get("distinct")) or any(
        not one.find_ancestor(exp.Window) for one in aggregates
    )


def digest_of(said: object) -> str:
    """The first 16 hex digits of a SHA-256."""
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

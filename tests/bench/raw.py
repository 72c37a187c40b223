"""Telemetry as its files say it, read by DuckDB alone: what is computed of it owes nothing to our readers.

Tables `spans` (trace_id, span_id, parent_id, service, operation, is_error, started_ns, duration_ns, day, minute) and
`logs` (service, severity, day, minute): each record once, also where files hold it twice. `minute` counts from 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

_ABOUT = "resource struct(attributes struct(key varchar, value struct(stringValue varchar))[])"
_SPAN = (
    "struct(traceId varchar, spanId varchar, parentSpanId varchar, name varchar, startTimeUnixNano bigint, "
    "endTimeUnixNano bigint, status struct(code integer))"
)
_LOG = (
    "struct(timeUnixNano bigint, observedTimeUnixNano bigint, severityNumber integer, severityText varchar, body json, "
    "attributes json, traceId varchar, spanId varchar)"
)
_TABLE = """
    create table {table} as
    with requests as (
        select unnest(resource{kind}) as block
        from read_json(
            $files, format = 'newline_delimited', maximum_object_size = 67108864,
            columns = {{resource{kind}: 'struct({about}, scope{kind} struct({records} {record}[])[])[]'}}
        )
    ),
    scopes as (select block.resource.attributes as about, unnest(block.scope{kind}) as scope from requests),
    records as (select distinct about, unnest(scope.{records}) as record from scopes),
    facts as (
        select record, [pair.value.stringValue for pair in about if pair.key = 'service.name'][1] as service
        from records
    )
    select {columns} from facts
"""
_WHEN = """
    make_timestamp({nanoseconds} // 1000)::date as day,
    {nanoseconds} // 60000000000 as minute
"""
_SPAN_COLUMNS = f"""
    record.traceId as trace_id,
    record.spanId as span_id,
    nullif(record.parentSpanId, '') as parent_id,
    service,
    record.name as operation,
    coalesce(record.status.code = 2, false) as is_error,
    record.startTimeUnixNano as started_ns,
    record.endTimeUnixNano - record.startTimeUnixNano as duration_ns,
    {_WHEN.format(nanoseconds="record.startTimeUnixNano")}
"""
_LOG_COLUMNS = f"""
    service,
    coalesce(
        ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'][(nullif(record.severityNumber, 0) - 1) // 4 + 1], 'UNSET'
    ) as severity,
    {_WHEN.format(nanoseconds="record.timeUnixNano")}
"""


def raw(folder: Path, days: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """The tables of the files `traces*.jsonl` and `logs*.jsonl` of a folder, of these days (ISO)."""
    connection = duckdb.connect()
    connection.execute("set threads = 2")
    for table, pattern, kind, records, record, columns in (
        ("spans", "traces*.jsonl", "Spans", "spans", _SPAN, _SPAN_COLUMNS),
        ("logs", "logs*.jsonl", "Logs", "logRecords", _LOG, _LOG_COLUMNS),
    ):
        filled = _TABLE.format(table=table, kind=kind, records=records, record=record, about=_ABOUT, columns=columns)
        connection.execute(filled, {"files": str(folder / pattern)})
        connection.execute(f"delete from {table} where not list_contains($days, day::varchar)", {"days": list(days)})
    return connection

"""Tables: which signal they hold and which header fills which column."""

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest

from orchestration.discovery.mapping import guess

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


def rows(text):
    return list(csv.DictReader(StringIO(text)))


@pytest.mark.parametrize(
    ("text", "signal", "columns", "constants"),
    [
        (  # a structured log of the Loghub kind, with a time that is split over two headers
            "LineId,Date,Time,Level,Component,Content\n1,081109,203518,INFO,dfs.DataNode,Receiving block\n",
            "logs",
            {"body": "Content", "severity": "Level", "service": "Component"},
            {"event_at": "received"},
        ),
        (
            "ts,level,logger,msg\n2026-01-01T00:00:00Z,warn,cart,slow\n",
            "logs",
            {"event_at": "ts", "severity": "level", "service": "logger", "body": "msg"},
            {},
        ),
        (
            "Number,Opened,Updated,State,Short description,Caller,Business service\n"
            "INC1,2026-01-01,2026-01-02,open,it is slow,Jane,checkout\n",
            "tickets",
            {
                "ticket_id": "Number",
                "event_at": "Updated",
                "created_at": "Opened",
                "status": "State",
                "subject": "Short description",
                "requester": "Caller",
                "service": "Business service",
            },
            {},
        ),
        (
            "title,body,urgency\nit is slow,very,3\n",
            "tickets",
            {"subject": "title", "description": "body", "priority": "urgency"},
            {"event_at": "received", "created_at": "received", "status": "open"},
        ),
        (
            "id,environment,sha,state,created_at\n1,production,abc,success,2026-01-01\n",
            "deployments",
            {
                "deployment_id": "id",
                "environment": "environment",
                "sha": "sha",
                "status": "state",
                "event_at": "created_at",
            },
            {},
        ),
        (
            "traceID,spanID,startTimeUnixNano,duration_ns,operationName\n0a,0b,1767225600000000000,5,get\n",
            "spans",
            {"trace_id": "traceID", "span_id": "spanID", "duration_ns": "duration_ns", "operation": "operationName"},
            {},
        ),
    ],
    ids=["loghub", "logs", "servicenow", "help desk", "deployments", "spans"],
)
def test_a_table_is_mapped_by_its_headers_and_values(text, signal, columns, constants):
    mapped = guess(rows(text), AS_OF)
    assert mapped is not None
    assert mapped.signal == signal
    assert {column: mapped.columns.get(column) for column in columns} == columns
    assert mapped.constants == constants


@pytest.mark.parametrize("text", ["x,y\n1,2\n", "date,amount\n2026-01-01,3\n"])
def test_a_table_of_something_else_is_left_alone(text):
    assert guess(rows(text), AS_OF) is None


def test_a_header_whose_values_do_not_fit_is_no_column():
    mapped = guess(rows("time,level,service,message\nnoon,combo,12,slow\n"), AS_OF)
    assert mapped is not None
    assert mapped.columns == {"body": "message"}


def test_a_status_that_the_gate_does_not_know_is_pointed_out():
    mapped = guess(rows("subject,status\nslow,Resolved\nslow,open\n"), AS_OF)
    assert mapped is not None
    assert mapped.notes["status"].startswith("LOOK: 50 %")
    assert "Resolved" not in mapped.notes["status"]

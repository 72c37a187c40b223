"""From which columns a model's columns are made is read from its SQL."""

import pytest

from orchestration.column_lineage import column_lineage, understand

RELATIONS = {"staging.stg_orders": ["order_id", "service", "amount"], "staging.stg_services": ["service", "owner"]}
WITH_CTES = """
with orders as (select * from "file"."staging"."stg_orders"),
services as (select * from "file"."staging"."stg_services"),
summed as (select service, sum(amount) as total, count(*) as order_count from orders group by service)
select summed.service, summed.total / 2 as half, summed.order_count, services.owner, 'run-1' as run_id
from summed left join services on summed.service = services.service
"""


@pytest.mark.parametrize(
    ("sql", "origins"),
    [
        pytest.param(
            "select id as order_id from lake.orders",
            {"order_id": [("lake.orders", "id")], "*": [("lake.orders", "*")]},
            id="of a relation that is not described",
        ),
        pytest.param(
            "select * from staging.stg_services",
            {
                "service": [("staging.stg_services", "service")],
                "owner": [("staging.stg_services", "owner")],
                "*": [("staging.stg_services", "*")],
            },
            id="of a star",
        ),
        pytest.param(
            WITH_CTES,
            {
                "service": [("staging.stg_orders", "service")],
                "half": [("staging.stg_orders", "amount")],
                "order_count": [("staging.stg_orders", "*")],
                "owner": [("staging.stg_services", "owner")],
                "run_id": [],
                "*": [("staging.stg_orders", "*")],  # a service that has no owner is a row too
            },
            id="through common table expressions, sums and joins",
        ),
        pytest.param(
            "select service from staging.stg_orders union all select service from staging.stg_services",
            {
                "service": [("staging.stg_orders", "service"), ("staging.stg_services", "service")],
                "*": [("staging.stg_orders", "*"), ("staging.stg_services", "*")],
            },
            id="of both sides of a union",
        ),
        pytest.param(
            """with events as (
                select service, 1 as ordered, 0 as owned, cast(null as double) as amount from staging.stg_orders
                union all select service, 0, 1, 2.5 from staging.stg_services)
            select sum(ordered) as ordered, sum(owned) as owned, max(amount) as amount, 'x' as kind from events""",
            {
                "ordered": [("staging.stg_orders", "*")],
                "owned": [("staging.stg_services", "*")],
                "amount": [("staging.stg_services", "*")],
                "kind": [],
                "*": [("staging.stg_orders", "*"), ("staging.stg_services", "*")],
            },
            id="of the rows that a number of a union counts",
        ),
        pytest.param(
            """select counted.n from (select service, count(*) as n from staging.stg_orders group by service) as counted
            inner join staging.stg_services using (service)""",
            {
                "n": [("staging.stg_orders", "*")],
                "*": [("staging.stg_orders", "*"), ("staging.stg_services", "*")],
            },
            id="of the rows of a query in a query",
        ),
        pytest.param(
            """with recursive days as (select 1 as day union all select day + 1 from days where day < 9)
            select count(*) as n from days""",
            {"n": [], "*": []},
            id="of rows that no relation has",
        ),
    ],
)
def test_each_column_names_the_columns_it_is_made_of(sql, origins):
    assert column_lineage(understand(sql, RELATIONS, "duckdb")) == origins

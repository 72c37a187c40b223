"""From which columns a model's columns are made is read from its SQL."""

import pytest

from orchestration.column_lineage import column_lineage

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
            {"order_id": [("lake.orders", "id")]},
            id="of a relation that is not described",
        ),
        pytest.param(
            "select * from staging.stg_services",
            {"service": [("staging.stg_services", "service")], "owner": [("staging.stg_services", "owner")]},
            id="of a star",
        ),
        pytest.param(
            WITH_CTES,
            {
                "service": [("staging.stg_orders", "service")],
                "half": [("staging.stg_orders", "amount")],
                "order_count": [],
                "owner": [("staging.stg_services", "owner")],
                "run_id": [],
            },
            id="through common table expressions, sums and joins",
        ),
        pytest.param(
            "select service from staging.stg_orders union all select service from staging.stg_services",
            {"service": [("staging.stg_orders", "service"), ("staging.stg_services", "service")]},
            id="of both sides of a union",
        ),
    ],
)
def test_each_column_names_the_columns_it_is_made_of(sql, origins):
    assert column_lineage(sql, RELATIONS, "duckdb") == origins

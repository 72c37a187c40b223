"""A column's digest is that of what it is computed by, and not of how that is written."""

import pytest

from orchestration.column_lineage import understand
from orchestration.column_logic import column_logic

RELATIONS = {
    "staging.stg_orders": ["order_id", "service", "amount"],
    "staging.stg_services": ["service", "owner"],
    "intermediate.int_paid": ["service", "amount"],
}
OWN = "marts.fct_totals"
TOTALS = """
with orders as (select * from staging.stg_orders),
services as (select * from staging.stg_services),
known as (
    select orders.service, orders.amount, services.owner
    from orders left join services on orders.service = services.service
    where orders.amount > 0 and orders.order_id is not null
),
final as (select service, sum(amount) as total, count(*) as order_count from known group by service)
select * from final
"""


def digests(sql, parents=None):
    return column_logic(understand(sql, RELATIONS, "duckdb").scope, parents or {}, OWN)


def changed(*replacements, sql=TOTALS):
    """The columns with another digest once the SQL is changed."""
    other = sql
    for old, new in replacements:
        assert old in other
        other = other.replace(old, new)
    return differing(digests(sql), digests(other))


def differing(before, after):
    """The columns, and * for the rows; what the rows are with left joins shows in the figures that are summed up."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} - {"**"}


@pytest.mark.parametrize(
    "replacements",
    [
        [("select service, sum(amount)", "select\n  -- of all orders\n  service,   SUM( amount )")],
        [("sum(amount) as total", '(sum("amount")) as "total"')],
        [("orders.amount", "o.amount"), ("orders.", "o."), ("from orders", "from orders as o")],
        [("known", "paid")],
        [("with orders as (select * from staging.stg_orders)", "with orders as (select * from all_orders)"),
         ("with ", "with all_orders as (select order_id, amount, service from staging.stg_orders), ")],
        [(", services.owner", "")],  # read by nobody
        [("sum(amount) as total, count(*) as order_count", "count(*) as order_count, sum(amount) as total")],
        # which days an incremental model has already
        [("where ", f"where not exists (select 1 from {OWN} as made where made.service = orders.service) and ")],
    ],
    ids=lambda one: " ".join(one[0][1].split())[:60],
)  # fmt: skip
def test_what_is_only_written_otherwise_has_the_same_digest(replacements):
    assert changed(*replacements) == set()


@pytest.mark.parametrize(
    ("old", "new", "columns"),
    [
        ("sum(amount)", "max(amount)", {"total"}),
        ("sum(amount)", "sum(amount) * 2", {"total"}),
        ("count(*) as order_count", "count(distinct owner) as order_count", {"order_count"}),
        ("sum(amount) as total", "sum(amount) as total, max(owner) as owner", {"owner"}),
        # which rows there are is part of everything that is summed up
        ("orders.amount > 0", "orders.amount >= 0", {"service", "total", "order_count", "*"}),
        ("left join services", "inner join services", {"service", "total", "order_count", "*"}),
        ("from known group", "from known where service <> 'test' group", {"service", "total", "order_count", "*"}),
        ("select * from final", "select * from final where total > 5", {"service", "total", "order_count", "*"}),
        ("select * from final", "select * from final limit 3", {"service", "total", "order_count", "*"}),
        ("from staging.stg_orders", "from staging.stg_paid_orders", {"service", "total", "order_count", "*"}),
        # a left join in front of what is summed up could have multiplied it
        ("= services.service", "= lower(services.service)", {"service", "total", "order_count", "*"}),
    ],
)  # fmt: skip
def test_what_is_computed_otherwise_has_another_digest(old, new, columns):
    assert changed((old, new)) == columns


JOINED = """
select orders.service, orders.amount, services.owner
from staging.stg_orders as orders left join staging.stg_services as services on orders.service = services.service
"""


@pytest.mark.parametrize(
    ("sql", "old", "new", "columns"),
    [
        (JOINED, "= services.service", "= lower(services.service)", {"owner"}),
        (JOINED, "left join staging.stg_services", "left anti join staging.stg_services",
         {"service", "amount", "owner", "*"}),
        ("select distinct service, amount from staging.stg_orders", "amount", "order_id",
         {"service", "amount", "order_id", "*"}),
        ("select service, amount from staging.stg_orders union all select service, 0 from staging.stg_services",
         " 0 ", " 1 ", {"amount"}),
        ("select service, amount from staging.stg_orders union all select service, 0 from staging.stg_services",
         "union all", "union", {"service", "amount", "*"}),
        ("select service from staging.stg_orders where service in (select service from staging.stg_services)",
         "stg_services)", "stg_services where owner is not null)", {"service", "*"}),
        ("select service, row_number() over (partition by service order by amount) as place from staging.stg_orders",
         "by amount", "by order_id", {"place"}),
        ("with recursive t as (select 1 as n union all select n + 1 from t where n < 5) select n from t",
         "n + 1", "n + 2", {"n"}),
        ("select n from generate_series(1, 5) as t(n)", "5", "6", {"n", "*"}),
    ],
)  # fmt: skip
def test_joins_unions_and_subqueries_count_where_they_decide(sql, old, new, columns):
    assert changed((old, new), sql=sql) == columns


def test_a_column_is_what_it_is_computed_by_in_the_models_behind_it():
    """A model that passes a column on is no change; one that computes another thing is, for that column alone."""
    paid = "select service, amount * 2 as amount from staging.stg_orders where amount > 0"
    last = "select service, sum(amount) as total, count(*) as order_count from {} group by service"
    behind = digests(paid)
    at_once = digests(last.format(f"({paid}) as paid"))
    assert digests(last.format("intermediate.int_paid"), {"intermediate.int_paid": behind}) == at_once
    dearer = {"intermediate.int_paid": digests(paid.replace("2", "3"))}
    after = digests(last.format("intermediate.int_paid"), dearer)
    assert differing(at_once, after) == {"total"}


CHANGES = """
select later.service, later.amount - earlier.amount as change
from staging.stg_orders as later inner join staging.stg_orders as earlier on later.order_id > earlier.order_id
"""
OF_STEPS = CHANGES.replace("select", "with orders as (select * from staging.stg_orders) select", 1).replace(
    "staging.stg_orders as", "orders as"
)
UNBEATEN = """
select largest.service from staging.stg_orders as largest where not exists (
    select 1 from staging.stg_orders as other where other.amount > largest.amount
)
"""


@pytest.mark.parametrize(
    ("sql", "old", "new", "columns"),
    [
        (CHANGES, "later.amount - earlier.amount", "earlier.amount - later.amount", {"change"}),
        (CHANGES, "later.order_id > earlier.order_id", "earlier.order_id > later.order_id", {"service", "change", "*"}),
        (CHANGES, "select later.service", "select earlier.service", {"service"}),
        (OF_STEPS, "later.amount - earlier.amount", "earlier.amount - later.amount", {"change"}),
        (UNBEATEN, "other.amount > largest.amount", "largest.amount > other.amount", {"service", "*"}),
        (CHANGES, "inner join staging.stg_orders as earlier on", "left join staging.stg_orders as earlier on",
         {"service", "change", "*"}),
        # one use more changes nothing of the first
        ("select first.amount from staging.stg_orders as first", "orders as first", "orders as first"
         " left join staging.stg_orders as second on second.order_id = first.order_id + 1", set()),
    ],
)  # fmt: skip
def test_two_uses_of_one_relation_are_told_apart(sql, old, new, columns):
    assert changed((old, new), sql=sql) == columns


@pytest.mark.parametrize(
    ("join", "columns"),
    [
        ("left join staging.stg_services as services on services.service = orders.service", {"total"}),
        ("left join unnest([1, 2]) as twice(n) on true", {"total"}),
        ("left join staging.stg_services as services on true", set()),  # of one row
    ],
)
def test_a_left_join_in_the_model_before_is_part_of_what_is_summed_up(join, columns):
    before = "select orders.service, orders.amount from staging.stg_orders as orders"
    total = "select sum(amount) as total from intermediate.int_paid"
    either = ({"intermediate.int_paid": digests(sql)} for sql in (before, f"{before} {join}"))
    assert differing(*(digests(total, parents) for parents in either)) - {"*"} == columns
    passed_on = "select service, amount from intermediate.int_paid where amount > 0"
    either = ({"intermediate.int_paid": digests(sql)} for sql in (before, f"{before} {join}"))
    assert differing(*(digests(passed_on, parents) for parents in either)) == set()

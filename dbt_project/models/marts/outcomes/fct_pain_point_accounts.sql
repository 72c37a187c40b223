-- Every account once, by telemetry and by the tickets that a problem explains: no estimate, and no sample.
with account_days as (
    select * from {{ ref('int_problem_account_days') }}
),

problem_tickets as (
    select * from {{ ref('int_problem_tickets') }}
),

tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

plans as (
    select * from {{ ref('int_accounts_by_plan') }}
),

problems as (
    select * from {{ ref('rpt_pain_points') }}
),

touched as (
    select
        problem_id,
        account_id,
        event_date
    from account_days
    union
    select
        problem_tickets.problem_id,
        tickets.account_id,
        cast(tickets.created_at as date) as event_date
    from problem_tickets
    inner join tickets
        on problem_tickets.source = tickets.source and problem_tickets.ticket_id = tickets.ticket_id
    where tickets.account_id is not null
),

final as (
    select
        problems.pain_point_id,
        coalesce(plans.account_plan, 'unknown') as account_plan,
        count(distinct touched.account_id) as account_count,
        min(touched.event_date) as first_touched_date,
        max(touched.event_date) as last_touched_date,
        case when max(plans.account_plan) is null then 'plan_not_seen' end as no_plan_reason,
        {{ audit_columns() }}
    from problems
    inner join touched on problems.pain_point_id = touched.problem_id
    left join plans on touched.account_id = plans.account_id
    group by problems.pain_point_id, coalesce(plans.account_plan, 'unknown')
)

select * from final

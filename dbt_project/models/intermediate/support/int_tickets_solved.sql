-- Solved when it became so for good: a ticket that was opened again is solved by what came after. Versions, events and
-- the closing time all tell of statuses, and often only one of them is there.
with versions as (
    select * from {{ ref('stg_lake__tickets') }}
),

events as (
    select * from {{ ref('stg_lake__ticket_events') }}
),

observed as (
    select
        source,
        ticket_id,
        status in ('solved', 'closed') as is_solved,
        updated_at as observed_at
    from versions
    where status is not null
    union all
    select
        source,
        ticket_id,
        status in ('solved', 'closed') as is_solved,
        occurred_at as observed_at
    from events
    where event_type = 'status' and status is not null
    union all
    select
        source,
        ticket_id,
        true as is_solved,
        closed_at as observed_at
    from versions
    where closed_at is not null
),

dated as (
    select
        source,
        ticket_id,
        is_solved,
        observed_at,
        max(case when not is_solved then observed_at end) over (partition by source, ticket_id) as last_open_at
    from observed
),

final as (
    select
        source,
        ticket_id,
        min(observed_at) as solved_at
    from dated
    where is_solved and (last_open_at is null or observed_at >= last_open_at)
    group by source, ticket_id
)

select * from final

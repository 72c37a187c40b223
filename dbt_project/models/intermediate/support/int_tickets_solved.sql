-- Solved when it became so for good: a ticket that was opened again is solved by what came after.
with versions as (
    select * from {{ ref('stg_lake__tickets') }}
),

events as (
    select * from {{ ref('stg_lake__ticket_events') }}
),

observed as (
    {{ observed_statuses('versions', 'events') }}
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

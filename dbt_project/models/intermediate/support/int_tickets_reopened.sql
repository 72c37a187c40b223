-- Opened again after it was solved. Where both are said of one moment, it was solved then.
with versions as (
    select * from {{ ref('stg_lake__tickets') }}
),

events as (
    select * from {{ ref('stg_lake__ticket_events') }}
),

observed as (
    {{ observed_statuses('versions', 'events') }}
),

by_moment as (
    select
        source,
        ticket_id,
        observed_at,
        max(case when is_solved then 1 else 0 end) = 1 as is_solved
    from observed
    group by source, ticket_id, observed_at
),

ordered as (
    select
        *,
        lag(is_solved) over (partition by source, ticket_id order by observed_at asc) as was_solved
    from by_moment
),

final as (
    select
        source,
        ticket_id,
        observed_at as reopened_at
    from ordered
    where was_solved and not is_solved
)

select * from final

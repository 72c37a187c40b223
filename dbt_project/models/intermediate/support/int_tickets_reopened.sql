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

creations as (
    select source, ticket_id, min(created_at) as created_at
    from versions
    group by source, ticket_id
),

-- What is said of a time before there was the ticket says nothing about it.
by_moment as (
    select
        observed.source,
        observed.ticket_id,
        observed.observed_at,
        max(case when observed.is_solved then 1 else 0 end) = 1 as is_solved
    from observed
    inner join creations on observed.source = creations.source and observed.ticket_id = creations.ticket_id
    where creations.created_at is null or observed.observed_at >= creations.created_at
    group by observed.source, observed.ticket_id, observed.observed_at
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

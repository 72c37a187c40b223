-- When what was decided with a ticket was in progress and when it had shipped, as the ticket's own history tells it;
-- one row per initiative and time in which it stayed so.
with initiatives as (
    select * from {{ ref('int_initiatives_ticketed') }}
),

versions as (
    select * from {{ ref('stg_lake__tickets') }}
),

events as (
    select * from {{ ref('stg_lake__ticket_events') }}
),

observed as (
    {{ observed_statuses('versions', 'events') }}
),

-- A ticket that was made an initiative while it was solved had shipped by then.
decided as (
    select source, initiative_id, decided_at as observed_at, coalesce(is_solved, false) as is_solved
    from (
        select
            initiatives.source,
            initiatives.initiative_id,
            initiatives.decided_at,
            observed.is_solved,
            row_number() over (
                partition by initiatives.source, initiatives.initiative_id
                order by observed.observed_at desc nulls last, observed.is_solved desc
            ) as place
        from initiatives
        left join observed
            on
                initiatives.source = observed.source
                and initiatives.ticket_id = observed.ticket_id
                and initiatives.decided_at >= observed.observed_at
    ) as ordered
    where place = 1
),

moments as (
    select * from decided
    union all
    select
        initiatives.source,
        initiatives.initiative_id,
        observed.observed_at,
        observed.is_solved
    from initiatives
    inner join observed
        on
            initiatives.source = observed.source
            and initiatives.ticket_id = observed.ticket_id
            and initiatives.decided_at < observed.observed_at
),

by_moment as (
    select source, initiative_id, observed_at, max(case when is_solved then 1 else 0 end) = 1 as is_solved
    from moments
    group by source, initiative_id, observed_at
),

compared as (
    select
        *,
        lag(is_solved) over (partition by source, initiative_id order by observed_at asc) as was_solved
    from by_moment
),

final as (
    select
        compared.source,
        compared.initiative_id,
        initiatives.service,
        initiatives.title,
        initiatives.owner_team,
        initiatives.is_owner_named,
        case when compared.is_solved then 'shipped' else 'in progress' end as state,
        compared.observed_at as valid_from,
        lead(compared.observed_at) over (
            partition by compared.source, compared.initiative_id
            order by compared.observed_at asc
        ) as valid_to
    from compared
    inner join initiatives
        on compared.source = initiatives.source and compared.initiative_id = initiatives.initiative_id
    where compared.was_solved is null or compared.was_solved != compared.is_solved
)

select * from final

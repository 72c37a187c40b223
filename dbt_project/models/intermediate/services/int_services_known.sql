with requests as (
    select * from {{ ref('int_operation_days_read') }}
),

log_days as (
    select * from {{ ref('int_log_days_read') }}
),

deployments as (
    select * from {{ ref('stg_lake__deployments') }}
),

incidents as (
    select * from {{ ref('stg_lake__incidents') }}
),

tickets as (
    select * from {{ ref('stg_lake__tickets') }}
),

owners as (
    select * from {{ ref('stg_lake__owners') }}
),

heard_of as (
    -- Telemetry by the day: that much is known of every day, however coarse its rollups have become.
    select
        service,
        cast(min(event_date) as timestamp with time zone) as first_seen_at,
        cast(max(event_date) as timestamp with time zone) as last_seen_at
    from requests
    group by service
    union all
    select
        service,
        cast(min(event_date) as timestamp with time zone) as first_seen_at,
        cast(max(event_date) as timestamp with time zone) as last_seen_at
    from log_days
    group by service
    union all
    select service, min(created_at) as first_seen_at, max(occurred_at) as last_seen_at
    from deployments
    group by service
    union all
    select service, min(created_at) as first_seen_at, max(occurred_at) as last_seen_at
    from incidents
    group by service
),

named_in_tickets as (
    -- What a form calls Checkout is the service checkout; a name nothing else knows is a service of its own.
    select
        lower(trim(tickets.service)) as service,
        min(tickets.created_at) as first_seen_at,
        max(tickets.updated_at) as last_seen_at
    from tickets
    where tickets.service is not null
    group by lower(trim(tickets.service))
),

services as (
    select
        coalesce(heard_of.service, named_in_tickets.service) as service,
        least(heard_of.first_seen_at, named_in_tickets.first_seen_at) as first_seen_at,
        greatest(heard_of.last_seen_at, named_in_tickets.last_seen_at) as last_seen_at
    from (
        select service, min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at
        from heard_of
        group by service
    ) as heard_of
    full outer join named_in_tickets on lower(heard_of.service) = named_in_tickets.service
    union all
    select
        '{{ unknown_service() }}' as service,
        cast(null as timestamp with time zone) as first_seen_at,
        cast(null as timestamp with time zone) as last_seen_at
),

distinct_services as (
    select service, min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at
    from services
    group by service
),

owned as (
    -- An exact name wins over a pattern, a longer pattern over a shorter, any of them over the default.
    select
        distinct_services.service,
        distinct_services.first_seen_at,
        distinct_services.last_seen_at,
        owners.owner_team,
        owners.owner_email,
        owners.service != '*' as is_owner_named,
        row_number() over (
            partition by distinct_services.service
            order by
                case when owners.service = distinct_services.service then 0 else 1 end,
                length(owners.service) desc,
                owners.service asc
        ) as place
    from distinct_services
    inner join owners
        on
            distinct_services.service = owners.service
            or distinct_services.service like replace(replace(owners.service, '_', '!_'), '*', '%') escape '!'
),

final as (
    select service, first_seen_at, last_seen_at, owner_team, owner_email, is_owner_named
    from owned
    where place = 1
)

select * from final

with tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

plans as (
    select * from {{ ref('int_accounts_by_plan') }}
),

themes as (
    select * from {{ ref('stg_lake__text_themes') }}
    where signal = 'tickets'
),

reopenings as (
    select
        source,
        ticket_id,
        count(*) as reopened_count
    from {{ ref('int_tickets_reopened') }}
    group by source, ticket_id
),

timed as (
    select
        *,
        {{ minutes_between('created_at', 'first_response_at') }} as first_response_minutes,
        {{ minutes_between('created_at', 'solved_at') }} as resolution_minutes,
        case when is_open then {{ minutes_between('created_at', as_of()) }} end as open_minutes
    from tickets
),

final as (
    select
        timed.source,
        timed.ticket_id,
        timed.created_at,
        timed.status,
        timed.priority,
        timed.ticket_type,
        timed.is_defect,
        timed.channel,
        timed.subject,
        timed.account_id,
        coalesce(plans.account_plan, 'unknown') as account_plan,
        timed.service,
        coalesce(themes.theme_id, 'unknown') as theme_id,
        coalesce(themes.theme, 'unknown') as theme,
        themes.confidence as theme_confidence,
        timed.is_open,
        timed.open_minutes,
        timed.first_response_minutes,
        case
            when timed.first_response_minutes is not null then null
            when timed.created_at is null then 'creation_not_recorded'
            when timed.is_open then 'open'
            else 'not_recorded'
        end as no_first_response_reason,
        timed.resolution_minutes,
        case
            when timed.resolution_minutes is not null then null
            when timed.created_at is null then 'creation_not_recorded'
            when timed.is_open then 'open'
            when timed.solved_at is null then 'not_recorded'
            else 'wrong_order'
        end as no_resolution_reason,
        -- Of a ticket that was first seen solved nobody knows what went before.
        case
            when reopenings.reopened_count is not null or timed.is_open or timed.version_count > 1
                then coalesce(reopenings.reopened_count, 0)
        end as reopened_count,
        case when timed.satisfaction in ('good', 'bad') then timed.satisfaction = 'good' end as is_satisfied,
        {{ audit_columns() }}
    from timed
    left join plans on timed.account_id = plans.account_id
    left join themes on timed.source = themes.source and timed.ticket_id = themes.ticket_id
    left join reopenings on timed.source = reopenings.source and timed.ticket_id = reopenings.ticket_id
)

select * from final

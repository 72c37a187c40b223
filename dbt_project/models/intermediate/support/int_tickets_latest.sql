{%- set text = "lower(coalesce(subject, '') || ' ' || coalesce(description, ''))" -%}

with versions as (
    select * from {{ ref('stg_lake__tickets') }}
),

events as (
    select * from {{ ref('stg_lake__ticket_events') }}
),

services as (
    select * from {{ ref('int_services_known') }}
),

solutions as (
    select * from {{ ref('int_tickets_solved') }}
),

triage as (
    select * from {{ ref('stg_lake__triage') }}
),

numbered as (
    select
        *,
        row_number() over (partition by source, ticket_id order by updated_at desc, record_id desc) as place
    from versions
),

latest as (
    select
        *,
        coalesce(status not in ('solved', 'closed'), closed_at is null) as is_open,
        lower(trim(service)) as named_service,
        -- Its words, each between spaces; only where the ticket names no service are they looked at.
        case when service is null then ' ' || {{ replace_pattern(text, '[^a-z0-9_-]+', ' ') }} || ' ' end as said
    from numbered
    where place = 1
),

histories as (
    select
        source,
        ticket_id,
        max(account_id) as any_account_id,
        count(*) as version_count
    from versions
    group by source, ticket_id
),

responses as (
    select
        events.source,
        events.ticket_id,
        min(events.occurred_at) as first_response_at
    from events
    inner join latest on events.source = latest.source and events.ticket_id = latest.ticket_id
    where
        events.event_type = 'comment'
        and events.is_public
        and events.author_role = 'agent'
        and events.occurred_at > latest.created_at
    group by events.source, events.ticket_id
),

hints as (
    -- Without a service of its own a ticket is about the service its tags name, else the one its text names.
    select
        latest.source,
        latest.ticket_id,
        services.service,
        case
            when latest.named_service = lower(services.service) then 1
            when array_contains(latest.tags, services.service) then 2
            else 3
        end as strength
    from latest
    inner join services
        on
            latest.named_service = lower(services.service)
            or (
                latest.service is null
                and services.service != '{{ unknown_service() }}'
                and (
                    array_contains(latest.tags, services.service)
                    or latest.said like '% ' || replace(lower(services.service), '_', '!_') || ' %' escape '!'
                )
            )
),

attributed as (
    select source, ticket_id, service
    from (
        select
            *,
            row_number() over (
                partition by source, ticket_id
                order by strength asc, length(service) desc, service asc
            ) as place
        from hints
    ) as ordered
    where place = 1
),

final as (
    select
        latest.source,
        latest.ticket_id,
        latest.created_at,
        latest.updated_at,
        latest.status,
        latest.priority,
        latest.ticket_type,
        latest.channel,
        latest.subject,
        latest.description,
        latest.satisfaction,
        histories.version_count,
        coalesce(latest.account_id, histories.any_account_id) as account_id,
        coalesce(attributed.service, '{{ unknown_service() }}') as service,
        -- What tickets of one theme have in common: their subject without numbers and ids.
        trim({{ replace_pattern("lower(coalesce(latest.subject, ''))", '[^a-z ]+', '') }}) as subject_key,
        responses.first_response_at,
        coalesce(array_contains(triage.defect_ticket_types, latest.ticket_type), false)
        or coalesce({{ lists_overlap('triage.defect_tags', 'latest.tags') }}, false) as is_defect,
        latest.is_open,
        case when not latest.is_open then solutions.solved_at end as solved_at
    from latest
    inner join histories on latest.source = histories.source and latest.ticket_id = histories.ticket_id
    left join triage on true  -- one row: it adds columns, and no ticket depends on it
    left join attributed on latest.source = attributed.source and latest.ticket_id = attributed.ticket_id
    left join responses on latest.source = responses.source and latest.ticket_id = responses.ticket_id
    left join solutions on latest.source = solutions.source and latest.ticket_id = solutions.ticket_id
)

select * from final

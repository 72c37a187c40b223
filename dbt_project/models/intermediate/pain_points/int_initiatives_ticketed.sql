-- What was decided with a ticket: those with the tag of triage.yml, with owner, milestone and due date as far as they
-- are told; one row per ticket. Its subject stays behind: the list is for everybody, what one person wrote is not.
with versions as (
    select * from {{ ref('stg_lake__tickets') }}
),

tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

services as (
    select * from {{ ref('int_services_known') }}
),

owners as (
    select * from {{ ref('stg_lake__owners') }}
),

triage as (
    select * from {{ ref('stg_lake__triage') }}
),

teams as (
    select owner_team, min(owner_email) as owner_email
    from owners
    group by owner_team
),

-- Its system shows a ticket as it is; what was pulled first may have been tagged already.
told as (
    select
        versions.source,
        versions.ticket_id,
        versions.updated_at,
        array_contains(versions.tags, triage.initiative_tag) as is_tagged,
        coalesce({{ tag_after('versions.tags', 'triage.milestone_tag') }}, versions.milestone) as milestone,
        coalesce({{ day_told(tag_after('versions.tags', 'triage.due_tag')) }}, versions.due_on) as due_on,
        {{ tag_after('versions.tags', 'triage.owner_tag') }} as owner_named,
        min(versions.updated_at) over (partition by versions.source, versions.ticket_id) as first_seen_at,
        row_number() over (
            partition by versions.source, versions.ticket_id
            order by versions.updated_at desc, versions.record_id desc
        ) as place,
        min(versions.updated_at) over (
            partition by
                versions.source, versions.ticket_id, array_contains(versions.tags, triage.initiative_tag)
        ) as first_tagged_at
    from versions
    cross join triage
),

final as (
    select
        tickets.source,
        tickets.ticket_id,
        'ticket-' || tickets.source || '-' || tickets.ticket_id as initiative_id,
        'Ticket ' || tickets.ticket_id as title,
        tickets.service,
        coalesce(teams.owner_team, services.owner_team) as owner_team,
        coalesce(teams.owner_email, services.owner_email) as owner_email,
        teams.owner_team is not null as is_owner_named,
        told.milestone,
        told.due_on,
        tickets.created_at,
        -- Written as one, or made one later.
        case
            when told.first_tagged_at > told.first_seen_at then told.first_tagged_at else tickets.created_at
        end as decided_at,
        tickets.solved_at as shipped_at
    from tickets
    inner join told
        on
            tickets.source = told.source
            and tickets.ticket_id = told.ticket_id
            and told.is_tagged
            and told.place = 1
    inner join services on tickets.service = services.service
    left join teams on lower(told.owner_named) = lower(teams.owner_team)
)

select * from final

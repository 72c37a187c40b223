with source as (
    select * from {{ source('lake', 'tickets') }}
),

final as (
    select
        source,
        record_id,
        event_at as updated_at,
        ticket_id,
        created_at,
        status,
        closed_at,
        priority,
        ticket_type,
        channel,
        subject,
        description,
        account_id,
        service,
        tags,
        {{ attribute_of('attributes', 'milestone') }} as milestone,
        {{ day_told(attribute_of('attributes', 'due_at')) }} as due_on,
        {{ attribute_of('attributes', 'satisfaction_rating.score') }} as satisfaction
    from source
)

select * from final

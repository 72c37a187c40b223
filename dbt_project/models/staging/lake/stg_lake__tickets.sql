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
        {{ attribute_of('attributes', 'satisfaction_rating.score') }} as satisfaction
    from source
)

select * from final

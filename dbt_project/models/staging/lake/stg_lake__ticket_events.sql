with source as (
    select * from {{ source('lake', 'ticket_events') }}
),

final as (
    select
        source,
        record_id,
        event_at as occurred_at,
        ticket_id,
        event_type,
        author,
        author_role,
        is_public,
        status
    from source
)

select * from final

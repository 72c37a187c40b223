with tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

final as (
    select
        source,
        ticket_id,
        created_at,
        status,
        priority,
        ticket_type,
        channel,
        subject,
        account_id,
        service,
        is_open,
        {{ minutes_between('created_at', 'first_response_at') }} as first_response_minutes,
        {{ minutes_between('created_at', 'solved_at') }} as resolution_minutes,
        {{ audit_columns() }}
    from tickets
)

select * from final

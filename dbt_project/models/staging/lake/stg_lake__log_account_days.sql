with source as (
    select * from {{ source('lake', 'log_account_days') }}
),

final as (
    select
        source,
        event_date,
        account_id,
        coalesce(service, 'unknown') as service,
        template_id,
        record_count
    from source
)

select * from final

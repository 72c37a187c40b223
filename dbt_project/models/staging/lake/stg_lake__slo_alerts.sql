with source as (
    select * from {{ source('lake', 'slo_alerts') }}
),

final as (
    select
        severity,
        long_minutes,
        short_minutes,
        spent_ratio,
        at_least_requests,
        digest
    from source
)

select * from final

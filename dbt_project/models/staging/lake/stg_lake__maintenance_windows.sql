with source as (
    select * from {{ source('lake', 'maintenance_windows') }}
),

final as (
    select
        service_pattern,
        starts_at,
        ends_at,
        {{ minute_of('starts_at') }} as start_minute,
        {{ minute_of('ends_at') }} as end_minute,
        reason,
        approved_by
    from source
)

select * from final

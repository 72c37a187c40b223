with source as (
    select * from {{ source('lake', 'kept_records') }}
),

final as (
    select
        source,
        signal,
        event_date,
        coalesce(service, 'unknown') as service,
        record_count,
        raw_bytes
    from source
)

select * from final

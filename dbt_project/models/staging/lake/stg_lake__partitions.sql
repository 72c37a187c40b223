with source as (
    select * from {{ source('lake', 'partitions') }}
),

final as (
    select
        source,
        signal,
        event_date,
        digest
    from source
)

select * from final

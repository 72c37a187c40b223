with source as (
    select * from {{ source('lake', 'privacy_findings') }}
),

final as (
    select
        source,
        signal,
        event_date,
        field,
        entity,
        finding_count,
        propagated_count,
        value_count
    from source
)

select * from final

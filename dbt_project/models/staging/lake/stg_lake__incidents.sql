with source as (
    select * from {{ source('lake', 'incidents') }}
),

final as (
    select
        source,
        record_id,
        event_at as occurred_at,
        incident_id,
        entry_type,
        started_at,
        created_at,
        coalesce(service, 'unknown') as service,
        urgency,
        status,
        title,
        deployment_id
    from source
)

select * from final

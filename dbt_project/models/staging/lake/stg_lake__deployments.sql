with source as (
    select * from {{ source('lake', 'deployments') }}
),

final as (
    select
        source,
        record_id,
        event_at as occurred_at,
        deployment_id,
        status,
        created_at,
        coalesce(service, 'unknown') as service,
        service_version,
        environment,
        ref,
        sha,
        description
    from source
)

select * from final

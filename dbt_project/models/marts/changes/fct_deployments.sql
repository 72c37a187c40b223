with deployments as (
    select * from {{ ref('int_deployments_finished') }}
),

final as (
    select
        source,
        deployment_id,
        service,
        service_version,
        environment,
        created_at,
        finished_at,
        status,
        {{ audit_columns() }}
    from deployments
)

select * from final

with source as (
    select * from {{ source('lake', 'change_rules') }}
),

final as (
    select
        service,
        like_pattern,
        incident_hours,
        same_service_confidence,
        later_commit_confidence,
        next_deployment_confidence,
        performance_weeks,
        policy_digest
    from source
)

select * from final

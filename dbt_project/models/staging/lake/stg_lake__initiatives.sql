with source as (
    select * from {{ source('lake', 'initiatives') }}
),

final as (
    select
        initiative_id,
        title,
        owner_team,
        owner_email,
        author,
        decided_on,
        milestone,
        due_on,
        shipped_on,
        deployment_id,
        pain_point_id,
        service,
        operation,
        problem_kind,
        feature_flag,
        theme
    from source
)

select * from final

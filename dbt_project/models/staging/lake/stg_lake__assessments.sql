with source as (
    select * from {{ source('lake', 'assessments') }}
),

final as (
    select
        place,
        pain_point_id,
        service,
        operation,
        problem_kind,
        feature_flag,
        theme,
        strategic_value,
        effort_days,
        author,
        stated_on,
        reason
    from source
)

select * from final

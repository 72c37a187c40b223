with source as (
    select * from {{ source('lake', 'survey_rules') }}
),

final as (
    select
        min_respondents,
        wave_gap_days,
        policy_digest
    from source
)

select * from final

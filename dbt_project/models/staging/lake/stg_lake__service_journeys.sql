with source as (
    select * from {{ source('lake', 'service_journeys') }}
),

final as (
    select
        service,
        journey,
        owner_team,
        outcome_tags,
        unit_name,
        unit_value,
        currency,
        value_source,
        value_author,
        value_date,
        policy_digest
    from source
)

select * from final

with journeys as (
    select * from {{ ref('stg_lake__service_journeys') }}
),

final as (
    select
        coalesce(service, '{{ unknown_service() }}') as service,
        journey,
        owner_team,
        outcome_tags,
        unit_name,
        unit_value,
        currency,
        value_source,
        value_author,
        value_date,
        case when unit_value is null then 'no_worth_stated' end as no_value_reason,
        {{ audit_columns('policy_digest') }}
    from journeys
)

select * from final

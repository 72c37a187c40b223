-- Days between the first and the last on which nothing was reported are rows too: unknown, not zero.

with outcomes as (
    select
        *,
        coalesce(segment, 'all') as segment_name
    from {{ ref('stg_lake__outcomes') }}
),

worths as (
    -- The same for every service that the journey needs.
    select
        journey,
        max(unit_name) as unit_name,
        max(unit_value) as unit_value,
        max(currency) as currency,
        max(policy_digest) as policy_digest
    from {{ ref('stg_lake__service_journeys') }}
    group by journey
),

tags as (
    select
        journey,
        service,
        outcome_tags
    from {{ ref('stg_lake__service_journeys') }}
),

bounds as (
    select
        min(outcome_date) as first_date,
        max(outcome_date) as last_date
    from outcomes
),

days as (
    {{ calendar('bounds') }}
),

series as (
    select
        source,
        journey,
        service,
        segment_name as segment,
        measure,
        unit,
        min(outcome_date) as first_date,
        max(outcome_date) as last_date
    from outcomes
    group by source, journey, service, segment_name, measure, unit
),

spine as (
    select
        days.event_date,
        series.*
    from days
    inner join series on days.event_date >= series.first_date and days.event_date <= series.last_date
),

valued as (
    select
        spine.event_date,
        spine.source,
        spine.journey,
        spine.service,
        spine.segment,
        spine.measure,
        spine.unit,
        tags.outcome_tags,
        outcomes.value,
        outcomes.population,
        worths.journey is not null as is_journey_known,
        worths.unit_name,
        worths.unit_value,
        worths.policy_digest,
        case when spine.measure = 'support_cost' then spine.unit else worths.currency end as currency,
        case
            when spine.measure = 'support_cost' then null
            when spine.unit = 'count' then outcomes.value
            when spine.unit = 'ratio' then outcomes.value * outcomes.population
        end as success_count
    from spine
    left join outcomes
        on
            {{ same_keys('spine', 'outcomes', ['source', 'journey', 'service', 'measure', 'unit']) }}
            and spine.segment = outcomes.segment_name
            and spine.event_date = outcomes.outcome_date
    left join worths on spine.journey = worths.journey
    left join tags on spine.journey = tags.journey and spine.service = tags.service
),

final as (
    select
        event_date,
        source,
        journey,
        service,
        segment,
        measure,
        unit,
        outcome_tags,
        value,
        population,
        success_count,
        case when success_count is not null then population end as tried_count,
        {{ ratio('success_count', 'population') }} as success_ratio,
        case when measure = 'support_cost' then value end as support_cost,
        unit_name,
        unit_value,
        currency,
        success_count * unit_value as measured_value,
        case
            when success_count * unit_value is not null then null
            when value is null then 'not_reported'
            when measure = 'support_cost' then 'is_a_cost'
            when success_count is null then 'population_not_reported'
            when not is_journey_known then 'journey_not_named'
            else 'no_worth_stated'
        end as no_value_reason,
        {{ audit_columns("coalesce(policy_digest, '')") }}
    from valued
)

select * from final

with source as (
    select * from {{ source('lake', 'outcomes') }}
),

named as (
    select
        source,
        record_id,
        cast(event_at as date) as outcome_date,
        journey,
        coalesce(service, 'unknown') as service,
        segment,
        measure,
        value,
        unit,
        population,
        reported_at
    from source
),

ranked as (
    select
        *,
        row_number() over (
            partition by source, outcome_date, journey, service, segment, measure, unit
            order by reported_at desc nulls last, record_id desc
        ) as place
    from named
),

-- A corrected figure is a row of its own: the one that was reported last holds.
final as (
    select
        source,
        record_id,
        outcome_date,
        journey,
        service,
        segment,
        measure,
        value,
        unit,
        population,
        reported_at
    from ranked
    where place = 1
)

select * from final

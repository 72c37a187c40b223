-- Nothing is lost on the way: the records of all minutes are those of the templates' days.
with minutes as (
    select source, template_id, event_date, sum(record_count) as record_count
    from {{ ref('stg_lake__log_templates') }}
    group by source, template_id, event_date
),

days as (
    select * from {{ ref('fct_log_template_days') }}
),

final as (
    select
        days.source,
        days.template_id,
        days.event_date,
        days.record_count,
        minutes.record_count as minute_record_count
    from days
    left join minutes
        on
            days.source = minutes.source
            and days.template_id = minutes.template_id
            and days.event_date = minutes.event_date
    where minutes.record_count is null or days.record_count != minutes.record_count
)

select * from final

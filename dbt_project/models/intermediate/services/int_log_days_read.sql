{{ read_by_day('logs') }}

with templates as (
    select * from {{ ref('stg_lake__log_templates') }}
),

days as (
    {{ days_to_read('logs') }}
),

final as (
    select
        templates.source,
        templates.service,
        templates.event_date,
        cast(sum(templates.record_count) as bigint) as record_count,
        cast(
            sum(case when templates.severity in ('ERROR', 'FATAL') then templates.record_count else 0 end) as bigint
        ) as error_record_count,
        cast(sum(templates.raw_bytes) as bigint) as raw_bytes,
        days.made_from
    from templates
    inner join days on templates.source = days.source and templates.event_date = days.event_date
    group by templates.source, templates.service, templates.event_date, days.made_from
)

select * from final

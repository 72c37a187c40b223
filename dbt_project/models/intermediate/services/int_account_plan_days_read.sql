-- Which plan an account had by the spans that were kept of a day.
{{ read_by_day('spans') }}

with spans as (
    select * from {{ ref('stg_lake__spans') }}
),

days as (
    {{ days_to_read('spans') }}
),

final as (
    select
        spans.source,
        spans.event_date,
        spans.account_id,
        spans.account_plan,
        days.made_from,
        count(*) as span_count
    from spans
    inner join days on spans.source = days.source and spans.event_date = days.event_date
    where spans.account_id is not null and spans.account_plan is not null
    group by spans.source, spans.event_date, spans.account_id, spans.account_plan, days.made_from
)

select * from final

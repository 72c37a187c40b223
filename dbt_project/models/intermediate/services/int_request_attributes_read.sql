-- Sampled requests by the attributes that policies/estimates.yml names; of a service's values of a day, those that
-- stand for most requests keep their name.
{% set given = ['int_span_kinds_classified', 'stg_lake__request_attributes'] -%}
{{ read_by_day('spans', of_all_sources=true, given=given) }}

with days as (
    {{ days_to_read('spans', of_all_sources=true, given=given) }}
),

spans as (
    select spans.*, days.made_from
    from {{ ref('stg_lake__spans') }} as spans
    inner join days on spans.event_date = days.event_date
),

kinds as (
    select * from {{ ref('int_span_kinds_classified') }}
),

ledger as (
    select * from {{ ref('stg_lake__ledger') }}
),

named as (
    select * from {{ ref('stg_lake__request_attributes') }}
),

complete_days as (
    -- What was dropped is known of the whole day, never from the rows that were kept.
    select
        event_date,
        sum(case when sampled_out = 0 then 0 else 1 end) = 0 as is_complete
    from ledger
    where signal = 'spans' and coalesce(sampled, sampled_out) is not null
    group by event_date
),

failing_weights as (
    -- Where one failing trace of a day was drawn, all of them were: the budget was exceeded.
    select event_date, max(weight) as weight
    from spans
    where is_error
    group by event_date
),

answering as (
    -- Before its attributes are told apart: most spans are no requests.
    select spans.*
    from spans
    inner join kinds on spans.service = kinds.service and spans.span_kind = kinds.span_kind
    where kinds.is_request
),

valued as (
    {{ attributes_of('answering') }}
),

requests as (
    select
        valued.event_date,
        valued.service,
        valued.attribute,
        min(valued.attribute_value) as attribute_value,
        valued.source,
        valued.record_id,
        valued.trace_id,
        valued.weight,
        valued.is_error,
        valued.duration_ms,
        valued.made_from,
        named.max_values_per_service
    from valued
    inner join named on valued.attribute = named.attribute
    group by
        valued.event_date,
        valued.service,
        valued.attribute,
        valued.source,
        valued.record_id,
        valued.trace_id,
        valued.weight,
        valued.is_error,
        valued.duration_ms,
        valued.made_from,
        named.max_values_per_service
),

ranked as (
    select
        event_date,
        service,
        attribute,
        attribute_value,
        row_number() over (
            partition by event_date, service, attribute
            order by sum(weight) desc, attribute_value asc
        ) as place
    from requests
    group by event_date, service, attribute, attribute_value
),

final as (
    select
        requests.event_date,
        requests.service,
        requests.attribute,
        case
            when ranked.place <= requests.max_values_per_service then requests.attribute_value
            else '(other)'
        end as attribute_value,
        requests.source,
        requests.record_id,
        requests.trace_id,
        requests.weight,
        requests.is_error,
        requests.duration_ms,
        requests.made_from,
        coalesce(complete_days.is_complete, false) as is_complete,
        coalesce(failing_weights.weight, 1) = 1 as are_errors_complete
    from requests
    inner join ranked
        on
            requests.event_date = ranked.event_date
            and requests.service = ranked.service
            and requests.attribute = ranked.attribute
            and requests.attribute_value = ranked.attribute_value
    left join complete_days on requests.event_date = complete_days.event_date
    left join failing_weights on requests.event_date = failing_weights.event_date
)

select * from final

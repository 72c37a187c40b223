-- Lines that say that something is wrong, per hour, against as many as the service's requests of that hour let expect.
with warnings as (
    select * from {{ ref('int_log_warnings_identified') }}
),

templates as (
    select * from {{ ref('stg_lake__log_templates') }}
),

requests as (
    select * from {{ ref('stg_lake__span_requests') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

bounds as (
    select
        min(templates.event_date) as first_date,
        max(templates.event_date) as last_date
    from templates
    cross join ranking
    where {{ in_window('templates.hour_start_at', day='templates.event_date') }}
),

days as (
    {{ calendar('bounds') }}
),

records as (
    select
        symptom_id,
        service,
        severity,
        hour_start_at,
        event_date,
        sum(record_count) as record_count
    from warnings
    group by symptom_id, service, severity, hour_start_at, event_date
),

symptoms as (
    select distinct symptom_id, service, severity
    from records
),

request_hours as (
    select
        requests.service,
        requests.hour_start_at,
        requests.event_date,
        sum(requests.span_count) as exposure
    from requests
    cross join ranking
    where {{ in_window('requests.hour_start_at', day='requests.event_date') }}
    group by requests.service, requests.hour_start_at, requests.event_date
),

exposures as (
    select service, hour_start_at, event_date, cast(exposure as double) as exposure, true as has_spans
    from request_hours
    union all
    -- A service without spans: a day is a day.
    select
        services.service,
        cast(days.event_date as timestamp with time zone) as hour_start_at,
        days.event_date,
        1.0 as exposure,
        false as has_spans
    from (select distinct service from symptoms) as services
    cross join days
    where services.service not in (select request_hours.service from request_hours)
),

hours as (
    select symptom_id, service, severity, hour_start_at, event_date, record_count, 0.0 as exposure
    from records
    union all
    select
        symptoms.symptom_id,
        symptoms.service,
        symptoms.severity,
        exposures.hour_start_at,
        exposures.event_date,
        0 as record_count,
        exposures.exposure
    from symptoms
    inner join exposures on symptoms.service = exposures.service
),

summed as (
    select
        symptom_id,
        service,
        severity,
        hour_start_at,
        event_date,
        cast(sum(record_count) as double) as observed,
        sum(exposure) as exposure
    from hours
    group by symptom_id, service, severity, hour_start_at, event_date
),

first_records as (
    select
        symptom_id,
        min(hour_start_at) as first_record_at,
        sum(observed) as observed
    from summed
    where observed > 0
    group by symptom_id
),

-- A line that was not there for so long that ten of it were to be expected is new: what was before is what is usual.
new_symptoms as (
    select
        summed.symptom_id,
        sum(case when summed.hour_start_at < first_records.first_record_at then summed.exposure else 0 end)
            as exposure_before
    from summed
    inner join first_records on summed.symptom_id = first_records.symptom_id
    group by summed.symptom_id
    having
        sum(case when summed.hour_start_at < first_records.first_record_at then summed.exposure else 0 end)
        * max(first_records.observed)
        >= 10 * sum(case when summed.hour_start_at >= first_records.first_record_at then summed.exposure else 0 end)
),

-- Blocks of five days, of which the best quarter shows what is usual: a line can come up early and stay.
blocks as (
    select
        summed.symptom_id,
        {{ five_day_block('bounds.first_date', 'summed.event_date') }} as block,
        sum(summed.observed) as observed,
        sum(summed.exposure) as exposure,
        count(distinct summed.event_date) as day_count
    from summed
    cross join bounds
    group by summed.symptom_id, {{ five_day_block('bounds.first_date', 'summed.event_date') }}
),

ordered_blocks as (
    select
        *,
        row_number() over (
            partition by symptom_id
            order by observed / greatest(exposure, 1) asc, exposure desc, block asc
        ) as place,
        count(*) over (partition by symptom_id) as block_count
    from blocks
),

usual_blocks as (
    select
        symptom_id,
        (sum(case when place * 4 <= block_count + 3 then observed end) + 0.5)
        / (sum(case when place * 4 <= block_count + 3 then exposure end) + 1) as usual_ratio,
        sum(exposure) / greatest(sum(day_count), 1) as daily_exposure
    from ordered_blocks
    group by symptom_id
),

usual as (
    select
        usual_blocks.symptom_id,
        coalesce(0.5 / (new_symptoms.exposure_before + 1), usual_blocks.usual_ratio) as usual_ratio,
        usual_blocks.daily_exposure
    from usual_blocks
    left join new_symptoms on usual_blocks.symptom_id = new_symptoms.symptom_id
),

final as (
    select
        summed.symptom_id,
        summed.hour_start_at,
        summed.event_date,
        summed.observed,
        summed.exposure * (
            -- Where nothing but logs is known, an ERROR that was always there is all there is to go by.
            case
                when
                    summed.severity in ('ERROR', 'FATAL')
                    and summed.service not in (select request_hours.service from request_hours)
                    then 0
                else ranking.tolerated_factor * usual.usual_ratio
            end
            + ranking.tolerated_records / greatest(usual.daily_exposure, 1)
        ) as expected
    from summed
    inner join usual on summed.symptom_id = usual.symptom_id
    cross join ranking
)

select * from final

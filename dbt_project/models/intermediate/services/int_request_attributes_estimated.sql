{% set given = ['int_span_kinds_classified', 'stg_lake__request_attributes'] -%}
{{ read_by_day('spans', of_all_sources=true, given=given) }}

{%- set grain = ['event_date', 'service', 'attribute', 'attribute_value'] -%}

with days as (
    {{ days_to_read('spans', of_all_sources=true, given=given) }}
),

requests as (
    select read_requests.*
    from {{ ref('int_request_attributes_read') }} as read_requests
    inner join days on read_requests.event_date = days.event_date
),

counts as (
    {{ estimated_totals('requests', grain) }}
),

error_ratios as (
    {{ estimated_rates('requests', grain, 'is_error', kept_for_certain='are_errors_complete') }}
),

mean_durations as (
    {{ estimated_means('requests', grain, 'duration_ms') }}
),

p95_durations as (
    {{ estimated_quantiles('requests', grain, 'duration_ms', 0.95) }}
),

-- Sums of doubles come out in another last digit from run to run; six decimals do not.
final as (
    select
        counts.event_date,
        counts.service,
        counts.attribute,
        counts.attribute_value,
        round(counts.estimate, 6) as request_count,
        round(counts.low, 6) as request_count_low,
        round(counts.high, 6) as request_count_high,
        round(error_ratios.estimate, 6) as error_ratio,
        round(error_ratios.low, 6) as error_ratio_low,
        round(error_ratios.high, 6) as error_ratio_high,
        round(mean_durations.estimate, 6) as mean_ms,
        round(mean_durations.low, 6) as mean_ms_low,
        round(mean_durations.high, 6) as mean_ms_high,
        round(p95_durations.estimate, 6) as p95_ms,
        round(p95_durations.low, 6) as p95_ms_low,
        round(p95_durations.high, 6) as p95_ms_high,
        counts.drawn_traces as drawn_trace_count,
        counts.reason as no_interval_reason,
        p95_durations.reason as no_p95_interval_reason,
        days.made_from
    from counts
    inner join days on counts.event_date = days.event_date
    inner join error_ratios on {{ same_keys('counts', 'error_ratios', grain) }}
    left join mean_durations on {{ same_keys('counts', 'mean_durations', grain) }}
    left join p95_durations on {{ same_keys('counts', 'p95_durations', grain) }}
)

select * from final

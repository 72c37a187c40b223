{%- set grain = ['event_date', 'service', 'attribute', 'attribute_value'] -%}

with requests as (
    select * from {{ ref('int_request_attributes_sampled') }}
),

policy as (
    select max(policy_digest) as policy_digest from {{ ref('stg_lake__request_attributes') }}
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

final as (
    select
        counts.event_date,
        counts.service,
        counts.attribute,
        counts.attribute_value,
        counts.estimate as request_count,
        counts.low as request_count_low,
        counts.high as request_count_high,
        error_ratios.estimate as error_ratio,
        error_ratios.low as error_ratio_low,
        error_ratios.high as error_ratio_high,
        mean_durations.estimate as mean_ms,
        mean_durations.low as mean_ms_low,
        mean_durations.high as mean_ms_high,
        p95_durations.estimate as p95_ms,
        p95_durations.low as p95_ms_low,
        p95_durations.high as p95_ms_high,
        counts.drawn_traces as drawn_trace_count,
        counts.reason as no_interval_reason,
        p95_durations.reason as no_p95_interval_reason,
        {{ audit_columns('policy.policy_digest') }}
    from counts
    cross join policy
    inner join error_ratios on {{ same_keys('counts', 'error_ratios', grain) }}
    left join mean_durations on {{ same_keys('counts', 'mean_durations', grain) }}
    left join p95_durations on {{ same_keys('counts', 'p95_durations', grain) }}
)

select * from final

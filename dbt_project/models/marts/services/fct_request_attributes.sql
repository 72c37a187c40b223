with estimated as (
    select * from {{ ref('int_request_attributes_estimated') }}
),

policy as (
    select max(policy_digest) as policy_digest from {{ ref('stg_lake__request_attributes') }}
),

final as (
    select
        estimated.event_date,
        estimated.service,
        estimated.attribute,
        estimated.attribute_value,
        estimated.request_count,
        estimated.request_count_low,
        estimated.request_count_high,
        estimated.error_ratio,
        estimated.error_ratio_low,
        estimated.error_ratio_high,
        estimated.mean_ms,
        estimated.mean_ms_low,
        estimated.mean_ms_high,
        estimated.p95_ms,
        estimated.p95_ms_low,
        estimated.p95_ms_high,
        estimated.drawn_trace_count,
        estimated.no_interval_reason,
        estimated.no_p95_interval_reason,
        {{ audit_columns('policy.policy_digest') }}
    from estimated
    cross join policy
)

select * from final

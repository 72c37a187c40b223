with source as (
    select * from {{ source('lake', 'slos') }}
),

final as (
    select
        slo,
        valid_from,
        valid_to,
        indicator,
        service,
        service_pattern,
        except_services,
        owner_team,
        owner_email,
        operation_pattern,
        excluded_operations,
        span_kind,
        feature_flag,
        feature_variant,
        threshold_ms,
        threshold_bucket,
        effective_threshold_ms,
        objective_ratio,
        budget_ratio,
        period_days,
        digest
    from source
)

select * from final

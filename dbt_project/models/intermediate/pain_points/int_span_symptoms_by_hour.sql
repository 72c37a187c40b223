with operation_counts as (
    select * from {{ ref('int_operation_counts_by_hour') }}
),

symptoms as (
    select * from {{ ref('int_span_symptoms') }}
),

final as (
    select
        symptoms.symptom_id,
        operation_counts.hour_start_at,
        operation_counts.event_date,
        cast(sum(
            case symptoms.test
                when 'slow' then operation_counts.slow_count
                when 'very_slow' then operation_counts.very_slow_count
                when 'objective' then operation_counts.beyond_objective_count
                else operation_counts.origin_error_count
            end
        ) as double) as observed,
        sum(operation_counts.span_count) * max(symptoms.tolerated_ratio) as expected
    from symptoms
    inner join operation_counts
        on
            symptoms.operation_id = operation_counts.operation_id
            and (symptoms.feature_flag is null or symptoms.feature_flag = operation_counts.feature_flag)
            and (symptoms.feature_variant is null or symptoms.feature_variant = operation_counts.feature_variant)
    group by symptoms.symptom_id, operation_counts.hour_start_at, operation_counts.event_date
)

select * from final

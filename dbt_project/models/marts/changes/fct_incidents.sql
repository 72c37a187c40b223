with incidents as (
    select * from {{ ref('int_incidents_timed') }}
),

final as (
    select
        source,
        incident_id,
        title,
        service,
        urgency,
        deployment_id,
        started_at,
        detected_at,
        acknowledged_at,
        mitigated_at,
        resolved_at,
        resolved_at is null as is_open,
        case when resolved_at is null then {{ minutes_between('detected_at', as_of()) }} end as open_minutes,
        {{ minutes_between('started_at', 'detected_at') }} as time_to_detect_minutes,
        {{ minutes_between('detected_at', 'acknowledged_at') }} as time_to_acknowledge_minutes,
        {{ minutes_between('detected_at', 'mitigated_at') }} as time_to_mitigate_minutes,
        {{ minutes_between('detected_at', 'resolved_at') }} as time_to_resolve_minutes,
        case
            when started_at is null then 'not_recorded'
            when started_at > detected_at then 'wrong_order'
        end as no_time_to_detect_reason,
        {{ no_time_reason('acknowledged_at') }} as no_time_to_acknowledge_reason,
        {{ no_time_reason('mitigated_at') }} as no_time_to_mitigate_reason,
        {{ no_time_reason('resolved_at') }} as no_time_to_resolve_reason,
        {{ audit_columns() }}
    from incidents
)

select * from final

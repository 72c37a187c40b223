with incidents as (
    select * from {{ ref('int_incidents_timed') }}
),

final as (
    select
        source,
        incident_id,
        title,
        service,
        deployment_id,
        started_at,
        detected_at,
        acknowledged_at,
        mitigated_at,
        resolved_at,
        {{ minutes_between('started_at', 'detected_at') }} as time_to_detect_minutes,
        {{ minutes_between('detected_at', 'acknowledged_at') }} as time_to_acknowledge_minutes,
        {{ minutes_between('detected_at', 'mitigated_at') }} as time_to_mitigate_minutes,
        {{ minutes_between('detected_at', 'resolved_at') }} as time_to_resolve_minutes,
        {{ audit_columns() }}
    from incidents
)

select * from final

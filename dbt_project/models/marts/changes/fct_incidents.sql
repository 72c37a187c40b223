with incidents as (
    select * from {{ ref('int_incidents_timed') }}
),

attributed as (
    select * from {{ ref('int_incidents_attributed') }}
),

joined as (
    select
        incidents.*,
        attributed.deployment_id as attributed_deployment_id,
        attributed.deployment_finished_at,
        attributed.attribution,
        attributed.attribution_confidence,
        attributed.no_attribution_reason
    from incidents
    inner join attributed on incidents.source = attributed.source and incidents.incident_id = attributed.incident_id
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
        dated_at,
        acknowledged_at,
        mitigated_at,
        resolved_at,
        ended_at is null as is_open,
        case when ended_at is null then {{ minutes_between('dated_at', as_of()) }} end as open_minutes,
        {{ minutes_between('started_at', 'detected_at') }} as time_to_detect_minutes,
        {{ minutes_between('detected_at', 'acknowledged_at') }} as time_to_acknowledge_minutes,
        {{ minutes_between('detected_at', 'mitigated_at') }} as time_to_mitigate_minutes,
        {{ minutes_between('detected_at', 'resolved_at') }} as time_to_resolve_minutes,
        case
            when started_at is null or detected_at is null then 'not_recorded'
            when started_at > detected_at then 'wrong_order'
        end as no_time_to_detect_reason,
        {{ no_time_reason('acknowledged_at') }} as no_time_to_acknowledge_reason,
        {{ no_time_reason('mitigated_at') }} as no_time_to_mitigate_reason,
        {{ no_time_reason('resolved_at') }} as no_time_to_resolve_reason,
        attributed_deployment_id,
        attribution,
        cast(attribution_confidence as double) as attribution_confidence,
        no_attribution_reason,
        {{ minutes_between('deployment_finished_at', 'resolved_at') }} as time_to_recover_minutes,
        case
            when attributed_deployment_id is null then 'not_attributed'
            when deployment_finished_at is null then 'deployment_not_finished'
            else {{ no_stage_reason(
                'deployment_finished_at', 'resolved_at', "case when ended_at is null then 'open' else 'not_recorded' end"
            ) }}
        end as no_time_to_recover_reason,
        case
            when ended_at is null then {{ minutes_between('deployment_finished_at', as_of()) }}
        end as unrecovered_minutes,
        {{ audit_columns() }}
    from joined
)

select * from final

with entries as (
    select * from {{ ref('stg_lake__incidents') }}
),

ordered as (
    select
        *,
        row_number() over (partition by source, incident_id order by occurred_at desc, record_id desc) as place,
        max(case when entry_type = 'trigger' then occurred_at end) over (
            partition by source, incident_id
        ) as last_triggered_at,
        max(case when status != 'resolved' then occurred_at end) over (
            partition by source, incident_id
        ) as last_unresolved_at
    from entries
),

latest as (
    select * from ordered
    where place = 1
),

histories as (
    select
        source,
        incident_id,
        max(deployment_id) as deployment_id,
        min(occurred_at) as first_entry_at,
        min(started_at) as started_at,
        min(
            case
                when status = 'resolved' and (last_unresolved_at is null or occurred_at > last_unresolved_at)
                    then occurred_at
            end
        ) as called_resolved_at,
        coalesce(min(case when entry_type = 'trigger' then occurred_at end), min(created_at)) as detected_at,
        min(case when entry_type = 'acknowledge' then occurred_at end) as acknowledged_at,
        min(case when entry_type = 'mitigate' then occurred_at end) as mitigated_at,
        -- Triggered again after it was resolved: open until it is resolved again. Resolved only before it was ever
        -- triggered: over, in the wrong order.
        coalesce(
            min(
                case
                    when entry_type = 'resolve' and (last_triggered_at is null or occurred_at >= last_triggered_at)
                        then occurred_at
                end
            ),
            case
                when
                    max(case when entry_type = 'resolve' then occurred_at end)
                    < min(case when entry_type = 'trigger' then occurred_at end)
                    then max(case when entry_type = 'resolve' then occurred_at end)
            end
        ) as resolved_at
    from ordered
    group by source, incident_id
),

final as (
    select
        latest.source,
        latest.incident_id,
        latest.service,
        latest.title,
        latest.urgency,
        histories.deployment_id,
        histories.started_at,
        histories.detected_at,
        coalesce(histories.detected_at, histories.first_entry_at) as dated_at,
        histories.acknowledged_at,
        histories.mitigated_at,
        histories.resolved_at,
        -- Over by what its source calls it, though nobody said since when: by the first entry from which on it does.
        coalesce(
            histories.resolved_at, case when latest.status = 'resolved' then histories.called_resolved_at end
        ) as ended_at
    from latest
    inner join histories on latest.source = histories.source and latest.incident_id = histories.incident_id
)

select * from final

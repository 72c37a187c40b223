-- What belongs together is one problem: the same thing seen by another test or variant, other operations of a service
-- that got worse and better with it, errors and log lines of what is slow, and the log lines of requests that fail. The
-- clearest symptom leads and names the problem.
with episodes as (
    select
        *,
        row_number() over (
            order by
                case when problem_kind = 'log' then 1 else 0 end,
                evidence desc,
                episode_id asc
        ) as place
    from {{ ref('int_telemetry_episodes_located') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

pairs as (
    select
        episodes.episode_id,
        leaders.place as leader_place,
        -- Of several it could belong to, a log line is with its own service's, then with what came at the same time.
        case when episodes.problem_kind = 'log' then 1 else 0 end * (
            case when episodes.episode_id = leaders.episode_id then 1000000000.0 else 0 end
            + case when episodes.service != leaders.service then 1000000.0 else 0 end
            + case when leaders.problem_kind = 'log' then 100000.0 else 0 end
            + abs({{ hours_between('episodes.started_at', 'leaders.started_at') }})
            + abs({{ hours_between('episodes.ended_at', 'leaders.ended_at') }})
        ) as distance,
        case
            when episodes.episode_id = leaders.episode_id then true
            -- The same thing, close in time.
            when
                episodes.service = leaders.service
                and episodes.problem_kind = leaders.problem_kind
                and coalesce(episodes.operation_id, episodes.symptom_id)
                = coalesce(leaders.operation_id, leaders.symptom_id)
                then
                    episodes.started_at <= leaders.ended_at + ranking.bridge_days * interval 1 day
                    and leaders.started_at <= episodes.ended_at + ranking.bridge_days * interval 1 day
            -- The service's other things that got worse and better together with it.
            when
                episodes.service = leaders.service
                and abs({{ hours_between('episodes.started_at', 'leaders.started_at') }}) <= 48
                and (
                    (not episodes.is_over and not leaders.is_over)
                    or abs({{ hours_between('episodes.ended_at', 'leaders.ended_at') }}) <= 48
                )
                then true
            -- What is said in requests that fail, wherever they pass by.
            when episodes.problem_kind = 'log' and episodes.is_failing and leaders.problem_kind = 'error'
                then episodes.started_at < leaders.ended_at and leaders.started_at < episodes.ended_at
            else false
        end as is_together
    from episodes
    inner join episodes as leaders on episodes.place >= leaders.place
    cross join ranking
),

followed as (
    select episode_id, leader_place
    from (
        select
            episode_id,
            leader_place,
            row_number() over (partition by episode_id order by distance asc, leader_place asc) as choice
        from pairs
        where is_together
    ) as ordered
    where choice = 1
),

led as (
    -- Whoever one follows may follow somebody.
    select
        followed.episode_id,
        coalesce(leads_of_leads.leader_place, leads.leader_place, followed.leader_place) as leader_place
    from followed
    inner join episodes as leaders on followed.leader_place = leaders.place
    left join followed as leads on leaders.episode_id = leads.episode_id
    left join episodes as second_leaders on leads.leader_place = second_leaders.place
    left join followed as leads_of_leads on second_leaders.episode_id = leads_of_leads.episode_id
),

members as (
    select
        led.leader_place,
        episodes.*,
        leaders.service = episodes.service as is_same_service,
        leaders.problem_kind = episodes.problem_kind
        and coalesce(leaders.operation_id, leaders.symptom_id) = coalesce(episodes.operation_id, episodes.symptom_id)
            as is_same_thing
    from led
    inner join episodes on led.episode_id = episodes.episode_id
    inner join episodes as leaders on led.leader_place = leaders.place
),

merged as (
    select
        leader_place,
        min(case when is_same_thing and evidence >= leader_evidence / 10 then started_at end) as started_at,
        max(case when is_same_thing then ended_at end) as ended_at,
        bool_or(is_same_thing and not is_over) as is_ongoing,
        count(*) as evidence_count,
        array_agg(episode_id) as episode_ids,
        count(distinct case when is_same_service then operation_id end) as operation_count,
        max_by(template, evidence) filter (where problem_kind = 'log' and is_same_service and severity != 'WARN')
            as loudest_template,
        max_by(template, evidence) filter (where problem_kind = 'log' and is_same_service) as any_template
    from (
        select members.*, leaders.evidence as leader_evidence
        from members
        inner join episodes as leaders on members.leader_place = leaders.place
    ) as compared
    group by leader_place
),

final as (
    select
        md5(leaders.symptom_id || '|' || cast(cast(merged.started_at as date) as varchar)) as problem_id,
        leaders.symptom_id,
        leaders.problem_kind,
        leaders.test,
        leaders.operation_id,
        leaders.service,
        leaders.operation,
        leaders.span_kind,
        leaders.dependency,
        leaders.feature_flag,
        leaders.feature_variant,
        leaders.service_version,
        leaders.severity,
        coalesce(leaders.template, merged.loudest_template, merged.any_template) as template,
        leaders.has_spans,
        leaders.bucket,
        leaders.usual_ratio,
        leaders.bad_ratio,
        leaders.evidence,
        merged.started_at,
        merged.ended_at,
        merged.is_ongoing,
        merged.evidence_count,
        merged.episode_ids,
        merged.operation_count
    from merged
    inner join episodes as leaders on merged.leader_place = leaders.place
    -- Lines of failing requests without a problem of theirs: the failures were too few to count, so are the lines.
    where leaders.problem_kind != 'log' or not coalesce(leaders.is_failing, false)
)

select * from final

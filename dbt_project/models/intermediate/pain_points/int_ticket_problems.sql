-- Themes that only customers show: runs of days with more tickets about a service than usual, that no telemetry problem
-- explains. Subjects that rise together are one theme of their service.
with scanned as (
    select * from {{ ref('int_ticket_episodes_scanned') }}
),

days as (
    select
        *,
        extract(dayofweek from event_date) as weekday
    from {{ ref('int_ticket_symptoms_by_day') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

symptoms as (
    select distinct symptom_id, scope, service, subject_key
    from days
),

clear as (
    select
        scanned.symptom_id || '-' || scanned.round as episode_id,
        scanned.symptom_id,
        symptoms.service,
        symptoms.subject_key,
        scanned.first_date,
        scanned.last_date,
        scanned.evidence,
        scanned.observed / scanned.expected as factor,
        row_number() over (order by scanned.evidence desc, scanned.symptom_id asc, scanned.round asc) as place
    from scanned
    inner join symptoms on scanned.symptom_id = symptoms.symptom_id
    cross join ranking
    where
        -- Words nobody used before are no chance of the usual ones.
        scanned.evidence >= case
            when symptoms.scope = 'new subjects' then ranking.least_evidence else ranking.least_evidence_ticket
        end
        and scanned.observed >= scanned.expected * ranking.least_factor_ticket
        and scanned.observed - scanned.expected >= ranking.least_excess
),

-- Fewer people write on some days of the week: a silent Sunday says little.
weekdays as (
    select
        weekday,
        sum(observed) / count(distinct event_date) as ticket_count
    from days
    where scope = 'service'
    group by weekday
),

busyness as (
    select
        weekday,
        least(ticket_count / nullif(avg(ticket_count) over (), 0), 1.0) as share
    from weekdays
),

tails as (
    select
        clear.episode_id,
        sum(days.observed * ln(clear.factor) - days.expected * busyness.share * (clear.factor - 1)) as said_after
    from clear
    inner join days on clear.symptom_id = days.symptom_id and clear.last_date < days.event_date
    inner join busyness on days.weekday = busyness.weekday
    group by clear.episode_id
),

followed as (
    select episodes.episode_id, min(leaders.place) as leader_place
    from clear as episodes
    inner join clear as leaders
        on
            episodes.service = leaders.service
            and episodes.place >= leaders.place
    cross join ranking
    where
        episodes.first_date <= leaders.last_date + ranking.bridge_days * interval 1 day
        and leaders.first_date <= episodes.last_date + ranking.bridge_days * interval 1 day
    group by episodes.episode_id
),

merged as (
    select
        followed.leader_place,
        count(*) as evidence_count,
        bool_or(
            clear.symptom_id = leaders.symptom_id
            and coalesce(tails.said_after, 0) > -ranking.recovery_evidence
        ) as is_ongoing,
        min(case when clear.symptom_id = leaders.symptom_id then clear.first_date end) as first_date,
        max(case when clear.symptom_id = leaders.symptom_id then clear.last_date end) as last_date
    from followed
    inner join clear on followed.episode_id = clear.episode_id
    inner join clear as leaders on followed.leader_place = leaders.place
    left join tails on clear.episode_id = tails.episode_id
    cross join ranking
    group by followed.leader_place
),

final as (
    select
        md5('ticket|' || leaders.service || '|' || cast(merged.first_date as varchar)) as problem_id,
        leaders.symptom_id,
        leaders.service,
        leaders.subject_key,
        merged.first_date,
        merged.last_date,
        merged.is_ongoing,
        leaders.evidence,
        merged.evidence_count
    from merged
    -- Who follows somebody who follows somebody else is no leader: its theme is told there.
    inner join clear as leaders on merged.leader_place = leaders.place
    inner join followed on leaders.episode_id = followed.episode_id and leaders.place = followed.leader_place
)

select * from final

with problems as (
    select * from {{ ref('int_problems_united') }}
),

measures as (
    select * from {{ ref('int_problem_measures') }}
),

worths as (
    select * from {{ ref('int_problem_values') }}
),

changes as (
    select * from {{ ref('int_problem_changes') }}
),

scores as (
    select * from {{ ref('int_problems_scored') }}
),

states as (
    select * from {{ ref('int_problem_states') }}
),

history as (
    select *
    from {{ ref('stg_lake__state_history') }}
    where subject_kind = 'pain_point' and recorded_at < date_trunc('day', {{ as_of() }})
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

triage as (
    select * from {{ ref('stg_lake__triage') }}
),

latest as (
    select max(recorded_at) as recorded_at
    from history
),

-- What the last list of the days before said.
before as (
    select history.subject_id as problem_id, history.state, history.place
    from history
    inner join latest on history.recorded_at = latest.recorded_at
),

-- Where its rank goes with one weight moved: furthest with the first of these.
moved as (
    select
        problem_id,
        min(place) as rank_best,
        max(place) as rank_worst,
        max(case when choice = 1 and distance > 0 then moved_weight end) as rank_moved_by
    from (
        select
            scores.problem_id,
            scores.place,
            scores.moved_weight,
            abs(scores.place - base.place) as distance,
            row_number() over (
                partition by scores.problem_id
                order by abs(scores.place - base.place) desc, scores.moved_weight asc nulls last, scores.moved_by asc
            ) as choice
        from scores
        inner join scores as base on scores.problem_id = base.problem_id and base.moved_weight is null
    ) as ordered
    group by problem_id
),

told as (
    select
        problems.*,
        measures.account_count,
        measures.account_plan,
        measures.ticket_count,
        measures.affected_count,
        measures.budget_burnt_ratio,
        measures.coverage_ratio,
        measures.p95_before_ms,
        measures.p95_after_ms,
        measures.subject,
        worths.value_lost,
        worths.value_lost_low,
        worths.value_lost_high,
        worths.value_currency,
        worths.no_value_reason,
        changes.deployment_id,
        changes.service_version as named_version,
        changes.incident_id,
        changes.fix_deployment_id,
        changes.is_fix_effective,
        scores.place,
        scores.trend,
        scores.reach,
        scores.impact,
        scores.confidence,
        scores.effort,
        scores.score,
        scores.score_low,
        scores.score_high,
        scores.minutes_lost,
        scores.strategic_value,
        scores.assessment_author,
        scores.assessment_date,
        scores.assessment_reason,
        moved.rank_best,
        moved.rank_worst,
        moved.rank_moved_by,
        states.state,
        states.state_reason,
        states.initiative_id,
        states.milestone,
        states.due_on,
        states.verdict,
        states.owner_team,
        states.owner_email,
        before.state as state_before,
        before.place as rank_before,
        problems.service || coalesce(' ' || problems.operation, '')
        || case
            when problems.dependency is not null and problems.dependency != coalesce(problems.operation, '')
                then ' (' || problems.dependency || ')'
            else ''
        end as thing,
        coalesce(' for accounts with ' || problems.feature_flag || ' = ' || problems.feature_variant, '')
        || coalesce(' for accounts of plan ' || measures.account_plan, '') as whom,
        case
            when changes.deployment_id is not null
                then
                    ' since deployment ' || changes.deployment_id
                    || coalesce(' (' || {{ shown_version('changes.service_version') }} || ')', '')
            when problems.is_as_old_as_data then ' for as long as there is data'
            when (not problems.is_ongoing and cast(problems.started_at as date) = cast(problems.ended_at as date))
                then ' on ' || cast(cast(problems.started_at as date) as varchar)
            else ' since ' || cast(cast(problems.started_at as date) as varchar)
        end
        || case
            when problems.is_ongoing then ''
            when
                changes.deployment_id is null
                and cast(problems.started_at as date) = cast(problems.ended_at as date)
                then ''
            else ' until ' || cast(cast(problems.ended_at as date) as varchar)
        end as since,
        case
            when measures.account_count > 0 then {{ counted('measures.account_count', 'account') }}
            else {{ counted('measures.affected_count', 'request') }} || ' (accounts unknown)'
        end
        || ', ' || {{ counted('measures.ticket_count', 'ticket') }} as who_and_how_many
    from problems
    inner join measures on problems.problem_id = measures.problem_id
    inner join worths on problems.problem_id = worths.problem_id
    inner join changes on problems.problem_id = changes.problem_id
    inner join scores on problems.problem_id = scores.problem_id and scores.moved_weight is null
    inner join moved on problems.problem_id = moved.problem_id
    inner join states on problems.problem_id = states.problem_id
    left join before on problems.problem_id = before.problem_id
),

sentences as (
    select
        told.*,
        case told.problem_kind
            when 'latency' then told.thing || case when told.is_ongoing then ' slow' else ' was slow' end
            when 'error' then told.thing || case when told.is_ongoing then ' failing' else ' was failing' end
            when 'log' then told.service || ' logs "' || told.template || '"'
            else
                told.service || ': customers write '
                || coalesce('"' || told.subject || '"', 'more than usual, each in their own words')
        end
        || told.whom || told.since || ': ' || told.who_and_how_many
        || case
            when told.problem_kind = 'latency' and told.p95_before_ms is not null
                then ', ' || case when told.p95_after_ms >= told.p95_before_ms then '+' else '' end
                    || cast(cast(round(told.p95_after_ms - told.p95_before_ms) as bigint) as varchar) || ' ms at p95'
            when told.problem_kind = 'latency'
                then ', ' || cast(cast(round(told.p95_after_ms) as bigint) as varchar) || ' ms at p95'
            when told.problem_kind = 'error'
                then
                    ', ' || {{ percent('told.bad_ratio') }} || ' of requests fail (usually '
                    || {{ percent('told.usual_ratio') }} || ')'
            else ''
        end
        || ', owner ' || told.owner_team as title,
        'Rank ' || cast(told.place as varchar) || ' because it cost about '
        || {{ counted('cast(round(told.minutes_lost) as bigint)', 'minute') }}
        || case
            when told.value_lost > 0
                then
                    ' and ' || cast(cast(round(told.value_lost) as bigint) as varchar) || ' ' || told.value_currency
                    || ' that its journeys did not bring in'
            else ''
        end
        || ' and takes about ' || {{ one_decimal('told.effort') }} || ' days to change'
        || case
            when told.deployment_id is not null then ' (a deployment to take back)'
            when told.feature_flag is not null then ' (a flag to switch off)'
            else ''
        end
        || ': '
        || case
            when told.account_count > 0
                then
                    {{ counted('told.account_count', 'account') }} || ' lost '
                    || {{ one_decimal('told.minutes_lost / told.account_count') }} || ' minutes each'
            else {{ counted('told.affected_count', 'request') }} || ' stand in for accounts nobody named'
        end
        || case told.problem_kind
            when 'latency' then ', in ' || {{ counted('told.affected_count', 'slow request') }}
            when 'error' then ', in ' || {{ counted('told.affected_count', 'failed request') }}
            when 'log' then ', in ' || {{ counted('told.affected_count', 'record') }}
            else ''
        end
        || case
            when told.ticket_count = 0 then ''
            when told.problem_kind = 'ticket' then ', in ' || {{ counted('told.ticket_count', 'ticket') }}
            else ' and ' || {{ counted('told.ticket_count', 'ticket') }}
        end
        || '. ' || case when told.is_ongoing then 'It goes on' else 'It is over' end
        || case
            when told.is_fix_effective then ': deployment ' || told.fix_deployment_id || ' ended it'
            when not told.is_fix_effective
                then ', and deployment ' || told.fix_deployment_id || ', meant as a fix, did not help'
            when told.fix_deployment_id is not null
                then '; whether deployment ' || told.fix_deployment_id || ' helps is not known yet'
            else ''
        end
        || '. Confidence ' || cast(cast(round(told.confidence * 100) as bigint) as varchar) || ' %'
        || case when told.account_count = 0 then ' (no account is known)' else '' end
        || case when told.is_as_old_as_data then ' (it never was better, so nothing to compare with)' else '' end
        || case
            when told.problem_kind = 'log' and told.ticket_count < 3 then ' (no trace and no ticket shows harm)'
            else ''
        end
        || case
            when told.operation_count > 1
                then '. ' || cast(told.operation_count as varchar) || ' operations of ' || told.service || ' show it'
            else ''
        end
        || '.' as reason
    from told
),

final as (
    select
        cast(sentences.place as bigint) as rank,
        sentences.problem_id as pain_point_id,
        sentences.title,
        sentences.reason,
        sentences.problem_kind,
        sentences.service,
        sentences.operation,
        sentences.template,
        sentences.feature_flag,
        sentences.feature_variant,
        sentences.account_plan,
        sentences.dependency,
        sentences.deployment_id,
        sentences.named_version as service_version,
        sentences.incident_id,
        sentences.owner_team,
        sentences.owner_email,
        sentences.started_at,
        case when not sentences.is_ongoing then sentences.ended_at end as ended_at,
        sentences.ended_at as last_seen_at,
        case when sentences.is_ongoing then 'ongoing' else 'resolved' end as status,
        cast(floor({{ hours_between('sentences.started_at', as_of()) }} / 24) as bigint) as age_days,
        cast(sentences.account_count as bigint) as accounts,
        cast(sentences.affected_count as bigint) as requests_affected,
        cast(sentences.ticket_count as bigint) as tickets,
        sentences.minutes_lost,
        cast(sentences.budget_burnt_ratio as double) as budget_burnt_ratio,
        case
            when sentences.budget_burnt_ratio is not null then null
            when sentences.problem_kind in ('latency', 'error') then 'no_objective'
            else 'not_of_this_kind'
        end as no_budget_reason,
        sentences.minutes_lost * triage.price_per_minute as money_lost,
        case when triage.price_per_minute is not null then triage.currency end as currency,
        case when triage.price_per_minute is null then 'no_price_per_minute' end as no_money_reason,
        cast(sentences.value_lost as double) as value_lost,
        cast(sentences.value_lost_low as double) as value_lost_low,
        cast(sentences.value_lost_high as double) as value_lost_high,
        sentences.value_currency,
        sentences.no_value_reason,
        sentences.p95_before_ms,
        sentences.p95_after_ms,
        case when sentences.problem_kind = 'error' then sentences.usual_ratio end as error_ratio_before,
        case when sentences.problem_kind = 'error' then sentences.bad_ratio end as error_ratio_after,
        sentences.reach,
        sentences.impact,
        sentences.confidence,
        cast(sentences.effort as double) as effort,
        cast(sentences.coverage_ratio as double) as coverage_ratio,
        cast(sentences.strategic_value as double) as strategic_value,
        sentences.assessment_author,
        sentences.assessment_date,
        sentences.assessment_reason,
        sentences.score,
        cast(sentences.score_low as double) as score_low,
        cast(sentences.score_high as double) as score_high,
        cast(sentences.rank_best as bigint) as rank_best,
        cast(sentences.rank_worst as bigint) as rank_worst,
        sentences.rank_moved_by,
        sentences.rank_before,
        sentences.state,
        sentences.state_reason,
        sentences.state_before,
        sentences.initiative_id,
        sentences.milestone,
        sentences.due_on,
        sentences.verdict,
        sentences.trend,
        sentences.fix_deployment_id,
        sentences.is_fix_effective,
        cast(sentences.evidence_count as bigint) as evidence_count,
        {{ audit_columns('ranking.policy_digest || triage.policy_digest') }}
    from sentences
    cross join ranking
    cross join triage
)

select * from final

with problems as (
    select * from {{ ref('int_problems_united') }}
),

measures as (
    select * from {{ ref('int_problem_measures') }}
),

changes as (
    select * from {{ ref('int_problem_changes') }}
),

scores as (
    select * from {{ ref('int_problems_scored') }}
),

services as (
    select * from {{ ref('int_services_known') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

told as (
    select
        problems.*,
        measures.account_count,
        measures.ticket_count,
        measures.affected_count,
        measures.minutes_lost,
        measures.p95_before_ms,
        measures.p95_after_ms,
        measures.subject,
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
        services.owner_team,
        services.owner_email,
        problems.service || coalesce(' ' || problems.operation, '')
        || case
            when problems.dependency is not null and problems.dependency != coalesce(problems.operation, '')
                then ' (' || problems.dependency || ')'
            else ''
        end as thing,
        coalesce(' for accounts with ' || problems.feature_flag || ' = ' || problems.feature_variant, '') as whom,
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
    inner join changes on problems.problem_id = changes.problem_id
    inner join scores on problems.problem_id = scores.problem_id
    inner join services on problems.service = services.service
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
                    || {{ one_decimal('told.impact') }} || ' minutes each'
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
        sentences.dependency,
        sentences.deployment_id,
        sentences.named_version as service_version,
        sentences.incident_id,
        sentences.owner_team,
        sentences.owner_email,
        sentences.started_at,
        case when not sentences.is_ongoing then sentences.ended_at end as ended_at,
        case when sentences.is_ongoing then 'ongoing' else 'resolved' end as status,
        cast(floor({{ hours_between('sentences.started_at', as_of()) }} / 24) as bigint) as age_days,
        cast(sentences.account_count as bigint) as accounts,
        cast(sentences.affected_count as bigint) as requests_affected,
        cast(sentences.ticket_count as bigint) as tickets,
        sentences.minutes_lost,
        sentences.p95_before_ms,
        sentences.p95_after_ms,
        case when sentences.problem_kind = 'error' then sentences.usual_ratio end as error_ratio_before,
        case when sentences.problem_kind = 'error' then sentences.bad_ratio end as error_ratio_after,
        sentences.reach,
        sentences.impact,
        sentences.confidence,
        cast(sentences.effort as double) as effort,
        sentences.score,
        sentences.trend,
        sentences.fix_deployment_id,
        sentences.is_fix_effective,
        cast(sentences.evidence_count as bigint) as evidence_count,
        {{ audit_columns('ranking.policy_digest') }}
    from sentences
    cross join ranking
)

select * from final

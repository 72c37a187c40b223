{%- set grain = ['source', 'survey', 'question', 'audience', 'wave_start_date', 'score_min', 'score_max'] -%}

with answers as (
    select
        *,
        cast(occurred_at as date) as answer_date
    from {{ ref('stg_lake__surveys') }}
),

rules as (
    select * from {{ ref('stg_lake__survey_rules') }}
),

days as (
    select distinct source, survey, answer_date from answers
),

parted as (
    select
        *,
        lag(answer_date) over (partition by source, survey order by answer_date asc) as date_before
    from days
),

numbered as (
    select
        parted.source,
        parted.survey,
        parted.answer_date,
        sum(
            case
                when {{ days_between('parted.date_before', 'parted.answer_date') }} - 1 <= rules.wave_gap_days then 0
                else 1
            end
        ) over (
            partition by parted.source, parted.survey order by parted.answer_date asc rows unbounded preceding
        ) as wave_number
    from parted
    cross join rules
),

waves as (
    select
        source,
        survey,
        answer_date,
        min(answer_date) over (partition by source, survey, wave_number) as wave_start_date,
        max(answer_date) over (partition by source, survey, wave_number) as wave_end_date
    from numbered
),

placed as (
    select
        answers.source,
        coalesce(answers.survey, 'unknown') as survey,
        coalesce(answers.question, 'unknown') as question,
        coalesce(answers.audience, 'unknown') as audience,
        coalesce(answers.team, 'unknown') as team,
        waves.wave_start_date,
        waves.wave_end_date,
        answers.score_min,
        answers.score_max,
        answers.score,
        case
            when answers.score is not null then coalesce(answers.respondent, answers.response_id, answers.record_id)
        end as scorer,
        case when answers.body != '' then 1 else 0 end as comment_count
    from answers
    inner join waves
        on
            answers.source = waves.source
            and answers.survey is not distinct from waves.survey
            and answers.answer_date = waves.answer_date
),

by_team as (
    select
        {{ grain | join(', ') }},
        team,
        max(wave_end_date) as wave_end_date,
        count(*) as answer_count,
        count(score) as score_count,
        count(distinct scorer) as respondent_count,
        cast(sum(comment_count) as bigint) as comment_count,
        round(sum(score), 6) as score_sum
    from placed
    group by {{ grain | join(', ') }}, team
),

all_teams as (
    select
        {{ grain | join(', ') }},
        'all' as team,
        max(wave_end_date) as wave_end_date,
        count(*) as answer_count,
        count(score) as score_count,
        count(distinct scorer) as respondent_count,
        cast(sum(comment_count) as bigint) as comment_count,
        round(sum(score), 6) as score_sum
    from placed
    group by {{ grain | join(', ') }}
),

withheld as (
    -- What is told of all, less what is told of the teams, would tell of these.
    select
        {{ grain | join(', ') }},
        sum(
            case when by_team.respondent_count < rules.min_respondents then by_team.respondent_count else 0 end
        ) as withheld_count
    from by_team
    cross join rules
    group by {{ grain | join(', ') }}
),

counted as (
    select
        by_team.*,
        0 as withheld_count
    from by_team
    union all
    select
        all_teams.*,
        withheld.withheld_count
    from all_teams
    inner join withheld
        on
            {{ same_keys('all_teams', 'withheld', ['source', 'survey', 'question', 'audience', 'wave_start_date']) }}
            and all_teams.score_min is not distinct from withheld.score_min
            and all_teams.score_max is not distinct from withheld.score_max
),

judged as (
    select
        counted.*,
        rules.policy_digest,
        case
            when counted.score_count = 0 then 'words_only'
            when counted.respondent_count < rules.min_respondents then 'too_few_respondents'
            when counted.withheld_count > 0 and counted.withheld_count < rules.min_respondents then 'tells_of_few'
        end as no_score_reason
    from counted
    cross join rules
),

final as (
    select
        source,
        survey,
        question,
        audience,
        team,
        wave_start_date,
        wave_end_date,
        score_min,
        score_max,
        answer_count,
        respondent_count,
        comment_count,
        case when no_score_reason is null then score_count end as told_score_count,
        case when no_score_reason is null then score_sum end as told_score_sum,
        case when no_score_reason is null then score_sum / score_count end as mean_score,
        -- On a scale of 0 to 1, so that surveys with other scales can be laid side by side.
        case
            when no_score_reason is null
                then {{ ratio('(score_sum / score_count - score_min)', '(score_max - score_min)') }}
        end as mean_score_ratio,
        no_score_reason,
        {{ audit_columns('policy_digest') }}
    from judged
)

select * from final

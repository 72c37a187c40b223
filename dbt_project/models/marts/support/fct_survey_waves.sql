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

counted as (
    select
        answers.source,
        answers.survey,
        coalesce(answers.question, 'unknown') as question,
        answers.audience,
        coalesce(answers.team, 'unknown') as team,
        waves.wave_start_date,
        waves.wave_end_date,
        answers.score_min,
        answers.score_max,
        count(*) as answer_count,
        count(answers.score) as score_count,
        count(
            distinct case
                when answers.score is not null
                    then coalesce(answers.respondent, answers.response_id, answers.record_id)
            end
        ) as respondent_count,
        sum(case when answers.body is not null and answers.body != '' then 1 else 0 end) as comment_count,
        sum(answers.score) as score_sum
    from answers
    inner join waves
        on
            answers.source = waves.source
            and answers.survey is not distinct from waves.survey
            and answers.answer_date = waves.answer_date
    group by
        answers.source, answers.survey, coalesce(answers.question, 'unknown'), answers.audience,
        coalesce(answers.team, 'unknown'), waves.wave_start_date, waves.wave_end_date, answers.score_min,
        answers.score_max
),

final as (
    select
        counted.source,
        coalesce(counted.survey, 'unknown') as survey,
        counted.question,
        coalesce(counted.audience, 'unknown') as audience,
        counted.team,
        counted.wave_start_date,
        counted.wave_end_date,
        counted.score_min,
        counted.score_max,
        counted.answer_count,
        counted.respondent_count,
        cast(counted.comment_count as bigint) as comment_count,
        case when counted.respondent_count >= rules.min_respondents then counted.score_count end as told_score_count,
        case when counted.respondent_count >= rules.min_respondents then counted.score_sum end as told_score_sum,
        case
            when counted.respondent_count >= rules.min_respondents then counted.score_sum / counted.score_count
        end as mean_score,
        -- On a scale of 0 to 1, so that surveys with other scales can be laid side by side.
        case
            when counted.respondent_count >= rules.min_respondents
                then
                    {{ ratio(
                        'counted.score_sum / counted.score_count - counted.score_min',
                        'counted.score_max - counted.score_min'
                    ) }}
        end as mean_score_ratio,
        case
            when counted.score_count = 0 then 'words_only'
            when counted.respondent_count < rules.min_respondents then 'too_few_respondents'
        end as no_score_reason,
        {{ audit_columns('rules.policy_digest') }}
    from counted
    cross join rules
)

select * from final

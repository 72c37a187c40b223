{# Identifies an operation: service, name, kind and what it calls. #}
{% macro operation_id(relation) -%}
    md5(
        {{ relation }}.service || '|' || {{ relation }}.operation || '|' || {{ relation }}.span_kind
        || '|' || coalesce({{ relation }}.dependency, '')
    )
{%- endmacro %}


{# Whether a time is among those the list looks at; needs `ranking` in scope. `day`: the column with its day, if there
   is one; days before are then not even read, and a year of them costs what the window does. #}
{% macro in_window(time, day=none) -%}
    {%- set first = as_of() ~ ' - ranking.window_days * interval 1 day' -%}
    {{ time }} < {{ as_of() }}
    and {{ time }} >= {{ first }}
    {%- if day %}
    and {{ day }} >= cast({{ first }} as date)
    {%- endif %}
{%- endmacro %}


{# Nanosecond bucket of so many milliseconds. #}
{% macro bucket_of_ms(milliseconds) -%}
    (64.0 * log2(({{ milliseconds }}) * 1000000.0))
{%- endmacro %}


{# The words of a text without numbers, ids, short codes and signs: what two shapes of one line have in common. #}
{% macro letters_of(text) -%}
    {{ replace_pattern(replace_pattern('lower(' ~ text ~ ')', '[^a-z]+', ' '), '\\b[a-z]{1,2}\\b *', '') }}
{%- endmacro %}


{# Identifies a kind of log line: service, severity and the words all its templates share. #}
{% macro log_symptom_id(relation) -%}
    md5({{ relation }}.service || '|' || {{ relation }}.severity || '|' || {{ letters_of(relation ~ '.template') }})
{%- endmacro %}


{# Pieces of sentences. #}
{% macro counted(number, noun) -%}
    cast({{ number }} as varchar) || case when {{ number }} = 1 then ' {{ noun }}' else ' {{ noun }}s' end
{%- endmacro %}

{% macro percent(ratio) -%}
    cast(cast(round({{ ratio }} * 100, 1) as decimal(5, 1)) as varchar) || ' %'
{%- endmacro %}

{% macro one_decimal(number) -%}
    cast(cast(round({{ number }}, 1) as decimal(18, 1)) as varchar)
{%- endmacro %}

{% macro shown_version(version) -%}
    case when {{ has_pattern(version, "'^[0-9]'") }} then 'v' || {{ version }} else {{ version }} end
{%- endmacro %}


{# Which block of five days since the first a date is in. #}
{% macro five_day_block(first_date, date) -%}
    cast(floor({{ days_between(first_date, date) }} / 5) as integer)
{%- endmacro %}


{# Whether a description of pain points (of an assessment or initiative) fits a problem; `said`: its own words. #}
{% macro is_meant(rule, problem, said) -%}
    {%- for rule_column, column in [
        ('pain_point_id', 'problem_id'), ('service', 'service'), ('operation', 'operation'),
        ('problem_kind', 'problem_kind'), ('feature_flag', 'feature_flag'),
    ] %}
    ({{ rule }}.{{ rule_column }} is null or {{ rule }}.{{ rule_column }} = {{ problem }}.{{ column }}) and
    {%- endfor %}
    ({{ rule }}.theme is null or {{ said }} like '%' || lower({{ rule }}.theme) || '%')
{%- endmacro %}


{# 95 % limits of the mean of a Poisson count, Byar's approximation: Breslow and Day, Statistical Methods in Cancer
   Research II (1987), page 69. At counts from 1 on at most 2 % off the exact ones. #}
{% macro poisson_low(count) -%}
    ({{ count }} * power(1 - 1.0 / (9 * {{ count }}) - {{ normal_quantile() }} / (3 * sqrt({{ count }})), 3))
{%- endmacro %}

{% macro poisson_high(count) -%}
    (
        ({{ count }} + 1)
        * power(1 - 1.0 / (9 * ({{ count }} + 1)) + {{ normal_quantile() }} / (3 * sqrt({{ count }} + 1)), 3)
    )
{%- endmacro %}

{# The few things engines say differently; everything else is portable SQL. #}

{% macro text_list(expression, order_by, separator=', ') -%}
    {{ return(adapter.dispatch('text_list')(expression, order_by, separator)) }}
{%- endmacro %}

{% macro default__text_list(expression, order_by, separator) -%}
    string_agg({{ expression }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}

{% macro spark__text_list(expression, order_by, separator) -%}
    array_join(transform(sort_array(collect_list(struct({{ order_by }} as col1, {{ expression }} as col2))), x -> x.col2), '{{ separator }}')
{%- endmacro %}


{# All columns of a row as one text; `relation`: its alias. #}
{% macro row_text(relation) -%}
    {{ return(adapter.dispatch('row_text')(relation)) }}
{%- endmacro %}

{% macro default__row_text(relation) -%}
    cast({{ relation }} as varchar)
{%- endmacro %}

{% macro spark__row_text(relation) -%}
    to_json(struct({{ relation }}.*))
{%- endmacro %}


{% macro replace_pattern(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_pattern')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro default__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{% macro spark__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}


{% macro has_pattern(text, pattern) -%}
    {{ return(adapter.dispatch('has_pattern')(text, pattern)) }}
{%- endmacro %}

{% macro default__has_pattern(text, pattern) -%}
    regexp_matches({{ text }}, {{ pattern }})
{%- endmacro %}

{% macro spark__has_pattern(text, pattern) -%}
    ({{ text }} rlike {{ pattern }})
{%- endmacro %}


{# One row per calendar day, `event_date`, of a relation with first_date and last_date. #}
{% macro calendar(relation) -%}
    {{ return(adapter.dispatch('calendar')(relation)) }}
{%- endmacro %}

{% macro default__calendar(relation) -%}
    select cast(unnest(generate_series(first_date, last_date, interval 1 day)) as date) as event_date
    from {{ relation }}
{%- endmacro %}

{% macro spark__calendar(relation) -%}
    select explode(sequence(first_date, last_date, interval 1 day)) as event_date
    from {{ relation }}
{%- endmacro %}


{# Hours from one time to another, with fraction. #}
{% macro hours_between(earlier, later) -%}
    {{ return(adapter.dispatch('hours_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__hours_between(earlier, later) -%}
    ((epoch({{ later }}) - epoch({{ earlier }})) / 3600.0)
{%- endmacro %}

{% macro spark__hours_between(earlier, later) -%}
    ((cast({{ later }} as double) - cast({{ earlier }} as double)) / 3600.0)
{%- endmacro %}


{# One row per word of a text, `word`, of a relation; its other columns stay. #}
{% macro words_of(relation, text) -%}
    {{ return(adapter.dispatch('words_of')(relation, text)) }}
{%- endmacro %}

{% macro default__words_of(relation, text) -%}
    select *, unnest(string_split_regex(lower({{ text }}), '[^a-z]+')) as word
    from {{ relation }}
{%- endmacro %}

{% macro spark__words_of(relation, text) -%}
    select *, explode(split(lower({{ text }}), '[^a-z]+')) as word
    from {{ relation }}
{%- endmacro %}


{# Whole days from one date to another. #}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    datediff('day', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}


{# One row per attribute of the rows of a relation, `attribute` and `attribute_value`; its other columns stay. #}
{% macro attributes_of(relation) -%}
    {{ return(adapter.dispatch('attributes_of')(relation)) }}
{%- endmacro %}

{% macro default__attributes_of(relation) -%}
    select *, pair.key as attribute, pair.value as attribute_value
    from (select *, unnest(attributes) as pair from {{ relation }}) as one
    where pair.value is not null
{%- endmacro %}

{% macro spark__attributes_of(relation) -%}
    select *, pair.key as attribute, pair.value as attribute_value
    from (select *, explode(attributes) as pair from {{ relation }}) as one
    where pair.value is not null
{%- endmacro %}


{# What follows a prefix in the first tag of a list that begins with it; null where none does. #}
{% macro tag_after(tags, prefix) -%}
    nullif(substr({{ adapter.dispatch('first_tag')(tags, prefix) }}, length({{ prefix }}) + 1), '')
{%- endmacro %}

{% macro default__first_tag(tags, prefix) -%}
    list_filter({{ tags }}, lambda tag: starts_with(tag, {{ prefix }}))[1]
{%- endmacro %}

{% macro spark__first_tag(tags, prefix) -%}
    get(filter({{ tags }}, tag -> startswith(tag, {{ prefix }})), 0)
{%- endmacro %}


{# The day that a text begins with, as people and systems write it (2026-12-15, 2026-12-15T08:00:00Z); null: none. #}
{% macro day_told(text) -%}
    try_cast(substr({{ text }}, 1, 10) as date)
{%- endmacro %}


{# Whole minutes from 1970 (UTC) to a time; windows and periods are compared as numbers of them. #}
{% macro minute_of(time) -%}
    {{ return(adapter.dispatch('minute_of')(time)) }}
{%- endmacro %}

{% macro default__minute_of(time) -%}
    cast(floor(epoch({{ time }}) / 60) as bigint)
{%- endmacro %}

{% macro spark__minute_of(time) -%}
    cast(floor(cast({{ time }} as double) / 60) as bigint)
{%- endmacro %}


{# The time of so many minutes from 1970 (UTC). #}
{% macro time_of_minute(minute) -%}
    {{ return(adapter.dispatch('time_of_minute')(minute)) }}
{%- endmacro %}

{% macro default__time_of_minute(minute) -%}
    to_timestamp(({{ minute }}) * 60)
{%- endmacro %}

{% macro spark__time_of_minute(minute) -%}
    timestamp_seconds(({{ minute }}) * 60)
{%- endmacro %}


{# The value of one attribute of a list of them; null where it is not there. #}
{% macro attribute_of(attributes, key) -%}
    {{ return(adapter.dispatch('attribute_of')(attributes, key)) }}
{%- endmacro %}

{% macro default__attribute_of(attributes, key) -%}
    list_filter({{ attributes }}, lambda pair: pair.key = '{{ key }}')[1].value
{%- endmacro %}

{% macro spark__attribute_of(attributes, key) -%}
    get(filter({{ attributes }}, pair -> pair.key = '{{ key }}'), 0).value
{%- endmacro %}


{# Whether two lists have an element in common. #}
{% macro lists_overlap(one, other) -%}
    {{ return(adapter.dispatch('lists_overlap')(one, other)) }}
{%- endmacro %}

{% macro default__lists_overlap(one, other) -%}
    list_has_any({{ one }}, {{ other }})
{%- endmacro %}

{% macro spark__lists_overlap(one, other) -%}
    arrays_overlap({{ one }}, {{ other }})
{%- endmacro %}

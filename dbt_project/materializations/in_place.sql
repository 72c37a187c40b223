{#
    Tables and views take the place of those before in the transaction that makes them. The adapter's own are made under
    another name, and then renamed, as the one before is, which is dropped in a transaction of its own: a sixth of a
    build. A build that fails leaves what was there either way.
#}
{% materialization table, adapter='duckdb' %}
    {%- set relation = this.incorporate(type='table') -%}
    {{ return(made_in_place(relation, create_table_as(false, relation, compiled_code))) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set relation = this.incorporate(type='view') -%}
    {{ return(made_in_place(relation, get_create_view_as_sql(relation, compiled_code))) }}
{% endmaterialization %}

{% macro made_in_place(relation, creation) %}
    {%- set existing = load_cached_relation(relation) -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}
    {% call statement('main') -%}
        {% if existing %}drop {{ existing.type }} if exists {{ existing }};{% endif %}
        {{ creation }}
    {%- endcall %}
    {% do persist_docs(relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{# Of every column that is described: contracts hold that it exists, which the adapter's own asks the database. #}
{% macro duckdb__alter_column_comment(relation, column_dict) %}
    {% for name, column in column_dict.items() %}
        comment on column {{ relation }}.{{ adapter.quote(name) if column['quote'] else name }}
            is {{ duckdb_escape_comment(column['description']) }};
    {% endfor %}
{% endmacro %}
